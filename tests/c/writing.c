/* What is written comes back: every dtype, slices, strings, variants, what callbacks give; failures leave what was there;
 * merging. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"

/* ---------------------------------------------------------------- a directory to write in */

static char directory[] = "/tmp/ckpt-writing-XXXXXX";

/* A path in it; of the last four asked for, each has memory of its own. */
static const char *in(const char *name) {
    static char paths[4][512];
    static int next = 0;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

/* How many files there are but that of the locks; with `remove` all go. */
static int files(bool remove) {
    int count = 0;
    DIR *open = opendir(directory);
    if (!CHECK(open != NULL)) exit(1);
    for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (strcmp(entry->d_name, ".ckpt-lock") != 0) count++;
        if (remove) unlink(in(entry->d_name));
    }
    closedir(open);
    return count;
}

static ckpt_writer *must_write(const char *name, const ckpt_write_options *options) {
    ckpt_writer *writer = NULL;
    if (!CHECK_OK(ckpt_writer_new(in(name), options, &writer, &error))) exit(1);
    return writer;
}

static ckpt_code add(ckpt_writer *writer, const char *key, ckpt_dtype dtype, const int64_t *shape, size_t rank, const void *data,
                     size_t size) {
    return ckpt_writer_add(writer, key, strlen(key), dtype, shape, rank, data, size, &error);
}

static void finish(ckpt_writer *writer) {
    CHECK_OK(ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
}

static void must_hold(const ckpt_reader *reader, const char *key, ckpt_dtype dtype, const int64_t *shape, size_t rank,
                      const void *data, size_t size) {
    const ckpt_tensor *tensor = must_find(reader, key);
    unsigned char *found = (unsigned char *)malloc(size + 1);
    CHECK_INT(dtype, ckpt_tensor_dtype(tensor));
    CHECK_INT(rank, ckpt_tensor_rank(tensor));
    CHECK(rank == 0 || memcmp(ckpt_tensor_shape(tensor), shape, rank * sizeof *shape) == 0);
    CHECK_OK(ckpt_reader_read(reader, tensor, NULL, found, size, &error));
    if (!CHECK(memcmp(found, data, size) == 0)) fprintf(stderr, "  for %s\n", key);
    free(found);
}

static void must_be_whole(const char *name) {
    ckpt_verification *verification = NULL;
    CHECK_OK(ckpt_verify(in(name), NULL, &verification, &error));
    CHECK_INT(0, ckpt_verification_problem_count(verification));
    ckpt_verification_free(verification);
}

/* The old value that failures must leave, under "x" of the checkpoint "kept". */
static const int32_t old_value = 17;

static void write_kept(void) {
    ckpt_writer *writer = must_write("kept", NULL);
    CHECK_OK(add(writer, "x", CKPT_DTYPE_INT32, NULL, 0, &old_value, sizeof old_value));
    finish(writer);
    CHECK_INT(2, files(false));
}

static void kept_must_be_there(void) {
    CHECK_INT(2, files(false));
    ckpt_reader *reader = must_open(in("kept"));
    CHECK_INT(1, ckpt_reader_count(reader));
    must_hold(reader, "x", CKPT_DTYPE_INT32, NULL, 0, &old_value, sizeof old_value);
    ckpt_reader_free(reader);
}

/* ---------------------------------------------------------------- what comes back */

typedef struct shape {
    size_t rank;
    int64_t dims[3];
    size_t elements;
} shape;

static const shape shapes[] = {{0, {0}, 1}, {1, {7}, 7}, {2, {0, 3}, 0}, {3, {2, 3, 5}, 30}};

static void write_every_dtype(const ckpt_write_options *options, const unsigned char *bytes) {
    char key[32];
    ckpt_writer *writer = must_write("all", options);
    for (ckpt_dtype dtype = CKPT_DTYPE_FLOAT; dtype <= CKPT_DTYPE_FLOAT4_E2M1FN; dtype++) {
        for (size_t i = 0; i < COUNT(shapes) && ckpt_dtype_size(dtype) > 0; i++) {
            snprintf(key, sizeof key, "%d/%zu", dtype, i);
            size_t size = shapes[i].elements * ckpt_dtype_size(dtype);
            CHECK_OK(add(writer, key, dtype, shapes[i].dims, shapes[i].rank, size ? bytes + dtype : NULL, size));
        }
    }
    finish(writer);
    must_be_whole("all");

    ckpt_reader *reader = must_open(in("all"));
    CHECK_INT(30 * COUNT(shapes), ckpt_reader_count(reader));
    for (size_t t = 0; t < ckpt_reader_count(reader); t++) {
        const ckpt_tensor *tensor = ckpt_reader_tensor(reader, t);
        ckpt_dtype dtype = ckpt_tensor_dtype(tensor);
        for (size_t i = 0; i < COUNT(shapes); i++) {
            snprintf(key, sizeof key, "%d/%zu", dtype, i);
            size_t size = shapes[i].elements * ckpt_dtype_size(dtype);
            must_hold(reader, key, dtype, shapes[i].dims, shapes[i].rank, bytes + dtype, size);
        }
    }
    ckpt_reader_free(reader);
}

static void every_dtype_and_option(void) {
    unsigned char bytes[30 * 16 + 64];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)((i * 2654435761u) >> 7);
    write_every_dtype(NULL, bytes);
    CHECK_INT(2, files(true));
    for (uint32_t shards = 1; shards <= 4; shards += 3) {
        for (uint32_t threads = 1; threads <= 2; threads++) {
            for (ckpt_durability durability = CKPT_DURABILITY_FULL; durability <= CKPT_DURABILITY_NONE; durability++) {
                ckpt_write_options *options = ckpt_write_options_new();
                CHECK_OK(ckpt_write_options_set_shards(options, shards, &error));
                CHECK_OK(ckpt_write_options_set_threads(options, threads, &error));
                CHECK_OK(ckpt_write_options_set_alignment(options, 64, &error));
                CHECK_OK(ckpt_write_options_set_durability(options, durability, &error));
                write_every_dtype(options, bytes);
                ckpt_write_options_free(options);

                ckpt_reader *reader = must_open(in("all"));
                CHECK_INT(shards, ckpt_reader_shard_count(reader));
                for (size_t t = 0; t < ckpt_reader_count(reader); t++) {
                    CHECK_INT(0, ckpt_tensor_offset(ckpt_reader_tensor(reader, t)) % 64);
                }
                ckpt_reader_free(reader);
                CHECK_INT(shards + 1, files(true));
            }
        }
    }
}

