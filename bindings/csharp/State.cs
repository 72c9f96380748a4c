using System;
using System.Collections;
using System.Collections.Generic;

namespace LibCheckpoint
{
    /// <summary>
    /// An object with state of its own that is saved as named tensors, whose number and shapes are
    /// known only then: a hash table, an iterator, a random number generator. Its methods must not
    /// use the graph; what they throw ends the call with <see cref="ErrorCode.Aborted"/>, and is
    /// the inner exception. (<c>_serialize_to_tensors</c> and <c>_restore_from_tensors</c> of
    /// TensorFlow's <c>Trackable</c>)
    /// </summary>
    public interface IState
    {
        /// <summary>Puts the tensors into a sink, in the order in which they are to be
        /// stored.</summary>
        void Save(Sink sink);

        /// <summary>Takes the tensors from a source, after all of them were read and
        /// checked.</summary>
        void Restore(Source source);
    }

    /// <summary>Takes the tensors of an object that is being saved. It can be used until the method
    /// that got it returns.</summary>
    public sealed class Sink
    {
        private readonly LentPointer lent;

        private Sink(IntPtr pointer)
        {
            lent = new LentPointer(pointer, "the sink is used after the save callback");
        }

        /// <summary>Puts a tensor; its values are copied.</summary>
        /// <param name="name">Which of the object's tensors it is; to a registered saver its
        /// key.</param>
        /// <param name="values">The elements, row-major.</param>
        /// <param name="shape">The dimensions; null for the one that the number of elements
        /// is.</param>
        public unsafe void Put<T>(string name, ReadOnlySpan<T> values, IReadOnlyList<long> shape)
            where T : struct
        {
            long[] dimensions = Elements.Dimensions(shape) ?? new long[] { values.Length };
            fixed (byte* first = &Elements.First(values))
            {
                Put(name, DTypes.Of<T>(), dimensions, (IntPtr)first, Elements.Size<T>(values.Length));
            }
        }

        /// <summary>Puts a tensor, as the other does.</summary>
        public void Put<T>(string name, T[] values)
            where T : struct => Put(name, values, null);

        /// <summary>Puts a tensor, as the other does.</summary>
        public void Put<T>(string name, T[] values, IReadOnlyList<long> shape)
            where T : struct => Put(name, new ReadOnlySpan<T>(Required.Of(values, "values")), shape);

        /// <summary>Puts a tensor without dimensions.</summary>
        public void PutScalar<T>(string name, T value)
            where T : struct => Put(name, new[] { value }, Array.Empty<long>());

        /// <summary>Puts a tensor of any fixed-size dtype, given as bytes in native
        /// order.</summary>
        public unsafe void PutBytes(string name, DType dtype, IReadOnlyList<long> shape, ReadOnlySpan<byte> data)
        {
            Required.Of(shape, "shape");
            fixed (byte* first = &Elements.First(data))
            {
                Put(name, dtype, Elements.Dimensions(shape), (IntPtr)first, data.Length);
            }
        }

        /// <summary>Puts a tensor without copying it: the values must stay as they are until the
        /// save is over.</summary>
        public void PutBorrowed<T>(string name, Memory<T> values, IReadOnlyList<long> shape)
            where T : struct
        {
            DType dtype = DTypes.Of<T>();
            byte[] bytes = Utf8.Encode(name);
            long[] dimensions = Elements.Dimensions(shape) ?? new long[] { values.Length };
            IntPtr sink = Pointer();
            IntPtr data;
            IntPtr kept = CallbackValue.Pin(values, out data);
            NativeMethods.ckpt_sink_put_borrowed(
                sink, bytes, dtype, dimensions, dimensions.Length, data, Elements.Size<T>(values.Length), kept, Callbacks.Release);
        }

        /// <summary>Puts an array without copying it, as the other does.</summary>
        public void PutBorrowed<T>(string name, T[] values)
            where T : struct => PutBorrowed(name, values, null);

        /// <summary>Puts an array without copying it, as the other does.</summary>
        public void PutBorrowed<T>(string name, T[] values, IReadOnlyList<long> shape)
            where T : struct => PutBorrowed(name, new Memory<T>(Required.Of(values, "values")), shape);

