// Checkpoints by names, as tf.compat.v1.train.Saver makes them; views of checkpoints, as tf.train.CheckpointView has them.
#ifndef CHECKPOINT_NAMES_HPP
#define CHECKPOINT_NAMES_HPP

#include <checkpoint/checkpointing.hpp>
#include <checkpoint/directory.hpp>
#include <checkpoint/object_graph.hpp>

namespace checkpoint {

/// How a saver numbers its checkpoints and keeps them.
class saver_options {
   public:
    /// How many checkpoints stay, the newest; 5 by default. 0: all of them, but the state file lists the newest alone.
    saver_options &max_to_keep(std::size_t count) {
        detail::call(ckpt_saver_options_set_max_to_keep, make(), count);
        return *this;
    }
    /// Of those that would be removed, keeps one for each so many hours for good; 10 000 by default.
    saver_options &keep_checkpoint_every_n_hours(double hours) {
        detail::call(ckpt_saver_options_set_keep_checkpoint_every_n_hours, make(), hours);
        return *this;
    }
    /// Whether steps are written with at least eight digits: `model-00000012`. Not by default.
    saver_options &pad_step_number(bool pad) {
        detail::call(ckpt_saver_options_set_pad_step_number, make(), pad);
        return *this;
    }
    /// Whether the state file names checkpoints from its own directory, so that this can be moved; true by default.
    saver_options &save_relative_paths(bool relative) {
        detail::call(ckpt_saver_options_set_save_relative_paths, make(), relative);
        return *this;
    }
    /// Has `log` called about old checkpoints that cannot be removed and the like.
    saver_options &log(std::function<void(severity, std::string_view)> log) {
        detail::call(ckpt_saver_options_set_log, make(), detail::run_log, detail::box(std::move(log)),
                     detail::free_box<detail::log_function>);
        return *this;
    }
    /// The handle; NULL for the defaults.
    const ckpt_saver_options *get() const noexcept { return handle_.get(); }

   private:
    ckpt_saver_options *make() { return handle_.make(ckpt_saver_options_new); }
    detail::handle<ckpt_saver_options, ckpt_saver_options_free> handle_;
};

/// How one checkpoint is saved by names.
class saver_save_options {
   public:
    /// Appends `-STEP` to the prefix.
    saver_save_options &global_step(std::int64_t step) {
        detail::call(ckpt_saver_save_options_set_global_step, make(), step);
        return *this;
    }
    /// The same by an integer scalar of the saver's graph.
    saver_save_options &global_step_of(node step) {
        detail::call(ckpt_saver_save_options_set_global_step_of, make(), step.id);
        return *this;
    }
    /// Another name for the state file than `checkpoint`.
    saver_save_options &latest_filename(const file_path &name) {
        detail::call(ckpt_saver_save_options_set_latest_filename, make(), detail::c_path(name));
        return *this;
    }
    /// Whether the checkpoint is recorded, and old ones removed; true by default.
    saver_save_options &write_state(bool write) {
        detail::call(ckpt_saver_save_options_set_write_state, make(), write);
        return *this;
    }
    /// How the files are written, with the callbacks of these options, which are copied.
    saver_save_options &save(const save_options &options) {
        detail::call(ckpt_saver_save_options_set_save_options, make(), options.get());
        return *this;
    }
    /// The handle; NULL for the defaults.
    const ckpt_saver_save_options *get() const noexcept { return handle_.get(); }

   private:
    ckpt_saver_save_options *make() { return handle_.make(ckpt_saver_save_options_new); }
    detail::handle<ckpt_saver_save_options, ckpt_saver_save_options_free> handle_;
};

/// Saves objects of a graph under names of the program's, and restores them by these (`tf.compat.v1.train.Saver`). Format V2 is
/// written; V2 and V1 are restored, and by the full names of variables also checkpoints with an object graph. It keeps the graph.
/// Several threads may use it at once.
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
    /// Of everything that `root` leads to and that has values, slot variables among it, by the variables' own names.
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
    /// Restores all objects from the checkpoint at `path`: a prefix, one of its files, or a directory with a state file (its
    /// latest). All that can be known is checked before the first value is assigned. Of the options, globs match names.
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
    /// Takes these paths for the checkpoints that were recorded, oldest first. None of them is ever removed.
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
    /// Takes those of these checkpoints that are there for the ones that were recorded, with the times of their files.
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

/// What a checkpoint and a program have in common, and what not. Slot variables are in none of it.
struct comparison {
    std::vector<std::pair<std::uint32_t, node>> matches;  ///< Nodes of the checkpoint and their objects, in the order of finding.
    std::vector<std::uint32_t> checkpoint_only;           ///< Nodes of the checkpoint that match no object, breadth first.
    std::vector<node> program_only;                       ///< Objects of the program that match no node, breadth first.
    std::vector<std::string> warnings;                    ///< That references do not agree.
};

/// The objects of a checkpoint (`tf.train.CheckpointView`). Several threads may use it at once.
class checkpoint_view {
   public:
    /// A node and the way by which it was found: `root`, `root.leaf`, `root.leaf.v`.
    struct descendant {
        std::uint32_t node;     ///< Its number in the object graph.
        std::string_view path;  ///< Lent by the view.
    };

