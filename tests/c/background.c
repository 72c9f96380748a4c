/* What takes long, in the background: it gives what the call that waits gives, tells when it is over, and can be cancelled, also
 * by a signal. Also run under ThreadSanitizer. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include <signal.h>

#include "gates.h"
#include "graphs.h"

/* ---------------------------------------------------------------- checkpoints */

enum { COUNT_OF = 3, LENGTH = 1 << 20 };
static const char *const keys[COUNT_OF] = {"0", "1", "2"};

/* A checkpoint of tensors "0", "1" and "2", whose bytes are their numbers. */
static void write_tensors(const char *name) {
    static const int64_t shape[] = {LENGTH};
    uint8_t *values[COUNT_OF];
    ckpt_writer *writer = NULL;
    CHECK_OK(ckpt_writer_new(in(name), NULL, &writer, &error));
    for (int i = 0; i < COUNT_OF; i++) {
        values[i] = (uint8_t *)malloc(LENGTH);
        memset(values[i], i, LENGTH);
        CHECK_OK(ckpt_writer_add(writer, TEXT(keys[i]), CKPT_DTYPE_UINT8, shape, 1, values[i], LENGTH, &error));
    }
    CHECK_OK(ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
    for (int i = 0; i < COUNT_OF; i++) free(values[i]);
}

static bool text_and_free(ckpt_string *text, const char *expected) {
    bool is = text != NULL && text_is(ckpt_string_bytes(text), expected);
    ckpt_string_free(text);
    return is;
}

static void check_reason(ckpt_reason reason, ckpt_code expected, ckpt_code code, int line) {
    check_int(reason, error == NULL ? 0 : ckpt_error_reason(error), "the reason", __FILE__, line);
    check_code(expected, code, "the call", __FILE__, line);
}

#define CANCELLED(call) check_reason(CKPT_REASON_CALLBACK, CKPT_CODE_CANCELLED, (call), __LINE__)
#define BUSY(call) check_reason(CKPT_REASON_BUSY, CKPT_CODE_UNAVAILABLE, (call), __LINE__)

/* ---------------------------------------------------------------- results */

static void readers_are_opened_and_read_from(void) {
    write_tensors("one");
    ckpt_pending *pending = NULL, *reading = NULL;
    ckpt_reader *reader = NULL, *again = (ckpt_reader *)1;
    ckpt_string *path = (ckpt_string *)1;
    CHECK_OK(ckpt_reader_open_async(in("one"), NULL, &pending, &error));
    CHECK(text_is(ckpt_pending_path(pending), in("one")));
    CHECK_OK(ckpt_pending_take_reader(pending, &reader, &error));
    CHECK_INT(COUNT_OF, ckpt_reader_count(reader));
    check_reason(CKPT_REASON_ARGUMENT, CKPT_CODE_FAILED_PRECONDITION, ckpt_pending_take_reader(pending, &again, &error),
                 __LINE__);
    CHECK(again == NULL);
    CHECK_OK(ckpt_pending_wait(pending, &path, &error)); /* it is no save */
    CHECK(path == NULL);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_pending_phase(pending, CKPT_PHASE_COPY, NULL, NULL, &error));
    ckpt_status *status = (ckpt_status *)1;
    ckpt_verification *verification = (ckpt_verification *)1;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_pending_take_status(pending, &status, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_pending_take_verification(pending, &verification, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_pending_take_valid_checkpoint(pending, &path, NULL, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_pending_take_resumption(pending, NULL, NULL, &error));
    CHECK(status == NULL && verification == NULL);
    ckpt_pending_free(pending);

    const ckpt_tensor *tensors[COUNT_OF];
    void *buffers[COUNT_OF];
    size_t sizes[COUNT_OF];
    for (int i = 0; i < COUNT_OF; i++) {
        tensors[i] = must_find(reader, keys[i]);
        buffers[i] = malloc(LENGTH);
        sizes[i] = LENGTH;
    }
    CHECK_OK(ckpt_reader_read_many_async(reader, tensors, COUNT_OF, NULL, buffers, sizes, &reading, &error));
    ckpt_reader_free(reader); /* it is kept */
    CHECK_OK(ckpt_pending_wait(reading, NULL, &error));
    for (int i = 0; i < COUNT_OF; i++) CHECK_INT(i, ((uint8_t *)buffers[i])[LENGTH - 1]);
    uint64_t done = 0, total = 0;
    CHECK(ckpt_pending_poll(reading, &done, &total) && done == total && total == COUNT_OF * (uint64_t)LENGTH);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_pending_take_reader(reading, &again, &error));
    ckpt_pending_free(reading);

    reader = must_open(in("one"));
    for (int i = 0; i < COUNT_OF; i++) tensors[i] = must_find(reader, keys[i]);
    sizes[1]--;
    reading = (ckpt_pending *)1;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_reader_read_many_async(reader, tensors, COUNT_OF, NULL, buffers, sizes, &reading, &error));
    CHECK(reading == NULL);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_reader_read_many_async(NULL, tensors, COUNT_OF, NULL, buffers, sizes, &reading, &error));
    ckpt_reader_free(reader);
    for (int i = 0; i < COUNT_OF; i++) free(buffers[i]);

    CHECK_OK(ckpt_reader_open_async(in("nowhere"), NULL, &pending, &error));
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_pending_take_reader(pending, &reader, &error));
    CHECK(reader == NULL);
    ckpt_pending_free(pending);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_reader_open_async(NULL, NULL, &pending, &error));
    CHECK_OK(ckpt_reader_open_async(in("one"), NULL, &pending, &error));
    ckpt_pending_free(pending); /* nobody takes it */
    files(true);
}

