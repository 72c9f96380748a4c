// The object graph that a checkpoint was saved with.
#ifndef CHECKPOINT_OBJECT_GRAPH_HPP
#define CHECKPOINT_OBJECT_GRAPH_HPP

#include <checkpoint/core.hpp>

CHECKPOINT_BEGIN

/// The objects of an object-based checkpoint and the named edges between them. Nodes are numbered
/// from 0, which is the root. Where a number is out of range, there is nothing. Several threads may
/// use it at once.
class object_graph {
   public:
    /// An edge to a child.
    struct child {
        std::string_view name;  ///< UTF-8, not escaped.
        std::int64_t node;      ///< Where it leads.
    };
    /// A value of a node.
    struct attribute {
        std::string_view name;       ///< `VARIABLE_VALUE` of a variable.
        std::string_view full_name;  ///< What a name-based checkpoint calls it; may be empty.
        std::string_view key;        ///< Of the tensor that holds it.
    };
    /// A slot variable of an optimizer.
    struct slot {
        std::string_view name;  ///< E.g. `m`.
        std::int64_t original;  ///< The node of the variable that it is kept for.
        std::int64_t node;      ///< Its own.
    };

    /// Takes a handle of the C API, which becomes this object's.
    explicit object_graph(detail::handle<ckpt_object_graph, ckpt_object_graph_free> raw) noexcept : handle_(std::move(raw)) {}

    /// The number of nodes.
    std::uint32_t size() const noexcept { return ckpt_object_graph_count(get()); }
    /// The edges from a node.
    std::vector<child> children(std::uint32_t id) const {
        std::vector<child> all(ckpt_object_graph_child_count(get(), id));
        for (std::size_t i = 0; i < all.size(); i++) {
            all[i] = {detail::text(ckpt_object_graph_child_name(get(), id, i)), ckpt_object_graph_child_node(get(), id, i)};
        }
        return all;
    }
    /// The values of a node.
    std::vector<attribute> attributes(std::uint32_t id) const {
        std::vector<attribute> all(ckpt_object_graph_attribute_count(get(), id));
        for (std::size_t i = 0; i < all.size(); i++) {
            all[i] = {detail::text(ckpt_object_graph_attribute_name(get(), id, i)),
                      detail::text(ckpt_object_graph_attribute_full_name(get(), id, i)),
                      detail::text(ckpt_object_graph_attribute_key(get(), id, i))};
        }
        return all;
    }
    /// The slot variables of a node, which is an optimizer if it has any.
    std::vector<slot> slots(std::uint32_t id) const {
        std::vector<slot> all(ckpt_object_graph_slot_count(get(), id));
        for (std::size_t i = 0; i < all.size(); i++) {
            all[i] = {detail::text(ckpt_object_graph_slot_name(get(), id, i)), ckpt_object_graph_slot_original(get(), id, i),
                      ckpt_object_graph_slot_node(get(), id, i)};
        }
        return all;
    }
    /// The registered name of the saver that a node was saved with; empty when it has none.
    std::string_view saver_name(std::uint32_t id) const noexcept { return detail::text(ckpt_object_graph_saver_name(get(), id)); }
    /// The name under which the registered saver saved the node.
    std::string_view saver_object_name(std::uint32_t id) const noexcept {
        return detail::text(ckpt_object_graph_saver_object_name(get(), id));
    }
    /// Whether a node or anything below it has values: 1 or 0; -1 when the writer, an older one,
    /// did not say.
    int has_values(std::uint32_t id) const noexcept { return ckpt_object_graph_has_values(get(), id); }

    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_object_graph *get() const noexcept { return handle_.get(); }

   private:
    detail::handle<ckpt_object_graph, ckpt_object_graph_free> handle_;
};

CHECKPOINT_END

#endif