    /// Reads the objects of the checkpoint at `path`. checkpoint::reason::no_object_graph when it has none.
    explicit checkpoint_view(const file_path &path) {
        detail::call(ckpt_checkpoint_view_open, detail::c_path(path), handle_.out());
    }
    /// The prefix of the checkpoint.
    std::string_view prefix() const noexcept { return detail::text(ckpt_checkpoint_view_prefix(get())); }
    /// All objects, with what is known of each: children, values, slot variables.
    ::checkpoint::object_graph object_graph() const {
        detail::handle<ckpt_object_graph, ckpt_object_graph_free> raw;
        detail::call(ckpt_checkpoint_view_object_graph, get(), raw.out());
        return ::checkpoint::object_graph(std::move(raw));
    }
    /// The nodes that edges lead to from the root, breadth first, the root the first of them. (`CheckpointView.descendants`)
    std::vector<descendant> descendants() const {
        std::vector<descendant> all(ckpt_checkpoint_view_descendant_count(get()));
        for (std::size_t i = 0; i < all.size(); i++) {
            all[i] = {static_cast<std::uint32_t>(ckpt_checkpoint_view_descendant(get(), i)),
                      detail::text(ckpt_checkpoint_view_descendant_path(get(), i))};
        }
        return all;
    }
    /// Compares the checkpoint with the objects below `root`: what match is what a restore would restore.
    /// (`CheckpointView.match`, `CheckpointView.diff`)
    comparison diff(const graph &graph, node root) const {
        detail::handle<ckpt_comparison, ckpt_comparison_free> raw;
        detail::call(ckpt_checkpoint_view_diff, get(), graph.get(), root.id, raw.out());
        return taken(raw.get());
    }
    /// The same with what a checkpoint of a program leads to: also by the edges that it attaches to its root.
    comparison diff(const checkpoint &program) const {
        detail::handle<ckpt_comparison, ckpt_comparison_free> raw;
        detail::call(ckpt_checkpoint_view_diff_checkpoint, get(), program.get(), raw.out());
        return taken(raw.get());
    }
    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_checkpoint_view *get() const noexcept { return handle_.get(); }

   private:
    static comparison taken(const ckpt_comparison *raw) {
        comparison all;
        for (std::size_t i = 0; i < ckpt_comparison_match_count(raw); i++) {
            all.matches.emplace_back(static_cast<std::uint32_t>(ckpt_comparison_match_node(raw, i)),
                                     node{ckpt_comparison_match_object(raw, i)});
        }
        for (std::size_t i = 0; i < ckpt_comparison_checkpoint_only_count(raw); i++) {
            all.checkpoint_only.push_back(static_cast<std::uint32_t>(ckpt_comparison_checkpoint_only_node(raw, i)));
        }
        for (std::size_t i = 0; i < ckpt_comparison_program_only_count(raw); i++) {
            all.program_only.push_back(node{ckpt_comparison_program_only_object(raw, i)});
        }
        for (std::size_t i = 0; i < ckpt_comparison_warning_count(raw); i++) {
            all.warnings.emplace_back(detail::text(ckpt_comparison_warning(raw, i)));
        }
        return all;
    }

    detail::handle<ckpt_checkpoint_view, ckpt_checkpoint_view_free> handle_;
};

/// Restores single objects of a graph from nodes of the checkpoint at `path`, without looking at edges. All that can be known is
/// checked before the first value is assigned.
inline void restore_nodes(const graph &graph, const file_path &path, const std::vector<std::pair<std::uint32_t, node>> &objects,
                          const restore_options &options = {}) {
    std::vector<std::uint32_t> ids;
    std::vector<ckpt_node> nodes;
    for (const auto &object : objects) {
        ids.push_back(object.first);
        nodes.push_back(object.second.id);
    }
    detail::call(ckpt_restore_nodes, graph.get(), detail::c_path(path), ids.data(), nodes.data(), ids.size(), options.get());
}

}  // namespace checkpoint

#endif
