/* Misuse of the functions for graphs and their checkpoints is an error code, never anything worse. */
#include "every_call.h"

/* A program with one object of each kind. */
typedef struct program {
    ckpt_graph *graph;
    ckpt_checkpoint *checkpoint;
    ckpt_status *status;
    ckpt_saver *saver;
    ckpt_checkpoint_view *view;
    ckpt_manager *manager;
    ckpt_node root;
    everything all;
} program;

static float memory;

static program make_program(void) {
    program made = {ckpt_graph_new(), NULL, NULL, NULL, NULL, NULL, 0, {0}};
    const ckpt_bytes word = bytes_of("word");
    everything *all = &made.all;
    made.root = object(made.graph);
    all->object = object(made.graph);
    all->variable = track_scalar(made.graph, made.root, "w", 1);
    all->integer = integer(made.graph, 1);
    all->owner = slot_owner(made.graph);
    CHECK_OK(
        ckpt_graph_add_borrowed(made.graph, CKPT_DTYPE_FLOAT, NULL, 0, &memory, 4, NULL, NULL, NULL, &all->borrowed, &error));
    CHECK_OK(ckpt_graph_add_strings(made.graph, NULL, 0, &word, 1, NULL, &all->strings, &error));
    CHECK_OK(ckpt_graph_add_list(made.graph, NULL, &all->list, &error));
    CHECK_OK(ckpt_graph_add_dict(made.graph, NULL, &all->dict, &error));
    made.checkpoint = checkpoint_of(made.graph, made.root);
    write_as(made.checkpoint, "w");
    made.status = read_back(made.checkpoint, "w");
    all->graph = made.graph;
    all->checkpoint = made.checkpoint;
    all->status = made.status;
    CHECK_OK(ckpt_saver_new(made.graph, &word, &all->variable, 1, NULL, &made.saver, &error));
    CHECK_OK(ckpt_checkpoint_view_open(in("w"), NULL, &made.view, &error));
    all->saver = made.saver;
    all->view = made.view;
    CHECK_OK(ckpt_manager_open(made.checkpoint, in("managed"), NULL, &made.manager, &error));
    all->manager = made.manager;
    return made;
}

static void free_program(program *program) {
    ckpt_manager_free(program->manager);
    ckpt_checkpoint_view_free(program->view);
    ckpt_saver_free(program->saver);
    ckpt_status_free(program->status);
    ckpt_checkpoint_free(program->checkpoint);
    ckpt_graph_free(program->graph);
}

#define MISUSE(call) CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, call)

/* ---------------------------------------------------------------- handles and nodes */

static void no_handle_is_an_error_of_every_function(void) {
    static const refusal by_handle = {CKPT_CODE_INVALID_ARGUMENT, CKPT_REASON_ARGUMENT, false};
    program program = make_program();
    everything none = program.all;
    none.graph = NULL;
    none.checkpoint = NULL;
    none.status = NULL;
    none.saver = NULL;
    none.manager = NULL;
    CHECK(every_call(&none, &by_handle) > 60);
    free_program(&program);
}

static everything all_nodes(const program *program, ckpt_node node) {
    everything with = {program->graph, program->checkpoint, program->status, node, node, node, node, node, node, node, node,
                       program->saver, program->view,       program->manager};
    return with;
}

static void what_is_no_object_of_the_graph_is_an_error_of_every_function(void) {
    static const refusal by_node = {CKPT_CODE_INVALID_ARGUMENT, CKPT_REASON_NODE, true};
    static const ckpt_node numbers[] = {0, 1, UINT32_MAX, UINT64_MAX, (ckpt_node)1 << 63, 0x0001000000000000u};
    program program = make_program();
    for (size_t i = 0; i < COUNT(numbers); i++) {
        everything with = all_nodes(&program, numbers[i]);
        CHECK(every_call(&with, &by_node) > 30);
    }
    /* objects of another graph: their places are taken in this one, too */
    struct program other = make_program();
    everything foreign = other.all;
    foreign.graph = program.graph;
    CHECK(every_call(&foreign, &by_node) > 30);
    free_program(&other);

    /* objects that were removed, whose places are taken by others */
    everything removed = program.all;
    const ckpt_node gone[] = {removed.object,  removed.variable, removed.borrowed, removed.strings,
                              removed.integer, removed.list,     removed.dict,     removed.owner};
    for (size_t i = 0; i < COUNT(gone); i++) CHECK_OK(ckpt_graph_remove(program.graph, gone[i], &error));
    for (size_t i = 0; i < COUNT(gone); i++) scalar(program.graph, 2);
    CHECK(every_call(&removed, &by_node) > 30);
    free_program(&program);
}

/* Of functions that take several objects, each may be the wrong one. */
static void each_object_of_a_call_is_checked(void) {
    program program = make_program();
    const ckpt_graph *graph = program.graph;
    const everything *all = &program.all;
    ckpt_node gone = object(graph), node = 0;
    ckpt_checkpoint *made = NULL;
    const ckpt_bytes name = bytes_of("n");
    CHECK_OK(ckpt_graph_remove(graph, gone, &error));
    MISUSE(ckpt_graph_track(graph, gone, "n", 1, all->object, &error));
    MISUSE(ckpt_graph_track(graph, all->object, "n", 1, gone, &error));
    MISUSE(ckpt_graph_track_overwrite(graph, all->object, "n", 1, gone, &error));
    MISUSE(ckpt_graph_list_append(graph, all->list, gone, &error));
    CHECK_OK(ckpt_graph_list_append(graph, all->list, 0, &error));
    MISUSE(ckpt_graph_list_set(graph, all->list, 0, gone, &error));
    MISUSE(ckpt_graph_list_insert(graph, all->list, 0, gone, &error));
    MISUSE(ckpt_graph_list_splice(graph, all->list, 0, 1, &gone, 1, &error));
    MISUSE(ckpt_graph_dict_set(graph, all->dict, "n", 1, gone, &error));
    MISUSE(ckpt_graph_set_slot(graph, gone, all->variable, "m", 1, all->integer, &error));
    MISUSE(ckpt_graph_set_slot(graph, all->owner, gone, "m", 1, all->integer, &error));
    MISUSE(ckpt_graph_set_slot(graph, all->owner, all->variable, "m", 1, gone, &error));
    MISUSE(ckpt_checkpoint_new_with_root(graph, program.root, &name, &gone, 1, &made, &error));
    MISUSE(ckpt_graph_add_tuple(graph, &gone, 1, NULL, &node, &error));
    CHECK(child_of(graph, all->object, "n") == 0);
    free_program(&program);
}