static void slices_make_up_their_tensor(void) {
    enum { ROWS = 6, COLUMNS = 10, CUT = 4 };
    static const int64_t dims[] = {ROWS, COLUMNS};
    static const int64_t starts[][2] = {{0, 0}, {0, CUT}}, lengths[][2] = {{-1, CUT}, {-1, COLUMNS - CUT}};
    static const int64_t whole_start[] = {0, 0}, whole_length[] = {ROWS, -1};
    static const ckpt_bytes words[] = {{(const uint8_t *)"two", 3}, {NULL, 0}, {(const uint8_t *)"o\0ne", 4}};
    static const int64_t three[] = {3}, first[] = {0}, second[] = {1}, one[] = {1}, two[] = {2};
    float whole[ROWS][COLUMNS], left[ROWS][CUT], right[ROWS][COLUMNS - CUT];
    for (int r = 0; r < ROWS; r++) {
        for (int c = 0; c < COLUMNS; c++) {
            whole[r][c] = (float)(100 * r + c);
            if (c < CUT) left[r][c] = whole[r][c];
            if (c >= CUT) right[r][c - CUT] = whole[r][c];
        }
    }

    ckpt_writer *writer = must_write("sliced", NULL);
    CHECK_OK(ckpt_writer_add_slice(writer, "t", 1, CKPT_DTYPE_FLOAT, dims, starts[0], lengths[0], 2, left, sizeof left, &error));
    CHECK_OK(
        ckpt_writer_add_slice(writer, "t", 1, CKPT_DTYPE_FLOAT, dims, starts[1], lengths[1], 2, right, sizeof right, &error));
    CHECK_OK(
        ckpt_writer_add_slice(writer, "u", 1, CKPT_DTYPE_FLOAT, dims, whole_start, whole_length, 2, whole, sizeof whole, &error));
    CHECK_OK(ckpt_writer_add_strings_slice(writer, "words", 5, three, second, two, 1, words + 1, 2, &error));
    CHECK_OK(ckpt_writer_add_strings_slice(writer, "words", 5, three, first, one, 1, words, 1, &error));
    finish(writer);
    must_be_whole("sliced");

    ckpt_reader *reader = must_open(in("sliced"));
    CHECK_INT(3, ckpt_reader_count(reader));
    must_hold(reader, "t", CKPT_DTYPE_FLOAT, dims, 2, whole, sizeof whole);
    must_hold(reader, "u", CKPT_DTYPE_FLOAT, dims, 2, whole, sizeof whole);
    CHECK_INT(0, ckpt_tensor_slice_count(must_find(reader, "u"))); /* a slice that takes all is the tensor */
    CHECK_INT(2, ckpt_tensor_slice_count(must_find(reader, "t")));
    for (size_t i = 0; i < 2; i++) {
        int64_t start[2], length[2];
        CHECK_OK(ckpt_tensor_slice(must_find(reader, "t"), i, start, length, &error));
        CHECK(memcmp(start, starts[i], sizeof start) == 0 && memcmp(length, lengths[i], sizeof length) == 0);
    }
    ckpt_strings *strings = NULL;
    CHECK_OK(ckpt_reader_read_strings(reader, must_find(reader, "words"), NULL, &strings, &error));
    for (size_t i = 0; i < COUNT(words); i++) CHECK(bytes_are(ckpt_strings_get(strings, i), words[i].data, words[i].len));
    ckpt_strings_free(strings);
    ckpt_reader_free(reader);
    CHECK_INT(2, files(true));
}

