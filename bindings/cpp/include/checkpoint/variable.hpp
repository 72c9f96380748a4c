// Variables and texts as members of a program's own classes.
#ifndef CHECKPOINT_VARIABLE_HPP
#define CHECKPOINT_VARIABLE_HPP

#include <algorithm>
#include <checkpoint/array.hpp>
#include <checkpoint/module.hpp>

CHECKPOINT_BEGIN

/// Says that a variable takes its shape from the checkpoint.
struct any_shape_t {
    /// What it is made of, so that it is not made of `{}`, the shape of a scalar.
    struct tag {};
    explicit constexpr any_shape_t(tag) noexcept {}  ///< For any_shape.
};
/// Says that a variable takes its shape from the checkpoint.
inline constexpr any_shape_t any_shape{any_shape_t::tag()};

/// A variable with memory of its own, row-major: a range of its elements. Its shape is fixed, or
/// that of the checkpoint: then it has no value before it is restored. (Of `bool`, files must have
/// 0 and 1.) The memory lives as long as the variable, or as the library uses it; it stays where it
/// is unless a restore brings another shape.
template <typename T>
class variable : public trackable {
   public:
    /// Zeros.
    variable(const place &at, shape_view shape, const node_options &options = {})
        : variable(at, std::make_shared<array<T>>(shape), options) {}
    /// Zeros, as the member `name` of a module; if a value waits for it, that.
    variable(const module &parent, std::string_view name, shape_view shape, const node_options &options = {})
        : variable(place(parent, name), shape, options) {}
    /// With a value, of as many elements as `shape` says; if another one waits for it, that.
    variable(const module &parent, std::string_view name, shape_view shape, span<const T> values,
             const node_options &options = {})
        : variable(place(parent, name), filled(shape, values), options) {}
    /// With a value, written out; if another one waits for it, that.
    variable(const module &parent, std::string_view name, shape_view shape, std::initializer_list<T> values,
             const node_options &options = {})
        : variable(parent, name, shape, span<const T>(std::data(values), values.size()), options) {}
    /// Filled by `initialize`, which is given the elements; if a value waits for it, that.
    template <typename Initialize, typename = std::enable_if_t<std::is_invocable_v<Initialize, span<T>>>>
    variable(const module &parent, std::string_view name, shape_view shape, Initialize &&initialize,
             const node_options &options = {})
        : variable(place(parent, name), initialized(shape, std::forward<Initialize>(initialize)), options) {}
    /// Without a value: it takes its shape from the checkpoint.
    variable(const place &at, any_shape_t, const node_options &options = {})
        : variable(at, std::make_shared<array<T>>(), options, any_shape) {}
    /// Without a value, as the member `name` of a module.
    variable(const module &parent, std::string_view name, any_shape_t = any_shape, const node_options &options = {})
        : variable(place(parent, name), any_shape, options) {}

    /// Whether there is a value: always, if the shape is fixed.
    bool has_value() const noexcept { return memory_->has_value(); }
    /// The dimensions; those of a scalar while there is no value.
    shape_view shape() const noexcept { return memory_->shape(); }
    /// The number of elements.
    std::size_t size() const noexcept { return memory_->size(); }
    /// The first element.
    T *data() noexcept { return memory_->data(); }
    /// The first element.
    const T *data() const noexcept { return memory_->data(); }
    /// The element at `index` in row-major order, which must be less than size().
    T &operator[](std::size_t index) noexcept { return data()[index]; }
    /// The element at `index` in row-major order, which must be less than size().
    const T &operator[](std::size_t index) const noexcept { return data()[index]; }
    T *begin() noexcept { return data(); }                     ///< The first.
    T *end() noexcept { return data() + size(); }              ///< Past the last.
    const T *begin() const noexcept { return data(); }         ///< The first.
    const T *end() const noexcept { return data() + size(); }  ///< Past the last.
    /// The value of a scalar.
    T &value() noexcept { return data()[0]; }
    /// The value of a scalar.
    const T &value() const noexcept { return data()[0]; }
    /// Copies `values`, as many as there are elements.
    void fill(span<const T> values) {
        if (values.size() != size()) {
            return fail(error(code::invalid_argument, "a variable keeps its shape", reason::shape));
        }
        std::copy(values.begin(), values.end(), begin());
    }
    /// Whether its value is from a checkpoint: what is initialized then is lost.
    bool was_restored() const { return graph().was_restored(node()); }
    /// Calls `initialize` with the elements, unless they were restored.
    template <typename Initialize>
    void initialize(Initialize &&initialize) {
        if (!was_restored()) std::forward<Initialize>(initialize)(span<T>(data(), size()));
    }

   private:
    using block = std::shared_ptr<array<T>>;
    static_assert(is_element<T>, "checkpoint: no dtype of TensorFlow has elements of this type");

    static block filled(shape_view shape, span<const T> values) {
        auto memory = std::make_shared<array<T>>(shape);
        if (values.size() != memory->size()) {
            fail(error(code::invalid_argument, "a variable needs as many values as its shape has elements", reason::shape));
        }
        std::copy_n(values.begin(), std::min(values.size(), memory->size()), memory->begin());
        return memory;
    }
    template <typename Initialize>
    static block initialized(shape_view shape, Initialize &&initialize) {
        auto memory = std::make_shared<array<T>>(shape);
        std::forward<Initialize>(initialize)(span<T>(memory->data(), memory->size()));
        return memory;
    }
    variable(const place &at, const block &memory, const node_options &options)
        : trackable(at, at.graph().add_borrowed(
                            memory->shape(), span<T>(memory->data(), memory->size()), [memory] {}, options)),
          memory_(memory) {}
    variable(const place &at, const block &memory, const node_options &options, any_shape_t)
        : trackable(at, at.graph().add_container(*memory, nullptr, -1, {}, options, memory)), memory_(memory) {}

    block memory_;
};

/// A single string (`PythonState`).
class text : public trackable {
   public:
    /// As the member `name` of a module.
    text(const module &parent, std::string_view name, std::string_view value = {}) : text(place(parent, name), value) {}
    /// Where a place says.
    explicit text(const place &at, std::string_view value = {}) : trackable(at, at.graph().add_text(value)) {}
    /// A copy of it.
    std::string value() const { return std::string(graph().read_strings(node())[0]); }
    /// Whether it is from a checkpoint.
    bool was_restored() const { return graph().was_restored(node()); }
    /// Another one.
    void assign(std::string_view value) { graph().assign_text(node(), value); }
};

CHECKPOINT_END

#endif
