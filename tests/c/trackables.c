/* Graphs of objects: edges, variables and their memory, containers, slots. */
#include "graphs.h"

static void edges_have_one_child_and_an_order(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), a = object(graph), b = object(graph), removed = 77;
    track(graph, root, "b", b);
    track(graph, root, "a", a);
    track(graph, root, "a", a); /* again is nothing */
    CHECK_FAILS(CKPT_CODE_ALREADY_EXISTS, ckpt_graph_track(graph, root, TEXT("a"), b, &error));
    CHECK(child_of(graph, root, "a") == a);
    CHECK(child_of(graph, root, "c") == 0);
    CHECK(child_of(graph, root, "") == 0);
    CHECK_OK(ckpt_graph_track_overwrite(graph, root, TEXT("b"), a, &error));
    ckpt_nodes *children = NULL;
    CHECK_OK(ckpt_graph_children(graph, root, &children, &error));
    CHECK_INT(2, ckpt_nodes_count(children));
    CHECK(text_is(ckpt_nodes_name(children, 0), "b"));
    CHECK(text_is(ckpt_nodes_name(children, 1), "a"));
    CHECK(ckpt_nodes_get(children, 0) == a);
    CHECK(ckpt_nodes_get(children, 2) == 0);
    CHECK_INT(0, ckpt_nodes_name(children, 2).len);
    CHECK_OK(ckpt_graph_untrack(graph, root, TEXT("b"), &removed, &error));
    CHECK(removed == a);
    CHECK_INT(2, ckpt_nodes_count(children)); /* as it was */
    ckpt_nodes_free(children);
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_graph_untrack(graph, root, TEXT("b"), NULL, &error));
    CHECK_OK(ckpt_graph_untrack(graph, root, TEXT("a"), NULL, &error));
    ckpt_graph_free(graph);
}

static void descendants_come_breadth_first(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), left = object(graph), right = object(graph), leaf = scalar(graph, 1);
    track(graph, root, "left", left);
    track(graph, left, "leaf", leaf);
    track(graph, root, "right", right);
    track(graph, right, "root", root); /* a cycle */
    track(graph, right, "leaf", leaf);
    const ckpt_node expected[] = {root, left, right, leaf};
    ckpt_nodes *found = NULL;
    CHECK_OK(ckpt_graph_descendants(graph, root, &found, &error));
    CHECK_INT(COUNT(expected), ckpt_nodes_count(found));
    for (size_t i = 0; i < COUNT(expected); i++) CHECK(ckpt_nodes_get(found, i) == expected[i]);
    CHECK_INT(0, ckpt_nodes_name(found, 0).len);
    ckpt_nodes_free(found);
    ckpt_graph_free(graph);
}

static void a_removed_object_is_never_another(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), old = track_scalar(graph, root, "x", 1);
    bool there = false;
    CHECK_OK(ckpt_graph_contains(graph, old, &there, &error));
    CHECK(there);
    CHECK_OK(ckpt_graph_remove(graph, old, &error));
    for (int i = 0; i < 10; i++) CHECK(scalar(graph, 2) != old);
    CHECK_OK(ckpt_graph_contains(graph, old, &there, &error));
    CHECK(!there);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_track(graph, root, TEXT("y"), old, &error));
    CHECK(child_of(graph, root, "x") == 0);
    ckpt_graph_free(graph);
}

