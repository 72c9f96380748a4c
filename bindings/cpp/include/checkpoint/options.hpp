// Generated from bindings/abi.json by bindings/generate; do not edit.
// What is set by plain values in the classes of options.
#ifndef CHECKPOINT_OPTIONS_HPP
#define CHECKPOINT_OPTIONS_HPP

#include <checkpoint/core.hpp>

CHECKPOINT_BEGIN

/// What is set by plain values in checkpoint::open_options.
template <typename Self>
class basic_open_options : public detail::settings<Self, ckpt_open_options, ckpt_open_options_free> {
   public:
    /// The defaults.
    basic_open_options() : basic_open_options::settings(ckpt_open_options_new) {}
    /// Limits the memory, in bytes, that listing a checkpoint may take. Default: 16 MiB plus 24
    /// bytes per byte of the checkpoint's index.
    Self &memory_limit(std::uint64_t bytes) {
        return this->set([bytes](auto *raw) {
            detail::call(ckpt_open_options_set_memory_limit, raw, bytes);
        });
    }
};

/// What is set by plain values in checkpoint::read_options.
template <typename Self>
class basic_read_options : public detail::settings<Self, ckpt_read_options, ckpt_read_options_free> {
   public:
    /// The defaults.
    basic_read_options() : basic_read_options::settings(ckpt_read_options_new) {}
    /// Sets the number of reading threads, the calling thread included. 0, the default, lets the
    /// library choose: one thread for less than 4 MiB, else one per processor, at most four. There
    /// are never more than one for every 256 KiB, nor more than eight per processor.
    Self &threads(std::uint32_t threads) {
        return this->set([threads](auto *raw) {
            detail::call(ckpt_read_options_set_threads, raw, threads);
        });
    }
    /// Sets when checksums are verified: `checksums::always` (the default), `checksums::when_whole`
    /// or `checksums::never`. Fails with `code::invalid_argument` for other values.
    Self &checksums(::checkpoint::checksums when) {
        return this->set([when](auto *raw) {
            detail::call(ckpt_read_options_set_checksums, raw, static_cast<ckpt_checksums>(when));
        });
    }
    /// Sets the dtype that values are read as. A tensor of another dtype is converted as
    /// `read_options::conversion` allows, or refused. With `dtype::invalid`, the default, values
    /// have the dtype that is stored. Unsigned integers also stand for the bits that fit them
    /// (`dtype_check_elements`), where those are not converted. Restores refuse a dtype: there,
    /// each variable has its own.
    Self &dtype(::checkpoint::dtype dtype) {
        return this->set([dtype](auto *raw) {
            detail::call(ckpt_read_options_set_dtype, raw, static_cast<ckpt_dtype>(dtype));
        });
    }
    /// Sets which values are converted to the dtype that they are read as; `conversion::none` by
    /// default. Values are converted piece by piece while they are read; strings and mapped values
    /// never are.
    Self &conversion(::checkpoint::conversion conversion) {
        return this->set([conversion](auto *raw) {
            detail::call(ckpt_read_options_set_conversion, raw, static_cast<ckpt_conversion>(conversion));
        });
    }
};

/// What is set by plain values in checkpoint::verify_options.
template <typename Self>
class basic_verify_options : public detail::settings<Self, ckpt_verify_options, ckpt_verify_options_free> {
   public:
    /// The defaults.
    basic_verify_options() : basic_verify_options::settings(ckpt_verify_options_new) {}
    /// Sets the number of reading threads; 0, the default, lets the library choose. There are never
    /// more than one for every 256 KiB, nor more than eight per processor.
    Self &threads(std::uint32_t threads) {
        return this->set([threads](auto *raw) {
            detail::call(ckpt_verify_options_set_threads, raw, threads);
        });
    }
    /// Leaves the values unread if `skip` is true: only the index is verified, that the data files
    /// exist and are long enough, and the keys of the object graph, which is quick. Damaged values
    /// are not noticed. False by default.
    Self &skip_values(bool skip) {
        return this->set([skip](auto *raw) {
            detail::call(ckpt_verify_options_set_skip_values, raw, skip);
        });
    }
};

