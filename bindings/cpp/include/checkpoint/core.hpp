// What every other header of the binding stands on: errors, handles, callbacks.
#ifndef CHECKPOINT_CORE_HPP
#define CHECKPOINT_CORE_HPP

#include <checkpoint.h>

#include <checkpoint/types.hpp>
#include <cstddef>
#include <cstdint>
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
namespace checkpoint {

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

// A call under way on this thread, which takes what its callbacks throw.
struct frame {
    inline static thread_local frame *current = nullptr;

    frame() noexcept : outer(current) { current = this; }
    ~frame() { current = outer; }
    frame(const frame &) = delete;
    frame &operator=(const frame &) = delete;

    static void park() noexcept {
        if (current && !current->cause) current->cause = std::current_exception();
    }

    frame *outer;
    std::exception_ptr cause;
};

inline std::string what(const std::exception_ptr &cause) {
    try {
        std::rethrow_exception(cause);
    } catch (const std::exception &exception) {
        return exception.what();
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

// Refuses a library that is older than the header, at the first call that can fail.
inline void check_version() {
    static const bool checked = [] {
        ckpt_error *raw = nullptr;
        const ckpt_code answer = ckpt_check_version(CKPT_VERSION_MAJOR, CKPT_VERSION_MINOR, CKPT_VERSION_PATCH, &raw);
        if (answer != CKPT_CODE_OK) throw error(answer, raw, nullptr);
        return true;
    }();
    static_cast<void>(checked);
}

// Calls a function of the C API that can fail; its last argument is left out.
template <typename Function, typename... Arguments>
void call(Function function, Arguments... arguments) {
    check_version();
    frame here;
    ckpt_error *raw = nullptr;
    const ckpt_code answer = function(arguments..., &raw);
    if (answer != CKPT_CODE_OK) throw error(answer, raw, std::move(here.cause));
    if (here.cause) {
        // The C API has no way to fail for these callbacks; the exception must not be lost all the
        // same.
        const std::string text = "a callback threw: " + what(here.cause);
        throw error(code::aborted, text, reason::callback, std::move(here.cause));
    }
}

// Calls a function of the C API whose error is its result; its last argument is left out.
template <typename Function, typename... Arguments>
std::optional<error> failure(Function function, Arguments... arguments) {
    ckpt_error *raw = nullptr;
    const ckpt_code answer = function(arguments..., &raw);
    if (answer == CKPT_CODE_OK) return std::nullopt;
    return error(answer, raw, nullptr);
}

// Runs a callback. What it throws becomes the failure's text.
template <typename Body>
ckpt_code guarded(ckpt_failure *failure, Body &&body) noexcept {
    ckpt_code code = CKPT_CODE_UNKNOWN;
    try {
        body();
        return CKPT_CODE_OK;
    } catch (const error &thrown) {
        frame::park();
        ckpt_failure_set(failure, thrown.what(), std::char_traits<char>::length(thrown.what()));
        if (thrown.code() != ::checkpoint::code::ok) code = static_cast<ckpt_code>(thrown.code());
    } catch (const std::exception &thrown) {
        frame::park();
        ckpt_failure_set(failure, thrown.what(), std::char_traits<char>::length(thrown.what()));
    } catch (...) {
        frame::park();
        constexpr std::string_view text = "an exception that is no std::exception";
        ckpt_failure_set(failure, text.data(), text.size());
    }
    return code;
}

// The same for callbacks that answer and cannot fail: `otherwise` is the answer then.
template <typename Answer, typename Body>
Answer guarded_answer(Answer otherwise, Body &&body) noexcept {
    try {
        return body();
    } catch (...) {
        frame::park();
        return otherwise;
    }
}

// A path as the C API takes it.
inline const char *c_path(const file_path &path) {
    if (path.has_nul()) throw error(code::invalid_argument, "a path with a NUL in it", reason::argument);
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
    try {
        (*release)();
    } catch (...) {
    }
}

using progress_function = std::function<void(std::uint64_t done, std::uint64_t total)>;
inline ckpt_code run_progress(void *user_data, std::uint64_t done, std::uint64_t total) noexcept {
    return guarded(nullptr, [&] { unbox<progress_function>(user_data)(done, total); });
}

using log_function = std::function<void(severity, std::string_view)>;
// A log that throws has nobody to tell.
inline void run_log(void *user_data, ckpt_severity severity, const char *text, std::size_t len) noexcept {
    try {
        unbox<log_function>(user_data)(static_cast<::checkpoint::severity>(severity), {text, len});
    } catch (...) {
    }
}
// Sets the log of a handle or of options by a function of the C API.
template <typename Set, typename Target>
void set_log(Set set, Target *target, log_function log) {
    call(set, target, run_log, box(std::move(log)), free_box<log_function>);
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
    /// A flag that is not raised.
    cancel() : handle_(ckpt_cancel_new()) {}
    /// Raises it: calls that were given it throw checkpoint::code::cancelled soon, unless they have
    /// published by then. It stays raised.
    void raise() const noexcept { ckpt_cancel_raise(handle_.get()); }
    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_cancel *get() const noexcept { return handle_.get(); }

   private:
    detail::handle<ckpt_cancel, ckpt_cancel_free> handle_;
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

}  // namespace checkpoint

#endif
