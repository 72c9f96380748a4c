using System;

namespace LibCheckpoint
{
    /// <summary>
    /// A tensor as it lies in its data file, mapped into memory. It outlives its reader. It does
    /// not change; several threads may use it at once.
    /// </summary>
    public sealed class View : IDisposable
    {
        private readonly ViewHandle handle;

        private readonly DType dtype;
        private readonly string key;

        internal View(ViewHandle handle, DType dtype, string key)
        {
            this.handle = handle;
            this.dtype = dtype;
            this.key = key;
        }

        /// <summary>The number of bytes.</summary>
        public long Length
        {
            get
            {
                using (handle.Hold())
                {
                    return NativeMethods.ckpt_view_bytes(handle).Length;
                }
            }
        }

        /// <summary>
        /// The largest power of two, up to 4096, that the address of the bytes is a multiple of.
        /// TensorFlow packs tensors without gaps, so it can be 1.
        /// </summary>
        public int Alignment => (int)NativeMethods.ckpt_view_alignment(handle);

        /// <summary>
        /// Lends the elements, without copying them, as memory and as a sequence: for code that
        /// outlives a call. <typeparamref name="T"/> has to be the type of the tensor, as for <see
        /// cref="SavedTensor.Read{T}"/>; <see cref="byte"/> stands for the bytes of any. The
        /// elements are not aligned to their size unless <see cref="Alignment"/> says so.
        /// </summary>
        /// <returns>The memory, to be disposed of, and not before the last use of a span of
        /// it.</returns>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.InvalidArgument"/> for
        /// another type.</exception>
        public ViewMemory<T> Lend<T>()
            where T : struct
        {
            if (typeof(T) != typeof(byte))
            {
                Elements.Check<T>(dtype, key);
            }
            using (handle.Hold())
            {
                return new ViewMemory<T>(handle, NativeMethods.ckpt_view_bytes(handle));
            }
        }

        /// <summary>Shows the bytes, row-major and little-endian, which can be used during the
        /// call. They are at most 2³¹ - 1: what <see
        /// cref="Lend{T}"/> gives can be more.</summary>
        public void Use(UseReadOnlyBytes use)
        {
            Required.Of(use, "use");
            using (ViewMemory<byte> bytes = Lend<byte>())
            {
                use(bytes.Memory.Span);
            }
        }

        /// <summary>Unmaps the bytes, when the last call that uses them is over.</summary>
        public void Dispose() => handle.Dispose();
    }
}
