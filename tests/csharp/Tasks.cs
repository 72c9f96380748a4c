using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;
using LibCheckpoint;

/// <summary>What runs in the background, as tasks.</summary>
internal static class Tasks
{
    private const string V = "v/.ATTRIBUTES/VARIABLE_VALUE";

    private static readonly CancellationToken Cancelled = new CancellationToken(true);

    private static T Result<T>(Task<T> task) => task.GetAwaiter().GetResult();

    // Writes one tensor, and gives the prefix.
    private static string Written(string name, params float[] values)
    {
        using (var writer = new Writer(Program.At(name)))
        {
            writer.Add("v", values);
            writer.Finish();
        }
        return Program.At(name);
    }

    [Test("saves_and_restores_are_tasks")]
    private static void SavesAndRestoresAreTasks()
    {
        Saves().GetAwaiter().GetResult();
        Binding.NothingIsKept();
    }

    private static async Task Saves()
    {
        using (var program = new TestProgram())
        {
            float[] value = { 1, 2 };
            program.Variable(program.Root, "v", value);
            Checkpoint checkpoint = program.Checkpoint;
            Task<string> save = checkpoint.SaveAsync(Program.At("a"));
            value[0] = 9; // what is saved is what was there
            Check.Equal(Program.At("a-1"), await save.ConfigureAwait(false));
            value[0] = 8;
            Check.Equal(Program.At("b"), await checkpoint.WriteAsync(Program.At("b")));
            using (Status status = await checkpoint.ReadAsync(Program.At("b")))
            {
                status.AssertConsumed();
            }
            Check.Equal(8f, value[0]);
            using (Status status = await checkpoint.RestoreAsync(Program.At("a-1")))
            {
                status.AssertConsumed();
                Check.Equal(Program.At("a-1"), status.Path);
            }
            Check.Same(new float[] { 1, 2 }, value);
            using (var manager = new Manager(
                checkpoint, Program.At("managed"), new ManagerOptions { StepsInCalls = true, CheckpointInterval = 5 }))
            {
                Check.That(await manager.RestoreOrInitializeAsync() == null, "there was a checkpoint");
                string first = await manager.SaveAsync(new ManagerSaveOptions { Step = 5 });
                Task<string> early = manager.SaveAsync(new ManagerSaveOptions { Step = 6 });
                Check.Equal(TaskStatus.RanToCompletion, early.Status);
                Check.That(await early == null, "it was not too early");
                value[1] = 0;
                using (Status status = await manager.RestoreOrInitializeAsync(new ResumeOptions { Step = 6 }))
                {
                    Check.Equal(first, status.Path);
                }
                Check.Same(new float[] { 1, 2 }, value);
                ValidCheckpoint valid = await manager.LatestValidAsync();
                Check.Equal(first, valid.Path);
                Check.Equal(0, valid.Broken.Count);
                using (Pending pending = manager.BeginSave(new ManagerSaveOptions { Step = 12 }))
                {
                    Check.Equal(pending.Path, await pending.AsTask().ConfigureAwait(false));
                }
            }
        }
    }

    [Test("files_are_opened_read_verified_and_merged_as_tasks")]
    private static void FilesAreTasks()
    {
        Files().GetAwaiter().GetResult();
        Binding.NothingIsKept();
    }