static void objects_are_of_the_kind_that_a_call_is_for(void) {
    program program = make_program();
    const ckpt_graph *graph = program.graph;
    const everything *all = &program.all;
    ckpt_node tuple = 0, text = 0, found = 0;
    CHECK_OK(ckpt_graph_add_tuple(graph, NULL, 0, NULL, &tuple, &error));
    CHECK_OK(ckpt_graph_add_text(graph, NULL, 0, NULL, &text, &error));
    const ckpt_node nodes[] = {all->object, all->variable, all->list, all->dict, all->owner, tuple, text};
    static const size_t order[] = {0};
    void *data = NULL;
    size_t size = 0;
    int64_t number = 0;
    float value = 0;
    ckpt_nodes *elements = NULL;
    ckpt_strings *strings = NULL;
    const ckpt_bytes word = bytes_of("w");
    for (size_t i = 0; i < COUNT(nodes); i++) {
        ckpt_node node = nodes[i];
        if (node != all->variable) {
            MISUSE(ckpt_graph_set_name(graph, node, "n", 1, &error));
            MISUSE(ckpt_graph_data(graph, node, &data, &size, &error));
            MISUSE(ckpt_graph_read(graph, node, &value, 4, &error));
            MISUSE(ckpt_graph_assign(graph, node, CKPT_DTYPE_FLOAT, NULL, 0, &value, 4, &error));
            MISUSE(ckpt_graph_read_integer(graph, node, &number, &error));
            MISUSE(ckpt_graph_set_borrowed(graph, node, &value, 4, NULL, NULL, &error));
            MISUSE(ckpt_graph_set_slot(graph, all->owner, all->variable, "m", 1, node, &error));
        }
        if (node != text) {
            MISUSE(ckpt_graph_read_strings(graph, node, &strings, &error));
            MISUSE(ckpt_graph_assign_strings(graph, node, NULL, 0, &word, 1, &error));
        }
        if (node != all->list) {
            MISUSE(ckpt_graph_list_append(graph, node, all->object, &error));
            MISUSE(ckpt_graph_list_repeat(graph, node, 2, &error));
            MISUSE(ckpt_graph_list_set(graph, node, 0, 0, &error));
            MISUSE(ckpt_graph_list_insert(graph, node, 0, 0, &error));
            MISUSE(ckpt_graph_list_remove(graph, node, 0, NULL, &error));
            MISUSE(ckpt_graph_list_splice(graph, node, 0, 0, NULL, 0, &error));
            MISUSE(ckpt_graph_list_reorder(graph, node, order, 1, &error));
            MISUSE(ckpt_graph_list_elements(graph, node, &elements, &error));
        }
        if (node != all->dict) {
            MISUSE(ckpt_graph_dict_set(graph, node, "k", 1, all->object, &error));
            MISUSE(ckpt_graph_dict_remove(graph, node, "k", 1, NULL, &error));
        }
        if (node != all->owner) {
            MISUSE(ckpt_graph_set_slot(graph, node, all->variable, "m", 1, all->integer, &error));
            MISUSE(ckpt_graph_slot(graph, node, all->variable, "m", 1, &found, &error));
            MISUSE(ckpt_graph_remove_slot(graph, node, all->variable, "m", 1, NULL, &error));
            MISUSE(ckpt_graph_slot_names(graph, node, &strings, &error));
        }
    }
    /* what a variable is not */
    MISUSE(ckpt_graph_assign(graph, all->strings, CKPT_DTYPE_STRING, NULL, 0, &value, 4, &error));
    MISUSE(ckpt_graph_assign_strings(graph, all->variable, NULL, 0, &word, 1, &error));
    MISUSE(ckpt_graph_set_borrowed(graph, all->variable, &value, 4, NULL, NULL, &error));
    MISUSE(ckpt_graph_data(graph, all->strings, &data, &size, &error));
    free_program(&program);
}

/* ---------------------------------------------------------------- places, lengths, text */

static void a_place_for_an_output_is_needed(void) {
    program program = make_program();
    const ckpt_graph *graph = program.graph;
    const everything *all = &program.all;
    const ckpt_checkpoint *checkpoint = program.checkpoint;
    const ckpt_bytes word = bytes_of("w");
    void *data = NULL;
    size_t size = 0;
    float value = 0;
    ckpt_device *device = ckpt_device_new(NULL, NULL);
    CHECK_OK(ckpt_device_set_read(device, no_read, false, &error));
    MISUSE(ckpt_graph_add_object(graph, NULL, NULL, &error));
    MISUSE(ckpt_graph_add_text(graph, "t", 1, NULL, NULL, &error));
    MISUSE(ckpt_graph_contains(graph, all->object, NULL, &error));
    MISUSE(ckpt_graph_describe(graph, all->object, NULL, &error));
    MISUSE(ckpt_graph_lookup(graph, all->object, "e", 1, NULL, &error));
    MISUSE(ckpt_graph_children(graph, all->object, NULL, &error));
    MISUSE(ckpt_graph_descendants(graph, all->object, NULL, &error));
    MISUSE(ckpt_graph_waiting(graph, all->object, "e", 1, NULL, &error));
    MISUSE(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, NULL, 0, &value, 4, NULL, NULL, &error));
    MISUSE(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, NULL, 0, &value, 4, NULL, NULL, NULL, NULL, &error));
    MISUSE(ckpt_graph_add_without_value(graph, CKPT_DTYPE_FLOAT, NULL, -1, NULL, NULL, &error));
    MISUSE(ckpt_graph_add_strings(graph, NULL, 0, &word, 1, NULL, NULL, &error));
    MISUSE(ckpt_graph_data(graph, all->variable, NULL, &size, &error));
    MISUSE(ckpt_graph_data(graph, all->variable, &data, NULL, &error));
    MISUSE(ckpt_graph_read(graph, all->variable, NULL, 4, &error));
    MISUSE(ckpt_graph_read_strings(graph, all->strings, NULL, &error));
    MISUSE(ckpt_graph_read_integer(graph, all->integer, NULL, &error));
    MISUSE(ckpt_graph_add_list(graph, NULL, NULL, &error));
    MISUSE(ckpt_graph_add_dict(graph, NULL, NULL, &error));
    MISUSE(ckpt_graph_add_tuple(graph, NULL, 0, NULL, NULL, &error));
    MISUSE(ckpt_graph_add_named_tuple(graph, NULL, NULL, 0, NULL, NULL, &error));
    MISUSE(ckpt_graph_list_elements(graph, all->list, NULL, &error));
    MISUSE(ckpt_graph_add_slot_owner(graph, NULL, NULL, NULL, NULL, NULL, &error));
    MISUSE(ckpt_graph_slot(graph, all->owner, all->variable, "m", 1, NULL, &error));
    MISUSE(ckpt_graph_slot_names(graph, all->owner, NULL, &error));
    MISUSE(ckpt_graph_add_device(graph, CKPT_DTYPE_FLOAT, NULL, -1, device, NULL, NULL, &error));
    MISUSE(ckpt_graph_add_state(graph, no_save, no_restore, NULL, NULL, NULL, NULL, &error));
    MISUSE(ckpt_checkpoint_new(graph, program.root, NULL, &error));
    MISUSE(ckpt_checkpoint_new_with_root(graph, program.root, NULL, NULL, 0, NULL, &error));
    MISUSE(ckpt_checkpoint_save_counter(checkpoint, NULL, &error));
    MISUSE(ckpt_checkpoint_save_count(checkpoint, NULL, &error));
    MISUSE(ckpt_checkpoint_dry_run(checkpoint, in("w"), NULL, NULL, &error));
    MISUSE(ckpt_checkpoint_last_report(checkpoint, NULL, &error));
    MISUSE(ckpt_status_report(program.status, NULL, &error));
    /* nothing was added */
    ckpt_nodes *children = NULL;
    CHECK_OK(ckpt_graph_children(graph, program.root, &children, &error));
    CHECK_INT(1, ckpt_nodes_count(children));
    ckpt_nodes_free(children);
    ckpt_device_free(device);
    free_program(&program);
}

#define TERA ((size_t)1 << 40)

