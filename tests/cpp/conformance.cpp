// The steps that every language goes through, under the same names in each: values, objects,
// restores. The rest is in conformance_runs.cpp.
#include <cmath>
#include <fstream>

#include "testing.hpp"

class conformance : public in_directory {};

TEST_F(conformance, read_fixture) {
    const ckpt::reader reader(fixture("guide"));
    EXPECT_TRUE(has(reader.prefix(), "guide/ckpt-5"));
    EXPECT_EQ(reader.resolved(), "ckpt-5");
    EXPECT_FALSE(reader.resolved_is_moved() || reader.resolved_is_ambiguous());
    EXPECT_EQ(reader.format(), ckpt::format::v2);
    EXPECT_EQ(reader.size(), 12u);
    EXPECT_GT(reader.memory_size(), 12u);

    // What TensorFlow reads.
    const ckpt::tensor kernel = reader.at(value_key("net/l1/kernel"));
    EXPECT_EQ(kernel.dtype(), ckpt::dtype::float32);
    EXPECT_EQ(kernel.shape(), ckpt::shape_view({1, 5}));
    const std::vector<float> expected = {0x1.e6e916p+1f, 0x1.2466e2p+2f, 0x1.3df7bep+2f, 0x1.f22d52p+1f, 0x1.008982p+2f};
    EXPECT_EQ(kernel.read<float>(), expected);
    EXPECT_EQ(reader.at(value_key("step")).scalar<std::int32_t>(), 50);
    EXPECT_EQ(reader.at(value_key("save_counter")).scalar<std::int64_t>(), 5);
    EXPECT_EQ(kernel.read_slice<float>({{0, 1}, {-1, 3}}), std::vector<float>(expected.begin() + 1, expected.begin() + 4));

    // Keys in the order of their bytes, by a loop.
    std::string before;
    std::size_t count = 0;
    for (const ckpt::tensor &tensor : reader) {
        EXPECT_LT(before, tensor.key());
        before = tensor.key();
        count++;
    }
    EXPECT_EQ(count, reader.size());

    const ckpt::object_graph objects = reader.object_graph();
    std::vector<std::string> names;
    for (const auto &child : objects.children(0)) names.emplace_back(child.name);
    EXPECT_EQ(names, (std::vector<std::string>{"iterator", "net", "optimizer", "step", "save_counter"}));

    const auto missing = fails(ckpt::code::not_found, [&] { reader.at("net/l1/kernl/.ATTRIBUTES/VARIABLE_VALUE"); });
    EXPECT_EQ(missing.reason(), ckpt::reason::no_tensor);
    EXPECT_TRUE(has(missing.what(), "net/l1/kernel")) << missing.what();  // perhaps meant
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { kernel.read<double>(); }).reason(), ckpt::reason::dtype);
    fails(ckpt::code::not_found, [] { ckpt::reader nothing(fixture("nowhere")); });

    const ckpt::reader strings(fixture("dtypes/all"));
    const auto words = strings.at(value_key("strings")).strings().copy();
    ASSERT_EQ(words.size(), 6u);
    EXPECT_EQ(words[1], "a");
    EXPECT_EQ(words[2], std::string("\0\xff nul inside", 13));
    EXPECT_EQ(words[3], "h\xc3\xa9llo \xe4\xb8\x96\xe7\x95\x8c");
}

namespace {

// Writes some elements of a type, and a scalar, and reads them back.
template <typename T>
void round_trip(const std::string &prefix, const std::vector<T> &values) {
    const std::string name(ckpt::name(ckpt::dtype_of<T>));
    {
        ckpt::writer writer(prefix);
        writer.add("values", {2, static_cast<std::int64_t>(values.size() / 2)}, values);
        writer.add("scalar", values[1]);
        writer.finish();
    }
    const ckpt::reader reader(prefix);
    EXPECT_EQ(reader.at("values").dtype(), ckpt::dtype_of<T>) << name;
    EXPECT_EQ(reader.read<T>("values"), values) << name;
    EXPECT_EQ(reader.at("scalar").scalar<T>(), values[1]) << name;

    // And as a variable.
    ckpt::graph graph;
    const auto root = graph.add_object(), variable = graph.add_owned({static_cast<std::int64_t>(values.size())}, values);
    graph.track(root, "x", variable);
    const ckpt::checkpoint checkpoint(graph, root);
    checkpoint.write(prefix + "-variable");
    graph.assign(variable, {static_cast<std::int64_t>(values.size())}, std::vector<T>(values.size()));
    checkpoint.read(prefix + "-variable").assert_consumed();
    EXPECT_EQ(graph.read<T>(variable), values) << name;
}

}  // namespace

