using System;
using System.Buffers;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>
    /// The elements of a mapped tensor as memory that cannot be written. They stay mapped until
    /// this is disposed of, also when their <see cref="View"/> is, and are not to be used after
    /// that. Several threads may use it at once.
    /// </summary>
    /// <remarks>
    /// A span keeps nothing alive. What nobody disposes of, and nobody knows any more, the garbage
    /// collector lets go of, though a span of it is still in use, which then is of memory that is
    /// not there: keep this in a <c>using</c> as long as its spans are used. Memory and sequences
    /// know it, and so does what is pinned.
    /// </remarks>
    public sealed class ViewMemory<T> : IDisposable
        where T : struct
    {
        private readonly Lease lease;
        private readonly IntPtr data;

        // The view is held.
        internal ViewMemory(ViewHandle view, Bytes bytes)
        {
            data = bytes.Data;
            Length = bytes.Length / Elements<T>.Size;
            lease = new Lease(view);
        }

        /// <summary>The number of elements.</summary>
        public long Length { get; }

        /// <summary>All of them.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.ResourceExhausted"/> with
        /// <see cref="Reason.Limit"/> when they are more than memory of .NET can have, 2³¹ - 1:
        /// <see cref="Sequence"/> has any number.</exception>
        public ReadOnlyMemory<T> Memory
        {
            get
            {
                if (Length > int.MaxValue)
                {
                    throw new CheckpointException(
                        ErrorCode.ResourceExhausted, Reason.Limit,
                        "the view has " + Length + " elements, and memory of .NET at most "
                        + int.MaxValue + ": use its sequence");
                }
                return Piece(0, (int)Length);
            }
        }

        /// <summary>All of them, however many, in pieces.</summary>
        /// <param name="piece">The most elements of a piece.</param>
        public ReadOnlySequence<T> Sequence(int piece = 1 << 28)
        {
            if (piece <= 0)
            {
                throw new ArgumentOutOfRangeException(nameof(piece), piece, "it is not positive");
            }
            var first = new Segment(Piece(0, (int)Math.Min(piece, Length)), 0);
            Segment last = first;
            for (long start = piece; start < Length; start += piece)
            {
                last = last.Append(Piece(start, (int)Math.Min(piece, Length - start)), start);
            }
            return new ReadOnlySequence<T>(first, 0, last, last.Memory.Length);
        }

        /// <summary>Lets go of the elements.</summary>
        public void Dispose() => lease.Dispose();

        private ReadOnlyMemory<T> Piece(long start, int length)
        {
            lease.Check();
            return new Mapped(lease, new IntPtr(data.ToInt64() + start * Elements<T>.Size), length).Memory;
        }

        private sealed class Segment : ReadOnlySequenceSegment<T>
        {
            internal Segment(ReadOnlyMemory<T> memory, long start)
            {
                Memory = memory;
                RunningIndex = start;
            }

            internal Segment Append(ReadOnlyMemory<T> memory, long start)
            {
                var next = new Segment(memory, start);
                Next = next;
                return next;
            }
        }

        private sealed class Mapped : MemoryManager<T>
        {
            private readonly Lease lease;
            private readonly IntPtr data;
            private readonly int length;

            internal Mapped(Lease lease, IntPtr data, int length)
            {
                this.lease = lease;
                this.data = data;
                this.length = length;
            }

            public override unsafe Span<T> GetSpan()
            {
                lease.Check();
                return new Span<T>((void*)data, length);
            }

            public override unsafe MemoryHandle Pin(int elementIndex = 0)
            {
                if (elementIndex < 0 || elementIndex > length)
                {
                    throw new ArgumentOutOfRangeException(nameof(elementIndex));
                }
                lease.Keep();
                return new MemoryHandle(
                    (byte*)data + (long)elementIndex * Elements<T>.Size, default(System.Runtime.InteropServices.GCHandle), this);
            }

            public override void Unpin() => lease.Release();

            protected override void Dispose(bool disposing)
            {
                // The lease is the view memory's.
            }
        }

        /// <summary>Keeps a view mapped until it is disposed of, or nobody knows it any more; a
        /// span does not know it.</summary>
        private sealed class Lease : IDisposable
        {
            private readonly ViewHandle view;
            private int ended;

            internal Lease(ViewHandle view)
            {
                this.view = view;
                Keep();
            }

            ~Lease()
            {
                End();
            }

            public void Dispose()
            {
                End();
                GC.SuppressFinalize(this);
            }

            internal void Check()
            {
                if (Volatile.Read(ref ended) != 0)
                {
                    throw new ObjectDisposedException(typeof(ViewMemory<T>).FullName);
                }
            }

            internal void Keep()
            {
                Check();
                bool added = false;
                view.DangerousAddRef(ref added);
            }

            internal void Release() => view.DangerousRelease();

            private void End()
            {
                if (Interlocked.Exchange(ref ended, 1) == 0)
                {
                    Release();
                }
            }
        }
    }
}
