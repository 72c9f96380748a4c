using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    public static partial class CheckpointFiles
    {
        /// <summary>Looks at a directory again and again, until there is a new checkpoint or time
        /// has run out, and tells of a state file that cannot be used.</summary>
        private sealed class Looking
        {
            // As long as the library takes a state file that cannot be used for one that is being
            // written.
            private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

            // The shortest pause: a timer counts no less, and a wait does not keep a processor
            // busy.
            private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

            private readonly byte[] directory;
            private readonly WaitOptions options;
            private readonly TimeSpan poll;
            private readonly Func<TimeSpan> elapsed;
            private readonly Func<TimeSpan, CancellationToken, Task> pause;
            private TimeSpan? given;
            private bool told;

            private Looking(
                byte[] directory, WaitOptions options, Func<TimeSpan> elapsed, Func<TimeSpan, CancellationToken, Task> pause)
            {
                this.directory = directory;
                this.options = options ?? new WaitOptions();
                this.elapsed = elapsed;
                this.pause = pause;
                poll = Longer(this.options.PollInterval ?? TimeSpan.FromSeconds(1), Moment);
            }

            /// <summary>One that waits without a thread, by the machine's clock.</summary>
            internal static Looking WithTasks(byte[] directory, WaitOptions options)
            {
                Stopwatch since = Stopwatch.StartNew();
                return new Looking(directory, options, () => since.Elapsed, Pause);
            }

            /// <summary>One whose tasks are complete when they are given: the calling thread waits,
            /// by the clock of the options.</summary>
            internal static Looking OnThread(byte[] directory, WaitOptions options)
            {
                Stopwatch since = Stopwatch.StartNew();
                Func<TimeSpan> elapsed = () => since.Elapsed;
                if (options.Clock != null)
                {
                    DateTimeOffset start = options.Clock();
                    TimeSpan latest = TimeSpan.Zero; // a clock that is set back stands still
                    elapsed = () => latest = Longer(options.Clock() - start, latest);
                }
                Func<TimeSpan, CancellationToken, Task> pause = (span, token) =>
                {
                    Sleep(options, span, token);
                    return Task.CompletedTask;
                };
                return new Looking(directory, options, elapsed, pause);
            }

            /// <summary>The next checkpoint; null when time ran out.</summary>
            internal async Task<string> Next(string last, CancellationToken token)
            {
                byte[] known = Utf8.PathOrNull(last);
                await Rest(token).ConfigureAwait(false);
                TimeSpan start = elapsed();
                TimeSpan? faulty = null;
                while (true)
                {
                    token.ThrowIfCancellationRequested();
                    CheckpointException fault;
                    string path = Look(known, token, out fault);
                    TimeSpan now = elapsed();
                    if (path != null)
                    {
                        given = now;
                        told = false;
                        return path;
                    }
                    bool isOver = options.Timeout - (now - start) < poll;
                    TimeSpan next = poll;
                    if (fault == null)
                    {
                        faulty = null;
                        told = false;
                    }
                    else
                    {
                        if (faulty == null)
                        {
                            faulty = now;
                            if (!isOver && !told)
                            {
                                options.Log?.Invoke(
                                    Severity.Warning, fault.Message + "; the state file may be being written: it is read again");
                            }
                        }
                        TimeSpan left = Patience - (now - faulty.Value);
                        if (isOver || left <= TimeSpan.Zero)
                        {
                            Tell(fault);
                        }
                        else if (left < next)
                        {
                            next = Longer(left, Moment);
                        }
                    }
                    if (isOver)
                    {
                        return null;
                    }
                    await pause(next, token).ConfigureAwait(false);
                }
            }

            /// <summary>Waits until the least interval since the last checkpoint has
            /// passed.</summary>
            internal async Task Rest(CancellationToken token)
            {
                while (given != null && options.MinInterval > elapsed() - given)
                {
                    TimeSpan left = options.MinInterval.Value - (elapsed() - given.Value);
                    await pause(Longer(left, Moment), token).ConfigureAwait(false);
                }
            }

            private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

            // No longer than a task can wait, which is 24 days.
            private static Task Pause(TimeSpan span, CancellationToken token) =>
                Task.Delay(span.TotalMilliseconds < int.MaxValue ? span : TimeSpan.FromMilliseconds(int.MaxValue), token);

            // What the program's own way to wait throws is what ends the call, as it is where the
            // library waits.
            private static void Sleep(WaitOptions options, TimeSpan span, CancellationToken token)
            {
                if (options.Sleep == null)
                {
                    WaitOptions.Wait(span, token);
                    return;
                }
                try
                {
                    options.Sleep(span);
                }
                catch (Exception e) when (!token.IsCancellationRequested)
                {
                    var ended = new CheckpointException(
                        ErrorCode.Cancelled, Reason.Callback, "the sleep callback stopped the wait");
                    throw ended.By(e);
                }
                catch (Exception e)
                {
                    throw new OperationCanceledException(e.Message, e, token);
                }
            }

            private void Tell(CheckpointException fault)
            {
                if (options.Fault == null)
                {
                    throw fault;
                }
                if (!told)
                {
                    told = true;
                    options.Fault(fault);
                }
            }

            // Looks once, without waiting.
            private string Look(byte[] known, CancellationToken token, out CheckpointException fault)
            {
                var once = new WaitOptions { Timeout = TimeSpan.Zero, Log = options.Log };
                Clock clock;
                using (WaitOptionsHandle made = once.Make(token, out clock))
                {
                    IntPtr path, e;
                    ErrorCode code = NativeMethods.ckpt_wait_for_new_checkpoint(directory, known, made, out path, out e);
                    fault = code == ErrorCode.DataLoss ? CheckpointException.Of(code, e) : null;
                    if (fault == null)
                    {
                        CheckWaited(code, e, clock, token);
                    }
                    return NativeResult.Text(path);
                }
            }
        }
    }
}
