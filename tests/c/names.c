/* Saving and restoring by names, and comparing the objects of a checkpoint with those of a program. */
#include "every_call.h"

/* A variable with a name of its own. */
static ckpt_node named(const ckpt_graph *graph, const char *name, float value) {
    ckpt_node node = scalar(graph, value);
    CHECK_OK(ckpt_graph_set_name(graph, node, TEXT(name), &error));
    return node;
}

static ckpt_saver *saver_of(const ckpt_graph *graph, const ckpt_node *nodes, size_t count, const ckpt_saver_options *options) {
    ckpt_saver *saver = NULL;
    if (!CHECK_OK(ckpt_saver_new_of_variables(graph, nodes, count, options, &saver, &error))) exit(1);
    return saver;
}

static void save_as(const ckpt_saver *saver, const char *name, const ckpt_saver_save_options *options, const char *expected) {
    ckpt_string *path = NULL;
    CHECK_OK(ckpt_saver_save(saver, in(name), options, &path, &error));
    CHECK(text_is(ckpt_string_bytes(path), in(expected)));
    ckpt_string_free(path);
}

static void texts_are(ckpt_strings *found, const char *const *expected, size_t count) {
    CHECK_INT(count, ckpt_strings_count(found));
    for (size_t i = 0; i < count; i++) CHECK(text_is(ckpt_strings_get(found, i), expected[i]));
    ckpt_strings_free(found);
}

static void recorded_are(const ckpt_saver *saver, const char *const *expected, size_t count) {
    ckpt_strings *paths = NULL;
    const char *full[4];
    for (size_t i = 0; i < count; i++) full[i] = in(expected[i]);
    CHECK_OK(ckpt_saver_last_checkpoints(saver, &paths, &error));
    texts_are(paths, full, count);
}

static bool is_there(const char *name) {
    ckpt_reader *reader = NULL;
    bool there = ckpt_reader_open(in(name), NULL, &reader, NULL) == CKPT_CODE_OK;
    ckpt_reader_free(reader);
    return there;
}

static void values_come_back_by_their_names(void) {
    ckpt_graph *graph = ckpt_graph_new();
    const ckpt_node nodes[] = {named(graph, "net/w", 1), named(graph, "net/b", 2)};
    const char *const names[] = {"net/b", "net/w"};
    ckpt_saver *saver = saver_of(graph, nodes, 2, NULL);
    ckpt_strings *found = NULL;
    CHECK_OK(ckpt_saver_names(saver, &found, &error));
    texts_are(found, names, 2);
    CHECK_OK(ckpt_saver_save(saver, in("plain"), NULL, NULL, &error));
    set_value(graph, nodes[0], 0);
    set_value(graph, nodes[1], 0);
    ckpt_report *report = NULL;
    CHECK_OK(ckpt_saver_last_report(saver, &report, &error));
    CHECK(report == NULL);
    CHECK_OK(ckpt_saver_restore(saver, in("plain"), NULL, &report, &error));
    CHECK_INT(2, ckpt_report_count_of(report, CKPT_ROW_STATE_RESTORED));
    ckpt_report_free(report);
    CHECK(value_of(graph, nodes[0]) == 1 && value_of(graph, nodes[1]) == 2);

    /* under other names, the handles of graph and first saver gone */
    const ckpt_bytes others[] = {bytes_of("x"), bytes_of("net/b")};
    ckpt_saver *other = NULL;
    CHECK_OK(ckpt_saver_new(graph, others, nodes, 2, NULL, &other, &error));
    ckpt_saver_free(saver);
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_saver_restore(other, in("plain"), NULL, &report, &error));
    CHECK(report == NULL);
    CHECK_OK(ckpt_saver_last_report(other, &report, &error));
    CHECK_INT(1, ckpt_report_count_of(report, CKPT_ROW_STATE_MISSING));
    ckpt_report_free(report);
    ckpt_restore_options *options = ckpt_restore_options_new();
    CHECK_OK(ckpt_restore_options_add_include(options, TEXT("net/*"), &error));
    set_value(graph, nodes[1], 0);
    CHECK_OK(ckpt_saver_restore(other, in("plain"), options, NULL, &error));
    CHECK(value_of(graph, nodes[1]) == 2);
    ckpt_restore_options_free(options);
    ckpt_graph_free(graph);
    CHECK_OK(ckpt_saver_save(other, in("renamed"), NULL, NULL, &error));
    ckpt_saver_free(other);
    CHECK(is_there("renamed"));
}

