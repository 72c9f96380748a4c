/* Saves in the background. A save is held at a gate until the test has done what it has to do meanwhile. Also run under
 * ThreadSanitizer. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include "gates.h"
#include "graphs.h"

/* ---------------------------------------------------------------- what is saved */

static void freed(void *user_data) { ((gate *)user_data)->frees++; }

static ckpt_code refuse(void *user_data, const char *path, ckpt_failure *failure) {
    (void)user_data, (void)path;
    ckpt_failure_set(failure, TEXT("refused"));
    return CKPT_CODE_ABORTED;
}

/* Options that sync nothing; those with a gate stop there when something, but not all, is written. */
static ckpt_save_options *options_of(gate *gate) {
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *options = ckpt_save_options_new();
    CHECK_OK(ckpt_write_options_set_durability(write, CKPT_DURABILITY_NONE, &error));
    CHECK_OK(ckpt_write_options_set_threads(write, 1, &error));
    if (gate != NULL) CHECK_OK(ckpt_write_options_set_progress(write, at_progress, gate, freed, &error));
    CHECK_OK(ckpt_save_options_set_write_options(options, write, &error));
    ckpt_write_options_free(write);
    return options;
}

static ckpt_save_options *refusing(void) {
    ckpt_save_options *options = options_of(NULL);
    CHECK_OK(ckpt_save_options_add_callback(options, refuse, NULL, NULL, &error));
    return options;
}

enum { LENGTH = 3 << 20 };

/* A root with "value", memory of the program's. */
typedef struct program {
    ckpt_graph *graph;
    ckpt_node root, value;
    ckpt_checkpoint *checkpoint;
    uint8_t *memory;
} program;

static program make_program(void) {
    static const int64_t shape[] = {LENGTH};
    program made = {ckpt_graph_new(), 0, 0, NULL, (uint8_t *)malloc(LENGTH)};
    memset(made.memory, 1, LENGTH);
    made.root = object(made.graph);
    CHECK_OK(ckpt_graph_add_borrowed(made.graph, CKPT_DTYPE_UINT8, shape, 1, made.memory, LENGTH, NULL, NULL, NULL, &made.value,
                                     &error));
    track(made.graph, made.root, "value", made.value);
    made.checkpoint = checkpoint_of(made.graph, made.root);
    return made;
}

static void free_program(program *program) {
    ckpt_checkpoint_free(program->checkpoint);
    ckpt_graph_free(program->graph);
    free(program->memory);
    files(true);
}

static ckpt_pending *save_async(const program *program, const ckpt_save_options *options) {
    ckpt_pending *pending = NULL;
    if (!CHECK_OK(ckpt_checkpoint_save_async(program->checkpoint, in("ckpt"), options, &pending, &error))) exit(1);
    return pending;
}

/* Whether all of "value" is this in a checkpoint. */
static bool value_is(const char *name, uint8_t expected) {
    static const char key[] = "value/.ATTRIBUTES/VARIABLE_VALUE";
    ckpt_reader *reader = must_open(in(name));
    uint8_t *found = (uint8_t *)malloc(LENGTH);
    bool is = CHECK_OK(ckpt_reader_read(reader, must_find(reader, key), NULL, found, LENGTH, &error));
    for (size_t i = 0; is && i < LENGTH; i++) is = found[i] == expected;
    free(found);
    ckpt_reader_free(reader);
    return is;
}

static bool text_and_free(ckpt_string *text, const char *expected) {
    bool is = text != NULL && text_is(ckpt_string_bytes(text), expected);
    ckpt_string_free(text);
    return is;
}

/* ---------------------------------------------------------------- tests */