static void objects_say_what_they_are(void) {
    static const int64_t shape[] = {2, 3}, open[] = {-1, 3};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node variable = 0, partly = 0, list = 0, text = 0;
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_BFLOAT16, shape, 2, NULL, 0, NULL, &variable, &error));
    CHECK_OK(ckpt_graph_add_without_value(graph, CKPT_DTYPE_DOUBLE, open, 2, NULL, &partly, &error));
    CHECK_OK(ckpt_graph_add_list(graph, NULL, &list, &error));
    CHECK_OK(ckpt_graph_add_text(graph, TEXT("state"), NULL, &text, &error));
    const struct {
        ckpt_node node;
        ckpt_kind kind;
        ckpt_dtype dtype;
        int32_t rank;
    } known[] = {
        {object(graph), CKPT_KIND_OBJECT, CKPT_DTYPE_INVALID, -1},
        {variable, CKPT_KIND_VARIABLE, CKPT_DTYPE_BFLOAT16, 2},
        {partly, CKPT_KIND_VARIABLE, CKPT_DTYPE_DOUBLE, -1},
        {unset(graph), CKPT_KIND_VARIABLE, CKPT_DTYPE_INVALID, -1},
        {scalar(graph, 1), CKPT_KIND_VARIABLE, CKPT_DTYPE_FLOAT, 0},
        {text, CKPT_KIND_TEXT, CKPT_DTYPE_STRING, 0},
        {list, CKPT_KIND_LIST, CKPT_DTYPE_INVALID, -1},
        {slot_owner(graph), CKPT_KIND_SLOT_OWNER, CKPT_DTYPE_INVALID, -1},
    };
    for (size_t i = 0; i < COUNT(known); i++) {
        ckpt_description *description = NULL;
        CHECK_OK(ckpt_graph_describe(graph, known[i].node, &description, &error));
        CHECK_INT(known[i].kind, ckpt_description_kind(description));
        CHECK_INT(known[i].dtype, ckpt_description_dtype(description));
        CHECK_INT(known[i].rank, ckpt_description_rank(description));
        const int64_t *dims = ckpt_description_shape(description);
        if (known[i].rank == -1) CHECK(dims == NULL);
        if (known[i].node == variable) CHECK(memcmp(dims, shape, sizeof shape) == 0);
        ckpt_description_free(description);
    }
    ckpt_graph_free(graph);
}

static void messages_use_the_names_that_were_given(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node_options *options = ckpt_node_options_new();
    ckpt_node named = 0, root = object(graph);
    float value = 0;
    CHECK_OK(ckpt_node_options_set_debug_name(options, TEXT("the bias"), &error));
    CHECK_OK(ckpt_graph_add_without_value(graph, CKPT_DTYPE_FLOAT, NULL, -1, options, &named, &error));
    ckpt_node_options_free(options);
    CHECK_INT(CKPT_CODE_FAILED_PRECONDITION, ckpt_graph_read(graph, named, &value, sizeof value, &error));
    CHECK_INT(CKPT_REASON_NOT_SHAPED, ckpt_error_reason(error));
    CHECK(strstr(ckpt_error_message(error), "the bias") != NULL);
    ckpt_error_free(error);
    CHECK_OK(ckpt_graph_set_debug_name(graph, named, TEXT("another"), &error));
    CHECK_INT(CKPT_CODE_FAILED_PRECONDITION, ckpt_graph_read(graph, named, &value, sizeof value, &error));
    CHECK(strstr(ckpt_error_message(error), "another") != NULL);
    ckpt_error_free(error);
    error = NULL;
    CHECK_OK(ckpt_graph_set_name(graph, named, TEXT("net/bias"), &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_set_name(graph, root, TEXT("net"), &error));
    ckpt_graph_free(graph);
}

/* ---------------------------------------------------------------- values */

static void variables_keep_values_of_their_dtype_and_shape(void) {
    static const int64_t two[] = {2}, three[] = {3};
    static const double values[] = {1.5, -2.5}, more[] = {1, 2, 3};
    double found[2] = {0};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node variable = 0;
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_DOUBLE, two, 1, NULL, 0, NULL, &variable, &error));
    CHECK_OK(ckpt_graph_read(graph, variable, found, sizeof found, &error));
    CHECK(found[0] == 0 && found[1] == 0);
    CHECK_OK(ckpt_graph_assign(graph, variable, CKPT_DTYPE_DOUBLE, two, 1, values, sizeof values, &error));
    CHECK_OK(ckpt_graph_read(graph, variable, found, sizeof found, &error));
    CHECK(memcmp(found, values, sizeof values) == 0);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_graph_assign(graph, variable, CKPT_DTYPE_DOUBLE, three, 1, more, sizeof more, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_graph_assign(graph, variable, CKPT_DTYPE_INT64, two, 1, values, sizeof values, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_read(graph, variable, found, sizeof found - 1, &error));
    void *data = NULL;
    size_t size = 0;
    CHECK_OK(ckpt_graph_data(graph, variable, &data, &size, &error));
    CHECK_INT(sizeof values, size);
    CHECK_INT(0, (intptr_t)data % 16);
    ((double *)data)[1] = 9;
    CHECK_OK(ckpt_graph_read(graph, variable, found, sizeof found, &error));
    CHECK(found[1] == 9);

    ckpt_node later = unset(graph); /* takes dtype and shape from its first value */
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_graph_data(graph, later, &data, &size, &error));
    CHECK(data == NULL && size == 0);
    CHECK_OK(ckpt_graph_assign(graph, later, CKPT_DTYPE_DOUBLE, three, 1, more, sizeof more, &error));
    CHECK_OK(ckpt_graph_data(graph, later, &data, &size, &error));
    CHECK_INT(sizeof more, size);
    ckpt_graph_free(graph);
}

