#if NET8_0_OR_GREATER
using System;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    public sealed partial class Checkpoint : IAsyncDisposable
    {
        /// <summary>Does what <see cref="Dispose"/> does when no save or restore of this checkpoint
        /// is running in the background; no thread waits for that. How they ended is said by their
        /// tasks.</summary>
        public async ValueTask DisposeAsync()
        {
            await Running.Over(CancellationToken.None).ConfigureAwait(false);
            Dispose();
        }
    }

    public sealed partial class Manager : IAsyncDisposable
    {
        /// <summary>Does what <see cref="Dispose"/> does when no save or restore of the manager's
        /// checkpoint is running in the background; no thread waits for that. How they ended is
        /// said by their tasks.</summary>
        public async ValueTask DisposeAsync()
        {
            await running.Over(CancellationToken.None).ConfigureAwait(false);
            Dispose();
        }
    }

    public sealed partial class Pending : IAsyncDisposable
    {
        /// <summary>Lets go of the save when it is over; no thread waits for that. Its error counts
        /// as not reported, unless somebody has asked for it.</summary>
        public async ValueTask DisposeAsync()
        {
            await Completion.ConfigureAwait(false);
            Dispose();
        }
    }
}
#endif
