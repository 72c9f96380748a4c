// What every other header of the binding stands on: errors, handles, callbacks.
#ifndef CHECKPOINT_CORE_HPP
#define CHECKPOINT_CORE_HPP

#include <checkpoint.h>

#include <checkpoint/types.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// TensorFlow's checkpoints without TensorFlow.
CHECKPOINT_BEGIN

/// The version of the library that is loaded, e.g. `0.1.0`.
inline std::string_view version() noexcept { return ckpt_version(); }

/// How many handles the library has given that were not freed yet: 0 when all objects of this
/// binding are gone. For tests that look for leaks.
inline std::uint64_t live_handles() noexcept { return ckpt_live_handles(); }

/// What a call that failed throws. Copies share what they know.
class error : public std::runtime_error {
   public:
    /// An error of a program's own, for callbacks: the call that called them fails, and says
    /// `message`.
    error(::checkpoint::code code, const std::string &message, ::checkpoint::reason reason = ::checkpoint::reason::none,
          std::exception_ptr cause = nullptr)
        : std::runtime_error(message), code_(code), reason_(reason), cause_(std::move(cause)) {}

    /// An error that the library gave, which becomes this one's; `raw` may be NULL.
    error(ckpt_code code, ckpt_error *raw, std::exception_ptr cause)
        : std::runtime_error(raw ? ckpt_error_message(raw) : ckpt_code_name(code)),
          code_(static_cast<::checkpoint::code>(code)),
          reason_(static_cast<::checkpoint::reason>(ckpt_error_reason(raw))),
          raw_(raw, ckpt_error_free),
          cause_(std::move(cause)) {}

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
    /// What a callback threw on the thread that made the call; null if none did.
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

/// @cond
namespace detail {

// A call under way on this thread, which takes what its callbacks throw.
struct frame {
    inline static thread_local frame *current = nullptr;

    frame() noexcept : outer(current) { current = this; }
    ~frame() { current = outer; }
    frame(const frame &) = delete;
    frame &operator=(const frame &) = delete;

    // What a callback ended with that the C API does not know.
    static void park(std::exception_ptr cause, const char *text) {
        if (!current || current->is_parked) return;
        current->is_parked = true;
        current->cause = std::move(cause);
        current->text = text;
    }

