/* What programs save and restore by callbacks: devices, state of several tensors, registered savers, slots made on demand. */
#include "graphs.h"

/* A program with a root and its checkpoint. */
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
}

/* Fails with a message if `fail` says so. */
static ckpt_code fails_if(bool fail, ckpt_failure *failure) {
    if (!fail) return CKPT_CODE_OK;
    ckpt_failure_set(failure, TEXT("forgotten"));
    ckpt_failure_set(failure, TEXT("it is broken"));
    return CKPT_CODE_UNAVAILABLE;
}

/* A call that failed because a callback did, with its message. */
#define ABORTED(call)                                                                  \
    do {                                                                               \
        CHECK_INT(CKPT_CODE_ABORTED, (call));                                          \
        CHECK_INT(CKPT_REASON_CALLBACK, ckpt_error_reason(error));                     \
        CHECK(strstr(ckpt_error_message(error), "UNAVAILABLE: it is broken") != NULL); \
        ckpt_error_free(error);                                                        \
        error = NULL;                                                                  \
    } while (0)

/* ---------------------------------------------------------------- devices */

enum { LARGE = 1000003 };

/* "Device memory" for a vector of bytes, and what was asked of it. */
typedef struct device_memory {
    pthread_mutex_t lock; /* several threads read */
    uint8_t bytes[LARGE];
    int64_t count; /* -1 while there is no value */
    uint64_t read, written, most;
    int prepared, finished, freed;
    bool complete;
    char fail; /* the callback that fails: r, p, w, f */
} device_memory;

static device_memory *make_memory(int64_t count) {
    device_memory *memory = (device_memory *)calloc(1, sizeof *memory);
    pthread_mutex_init(&memory->lock, NULL);
    memory->count = count;
    for (int64_t i = 0; i < count; i++) memory->bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    return memory;
}

static int32_t describe(void *user_data, int64_t *dimensions) {
    device_memory *memory = (device_memory *)user_data;
    if (memory->count < 0) return -1;
    dimensions[0] = memory->count;
    return 1;
}

static ckpt_code device_read(void *user_data, uint64_t offset, void *buffer, size_t size, ckpt_failure *failure) {
    device_memory *memory = (device_memory *)user_data;
    pthread_mutex_lock(&memory->lock);
    memory->read += size;
    if (size > memory->most) memory->most = size;
    pthread_mutex_unlock(&memory->lock);
    memcpy(buffer, memory->bytes + offset, size);
    return fails_if(memory->fail == 'r', failure);
}

static ckpt_code prepare(void *user_data, ckpt_dtype dtype, const int64_t *shape, size_t rank, ckpt_failure *failure) {
    device_memory *memory = (device_memory *)user_data;
    CHECK_INT(CKPT_DTYPE_UINT8, dtype);
    CHECK_INT(1, rank);
    memory->prepared++;
    if (memory->fail == 'p') return fails_if(true, failure);
    memory->count = shape[0];
    return CKPT_CODE_OK;
}

static ckpt_code device_write(void *user_data, uint64_t offset, const void *data, size_t size, ckpt_failure *failure) {
    device_memory *memory = (device_memory *)user_data;
    CHECK(offset + size <= (uint64_t)memory->count);
    memory->written += size;
    if (size > memory->most) memory->most = size;
    memcpy(memory->bytes + offset, data, size);
    return fails_if(memory->fail == 'w', failure);
}

static ckpt_code finish(void *user_data, bool complete, ckpt_failure *failure) {
    device_memory *memory = (device_memory *)user_data;
    memory->finished++;
    memory->complete = complete;
    return fails_if(memory->fail == 'f', failure);
}

static void count_memory(void *user_data) { ((device_memory *)user_data)->freed++; }

static ckpt_device *make_device(device_memory *memory, bool describes) {
    ckpt_device *device = ckpt_device_new(memory, count_memory);
    if (describes) CHECK_OK(ckpt_device_set_describe(device, describe, &error));
    CHECK_OK(ckpt_device_set_read(device, device_read, true, &error));
    CHECK_OK(ckpt_device_set_prepare(device, prepare, &error));
    CHECK_OK(ckpt_device_set_write(device, device_write, &error));
    CHECK_OK(ckpt_device_set_finish(device, finish, &error));
    return device;
}

