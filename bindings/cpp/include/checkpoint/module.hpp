// A program's own classes as objects of a graph, which track their members by name as tf.Module
// does.
#ifndef CHECKPOINT_MODULE_HPP
#define CHECKPOINT_MODULE_HPP

#include <checkpoint/trackable.hpp>

namespace checkpoint {

/// The base of a class that tracks its members by name (`tf.Module`):
///
///     struct dense : ckpt::module {
///         using module::module;
///         ckpt::variable<float> kernel{*this, "kernel", {1, 5}};
///         ckpt::variable<float> bias{*this, "bias", {5}};
///     };
///     struct net : ckpt::module {
///         dense l1{*this, "l1"};
///     };
///
/// Members are made in their order, and that is the order of the edges. A value that waits for a
/// member is restored while the member is made; what fails then, its constructor throws.
class module : public trackable {
   public:
    /// An object in a graph of its own.
    module() : module(::checkpoint::graph()) {}
    /// An object of a graph to which nothing leads yet.
    explicit module(const ::checkpoint::graph &graph) : trackable(graph, graph.add_object()) {}
    /// The child `name` of another.
    module(module &parent, std::string_view name) : module(parent.graph()) { parent.track(name, *this); }
    /// Removes what was tracked in place, and itself.
    ~module() override {
        for (const ::checkpoint::node each : in_place_) ckpt_graph_remove(graph().get(), each.id, nullptr);
    }

    /// Makes the edge `name` to another object, which may be restored here and now.
    void track(std::string_view name, const trackable &child) { graph().track(node(), name, child.node()); }
    /// Tracks memory of this object as a variable of `shape`: a member that is a std::vector,
    /// std::array or array, of as many elements, or a pointer to memory as a span. It is saved from
    /// there and restored into it, so it stays where it is, and as large as it is, as long as this
    /// object lives. (Elements of type `bool` must be 0 or 1, also in the file.)
    template <typename Values>
    ::checkpoint::node track(std::string_view name, Values &values, shape_view shape, const node_options &options = {}) {
        auto &variable = in_place_.emplace_back();
        variable = graph().add_borrowed(shape, values, nullptr, options);
        graph().track(node(), name, variable);
        return variable;
    }
    /// Tracks a member that is a scalar, or a vector of its length.
    template <typename Values, typename = std::enable_if_t<!std::is_base_of_v<trackable, Values>>>
    ::checkpoint::node track(std::string_view name, Values &values) {
        if constexpr (is_element<Values>) {
            return track(name, values, shape_view());
        } else {
            return track(name, values, {static_cast<std::int64_t>(detail::elements(values).size())});
        }
    }

   protected:
    /// Becomes the owner of `node`, an object of `graph` of any kind that has children.
    module(const ::checkpoint::graph &graph, ::checkpoint::node node) : trackable(graph, node) {}

   private:
    std::vector<::checkpoint::node> in_place_;
};

/// The base of a class with state of its own that is saved as named tensors, whose number and
/// shapes are known only then: a hash table, an iterator, a random number generator.
/// (`_serialize_to_tensors`, `_restore_from_tensors`)
class state : public trackable {
   public:
    /// To which nothing leads yet.
    explicit state(const ::checkpoint::graph &graph, const node_options &options = {})
        : trackable(graph,
                    graph.add_state([this](sink &into) { save(into); }, [this](const source &from) { restore(from); }, options)) {
    }
    /// The child `name` of a module. (Values that wait for it are restored when the class itself
    /// has been made and calls module::track.)
    state(module &parent, const node_options &options = {}) : state(parent.graph(), options) {}

   protected:
    /// Puts the tensors into `into`. What it throws ends the save, before anything is written.
    virtual void save(sink &into) = 0;
    /// Takes them from `from`, after all of them were read and checked.
    virtual void restore(const source &from) = 0;
};

}  // namespace checkpoint

#endif
