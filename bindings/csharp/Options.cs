// Generated from bindings/abi.json by bindings/generate; do not edit.
using System;
using System.Collections.Generic;

namespace LibCheckpoint
{
    public sealed partial class OpenOptions
    {
        /// <summary>
        /// Most bytes that listing a checkpoint may take; by default 16 MiB and 24 for each byte of
        /// its index.
        /// </summary>
        public long MemoryLimit { get; set; }

        // Sets all but callbacks, other options and arrays.
        private void SetPlain(OpenOptionsHandle made)
        {
            if (MemoryLimit != 0)
            {
                NativeMethods.ckpt_open_options_set_memory_limit(made, checked((ulong)MemoryLimit));
            }
        }
    }

    public sealed partial class ReadOptions
    {
        /// <summary>
        /// Reads with so many threads, the caller's among them. 0, the default, lets the library
        /// choose: one for less than 4 MiB, else as many as there are processors, at most four.
        /// </summary>
        public int Threads { get; set; }

        /// <summary>
        /// Whether checksums are compared: <c>Checksums.Always</c> (the default),
        /// <c>Checksums.WhenWhole</c> or <c>Checksums.Never</c>.
        /// </summary>
        public Checksums Checksums { get; set; }

        // Sets all but callbacks, other options and arrays.
        private void SetPlain(ReadOptionsHandle made)
        {
            if (Threads != 0)
            {
                NativeMethods.ckpt_read_options_set_threads(made, checked((uint)Threads));
            }
            NativeMethods.ckpt_read_options_set_checksums(made, Checksums);
        }
    }

    public sealed partial class VerifyOptions
    {
        /// <summary>Reads with so many threads; 0, the default, lets the library choose.</summary>
        public int Threads { get; set; }

        // Sets all but callbacks, other options and arrays.
        private void SetPlain(VerifyOptionsHandle made)
        {
            if (Threads != 0)
            {
                NativeMethods.ckpt_verify_options_set_threads(made, checked((uint)Threads));
            }
        }
    }

    public sealed partial class WriteOptions
    {
        /// <summary>
        /// Writes so many data files. 0, the default, lets the library choose by the size alone:
        /// one up to 256 MiB, then one for each 512 MiB. Where a checkpoint of the same prefix and
        /// number is being replaced, one more is made, which may be empty.
        /// </summary>
        public int Shards { get; set; }

        /// <summary>
        /// Writes no data file of more than so many bytes, as far as tensors can be cut into
        /// slices: strings, variants, and dtypes that TensorFlow cannot put together again are not,
        /// and get a larger file if need be. Takes the place of <c>WriteOptions.Shards</c>. 0, the
        /// default, for no limit. (<c>tf.train.experimental.MaxShardSizePolicy</c>)
        /// </summary>
        public long MaxShardSize { get; set; }

        /// <summary>
        /// Begins each value at a multiple of so many bytes; 1 by default, as in TensorFlow. Values
        /// that are aligned to their elements can be used through views as they are.
        ///
        /// <c>ErrorCode.InvalidArgument</c> for 0.
        /// </summary>
        public long Alignment { get; set; }

        /// <summary>
        /// Writes with so many threads, the caller's among them; 0, the default, lets the library
        /// choose. The files are the same whatever it is.
        /// </summary>
        public int Threads { get; set; }

        /// <summary>What survives a power cut once the checkpoint is written.</summary>
        public Durability Durability { get; set; }

        // Sets all but callbacks, other options and arrays.
        private void SetPlain(WriteOptionsHandle made)
        {
            if (Shards != 0)
            {
                NativeMethods.ckpt_write_options_set_shards(made, checked((uint)Shards));
            }
            if (MaxShardSize != 0)
            {
                NativeMethods.ckpt_write_options_set_max_shard_size(made, checked((ulong)MaxShardSize));
            }
            if (Alignment != 0)
            {
                NativeMethods.ckpt_write_options_set_alignment(made, checked((ulong)Alignment));
            }
            if (Threads != 0)
            {
                NativeMethods.ckpt_write_options_set_threads(made, checked((uint)Threads));
            }
            NativeMethods.ckpt_write_options_set_durability(made, Durability);
        }
    }

    public sealed partial class MergeOptions
    {
        /// <summary>
        /// Whether sections may be missing: then those that are there are merged, at least one. Not
        /// by default.
        /// </summary>
        public bool AllowMissing { get; set; }

        /// <summary>Whether the sections stay when they have been merged. Not by default.</summary>
        public bool KeepInputs { get; set; }

