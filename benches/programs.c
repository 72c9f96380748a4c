/* The clock of the benchmarks of saving and restoring programs: each command compares by turns, in this one process and one
 * directory, and prints a line for each turn, in seconds. benches/run.py starts it. */
#define _GNU_SOURCE
#include <malloc.h>

#include "written.h"

enum { CHILDREN = 100 };

/* A program: a root with objects, of which each has a hundred variables. Their values lie one after the other in memory. */
typedef struct program {
    size_t size; /* of all values */
    char *memory;
    ckpt_checkpoint *checkpoint;
} program;

static ckpt_node new_object(const ckpt_graph *graph) {
    ckpt_node node = 0;
    must(ckpt_graph_add_object(graph, NULL, &node, &error), "object");
    return node;
}

static void track(const ckpt_graph *graph, ckpt_node parent, const char *kind, size_t number, ckpt_node child) {
    char name[32];
    int len = snprintf(name, sizeof name, "%s%zu", kind, number);
    must(ckpt_graph_track(graph, parent, name, (size_t)len, child, &error), name);
}

/* One of `nodes` nodes, most of them variables of `size` bytes. */
static program make_program(size_t nodes, size_t size) {
    const size_t objects = (nodes - 1 + CHILDREN) / (CHILDREN + 1), variables = nodes - objects - 1;
    const int64_t shape = (int64_t)(size / sizeof(float));
    program made = {.size = variables * size, .memory = memory_of(variables * size, 0)};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = new_object(graph), object = 0;
    for (size_t i = 0; i < variables; i++) {
        ckpt_node variable = 0;
        char *value = made.memory + i * size;
        if (i % CHILDREN == 0) {
            object = new_object(graph);
            track(graph, root, "object", i / CHILDREN, object);
        }
        must(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, &shape, 1, value, size, NULL, NULL, NULL, &variable, &error),
             "variable");
        track(graph, object, "variable", i % CHILDREN, variable);
    }
    must(ckpt_checkpoint_new(graph, root, &made.checkpoint, &error), "checkpoint");
    ckpt_graph_free(graph);
    return made;
}

/* Saves, and gives the path, to be freed by the caller. */
static double save(const program *program, ckpt_string **path) {
    char prefix[4096];
    snprintf(prefix, sizeof prefix, "%s/ckpt", directory_path);
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *options = ckpt_save_options_new();
    must(ckpt_write_options_set_durability(write, CKPT_DURABILITY_NONE, &error), "durability");
    must(ckpt_save_options_set_write_options(options, write, &error), "options");
    double start = now();
    must(ckpt_checkpoint_save(program->checkpoint, prefix, options, path, &error), "save");
    double seconds = now() - start;
    ckpt_save_options_free(options);
    ckpt_write_options_free(write);
    return seconds;
}

/* Restores, and fails unless every value comes back that `forget` has overwritten. */
static double restore(const program *program, const ckpt_string *path) {
    char name[4096];
    ckpt_bytes bytes = ckpt_string_bytes(path);
    snprintf(name, sizeof name, "%.*s", (int)bytes.len, (const char *)bytes.data);
    ckpt_status *status = NULL;
    double start = now();
    must(ckpt_checkpoint_restore(program->checkpoint, name, NULL, &status, &error), name);
    double seconds = now() - start;
    must(ckpt_status_assert_consumed(status, &error), "assert_consumed");
    ckpt_status_free(status);
    return seconds;
}

static uint64_t sum_of(const program *program) {
    uint64_t sum = 0, word;
    for (size_t at = 0; at + sizeof word <= program->size; at += sizeof word) {
        memcpy(&word, program->memory + at, sizeof word);
        sum = sum * 6364136223846793005u + word;
    }
    return sum;
}

static double read_raw(const program *program) {
    double start = now();
    int fd = openat(directory, "raw", O_RDONLY | O_CLOEXEC);
    must_be(fd >= 0, "raw");
    for (size_t at = 0; at < program->size;) {
        size_t left = program->size - at;
        ssize_t got = read(fd, program->memory + at, left < RAW_CHUNK ? left : RAW_CHUNK);
        must_be(got > 0, "read");
        at += (size_t)got;
    }
    close(fd);
    return now() - start;
}

/* Saves and restores once, and cleans up. */
static void save_and_restore(const program *program, double *saving, double *restoring) {
    ckpt_string *path = NULL;
    uint64_t sum = sum_of(program);
    *saving += save(program, &path);
    memset(program->memory, 1, program->size);
    *restoring += restore(program, path);
    must_be(sum_of(program) == sum, "what was restored is not what was saved");
    ckpt_string_free(path);
    clean();
}

