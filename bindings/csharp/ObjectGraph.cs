using System;
using System.Collections;
using System.Collections.Generic;

namespace LibCheckpoint
{
    /// <summary>An edge of a checkpoint: a name, and the number of the node that it leads
    /// to.</summary>
    public sealed class SavedEdge
    {
        internal SavedEdge(string name, int node)
        {
            Name = name;
            Node = node;
        }

        /// <summary>The name.</summary>
        public string Name { get; }

        /// <summary>The node.</summary>
        public int Node { get; }
    }

    /// <summary>A value of an object of a checkpoint.</summary>
    public sealed class SavedValue
    {
        internal SavedValue(string name, string fullName, string key)
        {
            Name = name;
            FullName = fullName;
            Key = key;
        }

        /// <summary>The name within its object, <c>VARIABLE_VALUE</c> of a variable.</summary>
        public string Name { get; }

        /// <summary>The name that a name-based checkpoint gives it; may be empty.</summary>
        public string FullName { get; }

        /// <summary>The key of the tensor that holds it.</summary>
        public string Key { get; }
    }

    /// <summary>A slot variable of a checkpoint.</summary>
    public sealed class SavedSlot
    {
        internal SavedSlot(string name, int original, int node)
        {
            Name = name;
            Original = original;
            Node = node;
        }

        /// <summary>What it is, e.g. <c>m</c>.</summary>
        public string Name { get; }

        /// <summary>The node of the variable that it is kept for.</summary>
        public int Original { get; }

        /// <summary>Its own node.</summary>
        public int Node { get; }
    }

    /// <summary>An object of a checkpoint.</summary>
    public sealed class SavedNode
    {
        internal SavedNode(IntPtr graph, uint id)
        {
            var children = new SavedEdge[NativeMethods.ckpt_object_graph_child_count(graph, id)];
            for (int i = 0; i < children.Length; i++)
            {
                children[i] = new SavedEdge(
                    NativeMethods.ckpt_object_graph_child_name(graph, id, i).Text,
                    (int)NativeMethods.ckpt_object_graph_child_node(graph, id, i));
            }
            var values = new SavedValue[NativeMethods.ckpt_object_graph_attribute_count(graph, id)];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = new SavedValue(
                    NativeMethods.ckpt_object_graph_attribute_name(graph, id, i).Text,
                    NativeMethods.ckpt_object_graph_attribute_full_name(graph, id, i).Text,
                    NativeMethods.ckpt_object_graph_attribute_key(graph, id, i).Text);
            }
            var slots = new SavedSlot[NativeMethods.ckpt_object_graph_slot_count(graph, id)];
            for (int i = 0; i < slots.Length; i++)
            {
                slots[i] = new SavedSlot(
                    NativeMethods.ckpt_object_graph_slot_name(graph, id, i).Text,
                    (int)NativeMethods.ckpt_object_graph_slot_original(graph, id, i),
                    (int)NativeMethods.ckpt_object_graph_slot_node(graph, id, i));
            }
            Children = children;
            Values = values;
            Slots = slots;
            SaverName = NativeMethods.ckpt_object_graph_saver_name(graph, id).TextOrNull;
            SaverObjectName = NativeMethods.ckpt_object_graph_saver_object_name(graph, id).TextOrNull;
            int has = NativeMethods.ckpt_object_graph_has_values(graph, id);
            HasValues = has < 0 ? (bool?)null : has == 1;
        }

        /// <summary>The edges to its children.</summary>
        public IReadOnlyList<SavedEdge> Children { get; }

        /// <summary>Its values.</summary>
        public IReadOnlyList<SavedValue> Values { get; }

        /// <summary>Its slot variables, if it is an optimizer.</summary>
        public IReadOnlyList<SavedSlot> Slots { get; }

        /// <summary>The registered name of the saver that it was saved with; null if there was
        /// none.</summary>
        public string SaverName { get; }

        /// <summary>The name under which that saved it; null if there was none.</summary>
        public string SaverObjectName { get; }

        /// <summary>Whether it or anything below it has values; null when the writer, an older one,
        /// did not say.</summary>
        public bool? HasValues { get; }
    }

    /// <summary>
    /// The objects of an object-based checkpoint and the named edges between them, copied. Nodes
    /// are numbered from 0, which is the root.
    /// </summary>
    public sealed class ObjectGraph : IReadOnlyList<SavedNode>
    {
        private readonly SavedNode[] nodes;

        private ObjectGraph(IntPtr graph)
        {
            nodes = new SavedNode[NativeMethods.ckpt_object_graph_count(graph)];
            for (int i = 0; i < nodes.Length; i++)
            {
                nodes[i] = new SavedNode(graph, (uint)i);
            }
        }

        /// <summary>The number of nodes.</summary>
        public int Count => nodes.Length;

        /// <summary>The node of a number.</summary>
        public SavedNode this[int index] => nodes[index];

        /// <summary>Goes over the nodes.</summary>
        public IEnumerator<SavedNode> GetEnumerator() => ((IEnumerable<SavedNode>)nodes).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => nodes.GetEnumerator();

        internal static ObjectGraph TakeFrom(IntPtr graph)
        {
            try
            {
                return new ObjectGraph(graph);
            }
            finally
            {
                NativeMethods.ckpt_object_graph_free(graph);
            }
        }
    }
}
