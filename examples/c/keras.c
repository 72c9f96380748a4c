/* A net that Keras has trained, in C: its weights by their names, and what it answers.
 *
 *     keras-checkpoint PATH [SUBTREE]
 *     cc keras.c -lcheckpoint -lm -o keras-checkpoint
 *
 * The net is this one, saved by `model.save_weights`, by `tf.train.Checkpoint` or as a SavedModel:
 *
 *     model = tf_keras.Sequential([Conv2D(3, 2, input_shape=(4, 4, 1)), BatchNormalization(), Flatten(), Dense(2)])
 *
 * Of `tf.train.Checkpoint(model=model)` it is the subtree `model`. docs/keras.md has the names for other nets and ways to save
 * them.
 */
#include <checkpoint.h>
#include <math.h>
#include <stdio.h>

/* [keras net] */
struct net {
    float conv_kernel[2][2][3], conv_bias[3]; /* rows, columns, filters; of one channel */
    float gamma[3], beta[3], moving_mean[3], moving_variance[3];
    float head_kernel[27][2], head_bias[2];
};

/* Reads the variable of a layer. One of another size or dtype is an error, and so is one that is not there. */
static ckpt_code read_variable(const ckpt_reader *reader, const char *subtree, const char *path, void *values, size_t size,
                               ckpt_error **error) {
    char name[256];
    const ckpt_tensor *tensor = NULL;
    ckpt_read_options *options = ckpt_read_options_new();
    snprintf(name, sizeof name, "%s%s%s", subtree, *subtree != 0 ? "/" : "", path);
    ckpt_code code = ckpt_reader_find(reader, name, CKPT_NUL, &tensor, error);
    if (!code) code = ckpt_read_options_set_dtype(options, CKPT_DTYPE_FLOAT, error);
    if (!code) code = ckpt_reader_read(reader, tensor, options, values, size, error);
    ckpt_read_options_free(options);
    return code;
}

static ckpt_code load(const char *path, const char *subtree, struct net *net, ckpt_error **error) {
    const struct {
        const char *path;
        void *values;
        size_t size;
    } variables[] = {
        {"layer_with_weights-0/kernel", net->conv_kernel, sizeof net->conv_kernel},
        {"layer_with_weights-0/bias", net->conv_bias, sizeof net->conv_bias},
        {"layer_with_weights-1/gamma", net->gamma, sizeof net->gamma},
        {"layer_with_weights-1/beta", net->beta, sizeof net->beta},
        {"layer_with_weights-1/moving_mean", net->moving_mean, sizeof net->moving_mean},
        {"layer_with_weights-1/moving_variance", net->moving_variance, sizeof net->moving_variance},
        {"layer_with_weights-2/kernel", net->head_kernel, sizeof net->head_kernel},
        {"layer_with_weights-2/bias", net->head_bias, sizeof net->head_bias},
    };
    ckpt_reader *reader = NULL;
    ckpt_code code = ckpt_reader_open(path, NULL, &reader, error);
    for (size_t i = 0; i < sizeof variables / sizeof *variables && !code; i++) {
        code = read_variable(reader, subtree, variables[i].path, variables[i].values, variables[i].size, error);
    }
    ckpt_reader_free(reader);
    return code;
}
/* [end] */

static void forward(const struct net *net, float image[4][4], float output[2]) {
    int element = 0; /* of the flattened layer */
    for (int i = 0; i < 2; i++) output[i] = net->head_bias[i];
    for (int y = 0; y < 3; y++) {
        for (int x = 0; x < 3; x++) {
            for (int filter = 0; filter < 3; filter++) {
                float value = net->conv_bias[filter];
                for (int dy = 0; dy < 2; dy++) {
                    for (int dx = 0; dx < 2; dx++) value += image[y + dy][x + dx] * net->conv_kernel[dy][dx][filter];
                }
                float scale = net->gamma[filter] / sqrtf(net->moving_variance[filter] + 1e-3f); /* Keras' epsilon */
                value = (value - net->moving_mean[filter]) * scale + net->beta[filter];
                for (int i = 0; i < 2; i++) output[i] += value * net->head_kernel[element][i];
                element++;
            }
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: keras-checkpoint PATH [SUBTREE]\n");
        return 2;
    }
    struct net net;
    float image[4][4], output[2];
    ckpt_error *error = NULL;
    if (load(argv[1], argc > 2 ? argv[2] : "", &net, &error) != CKPT_CODE_OK) {
        fprintf(stderr, "keras-checkpoint: %s\n", ckpt_error_message(error));
        ckpt_error_free(error);
        return 1;
    }
    for (int i = 0; i < 16; i++) image[i / 4][i % 4] = (float)i / 16;
    forward(&net, image, output);
    printf("%.2f %.2f\n", (double)output[0], (double)output[1]);
    return 0;
}
