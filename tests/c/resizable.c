/* Variables in memory that moves and changes its size, and what a program asks before it initializes one. */
#include "graphs.h"

/* A vector of floats, and the one that a restore is writing. */
typedef struct vector {
    float *data, *next;
    int64_t count, next_count;
    bool is_full; /* it cannot be resized */
    int resizes, kept;
} vector;

static int32_t locate(void *user_data, void **data, size_t *size, int64_t *dimensions) {
    vector *v = (vector *)user_data;
    *data = v->data;
    *size = (size_t)v->count * sizeof(float);
    dimensions[0] = v->count;
    return v->count < 0 ? -1 : 1;
}

static ckpt_code resize(void *user_data, const int64_t *shape, size_t rank, size_t size, void **data, ckpt_failure *failure) {
    vector *v = (vector *)user_data;
    CHECK_INT(1, rank);
    CHECK_INT(shape[0] * (int64_t)sizeof(float), size);
    v->resizes++;
    if (v->is_full) {
        ckpt_failure_set(failure, TEXT("it is full"));
        return CKPT_CODE_RESOURCE_EXHAUSTED;
    }
    *data = v->next = (float *)malloc(size);
    v->next_count = shape[0];
    return CKPT_CODE_OK;
}

static void resized(void *user_data, bool complete) {
    vector *v = (vector *)user_data;
    if (complete) {
        free(v->data);
        v->data = v->next;
        v->count = v->next_count;
    } else {
        free(v->next);
        v->kept++;
    }
    v->next = NULL;
}

static vector of(int64_t count) {
    vector v = {(float *)malloc((size_t)count * sizeof(float)), NULL, count, 0, false, 0, 0};
    for (int64_t i = 0; i < count; i++) v.data[i] = (float)i;
    return v;
}

static ckpt_checkpoint *checkpoint_of_vector(vector *v, ckpt_node *variable, ckpt_graph **graph) {
    *graph = ckpt_graph_new();
    const int64_t any[] = {-1};
    ckpt_node root = object(*graph);
    CHECK_OK(
        ckpt_graph_add_resizable(*graph, CKPT_DTYPE_FLOAT, any, 1, locate, resize, resized, v, NULL, NULL, variable, &error));
    track(*graph, root, "v", *variable);
    return checkpoint_of(*graph, root);
}

/* What is saved is what is there when it is saved; what is restored has the length of the file. */
static void a_vector_that_grows(void) {
    ckpt_status *status = NULL;
    ckpt_node variable, again_variable;
    ckpt_graph *graph, *again_graph;
    bool was_restored;
    vector v = of(2), again = of(3);
    ckpt_checkpoint *checkpoint = checkpoint_of_vector(&v, &variable, &graph);
    free(v.data);
    v = of(5);
    write_as(checkpoint, "grown");

    ckpt_checkpoint *other = checkpoint_of_vector(&again, &again_variable, &again_graph);
    CHECK_OK(ckpt_graph_was_restored(again_graph, again_variable, &was_restored, &error));
    CHECK(!was_restored);
    again.is_full = true;
    CHECK_INT(CKPT_CODE_ABORTED, ckpt_checkpoint_read(other, in("grown"), NULL, &status, &error));
    CHECK(strstr(ckpt_error_message(error), "it is full") != NULL);
    ckpt_error_free(error);
    error = NULL;
    CHECK_INT(3, again.count);
    again.is_full = false;
    status = read_back(other, "grown");
    CHECK_OK(ckpt_status_assert_consumed(status, &error));
    ckpt_status_free(status);
    CHECK_INT(5, again.count);
    for (int i = 0; i < 5; i++) CHECK(again.data[i] == (float)i);
    CHECK_INT(2, again.resizes);
    CHECK_OK(ckpt_graph_was_restored(again_graph, again_variable, &was_restored, &error));
    CHECK(was_restored);

    /* Of the same length it is restored where it is. */
    again.data[0] = -1;
    status = read_back(other, "grown");
    ckpt_status_free(status);
    CHECK(again.data[0] == 0 && again.resizes == 2);

    ckpt_checkpoint_free(checkpoint);
    ckpt_checkpoint_free(other);
    ckpt_graph_free(graph);
    ckpt_graph_free(again_graph);
    free(v.data);
    free(again.data);
}

static void what_is_refused(void) {
    const int64_t any[] = {-1};
    int freed = 0;
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node node = 1;
    vector v = of(1);
    const struct {
        ckpt_locate_callback locate;
        ckpt_resize_callback resize;
        ckpt_dtype dtype;
        ckpt_reason reason;
    } refused[] = {{NULL, resize, CKPT_DTYPE_FLOAT, CKPT_REASON_ARGUMENT},
                   {locate, NULL, CKPT_DTYPE_FLOAT, CKPT_REASON_ARGUMENT},
                   {locate, resize, CKPT_DTYPE_STRING, CKPT_REASON_DTYPE}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        CHECK_INT(CKPT_CODE_INVALID_ARGUMENT,
                  ckpt_graph_add_resizable(graph, refused[i].dtype, any, 1, refused[i].locate, refused[i].resize, resized, &freed,
                                           count_free, NULL, &node, &error));
        CHECK_INT(refused[i].reason, ckpt_error_reason(error));
        CHECK_INT(0, node);
        CHECK_INT(i + 1, freed);
        ckpt_error_free(error);
        error = NULL;
    }
    ckpt_graph_free(graph);
    free(v.data);
}

int main(void) {
    make_directory();
    a_vector_that_grows();
    what_is_refused();
    remove_directory();
    return check_report();
}
