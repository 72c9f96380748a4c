/* Saving graphs: what counts, what tells the state file, options, callbacks, and what a failure leaves behind. */
#include "graphs.h"

/* A root with a variable "x". */
typedef struct program {
    ckpt_graph *graph;
    ckpt_node root, x;
    ckpt_checkpoint *checkpoint;
} program;

static program make_program(float x) {
    program made = {ckpt_graph_new(), 0, 0, NULL};
    made.root = object(made.graph);
    made.x = track_scalar(made.graph, made.root, "x", x);
    made.checkpoint = checkpoint_of(made.graph, made.root);
    return made;
}

static void free_program(program *program) {
    ckpt_checkpoint_free(program->checkpoint);
    ckpt_graph_free(program->graph);
}

static bool exists(const char *name) {
    ckpt_reader *reader = NULL;
    ckpt_code code = ckpt_reader_open(in(name), NULL, &reader, NULL);
    ckpt_reader_free(reader);
    return code == CKPT_CODE_OK;
}

static void save_counts_and_tells_the_state_file(void) {
    program program = make_program(1);
    for (int64_t expected = 1; expected <= 3; expected++) {
        ckpt_string *path = NULL;
        char name[512];
        int64_t count = 0;
        CHECK_OK(ckpt_checkpoint_save(program.checkpoint, in("ckpt"), NULL, &path, &error));
        snprintf(name, sizeof name, "%s/ckpt-%d", directory, (int)expected);
        CHECK(text_is(ckpt_string_bytes(path), name));
        ckpt_string_free(path);
        CHECK_OK(ckpt_checkpoint_save_count(program.checkpoint, &count, &error));
        CHECK_INT(expected, count);
    }
    ckpt_reader *latest = must_open(directory); /* by the state file */
    CHECK(text_has(ckpt_reader_prefix(latest), "/ckpt-3"));
    CHECK(text_is(ckpt_reader_resolved(latest), "ckpt-3"));
    CHECK(!ckpt_reader_resolved_is_moved(latest) && !ckpt_reader_resolved_is_ambiguous(latest));
    ckpt_reader_free(latest);
    free_program(&program);
    files(true);
}

static void writing_does_not_count(void) {
    program program = make_program(1);
    ckpt_string *path = NULL;
    int64_t count = -1;
    CHECK_OK(ckpt_checkpoint_write(program.checkpoint, in("one"), NULL, &path, &error));
    CHECK(text_is(ckpt_string_bytes(path), in("one")));
    ckpt_string_free(path);
    CHECK_OK(ckpt_checkpoint_write_numbered(program.checkpoint, in("two"), 41, NULL, &path, &error));
    CHECK(text_is(ckpt_string_bytes(path), in("two-41")));
    ckpt_string_free(path);
    ckpt_string *latest = NULL;
    CHECK_OK(ckpt_latest_checkpoint(in(""), NULL, &latest, &error));
    CHECK(text_is(ckpt_string_bytes(latest), in("two-41"))); /* a numbered one is told of */
    ckpt_string_free(latest);
    CHECK_INT(5, files(false));
    ckpt_reader *reader = must_open(in("one"));
    CHECK_INT(2, ckpt_reader_count(reader)); /* x and the object graph */
    ckpt_reader_free(reader);
    CHECK_OK(ckpt_checkpoint_save_count(program.checkpoint, &count, &error));
    CHECK_INT(0, count);
    free_program(&program);
    files(true);
}

static void the_save_counter_is_an_edge_of_the_root(void) {
    program program = make_program(1);
    ckpt_node counter = 0, again = 0;
    CHECK(child_of(program.graph, program.root, "save_counter") == 0);
    CHECK_OK(ckpt_checkpoint_save_counter(program.checkpoint, &counter, &error));
    CHECK(child_of(program.graph, program.root, "save_counter") == counter);
    CHECK_OK(ckpt_checkpoint_save_counter(program.checkpoint, &again, &error));
    CHECK(counter == again);
    free_program(&program);

    /* an object of that name that cannot count is in the way */
    program = make_program(1);
    track(program.graph, program.root, "save_counter", object(program.graph));
    CHECK_FAILS(CKPT_CODE_ALREADY_EXISTS, ckpt_checkpoint_save_counter(program.checkpoint, &counter, &error));
    CHECK(counter == 0);
    CHECK_FAILS(CKPT_CODE_ALREADY_EXISTS, ckpt_checkpoint_save(program.checkpoint, in("ckpt"), NULL, NULL, &error));
    CHECK_INT(0, files(false));
    free_program(&program);
}

