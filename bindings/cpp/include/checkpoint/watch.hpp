// Waiting for the next checkpoint of a directory.
#ifndef CHECKPOINT_WATCH_HPP
#define CHECKPOINT_WATCH_HPP

#include <algorithm>
#include <atomic>
#include <checkpoint/options.hpp>
#include <chrono>
#include <limits>
#include <optional>
#include <thread>

CHECKPOINT_BEGIN

/// @cond
namespace detail {

using now_function = std::function<double()>;

inline double run_now(void *user_data) noexcept {
    return guarded_answer(std::numeric_limits<double>::quiet_NaN(), [&] { return unbox<now_function>(user_data)(); });
}

using done_function = std::function<bool()>;

inline bool run_is_done(void *user_data) noexcept {
    return guarded_answer(true, [&] { return unbox<done_function>(user_data)(); });
}

}  // namespace detail
/// @endcond

/// A clock other than the machine's. Either may be empty, for the machine's own.
struct clock_functions {
    std::function<double()> now;                ///< The time, in seconds since the epoch.
    std::function<void(double seconds)> sleep;  ///< Waits. What it throws ends the call that waits.
};

/// @cond
namespace detail {

inline double clock_now(void *user_data) noexcept {
    return guarded_answer(std::numeric_limits<double>::quiet_NaN(), [&] { return unbox<clock_functions>(user_data).now(); });
}

inline ckpt_code clock_sleep(void *user_data, double seconds) noexcept {
    return guarded(nullptr, [&] { unbox<clock_functions>(user_data).sleep(seconds); });
}

}  // namespace detail
/// @endcond

/// How to wait for checkpoints: by default a look each second, for ever.
class wait_options : public basic_wait_options<wait_options> {
   public:
    /// Has `log` called once about a state file that cannot be used for now, and about how the path
    /// of a checkpoint was understood where that may surprise.
    wait_options &log(std::function<void(severity, std::string_view)> log) {
        return set([log = std::move(log)](auto *raw) { detail::set_log(ckpt_wait_options_set_log, raw, log); });
    }
    /// Another clock.
    wait_options &clock(clock_functions clock) {
        clock_ = clock;
        return set([clock = std::move(clock)](auto *raw) {
            const ckpt_now_callback now = clock.now ? detail::clock_now : nullptr;
            const ckpt_sleep_callback sleep = clock.sleep ? detail::clock_sleep : nullptr;
            detail::call(ckpt_wait_options_set_clock, raw, now, sleep, detail::box(clock), detail::free_box<clock_functions>);
        });
    }
    /// The clock that was set; its functions are empty for the machine's own.
    const clock_functions &clock() const noexcept { return clock_; }

    /// Has the call stop when `flag` is raised.
    wait_options &cancel(const ::checkpoint::cancel &flag) {
        return set([flag](auto *raw) { detail::call(ckpt_wait_options_set_cancel, raw, flag.get()); });
    }

   private:
    clock_functions clock_;
};

/// Waits until the latest checkpoint of `directory` is another one than `last`; nothing when time
/// ran out.
inline std::optional<std::string> wait_for_new_checkpoint(const file_path &directory,
                                                          const std::optional<std::string> &last = std::nullopt,
                                                          const wait_options &options = {}) {
    detail::string_handle path;
    detail::call(ckpt_wait_for_new_checkpoint, detail::c_path(directory), last ? detail::c_path(*last) : nullptr, options.get(),
                 path.out());
    return detail::take_optional(path);
}

/// The checkpoints of a directory as they appear: a range of paths, which waits for each
/// (`tf.train.checkpoints_iterator`). It gives the latest only, those between are missed. For one
/// thread at a time.
class checkpoints_iterator {
   public:
    /// `is_done`, which may be empty, is asked after each time-out, and after each checkpoint,
    /// whether there will be no more; without it a time-out is the end.
    explicit checkpoints_iterator(const file_path &directory, const wait_options &options = {},
                                  std::function<bool()> is_done = nullptr) {
        if (!is_done) {
            detail::call(ckpt_checkpoints_iterator_new, detail::c_path(directory), options.get(), nullptr, nullptr, nullptr,
                         handle_.out());
        } else {
            detail::call(ckpt_checkpoints_iterator_new, detail::c_path(directory), options.get(), detail::run_is_done,
                         detail::box(std::move(is_done)), detail::free_box<detail::done_function>, handle_.out());
        }
    }
    /// Waits for the next checkpoint; nothing when there are no more.
    std::optional<std::string> next() {
        detail::string_handle path;
        detail::call(ckpt_checkpoints_iterator_next, handle_.get(), path.out());
        return detail::take_optional(path);
    }

    /// Past the last.
    struct sentinel {};
    /// Iterates over std::string, each of which it waits for.
    class iterator {
       public:
        /// At the next.
        explicit iterator(checkpoints_iterator *from) : from_(from), path_(from->next()) {}
        /// The path.
        const std::string &operator*() const noexcept { return *path_; }
        /// Waits for the next.
        iterator &operator++() {
            path_ = from_->next();
            return *this;
        }
        /// Whether there is one.
        bool operator!=(sentinel) const noexcept { return path_.has_value(); }

       private:
        checkpoints_iterator *from_;
        std::optional<std::string> path_;
    };
    /// Waits for the next.
    iterator begin() { return iterator(this); }
    /// Past the last.
    sentinel end() const noexcept { return {}; }

   private:
    detail::handle<ckpt_checkpoints_iterator, ckpt_checkpoints_iterator_free> handle_;
};

/// Calls `on_checkpoint(path)` for each new checkpoint of a directory, as checkpoints_iterator
/// gives them, on this thread, until `stop` is true: from another thread, a signal handler or a
/// callback. It returns soon after that, also while it waits. What `on_checkpoint` throws ends it.
///
/// A state file that cannot be used for longer than a moment is told to `on_fault`, which may be
/// empty, and waited for again.
inline void watch(const file_path &directory, const std::function<void(const std::string &path)> &on_checkpoint,
                  const std::atomic<bool> &stop, const wait_options &options = {},
                  const std::function<void(const error &fault)> &on_fault = nullptr) {
    const auto sleep = [&stop, clock = options.clock()](double seconds) {
        using duration = std::chrono::duration<double>;
        const auto begun = std::chrono::steady_clock::now();
        if (clock.sleep && !stop) return clock.sleep(seconds);
        while (!stop) {
            const double left = seconds - duration(std::chrono::steady_clock::now() - begun).count();
            if (left <= 0) return;
            std::this_thread::sleep_for(duration(std::min(left, 0.05)));
        }
        fail(error(code::cancelled, "the watch was stopped"));
    };
    const auto waiting = wait_options(options).clock({options.clock().now, sleep});
    checkpoints_iterator all(directory, waiting, [&stop] { return stop.load(); });
    while (!stop) {
        const auto next = try_call([&] { return all.next(); });
        if (stop) return;
        if (!next && next.error().code() != code::data_loss) return fail(next.error());
        if (!next && on_fault) on_fault(next.error());
        if (next && !*next) return;
        if (next) on_checkpoint(**next);
    }
}

CHECKPOINT_END

#endif
