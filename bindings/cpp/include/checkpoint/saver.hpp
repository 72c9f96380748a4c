// Checkpoints by names, as tf.compat.v1.train.Saver makes them.
#ifndef CHECKPOINT_SAVER_HPP
#define CHECKPOINT_SAVER_HPP

#include <checkpoint/checkpoint.hpp>
#include <checkpoint/options.hpp>
#include <checkpoint/watch.hpp>

CHECKPOINT_BEGIN

/// How a saver numbers its checkpoints and keeps them.
class saver_options : public basic_saver_options<saver_options> {
   public:
    /// Has `log` called about old checkpoints that cannot be removed and the like.
    saver_options &log(std::function<void(severity, std::string_view)> log) {
        return set([log = std::move(log)](auto *raw) { detail::set_log(ckpt_saver_options_set_log, raw, log); });
    }
    /// Asks `now` for the time, in seconds since the epoch, in place of the machine's clock.
    saver_options &clock(std::function<double()> now) {
        return set([now](auto *raw) {
            detail::call(ckpt_saver_options_set_clock, raw, detail::run_now, detail::box(now),
                         detail::free_box<detail::now_function>);
        });
    }
};

/// How one checkpoint is saved by names.
class saver_save_options : public basic_saver_save_options<saver_save_options> {
   public:
    /// Another name for the state file than `checkpoint`.
    saver_save_options &latest_filename(const file_path &name) {
        return set([name](auto *raw) { detail::call(ckpt_saver_save_options_set_latest_filename, raw, detail::c_path(name)); });
    }
    /// How the files are written, with the callbacks of these options, which are copied.
    saver_save_options &save(const save_options &options) {
        return set([options](auto *raw) { detail::call(ckpt_saver_save_options_set_save_options, raw, options.get()); });
    }
};

/// Saves objects of a graph under names of the program's, and restores them by these
/// (`tf.compat.v1.train.Saver`). Format V2 is written; V2 and V1 are restored, and by the full
/// names of variables also checkpoints with an object graph. It keeps the graph. Several threads
/// may use it at once.
class saver {
   public:
    /// Of objects, each with its name.
    saver(const graph &graph, const std::vector<std::pair<std::string, node>> &objects, const saver_options &options = {}) {
        std::vector<ckpt_bytes> names;
        std::vector<ckpt_node> ids;
        for (const auto &object : objects) {
            names.push_back(detail::bytes_of(object.first));
            ids.push_back(object.second.id);
        }
        detail::call(ckpt_saver_new, graph.get(), names.data(), ids.data(), ids.size(), options.get(), handle_.out());
    }
    /// Of variables under their own names (node_options::name).
    static saver of_variables(const graph &graph, const std::vector<node> &variables, const saver_options &options = {}) {
        const auto ids = detail::ids_of(variables);
        saver made;
        detail::call(ckpt_saver_new_of_variables, graph.get(), ids.data(), ids.size(), options.get(), made.handle_.out());
        return made;
    }
    /// Of everything that `root` leads to and that has values, slot variables among it, by the
    /// variables' own names.
    static saver of_root(const graph &graph, node root, const saver_options &options = {}) {
        saver made;
        detail::call(ckpt_saver_new_of_root, graph.get(), root.id, options.get(), made.handle_.out());
        return made;
    }

    /// The names under which objects are saved, sorted.
    std::vector<std::string> names() const { return list(ckpt_saver_names); }
    /// Writes the checkpoint `prefix`, or `prefix-STEP`, and records it. The answer is its path.
    std::string save(const file_path &prefix, const saver_save_options &options = {}) const {
        detail::string_handle path;
        detail::call(ckpt_saver_save, get(), detail::c_path(prefix), options.get(), path.out());
        return detail::take(path);
    }
    /// Restores all objects from the checkpoint at `path`: a prefix, one of its files, or a
    /// directory with a state file (its latest). All that can be known is checked before the first
    /// value is assigned. Paths in the options are names of tensors and their scopes.
    report restore(const file_path &path, const restore_options &options = {}) const {
        detail::handle<ckpt_report, ckpt_report_free> raw;
        detail::call(ckpt_saver_restore, get(), detail::c_path(path), options.get(), raw.out());
        return report(std::move(raw));
    }
    /// What became of every value in the last restore, also in one that failed.
    report last_report() const {
        detail::handle<ckpt_report, ckpt_report_free> raw;
        detail::call(ckpt_saver_last_report, get(), raw.out());
        return report(std::move(raw));
    }
    /// The checkpoints that were recorded and are not removed yet, oldest first.
    std::vector<std::string> last_checkpoints() const { return list(ckpt_saver_last_checkpoints); }
    /// Takes these paths for the checkpoints that were recorded, oldest first. None of them is ever
    /// removed.
    void set_last_checkpoints(const std::vector<std::string> &paths) const {
        const auto raw = detail::list_of(paths);
        detail::call(ckpt_saver_set_last_checkpoints, get(), raw.data(), nullptr, raw.size());
    }
    /// The same with when they were made, in seconds since the epoch.
    void set_last_checkpoints(const std::vector<std::pair<std::string, double>> &paths) const {
        std::vector<ckpt_bytes> raw;
        std::vector<double> times;
        for (const auto &each : paths) {
            raw.push_back(detail::bytes_of(each.first));
            times.push_back(each.second);
        }
        detail::call(ckpt_saver_set_last_checkpoints, get(), raw.data(), times.data(), raw.size());
    }
    /// Takes those of these checkpoints that are there for the ones that were recorded, with the
    /// times of their files.
    void recover_last_checkpoints(const std::vector<std::string> &paths) const {
        const auto raw = detail::list_of(paths);
        detail::call(ckpt_saver_recover_last_checkpoints, get(), raw.data(), raw.size());
    }

    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_saver *get() const noexcept { return handle_.get(); }

   private:
    saver() = default;
    template <typename Function>
    std::vector<std::string> list(Function function) const {
        detail::strings_handle raw;
        detail::call(function, get(), raw.out());
        return strings(std::move(raw)).copy();
    }

    detail::handle<ckpt_saver, ckpt_saver_free> handle_;
};

CHECKPOINT_END

#endif
