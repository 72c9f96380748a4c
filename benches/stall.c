/* The clock of the benchmark of saving in the background: how long the program stands still. Each turn copies all values with
 * memcpy(3), then starts a save of them, or the other way round in every second turn, and prints a line, in seconds.
 * benches/run.py starts it. */
#define _GNU_SOURCE
#include <pthread.h>

#include "written.h"

/* What one thread copies. */
typedef struct part {
    pthread_t thread;
    char *to;
    const char *from;
    size_t size;
} part;

static void *copy_part(void *argument) {
    const part *part = argument;
    memcpy(part->to, part->from, part->size);
    return NULL;
}

enum { MOST_THREADS = 64 };

/* Into memory that has been touched, each thread as much as the others. */
static double copy(char *to, const char *from, size_t size, size_t threads) {
    part parts[MOST_THREADS];
    double start = now();
    for (size_t i = 0; i < threads; i++) {
        size_t first = size / threads * i, end = i + 1 == threads ? size : size / threads * (i + 1);
        parts[i] = (part){.to = to + first, .from = from + first, .size = end - first};
        if (i > 0) must_be(pthread_create(&parts[i].thread, NULL, copy_part, &parts[i]) == 0, "thread");
    }
    copy_part(&parts[0]);
    for (size_t i = 1; i < threads; i++) pthread_join(parts[i].thread, NULL);
    return now() - start;
}

/* A root with so many variables, whose values lie one after the other in memory. */
static ckpt_checkpoint *make_program(char *memory, size_t count, size_t size) {
    const int64_t shape = (int64_t)(size / sizeof(float));
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_checkpoint *checkpoint;
    ckpt_node root, variable;
    must(ckpt_graph_add_object(graph, NULL, &root, &error), "object");
    for (size_t i = 0; i < count; i++) {
        char name[32];
        int len = snprintf(name, sizeof name, "variable%zu", i);
        must(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, &shape, 1, memory + i * size, size, NULL, NULL, NULL, &variable,
                                     &error),
             "variable");
        must(ckpt_graph_track(graph, root, name, (size_t)len, variable, &error), name);
    }
    must(ckpt_checkpoint_new(graph, root, &checkpoint, &error), "checkpoint");
    ckpt_graph_free(graph);
    return checkpoint;
}

/* From before the call until it returns; what is written in the background is waited for off the clock. */
static double stall(const ckpt_checkpoint *checkpoint, uint32_t threads) {
    char prefix[4096];
    snprintf(prefix, sizeof prefix, "%s/ckpt", directory_path);
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *options = ckpt_save_options_new();
    must(ckpt_write_options_set_durability(write, CKPT_DURABILITY_NONE, &error), "durability");
    must(ckpt_write_options_set_threads(write, threads, &error), "threads");
    must(ckpt_save_options_set_write_options(options, write, &error), "options");
    ckpt_pending *pending = NULL;
    double start = now();
    must(ckpt_checkpoint_save_async(checkpoint, prefix, options, &pending, &error), "save");
    double seconds = now() - start;
    must(ckpt_pending_wait(pending, NULL, &error), "wait");
    ckpt_pending_free(pending);
    ckpt_save_options_free(options);
    ckpt_write_options_free(write);
    return seconds;
}

/* stall TURNS DIR COUNT SIZE THREADS */
int main(int count, char **arguments) {
    if (count != 6 || strtoul(arguments[5], NULL, 10) - 1 >= MOST_THREADS) {
        fprintf(stderr, "usage: stall TURNS DIR COUNT SIZE THREADS; see benches/run.py\n");
        return 2;
    }
    use_directory(arguments[2]);
    size_t variables = strtoul(arguments[3], NULL, 10), size = strtoul(arguments[4], NULL, 10),
           threads = strtoul(arguments[5], NULL, 10);
    char *memory = memory_of(variables * size, 0), *copied = memory_of(variables * size, 0);
    ckpt_checkpoint *checkpoint = make_program(memory, variables, size);
    clean();
    for (int turn = -1; turn < atoi(arguments[1]); turn++) { /* the first touches the memory of the library's copy */
        double raw = 0;
        if (turn % 2 == 0) raw = copy(copied, memory, variables * size, threads);
        double ours = stall(checkpoint, (uint32_t)threads);
        clean();
        if (turn % 2 != 0) raw = copy(copied, memory, variables * size, threads);
        if (turn >= 0) printf("%.9f %.9f\n", raw, ours);
    }
    ckpt_checkpoint_free(checkpoint);
    return 0;
}