static int heard = 0;

static void hear(void *user_data, ckpt_severity severity, const char *text, size_t len) {
    (void)user_data;
    heard += severity == CKPT_SEVERITY_WARNING && strlen(text) == len;
}

static ckpt_code written(void *user_data, const char *path, ckpt_failure *failure) {
    (void)path, (void)failure;
    ++*(int *)user_data;
    return CKPT_CODE_OK;
}

static void old_checkpoints_go_and_options_are_kept(void) {
    ckpt_graph *graph = ckpt_graph_new();
    const ckpt_node nodes[] = {named(graph, "v", 1)};
    ckpt_node step = integer(graph, 3);
    int freed = 0, callbacks = 0;
    ckpt_saver_options *options = ckpt_saver_options_new();
    CHECK_OK(ckpt_saver_options_set_max_to_keep(options, 2, &error));
    CHECK_OK(ckpt_saver_options_set_keep_checkpoint_every_n_hours(options, 1000, &error));
    CHECK_OK(ckpt_saver_options_set_pad_step_number(options, true, &error));
    CHECK_OK(ckpt_saver_options_set_save_relative_paths(options, false, &error));
    CHECK_OK(ckpt_saver_options_set_log(options, hear, &freed, count_free, &error));
    ckpt_saver *saver = saver_of(graph, nodes, 1, options);
    ckpt_saver_options_free(options);

    ckpt_saver_save_options *each = ckpt_saver_save_options_new();
    ckpt_save_options *save = ckpt_save_options_new();
    CHECK_OK(ckpt_save_options_add_callback(save, written, &callbacks, NULL, &error));
    CHECK_OK(ckpt_saver_save_options_set_save_options(each, save, &error));
    ckpt_save_options_free(save);
    CHECK_OK(ckpt_saver_save_options_set_global_step(each, 1, &error));
    save_as(saver, "m", each, "m-00000001");
    CHECK_OK(ckpt_saver_save_options_set_global_step(each, 2, &error));
    save_as(saver, "m", each, "m-00000002");
    CHECK_OK(ckpt_saver_save_options_set_global_step_of(each, step, &error));
    save_as(saver, "m", each, "m-00000003");
    CHECK_INT(3, callbacks);
    static const char *const left[] = {"m-00000002", "m-00000003"};
    recorded_are(saver, left, 2);
    CHECK(!is_there("m-00000001") && is_there("m-00000002"));

    /* a state file of its own; and none */
    CHECK_OK(ckpt_saver_save_options_set_latest_filename(each, "another", &error));
    save_as(saver, "m", each, "m-00000003");
    CHECK(access(in("another"), F_OK) == 0);
    CHECK_OK(ckpt_saver_save_options_set_write_state(each, false, &error));
    save_as(saver, "n", each, "n-00000003");
    recorded_are(saver, left, 2);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_saver_save_options_set_latest_filename(each, NULL, &error));
    ckpt_saver_save_options_free(each);

    /* what a program says was recorded */
    ckpt_saver *next = saver_of(graph, nodes, 1, NULL);
    char two[512], three[512], gone[512];
    snprintf(two, sizeof two, "%s", in("m-00000002"));
    snprintf(three, sizeof three, "%s", in("m-00000003"));
    snprintf(gone, sizeof gone, "%s", in("gone"));
    const ckpt_bytes paths[] = {bytes_of(two), bytes_of(gone), bytes_of(three)};
    const double times[] = {1, 2, 3};
    CHECK_OK(ckpt_saver_recover_last_checkpoints(next, paths, 3, &error));
    recorded_are(next, left, 2);
    CHECK_OK(ckpt_saver_set_last_checkpoints(next, paths + 2, NULL, 1, &error));
    recorded_are(next, left + 1, 1);
    CHECK_OK(ckpt_saver_set_last_checkpoints(next, paths, times, 1, &error));
    recorded_are(next, left, 1);
    ckpt_saver_free(next);

    /* a checkpoint with an object graph, by the full names that it has: said to the log */
    ckpt_node root = object(graph);
    track(graph, root, "v", nodes[0]);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    write_as(checkpoint, "objects");
    ckpt_checkpoint_free(checkpoint);
    set_value(graph, nodes[0], 7);
    CHECK_OK(ckpt_saver_restore(saver, in("objects"), NULL, NULL, &error));
    CHECK(value_of(graph, nodes[0]) == 1);
    CHECK_INT(1, heard);
    ckpt_saver *all = NULL;
    CHECK_OK(ckpt_saver_new_of_root(graph, root, NULL, &all, &error));
    CHECK_OK(ckpt_saver_restore(all, in("m-00000003"), NULL, NULL, &error));
    ckpt_saver_free(all);
    CHECK_INT(0, freed);
    ckpt_saver_free(saver);
    CHECK_INT(1, freed);
    ckpt_graph_free(graph);
}