static void integers_of_every_size_can_count(void) {
    static const int8_t small = -7;
    static const uint64_t great = 5, too_great = UINT64_MAX;
    static const float none = 1;
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node node = 0;
    int64_t value = 0;
    CHECK_OK(ckpt_graph_read_integer(graph, integer(graph, INT64_MIN), &value, &error));
    CHECK_INT(INT64_MIN, value);
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_INT8, NULL, 0, &small, 1, NULL, &node, &error));
    CHECK_OK(ckpt_graph_read_integer(graph, node, &value, &error));
    CHECK_INT(-7, value);
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_UINT64, NULL, 0, &great, 8, NULL, &node, &error));
    CHECK_OK(ckpt_graph_read_integer(graph, node, &value, &error));
    CHECK_INT(5, value);
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_UINT64, NULL, 0, &too_great, 8, NULL, &node, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_read_integer(graph, node, &value, &error));
    CHECK_INT(0, value);
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, NULL, 0, &none, 4, NULL, &node, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_read_integer(graph, node, &value, &error));
    ckpt_graph_free(graph);
}

static void strings_have_lengths_of_their_own(void) {
    static const int64_t two[] = {2}, three[] = {3};
    const ckpt_bytes words[] = {bytes_of("one"), {(const uint8_t *)"\0x", 2}, {NULL, 0}};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node variable = 0, text = 0;
    ckpt_strings *found = NULL;
    CHECK_OK(ckpt_graph_add_strings(graph, two, 1, words, 2, NULL, &variable, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_assign_strings(graph, variable, three, 1, words, 3, &error));
    CHECK_OK(ckpt_graph_assign_strings(graph, variable, two, 1, words + 1, 2, &error));
    CHECK_OK(ckpt_graph_read_strings(graph, variable, &found, &error));
    CHECK_INT(2, ckpt_strings_count(found));
    CHECK(bytes_are(ckpt_strings_get(found, 0), "\0x", 2));
    CHECK_INT(0, ckpt_strings_get(found, 1).len);
    ckpt_strings_free(found);
    CHECK_OK(ckpt_graph_add_text(graph, TEXT("old"), NULL, &text, &error));
    CHECK_OK(ckpt_graph_assign_strings(graph, text, NULL, 0, words, 1, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_assign_strings(graph, text, two, 1, words, 2, &error));
    CHECK_OK(ckpt_graph_read_strings(graph, text, &found, &error));
    CHECK(text_is(ckpt_strings_get(found, 0), "one"));
    ckpt_strings_free(found);
    char buffer[8];
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_read(graph, variable, buffer, sizeof buffer, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_read_strings(graph, integer(graph, 1), &found, &error));
    CHECK(found == NULL);
    ckpt_graph_free(graph);
}

/* ---------------------------------------------------------------- borrowed memory */

static void borrowed_memory_is_used_in_place(void) {
    static const int64_t shape[] = {2};
    static const float assigned[] = {5, 6};
    float memory[] = {1, 2}, other[] = {3, 4}, found[2];
    void *data = NULL;
    size_t size = 0;
    int released = 0;
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node variable = 0;
    CHECK_OK(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 1, memory, sizeof memory, &released, count_free, NULL,
                                     &variable, &error));
    CHECK_OK(ckpt_graph_data(graph, variable, &data, &size, &error));
    CHECK(data == memory && size == sizeof memory);
    memory[0] = 7;
    CHECK_OK(ckpt_graph_read(graph, variable, found, sizeof found, &error));
    CHECK(found[0] == 7 && found[1] == 2);
    CHECK_INT(0, released);
    CHECK_OK(ckpt_graph_set_borrowed(graph, variable, other, sizeof other, NULL, NULL, &error));
    CHECK_INT(1, released); /* before the call returns */
    CHECK_OK(ckpt_graph_assign(graph, variable, CKPT_DTYPE_FLOAT, shape, 1, assigned, sizeof assigned, &error));
    CHECK(other[0] == 5 && other[1] == 6 && memory[0] == 7);
    ckpt_graph_free(graph);
    CHECK_INT(1, released);
}

static void borrowed_memory_is_released_once(void) {
    static const int64_t shape[] = {1};
    float memory = 1;
    int removed = 0, refused = 0, kept = 0;
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node node = 0, root = object(graph);
    /* when the variable is removed */
    CHECK_OK(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 1, &memory, 4, &removed, count_free, NULL, &node, &error));
    CHECK_OK(ckpt_graph_remove(graph, node, &error));
    CHECK_INT(1, removed);
    /* at once when a call fails, whatever the reason */
    ckpt_node_options *options = ckpt_node_options_new();
    CHECK_OK(ckpt_node_options_set_legacy_name(options, TEXT("table"), &error));
#define REFUSED(call) CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, call)
    REFUSED(ckpt_graph_add_borrowed(NULL, CKPT_DTYPE_FLOAT, shape, 1, &memory, 4, &refused, count_free, NULL, &node, &error));
    REFUSED(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_STRING, shape, 1, &memory, 4, &refused, count_free, NULL, &node, &error));
    REFUSED(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 1, &memory, 3, &refused, count_free, NULL, &node, &error));
    REFUSED(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 1, NULL, 4, &refused, count_free, NULL, &node, &error));
    REFUSED(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, NULL, 1, &memory, 4, &refused, count_free, NULL, &node, &error));
    REFUSED(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 1, &memory, 4, &refused, count_free, options, &node, &error));
    REFUSED(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 1, &memory, 4, &refused, count_free, NULL, NULL, &error));
    CHECK_INT(7, refused);
    REFUSED(ckpt_graph_set_borrowed(graph, root, &memory, 4, &refused, count_free, &error));
    REFUSED(ckpt_graph_set_borrowed(graph, scalar(graph, 1), &memory, 4, &refused, count_free, &error));
    CHECK_INT(9, refused);
    ckpt_node_options_free(options);
    /* with the last handle that needs the graph */
    CHECK_OK(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 1, &memory, 4, &kept, count_free, NULL, &node, &error));
    REFUSED(ckpt_graph_set_borrowed(graph, node, &memory, 3, &refused, count_free, &error)); /* the old stays */
    CHECK_INT(10, refused);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    ckpt_graph_free(graph);
    CHECK_INT(0, kept);
    ckpt_checkpoint_free(checkpoint);
    CHECK_INT(1, kept);
}

