// What is the binding's own: exceptions, lifetimes, memory, classes of a program's own.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "testing.hpp"

class binding : public in_directory {};

TEST(types, dtypes_are_those_of_tensorflow) {
    static_assert(ckpt::dtype_of<float> == ckpt::dtype::float32);
    static_assert(ckpt::dtype_of<const long> == ckpt::dtype::int64);
    static_assert(ckpt::dtype_of<long long> == ckpt::dtype::int64);
    static_assert(ckpt::dtype_of<unsigned char> == ckpt::dtype::uint8);
    static_assert(ckpt::dtype_of<bool> == ckpt::dtype::boolean);
    static_assert(ckpt::dtype_of<std::complex<double>> == ckpt::dtype::complex128);
    static_assert(ckpt::dtype_of<ckpt::half> == ckpt::dtype::float16);
    static_assert(!ckpt::is_element<char> && !ckpt::is_element<std::byte> && !ckpt::is_element<long double>);
    EXPECT_EQ(ckpt::name(ckpt::dtype::bfloat16), "bfloat16");
    EXPECT_EQ(ckpt::size_of(ckpt::dtype::complex128), 16u);
    EXPECT_EQ(ckpt::name(ckpt::code::data_loss), "DATA_LOSS");
    EXPECT_EQ(ckpt::version(), ckpt_version());
}

TEST(types, every_type_is_as_large_as_its_dtype) {
    EXPECT_EQ(sizeof(ckpt::half), ckpt::size_of(ckpt::dtype::float16));
    EXPECT_EQ(sizeof(ckpt::qint32), ckpt::size_of(ckpt::dtype::qint32));
    EXPECT_EQ(sizeof(ckpt::int4), ckpt::size_of(ckpt::dtype::int4));
    EXPECT_EQ(sizeof(bool), ckpt::size_of(ckpt::dtype::boolean));
}

TEST(types, shapes_are_compared_by_their_dimensions) {
    const std::vector<std::int64_t> dimensions = {2, 3};
    EXPECT_EQ(ckpt::shape_view(dimensions), ckpt::shape_view({2, 3}));
    EXPECT_NE(ckpt::shape_view({2}), ckpt::shape_view({2, 3}));
    EXPECT_EQ(ckpt::shape_view().element_count(), 1u);
    EXPECT_EQ(ckpt::shape_view({2, 0, 3}).element_count(), 0u);
    EXPECT_EQ(ckpt::shape_view({-1, 3}).element_count(), 0u);
    EXPECT_EQ(ckpt::shape_view({INT64_MAX, INT64_MAX}).element_count(), 0u);
}

// A checkpoint of a few hundred bytes claims 2^30 and 2^40 elements: there is no std::bad_alloc,
// and no memory is taken.
TEST(reading, what_the_data_files_do_not_hold_is_refused_before_memory_is_allocated) {
    const ckpt::reader reader("tests/hostile/claim");
    for (const char *key : {"billion", "trillion"}) {
        const ckpt::tensor tensor = reader.at(key);
        for (const auto &thrown : {fails(ckpt::code::data_loss, [&] { tensor.read<float>(); }),
                                   fails(ckpt::code::data_loss, [&] { tensor.read_slice<float>({{1}, {-1}}); }),
                                   fails(ckpt::code::data_loss, [&] { tensor.view(); })}) {
            EXPECT_EQ(thrown.reason(), ckpt::reason::truncated);
            EXPECT_EQ(thrown.tensor(), key);
            EXPECT_TRUE(has(thrown.file(), "claim.data-00000-of-00001"));
        }
    }
    fails(ckpt::code::data_loss, [&] { reader.at("strings").strings(); });
}

TEST_F(binding, another_type_than_the_tensors_is_refused_with_both_names) {
    const ckpt::half halves[] = {{0x3c00}, {0x4000}};
    ckpt::writer writer(in("h"));
    writer.add("half", {2}, halves);
    writer.finish();
    const ckpt::reader reader(in("h"));
    EXPECT_EQ(reader.read<ckpt::half>("half")[1].value, 0x4000);
    EXPECT_EQ(reader.read<std::uint16_t>("half")[1], 0x4000);
    const auto thrown = fails(ckpt::code::invalid_argument, [&] { reader.read<std::int16_t>("half"); });
    EXPECT_EQ(thrown.reason(), ckpt::reason::dtype);
    EXPECT_EQ(thrown.tensor(), "half");
    EXPECT_EQ(thrown.file(), in("h"));
    EXPECT_EQ(thrown.expected(), "int16");
    EXPECT_EQ(thrown.found(), "float16");
    fails(ckpt::code::invalid_argument, [&] { reader.at("half").view().values<float>(); });
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { reader.at("half").read_slice<ckpt::half>({{0}, {3}}); }).reason(),
              ckpt::reason::shape);
}

TEST_F(binding, an_error_knows_file_tensor_and_reason) {
    const auto thrown = fails(ckpt::code::not_found, [&] { ckpt::reader none(in("none")); });
    EXPECT_EQ(thrown.reason(), ckpt::reason::no_checkpoint);
    EXPECT_TRUE(has(thrown.file(), "none"));
    EXPECT_TRUE(thrown.tensor().empty());
    EXPECT_FALSE(thrown.cause());
    const ckpt::error copy = thrown;
    EXPECT_STREQ(copy.what(), thrown.what());
    EXPECT_EQ(copy.file(), thrown.file());
    EXPECT_THROW(throw ckpt::error(copy), std::runtime_error);
}

TEST_F(binding, paths_are_text_or_paths_without_nul) {
    EXPECT_EQ(ckpt::reader(std::filesystem::path(fixture("guide"))).size(),
              ckpt::reader(std::string_view(fixture("guide"))).size());
    fails(ckpt::code::invalid_argument, [] { ckpt::reader cut(std::string("tests/data/guide\0x", 18)); });
    fails(ckpt::code::invalid_argument, [&] { ckpt::merge(in("merged"), {std::string("a\0b", 3)}); });
}

TEST_F(binding, what_was_moved_from_refuses_calls) {
    ckpt::reader reader(fixture("guide"));
    const ckpt::reader moved = std::move(reader);
    EXPECT_EQ(moved.size(), 12u);
    EXPECT_EQ(reader.size(), 0u);
    fails(ckpt::code::invalid_argument, [&] { reader.at("x"); });
    ckpt::graph graph;
    const ckpt::graph taken = std::move(graph);
    fails(ckpt::code::invalid_argument, [&] { graph.add_object(); });
    taken.add_object();
    ckpt::writer writer(in("x"));
    ckpt::writer other = std::move(writer);
    fails(ckpt::code::invalid_argument, [&] { writer.finish(); });
    writer = std::move(other);
    writer.add("x", 1.0f);
    writer.finish();
    fails(ckpt::code::failed_precondition, [&] { writer.finish(); });
}

TEST_F(binding, small_floats_are_floats_and_back) {
    EXPECT_EQ(ckpt::to_float(ckpt::bfloat16{0x3fc0}), 1.5f);
    EXPECT_EQ(ckpt::to_float(ckpt::half{0xc000}), -2.0f);
    EXPECT_EQ(ckpt::to_float(ckpt::float8_e4m3fn{0x7e}), 448.0f);
    EXPECT_EQ(ckpt::to_float(ckpt::float8_e5m2{0x7b}), 57344.0f);
    EXPECT_EQ(ckpt::to_float(ckpt::float8_e4m3fnuz{0x7f}), 240.0f);
    EXPECT_EQ(ckpt::to_float(ckpt::float8_e4m3b11fnuz{0x7f}), 30.0f);
    EXPECT_EQ(ckpt::to_float(ckpt::float8_e5m2fnuz{0x7f}), 57344.0f);
    EXPECT_EQ(ckpt::to_float(ckpt::float4_e2m1fn{0x07}), 6.0f);
    EXPECT_EQ(ckpt::from_float<ckpt::bfloat16>(1.5f), ckpt::bfloat16{0x3fc0});
    EXPECT_EQ(ckpt::from_float<ckpt::half>(1e30f), ckpt::half{0x7c00});
    EXPECT_EQ(ckpt::from_float<ckpt::float8_e4m3fn>(-448.0f), ckpt::float8_e4m3fn{0xfe});
    const std::vector<std::int64_t> wide = {1, -2, 3};
    std::array<std::int32_t, 3> narrow{};
    ckpt::convert(wide, narrow, ckpt::conversion::exact);
    EXPECT_EQ(narrow[1], -2);
    const auto refused = fails(ckpt::code::invalid_argument, [&] { ckpt::convert(std::vector<float>{1}, narrow[0]); });
    EXPECT_EQ(refused.reason(), ckpt::reason::dtype);
}

