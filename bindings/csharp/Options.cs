// Generated from bindings/abi.json by bindings/generate; do not edit.
using System;
using System.Collections.Generic;

namespace LibCheckpoint
{
    public sealed partial class OpenOptions
    {
        /// <summary>Limits the memory, in bytes, that listing a checkpoint may take. Default: 16
        /// MiB plus 24 bytes per byte of the checkpoint's index. 0 for the default.</summary>
        public long MemoryLimit { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(OpenOptionsHandle made)
        {
            if (MemoryLimit != 0)
            {
                NativeMethods.ckpt_open_options_set_memory_limit(made, Required.NotNegative(MemoryLimit, nameof(MemoryLimit)));
            }
        }
    }

    public sealed partial class ReadOptions
    {
        /// <summary>Sets the number of reading threads, the calling thread included. 0, the
        /// default, lets the library choose: one thread for less than 4 MiB, else one per
        /// processor, at most four. There are never more than one for every 256 KiB, nor more than
        /// eight per processor.</summary>
        public int Threads { get; set; }

        /// <summary>Sets when checksums are verified: <c>Checksums.Always</c> (the default),
        /// <c>Checksums.WhenWhole</c> or <c>Checksums.Never</c>. Fails with
        /// <c>ErrorCode.InvalidArgument</c> for other values.</summary>
        public Checksums Checksums { get; set; }

        /// <summary>Sets the dtype that values are read as. A tensor of another dtype is converted
        /// as <c>ReadOptions.Conversion</c> allows, or refused. With <c>DType.Invalid</c>, the
        /// default, values have the dtype that is stored. Unsigned integers also stand for the bits
        /// that fit them (<c>DtypeCheckElements</c>), where those are not converted. Restores
        /// refuse a dtype: there, each variable has its own.</summary>
        public DType DType { get; set; }

        /// <summary>Sets which values are converted to the dtype that they are read as;
        /// <c>Conversion.None</c> by default. Values are converted piece by piece while they are
        /// read; strings and mapped values never are.</summary>
        public Conversion Conversion { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(ReadOptionsHandle made)
        {
            if (Threads != 0)
            {
                NativeMethods.ckpt_read_options_set_threads(made, Required.NotNegative(Threads, nameof(Threads)));
            }
            NativeMethods.ckpt_read_options_set_checksums(made, Checksums);
            NativeMethods.ckpt_read_options_set_dtype(made, DType);
            NativeMethods.ckpt_read_options_set_conversion(made, Conversion);
        }
    }

    public sealed partial class VerifyOptions
    {
        /// <summary>Sets the number of reading threads; 0, the default, lets the library choose.
        /// There are never more than one for every 256 KiB, nor more than eight per
        /// processor.</summary>
        public int Threads { get; set; }

        /// <summary>Leaves the values unread if <c>skip</c> is true: only the index is verified,
        /// that the data files exist and are long enough, and the keys of the object graph, which
        /// is quick. Damaged values are not noticed. False by default.</summary>
        public bool SkipValues { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(VerifyOptionsHandle made)
        {
            if (Threads != 0)
            {
                NativeMethods.ckpt_verify_options_set_threads(made, Required.NotNegative(Threads, nameof(Threads)));
            }
            NativeMethods.ckpt_verify_options_set_skip_values(made, SkipValues);
        }
    }

    public sealed partial class WriteOptions
    {
        /// <summary>Sets the number of shards (data files). 0, the default, lets the library choose
        /// by total size alone: one up to 256 MiB, else one per 512 MiB, at most 64.</summary>
        public int Shards { get; set; }

        /// <summary>Limits the size of a shard (data file), in bytes; 0, the default, means no
        /// limit. TensorFlow reads what is written; its own <c>MaxShardSizePolicy</c> cuts and
        /// distributes tensors in another way.</summary>
        public long MaxShardSize { get; set; }

