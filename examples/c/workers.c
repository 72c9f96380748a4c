/* A server that forks its workers: they read with the reader that they inherit, while their parent trains and saves.
 *
 *     workers-checkpoint DIRECTORY
 *     cc workers.c -lcheckpoint -o workers-checkpoint
 *
 * The parent saves a checkpoint, pins and opens it, and forks four workers. Each reads the value with the inherited reader, finds
 * that the inherited manager saves for its parent alone, and frees both. Meanwhile the parent goes on saving.
 */
#include <checkpoint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4 };

static const char key[] = "x/.ATTRIBUTES/VARIABLE_VALUE";

/* Ends the program when a call failed. */
static void must(ckpt_code code, ckpt_error *error) {
    if (code == CKPT_CODE_OK) return;
    fprintf(stderr, "workers-checkpoint: %s\n", ckpt_error_message(error));
    exit(1);
}

static ckpt_checkpoint *make_checkpoint(float *x) {
    ckpt_error *error = NULL;
    ckpt_node root = 0, variable = 0;
    ckpt_checkpoint *checkpoint = NULL;
    ckpt_graph *graph = ckpt_graph_new();
    must(ckpt_graph_add_object(graph, NULL, &root, &error), error);
    must(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, NULL, 0, x, sizeof *x, NULL, NULL, NULL, &variable, &error), error);
    must(ckpt_graph_track(graph, root, "x", 1, variable, &error), error);
    must(ckpt_checkpoint_new(graph, root, &checkpoint, &error), error);
    ckpt_graph_free(graph);
    return checkpoint;
}

/* What a worker does; its exit code. */
static int work(ckpt_reader *reader, ckpt_manager *manager) {
    ckpt_error *error = NULL;
    const ckpt_tensor *tensor = NULL;
    float value = 0;
    must(ckpt_reader_find(reader, key, strlen(key), &tensor, &error), error);
    must(ckpt_reader_read(reader, tensor, NULL, &value, sizeof value, &error), error);
    /* Handles that save are of no use here, and say so; a worker that wants to save opens a manager of its own. */
    ckpt_code code = ckpt_manager_save(manager, NULL, NULL, &error);
    int as_it_should_be = value == 1 && code == CKPT_CODE_FAILED_PRECONDITION && ckpt_error_reason(error) == CKPT_REASON_FORKED;
    ckpt_error_free(error);
    ckpt_manager_free(manager); /* harmless: the lock stays with the parent */
    ckpt_reader_free(reader);
    return as_it_should_be ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: workers-checkpoint DIRECTORY\n");
        return 2;
    }
    float x = 1;
    ckpt_error *error = NULL;
    ckpt_manager *manager = NULL;
    ckpt_manager_options *options = ckpt_manager_options_new();
    ckpt_reader *reader = NULL;
    ckpt_pin *pin = NULL;
    ckpt_checkpoint *checkpoint = make_checkpoint(&x);
    must(ckpt_manager_options_set_max_to_keep(options, 2, &error), error);
    must(ckpt_manager_open(checkpoint, argv[1], options, &manager, &error), error);
    ckpt_manager_options_free(options);
    must(ckpt_manager_save(manager, NULL, NULL, &error), error);
    must(ckpt_pin_latest(argv[1], NULL, &pin, &error), error); /* retention leaves it alone until the pin is freed */
    char pinned[4096];
    ckpt_bytes prefix = ckpt_pin_prefix(pin); /* without a NUL at its end */
    snprintf(pinned, sizeof pinned, "%.*s", (int)prefix.len, (const char *)prefix.data);
    must(ckpt_reader_open(pinned, NULL, &reader, &error), error);

    for (int i = 0; i < WORKERS; i++) {
        if (fork() == 0) _exit(work(reader, manager));
    }
    for (int i = 0; i < 20; i++) {
        x += 1;
        must(ckpt_manager_save(manager, NULL, NULL, &error), error); /* removes older ones, but not what is pinned */
    }
    int failed = 0;
    for (int i = 0; i < WORKERS; i++) {
        int status = 0;
        failed += wait(&status) == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    printf("%d workers, %d failed\n", WORKERS, failed);
    ckpt_pin_free(pin);
    ckpt_reader_free(reader);
    ckpt_manager_free(manager);
    ckpt_checkpoint_free(checkpoint);
    return failed == 0 ? 0 : 1;
}
