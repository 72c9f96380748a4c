using System;

namespace LibCheckpoint
{
    /// <summary>
    /// A call failed. The message is one line and names file, tensor, what was expected and what
    /// was found. When a callback of the program's made it fail, <see
    /// cref="Exception.InnerException"/> is what that threw.
    /// </summary>
    public sealed class CheckpointException : Exception
    {
        internal CheckpointException(ErrorCode code, Reason reason, string message, Exception inner = null)
            : base(message, inner)
        {
            Code = code;
            Reason = reason;
        }

        /// <summary>The class of the error (TensorFlow's <c>errors</c>).</summary>
        public ErrorCode Code { get; private set; }

        /// <summary>Why, as a constant that never changes.</summary>
        public Reason Reason { get; private set; }

        /// <summary>The file or directory at fault; null if none is.</summary>
        public string File { get; internal set; }

        /// <summary>The key of the tensor at fault; null if none is.</summary>
        public string Tensor { get; internal set; }

        /// <summary>What should have been there; null if that is not the point.</summary>
        public string Expected { get; internal set; }

        /// <summary>What was there instead; null if that is not the point.</summary>
        public string Found { get; internal set; }

        /// <summary>The operating system's error number; 0 if it reported none.</summary>
        public int SystemError { get; internal set; }

        /// <summary>The class, with code and reason, and the message; then what it came from, and
        /// where it was thrown.</summary>
        public override string ToString()
        {
            string named = GetType().FullName;
            string reason = Reason == Reason.None ? "" : ", " + Reason.Name();
            return named + " (" + Code.Name() + reason + ")" + base.ToString().Substring(named.Length);
        }

        /// <summary>Fails unless the code is success. The error, which belongs to the caller, is
        /// freed.</summary>
        internal static void Check(ErrorCode code, IntPtr error)
        {
            if (code != ErrorCode.Ok)
            {
                throw Of(code, error);
            }
        }

        internal static CheckpointException Of(ErrorCode code, IntPtr error)
        {
            try
            {
                return error == IntPtr.Zero ? new CheckpointException(code, Reason.None, code.Name()) : OfLent(error);
            }
            finally
            {
                NativeMethods.ckpt_error_free(error);
            }
        }

        internal static CheckpointException OfLent(IntPtr error)
        {
            Reason reason = NativeMethods.ckpt_error_reason(error);
            string message = Utf8.Decode(NativeMethods.ckpt_error_message(error));
            IntPtr thrown = NativeMethods.ckpt_error_cause(error, Callbacks.Release);
            Exception cause = thrown == IntPtr.Zero ? null : CallbackValue.Of<Exception>(thrown);
            return new CheckpointException(NativeMethods.ckpt_error_code(error), reason, message, cause)
            {
                File = NativeMethods.ckpt_error_file(error).TextOrNull,
                Tensor = NativeMethods.ckpt_error_tensor(error).TextOrNull,
                Expected = NativeMethods.ckpt_error_expected(error).TextOrNull,
                Found = NativeMethods.ckpt_error_found(error).TextOrNull,
                SystemError = NativeMethods.ckpt_error_errno(error),
            };
        }
    }
}