/* Adds the memory as "d" of the root. */
static ckpt_node track_device(program *program, device_memory *memory, bool describes) {
    static const int64_t any[] = {-1};
    ckpt_device *device = make_device(memory, describes);
    ckpt_node node = 0;
    CHECK_OK(ckpt_graph_add_device(program->graph, CKPT_DTYPE_UINT8, any, 1, device, NULL, &node, &error));
    ckpt_device_free(device); /* the variable has what it needs */
    track(program->graph, program->root, "d", node);
    return node;
}

static void a_device_is_read_and_written_in_pieces(void) {
    program saved = make_program();
    device_memory *from = make_memory(LARGE), *to = make_memory(-1);
    track_device(&saved, from, true);
    ckpt_save_options *options = ckpt_save_options_new();
    ckpt_write_options *write = ckpt_write_options_new();
    CHECK_OK(ckpt_write_options_set_threads(write, 3, &error));
    CHECK_OK(ckpt_save_options_set_write_options(options, write, &error));
    CHECK_OK(ckpt_checkpoint_write(saved.checkpoint, in("device"), options, NULL, &error));
    ckpt_write_options_free(write);
    ckpt_save_options_free(options);
    CHECK_INT(LARGE, from->read);
    CHECK(from->most < LARGE);
    free_program(&saved);
    CHECK_INT(1, from->freed);

    program program = make_program();
    ckpt_node node = track_device(&program, to, true);
    uint8_t byte = 0;
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_graph_read(program.graph, node, &byte, 1, &error)); /* no value yet */
    ckpt_status *status = read_back(program.checkpoint, "device");
    CHECK_OK(ckpt_status_assert_consumed(status, &error));
    ckpt_status_free(status);
    CHECK_INT(LARGE, to->written);
    CHECK(to->most < LARGE);
    CHECK_INT(1, to->prepared);
    CHECK_INT(1, to->finished);
    CHECK(to->complete);
    CHECK(memcmp(from->bytes, to->bytes, LARGE) == 0);

    /* its value can be asked for and set */
    uint8_t *copy = (uint8_t *)malloc(LARGE);
    void *data = NULL;
    size_t size = 0;
    CHECK_OK(ckpt_graph_read(program.graph, node, copy, LARGE, &error));
    CHECK(memcmp(copy, to->bytes, LARGE) == 0);
    static const int64_t three[] = {3};
    CHECK_OK(ckpt_graph_assign(program.graph, node, CKPT_DTYPE_UINT8, three, 1, "abc", 3, &error));
    CHECK(to->count == 3 && memcmp(to->bytes, "abc", 3) == 0);
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_graph_data(program.graph, node, &data, &size, &error));
    free(copy);
    free_program(&program);
    CHECK_INT(1, to->freed);
    free(from);
    free(to);
}

static void a_device_that_does_not_describe_itself_has_the_shape_that_was_written(void) {
    program program = make_program();
    device_memory *memory = make_memory(-1);
    ckpt_node node = track_device(&program, memory, false);
    ckpt_description *description = NULL;
    CHECK_OK(ckpt_graph_describe(program.graph, node, &description, &error));
    CHECK_INT(-1, ckpt_description_rank(description));
    ckpt_description_free(description);
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_checkpoint_write(program.checkpoint, in("none"), NULL, NULL, &error));
    ckpt_status_free(read_back(program.checkpoint, "device"));
    CHECK_OK(ckpt_graph_describe(program.graph, node, &description, &error));
    CHECK_INT(LARGE, ckpt_description_shape(description)[0]);
    ckpt_description_free(description);
    free_program(&program);
    free(memory);
}

