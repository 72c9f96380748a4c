using System;
using System.Collections.Generic;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>How to wait for checkpoints.</summary>
    public sealed partial class WaitOptions
    {
        /// <summary>Another clock than the machine's.</summary>
        public Func<DateTimeOffset> Clock { get; set; }

        /// <summary>Waits, in place of the machine's clock. What it throws ends the call with <see
        /// cref="ErrorCode.Cancelled"/>, and is the inner exception.</summary>
        public Action<TimeSpan> Sleep { get; set; }

        /// <summary>Hears once of a state file that cannot be used for now, and how the path of a
        /// checkpoint was understood where that may surprise.</summary>
        public Action<Severity, string> Log { get; set; }

        /// <summary>
        /// Hears of a state file that cannot be used for longer than one that another program is
        /// writing would be, which is 10 seconds, or that cannot be used when time runs out; once,
        /// until it can be used again. Waiting and watching then go on until time has run out, and
        /// end as without a fault. Without it they fail with <see cref="ErrorCode.DataLoss"/>. What
        /// it throws ends the call.
        /// </summary>
        public Action<CheckpointException> Fault { get; set; }

        internal WaitOptionsHandle Make(CancellationToken token, out Clock clock)
        {
            var made = new Clock { Now = Clock, Sleep = Sleep };
            if (made.Sleep == null)
            {
                made.Sleep = span => Wait(span, token);
            }
            clock = made;
            return NativeOptions.With(NativeMethods.ckpt_wait_options_new(), options => Set(options, made));
        }

        /// <summary>Fails when the library does not take the options.</summary>
        internal static void Check(WaitOptions options)
        {
            Clock clock;
            options?.Make(CancellationToken.None, out clock).Dispose();
        }

        /// <summary>Waits, until the token is cancelled at most. It may end before: who waits looks
        /// at the time again.</summary>
        internal static void Wait(TimeSpan span, CancellationToken token)
        {
            // As long as a wait handle can wait, which is 24 days.
            token.WaitHandle.WaitOne(span.TotalMilliseconds < int.MaxValue ? span : TimeSpan.FromMilliseconds(int.MaxValue));
            token.ThrowIfCancellationRequested();
        }

        private void Set(WaitOptionsHandle made, Clock clock)
        {
            SetPlain(made);
            NativeMethods.ckpt_wait_options_set_clock(
                made, clock.Now == null ? null : Callbacks.Now, Callbacks.Sleep, CallbackValue.Give(clock), Callbacks.Release);
            if (Log != null)
            {
                NativeMethods.ckpt_wait_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
        }
    }

    public static partial class CheckpointFiles
    {
        /// <summary>
        /// Waits until the latest checkpoint of a directory, which need not be there yet, is
        /// another one than <paramref name="last"/>, which may be null. Gives its path; null when
        /// time ran out. The thread waits; of <see cref="WaitForNewAsync"/> none does.
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.DataLoss"/> when the state
        /// file cannot be used, and nobody hears of it by <see
        /// cref="WaitOptions.Fault"/>.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public static string WaitForNew(
            string directory, string last, WaitOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] watched = Utf8.Path(directory, "directory"), known = Utf8.PathOrNull(last);
            if (options?.Fault != null)
            {
                WaitOptions.Check(options);
                return Looking.OnThread(watched, options).Next(last, token).GetAwaiter().GetResult();
            }
            Clock clock;
            using (WaitOptionsHandle made = (options ?? new WaitOptions()).Make(token, out clock))
            {
                IntPtr path, e;
                CheckWaited(NativeMethods.ckpt_wait_for_new_checkpoint(watched, known, made, out path, out e), e, clock, token);
                return NativeResult.Text(path);
            }
        }

        /// <summary>
        /// Goes over the checkpoints of a directory, which need not be there yet, as they appear
        /// (<c>tf.train.checkpoints_iterator</c>): the latest only, and never the same twice in a
        /// row.
        /// </summary>
        /// <param name="directory">The directory.</param>
        /// <param name="options">How to wait.</param>
        /// <param name="isDone">Is asked after each time-out, and after each checkpoint, whether
        /// there will be no more; without it a time-out is the end.</param>
        /// <param name="token">Ends the wait with an <see
        /// cref="OperationCanceledException"/>.</param>
        public static IEnumerable<string> Watch(
            string directory, WaitOptions options = null, Func<bool> isDone = null,
            CancellationToken token = default(CancellationToken))
        {
            byte[] watched = Utf8.Path(directory, "directory");
            return options?.Fault == null ? Appearing(watched, options, isDone, token) : Told(watched, options, isDone, token);
        }

        private static IEnumerable<string> Appearing(
            byte[] directory, WaitOptions options, Func<bool> isDone, CancellationToken token)
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

        // The same where somebody is told of a state file that cannot be used, which ends the
        // library's iterator or has it begin to wait anew.
        private static IEnumerable<string> Told(byte[] directory, WaitOptions options, Func<bool> isDone, CancellationToken token)
        {
            WaitOptions.Check(options);
            Looking looking = Looking.OnThread(directory, options);
            string last = null;
            bool isOver = false;
            while (!isOver)
            {
                string path = looking.Next(last, token).GetAwaiter().GetResult();
                if (path != null)
                {
                    last = path;
                    yield return path;
                    looking.Rest(token).GetAwaiter().GetResult();
                }
                isOver = isDone == null ? path == null : isDone();
            }
        }

        private static CheckpointsIteratorHandle NewIterator(byte[] directory, WaitOptionsHandle options, Func<bool> isDone)
        {
            CheckpointsIteratorHandle iterator;
            bool asks = isDone != null;
            NativeMethods.ckpt_checkpoints_iterator_new(
                directory, options, asks ? Callbacks.IsDone : null, asks ? CallbackValue.Give(isDone) : IntPtr.Zero,
                asks ? Callbacks.Release : null, out iterator);
            return iterator;
        }

        private static string Next(CheckpointsIteratorHandle iterator, Clock clock, CancellationToken token)
        {
            IntPtr path, e;
            CheckWaited(NativeMethods.ckpt_checkpoints_iterator_next(iterator, out path, out e), e, clock, token);
            return NativeResult.Text(path);
        }

        private static void CheckWaited(ErrorCode code, IntPtr error, Clock clock, CancellationToken token)
        {
            if (code == ErrorCode.Ok)
            {
                return;
            }
            CheckpointException failure = CheckpointException.Of(code, error);
            if (code == ErrorCode.Cancelled && token.IsCancellationRequested)
            {
                throw new OperationCanceledException(failure.Message, failure, token);
            }
            if (code == ErrorCode.Cancelled && clock.Stopped != null)
            {
                throw failure.By(clock.Stopped);
            }
            throw failure;
        }
    }
}