TEST_F(binding, values_are_read_and_restored_as_another_type) {
    ckpt::writer writer(in("small"));
    writer.add("v", {3}, std::vector<ckpt::bfloat16>{{0x3f80}, {0xc000}, {0x3fc0}});
    writer.add("flag", true);
    writer.finish();
    const ckpt::reader reader(in("small"));
    const std::vector<float> floats = {1.0f, -2.0f, 1.5f};
    ckpt::read_options exact;
    exact.conversion(ckpt::conversion::exact).threads(1);
    EXPECT_EQ(reader.read<float>("v", exact), floats);
    EXPECT_EQ(reader.at("v").read<ckpt::bfloat16>(exact)[2], ckpt::bfloat16{0x3fc0});
    EXPECT_EQ(reader.at("v").read_slice<double>({{1}, {2}}, exact), (std::vector<double>{-2, 1.5}));
    EXPECT_EQ(reader.at("flag").scalar<std::int64_t>(exact), 1);
    float memory[3] = {};
    reader.at("v").read_into(memory, exact);
    EXPECT_EQ(memory[1], -2.0f);
    float last = 0;
    reader.at("v").read_slice_into({{2}, {1}}, last, exact);
    EXPECT_EQ(last, 1.5f);
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { reader.read<float>("v"); }).reason(), ckpt::reason::dtype);
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { reader.read<int>("v", exact); }).reason(), ckpt::reason::dtype);

    ckpt::graph graph;
    const ckpt::node node = graph.add_borrowed({3}, memory);
    memory[0] = 0;
    ckpt::saver saver(graph, {{"v", node}});
    fails(ckpt::code::invalid_argument, [&] { saver.restore(in("small")); });
    saver.restore(in("small"), ckpt::restore_options().conversion(ckpt::conversion::exact));
    EXPECT_EQ(memory[0], 1.0f);
}

TEST_F(binding, tensors_are_found_by_the_names_that_people_use) {
    const ckpt::reader reader(fixture("guide"));
    const std::string key = "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE";
    for (const char *name : {"net/l1/kernel", "net/dense/kernel", "net/dense/kernel:0"}) {
        EXPECT_EQ(reader.at(name).key(), key);
        ASSERT_TRUE(reader.find(name));
        EXPECT_EQ(reader.find(name)->key(), key);
        EXPECT_FALSE(reader.contains(name));
    }
    EXPECT_FALSE(reader.find("net/l1/kernal"));
    EXPECT_TRUE(has(fails(ckpt::code::not_found, [&] { reader.at("net/l1/kernal"); }).what(), key));
    const ckpt::reader several(fixture("containers"));
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { several.find("Variable"); }).reason(), ckpt::reason::ambiguous);
}

TEST_F(binding, memory_is_a_vector_an_array_a_span_or_a_scalar) {
    const float matrix[2][3] = {{1, 2, 3}, {4, 5, 6}};
    const std::array<std::array<float, 3>, 2> nested = {{{1, 2, 3}, {4, 5, 6}}};
    const std::vector<float> vector = {1, 2, 3, 4, 5, 6};
    const float *pointer = vector.data();
    ckpt::writer writer(in("x"));
    writer.add("matrix", {2, 3}, matrix);
    writer.add("array", {2, 3}, ckpt::span<const float>(nested[0].data(), 6));
    writer.add("vector", {2, 3}, vector);
    writer.add("span", {2, 3}, ckpt::span<const float>(pointer, 6));
    writer.add("kept", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});  // becomes the writer's
    writer.add("scalar", 7);
    fails(ckpt::code::invalid_argument, [&] { writer.add("short", {2, 3}, std::vector<float>(5)); });
    writer.add_slice("parts", {2, 3}, {{0, 0}, {1, -1}}, std::vector<float>{1, 2, 3});
    writer.add_shape_and_slice("parts", {1, 3}, "2 3 1,1:-", std::vector<float>{4, 5, 6});
    writer.add_strings_slice("words", {2}, {{0}, {1}}, std::vector<std::string>{"a"});
    writer.add_strings_slice("words", {2}, {{1}, {1}}, std::vector<const char *>{"b"});
    writer.add_read("read", ckpt::dtype::float32, {2, 3}, [&](std::uint64_t offset, ckpt::span<std::byte> buffer) {
        std::memcpy(buffer.data(), reinterpret_cast<const std::byte *>(pointer) + offset, buffer.size());
    });
    fails(ckpt::code::invalid_argument, [&] { writer.add_slice("parts", {2, 3}, {{0}, {1}}, vector); });
    writer.finish();

    const ckpt::reader reader(in("x"));
    for (const char *key : {"matrix", "array", "vector", "span", "kept", "parts", "read"}) {
        EXPECT_EQ(reader.read<float>(key), vector) << key;
    }
    EXPECT_EQ(reader.at("words").strings().copy(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(reader.at("words").strings_slice({{1}, {-1}})[0], "b");
    EXPECT_EQ(reader.at("parts").slices().size(), 2u);
    float again[2][3];
    reader.at("matrix").read_into(again);
    EXPECT_EQ(again[1][2], 6);
    std::array<float, 2> part{};
    reader.at("matrix").read_slice_into({{1, 1}, {1, 2}}, part);
    EXPECT_EQ(part, (std::array<float, 2>{5, 6}));
    fails(ckpt::code::invalid_argument, [&] { reader.at("matrix").read_into(part); });

    std::vector<float> one(6);
    int two = 0;
    const std::vector<ckpt::tensor> tensors = {reader.at("vector"), reader.at("scalar")};
    const std::vector<ckpt::span<std::byte>> buffers = {{reinterpret_cast<std::byte *>(one.data()), 24},
                                                        {reinterpret_cast<std::byte *>(&two), 4}};
    reader.read_many(tensors, buffers);
    EXPECT_EQ(one, vector);
    EXPECT_EQ(two, 7);
    EXPECT_TRUE(has(reader.debug_string(), "matrix (DT_FLOAT) [2,3]"));
    EXPECT_FALSE(reader.find("nothing"));
}

TEST_F(binding, a_bool_in_a_file_that_is_no_bool_is_true) {
    ckpt::writer writer(in("x"));
    const std::array<std::byte, 2> bytes = {std::byte{2}, std::byte{0}};
    writer.add_bytes("x", ckpt::dtype::boolean, {2}, bytes);
    writer.finish();
    std::array<bool, 2> values{};
    ckpt::reader(in("x")).at("x").read_into(values);
    EXPECT_TRUE(values[0]);
    EXPECT_FALSE(values[1]);
}

TEST_F(binding, a_view_is_typed_where_it_is_aligned) {
    ckpt::writer writer(
        in("x"), ckpt::write_options().alignment(64).threads(1).shards(1).read_back(true).durability(ckpt::durability::none));
    writer.add("a", {1}, std::vector<std::uint8_t>{1});
    writer.add("b", {2}, std::vector<double>{2, 3});
    writer.finish();
    const auto view = ckpt::reader(in("x")).at("b").view(ckpt::read_options().checksums(ckpt::checksums::never));
    EXPECT_GE(view.alignment(), 64u);
    EXPECT_EQ(view.values<double>()[1], 3);
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { view.values<float>(); }).reason(), ckpt::reason::dtype);
    ckpt::writer tight(in("tight"));  // without gaps, as TensorFlow
    tight.add("a", {1}, std::vector<std::uint8_t>{1});
    tight.add("b", {2}, std::vector<double>{2, 3});
    tight.finish();
    const auto packed = ckpt::reader(in("tight")).at("b").view();
    EXPECT_EQ(fails(ckpt::code::failed_precondition, [&] { packed.values<double>(); }).reason(), ckpt::reason::alignment);
}

