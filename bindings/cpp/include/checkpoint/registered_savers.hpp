// Savers for objects that they accept, as tf.train.experimental.register_checkpoint_saver has them.
#ifndef CHECKPOINT_REGISTERED_SAVERS_HPP
#define CHECKPOINT_REGISTERED_SAVERS_HPP

#include <checkpoint/state.hpp>

CHECKPOINT_BEGIN

/// What saves and restores the objects that it accepts
/// (`tf.train.experimental.register_checkpoint_saver`).
struct saver_functions {
    /// Whether it saves this object.
    std::function<bool(node object)> accepts;
    /// Puts the tensors of `objects`, whose names are the paths under which they are saved; names
    /// of tensors are their keys.
    std::function<void(const nodes &objects, sink &sink)> save;
    /// Whether it needs the tensor of this key to restore `objects`.
    std::function<bool(const nodes &objects, std::string_view key)> wants;
    /// Restores `objects` from the tensors that it wanted.
    std::function<void(const nodes &objects, const source &source)> restore;
};

/// @cond
namespace detail {

inline bool saver_accepts(void *user_data, ckpt_node object) noexcept {
    return guarded_answer(false, [&] { return unbox<saver_functions>(user_data).accepts(node{object}); });
}

inline ckpt_code saver_save(void *user_data, const ckpt_nodes *objects, ckpt_sink *raw, ckpt_failure *failure) noexcept {
    return guarded(failure, [&] {
        sink into(raw);
        unbox<saver_functions>(user_data).save(nodes(objects), into);
    });
}

inline bool saver_wants(void *user_data, const ckpt_nodes *objects, const char *key, std::size_t key_len) noexcept {
    return guarded_answer(false, [&] { return unbox<saver_functions>(user_data).wants(nodes(objects), {key, key_len}); });
}

inline ckpt_code saver_restore(void *user_data, const ckpt_nodes *objects, const ckpt_source *raw,
                               ckpt_failure *failure) noexcept {
    return guarded(failure, [&] { unbox<saver_functions>(user_data).restore(nodes(objects), source(raw)); });
}

}  // namespace detail
/// @endcond

CHECKPOINT_END

#endif
