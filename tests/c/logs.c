/* Logs and locks of the calls that take a path: what is said of it, who is waited for, and who frees user data. */
#define _POSIX_C_SOURCE 200809L /* fork, kill */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "graphs.h"

/* What a log has heard. */
typedef struct heard {
    int moved, others, freed;
} heard;

static void hear(void *user_data, ckpt_severity severity, const char *text, size_t len) {
    heard *log = (heard *)user_data;
    CHECK(strlen(text) == len && severity == CKPT_SEVERITY_WARNING);
    if (strstr(text, "was moved") != NULL) {
        log->moved++;
    } else {
        log->others++;
    }
}

static void free_heard(void *user_data) { ((heard *)user_data)->freed++; }

/* Checks what a log has heard once all that kept it is freed. */
static void check_heard(const heard *log, int moved, const char *call) {
    if (log->moved != moved || log->others != 0 || log->freed != 1) {
        fprintf(stderr, "%s: %d that it was moved, %d others, freed %d times\n", call, log->moved, log->others, log->freed);
    }
    CHECK(log->moved == moved && log->others == 0 && log->freed == 1);
}

static void put(const char *name, const char *text) {
    FILE *file = fopen(in(name), "w");
    if (!CHECK(file != NULL)) exit(1);
    fputs(text, file);
    fclose(file);
}

static ckpt_node variable;

/* A program with one variable. */
static ckpt_checkpoint *make_program(ckpt_graph **graph) {
    *graph = ckpt_graph_new();
    ckpt_node root = object(*graph);
    variable = track_scalar(*graph, root, "x", 1);
    return checkpoint_of(*graph, root);
}

static void make_moved(void) {
    ckpt_graph *graph = NULL;
    ckpt_checkpoint *checkpoint = make_program(&graph);
    write_as(checkpoint, "ckpt-1");
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
    put("checkpoint",
        "model_checkpoint_path: \"/gone/run/ckpt-1\"\n"
        "all_model_checkpoint_paths: \"/gone/run/ckpt-1\"\n"
        "all_model_checkpoint_timestamps: 1000.5\n");
}

static void opening_says_that_a_directory_was_moved(void) {
    ckpt_reader *reader = NULL;
    ckpt_checkpoint_view *view = NULL;
    ckpt_string *path = NULL;
    ckpt_checkpoint_state *state = NULL;
    ckpt_pin *pin = NULL;
    heard log = {0, 0, 0};
    ckpt_open_options *options = ckpt_open_options_new();
    CHECK_OK(ckpt_open_options_set_log(options, hear, &log, free_heard, &error));
    CHECK_OK(ckpt_reader_open(directory, options, &reader, &error));
    CHECK_INT(1, log.moved);
    CHECK_OK(ckpt_checkpoint_view_open(directory, options, &view, &error));
    CHECK_INT(2, log.moved);
    CHECK_OK(ckpt_latest_checkpoint(directory, options, &path, &error));
    CHECK_INT(3, log.moved);
    CHECK_OK(ckpt_get_checkpoint_state(directory, NULL, options, &state, &error));
    CHECK_INT(4, log.moved);
    CHECK_OK(ckpt_pin_latest(directory, options, &pin, &error));
    CHECK_INT(5, log.moved);
    ckpt_reader_free(reader);
    ckpt_checkpoint_view_free(view);
    ckpt_string_free(path);
    ckpt_checkpoint_state_free(state);
    ckpt_pin_free(pin);
    CHECK_INT(0, log.freed);
    CHECK_OK(ckpt_open_options_set_log(options, NULL, NULL, NULL, &error)); /* for none */
    CHECK_INT(1, log.freed);
    CHECK_OK(ckpt_reader_open(directory, options, &reader, &error));
    ckpt_reader_free(reader);
    ckpt_open_options_free(options);
    check_heard(&log, 5, "open options");
}

