// A directory of checkpoints: its state file, what is whole in it, waiting for more, cleaning up.
#ifndef CHECKPOINT_DIRECTORY_HPP
#define CHECKPOINT_DIRECTORY_HPP

#include <checkpoint/core.hpp>
#include <checkpoint/verify.hpp>
#include <limits>
#include <optional>

namespace checkpoint {

/// Which metrics are better.
enum class better : std::int32_t {
    lower = CKPT_BETTER_LOWER,    ///< Of a loss.
    higher = CKPT_BETTER_HIGHER,  ///< Of an accuracy.
};

/// @cond
namespace detail {

// A path that a call may have none of.
inline std::optional<std::string> take_optional(const string_handle &string) {
    return string.get() ? std::optional<std::string>(take(string)) : std::nullopt;
}
using strings_handle = handle<ckpt_strings, ckpt_strings_free>;

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

/// The latest checkpoint that the state file of `directory` names; nothing when there is no state file, or none of that
/// checkpoint's files is there. (`tf.train.latest_checkpoint`)
inline std::optional<std::string> latest_checkpoint(const file_path &directory) {
    detail::string_handle path;
    detail::call(ckpt_latest_checkpoint, detail::c_path(directory), path.out());
    return detail::take_optional(path);
}

/// What the state file of a directory says, with paths that can be used as they are.
struct checkpoint_state {
    std::string latest;              ///< The latest checkpoint.
    std::vector<std::string> paths;  ///< All that are listed, oldest first.
    std::vector<double> timestamps;  ///< When each was made, in seconds since the epoch; NaN where nobody said.
    double last_preserved;           ///< When the last one that is kept for good was made; NaN where nobody said.
};

/// Reads the state file of `directory`; nothing when there is none. (`tf.train.get_checkpoint_state`)
inline std::optional<checkpoint_state> get_checkpoint_state(const file_path &directory,
                                                            const file_path &file_name = "checkpoint") {
    detail::handle<ckpt_checkpoint_state, ckpt_checkpoint_state_free> raw;
    detail::call(ckpt_get_checkpoint_state, detail::c_path(directory), detail::c_path(file_name), raw.out());
    if (!raw.get()) return std::nullopt;
    checkpoint_state state;
    state.latest = detail::text(ckpt_checkpoint_state_latest(raw.get()));
    for (std::size_t i = 0; i < ckpt_checkpoint_state_count(raw.get()); i++) {
        state.paths.emplace_back(detail::text(ckpt_checkpoint_state_path(raw.get(), i)));
        state.timestamps.push_back(ckpt_checkpoint_state_timestamp(raw.get(), i));
    }
    state.last_preserved = ckpt_checkpoint_state_last_preserved(raw.get());
    return state;
}

/// What a state file is to say.
class state_update {
   public:
    /// Names `latest` as the latest checkpoint, and as the only one unless more are added.
    explicit state_update(const file_path &latest) { detail::call(ckpt_state_update_new, detail::c_path(latest), handle_.out()); }
    /// Adds a checkpoint to those listed, oldest first.
    state_update &path(const file_path &path) {
        detail::call(ckpt_state_update_add_path, handle_.get(), detail::c_path(path));
        return *this;
    }
    /// Adds a time, in seconds since the epoch: as many as there are checkpoints listed, or none.
    state_update &timestamp(double timestamp) {
        detail::call(ckpt_state_update_add_timestamp, handle_.get(), timestamp);
        return *this;
    }
    /// When the last checkpoint that is kept for good was made.
    state_update &last_preserved(double timestamp) {
        detail::call(ckpt_state_update_set_last_preserved, handle_.get(), timestamp);
        return *this;
    }
    /// Another name for the state file than `checkpoint`.
    state_update &file_name(const file_path &name) {
        detail::call(ckpt_state_update_set_file_name, handle_.get(), detail::c_path(name));
        return *this;
    }
    /// What survives a power cut when the call has returned.
    state_update &durability(::checkpoint::durability durability) {
        detail::call(ckpt_state_update_set_durability, handle_.get(), static_cast<ckpt_durability>(durability));
        return *this;
    }
    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_state_update *get() const noexcept { return handle_.get(); }