/* A root with a.x and b, written as `name`; b is of the caller's choice. */
static ckpt_node tree(const ckpt_graph *graph, ckpt_node *a, ckpt_node *x, const char *b, const char *name) {
    ckpt_node root = object(graph);
    *a = object(graph);
    track(graph, root, "a", *a);
    *x = track_scalar(graph, *a, "x", 1);
    track_scalar(graph, root, b, 2);
    if (name != NULL) {
        ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
        write_as(checkpoint, name);
        ckpt_checkpoint_free(checkpoint);
    }
    return root;
}

static void a_view_says_what_there_is_and_what_matches(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node a = 0, x = 0, other_a = 0, other_x = 0;
    tree(graph, &a, &x, "b", "tree");
    ckpt_checkpoint_view *view = NULL;
    CHECK_OK(ckpt_checkpoint_view_open(in("tree"), NULL, &view, &error));
    CHECK(text_is(ckpt_checkpoint_view_prefix(view), in("tree")));
    static const char *const ways[] = {"root", "root.a", "root.b", "root.a.x"};
    CHECK_INT(COUNT(ways), ckpt_checkpoint_view_descendant_count(view));
    for (size_t i = 0; i < COUNT(ways); i++) {
        CHECK_INT(i, ckpt_checkpoint_view_descendant(view, i));
        CHECK(text_is(ckpt_checkpoint_view_descendant_path(view, i), ways[i]));
    }
    CHECK_INT(-1, ckpt_checkpoint_view_descendant(view, COUNT(ways)));
    CHECK_INT(0, ckpt_checkpoint_view_descendant_path(view, COUNT(ways)).len);
    ckpt_object_graph *objects = NULL;
    CHECK_OK(ckpt_checkpoint_view_object_graph(view, &objects, &error));
    CHECK_INT(COUNT(ways), ckpt_object_graph_count(objects));
    ckpt_object_graph_free(objects);

    ckpt_node root = tree(graph, &other_a, &other_x, "c", NULL), c = child_of(graph, root, "c");
    ckpt_comparison *found = NULL;
    CHECK_OK(ckpt_checkpoint_view_diff(view, graph, root, &found, &error));
    const ckpt_node matched[] = {root, other_a, other_x};
    static const int64_t ids[] = {0, 1, 3};
    CHECK_INT(COUNT(matched), ckpt_comparison_match_count(found));
    for (size_t i = 0; i < COUNT(matched); i++) {
        CHECK_INT(ids[i], ckpt_comparison_match_node(found, i));
        CHECK(ckpt_comparison_match_object(found, i) == matched[i]);
    }
    CHECK_INT(-1, ckpt_comparison_match_node(found, COUNT(matched)));
    CHECK(ckpt_comparison_match_object(found, COUNT(matched)) == 0);
    CHECK_INT(1, ckpt_comparison_checkpoint_only_count(found));
    CHECK_INT(2, ckpt_comparison_checkpoint_only_node(found, 0));
    CHECK_INT(-1, ckpt_comparison_checkpoint_only_node(found, 1));
    CHECK_INT(1, ckpt_comparison_program_only_count(found));
    CHECK(ckpt_comparison_program_only_object(found, 0) == c);
    CHECK(ckpt_comparison_program_only_object(found, 1) == 0);
    CHECK_INT(0, ckpt_comparison_warning_count(found));
    CHECK_INT(0, ckpt_comparison_warning(found, 0).len);
    ckpt_comparison_free(found);

    /* what a checkpoint attaches to its root is among its edges */
    const ckpt_bytes name = bytes_of("b");
    ckpt_node b = scalar(graph, 0);
    ckpt_checkpoint *checkpoint = NULL;
    CHECK_OK(ckpt_checkpoint_new_with_root(graph, root, &name, &b, 1, &checkpoint, &error));
    CHECK_OK(ckpt_checkpoint_view_diff_checkpoint(view, checkpoint, &found, &error));
    CHECK_INT(4, ckpt_comparison_match_count(found));
    ckpt_comparison_free(found);
    ckpt_checkpoint_free(checkpoint);
    ckpt_checkpoint_view_free(view);

    /* single nodes */
    const uint32_t both[] = {3, 2};
    const ckpt_node objects_of_both[] = {other_x, b};
    set_value(graph, other_x, 9);
    CHECK_OK(ckpt_restore_nodes(graph, in("tree"), both, objects_of_both, 2, NULL, &error));
    CHECK(value_of(graph, other_x) == 1 && value_of(graph, b) == 2);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_restore_nodes(graph, in("tree"), both, &root, 1, NULL, &error));
    ckpt_graph_free(graph);
}