    frame *outer;
    bool is_parked = false;
    std::exception_ptr cause;
    std::string text;
};

// Refuses a library that is older than the header, at the first call that can fail.
inline void check_version() {
    static std::atomic<bool> checked{false};
    if (checked) return;
    ckpt_error *raw = nullptr;
    const ckpt_code answer = ckpt_check_version(CKPT_VERSION_MAJOR, CKPT_VERSION_MINOR, CKPT_VERSION_PATCH, &raw);
    if (answer != CKPT_CODE_OK) return fail(error(answer, raw, nullptr));
    checked = true;
}

// Calls a function of the C API that can fail; its last argument is left out.
template <typename Function, typename... Arguments>
void call(Function function, Arguments... arguments) {
    check_version();
    if (attempt::has_failed()) return;
    frame here;
    ckpt_error *raw = nullptr;
    const ckpt_code answer = function(arguments..., &raw);
    if (answer != CKPT_CODE_OK) return fail(error(answer, raw, std::move(here.cause)));
    // The C API has no way to fail for these callbacks; the exception must not be lost all the
    // same.
    if (here.is_parked) fail(error(code::aborted, "a callback threw: " + here.text, reason::callback, std::move(here.cause)));
}

// Calls a function of the C API whose error is its result; its last argument is left out.
template <typename Function, typename... Arguments>
std::optional<error> failure(Function function, Arguments... arguments) {
    ckpt_error *raw = nullptr;
    const ckpt_code answer = function(arguments..., &raw);
    if (answer == CKPT_CODE_OK) return std::nullopt;
    return error(answer, raw, nullptr);
}

// What is not an error of this binding.
inline constexpr const char *no_exception = "an exception that is no std::exception";

// Runs what must not end with an exception: `failed(code, text)` hears of one.
template <typename Body, typename Failed>
void contained(Body &&body, Failed &&failed) noexcept {
#if CHECKPOINT_EXCEPTIONS
    try {
        body();
    } catch (const error &thrown) {
        failed(thrown.code(), thrown.what());
    } catch (const std::exception &thrown) {
        failed(code::unknown, thrown.what());
    } catch (...) {
        failed(code::unknown, no_exception);
    }
#else
    attempt here;
    body();
    if (here.failed) failed(here.failed->code(), here.failed->what());
#endif
}

// Runs a callback. What it throws becomes the failure's text.
template <typename Body>
ckpt_code guarded(ckpt_failure *failure, Body &&body) noexcept {
    ckpt_code answer = CKPT_CODE_OK;
    contained(body, [&](code code, const char *text) {
        frame::park(std::current_exception(), text);
        ckpt_failure_set(failure, text, std::char_traits<char>::length(text));
        answer = code == ::checkpoint::code::ok ? CKPT_CODE_UNKNOWN : static_cast<ckpt_code>(code);
    });
    return answer;
}

// The same for callbacks that answer and cannot fail: `otherwise` is the answer then.
template <typename Answer, typename Body>
Answer guarded_answer(Answer otherwise, Body &&body) noexcept {
    Answer answer = otherwise;
    contained([&] { answer = body(); },
              [&](code, const char *text) {
                  frame::park(std::current_exception(), text);
                  answer = otherwise;
              });
    return answer;
}

// The same for callbacks of which nobody hears.
template <typename Body>
void unheard(Body &&body) noexcept {
    contained(body, [](code, const char *) {});
}

// A path as the C API takes it.
inline const char *c_path(const file_path &path) {
    if (path.has_nul()) fail(error(code::invalid_argument, "a path with a NUL in it", reason::argument));
    return path.c_str();
}

// A function object as user_data.
template <typename Function>
Function &unbox(void *user_data) noexcept {
    return *static_cast<Function *>(user_data);
}
template <typename Function>
void free_box(void *user_data) noexcept {
    delete static_cast<Function *>(user_data);
}
template <typename Function>
void *box(Function function) {
    return new Function(std::move(function));
}

using release_function = std::function<void()>;
// The release callback of memory: runs the function, which is the caller's and may throw into
// nowhere.
inline void run_release(void *user_data) noexcept {
    const std::unique_ptr<release_function> release(static_cast<release_function *>(user_data));
    unheard([&] { (*release)(); });
}

using progress_function = std::function<void(std::uint64_t done, std::uint64_t total)>;
inline ckpt_code run_progress(void *user_data, std::uint64_t done, std::uint64_t total) noexcept {
    return guarded(nullptr, [&] { unbox<progress_function>(user_data)(done, total); });
}

using read_function = std::function<void(std::uint64_t offset, span<std::byte> buffer)>;
inline ckpt_code run_read(void *user_data, std::uint64_t offset, void *buffer, std::size_t size, ckpt_failure *failure) noexcept {
    return guarded(failure, [&] { unbox<read_function>(user_data)(offset, {static_cast<std::byte *>(buffer), size}); });
}

// An owned handle. One that nothing was written to is NULL, which the library takes for the default
// options, or refuses.
template <typename Handle, void (*Free)(Handle *)>
class handle {
   public:
    handle() noexcept = default;
    explicit handle(Handle *raw) noexcept : raw_(raw) {}
    handle(handle &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
    handle &operator=(handle &&other) noexcept {
        handle moved(std::move(other));
        std::swap(raw_, moved.raw_);
        return *this;
    }
    handle(const handle &) = delete;
    handle &operator=(const handle &) = delete;
    ~handle() { Free(raw_); }

    Handle *get() const noexcept { return raw_; }
    Handle **out() noexcept { return &raw_; }

    // For handles that are made when they are first needed.
    template <typename Make>
    Handle *make(Make &&make) {
        if (!raw_) raw_ = make();
        return raw_;
    }

    // Hands the handle to as many as need it.
    std::shared_ptr<Handle> share() {
        return std::shared_ptr<Handle>(std::exchange(raw_, nullptr), [](Handle *raw) { Free(raw); });
    }

   private:
    Handle *raw_ = nullptr;
};

// Options: the handle, which is NULL for the defaults, and what was set, which copies have too.
template <typename Self, typename Raw, void (*Free)(Raw *)>
class settings {
   public:
    settings(const settings &other) : new_(other.new_), settings_(other.settings_) {
        if (other.get()) make();
        for (const auto &setting : settings_) setting(make());
    }
    settings(settings &&other) noexcept
        : new_(other.new_), handle_(std::move(other.handle_)), settings_(std::move(other.settings_)) {}
    settings &operator=(settings other) noexcept {
        std::swap(new_, other.new_);
        std::swap(handle_, other.handle_);
        std::swap(settings_, other.settings_);
        return *this;
    }

