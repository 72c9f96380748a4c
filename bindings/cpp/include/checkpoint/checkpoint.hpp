// Saving a graph and restoring it.
#ifndef CHECKPOINT_CHECKPOINT_HPP
#define CHECKPOINT_CHECKPOINT_HPP

#include <checkpoint/graph.hpp>
#include <checkpoint/options.hpp>
#include <checkpoint/pending.hpp>
#include <checkpoint/ranks.hpp>
#include <checkpoint/reader.hpp>
#include <checkpoint/status.hpp>
#include <checkpoint/trackable.hpp>
#include <checkpoint/writer.hpp>

CHECKPOINT_BEGIN

/// @cond
namespace detail {

using written_function = std::function<void(std::string_view path)>;

inline ckpt_code run_written(void *user_data, const char *path, ckpt_failure *failure) noexcept {
    return guarded(failure, [&] { unbox<written_function>(user_data)(path); });
}

}  // namespace detail
/// @endcond

/// How a graph is saved (`tf.train.CheckpointOptions`).
class save_options : public basic_save_options<save_options> {
   public:
    /// How the files are written, with the progress callback and the flag of these options, which
    /// are copied.
    save_options &write(const write_options &options) {
        return set([options](auto *raw) { detail::call(ckpt_save_options_set_write_options, raw, options.get()); });
    }
    /// Has `written(path)` called when the files of a checkpoint are complete, before the state
    /// file says so, after the functions that were added before. What it throws ends the call; the
    /// checkpoint stays. (`experimental_write_callbacks`)
    save_options &on_written(std::function<void(std::string_view path)> written) {
        return set([written](auto *raw) {
            detail::call(ckpt_save_options_add_callback, raw, detail::run_written, detail::box(written),
                         detail::free_box<detail::written_function>);
        });
    }
};

/// How a graph is restored. All paths, but the new paths of renames, are paths in the checkpoint:
/// below the subtree if there is one, and before any rename. They are those of keys: escaped names
/// of edges joined by `/`; in a name-based checkpoint, names of tensors and their scopes. Globs
/// know `*` (within a name), `**` (any number of names), `?`, `[...]` and `{a,b}`.
///
///     restore_options().subtree("model").rename("old", "new").exclude("old/bias")
///
/// restores `new/kernel` from `model/old/kernel`, and leaves `new/bias` as it is.
class restore_options : public basic_restore_options<restore_options> {
   public:
    /// Has `log` called by restore_nodes() about how the path was understood where that may
    /// surprise, and about globs that match nothing. A checkpoint, manager or saver has a log of
    /// its own.
    restore_options &log(std::function<void(severity, std::string_view)> log) {
        return set([log = std::move(log)](auto *raw) { detail::set_log(ckpt_restore_options_set_log, raw, log); });
    }
    /// How values are read: threads, checksums. The options are copied.
    restore_options &read(const read_options &options) {
        return set([options](auto *raw) { detail::call(ckpt_restore_options_set_read_options, raw, options.get()); });
    }
    /// Has the call stop when `flag` is raised. Before the first value is assigned nothing is
    /// changed; after that, checkpoint::last_report() says what was assigned.
    restore_options &cancel(const ::checkpoint::cancel &flag) {
        return set([flag](auto *raw) { detail::call(ckpt_restore_options_set_cancel, raw, flag.get()); });
    }
};

/// Saves and restores what a root object of a graph leads to (`tf.train.Checkpoint`). It keeps the
/// graph. Several threads may use it at once: every call takes the graph's lock for its whole
/// length, callbacks included.
class checkpoint {
   public:
    /// The checkpoint of what `root` leads to. Its files are those of
    /// `tf.train.Checkpoint(**kwargs)`: the edges of `root` stand for the keyword arguments.
    checkpoint(const ::checkpoint::graph &graph, node root) {
        detail::call(ckpt_checkpoint_new, graph.get(), root.id, handle_.out());
    }
    /// The checkpoint of `root`, to which it attaches more edges. Its files are those of
    /// `tf.train.Checkpoint(root, **attached)`.
    checkpoint(const ::checkpoint::graph &graph, node root, const std::vector<std::pair<std::string, node>> &attached) {
        std::vector<ckpt_bytes> names;
        std::vector<ckpt_node> ids;
        for (const auto &edge : attached) {
            names.push_back(detail::bytes_of(edge.first));
            ids.push_back(edge.second.id);
        }
        detail::call(ckpt_checkpoint_new_with_root, graph.get(), root.id, names.data(), ids.data(), ids.size(), handle_.out());
    }
    /// The checkpoint of an object of a program's own.
    explicit checkpoint(const trackable &root) : checkpoint(root.graph(), root.node()) {}
    /// Takes a handle of the C API, which becomes this object's.
    explicit checkpoint(ckpt_checkpoint *raw) noexcept : handle_(raw) {}

