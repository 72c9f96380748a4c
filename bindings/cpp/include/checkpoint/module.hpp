// A program's own classes as objects of a graph, which track their members by name as tf.Module does.
#ifndef CHECKPOINT_MODULE_HPP
#define CHECKPOINT_MODULE_HPP

#include <algorithm>
#include <checkpoint/trackable.hpp>
#include <map>

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
/// Members are made in their order, and that is the order of the edges. A value that waits for a member is restored while the
/// member is made; what fails then, its constructor throws.
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
    /// Tracks memory of this object as a variable of `shape`: a member that is a std::vector, std::array or array, of as many
    /// elements, or a pointer to memory as a span. It is saved from there and restored into it, so it stays where it is, and as
    /// large as it is, as long as this object lives. (Elements of type `bool` must be 0 or 1, also in the file.)
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

/// A variable of a fixed shape with memory of its own, row-major: a range of its elements. (Of `bool`, files must have 0 and 1.)
/// The memory stays where it is, and lives as long as the variable, or as the library uses it.
template <typename T>
class variable : public trackable {
   public:
    /// Zeros, to which nothing leads yet.
    variable(const ::checkpoint::graph &graph, shape_view shape, const node_options &options = {})
        : variable(graph, shape, allocate(shape), options) {}
    /// Zeros, as the member `name` of a module; if a value waits for it, that.
    variable(module &parent, std::string_view name, shape_view shape, const node_options &options = {})
        : variable(parent.graph(), shape, options) {
        parent.track(name, *this);
    }
    /// With a value, of as many elements as `shape` says.
    variable(module &parent, std::string_view name, shape_view shape, span<const T> values, const node_options &options = {})
        : variable(parent.graph(), shape, options) {
        fill(values);
        parent.track(name, *this);
    }
    /// With a value, written out.
    variable(module &parent, std::string_view name, shape_view shape, std::initializer_list<T> values,
             const node_options &options = {})
        : variable(parent, name, shape, span<const T>(std::data(values), values.size()), options) {}

    /// The dimensions.
    shape_view shape() const noexcept { return shape_; }
    /// The number of elements.
    std::size_t size() const noexcept { return size_; }
    /// The first element.
    T *data() noexcept { return memory_.get(); }
    /// The first element.
    const T *data() const noexcept { return memory_.get(); }
    /// The element at `index` in row-major order, which must be less than size().
    T &operator[](std::size_t index) noexcept { return memory_.get()[index]; }
    /// The element at `index` in row-major order, which must be less than size().
    const T &operator[](std::size_t index) const noexcept { return memory_.get()[index]; }
    T *begin() noexcept { return data(); }                    ///< The first.
    T *end() noexcept { return data() + size_; }              ///< Past the last.
    const T *begin() const noexcept { return data(); }        ///< The first.
    const T *end() const noexcept { return data() + size_; }  ///< Past the last.
    /// The value of a scalar.
    T &value() noexcept { return memory_.get()[0]; }
    /// The value of a scalar.
    const T &value() const noexcept { return memory_.get()[0]; }
    /// Copies `values`, as many as there are elements.
    void fill(span<const T> values) {
        if (values.size() != size_) throw error(code::invalid_argument, "a variable keeps its shape", reason::shape);
        std::copy(values.begin(), values.end(), begin());
    }

   private:
    using block = std::shared_ptr<T>;
    static_assert(is_element<T>, "no dtype of TensorFlow has elements of this type");

    static block allocate(shape_view shape) { return block(new T[shape.element_count()](), std::default_delete<T[]>()); }
    variable(const ::checkpoint::graph &graph, shape_view shape, const block &memory, const node_options &options)
        : trackable(graph, graph.add_borrowed(
                               shape, span<T>(memory.get(), shape.element_count()), [memory] {}, options)),
          shape_(shape.copy()),
          size_(shape.element_count()),
          memory_(memory) {}

    std::vector<std::int64_t> shape_;
    std::size_t size_;
    block memory_;
};

/// A single string (`PythonState`).
class text : public trackable {
   public:
    /// As the member `name` of a module.
    text(module &parent, std::string_view name, std::string_view value = {})
        : trackable(parent.graph(), parent.graph().add_text(value)) {
        parent.track(name, *this);
    }
    /// A copy of it.
    std::string value() const { return std::string(graph().read_strings(node())[0]); }
    /// Another one.
    void assign(std::string_view value) { graph().assign_text(node(), value); }
};

