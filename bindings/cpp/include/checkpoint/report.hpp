// What became of each value of a restore.
#ifndef CHECKPOINT_REPORT_HPP
#define CHECKPOINT_REPORT_HPP

#include <checkpoint/node.hpp>
#include <optional>

CHECKPOINT_BEGIN

/// What became of one value. A value: copies are cheap, and each keeps its report.
class row {
   public:
    /// `raw`, which `report` lends.
    row(std::shared_ptr<const ckpt_report> report, const ckpt_report_row *raw) noexcept : report_(std::move(report)), raw_(raw) {}

    /// The path of the object, in the checkpoint; of one that is missing there, in the program.
    std::string_view path() const noexcept { return detail::text(ckpt_report_row_path(raw_)); }
    /// The key of the value in the checkpoint, or that it would have there.
    std::string_view key() const noexcept { return detail::text(ckpt_report_row_key(raw_)); }
    /// What became of it.
    row_state state() const noexcept { return static_cast<row_state>(ckpt_report_row_state(raw_)); }
    /// The dtype in the checkpoint; `invalid` where it has no such tensor.
    dtype saved_dtype() const noexcept { return static_cast<dtype>(ckpt_report_row_saved_dtype(raw_)); }
    /// The dimensions in the checkpoint; nothing where it has no such tensor.
    std::optional<shape_view> saved_shape() const noexcept {
        return shape_of(ckpt_report_row_saved_shape(raw_), ckpt_report_row_saved_rank(raw_));
    }
    /// The dtype in the program; `invalid` where it has no such object, takes what comes, or has
    /// state of its own.
    dtype program_dtype() const noexcept { return static_cast<dtype>(ckpt_report_row_program_dtype(raw_)); }
    /// The dimensions in the program, -1 for one that may be anything; nothing as for the dtype.
    std::optional<shape_view> program_shape() const noexcept {
        return shape_of(ckpt_report_row_program_shape(raw_), ckpt_report_row_program_rank(raw_));
    }
    /// Of a variable that is a part of a tensor: which slice of it, as TensorFlow spells it,
    /// `0,4:-`; the dimensions in the program are then those of the tensor. Empty of other objects.
    std::string_view program_slice() const noexcept { return ::checkpoint::detail::text(ckpt_report_row_program_slice(raw_)); }
    /// The object in the program; none where it has none.
    ::checkpoint::node node() const noexcept { return {ckpt_report_row_node(raw_)}; }
    /// The node in the checkpoint's object graph; -1 where it has none.
    std::int64_t saved_node() const noexcept { return ckpt_report_row_saved_node(raw_); }
    /// For a value without an object, or an object without a value: the path of its probable
    /// counterpart, the only one on the other side with the same dtype, shape and last names; empty
    /// when there is none.
    std::string_view candidate() const noexcept { return detail::text(ckpt_report_row_candidate(raw_)); }
    /// More on why; empty when there is no more to say.
    std::string_view detail() const noexcept { return ::checkpoint::detail::text(ckpt_report_row_detail(raw_)); }

   private:
    static std::optional<shape_view> shape_of(const std::int64_t *dimensions, std::int32_t rank) noexcept {
        if (rank < 0) return std::nullopt;
        return shape_view(dimensions, static_cast<std::size_t>(rank));
    }

    std::shared_ptr<const ckpt_report> report_;
    const ckpt_report_row *raw_;
};

/// What became of every value of a restore: a range of checkpoint::row, one for each value of the
/// checkpoint, then one for each object of the program that it has no value for. It says how things
/// stood when it was made. Several threads may use it at once.
class report {
   public:
    /// Takes a handle of the C API, which becomes this object's.
    explicit report(detail::handle<ckpt_report, ckpt_report_free> raw) : handle_(raw.share()) {}
    report(report &&) noexcept = default;             ///< Moves.
    report &operator=(report &&) noexcept = default;  ///< Moves.

    /// The number of rows.
    std::size_t size() const noexcept { return ckpt_report_count(handle_.get()); }
    /// Whether there are none.
    bool empty() const noexcept { return size() == 0; }
    /// How many rows have this state.
    std::size_t count(row_state state) const noexcept {
        return ckpt_report_count_of(handle_.get(), static_cast<ckpt_row_state>(state));
    }
    /// The row at `index`, which must be less than size().
    row operator[](std::size_t index) const noexcept { return {handle_, ckpt_report_get(handle_.get(), index)}; }
    /// Iterates over checkpoint::row.
    using iterator = detail::index_iterator<report, row>;
    /// The first.
    iterator begin() const noexcept { return {this, 0}; }
    /// Past the last.
    iterator end() const noexcept { return {this, size()}; }
    /// One line: how many rows there are of each state.
    std::string_view summary() const noexcept { return detail::text(ckpt_report_summary(handle_.get())); }
    /// A table for people: a line for each row.
    std::string_view table() const noexcept { return detail::text(ckpt_report_table(handle_.get())); }
    /// JSON for programs.
    std::string_view json() const noexcept { return detail::text(ckpt_report_json(handle_.get())); }

   private:
    std::shared_ptr<ckpt_report> handle_;
};

CHECKPOINT_END

#endif
