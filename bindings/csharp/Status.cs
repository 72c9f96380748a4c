using System;
using System.Collections;
using System.Collections.Generic;

namespace LibCheckpoint
{
    /// <summary>
    /// What became of a restore, and becomes of it as the program goes on: values that wait for objects are restored when these are tracked.
    /// Several threads may use it at once.
    /// </summary>
    /// <remarks>
    /// When it is disposed of, and everything that waits for its restore is gone, the checkpoint's log hears what was never used, unless
    /// <see cref="ExpectPartial"/> was called. Of one that nobody disposes of nothing is said.
    /// </remarks>
    public sealed class Status : IDisposable
    {
        private readonly StatusHandle handle;

        private Status(StatusHandle handle)
        {
            this.handle = handle;
        }

        /// <summary>What kind of restore it is of.</summary>
        public RestoreKind Kind => NativeMethods.ckpt_status_kind(handle);

        /// <summary>The prefix of the checkpoint that was restored; null if there is none.</summary>
        public string Path
        {
            get
            {
                using (handle.Hold())
                {
                    return NativeMethods.ckpt_status_path(handle).TextOrNull;
                }
            }
        }

        /// <summary>Fails unless everything in the checkpoint was restored, and every object of the program from it.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.FailedPrecondition"/> with <see cref="Reason.Assertion"/>; the
        /// message names the first few objects, the report has all.</exception>
        public void AssertConsumed()
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_status_assert_consumed(handle, out e), e);
        }

        /// <summary>Fails unless every object of the program that is there by now, and has values, got its value from the checkpoint.</summary>
        public void AssertExistingObjectsMatched()
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_status_assert_existing_objects_matched(handle, out e), e);
        }

        /// <summary>Fails unless anything but the root was matched.</summary>
        public void AssertNontrivialMatch()
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_status_assert_nontrivial_match(handle, out e), e);
        }

        /// <summary>Has nothing said in the end about values that were not used. Gives the status back.</summary>
        public Status ExpectPartial()
        {
            NativeMethods.ckpt_status_expect_partial(handle);
            return this;
        }

        /// <summary>Does nothing, as in TensorFlow when it is eager: values are restored at once, or when their objects are tracked.</summary>
        public void RunRestoreOps()
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_status_run_restore_ops(handle, out e), e);
        }

        /// <summary>Does nothing, as in TensorFlow when it is eager: variables have their values when they are made.</summary>
        public void InitializeOrRestore()
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_status_initialize_or_restore(handle, out e), e);
        }

        /// <summary>What became of every value, as things stand now.</summary>
        public Report Report()
        {
            IntPtr report, e;
            CheckpointException.Check(NativeMethods.ckpt_status_report(handle, out report, out e), e);
            return LibCheckpoint.Report.TakeFrom(report);
        }

        /// <summary>Lets nothing wait for this restore any more: what is tracked later is not restored from it. Nothing is said about values
        /// that were not used.</summary>
        public void Drop()
        {
            IntPtr e;
            CheckpointException.Check(NativeMethods.ckpt_status_drop(handle, out e), e);
        }

        /// <summary>Frees the status. What waits for its restore goes on waiting: <see cref="Drop"/> ends that.</summary>
        public void Dispose() => handle.Dispose();

        /// <summary>The status that a handle is of; null if it is of none.</summary>
        internal static Status Of(StatusHandle handle) => handle.IsInvalid ? null : new Status(handle);
    }

    /// <summary>A value of a restore, or an object that it had no value for.</summary>
    public sealed class ReportRow
    {
        internal ReportRow(IntPtr row)
        {
            Path = NativeMethods.ckpt_report_row_path(row).Text;
            Key = NativeMethods.ckpt_report_row_key(row).Text;
            State = NativeMethods.ckpt_report_row_state(row);
            SavedDType = NativeMethods.ckpt_report_row_saved_dtype(row);
            SavedShape = Take.KnownShape(NativeMethods.ckpt_report_row_saved_shape(row), NativeMethods.ckpt_report_row_saved_rank(row));
            ProgramDType = NativeMethods.ckpt_report_row_program_dtype(row);
            ProgramShape = Take.KnownShape(
                NativeMethods.ckpt_report_row_program_shape(row), NativeMethods.ckpt_report_row_program_rank(row));
            ProgramSlice = NativeMethods.ckpt_report_row_program_slice(row).TextOrNull;
            Node = NativeMethods.ckpt_report_row_node(row);
            SavedNode = NativeMethods.ckpt_report_row_saved_node(row);
            Candidate = NativeMethods.ckpt_report_row_candidate(row).TextOrNull;
            Detail = NativeMethods.ckpt_report_row_detail(row).TextOrNull;
        }

        /// <summary>The path of the object: names of edges joined by <c>/</c>, in the checkpoint; of one that is missing there, in the
        /// program.</summary>
        public string Path { get; }

        /// <summary>The key in the checkpoint; of an object that is missing there, the key that it would have.</summary>
        public string Key { get; }

        /// <summary>What became of it.</summary>
        public RowState State { get; }

        /// <summary>The type in the checkpoint; <see cref="DType.Invalid"/> where it has no such tensor.</summary>
        public DType SavedDType { get; }

        /// <summary>The dimensions in the checkpoint; null where it has no such tensor.</summary>
        public long[] SavedShape { get; }

        /// <summary>The type in the program; <see cref="DType.Invalid"/> where it has no such object, takes what comes, or has state of its
        /// own.</summary>
        public DType ProgramDType { get; }

        /// <summary>The dimensions in the program, -1 for one that may be anything; null where the type is not known either.</summary>
        public long[] ProgramShape { get; }

        /// <summary>Of a variable that is a part of a tensor, whose dimensions <see cref="ProgramShape"/> then has: which slice of it, as
        /// <c>0,4:-</c>; null of other objects.</summary>
        public string ProgramSlice { get; }

        /// <summary>The object in the program; <see cref="LibCheckpoint.Node.None"/> where it has none.</summary>
        public Node Node { get; }

        /// <summary>The node in the checkpoint's object graph; -1 where it has none.</summary>
        public long SavedNode { get; }

        /// <summary>The path of the one on the other side that is plainly meant; null if there is none.</summary>
        public string Candidate { get; }

        /// <summary>More on why; null if there is no more to say.</summary>
        public string Detail { get; }
    }

    /// <summary>
    /// What became of every value of a restore: a row for each value of the checkpoint, then one for each object of the program that it has
    /// no value for. It does not change.
    /// </summary>
    public sealed class Report : IReadOnlyList<ReportRow>
    {
        private readonly ReportRow[] rows;
        private readonly Dictionary<RowState, int> counts = new Dictionary<RowState, int>();

        private Report(IntPtr report)
        {
            rows = new ReportRow[NativeMethods.ckpt_report_count(report)];
            for (int i = 0; i < rows.Length; i++)
            {
                rows[i] = new ReportRow(NativeMethods.ckpt_report_get(report, i));
                counts[rows[i].State] = (int)NativeMethods.ckpt_report_count_of(report, rows[i].State);
            }
            Summary = NativeMethods.ckpt_report_summary(report).Text;
            Table = NativeMethods.ckpt_report_table(report).Text;
            Json = NativeMethods.ckpt_report_json(report).Text;
        }

        /// <summary>The number of rows.</summary>
        public int Count => rows.Length;

        /// <summary>One line: how many rows there are of each state.</summary>
        public string Summary { get; }

        /// <summary>A table for people: a line for each row.</summary>
        public string Table { get; }

        /// <summary>JSON for programs.</summary>
        public string Json { get; }

        /// <summary>The row at an index.</summary>
        public ReportRow this[int index] => rows[index];

        /// <summary>How many rows have a state.</summary>
        public int CountOf(RowState state) => counts.ContainsKey(state) ? counts[state] : 0;

        /// <summary>Goes over the rows.</summary>
        public IEnumerator<ReportRow> GetEnumerator() => ((IEnumerable<ReportRow>)rows).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => rows.GetEnumerator();

        /// <summary>The table.</summary>
        public override string ToString() => Table;

        internal static Report TakeFrom(IntPtr report)
        {
            if (report == IntPtr.Zero)
            {
                return null;
            }
            try
            {
                return new Report(report);
            }
            finally
            {
                NativeMethods.ckpt_report_free(report);
            }
        }
    }
}
