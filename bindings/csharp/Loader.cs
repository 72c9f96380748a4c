#if NETCOREAPP3_0_OR_GREATER
using System;
using System.IO;
using System.Reflection;
using System.Runtime.InteropServices;

namespace LibCheckpoint
{
    /// <summary>
    /// Finds the native library under <c>runtimes/RID/native</c> beside the assembly, where a
    /// package puts it, also when the program has no list of its dependencies. Else the runtime
    /// looks where it always does; and where only programs are to find the library, and not
    /// compilers, that has the number of its version in its name.
    /// </summary>
    internal static partial class NativeMethods
    {
        private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? search)
        {
            IntPtr library;
            string rid = "linux-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
            string path = Path.Combine(
                Path.GetDirectoryName(assembly.Location) ?? "", "runtimes", rid, "native", "lib" + name + ".so");
            return name == Name && ((File.Exists(path) && NativeLibrary.TryLoad(path, out library))
                || NativeLibrary.TryLoad(name, assembly, search, out library)
                || NativeLibrary.TryLoad("lib" + name + ".so." + Header.Major, assembly, search, out library))
                ? library : IntPtr.Zero;
        }
    }
}
#endif