        /// <summary>Aligns each value in its shard to a multiple of <c>bytes</c>; 1 by default, as
        /// in TensorFlow. Values aligned to their element size can be used directly through views.
        /// 0 for the default.</summary>
        public long Alignment { get; set; }

        /// <summary>Sets the number of writing threads, the calling thread included; 0, the
        /// default, lets the library choose. There are never more than one for every 256 KiB, nor
        /// more than eight per processor. The files are the same for any number of
        /// threads.</summary>
        public int Threads { get; set; }

        /// <summary>Sets what survives a power failure after the checkpoint is written. Fails with
        /// <c>ErrorCode.InvalidArgument</c> for other values.</summary>
        public Durability Durability { get; set; }

        /// <summary>Sets whether the directory is locked; <c>Locking.IfPossible</c> by default.
        /// Fails with <c>ErrorCode.InvalidArgument</c> for other values. Null for the
        /// default.</summary>
        public Locking? Locking { get; set; }

        /// <summary>Sets for how many seconds the call waits for a lock that another process or
        /// thread holds; 60 by default, 0 fails at once. Fails with
        /// <c>ErrorCode.InvalidArgument</c> for negative values and NaN. Null for the
        /// default.</summary>
        public TimeSpan? LockWait { get; set; }

        /// <summary>Sets whether the files are read back and compared with what was written before
        /// they are published, from the disk rather than from the page cache where the system
        /// allows it. If they differ, the write fails with <c>ErrorCode.DataLoss</c>, and an
        /// existing checkpoint stays. This costs another read of all bytes; the files are synced
        /// for it whatever the durability. False by default.</summary>
        public bool ReadBack { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(WriteOptionsHandle made)
        {
            if (Shards != 0)
            {
                NativeMethods.ckpt_write_options_set_shards(made, Required.NotNegative(Shards, nameof(Shards)));
            }
            if (MaxShardSize != 0)
            {
                NativeMethods.ckpt_write_options_set_max_shard_size(made, Required.NotNegative(MaxShardSize, nameof(MaxShardSize)));
            }
            if (Alignment != 0)
            {
                NativeMethods.ckpt_write_options_set_alignment(made, Required.NotNegative(Alignment, nameof(Alignment)));
            }
            if (Threads != 0)
            {
                NativeMethods.ckpt_write_options_set_threads(made, Required.NotNegative(Threads, nameof(Threads)));
            }
            NativeMethods.ckpt_write_options_set_durability(made, Durability);
            if (Locking != null)
            {
                NativeMethods.ckpt_write_options_set_locking(made, Locking.Value);
            }
            if (LockWait != null)
            {
                NativeMethods.ckpt_write_options_set_lock_wait(made, LockWait.Value.TotalSeconds);
            }
            NativeMethods.ckpt_write_options_set_read_back(made, ReadBack);
        }
    }

    public sealed partial class MergeOptions
    {
        /// <summary>Sets whether sections may be missing: if so, the existing ones are merged, and
        /// at least one must exist. False by default: then all of the given sections must exist; if
        /// one of them is called <c>part-00000-of-00002</c>, so must the other one be given; the
        /// slices of each tensor must cover it; and there must be every key that the object graph
        /// names.</summary>
        public bool AllowMissing { get; set; }

        /// <summary>Sets whether the sections are kept after the merge. False by default: they are
        /// deleted.</summary>
        public bool KeepInputs { get; set; }

        /// <summary>Sets what survives a power failure after the merge. Fails with
        /// <c>ErrorCode.InvalidArgument</c> for other values.</summary>
        public Durability Durability { get; set; }

        /// <summary>Sets whether the directory is locked; <c>Locking.IfPossible</c> by default.
        /// Fails with <c>ErrorCode.InvalidArgument</c> for other values.</summary>
        public Locking Locking { get; set; }

