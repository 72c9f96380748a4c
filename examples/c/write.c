/* Writes a checkpoint that TensorFlow reads with tf.train.load_checkpoint(PREFIX), and reads it back.
 *
 *     write-checkpoint PREFIX
 *     cc write.c -lcheckpoint -o write-checkpoint
 */
#include <checkpoint.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 3, COLUMNS = 4 };

/* A model after some training. */
typedef struct model {
    float kernel[ROWS][COLUMNS];
    double rate;
    int64_t step;
} model;

static const char *const labels[] = {"cat", "dog", "h\303\251risson"};

/* Called while the values are written; anything but CKPT_CODE_OK would stop it, and leave what was there before. */
static ckpt_code tell(void *user_data, uint64_t done, uint64_t total) {
    printf("%s%" PRIu64 " of %" PRIu64 " bytes\n", (const char *)user_data, done, total);
    return CKPT_CODE_OK;
}

static ckpt_code add(ckpt_writer *writer, const char *key, ckpt_dtype dtype, const int64_t *shape, size_t rank, const void *data,
                     size_t size, ckpt_error **error) {
    /* Keys are bytes with a length. The data is not copied: it must stay until ckpt_writer_finish has returned. */
    return ckpt_writer_add(writer, key, strlen(key), dtype, shape, rank, data, size, error);
}

static ckpt_code save(const model *model, const char *prefix, ckpt_error **error) {
    static const int64_t kernel_shape[] = {ROWS, COLUMNS}, label_count[] = {3};
    ckpt_bytes words[3];
    for (int i = 0; i < 3; i++) {
        words[i].data = (const uint8_t *)labels[i];
        words[i].len = strlen(labels[i]);
    }

    ckpt_write_options *options = ckpt_write_options_new();
    ckpt_writer *writer = NULL;
    ckpt_code code = ckpt_write_options_set_progress(options, tell, "written: ", NULL, error);
    if (code == CKPT_CODE_OK) code = ckpt_writer_new(prefix, options, &writer, error);
    if (code == CKPT_CODE_OK)
        code = add(writer, "net/kernel", CKPT_DTYPE_FLOAT, kernel_shape, 2, model->kernel, sizeof model->kernel, error);
    if (code == CKPT_CODE_OK) code = add(writer, "rate", CKPT_DTYPE_DOUBLE, NULL, 0, &model->rate, sizeof model->rate, error);
    if (code == CKPT_CODE_OK) code = add(writer, "step", CKPT_DTYPE_INT64, NULL, 0, &model->step, sizeof model->step, error);
    if (code == CKPT_CODE_OK) code = ckpt_writer_add_strings(writer, "labels", 6, label_count, 1, words, 3, error);
    /* Now it is written, synced, and takes its name: whatever happens, there is the old checkpoint or the new one, whole. */
    if (code == CKPT_CODE_OK) code = ckpt_writer_finish(writer, error);
    ckpt_writer_free(writer);
    ckpt_write_options_free(options);
    return code;
}

static ckpt_code get(const ckpt_reader *reader, const char *key, void *value, size_t size, ckpt_error **error) {
    const ckpt_tensor *tensor = NULL;
    ckpt_code code = ckpt_reader_find(reader, key, strlen(key), &tensor, error);
    return code != CKPT_CODE_OK ? code : ckpt_reader_read(reader, tensor, NULL, value, size, error);
}

static ckpt_code load(model *model, const char *prefix, ckpt_error **error) {
    ckpt_reader *reader = NULL;
    ckpt_code code = ckpt_reader_open(prefix, NULL, &reader, error);
    if (code == CKPT_CODE_OK) code = get(reader, "net/kernel", model->kernel, sizeof model->kernel, error);
    if (code == CKPT_CODE_OK) code = get(reader, "rate", &model->rate, sizeof model->rate, error);
    if (code == CKPT_CODE_OK) code = get(reader, "step", &model->step, sizeof model->step, error);
    ckpt_reader_free(reader);
    return code;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s PREFIX\n", argv[0]);
        return 2;
    }

    model trained = {{{0}}, 0.001, 1000}, resumed = {{{0}}, 0, 0};
    for (int i = 0; i < ROWS * COLUMNS; i++) trained.kernel[i / COLUMNS][i % COLUMNS] = (float)i / 8;

    ckpt_error *error = NULL;
    ckpt_code code = save(&trained, argv[1], &error);
    if (code == CKPT_CODE_OK) code = load(&resumed, argv[1], &error);
    if (code == CKPT_CODE_OK) {
        bool same = memcmp(trained.kernel, resumed.kernel, sizeof trained.kernel) == 0 && trained.rate == resumed.rate;
        printf("read back: step %" PRId64 ", %s\n", resumed.step, same ? "the same values" : "OTHER VALUES");
    } else {
        fprintf(stderr, "%s: %s\n", ckpt_code_name(code), ckpt_error_message(error));
    }
    ckpt_error_free(error);
    return code == CKPT_CODE_OK ? 0 : 1;
}
