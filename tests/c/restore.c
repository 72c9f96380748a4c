/* Restoring graphs: at once, later, in part; what statuses and reports say of it. */
#include "graphs.h"

/* A checkpoint "net" of a root with "net" (with "w" = 1 and "b" = 2) and "step" = 3. */
static void write_net(void) {
    unlink(in("net.index")); /* else the data file would have another name, so that it can be replaced at one stroke */
    unlink(in("net.data-00000-of-00001"));
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), net = object(graph);
    track(graph, root, "net", net);
    track_scalar(graph, net, "w", 1);
    track_scalar(graph, net, "b", 2);
    track_scalar(graph, root, "step", 3);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    write_as(checkpoint, "net");
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
}

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

/* A program with "net" and, in it, "w" and "b", all 0. */
typedef struct net {
    struct program program;
    ckpt_node net, w, b, step;
} net;

static net make_net(void) {
    net made = {make_program(), 0, 0, 0, 0};
    const ckpt_graph *graph = made.program.graph;
    made.net = object(graph);
    track(graph, made.program.root, "net", made.net);
    made.w = track_scalar(graph, made.net, "w", 0);
    made.b = track_scalar(graph, made.net, "b", 0);
    made.step = track_scalar(graph, made.program.root, "step", 0);
    return made;
}

static const ckpt_report_row *row_of(const ckpt_report *report, const char *path) {
    for (size_t i = 0; i < ckpt_report_count(report); i++) {
        const ckpt_report_row *row = ckpt_report_get(report, i);
        if (text_is(ckpt_report_row_path(row), path)) return row;
    }
    check_that(false, path, "no such row", __FILE__, __LINE__);
    return NULL;
}

#define ROW_IS(state, report, path) CHECK_INT(state, ckpt_report_row_state(row_of(report, path)))

static ckpt_report *report_of(const ckpt_status *status) {
    ckpt_report *report = NULL;
    CHECK_OK(ckpt_status_report(status, &report, &error));
    return report;
}

/* ---------------------------------------------------------------- restoring */

static void values_go_into_the_memory_of_variables(void) {
    net net = make_net();
    float memory = 0;
    ckpt_node borrowed = 0;
    const ckpt_graph *graph = net.program.graph;
    CHECK_OK(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, NULL, 0, &memory, 4, NULL, NULL, NULL, &borrowed, &error));
    CHECK_OK(ckpt_graph_track_overwrite(graph, net.net, TEXT("w"), borrowed, &error));
    ckpt_status *status = read_back(net.program.checkpoint, "net");
    CHECK(memory == 1);
    CHECK(value_of(graph, net.b) == 2);
    CHECK(value_of(graph, net.step) == 3);
    CHECK(value_of(graph, net.w) == 0);
    CHECK_INT(CKPT_RESTORE_KIND_OBJECTS, ckpt_status_kind(status));
    CHECK(text_is(ckpt_status_path(status), in("net")));
    CHECK_OK(ckpt_status_assert_consumed(status, &error));
    CHECK_OK(ckpt_status_assert_existing_objects_matched(status, &error));
    CHECK_OK(ckpt_status_assert_nontrivial_match(status, &error));
    CHECK_OK(ckpt_status_run_restore_ops(status, &error));
    CHECK_OK(ckpt_status_initialize_or_restore(status, &error));
    ckpt_status_free(status);
    free_program(&net.program);
}