static void a_root_can_be_another_object_than_the_checkpoint(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node model = object(graph), x = track_scalar(graph, model, "x", 5), step = integer(graph, 6), counter = 0;
    const ckpt_bytes names[] = {bytes_of("step")}, taken[] = {bytes_of("x")};
    ckpt_checkpoint *checkpoint = NULL;
    CHECK_FAILS(CKPT_CODE_ALREADY_EXISTS, ckpt_checkpoint_new_with_root(graph, model, taken, &step, 1, &checkpoint, &error));
    CHECK(checkpoint == NULL);
    CHECK_OK(ckpt_checkpoint_new_with_root(graph, model, names, &step, 1, &checkpoint, &error));
    CHECK(ckpt_checkpoint_root(checkpoint) == model);
    CHECK_OK(ckpt_checkpoint_save_counter(checkpoint, &counter, &error));
    CHECK(child_of(graph, model, "step") == 0 && child_of(graph, model, "save_counter") == 0);
    write_as(checkpoint, "attached");
    ckpt_reader *reader = must_open(in("attached"));
    must_find(reader, "x/.ATTRIBUTES/VARIABLE_VALUE");
    must_find(reader, "step/.ATTRIBUTES/VARIABLE_VALUE");
    must_find(reader, "save_counter/.ATTRIBUTES/VARIABLE_VALUE");
    ckpt_reader_free(reader);

    /* a checkpoint of plain edges loads it */
    ckpt_graph *other = ckpt_graph_new();
    ckpt_node root = object(other), loaded = track_scalar(other, root, "x", 0), number = integer(other, 0);
    int64_t value = 0;
    track(other, root, "step", number);
    ckpt_checkpoint *plain = checkpoint_of(other, root);
    ckpt_status_free(read_back(plain, "attached"));
    CHECK(value_of(other, loaded) == value_of(graph, x));
    CHECK_OK(ckpt_graph_read_integer(other, number, &value, &error));
    CHECK_INT(6, value);
    ckpt_checkpoint_free(plain);
    ckpt_graph_free(other);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
    files(true);
}

/* ---------------------------------------------------------------- options */

typedef struct heard {
    char order[16];
    char path[512];
    int freed;
    bool fail;
} heard;

static ckpt_code first(void *user_data, const char *path, ckpt_failure *failure) {
    heard *heard = (struct heard *)user_data;
    (void)failure;
    CHECK(exists(strrchr(path, '/') + 1)); /* complete, and not yet in the state file */
    CHECK(!exists(""));
    strcat(heard->order, "1");
    snprintf(heard->path, sizeof heard->path, "%s", path);
    return CKPT_CODE_OK;
}

static ckpt_code second(void *user_data, const char *path, ckpt_failure *failure) {
    heard *heard = (struct heard *)user_data;
    (void)path;
    strcat(heard->order, "2");
    if (!heard->fail) return CKPT_CODE_OK;
    ckpt_failure_set(failure, TEXT("the bucket is full"));
    return CKPT_CODE_UNAVAILABLE;
}

static void count_heard(void *user_data) { ((heard *)user_data)->freed++; }

