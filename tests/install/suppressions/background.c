/* Saves in the background and frees everything.
 *
 *     background PREFIX
 */
#include <checkpoint.h>
#include <stddef.h>

int main(int argc, char **argv) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = 0, x = 0;
    ckpt_checkpoint *checkpoint = NULL;
    ckpt_pending *pending = NULL;
    const float value = 1;
    if (argc != 2 || ckpt_graph_add_object(graph, NULL, &root, NULL) ||
        ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, NULL, 0, &value, sizeof value, NULL, &x, NULL) ||
        ckpt_graph_track(graph, root, "x", 1, x, NULL) || ckpt_checkpoint_new(graph, root, &checkpoint, NULL) ||
        ckpt_checkpoint_save_async(checkpoint, argv[1], NULL, &pending, NULL) || ckpt_pending_wait(pending, NULL, NULL))
        return 1;
    ckpt_pending_free(pending);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
    return 0;
}
