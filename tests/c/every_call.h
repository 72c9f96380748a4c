/* Every function that reaches a graph, called once each where it must be refused; a Rust test compares this list with the header.
 */
#ifndef EVERY_CALL_H
#define EVERY_CALL_H

#include "graphs.h"

/* What the functions are called with: handles and objects that are fine, or of which one kind is not. */
typedef struct everything {
    const ckpt_graph *graph;
    const ckpt_checkpoint *checkpoint;
    const ckpt_status *status;
    ckpt_node object, variable, borrowed, strings, integer, list, dict, owner;
    const ckpt_saver *saver;
    const ckpt_checkpoint_view *view; /* of any checkpoint: it reaches no graph itself */
    const ckpt_manager *manager;
} everything;

typedef struct refusal {
    ckpt_code code;
    ckpt_reason reason;
    bool by_nodes; /* because of the objects: functions that take none are left out */
} refusal;

static inline int refused(const refusal *expected, ckpt_code code, ckpt_error *const *given, const char *what) {
    ckpt_error *problem = *given;
    char detail[512];
    snprintf(detail, sizeof detail, "got %s, reason %d: %s", ckpt_code_name(code), ckpt_error_reason(problem),
             ckpt_error_message(problem));
    check_that(code == expected->code && ckpt_error_code(problem) == code && ckpt_error_reason(problem) == expected->reason, what,
               detail, __FILE__, __LINE__);
    ckpt_error_free(problem);
    return 1;
}

/* A value with which the outputs of a call begin, so that one that was not cleared is found. */
#define UNTOUCHED 0x77

#define NODE(call) (problem = NULL, refused(expected, (call), &problem, #call))
#define PLAIN(call) (expected->by_nodes ? 0 : NODE(call))
#define CLEARED(output) check_that(memcmp(&(output), zeros, sizeof(output)) == 0, #output, "was not cleared", __FILE__, __LINE__)
#define SOIL(output) memset(&(output), UNTOUCHED, sizeof(output))
/* A call with an output, which it must clear. */
#define NODE_TO(output, call) (SOIL(output), NODE(call), CLEARED(output), 1)
#define PLAIN_TO(output, call) (expected->by_nodes ? 0 : NODE_TO(output, call))

static inline int32_t no_shape(void *user_data, int64_t *dimensions) {
    (void)user_data, (void)dimensions;
    return -1;
}

static inline ckpt_code no_read(void *user_data, uint64_t offset, void *buffer, size_t size, ckpt_failure *failure) {
    (void)user_data, (void)offset, (void)buffer, (void)size, (void)failure;
    return CKPT_CODE_OK;
}

static inline int32_t nowhere(void *user_data, void **data, size_t *size, int64_t *dimensions) {
    (void)user_data, (void)data, (void)size, (void)dimensions;
    return -1;
}

static inline ckpt_code no_save(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    (void)user_data, (void)sink, (void)failure;
    return CKPT_CODE_OK;
}

static inline ckpt_code no_restore(void *user_data, const ckpt_source *source, ckpt_failure *failure) {
    (void)user_data, (void)source, (void)failure;
    return CKPT_CODE_OK;
}

static inline bool no_object(void *user_data, ckpt_node node) {
    (void)user_data, (void)node;
    return false;
}

static inline ckpt_code no_objects_saved(void *user_data, const ckpt_nodes *objects, ckpt_sink *sink, ckpt_failure *failure) {
    (void)user_data, (void)objects, (void)sink, (void)failure;
    return CKPT_CODE_OK;
}

static inline bool no_key(void *user_data, const ckpt_nodes *objects, const char *key, size_t key_len) {
    (void)user_data, (void)objects, (void)key, (void)key_len;
    return false;
}

static inline ckpt_code no_objects_restored(void *user_data, const ckpt_nodes *objects, const ckpt_source *source,
                                            ckpt_failure *failure) {
    (void)user_data, (void)objects, (void)source, (void)failure;
    return CKPT_CODE_OK;
}

/* Calls every function; each must be refused as `expected`. Gives how many were called. Memory and user data that the calls are
 * given must be released all the same. */
