// What the C++ binding costs: 100 tensors of 1 KiB, found and read by key, through C and through
// C++ by turns in one process.
//
//     c++ -std=c++17 -O2 binding.cpp -Iinclude -Ibindings/cpp/include -lcheckpoint && ./a.out
//
// Prints the times of the fastest turn and their ratio: reading into memory of the caller's, and
// into vectors.
#include <algorithm>
#include <checkpoint.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace ckpt = checkpoint;

namespace {

constexpr int count = 100, turns = 400;
constexpr std::size_t elements = 256;

double seconds_of(const std::function<void()> &work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void must(ckpt_code code) {
    if (code != CKPT_CODE_OK) std::abort();
}

}  // namespace

int main() {
    std::string directory = (std::filesystem::temp_directory_path() / "ckpt-bench-XXXXXX").string();
    if (!mkdtemp(directory.data())) return 1;
    const std::string prefix = directory + "/x";
    std::vector<std::string> keys;
    {
        ckpt::writer writer(prefix);
        for (int i = 0; i < count; i++) {
            keys.push_back("layer" + std::to_string(i) + "/kernel/.ATTRIBUTES/VARIABLE_VALUE");
            writer.add(keys.back(), {elements}, std::vector<float>(elements, static_cast<float>(i)));
        }
        writer.finish();
    }
    const ckpt::reader reader(prefix);
    const ckpt_reader *raw = reader.get();
    float into[elements];
    volatile float sum = 0;  // so that nothing is left out
    double c = 1e9, cpp = 1e9, vectors = 1e9;
    for (int turn = 0; turn < turns; turn++) {
        c = std::min(c, seconds_of([&] {
                         for (const std::string &key : keys) {
                             const ckpt_tensor *tensor = nullptr;
                             must(ckpt_reader_find(raw, key.data(), key.size(), &tensor, nullptr));
                             must(ckpt_reader_read(raw, tensor, nullptr, into, sizeof into, nullptr));
                             sum = sum + into[0];
                         }
                     }));
        cpp = std::min(cpp, seconds_of([&] {
                           for (const std::string &key : keys) {
                               reader.at(key).read_into(into);
                               sum = sum + into[0];
                           }
                       }));
        vectors = std::min(vectors, seconds_of([&] {
                               for (const std::string &key : keys) sum = sum + reader.read<float>(key)[0];
                           }));
    }
    std::filesystem::remove_all(directory);
    std::printf("C %.1f us, C++ %.1f us (%.2f x), C++ into vectors %.1f us (%.2f x)\n", c * 1e6, cpp * 1e6, cpp / c,
                vectors * 1e6, vectors / c);
    return 0;
}