/// A list of objects of type `T`, a checkpoint::trackable that can be made of a checkpoint::graph and other arguments. It can
/// only grow, as lists that are saved must.
template <typename T>
class list : public trackable {
   public:
    /// An empty list, to which nothing leads yet.
    explicit list(const ::checkpoint::graph &graph) : trackable(graph, graph.add_list()) {}
    /// As the member `name` of a module.
    list(module &parent, std::string_view name) : list(parent.graph()) { parent.track(name, *this); }
    /// Appends an object made of the graph and `arguments`; if a value waits for it, it has it then.
    template <typename... Arguments>
    T &emplace_back(Arguments &&...arguments) {
        elements_.push_back(std::make_unique<T>(graph(), std::forward<Arguments>(arguments)...));
        try {
            graph().list_append(node(), elements_.back()->node());
        } catch (const error &) {
            // Where restoring fails, the element stands all the same.
            if (!appended()) elements_.pop_back();
            throw;
        }
        return *elements_.back();
    }
    /// How many.
    std::size_t size() const noexcept { return elements_.size(); }
    /// The element at `index`, which must be less than size().
    T &operator[](std::size_t index) noexcept { return *elements_[index]; }
    /// The element at `index`, which must be less than size().
    const T &operator[](std::size_t index) const noexcept { return *elements_[index]; }

   private:
    bool appended() const { return graph().list_elements(node()).size() == elements_.size(); }

    std::vector<std::unique_ptr<T>> elements_;
};

/// A dict of objects of type `T`, a checkpoint::trackable that can be made of a checkpoint::graph and other arguments.
template <typename T>
class dict : public trackable {
   public:
    /// An empty dict, to which nothing leads yet.
    explicit dict(const ::checkpoint::graph &graph) : trackable(graph, graph.add_dict()) {}
    /// As the member `name` of a module.
    dict(module &parent, std::string_view name) : dict(parent.graph()) { parent.track(name, *this); }
    /// The object of a key, made of the graph and `arguments` if there is none; if a value waits for it, it has it then.
    template <typename... Arguments>
    T &emplace(const std::string &key, Arguments &&...arguments) {
        const auto found = elements_.find(key);
        if (found != elements_.end()) return *found->second;
        auto &made = elements_[key] = std::make_unique<T>(graph(), std::forward<Arguments>(arguments)...);
        graph().dict_set(node(), key, made->node());
        return *made;
    }
    /// Removes a key and its object.
    void erase(const std::string &key) {
        graph().dict_remove(node(), key);
        elements_.erase(key);
    }
    /// How many.
    std::size_t size() const noexcept { return elements_.size(); }
    /// The object of a key. std::out_of_range when there is none.
    T &at(const std::string &key) { return *elements_.at(key); }
    /// The object of a key. std::out_of_range when there is none.
    const T &at(const std::string &key) const { return *elements_.at(key); }

   private:
    std::map<std::string, std::unique_ptr<T>> elements_;
};

/// The base of an optimizer, which keeps slot variables for variables: a module that may have members, too.
class slot_owner : public module {
   public:
    /// To which nothing leads yet.
    explicit slot_owner(const ::checkpoint::graph &graph)
        : module(graph, graph.add_slot_owner([this](slot_request &request) { create_slot(request); })) {}
    /// The child `name` of a module.
    slot_owner(module &parent, std::string_view name) : slot_owner(parent.graph()) { parent.track(name, *this); }

    /// The slot `name` for `of`, of the same shape. It is made when it is asked for first, of zeros, or of the value that waits
    /// for it.
    template <typename T>
    variable<T> &slot(std::string_view name, const variable<T> &of) {
        const auto key = std::make_pair(std::string(name), of.node());
        auto found = slots_.find(key);
        if (found == slots_.end()) {
            found = slots_.emplace(key, std::make_unique<variable<T>>(graph(), of.shape())).first;
            graph().set_slot(node(), of.node(), name, found->second->node());
        }
        return static_cast<variable<T> &>(*found->second);
    }

   protected:
    /// Makes a slot for which a checkpoint has a value, in a restore. By default it does not: the value waits for slot().
    virtual void create_slot(slot_request &) {}

   private:
    std::map<std::pair<std::string, ::checkpoint::node>, std::unique_ptr<trackable>> slots_;
};

/// The base of a class with state of its own that is saved as named tensors, whose number and shapes are known only then: a hash
/// table, an iterator, a random number generator. (`_serialize_to_tensors`, `_restore_from_tensors`)
class state : public trackable {
   public:
    /// To which nothing leads yet.
    explicit state(const ::checkpoint::graph &graph, const node_options &options = {})
        : trackable(graph,
                    graph.add_state([this](sink &into) { save(into); }, [this](const source &from) { restore(from); }, options)) {
    }
    /// The child `name` of a module. (Values that wait for it are restored when the class itself has been made and calls
    /// module::track.)
    state(module &parent, const node_options &options = {}) : state(parent.graph(), options) {}

   protected:
    /// Puts the tensors into `into`. What it throws ends the save, before anything is written.
    virtual void save(sink &into) = 0;
    /// Takes them from `from`, after all of them were read and checked.
    virtual void restore(const source &from) = 0;
};

}  // namespace checkpoint

#endif
