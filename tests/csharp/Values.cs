using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Numerics;
using System.Threading;
using LibCheckpoint;

/// <summary>Values in the types of the language, and what errors say of them.</summary>
internal static class Values
{
    [Test("small_floats_are_numbers")]
    private static void SmallFloatsAreNumbers()
    {
        float half = new Float16Bits(0x3e00), brain = (BFloat16Bits)1.5f;
        Check.Equal(1.5f, half);
        Check.Equal(1.5f, brain);
        Check.That((Float16Bits)1.5f == new Float16Bits(0x3e00) && (BFloat16Bits)2f != new BFloat16Bits(0), "not the bits");
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            comma.NumberFormat.NumberDecimalSeparator = ",";
            CultureInfo.CurrentCulture = comma;
            Check.Equal("1.5 -0.25", new BFloat16Bits(0x3fc0) + " " + new Float16Bits(0xb400));
            Check.Equal("(1.5, 2)", new Complex64(1.5f, 2).ToString());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
        Complex wide = new Complex64(1, 2);
        Check.Equal(new Complex(1, 2), wide);
        Check.Throws<ArgumentException>(() => DTypes.Of<DateTime>());
    }

    [Test("arrays_of_any_rank_are_written_and_read")]
    private static void ArraysOfAnyRank()
    {
        var matrix = new[,] { { 1f, 2, 3 }, { 4, 5, 6 } };
        using (var writer = new Writer(Program.At("a")))
        {
            writer.AddArray("m", matrix);
            writer.AddArray("c", new long[2, 1, 3]);
            writer.Add("r", new ReadOnlyMemory<int>(new[] { 1, 2, 3, 4 }, 1, 2), null);
            writer.Add("w", new Memory<int>(new[] { 1, 2 }), new List<long> { 2, 1 });
            Check.Throws<ArgumentException>(() => writer.AddArray("d", new DateTime[1, 1]));
            writer.Finish();
        }
        using (var reader = new Reader(Program.At("a")))
        {
            Check.Same(new long[] { 2, 3 }, reader["m"].Shape);
            Check.Same(new long[] { 2, 1, 3 }, reader["c"].Shape);
            Check.Same(new[] { 2, 3 }, reader.Read<int>("r"));
            Check.Same(new long[] { 2, 1 }, reader["w"].Shape);
            var read = new float[2, 3];
            reader["m"].ReadIntoArray(read);
            Check.Same(matrix.Cast<float>(), read.Cast<float>());
            var wide = new double[2, 3];
            reader["m"].ReadIntoArray(wide, new ReadOptions { Conversion = Conversion.Exact });
            Check.Equal(6.0, wide[1, 2]);
            var memory = new float[6];
            reader["m"].ReadInto(new Memory<float>(memory));
            Check.Same(matrix.Cast<float>(), memory);
            CheckpointException e = Check.Fails(ErrorCode.InvalidArgument, Reason.Shape, () => reader["m"].ReadIntoArray(new float[3, 2]));
            Check.Equal("[2,3] [3,2] m " + Program.At("a"), e.Expected + " " + e.Found + " " + e.Tensor + " " + e.File);
            Check.Fails(ErrorCode.InvalidArgument, Reason.DType, () => reader["m"].ReadIntoArray(new int[2, 3]));
        }
    }

    [Test("one_element_and_tensors_that_may_be_missing")]
    private static void OneElementAndTensorsThatMayBeMissing()
    {
        using (var writer = new Writer(Program.At("a")))
        {
            writer.AddScalar("step", 100L);
            writer.Add("two", new long[2]);
            writer.Finish();
        }
        using (var reader = new Reader(Program.At("a")))
        {
            Check.Equal(100L, reader.ReadScalar<long>("step"));
            Check.Equal(100, reader.ReadScalar<int>("step", new ReadOptions { Conversion = Conversion.Exact }));
            CheckpointException e = Check.Fails(ErrorCode.InvalidArgument, Reason.Shape, () => reader.ReadScalar<long>("two"));
            Check.Equal("two", e.Tensor);
            SavedTensor tensor;
            Check.That(reader.TryGet("step", out tensor) && tensor.Key == "step", "it is not found");
            Check.That(!reader.TryGet("none", out tensor) && tensor == null, "it is found");
        }
    }

    [Test("views_are_lent_as_memory_of_any_size")]
    private static void ViewsAreLent()
    {
        using (var writer = new Writer(Program.At("a"), new WriteOptions { Alignment = 8 }))
        {
            writer.Add("v", Enumerable.Range(0, 10).ToArray());
            writer.Add("none", new float[0]);
            writer.Finish();
        }
        ViewMemory<int> lent;
        ReadOnlyMemory<int> memory;
        using (var reader = new Reader(Program.At("a")))
        using (View view = reader["v"].View())
        using (View none = reader["none"].View())
        using (ViewMemory<float> empty = none.Lend<float>())
        {
            Check.Equal(0, empty.Memory.Length);
            Check.Equal(0L, empty.Sequence().Length);
            CheckpointException e = Check.Fails(ErrorCode.InvalidArgument, Reason.DType, () => view.Lend<float>());
            Check.Equal("v", e.Tensor);
            using (ViewMemory<byte> bytes = view.Lend<byte>())
            {
                Check.Equal(40L, bytes.Length);
                Check.Equal((byte)1, bytes.Memory.Span[4]);
            }
            lent = view.Lend<int>();
        }
        using (lent) // it outlives reader and view
        {
            memory = lent.Memory;
            Check.Same(Enumerable.Range(0, 10), memory.ToArray());
            ReadOnlySequence<int> pieces = lent.Sequence(4);
            Check.Equal(10L, pieces.Length);
            Check.That(!pieces.IsSingleSegment && pieces.First.Length == 4, "it is not in pieces");
            var middle = new List<int>();
            foreach (ReadOnlyMemory<int> piece in pieces.Slice(3, 5))
            {
                middle.AddRange(piece.ToArray());
            }
            Check.Same(Enumerable.Range(3, 5), middle);
            Check.Throws<ArgumentOutOfRangeException>(() => lent.Sequence(0));
            using (MemoryHandle pin = memory.Slice(7).Pin())
            {
                unsafe
                {
                    Check.Equal(7, *(int*)pin.Pointer);
                }
            }
        }
        Check.Throws<ObjectDisposedException>(() => memory.Span.ToArray());
        Check.Throws<ObjectDisposedException>(() => lent.Sequence());
        Binding.NothingIsKept();
    }

