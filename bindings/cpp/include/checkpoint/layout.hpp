// How the memory of C++ types becomes a tensor: its elements and its dimensions.
#ifndef CHECKPOINT_LAYOUT_HPP
#define CHECKPOINT_LAYOUT_HPP

#include <checkpoint/types.hpp>

CHECKPOINT_BEGIN

/// @cond
namespace detail {

// The dimensions of a type, outermost first; -1 for the length of a std::vector, which it says
// itself.
template <std::int64_t... Dimensions>
struct dimensions {
    static constexpr std::size_t rank = sizeof...(Dimensions);
    static constexpr bool is_fixed = ((Dimensions >= 0) && ...);
    static constexpr std::array<std::int64_t, rank> values = {Dimensions...};
    template <std::int64_t Outer>
    using in = dimensions<Outer, Dimensions...>;
};

// Whether and how a type is a tensor.
template <typename T, typename = void>
struct layout {
    static constexpr bool is_tensor = false;
};
template <typename T>
struct layout<T, std::enable_if_t<is_element<T>>> {
    static constexpr bool is_tensor = true;
    using element = T;
    using shape = dimensions<>;
};
template <typename T, std::int64_t Length, typename Inner = layout<T>, bool Is = Inner::is_tensor>
struct outer {
    static constexpr bool is_tensor = false;
};
template <typename T, std::int64_t Length, typename Inner>
struct outer<T, Length, Inner, true> {
    static constexpr bool is_tensor = Inner::shape::is_fixed;  // a vector of vectors is none
    using element = typename Inner::element;
    using shape = typename Inner::shape::template in<Length>;
};
template <typename T, std::size_t Length>
struct layout<T[Length]> : outer<T, static_cast<std::int64_t>(Length)> {};
template <typename T, std::size_t Length>
struct layout<std::array<T, Length>> : outer<T, static_cast<std::int64_t>(Length)> {};
template <typename T, typename Allocator>
struct layout<std::vector<T, Allocator>> : outer<T, -1> {};
template <typename Allocator>
struct layout<std::vector<bool, Allocator>> {
    static constexpr bool is_tensor = false;
};

template <typename T>
struct is_vector : std::false_type {};
template <typename T, typename Allocator>
struct is_vector<std::vector<T, Allocator>> : std::true_type {};
template <typename T>
struct is_vector_of_bool : std::false_type {};
template <typename Allocator>
struct is_vector_of_bool<std::vector<bool, Allocator>> : std::true_type {};

// What a type that is no tensor lacks, in one sentence.
template <typename T>
constexpr void explain_no_tensor() {
    using innermost = std::remove_all_extents_t<T>;
    constexpr bool is_text = std::is_convertible_v<const T &, std::string_view>;
    static_assert(!is_vector_of_bool<T>::value,
                  "checkpoint: std::vector<bool> has no elements in memory; use checkpoint::array<bool> or std::array<bool, N>");
    static_assert(!std::is_enum_v<innermost>,
                  "checkpoint: an enumeration is no element of a tensor; keep its number in an integer member");
    static_assert(!std::is_pointer_v<innermost> || is_text,
                  "checkpoint: a pointer does not say how many elements it leads to; use checkpoint::span or std::vector");
    static_assert(!is_text, "checkpoint: a string is no tensor's memory; use the member checkpoint::text");
    static_assert(is_vector_of_bool<T>::value || std::is_enum_v<innermost> || std::is_pointer_v<innermost> || is_text,
                  "checkpoint: this type is no element, std::array, std::vector or array of elements, and has no members() "
                  "(CHECKPOINT_MEMBERS) and no save() and restore()");
}

}  // namespace detail
/// @endcond

CHECKPOINT_END

#endif
