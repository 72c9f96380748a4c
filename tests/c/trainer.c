/* The trainer of examples/c/serve.sh: saves a checkpoint for each step from FIRST to LAST, of which two stay. All weights of a
 * checkpoint are its step. Those of even steps are aligned, so that they can be mapped.
 * usage: trainer DIRECTORY FIRST LAST
 */
#include "check.h"

enum { WEIGHTS = 1 << 16 };

static float weights[WEIGHTS];
static int64_t step;

static ckpt_checkpoint *make_checkpoint(void) {
    static const int64_t shape[] = {WEIGHTS};
    ckpt_checkpoint *checkpoint = NULL;
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = 0, node = 0;
    CHECK_OK(ckpt_graph_add_object(graph, NULL, &root, &error));
    CHECK_OK(
        ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 1, weights, sizeof weights, NULL, NULL, NULL, &node, &error));
    CHECK_OK(ckpt_graph_track(graph, root, "weights", CKPT_NUL, node, &error));
    CHECK_OK(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_INT64, NULL, 0, &step, sizeof step, NULL, NULL, NULL, &node, &error));
    CHECK_OK(ckpt_graph_track(graph, root, "step", CKPT_NUL, node, &error));
    CHECK_OK(ckpt_checkpoint_new(graph, root, &checkpoint, &error));
    ckpt_graph_free(graph);
    return checkpoint;
}

static void save(const ckpt_manager *manager) {
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *save = ckpt_save_options_new();
    ckpt_manager_save_options *options = ckpt_manager_save_options_new();
    CHECK_OK(ckpt_write_options_set_alignment(write, step % 2 == 0 ? 64 : 1, &error));
    CHECK_OK(ckpt_save_options_set_write_options(save, write, &error));
    CHECK_OK(ckpt_manager_save_options_set_save_options(options, save, &error));
    CHECK_OK(ckpt_manager_save(manager, options, NULL, &error));
    ckpt_manager_save_options_free(options);
    ckpt_save_options_free(save);
    ckpt_write_options_free(write);
}

int main(int argc, char **argv) {
    if (!CHECK(argc == 4)) return 2;
    ckpt_checkpoint *checkpoint = make_checkpoint();
    ckpt_manager *manager = NULL;
    ckpt_manager_options *options = ckpt_manager_options_new();
    CHECK_OK(ckpt_manager_options_set_max_to_keep(options, 2, &error));
    CHECK_OK(ckpt_manager_open(checkpoint, argv[1], options, &manager, &error));
    CHECK_OK(ckpt_manager_restore_or_initialize(manager, NULL, NULL, NULL, &error));
    for (int64_t next = atoll(argv[2]); next <= atoll(argv[3]); next++) {
        step = next;
        for (size_t i = 0; i < WEIGHTS; i++) weights[i] = (float)step;
        save(manager);
    }
    ckpt_manager_options_free(options);
    ckpt_manager_free(manager);
    ckpt_checkpoint_free(checkpoint);
    return check_report();
}
