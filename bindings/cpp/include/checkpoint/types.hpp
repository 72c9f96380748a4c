// Element types, views of memory, objects of a graph.
#ifndef CHECKPOINT_TYPES_HPP
#define CHECKPOINT_TYPES_HPP

#include <checkpoint.h>

#include <array>
#include <checkpoint/config.hpp>
#include <checkpoint/constants.hpp>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#if __cplusplus >= 202002L && __has_include(<span>)
#include <span>
#endif

CHECKPOINT_BEGIN

/// The bytes of one element; 0 of strings, of variants, and of a number that is no dtype.
inline std::size_t size_of(dtype type) noexcept { return ckpt_dtype_size(static_cast<ckpt_dtype>(type)); }

/// A view of elements in memory, as C++20's std::span, from and to which it converts. It is the
/// same type in every standard, so that units of different ones can be linked.
template <typename T>
class span {
   public:
    using element_type = T;                  ///< With `const`, if any.
    using value_type = std::remove_cv_t<T>;  ///< Without.
    using iterator = T *;                    ///< A pointer.
    using size_type = std::size_t;           ///< Of sizes.
    using pointer = T *;                     ///< To an element.
    using reference = T &;                   ///< To an element.
    constexpr span() noexcept = default;     ///< Empty.
    /// `size` elements from `data` on.
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    /// An array.
    template <std::size_t N>
    constexpr span(T (&array)[N]) noexcept : data_(array), size_(N) {}
    /// Whatever has data() and size(): std::vector, std::array, another span.
    template <typename Container,
              typename = std::enable_if_t<std::is_convertible_v<decltype(std::data(std::declval<Container &>())), T *> &&
                                          !std::is_array_v<std::remove_reference_t<Container>>>>
    constexpr span(Container &&container) noexcept : data_(std::data(container)), size_(std::size(container)) {}
    constexpr T *data() const noexcept { return data_; }                                ///< The first element.
    constexpr std::size_t size() const noexcept { return size_; }                       ///< How many.
    constexpr std::size_t size_bytes() const noexcept { return size_ * sizeof(T); }     ///< In bytes.
    constexpr bool empty() const noexcept { return size_ == 0; }                        ///< Whether there are none.
    constexpr T &operator[](std::size_t index) const noexcept { return data_[index]; }  ///< Unchecked.
    constexpr T &front() const noexcept { return data_[0]; }                            ///< The first; unchecked.
    constexpr T &back() const noexcept { return data_[size_ - 1]; }                     ///< The last; unchecked.
    constexpr T *begin() const noexcept { return data_; }                               ///< The first.
    constexpr T *end() const noexcept { return data_ + size_; }                         ///< Past the last.
    constexpr span first(std::size_t count) const noexcept { return {data_, count}; }   ///< The first `count`; unchecked.
    /// The last `count`; unchecked.
    constexpr span last(std::size_t count) const noexcept { return {data_ + size_ - count, count}; }
    /// The part of `count` elements from `offset` on.
    constexpr span subspan(std::size_t offset, std::size_t count) const noexcept { return {data_ + offset, count}; }

   private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

/// The dimensions of a tensor, as an argument: `{3, 4}`, a std::vector<std::int64_t>, or whatever
/// else holds some. `{}` is a scalar's. It only borrows them.
class shape_view {
   public:
    /// Of a scalar.
    constexpr shape_view() noexcept = default;
    /// Written out.
    constexpr shape_view(std::initializer_list<std::int64_t> dimensions) noexcept
        : data_(std::data(dimensions)), rank_(dimensions.size()) {}
    /// `rank` dimensions.
    constexpr shape_view(const std::int64_t *dimensions, std::size_t rank) noexcept : data_(dimensions), rank_(rank) {}
    /// Of a container.
    template <typename Container, typename = std::enable_if_t<std::is_convertible_v<
                                      decltype(std::data(std::declval<const Container &>())), const std::int64_t *>>>
    constexpr shape_view(const Container &dimensions) noexcept : data_(std::data(dimensions)), rank_(std::size(dimensions)) {}

