using System;
using System.Collections.Generic;
using System.Threading;

namespace LibCheckpoint
{
    /// <summary>How a graph is saved (<c>tf.train.CheckpointOptions</c>).</summary>
    public sealed partial class CheckpointSaveOptions
    {
        /// <summary>How files are written; null for the defaults.</summary>
        public WriteOptions Write { get; set; }

        /// <summary>
        /// Hear, one after the other, that the files of a checkpoint are complete, before the state
        /// file says so. What one throws ends the call with <see cref="ErrorCode.Aborted"/>; the
        /// checkpoint stays. (<c>experimental_write_callbacks</c>)
        /// </summary>
        public IList<Action<string>> Written { get; } = new List<Action<string>>();

        internal static Cancellation Cancellation(CheckpointSaveOptions options) =>
            WriteOptions.Cancellation(options == null ? null : options.Write);

        internal static SaveOptionsHandle Make(CheckpointSaveOptions options, Cancellation cancellation) =>
            NativeOptions.With(
                NativeMethods.ckpt_save_options_new(), made => (options ?? new CheckpointSaveOptions()).Set(made, cancellation));

        private void Set(SaveOptionsHandle made, Cancellation cancellation)
        {
            SetPlain(made);
            using (WriteOptionsHandle write = WriteOptions.Make(Write, cancellation))
            {
                NativeMethods.ckpt_save_options_set_write_options(made, write);
            }
            foreach (Action<string> written in Written)
            {
                NativeMethods.ckpt_save_options_add_callback(
                    made, Callbacks.Written, CallbackValue.Give(Required.Of(written, nameof(Written))), Callbacks.Release);
            }
        }
    }

    /// <summary>Takes what a checkpoint has at <see cref="From"/> for what the program has at <see
    /// cref="To"/>: paths of objects, each with all that is below.</summary>
    public sealed class Rename
    {
        /// <summary>Makes one.</summary>
        public Rename(string from, string to)
        {
            From = from;
            To = to;
        }

        /// <summary>The path in the checkpoint.</summary>
        public string From { get; }

        /// <summary>The path in the program.</summary>
        public string To { get; }
    }

    /// <summary> How a graph is restored. All paths, but the new paths of renames, are paths in the
    /// checkpoint: below the subtree if there is one, and before any rename. They are those of
    /// keys: names of edges joined by <c>/</c>; in a name-based checkpoint, names of tensors and
    /// their scopes. Globs know <c>*</c> (within a name), <c>**</c> (any number of names),
    /// <c>?</c>, <c>[...]</c> and <c>{a,b}</c>. </summary> <example> With the subtree <c>model</c>,
    /// a rename from <c>old</c> to <c>new</c> and <c>old/bias</c> excluded, <c>new/kernel</c> is
    /// restored from <c>model/old/kernel</c>, and <c>new/bias</c> is left as it is. </example>
    public sealed partial class RestoreOptions
    {
        /// <summary>How values are read; null for the defaults.</summary>
        public ReadOptions Read { get; set; }

        /// <summary>The log of <see cref="Graph.RestoreNodes"/>: hears how the path was understood
        /// where that may surprise, and of globs that match nothing. A checkpoint, manager or saver
        /// has a log of its own.</summary>
        public Action<Severity, string> Log { get; set; }

        /// <summary>Options of a call that is cancelled by what is given here; null for one that is
        /// not, or in another way.</summary>
        internal static RestoreOptionsHandle Make(RestoreOptions options, Cancellation cancellation = null) =>
            options == null && cancellation == null
                ? RestoreOptionsHandle.None
                : NativeOptions.With(NativeMethods.ckpt_restore_options_new(), made => (options ?? new RestoreOptions()).Set(made, cancellation));

        private void Set(RestoreOptionsHandle made, Cancellation cancellation)
        {
            SetPlain(made);
            if (cancellation != null)
            {
                NativeMethods.ckpt_restore_options_set_cancel(made, cancellation.Cancel);
            }
            if (Read != null)
            {
                using (ReadOptionsHandle read = ReadOptions.Make(Read))
                {
                    NativeMethods.ckpt_restore_options_set_read_options(made, read);
                }
            }
            if (Log != null)
            {
                NativeMethods.ckpt_restore_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
        }
    }

