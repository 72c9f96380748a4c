using System;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>How far a call has come.</summary>
    public readonly struct ByteProgress : IEquatable<ByteProgress>
    {
        /// <summary>Makes one.</summary>
        public ByteProgress(long done, long total)
        {
            Done = done;
            Total = total;
        }

        /// <summary>The bytes that are done.</summary>
        public long Done { get; }

        /// <summary>All that are to be done, as far as that is known.</summary>
        public long Total { get; }

        /// <summary>Whether both numbers are the same.</summary>
        public static bool operator ==(ByteProgress left, ByteProgress right) => left.Equals(right);

        /// <summary>Whether one of the numbers is another.</summary>
        public static bool operator !=(ByteProgress left, ByteProgress right) => !left.Equals(right);

        /// <summary>Whether both numbers are the same.</summary>
        public bool Equals(ByteProgress other) => Done == other.Done && Total == other.Total;

        /// <inheritdoc/>
        public override bool Equals(object obj) => obj is ByteProgress && Equals((ByteProgress)obj);

        /// <inheritdoc/>
        public override int GetHashCode() => Done.GetHashCode() * 31 + Total.GetHashCode();

        /// <summary>The bytes that are done and all of them: <c>3 of 10 bytes</c>.</summary>
        public override string ToString() => Done + " of " + Total + " bytes";
    }

    /// <summary>What stops a long call: a token that is cancelled, or a progress callback that
    /// throws.</summary>
    internal sealed class Cancellation : IDisposable
    {
        private readonly CancelHandle cancel = NativeMethods.ckpt_cancel_new();

        /// <param name="progress">Hears of progress; may be null.</param>
        /// <param name="reporter">Likewise.</param>
        internal Cancellation(Action<long, long> progress, IProgress<ByteProgress> reporter)
        {
            Progress = progress;
            if (reporter != null)
            {
                Progress += (done, total) => reporter.Report(new ByteProgress(done, total));
            }
        }

        internal Cancellation()
            : this(null, null)
        {
        }

        internal Action<long, long> Progress { get; }

        internal Exception Stopped { get; set; }

        internal CancelHandle Cancel => cancel;

        public void Dispose() => cancel.Dispose();

        /// <summary>What <see cref="Begin(CancellationToken)"/> does, unless there is
        /// nothing.</summary>
        internal static CancellationTokenRegistration Begin(Cancellation cancellation, CancellationToken token) =>
            cancellation == null ? default(CancellationTokenRegistration) : cancellation.Begin(token);

        /// <summary>What <see cref="Check(ErrorCode, IntPtr, CancellationToken)"/> does, also where
        /// there is nothing.</summary>
        internal static void Check(Cancellation cancellation, ErrorCode code, IntPtr error, CancellationToken token)
        {
            if (cancellation == null)
            {
                CheckpointException.Check(code, error);
            }
            else
            {
                cancellation.Check(code, error, token);
            }
        }

        /// <summary>For a call that nothing but a token stops; null if the token never
        /// does.</summary>
        internal static Cancellation Of(CancellationToken token) => token.CanBeCanceled ? new Cancellation() : null;

        /// <summary>Has the call stop when the token is cancelled, until what this gives is
        /// disposed of.</summary>
        internal CancellationTokenRegistration Begin(CancellationToken token)
        {
            Stopped = null;
            return token.Register(() => NativeMethods.ckpt_cancel_raise(cancel));
        }

        /// <summary>Fails unless the code is success, saying what stopped the call.</summary>
        internal void Check(ErrorCode code, IntPtr error, CancellationToken token)
        {
            if (code == ErrorCode.Ok)
            {
                return;
            }
            CheckpointException failure = CheckpointException.Of(code, error);
            if (code == ErrorCode.Cancelled && Stopped != null)
            {
                failure = failure.By(Stopped);
            }
            else if (code == ErrorCode.Cancelled && token.IsCancellationRequested)
            {
                throw new OperationCanceledException(failure.Message, failure, token);
            }
            throw failure;
        }
    }
}