static void references_that_do_not_agree_are_said(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), leaf = object(graph), apart = object(graph);
    track(graph, root, "a", leaf);
    track(graph, root, "b", leaf);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    write_as(checkpoint, "shared");
    ckpt_checkpoint_free(checkpoint);
    CHECK_OK(ckpt_graph_track_overwrite(graph, root, TEXT("b"), apart, &error));
    ckpt_checkpoint_view *view = NULL;
    ckpt_comparison *found = NULL;
    CHECK_OK(ckpt_checkpoint_view_open(in("shared"), NULL, &view, &error));
    CHECK_OK(ckpt_checkpoint_view_diff(view, graph, root, &found, &error));
    CHECK_INT(1, ckpt_comparison_warning_count(found));
    CHECK(text_has(ckpt_comparison_warning(found, 0), "Inconsistent references"));
    ckpt_comparison_free(found);
    ckpt_checkpoint_view_free(view);
    ckpt_graph_free(graph);
}

/* ---------------------------------------------------------------- misuse */

static void what_is_not_there_is_an_error_or_nothing(void) {
    ckpt_strings *strings = NULL;
    ckpt_report *report = NULL;
    ckpt_object_graph *objects = NULL;
    ckpt_comparison *found = NULL;
    ckpt_checkpoint_view *view = NULL;
    ckpt_saver *saver = NULL;
    ckpt_graph *graph = ckpt_graph_new();
    const ckpt_bytes no_path = {(const uint8_t *)"a\0b", 3}, nothing = {NULL, 1};
#define MISUSE(call) CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, call)
    MISUSE(ckpt_saver_names(NULL, &strings, &error));
    MISUSE(ckpt_saver_last_report(NULL, &report, &error));
    MISUSE(ckpt_saver_last_checkpoints(NULL, &strings, &error));
    MISUSE(ckpt_saver_set_last_checkpoints(NULL, NULL, NULL, 0, &error));
    MISUSE(ckpt_saver_recover_last_checkpoints(NULL, NULL, 0, &error));
    MISUSE(ckpt_saver_options_set_max_to_keep(NULL, 1, &error));
    MISUSE(ckpt_saver_save_options_set_global_step(NULL, 1, &error));
    MISUSE(ckpt_saver_new(graph, NULL, NULL, 0, NULL, &saver, &error));
    MISUSE(ckpt_saver_new(graph, NULL, NULL, 1, NULL, &saver, &error));
    MISUSE(ckpt_saver_new(graph, NULL, NULL, SIZE_MAX / 2, NULL, &saver, &error));
    MISUSE(ckpt_saver_new_of_variables(graph, NULL, 1, NULL, &saver, &error));
    ckpt_node v = named(graph, "v", 1);
    MISUSE(ckpt_saver_new_of_variables(graph, &v, 1, NULL, NULL, &error));
    saver = saver_of(graph, &v, 1, NULL);
    MISUSE(ckpt_saver_names(saver, NULL, &error));
    MISUSE(ckpt_saver_last_checkpoints(saver, NULL, &error));
    MISUSE(ckpt_saver_recover_last_checkpoints(saver, &no_path, 1, &error));
    MISUSE(ckpt_saver_recover_last_checkpoints(saver, &nothing, 1, &error));
    MISUSE(ckpt_saver_save(saver, NULL, NULL, NULL, &error));
    MISUSE(ckpt_saver_restore(saver, NULL, NULL, NULL, &error));
    MISUSE(ckpt_checkpoint_view_object_graph(NULL, &objects, &error));
    MISUSE(ckpt_checkpoint_view_diff(NULL, graph, v, &found, &error));
    MISUSE(ckpt_checkpoint_view_open(NULL, NULL, &view, &error));
    CHECK_OK(ckpt_saver_save(saver, in("v"), NULL, NULL, &error));
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_checkpoint_view_open(in("v"), NULL, &view, &error));
    CHECK(view == NULL && found == NULL && objects == NULL && strings == NULL && report == NULL);
    CHECK_INT(0, ckpt_checkpoint_view_prefix(NULL).len);
    CHECK_INT(0, ckpt_checkpoint_view_descendant_count(NULL));
    CHECK_INT(-1, ckpt_checkpoint_view_descendant(NULL, 0));
    CHECK_INT(0, ckpt_comparison_match_count(NULL));
    CHECK_INT(0, ckpt_comparison_warning_count(NULL));
    ckpt_saver_free(saver);
    ckpt_saver_free(NULL);
    ckpt_saver_options_free(NULL);
    ckpt_saver_save_options_free(NULL);
    ckpt_checkpoint_view_free(NULL);
    ckpt_comparison_free(NULL);
    ckpt_graph_free(graph);
}

