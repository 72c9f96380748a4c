using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using LibCheckpoint;

/// <summary>Waiting for checkpoints: how long, and with a state file that cannot be used.</summary>
internal static class Waiting
{
    private static readonly TimeSpan Negative = TimeSpan.FromMilliseconds(-1);

    private static T Result<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static TimeSpan Milliseconds(int count) => TimeSpan.FromMilliseconds(count);

    // A state file that is half written.
    private static void Break() => File.WriteAllText(Program.At("checkpoint"), "model_checkpoint_path: \"");

    private static void Repair() => File.Delete(Program.At("checkpoint"));

    // Waits by a clock of its own, on which no time is lost.
    private static WaitOptions ByClock(TimeSpan? timeout, Action<TimeSpan> passed = null)
    {
        var start = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
        DateTimeOffset now = start;
        return new WaitOptions
        {
            Timeout = timeout, Clock = () => now, Sleep = span =>
            {
                now += span;
                passed?.Invoke(now - start);
            },
        };
    }

    [Test("waiting_for_a_checkpoint_survives_a_faulty_moment")]
    private static void WaitingSurvivesAFaultyMoment()
    {
        var quick = new WaitOptions { PollInterval = Milliseconds(5) };
        var heard = new List<string>();
        using (var looked = new ManualResetEvent(false))
        using (var program = new TestProgram())
        {
            quick.Log = (severity, line) =>
            {
                heard.Add(line);
                looked.Set();
            };
            program.Variable(program.Root, "v", new float[1]);
            var once = new WaitOptions { Timeout = TimeSpan.Zero };
            Check.That(Result(CheckpointFiles.WaitForNewAsync(Program.Directory, null, once)) == null, "it found something");
            Break();
            Task<string> waiting = CheckpointFiles.WaitForNewAsync(Program.Directory, null, quick);
            looked.WaitOne();
            Check.Equal(false, waiting.IsCompleted);
            Repair();
            string path = program.Checkpoint.Save(Program.At("w"));
            Check.Equal(path, Result(waiting));
            Check.Equal(1, heard.Count);
            Check.Contains("it is read again", heard[0]);
        }
    }

    [Test("a_fault_that_stays_is_told_or_fails_and_the_time_out_is_the_end")]
    private static void AFaultThatStays()
    {
        Break();
        var times = new[]
        {
            new WaitOptions { Timeout = TimeSpan.Zero },
            new WaitOptions { Timeout = Milliseconds(3) }, // less than the poll interval
            new WaitOptions { Timeout = Milliseconds(3), PollInterval = TimeSpan.MaxValue },
            new WaitOptions { Timeout = Milliseconds(30), PollInterval = Milliseconds(2) },
            new WaitOptions { Timeout = Milliseconds(3), PollInterval = TimeSpan.Zero },
        };
        foreach (WaitOptions options in times)
        {
            var waits = new Action[]
            {
                () => CheckpointFiles.WaitForNew(Program.Directory, null, options),
                () => Result(CheckpointFiles.WaitForNewAsync(Program.Directory, null, options)),
                () => CheckpointFiles.Watch(Program.Directory, options).Count(),
            };
            Check.That(waits.All(wait => Check.Throws<CheckpointException>(wait).Code == ErrorCode.DataLoss), "another error");

            var faults = new List<CheckpointException>();
            options.Fault = faults.Add;
            Check.That(CheckpointFiles.WaitForNew(Program.Directory, null, options) == null, "it found something");
            Check.Equal(1, faults.Count);
            Check.That(Result(CheckpointFiles.WaitForNewAsync(Program.Directory, null, options)) == null, "it found something");
            Check.Equal(2, faults.Count);
            Check.Equal(0, CheckpointFiles.Watch(Program.Directory, options).Count());
            Check.Equal(3, faults.Count);
            // Each time-out asks, and the fault is the same one all the while.
            int asked = 0;
            Check.Equal(0, CheckpointFiles.Watch(Program.Directory, options, () => ++asked == 3).Count());
            Check.Equal(3, asked);
            Check.Equal(4, faults.Count);
            Check.That(faults.All(fault => fault.Code == ErrorCode.DataLoss), "another error");
        }
    }

