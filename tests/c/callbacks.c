/* What callbacks may do: every kind of callback times every function that reaches the graph. */
#include "every_call.h"

typedef enum kind {
    DESCRIBE,
    DEVICE_READ,
    PREPARE,
    DEVICE_WRITE,
    FINISH,
    SAVE,
    SINK_READ,
    RESTORE,
    ACCEPTS,
    SAVE_OBJECTS,
    WANTS,
    RESTORE_OBJECTS,
    CREATE_SLOT,
    WRITTEN,
    PROGRESS,
    LOG,
    NOW,
    KINDS
} kind;

static const char *const kind_names[] = {
    "describe",       "read of a device", "prepare",  "write",        "finish", "save",
    "read of a sink", "restore",          "accepts",  "save objects", "wants",  "restore objects",
    "create slot",    "written",          "progress", "log",          "now"};

/* The graph that calls back, and what was tried from which callback. */
static struct {
    pthread_mutex_t lock; /* some are called on the threads that write */
    everything with;
    const ckpt_graph *other;
    int calls[KINDS];
} stage = {PTHREAD_MUTEX_INITIALIZER, {0}, NULL, {0}};

/* From inside a callback: the first of each kind tries every call. */
static ckpt_code try_everything(kind kind) {
    static const refusal reentrant = {CKPT_CODE_FAILED_PRECONDITION, CKPT_REASON_REENTRANT, false};
    if (stage.with.graph == NULL) return CKPT_CODE_OK; /* the stage is not set yet */
    pthread_mutex_lock(&stage.lock);
    if (stage.calls[kind]++ == 0) {
        CHECK(every_call(&stage.with, &reentrant) > 60);
        /* what does not reach the graph works, and so do other graphs */
        ckpt_node node = 0;
        ckpt_graph *graph = ckpt_graph_new();
        CHECK_INT(CKPT_CODE_OK, ckpt_graph_add_object(graph, NULL, &node, NULL));
        CHECK_INT(CKPT_CODE_OK, ckpt_graph_add_object(stage.other, NULL, &node, NULL));
        ckpt_graph_free(graph);
        graph = ckpt_checkpoint_graph(stage.with.checkpoint); /* another handle of the same */
        CHECK_INT(CKPT_CODE_FAILED_PRECONDITION, ckpt_graph_add_object(graph, NULL, &node, NULL));
        ckpt_graph_free(graph);
        CHECK(ckpt_checkpoint_root(stage.with.checkpoint) != 0);
        CHECK(ckpt_status_kind(stage.with.status) != 0);
        CHECK(ckpt_status_path(stage.with.status).len > 0);
        ckpt_status_expect_partial(stage.with.status);
        ckpt_node_options_free(ckpt_node_options_new());
        ckpt_save_options_free(ckpt_save_options_new());
        ckpt_restore_options_free(ckpt_restore_options_new());
        ckpt_reader *reader = NULL;
        CHECK_INT(CKPT_CODE_OK, ckpt_reader_open("guide/ckpt-5", NULL, &reader, NULL));
        ckpt_reader_free(reader);
    }
    pthread_mutex_unlock(&stage.lock);
    return CKPT_CODE_OK;
}

/* ---------------------------------------------------------------- the callbacks */

static uint8_t device_value[4] = {1, 2, 3, 4};

static int32_t describe(void *user_data, int64_t *dimensions) {
    (void)user_data;
    try_everything(DESCRIBE);
    dimensions[0] = 4;
    return 1;
}

static ckpt_code device_read(void *user_data, uint64_t offset, void *buffer, size_t size, ckpt_failure *failure) {
    (void)user_data, (void)failure;
    memcpy(buffer, device_value + offset, size);
    return try_everything(DEVICE_READ);
}

static ckpt_code prepare(void *user_data, ckpt_dtype dtype, const int64_t *shape, size_t rank, ckpt_failure *failure) {
    (void)user_data, (void)dtype, (void)shape, (void)rank, (void)failure;
    return try_everything(PREPARE);
}

static ckpt_code device_write(void *user_data, uint64_t offset, const void *data, size_t size, ckpt_failure *failure) {
    (void)user_data, (void)failure;
    memcpy(device_value + offset, data, size);
    return try_everything(DEVICE_WRITE);
}

static ckpt_code finish(void *user_data, bool complete, ckpt_failure *failure) {
    (void)user_data, (void)failure;
    CHECK(complete);
    return try_everything(FINISH);
}

enum { ASKED = 3 << 20 }; /* for several threads */

static ckpt_code sink_read(void *user_data, uint64_t offset, void *buffer, size_t size, ckpt_failure *failure) {
    (void)user_data, (void)offset, (void)failure;
    memset(buffer, 5, size);
    return try_everything(SINK_READ);
}