    /// <summary>
    /// Saves and restores what a root object of a graph leads to (<c>tf.train.Checkpoint</c>). It
    /// keeps the graph alive. Several threads may use it at once; their calls come one after the
    /// other.
    /// </summary>
    public sealed partial class Checkpoint : IDisposable
    {
        private readonly CheckpointHandle handle;

        /// <summary>Makes the checkpoint of what <paramref name="root"/> leads to. Its files are
        /// those of <c>tf.train.Checkpoint(**edges of root)</c>.</summary>
        public Checkpoint(Graph graph, Node root)
        {
            Tracked = Required.Of(graph, "graph").Tracked;
            NativeMethods.ckpt_checkpoint_new(graph.Handle, root, out handle);
        }

        /// <summary>Makes the checkpoint of <paramref name="root"/>, to which it attaches more
        /// edges. Its files are those of <c>tf.train.Checkpoint(root, **attached)</c>.</summary>
        public Checkpoint(Graph graph, Node root, IReadOnlyList<Edge> attached)
        {
            Tracked = Required.Of(graph, "graph").Tracked;
            using (var pins = new Pins())
            {
                Bytes[] names = pins.Texts(Edge.Names(attached, "attached"));
                NativeMethods.ckpt_checkpoint_new_with_root(graph.Handle, root, names, Edge.Children(attached), names.Length, out handle);
            }
        }

        internal Checkpoint(CheckpointHandle handle, TrackedValues tracked, Running running)
        {
            this.handle = handle;
            Tracked = tracked;
            Running = running;
        }

        private delegate ErrorCode SaveCall(SaveOptionsHandle options, out IntPtr path, out IntPtr error);

        private delegate ErrorCode RankedCall(RanksHandle ranks, SaveOptionsHandle options, out IntPtr path, out IntPtr error);

        private delegate ErrorCode PendingCall(SaveOptionsHandle options, out PendingHandle pending, out IntPtr error);

        private delegate ErrorCode PendingRestoreCall(RestoreOptionsHandle options, out PendingHandle pending, out IntPtr error);

        private delegate ErrorCode RestoreCall(RestoreOptionsHandle options, out StatusHandle status, out IntPtr error);

        /// <summary>The root object.</summary>
        public Node Root => NativeMethods.ckpt_checkpoint_root(handle);

        internal CheckpointHandle Handle => handle;

        internal TrackedValues Tracked { get; }

        internal Running Running { get; } = new Running();

        /// <summary>The graph: an object of its own, to be disposed of.</summary>
        public Graph Graph() => new Graph(NativeMethods.ckpt_checkpoint_graph(handle)) { Tracked = Tracked };

        /// <summary>
        /// Has <paramref name="log"/> called about values of a checkpoint that were never used and
        /// the like; null for no one. A restore keeps the one that was set when it was called.
        /// </summary>
        public void SetLog(Action<Severity, string> log)
        {
            using (handle.Hold())
            {
                NativeMethods.ckpt_checkpoint_set_log(
                    handle, log == null ? null : Callbacks.Log, log == null ? IntPtr.Zero : CallbackValue.Give(log), log == null ? null : Callbacks.Release);
            }
        }

        /// <summary>The variable that counts saves, an int64 scalar; it is made when it is asked
        /// for first.</summary>
        public Node SaveCounter()
        {
            Node counter;
            NativeMethods.ckpt_checkpoint_save_counter(handle, out counter);
            return counter;
        }

        /// <summary>How often this checkpoint was saved, by the save counter.</summary>
        public long SaveCount()
        {
            long count;
            NativeMethods.ckpt_checkpoint_save_count(handle, out count);
            return count;
        }

        /// <summary>
        /// Counts, writes the checkpoint <c>prefix-COUNT</c> (the first is <c>prefix-1</c>), and
        /// has the directory's state file name it as the latest and only one. Gives its path.
        /// (<c>tf.train.Checkpoint.save</c>)
        /// </summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.FailedPrecondition"/> when a
        /// variable has no value yet, or a list or slot cannot be saved; <see
        /// cref="ErrorCode.Aborted"/> when a callback fails; else what <see cref="Writer.Finish"/>
        /// reports. What was at the path is then still there.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public string Save(
            string prefix, CheckpointSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(prefix, "prefix");
            return SaveBy(options, token, delegate(SaveOptionsHandle made, out IntPtr saved, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_save(handle, path, made, out saved, out error);
            });
        }

