// A server that answers from the latest checkpoint, while a trainer saves new ones.
//
//     serve-checkpoint-cpp DIRECTORY [PATIENCE]
//     c++ -std=c++17 serve.cpp $(pkg-config --cflags --libs checkpoint) -o serve-checkpoint-cpp
//
// It waits at most PATIENCE seconds (30 unless given) for the first checkpoint. Then four threads
// answer requests, and the main thread loads each new checkpoint and swaps it in; a request keeps
// the one that it began with. What cannot be loaded is reported, and the old one stays. On SIGTERM
// the threads finish what they have begun, and the server ends.
//
// In place of a network every thread asks itself. A request is the sum of `weights`, all of which
// the trainer sets to `step`: so it can be told whether an answer is of one checkpoint.
#include <atomic>
#include <checkpoint.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace ckpt = checkpoint;

namespace {

// What signal handlers may touch: an atomic flag without a lock, and one of the library's.
std::atomic<bool> stop = false;
ckpt::cancel &stop_loading = *new ckpt::cancel;  // never gone: a second signal may come late

void on_signal(int) {
    stop = true;
    stop_loading.raise();
}

// [serving model]
// A checkpoint that is served. Nothing in it changes, so that any number of threads may use it.
struct model {
    ckpt::pin pin;  // the trainer's manager removes the files only when this is gone
    std::int64_t step = 0;
    std::optional<ckpt::view> mapped;   // the values as they lie in the file, shared by all processes, …
    std::vector<float> copied;          // … or, where they are not aligned in it, a copy
    ckpt::span<const float> weights{};  // either

    explicit model(ckpt::pin latest) : pin(std::move(latest)) {
        const ckpt::reader reader(pin.prefix(), ckpt::open_options().cancel(stop_loading));
        const auto reading = ckpt::read_options().cancel(stop_loading);
        step = reader.read<std::int64_t>("step", reading).at(0);
        const ckpt::tensor tensor = reader.at("weights");
        mapped = tensor.view(reading);  // compares the checksum, which reads every page
        if (mapped->alignment() >= alignof(float)) {
            weights = mapped->values<float>();
        } else {
            mapped.reset();
            copied = tensor.read<float>(reading);
            weights = copied;
        }
    }
};
// [end]

// [serving swap]
// The model that is served: std::atomic<std::shared_ptr<const model>> in C++20.
class served_model {
   public:
    std::shared_ptr<const model> get() const {
        const std::lock_guard lock(mutex_);
        return current_;
    }
    void swap(std::shared_ptr<const model> &other) {
        const std::lock_guard lock(mutex_);
        current_.swap(other);  // the old one goes when its last request has ended, outside of the lock
    }

   private:
    mutable std::mutex mutex_;
    std::shared_ptr<const model> current_;
};
// [end]

struct counts {
    std::atomic<std::uint64_t> requests = 0, torn = 0;
};

// Threads that end with the server, also when it fails: std::jthread in C++20.
struct workers {
    std::vector<std::thread> threads;

    ~workers() {
        stop = true;
        for (std::thread &thread : threads) thread.join();
    }
};

// [serving requests]
void answer_requests(const served_model &served, counts &counts) {
    while (!stop) {
        const auto model = served.get();  // one model for the whole request
        double sum = 0;
        for (const float weight : model->weights) sum += static_cast<double>(weight);
        counts.requests++;
        counts.torn += sum != static_cast<double>(model->step) * static_cast<double>(model->weights.size());
    }
}
// [end]

int serve(const char *directory, double patience) {
    const auto waiting = ckpt::wait_options().poll_interval(0.02).cancel(stop_loading);
    served_model served;
    std::uint64_t checkpoints = 0;
    // [serving reload]
    const auto reload = [&](const std::string &) {
        try {
            auto latest = ckpt::pin::latest(directory);
            const auto current = served.get();
            if (!latest || (current && current->pin.prefix() == latest->prefix())) return;
            std::shared_ptr<const model> next = std::make_shared<const model>(std::move(*latest));
            std::printf("serves step %lld\n", static_cast<long long>(next->step));
            served.swap(next);
            checkpoints++;
        } catch (const std::exception &fault) {
            if (stop) return;
            std::printf("cannot load the latest: %s\n", fault.what());  // and serves what it has
        }
        std::fflush(stdout);
    };
    // [end]

    // [serving loop]
    if (!ckpt::wait_for_new_checkpoint(directory, std::nullopt, ckpt::wait_options(waiting).timeout(patience))) {
        std::fprintf(stderr, "serve-checkpoint-cpp: no checkpoint in %s after %g seconds\n", directory, patience);
        return 1;
    }
    reload(directory);
    if (!served.get()) return stop ? 0 : 1;  // told to end, or said what it could not load
    counts counts;
    {
        workers workers;
        for (int i = 0; i < 4; i++) workers.threads.emplace_back(answer_requests, std::cref(served), std::ref(counts));
        const auto report = [](const ckpt::error &fault) {
            std::printf("waits for a better state file: %s\n", fault.what());
            std::fflush(stdout);
        };
        while (!stop) {
            const auto watched = ckpt::try_call([&] { ckpt::watch(directory, reload, stop, waiting, report); });
            if (watched || stop) break;
            report(watched.error());  // the directory cannot be read: perhaps it can be later
            std::this_thread::sleep_for(std::chrono::seconds(1));
        }
    }
    // [end]
    std::printf("%llu requests, %llu checkpoints, %llu torn, the last of step %lld\n",
                static_cast<unsigned long long>(counts.requests), static_cast<unsigned long long>(checkpoints),
                static_cast<unsigned long long>(counts.torn), static_cast<long long>(served.get()->step));
    return 0;
}

}  // namespace

int main(int argc, char **argv) try {
    if (argc != 2 && argc != 3) {
        std::fprintf(stderr, "usage: serve-checkpoint-cpp DIRECTORY [PATIENCE]\n");
        return 2;
    }
    std::signal(SIGTERM, on_signal);
    std::signal(SIGINT, on_signal);
    return serve(argv[1], argc > 2 ? std::atof(argv[2]) : 30);
} catch (const ckpt::error &error) {
    if (stop && error.code() == ckpt::code::cancelled) return 0;  // told to end before there was anything to serve
    std::fprintf(stderr, "serve-checkpoint-cpp: %s\n", error.what());
    return 1;
}
