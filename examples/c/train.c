/* The training loop of TensorFlow's guide to checkpoints, without TensorFlow: a linear model learns y = 5x + [0, 1, 2, 3, 4].
 *
 *     train-checkpoint DIRECTORY STEPS [DIE]
 *     cc train.c -lcheckpoint -lm -o train-checkpoint
 *
 * Trains until STEPS steps are done and saves after every tenth, as DIRECTORY/ckpt-1, ckpt-2, ..., of which the newest three
 * stay. If the directory has a checkpoint, it goes on from there, with the same bits as if it had never stopped. With DIE it
 * kills itself in that step, as kill -9 would. The checkpoints are those that the guide's program writes
 * (tf.train.Checkpoint(step=, optimizer=, net=, iterator=) with an Adam optimizer that has slots), save for the iterator, whose
 * state is TensorFlow's own: TensorFlow restores the rest of them, and training can go on from the rest of TensorFlow's.
 *
 *     root -- iterator          state: ITERATOR_POSITION, int64, of the next example
 *          -- net -- l1         kernel (float32 [1,5]) and bias (float32 [5])
 *          -- optimizer         iter (int64), beta_1, beta_2, decay, learning_rate (float32), slots m and v of kernel and bias
 *          -- step              int32: steps done
 *          -- save_counter      int64, made by the library
 */
#include <checkpoint.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUTPUTS = 5, EXAMPLES = 10, BATCH = 2, SAVE_EVERY = 10 };

/* A trainable variable with its slots. */
typedef struct parameter {
    float value[OUTPUTS], m[OUTPUTS], v[OUTPUTS];
} parameter;

/* The whole program. The library saves its memory and restores into it, in place. */
typedef struct program {
    parameter kernel, bias;
    int64_t iter; /* updates that Adam has done */
    float beta_1, beta_2, decay, learning_rate;
    int64_t position; /* of the next example */
    int32_t step;
} program;

/* ---------------------------------------------------------------- the graph of the program's objects */

static ckpt_error *error = NULL;

/* Ends the program when a call failed. */
static void must(ckpt_code code) {
    if (code == CKPT_CODE_OK) return;
    fprintf(stderr, "train-checkpoint: %s\n", ckpt_error_message(error));
    exit(1);
}

/* Adds an object as the child `name` of another; 0 for the root's parent. */
static ckpt_node track_object(const ckpt_graph *graph, ckpt_node parent, const char *name) {
    ckpt_node node = 0;
    must(ckpt_graph_add_object(graph, NULL, &node, &error));
    if (parent != 0) must(ckpt_graph_track(graph, parent, name, strlen(name), node, &error));
    return node;
}

/* A variable in the program's memory, which outlives the graph: nobody has to hear when it is released. */
static ckpt_node add_variable(const ckpt_graph *graph, ckpt_dtype dtype, size_t rank, const int64_t *shape, void *data) {
    ckpt_node node = 0;
    size_t size = ckpt_dtype_size(dtype) * (rank == 0 ? 1 : OUTPUTS);
    must(ckpt_graph_add_borrowed(graph, dtype, shape, rank, data, size, NULL, NULL, NULL, &node, &error));
    return node;
}

static void track_scalar(const ckpt_graph *graph, ckpt_node parent, const char *name, ckpt_dtype dtype, void *data) {
    must(ckpt_graph_track(graph, parent, name, strlen(name), add_variable(graph, dtype, 0, NULL, data), &error));
}

/* A parameter, with its slots. */
static void track_parameter(const ckpt_graph *graph, ckpt_node parent, const char *name, ckpt_node optimizer, parameter *p,
                            size_t rank, const int64_t *shape) {
    ckpt_node variable = add_variable(graph, CKPT_DTYPE_FLOAT, rank, shape, p->value);
    ckpt_node m = add_variable(graph, CKPT_DTYPE_FLOAT, rank, shape, p->m),
              v = add_variable(graph, CKPT_DTYPE_FLOAT, rank, shape, p->v);
    must(ckpt_graph_set_slot(graph, optimizer, variable, "m", 1, m, &error));
    must(ckpt_graph_set_slot(graph, optimizer, variable, "v", 1, v, &error));
    must(ckpt_graph_track(graph, parent, name, strlen(name), variable, &error));
}