static void large_tensors_are_cut_over_data_files(void) {
    enum { ROWS = 100, COLUMNS = 50 };
    static const int64_t dims[] = {ROWS, COLUMNS};
    static double value[ROWS][COLUMNS];
    for (int i = 0; i < ROWS * COLUMNS; i++) value[i / COLUMNS][i % COLUMNS] = i;
    ckpt_write_options *options = ckpt_write_options_new();
    CHECK_OK(ckpt_write_options_set_max_shard_size(options, 10000, &error));
    CHECK_OK(ckpt_write_options_set_read_back(options, true, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_write_options_set_read_back(NULL, true, &error));
    ckpt_writer *writer = must_write("cut", options);
    ckpt_write_options_free(options);
    CHECK_OK(add(writer, "x", CKPT_DTYPE_DOUBLE, dims, 2, value, sizeof value));
    CHECK_OK(add(writer, "y", CKPT_DTYPE_INT32, NULL, 0, &old_value, sizeof old_value));
    finish(writer);
    must_be_whole("cut");
    ckpt_reader *reader = must_open(in("cut"));
    CHECK_INT(5, ckpt_reader_shard_count(reader));
    CHECK(ckpt_tensor_slice_count(must_find(reader, "x")) > 1);
    must_hold(reader, "x", CKPT_DTYPE_DOUBLE, dims, 2, value, sizeof value);
    must_hold(reader, "y", CKPT_DTYPE_INT32, NULL, 0, &old_value, sizeof old_value);
    ckpt_reader_free(reader);
    files(true);
}

/* Strings are copied when they are added; variants come from a checkpoint of TensorFlow's. */
static void strings_and_variants(void) {
    static const int64_t dims[] = {2, 2}, none[] = {4, 0};
    char first[] = "a\0b", last[] = "last";
    ckpt_bytes elements[] = {{(uint8_t *)first, 4}, {NULL, 0}, {(uint8_t *)"", 0}, {(uint8_t *)last, 4}};

    ckpt_reader *source = must_open("guide/ckpt-5");
    const ckpt_tensor *iterator = must_find(source, "iterator/.ATTRIBUTES/ITERATOR_STATE");
    ckpt_strings *state = NULL;
    CHECK_OK(ckpt_reader_read_strings(source, iterator, NULL, &state, &error));
    size_t count = ckpt_strings_count(state);
    ckpt_bytes *variants = (ckpt_bytes *)malloc(count * sizeof *variants);
    for (size_t i = 0; i < count; i++) variants[i] = ckpt_strings_get(state, i);

    ckpt_writer *writer = must_write("strings", NULL);
    CHECK_OK(ckpt_writer_add_strings(writer, "words", 5, dims, 2, elements, 4, &error));
    CHECK_OK(ckpt_writer_add_strings(writer, "none", 4, none, 2, NULL, 0, &error));
    CHECK_OK(ckpt_writer_add_strings(writer, "scalar", 6, NULL, 0, elements + 3, 1, &error));
    CHECK_OK(ckpt_writer_add_variants(writer, "state", 5, ckpt_tensor_shape(iterator), ckpt_tensor_rank(iterator), variants,
                                      count, &error));
    memset(first, 'X', sizeof first);
    memset(last, 'X', sizeof last);
    memset(elements, 0, sizeof elements);
    finish(writer);
    must_be_whole("strings");

    ckpt_reader *reader = must_open(in("strings"));
    ckpt_strings *found = NULL;
    CHECK_OK(ckpt_reader_read_strings(reader, must_find(reader, "words"), NULL, &found, &error));
    CHECK(bytes_are(ckpt_strings_get(found, 0), "a\0b", 4));
    CHECK_INT(0, ckpt_strings_get(found, 1).len);
    CHECK_INT(0, ckpt_strings_get(found, 2).len);
    CHECK(text_is(ckpt_strings_get(found, 3), "last"));
    ckpt_strings_free(found);
    CHECK_OK(ckpt_reader_read_strings(reader, must_find(reader, "none"), NULL, &found, &error));
    CHECK_INT(0, ckpt_strings_count(found));
    ckpt_strings_free(found);
    CHECK_OK(ckpt_reader_read_strings(reader, must_find(reader, "scalar"), NULL, &found, &error));
    CHECK(text_is(ckpt_strings_get(found, 0), "last"));
    ckpt_strings_free(found);
    CHECK_INT(CKPT_DTYPE_VARIANT, ckpt_tensor_dtype(must_find(reader, "state")));
    CHECK_OK(ckpt_reader_read_strings(reader, must_find(reader, "state"), NULL, &found, &error));
    CHECK_INT(count, ckpt_strings_count(found));
    for (size_t i = 0; i < count; i++) CHECK(bytes_are(ckpt_strings_get(found, i), variants[i].data, variants[i].len));
    ckpt_strings_free(found);
    ckpt_reader_free(reader);
    ckpt_strings_free(state);
    ckpt_reader_free(source);
    free(variants);
    CHECK_INT(2, files(true));
}

static void nothing_at_all_is_a_checkpoint_too(void) {
    finish(must_write("nothing", NULL));
    ckpt_reader *reader = must_open(in("nothing"));
    CHECK_INT(0, ckpt_reader_count(reader));
    ckpt_reader_free(reader);
    CHECK_INT(2, files(true));
}

static void a_checkpoint_takes_the_place_of_another(void) {
    for (int32_t round = 0; round < 4; round++) {
        ckpt_writer *writer = must_write("best", NULL);
        CHECK_OK(add(writer, "x", CKPT_DTYPE_INT32, NULL, 0, &round, sizeof round));
        finish(writer);
        ckpt_reader *reader = must_open(in("best"));
        must_hold(reader, "x", CKPT_DTYPE_INT32, NULL, 0, &round, sizeof round);
        CHECK_INT(ckpt_reader_shard_count(reader) + 1, files(false));
        ckpt_reader_free(reader);
    }
    files(true);
}

/* ---------------------------------------------------------------- values that are asked for */

enum { ASKED = 3000001 };

typedef struct asked {
    pthread_mutex_t lock; /* several threads ask */
    uint64_t bytes, fail_from;
    int freed;
} asked;

static unsigned char asked_byte(uint64_t at) { return (unsigned char)((at * 2654435761u) >> 11); }

static ckpt_code ask(void *user_data, uint64_t offset, void *buffer, size_t size, ckpt_failure *failure) {
    asked *seen = (asked *)user_data;
    pthread_mutex_lock(&seen->lock);
    seen->bytes += size;
    pthread_mutex_unlock(&seen->lock);
    if (offset + size > seen->fail_from) {
        ckpt_failure_set(failure, "past the end", 12);
        return CKPT_CODE_OUT_OF_RANGE;
    }
    for (size_t i = 0; i < size; i++) ((unsigned char *)buffer)[i] = asked_byte(offset + i);
    return CKPT_CODE_OK;
}

static void count_free(void *user_data) {
    asked *seen = (asked *)user_data;
    seen->freed++;
}

static void values_may_be_asked_for(void) {
    static const int64_t dims[] = {ASKED}, none[] = {0};
    static const int32_t number = 5;
    asked seen = {PTHREAD_MUTEX_INITIALIZER, 0, UINT64_MAX, 0};
    ckpt_write_options *options = ckpt_write_options_new();
    CHECK_OK(ckpt_write_options_set_threads(options, 3, &error));
    ckpt_writer *writer = must_write("asked", options);
    ckpt_write_options_free(options);
    CHECK_OK(add(writer, "before", CKPT_DTYPE_INT32, NULL, 0, &number, sizeof number));
    CHECK_OK(ckpt_writer_add_read(writer, "asked", 5, CKPT_DTYPE_UINT8, dims, 1, ask, &seen, count_free, &error));
    CHECK_OK(ckpt_writer_add_read(writer, "empty", 5, CKPT_DTYPE_UINT8, none, 1, ask, &seen, NULL, &error));
    CHECK_OK(add(writer, "after", CKPT_DTYPE_INT32, NULL, 0, &number, sizeof number));
    CHECK_INT(0, seen.bytes + (uint64_t)seen.freed);
    CHECK_OK(ckpt_writer_finish(writer, &error));
    CHECK_INT(ASKED, seen.bytes);
    CHECK_INT(1, seen.freed);
    ckpt_writer_free(writer);
    CHECK_INT(1, seen.freed);
    must_be_whole("asked");

    unsigned char *expected = (unsigned char *)malloc(ASKED);
    for (size_t i = 0; i < ASKED; i++) expected[i] = asked_byte(i);
    ckpt_reader *reader = must_open(in("asked"));
    must_hold(reader, "asked", CKPT_DTYPE_UINT8, dims, 1, expected, ASKED);
    must_hold(reader, "after", CKPT_DTYPE_INT32, NULL, 0, &number, sizeof number);
    ckpt_reader_free(reader);
    free(expected);
    CHECK_INT(2, files(true));
}

static void a_value_that_cannot_be_had_ends_the_writing(void) {
    static const int64_t dims[] = {ASKED};
    write_kept();
    asked seen = {PTHREAD_MUTEX_INITIALIZER, 0, ASKED / 2, 0};
    ckpt_writer *writer = must_write("kept", NULL);
    CHECK_OK(ckpt_writer_add_read(writer, "x", 1, CKPT_DTYPE_UINT8, dims, 1, ask, &seen, count_free, &error));
    ckpt_error *mine = NULL;
    CHECK_INT(CKPT_CODE_ABORTED, ckpt_writer_finish(writer, &mine));
    CHECK_INT(CKPT_REASON_CALLBACK, ckpt_error_reason(mine));
    CHECK(strstr(ckpt_error_message(mine), "OUT_OF_RANGE: past the end") != NULL);
    ckpt_error_free(mine);
    CHECK_INT(1, seen.freed);
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
    kept_must_be_there();
    files(true);

    /* What was given is freed also when it is not taken, or never asked for. */
    writer = must_write("kept", NULL);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_writer_add_read(writer, "", 0, CKPT_DTYPE_UINT8, dims, 1, ask, &seen, count_free, &error));
    CHECK_INT(2, seen.freed);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_writer_add_read(writer, "x", 1, CKPT_DTYPE_UINT8, dims, 1, NULL, &seen, count_free, &error));
    CHECK_INT(3, seen.freed);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_writer_add_read(NULL, "x", 1, CKPT_DTYPE_UINT8, dims, 1, ask, &seen, count_free, &error));
    CHECK_INT(4, seen.freed);
    CHECK_OK(ckpt_writer_add_read(writer, "x", 1, CKPT_DTYPE_UINT8, dims, 1, ask, &seen, count_free, &error));
    CHECK_INT(4, seen.freed);
    ckpt_writer_free(writer);
    CHECK_INT(5, seen.freed);
    CHECK_INT(0, files(false));
}