    /// Another object for the checkpoint's graph.
    ::checkpoint::graph graph() const { return ::checkpoint::graph(ckpt_checkpoint_graph(get())); }
    /// The root object.
    node root() const noexcept { return {ckpt_checkpoint_root(get())}; }
    /// Has `log` called about values of a checkpoint that were never used and the like; an empty
    /// function for no one. It is called on the thread whose call it is about; what it throws is
    /// lost.
    void set_log(std::function<void(severity, std::string_view)> log) const {
        if (!log) return detail::call(ckpt_checkpoint_set_log, get(), nullptr, nullptr, nullptr);
        detail::set_log(ckpt_checkpoint_set_log, get(), std::move(log));
    }
    /// The variable that counts saves, `save_counter`: an int64 scalar, made when it is first
    /// needed.
    node save_counter() const {
        node counter;
        detail::call(ckpt_checkpoint_save_counter, get(), &counter.id);
        return counter;
    }
    /// How often this checkpoint was saved, by the save counter.
    std::int64_t save_count() const {
        std::int64_t count = 0;
        detail::call(ckpt_checkpoint_save_count, get(), &count);
        return count;
    }

    /// Counts, writes the checkpoint `prefix-count`, and has the directory's state file name it as
    /// the latest. The answer is its path. (`tf.train.Checkpoint.save`)
    std::string save(const file_path &prefix, const save_options &options = {}) const {
        detail::string_handle path;
        detail::call(ckpt_checkpoint_save, get(), detail::c_path(prefix), options.get(), path.out());
        return detail::take(path);
    }
    /// Writes the checkpoint `prefix`, neither counting nor telling the state file.
    /// (`tf.train.Checkpoint.write`)
    std::string write(const file_path &prefix, const save_options &options = {}) const {
        detail::string_handle path;
        detail::call(ckpt_checkpoint_write, get(), detail::c_path(prefix), options.get(), path.out());
        return detail::take(path);
    }
    /// Writes the checkpoint `prefix` together with other ranks, neither counting nor telling the
    /// state file. Each rank has a checkpoint of a graph of its own; an object of the file is what
    /// the same edges lead to in any of them. What several have is written by the first of them,
    /// parts of a tensor (node_options::part) by whoever has them. Nothing is published unless all
    /// have written; each call then ends the same. checkpoint::reason::rank names a rank that
    /// failed or did not come, or ranks that do not fit together.
    std::string write_ranked(const file_path &prefix, const ranks &ranks, const save_options &options = {}) const {
        return ranked(ckpt_checkpoint_write_ranked, prefix, ranks, options);
    }
    /// Counts and writes the checkpoint `prefix-count` together with other ranks, as
    /// write_ranked(), and has the directory's state file name it. The count is that of rank 0, and
    /// the others' after that.
    std::string save_ranked(const file_path &prefix, const ranks &ranks, const save_options &options = {}) const {
        return ranked(ckpt_checkpoint_save_ranked, prefix, ranks, options);
    }
    /// Writes the own section of a checkpoint, `prefix.section-RANK-of-COUNT`, to be merged with
    /// those of the other ranks later (checkpoint::merge). The prefix may be on a disk of the
    /// rank's own.
    std::string write_section(const file_path &prefix, const ranks &ranks, const save_options &options = {}) const {
        return ranked(ckpt_checkpoint_write_section, prefix, ranks, options);
    }
    /// Writes the checkpoint `prefix-number` and makes it the latest and only one in the state
    /// file. It does not count.
    std::string write_numbered(const file_path &prefix, std::int64_t number, const save_options &options = {}) const {
        detail::string_handle path;
        detail::call(ckpt_checkpoint_write_numbered, get(), detail::c_path(prefix), number, options.get(), path.out());
        return detail::take(path);
    }
    /// Copies what save() would write, and does the rest in the background. When this returns the
    /// program may change everything; what is saved is what was there. States, savers and devices
    /// are asked on this thread; the functions of the options are called in the background. One
    /// save runs at a time: calls that save or restore wait for it (save_options::busy), and so
    /// does the destructor of the last object of this checkpoint. That an earlier save failed costs
    /// this one nothing.
    pending<> save_async(const file_path &prefix, const save_options &options = {}) const {
        return detail::begin<std::string>(ckpt_checkpoint_save_async, get(), detail::c_path(prefix), options.get());
    }
    /// Copies what write() would write, and does the rest in the background, as save_async() does.
    pending<> write_async(const file_path &prefix, const save_options &options = {}) const {
        return detail::begin<std::string>(ckpt_checkpoint_write_async, get(), detail::c_path(prefix), options.get());
    }
    /// Waits for the save that is running in the background, if there is one. Throws the error of a
    /// save in the background that has not been reported yet: of the first one, and at the next
    /// call of the last one.
    void sync() const { detail::call(ckpt_checkpoint_sync, get()); }
    /// The error of the last save in the background that failed, whether or not it has been
    /// reported; nothing if none has failed. Later saves that succeed do not change it, and a
    /// cancelled save has not failed. Never waits.
    std::optional<error> last_failure() const { return detail::failure(ckpt_checkpoint_last_failure, get()); }