    private static async Task Files()
    {
        string[] sections = { Written("a", 1, 2, 3), Program.At("b") };
        using (var writer = new Writer(sections[1]))
        {
            writer.Add("w", new long[] { 7 });
            writer.Finish();
        }
        var reports = new List<ByteProgress>();
        var verify = new VerifyOptions { Reporter = new Reporting(reports.Add) };
        Check.Equal(Verdict.Whole, (await CheckpointFiles.VerifyAsync(sections[0], verify)).Verdict);
        Check.That(reports.Count > 0 && reports.Last().Done == reports.Last().Total, "it has not said how far it is");
        await CheckpointFiles.MergeAsync(Program.At("all"), sections, new MergeOptions { Reporter = new Reporting(reports.Add) });
        Check.That(!CheckpointFiles.Exists(sections[0]), "the sections are there");
        using (Reader reader = await Reader.OpenAsync(Program.At("all")))
        {
            Check.Same(new float[] { 1, 2, 3 }, await reader.ReadAsync<float>("v"));
            Check.Same(
                new double[] { 1, 2, 3 }, await reader["v"].ReadAsync<double>(new ReadOptions { Conversion = Conversion.Exact }));
            var part = new float[5];
            await reader["v"].ReadIntoAsync(new Memory<float>(part, 1, 3));
            Check.Same(new float[] { 0, 1, 2, 3, 0 }, part);
            var floats = new float[3];
            var longs = new long[1];
            var bytes = new byte[12];
            ReadBatch batch = new ReadBatch().Add(reader["v"], floats).Add(reader["w"], longs).AddBytes(reader["v"], bytes);
            await reader.ReadManyAsync(batch);
            Check.Same(new float[] { 1, 2, 3 }, floats);
            Check.Equal(7L, longs[0]);
            Check.Equal(2f, BitConverter.ToSingle(bytes, 4));
            Array.Clear(floats, 0, 3);
            reader.ReadMany(batch);
            Check.Same(new float[] { 1, 2, 3 }, floats);
            Check.Throws<ArgumentException>(() => reader.ReadMany(batch, new ReadOptions { Conversion = Conversion.Lossy }));
            Check.Fails(ErrorCode.InvalidArgument, Reason.DType, () => reader.ReadMany(new ReadBatch().Add(reader["w"], floats)));
            // Many at once.
            float[][] all = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => reader.ReadAsync<float>("v")));
            Check.That(all.All(one => one.SequenceEqual(floats)), "not the values");
        }
    }

    [Test("what_goes_wrong_is_in_the_task")]
    private static void WhatGoesWrongIsInTheTask()
    {
        string path = Written("a", 1);
        Check.Fails(ErrorCode.NotFound, Reason.NoCheckpoint, () => Result(Reader.OpenAsync(Program.At("none"))));
        Check.Fails(ErrorCode.NotFound, Reason.NoCheckpoint, () => Result(CheckpointFiles.VerifyAsync(Program.At("none"))));
        Task merge = CheckpointFiles.MergeAsync(Program.At("m"), new[] { Program.At("none") });
        Check.Equal(ErrorCode.NotFound, Check.Throws<CheckpointException>(() => merge.GetAwaiter().GetResult()).Code);
        using (var reader = new Reader(path))
        {
            Check.Fails(ErrorCode.InvalidArgument, Reason.DType, () => Result(reader["v"].ReadAsync<int>()));
            Check.Equal(ErrorCode.NotFound, Check.Throws<CheckpointException>(() => Result(reader.ReadAsync<int>("none"))).Code);
            Task wrong = reader["v"].ReadIntoAsync(new Memory<float>(new float[2]));
            Check.Equal(Reason.Shape, Check.Throws<CheckpointException>(() => wrong.GetAwaiter().GetResult()).Reason);
            using (var other = new Reader(path))
            {
                Task alien = reader.ReadManyAsync(new ReadBatch().Add(other["v"], new float[1]));
                Check.Throws<ArgumentException>(() => alien.GetAwaiter().GetResult());
            }
        }
        using (var program = new TestProgram())
        {
            program.Variable(program.Root, "v", new float[1]);
            var why = new InvalidOperationException("no");
            var failing = new CheckpointSaveOptions();
            failing.Written.Add(saved => { throw why; });
            CheckpointException e = Check.Fails(
                ErrorCode.Aborted, Reason.Callback, () => Result(program.Checkpoint.SaveAsync(Program.At("c"), failing)));
            Check.That(e.InnerException == why, "not the callback's own exception");
            program.Checkpoint.Sync(); // the task has said it
            Check.Equal(Reason.Callback, program.Checkpoint.LastFailure.Reason);
            var stopping = new CheckpointSaveOptions { Write = new WriteOptions { Reporter = new Reporting(progress => { throw why; }) } };
            e = Check.Fails(
                ErrorCode.Cancelled, Reason.Callback, () => Result(program.Checkpoint.WriteAsync(Program.At("c"), stopping)));
            Check.That(e.InnerException == why, "not the reporter's own exception");
            Check.Equal(ErrorCode.NotFound, Check.Throws<CheckpointException>(() => Result(program.Checkpoint.RestoreAsync(Program.At("none")))).Code);
            Checkpoint disposed = program.Graph.Contains(program.Root) ? new Checkpoint(program.Graph, program.Root) : null;
            disposed.Dispose();
            Check.Throws<ObjectDisposedException>(() => Result(disposed.SaveAsync(Program.At("c"))));
        }
        Binding.NothingIsKept();
    }

    [Test("tokens_cancel_tasks")]
    private static void TokensCancelTasks()
    {
        string path = Written("a", 1);
        using (var program = new TestProgram())
        using (var manager = new Manager(program.Checkpoint, Program.At("managed")))
        using (var reader = new Reader(path))
        {
            program.Variable(program.Root, "v", new float[1 << 20]);
            SavedTensor tensor = reader["v"];
            var memory = new float[1];
            var all = new Dictionary<string, Task>
            {
                { "save", program.Checkpoint.SaveAsync(Program.At("x"), null, Cancelled) },
                { "write", program.Checkpoint.WriteAsync(Program.At("x"), null, Cancelled) },
                { "restore", program.Checkpoint.RestoreAsync(path, null, Cancelled) },
                { "read", program.Checkpoint.ReadAsync(path, null, Cancelled) },
                { "managed", manager.SaveAsync(null, Cancelled) },
                { "resume", manager.RestoreOrInitializeAsync(null, Cancelled) },
                { "valid", manager.LatestValidAsync(Cancelled) },
                { "valid in", CheckpointFiles.LatestValidAsync(Program.Directory, null, Cancelled) },
                { "verify", CheckpointFiles.VerifyAsync(path, null, Cancelled) },
                { "merge", CheckpointFiles.MergeAsync(Program.At("x"), new[] { path }, null, Cancelled) },
                { "open", Reader.OpenAsync(path, null, Cancelled) },
                { "values", tensor.ReadAsync<float>(null, Cancelled) },
                { "into", tensor.ReadIntoAsync<float>(memory, null, Cancelled) },
                { "many", reader.ReadManyAsync(new ReadBatch().Add(tensor, memory), null, Cancelled) },
                { "wait", CheckpointFiles.WaitForNewAsync(Program.Directory, null, null, Cancelled) },
            };
            foreach (KeyValuePair<string, Task> one in all)
            {
                var e = Check.Throws<OperationCanceledException>(() => one.Value.GetAwaiter().GetResult());
                Check.That(e.CancellationToken == Cancelled && one.Value.IsCanceled, one.Key + " was not cancelled by the token");
            }
            Check.That(!CheckpointFiles.Exists(Program.At("x")) && CheckpointFiles.Exists(path), "something was done");
            Action[] calls =
            {
                () => new Reader(path, null, Cancelled), () => tensor.Read<float>(null, Cancelled), () => tensor.ReadScalar<float>(null, Cancelled),
                () => tensor.ReadInto(memory, null, Cancelled), () => tensor.ReadSlice<float>(new Region(new long[1], new long[] { 1 }), null, Cancelled),
                () => reader.ReadMany(new ReadBatch().Add(tensor, memory), null, Cancelled),
                () => manager.RestoreOrInitialize(new ResumeOptions { LatestValid = true }, Cancelled),
            };
            manager.Save();
            foreach (Action call in calls)
            {
                Check.Equal(Cancelled, Check.Throws<OperationCanceledException>(call).CancellationToken);
            }

            // In the midst of it.
            using (var source = new CancellationTokenSource())
            using (var go = new ManualResetEvent(false))
            {
                var slow = new CheckpointSaveOptions { Write = new WriteOptions { Progress = (done, total) => go.WaitOne() } };
                Task<string> save = program.Checkpoint.WriteAsync(Program.At("y"), slow, source.Token);
                Task sync = program.Checkpoint.SyncAsync(source.Token), over = program.Checkpoint.SyncAsync();
                Check.That(!save.IsCompleted && !sync.IsCompleted && !over.IsCompleted, "it is over");
                source.Cancel();
                Check.Throws<OperationCanceledException>(() => sync.GetAwaiter().GetResult()); // it does not wait any more
                go.Set();
                Check.Equal(source.Token, Check.Throws<OperationCanceledException>(() => Result(save)).CancellationToken);
                over.GetAwaiter().GetResult();
                Check.Equal(false, CheckpointFiles.Exists(Program.At("y")));
            }
        }
        Binding.NothingIsKept();
    }

    // Of as many reads as there are files to open and bytes to wait for, none has a thread of the
    // pool, and their memory stays where it is until the end though nobody holds the tasks.
    [Test("no_thread_of_the_pool_is_held_and_memory_stays")]
    private static void NoThreadIsHeld()
    {
        using (var program = new TestProgram())
        using (var go = new ManualResetEvent(false))
        {
            program.Variable(program.Root, "v", new float[1]);
            int threads = 0, ports, most = 0;
            ThreadPool.GetMaxThreads(out most, out ports);
            ThreadPool.GetAvailableThreads(out threads, out ports);
            int before = most - threads;
            var slow = new CheckpointSaveOptions { Write = new WriteOptions { Progress = (done, total) => go.WaitOne() } };
            Task<string> save = program.Checkpoint.SaveAsync(Program.At("s"), slow);
            Task[] waiting = Enumerable.Range(0, 100).Select(i => program.Checkpoint.SyncAsync()).ToArray();
            ThreadPool.GetAvailableThreads(out threads, out ports);
            Check.That(most - threads <= before + 1, "the pool has " + (most - threads) + " busy threads, and had " + before);
            go.Set();
            Task.WaitAll(waiting);
            Result(save);
        }
        using (var reader = new Reader(Written("a", Enumerable.Range(0, 1 << 18).Select(i => (float)i).ToArray())))
        {
            var memory = new List<float[]>();
            for (int i = 0; i < 20; i++)
            {
                memory.Add(new float[1 << 18]);
                Forget(reader, memory[i]);
            }
            GC.Collect();
            Binding.NothingIsKept(1);
            Check.That(memory.All(values => values[1 << 17] == 1 << 17), "not the values");
        }
        Binding.NothingIsKept();
    }

    // What goes wrong between the beginning of a call and the waiting for it, which nothing public
    // brings about: the call is ended all the same.
    [Test("a_call_that_nobody_hears_of_is_over_when_its_task_is")]
    private static void NothingRunsOn()
    {
        const BindingFlags own = BindingFlags.Instance | BindingFlags.NonPublic;
        using (var program = new TestProgram())
        {
            program.Variable(program.Root, "v", new float[1 << 20]);
            object running = typeof(Checkpoint).GetProperty("Running", own).GetValue(program.Checkpoint);
            FieldInfo tasks = running.GetType().GetField("tasks", own);
            object before = tasks.GetValue(running);
            int inside = 0;
            var slow = new CheckpointSaveOptions
            {
                Write = new WriteOptions
                {
                    Progress = (done, total) =>
                    {
                        Interlocked.Increment(ref inside);
                        Thread.Sleep(50); // it would be seen if it ran on
                        Interlocked.Decrement(ref inside);
                    },
                },
            };
            tasks.SetValue(running, null);
            Check.Throws<ArgumentNullException>(() => Result(program.Checkpoint.SaveAsync(Program.At("s"), slow)));
            tasks.SetValue(running, before);
            Check.Equal(0, Volatile.Read(ref inside));
            Check.Equal(false, CheckpointFiles.Exists(Program.At("s-1"))); // it was told to stop
            program.Checkpoint.Save(Program.At("t"), new CheckpointSaveOptions { Busy = Busy.Fail });
        }
        Binding.NothingIsKept();
    }

    [Test("a_token_does_not_hold_saves_that_are_over")]
    private static void TokensHoldNothing()
    {
        using (var source = new CancellationTokenSource())
        using (var program = new TestProgram())
        {
            program.Variable(program.Root, "v", new float[1]);
            List<WeakReference> saves = null;
            // The stack of another thread, which has none of them when it is over.
            var thread = new Thread(
                () => saves = Enumerable.Range(0, 20).Select(i => Abandoned(program.Checkpoint, source.Token)).ToList());
            thread.Start();
            thread.Join();
            Func<bool> areGone = () =>
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                return saves.Count(save => save.IsAlive) <= 2; // a collector that guesses may keep some
            };
            Check.That(SpinWait.SpinUntil(areGone, 10000), "the token holds " + saves.Count(save => save.IsAlive) + " of them");
            foreach (WeakReference save in saves)
            {
                (save.Target as Pending)?.Dispose();
            }
        }
        Binding.NothingIsKept();
    }

    private static WeakReference Abandoned(Checkpoint checkpoint, CancellationToken token)
    {
        Pending pending = checkpoint.BeginSave(Program.At("s"), null, token);
        pending.Wait();
        return new WeakReference(pending);
    }

    private static void Forget(Reader reader, float[] values)
    {
        reader["v"].ReadIntoAsync(new Memory<float>(values));
    }

    private sealed class Reporting : IProgress<ByteProgress>
    {
        private readonly Action<ByteProgress> report;

        internal Reporting(Action<ByteProgress> report)
        {
            this.report = report;
        }

        public void Report(ByteProgress value) => report(value);
    }
}
