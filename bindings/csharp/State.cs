using System;
using System.Collections;
using System.Collections.Generic;

namespace LibCheckpoint
{
    /// <summary>
    /// An object with state of its own that is saved as named tensors, whose number and shapes are known only then: a hash table, an
    /// iterator, a random number generator. Its methods must not use the graph; what they throw ends the call with
    /// <see cref="ErrorCode.Aborted"/>, and is the inner exception. (<c>_serialize_to_tensors</c> and <c>_restore_from_tensors</c> of
    /// TensorFlow's <c>Trackable</c>)
    /// </summary>
    public interface IState
    {
        /// <summary>Puts the tensors into a sink, in the order in which they are to be stored.</summary>
        void Save(Sink sink);

        /// <summary>Takes the tensors from a source, after all of them were read and checked.</summary>
        void Restore(Source source);
    }

    /// <summary>
    /// Saves objects in its own way (<c>tf.train.experimental.register_checkpoint_saver</c>). Objects come with the paths under which they
    /// are saved; the names of tensors in sinks and sources are their keys. Its methods must not use the graph.
    /// </summary>
    public interface IObjectSaver
    {
        /// <summary>Whether it saves this object.</summary>
        bool Accepts(Node node);

        /// <summary>Puts the tensors of objects into a sink.</summary>
        void Save(IReadOnlyList<Edge> objects, Sink sink);

        /// <summary>Whether it needs the tensor of this key to restore objects.</summary>
        bool Wants(IReadOnlyList<Edge> objects, string key);

        /// <summary>Restores objects from the tensors that it wanted.</summary>
        void Restore(IReadOnlyList<Edge> objects, Source source);
    }

    /// <summary>
    /// How the library gets at a value that lives where the processor cannot reach it: on an accelerator, or in another process. What one of
    /// these throws ends the call with <see cref="ErrorCode.Aborted"/>, and is the inner exception.
    /// </summary>
    public sealed class Device
    {
        /// <summary>Reads the value. A variable cannot be added without it. It is called by the threads that write.</summary>
        public ReadBytes Read { get; set; }

        /// <summary>Whether <see cref="Read"/> may be called by several threads at once.</summary>
        public bool Concurrent { get; set; }

        /// <summary>Writes the value: each byte comes once. Without it the variable can only be saved.</summary>
        public WriteBytes Write { get; set; }

        /// <summary>
        /// Says what shape the value has now; null when there is no value yet. Without it, it is the shape that the variable was added with or
        /// that of the value that was written last.
        /// </summary>
        public Func<long[]> Describe { get; set; }

        /// <summary>Hears of what type and shape a value is that is about to be written.</summary>
        public Action<DType, long[]> Prepare { get; set; }

        /// <summary>Hears that a value was written; whether all bytes came and their checksum was right.</summary>
        public Action<bool> Finish { get; set; }

        internal static DeviceHandle Make(Device device, Causes causes)
        {
            if (device == null)
            {
                throw new ArgumentNullException("device");
            }
            // As it is now: what is set later is of no concern.
            var kept = (Device)device.MemberwiseClone();
            return LibCheckpoint.Make.With(NativeMethods.ckpt_device_new(Kept.Give(kept, causes), Callbacks.Release), kept.Set);
        }

        private void Set(DeviceHandle made)
        {
            IntPtr e;
            if (Read != null)
            {
                CheckpointException.Check(NativeMethods.ckpt_device_set_read(made, Callbacks.DeviceRead, Concurrent, out e), e);
            }
            if (Write != null)
            {
                CheckpointException.Check(NativeMethods.ckpt_device_set_write(made, Callbacks.WriteAt, out e), e);
            }
            if (Describe != null)
            {
                CheckpointException.Check(NativeMethods.ckpt_device_set_describe(made, Callbacks.Describe, out e), e);
            }
            if (Prepare != null)
            {
                CheckpointException.Check(NativeMethods.ckpt_device_set_prepare(made, Callbacks.Prepare, out e), e);
            }
            if (Finish != null)
            {
                CheckpointException.Check(NativeMethods.ckpt_device_set_finish(made, Callbacks.Finish, out e), e);
            }
        }
    }

    /// <summary>A pointer that the library lends for the time of a callback.</summary>
    internal sealed class Lent
    {
        private readonly string late;
        private IntPtr pointer;

        /// <param name="pointer">What is lent.</param>
        /// <param name="late">What is said to who uses it later.</param>
        internal Lent(IntPtr pointer, string late)
        {
            this.pointer = pointer;
            this.late = late;
        }

        internal IntPtr Pointer()
        {
            if (pointer == IntPtr.Zero)
            {
                throw new InvalidOperationException(late);
            }
            return pointer;
        }

