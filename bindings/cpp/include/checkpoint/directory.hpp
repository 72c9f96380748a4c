// A directory of checkpoints: its state file, and its checkpoints as files.
#ifndef CHECKPOINT_DIRECTORY_HPP
#define CHECKPOINT_DIRECTORY_HPP

#include <checkpoint/core.hpp>
#include <checkpoint/reader.hpp>
#include <optional>

CHECKPOINT_BEGIN

/// The latest checkpoint that the state file of `directory` names; nothing when there is no state
/// file, or none of that checkpoint's files is there. (`tf.train.latest_checkpoint`)
inline std::optional<std::string> latest_checkpoint(const file_path &directory, const open_options &options = {}) {
    detail::string_handle path;
    detail::call(ckpt_latest_checkpoint, detail::c_path(directory), options.get(), path.out());
    return detail::take_optional(path);
}

/// What the state file of a directory says, with paths that can be used as they are.
struct checkpoint_state {
    std::string latest;              ///< The latest checkpoint.
    std::vector<std::string> paths;  ///< All that are listed, oldest first.
    std::vector<double> timestamps;  ///< When each was made, in seconds since the epoch; NaN where nobody said.
    double last_preserved;           ///< When the last one that is kept for good was made; NaN where nobody said.
};

/// Reads the state file of `directory`; nothing when there is none.
/// (`tf.train.get_checkpoint_state`)
inline std::optional<checkpoint_state> get_checkpoint_state(const file_path &directory,
                                                            const file_path &file_name = "checkpoint",
                                                            const open_options &options = {}) {
    detail::handle<ckpt_checkpoint_state, ckpt_checkpoint_state_free> raw;
    detail::call(ckpt_get_checkpoint_state, detail::c_path(directory), detail::c_path(file_name), options.get(), raw.out());
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
    /// Whether the directory is locked.
    state_update &locking(::checkpoint::locking locking) {
        detail::call(ckpt_state_update_set_locking, handle_.get(), static_cast<ckpt_locking>(locking));
        return *this;
    }
    /// How many seconds to wait while somebody changes the state; 60 by default, 0 fails at once.
    state_update &lock_wait(double seconds) {
        detail::call(ckpt_state_update_set_lock_wait, handle_.get(), seconds);
        return *this;
    }
    /// Has `log` called about a file system that has no locks and the like.
    state_update &log(std::function<void(severity, std::string_view)> log) {
        detail::set_log(ckpt_state_update_set_log, handle_.get(), std::move(log));
        return *this;
    }
    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_state_update *get() const noexcept { return handle_.get(); }

   private:
    detail::handle<ckpt_state_update, ckpt_state_update_free> handle_;
};

/// Replaces the state file of `directory`: all of it or nothing.
/// (`tf.train.update_checkpoint_state`)
inline void update_checkpoint_state(const file_path &directory, const state_update &update) {
    detail::call(ckpt_update_checkpoint_state, detail::c_path(directory), update.get());
}

/// Whether there is a checkpoint at `prefix`. (`tf.train.checkpoint_exists`)
inline bool checkpoint_exists(const file_path &prefix) {
    bool exists = false;
    detail::call(ckpt_checkpoint_exists, detail::c_path(prefix), &exists);
    return exists;
}

/// When each checkpoint was written, in seconds since the epoch; those that are not there are left
/// out. (`tf.train.get_checkpoint_mtimes`)
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

/// How a checkpoint is removed.
class remove_options : public basic_remove_options<remove_options> {
   public:
    /// Has `log` called about a file system that has no locks and the like.
    remove_options &log(std::function<void(severity, std::string_view)> log) {
        return set([log = std::move(log)](auto *raw) { detail::set_log(ckpt_remove_options_set_log, raw, log); });
    }
};

/// Removes the checkpoint at `prefix`. The state file stays as it is.
/// (`tf.train.remove_checkpoint`)
inline void remove_checkpoint(const file_path &prefix, const remove_options &options = {}) {
    detail::call(ckpt_remove_checkpoint, detail::c_path(prefix), options.get());
}

/// A checkpoint that is held: no manager of this library removes it, in whatever process, while
/// this lives.
class pin {
   public:
    /// Holds the checkpoint `prefix`. checkpoint::code::not_found when there is none.
    explicit pin(const file_path &prefix) { detail::call(ckpt_pin_new, detail::c_path(prefix), handle_.out()); }
    /// Holds the latest checkpoint of `directory`, if there is one.
    static std::optional<pin> latest(const file_path &directory, const open_options &options = {}) {
        pin held;
        detail::call(ckpt_pin_latest, detail::c_path(directory), options.get(), held.handle_.out());
        return held.handle_.get() ? std::optional<pin>(std::move(held)) : std::nullopt;
    }
    /// The prefix of the checkpoint that is held.
    std::string_view prefix() const noexcept { return detail::text(ckpt_pin_prefix(handle_.get())); }

   private:
    pin() = default;
    detail::handle<ckpt_pin, ckpt_pin_free> handle_;
};

CHECKPOINT_END

#endif