static void memory_may_change_when_the_call_has_returned(void) {
    program program = make_program();
    gate gate = CLOSED;
    ckpt_save_options *options = options_of(&gate);
    ckpt_pending *pending = save_async(&program, options);
    ckpt_save_options_free(options);
    uint64_t done = 77, total = 77;
    CHECK(text_is(ckpt_pending_path(pending), in("ckpt-1")));
    wait_for(&gate);
    CHECK(!ckpt_pending_poll(pending, &done, &total));
    CHECK(0 < done && done < total && total >= LENGTH);
    CHECK(!ckpt_pending_poll(pending, NULL, NULL));
    CHECK(!ckpt_pending_wait_for(pending, 0) && !ckpt_pending_wait_for(pending, -1) && !ckpt_pending_wait_for(pending, 1e-3));
    memset(program.memory, 2, LENGTH);
    set_value(program.graph, track_scalar(program.graph, program.root, "later", 1), 2); /* the graph is free */
    CHECK_INT(0, gate.frees);
    open_gate(&gate);

    ckpt_string *path = NULL;
    CHECK_OK(ckpt_pending_wait(pending, &path, &error));
    CHECK(text_and_free(path, in("ckpt-1")));
    CHECK_INT(1, gate.frees); /* what was the caller's was let go */
    CHECK_OK(ckpt_pending_wait(pending, NULL, &error));
    CHECK(ckpt_pending_poll(pending, &done, &total));
    CHECK_INT(total, done);
    CHECK(value_is("ckpt-1", 1));
    int64_t count = 0;
    CHECK_OK(ckpt_checkpoint_save_count(program.checkpoint, &count, &error));
    CHECK_INT(1, count);
    ckpt_pending_free(pending);

    options = options_of(NULL);
    CHECK_OK(ckpt_checkpoint_write_async(program.checkpoint, in("written"), options, NULL, &error)); /* nobody asks */
    CHECK_OK(ckpt_checkpoint_sync(program.checkpoint, &error));
    CHECK(value_is("written", 2));
    ckpt_save_options_free(options);
    free_program(&program);
}