    [Test("a_fault_is_told_after_10_seconds_and_the_wait_goes_on")]
    private static void AFaultIsTold()
    {
        TimeSpan time = TimeSpan.Zero;
        var told = new List<TimeSpan>();
        Func<TimeSpan, WaitOptions> make = timeout =>
        {
            time = TimeSpan.Zero;
            told.Clear();
            WaitOptions made = ByClock(timeout, passed => time = passed);
            made.Fault = fault => told.Add(time);
            return made;
        };

        // All of the time-out is waited for, and no more.
        foreach (int poll in new[] { 1, 3, 60 })
        {
            Break();
            WaitOptions options = make(TimeSpan.FromHours(1));
            options.PollInterval = TimeSpan.FromSeconds(poll);
            Check.That(CheckpointFiles.WaitForNew(Program.Directory, null, options) == null, "it found something");
            Check.Same(new[] { TimeSpan.FromSeconds(10) }, told);
            Check.That(time > TimeSpan.FromMinutes(58) && time <= TimeSpan.FromHours(1), "it has waited for " + time);
        }

        // What is repaired meanwhile is found, and what breaks again is another fault.
        using (var program = new TestProgram())
        {
            program.Variable(program.Root, "v", new float[1]);
            WaitOptions options = make(TimeSpan.FromHours(1));
            options.MinInterval = TimeSpan.FromMinutes(5);
            options.Fault = fault =>
            {
                told.Add(time);
                Repair();
                program.Checkpoint.Save(Program.At("w"));
            };
            var found = new List<string>();
            foreach (string path in CheckpointFiles.Watch(Program.Directory, options))
            {
                found.Add(path);
                if (found.Count < 3)
                {
                    Break();
                }
            }
            Check.Same(new[] { Program.At("w-1"), Program.At("w-2"), Program.At("w-3") }, found);
            // At 10 s, and 10 s after the least interval; each is found a second later.
            Check.Same(new[] { 10, 321, 632 }.Select(seconds => TimeSpan.FromSeconds(seconds)), told);

            // What throws where the program waits ends the call as where the library does.
            var why = new InvalidOperationException("enough");
            options.Sleep = span => { throw why; };
            Break();
            CheckpointException e = Check.Fails(
                ErrorCode.Cancelled, Reason.Callback, () => CheckpointFiles.WaitForNew(Program.Directory, null, options));
            Check.That(e.InnerException == why, "not the callback's own exception");
        }
    }

    [Test("a_wait_with_a_fault_that_stays_is_cancelled")]
    private static void CancelledWithAFault()
    {
        Break();
        var times = new TimeSpan?[] { TimeSpan.Zero, Milliseconds(3), TimeSpan.FromHours(1), TimeSpan.MaxValue, null };
        foreach (TimeSpan? timeout in times)
        {
            using (var source = new CancellationTokenSource())
            {
                WaitOptions options = ByClock(timeout);
                options.Fault = fault => source.Cancel();
                OperationCanceledException e = Check.Throws<OperationCanceledException>(
                    () => CheckpointFiles.Watch(Program.Directory, options, () => false, source.Token).Count());
                Check.Equal(source.Token, e.CancellationToken);
            }
            // By the machine's clock, whose wait the token ends.
            using (var source = new CancellationTokenSource())
            {
                var options = new WaitOptions { Timeout = timeout, Fault = fault => { } };
                source.CancelAfter(50);
                Check.Throws<OperationCanceledException>(
                    () => CheckpointFiles.Watch(Program.Directory, options, () => false, source.Token).Count());
            }
        }
    }

    [Test("times_that_cannot_be_are_refused")]
    private static void TimesAreRefused()
    {
        var refused = new[]
        {
            new WaitOptions { PollInterval = Negative }, new WaitOptions { PollInterval = TimeSpan.MinValue },
            new WaitOptions { Timeout = Negative }, new WaitOptions { MinInterval = Negative },
        };
        foreach (Action<CheckpointException> fault in new Action<CheckpointException>[] { null, e => { } })
        {
            foreach (WaitOptions options in refused)
            {
                string directory = Program.Directory;
                options.Fault = fault;
                Check.Fails(
                    ErrorCode.InvalidArgument, Reason.Argument, () => CheckpointFiles.WaitForNew(directory, null, options));
                Check.Fails(
                    ErrorCode.InvalidArgument, Reason.Argument, () => CheckpointFiles.Watch(directory, options).Count());
                Check.Fails(
                    ErrorCode.InvalidArgument, Reason.Argument, () => CheckpointFiles.WaitForNewAsync(directory, null, options));
            }
        }
        // The shortest and the longest times: the call gives a task, and does not stay in it.
        foreach (TimeSpan poll in new[] { TimeSpan.Zero, TimeSpan.FromTicks(1), TimeSpan.MaxValue })
        {
            using (var source = new CancellationTokenSource())
            {
                TimeSpan? timeout = poll < TimeSpan.MaxValue ? TimeSpan.MaxValue : (TimeSpan?)null;
                var options = new WaitOptions { PollInterval = poll, Timeout = timeout };
                Task<string> waiting = CheckpointFiles.WaitForNewAsync(Program.Directory, null, options, source.Token);
                Check.Equal(false, waiting.IsCompleted);
                source.Cancel();
                Check.Throws<OperationCanceledException>(() => Result(waiting));
            }
        }
    }
}