static void a_device_that_fails_ends_the_call(void) {
    for (const char *fail = "rpwf"; *fail != '\0'; fail++) {
        program program = make_program();
        device_memory *memory = make_memory(8);
        track_device(&program, memory, true);
        memory->fail = *fail;
        if (*fail == 'r') {
            ABORTED(ckpt_checkpoint_write(program.checkpoint, in("broken"), NULL, NULL, &error));
        } else {
            ABORTED(ckpt_checkpoint_read(program.checkpoint, in("device"), NULL, NULL, &error));
            CHECK_INT(*fail == 'p' ? 0 : 1, memory->finished);
            CHECK(memory->complete == (*fail == 'f'));
            CHECK((memory->written > 0) == (*fail != 'p'));
        }
        free_program(&program);
        free(memory);
    }
}

static void a_device_needs_a_callback_that_reads(void) {
    static const int64_t shape[] = {4};
    program program = make_program();
    device_memory *memory = make_memory(4);
    ckpt_node node = 0;
    ckpt_device *device = ckpt_device_new(memory, count_memory);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_graph_add_device(program.graph, CKPT_DTYPE_UINT8, shape, 1, device, NULL, &node, &error));
    CHECK_OK(ckpt_device_set_read(device, device_read, false, &error));
    CHECK_OK(ckpt_graph_add_device(program.graph, CKPT_DTYPE_UINT8, shape, 1, device, NULL, &node, &error));
    track(program.graph, program.root, "d", node);
    write_as(program.checkpoint, "small");
    /* nothing writes */
    CHECK_FAILS(CKPT_CODE_ABORTED, ckpt_checkpoint_read(program.checkpoint, in("small"), NULL, NULL, &error));
    ckpt_device_free(device);
    free_program(&program);
    CHECK_INT(1, memory->freed);
    free(memory);
}

/* ---------------------------------------------------------------- state */

/* A hash table of up to four entries. */
typedef struct table {
    int64_t keys[4];
    float values[4];
    int64_t count;
    char name[16];
    int saved, restored, released, freed;
    char fail; /* s, r: the callback that fails; q: what is asked for */
} table;

static void count_released(void *user_data) { ((table *)user_data)->released++; }
static void count_table(void *user_data) { ((table *)user_data)->freed++; }

static ckpt_code read_values(void *user_data, uint64_t offset, void *buffer, size_t size, ckpt_failure *failure) {
    table *table = (struct table *)user_data;
    memcpy(buffer, (char *)table->values + offset, size);
    return fails_if(table->fail == 'q', failure);
}

static ckpt_code save_table(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    table *table = (struct table *)user_data;
    const int64_t *count = &table->count;
    size_t bytes = (size_t)table->count * sizeof(int64_t);
    const ckpt_bytes name = bytes_of(table->name);
    ckpt_error *mine = NULL;
    table->saved++;
    table->released = 0;
    CHECK_OK(ckpt_sink_put_borrowed(sink, TEXT("-keys"), CKPT_DTYPE_INT64, count, 1, table->keys, bytes, table, count_released,
                                    &mine));
    CHECK_OK(ckpt_sink_put_read(sink, TEXT("-values"), CKPT_DTYPE_FLOAT, count, 1, read_values, table, count_released, &mine));
    CHECK_OK(ckpt_sink_put(sink, TEXT("-count"), CKPT_DTYPE_INT64, NULL, 0, count, sizeof *count, &mine));
    CHECK_OK(ckpt_sink_put_strings(sink, TEXT("-name"), NULL, 0, &name, 1, &mine));
    /* a second of a name, and what is no tensor, are refused; what they were given is released */
    CHECK_INT(CKPT_CODE_INVALID_ARGUMENT,
              ckpt_sink_put(sink, TEXT("-count"), CKPT_DTYPE_INT64, NULL, 0, count, sizeof *count, NULL));
    CHECK_INT(CKPT_CODE_INVALID_ARGUMENT, ckpt_sink_put_borrowed(sink, TEXT("-keys"), CKPT_DTYPE_INT64, count, 1, table->keys,
                                                                 bytes, table, count_released, NULL));
    CHECK_INT(CKPT_CODE_INVALID_ARGUMENT,
              ckpt_sink_put_read(sink, TEXT("-x"), CKPT_DTYPE_FLOAT, count, 1, NULL, table, count_released, NULL));
    CHECK_INT(2, table->released);
    table->released = 0;
    return fails_if(table->fail == 's', failure);
}