    constexpr const std::int64_t *data() const noexcept { return data_; }                         ///< The first dimension.
    constexpr std::size_t rank() const noexcept { return rank_; }                                 ///< How many.
    constexpr std::size_t size() const noexcept { return rank_; }                                 ///< How many.
    constexpr std::int64_t operator[](std::size_t index) const noexcept { return data_[index]; }  ///< Unchecked.
    constexpr const std::int64_t *begin() const noexcept { return data_; }                        ///< The first.
    constexpr const std::int64_t *end() const noexcept { return data_ + rank_; }                  ///< Past the last.
    /// The number of elements of a tensor of this shape; 0 if a dimension is negative or the
    /// product does not fit.
    constexpr std::size_t element_count() const noexcept {
        std::size_t count = 1;
        for (std::size_t d = 0; d < rank_; d++) {
            if (data_[d] < 0) return 0;
            const auto length = static_cast<std::size_t>(data_[d]);
            if (length != 0 && count > static_cast<std::size_t>(-1) / length) return 0;
            count *= length;
        }
        return count;
    }
    /// A copy.
    std::vector<std::int64_t> copy() const { return std::vector<std::int64_t>(begin(), end()); }
    /// Whether the dimensions are the same.
    friend bool operator==(shape_view a, shape_view b) noexcept {
        return a.rank_ == b.rank_ && (a.rank_ == 0 || std::memcmp(a.data_, b.data_, a.rank_ * sizeof(std::int64_t)) == 0);
    }
    /// Whether they differ.
    friend bool operator!=(shape_view a, shape_view b) noexcept { return !(a == b); }

   private:
    const std::int64_t *data_ = nullptr;
    std::size_t rank_ = 0;
};

/// A part of a tensor: of each dimension, where it begins and how long it is; a length of -1 goes
/// to the end.
struct slice {
    std::vector<std::int64_t> start;   ///< Counted from 0.
    std::vector<std::int64_t> length;  ///< As many as `start`.
};

/// An element of a dtype that C++ has no type for, as the bits that are stored. (Of dtypes of less
/// than a byte, the low ones.)
template <dtype Type, typename Bits>
struct bits {
    Bits value;  ///< As stored, in native byte order.
    /// Whether the bits are the same.
    friend constexpr bool operator==(bits a, bits b) noexcept { return a.value == b.value; }
    /// Whether they differ.
    friend constexpr bool operator!=(bits a, bits b) noexcept { return a.value != b.value; }
};

using half = bits<dtype::float16, std::uint16_t>;                          ///< IEEE 754 binary16.
using bfloat16 = bits<dtype::bfloat16, std::uint16_t>;                     ///< The high half of a float.
using qint8 = bits<dtype::qint8, std::int8_t>;                             ///< Quantized.
using quint8 = bits<dtype::quint8, std::uint8_t>;                          ///< Quantized.
using qint16 = bits<dtype::qint16, std::int16_t>;                          ///< Quantized.
using quint16 = bits<dtype::quint16, std::uint16_t>;                       ///< Quantized.
using qint32 = bits<dtype::qint32, std::int32_t>;                          ///< Quantized.
using float8_e5m2 = bits<dtype::float8_e5m2, std::uint8_t>;                ///< 5 bits of exponent, 2 of mantissa.
using float8_e4m3fn = bits<dtype::float8_e4m3fn, std::uint8_t>;            ///< Finite, with NaN.
using float8_e4m3fnuz = bits<dtype::float8_e4m3fnuz, std::uint8_t>;        ///< Finite, without negative zero.
using float8_e4m3b11fnuz = bits<dtype::float8_e4m3b11fnuz, std::uint8_t>;  ///< The same with bias 11.
using float8_e5m2fnuz = bits<dtype::float8_e5m2fnuz, std::uint8_t>;        ///< Finite, without negative zero.
using int4 = bits<dtype::int4, std::uint8_t>;                              ///< Two's complement in the low four bits.
using uint4 = bits<dtype::uint4, std::uint8_t>;                            ///< The low four bits.
using int2 = bits<dtype::int2, std::uint8_t>;                              ///< Two's complement in the low two bits.
using uint2 = bits<dtype::uint2, std::uint8_t>;                            ///< The low two bits.
using float4_e2m1fn = bits<dtype::float4_e2m1fn, std::uint8_t>;            ///< The low four bits.

/// @cond
namespace detail {

inline std::string_view text(ckpt_bytes bytes) noexcept { return {reinterpret_cast<const char *>(bytes.data), bytes.len}; }
inline ckpt_bytes bytes_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()};
}

template <typename T>
constexpr dtype plain_dtype() noexcept {
    if constexpr (std::is_same_v<T, bool>) {
        return dtype::boolean;
    } else if constexpr (std::is_same_v<T, char> || std::is_same_v<T, wchar_t> || std::is_same_v<T, char16_t> ||
                         std::is_same_v<T, char32_t>) {
        return dtype::invalid;
    } else if constexpr (std::is_integral_v<T>) {
        constexpr bool with_sign = std::is_signed_v<T>;
        if constexpr (sizeof(T) == 1) return with_sign ? dtype::int8 : dtype::uint8;
        if constexpr (sizeof(T) == 2) return with_sign ? dtype::int16 : dtype::uint16;
        if constexpr (sizeof(T) == 4) return with_sign ? dtype::int32 : dtype::uint32;
        if constexpr (sizeof(T) == 8) return with_sign ? dtype::int64 : dtype::uint64;
        return dtype::invalid;
    } else if constexpr (std::is_same_v<T, float>) {
        return dtype::float32;
    } else if constexpr (std::is_same_v<T, double>) {
        return dtype::float64;
    } else if constexpr (std::is_same_v<T, std::complex<float>>) {
        return dtype::complex64;
    } else if constexpr (std::is_same_v<T, std::complex<double>>) {
        return dtype::complex128;
    } else {
        return dtype::invalid;
    }
}

