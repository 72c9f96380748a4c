/* The programs of README.md and docs/c.md: what stands there between two of these marks is the same, line by line
 * (tests/snippets.py). */
#include "graphs.h"

/* [errors] */
static int say_what_is_wrong(const char *path) {
    ckpt_reader *reader = NULL;
    ckpt_error *problem = NULL;
    ckpt_code code = ckpt_reader_open(path, NULL, &reader, &problem);
    if (code == CKPT_CODE_NOT_FOUND) {
        printf("there is no checkpoint %s\n", path);
    } else if (code != CKPT_CODE_OK) {
        ckpt_bytes file = ckpt_error_file(problem); /* lent: it lives as long as the error */
        printf("%s: %.*s: %s\n", ckpt_code_name(code), (int)file.len, (const char *)file.data, ckpt_error_message(problem));
    }
    ckpt_error_free(problem);
    ckpt_reader_free(reader);
    return code == CKPT_CODE_OK ? 0 : 1;
}
/* [end] */

/* [floats] */
static ckpt_code read_floats(const ckpt_reader *reader, const ckpt_tensor *tensor, float *values, size_t size,
                             ckpt_error **problem) {
    ckpt_read_options *options = ckpt_read_options_new();
    ckpt_code code = ckpt_read_options_set_dtype(options, CKPT_DTYPE_FLOAT, problem);
    if (!code) code = ckpt_read_options_set_conversion(options, CKPT_CONVERSION_EXACT, problem);
    if (!code) code = ckpt_reader_read(reader, tensor, options, values, size, problem); /* size: of the floats */
    ckpt_read_options_free(options);
    return code;
}
/* [end] */

/* [slice] */
static ckpt_code middle(const ckpt_reader *reader, float values[3], ckpt_error **problem) {
    const int64_t start[] = {0, 1}, length[] = {1, 3};
    const ckpt_tensor *kernel = NULL;
    ckpt_code code = ckpt_reader_find(reader, "net/l1/kernel", CKPT_NUL, &kernel, problem);
    if (!code) code = ckpt_reader_read_slice(reader, kernel, start, length, 2, NULL, values, 3 * sizeof *values, problem);
    return code;
}
/* [end] */

/* [resume] */
static ckpt_code resume(float kernel[5], ckpt_checkpoint **checkpoint, ckpt_error **error) {
    const int64_t shape[] = {1, 5};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root, layer, variable;
    ckpt_status *status = NULL;
    ckpt_code code = ckpt_graph_add_object(graph, NULL, &root, error);
    if (!code) code = ckpt_graph_add_object(graph, NULL, &layer, error);
    if (!code) code = ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 2, kernel, 20, NULL, NULL, NULL, &variable, error);
    if (!code) code = ckpt_graph_track(graph, root, "layer", CKPT_NUL, layer, error); /* edges have names … */
    if (!code) code = ckpt_graph_track(graph, layer, "kernel", CKPT_NUL, variable, error);
    if (!code) code = ckpt_checkpoint_new(graph, root, checkpoint, error);
    if (!code) code = ckpt_checkpoint_restore(*checkpoint, "run/ckpt-7", NULL, &status, error); /* … which are matched */
    if (!code) code = ckpt_status_assert_consumed(status, error);                               /* or ckpt_status_report */
    ckpt_status_free(status);
    ckpt_graph_free(graph); /* the checkpoint keeps what it needs */
    return code;
}
/* [end] */

