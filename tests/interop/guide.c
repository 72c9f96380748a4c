/* The program of TensorFlow's guide to checkpoints, in C: a Dense(5), an Adam with slots, a step, and an iterator that is
 * TensorFlow's own affair.
 *
 *     guide DIRECTORY
 *
 * Restores the latest checkpoint of the directory in full, prints the values, changes them, and saves them as the next one.
 */
#include <checkpoint.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUTS = 5, MOST = 16 };

/* What the checkpoint has, in memory of this program's. */
static struct {
    float kernel[OUTPUTS], kernel_m[OUTPUTS], kernel_v[OUTPUTS], bias[OUTPUTS], bias_m[OUTPUTS], bias_v[OUTPUTS];
    float beta_1, beta_2, decay, learning_rate;
    int64_t iter;
    int32_t step;
} values;

/* The serialized elements of the iterator's state, kept as they are. */
static struct {
    size_t count, lengths[MOST];
    uint8_t *elements[MOST];
} iterator;

static ckpt_error *error = NULL;

static void must(ckpt_code code) {
    if (code == CKPT_CODE_OK) return;
    fprintf(stderr, "%s\n", ckpt_error_message(error));
    exit(1);
}

static ckpt_code keep_iterator(void *user_data, const ckpt_source *source, ckpt_failure *failure) {
    const ckpt_source_tensor *state = ckpt_source_find(source, "_STATE", 6);
    (void)user_data, (void)failure;
    if (state == NULL || ckpt_source_tensor_string_count(state) > MOST) return CKPT_CODE_INVALID_ARGUMENT;
    iterator.count = ckpt_source_tensor_string_count(state);
    for (size_t i = 0; i < iterator.count; i++) {
        ckpt_bytes element = ckpt_source_tensor_string(state, i);
        iterator.lengths[i] = element.len;
        iterator.elements[i] = malloc(element.len + 1);
        if (iterator.elements[i] == NULL) return CKPT_CODE_RESOURCE_EXHAUSTED;
        memcpy(iterator.elements[i], element.data, element.len);
    }
    return CKPT_CODE_OK;
}

static ckpt_code give_iterator(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    ckpt_bytes elements[MOST];
    int64_t shape = (int64_t)iterator.count;
    (void)user_data, (void)failure;
    for (size_t i = 0; i < iterator.count; i++) {
        elements[i].data = iterator.elements[i];
        elements[i].len = iterator.lengths[i];
    }
    return ckpt_sink_put_variants(sink, "_STATE", 6, &shape, 1, elements, iterator.count, NULL);
}

static ckpt_graph *graph;

static ckpt_node object(void) {
    ckpt_node node = 0;
    must(ckpt_graph_add_object(graph, NULL, &node, &error));
    return node;
}

static void track(ckpt_node parent, const char *name, ckpt_node child) {
    must(ckpt_graph_track(graph, parent, name, strlen(name), child, &error));
}

static ckpt_node variable(ckpt_dtype dtype, const int64_t *shape, size_t rank, void *data, size_t size) {
    ckpt_node node = 0;
    must(ckpt_graph_add_borrowed(graph, dtype, shape, rank, data, size, NULL, NULL, NULL, &node, &error));
    return node;
}

static ckpt_node floats(const int64_t *shape, size_t rank, float *data, size_t size) {
    return variable(CKPT_DTYPE_FLOAT, shape, rank, data, size);
}

/* A parameter with its slots m and v. */
static ckpt_node parameter(ckpt_node adam, const int64_t *shape, size_t rank, float *value, float *m, float *v) {
    const size_t size = OUTPUTS * sizeof *value;
    ckpt_node node = floats(shape, rank, value, size);
    must(ckpt_graph_set_slot(graph, adam, node, "m", 1, floats(shape, rank, m, size), &error));
    must(ckpt_graph_set_slot(graph, adam, node, "v", 1, floats(shape, rank, v, size), &error));
    return node;
}

static ckpt_node scalar(float *value) { return floats(NULL, 0, value, sizeof *value); }

static ckpt_checkpoint *program(void) {
    static const int64_t kernel[] = {1, OUTPUTS}, bias[] = {OUTPUTS};
    ckpt_node adam = 0, state = 0;
    ckpt_checkpoint *checkpoint = NULL;
    ckpt_node_options *options = ckpt_node_options_new();
    graph = ckpt_graph_new();
    ckpt_node root = object(), net = object(), l1 = object();
    must(ckpt_graph_add_slot_owner(graph, NULL, NULL, NULL, NULL, &adam, &error));
    must(ckpt_node_options_set_legacy_name(options, "ITERATOR", 8, &error));
    must(ckpt_graph_add_state(graph, give_iterator, keep_iterator, NULL, NULL, options, &state, &error));
    ckpt_node_options_free(options);
    track(root, "iterator", state);
    track(root, "net", net);
    track(root, "optimizer", adam);
    track(root, "step", variable(CKPT_DTYPE_INT32, NULL, 0, &values.step, sizeof values.step));
    track(net, "l1", l1);
    track(l1, "kernel", parameter(adam, kernel, 2, values.kernel, values.kernel_m, values.kernel_v));
    track(l1, "bias", parameter(adam, bias, 1, values.bias, values.bias_m, values.bias_v));
    track(adam, "iter", variable(CKPT_DTYPE_INT64, NULL, 0, &values.iter, sizeof values.iter));
    track(adam, "beta_1", scalar(&values.beta_1));
    track(adam, "beta_2", scalar(&values.beta_2));
    track(adam, "decay", scalar(&values.decay));
    track(adam, "learning_rate", scalar(&values.learning_rate));
    must(ckpt_checkpoint_new(graph, root, &checkpoint, &error));
    return checkpoint;
}

static void print(const char *name, const float *value) {
    printf("%s", name);
    for (int i = 0; i < OUTPUTS; i++) printf(" %a", value[i]);
    printf("\n");
}

int main(int argc, char **argv) {
    char prefix[4096];
    ckpt_status *status = NULL;
    if (argc != 2) return 2;
    ckpt_checkpoint *checkpoint = program();
    must(ckpt_checkpoint_restore(checkpoint, argv[1], NULL, &status, &error));
    must(ckpt_status_assert_consumed(status, &error));
    ckpt_status_free(status);
    print("kernel", values.kernel);
    print("kernel.m", values.kernel_m);
    print("kernel.v", values.kernel_v);
    print("bias", values.bias);
    print("bias.m", values.bias_m);
    print("bias.v", values.bias_v);
    printf("step %" PRId32 "\niter %" PRId64 "\nlearning_rate %a\n", values.step, values.iter, values.learning_rate);
    for (int i = 0; i < OUTPUTS; i++) { /* halves and sums of powers of two: exact */
        values.kernel[i] = values.kernel[i] / 2;
        values.bias[i] = (float)i;
        values.kernel_m[i] = -values.kernel_m[i];
        values.bias_v[i] = values.bias_v[i] * 4;
    }
    values.step += 100;
    values.iter += 1;
    snprintf(prefix, sizeof prefix, "%s/ckpt", argv[1]);
    must(ckpt_checkpoint_save(checkpoint, prefix, NULL, NULL, &error));
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
    for (size_t i = 0; i < iterator.count; i++) free(iterator.elements[i]);
    return 0;
}
