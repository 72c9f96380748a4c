/* Several ranks save one checkpoint: threads that talk through memory, of which one may stay away. */
#include "graphs.h"

enum { RANKS = 3, ROWS = 6 };

/* What one rank leaves for another. */
typedef struct letter {
    void *data;
    size_t size;
    bool there;
} letter;

typedef struct town {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    letter to_chief[RANKS], from_chief[RANKS];
    bool away[RANKS];
} town;

typedef struct citizen {
    struct town *town;
    uint32_t rank;
    int freed;
} citizen;

static void leave(letter *letter, const void *data, size_t size) {
    letter->data = malloc(size + 1);
    memcpy(letter->data, data, size);
    letter->size = size;
    letter->there = true;
}

static ckpt_code take(letter *letter, uint32_t rank, ckpt_messages *messages) {
    ckpt_code code = ckpt_messages_put(messages, rank, letter->data, letter->size, NULL);
    free(letter->data);
    letter->there = false;
    return code;
}

static ckpt_code gather(void *user_data, const void *message, size_t size, ckpt_messages *messages, ckpt_failure *failure) {
    citizen *own = (citizen *)user_data;
    town *town = own->town;
    ckpt_code code = CKPT_CODE_OK;
    (void)failure;
    pthread_mutex_lock(&town->lock);
    if (own->rank > 0) {
        leave(&town->to_chief[own->rank], message, size);
    } else {
        for (uint32_t rank = 1; rank < RANKS; rank++) {
            while (!town->to_chief[rank].there && !town->away[rank]) pthread_cond_wait(&town->changed, &town->lock);
            if (town->to_chief[rank].there && code == CKPT_CODE_OK) code = take(&town->to_chief[rank], rank, messages);
        }
    }
    pthread_cond_broadcast(&town->changed);
    pthread_mutex_unlock(&town->lock);
    return code;
}

static ckpt_code broadcast(void *user_data, const void *message, size_t size, ckpt_messages *messages, ckpt_failure *failure) {
    citizen *own = (citizen *)user_data;
    town *town = own->town;
    ckpt_code code = CKPT_CODE_OK;
    pthread_mutex_lock(&town->lock);
    if (own->rank == 0) {
        for (uint32_t rank = 1; rank < RANKS; rank++) {
            if (!town->away[rank]) leave(&town->from_chief[rank], message, size);
        }
    } else {
        while (!town->from_chief[own->rank].there && !town->away[0]) pthread_cond_wait(&town->changed, &town->lock);
        if (town->from_chief[own->rank].there) {
            code = take(&town->from_chief[own->rank], 0, messages);
        } else {
            ckpt_failure_set(failure, "the chief is away", strlen("the chief is away"));
            code = CKPT_CODE_UNAVAILABLE;
        }
    }
    pthread_cond_broadcast(&town->changed);
    pthread_mutex_unlock(&town->lock);
    return code;
}

static void free_citizen(void *user_data) { ((citizen *)user_data)->freed++; }

/* A program of a rank: its rows of a table, and a number that all have. */
typedef struct program {
    ckpt_graph *graph;
    ckpt_checkpoint *checkpoint;
    ckpt_node table, shared;
    float rows[ROWS];
} program;

static void make_program(program *made, uint32_t rank, uint32_t count, float first) {
    const int64_t shape = ROWS, start = ROWS / count * rank, length = ROWS / count;
    ckpt_error *problem = NULL;
    ckpt_node_options *options = ckpt_node_options_new();
    ckpt_node root = 0;
    bool fine = ckpt_node_options_set_part(options, &shape, &start, &length, 1, &problem) == CKPT_CODE_OK;
    for (int64_t i = 0; i < length; i++) made->rows[i] = first + (float)(start + i);
    made->graph = ckpt_graph_new();
    fine = fine && ckpt_graph_add_borrowed(made->graph, CKPT_DTYPE_FLOAT, &length, 1, made->rows, (size_t)length * sizeof(float),
                                           NULL, NULL, options, &made->table, &problem) == CKPT_CODE_OK;
    const float shared = first + (float)rank;
    fine = fine && ckpt_graph_add_owned(made->graph, CKPT_DTYPE_FLOAT, NULL, 0, &shared, sizeof shared, NULL, &made->shared,
                                        &problem) == CKPT_CODE_OK;
    fine = fine && ckpt_graph_add_object(made->graph, NULL, &root, &problem) == CKPT_CODE_OK;
    fine = fine && ckpt_graph_track(made->graph, root, "table", 5, made->table, &problem) == CKPT_CODE_OK;
    fine = fine && ckpt_graph_track(made->graph, root, "shared", 6, made->shared, &problem) == CKPT_CODE_OK;
    fine = fine && ckpt_checkpoint_new(made->graph, root, &made->checkpoint, &problem) == CKPT_CODE_OK;
    if (!fine) abort(); /* in a thread, which cannot check */
    ckpt_node_options_free(options);
}

