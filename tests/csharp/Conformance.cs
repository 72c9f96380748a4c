using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using LibCheckpoint;

/// <summary>A graph with a root, and its checkpoint.</summary>
internal sealed class TestProgram : IDisposable
{
    internal readonly Graph Graph = new Graph();
    internal readonly Node Root;
    internal readonly Checkpoint Checkpoint;

    internal TestProgram()
    {
        Root = Graph.AddObject();
        Checkpoint = new Checkpoint(Graph, Root);
    }

    public void Dispose()
    {
        Graph.Dispose(); // before what needs it
        Checkpoint.Dispose();
    }

    internal Node Variable(string name, params float[] values) => Variable(Root, name, values);

    internal Node Variable(Node parent, string name, float[] values)
    {
        Node node = Graph.AddVariable(values);
        Graph.Track(parent, name, node);
        return node;
    }
}

/// <summary>The steps that the bindings of all languages go through.</summary>
internal static class Conformance
{
    internal const string KernelKey = "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE";

    internal static string Fixture(string name) => Path.Combine(Program.Data, name);

    [Test("read_fixture")]
    private static void ReadFixture()
    {
        View view;
        SavedTensor kernel;
        // What TensorFlow reads.
        float[] expected =
        {
            0x1e6e916 / (float)(1 << 23), 0x12466e2 / (float)(1 << 22), 0x13df7be / (float)(1 << 22), 0x1f22d52 / (float)(1 << 23),
            0x1008982 / (float)(1 << 22),
        };
        using (var reader = new Reader(Fixture("guide")))
        {
            Check.Equal(Fixture("guide/ckpt-5"), reader.Prefix);
            Check.Equal("ckpt-5", reader.Resolved);
            Check.Equal(false, reader.ResolvedIsMoved || reader.ResolvedIsAmbiguous);
            Check.Equal(Format.V2, reader.Format);
            Check.Equal(1, reader.ProducerVersion);
            Check.Equal(0, reader.MinConsumerVersion);
            Check.Equal(false, reader.IsBigEndian);
            Check.Same(new[] { Fixture("guide/ckpt-5.data-00000-of-00001") }, reader.Shards());
            Check.Equal(12, reader.Count);
            kernel = reader[KernelKey];
            Check.Equal(DType.Float32, kernel.DType);
            Check.Same(new long[] { 1, 5 }, kernel.Shape);
            Check.Equal(5, kernel.Count);
            Check.Equal(20, kernel.ByteSize);
            Check.Equal(0, kernel.Shard);
            Check.That(kernel.Offset >= 0, "no offset");
            Check.Equal(0, kernel.Slices().Length);
            Check.Same(expected, kernel.Read<float>());
            Check.Same(expected, reader.Read<float>(KernelKey));
            Check.Same(new[] { 50 }, reader.Read<int>("step/.ATTRIBUTES/VARIABLE_VALUE"));
            Check.Same(new long[] { 5 }, reader.Read<long>("save_counter/.ATTRIBUTES/VARIABLE_VALUE"));
            var region = new Region(new long[] { 0, 1 }, new long[] { -1, 3 });
            Check.Same(expected.Skip(1).Take(3), kernel.ReadSlice<float>(region));
            var into = new float[5];
            kernel.ReadInto(into, new ReadOptions { Threads = 2, Checksums = Checksums.WhenWhole });
            Check.Same(expected, into);
            kernel.ReadSliceInto(region, new Span<float>(into, 0, 3));
            Check.Equal(expected[1], into[0]);
            var bytes = new byte[20];
            reader.ReadMany(new ReadBatch().AddBytes(kernel, bytes));
            Check.Same(MemoryMarshal.AsBytes(new Span<float>(expected)).ToArray(), bytes);
            Array.Clear(bytes, 0, 20);
            kernel.ReadBytes(bytes);
            Check.Same(MemoryMarshal.AsBytes(new Span<float>(expected)).ToArray(), bytes);

            var keys = new List<string>();
            foreach (SavedTensor tensor in reader)
            {
                keys.Add(tensor.Key);
                Check.That(reader.Contains(tensor.Key), "it does not contain " + tensor.Key);
                Check.Equal(tensor.Key, reader[tensor.KeyBytes()].Key);
                Check.Contains(tensor.Key + " (DT_", reader.ToString());
            }
            Check.Equal(12, keys.Count);
            Check.Same(keys.OrderBy(key => key, StringComparer.Ordinal), keys);
            Check.Equal(KernelKey, reader[keys.IndexOf(KernelKey)].Key);
            Check.Same(
                new[] { "iterator", "net", "optimizer", "step", "save_counter" }, reader.ObjectGraph()[0].Children.Select(child => child.Name));

            CheckpointException missing = Check.Fails(
                ErrorCode.NotFound, Reason.NoTensor, () => reader["net/l1/kernl/.ATTRIBUTES/VARIABLE_VALUE"].ToString());
            Check.Contains("net/l1/kernel", missing.Message); // perhaps meant
            Check.Equal("net/l1/kernl/.ATTRIBUTES/VARIABLE_VALUE", missing.Tensor);
            CheckpointException wrong = Check.Fails(ErrorCode.InvalidArgument, Reason.DType, () => kernel.Read<double>());
            Check.Equal("float64", wrong.Expected);
            Check.Equal("float32", wrong.Found);
            Check.Throws<ArgumentException>(() => kernel.Read<DateTime>());
            Check.Throws<ArgumentOutOfRangeException>(() => reader[12].ToString());
            view = kernel.View();
        }
        Check.Equal(20, view.Length);
        Check.That(view.Alignment >= 1, "no alignment");
        view.Use(bytes => Check.Same(expected, MemoryMarshal.Cast<byte, float>(bytes).ToArray()));
        view.Dispose();
        view.Dispose();
        Check.Throws<ObjectDisposedException>(() => view.Use((UseReadOnlyBytes)(bytes => { })));
        Check.Throws<ObjectDisposedException>(() => kernel.Read<float>());
        Check.Throws<ObjectDisposedException>(() => kernel.KeyBytes());

        using (var reader = new Reader(Fixture("dtypes/all"), new OpenOptions { MemoryLimit = 1 << 20 }))
        {
            byte[][] words = reader["strings/.ATTRIBUTES/VARIABLE_VALUE"].ReadStrings();
            Check.Equal(6, words.Length);
            Check.Same(Encoding.UTF8.GetBytes("a"), words[1]);
            Check.Same(new byte[] { 0, 0xff }.Concat(Encoding.UTF8.GetBytes(" nul inside")), words[2]);
            Check.Equal("h\u00e9llo \u4e16\u754c", Encoding.UTF8.GetString(words[3]));
            Check.Equal("a", reader["strings/.ATTRIBUTES/VARIABLE_VALUE"].ReadText()[1]);
        }
        CheckpointException nothing = Check.Fails(
            ErrorCode.NotFound, Reason.NoCheckpoint, () => new Reader(Fixture("nowhere")).Dispose());
        Check.Contains("nowhere", nothing.File);
        Check.Throws<ArgumentException>(() => new Reader("with\0nul").Dispose());
        Check.Throws<ArgumentNullException>(() => new Reader(null).Dispose());
        Check.Fails(
            ErrorCode.ResourceExhausted, Reason.Limit,
            () => new Reader(Fixture("guide"), new OpenOptions { MemoryLimit = 1 }).Dispose());
    }

