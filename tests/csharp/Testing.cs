using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using LibCheckpoint;

/// <summary>A method that is a test, with its name.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TestAttribute : Attribute
{
    public TestAttribute(string name)
    {
        Name = name;
    }

    public string Name { get; }
}

internal static class Check
{
    internal static void That(bool holds, string what)
    {
        if (!holds)
        {
            throw new Exception(what);
        }
    }

    internal static void Equal<T>(T expected, T found)
    {
        That(EqualityComparer<T>.Default.Equals(expected, found), "expected " + expected + ", found " + found);
    }

    internal static void Same<T>(IEnumerable<T> expected, IEnumerable<T> found)
    {
        That(found != null, "nothing found");
        That(
            expected.SequenceEqual(found),
            "expected [" + string.Join(", ", expected) + "], found [" + string.Join(", ", found) + "]");
    }

    internal static void Contains(string part, string whole)
    {
        That(whole.Contains(part), "expected " + part + " in: " + whole);
    }

    internal static T Throws<T>(Action action)
        where T : Exception
    {
        try
        {
            action();
        }
        catch (T e)
        {
            return e;
        }
        throw new Exception("expected " + typeof(T).Name + ", nothing was thrown");
    }

    internal static CheckpointException Fails(ErrorCode code, Reason reason, Action action)
    {
        CheckpointException e = Throws<CheckpointException>(action);
        That(e.Code == code && e.Reason == reason, "expected " + code + " for " + reason + ", found " + e.Code + " for " + e.Reason + ": " + e.Message);
        return e;
    }
}

internal static class Program
{
    private static string directory;

    /// <summary>The project's tests/data.</summary>
    internal static string Data { get; private set; }

    /// <summary>A directory of the test's own.</summary>
    internal static string Directory => directory;

    /// <summary>The path of a file in the test's own directory.</summary>
    internal static string At(string name) => Path.Combine(directory, name);

    // usage: tests.exe DATA [--stress]
    private static int Main(string[] arguments)
    {
        Data = arguments[0];
        bool stress = arguments.Length > 1 && arguments[1] == "--stress";
        var stop = new ManualResetEvent(false);
        var collector = new Thread(() => Collect(stop)) { IsBackground = true };
        if (stress)
        {
            collector.Start();
        }
        int passed = 0, failed = 0;
        foreach (MethodInfo method in Tests())
        {
            string name = method.GetCustomAttribute<TestAttribute>().Name;
            try
            {
                Run(method);
                passed++;
            }
            catch (Exception e)
            {
                failed++;
                Console.WriteLine("FAILED " + name + ": " + (e is TargetInvocationException ? e.InnerException : e));
            }
        }
        stop.Set();
        if (stress)
        {
            collector.Join();
        }
        Console.WriteLine(passed + " passed, " + failed + " failed");
        return failed == 0 && passed > 0 ? 0 : 1;
    }

    private static IEnumerable<MethodInfo> Tests() =>
        typeof(Program).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public))
            .Where(method => method.GetCustomAttribute<TestAttribute>() != null)
            .OrderBy(method => method.MetadataToken);

    // After a test the library has no handle left, and keeps nothing of the program's.
    private static void Run(MethodInfo test)
    {
        directory = Path.Combine(Path.GetTempPath(), "checkpoint-" + Guid.NewGuid().ToString("N"));
        System.IO.Directory.CreateDirectory(directory);
        try
        {
            test.Invoke(null, null);
        }
        finally
        {
            System.IO.Directory.Delete(directory, true);
        }
        Check.Equal(0, Library.LiveHandles);
        Check.Equal(0, Library.KeptObjects);
    }

    private static void Collect(ManualResetEvent stop)
    {
        while (!stop.WaitOne(1))
        {
            GC.Collect(2, GCCollectionMode.Forced, true, true);
            GC.WaitForPendingFinalizers();
        }
    }
}
