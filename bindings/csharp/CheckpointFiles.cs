using System;
using System.Collections.Generic;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>How a checkpoint is verified.</summary>
    public sealed class VerifyOptions
    {
        /// <summary>So many threads; 0 for the library's choice.</summary>
        public int Threads { get; set; }

        /// <summary>Hears how many bytes of how many were checked. What it throws ends the call with
        /// <see cref="ErrorCode.Cancelled"/>, and is the inner exception.</summary>
        public Action<long, long> Progress { get; set; }

        internal static Watch Watch(VerifyOptions options) => new Watch(options == null ? null : options.Progress);

        internal static VerifyOptionsHandle Make(VerifyOptions options, Watch watch) =>
            LibCheckpoint.Make.With(NativeMethods.ckpt_verify_options_new(), made => (options ?? new VerifyOptions()).Set(made, watch));

        private void Set(VerifyOptionsHandle made, Watch watch)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_verify_options_set_threads(made, checked((uint)Threads), out e), e);
            CheckpointException.Check(NativeMethods.ckpt_verify_options_set_cancel(made, watch.Cancel, out e), e);
            if (Progress != null)
            {
                CheckpointException.Check(
                    NativeMethods.ckpt_verify_options_set_progress(
                        made, Callbacks.Progress, Kept.Give(watch, null), Callbacks.Release, out e),
                    e);
            }
        }
    }

    /// <summary>What verifying found.</summary>
    public sealed class Verification
    {
        internal Verification(IntPtr verification)
        {
            var problems = new CheckpointException[NativeMethods.ckpt_verification_problem_count(verification)];
            for (int i = 0; i < problems.Length; i++)
            {
                problems[i] = CheckpointException.OfLent(NativeMethods.ckpt_verification_problem(verification, i));
            }
            Problems = problems;
            TensorCount = NativeMethods.ckpt_verification_tensor_count(verification);
            ByteCount = (long)NativeMethods.ckpt_verification_byte_count(verification);
            FileCount = NativeMethods.ckpt_verification_file_count(verification);
        }

        /// <summary>The problems, at most 10 000; none when the checkpoint is whole.</summary>
        public IReadOnlyList<CheckpointException> Problems { get; }

        /// <summary>The number of tensors listed.</summary>
        public long TensorCount { get; }

        /// <summary>The bytes of values that were checked.</summary>
        public long ByteCount { get; }

        /// <summary>The files that were there.</summary>
        public long FileCount { get; }
    }

    /// <summary>How checkpoints are merged.</summary>
    public sealed class MergeOptions
    {
        /// <summary>Whether sections may be missing: those that are there are merged, at least one.</summary>
        public bool AllowMissing { get; set; }

        /// <summary>Whether the sections stay.</summary>
        public bool KeepInputs { get; set; }

        /// <summary>What survives a power cut; all of it by default.</summary>
        public Durability Durability { get; set; }

        /// <summary>Hears how many bytes of how many are done. What it throws ends the call with <see cref="ErrorCode.Cancelled"/>, and
        /// is the inner exception.</summary>
        public Action<long, long> Progress { get; set; }

        internal void Set(MergeOptionsHandle made, Watch watch)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_merge_options_set_allow_missing(made, AllowMissing, out e), e);
            CheckpointException.Check(NativeMethods.ckpt_merge_options_set_keep_inputs(made, KeepInputs, out e), e);
            CheckpointException.Check(NativeMethods.ckpt_merge_options_set_durability(made, Durability, out e), e);
            CheckpointException.Check(NativeMethods.ckpt_merge_options_set_cancel(made, watch.Cancel, out e), e);
            if (Progress != null)
            {
                CheckpointException.Check(
                    NativeMethods.ckpt_merge_options_set_progress(
                        made, Callbacks.Progress, Kept.Give(watch, null), Callbacks.Release, out e),
                    e);
            }
        }
    }

    /// <summary>What the state file of a directory says, with paths that can be used as they are.</summary>
    public sealed class CheckpointState
    {
        /// <summary>Says what a state file is to say.</summary>
        /// <param name="latest">The latest checkpoint.</param>
        /// <param name="paths">All that are listed, oldest first; null for the latest alone.</param>
        /// <param name="timestamps">When each was made: as many as there are paths; null or none if nobody knows.</param>
        /// <param name="lastPreserved">When the last checkpoint that is kept for good was made.</param>
        public CheckpointState(
            string latest, IReadOnlyList<string> paths = null, IReadOnlyList<DateTimeOffset?> timestamps = null,
            DateTimeOffset? lastPreserved = null)
        {
            Latest = latest;
            Paths = paths ?? new string[0];
            Timestamps = timestamps ?? new DateTimeOffset?[0];
            LastPreserved = lastPreserved;
        }

        /// <summary>The latest checkpoint.</summary>
        public string Latest { get; }

        /// <summary>All that are listed, oldest first.</summary>
        public IReadOnlyList<string> Paths { get; }

        /// <summary>When each was made; null where nobody said.</summary>
        public IReadOnlyList<DateTimeOffset?> Timestamps { get; }

        /// <summary>When the last checkpoint that is kept for good was made; null if nobody said.</summary>
        public DateTimeOffset? LastPreserved { get; }

        internal static CheckpointState TakeFrom(IntPtr state)
        {
            if (state == IntPtr.Zero)
            {
                return null;
            }
            try
            {
                var paths = new string[NativeMethods.ckpt_checkpoint_state_count(state)];
                var timestamps = new DateTimeOffset?[paths.Length];
                for (int i = 0; i < paths.Length; i++)
                {
                    paths[i] = NativeMethods.ckpt_checkpoint_state_path(state, i).Text;
                    timestamps[i] = Time.At(NativeMethods.ckpt_checkpoint_state_timestamp(state, i));
                }
                return new CheckpointState(
                    NativeMethods.ckpt_checkpoint_state_latest(state).Text, paths, timestamps,
                    Time.At(NativeMethods.ckpt_checkpoint_state_last_preserved(state)));
            }
            finally
            {
                NativeMethods.ckpt_checkpoint_state_free(state);
            }
        }
    }

    /// <summary>A checkpoint that is held: no manager of this library removes it, in whatever process, until this is disposed of or the
    /// process ends.</summary>
    public sealed class Pin : IDisposable
    {
        private readonly PinHandle handle;

        /// <summary>Holds the checkpoint at a prefix.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.NotFound"/> when there is none.</exception>
        public Pin(string prefix)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_pin_new(Utf8.Path(prefix), out handle, out e), e);
        }

        private Pin(PinHandle handle)
        {
            this.handle = handle;
        }

        /// <summary>The prefix of the checkpoint.</summary>
        public string Prefix
        {
            get
            {
                using (handle.Hold())
                {
                    return NativeMethods.ckpt_pin_prefix(handle).Text;
                }
            }
        }

        /// <summary>Holds the latest checkpoint of a directory, also while others are saved and removed there; null if there is none.</summary>
        public static Pin Latest(string directory)
        {
            PinHandle handle;
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_pin_latest(Utf8.Path(directory), out handle, out e), e);
            return handle.IsInvalid ? null : new Pin(handle);
        }

        /// <summary>Lets go of the checkpoint.</summary>
        public void Dispose() => handle.Dispose();
    }

    /// <summary>How to wait for checkpoints.</summary>
    public sealed class WaitOptions
    {
        /// <summary>Gives up rather than wait longer; null for never.</summary>
        public TimeSpan? Timeout { get; set; }

        /// <summary>Between two looks; null for a second.</summary>
        public TimeSpan? PollInterval { get; set; }

        /// <summary>At least this between two checkpoints of <see cref="CheckpointFiles.Watch"/>.</summary>
        public TimeSpan? MinInterval { get; set; }

        /// <summary>Another clock than the machine's.</summary>
        public Func<DateTimeOffset> Clock { get; set; }

        /// <summary>Waits, in place of the machine's clock. What it throws ends the call with <see cref="ErrorCode.Cancelled"/>, and is the
        /// inner exception.</summary>
        public Action<TimeSpan> Sleep { get; set; }

        internal WaitOptionsHandle Make(CancellationToken token, out Clock clock)
        {
            var made = new Clock { Now = Clock, Sleep = Sleep };
            if (made.Sleep == null)
            {
                made.Sleep = span =>
                {
                    // As long as a wait handle can wait, which is 24 days; the library asks again.
                    token.WaitHandle.WaitOne(span.TotalMilliseconds < int.MaxValue ? span : TimeSpan.FromMilliseconds(int.MaxValue));
                    token.ThrowIfCancellationRequested();
                };
            }
            clock = made;
            return LibCheckpoint.Make.With(NativeMethods.ckpt_wait_options_new(), options => Set(options, made));
        }

        private void Set(WaitOptionsHandle made, Clock clock)
        {
            IntPtr e;
            CheckpointException.Check(
                NativeMethods.ckpt_wait_options_set_clock(
                    made, clock.Now == null ? null : Callbacks.Now, Callbacks.Sleep, Kept.Give(clock, null), Callbacks.Release, out e),
                e);
            if (Timeout != null)
            {
                CheckpointException.Check(NativeMethods.ckpt_wait_options_set_timeout(made, Timeout.Value.TotalSeconds, out e), e);
            }
            if (PollInterval != null)
            {
                CheckpointException.Check(
                    NativeMethods.ckpt_wait_options_set_poll_interval(made, PollInterval.Value.TotalSeconds, out e), e);
            }
            if (MinInterval != null)
            {
                CheckpointException.Check(
                    NativeMethods.ckpt_wait_options_set_min_interval(made, MinInterval.Value.TotalSeconds, out e), e);
            }
        }
    }

    /// <summary>A state file that was made anew.</summary>
    public sealed class RepairedState
    {
        internal RepairedState(IntPtr repaired)
        {
            Latest = NativeMethods.ckpt_repaired_state_latest(repaired).Text;
            var paths = new string[NativeMethods.ckpt_repaired_state_count(repaired)];
            for (int i = 0; i < paths.Length; i++)
            {
                paths[i] = NativeMethods.ckpt_repaired_state_path(repaired, i).Text;
            }
            Paths = paths;
            IsNew = NativeMethods.ckpt_repaired_state_is_new(repaired);
            Broken = BrokenCheckpoint.ListOf(NativeMethods.ckpt_repaired_state_broken(repaired));
        }

        /// <summary>The latest checkpoint that it names.</summary>
        public string Latest { get; }

        /// <summary>All that it lists, oldest first.</summary>
        public IReadOnlyList<string> Paths { get; }

        /// <summary>Whether it differs from the state file before.</summary>
        public bool IsNew { get; }

        /// <summary>Checkpoints that it does not list since they are not whole.</summary>
        public IReadOnlyList<BrokenCheckpoint> Broken { get; }
    }

    /// <summary>Which checkpoints stay.</summary>
    public sealed class CollectOptions
    {
        /// <summary>The newest so many, at least 1.</summary>
        public int Keep { get; set; } = 1;

        /// <summary>And one for each so many hours; 0 for none.</summary>
        public double KeepEveryNHours { get; set; }

        /// <summary>And the best so many by the metrics that a manager's program gave.</summary>
        public int KeepBest { get; set; }

        /// <summary>Which metrics are better.</summary>
        public Better Better { get; set; } = Better.Lower;

        /// <summary>Whether to say only what would be removed.</summary>
        public bool DryRun { get; set; }

        internal static CollectOptionsHandle Make(CollectOptions options) =>
            options == null
                ? CollectOptionsHandle.None
                : LibCheckpoint.Make.With(NativeMethods.ckpt_collect_options_new(Math.Max(0, options.Keep)), made => options.Set(made));

        private void Set(CollectOptionsHandle made)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_collect_options_set_keep_checkpoint_every_n_hours(made, KeepEveryNHours, out e), e);
            CheckpointException.Check(NativeMethods.ckpt_collect_options_set_dry_run(made, DryRun, out e), e);
            if (KeepBest != 0)
            {
                CheckpointException.Check(NativeMethods.ckpt_collect_options_set_keep_best(made, KeepBest, Better, out e), e);
            }
        }
    }

    /// <summary>What is done with checkpoints as files, and with the state files of directories.</summary>
    public static class CheckpointFiles
    {
        /// <summary>
        /// Checks every checksum of every block and tensor of a checkpoint, and goes on after a fault: that it returns says that it came to the
        /// end, not that the checkpoint is whole.
        /// </summary>
        public static Verification Verify(
            string path, VerifyOptions options = null, CancellationToken token = default(CancellationToken))
        {
            using (Watch watch = VerifyOptions.Watch(options))
            using (VerifyOptionsHandle made = VerifyOptions.Make(options, watch))
            using (watch.Begin(token))
            {
                IntPtr found, e;
                watch.Check(NativeMethods.ckpt_verify(Utf8.Path(path), made, out found, out e), e, token);
                try
                {
                    return new Verification(found);
                }
                finally
                {
                    NativeMethods.ckpt_verification_free(found);
                }
            }
        }

        /// <summary>
        /// Merges checkpoints, given by their prefixes, into one, as the workers of a distributed program do with the sections that each of them
        /// wrote (<c>tf.raw_ops.MergeV2Checkpoints</c>). Sections are removed in the end, unless the options keep them.
        /// </summary>
        public static void Merge(
            string destination, IReadOnlyList<string> sections, MergeOptions options = null,
            CancellationToken token = default(CancellationToken))
        {
            options = options ?? new MergeOptions();
            using (var pins = new Pins())
            using (var watch = new Watch(options.Progress))
            using (MergeOptionsHandle made = Make.With(NativeMethods.ckpt_merge_options_new(), o => options.Set(o, watch)))
            using (watch.Begin(token))
            {
                IntPtr e;
                IntPtr[] prefixes = pins.Paths(sections);
                watch.Check(NativeMethods.ckpt_merge(Utf8.Path(destination), prefixes, prefixes.Length, made, out e), e, token);
            }
        }

        /// <summary>The latest checkpoint that the state file of a directory names; null when there is no state file, or none of that
        /// checkpoint's files is there. (<c>tf.train.latest_checkpoint</c>)</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.DataLoss"/> when the state file cannot be understood.</exception>
        public static string Latest(string directory)
        {
            IntPtr path, e;
            CheckpointException.Check(NativeMethods.ckpt_latest_checkpoint(Utf8.Path(directory), out path, out e), e);
            return Take.Text(path);
        }

        /// <summary>Reads the state file of a directory; null when there is none. (<c>tf.train.get_checkpoint_state</c>)</summary>
        /// <param name="directory">The directory.</param>
        /// <param name="fileName">The name of the state file; null for <c>checkpoint</c>.</param>
        public static CheckpointState GetState(string directory, string fileName = null)
        {
            IntPtr state, e;
            CheckpointException.Check(
                NativeMethods.ckpt_get_checkpoint_state(Utf8.Path(directory), Utf8.PathOrNull(fileName), out state, out e), e);
            return CheckpointState.TakeFrom(state);
        }

        /// <summary>Replaces the state file of a directory: all of it or nothing. (<c>tf.train.update_checkpoint_state</c>)</summary>
        public static void UpdateState(
            string directory, CheckpointState state, string fileName = null, Durability durability = Durability.Full)
        {
            StateUpdateHandle update;
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_state_update_new(Utf8.Path(state.Latest), out update, out e), e);
            using (update)
            {
                CheckpointException.Check(NativeMethods.ckpt_state_update_set_durability(update, durability, out e), e);
                if (!string.IsNullOrEmpty(fileName))
                {
                    CheckpointException.Check(NativeMethods.ckpt_state_update_set_file_name(update, Utf8.Path(fileName), out e), e);
                }
                foreach (string path in state.Paths)
                {
                    CheckpointException.Check(NativeMethods.ckpt_state_update_add_path(update, Utf8.Path(path), out e), e);
                }
                foreach (DateTimeOffset? time in state.Timestamps)
                {
                    double seconds = time == null ? double.NaN : Time.Seconds(time.Value);
                    CheckpointException.Check(NativeMethods.ckpt_state_update_add_timestamp(update, seconds, out e), e);
                }
                if (state.LastPreserved != null)
                {
                    double seconds = Time.Seconds(state.LastPreserved.Value);
                    CheckpointException.Check(NativeMethods.ckpt_state_update_set_last_preserved(update, seconds, out e), e);
                }
                CheckpointException.Check(NativeMethods.ckpt_update_checkpoint_state(Utf8.Path(directory), update, out e), e);
            }
        }

        /// <summary>Whether there is a checkpoint at a prefix. (<c>tf.train.checkpoint_exists</c>)</summary>
        public static bool Exists(string prefix)
        {
            bool exists;
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_checkpoint_exists(Utf8.Path(prefix), out exists, out e), e);
            return exists;
        }

        /// <summary>When each checkpoint was written; those that are not there are left out.
        /// (<c>tf.train.get_checkpoint_mtimes</c>)</summary>
        public static DateTimeOffset[] Mtimes(IReadOnlyList<string> prefixes)
        {
            using (var pins = new Pins())
            {
                IntPtr[] paths = pins.Paths(prefixes);
                var seconds = new double[paths.Length];
                long found;
                IntPtr e;
                CheckpointException.Check(
                    NativeMethods.ckpt_checkpoint_mtimes(paths, paths.Length, seconds, out found, out e), e);
                var times = new DateTimeOffset[found];
                for (int i = 0; i < times.Length; i++)
                {
                    times[i] = Time.At(seconds[i]).Value;
                }
                return times;
            }
        }

        /// <summary>Removes the checkpoint at a prefix: the index first. The state file stays as it is.
        /// (<c>tf.train.remove_checkpoint</c>)</summary>
        public static void Remove(string prefix)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_remove_checkpoint(Utf8.Path(prefix), out e), e);
        }

        /// <summary>
        /// Waits until the latest checkpoint of a directory, which need not be there yet, is another one than <paramref name="last"/>, which may
        /// be null. Gives its path; null when time ran out.
        /// </summary>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public static string WaitForNew(
            string directory, string last, WaitOptions options = null, CancellationToken token = default(CancellationToken))
        {
            Clock clock;
            using (WaitOptionsHandle made = (options ?? new WaitOptions()).Make(token, out clock))
            {
                IntPtr path, e;
                ErrorCode code = NativeMethods.ckpt_wait_for_new_checkpoint(
                    Utf8.Path(directory), Utf8.PathOrNull(last), made, out path, out e);
                CheckWaited(code, e, clock, token);
                return Take.Text(path);
            }
        }

        /// <summary>
        /// Goes over the checkpoints of a directory, which need not be there yet, as they appear (<c>tf.train.checkpoints_iterator</c>): the
        /// latest only, and never the same twice in a row.
        /// </summary>
        /// <param name="directory">The directory.</param>
        /// <param name="options">How to wait.</param>
        /// <param name="isDone">Is asked after each time-out, and after each checkpoint, whether there will be no more; without it a time-out
        /// is the end.</param>
        /// <param name="token">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
        public static IEnumerable<string> Watch(
            string directory, WaitOptions options = null, Func<bool> isDone = null,
            CancellationToken token = default(CancellationToken))
        {
            Clock clock;
            CheckpointsIteratorHandle iterator;
            using (WaitOptionsHandle made = (options ?? new WaitOptions()).Make(token, out clock))
            {
                iterator = NewIterator(directory, made, isDone);
            }
            using (iterator)
            {
                string path;
                while ((path = Next(iterator, clock, token)) != null)
                {
                    yield return path;
                }
            }
        }

        /// <summary>The newest checkpoint of a directory that is whole, every checksum of it compared; null if there is none.</summary>
        /// <param name="directory">The directory.</param>
        /// <param name="broken">Those that are newer and not whole.</param>
        /// <param name="options">How to verify.</param>
        /// <param name="token">Stops the call.</param>
        public static string LatestValid(
            string directory, out BrokenCheckpoint[] broken, VerifyOptions options = null,
            CancellationToken token = default(CancellationToken))
        {
            using (Watch watch = VerifyOptions.Watch(options))
            using (VerifyOptionsHandle made = VerifyOptions.Make(options, watch))
            using (watch.Begin(token))
            {
                IntPtr path, found, e;
                watch.Check(
                    NativeMethods.ckpt_latest_valid_checkpoint(Utf8.Path(directory), made, out path, out found, out e), e, token);
                broken = BrokenCheckpoint.TakeFrom(found);
                return Take.Text(path);
            }
        }

        /// <summary>Makes a state file for a directory that names what is whole; with <paramref name="dryRun"/> it says only what it would
        /// be.</summary>
        public static RepairedState RepairState(
            string directory, bool dryRun, VerifyOptions options = null, CancellationToken token = default(CancellationToken))
        {
            using (Watch watch = VerifyOptions.Watch(options))
            using (VerifyOptionsHandle made = VerifyOptions.Make(options, watch))
            using (watch.Begin(token))
            {
                IntPtr repaired, e;
                watch.Check(
                    NativeMethods.ckpt_repair_checkpoint_state(Utf8.Path(directory), dryRun, made, out repaired, out e), e, token);
                try
                {
                    return new RepairedState(repaired);
                }
                finally
                {
                    NativeMethods.ckpt_repaired_state_free(repaired);
                }
            }
        }

        /// <summary>
        /// Removes the managed checkpoints of a directory that are too many, as a manager does after a save, and what crashes left; without
        /// options only that. Gives what was removed, oldest first.
        /// </summary>
        public static string[] Collect(string directory, CollectOptions options = null)
        {
            using (CollectOptionsHandle made = CollectOptions.Make(options))
            {
                IntPtr removed, e;
                CheckpointException.Check(
                    NativeMethods.ckpt_collect_checkpoints(Utf8.Path(directory), made, out removed, out e), e);
                return Take.Texts(removed);
            }
        }

        private static CheckpointsIteratorHandle NewIterator(string directory, WaitOptionsHandle options, Func<bool> isDone)
        {
            byte[] path = Utf8.Path(directory);
            CheckpointsIteratorHandle iterator;
            IntPtr e;
            CheckpointException.Check(
                NativeMethods.ckpt_checkpoints_iterator_new(
                    path, options, isDone == null ? null : Callbacks.IsDone,
                    isDone == null ? IntPtr.Zero : Kept.Give(isDone, null), isDone == null ? null : Callbacks.Release, out iterator,
                    out e),
                e);
            return iterator;
        }

        private static string Next(CheckpointsIteratorHandle iterator, Clock clock, CancellationToken token)
        {
            IntPtr path, e;
            ErrorCode code = NativeMethods.ckpt_checkpoints_iterator_next(iterator, out path, out e);
            CheckWaited(code, e, clock, token);
            return Take.Text(path);
        }

        private static void CheckWaited(ErrorCode code, IntPtr error, Clock clock, CancellationToken token)
        {
            if (code == ErrorCode.Ok)
            {
                return;
            }
            CheckpointException failure = CheckpointException.Of(code, error, null);
            if (code == ErrorCode.Cancelled && token.IsCancellationRequested)
            {
                throw new OperationCanceledException(failure.Message, failure, token);
            }
            if (code == ErrorCode.Cancelled && clock.Stopped != null)
            {
                throw new CheckpointException(failure.Code, failure.Reason, failure.Message, clock.Stopped);
            }
            throw failure;
        }
    }
}
