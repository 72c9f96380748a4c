// Keeping a directory in order: the latest checkpoint that is whole, repairing the state file,
// collecting old checkpoints.
#ifndef CHECKPOINT_MAINTENANCE_HPP
#define CHECKPOINT_MAINTENANCE_HPP

#include <checkpoint/options.hpp>
#include <checkpoint/pending.hpp>
#include <checkpoint/verify.hpp>
#include <optional>

CHECKPOINT_BEGIN

/// A checkpoint that is not whole.
struct broken_checkpoint {
    std::string prefix;           ///< Where it is.
    ::checkpoint::verdict verdict;  ///< What it is good for; damaged if it cannot be read.
    ::checkpoint::code code;      ///< The class of the first thing that is wrong with it.
    ::checkpoint::reason reason;  ///< Why.
    std::string message;          ///< In one line.
};

/// @cond
namespace detail {

inline std::vector<broken_checkpoint> broken_checkpoints(const ckpt_broken_checkpoints *raw) {
    std::vector<broken_checkpoint> list;
    for (std::size_t i = 0; i < ckpt_broken_checkpoints_count(raw); i++) {
        const ckpt_error *problem = ckpt_broken_checkpoints_problem(raw, i);
        list.push_back({std::string(text(ckpt_broken_checkpoints_prefix(raw, i))),
                        static_cast<verdict>(ckpt_broken_checkpoints_verdict(raw, i)), static_cast<code>(ckpt_error_code(problem)),
                        static_cast<reason>(ckpt_error_reason(problem)), ckpt_error_message(problem)});
    }
    return list;
}

}  // namespace detail
/// @endcond

/// The newest checkpoint that is whole or, if there is none, the newest incomplete one.
struct valid_checkpoint {
    std::optional<std::string> path;       ///< Nothing when there is none.
    std::vector<broken_checkpoint> newer;  ///< Those that are newer and not whole, the newest first; also `path`, if incomplete.
};

/// Finds the newest checkpoint of `directory` that is whole or, only if there is none, an
/// incomplete one: each is verified as by checkpoint::verify.
inline valid_checkpoint latest_valid_checkpoint(const file_path &directory, const verify_options &options = {}) {
    detail::string_handle path;
    detail::handle<ckpt_broken_checkpoints, ckpt_broken_checkpoints_free> newer;
    detail::call(ckpt_latest_valid_checkpoint, detail::c_path(directory), options.get(), path.out(), newer.out());
    return {detail::take_optional(path), detail::broken_checkpoints(newer.get())};
}

/// @cond
template <>
struct detail::taken<valid_checkpoint> {
    static valid_checkpoint take(const ckpt_pending *pending) {
        string_handle path;
        handle<ckpt_broken_checkpoints, ckpt_broken_checkpoints_free> newer;
        call(ckpt_pending_take_valid_checkpoint, pending, path.out(), newer.out());
        return {take_optional(path), broken_checkpoints(newer.get())};
    }
};
/// @endcond

/// Finds the newest checkpoint that is whole in the background, as latest_valid_checkpoint() does.
inline pending<valid_checkpoint> latest_valid_checkpoint_async(const file_path &directory, const verify_options &options = {}) {
    return detail::begin<valid_checkpoint>(ckpt_latest_valid_checkpoint_async, detail::c_path(directory), options.get());
}

/// A state file that was made anew.
struct repaired_state {
    std::string latest;                       ///< The latest checkpoint that it names.
    std::vector<std::string> paths;           ///< Those that it lists, oldest first.
    bool is_new;                              ///< Whether it differs from the one before.
    std::vector<broken_checkpoint> left_out;  ///< Those that are not whole; incomplete ones are listed if none is whole.
};

/// How a state file is repaired.
class repair_options : public basic_repair_options<repair_options> {
   public:
    /// How checkpoints are verified, with the callbacks of these options, which are copied.
    repair_options &verify(const verify_options &options) {
        return set([options](auto *raw) { detail::call(ckpt_repair_options_set_verify_options, raw, options.get()); });
    }
    /// Has `log` called about a directory that was moved, a file system that has no locks and the
    /// like; by default it is that of the options for verifying.
    repair_options &log(std::function<void(severity, std::string_view)> log) {
        return set([log = std::move(log)](auto *raw) { detail::set_log(ckpt_repair_options_set_log, raw, log); });
    }
};

