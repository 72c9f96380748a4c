// A server that forks its workers: they read with the reader that they inherit, while their parent
// trains and saves. It is examples/c/workers.c in C++.
//
//     workers-checkpoint-cpp DIRECTORY
//     c++ -std=c++17 workers.cpp $(pkg-config --cflags --libs checkpoint) -o workers-checkpoint-cpp
//
// The parent saves a checkpoint, pins and opens it, and forks four workers. Each reads the value
// with the inherited reader, finds that the inherited manager saves for its parent alone, and ends.
// Meanwhile the parent goes on saving.
#include <sys/wait.h>
#include <unistd.h>

#include <checkpoint.hpp>
#include <cstdio>

namespace ckpt = checkpoint;

namespace {

struct program : ckpt::module {
    ckpt::variable<float> x{*this, "x", {}, {1}};
};

// What a worker does; its exit code.
int work(const ckpt::reader &reader, const ckpt::manager &manager) {
    const float value = reader.read<float>("x").at(0);
    // Objects that save are of no use here, and say so; a worker that wants to save makes a manager
    // of its own. Destroying them is harmless: the lock stays with the parent.
    const auto saved = manager.try_save();
    return value == 1 && !saved && saved.error().reason() == ckpt::reason::forked ? 0 : 1;
}

}  // namespace

int main(int argc, char **argv) try {
    if (argc != 2) {
        std::fprintf(stderr, "usage: workers-checkpoint-cpp DIRECTORY\n");
        return 2;
    }
    constexpr int workers = 4;
    program program;
    const ckpt::manager manager(ckpt::checkpoint(program), argv[1], ckpt::manager_options().max_to_keep(2));
    manager.save();
    const auto pin = ckpt::pin::latest(argv[1]).value();  // retention leaves it alone until this is gone
    const ckpt::reader reader(pin.prefix());

    for (int i = 0; i < workers; i++) {
        if (fork() == 0) _exit(work(reader, manager));
    }
    for (int i = 0; i < 20; i++) {
        program.x.value() += 1;
        manager.save();  // removes older ones, but not what is pinned
    }
    int failed = 0;
    for (int i = 0; i < workers; i++) {
        int status = 0;
        failed += wait(&status) == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    std::printf("%d workers, %d failed\n", workers, failed);
    return failed == 0 ? 0 : 1;
} catch (const ckpt::error &error) {
    std::fprintf(stderr, "workers-checkpoint-cpp: %s\n", error.what());
    return 1;
}
