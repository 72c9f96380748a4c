using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace LibCheckpoint
{
    /// <summary>
    /// An object of a graph. It stands for that object alone: once that was removed, and in other graphs, it is an error. The default
    /// is no object.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly struct Node : IEquatable<Node>
    {
        private readonly ulong number;

        /// <summary>No object: in lists and tuples an element that is not tracked.</summary>
        public static Node None => default(Node);

        /// <summary>Whether it is no object.</summary>
        public bool IsNone => number == 0;

        /// <summary>Whether both are the same object.</summary>
        public static bool operator ==(Node left, Node right) => left.number == right.number;

        /// <summary>Whether they are not the same object.</summary>
        public static bool operator !=(Node left, Node right) => left.number != right.number;

        /// <summary>Whether both are the same object.</summary>
        public bool Equals(Node other) => number == other.number;

        /// <inheritdoc/>
        public override bool Equals(object other) => other is Node && Equals((Node)other);

        /// <inheritdoc/>
        public override int GetHashCode() => number.GetHashCode();

        /// <summary>Its number.</summary>
        public override string ToString() => number.ToString();
    }

    /// <summary>An object with the name under which it was found, or is saved.</summary>
    public readonly struct Edge
    {
        /// <summary>Makes one.</summary>
        public Edge(string name, Node child)
        {
            Name = name;
            Child = child;
        }

        /// <summary>The name.</summary>
        public string Name { get; }

        /// <summary>The object.</summary>
        public Node Child { get; }

        /// <summary>Name and object.</summary>
        public override string ToString() => Name + ": " + Child;

        /// <summary>Copies objects that are lent.</summary>
        internal static Edge[] ListOf(IntPtr nodes)
        {
            var all = new Edge[NativeMethods.ckpt_nodes_count(nodes)];
            for (int i = 0; i < all.Length; i++)
            {
                all[i] = new Edge(NativeMethods.ckpt_nodes_name(nodes, i).Text, NativeMethods.ckpt_nodes_get(nodes, i));
            }
            return all;
        }

        /// <summary>Copies objects, and frees what the library gave.</summary>
        internal static Edge[] TakeFrom(IntPtr nodes)
        {
            try
            {
                return ListOf(nodes);
            }
            finally
            {
                NativeMethods.ckpt_nodes_free(nodes);
            }
        }

        internal static Node[] Children(IReadOnlyList<Edge> edges)
        {
            var children = new Node[edges.Count];
            for (int i = 0; i < children.Length; i++)
            {
                children[i] = edges[i].Child;
            }
            return children;
        }

        internal static byte[][] Names(IReadOnlyList<Edge> edges)
        {
            var names = new byte[edges.Count][];
            for (int i = 0; i < names.Length; i++)
            {
                names[i] = Utf8.Encode(edges[i].Name);
            }
            return names;
        }
    }

    /// <summary>
    /// Says that a variable is a part of a larger tensor, which several variables make up, mostly one in each process. The variable is added
    /// with the shape of the part; it is saved as this slice of the tensor, and restored from it however that was cut, or whole, when it
    /// was saved.
    /// </summary>
    public sealed class Part
    {
        /// <summary>Makes one.</summary>
        /// <param name="shape">The dimensions of the whole tensor.</param>
        /// <param name="region">What the variable is of it.</param>
        public Part(long[] shape, Region region)
        {
            region.Of(shape);
            Shape = shape;
            Region = region;
        }

        /// <summary>The dimensions of the whole tensor.</summary>
        public long[] Shape { get; }

        /// <summary>What the variable is of it.</summary>
        public Region Region { get; }
    }

    /// <summary>More about an object that is added to a graph. What is not for its kind is an error.</summary>
    public sealed class NodeOptions
    {
        /// <summary>A name for messages.</summary>
        public string DebugName { get; set; }

        /// <summary>Of a variable: its name in name-based checkpoints.</summary>
        public string Name { get; set; }

        /// <summary>Of a variable: whether it is only saved.</summary>
        public bool ReadOnly { get; set; }

        /// <summary>Of a variable: the part of a larger tensor that it is.</summary>
        public Part Part { get; set; }

        /// <summary>Of state: the tensors that it needs to be restored.</summary>
        public string[] TensorNames { get; set; }

        /// <summary>Of state: the attribute under which it is saved, of which the names of its tensors are suffixes: <c>table</c> with
        /// <c>-keys</c> and <c>-values</c>, <c>ITERATOR</c> with <c>_STATE</c>.</summary>
        public string LegacyName { get; set; }

        internal static NodeOptionsHandle Make(NodeOptions options) =>
            options == null
                ? NodeOptionsHandle.None
                : LibCheckpoint.Make.With(NativeMethods.ckpt_node_options_new(), made => options.Set(made));

        private void Set(NodeOptionsHandle made)
        {
            IntPtr e;
            if (DebugName != null)
            {
                byte[] name = Utf8.Encode(DebugName);
                CheckpointException.Check(NativeMethods.ckpt_node_options_set_debug_name(made, name, name.Length, out e), e);
            }
            if (Name != null)
            {
                byte[] name = Utf8.Encode(Name);
                CheckpointException.Check(NativeMethods.ckpt_node_options_set_name(made, name, name.Length, out e), e);
            }
            if (ReadOnly)
            {
                CheckpointException.Check(NativeMethods.ckpt_node_options_set_read_only(made, true, out e), e);
            }
            if (Part != null)
            {
                CheckpointException.Check(
                    NativeMethods.ckpt_node_options_set_part(
                        made, Part.Shape, Part.Region.Start, Part.Region.Length, Part.Shape.Length, out e),
                    e);
            }
            if (TensorNames != null)
            {
                using (var pins = new Pins())
                {
                    Bytes[] names = pins.Texts(Utf8.Encode(TensorNames));
                    CheckpointException.Check(NativeMethods.ckpt_node_options_set_tensor_names(made, names, names.Length, out e), e);
                }
            }
            if (LegacyName != null)
            {
                byte[] name = Utf8.Encode(LegacyName);
                CheckpointException.Check(NativeMethods.ckpt_node_options_set_legacy_name(made, name, name.Length, out e), e);
            }
        }
    }

    /// <summary>What an object was when it was asked about.</summary>
    public sealed class Description
    {
        internal Description(IntPtr description)
        {
            Kind = NativeMethods.ckpt_description_kind(description);
            DType = NativeMethods.ckpt_description_dtype(description);
            Shape = Take.KnownShape(NativeMethods.ckpt_description_shape(description), NativeMethods.ckpt_description_rank(description));
        }

        /// <summary>The kind of the object.</summary>
        public NodeKind Kind { get; }

        /// <summary>Of a variable; <see cref="DType.Invalid"/> of one that takes it from the checkpoint, and of other objects.</summary>
        public DType DType { get; }

        /// <summary>Of a variable with a value; null otherwise.</summary>
        public long[] Shape { get; }
    }

    /// <summary>
    /// A graph of objects with named edges: what a program saves and restores. Several threads may use it at once: each call takes the
    /// graph's one lock for its whole length, callbacks included.
    /// </summary>
    /// <remarks>
    /// What it borrows of the program's (arrays, objects with methods) it keeps until the object is removed, or the graph and all
    /// checkpoints, managers and savers of it are disposed of. It may be disposed of before these.
    /// </remarks>
    public sealed partial class Graph : IDisposable
    {
        private readonly GraphHandle handle;
        private readonly Causes causes;

        /// <summary>Makes a graph without objects.</summary>
        public Graph()
            : this(NativeMethods.ckpt_graph_new(), new Causes())
        {
        }

        internal Graph(GraphHandle handle, Causes causes)
        {
            this.handle = handle;
            this.causes = causes;
        }

        internal GraphHandle Handle => handle;

        internal Causes Causes => causes;

        /// <summary>Adds an object without values of its own.</summary>
        public Node AddObject(NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                IntPtr e;
                CheckpointException.Check(NativeMethods.ckpt_graph_add_object(handle, made, out node, out e), e);
                return node;
            }
        }

        /// <summary>Adds an object that is saved as one string (TensorFlow's <c>PythonState</c>). <see cref="ReadStrings"/> and
        /// <see cref="AssignStrings(Node, IReadOnlyList{byte[]}, long[])"/> get at it.</summary>
        public Node AddText(string text, NodeOptions options = null)
        {
            byte[] bytes = Utf8.Encode(text, "text");
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                IntPtr e;
                CheckpointException.Check(NativeMethods.ckpt_graph_add_text(handle, bytes, bytes.Length, made, out node, out e), e);
                return node;
            }
        }

        /// <summary>
        /// Adds an empty list, whose elements are tracked under their indices. A list may only grow: whatever else changes it makes it unsavable
        /// for good.
        /// </summary>
        public Node AddList(NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                IntPtr e;
                CheckpointException.Check(NativeMethods.ckpt_graph_add_list(handle, made, out node, out e), e);
                return node;
            }
        }

        /// <summary>Adds an empty dict, whose elements are tracked under their keys.</summary>
        public Node AddDict(NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                IntPtr e;
                CheckpointException.Check(NativeMethods.ckpt_graph_add_dict(handle, made, out node, out e), e);
                return node;
            }
        }

        /// <summary>Adds a tuple; <see cref="Node.None"/> for elements that are not tracked.</summary>
        public Node AddTuple(Node[] elements, NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                IntPtr e;
                CheckpointException.Check(
                    NativeMethods.ckpt_graph_add_tuple(handle, elements, elements.Length, made, out node, out e), e);
                return node;
            }
        }

        /// <summary>Adds a named tuple: each element is tracked under its name and its index.</summary>
        public Node AddNamedTuple(IReadOnlyList<Edge> fields, NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (var pins = new Pins())
            {
                Bytes[] names = pins.Texts(Edge.Names(fields));
                Node node;
                IntPtr e;
                CheckpointException.Check(
                    NativeMethods.ckpt_graph_add_named_tuple(
                        handle, names, Edge.Children(fields), names.Length, made, out node, out e),
                    e);
                return node;
            }
        }

        /// <summary>Removes an object, with all edges and slots from and to it. Its children stay. What it borrowed is let go of.</summary>
        public void Remove(Node node)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_remove(handle, node, out e), e);
        }

        /// <summary>Whether the object is there: not removed, and of this graph.</summary>
        public bool Contains(Node node)
        {
            bool contains;
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_contains(handle, node, out contains, out e), e);
            return contains;
        }

        /// <summary>What an object is.</summary>
        public Description Describe(Node node)
        {
            IntPtr description, e;
            CheckpointException.Check(NativeMethods.ckpt_graph_describe(handle, node, out description, out e), e);
            try
            {
                return new Description(description);
            }
            finally
            {
                NativeMethods.ckpt_description_free(description);
            }
        }

        /// <summary>Gives an object another name for messages.</summary>
        public void SetDebugName(Node node, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_set_debug_name(handle, node, bytes, bytes.Length, out e), e);
        }

        /// <summary>Gives a variable another name in name-based checkpoints.</summary>
        public void SetName(Node variable, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_set_name(handle, variable, bytes, bytes.Length, out e), e);
        }

        /// <summary>
        /// Makes the edge from parent to child. If a restore has values for it, the child and what it leads to are restored here and now, and
        /// errors of that come from here: the edge stands all the same.
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.AlreadyExists"/> when the name leads to another object.</exception>
        public void Track(Node parent, string name, Node child)
        {
            byte[] bytes = Utf8.Encode(name);
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_track(handle, parent, bytes, bytes.Length, child, out e), e, causes);
        }

        /// <summary>The same, but a name that leads to another object is made to lead to this one, which is then not restored.</summary>
        public void TrackOverwrite(Node parent, string name, Node child)
        {
            byte[] bytes = Utf8.Encode(name);
            IntPtr e;
            CheckpointException.Check(
                NativeMethods.ckpt_graph_track_overwrite(handle, parent, bytes, bytes.Length, child, out e), e, causes);
        }

        /// <summary>Removes an edge. The object that it led to stays, and is given back.</summary>
        public Node Untrack(Node parent, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            Node child;
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_untrack(handle, parent, bytes, bytes.Length, out child, out e), e);
            return child;
        }

        /// <summary>The object that an edge leads to; <see cref="Node.None"/> if there is no such edge.</summary>
        public Node Lookup(Node parent, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            Node child;
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_lookup(handle, parent, bytes, bytes.Length, out child, out e), e);
            return child;
        }

        /// <summary>How many restores wait for an edge of an object.</summary>
        public int Waiting(Node node, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            long count;
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_waiting(handle, node, bytes, bytes.Length, out count, out e), e);
            return checked((int)count);
        }

        /// <summary>The edges of an object in the order in which they were made. (<c>TrackableView.children</c>)</summary>
        public Edge[] Children(Node node)
        {
            IntPtr found, e;
            CheckpointException.Check(NativeMethods.ckpt_graph_children(handle, node, out found, out e), e);
            return Edge.TakeFrom(found);
        }

        /// <summary>The objects that edges lead to from <paramref name="root"/>, breadth first, the root the first of them.
        /// (<c>TrackableView.descendants</c>)</summary>
        public Node[] Descendants(Node root)
        {
            IntPtr found, e;
            CheckpointException.Check(NativeMethods.ckpt_graph_descendants(handle, root, out found, out e), e);
            return Edge.Children(Edge.TakeFrom(found));
        }

        /// <summary>The elements of a list; <see cref="Node.None"/> for those that are not tracked.</summary>
        public Node[] ListElements(Node list)
        {
            IntPtr found, e;
            CheckpointException.Check(NativeMethods.ckpt_graph_list_elements(handle, list, out found, out e), e);
            return Edge.Children(Edge.TakeFrom(found));
        }

        /// <summary>Appends an element to a list. If a restore has values for it, it is restored here and now, as by <see cref="Track"/>.</summary>
        public void ListAppend(Node list, Node element)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_list_append(handle, list, element, out e), e, causes);
        }

        /// <summary>Repeats a list in place. Less than 1 empties it.</summary>
        public void ListRepeat(Node list, long times)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_list_repeat(handle, list, times, out e), e, causes);
        }

        /// <summary>Replaces an element; a negative index counts from the end. If that was an object, the list cannot be saved any more.</summary>
        public void ListSet(Node list, long index, Node element)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_list_set(handle, list, index, element, out e), e, causes);
        }

        /// <summary>Inserts an element before <paramref name="index"/>, as Python does. A list that has any object then cannot be saved any
        /// more.</summary>
        public void ListInsert(Node list, long index, Node element)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_list_insert(handle, list, index, element, out e), e, causes);
        }

        /// <summary>Removes an element, and gives it back. A list that had any object cannot be saved any more.</summary>
        public Node ListRemove(Node list, long index)
        {
            Node element;
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_list_remove(handle, list, index, out element, out e), e);
            return element;
        }

        /// <summary>Replaces the elements from <paramref name="start"/> up to <paramref name="end"/> by others. A list that had any object
        /// cannot be saved any more.</summary>
        public void ListSplice(Node list, long start, long end, params Node[] elements)
        {
            IntPtr e;
            CheckpointException.Check(
                NativeMethods.ckpt_graph_list_splice(handle, list, start, end, elements, elements.Length, out e), e, causes);
        }

        /// <summary>Puts the elements of a list into another order: the old index of each. A list that has any object cannot be saved any
        /// more.</summary>
        public void ListReorder(Node list, params long[] order)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_list_reorder(handle, list, order, order.Length, out e), e, causes);
        }

        /// <summary>Sets what a key of a dict leads to. Where the key is new it is restored as by <see cref="Track"/>.</summary>
        public void DictSet(Node dict, string key, Node child)
        {
            byte[] bytes = Utf8.Encode(key, "key");
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_dict_set(handle, dict, bytes, bytes.Length, child, out e), e, causes);
        }

        /// <summary>Removes a key of a dict, and gives back the object that it led to.</summary>
        public Node DictRemove(Node dict, string key)
        {
            byte[] bytes = Utf8.Encode(key, "key");
            Node child;
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_graph_dict_remove(handle, dict, bytes, bytes.Length, out child, out e), e);
            return child;
        }

        /// <summary>Makes <paramref name="slot"/> the slot that <paramref name="owner"/> keeps for <paramref name="variable"/>. If a restore has a
        /// value for it, it is restored here and now.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.AlreadyExists"/> when there is another.</exception>
        public void SetSlot(Node owner, Node variable, string name, Node slot)
        {
            byte[] bytes = Utf8.Encode(name);
            IntPtr e;
            CheckpointException.Check(
                NativeMethods.ckpt_graph_set_slot(handle, owner, variable, bytes, bytes.Length, slot, out e), e, causes);
        }

        /// <summary>The slot that <paramref name="owner"/> keeps for <paramref name="variable"/>; <see cref="Node.None"/> if there is
        /// none.</summary>
        public Node Slot(Node owner, Node variable, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            Node slot;
            IntPtr e;
            CheckpointException.Check(
                NativeMethods.ckpt_graph_slot(handle, owner, variable, bytes, bytes.Length, out slot, out e), e);
            return slot;
        }

        /// <summary>Takes a slot from its owner. The slot variable stays, and is given back.</summary>
        public Node RemoveSlot(Node owner, Node variable, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            Node slot;
            IntPtr e;
            CheckpointException.Check(
                NativeMethods.ckpt_graph_remove_slot(handle, owner, variable, bytes, bytes.Length, out slot, out e), e);
            return slot;
        }

        /// <summary>The names of an owner's slots, in the order in which the first of each was made.</summary>
        public string[] SlotNames(Node owner)
        {
            IntPtr names, e;
            CheckpointException.Check(NativeMethods.ckpt_graph_slot_names(handle, owner, out names, out e), e);
            return Take.Texts(names);
        }

        /// <summary>Lets go of the graph, which lives on while checkpoints, managers and savers need it.</summary>
        public void Dispose() => handle.Dispose();
    }
}
