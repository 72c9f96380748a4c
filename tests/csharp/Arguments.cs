using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading;
using LibCheckpoint;

/// <summary>What every public method refuses.</summary>
internal static class Arguments
{
    // What may be null though it has no default.
    private static readonly HashSet<string> MayBeNull = new HashSet<string>
    {
        "Checkpoint.SetLog.log", // nobody
        "CheckpointFiles.WaitForNew.last", // any is new
        "CheckpointFiles.WaitForNewAsync.last", // likewise
        "Graph.AddVariable.shape", // that of the elements, as in all these
        "Graph.AddOwned.shape",
        "Graph.AddStrings.shape",
        "Graph.Assign.shape",
        "Graph.AssignStrings.shape",
        "Sink.Put.shape",
        "Sink.PutBorrowed.shape",
        "Sink.PutStrings.shape",
        "Writer.Add.shape",
        "Writer.AddStrings.shape",
        "ValidCheckpoint..ctor.path", // there is none
        "Graph.AddDevice.shape", // whatever the checkpoint has
        "Graph.AddWithoutValue.shape", // likewise
        "Graph.RegisterSaver.package", // none
    };

    private static readonly HashSet<Type> Elsewhere = new HashSet<Type>
    {
        typeof(CheckpointState), typeof(Rename), // what they hold is looked at by who takes them
    };

