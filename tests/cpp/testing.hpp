// What the tests of the C++ binding share.
#ifndef TESTING_HPP
#define TESTING_HPP

#include <gtest/gtest.h>
#include <unistd.h>

#include <checkpoint.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace ckpt = checkpoint;

// A checkpoint that TensorFlow wrote. Tests run in the project's directory.
inline std::string fixture(const std::string &name) { return "tests/data/" + name; }

inline std::string value_key(const std::string &path) { return path + "/.ATTRIBUTES/VARIABLE_VALUE"; }

// Each test in a directory of its own, which goes with it; in the end it has leaked no handle of
// the library.
class in_directory : public testing::Test {
   protected:
    in_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "ckpt-cpp-XXXXXX").string();
        if (!mkdtemp(name.data())) std::abort();
        directory_ = name;
    }
    ~in_directory() override { std::filesystem::remove_all(directory_); }
    void TearDown() override { EXPECT_EQ(ckpt::live_handles(), 0u); }

    std::string in(const std::string &name) const { return (directory_ / name).string(); }
    std::string directory() const { return directory_.string(); }
    // But that of the locks.
    std::size_t files() const {
        std::size_t count = 0;
        for (const auto &entry : std::filesystem::directory_iterator(directory_))
            count += entry.path().filename() != ".ckpt-lock";
        return count;
    }

   private:
    std::filesystem::path directory_;
};

// Runs `call`, which must throw with this code; the answer is what it threw.
template <typename Call>
ckpt::error fails(ckpt::code code, Call &&call) {
    try {
        call();
    } catch (const ckpt::error &thrown) {
        EXPECT_EQ(ckpt::name(thrown.code()), ckpt::name(code)) << thrown.what();
        EXPECT_STRNE(thrown.what(), "");
        return thrown;
    }
    ADD_FAILURE() << "nothing was thrown where " << ckpt::name(code) << " was expected";
    return ckpt::error(ckpt::code::ok, "");
}

// Holds for texts that have the part.
inline bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

#endif
