/* A training loop over the ranks of MPI. Each has some rows of a table and of its momentum, a slot; all have the step and the
 * rate. Every ten steps they save one checkpoint, together; when the program is started again, on any number of ranks, it goes on
 * from the latest.
 *
 * usage: mpirun -n RANKS train DIRECTORY STEPS [save|never RANK STEP]
 * The last three, for tests: in the save at STEP, RANK is killed while it writes, or does not come.
 *
 * mpicc -std=c11 train.c -lcheckpoint
 */
#include <signal.h>
#include <stdbool.h>

#include "ckpt_mpi.h"

enum { ROWS = 1003, COLUMNS = 64 };

static int rank, count;

static void check(ckpt_code code, ckpt_error **error) {
    if (code == CKPT_CODE_OK) return;
    fprintf(stderr, "rank %d: %s\n", rank, ckpt_error_message(*error));
    ckpt_error_free(*error);
    MPI_Abort(MPI_COMM_WORLD, 1);
    exit(1);
}

typedef struct program {
    int64_t first, rows; /* the own part of the table */
    float *table, *momentum;
    float rate;
    int64_t step;
    ckpt_graph *graph;
    ckpt_checkpoint *checkpoint;
} program;

/* A variable in the program's memory; with `options`, a part of a tensor. */
static ckpt_node variable(program *own, ckpt_dtype dtype, const int64_t *shape, size_t dims, void *data, size_t size,
                          const ckpt_node_options *options) {
    ckpt_error *error = NULL;
    ckpt_node node = 0;
    check(ckpt_graph_add_borrowed(own->graph, dtype, shape, dims, data, size, NULL, NULL, options, &node, &error), &error);
    return node;
}

static void make(program *own) {
    ckpt_error *error = NULL;
    const int64_t whole[] = {ROWS, COLUMNS};
    own->first = (int64_t)ROWS * rank / count;
    own->rows = (int64_t)ROWS * (rank + 1) / count - own->first;
    const int64_t start[] = {own->first, 0}, length[] = {own->rows, -1}, shape[] = {own->rows, COLUMNS};
    const size_t size = (size_t)own->rows * COLUMNS * sizeof(float);
    own->table = calloc(1, size + 1);
    own->momentum = calloc(1, size + 1);
    if (!own->table || !own->momentum) abort();
    own->rate = 0.125F;
    own->step = 0;

    own->graph = ckpt_graph_new();
    ckpt_node_options *part = ckpt_node_options_new();
    check(ckpt_node_options_set_part(part, whole, start, length, 2, &error), &error);
    ckpt_node root = 0, optimizer = 0;
    check(ckpt_graph_add_object(own->graph, NULL, &root, &error), &error);
    check(ckpt_graph_add_slot_owner(own->graph, NULL, NULL, NULL, NULL, &optimizer, &error), &error);
    const ckpt_node table = variable(own, CKPT_DTYPE_FLOAT, shape, 2, own->table, size, part);
    const ckpt_node momentum = variable(own, CKPT_DTYPE_FLOAT, shape, 2, own->momentum, size, part);
    const ckpt_node rate = variable(own, CKPT_DTYPE_FLOAT, NULL, 0, &own->rate, sizeof own->rate, NULL);
    const ckpt_node step = variable(own, CKPT_DTYPE_INT64, NULL, 0, &own->step, sizeof own->step, NULL);
    ckpt_node_options_free(part);
    check(ckpt_graph_track(own->graph, root, "table", 5, table, &error), &error);
    check(ckpt_graph_track(own->graph, root, "optimizer", 9, optimizer, &error), &error);
    check(ckpt_graph_track(own->graph, optimizer, "rate", 4, rate, &error), &error);
    check(ckpt_graph_set_slot(own->graph, optimizer, table, "momentum", 8, momentum, &error), &error);
    check(ckpt_graph_track(own->graph, root, "step", 4, step, &error), &error);
    check(ckpt_checkpoint_new(own->graph, root, &own->checkpoint, &error), &error);
}