TEST_F(conformance, every_dtype) {
    round_trip<float>(in("f"), {1.5f, -0.0f, std::numeric_limits<float>::infinity(), 1e-45f});
    round_trip<double>(in("d"), {1.5, -0.0, 1e300, 5e-324});
    round_trip<std::int8_t>(in("i8"), {1, -128, 127, 0});
    round_trip<std::int16_t>(in("i16"), {1, -32768, 32767, 0});
    round_trip<std::int32_t>(in("i32"), {1, INT32_MIN, INT32_MAX, 0});
    round_trip<std::int64_t>(in("i64"), {1, INT64_MIN, INT64_MAX, 0});
    round_trip<long long>(in("ll"), {1, INT64_MIN, INT64_MAX, 0});
    round_trip<std::uint8_t>(in("u8"), {1, 255, 0, 7});
    round_trip<std::uint16_t>(in("u16"), {1, 65535, 0, 7});
    round_trip<std::uint32_t>(in("u32"), {1, UINT32_MAX, 0, 7});
    round_trip<std::uint64_t>(in("u64"), {1, UINT64_MAX, 0, 7});
    round_trip<std::complex<float>>(in("c64"), {{1, 2}, {-3, 4}});
    round_trip<std::complex<double>>(in("c128"), {{1, 2}, {-3, 4}});
    round_trip<ckpt::half>(in("f16"), {{0x3c00}, {0x7e00}});
    round_trip<ckpt::bfloat16>(in("bf16"), {{0x3f80}, {0xff80}});
    round_trip<ckpt::qint8>(in("q8"), {{1}, {-1}});
    round_trip<ckpt::quint8>(in("qu8"), {{1}, {255}});
    round_trip<ckpt::qint16>(in("q16"), {{1}, {-1}});
    round_trip<ckpt::quint16>(in("qu16"), {{1}, {65535}});
    round_trip<ckpt::qint32>(in("q32"), {{1}, {-1}});
    round_trip<ckpt::float8_e5m2>(in("e5m2"), {{1}, {0xfe}});
    round_trip<ckpt::float8_e4m3fn>(in("e4m3fn"), {{1}, {0xfe}});
    round_trip<ckpt::float8_e4m3fnuz>(in("e4m3fnuz"), {{1}, {0xfe}});
    round_trip<ckpt::float8_e4m3b11fnuz>(in("e4m3b11"), {{1}, {0xfe}});
    round_trip<ckpt::float8_e5m2fnuz>(in("e5m2fnuz"), {{1}, {0xfe}});
    round_trip<ckpt::int4>(in("i4"), {{1}, {0x0f}});
    round_trip<ckpt::uint4>(in("u4"), {{1}, {0x0f}});
    round_trip<ckpt::int2>(in("i2"), {{1}, {3}});
    round_trip<ckpt::uint2>(in("u2"), {{1}, {3}});
    round_trip<ckpt::float4_e2m1fn>(in("f4"), {{1}, {0x0f}});

    // std::vector<bool> is no memory; everything else of bools is.
    const std::array<bool, 4> bools = {true, false, false, true};
    ckpt::writer writer(in("bool"));
    writer.add("values", {2, 2}, bools);
    writer.add_strings("words", {3}, std::vector<std::string>{"to", "", std::string("\0be", 3)});
    writer.finish();
    const ckpt::reader reader(in("bool"));
    EXPECT_EQ(reader.read<bool>("values"), (std::vector<bool>{true, false, false, true}));
    std::array<bool, 4> again{};
    reader.at("values").read_into(again);
    EXPECT_EQ(again, bools);
    EXPECT_EQ(reader.at("words").strings().copy(), (std::vector<std::string>{"to", "", std::string("\0be", 3)}));

    // Every dtype of TensorFlow's fixture comes back out of a copy of it, byte for byte.
    const ckpt::reader all(fixture("dtypes/all"));
    ckpt::writer copy(in("copy"));
    std::vector<std::vector<std::byte>> values;
    for (const ckpt::tensor &tensor : all) {
        if (tensor.dtype() == ckpt::dtype::string) {
            copy.add_strings(tensor.key(), tensor.shape(), tensor.strings());
            continue;
        }
        values.emplace_back(static_cast<std::size_t>(tensor.byte_size()));
        tensor.read_bytes(values.back());
        copy.add_bytes(tensor.key(), tensor.dtype(), tensor.shape(), values.back());
    }
    copy.finish();
    const ckpt::reader copied(in("copy"));
    ASSERT_EQ(copied.size(), all.size());
    std::size_t next = 0;
    for (const ckpt::tensor &tensor : copied) {
        if (tensor.dtype() == ckpt::dtype::string) continue;
        std::vector<std::byte> bytes(static_cast<std::size_t>(tensor.byte_size()));
        tensor.read_bytes(bytes);
        EXPECT_EQ(bytes, values[next++]) << tensor.key();
    }
}

