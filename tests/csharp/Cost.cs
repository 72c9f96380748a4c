// What the binding costs: 100 tensors of 1 KiB are found and read by key, in C and in C#, in turns;
// the medians and their ratio.
//
//     cost.exe    (beside libcost.so, which is cost.c)
using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using LibCheckpoint;

internal static class Cost
{
    private const int Tensors = 100, Size = 1024, Rounds = 2001;

    [DllImport("cost")]
    private static extern IntPtr open_checkpoint(byte[] prefix);

    [DllImport("cost")]
    private static extern int read_all(IntPtr reader, IntPtr buffer, byte[] keys, int keyLength);

    [DllImport("cost")]
    private static extern void close_checkpoint(IntPtr reader);

    private static string Key(int i) => "layer" + i.ToString("00") + "/kernel/.ATTRIBUTES/VARIABLE_VALUE";

    private static int Main()
    {
        string directory = Path.Combine(Path.GetTempPath(), "checkpoint-cost-" + Guid.NewGuid().ToString("N"));
        string prefix = Path.Combine(directory, "m");
        var keys = new string[Tensors];
        var all = new StringBuilder();
        using (var writer = new Writer(prefix))
        {
            for (int i = 0; i < Tensors; i++)
            {
                keys[i] = Key(i);
                all.Append(keys[i]);
                writer.Add(keys[i], new float[Size / 4]);
            }
            writer.Finish();
        }
        byte[] flat = Encoding.UTF8.GetBytes(all.ToString());
        IntPtr inC = open_checkpoint(Encoding.UTF8.GetBytes(prefix + "\0"));
        IntPtr buffer = Marshal.AllocHGlobal(Size);
        var values = new float[Size / 4];
        long[] c = new long[Rounds], into = new long[Rounds], fresh = new long[Rounds];
        int faults = 0;
        using (var reader = new Reader(prefix))
        {
            for (int round = 0; round < Rounds; round++)
            {
                long start = Stopwatch.GetTimestamp();
                faults += read_all(inC, buffer, flat, flat.Length / Tensors);
                c[round] = Stopwatch.GetTimestamp() - start;
                start = Stopwatch.GetTimestamp();
                foreach (string key in keys)
                {
                    reader[key].ReadInto(values);
                }
                into[round] = Stopwatch.GetTimestamp() - start;
                start = Stopwatch.GetTimestamp();
                foreach (string key in keys)
                {
                    faults += reader.Read<float>(key).Length == Size / 4 ? 0 : 1;
                }
                fresh[round] = Stopwatch.GetTimestamp() - start;
            }
        }
        close_checkpoint(inC);
        Directory.Delete(directory, true);
        Console.WriteLine(
            "100 tensors of 1 KiB: C {0:F1} us, C# {1:F1} us ({2:F2} x), C# into new arrays {3:F1} us ({4:F2} x)", Microseconds(c),
            Microseconds(into), Microseconds(into) / Microseconds(c), Microseconds(fresh), Microseconds(fresh) / Microseconds(c));
        return faults == 0 ? 0 : 1;
    }

    private static double Microseconds(long[] times)
    {
        Array.Sort(times);
        return times[times.Length / 2] * 1e6 / Stopwatch.Frequency;
    }
}
