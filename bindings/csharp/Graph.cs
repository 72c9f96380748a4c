using System;
using System.Collections.Generic;

namespace LibCheckpoint
{
    /// <summary>
    /// A graph of objects with named edges: what a program saves and restores. Several threads may
    /// use it at once: each call takes the graph's one lock for its whole length, callbacks
    /// included.
    /// </summary>
    /// <remarks>
    /// What it borrows of the program's (arrays, objects with methods) it keeps until the object is
    /// removed, or the graph and all checkpoints, managers and savers of it are disposed of. It may
    /// be disposed of before these.
    /// </remarks>
    public sealed partial class Graph : IDisposable
    {
        private readonly GraphHandle handle;

        /// <summary>Makes a graph without objects.</summary>
        public Graph()
            : this(NativeMethods.ckpt_graph_new())
        {
        }

        internal Graph(GraphHandle handle)
        {
            this.handle = handle;
        }

        internal GraphHandle Handle => handle;

        /// <summary>Another object for the same graph, to be disposed of by an owner of its own.
        /// The graph lives until all of them are disposed of.</summary>
        public Graph Share() => new Graph(NativeMethods.ckpt_graph_share(handle)) { Tracked = Tracked };

        /// <summary>Adds an object without values of its own.</summary>
        public Node AddObject(NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                NativeMethods.ckpt_graph_add_object(handle, made, out node);
                return node;
            }
        }

        /// <summary>Adds an object that is saved as one string (TensorFlow's <c>PythonState</c>).
        /// <see cref="ReadStrings"/> and <see cref="AssignStrings(Node, IReadOnlyList{byte[]},
        /// IReadOnlyList{long})"/> get at it.</summary>
        public Node AddText(string text, NodeOptions options = null)
        {
            byte[] bytes = Utf8.Encode(text, "text");
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                NativeMethods.ckpt_graph_add_text(handle, bytes, made, out node);
                return node;
            }
        }

        /// <summary>Removes an object, with all edges and slots from and to it. Its children stay.
        /// What it borrowed is let go of.</summary>
        public void Remove(Node node)
        {
            NativeMethods.ckpt_graph_remove(handle, node);
        }

        /// <summary>Whether the object is there: not removed, and of this graph.</summary>
        public bool Contains(Node node)
        {
            bool contains;
            NativeMethods.ckpt_graph_contains(handle, node, out contains);
            return contains;
        }

        /// <summary>What an object is.</summary>
        public Description Describe(Node node)
        {
            IntPtr description;
            NativeMethods.ckpt_graph_describe(handle, node, out description);
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
            NativeMethods.ckpt_graph_set_debug_name(handle, node, bytes);
        }

        /// <summary>Gives a variable another name in name-based checkpoints.</summary>
        public void SetName(Node variable, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            NativeMethods.ckpt_graph_set_name(handle, variable, bytes);
        }

        /// <summary>
        /// Makes the edge from parent to child. If a restore has values for it, the child and what
        /// it leads to are restored here and now, and errors of that come from here: the edge
        /// stands all the same.
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.AlreadyExists"/> when the
        /// name leads to another object.</exception>
        public void Track(Node parent, string name, Node child)
        {
            byte[] bytes = Utf8.Encode(name);
            NativeMethods.ckpt_graph_track(handle, parent, bytes, child);
        }

        /// <summary>The same, but a name that leads to another object is made to lead to this one,
        /// which is then not restored.</summary>
        public void TrackOverwrite(Node parent, string name, Node child)
        {
            byte[] bytes = Utf8.Encode(name);
            NativeMethods.ckpt_graph_track_overwrite(handle, parent, bytes, child);
        }

        /// <summary>Removes an edge. The object that it led to stays, and is given back.</summary>
        public Node Untrack(Node parent, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            Node child;
            NativeMethods.ckpt_graph_untrack(handle, parent, bytes, out child);
            return child;
        }

        /// <summary>The object that an edge leads to; <see cref="Node.None"/> if there is no such
        /// edge.</summary>
        public Node Lookup(Node parent, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            Node child;
            NativeMethods.ckpt_graph_lookup(handle, parent, bytes, out child);
            return child;
        }

        /// <summary>How many restores wait for an edge of an object.</summary>
        public int Waiting(Node node, string name)
        {
            byte[] bytes = Utf8.Encode(name);
            long count;
            NativeMethods.ckpt_graph_waiting(handle, node, bytes, out count);
            return checked((int)count);
        }

        /// <summary>The edges of an object in the order in which they were made.
        /// (<c>TrackableView.children</c>)</summary>
        public Edge[] Children(Node node)
        {
            IntPtr found;
            NativeMethods.ckpt_graph_children(handle, node, out found);
            return Edge.TakeFrom(found);
        }

        /// <summary>The objects that edges lead to from <paramref name="root"/>, breadth first, the
        /// root the first of them. (<c>TrackableView.descendants</c>)</summary>
        public Node[] Descendants(Node root)
        {
            IntPtr found;
            NativeMethods.ckpt_graph_descendants(handle, root, out found);
            return Edge.Children(Edge.TakeFrom(found));
        }

        /// <summary>Lets go of the graph, which lives on while checkpoints, managers and savers
        /// need it.</summary>
        public void Dispose() => handle.Dispose();
    }
}
