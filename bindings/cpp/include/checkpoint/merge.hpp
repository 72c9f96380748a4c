// Merging the sections of several workers into one checkpoint.
#ifndef CHECKPOINT_MERGE_HPP
#define CHECKPOINT_MERGE_HPP

#include <checkpoint/options.hpp>

namespace checkpoint {

/// How checkpoints are merged.
class merge_options : public basic_merge_options<merge_options> {
   public:
    /// Has `log` called about a file system that has no locks and the like.
    merge_options &log(std::function<void(severity, std::string_view)> log) {
        detail::set_log(ckpt_merge_options_set_log, make(), std::move(log));
        return *this;
    }
    /// Has `progress(done, total)` called now and then, in bytes of data files. What it throws
    /// stops the call.
    merge_options &progress(std::function<void(std::uint64_t done, std::uint64_t total)> progress) {
        detail::call(ckpt_merge_options_set_progress, make(), detail::run_progress, detail::box(std::move(progress)),
                     detail::free_box<detail::progress_function>);
        return *this;
    }
    /// Has the call stop when `flag` is raised.
    merge_options &cancel(const ::checkpoint::cancel &flag) {
        detail::call(ckpt_merge_options_set_cancel, make(), flag.get());
        return *this;
    }
};

/// Merges checkpoints of format V2, each given by its prefix, into the checkpoint `destination`, as
/// the workers of a distributed program do with the sections that each of them wrote
/// (`tf.raw_ops.MergeV2Checkpoints`). Then the sections are removed, unless the options keep them.
inline void merge(const file_path &destination, const std::vector<std::string> &sections, const merge_options &options = {}) {
    std::vector<const char *> paths;
    for (const std::string &section : sections) {
        detail::c_path(section);
        paths.push_back(section.c_str());
    }
    detail::call(ckpt_merge, detail::c_path(destination), paths.data(), paths.size(), options.get());
}

}  // namespace checkpoint

#endif
