// The programs of docs/cpp.md and docs/keras.md: what stands there between two of these marks is
// the same, line by line (tests/snippets.py).
#include <atomic>
#include <cstdio>
#include <thread>

#include "testing.hpp"

class snippets : public in_directory {};

namespace {

// [module]
struct dense : ckpt::module {
    using ckpt::module::module;                             // dense(parent, "name"), or dense(place)
    ckpt::variable<float> kernel{*this, "kernel", {1, 5}};  // zeros, float32, saved as …/kernel
    ckpt::variable<float> bias{*this, "bias", {5}};
};

struct model : ckpt::module {
    dense l1{*this, "l1"};
    ckpt::list<dense> more{*this, "more"};                 // more/0, more/1, … as a Python list
    ckpt::variable<std::int64_t> step{*this, "step", {}};  // a scalar
};
// [end]

// [in place]
struct simulation : ckpt::module {
    std::vector<double> field = std::vector<double>(1000);
    std::vector<std::array<float, 2>> particles;
    float rotation[3][3] = {};
    std::int64_t step = 0;

    simulation() {
        track("field", field, {10, 100});  // always of shape [10, 100]
        track("particles", particles);     // shape [n, 2], as many as there are when it is saved
        track("rotation", rotation);       // shape [3, 3]
        track("step", step);               // a scalar
    }
};
// [end]

// [layer]
struct sized : ckpt::module {
    sized(const ckpt::place &at, std::int64_t inputs, std::int64_t outputs)
        : ckpt::module(at), kernel(*this, "kernel", {inputs, outputs}) {}
    ckpt::variable<float> kernel;
};

struct tower : ckpt::module {
    sized first{{*this, "first"}, 3, 4};
    ckpt::list<sized> rest{*this, "rest"};
    tower() {
        for (std::int64_t width : {5, 6, 7}) rest.emplace_back(width - 1, width);
    }
};
// [end]

// [initialize]
void ones(ckpt::span<float> values) {
    for (float &value : values) value = 1;
}

struct scaled : ckpt::module {
    ckpt::variable<float> scale{*this, "scale", {3}, ones};  // ones, or what a restore has for it
    ckpt::variable<float> shift{*this, "shift", {3}};

    explicit scaled(const ckpt::place &at) : ckpt::module(at) {
        shift.initialize(ones);  // the same: only if it was not restored
        if (!shift.was_restored()) std::printf("a new one\n");
    }
};
// [end]

// [structs]
struct layer {
    ckpt::array<float> kernel;  // values with a shape
    std::vector<float> bias;    // values
    CHECKPOINT_MEMBERS(kernel, bias)
};

struct norm {
    std::vector<float> gamma, beta, moving_mean, moving_variance;
    CHECKPOINT_MEMBERS(gamma, beta, moving_mean, moving_variance)
};

struct keras_net {
    layer conv;
    norm bn;
    layer head;
    CHECKPOINT_NUMBERED("layer_with_weights-", conv, bn, head)
};
// [end]

// [keras 3]
struct keras3_dense {
    ckpt::array<float> kernel;  // takes the shape that the checkpoint has
    std::vector<float> bias;

    template <typename Visitor>
    void members(Visitor &visit) {
        visit("_kernel", kernel);
        visit("bias", bias);
    }
};
struct keras3_net {
    keras3_dense hidden, head;
    norm batch_normalization;

    template <typename Visitor>
    void members(Visitor &visit) {
        visit("1", hidden);  // 0 is the input
        visit("2", batch_normalization);
        visit("3", head);
    }
};
// [end]

// [state]
class generator {
   public:
    std::uint64_t seed = 1, position = 0;

    void save(ckpt::sink &into) const {
        into.put("seed", seed);
        into.put("position", position);
    }
    void restore(const ckpt::source &from) {
        seed = from.at("seed").value<std::uint64_t>();
        position = from.at("position").value<std::uint64_t>();
    }
};

struct game : ckpt::module {
    generator dice;
    ckpt::state dice_state{*this, "dice", dice};  // or two functions in place of the object
};
// [end]

}  // namespace

