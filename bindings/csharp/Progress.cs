using System;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>What stops a long call: a token that is cancelled, or a progress callback that
    /// throws.</summary>
    internal sealed class Cancellation : IDisposable
    {
        private readonly CancelHandle cancel = NativeMethods.ckpt_cancel_new();

        internal Cancellation(Action<long, long> progress)
        {
            Progress = progress;
        }

        internal Action<long, long> Progress { get; }

        internal Exception Stopped { get; set; }

        internal CancelHandle Cancel => cancel;

        public void Dispose() => cancel.Dispose();

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
                failure = new CheckpointException(failure.Code, failure.Reason, failure.Message, Stopped);
            }
            else if (code == ErrorCode.Cancelled && token.IsCancellationRequested)
            {
                throw new OperationCanceledException(failure.Message, failure, token);
            }
            throw failure;
        }
    }
}