static void what_comes_later_is_restored_when_it_is_tracked(void) {
    program program = make_program();
    const ckpt_graph *graph = program.graph;
    size_t waiting = 77;
    ckpt_status *status = read_back(program.checkpoint, "net");
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_status_assert_consumed(status, &error));
    CHECK_OK(ckpt_graph_waiting(graph, program.root, TEXT("net"), &waiting, &error));
    CHECK_INT(1, waiting);
    ckpt_report *before = report_of(status);
    CHECK_INT(3, ckpt_report_count_of(before, CKPT_ROW_STATE_DEFERRED));

    ckpt_node net = object(graph), late = unset(graph), b = scalar(graph, 0), step = scalar(graph, 0);
    track(graph, net, "w", late); /* bottom up */
    track(graph, program.root, "net", net);
    CHECK(value_of(graph, late) == 1); /* dtype and shape are those of the checkpoint */
    track(graph, net, "b", b);
    CHECK(value_of(graph, b) == 2);
    set_value(graph, step, 9);
    track(graph, program.root, "step", step);
    CHECK(value_of(graph, step) == 3);
    CHECK_OK(ckpt_graph_waiting(graph, program.root, TEXT("net"), &waiting, &error));
    CHECK_INT(0, waiting);
    CHECK_OK(ckpt_status_assert_consumed(status, &error));
    ckpt_report *after = report_of(status);
    CHECK_INT(3, ckpt_report_count_of(after, CKPT_ROW_STATE_RESTORED));
    CHECK_INT(3, ckpt_report_count_of(before, CKPT_ROW_STATE_DEFERRED)); /* it does not change */
    ckpt_report_free(before);
    ckpt_report_free(after);
    ckpt_status_free(status);
    free_program(&program);
}

static void lists_dicts_and_slots_are_restored_as_they_grow(void) {
    ckpt_graph *saved = ckpt_graph_new();
    ckpt_node root = object(saved), list = 0, dict = 0, adam = slot_owner(saved), w = track_scalar(saved, root, "w", 1);
    CHECK_OK(ckpt_graph_add_list(saved, NULL, &list, &error));
    CHECK_OK(ckpt_graph_add_dict(saved, NULL, &dict, &error));
    CHECK_OK(ckpt_graph_list_append(saved, list, scalar(saved, 2), &error));
    CHECK_OK(ckpt_graph_dict_set(saved, dict, TEXT("k"), scalar(saved, 3), &error));
    CHECK_OK(ckpt_graph_set_slot(saved, adam, w, TEXT("m"), scalar(saved, 4), &error));
    track(saved, root, "list", list);
    track(saved, root, "dict", dict);
    track(saved, root, "adam", adam);
    ckpt_checkpoint *checkpoint = checkpoint_of(saved, root);
    write_as(checkpoint, "containers");
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(saved);

    program program = make_program();
    const ckpt_graph *graph = program.graph;
    ckpt_status *status = read_back(program.checkpoint, "containers");
    ckpt_node element = scalar(graph, 0), entry = scalar(graph, 0), slot = scalar(graph, 0);
    CHECK_OK(ckpt_graph_add_list(graph, NULL, &list, &error));
    CHECK_OK(ckpt_graph_add_dict(graph, NULL, &dict, &error));
    track(graph, program.root, "list", list);
    track(graph, program.root, "dict", dict);
    CHECK_OK(ckpt_graph_list_append(graph, list, element, &error));
    CHECK(value_of(graph, element) == 2);
    CHECK_OK(ckpt_graph_dict_set(graph, dict, TEXT("k"), entry, &error));
    CHECK(value_of(graph, entry) == 3);
    adam = slot_owner(graph);
    track(graph, program.root, "adam", adam);
    w = track_scalar(graph, program.root, "w", 0);
    CHECK_OK(ckpt_graph_set_slot(graph, adam, w, TEXT("m"), slot, &error));
    CHECK(value_of(graph, slot) == 4);
    CHECK_OK(ckpt_status_assert_consumed(status, &error));
    ckpt_status_free(status);
    free_program(&program);
}

static void a_late_value_that_cannot_be_had_is_an_error_of_track(void) {
    program program = make_program();
    const ckpt_graph *graph = program.graph;
    static const int64_t shape[] = {2};
    ckpt_node net = object(graph), wrong = 0;
    ckpt_status *status = read_back(program.checkpoint, "net");
    track(graph, program.root, "net", net);
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, shape, 1, NULL, 0, NULL, &wrong, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_track(graph, net, TEXT("w"), wrong, &error));
    CHECK(child_of(graph, net, "w") == wrong); /* the edge stands */
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_status_assert_existing_objects_matched(status, &error));
    ckpt_report *report = report_of(status);
    ROW_IS(CKPT_ROW_STATE_SHAPE_MISMATCH, report, "net/w");
    ckpt_report_free(report);
    unlink(in("net.data-00000-of-00001"));
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_graph_track(graph, net, TEXT("b"), scalar(graph, 0), &error));
    ckpt_status_free(status);
    free_program(&program);
    write_net();
}

