// Plain structs from and to checkpoints, in one call.
#ifndef CHECKPOINT_LOAD_HPP
#define CHECKPOINT_LOAD_HPP

#include <checkpoint/checkpoint.hpp>
#include <checkpoint/members.hpp>

CHECKPOINT_BEGIN

/// @cond
namespace detail {

template <typename T>
report load_into(const file_path &path, T &object, const restore_options &options, bool whole) {
    const graph graph;
    visit_log log;
    const ::checkpoint::checkpoint program(graph, member_visitor<purpose::load>(graph, {}, log).add(object));
    const status status = program.read(path, options);
    status.expect_partial();
    for (std::size_t i = 0; i < log.later.size(); i++) std::exchange(log.later[i], nullptr)();
    if (whole && !log.absent.empty()) {
        fail(error(code::failed_precondition,
                   std::string(status.path()) + ": the checkpoint has no element of \"" + log.absent.front() + "\"",
                   reason::assertion));
    }
    if (whole) status.assert_rest_matched();
    return status.report();
}

}  // namespace detail
/// @endcond

/// Loads a plain struct (CHECKPOINT_MEMBERS) from the checkpoint at `path`, which may be anything
/// that checkpoint::checkpoint::restore takes: each member is found by its name. Tensors take the
/// shape that the checkpoint has, and vectors of structs its number of elements; arrays and scalars
/// must have the shape. The answer says what became of each value. What the struct has no member
/// for is left alone.
///
/// checkpoint::reason::assertion when the checkpoint has no value for a member. If this fails, the
/// struct is as before; one that cannot be copied may be loaded in part, and so may the memory of
/// others that members are spans of.
template <typename T>
report load(const file_path &path, T &object, const restore_options &options = {}) {
    static_assert(detail::has_members<T>::value, "checkpoint: the struct names no members: CHECKPOINT_MEMBERS");
    if constexpr (std::is_copy_constructible_v<T> && std::is_move_assignable_v<T>) {
        T loaded(object);
        report made = detail::load_into(path, loaded, options, true);
        if (!detail::attempt::has_failed()) object = std::move(loaded);
        return made;
    } else {
        return detail::load_into(path, object, options, true);
    }
}

/// load() without exceptions.
template <typename T>
result<report> try_load(const file_path &path, T &object, const restore_options &options = {}) {
    return try_call([&] { return load(path, object, options); });
}

/// Loads what the checkpoint has for the members of a plain struct, and leaves the others as they
/// are: those are checkpoint::row_state::missing in the answer.
template <typename T>
report load_partial(const file_path &path, T &object, const restore_options &options = {}) {
    static_assert(detail::has_members<T>::value, "checkpoint: the struct names no members: CHECKPOINT_MEMBERS");
    return detail::load_into(path, object, options, false);
}

/// Writes a plain struct (CHECKPOINT_MEMBERS) as the checkpoint `prefix`, as
/// checkpoint::checkpoint::write does; the answer is its path. A std::vector is written as a tensor
/// of one dimension, or of those of its arrays; a checkpoint::array with its shape.
template <typename T>
std::string write(const file_path &prefix, T &object, const save_options &options = {}) {
    static_assert(detail::has_members<T>::value, "checkpoint: the struct names no members: CHECKPOINT_MEMBERS");
    const graph graph;
    detail::visit_log log;
    using visitor = detail::member_visitor<detail::purpose::write>;
    return checkpoint(graph, visitor(graph, {}, log).add(object)).write(prefix, options);
}

CHECKPOINT_END

#endif