/* ---------------------------------------------------------------- containers */

/* The elements of a list, by the order in which `nodes` has them; -1 for what is not tracked. */
static void list_is(const ckpt_graph *graph, ckpt_node list, const ckpt_node *nodes, const char *expected) {
    ckpt_nodes *elements = NULL;
    char found[32] = "";
    CHECK_OK(ckpt_graph_list_elements(graph, list, &elements, &error));
    for (size_t i = 0; i < ckpt_nodes_count(elements); i++) {
        ckpt_node node = ckpt_nodes_get(elements, i);
        size_t at = 0;
        while (node != 0 && nodes[at] != node) at++;
        found[i] = node == 0 ? '-' : (char)('a' + at);
    }
    check_that(strcmp(found, expected) == 0, expected, found, __FILE__, __LINE__);
    ckpt_nodes_free(elements);
}

static void lists_grow_and_what_else_changes_them_makes_them_unsavable(void) {
    ckpt_graph *graph = ckpt_graph_new();
    const ckpt_node nodes[] = {scalar(graph, 1), scalar(graph, 2), scalar(graph, 3)};
    const size_t reversed[] = {1, 0};
    for (int how = 0; how < 7; how++) {
        ckpt_node list = 0, removed = 0;
        ckpt_nodes *children = NULL;
        CHECK_OK(ckpt_graph_add_list(graph, NULL, &list, &error));
        CHECK_OK(ckpt_graph_list_append(graph, list, nodes[0], &error));
        CHECK_OK(ckpt_graph_list_append(graph, list, nodes[1], &error));
        CHECK(child_of(graph, list, "1") == nodes[1]);
        switch (how) {
            case 0: CHECK_OK(ckpt_graph_list_repeat(graph, list, 2, &error)); break;
            case 1: CHECK_OK(ckpt_graph_list_set(graph, list, -1, nodes[2], &error)); break;
            case 2: CHECK_OK(ckpt_graph_list_insert(graph, list, 0, nodes[2], &error)); break;
            case 3: CHECK_OK(ckpt_graph_list_remove(graph, list, 0, &removed, &error)); break;
            case 4: CHECK_OK(ckpt_graph_list_splice(graph, list, 0, 1, nodes + 1, 2, &error)); break;
            case 5: CHECK_OK(ckpt_graph_list_reorder(graph, list, reversed, 2, &error)); break;
            default: CHECK_OK(ckpt_graph_list_splice(graph, list, 0, SIZE_MAX, NULL, 0, &error)); break;
        }
        static const char *const after[] = {"abab", "ac", "cab", "b", "bcb", "ba", ""};
        list_is(graph, list, nodes, after[how]);
        if (how == 3) CHECK(removed == nodes[0]);
        if (how == 0) {
            CHECK_OK(ckpt_graph_children(graph, list, &children, &error));
            CHECK_INT(4, ckpt_nodes_count(children));
            ckpt_nodes_free(children);
        } else {
            CHECK_INT(CKPT_CODE_FAILED_PRECONDITION, ckpt_graph_children(graph, list, &children, &error));
            CHECK_INT(CKPT_REASON_UNSAVABLE, ckpt_error_reason(error));
            CHECK(children == NULL);
            ckpt_error_free(error);
            error = NULL;
        }
    }
    ckpt_graph_free(graph);
}

