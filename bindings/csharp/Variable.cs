using System;
using System.Collections.Generic;

namespace LibCheckpoint
{
    public sealed partial class Graph
    {
        /// <summary>
        /// Adds a variable whose value is the program's memory: it is saved from there and restored
        /// into it, in place. The library uses it during calls that reach the graph, and never in
        /// between. It stays where it is until nothing can touch it any more.
        /// </summary>
        /// <param name="values">The elements, row-major.</param>
        /// <param name="shape">The dimensions; null for the one that the number of elements
        /// is.</param>
        /// <param name="options">More about it.</param>
        public Node AddVariable<T>(Memory<T> values, IReadOnlyList<long> shape, NodeOptions options)
            where T : struct
        {
            DType dtype = DTypes.Of<T>();
            long[] dimensions = Elements.Dimensions(shape) ?? new long[] { values.Length };
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (handle.Hold())
            {
                IntPtr data;
                IntPtr kept = CallbackValue.Pin(values, out data);
                Node node;
                NativeMethods.ckpt_graph_add_borrowed(
                    handle, dtype, dimensions, dimensions.Length, data, Elements.Size<T>(values.Length), kept, Callbacks.Release, made, out node);
                return node;
            }
        }

        /// <summary>Adds a variable whose value is the program's array, as the other
        /// does.</summary>
        public Node AddVariable<T>(T[] values)
            where T : struct => AddVariable(values, null, null);

        /// <summary>Adds a variable whose value is the program's array, as the other
        /// does.</summary>
        public Node AddVariable<T>(T[] values, IReadOnlyList<long> shape)
            where T : struct => AddVariable(values, shape, null);

        /// <summary>Adds a variable whose value is the program's array, as the other
        /// does.</summary>
        public Node AddVariable<T>(T[] values, IReadOnlyList<long> shape, NodeOptions options)
            where T : struct => AddVariable(new Memory<T>(Required.Of(values, "values")), shape, options);

        /// <summary>Adds a variable without dimensions, whose value is the one element of the
        /// program's array.</summary>
        public Node AddScalar<T>(T[] value)
            where T : struct => AddScalar(value, null);

        /// <summary>Adds a variable without dimensions, as the other does.</summary>
        public Node AddScalar<T>(T[] value, NodeOptions options)
            where T : struct => AddVariable(new Memory<T>(Required.Of(value, "value")), Array.Empty<long>(), options);

        /// <summary>Adds a variable without dimensions whose value is a number of the
        /// program's.</summary>
        public Node AddScalar<T>(Scalar<T> value)
            where T : struct => AddScalar(value, null);

        /// <summary>Adds a variable without dimensions whose value is a number of the
        /// program's.</summary>
        public Node AddScalar<T>(Scalar<T> value, NodeOptions options)
            where T : struct => Borrow(((IScalar)Required.Of(value, "value")).Memory, Array.Empty<long>(), options);

        /// <summary>Adds a variable whose value is an array of any rank, whose shape is the
        /// array's.</summary>
        public Node AddArray(Array values, NodeOptions options = null)
        {
            if (values == null)
            {
                throw new ArgumentNullException(nameof(values));
            }
            return Borrow(values, ShapeOf(values), options);
        }

        /// <summary>Adds a variable of any fixed-size dtype whose value is the program's bytes, in
        /// native order.</summary>
        public Node AddBytes(Memory<byte> values, DType dtype, IReadOnlyList<long> shape, NodeOptions options = null)
        {
            long[] dimensions = Elements.Dimensions(Required.Of(shape, "shape"));
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (handle.Hold())
            {
                IntPtr data;
                IntPtr kept = CallbackValue.Pin(values, out data);
                Node node;
                NativeMethods.ckpt_graph_add_borrowed(
                    handle, dtype, dimensions, dimensions.Length, data, values.Length, kept, Callbacks.Release, made, out node);
                return node;
            }
        }

