// Merging the sections of several workers into one checkpoint.
#ifndef CHECKPOINT_MERGE_HPP
#define CHECKPOINT_MERGE_HPP

#include <checkpoint/core.hpp>

namespace checkpoint {

/// How checkpoints are merged.
class merge_options {
   public:
    /// Whether sections may be missing: then those that are there are merged, at least one. Not by default.
    merge_options &allow_missing(bool allow) {
        detail::call(ckpt_merge_options_set_allow_missing, make(), allow);
        return *this;
    }
    /// Whether the sections stay when they have been merged. Not by default.
    merge_options &keep_inputs(bool keep) {
        detail::call(ckpt_merge_options_set_keep_inputs, make(), keep);
        return *this;
    }
    /// What survives a power cut once the checkpoint is merged.
    merge_options &durability(::checkpoint::durability durability) {
        detail::call(ckpt_merge_options_set_durability, make(), static_cast<ckpt_durability>(durability));
        return *this;
    }
    /// Has `progress(done, total)` called now and then, in bytes of data files. What it throws stops the call.
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
    /// The handle; NULL for the defaults.
    const ckpt_merge_options *get() const noexcept { return handle_.get(); }

   private:
    ckpt_merge_options *make() { return handle_.make(ckpt_merge_options_new); }
    detail::handle<ckpt_merge_options, ckpt_merge_options_free> handle_;
};

/// Merges checkpoints of format V2, each given by its prefix, into the checkpoint `destination`, as the workers of a distributed
/// program do with the sections that each of them wrote (`tf.raw_ops.MergeV2Checkpoints`). Then the sections are removed,
/// unless the options keep them.
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
