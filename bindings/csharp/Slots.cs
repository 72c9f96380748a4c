using System;
using System.Collections.Generic;

namespace LibCheckpoint
{
    public sealed partial class Graph
    {
        /// <summary>Makes <paramref name="slot"/> the slot that <paramref name="owner"/> keeps for
        /// <paramref name="variable"/>. If a restore has a value for it, it is restored here and
        /// now.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.AlreadyExists"/> when there
        /// is another.</exception>
        public void SetSlot(Node owner, Node variable, string name, Node slot)
        {
            byte[] bytes = Utf8.Encode(name);
            NativeMethods.ckpt_graph_set_slot(handle, owner, variable, bytes, slot);
        }

        /// <summary>The slot that <paramref name="owner"/> keeps for <paramref name="variable"/>;
        /// <see cref="Node.None"/> if there is none.</summary>
        public Node Slot(Node owner, Node variable, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            Node slot;
            NativeMethods.ckpt_graph_slot(handle, owner, variable, bytes, out slot);
            return slot;
        }

        /// <summary>Takes a slot from its owner. The slot variable stays, and is given
        /// back.</summary>
        public Node RemoveSlot(Node owner, Node variable, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            Node slot;
            NativeMethods.ckpt_graph_remove_slot(handle, owner, variable, bytes, out slot);
            return slot;
        }

        /// <summary>The names of an owner's slots, in the order in which the first of each was
        /// made.</summary>
        public string[] SlotNames(Node owner)
        {
            IntPtr names;
            NativeMethods.ckpt_graph_slot_names(handle, owner, out names);
            return NativeResult.Texts(names);
        }

        /// <summary>
        /// Adds an object that may have slot variables, as an optimizer does. <paramref
        /// name="create"/>, which may be null, makes slots for which a checkpoint has values;
        /// without it the values wait for <see cref="SetSlot"/>. It must not use the graph.
        /// </summary>
        public Node AddSlotOwner(Action<SlotRequest> create = null, NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (handle.Hold())
            {
                Node node;
                IntPtr kept = create == null ? IntPtr.Zero : CallbackValue.Give(create);
                NativeMethods.ckpt_graph_add_slot_owner(
                    handle, create == null ? null : Callbacks.CreateSlot, kept,
                    create == null ? null : Callbacks.Release, made, out node);
                return node;
            }
        }
    }

    /// <summary>
    /// Asks for a slot variable for which a checkpoint has a value. If none of its methods is
    /// called, the value waits until the program makes the slot. It can be used until the callback
    /// that got it returns.
    /// </summary>
    public sealed class SlotRequest
    {
        private readonly LentPointer lent;

        private SlotRequest(IntPtr pointer)
        {
            lent = new LentPointer(pointer, "the request is used after the callback");
            Owner = NativeMethods.ckpt_slot_request_owner(pointer);
            Variable = NativeMethods.ckpt_slot_request_variable(pointer);
            Name = NativeMethods.ckpt_slot_request_name(pointer).Text;
            DType = NativeMethods.ckpt_slot_request_dtype(pointer);
            Shape = NativeResult.Shape(
                NativeMethods.ckpt_slot_request_shape(pointer), NativeMethods.ckpt_slot_request_rank(pointer));
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
        public IReadOnlyList<long> Shape { get; }

        /// <summary>Makes the slot a variable whose memory is the graph's.</summary>
        public void MakeOwned(NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                NativeMethods.ckpt_slot_request_set_owned(Pointer(), made);
            }
        }

        /// <summary>Makes the slot a variable whose value is the program's memory, as
        /// <see cref="Graph.AddVariable{T}(Memory{T}, IReadOnlyList{long}, NodeOptions)"/>
        /// does.</summary>
        public void MakeVariable<T>(Memory<T> values, NodeOptions options)
            where T : struct
        {
            Elements.Check<T>(DType, Name);
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                IntPtr request = Pointer();
                IntPtr data;
                IntPtr kept = CallbackValue.Pin(values, out data);
                NativeMethods.ckpt_slot_request_set_borrowed(
                    request, data, Elements.Size<T>(values.Length), kept, Callbacks.Release, made);
            }
        }

        /// <summary>Makes the slot a variable whose value is the program's array.</summary>
        public void MakeVariable<T>(T[] values)
            where T : struct => MakeVariable(values, null);

        /// <summary>Makes the slot a variable whose value is the program's array.</summary>
        public void MakeVariable<T>(T[] values, NodeOptions options)
            where T : struct => MakeVariable(new Memory<T>(Required.Of(values, "values")), options);

        /// <summary>Makes the slot a variable whose value is on a device.</summary>
        public void MakeDevice(DeviceVariable device, NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (DeviceHandle native = DeviceVariable.Make(device))
            {
                NativeMethods.ckpt_slot_request_set_device(Pointer(), native, made);
            }
        }

        /// <summary>Lends a request for a callback.</summary>
        internal static void During(IntPtr pointer, Action<SlotRequest> use)
        {
            var request = new SlotRequest(pointer);
            request.lent.During(() => use(request));
        }

        private IntPtr Pointer() => lent.Pointer();
    }
}