static void checkpoints_are_verified_found_and_merged(void) {
    write_tensors("one");
    ckpt_pending *pending = NULL;
    ckpt_verification *found = NULL;
    CHECK_OK(ckpt_verify_async(in("one"), NULL, &pending, &error));
    CHECK_OK(ckpt_pending_take_verification(pending, &found, &error));
    CHECK_INT(CKPT_VERDICT_WHOLE, ckpt_verification_verdict(found));
    CHECK_INT(COUNT_OF, ckpt_verification_tensor_count(found));
    ckpt_verification_free(found);
    ckpt_pending_free(pending);

    const char *section = in("one");
    CHECK_OK(ckpt_merge_async(in("two"), &section, 1, NULL, &pending, &error));
    CHECK_OK(ckpt_pending_wait(pending, NULL, &error));
    ckpt_pending_free(pending);

    ckpt_string *path = NULL;
    ckpt_broken_checkpoints *broken = NULL;
    CHECK_OK(ckpt_latest_valid_checkpoint_async(directory, NULL, &pending, &error));
    CHECK_OK(ckpt_pending_take_valid_checkpoint(pending, &path, &broken, &error));
    CHECK(text_and_free(path, in("two")));
    CHECK_INT(0, ckpt_broken_checkpoints_count(broken));
    ckpt_broken_checkpoints_free(broken);
    ckpt_pending_free(pending);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_merge_async(NULL, &section, 1, NULL, &pending, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_verify_async(in("two"), NULL, NULL, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_latest_valid_checkpoint_async(NULL, NULL, &pending, &error));
    files(true);
}

/* ---------------------------------------------------------------- the end */

/* What the callbacks of the end tell. */
typedef struct ending {
    struct gate gate;
    ckpt_pending *pending;
    pthread_t thread;
    int calls, frees;
    bool is_over;
} ending;

static void at_end(void *user_data) {
    ending *end = (ending *)user_data;
    end->calls++;
    end->thread = pthread_self();
    end->is_over = ckpt_pending_poll(end->pending, NULL, NULL) && ckpt_pending_wait(end->pending, NULL, NULL) == CKPT_CODE_OK;
}

static void freed(void *user_data) {
    ending *end = (ending *)user_data;
    pthread_mutex_lock(&end->gate.lock);
    end->frees++;
    end->gate.reached = true;
    pthread_cond_broadcast(&end->gate.changed);
    pthread_mutex_unlock(&end->gate.lock);
}

static void the_end_is_told_once(void) {
    write_tensors("one");
    gate gate = CLOSED;
    ckpt_verify_options *options = ckpt_verify_options_new();
    ckpt_pending *pending = NULL;
    CHECK_OK(ckpt_verify_options_set_progress(options, at_progress, &gate, NULL, &error));
    CHECK_OK(ckpt_verify_async(in("one"), options, &pending, &error));
    ckpt_verify_options_free(options);
    wait_for(&gate);
    ending early = {CLOSED, pending, pthread_self(), 0, 0, false}, late = early, none = early;
    CHECK_OK(ckpt_pending_notify(pending, at_end, &early, freed, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_pending_notify(pending, NULL, &none, freed, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_pending_notify(NULL, at_end, &none, freed, &error));
    CHECK(none.calls == 0 && none.frees == 2);
    CHECK_INT(0, early.calls);
    open_gate(&gate);
    wait_for(&early.gate);
    CHECK(early.calls == 1 && early.frees == 1 && early.is_over && !pthread_equal(early.thread, pthread_self()));
    CHECK_OK(ckpt_pending_notify(pending, at_end, &late, freed, &error)); /* it is over */
    wait_for(&late.gate);
    CHECK(late.calls == 1 && late.is_over && !pthread_equal(late.thread, pthread_self()));
    CHECK_INT(1, early.calls);
    ckpt_pending_free(pending);
    files(true);
}

/* ---------------------------------------------------------------- cancelling */

static void a_flag_stops_the_calls_whose_options_have_it(void) {
    write_tensors("one");
    ckpt_cancel *cancel = ckpt_cancel_new();
    ckpt_open_options *opening = ckpt_open_options_new();
    ckpt_read_options *reading = ckpt_read_options_new();
    ckpt_restore_options *restoring = ckpt_restore_options_new();
    CHECK_OK(ckpt_open_options_set_cancel(opening, cancel, &error));
    CHECK_OK(ckpt_read_options_set_cancel(reading, cancel, &error));
    CHECK_OK(ckpt_restore_options_set_cancel(restoring, cancel, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_open_options_set_cancel(NULL, cancel, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_read_options_set_cancel(NULL, cancel, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_restore_options_set_cancel(NULL, cancel, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_wait_options_set_cancel(NULL, cancel, &error));
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), value = track_scalar(graph, root, "value", 1);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    write_as(checkpoint, "program");
    set_value(graph, value, 2);
    uint8_t *buffer = (uint8_t *)malloc(LENGTH);
    void *buffers[] = {buffer};
    const size_t size = LENGTH;
    ckpt_reader *reader = must_open(in("one")), *other = NULL;
    const ckpt_tensor *tensor = must_find(reader, "1");
    for (int is_raised = 0; is_raised < 2; is_raised++) {
        memset(buffer, 7, LENGTH);
        ckpt_pending *pending = NULL;
        ckpt_status *status = NULL;
        CHECK_OK(ckpt_reader_open_async(in("one"), opening, &pending, &error));
        if (!is_raised) {
            CHECK_OK(ckpt_reader_open(in("one"), opening, &other, &error));
            ckpt_reader_free(other);
            CHECK_OK(ckpt_pending_wait(pending, NULL, &error));
            CHECK_OK(ckpt_reader_read(reader, tensor, reading, buffer, LENGTH, &error));
            CHECK_INT(1, buffer[0]);
            ckpt_cancel_raise(cancel);
        } else {
            CANCELLED(ckpt_reader_open(in("one"), opening, &other, &error));
            CANCELLED(ckpt_pending_wait(pending, NULL, &error));
            CANCELLED(ckpt_reader_read(reader, tensor, reading, buffer, LENGTH, &error));
            CANCELLED(ckpt_reader_read_many(reader, &tensor, 1, reading, buffers, &size, &error));
            CHECK_INT(7, buffer[0]);
            CANCELLED(ckpt_checkpoint_read(checkpoint, in("program"), restoring, &status, &error));
            CHECK(status == NULL && value_of(graph, value) == 2);
            CHECK_OK(ckpt_restore_options_set_cancel(restoring, NULL, &error)); /* takes it away */
            CHECK_OK(ckpt_checkpoint_read(checkpoint, in("program"), restoring, &status, &error));
            CHECK(value_of(graph, value) == 1);
            ckpt_status_free(status);
        }
        ckpt_pending_free(pending);
    }
    free(buffer);
    ckpt_reader_free(reader);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
    ckpt_open_options_free(opening);
    ckpt_read_options_free(reading);
    ckpt_restore_options_free(restoring);
    ckpt_cancel_free(cancel);
    files(true);
}

static ckpt_cancel *of_signal;

static void on_signal(int number) {
    (void)number;
    ckpt_cancel_raise(of_signal);
}

static void a_signal_handler_may_cancel(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    ckpt_wait_options *options = ckpt_wait_options_new();
    ckpt_string *path = (ckpt_string *)1;
    of_signal = ckpt_cancel_new();
    if (!CHECK(sigaction(SIGALRM, &action, NULL) == 0)) exit(1);
    CHECK_OK(ckpt_wait_options_set_cancel(options, of_signal, &error));
    CHECK_OK(ckpt_wait_options_set_poll_interval(options, 3600, &error));
    alarm(1);
    CANCELLED(ckpt_wait_for_new_checkpoint(directory, NULL, options, &path, &error)); /* hangs without it */
    CHECK(path == NULL);
    ckpt_cancel_free(of_signal);
    ckpt_wait_options_free(options);
    signal(SIGALRM, SIG_DFL);
}

/* ---------------------------------------------------------------- restores */

/* A float on a device; a restore stops at the gate before it is written. */
typedef struct on_device {
    struct gate gate;
    float value;
} on_device;

static int32_t describe(void *user_data, int64_t *dimensions) {
    (void)user_data, (void)dimensions;
    return 0;
}

static ckpt_code read_device(void *user_data, uint64_t offset, void *buffer, size_t size, ckpt_failure *failure) {
    (void)failure;
    memcpy(buffer, (char *)&((on_device *)user_data)->value + offset, size);
    return CKPT_CODE_OK;
}

static ckpt_code prepare(void *user_data, ckpt_dtype dtype, const int64_t *shape, size_t rank, ckpt_failure *failure) {
    (void)dtype, (void)shape, (void)rank, (void)failure;
    stop_at(&((on_device *)user_data)->gate);
    return CKPT_CODE_OK;
}

static ckpt_code write_device(void *user_data, uint64_t offset, const void *data, size_t size, ckpt_failure *failure) {
    (void)failure;
    memcpy((char *)&((on_device *)user_data)->value + offset, data, size);
    return CKPT_CODE_OK;
}

static void a_restore_has_the_graph(void) {
    on_device of_device = {CLOSED, 5};
    ckpt_device *device = ckpt_device_new(&of_device, NULL);
    CHECK_OK(ckpt_device_set_describe(device, describe, &error));
    CHECK_OK(ckpt_device_set_read(device, read_device, false, &error));
    CHECK_OK(ckpt_device_set_prepare(device, prepare, &error));
    CHECK_OK(ckpt_device_set_write(device, write_device, &error));
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), value = track_scalar(graph, root, "value", 1), variable = 0;
    CHECK_OK(ckpt_graph_add_device(graph, CKPT_DTYPE_FLOAT, NULL, -1, device, NULL, &variable, &error));
    track(graph, root, "device", variable);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    write_as(checkpoint, "saved");
    for (int is_cancelled = 0; is_cancelled < 2; is_cancelled++) {
        set_value(graph, value, 2);
        of_device.value = 6;
        of_device.gate.reached = of_device.gate.open = false;
        ckpt_pending *pending = NULL, *second = (ckpt_pending *)1;
        ckpt_status *status = NULL;
        ckpt_save_options *failing = ckpt_save_options_new();
        bool contains = true;
        float found = 0;
        CHECK_OK(ckpt_save_options_set_busy(failing, CKPT_BUSY_FAIL, &error));
        CHECK_OK(ckpt_checkpoint_read_async(checkpoint, in("saved"), NULL, &pending, &error));
        wait_for(&of_device.gate);
        BUSY(ckpt_graph_read(graph, value, &found, sizeof found, &error));
        BUSY(ckpt_graph_contains(graph, value, &contains, &error));
        BUSY(ckpt_graph_track(graph, root, TEXT("more"), value, &error));
        BUSY(ckpt_checkpoint_save_async(checkpoint, in("saved"), failing, &second, &error));
        CHECK(second == NULL);
        CHECK(!ckpt_pending_wait_for(pending, 1e-3));
        if (is_cancelled) ckpt_pending_cancel(pending);
        open_gate(&of_device.gate);
        if (is_cancelled) {
            CANCELLED(ckpt_pending_take_status(pending, &status, &error));
            CHECK(status == NULL);
            ckpt_report *report = NULL;
            CHECK_OK(ckpt_checkpoint_last_report(checkpoint, &report, &error));
            CHECK_INT(1, ckpt_report_count_of(report, CKPT_ROW_STATE_RESTORED));
            CHECK_INT(1, ckpt_report_count_of(report, CKPT_ROW_STATE_TORN));
            ckpt_report_free(report);
        } else {
            CHECK_OK(ckpt_pending_take_status(pending, &status, &error));
            CHECK_OK(ckpt_status_assert_existing_objects_matched(status, &error));
            ckpt_status_free(status);
        }
        CHECK(of_device.value == (is_cancelled ? 6.0f : 5.0f) && value_of(graph, value) == 1);
        ckpt_pending_free(pending);
        ckpt_save_options_free(failing);
    }
    /* The last handle waits, so that memory and devices may be freed then. */
    of_device.gate.open = true;
    of_device.value = 6;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_checkpoint_restore_async(checkpoint, in("saved"), NULL, NULL, &error));
    ckpt_pending *last = NULL;
    CHECK_OK(ckpt_checkpoint_restore_async(checkpoint, in("saved"), NULL, &last, &error));
    ckpt_graph_free(graph);
    ckpt_checkpoint_free(checkpoint);
    CHECK(of_device.value == 5 && ckpt_pending_poll(last, NULL, NULL));
    ckpt_pending_free(last);
    ckpt_device_free(device);
    files(true);
}

/* ---------------------------------------------------------------- managers, and what saves cost */

static void a_manager_resumes(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), value = track_scalar(graph, root, "value", 1);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    ckpt_manager *manager = NULL;
    ckpt_pending *pending = NULL;
    ckpt_string *path = (ckpt_string *)1;
    ckpt_status *status = (ckpt_status *)1;
    CHECK_OK(ckpt_manager_open(checkpoint, directory, NULL, &manager, &error));
    CHECK_OK(ckpt_manager_restore_or_initialize_async(manager, NULL, &pending, &error));
    CHECK_OK(ckpt_pending_take_resumption(pending, &path, &status, &error));
    CHECK(path == NULL && status == NULL);
    ckpt_pending_free(pending);
    CHECK_OK(ckpt_manager_save(manager, NULL, NULL, &error));
    set_value(graph, value, 2);
    CHECK_OK(ckpt_manager_restore_or_initialize_async(manager, NULL, &pending, &error));
    CHECK_OK(ckpt_pending_take_resumption(pending, &path, &status, &error));
    CHECK(text_and_free(path, in("ckpt-1")) && value_of(graph, value) == 1);
    CHECK_OK(ckpt_status_assert_consumed(status, &error));
    ckpt_status_free(status);
    ckpt_pending_free(pending);
    CHECK_OK(ckpt_manager_latest_valid_async(manager, &pending, &error));
    CHECK_OK(ckpt_pending_take_valid_checkpoint(pending, &path, NULL, &error));
    CHECK(text_and_free(path, in("ckpt-1")));
    ckpt_pending_free(pending);
    ckpt_manager_free(manager);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
    files(true);
}

static void saves_say_what_they_cost_and_keep_to_a_limit(void) {
    static const ckpt_phase phases[] = {CKPT_PHASE_COPY, CKPT_PHASE_WRITE, CKPT_PHASE_SYNC, CKPT_PHASE_PUBLISH, CKPT_PHASE_LOCK};
    static const char *const names[] = {"copy", "write", "sync", "publish", "lock"};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph);
    track_scalar(graph, root, "value", 1);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    ckpt_manager *manager = NULL;
    ckpt_pending *pending = NULL;
    uint64_t bytes = 77;
    double seconds = 77;
    CHECK_OK(ckpt_manager_open(checkpoint, directory, NULL, &manager, &error));
    CHECK_OK(ckpt_manager_phase(manager, CKPT_PHASE_WRITE, &bytes, &seconds, &error));
    CHECK(bytes == 0 && seconds == 0);
    CHECK_OK(ckpt_manager_save_async(manager, NULL, &pending, &error));
    CHECK_OK(ckpt_pending_wait(pending, NULL, &error));
    for (size_t i = 0; i < COUNT(phases); i++) {
        uint64_t same = 77;
        CHECK(strcmp(ckpt_phase_name(phases[i]), names[i]) == 0);
        CHECK_OK(ckpt_pending_phase(pending, phases[i], &bytes, &seconds, &error));
        CHECK_OK(ckpt_manager_phase(manager, phases[i], &same, NULL, &error));
        CHECK_INT(bytes, same);
        CHECK(seconds > 0);
        if (phases[i] == CKPT_PHASE_COPY) CHECK_INT(12, bytes); /* the value and the counter */
        if (phases[i] == CKPT_PHASE_WRITE) CHECK(bytes > 12);
        if (phases[i] == CKPT_PHASE_PUBLISH) CHECK_INT(0, bytes);
    }
    CHECK(strcmp(ckpt_phase_name(6), "unknown") == 0);
    bytes = 77;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_pending_phase(pending, 6, &bytes, &seconds, &error));
    CHECK(bytes == 0 && seconds == 0);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_manager_phase(manager, 0, &bytes, &seconds, &error));
    ckpt_pending_free(pending);

    ckpt_save_options *options = ckpt_save_options_new();
    for (uint64_t limit = 11; limit <= 12; limit++) {
        CHECK_OK(ckpt_save_options_set_snapshot_limit(options, limit, &error));
        ckpt_code code = ckpt_checkpoint_save_async(checkpoint, in("ckpt"), options, NULL, &error);
        if (limit < 12)
            check_reason(CKPT_REASON_LIMIT, CKPT_CODE_RESOURCE_EXHAUSTED, code, __LINE__);
        else
            CHECK_OK(code);
    }
    CHECK_OK(ckpt_checkpoint_sync(checkpoint, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_save_options_set_snapshot_limit(NULL, 1, &error));
    ckpt_save_options_free(options);
    ckpt_manager_free(manager);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
    files(true);
}

int main(void) {
    make_directory();
    readers_are_opened_and_read_from();
    checkpoints_are_verified_found_and_merged();
    the_end_is_told_once();
    a_flag_stops_the_calls_whose_options_have_it();
    a_signal_handler_may_cancel();
    a_restore_has_the_graph();
    a_manager_resumes();
    saves_say_what_they_cost_and_keep_to_a_limit();
    remove_directory();
    return check_report();
}