static void names_are_text_of_a_possible_length(void) {
    static const struct {
        const char *text;
        size_t len;
    } bad[] = {{NULL, 1},       {"x", SIZE_MAX - 1}, {"x", SIZE_MAX / 2 + 1},  {"\xff", 1},
               {"a\xc3", 2},    {"\xed\xa0\x80", 3}, {"x", CKPT_MAX_NAME + 1}, {"x", TERA},
               {NULL, CKPT_NUL}};
    program program = make_program();
    const ckpt_graph *graph = program.graph;
    const everything *all = &program.all;
    ckpt_node node = 0;
    size_t count = 0;
    ckpt_node_options *options = ckpt_node_options_new();
    ckpt_restore_options *restore = ckpt_restore_options_new();
    ckpt_checkpoint *made = NULL;
    for (size_t i = 0; i < COUNT(bad); i++) {
        const char *text = bad[i].text;
        const size_t len = bad[i].len;
        const ckpt_bytes bytes = {(const uint8_t *)text, len};
        MISUSE(ckpt_graph_set_debug_name(graph, all->object, text, len, &error));
        MISUSE(ckpt_graph_set_name(graph, all->variable, text, len, &error));
        MISUSE(ckpt_graph_track(graph, all->object, text, len, all->variable, &error));
        MISUSE(ckpt_graph_track_overwrite(graph, all->object, text, len, all->variable, &error));
        MISUSE(ckpt_graph_untrack(graph, all->object, text, len, NULL, &error));
        MISUSE(ckpt_graph_lookup(graph, all->object, text, len, &node, &error));
        MISUSE(ckpt_graph_waiting(graph, all->object, text, len, &count, &error));
        MISUSE(ckpt_graph_dict_set(graph, all->dict, text, len, all->variable, &error));
        MISUSE(ckpt_graph_dict_remove(graph, all->dict, text, len, NULL, &error));
        MISUSE(ckpt_graph_add_named_tuple(graph, &bytes, &all->variable, 1, NULL, &node, &error));
        MISUSE(ckpt_graph_set_slot(graph, all->owner, all->variable, text, len, all->integer, &error));
        MISUSE(ckpt_graph_slot(graph, all->owner, all->variable, text, len, &node, &error));
        MISUSE(ckpt_graph_remove_slot(graph, all->owner, all->variable, text, len, NULL, &error));
        MISUSE(ckpt_graph_register_saver(graph, text, len, "n", 1, true, no_object, no_objects_saved, no_key, no_objects_restored,
                                         NULL, NULL, &error));
        MISUSE(ckpt_graph_register_saver(graph, "p", 1, text, len, true, no_object, no_objects_saved, no_key, no_objects_restored,
                                         NULL, NULL, &error));
        MISUSE(ckpt_checkpoint_new_with_root(graph, all->object, &bytes, &all->variable, 1, &made, &error));
        MISUSE(ckpt_node_options_set_debug_name(options, text, len, &error));
        MISUSE(ckpt_node_options_set_name(options, text, len, &error));
        MISUSE(ckpt_node_options_set_legacy_name(options, text, len, &error));
        MISUSE(ckpt_node_options_set_tensor_names(options, &bytes, 1, &error));
        MISUSE(ckpt_restore_options_add_include(restore, text, len, &error));
        MISUSE(ckpt_restore_options_add_exclude(restore, text, len, &error));
        MISUSE(ckpt_restore_options_add_rename(restore, text, len, "x", 1, &error));
        MISUSE(ckpt_restore_options_add_rename(restore, "x", 1, text, len, &error));
        MISUSE(ckpt_restore_options_set_subtree(restore, text, len, &error));
        if (i < 3) { /* a text may be any bytes */
            MISUSE(ckpt_graph_add_text(graph, text, len, NULL, &node, &error));
            MISUSE(ckpt_graph_add_strings(graph, NULL, 0, &bytes, 1, NULL, &node, &error));
            MISUSE(ckpt_graph_assign_strings(graph, all->strings, NULL, 0, &bytes, 1, &error));
        }
    }
    ckpt_node_options_free(options);
    ckpt_restore_options_free(restore);
    free_program(&program);
}

static void arrays_have_a_possible_length(void) {
    static const size_t lengths[] = {1, SIZE_MAX, SIZE_MAX / 8, TERA, SIZE_MAX / 2 / 8};
    program program = make_program();
    const ckpt_graph *graph = program.graph;
    const everything *all = &program.all;
    ckpt_node node = 0;
    ckpt_checkpoint *made = NULL;
    static const size_t order[] = {0};
    const ckpt_bytes word = bytes_of("w");
    for (size_t i = 0; i < COUNT(lengths); i++) {
        const size_t n = lengths[i];
        const ckpt_node *nodes = n == 1 ? NULL : &all->variable;
        const ckpt_bytes *names = n == 1 ? NULL : &word;
        const int64_t *shape = n == 1 ? NULL : (const int64_t[]){1};
        MISUSE(ckpt_graph_add_tuple(graph, nodes, n, NULL, &node, &error));
        MISUSE(ckpt_graph_add_named_tuple(graph, names, nodes, n, NULL, &node, &error));
        MISUSE(ckpt_graph_add_named_tuple(graph, names, &all->variable, n, NULL, &node, &error));
        MISUSE(ckpt_graph_list_splice(graph, all->list, 0, 0, nodes, n, &error));
        MISUSE(ckpt_graph_list_reorder(graph, all->list, n == 1 ? NULL : order, n, &error));
        MISUSE(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, shape, n, &memory, 4, NULL, &node, &error));
        MISUSE(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, n, &memory, 4, NULL, NULL, NULL, &node, &error));
        MISUSE(ckpt_graph_add_strings(graph, shape, n, &word, 1, NULL, &node, &error));
        MISUSE(ckpt_graph_add_strings(graph, NULL, 0, names, n, NULL, &node, &error));
        MISUSE(ckpt_graph_assign(graph, all->variable, CKPT_DTYPE_FLOAT, shape, n, &memory, 4, &error));
        MISUSE(ckpt_graph_assign_strings(graph, all->strings, NULL, 0, names, n, &error));
        MISUSE(ckpt_checkpoint_new_with_root(graph, all->object, names, &all->variable, n, &made, &error));
        MISUSE(ckpt_checkpoint_new_with_root(graph, all->object, &word, nodes, n, &made, &error));
    }
    MISUSE(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, NULL, 0, &memory, SIZE_MAX, NULL, &node, &error));
    MISUSE(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, NULL, 0, &memory, SIZE_MAX, NULL, NULL, NULL, &node, &error));
    MISUSE(ckpt_graph_set_borrowed(graph, all->borrowed, &memory, SIZE_MAX, NULL, NULL, &error));
    MISUSE(ckpt_graph_set_borrowed(graph, all->borrowed, NULL, 4, NULL, NULL, &error));
    MISUSE(ckpt_graph_assign(graph, all->variable, CKPT_DTYPE_FLOAT, NULL, 0, NULL, 4, &error));
    MISUSE(ckpt_graph_assign(graph, all->variable, CKPT_DTYPE_FLOAT, NULL, 0, &memory, SIZE_MAX, &error));
    MISUSE(ckpt_graph_read(graph, all->variable, &memory, SIZE_MAX, &error));
    /* a list of 2^32 elements is refused, and the list stays */
    CHECK_OK(ckpt_graph_list_append(graph, all->list, 0, &error));
    MISUSE(ckpt_graph_list_repeat(graph, all->list, INT64_MAX, &error));
    MISUSE(ckpt_graph_list_splice(graph, all->list, 1, 0, NULL, 0, &error));
    MISUSE(ckpt_graph_list_reorder(graph, all->list, (const size_t[]){1}, 1, &error));
    CHECK_FAILS(CKPT_CODE_OUT_OF_RANGE, ckpt_graph_list_set(graph, all->list, INT64_MIN, 0, &error));
    CHECK_FAILS(CKPT_CODE_OUT_OF_RANGE, ckpt_graph_list_remove(graph, all->list, INT64_MAX, NULL, &error));
    CHECK_OK(ckpt_graph_list_insert(graph, all->list, INT64_MIN, 0, &error));
    CHECK_OK(ckpt_graph_list_insert(graph, all->list, INT64_MAX, 0, &error));
    CHECK_OK(ckpt_graph_list_repeat(graph, all->list, INT64_MIN, &error)); /* empties it, as in Python */
    free_program(&program);
}