static const ckpt_saver *calling = NULL;

/* From a callback of the graph that is being saved. */
static ckpt_code call_back(void *user_data, const char *path, ckpt_failure *failure) {
    (void)failure;
    ckpt_strings *strings = NULL;
    ckpt_error *problem = NULL;
    CHECK_INT(CKPT_CODE_FAILED_PRECONDITION, ckpt_saver_save(calling, path, NULL, NULL, &problem));
    CHECK_INT(CKPT_REASON_REENTRANT, ckpt_error_reason(problem));
    ckpt_error_free(problem);
    CHECK_INT(CKPT_CODE_FAILED_PRECONDITION, ckpt_saver_restore(calling, path, NULL, NULL, NULL));
    CHECK_INT(CKPT_CODE_OK, ckpt_saver_last_checkpoints(calling, &strings, NULL)); /* does not reach the graph */
    ckpt_strings_free(strings);
    ++*(int *)user_data;
    return CKPT_CODE_OK;
}

static void a_callback_does_not_save(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node v = named(graph, "v", 1);
    ckpt_saver *saver = saver_of(graph, &v, 1, NULL);
    ckpt_saver_save_options *options = ckpt_saver_save_options_new();
    ckpt_save_options *save = ckpt_save_options_new();
    int called = 0;
    calling = saver;
    CHECK_OK(ckpt_save_options_add_callback(save, call_back, &called, NULL, &error));
    CHECK_OK(ckpt_saver_save_options_set_save_options(options, save, &error));
    CHECK_OK(ckpt_saver_save(saver, in("callback"), options, NULL, &error));
    CHECK_INT(1, called);
    ckpt_save_options_free(save);
    ckpt_saver_save_options_free(options);
    ckpt_saver_free(saver);
    ckpt_graph_free(graph);
}

