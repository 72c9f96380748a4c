/* What Go cannot say in C: callbacks whose user_data is a number that stands for a Go value (cgo.Handle), and memory as bytes,
 * into which cgo need not look for pointers. */
#ifndef CHECKPOINT_GO_CALLBACKS_H
#define CHECKPOINT_GO_CALLBACKS_H

#include <checkpoint.h>

typedef uintptr_t go_value;

/* ---------------------------------------------------------------- callbacks, in callbacks.c */

void go_ckpt_release(void *value);
ckpt_code go_ckpt_progress(void *value, uint64_t done, uint64_t total);
ckpt_code go_ckpt_written(void *value, const char *path, ckpt_failure *failure);
void go_ckpt_log(void *value, ckpt_severity severity, const char *text, size_t len);
ckpt_code go_ckpt_read(void *value, uint64_t offset, void *buffer, size_t size, ckpt_failure *failure);
int32_t go_ckpt_describe(void *value, int64_t *dimensions);
ckpt_code go_ckpt_prepare(void *value, ckpt_dtype dtype, const int64_t *shape, size_t rank, ckpt_failure *failure);
ckpt_code go_ckpt_write_at(void *value, uint64_t offset, const void *data, size_t size, ckpt_failure *failure);
ckpt_code go_ckpt_finish(void *value, bool complete, ckpt_failure *failure);
int32_t go_ckpt_locate(void *value, void **data, size_t *size, int64_t *dimensions);
ckpt_code go_ckpt_resize(void *value, const int64_t *shape, size_t rank, size_t size, void **data, ckpt_failure *failure);
void go_ckpt_resized(void *value, bool complete);
ckpt_code go_ckpt_save(void *value, ckpt_sink *sink, ckpt_failure *failure);
ckpt_code go_ckpt_restore(void *value, const ckpt_source *source, ckpt_failure *failure);
ckpt_code go_ckpt_create_slot(void *value, ckpt_slot_request *request, ckpt_failure *failure);
bool go_ckpt_accepts(void *value, ckpt_node node);
ckpt_code go_ckpt_save_objects(void *value, const ckpt_nodes *objects, ckpt_sink *sink, ckpt_failure *failure);
bool go_ckpt_wants(void *value, const ckpt_nodes *objects, const char *key, size_t key_len);
ckpt_code go_ckpt_restore_objects(void *value, const ckpt_nodes *objects, const ckpt_source *source, ckpt_failure *failure);
ckpt_code go_ckpt_gather(void *value, const void *message, size_t size, ckpt_messages *messages, ckpt_failure *failure);
ckpt_code go_ckpt_broadcast(void *value, const void *message, size_t size, ckpt_messages *messages, ckpt_failure *failure);
ckpt_code go_ckpt_init(void *value, ckpt_failure *failure);
double go_ckpt_now(void *value);
ckpt_code go_ckpt_sleep(void *value, double seconds);
bool go_ckpt_is_done(void *value);
void go_ckpt_ended(void *value);

static inline void go_failure_set_cause(ckpt_failure *failure, go_value value) {
    ckpt_failure_set_cause(failure, (void *)value, go_ckpt_release);
}

static inline go_value go_error_cause(const ckpt_error *error) { return (go_value)ckpt_error_cause(error, go_ckpt_release); }

/* ---------------------------------------------------------------- reader and writer */

/* All about a tensor in one call, since each call from Go costs as much as the answer. */
typedef struct go_tensor {
    ckpt_bytes key;
    const int64_t *shape;
    size_t rank;
    size_t count;
    ckpt_dtype dtype;
} go_tensor;

static inline void go_tensor_about(const ckpt_tensor *tensor, go_tensor *about) {
    about->key = ckpt_tensor_key(tensor);
    about->shape = ckpt_tensor_shape(tensor);
    about->rank = ckpt_tensor_rank(tensor);
    about->count = ckpt_tensor_element_count(tensor);
    about->dtype = ckpt_tensor_dtype(tensor);
}

static inline ckpt_code go_reader_read(const ckpt_reader *reader, const ckpt_tensor *tensor, const ckpt_read_options *options,
                                       uint8_t *buffer, size_t size, ckpt_error **error) {
    return ckpt_reader_read(reader, tensor, options, buffer, size, error);
}