/* What the calls below are made with, all of it much shorter than they are told. */
typedef struct subject {
    const program *of;
    ckpt_writer *writer;
    ckpt_reader *reader;
    const ckpt_tensor *tensor;
    ckpt_device *device;
    ckpt_node_options *node_options;
    ckpt_manager_options *manager_options;
} subject;

typedef ckpt_code absurd_call(const subject *s, size_t n);

static const int64_t one[] = {1};
static const ckpt_bytes word = {(const uint8_t *)"word", 4};
static const char *const path_list[] = {"/nowhere/a"};
static void *const buffers[] = {&memory};
static const size_t buffer_sizes[] = {4};

/* Outputs that stay as they are. */
static ckpt_node no_node;
static ckpt_saver *no_saver;
static ckpt_strings *no_strings;
static ckpt_checkpoint *no_checkpoint;
static const ckpt_tensor *no_tensor;
static uint32_t no_id;
static double no_time;
static size_t no_size;

/* The word, said to have n bytes. */
static const ckpt_bytes *word_of(size_t n) {
    static ckpt_bytes bytes;
    bytes.data = word.data;
    bytes.len = n;
    return &bytes;
}

#define ABSURD(name, call)                              \
    static ckpt_code name(const subject *s, size_t n) { \
        (void)s, (void)n;                               \
        return call;                                    \
    }
#define GRAPH s->of->graph
#define ALL s->of->all
#define FLOATS CKPT_DTYPE_FLOAT

/* a key or name of n bytes */
ABSURD(key_of_add, ckpt_writer_add(s->writer, "k", n, FLOATS, one, 1, &memory, 4, &error))
ABSURD(key_of_slice, ckpt_writer_add_slice(s->writer, "k", n, FLOATS, one, one, one, 1, &memory, 4, &error))
ABSURD(key_of_text, ckpt_writer_add_shape_and_slice(s->writer, "k", n, FLOATS, one, 1, "", 0, &memory, 4, &error))
ABSURD(text_of_slice, ckpt_writer_add_shape_and_slice(s->writer, "k", 1, FLOATS, one, 1, "1 0,1", n, &memory, 4, &error))
ABSURD(key_of_read, ckpt_writer_add_read(s->writer, "k", n, FLOATS, one, 1, no_read, NULL, NULL, &error))
ABSURD(key_of_strings, ckpt_writer_add_strings(s->writer, "k", n, one, 1, &word, 1, &error))
ABSURD(key_of_strings_slice, ckpt_writer_add_strings_slice(s->writer, "k", n, one, one, one, 1, &word, 1, &error))
ABSURD(key_of_variants, ckpt_writer_add_variants(s->writer, "k", n, one, 1, &word, 1, &error))
ABSURD(key_found, ckpt_reader_find(s->reader, "k", n, &no_tensor, &error))
ABSURD(name_of_manager, ckpt_manager_options_set_checkpoint_name(s->manager_options, "n", n, &error))
ABSURD(name_saved, ckpt_saver_new(GRAPH, word_of(n), &ALL.variable, 1, NULL, &no_saver, &error))
ABSURD(path_recorded, ckpt_saver_set_last_checkpoints(ALL.saver, word_of(n), NULL, 1, &error))
ABSURD(path_recovered, ckpt_saver_recover_last_checkpoints(ALL.saver, word_of(n), 1, &error))
static absurd_call *const of_names[] = {key_of_add,     key_of_slice,         key_of_text,     text_of_slice, key_of_read,
                                        key_of_strings, key_of_strings_slice, key_of_variants, key_found,     name_of_manager,
                                        name_saved,     path_recorded,        path_recovered};

/* a shape or slice of n dimensions */
ABSURD(rank_of_add, ckpt_writer_add(s->writer, "k", 1, FLOATS, one, n, &memory, 4, &error))
ABSURD(rank_of_slice, ckpt_writer_add_slice(s->writer, "k", 1, FLOATS, one, one, one, n, &memory, 4, &error))
ABSURD(rank_of_text, ckpt_writer_add_shape_and_slice(s->writer, "k", 1, FLOATS, one, n, "", 0, &memory, 4, &error))
ABSURD(rank_of_read, ckpt_writer_add_read(s->writer, "k", 1, FLOATS, one, n, no_read, NULL, NULL, &error))
ABSURD(rank_of_strings, ckpt_writer_add_strings(s->writer, "k", 1, one, n, &word, 1, &error))
ABSURD(rank_of_strings_slice, ckpt_writer_add_strings_slice(s->writer, "k", 1, one, one, one, n, &word, 1, &error))
ABSURD(rank_of_variants, ckpt_writer_add_variants(s->writer, "k", 1, one, n, &word, 1, &error))
ABSURD(rank_read, ckpt_reader_read_slice(s->reader, s->tensor, one, one, n, NULL, &memory, 4, &error))
ABSURD(rank_of_strings_read, ckpt_reader_read_strings_slice(s->reader, s->tensor, one, one, n, NULL, &no_strings, &error))
ABSURD(rank_of_part, ckpt_node_options_set_part(s->node_options, one, one, one, n, &error))
ABSURD(rank_owned, ckpt_graph_add_owned(GRAPH, FLOATS, one, n, &memory, 4, NULL, &no_node, &error))
ABSURD(rank_borrowed, ckpt_graph_add_borrowed(GRAPH, FLOATS, one, n, &memory, 4, NULL, NULL, NULL, &no_node, &error))
ABSURD(rank_without_value,
       ckpt_graph_add_without_value(GRAPH, FLOATS, one, (int32_t)(n < INT32_MAX ? n : INT32_MAX), NULL, &no_node, &error))
ABSURD(rank_of_device,
       ckpt_graph_add_device(GRAPH, FLOATS, one, (int32_t)(n < INT32_MAX ? n : INT32_MAX), s->device, NULL, &no_node, &error))
ABSURD(rank_added, ckpt_graph_add_strings(GRAPH, one, n, &word, 1, NULL, &no_node, &error))
ABSURD(rank_assigned, ckpt_graph_assign(GRAPH, ALL.variable, FLOATS, one, n, &memory, 4, &error))
ABSURD(rank_of_strings_assigned, ckpt_graph_assign_strings(GRAPH, ALL.strings, one, n, &word, 1, &error))
static absurd_call *const of_ranks[] = {rank_of_add,
                                        rank_of_slice,
                                        rank_of_text,
                                        rank_of_read,
                                        rank_of_strings,
                                        rank_of_strings_slice,
                                        rank_of_variants,
                                        rank_read,
                                        rank_of_strings_read,
                                        rank_of_part,
                                        rank_owned,
                                        rank_borrowed,
                                        rank_without_value,
                                        rank_of_device,
                                        rank_added,
                                        rank_assigned,
                                        rank_of_strings_assigned};