        /// <summary>Sets for how many seconds the call waits for a lock that another process or
        /// thread holds; 60 by default, 0 fails at once. Fails with
        /// <c>ErrorCode.InvalidArgument</c> for negative values and NaN. Null for the
        /// default.</summary>
        public TimeSpan? LockWait { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(MergeOptionsHandle made)
        {
            NativeMethods.ckpt_merge_options_set_allow_missing(made, AllowMissing);
            NativeMethods.ckpt_merge_options_set_keep_inputs(made, KeepInputs);
            NativeMethods.ckpt_merge_options_set_durability(made, Durability);
            NativeMethods.ckpt_merge_options_set_locking(made, Locking);
            if (LockWait != null)
            {
                NativeMethods.ckpt_merge_options_set_lock_wait(made, LockWait.Value.TotalSeconds);
            }
        }
    }

    public sealed partial class NodeOptions
    {
        /// <summary>Sets the name (UTF-8) of the object in messages. By default, messages name its
        /// kind.</summary>
        public string DebugName { get; set; }

        /// <summary>Sets the name (UTF-8) of a variable in name-based checkpoints: in TensorFlow,
        /// the variable's name without <c>:0</c>. Variables only.</summary>
        public string Name { get; set; }

        /// <summary>Sets whether a variable is saved but never restored: restoring it fails with
        /// <c>ErrorCode.FailedPrecondition</c> (<c>Reason.ReadOnly</c>). False by default.
        /// Variables only.</summary>
        public bool ReadOnly { get; set; }

        /// <summary>Saves a state object as one attribute of this name, with the tensors' names as
        /// suffixes: <c>table</c> with the tensors <c>-keys</c> and <c>-values</c>, as TensorFlow's
        /// hash tables do; <c>ITERATOR</c> with <c>_STATE</c>, as its dataset iterators do. State
        /// only.</summary>
        public string LegacyName { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(NodeOptionsHandle made)
        {
            if (DebugName != null)
            {
                NativeMethods.ckpt_node_options_set_debug_name(made, Utf8.Encode(DebugName, "name"));
            }
            if (Name != null)
            {
                NativeMethods.ckpt_node_options_set_name(made, Utf8.Encode(Name, "name"));
            }
            NativeMethods.ckpt_node_options_set_read_only(made, ReadOnly);
            if (LegacyName != null)
            {
                NativeMethods.ckpt_node_options_set_legacy_name(made, Utf8.Encode(LegacyName, "name"));
            }
        }
    }

    public sealed partial class CheckpointSaveOptions
    {
        /// <summary>Sets what a save does while an earlier save of the checkpoint runs in the
        /// background; <c>Busy.Wait</c> by default.</summary>
        public Busy Busy { get; set; }

        /// <summary>Limits the memory that the copies of all saves in the background of this
        /// process take while they are written, in bytes; 0, the default, for no limit. A save that
        /// would exceed it waits, before it copies anything, until others are written or, with
        /// <c>Busy.Fail</c>, fails with <c>ErrorCode.Unavailable</c> (<c>Reason.Busy</c>). If its
        /// own copy is larger, it fails with <c>ErrorCode.ResourceExhausted</c>
        /// (<c>Reason.Limit</c>). Only saves in the background copy.</summary>
        public long SnapshotLimit { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(SaveOptionsHandle made)
        {
            NativeMethods.ckpt_save_options_set_busy(made, Busy);
            if (SnapshotLimit != 0)
            {
                NativeMethods.ckpt_save_options_set_snapshot_limit(made, Required.NotNegative(SnapshotLimit, nameof(SnapshotLimit)));
            }
        }
    }

    public sealed partial class RestoreOptions
    {
        /// <summary>Restores only values whose path in the checkpoint matches an included glob.
        /// Other values are skipped, and assertions of the status do not require them. A glob that
        /// matches no value of the checkpoint is a row of the report
        /// (<c>RowState.UnmatchedGlob</c>) and a warning in the log; a restore with a malformed one
        /// fails with <c>ErrorCode.InvalidArgument</c>.</summary>
        public IList<string> Include { get; } = new List<string>();

