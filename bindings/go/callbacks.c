/* From C to Go: user_data becomes the number that it is. */
#include "callbacks.h"

#include "_cgo_export.h"

void go_ckpt_release(void *value) { goRelease((go_value)value); }

ckpt_code go_ckpt_progress(void *value, uint64_t done, uint64_t total) { return goProgress((go_value)value, done, total); }

ckpt_code go_ckpt_written(void *value, const char *path, ckpt_failure *failure) {
    return goWritten((go_value)value, (char *)path, failure);
}

void go_ckpt_log(void *value, ckpt_severity severity, const char *text, size_t len) {
    goLog((go_value)value, severity, (char *)text, len);
}

ckpt_code go_ckpt_read(void *value, uint64_t offset, void *buffer, size_t size, ckpt_failure *failure) {
    return goRead((go_value)value, offset, buffer, size, failure);
}

int32_t go_ckpt_describe(void *value, int64_t *dimensions) { return goDescribe((go_value)value, dimensions); }

ckpt_code go_ckpt_prepare(void *value, ckpt_dtype dtype, const int64_t *shape, size_t rank, ckpt_failure *failure) {
    return goPrepare((go_value)value, dtype, (int64_t *)shape, rank, failure);
}

ckpt_code go_ckpt_write_at(void *value, uint64_t offset, const void *data, size_t size, ckpt_failure *failure) {
    return goWriteAt((go_value)value, offset, (void *)data, size, failure);
}

ckpt_code go_ckpt_finish(void *value, bool complete, ckpt_failure *failure) {
    return goFinish((go_value)value, complete, failure);
}

/* Addresses are given as numbers: of memory of Go's that is pinned, which C may keep for the call. */
int32_t go_ckpt_locate(void *value, void **data, size_t *size, int64_t *dimensions) {
    return goLocate((go_value)value, (uintptr_t *)data, size, dimensions);
}

ckpt_code go_ckpt_resize(void *value, const int64_t *shape, size_t rank, size_t size, void **data, ckpt_failure *failure) {
    return goResize((go_value)value, (int64_t *)shape, rank, size, (uintptr_t *)data, failure);
}

void go_ckpt_resized(void *value, bool complete) { goResized((go_value)value, complete); }

ckpt_code go_ckpt_save(void *value, ckpt_sink *sink, ckpt_failure *failure) { return goSave((go_value)value, sink, failure); }

ckpt_code go_ckpt_restore(void *value, const ckpt_source *source, ckpt_failure *failure) {
    return goRestore((go_value)value, (ckpt_source *)source, failure);
}

ckpt_code go_ckpt_create_slot(void *value, ckpt_slot_request *request, ckpt_failure *failure) {
    return goCreateSlot((go_value)value, request, failure);
}

bool go_ckpt_accepts(void *value, ckpt_node node) { return goAccepts((go_value)value, node); }

ckpt_code go_ckpt_save_objects(void *value, const ckpt_nodes *objects, ckpt_sink *sink, ckpt_failure *failure) {
    return goSaveObjects((go_value)value, (ckpt_nodes *)objects, sink, failure);
}

bool go_ckpt_wants(void *value, const ckpt_nodes *objects, const char *key, size_t key_len) {
    return goWants((go_value)value, (ckpt_nodes *)objects, (char *)key, key_len);
}

ckpt_code go_ckpt_restore_objects(void *value, const ckpt_nodes *objects, const ckpt_source *source, ckpt_failure *failure) {
    return goRestoreObjects((go_value)value, (ckpt_nodes *)objects, (ckpt_source *)source, failure);
}

ckpt_code go_ckpt_gather(void *value, const void *message, size_t size, ckpt_messages *messages, ckpt_failure *failure) {
    return goGather((go_value)value, (void *)message, size, messages, failure);
}

ckpt_code go_ckpt_broadcast(void *value, const void *message, size_t size, ckpt_messages *messages, ckpt_failure *failure) {
    return goBroadcast((go_value)value, (void *)message, size, messages, failure);
}

ckpt_code go_ckpt_init(void *value, ckpt_failure *failure) { return goInit((go_value)value, failure); }

double go_ckpt_now(void *value) { return goNow((go_value)value); }

ckpt_code go_ckpt_sleep(void *value, double seconds) { return goSleep((go_value)value, seconds); }

void go_ckpt_ended(void *value) { goEnded((go_value)value); }

bool go_ckpt_is_done(void *value) { return goIsDone((go_value)value); }
