/* The whole test framework: a check says where it failed and goes on; main returns check_report(). */
#ifndef CHECK_H
#define CHECK_H

#include <checkpoint.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the calls inside CHECK_OK and CHECK_FAILS report to. */
static ckpt_error *error = NULL;
static int checks_made = 0;
static int checks_failed = 0;

static inline bool check_that(bool condition, const char *what, const char *detail, const char *file, int line) {
    checks_made++;
    if (!condition) {
        checks_failed++;
        fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, detail);
    }
    return condition;
}

static inline bool check_code(ckpt_code expected, ckpt_code code, const char *what, const char *file, int line) {
    char detail[512];
    const char *message = error ? ckpt_error_message(error) : "no error object";
    snprintf(detail, sizeof detail, "expected %s, got %s (%s)", ckpt_code_name(expected), ckpt_code_name(code), message);
    /* An error object comes with every failure, with the same code, and with no success. */
    bool agrees =
        expected == CKPT_CODE_OK ? error == NULL : error != NULL && ckpt_error_code(error) == code && message[0] != '\0';
    bool fine = check_that(code == expected && agrees, what, detail, file, line);
    ckpt_error_free(error);
    error = NULL;
    return fine;
}

static inline bool check_int(int64_t expected, int64_t found, const char *what, const char *file, int line) {
    char detail[80];
    snprintf(detail, sizeof detail, "expected %" PRId64 ", found %" PRId64, expected, found);
    return check_that(expected == found, what, detail, file, line);
}

#define CHECK(condition) check_that((condition), #condition, "does not hold", __FILE__, __LINE__)
#define CHECK_INT(expected, found) check_int((int64_t)(expected), (int64_t)(found), #found, __FILE__, __LINE__)
#define CHECK_OK(call) check_code(CKPT_CODE_OK, (call), #call, __FILE__, __LINE__)
#define CHECK_FAILS(code, call) check_code((code), (call), #call, __FILE__, __LINE__)

#define COUNT(array) (sizeof(array) / sizeof *(array))

static inline bool bytes_are(ckpt_bytes found, const void *expected, size_t len) {
    return found.len == len && (len == 0 || memcmp(found.data, expected, len) == 0);
}

static inline bool text_is(ckpt_bytes found, const char *expected) { return bytes_are(found, expected, strlen(expected)); }

static inline bool text_has(ckpt_bytes found, const char *part) {
    size_t len = strlen(part);
    for (size_t i = 0; i + len <= found.len; i++) {
        if (memcmp(found.data + i, part, len) == 0) return true;
    }
    return false;
}

/* Tests cannot go on without their checkpoint or tensor. */
static inline ckpt_reader *must_open(const char *path) {
    ckpt_reader *reader = NULL;
    if (!CHECK_OK(ckpt_reader_open(path, NULL, &reader, &error))) exit(1);
    return reader;
}

static inline const ckpt_tensor *must_find(const ckpt_reader *reader, const char *key) {
    const ckpt_tensor *tensor = NULL;
    if (!CHECK_OK(ckpt_reader_find(reader, key, strlen(key), &tensor, &error))) exit(1);
    return tensor;
}

static inline int check_report(void) {
    CHECK_INT(0, ckpt_live_handles()); /* every one was freed */
    printf("%d checks, %d failed\n", checks_made, checks_failed);
    return checks_failed == 0 ? 0 : 1;
}

#endif