/* a list of n elements */
ABSURD(count_of_strings, ckpt_writer_add_strings(s->writer, "k", 1, one, 1, &word, n, &error))
ABSURD(count_of_slice, ckpt_writer_add_strings_slice(s->writer, "k", 1, one, one, one, 1, &word, n, &error))
ABSURD(count_of_variants, ckpt_writer_add_variants(s->writer, "k", 1, one, 1, &word, n, &error))
ABSURD(count_added, ckpt_graph_add_strings(GRAPH, one, 1, &word, n, NULL, &no_node, &error))
ABSURD(count_assigned, ckpt_graph_assign_strings(GRAPH, ALL.strings, one, 1, &word, n, &error))
ABSURD(count_of_tuple, ckpt_graph_add_tuple(GRAPH, &ALL.variable, n, NULL, &no_node, &error))
ABSURD(count_of_fields, ckpt_graph_add_named_tuple(GRAPH, &word, &ALL.variable, n, NULL, &no_node, &error))
ABSURD(count_of_splice, ckpt_graph_list_splice(GRAPH, ALL.list, 0, 0, &ALL.variable, n, &error))
ABSURD(count_of_order, ckpt_graph_list_reorder(GRAPH, ALL.list, &no_size, n, &error))
ABSURD(count_of_names, ckpt_node_options_set_tensor_names(s->node_options, &word, n, &error))
ABSURD(count_saved, ckpt_saver_new(GRAPH, &word, &ALL.variable, n, NULL, &no_saver, &error))
ABSURD(count_of_variables, ckpt_saver_new_of_variables(GRAPH, &ALL.variable, n, NULL, &no_saver, &error))
ABSURD(count_recorded, ckpt_saver_set_last_checkpoints(ALL.saver, &word, NULL, n, &error))
ABSURD(count_recovered, ckpt_saver_recover_last_checkpoints(ALL.saver, &word, n, &error))
ABSURD(count_attached, ckpt_checkpoint_new_with_root(GRAPH, ALL.object, &word, &ALL.variable, n, &no_checkpoint, &error))
ABSURD(count_restored, ckpt_restore_nodes(GRAPH, "/nowhere/a", &no_id, &ALL.variable, n, NULL, &error))
ABSURD(count_merged, ckpt_merge("/nowhere/b", path_list, n, NULL, &error))
ABSURD(count_of_times, ckpt_checkpoint_mtimes(path_list, n, &no_time, &no_size, &error))
ABSURD(count_read, ckpt_reader_read_many(s->reader, &s->tensor, n, NULL, buffers, buffer_sizes, &error))
static absurd_call *const of_counts[] = {count_of_strings, count_of_slice,     count_of_variants, count_added,     count_assigned,
                                         count_of_tuple,   count_of_fields,    count_of_splice,   count_of_order,  count_of_names,
                                         count_saved,      count_of_variables, count_recorded,    count_recovered, count_attached,
                                         count_restored,   count_merged,       count_of_times,    count_read};

/* a value of n bytes */
ABSURD(size_of_add, ckpt_writer_add(s->writer, "k", 1, FLOATS, one, 1, &memory, n, &error))
ABSURD(size_of_slice, ckpt_writer_add_slice(s->writer, "k", 1, FLOATS, one, one, one, 1, &memory, n, &error))
ABSURD(size_of_text, ckpt_writer_add_shape_and_slice(s->writer, "k", 1, FLOATS, one, 1, "", 0, &memory, n, &error))
ABSURD(size_read, ckpt_reader_read(s->reader, s->tensor, NULL, &memory, n, &error))
ABSURD(size_owned, ckpt_graph_add_owned(GRAPH, FLOATS, one, 1, &memory, n, NULL, &no_node, &error))
ABSURD(size_borrowed, ckpt_graph_add_borrowed(GRAPH, FLOATS, one, 1, &memory, n, NULL, NULL, NULL, &no_node, &error))
ABSURD(size_set, ckpt_graph_set_borrowed(GRAPH, ALL.borrowed, &memory, n, NULL, NULL, &error))
ABSURD(size_assigned, ckpt_graph_assign(GRAPH, ALL.variable, FLOATS, NULL, 0, &memory, n, &error))
ABSURD(size_copied, ckpt_graph_read(GRAPH, ALL.variable, &memory, n, &error))
static absurd_call *const of_sizes[] = {size_of_add,   size_of_slice, size_of_text,  size_read,  size_owned,
                                        size_borrowed, size_set,      size_assigned, size_copied};

static void absurd_lengths_are_refused_before_anything_is_made(void) {
    static const size_t names[] = {CKPT_MAX_NAME + 1, (size_t)1 << 32, TERA, SIZE_MAX / 2, SIZE_MAX - 1};
    static const size_t ranks[] = {CKPT_MAX_RANK + 1, 1000000, (size_t)1 << 31, TERA, SIZE_MAX / 16, SIZE_MAX};
    static const size_t counts[] = {(size_t)1 << 32, TERA, SIZE_MAX / 32, SIZE_MAX};
    static const size_t sizes[] = {(size_t)1 << 32, TERA, SIZE_MAX / 2, SIZE_MAX};
    static const struct {
        absurd_call *const *calls;
        size_t call_count;
        const size_t *lengths;
        size_t length_count;
    } table[] = {{of_names, COUNT(of_names), names, COUNT(names)},
                 {of_ranks, COUNT(of_ranks), ranks, COUNT(ranks)},
                 {of_counts, COUNT(of_counts), counts, COUNT(counts)},
                 {of_sizes, COUNT(of_sizes), sizes, COUNT(sizes)}};
    program program = make_program();
    subject s = {&program,
                 NULL,
                 must_open(in("w")),
                 NULL,
                 ckpt_device_new(NULL, NULL),
                 ckpt_node_options_new(),
                 ckpt_manager_options_new()};
    s.tensor = must_find(s.reader, "w/.ATTRIBUTES/VARIABLE_VALUE");
    CHECK_OK(ckpt_device_set_read(s.device, no_read, false, &error));
    CHECK_OK(ckpt_writer_new(in("absurd"), NULL, &s.writer, &error));
    for (size_t kind = 0; kind < COUNT(table); kind++) {
        for (size_t i = 0; i < table[kind].call_count; i++) {
            for (size_t j = 0; j < table[kind].length_count; j++) {
                char what[80];
                snprintf(what, sizeof what, "kind %zu, call %zu, length %zu", kind, i, table[kind].lengths[j]);
                check_code(CKPT_CODE_INVALID_ARGUMENT, table[kind].calls[i](&s, table[kind].lengths[j]), what, __FILE__,
                           __LINE__);
            }
        }
    }
    /* functions that cannot fail */
    CHECK(!ckpt_reader_has(s.reader, "k", TERA));
    CHECK(ckpt_manager_metric(program.manager, "p", TERA) != ckpt_manager_metric(program.manager, "p", TERA)); /* NaN */
    /* what nobody can know to be too long takes memory that is not there */
    CHECK_FAILS(CKPT_CODE_RESOURCE_EXHAUSTED, ckpt_graph_add_text(program.graph, "x", SIZE_MAX / 4, NULL, &no_node, &error));
    CHECK_FAILS(CKPT_CODE_RESOURCE_EXHAUSTED,
                ckpt_writer_add_strings(s.writer, "k", 1, one, 1, word_of(SIZE_MAX / 4), 1, &error));
    CHECK_FAILS(CKPT_CODE_RESOURCE_EXHAUSTED,
                ckpt_writer_add_variants(s.writer, "k", 1, one, 1, word_of(SIZE_MAX / 4), 1, &error));
    CHECK_FAILS(CKPT_CODE_RESOURCE_EXHAUSTED,
                ckpt_graph_assign_strings(program.graph, program.all.strings, NULL, 0, word_of(SIZE_MAX / 4), 1, &error));
    ckpt_writer_free(s.writer);
    ckpt_reader_free(s.reader);
    ckpt_device_free(s.device);
    ckpt_node_options_free(s.node_options);
    ckpt_manager_options_free(s.manager_options);
    free_program(&program);
}