static void maintenance_says_that_a_directory_was_moved(void) {
    heard verifying = {0, 0, 0}, repairing = {0, 0, 0}, collecting = {0, 0, 0};
    ckpt_verification *verification = NULL;
    ckpt_string *path = NULL;
    ckpt_repaired_state *repaired = NULL;
    ckpt_verify_options *verify = ckpt_verify_options_new();
    CHECK_OK(ckpt_verify_options_set_log(verify, hear, &verifying, free_heard, &error));
    CHECK_OK(ckpt_verify(directory, verify, &verification, &error));
    CHECK_OK(ckpt_latest_valid_checkpoint(directory, verify, &path, NULL, &error));
    CHECK_INT(2, verifying.moved);
    ckpt_verification_free(verification);
    ckpt_string_free(path);

    ckpt_repair_options *repair = ckpt_repair_options_new();
    CHECK_OK(ckpt_repair_options_set_dry_run(repair, true, &error));
    CHECK_OK(ckpt_repair_options_set_verify_options(repair, verify, &error));
    ckpt_verify_options_free(verify);
    CHECK_OK(ckpt_repair_checkpoint_state(directory, repair, &repaired, &error));
    CHECK_INT(3, verifying.moved); /* there is no other log yet */
    ckpt_repaired_state_free(repaired);
    CHECK_OK(ckpt_repair_options_set_log(repair, hear, &repairing, free_heard, &error));
    CHECK_OK(ckpt_repair_checkpoint_state(directory, repair, &repaired, &error));
    CHECK(ckpt_repaired_state_is_new(repaired));
    ckpt_repaired_state_free(repaired);
    ckpt_repair_options_free(repair);
    check_heard(&verifying, 3, "verify options");
    check_heard(&repairing, 1, "repair options");

    ckpt_collect_options *collect = ckpt_collect_options_new(1);
    CHECK_OK(ckpt_collect_options_set_dry_run(collect, true, &error));
    CHECK_OK(ckpt_collect_options_set_log(collect, hear, &collecting, free_heard, &error));
    CHECK_OK(ckpt_collect_checkpoints(directory, collect, NULL, &error));
    ckpt_collect_options_free(collect);
    check_heard(&collecting, 1, "collect options");
}

static void waiting_says_that_a_directory_was_moved(void) {
    heard log = {0, 0, 0};
    ckpt_string *path = NULL;
    ckpt_checkpoints_iterator *iterator = NULL;
    ckpt_wait_options *options = ckpt_wait_options_new();
    CHECK_OK(ckpt_wait_options_set_timeout(options, 0, &error));
    CHECK_OK(ckpt_wait_options_set_log(options, hear, &log, free_heard, &error));
    CHECK_OK(ckpt_wait_for_new_checkpoint(directory, NULL, options, &path, &error));
    CHECK(path != NULL && log.moved == 1);
    ckpt_string_free(path);
    CHECK_OK(ckpt_checkpoints_iterator_new(directory, options, NULL, NULL, NULL, &iterator, &error));
    ckpt_wait_options_free(options);
    CHECK_INT(0, log.freed);
    CHECK_OK(ckpt_checkpoints_iterator_next(iterator, &path, &error));
    CHECK(path != NULL);
    ckpt_string_free(path);
    ckpt_checkpoints_iterator_free(iterator);
    check_heard(&log, 2, "wait options");
}

static void restoring_nodes_says_that_a_directory_was_moved(void) {
    ckpt_graph *graph = NULL;
    ckpt_checkpoint *checkpoint = make_program(&graph);
    heard log = {0, 0, 0};
    uint32_t id = 1; /* the root's first child */
    ckpt_restore_options *options = ckpt_restore_options_new();
    CHECK_OK(ckpt_restore_options_set_log(options, hear, &log, free_heard, &error));
    CHECK_OK(ckpt_restore_nodes(graph, directory, &id, &variable, 1, options, &error));
    ckpt_restore_options_free(options);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
    check_heard(&log, 1, "restore options");
}

/* ---------------------------------------------------------------- locks */

static pid_t holder;

