// Containers that the graph asks for their values: they may move and grow.
#ifndef CHECKPOINT_RESIZABLE_HPP
#define CHECKPOINT_RESIZABLE_HPP

#include <checkpoint/array.hpp>
#include <checkpoint/core.hpp>
#include <checkpoint/layout.hpp>

CHECKPOINT_BEGIN

/// @cond
namespace detail {

template <typename T>
struct is_array : std::false_type {};
template <typename T>
struct is_array<array<T>> : std::true_type {};

// Whether a type can be given another size.
template <typename T>
inline constexpr bool is_resizable = is_array<T>::value || (is_vector<T>::value && layout<T>::is_tensor);

template <typename Container, bool = is_array<Container>::value>
struct container_layout : layout<Container> {};
template <typename Container>
struct container_layout<Container, true> {
    using element = typename Container::value_type;
};

// A container of the program's, which is saved as it is when it is saved, and the one that a
// restore writes meanwhile. `Keeper` keeps the container, if need be.
template <typename Container, typename Keeper = std::nullptr_t>
struct resizable_memory {
    using element = typename container_layout<Container>::element;

    Container *container;
    std::optional<std::vector<std::int64_t>> fixed;  // the shape, if the container does not say it
    Keeper keeper;
    Container next{};

    static std::int32_t locate(void *user_data, void **data, std::size_t *size, std::int64_t *dimensions) noexcept {
        auto &self = unbox<resizable_memory>(user_data);
        const shape_view shape = self.shape(dimensions);
        if (!self.has_value()) return -1;
        *data = const_cast<void *>(static_cast<const void *>(self.container->data()));
        *size = self.container->size() * sizeof(*self.container->data());
        if (shape.data() != dimensions) std::copy(shape.begin(), shape.end(), dimensions);
        return static_cast<std::int32_t>(shape.rank());
    }
    static ckpt_code resize(void *user_data, const std::int64_t *shape, std::size_t rank, std::size_t size, void **data,
                            ckpt_failure *failure) noexcept {
        return guarded(failure, [&] {
            auto &self = unbox<resizable_memory>(user_data);
            if constexpr (is_array<Container>::value) {
                self.next.assign({shape, rank});
            } else {
                self.next.resize(size / sizeof(*self.next.data()));
            }
            *data = self.next.data();
        });
    }
    static void resized(void *user_data, bool complete) noexcept {
        auto &self = unbox<resizable_memory>(user_data);
        if (complete) std::swap(*self.container, self.next);
        self.next = Container{};
    }

   private:
    bool has_value() const noexcept {
        if constexpr (is_array<Container>::value) return container->has_value();
        return true;
    }
    // The shape as it is now; `room` is where it may be made.
    shape_view shape(std::int64_t *room) const noexcept {
        if constexpr (is_array<Container>::value) {
            return container->shape();
        } else {
            using dimensions = typename layout<Container>::shape;
            if (fixed) return *fixed;
            std::copy(dimensions::values.begin(), dimensions::values.end(), room);
            room[0] = static_cast<std::int64_t>(container->size());
            return {room, dimensions::rank};
        }
    }
};

}  // namespace detail
/// @endcond

CHECKPOINT_END

#endif
