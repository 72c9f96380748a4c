// The objects of a program: what is saved and restored.
#ifndef CHECKPOINT_GRAPH_HPP
#define CHECKPOINT_GRAPH_HPP

#include <checkpoint/device.hpp>
#include <checkpoint/node.hpp>
#include <checkpoint/registered_savers.hpp>
#include <checkpoint/resizable.hpp>
#include <checkpoint/slots.hpp>
#include <checkpoint/state.hpp>

CHECKPOINT_BEGIN

/// A graph of objects with named edges: what a program saves and restores. Several threads may use
/// it at once: each call takes its one lock for its whole length, callbacks included; from inside a
/// callback of the graph it is checkpoint::reason::reentrant.
///
/// This is the C API in C++; with checkpoint::module a program's own classes become objects of a
/// graph.
class graph {
   public:
    /// A graph without objects.
    graph() : handle_(ckpt_graph_new(), ckpt_graph_free) {}
    /// Takes a handle of the C API, which becomes this object's.
    explicit graph(ckpt_graph *raw) : handle_(raw, ckpt_graph_free) {}
    graph(graph &&) noexcept = default;             ///< Moves.
    graph &operator=(graph &&) noexcept = default;  ///< Moves.

    /// Adds an object without values of its own.
    node add_object(const node_options &options = {}) const { return added(ckpt_graph_add_object, options.get()); }
    /// Adds an object that is saved as one string, which is copied (`PythonState`).
    node add_text(std::string_view text, const node_options &options = {}) const {
        return added(ckpt_graph_add_text, text.data(), text.size(), options.get());
    }
    /// Adds a variable whose memory is the graph's, with a copy of `values`: a std::vector,
    /// std::array, span or array.
    template <typename Values>
    node add_owned(shape_view shape, const Values &values, const node_options &options = {}) const {
        const auto memory = detail::elements(values);
        return added(ckpt_graph_add_owned, detail::number_of<typename decltype(memory)::value_type>(), shape.data(), shape.rank(),
                     memory.data(), memory.size_bytes(), options.get());
    }
    /// The same, of zeros of any fixed-size dtype.
    node add_owned(dtype type, shape_view shape, const node_options &options = {}) const {
        return added(ckpt_graph_add_owned, static_cast<ckpt_dtype>(type), shape.data(), shape.rank(), nullptr, std::size_t{0},
                     options.get());
    }
    /// Adds a scalar whose memory is the graph's.
    template <typename T, typename = std::enable_if_t<is_element<T>>>
    node add_scalar(T value, const node_options &options = {}) const {
        return add_owned(shape_view(), value, options);
    }
    /// Adds a variable whose value is the caller's memory: a std::vector, std::array, span, array
    /// or scalar. It is saved from there and restored into it, in place, and used during calls that
    /// reach the graph, never in between.
    ///
    /// The memory is *borrowed* until `release` is called, once, when nothing can touch it any
    /// more: when the variable is removed or given other memory, when the last handle that needs
    /// the graph is gone, or, if this call fails, at once.
    template <typename Values>
    node add_borrowed(shape_view shape, Values &&values, std::function<void()> release = nullptr,
                      const node_options &options = {}) const {
        const auto memory = detail::elements(values);
        const detail::release_callback free(std::move(release));
        return added(ckpt_graph_add_borrowed, detail::number_of<typename decltype(memory)::value_type>(), shape.data(),
                     shape.rank(), memory.data(), memory.size_bytes(), free.user_data, free.callback, options.get());
    }
    /// Adds a variable whose value is a container of the caller's that may move, grow and shrink: a
    /// std::vector of elements or of arrays of them, or a checkpoint::array. It must stay where it
    /// is until the variable is removed; its elements need not. What is saved is what it has when
    /// it is saved. A restore gives it the length of the stored value; an array, any shape.
    template <typename Container>
    node add_resizable(Container &container, const node_options &options = {}) const {
        static_assert(detail::is_resizable<Container>, "checkpoint: a resizable variable is a std::vector or checkpoint::array");
        if constexpr (detail::is_array<Container>::value) {
            return add_container(container, nullptr, -1, {}, options);
        } else {
            using shape = typename detail::layout<Container>::shape;
            return add_container(container, shape::values.data(), static_cast<std::int32_t>(shape::rank), {}, options);
        }
    }
    /// The same for a std::vector whose value has a shape that it does not say itself, of as many
    /// elements. Another shape is not restored, and another size not saved.
    template <typename T, typename Allocator>
    node add_resizable(std::vector<T, Allocator> &container, shape_view shape, const node_options &options = {}) const {
        return add_container(container, shape.data(), static_cast<std::int32_t>(shape.rank()), shape.copy(), options);
    }
    /// @cond
    // For any shape that the checkpoint has, row-major; `keeper` is kept as long as the variable.
    template <typename Container, typename Keeper = std::nullptr_t>
    node add_container(Container &container, const std::int64_t *accepted, std::int32_t rank,
                       std::optional<std::vector<std::int64_t>> fixed,
                       const node_options &options, Keeper keeper = {}) const {
        using memory = detail::resizable_memory<Container, Keeper>;
        return added(ckpt_graph_add_resizable, detail::number_of<typename memory::element>(), accepted, rank, memory::locate,
                     memory::resize, memory::resized, detail::box(memory{&container, std::move(fixed), std::move(keeper)}),
                     detail::free_box<memory>, options.get());
    }
    /// @endcond
    /// Adds a variable that has no value before it is restored or assigned, and takes its shape
    /// from that. `type` may be dtype::invalid for whatever comes; `shape` has -1 for a dimension
    /// that may be anything.
    node add_without_value(dtype type, shape_view shape, const node_options &options = {}) const {
        return added(ckpt_graph_add_without_value, static_cast<ckpt_dtype>(type), shape.data(),
                     static_cast<std::int32_t>(shape.rank()), options.get());
    }
    /// The same for any shape at all.
    node add_without_value(dtype type = dtype::invalid, const node_options &options = {}) const {
        return added(ckpt_graph_add_without_value, static_cast<ckpt_dtype>(type), nullptr, -1, options.get());
    }
    /// Adds a string variable: a range of what std::string_view can be made of, which are copied.
    template <typename Strings>
    node add_strings(shape_view shape, const Strings &elements, const node_options &options = {}) const {
        const auto list = detail::list_of(elements);
        return added(ckpt_graph_add_strings, shape.data(), shape.rank(), list.data(), list.size(), options.get());
    }
    /// Adds a variable whose value is on a device.
    node add_device(dtype type, shape_view shape, const device &device, const node_options &options = {}) const {
        return added(ckpt_graph_add_device, static_cast<ckpt_dtype>(type), shape.data(), static_cast<std::int32_t>(shape.rank()),
                     device.get(), options.get());
    }
    /// The same for any shape at all.
    node add_device(dtype type, const device &device, const node_options &options = {}) const {
        return added(ckpt_graph_add_device, static_cast<ckpt_dtype>(type), nullptr, -1, device.get(), options.get());
    }
    /// Adds an object with state of its own that is saved as named tensors: a hash table, an
    /// iterator, a random number generator. `save` puts them into a sink; `restore` is called once,
    /// after all of them were read and checked.
    node add_state(std::function<void(sink &)> save, std::function<void(const source &)> restore,
                   const node_options &options = {}) const {
        return added(ckpt_graph_add_state, detail::state_save, detail::state_restore,
                     detail::box(detail::state_functions{std::move(save), std::move(restore)}),
                     detail::free_box<detail::state_functions>, options.get());
    }
    /// Adds an empty list. It may only grow: whatever else changes it makes it unsavable for good.
    node add_list(const node_options &options = {}) const { return added(ckpt_graph_add_list, options.get()); }
    /// Adds an empty dict.
    node add_dict(const node_options &options = {}) const { return added(ckpt_graph_add_dict, options.get()); }
    /// Adds a tuple; `node()` for an element that is not tracked.
    node add_tuple(const std::vector<node> &elements, const node_options &options = {}) const {
        const auto ids = detail::ids_of(elements);
        return added(ckpt_graph_add_tuple, ids.data(), ids.size(), options.get());
    }
    /// Adds a named tuple: each element is tracked under its field's name and its index.
    node add_named_tuple(const std::vector<std::pair<std::string, node>> &fields, const node_options &options = {}) const {
        std::vector<ckpt_bytes> names;
        std::vector<ckpt_node> ids;
        for (const auto &field : fields) {
            names.push_back(detail::bytes_of(field.first));
            ids.push_back(field.second.id);
        }
        return added(ckpt_graph_add_named_tuple, names.data(), ids.data(), ids.size(), options.get());
    }
    /// Adds an object that may have slot variables, as an optimizer does. `create`, which may be
    /// empty, makes slots for which a checkpoint has values; without it the values wait for
    /// set_slot().
    node add_slot_owner(std::function<void(slot_request &)> create = nullptr, const node_options &options = {}) const {
        if (!create) return added(ckpt_graph_add_slot_owner, nullptr, nullptr, nullptr, options.get());
        return added(ckpt_graph_add_slot_owner, detail::slot_create, detail::box(std::move(create)),
                     detail::free_box<detail::slot_function>, options.get());
    }