        /// <summary>Skips values whose path in the checkpoint matches the glob, even if they are
        /// included. Globs that match nothing or are malformed are treated as those of
        /// <c>RestoreOptions.Include</c>.</summary>
        public IList<string> Exclude { get; } = new List<string>();

        /// <summary>Restores the program's object at <c>to</c>, a path from its root, and
        /// everything below it, from the checkpoint's object at <c>from</c>. Renames apply
        /// together, so that names can be exchanged.</summary>
        public IList<Rename> Renames { get; } = new List<Rename>();

        /// <summary>Sets what to do about values that do not fit their object; <c>Mismatch.Fail</c>
        /// by default.</summary>
        public Mismatch OnMismatch { get; set; }

        /// <summary>Sets which values are converted to the dtypes of their variables;
        /// <c>Conversion.None</c> by default, so that another dtype does not fit. A converted value
        /// has a row of its own state, <c>RowState.Converted</c>.</summary>
        public Conversion Conversion { get; set; }

        /// <summary>Leaves slot variables unchanged if <c>skip</c> is true; assertions of the
        /// status then do not require them. False by default.
        /// (<c>experimental_skip_slot_variables</c>)</summary>
        public bool SkipSlotVariables { get; set; }

        /// <summary>Restores only the part of the checkpoint below <c>path</c>, as if the object
        /// there were its root. In a name-based checkpoint <c>path</c> is a scope, which names in
        /// the program lack.</summary>
        public string Subtree { get; set; }

        /// <summary>If <c>verify</c> is true, reads all values and compares their checksums before
        /// it assigns the first, so that only a fault between the two passes can leave the program
        /// partly restored. Values are read twice. False by default.</summary>
        public bool VerifyFirst { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(RestoreOptionsHandle made)
        {
            foreach (string each in Include)
            {
                NativeMethods.ckpt_restore_options_add_include(made, Utf8.Encode(each, "glob"));
            }
            foreach (string each in Exclude)
            {
                NativeMethods.ckpt_restore_options_add_exclude(made, Utf8.Encode(each, "glob"));
            }
            foreach (Rename each in Renames)
            {
                NativeMethods.ckpt_restore_options_add_rename(made, Utf8.Encode(each.From, "from"), Utf8.Encode(each.To, "to"));
            }
            NativeMethods.ckpt_restore_options_set_on_mismatch(made, OnMismatch);
            NativeMethods.ckpt_restore_options_set_conversion(made, Conversion);
            NativeMethods.ckpt_restore_options_set_skip_slot_variables(made, SkipSlotVariables);
            if (Subtree != null)
            {
                NativeMethods.ckpt_restore_options_set_subtree(made, Utf8.Encode(Subtree, "path"));
            }
            NativeMethods.ckpt_restore_options_set_verify_first(made, VerifyFirst);
        }
    }

    public sealed partial class SaverOptions
    {
        /// <summary>Keeps the newest <c>count</c> checkpoints; 5 by default. 0 keeps all of them,
        /// but the state file then lists only the newest.</summary>
        public int MaxToKeep { get; set; } = 5;

        /// <summary>Permanently keeps one otherwise expired checkpoint per <c>hours</c> hours,
        /// counted from when the saver was made; 10 000 by default. 0 or less keeps every
        /// checkpoint. <c>Saver</c> refuses NaN.</summary>
        public double KeepEveryNHours { get; set; } = 10000;

        /// <summary>Writes steps with at least eight digits if <c>pad</c> is true:
        /// <c>model-00000012</c>. False by default.</summary>
        public bool PadStepNumber { get; set; }

        /// <summary>Sets whether the state file names checkpoints relative to its own directory, so
        /// that the directory can be moved. True by default; TensorFlow by default writes the paths
        /// as they were given.</summary>
        public bool RelativePaths { get; set; } = true;