        /// <summary>Replaces the memory that a variable of <see cref="AddVariable{T}(T[],
        /// IReadOnlyList{long}, NodeOptions)"/> is saved from and restored into by other of the
        /// same size. The old memory is the program's again.</summary>
        public void SetMemory<T>(Node variable, Memory<T> values)
            where T : struct
        {
            Elements.Check<T>(Describe(variable).DType);
            long size = Elements.Size<T>(values.Length);
            using (handle.Hold())
            {
                IntPtr data;
                IntPtr kept = CallbackValue.Pin(values, out data);
                NativeMethods.ckpt_graph_set_borrowed(handle, variable, data, size, kept, Callbacks.Release);
            }
        }

        /// <summary>Replaces the memory of a variable by an array, as the other does.</summary>
        public void SetMemory<T>(Node variable, T[] values)
            where T : struct => SetMemory(variable, new Memory<T>(Required.Of(values, "values")));

        /// <summary>Adds a variable whose memory is the graph's. The values are copied.</summary>
        /// <param name="values">The elements, row-major.</param>
        /// <param name="shape">The dimensions; null for the one that the number of elements
        /// is.</param>
        /// <param name="options">More about it.</param>
        public unsafe Node AddOwned<T>(ReadOnlySpan<T> values, IReadOnlyList<long> shape, NodeOptions options)
            where T : struct
        {
            long[] dimensions = Elements.Dimensions(shape) ?? new long[] { values.Length };
            fixed (byte* first = &Elements.First(values))
            {
                return AddOwned(DTypes.Of<T>(), dimensions, (IntPtr)first, Elements.Size<T>(values.Length), options);
            }
        }

        /// <summary>Adds a variable whose memory is the graph's, as the other does.</summary>
        public Node AddOwned<T>(T[] values)
            where T : struct => AddOwned(values, null, null);

        /// <summary>Adds a variable whose memory is the graph's, as the other does.</summary>
        public Node AddOwned<T>(T[] values, IReadOnlyList<long> shape)
            where T : struct => AddOwned(values, shape, null);

        /// <summary>Adds a variable whose memory is the graph's, as the other does.</summary>
        public Node AddOwned<T>(T[] values, IReadOnlyList<long> shape, NodeOptions options)
            where T : struct => AddOwned(new ReadOnlySpan<T>(Required.Of(values, "values")), shape, options);

        /// <summary>Adds a variable of any fixed-size dtype whose memory is the graph's; its value
        /// is zeros.</summary>
        public Node AddZeros(DType dtype, IReadOnlyList<long> shape, NodeOptions options = null) =>
            AddOwned(dtype, Elements.Dimensions(Required.Of(shape, "shape")), IntPtr.Zero, 0, options);

        /// <summary>
        /// Adds a variable that has no value before it is restored or assigned, and takes its shape
        /// from that (restore on create).
        /// </summary>
        /// <param name="dtype"><see cref="DType.Invalid"/> for whatever the checkpoint has.</param>
        /// <param name="shape">What shapes it takes, -1 for a dimension that may be anything; null
        /// for any shape at all.</param>
        /// <param name="options">More about it.</param>
        public Node AddWithoutValue(DType dtype, IReadOnlyList<long> shape, NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                long[] dimensions = Elements.Dimensions(shape);
                int rank = dimensions == null ? -1 : dimensions.Length;
                NativeMethods.ckpt_graph_add_without_value(handle, dtype, dimensions, rank, made, out node);
                return node;
            }
        }