static double an_hour_later(void *user_data) { return *(double *)user_data += 3600; }

static void a_saver_asks_the_programs_clock(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node v = named(graph, "v", 1);
    double now = 1000;
    int freed = 0;
    ckpt_saver_options *options = ckpt_saver_options_new();
    CHECK_OK(ckpt_saver_options_set_max_to_keep(options, 1, &error));
    CHECK_OK(ckpt_saver_options_set_keep_checkpoint_every_n_hours(options, 1.5, &error));
    CHECK_OK(ckpt_saver_options_set_clock(options, an_hour_later, &now, NULL, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_saver_options_set_clock(options, NULL, &freed, count_free, &error));
    CHECK_INT(1, freed);
    ckpt_saver *saver = saver_of(graph, &v, 1, options);
    ckpt_saver_options_free(options);
    save_as(saver, "c1", NULL, "c1");
    save_as(saver, "c2", NULL, "c2"); /* c1 was made an hour after the saver */
    save_as(saver, "c3", NULL, "c3"); /* c2 two hours: it is kept */
    CHECK(!is_there("c1") && is_there("c2") && is_there("c3"));
    ckpt_saver_free(saver);
    ckpt_graph_free(graph);
}

static void a_saver_restores_one_value_into_two_and_reshapes(void) {
    static const int64_t shape[] = {1, 1};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node v = named(graph, "v", 7), wide = 0;
    ckpt_saver *saver = saver_of(graph, &v, 1, NULL);
    save_as(saver, "one", NULL, "one");
    ckpt_saver_free(saver);
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, shape, 2, NULL, 0, NULL, &wide, &error));
    const ckpt_node nodes[] = {scalar(graph, 0), wide};
    const ckpt_bytes names[] = {bytes_of("v"), bytes_of("v")};
    ckpt_saver_options *options = ckpt_saver_options_new();
    CHECK_OK(ckpt_saver_options_set_reshape(options, true, &error));
    CHECK_FAILS(CKPT_CODE_ALREADY_EXISTS, ckpt_saver_new(graph, names, nodes, 2, options, &saver, &error));
    CHECK_OK(ckpt_saver_options_set_restore_only(options, true, &error));
    CHECK_OK(ckpt_saver_new(graph, names, nodes, 2, options, &saver, &error));
    ckpt_saver_options_free(options);
    CHECK_OK(ckpt_saver_restore(saver, in("one"), NULL, NULL, &error));
    float found = 0;
    CHECK_OK(ckpt_graph_read(graph, wide, &found, sizeof found, &error));
    CHECK(value_of(graph, nodes[0]) == 7 && found == 7);
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_saver_save(saver, in("two"), NULL, NULL, &error));
    ckpt_saver_free(saver);
    ckpt_graph_free(graph);
}

/* Saver({"v": [slices]}) */
static void a_saver_has_several_slices_of_one_tensor(void) {
    static const int64_t whole[] = {2, 2}, row[] = {1, 2};
    float rows[2][2] = {{1, 2}, {3, 4}}, found[4] = {0};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node parts[2];
    ckpt_bytes names[] = {bytes_of("p"), bytes_of("p")};
    for (int64_t i = 0; i < 2; i++) {
        const int64_t starts[] = {i, 0};
        ckpt_node_options *options = ckpt_node_options_new();
        CHECK_OK(ckpt_node_options_set_part(options, whole, starts, row, 2, &error));
        CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, row, 2, rows[i], sizeof rows[i], options, &parts[i], &error));
        ckpt_node_options_free(options);
    }
    ckpt_saver *saver = NULL;
    CHECK_OK(ckpt_saver_new(graph, names, parts, 2, NULL, &saver, &error));
    save_as(saver, "slices", NULL, "slices");
    ckpt_reader *reader = must_open(in("slices"));
    const ckpt_tensor *tensor = NULL;
    CHECK_OK(ckpt_reader_find(reader, TEXT("p:0"), &tensor, &error));
    CHECK_OK(ckpt_reader_read(reader, tensor, NULL, found, sizeof found, &error));
    CHECK(memcmp(found, rows, sizeof rows) == 0);
    ckpt_reader_free(reader);
    ckpt_saver_free(saver);
    ckpt_graph_free(graph);
}