    private static void RoundTrip<T>(DType dtype, params T[] values)
        where T : struct
    {
        string prefix = Program.At("m");
        using (var writer = new Writer(prefix))
        {
            writer.Add("v", values);
            writer.Add("m", values, new long[] { 1, values.Length });
            if (values.Length > 0)
            {
                writer.AddScalar("s", values[0]);
            }
            writer.Finish();
            Check.Throws<ObjectDisposedException>(() => writer.Finish());
        }
        using (var reader = new Reader(prefix))
        {
            Check.Equal(dtype, DTypes.Of<T>());
            Check.Equal(dtype, reader["v"].DType);
            Check.Same(values, reader.Read<T>("v"));
            Check.Same(new long[] { 1, values.Length }, reader["m"].Shape);
            if (values.Length > 0)
            {
                Check.Equal(0, reader["s"].Shape.Count);
                Check.Equal(values[0], reader.Read<T>("s")[0]);
            }
        }
    }

    private static byte[] BytesOf(SavedTensor tensor)
    {
        var bytes = new byte[tensor.ByteSize];
        tensor.ReadBytes(bytes);
        return bytes;
    }

    private static bool HasStrings(SavedTensor tensor) => tensor.DType == DType.String || tensor.DType == DType.Variant;

    [Test("every_dtype")]
    private static void EveryDType()
    {
        RoundTrip(DType.Bool, true, false);
        RoundTrip<sbyte>(DType.Int8, -128, 127);
        RoundTrip<short>(DType.Int16, -32768, 32767);
        RoundTrip(DType.Int32, -5, 5);
        RoundTrip(DType.Int64, -5, 1L << 62);
        RoundTrip<byte>(DType.UInt8, 0, 255);
        RoundTrip<ushort>(DType.UInt16, 0, 65535);
        RoundTrip<uint>(DType.UInt32, 0, uint.MaxValue);
        RoundTrip<ulong>(DType.UInt64, 0, ulong.MaxValue);
        RoundTrip(DType.Float32, -1.5f, 3);
        RoundTrip(DType.Float64, -1.5, 1e300);
        RoundTrip(DType.Complex64, new Complex64(1, -2));
        RoundTrip(DType.Complex128, new Complex(1, -2));
        RoundTrip(DType.Float16, new Float16Bits(0x3c00));
        RoundTrip(DType.BFloat16, new BFloat16Bits(0x3f80));
        RoundTrip<float>(DType.Float32);
        Check.Equal("float8_e4m3b11fnuz", DType.Float8E4M3B11FNUZ.Name());
        Check.Equal(16, DType.Complex128.Size());

        // Every fixture's tensor, as bytes or strings, comes out of a writer as it was.
        string prefix = Program.At("all");
        using (var from = new Reader(Fixture("dtypes/all")))
        {
            using (var writer = new Writer(prefix, new WriteOptions { Alignment = 64, Shards = 2 }))
            {
                foreach (SavedTensor tensor in from)
                {
                    if (tensor.DType == DType.String)
                    {
                        writer.AddStrings(tensor.Key, tensor.ReadStrings(), tensor.Shape);
                    }
                    else if (tensor.DType == DType.Variant)
                    {
                        writer.AddVariants(tensor.Key, tensor.ReadStrings(), tensor.Shape);
                    }
                    else
                    {
                        writer.AddBytes(tensor.Key, tensor.DType, tensor.Shape, BytesOf(tensor));
                    }
                }
                GC.Collect(); // what was added stays where it is
                writer.Finish();
            }
            using (var to = new Reader(prefix))
            {
                Check.Equal(from.ToString(), to.ToString());
                Check.Equal(2, to.Shards().Length);
                foreach (SavedTensor tensor in from)
                {
                    SavedTensor copied = to[tensor.Key];
                    if (HasStrings(tensor))
                    {
                        Check.Same(tensor.ReadStrings().Select(Convert.ToBase64String), copied.ReadStrings().Select(Convert.ToBase64String));
                    }
                    else
                    {
                        Check.Same(BytesOf(tensor), BytesOf(copied));
                    }
                }
                Verification found = CheckpointFiles.Verify(prefix, new VerifyOptions { Threads = 1, Progress = (done, total) => { } });
                Check.Equal(0, found.Problems.Count);
                Check.Equal(to.Count, found.TensorCount);
                Check.Equal(3, found.FileCount);
                Check.That(found.ByteCount > 0, "no bytes");
            }
        }

        // Slices, and bytes that are asked for.
        prefix = Program.At("parts");
        var values = new short[] { 7, 8, 9 };
        using (var writer = new Writer(prefix, new WriteOptions { MaxShardSize = 1 << 20, Threads = 2, Durability = Durability.None }))
        {
            writer.AddSlice("p", new[] { 1, 2 }, new long[] { 4 }, new Region(new long[] { 0 }, new long[] { 2 }));
            writer.AddShapeAndSlice("p", new[] { 3, 4 }, new long[] { 2 }, "4 2,2");
            writer.AddSliceBytes("b", DType.QInt8, new long[] { 2 }, new Region(new long[] { 0 }, new long[] { 1 }), new byte[] { 1 });
            writer.AddSliceBytes("b", DType.QInt8, new long[] { 2 }, new Region(new long[] { 1 }, new long[] { 1 }), new byte[] { 2 });
            writer.AddStringsSlice(
                "t", new[] { new byte[] { 65 } }, new long[] { 2 }, new Region(new long[] { 1 }, new long[] { 1 }));
            writer.AddRead("r", DType.Int16, new long[] { 3 }, (offset, buffer) =>
                MemoryMarshal.AsBytes(new Span<short>(values)).Slice((int)offset, buffer.Length).CopyTo(buffer));
            Check.Fails(ErrorCode.InvalidArgument, Reason.Shape, () => writer.Add("short", new[] { 1 }, new long[] { 3 }));
            Check.Throws<ArgumentException>(() =>
                writer.AddSlice("p", new[] { 1 }, new long[] { 4 }, new Region(new long[2], new long[2])));
            writer.Finish();
        }
        using (var reader = new Reader(prefix))
        {
            Check.Equal(2, reader["p"].Slices().Length);
            Check.Same(new long[] { 2 }, reader["p"].Slices()[1].Start);
            Check.Same(new[] { 1, 2, 3, 4 }, reader.Read<int>("p"));
            Check.Same(values, reader.Read<short>("r"));
            Check.Same(new byte[] { 1, 2 }, reader.Read<byte>("b")); // bits of a type that C# lacks
            Check.Equal("A", Encoding.UTF8.GetString(reader["t"].ReadStringsSlice(new Region(new long[] { 1 }, new long[] { 1 }))[0]));
            Check.Fails(ErrorCode.InvalidArgument, Reason.Gap, () => reader["t"].ReadStrings());
        }
        using (var writer = new Writer(prefix))
        {
            writer.AddRead("r", DType.Int16, new long[] { 3 }, (offset, buffer) => { throw new InvalidOperationException("no bytes"); });
            CheckpointException e = Check.Fails(ErrorCode.Aborted, Reason.Callback, () => writer.Finish());
            Check.Contains("no bytes", e.Message);
            Check.That(e.InnerException is InvalidOperationException, "not the callback's own exception");
        }
        new Writer(Program.At("never")).Dispose();
        Check.Equal(false, CheckpointFiles.Exists(Program.At("never")));
    }

