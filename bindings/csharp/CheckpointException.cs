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
        /// <summary>Makes one of an unknown error.</summary>
        public CheckpointException()
            : this("a checkpoint could not be used")
        {
        }

        /// <summary>Makes one of an unknown error.</summary>
        public CheckpointException(string message)
            : this(message, null)
        {
        }

        /// <summary>Makes one of an unknown error.</summary>
        public CheckpointException(string message, Exception innerException)
            : this(ErrorCode.Unknown, Reason.None, message, inner: innerException)
        {
        }

        /// <summary>Makes one such as calls throw: for the tests of a program, and for its
        /// callbacks, in whose words the library then says what failed.</summary>
        /// <param name="code">The class of the error.</param>
        /// <param name="reason">Why.</param>
        /// <param name="message">What is said, in one line.</param>
        /// <param name="file">The file or directory at fault.</param>
        /// <param name="tensor">The key of the tensor at fault.</param>
        /// <param name="expected">What should have been there.</param>
        /// <param name="found">What was there instead.</param>
        /// <param name="systemError">The operating system's error number.</param>
        /// <param name="inner">What it came from.</param>
        public CheckpointException(
            ErrorCode code, Reason reason, string message, string file = null, string tensor = null, string expected = null,
            string found = null, int systemError = 0, Exception inner = null)
            : base(message, inner)
        {
            Code = code;
            Reason = reason;
            File = file;
            Tensor = tensor;
            Expected = expected;
            Found = found;
            SystemError = systemError;
        }

        /// <summary>The class of the error (TensorFlow's <c>errors</c>).</summary>
        public ErrorCode Code { get; }

        /// <summary>Why, as a constant that never changes.</summary>
        public Reason Reason { get; }

        /// <summary>The file or directory at fault; null if none is.</summary>
        public string File { get; }

        /// <summary>The key of the tensor at fault; null if none is.</summary>
        public string Tensor { get; }

        /// <summary>What should have been there; null if that is not the point.</summary>
        public string Expected { get; }

        /// <summary>What was there instead; null if that is not the point.</summary>
        public string Found { get; }

        /// <summary>The operating system's error number; 0 if it reported none.</summary>
        public int SystemError { get; }

        /// <summary>
        /// Whether the same call may succeed later though the program changes nothing: another has
        /// the directory or the graph (<see cref="ErrorCode.Unavailable"/>), a lock was lost (<see
        /// cref="Reason.LockLost"/>), there was no space, memory or file descriptor (<see
        /// cref="ErrorCode.ResourceExhausted"/> with an error of the system), or a checkpoint was
        /// replaced while it was read (<see cref="ErrorCode.DataLoss"/> with <see
        /// cref="Reason.Replaced"/>).
        /// </summary>
        public bool IsTransient =>
            Code == ErrorCode.Unavailable || Reason == Reason.LockLost
            || (Code == ErrorCode.ResourceExhausted && (Reason == Reason.Space || SystemError != 0))
            || (Code == ErrorCode.DataLoss && Reason == Reason.Replaced);

        /// <summary>The class, with code and reason, and the message; file and tensor, where the
        /// message does not name them; then what it came from, and where it was thrown.</summary>
        public override string ToString()
        {
            string named = GetType().FullName;
            string said = Code.Name() + (Reason == Reason.None ? "" : ", " + Reason.Name()) + NotSaid("file", File) + NotSaid("tensor", Tensor);
            return base.ToString().Insert(named.Length, " (" + said + ")");
        }

        private string NotSaid(string what, string name) =>
            string.IsNullOrEmpty(name) || Message.Contains(name) ? "" : ", " + what + " " + name;

        /// <summary>The same, of something that the program threw.</summary>
        internal CheckpointException By(Exception cause) =>
            new CheckpointException(Code, Reason, Message, File, Tensor, Expected, Found, SystemError, cause);

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
            return new CheckpointException(
                NativeMethods.ckpt_error_code(error),
                reason,
                message,
                NativeMethods.ckpt_error_file(error).TextOrNull,
                NativeMethods.ckpt_error_tensor(error).TextOrNull,
                NativeMethods.ckpt_error_expected(error).TextOrNull,
                NativeMethods.ckpt_error_found(error).TextOrNull,
                NativeMethods.ckpt_error_errno(error),
                cause);
        }
    }
}
