using System;
using System.Collections;
using System.Collections.Generic;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>How a directory is managed; by default all checkpoints are kept.</summary>
    public sealed partial class ManagerOptions
    {
        /// <summary>Gives the program its first values where there is no checkpoint. It may use the
        /// graph.</summary>
        public Action Init { get; set; }

        /// <summary>Another clock than the machine's.</summary>
        public Func<DateTimeOffset> Clock { get; set; }

        /// <summary>Hears of old checkpoints that cannot be removed and the like.</summary>
        public Action<Severity, string> Log { get; set; }

        internal static ManagerOptionsHandle Make(ManagerOptions options) =>
            options == null
                ? ManagerOptionsHandle.None
                : NativeOptions.With(NativeMethods.ckpt_manager_options_new(), made => options.Set(made));

        private void Set(ManagerOptionsHandle made)
        {
            SetPlain(made);
            if (Init != null)
            {
                NativeMethods.ckpt_manager_options_set_init(made, Callbacks.Init, CallbackValue.Give(Init), Callbacks.Release);
            }
            if (Clock != null)
            {
                var clock = new Clock { Now = Clock };
                NativeMethods.ckpt_manager_options_set_clock(made, Callbacks.Now, CallbackValue.Give(clock), Callbacks.Release);
            }
            if (Log != null)
            {
                NativeMethods.ckpt_manager_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
        }
    }

    /// <summary>How a manager saves.</summary>
    public sealed partial class ManagerSaveOptions
    {
        /// <summary>How the graph is saved; null for the defaults.</summary>
        public CheckpointSaveOptions Save { get; set; }

        internal static Cancellation Cancellation(ManagerSaveOptions options) =>
            CheckpointSaveOptions.Cancellation(options == null ? null : options.Save);

        internal static ManagerSaveOptionsHandle Make(ManagerSaveOptions options, Cancellation cancellation) =>
            NativeOptions.With(
                NativeMethods.ckpt_manager_save_options_new(), made => (options ?? new ManagerSaveOptions()).Set(made, cancellation));

        private void Set(ManagerSaveOptionsHandle made, Cancellation cancellation)
        {
            SetPlain(made);
            using (SaveOptionsHandle save = CheckpointSaveOptions.Make(Save, cancellation))
            {
                NativeMethods.ckpt_manager_save_options_set_save_options(made, save);
            }
        }
    }

    /// <summary>How a program resumes.</summary>
    public sealed partial class ResumeOptions
    {
        /// <summary>How the checkpoint is restored; null for the defaults.</summary>
        public RestoreOptions Restore { get; set; }

        /// <summary>Options of a call that is cancelled by what is given here, or, where that is
        /// null, in another way.</summary>
        internal static ResumeOptionsHandle Make(ResumeOptions options, Cancellation cancellation) =>
            NativeOptions.With(NativeMethods.ckpt_resume_options_new(), made => (options ?? new ResumeOptions()).Set(made, cancellation));

        private void Set(ResumeOptionsHandle made, Cancellation cancellation)
        {
            SetPlain(made);
            using (RestoreOptionsHandle restore = RestoreOptions.Make(Restore, cancellation))
            {
                NativeMethods.ckpt_resume_options_set_restore_options(made, restore);
            }
        }
    }

    /// <summary>
    /// Saves a checkpoint again and again in one directory, keeps some of them, and resumes from
    /// the latest (<c>tf.train.CheckpointManager</c>). It keeps the checkpoint and its graph alive.
    /// Several threads may use it at once. It is the list of the newest checkpoints, those that may
    /// be removed in their turn, oldest first.
    /// </summary>
    /// <remarks>
    /// A save is safe: the new checkpoint is on disk before the state file names it, and that names
    /// it before an old one is removed. The first save takes the directory's lock, which is the
    /// manager's until it is disposed of.
    /// </remarks>
    public sealed partial class Manager : IEnumerable<string>, IDisposable
    {
        private readonly ManagerHandle handle;
        private readonly TrackedValues tracked;
        private readonly Running running;

        /// <summary>Makes a manager of a checkpoint in a directory, which the first save makes if
        /// need be.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.InvalidArgument"/> for
        /// impossible options; <see cref="ErrorCode.DataLoss"/> when the state file names no latest
        /// checkpoint.</exception>
        public Manager(Checkpoint checkpoint, string directory, ManagerOptions options = null)
        {
            tracked = Required.Of(checkpoint, "checkpoint").Tracked;
            running = checkpoint.Running;
            byte[] path = Utf8.Path(directory, "directory");
            using (ManagerOptionsHandle made = ManagerOptions.Make(options))
            {
                NativeMethods.ckpt_manager_open(checkpoint.Handle, path, made, out handle);
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

        /// <summary>How many steps there are from one save to the next; null when the manager does
        /// not save by steps.</summary>
        public long? CheckpointInterval
        {
            get
            {
                long steps;
                return NativeMethods.ckpt_manager_checkpoint_interval(handle, out steps) ? steps : (long?)null;
            }
        }

        /// <summary>The checkpoint that was recorded last; null if there is none. That it is still
        /// there is not looked at.</summary>
        public string LatestCheckpoint => NativeResult.Text(NativeMethods.ckpt_manager_latest_checkpoint(handle));

        /// <summary>The manager's checkpoint: an object of its own, to be disposed of.</summary>
        public Checkpoint Checkpoint() => new Checkpoint(NativeMethods.ckpt_manager_checkpoint(handle), tracked, running);

        /// <summary>The newest checkpoints, those that may be removed in their turn, oldest
        /// first.</summary>
        public string[] Checkpoints() => NativeResult.Texts(NativeMethods.ckpt_manager_checkpoints(handle));

        /// <summary>What <see cref="Checkpoint.LastFailure"/> of the manager's checkpoint is.
        /// </summary>
        public CheckpointException LastFailure
        {
            get
            {
                IntPtr e;
                ErrorCode code = NativeMethods.ckpt_manager_last_failure(handle, out e);
                return code == ErrorCode.Ok ? null : CheckpointException.Of(code, e);
            }
        }

        /// <summary>All managed checkpoints with a metric, the best first.</summary>
        public string[] BestCheckpoints() => NativeResult.Texts(NativeMethods.ckpt_manager_best_checkpoints(handle));

        /// <summary>The metric that a checkpoint of <see cref="BestCheckpoints"/> was saved with;
        /// null when it is none of those.</summary>
        public double? Metric(string checkpoint)
        {
            byte[] path = Utf8.Encode(checkpoint, "checkpoint");
            double metric = NativeMethods.ckpt_manager_metric(handle, path, path.Length);
            return double.IsNaN(metric) ? (double?)null : metric;
        }

        /// <summary>
        /// Saves a checkpoint, makes it the latest, and removes what is too many. Gives the
        /// checkpoint's path; null when the manager saves by steps and it is too early.
        /// (<c>tf.train.CheckpointManager.save</c>)
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.Unavailable"/> when another
        /// process saves in this directory; <see cref="ErrorCode.FailedPrecondition"/> with <see
        /// cref="Reason.Replaced"/> when one has since the manager was made; else what <see
        /// cref="LibCheckpoint.Checkpoint.Save"/> reports.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public string Save(ManagerSaveOptions options = null, CancellationToken token = default(CancellationToken)) =>
            SaveBy(options, token, delegate(ManagerSaveOptionsHandle made, out IntPtr path, out IntPtr error)
            {
                return NativeMethods.ckpt_manager_save(handle, made, out path, out error);
            });

        /// <summary>
        /// Saves a checkpoint together with other ranks, as <see cref="Save"/> and <see
        /// cref="LibCheckpoint.Checkpoint.SaveRanked"/> do. Each rank has a manager of the same
        /// directory with the same options; only that of rank 0 takes its lock, numbers, records
        /// and removes.
        /// </summary>
        /// <remarks>That it is too early, which gives null, each rank finds by itself, so that all
        /// must be given the same steps.</remarks>
        public string SaveRanked(
            IRanks ranks, ManagerSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            using (RanksHandle all = RankCallbacks.Make(ranks))
            {
                return SaveBy(options, token, delegate(ManagerSaveOptionsHandle made, out IntPtr path, out IntPtr error)
                {
                    return NativeMethods.ckpt_manager_save_ranked(handle, all, made, out path, out error);
                });
            }
        }

        /// <summary>
        /// Restores the latest checkpoint and gives the status, whose path is the checkpoint's;
        /// where there is none, calls the init callback, if there is one, and gives null.
        /// (<c>tf.train.CheckpointManager.restore_or_initialize</c>)
        /// </summary>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public Status RestoreOrInitialize(ResumeOptions options = null, CancellationToken token = default(CancellationToken))
        {
            tracked.Follow();
            using (var cancellation = new Cancellation())
            using (ResumeOptionsHandle made = ResumeOptions.Make(options, cancellation))
            using (cancellation.Begin(token))
            {
                StatusHandle status;
                IntPtr restored, e;
                cancellation.Check(NativeMethods.ckpt_manager_restore_or_initialize(handle, made, out restored, out status, out e), e, token);
                NativeMethods.ckpt_string_free(restored);
                return Status.Of(status);
            }
        }

        /// <summary>What a phase of the last save of this manager has cost so far, in the
        /// background or not.</summary>
        public PhaseCost Cost(Phase phase)
        {
            ulong bytes;
            double seconds;
            NativeMethods.ckpt_manager_phase(handle, phase, out bytes, out seconds);
            return new PhaseCost(bytes, seconds);
        }

        /// <summary>The newest checkpoint of the directory that is whole, every checksum of it
        /// compared; null if there is none.</summary>
        /// <param name="broken">Those that are newer and not whole.</param>
        public string LatestValid(out BrokenCheckpoint[] broken)
        {
            IntPtr path, found;
            NativeMethods.ckpt_manager_latest_valid(handle, out path, out found);
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
            tracked.Follow();
            using (Cancellation cancellation = ManagerSaveOptions.Cancellation(options))
            using (ManagerSaveOptionsHandle made = ManagerSaveOptions.Make(options, cancellation))
            using (cancellation.Begin(token))
            {
                IntPtr path, e;
                cancellation.Check(call(made, out path, out e), e, token);
                return NativeResult.Text(path);
            }
        }
    }
}