        /// <summary>What survives a power cut once the checkpoint is merged.</summary>
        public Durability Durability { get; set; }

        // Sets all but callbacks, other options and arrays.
        private void SetPlain(MergeOptionsHandle made)
        {
            NativeMethods.ckpt_merge_options_set_allow_missing(made, AllowMissing);
            NativeMethods.ckpt_merge_options_set_keep_inputs(made, KeepInputs);
            NativeMethods.ckpt_merge_options_set_durability(made, Durability);
        }
    }

    public sealed partial class NodeOptions
    {
        /// <summary>A name for messages. By default an object is called what it is.</summary>
        public string DebugName { get; set; }

        /// <summary>
        /// The name that a variable has in name-based checkpoints, in TensorFlow that of the
        /// variable without <c>:0</c>.
        /// </summary>
        public string Name { get; set; }

        /// <summary>
        /// Whether a variable is only saved: restoring it is <c>ErrorCode.FailedPrecondition</c>.
        /// Not by default.
        /// </summary>
        public bool ReadOnly { get; set; }

        /// <summary>
        /// Has state saved as one attribute of this name, of which the names of its tensors are
        /// suffixes: <c>table</c> with the tensors <c>-keys</c> and <c>-values</c>, as TensorFlow's
        /// hash tables have it; <c>ITERATOR</c> with <c>_STATE</c>, as its dataset iterators do.
        /// </summary>
        public string LegacyName { get; set; }

        // Sets all but callbacks, other options and arrays.
        private void SetPlain(NodeOptionsHandle made)
        {
            if (DebugName != null)
            {
                byte[] name = Utf8.Encode(DebugName);
                NativeMethods.ckpt_node_options_set_debug_name(made, name, name.Length);
            }
            if (Name != null)
            {
                byte[] name = Utf8.Encode(Name);
                NativeMethods.ckpt_node_options_set_name(made, name, name.Length);
            }
            NativeMethods.ckpt_node_options_set_read_only(made, ReadOnly);
            if (LegacyName != null)
            {
                byte[] name = Utf8.Encode(LegacyName);
                NativeMethods.ckpt_node_options_set_legacy_name(made, name, name.Length);
            }
        }
    }

    public sealed partial class SaveOptions
    {
        /// <summary>What to do while an earlier save of the checkpoint is running in the background.</summary>
        public Busy Busy { get; set; }

        // Sets all but callbacks, other options and arrays.
        private void SetPlain(SaveOptionsHandle made)
        {
            NativeMethods.ckpt_save_options_set_busy(made, Busy);
        }
    }

    public sealed partial class RestoreOptions
    {
        /// <summary>
        /// Restores only values whose path in the checkpoint one of the included globs matches.
        /// What is left out is skipped, and assertions do not ask for it.
        /// </summary>
        public IList<string> Include { get; } = new List<string>();

        /// <summary>Leaves out values whose path in the checkpoint the glob matches, also included ones.</summary>
        public IList<string> Exclude { get; } = new List<string>();

        /// <summary>
        /// Takes what the checkpoint has at <c>from</c> for what the program has at <c>to</c>:
        /// paths of objects, each with all that is below. Renames are done in the order in which
        /// they were added.
        /// </summary>
        public IList<Rename> Renames { get; } = new List<Rename>();

        /// <summary>What to do about values that do not fit.</summary>
        public Mismatch OnMismatch { get; set; }

        /// <summary>
        /// Whether slot variables are left as they are; then assertions do not ask for them. Not by
        /// default. (<c>experimental_skip_slot_variables</c>)
        /// </summary>
        public bool SkipSlotVariables { get; set; }

        /// <summary>
        /// Restores only what the checkpoint has below <c>path</c>, as if the object there had been
        /// its root.
        /// </summary>
        public string Subtree { get; set; }

        /// <summary>
        /// Whether all values are read and their checksums compared before the first is assigned,
        /// so that only a fault in between can leave some restored and some not. Values are read
        /// twice. Not by default.
        /// </summary>
        public bool VerifyFirst { get; set; }

