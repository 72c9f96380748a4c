// The training loop of TensorFlow's guide to checkpoints, without TensorFlow: a linear model learns
// y = 5x + [0, 1, 2, 3, 4].
//
//     train-checkpoint-cpp DIRECTORY STEPS [DIE]
//     c++ -std=c++17 train.cpp $(pkg-config --cflags --libs checkpoint) -o train-checkpoint-cpp
//
// It is examples/c/train.c in C++: trains until STEPS steps are done and saves after every tenth,
// as DIRECTORY/ckpt-1, ckpt-2, ..., of which the newest three stay. If the directory has a
// checkpoint, it goes on from there, whoever wrote it, in whatever language; with the same bits as
// if it had never stopped. With DIE it kills itself in that step, as kill -9 would.
#include <checkpoint.hpp>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace ckpt = checkpoint;

namespace {

constexpr int outputs = 5, examples = 10, batch = 2, save_every = 10;

struct dense : ckpt::module {
    using ckpt::module::module;
    ckpt::variable<float> kernel{*this, "kernel", {1, outputs}, {-0.5f, -0.25f, 0, 0.25f, 0.5f}};  // "random", the same each time
    ckpt::variable<float> bias{*this, "bias", {outputs}};
};

struct model : ckpt::module {
    using ckpt::module::module;
    dense l1{*this, "l1"};
};

// Everything is computed in float, in the order that is written here: so the same bits come out
// wherever it is done again.
float power(float base, std::int64_t exponent) {
    float product = 1;
    for (std::int64_t i = 0; i < exponent; i++) product = product * base;
    return product;
}

struct adam : ckpt::slot_owner {
    using ckpt::slot_owner::slot_owner;
    ckpt::variable<std::int64_t> iter{*this, "iter", {}};  // updates done
    ckpt::variable<float> beta_1{*this, "beta_1", {}, {0.9f}};
    ckpt::variable<float> beta_2{*this, "beta_2", {}, {0.999f}};
    ckpt::variable<float> decay{*this, "decay", {}};
    ckpt::variable<float> learning_rate{*this, "learning_rate", {}, {0.1f}};

    // One update, with TensorFlow's formula.
    void update(ckpt::variable<float> &variable, const float *gradient) {
        auto &m = slot("m", variable), &v = slot("v", variable);
        const float b1 = beta_1.value(), b2 = beta_2.value();
        const float correction = std::sqrt(1 - power(b2, iter.value())) / (1 - power(b1, iter.value()));
        const float rate = learning_rate.value() * correction;
        for (std::size_t j = 0; j < variable.size(); j++) {
            m[j] = b1 * m[j] + (1 - b1) * gradient[j];
            v[j] = b2 * v[j] + (1 - b2) * (gradient[j] * gradient[j]);
            variable[j] = variable[j] - rate * m[j] / (std::sqrt(v[j]) + 1e-7f);
        }
    }
};

// The whole program: its members are what a checkpoint has, by the names of TensorFlow's program.
struct program : ckpt::module {
    std::int64_t position = 0;  // of the next example
    ckpt::state iterator{*this, "iterator", [this](ckpt::sink &into) { into.put("_POSITION", position); },
                         [this](const ckpt::source &from) {
                             // Not there, it is TensorFlow's ITERATOR_STATE: begin with the first
                             // example.
                             if (const auto saved = from.find("_POSITION")) position = saved->value<std::int64_t>();
                         },
                         ckpt::node_options().legacy_name("ITERATOR")};
    model net{*this, "net"};
    adam optimizer{*this, "optimizer"};
    ckpt::variable<std::int32_t> step{*this, "step", {}};

    program() {
        for (auto *variable : {&net.l1.kernel, &net.l1.bias}) {
            for (const char *name : {"m", "v"}) optimizer.slot(name, *variable);
        }
    }

    // One step with the next batch; the loss is the mean of |output - label|.
    float train_step() {
        float loss = 0, kernel_gradient[outputs] = {}, bias_gradient[outputs] = {};
        for (int i = 0; i < batch; i++) {
            const float x = static_cast<float>(position);
            for (std::size_t j = 0; j < outputs; j++) {
                const float difference = x * net.l1.kernel[j] + net.l1.bias[j] - (x * 5 + static_cast<float>(j));
                const float sign = static_cast<float>((difference > 0) - (difference < 0));
                loss = loss + std::fabs(difference);
                kernel_gradient[j] = kernel_gradient[j] + sign * x;
                bias_gradient[j] = bias_gradient[j] + sign;
            }
            position = (position + 1) % examples;
        }
        for (int j = 0; j < outputs; j++) {
            kernel_gradient[j] = kernel_gradient[j] / (batch * outputs);
            bias_gradient[j] = bias_gradient[j] / (batch * outputs);
        }
        optimizer.iter.value()++;
        optimizer.update(net.l1.kernel, kernel_gradient);
        optimizer.update(net.l1.bias, bias_gradient);
        step.value()++;
        return loss / (batch * outputs);
    }
};

void print_bits(const char *name, const ckpt::variable<float> &variable) {
    std::printf("%s", name);
    for (const float value : variable) std::printf(" %a", static_cast<double>(value));
    std::printf("\n");
}

}  // namespace

int main(int argc, char **argv) try {
    if (argc != 3 && argc != 4) {
        std::fprintf(stderr, "usage: train-checkpoint-cpp DIRECTORY STEPS [DIE]\n");
        return 2;
    }
    const int steps = std::atoi(argv[2]), die = argc > 3 ? std::atoi(argv[3]) : -1;
    program program;
    const ckpt::manager manager(ckpt::checkpoint(program), argv[1], ckpt::manager_options().max_to_keep(3));
    if (const auto resumed = manager.restore_or_initialize()) {
        resumed->status.assert_existing_objects_matched();
        std::printf("from step %d of %s\n", program.step.value(), resumed->path.c_str());
    } else {
        std::printf("from the beginning\n");
    }
    while (program.step.value() < steps) {
        const float loss = program.train_step();
        if (program.step.value() == die) std::raise(SIGKILL);
        if (program.step.value() % save_every == 0) {
            // When this returns the checkpoint is on disk; when the machine dies before, the one
            // before it is still the latest.
            manager.save();
            std::printf("step %d: loss %.2f, saved\n", program.step.value(), static_cast<double>(loss));
            std::fflush(stdout);
        }
    }
    print_bits("kernel", program.net.l1.kernel);
    print_bits("bias", program.net.l1.bias);
    return 0;
} catch (const ckpt::error &error) {
    std::fprintf(stderr, "train-checkpoint-cpp: %s\n", error.what());
    return 1;
}
