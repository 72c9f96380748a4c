/* Training on a machine that may be taken away: on SIGTERM the step ends, everything is saved, and the program goes.
 *
 *     preempt-checkpoint DIRECTORY STEPS [GRACE]
 *     cc preempt.c -lcheckpoint -o preempt-checkpoint
 *
 * Trains until STEPS steps are done, and saves after every hundredth. When SIGTERM comes, it saves at once; if that is not done
 * within GRACE seconds (20 unless given), the save is cancelled and the checkpoint before it stays. Started again, it goes on
 * from the newest checkpoint. Ends with 0 when the training is done, with 75 (try again) when it was saved and is not, with 76
 * when there was no time to save.
 */
#include <checkpoint.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WEIGHTS = 4096, SAVE_EVERY = 100, DONE = 0, SAVED = 75, NO_TIME = 76 };

/* What is trained, and how far. The library saves this memory and restores into it. */
static float weights[WEIGHTS];
static int64_t step;

/* What signal handlers may touch: a flag of the program's, and one of the library's. */
static volatile sig_atomic_t must_end;
static ckpt_cancel *no_more_time;
static unsigned grace = 20; /* seconds */

/* From here on the clock runs, for a save that is under way too. */
static void on_terminate(int number) {
    (void)number;
    must_end = 1;
    if (grace > 0) {
        alarm(grace);
    } else {
        ckpt_cancel_raise(no_more_time);
    }
}

static void on_alarm(int number) {
    (void)number;
    ckpt_cancel_raise(no_more_time); /* may be called from a signal handler */
}

/* Ends the program when a call failed. */
static void must(ckpt_code code, ckpt_error *error) {
    if (code == CKPT_CODE_OK) return;
    fprintf(stderr, "preempt-checkpoint: %s\n", ckpt_error_message(error));
    exit(1);
}

static ckpt_checkpoint *make_checkpoint(void) {
    static const int64_t shape[] = {WEIGHTS};
    ckpt_error *error = NULL;
    ckpt_node root = 0, weights_node = 0, step_node = 0;
    ckpt_checkpoint *checkpoint = NULL;
    ckpt_graph *graph = ckpt_graph_new();
    must(ckpt_graph_add_object(graph, NULL, &root, &error), error);
    must(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 1, weights, sizeof weights, NULL, NULL, NULL, &weights_node,
                                 &error),
         error);
    must(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_INT64, NULL, 0, &step, sizeof step, NULL, NULL, NULL, &step_node, &error),
         error);
    must(ckpt_graph_track(graph, root, "weights", 7, weights_node, &error), error);
    must(ckpt_graph_track(graph, root, "step", 4, step_node, &error), error);
    must(ckpt_checkpoint_new(graph, root, &checkpoint, &error), error);
    ckpt_graph_free(graph); /* the checkpoint keeps what it needs */
    return checkpoint;
}

static void resume(const ckpt_manager *manager) {
    ckpt_error *error = NULL;
    ckpt_status *status = NULL;
    must(ckpt_manager_restore_or_initialize(manager, NULL, NULL, &status, &error), error);
    if (status != NULL) must(ckpt_status_assert_consumed(status, &error), error);
    printf("from step %" PRId64 "\n", step);
    fflush(stdout);
    ckpt_status_free(status);
}

/* Saves, unless there is no more time: then everything stays as it was, and the answer is false. */
static bool save(const ckpt_manager *manager) {
    ckpt_error *error = NULL;
    ckpt_write_options *write = ckpt_write_options_new();
    ckpt_save_options *save = ckpt_save_options_new();
    ckpt_manager_save_options *options = ckpt_manager_save_options_new();
    must(ckpt_write_options_set_cancel(write, no_more_time, &error), error);
    must(ckpt_save_options_set_write_options(save, write, &error), error);
    must(ckpt_manager_save_options_set_save_options(options, save, &error), error);
    ckpt_code code = ckpt_manager_save(manager, options, NULL, &error);
    ckpt_manager_save_options_free(options);
    ckpt_save_options_free(save);
    ckpt_write_options_free(write);
    if (code == CKPT_CODE_CANCELLED) {
        ckpt_error_free(error);
        return false;
    }
    must(code, error);
    return true;
}

/* One step; what it computes depends on the weights and the step alone. */
static void train_step(void) {
    for (int i = 0; i < WEIGHTS; i++) weights[i] = weights[i] * 0.999f + (float)((step * 31 + i) % 17) * 0.01f;
    step++;
}

int main(int argc, char **argv) {
    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: preempt-checkpoint DIRECTORY STEPS [GRACE]\n");
        return 2;
    }
    int64_t steps = atoll(argv[2]);
    if (argc > 3) grace = (unsigned)atoi(argv[3]);
    ckpt_error *error = NULL;
    ckpt_manager *manager = NULL;
    struct sigaction terminate, alarmed;
    memset(&terminate, 0, sizeof terminate);
    memset(&alarmed, 0, sizeof alarmed);
    terminate.sa_handler = on_terminate;
    alarmed.sa_handler = on_alarm;
    no_more_time = ckpt_cancel_new();
    sigaction(SIGTERM, &terminate, NULL);
    sigaction(SIGALRM, &alarmed, NULL);

    ckpt_checkpoint *checkpoint = make_checkpoint();
    must(ckpt_manager_open(checkpoint, argv[1], NULL, &manager, &error), error);
    resume(manager);
    int end = DONE;
    bool is_saved = step > 0; /* by the run before */
    while (step < steps && !must_end) {
        train_step();
        is_saved = step % SAVE_EVERY == 0 && save(manager);
    }
    if (step < steps) {
        end = is_saved || save(manager) ? SAVED : NO_TIME;
        printf("%s step %" PRId64 "\n", end == SAVED ? "saved" : "no time to save", step);
    } else {
        double sum = 0;
        for (int i = 0; i < WEIGHTS; i++) sum += weights[i];
        printf("done: %a %a\n", sum, (double)weights[WEIGHTS - 1]);
    }
    ckpt_manager_free(manager);
    ckpt_checkpoint_free(checkpoint);
    /* A signal must not raise a flag that is gone. */
    alarm(0);
    signal(SIGTERM, SIG_IGN);
    signal(SIGALRM, SIG_IGN);
    ckpt_cancel_free(no_more_time);
    return end;
}
