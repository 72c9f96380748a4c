// The steps that every language goes through, under the same names in each: reports, runs,
// callbacks, names, leaks. The others are in conformance.cpp.
#include <map>

#include "testing.hpp"

class conformance : public in_directory {};

TEST_F(conformance, report_rows) {
    ckpt::graph graph;
    const auto root = graph.add_object();
    const auto add = [&](const char *name) {
        const auto node = graph.add_owned(ckpt::dtype::float32, {2});
        graph.track(root, name, node);
        return node;
    };
    add("same");
    add("gone");
    ckpt::checkpoint(graph, root).write(in("saved"));

    ckpt::graph now;
    const auto top = now.add_object(), kept = now.add_owned(ckpt::dtype::float32, {2}),
               extra = now.add_owned(ckpt::dtype::float32, {3});
    now.track(top, "same", kept);
    now.track(top, "extra", extra);
    const ckpt::checkpoint checkpoint(now, top);
    const auto status = checkpoint.read(in("saved"));
    const auto report = status.report();
    ASSERT_EQ(report.size(), 3u);
    EXPECT_EQ(report.count(ckpt::row_state::restored), 1u);
    std::vector<std::string> seen;
    for (const ckpt::row &row : report) {
        seen.push_back(std::string(row.path()) + ": " + std::string(ckpt::name(row.state())));
        if (row.state() == ckpt::row_state::restored) {
            EXPECT_EQ(row.node(), kept);
            EXPECT_EQ(row.key(), value_key("same"));
            EXPECT_EQ(row.saved_dtype(), ckpt::dtype::float32);
            EXPECT_EQ(*row.saved_shape(), ckpt::shape_view({2}));
            EXPECT_EQ(*row.program_shape(), ckpt::shape_view({2}));
        }
        if (row.state() == ckpt::row_state::missing) {
            EXPECT_EQ(row.saved_node(), -1);
            EXPECT_FALSE(row.saved_shape());
        }
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"same: restored", "gone: deferred", "extra: missing in the checkpoint"}));
    EXPECT_TRUE(has(report.json(), "\"extra\""));
    EXPECT_TRUE(has(report.table(), "gone"));
    EXPECT_FALSE(report.summary().empty());
    status.expect_partial();

    // What would not fit is said before, and leaves nothing behind.
    const auto late =
        fails(ckpt::code::invalid_argument, [&] { now.track(top, "gone", now.add_owned(ckpt::dtype::float64, {4})); });
    EXPECT_EQ(late.reason(), ckpt::reason::dtype);
    EXPECT_TRUE(now.lookup(top, "gone"));  // the edge stands all the same
    const auto dry = checkpoint.dry_run(in("saved"));
    EXPECT_EQ(dry.count(ckpt::row_state::dtype_mismatch) + dry.count(ckpt::row_state::shape_mismatch), 1u);
    const auto skipped = checkpoint.read(in("saved"), ckpt::restore_options().on_mismatch(ckpt::mismatch::skip));
    EXPECT_EQ(skipped.report().count(ckpt::row_state::restored), 1u);
    skipped.expect_partial();
}

TEST_F(conformance, manager_retention) {
    ckpt::graph graph;
    const auto root = graph.add_object(), step = graph.add_scalar(std::int64_t{0});
    graph.track(root, "step", step);
    const ckpt::checkpoint checkpoint(graph, root);
    bool initialized = false;
    {
        const ckpt::manager manager(
            checkpoint, in("run"),
            ckpt::manager_options().max_to_keep(2).init([&] { initialized = true; }).step_counter(step).checkpoint_interval(10));
        EXPECT_FALSE(manager.restore_or_initialize());
        EXPECT_TRUE(initialized);
        EXPECT_EQ(manager.checkpoint_interval(), 10);
        std::vector<std::string> saved;
        for (std::int64_t done = 0; done < 40; done += 5) {
            graph.assign(step, done);
            if (auto path = manager.save()) saved.push_back(*path);
        }
        ASSERT_EQ(saved.size(), 4u);  // at 0, 10, 20, 30
        std::vector<std::string> kept;
        for (const std::string &path : manager) kept.push_back(path);
        EXPECT_EQ(kept, std::vector<std::string>(saved.begin() + 2, saved.end()));
        EXPECT_EQ(manager.latest_checkpoint(), saved.back());
        EXPECT_FALSE(ckpt::checkpoint_exists(saved[1]));
        EXPECT_TRUE(ckpt::checkpoint_exists(saved[2]));
        EXPECT_EQ(manager.latest_valid().path, saved.back());
    }
    graph.assign(step, std::int64_t{-1});
    const ckpt::manager again(checkpoint, in("run"), ckpt::manager_options().max_to_keep(2).keep_best(1, ckpt::better::lower));
    const auto resumed = again.restore_or_initialize();
    ASSERT_TRUE(resumed);
    resumed->status.assert_consumed();
    EXPECT_EQ(graph.read_integer(step), 30);
    EXPECT_EQ(ckpt::latest_checkpoint(in("run")), resumed->path);

    // The best stays, however old.
    const auto best = again.save(ckpt::manager_save_options().metric(0.1));
    for (double loss : {0.5, 0.4, 0.3}) again.save(ckpt::manager_save_options().metric(loss));
    EXPECT_EQ(again.best_checkpoints().front(), best);
    EXPECT_EQ(again.metric(*best), 0.1);
    EXPECT_EQ(again.checkpoints().size(), 2u);
    EXPECT_TRUE(ckpt::checkpoint_exists(*best));

    // The directory's own functions.
    const auto state = ckpt::get_checkpoint_state(in("run"));
    ASSERT_TRUE(state);
    EXPECT_EQ(state->latest, again.latest_checkpoint());
    EXPECT_EQ(ckpt::checkpoint_mtimes(state->paths).size(), state->paths.size());
    const auto held = ckpt::pin::latest(in("run"));
    ASSERT_TRUE(held);
    EXPECT_EQ(held->prefix(), state->latest);
    EXPECT_FALSE(ckpt::pin::latest(directory()));
}

