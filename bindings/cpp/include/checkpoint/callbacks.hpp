// What a graph asks a program for: state of several tensors, values on devices, slot variables, savers.
#ifndef CHECKPOINT_CALLBACKS_HPP
#define CHECKPOINT_CALLBACKS_HPP

#include <algorithm>
#include <checkpoint/core.hpp>
#include <optional>

namespace checkpoint {

/// An object of a graph. It stands for that object alone: once the object was removed, and in any other graph, it is
/// checkpoint::reason::node. A value; the default is no object.
struct node {
    ckpt_node id = 0;  ///< As the C API has it.
    /// Whether it is an object at all.
    explicit constexpr operator bool() const noexcept { return id != 0; }
    /// The same object.
    friend constexpr bool operator==(node a, node b) noexcept { return a.id == b.id; }
    /// Another.
    friend constexpr bool operator!=(node a, node b) noexcept { return a.id != b.id; }
    /// Some order, for maps.
    friend constexpr bool operator<(node a, node b) noexcept { return a.id < b.id; }
};

/// @cond
namespace detail {

inline std::vector<ckpt_node> ids_of(span<const node> nodes) {
    std::vector<ckpt_node> ids;
    for (const node each : nodes) ids.push_back(each.id);
    return ids;
}

// A release function as the C API takes it; the library calls it once, also if the call that takes it fails.
struct released_by {
    explicit released_by(release_function release) {
        if (!release) return;
        user_data = new release_function(std::move(release));
        callback = run_release;
    }
    void *user_data = nullptr;
    ckpt_free_callback callback = nullptr;
};

}  // namespace detail
/// @endcond

/// How an object is added to a graph. An option that is for one kind of object is checkpoint::code::invalid_argument for others.
class node_options {
   public:
    /// A name for messages. By default an object is called what it is.
    node_options &debug_name(std::string_view name) {
        detail::call(ckpt_node_options_set_debug_name, make(), name.data(), name.size());
        return *this;
    }
    /// The name that a variable has in name-based checkpoints, in TensorFlow that of the variable without `:0`.
    node_options &name(std::string_view name) {
        detail::call(ckpt_node_options_set_name, make(), name.data(), name.size());
        return *this;
    }
    /// Whether a variable is only saved: restoring it is checkpoint::reason::read_only. Not by default.
    node_options &read_only(bool read_only) {
        detail::call(ckpt_node_options_set_read_only, make(), read_only);
        return *this;
    }
    /// Makes a variable a part of a larger tensor of the shape `whole`, which several variables make up, mostly one in each
    /// process; a length of -1, with a start of 0, takes all of a dimension. The variable is added with the shape of the part. It is
    /// saved as this slice of the tensor, and restored from it however that was cut, or whole, when it was saved.
    node_options &part(shape_view whole, const slice &part) {
        if (part.start.size() != whole.rank() || part.length.size() != whole.rank()) {
            throw error(code::invalid_argument, "a part needs a start and a length for each dimension", reason::shape);
        }
        detail::call(ckpt_node_options_set_part, make(), whole.data(), part.start.data(), part.length.data(), whole.rank());
        return *this;
    }
    /// The names of the tensors that state needs to be restored: a checkpoint that lacks one is refused before anything is
    /// assigned.
    node_options &tensor_names(const std::vector<std::string> &names) {
        const auto list = detail::list_of(names);
        detail::call(ckpt_node_options_set_tensor_names, make(), list.data(), list.size());
        return *this;
    }
    /// Has state saved as one attribute of this name, of which the names of its tensors are suffixes: `table` with `-keys` and
    /// `-values`, as TensorFlow's hash tables have it.
    node_options &legacy_name(std::string_view name) {
        detail::call(ckpt_node_options_set_legacy_name, make(), name.data(), name.size());
        return *this;
    }
    /// The handle; NULL for the defaults.
    const ckpt_node_options *get() const noexcept { return handle_.get(); }