static inline ckpt_code go_reader_read_slice(const ckpt_reader *reader, const ckpt_tensor *tensor, const int64_t *start,
                                             const int64_t *length, size_t rank, const ckpt_read_options *options,
                                             uint8_t *buffer, size_t size, ckpt_error **error) {
    return ckpt_reader_read_slice(reader, tensor, start, length, rank, options, buffer, size, error);
}

static inline ckpt_code go_reader_read_many(const ckpt_reader *reader, const ckpt_tensor *const *tensors, size_t count,
                                            const ckpt_read_options *options, uint8_t *const *buffers, const size_t *sizes,
                                            ckpt_error **error) {
    return ckpt_reader_read_many(reader, tensors, count, options, (void *const *)buffers, sizes, error);
}

static inline ckpt_code go_reader_read_many_async(const ckpt_reader *reader, const ckpt_tensor *const *tensors, size_t count,
                                                  const ckpt_read_options *options, uint8_t *const *buffers, const size_t *sizes,
                                                  ckpt_pending **pending, ckpt_error **error) {
    return ckpt_reader_read_many_async(reader, tensors, count, options, (void *const *)buffers, sizes, pending, error);
}

static inline ckpt_code go_pending_notify(const ckpt_pending *pending, go_value value, ckpt_error **error) {
    return ckpt_pending_notify(pending, go_ckpt_ended, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_writer_add(ckpt_writer *writer, const char *key, size_t key_len, ckpt_dtype dtype,
                                      const int64_t *shape, size_t rank, const uint8_t *data, size_t size, ckpt_error **error) {
    return ckpt_writer_add(writer, key, key_len, dtype, shape, rank, data, size, error);
}

static inline ckpt_code go_writer_add_slice(ckpt_writer *writer, const char *key, size_t key_len, ckpt_dtype dtype,
                                            const int64_t *shape, const int64_t *start, const int64_t *length, size_t rank,
                                            const uint8_t *data, size_t size, ckpt_error **error) {
    return ckpt_writer_add_slice(writer, key, key_len, dtype, shape, start, length, rank, data, size, error);
}

static inline ckpt_code go_writer_add_shape_and_slice(ckpt_writer *writer, const char *key, size_t key_len, ckpt_dtype dtype,
                                                      const int64_t *shape, size_t rank, const char *slice, size_t slice_len,
                                                      const uint8_t *data, size_t size, ckpt_error **error) {
    return ckpt_writer_add_shape_and_slice(writer, key, key_len, dtype, shape, rank, slice, slice_len, data, size, error);
}

static inline ckpt_code go_writer_add_read(ckpt_writer *writer, const char *key, size_t key_len, ckpt_dtype dtype,
                                           const int64_t *shape, size_t rank, go_value value, ckpt_error **error) {
    return ckpt_writer_add_read(writer, key, key_len, dtype, shape, rank, go_ckpt_read, (void *)value, go_ckpt_release, error);
}

/* ---------------------------------------------------------------- options */

static inline ckpt_code go_write_options_set_progress(ckpt_write_options *options, go_value value, ckpt_error **error) {
    return ckpt_write_options_set_progress(options, go_ckpt_progress, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_merge_options_set_progress(ckpt_merge_options *options, go_value value, ckpt_error **error) {
    return ckpt_merge_options_set_progress(options, go_ckpt_progress, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_verify_options_set_progress(ckpt_verify_options *options, go_value value, ckpt_error **error) {
    return ckpt_verify_options_set_progress(options, go_ckpt_progress, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_save_options_add_callback(ckpt_save_options *options, go_value value, ckpt_error **error) {
    return ckpt_save_options_add_callback(options, go_ckpt_written, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_checkpoint_set_log(const ckpt_checkpoint *checkpoint, go_value value, ckpt_error **error) {
    if (value == 0) return ckpt_checkpoint_set_log(checkpoint, NULL, NULL, NULL, error);
    return ckpt_checkpoint_set_log(checkpoint, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_saver_options_set_log(ckpt_saver_options *options, go_value value, ckpt_error **error) {
    return ckpt_saver_options_set_log(options, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_manager_options_set_log(ckpt_manager_options *options, go_value value, ckpt_error **error) {
    return ckpt_manager_options_set_log(options, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_open_options_set_log(ckpt_open_options *options, go_value value, ckpt_error **error) {
    return ckpt_open_options_set_log(options, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_verify_options_set_log(ckpt_verify_options *options, go_value value, ckpt_error **error) {
    return ckpt_verify_options_set_log(options, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_write_options_set_log(ckpt_write_options *options, go_value value, ckpt_error **error) {
    return ckpt_write_options_set_log(options, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_merge_options_set_log(ckpt_merge_options *options, go_value value, ckpt_error **error) {
    return ckpt_merge_options_set_log(options, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_restore_options_set_log(ckpt_restore_options *options, go_value value, ckpt_error **error) {
    return ckpt_restore_options_set_log(options, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_wait_options_set_log(ckpt_wait_options *options, go_value value, ckpt_error **error) {
    return ckpt_wait_options_set_log(options, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_collect_options_set_log(ckpt_collect_options *options, go_value value, ckpt_error **error) {
    return ckpt_collect_options_set_log(options, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_remove_options_set_log(ckpt_remove_options *options, go_value value, ckpt_error **error) {
    return ckpt_remove_options_set_log(options, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_repair_options_set_log(ckpt_repair_options *options, go_value value, ckpt_error **error) {
    return ckpt_repair_options_set_log(options, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_state_update_set_log(ckpt_state_update *update, go_value value, ckpt_error **error) {
    return ckpt_state_update_set_log(update, go_ckpt_log, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_manager_options_set_init(ckpt_manager_options *options, go_value value, ckpt_error **error) {
    return ckpt_manager_options_set_init(options, go_ckpt_init, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_manager_options_set_clock(ckpt_manager_options *options, go_value value, ckpt_error **error) {
    return ckpt_manager_options_set_clock(options, go_ckpt_now, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_saver_options_set_clock(ckpt_saver_options *options, go_value value, ckpt_error **error) {
    return ckpt_saver_options_set_clock(options, go_ckpt_now, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_wait_options_set_clock(ckpt_wait_options *options, go_value value, ckpt_error **error) {
    return ckpt_wait_options_set_clock(options, go_ckpt_now, go_ckpt_sleep, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_checkpoints_iterator_new(const char *directory, const ckpt_wait_options *options, go_value is_done,
                                                    ckpt_checkpoints_iterator **iterator, ckpt_error **error) {
    if (is_done == 0) return ckpt_checkpoints_iterator_new(directory, options, NULL, NULL, NULL, iterator, error);
    return ckpt_checkpoints_iterator_new(directory, options, go_ckpt_is_done, (void *)is_done, go_ckpt_release, iterator, error);
}

static inline ckpt_code go_ranks_new(uint32_t rank, uint32_t count, go_value value, ckpt_ranks **ranks, ckpt_error **error) {
    return ckpt_ranks_new(rank, count, go_ckpt_gather, go_ckpt_broadcast, (void *)value, go_ckpt_release, ranks, error);
}

static inline ckpt_code go_messages_put(ckpt_messages *messages, uint32_t rank, const uint8_t *message, size_t size,
                                        ckpt_error **error) {
    return ckpt_messages_put(messages, rank, message, size, error);
}

/* ---------------------------------------------------------------- graph */

static inline ckpt_code go_graph_add_owned(const ckpt_graph *graph, ckpt_dtype dtype, const int64_t *shape, size_t rank,
                                           const uint8_t *data, size_t size, const ckpt_node_options *options, ckpt_node *node,
                                           ckpt_error **error) {
    return ckpt_graph_add_owned(graph, dtype, shape, rank, data, size, options, node, error);
}

static inline ckpt_code go_graph_add_resizable(const ckpt_graph *graph, ckpt_dtype dtype, const int64_t *shape, int32_t rank,
                                               go_value value, const ckpt_node_options *options, ckpt_node *node,
                                               ckpt_error **error) {
    return ckpt_graph_add_resizable(graph, dtype, shape, rank, go_ckpt_locate, go_ckpt_resize, go_ckpt_resized, (void *)value,
                                    go_ckpt_release, options, node, error);
}

static inline ckpt_code go_graph_add_borrowed(const ckpt_graph *graph, ckpt_dtype dtype, const int64_t *shape, size_t rank,
                                              uint8_t *data, size_t size, go_value value, const ckpt_node_options *options,
                                              ckpt_node *node, ckpt_error **error) {
    return ckpt_graph_add_borrowed(graph, dtype, shape, rank, data, size, (void *)value, go_ckpt_release, options, node, error);
}

static inline ckpt_code go_graph_set_borrowed(const ckpt_graph *graph, ckpt_node variable, uint8_t *data, size_t size,
                                              go_value value, ckpt_error **error) {
    return ckpt_graph_set_borrowed(graph, variable, data, size, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_graph_read(const ckpt_graph *graph, ckpt_node variable, uint8_t *buffer, size_t size,
                                      ckpt_error **error) {
    return ckpt_graph_read(graph, variable, buffer, size, error);
}

static inline ckpt_code go_graph_assign(const ckpt_graph *graph, ckpt_node variable, ckpt_dtype dtype, const int64_t *shape,
                                        size_t rank, const uint8_t *data, size_t size, ckpt_error **error) {
    return ckpt_graph_assign(graph, variable, dtype, shape, rank, data, size, error);
}

static inline ckpt_code go_graph_add_slot_owner(const ckpt_graph *graph, go_value value, const ckpt_node_options *options,
                                                ckpt_node *node, ckpt_error **error) {
    if (value == 0) return ckpt_graph_add_slot_owner(graph, NULL, NULL, NULL, options, node, error);
    return ckpt_graph_add_slot_owner(graph, go_ckpt_create_slot, (void *)value, go_ckpt_release, options, node, error);
}

static inline ckpt_code go_slot_request_set_borrowed(ckpt_slot_request *request, uint8_t *data, size_t size, go_value value,
                                                     const ckpt_node_options *options, ckpt_error **error) {
    return ckpt_slot_request_set_borrowed(request, data, size, (void *)value, go_ckpt_release, options, error);
}

static inline ckpt_code go_graph_add_state(const ckpt_graph *graph, go_value value, const ckpt_node_options *options,
                                           ckpt_node *node, ckpt_error **error) {
    return ckpt_graph_add_state(graph, go_ckpt_save, go_ckpt_restore, (void *)value, go_ckpt_release, options, node, error);
}

static inline ckpt_code go_sink_put(ckpt_sink *sink, const char *name, size_t name_len, ckpt_dtype dtype, const int64_t *shape,
                                    size_t rank, const uint8_t *data, size_t size, ckpt_error **error) {
    return ckpt_sink_put(sink, name, name_len, dtype, shape, rank, data, size, error);
}

static inline ckpt_code go_sink_put_borrowed(ckpt_sink *sink, const char *name, size_t name_len, ckpt_dtype dtype,
                                             const int64_t *shape, size_t rank, const uint8_t *data, size_t size, go_value value,
                                             ckpt_error **error) {
    return ckpt_sink_put_borrowed(sink, name, name_len, dtype, shape, rank, data, size, (void *)value, go_ckpt_release, error);
}

static inline ckpt_code go_sink_put_read(ckpt_sink *sink, const char *name, size_t name_len, ckpt_dtype dtype,
                                         const int64_t *shape, size_t rank, go_value value, ckpt_error **error) {
    return ckpt_sink_put_read(sink, name, name_len, dtype, shape, rank, go_ckpt_read, (void *)value, go_ckpt_release, error);
}

static inline ckpt_device *go_device_new(go_value value) { return ckpt_device_new((void *)value, go_ckpt_release); }

static inline ckpt_code go_graph_register_saver(const ckpt_graph *graph, const char *package, size_t package_len,
                                                const char *name, size_t name_len, bool strict, go_value value,
                                                ckpt_error **error) {
    return ckpt_graph_register_saver(graph, package, package_len, name, name_len, strict, go_ckpt_accepts, go_ckpt_save_objects,
                                     go_ckpt_wants, go_ckpt_restore_objects, (void *)value, go_ckpt_release, error);
}

#endif