template <typename T>
struct dtype_of_type : std::integral_constant<dtype, plain_dtype<T>()> {};
template <dtype Type, typename Bits>
struct dtype_of_type<bits<Type, Bits>> : std::integral_constant<dtype, Type> {};

}  // namespace detail
/// @endcond

/// The dtype of a C++ type; `invalid` of one that is no tensor's element. Strings are no elements
/// of memory.
template <typename T>
inline constexpr dtype dtype_of = detail::dtype_of_type<std::remove_cv_t<T>>::value;

/// Whether a C++ type can be a tensor's element.
template <typename T>
inline constexpr bool is_element = dtype_of<T> != dtype::invalid;

/// A path as an argument: text, or a std::filesystem::path.
class file_path {
   public:
    file_path(const char *text) : text_(text) {}                                ///< Text that ends with NUL.
    file_path(const std::string &text) : text_(text) {}                         ///< Text.
    file_path(std::string_view text) : text_(text) {}                           ///< Text.
    file_path(const std::filesystem::path &native) : text_(native.native()) {}  ///< A path of the standard library.
    const char *c_str() const noexcept { return text_.c_str(); }                ///< With NUL.
    /// Whether a NUL within the path would cut it short.
    bool has_nul() const noexcept { return text_.find('\0') != std::string::npos; }

   private:
    std::string text_;
};

/// @cond
namespace detail {

// What arrays of any rank are made of in the end.
template <typename T>
struct innermost {
    using type = T;
};
template <typename T, std::size_t Length>
struct innermost<T[Length]> : innermost<T> {};
template <typename T, std::size_t Length>
struct innermost<std::array<T, Length>> : innermost<T> {};
template <typename T, std::size_t Length>
struct innermost<const std::array<T, Length>> : innermost<const T> {};

// Whether a type has elements in memory. std::vector<bool> has none.
template <typename T, typename = void>
struct has_memory : std::false_type {};
template <typename T>
struct has_memory<T, std::void_t<decltype(*std::data(std::declval<T &>()))>> : std::true_type {};

// The memory of a container, an array of any rank, or one element, as a span of its elements.
template <typename T>
auto elements(T &values) noexcept {
    if constexpr (std::is_array_v<T>) {
        using element = std::remove_all_extents_t<T>;
        return span<element>(reinterpret_cast<element *>(&values), sizeof(T) / sizeof(element));
    } else if constexpr (is_element<std::remove_const_t<T>>) {
        return span<T>(&values, 1);
    } else if constexpr (has_memory<T>::value) {
        using element = std::remove_pointer_t<decltype(std::data(values))>;
        using inner = typename innermost<element>::type;
        return span<inner>(reinterpret_cast<inner *>(std::data(values)), std::size(values) * (sizeof(element) / sizeof(inner)));
    } else {
        static_assert(has_memory<T>::value,
                      "checkpoint: values are a scalar of a dtype of TensorFlow, or memory: a std::vector (not of bool), "
                      "std::array, array or span of such");
        return span<unsigned char>();
    }
}

template <typename T>
using element_of = std::remove_cv_t<typename decltype(elements(std::declval<T &>()))::element_type>;

template <typename T>
constexpr ckpt_dtype number_of() noexcept {
    static_assert(is_element<T>, "checkpoint: no dtype of TensorFlow has elements of this type");
    return static_cast<ckpt_dtype>(dtype_of<T>);
}

// A file may say 2 of a bool, which would be no bool in C++.
template <typename T>
void normalize_bools(span<T> values) noexcept {
    if constexpr (std::is_same_v<T, bool>) {
        auto *bytes = reinterpret_cast<unsigned char *>(values.data());
        for (std::size_t i = 0; i < values.size(); i++) bytes[i] = bytes[i] != 0;
    }
}

// The elements of a string tensor as the C API takes them.
template <typename Strings>
std::vector<ckpt_bytes> list_of(const Strings &texts) {
    std::vector<ckpt_bytes> list;
    for (const auto &text : texts) list.push_back(bytes_of(std::string_view(text)));
    return list;
}

}  // namespace detail
/// @endcond

/// An object of a graph. It stands for that object alone: once the object was removed, and in any
/// other graph, it is checkpoint::reason::node. A value; the default is no object.
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

CHECKPOINT_END

#if __cplusplus >= 202002L && __has_include(<span>)
/// A span borrows its elements, so that a std::span can be made of a temporary one.
template <typename T>
inline constexpr bool std::ranges::enable_borrowed_range<checkpoint::span<T>> = true;
#endif

#endif
