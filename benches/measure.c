/* The clock of the benchmarks: each command measures what it compares by turns, in this one process, and prints a line for
 * each turn, in seconds or KiB. benches/run.py starts it and makes the table. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "measuring.h"

extern char **environ;

static ckpt_reader *must_open(const char *prefix) {
    ckpt_reader *reader = NULL;
    must(ckpt_reader_open(prefix, NULL, &reader, &error), prefix);
    return reader;
}

static int open_shard(const char *prefix) {
    char path[4096];
    snprintf(path, sizeof path, "%s.data-00000-of-00001", prefix);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must_be(fd >= 0, path);
    return fd;
}

static void raw_read(int fd, void *buffer, size_t size, off_t offset) {
    must_be(pread(fd, buffer, size, offset) == (ssize_t)size, "pread");
}

/* ---------------------------------------------------------------- open and list */

/* Looks at every tensor's key, dtype and shape; the sum keeps the compiler from leaving any of it out. */
static uint64_t visit(const ckpt_reader *reader) {
    uint64_t sum = 0;
    size_t count = ckpt_reader_count(reader);
    for (size_t i = 0; i < count; i++) {
        const ckpt_tensor *tensor = ckpt_reader_tensor(reader, i);
        ckpt_bytes key = ckpt_tensor_key(tensor);
        const int64_t *shape = ckpt_tensor_shape(tensor);
        size_t rank = ckpt_tensor_rank(tensor);
        sum += key.data[key.len - 1] + (uint64_t)ckpt_tensor_dtype(tensor);
        for (size_t d = 0; d < rank; d++) sum += (uint64_t)shape[d];
    }
    return sum;
}

static double open_and_visit(const char *prefix, size_t *count) {
    double start = now();
    ckpt_reader *reader = must_open(prefix);
    must_be(visit(reader) != 0, "nothing listed");
    double seconds = now() - start;
    *count = ckpt_reader_count(reader);
    ckpt_reader_free(reader);
    return seconds;
}

/* list PREFIX: for each line on stdin, opens and visits once; prints seconds and the number of tensors. */
static void list(char **arguments) {
    char line[16];
    while (fgets(line, sizeof line, stdin)) {
        size_t count;
        double seconds = open_and_visit(arguments[0], &count);
        printf("%.9f %zu\n", seconds, count);
        fflush(stdout);
    }
}

/* scale TURNS SMALL LARGE: opens and visits one, then the other. */
static void scale(char **arguments) {
    for (int turn = atoi(arguments[0]); turn > 0; turn--) {
        size_t count;
        double small = open_and_visit(arguments[1], &count);
        printf("%.9f %.9f\n", small, open_and_visit(arguments[2], &count));
    }
}

/* open-memory PREFIX: how far opening and visiting raises the peak of resident memory, in KiB. */
static void open_memory(char **arguments) {
    reset_peak();
    long before = status("VmRSS");
    size_t count;
    open_and_visit(arguments[0], &count);
    printf("%ld\n", status("VmHWM") - before);
}

/* ---------------------------------------------------------------- small reads */

enum { SMALL_READS = 100, SMALL_SIZE = 1024 };

typedef struct small_tensor {
    char key[96];
    size_t key_len;
    off_t offset;
} small_tensor;

/* Tensors drawn at random, the same ones on each run. */
static void draw(const ckpt_reader *reader, small_tensor drawn[SMALL_READS]) {
    uint64_t state = 0x9E3779B97F4A7C15u;
    for (size_t i = 0; i < SMALL_READS; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const ckpt_tensor *tensor = ckpt_reader_tensor(reader, (state >> 33) % ckpt_reader_count(reader));
        ckpt_bytes key = ckpt_tensor_key(tensor);
        must_be(ckpt_tensor_byte_size(tensor) == SMALL_SIZE && key.len <= sizeof drawn[i].key, "the drawn tensor");
        memcpy(drawn[i].key, key.data, key.len);
        drawn[i].key_len = key.len;
        drawn[i].offset = ckpt_tensor_offset(tensor);
    }
}

/* small TURNS ROUNDS PREFIX: 100 tensors by raw pread, then the same by key; a turn sums so many rounds of both. */
static void small(char **arguments) {
    int turns = atoi(arguments[0]), rounds = atoi(arguments[1]);
    ckpt_reader *reader = must_open(arguments[2]);
    int fd = open_shard(arguments[2]);
    static small_tensor drawn[SMALL_READS];
    static char buffers[SMALL_READS][SMALL_SIZE], raw_buffers[SMALL_READS][SMALL_SIZE];
    draw(reader, drawn);
    for (int turn = -1; turn < turns; turn++) { /* the first warms up */
        double raw = 0, ours = 0;
        for (int round = 0; round < rounds; round++) {
            double start = now();
            for (size_t i = 0; i < SMALL_READS; i++) raw_read(fd, raw_buffers[i], SMALL_SIZE, drawn[i].offset);
            double middle = now();
            for (size_t i = 0; i < SMALL_READS; i++) {
                const ckpt_tensor *tensor;
                must(ckpt_reader_find(reader, drawn[i].key, drawn[i].key_len, &tensor, &error), "find");
                must(ckpt_reader_read(reader, tensor, NULL, buffers[i], SMALL_SIZE, &error), "read");
            }
            raw += middle - start;
            ours += now() - middle;
        }
        if (turn >= 0) printf("%.9f %.9f\n", raw / rounds, ours / rounds);
    }
    must_be(memcmp(buffers, raw_buffers, sizeof buffers) == 0, "the bytes differ");
}

