// Variables and texts as members of a program's own classes.
#ifndef CHECKPOINT_VARIABLE_HPP
#define CHECKPOINT_VARIABLE_HPP

#include <algorithm>
#include <checkpoint/module.hpp>

namespace checkpoint {

/// A variable of a fixed shape with memory of its own, row-major: a range of its elements. (Of
/// `bool`, files must have 0 and 1.) The memory stays where it is, and lives as long as the
/// variable, or as the library uses it.
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

}  // namespace checkpoint

#endif
