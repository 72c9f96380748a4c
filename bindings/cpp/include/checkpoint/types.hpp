// The constants of the C API as scoped enumerations, element types, and views of memory.
#ifndef CHECKPOINT_TYPES_HPP
#define CHECKPOINT_TYPES_HPP

#include <checkpoint.h>

#include <array>
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

namespace checkpoint {

/// The class of an error, with the numbers of absl's status codes. Treat those that you do not know as `unknown`.
enum class code : std::int32_t {
    ok = CKPT_CODE_OK,                                    ///< Success.
    cancelled = CKPT_CODE_CANCELLED,                      ///< A callback of the caller asked to stop.
    unknown = CKPT_CODE_UNKNOWN,                          ///< Nothing more is known.
    invalid_argument = CKPT_CODE_INVALID_ARGUMENT,        ///< The call asks for what cannot be.
    deadline_exceeded = CKPT_CODE_DEADLINE_EXCEEDED,      ///< Time ran out.
    not_found = CKPT_CODE_NOT_FOUND,                      ///< No such file, checkpoint or tensor.
    already_exists = CKPT_CODE_ALREADY_EXISTS,            ///< What was to be made exists.
    permission_denied = CKPT_CODE_PERMISSION_DENIED,      ///< The system refused access.
    resource_exhausted = CKPT_CODE_RESOURCE_EXHAUSTED,    ///< Memory, disk or a limit is used up.
    failed_precondition = CKPT_CODE_FAILED_PRECONDITION,  ///< The object is in no state for the call.
    aborted = CKPT_CODE_ABORTED,                          ///< The operation was given up, as when a callback failed.
    out_of_range = CKPT_CODE_OUT_OF_RANGE,                ///< Past the end.
    unimplemented = CKPT_CODE_UNIMPLEMENTED,              ///< Not supported.
    internal = CKPT_CODE_INTERNAL,                        ///< A fault of the library's own.
    unavailable = CKPT_CODE_UNAVAILABLE,                  ///< Not at the moment.
    data_loss = CKPT_CODE_DATA_LOSS,                      ///< Bytes that are damaged or malformed.
    unauthenticated = CKPT_CODE_UNAUTHENTICATED,          ///< Unknown caller.
};

/// The name of a code, e.g. `DATA_LOSS`.
inline std::string_view name(code value) noexcept { return ckpt_code_name(static_cast<ckpt_code>(value)); }

/// Why a call failed.
enum class reason : std::int32_t {
    none = 0,                                       ///< Not said.
    argument = CKPT_REASON_ARGUMENT,                ///< An argument of the call is wrong.
    no_checkpoint = CKPT_REASON_NO_CHECKPOINT,      ///< There is no checkpoint at the path.
    no_tensor = CKPT_REASON_NO_TENSOR,              ///< There is no such key in the checkpoint.
    missing_file = CKPT_REASON_MISSING_FILE,        ///< A file that the checkpoint needs is not there.
    io = CKPT_REASON_IO,                            ///< The operating system reported an error.
    not_a_file = CKPT_REASON_NOT_A_FILE,            ///< The path leads to something that is not a plain file.
    truncated = CKPT_REASON_TRUNCATED,              ///< A file ends before what it says it holds.
    checksum = CKPT_REASON_CHECKSUM,                ///< Stored and computed checksum differ.
    malformed = CKPT_REASON_MALFORMED,              ///< Bytes that no writer may produce.
    version = CKPT_REASON_VERSION,                  ///< Written for other readers than this version.
    dtype = CKPT_REASON_DTYPE,                      ///< The dtype does not fit the call.
    shape = CKPT_REASON_SHAPE,                      ///< The shape, slice or size does not fit the tensor.
    overlap = CKPT_REASON_OVERLAP,                  ///< Stored slices of a partitioned tensor overlap.
    gap = CKPT_REASON_GAP,                          ///< Stored slices do not cover what was asked for.
    limit = CKPT_REASON_LIMIT,                      ///< More memory would be needed than the limit allows.
    unsupported = CKPT_REASON_UNSUPPORTED,          ///< A kind of data that the library does not handle.
    callback = CKPT_REASON_CALLBACK,                ///< A callback stopped the call.
    no_object_graph = CKPT_REASON_NO_OBJECT_GRAPH,  ///< The checkpoint was saved by names.
    alignment = CKPT_REASON_ALIGNMENT,              ///< Memory that is not aligned for the type asked for.
    panic = CKPT_REASON_PANIC,                      ///< A panic inside the library, caught.
    locked = CKPT_REASON_LOCKED,                    ///< Another process holds the lock of the directory.
    space = CKPT_REASON_SPACE,                      ///< The file system has not enough space.
    node = CKPT_REASON_NODE,                        ///< A node that was removed, or is of another graph or kind.
    name_taken = CKPT_REASON_NAME_TAKEN,            ///< An object has one edge of each name.
    assertion = CKPT_REASON_ASSERTION,              ///< An assertion about a restore does not hold.
    unsavable = CKPT_REASON_UNSAVABLE,              ///< A list was changed otherwise than by appending.
    not_shaped = CKPT_REASON_NOT_SHAPED,            ///< A variable that was added without a value has none yet.
    read_only = CKPT_REASON_READ_ONLY,              ///< The variable is not to be restored.
    reentrant = CKPT_REASON_REENTRANT,              ///< A callback called the graph that called it.
    replaced = CKPT_REASON_REPLACED,                ///< The checkpoint was replaced since the restore was begun.
    saver = CKPT_REASON_SAVER,                      ///< A registered saver is missing, or does not accept the object.
    busy = CKPT_REASON_BUSY,                        ///< An earlier save of the checkpoint is still running.
    rank = CKPT_REASON_RANK,                        ///< A rank failed, or never came, so that no rank could save.
};

/// The type of a tensor's elements, with TensorFlow's numbers.
enum class dtype : std::int32_t {
    invalid = CKPT_DTYPE_INVALID,                        ///< Not a dtype.
    float32 = CKPT_DTYPE_FLOAT,                          ///< `float`.
    float64 = CKPT_DTYPE_DOUBLE,                         ///< `double`.
    int32 = CKPT_DTYPE_INT32,                            ///< `std::int32_t`.
    uint8 = CKPT_DTYPE_UINT8,                            ///< `std::uint8_t`.
    int16 = CKPT_DTYPE_INT16,                            ///< `std::int16_t`.
    int8 = CKPT_DTYPE_INT8,                              ///< `std::int8_t`.
    string = CKPT_DTYPE_STRING,                          ///< Byte strings, each of its own length.
    complex64 = CKPT_DTYPE_COMPLEX64,                    ///< `std::complex<float>`.
    int64 = CKPT_DTYPE_INT64,                            ///< `std::int64_t`.
    boolean = CKPT_DTYPE_BOOL,                           ///< `bool`.
    qint8 = CKPT_DTYPE_QINT8,                            ///< checkpoint::qint8.
    quint8 = CKPT_DTYPE_QUINT8,                          ///< checkpoint::quint8.
    qint32 = CKPT_DTYPE_QINT32,                          ///< checkpoint::qint32.
    bfloat16 = CKPT_DTYPE_BFLOAT16,                      ///< checkpoint::bfloat16.
    qint16 = CKPT_DTYPE_QINT16,                          ///< checkpoint::qint16.
    quint16 = CKPT_DTYPE_QUINT16,                        ///< checkpoint::quint16.
    uint16 = CKPT_DTYPE_UINT16,                          ///< `std::uint16_t`.
    complex128 = CKPT_DTYPE_COMPLEX128,                  ///< `std::complex<double>`.
    float16 = CKPT_DTYPE_HALF,                           ///< checkpoint::half.
    variant = CKPT_DTYPE_VARIANT,                        ///< Serialized objects, each of its own length.
    uint32 = CKPT_DTYPE_UINT32,                          ///< `std::uint32_t`.
    uint64 = CKPT_DTYPE_UINT64,                          ///< `std::uint64_t`.
    float8_e5m2 = CKPT_DTYPE_FLOAT8_E5M2,                ///< checkpoint::float8_e5m2.
    float8_e4m3fn = CKPT_DTYPE_FLOAT8_E4M3FN,            ///< checkpoint::float8_e4m3fn.
    float8_e4m3fnuz = CKPT_DTYPE_FLOAT8_E4M3FNUZ,        ///< checkpoint::float8_e4m3fnuz.
    float8_e4m3b11fnuz = CKPT_DTYPE_FLOAT8_E4M3B11FNUZ,  ///< checkpoint::float8_e4m3b11fnuz.
    float8_e5m2fnuz = CKPT_DTYPE_FLOAT8_E5M2FNUZ,        ///< checkpoint::float8_e5m2fnuz.
    int4 = CKPT_DTYPE_INT4,                              ///< checkpoint::int4.
    uint4 = CKPT_DTYPE_UINT4,                            ///< checkpoint::uint4.
    int2 = CKPT_DTYPE_INT2,                              ///< checkpoint::int2.
    uint2 = CKPT_DTYPE_UINT2,                            ///< checkpoint::uint2.
    float4_e2m1fn = CKPT_DTYPE_FLOAT4_E2M1FN,            ///< checkpoint::float4_e2m1fn.
};

/// The name of a dtype in Python, e.g. `float32`.
inline std::string_view name(dtype type) noexcept { return ckpt_dtype_name(static_cast<ckpt_dtype>(type)); }
/// The bytes of one element; 0 of strings, of variants, and of a number that is no dtype.
inline std::size_t size_of(dtype type) noexcept { return ckpt_dtype_size(static_cast<ckpt_dtype>(type)); }

/// How a checkpoint is stored.
enum class format : std::int32_t {
    v1 = CKPT_FORMAT_V1,  ///< Tables that hold values.
    v2 = CKPT_FORMAT_V2,  ///< An index and data files.
};

/// Whether checksums are compared.
enum class checksums : std::int32_t {
    always = CKPT_CHECKSUMS_ALWAYS,          ///< The default.
    when_whole = CKPT_CHECKSUMS_WHEN_WHOLE,  ///< Where all that a checksum covers is read anyway.
    never = CKPT_CHECKSUMS_NEVER,            ///< Never, save those of strings and variants.
};

/// What of a checkpoint survives a power cut.
enum class durability : std::int32_t {
    full = CKPT_DURABILITY_FULL,  ///< All of it: the default.
    data = CKPT_DURABILITY_DATA,  ///< What is there is whole, but a new checkpoint may be gone again.
    none = CKPT_DURABILITY_NONE,  ///< There may be anything.
};

/// What an object of a graph is.
enum class kind : std::int32_t {
    object = CKPT_KIND_OBJECT,          ///< An object without values of its own.
    variable = CKPT_KIND_VARIABLE,      ///< A variable.
    state = CKPT_KIND_STATE,            ///< State that is saved as several tensors by callbacks.
    text = CKPT_KIND_TEXT,              ///< A single string.
    list = CKPT_KIND_LIST,              ///< A list.
    dict = CKPT_KIND_DICT,              ///< A dict.
    tuple = CKPT_KIND_TUPLE,            ///< A tuple, named or not.
    slot_owner = CKPT_KIND_SLOT_OWNER,  ///< An object that may have slot variables.
};

/// What to do about a value that does not fit its object.
enum class mismatch : std::int32_t {
    fail = CKPT_MISMATCH_FAIL,  ///< Nothing at all is restored, and the call fails: the default.
    skip = CKPT_MISMATCH_SKIP,  ///< That value is left out; the report has it.
};

/// What a save does while an earlier one of the checkpoint is running in the background.
enum class busy : std::int32_t {
    wait = CKPT_BUSY_WAIT,  ///< It waits for that: the default.
    fail = CKPT_BUSY_FAIL,  ///< It throws checkpoint::code::unavailable; nothing is counted.
};

/// What kind of restore a status is of.
enum class restore_kind : std::int32_t {
    objects = CKPT_RESTORE_KIND_OBJECTS,  ///< Of a checkpoint with an object graph.
    names = CKPT_RESTORE_KIND_NAMES,      ///< Of a checkpoint of names.
    none = CKPT_RESTORE_KIND_NONE,        ///< Of no checkpoint at all.
};

/// What became of a value.
enum class row_state : std::int32_t {
    restored = CKPT_ROW_STATE_RESTORED,              ///< The object has the value of the checkpoint.
    deferred = CKPT_ROW_STATE_DEFERRED,              ///< The object gets the value when it is tracked.
    missing = CKPT_ROW_STATE_MISSING,                ///< The checkpoint has no value for the object.
    unused = CKPT_ROW_STATE_UNUSED,                  ///< The program has no use for the value.
    shape_mismatch = CKPT_ROW_STATE_SHAPE_MISMATCH,  ///< The value has another shape than the object.
    dtype_mismatch = CKPT_ROW_STATE_DTYPE_MISMATCH,  ///< The value has another dtype than the object.
    skipped = CKPT_ROW_STATE_SKIPPED,                ///< The object was left as it was.
    torn = CKPT_ROW_STATE_TORN,                      ///< The object has neither its old value nor the new one.
};

/// The name of what became of a value, e.g. `shape mismatch`.
inline std::string_view name(row_state state) noexcept { return ckpt_row_state_name(static_cast<ckpt_row_state>(state)); }

/// Which metrics are better.
enum class better : std::int32_t {
    lower = CKPT_BETTER_LOWER,    ///< Of a loss.
    higher = CKPT_BETTER_HIGHER,  ///< Of an accuracy.
};

/// How much a message matters.
enum class severity : std::int32_t {
    info = CKPT_SEVERITY_INFO,        ///< What happened.
    warning = CKPT_SEVERITY_WARNING,  ///< What may be a mistake.
    error = CKPT_SEVERITY_ERROR,      ///< What went wrong.
};

#if defined(__cpp_lib_span)
template <typename T>
using span = std::span<T>;
#else
/// As much of C++20's std::span as the binding needs; in C++20 it is that.
template <typename T>
class span {
   public:
    using element_type = T;                  ///< With `const`, if any.
    using value_type = std::remove_cv_t<T>;  ///< Without.
    using iterator = T *;                    ///< A pointer.
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
    constexpr T *begin() const noexcept { return data_; }                               ///< The first.
    constexpr T *end() const noexcept { return data_ + size_; }                         ///< Past the last.
    /// The part of `count` elements from `offset` on.
    constexpr span subspan(std::size_t offset, std::size_t count) const noexcept { return {data_ + offset, count}; }

