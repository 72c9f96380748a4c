/* The clock of the benchmarks of saving by ranks, which are processes of this program's, and of merging. Each turn does both that
 * are compared, in turn about order, and prints a line, in seconds. benches/run.py starts it. */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/wait.h>

#include "written.h"

enum { MOST_RANKS = 16 };

/* What a rank talks through: rank 0 to each of the others, these to rank 0. Who waits sleeps. */
typedef struct talker {
    uint32_t rank, count;
    int ends[MOST_RANKS];
} talker;

static void put_all(int to, const void *data, size_t size) {
    for (size_t at = 0; at < size;) {
        ssize_t put = write(to, (const char *)data + at, size - at);
        must_be(put > 0, "write to a rank");
        at += (size_t)put;
    }
}

static bool take_all(int from, void *data, size_t size) {
    for (size_t at = 0; at < size;) {
        ssize_t taken = read(from, (char *)data + at, size - at);
        if (taken <= 0) return false;
        at += (size_t)taken;
    }
    return true;
}

static void send_to(int to, const void *message, size_t size) {
    put_all(to, &size, sizeof size);
    put_all(to, message, size);
}

static ckpt_code receive_from(int from, uint32_t rank, ckpt_messages *messages) {
    size_t size;
    if (!take_all(from, &size, sizeof size)) return CKPT_CODE_OK; /* gone: the library names it */
    void *message = malloc(size + 1);
    must_be(message != NULL && take_all(from, message, size), "message");
    ckpt_code code = ckpt_messages_put(messages, rank, message, size, NULL);
    free(message);
    return code;
}

static ckpt_code gather(void *user_data, const void *message, size_t size, ckpt_messages *messages, ckpt_failure *failure) {
    (void)failure;
    const talker *own = user_data;
    ckpt_code code = CKPT_CODE_OK;
    if (own->rank > 0) send_to(own->ends[0], message, size);
    for (uint32_t rank = 1; own->rank == 0 && rank < own->count && code == CKPT_CODE_OK; rank++) {
        code = receive_from(own->ends[rank], rank, messages);
    }
    return code;
}

static ckpt_code broadcast(void *user_data, const void *message, size_t size, ckpt_messages *messages, ckpt_failure *failure) {
    (void)failure;
    const talker *own = user_data;
    if (own->rank > 0) return receive_from(own->ends[0], 0, messages);
    for (uint32_t rank = 1; rank < own->count; rank++) send_to(own->ends[rank], message, size);
    return CKPT_CODE_OK;
}