namespace {

// A hash table of the program's own.
struct table {
    std::map<std::string, std::int64_t> entries;
    bool broken = false;

    void save(ckpt::sink &into) const {
        if (broken) throw std::runtime_error("the table is locked");
        std::vector<std::string> keys;
        std::vector<std::int64_t> values;
        for (const auto &entry : entries) {
            keys.push_back(entry.first);
            values.push_back(entry.second);
        }
        const auto count = static_cast<std::int64_t>(keys.size());
        into.put_strings("-keys", {count}, keys);
        into.put("-values", {count}, values);
    }
    void restore(const ckpt::source &from) {
        if (broken) throw 5;
        const auto keys = from.at("-keys").strings();
        const auto values = from.at("-values").values<std::int64_t>();
        entries.clear();
        for (std::size_t i = 0; i < keys.size(); i++) entries[std::string(keys[i])] = values[i];
    }
};

}  // namespace

TEST_F(conformance, custom_state) {
    ckpt::graph graph;
    const auto root = graph.add_object();
    table words;
    const ckpt::state state(graph, words, ckpt::node_options().legacy_name("table"));
    graph.track(root, "words", state.node());
    words.entries = {{"cat", 1}, {"dog", -2}};
    const ckpt::checkpoint checkpoint(graph, root);
    checkpoint.write(in("table"));
    EXPECT_EQ(ckpt::reader(in("table")).at("words/.ATTRIBUTES/table-keys").strings().copy(),
              (std::vector<std::string>{"cat", "dog"}));

    words.entries.clear();
    checkpoint.read(in("table")).assert_consumed();
    EXPECT_EQ(words.entries.at("dog"), -2);

    // A callback that throws makes the call fail with its text.
    words.broken = true;
    const auto saving = fails(ckpt::code::aborted, [&] { checkpoint.write(in("broken")); });
    EXPECT_EQ(saving.reason(), ckpt::reason::callback);
    EXPECT_TRUE(has(saving.what(), "the table is locked")) << saving.what();
    EXPECT_THROW(std::rethrow_exception(saving.cause()), std::runtime_error);
    EXPECT_FALSE(ckpt::checkpoint_exists(in("broken")));
    const auto restoring = fails(ckpt::code::aborted, [&] { checkpoint.read(in("table")); });
    EXPECT_THROW(std::rethrow_exception(restoring.cause()), int);

    // A value on a device, in pieces.
    std::vector<std::uint8_t> memory(1000003);
    for (std::size_t i = 0; i < memory.size(); i++) memory[i] = static_cast<std::uint8_t>(i * 2654435761u >> 13);
    const auto expected = memory;
    bool complete = false;
    ckpt::device_functions functions;
    functions.read = [&](std::uint64_t offset, ckpt::span<std::byte> buffer) {
        std::memcpy(buffer.data(), memory.data() + offset, buffer.size());
    };
    functions.write = [&](std::uint64_t offset, ckpt::span<const std::byte> data) {
        std::memcpy(memory.data() + offset, data.data(), data.size());
    };
    functions.describe = [&] { return std::vector<std::int64_t>{static_cast<std::int64_t>(memory.size())}; };
    functions.finish = [&](bool all) { complete = all; };
    ckpt::graph devices;
    const auto top = devices.add_object();
    devices.track(top, "d", devices.add_device(ckpt::dtype::uint8, {-1}, ckpt::device(functions)));
    const ckpt::checkpoint device(devices, top);
    device.write(in("device"));
    std::fill(memory.begin(), memory.end(), std::uint8_t{0});
    device.read(in("device")).assert_consumed();
    EXPECT_TRUE(complete);
    EXPECT_EQ(memory, expected);

    // A saver of the program's own.
    ckpt::saver_functions saver;
    saver.accepts = [&](ckpt::node node) { return devices.get() && node != top; };
    std::vector<std::string> restored;
    saver.save = [](const ckpt::nodes &objects, ckpt::sink &into) {
        for (const ckpt::named_node &object : objects) into.put(std::string(object.name) + "/mine", 5);
    };
    saver.wants = [](const ckpt::nodes &, std::string_view key) { return has(key, "/mine"); };
    saver.restore = [&](const ckpt::nodes &, const ckpt::source &from) {
        for (const ckpt::source_tensor &tensor : from) restored.emplace_back(tensor.name());
    };
    devices.register_saver("Tests", "five", saver);
    device.write(in("saver"));
    EXPECT_EQ(ckpt::reader(in("saver")).object_graph().saver_name(1), "Tests.five");
    device.read(in("saver"));
    EXPECT_EQ(restored, (std::vector<std::string>{"d/mine"}));
}