    private static TestProgram Containers(float[][] values, out Node text)
    {
        var program = new TestProgram();
        Graph graph = program.Graph;
        Node[] nodes = values.Select(value => graph.AddVariable(value)).ToArray();
        Node list = graph.AddList(), dict = graph.AddDict();
        graph.ListAppend(list, nodes[0]);
        graph.ListAppend(list, Node.None);
        graph.ListAppend(list, nodes[1]);
        graph.DictSet(dict, "k", nodes[2]);
        Node tuple = graph.AddNamedTuple(new[] { new Edge("a", nodes[3]) });
        Node pair = graph.AddTuple(new[] { Node.None, nodes[3] });
        text = graph.AddText(string.Join(" ", values.Select(value => value[0])));
        graph.Track(program.Root, "list", list);
        graph.Track(program.Root, "dict", dict);
        graph.Track(program.Root, "tuple", tuple);
        graph.Track(program.Root, "pair", pair);
        graph.Track(program.Root, "text", text);
        Check.Same(new[] { nodes[0], Node.None, nodes[1] }, graph.ListElements(list));
        return program;
    }

    private static float[][] Values(params float[] values) => values.Select(value => new[] { value }).ToArray();

    [Test("containers")]
    private static void Containers()
    {
        Node text;
        string path;
        using (TestProgram one = Containers(Values(1, 2, 3, 4), out text))
        {
            path = one.Checkpoint.Save(Program.At("c"));
            Check.Equal(Program.At("c-1"), path);
        }
        float[][] values = Values(0, 0, 0, 0);
        using (TestProgram two = Containers(values, out text))
        {
            using (Status status = two.Checkpoint.Restore(path))
            {
                status.AssertConsumed();
            }
            Check.Same(new float[] { 1, 2, 3, 4 }, values.Select(value => value[0]));
            Check.Equal("1 2 3 4", two.Graph.ReadText(text));
            two.Graph.AssignStrings(text, new[] { "other" }, new long[0]);
            Check.Equal("other", two.Graph.ReadText(text));
            Node list = two.Graph.Lookup(two.Root, "list");
            Check.Equal(NodeKind.List, two.Graph.Describe(list).Kind);
            two.Graph.ListRemove(list, 0);
            Check.Fails(ErrorCode.FailedPrecondition, Reason.Unsavable, () => two.Checkpoint.Save(Program.At("c")));
        }
    }