/* A root with variables number `first` to `end`, whose values lie one after the other in memory. */
static ckpt_checkpoint *make_program(char *memory, size_t first, size_t end, size_t size) {
    const int64_t shape = (int64_t)(size / sizeof(float));
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_checkpoint *checkpoint;
    ckpt_node root, variable;
    must(ckpt_graph_add_object(graph, NULL, &root, &error), "object");
    for (size_t i = first; i < end; i++) {
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

static ckpt_save_options *options_of(ckpt_durability durability) {
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *options = ckpt_save_options_new();
    must(ckpt_write_options_set_durability(write, durability, &error), "durability");
    must(ckpt_save_options_set_write_options(options, write, &error), "options");
    ckpt_write_options_free(write);
    return options;
}

/* Saves as often as it is told to. */
_Noreturn static void be_a_rank(talker *own, const ckpt_checkpoint *checkpoint, const char *prefix, ckpt_durability durability) {
    ckpt_ranks *ranks;
    ckpt_save_options *options = options_of(durability);
    must(ckpt_ranks_new(own->rank, own->count, gather, broadcast, own, NULL, &ranks, &error), "ranks");
    for (char start; take_all(own->ends[0], &start, 1);) {
        must(ckpt_checkpoint_write_ranked(checkpoint, prefix, ranks, options, NULL, &error), "save of a rank");
    }
    _exit(0);
}

/* All in one process, and each rank its share, at the same time. */
static void save(int turns, uint32_t count, size_t variables, size_t size, ckpt_durability durability) {
    char prefix[4096];
    snprintf(prefix, sizeof prefix, "%s/ckpt", directory_path);
    char *memory = memory_of(variables * size, 0);
    talker own = {.rank = 0, .count = count};
    for (uint32_t rank = 1; rank < count; rank++) {
        int ends[2];
        must_be(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
        const pid_t child = fork();
        must_be(child >= 0, "fork");
        if (child == 0) {
            talker other = {.rank = rank, .count = count, .ends = {ends[1]}};
            for (uint32_t before = 1; before < rank; before++) close(own.ends[before]);
            close(ends[0]);
            be_a_rank(&other, make_program(memory, variables * rank / count, variables * (rank + 1) / count, size), prefix,
                      durability);
        }
        close(ends[1]);
        own.ends[rank] = ends[0];
    }
    ckpt_checkpoint *all = make_program(memory, 0, variables, size), *share = make_program(memory, 0, variables / count, size);
    ckpt_save_options *options = options_of(durability);
    ckpt_ranks *ranks;
    must(ckpt_ranks_new(0, count, gather, broadcast, &own, NULL, &ranks, &error), "ranks");
    clean();
    for (int turn = -1; turn < turns; turn++) { /* the first is not counted */
        double seconds[2];
        for (int i = 0; i < 2; i++) {
            const int which = (turn + i) & 1;
            double start = now();
            if (which == 0) {
                must(ckpt_checkpoint_write(all, prefix, options, NULL, &error), "save");
            } else {
                for (uint32_t rank = 1; rank < count; rank++) put_all(own.ends[rank], "g", 1);
                must(ckpt_checkpoint_write_ranked(share, prefix, ranks, options, NULL, &error), "save by ranks");
            }
            seconds[which] = now() - start;
            clean();
        }
        if (turn >= 0) printf("%.9f %.9f\n", seconds[0], seconds[1]);
    }
    for (uint32_t rank = 1; rank < count; rank++) close(own.ends[rank]);
    for (uint32_t rank = 1; rank < count; rank++) must_be(wait(NULL) > 0, "wait");
    ckpt_ranks_free(ranks);
    ckpt_save_options_free(options);
    ckpt_checkpoint_free(all);
    ckpt_checkpoint_free(share);
}

/* Writes tensors number `first` to `end`, of a few bytes each; gives how long that took when all had been added. */
static double write_tensors(const char *prefix, size_t first, size_t end) {
    const int64_t shape = 1;
    ckpt_write_options *options = ckpt_write_options_new();
    ckpt_writer *writer;
    must(ckpt_write_options_set_durability(options, CKPT_DURABILITY_NONE, &error), "durability");
    must(ckpt_writer_new(prefix, options, &writer, &error), prefix);
    for (size_t i = first; i < end; i++) {
        static const float value = 1;
        char key[64];
        int len = snprintf(key, sizeof key, "model/layer%zu/kernel/.ATTRIBUTES/VARIABLE_VALUE", i);
        must(ckpt_writer_add(writer, key, (size_t)len, CKPT_DTYPE_FLOAT, &shape, 1, &value, sizeof value, &error), key);
    }
    double start = now();
    must(ckpt_writer_finish(writer, &error), prefix);
    double seconds = now() - start;
    ckpt_writer_free(writer);
    ckpt_write_options_free(options);
    return seconds;
}

/* Sections of so many tensors in all, and one checkpoint of as many. */
static void merge(int turns, size_t sections, size_t tensors) {
    char paths[MOST_RANKS][4096], prefix[4096];
    const char *all[MOST_RANKS];
    snprintf(prefix, sizeof prefix, "%s/ckpt", directory_path);
    ckpt_merge_options *options = ckpt_merge_options_new();
    must(ckpt_merge_options_set_durability(options, CKPT_DURABILITY_NONE, &error), "durability");
    for (int turn = -1; turn < turns; turn++) {
        for (size_t i = 0; i < sections; i++) {
            snprintf(paths[i], sizeof paths[i], "%s/section-%zu", directory_path, i);
            all[i] = paths[i];
            write_tensors(paths[i], tensors * i / sections, tensors * (i + 1) / sections);
        }
        double start = now();
        must(ckpt_merge(prefix, all, sections, options, &error), "merge");
        double merged = now() - start;
        clean();
        double written = write_tensors(prefix, 0, tensors);
        clean();
        if (turn >= 0) printf("%.9f %.9f\n", written, merged);
    }
    ckpt_merge_options_free(options);
}

/* ranks save TURNS DIR RANKS VARIABLES SIZE DURABILITY | ranks merge TURNS DIR SECTIONS TENSORS */
int main(int count, char **arguments) {
    const bool saves = count == 8 && strcmp(arguments[1], "save") == 0, merges = count == 6 && strcmp(arguments[1], "merge") == 0;
    if ((!saves && !merges) || strtoul(arguments[4], NULL, 10) - 1 >= MOST_RANKS) {
        fprintf(stderr, "usage: ranks save|merge ...; see benches/run.py\n");
        return 2;
    }
    use_directory(arguments[3]);
    const int turns = atoi(arguments[2]);
    const size_t parts = strtoul(arguments[4], NULL, 10), number = strtoul(arguments[5], NULL, 10);
    if (saves) save(turns, (uint32_t)parts, number, strtoul(arguments[6], NULL, 10), atoi(arguments[7]));
    if (merges) merge(turns, parts, number);
    return 0;
}
