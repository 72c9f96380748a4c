/* Ranks of libcheckpoint over MPI. A rank that does not come within a time-out is named, instead of waited for for ever; whoever
 * waits lets the others run. */
#ifndef CKPT_MPI_H
#define CKPT_MPI_H

#include <checkpoint.h>
#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct ckpt_mpi {
    MPI_Comm comm;
    int rank, count;
    int tag;         /* of the next call: what comes late from an earlier one is not taken for it */
    double time_out; /* seconds */
} ckpt_mpi;

static inline void ckpt_mpi_rest(void) {
    const struct timespec moment = {0, 200 * 1000};
    nanosleep(&moment, NULL);
}

/* Says what failed, for the message of the save. */
static inline ckpt_code ckpt_mpi_failed(ckpt_failure *failure, const char *what) {
    ckpt_failure_set(failure, what, strlen(what));
    return CKPT_CODE_UNAVAILABLE;
}

/* The message of `from`, if it comes before `deadline`; `*came` says so. */
static inline ckpt_code ckpt_mpi_receive(ckpt_mpi *own, int from, double deadline, ckpt_messages *messages, int *came,
                                         ckpt_failure *failure) {
    MPI_Status status;
    int size = 0;
    *came = 0;
    for (;;) {
        if (MPI_Iprobe(from, own->tag, own->comm, came, &status) != MPI_SUCCESS)
            return ckpt_mpi_failed(failure, "MPI_Iprobe failed");
        if (*came || MPI_Wtime() >= deadline) break;
        ckpt_mpi_rest();
    }
    if (!*came) return CKPT_CODE_OK;
    if (MPI_Get_count(&status, MPI_BYTE, &size) != MPI_SUCCESS) return ckpt_mpi_failed(failure, "MPI_Get_count failed");
    void *message = malloc((size_t)size + 1);
    if (!message) return ckpt_mpi_failed(failure, "no memory for a message");
    ckpt_code code = CKPT_CODE_OK;
    if (MPI_Recv(message, size, MPI_BYTE, from, own->tag, own->comm, MPI_STATUS_IGNORE) != MPI_SUCCESS) {
        code = ckpt_mpi_failed(failure, "MPI_Recv failed");
    } else {
        code = ckpt_messages_put(messages, (uint32_t)from, message, (size_t)size, NULL);
    }
    free(message);
    return code;
}

/* Sends, but waits for nobody longer than the time-out: a small message is on its way at once. */
static inline ckpt_code ckpt_mpi_send(ckpt_mpi *own, int to, const void *message, size_t size, double deadline,
                                      ckpt_failure *failure) {
    MPI_Request request;
    int sent = 0;
    if (size > INT_MAX) return ckpt_mpi_failed(failure, "the message is too large for MPI");
    if (MPI_Isend(message, (int)size, MPI_BYTE, to, own->tag, own->comm, &request) != MPI_SUCCESS) {
        return ckpt_mpi_failed(failure, "MPI_Isend failed");
    }
    for (;;) {
        if (MPI_Test(&request, &sent, MPI_STATUS_IGNORE) != MPI_SUCCESS) return ckpt_mpi_failed(failure, "MPI_Test failed");
        if (sent) return CKPT_CODE_OK;
        if (MPI_Wtime() >= deadline) break;
        ckpt_mpi_rest();
    }
    MPI_Cancel(&request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    return ckpt_mpi_failed(failure, "a rank did not take its message");
}

static inline ckpt_code ckpt_mpi_gather(void *user_data, const void *message, size_t size, ckpt_messages *messages,
                                        ckpt_failure *failure) {
    ckpt_mpi *own = user_data;
    const double deadline = MPI_Wtime() + own->time_out;
    ckpt_code code = CKPT_CODE_OK;
    own->tag++;
    if (own->rank > 0) return ckpt_mpi_send(own, 0, message, size, 2 * own->time_out + MPI_Wtime(), failure);
    for (int rank = 1; rank < own->count && code == CKPT_CODE_OK; rank++) {
        int came; /* the library names those that did not */
        code = ckpt_mpi_receive(own, rank, deadline, messages, &came, failure);
    }
    return code;
}

static inline ckpt_code ckpt_mpi_broadcast(void *user_data, const void *message, size_t size, ckpt_messages *messages,
                                           ckpt_failure *failure) {
    ckpt_mpi *own = user_data;
    ckpt_code code = CKPT_CODE_OK;
    own->tag++;
    if (own->rank > 0) {
        int came;
        /* The first rank waits once for all others, and then merges what they wrote. */
        code = ckpt_mpi_receive(own, 0, MPI_Wtime() + 2 * own->time_out, messages, &came, failure);
        return code == CKPT_CODE_OK && !came ? ckpt_mpi_failed(failure, "rank 0 did not answer") : code;
    }
    for (int rank = 1; rank < own->count; rank++) {
        const ckpt_code sent = ckpt_mpi_send(own, rank, message, size, MPI_Wtime() + own->time_out, failure);
        if (sent != CKPT_CODE_OK) code = sent; /* the others are told all the same */
    }
    return code;
}

static inline void ckpt_mpi_free(void *user_data) {
    ckpt_mpi *own = user_data;
    MPI_Comm_free(&own->comm);
    free(own);
}

/* The ranks of a communicator, of which all call this; to be freed with ckpt_ranks_free before MPI_Finalize. */
static inline ckpt_code ckpt_mpi_ranks(MPI_Comm comm, double time_out, ckpt_ranks **ranks, ckpt_error **error) {
    ckpt_mpi *own = calloc(1, sizeof *own);
    if (!own) abort();
    MPI_Comm_dup(comm, &own->comm); /* messages of the program's are not taken for ours */
    MPI_Comm_set_errhandler(own->comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(own->comm, &own->rank);
    MPI_Comm_size(own->comm, &own->count);
    own->time_out = time_out;
    return ckpt_ranks_new((uint32_t)own->rank, (uint32_t)own->count, ckpt_mpi_gather, ckpt_mpi_broadcast, own, ckpt_mpi_free,
                          ranks, error);
}

#endif