static void a_save_finds_another_one_running(void) {
    program program = make_program();
    gate gate = CLOSED;
    ckpt_save_options *held = options_of(&gate), *options = options_of(NULL);
    ckpt_pending *pending = save_async(&program, held), *second = (ckpt_pending *)1;
    wait_for(&gate);
    CHECK_OK(ckpt_save_options_set_busy(options, CKPT_BUSY_FAIL, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_save_options_set_busy(options, 2, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_save_options_set_busy(NULL, CKPT_BUSY_WAIT, &error));
    ckpt_error *problem = NULL;
    CHECK_INT(CKPT_CODE_UNAVAILABLE, ckpt_checkpoint_save_async(program.checkpoint, in("ckpt"), options, &second, &problem));
    CHECK_INT(CKPT_REASON_BUSY, ckpt_error_reason(problem));
    CHECK(second == NULL);
    ckpt_error_free(problem);
    CHECK_FAILS(CKPT_CODE_UNAVAILABLE, ckpt_checkpoint_save(program.checkpoint, in("ckpt"), options, NULL, &error));

    /* Cancelled, it leaves nothing, and no other call says so. */
    ckpt_pending_cancel(pending);
    open_gate(&gate);
    CHECK_FAILS(CKPT_CODE_CANCELLED, ckpt_pending_wait(pending, NULL, &error));
    CHECK_INT(0, files(false));
    CHECK_OK(ckpt_save_options_set_busy(options, CKPT_BUSY_WAIT, &error));
    CHECK_OK(ckpt_checkpoint_save_async(program.checkpoint, in("ckpt"), options, NULL, &error));
    CHECK_OK(ckpt_checkpoint_save_async(program.checkpoint, in("ckpt"), options, &second, &error)); /* waits */
    CHECK(text_is(ckpt_pending_path(second), in("ckpt-3")));
    CHECK_OK(ckpt_checkpoint_restore(program.checkpoint, in("ckpt-3"), NULL, NULL, &error)); /* so does this */
    CHECK(ckpt_pending_poll(second, NULL, NULL));
    ckpt_pending_free(pending);
    ckpt_pending_free(second);
    ckpt_save_options_free(held);
    ckpt_save_options_free(options);
    free_program(&program);
}

static void errors_are_not_lost(void) {
    program program = make_program();
    ckpt_save_options *bad = refusing(), *options = options_of(NULL);
    ckpt_pending *pending = save_async(&program, bad);
    ckpt_string *path = (ckpt_string *)1;
    CHECK_INT(CKPT_CODE_ABORTED, ckpt_pending_wait(pending, &path, &error));
    CHECK(path == NULL && strstr(ckpt_error_message(error), "refused") != NULL);
    ckpt_error_free(error);
    error = NULL;
    CHECK_FAILS(CKPT_CODE_ABORTED, ckpt_pending_wait(pending, NULL, &error));
    ckpt_pending_free(pending);

    CHECK_OK(ckpt_checkpoint_sync(program.checkpoint, &error));
    pending = save_async(&program, bad);
    CHECK(ckpt_pending_wait_for(pending, 1e300)); /* asks for no error */
    ckpt_pending_free(pending);
    CHECK_FAILS(CKPT_CODE_ABORTED, ckpt_checkpoint_sync(program.checkpoint, &error));
    CHECK_OK(ckpt_checkpoint_sync(program.checkpoint, &error));

    /* What is known before anything is written comes out of the call. */
    pending = (ckpt_pending *)1;
    track(program.graph, program.root, "unset", unset(program.graph));
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION,
                ckpt_checkpoint_save_async(program.checkpoint, in("ckpt"), options, &pending, &error));
    CHECK(pending == NULL);
    ckpt_save_options_free(bad);
    ckpt_save_options_free(options);
    free_program(&program);
}

static int failures_logged;

static void log_failure(void *user_data, ckpt_severity severity, const char *text, size_t len) {
    (void)user_data, (void)len;
    failures_logged += severity == CKPT_SEVERITY_ERROR && strstr(text, "in the background failed") && strstr(text, "refused");
}

static void a_save_that_failed_costs_no_other(void) {
    program program = make_program();
    ckpt_manager *manager = NULL;
    ckpt_save_options *bad = refusing(), *options = options_of(NULL);
    failures_logged = 0;
    CHECK_OK(ckpt_manager_open(program.checkpoint, in("managed"), NULL, &manager, &error));
    CHECK_OK(ckpt_checkpoint_set_log(program.checkpoint, log_failure, NULL, NULL, &error));
    CHECK_OK(ckpt_checkpoint_last_failure(program.checkpoint, &error));
    CHECK_OK(ckpt_checkpoint_save_async(program.checkpoint, in("ckpt"), bad, NULL, &error));
    int64_t count = 0;
    CHECK_OK(ckpt_checkpoint_save(program.checkpoint, in("ckpt"), options, NULL, &error));
    CHECK_OK(ckpt_checkpoint_save_count(program.checkpoint, &count, &error));
    CHECK_INT(2, count);
    for (int i = 0; i < 2; i++) {
        CHECK_FAILS(CKPT_CODE_ABORTED, ckpt_checkpoint_last_failure(program.checkpoint, &error));
        CHECK_FAILS(CKPT_CODE_ABORTED, ckpt_manager_last_failure(manager, &error));
    }
    CHECK_FAILS(CKPT_CODE_ABORTED, ckpt_checkpoint_sync(program.checkpoint, &error));
    CHECK_OK(ckpt_checkpoint_sync(program.checkpoint, &error));
    CHECK_INT(1, failures_logged);
    ckpt_manager_free(manager);
    ckpt_save_options_free(bad);
    ckpt_save_options_free(options);
    free_program(&program);
}

static void handles_may_be_freed_in_any_order(void) {
    program program = make_program();
    gate gate = CLOSED;
    ckpt_save_options *options = options_of(&gate);
    ckpt_pending *pending = save_async(&program, options);
    ckpt_save_options_free(options);
    wait_for(&gate);
    open_gate(&gate);
    ckpt_graph_free(program.graph);
    ckpt_checkpoint_free(program.checkpoint); /* waits: it is the last */
    CHECK(ckpt_pending_poll(pending, NULL, NULL));
    CHECK_INT(1, gate.frees);
    CHECK(value_is("ckpt-1", 1));
    CHECK_OK(ckpt_pending_wait(pending, NULL, &error));
    ckpt_pending_free(pending);
    free(program.memory);
    files(true);

    ckpt_pending_free(NULL);
    ckpt_pending_cancel(NULL);
    CHECK(ckpt_pending_wait_for(NULL, 1));
    uint64_t done = 77;
    CHECK(ckpt_pending_poll(NULL, &done, NULL) && done == 0);
    CHECK_INT(0, ckpt_pending_path(NULL).len);
    ckpt_string *path = (ckpt_string *)1;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_pending_wait(NULL, &path, &error));
    CHECK(path == NULL);
}