        /// <summary>Puts a tensor of a fixed-size dtype whose bytes are asked for while it is
        /// written, by several threads at once.</summary>
        public void PutRead(string name, DType dtype, IReadOnlyList<long> shape, ReadBytes read)
        {
            byte[] bytes = Utf8.Encode(name);
            long[] dimensions = Elements.Dimensions(Required.Of(shape, "shape"));
            Required.Of(read, "read");
            IntPtr sink = Pointer();
            NativeMethods.ckpt_sink_put_read(
                sink, bytes, dtype, dimensions, dimensions.Length, Callbacks.Read, CallbackValue.Give(read), Callbacks.Release);
        }

        /// <summary>Puts a string tensor.</summary>
        public void PutStrings(string name, IReadOnlyList<byte[]> values, IReadOnlyList<long> shape)
        {
            byte[] bytes = Utf8.Encode(name);
            using (var pins = new Pins())
            {
                Bytes[] elements = pins.Texts(values);
                long[] dimensions = Elements.Dimensions(shape) ?? new long[] { elements.Length };
                NativeMethods.ckpt_sink_put_strings(Pointer(), bytes, dimensions, dimensions.Length, elements, elements.Length);
            }
        }

        /// <summary>Puts a string tensor of texts, which are stored as UTF-8.</summary>
        public void PutStrings(string name, IReadOnlyList<string> values) => PutStrings(name, values, null);

        /// <summary>Puts a string tensor of texts, which are stored as UTF-8.</summary>
        public void PutStrings(string name, IReadOnlyList<string> values, IReadOnlyList<long> shape) =>
            PutStrings(name, Utf8.Encode(values), shape);

        /// <summary>Puts a variant tensor of serialized elements, as <see
        /// cref="SourceTensor.ReadStrings"/> gave them.</summary>
        public void PutVariants(string name, IReadOnlyList<byte[]> values, IReadOnlyList<long> shape = null)
        {
            byte[] bytes = Utf8.Encode(name);
            using (var pins = new Pins())
            {
                Bytes[] elements = pins.Texts(values);
                long[] dimensions = Elements.Dimensions(shape) ?? new long[] { elements.Length };
                NativeMethods.ckpt_sink_put_variants(Pointer(), bytes, dimensions, dimensions.Length, elements, elements.Length);
            }
        }

        /// <summary>Lends a sink for a callback.</summary>
        internal static void During(IntPtr pointer, Action<Sink> use)
        {
            var sink = new Sink(pointer);
            sink.lent.During(() => use(sink));
        }

        private IntPtr Pointer() => lent.Pointer();

        private void Put(string name, DType dtype, long[] shape, IntPtr data, long size)
        {
            byte[] bytes = Utf8.Encode(name);
            NativeMethods.ckpt_sink_put(Pointer(), bytes, dtype, shape, Elements.Rank(shape), data, size);
        }
    }

    /// <summary>
    /// The tensors that a checkpoint has for an object. It and its tensors can be used until the
    /// method that got it returns.
    /// </summary>
    public sealed class Source : IReadOnlyList<SourceTensor>
    {
        private readonly LentPointer lent;

        private Source(IntPtr pointer)
        {
            lent = new LentPointer(pointer, "the source is used after the restore callback");
        }

        /// <summary>How many tensors there are.</summary>
        public int Count => checked((int)NativeMethods.ckpt_source_count(Pointer()));

        /// <summary>The tensor at an index.</summary>
        public SourceTensor this[int index]
        {
            get
            {
                IntPtr tensor = index < 0 ? IntPtr.Zero : NativeMethods.ckpt_source_get(Pointer(), index);
                if (tensor == IntPtr.Zero)
                {
                    throw new ArgumentOutOfRangeException(nameof(index));
                }
                return new SourceTensor(this, tensor);
            }
        }

        /// <summary>The tensor of a name; null if there is none.</summary>
        public SourceTensor Find(string name)
        {
            byte[] bytes = Utf8.Encode(name);
            IntPtr tensor = NativeMethods.ckpt_source_find(Pointer(), bytes, bytes.Length);
            return tensor == IntPtr.Zero ? null : new SourceTensor(this, tensor);
        }