/* Names with the wrong length are the commonest mistake: one too many takes the NUL along. */
static void names_end_at_nul_or_have_none(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), child = named(graph, "own", 1), found = 0;
    ckpt_writer *writer = NULL;
    ckpt_restore_options *options = ckpt_restore_options_new();
    const float value = 1;
    CHECK_OK(ckpt_writer_new(in("w"), NULL, &writer, &error));
    CHECK_OK(ckpt_graph_track(graph, root, "bias", CKPT_NUL, child, &error));
    CHECK_OK(ckpt_graph_lookup(graph, root, "bias", 4, &found, &error));
    CHECK_INT(child, found);
    CHECK_OK(ckpt_writer_add(writer, "kernel", CKPT_NUL, CKPT_DTYPE_FLOAT, NULL, 0, &value, sizeof value, &error));
    const ckpt_bytes labels[] = {{(const uint8_t *)"cat", CKPT_NUL}, {(const uint8_t *)"a\0b", 3}};
    const int64_t two = 2;
    CHECK_OK(ckpt_writer_add_strings(writer, "labels", CKPT_NUL, &two, 1, labels, 2, &error)); /* elements are any bytes */
    CHECK_OK(ckpt_restore_options_add_include(options, "net/\xc3\xa4*", CKPT_NUL, &error));

    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_track(graph, root, "scale", 6, child, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_track(graph, root, "a\0b", 3, child, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_track(graph, root, NULL, CKPT_NUL, child, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_set_name(graph, child, "own", 4, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_restore_options_add_include(options, "net/*", 6, &error));
    CHECK_INT(CKPT_CODE_INVALID_ARGUMENT,
              ckpt_writer_add(writer, "bias", 5, CKPT_DTYPE_FLOAT, NULL, 0, &value, sizeof value, &error));
    CHECK(strstr(ckpt_error_message(error), "CKPT_NUL") != NULL && text_has(ckpt_error_found(error), "bias"));
    ckpt_error_free(error);
    error = NULL;
    CHECK_OK(ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
    ckpt_restore_options_free(options);
    ckpt_graph_free(graph);

    /* Keys that are looked for may be any bytes; and texts of the library go where it takes paths. */
    ckpt_reader *reader = must_open(in("w"));
    ckpt_string *path = NULL;
    ckpt_strings *strings = NULL;
    CHECK_INT(2, ckpt_reader_count(reader));
    CHECK(ckpt_reader_has(reader, "kernel", CKPT_NUL) && !ckpt_reader_has(reader, "kernel", 7));
    CHECK_OK(ckpt_reader_read_strings(reader, must_find(reader, "labels"), NULL, &strings, &error));
    CHECK(text_is(ckpt_strings_get(strings, 0), "cat") && bytes_are(ckpt_strings_get(strings, 1), "a\0b", 3));
    ckpt_strings_free(strings);
    CHECK_OK(ckpt_reader_shard_path(reader, 0, &path, &error));
    ckpt_reader_free(reader);
    CHECK_INT(ckpt_string_bytes(path).len, strlen(ckpt_string_text(path)));
    reader = NULL;
    CHECK_OK(ckpt_reader_open(ckpt_string_text(path), NULL, &reader, &error));
    ckpt_reader_free(reader);
    ckpt_string_free(path);
    CHECK(ckpt_string_text(NULL) == NULL);
    files(true);
}

int main(void) {
    make_directory();
    names_end_at_nul_or_have_none();
    values_come_back_by_their_names();
    a_saver_asks_the_programs_clock();
    a_saver_restores_one_value_into_two_and_reshapes();
    a_saver_has_several_slices_of_one_tensor();
    old_checkpoints_go_and_options_are_kept();
    a_view_says_what_there_is_and_what_matches();
    references_that_do_not_agree_are_said();
    what_is_not_there_is_an_error_or_nothing();
    a_callback_does_not_save();
    remove_directory();
    return check_report();
}