/// What is set by plain values in checkpoint::write_options.
template <typename Self>
class basic_write_options : public detail::settings<Self, ckpt_write_options, ckpt_write_options_free> {
   public:
    /// The defaults.
    basic_write_options() : basic_write_options::settings(ckpt_write_options_new) {}
    /// Sets the number of shards (data files). 0, the default, lets the library choose by total
    /// size alone: one up to 256 MiB, else one per 512 MiB, at most 64.
    ///
    /// If the write replaces a checkpoint of the same prefix and number of shards, it creates one
    /// more shard, which may be empty. Numbers above 99 999 make `writer` fail.
    Self &shards(std::uint32_t shards) {
        return this->set([shards](auto *raw) {
            detail::call(ckpt_write_options_set_shards, raw, shards);
        });
    }
    /// Limits the size of a shard (data file), in bytes; 0, the default, means no limit. TensorFlow
    /// reads what is written; its own `MaxShardSizePolicy` cuts and distributes tensors in another
    /// way.
    ///
    /// Larger tensors are cut into slices. A value that cannot be cut (strings, variants, dtypes
    /// whose slices TensorFlow cannot reassemble, single elements) gets a larger shard if needed. A
    /// limit overrides `write_options::shards`.
    Self &max_shard_size(std::uint64_t bytes) {
        return this->set([bytes](auto *raw) {
            detail::call(ckpt_write_options_set_max_shard_size, raw, bytes);
        });
    }
    /// Aligns each value in its shard to a multiple of `bytes`; 1 by default, as in TensorFlow.
    /// Values aligned to their element size can be used directly through views.
    ///
    /// Fails with `code::invalid_argument` if `bytes` is 0. More than 1 GiB makes `writer` fail.
    Self &alignment(std::uint64_t bytes) {
        return this->set([bytes](auto *raw) {
            detail::call(ckpt_write_options_set_alignment, raw, bytes);
        });
    }
    /// Sets the number of writing threads, the calling thread included; 0, the default, lets the
    /// library choose. There are never more than one for every 256 KiB, nor more than eight per
    /// processor. The files are the same for any number of threads.
    Self &threads(std::uint32_t threads) {
        return this->set([threads](auto *raw) {
            detail::call(ckpt_write_options_set_threads, raw, threads);
        });
    }
    /// Sets what survives a power failure after the checkpoint is written. Fails with
    /// `code::invalid_argument` for other values.
    Self &durability(::checkpoint::durability durability) {
        return this->set([durability](auto *raw) {
            detail::call(ckpt_write_options_set_durability, raw, static_cast<ckpt_durability>(durability));
        });
    }
    /// Sets whether the directory is locked; `locking::if_possible` by default. Fails with
    /// `code::invalid_argument` for other values.
    Self &locking(::checkpoint::locking locking) {
        return this->set([locking](auto *raw) {
            detail::call(ckpt_write_options_set_locking, raw, static_cast<ckpt_locking>(locking));
        });
    }
    /// Sets for how many seconds the call waits for a lock that another process or thread holds; 60
    /// by default, 0 fails at once. Fails with `code::invalid_argument` for negative values and
    /// NaN.
    Self &lock_wait(double seconds) {
        return this->set([seconds](auto *raw) {
            detail::call(ckpt_write_options_set_lock_wait, raw, seconds);
        });
    }
    /// Sets whether the files are read back and compared with what was written before they are
    /// published, from the disk rather than from the page cache where the system allows it. If they
    /// differ, the write fails with `code::data_loss`, and an existing checkpoint stays. This costs
    /// another read of all bytes; the files are synced for it whatever the durability. False by
    /// default.
    Self &read_back(bool read_back) {
        return this->set([read_back](auto *raw) {
            detail::call(ckpt_write_options_set_read_back, raw, read_back);
        });
    }
};

