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

        internal View(ViewHandle handle)
        {
            this.handle = handle;
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

        /// <summary>Shows the bytes, row-major and little-endian, which can be used during the
        /// call.</summary>
        public unsafe void Use(UseReadOnlyBytes use)
        {
            Required.Of(use, "use");
            Use((IntPtr bytes, long length) => use(new ReadOnlySpan<byte>((void*)bytes, checked((int)length))));
        }

        /// <summary>The same of values of any size: shows where the bytes are and how
        /// many.</summary>
        public void Use(Action<IntPtr, long> use)
        {
            Required.Of(use, "use");
            using (handle.Hold())
            {
                Bytes bytes = NativeMethods.ckpt_view_bytes(handle);
                use(bytes.Data, bytes.Length);
            }
        }

        /// <summary>Unmaps the bytes, when the last call that uses them is over.</summary>
        public void Dispose() => handle.Dispose();
    }
}