   private:
    detail::handle<ckpt_state_update, ckpt_state_update_free> handle_;
};

/// Replaces the state file of `directory`: all of it or nothing. (`tf.train.update_checkpoint_state`)
inline void update_checkpoint_state(const file_path &directory, const state_update &update) {
    detail::call(ckpt_update_checkpoint_state, detail::c_path(directory), update.get());
}

/// Whether there is a checkpoint at `prefix`. (`tf.train.checkpoint_exists`)
inline bool checkpoint_exists(const file_path &prefix) {
    bool exists = false;
    detail::call(ckpt_checkpoint_exists, detail::c_path(prefix), &exists);
    return exists;
}

/// When each checkpoint was written, in seconds since the epoch; those that are not there are left out.
/// (`tf.train.get_checkpoint_mtimes`)
inline std::vector<double> checkpoint_mtimes(const std::vector<std::string> &prefixes) {
    std::vector<const char *> paths;
    for (const std::string &prefix : prefixes) {
        detail::c_path(prefix);
        paths.push_back(prefix.c_str());
    }
    std::vector<double> times(paths.size());
    std::size_t found = 0;
    detail::call(ckpt_checkpoint_mtimes, paths.data(), paths.size(), times.data(), &found);
    times.resize(found);
    return times;
}

/// Removes the checkpoint at `prefix`. The state file stays as it is. (`tf.train.remove_checkpoint`)
inline void remove_checkpoint(const file_path &prefix) { detail::call(ckpt_remove_checkpoint, detail::c_path(prefix)); }

/// A checkpoint that is held: no manager of this library removes it, in whatever process, while this lives.
class pin {
   public:
    /// Holds the checkpoint `prefix`. checkpoint::code::not_found when there is none.
    explicit pin(const file_path &prefix) { detail::call(ckpt_pin_new, detail::c_path(prefix), handle_.out()); }
    /// Holds the latest checkpoint of `directory`, if there is one.
    static std::optional<pin> latest(const file_path &directory) {
        pin held;
        detail::call(ckpt_pin_latest, detail::c_path(directory), held.handle_.out());
        return held.handle_.get() ? std::optional<pin>(std::move(held)) : std::nullopt;
    }
    /// The prefix of the checkpoint that is held.
    std::string_view prefix() const noexcept { return detail::text(ckpt_pin_prefix(handle_.get())); }

   private:
    pin() = default;
    detail::handle<ckpt_pin, ckpt_pin_free> handle_;
};

/// A checkpoint that is not whole.
struct broken {
    std::string prefix;           ///< Where it is.
    ::checkpoint::code code;      ///< The class of the first thing that is wrong with it.
    ::checkpoint::reason reason;  ///< Why.
    std::string message;          ///< In one line.
};

/// @cond
namespace detail {
inline std::vector<broken> list_of_broken(const ckpt_broken_checkpoints *raw) {
    std::vector<broken> list;
    for (std::size_t i = 0; i < ckpt_broken_checkpoints_count(raw); i++) {
        const ckpt_error *problem = ckpt_broken_checkpoints_problem(raw, i);
        list.push_back({std::string(text(ckpt_broken_checkpoints_prefix(raw, i))), static_cast<code>(ckpt_error_code(problem)),
                        static_cast<reason>(ckpt_error_reason(problem)), ckpt_error_message(problem)});
    }
    return list;
}
}  // namespace detail
/// @endcond

/// The newest checkpoint that is whole.
struct valid_checkpoint {
    std::optional<std::string> path;  ///< Nothing when there is none.
    std::vector<broken> newer;        ///< Those that are newer and not whole, the newest first.
};

/// Finds the newest checkpoint of `directory` that is whole: every checksum of it is compared.
inline valid_checkpoint latest_valid_checkpoint(const file_path &directory, const verify_options &options = {}) {
    detail::string_handle path;
    detail::handle<ckpt_broken_checkpoints, ckpt_broken_checkpoints_free> newer;
    detail::call(ckpt_latest_valid_checkpoint, detail::c_path(directory), options.get(), path.out(), newer.out());
    return {detail::take_optional(path), detail::list_of_broken(newer.get())};
}

/// A state file that was made anew.
struct repaired {
    std::string latest;              ///< The latest checkpoint that it names.
    std::vector<std::string> paths;  ///< Those that it lists, oldest first.
    bool is_new;                     ///< Whether it differs from the one before.
    std::vector<broken> left_out;    ///< Not listed since they are not whole.
};

/// Makes a state file for `directory` that names what is whole. With `dry_run` nothing is changed.
inline repaired repair_checkpoint_state(const file_path &directory, bool dry_run = false, const verify_options &options = {}) {
    detail::handle<ckpt_repaired_state, ckpt_repaired_state_free> raw;
    detail::call(ckpt_repair_checkpoint_state, detail::c_path(directory), dry_run, options.get(), raw.out());
    repaired outcome{std::string(detail::text(ckpt_repaired_state_latest(raw.get()))),
                     {},
                     ckpt_repaired_state_is_new(raw.get()),
                     detail::list_of_broken(ckpt_repaired_state_broken(raw.get()))};
    for (std::size_t i = 0; i < ckpt_repaired_state_count(raw.get()); i++) {
        outcome.paths.emplace_back(detail::text(ckpt_repaired_state_path(raw.get(), i)));
    }
    return outcome;
}

/// Which checkpoints stay.
class collect_options {
   public:
    /// The newest `keep`, at least 1.
    explicit collect_options(std::size_t keep) : handle_(ckpt_collect_options_new(keep)) {}
    /// And one for each so many hours, for good.
    collect_options &keep_checkpoint_every_n_hours(double hours) {
        detail::call(ckpt_collect_options_set_keep_checkpoint_every_n_hours, handle_.get(), hours);
        return *this;
    }
    /// And the best `count` by the metrics that a manager's program gave.
    collect_options &keep_best(std::size_t count, better which) {
        detail::call(ckpt_collect_options_set_keep_best, handle_.get(), count, static_cast<ckpt_better>(which));
        return *this;
    }
    /// Whether to say only what would be removed.
    collect_options &dry_run(bool dry_run) {
        detail::call(ckpt_collect_options_set_dry_run, handle_.get(), dry_run);
        return *this;
    }
    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_collect_options *get() const noexcept { return handle_.get(); }