    /// Removes an object, with all edges and slots from and to it. Its children stay. Memory that
    /// it borrowed is released before this returns.
    void remove(node object) const { detail::call(ckpt_graph_remove, get(), object.id); }
    /// Whether the object is there.
    bool contains(node object) const {
        bool there = false;
        detail::call(ckpt_graph_contains, get(), object.id, &there);
        return there;
    }
    /// What an object is.
    ::checkpoint::description describe(node object) const {
        detail::handle<ckpt_description, ckpt_description_free> raw;
        detail::call(ckpt_graph_describe, get(), object.id, raw.out());
        ::checkpoint::description description{static_cast<kind>(ckpt_description_kind(raw.get())),
                                              static_cast<dtype>(ckpt_description_dtype(raw.get())), std::nullopt};
        const std::int32_t rank = ckpt_description_rank(raw.get());
        if (rank >= 0) {
            const std::int64_t *shape = ckpt_description_shape(raw.get());
            description.shape.emplace(shape, shape + rank);
        }
        return description;
    }
    /// Gives an object another name for messages.
    void set_debug_name(node object, std::string_view name) const {
        detail::call(ckpt_graph_set_debug_name, get(), object.id, name.data(), name.size());
    }
    /// Gives a variable another name in name-based checkpoints.
    void set_name(node variable, std::string_view name) const {
        detail::call(ckpt_graph_set_name, get(), variable.id, name.data(), name.size());
    }