static void free_program(program *made) {
    ckpt_checkpoint_free(made->checkpoint);
    ckpt_graph_free(made->graph);
}

typedef enum how { WRITE, SAVE, SECTION, MANAGED } how;

/* What a rank does, and what becomes of it. */
typedef struct job {
    struct citizen citizen;
    enum how how;
    bool stays_away;
    ckpt_code code;
    ckpt_error *problem;
    char path[600];
} job;

static void *work(void *data) {
    job *job = (struct job *)data;
    const uint32_t rank = job->citizen.rank;
    if (job->stays_away) {
        pthread_mutex_lock(&job->citizen.town->lock);
        job->citizen.town->away[rank] = true;
        pthread_cond_broadcast(&job->citizen.town->changed);
        pthread_mutex_unlock(&job->citizen.town->lock);
        return NULL;
    }
    program program;
    make_program(&program, rank, RANKS, 100);
    ckpt_ranks *ranks = NULL;
    ckpt_string *path = NULL;
    ckpt_manager *manager = NULL;
    char prefix[600];
    snprintf(prefix, sizeof prefix, "%s/ckpt", directory);
    job->code = ckpt_ranks_new(rank, RANKS, gather, broadcast, &job->citizen, free_citizen, &ranks, &job->problem);
    switch (job->code == CKPT_CODE_OK ? (int)job->how : -1) {
        case WRITE:
            job->code = ckpt_checkpoint_write_ranked(program.checkpoint, prefix, ranks, NULL, &path, &job->problem);
            break;
        case SAVE: job->code = ckpt_checkpoint_save_ranked(program.checkpoint, prefix, ranks, NULL, &path, &job->problem); break;
        case SECTION:
            job->code = ckpt_checkpoint_write_section(program.checkpoint, prefix, ranks, NULL, &path, &job->problem);
            break;
        case MANAGED:
            job->code = ckpt_manager_open(program.checkpoint, directory, NULL, &manager, &job->problem);
            if (job->code == CKPT_CODE_OK) job->code = ckpt_manager_save_ranked(manager, ranks, NULL, &path, &job->problem);
            break;
        default: break;
    }
    if (path)
        snprintf(job->path, sizeof job->path, "%.*s", (int)ckpt_string_bytes(path).len,
                 (const char *)ckpt_string_bytes(path).data);
    ckpt_string_free(path);
    ckpt_manager_free(manager);
    ckpt_ranks_free(ranks);
    free_program(&program);
    return NULL;
}

/* All ranks do the same; `away` does nothing. */
static void run(how how, int away, job *jobs) {
    pthread_t threads[RANKS];
    town town;
    memset(&town, 0, sizeof town);
    pthread_mutex_init(&town.lock, NULL);
    pthread_cond_init(&town.changed, NULL);
    memset(jobs, 0, RANKS * sizeof *jobs);
    for (uint32_t rank = 0; rank < RANKS; rank++) {
        jobs[rank].citizen.town = &town;
        jobs[rank].citizen.rank = rank;
        jobs[rank].how = how;
        jobs[rank].stays_away = (int)rank == away;
        pthread_create(&threads[rank], NULL, work, &jobs[rank]);
    }
    for (int rank = 0; rank < RANKS; rank++) {
        pthread_join(threads[rank], NULL);
        CHECK_INT(rank == away ? 0 : 1, jobs[rank].citizen.freed);
    }
    for (int rank = 0; rank < RANKS; rank++) {
        if (town.to_chief[rank].there) free(town.to_chief[rank].data);
        if (town.from_chief[rank].there) free(town.from_chief[rank].data);
    }
    pthread_cond_destroy(&town.changed);
    pthread_mutex_destroy(&town.lock);
}