static ckpt_code save(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    static const int64_t shape[] = {ASKED};
    (void)user_data, (void)failure;
    try_everything(SAVE);
    CHECK_INT(CKPT_CODE_OK, ckpt_sink_put(sink, "number", 6, CKPT_DTYPE_UINT8, NULL, 0, "x", 1, NULL));
    return ckpt_sink_put_read(sink, "asked", 5, CKPT_DTYPE_UINT8, shape, 1, sink_read, NULL, NULL, NULL);
}

static ckpt_code restore(void *user_data, const ckpt_source *source, ckpt_failure *failure) {
    (void)user_data, (void)failure;
    try_everything(RESTORE);
    CHECK_INT(ASKED, ckpt_source_tensor_bytes(ckpt_source_find(source, "asked", 5)).len);
    return CKPT_CODE_OK;
}

static ckpt_node registered;

static bool accepts(void *user_data, ckpt_node node) {
    (void)user_data;
    try_everything(ACCEPTS);
    return node == registered;
}

static ckpt_code save_objects(void *user_data, const ckpt_nodes *objects, ckpt_sink *sink, ckpt_failure *failure) {
    (void)user_data, (void)failure;
    try_everything(SAVE_OBJECTS);
    ckpt_bytes path = ckpt_nodes_name(objects, 0);
    return ckpt_sink_put(sink, (const char *)path.data, path.len, CKPT_DTYPE_UINT8, NULL, 0, "r", 1, NULL);
}

static bool wants(void *user_data, const ckpt_nodes *objects, const char *key, size_t key_len) {
    (void)user_data;
    try_everything(WANTS);
    return bytes_are(ckpt_nodes_name(objects, 0), key, key_len);
}

static ckpt_code restore_objects(void *user_data, const ckpt_nodes *objects, const ckpt_source *source, ckpt_failure *failure) {
    (void)user_data, (void)failure;
    try_everything(RESTORE_OBJECTS);
    CHECK_INT(1, ckpt_nodes_count(objects));
    CHECK_INT(1, ckpt_source_count(source));
    return CKPT_CODE_OK;
}

static ckpt_code create_slot(void *user_data, ckpt_slot_request *request, ckpt_failure *failure) {
    (void)user_data, (void)failure;
    try_everything(CREATE_SLOT);
    return ckpt_slot_request_set_owned(request, NULL, NULL);
}

static ckpt_code written(void *user_data, const char *path, ckpt_failure *failure) {
    (void)user_data, (void)path, (void)failure;
    return try_everything(WRITTEN);
}

static ckpt_code progress(void *user_data, uint64_t done, uint64_t total) {
    (void)user_data, (void)done, (void)total;
    return try_everything(PROGRESS);
}

static void log_line(void *user_data, ckpt_severity severity, const char *text, size_t len) {
    (void)user_data, (void)severity, (void)text, (void)len;
    try_everything(LOG);
}

static double now(void *user_data) {
    (void)user_data;
    try_everything(NOW);
    return 1000;
}

static ckpt_manager *managed(const ckpt_checkpoint *checkpoint) {
    ckpt_manager *manager = NULL;
    ckpt_manager_options *options = ckpt_manager_options_new();
    CHECK_OK(ckpt_manager_options_set_clock(options, now, NULL, NULL, &error));
    CHECK_OK(ckpt_manager_open(checkpoint, directory, options, &manager, &error));
    ckpt_manager_options_free(options);
    return manager;
}

/* ---------------------------------------------------------------- the program that they belong to */

typedef struct program {
    ckpt_graph *graph;
    ckpt_checkpoint *checkpoint;
    everything all;
    ckpt_node root, registered;
    ckpt_saver *saver;
    ckpt_manager *manager;
} program;

