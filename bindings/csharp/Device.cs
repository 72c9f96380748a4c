using System;
using System.Collections.Generic;

namespace LibCheckpoint
{
    /// <summary>
    /// How the library gets at a value that lives where the processor cannot reach it: on an
    /// accelerator, or in another process. What one of these throws ends the call with <see
    /// cref="ErrorCode.Aborted"/>, and is the inner exception.
    /// </summary>
    public sealed class DeviceVariable
    {
        /// <summary>Reads the value. A variable cannot be added without it. It is called by the
        /// threads that write.</summary>
        public ReadBytes Read { get; set; }

        /// <summary>Whether <see cref="Read"/> may be called by several threads at once.</summary>
        public bool Concurrent { get; set; }

        /// <summary>Writes the value: each byte comes once. Without it the variable can only be
        /// saved.</summary>
        public WriteBytes Write { get; set; }

        /// <summary>
        /// Says what shape the value has now; null when there is no value yet. Without it, it is
        /// the shape that the variable was added with or that of the value that was written last.
        /// </summary>
        public Func<long[]> Describe { get; set; }

        /// <summary>Hears of what type and shape a value is that is about to be written.</summary>
        public Action<DType, long[]> Prepare { get; set; }

        /// <summary>Hears that a value was written; whether all bytes came and their checksum was
        /// right.</summary>
        public Action<bool> Finish { get; set; }

        internal static DeviceHandle Make(DeviceVariable device)
        {
            if (device == null)
            {
                throw new ArgumentNullException(nameof(device));
            }
            // As it is now: what is set later is of no concern.
            var kept = (DeviceVariable)device.MemberwiseClone();
            return NativeOptions.With(NativeMethods.ckpt_device_new(CallbackValue.Give(kept), Callbacks.Release), kept.Set);
        }

        private void Set(DeviceHandle made)
        {
            if (Read != null)
            {
                NativeMethods.ckpt_device_set_read(made, Callbacks.DeviceRead, Concurrent);
            }
            if (Write != null)
            {
                NativeMethods.ckpt_device_set_write(made, Callbacks.WriteAt);
            }
            if (Describe != null)
            {
                NativeMethods.ckpt_device_set_describe(made, Callbacks.Describe);
            }
            if (Prepare != null)
            {
                NativeMethods.ckpt_device_set_prepare(made, Callbacks.Prepare);
            }
            if (Finish != null)
            {
                NativeMethods.ckpt_device_set_finish(made, Callbacks.Finish);
            }
        }
    }

    public sealed partial class Graph
    {
        /// <summary>Adds a variable whose value is on a device.</summary>
        /// <param name="dtype">Of a fixed size.</param>
        /// <param name="shape">What shapes it takes, -1 for a dimension that may be anything; null
        /// for any shape at all.</param>
        /// <param name="device">How to get at the value.</param>
        /// <param name="options">More about it.</param>
        public Node AddDevice(DType dtype, IReadOnlyList<long> shape, DeviceVariable device, NodeOptions options = null)
        {
            using (NodeOptionsHandle made = NodeOptions.Make(options))
            using (DeviceHandle native = DeviceVariable.Make(device))
            {
                Node node;
                long[] dimensions = Elements.Dimensions(shape);
                int rank = dimensions == null ? -1 : dimensions.Length;
                NativeMethods.ckpt_graph_add_device(handle, dtype, dimensions, rank, native, made, out node);
                return node;
            }
        }
    }
}