/// What is set by plain values in checkpoint::merge_options.
template <typename Self>
class basic_merge_options : public detail::settings<Self, ckpt_merge_options, ckpt_merge_options_free> {
   public:
    /// The defaults.
    basic_merge_options() : basic_merge_options::settings(ckpt_merge_options_new) {}
    /// Sets whether sections may be missing: if so, the existing ones are merged, and at least one
    /// must exist. False by default: then all of the given sections must exist; if one of them is
    /// called `part-00000-of-00002`, so must the other one be given; the slices of each tensor must
    /// cover it; and there must be every key that the object graph names.
    Self &allow_missing(bool allow) {
        return this->set([allow](auto *raw) {
            detail::call(ckpt_merge_options_set_allow_missing, raw, allow);
        });
    }
    /// Sets whether the sections are kept after the merge. False by default: they are deleted.
    Self &keep_inputs(bool keep) {
        return this->set([keep](auto *raw) {
            detail::call(ckpt_merge_options_set_keep_inputs, raw, keep);
        });
    }
    /// Sets what survives a power failure after the merge. Fails with `code::invalid_argument` for
    /// other values.
    Self &durability(::checkpoint::durability durability) {
        return this->set([durability](auto *raw) {
            detail::call(ckpt_merge_options_set_durability, raw, static_cast<ckpt_durability>(durability));
        });
    }
    /// Sets whether the directory is locked; `locking::if_possible` by default. Fails with
    /// `code::invalid_argument` for other values.
    Self &locking(::checkpoint::locking locking) {
        return this->set([locking](auto *raw) {
            detail::call(ckpt_merge_options_set_locking, raw, static_cast<ckpt_locking>(locking));
        });
    }
    /// Sets for how many seconds the call waits for a lock that another process or thread holds; 60
    /// by default, 0 fails at once. Fails with `code::invalid_argument` for negative values and
    /// NaN.
    Self &lock_wait(double seconds) {
        return this->set([seconds](auto *raw) {
            detail::call(ckpt_merge_options_set_lock_wait, raw, seconds);
        });
    }
};

/// What is set by plain values in checkpoint::node_options.
template <typename Self>
class basic_node_options : public detail::settings<Self, ckpt_node_options, ckpt_node_options_free> {
   public:
    /// The defaults.
    basic_node_options() : basic_node_options::settings(ckpt_node_options_new) {}
    /// Sets the name (UTF-8) of the object in messages. By default, messages name its kind.
    Self &debug_name(std::string_view name) {
        return this->set([name = std::string(name)](auto *raw) {
            detail::call(ckpt_node_options_set_debug_name, raw, name.data(), name.size());
        });
    }
    /// Sets the name (UTF-8) of a variable in name-based checkpoints: in TensorFlow, the variable's
    /// name without `:0`. Variables only.
    Self &name(std::string_view name) {
        return this->set([name = std::string(name)](auto *raw) {
            detail::call(ckpt_node_options_set_name, raw, name.data(), name.size());
        });
    }
    /// Sets whether a variable is saved but never restored: restoring it fails with
    /// `code::failed_precondition` (`reason::read_only`). False by default. Variables only.
    Self &read_only(bool read_only) {
        return this->set([read_only](auto *raw) {
            detail::call(ckpt_node_options_set_read_only, raw, read_only);
        });
    }
    /// Saves a state object as one attribute of this name, with the tensors' names as suffixes:
    /// `table` with the tensors `-keys` and `-values`, as TensorFlow's hash tables do; `ITERATOR`
    /// with `_STATE`, as its dataset iterators do. State only.
    Self &legacy_name(std::string_view name) {
        return this->set([name = std::string(name)](auto *raw) {
            detail::call(ckpt_node_options_set_legacy_name, raw, name.data(), name.size());
        });
    }
};

/// What is set by plain values in checkpoint::save_options.
template <typename Self>
class basic_save_options : public detail::settings<Self, ckpt_save_options, ckpt_save_options_free> {
   public:
    /// The defaults.
    basic_save_options() : basic_save_options::settings(ckpt_save_options_new) {}
    /// Sets what a save does while an earlier save of the checkpoint runs in the background;
    /// `busy::wait` by default.
    Self &busy(::checkpoint::busy busy) {
        return this->set([busy](auto *raw) {
            detail::call(ckpt_save_options_set_busy, raw, static_cast<ckpt_busy>(busy));
        });
    }
    /// Limits the memory that the copies of all saves in the background of this process take while
    /// they are written, in bytes; 0, the default, for no limit. A save that would exceed it waits,
    /// before it copies anything, until others are written or, with `busy::fail`, fails with
    /// `code::unavailable` (`reason::busy`). If its own copy is larger, it fails with
    /// `code::resource_exhausted` (`reason::limit`). Only saves in the background copy.
    ///
    /// Counted beforehand are the values of variables. What states and savers give is counted when
    /// it is copied, and keeps later saves waiting. Memory that a checkpoint keeps for its next
    /// copy, once one is written, is not counted.
    Self &snapshot_limit(std::uint64_t bytes) {
        return this->set([bytes](auto *raw) {
            detail::call(ckpt_save_options_set_snapshot_limit, raw, bytes);
        });
    }
};

