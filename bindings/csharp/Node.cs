using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.InteropServices;

namespace LibCheckpoint
{
    /// <summary>
    /// An object of a graph. It stands for that object alone: once that was removed, and in other
    /// graphs, it is an error. The default is no object.
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
        public override bool Equals(object obj) => obj is Node && Equals((Node)obj);

        /// <inheritdoc/>
        public override int GetHashCode() => number.GetHashCode();

        /// <summary>Its number.</summary>
        public override string ToString() => number.ToString(CultureInfo.InvariantCulture);
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

        internal static byte[][] Names(IReadOnlyList<Edge> edges, string what)
        {
            var names = new byte[Required.Of(edges, what).Count][];
            for (int i = 0; i < names.Length; i++)
            {
                names[i] = Utf8.Encode(edges[i].Name, what);
            }
            return names;
        }
    }

    /// <summary>
    /// Says that a variable is a part of a larger tensor, which several variables make up, mostly
    /// one in each process. The variable is added with the shape of the part; it is saved as this
    /// slice of the tensor, and restored from it however that was cut, or whole, when it was saved.
    /// </summary>
    public sealed class Part
    {
        /// <summary>Makes one.</summary>
        /// <param name="shape">The dimensions of the whole tensor.</param>
        /// <param name="region">What the variable is of it.</param>
        public Part(IReadOnlyList<long> shape, Region region)
        {
            Required.Of(region, "region").Of(Required.Of(shape, "shape"));
            Shape = Array.AsReadOnly(Elements.Copy(shape));
            Region = region;
        }

        /// <summary>The dimensions of the whole tensor.</summary>
        public IReadOnlyList<long> Shape { get; }

        /// <summary>What the variable is of it.</summary>
        public Region Region { get; }
    }

    /// <summary>More about an object that is added to a graph. What is not for its kind is an
    /// error.</summary>
    public sealed partial class NodeOptions
    {
        /// <summary>Of a variable: the part of a larger tensor that it is.</summary>
        public Part Part { get; set; }

        /// <summary>Of state: the tensors that it needs to be restored.</summary>
        public string[] TensorNames { get; set; }

        internal static NodeOptionsHandle Make(NodeOptions options) =>
            options == null
                ? NodeOptionsHandle.None
                : NativeOptions.With(NativeMethods.ckpt_node_options_new(), made => options.Set(made));

        private void Set(NodeOptionsHandle made)
        {
            SetPlain(made);
            if (Part != null)
            {
                NativeMethods.ckpt_node_options_set_part(made, Elements.Copy(Part.Shape), Part.Region.Starts, Part.Region.Lengths, Part.Region.Rank);
            }
            if (TensorNames != null)
            {
                using (var pins = new Pins())
                {
                    Bytes[] names = pins.Texts(Utf8.Encode(TensorNames));
                    NativeMethods.ckpt_node_options_set_tensor_names(made, names, names.Length);
                }
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
            Shape = NativeResult.KnownShape(NativeMethods.ckpt_description_shape(description), NativeMethods.ckpt_description_rank(description));
        }

        /// <summary>The kind of the object.</summary>
        public NodeKind Kind { get; }

        /// <summary>Of a variable; <see cref="DType.Invalid"/> of one that takes it from the
        /// checkpoint, and of other objects.</summary>
        public DType DType { get; }

        /// <summary>Of a variable with a value; null otherwise.</summary>
        public IReadOnlyList<long> Shape { get; }
    }
}