/* raw TURNS ROUNDS DIR NODES SIZE: a program's values by raw write(2) and read(2), then its save and restore, or the other way
 * round in every second turn; a turn sums so many rounds. Prints raw write, save, raw read, restore. */
static void against_raw(char **arguments) {
    int turns = atoi(arguments[0]), rounds = atoi(arguments[1]);
    use_directory(arguments[2]);
    program program = make_program(strtoul(arguments[3], NULL, 10), strtoul(arguments[4], NULL, 10));
    for (int turn = -1; turn < turns; turn++) { /* the first warms up */
        double written = 0, saved = 0, read = 0, restored = 0;
        for (int round = 0; round < rounds; round++) {
            for (int half = 0; half < 2; half++) {
                if ((turn + half) % 2 == 0) {
                    save_and_restore(&program, &saved, &restored);
                } else {
                    written += write_raw(program.memory, program.size, false);
                    read += read_raw(&program);
                    clean();
                }
            }
        }
        if (turn >= 0) printf("%.9f %.9f %.9f %.9f\n", written / rounds, saved / rounds, read / rounds, restored / rounds);
    }
}

/* scale TURNS DIR FEW MANY AGAIN: programs of so many nodes, with variables of 16 bytes. Prints save of few and of many, restore
 * of few and of many. Unless AGAIN, large blocks of memory go back to the system when they are freed, and each save or restore
 * finds memory as the first one of a process does; if so, the small one finds what the one before it has left in the heap. */
static void scale(char **arguments) {
    if (strcmp(arguments[4], "0") == 0) must_be(mallopt(M_TRIM_THRESHOLD, 128 << 10) == 1, "mallopt");
    use_directory(arguments[1]);
    program few = make_program(strtoul(arguments[2], NULL, 10), 16), many = make_program(strtoul(arguments[3], NULL, 10), 16);
    for (int turn = -1; turn < atoi(arguments[0]); turn++) { /* the first warms up */
        double saved[2] = {0}, restored[2] = {0};
        save_and_restore(&few, &saved[0], &restored[0]);
        save_and_restore(&many, &saved[1], &restored[1]);
        if (turn >= 0) printf("%.9f %.9f %.9f %.9f\n", saved[0], saved[1], restored[0], restored[1]);
    }
}

/* All values by ckpt_reader_read_many, with the reader open, into the program's memory. */
static double read_many(const program *program, const ckpt_string *path, size_t size) {
    char name[4096];
    ckpt_bytes bytes = ckpt_string_bytes(path);
    snprintf(name, sizeof name, "%.*s", (int)bytes.len, (const char *)bytes.data);
    ckpt_reader *reader = NULL;
    must(ckpt_reader_open(name, NULL, &reader, &error), name);
    const size_t count = program->size / size;
    const ckpt_tensor **tensors = calloc(count, sizeof *tensors);
    void **buffers = calloc(count, sizeof *buffers);
    size_t *sizes = calloc(count, sizeof *sizes), found = 0;
    must_be(tensors && buffers && sizes, "memory");
    for (size_t i = 0; i < ckpt_reader_count(reader); i++) {
        const ckpt_tensor *tensor = ckpt_reader_tensor(reader, i);
        if (ckpt_tensor_dtype(tensor) != CKPT_DTYPE_FLOAT) continue; /* the save counter, the object graph */
        must_be(found < count && (size_t)ckpt_tensor_byte_size(tensor) == size, "a tensor that the program does not have");
        tensors[found] = tensor;
        buffers[found] = program->memory + found * size;
        sizes[found++] = size;
    }
    double start = now();
    must(ckpt_reader_read_many(reader, tensors, found, NULL, buffers, sizes, &error), "read");
    double seconds = now() - start;
    ckpt_reader_free(reader);
    free(tensors);
    free(buffers);
    free(sizes);
    return seconds;
}

/* large TURNS DIR NODES SIZE: saves once; then reads the tensors with the reader, and restores. */
static void large(char **arguments) {
    use_directory(arguments[1]);
    const size_t size = strtoul(arguments[3], NULL, 10);
    program program = make_program(strtoul(arguments[2], NULL, 10), size);
    ckpt_string *path = NULL;
    uint64_t sum = sum_of(&program);
    save(&program, &path);
    must_be(syncfs(directory) == 0, "syncfs");
    for (int turn = -1; turn < atoi(arguments[0]); turn++) { /* the first warms up */
        double read = read_many(&program, path, size);
        memset(program.memory, 1, program.size);
        double restored = restore(&program, path);
        must_be(sum_of(&program) == sum, "what was restored is not what was saved");
        if (turn >= 0) printf("%.9f %.9f\n", read, restored);
    }
    ckpt_string_free(path);
    clean();
}

