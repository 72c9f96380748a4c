// What an application has to find when it is published as a single file, trimmed, or compiled ahead
// of time:
//
//     published DIRECTORY          saves and restores there, and prints the paths that are tracked
//     published --resolver FILE    has a resolver of its own, which loads FILE
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using LibCheckpoint;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments[0] == "--resolver")
        {
            NativeLibrary.SetDllImportResolver(typeof(Library).Assembly, (name, assembly, search) =>
            {
                Console.WriteLine("the application's resolver is asked for " + name);
                return NativeLibrary.Load(arguments[1]);
            });
            Console.WriteLine(Library.Version == Library.HeaderVersion ? "the end" : "another version");
            return 0;
        }
        var saved = new Model(1);
        var restored = new Model(0);
        using (var graph = new Graph())
        {
            Node root = graph.AddObject();
            IReadOnlyDictionary<string, Node> found = graph.TrackObject(root, saved);
            foreach (string path in found.Keys.OrderBy(path => path, StringComparer.Ordinal))
            {
                Console.WriteLine(path);
            }
            using (var checkpoint = new Checkpoint(graph, root))
            {
                checkpoint.Write(Path.Combine(arguments[0], "m"));
            }
        }
        using (var graph = new Graph())
        {
            Node root = graph.AddObject();
            graph.TrackObject(root, restored);
            using (var checkpoint = new Checkpoint(graph, root))
            using (Status status = checkpoint.Read(Path.Combine(arguments[0], "m")))
            {
                status.AssertConsumed();
            }
        }
        Console.WriteLine("restored: " + restored);
        using (var graph = new Graph())
        {
            Refused(() => graph.TrackObject(graph.AddObject(), new Holder { Held = new Plain() }));
            Refused(() => graph.TrackObject(graph.AddObject(), new Holder { Held = new { W = new float[1] } }));
            Refused(() => graph.TrackObject(graph.AddObject(), new Empty()));
        }
        Console.WriteLine("the end");
        return 0;
    }

    private static void Refused(Action track)
    {
        try
        {
            track();
            Console.WriteLine("not refused");
        }
        catch (ArgumentException e)
        {
            Console.WriteLine("refused: " + e.Message);
        }
    }
}

// Nothing but the attributes leads to most of these members.
internal abstract class Base : ITracked
{
    [Tracked("base_field")]
    private readonly float[] field;

    protected Base(float value)
    {
        field = new[] { value };
        Property = new[] { value };
    }

    [Tracked("base_property")]
    private float[] Property { get; }

    public override string ToString() => field[0] + " " + Property[0];
}

internal sealed class Layer : Base
{
    [Tracked("kernel")]
    private readonly float[,] kernel;

    internal Layer(float value)
        : base(value)
    {
        kernel = new[,] { { value, value } };
        Bias = new[] { value };
    }

    [Tracked("bias")]
    public float[] Bias { get; }

    public override string ToString() => base.ToString() + " " + kernel[0, 1] + " " + Bias[0];
}

internal sealed class Counter : IState
{
    private long count;

    internal Counter(long count)
    {
        this.count = count;
    }

    public void Save(Sink sink) => sink.PutScalar("count", count);

    public void Restore(Source source) => count = source.Read<long>("count")[0];

    public override string ToString() => count.ToString();
}

internal sealed class Model : ITracked
{
    [Tracked("array")]
    private readonly Layer[] array;

    [Tracked("counter")]
    private readonly Counter counter;

    [Tracked("step")]
    private readonly Scalar<long> step;

    internal Model(float value)
    {
        array = new[] { new Layer(value) };
        counter = new Counter((long)value);
        step = new Scalar<long>((long)value);
        Listed = new List<Layer> { new Layer(value) };
        Named = new Dictionary<string, Layer> { { "a", new Layer(value) } };
        Unused = new[] { value };
    }

    [Tracked("listed")]
    private List<Layer> Listed { get; }

    [Tracked("named")]
    private Dictionary<string, Layer> Named { get; }

    [Tracked("unused")]
    private float[] Unused { get; }

    public override string ToString() => string.Join(" ", array[0], counter, step, Listed[0], Named["a"], Unused[0]);
}

internal sealed class Holder : ITracked
{
    [Tracked("held")]
    internal object Held { get; set; }
}

internal sealed class Plain
{
    [Tracked("w")]
    private readonly float[] weights = new float[1];
}

internal sealed class Empty : ITracked
{
}
