#if NET8_0_OR_GREATER
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    public static partial class CheckpointFiles
    {
        /// <summary>
        /// Goes over the checkpoints of a directory as they appear, as <see cref="Watch"/> does; no
        /// thread waits. A state file that is faulty for a moment does not end it; one that stays
        /// so is told to <see cref="WaitOptions.Fault"/>, or fails with <see
        /// cref="ErrorCode.DataLoss"/> where there is none.
        /// </summary>
        /// <param name="directory">The directory, which need not be there yet.</param>
        /// <param name="options">How to wait; a time-out is the end. <see
        /// cref="WaitOptions.Clock"/> and <see cref="WaitOptions.Sleep"/> are not for
        /// this.</param>
        /// <param name="token">Ends the wait with an <see
        /// cref="System.OperationCanceledException"/>.</param>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.InvalidArgument"/> when a
        /// time of the options is negative.</exception>
        public static IAsyncEnumerable<string> WatchAsync(
            string directory, WaitOptions options = null, CancellationToken token = default)
        {
            byte[] watched = Utf8.Path(directory, "directory");
            WaitOptions.Check(options);
            return Stream(watched, options, token);
        }

        private static async IAsyncEnumerable<string> Stream(
            byte[] directory, WaitOptions options, [EnumeratorCancellation] CancellationToken token)
        {
            var looking = Looking.WithTasks(directory, options);
            string path = null;
            while ((path = await looking.Next(path, token).ConfigureAwait(false)) != null)
            {
                yield return path;
            }
        }
    }
}
#endif