/* [train] */
static ckpt_code train(const ckpt_checkpoint *checkpoint, ckpt_node step, ckpt_error **error) {
    ckpt_manager_options *options = ckpt_manager_options_new();
    ckpt_manager *manager = NULL;
    int64_t now = 0;
    ckpt_graph *graph = ckpt_checkpoint_graph(checkpoint);
    ckpt_code code = ckpt_manager_options_set_max_to_keep(options, 3, error); /* the newest three stay */
    if (!code) code = ckpt_manager_open(checkpoint, "run/ckpts", options, &manager, error);
    if (!code) code = ckpt_manager_restore_or_initialize(manager, NULL, NULL, NULL, error); /* resume, or start */
    if (!code) code = ckpt_graph_read_integer(graph, step, &now, error);
    for (; !code && now < 1000; now++) {
        /* ... one step ... */
        if (now % 10 == 9) code = ckpt_manager_save(manager, NULL, NULL, error); /* and removes the oldest */
    }
    ckpt_manager_free(manager);
    ckpt_manager_options_free(options);
    ckpt_graph_free(graph);
    return code;
}
/* [end] */

/* [save] */
static ckpt_code save(const char *prefix, const float weights[3][4], ckpt_error **error) {
    const int64_t shape[] = {3, 4};
    ckpt_writer *writer;
    ckpt_code code = ckpt_writer_new(prefix, NULL, &writer, error); /* NULL: default options */
    if (!code) code = ckpt_writer_add(writer, "net/kernel", CKPT_NUL, CKPT_DTYPE_FLOAT, shape, 2, weights, 48, error);
    if (!code) code = ckpt_writer_finish(writer, error); /* everything is written, synced, published */
    ckpt_writer_free(writer);
    return code;
}
/* [end] */

/* [state] */
typedef struct generator {
    uint64_t words[2];
} generator;

static ckpt_code save_generator(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    const generator *from = (const generator *)user_data;
    const int64_t shape[] = {2};
    (void)failure; /* ckpt_failure_set would say why it fails */
    return ckpt_sink_put(sink, "words", CKPT_NUL, CKPT_DTYPE_UINT64, shape, 1, from->words, sizeof from->words, NULL);
}

static ckpt_code restore_generator(void *user_data, const ckpt_source *source, ckpt_failure *failure) {
    generator *into = (generator *)user_data;
    const ckpt_source_tensor *words = ckpt_source_find(source, "words", 5);
    ckpt_bytes bytes = words ? ckpt_source_tensor_bytes(words) : (ckpt_bytes){NULL, 0};
    if (bytes.len != sizeof into->words) {
        ckpt_failure_set(failure, "these are not two words", 23);
        return CKPT_CODE_INVALID_ARGUMENT;
    }
    memcpy(into->words, bytes.data, bytes.len);
    return CKPT_CODE_OK;
}

static ckpt_code add_generator(const ckpt_graph *graph, generator *state, ckpt_node *node, ckpt_error **problem) {
    return ckpt_graph_add_state(graph, save_generator, restore_generator, state, NULL, NULL, node, problem);
}
/* [end] */

/* [dry run] */
static ckpt_code preview(const ckpt_checkpoint *checkpoint, const char *path, ckpt_error **problem) {
    ckpt_restore_options *options = ckpt_restore_options_new();
    ckpt_report *report = NULL;
    ckpt_code code = ckpt_restore_options_add_rename(options, "layer", CKPT_NUL, "dense", CKPT_NUL, problem);
    if (!code) code = ckpt_restore_options_set_on_mismatch(options, CKPT_MISMATCH_SKIP, problem);
    if (!code) code = ckpt_checkpoint_dry_run(checkpoint, path, options, &report, problem);
    if (!code) {
        ckpt_bytes table = ckpt_report_table(report);
        printf("%.*s", (int)table.len, (const char *)table.data);
        printf("%zu values would be restored\n", ckpt_report_count_of(report, CKPT_ROW_STATE_RESTORED));
    }
    ckpt_report_free(report);
    ckpt_restore_options_free(options);
    return code;
}
/* [end] */

/* [optimizer] */
static ckpt_code add_momentum(const ckpt_graph *graph, ckpt_node optimizer, ckpt_node kernel, float momentum[5],
                              ckpt_error **problem) {
    const int64_t shape[] = {1, 5};
    ckpt_node slot;
    ckpt_code code = ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 2, momentum, 20, NULL, NULL, NULL, &slot, problem);
    /* What a restore has for it, it gets now. */
    if (!code) code = ckpt_graph_set_slot(graph, optimizer, kernel, "momentum", CKPT_NUL, slot, problem);
    return code;
}
/* [end] */

