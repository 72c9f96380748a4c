// What became of a restore, and becomes of it as the program goes on.
#ifndef CHECKPOINT_STATUS_HPP
#define CHECKPOINT_STATUS_HPP

#include <checkpoint/pending.hpp>
#include <checkpoint/report.hpp>

CHECKPOINT_BEGIN

/// What became of a restore, and becomes of it as the program goes on: values that wait for objects
/// are restored when these are tracked. Assertions that do not hold throw
/// checkpoint::reason::assertion, and name the first few objects.
///
/// When it, and everything that waits for its restore, is gone, a warning lists what of the
/// checkpoint was never used, unless expect_partial() was called.
class status {
   public:
    /// Takes a handle of the C API, which becomes this object's.
    explicit status(detail::handle<ckpt_status, ckpt_status_free> raw) noexcept : handle_(std::move(raw)) {}

    /// What kind of restore it is of.
    restore_kind kind() const noexcept { return static_cast<restore_kind>(ckpt_status_kind(get())); }
    /// The prefix of the checkpoint that was restored; empty when there is none.
    std::string_view path() const noexcept { return detail::text(ckpt_status_path(get())); }
    /// Asserts that everything in the checkpoint was restored, and every object of the program from
    /// it.
    const status &assert_consumed() const { return asserts(ckpt_status_assert_consumed); }
    /// Asserts that every object of the program that is there by now, and has values, got its value
    /// from the checkpoint.
    const status &assert_existing_objects_matched() const { return asserts(ckpt_status_assert_existing_objects_matched); }
    /// Asserts that all the rest matched: as assert_existing_objects_matched(), but for what the
    /// options leave out. That is what they exclude and, with `mismatch::skip`, what does not fit.
    const status &assert_rest_matched() const { return asserts(ckpt_status_assert_rest_matched); }
    /// Asserts that anything but the root was matched.
    const status &assert_nontrivial_match() const { return asserts(ckpt_status_assert_nontrivial_match); }
    /// Says nothing in the end about values that were not used.
    const status &expect_partial() const noexcept {
        ckpt_status_expect_partial(get());
        return *this;
    }
    /// Does nothing, as in TensorFlow when it is eager; checkpoint::code::failed_precondition when
    /// there is no checkpoint.
    const status &run_restore_ops() const { return asserts(ckpt_status_run_restore_ops); }
    /// Does nothing, as in TensorFlow when it is eager.
    const status &initialize_or_restore() const { return asserts(ckpt_status_initialize_or_restore); }
    /// assert_consumed() without exceptions.
    result<void> try_assert_consumed() const {
        return try_call([&] { assert_consumed(); });
    }
    /// assert_existing_objects_matched() without exceptions.
    result<void> try_assert_existing_objects_matched() const {
        return try_call([&] { assert_existing_objects_matched(); });
    }
    /// What became of every value, as things stand now.
    ::checkpoint::report report() const {
        detail::handle<ckpt_report, ckpt_report_free> raw;
        detail::call(ckpt_status_report, get(), raw.out());
        return ::checkpoint::report(std::move(raw));
    }
    /// Lets nothing wait for this restore any more.
    void drop() const { detail::call(ckpt_status_drop, get()); }

    /// The handle, for calls of the C API; it stays this object's.
    const ckpt_status *get() const noexcept { return handle_.get(); }

   private:
    template <typename Function>
    const status &asserts(Function function) const {
        detail::call(function, get());
        return *this;
    }

    detail::handle<ckpt_status, ckpt_status_free> handle_;
};

/// @cond
template <>
struct detail::taken<status> {
    static status take(const ckpt_pending *pending) {
        handle<ckpt_status, ckpt_status_free> raw;
        call(ckpt_pending_take_status, pending, raw.out());
        return status(std::move(raw));
    }
};
/// @endcond

CHECKPOINT_END

#endif
