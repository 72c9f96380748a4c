// Training on a machine that may be taken away: on SIGTERM the step ends, everything is saved, and
// the program goes. It is examples/c/preempt.c in C++.
//
//     preempt-checkpoint-cpp DIRECTORY STEPS [GRACE]
//     c++ -std=c++17 preempt.cpp $(pkg-config --cflags --libs checkpoint) -o preempt-checkpoint-cpp
//
// Trains until STEPS steps are done, and saves after every hundredth. When SIGTERM comes, it saves
// at once; if that is not done within GRACE seconds (20 unless given), the save is cancelled and
// the checkpoint before it stays. Started again, it goes on from the newest checkpoint. Ends with 0
// when the training is done, with 75 (try again) when it was saved and is not, with 76 when there
// was no time to save.
#include <unistd.h>

#include <array>
#include <atomic>
#include <checkpoint.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace ckpt = checkpoint;

namespace {

constexpr int save_every = 100, done = 0, saved = 75, no_time = 76;

// What is trained, and how far. The library saves these members and restores into them.
struct program : ckpt::module {
    std::array<float, 4096> weights{};
    std::int64_t step = 0;

    program() {
        track("weights", weights);
        track("step", step);
    }

    // One step; what it computes depends on the weights and the step alone.
    void train_step() {
        for (std::size_t i = 0; i < weights.size(); i++) {
            const auto moved = (step * 31 + static_cast<std::int64_t>(i)) % 17;
            weights[i] = weights[i] * 0.999f + static_cast<float>(moved) * 0.01f;
        }
        step++;
    }
};

// [preemption handlers]
// What signal handlers may touch: an atomic flag without a lock, and one of the library's.
std::atomic<bool> must_end = false;
ckpt::cancel &no_more_time = *new ckpt::cancel;  // never gone: a signal may come late
unsigned grace = 20;                             // seconds

// From here on the clock runs, for a save that is under way too.
void on_terminate(int) {
    must_end = true;
    if (grace > 0) {
        alarm(grace);
    } else {
        no_more_time.raise();
    }
}

void on_alarm(int) { no_more_time.raise(); }  // may be called from a signal handler
// [end]

// [preemption save]
// Saves, unless there is no more time: then everything stays as it was, and the answer is false.
bool save(const ckpt::manager &manager) {
    const auto write = ckpt::write_options().cancel(no_more_time);
    const auto path = manager.try_save(ckpt::manager_save_options().save(ckpt::save_options().write(write)));
    if (!path && path.error().code() != ckpt::code::cancelled) throw path.error();
    return path.has_value();
}
// [end]

}  // namespace

int main(int argc, char **argv) try {
    if (argc != 3 && argc != 4) {
        std::fprintf(stderr, "usage: preempt-checkpoint-cpp DIRECTORY STEPS [GRACE]\n");
        return 2;
    }
    const std::int64_t steps = std::atoll(argv[2]);
    if (argc > 3) grace = static_cast<unsigned>(std::atoi(argv[3]));
    std::signal(SIGTERM, on_terminate);
    std::signal(SIGALRM, on_alarm);

    // [preemption loop]
    program program;
    const ckpt::manager manager(ckpt::checkpoint(program), argv[1]);
    const auto resumed = manager.restore_or_initialize();
    if (resumed) resumed->status.assert_consumed();
    std::printf("from step %lld\n", static_cast<long long>(program.step));
    std::fflush(stdout);
    bool is_saved = resumed.has_value();
    while (program.step < steps && !must_end) {
        program.train_step();
        is_saved = program.step % save_every == 0 && save(manager);
    }
    if (program.step < steps) {
        const int end = is_saved || save(manager) ? saved : no_time;
        std::printf("%s step %lld\n", end == saved ? "saved" : "no time to save", static_cast<long long>(program.step));
        return end;
    }
    // [end]
    double sum = 0;
    for (const float weight : program.weights) sum += static_cast<double>(weight);
    std::printf("done: %a %a\n", sum, static_cast<double>(program.weights.back()));
    return done;
} catch (const ckpt::error &error) {
    std::fprintf(stderr, "preempt-checkpoint-cpp: %s\n", error.what());
    return 1;
}