        /// <summary>Restores values into variables of another shape with as many elements if
        /// <c>reshape</c> is true; a variable keeps its own shape. Variables on devices and parts
        /// of tensors are not reshaped. False by default. (<c>Saver(reshape=True)</c>)</summary>
        public bool Reshape { get; set; }

        /// <summary>If <c>only</c> is true, the saver restores and cannot save, and several objects
        /// may have the same name: each of them takes the value. False by default.
        /// (<c>tf.compat.v1.train.init_from_checkpoint</c>)</summary>
        public bool RestoreOnly { get; set; }

        /// <summary>Sets whether the directory is locked; <c>Locking.IfPossible</c> by default.
        /// Fails with <c>ErrorCode.InvalidArgument</c> for other values. Options of a write can say
        /// otherwise for one save.</summary>
        public Locking Locking { get; set; }

        /// <summary>Sets for how many seconds the call waits for a lock that another process or
        /// thread holds; 60 by default, 0 fails at once. Fails with
        /// <c>ErrorCode.InvalidArgument</c> for negative values and NaN. Null for the
        /// default.</summary>
        public TimeSpan? LockWait { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(SaverOptionsHandle made)
        {
            NativeMethods.ckpt_saver_options_set_max_to_keep(made, MaxToKeep);
            NativeMethods.ckpt_saver_options_set_keep_checkpoint_every_n_hours(made, KeepEveryNHours);
            NativeMethods.ckpt_saver_options_set_pad_step_number(made, PadStepNumber);
            NativeMethods.ckpt_saver_options_set_save_relative_paths(made, RelativePaths);
            NativeMethods.ckpt_saver_options_set_reshape(made, Reshape);
            NativeMethods.ckpt_saver_options_set_restore_only(made, RestoreOnly);
            NativeMethods.ckpt_saver_options_set_locking(made, Locking);
            if (LockWait != null)
            {
                NativeMethods.ckpt_saver_options_set_lock_wait(made, LockWait.Value.TotalSeconds);
            }
        }
    }

    public sealed partial class SaverSaveOptions
    {
        /// <summary>Appends <c>-STEP</c> to the prefix. Null for the default.</summary>
        public long? GlobalStep { get; set; }

        /// <summary>Appends <c>-STEP</c> to the prefix, where the step is the value of <c>step</c>,
        /// an integer scalar of the saver's graph.</summary>
        public Node GlobalStepOf { get; set; }

        /// <summary>Sets whether the checkpoint is recorded in the state file and by the saver,
        /// which then removes expired ones. True by default.</summary>
        public bool WriteState { get; set; } = true;

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(SaverSaveOptionsHandle made)
        {
            if (GlobalStep != null)
            {
                NativeMethods.ckpt_saver_save_options_set_global_step(made, GlobalStep.Value);
            }
            if (!GlobalStepOf.IsNone)
            {
                NativeMethods.ckpt_saver_save_options_set_global_step_of(made, GlobalStepOf);
            }
            NativeMethods.ckpt_saver_save_options_set_write_state(made, WriteState);
        }
    }

    public sealed partial class ManagerOptions
    {
        /// <summary>Keeps the newest <c>count</c> checkpoints. <c>Manager</c> refuses values below
        /// 1. Null for the default.</summary>
        public long? MaxToKeep { get; set; }

        /// <summary>Permanently keeps one otherwise expired checkpoint per <c>hours</c> hours. 0,
        /// the default, keeps none. <c>Manager</c> refuses values that are negative or not
        /// finite.</summary>
        public double KeepEveryNHours { get; set; }

        /// <summary>Also keeps the best <c>count</c> checkpoints by the metric that each save
        /// gives. Of equal metrics the newer checkpoint is better. A checkpoint without a metric,
        /// or whose metric is NaN, is never among the best. 0 for the default.</summary>
        public int KeepBest { get; set; }

        /// <summary>Which metric values are better, for <c>KeepBest</c>.</summary>
        public Better Better { get; set; } = Better.Lower;