TEST_F(conformance, cancel) {
    const std::vector<float> values(1 << 20, 1.0f);
    const auto write = [&](const ckpt::write_options &options) {
        ckpt::writer writer(in("large"), options);
        writer.add("values", {1 << 20}, values);
        writer.finish();
    };
    // By a flag, which another thread would raise.
    ckpt::cancel flag;
    auto options = ckpt::write_options();
    options.cancel(flag);
    flag.raise();
    fails(ckpt::code::cancelled, [&] { write(options); });
    EXPECT_EQ(files(), 0u);

    // By the progress callback, whose exception is the cause.
    std::uint64_t heard = 0;
    const auto stopped = fails(ckpt::code::cancelled, [&] {
        write(ckpt::write_options().progress([&](std::uint64_t, std::uint64_t total) {
            heard = total;
            throw std::runtime_error("enough");
        }));
    });
    EXPECT_EQ(heard, values.size() * 4);
    ASSERT_TRUE(stopped.cause());
    EXPECT_THROW(std::rethrow_exception(stopped.cause()), std::runtime_error);
    EXPECT_EQ(files(), 0u);

    // A graph's save, and verifying.
    ckpt::graph graph;
    const auto root = graph.add_object();
    graph.track(root, "values", graph.add_owned({1 << 20}, values));
    const ckpt::checkpoint checkpoint(graph, root);
    fails(ckpt::code::cancelled, [&] { checkpoint.write(in("graph"), ckpt::save_options().write(options)); });
    EXPECT_EQ(files(), 0u);
    checkpoint.write(in("graph"));
    fails(ckpt::code::cancelled, [&] { ckpt::verify(in("graph"), ckpt::verify_options().cancel(flag)); });
}

TEST_F(conformance, name_based) {
    // What tf.compat.v1.train.Saver wrote, in either format.
    for (const char *directory : {"saver_v2", "saver_v1"}) {
        ckpt::graph graph;
        const auto bias = graph.add_owned(ckpt::dtype::float32, {3}, ckpt::node_options().name("dense/bias"));
        const auto step = graph.add_owned(ckpt::dtype::int64, {}, ckpt::node_options().name("global_step"));
        const auto saver = ckpt::saver::of_variables(graph, {bias, step});
        EXPECT_EQ(saver.names(), (std::vector<std::string>{"dense/bias", "global_step"}));
        const auto report = saver.restore(fixture(directory));
        EXPECT_EQ(report.count(ckpt::row_state::restored), 2u);
        EXPECT_EQ(graph.read<float>(bias), ckpt::reader(fixture(directory)).read<float>("dense/bias"));
        EXPECT_EQ(graph.read_integer(step), ckpt::reader(fixture(directory)).at("global_step").scalar<std::int64_t>());
    }

    ckpt::graph graph;
    const auto x = graph.add_scalar(1.5f), step = graph.add_scalar(std::int64_t{12});
    const ckpt::saver saver(graph, {{"x", x}, {"step", step}}, ckpt::saver_options().max_to_keep(2).pad_step_number(true));
    EXPECT_EQ(saver.save(in("model"), ckpt::saver_save_options().global_step_of(step)), in("model-00000012"));
    EXPECT_EQ(saver.save(in("model"), ckpt::saver_save_options().global_step(13)), in("model-00000013"));
    EXPECT_EQ(saver.save(in("model"), ckpt::saver_save_options().global_step(14)), in("model-00000014"));
    EXPECT_EQ(saver.last_checkpoints(), (std::vector<std::string>{in("model-00000013"), in("model-00000014")}));
    EXPECT_FALSE(ckpt::checkpoint_exists(in("model-00000012")));
    EXPECT_EQ(ckpt::reader(directory()).size(), 2u);  // the latest by the state file, without an object graph
    graph.assign(x, 0.0f);
    saver.restore(directory());
    EXPECT_EQ(graph.read_scalar<float>(x), 1.5f);
    const auto missing = fails(ckpt::code::not_found, [&] { ckpt::saver(graph, {{"other", x}}).restore(directory()); });
    EXPECT_TRUE(has(missing.what(), "other")) << missing.what();
    fails(ckpt::code::already_exists, [&] { ckpt::saver(graph, {{"one", x}, {"two", x}}); });
    double now = 0;
    const auto twin = graph.add_owned({1}, std::vector<float>{0});
    auto options = ckpt::saver_options();
    options.restore_only(true).reshape(true).clock([&] { return now += 1; });
    ckpt::saver(graph, {{"x", x}, {"x", twin}}, options).restore(directory());
    EXPECT_EQ(graph.read<float>(twin), std::vector<float>{1.5f});
    EXPECT_EQ(now, 1);
}