/// What is set by plain values in checkpoint::restore_options.
template <typename Self>
class basic_restore_options : public detail::settings<Self, ckpt_restore_options, ckpt_restore_options_free> {
   public:
    /// The defaults.
    basic_restore_options() : basic_restore_options::settings(ckpt_restore_options_new) {}
    /// Restores only values whose path in the checkpoint matches an included glob. Other values are
    /// skipped, and assertions of the status do not require them. A glob that matches no value of
    /// the checkpoint is a row of the report (`row_state::unmatched_glob`) and a warning in the
    /// log; a restore with a malformed one fails with `code::invalid_argument`.
    Self &include(std::string_view glob) {
        return this->set([glob = std::string(glob)](auto *raw) {
            detail::call(ckpt_restore_options_add_include, raw, glob.data(), glob.size());
        });
    }
    /// Skips values whose path in the checkpoint matches the glob, even if they are included. Globs
    /// that match nothing or are malformed are treated as those of `restore_options::include`.
    Self &exclude(std::string_view glob) {
        return this->set([glob = std::string(glob)](auto *raw) {
            detail::call(ckpt_restore_options_add_exclude, raw, glob.data(), glob.size());
        });
    }
    /// Restores the program's object at `to`, a path from its root, and everything below it, from
    /// the checkpoint's object at `from`. Renames apply together, so that names can be exchanged.
    ///
    /// In a name-based checkpoint the value named `from`, and those in the scope `from/`, have the
    /// name `to` and the scope `to/` instead; either may be empty or end in `/`, and of several old
    /// paths the longest counts. (the scopes of `tf.train.init_from_checkpoint`)
    Self &rename(std::string_view from, std::string_view to) {
        return this->set([from = std::string(from), to = std::string(to)](auto *raw) {
            detail::call(ckpt_restore_options_add_rename, raw, from.data(), from.size(), to.data(), to.size());
        });
    }
    /// Sets what to do about values that do not fit their object; `mismatch::fail` by default.
    Self &on_mismatch(::checkpoint::mismatch mismatch) {
        return this->set([mismatch](auto *raw) {
            detail::call(ckpt_restore_options_set_on_mismatch, raw, static_cast<ckpt_mismatch>(mismatch));
        });
    }
    /// Sets which values are converted to the dtypes of their variables; `conversion::none` by
    /// default, so that another dtype does not fit. A converted value has a row of its own state,
    /// `row_state::converted`.
    ///
    /// The dtypes decide what can be converted, before anything is assigned; where integers might
    /// not fit, they are read and looked at before that. Values are converted piece by piece while
    /// they are read, those on devices too. Variables that accept any dtype take the one that is
    /// stored; objects with callbacks get their tensors as they are stored.
    Self &conversion(::checkpoint::conversion conversion) {
        return this->set([conversion](auto *raw) {
            detail::call(ckpt_restore_options_set_conversion, raw, static_cast<ckpt_conversion>(conversion));
        });
    }
    /// Leaves slot variables unchanged if `skip` is true; assertions of the status then do not
    /// require them. False by default. (`experimental_skip_slot_variables`)
    Self &skip_slot_variables(bool skip) {
        return this->set([skip](auto *raw) {
            detail::call(ckpt_restore_options_set_skip_slot_variables, raw, skip);
        });
    }
    /// Restores only the part of the checkpoint below `path`, as if the object there were its root.
    /// In a name-based checkpoint `path` is a scope, which names in the program lack.
    Self &subtree(std::string_view path) {
        return this->set([path = std::string(path)](auto *raw) {
            detail::call(ckpt_restore_options_set_subtree, raw, path.data(), path.size());
        });
    }
    /// If `verify` is true, reads all values and compares their checksums before it assigns the
    /// first, so that only a fault between the two passes can leave the program partly restored.
    /// Values are read twice. False by default.
    Self &verify_first(bool verify) {
        return this->set([verify](auto *raw) {
            detail::call(ckpt_restore_options_set_verify_first, raw, verify);
        });
    }
};