/// Makes a state file for `directory` that names what is whole.
inline repaired_state repair_checkpoint_state(const file_path &directory, const repair_options &options = {}) {
    detail::handle<ckpt_repaired_state, ckpt_repaired_state_free> raw;
    detail::call(ckpt_repair_checkpoint_state, detail::c_path(directory), options.get(), raw.out());
    repaired_state outcome{std::string(detail::text(ckpt_repaired_state_latest(raw.get()))),
                           {},
                           ckpt_repaired_state_is_new(raw.get()),
                           detail::broken_checkpoints(ckpt_repaired_state_broken(raw.get()))};
    for (std::size_t i = 0; i < ckpt_repaired_state_count(raw.get()); i++) {
        outcome.paths.emplace_back(detail::text(ckpt_repaired_state_path(raw.get(), i)));
    }
    return outcome;
}

/// Which checkpoints stay.
class collect_options : public basic_collect_options<collect_options> {
   public:
    /// The newest `keep`, at least 1.
    explicit collect_options(std::size_t keep) : basic_collect_options([keep] { return ckpt_collect_options_new(keep); }) {}
    /// Has `log` called about the problems that collected::warnings lists, also if the call fails.
    collect_options &log(std::function<void(severity, std::string_view)> log) {
        return set([log = std::move(log)](auto *raw) { detail::set_log(ckpt_collect_options_set_log, raw, log); });
    }
};

/// Removes from `directory` what crashes left.
inline void collect_checkpoints(const file_path &directory) {
    detail::call(ckpt_collect_checkpoints, detail::c_path(directory), nullptr, nullptr);
}
/// Removes from `directory` the managed checkpoints that are too many, and what crashes left. The
/// answer is what was removed, or would be, oldest first.
inline std::vector<std::string> collect_checkpoints(const file_path &directory, const collect_options &options) {
    detail::strings_handle removed;
    detail::call(ckpt_collect_checkpoints, detail::c_path(directory), options.get(), removed.out());
    return strings(std::move(removed)).copy();
}

/// An expired checkpoint that could not be removed.
struct not_removed {
    std::string prefix;           ///< Where it is.
    ::checkpoint::code code;      ///< The class of the reason.
    ::checkpoint::reason reason;  ///< Why.
    std::string message;          ///< In one line.
};

/// What collecting did.
struct collected {
    std::vector<std::string> removed;    ///< The checkpoints removed, or those that would be, oldest first.
    std::vector<std::string> kept;       ///< The managed ones that stay, oldest first.
    std::vector<std::string> leftovers;  ///< Files that crashes left, removed as well.
    std::vector<std::string> warnings;   ///< What did not make the call fail, a line each.
    std::vector<not_removed> failed;     ///< No longer listed, but still there; the next change tries again.
};

/// As collect_checkpoints(), and tells more: what stays, and what could not be removed, and why.
inline collected collect_checkpoints_with_details(const file_path &directory, const collect_options &options) {
    detail::handle<ckpt_collected, ckpt_collected_free> raw;
    detail::call(ckpt_collect_checkpoints_with_details, detail::c_path(directory), options.get(), raw.out());
    const auto list = [](const ckpt_strings *lent) {
        std::vector<std::string> all;
        for (std::size_t i = 0; i < ckpt_strings_count(lent); i++) all.emplace_back(detail::text(ckpt_strings_get(lent, i)));
        return all;
    };
    collected outcome{list(ckpt_collected_removed(raw.get())),
                      list(ckpt_collected_kept(raw.get())),
                      list(ckpt_collected_leftovers(raw.get())),
                      list(ckpt_collected_warnings(raw.get())),
                      {}};
    for (std::size_t i = 0; i < ckpt_collected_failed_count(raw.get()); i++) {
        const ckpt_error *problem = ckpt_collected_failed_problem(raw.get(), i);
        outcome.failed.push_back({std::string(detail::text(ckpt_collected_failed_prefix(raw.get(), i))),
                                  static_cast<code>(ckpt_error_code(problem)), static_cast<reason>(ckpt_error_reason(problem)),
                                  ckpt_error_message(problem)});
    }
    return outcome;
}

CHECKPOINT_END

#endif
