using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
#if NET5_0_OR_GREATER
using System.Diagnostics.CodeAnalysis;
#endif
using System.Linq;
using System.Runtime.CompilerServices;

namespace LibCheckpoint
{
    /// <summary>Marks a field or property that <see cref="Graph.TrackObject(Node, ITracked)"/>
    /// tracks.</summary>
    [AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
    public sealed class TrackedAttribute : Attribute
    {
        /// <summary>Makes one.</summary>
        /// <param name="name">The name of the edge; null for the member's own.</param>
        public TrackedAttribute(string name = null)
        {
            Name = name;
        }

        /// <summary>The name of the edge; null for the member's own.</summary>
        public string Name { get; }

        /// <summary>The dimensions of a variable; null for those of the array.</summary>
        public long[] Shape { get; set; }
    }

    /// <summary>
    /// A class with tracked members, which are kept when the application is trimmed or compiled
    /// ahead of time: private ones, unused ones, and those of base classes. (A base class
    /// implements this, too, if the application is for a .NET before 10.)
    /// </summary>
#if NET5_0_OR_GREATER
    [DynamicallyAccessedMembers(Trimming.Kept)]
#endif
    public interface ITracked
    {
    }

    /// <summary>A number that a graph can borrow: a variable without dimensions.</summary>
    /// <typeparam name="T">The type of the number.</typeparam>
    public sealed class Scalar<T> : IScalar
        where T : struct
    {
        private readonly T[] memory = new T[1];

        /// <summary>Makes one.</summary>
        public Scalar(T value = default(T))
        {
            memory[0] = value;
        }

        /// <summary>The number.</summary>
        public T Value
        {
            get { return memory[0]; }
            set { memory[0] = value; }
        }

        Array IScalar.Memory => memory;

        /// <summary>The number as text.</summary>
        public override string ToString() => memory[0].ToString();
    }

    internal interface IScalar
    {
        Array Memory { get; }
    }

    public sealed partial class Graph
    {
        internal TrackedValues Tracked { get; set; } = new TrackedValues();

        /// <summary>
        /// Adds the objects that a program's object holds, and tracks them below <paramref
        /// name="root"/> by names, as <c>tf.Module</c> does with its attributes. Members are
        /// tracked that have a <see cref="TrackedAttribute"/>, those of base classes and private
        /// ones too, in the order of their names:
        /// </summary>
        /// <remarks>
        /// <para>Arrays of any rank are variables, <see cref="Scalar{T}"/> variables without
        /// dimensions, <see cref="IState"/> state of its own, dictionaries with strings for keys
        /// dicts, in the order of the keys, other collections lists, other objects of classes
        /// objects with tracked members of their own. Null is left out; in a list it takes a place.
        /// What is held twice is one object, as in TensorFlow.</para>
        /// <para>The arrays are the graph's until that is gone, or until members hold others: each
        /// call that saves or restores asks the members again. An array of the same type and shape
        /// that was assigned since becomes the variable's memory. Anything else that was assigned
        /// is an <see cref="InvalidOperationException"/> of that call, and so is what took the
        /// place of null without having been tracked by hand. Lists and dicts that change later,
        /// and arrays in them, have to be tracked by hand. Values wait for what is tracked after a
        /// restore, as they do for <see cref="Track"/>. When it fails, what was tracked before
        /// stays tracked.</para>
        /// <para>In an application that is trimmed or compiled ahead of time, the classes of all
        /// these objects implement <see cref="ITracked"/>.</para>
        /// </remarks>
        /// <returns>All objects by their paths, as <c>layers/0/kernel</c>.</returns>
        /// <exception cref="ArgumentException">Something is marked that cannot be tracked; an
        /// object has no marked members, or may have lost some because the application is trimmed.
        /// The message has its path.</exception>
        public IReadOnlyDictionary<string, Node> TrackObject(Node root, ITracked model) => TrackMembers(root, model);

        /// <summary>Tracks what an object holds, as the other does. An application that is trimmed
        /// or compiled ahead of time needs that one.</summary>
#if NET5_0_OR_GREATER
        [RequiresUnreferencedCode(
            "Trimming removes members that are found by reflection alone: let the class implement ITracked.")]
#endif
        public IReadOnlyDictionary<string, Node> TrackObject(Node root, object model) => TrackMembers(root, model);

        private Dictionary<string, Node> TrackMembers(Node root, object model)
        {
            if (model == null)
            {
                throw new ArgumentNullException(nameof(model));
            }
            var walk = new Walk(this);
            walk.Seen[model] = root;
            walk.Members(root, "", model);
            return walk.Found;
        }

        private sealed class Walk
        {
            internal readonly Dictionary<object, Node> Seen = new Dictionary<object, Node>(new Identity());
            internal readonly Dictionary<string, Node> Found = new Dictionary<string, Node>();
            private readonly Graph graph;

            internal Walk(Graph graph)
            {
                this.graph = graph;
            }

            internal void Members(Node parent, string path, object owner)
            {
                foreach (Member member in Member.Of(owner, path == "" ? "" : path + ": "))
                {
                    object value = member.Value();
                    string own = Join(path, member.Name);
                    if (value == null)
                    {
                        graph.Tracked.AddAbsent(graph, parent, own, member);
                        continue;
                    }
                    Add(own, value, member.Shape, child => graph.Track(parent, member.Name, child));
                    graph.Tracked.Add(graph, Found[own], own, member, value);
                }
            }

            private static string Join(string path, string name) => path == "" ? name : path + "/" + name;

            // Adds one object, has it tracked, and goes on below it: parents first, as a restore
            // wants it.
            private void Add(string path, object value, long[] shape, Action<Node> track)
            {
                Node node;
                Action below = null;
                if (!Seen.TryGetValue(value, out node))
                {
                    node = Make(path, value, shape, ref below);
                    Seen[value] = node;
                }
                Found[path] = node;
                track(node);
                if (below != null)
                {
                    below();
                }
            }

            private Node Make(string path, object value, long[] shape, ref Action below)
            {
                var array = value as Array;
                if (array != null && Elements.Known.ContainsKey(array.GetType().GetElementType()))
                {
                    return graph.Borrow(array, shape ?? ShapeOf(array), null);
                }
                if (value is IState)
                {
                    return graph.AddState((IState)value);
                }
                if (value is IScalar)
                {
                    return graph.Borrow(((IScalar)value).Memory, Array.Empty<long>(), null);
                }
                if (value is string || value is ValueType)
                {
                    throw new ArgumentException(path + ": a " + value.GetType() + " cannot be tracked");
                }
                Node node;
                if (value is IDictionary)
                {
                    if (((IDictionary)value).Keys.Cast<object>().Any(key => !(key is string)))
                    {
                        throw new ArgumentException(path + ": a dict has strings for keys");
                    }
                    Node dict = node = graph.AddDict();
                    below = () => Dict(dict, path, (IDictionary)value);
                }
                else if (value is IEnumerable)
                {
                    Node list = node = graph.AddList();
                    below = () => List(list, path, (IEnumerable)value);
                }
                else
                {
                    Node parent = node = graph.AddObject();
                    below = () => Members(parent, path, value);
                }
                return node;
            }

            private void List(Node list, string path, IEnumerable elements)
            {
                int index = 0;
                foreach (object element in elements)
                {
                    if (element == null)
                    {
                        graph.ListAppend(list, Node.None);
                    }
                    else
                    {
                        Add(
                            Join(path, index.ToString(CultureInfo.InvariantCulture)), element, null, child => graph.ListAppend(list, child));
                    }
                    index++;
                }
            }

            private void Dict(Node dict, string path, IDictionary entries)
            {
                foreach (string key in entries.Keys.Cast<string>().OrderBy(key => key, StringComparer.Ordinal))
                {
                    if (entries[key] != null)
                    {
                        Add(Join(path, key), entries[key], null, child => graph.DictSet(dict, key, child));
                    }
                }
            }
        }

        private sealed class Identity : IEqualityComparer<object>
        {
            bool IEqualityComparer<object>.Equals(object left, object right) => ReferenceEquals(left, right);

            int IEqualityComparer<object>.GetHashCode(object value) => RuntimeHelpers.GetHashCode(value);
        }
    }
}
