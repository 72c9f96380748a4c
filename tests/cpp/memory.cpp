// What must not be lost: members that grow, keep their shape, are restored before they are
// initialized, or are state.
#include <algorithm>
#include <vector>

#include "testing.hpp"

class memory : public in_directory {};

namespace {

std::vector<std::int64_t> shape_of(const std::string &prefix, const std::string &name) {
    return ckpt::reader(prefix).at(value_key(name)).shape().copy();
}

struct growing : ckpt::module {
    std::vector<float> v = {1, 2, 3, 4};
    std::vector<std::array<double, 2>> points = {{{1, 2}}};
    growing() {
        track("v", v);
        track("points", points);
    }
};

}  // namespace

// A vector that grew had its memory saved that was freed.
TEST_F(memory, a_vector_is_saved_as_it_is_when_it_is_saved) {
    growing program;
    program.v.push_back(5);
    for (float &f : program.v) f = 7;
    program.points.resize(3, {{8, 9}});
    const std::vector<float> other(4, -1);  // where the first memory was, perhaps
    ckpt::checkpoint(program).write(in("x"));
    EXPECT_EQ(ckpt::reader(in("x")).read<float>(value_key("v")), (std::vector<float>(5, 7)));
    EXPECT_EQ(shape_of(in("x"), "points"), (std::vector<std::int64_t>{3, 2}));
    program.v.clear();
    ckpt::checkpoint(program).write(in("empty"));
    EXPECT_EQ(shape_of(in("empty"), "v"), (std::vector<std::int64_t>{0}));

    const ckpt::pending pending = ckpt::checkpoint(program).write_async(in("later"));
    program.v.assign(100, 1);
    pending.wait();
    EXPECT_EQ(shape_of(in("later"), "v"), (std::vector<std::int64_t>{0}));
}

TEST_F(memory, a_vector_has_the_length_of_what_is_restored) {
    growing program, again;
    program.v = {1, 2, 3, 4, 5, 6};
    program.points = {{{1, 2}}, {{3, 4}}};
    ckpt::checkpoint(program).write(in("x"));
    ckpt::checkpoint(again).read(in("x")).assert_consumed();
    EXPECT_EQ(again.v, program.v);
    EXPECT_EQ(again.points, program.points);
    const float *there = again.v.data();
    again.v[0] = 9;
    ckpt::checkpoint(again).read(in("x")).assert_consumed();
    EXPECT_EQ(again.v, program.v);
    EXPECT_EQ(again.v.data(), there);  // of the same length it stays where it is
}

TEST_F(memory, a_vector_with_a_shape_keeps_it) {
    struct field : ckpt::module {
        std::vector<double> values = std::vector<double>(6);
        explicit field(std::initializer_list<std::int64_t> shape) { track("values", values, shape); }
    };
    field program({2, 3}), other({3, 2});
    ckpt::checkpoint(program).write(in("x"));
    EXPECT_EQ(shape_of(in("x"), "values"), (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { ckpt::checkpoint(other).read(in("x")); }).reason(), ckpt::reason::shape);
    program.values.push_back(1);
    const auto grown = fails(ckpt::code::invalid_argument, [&] { ckpt::checkpoint(program).write(in("y")); });
    EXPECT_EQ(grown.reason(), ckpt::reason::shape);
    EXPECT_EQ(grown.tensor(), value_key("values"));
    EXPECT_FALSE(ckpt::checkpoint_exists(in("y")));
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [] { field({7}); }).reason(), ckpt::reason::shape);
}

TEST_F(memory, a_vector_of_one_may_be_a_scalar) {
    std::vector<float> value = {7};
    ckpt::graph graph;
    const ckpt::node root = graph.add_object();
    graph.track(root, "v", graph.add_resizable(value, ckpt::shape_view()));
    ckpt::checkpoint(graph, root).write(in("x"));
    EXPECT_TRUE(shape_of(in("x"), "v").empty());
    value[0] = 0;
    ckpt::checkpoint(graph, root).read(in("x")).assert_consumed();
    EXPECT_EQ(value, std::vector<float>{7});
    value.push_back(8);
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { ckpt::checkpoint(graph, root).write(in("y")); }).reason(),
              ckpt::reason::shape);
}