static void a_dropped_status_lets_nothing_wait(void) {
    program program = make_program();
    const ckpt_graph *graph = program.graph;
    size_t waiting = 77;
    ckpt_status *status = read_back(program.checkpoint, "net");
    CHECK_OK(ckpt_status_drop(status, &error));
    CHECK_OK(ckpt_status_drop(status, &error));
    CHECK_OK(ckpt_graph_waiting(graph, program.root, TEXT("step"), &waiting, &error));
    CHECK_INT(0, waiting);
    CHECK(value_of(graph, track_scalar(graph, program.root, "step", 8)) == 8);
    ckpt_status_free(status);
    free_program(&program);
}

static void restore_makes_the_save_counter_and_read_does_not(void) {
    net net = make_net();
    int64_t count = 0;
    CHECK_OK(ckpt_checkpoint_save(net.program.checkpoint, in("counted"), NULL, NULL, &error));
    CHECK_OK(ckpt_checkpoint_save(net.program.checkpoint, in("counted"), NULL, NULL, &error));
    free_program(&net.program);
    net = make_net();
    ckpt_status *status = read_back(net.program.checkpoint, "counted-2");
    CHECK(child_of(net.program.graph, net.program.root, "save_counter") == 0);
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_status_assert_consumed(status, &error));
    ckpt_status_free(status);
    CHECK_OK(ckpt_checkpoint_restore(net.program.checkpoint, directory, NULL, &status, &error)); /* the latest */
    CHECK(child_of(net.program.graph, net.program.root, "save_counter") != 0);
    CHECK_OK(ckpt_status_assert_consumed(status, &error));
    CHECK_OK(ckpt_checkpoint_save_count(net.program.checkpoint, &count, &error));
    CHECK_INT(2, count);
    ckpt_status_free(status);
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_checkpoint_restore(net.program.checkpoint, in("nowhere"), NULL, &status, &error));
    CHECK(status == NULL);
    CHECK_OK(ckpt_checkpoint_restore(net.program.checkpoint, directory, NULL, NULL, &error)); /* no status wanted */
    free_program(&net.program);
}

static void nothing_can_be_restored_too(void) {
    net net = make_net();
    ckpt_status *status = NULL;
    CHECK_OK(ckpt_checkpoint_restore_nothing(net.program.checkpoint, &status, &error));
    CHECK_INT(CKPT_RESTORE_KIND_NONE, ckpt_status_kind(status));
    CHECK_INT(0, ckpt_status_path(status).len);
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_status_assert_consumed(status, &error));
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_status_assert_existing_objects_matched(status, &error));
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_status_assert_nontrivial_match(status, &error));
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_status_run_restore_ops(status, &error));
    CHECK_OK(ckpt_status_initialize_or_restore(status, &error));
    CHECK(child_of(net.program.graph, net.program.root, "save_counter") != 0);
    ckpt_status_free(status);
    free_program(&net.program);
}

/* saver_v2 was written by TensorFlow's Saver, by the names of variables. */
static void a_checkpoint_of_names_is_restored_by_names(void) {
    program program = make_program();
    ckpt_node_options *options = ckpt_node_options_new();
    ckpt_node variable = 0;
    ckpt_reader *reader = must_open("saver_v2/model.ckpt-2");
    const ckpt_tensor *tensor = NULL;
    for (size_t i = 0; i < ckpt_reader_count(reader); i++) {
        tensor = ckpt_reader_tensor(reader, i);
        if (ckpt_tensor_dtype(tensor) == CKPT_DTYPE_FLOAT) break;
    }
    ckpt_bytes key = ckpt_tensor_key(tensor);
    size_t size = (size_t)ckpt_tensor_byte_size(tensor);
    char *expected = (char *)malloc(size), *found = (char *)malloc(size);
    CHECK_OK(ckpt_reader_read(reader, tensor, NULL, expected, size, &error));
    CHECK_OK(ckpt_node_options_set_name(options, (const char *)key.data, key.len, &error));
    CHECK_OK(ckpt_graph_add_without_value(program.graph, CKPT_DTYPE_FLOAT, NULL, -1, options, &variable, &error));
    track(program.graph, program.root, "anything", variable);
    ckpt_status *status = NULL;
    CHECK_OK(ckpt_checkpoint_restore(program.checkpoint, "saver_v2/model.ckpt-2", NULL, &status, &error));
    CHECK_INT(CKPT_RESTORE_KIND_NAMES, ckpt_status_kind(status));
    CHECK_OK(ckpt_graph_read(program.graph, variable, found, size, &error));
    CHECK(memcmp(expected, found, size) == 0);
    free(expected);
    free(found);
    ckpt_status_free(status);
    ckpt_reader_free(reader);
    ckpt_node_options_free(options);
    free_program(&program);
}