/* [cancel] */
static ckpt_code save_unless(const ckpt_cancel *cancel, const ckpt_checkpoint *checkpoint, const char *prefix,
                             ckpt_error **problem) {
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *options = ckpt_save_options_new();
    ckpt_code code = ckpt_write_options_set_cancel(write, cancel, problem); /* any thread may call ckpt_cancel_raise */
    if (!code) code = ckpt_write_options_set_durability(write, CKPT_DURABILITY_DATA, problem);
    if (!code) code = ckpt_save_options_set_write_options(options, write, problem);
    if (!code) code = ckpt_checkpoint_save(checkpoint, prefix, options, NULL, problem);
    ckpt_save_options_free(options);
    ckpt_write_options_free(write);
    return code; /* CKPT_CODE_CANCELLED: nothing was left behind */
}
/* [end] */

/* [in the background] */
static ckpt_code train_on(const ckpt_checkpoint *checkpoint, const char *prefix, float kernel[5], ckpt_error **problem) {
    ckpt_code code = CKPT_CODE_OK;
    for (int step = 1; step <= 50 && !code; step++) {
        kernel[0] += 0.5f;
        /* goes on when the values are copied; an error of the save before comes out here */
        if (step % 10 == 0) code = ckpt_checkpoint_save_async(checkpoint, prefix, NULL, NULL, problem);
    }
    if (!code) code = ckpt_checkpoint_sync(checkpoint, problem); /* the last one is on disk */
    return code;
}
/* [end] */

static void reading(void) {
    float values[3];
    CHECK_INT(0, say_what_is_wrong("guide"));
    CHECK_INT(1, say_what_is_wrong("guide/nothing"));
    ckpt_reader *reader = must_open("guide");
    CHECK_OK(middle(reader, values, &error));
    float whole[5];
    CHECK_OK(read_floats(reader, must_find(reader, "net/l1/kernel"), whole, sizeof whole, &error));
    CHECK(memcmp(whole + 1, values, sizeof values) == 0);
    CHECK(values[0] > 4.568f && values[0] < 4.569f);
    ckpt_reader_free(reader);
}

static void writing(void) {
    const float weights[3][4] = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};
    CHECK_OK(save(in("model"), weights, &error));
    ckpt_reader *reader = must_open(in("model"));
    float found[3][4];
    CHECK_OK(ckpt_reader_read(reader, must_find(reader, "net/kernel"), NULL, found, sizeof found, &error));
    CHECK(memcmp(weights, found, sizeof found) == 0);
    ckpt_reader_free(reader);
}

/* A program of the layer, an optimizer with a slot, a generator and a step. */
static ckpt_checkpoint *program(float kernel[5], float momentum[5], generator *random, ckpt_node *step) {
    const int64_t shape[] = {1, 5};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), layer = object(graph), optimizer, variable, state;
    int64_t zero = 0;
    CHECK_OK(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 2, kernel, 20, NULL, NULL, NULL, &variable, &error));
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_INT64, NULL, 0, &zero, sizeof zero, NULL, step, &error));
    CHECK_OK(ckpt_graph_add_slot_owner(graph, NULL, NULL, NULL, NULL, &optimizer, &error));
    CHECK_OK(add_momentum(graph, optimizer, variable, momentum, &error));
    CHECK_OK(add_generator(graph, random, &state, &error));
    CHECK_OK(ckpt_graph_track(graph, root, TEXT("layer"), layer, &error));
    CHECK_OK(ckpt_graph_track(graph, layer, TEXT("kernel"), variable, &error));
    CHECK_OK(ckpt_graph_track(graph, root, TEXT("optimizer"), optimizer, &error));
    CHECK_OK(ckpt_graph_track(graph, root, TEXT("random"), state, &error));
    CHECK_OK(ckpt_graph_track(graph, root, TEXT("step"), *step, &error));
    ckpt_checkpoint *checkpoint = NULL;
    CHECK_OK(ckpt_checkpoint_new(graph, root, &checkpoint, &error));
    ckpt_graph_free(graph);
    return checkpoint;
}

