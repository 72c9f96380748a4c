using System;

namespace LibCheckpoint
{
    /// <summary>What is known of the native library.</summary>
    public static class Library
    {
        /// <summary>The version of the library that is loaded, e.g. <c>0.1.0</c>.</summary>
        public static string Version => Utf8.Decode(NativeMethods.ckpt_version());

        /// <summary>The version of the header that this was compiled with. The library is no
        /// older.</summary>
        public static string HeaderVersion => Header.Version;

        /// <summary>
        /// How many objects of the library the process has not freed yet: for tests that look for
        /// leaks. What was not disposed of is freed when the garbage collector finds it.
        /// </summary>
        public static long LiveHandles => (long)NativeMethods.ckpt_live_handles();

        /// <summary>How many arrays, callbacks and other objects of the program's the library
        /// keeps: for such tests, too.</summary>
        public static long KeptObjects => CallbackValue.Count;
    }
}