static inline int every_call(const everything *with, const refusal *expected) {
    static const char zeros[sizeof(void *)] = {0};
    static const int64_t one[] = {1};
    static const size_t order[] = {0};
    static const uint32_t root_id = 0;
    const ckpt_bytes word = bytes_of("word");
    const ckpt_graph *graph = with->graph;
    const ckpt_checkpoint *checkpoint = with->checkpoint;
    const ckpt_status *status = with->status;
    ckpt_error *problem;
    ckpt_node node, tuple[] = {with->object};
    ckpt_nodes *nodes;
    ckpt_strings *strings;
    ckpt_description *description;
    ckpt_checkpoint *made;
    ckpt_saver *saver;
    ckpt_manager *manager;
    ckpt_broken_checkpoints *broken;
    ckpt_pending *pending;
    ckpt_comparison *diff;
    ckpt_status *restored;
    ckpt_report *report;
    ckpt_string *path;
    ckpt_device *device = ckpt_device_new(NULL, NULL);
    void *data;
    size_t size;
    int64_t number;
    bool answer;
    float value = 1;
    int calls = 0, given = 0, released = 0;
    ckpt_device_set_describe(device, no_shape, NULL);
    ckpt_device_set_read(device, no_read, false, NULL);

    calls += PLAIN_TO(node, ckpt_graph_add_object(graph, NULL, &node, &problem));
    calls += PLAIN_TO(node, ckpt_graph_add_text(graph, "t", 1, NULL, &node, &problem));
    calls += NODE(ckpt_graph_remove(graph, with->variable, &problem));
    calls += PLAIN_TO(answer, ckpt_graph_contains(graph, with->object, &answer, &problem));
    calls += NODE_TO(description, ckpt_graph_describe(graph, with->object, &description, &problem));
    calls += NODE(ckpt_graph_set_debug_name(graph, with->object, "n", 1, &problem));
    calls += NODE(ckpt_graph_set_name(graph, with->variable, "n", 1, &problem));
    calls += NODE(ckpt_graph_track(graph, with->object, "e", 1, with->variable, &problem));
    calls += NODE(ckpt_graph_track_overwrite(graph, with->object, "e", 1, with->variable, &problem));
    calls += NODE_TO(node, ckpt_graph_untrack(graph, with->object, "e", 1, &node, &problem));
    calls += NODE_TO(node, ckpt_graph_lookup(graph, with->object, "e", 1, &node, &problem));
    calls += NODE_TO(nodes, ckpt_graph_children(graph, with->object, &nodes, &problem));
    calls += NODE_TO(nodes, ckpt_graph_descendants(graph, with->object, &nodes, &problem));
    calls += NODE_TO(size, ckpt_graph_waiting(graph, with->object, "e", 1, &size, &problem));

    calls += PLAIN_TO(node, ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, one, 1, &value, 4, NULL, &node, &problem));
    given += !expected->by_nodes;
    calls += PLAIN_TO(
        node, ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, one, 1, &value, 4, &released, count_free, NULL, &node, &problem));
    given += !expected->by_nodes;
    calls += PLAIN_TO(node, ckpt_graph_add_resizable(graph, CKPT_DTYPE_FLOAT, NULL, -1, nowhere, NULL, NULL, &released,
                                                     count_free, NULL, &node, &problem));
    calls += PLAIN_TO(node, ckpt_graph_add_without_value(graph, CKPT_DTYPE_INVALID, NULL, -1, NULL, &node, &problem));
    calls += PLAIN_TO(node, ckpt_graph_add_strings(graph, one, 1, &word, 1, NULL, &node, &problem));
    given++;
    calls += NODE(ckpt_graph_set_borrowed(graph, with->borrowed, &value, 4, &released, count_free, &problem));
    calls += NODE_TO(data, ckpt_graph_data(graph, with->variable, &data, &size, &problem));
    calls += NODE(ckpt_graph_read(graph, with->variable, &value, 4, &problem));
    calls += NODE(ckpt_graph_assign(graph, with->variable, CKPT_DTYPE_FLOAT, NULL, 0, &value, 4, &problem));
    calls += NODE_TO(strings, ckpt_graph_read_strings(graph, with->strings, &strings, &problem));
    calls += NODE(ckpt_graph_assign_strings(graph, with->strings, one, 1, &word, 1, &problem));
    calls += NODE_TO(answer, ckpt_graph_was_restored(graph, with->variable, &answer, &problem));
    calls += NODE_TO(number, ckpt_graph_read_integer(graph, with->integer, &number, &problem));

    calls += PLAIN_TO(node, ckpt_graph_add_list(graph, NULL, &node, &problem));
    calls += PLAIN_TO(node, ckpt_graph_add_dict(graph, NULL, &node, &problem));
    if (tuple[0] != 0 || !expected->by_nodes) { /* an element may be 0: it is not tracked then */
        calls += NODE_TO(node, ckpt_graph_add_tuple(graph, tuple, 1, NULL, &node, &problem));
        calls += NODE_TO(node, ckpt_graph_add_named_tuple(graph, &word, tuple, 1, NULL, &node, &problem));
    }
    calls += NODE(ckpt_graph_list_append(graph, with->list, 0, &problem));
    calls += NODE(ckpt_graph_list_repeat(graph, with->list, 2, &problem));
    calls += NODE(ckpt_graph_list_set(graph, with->list, 0, 0, &problem));
    calls += NODE(ckpt_graph_list_insert(graph, with->list, 0, 0, &problem));
    calls += NODE_TO(node, ckpt_graph_list_remove(graph, with->list, 0, &node, &problem));
    calls += NODE(ckpt_graph_list_splice(graph, with->list, 0, 1, NULL, 0, &problem));
    calls += NODE(ckpt_graph_list_reorder(graph, with->list, order, 1, &problem));
    calls += NODE_TO(nodes, ckpt_graph_list_elements(graph, with->list, &nodes, &problem));
    calls += NODE(ckpt_graph_dict_set(graph, with->dict, "k", 1, with->variable, &problem));
    calls += NODE_TO(node, ckpt_graph_dict_remove(graph, with->dict, "k", 1, &node, &problem));

    given += !expected->by_nodes;
    calls += PLAIN_TO(node, ckpt_graph_add_slot_owner(graph, NULL, &released, count_free, NULL, &node, &problem));
    calls += NODE(ckpt_graph_set_slot(graph, with->owner, with->variable, "m", 1, with->borrowed, &problem));
    calls += NODE_TO(node, ckpt_graph_slot(graph, with->owner, with->variable, "m", 1, &node, &problem));
    calls += NODE_TO(node, ckpt_graph_remove_slot(graph, with->owner, with->variable, "m", 1, &node, &problem));
    calls += NODE_TO(strings, ckpt_graph_slot_names(graph, with->owner, &strings, &problem));

    calls += PLAIN_TO(node, ckpt_graph_add_device(graph, CKPT_DTYPE_FLOAT, NULL, -1, device, NULL, &node, &problem));
    given += 2 * !expected->by_nodes;
    calls += PLAIN_TO(node, ckpt_graph_add_state(graph, no_save, no_restore, &released, count_free, NULL, &node, &problem));
    calls += PLAIN(ckpt_graph_register_saver(graph, "p", 1, "n", 1, true, no_object, no_objects_saved, no_key,
                                             no_objects_restored, &released, count_free, &problem));

    calls += NODE_TO(made, ckpt_checkpoint_new(graph, with->object, &made, &problem));
    calls += NODE_TO(made, ckpt_checkpoint_new_with_root(graph, with->object, NULL, NULL, 0, &made, &problem));
    given += !expected->by_nodes;
    calls += PLAIN(ckpt_checkpoint_set_log(checkpoint, NULL, &released, count_free, &problem));
    calls += PLAIN_TO(node, ckpt_checkpoint_save_counter(checkpoint, &node, &problem));
    calls += PLAIN_TO(number, ckpt_checkpoint_save_count(checkpoint, &number, &problem));
    calls += PLAIN_TO(path, ckpt_checkpoint_write(checkpoint, "/tmp/never", NULL, &path, &problem));
    calls += PLAIN_TO(path, ckpt_checkpoint_write_numbered(checkpoint, "/tmp/never", 1, NULL, &path, &problem));
    calls += PLAIN_TO(path, ckpt_checkpoint_save(checkpoint, "/tmp/never", NULL, &path, &problem));
    calls += PLAIN_TO(path, ckpt_checkpoint_write_ranked(checkpoint, "/tmp/never", NULL, NULL, &path, &problem));
    calls += PLAIN_TO(path, ckpt_checkpoint_save_ranked(checkpoint, "/tmp/never", NULL, NULL, &path, &problem));
    calls += PLAIN_TO(path, ckpt_checkpoint_write_section(checkpoint, "/tmp/never", NULL, NULL, &path, &problem));
    calls += PLAIN_TO(pending, ckpt_checkpoint_save_async(checkpoint, "/tmp/never", NULL, &pending, &problem));
    calls += PLAIN_TO(pending, ckpt_checkpoint_write_async(checkpoint, "/tmp/never", NULL, &pending, &problem));
    calls += PLAIN(ckpt_checkpoint_sync(checkpoint, &problem));
    calls += PLAIN(ckpt_checkpoint_last_failure(checkpoint, &problem));
    calls += PLAIN_TO(restored, ckpt_checkpoint_restore(checkpoint, "/tmp/never", NULL, &restored, &problem));
    calls += PLAIN_TO(restored, ckpt_checkpoint_read(checkpoint, "/tmp/never", NULL, &restored, &problem));
    calls += PLAIN_TO(pending, ckpt_checkpoint_restore_async(checkpoint, "/tmp/never", NULL, &pending, &problem));
    calls += PLAIN_TO(pending, ckpt_checkpoint_read_async(checkpoint, "/tmp/never", NULL, &pending, &problem));
    calls += PLAIN_TO(restored, ckpt_checkpoint_restore_nothing(checkpoint, &restored, &problem));
    calls += PLAIN_TO(report, ckpt_checkpoint_dry_run(checkpoint, "/tmp/never", NULL, &report, &problem));
    calls += PLAIN_TO(report, ckpt_checkpoint_last_report(checkpoint, &report, &problem));

    calls += PLAIN(ckpt_status_assert_consumed(status, &problem));
    calls += PLAIN(ckpt_status_assert_existing_objects_matched(status, &problem));
    calls += PLAIN(ckpt_status_assert_nontrivial_match(status, &problem));
    calls += PLAIN(ckpt_status_assert_rest_matched(status, &problem));
    calls += PLAIN(ckpt_status_run_restore_ops(status, &problem));
    calls += PLAIN(ckpt_status_initialize_or_restore(status, &problem));
    calls += PLAIN_TO(report, ckpt_status_report(status, &report, &problem));
    calls += PLAIN(ckpt_status_drop(status, &problem));

    calls += NODE_TO(saver, ckpt_saver_new(graph, &word, &with->variable, 1, NULL, &saver, &problem));
    calls += NODE_TO(saver, ckpt_saver_new_of_variables(graph, &with->variable, 1, NULL, &saver, &problem));
    calls += NODE_TO(saver, ckpt_saver_new_of_root(graph, with->object, NULL, &saver, &problem));
    calls += PLAIN_TO(path, ckpt_saver_save(with->saver, "/tmp/never", NULL, &path, &problem));
    calls += PLAIN_TO(report, ckpt_saver_restore(with->saver, "/tmp/never", NULL, &report, &problem));
    calls += PLAIN_TO(manager, ckpt_manager_open(checkpoint, "/tmp/never", NULL, &manager, &problem));
    calls += PLAIN(ckpt_manager_last_failure(with->manager, &problem));
    calls += PLAIN_TO(path, ckpt_manager_save(with->manager, NULL, &path, &problem));
    calls += PLAIN_TO(path, ckpt_manager_save_ranked(with->manager, NULL, NULL, &path, &problem));
    calls += PLAIN_TO(pending, ckpt_manager_save_async(with->manager, NULL, &pending, &problem));
    calls += PLAIN_TO(restored, ckpt_manager_restore_or_initialize(with->manager, NULL, &path, &restored, &problem));
    calls += PLAIN_TO(broken, ckpt_manager_latest_valid(with->manager, &path, &broken, &problem));
    calls += PLAIN_TO(pending, ckpt_manager_restore_or_initialize_async(with->manager, NULL, &pending, &problem));
    calls += PLAIN_TO(pending, ckpt_manager_latest_valid_async(with->manager, &pending, &problem));
    calls += PLAIN_TO(number, ckpt_manager_phase(with->manager, CKPT_PHASE_COPY, (uint64_t *)&number, NULL, &problem));
    if (with->view != NULL) {
        calls += NODE_TO(diff, ckpt_checkpoint_view_diff(with->view, graph, with->object, &diff, &problem));
        calls += PLAIN_TO(diff, ckpt_checkpoint_view_diff_checkpoint(with->view, checkpoint, &diff, &problem));
    }
    calls += NODE(ckpt_restore_nodes(graph, "/tmp/never", &root_id, &with->object, 1, NULL, &problem));

    ckpt_device_free(device);
    CHECK_INT(given, released);
    return calls;
}

#endif