    // The handle; NULL for the defaults.
    const Raw *get() const noexcept { return handle_.get(); }

   protected:
    using make_function = std::function<Raw *()>;
    // Options that are made when the first of them is set.
    explicit settings(Raw *(*function)()) : new_(function) {}
    // Options that are made at once.
    explicit settings(make_function function) : new_(std::move(function)) { make(); }

    template <typename Setting>
    Self &set(Setting setting) {
        setting(make());
        settings_.emplace_back(std::move(setting));
        return static_cast<Self &>(*this);
    }

   private:
    Raw *make() { return handle_.make(new_); }

    make_function new_;
    handle<Raw, Free> handle_;
    std::vector<std::function<void(Raw *)>> settings_;
};

// The text of a ckpt_string, which is freed.
using string_handle = handle<ckpt_string, ckpt_string_free>;
inline std::string take(const string_handle &string) { return std::string(text(ckpt_string_bytes(string.get()))); }

// A path that a call may have none of.
inline std::optional<std::string> take_optional(const string_handle &string) {
    return string.get() ? std::optional<std::string>(take(string)) : std::nullopt;
}
using strings_handle = handle<ckpt_strings, ckpt_strings_free>;

// A range over what has a count and an element by index. Elements are values.
template <typename Range, typename Element>
class index_iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Element;
    using difference_type = std::ptrdiff_t;
    using pointer = const Element *;
    using reference = Element;

    index_iterator() = default;
    index_iterator(const Range *range, std::size_t index) noexcept : range_(range), index_(index) {}
    Element operator*() const { return (*range_)[index_]; }
    index_iterator &operator++() noexcept {
        ++index_;
        return *this;
    }
    index_iterator operator++(int) noexcept {
        index_iterator before = *this;
        ++index_;
        return before;
    }
    bool operator==(const index_iterator &other) const noexcept { return index_ == other.index_; }
    bool operator!=(const index_iterator &other) const noexcept { return index_ != other.index_; }

   private:
    const Range *range_ = nullptr;
    std::size_t index_ = 0;
};

}  // namespace detail
/// @endcond

/// A flag that stops long calls, from any thread. Options keep what they need of it.
class cancel {
   public:
    /// A flag that is not raised. Copies are the same flag.
    cancel() : handle_(ckpt_cancel_new(), ckpt_cancel_free) {}
    /// Raises it: calls that were given it throw checkpoint::code::cancelled soon, unless they have
    /// published by then. It stays raised.
    void raise() const noexcept { ckpt_cancel_raise(handle_.get()); }
    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_cancel *get() const noexcept { return handle_.get(); }

   private:
    std::shared_ptr<ckpt_cancel> handle_;
};

/// The elements of a string or variant tensor: a range of std::string_view. Several threads may use
/// it at once.
class strings {
   public:
    /// Takes a handle of the C API, which becomes this object's.
    explicit strings(detail::handle<ckpt_strings, ckpt_strings_free> raw) noexcept : handle_(std::move(raw)) {}
    /// How many there are.
    std::size_t size() const noexcept { return ckpt_strings_count(handle_.get()); }
    /// Whether there are none.
    bool empty() const noexcept { return size() == 0; }
    /// The element at `index` in row-major order; empty past the end.
    std::string_view operator[](std::size_t index) const noexcept { return detail::text(ckpt_strings_get(handle_.get(), index)); }
    /// Iterates over std::string_view.
    using iterator = detail::index_iterator<strings, std::string_view>;
    /// The first.
    iterator begin() const noexcept { return {this, 0}; }
    /// Past the last.
    iterator end() const noexcept { return {this, size()}; }
    /// Copies of all.
    std::vector<std::string> copy() const { return std::vector<std::string>(begin(), end()); }

   private:
    detail::handle<ckpt_strings, ckpt_strings_free> handle_;
};

CHECKPOINT_END

#endif
