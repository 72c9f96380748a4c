/* A server that answers from the latest checkpoint, while a trainer saves new ones.
 *
 *     serve-checkpoint DIRECTORY [PATIENCE]
 *     cc serve.c -lcheckpoint -lpthread -o serve-checkpoint
 *
 * It waits at most PATIENCE seconds (30 unless given) for the first checkpoint. Then four threads answer requests, and the main
 * thread loads each new checkpoint and swaps it in; a request keeps the one that it began with. What cannot be loaded is
 * reported, and the old one stays. On SIGTERM the threads finish what they have begun, and the server ends.
 *
 * In place of a network every thread asks itself. A request is the sum of `weights`, all of which the trainer sets to `step`: so
 * it can be told whether an answer is of one checkpoint.
 */
#include <checkpoint.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS = 4 };

/* What signal handlers may touch: an atomic flag without a lock, and one of the library's. */
static atomic_bool stop;
static ckpt_cancel *stop_waiting;

/* Loading ends when that flag is raised. */
static ckpt_open_options *opening;
static ckpt_read_options *reading;

static void on_signal(int number) {
    (void)number;
    atomic_store(&stop, true);
    ckpt_cancel_raise(stop_waiting); /* may be called from a signal handler */
}

/* [serving model] */
/* A checkpoint that is served. Nothing in it changes but the number of those who use it. */
struct model {
    atomic_int users;
    ckpt_pin *pin; /* the trainer's manager removes the files only when this is gone */
    char prefix[4096];
    int64_t step;
    ckpt_view *mapped; /* the values as they lie in the file, shared by all processes, … */
    void *copied;      /* … or, where they are not aligned in it, a copy */
    const float *weights;
    uint64_t count;
};

static void model_release(struct model *model) {
    if (model == NULL || atomic_fetch_sub(&model->users, 1) > 1) return;
    ckpt_view_free(model->mapped);
    ckpt_pin_free(model->pin);
    free(model->copied);
    free(model);
}

/* The checkpoint that is pinned, which becomes the model's. */
static ckpt_code model_load(ckpt_pin *pin, struct model **model, ckpt_error **error) {
    ckpt_reader *reader = NULL;
    const ckpt_tensor *step = NULL, *weights = NULL;
    uint64_t size = 0;
    struct model *made = calloc(1, sizeof *made);
    if (made == NULL) abort();
    made->users = 1;
    made->pin = pin;
    ckpt_bytes prefix = ckpt_pin_prefix(pin); /* without a NUL at its end */
    snprintf(made->prefix, sizeof made->prefix, "%.*s", (int)prefix.len, (const char *)prefix.data);
    ckpt_code code = ckpt_reader_open(made->prefix, opening, &reader, error);
    if (!code) code = ckpt_reader_find(reader, "step", CKPT_NUL, &step, error);
    if (!code) code = ckpt_reader_read(reader, step, reading, &made->step, sizeof made->step, error);
    if (!code) code = ckpt_reader_find(reader, "weights", CKPT_NUL, &weights, error);
    if (!code) code = ckpt_reader_measure(reader, weights, CKPT_DTYPE_FLOAT, &made->count, &size, error);
    if (!code) code = ckpt_reader_view(reader, weights, reading, &made->mapped, error); /* reads every page, for the checksum */
    if (!code && ckpt_view_alignment(made->mapped) >= sizeof(float)) {
        made->weights = (const float *)(const void *)ckpt_view_bytes(made->mapped).data;
    } else if (!code) {
        made->copied = malloc(size > 0 ? size : 1);
        if (made->copied == NULL) abort();
        made->weights = made->copied;
        code = ckpt_reader_read(reader, weights, reading, made->copied, size, error);
    }
    ckpt_reader_free(reader);
    if (code) {
        model_release(made);
        return code;
    }
    *model = made;
    return CKPT_CODE_OK;
}
/* [end] */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct model *current; /* with the mutex */

static struct model *current_model(void) {
    pthread_mutex_lock(&mutex);
    struct model *model = current;
    if (model != NULL) atomic_fetch_add(&model->users, 1);
    pthread_mutex_unlock(&mutex);
    return model;
}

static void swap_in(struct model *model) {
    pthread_mutex_lock(&mutex);
    struct model *old = current;
    current = model;
    pthread_mutex_unlock(&mutex);
    model_release(old); /* goes when its last request has ended */
}

static atomic_ullong requests, torn;

static void *answer_requests(void *unused) {
    while (!atomic_load(&stop)) {
        struct model *model = current_model(); /* one model for the whole request */
        double sum = 0;
        for (uint64_t i = 0; i < model->count; i++) sum += (double)model->weights[i];
        atomic_fetch_add(&requests, 1);
        if (sum != (double)model->step * (double)model->count) atomic_fetch_add(&torn, 1);
        model_release(model);
    }
    return unused;
}

