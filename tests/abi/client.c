/* An old program: compiled against the header of a baseline, linked against the symbols of a baseline, run with a newer library.
 * It lives as long as the baseline does: baseline.sh keeps a copy beside the header.
 *
 *     client DIRECTORY
 */
#include <checkpoint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ckpt_error *error;

static void expect(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "old client: %s: %s\n", what, ckpt_error_message(error));
    exit(1);
}

#define EXPECT(condition) expect(condition, #condition)

static const char *in(const char *directory, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

/* Writes a tensor with options, and reads it back. */
static void write_and_read(const char *directory) {
    const float written[] = {1, 2, 3};
    const int64_t shape[] = {3};
    float found[3];
    ckpt_write_options *options = ckpt_write_options_new();
    ckpt_writer *writer;
    EXPECT(!ckpt_write_options_set_shards(options, 2, &error));
    EXPECT(!ckpt_writer_new(in(directory, "named"), options, &writer, &error));
    EXPECT(!ckpt_writer_add(writer, "w", 1, CKPT_DTYPE_FLOAT, shape, 1, written, sizeof written, &error));
    EXPECT(!ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
    ckpt_write_options_free(options);

    ckpt_reader *reader;
    const ckpt_tensor *tensor;
    EXPECT(!ckpt_reader_open(in(directory, "named"), NULL, &reader, &error));
    EXPECT(!ckpt_reader_find(reader, "w", 1, &tensor, &error));
    ckpt_bytes key = ckpt_tensor_key(tensor);
    EXPECT(key.len == 1 && memcmp(key.data, "w", 1) == 0);
    EXPECT(ckpt_tensor_dtype(tensor) == CKPT_DTYPE_FLOAT);
    EXPECT(!ckpt_reader_read(reader, tensor, NULL, found, sizeof found, &error));
    EXPECT(memcmp(found, written, sizeof found) == 0);
    ckpt_reader_free(reader);
}

static ckpt_checkpoint *program(float *value) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root, variable;
    ckpt_checkpoint *checkpoint;
    EXPECT(!ckpt_graph_add_object(graph, NULL, &root, &error));
    EXPECT(!ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, NULL, 0, value, sizeof *value, NULL, NULL, NULL, &variable, &error));
    EXPECT(!ckpt_graph_track(graph, root, "value", 5, variable, &error));
    EXPECT(!ckpt_checkpoint_new(graph, root, &checkpoint, &error));
    ckpt_graph_free(graph);
    return checkpoint;
}

/* Saves a program under a manager, and restores it into another. */
static void save_and_restore(const char *directory) {
    float trained = 0.5f, fresh = 0;
    ckpt_checkpoint *checkpoint = program(&trained);
    ckpt_manager *manager;
    ckpt_string *path;
    EXPECT(!ckpt_manager_open(checkpoint, in(directory, "run"), NULL, &manager, &error));
    EXPECT(!ckpt_manager_save(manager, NULL, &path, &error));
    ckpt_manager_free(manager);
    ckpt_checkpoint_free(checkpoint);

    ckpt_status *status;
    checkpoint = program(&fresh);
    EXPECT(!ckpt_checkpoint_restore(checkpoint, (const char *)ckpt_string_bytes(path).data, NULL, &status, &error));
    EXPECT(!ckpt_status_assert_consumed(status, &error));
    EXPECT(fresh == trained);
    ckpt_status_free(status);
    ckpt_string_free(path);
    ckpt_checkpoint_free(checkpoint);
}

static void fail(const char *directory) {
    ckpt_reader *reader;
    EXPECT(ckpt_reader_open(in(directory, "missing"), NULL, &reader, &error) == CKPT_CODE_NOT_FOUND);
    EXPECT(reader == NULL && ckpt_error_code(error) == CKPT_CODE_NOT_FOUND);
    EXPECT(strcmp(ckpt_code_name(CKPT_CODE_NOT_FOUND), "NOT_FOUND") == 0);
    ckpt_error_free(error);
    error = NULL;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    write_and_read(argv[1]);
    save_and_restore(argv[1]);
    fail(argv[1]);
    EXPECT(ckpt_live_handles() == 0);
    return 0;
}
