#if NET8_0_OR_GREATER
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Numerics;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using System.Xml.Linq;
using LibCheckpoint;

/// <summary>What needs newer C#.</summary>
internal static class Streams
{
    [Test("a_watch_is_an_asynchronous_stream")]
    private static void AWatchIsAStream() => Watch().GetAwaiter().GetResult();

    private static async Task Watch()
    {
        string directory = Program.Directory, state = Program.At("checkpoint");
        var options = new WaitOptions
        {
            PollInterval = TimeSpan.FromMilliseconds(5), MinInterval = TimeSpan.FromMilliseconds(10),
        };
        var used = new List<string>();
        using var source = new CancellationTokenSource(TimeSpan.FromMinutes(1)); // for a watch that finds nothing
        CancellationToken token = source.Token;
        using var program = new TestProgram();
        program.Variable(program.Root, "v", new float[1]);
        int read = 0;
        Task repairing = Task.CompletedTask;
        options.Log = (severity, line) => Interlocked.Increment(ref read);
        void Use(string path)
        {
            used.Add(path);
            if (used.Count == 3)
            {
                source.Cancel();
                return;
            }
            // A moment later; before that the state file is half written.
            File.WriteAllText(state, "model_checkpoint_path: \"");
            int before = read;
            repairing = Task.Run(async () =>
            {
                Check.That(SpinWait.SpinUntil(() => Volatile.Read(ref read) > before, 10000), "nobody has read it");
                File.Delete(state);
                await program.Checkpoint.SaveAsync(Program.At("w"));
            });
        }
        await program.Checkpoint.SaveAsync(Program.At("w"));
        try
        {
            // [watch]
            await foreach (string path in CheckpointFiles.WatchAsync(directory, options, token)) // .NET 8 and newer
            {
                Use(path);
            }
            // [end]
            throw new Exception("the watch has ended");
        }
        catch (OperationCanceledException e)
        {
            Check.Equal(token, e.CancellationToken);
        }
        await repairing;
        Check.Same(new[] { Program.At("w-1"), Program.At("w-2"), Program.At("w-3") }, used);

        // A time-out is the end, and a fault that stays an error.
        options = new WaitOptions { Timeout = TimeSpan.FromMilliseconds(1) };
        int count = 0;
        await foreach (string path in CheckpointFiles.WatchAsync(directory, options))
        {
            count++;
        }
        Check.Equal(1, count);
        File.WriteAllText(state, "model_checkpoint_path: \"");
        await using IAsyncEnumerator<string> faulty = CheckpointFiles.WatchAsync(directory, options).GetAsyncEnumerator();
        CheckpointException fault = Check.Throws<CheckpointException>(() => faulty.MoveNextAsync().AsTask().GetAwaiter().GetResult());
        Check.Equal(ErrorCode.DataLoss, fault.Code);
    }

    [Test("halves_are_elements")]
    private static void HalvesAreElements()
    {
        Half[] halves = { (Half)1.5f, Half.MaxValue, Half.NaN };
        using (var writer = new Writer(Program.At("h")))
        {
            writer.Add("h", halves);
            writer.Finish();
        }
        using var reader = new Reader(Program.At("h"));
        Check.Equal(DType.Float16, reader["h"].DType);
        Check.Same(halves, reader.Read<Half>("h"));
        Half one = reader.Read<Float16Bits>("h")[0];
        Check.Equal((Half)1.5f, one);
        Check.Equal(new Float16Bits(0x3e00), (Float16Bits)one);
        using var graph = new Graph();
        var value = new Half[3];
        Node root = graph.AddObject();
        graph.Track(root, "h", graph.AddVariable(value));
        using var checkpoint = new Checkpoint(graph, root);
        value[0] = (Half)2;
        string path = checkpoint.Write(Program.At("c"));
        value[0] = (Half)3;
        checkpoint.Read(path).Dispose();
        Check.Equal((Half)2, value[0]);
        Check.Same(new[] { (Half)0.5f }, reader["h"].ReadSlice<Half>(new Region([0], [1])).Select(half => half - (Half)1));
    }

    // Programs use these namespaces beside this one, with those of System.Numerics.Tensors,
    // TorchSharp and ONNX Runtime.
    [Test("no_class_has_the_name_of_one_that_programs_use_beside_it")]
    private static void NamesDoNotCollide()
    {
        string[] used =
        {
            "System", "System.Buffers", "System.Collections.Generic", "System.Diagnostics", "System.IO", "System.Linq",
            "System.Net.Http", "System.Numerics", "System.Reflection", "System.Text", "System.Text.Json",
            "System.Text.RegularExpressions", "System.Threading", "System.Threading.Tasks", "System.Xml.Linq",
        };
        Type[] known =
        {
            typeof(Regex), typeof(XDocument), typeof(HttpClient), typeof(Complex), typeof(Enumerable), typeof(Process),
            typeof(JsonSerializer),
        };
        var taken = new HashSet<string>(
            known.SelectMany(type => type.Assembly.GetExportedTypes()).Concat(typeof(object).Assembly.GetExportedTypes())
                .Where(type => used.Contains(type.Namespace)).Select(type => type.Name))
        {
            "Tensor", "Device", "Float16", "BFloat16", "Module", "Optimizer", "ScalarType", "NamedOnnxValue", "OrtValue",
        };
        Check.Same(
            Array.Empty<string>(), typeof(Graph).Assembly.GetExportedTypes().Select(type => type.Name).Where(taken.Contains));
    }

    [Test("disposing_asynchronously_awaits_what_is_running")]
    private static void DisposingAwaits()
    {
        Disposing().GetAwaiter().GetResult();
        Binding.NothingIsKept();
    }

    private static async Task Disposing()
    {
        using var go = new ManualResetEvent(false);
        var slow = new CheckpointSaveOptions { Write = new WriteOptions { Progress = (done, total) => go.WaitOne() } };
        using var graph = new Graph();
        Node root = graph.AddObject();
        graph.Track(root, "v", graph.AddVariable(new float[1]));
        var checkpoint = new Checkpoint(graph, root);
        var manager = new Manager(checkpoint, Program.Directory);
        Task<string> save = manager.SaveAsync(new ManagerSaveOptions { Save = slow });
        ValueTask managed = manager.DisposeAsync(), disposed = checkpoint.DisposeAsync();
        Check.That(!managed.IsCompleted && !disposed.IsCompleted, "it is not waited for");
        go.Set();
        await managed;
        await disposed;
        Check.Equal(Program.At("ckpt-1"), await save);
        await using (var other = new Checkpoint(graph, root))
        await using (Pending pending = other.BeginWrite(Program.At("x")))
        {
            Check.Equal(Program.At("x"), pending.Path);
        }
        Check.That(CheckpointFiles.Exists(Program.At("x")), "it was not waited for");
    }
}
#endif