static void write_callbacks_come_in_order_between_files_and_state(void) {
    program program = make_program(1);
    heard heard = {"", "", 0, false};
    ckpt_save_options *options = ckpt_save_options_new();
    CHECK_OK(ckpt_save_options_add_callback(options, first, &heard, count_heard, &error));
    CHECK_OK(ckpt_save_options_add_callback(options, second, &heard, count_heard, &error));
    CHECK_OK(ckpt_checkpoint_save(program.checkpoint, in("ckpt"), options, NULL, &error));
    CHECK(strcmp(heard.order, "12") == 0);
    CHECK(strcmp(heard.path, in("ckpt-1")) == 0);
    CHECK(exists(""));
    files(true);

    heard.order[0] = '\0';
    heard.fail = true;
    ckpt_error *mine = NULL;
    CHECK_INT(CKPT_CODE_ABORTED, ckpt_checkpoint_save(program.checkpoint, in("ckpt"), options, NULL, &mine));
    CHECK_INT(CKPT_REASON_CALLBACK, ckpt_error_reason(mine));
    CHECK(strstr(ckpt_error_message(mine), "UNAVAILABLE: the bucket is full") != NULL);
    ckpt_error_free(mine);
    CHECK(exists("ckpt-2")); /* it was complete */
    CHECK(!exists(""));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_save_options_add_callback(options, NULL, &heard, count_heard, &error));
    CHECK_INT(1, heard.freed);
    ckpt_save_options_free(options);
    CHECK_INT(3, heard.freed);
    free_program(&program);
    files(true);
}

typedef struct watched {
    uint64_t done, total;
    int calls, freed;
    bool stop;
} watched;

static ckpt_code watch(void *user_data, uint64_t done, uint64_t total) {
    watched *watched = (struct watched *)user_data;
    watched->done = done;
    watched->total = total;
    watched->calls++;
    return watched->stop ? CKPT_CODE_CANCELLED : CKPT_CODE_OK;
}

static void count_watched(void *user_data) { ((watched *)user_data)->freed++; }

static void write_options_are_those_of_the_files(void) {
    static const int64_t shape[] = {3000};
    program program = make_program(1);
    ckpt_node large = 0;
    watched watched = {0, 0, 0, 0, false};
    CHECK_OK(ckpt_graph_add_owned(program.graph, CKPT_DTYPE_DOUBLE, shape, 1, NULL, 0, NULL, &large, &error));
    track(program.graph, program.root, "large", large);
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *options = ckpt_save_options_new();
    CHECK_OK(ckpt_write_options_set_shards(write, 3, &error));
    CHECK_OK(ckpt_write_options_set_durability(write, CKPT_DURABILITY_NONE, &error));
    CHECK_OK(ckpt_write_options_set_progress(write, watch, &watched, count_watched, &error));
    CHECK_OK(ckpt_save_options_set_write_options(options, write, &error));
    ckpt_write_options_free(write); /* they were copied */
    CHECK_INT(0, watched.freed);
    CHECK_OK(ckpt_checkpoint_write(program.checkpoint, in("sharded"), options, NULL, &error));
    ckpt_reader *reader = must_open(in("sharded"));
    CHECK_INT(3, ckpt_reader_shard_count(reader));
    ckpt_reader_free(reader);
    CHECK(watched.calls > 0 && watched.done == watched.total && watched.total >= 24004);

    int before = files(false);
    watched.stop = true;
    CHECK_FAILS(CKPT_CODE_CANCELLED, ckpt_checkpoint_write(program.checkpoint, in("stopped"), options, NULL, &error));
    CHECK_INT(before, files(false));
    CHECK_OK(ckpt_save_options_set_write_options(options, NULL, &error)); /* the defaults again */
    CHECK_INT(1, watched.freed);
    CHECK_OK(ckpt_checkpoint_write(program.checkpoint, in("stopped"), options, NULL, &error));
    ckpt_save_options_free(options);
    free_program(&program);
    files(true);
}

static void a_save_can_be_cancelled(void) {
    program program = make_program(1);
    ckpt_cancel *cancel = ckpt_cancel_new();
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *options = ckpt_save_options_new();
    CHECK_OK(ckpt_write_options_set_cancel(write, cancel, &error));
    CHECK_OK(ckpt_save_options_set_write_options(options, write, &error));
    CHECK_OK(ckpt_checkpoint_save(program.checkpoint, in("ckpt"), options, NULL, &error));
    ckpt_cancel_raise(cancel);
    CHECK_FAILS(CKPT_CODE_CANCELLED, ckpt_checkpoint_save(program.checkpoint, in("ckpt"), options, NULL, &error));
    CHECK(exists("ckpt-1") && !exists("ckpt-2"));
    ckpt_cancel_free(cancel);
    ckpt_write_options_free(write);
    ckpt_save_options_free(options);
    free_program(&program);
    files(true);
}