static ckpt_code restore_table(void *user_data, const ckpt_source *source, ckpt_failure *failure) {
    table *table = (struct table *)user_data;
    table->restored++;
    if (table->fail == 'r') return fails_if(true, failure);
    CHECK_INT(4, ckpt_source_count(source));
    const ckpt_source_tensor *keys = ckpt_source_find(source, TEXT("-keys"));
    const ckpt_source_tensor *values = ckpt_source_find(source, TEXT("-values"));
    const ckpt_source_tensor *name = ckpt_source_find(source, TEXT("-name"));
    CHECK(ckpt_source_find(source, TEXT("-other")) == NULL);
    CHECK(ckpt_source_get(source, 4) == NULL);
    CHECK(text_is(ckpt_source_tensor_name(keys), "-keys"));
    CHECK_INT(CKPT_DTYPE_INT64, ckpt_source_tensor_dtype(keys));
    CHECK_INT(1, ckpt_source_tensor_rank(keys));
    table->count = ckpt_source_tensor_shape(keys)[0];
    ckpt_bytes bytes = ckpt_source_tensor_bytes(keys);
    CHECK_INT(table->count * 8, bytes.len);
    memcpy(table->keys, bytes.data, bytes.len);
    memcpy(table->values, ckpt_source_tensor_bytes(values).data, ckpt_source_tensor_bytes(values).len);
    CHECK_INT(1, ckpt_source_tensor_string_count(name));
    CHECK_INT(0, ckpt_source_tensor_string_count(keys));
    CHECK_INT(0, ckpt_source_tensor_bytes(name).len);
    ckpt_bytes text = ckpt_source_tensor_string(name, 0);
    CHECK_INT(0, ckpt_source_tensor_string(name, 1).len);
    memcpy(table->name, text.data, text.len);
    return CKPT_CODE_OK;
}

static ckpt_code add_table(const ckpt_graph *graph, table *table, const ckpt_node_options *options, ckpt_node *node) {
    return ckpt_graph_add_state(graph, save_table, restore_table, table, count_table, options, node, &error);
}

static void state_is_saved_as_tensors_and_given_back(void) {
    for (int legacy = 0; legacy < 2; legacy++) {
        table from = {{1, 2, 3}, {.5f, .25f, .125f}, 3, "primes", 0, 0, 0, 0, '-'}, to = {0};
        ckpt_node_options *options = ckpt_node_options_new();
        const ckpt_bytes names[] = {bytes_of("-keys"), bytes_of("-values")};
        CHECK_OK(ckpt_node_options_set_tensor_names(options, names, 2, &error));
        if (legacy) CHECK_OK(ckpt_node_options_set_legacy_name(options, TEXT("table"), &error));
        program saved = make_program(), program = make_program();
        ckpt_node node = 0;
        CHECK_OK(add_table(saved.graph, &from, options, &node));
        track(saved.graph, saved.root, "t", node);
        write_as(saved.checkpoint, "state");
        CHECK_INT(1, from.saved);
        CHECK_INT(2, from.released); /* the save is over */
        free_program(&saved);
        CHECK_INT(1, from.freed);
        ckpt_reader *reader = must_open(in("state"));
        must_find(reader, legacy ? "t/.ATTRIBUTES/table-keys" : "t/.ATTRIBUTES/-keys");
        ckpt_reader_free(reader);

        CHECK_OK(add_table(program.graph, &to, options, &node));
        ckpt_node_options_free(options);
        track(program.graph, program.root, "t", node);
        ckpt_status *status = read_back(program.checkpoint, "state");
        CHECK_OK(ckpt_status_assert_consumed(status, &error));
        ckpt_status_free(status);
        CHECK_INT(1, to.restored);
        CHECK(to.count == 3 && memcmp(from.keys, to.keys, 24) == 0 && memcmp(from.values, to.values, 12) == 0);
        CHECK(strcmp(to.name, "primes") == 0);
        free_program(&program);
    }
}