/// What is set by plain values in checkpoint::saver_options.
template <typename Self>
class basic_saver_options : public detail::settings<Self, ckpt_saver_options, ckpt_saver_options_free> {
   public:
    /// The defaults.
    basic_saver_options() : basic_saver_options::settings(ckpt_saver_options_new) {}
    /// Keeps the newest `count` checkpoints; 5 by default. 0 keeps all of them, but the state file
    /// then lists only the newest.
    Self &max_to_keep(std::size_t count) {
        return this->set([count](auto *raw) {
            detail::call(ckpt_saver_options_set_max_to_keep, raw, count);
        });
    }
    /// Permanently keeps one otherwise expired checkpoint per `hours` hours, counted from when the
    /// saver was made; 10 000 by default. 0 or less keeps every checkpoint. `saver` refuses NaN.
    Self &keep_checkpoint_every_n_hours(double hours) {
        return this->set([hours](auto *raw) {
            detail::call(ckpt_saver_options_set_keep_checkpoint_every_n_hours, raw, hours);
        });
    }
    /// Writes steps with at least eight digits if `pad` is true: `model-00000012`. False by
    /// default.
    Self &pad_step_number(bool pad) {
        return this->set([pad](auto *raw) {
            detail::call(ckpt_saver_options_set_pad_step_number, raw, pad);
        });
    }
    /// Sets whether the state file names checkpoints relative to its own directory, so that the
    /// directory can be moved. True by default; TensorFlow by default writes the paths as they were
    /// given.
    Self &save_relative_paths(bool relative) {
        return this->set([relative](auto *raw) {
            detail::call(ckpt_saver_options_set_save_relative_paths, raw, relative);
        });
    }
    /// Restores values into variables of another shape with as many elements if `reshape` is true;
    /// a variable keeps its own shape. Variables on devices and parts of tensors are not reshaped.
    /// False by default. (`Saver(reshape=True)`)
    Self &reshape(bool reshape) {
        return this->set([reshape](auto *raw) {
            detail::call(ckpt_saver_options_set_reshape, raw, reshape);
        });
    }
    /// If `only` is true, the saver restores and cannot save, and several objects may have the same
    /// name: each of them takes the value. False by default.
    /// (`tf.compat.v1.train.init_from_checkpoint`)
    Self &restore_only(bool only) {
        return this->set([only](auto *raw) {
            detail::call(ckpt_saver_options_set_restore_only, raw, only);
        });
    }
    /// Sets whether the directory is locked; `locking::if_possible` by default. Fails with
    /// `code::invalid_argument` for other values. Options of a write can say otherwise for one
    /// save.
    Self &locking(::checkpoint::locking locking) {
        return this->set([locking](auto *raw) {
            detail::call(ckpt_saver_options_set_locking, raw, static_cast<ckpt_locking>(locking));
        });
    }
    /// Sets for how many seconds the call waits for a lock that another process or thread holds; 60
    /// by default, 0 fails at once. Fails with `code::invalid_argument` for negative values and
    /// NaN.
    Self &lock_wait(double seconds) {
        return this->set([seconds](auto *raw) {
            detail::call(ckpt_saver_options_set_lock_wait, raw, seconds);
        });
    }
};

/// What is set by plain values in checkpoint::saver_save_options.
template <typename Self>
class basic_saver_save_options : public detail::settings<Self, ckpt_saver_save_options, ckpt_saver_save_options_free> {
   public:
    /// The defaults.
    basic_saver_save_options() : basic_saver_save_options::settings(ckpt_saver_save_options_new) {}
    /// Appends `-STEP` to the prefix.
    Self &global_step(std::int64_t step) {
        return this->set([step](auto *raw) {
            detail::call(ckpt_saver_save_options_set_global_step, raw, step);
        });
    }
    /// Appends `-STEP` to the prefix, where the step is the value of `step`, an integer scalar of
    /// the saver's graph.
    Self &global_step_of(::checkpoint::node step) {
        return this->set([step](auto *raw) {
            detail::call(ckpt_saver_save_options_set_global_step_of, raw, step.id);
        });
    }
    /// Sets whether the checkpoint is recorded in the state file and by the saver, which then
    /// removes expired ones. True by default.
    Self &write_state(bool write) {
        return this->set([write](auto *raw) {
            detail::call(ckpt_saver_save_options_set_write_state, raw, write);
        });
    }
};

