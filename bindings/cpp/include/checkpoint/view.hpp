// Tensors as they lie in their data files, mapped into memory.
#ifndef CHECKPOINT_VIEW_HPP
#define CHECKPOINT_VIEW_HPP

#include <checkpoint/core.hpp>

CHECKPOINT_BEGIN

/// A tensor as it lies in its data file, mapped into memory. It outlives the reader. While it
/// lives, nobody may truncate or rewrite the data file in place: touching a page that is gone
/// raises SIGBUS. Several threads may use it at once.
class view {
   public:
    /// Takes a handle of the C API, which becomes this object's; its elements are of `type`.
    view(detail::handle<ckpt_view, ckpt_view_free> raw, ::checkpoint::dtype type) noexcept
        : handle_(std::move(raw)), dtype_(type) {}
    /// The bytes of the value: row-major, little-endian.
    span<const std::byte> bytes() const noexcept {
        const ckpt_bytes bytes = ckpt_view_bytes(handle_.get());
        return {reinterpret_cast<const std::byte *>(bytes.data), bytes.len};
    }
    /// The largest power of two, up to 4096, that the address is a multiple of. TensorFlow packs
    /// tensors without gaps.
    std::size_t alignment() const noexcept { return ckpt_view_alignment(handle_.get()); }
    /// The values where they lie. checkpoint::reason::dtype for another type than the tensor's,
    /// checkpoint::reason::alignment when they are not aligned for it.
    template <typename T>
    span<const T> values() const {
        if (!detail::check_elements<T>(dtype_)) return {};
        if (alignment() < alignof(T)) {
            fail(error(code::failed_precondition, "the values are not aligned in their data file", reason::alignment));
            return {};
        }
        return {reinterpret_cast<const T *>(bytes().data()), bytes().size() / sizeof(T)};
    }

   private:
    detail::handle<ckpt_view, ckpt_view_free> handle_;
    ::checkpoint::dtype dtype_;
};

CHECKPOINT_END

#endif