static void state_that_fails_ends_the_call(void) {
    for (const char *fail = "sqr"; *fail != '\0'; fail++) {
        table table = {{1}, {2}, 1, "x", 0, 0, 0, 0, '-'};
        program program = make_program();
        ckpt_node node = 0;
        CHECK_OK(add_table(program.graph, &table, NULL, &node));
        track(program.graph, program.root, "t", node);
        write_as(program.checkpoint, "fine");
        int before = files(false);
        table.fail = *fail;
        if (*fail == 'r') {
            ABORTED(ckpt_checkpoint_read(program.checkpoint, in("fine"), NULL, NULL, &error));
        } else {
            ABORTED(ckpt_checkpoint_write(program.checkpoint, in("broken"), NULL, NULL, &error));
        }
        CHECK_INT(before, files(false));
        free_program(&program);
    }
}

static void state_says_which_tensors_it_needs(void) {
    table table = {{1}, {2}, 1, "x", 0, 0, 0, 0, '-'};
    const ckpt_bytes names[] = {bytes_of("-keys"), bytes_of("-weights")};
    program program = make_program();
    ckpt_node_options *options = ckpt_node_options_new();
    ckpt_node node = 0;
    CHECK_OK(ckpt_node_options_set_tensor_names(options, names, 2, &error));
    CHECK_OK(ckpt_node_options_set_legacy_name(options, TEXT("table"), &error));
    CHECK_OK(add_table(program.graph, &table, options, &node));
    track(program.graph, program.root, "t", node);
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_checkpoint_read(program.checkpoint, in("state"), NULL, NULL, &error));
    CHECK_INT(0, table.restored);
    ckpt_node_options_free(options);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_graph_add_state(program.graph, NULL, restore_table, &table, count_table, NULL, &node, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_graph_add_state(program.graph, save_table, NULL, &table, count_table, NULL, &node, &error));
    CHECK_INT(2, table.freed);
    free_program(&program);
    CHECK_INT(3, table.freed);
}

/* ---------------------------------------------------------------- registered savers */

/* Saves objects as their number, all together. */
typedef struct saver {
    ckpt_node accepted;
    int64_t value;
    char path[64];
    int saved, wanted, restored, freed;
    char fail;
} saver;

static bool accepts(void *user_data, ckpt_node node) { return ((saver *)user_data)->accepted == node; }

static ckpt_code save_objects(void *user_data, const ckpt_nodes *objects, ckpt_sink *sink, ckpt_failure *failure) {
    saver *saver = (struct saver *)user_data;
    saver->saved++;
    CHECK_INT(1, ckpt_nodes_count(objects));
    CHECK(ckpt_nodes_get(objects, 0) == saver->accepted);
    ckpt_bytes path = ckpt_nodes_name(objects, 0);
    snprintf(saver->path, sizeof saver->path, "%.*s/number", (int)path.len, (const char *)path.data);
    CHECK_INT(CKPT_CODE_OK, ckpt_sink_put(sink, TEXT(saver->path), CKPT_DTYPE_INT64, NULL, 0, &saver->value, 8, NULL));
    return fails_if(saver->fail == 's', failure);
}

static bool wants(void *user_data, const ckpt_nodes *objects, const char *key, size_t key_len) {
    saver *saver = (struct saver *)user_data;
    saver->wanted++;
    CHECK_INT(1, ckpt_nodes_count(objects));
    ckpt_bytes path = ckpt_nodes_name(objects, 0);
    return key_len > path.len && memcmp(key, path.data, path.len) == 0;
}

static ckpt_code restore_objects(void *user_data, const ckpt_nodes *objects, const ckpt_source *source, ckpt_failure *failure) {
    saver *saver = (struct saver *)user_data;
    saver->restored++;
    CHECK(ckpt_nodes_get(objects, 0) == saver->accepted);
    CHECK_INT(1, ckpt_source_count(source));
    memcpy(&saver->value, ckpt_source_tensor_bytes(ckpt_source_get(source, 0)).data, 8);
    return fails_if(saver->fail == 'r', failure);
}

static void count_saver(void *user_data) { ((saver *)user_data)->freed++; }

static ckpt_code register_saver(program *program, saver *saver, const char *name) {
    return ckpt_graph_register_saver(program->graph, TEXT("mine"), TEXT(name), true, accepts, save_objects, wants,
                                     restore_objects, saver, count_saver, &error);
}

