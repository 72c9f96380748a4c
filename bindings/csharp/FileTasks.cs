using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace LibCheckpoint
{
    /// <summary>What a search for a valid checkpoint found.</summary>
    public sealed class ValidCheckpoint
    {
        /// <summary>Makes one.</summary>
        /// <param name="path">Null if there is none.</param>
        /// <param name="broken">Those that are newer and not whole.</param>
        public ValidCheckpoint(string path, IReadOnlyList<BrokenCheckpoint> broken)
        {
            Path = path;
            Broken = Required.Of(broken, "broken");
        }

        /// <summary>The newest checkpoint that is whole or, only if there is none, the newest
        /// incomplete one; null if there is neither.</summary>
        public string Path { get; }

        /// <summary>Those that are newer and not whole; also an incomplete one that is <see
        /// cref="Path"/>.</summary>
        public IReadOnlyList<BrokenCheckpoint> Broken { get; }

        internal static ErrorCode Take(PendingHandle pending, out ValidCheckpoint found, out IntPtr error)
        {
            IntPtr path, broken;
            ErrorCode code = NativeMethods.ckpt_pending_take_valid_checkpoint(pending, out path, out broken, out error);
            found = code == ErrorCode.Ok ? new ValidCheckpoint(NativeResult.Text(path), BrokenCheckpoint.TakeFrom(broken)) : null;
            return code;
        }
    }

    public static partial class CheckpointFiles
    {
        /// <summary>Does what <see cref="Verify"/> does, in the background, where callbacks of the
        /// options are called, too.</summary>
        public static Task<Verification> VerifyAsync(
            string path, VerifyOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] bytes = Utf8.Path(path);
            Cancellation cancellation = VerifyOptions.Cancellation(options);
            Background.Begin begin = delegate(out PendingHandle pending, out IntPtr error)
            {
                using (VerifyOptionsHandle made = VerifyOptions.Make(options, cancellation))
                {
                    return NativeMethods.ckpt_verify_async(bytes, made, out pending, out error);
                }
            };
            return Background.Run<IntPtr, Verification>(
                cancellation, token, begin, NativeMethods.ckpt_pending_take_verification, Verification.TakeFrom);
        }

        /// <summary>Does what <see cref="LatestValid"/> does, in the background, where callbacks of
        /// the options are called, too.</summary>
        public static Task<ValidCheckpoint> LatestValidAsync(
            string directory, VerifyOptions options = null, CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(directory, "directory");
            Cancellation cancellation = VerifyOptions.Cancellation(options);
            Background.Begin begin = delegate(out PendingHandle pending, out IntPtr error)
            {
                using (VerifyOptionsHandle made = VerifyOptions.Make(options, cancellation))
                {
                    return NativeMethods.ckpt_latest_valid_checkpoint_async(path, made, out pending, out error);
                }
            };
            return Background.Run<ValidCheckpoint, ValidCheckpoint>(
                cancellation, token, begin, ValidCheckpoint.Take, found => found);
        }

        /// <summary>Does what <see cref="Merge"/> does, in the background, where callbacks of the
        /// options are called, too.</summary>
        public static Task MergeAsync(
            string destination, IReadOnlyList<string> sections, MergeOptions options = null,
            CancellationToken token = default(CancellationToken))
        {
            byte[] path = Utf8.Path(destination, "destination");
            byte[][] prefixes = Array.ConvertAll(Texts(sections, "sections"), section => Utf8.Path(section, "sections"));
            Cancellation cancellation = MergeOptions.Cancellation(options);
            Background.Begin begin = delegate(out PendingHandle pending, out IntPtr error)
            {
                using (var pins = new Pins())
                using (MergeOptionsHandle made = MergeOptions.Make(options, cancellation))
                {
                    IntPtr[] all = Array.ConvertAll(prefixes, pins.Pin);
                    return NativeMethods.ckpt_merge_async(path, all, all.Length, made, out pending, out error);
                }
            };
            return Background.Run<string, string>(cancellation, token, begin, Background.TakePath, merged => merged);
        }

        private static string[] Texts(IReadOnlyList<string> all, string what)
        {
            var texts = new string[Required.Of(all, what).Count];
            for (int i = 0; i < texts.Length; i++)
            {
                texts[i] = all[i];
            }
            return texts;
        }
    }
}