namespace {

// A layer of a program.
struct dense : ckpt::module {
    using ckpt::module::module;
    ckpt::variable<float> kernel{*this, "kernel", {2}};
    ckpt::variable<float> bias{*this, "bias", {1}};
};

}  // namespace

TEST_F(conformance, containers) {
    // The graph of a program that TensorFlow ran (make_fixtures.py), with its lists, dicts and
    // tuples.
    ckpt::graph graph;
    const auto root = graph.add_object(), listed = graph.add_list(), mapped = graph.add_dict(), nested = graph.add_list();
    const auto variable = [&] { return graph.add_owned(ckpt::dtype::float32, {2}); };
    const std::vector<ckpt::node> pair = {variable(), variable()};
    const auto x = variable(), y = variable(), three = variable();
    graph.track(root, "listed", listed);
    graph.track(root, "mapped", mapped);
    graph.track(root, "nested", nested);
    graph.track(root, "pair", graph.add_tuple(pair));
    graph.track(root, "point", graph.add_named_tuple({{"x", x}, {"y", y}}));
    graph.list_append(listed, variable());
    graph.list_append(listed, variable());
    graph.dict_set(mapped, "three", three);
    const auto inner = graph.add_dict(), innermost = graph.add_list(), tail = graph.add_list();
    graph.list_append(nested, inner);
    graph.list_append(nested, tail);
    graph.dict_set(inner, "a", innermost);
    graph.list_append(innermost, variable());
    graph.list_append(innermost, variable());
    graph.list_append(tail, variable());

    const ckpt::checkpoint checkpoint(graph, root);
    const ckpt::status status = checkpoint.restore(fixture("containers"));
    status.assert_existing_objects_matched().expect_partial();
    const auto second = graph.list_elements(listed)[1].node;
    EXPECT_FLOAT_EQ(graph.values<float>(second)[0], -0.27413785457611084f);
    EXPECT_FLOAT_EQ(graph.values<float>(three)[1], -0.9916465282440186f);
    EXPECT_FLOAT_EQ(graph.values<float>(graph.list_elements(innermost)[1].node)[0], -0.49220651388168335f);
    EXPECT_FLOAT_EQ(graph.values<float>(x)[0], -1.3442145586013794f);
    EXPECT_FLOAT_EQ(graph.values<float>(pair[1])[1], 0.695303201675415f);
    EXPECT_EQ(checkpoint.save_count(), 1);

    // The same of a program's own classes.
    struct model : ckpt::module {
        ckpt::list<dense> layers{*this, "layers"};
        ckpt::dict<dense> heads{*this, "heads"};
        ckpt::text note{*this, "note", "before"};
    };
    {
        model saved;
        saved.layers.emplace_back().kernel.fill(std::vector<float>{1, 2});
        saved.layers.emplace_back().bias.value() = 3;
        saved.heads.emplace("left").kernel[1] = 4;
        saved.note.assign("after");
        ckpt::checkpoint(saved).write(in("model"));
    }
    const ckpt::reader reader(in("model"));
    EXPECT_EQ(reader.read<float>(value_key("layers/0/kernel")), (std::vector<float>{1, 2}));
    EXPECT_EQ(reader.read<float>(value_key("layers/1/bias")), (std::vector<float>{3}));
    EXPECT_EQ(reader.read<float>(value_key("heads/left/kernel")), (std::vector<float>{0, 4}));

    model restored;
    restored.layers.emplace_back();
    restored.layers.emplace_back();
    restored.heads.emplace("left");
    ckpt::checkpoint(restored).read(in("model")).assert_consumed();
    EXPECT_EQ(restored.layers[0].kernel[1], 2);
    EXPECT_EQ(restored.layers[1].bias.value(), 3);
    EXPECT_EQ(restored.heads.at("left").kernel[1], 4);
    EXPECT_EQ(restored.note.value(), "after");

    // A list that was changed otherwise than by appending cannot be saved.
    graph.list_insert(listed, 0, variable());
    EXPECT_EQ(fails(ckpt::code::failed_precondition, [&] { checkpoint.write(in("unsavable")); }).reason(),
              ckpt::reason::unsavable);
}

