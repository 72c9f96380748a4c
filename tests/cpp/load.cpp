// Plain structs: loaded with the shapes that the checkpoint has, written, tracked.
#include <fstream>
#include <numeric>

#include "testing.hpp"

class load : public in_directory {};

namespace {

// clang-format off
// [keras]
struct layer { ckpt::array<float> kernel, bias; CHECKPOINT_MEMBERS(kernel, bias) };
struct norm { std::vector<float> gamma, beta, moving_mean, moving_variance;
              CHECKPOINT_MEMBERS(gamma, beta, moving_mean, moving_variance) };
struct keras_net { layer conv; norm bn; layer head; CHECKPOINT_NUMBERED("layer_with_weights-", conv, bn, head) } net;
// [end]
// clang-format on

}  // namespace

// tests/data/tf_keras_net was written by tf_keras: Conv2D, BatchNormalization, Flatten, Dense.
TEST_F(load, a_net_of_keras_takes_five_lines) {
    // [keras]
    ckpt::load("tests/data/tf_keras_net", net);
    // [end]
    EXPECT_EQ(net.conv.kernel.shape(), ckpt::shape_view({2, 2, 1, 3}));
    EXPECT_EQ(net.head.kernel.shape(), ckpt::shape_view({27, 2}));
    // The fixture's program gave element i of variable v the value i / 8 + v.
    EXPECT_EQ(net.conv.kernel[11], 11.0f / 8);
    EXPECT_EQ(net.bn.moving_variance, (std::vector<float>{5, 5.125f, 5.25f}));
    EXPECT_EQ(net.head.bias[1], 1.0f / 8 + 7);

    std::ifstream source("tests/cpp/load.cpp");
    int lines = 0;
    bool counts = false;
    for (std::string line; std::getline(source, line);) {
        line.erase(0, line.find_first_not_of(' '));
        if (line == "// [end]") counts = false;
        lines += counts;
        if (line == "// [keras]") counts = true;
    }
    std::printf("a net of eight variables is loaded in %d lines\n", lines);
    EXPECT_LE(lines, 5);
}

TEST_F(load, a_report_says_what_became_of_each_value) {
    keras_net again;
    const ckpt::report report = ckpt::load(fixture("tf_keras_net"), again);
    EXPECT_EQ(report.count(ckpt::row_state::restored), 8u);
    EXPECT_EQ(report.count(ckpt::row_state::missing), 0u);
    EXPECT_TRUE(has(report.table(), "layer_with_weights-1/gamma"));
}

namespace {

struct any_layer {
    std::vector<float> kernel;
    ckpt::array<float> bias;
    CHECKPOINT_MEMBERS(kernel, bias)
};
struct layers {
    std::vector<any_layer> all;
    CHECKPOINT_NUMBERED("layer_with_weights-", all)
};
struct nested {
    struct block {
        std::vector<any_layer> layers;
        std::array<float, 2> scale{};
        CHECKPOINT_MEMBERS(layers, scale)
    };
    std::vector<block> blocks;
    std::array<any_layer, 2> heads;
    any_layer pair[2];
    float matrix[2][3] = {};
    std::int64_t step = 0;
    ckpt::array<double> table;
    std::vector<std::array<std::int32_t, 2>> edges;
    CHECKPOINT_MEMBERS(blocks, heads, pair, matrix,  //
                       step, table, edges)
};

any_layer layer_of(float first, std::int64_t outputs) {
    any_layer made;
    made.kernel = {first, first + 1};
    made.bias = ckpt::array<float>({outputs}, {first});
    return made;
}

}  // namespace

namespace {

struct outer {
    nested model;
    CHECKPOINT_MEMBERS(model)
};
struct wrong {
    ckpt::array<float> kernel, scale;
    CHECKPOINT_MEMBERS(kernel, scale)
};
struct one_layer {
    wrong first;
    CHECKPOINT_NUMBERED("layer_with_weights-", first)
};
struct lost {
    std::vector<any_layer> layers;
    CHECKPOINT_MEMBERS(layers)
};
struct small {
    std::array<float, 2> bias{};
    CHECKPOINT_MEMBERS(bias)
};
struct small_net {
    small first;
    CHECKPOINT_NUMBERED("layer_with_weights-", first)
};
struct model {
    any_layer first;
    std::array<any_layer, 2> more;
    CHECKPOINT_MEMBERS(first, more)
};

}  // namespace