/* The iterator's state is more than a variable: it says itself how it is saved and restored. */
static ckpt_code save_iterator(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    const program *program = user_data;
    (void)failure;
    return ckpt_sink_put(sink, "_POSITION", 9, CKPT_DTYPE_INT64, NULL, 0, &program->position, sizeof program->position, NULL);
}

static ckpt_code restore_iterator(void *user_data, const ckpt_source *source, ckpt_failure *failure) {
    static const char text[] = "the position is no int64";
    program *program = user_data;
    const ckpt_source_tensor *position = ckpt_source_find(source, "_POSITION", 9);
    if (position == NULL) return CKPT_CODE_OK; /* TensorFlow's ITERATOR_STATE, which is its own: begin with the first example */
    ckpt_bytes bytes = ckpt_source_tensor_bytes(position);
    if (ckpt_source_tensor_dtype(position) != CKPT_DTYPE_INT64 || bytes.len != sizeof program->position) {
        ckpt_failure_set(failure, text, sizeof text - 1);
        return CKPT_CODE_INVALID_ARGUMENT;
    }
    memcpy(&program->position, bytes.data, bytes.len);
    return CKPT_CODE_OK;
}

/* The objects that a checkpoint has, by the names of TensorFlow's program. */
static ckpt_checkpoint *make_checkpoint(program *program) {
    static const int64_t shape[] = {1, OUTPUTS};
    ckpt_checkpoint *checkpoint = NULL;
    ckpt_node iterator = 0, optimizer = 0;
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node_options *options = ckpt_node_options_new();
    must(ckpt_node_options_set_legacy_name(options, "ITERATOR", 8, &error)); /* what TensorFlow calls the state of one */
    must(ckpt_graph_add_state(graph, save_iterator, restore_iterator, program, NULL, options, &iterator, &error));
    must(ckpt_graph_add_slot_owner(graph, NULL, NULL, NULL, NULL, &optimizer, &error));
    ckpt_node root = track_object(graph, 0, NULL);
    must(ckpt_graph_track(graph, root, "iterator", 8, iterator, &error));
    ckpt_node l1 = track_object(graph, track_object(graph, root, "net"), "l1");
    must(ckpt_graph_track(graph, root, "optimizer", 9, optimizer, &error));
    track_scalar(graph, root, "step", CKPT_DTYPE_INT32, &program->step);
    track_parameter(graph, l1, "kernel", optimizer, &program->kernel, 2, shape);
    track_parameter(graph, l1, "bias", optimizer, &program->bias, 1, shape + 1);
    track_scalar(graph, optimizer, "iter", CKPT_DTYPE_INT64, &program->iter);
    track_scalar(graph, optimizer, "beta_1", CKPT_DTYPE_FLOAT, &program->beta_1);
    track_scalar(graph, optimizer, "beta_2", CKPT_DTYPE_FLOAT, &program->beta_2);
    track_scalar(graph, optimizer, "decay", CKPT_DTYPE_FLOAT, &program->decay);
    track_scalar(graph, optimizer, "learning_rate", CKPT_DTYPE_FLOAT, &program->learning_rate);
    must(ckpt_checkpoint_new(graph, root, &checkpoint, &error));
    ckpt_node_options_free(options);
    ckpt_graph_free(graph); /* the checkpoint keeps what it needs */
    return checkpoint;
}

/* ---------------------------------------------------------------- training */

/* Everything is computed in float, in the order that is written here: so the same bits come out wherever it is done again. */
static float power(float base, int64_t exponent) {
    float product = 1;
    for (int64_t i = 0; i < exponent; i++) product = product * base;
    return product;
}

