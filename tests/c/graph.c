/* The object graph of a checkpoint: nodes, edges, attributes, slot variables, as the program that saved it had them. */
#include "check.h"

typedef struct known_graph {
    const char *path;
    size_t nodes, edges, attributes, slots;
} known_graph;

static const known_graph known_graphs[] = {
    {"guide/ckpt-5", 19, 23, 11, 0},
    {"guide_slots/ckpt-5", 18, 13, 14, 4},
    {"containers/c-1", 34, 39, 23, 0},
    {"resources/r-1", 7, 6, 5, 0},
    {"wide/w-1", 6, 5, 5, 0},
    {"keras3/k-1", 45, 64, 23, 0},
    {"savedmodel/variables", 330, 504, 73, 36},
    {"dtypes/all", 60, 59, 59, 0},
};

static ckpt_object_graph *open_graph(const char *path) {
    ckpt_object_graph *graph = NULL;
    ckpt_reader *reader = must_open(path);
    if (!CHECK_OK(ckpt_reader_object_graph(reader, &graph, &error))) exit(1);
    ckpt_reader_free(reader); /* the graph stands alone */
    return graph;
}

static void graphs_have_the_size_that_was_saved(void) {
    for (size_t i = 0; i < COUNT(known_graphs); i++) {
        const known_graph *known = &known_graphs[i];
        ckpt_object_graph *graph = open_graph(known->path);
        uint32_t nodes = ckpt_object_graph_count(graph);
        size_t edges = 0, attributes = 0, slots = 0;
        for (uint32_t node = 0; node < nodes; node++) {
            edges += ckpt_object_graph_child_count(graph, node);
            attributes += ckpt_object_graph_attribute_count(graph, node);
            slots += ckpt_object_graph_slot_count(graph, node);
        }
        CHECK_INT(known->nodes, nodes);
        CHECK_INT(known->edges, edges);
        CHECK_INT(known->attributes, attributes);
        CHECK_INT(known->slots, slots);
        ckpt_object_graph_free(graph);
    }
}

/* Follows edges by their names; the names in the path are separated by slashes. */
static uint32_t node_at(const ckpt_object_graph *graph, const char *path) {
    uint32_t node = 0;
    while (*path != '\0') {
        size_t len = strcspn(path, "/"), i = 0, count = ckpt_object_graph_child_count(graph, node);
        while (i < count && !bytes_are(ckpt_object_graph_child_name(graph, node, i), path, len)) i++;
        if (!CHECK(i < count)) exit(1);
        node = (uint32_t)ckpt_object_graph_child_node(graph, node, i);
        path += len + (path[len] == '/');
    }
    return node;
}

typedef struct known_variable {
    const char *path, *full_name, *key;
} known_variable;

static const known_variable known_variables[] = {
    {"step", "Variable", "step/.ATTRIBUTES/VARIABLE_VALUE"},
    {"optimizer/beta_1", "Adam/beta_1", "optimizer/beta_1/.ATTRIBUTES/VARIABLE_VALUE"},
    {"net/l1/kernel", "net/dense/kernel", "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE"},
    {"net/l1/bias", "net/dense/bias", "net/l1/bias/.ATTRIBUTES/VARIABLE_VALUE"},
};

static void edges_lead_to_variables_and_their_keys(void) {
    ckpt_object_graph *graph = open_graph("guide_slots/ckpt-5");
    for (size_t i = 0; i < COUNT(known_variables); i++) {
        uint32_t node = node_at(graph, known_variables[i].path);
        CHECK_INT(1, ckpt_object_graph_attribute_count(graph, node));
        CHECK(text_is(ckpt_object_graph_attribute_name(graph, node, 0), "VARIABLE_VALUE"));
        CHECK(text_is(ckpt_object_graph_attribute_full_name(graph, node, 0), known_variables[i].full_name));
        CHECK(text_is(ckpt_object_graph_attribute_key(graph, node, 0), known_variables[i].key));
        CHECK_INT(1, ckpt_object_graph_has_values(graph, node));
        CHECK_INT(0, ckpt_object_graph_saver_name(graph, node).len);
    }
    ckpt_object_graph_free(graph);
}

static void slot_variables_hang_on_optimizer_variable_and_name(void) {
    ckpt_object_graph *graph = open_graph("guide_slots/ckpt-5");
    uint32_t optimizer = node_at(graph, "optimizer");
    static const char *const names[] = {"m", "m", "v", "v"};
    static const char *const of[] = {"net/l1/kernel", "net/l1/bias", "net/l1/kernel", "net/l1/bias"};
    CHECK_INT(4, ckpt_object_graph_slot_count(graph, optimizer));
    for (size_t i = 0; i < COUNT(names); i++) {
        CHECK(text_is(ckpt_object_graph_slot_name(graph, optimizer, i), names[i]));
        CHECK_INT(node_at(graph, of[i]), ckpt_object_graph_slot_original(graph, optimizer, i));
        uint32_t slot = (uint32_t)ckpt_object_graph_slot_node(graph, optimizer, i);
        CHECK(text_has(ckpt_object_graph_attribute_key(graph, slot, 0), "/.OPTIMIZER_SLOT/optimizer/"));
    }
    ckpt_object_graph_free(graph);
}

static void objects_may_be_shared_and_form_cycles(void) {
    ckpt_object_graph *graph = open_graph("containers/c-1");
    CHECK_INT(node_at(graph, "first"), node_at(graph, "second"));
    CHECK_INT(0, node_at(graph, "first/parent"));
    CHECK_INT(node_at(graph, "listed/0"), node_at(graph, "mapped/one"));
    ckpt_object_graph_free(graph);
}

static void out_of_range_is_nothing(void) {
    ckpt_object_graph *graph = open_graph("guide/ckpt-5");
    static const uint32_t nodes[] = {19, UINT32_MAX, 0};
    for (size_t i = 0; i < COUNT(nodes); i++) {
        uint32_t node = nodes[i];
        if (node != 0) CHECK_INT(0, ckpt_object_graph_child_count(graph, node));
        CHECK_INT(-1, ckpt_object_graph_child_node(graph, node, SIZE_MAX));
        CHECK_INT(0, ckpt_object_graph_child_name(graph, node, SIZE_MAX).len);
        CHECK_INT(0, ckpt_object_graph_attribute_key(graph, node, SIZE_MAX).len);
        CHECK_INT(-1, ckpt_object_graph_slot_node(graph, node, SIZE_MAX));
        CHECK_INT(-1, ckpt_object_graph_slot_original(graph, node, SIZE_MAX));
    }
    CHECK_INT(-1, ckpt_object_graph_has_values(graph, 19));
    ckpt_object_graph_free(graph);
}

int main(void) {
    graphs_have_the_size_that_was_saved();
    edges_lead_to_variables_and_their_keys();
    slot_variables_hang_on_optimizer_variable_and_name();
    objects_may_be_shared_and_form_cycles();
    out_of_range_is_nothing();
    return check_report();
}
