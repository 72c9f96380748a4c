// Saves by several processes together.
#ifndef CHECKPOINT_RANKS_HPP
#define CHECKPOINT_RANKS_HPP

#include <checkpoint/core.hpp>

CHECKPOINT_BEGIN

/// Takes the messages of other ranks. It lives while the function runs.
class messages {
   public:
    /// Lent by a save.
    explicit messages(ckpt_messages *lent) noexcept : raw_(lent) {}
    /// Puts the message of a rank, which is copied.
    void put(std::uint32_t rank, span<const std::byte> message) {
        detail::call(ckpt_messages_put, raw_, rank, message.data(), message.size());
    }

   private:
    ckpt_messages *raw_;
};

/// How ranks talk. The functions are called on the thread that saves, and must not call the graph;
/// how long to wait for the others is theirs to say. One that throws ends the save on this rank
/// with checkpoint::reason::rank.
struct rank_functions {
    /// Sends a message to rank 0; there, puts that of each other rank that came in time.
    std::function<void(span<const std::byte> message, messages &all)> gather;
    /// Sends rank 0's message to all others; there, puts what came, as of rank 0.
    std::function<void(span<const std::byte> message, messages &from_first)> broadcast;
};

/// @cond
namespace detail {

inline ckpt_code rank_gather(void *user_data, const void *message, std::size_t size, ckpt_messages *all,
                             ckpt_failure *failure) noexcept {
    return guarded(failure, [&] {
        messages taken(all);
        unbox<rank_functions>(user_data).gather({static_cast<const std::byte *>(message), size}, taken);
    });
}
inline ckpt_code rank_broadcast(void *user_data, const void *message, std::size_t size, ckpt_messages *from_first,
                                ckpt_failure *failure) noexcept {
    return guarded(failure, [&] {
        messages taken(from_first);
        unbox<rank_functions>(user_data).broadcast({static_cast<const std::byte *>(message), size}, taken);
    });
}

}  // namespace detail
/// @endcond

/// The processes that save a checkpoint together, as one of them sees them. Rank 0 merges and
/// publishes what all have written. For one save at a time.
class ranks {
   public:
    /// The rank `rank` of `count`.
    ranks(std::uint32_t rank, std::uint32_t count, rank_functions functions) {
        auto owned = std::make_unique<rank_functions>(std::move(functions));
        const auto gather = owned->gather ? detail::rank_gather : nullptr;
        const auto broadcast = owned->broadcast ? detail::rank_broadcast : nullptr;
        detail::call(ckpt_ranks_new, rank, count, gather, broadcast, owned.release(), detail::free_box<rank_functions>,
                     handle_.out());
    }
    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_ranks *get() const noexcept { return handle_.get(); }

   private:
    detail::handle<ckpt_ranks, ckpt_ranks_free> handle_;
};

CHECKPOINT_END

#endif
