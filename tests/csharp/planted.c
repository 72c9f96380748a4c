// A library that lies where nobody may look for one, under the name of the real one: it says that
// it was loaded, and has no function.
#include <stdio.h>

__attribute__((constructor)) static void planted(void) {
    puts("a planted library was loaded");
    fflush(stdout);
}