TEST_F(snippets, reading) {
    // [reading]
    ckpt::reader reader("tests/data/guide");  // a directory, a prefix, an .index file …
    for (const ckpt::tensor &tensor : reader) {
        std::printf("%s %s\n", std::string(tensor.key()).c_str(), std::string(ckpt::name(tensor.dtype())).c_str());
    }
    const ckpt::tensor kernel = reader.at("net/l1/kernel");
    std::vector<float> values = kernel.read<float>();                       // all of it, row-major
    std::vector<float> part = kernel.read_slice<float>({{0, 1}, {-1, 2}});  // all rows, 2 columns from 1 on
    float matrix[1][5];
    kernel.read_into(matrix);  // into memory of your own
    // [end]
    EXPECT_EQ(values.size(), 5u);
    EXPECT_EQ(part[0], values[1]);
    EXPECT_EQ(matrix[0][4], values[4]);
}

TEST_F(snippets, keras_3) {
    // [loading keras 3]
    keras3_net net;
    ckpt::load("tests/data/keras3", net, ckpt::restore_options().subtree("model/_functional/_operations"));
    // [end]
    // The fixture has these values under an optimizer's keys, and by the names of Keras' variables.
    const ckpt::reader reader(fixture("keras3"));
    EXPECT_FALSE(reader.contains(value_key("model/_functional/_operations/1/_kernel")));
    EXPECT_EQ(net.hidden.kernel.shape(), ckpt::shape_view({4, 3}));
    EXPECT_TRUE(
        std::equal(net.hidden.kernel.begin(), net.hidden.kernel.end(), reader.read<float>("sequential/dense/kernel").begin()));
    EXPECT_EQ(net.batch_normalization.gamma, reader.read<float>("sequential/batch_normalization/gamma"));
    EXPECT_EQ(net.head.bias, reader.read<float>("sequential/dense_1/bias"));
}

TEST_F(snippets, errors) {
    // [errors]
    try {
        ckpt::reader reader("run/model");
    } catch (const ckpt::error &error) {
        if (error.code() != ckpt::code::not_found) throw;
        std::printf("%s\n", error.what());  // names the file, the tensor, what was expected and what was found
    }
    // [end]
}

TEST_F(snippets, writing) {
    const std::string prefix = in("model");
    // [writing]
    const std::vector<float> weights = {1, 2, 3, 4, 5, 6};
    ckpt::writer writer(prefix, ckpt::write_options().shards(2));
    writer.add("net/kernel", {2, 3}, weights);                 // borrowed until finish() has returned
    writer.add("net/bias", {3}, std::vector<float>{0, 0, 0});  // the writer's own
    writer.add("step", std::int64_t{100});
    writer.add_strings("labels", {2}, std::vector<std::string>{"cat", "dog"});
    writer.finish();  // written, synced, published at one stroke
    // [end]
    EXPECT_EQ(ckpt::reader(prefix).size(), 4u);
}

TEST_F(snippets, saving) {
    const std::string directory = in("run");
    // [saving]
    model program;
    const ckpt::checkpoint checkpoint(program);
    program.step.value() = 10;
    checkpoint.save(directory + "/ckpt");  // ckpt-1, and the state file says so

    model again;
    const ckpt::status status = ckpt::checkpoint(again).restore(directory);  // the latest
    status.assert_consumed();                                                // everything was there, on both sides
    // [end]
    EXPECT_EQ(again.step.value(), 10);
    EXPECT_EQ(program.l1.kernel.size(), 5u);
}

TEST_F(snippets, in_place) {
    simulation program;
    program.field[7] = 1;
    program.particles = {{{1, 2}}, {{3, 4}}};
    const std::string prefix = ckpt::checkpoint(program).write(in("x"));
    program.field[7] = 0;
    program.particles.clear();
    ckpt::checkpoint(program).read(prefix).assert_consumed();
    EXPECT_EQ(program.field[7], 1);
    EXPECT_EQ(program.particles[1][1], 4);
}