static program make_program(void) {
    static const int64_t four[] = {4};
    static float memory;
    program made = {ckpt_graph_new(), NULL, {0}, 0, 0, NULL, NULL};
    ckpt_node state = 0, device_node = 0;
    const ckpt_bytes word = bytes_of("word");
    everything *all = &made.all;
    all->graph = made.graph;
    made.root = object(made.graph);
    made.registered = object(made.graph);
    all->object = object(made.graph);
    all->variable = track_scalar(made.graph, made.root, "w", 1);
    all->integer = integer(made.graph, 1);
    CHECK_OK(
        ckpt_graph_add_borrowed(made.graph, CKPT_DTYPE_FLOAT, NULL, 0, &memory, 4, NULL, NULL, NULL, &all->borrowed, &error));
    CHECK_OK(ckpt_graph_add_strings(made.graph, NULL, 0, &word, 1, NULL, &all->strings, &error));
    CHECK_OK(ckpt_graph_add_list(made.graph, NULL, &all->list, &error));
    CHECK_OK(ckpt_graph_add_dict(made.graph, NULL, &all->dict, &error));
    CHECK_OK(ckpt_graph_add_slot_owner(made.graph, create_slot, NULL, NULL, NULL, &all->owner, &error));
    CHECK_OK(ckpt_graph_add_state(made.graph, save, restore, NULL, NULL, NULL, &state, &error));
    ckpt_device *device = ckpt_device_new(NULL, NULL);
    CHECK_OK(ckpt_device_set_describe(device, describe, &error));
    CHECK_OK(ckpt_device_set_read(device, device_read, true, &error));
    CHECK_OK(ckpt_device_set_prepare(device, prepare, &error));
    CHECK_OK(ckpt_device_set_write(device, device_write, &error));
    CHECK_OK(ckpt_device_set_finish(device, finish, &error));
    CHECK_OK(ckpt_graph_add_device(made.graph, CKPT_DTYPE_UINT8, four, 1, device, NULL, &device_node, &error));
    ckpt_device_free(device);
    CHECK_OK(ckpt_graph_register_saver(made.graph, NULL, 0, TEXT("saver"), true, accepts, save_objects, wants, restore_objects,
                                       NULL, NULL, &error));
    track(made.graph, made.root, "state", state);
    track(made.graph, made.root, "device", device_node);
    track(made.graph, made.root, "registered", made.registered);
    track(made.graph, made.root, "adam", all->owner);
    made.checkpoint = checkpoint_of(made.graph, made.root);
    all->checkpoint = made.checkpoint;
    CHECK_OK(ckpt_saver_new(made.graph, &word, &all->variable, 1, NULL, &made.saver, &error));
    all->saver = made.saver;
    made.manager = managed(made.checkpoint);
    all->manager = made.manager;
    return made;
}

static void free_program(program *program) {
    ckpt_manager_free(program->manager);
    ckpt_saver_free(program->saver);
    ckpt_checkpoint_free(program->checkpoint);
    ckpt_graph_free(program->graph);
}

static void enter(const program *program) {
    stage.with = program->all;
    registered = program->registered;
}

static void leave(void) { stage.with.graph = NULL; }

static void no_callback_reaches_the_graph_that_called_it(void) {
    stage.other = ckpt_graph_new();
    ckpt_status *status = NULL;

    program saved = make_program();
    ckpt_node shared = track_scalar(saved.graph, saved.root, "one", 1);
    track(saved.graph, saved.root, "two", shared);
    CHECK_OK(ckpt_graph_set_slot(saved.graph, saved.all.owner, saved.all.variable, TEXT("m"), scalar(saved.graph, 1), &error));
    CHECK_OK(ckpt_checkpoint_read(saved.checkpoint, "guide/ckpt-5", NULL, &status, &error)); /* any status will do */
    saved.all.status = status;
    enter(&saved);
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *options = ckpt_save_options_new();
    CHECK_OK(ckpt_write_options_set_threads(write, 3, &error));
    CHECK_OK(ckpt_write_options_set_progress(write, progress, NULL, NULL, &error));
    CHECK_OK(ckpt_save_options_set_write_options(options, write, &error));
    CHECK_OK(ckpt_save_options_add_callback(options, written, NULL, NULL, &error));
    CHECK_OK(ckpt_checkpoint_write(saved.checkpoint, in("all"), options, NULL, &error));
    CHECK_OK(ckpt_manager_save(saved.manager, NULL, NULL, &error));
    ckpt_write_options_free(write);
    ckpt_save_options_free(options);
    leave();
    ckpt_status_free(status);

    program program = make_program();
    CHECK_OK(ckpt_checkpoint_read(program.checkpoint, "guide/ckpt-5", NULL, &status, &error));
    CHECK_OK(ckpt_checkpoint_set_log(program.checkpoint, log_line, NULL, NULL, &error));
    program.all.status = status;
    enter(&program);
    CHECK_OK(ckpt_checkpoint_read(program.checkpoint, in("all"), NULL, NULL, &error));
    track_scalar(program.graph, program.root, "one", 0);
    track_scalar(program.graph, program.root, "two", 0); /* was the same object as "one": the log hears of it */
    leave();
    ckpt_status_free(status);

    for (int kind = 0; kind < KINDS; kind++) {
        check_that(stage.calls[kind] > 0, kind_names[kind], "was never called", __FILE__, __LINE__);
    }
    free_program(&saved);
    free_program(&program);
    ckpt_graph_free((ckpt_graph *)stage.other);
}

int main(void) {
    make_directory();
    no_callback_reaches_the_graph_that_called_it();
    remove_directory();
    return check_report();
}