/* ---------------------------------------------------------------- progress */

typedef struct progress {
    int calls;
    uint64_t done, total, stop_at;
    bool backwards, on_another_thread;
    int freed;
    pthread_t thread;
} progress;

static ckpt_code follow(void *user_data, uint64_t done, uint64_t total) {
    progress *seen = (progress *)user_data;
    seen->backwards |= done < seen->done || done > total || (seen->calls > 0 && total != seen->total);
    seen->on_another_thread |= !pthread_equal(seen->thread, pthread_self());
    seen->done = done;
    seen->total = total;
    seen->calls++;
    return done >= seen->stop_at ? CKPT_CODE_ABORTED : CKPT_CODE_OK;
}

static void forget(void *user_data) {
    progress *seen = (progress *)user_data;
    seen->freed++;
}

static void progress_is_told_and_can_stop_it(void) {
    enum { SIZE = 5 << 20 };
    static const int64_t dims[] = {SIZE};
    unsigned char *value = (unsigned char *)calloc(SIZE, 1);
    write_kept();
    for (int stops = 1; stops >= 0; stops--) {
        progress seen = {0, 0, 0, stops ? SIZE / 2 : UINT64_MAX, false, false, 0, pthread_self()};
        ckpt_write_options *options = ckpt_write_options_new();
        CHECK_OK(ckpt_write_options_set_progress(options, follow, &seen, forget, &error));
        ckpt_writer *writer = must_write("kept", options);
        ckpt_write_options_free(options); /* the writer holds on to what it needs */
        CHECK_INT(0, seen.freed);
        CHECK_OK(add(writer, "x", CKPT_DTYPE_UINT8, dims, 1, value, SIZE));
        if (stops) {
            CHECK_FAILS(CKPT_CODE_CANCELLED, ckpt_writer_finish(writer, &error));
        } else {
            CHECK_OK(ckpt_writer_finish(writer, &error));
            CHECK_INT(SIZE, seen.done);
        }
        CHECK(seen.calls > 0 && !seen.backwards && !seen.on_another_thread);
        CHECK_INT(SIZE, seen.total);
        CHECK_INT(1, seen.freed);
        ckpt_writer_free(writer);
        CHECK_INT(1, seen.freed);
        if (stops) kept_must_be_there();
    }
    ckpt_reader *reader = must_open(in("kept"));
    must_hold(reader, "x", CKPT_DTYPE_UINT8, dims, 1, value, SIZE);
    ckpt_reader_free(reader);
    free(value);
    files(true);

    progress first = {0, 0, 0, UINT64_MAX, false, false, 0, pthread_self()}, refused = first;
    ckpt_write_options *options = ckpt_write_options_new();
    CHECK_OK(ckpt_write_options_set_progress(options, follow, &first, forget, &error));
    CHECK_OK(ckpt_write_options_set_progress(options, NULL, NULL, NULL, &error));
    CHECK_INT(1, first.freed);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_write_options_set_progress(NULL, follow, &refused, forget, &error));
    CHECK_INT(1, refused.freed);
    finish(must_write("quiet", options));
    ckpt_write_options_free(options);
    files(true);
}