   private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};
#endif

/// The dimensions of a tensor, as an argument: `{3, 4}`, a std::vector<std::int64_t>, or whatever else holds some. `{}` is a
/// scalar's. It only borrows them.
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
    /// The number of elements of a tensor of this shape; 0 if a dimension is negative or the product does not fit.
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

/// A part of a tensor: of each dimension, where it begins and how long it is; a length of -1 goes to the end.
struct slice {
    std::vector<std::int64_t> start;   ///< Counted from 0.
    std::vector<std::int64_t> length;  ///< As many as `start`.
};

/// An element of a dtype that C++ has no type for, as the bits that are stored. (Of dtypes of less than a byte, the low ones.)
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

/// The dtype of a C++ type; `invalid` of one that is no tensor's element. Strings are no elements of memory.
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

// The memory of a container, an array of any rank, or one element, as a span of its elements.
template <typename T>
auto elements(T &values) noexcept {
    if constexpr (std::is_array_v<T>) {
        using element = std::remove_all_extents_t<T>;
        return span<element>(reinterpret_cast<element *>(&values), sizeof(T) / sizeof(element));
    } else if constexpr (is_element<std::remove_const_t<T>>) {
        return span<T>(&values, 1);
    } else {
        using element = std::remove_pointer_t<decltype(std::data(values))>;
        if constexpr (std::is_array_v<element>) {
            using innermost = std::remove_all_extents_t<element>;
            return span<innermost>(reinterpret_cast<innermost *>(std::data(values)),
                                   std::size(values) * (sizeof(element) / sizeof(innermost)));
        } else {
            return span<element>(std::data(values), std::size(values));
        }
    }
}

template <typename T>
using element_of = std::remove_cv_t<typename decltype(elements(std::declval<T &>()))::element_type>;

template <typename T>
constexpr ckpt_dtype number_of() noexcept {
    static_assert(is_element<T>, "no dtype of TensorFlow has elements of this type");
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

}  // namespace checkpoint

#endif