/* A root with `count` variables of `elements` elements each, one after the other in memory. */
static ckpt_checkpoint *flat_program(ckpt_dtype dtype, size_t count, size_t elements, char *memory) {
    const int64_t shape = (int64_t)elements;
    const size_t size = elements * ckpt_dtype_size(dtype);
    ckpt_checkpoint *made = NULL;
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = new_object(graph), variable = 0;
    for (size_t i = 0; i < count; i++) {
        must(ckpt_graph_add_borrowed(graph, dtype, &shape, 1, memory + i * size, size, NULL, NULL, NULL, &variable, &error),
             "variable");
        track(graph, root, "variable", i, variable);
    }
    must(ckpt_checkpoint_new(graph, root, &made, &error), "checkpoint");
    ckpt_graph_free(graph);
    return made;
}

static void write_flat(const ckpt_checkpoint *checkpoint, const char *name, ckpt_string **path) {
    char prefix[4096];
    snprintf(prefix, sizeof prefix, "%s/%s", directory_path, name);
    must(ckpt_checkpoint_write(checkpoint, prefix, NULL, path, &error), name);
}

static double read_flat(const ckpt_checkpoint *checkpoint, const ckpt_string *path, const ckpt_restore_options *options) {
    char name[4096];
    ckpt_bytes bytes = ckpt_string_bytes(path);
    snprintf(name, sizeof name, "%.*s", (int)bytes.len, (const char *)bytes.data);
    ckpt_status *status = NULL;
    double start = now();
    must(ckpt_checkpoint_read(checkpoint, name, options, &status, &error), name);
    double seconds = now() - start;
    must(ckpt_status_assert_consumed(status, &error), "assert_consumed");
    ckpt_status_free(status);
    return seconds;
}

/* converted TURNS DIR COUNT ELEMENTS: so many variables of float32 with so many elements, restored from a checkpoint of float32
 * and, in the other order in every second turn, from one of bfloat16 with the same values. Prints the two, and the growth of
 * memory in the second. */
static void converted(char **arguments) {
    use_directory(arguments[1]);
    const size_t count = strtoul(arguments[2], NULL, 10), elements = strtoul(arguments[3], NULL, 10), all = count * elements;
    char *memory = memory_of(all * sizeof(float), 0);
    ckpt_string *floats = NULL, *bfloats = NULL;
    uint16_t *halves = (uint16_t *)memory;
    for (size_t i = 0; i < all; i++) halves[i] = (uint16_t)(0x3f80 + i % 0x100);
    ckpt_checkpoint *small = flat_program(CKPT_DTYPE_BFLOAT16, count, elements, memory);
    write_flat(small, "bfloat16", &bfloats);
    ckpt_checkpoint_free(small);
    ckpt_checkpoint *program = flat_program(CKPT_DTYPE_FLOAT, count, elements, memory);
    ckpt_restore_options *options = ckpt_restore_options_new();
    must(ckpt_restore_options_set_conversion(options, CKPT_CONVERSION_EXACT, &error), "conversion");
    read_flat(program, bfloats, options);
    write_flat(program, "float32", &floats);
    must_be(syncfs(directory) == 0, "syncfs");
    for (int turn = -1; turn < atoi(arguments[0]); turn++) { /* the first warms up */
        double seconds[2];
        long grown = 0;
        for (int half = 0; half < 2; half++) {
            bool converts = (turn + half) % 2 != 0;
            memset(memory, 1, all * sizeof(float));
            reset_peak();
            long before = status("VmHWM");
            seconds[converts] = read_flat(program, converts ? bfloats : floats, converts ? options : NULL);
            if (converts) grown = status("VmHWM") - before;
            for (size_t i = 0; i < all; i += 4097) {
                const uint32_t expected = (uint32_t)(0x3f80 + i % 0x100) << 16;
                must_be(memcmp(memory + i * sizeof expected, &expected, sizeof expected) == 0, "a wrong value");
            }
        }
        if (turn >= 0) printf("%.9f %.9f %ld\n", seconds[0], seconds[1], grown);
    }
    ckpt_restore_options_free(options);
    ckpt_checkpoint_free(program);
    ckpt_string_free(floats);
    ckpt_string_free(bfloats);
    clean();
}

int main(int count, char **arguments) {
    if (count == 7 && strcmp(arguments[1], "raw") == 0) {
        against_raw(arguments + 2);
    } else if (count == 7 && strcmp(arguments[1], "scale") == 0) {
        scale(arguments + 2);
    } else if (count == 6 && strcmp(arguments[1], "large") == 0) {
        large(arguments + 2);
    } else if (count == 6 && strcmp(arguments[1], "converted") == 0) {
        converted(arguments + 2);
    } else {
        fprintf(stderr, "usage: programs COMMAND ARGUMENT...; see benches/run.py\n");
        return 2;
    }
    return 0;
}