    [Test("slots")]
    private static void Slots()
    {
        string path;
        using (var program = new TestProgram())
        {
            Node v = program.Variable("v", 1, 2);
            Node owner = program.Graph.AddSlotOwner();
            program.Graph.Track(program.Root, "optimizer", owner);
            program.Graph.SetSlot(owner, v, "m", program.Graph.AddVariable(new float[] { 3, 4 }));
            Check.Same(new[] { "m" }, program.Graph.SlotNames(owner));
            path = program.Checkpoint.Save(Program.At("s"));
        }

        // A slot that is made when the checkpoint has a value for it.
        using (var program = new TestProgram())
        {
            float[] value = { 0, 0 }, made = { 0, 0 };
            Node v = program.Variable(program.Root, "v", value);
            SlotRequest kept = null;
            Node owner = program.Graph.AddSlotOwner(request =>
            {
                Check.Equal("m", request.Name);
                Check.Equal(v, request.Variable);
                Check.Equal(DType.Float32, request.DType);
                Check.Same(new long[] { 2 }, request.Shape);
                request.MakeOwned();
                request.MakeVariable(made);
                kept = request;
            });
            program.Graph.Track(program.Root, "optimizer", owner);
            using (Status status = program.Checkpoint.Restore(path))
            {
                status.AssertConsumed();
            }
            Check.Same(new float[] { 1, 2 }, value);
            Check.Same(new float[] { 3, 4 }, made);
            Check.Equal(owner, kept.Owner);
            Check.Throws<InvalidOperationException>(() => kept.MakeOwned());
            Check.Equal(program.Graph.Slot(owner, v, "m"), program.Graph.RemoveSlot(owner, v, "m"));
            Check.That(program.Graph.Slot(owner, v, "m").IsNone, "the slot is still there");
        }

        using (var program = new TestProgram())
        {
            program.Variable("v", 0, 0);
            Node owner = program.Graph.AddSlotOwner(request => { throw new InvalidOperationException("no slot"); });
            program.Graph.Track(program.Root, "optimizer", owner);
            CheckpointException e = Check.Fails(ErrorCode.Aborted, Reason.Callback, () => program.Checkpoint.Restore(path).Dispose());
            Check.Contains("no slot", e.Message);
            Check.That(e.InnerException is InvalidOperationException, "not the callback's own exception");
        }
    }

    [Test("deferred_restore")]
    private static void DeferredRestore()
    {
        string path;
        using (var program = new TestProgram())
        {
            program.Variable("late", 5, 6);
            path = program.Checkpoint.Save(Program.At("d"));
        }
        using (var program = new TestProgram())
        using (Status status = program.Checkpoint.Restore(path))
        {
            Check.Fails(ErrorCode.FailedPrecondition, Reason.Assertion, status.AssertConsumed);
            Check.Equal(1, program.Graph.Waiting(program.Root, "late"));
            var late = new float[2];
            program.Variable(program.Root, "late", late);
            Check.Same(new float[] { 5, 6 }, late);
            Check.Equal(0, program.Graph.Waiting(program.Root, "late"));
            status.AssertConsumed();
            status.AssertRestMatched();
        }
        // Of a variable without a value the checkpoint says what it is.
        using (var program = new TestProgram())
        {
            Node any = program.Graph.AddWithoutValue(DType.Invalid, null);
            program.Graph.Track(program.Root, "late", any);
            Check.Fails(ErrorCode.FailedPrecondition, Reason.NotShaped, () => program.Graph.Value<float>(any));
            program.Checkpoint.Restore(path).Dispose();
            Check.Same(new float[] { 5, 6 }, program.Graph.Value<float>(any));
            Check.Same(new long[] { 2 }, program.Graph.Describe(any).Shape);
        }
    }

    [Test("status_failures")]
    private static void StatusFailures()
    {
        string path;
        var said = new List<string>();
        using (var program = new TestProgram())
        {
            program.Variable("a", 1);
            path = program.Checkpoint.Save(Program.At("f"));
            program.Variable("b", 2);
            Status status = program.Checkpoint.Restore(path);
            Check.Equal(RestoreKind.Objects, status.Kind);
            Check.Equal(path, status.Path);
            Check.Fails(ErrorCode.FailedPrecondition, Reason.Assertion, status.AssertConsumed);
            CheckpointException e = Check.Fails(ErrorCode.FailedPrecondition, Reason.Assertion, status.AssertExistingObjectsMatched);
            Check.Contains("b", e.Message);
            status.AssertNontrivialMatch();
            status.RunRestoreOps();
            status.InitializeOrRestore();
            status.Drop();
            status.Dispose();
            Check.Throws<ObjectDisposedException>(status.AssertConsumed);
            using (status = program.Checkpoint.RestoreNothing())
            {
                Check.Equal(RestoreKind.None, status.Kind);
                Check.That(status.Path == null, "a path of nothing");
                Check.Fails(ErrorCode.FailedPrecondition, Reason.Assertion, status.AssertConsumed);
                Check.Fails(ErrorCode.FailedPrecondition, Reason.Assertion, status.RunRestoreOps);
            }
        }

        using (var program = new TestProgram())
        {
            program.Checkpoint.SetLog((severity, line) =>
            {
                said.Add(severity + " " + line);
                throw new InvalidOperationException("the log");
            });
            program.Checkpoint.Restore(path).Dispose();
        }
        Check.That(said.Any(line => line.StartsWith("Warning ") && line.Contains("a")), "nobody said that the value was never used");
        said.Clear();
        using (var program = new TestProgram())
        {
            program.Checkpoint.SetLog((severity, line) => said.Add(line));
            program.Checkpoint.Restore(path).ExpectPartial().Dispose();
            program.Checkpoint.SetLog(null);
        }
        Check.Equal(0, said.Count);

        using (var program = new TestProgram())
        {
            Check.Fails(ErrorCode.NotFound, Reason.NoCheckpoint, () => program.Checkpoint.Restore(Program.At("none")));
            float[] wrong = { 1, 2, 3 };
            program.Variable(program.Root, "a", wrong);
            CheckpointException e = Check.Fails(ErrorCode.InvalidArgument, Reason.Shape, () => program.Checkpoint.Restore(path));
            Check.That(e.Expected != null && e.Found != null, "it does not say what was expected");
            Check.Same(new float[] { 1, 2, 3 }, wrong);
            program.Graph.Remove(program.Graph.Lookup(program.Root, "a"));
            Check.Fails(ErrorCode.InvalidArgument, Reason.Node, () => program.Graph.Describe(Node.None));
            using (var other = new Graph())
            {
                Check.Equal(false, other.Contains(program.Root));
                Check.Fails(ErrorCode.InvalidArgument, Reason.Node, () => other.Track(program.Root, "x", other.AddObject()));
            }
            program.Graph.Dispose();
            Check.Throws<ObjectDisposedException>(() => program.Graph.AddObject());
        }
    }

