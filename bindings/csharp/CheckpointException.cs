using System;
using System.Collections.Generic;

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
        public string File { get; private set; }

        /// <summary>The key of the tensor at fault; null if none is.</summary>
        public string Tensor { get; private set; }

        /// <summary>What should have been there; null if that is not the point.</summary>
        public string Expected { get; private set; }

        /// <summary>What was there instead; null if that is not the point.</summary>
        public string Found { get; private set; }

        /// <summary>The operating system's error number; 0 if it reported none.</summary>
        public int SystemError { get; private set; }

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
        internal static void Check(ErrorCode code, IntPtr error, Causes causes = null)
        {
            if (code != ErrorCode.Ok)
            {
                throw Of(code, error, causes);
            }
        }

        internal static CheckpointException Of(ErrorCode code, IntPtr error, Causes causes)
        {
            try
            {
                return error == IntPtr.Zero ? new CheckpointException(code, Reason.None, code.Name()) : OfLent(error, causes);
            }
            finally
            {
                NativeMethods.ckpt_error_free(error);
            }
        }

        internal static CheckpointException OfLent(IntPtr error, Causes causes = null)
        {
            Reason reason = NativeMethods.ckpt_error_reason(error);
            string message = Utf8.Decode(NativeMethods.ckpt_error_message(error));
            Exception cause = causes == null ? null : causes.Of(message);
            return new CheckpointException(NativeMethods.ckpt_error_code(error), reason, message, cause)
            {
                File = NativeMethods.ckpt_error_file(error).TextOrNull,
                Tensor = NativeMethods.ckpt_error_tensor(error).TextOrNull,
                Expected = NativeMethods.ckpt_error_expected(error).TextOrNull,
                Found = NativeMethods.ckpt_error_found(error).TextOrNull,
                SystemError = NativeMethods.ckpt_error_errno(error),
            };
        }

        internal static CheckpointException DTypeMismatch(DType expected, DType found)
        {
            string named = expected.Name(), other = found.Name();
            string message = "the elements have another type: expected " + named + ", found " + other;
            return new CheckpointException(ErrorCode.InvalidArgument, Reason.DType, message) { Expected = named, Found = other };
        }
    }

    /// <summary>What callbacks threw last. Not all of it makes a call fail, and who asks after a
    /// save in the background may ask again.</summary>
    internal sealed class Causes
    {
        private const int Most = 8;

        private readonly List<Exception> last = new List<Exception>();

        internal void Set(Exception cause)
        {
            lock (last)
            {
                if (last.Count == Most)
                {
                    last.RemoveAt(0);
                }
                last.Add(cause);
            }
        }

        /// <summary>The newest whose text is in the message of a failure.</summary>
        internal Exception Of(string message)
        {
            lock (last)
            {
                return last.FindLast(cause => message.Contains(Callbacks.TextOf(cause)));
            }
        }
    }
}