/* From inside a written callback, in the background. */
typedef struct inside {
    struct gate gate; /* until it has the pending save */
    const ckpt_checkpoint *checkpoint;
    ckpt_graph *graph;
    ckpt_pending *pending;
    ckpt_code codes[4];
    bool is_over;
} inside;

static ckpt_code call_from_inside(void *user_data, const char *path, ckpt_failure *failure) {
    inside *inside = (struct inside *)user_data;
    (void)failure;
    stop_at(&inside->gate);
    ckpt_node node = 0;
    inside->codes[0] = ckpt_graph_add_object(inside->graph, NULL, &node, NULL);
    inside->codes[1] = ckpt_checkpoint_save(inside->checkpoint, path, NULL, NULL, NULL);
    inside->codes[2] = ckpt_checkpoint_sync(inside->checkpoint, NULL);
    inside->codes[3] = ckpt_pending_wait(inside->pending, NULL, NULL);
    inside->is_over = ckpt_pending_wait_for(inside->pending, 1e300);
    return CKPT_CODE_OK;
}

static void a_callback_in_the_background_may_not_call_the_graph(void) {
    program program = make_program();
    inside inside = {CLOSED, program.checkpoint, program.graph, NULL, {0, 0, 0, 0}, true};
    ckpt_save_options *options = options_of(NULL);
    CHECK_OK(ckpt_save_options_add_callback(options, call_from_inside, &inside, NULL, &error));
    inside.pending = save_async(&program, options);
    open_gate(&inside.gate);
    CHECK_OK(ckpt_pending_wait(inside.pending, NULL, &error));
    for (size_t i = 0; i < COUNT(inside.codes); i++) CHECK_INT(CKPT_CODE_FAILED_PRECONDITION, inside.codes[i]);
    CHECK(!inside.is_over);
    ckpt_pending_free(inside.pending);
    ckpt_save_options_free(options);
    free_program(&program);
}

static void a_manager_records_what_is_complete(void) {
    program program = make_program();
    ckpt_manager_options *managing = ckpt_manager_options_new();
    ckpt_manager *manager = NULL;
    CHECK_OK(ckpt_manager_options_set_max_to_keep(managing, 2, &error));
    CHECK_OK(ckpt_manager_options_set_checkpoint_interval(managing, 10, &error));
    CHECK_OK(ckpt_manager_options_set_steps_in_calls(managing, true, &error));
    CHECK_OK(ckpt_manager_open(program.checkpoint, directory, managing, &manager, &error));
    for (int step = 10; step <= 30; step += 10) {
        gate gate = CLOSED;
        ckpt_save_options *save = options_of(&gate);
        ckpt_manager_save_options *options = ckpt_manager_save_options_new();
        ckpt_pending *pending = NULL, *early = (ckpt_pending *)1;
        CHECK_OK(ckpt_manager_save_options_set_step(options, step, &error));
        CHECK_OK(ckpt_manager_save_options_set_save_options(options, save, &error));
        memset(program.memory, step, LENGTH);
        CHECK_OK(ckpt_manager_save_async(manager, options, &pending, &error));
        wait_for(&gate);
        memset(program.memory, 77, LENGTH);
        CHECK_OK(ckpt_manager_save_options_set_step(options, step + 5, &error));
        CHECK_OK(ckpt_manager_save_async(manager, options, &early, &error)); /* does not wait */
        CHECK(early == NULL);
        open_gate(&gate);
        CHECK_OK(ckpt_pending_wait(pending, NULL, &error));
        ckpt_string *latest = ckpt_manager_latest_checkpoint(manager);
        CHECK(latest != NULL &&
              bytes_are(ckpt_string_bytes(latest), ckpt_pending_path(pending).data, ckpt_pending_path(pending).len));
        ckpt_string_free(latest);
        ckpt_pending_free(pending);
        ckpt_manager_save_options_free(options);
        ckpt_save_options_free(save);
    }
    ckpt_strings *kept = ckpt_manager_checkpoints(manager);
    CHECK_INT(2, ckpt_strings_count(kept));
    CHECK(text_is(ckpt_strings_get(kept, 0), in("ckpt-2")) && text_is(ckpt_strings_get(kept, 1), in("ckpt-3")));
    CHECK(value_is("ckpt-2", 20) && value_is("ckpt-3", 30));
    bool is_there = true;
    CHECK_OK(ckpt_checkpoint_exists(in("ckpt-1"), &is_there, &error));
    CHECK(!is_there);
    ckpt_strings_free(kept);
    ckpt_manager_free(manager);
    ckpt_manager_options_free(managing);
    free_program(&program);
}