TEST_F(binding, threads_that_add_to_one_writer_are_refused) {
    constexpr int count = 4, tensors = 300;
    const auto key = [](int thread, int i) { return "t" + std::to_string(thread) + "/" + std::to_string(i); };
    const auto value = [](int thread, int i) { return std::vector<float>{static_cast<float>(thread), static_cast<float>(i)}; };
    std::vector<std::vector<char>> added(count, std::vector<char>(tensors));
    ckpt::writer writer(in("x"));
    std::vector<std::thread> threads;
    for (int thread = 0; thread < count; thread++) {
        threads.emplace_back([&, thread] {
            for (int i = 0; i < tensors; i++) {
                try {
                    writer.add(key(thread, i), {2}, value(thread, i));
                    added[static_cast<std::size_t>(thread)][static_cast<std::size_t>(i)] = 1;
                } catch (const ckpt::error &error) {
                    EXPECT_EQ(error.code(), ckpt::code::failed_precondition) << error.what();
                    EXPECT_EQ(error.reason(), ckpt::reason::concurrent_use);
                }
            }
        });
    }
    for (auto &thread : threads) thread.join();
    writer.finish();
    EXPECT_EQ(ckpt::verify(in("x")).size(), 0u);
    const ckpt::reader reader(in("x"));
    for (int thread = 0; thread < count; thread++) {
        for (int i = 0; i < tensors; i++) {
            const bool is_added = added[static_cast<std::size_t>(thread)][static_cast<std::size_t>(i)] != 0;
            ASSERT_EQ(reader.contains(key(thread, i)), is_added);
            if (is_added) {
                ASSERT_EQ(reader.read<float>(key(thread, i)), value(thread, i));
            }
        }
    }
}

TEST_F(binding, an_exception_that_a_callback_cannot_report_comes_out_of_the_call) {
    ckpt::graph graph;
    const auto root = graph.add_object();
    ckpt::saver_functions saver;
    saver.accepts = [](ckpt::node) -> bool { throw std::logic_error("who is this?"); };
    saver.save = [](const ckpt::nodes &, ckpt::sink &) {};
    saver.wants = [](const ckpt::nodes &, std::string_view) { return false; };
    saver.restore = [](const ckpt::nodes &, const ckpt::source &) {};
    graph.register_saver("", "s", saver);
    const auto thrown = fails(ckpt::code::aborted, [&] { ckpt::checkpoint(graph, root).write(in("x")); });
    EXPECT_TRUE(has(thrown.what(), "who is this?"));
    EXPECT_THROW(std::rethrow_exception(thrown.cause()), std::logic_error);
    saver.save = nullptr;
    fails(ckpt::code::invalid_argument, [&] { graph.register_saver("", "t", saver); });
}

TEST_F(binding, an_error_in_a_callback_keeps_its_code) {
    ckpt::graph graph;
    const auto root = graph.add_object();
    graph.track(root, "s",
                graph.add_state([](ckpt::sink &) { throw ckpt::error(ckpt::code::unavailable, "the device is gone"); },
                                [](const ckpt::source &) {}));
    const auto thrown = fails(ckpt::code::aborted, [&] { ckpt::checkpoint(graph, root).write(in("x")); });
    EXPECT_TRUE(has(thrown.what(), "UNAVAILABLE: the device is gone")) << thrown.what();
    EXPECT_EQ(files(), 0u);
}

TEST_F(binding, a_callback_that_fails_on_a_thread_of_the_library_fails_the_call) {
    ckpt::writer writer(in("x"), ckpt::write_options().threads(4));
    for (int i = 0; i < 8; i++) {
        writer.add_read(std::to_string(i), ckpt::dtype::float32, {1 << 18},
                        [](std::uint64_t, ckpt::span<std::byte>) { throw std::runtime_error("not readable"); });
    }
    EXPECT_TRUE(has(fails(ckpt::code::aborted, [&] { writer.finish(); }).what(), "not readable"));
}

TEST_F(binding, a_callback_may_not_call_its_graph) {
    ckpt::graph graph;
    const auto root = graph.add_object();
    graph.track(root, "s",
                graph.add_state(
                    [&](ckpt::sink &into) {
                        EXPECT_EQ(fails(ckpt::code::failed_precondition, [&] { graph.add_object(); }).reason(),
                                  ckpt::reason::reentrant);
                        ckpt::graph().add_object();  // another graph
                        into.put("x", 1);
                    },
                    [](const ckpt::source &) {}));
    ckpt::checkpoint(graph, root).write(in("x"));
}

TEST_F(binding, borrowed_memory_is_released_once) {
    int released = 0;
    const auto release = [&] { released++; };
    std::vector<float> memory(2), other(2);
    {
        ckpt::graph graph;
        fails(ckpt::code::invalid_argument, [&] { graph.add_borrowed({3}, memory, release); });
        EXPECT_EQ(released, 1);  // the call failed
        const auto first = graph.add_borrowed({2}, memory, release), second = graph.add_borrowed({2}, memory, release);
        graph.remove(first);
        EXPECT_EQ(released, 2);
        graph.set_borrowed(second, other, release);
        EXPECT_EQ(released, 3);
        EXPECT_EQ(graph.values<float>(second).data(), other.data());
        graph.add_borrowed({2}, memory, [] { throw std::runtime_error("into nowhere"); });
    }
    EXPECT_EQ(released, 4);
}

TEST_F(binding, user_data_is_freed_with_what_it_was_given_to) {
    const auto token = std::make_shared<int>();
    {
        ckpt::graph graph;
        const auto root = graph.add_object();
        graph.track(root, "s",
                    graph.add_state([token](ckpt::sink &into) { into.put("x", 1); }, [token](const ckpt::source &) {}));
        graph.add_slot_owner([token](ckpt::slot_request &) {});
        const ckpt::checkpoint checkpoint(graph, root);
        checkpoint.set_log([token](ckpt::severity, std::string_view) {});
        checkpoint.save(in("x"), ckpt::save_options()
                                     .write(ckpt::write_options().progress([token](std::uint64_t, std::uint64_t) {}))
                                     .on_written([token](std::string_view) {}));
        checkpoint.restore(in("x-1")).assert_consumed();
        EXPECT_GT(token.use_count(), 1);
    }
    EXPECT_EQ(token.use_count(), 1);
}

TEST_F(binding, the_log_hears_what_was_never_used) {
    ckpt::graph graph;
    const auto root = graph.add_object();
    graph.track(root, "x", graph.add_scalar(1.0f));
    ckpt::checkpoint(graph, root).write(in("x"));
    std::vector<std::string> heard;
    {
        ckpt::graph empty;
        const ckpt::checkpoint checkpoint(empty, empty.add_object());
        checkpoint.set_log([&](ckpt::severity severity, std::string_view text) {
            EXPECT_EQ(severity, ckpt::severity::warning);
            heard.emplace_back(text);
            throw std::runtime_error("into nowhere");
        });
        checkpoint.read(in("x"));
    }
    ASSERT_FALSE(heard.empty());
    std::string all;
    for (const std::string &line : heard) all += line;
    EXPECT_TRUE(has(all, "x")) << all;
}

