using System;
using System.Collections.Generic;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>How checkpoints are merged.</summary>
    public sealed partial class MergeOptions
    {
        /// <summary>Hears how many bytes of how many are done. What it throws ends the call with
        /// <see cref="ErrorCode.Cancelled"/>, and is the inner exception.</summary>
        public Action<long, long> Progress { get; set; }

        /// <summary>Hears the same; <see cref="Progress{T}"/> hands it on to the context that it
        /// was made in. What it throws ends the call, too.</summary>
        public IProgress<ByteProgress> Reporter { get; set; }

        /// <summary>Hears that the file system has no locks and the like.</summary>
        public Action<Severity, string> Log { get; set; }

        internal static Cancellation Cancellation(MergeOptions options) =>
            options == null ? new Cancellation() : new Cancellation(options.Progress, options.Reporter);

        internal static MergeOptionsHandle Make(MergeOptions options, Cancellation cancellation) =>
            NativeOptions.With(NativeMethods.ckpt_merge_options_new(), made => (options ?? new MergeOptions()).Set(made, cancellation));

        private void Set(MergeOptionsHandle made, Cancellation cancellation)
        {
            SetPlain(made);
            NativeMethods.ckpt_merge_options_set_cancel(made, cancellation.Cancel);
            if (Log != null)
            {
                NativeMethods.ckpt_merge_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
            if (cancellation.Progress != null)
            {
                NativeMethods.ckpt_merge_options_set_progress(
                    made, Callbacks.Progress, CallbackValue.Give(cancellation), Callbacks.Release);
            }
        }
    }

    public static partial class CheckpointFiles
    {
        /// <summary>
        /// Merges checkpoints, given by their prefixes, into one, as the workers of a distributed
        /// program do with the sections that each of them wrote
        /// (<c>tf.raw_ops.MergeV2Checkpoints</c>). Sections are removed in the end, unless the
        /// options keep them.
        /// </summary>
        public static void Merge(
            string destination, IReadOnlyList<string> sections, MergeOptions options = null,
            CancellationToken token = default(CancellationToken))
        {
            using (var pins = new Pins())
            using (Cancellation cancellation = MergeOptions.Cancellation(options))
            using (MergeOptionsHandle made = MergeOptions.Make(options, cancellation))
            using (cancellation.Begin(token))
            {
                IntPtr e;
                IntPtr[] prefixes = pins.Paths(sections, "sections");
                cancellation.Check(NativeMethods.ckpt_merge(Utf8.Path(destination, "destination"), prefixes, prefixes.Length, made, out e), e, token);
            }
        }
    }
}