    [Test("report_rows")]
    private static void ReportRows()
    {
        string path;
        using (var program = new TestProgram())
        {
            program.Variable("a", 1);
            program.Variable("b", 2);
            path = program.Checkpoint.Save(Program.At("r"));
        }
        using (var program = new TestProgram())
        {
            var missing = new float[1];
            program.Variable("a", 0, 0);
            Node c = program.Variable(program.Root, "c", missing);
            Check.That(program.Checkpoint.LastReport() == null, "a report of nothing");
            Report dry = program.Checkpoint.DryRun(path), report;
            Check.That(missing[0] == 0, "the dry run changed something");
            using (Status status = program.Checkpoint.Read(
                path, new RestoreOptions { OnMismatch = Mismatch.Skip, VerifyFirst = true }))
            {
                report = status.ExpectPartial().Report();
                Check.Equal(report.Json, program.Checkpoint.LastReport().Json);
            }
            Check.Equal(dry.Count, report.Count);
            Dictionary<string, Row> rows = report.ToDictionary(row => row.Path);
            Check.Equal(RowState.ShapeMismatch, rows["a"].State);
            Check.Equal(RowState.Deferred, rows["b"].State);
            Check.Equal(RowState.Missing, rows["c"].State);
            Check.Equal(c, rows["c"].Node);
            Check.Equal(1, report.CountOf(RowState.ShapeMismatch));
            Check.Equal(0, report.CountOf(RowState.Torn));
            Check.Equal("shape mismatch", RowState.ShapeMismatch.Name());
            Check.Same(new long[] { 1 }, rows["a"].SavedShape);
            Check.Same(new long[] { 2 }, rows["a"].ProgramShape);
            Check.Equal(DType.Float32, rows["a"].SavedDType);
            Check.Equal(DType.Float32, rows["a"].ProgramDType);
            Check.Equal("a/.ATTRIBUTES/VARIABLE_VALUE", rows["a"].Key);
            Check.That(rows["a"].SavedNode > 0 && rows["c"].SavedNode == -1, "wrong nodes");
            Check.That(rows["c"].SavedShape == null, "a shape that is not there");
            Check.Contains("\"rows\"", report.Json);
            Check.Contains("shape mismatch", report.Table);
            Check.Contains("1", report.Summary);
            var options = new RestoreOptions { Read = new ReadOptions { Threads = 1 } };
            options.Include.Add("**");
            options.Exclude.Add("a");
            options.Renames.Add(new Rename("b", "c"));
            using (Status status = program.Checkpoint.Read(path, options))
            {
                status.ExpectPartial();
            }
            Check.Same(new float[] { 2 }, missing);
        }
    }

    [Test("manager_retention")]
    private static void ManagerRetention()
    {
        string directory = Program.At("run");
        bool initialised = false;
        var value = new float[1];
        Manager manager;
        using (var program = new TestProgram())
        {
            program.Variable(program.Root, "v", value);
            manager = new Manager(
                program.Checkpoint, directory,
                new ManagerOptions { MaxToKeep = 2, KeepBest = 1, Better = Better.Lower, Init = () => initialised = true });
        }
        using (manager) // it keeps what it needs
        {
            Check.Equal(directory, manager.Directory);
            Check.That(manager.LatestCheckpoint == null && manager.CheckpointInterval == null, "something of nothing");
            Check.That(manager.RestoreOrInitialize() == null && initialised, "it did not begin anew");
            for (int i = 0; i < 4; i++)
            {
                value[0] = i + 1;
                Check.Equal(directory + "/ckpt-" + (i + 1), manager.Save(new ManagerSaveOptions { Metric = i }));
            }
            Check.Same(new[] { directory + "/ckpt-3", directory + "/ckpt-4" }, manager);
            Check.Equal(directory + "/ckpt-1", manager.BestCheckpoints()[0]);
            Check.Equal(0.0, manager.Metric(directory + "/ckpt-1"));
            Check.That(manager.Metric("other") == null, "a metric of nothing");
            Check.Equal(directory + "/ckpt-4", manager.LatestCheckpoint);
            Check.Equal(directory + "/ckpt-4", CheckpointFiles.Latest(directory));
            Check.Equal(false, CheckpointFiles.Exists(directory + "/ckpt-2"));
            DateTimeOffset[] times = CheckpointFiles.Mtimes(new[] { directory + "/ckpt-2", directory + "/ckpt-3" });
            Check.Equal(1, times.Length);
            Check.That(Math.Abs((DateTimeOffset.UtcNow - times[0]).TotalHours) < 1, "not the time of now: " + times[0]);
            CheckpointState state = CheckpointFiles.GetState(directory);
            Check.Equal(directory + "/ckpt-4", state.Latest);
            Check.Equal(state.Paths.Count, state.Timestamps.Count);
            Check.That(state.Timestamps[0] != null, "no time");
            BrokenCheckpoint[] broken;
            Check.Equal(directory + "/ckpt-4", manager.LatestValid(out broken));
            Check.Equal(0, broken.Length);
            using (Pin pin = Pin.Latest(directory))
            {
                Check.Equal(directory + "/ckpt-4", pin.Prefix);
            }
            value[0] = 0;
            using (Status status = manager.RestoreOrInitialize(new ResumeOptions { LatestValid = true }))
            {
                Check.Equal(directory + "/ckpt-4", status.Path);
                status.AssertConsumed();
            }
            Check.Equal(4, value[0]);
            using (Checkpoint checkpoint = manager.Checkpoint())
            {
                Check.Equal(4, checkpoint.SaveCount());
            }
        }
        Collected dry = CheckpointFiles.CollectWithDetails(directory, new CollectOptions { Keep = 1, DryRun = true });
        Check.Same(new[] { directory + "/ckpt-3" }, new List<string>(dry.Removed).ToArray());
        Check.Equal(0, dry.Failed.Count + dry.Leftovers.Count + dry.Warnings.Count);
        Check.Same(new[] { directory + "/ckpt-3" }, CheckpointFiles.Collect(directory, new CollectOptions { Keep = 1 }));
        CheckpointFiles.UpdateState(directory, new CheckpointState(directory + "/ckpt-4"), durability: Durability.None);
        RepairedState repaired = CheckpointFiles.RepairState(directory, new RepairOptions { DryRun = true });
        Check.Equal(directory + "/ckpt-4", repaired.Latest);
        Check.That(repaired.Paths.Contains(directory + "/ckpt-4"), "it does not list the latest");
        Check.Equal(0, repaired.Broken.Count);
        var none = new WaitOptions { Timeout = TimeSpan.Zero };
        Check.Same(new[] { directory + "/ckpt-4" }, CheckpointFiles.Watch(directory, none));
        Check.That(CheckpointFiles.WaitForNew(directory, directory + "/ckpt-4", none) == null, "it found something new");
        CheckpointFiles.Remove(directory + "/ckpt-4");
        Check.That(CheckpointFiles.Latest(directory) == null, "it is still there");
        Check.That(Pin.Latest(directory) == null, "it holds what is not there");
        Check.Fails(ErrorCode.NotFound, Reason.NoCheckpoint, () => new Pin(directory + "/ckpt-4").Dispose());
        Check.That(CheckpointFiles.GetState(Program.At("nowhere")) == null, "a state of nothing");
    }