static int checkpoints;

static bool text_is(ckpt_bytes text, const char *expected) {
    return text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0;
}

static ckpt_code reload(const char *directory, ckpt_error **error) {
    ckpt_pin *latest = NULL;
    struct model *next = NULL;
    ckpt_code code = ckpt_pin_latest(directory, NULL, &latest, error);
    if (code || latest == NULL) return code;
    if (current != NULL && text_is(ckpt_pin_prefix(latest), current->prefix)) {
        ckpt_pin_free(latest); /* it was newer than expected the last time */
        return CKPT_CODE_OK;
    }
    code = model_load(latest, &next, error);
    if (code) return code; /* goes on with what it has */
    printf("serves step %" PRId64 "\n", next->step);
    swap_in(next);
    checkpoints++;
    return CKPT_CODE_OK;
}

/* Says what went wrong, and goes on. */
static void report(const char *what, ckpt_error **error) {
    if (!atomic_load(&stop)) printf("%s: %s\n", what, ckpt_error_message(*error));
    fflush(stdout);
    ckpt_error_free(*error);
    *error = NULL;
}

/* [serving loop] */
/* Loads each new checkpoint, until it is told to stop. */
static ckpt_code follow(const char *directory, const char *loaded, ckpt_wait_options *waiting, ckpt_error **error) {
    ckpt_string *last = NULL, *next = NULL;
    ckpt_code code = CKPT_CODE_OK;
    while (!code && !atomic_load(&stop)) {
        code = ckpt_wait_for_new_checkpoint(directory, last != NULL ? ckpt_string_text(last) : loaded, waiting, &next, error);
        if (code && code != CKPT_CODE_CANCELLED) {
            report("waits for a better state file", error); /* it is broken, or cannot be read: perhaps it can be later */
            code = CKPT_CODE_OK;
            sleep(1);
        } else if (!code && next != NULL) {
            if (reload(directory, error) != CKPT_CODE_OK) report("cannot load the latest", error);
            ckpt_string_free(last);
            last = next;
            fflush(stdout);
        }
    }
    ckpt_string_free(last);
    return code;
}
/* [end] */

int main(int argc, char **argv) {
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: serve-checkpoint DIRECTORY [PATIENCE]\n");
        return 2;
    }
    const char *directory = argv[1];
    double patience = argc > 2 ? atof(argv[2]) : 30;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    stop_waiting = ckpt_cancel_new();
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);

    ckpt_error *error = NULL;
    ckpt_string *first = NULL;
    ckpt_wait_options *waiting = ckpt_wait_options_new();
    ckpt_code code = ckpt_wait_options_set_poll_interval(waiting, 0.02, &error);
    if (!code) code = ckpt_wait_options_set_cancel(waiting, stop_waiting, &error);
    if (!code) code = ckpt_wait_options_set_timeout(waiting, patience, &error);
    opening = ckpt_open_options_new();
    reading = ckpt_read_options_new();
    if (!code) code = ckpt_open_options_set_cancel(opening, stop_waiting, &error);
    if (!code) code = ckpt_read_options_set_cancel(reading, stop_waiting, &error);
    if (!code) code = ckpt_wait_for_new_checkpoint(directory, NULL, waiting, &first, &error);
    if (!code && first == NULL) {
        fprintf(stderr, "serve-checkpoint: no checkpoint in %s after %g seconds\n", directory, patience);
        code = CKPT_CODE_DEADLINE_EXCEEDED;
    }
    if (!code) code = reload(directory, &error);
    if (!code && current == NULL) code = CKPT_CODE_NOT_FOUND;
    if (!code) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) {
            if (pthread_create(&threads[i], NULL, answer_requests, NULL) != 0) abort();
        }
        code = follow(directory, ckpt_string_text(first), waiting, &error);
        atomic_store(&stop, true);
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
        printf("%llu requests, %d checkpoints, %llu torn, the last of step %" PRId64 "\n", atomic_load(&requests), checkpoints,
               atomic_load(&torn), current->step);
    }
    if (code == CKPT_CODE_CANCELLED) code = CKPT_CODE_OK; /* it was told to end */
    if (code && error != NULL) fprintf(stderr, "serve-checkpoint: %s\n", ckpt_error_message(error));
    ckpt_error_free(error);
    swap_in(NULL);
    ckpt_string_free(first);
    ckpt_wait_options_free(waiting);
    ckpt_open_options_free(opening);
    ckpt_read_options_free(reading);
    /* A second signal must not raise a flag that is gone. */
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    ckpt_cancel_free(stop_waiting);
    return code == CKPT_CODE_OK ? 0 : 1;
}