    /// Restores the program from the checkpoint at `path`: a prefix, one of its files, a directory
    /// with a state file (its latest), or a SavedModel. What the program does not have yet is
    /// restored when it is tracked. Makes the save counter. All that can be known is checked before
    /// the first value is assigned; last_report() says what became of each value, also after a
    /// failure. (`tf.train.Checkpoint.restore`)
    status restore(const file_path &path, const restore_options &options = {}) const {
        return status_of(ckpt_checkpoint_restore, detail::c_path(path), options.get());
    }
    /// The same without the save counter, for what write() wrote. (`tf.train.Checkpoint.read`)
    status read(const file_path &path, const restore_options &options = {}) const {
        return status_of(ckpt_checkpoint_read, detail::c_path(path), options.get());
    }
    /// Does what restore() does, in the background. An earlier save or restore in the background is
    /// waited for there. Until it is over the graph is its own: other calls throw
    /// checkpoint::reason::busy, but those that save or restore wait (save_options::busy), and so
    /// does the destructor of the last object of this checkpoint. States and devices are asked in
    /// the background.
    pending<status> restore_async(const file_path &path, const restore_options &options = {}) const {
        return detail::begin<status>(ckpt_checkpoint_restore_async, get(), detail::c_path(path), options.get());
    }
    /// Does what read() does, in the background, as restore_async() does.
    pending<status> read_async(const file_path &path, const restore_options &options = {}) const {
        return detail::begin<status>(ckpt_checkpoint_read_async, get(), detail::c_path(path), options.get());
    }
    /// Restores nothing, but makes the save counter. (`tf.train.Checkpoint.restore(None)`)
    status restore_nothing() const { return status_of(ckpt_checkpoint_restore_nothing); }
    /// Says what read() would do. Nothing is assigned, and nothing waits for it.
    report dry_run(const file_path &path, const restore_options &options = {}) const {
        detail::handle<ckpt_report, ckpt_report_free> raw;
        detail::call(ckpt_checkpoint_dry_run, get(), detail::c_path(path), options.get(), raw.out());
        return report(std::move(raw));
    }
    /// What became of every value in the last restore or read, also in one that failed.
    report last_report() const {
        detail::handle<ckpt_report, ckpt_report_free> raw;
        detail::call(ckpt_checkpoint_last_report, get(), raw.out());
        return report(std::move(raw));
    }

    /// save() without exceptions.
    result<std::string> try_save(const file_path &prefix, const save_options &options = {}) const {
        return try_call([&] { return save(prefix, options); });
    }
    /// write() without exceptions.
    result<std::string> try_write(const file_path &prefix, const save_options &options = {}) const {
        return try_call([&] { return write(prefix, options); });
    }
    /// save_async() without exceptions.
    result<pending<>> try_save_async(const file_path &prefix, const save_options &options = {}) const {
        return try_call([&] { return save_async(prefix, options); });
    }
    /// restore() without exceptions.
    result<status> try_restore(const file_path &path, const restore_options &options = {}) const {
        return try_call([&] { return restore(path, options); });
    }
    /// read() without exceptions.
    result<status> try_read(const file_path &path, const restore_options &options = {}) const {
        return try_call([&] { return read(path, options); });
    }

    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_checkpoint *get() const noexcept { return handle_.get(); }

   private:
    template <typename Function>
    std::string ranked(Function function, const file_path &prefix, const ranks &ranks, const save_options &options) const {
        detail::string_handle path;
        detail::call(function, get(), detail::c_path(prefix), ranks.get(), options.get(), path.out());
        return detail::take(path);
    }
    template <typename Function, typename... Arguments>
    status status_of(Function function, Arguments... arguments) const {
        detail::handle<ckpt_status, ckpt_status_free> raw;
        detail::call(function, get(), arguments..., raw.out());
        return status(std::move(raw));
    }

    detail::handle<ckpt_checkpoint, ckpt_checkpoint_free> handle_;
};

CHECKPOINT_END

#endif
