// Saves that run in the background.
#ifndef CHECKPOINT_PENDING_HPP
#define CHECKPOINT_PENDING_HPP

#include <checkpoint/core.hpp>
#include <chrono>

CHECKPOINT_BEGIN

/// A save that runs in the background. Several threads may use it at once. When it is destroyed the
/// save goes on. Its error costs no other save: it is in the log, checkpoint::sync() throws it, and
/// checkpoint::last_failure() gives it.
class pending {
   public:
    /// Takes a handle of the C API, which becomes this object's.
    explicit pending(detail::handle<ckpt_pending, ckpt_pending_free> raw) noexcept : handle_(std::move(raw)) {}

    /// How far a save is.
    struct progress {
        std::uint64_t done = 0;    ///< Bytes that are written.
        std::uint64_t total = 0;   ///< Bytes that are to be written.
        bool is_finished = false;  ///< Whether the save is over, well or not.
    };

    /// The path of the checkpoint that is being written.
    std::string_view path() const noexcept { return detail::text(ckpt_pending_path(get())); }
    /// How far it is. This never waits.
    progress poll() const noexcept {
        progress now;
        now.is_finished = ckpt_pending_poll(get(), &now.done, &now.total);
        return now;
    }
    /// Waits until the save is over; the answer is the path of the checkpoint. Throws what went
    /// wrong; it may be called again, and says the same then. checkpoint::code::cancelled when it
    /// was cancelled.
    std::string wait() const {
        detail::string_handle path;
        detail::call(ckpt_pending_wait, get(), path.out());
        return detail::take(path);
    }
    /// wait() without exceptions.
    result<std::string> try_wait() const {
        return try_call([&] { return wait(); });
    }
    /// Waits until the save is over, but not longer than `limit`, and says whether it is. It asks
    /// for no error: that is still to be heard of.
    bool wait_for(std::chrono::duration<double> limit) const noexcept { return ckpt_pending_wait_for(get(), limit.count()); }
    /// Ends the save soon, unless all is written by then; wait() says whether it came to that.
    void cancel() const noexcept { ckpt_pending_cancel(get()); }

    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_pending *get() const noexcept { return handle_.get(); }

   private:
    detail::handle<ckpt_pending, ckpt_pending_free> handle_;
};

CHECKPOINT_END

#endif
