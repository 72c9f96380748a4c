using System;

namespace LibCheckpoint
{
    /// <summary>Another time than the machine's.</summary>
    internal sealed class Clock
    {
        internal Func<DateTimeOffset> Now { get; set; }

        internal Action<TimeSpan> Sleep { get; set; }

        internal Exception Stopped { get; set; }
    }

    internal static class Time
    {
        private static readonly DateTimeOffset Epoch = new DateTimeOffset(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);

        internal static double Seconds(DateTimeOffset time) => (time - Epoch).Ticks / (double)TimeSpan.TicksPerSecond;

        internal static DateTimeOffset? At(double seconds)
        {
            if (double.IsNaN(seconds))
            {
                return null;
            }
            return Epoch + Span(seconds);
        }

        // No longer than a span can be.
        internal static TimeSpan Span(double seconds) =>
            seconds >= TimeSpan.MaxValue.TotalSeconds / 2
                ? TimeSpan.MaxValue
                : new TimeSpan((long)(seconds * TimeSpan.TicksPerSecond));
    }
}