TEST_F(snippets, layer) {
    tower program;
    ckpt::checkpoint(program).write(in("x"));
    EXPECT_EQ(ckpt::reader(in("x")).at(value_key("rest/2/kernel")).shape(), ckpt::shape_view({6, 7}));
}

TEST_F(snippets, initialize) {
    ckpt::module program;
    scaled first({program, "a"});
    EXPECT_EQ(first.scale[2] + first.shift[2], 2);
    first.shift[2] = 7;
    ckpt::checkpoint(program).write(in("x"));
    ckpt::module again;
    const ckpt::status status = ckpt::checkpoint(again).read(in("x"));
    scaled late({again, "a"});
    EXPECT_EQ(late.shift[2], 7);
    status.assert_consumed();
}

TEST_F(snippets, loading) {
    // [loading]
    keras_net net;
    const ckpt::report report = ckpt::load("tests/data/tf_keras_net", net);  // what tf_keras wrote
    std::printf("%lld x %lld\n", static_cast<long long>(net.head.kernel.shape()[0]),
                static_cast<long long>(net.head.bias.size()));
    // [end]
    EXPECT_EQ(report.count(ckpt::row_state::restored), 8u);
    EXPECT_EQ(net.head.kernel.size(), 54u);
}

TEST_F(snippets, report) {
    {
        model program;
        ckpt::checkpoint(program).save(in("ckpt"));
    }
    const std::string directory = this->directory();
    // [report]
    model program;
    program.more.emplace_back();  // not in the checkpoint
    const ckpt::status status = ckpt::checkpoint(program).restore(directory, ckpt::restore_options().exclude("l1/**"));
    for (const ckpt::row &row : status.report()) {
        if (row.state() == ckpt::row_state::restored) continue;
        std::printf("%s: %s\n", std::string(row.path()).c_str(), std::string(ckpt::name(row.state())).c_str());
    }
    status.expect_partial();  // no warning about what was not used
    // [end]
    EXPECT_EQ(status.report().count(ckpt::row_state::missing), 2u);
}

TEST_F(snippets, slots) {
    // [slots]
    model program;
    ckpt::slot_owner adam(program, "optimizer");
    ckpt::variable<float> &m = adam.slot("m", program.l1.kernel);  // made now, restored if a value waits for it
    m[0] = 0.5f;
    // [end]
    ckpt::checkpoint(program).write(in("x"));
    EXPECT_TRUE(ckpt::reader(in("x")).contains(value_key("l1/kernel/.OPTIMIZER_SLOT/optimizer/m")));
}

TEST_F(snippets, state) {
    game program;
    program.dice.position = 5;
    ckpt::checkpoint(program).write(in("x"));
    program.dice.position = 6;
    ckpt::checkpoint(program).read(in("x")).assert_consumed();
    EXPECT_EQ(program.dice.position, 5u);
}

TEST_F(snippets, graph) {
    const std::string prefix = in("x");
    // [graph]
    ckpt::graph graph;
    const ckpt::node root = graph.add_object(), layers = graph.add_list();
    graph.track(root, "layers", layers);
    auto weights = std::make_shared<std::vector<float>>(6);
    const ckpt::node kernel = graph.add_borrowed({2, 3}, *weights, [weights] {});  // keeps the vector until it is released
    graph.list_append(layers, kernel);
    graph.track(root, "seen", graph.add_owned(ckpt::dtype::int64, {}));  // memory of the graph's own
    ckpt::checkpoint(graph, root).write(prefix);
    // [end]
    EXPECT_TRUE(ckpt::reader(prefix).contains(value_key("layers/0")));
}

