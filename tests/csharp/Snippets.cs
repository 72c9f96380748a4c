using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LibCheckpoint;

/// <summary>The programs of docs/csharp.md, each between the lines <c>[name]</c> and
/// <c>[end]</c>.</summary>
internal static class Snippets
{
    // [state]
    /// <summary>State that says itself how it is saved.</summary>
    private sealed class Counter : IState
    {
        public long Value { get; set; }

        public void Save(Sink sink) => sink.PutScalar("count", Value);

        public void Restore(Source source) => Value = source.Read<long>("count")[0];
    }

    // [end]
    [Test("snippet_read")]
    private static void Read()
    {
        string path = Conformance.Fixture("guide");
        var output = new StringWriter();
        // [read]
        using (var reader = new Reader(path)) // a directory, a prefix, an .index file …
        {
            foreach (SavedTensor tensor in reader)
            {
                output.WriteLine("{0} {1} [{2}]", tensor.Key, tensor.DType.Name(), string.Join(",", tensor.Shape));
            }
            SavedTensor kernel = reader["net/l1/kernel"];
            float[] values = kernel.Read<float>(); // all of it, row-major
            float[] part = kernel.ReadSlice<float>(new Region(new long[] { 0, 1 }, new long[] { -1, 2 })); // all rows, 2 columns from 1 on
            kernel.ReadInto(values); // into memory of your own
            int step = reader.ReadScalar<int>("step");
            output.WriteLine("{0} {1} {2}", values.Length, part.Length, step);
        }
        // [end]
        Check.Contains("net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE float32 [1,5]\n", output.ToString());
        Check.Contains("\n5 2 50\n", output.ToString());
    }

    [Test("snippet_errors")]
    private static void Errors()
    {
        var output = new StringWriter();
        string path = Conformance.Fixture("nowhere");
        // [errors]
        try
        {
            new Reader(path).Dispose();
        }
        catch (CheckpointException e) when (e.Code == ErrorCode.NotFound)
        {
            output.WriteLine(e.Message); // names the file, the tensor, what was expected and what was found
        }
        // [end]
        Check.Contains("nowhere", output.ToString());
    }

    [Test("snippet_write")]
    private static void Write()
    {
        string prefix = Program.At("model");
        // [write]
        using (var writer = new Writer(prefix, new WriteOptions { Shards = 2 }))
        {
            writer.Add("weights", new float[] { 1, 2, 3, 4 }, new long[] { 2, 2 });
            writer.AddScalar("step", 100L);
            writer.AddStrings("words", new[] { "a", "b" });
            writer.Finish(); // written, synced, published at one stroke
        }
        // [end]
        Check.Equal(0, CheckpointFiles.Verify(prefix).Problems.Count);
        Check.Equal(3, CheckpointFiles.Verify(prefix).TensorCount);
    }

    [Test("snippet_train")]
    private static void Train()
    {
        string directory = Program.At("run");
        for (int run = 1; run <= 2; run++)
        {
            // [train]
            float[] kernel = new float[4], bias = new float[2];
            long[] step = { 0 };
            using (var graph = new Graph())
            {
                Node root = graph.AddObject(), layer = graph.AddObject(), layers = graph.AddList();
                graph.Track(root, "step", graph.AddScalar(step));
                graph.Track(root, "layers", layers);
                graph.ListAppend(layers, layer);
                graph.Track(layer, "kernel", graph.AddVariable(kernel, new long[] { 2, 2 }));
                graph.Track(layer, "bias", graph.AddVariable(bias));

                using (var checkpoint = new Checkpoint(graph, root))
                using (var manager = new Manager(checkpoint, directory, new ManagerOptions { MaxToKeep = 3 }))
                {
                    using (Status status = manager.RestoreOrInitialize())
                    {
                        status?.AssertConsumed(); // null: there was no checkpoint
                    }
                    for (int i = 0; i < 5; i++)
                    {
                        step[0]++;
                        bias[0] += 0.5f;
                        manager.Save();
                    }
                }
            }
            // [end]
            Check.Equal(5L * run, step[0]);
            Check.Equal(run * 2.5f, bias[0]);
        }
        Check.Equal(Path.Combine(directory, "ckpt-10"), CheckpointFiles.Latest(directory));
    }

    [Test("snippet_restore")]
    private static void Restore()
    {
        var output = new StringWriter();
        var counter = new Counter { Value = 3 };
        using (var graph = new Graph())
        {
            Node root = graph.AddObject();
            // [add-state]
            graph.Track(root, "counter", graph.AddState(counter));
            // [end]
            using (var checkpoint = new Checkpoint(graph, root))
            {
                string path = checkpoint.Write(Program.At("c"));
                counter.Value = 0;
                // [restore]
                var options = new RestoreOptions { OnMismatch = Mismatch.Skip, VerifyFirst = true };
                options.Exclude.Add("optimizer/**");
                using (Status status = checkpoint.Read(path, options))
                {
                    foreach (Row row in status.Report())
                    {
                        output.WriteLine("{0} {1}", row.Path, row.State.Name());
                    }
                }
                // [end]
            }
        }
        Check.Equal("counter restored\noptimizer/** glob matches nothing\n", output.ToString());
        Check.Equal(3, counter.Value);
    }

