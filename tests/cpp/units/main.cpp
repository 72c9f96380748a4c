// Units of several standards, with and without exceptions, in one program: this one is C++20 and
// has exceptions.
#include <checkpoint.hpp>
#include <cstdio>
#include <span>

#include "units.hpp"

// The same type in both standards, and one that std::span converts from and to.
static_assert(std::is_convertible_v<ckpt::span<float>, std::span<float>>);
static_assert(std::is_convertible_v<std::span<float>, ckpt::span<float>>);
static_assert(std::is_convertible_v<std::span<float>, ckpt::span<const float>>);

int main(int, char **argv) {
    const std::string directory = argv[1];
    const std::vector<float> values = {1, 2, 3};
    const std::span<const float> all = ckpt::span<const float>(values);
    int wrong = sum_in_17(all) != 6;
    wrong += without_exceptions(directory.c_str());
    try {
        ckpt::reader none(directory + "/none");
        wrong++;
    } catch (const ckpt::error &error) {
        wrong += error.code() != ckpt::code::not_found;
    }
    wrong += ckpt::live_handles() != 0;
    if (wrong > 0) std::printf("%d checks of tests/cpp/units failed\n", wrong);
    return wrong;
}