namespace {

// Members in place, by name, as a program has them already.
struct plain : ckpt::module {
    std::vector<float> weights = {1, 2, 3};
    std::array<double, 2> rates = {4, 5};
    std::int64_t step = 6;
    float matrix[2][2] = {{7, 8}, {9, 10}};
    bool trained = true;

    plain() {
        track("weights", weights);
        track("rates", rates);
        track("step", step);
        track("matrix", matrix, {2, 2});
        track("trained", trained);
    }
};

struct outer : ckpt::module {
    ckpt::variable<float> w{*this, "w", {2}, {1, 2}};
    ckpt::variable<std::int64_t> step{*this, "step", {}, {3}};
    struct inner : ckpt::module {
        using ckpt::module::module;
        ckpt::variable<ckpt::half> h{*this, "h", {1}, {{0x3c00}}};
    } child{*this, "child"};
};

}  // namespace

TEST_F(binding, a_module_tracks_members_in_place) {
    {
        plain program;
        ckpt::checkpoint(program).write(in("plain"));
        // In the order in which they were tracked.
        std::vector<std::string> names;
        for (const auto &child : program.graph().children(program.node())) names.emplace_back(child.name);
        EXPECT_EQ(names, (std::vector<std::string>{"weights", "rates", "step", "matrix", "trained"}));
    }
    plain program;
    program.weights = {0, 0, 0};
    program.step = 0;
    program.matrix[1][1] = 0;
    program.trained = false;
    ckpt::checkpoint(program).read(in("plain")).assert_consumed();
    EXPECT_EQ(program.weights, (std::vector<float>{1, 2, 3}));
    EXPECT_EQ(program.step, 6);
    EXPECT_EQ(program.matrix[1][1], 10);
    EXPECT_TRUE(program.trained);
}

TEST_F(binding, a_module_has_modules_and_variables) {
    {
        outer program;
        ckpt::checkpoint(program).write(in("outer"));
    }
    const ckpt::reader reader(in("outer"));
    EXPECT_EQ(reader.read<float>(value_key("w")), (std::vector<float>{1, 2}));
    EXPECT_EQ(reader.at(value_key("step")).scalar<std::int64_t>(), 3);
    EXPECT_EQ(reader.read<ckpt::half>(value_key("child/h")), (std::vector<ckpt::half>{{0x3c00}}));
    outer again;
    again.w[1] = 0;
    again.child.h.value() = {0};
    ckpt::checkpoint(again).read(in("outer")).assert_consumed();
    EXPECT_EQ(again.w[1], 2);
    EXPECT_EQ(again.child.h.value().value, 0x3c00);
    float sum = 0;
    for (float each : again.w) sum += each;
    EXPECT_EQ(sum, 3);
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { again.w.fill(std::vector<float>(3)); }).reason(), ckpt::reason::shape);
}

TEST_F(binding, an_object_that_goes_leaves_the_graph) {
    outer program;
    const ckpt::checkpoint checkpoint(program);
    const auto root = program.node();
    {
        ckpt::variable<float> passing(program, "passing", {1});
        EXPECT_EQ(program.graph().lookup(root, "passing"), passing.node());
        auto layer = std::make_unique<outer::inner>(program, "layer");
        EXPECT_TRUE(program.graph().lookup(root, "layer"));
    }
    EXPECT_FALSE(program.graph().lookup(root, "passing"));
    EXPECT_FALSE(program.graph().lookup(root, "layer"));
    checkpoint.write(in("x"));
    EXPECT_FALSE(ckpt::reader(in("x")).contains(value_key("passing")));
    // A name that is taken leaves no object behind.
    const auto before = program.graph().descendants(root).size();
    fails(ckpt::code::already_exists, [&] { ckpt::variable<float> w(program, "w", {1}); });
    EXPECT_EQ(program.graph().descendants(root).size(), before);
    fails(ckpt::code::invalid_argument, [&] { ckpt::variable<float> none(program, "none", {-1}); });
}

TEST_F(binding, options_say_what_is_restored) {
    {
        outer program;
        ckpt::checkpoint(program).write(in("x"));
    }
    outer program;
    const ckpt::checkpoint checkpoint(program);
    const auto reset = [&] {
        program.w.fill(std::vector<float>(2));
        program.step.value() = 0;
        program.child.h.value() = {0};
    };
    reset();
    checkpoint.read(in("x"), ckpt::restore_options().include("w").verify_first(true)).assert_consumed();
    EXPECT_EQ(program.w[0], 1);
    EXPECT_EQ(program.step.value(), 0);
    reset();
    checkpoint.read(in("x"), ckpt::restore_options().exclude("child/**").read(ckpt::read_options().threads(1)))
        .assert_rest_matched();
    EXPECT_EQ(program.step.value(), 3);
    EXPECT_EQ(program.child.h.value().value, 0);
    struct other : ckpt::module {
        outer::inner moved{*this, "moved"};
    } renamed;
    renamed.moved.h.value() = {0};
    ckpt::checkpoint(renamed).read(in("x"), ckpt::restore_options().rename("child", "moved")).expect_partial();
    EXPECT_EQ(renamed.moved.h.value().value, 0x3c00);
    outer::inner alone{ckpt::graph()};
    alone.h.value() = {0};
    ckpt::checkpoint(alone).read(in("x"), ckpt::restore_options().subtree("child").skip_slot_variables(true)).expect_partial();
    EXPECT_EQ(alone.h.value().value, 0x3c00);
}

TEST_F(binding, a_checkpoint_attaches_edges_to_its_root) {
    ckpt::graph graph;
    const auto root = graph.add_object(), step = graph.add_scalar(std::int64_t{9});
    const ckpt::checkpoint checkpoint(graph, root, {{"step", step}});
    EXPECT_EQ(checkpoint.root(), root);
    EXPECT_EQ(checkpoint.write_numbered(in("x"), 41), in("x-41"));
    EXPECT_EQ(checkpoint.save_count(), 0);
    EXPECT_TRUE(ckpt::reader(in("x-41")).contains(value_key("step")));
    EXPECT_FALSE(checkpoint.graph().lookup(root, "step"));
    EXPECT_EQ(checkpoint.save(in("y")), in("y-1"));
    EXPECT_EQ(graph.read_integer(checkpoint.save_counter()), 1);
}

TEST_F(binding, a_write_callback_hears_the_path_before_the_state_file) {
    ckpt::graph graph;
    const auto root = graph.add_object();
    const ckpt::checkpoint checkpoint(graph, root);
    std::string heard;
    checkpoint.save(in("x"), ckpt::save_options().on_written([&](std::string_view path) {
        heard = path;
        EXPECT_FALSE(ckpt::latest_checkpoint(directory()));
    }));
    EXPECT_EQ(heard, in("x-1"));
    EXPECT_EQ(ckpt::latest_checkpoint(directory()), in("x-1"));
    const auto thrown = fails(ckpt::code::aborted, [&] {
        checkpoint.save(
            in("x"), ckpt::save_options().on_written([](std::string_view) { throw std::runtime_error("the bucket is full"); }));
    });
    EXPECT_TRUE(has(thrown.what(), "the bucket is full"));
    EXPECT_TRUE(ckpt::checkpoint_exists(in("x-2")));
}

