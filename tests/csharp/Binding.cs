using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using LibCheckpoint;

/// <summary>What the steps that all languages share leave out.</summary>
internal static class Binding
{
    private static Type Internal(string name) => typeof(Graph).Assembly.GetType("LibCheckpoint." + name, true);

    [Test("every_declaration_is_a_function_of_the_library")]
    private static void EveryDeclarationIsAFunctionOfTheLibrary()
    {
        int declared = 0;
        foreach (MethodInfo method in Internal("NativeMethods").GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
        {
            if ((method.Attributes & MethodAttributes.PinvokeImpl) != 0)
            {
                Marshal.Prelink(method); // throws when the library has no such function, or an argument cannot be passed
                declared++;
            }
        }
        Check.That(declared > 400, "only " + declared + " functions are declared");
    }

    [Test("no_import_looks_in_the_working_directory")]
    private static void NoImportLooksInTheWorkingDirectory()
    {
        var search = typeof(Graph).Assembly.GetCustomAttribute<DefaultDllImportSearchPathsAttribute>();
        Check.Equal(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories, search.Paths);
        foreach (MethodInfo method in Internal("NativeMethods").GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
        {
            Check.That(method.GetCustomAttribute<DefaultDllImportSearchPathsAttribute>() == null, method.Name + " has paths of its own");
        }
    }

    [Test("versions_agree")]
    private static void VersionsAgree()
    {
        Check.Equal(Library.Version, Library.HeaderVersion);
        Check.Equal("DATA_LOSS", ErrorCode.DataLoss.Name());
        foreach (DType dtype in Enum.GetValues(typeof(DType)))
        {
            Check.That(dtype == DType.Invalid || dtype.Name() != "invalid", dtype + " is no dtype");
        }
    }

    // A checkpoint of a few hundred bytes claims 2^30 and 2^40 elements.
    [Test("what_the_data_files_do_not_hold_is_refused_before_memory_is_allocated")]
    private static void ClaimsAreRefused()
    {
        using (var reader = new Reader(Path.Combine(Program.Data, "..", "hostile", "claim")))
        {
            long before = GC.GetTotalMemory(true);
            foreach (string key in new[] { "billion", "trillion" })
            {
                SavedTensor tensor = reader[key];
                Action[] reads =
                {
                    () => tensor.Read<float>(), () => tensor.ReadSlice<float>(new Region(new long[] { 1 }, new long[] { -1 })),
                    () => tensor.View(),
                };
                foreach (Action read in reads)
                {
                    CheckpointException e = Check.Fails(ErrorCode.DataLoss, Reason.Truncated, read);
                    Check.Equal(key, e.Tensor);
                    Check.That(e.File.EndsWith("claim.data-00000-of-00001", StringComparison.Ordinal), e.File);
                }
            }
            Check.Fails(ErrorCode.DataLoss, Reason.Truncated, () => reader["strings"].ReadStrings());
            Check.That(GC.GetTotalMemory(false) - before < 1 << 24, "memory was taken");
        }
    }

    [Test("another_type_than_the_tensors_is_refused_with_both_names")]
    private static void AnotherType()
    {
        using (var writer = new Writer(Program.At("h")))
        {
            writer.Add("half", new[] { new Float16Bits(0x3c00), new Float16Bits(0x4000) });
            writer.Finish();
        }
        using (var reader = new Reader(Program.At("h")))
        {
            Check.Same(new ushort[] { 0x3c00, 0x4000 }, reader.Read<ushort>("half"));
            CheckpointException e = Check.Fails(ErrorCode.InvalidArgument, Reason.DType, () => reader.Read<short>("half"));
            Check.Equal("int16 float16 half", e.Expected + " " + e.Found + " " + e.Tensor);
            Check.Equal(Program.At("h"), e.File);
            Check.Fails(ErrorCode.InvalidArgument, Reason.Shape, () => reader["half"].ReadSlice<ushort>(new Region(new long[] { 0 }, new long[] { 3 })));
        }
    }

    [Test("a_graph_lives_until_the_last_object_for_it_is_disposed_of")]
    private static void SharedGraph()
    {
        var first = new Graph();
        Node variable = first.AddVariable(new float[] { 7 });
        using (Graph second = first.Share())
        {
            first.Dispose();
            Check.Same(new float[] { 7 }, second.Value<float>(variable));
            Check.Throws<ObjectDisposedException>(() => first.Share());
        }
    }

    [Test("objects_for_one_graph_follow_the_same_arrays")]
    private static void ObjectsForOneGraphFollowTheSameArrays()
    {
        using (var graph = new Graph())
        using (Graph shared = graph.Share())
        {
            Node root = graph.AddObject();
            var holder = new Holder { A = new float[] { 1, 2 }, B = new float[] { 3 } };
            holder.Tied = holder.B;
            graph.TrackObject(root, holder);
            holder.A = new float[] { 5, 6 };
            using (var checkpoint = new Checkpoint(shared, root))
            using (var reader = new Reader(checkpoint.Write(Program.At("shared"))))
            {
                Check.Same(new float[] { 5, 6 }, reader.Read<float>("A/.ATTRIBUTES/VARIABLE_VALUE"));
            }
        }
    }

    [Test("registered_saver")]
    private static void RegisteredSaver()
    {
        using (var program = new TestProgram())
        {
            float[] value = { 3 }, plain = { 4 };
            var saver = new Doubling { Value = value, Only = program.Variable(program.Root, "special", value) };
            program.Variable(program.Root, "plain", plain);
            program.Graph.RegisterSaver("Test", "Doubling", true, saver);
            Check.Throws<CheckpointException>(() => program.Graph.RegisterSaver("Test", "Doubling", true, saver));
            string path = program.Checkpoint.Save(Program.At("s"));
            Check.Same(new[] { "special" }, saver.Paths);
            using (var reader = new Reader(path))
            {
                Check.Same(new float[] { 6 }, reader.Read<float>("special/doubled"));
                SavedNode node = reader.ObjectGraph().Single(one => one.SaverName != null);
                Check.Equal("Test.Doubling", node.SaverName);
                Check.Equal("special", node.SaverObjectName);
                Check.That(node.HasValues != null, "it does not say whether it has values");
            }
            value[0] = plain[0] = 0;
            program.Checkpoint.Restore(path).Dispose();
            Check.Equal(3, value[0]);
            Check.Equal(4, plain[0]);
            saver.Fault = new InvalidOperationException("no saver");
            CheckpointException e = Check.Throws<CheckpointException>(() => program.Checkpoint.Save(Program.At("s")));
            Check.That(e.InnerException == saver.Fault, "not the callback's own exception: " + e);
            e = Check.Throws<CheckpointException>(() => program.Checkpoint.Restore(path));
            Check.That(e.InnerException == saver.Fault, "not the callback's own exception: " + e);
            saver.Fault = new Silent(); // whose text is code of the program, and fails
            e = Check.Throws<CheckpointException>(() => program.Checkpoint.Save(Program.At("s")));
            Check.That(e.InnerException == saver.Fault, "not the callback's own exception");
        }
    }

    [Test("lists_and_edges_change")]
    private static void ListsAndEdgesChange()
    {
        using (var program = new TestProgram())
        {
            Graph graph = program.Graph;
            Node a = graph.AddObject(new NodeOptions { DebugName = "a" }), b = graph.AddObject(), list = graph.AddList();
            graph.ListAppend(list, a);
            graph.ListRepeat(list, 2);
            Check.Same(new[] { a, a }, graph.ListElements(list));
            graph.ListSet(list, -1, b);
            graph.ListInsert(list, 0, b);
            Check.Same(new[] { b, a, b }, graph.ListElements(list));
            graph.ListSplice(list, 0, 1, a, a);
            graph.ListReorder(list, 3, 2, 1, 0);
            Check.Same(new[] { b, a, a, a }, graph.ListElements(list));
            Check.Equal(ErrorCode.OutOfRange, Check.Throws<CheckpointException>(() => graph.ListSet(list, 9, a)).Code);

            graph.Track(program.Root, "x", a);
            Check.Fails(ErrorCode.AlreadyExists, Reason.NameTaken, () => graph.Track(program.Root, "x", b));
            graph.TrackOverwrite(program.Root, "x", b);
            Check.Same(new[] { "x: " + b }, graph.Children(program.Root).Select(edge => edge.ToString()));
            Check.Same(new[] { program.Root, b }, graph.Descendants(program.Root));
            Check.Equal(b, graph.Untrack(program.Root, "x"));
            Node dict = graph.AddDict();
            graph.DictSet(dict, "k", a);
            Check.Equal(a, graph.DictRemove(dict, "k"));
            graph.Remove(a);
            Check.Equal(false, graph.Contains(a));
            Check.That(a != b && a.Equals((object)a) && !a.Equals((object)5), "nodes are not equal to themselves");
        }
    }

    [Test("small_floats_are_floats_and_back")]
    private static void SmallFloatsAreFloatsAndBack()
    {
        Check.Equal(1.5f, new BFloat16Bits(0x3fc0).ToSingle());
        Check.Equal(-2f, new Float16Bits(0xc000).ToSingle());
        Check.Equal(new BFloat16Bits(0x3fc0), BFloat16Bits.FromSingle(1.5f));
        Check.Equal(new Float16Bits(0x7c00), Float16Bits.FromSingle(1e30f));
        Check.Equal(448f, Conversions.ToSingle(DType.Float8E4M3FN, 0x7e));
        Check.Equal(57344f, Conversions.ToSingle(DType.Float8E5M2, 0x7b));
        Check.Equal(240f, Conversions.ToSingle(DType.Float8E4M3FNUZ, 0x7f));
        Check.Equal(30f, Conversions.ToSingle(DType.Float8E4M3B11FNUZ, 0x7f));
        Check.Equal(57344f, Conversions.ToSingle(DType.Float8E5M2FNUZ, 0x7f));
        Check.Equal((ushort)0xfe, Conversions.FromSingle(DType.Float8E4M3FN, -448f));
        Check.Throws<ArgumentException>(() => Conversions.ToSingle(DType.Float64, 0));
        var narrow = new int[2];
        Conversions.Convert<long, int>(new long[] { 1, -2 }, narrow, Conversion.Exact);
        Check.Same(new[] { 1, -2 }, narrow);
        Check.Fails(
            ErrorCode.InvalidArgument, Reason.DType, () => Conversions.Convert<long, int>(new[] { 1, 1L << 40 }, narrow, Conversion.Exact));
        Check.Fails(
            ErrorCode.InvalidArgument, Reason.DType, () => Conversions.Convert<float, int>(new float[2], narrow, Conversion.Lossy));
        Check.Fails(ErrorCode.InvalidArgument, Reason.Shape, () => Conversions.Convert<long, int>(new long[1], narrow, Conversion.Exact));
        Check.Same(new[] { 1, -2 }, narrow);
    }

    [Test("values_are_read_and_restored_as_another_type")]
    private static void ValuesAreReadAndRestoredAsAnotherType()
    {
        string path = Program.At("small");
        var exact = new ReadOptions { Conversion = Conversion.Exact };
        var stored = new[] { new BFloat16Bits(0x3f80), new BFloat16Bits(0xc000), new BFloat16Bits(0x3fc0) };
        var floats = new[] { 1f, -2f, 1.5f };
        using (var program = new TestProgram())
        {
            program.Graph.Track(program.Root, "v", program.Graph.AddOwned(stored));
            path = program.Checkpoint.Write(path);
        }
        using (var reader = new Reader(path))
        {
            SavedTensor v = reader["v"];
            Check.Same(floats, v.Read<float>(exact));
            Check.Same(stored, v.Read<BFloat16Bits>(exact));
            Check.Same(new[] { -2.0, 1.5 }, v.ReadSlice<double>(new Region(new long[] { 1 }, new long[] { 2 }), exact));
            Check.Equal(DType.Invalid, exact.DType);
            var bytes = new byte[12];
            reader.ReadMany(new ReadBatch().AddBytes(v, bytes), new ReadOptions { DType = DType.Float32, Conversion = Conversion.Exact });
            Check.Same(floats, MemoryMarshal.Cast<byte, float>(bytes).ToArray());
            Check.Fails(ErrorCode.InvalidArgument, Reason.DType, () => v.Read<float>());
            Check.Fails(ErrorCode.InvalidArgument, Reason.DType, () => v.Read<int>(exact));
        }
        using (var program = new TestProgram())
        {
            var values = new float[3];
            program.Graph.Track(program.Root, "v", program.Graph.AddVariable(values));
            Check.Fails(ErrorCode.InvalidArgument, Reason.DType, () => program.Checkpoint.Read(path).Dispose());
            using (Status status = program.Checkpoint.Read(path, new RestoreOptions { Conversion = Conversion.Exact }))
            {
                status.AssertConsumed();
                Check.Equal(RowState.Converted, status.Report()[0].State);
            }
            Check.Same(floats, values);
        }
    }

    [Test("tensors_are_found_by_the_names_that_people_use")]
    private static void TensorsAreFoundByTheNamesThatPeopleUse()
    {
        using (var reader = new Reader(Conformance.Fixture("guide")))
        {
            foreach (string name in new[] { Conformance.KernelKey, "net/l1/kernel", "net/dense/kernel", "net/dense/kernel:0" })
            {
                Check.Equal(Conformance.KernelKey, Encoding.UTF8.GetString(reader[name].KeyBytes()));
                Check.Equal(Conformance.KernelKey, reader[name].Key);
                Check.Equal(name == Conformance.KernelKey, reader.Contains(name));
            }
        }
        using (var reader = new Reader(Conformance.Fixture("containers")))
        {
            Check.Fails(ErrorCode.InvalidArgument, Reason.Ambiguous, () => reader["Variable"].ToString());
        }
    }

    [Test("values_of_every_kind")]
    private static void ValuesOfEveryKind()
    {
        using (var program = new TestProgram())
        {
            Graph graph = program.Graph;
            Node owned = graph.AddOwned(new[] { 1, 2 });
            graph.Assign(owned, new[] { 3, 4 });
            Check.Same(new[] { 3, 4 }, graph.Value<int>(owned));
            graph.Use(owned, bytes => bytes[0] = 9);
            Check.Same(new[] { 9, 4 }, graph.Value<int>(owned));
            graph.AssignBytes(owned, DType.Int32, new long[] { 2 }, new byte[] { 1, 0, 0, 0, 2, 0, 0, 0 });
            var into = new byte[8];
            graph.ReadBytes(owned, into);
            Check.Same(new byte[] { 1, 0, 0, 0, 2, 0, 0, 0 }, into);
            Check.Same(new[] { 0, 0 }, graph.Value<int>(graph.AddZeros(DType.Int32, new long[] { 2 })));
            Check.Fails(ErrorCode.InvalidArgument, Reason.DType, () => graph.Value<float>(owned));
            Check.Fails(ErrorCode.InvalidArgument, Reason.DType, () => graph.Assign(owned, new float[2]));
            Check.Throws<ArgumentException>(() => graph.AddVariable(new DateTime[1]));

            Node words = graph.AddStrings(new[] { "a", "" });
            graph.AssignStrings(words, new[] { "", "b" });
            Check.Same(new[] { 0, 1 }, graph.ReadStrings(words).Select(word => word.Length));
            Check.Equal(5, graph.ReadInteger(graph.AddScalar(new long[] { 5 })));
            graph.SetDebugName(owned, "owned");
            graph.SetName(owned, "owned");

            // Memory of the program's: a part of an array, then another array.
            float[] whole = { 1, 2, 3, 4 }, other = { 7, 8 };
            Node part = graph.AddVariable(new Memory<float>(whole, 1, 2), null, null);
            Check.Same(new float[] { 2, 3 }, graph.Value<float>(part));
            long kept = Library.KeptObjects;
            graph.SetMemory(part, other);
            Check.Equal(kept, Library.KeptObjects);
            graph.Assign(part, new float[] { 5, 6 });
            Check.Same(new float[] { 5, 6 }, other);
            Check.Same(new float[] { 1, 2, 3, 4 }, whole);
            Check.Fails(ErrorCode.InvalidArgument, Reason.Shape, () => graph.SetMemory(part, new float[3]));
            Check.Equal(kept, Library.KeptObjects);
            graph.Remove(part);
            Check.Equal(kept - 1, Library.KeptObjects);
            Node bits = graph.AddBytes(new byte[] { 1, 2 }, DType.QInt8, new long[] { 2 });
            Check.Same(new byte[] { 1, 2 }, graph.Value<byte>(bits));
            Node flag = graph.AddVariable(new[] { true });
            Check.Same(new[] { true }, graph.Value<bool>(flag));

            // Read-only variables are not restored.
            graph.Track(program.Root, "fixed", graph.AddVariable(new float[1], null, new NodeOptions { ReadOnly = true }));
            string path = program.Checkpoint.Save(Program.At("v"));
            Check.Fails(ErrorCode.FailedPrecondition, Reason.ReadOnly, () => program.Checkpoint.Restore(path));
        }
    }

    [Test("objects_are_tracked_by_their_members")]
    private static void ObjectsAreTrackedByTheirMembers()
    {
        Model one = NewModel(1), two = NewModel(0), three = NewModel(0);
        string path;
        using (var program = new TestProgram())
        {
            IReadOnlyDictionary<string, Node> found = program.Graph.TrackObject(program.Root, one);
            Check.Same(
                new[]
                {
                    "Step", "again", "again/bias", "again/kernel", "flag", "heads", "heads/a", "heads/a/bias", "heads/a/kernel", "heads/b",
                    "heads/b/bias", "heads/b/kernel", "layers", "layers/0", "layers/0/bias", "layers/0/kernel", "layers/2", "layers/2/bias",
                    "layers/2/kernel", "shared", "state",
                },
                found.Keys.OrderBy(key => key, StringComparer.Ordinal));
            Check.Equal(found["shared"], found["again"]);
            Check.Same(new long[] { 1, 2 }, program.Graph.Describe(found["layers/0/kernel"]).Shape);
            Check.Same(new long[] { 2, 1 }, program.Graph.Describe(found["layers/0/bias"]).Shape);
            Check.Equal(DType.BFloat16, program.Graph.Describe(found["layers/0/bias"]).DType);
            Check.Equal(0, program.Graph.Describe(found["Step"]).Shape.Count);
            one.Shared.Kernel[0, 1] = 77;
            one.Step.Value = 5;
            path = program.Checkpoint.Save(Program.At("m"));
        }
        using (var program = new TestProgram())
        {
            program.Graph.TrackObject(program.Root, two);
            using (Status status = program.Checkpoint.Restore(path))
            {
                status.AssertConsumed();
            }
        }
        // After the restore, what is tracked is restored, too.
        using (var program = new TestProgram())
        using (Status status = program.Checkpoint.Restore(path))
        {
            program.Graph.TrackObject(program.Root, three);
            status.AssertConsumed();
        }
        foreach (Model model in new[] { two, three })
        {
            Check.Equal(5, model.Step.Value);
            Check.Equal("5", model.Step.ToString());
            Check.Equal(77, model.Shared.Kernel[0, 1]);
            Check.Equal(3, model.Layers[2].Kernel[0, 0]);
            Check.Equal(new BFloat16Bits(1), model.Heads["b"].Bias[1]);
            Check.Same(new double[] { 1, 2 }, model.State.Values);
            Check.Same(new[] { true, true }, model.Flags);
        }

        using (var graph = new Graph())
        {
            Node root = graph.AddObject();
            Check.Throws<ArgumentNullException>(() => graph.TrackObject(root, null));
            foreach (object nothing in new object[] { new { W = new float[1] }, new Unmarked(), new List<float[]>() })
            {
                Check.Contains("nothing in a " + nothing.GetType(), Check.Throws<ArgumentException>(() => graph.TrackObject(root, nothing)).Message);
                var held = new Wrong { Tracked = new[] { new Wrong(), nothing is List<float[]> ? new Unmarked() : nothing } };
                Check.Contains("x/1: nothing in a ", Check.Throws<ArgumentException>(() => graph.TrackObject(graph.AddObject(), held)).Message);
            }
            Check.Throws<ArgumentException>(() => graph.TrackObject(root, new Wrong { Tracked = 5 }));
            Check.Throws<ArgumentException>(() => graph.TrackObject(root, new Wrong { Tracked = "text" }));
            Check.Throws<ArgumentException>(() => graph.TrackObject(root, new Wrong { Tracked = new Dictionary<int, int[]> { { 1, null } } }));
            Check.Throws<ArgumentException>(() => graph.TrackObject(root, new Wrong { Tracked = new[] { "text" } }));
            Check.Throws<ArgumentException>(() => graph.AddArray(new DateTime[1]));
            var cube = new int[2, 3, 4];
            cube[1, 2, 3] = 9;
            Node node = graph.AddArray(cube);
            Check.Same(new long[] { 2, 3, 4 }, graph.Describe(node).Shape);
            Check.Equal(9, graph.Value<int>(node)[23]);
            Check.Equal(7, graph.ReadInteger(graph.AddScalar(new Scalar<short>(7))));
            Check.Equal(0, graph.Value<double>(graph.AddArray(new double[0])).Length);
        }
    }

    [Test("arrays_that_are_assigned_to_tracked_members_are_followed")]
    private static void ArraysThatAreAssignedToTrackedMembersAreFollowed()
    {
        var saves = new Func<Holder, TestProgram, string>[]
        {
            (holder, program) => program.Checkpoint.Write(Program.At("write")),
            (holder, program) => program.Checkpoint.Save(Program.At("save")),
            (holder, program) => Waited(program.Checkpoint.BeginSave(Program.At("async"))),
            (holder, program) => Managed(program, manager => manager.Save()),
            (holder, program) => Managed(program, manager => Waited(manager.BeginSave())),
        };
        foreach (Func<Holder, TestProgram, string> save in saves)
        {
            using (var program = new TestProgram())
            {
                var holder = new Holder { A = new float[] { 1, 2 }, B = new float[] { 3 } };
                holder.Tied = holder.B;
                program.Graph.TrackObject(program.Root, holder);
                long kept = Library.KeptObjects;
                holder.A = new float[] { 5, 6 };
                holder.B = holder.Tied = new float[] { 7 };
                holder.Step = new Scalar<int>(9);
                string path = save(holder, program);
                using (var reader = new Reader(path))
                {
                    Check.Same(new float[] { 5, 6 }, reader.Read<float>("A/.ATTRIBUTES/VARIABLE_VALUE"));
                    Check.Same(new float[] { 7 }, reader.Read<float>("B/.ATTRIBUTES/VARIABLE_VALUE"));
                    Check.Same(new[] { 9 }, reader.Read<int>("Step/.ATTRIBUTES/VARIABLE_VALUE"));
                }
                // The old arrays are the program's again, and a moment later so is what a save in
                // the background kept.
                Check.That(SpinWait.SpinUntil(() => Library.KeptObjects == kept, 10000), "old arrays are kept");

                // A restore is into what is there now.
                Array before = holder.A;
                holder.A = new float[2];
                program.Checkpoint.Read(path).ExpectPartial().Dispose();
                Check.Same(new float[] { 5, 6 }, (float[])holder.A);
                holder.A = new float[] { 8, 8 };
                Check.Same(new float[] { 5, 6 }, (float[])before);
                using (var saver = new Saver(program.Graph, new[] { new Edge("a", program.Graph.Lookup(program.Root, "A")) }))
                using (var reader = new Reader(saver.Save(Program.At("saver"))))
                {
                    Check.Same(new float[] { 8, 8 }, reader.Read<float>("a"));
                }
            }
        }
    }

    [Test("what_cannot_be_followed_is_refused")]
    private static void WhatCannotBeFollowedIsRefused()
    {
        var changes = new Dictionary<string, Action<Holder>>
        {
            { "A: another array has taken the place of the one that is tracked: expected float32 [2], found float32 [3]", holder => holder.A = new float[3] },
            { "A: another array has taken the place of the one that is tracked: expected float32 [2], found int32 [2]", holder => holder.A = new int[2] },
            { "A: nothing has taken the place of the System.Single[] that is tracked", holder => holder.A = null },
            { "B and Tied: they held one object when they were tracked", holder => holder.B = new float[1] },
            { "Inner: a Binding+Layer has taken the place of the Binding+Layer", holder => holder.Inner = new Layer() },
            { "Absent: nothing was there when the object was tracked, and now there is a System.Single[]", holder => holder.Absent = new float[1] },
        };
        foreach (KeyValuePair<string, Action<Holder>> change in changes)
        {
            using (var program = new TestProgram())
            {
                var holder = new Holder { A = new float[] { 1, 2 }, B = new float[] { 3 }, Inner = new Layer { Kernel = new float[1, 1], Bias = new BFloat16Bits[2] } };
                holder.Tied = holder.B;
                program.Graph.TrackObject(program.Root, holder);
                holder.Step = new Scalar<int>(9); // could be followed
                change.Value(holder);
                Check.Contains(change.Key, Check.Throws<InvalidOperationException>(() => program.Checkpoint.Write(Program.At("c"))).Message);
                Check.Equal(0, program.Graph.ReadInteger(program.Graph.Lookup(program.Root, "Step")));
                Check.Equal(false, CheckpointFiles.Exists(Program.At("c")));
                if (holder.Absent != null)
                {
                    program.Graph.Track(program.Root, "Absent", program.Graph.AddVariable((float[])holder.Absent));
                    program.Checkpoint.Write(Program.At("c"));
                }
            }
        }
    }

    private static string Waited(Pending pending)
    {
        using (pending)
        {
            return pending.Wait();
        }
    }

    private static string Managed(TestProgram program, Func<Manager, string> save)
    {
        using (var manager = new Manager(program.Checkpoint, Program.At("managed" + Guid.NewGuid().ToString("N"))))
        {
            return save(manager);
        }
    }

    private static Model NewModel(float of)
    {
        Func<float, Layer> layer = x => new Layer { Kernel = new[,] { { of * x, of } }, Bias = new[] { new BFloat16Bits((ushort)of), new BFloat16Bits((ushort)of) } };
        Layer shared = layer(1);
        return new Model
        {
            Shared = shared, Again = shared, Layers = new List<Layer> { layer(2), null, layer(3) },
            Heads = new Dictionary<string, Layer> { { "b", layer(4) }, { "a", layer(5) } },
            State = new Lending { Values = new double[] { of, 2 * of } }, Flags = new[] { of == 1, of == 1 },
        };
    }

    [Test("checkpoints_with_attached_edges")]
    private static void CheckpointsWithAttachedEdges()
    {
        float[] value = { 1 }, step = { 2 };
        using (var graph = new Graph())
        {
            Node root = graph.AddObject();
            Node v = graph.AddVariable(value);
            graph.Track(root, "v", v);
            using (var checkpoint = new Checkpoint(graph, root, new[] { new Edge("step", graph.AddScalar(step)) }))
            {
                Check.Equal(root, checkpoint.Root);
                Check.Equal(Program.At("c"), checkpoint.Write(Program.At("c")));
                Check.Equal(Program.At("c-7"), checkpoint.WriteNumbered(Program.At("c"), 7));
                value[0] = step[0] = 0;
                Check.Equal(false, graph.WasRestored(v));
                checkpoint.Read(Program.At("c-7")).Dispose();
                Check.Equal(true, graph.WasRestored(v));
                Check.Same(new float[] { 1, 2 }, new[] { value[0], step[0] });
                Check.Equal(0, checkpoint.SaveCount());
                using (Graph again = checkpoint.Graph())
                {
                    Check.Equal(0, again.ReadInteger(checkpoint.SaveCounter()));
                }
                var options = new RestoreOptions { Subtree = "nowhere", SkipSlotVariables = true };
                Check.Contains("nowhere", Check.Throws<CheckpointException>(() => checkpoint.Read(Program.At("c"), options)).Message);
            }
        }
    }

    [Test("variables_are_parts_of_tensors")]
    private static void VariablesArePartsOfTensors()
    {
        string path;
        using (var program = new TestProgram())
        {
            program.Variable("v", 1, 2, 3, 4);
            path = program.Checkpoint.Save(Program.At("whole"));
        }
        using (var program = new TestProgram())
        {
            var part = new float[2];
            var options = new NodeOptions { Part = new Part(new long[] { 4 }, new Region(new long[] { 1 }, new long[] { 2 })) };
            program.Graph.Track(program.Root, "v", program.Graph.AddVariable(part, null, options));
            using (Status status = program.Checkpoint.Read(path))
            {
                Row row = status.ExpectPartial().Report().Single(one => one.Path == "v");
                Check.Equal(RowState.Restored, row.State);
                Check.Equal("1,2", row.ProgramSlice);
                Check.Same(new long[] { 4 }, row.ProgramShape);
            }
            Check.Same(new float[] { 2, 3 }, part);
            using (var reader = new Reader(program.Checkpoint.Write(Program.At("part"))))
            {
                SavedTensor saved = reader["v/.ATTRIBUTES/VARIABLE_VALUE"];
                Check.That(((IList<long>)saved.Shape).IsReadOnly, "the shape of the tensor can be changed");
                Check.Same(new long[] { 4 }, saved.Shape);
                Check.Same(new long[] { 1 }, saved.Slices().Single().Start);
                Check.Same(new float[] { 2, 3 }, saved.ReadSlice<float>(options.Part.Region));
            }
            Check.Throws<ArgumentException>(() => new Part(new long[] { 4, 4 }, options.Part.Region));
            Check.Fails(ErrorCode.InvalidArgument, Reason.Shape, () => program.Graph.AddVariable(new float[3], null, options));
        }
    }

    // What the library keeps for a save in the background it lets go of a moment after the save is
    // over.
    internal static void NothingIsKept(long handles = 0) =>
        Check.That(SpinWait.SpinUntil(() => Library.KeptObjects == 0 && Library.LiveHandles == handles, 10000), "something is kept");

    private static async Task<string> Awaited(Pending pending) => await pending;

    [Test("saves_in_the_background")]
    private static void SavesInTheBackground()
    {
        using (var program = new TestProgram())
        {
            float[] value = { 1, 2 };
            program.Variable(program.Root, "v", value);
            var written = new List<string>();
            var options = new CheckpointSaveOptions();
            options.Written.Add(written.Add);
            using (Pending pending = program.Checkpoint.BeginSave(Program.At("a"), options))
            {
                value[0] = 9; // what is saved is what was there
                Check.Equal(Program.At("a-1"), pending.Path);
                Check.Equal(pending.Path, pending.Wait());
                Check.Equal(pending.Path, pending.Wait());
                pending.Completion.Wait();
                Check.Equal(pending.Path, Awaited(pending).Result);
                long done, total;
                Check.That(pending.IsCompleted && pending.Poll(out done, out total) && done == total && total > 0, "it is not over");
            }
            Check.Same(new[] { Program.At("a-1") }, written);
            using (var reader = new Reader(Program.At("a-1")))
            {
                Check.Same(new float[] { 1, 2 }, reader.Read<float>("v/.ATTRIBUTES/VARIABLE_VALUE"));
            }
            using (Pending pending = program.Checkpoint.BeginWrite(Program.At("b")))
            {
                Check.Equal(Program.At("b"), pending.Wait());
            }
            program.Checkpoint.Sync();
        }
        NothingIsKept();
    }

    [Test("saves_in_the_background_fail_and_are_cancelled")]
    private static void SavesInTheBackgroundFailAndAreCancelled()
    {
        var fault = new InvalidOperationException("no");
        using (var program = new TestProgram())
        using (var go = new ManualResetEvent(false))
        {
            Checkpoint checkpoint = program.Checkpoint;
            program.Variable(program.Root, "v", new float[1 << 20]);
            var failing = new CheckpointSaveOptions();
            failing.Written.Add(path => { throw fault; });
            using (Pending pending = checkpoint.BeginSave(Program.At("a"), failing))
            {
                CheckpointException e = Check.Fails(ErrorCode.Aborted, Reason.Callback, () => pending.Wait());
                Check.That(e.InnerException == fault, "not the callback's own exception");
                e = Check.Fails(ErrorCode.Aborted, Reason.Callback, () => Awaited(pending).GetAwaiter().GetResult());
                Check.That(e.InnerException == fault, "not the callback's own exception");
            }
            // What nobody asked for comes from Sync.
            checkpoint.BeginSave(Program.At("a"), failing).Dispose();
            CheckpointException late = Check.Fails(ErrorCode.Aborted, Reason.Callback, checkpoint.Sync);
            Check.That(late.InnerException == fault, "not the callback's own exception");
            // So it does when somebody only waited for the end.
            using (Pending pending = checkpoint.BeginSave(Program.At("a"), failing))
            {
                pending.Completion.Wait();
                Check.Equal(TaskStatus.RanToCompletion, pending.Completion.Status);
            }
            checkpoint.Save(Program.At("a")); // costs nothing
            Check.Equal(Reason.Callback, checkpoint.LastFailure.Reason);
            // Another exception of the same text, of another call, is not taken for it.
            var other = new CheckpointSaveOptions();
            var twin = (Exception)Activator.CreateInstance(fault.GetType(), fault.Message);
            other.Written.Add(path => { throw twin; });
            Check.That(Check.Throws<CheckpointException>(() => checkpoint.Save(Program.At("a"), other)).InnerException == twin, "not its own");
            Check.That(checkpoint.LastFailure.InnerException == fault, "not the callback's own exception");
            using (var manager = new Manager(checkpoint, Program.At("managed")))
            {
                Check.Equal(Reason.Callback, manager.LastFailure.Reason);
            }
            Check.Fails(ErrorCode.Aborted, Reason.Callback, checkpoint.Sync);
            checkpoint.Sync();

            var waiting = new CheckpointSaveOptions { Write = new WriteOptions { Progress = (done, total) => go.WaitOne() } };
            using (Pending pending = checkpoint.BeginSave(Program.At("c"), waiting))
            {
                Check.Equal(false, pending.IsCompleted);
                Check.Equal(false, pending.Wait(TimeSpan.FromMilliseconds(1)));
                Check.Fails(
                    ErrorCode.Unavailable, Reason.Busy,
                    () => checkpoint.BeginSave(Program.At("d"), new CheckpointSaveOptions { Busy = Busy.Fail }));
                pending.Cancel();
                go.Set();
                Check.Equal(true, pending.Wait(Timeout.InfiniteTimeSpan));
                Check.Equal(ErrorCode.Cancelled, Check.Throws<CheckpointException>(() => pending.Wait()).Code);
            }
            go.Reset();
            using (var source = new CancellationTokenSource())
            using (Pending pending = checkpoint.BeginSave(Program.At("c"), waiting, source.Token))
            {
                Check.Equal(false, pending.GetAwaiter().IsCompleted);
                Task<string> awaited = Awaited(pending);
                source.Cancel();
                go.Set();
                Check.Equal(source.Token, Check.Throws<OperationCanceledException>(() => pending.Wait()).CancellationToken);
                Check.Throws<OperationCanceledException>(() => awaited.GetAwaiter().GetResult());
            }
            var throwing = new CheckpointSaveOptions { Write = new WriteOptions { Progress = (done, total) => { throw fault; } } };
            using (Pending pending = checkpoint.BeginSave(Program.At("c"), throwing))
            {
                CheckpointException e = Check.Fails(ErrorCode.Cancelled, Reason.Callback, () => pending.Wait());
                Check.That(e.InnerException == fault, "not the callback's own exception");
                pending.Dispose();
                pending.Cancel(); // nobody wants to know any more
                Check.Throws<ObjectDisposedException>(() => pending.Wait());
            }
            Check.Equal(false, CheckpointFiles.Exists(Program.At("c-3")));
        }
        NothingIsKept();
    }

    [Test("the_end_of_a_save_takes_no_thread_and_says_what_it_cost")]
    private static void TheEndOfASaveTakesNoThread()
    {
        using (var program = new TestProgram())
        using (var go = new ManualResetEvent(false))
        {
            float[] value = { 1, 2 };
            program.Variable(program.Root, "v", value);
            var waiting = new CheckpointSaveOptions { Write = new WriteOptions { Progress = (done, total) => go.WaitOne() } };
            using (Pending pending = program.Checkpoint.BeginSave(Program.At("a"), waiting))
            {
                Task completion = pending.Completion;
                Check.Equal(false, completion.Wait(1));
                go.Set();
                completion.Wait();
                Check.Equal(TaskStatus.RanToCompletion, completion.Status);
                Check.Equal(16L, pending.Cost(Phase.Copy).Bytes); // and the counter
                Check.That(pending.Cost(Phase.Write).Bytes > 16 && pending.Cost(Phase.Write).Time > TimeSpan.Zero, "it costs nothing");
                Check.Equal(0L, pending.Cost(Phase.Publish).Bytes);
            }
            Check.Fails(
                ErrorCode.ResourceExhausted, Reason.Limit,
                () => program.Checkpoint.BeginSave(Program.At("a"), new CheckpointSaveOptions { SnapshotLimit = 15 }));
            using (var manager = new Manager(program.Checkpoint, Program.At("managed")))
            {
                Check.Equal(0L, manager.Cost(Phase.Write).Bytes);
                manager.Save();
                Check.That(manager.Cost(Phase.Write).Bytes > 16, "it costs nothing");
            }
        }
        NothingIsKept();
    }

    [Test("a_token_cancels_a_restore")]
    private static void ATokenCancelsARestore()
    {
        using (var program = new TestProgram())
        using (var source = new CancellationTokenSource())
        {
            float[] value = { 1 };
            program.Variable(program.Root, "v", value);
            string path = program.Checkpoint.Write(Program.At("a"));
            value[0] = 2;
            source.Cancel();
            Check.Equal(
                source.Token,
                Check.Throws<OperationCanceledException>(() => program.Checkpoint.Read(path, null, source.Token)).CancellationToken);
            Check.Throws<OperationCanceledException>(() => program.Checkpoint.Restore(path, null, source.Token));
            Check.Equal(2f, value[0]);
            program.Checkpoint.Read(path).Dispose();
            Check.Equal(1f, value[0]);
        }
        NothingIsKept();
    }

    [Test("a_manager_saves_in_the_background")]
    private static void AManagerSavesInTheBackground()
    {
        using (var program = new TestProgram())
        {
            float[] value = { 0 };
            program.Variable(program.Root, "v", value);
            using (var manager = new Manager(program.Checkpoint, Program.Directory, new ManagerOptions { MaxToKeep = 2, StepsInCalls = true, CheckpointInterval = 5 }))
            {
                for (int i = 0; i < 5; i++)
                {
                    value[0] = i;
                    using (Pending pending = manager.BeginSave(new ManagerSaveOptions { Step = 5 * i }))
                    {
                        value[0] = -1;
                    }
                    Check.That(manager.BeginSave(new ManagerSaveOptions { Step = 5 * i + 1 }) == null, "it was not too early");
                }
                program.Checkpoint.Sync();
                Check.Same(new[] { Program.At("ckpt-4"), Program.At("ckpt-5") }, manager);
                manager.RestoreOrInitialize(new ResumeOptions { Step = 20 }).Dispose();
                Check.Equal(4, value[0]);
            }
        }
        NothingIsKept();
    }

    [Test("of_two_managers_one_is_refused_and_other_writers_do_not_wait")]
    private static void OfTwoManagersOneIsRefused()
    {
        using (var program = new TestProgram())
        {
            program.Variable(program.Root, "v", new float[] { 1 });
            var options = new ManagerOptions { Locking = Locking.Required, LockWait = TimeSpan.Zero };
            using (var owner = new Manager(program.Checkpoint, Program.Directory, options))
            using (var other = new Manager(program.Checkpoint, Program.Directory, options))
            {
                owner.Save();
                Check.Fails(ErrorCode.Unavailable, Reason.Locked, () => other.Save());
                var write = new WriteOptions { Locking = Locking.None, LockWait = TimeSpan.Zero };
                program.Checkpoint.Write(Program.At("beside"), new CheckpointSaveOptions { Write = write });
                write.LockWait = TimeSpan.FromSeconds(-1);
                Check.Fails(ErrorCode.InvalidArgument, Reason.Argument,
                    () => program.Checkpoint.Write(Program.At("never"), new CheckpointSaveOptions { Write = write }));
            }
        }
        NothingIsKept();
    }

    [Test("manager_saves_by_steps")]
    private static void ManagerSavesBySteps()
    {
        string directory = Program.At("steps");
        using (var program = new TestProgram())
        {
            long[] step = { 0 };
            Node counter = program.Graph.AddScalar(step);
            program.Graph.Track(program.Root, "step", counter);
            var now = new DateTimeOffset(2001, 2, 3, 4, 5, 6, TimeSpan.Zero);
            var options = new ManagerOptions
            {
                MaxToKeep = 1, StepCounter = counter, CheckpointInterval = 10, CheckpointName = "step", Clock = () => now,
                Log = (severity, line) => { },
            };
            using (var manager = new Manager(program.Checkpoint, directory, options))
            {
                for (step[0] = 0; step[0] < 25; step[0]++)
                {
                    Check.Equal(step[0] % 10 == 0, manager.Save() != null);
                }
                Check.Equal(10, manager.CheckpointInterval);
                Check.Equal(directory + "/step-3", manager.LatestCheckpoint);
                Check.Equal(now, CheckpointFiles.GetState(directory).Timestamps[0]);
                Check.Equal(
                    directory + "/step-77", manager.Save(new ManagerSaveOptions { CheckInterval = false, Number = 77 }));
                step[0] = 99;
                Check.Equal(
                    directory + "/step-99",
                    manager.Save(new ManagerSaveOptions { CheckInterval = false, NumberOf = counter, MetricOf = counter }));
            }
            var byCalls = new ManagerOptions { StepsInCalls = true, CheckpointInterval = 5, LastCheckpointStep = 3 };
            using (var manager = new Manager(program.Checkpoint, Program.At("calls"), byCalls))
            {
                Check.That(manager.Save(new ManagerSaveOptions { Step = 7 }) == null, "it was too early");
                Check.That(manager.Save(new ManagerSaveOptions { Step = 8 }) != null, "it was not too early");
                manager.RestoreOrInitialize(new ResumeOptions { Step = 8 }).Dispose();
            }
            var failing = new InvalidOperationException("no first values");
            options = new ManagerOptions { Init = () => { throw failing; } };
            using (var manager = new Manager(program.Checkpoint, Program.At("x"), options))
            {
                CheckpointException e = Check.Fails(ErrorCode.Aborted, Reason.Callback, () => manager.RestoreOrInitialize());
                Check.That(e.InnerException == failing, "not the callback's own exception");
            }
            Check.Equal(
                ErrorCode.InvalidArgument,
                Check.Throws<CheckpointException>(() => new Manager(program.Checkpoint, directory, new ManagerOptions { MaxToKeep = -1 })).Code);
        }
    }

    [Test("the_newest_whole_checkpoint_is_found")]
    private static void TheNewestWholeCheckpointIsFound()
    {
        string directory = Program.At("run");
        using (var program = new TestProgram())
        {
            program.Variable("v", 1, 2, 3);
            using (var manager = new Manager(program.Checkpoint, directory))
            {
                string whole = manager.Save(), damaged = manager.Save();
                byte[] data = File.ReadAllBytes(damaged + ".data-00000-of-00001");
                data[data.Length - 1] ^= 1;
                data[0] ^= 1;
                File.WriteAllBytes(damaged + ".data-00000-of-00001", data);
                BrokenCheckpoint[] broken;
                Check.Equal(whole, manager.LatestValid(out broken));
                Check.Equal(damaged, broken[0].Prefix);
                Check.Equal(Reason.Checksum, broken[0].Problem.Reason);
                Check.Equal(Verdict.Damaged, broken[0].Verdict);
                Check.Equal(whole, CheckpointFiles.LatestValid(directory, out broken));
                Check.Equal(1, broken.Length);
                Verification found = CheckpointFiles.Verify(damaged);
                Check.Equal(ErrorCode.DataLoss, found.Problems[0].Code);
                Check.Equal(Verdict.Damaged, found.Verdict);
                Check.Equal(Verdict.Whole, CheckpointFiles.Verify(whole, new VerifyOptions { SkipValues = true }).Verdict);
                Check.Equal(Verdict.Whole, CheckpointFiles.Verify(whole).Verdict);
                Check.That(found.Problems[0].Found != null && found.Problems[0].Expected != null, "it does not say what it found");
                manager.Dispose();
                RepairedState repaired = CheckpointFiles.RepairState(directory);
                Check.Equal(whole, repaired.Latest);
                Check.Equal(true, repaired.IsNew);
                Check.Equal(damaged, repaired.Broken[0].Prefix);
                Check.Equal(whole, CheckpointFiles.Latest(directory));
            }
        }
    }

    [Test("state_file_is_written_and_read")]
    private static void StateFileIsWrittenAndRead()
    {
        var times = new DateTimeOffset?[] { new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2020, 1, 2, 0, 0, 0, TimeSpan.Zero) };
        string[] paths = { Program.At("a-1"), Program.At("a-2") };
        CheckpointFiles.UpdateState(Program.Directory, new CheckpointState(paths[1], paths, times, times[0]), "other");
        Check.That(CheckpointFiles.GetState(Program.Directory) == null, "the usual file is there");
        CheckpointState state = CheckpointFiles.GetState(Program.Directory, "other");
        Check.Same(paths, state.Paths);
        Check.Same(times, state.Timestamps);
        Check.Equal(times[0], state.LastPreserved);
        Check.Throws<CheckpointException>(() =>
            CheckpointFiles.UpdateState(Program.Directory, new CheckpointState(paths[1], paths, new DateTimeOffset?[3])));
    }

    [Test("logs_hear_of_paths")]
    private static void LogsHearOfPaths()
    {
        string directory = Program.Directory;
        using (var program = new TestProgram())
        {
            Node x = program.Variable("x", 1);
            program.Checkpoint.Write(Program.At("ckpt-1"));
            File.WriteAllText(
                Program.At("checkpoint"),
                "model_checkpoint_path: \"/gone/ckpt-1\"\nall_model_checkpoint_paths: \"/gone/ckpt-1\"\nall_model_checkpoint_timestamps: 1000.5\n");
            int moved = 0;
            Action<Severity, string> log = (severity, text) =>
            {
                if (severity == Severity.Warning && text.Contains("was moved"))
                {
                    moved++;
                }
            };
            var open = new OpenOptions { Log = log };
            var verify = new VerifyOptions { Log = log };
            BrokenCheckpoint[] broken;
            var calls = new Dictionary<string, Action>
            {
                { "Reader", () => new Reader(directory, open).Dispose() },
                { "CheckpointView", () => new CheckpointView(directory, open).Dispose() },
                { "Latest", () => CheckpointFiles.Latest(directory, open) },
                { "GetState", () => CheckpointFiles.GetState(directory, null, open) },
                { "Pin.Latest", () => Pin.Latest(directory, open).Dispose() },
                { "Verify", () => CheckpointFiles.Verify(directory, verify) },
                { "LatestValid", () => CheckpointFiles.LatestValid(directory, out broken, verify) },
                { "WaitForNew", () => CheckpointFiles.WaitForNew(directory, null, new WaitOptions { Timeout = TimeSpan.Zero, Log = log }) },
                { "Collect", () => CheckpointFiles.Collect(directory, new CollectOptions { DryRun = true, Log = log }) },
                { "RepairState", () => CheckpointFiles.RepairState(directory, new RepairOptions { DryRun = true, Log = log }) },
                { "RepairState, as Verify", () => CheckpointFiles.RepairState(directory, new RepairOptions { DryRun = true, Verify = verify }) },
                { "RestoreNodes", () => program.Graph.RestoreNodes(directory, new[] { new NodeMatch(1, x) }, new RestoreOptions { Log = log }) },
            };
            foreach (KeyValuePair<string, Action> call in calls)
            {
                moved = 0;
                call.Value();
                Check.That(moved == 1, call.Key + " said it " + moved + " times");
            }
        }
    }

    [Test("options_say_how_to_lock")]
    private static void OptionsSayHowToLock()
    {
        string directory = Program.Directory, prefix = Program.At("m");
        Action<Severity, string> log = (severity, text) => { };
        using (var program = new TestProgram())
        {
            program.Variable("x", 1);
            foreach (Locking locking in new[] { Locking.IfPossible, Locking.Required, Locking.None })
            {
                program.Checkpoint.Write(prefix, new CheckpointSaveOptions { Write = new WriteOptions { Locking = locking, Log = log } });
                File.WriteAllText(Program.At("checkpoint"), "nonsense");
                var repair = new RepairOptions { Locking = locking, LockWait = TimeSpan.Zero, Log = log };
                Check.That(CheckpointFiles.RepairState(directory, repair).IsNew, "it was not repaired");
                CheckpointFiles.UpdateState(directory, new CheckpointState(prefix), null, Durability.None, locking, TimeSpan.Zero, log);
                CheckpointFiles.Remove(prefix, new RemoveOptions { Locking = locking, LockWait = TimeSpan.Zero, Log = log });
                Check.That(!CheckpointFiles.Exists(prefix), "it is still there");
            }
        }
        TimeSpan negative = TimeSpan.FromSeconds(-1);
        Check.Throws<CheckpointException>(() => CheckpointFiles.Remove(prefix, new RemoveOptions { LockWait = negative }));
        Check.Throws<CheckpointException>(() => CheckpointFiles.RepairState(directory, new RepairOptions { LockWait = negative }));
        Check.Throws<CheckpointException>(
            () => CheckpointFiles.UpdateState(directory, new CheckpointState(prefix), lockWait: negative));
    }

    /// <summary>What options for writing do not say of locks the manager's say.</summary>
    [Test("what_is_not_said_of_locks_is_the_handles")]
    private static void WhatIsNotSaidOfLocksIsTheHandles()
    {
        using (var program = new TestProgram())
        {
            program.Variable("x", 1);
            var save = new ManagerSaveOptions { Save = new CheckpointSaveOptions { Write = new WriteOptions { Threads = 1 } } };
            var options = new ManagerOptions { Locking = Locking.None };
            using (var manager = new Manager(program.Checkpoint, Program.Directory, options))
            {
                manager.Save(save);
                Check.That(!File.Exists(Program.At(".ckpt-lock")), "the directory was locked");
            }
        }
    }

    [Test("borrowed_state_and_slots_on_devices")]
    private static void BorrowedStateAndSlotsOnDevices()
    {
        string prefix = Program.At("b");
        for (int restore = 0; restore < 2; restore++)
        {
            using (var program = new TestProgram())
            {
                var lending = new Lending { Values = new double[] { 1, 2 } };
                program.Graph.Track(
                    program.Root, "l", program.Graph.AddState(lending, new NodeOptions { TensorNames = new[] { "v" }, DebugName = "l" }));
                Node v = program.Variable("v", 1);
                var bytes = new byte[4];
                var device = new DeviceVariable
                {
                    Read = (offset, buffer) => new Span<byte>(bytes, (int)offset, buffer.Length).CopyTo(buffer),
                    Write = (offset, data) => data.CopyTo(new Span<byte>(bytes, (int)offset, data.Length)),
                };
                Node owner = program.Graph.AddSlotOwner(request => request.MakeDevice(device));
                program.Graph.Track(program.Root, "o", owner);
                if (restore == 0)
                {
                    program.Graph.SetSlot(owner, v, "m", program.Graph.AddVariable(new float[] { 2 }));
                    program.Checkpoint.Save(prefix);
                }
                else
                {
                    lending.Values = null;
                    using (Status status = program.Checkpoint.Restore(prefix + "-1"))
                    {
                        status.AssertConsumed();
                    }
                    Check.Same(new double[] { 1, 2 }, lending.Values);
                    Check.Same(BitConverter.GetBytes(2f), bytes);
                }
            }
        }
        using (var graph = new Graph())
        {
            Check.Throws<CheckpointException>(() => graph.AddDevice(DType.Int32, new long[] { 1 }, new DeviceVariable()));
        }
    }

    [Test("waiting_ends")]
    private static void WaitingEnds()
    {
        int asked = 0;
        var options = new WaitOptions
        {
            Timeout = TimeSpan.FromMilliseconds(1), PollInterval = TimeSpan.FromMilliseconds(1), MinInterval = TimeSpan.FromMilliseconds(1),
        };
        Check.Equal(0, CheckpointFiles.Watch(Program.At("none"), options, () => ++asked == 3).Count());
        Check.Equal(3, asked);

        // By a clock of the program's, which loses no time.
        var now = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
        options = new WaitOptions { Timeout = TimeSpan.FromHours(1), Clock = () => now, Sleep = span => now += span };
        Check.That(CheckpointFiles.WaitForNew(Program.At("none"), null, options) == null, "it found something");
        Check.Equal(2020, now.Year);
        Check.That(now.TimeOfDay >= TimeSpan.FromMinutes(59), "it did not wait: " + now);

        // A loop that is left early lets go of the iterator, which the count of handles shows.
        using (var program = new TestProgram())
        {
            program.Checkpoint.Save(Program.At("w"));
            foreach (string path in CheckpointFiles.Watch(Program.Directory))
            {
                Check.Equal(Program.At("w-1"), path);
                break;
            }
        }
    }

    [Test("disposing_while_others_read")]
    private static void DisposingWhileOthersRead()
    {
        var reader = new Reader(Conformance.Fixture("guide"));
        SavedTensor kernel = reader[Conformance.KernelKey];
        float[] expected = kernel.Read<float>();
        var faults = new List<Exception>();
        Thread[] threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            try
            {
                for (int i = 0; i < 100000; i++)
                {
                    Check.Same(expected, kernel.Read<float>());
                }
            }
            catch (ObjectDisposedException)
            {
                // that is how it ends
            }
            catch (Exception e)
            {
                lock (faults)
                {
                    faults.Add(e);
                }
            }
        })).ToArray();
        foreach (Thread thread in threads)
        {
            thread.Start();
        }
        Thread.Sleep(20);
        reader.Dispose();
        foreach (Thread thread in threads)
        {
            thread.Join();
        }
        Check.That(faults.Count == 0, string.Join("\n", faults));
    }

    [Test("threads_that_add_to_one_writer_are_refused")]
    private static void ThreadsThatAddToOneWriterAreRefused()
    {
        const int Count = 1000;
        string path = Program.At("m");
        var added = new bool[Count];
        var other = new List<Exception>();
        using (var writer = new Writer(path))
        {
            Parallel.For(0, Count, i =>
            {
                try
                {
                    writer.Add("t" + i, new[] { (float)i, i + 1 });
                    added[i] = true;
                }
                catch (CheckpointException e) when (e.Code == ErrorCode.FailedPrecondition && e.Reason == Reason.ConcurrentUse)
                {
                    // another thread was adding
                }
                catch (Exception e)
                {
                    lock (other)
                    {
                        other.Add(e);
                    }
                }
            });
            GC.Collect();
            writer.Finish();
        }
        Check.That(other.Count == 0, string.Join("\n", other));
        Check.That(added.Any(isThere => isThere), "nothing was added");
        Check.Equal(0, CheckpointFiles.Verify(path).Problems.Count);
        using (var reader = new Reader(path))
        {
            for (int i = 0; i < Count; i++)
            {
                Check.Equal(added[i], reader.Contains("t" + i));
                if (added[i])
                {
                    Check.Same(new[] { (float)i, i + 1 }, reader.Read<float>("t" + i));
                }
            }
        }
    }

    [Test("several_threads_save_one_graph")]
    private static void SeveralThreadsSaveOneGraph()
    {
        using (var program = new TestProgram())
        {
            program.Variable("v", 1, 2);
            var table = new Lending { Values = new double[1000] };
            program.Graph.Track(program.Root, "l", program.Graph.AddState(table));
            var faults = new List<Exception>();
            Thread[] threads = Enumerable.Range(0, 4).Select(i => new Thread(() =>
            {
                try
                {
                    for (int k = 0; k < 5; k++)
                    {
                        string path = program.Checkpoint.Write(Path.Combine(Program.At("" + i), "m"));
                        program.Checkpoint.Read(path).Dispose();
                    }
                }
                catch (Exception e)
                {
                    lock (faults)
                    {
                        faults.Add(e);
                    }
                }
            })).ToArray();
            foreach (Thread thread in threads)
            {
                thread.Start();
            }
            foreach (Thread thread in threads)
            {
                thread.Join();
            }
            Check.That(faults.Count == 0, string.Join("\n", faults));
        }
    }

    [Test("borrowed_memory_stays_while_the_collector_runs")]
    private static void BorrowedMemoryStaysWhileTheCollectorRuns()
    {
        var random = new Random(5);
        using (var program = new TestProgram())
        {
            // Nobody but the graph holds on to the arrays.
            var expected = new List<float>();
            for (int i = 0; i < 200; i++)
            {
                var value = new float[random.Next(1, 50)];
                value[0] = i;
                expected.Add(i);
                program.Graph.Track(program.Root, "v" + i, program.Graph.AddVariable(value));
            }
            var garbage = new List<byte[]>();
            for (int i = 0; i < 200; i++)
            {
                garbage.Add(new byte[random.Next(100000)]);
                if (garbage.Count > 20)
                {
                    garbage.Clear();
                }
            }
            GC.Collect();
            string path = program.Checkpoint.Save(Program.At("g"));
            using (var reader = new Reader(path))
            {
                Check.Same(
                    expected, Enumerable.Range(0, 200).Select(i => reader.Read<float>("v" + i + "/.ATTRIBUTES/VARIABLE_VALUE")[0]));
            }
        }
        using (var writer = new Writer(Program.At("w")))
        {
            for (int i = 0; i < 200; i++)
            {
                writer.Add("v" + i.ToString("000"), new[] { i });
            }
            GC.Collect();
            writer.Finish();
        }
        using (var reader = new Reader(Program.At("w")))
        {
            Check.Same(Enumerable.Range(0, 200), reader.Select(tensor => tensor.Read<int>()[0]));
        }
    }

    [Test("values_are_asked_for_by_threads_of_the_library")]
    private static void ValuesAreAskedForByThreadsOfTheLibrary()
    {
        const int Count = 1 << 22;
        var callers = new HashSet<int>();
        ReadBytes read = (offset, buffer) =>
        {
            lock (callers)
            {
                callers.Add(Thread.CurrentThread.ManagedThreadId);
            }
            Span<int> values = MemoryMarshal.Cast<byte, int>(buffer);
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = (int)(offset / 4) + i;
            }
        };
        string prefix = Program.At("\u00fcml\u00e4ut \u65e5\u672c");
        using (var writer = new Writer(prefix, new WriteOptions { Threads = 4, Shards = 2, ReadBack = true }))
        {
            writer.AddRead("a", DType.Int32, new long[] { Count }, read);
            writer.AddRead("b", DType.Int32, new long[] { Count }, read);
            writer.Finish();
        }
        Check.That(callers.Count > 1, "one thread wrote it all");
        using (var reader = new Reader(prefix))
        {
            Check.Equal(prefix, reader.Prefix);
            int[] values = reader["b"].Read<int>(new ReadOptions { Threads = 4 });
            Check.Equal(Count, values.Length);
            for (int i = 0; i < Count; i++)
            {
                if (values[i] != i)
                {
                    throw new Exception("at " + i + " is " + values[i]);
                }
            }
        }

        // What is thrown on a thread of the library's ends the save just as well.
        using (var writer = new Writer(prefix, new WriteOptions { Threads = 4, Shards = 2 }))
        {
            var fault = new InvalidOperationException("gone");
            writer.AddRead("a", DType.Int32, new long[] { Count }, read);
            writer.AddRead("b", DType.Int32, new long[] { Count }, (offset, buffer) => { throw fault; });
            CheckpointException e = Check.Fails(ErrorCode.Aborted, Reason.Callback, () => writer.Finish());
            Check.That(e.InnerException == fault, "not the callback's own exception");
        }
    }

    [Test("an_abandoned_status_says_nothing")]
    private static void AnAbandonedStatusSaysNothing()
    {
        string path;
        using (var program = new TestProgram())
        {
            program.Variable("v", 1);
            path = program.Checkpoint.Save(Program.At("s"));
        }
        var said = new List<string>();
        using (var program = new TestProgram())
        {
            program.Checkpoint.SetLog((severity, line) => said.Add(line));
            long handles = Library.LiveHandles;
            // On a thread of its own, whose stack is gone when the collector looks.
            var thread = new Thread(() => program.Checkpoint.Restore(path));
            thread.Start();
            thread.Join();
            for (int i = 0; i < 500 && Library.LiveHandles != handles; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Thread.Sleep(10);
            }
            Check.Equal(handles, Library.LiveHandles);
        }
        Check.Equal(0, said.Count);
    }

    [Test("errors_keep_nothing")]
    private static void ErrorsKeepNothing()
    {
        using (var graph = new Graph())
        {
            long kept = Library.KeptObjects, handles = Library.LiveHandles;
            var lending = new Lending();
            Check.Throws<CheckpointException>(() => graph.AddState(lending, new NodeOptions { ReadOnly = true }));
            Check.Throws<CheckpointException>(() => graph.AddVariable(new float[3], new long[] { 2 }));
            Check.Throws<CheckpointException>(() => graph.AddSlotOwner(request => { }, new NodeOptions { Name = "x" }));
            Check.Throws<CheckpointException>(() => graph.AddObject(new NodeOptions { LegacyName = "x" }));
            Check.Throws<ArgumentException>(() => graph.AddText("\ud800"));
            var e = Check.Throws<ArgumentOutOfRangeException>(() => new Reader(Conformance.Fixture("guide"), new OpenOptions { MemoryLimit = -1 }));
            Check.Equal("MemoryLimit", e.ParamName);
            e = Check.Throws<ArgumentOutOfRangeException>(() => new Writer(Program.At("w"), new WriteOptions { Threads = -1 }));
            Check.Equal("Threads", e.ParamName);
            Check.Equal(kept, Library.KeptObjects);
            Check.Equal(handles, Library.LiveHandles);
        }
        var closed = new Graph();
        closed.Dispose();
        Check.Throws<ObjectDisposedException>(() => closed.AddVariable(new float[1]));
        Check.Throws<ObjectDisposedException>(() => closed.AddState(new Lending()));
    }

    [Test("readers_that_nobody_disposes_of_are_collected")]
    private static void ReadersThatNobodyDisposesOfAreCollected()
    {
        const int Most = 500;
        bool isHeeded = Type.GetType("Mono.Runtime") == null; // Mono is told as others are, and does nothing
        int tensors = isHeeded ? 20000 : 200;
        using (var writer = new Writer(Program.At("m"), new WriteOptions { Durability = Durability.Data }))
        {
            for (int i = 0; i < tensors; i++)
            {
                writer.AddScalar("a/key/of/some/length/" + i.ToString("00000"), i);
            }
            writer.Finish();
        }
        using (var reader = new Reader(Program.At("m")))
        {
            Check.That(reader.MemorySize > 40 * tensors && reader.MemorySize < 400 * tensors, "it takes " + reader.MemorySize + " bytes");
        }
        if (!isHeeded)
        {
            return;
        }
        long opened = 0;
        var thread = new Thread(() =>
        {
            do
            {
                new Reader(Program.At("m"));
                opened++;
            }
            while (Library.LiveHandles == opened && opened < Most);
        });
        thread.Start();
        thread.Join();
        for (int i = 0; i < 500 && Library.LiveHandles != 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(10);
        }
        Check.That(opened < Most, "of " + Most + " readers none was collected");
    }

    [Test("what_was_disposed_of_says_which_class_it_is")]
    private static void WhatWasDisposedOfSaysWhichClassItIs()
    {
        using (var program = new TestProgram())
        {
            program.Variable("v", 1);
            string path = program.Checkpoint.Save(Program.At("s"));
            var graph = new Graph();
            var checkpoint = new Checkpoint(program.Graph, program.Root);
            var manager = new Manager(checkpoint, Program.At("d"));
            var saver = new Saver(program.Graph, new[] { new Edge("v", program.Graph.AddVariable(new float[1])) });
            var reader = new Reader(path);
            SavedTensor tensor = reader["v/.ATTRIBUTES/VARIABLE_VALUE"];
            View view = tensor.View();
            Status status = program.Checkpoint.Restore(path);
            Pending pending = program.Checkpoint.BeginSave(Program.At("s"));
            pending.Wait();
            var writer = new Writer(Program.At("w"));
            var pin = new Pin(path);
            var compared = new CheckpointView(path);
            var uses = new[]
            {
                Tuple.Create<IDisposable, Action>(graph, () => graph.AddObject()),
                Tuple.Create<IDisposable, Action>(manager, () => manager.Save()),
                Tuple.Create<IDisposable, Action>(checkpoint, () => checkpoint.Save("x")),
                Tuple.Create<IDisposable, Action>(saver, () => saver.Names()),
                Tuple.Create<IDisposable, Action>(reader, () => Check.Equal(1, reader.Count)),
                Tuple.Create<IDisposable, Action>(reader, () => tensor.Read<float>()),
                Tuple.Create<IDisposable, Action>(view, () => Check.Equal(4, view.Length)),
                Tuple.Create<IDisposable, Action>(status, () => status.AssertConsumed()),
                Tuple.Create<IDisposable, Action>(pending, () => pending.Wait()),
                Tuple.Create<IDisposable, Action>(writer, () => writer.AddScalar("x", 1)),
                Tuple.Create<IDisposable, Action>(pin, () => Check.Equal(path, pin.Prefix)),
                Tuple.Create<IDisposable, Action>(compared, () => compared.Descendants()),
            };
            foreach (Tuple<IDisposable, Action> use in uses)
            {
                use.Item1.Dispose();
                Check.Equal(use.Item1.GetType().FullName, Check.Throws<ObjectDisposedException>(use.Item2).ObjectName);
            }
        }
    }

    [Test("an_exception_as_text_has_code_and_reason")]
    private static void AnExceptionAsTextHasCodeAndReason()
    {
        CheckpointException e = Check.Throws<CheckpointException>(() => new Reader(Program.At("none")));
        Check.Contains("LibCheckpoint.CheckpointException (NOT_FOUND, NO_CHECKPOINT): " + e.Message + "\n", e.ToString());
        Check.Contains("LibCheckpoint.Reader..ctor", e.ToString());
    }

    private sealed class Layer
    {
        [Tracked("kernel")]
        internal float[,] Kernel { get; set; }

        [Tracked("bias", Shape = new long[] { 2, 1 })]
        internal BFloat16Bits[] Bias { get; set; }
    }

    private sealed class Holder
    {
        [Tracked]
        internal Array A { get; set; }

        [Tracked]
        internal float[] B { get; set; }

        [Tracked]
        internal float[] Tied { get; set; }

        [Tracked]
        internal Scalar<int> Step { get; set; } = new Scalar<int>();

        [Tracked]
        internal Layer Inner { get; set; }

        [Tracked]
        internal object Absent { get; set; }
    }

    private class ModelBase
    {
        [Tracked]
        internal readonly Scalar<long> Step = new Scalar<long>();

        [Tracked("flag")]
        private bool[] flags;

        internal bool[] Flags
        {
            get { return flags; }
            set { flags = value; }
        }
    }

    private sealed class Model : ModelBase
    {
        [Tracked("shared")]
        public Layer Shared { get; set; }

        [Tracked("again")]
        public Layer Again { get; set; }

        [Tracked("absent")]
        public Layer Absent { get; set; }

        [Tracked("layers")]
        public List<Layer> Layers { get; set; }

        [Tracked("heads")]
        public Dictionary<string, Layer> Heads { get; set; }

        [Tracked("state")]
        public Lending State { get; set; }
    }

    private sealed class Unmarked : ITracked
    {
        internal float[] Weights { get; } = new float[1];
    }

    private sealed class Wrong
    {
        [Tracked("x")]
        public object Tracked { get; set; }
    }

    private sealed class Silent : Exception
    {
        public override string Message => throw new InvalidOperationException("it says nothing");
    }

    private sealed class Doubling : IObjectSaver
    {
        internal readonly List<string> Paths = new List<string>();

        internal float[] Value { get; set; }

        internal Node Only { get; set; }

        internal Exception Fault { get; set; }

        public bool Accepts(Node node) => node == Only;

        public void Save(IReadOnlyList<Edge> objects, Sink sink)
        {
            if (Fault != null)
            {
                throw Fault;
            }
            foreach (Edge edge in objects)
            {
                Paths.Add(edge.Name);
                sink.Put(edge.Name + "/doubled", new[] { 2 * Value[0] });
            }
        }

        public bool Wants(IReadOnlyList<Edge> objects, string key) => key.EndsWith("/doubled", StringComparison.Ordinal);

        public void Restore(IReadOnlyList<Edge> objects, Source source)
        {
            if (Fault != null)
            {
                throw Fault;
            }
            foreach (Edge edge in objects)
            {
                Value[0] = source.Read<float>(edge.Name + "/doubled")[0] / 2;
            }
        }
    }

    private sealed class Lending : IState
    {
        internal double[] Values { get; set; }

        public void Save(Sink sink) => sink.PutBorrowed("v", Values);

        public void Restore(Source source) => Values = source.Read<double>("v");
    }
}
