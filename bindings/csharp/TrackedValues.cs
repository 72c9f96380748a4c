using System;
using System.Collections.Generic;
using System.Linq;

namespace LibCheckpoint
{
    /// <summary>
    /// What tracked members of objects held when the graph heard of it. Before a save or a restore
    /// they are asked again: an array that has taken the place of another becomes the memory of its
    /// variable, and whatever else is not what it was is an error.
    /// </summary>
    internal sealed class TrackedValues
    {
        private readonly Dictionary<Node, Value> values = new Dictionary<Node, Value>();
        private readonly List<Absent> absent = new List<Absent>();

        /// <summary>Hears that a member holds what a node stands for.</summary>
        internal void Add(Graph graph, Node node, string path, Member member, object held)
        {
            lock (values)
            {
                Value value;
                if (!values.TryGetValue(node, out value))
                {
                    value = new Value { Graph = graph, Node = node, Held = held };
                    values.Add(node, value);
                }
                value.Places.Add(new Place { Path = path, Member = member });
            }
        }

        /// <summary>Hears that a member holds nothing.</summary>
        internal void AddAbsent(Graph graph, Node parent, string path, Member member)
        {
            lock (values)
            {
                absent.Add(new Absent { Graph = graph, Parent = parent, Path = path, Member = member });
            }
        }

        /// <summary>Gives the graph the arrays that members hold now.</summary>
        /// <exception cref="InvalidOperationException">A member holds what cannot be followed; then
        /// nothing has changed.</exception>
        internal void Follow()
        {
            lock (values)
            {
                Value[] replaced = values.Values.Where(value => value.IsReplaced()).ToArray();
                Absent appeared = absent.FirstOrDefault(one => one.HasAppeared());
                if (appeared != null)
                {
                    throw new InvalidOperationException(
                        appeared.Path + ": nothing was there when the object was tracked, and now there is a "
                        + appeared.Member.Value().GetType() + ": track it by its name");
                }
                foreach (Value value in replaced)
                {
                    value.Take();
                }
            }
        }

        private static Array MemoryOf(object held) => held is IScalar ? ((IScalar)held).Memory : held as Array;

        private static string Text(Array memory, bool isScalar)
        {
            DType dtype;
            Type element = memory.GetType().GetElementType();
            string named = Elements.Known.TryGetValue(element, out dtype) ? dtype.Name() : element.Name;
            return named + " [" + (isScalar ? "" : string.Join(",", Graph.ShapeOf(memory))) + "]";
        }

        private sealed class Place
        {
            internal string Path { get; set; }

            internal Member Member { get; set; }
        }

        private sealed class Absent
        {
            internal Graph Graph { get; set; }

            internal Node Parent { get; set; }

            internal string Path { get; set; }

            internal Member Member { get; set; }

            // Who has tracked it by hand has taken care of it.
            internal bool HasAppeared() =>
                Member.Value() != null && Graph.Contains(Parent) && Graph.Lookup(Parent, Member.Name).IsNone;
        }

        /// <summary>An object of the graph, and the members that hold what it stands for.</summary>
        private sealed class Value
        {
            private object now;

            internal Graph Graph { get; set; }

            internal Node Node { get; set; }

            internal object Held { get; set; }

            internal List<Place> Places { get; } = new List<Place>();

            internal bool IsReplaced()
            {
                now = Places[0].Member.Value();
                Place other = Places.Find(place => !ReferenceEquals(place.Member.Value(), now));
                if ((ReferenceEquals(now, Held) && other == null) || !Graph.Contains(Node))
                {
                    return false;
                }
                if (other != null)
                {
                    throw new InvalidOperationException(
                        Places[0].Path + " and " + other.Path
                        + ": they held one object when they were tracked, and now they do not");
                }
                Array before = MemoryOf(Held), after = MemoryOf(now);
                if (before == null || after == null)
                {
                    throw new InvalidOperationException(
                        Places[0].Path + ": " + (now == null ? "nothing" : "a " + now.GetType()) + " has taken the place of the "
                        + Held.GetType() + " that is tracked: only arrays and scalars are followed");
                }
                string expected = Text(before, Held is IScalar), found = Text(after, now is IScalar);
                if (expected != found)
                {
                    throw new InvalidOperationException(
                        Places[0].Path + ": another array has taken the place of the one that is tracked: expected "
                        + expected + ", found " + found);
                }
                return true;
            }

            internal void Take()
            {
                Graph.SetBorrowed(Node, MemoryOf(now));
                Held = now;
            }
        }
    }
}
