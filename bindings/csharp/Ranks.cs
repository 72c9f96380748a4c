using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace LibCheckpoint
{
    /// <summary>
    /// The processes that save a checkpoint together, as one of them sees them, over MPI for
    /// instance. Rank 0 merges and publishes what all have written.
    /// </summary>
    /// <remarks>All of them make the same calls in the same order. The methods are called on the
    /// thread that saves, and must not use the graph; how long to wait for the others is theirs to
    /// say. What one throws ends the save on this rank with <see cref="ErrorCode.Unavailable"/>,
    /// and is the <see cref="Exception.InnerException"/>.</remarks>
    public interface IRanks
    {
        /// <summary>The own one, from 0 on.</summary>
        int Rank { get; }

        /// <summary>How many there are.</summary>
        int Count { get; }

        /// <summary>Sends a message to rank 0. There it gives those of all ranks in their order,
        /// null for one that did not come in time; what the others give is not looked at.</summary>
        IReadOnlyList<byte[]> Gather(byte[] message);

        /// <summary>Gives everybody the message of rank 0; that of the others is empty.</summary>
        byte[] Broadcast(byte[] message);
    }

    /// <summary>The program's ranks, as the library calls them.</summary>
    internal sealed class RankCallbacks
    {
        private readonly IRanks ranks;
        private readonly uint own;

        private RankCallbacks(IRanks ranks, uint own)
        {
            this.ranks = ranks;
            this.own = own;
        }

        internal static RanksHandle Make(IRanks ranks)
        {
            if (ranks == null)
            {
                throw new ArgumentNullException(nameof(ranks));
            }
            int own = ranks.Rank, count = ranks.Count;
            if (own < 0 || own >= count)
            {
                throw new ArgumentException("there is no rank " + own + " of " + count, nameof(ranks));
            }
            RanksHandle made;
            NativeMethods.ckpt_ranks_new(
                (uint)own, (uint)count, Callbacks.Gather, Callbacks.Broadcast, CallbackValue.Give(new RankCallbacks(ranks, (uint)own)), Callbacks.Release, out made);
            return made;
        }

        internal void Gather(IntPtr message, long size, IntPtr messages)
        {
            IReadOnlyList<byte[]> all = ranks.Gather(Copy(message, size));
            if (own != 0)
            {
                return;
            }
            if (all == null)
            {
                throw new InvalidOperationException("Gather gave null on rank 0");
            }
            for (int rank = 0; rank < all.Count; rank++)
            {
                if (all[rank] != null)
                {
                    Put(messages, (uint)rank, all[rank]);
                }
            }
        }

        internal void Broadcast(IntPtr message, long size, IntPtr messages)
        {
            byte[] told = ranks.Broadcast(Copy(message, size));
            if (own == 0)
            {
                return;
            }
            if (told == null)
            {
                throw new InvalidOperationException("Broadcast gave null");
            }
            Put(messages, 0, told);
        }

        private static byte[] Copy(IntPtr message, long size)
        {
            var copy = new byte[size];
            if (size > 0)
            {
                Marshal.Copy(message, copy, 0, copy.Length);
            }
            return copy;
        }

        private static unsafe void Put(IntPtr messages, uint rank, byte[] message)
        {
            fixed (byte* bytes = message)
            {
                NativeMethods.ckpt_messages_put(messages, rank, (IntPtr)bytes, message.Length);
            }
        }
    }
}