        /// <summary>Sets the name of checkpoints, which are called <c>NAME-NUMBER</c>; <c>ckpt</c>
        /// by default. <c>name</c> has <c>name_len</c> bytes and no <c>/</c>, which <c>Manager</c>
        /// checks.</summary>
        public string CheckpointName { get; set; }

        /// <summary>Sets the integer scalar that counts the program's steps, for
        /// <c>ManagerOptions.CheckpointInterval</c>.</summary>
        public Node StepCounter { get; set; }

        /// <summary>Sets whether each call gives the step (<c>ManagerSaveOptions.Step</c>,
        /// <c>ResumeOptions.Step</c>) instead of a counter. False by default.</summary>
        public bool StepsInCalls { get; set; }

        /// <summary>Saves only if at least <c>steps</c> steps have passed since the last save. The
        /// steps come from a step counter or from each call; <c>Manager</c> fails if neither is
        /// set. Null for the default.</summary>
        public long? CheckpointInterval { get; set; }

        /// <summary>Sets the step of the last save, from which the interval is counted. By default
        /// the first save is never too early. Null for the default.</summary>
        public long? LastCheckpointStep { get; set; }

        /// <summary>Sets whether the directory is locked; <c>Locking.IfPossible</c> by default.
        /// Fails with <c>ErrorCode.InvalidArgument</c> for other values.</summary>
        public Locking Locking { get; set; }

        /// <summary>Sets for how many seconds the call waits for a lock that another process or
        /// thread holds; 60 by default, 0 fails at once. Fails with
        /// <c>ErrorCode.InvalidArgument</c> for negative values and NaN. Another manager of the
        /// directory is never waited for. Null for the default.</summary>
        public TimeSpan? LockWait { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(ManagerOptionsHandle made)
        {
            if (MaxToKeep != null)
            {
                NativeMethods.ckpt_manager_options_set_max_to_keep(made, MaxToKeep.Value);
            }
            if (KeepEveryNHours != 0)
            {
                NativeMethods.ckpt_manager_options_set_keep_checkpoint_every_n_hours(made, KeepEveryNHours);
            }
            if (KeepBest != 0)
            {
                NativeMethods.ckpt_manager_options_set_keep_best(made, KeepBest, Better);
            }
            if (CheckpointName != null)
            {
                NativeMethods.ckpt_manager_options_set_checkpoint_name(made, Utf8.Encode(CheckpointName, "name"));
            }
            if (!StepCounter.IsNone)
            {
                NativeMethods.ckpt_manager_options_set_step_counter(made, StepCounter);
            }
            NativeMethods.ckpt_manager_options_set_steps_in_calls(made, StepsInCalls);
            if (CheckpointInterval != null)
            {
                NativeMethods.ckpt_manager_options_set_checkpoint_interval(made, CheckpointInterval.Value);
            }
            if (LastCheckpointStep != null)
            {
                NativeMethods.ckpt_manager_options_set_last_checkpoint_step(made, LastCheckpointStep.Value);
            }
            NativeMethods.ckpt_manager_options_set_locking(made, Locking);
            if (LockWait != null)
            {
                NativeMethods.ckpt_manager_options_set_lock_wait(made, LockWait.Value.TotalSeconds);
            }
        }
    }

    public sealed partial class ManagerSaveOptions
    {
        /// <summary>Sets the checkpoint's number, in place of the save counter's value. The counter
        /// is incremented all the same. (<c>checkpoint_number</c>) Null for the default.</summary>
        public long? Number { get; set; }

        /// <summary>Sets the checkpoint's number to the value of <c>number</c>, an integer scalar
        /// of the manager's graph, which stays unchanged.</summary>
        public Node NumberOf { get; set; }

        /// <summary>Sets whether the save is skipped if it is too early
        /// (<c>ManagerOptions.CheckpointInterval</c>). True by default. A step that was already
        /// saved is never saved again.</summary>
        public bool CheckInterval { get; set; } = true;

