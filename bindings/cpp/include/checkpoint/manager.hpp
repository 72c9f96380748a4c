// Saving again and again in one directory, keeping some, resuming from the latest.
#ifndef CHECKPOINT_MANAGER_HPP
#define CHECKPOINT_MANAGER_HPP

#include <checkpoint/checkpoint.hpp>
#include <checkpoint/directory.hpp>
#include <checkpoint/maintenance.hpp>
#include <checkpoint/options.hpp>
#include <checkpoint/watch.hpp>

CHECKPOINT_BEGIN

/// @cond
namespace detail {
using init_function = std::function<void()>;
inline ckpt_code run_init(void *user_data, ckpt_failure *failure) noexcept {
    return guarded(failure, [&] { unbox<init_function>(user_data)(); });
}
}  // namespace detail
/// @endcond

/// How a directory is managed; by default all checkpoints are kept.
class manager_options : public basic_manager_options<manager_options> {
   public:
    /// Has `init` called by manager::restore_or_initialize where there is no checkpoint. It may use
    /// the graph.
    manager_options &init(std::function<void()> init) {
        return set([init](auto *raw) {
            detail::call(ckpt_manager_options_set_init, raw, detail::run_init, detail::box(init),
                         detail::free_box<detail::init_function>);
        });
    }
    /// Asks `now` for the time, in seconds since the epoch, in place of the machine's clock.
    manager_options &clock(std::function<double()> now) {
        return set([now](auto *raw) {
            detail::call(ckpt_manager_options_set_clock, raw, detail::run_now, detail::box(now),
                         detail::free_box<detail::now_function>);
        });
    }
    /// Has `log` called about state files that mean nothing, old checkpoints that cannot be removed
    /// and the like.
    manager_options &log(std::function<void(severity, std::string_view)> log) {
        return set([log = std::move(log)](auto *raw) { detail::set_log(ckpt_manager_options_set_log, raw, log); });
    }
};

/// How a manager saves.
class manager_save_options : public basic_manager_save_options<manager_save_options> {
   public:
    /// How the files are written, with the callbacks of these options, which are copied.
    manager_save_options &save(const save_options &options) {
        return set([options](auto *raw) { detail::call(ckpt_manager_save_options_set_save_options, raw, options.get()); });
    }
};

/// How a program resumes.
class resume_options : public basic_resume_options<resume_options> {
   public:
    /// How the checkpoint is restored. The options are copied.
    resume_options &restore(const restore_options &options) {
        return set([options](auto *raw) { detail::call(ckpt_resume_options_set_restore_options, raw, options.get()); });
    }
};

/// What a program resumed from.
struct resumption {
    std::string path;             ///< The checkpoint.
    ::checkpoint::status status;  ///< What became of it.
};

/// @cond
template <>
struct detail::taken<std::optional<resumption>> {
    static std::optional<resumption> take(const ckpt_pending *pending) {
        string_handle path;
        handle<ckpt_status, ckpt_status_free> raw;
        call(ckpt_pending_take_resumption, pending, path.out(), raw.out());
        if (!path.get()) return std::nullopt;
        return resumption{detail::take(path), status(std::move(raw))};
    }
};
/// @endcond

/// Saves a checkpoint again and again in one directory, keeps some of them, and resumes from the
/// latest (`tf.train.CheckpointManager`): a range of the paths of the newest checkpoints, oldest
/// first. It keeps the checkpoint and its graph. Several threads may use it at once.
///
/// Opening takes no lock and changes nothing. The first save takes the directory's lock, which is
/// the manager's as long as it lives.
class manager {
   public:
    /// A manager of `checkpoint` in `directory`, which the first save makes if need be.
    manager(const ::checkpoint::checkpoint &checkpoint, const file_path &directory, const manager_options &options = {}) {
        detail::call(ckpt_manager_open, checkpoint.get(), detail::c_path(directory), options.get(), handle_.out());
    }

    /// The same without exceptions.
    static result<manager> try_open(const ::checkpoint::checkpoint &checkpoint, const file_path &directory,
                                    const manager_options &options = {}) {
        return try_call([&] { return manager(checkpoint, directory, options); });
    }
    /// save() without exceptions.
    result<std::optional<std::string>> try_save(const manager_save_options &options = {}) const {
        return try_call([&] { return save(options); });
    }
    /// restore_or_initialize() without exceptions.
    result<std::optional<resumption>> try_restore_or_initialize(const resume_options &options = {}) const {
        return try_call([&] { return restore_or_initialize(options); });
    }

    /// Another object for the manager's checkpoint.
    ::checkpoint::checkpoint checkpoint() const { return ::checkpoint::checkpoint(ckpt_manager_checkpoint(get())); }
    /// The directory, as it was given.
    std::string_view directory() const noexcept { return detail::text(ckpt_manager_directory(get())); }
    /// The steps from one save to the next, if the manager saves by steps.
    std::optional<std::int64_t> checkpoint_interval() const noexcept {
        std::int64_t steps = 0;
        return ckpt_manager_checkpoint_interval(get(), &steps) ? std::optional<std::int64_t>(steps) : std::nullopt;
    }
    /// The checkpoint that was recorded last, if there is one. This and the three functions that
    /// follow may be called from inside callbacks.
    std::optional<std::string> latest_checkpoint() const {
        return detail::take_optional(detail::string_handle(ckpt_manager_latest_checkpoint(get())));
    }
    /// The newest checkpoints, those that may be removed in their turn, oldest first.
    std::vector<std::string> checkpoints() const { return paths(ckpt_manager_checkpoints(get())); }
    /// All managed checkpoints with a metric, the best first.
    std::vector<std::string> best_checkpoints() const { return paths(ckpt_manager_best_checkpoints(get())); }
    /// The metric that a checkpoint, as best_checkpoints() gives it, was saved with; NaN when it is
    /// none of those.
    double metric(std::string_view path) const noexcept { return ckpt_manager_metric(get(), path.data(), path.size()); }

