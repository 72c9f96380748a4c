// The training loop of TensorFlow's guide to checkpoints, without TensorFlow: a linear model learns
// y = 5x + [0, 1, 2, 3, 4].
//
//     train.exe DIRECTORY STEPS [DIE]
//
// Trains until STEPS steps are done and saves after every tenth, as DIRECTORY/ckpt-1, ckpt-2, ...,
// of which the newest three stay. If the directory has a checkpoint, of this program, of
// examples/c/train.c or of TensorFlow's, it goes on from there, with the same bits as if it had
// never stopped. With DIE it kills itself in that step.
using System;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using LibCheckpoint;

/// <summary>A trainable variable with its slots.</summary>
internal sealed class Parameter
{
    internal readonly float[] Value = new float[Training.Outputs], M = new float[Training.Outputs], V = new float[Training.Outputs];
}

/// <summary>The whole program. The library saves its arrays and restores into them, in
/// place.</summary>
internal sealed class Training : IState
{
    internal const int Outputs = 5, Examples = 10, Batch = 2, SaveEvery = 10;

    private readonly Parameter kernel = new Parameter(), bias = new Parameter();
    private readonly long[] iter = { 0 }; // updates that Adam has done
    private readonly float[] beta1 = { 0.9f }, beta2 = { 0.999f }, decay = { 0 }, learningRate = { 0.1f };
    private readonly int[] step = { 0 };
    private long position; // of the next example

    internal Training()
    {
        for (int j = 0; j < Outputs; j++)
        {
            kernel.Value[j] = 0.25f * (j - 2); // "random", the same each time
        }
    }

    /// <summary>The iterator's state is more than a variable: it says itself how it is
    /// saved.</summary>
    public void Save(Sink sink) => sink.PutScalar("_POSITION", position);

    /// <summary>And how it is restored.</summary>
    public void Restore(Source source)
    {
        SourceTensor saved = source.Find("_POSITION");
        if (saved != null) // TensorFlow's ITERATOR_STATE is its own: begin with the first example
        {
            position = saved.Read<long>().Single();
        }
    }

    private static int Main(string[] arguments)
    {
        int steps, die = -1;
        if (arguments.Length < 2 || arguments.Length > 3 || !int.TryParse(arguments[1], out steps)
            || (arguments.Length == 3 && !int.TryParse(arguments[2], out die)))
        {
            Console.Error.WriteLine("usage: train.exe DIRECTORY STEPS [DIE]");
            return 2;
        }
        try
        {
            new Training().Run(arguments[0], steps, die);
            return 0;
        }
        catch (CheckpointException e)
        {
            Console.Error.WriteLine("train: " + e.Message);
            return 1;
        }
    }

    // ------------------------------------------------------ the graph of the program's objects

    /// <summary>The objects that a checkpoint has, by the names of TensorFlow's program.</summary>
    private Checkpoint MakeCheckpoint()
    {
        using (var graph = new Graph()) // the checkpoint keeps what it needs
        {
            // ITERATOR is what TensorFlow calls the state of one.
            Node iterator = graph.AddState(this, new NodeOptions { LegacyName = "ITERATOR" });
            Node optimizer = graph.AddSlotOwner();
            Node root = graph.AddObject(), net = graph.AddObject(), l1 = graph.AddObject();
            graph.Track(root, "iterator", iterator);
            graph.Track(root, "net", net);
            graph.Track(root, "optimizer", optimizer);
            graph.Track(root, "step", graph.AddScalar(step));
            graph.Track(net, "l1", l1);
            graph.Track(l1, "kernel", AddParameter(graph, optimizer, kernel, new long[] { 1, Outputs }));
            graph.Track(l1, "bias", AddParameter(graph, optimizer, bias, new long[] { Outputs }));
            graph.Track(optimizer, "iter", graph.AddScalar(iter));
            graph.Track(optimizer, "beta_1", graph.AddScalar(beta1));
            graph.Track(optimizer, "beta_2", graph.AddScalar(beta2));
            graph.Track(optimizer, "decay", graph.AddScalar(decay));
            graph.Track(optimizer, "learning_rate", graph.AddScalar(learningRate));
            return new Checkpoint(graph, root);
        }
    }

    private static Node AddParameter(Graph graph, Node optimizer, Parameter parameter, long[] shape)
    {
        Node variable = graph.AddVariable(parameter.Value, shape);
        graph.SetSlot(optimizer, variable, "m", graph.AddVariable(parameter.M, shape));
        graph.SetSlot(optimizer, variable, "v", graph.AddVariable(parameter.V, shape));
        return variable;
    }

