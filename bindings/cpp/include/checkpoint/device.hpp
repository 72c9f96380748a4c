// Values on devices, which the library reads and writes in pieces.
#ifndef CHECKPOINT_DEVICE_HPP
#define CHECKPOINT_DEVICE_HPP

#include <algorithm>
#include <checkpoint/node.hpp>
#include <optional>

CHECKPOINT_BEGIN

/// How the library gets at a value that is on a device, or in another process: in pieces.
/// Row-major, native byte order.
struct device_functions {
    /// Fills `buffer` from byte `offset` of the value on. Needed. Called on the threads that write.
    std::function<void(std::uint64_t offset, span<std::byte> buffer)> read;
    /// Whether `read` may be called by several threads at once.
    bool concurrent = false;
    /// Takes the bytes from `offset` on; each byte comes once. Without it the variable can only be
    /// saved.
    std::function<void(std::uint64_t offset, span<const std::byte> data)> write;
    /// Says what shape the value has now; nothing when there is none yet. By default the shape it
    /// was added with, or that of the value that was written last.
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
        if (shape->size() > CKPT_MAX_RANK) {
            fail(error(code::invalid_argument, "too many dimensions", reason::shape));
            return -1;
        }
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

CHECKPOINT_END

#endif
