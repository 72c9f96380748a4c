// What the units of the program call in each other.
#ifndef UNITS_HPP
#define UNITS_HPP

#include <checkpoint.hpp>

namespace ckpt = checkpoint;

// In C++17.
float sum_in_17(checkpoint::span<const float> values);

// Compiled with -fno-exceptions -fno-rtti; how many of its checks failed.
int without_exceptions(const char *directory);

#endif