/* ---------------------------------------------------------------- reports */

static void a_report_has_a_row_for_every_value(void) {
    static const int64_t two[] = {2};
    program program = make_program();
    const ckpt_graph *graph = program.graph;
    ckpt_node net = object(graph), shape = 0, dtype = 0, candidate = object(graph);
    track(graph, program.root, "net", net);
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, two, 1, NULL, 0, NULL, &shape, &error));
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_INT64, NULL, 0, NULL, 0, NULL, &dtype, &error));
    track(graph, net, "w", shape);
    track(graph, net, "b", dtype);
    track(graph, program.root, "renamed", candidate);
    ckpt_node step = track_scalar(graph, candidate, "step", 7);

    ckpt_report *report = NULL;
    CHECK_OK(ckpt_checkpoint_dry_run(program.checkpoint, in("net"), NULL, &report, &error));
    CHECK(value_of(graph, step) == 7);
    ROW_IS(CKPT_ROW_STATE_SHAPE_MISMATCH, report, "net/w");
    ROW_IS(CKPT_ROW_STATE_DTYPE_MISMATCH, report, "net/b");
    ROW_IS(CKPT_ROW_STATE_MISSING, report, "renamed/step");
    CHECK_INT(4, ckpt_report_count(report));
    CHECK(ckpt_report_get(report, 4) == NULL);

    const ckpt_report_row *row = row_of(report, "net/w");
    CHECK(text_is(ckpt_report_row_key(row), "net/w/.ATTRIBUTES/VARIABLE_VALUE"));
    CHECK_INT(CKPT_DTYPE_FLOAT, ckpt_report_row_saved_dtype(row));
    CHECK_INT(0, ckpt_report_row_saved_rank(row));
    CHECK(ckpt_report_row_saved_shape(row) != NULL);
    CHECK_INT(CKPT_DTYPE_FLOAT, ckpt_report_row_program_dtype(row));
    CHECK_INT(1, ckpt_report_row_program_rank(row));
    CHECK_INT(2, ckpt_report_row_program_shape(row)[0]);
    CHECK(ckpt_report_row_node(row) == shape);
    CHECK(ckpt_report_row_saved_node(row) > 0);
    CHECK_INT(0, ckpt_report_row_detail(row).len); /* the row says it all */
    row = row_of(report, "renamed/step");
    CHECK_INT(CKPT_DTYPE_INVALID, ckpt_report_row_saved_dtype(row));
    CHECK_INT(-1, ckpt_report_row_saved_rank(row));
    CHECK(ckpt_report_row_saved_shape(row) == NULL);
    CHECK_INT(-1, ckpt_report_row_saved_node(row));
    CHECK(ckpt_report_row_node(row) == step);
    CHECK(text_has(ckpt_report_summary(report), "1 shape mismatch"));
    CHECK(text_has(ckpt_report_table(report), "renamed/step"));
    CHECK(text_has(ckpt_report_json(report), "\"state\":\"dtype mismatch\""));
    CHECK(ckpt_report_json(report).data == ckpt_report_json(report).data); /* lent, not made anew */
    CHECK(strcmp(ckpt_row_state_name(CKPT_ROW_STATE_TORN), "torn") == 0);
    ckpt_report_free(report);

    /* the failing call says the same */
    ckpt_status *status = (ckpt_status *)&status;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_checkpoint_read(program.checkpoint, in("net"), NULL, &status, &error));
    CHECK(status == NULL);
    CHECK_OK(ckpt_checkpoint_last_report(program.checkpoint, &report, &error));
    CHECK(report != NULL);
    ROW_IS(CKPT_ROW_STATE_SHAPE_MISMATCH, report, "net/w");
    ckpt_report_free(report);
    free_program(&program);
}