static void dtypes_and_shapes_are_possible(void) {
    static const ckpt_dtype none[] = {-1, 20, 34, 101, INT32_MIN, INT32_MAX};
    static const int64_t negative[] = {-1}, huge[] = {INT64_MAX, INT64_MAX}, large[] = {INT64_MAX / 4}, below[] = {-2};
    static int64_t deep[CKPT_MAX_RANK + 1];
    for (size_t i = 0; i < COUNT(deep); i++) deep[i] = 1;
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node node = 0;
    ckpt_device *device = ckpt_device_new(NULL, NULL);
    CHECK_OK(ckpt_device_set_read(device, no_read, false, &error));
    for (size_t i = 0; i < COUNT(none); i++) {
        MISUSE(ckpt_graph_add_owned(graph, none[i], NULL, 0, NULL, 0, NULL, &node, &error));
        MISUSE(ckpt_graph_add_borrowed(graph, none[i], NULL, 0, &memory, 4, NULL, NULL, NULL, &node, &error));
        MISUSE(ckpt_graph_add_without_value(graph, none[i], NULL, -1, NULL, &node, &error));
        MISUSE(ckpt_graph_add_device(graph, none[i], NULL, -1, device, NULL, &node, &error));
        MISUSE(ckpt_graph_assign(graph, scalar(graph, 1), none[i], NULL, 0, &memory, 4, &error));
    }
    static const ckpt_dtype no_numbers[] = {CKPT_DTYPE_INVALID, CKPT_DTYPE_STRING, CKPT_DTYPE_VARIANT};
    for (size_t i = 0; i < COUNT(no_numbers); i++) {
        MISUSE(ckpt_graph_add_owned(graph, no_numbers[i], NULL, 0, NULL, 0, NULL, &node, &error));
        MISUSE(ckpt_graph_add_borrowed(graph, no_numbers[i], NULL, 0, &memory, 4, NULL, NULL, NULL, &node, &error));
        MISUSE(ckpt_graph_add_device(graph, no_numbers[i], NULL, -1, device, NULL, &node, &error));
    }
    MISUSE(ckpt_graph_add_without_value(graph, CKPT_DTYPE_VARIANT, NULL, -1, NULL, &node, &error));
    MISUSE(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, negative, 1, NULL, 0, NULL, &node, &error));
    MISUSE(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, huge, 2, NULL, 0, NULL, &node, &error));
    MISUSE(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, deep, COUNT(deep), NULL, 0, NULL, &node, &error));
    CHECK_FAILS(CKPT_CODE_RESOURCE_EXHAUSTED,
                ckpt_graph_add_owned(graph, CKPT_DTYPE_DOUBLE, large, 1, NULL, 0, NULL, &node, &error));
    MISUSE(ckpt_graph_add_strings(graph, large, 1, NULL, 0, NULL, &node, &error));
    MISUSE(ckpt_graph_add_without_value(graph, CKPT_DTYPE_FLOAT, below, 1, NULL, &node, &error));
    MISUSE(ckpt_graph_add_without_value(graph, CKPT_DTYPE_FLOAT, NULL, -2, NULL, &node, &error));
    MISUSE(ckpt_graph_add_without_value(graph, CKPT_DTYPE_FLOAT, NULL, 1, NULL, &node, &error));
    MISUSE(ckpt_graph_add_without_value(graph, CKPT_DTYPE_FLOAT, deep, COUNT(deep), NULL, &node, &error));
    MISUSE(ckpt_graph_add_device(graph, CKPT_DTYPE_FLOAT, below, 1, device, NULL, &node, &error));
    MISUSE(ckpt_graph_add_device(graph, CKPT_DTYPE_FLOAT, NULL, INT32_MIN, device, NULL, &node, &error));
    MISUSE(ckpt_graph_add_device(graph, CKPT_DTYPE_FLOAT, NULL, -1, NULL, NULL, &node, &error));
    CHECK(node == 0);
    ckpt_device_free(device);
    ckpt_graph_free(graph);
}

/* ---------------------------------------------------------------- options, callbacks, paths */

static void options_need_a_handle_and_known_numbers(void) {
    ckpt_restore_options *restore = ckpt_restore_options_new();
    static const ckpt_mismatch none[] = {-1, 2, INT32_MAX};
    for (size_t i = 0; i < COUNT(none); i++) MISUSE(ckpt_restore_options_set_on_mismatch(restore, none[i], &error));
    CHECK_OK(ckpt_restore_options_set_read_options(restore, NULL, &error)); /* the defaults */
    ckpt_restore_options_free(restore);
    int freed = 0;
    MISUSE(ckpt_node_options_set_debug_name(NULL, "n", 1, &error));
    MISUSE(ckpt_node_options_set_name(NULL, "n", 1, &error));
    MISUSE(ckpt_node_options_set_read_only(NULL, true, &error));
    const int64_t ones[] = {1, 1};
    MISUSE(ckpt_node_options_set_part(NULL, ones, ones, ones, 0, &error));
    ckpt_node_options *node_options = ckpt_node_options_new();
    MISUSE(ckpt_node_options_set_part(node_options, NULL, ones, ones, 2, &error));
    MISUSE(ckpt_node_options_set_part(node_options, ones, NULL, ones, 2, &error));
    MISUSE(ckpt_node_options_set_part(node_options, ones, ones, NULL, 2, &error));
    MISUSE(ckpt_node_options_set_part(node_options, ones, ones, ones, SIZE_MAX, &error));
    MISUSE(ckpt_node_options_set_part(node_options, ones, ones, ones, 2, &error)); /* from 1 on, of 1 */
    ckpt_node_options_free(node_options);
    MISUSE(ckpt_node_options_set_tensor_names(NULL, NULL, 0, &error));
    MISUSE(ckpt_node_options_set_legacy_name(NULL, "n", 1, &error));
    MISUSE(ckpt_save_options_set_write_options(NULL, NULL, &error));
    MISUSE(ckpt_save_options_add_callback(NULL, NULL, &freed, count_free, &error));
    CHECK_INT(1, freed);
    MISUSE(ckpt_restore_options_set_read_options(NULL, NULL, &error));
    MISUSE(ckpt_restore_options_add_include(NULL, "x", 1, &error));
    MISUSE(ckpt_restore_options_add_exclude(NULL, "x", 1, &error));
    MISUSE(ckpt_restore_options_add_rename(NULL, "x", 1, "y", 1, &error));
    MISUSE(ckpt_restore_options_set_on_mismatch(NULL, 0, &error));
    MISUSE(ckpt_restore_options_set_skip_slot_variables(NULL, true, &error));
    MISUSE(ckpt_restore_options_set_subtree(NULL, "x", 1, &error));
    MISUSE(ckpt_restore_options_set_verify_first(NULL, true, &error));
    MISUSE(ckpt_device_set_describe(NULL, no_shape, &error));
    MISUSE(ckpt_device_set_read(NULL, no_read, true, &error));
    MISUSE(ckpt_device_set_prepare(NULL, NULL, &error));
    MISUSE(ckpt_device_set_write(NULL, NULL, &error));
    MISUSE(ckpt_device_set_finish(NULL, NULL, &error));
    ckpt_device_free(ckpt_device_new(&freed, count_free));
    CHECK_INT(2, freed);
}

