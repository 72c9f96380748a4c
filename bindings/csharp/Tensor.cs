using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>A tensor of an open checkpoint. It can be used until its reader is disposed
    /// of.</summary>
    public sealed partial class SavedTensor
    {
        private readonly ReaderHandle reader;
        private readonly IntPtr pointer;
        private readonly long[] shape;
        private string key;

        // The reader is held.
        internal SavedTensor(ReaderHandle reader, IntPtr pointer)
        {
            this.reader = reader;
            this.pointer = pointer;
            DType = NativeMethods.ckpt_tensor_dtype(pointer);
            shape = NativeResult.Shape(NativeMethods.ckpt_tensor_shape(pointer), NativeMethods.ckpt_tensor_rank(pointer));
        }

        /// <summary>The key. Bytes that are no UTF-8 are replaced; <see cref="KeyBytes"/> has
        /// them.</summary>
        public string Key => key ?? (key = Encoding.UTF8.GetString(KeyBytes()));

        /// <summary>The type of the elements.</summary>
        public DType DType { get; }

        /// <summary>The dimensions; none of a scalar.</summary>
        public IReadOnlyList<long> Shape => Array.AsReadOnly(shape);

        /// <summary>The number of elements.</summary>
        public long Count
        {
            get
            {
                using (reader.Hold())
                {
                    return (long)NativeMethods.ckpt_tensor_element_count(pointer);
                }
            }
        }

        /// <summary>The bytes of the value; of strings and variants those that are stored, or -1
        /// when that is not known without reading.</summary>
        public long ByteSize
        {
            get
            {
                using (reader.Hold())
                {
                    return NativeMethods.ckpt_tensor_byte_size(pointer);
                }
            }
        }

        /// <summary>The data file that holds the tensor; -1 of a partitioned tensor, and in a V1
        /// checkpoint.</summary>
        public long Shard
        {
            get
            {
                using (reader.Hold())
                {
                    return NativeMethods.ckpt_tensor_shard(pointer);
                }
            }
        }

        /// <summary>Where in the data file the tensor begins, in bytes; -1 of a partitioned tensor,
        /// and in a V1 checkpoint.</summary>
        public long Offset
        {
            get
            {
                using (reader.Hold())
                {
                    return NativeMethods.ckpt_tensor_offset(pointer);
                }
            }
        }

        /// <summary>The key as it is stored.</summary>
        public byte[] KeyBytes()
        {
            using (reader.Hold())
            {
                return NativeMethods.ckpt_tensor_key(pointer).ToArray();
            }
        }

        /// <summary>The slices in which a partitioned tensor is stored; none of a tensor stored
        /// whole.</summary>
        public Region[] Slices()
        {
            using (reader.Hold())
            {
                var slices = new Region[NativeMethods.ckpt_tensor_slice_count(pointer)];
                for (int i = 0; i < slices.Length; i++)
                {
                    slices[i] = new Region(shape.Length);
                    NativeMethods.ckpt_tensor_slice(pointer, i, slices[i].Starts, slices[i].Lengths);
                }
                return slices;
            }
        }

        /// <summary>
        /// Maps the value of a fixed-size tensor as it lies in its data file, without copying it.
        /// While the view is open nobody may truncate or rewrite the data file in place; replacing
        /// it by rename is harmless.
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.FailedPrecondition"/> for
        /// strings, partitioned tensors, V1 checkpoints and values of the other byte
        /// order.</exception>
        public View View(ReadOptions options = null, CancellationToken token = default(CancellationToken))
        {
            using (var call = new ReadCall(options, token))
            {
                ViewHandle view;
                IntPtr e;
                call.Check(NativeMethods.ckpt_reader_view(reader, pointer, call.Options, out view, out e), e);
                return new View(view, DType, Key);
            }
        }

        /// <summary>Key, type and shape.</summary>
        public override string ToString() => Key + " " + DType.Name() + " [" + string.Join(",", shape) + "]";

        internal IntPtr PointerIn(ReaderHandle expected)
        {
            if (reader != expected)
            {
                throw new ArgumentException("the tensor " + Key + " is of another reader");
            }
            return pointer;
        }
    }
}