static void values_that_are_plainly_meant_are_named(void) {
    program program = make_program();
    ckpt_node other = object(program.graph);
    track(program.graph, program.root, "model", other);
    track_scalar(program.graph, other, "w", 0);
    ckpt_report *report = NULL, *last = NULL;
    CHECK_OK(ckpt_checkpoint_dry_run(program.checkpoint, in("net"), NULL, &report, &error));
    CHECK(text_is(ckpt_report_row_candidate(row_of(report, "net/w")), "model/w"));
    ckpt_report_free(report);
    ckpt_status *status = read_back(program.checkpoint, "net");
    report = report_of(status);
    CHECK(text_is(ckpt_report_row_candidate(row_of(report, "model/w")), "net/w"));
    CHECK(text_is(ckpt_report_row_candidate(row_of(report, "net/w")), "model/w"));
    CHECK_INT(0, ckpt_report_row_candidate(row_of(report, "net/b")).len);
    CHECK_OK(ckpt_checkpoint_last_report(program.checkpoint, &last, &error));
    CHECK_INT(ckpt_report_count(report), ckpt_report_count(last));
    ckpt_report_free(report);
    ckpt_report_free(last);
    ckpt_status_free(status);
    free_program(&program);
}

static void damage_is_found_before_or_told_after(void) {
    for (int verify = 0; verify < 2; verify++) {
        net net = make_net();
        ckpt_restore_options *options = ckpt_restore_options_new();
        FILE *data = fopen(in("net.data-00000-of-00001"), "r+b");
        if (!CHECK(data != NULL)) exit(1);
        int byte = fgetc(data); /* of the first value */
        rewind(data);
        fputc(byte ^ 1, data);
        fclose(data);
        CHECK_OK(ckpt_restore_options_set_verify_first(options, verify == 1, &error));
        CHECK_FAILS(CKPT_CODE_DATA_LOSS, ckpt_checkpoint_read(net.program.checkpoint, in("net"), options, NULL, &error));
        if (verify == 1) {
            CHECK(value_of(net.program.graph, net.w) == 0);
            CHECK(value_of(net.program.graph, net.b) == 0);
        }
        ckpt_report *report = NULL;
        CHECK_OK(ckpt_checkpoint_last_report(net.program.checkpoint, &report, &error));
        CHECK_INT(verify == 1 ? 0 : 1, ckpt_report_count_of(report, CKPT_ROW_STATE_TORN));
        ckpt_report_free(report);
        ckpt_restore_options_free(options);
        free_program(&net.program);
        write_net();
    }
}

/* ---------------------------------------------------------------- options */

static ckpt_restore_options *options_with(const char *what, const char *value, const char *second) {
    ckpt_restore_options *options = ckpt_restore_options_new();
    if (what[0] == 'i') CHECK_OK(ckpt_restore_options_add_include(options, TEXT(value), &error));
    if (what[0] == 'e') CHECK_OK(ckpt_restore_options_add_exclude(options, TEXT(value), &error));
    if (what[0] == 'r') CHECK_OK(ckpt_restore_options_add_rename(options, TEXT(value), TEXT(second), &error));
    if (what[0] == 's') CHECK_OK(ckpt_restore_options_set_subtree(options, TEXT(value), &error));
    return options;
}

static void parts_are_restored_on_purpose(void) {
    static const struct {
        const char *what, *value;
        float w, b, step;
    } known[] = {{"include", "net/*", 1, 2, 0}, {"include", "**/b", 0, 2, 0}, {"exclude", "net/w", 0, 2, 3}};
    for (size_t i = 0; i < COUNT(known); i++) {
        net net = make_net();
        ckpt_restore_options *options = options_with(known[i].what, known[i].value, NULL);
        ckpt_status *status = NULL;
        CHECK_OK(ckpt_checkpoint_read(net.program.checkpoint, in("net"), options, &status, &error));
        CHECK(value_of(net.program.graph, net.w) == known[i].w);
        CHECK(value_of(net.program.graph, net.b) == known[i].b);
        CHECK(value_of(net.program.graph, net.step) == known[i].step);
        ckpt_report *report = report_of(status);
        CHECK(ckpt_report_count_of(report, CKPT_ROW_STATE_SKIPPED) > 0);
        ckpt_report_free(report);
        ckpt_status_free(status);
        ckpt_restore_options_free(options);
        free_program(&net.program);
    }
}

