using System;
using System.Collections;
using System.Collections.Generic;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>How a directory is managed; by default all checkpoints are kept.</summary>
    public sealed class ManagerOptions
    {
        /// <summary>How many checkpoints stay, the newest; null for all.</summary>
        public long? MaxToKeep { get; set; }

        /// <summary>Of those that would be removed, keeps one for each so many hours for good; 0 for none.</summary>
        public double KeepEveryNHours { get; set; }

        /// <summary>Keeps also the best so many by the metric of each save.</summary>
        public int KeepBest { get; set; }

        /// <summary>Which metrics are better, for <see cref="KeepBest"/>.</summary>
        public Better Better { get; set; } = Better.Lower;

        /// <summary>What checkpoints are called: <c>NAME-NUMBER</c>; null for <c>ckpt</c>.</summary>
        public string CheckpointName { get; set; }

        /// <summary>The integer scalar that counts the program's steps.</summary>
        public Node StepCounter { get; set; }

        /// <summary>Whether steps are given to each call rather than by a counter.</summary>
        public bool StepsInCalls { get; set; }

        /// <summary>Saves only when so many steps have gone by since the last save; null for always.</summary>
        public long? CheckpointInterval { get; set; }

        /// <summary>The step of the last save, to count the interval from.</summary>
        public long? LastCheckpointStep { get; set; }

        /// <summary>Gives the program its first values where there is no checkpoint. It may use the graph.</summary>
        public Action Init { get; set; }

        /// <summary>Another clock than the machine's.</summary>
        public Func<DateTimeOffset> Clock { get; set; }

        /// <summary>Hears of old checkpoints that cannot be removed and the like.</summary>
        public Action<Severity, string> Log { get; set; }

        internal static ManagerOptionsHandle Make(ManagerOptions options, Causes causes) =>
            options == null
                ? ManagerOptionsHandle.None
                : NativeOptions.With(NativeMethods.ckpt_manager_options_new(), made => options.Set(made, causes));

        private void Set(ManagerOptionsHandle made, Causes causes)
        {
            IntPtr e;
            if (MaxToKeep != null)
            {
                CheckpointException.Check(NativeMethods.ckpt_manager_options_set_max_to_keep(made, MaxToKeep.Value, out e), e);
            }
            CheckpointException.Check(
                NativeMethods.ckpt_manager_options_set_keep_checkpoint_every_n_hours(made, KeepEveryNHours, out e), e);
            if (KeepBest != 0)
            {
                CheckpointException.Check(NativeMethods.ckpt_manager_options_set_keep_best(made, KeepBest, Better, out e), e);
            }
            if (CheckpointName != null)
            {
                byte[] name = Utf8.Encode(CheckpointName);
                CheckpointException.Check(
                    NativeMethods.ckpt_manager_options_set_checkpoint_name(made, name, name.Length, out e), e);
            }
            if (!StepCounter.IsNone)
            {
                CheckpointException.Check(NativeMethods.ckpt_manager_options_set_step_counter(made, StepCounter, out e), e);
            }
            CheckpointException.Check(NativeMethods.ckpt_manager_options_set_steps_in_calls(made, StepsInCalls, out e), e);
            if (CheckpointInterval != null)
            {
                CheckpointException.Check(
                    NativeMethods.ckpt_manager_options_set_checkpoint_interval(made, CheckpointInterval.Value, out e), e);
            }
            if (LastCheckpointStep != null)
            {
                CheckpointException.Check(
                    NativeMethods.ckpt_manager_options_set_last_checkpoint_step(made, LastCheckpointStep.Value, out e), e);
            }
            if (Init != null)
            {
                CheckpointException.Check(
                    NativeMethods.ckpt_manager_options_set_init(
                        made, Callbacks.Init, CallbackValue.Give(Init, causes), Callbacks.Release, out e),
                    e);
            }
            if (Clock != null)
            {
                var clock = new Clock { Now = Clock };
                CheckpointException.Check(
                    NativeMethods.ckpt_manager_options_set_clock(
                        made, Callbacks.Now, CallbackValue.Give(clock, null), Callbacks.Release, out e),
                    e);
            }
            if (Log != null)
            {
                CheckpointException.Check(
                    NativeMethods.ckpt_manager_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log, null), Callbacks.Release, out e), e);
            }
        }
    }

    /// <summary>How a manager saves.</summary>
    public sealed class ManagerSaveOptions
    {
        /// <summary>The checkpoint's number, in place of the save counter's. (<c>checkpoint_number</c>)</summary>
        public long? Number { get; set; }

        /// <summary>The same by an integer scalar of the graph.</summary>
        public Node NumberOf { get; set; }

        /// <summary>Whether it may be too early for the next save.</summary>
        public bool CheckInterval { get; set; } = true;

        /// <summary>The program's step, in place of the step counter's.</summary>
        public long? Step { get; set; }

        /// <summary>How good what is saved is.</summary>
        public double? Metric { get; set; }

        /// <summary>The same by a scalar of the graph.</summary>
        public Node MetricOf { get; set; }

        /// <summary>How the graph is saved; null for the defaults.</summary>
        public SaveOptions Save { get; set; }

        internal static ManagerSaveOptionsHandle Make(ManagerSaveOptions options, Cancellation cancellation, Causes causes) =>
            NativeOptions.With(
                NativeMethods.ckpt_manager_save_options_new(), made => (options ?? new ManagerSaveOptions()).Set(made, cancellation, causes));

        private void Set(ManagerSaveOptionsHandle made, Cancellation cancellation, Causes causes)
        {
            IntPtr e;
            using (SaveOptionsHandle save = SaveOptions.Make(Save, cancellation, causes))
            {
                CheckpointException.Check(NativeMethods.ckpt_manager_save_options_set_save_options(made, save, out e), e);
            }
            CheckpointException.Check(NativeMethods.ckpt_manager_save_options_set_check_interval(made, CheckInterval, out e), e);
            if (Number != null)
            {
                CheckpointException.Check(NativeMethods.ckpt_manager_save_options_set_number(made, Number.Value, out e), e);
            }
            if (!NumberOf.IsNone)
            {
                CheckpointException.Check(NativeMethods.ckpt_manager_save_options_set_number_of(made, NumberOf, out e), e);
            }
            if (Step != null)
            {
                CheckpointException.Check(NativeMethods.ckpt_manager_save_options_set_step(made, Step.Value, out e), e);
            }
            if (Metric != null)
            {
                CheckpointException.Check(NativeMethods.ckpt_manager_save_options_set_metric(made, Metric.Value, out e), e);
            }
            if (!MetricOf.IsNone)
            {
                CheckpointException.Check(NativeMethods.ckpt_manager_save_options_set_metric_of(made, MetricOf, out e), e);
            }
        }
    }

    /// <summary>How a program resumes.</summary>
    public sealed class ResumeOptions
    {
        /// <summary>Whether the newest checkpoint that is whole is restored rather than the latest. Every byte of it is read for that.</summary>
        public bool LatestValid { get; set; }

        /// <summary>The program's step after restoring, in place of the step counter's.</summary>
        public long? Step { get; set; }

        /// <summary>How the checkpoint is restored; null for the defaults.</summary>
        public RestoreOptions Restore { get; set; }

        internal static ResumeOptionsHandle Make(ResumeOptions options) =>
            options == null
                ? ResumeOptionsHandle.None
                : NativeOptions.With(NativeMethods.ckpt_resume_options_new(), made => options.Set(made));

        private void Set(ResumeOptionsHandle made)
        {
            IntPtr e;
            using (RestoreOptionsHandle restore = RestoreOptions.Make(Restore))
            {
                CheckpointException.Check(NativeMethods.ckpt_resume_options_set_restore_options(made, restore, out e), e);
            }
            CheckpointException.Check(NativeMethods.ckpt_resume_options_set_latest_valid(made, LatestValid, out e), e);
            if (Step != null)
            {
                CheckpointException.Check(NativeMethods.ckpt_resume_options_set_step(made, Step.Value, out e), e);
            }
        }
    }

    /// <summary>
    /// Saves a checkpoint again and again in one directory, keeps some of them, and resumes from the latest
    /// (<c>tf.train.CheckpointManager</c>). It keeps the checkpoint and its graph alive. Several threads may use it at once. It is the
    /// list of the newest checkpoints, those that may be removed in their turn, oldest first.
    /// </summary>
    /// <remarks>
    /// A save is safe: the new checkpoint is on disk before the state file names it, and that names it before an old one is removed. The
    /// first save takes the directory's lock, which is the manager's until it is disposed of.
    /// </remarks>
    public sealed class Manager : IEnumerable<string>, IDisposable
    {
        private readonly ManagerHandle handle;
        private readonly Causes causes;

        /// <summary>Makes a manager of a checkpoint in a directory, which the first save makes if need be.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.InvalidArgument"/> for impossible options;
        /// <see cref="ErrorCode.DataLoss"/> when the state file names no latest checkpoint.</exception>
        public Manager(Checkpoint checkpoint, string directory, ManagerOptions options = null)
        {
            byte[] path = Utf8.Path(directory);
            causes = checkpoint.Causes;
            using (ManagerOptionsHandle made = ManagerOptions.Make(options, causes))
            {
                IntPtr e;
                CheckpointException.Check(NativeMethods.ckpt_manager_open(checkpoint.Handle, path, made, out handle, out e), e);
            }
        }

        private delegate ErrorCode SaveCall(ManagerSaveOptionsHandle options, out IntPtr path, out IntPtr error);

        /// <summary>The directory, as it was given.</summary>
        public string Directory
        {
            get
            {
                using (handle.Hold())
                {
                    return NativeMethods.ckpt_manager_directory(handle).Text;
                }
            }
        }

        /// <summary>How many steps there are from one save to the next; null when the manager does not save by steps.</summary>
        public long? CheckpointInterval
        {
            get
            {
                long steps;
                return NativeMethods.ckpt_manager_checkpoint_interval(handle, out steps) ? steps : (long?)null;
            }
        }

        /// <summary>The checkpoint that was recorded last; null if there is none. That it is still there is not looked at.</summary>
        public string LatestCheckpoint => NativeResult.Text(NativeMethods.ckpt_manager_latest_checkpoint(handle));

        /// <summary>The manager's checkpoint: an object of its own, to be disposed of.</summary>
        public Checkpoint Checkpoint() => new Checkpoint(NativeMethods.ckpt_manager_checkpoint(handle), causes);

        /// <summary>The newest checkpoints, those that may be removed in their turn, oldest first.</summary>
        public string[] Checkpoints() => NativeResult.Texts(NativeMethods.ckpt_manager_checkpoints(handle));

        /// <summary>All managed checkpoints with a metric, the best first.</summary>
        public string[] BestCheckpoints() => NativeResult.Texts(NativeMethods.ckpt_manager_best_checkpoints(handle));

        /// <summary>The metric that a checkpoint of <see cref="BestCheckpoints"/> was saved with; null when it is none of those.</summary>
        public double? Metric(string checkpoint)
        {
            byte[] path = Utf8.Encode(checkpoint, "checkpoint");
            double metric = NativeMethods.ckpt_manager_metric(handle, path, path.Length);
            return double.IsNaN(metric) ? (double?)null : metric;
        }

        /// <summary>
        /// Saves a checkpoint, makes it the latest, and removes what is too many. Gives the checkpoint's path; null when the manager saves by
        /// steps and it is too early. (<c>tf.train.CheckpointManager.save</c>)
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.Unavailable"/> when another process saves in this directory;
        /// <see cref="ErrorCode.FailedPrecondition"/> with <see cref="Reason.Replaced"/> when one has since the manager was made; else what
        /// <see cref="LibCheckpoint.Checkpoint.Save"/> reports.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public string Save(ManagerSaveOptions options = null, CancellationToken token = default(CancellationToken)) =>
            SaveBy(options, token, delegate(ManagerSaveOptionsHandle made, out IntPtr path, out IntPtr error)
            {
                return NativeMethods.ckpt_manager_save(handle, made, out path, out error);
            });

        /// <summary>
        /// Saves a checkpoint together with other ranks, as <see cref="Save"/> and <see cref="LibCheckpoint.Checkpoint.SaveRanked"/> do. Each rank
        /// has a manager of the same directory with the same options; only that of rank 0 takes its lock, numbers, records and removes.
        /// </summary>
        /// <remarks>That it is too early, which gives null, each rank finds by itself, so that all must be given the same steps.</remarks>
        public string SaveRanked(
            IRanks ranks, ManagerSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            using (RanksHandle all = RankCallbacks.Make(ranks, causes))
            {
                return SaveBy(options, token, delegate(ManagerSaveOptionsHandle made, out IntPtr path, out IntPtr error)
                {
                    return NativeMethods.ckpt_manager_save_ranked(handle, all, made, out path, out error);
                });
            }
        }

        /// <summary>
        /// Copies what <see cref="Save"/> would save, and does the rest in the background, as <see cref="LibCheckpoint.Checkpoint.SaveAsync"/> does:
        /// the checkpoint is recorded, and what is too many is removed, when it is complete. Gives null when the manager saves by steps and it
        /// is too early.
        /// </summary>
        public Pending SaveAsync(ManagerSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            using (Cancellation cancellation = SaveOptions.Cancellation(options == null ? null : options.Save))
            using (ManagerSaveOptionsHandle made = ManagerSaveOptions.Make(options, cancellation, causes))
            {
                PendingHandle pending;
                using (cancellation.Begin(token))
                {
                    IntPtr e;
                    cancellation.Check(NativeMethods.ckpt_manager_save_async(handle, made, out pending, out e), e, token, causes);
                }
                return Pending.Of(pending, cancellation, causes, token);
            }
        }

        /// <summary>
        /// Restores the latest checkpoint and gives the status, whose path is the checkpoint's; where there is none, calls the init callback, if
        /// there is one, and gives null. (<c>tf.train.CheckpointManager.restore_or_initialize</c>)
        /// </summary>
        public Status RestoreOrInitialize(ResumeOptions options = null)
        {
            string path;
            return RestoreOrInitialize(out path, options);
        }

        /// <summary>The same, which also says what was restored: the checkpoint as the state file names it; null if there was none.</summary>
        public Status RestoreOrInitialize(out string path, ResumeOptions options = null)
        {
            using (ResumeOptionsHandle made = ResumeOptions.Make(options))
            {
                StatusHandle status;
                IntPtr restored, e;
                CheckpointException.Check(
                    NativeMethods.ckpt_manager_restore_or_initialize(handle, made, out restored, out status, out e), e, causes);
                path = NativeResult.Text(restored);
                return Status.Of(status);
            }
        }

        /// <summary>The newest checkpoint of the directory that is whole, every checksum of it compared; null if there is none.</summary>
        /// <param name="broken">Those that are newer and not whole.</param>
        public string LatestValid(out BrokenCheckpoint[] broken)
        {
            IntPtr path, found, e;
            CheckpointException.Check(NativeMethods.ckpt_manager_latest_valid(handle, out path, out found, out e), e);
            broken = BrokenCheckpoint.TakeFrom(found);
            return NativeResult.Text(path);
        }

        /// <summary>Goes over the newest checkpoints, oldest first.</summary>
        public IEnumerator<string> GetEnumerator() => ((IEnumerable<string>)Checkpoints()).GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

        /// <summary>Lets go of the manager, and of the directory's lock.</summary>
        public void Dispose() => handle.Dispose();

        private string SaveBy(ManagerSaveOptions options, CancellationToken token, SaveCall call)
        {
            using (Cancellation cancellation = SaveOptions.Cancellation(options == null ? null : options.Save))
            using (ManagerSaveOptionsHandle made = ManagerSaveOptions.Make(options, cancellation, causes))
            using (cancellation.Begin(token))
            {
                IntPtr path, e;
                cancellation.Check(call(made, out path, out e), e, token, causes);
                return NativeResult.Text(path);
            }
        }
    }
}
