// C++17, with exceptions.
#include "units.hpp"

float sum_in_17(ckpt::span<const float> values) {
    float sum = 0;
    for (const float value : values) sum += value;
    return sum;
}
