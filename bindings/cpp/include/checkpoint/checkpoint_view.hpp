// Views of checkpoints, as tf.train.CheckpointView has them.
#ifndef CHECKPOINT_CHECKPOINT_VIEW_HPP
#define CHECKPOINT_CHECKPOINT_VIEW_HPP

#include <checkpoint/checkpoint.hpp>
#include <checkpoint/object_graph.hpp>

CHECKPOINT_BEGIN

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

    /// Reads the objects of the checkpoint at `path`. checkpoint::reason::no_object_graph when it
    /// has none.
    explicit checkpoint_view(const file_path &path, const open_options &options = {}) {
        detail::call(ckpt_checkpoint_view_open, detail::c_path(path), options.get(), handle_.out());
    }
    /// The prefix of the checkpoint.
    std::string_view prefix() const noexcept { return detail::text(ckpt_checkpoint_view_prefix(get())); }
    /// All objects, with what is known of each: children, values, slot variables.
    ::checkpoint::object_graph object_graph() const {
        detail::handle<ckpt_object_graph, ckpt_object_graph_free> raw;
        detail::call(ckpt_checkpoint_view_object_graph, get(), raw.out());
        return ::checkpoint::object_graph(std::move(raw));
    }
    /// The nodes that edges lead to from the root, breadth first, the root the first of them.
    /// (`CheckpointView.descendants`)
    std::vector<descendant> descendants() const {
        std::vector<descendant> all(ckpt_checkpoint_view_descendant_count(get()));
        for (std::size_t i = 0; i < all.size(); i++) {
            all[i] = {static_cast<std::uint32_t>(ckpt_checkpoint_view_descendant(get(), i)),
                      detail::text(ckpt_checkpoint_view_descendant_path(get(), i))};
        }
        return all;
    }
    /// Compares the checkpoint with the objects below `root`: what match is what a restore would
    /// restore. (`CheckpointView.match`, `CheckpointView.diff`)
    comparison diff(const graph &graph, node root) const {
        detail::handle<ckpt_comparison, ckpt_comparison_free> raw;
        detail::call(ckpt_checkpoint_view_diff, get(), graph.get(), root.id, raw.out());
        return taken(raw.get());
    }
    /// The same with what a checkpoint of a program leads to: also by the edges that it attaches to
    /// its root.
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

/// Restores single objects of a graph from nodes of the checkpoint at `path`, without looking at
/// edges. All that can be known is checked before the first value is assigned.
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

CHECKPOINT_END

#endif
