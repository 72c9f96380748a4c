using System;

namespace LibCheckpoint
{
    /// <summary>
    /// What became of a restore, and becomes of it as the program goes on: values that wait for
    /// objects are restored when these are tracked. Several threads may use it at once.
    /// </summary>
    /// <remarks>
    /// When it is disposed of, and everything that waits for its restore is gone, the checkpoint's
    /// log hears what was never used, unless <see cref="ExpectPartial"/> was called. Of one that
    /// nobody disposes of nothing is said.
    /// </remarks>
    public sealed class Status : IDisposable
    {
        private readonly StatusHandle handle;

        private Status(StatusHandle handle)
        {
            this.handle = handle;
        }

        /// <summary>What kind of restore it is of.</summary>
        public RestoreKind Kind => NativeMethods.ckpt_status_kind(handle);

        /// <summary>The prefix of the checkpoint that was restored; null if there is
        /// none.</summary>
        public string Path
        {
            get
            {
                using (handle.Hold())
                {
                    return NativeMethods.ckpt_status_path(handle).TextOrNull;
                }
            }
        }

        /// <summary>Fails unless everything in the checkpoint was restored, and every object of the
        /// program from it.</summary>
        /// <exception cref="CheckpointException"><see cref="ErrorCode.FailedPrecondition"/> with
        /// <see cref="Reason.Assertion"/>; the message names the first few objects, the report has
        /// all.</exception>
        public void AssertConsumed()
        {
            NativeMethods.ckpt_status_assert_consumed(handle);
        }

        /// <summary>Fails unless every object of the program that is there by now, and has values,
        /// got its value from the checkpoint.</summary>
        public void AssertExistingObjectsMatched()
        {
            NativeMethods.ckpt_status_assert_existing_objects_matched(handle);
        }

        /// <summary>Fails unless all the rest matched: as
        /// <see cref="AssertExistingObjectsMatched"/>, but for what the options leave out. That is
        /// what they exclude and, with <c>Mismatch.Skip</c>, what does not fit.</summary>
        public void AssertRestMatched()
        {
            NativeMethods.ckpt_status_assert_rest_matched(handle);
        }

        /// <summary>Fails unless anything but the root was matched.</summary>
        public void AssertNontrivialMatch()
        {
            NativeMethods.ckpt_status_assert_nontrivial_match(handle);
        }

        /// <summary>Has nothing said in the end about values that were not used. Gives the status
        /// back.</summary>
        public Status ExpectPartial()
        {
            NativeMethods.ckpt_status_expect_partial(handle);
            return this;
        }

        /// <summary>Does nothing, as in TensorFlow when it is eager: values are restored at once,
        /// or when their objects are tracked.</summary>
        public void RunRestoreOps()
        {
            NativeMethods.ckpt_status_run_restore_ops(handle);
        }

        /// <summary>Does nothing, as in TensorFlow when it is eager: variables have their values
        /// when they are made.</summary>
        public void InitializeOrRestore()
        {
            NativeMethods.ckpt_status_initialize_or_restore(handle);
        }

        /// <summary>What became of every value, as things stand now.</summary>
        public Report Report()
        {
            IntPtr report;
            NativeMethods.ckpt_status_report(handle, out report);
            return LibCheckpoint.Report.TakeFrom(report);
        }

        /// <summary>Lets nothing wait for this restore any more: what is tracked later is not
        /// restored from it. Nothing is said about values that were not used.</summary>
        public void Drop()
        {
            NativeMethods.ckpt_status_drop(handle);
        }

        /// <summary>Frees the status. What waits for its restore goes on waiting: <see
        /// cref="Drop"/> ends that.</summary>
        public void Dispose() => handle.Dispose();

        /// <summary>The status that a handle is of; null if it is of none.</summary>
        internal static Status Of(StatusHandle handle) => handle.IsInvalid ? null : new Status(handle);
    }
}
