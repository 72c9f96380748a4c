/* Lists a checkpoint that TensorFlow wrote, prints the values of one tensor, and the tree of the objects it holds.
 *
 *     read-checkpoint PATH [KEY]
 *     cc read.c -lcheckpoint -o read-checkpoint
 */
#include <checkpoint.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "float32 [1, 5]" */
static void print_type(const ckpt_tensor *tensor) {
    printf("%s [", ckpt_dtype_name(ckpt_tensor_dtype(tensor)));
    for (size_t d = 0; d < ckpt_tensor_rank(tensor); d++) {
        printf("%s%" PRId64, d > 0 ? ", " : "", ckpt_tensor_shape(tensor)[d]);
    }
    printf("]");
}

static void print_listing(const ckpt_reader *reader) {
    for (size_t i = 0; i < ckpt_reader_count(reader); i++) {
        const ckpt_tensor *tensor = ckpt_reader_tensor(reader, i);
        /* Keys are bytes with a length; they need not end in NUL. */
        ckpt_bytes key = ckpt_tensor_key(tensor);
        printf("  %.*s  ", (int)key.len, (const char *)key.data);
        print_type(tensor);
        printf("\n");
    }
}

static ckpt_code print_strings(const ckpt_reader *reader, const ckpt_tensor *tensor, ckpt_error **error) {
    ckpt_strings *strings = NULL;
    ckpt_code code = ckpt_reader_read_strings(reader, tensor, NULL, &strings, error);
    for (size_t i = 0; i < ckpt_strings_count(strings); i++) {
        ckpt_bytes string = ckpt_strings_get(strings, i);
        printf("  %zu bytes: %.*s\n", string.len, (int)string.len, (const char *)string.data);
    }
    ckpt_strings_free(strings); /* NULL is fine, as in free() */
    return code;
}

static ckpt_code print_values(const ckpt_reader *reader, const char *key, ckpt_error **error) {
    const ckpt_tensor *tensor = NULL; /* lent by the reader: nothing to free */
    ckpt_code code = ckpt_reader_find(reader, key, strlen(key), &tensor, error);
    if (code != CKPT_CODE_OK) return code;
    printf("%s: ", key);
    print_type(tensor);
    printf("\n");

    ckpt_dtype dtype = ckpt_tensor_dtype(tensor);
    if (dtype == CKPT_DTYPE_STRING || dtype == CKPT_DTYPE_VARIANT) return print_strings(reader, tensor, error);

    /* Values come row by row, in the machine's byte order, into memory of ours. */
    size_t size = (size_t)ckpt_tensor_byte_size(tensor);
    void *values = malloc(size > 0 ? size : 1);
    if (values == NULL) {
        fprintf(stderr, "no memory for %zu bytes\n", size);
        exit(1);
    }
    code = ckpt_reader_read(reader, tensor, NULL, values, size, error);
    if (code == CKPT_CODE_OK) {
        uint64_t count = ckpt_tensor_element_count(tensor);
        for (uint64_t i = 0; i < count; i++) {
            switch (dtype) {
                case CKPT_DTYPE_FLOAT: printf("  %g", ((float *)values)[i]); break;
                case CKPT_DTYPE_DOUBLE: printf("  %g", ((double *)values)[i]); break;
                case CKPT_DTYPE_INT32: printf("  %" PRId32, ((int32_t *)values)[i]); break;
                case CKPT_DTYPE_INT64: printf("  %" PRId64, ((int64_t *)values)[i]); break;
                default: {
                    const unsigned char *element = (unsigned char *)values + i * ckpt_dtype_size(dtype);
                    printf("  0x");
                    for (size_t b = ckpt_dtype_size(dtype); b > 0; b--) printf("%02x", element[b - 1]);
                }
            }
        }
        printf("\n");
    }
    free(values);
    return code;
}

/* The objects below a node, two more columns for each step down. The graph may have cycles: `shown` is what stops them.
 */
static void print_tree(const ckpt_object_graph *graph, uint32_t node, int depth, bool *shown) {
    for (size_t i = 0; i < ckpt_object_graph_child_count(graph, node); i++) {
        ckpt_bytes name = ckpt_object_graph_child_name(graph, node, i);
        uint32_t child = (uint32_t)ckpt_object_graph_child_node(graph, node, i);
        printf("  %*s%.*s%s\n", 2 * depth, "", (int)name.len, (const char *)name.data, shown[child] ? " (above)" : "");
        if (shown[child]) continue;
        shown[child] = true;
        print_tree(graph, child, depth + 1, shown);
    }
}

static ckpt_code print_objects(const ckpt_reader *reader, ckpt_error **error) {
    ckpt_object_graph *graph = NULL;
    ckpt_code code = ckpt_reader_object_graph(reader, &graph, error);
    if (code == CKPT_CODE_OK) {
        bool *shown = calloc(ckpt_object_graph_count(graph), sizeof *shown);
        printf("objects:\n");
        if (shown != NULL) {
            shown[0] = true;
            print_tree(graph, 0, 0, shown);
        }
        free(shown);
    } else if (ckpt_error_reason(*error) == CKPT_REASON_NO_OBJECT_GRAPH) {
        /* Saved by names, with tf.compat.v1.train.Saver: that is no failure. */
        ckpt_error_free(*error);
        *error = NULL;
        code = CKPT_CODE_OK;
    }
    ckpt_object_graph_free(graph);
    return code;
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: %s PATH [KEY]\n", argv[0]);
        return 2;
    }

    ckpt_reader *reader = NULL;
    ckpt_error *error = NULL; /* set by the call that fails, and ours to free */
    ckpt_code code = ckpt_reader_open(argv[1], NULL, &reader, &error);
    if (code == CKPT_CODE_OK) {
        printf("%zu tensors:\n", ckpt_reader_count(reader));
        print_listing(reader);
        code = print_objects(reader, &error);
    }
    if (code == CKPT_CODE_OK && argc == 3) code = print_values(reader, argv[2], &error);

    if (code != CKPT_CODE_OK) fprintf(stderr, "%s: %s\n", ckpt_code_name(code), ckpt_error_message(error));
    ckpt_error_free(error);
    ckpt_reader_free(reader);
    return code == CKPT_CODE_OK ? 0 : 1;
}