static void paths_can_be_renamed_and_subtrees_be_roots(void) {
    for (int subtree = 0; subtree < 2; subtree++) {
        program program = make_program();
        ckpt_node model = program.root;
        if (!subtree) {
            model = object(program.graph);
            track(program.graph, program.root, "model", model);
        }
        ckpt_node w = track_scalar(program.graph, model, "w", 0);
        ckpt_restore_options *options = subtree ? options_with("subtree", "net", NULL) : options_with("rename", "net", "model");
        ckpt_status *status = NULL;
        CHECK_OK(ckpt_checkpoint_read(program.checkpoint, in("net"), options, &status, &error));
        CHECK(value_of(program.graph, w) == 1);
        ckpt_status_free(status);
        ckpt_restore_options_free(options);
        options = options_with("subtree", "nowhere", NULL);
        CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_checkpoint_read(program.checkpoint, in("net"), options, NULL, &error));
        ckpt_restore_options_free(options);
        free_program(&program);
    }
}

static void globs_must_be_well_formed_and_match(void) {
    net net = make_net();
    ckpt_restore_options *options = options_with("include", "net/[w", NULL);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_checkpoint_read(net.program.checkpoint, in("net"), options, NULL, &error));
    ckpt_restore_options_free(options);
    options = options_with("exclude", "nosuch/**", NULL);
    ckpt_status *status = NULL;
    CHECK_OK(ckpt_checkpoint_read(net.program.checkpoint, in("net"), options, &status, &error));
    ckpt_report *report = report_of(status);
    ROW_IS(CKPT_ROW_STATE_UNMATCHED_GLOB, report, "nosuch/**");
    ckpt_report_free(report);
    ckpt_status_free(status);
    ckpt_restore_options_free(options);
    free_program(&net.program);
}

static void mismatches_can_be_skipped(void) {
    static const int64_t two[] = {2};
    net net = make_net();
    ckpt_node wrong = 0;
    CHECK_OK(ckpt_graph_add_owned(net.program.graph, CKPT_DTYPE_FLOAT, two, 1, NULL, 0, NULL, &wrong, &error));
    CHECK_OK(ckpt_graph_track_overwrite(net.program.graph, net.net, TEXT("w"), wrong, &error));
    ckpt_restore_options *options = ckpt_restore_options_new();
    ckpt_read_options *read = ckpt_read_options_new();
    ckpt_status *status = NULL;
    CHECK_OK(ckpt_read_options_set_threads(read, 2, &error));
    CHECK_OK(ckpt_restore_options_set_read_options(options, read, &error));
    ckpt_read_options_free(read);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_checkpoint_read(net.program.checkpoint, in("net"), options, &status, &error));
    CHECK(value_of(net.program.graph, net.b) == 0); /* all or nothing */
    CHECK_OK(ckpt_restore_options_set_on_mismatch(options, CKPT_MISMATCH_SKIP, &error));
    CHECK_OK(ckpt_checkpoint_read(net.program.checkpoint, in("net"), options, &status, &error));
    CHECK(value_of(net.program.graph, net.b) == 2);
    ckpt_report *report = report_of(status);
    ROW_IS(CKPT_ROW_STATE_SHAPE_MISMATCH, report, "net/w");
    ROW_IS(CKPT_ROW_STATE_RESTORED, report, "net/b");
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_status_assert_existing_objects_matched(status, &error));
    CHECK_OK(ckpt_status_assert_rest_matched(status, &error)); /* what does not fit is left out */
    ckpt_report_free(report);
    ckpt_status_free(status);
    ckpt_restore_options_free(options);
    free_program(&net.program);
}

