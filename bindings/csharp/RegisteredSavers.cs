using System;
using System.Collections.Generic;

namespace LibCheckpoint
{
    /// <summary>
    /// Saves objects in its own way (<c>tf.train.experimental.register_checkpoint_saver</c>).
    /// Objects come with the paths under which they are saved; the names of tensors in sinks and
    /// sources are their keys. Its methods must not use the graph.
    /// </summary>
    public interface IObjectSaver
    {
        /// <summary>Whether it saves this object.</summary>
        bool Accepts(Node node);

        /// <summary>Puts the tensors of objects into a sink.</summary>
        void Save(IReadOnlyList<Edge> objects, Sink sink);

        /// <summary>Whether it needs the tensor of this key to restore objects.</summary>
        bool Wants(IReadOnlyList<Edge> objects, string key);

        /// <summary>Restores objects from the tensors that it wanted.</summary>
        void Restore(IReadOnlyList<Edge> objects, Source source);
    }

    public sealed partial class Graph
    {
        /// <summary>
        /// Registers a saver for the objects that it accepts; in checkpoints its name is
        /// <c>package.name</c>, and no package means <c>Custom</c>. If it is not strict, an object
        /// that it saved and does not accept any more is left as it is.
        /// </summary>
        public void RegisterSaver(string package, string name, bool strict, IObjectSaver saver)
        {
            byte[] first = Utf8.Encode(package ?? ""), second = Utf8.Encode(name);
            if (saver == null)
            {
                throw new ArgumentNullException(nameof(saver));
            }
            using (handle.Hold())
            {
                NativeMethods.ckpt_graph_register_saver(
                    handle, first, second, strict, Callbacks.Accepts, Callbacks.SaveObjects, Callbacks.Wants, Callbacks.RestoreObjects, CallbackValue.Give(saver), Callbacks.Release);
            }
        }
    }
}