        /// <summary>Sets the program's step, in place of the step counter's value. Null for the
        /// default.</summary>
        public long? Step { get; set; }

        /// <summary>Sets the metric of this checkpoint, for <c>ManagerOptions.KeepBest</c>. Null
        /// for the default.</summary>
        public double? Metric { get; set; }

        /// <summary>Sets the metric of this checkpoint to the value of <c>metric</c>, a scalar of
        /// the manager's graph: float32, float64 or an integer.</summary>
        public Node MetricOf { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(ManagerSaveOptionsHandle made)
        {
            if (Number != null)
            {
                NativeMethods.ckpt_manager_save_options_set_number(made, Number.Value);
            }
            if (!NumberOf.IsNone)
            {
                NativeMethods.ckpt_manager_save_options_set_number_of(made, NumberOf);
            }
            NativeMethods.ckpt_manager_save_options_set_check_interval(made, CheckInterval);
            if (Step != null)
            {
                NativeMethods.ckpt_manager_save_options_set_step(made, Step.Value);
            }
            if (Metric != null)
            {
                NativeMethods.ckpt_manager_save_options_set_metric(made, Metric.Value);
            }
            if (!MetricOf.IsNone)
            {
                NativeMethods.ckpt_manager_save_options_set_metric_of(made, MetricOf);
            }
        }
    }

    public sealed partial class ResumeOptions
    {
        /// <summary>Restores the newest valid checkpoint instead of the latest if
        /// <c>latest_valid</c> is true. This reads every byte of it once more. False by
        /// default.</summary>
        public bool LatestValid { get; set; }

        /// <summary>Sets the program's step after the restore, in place of the step counter's
        /// value. Null for the default.</summary>
        public long? Step { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(ResumeOptionsHandle made)
        {
            NativeMethods.ckpt_resume_options_set_latest_valid(made, LatestValid);
            if (Step != null)
            {
                NativeMethods.ckpt_resume_options_set_step(made, Step.Value);
            }
        }
    }

    public sealed partial class RemoveOptions
    {
        /// <summary>Sets whether the directory is locked; <c>Locking.IfPossible</c> by default.
        /// Fails with <c>ErrorCode.InvalidArgument</c> for other values.</summary>
        public Locking Locking { get; set; }

        /// <summary>Sets for how many seconds the call waits for a lock that another process or
        /// thread holds; 60 by default, 0 fails at once. Fails with
        /// <c>ErrorCode.InvalidArgument</c> for negative values and NaN. Null for the
        /// default.</summary>
        public TimeSpan? LockWait { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(RemoveOptionsHandle made)
        {
            NativeMethods.ckpt_remove_options_set_locking(made, Locking);
            if (LockWait != null)
            {
                NativeMethods.ckpt_remove_options_set_lock_wait(made, LockWait.Value.TotalSeconds);
            }
        }
    }

    public sealed partial class WaitOptions
    {
        /// <summary>Sets the longest time to wait, in seconds; without limit by default. A timeout
        /// shorter than the poll interval looks once. Null for the default.</summary>
        public TimeSpan? Timeout { get; set; }

        /// <summary>Sets the seconds between two looks; 1 by default. Null for the
        /// default.</summary>
        public TimeSpan? PollInterval { get; set; }

        /// <summary>Sets the least number of seconds between two checkpoints that an iterator
        /// returns; 0 by default. Of the checkpoints that appear in the meantime it returns only
        /// the last. Null for the default.</summary>
        public TimeSpan? MinInterval { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(WaitOptionsHandle made)
        {
            if (Timeout != null)
            {
                NativeMethods.ckpt_wait_options_set_timeout(made, Timeout.Value.TotalSeconds);
            }
            if (PollInterval != null)
            {
                NativeMethods.ckpt_wait_options_set_poll_interval(made, PollInterval.Value.TotalSeconds);
            }
            if (MinInterval != null)
            {
                NativeMethods.ckpt_wait_options_set_min_interval(made, MinInterval.Value.TotalSeconds);
            }
        }
    }

