// Leaves everything open, with callbacks that the library keeps, and ends: `abandon.exe DIRECTORY`.
using System;
using System.Collections.Generic;
using System.IO;
using LibCheckpoint;

internal sealed class Abandon : IState
{
    private static readonly List<object> Open = new List<object>();

    public void Save(Sink sink) => sink.PutScalar("s", 1);

    public void Restore(Source source)
    {
        // It has nothing to restore.
    }

    private static void Main(string[] arguments)
    {
        string prefix = Path.Combine(arguments[0], "m");
        for (int i = 0; i < 2; i++)
        {
            var graph = new Graph();
            Node root = graph.AddObject();
            graph.Track(root, "v", graph.AddVariable(new float[5]));
            graph.Track(root, "s", graph.AddState(new Abandon()));
            var checkpoint = new Checkpoint(graph, root);
            checkpoint.SetLog((severity, line) => Console.WriteLine(line));
            var manager = new Manager(checkpoint, arguments[0]);
            string path = manager.Save();
            var other = new Graph();
            var restored = new Checkpoint(other, other.AddObject());
            restored.SetLog((severity, line) => Console.WriteLine(line));
            var reader = new Reader(path);
            SavedTensor tensor = reader["v/.ATTRIBUTES/VARIABLE_VALUE"];
            Open.AddRange(
                new object[]
                {
                    graph, checkpoint, manager, other, restored, restored.Restore(path), reader, tensor, tensor.View(), new Writer(prefix),
                });
            manager.Dispose(); // the next one is to save in this directory, too
            if (i == 0)
            {
                Open.Clear(); // some is left to the collector, some to the end
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
        // A save in the background, too, whose callbacks are called while the program ends.
        var late = new Graph();
        var saved = new Checkpoint(late, late.AddVariable(new float[1 << 22]));
        Open.Add(saved.BeginSave(prefix, new CheckpointSaveOptions { Write = new WriteOptions { Progress = (done, total) => { } } }));
        Console.WriteLine("the end");
    }
}