   private:
    ckpt_node_options *make() { return handle_.make(ckpt_node_options_new); }
    detail::handle<ckpt_node_options, ckpt_node_options_free> handle_;
};

/// An object of a list of them, with the name where it was found by one: of an edge, or the path under which a saver saves it.
struct named_node {
    ::checkpoint::node node;  ///< None for an element of a list that is not tracked.
    std::string_view name;    ///< Lent by the list.
};

/// Objects that a call found: a range of checkpoint::named_node. Several threads may use it at once.
class nodes {
   public:
    /// Takes a handle of the C API, which becomes this object's.
    explicit nodes(detail::handle<ckpt_nodes, ckpt_nodes_free> raw) noexcept : handle_(std::move(raw)), raw_(handle_.get()) {}
    /// Lent, while a callback runs.
    explicit nodes(const ckpt_nodes *lent) noexcept : raw_(lent) {}
    /// How many.
    std::size_t size() const noexcept { return ckpt_nodes_count(raw_); }
    /// Whether there are none.
    bool empty() const noexcept { return size() == 0; }
    /// The object at `index`; none past the end.
    named_node operator[](std::size_t index) const noexcept {
        return {{ckpt_nodes_get(raw_, index)}, detail::text(ckpt_nodes_name(raw_, index))};
    }
    /// Iterates over checkpoint::named_node.
    using iterator = detail::index_iterator<nodes, named_node>;
    /// The first.
    iterator begin() const noexcept { return {this, 0}; }
    /// Past the last.
    iterator end() const noexcept { return {this, size()}; }

   private:
    detail::handle<ckpt_nodes, ckpt_nodes_free> handle_;
    const ckpt_nodes *raw_;
};

/// Takes the tensors of an object that is being saved. It lives while the callback runs, and is for one thread at a time.
class sink {
   public:
    /// Lent by a save.
    explicit sink(ckpt_sink *lent) noexcept : raw_(lent) {}
    /// Puts a tensor, which is copied: a std::vector, std::array, span or array. The name, UTF-8, says which of the object's
    /// tensors it is; to a registered saver it is the tensor's key.
    template <typename Values>
    void put(std::string_view name, shape_view shape, const Values &values) {
        const auto memory = detail::elements(values);
        put_bytes(name, dtype_of<typename decltype(memory)::value_type>, shape,
                  {reinterpret_cast<const std::byte *>(memory.data()), memory.size_bytes()});
    }
    /// Puts a scalar.
    template <typename T, typename = std::enable_if_t<is_element<T>>>
    void put(std::string_view name, const T &scalar) {
        put(name, shape_view(), scalar);
    }
    /// Puts a tensor of any fixed-size dtype, given by its bytes, which are copied.
    void put_bytes(std::string_view name, dtype type, shape_view shape, span<const std::byte> data) {
        detail::call(ckpt_sink_put, raw_, name.data(), name.size(), static_cast<ckpt_dtype>(type), shape.data(), shape.rank(),
                     data.data(), data.size());
    }
    /// Puts memory that is *borrowed*: it must stay as it is until `release` is called, which is when the save is over; if this
    /// call fails, at once.
    template <typename T>
    void put_borrowed(std::string_view name, shape_view shape, span<const T> values, std::function<void()> release) {
        const detail::released_by free(std::move(release));
        detail::call(ckpt_sink_put_borrowed, raw_, name.data(), name.size(), detail::number_of<T>(), shape.data(), shape.rank(),
                     values.data(), values.size_bytes(), free.user_data, free.callback);
    }
    /// Puts bytes that are asked for while they are written: `read(offset, buffer)` is called for each piece once, on the threads
    /// that write, several at once.
    void put_read(std::string_view name, dtype type, shape_view shape,
                  std::function<void(std::uint64_t offset, span<std::byte> buffer)> read) {
        detail::call(ckpt_sink_put_read, raw_, name.data(), name.size(), static_cast<ckpt_dtype>(type), shape.data(),
                     shape.rank(), detail::run_read, detail::box(std::move(read)), detail::free_box<detail::read_function>);
    }
    /// Puts a string tensor: a range of what std::string_view can be made of. Elements are copied.
    template <typename Strings>
    void put_strings(std::string_view name, shape_view shape, const Strings &elements) {
        const auto list = detail::list_of(elements);
        detail::call(ckpt_sink_put_strings, raw_, name.data(), name.size(), shape.data(), shape.rank(), list.data(), list.size());
    }
    /// Puts a variant tensor of serialized elements, which are copied, as source_tensor::strings() gives them.
    template <typename Strings>
    void put_variants(std::string_view name, shape_view shape, const Strings &elements) {
        const auto list = detail::list_of(elements);
        detail::call(ckpt_sink_put_variants, raw_, name.data(), name.size(), shape.data(), shape.rank(), list.data(),
                     list.size());
    }

