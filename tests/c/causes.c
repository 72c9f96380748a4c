/* The cause that a failing callback sets comes back with the error of the call, as often as that is asked for, and is freed once.
 */
#include "graphs.h"

typedef struct cause {
    const char *text;
    int frees;
} cause;

static void free_cause(void *data) { ((cause *)data)->frees++; }

static ckpt_code fail(void *user_data, ckpt_failure *failure) {
    ckpt_failure_set_cause(failure, user_data, free_cause);
    ckpt_failure_set(failure, TEXT("no"));
    return CKPT_CODE_UNKNOWN;
}

static ckpt_code fail_to_save(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    (void)sink;
    return fail(user_data, failure);
}

static ckpt_code fail_to_restore(void *user_data, const ckpt_source *source, ckpt_failure *failure) {
    (void)source;
    return fail(user_data, failure);
}

static ckpt_code fail_when_written(void *user_data, const char *path, ckpt_failure *failure) {
    (void)path;
    return fail(user_data, failure);
}

static ckpt_code fail_to_send(void *user_data, const void *message, size_t size, ckpt_messages *messages, ckpt_failure *failure) {
    (void)message, (void)size, (void)messages;
    return fail(user_data, failure);
}

static ckpt_code change_the_mind(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    (void)sink;
    fail(user_data, failure);
    ckpt_failure_set_cause(failure, user_data, free_cause); /* the first one goes */
    CHECK_INT(1, ((cause *)user_data)->frees);
    return CKPT_CODE_OK;
}

/* The error of a call has the cause, which lives as long as the error. */
static void has_cause(ckpt_code expected, ckpt_code code, cause *cause, bool is_last) {
    CHECK_INT(expected, code);
    CHECK(ckpt_error_cause(error, free_cause) == cause);
    CHECK(ckpt_error_cause(error, NULL) == NULL); /* which is of another kind */
    const int before = cause->frees;
    ckpt_error_free(error);
    error = NULL;
    CHECK_INT(before + is_last, cause->frees);
}

typedef struct program {
    ckpt_graph *graph;
    ckpt_node root;
    ckpt_checkpoint *checkpoint;
} program;

static program make_program(void) {
    program made = {ckpt_graph_new(), 0, NULL};
    made.root = object(made.graph);
    made.checkpoint = checkpoint_of(made.graph, made.root);
    return made;
}

static void free_program(program *program) {
    ckpt_checkpoint_free(program->checkpoint);
    ckpt_graph_free(program->graph);
    files(true);
}

static void track_state(const program *program, ckpt_save_callback save, ckpt_restore_callback restore, cause *cause) {
    ckpt_node state = 0;
    CHECK_OK(ckpt_graph_add_state(program->graph, save, restore, cause, NULL, NULL, &state, &error));
    track(program->graph, program->root, "state", state);
}

static ckpt_code save_nothing(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    const int32_t value = 1;
    (void)user_data, (void)failure;
    return ckpt_sink_put(sink, TEXT("v"), CKPT_DTYPE_INT32, NULL, 0, &value, sizeof value, NULL);
}