/// What is set by plain values in checkpoint::manager_options.
template <typename Self>
class basic_manager_options : public detail::settings<Self, ckpt_manager_options, ckpt_manager_options_free> {
   public:
    /// The defaults.
    basic_manager_options() : basic_manager_options::settings(ckpt_manager_options_new) {}
    /// Keeps the newest `count` checkpoints. `manager` refuses values below 1.
    Self &max_to_keep(std::int64_t count) {
        return this->set([count](auto *raw) {
            detail::call(ckpt_manager_options_set_max_to_keep, raw, count);
        });
    }
    /// Permanently keeps one otherwise expired checkpoint per `hours` hours. 0, the default, keeps
    /// none. `manager` refuses values that are negative or not finite.
    Self &keep_checkpoint_every_n_hours(double hours) {
        return this->set([hours](auto *raw) {
            detail::call(ckpt_manager_options_set_keep_checkpoint_every_n_hours, raw, hours);
        });
    }
    /// Also keeps the best `count` checkpoints by the metric that each save gives. Of equal metrics
    /// the newer checkpoint is better. A checkpoint without a metric, or whose metric is NaN, is
    /// never among the best.
    ///
    /// Metrics are stored in a file of their own, `checkpoint.manager`. Checkpoints that TensorFlow
    /// saves in the meantime have no metric. TensorFlow does not remove checkpoints that are kept
    /// only because they are among the best.
    Self &keep_best(std::size_t count, ::checkpoint::better better) {
        return this->set([count, better](auto *raw) {
            detail::call(ckpt_manager_options_set_keep_best, raw, count, static_cast<ckpt_better>(better));
        });
    }
    /// Sets the name of checkpoints, which are called `NAME-NUMBER`; `ckpt` by default. `name` has
    /// `name_len` bytes and no `/`, which `manager` checks.
    Self &checkpoint_name(std::string_view name) {
        return this->set([name = std::string(name)](auto *raw) {
            detail::call(ckpt_manager_options_set_checkpoint_name, raw, name.data(), name.size());
        });
    }
    /// Sets the integer scalar that counts the program's steps, for
    /// `manager_options::checkpoint_interval`.
    Self &step_counter(::checkpoint::node counter) {
        return this->set([counter](auto *raw) {
            detail::call(ckpt_manager_options_set_step_counter, raw, counter.id);
        });
    }
    /// Sets whether each call gives the step (`manager_save_options::step`, `resume_options::step`)
    /// instead of a counter. False by default.
    Self &steps_in_calls(bool in_calls) {
        return this->set([in_calls](auto *raw) {
            detail::call(ckpt_manager_options_set_steps_in_calls, raw, in_calls);
        });
    }
    /// Saves only if at least `steps` steps have passed since the last save. The steps come from a
    /// step counter or from each call; `manager` fails if neither is set.
    Self &checkpoint_interval(std::int64_t steps) {
        return this->set([steps](auto *raw) {
            detail::call(ckpt_manager_options_set_checkpoint_interval, raw, steps);
        });
    }
    /// Sets the step of the last save, from which the interval is counted. By default the first
    /// save is never too early.
    Self &last_checkpoint_step(std::int64_t step) {
        return this->set([step](auto *raw) {
            detail::call(ckpt_manager_options_set_last_checkpoint_step, raw, step);
        });
    }
    /// Sets whether the directory is locked; `locking::if_possible` by default. Fails with
    /// `code::invalid_argument` for other values.
    Self &locking(::checkpoint::locking locking) {
        return this->set([locking](auto *raw) {
            detail::call(ckpt_manager_options_set_locking, raw, static_cast<ckpt_locking>(locking));
        });
    }
    /// Sets for how many seconds the call waits for a lock that another process or thread holds; 60
    /// by default, 0 fails at once. Fails with `code::invalid_argument` for negative values and
    /// NaN. Another manager of the directory is never waited for.
    Self &lock_wait(double seconds) {
        return this->set([seconds](auto *raw) {
            detail::call(ckpt_manager_options_set_lock_wait, raw, seconds);
        });
    }
};

