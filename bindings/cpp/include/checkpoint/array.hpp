// Values with a shape.
#ifndef CHECKPOINT_ARRAY_HPP
#define CHECKPOINT_ARRAY_HPP

#include <algorithm>
#include <checkpoint/layout.hpp>
#include <memory>
#include <utility>

CHECKPOINT_BEGIN

/// Values with a shape, row-major: a member that takes its shape from the checkpoint. It copies and
/// moves as a std::vector does. Without a value it has no shape and no elements.
template <typename T>
class array {
   public:
    using value_type = T;  ///< The elements' type.
    /// Without a value.
    array() = default;
    /// Zeros.
    explicit array(shape_view shape) { assign(shape); }
    /// Values written out, as many as the shape has elements; the others are zeros.
    array(shape_view shape, std::initializer_list<T> values) : array(shape) {
        std::copy_n(values.begin(), std::min(values.size(), size_), begin());
    }
    /// A copy.
    array(const array &other) : shape_(other.shape_), size_(other.size_), has_value_(other.has_value_) {
        if (!has_value_) return;
        data_.reset(new T[size_]());
        std::copy(other.begin(), other.end(), begin());
    }
    /// Leaves `other` without a value.
    array(array &&other) noexcept { swap(other); }
    /// A copy, or what is moved.
    array &operator=(array other) noexcept {
        swap(other);
        return *this;
    }
    /// Zeros of another shape.
    void assign(shape_view shape) {
        const std::size_t size = shape.element_count();
        data_.reset(new T[size]());
        shape_ = shape.copy();
        size_ = size;
        has_value_ = true;
    }
    /// Exchanges values and shapes.
    void swap(array &other) noexcept {
        std::swap(data_, other.data_);
        std::swap(shape_, other.shape_);
        std::swap(size_, other.size_);
        std::swap(has_value_, other.has_value_);
    }

    /// Whether there is a value.
    bool has_value() const noexcept { return has_value_; }
    /// The dimensions; those of a scalar while there is no value.
    shape_view shape() const noexcept { return shape_; }
    /// The number of elements.
    std::size_t size() const noexcept { return size_; }
    /// Whether there are none.
    bool empty() const noexcept { return size_ == 0; }
    T *data() noexcept { return data_.get(); }                                      ///< The first element.
    const T *data() const noexcept { return data_.get(); }                          ///< The first element.
    T &operator[](std::size_t index) noexcept { return data_[index]; }              ///< In row-major order, unchecked.
    const T &operator[](std::size_t index) const noexcept { return data_[index]; }  ///< In row-major order, unchecked.
    T *begin() noexcept { return data(); }                                          ///< The first.
    T *end() noexcept { return data() + size_; }                                    ///< Past the last.
    const T *begin() const noexcept { return data(); }                              ///< The first.
    const T *end() const noexcept { return data() + size_; }                        ///< Past the last.

   private:
    static_assert(is_element<T>, "checkpoint: no dtype of TensorFlow has elements of this type");

    std::vector<std::int64_t> shape_;
    std::size_t size_ = 0;
    bool has_value_ = false;
    std::unique_ptr<T[]> data_;
};

CHECKPOINT_END

#endif
