// The base of a program's own objects.
#ifndef CHECKPOINT_TRACKABLE_HPP
#define CHECKPOINT_TRACKABLE_HPP

#include <checkpoint/graph.hpp>

namespace checkpoint {

/// An object of a program that is an object of a graph as long as it lives: when it goes, so does
/// the node, with all edges and slots from and to it. It keeps the graph. It stays where it is:
/// neither copied nor moved.
class trackable {
   public:
    trackable(const trackable &) = delete;             ///< Not copied.
    trackable &operator=(const trackable &) = delete;  ///< Not copied.
    /// Removes the node. Not from inside a callback of its graph, which would keep it, and memory
    /// that it borrows.
    virtual ~trackable() { ckpt_graph_remove(graph_.get(), node_.id, nullptr); }

    /// The object in the graph.
    ::checkpoint::node node() const noexcept { return node_; }
    /// The graph.
    const ::checkpoint::graph &graph() const noexcept { return graph_; }

   protected:
    /// Becomes the owner of `node`, an object of `graph` that nobody else removes.
    trackable(const ::checkpoint::graph &graph, ::checkpoint::node node)
        : graph_(::checkpoint::graph::of(graph.share())), node_(node) {}

   private:
    ::checkpoint::graph graph_;
    ::checkpoint::node node_;
};

}  // namespace checkpoint

#endif