static void places_of_a_list_may_be_untracked(void) {
    ckpt_graph *graph = ckpt_graph_new();
    const ckpt_node nodes[] = {scalar(graph, 1)};
    ckpt_node list = 0, removed = 77;
    CHECK_OK(ckpt_graph_add_list(graph, NULL, &list, &error));
    CHECK_OK(ckpt_graph_list_append(graph, list, 0, &error));
    CHECK_OK(ckpt_graph_list_insert(graph, list, 5, 0, &error));
    CHECK_OK(ckpt_graph_list_remove(graph, list, -1, &removed, &error));
    CHECK(removed == 0);
    CHECK_OK(ckpt_graph_list_append(graph, list, nodes[0], &error));
    list_is(graph, list, nodes, "-a");
    CHECK(child_of(graph, list, "1") == nodes[0]);
    CHECK_FAILS(CKPT_CODE_OUT_OF_RANGE, ckpt_graph_list_set(graph, list, 2, 0, &error));
    CHECK_FAILS(CKPT_CODE_OUT_OF_RANGE, ckpt_graph_list_remove(graph, list, -3, NULL, &error));
    ckpt_graph_free(graph);
}

static void dicts_and_tuples_track_by_key_and_place(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node a = scalar(graph, 1), b = scalar(graph, 2), dict = 0, pair = 0, point = 0, old = 0;
    CHECK_OK(ckpt_graph_add_dict(graph, NULL, &dict, &error));
    CHECK_OK(ckpt_graph_dict_set(graph, dict, TEXT("x"), a, &error));
    CHECK_OK(ckpt_graph_dict_set(graph, dict, TEXT("x"), b, &error));
    CHECK(child_of(graph, dict, "x") == b);
    CHECK_OK(ckpt_graph_dict_remove(graph, dict, TEXT("x"), &old, &error));
    CHECK(old == b && child_of(graph, dict, "x") == 0);
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_graph_dict_remove(graph, dict, TEXT("x"), NULL, &error));

    const ckpt_node elements[] = {a, 0, b};
    const ckpt_bytes fields[] = {bytes_of("left"), bytes_of("middle"), bytes_of("right")};
    CHECK_OK(ckpt_graph_add_tuple(graph, elements, 3, NULL, &pair, &error));
    CHECK(child_of(graph, pair, "0") == a && child_of(graph, pair, "1") == 0 && child_of(graph, pair, "2") == b);
    CHECK_OK(ckpt_graph_add_named_tuple(graph, fields, elements, 3, NULL, &point, &error));
    CHECK(child_of(graph, point, "right") == b && child_of(graph, point, "2") == b && child_of(graph, point, "middle") == 0);
    CHECK_OK(ckpt_graph_add_tuple(graph, NULL, 0, NULL, &pair, &error));
    ckpt_graph_free(graph);
}

/* ---------------------------------------------------------------- slots */

