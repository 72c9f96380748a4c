// Merging the sections of several workers into one checkpoint.
#ifndef CHECKPOINT_MERGE_HPP
#define CHECKPOINT_MERGE_HPP

#include <checkpoint/options.hpp>
#include <checkpoint/pending.hpp>

CHECKPOINT_BEGIN

/// How checkpoints are merged.
class merge_options : public basic_merge_options<merge_options> {
   public:
    /// Has `log` called about a file system that has no locks and the like.
    merge_options &log(std::function<void(severity, std::string_view)> log) {
        return set([log = std::move(log)](auto *raw) { detail::set_log(ckpt_merge_options_set_log, raw, log); });
    }
    /// Has `progress(done, total)` called now and then, in bytes of data files. What it throws
    /// stops the call.
    merge_options &progress(std::function<void(std::uint64_t done, std::uint64_t total)> progress) {
        return set([progress](auto *raw) {
            detail::call(ckpt_merge_options_set_progress, raw, detail::run_progress, detail::box(progress),
                         detail::free_box<detail::progress_function>);
        });
    }
    /// Has the call stop when `flag` is raised.
    merge_options &cancel(const ::checkpoint::cancel &flag) {
        return set([flag](auto *raw) { detail::call(ckpt_merge_options_set_cancel, raw, flag.get()); });
    }
};

/// @cond
namespace detail {
inline std::vector<const char *> c_paths(const std::vector<std::string> &all) {
    std::vector<const char *> paths;
    for (const std::string &path : all) {
        c_path(path);
        paths.push_back(path.c_str());
    }
    return paths;
}
}  // namespace detail
/// @endcond

/// Merges checkpoints of format V2, each given by its prefix, into the checkpoint `destination`, as
/// the workers of a distributed program do with the sections that each of them wrote
/// (`tf.raw_ops.MergeV2Checkpoints`). Then the sections are removed, unless the options keep them.
inline void merge(const file_path &destination, const std::vector<std::string> &sections, const merge_options &options = {}) {
    const std::vector<const char *> paths = detail::c_paths(sections);
    detail::call(ckpt_merge, detail::c_path(destination), paths.data(), paths.size(), options.get());
}

/// Merges checkpoints in the background, as merge() does.
inline pending<void> merge_async(const file_path &destination, const std::vector<std::string> &sections,
                                 const merge_options &options = {}) {
    const std::vector<const char *> paths = detail::c_paths(sections);
    return detail::begin<void>(ckpt_merge_async, detail::c_path(destination), paths.data(), paths.size(), options.get());
}

CHECKPOINT_END

#endif