static void programs(void) {
    float kernel[5] = {1, 2, 3, 4, 5}, momentum[5] = {6, 7, 8, 9, 10}, again[5] = {0};
    generator random = {{11, 12}};
    ckpt_node step = 0;
    ckpt_checkpoint *checkpoint = program(kernel, momentum, &random, &step);
    ckpt_cancel *cancel = ckpt_cancel_new();
    CHECK_OK(save_unless(cancel, checkpoint, in("ckpt"), &error));
    ckpt_cancel_raise(cancel);
    CHECK_FAILS(CKPT_CODE_CANCELLED, save_unless(cancel, checkpoint, in("ckpt"), &error));
    ckpt_cancel_free(cancel);
    const float first = kernel[0];
    CHECK_OK(train_on(checkpoint, in("later"), kernel, &error));
    CHECK_OK(ckpt_checkpoint_restore(checkpoint, in("later-3"), NULL, NULL, &error));
    CHECK(kernel[0] == first + 5); /* later-3 is of the tenth step */

    memset(kernel, 0, sizeof kernel);
    memset(momentum, 0, sizeof momentum);
    memset(&random, 0, sizeof random);
    CHECK_OK(preview(checkpoint, in("ckpt-1"), &error));
    CHECK(kernel[0] == 0);
    ckpt_status *status = NULL;
    CHECK_OK(ckpt_checkpoint_restore(checkpoint, in("ckpt-1"), NULL, &status, &error));
    CHECK_OK(ckpt_status_assert_consumed(status, &error));
    CHECK(kernel[4] == 5 && momentum[0] == 6 && random.words[1] == 12);
    ckpt_status_free(status);

    /* The paths of the page are in the working directory. */
    char before[4096];
    if (!CHECK(getcwd(before, sizeof before) != NULL && chdir(directory) == 0)) exit(1);
    CHECK_OK(train(checkpoint, step, &error));
    char *latest = NULL;
    ckpt_string *path = NULL;
    CHECK_OK(ckpt_latest_checkpoint("run/ckpts", NULL, &path, &error));
    ckpt_bytes found = ckpt_string_bytes(path);
    latest = (char *)calloc(found.len + 1, 1);
    memcpy(latest, found.data, found.len);
    /* The small program has no more than the layer. */
    ckpt_checkpoint *small = NULL;
    ckpt_node root, layer, variable;
    ckpt_graph *graph = ckpt_graph_new();
    const int64_t shape[] = {1, 5};
    root = object(graph), layer = object(graph);
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, shape, 2, kernel, 20, NULL, &variable, &error));
    CHECK_OK(ckpt_graph_track(graph, root, TEXT("layer"), layer, &error));
    CHECK_OK(ckpt_graph_track(graph, layer, TEXT("kernel"), variable, &error));
    CHECK_OK(ckpt_checkpoint_new(graph, root, &small, &error));
    ckpt_graph_free(graph);
    for (int i = 0; i < 7; i++) CHECK_OK(ckpt_checkpoint_save(small, "run/ckpt", NULL, NULL, &error));
    ckpt_checkpoint_free(small);
    CHECK_OK(resume(again, &small, &error));
    CHECK(memcmp(kernel, again, sizeof again) == 0);
    ckpt_checkpoint_free(small);
    CHECK_INT(0, chdir(before));
    CHECK(strstr(latest, "run/ckpts/ckpt-") != NULL);
    free(latest);
    ckpt_string_free(path);
    ckpt_checkpoint_free(checkpoint);
}

int main(void) {
    make_directory();
    reading();
    writing();
    programs();
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    CHECK_INT(0, system(command));
    return check_report();
}
