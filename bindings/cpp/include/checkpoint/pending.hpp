// Calls that run in the background.
#ifndef CHECKPOINT_PENDING_HPP
#define CHECKPOINT_PENDING_HPP

#include <checkpoint/constants.hpp>
#include <checkpoint/core.hpp>
#include <chrono>
#include <functional>
#include <type_traits>

CHECKPOINT_BEGIN

/// @cond
namespace detail {

// Takes the result of a kind; specialized where the kind is.
template <typename T>
struct taken;

using pending_handle = handle<ckpt_pending, ckpt_pending_free>;

using ended_function = std::function<void()>;
// A function that throws has nobody to tell.
inline void run_ended(void *user_data) noexcept {
    unheard([&] { unbox<ended_function>(user_data)(); });
}

}  // namespace detail
/// @endcond

/// How far a call in the background is.
struct pending_progress {
    std::uint64_t done = 0;    ///< Bytes that are written, read or verified.
    std::uint64_t total = 0;   ///< Bytes that are to be, as far as it is known.
    bool is_finished = false;  ///< Whether the call is over, well or not.
};

/// What a phase of a save has cost.
struct phase_cost {
    std::uint64_t bytes = 0;  ///< Bytes copied, written or synced; 0 for the other phases.
    double seconds = 0;       ///< The time of the calling thread, or of the one in the background.
};

/// A call that runs in the background, on a thread of the library, and gives a `T`. The functions
/// that end in `_async` give one; saves give a path, `pending<>`. Several threads may use it at
/// once. When it is destroyed the call goes on. The error of a save costs no other save: it is in
/// the log, checkpoint::sync() throws it, and checkpoint::last_failure() gives it.
template <typename T = std::string>
class pending {
   public:
    /// Takes a handle of the C API, which becomes this object's.
    explicit pending(detail::pending_handle raw) noexcept : handle_(std::move(raw)) {}

    /// The path that the call was given; for a save, that of the checkpoint that is being written.
    std::string_view path() const noexcept { return detail::text(ckpt_pending_path(get())); }
    /// How far it is. This never waits.
    pending_progress poll() const noexcept {
        pending_progress now;
        now.is_finished = ckpt_pending_poll(get(), &now.done, &now.total);
        return now;
    }
    /// Waits until the call is over; of a save the answer is the path of the checkpoint. Throws
    /// what went wrong; it may be called again, and says the same then.
    /// checkpoint::code::cancelled when it was cancelled.
    std::conditional_t<std::is_same_v<T, std::string>, std::string, void> wait() const {
        detail::string_handle path;
        detail::call(ckpt_pending_wait, get(), path.out());
        if constexpr (std::is_same_v<T, std::string>) return detail::take(path);
    }
    /// wait() without exceptions.
    ::checkpoint::result<std::conditional_t<std::is_same_v<T, std::string>, std::string, void>> try_wait() const {
        return try_call([&] { return wait(); });
    }
    /// take() without exceptions.
    ::checkpoint::result<T> try_take() const {
        return try_call([&] { return take(); });
    }
    /// Waits until the call is over, and takes its result, once. Throws as wait().
    T take() const {
        if constexpr (std::is_same_v<T, std::string> || std::is_void_v<T>) {
            return wait();
        } else {
            return detail::taken<T>::take(get());
        }
    }
    /// Waits until the call is over, but not longer than `limit`, and says whether it is. It asks
    /// for no error: that is still to be heard of.
    bool wait_for(std::chrono::duration<double> limit) const noexcept { return ckpt_pending_wait_for(get(), limit.count()); }
    /// Has `ended` called once when the call is over, on a thread of the library, also if it is
    /// over already, and whether or not this object still is. It may call anything, but should not
    /// take long. What it throws is lost.
    void notify(std::function<void()> ended) const {
        detail::call(ckpt_pending_notify, get(), detail::run_ended, detail::box(std::move(ended)),
                     detail::free_box<detail::ended_function>);
    }
    /// Ends the call soon, unless all is done by then; wait() says whether it came to that. A
    /// restore that is cancelled before the first value is assigned changes nothing; later,
    /// checkpoint::last_report() says what was assigned.
    void cancel() const noexcept { ckpt_pending_cancel(get()); }
    /// What a phase of a save has cost so far; all of it once the save is over.
    phase_cost phase(::checkpoint::phase phase) const {
        phase_cost cost;
        detail::call(ckpt_pending_phase, get(), static_cast<ckpt_phase>(phase), &cost.bytes, &cost.seconds);
        return cost;
    }

    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_pending *get() const noexcept { return handle_.get(); }

   private:
    detail::pending_handle handle_;
};

/// @cond
namespace detail {

// Begins a call in the background; the last two arguments of its function are left out.
template <typename T, typename Function, typename... Arguments>
pending<T> begin(Function function, Arguments... arguments) {
    pending_handle raw;
    call(function, arguments..., raw.out());
    return pending<T>(std::move(raw));
}

}  // namespace detail
/// @endcond

CHECKPOINT_END

#endif
