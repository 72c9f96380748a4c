// A program's own classes as objects of a graph, which track their members by name as tf.Module
// does.
#ifndef CHECKPOINT_MODULE_HPP
#define CHECKPOINT_MODULE_HPP

#include <checkpoint/members.hpp>
#include <checkpoint/trackable.hpp>

CHECKPOINT_BEGIN

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
/// member is restored while the member is made; what fails then, its constructor throws. So a
/// constructor that fills members overwrites what was restored: fill them before they are tracked,
/// or ask variable::was_restored (variable::initialize does).
class module : public trackable {
   public:
    /// An object in a graph of its own.
    module() : module(::checkpoint::graph()) {}
    /// An object of a graph to which nothing leads yet, or the member of a place's parent.
    explicit module(const place &at) : module(at, at.graph().add_object()) {}
    /// The child `name` of another.
    module(const module &parent, std::string_view name) : module(place(parent, name)) {}
    /// Removes what was tracked in place, and itself.
    ~module() override {
        for (auto each = in_place_.made.rbegin(); each != in_place_.made.rend(); ++each) {
            ckpt_graph_remove(graph().get(), each->id, nullptr);
        }
    }

    /// Makes the edge `name` to another object, which may be restored here and now.
    void track(std::string_view name, const trackable &child) const { graph().track(node(), name, child.node()); }
    /// Tracks memory of this object as a variable of `shape`: a member that is a std::vector,
    /// std::array or array, of as many elements, or a pointer to memory as a span. It is saved from
    /// there and restored into it, so it stays where it is as long as this object lives. The
    /// elements of a vector may move; if it does not have as many as `shape`, saving fails.
    /// (Elements of type `bool` must be 0 or 1, also in the file.)
    template <typename Values>
    ::checkpoint::node track(std::string_view name, Values &values, shape_view shape, const node_options &options = {}) {
        if constexpr (detail::is_resizable<Values> && !detail::is_array<Values>::value) {
            return tracked(name, graph().add_resizable(values, shape, options));
        } else {
            return tracked(name, graph().add_borrowed(shape, values, nullptr, options));
        }
    }
    /// Tracks a member that stays where it is as long as this object lives:
    ///
    ///  * a scalar, an array or std::array of any rank: a variable of that shape;
    ///  * a std::vector of elements, or of arrays of them, which may grow and shrink: what is saved
    /// is
    ///    what it has then, and a restore gives it the length of the stored value;
    ///  * a checkpoint::array, which takes any shape;
    ///  * a struct with members of its own (CHECKPOINT_MEMBERS), or a std::array of them: a list;
    ///  * an object with `save(sink &)` and `restore(const source &)`: see checkpoint::state.
    template <typename Values, typename = std::enable_if_t<!std::is_base_of_v<trackable, Values>>>
    ::checkpoint::node track(std::string_view name, Values &values) {
        using visitor = detail::member_visitor<detail::purpose::track>;
        const ::checkpoint::node made = visitor(graph(), node(), in_place_).add(values);
        if (made) graph().track(node(), name, made);
        return made;
    }
    /// Tracks the members of a plain struct (CHECKPOINT_MEMBERS) as those of this object.
    template <typename T>
    void track_members(T &object) {
        static_assert(detail::has_members<T>::value, "checkpoint: the struct names no members: CHECKPOINT_MEMBERS");
        detail::member_visitor<detail::purpose::track> visitor(graph(), node(), in_place_);
        object.members(visitor);
    }

   protected:
    /// Becomes the owner of `node`, an object of the graph of any kind that has children.
    module(const place &at, ::checkpoint::node node) : trackable(at, node) {}

   private:
    ::checkpoint::node tracked(std::string_view name, ::checkpoint::node variable) {
        in_place_.made.push_back(variable);
        graph().track(node(), name, variable);
        return variable;
    }

    detail::visit_log in_place_;
};

inline place::place(const module &parent, std::string_view name) noexcept
    : graph_(&parent.graph()), parent_(parent.node()), name_(name) {}

/// An object with state of its own that is saved as named tensors, whose number and shapes are
/// known only then: a hash table, an iterator, a random number generator. (`_serialize_to_tensors`,
/// `_restore_from_tensors`)
///
///     struct sampler : ckpt::module {
///         using ckpt::module::module;
///         std::uint64_t seed = 1;
///         ckpt::state random{*this, "random", [this](ckpt::sink &into) { into.put("seed", seed);
/// },
///                            [this](const ckpt::source &from) { seed =
/// from.at("seed").value<std::uint64_t>(); }};
///     };
///
/// A value that waits for it is restored while it is made, so it stands behind the members that its
/// functions use.
class state : public trackable {
   public:
    /// `save` puts the tensors; what it throws ends the save, before anything is written. `restore`
    /// takes them, after all of them were read and checked.
    state(const place &at, std::function<void(sink &)> save, std::function<void(const source &)> restore,
          const node_options &options = {})
        : trackable(at, at.graph().add_state(std::move(save), std::move(restore), options)) {}
    /// As the member `name` of a module.
    state(const module &parent, std::string_view name, std::function<void(sink &)> save,
          std::function<void(const source &)> restore, const node_options &options = {})
        : state(place(parent, name), std::move(save), std::move(restore), options) {}
    /// The state of an object with the functions `save(sink &)` and `restore(const source &)`,
    /// which stays where it is as long as this lives.
    template <typename Object, typename = std::enable_if_t<detail::has_state<Object>::value>>
    state(const place &at, Object &object, const node_options &options = {})
        : state(
              at, [&object](sink &into) { object.save(into); }, [&object](const source &from) { object.restore(from); },
              options) {}
    /// The same as the member `name` of a module.
    template <typename Object, typename = std::enable_if_t<detail::has_state<Object>::value>>
    state(const module &parent, std::string_view name, Object &object, const node_options &options = {})
        : state(place(parent, name), object, options) {}
    /// Whether a restore has given it to `restore`.
    bool was_restored() const { return graph().was_restored(node()); }
};

CHECKPOINT_END

#endif