/// What is set by plain values in checkpoint::manager_save_options.
template <typename Self>
class basic_manager_save_options : public detail::settings<Self, ckpt_manager_save_options, ckpt_manager_save_options_free> {
   public:
    /// The defaults.
    basic_manager_save_options() : basic_manager_save_options::settings(ckpt_manager_save_options_new) {}
    /// Sets the checkpoint's number, in place of the save counter's value. The counter is
    /// incremented all the same. (`checkpoint_number`)
    Self &number(std::int64_t number) {
        return this->set([number](auto *raw) {
            detail::call(ckpt_manager_save_options_set_number, raw, number);
        });
    }
    /// Sets the checkpoint's number to the value of `number`, an integer scalar of the manager's
    /// graph, which stays unchanged.
    Self &number_of(::checkpoint::node number) {
        return this->set([number](auto *raw) {
            detail::call(ckpt_manager_save_options_set_number_of, raw, number.id);
        });
    }
    /// Sets whether the save is skipped if it is too early
    /// (`manager_options::checkpoint_interval`). True by default. A step that was already saved is
    /// never saved again.
    Self &check_interval(bool check) {
        return this->set([check](auto *raw) {
            detail::call(ckpt_manager_save_options_set_check_interval, raw, check);
        });
    }
    /// Sets the program's step, in place of the step counter's value.
    Self &step(std::int64_t step) {
        return this->set([step](auto *raw) {
            detail::call(ckpt_manager_save_options_set_step, raw, step);
        });
    }
    /// Sets the metric of this checkpoint, for `manager_options::keep_best`.
    Self &metric(double metric) {
        return this->set([metric](auto *raw) {
            detail::call(ckpt_manager_save_options_set_metric, raw, metric);
        });
    }
    /// Sets the metric of this checkpoint to the value of `metric`, a scalar of the manager's
    /// graph: float32, float64 or an integer.
    Self &metric_of(::checkpoint::node metric) {
        return this->set([metric](auto *raw) {
            detail::call(ckpt_manager_save_options_set_metric_of, raw, metric.id);
        });
    }
};

/// What is set by plain values in checkpoint::resume_options.
template <typename Self>
class basic_resume_options : public detail::settings<Self, ckpt_resume_options, ckpt_resume_options_free> {
   public:
    /// The defaults.
    basic_resume_options() : basic_resume_options::settings(ckpt_resume_options_new) {}
    /// Restores the newest valid checkpoint instead of the latest if `latest_valid` is true. This
    /// reads every byte of it once more. False by default.
    Self &latest_valid(bool latest_valid) {
        return this->set([latest_valid](auto *raw) {
            detail::call(ckpt_resume_options_set_latest_valid, raw, latest_valid);
        });
    }
    /// Sets the program's step after the restore, in place of the step counter's value.
    Self &step(std::int64_t step) {
        return this->set([step](auto *raw) {
            detail::call(ckpt_resume_options_set_step, raw, step);
        });
    }
};

/// What is set by plain values in checkpoint::remove_options.
template <typename Self>
class basic_remove_options : public detail::settings<Self, ckpt_remove_options, ckpt_remove_options_free> {
   public:
    /// The defaults.
    basic_remove_options() : basic_remove_options::settings(ckpt_remove_options_new) {}
    /// Sets whether the directory is locked; `locking::if_possible` by default. Fails with
    /// `code::invalid_argument` for other values.
    Self &locking(::checkpoint::locking locking) {
        return this->set([locking](auto *raw) {
            detail::call(ckpt_remove_options_set_locking, raw, static_cast<ckpt_locking>(locking));
        });
    }
    /// Sets for how many seconds the call waits for a lock that another process or thread holds; 60
    /// by default, 0 fails at once. Fails with `code::invalid_argument` for negative values and
    /// NaN.
    Self &lock_wait(double seconds) {
        return this->set([seconds](auto *raw) {
            detail::call(ckpt_remove_options_set_lock_wait, raw, seconds);
        });
    }
};

/// What is set by plain values in checkpoint::wait_options.
template <typename Self>
class basic_wait_options : public detail::settings<Self, ckpt_wait_options, ckpt_wait_options_free> {
   public:
    /// The defaults.
    basic_wait_options() : basic_wait_options::settings(ckpt_wait_options_new) {}
    /// Sets the longest time to wait, in seconds; without limit by default. A timeout shorter than
    /// the poll interval looks once.
    ///
    /// Errors:
    /// * `code::invalid_argument`: the number is negative or NaN.
    Self &timeout(double timeout) {
        return this->set([timeout](auto *raw) {
            detail::call(ckpt_wait_options_set_timeout, raw, timeout);
        });
    }
    /// Sets the seconds between two looks; 1 by default.
    ///
    /// Errors are those of `wait_options::timeout`.
    Self &poll_interval(double interval) {
        return this->set([interval](auto *raw) {
            detail::call(ckpt_wait_options_set_poll_interval, raw, interval);
        });
    }
    /// Sets the least number of seconds between two checkpoints that an iterator returns; 0 by
    /// default. Of the checkpoints that appear in the meantime it returns only the last.
    ///
    /// Errors are those of `wait_options::timeout`.
    Self &min_interval(double interval) {
        return this->set([interval](auto *raw) {
            detail::call(ckpt_wait_options_set_min_interval, raw, interval);
        });
    }
};