TEST_F(memory, a_damaged_value_leaves_a_vector_as_it_was) {
    growing program, again;
    program.v = {1, 2, 3, 4, 5, 6};
    ckpt::checkpoint(program).write(in("x"));
    const std::string data = in("x.data-00000-of-00001");
    std::FILE *file = std::fopen(data.c_str(), "r+b");
    ASSERT_TRUE(file);
    std::vector<unsigned char> bytes(static_cast<std::size_t>(std::filesystem::file_size(data)));
    ASSERT_EQ(std::fread(bytes.data(), 1, bytes.size(), file), bytes.size());
    for (auto &byte : bytes) byte = static_cast<unsigned char>(byte ^ 1);
    std::rewind(file);
    std::fwrite(bytes.data(), 1, bytes.size(), file);
    std::fclose(file);
    fails(ckpt::code::data_loss, [&] { ckpt::checkpoint(again).read(in("x")); });
    EXPECT_EQ(again.v, (std::vector<float>{1, 2, 3, 4}));
}

TEST_F(memory, arrays_keep_their_dimensions) {
    struct arrays : ckpt::module {
        float matrix[2][3] = {{1, 2, 3}, {4, 5, 6}};
        std::array<std::array<std::int32_t, 2>, 4> nested{};
        std::array<float, 4> flat{};
        std::uint8_t byte = 1;
        std::complex<float> z;
        ckpt::array<double> any{{2, 1}, {7, 8}};
        arrays() {
            track("matrix", matrix);
            track("nested", nested);
            track("flat", flat);
            track("byte", byte);
            track("z", z);
            track("any", any);
        }
    };
    arrays program;
    ckpt::checkpoint(program).write(in("x"));
    using shape = std::vector<std::int64_t>;
    EXPECT_EQ(shape_of(in("x"), "matrix"), (shape{2, 3}));
    EXPECT_EQ(shape_of(in("x"), "nested"), (shape{4, 2}));
    EXPECT_EQ(shape_of(in("x"), "flat"), (shape{4}));
    EXPECT_EQ(shape_of(in("x"), "byte"), shape());
    EXPECT_EQ(shape_of(in("x"), "z"), shape());
    EXPECT_EQ(shape_of(in("x"), "any"), (shape{2, 1}));
    std::fill_n(&program.matrix[0][0], 6, 0.0f);
    program.any = ckpt::array<double>({5}, {});
    ckpt::checkpoint(program).read(in("x")).assert_consumed();
    EXPECT_EQ(program.matrix[1][2], 6);
    EXPECT_EQ(program.any.shape(), ckpt::shape_view({2, 1}));
    EXPECT_EQ(program.any[1], 8);
}

TEST_F(memory, what_was_restored_is_not_initialized) {
    struct root : ckpt::module {
        using ckpt::module::module;
    };
    struct dense : ckpt::module {
        using ckpt::module::module;
        ckpt::variable<float> k{*this, "k", {2}};
    };
    // Three ways to initialize what is made after the restore.
    struct asking : dense {
        asking(const ckpt::place &at) : dense(at) {
            if (!k.was_restored()) k.fill(std::vector<float>{0.5f, 0.5f});
        }
    };
    struct telling : dense {
        telling(const ckpt::place &at) : dense(at) {
            k.initialize([](ckpt::span<float> values) { std::fill(values.begin(), values.end(), 0.5f); });
        }
    };
    struct before : ckpt::module {
        before(const ckpt::place &at) : ckpt::module(at) {}
        ckpt::variable<float> k{*this, "k", {2}, [](ckpt::span<float> values) { std::fill(values.begin(), values.end(), 0.5f); }};
    };
    {
        root program;
        dense d(program, "d");
        d.k[0] = 42;
        EXPECT_FALSE(d.k.was_restored());
        ckpt::checkpoint(program).write(in("x"));
    }
    const auto holds = [&](auto made) {
        using layer = typename decltype(made)::type;
        root program, fresh;
        const ckpt::status status = ckpt::checkpoint(program).read(in("x"));
        layer late({program, "d"});
        EXPECT_TRUE(late.k.was_restored());
        EXPECT_EQ(late.k[0], 42);
        status.assert_consumed();
        layer first({fresh, "d"});
        EXPECT_FALSE(first.k.was_restored());
        EXPECT_EQ(first.k[0], 0.5f);
    };
    holds(std::common_type<asking>());
    holds(std::common_type<telling>());
    holds(std::common_type<before>());
}

