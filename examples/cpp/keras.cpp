// A net that Keras has trained, in C++: its weights in plain structs, and what it answers.
//
//     keras-checkpoint-cpp PATH [SUBTREE]
//     c++ -std=c++17 keras.cpp $(pkg-config --cflags --libs checkpoint) -o keras-checkpoint-cpp
//
// The net is this one, saved by `model.save_weights`, by `tf.train.Checkpoint` or as a SavedModel:
//
//     tf_keras.Sequential([Conv2D(3, 2, input_shape=(4, 4, 1)), BatchNormalization(), Flatten(),
//                          Dense(2)])
//
// Of `tf.train.Checkpoint(model=model)` it is the subtree `model`. docs/keras.md has the names for
// other nets and ways to save them.
#include <array>
#include <checkpoint.hpp>
#include <cmath>
#include <cstdio>

namespace ckpt = checkpoint;

namespace {

// Arrays have the shapes that the layers have in Python: a checkpoint with others is refused.
// [keras structs]
struct conv2d {
    float kernel[2][2][1][3], bias[3];  // rows, columns, channels, filters
    CHECKPOINT_MEMBERS(kernel, bias)
};
struct batch_normalization {
    float gamma[3], beta[3], moving_mean[3], moving_variance[3];
    CHECKPOINT_MEMBERS(gamma, beta, moving_mean, moving_variance)
};
struct dense {
    float kernel[27][2], bias[2];
    CHECKPOINT_MEMBERS(kernel, bias)
};
struct net {
    conv2d conv;
    batch_normalization norm;
    dense head;
    CHECKPOINT_NUMBERED("layer_with_weights-", conv, norm, head)
};
// [end]

std::array<float, 2> forward(const net &net, const float (&image)[4][4]) {
    std::array<float, 2> output = {net.head.bias[0], net.head.bias[1]};
    int element = 0;  // of the flattened layer
    for (int y = 0; y < 3; y++) {
        for (int x = 0; x < 3; x++) {
            for (int filter = 0; filter < 3; filter++) {
                float value = net.conv.bias[filter];
                for (int dy = 0; dy < 2; dy++) {
                    for (int dx = 0; dx < 2; dx++) value += image[y + dy][x + dx] * net.conv.kernel[dy][dx][0][filter];
                }
                const float scale =
                    net.norm.gamma[filter] / std::sqrt(net.norm.moving_variance[filter] + 1e-3f);  // Keras' epsilon
                value = (value - net.norm.moving_mean[filter]) * scale + net.norm.beta[filter];
                for (std::size_t i = 0; i < 2; i++) output[i] += value * net.head.kernel[element][i];
                element++;
            }
        }
    }
    return output;
}

}  // namespace

int main(int argc, char **argv) try {
    if (argc != 2 && argc != 3) {
        std::fprintf(stderr, "usage: keras-checkpoint-cpp PATH [SUBTREE]\n");
        return 2;
    }
    const char *path = argv[1], *subtree = argc > 2 ? argv[2] : "";
    // [keras load]
    net net{};
    ckpt::load(path, net, ckpt::restore_options().subtree(subtree));  // every member, or an error that names what is missing
    // [end]
    float image[4][4];
    for (int i = 0; i < 16; i++) image[i / 4][i % 4] = static_cast<float>(i) / 16;
    const auto [first, second] = forward(net, image);
    std::printf("%.2f %.2f\n", static_cast<double>(first), static_cast<double>(second));
    return 0;
} catch (const ckpt::error &error) {
    std::fprintf(stderr, "keras-checkpoint-cpp: %s\n", error.what());
    return 1;
}