    /// Makes the edge `name`, UTF-8, from `parent` to `child`. If a restore has values for it,
    /// `child` and what it leads to are restored here and now, and errors of that come from here:
    /// the edge stands all the same. checkpoint::code::already_exists when the name leads to
    /// another object.
    void track(node parent, std::string_view name, node child) const {
        detail::call(ckpt_graph_track, get(), parent.id, name.data(), name.size(), child.id);
    }
    /// The same, but a name that leads to another object is made to lead to this one, which is then
    /// not restored.
    void track_overwrite(node parent, std::string_view name, node child) const {
        detail::call(ckpt_graph_track_overwrite, get(), parent.id, name.data(), name.size(), child.id);
    }
    /// Removes an edge. The object that it led to stays, and is the answer.
    node untrack(node parent, std::string_view name) const {
        node child;
        detail::call(ckpt_graph_untrack, get(), parent.id, name.data(), name.size(), &child.id);
        return child;
    }
    /// The object that an edge leads to; none when there is no such edge.
    node lookup(node parent, std::string_view name) const {
        node child;
        detail::call(ckpt_graph_lookup, get(), parent.id, name.data(), name.size(), &child.id);
        return child;
    }
    /// The children of an object with the names of the edges. (`TrackableView.children`)
    nodes children(node object) const { return found(ckpt_graph_children, object); }
    /// The objects that edges lead to from `root`, breadth first, `root` the first of them.
    /// (`TrackableView.descendants`)
    nodes descendants(node root) const { return found(ckpt_graph_descendants, root); }
    /// How many restores wait for the edge `name` of an object.
    std::size_t waiting(node object, std::string_view name) const {
        std::size_t count = 0;
        detail::call(ckpt_graph_waiting, get(), object.id, name.data(), name.size(), &count);
        return count;
    }