        internal void During(Action use)
        {
            try
            {
                use();
            }
            finally
            {
                pointer = IntPtr.Zero;
            }
        }
    }

    /// <summary>Takes the tensors of an object that is being saved. It can be used until the method that got it returns.</summary>
    public sealed class Sink
    {
        private readonly Causes causes;
        private readonly Lent lent;

        private Sink(IntPtr pointer, Causes causes)
        {
            lent = new Lent(pointer, "the sink is used after the save callback");
            this.causes = causes;
        }

        /// <summary>Puts a tensor; its values are copied.</summary>
        /// <param name="name">Which of the object's tensors it is; to a registered saver its key.</param>
        /// <param name="values">The elements, row-major.</param>
        /// <param name="shape">The dimensions; null for the one that the number of elements is.</param>
        public unsafe void Put<T>(string name, ReadOnlySpan<T> values, long[] shape = null)
            where T : struct
        {
            shape = shape ?? new long[] { values.Length };
            fixed (byte* first = &Elements.First(values))
            {
                Put(name, DTypes.Of<T>(), shape, (IntPtr)first, Elements.Size<T>(values.Length));
            }
        }

        /// <summary>Puts a tensor, as the other does.</summary>
        public void Put<T>(string name, T[] values, long[] shape = null)
            where T : struct => Put(name, new ReadOnlySpan<T>(values), shape);

        /// <summary>Puts a tensor without dimensions.</summary>
        public void PutScalar<T>(string name, T value)
            where T : struct => Put(name, new[] { value }, new long[0]);

        /// <summary>Puts a tensor of any fixed-size dtype, given as bytes in native order.</summary>
        public unsafe void PutBytes(string name, DType dtype, long[] shape, ReadOnlySpan<byte> data)
        {
            fixed (byte* first = &Elements.First(data))
            {
                Put(name, dtype, shape, (IntPtr)first, data.Length);
            }
        }

        /// <summary>Puts a tensor without copying it: the values must stay as they are until the save is over.</summary>
        public void PutBorrowed<T>(string name, Memory<T> values, long[] shape = null)
            where T : struct
        {
            DType dtype = DTypes.Of<T>();
            byte[] bytes = Utf8.Encode(name);
            shape = shape ?? new long[] { values.Length };
            IntPtr sink = Pointer();
            IntPtr data, e;
            IntPtr kept = Kept.Pin(values, out data);
            CheckpointException.Check(
                NativeMethods.ckpt_sink_put_borrowed(
                    sink, bytes, bytes.Length, dtype, shape, shape.Length, data, Elements.Size<T>(values.Length), kept,
                    Callbacks.Release, out e),
                e);
        }

        /// <summary>Puts an array without copying it, as the other does.</summary>
        public void PutBorrowed<T>(string name, T[] values, long[] shape = null)
            where T : struct => PutBorrowed(name, new Memory<T>(values), shape);

        /// <summary>Puts a tensor of a fixed-size dtype whose bytes are asked for while it is written, by several threads at once.</summary>
        public void PutRead(string name, DType dtype, long[] shape, ReadBytes read)
        {
            byte[] bytes = Utf8.Encode(name);
            if (read == null)
            {
                throw new ArgumentNullException("read");
            }
            IntPtr sink = Pointer();
            IntPtr e;
            CheckpointException.Check(
                NativeMethods.ckpt_sink_put_read(
                    sink, bytes, bytes.Length, dtype, shape, Elements.Rank(shape), Callbacks.Read, Kept.Give(read, causes),
                    Callbacks.Release, out e),
                e);
        }

        /// <summary>Puts a string tensor.</summary>
        public void PutStrings(string name, IReadOnlyList<byte[]> values, long[] shape = null)
        {
            byte[] bytes = Utf8.Encode(name);
            using (var pins = new Pins())
            {
                Bytes[] elements = pins.Texts(values);
                shape = shape ?? new long[] { elements.Length };
                IntPtr e;
                CheckpointException.Check(
                    NativeMethods.ckpt_sink_put_strings(
                        Pointer(), bytes, bytes.Length, shape, shape.Length, elements, elements.Length, out e),
                    e);
            }
        }

        /// <summary>Puts a string tensor of texts, which are stored as UTF-8.</summary>
        public void PutStrings(string name, IReadOnlyList<string> values, long[] shape = null) =>
            PutStrings(name, Utf8.Encode(values), shape);

        /// <summary>Puts a variant tensor of serialized elements, as <see cref="SourceTensor.ReadStrings"/> gave them.</summary>
        public void PutVariants(string name, IReadOnlyList<byte[]> values, long[] shape = null)
        {
            byte[] bytes = Utf8.Encode(name);
            using (var pins = new Pins())
            {
                Bytes[] elements = pins.Texts(values);
                shape = shape ?? new long[] { elements.Length };
                IntPtr e;
                CheckpointException.Check(
                    NativeMethods.ckpt_sink_put_variants(
                        Pointer(), bytes, bytes.Length, shape, shape.Length, elements, elements.Length, out e),
                    e);
            }
        }

