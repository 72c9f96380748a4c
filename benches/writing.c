/* The clock of the benchmarks of writing: each command writes what it compares by turns, in this one process, into new files of
 * one directory, which are removed again, and prints a line for each turn, in seconds and KiB. benches/run.py starts it. */
#define _GNU_SOURCE
#include "written.h"

/* Tensors of one size, all values one after the other in memory that has been touched. */
typedef struct tensors {
    size_t count, size;
    char *memory;
    char (*keys)[64];
} tensors;

typedef struct how {
    uint32_t shards, threads;
    ckpt_durability durability;
} how;

static tensors make_tensors(size_t count, size_t size, size_t skip) {
    tensors all = {
        .count = count, .size = size, .memory = memory_of(count * size, skip), .keys = calloc(count, sizeof *all.keys)};
    must_be(all.keys != NULL, "memory");
    for (size_t i = 0; i < count; i++) snprintf(all.keys[i], sizeof all.keys[i], "v/%zu/.ATTRIBUTES/VARIABLE_VALUE", i);
    return all;
}

/* From before the writer is made until the checkpoint is in its place: tensors are added one by one. */
static double write_checkpoint(const tensors *all, how how) {
    char prefix[4096];
    snprintf(prefix, sizeof prefix, "%s/ckpt", directory_path);
    ckpt_write_options *options = ckpt_write_options_new();
    must(ckpt_write_options_set_shards(options, how.shards, &error), "shards");
    must(ckpt_write_options_set_threads(options, how.threads, &error), "threads");
    must(ckpt_write_options_set_durability(options, how.durability, &error), "durability");
    const int64_t shape = (int64_t)(all->size / sizeof(float));
    double start = now();
    ckpt_writer *writer;
    must(ckpt_writer_new(prefix, options, &writer, &error), "new");
    for (size_t i = 0; i < all->count; i++) {
        const char *key = all->keys[i], *value = all->memory + i * all->size;
        must(ckpt_writer_add(writer, key, strlen(key), CKPT_DTYPE_FLOAT, &shape, 1, value, all->size, &error), key);
    }
    must(ckpt_writer_finish(writer, &error), "finish");
    ckpt_writer_free(writer);
    double seconds = now() - start;
    ckpt_write_options_free(options);
    return seconds;
}

/* What is in memory must be in the checkpoint. */
static void check(const tensors *all) {
    char prefix[4096];
    snprintf(prefix, sizeof prefix, "%s/ckpt", directory_path);
    char *value = malloc(all->size);
    ckpt_reader *reader;
    must(ckpt_reader_open(prefix, NULL, &reader, &error), prefix);
    must_be(value && ckpt_reader_count(reader) == all->count, "not all tensors were written");
    for (size_t i = 0; i < all->count; i++) {
        const ckpt_tensor *tensor;
        must(ckpt_reader_find(reader, all->keys[i], strlen(all->keys[i]), &tensor, &error), "find");
        must(ckpt_reader_read(reader, tensor, NULL, value, all->size, &error), "read");
        must_be(memcmp(value, all->memory + i * all->size, all->size) == 0, "the bytes differ");
    }
    ckpt_reader_free(reader);
    free(value);
}

static double raw_round(const tensors *all, bool durable) {
    double seconds = write_raw(all->memory, all->count * all->size, durable);
    clean();
    return seconds;
}

/* raw TURNS ROUNDS DIR COUNT SIZE SKIP SHARDS THREADS DURABILITY: all values by raw write(2), with fdatasync(2) unless the
 * durability is none, then by the library, or the other way round in every second turn; a turn sums so many rounds of both. With
 * that, how far the library raises the peak of resident memory, the most of the rounds. */
static void against_raw(char **arguments) {
    int turns = atoi(arguments[0]), rounds = atoi(arguments[1]);
    use_directory(arguments[2]);
    tensors all = make_tensors(strtoul(arguments[3], NULL, 10), strtoul(arguments[4], NULL, 10), strtoul(arguments[5], NULL, 10));
    how how = {(uint32_t)atoi(arguments[6]), (uint32_t)atoi(arguments[7]), atoi(arguments[8])};
    bool durable = how.durability != CKPT_DURABILITY_NONE;
    clean();
    /* Before the library has done anything: what it keeps counts too. */
    long before = status("VmRSS");
    for (int turn = -1; turn < turns; turn++) { /* the first warms up */
        double raw = 0, ours = 0;
        long most = 0;
        for (int round = 0; round < rounds; round++) {
            if (turn % 2 == 0) raw += raw_round(&all, durable);
            reset_peak();
            ours += write_checkpoint(&all, how);
            long grown = status("VmHWM") - before;
            if (grown > most) most = grown;
            clean();
            if (turn % 2 != 0) raw += raw_round(&all, durable);
        }
        if (turn >= 0) printf("%.9f %.9f %ld\n", raw / rounds, ours / rounds, most);
    }
    write_checkpoint(&all, how);
    check(&all);
    clean();
}

/* scale TURNS DIR SMALL LARGE: so many tensors of 1 KiB, then so many more, as the library chooses and without syncing. */
static void scale(char **arguments) {
    const how as_chosen = {.durability = CKPT_DURABILITY_NONE};
    use_directory(arguments[1]);
    tensors small = make_tensors(strtoul(arguments[2], NULL, 10), 1024, 0);
    tensors large = make_tensors(strtoul(arguments[3], NULL, 10), 1024, 0);
    clean();
    for (int turn = -1; turn < atoi(arguments[0]); turn++) { /* the first warms up */
        double few = write_checkpoint(&small, as_chosen);
        clean();
        double many = write_checkpoint(&large, as_chosen);
        clean();
        if (turn >= 0) printf("%.9f %.9f\n", few, many);
    }
}

int main(int count, char **arguments) {
    if (count == 11 && strcmp(arguments[1], "raw") == 0) {
        against_raw(arguments + 2);
    } else if (count == 6 && strcmp(arguments[1], "scale") == 0) {
        scale(arguments + 2);
    } else {
        fprintf(stderr, "usage: writing COMMAND ARGUMENT...; see benches/run.py\n");
        return 2;
    }
    return 0;
}