    /// Replaces the memory of a borrowed variable by other memory of the same size. The old memory
    /// is released before this returns.
    template <typename Values>
    void set_borrowed(node variable, Values &&values, std::function<void()> release = nullptr) const {
        const auto memory = detail::elements(values);
        const detail::release_callback free(std::move(release));
        detail::call(ckpt_graph_set_borrowed, get(), variable.id, memory.data(), memory.size_bytes(), free.user_data,
                     free.callback);
    }
    /// The memory of a variable, owned or borrowed, to be read and changed while no call reaches
    /// the graph. The graph's own is lent until the variable is restored or assigned in another
    /// shape, or removed, or the graph is gone.
    template <typename T>
    span<T> values(node variable) const {
        check<T>(variable);
        const span<std::byte> bytes = data(variable);
        return {reinterpret_cast<T *>(bytes.data()), bytes.size() / sizeof(T)};
    }
    /// The same as bytes, for any fixed-size dtype.
    span<std::byte> data(node variable) const {
        void *memory = nullptr;
        std::size_t size = 0;
        detail::call(ckpt_graph_data, get(), variable.id, &memory, &size);
        return {static_cast<std::byte *>(memory), size};
    }
    /// A copy of the value of a variable, wherever it is, row-major.
    template <typename T>
    std::vector<T> read(node variable) const {
        const auto shape = check<T>(variable).shape;
        if (!shape) {
            fail(error(code::failed_precondition, "the variable has no value yet", reason::not_shaped));
            return {};
        }
        std::vector<std::conditional_t<std::is_same_v<T, bool>, unsigned char, T>> all(shape_view(*shape).element_count());
        detail::call(ckpt_graph_read, get(), variable.id, all.data(), all.size() * sizeof(T));
        if constexpr (std::is_same_v<T, bool>) {
            return std::vector<bool>(all.begin(), all.end());
        } else {
            return all;
        }
    }
    /// The value of a scalar.
    template <typename T>
    T read_scalar(node variable) const {
        check<T>(variable);
        T value{};
        detail::call(ckpt_graph_read, get(), variable.id, &value, sizeof value);
        detail::normalize_bools(span<T>(&value, 1));
        return value;
    }
    /// Gives a variable, wherever it is, a value. One without a value takes its type and shape from
    /// it.
    template <typename Values>
    void assign(node variable, shape_view shape, const Values &values) const {
        const auto memory = detail::elements(values);
        detail::call(ckpt_graph_assign, get(), variable.id, detail::number_of<typename decltype(memory)::value_type>(),
                     shape.data(), shape.rank(), memory.data(), memory.size_bytes());
    }
    /// Gives a variable the value of a scalar.
    template <typename T, typename = std::enable_if_t<is_element<T>>>
    void assign(node variable, T scalar) const {
        assign(variable, shape_view(), scalar);
    }
    /// The elements of a string variable; of a text, the one.
    strings read_strings(node object) const {
        detail::handle<ckpt_strings, ckpt_strings_free> raw;
        detail::call(ckpt_graph_read_strings, get(), object.id, raw.out());
        return strings(std::move(raw));
    }
    /// Gives a string variable a value.
    template <typename Strings>
    void assign_strings(node object, shape_view shape, const Strings &elements) const {
        const auto list = detail::list_of(elements);
        detail::call(ckpt_graph_assign_strings, get(), object.id, shape.data(), shape.rank(), list.data(), list.size());
    }
    /// Gives a text another one.
    void assign_text(node text, std::string_view value) const {
        const ckpt_bytes bytes = detail::bytes_of(value);
        detail::call(ckpt_graph_assign_strings, get(), text.id, nullptr, std::size_t{0}, &bytes, std::size_t{1});
    }
    /// Whether a restore has assigned a value to an object: a variable, state or text. A program
    /// that initializes what it adds after a restore asks this first.
    bool was_restored(node object) const {
        bool restored = false;
        detail::call(ckpt_graph_was_restored, get(), object.id, &restored);
        return restored;
    }
    /// The value of an integer scalar of any integer dtype: a step, a counter.
    std::int64_t read_integer(node variable) const {
        std::int64_t value = 0;
        detail::call(ckpt_graph_read_integer, get(), variable.id, &value);
        return value;
    }

