/* One graph, several threads: each call takes the graph's lock, so that calls come one after the other. A handle for one thread
 * at a time: a second call fails, and nothing is torn. Also run under ThreadSanitizer. */
#include "graphs.h"

enum { THREADS = 4, ROUNDS = 60 };

/* `error` of check.h is for one thread: here every call has one of its own, and what fails is counted. */
typedef struct worker {
    pthread_t thread;
    int number;
    int failed;
    char first[300]; /* the first failure */
} worker;

static ckpt_graph *graph;
static ckpt_checkpoint *checkpoint;
static ckpt_node root, shared_list, step;

static bool done(worker *me, ckpt_code code, ckpt_error *problem, const char *what) {
    if (code != CKPT_CODE_OK && me->failed++ == 0)
        snprintf(me->first, sizeof me->first, "%s: %s", what, ckpt_error_message(problem));
    ckpt_error_free(problem);
    return code == CKPT_CODE_OK;
}

#define DO(call) (problem = NULL, code = (call), done(me, code, problem, #call))

/* Adds, tracks, assigns and reads objects of its own, and grows the list of all. */
static void *build(void *argument) {
    worker *me = (worker *)argument;
    ckpt_error *problem;
    ckpt_code code;
    for (int round = 0; round < ROUNDS; round++) {
        char name[32];
        float value = (float)(me->number * ROUNDS + round), found = -1;
        ckpt_node node = 0, owner = 0, there = 0;
        ckpt_nodes *nodes = NULL;
        bool is_there = false;
        snprintf(name, sizeof name, "t%d-%d", me->number, round);
        DO(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, NULL, 0, &value, 4, NULL, &node, &problem));
        DO(ckpt_graph_track(graph, root, name, strlen(name), node, &problem));
        DO(ckpt_graph_list_append(graph, shared_list, node, &problem));
        DO(ckpt_graph_add_object(graph, NULL, &owner, &problem));
        DO(ckpt_graph_track(graph, owner, "x", 1, node, &problem));
        DO(ckpt_graph_lookup(graph, root, name, strlen(name), &there, &problem));
        if (there != node) me->failed++;
        DO(ckpt_graph_read(graph, node, &found, 4, &problem));
        if (found != value) me->failed++;
        DO(ckpt_graph_descendants(graph, root, &nodes, &problem));
        ckpt_nodes_free(nodes);
        DO(ckpt_graph_remove(graph, owner, &problem));
        DO(ckpt_graph_contains(graph, owner, &is_there, &problem));
        if (is_there) me->failed++;
    }
    return NULL;
}

/* Saves what is there, under a prefix of its own. */
static void *save(void *argument) {
    worker *me = (worker *)argument;
    ckpt_error *problem;
    ckpt_code code;
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *options = ckpt_save_options_new();
    DO(ckpt_write_options_set_threads(write, 2, &problem));
    DO(ckpt_write_options_set_durability(write, CKPT_DURABILITY_NONE, &problem));
    DO(ckpt_save_options_set_write_options(options, write, &problem));
    for (int round = 0; round < ROUNDS / 4; round++) {
        char prefix[300];
        ckpt_string *path = NULL;
        snprintf(prefix, sizeof prefix, "%s/save%d", directory, me->number);
        DO(ckpt_checkpoint_save(checkpoint, prefix, options, &path, &problem));
        ckpt_string_free(path);
    }
    ckpt_write_options_free(write);
    ckpt_save_options_free(options);
    return NULL;
}

/* Restores "first" and asks about it. */
static void *restore(void *argument) {
    worker *me = (worker *)argument;
    ckpt_error *problem;
    ckpt_code code;
    char path[300];
    snprintf(path, sizeof path, "%s/first", directory);
    for (int round = 0; round < ROUNDS / 2; round++) {
        ckpt_status *status = NULL;
        ckpt_report *report = NULL;
        int64_t value = 0;
        if (!DO(ckpt_checkpoint_read(checkpoint, path, NULL, &status, &problem))) continue;
        DO(ckpt_status_report(status, &report, &problem));
        if (ckpt_report_count_of(report, CKPT_ROW_STATE_RESTORED) != 1) me->failed++;
        DO(ckpt_status_assert_nontrivial_match(status, &problem));
        DO(ckpt_graph_read_integer(graph, step, &value, &problem));
        if (value != 5) me->failed++;
        ckpt_status_expect_partial(status);
        ckpt_report_free(report);
        ckpt_status_free(status);
    }
    return NULL;
}