    private const BindingFlags Own =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Test("null_arguments_are_refused_by_name")]
    private static void NullArgumentsAreRefusedByName()
    {
        var faults = new List<string>();
        int tried = 0;
        using (var program = new TestProgram())
        using (var manager = new Manager(program.Checkpoint, Program.At("managed")))
        using (var saver = new Saver(program.Graph, new[] { new Edge("w", program.Variable(program.Root, "w", new float[1])) }))
        using (var reader = new Reader(Conformance.Fixture("guide")))
        using (View mapped = reader[Conformance.KernelKey].View())
        using (var writer = new Writer(Program.At("w")))
        using (var view = new CheckpointView(Conformance.Fixture("guide")))
        {
            var state = new Asking();
            program.Graph.Track(program.Root, "s", program.Graph.AddState(state));
            var values = new List<object>
            {
                program.Graph, program.Checkpoint, program.Root, manager, saver, reader, reader[Conformance.KernelKey], mapped, writer, view, state, "x",
                new long[] { 1 }, new float[] { 1 }, new BrokenCheckpoint[0], new CheckpointException("x"), new CheckpointException[0], new[] { "x" }, new[] { new byte[1] }, new Edge[0], new NodeMatch[0], new Node[0], new[] { reader[0] },
                new ReadBatch(), new Region(new long[1], new long[1]), new Scalar<float>(), new DeviceVariable(), new Accepting(), new CheckpointState("x"), new Func<bool>(() => true),
                (ReadBytes)((offset, buffer) => { }), (UseBytes)(bytes => { }), (UseReadOnlyBytes)(bytes => { }),
                (Action<Severity, string>)((severity, line) => { }),
            };
            Action<Type[]> tryAll = types =>
            {
                foreach (Type type in types)
                {
                    foreach (MethodBase method in type.GetMethods(Own).Cast<MethodBase>().Concat(type.GetConstructors(Own)))
                    {
                        tried += Try(method, values, faults);
                    }
                }
            };
            state.Ask = lent =>
            {
                values.Add(lent);
                tryAll(new[] { lent.GetType() });
            };
            program.Checkpoint.Read(program.Checkpoint.Write(Program.At("c"))).Dispose();
            tryAll(typeof(Graph).Assembly.GetExportedTypes().Where(type => Concerns(type, state)).ToArray());
        }
        Check.That(faults.Count == 0, "\n" + string.Join("\n", faults));
        Check.That(tried > 100, "only " + tried + " arguments were tried");
    }

    // Those that are lent to a callback were asked there. A slot's request has one method of its
    // own that takes an array.
    private static bool Concerns(Type type, Asking state) =>
        type.IsClass && !typeof(Delegate).IsAssignableFrom(type) && !typeof(Exception).IsAssignableFrom(type) && !Elsewhere.Contains(type)
        && !state.Asked.Contains(type) && type != typeof(SlotRequest) && type != typeof(SourceTensor);

    // Calls the method with null for one argument after the other, and counts them.
    private static int Try(MethodBase method, List<object> values, List<string> faults)
    {
        if (method.Name == "Equals" || method.Name.StartsWith("set_", StringComparison.Ordinal))
        {
            return 0;
        }
        if (method.IsGenericMethodDefinition)
        {
            Type[] elements = method.GetGenericArguments().Select(one => typeof(float)).ToArray();
            method = ((MethodInfo)method).MakeGenericMethod(elements);
        }
        ParameterInfo[] parameters = method.GetParameters();
        if (method.DeclaringType.IsGenericType || parameters.Any(one => one.ParameterType.Name.Contains("Span`1")))
        {
            return 0; // reflection cannot pass spans; who takes an array does so for them
        }
        int tried = 0;
        foreach (ParameterInfo tested in parameters)
        {
            string name = method.DeclaringType.Name + "." + method.Name + "." + tested.Name;
            if (tested.ParameterType.IsValueType || tested.ParameterType.IsByRef || tested.IsOptional || tested.Name == "options" || MayBeNull.Contains(name))
            {
                continue;
            }
            tried++;
            object[] arguments = parameters.Select(one => one == tested || (one.IsOptional || one.Name == "options") && !one.ParameterType.IsValueType ? null : Value(one.ParameterType, values)).ToArray();
            string found = "nothing";
            try
            {
                object made = method.IsConstructor
                    ? ((ConstructorInfo)method).Invoke(arguments)
                    : method.Invoke(method.IsStatic ? null : Value(method.DeclaringType, values), arguments);
                (made as IDisposable)?.Dispose();
            }
            catch (TargetInvocationException e)
            {
                var refused = e.InnerException as ArgumentNullException;
                found = refused == null ? e.InnerException.GetType().Name : refused.ParamName;
            }
            if (found != tested.Name)
            {
                faults.Add(name + ": " + found);
            }
        }
        return tried;
    }

    private static object Value(Type type, List<object> values)
    {
        if (type.IsByRef)
        {
            return null;
        }
        object value = values.FirstOrDefault(one => type.IsInstanceOfType(one));
        if (value == null && type.IsValueType)
        {
            return Activator.CreateInstance(type);
        }
        Check.That(value != null, "there is nothing to try a " + type + " with");
        return value;
    }

    // A list that is another one each time that it is looked at, as one that a second thread
    // changes.
    private sealed class Growing : IReadOnlyList<long>
    {
        private int count;

        public int Count => ++count;

        public long this[int index] => 1;

        public IEnumerator<long> GetEnumerator() => throw new NotSupportedException();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    [Test("a_shape_is_read_once")]
    private static void AShapeIsReadOnce()
    {
        ReadBytes zeros = (offset, buffer) => buffer.Clear();
        using (var program = new TestProgram())
        {
            Graph graph = program.Graph;
            var device = new DeviceVariable { Read = zeros, Write = (offset, data) => { } };
            Check.Same(new long[] { 1 }, graph.Describe(graph.AddDevice(DType.Float32, new Growing(), device)).Shape);
            var whatever = new Growing();
            graph.AddWithoutValue(DType.Float32, whatever);
            Check.Equal(2, whatever.Count); // the second time
            Check.Same(new long[] { 1 }, graph.Describe(graph.AddBytes(new byte[4], DType.Float32, new Growing())).Shape);
            graph.Track(program.Root, "s", graph.AddState(new Putting(sink => sink.PutRead("r", DType.Float32, new Growing(), zeros))));
            using (var reader = new Reader(program.Checkpoint.Write(Program.At("c"))))
            {
                Check.Same(new long[] { 1 }, reader["s/.ATTRIBUTES/r"].Shape);
            }
        }
        using (var writer = new Writer(Program.At("w")))
        {
            var region = new Region(new long[1], new long[] { 1 });
            writer.AddRead("read", DType.Float32, new Growing(), zeros);
            writer.AddShapeAndSlice("whole", new float[1], new Growing(), "");
            writer.AddSlice("slice", new float[1], new Growing(), region);
            writer.AddStringsSlice("texts", new[] { new byte[1] }, new Growing(), region);
            writer.Finish();
        }
        using (var reader = new Reader(Program.At("w")))
        {
            foreach (string key in new[] { "read", "whole", "slice", "texts" })
            {
                Check.Same(new long[] { 1 }, reader[key].Shape);
            }
        }
    }

    private sealed class Putting : IState
    {
        private readonly Action<Sink> put;

        internal Putting(Action<Sink> put)
        {
            this.put = put;
        }

        public void Save(Sink sink) => put(sink);

        public void Restore(Source source)
        {
        }
    }

    /// <summary>State that has what it is lent asked.</summary>
    private sealed class Asking : IState, IRanks
    {
        internal Action<object> Ask { get; set; }

        internal HashSet<Type> Asked { get; } = new HashSet<Type>();

        public int Rank => 0;

        public int Count => 1;

        public void Save(Sink sink)
        {
            sink.PutScalar("s", 1);
            Once(sink);
        }

        public void Restore(Source source) => Once(source);

        public IReadOnlyList<byte[]> Gather(byte[] message) => new[] { message };

        public byte[] Broadcast(byte[] message) => message;

        private void Once(object lent)
        {
            if (Asked.Add(lent.GetType()))
            {
                Ask(lent);
            }
        }
    }

    private sealed class Accepting : IObjectSaver
    {
        public bool Accepts(Node node) => false;

        public void Save(IReadOnlyList<Edge> objects, Sink sink)
        {
            // It accepts nothing.
        }

        public bool Wants(IReadOnlyList<Edge> objects, string key) => false;

        public void Restore(IReadOnlyList<Edge> objects, Source source)
        {
            // Likewise.
        }
    }
}