TEST_F(binding, lists_and_graphs_are_changed_as_in_python) {
    ckpt::graph graph;
    const auto root = graph.add_object(ckpt::node_options().debug_name("root")), list = graph.add_list();
    const auto a = graph.add_scalar(1.0f), b = graph.add_scalar(2.0f);
    graph.track(root, "list", list);
    graph.list_append(list, a);
    graph.list_append(list, ckpt::node());
    graph.list_repeat(list, 2);
    EXPECT_EQ(graph.list_elements(list).size(), 4u);
    graph.list_set(list, 1, b);  // in a place that was not tracked
    EXPECT_EQ(graph.list_elements(list)[1].node, b);
    EXPECT_EQ(graph.list_remove(list, -1), ckpt::node());
    graph.list_splice(list, 0, 1, {b, b});
    const std::vector<std::size_t> order = {3, 2, 1, 0};
    graph.list_reorder(list, order);
    EXPECT_EQ(graph.list_elements(list)[0].node, a);
    fails(ckpt::code::out_of_range, [&] { graph.list_set(list, 9, a); });
    graph.set_debug_name(a, "a");
    graph.set_name(a, "scope/a");
    EXPECT_EQ(graph.describe(a).kind, ckpt::kind::variable);
    EXPECT_EQ(graph.describe(list).kind, ckpt::kind::list);
    const auto dict = graph.add_dict();
    graph.dict_set(dict, "k", a);
    EXPECT_EQ(graph.dict_remove(dict, "k"), a);
    graph.track_overwrite(root, "list", dict);
    EXPECT_EQ(graph.lookup(root, "list"), dict);
    EXPECT_EQ(graph.untrack(root, "list"), dict);
    EXPECT_TRUE(graph.contains(dict));
    graph.remove(dict);
    EXPECT_FALSE(graph.contains(dict));
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { graph.describe(dict); }).reason(), ckpt::reason::node);
    const auto words = graph.add_strings({2}, std::vector<std::string>{"x", "y"});
    graph.assign_strings(words, {2}, std::vector<std::string>{"z", ""});
    EXPECT_EQ(graph.read_strings(words).copy(), (std::vector<std::string>{"z", ""}));
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { graph.values<double>(a); }).reason(), ckpt::reason::dtype);
}

TEST_F(binding, several_threads_may_use_one_checkpoint) {
    outer program;
    const ckpt::checkpoint checkpoint(program);
    checkpoint.write(in("x"));
    const ckpt::reader reader(in("x"));
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; t++) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 5; i++) {
                checkpoint.write(in("t" + std::to_string(t)),
                                 ckpt::save_options().write(ckpt::write_options().durability(ckpt::durability::none)));
                for (const ckpt::tensor &tensor : reader) EXPECT_FALSE(tensor.key().empty());
                ckpt::reader(in("t" + std::to_string(t)));
            }
        });
    }
    for (std::thread &thread : threads) thread.join();
}

// Stops a save when some is written, until it is opened.
struct gate {
    std::promise<void> reached, opened;
    bool once = true;

    ckpt::save_options options() {
        ckpt::write_options writing;
        writing.threads(1).durability(ckpt::durability::none).progress([this](std::uint64_t, std::uint64_t) {
            if (std::exchange(once, false)) {
                reached.set_value();
                opened.get_future().wait();
            }
        });
        ckpt::save_options saving;
        saving.write(writing);
        return saving;
    }
};

TEST_F(binding, a_save_in_the_background_saves_what_was_there) {
    const ckpt::graph graph;
    const ckpt::node root = graph.add_object();
    std::vector<float> values(1 << 20, 1.0f);
    graph.track(root, "values", graph.add_borrowed({1 << 20}, values));
    const ckpt::checkpoint checkpoint(graph, root);
    gate first;
    const ckpt::pending pending = checkpoint.save_async(in("ckpt"), first.options());
    first.reached.get_future().wait();
    std::fill(values.begin(), values.end(), 2.0f);
    const ckpt::pending_progress now = pending.poll();
    EXPECT_FALSE(now.is_finished);
    EXPECT_TRUE(0 < now.done && now.done < now.total);
    try {
        checkpoint.save(in("ckpt"), ckpt::save_options().busy(ckpt::busy::fail));
        ADD_FAILURE() << "it is busy";
    } catch (const ckpt::error &error) {
        EXPECT_EQ(error.code(), ckpt::code::unavailable);
        EXPECT_EQ(error.reason(), ckpt::reason::busy);
    }
    EXPECT_FALSE(pending.wait_for(std::chrono::milliseconds(1)));
    first.opened.set_value();
    EXPECT_TRUE(pending.wait_for(std::chrono::hours(1)));
    EXPECT_EQ(pending.wait(), in("ckpt-1"));
    EXPECT_EQ(pending.path(), in("ckpt-1"));
    EXPECT_TRUE(pending.poll().is_finished);
    EXPECT_EQ(ckpt::reader(in("ckpt-1")).at(value_key("values")).read<float>(), std::vector<float>(1 << 20, 1.0f));
    EXPECT_EQ(checkpoint.write_async(in("written")).wait(), in("written"));

    gate second;
    const ckpt::pending cancelled = checkpoint.write_async(in("cancelled"), second.options());
    second.reached.get_future().wait();
    cancelled.cancel();
    second.opened.set_value();
    try {
        cancelled.wait();
        ADD_FAILURE() << "it was cancelled";
    } catch (const ckpt::error &error) {
        EXPECT_EQ(error.code(), ckpt::code::cancelled);
    }
    EXPECT_FALSE(ckpt::checkpoint_exists(in("cancelled")));
}

TEST_F(binding, the_errors_of_saves_in_the_background_are_thrown) {
    const ckpt::graph graph;
    const ckpt::checkpoint checkpoint(graph, graph.add_object());
    ckpt::save_options refusing;
    refusing.on_written([](std::string_view) { throw std::runtime_error("refused"); });
    const auto says_refused = [](const auto &call) {
        try {
            call();
            ADD_FAILURE() << "nothing was thrown";
        } catch (const ckpt::error &error) {
            EXPECT_EQ(error.code(), ckpt::code::aborted);
            EXPECT_NE(std::string(error.what()).find("refused"), std::string::npos);
            ASSERT_TRUE(error.cause());  // although it was thrown on a thread of the library's
            EXPECT_THROW(std::rethrow_exception(error.cause()), std::runtime_error);
        }
    };
    const ckpt::pending pending = checkpoint.save_async(in("ckpt"), refusing);
    for (int i = 0; i < 3; i++) says_refused([&] { pending.wait(); });
    checkpoint.sync();
    checkpoint.save_async(in("ckpt"), refusing);
    checkpoint.save(in("ckpt"));  // costs nothing
    EXPECT_EQ(checkpoint.save_count(), 3);
    const ckpt::manager manager(checkpoint, in("managed"));
    for (const std::optional<ckpt::error> &failure : {checkpoint.last_failure(), manager.last_failure()}) {
        ASSERT_TRUE(failure);
        EXPECT_EQ(failure->code(), ckpt::code::aborted);
        EXPECT_THROW(std::rethrow_exception(failure->cause()), std::runtime_error);
    }
    says_refused([&] { checkpoint.sync(); });
    checkpoint.sync();

    ckpt::write_options stopping;
    stopping.progress([](std::uint64_t, std::uint64_t) { throw std::runtime_error("stop"); });
    EXPECT_THROW(checkpoint.write_async(in("stopped"), ckpt::save_options().write(stopping)).wait(), ckpt::error);
    EXPECT_FALSE(ckpt::checkpoint_exists(in("stopped")));
}

TEST_F(binding, a_manager_saves_in_the_background_when_it_is_time) {
    const ckpt::graph graph;
    const ckpt::checkpoint checkpoint(graph, graph.add_object());
    ckpt::manager_options managing;
    managing.max_to_keep(1).checkpoint_interval(10).steps_in_calls(true);
    const ckpt::manager manager(checkpoint, directory(), managing);
    for (std::int64_t step = 1; step <= 30; ++step) {
        const auto pending = manager.save_async(ckpt::manager_save_options().step(step));
        EXPECT_EQ(pending.has_value(), step % 10 == 1);
    }
    checkpoint.sync();
    EXPECT_EQ(manager.checkpoints(), std::vector<std::string>{in("ckpt-3")});
    EXPECT_TRUE(ckpt::verify(*manager.latest_checkpoint()).empty());
}