static void registered_savers_have_their_objects(void) {
    saver from = {0, 42, "", 0, 0, 0, 0, '-'}, to = {0};
    program saved = make_program(), program = make_program();
    from.accepted = object(saved.graph);
    to.accepted = object(program.graph);
    track(saved.graph, saved.root, "part", from.accepted);
    track(program.graph, program.root, "part", to.accepted);
    CHECK_OK(register_saver(&saved, &from, "numbers"));
    CHECK_FAILS(CKPT_CODE_ALREADY_EXISTS, register_saver(&saved, &from, "numbers"));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, register_saver(&saved, &from, "num bers"));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_register_saver(saved.graph, NULL, 0, TEXT("n"), false, NULL, save_objects,
                                                                      wants, restore_objects, &from, count_saver, &error));
    CHECK_INT(3, from.freed);
    write_as(saved.checkpoint, "registered");
    CHECK_INT(1, from.saved);
    ckpt_reader *reader = must_open(in("registered"));
    ckpt_object_graph *objects = NULL;
    CHECK_OK(ckpt_reader_object_graph(reader, &objects, &error));
    int64_t part = ckpt_object_graph_child_node(objects, 0, 0);
    CHECK(text_is(ckpt_object_graph_saver_name(objects, (uint32_t)part), "mine.numbers"));
    CHECK(text_is(ckpt_object_graph_saver_object_name(objects, (uint32_t)part), "part"));
    ckpt_object_graph_free(objects);
    ckpt_reader_free(reader);
    from.fail = 's';
    ABORTED(ckpt_checkpoint_write(saved.checkpoint, in("broken"), NULL, NULL, &error));

    /* where the saver is not known, its objects are left alone */
    ckpt_status_free(read_back(program.checkpoint, "registered"));
    CHECK_INT(0, to.value);
    CHECK_OK(register_saver(&program, &to, "numbers"));
    ckpt_status_free(read_back(program.checkpoint, "registered"));
    CHECK_INT(42, to.value);
    CHECK_INT(1, to.restored);
    CHECK(to.wanted > 0);
    /* what a strict saver saved, it must accept */
    ckpt_node accepted = to.accepted;
    to.accepted = 0;
    ckpt_error *mine = NULL;
    CHECK_INT(CKPT_CODE_FAILED_PRECONDITION, ckpt_checkpoint_read(program.checkpoint, in("registered"), NULL, NULL, &mine));
    CHECK_INT(CKPT_REASON_SAVER, ckpt_error_reason(mine));
    ckpt_error_free(mine);
    to.accepted = accepted;
    to.fail = 'r';
    ABORTED(ckpt_checkpoint_read(program.checkpoint, in("registered"), NULL, NULL, &error));
    free_program(&saved);
    free_program(&program);
    CHECK_INT(4, from.freed);
    CHECK_INT(1, to.freed);
}

/* ---------------------------------------------------------------- slots that are made on demand */

typedef struct maker {
    char how; /* o(wned), b(orrowed), d(evice), n(one), f(ails) */
    ckpt_node owner, variable;
    float memory;
    int asked, released, freed;
} maker;

static void count_maker_release(void *user_data) { ((maker *)user_data)->released++; }
static void count_maker(void *user_data) { ((maker *)user_data)->freed++; }

static ckpt_code read_memory(void *user_data, uint64_t offset, void *buffer, size_t size, ckpt_failure *failure) {
    (void)failure;
    memcpy(buffer, (char *)&((maker *)user_data)->memory + offset, size);
    return CKPT_CODE_OK;
}

static ckpt_code write_memory(void *user_data, uint64_t offset, const void *data, size_t size, ckpt_failure *failure) {
    (void)failure;
    memcpy((char *)&((maker *)user_data)->memory + offset, data, size);
    return CKPT_CODE_OK;
}

