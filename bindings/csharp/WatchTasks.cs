using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    public static partial class CheckpointFiles
    {
        /// <summary>
        /// Does what <see cref="WaitForNew"/> does; no thread waits. The directory is looked at from
        /// time to time, by the machine's clock: <see cref="WaitOptions.Clock"/> and <see
        /// cref="WaitOptions.Sleep"/> are those of waits that keep a thread.
        /// </summary>
        /// <returns>The path of the checkpoint; null when time ran out.</returns>
        public static Task<string> WaitForNewAsync(
            string directory, string last, WaitOptions options = null, CancellationToken token = default(CancellationToken)) =>
            new Looking(Utf8.Path(directory, "directory"), options).Next(last, token);

        /// <summary>Looks at a directory again and again.</summary>
        private sealed class Looking
        {
            // As long as the library takes a state file that cannot be used for one that is being
            // written.
            private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

            private readonly byte[] directory;
            private readonly WaitOptions options;
            private Stopwatch given;

            internal Looking(byte[] directory, WaitOptions options)
            {
                this.directory = directory;
                this.options = options ?? new WaitOptions();
            }

            /// <summary>The next checkpoint; null when time ran out.</summary>
            internal async Task<string> Next(string last, CancellationToken token)
            {
                if (given != null && options.MinInterval > given.Elapsed)
                {
                    await Pause(options.MinInterval.Value - given.Elapsed, token).ConfigureAwait(false);
                }
                TimeSpan poll = options.PollInterval ?? TimeSpan.FromSeconds(1);
                byte[] known = Utf8.PathOrNull(last);
                Stopwatch waited = Stopwatch.StartNew(), faulty = null;
                bool told = false;
                while (true)
                {
                    token.ThrowIfCancellationRequested();
                    CheckpointException fault;
                    string path = Look(known, token, out fault);
                    if (path != null)
                    {
                        given = Stopwatch.StartNew();
                        return path;
                    }
                    bool isOver = waited.Elapsed + poll > options.Timeout;
                    if (fault == null)
                    {
                        faulty = null;
                        told = false;
                        if (isOver)
                        {
                            return null;
                        }
                    }
                    else
                    {
                        if (faulty == null)
                        {
                            faulty = Stopwatch.StartNew();
                            options.Log?.Invoke(Severity.Warning, fault.Message + "; the state file may be being written: it is read again");
                        }
                        if (isOver || faulty.Elapsed >= Patience)
                        {
                            if (options.Fault == null)
                            {
                                throw fault;
                            }
                            if (!told)
                            {
                                options.Fault(fault);
                            }
                            told = true;
                            if (isOver)
                            {
                                return null;
                            }
                        }
                    }
                    await Pause(poll, token).ConfigureAwait(false);
                }
            }

            // No longer than a task can wait, which is 24 days.
            private static Task Pause(TimeSpan span, CancellationToken token) =>
                Task.Delay(span.TotalMilliseconds < int.MaxValue ? span : TimeSpan.FromMilliseconds(int.MaxValue), token);

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
