// The base of a program's own objects.
#ifndef CHECKPOINT_TRACKABLE_HPP
#define CHECKPOINT_TRACKABLE_HPP

#include <checkpoint/graph.hpp>

CHECKPOINT_BEGIN

class module;

/// Where a new object goes: into a graph, where nothing leads to it yet, or, as a member, to its
/// parent. A class that takes one and hands it to its base can be both, with whatever other
/// arguments: the member of a module, and the element of a list or dict.
///
///     struct dense : ckpt::module {
///         dense(const ckpt::place &at, std::int64_t inputs, std::int64_t outputs)
///             : ckpt::module(at), kernel(*this, "kernel", {inputs, outputs}) {}
///         ckpt::variable<float> kernel;
///     };
///     dense l1{{*this, "l1"}, 3, 5};
///
/// It lives while the object is made.
class place {
   public:
    /// Into a graph, where nothing leads to it yet.
    place(const ::checkpoint::graph &graph) noexcept : graph_(&graph) {}
    /// The member `name` of a module, UTF-8.
    place(const module &parent, std::string_view name) noexcept;
    /// The graph.
    const ::checkpoint::graph &graph() const noexcept { return *graph_; }
    /// Makes the edge to the object, if there is a parent. If a value waits for it, it has it then.
    void attach(node object) const {
        if (parent_) graph_->track(parent_, name_, object);
    }

   private:
    const ::checkpoint::graph *graph_;
    node parent_;
    std::string_view name_;
};

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
    /// The same, and goes where it belongs.
    trackable(const place &at, ::checkpoint::node node) : trackable(at.graph(), node) { at.attach(node); }

   private:
    ::checkpoint::graph graph_;
    ::checkpoint::node node_;
};

CHECKPOINT_END

#endif