    [Test("custom_state")]
    private static void CustomState()
    {
        string path;
        using (var program = new TestProgram())
        {
            var table = new Table { Keys = new long[] { 1, 2 }, Values = new long[] { 10, 20 } };
            program.Graph.Track(program.Root, "table", program.Graph.AddState(table));
            path = program.Checkpoint.Save(Program.At("t"));
            table.Keys = table.Values = null;
            program.Checkpoint.Restore(path).Dispose();
            Check.Same(new long[] { 1, 2 }, table.Keys);
            Check.Same(new long[] { 10, 20 }, table.Values);

            // What a callback throws is the inner exception.
            table.Fault = new InvalidOperationException("the table is locked");
            CheckpointException e = Check.Fails(ErrorCode.Aborted, Reason.Callback, () => program.Checkpoint.Save(Program.At("t")));
            Check.Contains("the table is locked", e.Message);
            Check.That(e.InnerException == table.Fault, "not the callback's own exception");
            e = Check.Fails(ErrorCode.Aborted, Reason.Callback, () => program.Checkpoint.Restore(path));
            Check.That(e.InnerException == table.Fault, "not the callback's own exception");
            table.Fault = null;
            table.Graph = program.Graph; // a callback may not call the graph that called it
            e = Check.Fails(ErrorCode.Aborted, Reason.Callback, () => program.Checkpoint.Save(Program.At("t")));
            Check.Equal(Reason.Reentrant, ((CheckpointException)e.InnerException).Reason);
            Check.Throws<InvalidOperationException>(() => table.LastSink.PutScalar("late", 1));
            Check.Throws<InvalidOperationException>(() => table.LastSource.Find("-keys"));
            Check.Throws<ArgumentNullException>(() => program.Graph.AddState(null));
        }

        // A value on a device.
        using (var program = new TestProgram())
        {
            var bytes = new byte[] { 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0 };
            var memory = (byte[])bytes.Clone();
            bool complete = false;
            var prepared = new List<long>();
            var device = new DeviceVariable
            {
                Read = (offset, buffer) => new Span<byte>(memory, (int)offset, buffer.Length).CopyTo(buffer),
                Write = (offset, data) => data.CopyTo(new Span<byte>(memory, (int)offset, data.Length)),
                Describe = () => new long[] { 3 },
                Prepare = (dtype, shape) => prepared.AddRange(shape),
                Finish = whole => complete = whole,
                Concurrent = true,
            };
            Node node = program.Graph.AddDevice(DType.Int32, new long[] { -1 }, device);
            program.Graph.Track(program.Root, "d", node);
            path = program.Checkpoint.Save(Program.At("t"));
            Check.Same(new[] { 1, 2, 3 }, program.Graph.Value<int>(node));
            Array.Clear(memory, 0, 12);
            program.Checkpoint.Restore(path).Dispose();
            Check.Same(bytes, memory);
            Check.Same(new long[] { 3 }, prepared);
            Check.Equal(true, complete);
        }
    }