/* A flag stops writing, merging and verifying; whoever raises it may free it. */
static void a_raised_flag_stops_long_calls(void) {
    static const int64_t dims[] = {6};
    static const unsigned char value[6] = {1, 2, 3, 4, 5, 6};
    write_kept();
    ckpt_write_options *writing = ckpt_write_options_new();
    ckpt_merge_options *merging = ckpt_merge_options_new();
    ckpt_verify_options *verifying = ckpt_verify_options_new();
    ckpt_cancel *flag = ckpt_cancel_new();
    CHECK_OK(ckpt_write_options_set_cancel(writing, flag, &error));
    CHECK_OK(ckpt_merge_options_set_cancel(merging, flag, &error));
    CHECK_OK(ckpt_verify_options_set_cancel(verifying, flag, &error));
    ckpt_writer *writer = must_write("kept", writing);
    CHECK_OK(add(writer, "x", CKPT_DTYPE_UINT8, dims, 1, value, sizeof value));
    ckpt_cancel_raise(flag);
    ckpt_cancel_raise(NULL);
    ckpt_cancel_free(flag);
    CHECK_FAILS(CKPT_CODE_CANCELLED, ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);
    kept_must_be_there();

    char section[300];
    snprintf(section, sizeof section, "%s", in("kept"));
    const char *sections[] = {section};
    CHECK_FAILS(CKPT_CODE_CANCELLED, ckpt_merge(in("merged"), sections, 1, merging, &error));
    kept_must_be_there();
    ckpt_verification *found = NULL;
    CHECK_FAILS(CKPT_CODE_CANCELLED, ckpt_verify(section, verifying, &found, &error));
    CHECK(found == NULL);
    CHECK_OK(ckpt_verify_options_set_cancel(verifying, NULL, &error));
    CHECK_OK(ckpt_verify(section, verifying, &found, &error));
    ckpt_verification_free(found);
    ckpt_verify_options_free(verifying);
    ckpt_merge_options_free(merging);
    ckpt_write_options_free(writing);
    files(true);
}