/* One update of Adam, with TensorFlow's formula. */
static void update(const program *program, parameter *p, const float *gradient) {
    float correction = sqrtf(1 - power(program->beta_2, program->iter)) / (1 - power(program->beta_1, program->iter));
    float rate = program->learning_rate * correction;
    for (int j = 0; j < OUTPUTS; j++) {
        p->m[j] = program->beta_1 * p->m[j] + (1 - program->beta_1) * gradient[j];
        p->v[j] = program->beta_2 * p->v[j] + (1 - program->beta_2) * (gradient[j] * gradient[j]);
        p->value[j] = p->value[j] - rate * p->m[j] / (sqrtf(p->v[j]) + 1e-7f);
    }
}

/* One step with the next batch; the loss is the mean of |output - label|. */
static float train_step(program *program) {
    float loss = 0, kernel_gradient[OUTPUTS] = {0}, bias_gradient[OUTPUTS] = {0};
    for (int i = 0; i < BATCH; i++) {
        float x = (float)program->position;
        for (int j = 0; j < OUTPUTS; j++) {
            float difference = x * program->kernel.value[j] + program->bias.value[j] - (x * 5 + (float)j);
            float sign = (float)((difference > 0) - (difference < 0));
            loss = loss + fabsf(difference);
            kernel_gradient[j] = kernel_gradient[j] + sign * x;
            bias_gradient[j] = bias_gradient[j] + sign;
        }
        program->position = (program->position + 1) % EXAMPLES;
    }
    for (int j = 0; j < OUTPUTS; j++) {
        kernel_gradient[j] = kernel_gradient[j] / (BATCH * OUTPUTS);
        bias_gradient[j] = bias_gradient[j] / (BATCH * OUTPUTS);
    }
    program->iter++;
    update(program, &program->kernel, kernel_gradient);
    update(program, &program->bias, bias_gradient);
    program->step++;
    return loss / (BATCH * OUTPUTS);
}

static void print_bits(const char *name, const float *values) {
    printf("%s", name);
    for (int j = 0; j < OUTPUTS; j++) printf(" %a", values[j]);
    printf("\n");
}

int main(int argc, char **argv) {
    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: train-checkpoint DIRECTORY STEPS [DIE]\n");
        return 2;
    }
    int32_t steps = atoi(argv[2]), die = argc > 3 ? atoi(argv[3]) : -1;
    program program = {{{0}, {0}, {0}}, {{0}, {0}, {0}}, 0, 0.9f, 0.999f, 0, 0.1f, 0, 0};
    for (int j = 0; j < OUTPUTS; j++) program.kernel.value[j] = 0.25f * (float)(j - 2); /* "random", the same each time */

    ckpt_manager *manager = NULL;
    ckpt_string *path = NULL;
    ckpt_status *status = NULL;
    ckpt_checkpoint *checkpoint = make_checkpoint(&program);
    ckpt_manager_options *options = ckpt_manager_options_new();
    must(ckpt_manager_options_set_max_to_keep(options, 3, &error)); /* the newest three stay */
    must(ckpt_manager_open(checkpoint, argv[1], options, &manager, &error));
    must(ckpt_manager_restore_or_initialize(manager, NULL, &path, &status, &error));
    if (status != NULL) {
        must(ckpt_status_assert_existing_objects_matched(status, &error));
        ckpt_bytes text = ckpt_string_bytes(path);
        printf("from step %" PRId32 " of %.*s\n", program.step, (int)text.len, (const char *)text.data);
    } else {
        printf("from the beginning\n");
    }
    while (program.step < steps) {
        float loss = train_step(&program);
        if (program.step == die) raise(SIGKILL);
        if (program.step % SAVE_EVERY == 0) {
            /* Now the checkpoint is on disk. Should the machine die before, the one before it is still the latest. */
            must(ckpt_manager_save(manager, NULL, NULL, &error));
            printf("step %" PRId32 ": loss %.2f, saved\n", program.step, loss);
            fflush(stdout);
        }
    }
    print_bits("kernel", program.kernel.value);
    print_bits("bias", program.bias.value);
    ckpt_status_free(status);
    ckpt_string_free(path);
    ckpt_manager_options_free(options);
    ckpt_manager_free(manager);
    ckpt_checkpoint_free(checkpoint);
    return 0;
}