        /// <summary>Writes the checkpoint <paramref name="prefix"/>, neither counting nor telling
        /// the state file. (<c>tf.train.Checkpoint.write</c>)</summary>
        public string Write(
            string prefix, CheckpointSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(prefix, "prefix");
            return SaveBy(options, token, delegate(SaveOptionsHandle made, out IntPtr saved, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_write(handle, path, made, out saved, out error);
            });
        }

        /// <summary>Writes the checkpoint <c>prefix-number</c> and makes it the latest and only
        /// one in the state file. It does not count.</summary>
        public string WriteNumbered(
            string prefix, long number, CheckpointSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(prefix, "prefix");
            return SaveBy(options, token, delegate(SaveOptionsHandle made, out IntPtr saved, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_write_numbered(handle, path, number, made, out saved, out error);
            });
        }

        /// <summary>Waits for the save that is running in the background, if there is one.
        /// </summary>
        /// <exception cref="CheckpointException">The error of a save in the background that has not
        /// been reported yet: of the first one, and at the next call of the last one.</exception>
        public void Sync()
        {
            NativeMethods.ckpt_checkpoint_sync(handle);
        }

        /// <summary>The error of the last save in the background that failed, whether or not it has
        /// been reported; null if none has failed. Later saves that succeed do not change it, and a
        /// cancelled save has not failed. Never waits.</summary>
        public CheckpointException LastFailure
        {
            get
            {
                IntPtr e;
                ErrorCode code = NativeMethods.ckpt_checkpoint_last_failure(handle, out e);
                return code == ErrorCode.Ok ? null : CheckpointException.Of(code, e);
            }
        }

        /// <summary>
        /// Counts and writes the checkpoint <c>prefix-COUNT</c> together with other ranks, as <see
        /// cref="WriteRanked"/> does, and has the directory's state file name it. The count is that
        /// of rank 0, and the others' after that. Gives the path.
        /// </summary>
        /// <exception cref="CheckpointException">What <see cref="WriteRanked"/> and <see
        /// cref="Save"/> report; a count stands in any case.</exception>
        public string SaveRanked(
            string prefix, IRanks ranks, CheckpointSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(prefix, "prefix");
            return SaveBy(ranks, options, token, delegate(RanksHandle all, SaveOptionsHandle made, out IntPtr saved, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_save_ranked(handle, path, all, made, out saved, out error);
            });
        }

        /// <summary>
        /// Writes the checkpoint <paramref name="prefix"/> together with other ranks, neither
        /// counting nor telling the state file. Each rank has a checkpoint of a graph of its own;
        /// an object of the file is what the same edges lead to in any of them. What several have
        /// is written by the first of them; parts of a tensor (<see cref="Part"/>) by whoever has
        /// them. The prefix must lead every rank to the same files.
        /// </summary>
        /// <remarks>Nothing is published unless all have written their sections; each call then
        /// returns the same. Written callbacks are called on rank 0.</remarks>
        /// <exception cref="CheckpointException">With <see cref="Reason.Rank"/> what failed on a
        /// rank, which is named; <see cref="ErrorCode.Unavailable"/> when one did not come, or the
        /// others could not be reached; <see cref="ErrorCode.InvalidArgument"/> when ranks do not
        /// fit together. Else what <see cref="Write"/> reports. What was at the prefix is then
        /// still there.</exception>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public string WriteRanked(
            string prefix, IRanks ranks, CheckpointSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(prefix, "prefix");
            return SaveBy(ranks, options, token, delegate(RanksHandle all, SaveOptionsHandle made, out IntPtr saved, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_write_ranked(handle, path, all, made, out saved, out error);
            });
        }

        /// <summary>
        /// Writes the own section of a checkpoint, <c>prefix.section-RANK-of-COUNT</c>, to be
        /// merged with those of the other ranks later (<see cref="CheckpointFiles.Merge"/>). The
        /// prefix may be on a disk of the rank's own. Gives the path of the section.
        /// </summary>
        /// <exception cref="CheckpointException">What <see cref="WriteRanked"/> reports; then the
        /// section is not there, nor one that was.</exception>
        public string WriteSection(
            string prefix, IRanks ranks, CheckpointSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(prefix, "prefix");
            return SaveBy(ranks, options, token, delegate(RanksHandle all, SaveOptionsHandle made, out IntPtr saved, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_write_section(handle, path, all, made, out saved, out error);
            });
        }

