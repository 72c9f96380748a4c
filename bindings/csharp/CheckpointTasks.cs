using System;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    public sealed partial class Checkpoint
    {
        /// <summary>
        /// Does what <see cref="Save"/> does, in the background. The values are copied before this
        /// returns, and the program may change everything then; what is saved is what was there.
        /// States, savers and devices are asked before it returns; progress and written callbacks
        /// are called in the background.
        /// </summary>
        /// <remarks>One save of a checkpoint runs at a time. Because the values are copied at once,
        /// this call waits for an earlier one that is still running: await that one first, or <see
        /// cref="SyncAsync"/>, to hold no thread; with <see cref="Busy.Fail"/> it fails
        /// instead.</remarks>
        /// <returns>The path of the checkpoint. The task fails as <see cref="Save"/> does, and with
        /// <see cref="ErrorCode.Unavailable"/> and <see cref="Reason.Busy"/> when an earlier save
        /// is still running, if so asked. No other call reports its failure, but <see
        /// cref="LastFailure"/>.</returns>
        public Task<string> SaveAsync(
            string prefix, CheckpointSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(prefix, "prefix");
            return SaveInBackground(options, token, delegate(SaveOptionsHandle made, out PendingHandle pending, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_save_async(handle, path, made, out pending, out error);
            });
        }

        /// <summary>Does what <see cref="Write"/> does, in the background, as <see
        /// cref="SaveAsync"/> does.</summary>
        public Task<string> WriteAsync(
            string prefix, CheckpointSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(prefix, "prefix");
            return SaveInBackground(options, token, delegate(SaveOptionsHandle made, out PendingHandle pending, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_write_async(handle, path, made, out pending, out error);
            });
        }

        /// <summary>Begins what <see cref="SaveAsync"/> does, and gives the save that runs: to ask
        /// how far it is, what it costs, or to let go of it.</summary>
        /// <exception cref="CheckpointException">What is known before anything is written; any
        /// other error comes from <see cref="Pending.Wait()"/>, or, when nobody asks there, from
        /// <see cref="Sync"/>. <see cref="ErrorCode.Unavailable"/> with <see cref="Reason.Busy"/>
        /// when an earlier save is still running, if so asked.</exception>
        public Pending BeginSave(
            string prefix, CheckpointSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(prefix, "prefix");
            return SaveBy(options, token, delegate(SaveOptionsHandle made, out PendingHandle pending, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_save_async(handle, path, made, out pending, out error);
            });
        }

        /// <summary>Begins what <see cref="WriteAsync"/> does, as <see cref="BeginSave"/>
        /// does.</summary>
        public Pending BeginWrite(
            string prefix, CheckpointSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(prefix, "prefix");
            return SaveBy(options, token, delegate(SaveOptionsHandle made, out PendingHandle pending, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_write_async(handle, path, made, out pending, out error);
            });
        }

        /// <summary>
        /// Does what <see cref="Restore"/> does, in the background. Earlier saves and restores in
        /// the background are waited for there. Until the task is over the graph is the restore's:
        /// other calls on it fail with <see cref="ErrorCode.Unavailable"/> and <see
        /// cref="Reason.Busy"/>, but those that save or restore wait. Callbacks of states, savers
        /// and devices are called in the background.
        /// </summary>
        /// <returns>The status, to be disposed of. The task fails as <see cref="Restore"/>
        /// does.</returns>
        public Task<Status> RestoreAsync(
            string path, RestoreOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] bytes = Utf8.Path(path);
            return RestoreInBackground(
                options, token, delegate(RestoreOptionsHandle made, out PendingHandle pending, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_restore_async(handle, bytes, made, out pending, out error);
            });
        }

        /// <summary>Does what <see cref="Read"/> does, in the background, as <see
        /// cref="RestoreAsync"/> does.</summary>
        public Task<Status> ReadAsync(
            string path, RestoreOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] bytes = Utf8.Path(path);
            return RestoreInBackground(
                options, token, delegate(RestoreOptionsHandle made, out PendingHandle pending, out IntPtr error)
            {
                return NativeMethods.ckpt_checkpoint_read_async(handle, bytes, made, out pending, out error);
            });
        }

        /// <summary>Does what <see cref="Sync"/> does; no thread waits.</summary>
        /// <param name="token">Ends the waiting, and not what is waited for.</param>
        public async Task SyncAsync(CancellationToken token = default(CancellationToken))
        {
            await Running.Over(token).ConfigureAwait(false);
            Sync();
        }

        private Task<string> SaveInBackground(CheckpointSaveOptions options, CancellationToken token, PendingCall call)
        {
            Cancellation cancellation = CheckpointSaveOptions.Cancellation(options);
            Background.Begin begin = delegate(out PendingHandle pending, out IntPtr error)
            {
                Tracked.Follow();
                using (SaveOptionsHandle made = CheckpointSaveOptions.Make(options, cancellation))
                {
                    return call(made, out pending, out error);
                }
            };
            return Background.Run<string, string>(cancellation, token, begin, Background.TakePath, path => path, Running);
        }

        private Pending SaveBy(CheckpointSaveOptions options, CancellationToken token, PendingCall call)
        {
            Tracked.Follow();
            using (Cancellation cancellation = CheckpointSaveOptions.Cancellation(options))
            using (SaveOptionsHandle made = CheckpointSaveOptions.Make(options, cancellation))
            {
                PendingHandle pending;
                using (cancellation.Begin(token))
                {
                    IntPtr e;
                    cancellation.Check(call(made, out pending, out e), e, token);
                }
                return Pending.Of(pending, cancellation, token, Running);
            }
        }

        private Task<Status> RestoreInBackground(RestoreOptions options, CancellationToken token, PendingRestoreCall call)
        {
            Background.Begin begin = delegate(out PendingHandle pending, out IntPtr error)
            {
                Tracked.Follow();
                using (RestoreOptionsHandle made = RestoreOptions.Make(options))
                {
                    return call(made, out pending, out error);
                }
            };
            return Background.Run<StatusHandle, Status>(
                new Cancellation(), token, begin, NativeMethods.ckpt_pending_take_status, Status.Of, Running);
        }
    }
}