        // Sets all but callbacks, other options and arrays.
        private void SetPlain(RestoreOptionsHandle made)
        {
            foreach (string each in Include)
            {
                byte[] glob = Utf8.Encode(each, "glob");
                NativeMethods.ckpt_restore_options_add_include(made, glob, glob.Length);
            }
            foreach (string each in Exclude)
            {
                byte[] glob = Utf8.Encode(each, "glob");
                NativeMethods.ckpt_restore_options_add_exclude(made, glob, glob.Length);
            }
            foreach (Rename each in Renames)
            {
                byte[] from = Utf8.Encode(each.From, "from");
                byte[] to = Utf8.Encode(each.To, "to");
                NativeMethods.ckpt_restore_options_add_rename(made, from, from.Length, to, to.Length);
            }
            NativeMethods.ckpt_restore_options_set_on_mismatch(made, OnMismatch);
            NativeMethods.ckpt_restore_options_set_skip_slot_variables(made, SkipSlotVariables);
            if (Subtree != null)
            {
                byte[] path = Utf8.Encode(Subtree);
                NativeMethods.ckpt_restore_options_set_subtree(made, path, path.Length);
            }
            NativeMethods.ckpt_restore_options_set_verify_first(made, VerifyFirst);
        }
    }

    public sealed partial class SaverOptions
    {
        /// <summary>
        /// How many checkpoints stay, the newest; 5 by default. 0: all of them, but the state file
        /// lists the newest alone.
        /// </summary>
        public int MaxToKeep { get; set; } = 5;

        /// <summary>
        /// Of those that would be removed, keeps one for each so many hours for good; 10 000 by
        /// default. The hours are counted from when the saver was made.
        /// </summary>
        public double KeepEveryNHours { get; set; } = 10000;

        /// <summary>
        /// Whether steps are written with at least eight digits: <c>model-00000012</c>. Not by
        /// default.
        /// </summary>
        public bool PadStepNumber { get; set; }

        /// <summary>
        /// Whether the state file names checkpoints from its own directory, so that this can be
        /// moved; true by default. TensorFlow's default is the paths as they were given.
        /// </summary>
        public bool RelativePaths { get; set; } = true;

        // Sets all but callbacks, other options and arrays.
        private void SetPlain(SaverOptionsHandle made)
        {
            NativeMethods.ckpt_saver_options_set_max_to_keep(made, MaxToKeep);
            NativeMethods.ckpt_saver_options_set_keep_checkpoint_every_n_hours(made, KeepEveryNHours);
            NativeMethods.ckpt_saver_options_set_pad_step_number(made, PadStepNumber);
            NativeMethods.ckpt_saver_options_set_save_relative_paths(made, RelativePaths);
        }
    }

    public sealed partial class SaverSaveOptions
    {
        /// <summary>Appends <c>-STEP</c> to the prefix. Null for the default.</summary>
        public long? GlobalStep { get; set; }

        /// <summary>The same by an integer scalar of the saver's graph.</summary>
        public Node GlobalStepOf { get; set; }

        /// <summary>
        /// Another name for the state file than <c>checkpoint</c>: several savers of one directory
        /// may each have their own.
        /// </summary>
        public string LatestFilename { get; set; }

        /// <summary>
        /// Whether the checkpoint is recorded: in the state file, and by the saver, which removes
        /// old ones then. True by default.
        /// </summary>
        public bool WriteState { get; set; } = true;