    // ---------------------------------------------------------------- training

    // Everything is computed in float, in the order that is written here: so the same bits come out
    // wherever it is done again. The casts keep the compiler from computing in more.
    private static float Power(float number, long exponent)
    {
        float product = 1;
        for (long i = 0; i < exponent; i++)
        {
            product = (float)(product * number);
        }
        return product;
    }

    private static float Sqrt(float x) => (float)Math.Sqrt(x);

    /// <summary>One update of Adam, with TensorFlow's formula.</summary>
    private void Update(Parameter p, float[] gradient)
    {
        float correction = (float)(Sqrt((float)(1 - Power(beta2[0], iter[0]))) / (float)(1 - Power(beta1[0], iter[0])));
        float rate = (float)(learningRate[0] * correction);
        float rest1 = (float)(1 - beta1[0]), rest2 = (float)(1 - beta2[0]);
        for (int j = 0; j < Outputs; j++)
        {
            p.M[j] = (float)((float)(beta1[0] * p.M[j]) + (float)(rest1 * gradient[j]));
            p.V[j] = (float)((float)(beta2[0] * p.V[j]) + (float)(rest2 * (float)(gradient[j] * gradient[j])));
            p.Value[j] = (float)(p.Value[j] - (float)((float)(rate * p.M[j]) / (float)(Sqrt(p.V[j]) + 1e-7f)));
        }
    }

    /// <summary>One step with the next batch; the loss is the mean of |output - label|.</summary>
    private float TrainStep()
    {
        float loss = 0;
        float[] kernelGradient = new float[Outputs], biasGradient = new float[Outputs];
        for (int i = 0; i < Batch; i++)
        {
            float x = position;
            for (int j = 0; j < Outputs; j++)
            {
                float output = (float)((float)(x * kernel.Value[j]) + bias.Value[j]), label = (float)((float)(x * 5) + j);
                float difference = (float)(output - label);
                float sign = Math.Sign(difference);
                loss = (float)(loss + Math.Abs(difference));
                kernelGradient[j] = (float)(kernelGradient[j] + (float)(sign * x));
                biasGradient[j] = (float)(biasGradient[j] + sign);
            }
            position = (position + 1) % Examples;
        }
        for (int j = 0; j < Outputs; j++)
        {
            kernelGradient[j] = (float)(kernelGradient[j] / (Batch * Outputs));
            biasGradient[j] = (float)(biasGradient[j] / (Batch * Outputs));
        }
        iter[0]++;
        Update(kernel, kernelGradient);
        Update(bias, biasGradient);
        step[0]++;
        return (float)(loss / (Batch * Outputs));
    }

    private void Run(string directory, int steps, int die)
    {
        using (Checkpoint checkpoint = MakeCheckpoint())
        using (var manager = new Manager(checkpoint, directory, new ManagerOptions { MaxToKeep = 3 }))
        {
            using (Status status = manager.RestoreOrInitialize())
            {
                if (status == null)
                {
                    Console.WriteLine("from the beginning");
                }
                else
                {
                    status.AssertExistingObjectsMatched();
                    Console.WriteLine("from step " + step[0] + " of " + status.Path);
                }
            }
            while (step[0] < steps)
            {
                float loss = TrainStep();
                if (step[0] == die)
                {
                    Process.GetCurrentProcess().Kill();
                    Thread.Sleep(Timeout.Infinite); // till it comes
                }
                if (step[0] % SaveEvery == 0)
                {
                    // When this returns the checkpoint is on disk. Should the machine die before,
                    // the one before it is still the latest.
                    manager.Save();
                    Console.WriteLine("step " + step[0] + ": loss " + loss.ToString("F2") + ", saved");
                }
            }
        }
        Console.WriteLine("kernel " + string.Join(" ", kernel.Value.Select(Bits)));
        Console.WriteLine("bias " + string.Join(" ", bias.Value.Select(Bits)));
    }

    /// <summary>A number exactly, as C's <c>%a</c> prints it.</summary>
    private static string Bits(float value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        string sign = bits < 0 ? "-" : "", digits = (bits & 0xfffffffffffff).ToString("x13").TrimEnd('0');
        if (value == 0)
        {
            return sign + "0x0p+0";
        }
        long exponent = ((bits >> 52) & 0x7ff) - 1023;
        return sign + "0x1" + (digits == "" ? "" : "." + digits) + "p" + (exponent < 0 ? "" : "+") + exponent;
    }
}