        /// <summary>
        /// Restores the program from the checkpoint at a path: a prefix, one of its files, a
        /// directory with a state file (its latest), or a SavedModel. Every object that the root
        /// leads to by the edges that were saved takes its value; what the program does not have
        /// yet is restored when it is tracked. (<c>tf.train.Checkpoint.restore</c>)
        /// </summary>
        /// <exception cref="CheckpointException"> All that can be known is checked before the first
        /// value is assigned; if it fails then, nothing has changed. Else <see cref="LastReport"/>
        /// says of each value what became of it. <see cref="ErrorCode.NotFound"/> when there is no
        /// checkpoint; <see cref="ErrorCode.InvalidArgument"/> when a value does not fit its
        /// object; <see cref="ErrorCode.DataLoss"/> when the checkpoint is damaged; <see
        /// cref="ErrorCode.Aborted"/> when a callback fails. </exception>
        /// <exception cref="OperationCanceledException">The token was cancelled: before the first
        /// value is assigned nothing has changed then.</exception>
        public Status Restore(
            string path, RestoreOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] bytes = Utf8.Path(path);
            return RestoreBy(options, token, delegate(RestoreOptionsHandle made, out StatusHandle status, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_restore(handle, bytes, made, out status, out error);
            });
        }

        /// <summary>Does the same without the save counter, for what <see cref="Write"/> wrote.
        /// (<c>tf.train.Checkpoint.read</c>)</summary>
        public Status Read(
            string path, RestoreOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] bytes = Utf8.Path(path);
            return RestoreBy(options, token, delegate(RestoreOptionsHandle made, out StatusHandle status, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_read(handle, bytes, made, out status, out error);
            });
        }

        /// <summary>Restores nothing, but makes the save counter. All assertions of the status
        /// fail. (<c>tf.train.Checkpoint.restore(None)</c>)</summary>
        public Status RestoreNothing()
        {
            StatusHandle status;
            NativeMethods.ckpt_checkpoint_restore_nothing(handle, out status);
            return Status.Of(status);
        }

        /// <summary>Says what <see cref="Read"/> would do. Nothing is assigned, and nothing waits
        /// for it. What does not fit is in the rows.</summary>
        /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
        public Report DryRun(
            string path, RestoreOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] bytes = Utf8.Path(path);
            using (var cancellation = new Cancellation())
            using (RestoreOptionsHandle made = RestoreOptions.Make(options, cancellation))
            using (cancellation.Begin(token))
            {
                IntPtr report, e;
                cancellation.Check(NativeMethods.ckpt_checkpoint_dry_run(handle, bytes, made, out report, out e), e, token);
                return Report.TakeFrom(report);
            }
        }

        /// <summary>What became of every value in the last restore or read, also in one that
        /// failed; null before the first.</summary>
        public Report LastReport()
        {
            IntPtr report;
            NativeMethods.ckpt_checkpoint_last_report(handle, out report);
            return Report.TakeFrom(report);
        }

        /// <summary>Lets go of the checkpoint. Restores that wait go on waiting while the graph is
        /// there.</summary>
        public void Dispose() => handle.Dispose();

        private string SaveBy(CheckpointSaveOptions options, CancellationToken token, SaveCall call)
        {
            Tracked.Follow();
            using (Cancellation cancellation = CheckpointSaveOptions.Cancellation(options))
            using (SaveOptionsHandle made = CheckpointSaveOptions.Make(options, cancellation))
            using (cancellation.Begin(token))
            {
                IntPtr saved, e;
                cancellation.Check(call(made, out saved, out e), e, token);
                return NativeResult.Text(saved);
            }
        }

        private string SaveBy(IRanks ranks, CheckpointSaveOptions options, CancellationToken token, RankedCall call)
        {
            using (RanksHandle all = RankCallbacks.Make(ranks))
            {
                return SaveBy(options, token, delegate(SaveOptionsHandle made, out IntPtr saved, out IntPtr error)
                {
                    return call(all, made, out saved, out error);
                });
            }
        }

        private Status RestoreBy(RestoreOptions options, CancellationToken token, RestoreCall call)
        {
            Tracked.Follow();
            using (var cancellation = new Cancellation())
            using (RestoreOptionsHandle made = RestoreOptions.Make(options, cancellation))
            using (cancellation.Begin(token))
            {
                StatusHandle status;
                IntPtr e;
                cancellation.Check(call(made, out status, out e), e, token);
                return Status.Of(status);
            }
        }
    }
}