static ckpt_code create_slot(void *user_data, ckpt_slot_request *request, ckpt_failure *failure) {
    maker *maker = (struct maker *)user_data;
    maker->asked++;
    CHECK(ckpt_slot_request_owner(request) == maker->owner);
    CHECK(ckpt_slot_request_variable(request) == maker->variable);
    CHECK(text_is(ckpt_slot_request_name(request), "m"));
    CHECK_INT(CKPT_DTYPE_FLOAT, ckpt_slot_request_dtype(request));
    CHECK_INT(0, ckpt_slot_request_rank(request));
    CHECK(ckpt_slot_request_shape(request) != NULL);
    ckpt_node_options *options = ckpt_node_options_new();
    CHECK_INT(CKPT_CODE_OK, ckpt_node_options_set_name(options, TEXT("Adam/m"), NULL));
    switch (maker->how) {
        case 'o': CHECK_INT(CKPT_CODE_OK, ckpt_slot_request_set_owned(request, options, NULL)); break;
        case 'b':
            CHECK_INT(CKPT_CODE_INVALID_ARGUMENT,
                      ckpt_slot_request_set_borrowed(request, &maker->memory, 3, maker, count_maker_release, options, NULL));
            CHECK_INT(1, maker->released);
            CHECK_INT(CKPT_CODE_OK,
                      ckpt_slot_request_set_borrowed(request, &maker->memory, 4, maker, count_maker_release, options, NULL));
            break;
        case 'd': {
            ckpt_device *device = ckpt_device_new(maker, count_maker_release);
            CHECK_INT(CKPT_CODE_OK, ckpt_device_set_read(device, read_memory, false, NULL));
            CHECK_INT(CKPT_CODE_OK, ckpt_device_set_write(device, write_memory, NULL));
            CHECK_INT(CKPT_CODE_OK, ckpt_slot_request_set_device(request, device, options, NULL));
            ckpt_device_free(device);
            break;
        }
        default: break;
    }
    ckpt_node_options_free(options);
    return fails_if(maker->how == 'f', failure);
}

static void slots_are_made_for_values_that_are_there(void) {
    program saved = make_program();
    ckpt_node w = track_scalar(saved.graph, saved.root, "w", 1), adam = slot_owner(saved.graph);
    track(saved.graph, saved.root, "adam", adam);
    CHECK_OK(ckpt_graph_set_slot(saved.graph, adam, w, TEXT("m"), scalar(saved.graph, 4), &error));
    write_as(saved.checkpoint, "slots");
    free_program(&saved);

    for (const char *how = "obdnf"; *how != '\0'; how++) {
        program program = make_program();
        maker maker = {*how, 0, 0, 0, 0, 0, 0};
        ckpt_node slot = 0;
        maker.variable = track_scalar(program.graph, program.root, "w", 0);
        CHECK_OK(ckpt_graph_add_slot_owner(program.graph, create_slot, &maker, count_maker, NULL, &maker.owner, &error));
        track(program.graph, program.root, "adam", maker.owner);
        if (*how == 'f') {
            ABORTED(ckpt_checkpoint_read(program.checkpoint, in("slots"), NULL, NULL, &error));
            CHECK(value_of(program.graph, maker.variable) == 0);
        } else {
            ckpt_status *status = read_back(program.checkpoint, "slots");
            CHECK_OK(ckpt_graph_slot(program.graph, maker.owner, maker.variable, TEXT("m"), &slot, &error));
            CHECK((slot != 0) == (*how != 'n'));
            if (*how != 'n') {
                CHECK(value_of(program.graph, slot) == 4);
                CHECK_OK(ckpt_status_assert_consumed(status, &error));
            }
            if (*how == 'b' || *how == 'd') CHECK(maker.memory == 4);
            ckpt_status_free(status);
        }
        CHECK_INT(1, maker.asked);
        CHECK_INT(0, maker.freed);
        int released = maker.released;
        free_program(&program);
        CHECK_INT(1, maker.freed);
        CHECK_INT(*how == 'b' || *how == 'd', maker.released - released);
    }
    int freed = 0;
    ckpt_node node = 0;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_graph_add_slot_owner(NULL, create_slot, &freed, count_free, NULL, &node, &error));
    CHECK_INT(1, freed);
}

/* The state of a dataset iterator, whatever it means. */
typedef struct opaque {
    size_t count;
    uint8_t *elements[8];
    size_t lengths[8];
} opaque;

