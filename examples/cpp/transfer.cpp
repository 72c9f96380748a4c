// Transfer learning: a net takes over the layers of another one, and gets a new head.
//
//     transfer-checkpoint-cpp BASE DIRECTORY
//     c++ -std=c++17 transfer.cpp $(pkg-config --cflags --libs checkpoint) -o transfer
//
// BASE is what Keras saved of Conv2D(3, 2), BatchNormalization(), Flatten(), Dense(2) on images of
// 4 x 4 (examples/cpp/keras.cpp). The new net has five classes, calls its layers otherwise, and
// keeps the statistics of the normalization as doubles. It says what it takes over, checks that
// nothing else was left out, and saves itself in DIRECTORY.
#include <algorithm>
#include <checkpoint.hpp>
#include <cstdio>
#include <cstdlib>

namespace ckpt = checkpoint;

namespace {

// [transfer net]
void ones(ckpt::span<double> values) { std::fill(values.begin(), values.end(), 1); }
void small_numbers(ckpt::span<float> values) {
    for (std::size_t i = 0; i < values.size(); i++) values[i] = static_cast<float>(i * 37 % 101) / 1010 - 0.05f;
}

struct conv2d : ckpt::module {
    using ckpt::module::module;
    ckpt::variable<float> kernel{*this, "kernel", {2, 2, 1, 3}, small_numbers}, bias{*this, "bias", {3}};
};
struct batch_normalization : ckpt::module {
    using ckpt::module::module;
    ckpt::variable<float> gamma{*this, "gamma", {3}, {1, 1, 1}}, beta{*this, "beta", {3}};
    ckpt::variable<double> moving_mean{*this, "moving_mean", {3}}, moving_variance{*this, "moving_variance", {3}, ones};
};
struct dense : ckpt::module {
    using ckpt::module::module;
    ckpt::variable<float> kernel{*this, "kernel", {27, 5}, small_numbers}, bias{*this, "bias", {5}};
};
struct features : ckpt::module {
    using ckpt::module::module;
    conv2d conv{*this, "conv"};
    batch_normalization norm{*this, "norm"};
};
struct net : ckpt::module {
    features body{*this, "body"};
    dense head{*this, "head"};
};
// [end]

void print(const char *title, const ckpt::report &report) { std::printf("%s\n%s\n", title, std::string(report.table()).c_str()); }

}  // namespace

int main(int argc, char **argv) try {
    if (argc != 3) {
        std::fprintf(stderr, "usage: transfer-checkpoint-cpp BASE DIRECTORY\n");
        return 2;
    }
    const char *base = argv[1];
    const std::string directory = argv[2];
    net net;
    const ckpt::checkpoint checkpoint(net);
    print("Without options:", checkpoint.dry_run(base));

    // [transfer options]
    const auto options = ckpt::restore_options()
                             .rename("layer_with_weights-0", "body/conv")
                             .rename("layer_with_weights-1", "body/norm")
                             .rename("layer_with_weights-2", "head")
                             .exclude("layer_with_weights-2/**")  // the head stays new
                             .exclude("optimizer/**")
                             .conversion(ckpt::conversion::exact);  // float32 to double
    // [end]
    print("With options:", checkpoint.dry_run(base, options));

    // [transfer]
    const ckpt::status status = checkpoint.read(base, options);
    status.assert_rest_matched();  // all of the new net but its head has a value of the base
    status.expect_partial();
    // [end]
    if (!net.body.norm.moving_mean.was_restored() || net.head.kernel.was_restored()) std::abort();
    std::printf("saved as %s\n", checkpoint.save(directory + "/ckpt").substr(directory.size() + 1).c_str());
    return 0;
} catch (const ckpt::error &error) {
    std::fprintf(stderr, "transfer-checkpoint-cpp: %s\n", error.what());
    return 1;
}
