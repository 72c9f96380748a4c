// Calls in the background, and cancelling: what the binding adds to the C ABI.
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "testing.hpp"

namespace {

// A program with an int32 "value".
struct program {
    ckpt::graph graph;
    ckpt::node root = graph.add_object();
    std::vector<std::int32_t> value = {1, 2, 3};
    ckpt::checkpoint checkpoint{graph, track()};

    ckpt::node track() {
        graph.track(root, "value", graph.add_borrowed({3}, value));
        return root;
    }
};

}  // namespace

class background : public in_directory {};

TEST_F(background, each_kind_of_call_gives_its_result) {
    program saved;
    saved.checkpoint.save(in("ckpt"));

    const ckpt::pending<ckpt::reader> opening = ckpt::reader::open_async(in("ckpt-1"));
    EXPECT_EQ(opening.path(), in("ckpt-1"));
    const ckpt::reader reader = opening.take();
    fails(ckpt::code::failed_precondition, [&] { opening.take(); });
    opening.wait();

    std::vector<std::int32_t> value(3);
    const ckpt::tensor tensor = reader.at(value_key("value"));
    const ckpt::span<std::byte> buffer(reinterpret_cast<std::byte *>(value.data()), 12);
    const ckpt::pending<void> reading = reader.read_many_async({&tensor, 1}, {&buffer, 1});
    reading.take();
    EXPECT_EQ(value, saved.value);
    EXPECT_EQ(reading.poll().done, 12u);

    EXPECT_EQ(ckpt::verify_async(in("ckpt-1")).take().verdict(), ckpt::verdict::whole);
    EXPECT_EQ(ckpt::latest_valid_checkpoint_async(directory()).take().path, in("ckpt-1"));

    saved.value = {7, 7, 7};
    const ckpt::status status = saved.checkpoint.restore_async(in("ckpt-1")).take();
    status.assert_consumed();
    EXPECT_EQ(saved.value, (std::vector<std::int32_t>{1, 2, 3}));
    saved.checkpoint.read_async(in("ckpt-1")).take().assert_existing_objects_matched();

    const ckpt::manager manager(saved.checkpoint, directory());
    const std::optional<ckpt::resumption> resumed = manager.restore_or_initialize_async().take();
    ASSERT_TRUE(resumed);
    EXPECT_EQ(resumed->path, in("ckpt-1"));
    EXPECT_EQ(manager.latest_valid_async().take().path, in("ckpt-1"));
    const ckpt::manager fresh(saved.checkpoint, in("fresh"));
    EXPECT_FALSE(fresh.restore_or_initialize_async().take());

    ckpt::merge_options keeping;
    keeping.keep_inputs(true);
    ckpt::merge_async(in("merged"), {in("ckpt-1")}, keeping).wait();
    EXPECT_TRUE(ckpt::checkpoint_exists(in("merged")));
    fails(ckpt::code::not_found, [&] { ckpt::verify_async(in("nothing")).take(); });
}

TEST_F(background, the_end_is_told_on_another_thread) {
    program saved;
    saved.checkpoint.write(in("saved"));
    auto told = std::make_shared<std::promise<std::thread::id>>();
    const std::weak_ptr<std::promise<std::thread::id>> watched = told;
    auto future = told->get_future();
    {
        const auto verifying = ckpt::verify_async(in("saved"));
        verifying.notify([told] {
            told->set_value(std::this_thread::get_id());
            throw std::runtime_error("nobody hears it");
        });
        told.reset();
    }
    EXPECT_NE(future.get(), std::this_thread::get_id());
    while (!watched.expired()) std::this_thread::yield();  // the function goes when it was called
}

TEST_F(background, options_have_a_flag_that_cancels) {
    program saved;
    saved.checkpoint.write(in("saved"));
    const ckpt::cancel flag;
    flag.raise();
    const auto is_cancelled = [](const auto &call) { fails(ckpt::code::cancelled, call); };
    is_cancelled([&] { ckpt::reader(in("saved"), ckpt::open_options().cancel(flag)); });
    const ckpt::reader reader(in("saved"));
    is_cancelled([&] { reader.read<std::int32_t>(value_key("value"), ckpt::read_options().cancel(flag)); });
    saved.value = {7, 7, 7};
    is_cancelled([&] { saved.checkpoint.read(in("saved"), ckpt::restore_options().cancel(flag)); });
    is_cancelled([&] { saved.checkpoint.read_async(in("saved"), ckpt::restore_options().cancel(flag)).take(); });
    EXPECT_EQ(saved.value, (std::vector<std::int32_t>{7, 7, 7}));
    is_cancelled([&] { ckpt::wait_for_new_checkpoint(directory(), std::nullopt, ckpt::wait_options().cancel(flag)); });
}

TEST_F(background, a_save_says_what_it_cost_and_keeps_to_a_limit) {
    program saved;
    const ckpt::manager manager(saved.checkpoint, directory());
    EXPECT_EQ(manager.phase(ckpt::phase::write).bytes, 0u);
    const auto pending = manager.save_async();
    ASSERT_TRUE(pending);
    pending->wait();
    EXPECT_EQ(pending->phase(ckpt::phase::copy).bytes, 20u);  // the value and the counter
    EXPECT_GT(pending->phase(ckpt::phase::write).seconds, 0);
    EXPECT_EQ(manager.phase(ckpt::phase::write).bytes, pending->phase(ckpt::phase::write).bytes);
    EXPECT_EQ(ckpt::name(ckpt::phase::publish), "publish");
    const ckpt::error error = fails(ckpt::code::resource_exhausted,
                                    [&] { saved.checkpoint.save_async(in("more"), ckpt::save_options().snapshot_limit(19)); });
    EXPECT_EQ(error.reason(), ckpt::reason::limit);
    saved.checkpoint.save_async(in("more"), ckpt::save_options().snapshot_limit(20)).wait();
}