TEST_F(conformance, slots) {
    // Adam's slots, as TensorFlow saved them.
    ckpt::graph graph;
    std::vector<std::string> asked;
    const auto optimizer = graph.add_slot_owner([&](ckpt::slot_request &request) {
        EXPECT_EQ(request.dtype(), ckpt::dtype::float32);
        EXPECT_EQ(request.shape().element_count(), 5u);
        asked.emplace_back(request.name());
        if (request.name() == "m") request.set_owned();
    });
    const auto root = graph.add_object(), net = graph.add_object(), l1 = graph.add_object();
    const auto kernel = graph.add_owned(ckpt::dtype::float32, {1, 5});
    graph.track(root, "net", net);
    graph.track(root, "optimizer", optimizer);
    graph.track(net, "l1", l1);
    graph.track(l1, "kernel", kernel);
    const ckpt::checkpoint checkpoint(graph, root);
    const auto status = checkpoint.restore(fixture("guide_slots"));
    status.expect_partial();
    EXPECT_EQ(asked, (std::vector<std::string>{"m", "v"}));

    const ckpt::reader reader(fixture("guide_slots"));
    const auto m = graph.slot(optimizer, kernel, "m");
    ASSERT_TRUE(m);
    EXPECT_EQ(graph.read<float>(m), reader.read<float>(value_key("net/l1/kernel/.OPTIMIZER_SLOT/optimizer/m")));
    EXPECT_FALSE(graph.slot(optimizer, kernel, "v"));
    // The other waits until the program makes it.
    const auto v = graph.add_owned(ckpt::dtype::float32, {1, 5});
    graph.set_slot(optimizer, kernel, "v", v);
    EXPECT_EQ(graph.read<float>(v), reader.read<float>(value_key("net/l1/kernel/.OPTIMIZER_SLOT/optimizer/v")));
    EXPECT_EQ(graph.slot_names(optimizer).copy(), (std::vector<std::string>{"m", "v"}));
    EXPECT_EQ(graph.remove_slot(optimizer, kernel, "v"), v);

    // With a program's own classes.
    struct program : ckpt::module {
        dense layer{*this, "layer"};
        ckpt::slot_owner optimizer{*this, "optimizer"};
    };
    {
        program saved;
        saved.optimizer.slot("m", saved.layer.kernel).fill(std::vector<float>{5, 6});
        ckpt::checkpoint(saved).write(in("slots"));
    }
    program restored;
    ckpt::checkpoint again(restored);
    const auto later = again.read(in("slots"));
    EXPECT_EQ(restored.optimizer.slot("m", restored.layer.kernel)[1], 6);  // made now, and restored
    later.assert_consumed();
}

TEST_F(conformance, deferred_restore) {
    ckpt::graph graph;
    const auto root = graph.add_object(), net = graph.add_object();
    const ckpt::checkpoint checkpoint(graph, root);
    const auto status = checkpoint.restore(fixture("guide"));
    fails(ckpt::code::failed_precondition, [&] { status.assert_consumed(); });
    EXPECT_EQ(graph.waiting(root, "net"), 1u);

    // Each is restored when it is tracked.
    const auto l1 = graph.add_object();
    std::vector<float> bias(5);
    graph.track(l1, "bias", graph.add_borrowed({5}, bias));
    graph.track(net, "l1", l1);
    EXPECT_EQ(bias[0], 0);
    graph.track(root, "net", net);
    EXPECT_EQ(bias[0], 0x1.096666p+2f);
    EXPECT_EQ(graph.waiting(root, "net"), 0u);

    // One without a shape takes the checkpoint's.
    const auto kernel = graph.add_without_value();
    EXPECT_FALSE(graph.describe(kernel).shape);
    EXPECT_EQ(fails(ckpt::code::failed_precondition, [&] { graph.data(kernel); }).reason(), ckpt::reason::not_shaped);
    graph.track(l1, "kernel", kernel);
    EXPECT_EQ(*graph.describe(kernel).shape, (std::vector<std::int64_t>{1, 5}));
    EXPECT_EQ(graph.values<float>(kernel)[4], 0x1.008982p+2f);

    // Nothing waits any more.
    status.drop();
    const auto step = graph.add_scalar(std::int32_t{7});
    graph.track(root, "step", step);
    EXPECT_EQ(graph.read_integer(step), 7);

    // The members of a module that is made later, one by one.
    struct program : ckpt::module {
        std::unique_ptr<dense> layer;
    };
    {
        program saved;
        saved.layer = std::make_unique<dense>(saved, "layer");
        saved.layer->kernel.fill(std::vector<float>{8, 9});
        ckpt::checkpoint(saved).write(in("later"));
    }
    program late;
    const ckpt::checkpoint later(late);
    const auto waits = later.read(in("later"));
    late.layer = std::make_unique<dense>(late, "layer");
    EXPECT_EQ(late.layer->kernel[1], 9);
    waits.assert_consumed();
}