static void slots_can_be_left_alone(void) {
    program program = make_program();
    const ckpt_graph *graph = program.graph;
    ckpt_node w = track_scalar(graph, program.root, "w", 0), adam = slot_owner(graph), m = scalar(graph, 7);
    track(graph, program.root, "adam", adam);
    CHECK_OK(ckpt_graph_set_slot(graph, adam, w, TEXT("m"), m, &error));
    ckpt_restore_options *options = ckpt_restore_options_new();
    CHECK_OK(ckpt_restore_options_set_skip_slot_variables(options, true, &error));
    ckpt_status *status = NULL;
    CHECK_OK(ckpt_checkpoint_read(program.checkpoint, in("containers"), options, &status, &error));
    CHECK(value_of(graph, w) == 1);
    CHECK(value_of(graph, m) == 7);
    ckpt_status_free(status);
    ckpt_restore_options_free(options);
    free_program(&program);
}

static void read_only_variables_are_saved_alone(void) {
    program program = make_program();
    const float value = 5;
    ckpt_node_options *options = ckpt_node_options_new();
    ckpt_node node = 0;
    CHECK_OK(ckpt_node_options_set_read_only(options, true, &error));
    CHECK_OK(ckpt_graph_add_owned(program.graph, CKPT_DTYPE_FLOAT, NULL, 0, &value, sizeof value, options, &node, &error));
    ckpt_node_options_free(options);
    track(program.graph, program.root, "step", node);
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_checkpoint_read(program.checkpoint, in("net"), NULL, NULL, &error));
    CHECK(value_of(program.graph, node) == 5);
    write_as(program.checkpoint, "fixed");
    free_program(&program);
}

/* ---------------------------------------------------------------- the log */

typedef struct heard {
    int warnings, freed;
    char last[512];
} heard;

static void hear(void *user_data, ckpt_severity severity, const char *text, size_t len) {
    heard *heard = (struct heard *)user_data;
    CHECK_INT(CKPT_SEVERITY_WARNING, severity);
    CHECK_INT(strlen(text), len);
    heard->warnings++;
    snprintf(heard->last, sizeof heard->last, "%s", text);
}

static void count_heard(void *user_data) { ((heard *)user_data)->freed++; }

static void values_that_were_never_used_are_told_in_the_end(void) {
    for (int quiet = 0; quiet < 2; quiet++) {
        net net = make_net();
        heard heard = {0, 0, ""};
        CHECK_OK(ckpt_graph_untrack(net.program.graph, net.program.root, TEXT("step"), NULL, &error));
        CHECK_OK(ckpt_checkpoint_set_log(net.program.checkpoint, hear, &heard, count_heard, &error));
        ckpt_status *status = read_back(net.program.checkpoint, "net");
        if (quiet) ckpt_status_expect_partial(status);
        ckpt_status_free(status);
        CHECK_INT(0, heard.warnings); /* it may still come */
        CHECK_OK(ckpt_checkpoint_set_log(net.program.checkpoint, NULL, NULL, NULL, &error));
        CHECK_INT(0, heard.freed); /* the restore has it */
        free_program(&net.program);
        CHECK((heard.warnings > 0) == !quiet);
        CHECK_INT(1, heard.freed);
        if (!quiet) CHECK(strstr(heard.last, "(root).step") != NULL);
    }
    ckpt_status_expect_partial(NULL);
}

int main(void) {
    make_directory();
    write_net();
    values_go_into_the_memory_of_variables();
    what_comes_later_is_restored_when_it_is_tracked();
    lists_dicts_and_slots_are_restored_as_they_grow();
    a_late_value_that_cannot_be_had_is_an_error_of_track();
    a_dropped_status_lets_nothing_wait();
    restore_makes_the_save_counter_and_read_does_not();
    nothing_can_be_restored_too();
    a_checkpoint_of_names_is_restored_by_names();
    a_report_has_a_row_for_every_value();
    values_that_are_plainly_meant_are_named();
    damage_is_found_before_or_told_after();
    parts_are_restored_on_purpose();
    paths_can_be_renamed_and_subtrees_be_roots();
    globs_must_be_well_formed_and_match();
    mismatches_can_be_skipped();
    slots_can_be_left_alone();
    read_only_variables_are_saved_alone();
    values_that_were_never_used_are_told_in_the_end();
    remove_directory();
    return check_report();
}