/// What is set by plain values in checkpoint::repair_options.
template <typename Self>
class basic_repair_options : public detail::settings<Self, ckpt_repair_options, ckpt_repair_options_free> {
   public:
    /// The defaults.
    basic_repair_options() : basic_repair_options::settings(ckpt_repair_options_new) {}
    /// Only returns what the state file would be, and takes no lock, if `dry_run` is true. False by
    /// default.
    Self &dry_run(bool dry_run) {
        return this->set([dry_run](auto *raw) {
            detail::call(ckpt_repair_options_set_dry_run, raw, dry_run);
        });
    }
    /// Sets whether the directory is locked; `locking::if_possible` by default. Fails with
    /// `code::invalid_argument` for other values.
    Self &locking(::checkpoint::locking locking) {
        return this->set([locking](auto *raw) {
            detail::call(ckpt_repair_options_set_locking, raw, static_cast<ckpt_locking>(locking));
        });
    }
    /// Sets for how many seconds the call waits for a lock that another process or thread holds; 60
    /// by default, 0 fails at once. Fails with `code::invalid_argument` for negative values and
    /// NaN. The lock of the directory's manager is not waited for.
    Self &lock_wait(double seconds) {
        return this->set([seconds](auto *raw) {
            detail::call(ckpt_repair_options_set_lock_wait, raw, seconds);
        });
    }
};

/// What is set by plain values in checkpoint::collect_options.
template <typename Self>
class basic_collect_options : public detail::settings<Self, ckpt_collect_options, ckpt_collect_options_free> {
   public:
    using detail::settings<Self, ckpt_collect_options, ckpt_collect_options_free>::settings;  ///< Made of what they need.
    /// Permanently keeps one otherwise expired checkpoint per `hours` hours. 0, the default, keeps
    /// none.
    Self &keep_checkpoint_every_n_hours(double hours) {
        return this->set([hours](auto *raw) {
            detail::call(ckpt_collect_options_set_keep_checkpoint_every_n_hours, raw, hours);
        });
    }
    /// Also keeps the best `count` checkpoints by the metrics that were given to a manager.
    Self &keep_best(std::size_t count, ::checkpoint::better better) {
        return this->set([count, better](auto *raw) {
            detail::call(ckpt_collect_options_set_keep_best, raw, count, static_cast<ckpt_better>(better));
        });
    }
    /// Sets whether the directory is locked; `locking::if_possible` by default. Fails with
    /// `code::invalid_argument` for other values.
    Self &locking(::checkpoint::locking locking) {
        return this->set([locking](auto *raw) {
            detail::call(ckpt_collect_options_set_locking, raw, static_cast<ckpt_locking>(locking));
        });
    }
    /// Sets for how many seconds the call waits for a lock that another process or thread holds; 60
    /// by default, 0 fails at once. Fails with `code::invalid_argument` for negative values and
    /// NaN. The lock of the directory's manager is not waited for.
    Self &lock_wait(double seconds) {
        return this->set([seconds](auto *raw) {
            detail::call(ckpt_collect_options_set_lock_wait, raw, seconds);
        });
    }
    /// Deletes files left behind by crashes even where the file system has no locks, so that nobody
    /// knows whether a program is writing them: those that were last modified more than `seconds`
    /// seconds ago. Otherwise nothing is deleted there but expired checkpoints.
    Self &older_than(double seconds) {
        return this->set([seconds](auto *raw) {
            detail::call(ckpt_collect_options_set_older_than, raw, seconds);
        });
    }
    /// Only lists what would be deleted if `dry_run` is true. False by default.
    Self &dry_run(bool dry_run) {
        return this->set([dry_run](auto *raw) {
            detail::call(ckpt_collect_options_set_dry_run, raw, dry_run);
        });
    }
};

CHECKPOINT_END

#endif