static void contexts_of_callbacks_need_a_handle(void) {
    int freed = 0;
    MISUSE(ckpt_sink_put(NULL, "n", 1, CKPT_DTYPE_FLOAT, NULL, 0, &memory, 4, &error));
    MISUSE(ckpt_sink_put_borrowed(NULL, "n", 1, CKPT_DTYPE_FLOAT, NULL, 0, &memory, 4, &freed, count_free, &error));
    MISUSE(ckpt_sink_put_read(NULL, "n", 1, CKPT_DTYPE_FLOAT, NULL, 0, no_read, &freed, count_free, &error));
    MISUSE(ckpt_sink_put_strings(NULL, "n", 1, NULL, 0, NULL, 0, &error));
    MISUSE(ckpt_slot_request_set_owned(NULL, NULL, &error));
    MISUSE(ckpt_slot_request_set_borrowed(NULL, &memory, 4, &freed, count_free, NULL, &error));
    MISUSE(ckpt_slot_request_set_device(NULL, NULL, NULL, &error));
    CHECK_INT(3, freed);
    ckpt_failure_set(NULL, "text", 4);
}

static ckpt_code put_nonsense(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    static const int64_t two[] = {2}, negative[] = {-1};
    const ckpt_bytes bad = {NULL, 1};
    int which = *(int *)user_data;
    ckpt_failure_set(failure, NULL, 1); /* no text is no message */
    ckpt_failure_set(failure, "x", SIZE_MAX - 1);
    ckpt_failure_set(failure, "x", TERA);
    MISUSE(ckpt_sink_put(sink, "n", TERA, CKPT_DTYPE_FLOAT, NULL, 0, &memory, 4, &error));
    MISUSE(ckpt_sink_put(sink, "n", 1, CKPT_DTYPE_FLOAT, two, 1000000, &memory, 4, &error));
    MISUSE(ckpt_sink_put_strings(sink, "n", 1, NULL, 0, &bad, TERA, &error));
    CHECK_FAILS(CKPT_CODE_RESOURCE_EXHAUSTED,
                ckpt_sink_put(sink, "n", 1, CKPT_DTYPE_FLOAT, two, 1, &memory, SIZE_MAX / 4, &error));
    MISUSE(ckpt_sink_put(sink, "n", 1, -1, NULL, 0, &memory, 4, &error));
    MISUSE(ckpt_sink_put(sink, NULL, 1, CKPT_DTYPE_FLOAT, NULL, 0, &memory, 4, &error));
    MISUSE(ckpt_sink_put(sink, "\xff", 1, CKPT_DTYPE_FLOAT, NULL, 0, &memory, 4, &error));
    MISUSE(ckpt_sink_put(sink, "n", 1, CKPT_DTYPE_FLOAT, NULL, 1, &memory, 4, &error));
    MISUSE(ckpt_sink_put(sink, "n", 1, CKPT_DTYPE_FLOAT, NULL, 0, NULL, 4, &error));
    MISUSE(ckpt_sink_put_strings(sink, "n", 1, NULL, 0, &bad, 1, &error));
    /* what does not fit is found out in the end */
    if (which == 0) return ckpt_sink_put(sink, "n", 1, CKPT_DTYPE_FLOAT, two, 1, &memory, 4, NULL);
    if (which == 1) return ckpt_sink_put(sink, "n", 1, CKPT_DTYPE_FLOAT, negative, 1, NULL, 0, NULL);
    if (which == 2) return ckpt_sink_put(sink, "n", 1, CKPT_DTYPE_STRING, NULL, 0, &memory, 4, NULL);
    return ckpt_sink_put_strings(sink, "n", 1, two, 1, NULL, 0, NULL);
}

static void nonsense_of_a_save_callback_is_found(void) {
    for (int which = 0; which < 4; which++) {
        ckpt_graph *graph = ckpt_graph_new();
        ckpt_node root = object(graph), state = 0;
        CHECK_OK(ckpt_graph_add_state(graph, put_nonsense, no_restore, &which, NULL, NULL, &state, &error));
        track(graph, root, "s", state);
        ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
        MISUSE(ckpt_checkpoint_write(checkpoint, in("nonsense"), NULL, NULL, &error));
        CHECK_INT(0, files(false));
        ckpt_checkpoint_free(checkpoint);
        ckpt_graph_free(graph);
    }
}

static int32_t absurd_rank;

static int32_t absurd(void *user_data, int64_t *dimensions) {
    (void)user_data;
    dimensions[0] = -5;
    return absurd_rank;
}

static void a_device_that_describes_nonsense_is_found(void) {
    static const int32_t ranks[] = {1, CKPT_MAX_RANK + 1, INT32_MAX, -2, INT32_MIN};
    for (size_t i = 0; i < COUNT(ranks); i++) {
        ckpt_graph *graph = ckpt_graph_new();
        ckpt_node root = object(graph), node = 0;
        ckpt_device *device = ckpt_device_new(NULL, NULL);
        CHECK_OK(ckpt_device_set_read(device, no_read, false, &error));
        CHECK_OK(ckpt_device_set_describe(device, absurd, &error));
        absurd_rank = -1;
        CHECK_OK(ckpt_graph_add_device(graph, CKPT_DTYPE_FLOAT, NULL, -1, device, NULL, &node, &error));
        ckpt_device_free(device);
        track(graph, root, "d", node);
        absurd_rank = ranks[i];
        ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
        CHECK(ckpt_checkpoint_write(checkpoint, in("absurd"), NULL, NULL, NULL) != CKPT_CODE_OK);
        float value = 0;
        CHECK(ckpt_graph_read(graph, node, &value, 4, NULL) != CKPT_CODE_OK);
        ckpt_checkpoint_free(checkpoint);
        ckpt_graph_free(graph);
    }
}

static void paths_are_needed(void) {
    program program = make_program();
    const ckpt_checkpoint *checkpoint = program.checkpoint;
    ckpt_report *report = NULL;
    MISUSE(ckpt_checkpoint_write(checkpoint, NULL, NULL, NULL, &error));
    MISUSE(ckpt_checkpoint_write_numbered(checkpoint, NULL, 1, NULL, NULL, &error));
    MISUSE(ckpt_checkpoint_save(checkpoint, NULL, NULL, NULL, &error));
    MISUSE(ckpt_checkpoint_restore(checkpoint, NULL, NULL, NULL, &error));
    MISUSE(ckpt_checkpoint_read(checkpoint, NULL, NULL, NULL, &error));
    MISUSE(ckpt_checkpoint_dry_run(checkpoint, NULL, NULL, &report, &error));
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_checkpoint_read(checkpoint, "", NULL, NULL, &error));
    free_program(&program);
}

/* ---------------------------------------------------------------- memory, order, the rest */

static void variables_that_share_memory_are_not_restored(void) {
    static const int64_t two[] = {2};
    static float shared[3];
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), a = 0, b = 0;
    CHECK_OK(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, two, 1, shared, 8, NULL, NULL, NULL, &a, &error));
    CHECK_OK(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, two, 1, shared + 1, 8, NULL, NULL, NULL, &b, &error));
    track(graph, root, "a", a);
    track(graph, root, "b", b);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    write_as(checkpoint, "shared");
    shared[0] = 5;
    MISUSE(ckpt_checkpoint_read(checkpoint, in("shared"), NULL, NULL, &error));
    CHECK(shared[0] == 5);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
}

/* The handles that a callback frees while the call that they were given to runs. */
typedef struct freed_within {
    ckpt_graph *graph;
    ckpt_checkpoint *checkpoint;
    ckpt_save_options *options;
} freed_within;

