// Errors, and the results that stand in their place.
#ifndef CHECKPOINT_ERROR_HPP
#define CHECKPOINT_ERROR_HPP

#include <checkpoint.h>

#include <checkpoint/types.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

CHECKPOINT_BEGIN

/// @cond
namespace detail {

// Frees the cause that a callback of this binding has set, and marks it as one.
inline void free_cause(void *cause) noexcept { delete static_cast<std::exception_ptr *>(cause); }

}  // namespace detail
/// @endcond

/// What a call that failed throws. Copies share what they know.
class error : public std::runtime_error {
   public:
    /// An error of a program's own, for callbacks: the call that called them fails, and says
    /// `message`.
    error(::checkpoint::code code, const std::string &message, ::checkpoint::reason reason = ::checkpoint::reason::none,
          std::exception_ptr cause = nullptr)
        : std::runtime_error(message), code_(code), reason_(reason), cause_(std::move(cause)) {}

    /// An error that the library gave, which becomes this one's; `raw` may be NULL. `cause` is for
    /// callbacks that cannot tell the library theirs.
    error(ckpt_code code, ckpt_error *raw, std::exception_ptr cause)
        : std::runtime_error(raw ? ckpt_error_message(raw) : ckpt_code_name(code)),
          code_(static_cast<::checkpoint::code>(code)),
          reason_(static_cast<::checkpoint::reason>(ckpt_error_reason(raw))),
          raw_(raw, ckpt_error_free),
          cause_(std::move(cause)) {
        if (const void *thrown = ckpt_error_cause(raw, detail::free_cause)) cause_ = *static_cast<const std::exception_ptr *>(thrown);
    }

    /// The class of the error. Treat those that you do not know as checkpoint::code::unknown.
    ::checkpoint::code code() const noexcept { return code_; }
    /// Why, as a constant that never changes.
    ::checkpoint::reason reason() const noexcept { return reason_; }
    /// The operating system's error number, if it reported one; else 0.
    int system_error() const noexcept { return ckpt_error_errno(raw_.get()); }
    /// The file or directory at fault; empty when none is named.
    std::string_view file() const noexcept { return detail::text(ckpt_error_file(raw_.get())); }
    /// The key of the tensor at fault; empty when none is named.
    std::string_view tensor() const noexcept { return detail::text(ckpt_error_tensor(raw_.get())); }
    /// What should have been there.
    std::string_view expected() const noexcept { return detail::text(ckpt_error_expected(raw_.get())); }
    /// What was there instead.
    std::string_view found() const noexcept { return detail::text(ckpt_error_found(raw_.get())); }
    /// What a callback threw that made the call fail, on whatever thread it ran; null if none did.
    /// That of a save in the background is there each time that its error is.
    std::exception_ptr cause() const noexcept { return cause_; }

   private:
    ::checkpoint::code code_;
    ::checkpoint::reason reason_;
    std::shared_ptr<const ckpt_error> raw_;
    std::exception_ptr cause_;
};

/// @cond
namespace detail {

// A call that is tried, or a callback: what went wrong in it on this thread, where there are no
// exceptions.
struct attempt {
    inline static thread_local attempt *current = nullptr;

    attempt() noexcept : outer(current) { current = this; }
    ~attempt() { current = outer; }
    attempt(const attempt &) = delete;
    attempt &operator=(const attempt &) = delete;

    // Whether the calls that follow are left out.
    static bool has_failed() noexcept { return !CHECKPOINT_EXCEPTIONS && current && current->failed; }

    attempt *outer;
    std::optional<error> failed;
};

}  // namespace detail
/// @endcond

/// Ends a callback, or whatever calls this, with an error. It is thrown; where there are no
/// exceptions it is noted for the try_ function or the callback under way, in which the calls that
/// follow do nothing, and this returns. If there is none the program ends, with the error's text.
#if CHECKPOINT_EXCEPTIONS
[[noreturn]] inline void fail(const error &error) { throw error; }
#else
inline void fail(const error &error) {
    if (!detail::attempt::current) {
        std::fprintf(stderr, "checkpoint: %s\n", error.what());
        std::abort();
    }
    if (!detail::attempt::current->failed) detail::attempt::current->failed = error;
}
#endif

/// A value, or the error that there is in place of it: what the try_ functions give.
template <typename T>
class [[nodiscard]] result {
   public:
    result(T value) : value_(std::move(value)) {}                     ///< A value.
    result(::checkpoint::error error) : error_(std::move(error)) {}   ///< An error.
    /// Whether there is a value.
    explicit operator bool() const noexcept { return value_.has_value(); }
    /// Whether there is a value.
    bool has_value() const noexcept { return value_.has_value(); }
    T &operator*() noexcept { return *value_; }               ///< The value; there must be one.
    const T &operator*() const noexcept { return *value_; }   ///< The value; there must be one.
    T *operator->() noexcept { return &*value_; }             ///< The value; there must be one.
    const T *operator->() const noexcept { return &*value_; }  ///< The value; there must be one.
    /// The error; there must be one.
    const ::checkpoint::error &error() const noexcept { return *error_; }

   private:
    std::optional<T> value_;
    std::optional<::checkpoint::error> error_;
};

/// Success, or an error.
template <>
class [[nodiscard]] result<void> {
   public:
    result() = default;                                              ///< Success.
    result(::checkpoint::error error) : error_(std::move(error)) {}  ///< An error.
    /// Whether it succeeded.
    explicit operator bool() const noexcept { return !error_; }
    /// Whether it succeeded.
    bool has_value() const noexcept { return !error_; }
    /// The error; there must be one.
    const ::checkpoint::error &error() const noexcept { return *error_; }

   private:
    std::optional<::checkpoint::error> error_;
};

/// Calls `function`, and gives what it returns, or the checkpoint::error that it ends with: for
/// calls that have no try_ function of their own. Where there are no exceptions, the calls of the
/// library after the first that fails do nothing and return nothing of use, so it is best that
/// there is only one.
template <typename Function>
auto try_call(Function &&function) -> result<std::decay_t<decltype(function())>> {
    using value = std::decay_t<decltype(function())>;
#if CHECKPOINT_EXCEPTIONS
    try {
        if constexpr (std::is_void_v<value>) {
            function();
            return {};
        } else {
            return result<value>(function());
        }
    } catch (const error &error) {
        return result<value>(error);
    }
#else
    detail::attempt here;
    if constexpr (std::is_void_v<value>) {
        function();
        return here.failed ? result<value>(*here.failed) : result<value>();
    } else {
        value made = function();
        return here.failed ? result<value>(*here.failed) : result<value>(std::move(made));
    }
#endif
}

CHECKPOINT_END

#endif