/* Another process locks a byte of the directory's file of locks. */
static void hold(int byte) {
    int ready[2];
    char told;
    if (!CHECK(pipe(ready) == 0)) exit(1);
    const char *file = in(".ckpt-lock");
    holder = fork();
    if (holder == 0) {
        struct flock range;
        memset(&range, 0, sizeof range);
        range.l_type = F_WRLCK, range.l_whence = SEEK_SET, range.l_start = byte, range.l_len = 1;
        int locks = open(file, O_RDWR | O_CREAT, 0666);
        if (locks == -1 || fcntl(locks, F_SETLK, &range) == -1 || write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    close(ready[1]);
    CHECK(read(ready[0], &told, 1) == 1);
    close(ready[0]);
}

static void let_go(void) {
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
}

#define MANAGER 0
#define STATE 1

static void a_state_file_is_updated_under_its_lock(void) {
    heard log = {0, 0, 0};
    ckpt_state_update *update = NULL;
    CHECK_OK(ckpt_state_update_new(in("ckpt-1"), &update, &error));
    CHECK_OK(ckpt_state_update_set_log(update, hear, &log, free_heard, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_state_update_set_lock_wait(update, -1, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_state_update_set_locking(update, 3, &error));
    CHECK_OK(ckpt_state_update_set_lock_wait(update, 0, &error));
    CHECK_OK(ckpt_state_update_set_locking(update, CKPT_LOCKING_REQUIRED, &error));
    hold(STATE);
    CHECK_FAILS(CKPT_CODE_UNAVAILABLE, ckpt_update_checkpoint_state(directory, update, &error));
    CHECK_OK(ckpt_state_update_set_locking(update, CKPT_LOCKING_NONE, &error));
    CHECK_OK(ckpt_update_checkpoint_state(directory, update, &error));
    let_go();
    ckpt_state_update_free(update);
    check_heard(&log, 0, "state update");
}

static void a_state_file_is_repaired_under_its_lock(void) {
    ckpt_repaired_state *repaired = NULL;
    ckpt_repair_options *options = ckpt_repair_options_new();
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_repair_options_set_locking(options, -1, &error));
    CHECK_OK(ckpt_repair_options_set_lock_wait(options, 0, &error));
    for (int byte = MANAGER; byte <= STATE; byte++) {
        put("checkpoint", "nonsense");
        CHECK_OK(ckpt_repair_options_set_locking(options, CKPT_LOCKING_IF_POSSIBLE, &error));
        hold(byte);
        CHECK_FAILS(CKPT_CODE_UNAVAILABLE, ckpt_repair_checkpoint_state(directory, options, &repaired, &error));
        CHECK_OK(ckpt_repair_options_set_locking(options, CKPT_LOCKING_NONE, &error));
        CHECK_OK(ckpt_repair_checkpoint_state(directory, options, &repaired, &error));
        CHECK(ckpt_repaired_state_is_new(repaired));
        ckpt_repaired_state_free(repaired);
        let_go();
    }
    ckpt_repair_options_free(options);
}

static void savers_lock_as_their_options_say(void) {
    ckpt_graph *graph = NULL;
    ckpt_checkpoint *checkpoint = make_program(&graph);
    ckpt_saver *saver = NULL;
    ckpt_bytes name = bytes_of("x");
    static const ckpt_locking all[] = {CKPT_LOCKING_IF_POSSIBLE, CKPT_LOCKING_REQUIRED, CKPT_LOCKING_NONE};
    for (size_t i = 0; i < COUNT(all); i++) {
        ckpt_saver_options *options = ckpt_saver_options_new();
        CHECK_OK(ckpt_saver_options_set_locking(options, all[i], &error));
        CHECK_OK(ckpt_saver_options_set_lock_wait(options, 0, &error));
        CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_saver_options_set_lock_wait(options, -1, &error));
        CHECK_OK(ckpt_saver_new(graph, &name, &variable, 1, options, &saver, &error));
        hold(STATE);
        ckpt_code expected = all[i] == CKPT_LOCKING_NONE ? CKPT_CODE_OK : CKPT_CODE_UNAVAILABLE;
        check_code(expected, ckpt_saver_save(saver, in("model"), NULL, NULL, &error), "save", __FILE__, __LINE__);
        let_go();
        ckpt_saver_free(saver);
        ckpt_saver_options_free(options);
    }
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
}

static void a_checkpoint_is_removed_under_its_locks(void) {
    heard log = {0, 0, 0};
    bool there = false;
    ckpt_remove_options *options = ckpt_remove_options_new();
    CHECK_OK(ckpt_remove_options_set_log(options, hear, &log, free_heard, &error));
    CHECK_OK(ckpt_remove_options_set_lock_wait(options, 0, &error));
    CHECK_OK(ckpt_remove_options_set_locking(options, CKPT_LOCKING_REQUIRED, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_remove_options_set_locking(options, 7, &error));
    hold(STATE);
    CHECK_FAILS(CKPT_CODE_UNAVAILABLE, ckpt_remove_checkpoint(in("ckpt-1"), options, &error));
    CHECK_OK(ckpt_checkpoint_exists(in("ckpt-1"), &there, &error));
    CHECK(there);
    CHECK_OK(ckpt_remove_options_set_locking(options, CKPT_LOCKING_NONE, &error));
    CHECK_OK(ckpt_remove_checkpoint(in("ckpt-1"), options, &error));
    let_go();
    CHECK_OK(ckpt_checkpoint_exists(in("ckpt-1"), &there, &error));
    CHECK(!there);
    ckpt_remove_options_free(options);
    check_heard(&log, 0, "remove options");
}

static void writers_and_merges_keep_their_logs(void) {
    heard writing = {0, 0, 0}, merging = {0, 0, 0};
    uint8_t value = 7;
    ckpt_writer *writer = NULL;
    ckpt_write_options *write = ckpt_write_options_new();
    CHECK_OK(ckpt_write_options_set_log(write, hear, &writing, free_heard, &error));
    CHECK_OK(ckpt_writer_new(in("part"), write, &writer, &error));
    ckpt_write_options_free(write);
    CHECK_OK(ckpt_writer_add(writer, TEXT("v"), CKPT_DTYPE_UINT8, NULL, 0, &value, 1, &error));
    CHECK_INT(0, writing.freed);
    CHECK_OK(ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
    check_heard(&writing, 0, "write options");
    const char *sections[] = {in("part")};
    ckpt_merge_options *merge = ckpt_merge_options_new();
    CHECK_OK(ckpt_merge_options_set_log(merge, hear, &merging, free_heard, &error));
    CHECK_OK(ckpt_merge(in("whole"), sections, 1, merge, &error));
    ckpt_merge_options_free(merge);
    check_heard(&merging, 0, "merge options");
}

static void null_is_an_error(void) {
    int freed = 0;
#define MISUSE(call) CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, call)
    MISUSE(ckpt_open_options_set_log(NULL, hear, &freed, count_free, &error));
    MISUSE(ckpt_verify_options_set_log(NULL, hear, &freed, count_free, &error));
    MISUSE(ckpt_write_options_set_log(NULL, hear, &freed, count_free, &error));
    MISUSE(ckpt_merge_options_set_log(NULL, hear, &freed, count_free, &error));
    MISUSE(ckpt_restore_options_set_log(NULL, hear, &freed, count_free, &error));
    MISUSE(ckpt_wait_options_set_log(NULL, hear, &freed, count_free, &error));
    MISUSE(ckpt_collect_options_set_log(NULL, hear, &freed, count_free, &error));
    MISUSE(ckpt_remove_options_set_log(NULL, hear, &freed, count_free, &error));
    MISUSE(ckpt_repair_options_set_log(NULL, hear, &freed, count_free, &error));
    MISUSE(ckpt_state_update_set_log(NULL, hear, &freed, count_free, &error));
    CHECK_INT(10, freed);
    MISUSE(ckpt_repair_options_set_verify_options(NULL, NULL, &error));
    MISUSE(ckpt_repair_options_set_dry_run(NULL, true, &error));
    ckpt_remove_options_free(NULL);
    ckpt_repair_options_free(NULL);
}

int main(void) {
    make_directory();
    make_moved();
    opening_says_that_a_directory_was_moved();
    maintenance_says_that_a_directory_was_moved();
    waiting_says_that_a_directory_was_moved();
    restoring_nodes_says_that_a_directory_was_moved();
    a_state_file_is_updated_under_its_lock();
    a_state_file_is_repaired_under_its_lock();
    savers_lock_as_their_options_say();
    a_checkpoint_is_removed_under_its_locks();
    writers_and_merges_keep_their_logs();
    null_is_an_error();
    remove_directory();
    return check_report();
}
