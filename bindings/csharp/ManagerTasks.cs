using System;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    public sealed partial class Manager
    {
        /// <summary>
        /// Does what <see cref="Save"/> does, in the background, as <see
        /// cref="LibCheckpoint.Checkpoint.SaveAsync"/> does: the checkpoint is recorded, and what
        /// is too many is removed, when it is complete. The values are copied before this returns.
        /// </summary>
        /// <returns>The path of the checkpoint; a completed task with null when the manager saves
        /// by steps and it is too early.</returns>
        public Task<string> SaveAsync(ManagerSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            Cancellation cancellation = ManagerSaveOptions.Cancellation(options);
            Background.Begin begin = delegate(out PendingHandle pending, out IntPtr error)
            {
                tracked.Follow();
                using (ManagerSaveOptionsHandle made = ManagerSaveOptions.Make(options, cancellation))
                {
                    return NativeMethods.ckpt_manager_save_async(handle, made, out pending, out error);
                }
            };
            return Background.Run<string, string>(cancellation, token, begin, Background.TakePath, path => path, running);
        }

        /// <summary>Begins what <see cref="SaveAsync"/> does, and gives the save that runs: to ask
        /// how far it is, what it costs, or to let go of it. Null when the manager saves by steps
        /// and it is too early.</summary>
        /// <exception cref="CheckpointException">As of <see
        /// cref="LibCheckpoint.Checkpoint.BeginSave"/>.</exception>
        public Pending BeginSave(ManagerSaveOptions options = null, CancellationToken token = default(CancellationToken))
        {
            tracked.Follow();
            using (Cancellation cancellation = ManagerSaveOptions.Cancellation(options))
            using (ManagerSaveOptionsHandle made = ManagerSaveOptions.Make(options, cancellation))
            {
                PendingHandle pending;
                using (cancellation.Begin(token))
                {
                    IntPtr e;
                    cancellation.Check(NativeMethods.ckpt_manager_save_async(handle, made, out pending, out e), e, token);
                }
                return Pending.Of(pending, cancellation, token, running);
            }
        }

        /// <summary>Does what <see cref="RestoreOrInitialize"/>
        /// does, in the background, as <see cref="LibCheckpoint.Checkpoint.RestoreAsync"/> does.
        /// The init callback is called there, and may use the graph.</summary>
        /// <returns>The status, to be disposed of; null where there was no checkpoint.</returns>
        public Task<Status> RestoreOrInitializeAsync(
            ResumeOptions options = null, CancellationToken token = default(CancellationToken))
        {
            Background.Begin begin = delegate(out PendingHandle pending, out IntPtr error)
            {
                tracked.Follow();
                using (ResumeOptionsHandle made = ResumeOptions.Make(options, null))
                {
                    return NativeMethods.ckpt_manager_restore_or_initialize_async(handle, made, out pending, out error);
                }
            };
            Background.Take<StatusHandle> take = delegate(PendingHandle pending, out StatusHandle status, out IntPtr error)
            {
                IntPtr path;
                ErrorCode code = NativeMethods.ckpt_pending_take_resumption(pending, out path, out status, out error);
                NativeMethods.ckpt_string_free(path);
                return code;
            };
            return Background.Run<StatusHandle, Status>(new Cancellation(), token, begin, take, Status.Of, running);
        }

        /// <summary>Does what <see cref="LatestValid"/> does, in the background.</summary>
        public Task<ValidCheckpoint> LatestValidAsync(CancellationToken token = default(CancellationToken))
        {
            return Background.Run<ValidCheckpoint, ValidCheckpoint>(
                new Cancellation(),
                token,
                delegate(out PendingHandle pending, out IntPtr error)
                {
                    return NativeMethods.ckpt_manager_latest_valid_async(handle, out pending, out error);
                },
                ValidCheckpoint.Take,
                found => found);
        }
    }
}