        // Sets all but callbacks, other options and arrays.
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
            if (LatestFilename != null)
            {
                NativeMethods.ckpt_saver_save_options_set_latest_filename(made, Utf8.Path(LatestFilename));
            }
            NativeMethods.ckpt_saver_save_options_set_write_state(made, WriteState);
        }
    }

    public sealed partial class ManagerOptions
    {
        /// <summary>
        /// How many checkpoints stay, the newest: 1 or more, which <c>Manager</c> checks. Null for
        /// the default.
        /// </summary>
        public long? MaxToKeep { get; set; }

        /// <summary>
        /// Of those that would be removed, keeps one for each so many hours for good; 0, the
        /// default, for none.
        /// </summary>
        public double KeepEveryNHours { get; set; }

        /// <summary>
        /// Keeps also the best <c>count</c> by the metric that each save gives. Of equal ones the
        /// newer is better; one without a metric, or with one that is not a number, is never among
        /// them. Metrics are in a file of their own, <c>checkpoint.manager</c>: what TensorFlow
        /// saves in between has none, and removes none of these.
        /// </summary>
        public int KeepBest { get; set; }

        /// <summary>Which metrics are better, for <c>KeepBest</c>.</summary>
        public Better Better { get; set; } = Better.Lower;

        /// <summary>What checkpoints are called: <c>NAME-NUMBER</c>; <c>ckpt</c> by default.</summary>
        public string CheckpointName { get; set; }

        /// <summary>
        /// The integer scalar that counts the program's steps, for
        /// <c>ManagerOptions.CheckpointInterval</c>.
        /// </summary>
        public Node StepCounter { get; set; }

        /// <summary>
        /// Whether steps are given to each call (<c>ManagerSaveOptions.Step</c>,
        /// <c>ResumeOptions.Step</c>) rather than by a counter. Not by default.
        /// </summary>
        public bool StepsInCalls { get; set; }

        /// <summary>
        /// Saves only when so many steps have gone by since the last save. Steps come from a
        /// counter or with each call. Null for the default.
        /// </summary>
        public long? CheckpointInterval { get; set; }

        /// <summary>
        /// The step of the last save, to count the interval from. By default the first save is
        /// never too early.
        /// </summary>
        public long? LastCheckpointStep { get; set; }

        // Sets all but callbacks, other options and arrays.
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
                byte[] name = Utf8.Encode(CheckpointName);
                NativeMethods.ckpt_manager_options_set_checkpoint_name(made, name, name.Length);
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
        }
    }

    public sealed partial class ManagerSaveOptions
    {
        /// <summary>
        /// The checkpoint's number, in place of the save counter's, which counts all the same.
        /// (<c>checkpoint_number</c>) Null for the default.
        /// </summary>
        public long? Number { get; set; }

        /// <summary>The same by an integer scalar of the manager's graph, which does not change.</summary>
        public Node NumberOf { get; set; }

        /// <summary>
        /// Whether it may be too early for the next save; true by default. What was saved already
        /// at this step is not saved again in any case.
        /// </summary>
        public bool CheckInterval { get; set; } = true;

        /// <summary>The program's step, in place of the step counter's. Null for the default.</summary>
        public long? Step { get; set; }

        /// <summary>How good what is saved is, for <c>ManagerOptions.KeepBest</c>. Null for the default.</summary>
        public double? Metric { get; set; }

        /// <summary>The same by a scalar of the manager's graph: float32, float64 or any integer.</summary>
        public Node MetricOf { get; set; }

        // Sets all but callbacks, other options and arrays.
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
        /// <summary>
        /// Whether the newest checkpoint that is whole is restored rather than the latest, whatever
        /// it is. Every byte of it is read for that. Not by default.
        /// </summary>
        public bool LatestValid { get; set; }

        /// <summary>
        /// The program's step after restoring, in place of the step counter's. Null for the
        /// default.
        /// </summary>
        public long? Step { get; set; }

        // Sets all but callbacks, other options and arrays.
        private void SetPlain(ResumeOptionsHandle made)
        {
            NativeMethods.ckpt_resume_options_set_latest_valid(made, LatestValid);
            if (Step != null)
            {
                NativeMethods.ckpt_resume_options_set_step(made, Step.Value);
            }
        }
    }

    public sealed partial class WaitOptions
    {
        /// <summary>
        /// Gives up rather than wait longer than so many seconds. Less than the time between two
        /// looks is one look. Null for the default.
        /// </summary>
        public TimeSpan? Timeout { get; set; }

        /// <summary>The seconds between two looks; 1 by default.</summary>
        public TimeSpan? PollInterval { get; set; }

        /// <summary>
        /// At least so many seconds between two checkpoints of an iterator; 0 by default. Those
        /// that come meanwhile, save the last, are missed.
        /// </summary>
        public TimeSpan? MinInterval { get; set; }

        // Sets all but callbacks, other options and arrays.
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

    public sealed partial class GcOptions
    {
        /// <summary>And one for each so many hours, for good; 0, the default, for none.</summary>
        public double KeepCheckpointEveryNHours { get; set; }

        /// <summary>And the best <c>count</c> by the metrics that a manager's program gave.</summary>
        public int KeepBest { get; set; }

        /// <summary>Which metrics are better, for <c>KeepBest</c>.</summary>
        public Better Better { get; set; } = Better.Lower;

        /// <summary>Whether to say only what would be removed. Not by default.</summary>
        public bool DryRun { get; set; }

        // Sets all but callbacks, other options and arrays.
        private void SetPlain(GcOptionsHandle made)
        {
            if (KeepCheckpointEveryNHours != 0)
            {
                NativeMethods.ckpt_gc_options_set_keep_checkpoint_every_n_hours(made, KeepCheckpointEveryNHours);
            }
            if (KeepBest != 0)
            {
                NativeMethods.ckpt_gc_options_set_keep_best(made, KeepBest, Better);
            }
            NativeMethods.ckpt_gc_options_set_dry_run(made, DryRun);
        }
    }
}