    [Test("cancel")]
    private static void Cancel()
    {
        var why = new InvalidOperationException("enough");
        string path;
        var stop = new CancellationTokenSource();
        stop.Cancel();
        using (var program = new TestProgram())
        {
            program.Variable(program.Root, "v", new float[1 << 20]);
            var stopped = Check.Throws<OperationCanceledException>(() => program.Checkpoint.Save(Program.At("x"), null, stop.Token));
            Check.Equal(stop.Token, stopped.CancellationToken);
            Check.Equal(ErrorCode.Cancelled, ((CheckpointException)stopped.InnerException).Code);
            Check.Equal(0, Directory.GetFiles(Program.Directory, "*.index").Length);
            var options = new CheckpointSaveOptions { Write = new WriteOptions { Progress = (done, total) => { throw why; } } };
            CheckpointException e = Check.Fails(
                ErrorCode.Cancelled, Reason.Callback, () => program.Checkpoint.Save(Program.At("x"), options));
            Check.That(e.InnerException == why, "not the callback's own exception");

            // From another thread, in the midst of it.
            using (var source = new CancellationTokenSource())
            {
                var slow = new CheckpointSaveOptions
                {
                    Write = new WriteOptions
                    {
                        Progress = (done, total) =>
                        {
                            var other = new Thread(source.Cancel);
                            other.Start();
                            other.Join();
                        },
                    },
                };
                Check.Throws<OperationCanceledException>(() => program.Checkpoint.Save(Program.At("x"), slow, source.Token));
            }

            long last = 0, all = 1;
            var written = new List<string>();
            options = new CheckpointSaveOptions
            {
                Write = new WriteOptions
                {
                    Progress = (done, total) =>
                    {
                        last = done;
                        all = total;
                    },
                },
            };
            options.Written.Add(written.Add);
            path = program.Checkpoint.Save(Program.At("x"), options);
            Check.Equal(all, last);
            Check.Same(new[] { path }, written);
            options.Written.Add(saved => { throw why; });
            e = Check.Fails(ErrorCode.Aborted, Reason.Callback, () => program.Checkpoint.Save(Program.At("x"), options));
            Check.That(e.InnerException == why, "not the callback's own exception");
        }
        Check.Throws<OperationCanceledException>(() => CheckpointFiles.Verify(path, null, stop.Token));
        string merged = Program.At("merged");
        Check.Throws<OperationCanceledException>(() => CheckpointFiles.Merge(merged, new[] { path }, null, stop.Token));
        CheckpointFiles.Merge(merged, new[] { path }, new MergeOptions { KeepInputs = true, Progress = (done, total) => { } });
        Check.That(CheckpointFiles.Exists(merged) && CheckpointFiles.Exists(path), "it is not merged");
        Check.Throws<OperationCanceledException>(() => CheckpointFiles.WaitForNew(Program.At("w"), null, null, stop.Token));
        Check.Throws<OperationCanceledException>(() => CheckpointFiles.Watch(Program.At("w"), null, null, stop.Token).Count());
        CheckpointException waiting = Check.Fails(
            ErrorCode.Cancelled, Reason.Callback,
            () => CheckpointFiles.WaitForNew(Program.At("w"), null, new WaitOptions { Sleep = span => { throw why; } }));
        Check.That(waiting.InnerException == why, "not the callback's own exception");
    }

    [Test("name_based")]
    private static void NameBased()
    {
        float[] v = { 1, 2 }, w = { 3 };
        var graph = new Graph();
        Node a = graph.AddVariable(v, null, new NodeOptions { Name = "dense/kernel" });
        Node b = graph.AddVariable(w, null, new NodeOptions { Name = "dense/bias" });
        using (var saver = new Saver(graph, new[] { new Edge("k", a), new Edge("b", b) }, new SaverOptions { MaxToKeep = 2 }))
        {
            Check.Same(new[] { "b", "k" }, saver.Names());
            var saved = new List<string>();
            for (int step = 0; step < 3; step++)
            {
                saved.Add(saver.Save(Program.At("n"), new SaverSaveOptions { GlobalStep = step }));
            }
            Check.Equal(Program.At("n-2"), saved[2]);
            Check.Same(saved.Skip(1), saver.LastCheckpoints());
            Check.Equal(false, CheckpointFiles.Exists(saved[0]));
            using (var reader = new Reader(saved[2]))
            {
                Check.Same(new float[] { 1, 2 }, reader.Read<float>("k"));
                Check.Fails(ErrorCode.NotFound, Reason.NoObjectGraph, () => reader.ObjectGraph());
            }
            v[0] = v[1] = 0;
            Check.That(saver.LastReport() == null, "a report of nothing");
            Check.Equal(2, saver.Restore(saved[2]).CountOf(RowState.Restored));
            Check.Same(new float[] { 1, 2 }, v);
            Check.Equal(2, saver.LastReport().CountOf(RowState.Restored));
            saver.SetLastCheckpoints(saved.Skip(1).ToArray(), new[] { DateTimeOffset.UtcNow, DateTimeOffset.UtcNow });
            saver.SetLastCheckpoints(saved.Skip(1).ToArray());
            saver.RecoverLastCheckpoints(saved);
            Check.Same(saved.Skip(1), saver.LastCheckpoints());
            Check.Fails(
                ErrorCode.AlreadyExists, Reason.NameTaken, () => new Saver(graph, new[] { new Edge("k", a), new Edge("k", b) }).Dispose());
        }
        v[0] = 0;
        Node wide = graph.AddOwned(new float[] { 0, 0 }, new long[] { 2, 1 });
        int asked = 0;
        var options = new SaverOptions
        {
            RestoreOnly = true,
            Reshape = true,
            Clock = () =>
            {
                asked++;
                return new DateTimeOffset(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);
            },
        };
        using (var only = new Saver(graph, new[] { new Edge("k", a), new Edge("k", wide) }, options))
        {
            only.Restore(Program.At("n-2"));
            Check.Equal(1f, v[0]);
            Check.Same(new float[] { 1, 2 }, graph.Value<float>(wide));
            Check.Equal(1, asked);
            Check.Fails(ErrorCode.FailedPrecondition, Reason.Argument, () => only.Save(Program.At("n")));
        }
        Node root = graph.AddObject();
        graph.Track(root, "a", a);
        using (Saver own = Saver.OfVariables(graph, new[] { a, b }), all = Saver.OfRoot(graph, root, new SaverOptions { Log = (s, t) => { } }))
        {
            graph.Dispose(); // a saver keeps its graph
            Check.Same(new[] { "dense/bias", "dense/kernel" }, own.Names());
            Check.Same(new[] { "dense/kernel" }, all.Names());
            string path = own.Save(Program.At("own"), new SaverSaveOptions { WriteState = false });
            v[0] = 7;
            all.Restore(path);
            Check.Same(new float[] { 1, 2 }, v);
            own.Dispose();
            Check.Throws<ObjectDisposedException>(() => own.Names());
        }
    }

