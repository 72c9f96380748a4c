using System;
using System.Collections.Generic;

namespace LibCheckpoint
{
    /// <summary>What the state file of a directory says, with paths that can be used as they
    /// are.</summary>
    public sealed class CheckpointState
    {
        /// <summary>Says what a state file is to say.</summary>
        /// <param name="latest">The latest checkpoint.</param>
        /// <param name="paths">All that are listed, oldest first; null for the latest
        /// alone.</param>
        /// <param name="timestamps">When each was made: as many as there are paths; null or none if
        /// nobody knows.</param>
        /// <param name="lastPreserved">When the last checkpoint that is kept for good was
        /// made.</param>
        public CheckpointState(
            string latest, IReadOnlyList<string> paths = null, IReadOnlyList<DateTimeOffset?> timestamps = null,
            DateTimeOffset? lastPreserved = null)
        {
            Latest = latest;
            Paths = paths ?? Array.Empty<string>();
            Timestamps = timestamps ?? Array.Empty<DateTimeOffset?>();
            LastPreserved = lastPreserved;
        }

        /// <summary>The latest checkpoint.</summary>
        public string Latest { get; }

        /// <summary>All that are listed, oldest first.</summary>
        public IReadOnlyList<string> Paths { get; }

        /// <summary>When each was made; null where nobody said.</summary>
        public IReadOnlyList<DateTimeOffset?> Timestamps { get; }

        /// <summary>When the last checkpoint that is kept for good was made; null if nobody
        /// said.</summary>
        public DateTimeOffset? LastPreserved { get; }

        internal static CheckpointState TakeFrom(IntPtr state)
        {
            if (state == IntPtr.Zero)
            {
                return null;
            }
            try
            {
                var paths = new string[NativeMethods.ckpt_checkpoint_state_count(state)];
                var timestamps = new DateTimeOffset?[paths.Length];
                for (int i = 0; i < paths.Length; i++)
                {
                    paths[i] = NativeMethods.ckpt_checkpoint_state_path(state, i).Text;
                    timestamps[i] = Time.At(NativeMethods.ckpt_checkpoint_state_timestamp(state, i));
                }
                return new CheckpointState(
                    NativeMethods.ckpt_checkpoint_state_latest(state).Text, paths, timestamps,
                    Time.At(NativeMethods.ckpt_checkpoint_state_last_preserved(state)));
            }
            finally
            {
                NativeMethods.ckpt_checkpoint_state_free(state);
            }
        }
    }

    /// <summary>A checkpoint that is held: no manager of this library removes it, in whatever
    /// process, until this is disposed of or the process ends.</summary>
    public sealed class Pin : IDisposable
    {
        private readonly PinHandle handle;

        /// <summary>Holds the checkpoint at a prefix.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.NotFound"/> when there is
        /// none.</exception>
        public Pin(string prefix)
        {
            NativeMethods.ckpt_pin_new(Utf8.Path(prefix, "prefix"), out handle);
        }

        private Pin(PinHandle handle)
        {
            this.handle = handle;
        }

        /// <summary>The prefix of the checkpoint.</summary>
        public string Prefix
        {
            get
            {
                using (handle.Hold())
                {
                    return NativeMethods.ckpt_pin_prefix(handle).Text;
                }
            }
        }

        /// <summary>Holds the latest checkpoint of a directory, also while others are saved and
        /// removed there; null if there is none.</summary>
        public static Pin Latest(string directory, OpenOptions options = null)
        {
            PinHandle handle;
            using (OpenOptionsHandle made = OpenOptions.Make(options))
            {
                NativeMethods.ckpt_pin_latest(Utf8.Path(directory, "directory"), made, out handle);
            }
            return handle.IsInvalid ? null : new Pin(handle);
        }

        /// <summary>Lets go of the checkpoint.</summary>
        public void Dispose() => handle.Dispose();
    }

    /// <summary>How a checkpoint is removed.</summary>
    public sealed partial class RemoveOptions
    {
        /// <summary>Hears that the file system has no locks and the like.</summary>
        public Action<Severity, string> Log { get; set; }

        internal static RemoveOptionsHandle Make(RemoveOptions options) =>
            options == null
                ? RemoveOptionsHandle.None
                : NativeOptions.With(NativeMethods.ckpt_remove_options_new(), made => options.Set(made));

        private void Set(RemoveOptionsHandle made)
        {
            SetPlain(made);
            if (Log != null)
            {
                NativeMethods.ckpt_remove_options_set_log(made, Callbacks.Log, CallbackValue.Give(Log), Callbacks.Release);
            }
        }
    }

    /// <summary>What is done with checkpoints as files, and with the state files of
    /// directories.</summary>
    public static partial class CheckpointFiles
    {
        /// <summary>The latest checkpoint that the state file of a directory names; null when there
        /// is no state file, or none of that checkpoint's files is there.
        /// (<c>tf.train.latest_checkpoint</c>)</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.DataLoss"/> when the state
        /// file cannot be understood.</exception>
        public static string Latest(string directory, OpenOptions options = null)
        {
            using (OpenOptionsHandle made = OpenOptions.Make(options))
            {
                IntPtr path;
                NativeMethods.ckpt_latest_checkpoint(Utf8.Path(directory, "directory"), made, out path);
                return NativeResult.Text(path);
            }
        }