TEST_F(binding, checkpoints_come_one_after_the_other) {
    ckpt::graph graph;
    const ckpt::checkpoint checkpoint(graph, graph.add_object());
    double now = 0;
    int saves = 0;
    const auto clock = [&] {
        return ckpt::clock_functions{[&] { return now; },
                                     [&](double seconds) {
                                         now += seconds;
                                         if (saves++ < 3) checkpoint.save(in("x"));
                                     }};
    };
    std::vector<std::string> seen;
    for (const std::string &path : ckpt::checkpoints_iterator(directory(), ckpt::wait_options().timeout(10).clock(clock()))) {
        seen.push_back(path);
    }
    EXPECT_EQ(seen, (std::vector<std::string>{in("x-1"), in("x-2"), in("x-3")}));
    EXPECT_EQ(ckpt::wait_for_new_checkpoint(directory()), in("x-3"));
    EXPECT_FALSE(
        ckpt::wait_for_new_checkpoint(directory(), in("x-3"), ckpt::wait_options().timeout(5).poll_interval(2).clock(clock())));
    int asked = 0;
    ckpt::checkpoints_iterator done(directory(), ckpt::wait_options().timeout(1).min_interval(0).clock(clock()),
                                    [&] { return ++asked > 0; });
    EXPECT_EQ(done.next(), in("x-3"));
    EXPECT_FALSE(done.next());
    const auto stopped = fails(ckpt::code::cancelled, [&] {
        ckpt::wait_for_new_checkpoint(directory(), in("x-3"),
                                      ckpt::wait_options().clock({nullptr, [](double) { throw std::runtime_error("no time"); }}));
    });
    EXPECT_THROW(std::rethrow_exception(stopped.cause()), std::runtime_error);
}

TEST_F(binding, a_watch_calls_back_until_a_flag_is_set) {
    ckpt::graph graph;
    const ckpt::checkpoint checkpoint(graph, graph.add_object());
    // A clock in which a checkpoint appears every second, and once a state file that means nothing.
    double now = 0;
    int slept = 0;
    ckpt::wait_options options;
    options.clock({[&] { return now; },
                   [&](double seconds) {
                       now += seconds;
                       if (++slept == 3) std::ofstream(in("checkpoint")) << "no state file";
                       if (slept != 3 && slept < 30 && slept % 14 != 0) return;
                       if (slept > 3) checkpoint.save(in("x"));
                   }});
    std::atomic<bool> stop = false;
    std::vector<std::string> seen;
    int faults = 0;
    ckpt::watch(
        directory(),
        [&](const std::string &path) {
            seen.push_back(path);
            stop = seen.size() == 3;
        },
        stop, options,
        [&](const ckpt::error &fault) {
            EXPECT_EQ(fault.code(), ckpt::code::data_loss);
            faults++;
        });
    EXPECT_EQ(seen.size(), 3u);
    EXPECT_EQ(seen.back(), ckpt::latest_checkpoint(directory()));
    EXPECT_EQ(faults, 1);

    // On the machine's clock, from another thread, while it waits; and by an exception.
    stop = false;
    std::promise<void> begun;
    auto watching = std::async(std::launch::async, [&] {
        ckpt::watch(directory(), [&](const std::string &) { begun.set_value(); }, stop, ckpt::wait_options().poll_interval(3600));
    });
    begun.get_future().wait();
    stop = true;
    watching.get();
    stop = false;
    EXPECT_THROW(
        ckpt::watch(directory(), [](const std::string &) { throw std::runtime_error("enough"); }, stop), std::runtime_error);
    stop = true;
    ckpt::watch(directory(), [](const std::string &) { ADD_FAILURE() << "it was stopped"; }, stop);
}

// Whoever is given a path has a log, which hears once that the directory was moved.
TEST_F(binding, logs_hear_of_paths) {
    ckpt::graph graph;
    const ckpt::node root = graph.add_object();
    std::vector<float> value(1);
    graph.track(root, "x", graph.add_borrowed({1}, value));
    const ckpt::checkpoint checkpoint(graph, root);
    checkpoint.write(in("ckpt-1"));
    std::ofstream(in("checkpoint")) << "model_checkpoint_path: \"/gone/ckpt-1\"\nall_model_checkpoint_paths: \"/gone/ckpt-1\"\n"
                                       "all_model_checkpoint_timestamps: 1000.5\n";
    int moved = 0;
    const auto log = [&](ckpt::severity severity, std::string_view text) {
        if (severity == ckpt::severity::warning && text.find("was moved") != text.npos) moved++;
    };
    ckpt::open_options open;
    ckpt::verify_options verify;
    ckpt::wait_options wait;
    open.log(log);
    verify.log(log);
    wait.timeout(0).log(log);
    const std::vector<std::pair<const char *, std::function<void()>>> calls = {
        {"reader", [&] { ckpt::reader(directory(), open); }},
        {"checkpoint_view", [&] { ckpt::checkpoint_view(directory(), open); }},
        {"latest_checkpoint", [&] { ckpt::latest_checkpoint(directory(), open); }},
        {"get_checkpoint_state", [&] { ckpt::get_checkpoint_state(directory(), "checkpoint", open); }},
        {"pin::latest", [&] { ckpt::pin::latest(directory(), open); }},
        {"verify", [&] { ckpt::verify(directory(), verify); }},
        {"latest_valid_checkpoint", [&] { ckpt::latest_valid_checkpoint(directory(), verify); }},
        {"wait_for_new_checkpoint", [&] { ckpt::wait_for_new_checkpoint(directory(), std::nullopt, wait); }},
        {"collect_checkpoints", [&] { ckpt::collect_checkpoints(directory(), ckpt::collect_options(1).dry_run(true).log(log)); }},
        {"repair", [&] { ckpt::repair_checkpoint_state(directory(), ckpt::repair_options().dry_run(true).log(log)); }},
        {"repair, as verify",
         [&] { ckpt::repair_checkpoint_state(directory(), ckpt::repair_options().dry_run(true).verify(verify)); }},
        {"restore_nodes",
         [&] { ckpt::restore_nodes(graph, directory(), {{1, graph.lookup(root, "x")}}, ckpt::restore_options().log(log)); }},
    };
    for (const auto &call : calls) {
        moved = 0;
        call.second();
        EXPECT_EQ(moved, 1) << call.first;
    }
}

// What changes a directory locks it as its options say.
TEST_F(binding, options_say_how_to_lock) {
    const auto log = [](ckpt::severity, std::string_view) {};
    for (const auto locking : {ckpt::locking::if_possible, ckpt::locking::required, ckpt::locking::none}) {
        ckpt::writer writer(in("w"), ckpt::write_options().locking(locking).log(log));
        writer.add("v", 1.0f);
        writer.finish();
        ckpt::merge(in("m"), {in("w")}, ckpt::merge_options().locking(locking).keep_inputs(true).log(log));
        std::ofstream(in("checkpoint")) << "nonsense";
        EXPECT_TRUE(
            ckpt::repair_checkpoint_state(directory(), ckpt::repair_options().locking(locking).lock_wait(0).log(log)).is_new);
        ckpt::update_checkpoint_state(directory(), ckpt::state_update(in("m")).locking(locking).lock_wait(0).log(log));
        ckpt::remove_checkpoint(in("m"), ckpt::remove_options().locking(locking).lock_wait(0).log(log));
        EXPECT_FALSE(ckpt::checkpoint_exists(in("m")));
    }
    fails(ckpt::code::invalid_argument, [] { ckpt::remove_options().lock_wait(-1); });
    fails(ckpt::code::invalid_argument, [&] { ckpt::state_update(in("m")).lock_wait(-1); });
    fails(ckpt::code::invalid_argument, [] { ckpt::repair_options().lock_wait(-1); });
    fails(ckpt::code::invalid_argument, [] { ckpt::saver_options().lock_wait(-1); });
}