    [Test("views")]
    private static void Views()
    {
        var view = new CheckpointView(Fixture("guide_slots"));
        ObjectGraph objects = view.ObjectGraph();
        Dictionary<string, int> found = view.Descendants().ToDictionary(edge => edge.Name, edge => edge.Node);
        Check.Equal(0, found["root"]);
        int kernel = found["root.net.l1.kernel"];
        SavedValue saved = objects[kernel].Values[0];
        Check.Equal(KernelKey, saved.Key);
        Check.Equal("VARIABLE_VALUE", saved.Name);
        Check.Equal(4, objects[found["root.optimizer"]].Slots.Count);
        Check.That(objects[found["root.optimizer"]].Slots.Any(slot => slot.Name == "m" && slot.Original == kernel), "no slot m");
        Check.That(objects.All(node => node.SaverName == null), "a saver that is not there");
        float[] expected;
        using (var reader = new Reader(view.Prefix))
        {
            expected = reader.Read<float>(saved.Key);
            Check.Equal(objects.Count, reader.ObjectGraph().Count);
        }
        using (var program = new TestProgram())
        {
            Graph graph = program.Graph;
            var value = new float[5];
            Node net = graph.AddObject(), l1 = graph.AddObject(), k = graph.AddVariable(value, new long[] { 1, 5 });
            graph.Track(program.Root, "net", net);
            graph.Track(net, "l1", l1);
            graph.Track(l1, "kernel", k);
            Node other = program.Variable("other", 1);
            Comparison diff = view.Diff(graph, program.Root);
            Check.Equal(4, diff.Matches.Count);
            Check.Equal(kernel, diff.Matches[3].Node);
            Check.Equal(k, diff.Matches[3].Object);
            Check.Same(new[] { other }, diff.ProgramOnly);
            Check.Equal(found.Count - 4, diff.CheckpointOnly.Count);
            Check.Equal(0, diff.Warnings.Count);
            Check.Equal(4, view.Diff(program.Checkpoint).Matches.Count);
            graph.RestoreNodes(view.Prefix, new[] { new NodeMatch(kernel, k) });
            Check.Same(expected, value);
            Check.Throws<ArgumentOutOfRangeException>(() => graph.RestoreNodes(view.Prefix, new[] { new NodeMatch(-1, k) }));
            view.Dispose();
            Check.Throws<ObjectDisposedException>(() => view.Diff(graph, program.Root));
        }
        Check.Fails(
            ErrorCode.NotFound, Reason.NoObjectGraph, () => new CheckpointView(Fixture("saver_v2")).Dispose());
    }

    [Test("leaks")]
    private static void Leaks()
    {
        // What nobody disposes of is freed by the garbage collector, a status without a word. On a
        // thread of its own, whose stack is gone when the collector looks.
        var said = new List<string>();
        Exception fault = null;
        var thread = new Thread(() =>
        {
            try
            {
                Abandon(said);
            }
            catch (Exception e)
            {
                fault = e;
            }
        });
        thread.Start();
        thread.Join();
        Check.That(fault == null, "" + fault);
        for (int i = 0; i < 500 && (Library.LiveHandles != 0 || Library.KeptObjects != 0); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(10);
        }
        Check.Equal(0, said.Count);
    }

    private static void Abandon(List<string> said)
    {
        var program = new TestProgram();
        program.Variable("v", 1);
        string path = program.Checkpoint.Save(Program.At("l"));
        var other = new TestProgram();
        other.Checkpoint.SetLog((severity, line) => said.Add(line));
        other.Checkpoint.Restore(path);
        var reader = new Reader(path);
        reader["v/.ATTRIBUTES/VARIABLE_VALUE"].View();
        new Writer(Program.At("w")).Add("v", new float[1]);
        new Manager(other.Checkpoint, Program.Directory, new ManagerOptions { Log = (severity, line) => said.Add(line) });
        new CheckpointView(path).Descendants();
        Check.That(Library.LiveHandles > 0 && Library.KeptObjects > 0, "nothing was left");
    }

    private sealed class Table : IState
    {
        internal long[] Keys { get; set; }

        internal long[] Values { get; set; }

        internal Exception Fault { get; set; }

        internal Graph Graph { get; set; }

        internal Sink LastSink { get; private set; }

        internal Source LastSource { get; private set; }

        public void Save(Sink sink)
        {
            LastSink = sink;
            if (Fault != null)
            {
                throw Fault;
            }
            if (Graph != null)
            {
                Graph.AddObject();
            }
            long[] values = Values;
            sink.Put("-keys", Keys);
            sink.PutStrings("-name", new[] { "table" }, new long[0]);
            sink.PutBytes("-bits", DType.QInt8, new long[] { 2 }, new byte[] { 1, 2 });
            sink.PutRead("-values", DType.Int64, new long[] { values.Length }, (offset, buffer) =>
                MemoryMarshal.AsBytes(new Span<long>(values)).Slice((int)offset, buffer.Length).CopyTo(buffer));
        }

        public void Restore(Source source)
        {
            LastSource = source;
            if (Fault != null)
            {
                throw Fault;
            }
            Check.Equal(4, source.Count);
            Check.Same(
                new[] { "-bits", "-keys", "-name", "-values" },
                source.Select(tensor => tensor.Name).OrderBy(name => name, StringComparer.Ordinal));
            Check.Equal("table", source.Find("-name").ReadText()[0]);
            Check.Same(new byte[] { 1, 2 }, source.Find("-bits").ReadBytes());
            Check.That(source.Find("-none") == null, "a tensor that is not there");
            Check.Fails(ErrorCode.NotFound, Reason.NoTensor, () => source.Read<long>("-none"));
            Keys = source.Read<long>("-keys");
            Values = source.Find("-values").Read<long>();
        }
    }
}