/* Two checkpoints are written at once, and one is saved from several threads, which come one after the other. */
typedef struct saver {
    pthread_t thread;
    const struct program *program;
    int failed;
} saver;

static void *save_some(void *argument) {
    saver *me = (saver *)argument;
    ckpt_save_options *options = ckpt_save_options_new();
    ckpt_write_options *write = ckpt_write_options_new();
    me->failed += ckpt_write_options_set_durability(write, CKPT_DURABILITY_NONE, NULL) != CKPT_CODE_OK;
    me->failed += ckpt_save_options_set_write_options(options, write, NULL) != CKPT_CODE_OK;
    ckpt_write_options_free(write);
    char prefix[300];
    snprintf(prefix, sizeof prefix, "%s/ckpt", directory);
    for (int round = 0; round < 5; round++) {
        ckpt_pending *pending = NULL;
        me->failed += ckpt_checkpoint_save_async(me->program->checkpoint, prefix, options, &pending, NULL) != CKPT_CODE_OK;
        ckpt_pending_poll(pending, NULL, NULL);
        if (round % 2 == 0) me->failed += ckpt_pending_wait(pending, NULL, NULL) != CKPT_CODE_OK;
        ckpt_pending_free(pending);
    }
    ckpt_save_options_free(options);
    return NULL;
}

static void several_threads_save(void) {
    program program = make_program(), other = make_program();
    gate one = CLOSED, two = CLOSED;
    ckpt_save_options *options = options_of(&one), *other_options = options_of(&two);
    ckpt_pending *pending = NULL, *other_pending = NULL;
    CHECK_OK(ckpt_checkpoint_write_async(program.checkpoint, in("one"), options, &pending, &error));
    CHECK_OK(ckpt_checkpoint_write_async(other.checkpoint, in("two"), other_options, &other_pending, &error));
    wait_for(&one);
    wait_for(&two);
    open_gate(&one);
    open_gate(&two);
    CHECK_OK(ckpt_pending_wait(pending, NULL, &error));
    CHECK_OK(ckpt_pending_wait(other_pending, NULL, &error));
    CHECK(value_is("one", 1) && value_is("two", 1));
    ckpt_pending_free(pending);
    ckpt_pending_free(other_pending);
    ckpt_save_options_free(options);
    ckpt_save_options_free(other_options);

    saver savers[3];
    for (size_t i = 0; i < COUNT(savers); i++) {
        savers[i].program = &program;
        savers[i].failed = 0;
        CHECK_INT(0, pthread_create(&savers[i].thread, NULL, save_some, &savers[i]));
    }
    for (size_t i = 0; i < COUNT(savers); i++) {
        pthread_join(savers[i].thread, NULL);
        CHECK_INT(0, savers[i].failed);
    }
    CHECK_OK(ckpt_checkpoint_sync(program.checkpoint, &error));
    CHECK(value_is("ckpt-15", 1));
    ckpt_checkpoint_free(other.checkpoint);
    ckpt_graph_free(other.graph);
    free(other.memory);
    free_program(&program);
}

int main(void) {
    make_directory();
    memory_may_change_when_the_call_has_returned();
    a_save_finds_another_one_running();
    errors_are_not_lost();
    a_save_that_failed_costs_no_other();
    handles_may_be_freed_in_any_order();
    a_callback_in_the_background_may_not_call_the_graph();
    a_manager_records_what_is_complete();
    several_threads_save();
    remove_directory();
    return check_report();
}