namespace {

// A random number generator that knows how it is saved.
struct generator {
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

// State in the three ways in which it can be had; none of them can be made without a name.
struct player : ckpt::module {
    using ckpt::module::module;
    std::uint64_t seed = 1;
    ckpt::state random{*this, "random", [this](ckpt::sink &into) { into.put("seed", seed); },
                       [this](const ckpt::source &from) { seed = from.at("seed").value<std::uint64_t>(); }};
    generator dice;
    ckpt::state dice_state{*this, "dice", dice};
};

struct table : ckpt::module {
    generator shuffle;
    table() { track("shuffle", shuffle); }
};

static_assert(!std::is_constructible_v<ckpt::state, ckpt::module &>);
static_assert(!std::is_constructible_v<ckpt::state, ckpt::module &, const char *>);

}  // namespace

TEST_F(memory, state_is_attached_always) {
    table program;
    player one(program, "one");
    program.shuffle.position = 5;
    one.seed = 6;
    one.dice.seed = 7;
    ckpt::checkpoint(program).write(in("x"));

    table again;
    const ckpt::status status = ckpt::checkpoint(again).read(in("x"));
    EXPECT_EQ(again.shuffle.position, 5u);
    fails(ckpt::code::failed_precondition, [&] { status.assert_consumed(); });
    player late(again, "one");  // restored while it is made
    EXPECT_EQ(late.seed, 6u);
    EXPECT_EQ(late.dice.seed, 7u);
    EXPECT_TRUE(late.random.was_restored());
    status.assert_consumed();
}

// One constructor makes members and elements of lists and dicts.
TEST_F(memory, a_layer_has_one_constructor) {
    struct dense : ckpt::module {
        dense(const ckpt::place &at, std::int64_t inputs, std::int64_t outputs)
            : ckpt::module(at), kernel(*this, "kernel", {inputs, outputs}) {}
        ckpt::variable<float> kernel;
    };
    struct net : ckpt::module {
        dense first{{*this, "first"}, 3, 4};
        ckpt::list<dense> rest{*this, "rest"};
        ckpt::dict<dense> heads{*this, "heads"};
        ckpt::list<ckpt::variable<float>> scales{*this, "scales"};
        net() {
            rest.emplace_back(4, 5);
            rest.emplace_back(5, 6);
            heads.emplace("b", 6, 1);
            heads.emplace("a", 6, 2);
            scales.emplace_back(ckpt::shape_view({2}));
        }
    };
    net program, again;
    for (dense &each : program.rest) each.kernel[0] = 1;
    for (auto [key, head] : program.heads) head.kernel[0] = key == "a" ? 3.0f : 2.0f;
    ckpt::checkpoint(program).write(in("x"));
    EXPECT_EQ(shape_of(in("x"), "rest/1/kernel"), (std::vector<std::int64_t>{5, 6}));
    EXPECT_EQ(shape_of(in("x"), "scales/0"), (std::vector<std::int64_t>{2}));
    ckpt::checkpoint(again).read(in("x")).assert_consumed();
    const net &read = again;
    float sum = 0;
    for (const dense &each : read.rest) sum += each.kernel[0];
    std::string keys;
    for (auto [key, head] : read.heads) {
        keys += key;
        sum += 10 * head.kernel[0];
    }
    EXPECT_EQ(sum, 52);
    EXPECT_EQ(keys, "ab");
    EXPECT_TRUE(read.heads.contains("a"));
    EXPECT_EQ(std::count_if(read.rest.begin(), read.rest.end(), [](const dense &each) { return each.kernel.size() == 30; }), 1);
}

// A variable of a module may leave its shape to the checkpoint.
TEST_F(memory, a_variable_takes_its_shape_from_the_checkpoint) {
    struct layer : ckpt::module {
        using ckpt::module::module;
        ckpt::variable<float> kernel{*this, "kernel"}, bias{*this, "bias"};
    };
    struct net : ckpt::module {
        using ckpt::module::module;
        layer l1{*this, "l1"};
    };
    struct program : ckpt::module {
        net model{*this, "net"};
        ckpt::slot_owner adam{*this, "optimizer"};
    };
    program read;
    EXPECT_FALSE(read.model.l1.kernel.has_value());
    fails(ckpt::code::failed_precondition, [&] { ckpt::checkpoint(read).write(in("x")); });
    ckpt::checkpoint(read).restore(fixture("guide_slots")).expect_partial();
    EXPECT_EQ(read.model.l1.kernel.shape(), ckpt::shape_view({1, 5}));
    EXPECT_EQ(read.adam.slot("m", read.model.l1.kernel).shape(), ckpt::shape_view({1, 5}));
    const ckpt::reader reader(fixture("guide_slots"));
    EXPECT_EQ(std::vector<float>(read.model.l1.bias.begin(), read.model.l1.bias.end()),
              reader.read<float>(value_key("net/l1/bias")));
    ckpt::checkpoint(read).write(in("x"));
    EXPECT_EQ(shape_of(in("x"), "net/l1/kernel"), (std::vector<std::int64_t>{1, 5}));
}
