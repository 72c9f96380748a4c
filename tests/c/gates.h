/* Where a call stops until it is let go: a test does meanwhile what it has to do. */
#ifndef GATES_H
#define GATES_H

#include <pthread.h>
#include <stdbool.h>

#include "checkpoint.h"

typedef struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool reached, open;
    int frees;
} gate;

#define CLOSED {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, 0}

/* Whoever calls this stops. */
static inline void stop_at(gate *at) {
    pthread_mutex_lock(&at->lock);
    at->reached = true;
    pthread_cond_broadcast(&at->changed);
    while (!at->open) pthread_cond_wait(&at->changed, &at->lock);
    pthread_mutex_unlock(&at->lock);
}

/* Waits until somebody has stopped. */
static inline void wait_for(gate *at) {
    pthread_mutex_lock(&at->lock);
    while (!at->reached) pthread_cond_wait(&at->changed, &at->lock);
    pthread_mutex_unlock(&at->lock);
}

static inline void open_gate(gate *at) {
    pthread_mutex_lock(&at->lock);
    at->open = true;
    pthread_cond_broadcast(&at->changed);
    pthread_mutex_unlock(&at->lock);
}

/* A progress callback that stops. */
static inline ckpt_code at_progress(void *user_data, uint64_t done, uint64_t total) {
    (void)done, (void)total;
    stop_at((gate *)user_data);
    return CKPT_CODE_OK;
}

#endif
