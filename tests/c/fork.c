/* Locks and forks: every kind of call in a parent and in its child. A child that hangs is ended by its alarm. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include <math.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "gates.h"
#include "graphs.h"

/* AddressSanitizer's allocator (gcc 12) has locks that a fork does not free in the child: children of threads that only call
 * malloc hang. */
#ifdef __SANITIZE_ADDRESS__
enum { ALLOCATES_AFTER_FORK = 0 };
#else
enum { ALLOCATES_AFTER_FORK = 1 };
#endif

/* ---------------------------------------------------------------- how saves lock */

static void options_say_how_to_lock(void) {
    static const ckpt_locking all[] = {CKPT_LOCKING_IF_POSSIBLE, CKPT_LOCKING_REQUIRED, CKPT_LOCKING_NONE};
    static const char *const names[] = {"if possible", "required", "none"};
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_merge_options *merge = ckpt_merge_options_new();
    ckpt_manager_options *manager = ckpt_manager_options_new();
    ckpt_collect_options *collect = ckpt_collect_options_new(1);
    for (size_t i = 0; i < COUNT(all); i++) {
        CHECK(strcmp(ckpt_locking_name(all[i]), names[i]) == 0);
        CHECK_OK(ckpt_write_options_set_locking(write, all[i], &error));
        CHECK_OK(ckpt_merge_options_set_locking(merge, all[i], &error));
        CHECK_OK(ckpt_manager_options_set_locking(manager, all[i], &error));
        CHECK_OK(ckpt_collect_options_set_locking(collect, all[i], &error));
    }
    CHECK(strcmp(ckpt_locking_name(3), "unknown") == 0);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_write_options_set_locking(write, 3, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_write_options_set_lock_wait(write, -1, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_write_options_set_lock_wait(write, NAN, &error));
    CHECK_OK(ckpt_write_options_set_lock_wait(write, INFINITY, &error));
    CHECK_OK(ckpt_write_options_set_lock_wait(write, 0, &error));
    CHECK_OK(ckpt_merge_options_set_lock_wait(merge, 0.5, &error));
    CHECK_OK(ckpt_manager_options_set_lock_wait(manager, 0, &error));
    CHECK_OK(ckpt_collect_options_set_lock_wait(collect, 0, &error));
    CHECK_OK(ckpt_collect_options_set_older_than(collect, 3600, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_collect_options_set_older_than(collect, -1, &error));
    CHECK(strcmp(ckpt_reason_name(CKPT_REASON_FORKED), "FORKED") == 0);
    CHECK(strcmp(ckpt_reason_name(CKPT_REASON_LOCK_LOST), "LOCK_LOST") == 0);
    ckpt_write_options_free(write);
    ckpt_merge_options_free(merge);
    ckpt_manager_options_free(manager);
    ckpt_collect_options_free(collect);
}

/* ---------------------------------------------------------------- forks */

static ckpt_save_options *stopping_at(gate *at) {
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *save = ckpt_save_options_new();
    CHECK_OK(ckpt_write_options_set_durability(write, CKPT_DURABILITY_NONE, &error));
    if (at != NULL) CHECK_OK(ckpt_write_options_set_progress(write, at_progress, at, NULL, &error));
    CHECK_OK(ckpt_save_options_set_write_options(save, write, &error));
    ckpt_write_options_free(write);
    return save;
}

/* What a program has when it forks. */
typedef struct program {
    ckpt_graph *graph, *busy_graph;
    ckpt_node root, value, busy_value;
    ckpt_checkpoint *checkpoint, *busy_checkpoint;
    ckpt_manager *manager;
    ckpt_saver *saver;
    ckpt_writer *writer;
    ckpt_reader *reader;
    ckpt_pending *pending, *opening;
    ckpt_checkpoints_iterator *iterator;
    ckpt_pin *pin;
    gate at_pending, at_write;
    pthread_t thread;
} program;

static const float values[] = {1, 2, 3};
static const int64_t shape[] = {3};

static ckpt_writer *writer_of(const char *name) {
    ckpt_writer *writer = NULL;
    CHECK_OK(ckpt_writer_new(in(name), NULL, &writer, &error));
    CHECK_OK(ckpt_writer_add(writer, TEXT("x"), CKPT_DTYPE_FLOAT, shape, 1, values, sizeof values, &error));
    return writer;
}

/* Another thread of the parent that has the lock of its graph when the process forks. */
static void *write_slowly(void *given) {
    program *p = (program *)given;
    ckpt_save_options *options = stopping_at(&p->at_write);
    ckpt_error *failed = NULL;
    if (ckpt_checkpoint_write(p->busy_checkpoint, in("busy"), options, NULL, &failed) != CKPT_CODE_OK) abort();
    ckpt_save_options_free(options);
    return NULL;
}

static ckpt_manager *manage(const ckpt_checkpoint *checkpoint, const char *name) {
    ckpt_manager_options *options = ckpt_manager_options_new();
    ckpt_manager *manager = NULL;
    CHECK_OK(ckpt_manager_options_set_max_to_keep(options, 1, &error));
    CHECK_OK(ckpt_manager_open(checkpoint, in(name), options, &manager, &error));
    ckpt_manager_options_free(options);
    return manager;
}

static program begin(void) {
    program p;
    memset(&p, 0, sizeof p);
    pthread_mutex_init(&p.at_pending.lock, NULL);
    pthread_cond_init(&p.at_pending.changed, NULL);
    pthread_mutex_init(&p.at_write.lock, NULL);
    pthread_cond_init(&p.at_write.changed, NULL);
    p.graph = ckpt_graph_new();
    p.root = object(p.graph);
    p.value = track_scalar(p.graph, p.root, "v", 1);
    p.checkpoint = checkpoint_of(p.graph, p.root);
    p.busy_graph = ckpt_graph_new();
    ckpt_node busy_root = object(p.busy_graph);
    p.busy_value = track_scalar(p.busy_graph, busy_root, "v", 1);
    p.busy_checkpoint = checkpoint_of(p.busy_graph, busy_root);
    p.manager = manage(p.checkpoint, ".");
    CHECK_OK(ckpt_manager_save(p.manager, NULL, NULL, &error));
    const ckpt_bytes name = bytes_of("v");
    CHECK_OK(ckpt_saver_new(p.graph, &name, &p.value, 1, NULL, &p.saver, &error));
    p.writer = writer_of("w");
    p.reader = must_open(in("ckpt-1"));
    CHECK_OK(ckpt_checkpoints_iterator_new(in("."), NULL, NULL, NULL, NULL, &p.iterator, &error));
    CHECK_OK(ckpt_pin_new(in("ckpt-1"), &p.pin, &error));
    CHECK_OK(ckpt_reader_open_async(in("ckpt-1"), NULL, &p.opening, &error)); /* nobody takes the reader */
    CHECK_OK(ckpt_pending_wait(p.opening, NULL, &error));
    return p;
}

static void end(program *p) {
    ckpt_pending_free(p->pending);
    ckpt_pending_free(p->opening);
    ckpt_pin_free(p->pin);
    ckpt_checkpoints_iterator_free(p->iterator);
    ckpt_reader_free(p->reader);
    ckpt_writer_free(p->writer);
    ckpt_saver_free(p->saver);
    ckpt_manager_free(p->manager);
    ckpt_checkpoint_free(p->checkpoint);
    ckpt_checkpoint_free(p->busy_checkpoint);
    ckpt_graph_free(p->graph);
    ckpt_graph_free(p->busy_graph);
}

static void check_forked(ckpt_code code, const char *what, int line) {
    check_int(CKPT_REASON_FORKED, error == NULL ? 0 : ckpt_error_reason(error), what, __FILE__, line);
    check_code(CKPT_CODE_FAILED_PRECONDITION, code, what, __FILE__, line);
}

#define FORKED(call) check_forked((call), #call, __LINE__)

static void check_locked(ckpt_code code, int line) {
    check_int(CKPT_REASON_LOCKED, error == NULL ? 0 : ckpt_error_reason(error), "the lock", __FILE__, line);
    check_code(CKPT_CODE_UNAVAILABLE, code, "the lock", __FILE__, line);
}

#define LOCKED(call) check_locked((call), __LINE__)

/* Every kind of call on what the child has inherited. */
static void call_everything(const program *p) {
    ckpt_string *path = NULL;
    ckpt_status *status = NULL;
    ckpt_pending *pending = NULL;
    ckpt_strings *paths = NULL;
    /* What writes fails at once. */
    FORKED(ckpt_writer_finish(p->writer, &error));
    FORKED(ckpt_checkpoint_write(p->checkpoint, in("child"), NULL, NULL, &error));
    FORKED(ckpt_checkpoint_save(p->checkpoint, in("child"), NULL, NULL, &error));
    FORKED(ckpt_checkpoint_write_numbered(p->checkpoint, in("child"), 1, NULL, NULL, &error));
    FORKED(ckpt_checkpoint_save_async(p->checkpoint, in("child"), NULL, &pending, &error));
    FORKED(ckpt_checkpoint_write_async(p->checkpoint, in("child"), NULL, &pending, &error));
    FORKED(ckpt_checkpoint_sync(p->checkpoint, &error));
    FORKED(ckpt_checkpoint_write(p->busy_checkpoint, in("child"), NULL, NULL, &error));
    FORKED(ckpt_manager_save(p->manager, NULL, NULL, &error));
    FORKED(ckpt_manager_save_async(p->manager, NULL, &pending, &error));
    FORKED(ckpt_manager_restore_or_initialize(p->manager, NULL, NULL, NULL, &error));
    FORKED(ckpt_saver_save(p->saver, in("child"), NULL, NULL, &error));
    FORKED(ckpt_checkpoints_iterator_next(p->iterator, &path, &error));
    FORKED(ckpt_pending_wait(p->pending, &path, &error));
    ckpt_reader *reader = NULL;
    int frees = 0;
    FORKED(ckpt_pending_take_reader(p->opening, &reader, &error));
    FORKED(ckpt_pending_notify(p->pending, count_free, &frees, count_free, &error));
    CHECK_INT(1, frees);
    FORKED(ckpt_checkpoint_restore_async(p->checkpoint, in("ckpt-1"), NULL, &pending, &error));
    FORKED(ckpt_manager_restore_or_initialize_async(p->manager, NULL, &pending, &error));
    CHECK(!ckpt_pending_wait_for(p->pending, 60));
    CHECK(!ckpt_pending_poll(p->pending, NULL, NULL));
    ckpt_pending_cancel(p->pending);
    /* What only looks does not hang. */
    CHECK(ckpt_pending_path(p->pending).len > 0);
    CHECK(text_has(ckpt_pin_prefix(p->pin), "ckpt-1"));
    ckpt_string *latest = ckpt_manager_latest_checkpoint(p->manager);
    CHECK(text_has(ckpt_string_bytes(latest), "ckpt-1"));
    ckpt_string_free(latest);
    ckpt_strings_free(ckpt_manager_checkpoints(p->manager));
    CHECK_OK(ckpt_saver_last_checkpoints(p->saver, &paths, &error));
    ckpt_strings_free(paths);
    /* What reads goes on, and what restores: a save that runs in the parent does not run here. */
    float read = 0;
    const ckpt_tensor *tensor = must_find(p->reader, "v/.ATTRIBUTES/VARIABLE_VALUE");
    CHECK_OK(ckpt_reader_read(p->reader, tensor, NULL, &read, sizeof read, &error));
    CHECK(read == 1);
    CHECK_OK(ckpt_checkpoint_restore(p->checkpoint, in("ckpt-1"), NULL, &status, &error));
    ckpt_status_free(status);
    CHECK(value_of(p->graph, p->value) == 1);
    /* The graph that a thread of the parent was using is lost. */
    FORKED(ckpt_graph_read(p->busy_graph, p->busy_value, &read, sizeof read, &error));
    FORKED(ckpt_checkpoint_restore(p->busy_checkpoint, in("ckpt-1"), NULL, &status, &error));
}

/* New handles work in the child, and the locks of the parent keep it out. */
static void begin_anew(void) {
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph);
    track_scalar(graph, root, "v", 9);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    ckpt_manager *here = manage(checkpoint, "."), *elsewhere = manage(checkpoint, "of the child");
    LOCKED(ckpt_manager_save(here, NULL, NULL, &error));
    CHECK_OK(ckpt_manager_save(elsewhere, NULL, NULL, &error));
    ckpt_pending *pending = NULL;
    CHECK_OK(ckpt_manager_save_async(elsewhere, NULL, &pending, &error));
    CHECK_OK(ckpt_pending_wait(pending, NULL, &error));
    ckpt_pending_free(pending);
    ckpt_reader *reader = NULL;
    CHECK_OK(ckpt_reader_open_async(in("ckpt-1"), NULL, &pending, &error));
    CHECK_OK(ckpt_pending_take_reader(pending, &reader, &error));
    ckpt_reader_free(reader);
    ckpt_pending_free(pending);
    ckpt_writer *writer = writer_of("beside");
    CHECK_OK(ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
    ckpt_manager_free(here);
    ckpt_manager_free(elsewhere);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
}

/* Runs `body` in a child, and checks that all its checks held. */
static void in_a_child(void (*body)(program *), program *p) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        checks_failed = 0;
        body(p);
        fflush(NULL);
        _exit(checks_failed == 0 ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void child_of_all(program *p) {
    call_everything(p);
    begin_anew();
    end(p);
    CHECK_INT(1, ckpt_live_handles()); /* the options of the thread that is not here */
}

static void child_that_forks(program *p) { in_a_child(child_of_all, p); }

static void another_program(program *p) {
    (void)p;
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, object(graph));
    ckpt_manager *manager = manage(checkpoint, ".");
    LOCKED(ckpt_manager_save(manager, NULL, NULL, &error));
    ckpt_manager_free(manager);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
}

/* Children call everything, make their own and free what they inherited; the parent goes on with its locks and pin. */
static void a_child_neither_hangs_nor_takes_anything_from_its_parent(void) {
    program p = begin();
    if (pthread_create(&p.thread, NULL, write_slowly, &p) != 0) exit(1);
    wait_for(&p.at_write);
    ckpt_save_options *slowly = stopping_at(&p.at_pending);
    CHECK_OK(ckpt_checkpoint_write_async(p.checkpoint, in("pending"), slowly, &p.pending, &error));
    ckpt_save_options_free(slowly);
    wait_for(&p.at_pending);

    in_a_child(child_of_all, &p);
    in_a_child(child_that_forks, &p);

    open_gate(&p.at_write);
    open_gate(&p.at_pending);
    pthread_join(p.thread, NULL);
    CHECK_OK(ckpt_pending_wait(p.pending, NULL, &error));
    ckpt_reader_free(must_open(in("pending")));
    ckpt_reader_free(must_open(in("busy")));
    in_a_child(another_program, &p); /* the lock of the manager is held */
    CHECK_OK(ckpt_writer_finish(p.writer, &error));
    /* The pin holds: two more saves leave the first checkpoint. */
    CHECK_OK(ckpt_manager_save(p.manager, NULL, NULL, &error));
    CHECK_OK(ckpt_manager_save(p.manager, NULL, NULL, &error));
    ckpt_reader_free(must_open(in("ckpt-1")));
    ckpt_pin_free(p.pin);
    p.pin = NULL;
    CHECK_OK(ckpt_manager_save(p.manager, NULL, NULL, &error));
    CHECK(access(in("ckpt-1.index"), F_OK) != 0);
    end(&p);
}

/* What a child opens after it has freed its parent's pin is its own and its children's, whatever number it has. */
static void files_of_a_child_go_to_its_children(void) {
    enum { FILES = 32 };
    ckpt_writer *writer = writer_of("pinned");
    ckpt_pin *pin = NULL;
    CHECK_OK(ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
    CHECK_OK(ckpt_pin_new(in("pinned"), &pin, &error));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int ends[2], files[FILES], status = -1;
        alarm(60);
        if (pipe(ends) != 0) _exit(2);
        ckpt_pin_free(pin);
        for (int i = 0; i < FILES; i++) files[i] = dup(ends[1]); /* all numbers that are free, that of the pin too */
        pid_t grandchild = fork();
        if (grandchild == 0) {
            int failed = 0;
            for (int i = 0; i < FILES; i++) failed += write(files[i], "x", 1) != 1;
            _exit(failed);
        }
        _exit(waitpid(grandchild, &status, 0) == grandchild && WIFEXITED(status) ? WEXITSTATUS(status) : 3);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ckpt_pin_free(pin);
}

/* A child that the library never hears of keeps neither lock nor pin of a parent that was killed. */
static void the_locks_of_a_killed_process_are_free_though_its_child_lives(void) {
    int from_child[2], to_child[2];
    if (pipe(from_child) != 0 || pipe(to_child) != 0) exit(1);
    fflush(NULL);
    pid_t owner = fork();
    if (owner == 0) {
        alarm(60);
        program p = begin();
        if (fork() == 0) {
            char byte = 0;
            close(to_child[1]);
            if (write(from_child[1], "x", 1) != 1 || read(to_child[0], &byte, 1) < 0) _exit(1);
            _exit(0); /* at the end of the test */
        }
        (void)p;
        for (;;) pause();
    }
    char byte = 0;
    CHECK(read(from_child[0], &byte, 1) == 1);
    in_a_child(another_program, NULL);
    kill(owner, SIGKILL);
    waitpid(owner, NULL, 0);
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph);
    track_scalar(graph, root, "v", 2);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    ckpt_manager *manager = manage(checkpoint, ".");
    CHECK_OK(ckpt_manager_restore_or_initialize(manager, NULL, NULL, NULL, &error));
    CHECK_OK(ckpt_manager_save(manager, NULL, NULL, &error));
    CHECK_OK(ckpt_manager_save(manager, NULL, NULL, &error));
    CHECK(access(in("ckpt-1.index"), F_OK) != 0);
    ckpt_manager_free(manager);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
    for (int i = 0; i < 2; i++) close(from_child[i]), close(to_child[i]);
}

/* Parent and child write one checkpoint at the same time: readers find it whole. */
static void parent_and_child_write_one_checkpoint(void) {
    fflush(NULL);
    ckpt_writer *writer = writer_of("both"); /* the seed of its names is inherited */
    pid_t child = fork();
    if (child == 0) checks_failed = 0;
    for (int i = 0; i < 200; i++) {
        ckpt_writer_free(writer);
        writer = writer_of("both");
        CHECK_OK(ckpt_writer_finish(writer, &error));
    }
    ckpt_writer_free(writer);
    if (child == 0) {
        fflush(NULL);
        _exit(checks_failed == 0 ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ckpt_reader *reader = must_open(in("both"));
    float read[3];
    CHECK_OK(ckpt_reader_read(reader, must_find(reader, "x"), NULL, read, sizeof read, &error));
    CHECK(memcmp(read, values, sizeof read) == 0);
    ckpt_reader_free(reader);
}

/* Says that its temporary files are there, and stops the write when it may go on. */
typedef struct halfway {
    int ready, go_on;
    bool has_stopped;
} halfway;

static ckpt_code stop_halfway(void *user_data, uint64_t done, uint64_t total) {
    halfway *at = (halfway *)user_data;
    char byte = 'x';
    (void)done, (void)total;
    at->has_stopped = true;
    return write(at->ready, &byte, 1) == 1 && read(at->go_on, &byte, 1) == 1 ? CKPT_CODE_CANCELLED : CKPT_CODE_ABORTED;
}

/* Begins to write one checkpoint, without a lock that would keep the others from it. */
static bool writes_halfway(int ready, int go_on) {
    halfway at = {ready, go_on, false};
    ckpt_write_options *options = ckpt_write_options_new();
    ckpt_writer *writer = NULL;
    CHECK_OK(ckpt_write_options_set_locking(options, CKPT_LOCKING_NONE, &error));
    CHECK_OK(ckpt_write_options_set_progress(options, stop_halfway, &at, NULL, &error));
    CHECK_OK(ckpt_writer_new(in("names"), options, &writer, &error));
    CHECK_OK(ckpt_writer_add(writer, TEXT("x"), CKPT_DTYPE_FLOAT, shape, 1, values, sizeof values, &error));
    bool stopped = CHECK_FAILS(CKPT_CODE_CANCELLED, ckpt_writer_finish(writer, &error));
    if (!at.has_stopped && write(ready, "f", 1) != 1) abort();
    ckpt_writer_free(writer);
    ckpt_write_options_free(options);
    return stopped;
}

/* The attempts whose temporary files are in the directory: of `.ckpt-tmp-HASH-ATTEMPT-ROLE` the second number. */
static int attempts(void) {
    enum { BEFORE = 10 + 16 + 1, DIGITS = 16, MOST = 64 };
    char found[MOST][DIGITS];
    int count = 0;
    DIR *open = opendir(directory);
    for (struct dirent *entry = readdir(open); entry != NULL && count < MOST; entry = readdir(open)) {
        if (strncmp(entry->d_name, ".ckpt-tmp-", 10) != 0 || strlen(entry->d_name) < BEFORE + DIGITS) continue;
        int at = 0;
        while (at < count && memcmp(found[at], entry->d_name + BEFORE, DIGITS) != 0) at++;
        if (at == count) memcpy(found[count++], entry->d_name + BEFORE, DIGITS);
    }
    closedir(open);
    return count;
}

/* Children that inherit the seed of their parent's names, each with its own temporary files of one checkpoint. */
static void temporary_names_of_children_differ(void) {
    enum { CHILDREN = 12 };
    int ready[2], go_on[2], stopped = 0;
    if (pipe(ready) != 0 || pipe(go_on) != 0) exit(1);
    ckpt_writer *writer = writer_of("before"); /* the parent has made names already */
    CHECK_OK(ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
    fflush(NULL);
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            alarm(60);
            _exit(writes_halfway(ready[1], go_on[0]) ? 0 : 1);
        }
    }
    for (int i = 0; i < CHILDREN; i++) {
        char byte = 0;
        CHECK(read(ready[0], &byte, 1) == 1);
        stopped += byte == 'x';
    }
    CHECK_INT(CHILDREN, stopped);
    CHECK_INT(CHILDREN, attempts());
    for (int i = 0; i < CHILDREN; i++) CHECK(write(go_on[1], "x", 1) == 1);
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        CHECK(waitpid(children[i], &status, 0) == children[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK_INT(0, attempts()); /* each has removed its own */
    for (int i = 0; i < 2; i++) close(ready[i]), close(go_on[i]);
}

/* A thread that reads and opens without end, while the process forks. */
typedef struct busy_reader {
    ckpt_reader *reader;
    char path[512];
    pthread_t thread;
    pthread_mutex_t lock;
    bool is_over;
    int failed;
} busy_reader;

static bool is_over(busy_reader *busy) {
    pthread_mutex_lock(&busy->lock);
    bool over = busy->is_over;
    pthread_mutex_unlock(&busy->lock);
    return over;
}

/* Reads `key`, which is {1, 2, 3}, and closes the reader if it is not `kept`. */
static bool reads(ckpt_reader *reader, const char *key, bool kept) {
    ckpt_error *failed = NULL;
    const ckpt_tensor *tensor = NULL;
    float read[3] = {0};
    bool ok = ckpt_reader_find(reader, key, strlen(key), &tensor, &failed) == CKPT_CODE_OK &&
              ckpt_reader_read(reader, tensor, NULL, read, sizeof read, &failed) == CKPT_CODE_OK &&
              memcmp(read, values, sizeof read) == 0;
    if (failed != NULL) fprintf(stderr, "%s\n", ckpt_error_message(failed));
    ckpt_error_free(failed);
    if (!kept) ckpt_reader_free(reader);
    return ok;
}

static void *read_without_end(void *given) {
    busy_reader *busy = (busy_reader *)given;
    while (!is_over(busy)) {
        ckpt_reader *another = NULL;
        for (int i = 0; i < 50; i++) busy->failed += !reads(busy->reader, "x", true);
        if (ckpt_reader_open(busy->path, NULL, &another, NULL) != CKPT_CODE_OK)
            busy->failed++;
        else
            busy->failed += !reads(another, "x", false);
    }
    return NULL;
}

/* Whatever the other threads of the parent were reading or opening: each child reads with what it has inherited and anew. */
static void children_read_while_the_parent_reads_and_opens(void) {
    enum { CHILDREN = 300, THREADS = 2 };
    ckpt_writer *writer = writer_of("read");
    CHECK_OK(ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
    busy_reader busy[THREADS];
    memset(busy, 0, sizeof busy);
    ckpt_reader *shared = must_open(in("read"));
    for (int i = 0; i < THREADS; i++) {
        busy[i].reader = shared;
        snprintf(busy[i].path, sizeof busy[i].path, "%s", in("read"));
        pthread_mutex_init(&busy[i].lock, NULL);
        if (pthread_create(&busy[i].thread, NULL, read_without_end, &busy[i]) != 0) exit(1);
    }
    int hung = 0, failed = 0;
    fflush(NULL);
    for (int i = 0; i < CHILDREN && hung < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(10);
            ckpt_reader *anew = NULL;
            bool ok = reads(shared, "x", true);
            ok = ckpt_reader_open(busy[0].path, NULL, &anew, NULL) == CKPT_CODE_OK && reads(anew, "x", false) && ok;
            _exit(ok ? 0 : 1);
        }
        int status = -1;
        if (waitpid(child, &status, 0) != child) exit(1);
        hung += WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    CHECK_INT(0, hung);
    CHECK_INT(0, failed);
    for (int i = 0; i < THREADS; i++) {
        pthread_mutex_lock(&busy[i].lock);
        busy[i].is_over = true;
        pthread_mutex_unlock(&busy[i].lock);
        pthread_join(busy[i].thread, NULL);
        CHECK_INT(0, busy[i].failed);
    }
    ckpt_reader_free(shared);
}

static void remove_all(void) {
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    CHECK_INT(0, system(command));
}

int main(void) {
    options_say_how_to_lock();
    make_directory();
    a_child_neither_hangs_nor_takes_anything_from_its_parent();
    remove_all();
    CHECK_INT(0, mkdir(directory, 0777));
    the_locks_of_a_killed_process_are_free_though_its_child_lives();
    files_of_a_child_go_to_its_children();
    parent_and_child_write_one_checkpoint();
    temporary_names_of_children_differ();
    if (ALLOCATES_AFTER_FORK)
        children_read_while_the_parent_reads_and_opens();
    else
        puts("left out under AddressSanitizer: children that read while the parent reads and opens");
    remove_all();
    return check_report();
}
