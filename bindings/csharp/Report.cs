using System;
using System.Collections;
using System.Collections.Generic;

namespace LibCheckpoint
{
    /// <summary>A value of a restore, or an object that it had no value for.</summary>
    public sealed class Row
    {
        internal Row(IntPtr row)
        {
            Path = NativeMethods.ckpt_report_row_path(row).Text;
            Key = NativeMethods.ckpt_report_row_key(row).Text;
            State = NativeMethods.ckpt_report_row_state(row);
            SavedDType = NativeMethods.ckpt_report_row_saved_dtype(row);
            SavedShape = NativeResult.KnownShape(NativeMethods.ckpt_report_row_saved_shape(row), NativeMethods.ckpt_report_row_saved_rank(row));
            ProgramDType = NativeMethods.ckpt_report_row_program_dtype(row);
            ProgramShape = NativeResult.KnownShape(
                NativeMethods.ckpt_report_row_program_shape(row), NativeMethods.ckpt_report_row_program_rank(row));
            ProgramSlice = NativeMethods.ckpt_report_row_program_slice(row).TextOrNull;
            Node = NativeMethods.ckpt_report_row_node(row);
            SavedNode = NativeMethods.ckpt_report_row_saved_node(row);
            Candidate = NativeMethods.ckpt_report_row_candidate(row).TextOrNull;
            Detail = NativeMethods.ckpt_report_row_detail(row).TextOrNull;
        }

        /// <summary>The path of the object: names of edges joined by <c>/</c>, in the checkpoint;
        /// of one that is missing there, in the program.</summary>
        public string Path { get; }

        /// <summary>The key in the checkpoint; of an object that is missing there, the key that it
        /// would have.</summary>
        public string Key { get; }

        /// <summary>What became of it.</summary>
        public RowState State { get; }

        /// <summary>The type in the checkpoint; <see cref="DType.Invalid"/> where it has no such
        /// tensor.</summary>
        public DType SavedDType { get; }

        /// <summary>The dimensions in the checkpoint; null where it has no such tensor.</summary>
        public IReadOnlyList<long> SavedShape { get; }

        /// <summary>The type in the program; <see cref="DType.Invalid"/> where it has no such
        /// object, takes what comes, or has state of its own.</summary>
        public DType ProgramDType { get; }

        /// <summary>The dimensions in the program, -1 for one that may be anything; null where the
        /// type is not known either.</summary>
        public IReadOnlyList<long> ProgramShape { get; }

        /// <summary>Of a variable that is a part of a tensor, whose dimensions <see
        /// cref="ProgramShape"/> then has: which slice of it, as <c>0,4:-</c>; null of other
        /// objects.</summary>
        public string ProgramSlice { get; }

        /// <summary>The object in the program; <see cref="LibCheckpoint.Node.None"/> where it has
        /// none.</summary>
        public Node Node { get; }

        /// <summary>The node in the checkpoint's object graph; -1 where it has none.</summary>
        public long SavedNode { get; }

        /// <summary>For a value without an object, or an object without a value: the path of its
        /// probable counterpart, the only one on the other side with the same dtype, shape and last
        /// names; null if there is none.</summary>
        public string Candidate { get; }

        /// <summary>More on why; null if there is no more to say.</summary>
        public string Detail { get; }
    }

    /// <summary>
    /// What became of every value of a restore: a row for each value of the checkpoint, then one
    /// for each object of the program that it has no value for. It does not change.
    /// </summary>
    public sealed class Report : IReadOnlyList<Row>
    {
        private readonly Row[] rows;
        private readonly Dictionary<RowState, int> counts = new Dictionary<RowState, int>();

        private Report(IntPtr report)
        {
            rows = new Row[NativeMethods.ckpt_report_count(report)];
            for (int i = 0; i < rows.Length; i++)
            {
                rows[i] = new Row(NativeMethods.ckpt_report_get(report, i));
                counts[rows[i].State] = CountOf(rows[i].State) + 1;
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
        public Row this[int index] => rows[index];

        /// <summary>How many rows have a state.</summary>
        public int CountOf(RowState state)
        {
            int count;
            return counts.TryGetValue(state, out count) ? count : 0;
        }

        /// <summary>Goes over the rows.</summary>
        public IEnumerator<Row> GetEnumerator() => ((IEnumerable<Row>)rows).GetEnumerator();

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
