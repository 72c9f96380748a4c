/* The header needs nothing else, in any standard of C and C++. */
#include <checkpoint.h>