static void the_cause_comes_with_the_error_of_the_call(void) {
    cause save = {"save", 0}, restore = {"restore", 0}, mind = {"mind", 0};
    program program = make_program();
    track_state(&program, fail_to_save, fail_to_restore, &save);
    has_cause(CKPT_CODE_ABORTED, ckpt_checkpoint_save(program.checkpoint, in("ckpt"), NULL, NULL, &error), &save, true);
    CHECK_INT(CKPT_CODE_ABORTED, ckpt_checkpoint_save(program.checkpoint, in("ckpt"), NULL, NULL, NULL)); /* nobody wants it */
    CHECK_INT(2, save.frees);
    free_program(&program);

    program = make_program();
    track_state(&program, save_nothing, fail_to_restore, &restore);
    CHECK_OK(ckpt_checkpoint_write(program.checkpoint, in("ckpt"), NULL, NULL, &error));
    ckpt_status *status = NULL;
    has_cause(CKPT_CODE_ABORTED, ckpt_checkpoint_restore(program.checkpoint, in("ckpt"), NULL, &status, &error), &restore, true);
    /* An error that no callback caused has none. */
    CHECK_INT(CKPT_CODE_NOT_FOUND, ckpt_checkpoint_restore(program.checkpoint, in("none"), NULL, &status, &error));
    CHECK(ckpt_error_cause(error, free_cause) == NULL);
    ckpt_error_free(error);
    error = NULL;
    free_program(&program);

    program = make_program();
    track_state(&program, change_the_mind, fail_to_restore, &mind);
    CHECK_OK(ckpt_checkpoint_write(program.checkpoint, in("ckpt"), NULL, NULL, &error));
    CHECK_INT(2, mind.frees);
    free_program(&program);
}

static void a_save_in_the_background_gives_its_cause_each_time(void) {
    cause written = {"written", 0};
    program program = make_program();
    ckpt_save_options *options = ckpt_save_options_new();
    ckpt_pending *pending = NULL;
    CHECK_OK(ckpt_save_options_add_callback(options, fail_when_written, &written, NULL, &error));
    CHECK_OK(ckpt_checkpoint_save_async(program.checkpoint, in("ckpt"), options, &pending, &error));
    ckpt_save_options_free(options);
    for (int i = 0; i < 3; i++) has_cause(CKPT_CODE_ABORTED, ckpt_pending_wait(pending, NULL, &error), &written, false);
    has_cause(CKPT_CODE_ABORTED, ckpt_checkpoint_last_failure(program.checkpoint, &error), &written, false);
    ckpt_pending_free(pending);

    /* A save that is cancelled later has another error, and no cause of the earlier one. */
    ckpt_cancel *cancel = ckpt_cancel_new();
    ckpt_write_options *write = ckpt_write_options_new();
    options = ckpt_save_options_new();
    ckpt_cancel_raise(cancel);
    CHECK_OK(ckpt_write_options_set_cancel(write, cancel, &error));
    CHECK_OK(ckpt_save_options_set_write_options(options, write, &error));
    CHECK_INT(CKPT_CODE_CANCELLED, ckpt_checkpoint_save(program.checkpoint, in("ckpt"), options, NULL, &error));
    CHECK(ckpt_error_cause(error, free_cause) == NULL);
    ckpt_error_free(error);
    error = NULL;
    ckpt_cancel_free(cancel);
    ckpt_write_options_free(write);
    ckpt_save_options_free(options);
    CHECK_INT(0, written.frees);
    free_program(&program);
    CHECK_INT(1, written.frees);
}

static void a_rank_has_the_cause_of_its_own_failure(void) {
    cause gather = {"gather", 0};
    program program = make_program();
    ckpt_ranks *ranks = NULL;
    CHECK_OK(ckpt_ranks_new(0, 2, fail_to_send, fail_to_send, &gather, NULL, &ranks, &error));
    has_cause(CKPT_CODE_UNAVAILABLE, ckpt_checkpoint_save_ranked(program.checkpoint, in("r"), ranks, NULL, NULL, &error), &gather,
              true);
    ckpt_ranks_free(ranks);
    free_program(&program);
}

static void nobody_takes_what_nobody_can_fail_for(void) {
    cause early = {"early", 0};
    ckpt_failure_set_cause(NULL, &early, free_cause);
    CHECK_INT(1, early.frees);
    ckpt_failure_set_cause(NULL, &early, NULL);
    CHECK(ckpt_error_cause(NULL, free_cause) == NULL);
}

int main(void) {
    make_directory();
    the_cause_comes_with_the_error_of_the_call();
    a_save_in_the_background_gives_its_cause_each_time();
    a_rank_has_the_cause_of_its_own_failure();
    nobody_takes_what_nobody_can_fail_for();
    remove_directory();
    return check_report();
}