        /// <summary>Reads the state file of a directory; null when there is none.
        /// (<c>tf.train.get_checkpoint_state</c>)</summary>
        /// <param name="directory">The directory.</param>
        /// <param name="fileName">The name of the state file; null for <c>checkpoint</c>.</param>
        /// <param name="options">Of these the log counts.</param>
        public static CheckpointState GetState(string directory, string fileName = null, OpenOptions options = null)
        {
            using (OpenOptionsHandle made = OpenOptions.Make(options))
            {
                IntPtr state;
                NativeMethods.ckpt_get_checkpoint_state(Utf8.Path(directory, "directory"), Utf8.PathOrNull(fileName), made, out state);
                return CheckpointState.TakeFrom(state);
            }
        }

        /// <summary>Replaces the state file of a directory: all of it or nothing.
        /// (<c>tf.train.update_checkpoint_state</c>)</summary>
        /// <param name="directory">The directory.</param>
        /// <param name="state">What the state file is to say.</param>
        /// <param name="fileName">The name of the state file; null for <c>checkpoint</c>.</param>
        /// <param name="durability">What survives a power cut.</param>
        /// <param name="locking">Whether the directory is locked.</param>
        /// <param name="lockWait">How long to wait while somebody changes the state; null for a
        /// minute.</param>
        /// <param name="log">Hears that the file system has no locks and the like.</param>
        public static void UpdateState(
            string directory, CheckpointState state, string fileName = null, Durability durability = Durability.Full,
            Locking locking = Locking.IfPossible, TimeSpan? lockWait = null, Action<Severity, string> log = null)
        {
            byte[] path = Utf8.Path(directory, "directory"), latest = Utf8.Path(Required.Of(state, "state").Latest, "state");
            StateUpdateHandle update;
            NativeMethods.ckpt_state_update_new(latest, out update);
            using (update)
            {
                NativeMethods.ckpt_state_update_set_durability(update, durability);
                NativeMethods.ckpt_state_update_set_locking(update, locking);
                if (lockWait != null)
                {
                    NativeMethods.ckpt_state_update_set_lock_wait(update, lockWait.Value.TotalSeconds);
                }
                if (log != null)
                {
                    NativeMethods.ckpt_state_update_set_log(update, Callbacks.Log, CallbackValue.Give(log), Callbacks.Release);
                }
                if (!string.IsNullOrEmpty(fileName))
                {
                    NativeMethods.ckpt_state_update_set_file_name(update, Utf8.Path(fileName, "fileName"));
                }
                foreach (string each in state.Paths)
                {
                    NativeMethods.ckpt_state_update_add_path(update, Utf8.Path(each, "state"));
                }
                foreach (DateTimeOffset? time in state.Timestamps)
                {
                    double seconds = time == null ? double.NaN : Time.Seconds(time.Value);
                    NativeMethods.ckpt_state_update_add_timestamp(update, seconds);
                }
                if (state.LastPreserved != null)
                {
                    double seconds = Time.Seconds(state.LastPreserved.Value);
                    NativeMethods.ckpt_state_update_set_last_preserved(update, seconds);
                }
                NativeMethods.ckpt_update_checkpoint_state(path, update);
            }
        }

        /// <summary>Whether there is a checkpoint at a prefix.
        /// (<c>tf.train.checkpoint_exists</c>)</summary>
        public static bool Exists(string prefix)
        {
            bool exists;
            NativeMethods.ckpt_checkpoint_exists(Utf8.Path(prefix, "prefix"), out exists);
            return exists;
        }

        /// <summary>When each checkpoint was written; those that are not there are left out.
        /// (<c>tf.train.get_checkpoint_mtimes</c>)</summary>
        public static DateTimeOffset[] Mtimes(IReadOnlyList<string> prefixes)
        {
            using (var pins = new Pins())
            {
                IntPtr[] paths = pins.Paths(prefixes, "prefixes");
                var seconds = new double[paths.Length];
                long found;
                NativeMethods.ckpt_checkpoint_mtimes(paths, paths.Length, seconds, out found);
                var times = new DateTimeOffset[found];
                for (int i = 0; i < times.Length; i++)
                {
                    times[i] = Time.At(seconds[i]).Value;
                }
                return times;
            }
        }

        /// <summary>Removes the checkpoint at a prefix: the index first. The state file stays as it
        /// is. (<c>tf.train.remove_checkpoint</c>)</summary>
        public static void Remove(string prefix, RemoveOptions options = null)
        {
            using (RemoveOptionsHandle made = RemoveOptions.Make(options))
            {
                NativeMethods.ckpt_remove_checkpoint(Utf8.Path(prefix, "prefix"), made);
            }
        }
    }
}
