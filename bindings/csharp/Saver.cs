using System;
using System.Collections.Generic;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>How a saver numbers its checkpoints and keeps them.</summary>
    public sealed partial class SaverOptions
    {
        /// <summary>Another clock than the machine's.</summary>
        public Func<DateTimeOffset> Clock { get; set; }

        /// <summary>Hears of old checkpoints that cannot be removed and the like.</summary>
        public Action<Severity, string> Log { get; set; }

        internal static SaverOptionsHandle Make(SaverOptions options) =>
            options == null
                ? SaverOptionsHandle.None
                : NativeOptions.With(NativeMethods.ckpt_saver_options_new(), made => options.Set(made));

        private void Set(SaverOptionsHandle made)
        {
            SetPlain(made);
            Required.NotNegative(MaxToKeep, nameof(MaxToKeep));
            if (Clock != null)
            {
                var clock = new Clock { Now = Clock };
                NativeMethods.ckpt_saver_options_set_clock(made, Callbacks.Now, CallbackValue.Give(clock), Callbacks.Release);
            }
            if (Log != null)
            {
                NativeMethods.ckpt_saver_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
        }
    }

    /// <summary>How one checkpoint is saved by names.</summary>
    public sealed partial class SaverSaveOptions
    {
        /// <summary>Another name for the state file than <c>checkpoint</c>.</summary>
        public string LatestFilename { get; set; }

        /// <summary>How the files are written; null for the defaults.</summary>
        public CheckpointSaveOptions Save { get; set; }

        internal static SaverSaveOptionsHandle Make(SaverSaveOptions options, Cancellation cancellation) =>
            NativeOptions.With(
                NativeMethods.ckpt_saver_save_options_new(), made => (options ?? new SaverSaveOptions()).Set(made, cancellation));

        private void Set(SaverSaveOptionsHandle made, Cancellation cancellation)
        {
            SetPlain(made);
            using (SaveOptionsHandle save = CheckpointSaveOptions.Make(Save, cancellation))
            {
                NativeMethods.ckpt_saver_save_options_set_save_options(made, save);
            }
            if (LatestFilename != null)
            {
                NativeMethods.ckpt_saver_save_options_set_latest_filename(made, Utf8.Path(LatestFilename, "LatestFilename"));
            }
        }
    }

    /// <summary>
    /// Saves objects of a graph under names of the program's, and restores them by these
    /// (<c>tf.compat.v1.train.Saver</c>). Its checkpoints have no object graph. It keeps the graph
    /// alive. Several threads may use it at once.
    /// </summary>
    public sealed class Saver : IDisposable
    {
        private readonly SaverHandle handle;
        private readonly TrackedValues tracked;

        /// <summary>Makes a saver of objects, each under its name.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.AlreadyExists"/> when two
        /// objects have one name, or one object two; <see cref="ErrorCode.InvalidArgument"/> for
        /// what has no values.</exception>
        public Saver(Graph graph, IReadOnlyList<Edge> objects, SaverOptions options = null)
        {
            tracked = Required.Of(graph, "graph").Tracked;
            using (SaverOptionsHandle made = SaverOptions.Make(options))
            using (var pins = new Pins())
            {
                Bytes[] names = pins.Texts(Edge.Names(objects, "objects"));
                NativeMethods.ckpt_saver_new(graph.Handle, names, Edge.Children(objects), names.Length, made, out handle);
            }
        }

        private Saver(SaverHandle handle, TrackedValues tracked)
        {
            this.tracked = tracked;
            this.handle = handle;
        }

        /// <summary>Makes a saver of variables under their own names (<see
        /// cref="NodeOptions.Name"/>).</summary>
        public static Saver OfVariables(Graph graph, Node[] variables, SaverOptions options = null)
        {
            Required.Of(graph, "graph");
            Required.Of(variables, "variables");
            using (SaverOptionsHandle made = SaverOptions.Make(options))
            {
                SaverHandle handle;
                NativeMethods.ckpt_saver_new_of_variables(graph.Handle, variables, variables.Length, made, out handle);
                return new Saver(handle, graph.Tracked);
            }
        }

        /// <summary>Makes a saver of everything that <paramref name="root"/> leads to and that has
        /// values, by the variables' own names.</summary>
        public static Saver OfRoot(Graph graph, Node root, SaverOptions options = null)
        {
            Required.Of(graph, "graph");
            using (SaverOptionsHandle made = SaverOptions.Make(options))
            {
                SaverHandle handle;
                NativeMethods.ckpt_saver_new_of_root(graph.Handle, root, made, out handle);
                return new Saver(handle, graph.Tracked);
            }
        }

        /// <summary>The names under which objects are saved, sorted.</summary>
        public string[] Names()
        {
            IntPtr names;
            NativeMethods.ckpt_saver_names(handle, out names);
            return NativeResult.Texts(names);
        }

        /// <summary>Writes the checkpoint <paramref name="prefix"/>, or <c>prefix-STEP</c>, records
        /// it, and removes old ones. Gives its path.</summary>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public string Save(string prefix, SaverSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            tracked.Follow();
            using (Cancellation cancellation = CheckpointSaveOptions.Cancellation(options == null ? null : options.Save))
            using (SaverSaveOptionsHandle made = SaverSaveOptions.Make(options, cancellation))
            using (cancellation.Begin(token))
            {
                IntPtr path, e;
                cancellation.Check(NativeMethods.ckpt_saver_save(handle, Utf8.Path(prefix, "prefix"), made, out path, out e), e, token);
                return NativeResult.Text(path);
            }
        }

        /// <summary> Restores all objects from the checkpoint at a path. One that has an object
        /// graph, and not the names, is restored by the full names of variables. Paths in the
        /// options are names of tensors and their scopes. A name that ends in ":0" is also looked
        /// up without that. </summary>
        /// <exception cref="OperationCanceledException">The token was cancelled: before the first
        /// value is assigned nothing has changed then.</exception>
        public Report Restore(
            string path, RestoreOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] bytes = Utf8.Path(path);
            tracked.Follow();
            using (var cancellation = new Cancellation())
            using (RestoreOptionsHandle made = RestoreOptions.Make(options, cancellation))
            using (cancellation.Begin(token))
            {
                IntPtr report, e;
                cancellation.Check(NativeMethods.ckpt_saver_restore(handle, bytes, made, out report, out e), e, token);
                return Report.TakeFrom(report);
            }
        }

        /// <summary>What became of every value in the last restore, also in one that failed; null
        /// before the first.</summary>
        public Report LastReport()
        {
            IntPtr report;
            NativeMethods.ckpt_saver_last_report(handle, out report);
            return Report.TakeFrom(report);
        }

        /// <summary>The checkpoints that were recorded and are not removed yet, oldest
        /// first.</summary>
        public string[] LastCheckpoints()
        {
            IntPtr paths;
            NativeMethods.ckpt_saver_last_checkpoints(handle, out paths);
            return NativeResult.Texts(paths);
        }

        /// <summary>Takes these paths for the checkpoints that were recorded, oldest
        /// first.</summary>
        /// <param name="paths">The checkpoints.</param>
        /// <param name="times">When each was made; null if that is not known: then none of them is
        /// ever removed.</param>
        public void SetLastCheckpoints(IReadOnlyList<string> paths, IReadOnlyList<DateTimeOffset> times = null)
        {
            if (times != null && times.Count != Required.Of(paths, "paths").Count)
            {
                throw new ArgumentException("there is a time for each checkpoint");
            }
            double[] seconds = null;
            if (times != null)
            {
                seconds = new double[times.Count];
                for (int i = 0; i < seconds.Length; i++)
                {
                    seconds[i] = Time.Seconds(times[i]);
                }
            }
            using (var pins = new Pins())
            {
                Bytes[] all = pins.Texts(Utf8.Encode(paths, "paths"));
                NativeMethods.ckpt_saver_set_last_checkpoints(handle, all, seconds, all.Length);
            }
        }

        /// <summary>Takes those of these checkpoints that are there for the ones that were
        /// recorded, with the times of their files.</summary>
        public void RecoverLastCheckpoints(IReadOnlyList<string> paths)
        {
            using (var pins = new Pins())
            {
                Bytes[] all = pins.Texts(Utf8.Encode(paths, "paths"));
                NativeMethods.ckpt_saver_recover_last_checkpoints(handle, all, all.Length);
            }
        }

        /// <summary>Lets go of the saver. The checkpoints that it made stay.</summary>
        public void Dispose() => handle.Dispose();
    }
}
