// The same in C++.
//
//     consumer PATH
#include <checkpoint.hpp>
#include <iostream>

static_assert(__cplusplus >= 201703L, "checkpoint::cpp asks for C++17");

int main(int argc, char **argv) try {
    std::cout << "header " << CKPT_VERSION_MAJOR << '.' << CKPT_VERSION_MINOR << '.' << CKPT_VERSION_PATCH << '\n'
              << "library " << checkpoint::version() << "\nkernel";
    std::cout.precision(7);
    const checkpoint::reader reader(argc == 2 ? argv[1] : "");
    for (float value : reader.read<float>("net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE")) std::cout << ' ' << value;
    std::cout << '\n';
    return 0;
} catch (const checkpoint::error &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