/* Makes and frees handles of the same graph. */
static void *hold(void *argument) {
    worker *me = (worker *)argument;
    ckpt_error *problem;
    ckpt_code code;
    for (int round = 0; round < ROUNDS; round++) {
        ckpt_graph *mine = ckpt_checkpoint_graph(checkpoint);
        ckpt_checkpoint *other = NULL;
        ckpt_description *description = NULL;
        int64_t count = -1;
        DO(ckpt_checkpoint_new(mine, root, &other, &problem));
        ckpt_graph_free(mine);
        DO(ckpt_graph_describe(graph, step, &description, &problem));
        ckpt_description_free(description);
        DO(ckpt_checkpoint_save_count(other, &count, &problem));
        ckpt_checkpoint_free(other);
    }
    return NULL;
}

static void several_threads_use_one_graph(void) {
    static void *(*const work[])(void *) = {build, save, restore, hold};
    static worker workers[COUNT(work) * THREADS];
    graph = ckpt_graph_new();
    root = object(graph);
    step = integer(graph, 5);
    track(graph, root, "step", step);
    checkpoint = checkpoint_of(graph, root);
    write_as(checkpoint, "first");
    CHECK_OK(ckpt_graph_add_list(graph, NULL, &shared_list, &error));
    track(graph, root, "list", shared_list);
    for (size_t i = 0; i < COUNT(workers); i++) {
        workers[i].number = (int)i;
        CHECK(pthread_create(&workers[i].thread, NULL, work[i % COUNT(work)], &workers[i]) == 0);
    }
    for (size_t i = 0; i < COUNT(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        check_that(workers[i].failed == 0, "a thread's calls succeed", workers[i].first, __FILE__, __LINE__);
    }
    ckpt_nodes *elements = NULL;
    int64_t count = 0;
    CHECK_OK(ckpt_graph_list_elements(graph, shared_list, &elements, &error));
    CHECK_INT(THREADS * ROUNDS, ckpt_nodes_count(elements));
    ckpt_nodes_free(elements);
    CHECK_OK(ckpt_checkpoint_save_count(checkpoint, &count, &error));
    CHECK_INT(THREADS * (ROUNDS / 4), count);
    ckpt_status_free(read_back(checkpoint, "first"));
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
}

static ckpt_manager *manager;

/* Saves with the manager, and asks what it keeps. */
static void *manage(void *argument) {
    worker *me = (worker *)argument;
    ckpt_error *problem;
    ckpt_code code;
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *options = ckpt_save_options_new();
    ckpt_manager_save_options *save_options = ckpt_manager_save_options_new();
    DO(ckpt_write_options_set_durability(write, CKPT_DURABILITY_NONE, &problem));
    DO(ckpt_save_options_set_write_options(options, write, &problem));
    DO(ckpt_manager_save_options_set_save_options(save_options, options, &problem));
    for (int round = 0; round < ROUNDS / 4; round++) {
        DO(ckpt_manager_save(manager, save_options, NULL, &problem));
        ckpt_strings *kept = ckpt_manager_checkpoints(manager);
        ckpt_string *latest = ckpt_manager_latest_checkpoint(manager);
        if (ckpt_strings_count(kept) > 2 || latest == NULL) me->failed++;
        ckpt_strings_free(kept);
        ckpt_string_free(latest);
    }
    ckpt_manager_save_options_free(save_options);
    ckpt_write_options_free(write);
    ckpt_save_options_free(options);
    return NULL;
}

/* Holds the latest checkpoint and reads it. */
static void *evaluate(void *argument) {
    worker *me = (worker *)argument;
    ckpt_error *problem;
    ckpt_code code;
    for (int round = 0; round < ROUNDS / 4; round++) {
        ckpt_pin *pin = NULL;
        ckpt_reader *reader = NULL;
        char path[300];
        if (!DO(ckpt_pin_latest(directory, NULL, &pin, &problem)) || pin == NULL) continue;
        ckpt_bytes prefix = ckpt_pin_prefix(pin);
        snprintf(path, sizeof path, "%.*s", (int)prefix.len, (const char *)prefix.data);
        DO(ckpt_reader_open(path, NULL, &reader, &problem));
        if (ckpt_reader_count(reader) != 3) me->failed++;
        ckpt_reader_free(reader);
        ckpt_pin_free(pin);
    }
    return NULL;
}

static void several_threads_use_one_manager(void) {
    static void *(*const work[])(void *) = {manage, evaluate};
    static worker workers[COUNT(work) * THREADS];
    ckpt_manager_options *options = ckpt_manager_options_new();
    CHECK_OK(ckpt_manager_options_set_max_to_keep(options, 2, &error));
    graph = ckpt_graph_new();
    root = object(graph);
    track(graph, root, "step", integer(graph, 5));
    checkpoint = checkpoint_of(graph, root);
    CHECK_OK(ckpt_manager_open(checkpoint, directory, options, &manager, &error));
    for (size_t i = 0; i < COUNT(workers); i++) {
        CHECK(pthread_create(&workers[i].thread, NULL, work[i % COUNT(work)], &workers[i]) == 0);
    }
    for (size_t i = 0; i < COUNT(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        check_that(workers[i].failed == 0, "a thread's calls succeed", workers[i].first, __FILE__, __LINE__);
    }
    CHECK_OK(ckpt_manager_save(manager, NULL, NULL, &error));
    CHECK_INT(5, files(true)); /* two checkpoints and the state file */
    ckpt_manager_options_free(options);
    ckpt_manager_free(manager);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
}

/* Of several threads, whoever frees the last handle frees the graph. */
static pthread_barrier_t together;

static void *free_graph(void *handle) {
    pthread_barrier_wait(&together);
    ckpt_graph_free((ckpt_graph *)handle);
    return NULL;
}

static void *free_checkpoint(void *handle) {
    pthread_barrier_wait(&together);
    ckpt_checkpoint_free((ckpt_checkpoint *)handle);
    return NULL;
}

static void *free_status(void *handle) {
    pthread_barrier_wait(&together);
    ckpt_status_free((ckpt_status *)handle);
    return NULL;
}

static void the_last_handle_frees_the_graph_on_any_thread(void) {
    for (int round = 0; round < 20; round++) {
        float memory = 1;
        int released = 0;
        ckpt_node top = 0, node = 0;
        pthread_t threads[3];
        ckpt_graph *own = ckpt_graph_new();
        top = object(own);
        CHECK_OK(ckpt_graph_add_borrowed(own, CKPT_DTYPE_FLOAT, NULL, 0, &memory, 4, &released, count_free, NULL, &node, &error));
        track(own, top, "m", node);
        ckpt_checkpoint *saved = checkpoint_of(own, top);
        write_as(saved, "last");
        ckpt_status *status = read_back(saved, "last");
        pthread_barrier_init(&together, NULL, 3);
        CHECK(pthread_create(&threads[0], NULL, free_graph, own) == 0);
        CHECK(pthread_create(&threads[1], NULL, free_checkpoint, saved) == 0);
        CHECK(pthread_create(&threads[2], NULL, free_status, status) == 0);
        for (size_t i = 0; i < COUNT(threads); i++) pthread_join(threads[i], NULL);
        pthread_barrier_destroy(&together);
        CHECK_INT(1, released);
    }
}

/* ---------------------------------------------------------------- handles for one thread at a time */

enum { TENSORS = 400, LENGTH = 16 };

static ckpt_writer *writer;
static float values[THREADS][TENSORS][LENGTH];
static bool added[THREADS][TENSORS];

/* Counts what fails for another reason than that the handle is in use. */
static bool done_or_in_use(worker *me, ckpt_code code, ckpt_error *problem, const char *what) {
    if (code == CKPT_CODE_FAILED_PRECONDITION && ckpt_error_reason(problem) == CKPT_REASON_CONCURRENT_USE) {
        ckpt_error_free(problem);
        return false;
    }
    return done(me, code, problem, what);
}

#define TRY(call) (problem = NULL, code = (call), done_or_in_use(me, code, problem, #call))

static void key_of(char key[16], int thread, int tensor) { snprintf(key, 16, "t%d/%04d", thread, tensor); }

static void *add(void *argument) {
    worker *me = (worker *)argument;
    static const int64_t shape[] = {LENGTH};
    ckpt_error *problem;
    ckpt_code code;
    pthread_barrier_wait(&together);
    for (int i = 0; i < TENSORS; i++) {
        char key[16];
        key_of(key, me->number, i);
        for (int j = 0; j < LENGTH; j++) values[me->number][i][j] = (float)(me->number * 1000 + i + j);
        added[me->number][i] = TRY(ckpt_writer_add(writer, key, strlen(key), CKPT_DTYPE_FLOAT, shape, 1, values[me->number][i],
                                                   sizeof values[me->number][i], &problem));
    }
    return NULL;
}

/* Runs `work` on several threads, which begin together. */
static void run_together(void *(*work)(void *)) {
    worker workers[THREADS] = {{0}};
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        workers[i].number = i;
        CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        check_that(workers[i].failed == 0, "each call succeeds or finds the handle in use", workers[i].first, __FILE__, __LINE__);
    }
    pthread_barrier_destroy(&together);
}

static void a_writer_takes_a_tensor_or_refuses_it(void) {
    size_t count = 0;
    CHECK_OK(ckpt_writer_new(in("shared"), NULL, &writer, &error));
    run_together(add);
    CHECK_OK(ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
    ckpt_verification *verification = NULL;
    CHECK_OK(ckpt_verify(in("shared"), NULL, &verification, &error));
    CHECK_INT(0, ckpt_verification_problem_count(verification));
    ckpt_verification_free(verification);
    ckpt_reader *reader = must_open(in("shared"));
    for (int thread = 0; thread < THREADS; thread++) {
        for (int i = 0; i < TENSORS; i++) {
            char key[16];
            float found[LENGTH] = {0};
            key_of(key, thread, i);
            CHECK(ckpt_reader_has(reader, key, strlen(key)) == added[thread][i]);
            if (!added[thread][i]) continue;
            count++;
            CHECK_OK(ckpt_reader_read(reader, must_find(reader, key), NULL, found, sizeof found, &error));
            CHECK(memcmp(found, values[thread][i], sizeof found) == 0);
        }
    }
    CHECK(count > 0);
    CHECK_INT(count, ckpt_reader_count(reader));
    ckpt_reader_free(reader);
}

static ckpt_write_options *options;
static ckpt_cancel *flag;

/* One changes options, the others use them. */
static void *change_or_use(void *argument) {
    worker *me = (worker *)argument;
    ckpt_error *problem;
    ckpt_code code;
    char prefix[300];
    snprintf(prefix, sizeof prefix, "%s/options", directory);
    pthread_barrier_wait(&together);
    for (int round = 0; round < 20 * ROUNDS; round++) {
        ckpt_writer *made = NULL;
        if (me->number == 0) {
            TRY(ckpt_write_options_set_shards(options, (uint32_t)round, &problem));
            TRY(ckpt_write_options_set_alignment(options, 8, &problem));
            TRY(ckpt_write_options_set_cancel(options, flag, &problem));
            continue;
        }
        TRY(ckpt_writer_new(prefix, options, &made, &problem));
        ckpt_writer_free(made);
    }
    return NULL;
}

static void options_are_changed_by_one_call_or_used_by_several(void) {
    options = ckpt_write_options_new();
    flag = ckpt_cancel_new();
    run_together(change_or_use);
    ckpt_cancel_free(flag);
    ckpt_write_options_free(options);
}

static ckpt_sink *shared_sink;
static bool put[THREADS][ROUNDS];

static void *fill(void *argument) {
    worker *me = (worker *)argument;
    ckpt_error *problem;
    ckpt_code code;
    pthread_barrier_wait(&together);
    for (int i = 0; i < ROUNDS; i++) {
        char name[16];
        key_of(name, me->number, i);
        put[me->number][i] = TRY(ckpt_sink_put(shared_sink, name, strlen(name), CKPT_DTYPE_INT32, NULL, 0, &i, 4, &problem));
    }
    return NULL;
}

static ckpt_code fill_together(void *user_data, ckpt_sink *sink, ckpt_failure *failure) {
    (void)user_data, (void)failure;
    shared_sink = sink;
    run_together(fill);
    return CKPT_CODE_OK;
}

static ckpt_code leave(void *user_data, const ckpt_source *source, ckpt_failure *failure) {
    (void)user_data, (void)source, (void)failure;
    return CKPT_CODE_OK;
}

static void a_sink_takes_a_tensor_or_refuses_it(void) {
    ckpt_graph *own = ckpt_graph_new();
    ckpt_node top = object(own), state = 0;
    size_t count = 0;
    CHECK_OK(ckpt_graph_add_state(own, fill_together, leave, NULL, NULL, NULL, &state, &error));
    track(own, top, "state", state);
    ckpt_checkpoint *saved = checkpoint_of(own, top);
    write_as(saved, "sink");
    for (int thread = 0; thread < THREADS; thread++) {
        for (int i = 0; i < ROUNDS; i++) count += put[thread][i];
    }
    ckpt_reader *reader = must_open(in("sink"));
    CHECK(count > 0);
    CHECK_INT(count + 1, ckpt_reader_count(reader)); /* and the object graph */
    ckpt_reader_free(reader);
    ckpt_checkpoint_free(saved);
    ckpt_graph_free(own);
}

static ckpt_checkpoints_iterator *iterator;
static int iterator_freed;

static bool is_in_use(void) {
    ckpt_string *path = NULL;
    ckpt_error *problem = NULL;
    ckpt_code code = ckpt_checkpoints_iterator_next(iterator, &path, &problem);
    bool refused = code == CKPT_CODE_FAILED_PRECONDITION && ckpt_error_reason(problem) == CKPT_REASON_CONCURRENT_USE && !path;
    ckpt_error_free(problem);
    return refused;
}

static void *use_and_free(void *refused) {
    *(bool *)refused = is_in_use();
    ckpt_checkpoints_iterator_free(iterator);
    return NULL;
}

/* Called during ckpt_checkpoints_iterator_next. */
static bool use_the_iterator_again(void *user_data) {
    bool refused = false;
    pthread_t other;
    (void)user_data;
    CHECK(is_in_use());
    CHECK(pthread_create(&other, NULL, use_and_free, &refused) == 0);
    pthread_join(other, NULL);
    CHECK(refused);
    CHECK_INT(0, iterator_freed); /* not before the call ends */
    return true;
}

static void a_call_is_refused_and_a_free_put_off_while_another_runs(void) {
    ckpt_wait_options *wait = ckpt_wait_options_new();
    ckpt_string *path = NULL;
    CHECK_OK(ckpt_wait_options_set_timeout(wait, 0, &error));
    CHECK_OK(ckpt_checkpoints_iterator_new(in("nowhere"), wait, use_the_iterator_again, &iterator_freed, count_free, &iterator,
                                           &error));
    CHECK_OK(ckpt_checkpoints_iterator_next(iterator, &path, &error));
    CHECK(path == NULL);
    CHECK_INT(1, iterator_freed);
    ckpt_wait_options_free(wait);
}

int main(void) {
    make_directory();
    several_threads_use_one_graph();
    files(true);
    several_threads_use_one_manager();
    the_last_handle_frees_the_graph_on_any_thread();
    a_writer_takes_a_tensor_or_refuses_it();
    options_are_changed_by_one_call_or_used_by_several();
    a_sink_takes_a_tensor_or_refuses_it();
    a_call_is_refused_and_a_free_put_off_while_another_runs();
    remove_directory();
    return check_report();
}