TEST_F(snippets, manager) {
    const std::string directory = in("run");
    // [manager]
    model program;
    const ckpt::checkpoint checkpoint(program);
    const ckpt::manager manager(checkpoint, directory, ckpt::manager_options().max_to_keep(3));
    if (const auto resumed = manager.restore_or_initialize()) {
        std::printf("going on from %s\n", resumed->path.c_str());
    }
    while (program.step.value() < 50) {
        program.step.value()++;
        if (program.step.value() % 10 == 0) manager.save();
    }
    for (const std::string &path : manager) std::printf("%s\n", path.c_str());  // the last three
    // [end]
    EXPECT_EQ(manager.checkpoints().size(), 3u);
}

TEST_F(snippets, background) {
    const std::string directory = in("background");
    // [background]
    model program;
    const ckpt::checkpoint checkpoint(program);
    const ckpt::manager manager(checkpoint, directory, ckpt::manager_options().max_to_keep(3));
    while (program.step.value() < 50) {
        program.step.value()++;
        if (program.step.value() % 10 == 0) manager.save_async();  // goes on when the values are copied
    }
    checkpoint.sync();  // the last one is on disk, or this throws what went wrong
    // [end]
    EXPECT_EQ(manager.checkpoints().size(), 3u);
    EXPECT_EQ(manager.latest_checkpoint(), directory + "/ckpt-5");
}

TEST_F(snippets, cancelling) {
    model program;
    const ckpt::checkpoint checkpoint(program);
    const std::string directory = this->directory();
    // [cancelling]
    ckpt::cancel flag;  // flag.raise() on another thread stops the save
    ckpt::write_options writing;
    writing.threads(2).cancel(flag).progress([](std::uint64_t done, std::uint64_t total) {
        std::printf("%llu of %llu bytes\n", static_cast<unsigned long long>(done), static_cast<unsigned long long>(total));
    });
    checkpoint.save(directory + "/ckpt", ckpt::save_options().write(writing));
    // [end]
    EXPECT_TRUE(ckpt::latest_checkpoint(directory));
}

TEST_F(snippets, watching) {
    model program;
    const std::string path = ckpt::checkpoint(program).save(in("ckpt"));
    const std::string directory = this->directory();
    std::atomic<int> served = 0;
    // [watching]
    std::atomic<bool> stop = false;
    std::thread evaluator([&] { ckpt::watch(directory, [&](const std::string &latest) { served += latest == path; }, stop); });
    // ... until there is no more to evaluate:
    while (served == 0) std::this_thread::yield();
    stop = true;
    evaluator.join();
    // [end]
    EXPECT_EQ(served, 1);
}

TEST_F(snippets, results) {
    model program;
    const ckpt::checkpoint checkpoint(program);
    const std::string directory = this->directory();
    // [results]
    const ckpt::result<ckpt::status> restored = checkpoint.try_restore(directory);
    if (!restored && restored.error().reason() != ckpt::reason::no_checkpoint) std::printf("%s\n", restored.error().what());
    const auto saved = checkpoint.try_save(directory + "/ckpt");  // a ckpt::result<std::string>
    if (saved) std::printf("saved as %s\n", saved->c_str());
    const auto reader = ckpt::reader::try_open(directory);
    const auto tensor = ckpt::try_call([&] { return reader->at("no such key"); });  // any other call
    // [end]
    EXPECT_FALSE(restored);
    EXPECT_EQ(*saved, directory + "/ckpt-1");
    EXPECT_EQ(tensor.error().code(), ckpt::code::not_found);
}

TEST_F(snippets, names) {
    const std::string directory = this->directory();
    // [names]
    ckpt::graph graph;
    const ckpt::node bias = graph.add_owned(ckpt::dtype::float32, {3});
    const ckpt::saver saver(graph, {{"dense/bias", bias}});
    saver.restore("tests/data/saver_v2");                                         // what tf.compat.v1.train.Saver wrote
    saver.save(directory + "/model", ckpt::saver_save_options().global_step(7));  // model-7
    // [end]
    EXPECT_TRUE(ckpt::checkpoint_exists(directory + "/model-7"));
}
