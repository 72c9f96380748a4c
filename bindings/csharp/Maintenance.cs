using System;
using System.Collections.Generic;
using System.Threading;

namespace LibCheckpoint
{
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

        /// <summary>Checkpoints that are not whole. They are not listed, except incomplete ones if
        /// none is whole.</summary>
        public IReadOnlyList<BrokenCheckpoint> Broken { get; }
    }

    /// <summary>How a state file is repaired.</summary>
    public sealed partial class RepairOptions
    {
        /// <summary>How checkpoints are verified; null for the defaults.</summary>
        public VerifyOptions Verify { get; set; }

        /// <summary>Hears that the directory was moved, that the file system has no locks and the
        /// like; by default that of <see cref="Verify"/> does.</summary>
        public Action<Severity, string> Log { get; set; }

        internal void Set(RepairOptionsHandle made, VerifyOptionsHandle verify)
        {
            SetPlain(made);
            NativeMethods.ckpt_repair_options_set_verify_options(made, verify);
            if (Log != null)
            {
                NativeMethods.ckpt_repair_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
        }
    }

    /// <summary>Which checkpoints stay.</summary>
    public sealed partial class CollectOptions
    {
        /// <summary>The newest so many, at least 1.</summary>
        public int Keep { get; set; } = 1;

        /// <summary>Hears the warnings of <see cref="Collected"/>, also if the call
        /// fails.</summary>
        public Action<Severity, string> Log { get; set; }

        internal static CollectOptionsHandle Make(CollectOptions options) =>
            options == null
                ? CollectOptionsHandle.None
                : NativeOptions.With(NativeMethods.ckpt_collect_options_new(Math.Max(0, options.Keep)), made => options.Set(made));

        private void Set(CollectOptionsHandle made)
        {
            SetPlain(made);
            if (Log != null)
            {
                NativeMethods.ckpt_collect_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
        }
    }

    public static partial class CheckpointFiles
    {
        /// <summary>The newest checkpoint of a directory that is whole or, only if there is none,
        /// the newest incomplete one; null if there is neither.</summary>
        /// <param name="directory">The directory.</param>
        /// <param name="broken">Those that are newer and not whole; also an incomplete one that is
        /// returned.</param>
        /// <param name="options">How to verify.</param>
        /// <param name="token">Stops the call.</param>
        public static string LatestValid(
            string directory, out BrokenCheckpoint[] broken, VerifyOptions options = null,
            CancellationToken token = default(CancellationToken))
        {
            using (Cancellation cancellation = VerifyOptions.Cancellation(options))
            using (VerifyOptionsHandle made = VerifyOptions.Make(options, cancellation))
            using (cancellation.Begin(token))
            {
                IntPtr path, found, e;
                cancellation.Check(
                    NativeMethods.ckpt_latest_valid_checkpoint(Utf8.Path(directory, "directory"), made, out path, out found, out e), e, token);
                broken = BrokenCheckpoint.TakeFrom(found);
                return NativeResult.Text(path);
            }
        }

        /// <summary>Makes a state file for a directory that names what is whole.</summary>
        public static RepairedState RepairState(
            string directory, RepairOptions options = null, CancellationToken token = default(CancellationToken))
        {
            options = options ?? new RepairOptions();
            using (Cancellation cancellation = VerifyOptions.Cancellation(options.Verify))
            using (VerifyOptionsHandle verify = VerifyOptions.Make(options.Verify, cancellation))
            using (RepairOptionsHandle made = NativeOptions.With(NativeMethods.ckpt_repair_options_new(), o => options.Set(o, verify)))
            using (cancellation.Begin(token))
            {
                IntPtr repaired, e;
                cancellation.Check(
                    NativeMethods.ckpt_repair_checkpoint_state(Utf8.Path(directory, "directory"), made, out repaired, out e), e, token);
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
        /// Removes the managed checkpoints of a directory that are too many, as a manager does
        /// after a save, and what crashes left; without options only that. Gives what was removed,
        /// oldest first.
        /// </summary>
        public static string[] Collect(string directory, CollectOptions options = null)
        {
            using (CollectOptionsHandle made = CollectOptions.Make(options))
            {
                IntPtr removed;
                NativeMethods.ckpt_collect_checkpoints(Utf8.Path(directory, "directory"), made, out removed);
                return NativeResult.Texts(removed);
            }
        }

        /// <summary>
        /// Does as <see cref="Collect"/>, and tells more: what stays, and what could not be
        /// removed, and why.
        /// </summary>
        public static Collected CollectWithDetails(string directory, CollectOptions options = null)
        {
            using (CollectOptionsHandle made = CollectOptions.Make(options))
            {
                IntPtr collected;
                NativeMethods.ckpt_collect_checkpoints_with_details(Utf8.Path(directory, "directory"), made, out collected);
                try
                {
                    return new Collected(collected);
                }
                finally
                {
                    NativeMethods.ckpt_collected_free(collected);
                }
            }
        }
    }

    /// <summary>An expired checkpoint that could not be removed.</summary>
    public sealed class NotRemoved
    {
        internal NotRemoved(string prefix, CheckpointException problem)
        {
            Prefix = prefix;
            Problem = problem;
        }

        /// <summary>The prefix of the checkpoint.</summary>
        public string Prefix { get; }

        /// <summary>Why it could not be removed.</summary>
        public CheckpointException Problem { get; }
    }

    /// <summary>What collecting did.</summary>
    public sealed class Collected
    {
        internal Collected(IntPtr collected)
        {
            Removed = NativeResult.LentTexts(NativeMethods.ckpt_collected_removed(collected));
            Kept = NativeResult.LentTexts(NativeMethods.ckpt_collected_kept(collected));
            Leftovers = NativeResult.LentTexts(NativeMethods.ckpt_collected_leftovers(collected));
            Warnings = NativeResult.LentTexts(NativeMethods.ckpt_collected_warnings(collected));
            var failed = new NotRemoved[NativeMethods.ckpt_collected_failed_count(collected)];
            for (int i = 0; i < failed.Length; i++)
            {
                failed[i] = new NotRemoved(
                    NativeMethods.ckpt_collected_failed_prefix(collected, i).Text,
                    CheckpointException.OfLent(NativeMethods.ckpt_collected_failed_problem(collected, i)));
            }
            Failed = failed;
        }

        /// <summary>The checkpoints removed, or those that would be, oldest first.</summary>
        public IReadOnlyList<string> Removed { get; }

        /// <summary>The managed checkpoints that stay, oldest first.</summary>
        public IReadOnlyList<string> Kept { get; }

        /// <summary>Files that crashes left, removed as well.</summary>
        public IReadOnlyList<string> Leftovers { get; }

        /// <summary>What did not make the call fail, a line each.</summary>
        public IReadOnlyList<string> Warnings { get; }

        /// <summary>Expired checkpoints that could not be removed. They are no longer listed; the
        /// next change tries again.</summary>
        public IReadOnlyList<NotRemoved> Failed { get; }
    }

    /// <summary>A checkpoint that is not whole, with the first thing that is wrong with
    /// it.</summary>
    public sealed class BrokenCheckpoint
    {
        /// <summary>Makes one.</summary>
        public BrokenCheckpoint(string prefix, Verdict verdict, CheckpointException problem)
        {
            Prefix = Required.Of(prefix, "prefix");
            Verdict = verdict;
            Problem = Required.Of(problem, "problem");
        }

        /// <summary>The prefix of the checkpoint.</summary>
        public string Prefix { get; }

        /// <summary>What it is good for; damaged if it cannot be read.</summary>
        public Verdict Verdict { get; }

        /// <summary>What is wrong with it.</summary>
        public CheckpointException Problem { get; }

        internal static BrokenCheckpoint[] ListOf(IntPtr broken)
        {
            var all = new BrokenCheckpoint[NativeMethods.ckpt_broken_checkpoints_count(broken)];
            for (int i = 0; i < all.Length; i++)
            {
                all[i] = new BrokenCheckpoint(
                    NativeMethods.ckpt_broken_checkpoints_prefix(broken, i).Text,
                    NativeMethods.ckpt_broken_checkpoints_verdict(broken, i),
                    CheckpointException.OfLent(NativeMethods.ckpt_broken_checkpoints_problem(broken, i)));
            }
            return all;
        }

        internal static BrokenCheckpoint[] TakeFrom(IntPtr broken)
        {
            try
            {
                return ListOf(broken);
            }
            finally
            {
                NativeMethods.ckpt_broken_checkpoints_free(broken);
            }
        }
    }
}
