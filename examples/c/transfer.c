/* Transfer learning: a net takes over the layers of another one, and gets a new head.
 *
 *     transfer-checkpoint BASE DIRECTORY
 *     cc transfer.c -lcheckpoint -o transfer-checkpoint
 *
 * BASE is what Keras saved of Conv2D(3, 2), BatchNormalization(), Flatten(), Dense(2) on images of 4 x 4 (examples/c/keras.c).
 * The new net has five classes, calls its layers otherwise, and keeps the statistics of the normalization as doubles. It says
 * what it takes over, checks that nothing else was left out, and saves itself in DIRECTORY.
 */
#include <checkpoint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The new net. */
static float conv_kernel[2][2][1][3], conv_bias[3], scale[3], beta[3], head_kernel[27][5], head_bias[5];
static double moving_mean[3], moving_variance[3];

/* Ends the program when a call failed. */
static void must(ckpt_code code, ckpt_error *error) {
    if (code == CKPT_CODE_OK) return;
    fprintf(stderr, "transfer-checkpoint: %s\n", ckpt_error_message(error));
    exit(1);
}

static ckpt_node add_object(const ckpt_graph *graph, ckpt_node parent, const char *name) {
    ckpt_error *error = NULL;
    ckpt_node object = 0;
    must(ckpt_graph_add_object(graph, NULL, &object, &error), error);
    must(ckpt_graph_track(graph, parent, name, CKPT_NUL, object, &error), error);
    return object;
}

static ckpt_node add_variable(const ckpt_graph *graph, ckpt_node parent, const char *name, ckpt_dtype dtype, size_t rank,
                              const int64_t *shape, void *values, size_t size) {
    ckpt_error *error = NULL;
    ckpt_node variable = 0;
    must(ckpt_graph_add_borrowed(graph, dtype, shape, rank, values, size, NULL, NULL, NULL, &variable, &error), error);
    must(ckpt_graph_track(graph, parent, name, CKPT_NUL, variable, &error), error);
    return variable;
}

/* The checkpoint of the new net, whose first values are set; and the kernel of its head. */
static ckpt_checkpoint *make_checkpoint(ckpt_graph *graph, ckpt_node *kernel) {
    static const int64_t conv_shape[] = {2, 2, 1, 3}, head_shape[] = {27, 5}, three[] = {3}, five[] = {5};
    ckpt_error *error = NULL;
    ckpt_node root = 0;
    ckpt_checkpoint *checkpoint = NULL;
    must(ckpt_graph_add_object(graph, NULL, &root, &error), error);
    ckpt_node body = add_object(graph, root, "body"), head = add_object(graph, root, "head");
    ckpt_node conv = add_object(graph, body, "conv"), norm = add_object(graph, body, "norm");
    add_variable(graph, conv, "kernel", CKPT_DTYPE_FLOAT, 4, conv_shape, conv_kernel, sizeof conv_kernel);
    add_variable(graph, conv, "bias", CKPT_DTYPE_FLOAT, 1, three, conv_bias, sizeof conv_bias);
    add_variable(graph, norm, "gamma", CKPT_DTYPE_FLOAT, 1, three, scale, sizeof scale);
    add_variable(graph, norm, "beta", CKPT_DTYPE_FLOAT, 1, three, beta, sizeof beta);
    add_variable(graph, norm, "moving_mean", CKPT_DTYPE_DOUBLE, 1, three, moving_mean, sizeof moving_mean);
    add_variable(graph, norm, "moving_variance", CKPT_DTYPE_DOUBLE, 1, three, moving_variance, sizeof moving_variance);
    *kernel = add_variable(graph, head, "kernel", CKPT_DTYPE_FLOAT, 2, head_shape, head_kernel, sizeof head_kernel);
    add_variable(graph, head, "bias", CKPT_DTYPE_FLOAT, 1, five, head_bias, sizeof head_bias);
    for (int i = 0; i < 27 * 5; i++) head_kernel[i / 5][i % 5] = (float)(i * 37 % 101) / 1010 - 0.05f;
    for (int i = 0; i < 3; i++) {
        scale[i] = 1;
        moving_variance[i] = 1;
    }
    must(ckpt_checkpoint_new(graph, root, &checkpoint, &error), error);
    return checkpoint;
}

/* [transfer options] */
static ckpt_restore_options *what_to_take(void) {
    static const char *const renames[][2] = {
        {"layer_with_weights-0", "body/conv"}, {"layer_with_weights-1", "body/norm"}, {"layer_with_weights-2", "head"}};
    static const char *const excluded[] = {"layer_with_weights-2/**", "optimizer/**"}; /* the head stays new */
    ckpt_error *error = NULL;
    ckpt_restore_options *options = ckpt_restore_options_new();
    for (int i = 0; i < 3; i++) {
        must(ckpt_restore_options_add_rename(options, renames[i][0], CKPT_NUL, renames[i][1], CKPT_NUL, &error), error);
    }
    for (int i = 0; i < 2; i++) must(ckpt_restore_options_add_exclude(options, excluded[i], CKPT_NUL, &error), error);
    must(ckpt_restore_options_set_conversion(options, CKPT_CONVERSION_EXACT, &error), error); /* float32 to double */
    return options;
}
/* [end] */

/* Says what would become of every value. */
static void preview(const char *title, const ckpt_checkpoint *checkpoint, const char *base, const ckpt_restore_options *options) {
    ckpt_error *error = NULL;
    ckpt_report *report = NULL;
    must(ckpt_checkpoint_dry_run(checkpoint, base, options, &report, &error), error);
    ckpt_bytes table = ckpt_report_table(report);
    printf("%s\n%.*s\n", title, (int)table.len, (const char *)table.data);
    ckpt_report_free(report);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: transfer-checkpoint BASE DIRECTORY\n");
        return 2;
    }
    const char *base = argv[1];
    char prefix[4096];
    ckpt_error *error = NULL;
    ckpt_status *status = NULL;
    ckpt_string *saved = NULL;
    ckpt_node kernel = 0;
    bool is_old = true;
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_checkpoint *checkpoint = make_checkpoint(graph, &kernel);
    preview("Without options:", checkpoint, base, NULL);
    ckpt_restore_options *options = what_to_take();
    preview("With options:", checkpoint, base, options);

    must(ckpt_checkpoint_read(checkpoint, base, options, &status, &error), error);
    must(ckpt_status_assert_rest_matched(status, &error), error); /* all of the new net but its head has a value of the base */
    ckpt_status_expect_partial(status);
    must(ckpt_graph_was_restored(graph, kernel, &is_old, &error), error);
    if (is_old) abort();
    snprintf(prefix, sizeof prefix, "%s/ckpt", argv[2]);
    must(ckpt_checkpoint_save(checkpoint, prefix, NULL, &saved, &error), error);
    printf("saved as %s\n", ckpt_string_text(saved) + strlen(argv[2]) + 1);
    ckpt_string_free(saved);
    ckpt_status_free(status);
    ckpt_restore_options_free(options);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
    return 0;
}
