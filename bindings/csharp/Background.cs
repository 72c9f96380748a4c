using System;
using System.Buffers;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    /// <summary>
    /// Calls that the library makes on threads of its own, as tasks. No thread waits for their end:
    /// the library says when they are over.
    /// </summary>
    internal static class Background
    {
        internal delegate ErrorCode Begin(out PendingHandle pending, out IntPtr error);

        internal delegate ErrorCode Take<T>(PendingHandle pending, out T result, out IntPtr error);

        /// <summary>
        /// Begins a call in the background, and gives what it gives when it is over. All that goes
        /// wrong is in the task. When the token is cancelled the call is told to stop, and the task
        /// ends when it has.
        /// </summary>
        /// <param name="cancellation">Has what a progress callback throws; it is disposed
        /// of.</param>
        /// <param name="token">Stops the call.</param>
        /// <param name="begin">Begins it.</param>
        /// <param name="take">Takes its result.</param>
        /// <param name="convert">Makes of the result what the task gives.</param>
        /// <param name="running">Hears of the call, as long as it runs; may be null.</param>
        internal static async Task<TResult> Run<T, TResult>(
            Cancellation cancellation, CancellationToken token, Begin begin, Take<T> take, Func<T, TResult> convert,
            Running running = null)
        {
            using (cancellation)
            {
                token.ThrowIfCancellationRequested();
                PendingHandle pending;
                IntPtr error;
                cancellation.Check(begin(out pending, out error), error, token);
                using (pending)
                {
                    if (pending.IsInvalid)
                    {
                        return default(TResult); // a save that is not due
                    }
                    try
                    {
                        using (token.Register(() => NativeMethods.ckpt_pending_cancel(pending)))
                        {
                            Task ended = Ended(pending);
                            running?.Add(ended);
                            await ended.ConfigureAwait(false);
                        }
                    }
                    catch
                    {
                        // Nobody would hear of its end, before which its memory is the library's.
                        NativeMethods.ckpt_pending_cancel(pending);
                        NativeMethods.ckpt_pending_wait_for(pending, double.PositiveInfinity);
                        throw;
                    }
                    T result;
                    cancellation.Check(take(pending, out result, out error), error, token);
                    return convert(result);
                }
            }
        }

        /// <summary>Takes the result of a call that gives none: with the path of a save, which is
        /// null for other calls.</summary>
        internal static ErrorCode TakePath(PendingHandle pending, out string path, out IntPtr error)
        {
            IntPtr text;
            ErrorCode code = NativeMethods.ckpt_pending_wait(pending, out text, out error);
            path = NativeResult.Text(text);
            return code;
        }

        /// <summary>Completes when a call is over, well or not, and never fails.</summary>
        internal static Task Ended(PendingHandle pending)
        {
            var ending = new Ending();
            using (pending.Hold())
            {
                try
                {
                    NativeMethods.ckpt_pending_notify(pending, Callbacks.Ended, CallbackValue.Give(ending), Callbacks.Release);
                }
                catch (CheckpointException)
                {
                    NativeMethods.ckpt_pending_wait_for(pending, double.PositiveInfinity); // there is no thread that could say it
                    return Task.CompletedTask;
                }
            }
            return ending.Task;
        }

        /// <summary>Completes when the task does, or fails when the token is cancelled
        /// before.</summary>
        internal static async Task Until(Task task, CancellationToken token)
        {
            if (token.CanBeCanceled && !task.IsCompleted)
            {
                var cancelled = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                using (token.Register(() => cancelled.TrySetResult(true)))
                {
                    if (await Task.WhenAny(task, cancelled.Task).ConfigureAwait(false) != task)
                    {
                        token.ThrowIfCancellationRequested();
                    }
                }
            }
            await task.ConfigureAwait(false);
        }
    }

    /// <summary>The end of a call in the background: it completes when the library has let go of
    /// all that it was given for it.</summary>
    internal sealed class Ending
    {
        private readonly TaskCompletionSource<bool> source =
            new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task Task => source.Task;

        internal bool IsOver { get; set; }

        internal void Released()
        {
            if (IsOver)
            {
                source.TrySetResult(true);
            }
        }
    }

    /// <summary>The calls that run in the background for one checkpoint, of whichever of its
    /// objects they were made.</summary>
    internal sealed class Running
    {
        private readonly List<Task> tasks = new List<Task>();

        /// <summary>Hears of a call.</summary>
        internal void Add(Task ended)
        {
            lock (tasks)
            {
                tasks.RemoveAll(task => task.IsCompleted);
                tasks.Add(ended);
            }
        }

        /// <summary>Completes when no call is running.</summary>
        internal async Task Over(CancellationToken token)
        {
            Task[] all;
            while ((all = Now()).Length > 0)
            {
                await Background.Until(Task.WhenAll(all), token).ConfigureAwait(false);
            }
        }

        private Task[] Now()
        {
            lock (tasks)
            {
                tasks.RemoveAll(task => task.IsCompleted);
                return tasks.ToArray();
            }
        }
    }

    /// <summary>Memory that stays where it is until this is disposed of.</summary>
    internal sealed class PinnedMemory : IDisposable
    {
        private readonly MemoryHandle[] pins;

        /// <param name="count">How many pieces there will be.</param>
        internal PinnedMemory(int count)
        {
            pins = new MemoryHandle[count];
            Addresses = new IntPtr[count];
            Sizes = new long[count];
        }

        internal IntPtr[] Addresses { get; }

        internal long[] Sizes { get; }

        public void Dispose()
        {
            foreach (MemoryHandle pin in pins)
            {
                pin.Dispose();
            }
        }

        internal unsafe void Pin<T>(int index, Memory<T> memory)
            where T : struct
        {
            pins[index] = memory.Pin();
            Addresses[index] = (IntPtr)pins[index].Pointer;
            Sizes[index] = Elements.Size<T>(memory.Length);
        }
    }
}