TEST_F(binding, a_directory_is_looked_after) {
    ckpt::graph graph;
    const ckpt::checkpoint checkpoint(graph, graph.add_object());
    std::vector<std::string> paths;
    double now = 1000;
    {
        const ckpt::manager manager(
            checkpoint, directory(),
            ckpt::manager_options().checkpoint_name("m").clock([&] { return now; }).log([](ckpt::severity, std::string_view) {}));
        EXPECT_EQ(manager.directory(), directory());
        EXPECT_EQ(manager.checkpoint().root(), checkpoint.root());
        for (int i = 0; i < 4; i++) {
            now += 10;
            ckpt::manager_save_options options;
            if (i == 3) options.number(77);
            paths.push_back(*manager.save(options));
        }
    }
    EXPECT_EQ(paths.back(), in("m-77"));
    EXPECT_EQ(ckpt::get_checkpoint_state(directory())->timestamps, (std::vector<double>{1010, 1020, 1030, 1040}));
    EXPECT_EQ(ckpt::collect_checkpoints(directory(), ckpt::collect_options(2).dry_run(true)).size(), 2u);
    EXPECT_TRUE(ckpt::checkpoint_exists(paths[0]));
    {
        const auto dry = ckpt::collect_checkpoints_with_details(directory(), ckpt::collect_options(2).dry_run(true));
        EXPECT_EQ(dry.removed.size(), 2u);
        EXPECT_TRUE(dry.leftovers.empty() && dry.warnings.empty() && dry.failed.empty());
        const ckpt::pin held(paths[0]);
        EXPECT_EQ(ckpt::collect_checkpoints(directory(), ckpt::collect_options(2)), (std::vector<std::string>{paths[1]}));
    }
    EXPECT_TRUE(ckpt::checkpoint_exists(paths[0]));
    ckpt::collect_checkpoints(directory());
    ckpt::remove_checkpoint(paths[0]);
    EXPECT_FALSE(ckpt::checkpoint_exists(paths[0]));
    EXPECT_FALSE(ckpt::get_checkpoint_state(in("nowhere")));

    // The newest is cut short: the one before is the newest that is whole.
    std::filesystem::resize_file(paths[3] + ".index", 10);
    const auto valid = ckpt::latest_valid_checkpoint(directory());
    EXPECT_EQ(valid.path, paths[2]);
    ASSERT_EQ(valid.newer.size(), 1u);
    EXPECT_EQ(valid.newer[0].prefix, paths[3]);
    EXPECT_EQ(valid.newer[0].code, ckpt::code::data_loss);
    EXPECT_EQ(valid.newer[0].verdict, ckpt::verdict::damaged);
    EXPECT_EQ(ckpt::verify(paths[2]).verdict(), ckpt::verdict::whole);
    const auto section = ckpt::verify(fixture("unmerged/part-00000-of-00002"), ckpt::verify_options().skip_values(true));
    EXPECT_EQ(section.verdict(), ckpt::verdict::section);
    EXPECT_EQ(section[0].reason, ckpt::reason::gap);
    const auto repaired = ckpt::repair_checkpoint_state(directory());
    EXPECT_EQ(repaired.latest, paths[2]);
    EXPECT_TRUE(repaired.is_new);
    EXPECT_EQ(repaired.left_out.size(), 1u);
    ckpt::update_checkpoint_state(directory(), ckpt::state_update(paths[2]).timestamp(5).last_preserved(4));
    EXPECT_EQ(ckpt::get_checkpoint_state(directory())->last_preserved, 4);
    EXPECT_EQ(ckpt::latest_checkpoint(directory()), paths[2]);

    // A program resumes from the newest that is whole.
    const ckpt::manager manager(checkpoint, directory(),
                                ckpt::manager_options().init([] { throw std::runtime_error("no data"); }));
    const auto resumed = manager.restore_or_initialize(ckpt::resume_options().latest_valid(true));
    ASSERT_TRUE(resumed);
    EXPECT_EQ(resumed->path, paths[2]);
    const ckpt::manager empty(checkpoint, in("empty"), ckpt::manager_options().init([] { throw std::runtime_error("no data"); }));
    EXPECT_TRUE(has(fails(ckpt::code::aborted, [&] { empty.restore_or_initialize(); }).what(), "no data"));
}

TEST_F(binding, workers_sections_are_merged) {
    for (int worker = 0; worker < 2; worker++) {
        ckpt::writer writer(in("part-" + std::to_string(worker)));
        writer.add_slice("table", {2, 2}, {{worker, 0}, {1, -1}}, std::vector<float>(2, static_cast<float>(worker)));
        writer.finish();
    }
    std::uint64_t heard = 0;
    ckpt::merge(in("all"), {in("part-0"), in("part-1")},
                ckpt::merge_options().keep_inputs(true).progress([&](std::uint64_t done, std::uint64_t) { heard = done; }));
    EXPECT_EQ(ckpt::reader(in("all")).read<float>("table"), (std::vector<float>{0, 0, 1, 1}));
    EXPECT_GT(heard, 0u);
    fails(ckpt::code::not_found, [&] { ckpt::merge(in("none"), {in("part-2")}); });
    ckpt::merge(in("some"), {in("part-0"), in("part-2")},
                ckpt::merge_options().allow_missing(true).durability(ckpt::durability::data));
    EXPECT_FALSE(ckpt::checkpoint_exists(in("part-0")));
}

TEST_F(binding, a_part_of_a_tensor_is_restored_in_another_cut) {
    // The rows of a table, saved by two workers.
    for (std::int64_t worker = 0; worker < 2; worker++) {
        ckpt::graph graph;
        std::vector<float> rows(4, static_cast<float>(worker));
        const auto table =
            graph.add_borrowed({2, 2}, rows, nullptr, ckpt::node_options().part({4, 2}, {{2 * worker, 0}, {2, -1}}));
        ckpt::saver(graph, {{"table", table}}).save(in("part-" + std::to_string(worker)));
    }
    ckpt::merge(in("all"), {in("part-0"), in("part-1")});
    ckpt::graph graph;
    std::vector<float> columns(4, -1);
    const auto table =
        graph.add_borrowed({4, 1}, columns, nullptr, ckpt::node_options().name("table").part({4, 2}, {{0, 1}, {-1, 1}}));
    const auto root = graph.add_object();
    graph.track(root, "table", table);
    const ckpt::checkpoint checkpoint(graph, root);
    const auto report = checkpoint.dry_run(in("all"));
    ASSERT_EQ(report.size(), 1u);
    EXPECT_EQ(report[0].program_slice(), "-:1,1");
    EXPECT_EQ(*report[0].program_shape(), ckpt::shape_view({4, 2}));
    checkpoint.read(in("all"));
    EXPECT_EQ(columns, (std::vector<float>{0, 0, 1, 1}));
    fails(ckpt::code::invalid_argument, [&] { ckpt::node_options().part({4, 2}, {{0}, {1}}); });
    fails(ckpt::code::invalid_argument,
          [&] { graph.add_borrowed({4}, columns, nullptr, ckpt::node_options().part({4, 2}, {{0, 1}, {-1, 1}})); });
}

// Ranks that are threads: a letter box for each, and the first knows who has left.
class town {
   public:
    explicit town(std::uint32_t count) : letters_(2 * count), left_(count) {}
    ckpt::ranks as(std::uint32_t rank) {
        ckpt::rank_functions functions;
        const std::uint32_t count = static_cast<std::uint32_t>(left_.size());
        functions.gather = [=, this_town = this](ckpt::span<const std::byte> message, ckpt::messages &all) {
            if (rank > 0) return this_town->leave(rank, message);
            for (std::uint32_t other = 1; other < count; other++) this_town->take(other, other, all);
        };
        functions.broadcast = [=, this_town = this](ckpt::span<const std::byte> message, ckpt::messages &from_first) {
            if (rank > 0) return this_town->take(count + rank, 0, from_first);
            for (std::uint32_t other = 1; other < count; other++) this_town->leave(count + other, message);
        };
        return {rank, count, std::move(functions)};
    }
    void leave_for_good(std::uint32_t rank) {
        const std::lock_guard lock(mutex_);
        left_[rank] = true;
        changed_.notify_all();
    }