   private:
    detail::handle<ckpt_collect_options, ckpt_collect_options_free> handle_;
};

/// Removes from `directory` what crashes left.
inline void collect_checkpoints(const file_path &directory) {
    detail::call(ckpt_collect_checkpoints, detail::c_path(directory), nullptr, nullptr);
}
/// Removes from `directory` the managed checkpoints that are too many, and what crashes left. The answer is what was removed, or
/// would be, oldest first.
inline std::vector<std::string> collect_checkpoints(const file_path &directory, const collect_options &options) {
    detail::strings_handle removed;
    detail::call(ckpt_collect_checkpoints, detail::c_path(directory), options.get(), removed.out());
    return strings(std::move(removed)).copy();
}

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
class wait_options {
   public:
    /// Gives up rather than wait longer than so many seconds.
    wait_options &timeout(double seconds) {
        detail::call(ckpt_wait_options_set_timeout, make(), seconds);
        return *this;
    }
    /// The seconds between two looks.
    wait_options &poll_interval(double seconds) {
        detail::call(ckpt_wait_options_set_poll_interval, make(), seconds);
        return *this;
    }
    /// At least so many seconds between two checkpoints of an iterator.
    wait_options &min_interval(double seconds) {
        detail::call(ckpt_wait_options_set_min_interval, make(), seconds);
        return *this;
    }
    /// Another clock.
    wait_options &clock(clock_functions clock) {
        const ckpt_now_callback now = clock.now ? detail::clock_now : nullptr;
        const ckpt_sleep_callback sleep = clock.sleep ? detail::clock_sleep : nullptr;
        detail::call(ckpt_wait_options_set_clock, make(), now, sleep, detail::box(std::move(clock)),
                     detail::free_box<clock_functions>);
        return *this;
    }
    /// The handle; NULL for the defaults.
    const ckpt_wait_options *get() const noexcept { return handle_.get(); }

   private:
    ckpt_wait_options *make() { return handle_.make(ckpt_wait_options_new); }
    detail::handle<ckpt_wait_options, ckpt_wait_options_free> handle_;
};

/// Waits until the latest checkpoint of `directory` is another one than `last`; nothing when time ran out.
inline std::optional<std::string> wait_for_new_checkpoint(const file_path &directory,
                                                          const std::optional<std::string> &last = std::nullopt,
                                                          const wait_options &options = {}) {
    detail::string_handle path;
    detail::call(ckpt_wait_for_new_checkpoint, detail::c_path(directory), last ? detail::c_path(*last) : nullptr, options.get(),
                 path.out());
    return detail::take_optional(path);
}

/// The checkpoints of a directory as they appear: a range of paths, which waits for each (`tf.train.checkpoints_iterator`). It
/// gives the latest only, those between are missed. For one thread at a time.
class checkpoints_iterator {
   public:
    /// `is_done`, which may be empty, is asked after each time-out, and after each checkpoint, whether there will be no more;
    /// without it a time-out is the end.
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

}  // namespace checkpoint

#endif
