using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using LibCheckpoint;

/// <summary>Messages on the way from one thread to another.</summary>
internal sealed class Pipe
{
    private readonly Queue<byte[]> messages = new Queue<byte[]>();
    private bool closed;

    internal void Send(byte[] message)
    {
        lock (messages)
        {
            messages.Enqueue(message);
            Monitor.PulseAll(messages);
        }
    }

    internal void Close()
    {
        lock (messages)
        {
            closed = true;
            Monitor.PulseAll(messages);
        }
    }

    /// <summary>The next message; null when none will come.</summary>
    internal byte[] Next()
    {
        lock (messages)
        {
            while (messages.Count == 0 && !closed)
            {
                Monitor.Wait(messages);
            }
            return messages.Count == 0 ? null : messages.Dequeue();
        }
    }
}

/// <summary>Ranks that are threads, each with a program of its own.</summary>
internal sealed class Threads : IRanks
{
    private readonly Pipe[] toFirst, fromFirst;

    private Threads(int rank, Pipe[] toFirst, Pipe[] fromFirst)
    {
        Rank = rank;
        this.toFirst = toFirst;
        this.fromFirst = fromFirst;
    }

    public int Rank { get; }

    public int Count => toFirst.Length;

    /// <summary>What talking throws; null for nothing.</summary>
    internal Exception Fault { get; set; }

    public IReadOnlyList<byte[]> Gather(byte[] message)
    {
        if (Fault != null)
        {
            throw Fault;
        }
        if (Rank == 0)
        {
            return toFirst.Select((pipe, rank) => rank == 0 ? message : pipe.Next()).ToArray();
        }
        toFirst[Rank].Send(message);
        return null;
    }

    public byte[] Broadcast(byte[] message)
    {
        if (Rank != 0)
        {
            byte[] told = fromFirst[Rank].Next();
            if (told == null)
            {
                throw new TimeoutException("the first rank has left");
            }
            return told;
        }
        foreach (Pipe pipe in fromFirst.Skip(1))
        {
            pipe.Send(message);
        }
        return message;
    }