    [Test("snippet_cancel")]
    private static void Cancel()
    {
        var output = new StringWriter();
        using (var program = new TestProgram())
        using (var source = new CancellationTokenSource())
        {
            Checkpoint checkpoint = program.Checkpoint;
            string prefix = Program.At("c");
            program.Variable("v", new float[1 << 20]);
            source.Cancel();
            // [cancel]
            var options = new CheckpointSaveOptions { Write = new WriteOptions { Progress = (done, total) => output.WriteLine("{0} of {1}", done, total) } };
            try
            {
                checkpoint.Save(prefix, options, source.Token);
            }
            catch (OperationCanceledException)
            {
                output.WriteLine("what was there before still is");
            }
            // [end]
        }
        Check.Contains("still is", output.ToString());
    }

    // [members]
    private sealed class Layer : ITracked
    {
        [Tracked("kernel")]
        public float[,] Kernel { get; } = new float[2, 2];

        [Tracked("bias")]
        public float[] Bias { get; } = new float[2];
    }

    private sealed class Model : ITracked
    {
        [Tracked("step")]
        public Scalar<long> Step { get; } = new Scalar<long>();

        [Tracked("layers")]
        public List<Layer> Layers { get; } = new List<Layer> { new Layer(), new Layer() };
    }

    // [end]
    [Test("snippet_members")]
    private static void Members()
    {
        string prefix = Program.At("m");
        // [track]
        var model = new Model();
        using (var graph = new Graph())
        {
            Node root = graph.AddObject();
            graph.TrackObject(root, model);
            using (var checkpoint = new Checkpoint(graph, root))
            {
                model.Layers[1].Kernel[0, 0] = 1; // layers/1/kernel
                checkpoint.Save(prefix);
            }
        }
        // [end]
        using (var reader = new Reader(prefix + "-1"))
        {
            Check.Same(new float[] { 1, 0, 0, 0 }, reader.Read<float>("layers/1/kernel/.ATTRIBUTES/VARIABLE_VALUE"));
        }
    }

    [Test("snippet_background")]
    private static void Background() => InTheBackground().GetAwaiter().GetResult();

    private static async Task InTheBackground()
    {
        float[] weights = { 1 };
        CancellationToken token = CancellationToken.None;
        using (var program = new TestProgram())
        using (var manager = new Manager(program.Checkpoint, Program.Directory))
        {
            program.Variable(program.Root, "v", weights);
            // [background]
            Task<string> save = manager.SaveAsync(null, token); // the values are copied when this returns
            weights[0] += 1;
            string path = await save;
            using (Reader reader = await Reader.OpenAsync(path, null, token))
            {
                float[] saved = await reader.ReadAsync<float>("v", null, token); // what was there before
                weights[0] -= saved[0];
            }
            // [end]
            Check.Equal(1f, weights[0]);
        }
        Binding.NothingIsKept();
    }

    [Test("snippet_ranks")]
    private static void Together()
    {
        string directory = Program.At("run");
        Exception[] thrown = Threads.Run(2, (ranks, program) =>
        {
            Graph graph = program.Graph;
            Node root = program.Root;
            Checkpoint checkpoint = program.Checkpoint;
            // [ranks]
            var table = new float[2, 8]; // this rank's rows
            var whole = new long[] { 2 * ranks.Count, 8 };
            var rows = new Region(new long[] { 2 * ranks.Rank, 0 }, new long[] { 2, 8 });
            graph.Track(root, "embeddings", graph.AddArray(table, new NodeOptions { Part = new Part(whole, rows) }));
            using (var manager = new Manager(checkpoint, directory, new ManagerOptions { MaxToKeep = 3 }))
            {
                manager.SaveRanked(ranks); // gives the path; all succeed, or none does
            }
            // [end]
        });
        Check.Same(new Exception[2], thrown);
        using (var reader = new Reader(directory))
        {
            Check.Same(new long[] { 4, 8 }, reader["embeddings/.ATTRIBUTES/VARIABLE_VALUE"].Shape);
        }
    }

    [Test("the_programs_of_the_page_are_these")]
    private static void TheProgramsOfThePageAreThese()
    {
        string page = File.ReadAllText(Conformance.Fixture("../../docs/csharp.md"));
        string[] lines = new[] { "Snippets.cs", "Streams.cs" }
            .SelectMany(name => File.ReadAllLines(Conformance.Fixture("../csharp/" + name))).ToArray();
        int count = 0;
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].TrimStart();
            if (!line.StartsWith("// [", StringComparison.Ordinal) || line == "// [end]")
            {
                continue;
            }
            int indent = lines[i].Length - line.Length;
            var snippet = new List<string>();
            for (i++; lines[i].Trim() != "// [end]"; i++)
            {
                snippet.Add(lines[i].Length > indent ? lines[i].Substring(indent) : lines[i].Trim());
            }
            count++;
            string fence = "```csharp\n" + string.Join("\n", snippet).TrimEnd('\n') + "\n```\n";
            Check.That(page.Contains(fence), "docs/csharp.md has not:\n" + fence);
        }
        Check.Equal(count, page.Split(new[] { "```csharp\n" }, StringSplitOptions.None).Length - 1);
    }
}