/* ---------------------------------------------------------------- failures */

static void what_cannot_be_saved_leaves_nothing(void) {
    static const struct {
        const char *what;
        ckpt_reason reason;
    } known[] = {{"a variable without a value", CKPT_REASON_NOT_SHAPED}, {"a list that shrank", CKPT_REASON_UNSAVABLE}};
    for (size_t i = 0; i < COUNT(known); i++) {
        program program = make_program(3);
        ckpt_string *path = (ckpt_string *)&path;
        write_as(program.checkpoint, "kept");
        set_value(program.graph, program.x, 4);
        ckpt_node bad = i == 0 ? unset(program.graph) : 0;
        if (i == 1) {
            CHECK_OK(ckpt_graph_add_list(program.graph, NULL, &bad, &error));
            CHECK_OK(ckpt_graph_list_append(program.graph, bad, program.x, &error));
            CHECK_OK(ckpt_graph_list_remove(program.graph, bad, 0, NULL, &error));
        }
        track(program.graph, program.root, "bad", bad);
        ckpt_error *mine = NULL;
        CHECK_INT(CKPT_CODE_FAILED_PRECONDITION, ckpt_checkpoint_write(program.checkpoint, in("kept"), NULL, &path, &mine));
        CHECK_INT(known[i].reason, ckpt_error_reason(mine));
        CHECK(path == NULL);
        ckpt_error_free(mine);
        CHECK_INT(2, files(false));
        CHECK_OK(ckpt_graph_untrack(program.graph, program.root, TEXT("bad"), NULL, &error));
        ckpt_status_free(read_back(program.checkpoint, "kept"));
        CHECK(value_of(program.graph, program.x) == 3);
        free_program(&program);
        files(true);
    }
}

static void a_directory_that_cannot_be_made_is_an_error(void) {
    program program = make_program(1);
    char path[512];
    write_as(program.checkpoint, "file");
    snprintf(path, sizeof path, "%s/file.index/ckpt", directory);
    CHECK(ckpt_checkpoint_save(program.checkpoint, path, NULL, NULL, NULL) != CKPT_CODE_OK);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_checkpoint_write(program.checkpoint, "", NULL, NULL, &error));
    free_program(&program);
    files(true);
}

/* ---------------------------------------------------------------- handles */

static void handles_are_freed_in_any_order(void) {
    for (int order = 0; order < 6; order++) {
        program program = make_program(2);
        write_as(program.checkpoint, "order");
        ckpt_status *status = read_back(program.checkpoint, "order");
        static const char *const orders[] = {"gcs", "gsc", "cgs", "csg", "sgc", "scg"};
        for (const char *at = orders[order]; *at != '\0'; at++) {
            if (*at == 'g') ckpt_graph_free(program.graph);
            if (*at == 'c') ckpt_checkpoint_free(program.checkpoint);
            if (*at == 's') {
                CHECK_OK(ckpt_status_assert_consumed(status, &error));
                ckpt_status_free(status);
            }
        }
        files(true);
    }
}

static void a_checkpoint_gives_its_graph(void) {
    program program = make_program(2);
    ckpt_graph_free(program.graph);
    program.graph = ckpt_checkpoint_graph(program.checkpoint);
    CHECK(value_of(program.graph, program.x) == 2);
    CHECK(ckpt_checkpoint_root(program.checkpoint) == program.root);
    free_program(&program);
    CHECK(ckpt_checkpoint_graph(NULL) == NULL);
    CHECK(ckpt_checkpoint_root(NULL) == 0);
}

int main(void) {
    make_directory();
    save_counts_and_tells_the_state_file();
    writing_does_not_count();
    the_save_counter_is_an_edge_of_the_root();
    a_root_can_be_another_object_than_the_checkpoint();
    write_callbacks_come_in_order_between_files_and_state();
    write_options_are_those_of_the_files();
    a_save_can_be_cancelled();
    what_cannot_be_saved_leaves_nothing();
    a_directory_that_cannot_be_made_is_an_error();
    handles_are_freed_in_any_order();
    a_checkpoint_gives_its_graph();
    remove_directory();
    return check_report();
}
