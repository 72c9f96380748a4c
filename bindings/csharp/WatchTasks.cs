using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    public static partial class CheckpointFiles
    {
        /// <summary>
        /// Does what <see cref="WaitForNew"/> does; no thread waits. The directory is looked at
        /// from time to time, at most once in a millisecond, by the machine's clock: <see
        /// cref="WaitOptions.Clock"/> and <see cref="WaitOptions.Sleep"/> are those of waits that
        /// keep a thread.
        /// </summary>
        /// <returns>The path of the checkpoint; null when time ran out.</returns>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.InvalidArgument"/> when a
        /// time of the options is negative; that is thrown before there is a task.</exception>
        public static Task<string> WaitForNewAsync(
            string directory, string last, WaitOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] watched = Utf8.Path(directory, "directory");
            WaitOptions.Check(options);
            return Looking.WithTasks(watched, options).Next(last, token);
        }
    }
}