        /// <summary>Lends a sink for a callback.</summary>
        internal static void During(IntPtr pointer, Causes causes, Action<Sink> use)
        {
            var sink = new Sink(pointer, causes);
            sink.lent.During(() => use(sink));
        }

        private IntPtr Pointer() => lent.Pointer();

        private void Put(string name, DType dtype, long[] shape, IntPtr data, long size)
        {
            byte[] bytes = Utf8.Encode(name);
            IntPtr e;
            CheckpointException.Check(
                NativeMethods.ckpt_sink_put(
                    Pointer(), bytes, bytes.Length, dtype, shape, Elements.Rank(shape), data, size, out e),
                e);
        }
    }

    /// <summary>
    /// The tensors that a checkpoint has for an object. It and its tensors can be used until the method that got it returns.
    /// </summary>
    public sealed class Source : IReadOnlyList<SourceTensor>
    {
        private readonly Lent lent;

        private Source(IntPtr pointer)
        {
            lent = new Lent(pointer, "the source is used after the restore callback");
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
                    throw new ArgumentOutOfRangeException("index");
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
        /// <exception cref="CheckpointException"><see cref="ErrorCode.NotFound"/> if there is none.</exception>
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
            Shape = Take.Shape(NativeMethods.ckpt_source_tensor_shape(pointer), NativeMethods.ckpt_source_tensor_rank(pointer));
        }

        /// <summary>The name that the object gave the tensor; to a registered saver its key.</summary>
        public string Name { get; }

        /// <summary>The type of the elements.</summary>
        public DType DType { get; }

        /// <summary>The dimensions; none of a scalar.</summary>
        public long[] Shape { get; }

        /// <summary>The value of a tensor of a fixed-size dtype, which has to be that of <typeparamref name="T"/>.</summary>
        public T[] Read<T>()
            where T : struct
        {
            Elements.Check<T>(DType);
            T[] values = Elements.Room<T>(Elements.Count(Shape));
            ReadInto(new Span<T>(values));
            return values;
        }

        /// <summary>Copies the value into memory, which has exactly as many elements.</summary>
        public unsafe void ReadInto<T>(Span<T> values)
            where T : struct
        {
            Elements.Check<T>(DType);
            source.Pointer();
            Bytes bytes = NativeMethods.ckpt_source_tensor_bytes(pointer);
            long size = Elements.Size<T>(values.Length);
            if (bytes.Length != size)
            {
                throw new ArgumentException("the value has " + bytes.Length + " bytes, there is room for " + size, "values");
            }
            fixed (byte* first = &Elements.First(values))
            {
                Buffer.MemoryCopy((void*)bytes.Data, first, size, size);
            }
        }

        /// <summary>The value of a fixed-size dtype, whatever it is, as bytes in native order.</summary>
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

        /// <summary>The elements of a string tensor as text; bytes that are no UTF-8 are replaced.</summary>
        public string[] ReadText() => Array.ConvertAll(ReadStrings(), System.Text.Encoding.UTF8.GetString);
    }

    /// <summary>
    /// Asks for a slot variable for which a checkpoint has a value. If none of its methods is called, the value waits until the program
    /// makes the slot. It can be used until the callback that got it returns.
    /// </summary>
    public sealed class SlotRequest
    {
        private readonly Causes causes;
        private readonly Lent lent;

        private SlotRequest(IntPtr pointer, Causes causes)
        {
            lent = new Lent(pointer, "the request is used after the callback");
            this.causes = causes;
            Owner = NativeMethods.ckpt_slot_request_owner(pointer);
            Variable = NativeMethods.ckpt_slot_request_variable(pointer);
            Name = NativeMethods.ckpt_slot_request_name(pointer).Text;
            DType = NativeMethods.ckpt_slot_request_dtype(pointer);
            Shape = Take.Shape(NativeMethods.ckpt_slot_request_shape(pointer), NativeMethods.ckpt_slot_request_rank(pointer));
        }

        /// <summary>The object that is to have the slot.</summary>
        public Node Owner { get; }

        /// <summary>The variable that the slot is kept for.</summary>
        public Node Variable { get; }

        /// <summary>What the slot is, e.g. <c>m</c>.</summary>
        public string Name { get; }

        /// <summary>The type of the value's elements.</summary>
        public DType DType { get; }

        /// <summary>The dimensions of the value.</summary>
        public long[] Shape { get; }

        /// <summary>Makes the slot a variable whose memory is the graph's.</summary>
        public void MakeOwned(NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                IntPtr e;
                CheckpointException.Check(NativeMethods.ckpt_slot_request_set_owned(Pointer(), made, out e), e);
            }
        }