static void a_shape_and_slice_say_what_a_value_is(void) {
    static const int64_t part[] = {2, 3}, whole[] = {4, 3};
    static const unsigned char value[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    ckpt_writer *writer = must_write("spec", NULL);
    CHECK_OK(ckpt_writer_add_shape_and_slice(writer, "t", 1, CKPT_DTYPE_UINT8, part, 2, "4 3 0,2:-", 9, value, 6, &error));
    CHECK_OK(ckpt_writer_add_shape_and_slice(writer, "t", 1, CKPT_DTYPE_UINT8, part, 2, "4 3 2,2:-", 9, value + 6, 6, &error));
    CHECK_OK(ckpt_writer_add_shape_and_slice(writer, "w", 1, CKPT_DTYPE_UINT8, whole, 2, NULL, 0, value, 12, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_writer_add_shape_and_slice(writer, "u", 1, CKPT_DTYPE_UINT8, part, 2, "4 3 0,3:-", 9, value, 6, &error));
    finish(writer);
    ckpt_reader *reader = must_open(in("spec"));
    must_hold(reader, "t", CKPT_DTYPE_UINT8, whole, 2, value, sizeof value);
    must_hold(reader, "w", CKPT_DTYPE_UINT8, whole, 2, value, sizeof value);
    ckpt_reader_free(reader);
    files(true);
}

/* ---------------------------------------------------------------- misuse */

static void what_cannot_be_is_refused(void) {
    static const float four[] = {1, 2, 3, 4};
    static const int64_t dims[] = {4}, negative[] = {-1}, huge[] = {INT64_MAX, INT64_MAX}, two[] = {2}, start[] = {3},
                         start_1[] = {1}, full[] = {-1}, all[] = {4}, minus_two[] = {-2};
    static const ckpt_bytes words[] = {{(const uint8_t *)"a", 1}}, bad[] = {{NULL, 1}},
                            longest[] = {{(const uint8_t *)"a", SIZE_MAX - 1}};
    static const int64_t single[] = {1};
    static int64_t deep[CKPT_MAX_RANK + 1];
    for (size_t i = 0; i < COUNT(deep); i++) deep[i] = 1;
    write_kept();
    ckpt_writer *writer = must_write("kept", NULL), *made = (ckpt_writer *)&made;

#define MISUSE(call) CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, call)
    MISUSE(ckpt_writer_new(NULL, NULL, &made, &error));
    CHECK(made == NULL);
    MISUSE(ckpt_writer_new("x", NULL, NULL, &error));
    MISUSE(ckpt_writer_new("", NULL, &made, &error));
    MISUSE(ckpt_writer_new("/", NULL, &made, &error));
    MISUSE(ckpt_writer_new("x/..", NULL, &made, &error));
    CHECK(made == NULL);
    CHECK_OK(ckpt_writer_new("x/", NULL, &made, &error)); /* x/.index, as TensorFlow writes it */
    ckpt_writer_free(made);

    MISUSE(ckpt_writer_add(NULL, "x", 1, CKPT_DTYPE_FLOAT, dims, 1, four, sizeof four, &error));
    MISUSE(ckpt_writer_add(writer, NULL, 1, CKPT_DTYPE_FLOAT, dims, 1, four, sizeof four, &error));
    MISUSE(ckpt_writer_add(writer, NULL, 0, CKPT_DTYPE_FLOAT, dims, 1, four, sizeof four, &error));
    MISUSE(ckpt_writer_add(writer, "x", SIZE_MAX - 1, CKPT_DTYPE_FLOAT, dims, 1, four, sizeof four, &error));
    MISUSE(ckpt_writer_add(writer, "\0x", 2, CKPT_DTYPE_FLOAT, dims, 1, four, sizeof four, &error));
    MISUSE(ckpt_writer_add(writer, "x", 1, CKPT_DTYPE_FLOAT, NULL, 1, four, sizeof four, &error));
    MISUSE(ckpt_writer_add(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, 1, NULL, sizeof four, &error));
    MISUSE(ckpt_writer_add(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, 1, four, sizeof four - 1, &error));
    MISUSE(ckpt_writer_add(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, 1, four, 0, &error));
    MISUSE(ckpt_writer_add(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, 1, four, SIZE_MAX, &error));
    MISUSE(ckpt_writer_add(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, 1, four, SIZE_MAX / 2, &error));
    MISUSE(ckpt_writer_add(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, SIZE_MAX, four, sizeof four, &error));
    MISUSE(ckpt_writer_add(writer, "x", 1, CKPT_DTYPE_FLOAT, deep, COUNT(deep), four, sizeof *four, &error));
    MISUSE(ckpt_writer_add(writer, "x", 1, CKPT_DTYPE_FLOAT, negative, 1, four, 0, &error));
    MISUSE(ckpt_writer_add(writer, "x", 1, CKPT_DTYPE_FLOAT, huge, 2, four, sizeof four, &error));
    static const ckpt_dtype no_number[] = {CKPT_DTYPE_STRING, CKPT_DTYPE_VARIANT, CKPT_DTYPE_INVALID, -1, 20, 34, 101,
                                           INT32_MIN,         INT32_MAX};
    for (size_t i = 0; i < COUNT(no_number); i++) {
        MISUSE(ckpt_writer_add(writer, "x", 1, no_number[i], dims, 1, four, sizeof four, &error));
        MISUSE(ckpt_writer_add_slice(writer, "x", 1, no_number[i], dims, start, single, 1, four, sizeof *four, &error));
        MISUSE(ckpt_writer_add_read(writer, "x", 1, no_number[i], dims, 1, ask, NULL, NULL, &error));
    }
    MISUSE(ckpt_writer_add_read(writer, "x", 1, CKPT_DTYPE_FLOAT, NULL, 1, ask, NULL, NULL, &error));
    MISUSE(ckpt_writer_add_read(writer, "x", 1, CKPT_DTYPE_FLOAT, huge, 2, ask, NULL, NULL, &error));

    MISUSE(ckpt_writer_add_slice(NULL, "x", 1, CKPT_DTYPE_FLOAT, dims, start, single, 1, four, sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, NULL, start, single, 1, four, sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, NULL, single, 1, four, sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, start, NULL, 1, four, sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, start, single, 1, NULL, sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, start, two, 1, four, 2 * sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, negative, two, 1, four, 2 * sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, start_1, full, 1, four, 3 * sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, start_1, minus_two, 1, four, sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, start_1, huge, 1, four, sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, start_1, all, 1, four, sizeof four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, start_1, two, 1, four, sizeof *four, &error));

    MISUSE(ckpt_writer_add_strings(NULL, "x", 1, single, 1, words, 1, &error));
    MISUSE(ckpt_writer_add_strings(writer, NULL, 1, single, 1, words, 1, &error));
    MISUSE(ckpt_writer_add_strings(writer, "x", 1, NULL, 1, words, 1, &error));
    MISUSE(ckpt_writer_add_strings(writer, "x", 1, single, 1, NULL, 1, &error));
    MISUSE(ckpt_writer_add_strings(writer, "x", 1, single, 1, bad, 1, &error));
    MISUSE(ckpt_writer_add_strings(writer, "x", 1, single, 1, longest, 1, &error));
    MISUSE(ckpt_writer_add_strings(writer, "x", 1, single, 1, words, SIZE_MAX, &error));
    MISUSE(ckpt_writer_add_strings(writer, "x", 1, dims, 1, words, 1, &error));
    MISUSE(ckpt_writer_add_strings_slice(NULL, "x", 1, dims, start, single, 1, words, 1, &error));
    MISUSE(ckpt_writer_add_strings_slice(writer, "x", 1, dims, start, single, 1, words, 0, &error));
    MISUSE(ckpt_writer_add_strings_slice(writer, "x", 1, dims, start, two, 1, words, 1, &error));
    MISUSE(ckpt_writer_add_variants(NULL, "x", 1, single, 1, words, 1, &error));
    MISUSE(ckpt_writer_add_variants(writer, "x", 1, single, 1, bad, 1, &error));
    MISUSE(ckpt_writer_finish(NULL, &error));

    ckpt_write_options *options = ckpt_write_options_new();
    MISUSE(ckpt_write_options_set_shards(NULL, 1, &error));
    MISUSE(ckpt_write_options_set_max_shard_size(NULL, 1, &error));
    MISUSE(ckpt_write_options_set_threads(NULL, 1, &error));
    MISUSE(ckpt_write_options_set_alignment(NULL, 1, &error));
    MISUSE(ckpt_write_options_set_alignment(options, 0, &error));
    MISUSE(ckpt_write_options_set_durability(NULL, CKPT_DURABILITY_FULL, &error));
    MISUSE(ckpt_write_options_set_durability(options, -1, &error));
    MISUSE(ckpt_write_options_set_durability(options, 3, &error));
    ckpt_write_options_free(options);
    ckpt_write_options_free(NULL);
    ckpt_writer_free(NULL);

    /* After all of that the writer is as it was: what failed added nothing. */
    CHECK_OK(add(writer, "x", CKPT_DTYPE_INT32, NULL, 0, &old_value, sizeof old_value));
    kept_must_be_there();
    finish(writer);
    ckpt_reader *reader = must_open(in("kept"));
    CHECK_INT(1, ckpt_reader_count(reader));
    must_hold(reader, "x", CKPT_DTYPE_INT32, NULL, 0, &old_value, sizeof old_value);
    ckpt_reader_free(reader);
    files(true);
}

static void what_does_not_fit_together_is_refused_by_finish(void) {
    static const float four[] = {1, 2, 3, 4};
    static const int64_t dims[] = {4}, three[] = {3}, at_0[] = {0}, at_1[] = {1}, at_2[] = {2}, two[] = {2};
    write_kept();
    ckpt_writer *writer = must_write("kept", NULL);
    CHECK_OK(add(writer, "x", CKPT_DTYPE_FLOAT, dims, 1, four, sizeof four));
    CHECK_OK(add(writer, "x", CKPT_DTYPE_FLOAT, dims, 1, four, sizeof four));
    ckpt_error *mine = NULL;
    CHECK_INT(CKPT_CODE_INVALID_ARGUMENT, ckpt_writer_finish(writer, &mine));
    CHECK(text_is(ckpt_error_tensor(mine), "x"));
    ckpt_error_free(mine);
    ckpt_writer_free(writer);

    writer = must_write("kept", NULL); /* a tensor and a slice of the same name */
    CHECK_OK(add(writer, "x", CKPT_DTYPE_FLOAT, dims, 1, four, sizeof four));
    CHECK_OK(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, at_0, two, 1, four, 2 * sizeof *four, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_writer_finish(writer, &error));
    ckpt_writer_free(writer);

    writer = must_write("kept", NULL); /* slices that overlap, the same one twice */
    CHECK_OK(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, at_0, two, 1, four, 2 * sizeof *four, &error));
    CHECK_OK(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, at_1, two, 1, four, 2 * sizeof *four, &error));
    CHECK_INT(CKPT_CODE_INVALID_ARGUMENT, ckpt_writer_finish(writer, &mine));
    CHECK_INT(CKPT_REASON_OVERLAP, ckpt_error_reason(mine));
    ckpt_error_free(mine);
    ckpt_writer_free(writer);

    writer = must_write("kept", NULL); /* slices of different tensors; the second is refused at once */
    CHECK_OK(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, dims, at_0, two, 1, four, 2 * sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_INT32, dims, at_2, two, 1, four, 2 * sizeof *four, &error));
    MISUSE(ckpt_writer_add_slice(writer, "x", 1, CKPT_DTYPE_FLOAT, three, at_0, two, 1, four, 2 * sizeof *four, &error));
    ckpt_writer_free(writer);