    [Test("exceptions_are_made_by_tests_and_say_what_a_program_asks")]
    private static void ExceptionsAreMade()
    {
        var made = new CheckpointException(
            ErrorCode.DataLoss, Reason.Checksum, "it is damaged", "run/a.index", "w", "1", "2", 5, new InvalidOperationException("why"));
        Check.Equal("run/a.index w 1 2 5", string.Join(" ", made.File, made.Tensor, made.Expected, made.Found, made.SystemError));
        Check.Contains("LibCheckpoint.CheckpointException (DATA_LOSS, CHECKSUM, file run/a.index, tensor w): it is damaged", made.ToString());
        Check.Contains("why", made.ToString());
        Check.Equal(ErrorCode.Unknown, new CheckpointException("so").Code);
        var transient = new Dictionary<CheckpointException, bool>
        {
            { new CheckpointException(ErrorCode.Unavailable, Reason.Locked, "m"), true },
            { new CheckpointException(ErrorCode.Unavailable, Reason.Busy, "m"), true },
            { new CheckpointException(ErrorCode.Aborted, Reason.LockLost, "m"), true },
            { new CheckpointException(ErrorCode.ResourceExhausted, Reason.Space, "m"), true },
            { new CheckpointException(ErrorCode.ResourceExhausted, Reason.IO, "m", systemError: 24), true },
            { new CheckpointException(ErrorCode.DataLoss, Reason.Replaced, "m"), true },
            { new CheckpointException(ErrorCode.ResourceExhausted, Reason.Limit, "m"), false },
            { new CheckpointException(ErrorCode.FailedPrecondition, Reason.Replaced, "m"), false },
            { new CheckpointException(ErrorCode.Aborted, Reason.Callback, "m"), false },
            { made, false },
        };
        foreach (KeyValuePair<CheckpointException, bool> one in transient)
        {
            Check.That(one.Key.IsTransient == one.Value, one.Key + " is transient: " + one.Key.IsTransient);
        }

        // What a callback throws of this class is said in its words; other results are made
        // likewise.
        using (var program = new TestProgram())
        {
            program.Variable(program.Root, "v", new float[1]);
            var options = new CheckpointSaveOptions();
            options.Written.Add(path => { throw made; });
            CheckpointException e = Check.Throws<CheckpointException>(() => program.Checkpoint.Write(Program.At("a"), options));
            Check.Contains("it is damaged", e.Message);
            Check.That(e.InnerException == made, "not the callback's own exception");
        }
        var broken = new BrokenCheckpoint("run/a", Verdict.Damaged, made);
        Check.Equal(made, new ValidCheckpoint(null, new[] { broken }).Broken[0].Problem);
        Check.Equal(Verdict.Damaged, new Verification(Verdict.Damaged, new[] { made }).Verdict);
    }

    // Each names the tensor, and says what was expected and found.
    [Test("errors_of_reads_name_file_and_tensor")]
    private static void ErrorsOfReadsNameTheTensor()
    {
        using (var writer = new Writer(Program.At("a")))
        {
            writer.Add("two", new float[2]);
            writer.AddStrings("text", new[] { "a" });
            writer.Finish();
        }
        using (var reader = new Reader(Program.At("a")))
        {
            SavedTensor two = reader["two"];
            var region = new Region(new long[] { 0 }, new long[] { 2 });
            var faults = new Dictionary<string, Action>
            {
                { "type", () => two.Read<int>() },
                { "type of text", () => reader["text"].Read<int>() },
                { "type of a batch", () => reader.ReadMany(new ReadBatch().Add(two, new int[2])) },
                { "strings", () => two.ReadStrings() },
                { "size", () => two.ReadInto(new float[3]) },
                { "bytes", () => two.ReadBytes(new byte[7]) },
                { "size of a slice", () => two.ReadSliceInto<float>(region, new float[1]) },
                { "size in a batch", () => reader.ReadMany(new ReadBatch().Add(two, new float[1])) },
                { "region", () => two.ReadSlice<float>(new Region(new long[] { 1 }, new long[] { 2 })) },
                { "rank", () => two.ReadSlice<float>(new Region(new long[2], new long[2])) },
            };
            var silent = new List<string>();
            foreach (KeyValuePair<string, Action> fault in faults)
            {
                CheckpointException e = Check.Throws<CheckpointException>(fault.Value);
                string said = fault.Key + ": " + e;
                if (e.Code != ErrorCode.InvalidArgument || e.Expected == null || e.Found == null || e.File == null || e.Tensor != (fault.Key == "type of text" ? "text" : "two"))
                {
                    silent.Add(said);
                }
            }
            Check.That(silent.Count == 0, string.Join("\n", silent));
            Check.Equal("Threads", Check.Throws<ArgumentOutOfRangeException>(() => two.Read<float>(new ReadOptions { Threads = -1 })).ParamName);
        }
    }
}