static ckpt_code keep(void *user_data, const ckpt_source *source, ckpt_failure *failure) {
    opaque *kept = (opaque *)user_data;
    const ckpt_source_tensor *state = ckpt_source_find(source, TEXT("_STATE"));
    if (state == NULL || ckpt_source_tensor_string_count(state) > COUNT(kept->elements)) return fails_if(true, failure);
    CHECK_INT(CKPT_DTYPE_VARIANT, ckpt_source_tensor_dtype(state));
    for (size_t i = 0; i < kept->count; i++) free(kept->elements[i]);
    kept->count = ckpt_source_tensor_string_count(state);
    for (size_t i = 0; i < kept->count; i++) {
        ckpt_bytes element = ckpt_source_tensor_string(state, i);
        kept->lengths[i] = element.len;
        kept->elements[i] = (uint8_t *)malloc(element.len + 1);
        memcpy(kept->elements[i], element.data, element.len);
    }
    return CKPT_CODE_OK;
}

static ckpt_code give_back(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    const opaque *kept = (const opaque *)user_data;
    ckpt_bytes elements[8];
    int64_t shape[] = {(int64_t)kept->count};
    (void)failure;
    for (size_t i = 0; i < kept->count; i++) {
        elements[i].data = kept->elements[i];
        elements[i].len = kept->lengths[i];
    }
    return ckpt_sink_put_variants(sink, TEXT("_STATE"), shape, 1, elements, kept->count, NULL);
}

static ckpt_strings *variants(const char *path) {
    ckpt_reader *reader = NULL;
    const ckpt_tensor *tensor = NULL;
    ckpt_strings *found = NULL;
    CHECK_OK(ckpt_reader_open(path, NULL, &reader, &error));
    CHECK_OK(ckpt_reader_find(reader, TEXT("iterator/.ATTRIBUTES/ITERATOR_STATE"), &tensor, &error));
    CHECK_OK(ckpt_reader_read_strings(reader, tensor, NULL, &found, &error));
    ckpt_reader_free(reader);
    return found;
}

/* A program that knows nothing of TensorFlow's iterators keeps them for the next TensorFlow program. */
static void variants_are_kept_for_others(void) {
    program program = make_program();
    opaque kept = {0, {0}, {0}};
    ckpt_node iterator = 0;
    ckpt_node_options *options = ckpt_node_options_new();
    CHECK_OK(ckpt_node_options_set_legacy_name(options, TEXT("ITERATOR"), &error));
    CHECK_OK(ckpt_graph_add_state(program.graph, give_back, keep, &kept, NULL, options, &iterator, &error));
    ckpt_node_options_free(options);
    track(program.graph, program.root, "iterator", iterator);
    CHECK_OK(ckpt_checkpoint_read(program.checkpoint, "resources/r-1", NULL, NULL, &error));
    write_as(program.checkpoint, "kept");
    ckpt_strings *before = variants("resources/r-1"), *after = variants(in("kept"));
    CHECK(ckpt_strings_count(before) > 0);
    CHECK_INT(ckpt_strings_count(before), ckpt_strings_count(after));
    for (size_t i = 0; i < ckpt_strings_count(before); i++) {
        ckpt_bytes expected = ckpt_strings_get(before, i);
        CHECK(bytes_are(ckpt_strings_get(after, i), expected.data, expected.len));
    }
    ckpt_strings_free(before);
    ckpt_strings_free(after);
    free_program(&program);
    for (size_t i = 0; i < kept.count; i++) free(kept.elements[i]);
}

int main(void) {
    make_directory();
    a_device_is_read_and_written_in_pieces();
    a_device_that_does_not_describe_itself_has_the_shape_that_was_written();
    a_device_that_fails_ends_the_call();
    a_device_needs_a_callback_that_reads();
    state_is_saved_as_tensors_and_given_back();
    state_that_fails_ends_the_call();
    state_says_which_tensors_it_needs();
    registered_savers_have_their_objects();
    slots_are_made_for_values_that_are_there();
    variants_are_kept_for_others();
    remove_directory();
    return check_report();
}