#undef MISUSE
    kept_must_be_there();
    files(true);
}

static void a_finished_writer_is_used_up(void) {
    static const int64_t single[] = {1}, start[] = {0};
    static const ckpt_bytes word[] = {{(const uint8_t *)"a", 1}};
    int freed_before;
    asked seen = {PTHREAD_MUTEX_INITIALIZER, 0, UINT64_MAX, 0};
    write_kept();
    ckpt_writer *writer = must_write("kept", NULL);
    CHECK_OK(add(writer, "x", CKPT_DTYPE_INT32, NULL, 0, &old_value, sizeof old_value));
    CHECK_OK(ckpt_writer_finish(writer, &error));
    freed_before = seen.freed;
#define USED_UP(call) CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, call)
    USED_UP(ckpt_writer_finish(writer, &error));
    USED_UP(add(writer, "y", CKPT_DTYPE_INT32, NULL, 0, &old_value, sizeof old_value));
    USED_UP(
        ckpt_writer_add_slice(writer, "y", 1, CKPT_DTYPE_INT32, single, start, single, 1, &old_value, sizeof old_value, &error));
    USED_UP(ckpt_writer_add_read(writer, "y", 1, CKPT_DTYPE_UINT8, single, 1, ask, &seen, count_free, &error));
    USED_UP(ckpt_writer_add_strings(writer, "y", 1, single, 1, word, 1, &error));
    USED_UP(ckpt_writer_add_strings_slice(writer, "y", 1, single, start, single, 1, word, 1, &error));
    USED_UP(ckpt_writer_add_variants(writer, "y", 1, single, 1, word, 1, &error));
#undef USED_UP
    CHECK_INT(freed_before + 1, seen.freed);
    ckpt_writer_free(writer);
    files(true);
}

static void a_directory_that_cannot_be_written_is_refused(void) {
    char under_a_file[600];
    write_kept();
    snprintf(under_a_file, sizeof under_a_file, "%s.index/x", in("kept"));
    ckpt_writer *writer = NULL;
    CHECK_OK(ckpt_writer_new(under_a_file, NULL, &writer, &error));
    ckpt_error *mine = NULL;
    CHECK(ckpt_writer_finish(writer, &mine) != CKPT_CODE_OK);
    CHECK(ckpt_error_errno(mine) != 0 && ckpt_error_file(mine).len > 0);
    ckpt_error_free(mine);
    ckpt_writer_free(writer);
    kept_must_be_there();
    files(true);
}

/* ---------------------------------------------------------------- merging */

/* Section `number` of "m": a number of its own and a row of a tensor that all share. */
static void write_section(int number) {
    static const int64_t dims[] = {3, 2};
    const int64_t start[] = {number, 0}, length[] = {1, -1};
    const float row[] = {(float)number, (float)number + 0.5f};
    const int32_t own = 100 + number;
    char name[32], key[32];
    snprintf(name, sizeof name, "part-%05d-of-00003", number);
    snprintf(key, sizeof key, "own%d", number);
    ckpt_writer *writer = must_write(name, NULL);
    CHECK_OK(add(writer, key, CKPT_DTYPE_INT32, NULL, 0, &own, sizeof own));
    CHECK_OK(ckpt_writer_add_slice(writer, "shared", 6, CKPT_DTYPE_FLOAT, dims, start, length, 2, row, sizeof row, &error));
    finish(writer);
}

static ckpt_code merge(const char *destination, size_t count, const ckpt_merge_options *options) {
    char names[3][512];
    const char *sections[] = {names[0], names[1], names[2]};
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "part-%05d-of-00003", i);
        snprintf(names[i], sizeof names[i], "%s", in(name));
    }
    return ckpt_merge(in(destination), sections, count, options, &error);
}

