using System;
using System.Collections.Generic;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>A node of a checkpoint and the object of the program that has its place.</summary>
    public sealed class NodeMatch
    {
        /// <summary>Makes one.</summary>
        public NodeMatch(int node, Node target)
        {
            Node = node;
            Object = target;
        }

        /// <summary>The node.</summary>
        public int Node { get; }

        /// <summary>The object.</summary>
        public Node Object { get; }
    }

    /// <summary>What a checkpoint and a program have in common, and what not. Slot variables are in
    /// none of it.</summary>
    public sealed class Comparison
    {
        private Comparison(IntPtr diff)
        {
            var matches = new NodeMatch[NativeMethods.ckpt_comparison_match_count(diff)];
            for (int i = 0; i < matches.Length; i++)
            {
                matches[i] = new NodeMatch(
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

        /// <summary>Nodes and the objects that have their places, in the order in which they were
        /// found.</summary>
        public IReadOnlyList<NodeMatch> Matches { get; }

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
    /// The objects of a checkpoint (<c>tf.train.CheckpointView</c>). No file is open. It does not
    /// change; several threads may use it at once.
    /// </summary>
    public sealed class CheckpointView : IDisposable
    {
        private readonly CheckpointViewHandle handle;

        /// <summary>Reads the objects of the checkpoint at a path.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.NotFound"/> when there is
        /// none, or, with <see cref="Reason.NoObjectGraph"/>, it has no objects.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public CheckpointView(string path, OpenOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] bytes = Utf8.Path(path);
            using (Cancellation cancellation = Cancellation.Of(token))
            using (OpenOptionsHandle made = OpenOptions.Make(options, cancellation))
            using (Cancellation.Begin(cancellation, token))
            {
                IntPtr e;
                Cancellation.Check(cancellation, NativeMethods.ckpt_checkpoint_view_open(bytes, made, out handle, out e), e, token);
            }
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
            IntPtr graph;
            NativeMethods.ckpt_checkpoint_view_object_graph(handle, out graph);
            return LibCheckpoint.ObjectGraph.TakeFrom(graph);
        }

        /// <summary>The nodes that edges lead to from the root, breadth first, the root among them;
        /// each with the way by which it was found, as <c>root.leaf.v</c>. Slot variables are not
        /// among them.</summary>
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

        /// <summary>Compares the checkpoint with the objects below <paramref name="root"/>, without
        /// restoring anything.</summary>
        public Comparison Diff(Graph graph, Node root)
        {
            IntPtr diff;
            NativeMethods.ckpt_checkpoint_view_diff(handle, Required.Of(graph, "graph").Handle, root, out diff);
            return Comparison.TakeFrom(diff);
        }

        /// <summary>Does the same with what a checkpoint of a program leads to, also by the edges
        /// that it attaches to its root.</summary>
        public Comparison Diff(Checkpoint checkpoint)
        {
            IntPtr diff;
            NativeMethods.ckpt_checkpoint_view_diff_checkpoint(handle, Required.Of(checkpoint, "checkpoint").Handle, out diff);
            return Comparison.TakeFrom(diff);
        }

        /// <summary>Frees the view.</summary>
        public void Dispose() => handle.Dispose();
    }

    public sealed partial class Graph
    {
        /// <summary>
        /// Restores single objects from nodes of the checkpoint at a path, without looking at
        /// edges. All that can be known is checked before the first value is assigned.
        /// </summary>
        public void RestoreNodes(
            string path, IReadOnlyList<NodeMatch> matches, RestoreOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] bytes = Utf8.Path(path);
            Tracked.Follow();
            var ids = new uint[Required.Of(matches, "matches").Count];
            var objects = new Node[ids.Length];
            for (int i = 0; i < ids.Length; i++)
            {
                if (matches[i].Node < 0)
                {
                    throw new ArgumentOutOfRangeException(nameof(matches), "nodes are numbered from 0");
                }
                ids[i] = (uint)matches[i].Node;
                objects[i] = matches[i].Object;
            }
            using (var cancellation = new Cancellation())
            using (RestoreOptionsHandle made = RestoreOptions.Make(options, cancellation))
            using (cancellation.Begin(token))
            {
                IntPtr e;
                cancellation.Check(NativeMethods.ckpt_restore_nodes(handle, bytes, ids, objects, ids.Length, made, out e), e, token);
            }
        }
    }
}