TEST_F(conformance, views) {
    const ckpt::checkpoint_view view(fixture("guide"));
    EXPECT_TRUE(has(view.prefix(), "ckpt-5"));
    const auto nodes = view.descendants();
    ASSERT_FALSE(nodes.empty());
    EXPECT_EQ(nodes[0].path, "root");
    EXPECT_EQ(view.object_graph().size(), 19u);

    ckpt::graph graph;
    const auto root = graph.add_object(), net = graph.add_object(), other = graph.add_object(), step = graph.add_without_value();
    graph.track(root, "net", net);
    graph.track(root, "other", other);
    graph.track(root, "step", step);
    const auto diff = view.diff(graph, root);
    ASSERT_EQ(diff.matches.size(), 3u);
    EXPECT_EQ(diff.matches[0].second, root);
    EXPECT_EQ(diff.program_only, (std::vector<ckpt::node>{other}));
    EXPECT_FALSE(diff.checkpoint_only.empty());
    EXPECT_TRUE(diff.warnings.empty());
    EXPECT_EQ(view.diff(ckpt::checkpoint(graph, root)).matches.size(), 3u);
    std::vector<std::pair<std::uint32_t, ckpt::node>> chosen;
    for (const auto &match : diff.matches) {
        if (match.second == step) chosen.push_back(match);
    }
    ckpt::restore_nodes(graph, fixture("guide"), chosen);
    EXPECT_EQ(graph.read_integer(step), 50);
    EXPECT_EQ(fails(ckpt::code::not_found, [] { ckpt::checkpoint_view names(fixture("saver_v2")); }).reason(),
              ckpt::reason::no_object_graph);

    // A tensor that is mapped outlives its reader.
    const auto mapped = [] { return ckpt::reader(fixture("guide")).at(value_key("net/l1/kernel")).view(); }();
    EXPECT_EQ(mapped.bytes().size(), 20u);
    float first;
    std::memcpy(&first, mapped.bytes().data(), sizeof first);
    EXPECT_EQ(first, 0x1.e6e916p+1f);
}

TEST_F(conformance, leaks) {
    EXPECT_EQ(ckpt::live_handles(), 0u);
    int released = 0;
    {
        std::vector<float> memory = {1, 2};
        auto graph = std::make_unique<ckpt::graph>();
        const auto root = graph->add_object();
        graph->track(root, "x", graph->add_borrowed({2}, memory, [&] { released++; }));
        auto checkpoint = std::make_unique<ckpt::checkpoint>(*graph, root);
        // Parents go before their children.
        graph.reset();
        checkpoint->write(in("x"));
        auto status = std::make_unique<ckpt::status>(checkpoint->read(in("x")));
        checkpoint.reset();
        auto report = std::make_unique<ckpt::report>(status->report());
        status.reset();
        EXPECT_EQ(released, 1);
        const ckpt::row row = (*report)[0];
        report.reset();
        EXPECT_EQ(row.path(), "x");

        auto reader = std::make_unique<ckpt::reader>(in("x"));
        const ckpt::tensor tensor = reader->at(value_key("x"));
        const ckpt::object_graph objects = reader->object_graph();
        reader.reset();
        EXPECT_EQ(tensor.read<float>(), memory);
        EXPECT_EQ(objects.size(), 2u);
        EXPECT_GT(ckpt::live_handles(), 0u);
    }
    EXPECT_EQ(released, 1);
    EXPECT_EQ(ckpt::live_handles(), 0u);
}
