#if NETCOREAPP3_0_OR_GREATER
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
#if NET5_0_OR_GREATER
using System.Diagnostics.CodeAnalysis;
#endif

namespace LibCheckpoint
{
    /// <summary>
    /// Finds the native library where the application is: under <c>runtimes/RID/native</c>, where a
    /// package puts it, also when the program has no list of its dependencies. Else the runtime
    /// looks where it always does; and where only programs are to find the library, and not
    /// compilers, that has the number of its version in its name. Nothing is looked for in the
    /// working directory.
    /// </summary>
    internal static partial class NativeMethods
    {
        // An application that has set a resolver for this assembly before the first call is asked
        // instead.
        private static void FindByResolver()
        {
            try
            {
                NativeLibrary.SetDllImportResolver(typeof(NativeMethods).Assembly, Resolve);
            }
            catch (InvalidOperationException)
            {
                // It has one.
            }
        }

        private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? search)
        {
            if (name != Name)
            {
                return IntPtr.Zero;
            }
            IntPtr library;
            string rid = RuntimeOfPackage();
            foreach (string directory in rid == null ? Enumerable.Empty<string>() : Directories(assembly))
            {
                string path = Path.Combine(directory, "runtimes", rid, "native", "lib" + Name + ".so");
                if (File.Exists(path) && NativeLibrary.TryLoad(path, out library))
                {
                    return library;
                }
            }
            return NativeLibrary.TryLoad(Name, assembly, search, out library)
                || NativeLibrary.TryLoad("lib" + Name + ".so." + Header.Major, assembly, search, out library)
                ? library : IntPtr.Zero;
        }

        /// <summary>Where the application is: the directories of the assembly, of the program, and
        /// those in which the host has found native libraries. A single file and a program that was
        /// compiled ahead of time have no assembly on disk.</summary>
#if NET5_0_OR_GREATER
        [UnconditionalSuppressMessage("SingleFile", "IL3000", Justification = "An empty location is left out.")]
#endif
        private static IEnumerable<string> Directories(Assembly assembly)
        {
            var listed = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string;
            return new[] { Path.GetDirectoryName(assembly.Location), AppContext.BaseDirectory }
                .Concat((listed ?? "").Split(Path.PathSeparator))
                .Where(directory => !string.IsNullOrEmpty(directory) && Path.IsPathRooted(directory))
                .Distinct();
        }

        /// <summary>What a package calls this system; null if it has no library for it. A library
        /// for glibc and one for musl cannot stand in for each other: the process's own C library
        /// says which it is.</summary>
        private static string RuntimeOfPackage()
        {
            IntPtr libc, version;
            if (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux) || !NativeLibrary.TryLoad("libc.so.6", out libc))
            {
                return null;
            }
            // In musl this is another name of itself.
            string system = NativeLibrary.TryGetExport(libc, "gnu_get_libc_version", out version) ? "linux-" : "linux-musl-";
            return system + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        }
    }
}
#endif