        /// <summary>Adds a string variable, whose elements are copied.</summary>
        public Node AddStrings(IReadOnlyList<byte[]> values, IReadOnlyList<long> shape, NodeOptions options)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (var pins = new Pins())
            {
                Bytes[] elements = pins.Texts(values);
                long[] dimensions = Elements.Dimensions(shape) ?? new long[] { elements.Length };
                Node node;
                NativeMethods.ckpt_graph_add_strings(handle, dimensions, dimensions.Length, elements, elements.Length, made, out node);
                return node;
            }
        }

        /// <summary>Adds a string variable of texts, which are stored as UTF-8.</summary>
        public Node AddStrings(IReadOnlyList<string> values) => AddStrings(values, null, null);

        /// <summary>Adds a string variable of texts, which are stored as UTF-8.</summary>
        public Node AddStrings(IReadOnlyList<string> values, IReadOnlyList<long> shape, NodeOptions options) =>
            AddStrings(Utf8.Encode(values), shape, options);

        /// <summary>Copies the value of a variable, wherever it is.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.FailedPrecondition"/> when it
        /// has none yet.</exception>
        public T[] Value<T>(Node variable)
            where T : struct
        {
            IReadOnlyList<long> shape = Describe(variable).Shape;
            T[] values = Elements.Room<T>(shape == null ? 0 : (ulong)Elements.Count(shape));
            ReadInto(variable, new Span<T>(values));
            return values;
        }

        /// <summary>Copies the value of a variable, wherever it is, into memory of exactly its
        /// size.</summary>
        public unsafe void ReadInto<T>(Node variable, Span<T> values)
            where T : struct
        {
            DType dtype = Describe(variable).DType;
            if (dtype != DType.Invalid)
            {
                Elements.Check<T>(dtype);
            }
            fixed (byte* first = &Elements.First(values))
            {
                Read(variable, (IntPtr)first, Elements.Size<T>(values.Length));
            }
        }

        /// <summary>Copies the value of a variable of any fixed-size dtype, in native order, into a
        /// buffer of exactly its size.</summary>
        public unsafe void ReadBytes(Node variable, Span<byte> buffer)
        {
            fixed (byte* first = &Elements.First(buffer))
            {
                Read(variable, (IntPtr)first, buffer.Length);
            }
        }

        /// <summary>Gives a variable, wherever it is, a value of its type and shape. One without a
        /// value takes them from this.</summary>
        /// <param name="variable">The variable.</param>
        /// <param name="values">The elements, row-major.</param>
        /// <param name="shape">The dimensions; null for the one that the number of elements
        /// is.</param>
        public unsafe void Assign<T>(Node variable, ReadOnlySpan<T> values, IReadOnlyList<long> shape)
            where T : struct
        {
            long[] dimensions = Elements.Dimensions(shape) ?? new long[] { values.Length };
            fixed (byte* first = &Elements.First(values))
            {
                Assign(variable, DTypes.Of<T>(), dimensions, (IntPtr)first, Elements.Size<T>(values.Length));
            }
        }

        /// <summary>Gives a variable a value, as the other does.</summary>
        public void Assign<T>(Node variable, T[] values)
            where T : struct => Assign(variable, values, null);

        /// <summary>Gives a variable a value, as the other does.</summary>
        public void Assign<T>(Node variable, T[] values, IReadOnlyList<long> shape)
            where T : struct => Assign(variable, new ReadOnlySpan<T>(Required.Of(values, "values")), shape);

        /// <summary>Gives a variable of any fixed-size dtype a value, given as bytes in native
        /// order.</summary>
        public unsafe void AssignBytes(Node variable, DType dtype, IReadOnlyList<long> shape, ReadOnlySpan<byte> values)
        {
            Required.Of(shape, "shape");
            fixed (byte* first = &Elements.First(values))
            {
                Assign(variable, dtype, Elements.Dimensions(shape), (IntPtr)first, values.Length);
            }
        }

        /// <summary>
        /// Shows the memory of a variable, owned or borrowed, in native order, to be read and
        /// changed during the call, in which nobody may call the graph otherwise.
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.FailedPrecondition"/> when
        /// the variable has no value yet, or has it on a device.</exception>
        public unsafe void Use(Node variable, UseBytes use)
        {
            Required.Of(use, "use");
            using (handle.Hold())
            {
                IntPtr data;
                long size;
                NativeMethods.ckpt_graph_data(handle, variable, out data, out size);
                use(new Span<byte>((void*)data, checked((int)size)));
            }
        }

        /// <summary>The elements of a string variable; of a text, the one.</summary>
        public byte[][] ReadStrings(Node node)
        {
            IntPtr strings;
            NativeMethods.ckpt_graph_read_strings(handle, node, out strings);
            return NativeResult.Strings(strings);
        }

        /// <summary>The string of a text; bytes that are no UTF-8 are replaced.</summary>
        public string ReadText(Node text) => System.Text.Encoding.UTF8.GetString(ReadStrings(text)[0]);

        /// <summary>Gives a string variable a value, or a text (whose shape has no
        /// dimensions).</summary>
        public void AssignStrings(Node node, IReadOnlyList<byte[]> values, IReadOnlyList<long> shape)
        {
            using (var pins = new Pins())
            {
                Bytes[] elements = pins.Texts(values);
                long[] dimensions = Elements.Dimensions(shape) ?? new long[] { elements.Length };
                NativeMethods.ckpt_graph_assign_strings(handle, node, dimensions, dimensions.Length, elements, elements.Length);
            }
        }

        /// <summary>Gives a string variable, or a text, a value of texts, which are stored as
        /// UTF-8.</summary>
        public void AssignStrings(Node node, IReadOnlyList<string> values) => AssignStrings(node, values, null);

        /// <summary>Gives a string variable texts, which are stored as UTF-8.</summary>
        public void AssignStrings(Node node, IReadOnlyList<string> values, IReadOnlyList<long> shape) =>
            AssignStrings(node, Utf8.Encode(values), shape);

        /// <summary>Whether a restore has assigned a value to an object: a variable, state or text.
        /// A program that initializes what it adds after a restore asks this first.</summary>
        public bool WasRestored(Node node)
        {
            bool restored;
            NativeMethods.ckpt_graph_was_restored(handle, node, out restored);
            return restored;
        }

        /// <summary>The value of an integer scalar of any integer dtype: a step, a
        /// counter.</summary>
        public long ReadInteger(Node variable)
        {
            long value;
            NativeMethods.ckpt_graph_read_integer(handle, variable, out value);
            return value;
        }

        internal static long[] ShapeOf(Array values)
        {
            var shape = new long[values.Rank];
            for (int i = 0; i < shape.Length; i++)
            {
                shape[i] = values.GetLongLength(i);
            }
            return shape;
        }

        /// <summary>Gives a variable other memory of the same size.</summary>
        internal void SetBorrowed(Node variable, Array values)
        {
            using (handle.Hold())
            {
                IntPtr data;
                IntPtr kept = CallbackValue.Pin(values, out data);
                long size = values.LongLength * Elements.Known[values.GetType().GetElementType()].Size();
                NativeMethods.ckpt_graph_set_borrowed(handle, variable, data, size, kept, Callbacks.Release);
            }
        }

        private Node Borrow(Array values, long[] shape, NodeOptions options)
        {
            DType dtype = Elements.DTypeOf(values);
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (handle.Hold())
            {
                IntPtr data;
                IntPtr kept = CallbackValue.Pin(values, out data);
                Node node;
                NativeMethods.ckpt_graph_add_borrowed(
                    handle, dtype, shape, shape.Length, data, values.LongLength * dtype.Size(), kept, Callbacks.Release, made, out node);
                return node;
            }
        }

        private void Read(Node variable, IntPtr data, long size)
        {
            NativeMethods.ckpt_graph_read(handle, variable, data, size);
        }

        private Node AddOwned(DType dtype, long[] shape, IntPtr data, long size, NodeOptions options)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                NativeMethods.ckpt_graph_add_owned(handle, dtype, shape, Elements.Rank(shape), data, size, made, out node);
                return node;
            }
        }

        private void Assign(Node variable, DType dtype, long[] shape, IntPtr data, long size)
        {
            NativeMethods.ckpt_graph_assign(handle, variable, dtype, shape, Elements.Rank(shape), data, size);
        }
    }
}
