// Checking every checksum of a checkpoint.
#ifndef CHECKPOINT_VERIFY_HPP
#define CHECKPOINT_VERIFY_HPP

#include <checkpoint/options.hpp>
#include <checkpoint/pending.hpp>

CHECKPOINT_BEGIN

/// How a checkpoint is verified.
class verify_options : public basic_verify_options<verify_options> {
   public:
    /// Has `log` called about how the path was understood where that may surprise, as
    /// open_options::log() has; what is wrong with a checkpoint is in the result.
    verify_options &log(std::function<void(severity, std::string_view)> log) {
        return set([log = std::move(log)](auto *raw) { detail::set_log(ckpt_verify_options_set_log, raw, log); });
    }
    /// Has `progress(done, total)` called now and then, in bytes, on the thread that verifies. What
    /// it throws stops the call.
    verify_options &progress(std::function<void(std::uint64_t done, std::uint64_t total)> progress) {
        return set([progress](auto *raw) {
            detail::call(ckpt_verify_options_set_progress, raw, detail::run_progress, detail::box(progress),
                         detail::free_box<detail::progress_function>);
        });
    }
    /// Has the call stop when `flag` is raised.
    verify_options &cancel(const ::checkpoint::cancel &flag) {
        return set([flag](auto *raw) { detail::call(ckpt_verify_options_set_cancel, raw, flag.get()); });
    }
};

/// A fault that verifying found. Its texts are lent by the verification.
struct problem {
    ::checkpoint::code code;      ///< The class.
    ::checkpoint::reason reason;  ///< Why.
    std::string_view message;     ///< In one line.
    std::string_view file;        ///< The file at fault; empty when none is named.
    std::string_view tensor;      ///< The key of the tensor at fault; empty when none is named.
    std::string_view expected;    ///< What should have been there.
    std::string_view found;       ///< What was there instead.
};

/// What verifying found: a range of checkpoint::problem, empty when the checkpoint is whole.
/// Several threads may use it at once.
class verification {
   public:
    /// Takes a handle of the C API, which becomes this object's.
    explicit verification(detail::handle<ckpt_verification, ckpt_verification_free> raw) noexcept : handle_(std::move(raw)) {}
    /// What the checkpoint is good for.
    ::checkpoint::verdict verdict() const noexcept {
        return static_cast<::checkpoint::verdict>(ckpt_verification_verdict(handle_.get()));
    }
    /// The number of problems, at most 10 000; the first is the reason for the verdict.
    std::size_t size() const noexcept { return ckpt_verification_problem_count(handle_.get()); }
    /// Whether the checkpoint is whole.
    bool empty() const noexcept { return size() == 0; }
    /// The problem at `index`, which must be less than size().
    problem operator[](std::size_t index) const noexcept {
        const ckpt_error *raw = ckpt_verification_problem(handle_.get(), index);
        return {static_cast<code>(ckpt_error_code(raw)),
                static_cast<reason>(ckpt_error_reason(raw)),
                ckpt_error_message(raw),
                detail::text(ckpt_error_file(raw)),
                detail::text(ckpt_error_tensor(raw)),
                detail::text(ckpt_error_expected(raw)),
                detail::text(ckpt_error_found(raw))};
    }
    /// Iterates over checkpoint::problem.
    using iterator = detail::index_iterator<verification, problem>;
    /// The first.
    iterator begin() const noexcept { return {this, 0}; }
    /// Past the last.
    iterator end() const noexcept { return {this, size()}; }
    /// The number of tensors listed.
    std::size_t tensor_count() const noexcept { return ckpt_verification_tensor_count(handle_.get()); }
    /// The bytes of values that were checked.
    std::uint64_t byte_count() const noexcept { return ckpt_verification_byte_count(handle_.get()); }
    /// The files that were there.
    std::size_t file_count() const noexcept { return ckpt_verification_file_count(handle_.get()); }

   private:
    detail::handle<ckpt_verification, ckpt_verification_free> handle_;
};

/// Checks the checkpoint at `path`, which may be anything that checkpoint::reader opens: every
/// checksum of every block and tensor, that slices cover their tensors, and that every key of the
/// object graph is there. It goes on after a fault: to return says that it came to the end, not
/// that the checkpoint is whole.
inline verification verify(const file_path &path, const verify_options &options = {}) {
    detail::handle<ckpt_verification, ckpt_verification_free> raw;
    detail::call(ckpt_verify, detail::c_path(path), options.get(), raw.out());
    return verification(std::move(raw));
}

/// verify() without exceptions.
inline result<verification> try_verify(const file_path &path, const verify_options &options = {}) {
    return try_call([&] { return verify(path, options); });
}

/// @cond
template <>
struct detail::taken<verification> {
    static verification take(const ckpt_pending *pending) {
        handle<ckpt_verification, ckpt_verification_free> raw;
        call(ckpt_pending_take_verification, pending, raw.out());
        return verification(std::move(raw));
    }
};
/// @endcond

/// Checks a checkpoint in the background, as verify() does.
inline pending<verification> verify_async(const file_path &path, const verify_options &options = {}) {
    return detail::begin<verification>(ckpt_verify_async, detail::c_path(path), options.get());
}

CHECKPOINT_END

#endif