    /// What checkpoint::last_failure() of the manager's checkpoint gives.
    std::optional<error> last_failure() const { return detail::failure(ckpt_manager_last_failure, get()); }

    /// Saves a checkpoint, makes it the latest, and removes what is too many. The answer is its
    /// path; nothing when the manager saves by steps and it is too early.
    /// checkpoint::code::unavailable when another process saves in this directory;
    /// checkpoint::reason::replaced when one has since, and the program has not resumed from that.
    /// (`CheckpointManager.save`)
    std::optional<std::string> save(const manager_save_options &options = {}) const {
        detail::string_handle path;
        detail::call(ckpt_manager_save, get(), options.get(), path.out());
        return detail::take_optional(path);
    }
    /// Saves a checkpoint together with other ranks, as save() and checkpoint::save_ranked() do.
    /// Each rank has a manager of the same directory with the same options; only that of rank 0
    /// takes its lock, numbers, records and removes. That it is too early each rank finds by
    /// itself, so that all must be given the same steps.
    std::optional<std::string> save_ranked(const ranks &ranks, const manager_save_options &options = {}) const {
        detail::string_handle path;
        detail::call(ckpt_manager_save_ranked, get(), ranks.get(), options.get(), path.out());
        return detail::take_optional(path);
    }
    /// Copies what save() would save, and does the rest in the background, as
    /// checkpoint::save_async() does: the checkpoint is recorded, and what is too many is removed,
    /// when it is complete. Nothing when the manager saves by steps and it is too early; that is
    /// said without waiting.
    std::optional<pending<>> save_async(const manager_save_options &options = {}) const {
        detail::handle<ckpt_pending, ckpt_pending_free> raw;
        detail::call(ckpt_manager_save_async, get(), options.get(), raw.out());
        if (!raw.get()) return std::nullopt;
        return pending<>(std::move(raw));
    }
    /// Restores the latest checkpoint; where there is none, calls the init function, and the answer
    /// is nothing. (`CheckpointManager.restore_or_initialize`)
    std::optional<resumption> restore_or_initialize(const resume_options &options = {}) const {
        detail::string_handle path;
        detail::handle<ckpt_status, ckpt_status_free> raw;
        detail::call(ckpt_manager_restore_or_initialize, get(), options.get(), path.out(), raw.out());
        if (!path.get()) return std::nullopt;
        return resumption{detail::take(path), status(std::move(raw))};
    }
    /// Does what restore_or_initialize() does, in the background, as checkpoint::restore_async()
    /// does. The init function is called in the background.
    pending<std::optional<resumption>> restore_or_initialize_async(const resume_options &options = {}) const {
        return detail::begin<std::optional<resumption>>(ckpt_manager_restore_or_initialize_async, get(), options.get());
    }
    /// What a phase of the last save of this manager has cost so far, in the background or not.
    phase_cost phase(::checkpoint::phase phase) const {
        phase_cost cost;
        detail::call(ckpt_manager_phase, get(), static_cast<ckpt_phase>(phase), &cost.bytes, &cost.seconds);
        return cost;
    }
    /// Does what latest_valid() does, in the background.
    pending<valid_checkpoint> latest_valid_async() const {
        return detail::begin<valid_checkpoint>(ckpt_manager_latest_valid_async, get());
    }
    /// The newest checkpoint of the directory that is whole: every checksum of it is compared.
    valid_checkpoint latest_valid() const {
        detail::string_handle path;
        detail::handle<ckpt_broken_checkpoints, ckpt_broken_checkpoints_free> newer;
        detail::call(ckpt_manager_latest_valid, get(), path.out(), newer.out());
        return {detail::take_optional(path), detail::broken_checkpoints(newer.get())};
    }

    /// Past the last.
    struct sentinel {};
    /// Iterates over std::string: the checkpoints as they were when it was made.
    class iterator {
       public:
        /// At the first.
        explicit iterator(std::vector<std::string> paths) : paths_(std::move(paths)) {}
        /// The path.
        const std::string &operator*() const noexcept { return paths_[index_]; }
        /// The next.
        iterator &operator++() noexcept {
            ++index_;
            return *this;
        }
        /// Whether there is one.
        bool operator!=(sentinel) const noexcept { return index_ < paths_.size(); }

       private:
        std::vector<std::string> paths_;
        std::size_t index_ = 0;
    };
    /// The oldest.
    iterator begin() const { return iterator(checkpoints()); }
    /// Past the newest.
    sentinel end() const noexcept { return {}; }

    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_manager *get() const noexcept { return handle_.get(); }

   private:
    static std::vector<std::string> paths(ckpt_strings *raw) { return strings(detail::strings_handle(raw)).copy(); }

    detail::handle<ckpt_manager, ckpt_manager_free> handle_;
};

CHECKPOINT_END

#endif