/* Two other ranks, and one, restore what was saved. */
static void check_saved(const char *path) {
    for (uint32_t count = 1; count <= 2; count++) {
        for (uint32_t rank = 0; rank < count; rank++) {
            program program;
            ckpt_status *status = NULL;
            make_program(&program, rank, count, -1000);
            CHECK_OK(ckpt_checkpoint_read(program.checkpoint, path, NULL, &status, &error));
            CHECK_OK(ckpt_status_assert_existing_objects_matched(status, &error));
            for (uint32_t i = 0; i < ROWS / count; i++) CHECK(program.rows[i] == (float)(100 + ROWS / count * rank + i));
            CHECK(value_of(program.graph, program.shared) == 100);
            ckpt_status_expect_partial(status);
            ckpt_status_free(status);
            free_program(&program);
        }
    }
}

static void ranks_save_one_checkpoint(void) {
    const char *names[] = {"ckpt", "ckpt-1", NULL, "ckpt-1"};
    job jobs[RANKS];
    for (int how = WRITE; how <= MANAGED; how++) {
        run((enum how)how, -1, jobs);
        char sections[RANKS][600];
        const char *paths[RANKS];
        for (int rank = 0; rank < RANKS; rank++) {
            snprintf(sections[rank], sizeof sections[rank], "%s/ckpt.section-%05d-of-%05d", directory, rank, RANKS);
            paths[rank] = sections[rank];
            error = jobs[rank].problem;
            CHECK_OK(jobs[rank].code);
            CHECK(strcmp(jobs[rank].path, names[how] ? in(names[how]) : sections[rank]) == 0);
        }
        if (how == SECTION) CHECK_OK(ckpt_merge(in("ckpt"), paths, RANKS, NULL, &error));
        check_saved(in(names[how] ? names[how] : "ckpt"));
        files(true);
    }
}

static void a_rank_that_stays_away_is_named(void) {
    job jobs[RANKS];
    for (int away = 0; away < RANKS; away++) {
        run(WRITE, away, jobs);
        for (int rank = 0; rank < RANKS; rank++) {
            if (rank == away) continue;
            const char *expected = away == 0   ? "the chief is away"
                                   : away == 1 ? "rank 1 did not take part"
                                               : "rank 2 did not take part";
            CHECK_INT(CKPT_CODE_UNAVAILABLE, jobs[rank].code);
            CHECK_INT(CKPT_REASON_RANK, ckpt_error_reason(jobs[rank].problem));
            CHECK(strstr(ckpt_error_message(jobs[rank].problem), expected) != NULL);
            CHECK(jobs[rank].path[0] == '\0');
            ckpt_error_free(jobs[rank].problem);
        }
        CHECK_INT(0, files(true));
    }
}

static void impossible_ranks_are_refused(void) {
    citizen one = {NULL, 0, 0};
    ckpt_ranks *ranks = (ckpt_ranks *)&one;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_ranks_new(3, 3, gather, broadcast, &one, free_citizen, &ranks, &error));
    CHECK(ranks == NULL);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_ranks_new(0, 0, gather, broadcast, &one, free_citizen, &ranks, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_ranks_new(0, 1, NULL, broadcast, &one, free_citizen, &ranks, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_ranks_new(0, 1, gather, NULL, &one, free_citizen, &ranks, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_ranks_new(0, 1, gather, broadcast, &one, free_citizen, NULL, &error));
    CHECK_INT(5, one.freed);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_messages_put(NULL, 0, "", 0, &error));
    program program;
    make_program(&program, 0, 1, 0);
    ckpt_string *path = (ckpt_string *)&one;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_checkpoint_write_ranked(program.checkpoint, in("x"), NULL, NULL, &path, &error));
    CHECK(path == NULL);
    free_program(&program);
    ckpt_ranks_free(NULL);
    CHECK_INT(0, files(true));
}

int main(void) {
    make_directory();
    ranks_save_one_checkpoint();
    a_rank_that_stays_away_is_named();
    impossible_ranks_are_refused();
    remove_directory();
    return check_report();
}