static ckpt_code free_everything(void *user_data, const char *path, ckpt_failure *failure) {
    freed_within *within = (freed_within *)user_data;
    (void)path;
    ckpt_checkpoint_free(within->checkpoint);
    ckpt_graph_free(within->graph);
    ckpt_save_options_free(within->options);
    ckpt_failure_set(failure, TEXT("nobody is left"));
    return CKPT_CODE_ABORTED;
}

static void a_callback_may_free_the_handles_of_its_call(void) {
    int released = 0;
    freed_within within = {ckpt_graph_new(), NULL, ckpt_save_options_new()};
    ckpt_node root = object(within.graph), node = 0;
    CHECK_OK(
        ckpt_graph_add_borrowed(within.graph, CKPT_DTYPE_FLOAT, NULL, 0, &memory, 4, &released, count_free, NULL, &node, &error));
    track(within.graph, root, "m", node);
    within.checkpoint = checkpoint_of(within.graph, root);
    CHECK_OK(ckpt_save_options_add_callback(within.options, free_everything, &within, NULL, &error));
    CHECK_FAILS(CKPT_CODE_ABORTED, ckpt_checkpoint_write(within.checkpoint, in("within"), within.options, NULL, &error));
    CHECK_INT(1, released);
}

/* A release that calls the graph is refused or served, and in no case waits for itself. */
static ckpt_graph *released_from;
static int release_calls;

static void call_from_release(void *user_data) {
    ckpt_node node = 0;
    (void)user_data;
    release_calls++;
    ckpt_code code = ckpt_graph_add_object(released_from, NULL, &node, NULL);
    CHECK(code == CKPT_CODE_OK || code == CKPT_CODE_FAILED_PRECONDITION);
}

static void release_may_not_hang(void) {
    ckpt_node node = 0;
    released_from = ckpt_graph_new();
    ckpt_checkpoint *checkpoint = checkpoint_of(released_from, object(released_from));
    for (int how = 0; how < 3; how++) {
        CHECK_OK(ckpt_graph_add_borrowed(released_from, CKPT_DTYPE_FLOAT, NULL, 0, &memory, 4, NULL, call_from_release, NULL,
                                         &node, &error));
        if (how == 0) CHECK_OK(ckpt_graph_remove(released_from, node, &error));
        if (how == 1) CHECK_OK(ckpt_graph_set_borrowed(released_from, node, &memory, 4, NULL, NULL, &error));
    }
    CHECK_OK(ckpt_checkpoint_set_log(checkpoint, NULL, NULL, call_from_release, &error));
    CHECK_INT(3, release_calls);
    CHECK_OK(ckpt_graph_remove(released_from, node, &error));
    CHECK_INT(4, release_calls);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(released_from);
}

static void nothing_is_asked_of_nothing(void) {
    CHECK_INT(0, ckpt_nodes_count(NULL));
    CHECK_INT(0, ckpt_nodes_get(NULL, 0));
    CHECK_INT(0, ckpt_nodes_name(NULL, 0).len);
    CHECK_INT(0, ckpt_description_kind(NULL));
    CHECK_INT(CKPT_DTYPE_INVALID, ckpt_description_dtype(NULL));
    CHECK_INT(-1, ckpt_description_rank(NULL));
    CHECK(ckpt_description_shape(NULL) == NULL);
    CHECK_INT(0, ckpt_slot_request_owner(NULL));
    CHECK_INT(0, ckpt_slot_request_variable(NULL));
    CHECK_INT(0, ckpt_slot_request_name(NULL).len);
    CHECK_INT(CKPT_DTYPE_INVALID, ckpt_slot_request_dtype(NULL));
    CHECK_INT(0, ckpt_slot_request_rank(NULL));
    CHECK(ckpt_slot_request_shape(NULL) == NULL);
    CHECK_INT(0, ckpt_source_count(NULL));
    CHECK(ckpt_source_get(NULL, 0) == NULL);
    CHECK(ckpt_source_find(NULL, "x", 1) == NULL);
    CHECK_INT(0, ckpt_source_tensor_name(NULL).len);
    CHECK_INT(CKPT_DTYPE_INVALID, ckpt_source_tensor_dtype(NULL));
    CHECK_INT(0, ckpt_source_tensor_rank(NULL));
    CHECK(ckpt_source_tensor_shape(NULL) == NULL);
    CHECK(ckpt_source_tensor_bytes(NULL).data == NULL);
    CHECK_INT(0, ckpt_source_tensor_string(NULL, 0).len);
    CHECK_INT(0, ckpt_source_tensor_string_count(NULL));
    CHECK_INT(0, ckpt_status_kind(NULL));
    CHECK_INT(0, ckpt_status_path(NULL).len);
    ckpt_status_expect_partial(NULL);
    CHECK_INT(0, ckpt_report_count(NULL));
    CHECK_INT(0, ckpt_report_count_of(NULL, CKPT_ROW_STATE_RESTORED));
    CHECK(ckpt_report_get(NULL, 0) == NULL);
    CHECK_INT(0, ckpt_report_summary(NULL).len + ckpt_report_table(NULL).len + ckpt_report_json(NULL).len);
    CHECK_INT(0, ckpt_report_row_path(NULL).len + ckpt_report_row_key(NULL).len);
    CHECK_INT(0, ckpt_report_row_state(NULL));
    CHECK_INT(CKPT_DTYPE_INVALID, ckpt_report_row_saved_dtype(NULL) + ckpt_report_row_program_dtype(NULL));
    CHECK_INT(-2, ckpt_report_row_saved_rank(NULL) + ckpt_report_row_program_rank(NULL));
    CHECK(ckpt_report_row_saved_shape(NULL) == NULL && ckpt_report_row_program_shape(NULL) == NULL);
    CHECK_INT(0, ckpt_report_row_program_slice(NULL).len);
    CHECK_INT(0, ckpt_report_row_node(NULL));
    CHECK_INT(-1, ckpt_report_row_saved_node(NULL));
    CHECK_INT(0, ckpt_report_row_candidate(NULL).len + ckpt_report_row_detail(NULL).len);
    CHECK(strcmp(ckpt_row_state_name(0), "unknown") == 0);
    ckpt_graph_free(NULL);
    ckpt_checkpoint_free(NULL);
    ckpt_status_free(NULL);
    ckpt_report_free(NULL);
    ckpt_nodes_free(NULL);
    ckpt_description_free(NULL);
    ckpt_node_options_free(NULL);
    ckpt_save_options_free(NULL);
    ckpt_restore_options_free(NULL);
    ckpt_device_free(NULL);
}

int main(void) {
    make_directory();
    no_handle_is_an_error_of_every_function();
    what_is_no_object_of_the_graph_is_an_error_of_every_function();
    each_object_of_a_call_is_checked();
    objects_are_of_the_kind_that_a_call_is_for();
    a_place_for_an_output_is_needed();
    names_are_text_of_a_possible_length();
    arrays_have_a_possible_length();
    absurd_lengths_are_refused_before_anything_is_made();
    dtypes_and_shapes_are_possible();
    options_need_a_handle_and_known_numbers();
    contexts_of_callbacks_need_a_handle();
    files(true);
    nonsense_of_a_save_callback_is_found();
    a_device_that_describes_nonsense_is_found();
    paths_are_needed();
    variables_that_share_memory_are_not_restored();
    a_callback_may_free_the_handles_of_its_call();
    release_may_not_hang();
    nothing_is_asked_of_nothing();
    remove_directory();
    return check_report();
}