   private:
    void leave(std::size_t box, ckpt::span<const std::byte> message) {
        const std::lock_guard lock(mutex_);
        letters_[box].emplace_back(message.begin(), message.end());
        changed_.notify_all();
    }
    void take(std::size_t box, std::uint32_t from, ckpt::messages &to) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !letters_[box].empty() || left_[from]; });
        if (letters_[box].empty()) return;
        to.put(from, letters_[box].front());
        letters_[box].erase(letters_[box].begin());
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::vector<std::vector<std::byte>>> letters_;
    std::vector<bool> left_;
};

// Runs so many threads, each with a part of a table; gives what each throws, or nothing.
template <typename Body>
std::vector<std::optional<ckpt::error>> as_ranks(std::uint32_t count, std::uint32_t away, Body &&body) {
    town town(count);
    std::vector<std::optional<ckpt::error>> thrown(count);
    std::vector<std::thread> threads;
    for (std::uint32_t rank = 0; rank < count; rank++) {
        threads.emplace_back([&, rank] {
            if (rank == away) return town.leave_for_good(rank);
            try {
                const ckpt::graph graph;
                std::vector<float> rows(2, static_cast<float>(rank));
                ckpt::node_options part;
                part.part({2 * count}, {{2 * rank}, {2}});
                const auto root = graph.add_object();
                graph.track(root, "table", graph.add_borrowed({2}, rows, nullptr, part));
                body(town.as(rank), ckpt::checkpoint(graph, root), rank);
            } catch (const ckpt::error &error) {
                thrown[rank] = error;
            }
        });
    }
    for (auto &thread : threads) thread.join();
    return thrown;
}

TEST_F(binding, ranks_save_one_checkpoint) {
    std::vector<std::string> sections(3);
    const auto thrown = as_ranks(3, 99, [&](const ckpt::ranks &ranks, const ckpt::checkpoint &checkpoint, std::uint32_t rank) {
        EXPECT_EQ(checkpoint.write_ranked(in("ckpt"), ranks), in("ckpt"));
        EXPECT_EQ(checkpoint.save_ranked(in("ckpt"), ranks), in("ckpt-1"));
        sections[rank] = checkpoint.write_section(in("own"), ranks);
        const ckpt::manager manager(checkpoint, in("managed"));
        EXPECT_EQ(manager.save_ranked(ranks), in("managed/ckpt-2"));
    });
    for (const auto &error : thrown) EXPECT_FALSE(error) << error->what();
    ckpt::merge(in("merged"), sections);
    for (const char *name : {"ckpt", "ckpt-1", "merged", "managed/ckpt-2"}) {
        EXPECT_EQ(ckpt::reader(in(name)).read<float>(value_key("table")), (std::vector<float>{0, 0, 1, 1, 2, 2})) << name;
    }
    fails(ckpt::code::invalid_argument, [] { ckpt::ranks(3, 3, {}); });
}

TEST_F(binding, a_rank_that_stays_away_is_named_to_all) {
    const auto thrown = as_ranks(3, 1, [&](const ckpt::ranks &ranks, const ckpt::checkpoint &checkpoint, std::uint32_t) {
        checkpoint.write_ranked(in("ckpt"), ranks);
    });
    for (const std::size_t rank : {0u, 2u}) {
        ASSERT_TRUE(thrown[rank]);
        EXPECT_EQ(thrown[rank]->code(), ckpt::code::unavailable);
        EXPECT_EQ(thrown[rank]->reason(), ckpt::reason::rank);
        EXPECT_TRUE(has(thrown[rank]->what(), "rank 1 did not take part")) << thrown[rank]->what();
    }
    EXPECT_EQ(files(), 0u);
}

TEST_F(binding, what_a_rank_s_function_throws_is_the_cause_of_its_error) {
    const ckpt::graph graph;
    const ckpt::checkpoint checkpoint(graph, graph.add_object());
    ckpt::rank_functions functions;
    functions.gather = [](auto, auto &) { throw std::domain_error("the cable is cut"); };
    functions.broadcast = [](auto, auto &) {};
    const ckpt::ranks ranks(1, 2, functions);
    const auto thrown = fails(ckpt::code::unavailable, [&] { checkpoint.save_ranked(in("r"), ranks); });
    EXPECT_EQ(thrown.reason(), ckpt::reason::rank);
    EXPECT_THROW(std::rethrow_exception(thrown.cause()), std::domain_error);
}

// Options are values: a chain makes one, and a copy has all that was set, callbacks too.
TEST_F(binding, options_are_values) {
    plain program;
    const ckpt::checkpoint checkpoint(program);
    ckpt::cancel flag;
    int written = 0, heard = 0;
    auto save = ckpt::save_options()
                    .write(ckpt::write_options().shards(2).cancel(flag).progress([&](std::uint64_t, std::uint64_t) { heard++; }))
                    .on_written([&](std::string_view) { written++; });
    const auto copy = save;
    save.on_written([&](std::string_view) { written += 10; });
    checkpoint.write(in("copy"), copy);
    EXPECT_EQ(written, 1);
    EXPECT_GT(heard, 0);
    EXPECT_EQ(ckpt::reader(in("copy")).shard_count(), 2u);
    checkpoint.write(in("more"), save);
    EXPECT_EQ(written, 12);
    const auto moved = std::move(save);
    flag.raise();
    fails(ckpt::code::cancelled, [&] { checkpoint.write(in("stopped"), moved); });
    fails(ckpt::code::cancelled, [&] { checkpoint.write(in("stopped"), copy); });

    std::string name = "left";
    auto restore = ckpt::restore_options().exclude(name);
    name = "none";
    const auto assigned = [&] {
        ckpt::restore_options made;
        made = restore;
        return made;
    }();
    EXPECT_FALSE(checkpoint.dry_run(in("copy"), assigned).empty());
    auto collect = ckpt::collect_options(1).dry_run(true);
    const auto again = collect;
    {
        const ckpt::manager manager(checkpoint, directory());
        manager.save();
        manager.save();
    }
    EXPECT_EQ(ckpt::collect_checkpoints(directory(), again), (std::vector<std::string>{in("ckpt-1")}));
    EXPECT_TRUE(ckpt::checkpoint_exists(in("ckpt-1")));
}

// Writers of two names in one directory do not wait for each other; of two managers one is refused.
TEST_F(binding, writers_of_two_checkpoints_do_not_wait_and_managers_do_not_share) {
    const auto write = [&](const char *name) {
        const float value[] = {1};
        for (int i = 0; i < 30; i++) {
            ckpt::writer writer(in(name), ckpt::write_options().lock_wait(0).durability(ckpt::durability::none));
            writer.add("x", {1}, value);
            writer.finish();
        }
    };
    auto first = std::async(std::launch::async, write, "a"), second = std::async(std::launch::async, write, "b");
    first.get();
    second.get();
    plain program;
    const ckpt::checkpoint checkpoint(program);
    ckpt::manager_options options;
    options.locking(ckpt::locking::required).lock_wait(0);
    const ckpt::manager owner(checkpoint, directory(), options), other(checkpoint, directory(), options);
    owner.save();
    EXPECT_EQ(fails(ckpt::code::unavailable, [&] { other.save(); }).reason(), ckpt::reason::locked);
    EXPECT_EQ(ckpt::name(ckpt::locking::if_possible), "if possible");
}