   private:
    ckpt_sink *raw_;
};

/// A tensor that a checkpoint has for an object. It lives while the callback runs.
class source_tensor {
   public:
    /// Lent by a source.
    explicit source_tensor(const ckpt_source_tensor *lent) noexcept : raw_(lent) {}
    /// The name that the object gave the tensor; to a registered saver, its key.
    std::string_view name() const noexcept { return detail::text(ckpt_source_tensor_name(raw_)); }
    /// The type of the elements.
    ::checkpoint::dtype dtype() const noexcept { return static_cast<::checkpoint::dtype>(ckpt_source_tensor_dtype(raw_)); }
    /// The dimensions.
    shape_view shape() const noexcept { return {ckpt_source_tensor_shape(raw_), ckpt_source_tensor_rank(raw_)}; }
    /// The value, row-major and in native byte order; empty of strings and variants.
    span<const std::byte> bytes() const noexcept {
        const ckpt_bytes bytes = ckpt_source_tensor_bytes(raw_);
        return {reinterpret_cast<const std::byte *>(bytes.data), bytes.len};
    }
    /// A copy of the values. checkpoint::reason::dtype when the tensor is of another type.
    template <typename T>
    std::vector<T> values() const {
        if (dtype_of<T> != dtype()) {
            throw error(code::invalid_argument, std::string(name()) + " is of " + std::string(::checkpoint::name(dtype())),
                        reason::dtype);
        }
        const auto stored = bytes();
        if constexpr (std::is_same_v<T, bool>) {
            std::vector<bool> all;
            for (const std::byte each : stored) all.push_back(each != std::byte{0});
            return all;
        } else {
            std::vector<T> all(stored.size() / sizeof(T));
            if (!all.empty()) std::memcpy(all.data(), stored.data(), stored.size());
            return all;
        }
    }
    /// The elements of a string or variant tensor, lent while the callback runs.
    std::vector<std::string_view> strings() const {
        std::vector<std::string_view> all(ckpt_source_tensor_string_count(raw_));
        for (std::size_t i = 0; i < all.size(); i++) all[i] = detail::text(ckpt_source_tensor_string(raw_, i));
        return all;
    }

   private:
    const ckpt_source_tensor *raw_;
};

/// The tensors that a checkpoint has for an object: a range of checkpoint::source_tensor. It lives while the callback runs.
class source {
   public:
    /// Lent by a restore.
    explicit source(const ckpt_source *lent) noexcept : raw_(lent) {}
    /// The number of tensors.
    std::size_t size() const noexcept { return ckpt_source_count(raw_); }
    /// The tensor at `index`, which must be less than size(), in the order of their keys.
    source_tensor operator[](std::size_t index) const noexcept { return source_tensor(ckpt_source_get(raw_, index)); }
    /// The tensor of this name, if there is one.
    std::optional<source_tensor> find(std::string_view name) const noexcept {
        const ckpt_source_tensor *found = ckpt_source_find(raw_, name.data(), name.size());
        return found ? std::optional<source_tensor>(source_tensor(found)) : std::nullopt;
    }
    /// The tensor of this name. checkpoint::code::not_found when there is none.
    source_tensor at(std::string_view name) const {
        const auto found = find(name);
        if (!found) throw error(code::not_found, "no tensor " + std::string(name), reason::no_tensor);
        return *found;
    }
    /// Iterates over checkpoint::source_tensor.
    using iterator = detail::index_iterator<source, source_tensor>;
    /// The first.
    iterator begin() const noexcept { return {this, 0}; }
    /// Past the last.
    iterator end() const noexcept { return {this, size()}; }

