using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    /// <summary>
    /// A save that runs in the background, on a thread of the library's own, to be looked at while
    /// it runs: <see cref="Checkpoint.BeginSave"/> gives it. Several threads may use it at once. It
    /// can be awaited: that is <see cref="Wait()"/> without a thread that waits.
    /// </summary>
    public sealed partial class Pending : IDisposable
    {
        private readonly PendingHandle handle;
        private readonly Cancellation cancellation;
        private readonly CancellationToken token;
        private readonly CancellationTokenRegistration registration;

        private Pending(PendingHandle handle, Cancellation cancellation, CancellationToken token)
        {
            this.handle = handle;
            this.cancellation = cancellation;
            this.token = token;
            registration = token.Register(Cancel);
            Completion = Background.Ended(handle);
            if (token.CanBeCanceled)
            {
                // A token that lives on does not hold what is over.
                Completion.ContinueWith(
                    ended => registration.Dispose(), CancellationToken.None,
                    TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }

        /// <summary>The path of the checkpoint that is being written.</summary>
        public string Path
        {
            get
            {
                using (handle.Hold())
                {
                    return NativeMethods.ckpt_pending_path(handle).Text;
                }
            }
        }

        /// <summary>Whether the save is over, well or not. This never waits.</summary>
        public bool IsCompleted
        {
            get
            {
                ulong done, total;
                return NativeMethods.ckpt_pending_poll(handle, out done, out total);
            }
        }

        /// <summary>Completes when the save is over, well or not. It never fails, so that no error
        /// is lost with it: what became of the save <see cref="Wait()"/> says.</summary>
        public Task Completion { get; }

        /// <summary>Whether the save is over, and how many bytes of how many are written. This
        /// never waits.</summary>
        public bool Poll(out long done, out long total)
        {
            ulong written, all;
            bool over = NativeMethods.ckpt_pending_poll(handle, out written, out all);
            done = (long)written;
            total = (long)all;
            return over;
        }

        /// <summary>Waits until the save is over, and gives the path of the checkpoint. It may be
        /// called again, and says the same then.</summary>
        /// <exception cref="CheckpointException">The save failed; nobody else hears of it then.
        /// <see cref="ErrorCode.Cancelled"/> when it was cancelled by <see cref="Cancel"/> or a
        /// progress callback.</exception>
        /// <exception cref="OperationCanceledException">The token that it was begun with was
        /// cancelled.</exception>
        public string Wait()
        {
            IntPtr path, e;
            cancellation.Check(NativeMethods.ckpt_pending_wait(handle, out path, out e), e, token);
            return NativeResult.Text(path);
        }

        /// <summary>Waits until the save is over, but not longer than <paramref name="limit"/>, and
        /// says whether it is. It asks for no error: that is still to be heard of.</summary>
        /// <param name="limit">How long; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
        public bool Wait(TimeSpan limit)
        {
            double seconds = limit == Timeout.InfiniteTimeSpan ? double.PositiveInfinity : limit.TotalSeconds;
            return NativeMethods.ckpt_pending_wait_for(handle, seconds);
        }

        /// <summary>What a phase of the save has cost so far; all of it once the save is
        /// over.</summary>
        public PhaseCost Cost(Phase phase)
        {
            ulong bytes;
            double seconds;
            NativeMethods.ckpt_pending_phase(handle, phase, out bytes, out seconds);
            return new PhaseCost(bytes, seconds);
        }

        /// <summary>Ends the save soon, unless all is written by then. What was there before is
        /// still there, and nothing new.</summary>
        public void Cancel()
        {
            try
            {
                NativeMethods.ckpt_pending_cancel(handle);
            }
            catch (ObjectDisposedException)
            {
                // Nobody wants to know any more.
            }
        }

        /// <summary>A task that gives what <see cref="Wait()"/> gives, and fails as that does; no
        /// thread waits for it. Each call makes one, and the failure of each that nobody looks at
        /// is an unobserved exception.</summary>
        public async Task<string> AsTask()
        {
            await Completion.ConfigureAwait(false);
            return Wait();
        }

        /// <summary>What <c>await</c> asks for.</summary>
        public PendingAwaiter GetAwaiter() => new PendingAwaiter(this);

        /// <summary>Lets go of the save, which goes on. If it fails, that costs no other save: the
        /// log says so, and <see cref="Checkpoint.Sync"/> and <see cref="Checkpoint.LastFailure"/>
        /// report it.</summary>
        public void Dispose()
        {
            registration.Dispose();
            handle.Dispose();
        }

        internal static Pending Of(PendingHandle handle, Cancellation cancellation, CancellationToken token, Running running)
        {
            if (handle.IsInvalid)
            {
                return null;
            }
            var pending = new Pending(handle, cancellation, token);
            running.Add(pending.Completion);
            return pending;
        }
    }

    /// <summary>What a phase of a save took.</summary>
    public struct PhaseCost
    {
        internal PhaseCost(ulong bytes, double seconds)
        {
            Bytes = (long)bytes;
            Time = LibCheckpoint.Time.Span(seconds);
        }

        /// <summary>The bytes copied, written or synced; 0 for the other phases.</summary>
        public long Bytes { get; }

        /// <summary>The time of the calling thread, or of the one in the background.</summary>
        public TimeSpan Time { get; }
    }

    /// <summary>Awaits a save in the background. Only who takes the result has heard of its
    /// error.</summary>
    public struct PendingAwaiter : ICriticalNotifyCompletion
    {
        private readonly Pending pending;

        internal PendingAwaiter(Pending pending)
        {
            this.pending = pending;
        }

        /// <summary>Whether the save is over, well or not.</summary>
        public bool IsCompleted => pending.IsCompleted;

        /// <summary>Has <paramref name="continuation"/> called when the save is over.</summary>
        public void OnCompleted(Action continuation) => pending.Completion.GetAwaiter().OnCompleted(continuation);

        /// <summary>The same without the context of the execution.</summary>
        public void UnsafeOnCompleted(Action continuation) => pending.Completion.GetAwaiter().UnsafeOnCompleted(continuation);

        /// <summary>The path of the checkpoint, or what went wrong: <see
        /// cref="Pending.Wait()"/>.</summary>
        public string GetResult() => pending.Wait();
    }
}