    public sealed partial class RepairOptions
    {
        /// <summary>Only returns what the state file would be, and takes no lock, if <c>dry_run</c>
        /// is true. False by default.</summary>
        public bool DryRun { get; set; }

        /// <summary>Sets whether the directory is locked; <c>Locking.IfPossible</c> by default.
        /// Fails with <c>ErrorCode.InvalidArgument</c> for other values.</summary>
        public Locking Locking { get; set; }

        /// <summary>Sets for how many seconds the call waits for a lock that another process or
        /// thread holds; 60 by default, 0 fails at once. Fails with
        /// <c>ErrorCode.InvalidArgument</c> for negative values and NaN. The lock of the
        /// directory's manager is not waited for. Null for the default.</summary>
        public TimeSpan? LockWait { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(RepairOptionsHandle made)
        {
            NativeMethods.ckpt_repair_options_set_dry_run(made, DryRun);
            NativeMethods.ckpt_repair_options_set_locking(made, Locking);
            if (LockWait != null)
            {
                NativeMethods.ckpt_repair_options_set_lock_wait(made, LockWait.Value.TotalSeconds);
            }
        }
    }

    public sealed partial class CollectOptions
    {
        /// <summary>Permanently keeps one otherwise expired checkpoint per <c>hours</c> hours. 0,
        /// the default, keeps none.</summary>
        public double KeepEveryNHours { get; set; }

        /// <summary>Also keeps the best <c>count</c> checkpoints by the metrics that were given to
        /// a manager. 0 for the default.</summary>
        public int KeepBest { get; set; }

        /// <summary>Which metric values are better, for <c>KeepBest</c>.</summary>
        public Better Better { get; set; } = Better.Lower;

        /// <summary>Sets whether the directory is locked; <c>Locking.IfPossible</c> by default.
        /// Fails with <c>ErrorCode.InvalidArgument</c> for other values.</summary>
        public Locking Locking { get; set; }

        /// <summary>Sets for how many seconds the call waits for a lock that another process or
        /// thread holds; 60 by default, 0 fails at once. Fails with
        /// <c>ErrorCode.InvalidArgument</c> for negative values and NaN. The lock of the
        /// directory's manager is not waited for. Null for the default.</summary>
        public TimeSpan? LockWait { get; set; }

        /// <summary>Deletes files left behind by crashes even where the file system has no locks,
        /// so that nobody knows whether a program is writing them: those that were last modified
        /// more than <c>seconds</c> seconds ago. Otherwise nothing is deleted there but expired
        /// checkpoints. Null for the default.</summary>
        public TimeSpan? OlderThan { get; set; }

        /// <summary>Only lists what would be deleted if <c>dry_run</c> is true. False by
        /// default.</summary>
        public bool DryRun { get; set; }

        // Sets all but callbacks, other options, paths and arrays.
        private void SetPlain(CollectOptionsHandle made)
        {
            if (KeepEveryNHours != 0)
            {
                NativeMethods.ckpt_collect_options_set_keep_checkpoint_every_n_hours(made, KeepEveryNHours);
            }
            if (KeepBest != 0)
            {
                NativeMethods.ckpt_collect_options_set_keep_best(made, KeepBest, Better);
            }
            NativeMethods.ckpt_collect_options_set_locking(made, Locking);
            if (LockWait != null)
            {
                NativeMethods.ckpt_collect_options_set_lock_wait(made, LockWait.Value.TotalSeconds);
            }
            if (OlderThan != null)
            {
                NativeMethods.ckpt_collect_options_set_older_than(made, OlderThan.Value.TotalSeconds);
            }
            NativeMethods.ckpt_collect_options_set_dry_run(made, DryRun);
        }
    }
}
