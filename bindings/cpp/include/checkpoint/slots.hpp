// Slot variables for which a checkpoint has values.
#ifndef CHECKPOINT_SLOTS_HPP
#define CHECKPOINT_SLOTS_HPP

#include <checkpoint/device.hpp>

CHECKPOINT_BEGIN

/// Asks for a slot variable for which a checkpoint has a value. It lives while the callback runs.
/// If none of the set functions is called, the value waits until the program makes the slot.
class slot_request {
   public:
    /// Lent by a restore.
    explicit slot_request(ckpt_slot_request *lent) noexcept : raw_(lent) {}
    /// The object that is to have the slot.
    node owner() const noexcept { return {ckpt_slot_request_owner(raw_)}; }
    /// The variable that the slot is kept for.
    node variable() const noexcept { return {ckpt_slot_request_variable(raw_)}; }
    /// What the slot is, e.g. `m`.
    std::string_view name() const noexcept { return detail::text(ckpt_slot_request_name(raw_)); }
    /// The type of the value's elements.
    ::checkpoint::dtype dtype() const noexcept { return static_cast<::checkpoint::dtype>(ckpt_slot_request_dtype(raw_)); }
    /// The dimensions of the value.
    shape_view shape() const noexcept { return {ckpt_slot_request_shape(raw_), ckpt_slot_request_rank(raw_)}; }
    /// Makes the slot a variable whose memory is the graph's.
    void set_owned(const node_options &options = {}) { detail::call(ckpt_slot_request_set_owned, raw_, options.get()); }
    /// Makes the slot a variable whose value is this memory, borrowed until `release` is called.
    template <typename T>
    void set_borrowed(span<T> values, std::function<void()> release = nullptr, const node_options &options = {}) {
        const detail::release_callback free(std::move(release));
        detail::call(ckpt_slot_request_set_borrowed, raw_, values.data(), values.size_bytes(), free.user_data, free.callback,
                     options.get());
    }
    /// Makes the slot a variable whose value is on a device.
    void set_device(const device &device, const node_options &options = {}) {
        detail::call(ckpt_slot_request_set_device, raw_, device.get(), options.get());
    }

   private:
    ckpt_slot_request *raw_;
};

/// @cond
namespace detail {

using slot_function = std::function<void(slot_request &)>;

inline ckpt_code slot_create(void *user_data, ckpt_slot_request *raw, ckpt_failure *failure) noexcept {
    return guarded(failure, [&] {
        slot_request request(raw);
        unbox<slot_function>(user_data)(request);
    });
}

}  // namespace detail
/// @endcond

CHECKPOINT_END

#endif