    /// Appends an element to a list; `node()` for what takes a place and is not tracked. It is
    /// restored as by track().
    void list_append(node list, node element) const { detail::call(ckpt_graph_list_append, get(), list.id, element.id); }
    /// `list *= times`; less than 1 empties it.
    void list_repeat(node list, std::int64_t times) const { detail::call(ckpt_graph_list_repeat, get(), list.id, times); }
    /// `list[index] = element`. A negative index counts from the end.
    void list_set(node list, std::int64_t index, node element) const {
        detail::call(ckpt_graph_list_set, get(), list.id, index, element.id);
    }
    /// Inserts an element before `index`, as Python does.
    void list_insert(node list, std::int64_t index, node element) const {
        detail::call(ckpt_graph_list_insert, get(), list.id, index, element.id);
    }
    /// Removes the element at `index`, which is the answer.
    node list_remove(node list, std::int64_t index) const {
        node element;
        detail::call(ckpt_graph_list_remove, get(), list.id, index, &element.id);
        return element;
    }
    /// `list[start:end] = elements`.
    void list_splice(node list, std::size_t start, std::size_t end, const std::vector<node> &elements = {}) const {
        const auto ids = detail::ids_of(elements);
        detail::call(ckpt_graph_list_splice, get(), list.id, start, end, ids.data(), ids.size());
    }
    /// Puts a list into another order: `order` has the old index of each element.
    void list_reorder(node list, span<const std::size_t> order) const {
        detail::call(ckpt_graph_list_reorder, get(), list.id, order.data(), order.size());
    }
    /// The elements of a list.
    nodes list_elements(node list) const { return found(ckpt_graph_list_elements, list); }
    /// Sets what a key of a dict leads to. Where the key is new, the child is restored as by
    /// track().
    void dict_set(node dict, std::string_view key, node child) const {
        detail::call(ckpt_graph_dict_set, get(), dict.id, key.data(), key.size(), child.id);
    }
    /// Removes a key of a dict; the answer is the object that it led to.
    node dict_remove(node dict, std::string_view key) const {
        node child;
        detail::call(ckpt_graph_dict_remove, get(), dict.id, key.data(), key.size(), &child.id);
        return child;
    }

    /// Makes the variable `slot` the slot `name` that `owner` keeps for `variable`. If a restore
    /// has a value for it, it is restored here and now.
    void set_slot(node owner, node variable, std::string_view name, node slot) const {
        detail::call(ckpt_graph_set_slot, get(), owner.id, variable.id, name.data(), name.size(), slot.id);
    }
    /// The slot `name` that `owner` keeps for `variable`; none when there is none.
    node slot(node owner, node variable, std::string_view name) const {
        node slot;
        detail::call(ckpt_graph_slot, get(), owner.id, variable.id, name.data(), name.size(), &slot.id);
        return slot;
    }
    /// Takes a slot from its owner. The slot variable stays, and is the answer.
    node remove_slot(node owner, node variable, std::string_view name) const {
        node slot;
        detail::call(ckpt_graph_remove_slot, get(), owner.id, variable.id, name.data(), name.size(), &slot.id);
        return slot;
    }
    /// The names of an owner's slots, in the order in which the first of each was made.
    strings slot_names(node owner) const {
        detail::handle<ckpt_strings, ckpt_strings_free> raw;
        detail::call(ckpt_graph_slot_names, get(), owner.id, raw.out());
        return strings(std::move(raw));
    }

    /// Registers a saver; in checkpoints its name is `package.name`, and no package means `Custom`.
    /// If it is not `strict`, an object that it saved and does not accept any more is left as it
    /// is. All of its functions are needed.
    void register_saver(std::string_view package, std::string_view name, saver_functions functions, bool strict = true) const {
        if (!functions.accepts || !functions.save || !functions.wants || !functions.restore) {
            return fail(error(code::invalid_argument, "a saver needs all of its functions", reason::argument));
        }
        detail::call(ckpt_graph_register_saver, get(), package.data(), package.size(), name.data(), name.size(), strict,
                     detail::saver_accepts, detail::saver_save, detail::saver_wants, detail::saver_restore,
                     detail::box(std::move(functions)), detail::free_box<saver_functions>);
    }

    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_graph *get() const noexcept { return handle_.get(); }
    /// The same, which keeps the graph as long as it lives.
    const std::shared_ptr<ckpt_graph> &share() const noexcept { return handle_; }
    /// Another object for the same graph.
    static graph of(std::shared_ptr<ckpt_graph> handle) { return graph(std::move(handle)); }

   private:
    explicit graph(std::shared_ptr<ckpt_graph> handle) noexcept : handle_(std::move(handle)) {}

    template <typename Function, typename... Arguments>
    node added(Function function, Arguments... arguments) const {
        node made;
        detail::call(function, get(), arguments..., &made.id);
        return made;
    }
    template <typename Function>
    nodes found(Function function, node object) const {
        detail::handle<ckpt_nodes, ckpt_nodes_free> raw;
        detail::call(function, get(), object.id, raw.out());
        return nodes(std::move(raw));
    }
    template <typename T>
    ::checkpoint::description check(node variable) const {
        auto description = describe(variable);
        if (description.kind == kind::variable && description.dtype != dtype::invalid) {
            detail::check_elements<T>(description.dtype);
        }
        return description;
    }

    std::shared_ptr<ckpt_graph> handle_;
};

CHECKPOINT_END

#endif
