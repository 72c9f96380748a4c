using System;
using System.Collections.Generic;

namespace LibCheckpoint
{
    public sealed partial class Graph
    {
        /// <summary>
        /// Adds an empty list, whose elements are tracked under their indices. A list may only
        /// grow: whatever else changes it makes it unsavable for good.
        /// </summary>
        public Node AddList(NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                NativeMethods.ckpt_graph_add_list(handle, made, out node);
                return node;
            }
        }

        /// <summary>Adds an empty dict, whose elements are tracked under their keys.</summary>
        public Node AddDict(NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                NativeMethods.ckpt_graph_add_dict(handle, made, out node);
                return node;
            }
        }

        /// <summary>Adds a tuple; <see cref="Node.None"/> for elements that are not
        /// tracked.</summary>
        public Node AddTuple(Node[] elements, NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            {
                Node node;
                NativeMethods.ckpt_graph_add_tuple(handle, elements, elements.Length, made, out node);
                return node;
            }
        }

        /// <summary>Adds a named tuple: each element is tracked under its name and its
        /// index.</summary>
        public Node AddNamedTuple(IReadOnlyList<Edge> fields, NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (var pins = new Pins())
            {
                Bytes[] names = pins.Texts(Edge.Names(fields));
                Node node;
                NativeMethods.ckpt_graph_add_named_tuple(handle, names, Edge.Children(fields), names.Length, made, out node);
                return node;
            }
        }

        /// <summary>The elements of a list; <see cref="Node.None"/> for those that are not
        /// tracked.</summary>
        public Node[] ListElements(Node list)
        {
            IntPtr found;
            NativeMethods.ckpt_graph_list_elements(handle, list, out found);
            return Edge.Children(Edge.TakeFrom(found));
        }

        /// <summary>Appends an element to a list. If a restore has values for it, it is restored
        /// here and now, as by <see cref="Track"/>.</summary>
        public void ListAppend(Node list, Node element)
        {
            NativeMethods.ckpt_graph_list_append(handle, list, element);
        }

        /// <summary>Repeats a list in place. Less than 1 empties it.</summary>
        public void ListRepeat(Node list, long times)
        {
            NativeMethods.ckpt_graph_list_repeat(handle, list, times);
        }

        /// <summary>Replaces an element; a negative index counts from the end. If that was an
        /// object, the list cannot be saved any more.</summary>
        public void ListSet(Node list, long index, Node element)
        {
            NativeMethods.ckpt_graph_list_set(handle, list, index, element);
        }

        /// <summary>Inserts an element before <paramref name="index"/>, as Python does. A list that
        /// has any object then cannot be saved any more.</summary>
        public void ListInsert(Node list, long index, Node element)
        {
            NativeMethods.ckpt_graph_list_insert(handle, list, index, element);
        }

        /// <summary>Removes an element, and gives it back. A list that had any object cannot be
        /// saved any more.</summary>
        public Node ListRemove(Node list, long index)
        {
            Node element;
            NativeMethods.ckpt_graph_list_remove(handle, list, index, out element);
            return element;
        }

        /// <summary>Replaces the elements from <paramref name="start"/> up to <paramref
        /// name="end"/> by others. A list that had any object cannot be saved any more.</summary>
        public void ListSplice(Node list, long start, long end, params Node[] elements)
        {
            NativeMethods.ckpt_graph_list_splice(handle, list, start, end, elements, elements.Length);
        }

        /// <summary>Puts the elements of a list into another order: the old index of each. A list
        /// that has any object cannot be saved any more.</summary>
        public void ListReorder(Node list, params long[] order)
        {
            NativeMethods.ckpt_graph_list_reorder(handle, list, order, order.Length);
        }

        /// <summary>Sets what a key of a dict leads to. Where the key is new it is restored as by
        /// <see cref="Track"/>.</summary>
        public void DictSet(Node dict, string key, Node child)
        {
            byte[] bytes = Utf8.Encode(key, "key");
            NativeMethods.ckpt_graph_dict_set(handle, dict, bytes, child);
        }

        /// <summary>Removes a key of a dict, and gives back the object that it led to.</summary>
        public Node DictRemove(Node dict, string key)
        {
            byte[] bytes = Utf8.Encode(key, "key");
            Node child;
            NativeMethods.ckpt_graph_dict_remove(handle, dict, bytes, out child);
            return child;
        }
    }
}
