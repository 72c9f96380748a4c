using System;
using System.Collections.Generic;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>How a checkpoint is verified.</summary>
    public sealed partial class VerifyOptions
    {
        /// <summary>Hears how many bytes of how many were checked. What it throws ends the call
        /// with <see cref="ErrorCode.Cancelled"/>, and is the inner exception.</summary>
        public Action<long, long> Progress { get; set; }

        /// <summary>Hears the same; <see cref="Progress{T}"/> hands it on to the context that it
        /// was made in. What it throws ends the call, too.</summary>
        public IProgress<ByteProgress> Reporter { get; set; }

        /// <summary>Hears how the path was understood where that may surprise, as that of <see
        /// cref="OpenOptions"/>. What is wrong with a checkpoint is in the result.</summary>
        public Action<Severity, string> Log { get; set; }

        internal static Cancellation Cancellation(VerifyOptions options) =>
            options == null ? new Cancellation() : new Cancellation(options.Progress, options.Reporter);

        internal static VerifyOptionsHandle Make(VerifyOptions options, Cancellation cancellation) =>
            NativeOptions.With(NativeMethods.ckpt_verify_options_new(), made => (options ?? new VerifyOptions()).Set(made, cancellation));

        private void Set(VerifyOptionsHandle made, Cancellation cancellation)
        {
            SetPlain(made);
            NativeMethods.ckpt_verify_options_set_cancel(made, cancellation.Cancel);
            if (Log != null)
            {
                NativeMethods.ckpt_verify_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
            if (cancellation.Progress != null)
            {
                NativeMethods.ckpt_verify_options_set_progress(
                    made, Callbacks.Progress, CallbackValue.Give(cancellation), Callbacks.Release);
            }
        }
    }

    /// <summary>What verifying found.</summary>
    public sealed class Verification
    {
        /// <summary>Makes one.</summary>
        public Verification(
            Verdict verdict, IReadOnlyList<CheckpointException> problems, long tensorCount = 0, long byteCount = 0, long fileCount = 0)
        {
            Verdict = verdict;
            Problems = Required.Of(problems, "problems");
            TensorCount = tensorCount;
            ByteCount = byteCount;
            FileCount = fileCount;
        }

        private Verification(IntPtr verification)
        {
            var problems = new CheckpointException[NativeMethods.ckpt_verification_problem_count(verification)];
            for (int i = 0; i < problems.Length; i++)
            {
                problems[i] = CheckpointException.OfLent(NativeMethods.ckpt_verification_problem(verification, i));
            }
            Verdict = NativeMethods.ckpt_verification_verdict(verification);
            Problems = problems;
            TensorCount = NativeMethods.ckpt_verification_tensor_count(verification);
            ByteCount = (long)NativeMethods.ckpt_verification_byte_count(verification);
            FileCount = NativeMethods.ckpt_verification_file_count(verification);
        }

        /// <summary>What the checkpoint is good for.</summary>
        public Verdict Verdict { get; }

        /// <summary>The problems, at most 10 000, the reason for the verdict first; none when the
        /// checkpoint is whole.</summary>
        public IReadOnlyList<CheckpointException> Problems { get; }

        /// <summary>The number of tensors listed.</summary>
        public long TensorCount { get; }

        /// <summary>The bytes of values that were checked.</summary>
        public long ByteCount { get; }

        /// <summary>The files that were there.</summary>
        public long FileCount { get; }

        internal static Verification TakeFrom(IntPtr verification)
        {
            try
            {
                return new Verification(verification);
            }
            finally
            {
                NativeMethods.ckpt_verification_free(verification);
            }
        }
    }

    public static partial class CheckpointFiles
    {
        /// <summary>
        /// Checks every checksum of every block and tensor of a checkpoint, that slices cover their
        /// tensors, and that every key of the object graph is there. It goes on after a fault: that
        /// it returns says that it came to the end, not that the checkpoint is whole; see <see
        /// cref="Verification.Verdict"/>.
        /// </summary>
        public static Verification Verify(
            string path, VerifyOptions options = null, CancellationToken token = default(CancellationToken))
        {
            using (Cancellation cancellation = VerifyOptions.Cancellation(options))
            using (VerifyOptionsHandle made = VerifyOptions.Make(options, cancellation))
            using (cancellation.Begin(token))
            {
                IntPtr found, e;
                cancellation.Check(NativeMethods.ckpt_verify(Utf8.Path(path), made, out found, out e), e, token);
                return Verification.TakeFrom(found);
            }
        }
    }
}