static void merged_must_hold(int sections) {
    static const float shared[] = {0, 0.5f, 1, 1.5f, 2, 2.5f};
    static const int64_t dims[] = {3, 2};
    if (sections == 3) must_be_whole("m");
    ckpt_reader *reader = must_open(in("m"));
    CHECK_INT(sections + 1, ckpt_reader_count(reader));
    CHECK_INT(sections, ckpt_tensor_slice_count(must_find(reader, "shared")));
    if (sections == 3) must_hold(reader, "shared", CKPT_DTYPE_FLOAT, dims, 2, shared, sizeof shared);
    for (int32_t i = 0; i < sections; i++) {
        char key[32];
        const int32_t own = 100 + i;
        snprintf(key, sizeof key, "own%d", i);
        must_hold(reader, key, CKPT_DTYPE_INT32, NULL, 0, &own, sizeof own);
    }
    ckpt_reader_free(reader);
}

static void sections_become_one_checkpoint(void) {
    progress seen = {0, 0, 0, UINT64_MAX, false, false, 0, pthread_self()};
    for (int i = 0; i < 3; i++) write_section(i);
    CHECK_INT(6, files(false));
    ckpt_merge_options *options = ckpt_merge_options_new();
    CHECK_OK(ckpt_merge_options_set_keep_inputs(options, true, &error));
    CHECK_OK(ckpt_merge_options_set_durability(options, CKPT_DURABILITY_DATA, &error));
    CHECK_OK(ckpt_merge_options_set_progress(options, follow, &seen, forget, &error));
    CHECK_OK(merge("m", 3, options));
    CHECK_INT(6 + 4, files(false));
    CHECK(seen.calls > 0 && !seen.backwards && seen.done == seen.total);
    ckpt_merge_options_free(options);
    CHECK_INT(1, seen.freed);
    merged_must_hold(3);

    CHECK_OK(merge("m", 3, NULL)); /* over what is there; and now the sections go */
    merged_must_hold(3);
    ckpt_reader *reader = must_open(in("m"));
    CHECK_INT(ckpt_reader_shard_count(reader) + 1, files(false));
    ckpt_reader_free(reader);
    files(true);
}

static void sections_that_cannot_be_merged_stay(void) {
    write_section(0);
    write_section(1);
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, merge("m", 3, NULL));
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, merge("m", 2, NULL)); /* their names say that there are three */
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, merge("m", 0, NULL));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, merge("part-00000-of-00003", 2, NULL));
    const char *twice[] = {directory, directory, NULL};
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_merge(in("m"), NULL, 2, NULL, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_merge(NULL, twice, 2, NULL, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_merge(in("m"), twice + 2, 1, NULL, &error));
    twice[0] = twice[1] = in("part-00000-of-00003");
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_merge(in("m"), twice, 2, NULL, &error));
    CHECK_INT(4, files(false));

    ckpt_merge_options *options = ckpt_merge_options_new();
    progress seen = {0, 0, 0, 0, false, false, 0, pthread_self()};
    CHECK_OK(ckpt_merge_options_set_progress(options, follow, &seen, forget, &error));
    CHECK_OK(ckpt_merge_options_set_allow_missing(options, true, &error));
    CHECK_FAILS(CKPT_CODE_CANCELLED, merge("m", 2, options));
    CHECK_INT(4, files(false));
    CHECK_OK(ckpt_merge_options_set_progress(options, NULL, NULL, NULL, &error));
    CHECK_INT(1, seen.freed);
    CHECK_OK(merge("m", 3, options));
    merged_must_hold(2);
    CHECK_INT(3, files(true));

    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_merge_options_set_allow_missing(NULL, true, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_merge_options_set_keep_inputs(NULL, true, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_merge_options_set_durability(NULL, CKPT_DURABILITY_FULL, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_merge_options_set_durability(options, 3, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_merge_options_set_progress(NULL, NULL, NULL, NULL, &error));
    ckpt_merge_options_free(options);
    ckpt_merge_options_free(NULL);
}

/* `ulimit -f`: the system would send SIGXFSZ, which ends the process. */
static void a_limit_on_the_size_of_files_is_an_error(void) {
    static const char values[1 << 16] = {0};
    const int64_t length = sizeof values;
    const int only = files(false);
    struct rlimit before, small;
    CHECK_INT(0, getrlimit(RLIMIT_FSIZE, &before));
    small = before;
    for (rlim_t limit = 0; limit <= sizeof values; limit += sizeof values / 2) {
        ckpt_writer *writer = must_write("limited", NULL);
        CHECK_OK(add(writer, "x", CKPT_DTYPE_UINT8, &length, 1, values, sizeof values));
        small.rlim_cur = limit;
        CHECK_INT(0, setrlimit(RLIMIT_FSIZE, &small));
        const ckpt_code code = ckpt_writer_finish(writer, &error);
        setrlimit(RLIMIT_FSIZE, &before);
        if (limit < sizeof values) {
            CHECK_INT(CKPT_CODE_RESOURCE_EXHAUSTED, code);
            CHECK_INT(EFBIG, ckpt_error_errno(error));
            ckpt_error_free(error);
            error = NULL;
            CHECK_INT(only, files(false));
        } else {
            CHECK_OK(code);
        }
        ckpt_writer_free(writer);
    }
    files(true);
}

int main(void) {
    if (!CHECK(mkdtemp(directory) != NULL)) return 1;
    every_dtype_and_option();
    slices_make_up_their_tensor();
    large_tensors_are_cut_over_data_files();
    strings_and_variants();
    nothing_at_all_is_a_checkpoint_too();
    a_checkpoint_takes_the_place_of_another();
    values_may_be_asked_for();
    a_value_that_cannot_be_had_ends_the_writing();
    progress_is_told_and_can_stop_it();
    a_raised_flag_stops_long_calls();
    a_shape_and_slice_say_what_a_value_is();
    what_cannot_be_is_refused();
    what_does_not_fit_together_is_refused_by_finish();
    a_finished_writer_is_used_up();
    a_directory_that_cannot_be_written_is_refused();
    a_limit_on_the_size_of_files_is_an_error();
    sections_become_one_checkpoint();
    sections_that_cannot_be_merged_stay();
    rmdir(directory);
    return check_report();
}
