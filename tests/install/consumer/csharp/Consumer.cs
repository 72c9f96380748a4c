// The same in C#: consumer.exe PATH
using System;
using System.Globalization;
using LibCheckpoint;

internal static class Consumer
{
    private static void Main(string[] arguments)
    {
        using (var reader = new Reader(arguments[0]))
        {
            Console.Write("header {0}\nlibrary {1}\nkernel", Library.HeaderVersion, Library.Version);
            foreach (float value in reader.Read<float>("net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE"))
            {
                Console.Write(" " + value.ToString("F6", CultureInfo.InvariantCulture));
            }
            Console.WriteLine();
        }
    }
}