static void slots_hang_on_owner_variable_and_name(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node adam = slot_owner(graph), w = scalar(graph, 1), v = scalar(graph, 2), m = scalar(graph, 3), found = 77;
    CHECK_OK(ckpt_graph_slot(graph, adam, w, TEXT("m"), &found, &error));
    CHECK(found == 0);
    CHECK_OK(ckpt_graph_set_slot(graph, adam, w, TEXT("m"), m, &error));
    CHECK_OK(ckpt_graph_set_slot(graph, adam, w, TEXT("m"), m, &error)); /* again is nothing */
    CHECK_OK(ckpt_graph_set_slot(graph, adam, w, TEXT("v"), v, &error));
    CHECK_FAILS(CKPT_CODE_ALREADY_EXISTS, ckpt_graph_set_slot(graph, adam, w, TEXT("m"), v, &error));
    CHECK_OK(ckpt_graph_slot(graph, adam, w, TEXT("m"), &found, &error));
    CHECK(found == m);
    ckpt_strings *names = NULL;
    CHECK_OK(ckpt_graph_slot_names(graph, adam, &names, &error));
    CHECK_INT(2, ckpt_strings_count(names));
    CHECK(text_is(ckpt_strings_get(names, 0), "m") && text_is(ckpt_strings_get(names, 1), "v"));
    ckpt_strings_free(names);
    CHECK_OK(ckpt_graph_remove_slot(graph, adam, w, TEXT("m"), &found, &error));
    CHECK(found == m);
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_graph_remove_slot(graph, adam, w, TEXT("m"), NULL, &error));
    ckpt_graph_free(graph);
}

static void options_fit_the_kind_of_object(void) {
    const ckpt_bytes names[] = {bytes_of("keys"), bytes_of("values")};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node node = 0;
    const int64_t four = 4, zero = 0, one = 1;
    for (int which = 0; which < 5; which++) {
        ckpt_node_options *options = ckpt_node_options_new();
        switch (which) {
            case 0: CHECK_OK(ckpt_node_options_set_name(options, TEXT("n"), &error)); break;
            case 1: CHECK_OK(ckpt_node_options_set_read_only(options, true, &error)); break;
            case 2: CHECK_OK(ckpt_node_options_set_part(options, &four, &zero, &one, 1, &error)); break;
            case 3: CHECK_OK(ckpt_node_options_set_tensor_names(options, names, 2, &error)); break;
            default: CHECK_OK(ckpt_node_options_set_legacy_name(options, TEXT("table"), &error)); break;
        }
        CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_add_object(graph, options, &node, &error));
        CHECK(node == 0);
        ckpt_code code = which < 3 ? CKPT_CODE_OK : CKPT_CODE_INVALID_ARGUMENT;
        check_code(code, ckpt_graph_add_owned(graph, CKPT_DTYPE_INT8, &one, 1, NULL, 0, options, &node, &error), "variable",
                   __FILE__, __LINE__);
        ckpt_node_options_free(options);
    }
    ckpt_graph_free(graph);
}

static int releases;

static void release_memory(void *user_data) {
    (void)user_data;
    releases++;
}

static void a_graph_lives_until_its_last_handle_is_freed(void) {
    float memory = 1;
    ckpt_node variable = 0;
    releases = 0;
    ckpt_graph *first = ckpt_graph_new(), *second = ckpt_graph_share(first);
    CHECK_OK(ckpt_graph_add_borrowed(first, CKPT_DTYPE_FLOAT, NULL, 0, &memory, sizeof memory, NULL, release_memory, NULL,
                                     &variable, &error));
    ckpt_graph_free(first);
    CHECK_INT(0, releases);
    float value = 0;
    CHECK_OK(ckpt_graph_read(second, variable, &value, sizeof value, &error)); /* the same objects */
    CHECK(value == 1);
    ckpt_graph_free(second);
    CHECK_INT(1, releases);
    CHECK(ckpt_graph_share(NULL) == NULL);
}

int main(void) {
    edges_have_one_child_and_an_order();
    descendants_come_breadth_first();
    a_removed_object_is_never_another();
    objects_say_what_they_are();
    messages_use_the_names_that_were_given();
    variables_keep_values_of_their_dtype_and_shape();
    integers_of_every_size_can_count();
    strings_have_lengths_of_their_own();
    borrowed_memory_is_used_in_place();
    borrowed_memory_is_released_once();
    lists_grow_and_what_else_changes_them_makes_them_unsavable();
    places_of_a_list_may_be_untracked();
    dicts_and_tuples_track_by_key_and_place();
    slots_hang_on_owner_variable_and_name();
    options_fit_the_kind_of_object();
    a_graph_lives_until_its_last_handle_is_freed();
    return check_report();
}
