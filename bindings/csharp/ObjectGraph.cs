using System;
using System.Collections;
using System.Collections.Generic;

namespace LibCheckpoint
{
    /// <summary>An edge of a checkpoint: a name, and the number of the node that it leads to.</summary>
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

        /// <summary>The registered name of the saver that it was saved with; null if there was none.</summary>
        public string SaverName { get; }

        /// <summary>The name under which that saved it; null if there was none.</summary>
        public string SaverObjectName { get; }

        /// <summary>Whether it or anything below it has values; null when the writer, an older one, did not say.</summary>
        public bool? HasValues { get; }
    }

    /// <summary>
    /// The objects of an object-based checkpoint and the named edges between them, copied. Nodes are numbered from 0, which is the root.
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

    /// <summary>A node of a checkpoint and the object of the program that has its place.</summary>
    public sealed class Match
    {
        /// <summary>Makes one.</summary>
        public Match(int node, Node target)
        {
            Node = node;
            Object = target;
        }

        /// <summary>The node.</summary>
        public int Node { get; }

        /// <summary>The object.</summary>
        public Node Object { get; }
    }

    /// <summary>What a checkpoint and a program have in common, and what not. Slot variables are in none of it.</summary>
    public sealed class Comparison
    {
        private Comparison(IntPtr diff)
        {
            var matches = new Match[NativeMethods.ckpt_comparison_match_count(diff)];
            for (int i = 0; i < matches.Length; i++)
            {
                matches[i] = new Match(
                    (int)NativeMethods.ckpt_comparison_match_node(diff, i), NativeMethods.ckpt_comparison_match_object(diff, i));
            }
            var checkpointOnly = new int[NativeMethods.ckpt_comparison_checkpoint_only_count(diff)];
            for (int i = 0; i < checkpointOnly.Length; i++)
            {
                checkpointOnly[i] = (int)NativeMethods.ckpt_comparison_checkpoint_only_node(diff, i);
            }
            var programOnly = new Node[NativeMethods.ckpt_comparison_program_only_count(diff)];
            for (int i = 0; i < programOnly.Length; i++)
            {
                programOnly[i] = NativeMethods.ckpt_comparison_program_only_object(diff, i);
            }
            var warnings = new string[NativeMethods.ckpt_comparison_warning_count(diff)];
            for (int i = 0; i < warnings.Length; i++)
            {
                warnings[i] = NativeMethods.ckpt_comparison_warning(diff, i).Text;
            }
            Matches = matches;
            CheckpointOnly = checkpointOnly;
            ProgramOnly = programOnly;
            Warnings = warnings;
        }

        /// <summary>Nodes and the objects that have their places, in the order in which they were found.</summary>
        public IReadOnlyList<Match> Matches { get; }

        /// <summary>Nodes that match no object, breadth first.</summary>
        public IReadOnlyList<int> CheckpointOnly { get; }

        /// <summary>Objects that match no node, breadth first.</summary>
        public IReadOnlyList<Node> ProgramOnly { get; }

        /// <summary>That references do not agree.</summary>
        public IReadOnlyList<string> Warnings { get; }

        internal static Comparison TakeFrom(IntPtr diff)
        {
            try
            {
                return new Comparison(diff);
            }
            finally
            {
                NativeMethods.ckpt_comparison_free(diff);
            }
        }
    }

    /// <summary>
    /// The objects of a checkpoint (<c>tf.train.CheckpointView</c>). No file is open. It does not change; several threads may use it at
    /// once.
    /// </summary>
    public sealed class CheckpointView : IDisposable
    {
        private readonly CheckpointViewHandle handle;

        /// <summary>Reads the objects of the checkpoint at a path.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.NotFound"/> when there is none, or, with
        /// <see cref="Reason.NoObjectGraph"/>, it has no objects.</exception>
        public CheckpointView(string path)
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_checkpoint_view_open(Utf8.Path(path), out handle, out e), e);
        }

        /// <summary>The prefix of the checkpoint.</summary>
        public string Prefix
        {
            get
            {
                using (handle.Hold())
                {
                    return NativeMethods.ckpt_checkpoint_view_prefix(handle).Text;
                }
            }
        }

        /// <summary>All objects, with what is known of each.</summary>
        public ObjectGraph ObjectGraph()
        {
            IntPtr graph, e;
            CheckpointException.Check(NativeMethods.ckpt_checkpoint_view_object_graph(handle, out graph, out e), e);
            return LibCheckpoint.ObjectGraph.TakeFrom(graph);
        }

        /// <summary>The nodes that edges lead to from the root, breadth first, the root among them; each with the way by which it was
        /// found, as <c>root.leaf.v</c>. Slot variables are not among them.</summary>
        public SavedEdge[] Descendants()
        {
            using (handle.Hold())
            {
                var all = new SavedEdge[NativeMethods.ckpt_checkpoint_view_descendant_count(handle)];
                for (int i = 0; i < all.Length; i++)
                {
                    all[i] = new SavedEdge(
                        NativeMethods.ckpt_checkpoint_view_descendant_path(handle, i).Text,
                        (int)NativeMethods.ckpt_checkpoint_view_descendant(handle, i));
                }
                return all;
            }
        }

        /// <summary>Compares the checkpoint with the objects below <paramref name="root"/>, without restoring anything.</summary>
        public Comparison Diff(Graph graph, Node root)
        {
            IntPtr diff, e;
            CheckpointException.Check(NativeMethods.ckpt_checkpoint_view_diff(handle, graph.Handle, root, out diff, out e), e);
            return Comparison.TakeFrom(diff);
        }

        /// <summary>Does the same with what a checkpoint of a program leads to, also by the edges that it attaches to its root.</summary>
        public Comparison Diff(Checkpoint checkpoint)
        {
            IntPtr diff, e;
            CheckpointException.Check(
                NativeMethods.ckpt_checkpoint_view_diff_checkpoint(handle, checkpoint.Handle, out diff, out e), e);
            return Comparison.TakeFrom(diff);
        }

        /// <summary>Frees the view.</summary>
        public void Dispose() => handle.Dispose();
    }

    public sealed partial class Graph
    {
        /// <summary>
        /// Restores single objects from nodes of the checkpoint at a path, without looking at edges. All that can be known is checked before
        /// the first value is assigned.
        /// </summary>
        public void RestoreNodes(string path, IReadOnlyList<Match> matches, RestoreOptions options = null)
        {
            var ids = new uint[matches.Count];
            var objects = new Node[ids.Length];
            for (int i = 0; i < ids.Length; i++)
            {
                if (matches[i].Node < 0)
                {
                    throw new ArgumentOutOfRangeException("matches", "nodes are numbered from 0");
                }
                ids[i] = (uint)matches[i].Node;
                objects[i] = matches[i].Object;
            }
            using (RestoreOptionsHandle made = RestoreOptions.Make(options))
            {
                IntPtr e;
                CheckpointException.Check(
                    NativeMethods.ckpt_restore_nodes(handle, Utf8.Path(path), ids, objects, ids.Length, made, out e), e, causes);
            }
        }
    }
}