        /// <summary>The value of the tensor of a name.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.NotFound"/> if there is
        /// none.</exception>
        public T[] Read<T>(string name)
            where T : struct
        {
            SourceTensor tensor = Find(name);
            if (tensor == null)
            {
                throw new CheckpointException(
                    ErrorCode.NotFound, Reason.NoTensor, "the checkpoint has no tensor " + name + " for this object");
            }
            return tensor.Read<T>();
        }

        /// <summary>Goes over the tensors.</summary>
        public IEnumerator<SourceTensor> GetEnumerator()
        {
            int count = Count;
            for (int i = 0; i < count; i++)
            {
                yield return this[i];
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        /// <summary>Lends a source for a callback.</summary>
        internal static void During(IntPtr pointer, Action<Source> use)
        {
            var source = new Source(pointer);
            source.lent.During(() => use(source));
        }

        internal IntPtr Pointer() => lent.Pointer();
    }

    /// <summary>A tensor that a checkpoint has for an object.</summary>
    public sealed class SourceTensor
    {
        private readonly Source source;
        private readonly IntPtr pointer;

        internal SourceTensor(Source source, IntPtr pointer)
        {
            this.source = source;
            this.pointer = pointer;
            Name = NativeMethods.ckpt_source_tensor_name(pointer).Text;
            DType = NativeMethods.ckpt_source_tensor_dtype(pointer);
            Shape = Array.AsReadOnly(NativeResult.Shape(NativeMethods.ckpt_source_tensor_shape(pointer), NativeMethods.ckpt_source_tensor_rank(pointer)));
        }

        /// <summary>The name that the object gave the tensor; to a registered saver its
        /// key.</summary>
        public string Name { get; }

        /// <summary>The type of the elements.</summary>
        public DType DType { get; }

        /// <summary>The dimensions; none of a scalar.</summary>
        public IReadOnlyList<long> Shape { get; }

        /// <summary>The value of a tensor of a fixed-size dtype, which has to be that of
        /// <typeparamref name="T"/>.</summary>
        public T[] Read<T>()
            where T : struct
        {
            Elements.Check<T>(DType, Name);
            source.Pointer();
            T[] values = Elements.Room<T>((ulong)(NativeMethods.ckpt_source_tensor_bytes(pointer).Length / DType.Size()));
            ReadInto(new Span<T>(values));
            return values;
        }

        /// <summary>Copies the value into memory, which has exactly as many elements.</summary>
        public unsafe void ReadInto<T>(Span<T> values)
            where T : struct
        {
            Elements.Check<T>(DType, Name);
            source.Pointer();
            Bytes bytes = NativeMethods.ckpt_source_tensor_bytes(pointer);
            long size = Elements.Size<T>(values.Length);
            if (bytes.Length != size)
            {
                throw new ArgumentException("the value has " + bytes.Length + " bytes, there is room for " + size, nameof(values));
            }
            fixed (byte* first = &Elements.First(values))
            {
                Buffer.MemoryCopy((void*)bytes.Data, first, size, size);
            }
        }

        /// <summary>The value of a fixed-size dtype, whatever it is, as bytes in native
        /// order.</summary>
        public byte[] ReadBytes()
        {
            source.Pointer();
            return NativeMethods.ckpt_source_tensor_bytes(pointer).ToArray();
        }

        /// <summary>The elements of a string or variant tensor.</summary>
        public byte[][] ReadStrings()
        {
            source.Pointer();
            var strings = new byte[NativeMethods.ckpt_source_tensor_string_count(pointer)][];
            for (int i = 0; i < strings.Length; i++)
            {
                strings[i] = NativeMethods.ckpt_source_tensor_string(pointer, i).ToArray();
            }
            return strings;
        }

        /// <summary>The elements of a string tensor as text; bytes that are no UTF-8 are
        /// replaced.</summary>
        public string[] ReadText() => Array.ConvertAll(ReadStrings(), System.Text.Encoding.UTF8.GetString);
    }

    public sealed partial class Graph
    {
        /// <summary>Adds an object with state of its own.</summary>
        public Node AddState(IState state, NodeOptions options = null)
        {
            if (state == null)
            {
                throw new ArgumentNullException(nameof(state));
            }
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (handle.Hold())
            {
                Node node;
                NativeMethods.ckpt_graph_add_state(
                    handle, Callbacks.Save, Callbacks.Restore, CallbackValue.Give(state), Callbacks.Release, made, out node);
                return node;
            }
        }
    }
}