   private:
    const ckpt_source *raw_;
};

/// How the library gets at a value that is on a device, or in another process: in pieces. Row-major, native byte order.
struct device_functions {
    /// Fills `buffer` from byte `offset` of the value on. Needed. Called on the threads that write.
    std::function<void(std::uint64_t offset, span<std::byte> buffer)> read;
    /// Whether `read` may be called by several threads at once.
    bool concurrent = false;
    /// Takes the bytes from `offset` on; each byte comes once. Without it the variable can only be saved.
    std::function<void(std::uint64_t offset, span<const std::byte> data)> write;
    /// Says what shape the value has now; nothing when there is none yet. By default the shape it was added with, or that of the
    /// value that was written last.
    std::function<std::optional<std::vector<std::int64_t>>()> describe;
    /// Hears that a value is about to be written.
    std::function<void(dtype type, shape_view shape)> prepare;
    /// Hears that the value is over; `complete` if all bytes came and their checksum was right.
    std::function<void(bool complete)> finish;
};

/// @cond
namespace detail {

inline ckpt_code device_read(void *user_data, std::uint64_t offset, void *buffer, std::size_t size,
                             ckpt_failure *failure) noexcept {
    return guarded(failure, [&] { unbox<device_functions>(user_data).read(offset, {static_cast<std::byte *>(buffer), size}); });
}
inline ckpt_code device_write(void *user_data, std::uint64_t offset, const void *data, std::size_t size,
                              ckpt_failure *failure) noexcept {
    return guarded(failure,
                   [&] { unbox<device_functions>(user_data).write(offset, {static_cast<const std::byte *>(data), size}); });
}
inline std::int32_t device_describe(void *user_data, std::int64_t *dimensions) noexcept {
    return guarded_answer<std::int32_t>(-1, [&]() -> std::int32_t {
        const auto shape = unbox<device_functions>(user_data).describe();
        if (!shape) return -1;
        if (shape->size() > CKPT_MAX_RANK) throw error(code::invalid_argument, "too many dimensions", reason::shape);
        std::copy(shape->begin(), shape->end(), dimensions);
        return static_cast<std::int32_t>(shape->size());
    });
}
inline ckpt_code device_prepare(void *user_data, ckpt_dtype type, const std::int64_t *shape, std::size_t rank,
                                ckpt_failure *failure) noexcept {
    return guarded(failure, [&] { unbox<device_functions>(user_data).prepare(static_cast<dtype>(type), {shape, rank}); });
}
inline ckpt_code device_finish(void *user_data, bool complete, ckpt_failure *failure) noexcept {
    return guarded(failure, [&] { unbox<device_functions>(user_data).finish(complete); });
}

}  // namespace detail
/// @endcond

/// A device that variables are added with. They keep what they need of it.
class device {
   public:
    /// A device that calls these.
    explicit device(device_functions functions) {
        auto owned = std::make_unique<device_functions>(std::move(functions));
        const device_functions &has = *owned;
        handle_ = handle(ckpt_device_new(owned.release(), detail::free_box<device_functions>));
        if (has.read) detail::call(ckpt_device_set_read, handle_.get(), detail::device_read, has.concurrent);
        if (has.write) detail::call(ckpt_device_set_write, handle_.get(), detail::device_write);
        if (has.describe) detail::call(ckpt_device_set_describe, handle_.get(), detail::device_describe);
        if (has.prepare) detail::call(ckpt_device_set_prepare, handle_.get(), detail::device_prepare);
        if (has.finish) detail::call(ckpt_device_set_finish, handle_.get(), detail::device_finish);
    }
    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_device *get() const noexcept { return handle_.get(); }

