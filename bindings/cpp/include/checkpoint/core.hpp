// What every other header of the binding stands on: handles, callbacks.
#ifndef CHECKPOINT_CORE_HPP
#define CHECKPOINT_CORE_HPP

#include <checkpoint.h>

#include <checkpoint/error.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
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

/// @cond
namespace detail {

// A call under way on this thread. It takes what those of its callbacks throw that have no
// ckpt_failure: whose answer is not a code, and those that hear of progress.
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

// Whether elements of T can hold those of a dtype; fails if not. `tensor` is the name in the
// message.
template <typename T>
bool check_elements(dtype type, std::string_view tensor = {}) {
    if (type == dtype_of<T>) return true;
    call(ckpt_dtype_check_elements, static_cast<ckpt_dtype>(type), number_of<T>(), tensor.data(), tensor.size());
    return !attempt::has_failed();
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

// Tells the library, or the call under way, of the exception that is being handled.
inline void tell(ckpt_failure *failure, const char *text) noexcept {
    if (!failure) return frame::park(std::current_exception(), text);
    ckpt_failure_set(failure, text, std::char_traits<char>::length(text));
    const std::exception_ptr thrown = std::current_exception();
    if (!thrown) return;
    if (auto *cause = new (std::nothrow) std::exception_ptr(thrown)) ckpt_failure_set_cause(failure, cause, free_cause);
}

// Runs a callback. What it throws becomes the failure's text and cause.
template <typename Body>
ckpt_code guarded(ckpt_failure *failure, Body &&body) noexcept {
    ckpt_code answer = CKPT_CODE_OK;
    contained(body, [&](code code, const char *text) {
        tell(failure, text);
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

using log_function = std::function<void(severity, std::string_view)>;
// A log that throws has nobody to tell.
inline void run_log(void *user_data, ckpt_severity severity, const char *text, std::size_t len) noexcept {
    unheard([&] { unbox<log_function>(user_data)(static_cast<::checkpoint::severity>(severity), {text, len}); });
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