TEST_F(conformance, status_failures) {
    ckpt::graph graph;
    const auto root = graph.add_object(), x = graph.add_scalar(1.0f);
    graph.track(root, "x", x);
    const ckpt::checkpoint checkpoint(graph, root);
    checkpoint.write(in("x"));

    // More in the checkpoint than in the program, and the other way round.
    const auto y = graph.add_scalar(2.0f);
    graph.track(root, "y", y);
    checkpoint.write(in("xy"));
    auto status = checkpoint.read(in("x"));
    status.assert_nontrivial_match();
    const auto unmatched = fails(ckpt::code::failed_precondition, [&] { status.assert_existing_objects_matched(); });
    EXPECT_EQ(unmatched.reason(), ckpt::reason::assertion);
    EXPECT_TRUE(has(unmatched.what(), "y")) << unmatched.what();
    graph.untrack(root, "y");
    status = checkpoint.read(in("xy"));
    status.assert_existing_objects_matched();
    EXPECT_EQ(fails(ckpt::code::failed_precondition, [&] { status.assert_consumed(); }).reason(), ckpt::reason::assertion);
    EXPECT_EQ(status.kind(), ckpt::restore_kind::objects);
    status.expect_partial();

    // Restoring nothing fails all of them.
    status = checkpoint.restore_nothing();
    EXPECT_EQ(status.kind(), ckpt::restore_kind::none);
    fails(ckpt::code::failed_precondition, [&] { status.assert_consumed(); });
    fails(ckpt::code::failed_precondition, [&] { status.assert_existing_objects_matched(); });
    fails(ckpt::code::failed_precondition, [&] { status.assert_nontrivial_match(); });
    fails(ckpt::code::failed_precondition, [&] { status.run_restore_ops(); });
    status.initialize_or_restore();

    // Another shape, another dtype: nothing at all is restored.
    graph.assign(x, 5.0f);
    ckpt::writer writer(in("other"));
    for (const ckpt::tensor &tensor : ckpt::reader(in("x"))) {
        if (tensor.dtype() == ckpt::dtype::string) {
            writer.add_strings(tensor.key(), tensor.shape(), tensor.strings());
        } else {
            writer.add(tensor.key(), {2}, std::vector<float>{1, 2});
        }
    }
    writer.finish();
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { checkpoint.read(in("other")); }).reason(), ckpt::reason::shape);
    EXPECT_EQ(graph.read_scalar<float>(x), 5);
    fails(ckpt::code::not_found, [&] { checkpoint.read(in("nowhere")); });

    // A checkpoint that is damaged.
    {
        std::fstream data(in("x.data-00000-of-00001"), std::ios::in | std::ios::out | std::ios::binary);
        data.put('\x7f');
    }
    const auto damaged = fails(ckpt::code::data_loss, [&] { checkpoint.read(in("x")); });
    EXPECT_EQ(damaged.reason(), ckpt::reason::checksum);
    EXPECT_TRUE(has(damaged.file(), "x.data-00000-of-00001"));
    EXPECT_EQ(damaged.tensor(), value_key("x"));
    const auto whole = ckpt::verify(in("xy"));
    EXPECT_TRUE(whole.empty());
    const auto torn = ckpt::verify(in("x"));
    ASSERT_EQ(torn.size(), 1u);
    for (const ckpt::problem &problem : torn) EXPECT_EQ(problem.reason, ckpt::reason::checksum);

    // A read-only variable is not to be restored.
    const auto fixed = graph.add_owned(ckpt::dtype::float32, {}, ckpt::node_options().read_only(true));
    graph.track_overwrite(root, "x", fixed);
    EXPECT_EQ(fails(ckpt::code::failed_precondition, [&] { checkpoint.read(in("xy")); }).reason(), ckpt::reason::read_only);
}