/* What becomes of a row depends on that row alone, so that any number of ranks comes to the same bits. */
static void train(program *own) {
    own->step++;
    for (int64_t i = 0; i < own->rows * COLUMNS; i++) {
        const int64_t place = own->first * COLUMNS + i;
        const float gradient = (float)((place * 7 + own->step * 13) % 101) / 101.0F - own->table[i];
        own->momentum[i] = own->momentum[i] * 0.5F + gradient;
        own->table[i] += own->rate * own->momentum[i];
    }
}

static ckpt_code die(void *user_data, uint64_t done, uint64_t total) {
    (void)user_data, (void)done, (void)total;
    raise(SIGKILL);
    return CKPT_CODE_OK;
}

int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    if (argc != 3 && argc != 6) {
        if (rank == 0) fprintf(stderr, "usage: %s DIRECTORY STEPS [save|never RANK STEP]\n", argv[0]);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    const char *directory = argv[1];
    const int64_t steps = atoll(argv[2]);
    const bool is_lost = argc == 6 && atoi(argv[4]) == rank;
    const int64_t lost_at = argc == 6 ? atoll(argv[5]) : -1;

    ckpt_error *error = NULL;
    program own;
    make(&own);
    ckpt_ranks *ranks = NULL;
    check(ckpt_mpi_ranks(MPI_COMM_WORLD, argc == 6 ? 2 : 60, &ranks, &error), &error);

    /* Each rank has a manager; that of rank 0 numbers and removes. */
    ckpt_manager_options *options = ckpt_manager_options_new();
    check(ckpt_manager_options_set_max_to_keep(options, 2, &error), &error);
    ckpt_manager *manager = NULL;
    check(ckpt_manager_open(own.checkpoint, directory, options, &manager, &error), &error);
    ckpt_manager_options_free(options);

    /* However many ranks saved it, each takes its own rows. */
    ckpt_string *path = NULL;
    ckpt_status *status = NULL;
    check(ckpt_manager_restore_or_initialize(manager, NULL, &path, &status, &error), &error);
    if (status) check(ckpt_status_assert_existing_objects_matched(status, &error), &error);
    if (rank == 0) printf("%d ranks, from step %lld\n", count, (long long)own.step);
    ckpt_string_free(path);
    ckpt_status_free(status);

    while (own.step < steps) {
        train(&own);
        if (own.step % 10 != 0) continue;
        ckpt_save_options *save = ckpt_save_options_new();
        ckpt_manager_save_options *managed = ckpt_manager_save_options_new();
        if (own.step == lost_at && is_lost) {
            if (strcmp(argv[3], "never") == 0) break;
            ckpt_write_options *write = ckpt_write_options_new();
            check(ckpt_write_options_set_progress(write, die, NULL, NULL, &error), &error);
            check(ckpt_save_options_set_write_options(save, write, &error), &error);
            ckpt_write_options_free(write);
        }
        check(ckpt_manager_save_options_set_save_options(managed, save, &error), &error);
        path = NULL;
        check(ckpt_manager_save_ranked(manager, ranks, managed, &path, &error), &error);
        if (rank == 0) printf("saved %.*s\n", (int)ckpt_string_bytes(path).len, (const char *)ckpt_string_bytes(path).data);
        ckpt_string_free(path);
        ckpt_manager_save_options_free(managed);
        ckpt_save_options_free(save);
    }
    if (is_lost) MPI_Barrier(MPI_COMM_WORLD); /* where nobody comes: the others have given this rank up, and abort */

    /* A sum over all bits, in the order of the rows. */
    double sum = 0, all = 0;
    for (int64_t i = 0; i < own.rows * COLUMNS; i++) sum += own.table[i] * (double)(own.first * COLUMNS + i + 1);
    MPI_Reduce(&sum, &all, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    if (rank == 0) printf("step %lld, sum %.6e\n", (long long)own.step, all);

    ckpt_ranks_free(ranks);
    ckpt_manager_free(manager);
    ckpt_checkpoint_free(own.checkpoint);
    ckpt_graph_free(own.graph);
    free(own.table);
    free(own.momentum);
    MPI_Finalize();
    return 0;
}