/* ---------------------------------------------------------------- large reads */

/* All tensors of a checkpoint and warm memory for their values, one after the other as in the data file. */
typedef struct large {
    ckpt_reader *reader;
    size_t count, total;
    const ckpt_tensor **tensors;
    void **buffers;
    size_t *sizes;
    char *memory;
    int fd;
} large;

static large prepare_large(const char *prefix) {
    large all = {.reader = must_open(prefix), .fd = open_shard(prefix)};
    all.count = ckpt_reader_count(all.reader);
    all.tensors = calloc(all.count, sizeof *all.tensors);
    all.buffers = calloc(all.count, sizeof *all.buffers);
    all.sizes = calloc(all.count, sizeof *all.sizes);
    must_be(all.tensors && all.buffers && all.sizes, "memory");
    for (size_t i = 0; i < all.count; i++) {
        all.tensors[i] = ckpt_reader_tensor(all.reader, i);
        all.sizes[i] = (size_t)ckpt_tensor_byte_size(all.tensors[i]);
        all.total += all.sizes[i];
    }
    all.memory = mmap(NULL, all.total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must_be(all.memory != MAP_FAILED, "memory");
    memset(all.memory, 1, all.total);
    for (size_t i = 0; i < all.count; i++) {
        all.buffers[i] = all.memory + ckpt_tensor_offset(all.tensors[i]);
    }
    return all;
}

static double read_raw(const large *all) {
    double start = now();
    must_be(lseek(all->fd, 0, SEEK_SET) == 0, "lseek");
    for (size_t at = 0; at < all->total;) {
        size_t left = all->total - at;
        ssize_t got = read(all->fd, all->memory + at, left < RAW_CHUNK ? left : RAW_CHUNK);
        must_be(got > 0, "read");
        at += (size_t)got;
    }
    return now() - start;
}

static double read_all(const large *all, uint32_t threads) {
    ckpt_read_options *options = ckpt_read_options_new();
    must(ckpt_read_options_set_threads(options, threads, &error), "threads");
    double start = now();
    must(ckpt_reader_read_many(all->reader, all->tensors, all->count, options, all->buffers, all->sizes, &error), "read");
    double seconds = now() - start;
    ckpt_read_options_free(options);
    return seconds;
}

/* large TURNS PREFIX: all values by raw read(2), then by the library with one thread and with two, into the same
 * memory. */
static void read_large(char **arguments) {
    large all = prepare_large(arguments[1]);
    for (int turn = -1; turn < atoi(arguments[0]); turn++) { /* the first warms up */
        double raw = read_raw(&all), one = read_all(&all, 1), two = read_all(&all, 2);
        if (turn >= 0) printf("%.9f %.9f %.9f\n", raw, one, two);
    }
}

/* read-memory TURNS PREFIX: how far reading all values raises the peak of resident memory beyond the buffers, in KiB, with
 * one thread, with two, and with as many as the library takes. */
static void read_memory(char **arguments) {
    large all = prepare_large(arguments[1]);
    for (int turn = atoi(arguments[0]); turn > 0; turn--) {
        long grown[3];
        for (uint32_t i = 0; i < 3; i++) {
            reset_peak();
            long before = status("VmRSS");
            read_all(&all, (i + 1) % 3);
            grown[i] = status("VmHWM") - before;
        }
        printf("%ld %ld %ld\n", grown[0], grown[1], grown[2]);
    }
}

/* ---------------------------------------------------------------- fresh processes */

static double run_process(char *const *command, const posix_spawn_file_actions_t *quiet) {
    pid_t pid;
    int state;
    double start = now();
    must_be(posix_spawn(&pid, command[0], quiet, NULL, command, environ) == 0, command[0]);
    must_be(waitpid(pid, &state, 0) == pid && state == 0, command[0]);
    return now() - start;
}

/* processes TURNS ROUNDS COMMAND... / COMMAND...: runs the commands in turns, from before each fork until it has ended.
 */
static void processes(char **arguments) {
    enum { MOST = 8 };
    char **commands[MOST];
    int count = 0, turns = atoi(arguments[0]), rounds = atoi(arguments[1]);
    for (char **word = arguments + 1; *word && count < MOST; word++) {
        if (word != arguments + 1 && strcmp(*word, "/") != 0) continue;
        *word = NULL;
        commands[count++] = word + 1;
    }
    posix_spawn_file_actions_t quiet;
    must_be(posix_spawn_file_actions_init(&quiet) == 0, "spawn");
    must_be(posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0, "spawn");
    for (int turn = -1; turn < turns; turn++) { /* the first warms up */
        double seconds[MOST] = {0};
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < count; i++) seconds[i] += run_process(commands[i], &quiet);
        }
        for (int i = 0; turn >= 0 && i < count; i++) printf(i + 1 < count ? "%.9f " : "%.9f\n", seconds[i] / rounds);
    }
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        int arguments;
        void (*run)(char **arguments);
    } commands[] = {
        {"list", 1, list},           {"scale", 3, scale},      {"open-memory", 1, open_memory},
        {"small", 3, small},         {"large", 2, read_large}, {"read-memory", 2, read_memory},
        {"processes", 3, processes},
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (count >= 2 + commands[i].arguments && strcmp(arguments[1], commands[i].name) == 0) {
            commands[i].run(arguments + 2);
            return 0;
        }
    }
    fprintf(stderr, "usage: measure COMMAND ARGUMENT...; see benches/run.py\n");
    return 2;
}
