/* What the programs that measure share: what to do when something fails, the clock, and the memory of this process. */
#ifndef MEASURING_H
#define MEASURING_H

#include <checkpoint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RAW_CHUNK = 8 << 20 };

static ckpt_error *error = NULL;

_Noreturn static inline void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, error ? ckpt_error_message(error) : "failed");
    exit(1);
}

static inline void must(ckpt_code code, const char *what) {
    if (code != CKPT_CODE_OK) fail(what);
}

static inline void must_be(bool condition, const char *what) {
    if (!condition) fail(what);
}

static inline double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void reset_peak(void) {
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    must_be(fd >= 0 && write(fd, "5", 1) == 1, "/proc/self/clear_refs");
    close(fd);
}

/* A line of /proc/self/status, in KiB. */
static inline long status(const char *name) {
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "re");
    must_be(file != NULL, "/proc/self/status");
    while (kib < 0 && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) == 0) kib = strtol(line + strlen(name) + 1, NULL, 10);
    }
    fclose(file);
    return kib;
}

#endif