        /// <summary>Makes the slot a variable whose value is the program's memory, as
        /// <see cref="Graph.AddVariable{T}(Memory{T}, long[], NodeOptions)"/> does.</summary>
        public void MakeVariable<T>(Memory<T> values, NodeOptions options = null)
            where T : struct
        {
            Elements.Check<T>(DType);
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                IntPtr request = Pointer();
                IntPtr data, e;
                IntPtr kept = Kept.Pin(values, out data);
                CheckpointException.Check(
                    NativeMethods.ckpt_slot_request_set_borrowed(
                        request, data, Elements.Size<T>(values.Length), kept, Callbacks.Release, made, out e),
                    e);
            }
        }

        /// <summary>Makes the slot a variable whose value is the program's array.</summary>
        public void MakeVariable<T>(T[] values, NodeOptions options = null)
            where T : struct => MakeVariable(new Memory<T>(values), options);

        /// <summary>Makes the slot a variable whose value is on a device.</summary>
        public void MakeDevice(Device device, NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (DeviceHandle native = Device.Make(device, causes))
            {
                IntPtr e;
                CheckpointException.Check(NativeMethods.ckpt_slot_request_set_device(Pointer(), native, made, out e), e);
            }
        }

        /// <summary>Lends a request for a callback.</summary>
        internal static void During(IntPtr pointer, Causes causes, Action<SlotRequest> use)
        {
            var request = new SlotRequest(pointer, causes);
            request.lent.During(() => use(request));
        }

        private IntPtr Pointer() => lent.Pointer();
    }

    public sealed partial class Graph
    {
        /// <summary>Adds an object with state of its own.</summary>
        public Node AddState(IState state, NodeOptions options = null)
        {
            if (state == null)
            {
                throw new ArgumentNullException("state");
            }
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (handle.Hold())
            {
                Node node;
                IntPtr e;
                CheckpointException.Check(
                    NativeMethods.ckpt_graph_add_state(
                        handle, Callbacks.Save, Callbacks.Restore, Kept.Give(new GraphState(state, causes), causes), Callbacks.Release, made,
                        out node, out e),
                    e);
                return node;
            }
        }

        /// <summary>
        /// Adds an object that may have slot variables, as an optimizer does. <paramref name="create"/>, which may be null, makes slots for
        /// which a checkpoint has values; without it the values wait for <see cref="SetSlot"/>. It must not use the graph.
        /// </summary>
        public Node AddSlotOwner(Action<SlotRequest> create = null, NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (handle.Hold())
            {
                Node node;
                IntPtr e;
                IntPtr kept = create == null ? IntPtr.Zero : Kept.Give(new SlotMaker(create, causes), causes);
                CheckpointException.Check(
                    NativeMethods.ckpt_graph_add_slot_owner(
                        handle, create == null ? null : Callbacks.CreateSlot, kept, create == null ? null : Callbacks.Release, made,
                        out node, out e),
                    e);
                return node;
            }
        }

        /// <summary>
        /// Registers a saver for the objects that it accepts; in checkpoints its name is <c>package.name</c>, and no package means
        /// <c>Custom</c>. If it is not strict, an object that it saved and does not accept any more is left as it is.
        /// </summary>
        public void RegisterSaver(string package, string name, bool strict, IObjectSaver saver)
        {
            byte[] first = Utf8.Encode(package ?? ""), second = Utf8.Encode(name);
            if (saver == null)
            {
                throw new ArgumentNullException("saver");
            }
            using (handle.Hold())
            {
                IntPtr e;
                CheckpointException.Check(
                    NativeMethods.ckpt_graph_register_saver(
                        handle, first, first.Length, second, second.Length, strict, Callbacks.Accepts, Callbacks.SaveObjects,
                        Callbacks.Wants, Callbacks.RestoreObjects, Kept.Give(new GraphSaver(saver, causes), causes), Callbacks.Release,
                        out e),
                    e);
            }
        }
    }

    internal sealed class GraphState
    {
        internal readonly IState State;
        internal readonly Causes Causes;

        internal GraphState(IState state, Causes causes)
        {
            State = state;
            Causes = causes;
        }
    }

    internal sealed class GraphSaver
    {
        internal readonly IObjectSaver Saver;
        internal readonly Causes Causes;

        internal GraphSaver(IObjectSaver saver, Causes causes)
        {
            Saver = saver;
            Causes = causes;
        }
    }

    internal sealed class SlotMaker
    {
        internal readonly Action<SlotRequest> Create;
        internal readonly Causes Causes;

        internal SlotMaker(Action<SlotRequest> create, Causes causes)
        {
            Create = create;
            Causes = causes;
        }
    }
}