   private:
    using handle = detail::handle<ckpt_device, ckpt_device_free>;
    handle handle_;
};

/// Asks for a slot variable for which a checkpoint has a value. It lives while the callback runs. If none of the set functions is
/// called, the value waits until the program makes the slot.
class slot_request {
   public:
    /// Lent by a restore.
    explicit slot_request(ckpt_slot_request *lent) noexcept : raw_(lent) {}
    /// The object that is to have the slot.
    node owner() const noexcept { return {ckpt_slot_request_owner(raw_)}; }
    /// The variable that the slot is kept for.
    node variable() const noexcept { return {ckpt_slot_request_variable(raw_)}; }
    /// What the slot is, e.g. `m`.
    std::string_view name() const noexcept { return detail::text(ckpt_slot_request_name(raw_)); }
    /// The type of the value's elements.
    ::checkpoint::dtype dtype() const noexcept { return static_cast<::checkpoint::dtype>(ckpt_slot_request_dtype(raw_)); }
    /// The dimensions of the value.
    shape_view shape() const noexcept { return {ckpt_slot_request_shape(raw_), ckpt_slot_request_rank(raw_)}; }
    /// Makes the slot a variable whose memory is the graph's.
    void set_owned(const node_options &options = {}) { detail::call(ckpt_slot_request_set_owned, raw_, options.get()); }
    /// Makes the slot a variable whose value is this memory, borrowed until `release` is called.
    template <typename T>
    void set_borrowed(span<T> values, std::function<void()> release = nullptr, const node_options &options = {}) {
        const detail::released_by free(std::move(release));
        detail::call(ckpt_slot_request_set_borrowed, raw_, values.data(), values.size_bytes(), free.user_data, free.callback,
                     options.get());
    }
    /// Makes the slot a variable whose value is on a device.
    void set_device(const device &device, const node_options &options = {}) {
        detail::call(ckpt_slot_request_set_device, raw_, device.get(), options.get());
    }

   private:
    ckpt_slot_request *raw_;
};

/// What saves and restores the objects that it accepts (`tf.train.experimental.register_checkpoint_saver`).
struct saver_functions {
    /// Whether it saves this object.
    std::function<bool(node object)> accepts;
    /// Puts the tensors of `objects`, whose names are the paths under which they are saved; names of tensors are their keys.
    std::function<void(const nodes &objects, sink &sink)> save;
    /// Whether it needs the tensor of this key to restore `objects`.
    std::function<bool(const nodes &objects, std::string_view key)> wants;
    /// Restores `objects` from the tensors that it wanted.
    std::function<void(const nodes &objects, const source &source)> restore;
};

/// @cond
namespace detail {

inline bool saver_accepts(void *user_data, ckpt_node object) noexcept {
    return guarded_answer(false, [&] { return unbox<saver_functions>(user_data).accepts(node{object}); });
}
inline ckpt_code saver_save(void *user_data, const ckpt_nodes *objects, ckpt_sink *raw, ckpt_failure *failure) noexcept {
    return guarded(failure, [&] {
        sink into(raw);
        unbox<saver_functions>(user_data).save(nodes(objects), into);
    });
}
inline bool saver_wants(void *user_data, const ckpt_nodes *objects, const char *key, std::size_t key_len) noexcept {
    return guarded_answer(false, [&] { return unbox<saver_functions>(user_data).wants(nodes(objects), {key, key_len}); });
}
inline ckpt_code saver_restore(void *user_data, const ckpt_nodes *objects, const ckpt_source *raw,
                               ckpt_failure *failure) noexcept {
    return guarded(failure, [&] { unbox<saver_functions>(user_data).restore(nodes(objects), source(raw)); });
}

// State that is saved and restored by two functions.
struct state_functions {
    std::function<void(sink &)> save;
    std::function<void(const source &)> restore;
};
inline ckpt_code state_save(void *user_data, ckpt_sink *raw, ckpt_failure *failure) noexcept {
    return guarded(failure, [&] {
        sink into(raw);
        unbox<state_functions>(user_data).save(into);
    });
}
inline ckpt_code state_restore(void *user_data, const ckpt_source *raw, ckpt_failure *failure) noexcept {
    return guarded(failure, [&] { unbox<state_functions>(user_data).restore(source(raw)); });
}

using slot_function = std::function<void(slot_request &)>;
inline ckpt_code slot_create(void *user_data, ckpt_slot_request *raw, ckpt_failure *failure) noexcept {
    return guarded(failure, [&] {
        slot_request request(raw);
        unbox<slot_function>(user_data)(request);
    });
}

}  // namespace detail
/// @endcond

}  // namespace checkpoint

#endif