TEST_F(load, structs_nest_and_vectors_of_them_take_their_number) {
    nested written;
    written.blocks.resize(3);
    written.blocks[0].layers = {layer_of(1, 2), layer_of(2, 3)};
    written.blocks[1].layers = {layer_of(3, 4)};
    written.blocks[2].layers = {layer_of(4, 5), layer_of(5, 6), layer_of(6, 7)};
    written.blocks[2].scale = {8, 9};
    for (any_layer *each : {&written.heads[0], &written.heads[1], &written.pair[0], &written.pair[1]}) *each = layer_of(7, 1);
    written.matrix[1][2] = 6;
    written.step = 10;
    written.table = ckpt::array<double>({1, 3}, {1, 2, 3});
    written.edges = {{{1, 2}}, {{3, 4}}, {{5, 6}}};
    EXPECT_EQ(ckpt::write(in("x"), written), in("x"));
    const ckpt::reader reader(in("x"));
    EXPECT_TRUE(reader.contains(value_key("blocks/2/layers/1/kernel")));
    EXPECT_EQ(reader.at(value_key("matrix")).shape(), ckpt::shape_view({2, 3}));
    EXPECT_EQ(reader.at(value_key("table")).shape(), ckpt::shape_view({1, 3}));
    EXPECT_EQ(reader.at(value_key("edges")).shape(), ckpt::shape_view({3, 2}));

    nested read;
    read.blocks.resize(7);
    ckpt::load(in("x"), read);
    ASSERT_EQ(read.blocks.size(), 3u);
    ASSERT_EQ(read.blocks[2].layers.size(), 3u);
    EXPECT_EQ(read.blocks[2].layers[2].kernel, (std::vector<float>{6, 7}));
    EXPECT_EQ(read.blocks[2].layers[2].bias.shape(), ckpt::shape_view({7}));
    EXPECT_EQ(read.blocks[1].layers[0].bias[0], 3);
    EXPECT_EQ(read.blocks[2].scale, (std::array<float, 2>{8, 9}));
    EXPECT_EQ(read.heads[1].kernel[0], 7);
    EXPECT_EQ(read.pair[1].kernel[1], 8);
    EXPECT_EQ(read.matrix[1][2], 6);
    EXPECT_EQ(read.step, 10);
    EXPECT_EQ(read.table[2], 3);
    EXPECT_EQ(read.edges, written.edges);
    // Of a checkpoint that has more around it, a part.
    outer around{written};
    ckpt::write(in("outer"), around);
    nested part;
    ckpt::load(in("outer"), part, ckpt::restore_options().subtree("model"));
    EXPECT_EQ(part.blocks[2].layers.size(), 3u);
}

TEST_F(load, what_is_missing_is_an_error_and_changes_nothing) {
    one_layer into;
    into.first.kernel = ckpt::array<float>({1}, {5});
    const auto missing = fails(ckpt::code::failed_precondition, [&] { ckpt::load(fixture("tf_keras_net"), into); });
    EXPECT_EQ(missing.reason(), ckpt::reason::assertion);
    EXPECT_TRUE(has(missing.what(), "layer_with_weights-0/scale")) << missing.what();
    EXPECT_EQ(into.first.kernel.size(), 1u);
    EXPECT_FALSE(into.first.scale.has_value());
    const ckpt::report report = ckpt::load_partial(fixture("tf_keras_net"), into);
    EXPECT_EQ(report.count(ckpt::row_state::missing), 1u);
    EXPECT_EQ(into.first.kernel.size(), 12u);

    // The layers are of two kinds, and the name of a list may be wrong.
    layers all;
    fails(ckpt::code::failed_precondition, [&] { ckpt::load(fixture("tf_keras_net"), all); });
    EXPECT_TRUE(all.all.empty());
    lost nothing;
    const auto none = fails(ckpt::code::failed_precondition, [&] { ckpt::load(fixture("tf_keras_net"), nothing); });
    EXPECT_EQ(none.reason(), ckpt::reason::assertion);
    EXPECT_TRUE(has(none.what(), "\"layers\"")) << none.what();
    fails(ckpt::code::not_found, [&] { ckpt::load(in("none"), into); });
    // Arrays have the shape that they have.
    small_net fixed;
    EXPECT_EQ(fails(ckpt::code::invalid_argument, [&] { ckpt::load(fixture("tf_keras_net"), fixed); }).reason(),
              ckpt::reason::shape);
}

TEST_F(load, a_plain_struct_is_a_member_of_a_module) {
    struct program : ckpt::module {
        model net;
        model inner;
        program() {
            track("net", net);
            track_members(inner);
        }
    };
    program written, read;
    for (auto *each : {&written.net, &written.inner}) {
        for (any_layer *l : {&each->first, &each->more[0], &each->more[1]}) *l = layer_of(1, 2);
    }
    written.net.first.kernel.push_back(9);
    ckpt::checkpoint(written).write(in("x"));
    EXPECT_TRUE(ckpt::reader(in("x")).contains(value_key("net/more/1/bias")));
    EXPECT_TRUE(ckpt::reader(in("x")).contains(value_key("more/1/bias")));
    ckpt::checkpoint(read).read(in("x")).assert_consumed();
    EXPECT_EQ(read.net.first.kernel, (std::vector<float>{1, 2, 9}));
    EXPECT_EQ(read.inner.more[1].bias.shape(), ckpt::shape_view({2}));
}