    /// <summary>Runs <paramref name="count"/> ranks on threads of their own. Returns what each
    /// throws, or null.</summary>
    internal static Exception[] Run(int count, Action<Threads, TestProgram> run)
    {
        Pipe[] toFirst = NewPipes(count), fromFirst = NewPipes(count);
        var thrown = new Exception[count];
        Thread[] threads = Enumerable.Range(0, count).Select(rank => new Thread(() =>
        {
            try
            {
                using (var program = new TestProgram())
                {
                    var part = new Part(new long[] { 2 * count }, new Region(new long[] { 2 * rank }, new long[] { 2 }));
                    Node rows = program.Graph.AddVariable(new float[] { rank, rank }, null, new NodeOptions { Part = part });
                    program.Graph.Track(program.Root, "table", rows);
                    program.Variable("all", 7);
                    program.Variable("own" + rank, 10 + rank);
                    run(new Threads(rank, toFirst, fromFirst), program);
                }
            }
            catch (Exception e)
            {
                thrown[rank] = e;
            }
            finally
            {
                // It has left.
                toFirst[rank].Close();
                if (rank == 0)
                {
                    Array.ForEach(fromFirst, pipe => pipe.Close());
                }
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        return thrown;
    }

    private static Pipe[] NewPipes(int count) => Enumerable.Range(0, count).Select(i => new Pipe()).ToArray();
}

/// <summary>Saves by several ranks together.</summary>
internal static class Together
{
    private static void Well(Exception[] thrown)
    {
        foreach (Exception e in thrown.Where(e => e != null))
        {
            throw new Exception("a rank failed", e);
        }
    }

    private static CheckpointException Failure(ErrorCode code, Exception thrown) =>
        Check.Fails(code, Reason.Rank, () => { throw thrown ?? new Exception("it did not fail"); });

    [Test("ranks_save_together_and_all_is_restored")]
    private static void RanksSaveTogetherAndAllIsRestored()
    {
        string prefix = Program.At("ckpt"), managed = Program.At("managed");
        var sections = new string[2];
        var written = new List<string>();
        Well(Threads.Run(2, (ranks, program) =>
        {
            var options = new CheckpointSaveOptions();
            options.Written.Add(written.Add);
            Check.Equal(prefix, program.Checkpoint.WriteRanked(prefix, ranks, options));
            Check.Equal(prefix + "-1", program.Checkpoint.SaveRanked(prefix, ranks));
            sections[ranks.Rank] = program.Checkpoint.WriteSection(Program.At("own" + ranks.Rank), ranks);
            Check.Equal(Program.At("own" + ranks.Rank + ".section-0000" + ranks.Rank + "-of-00002"), sections[ranks.Rank]);
            var saves = new ManagerOptions { MaxToKeep = 1, StepsInCalls = true, CheckpointInterval = 5 };
            using (var manager = new Manager(program.Checkpoint, managed, saves))
            {
                string first = manager.SaveRanked(ranks, new ManagerSaveOptions { Step = 0 });
                Check.Equal(null, manager.SaveRanked(ranks, new ManagerSaveOptions { Step = 1 }));
                Check.Equal(Path.Combine(managed, "ckpt-2"), first);
            }
            Check.Equal(2, program.Checkpoint.SaveCount());
        }));
        Check.Same(new[] { prefix }, written);
        CheckpointFiles.Merge(Program.At("merged"), sections);
        foreach (string path in new[] { prefix, prefix + "-1", Program.At("merged"), Path.Combine(managed, "ckpt-2") })
        {
            Check.Equal(0, CheckpointFiles.Verify(path).Problems.Count);
            using (var reader = new Reader(path))
            {
                Check.Equal(2, reader["table/.ATTRIBUTES/VARIABLE_VALUE"].Slices().Count());
            }
            using (var program = new TestProgram())
            {
                float[] table = new float[4], all = { 0 }, zero = { 0 }, one = { 0 };
                program.Variable("table", table);
                program.Variable("all", all);
                program.Variable("own0", zero);
                program.Variable("own1", one);
                using (Status status = program.Checkpoint.Read(path))
                {
                    status.AssertExistingObjectsMatched();
                }
                Check.Same(new float[] { 0, 0, 1, 1, 7, 10, 11 }, table.Concat(all).Concat(zero).Concat(one));
            }
        }
        Check.Equal(Path.Combine(managed, "ckpt-2"), CheckpointFiles.Latest(managed));
    }

    [Test("a_rank_that_fails_is_named_to_all")]
    private static void ARankThatFailsIsNamedToAll()
    {
        string prefix = Program.At("ckpt");
        var fault = new InvalidOperationException("no state");
        Exception[] thrown = Threads.Run(3, (ranks, program) =>
        {
            if (ranks.Rank == 1)
            {
                program.Graph.Track(program.Root, "state", program.Graph.AddState(new Failing { Fault = fault }));
            }
            program.Checkpoint.WriteRanked(prefix, ranks);
        });
        foreach (Exception one in thrown)
        {
            Check.Contains("rank 1", Failure(ErrorCode.Aborted, one).Message);
        }
        Check.That(thrown[1].InnerException == fault, "not the callback's own exception: " + thrown[1]);
        Check.That(thrown[0].InnerException == null && thrown[2].InnerException == null, "the exception of another");

        // Somebody cancels on one of them.
        using (var source = new CancellationTokenSource())
        {
            source.Cancel();
            thrown = Threads.Run(2, (ranks, program) =>
                program.Checkpoint.SaveRanked(prefix, ranks, null, ranks.Rank == 1 ? source.Token : CancellationToken.None));
            Check.Contains("rank 1", Failure(ErrorCode.Cancelled, thrown[0]).Message);
            Check.That(thrown[1] is OperationCanceledException, "expected OperationCanceledException, found " + thrown[1]);
        }
        Check.Equal(0, Directory.GetFileSystemEntries(Program.Directory).Count(path => Path.GetFileName(path).StartsWith("ckpt", StringComparison.Ordinal)));
    }

    [Test("a_rank_that_does_not_come_is_named_to_all")]
    private static void ARankThatDoesNotComeIsNamedToAll()
    {
        string prefix = Program.At("ckpt");
        Exception[] thrown = Threads.Run(3, (ranks, program) =>
        {
            if (ranks.Rank < 2)
            {
                program.Checkpoint.WriteRanked(prefix, ranks);
            }
        });
        Check.Contains("rank 2 did not take part", Failure(ErrorCode.Unavailable, thrown[0]).Message);
        Check.Contains("rank 2 did not take part", Failure(ErrorCode.Unavailable, thrown[1]).Message);

        // One that cannot talk hears its own exception, the others that it did not come.
        var fault = new TimeoutException("nobody there");
        thrown = Threads.Run(2, (ranks, program) =>
        {
            ranks.Fault = ranks.Rank == 1 ? fault : null;
            program.Checkpoint.WriteRanked(prefix, ranks);
        });
        Check.Contains("rank 1 did not take part", Failure(ErrorCode.Unavailable, thrown[0]).Message);
        Check.Contains("TimeoutException: nobody there", Failure(ErrorCode.Unavailable, thrown[1]).Message);
        Check.That(thrown[1].InnerException == fault, "not the callback's own exception: " + thrown[1]);
        Check.Equal(false, CheckpointFiles.Exists(prefix));
    }

    [Test("ranks_that_are_none_are_refused")]
    private static void RanksThatAreNoneAreRefused()
    {
        using (var program = new TestProgram())
        using (var manager = new Manager(program.Checkpoint, Program.Directory))
        {
            program.Variable("v", 1);
            Check.Throws<ArgumentNullException>(() => program.Checkpoint.SaveRanked(Program.At("c"), null));
            Check.Throws<ArgumentNullException>(() => manager.SaveRanked(null));
            foreach (int wrong in new[] { -1, 1 })
            {
                Check.Throws<ArgumentException>(() => program.Checkpoint.WriteRanked(Program.At("c"), new Odd { Rank = wrong }));
            }
            var odd = new Odd();
            Check.Contains("Gather gave null", Failure(ErrorCode.Unavailable, Thrown(() => manager.SaveRanked(odd))).Message);
            odd.Gathered = new byte[2][] { null, new byte[0] };
            CheckpointException e = Failure(ErrorCode.Unavailable, Thrown(() => manager.SaveRanked(odd)));
            Check.That(e.InnerException is CheckpointException, "not what is wrong with the message: " + e);
            // What rank 0 itself says need not be among what it gathers.
            odd.Gathered = new byte[0][];
            Check.Equal(Program.At("c"), program.Checkpoint.WriteRanked(Program.At("c"), odd));
            // It must not use the graph.
            odd.Use = () => program.Checkpoint.SaveCount();
            e = Failure(ErrorCode.Unavailable, Thrown(() => manager.SaveRanked(odd)));
            Check.Equal(Reason.Reentrant, ((CheckpointException)e.InnerException).Reason);
        }
    }

    private static Exception Thrown(Action action) => Check.Throws<Exception>(action);

    private sealed class Odd : IRanks
    {
        public int Rank { get; set; }

        public int Count => 1;

        internal IReadOnlyList<byte[]> Gathered { get; set; }

        internal Action Use { get; set; }

        public IReadOnlyList<byte[]> Gather(byte[] message)
        {
            Use?.Invoke();
            return Gathered;
        }

        public byte[] Broadcast(byte[] message) => null; // what rank 0 gives is not looked at
    }

    private sealed class Failing : IState
    {
        internal Exception Fault { get; set; }

        public void Save(Sink sink) => throw Fault;

        public void Restore(Source source) => throw Fault;
    }
}
