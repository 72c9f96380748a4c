// A program without exceptions and run-time types: what fails gives a result.
#include <cstdio>
#include <string>

#include "units.hpp"

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this is to be compiled with -fno-exceptions -fno-rtti"
#endif

namespace {

int wrong = 0;

#define CHECK(condition)                                                          \
    do {                                                                          \
        if (condition) break;                                                     \
        std::printf("%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
        wrong++;                                                                  \
    } while (0)

struct dense : ckpt::module {
    using ckpt::module::module;
    ckpt::variable<float> kernel{*this, "kernel", {2, 3}};
    std::vector<float> grows = {1, 2};
    std::int64_t seed = 1;
    bool is_broken = false;
    ckpt::state random{*this, "random",
                       [this](ckpt::sink &into) {
                           if (is_broken) return ckpt::fail(ckpt::error(ckpt::code::unavailable, "the dice are broken"));
                           into.put("seed", seed);
                       },
                       [this](const ckpt::source &from) { seed = from.at("seed").value<std::int64_t>(); }};
    dense() { track("grows", grows); }
};

struct plain {
    ckpt::array<float> kernel;
    CHECKPOINT_MEMBERS(kernel)
};
struct other {
    ckpt::array<float> scale;
    CHECKPOINT_MEMBERS(scale)
};

}  // namespace

int without_exceptions(const char *directory) {
    const std::string prefix = std::string(directory) + "/x";
    {
        const auto none = ckpt::reader::try_open(prefix);
        CHECK(!none);
        CHECK(none.error().code() == ckpt::code::not_found);
        CHECK(none.error().reason() == ckpt::reason::no_checkpoint);
        CHECK(none.error().file().find("/x") != std::string_view::npos);
    }
    dense program;
    program.kernel[5] = 7;
    program.seed = 9;
    program.grows.push_back(3);
    const ckpt::checkpoint checkpoint(program);
    const auto written = checkpoint.try_write(prefix);
    CHECK(written && *written == prefix);

    const auto opened = ckpt::reader::try_open(prefix);
    CHECK(opened && opened->size() == 4);
    const auto values = opened->try_read<float>("kernel/.ATTRIBUTES/VARIABLE_VALUE");
    CHECK(values && (*values)[5] == 7);
    const auto wrong_type = opened->try_read<double>("kernel/.ATTRIBUTES/VARIABLE_VALUE");
    CHECK(!wrong_type && wrong_type.error().reason() == ckpt::reason::dtype);
    const auto no_key = ckpt::try_call([&] { return opened->at("kernal"); });
    CHECK(!no_key && no_key.error().code() == ckpt::code::not_found);

    // A callback that fails.
    program.is_broken = true;
    const auto broken = checkpoint.try_write(prefix + "-broken");
    CHECK(!broken && broken.error().code() == ckpt::code::aborted);
    CHECK(!broken && std::string_view(broken.error().what()).find("the dice are broken") != std::string_view::npos);
    CHECK(!ckpt::checkpoint_exists(prefix + "-broken"));

    dense again;
    again.grows.clear();
    const auto status = ckpt::checkpoint(again).try_read(prefix);
    CHECK(status && status->try_assert_consumed());
    CHECK(again.kernel[5] == 7 && again.seed == 9 && again.grows.size() == 3);

    // After the first call that fails the others do nothing: what was there stays.
    const auto several = ckpt::try_call([&] {
        const ckpt::writer unused(prefix + "\0x");
        ckpt::reader none(prefix + "-none");
        return ckpt::checkpoint(again).write(prefix + "-later");
    });
    CHECK(!several && several.error().code() == ckpt::code::not_found);
    CHECK(!ckpt::checkpoint_exists(prefix + "-later"));

    plain loaded;
    CHECK(ckpt::try_load(prefix, loaded));
    CHECK(loaded.kernel.shape() == ckpt::shape_view({2, 3}) && loaded.kernel[5] == 7);
    other missing;
    const auto lost = ckpt::try_load(prefix, missing);
    CHECK(!lost && lost.error().reason() == ckpt::reason::assertion);
    CHECK(!missing.scale.has_value());

    ckpt::manager_options options;
    options.max_to_keep(1);
    const auto manager = ckpt::manager::try_open(checkpoint, std::string(directory) + "/run", options);
    program.is_broken = false;
    CHECK(manager && manager->try_save());
    CHECK(manager && manager->try_restore_or_initialize());
    const auto verified = ckpt::try_verify(prefix);
    CHECK(verified && verified->verdict() == ckpt::verdict::whole);
    return wrong;
}
