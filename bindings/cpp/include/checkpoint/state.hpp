// Objects with state of their own: the tensors that they put and get.
#ifndef CHECKPOINT_STATE_HPP
#define CHECKPOINT_STATE_HPP

#include <checkpoint/node.hpp>
#include <optional>

CHECKPOINT_BEGIN

/// Takes the tensors of an object that is being saved. It lives while the callback runs, and is for
/// one thread at a time.
class sink {
   public:
    /// Lent by a save.
    explicit sink(ckpt_sink *lent) noexcept : raw_(lent) {}
    /// Puts a tensor, which is copied: a std::vector, std::array, span or array. The name, UTF-8,
    /// says which of the object's tensors it is; to a registered saver it is the tensor's key.
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
    /// Puts memory that is *borrowed*: it must stay as it is until `release` is called, which is
    /// when the save is over; if this call fails, at once.
    template <typename T>
    void put_borrowed(std::string_view name, shape_view shape, span<const T> values, std::function<void()> release) {
        const detail::release_callback free(std::move(release));
        detail::call(ckpt_sink_put_borrowed, raw_, name.data(), name.size(), detail::number_of<T>(), shape.data(), shape.rank(),
                     values.data(), values.size_bytes(), free.user_data, free.callback);
    }
    /// Puts bytes that are asked for while they are written: `read(offset, buffer)` is called for
    /// each piece once, on the threads that write, several at once.
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
    /// Puts a variant tensor of serialized elements, which are copied, as source_tensor::strings()
    /// gives them.
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
        if (!detail::check_elements<T>(dtype(), name())) return {};
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
    /// The value of a scalar. checkpoint::reason::shape when the tensor is none.
    template <typename T>
    T value() const {
        const auto all = values<T>();
        if (shape().rank() != 0 || all.empty()) {
            fail(error(code::invalid_argument, std::string(name()) + " is no scalar", reason::shape));
            return T{};
        }
        return all[0];
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

/// The tensors that a checkpoint has for an object: a range of checkpoint::source_tensor. It lives
/// while the callback runs.
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
        if (!found) fail(error(code::not_found, "no tensor " + std::string(name), reason::no_tensor));
        return found.value_or(source_tensor(nullptr));
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

/// @cond
namespace detail {

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

}  // namespace detail
/// @endcond

CHECKPOINT_END

#endif
