/* Values come out as TensorFlow wrote them: whole, in slices, as strings, many at once, as views. */
#include <pthread.h>

#include "check.h"

static const char VALUE[] = "/.ATTRIBUTES/VARIABLE_VALUE";

static const ckpt_tensor *find_variable(const ckpt_reader *reader, const char *name) {
    char key[200];
    snprintf(key, sizeof key, "%s%s", name, VALUE);
    return must_find(reader, key);
}

/* ---------------------------------------------------------------- whole */

typedef struct known_value {
    const char *path, *key;
    size_t size;
    const void *bytes;
} known_value;

static const int32_t fifty = 50, zero = 0, one = 1;
static const int64_t five = 5, forty_two = 42, eleven[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
static const uint8_t nine[] = {0, 1, 2, 3, 4, 5, 6, 7, 8}, flags[] = {1, 0, 1};
static const int8_t small[] = {-1, 2, -3};
static const float complex_pair[] = {1.0f, 2.0f, -0.0f, -3.5f};

static const known_value known_values[] = {
    {"guide/ckpt-5", "step/.ATTRIBUTES/VARIABLE_VALUE", 4, &fifty},
    {"guide/ckpt-5", "save_counter/.ATTRIBUTES/VARIABLE_VALUE", 8, &five},
    {"wide/w-1", "c/.ATTRIBUTES/VARIABLE_VALUE", sizeof eleven, eleven},
    {"unmerged/merged", "only0", 4, &zero},
    {"unmerged/merged", "only1", 4, &one},
    {"sharded/s", "w2/bias", 32, eleven},
    {"saver_v2/model.ckpt-3", "global_step", 8, &forty_two},
    {"saver_v2/model.ckpt-3", "cplx", sizeof complex_pair, complex_pair},
    {"saver_v1/model.ckpt-3", "global_step", 8, &forty_two},
    {"saver_v1/model.ckpt-3", "bytes", sizeof nine, nine},
    {"saver_v1/model.ckpt-3", "flag", sizeof flags, flags},
    {"saver_v1/model.ckpt-3", "small", sizeof small, small},
    {"saver_v1/model.ckpt-3", "cplx", sizeof complex_pair, complex_pair}, /* TensorFlow cannot read this one */
    {"saver_v1/sharded.ckpt-\?\?\?\?\?-of-00001", "global_step", 8, &forty_two},
};

static void whole_tensors_have_the_values_that_were_saved(void) {
    for (size_t i = 0; i < COUNT(known_values); i++) {
        const known_value *known = &known_values[i];
        unsigned char buffer[256];
        memset(buffer, 0xEE, sizeof buffer);
        ckpt_reader *reader = must_open(known->path);
        const ckpt_tensor *tensor = must_find(reader, known->key);
        CHECK_INT(known->size, ckpt_tensor_byte_size(tensor));
        CHECK_OK(ckpt_reader_read(reader, tensor, NULL, buffer, known->size, &error));
        if (!CHECK(memcmp(buffer, known->bytes, known->size) == 0)) fprintf(stderr, "  for %s\n", known->key);
        CHECK(buffer[known->size] == 0xEE);
        ckpt_reader_free(reader);
    }
}

static void both_savers_wrote_the_same_model(void) {
    ckpt_reader *v1 = must_open("saver_v1/model.ckpt-3"), *v2 = must_open("saver_v2/model.ckpt-3");
    CHECK_INT(CKPT_FORMAT_V1, ckpt_reader_format(v1));
    CHECK_INT(CKPT_FORMAT_V2, ckpt_reader_format(v2));
    for (size_t i = 0; i < ckpt_reader_count(v2); i++) {
        const ckpt_tensor *ours = ckpt_reader_tensor(v1, i), *theirs = ckpt_reader_tensor(v2, i);
        if (ckpt_tensor_dtype(theirs) == CKPT_DTYPE_STRING) continue;
        unsigned char first[256], second[256];
        size_t size = (size_t)ckpt_tensor_byte_size(theirs);
        CHECK_OK(ckpt_reader_read(v1, ours, NULL, first, size, &error));
        CHECK_OK(ckpt_reader_read(v2, theirs, NULL, second, size, &error));
        CHECK(memcmp(first, second, size) == 0);
    }
    ckpt_reader_free(v1);
    ckpt_reader_free(v2);
}

/* ---------------------------------------------------------------- slices */

static void slices_are_the_part_of_the_whole(void) {
    ckpt_reader *reader = must_open("wide/w-1");
    const ckpt_tensor *a = find_variable(reader, "a"); /* float32 [16, 9], stored in pieces */
    CHECK(ckpt_tensor_slice_count(a) > 1);
    CHECK_INT(-1, ckpt_tensor_shard(a));
    CHECK_INT(-1, ckpt_tensor_offset(a));
    float whole[16][9], part[5][3];
    CHECK_OK(ckpt_reader_read(reader, a, NULL, whole, sizeof whole, &error));
    for (int64_t row = 0; row + 5 <= 16; row++) {
        for (int64_t column = 0; column + 3 <= 9; column++) {
            const int64_t start[] = {row, column}, length[] = {5, 3};
            CHECK_OK(ckpt_reader_read_slice(reader, a, start, length, 2, NULL, part, sizeof part, &error));
            for (int r = 0; r < 5; r++) {
                CHECK(memcmp(part[r], &whole[row + r][column], sizeof part[r]) == 0);
            }
        }
    }
    /* A length of -1 goes to the end of the dimension. */
    const int64_t start[] = {0, 0}, rows_full[] = {-1, 9};
    float again[16][9];
    CHECK_OK(ckpt_reader_read_slice(reader, a, start, rows_full, 2, NULL, again, sizeof again, &error));
    CHECK(memcmp(again, whole, sizeof whole) == 0);
    ckpt_reader_free(reader);
}

static void stored_slices_cover_the_tensor(void) {
    ckpt_reader *reader = must_open("unmerged/merged");
    const ckpt_tensor *table = must_find(reader, "table"); /* float32 [6, 5] in rows 0..4 and 4..6 */
    CHECK_INT(2, ckpt_tensor_slice_count(table));
    static const int64_t starts[] = {0, 4}, lengths[] = {4, 2};
    for (size_t i = 0; i < 2; i++) {
        int64_t start[2], length[2];
        CHECK_OK(ckpt_tensor_slice(table, i, start, length, &error));
        CHECK_INT(starts[i], start[0]);
        CHECK_INT(lengths[i], length[0]);
        CHECK_INT(0, start[1]);
        CHECK_INT(-1, length[1]);
        float part[20];
        size_t size = (size_t)lengths[i] * 5 * sizeof *part;
        CHECK_OK(ckpt_reader_read_slice(reader, table, start, length, 2, NULL, part, size, &error));
    }
    ckpt_reader_free(reader);
}

/* ---------------------------------------------------------------- strings */

static void strings_keep_every_byte(void) {
    static const char hello[] = "h\303\251llo \344\270\226\347\225\214";
    ckpt_reader *reader = must_open("dtypes/all");
    ckpt_strings *strings = NULL;
    CHECK_OK(ckpt_reader_read_strings(reader, find_variable(reader, "strings"), NULL, &strings, &error));
    CHECK_INT(6, ckpt_strings_count(strings));
    CHECK(text_is(ckpt_strings_get(strings, 0), ""));
    CHECK(text_is(ckpt_strings_get(strings, 1), "a"));
    CHECK(bytes_are(ckpt_strings_get(strings, 2), "\000\377 nul inside", 13));
    CHECK(text_is(ckpt_strings_get(strings, 3), hello));
    CHECK_INT(300, ckpt_strings_get(strings, 4).len);
    CHECK(text_is(ckpt_strings_get(strings, 5), "\n"));
    CHECK(ckpt_strings_get(strings, 6).data == NULL && ckpt_strings_get(strings, 6).len == 0);
    ckpt_strings_free(strings);

    const int64_t start[] = {0, 1}, length[] = {-1, 1}; /* the middle column */
    CHECK_OK(ckpt_reader_read_strings_slice(reader, find_variable(reader, "strings"), start, length, 2, NULL, &strings, &error));
    CHECK_INT(2, ckpt_strings_count(strings));
    CHECK(text_is(ckpt_strings_get(strings, 0), "a"));
    CHECK_INT(300, ckpt_strings_get(strings, 1).len);
    ckpt_strings_free(strings);

    CHECK_OK(ckpt_reader_read_strings(reader, find_variable(reader, "strings_none"), NULL, &strings, &error));
    CHECK_INT(0, ckpt_strings_count(strings));
    ckpt_strings_free(strings);
    ckpt_reader_free(reader);
}

static void variants_come_as_serialized_elements(void) {
    ckpt_reader *reader = must_open("guide/ckpt-5");
    ckpt_strings *elements = NULL;
    const ckpt_tensor *state = must_find(reader, "iterator/.ATTRIBUTES/ITERATOR_STATE");
    CHECK_INT(CKPT_DTYPE_VARIANT, ckpt_tensor_dtype(state));
    CHECK_OK(ckpt_reader_read_strings(reader, state, NULL, &elements, &error));
    CHECK_INT(5, ckpt_strings_count(elements));
    /* VariantTensorDataProto, whose first field is the type's name. */
    for (size_t i = 0; i < 5; i++) CHECK(text_has(ckpt_strings_get(elements, i), "tensorflow::"));
    ckpt_strings_free(elements);
    ckpt_reader_free(reader);
}

/* ---------------------------------------------------------------- many at once */

enum { MANY = 80 };

static void many_tensors_are_read_by_several_threads(void) {
    ckpt_reader *reader = must_open("savedmodel/variables");
    const ckpt_tensor *tensors[MANY];
    void *buffers[MANY];
    size_t sizes[MANY], count = 0;
    for (size_t i = 0; i < ckpt_reader_count(reader) && count < MANY; i++) {
        const ckpt_tensor *tensor = ckpt_reader_tensor(reader, i);
        if (ckpt_dtype_size(ckpt_tensor_dtype(tensor)) == 0) continue;
        tensors[count] = tensor;
        sizes[count] = (size_t)ckpt_tensor_byte_size(tensor);
        buffers[count] = malloc(sizes[count] + 1);
        count++;
    }
    CHECK_INT(73, count);

    for (uint32_t threads = 1; threads <= 4; threads *= 2) {
        ckpt_read_options *options = ckpt_read_options_new();
        CHECK_OK(ckpt_read_options_set_threads(options, threads, &error));
        for (size_t i = 0; i < count; i++) memset(buffers[i], 0xEE, sizes[i]);
        CHECK_OK(ckpt_reader_read_many(reader, tensors, count, options, buffers, sizes, &error));
        for (size_t i = 0; i < count; i++) {
            unsigned char *alone = (unsigned char *)malloc(sizes[i] + 1);
            CHECK_OK(ckpt_reader_read(reader, tensors[i], NULL, alone, sizes[i], &error));
            CHECK(memcmp(alone, buffers[i], sizes[i]) == 0);
            free(alone);
        }
        ckpt_read_options_free(options);
    }
    CHECK_OK(ckpt_reader_read_many(reader, NULL, 0, NULL, NULL, NULL, &error));
    for (size_t i = 0; i < count; i++) free(buffers[i]);
    ckpt_reader_free(reader);
}

static void *read_everything(void *argument) {
    const ckpt_reader *reader = (const ckpt_reader *)argument;
    for (size_t i = 0; i < ckpt_reader_count(reader); i++) {
        const ckpt_tensor *tensor = ckpt_reader_tensor(reader, i);
        unsigned char buffer[4096];
        if (ckpt_dtype_size(ckpt_tensor_dtype(tensor)) == 0) continue;
        if (ckpt_reader_read(reader, tensor, NULL, buffer, (size_t)ckpt_tensor_byte_size(tensor), NULL) != CKPT_CODE_OK) {
            return (void *)"a read failed";
        }
    }
    return NULL;
}

static void one_reader_serves_many_threads(void) {
    ckpt_reader *reader = must_open("wide/w-1");
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT(threads); i++) CHECK(pthread_create(&threads[i], NULL, read_everything, reader) == 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *problem = NULL;
        CHECK(pthread_join(threads[i], &problem) == 0);
        CHECK(problem == NULL);
    }
    ckpt_reader_free(reader);
}

/* ---------------------------------------------------------------- views */

static void views_lend_the_files_bytes(void) {
    ckpt_reader *reader = must_open("dtypes/all");
    const ckpt_tensor *tensor = find_variable(reader, "t_float64");
    double values[60];
    CHECK_OK(ckpt_reader_read(reader, tensor, NULL, values, sizeof values, &error));
    ckpt_view *view = NULL;
    CHECK_OK(ckpt_reader_view(reader, tensor, NULL, &view, &error));
    ckpt_reader_free(reader); /* the view holds what it needs */
    CHECK(bytes_are(ckpt_view_bytes(view), values, sizeof values));
    size_t alignment = ckpt_view_alignment(view);
    CHECK(alignment > 0 && (alignment & (alignment - 1)) == 0);
    CHECK((uintptr_t)ckpt_view_bytes(view).data % alignment == 0);
    ckpt_view_free(view);
}

static void only_whole_plain_tensors_have_views(void) {
    ckpt_view *view = (ckpt_view *)&view;
    ckpt_reader *reader = must_open("wide/w-1");
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_reader_view(reader, find_variable(reader, "a"), NULL, &view, &error));
    CHECK(view == NULL);
    ckpt_reader_free(reader);
}

static void the_listing_names_every_tensor(void) {
    ckpt_reader *reader = must_open("sharded/s");
    CHECK_INT(3, ckpt_reader_shard_count(reader));
    CHECK(text_has(ckpt_reader_prefix(reader), "sharded/s"));
    CHECK_INT(2, ckpt_tensor_shard(must_find(reader, "w2/bias")));
    CHECK_INT(1, ckpt_reader_producer_version(reader));
    CHECK_INT(0, ckpt_reader_min_consumer_version(reader));
    CHECK(!ckpt_reader_is_big_endian(reader));
    ckpt_string *shard = NULL, *listing = NULL;
    CHECK_OK(ckpt_reader_shard_path(reader, 2, &shard, &error));
    CHECK(text_has(ckpt_string_bytes(shard), "sharded/s.data-00002-of-00003"));
    ckpt_string_free(shard);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_reader_shard_path(reader, 3, &shard, &error));
    CHECK(shard == NULL);
    CHECK_OK(ckpt_reader_debug_string(reader, &listing, &error));
    CHECK(text_has(ckpt_string_bytes(listing), "w2/kernel (DT_FLOAT) [4,3]"));
    ckpt_string_free(listing);
    ckpt_reader_free(reader);
}

/* ---------------------------------------------------------------- measuring */

typedef struct measured {
    const char *path, *key;
    int64_t start, length; /* of the first dimension; a length of -2 measures the whole */
    ckpt_dtype elements;
    ckpt_code code;
    ckpt_reason reason;
    uint64_t count, size;
} measured;

/* What an index claims is measured before memory is allocated for it: the claims are of a file of 207 bytes. */
static void measuring_refuses_what_the_shards_do_not_hold(void) {
    static const measured table[] = {
        {"guide/ckpt-5", "step/.ATTRIBUTES/VARIABLE_VALUE", 0, -2, CKPT_DTYPE_INVALID, CKPT_CODE_OK, 0, 1, 4},
        {"wide/w-1", "a/.ATTRIBUTES/VARIABLE_VALUE", 0, -2, CKPT_DTYPE_FLOAT, CKPT_CODE_OK, 0, 144, 576},
        {"wide/w-1", "a/.ATTRIBUTES/VARIABLE_VALUE", 3, 5, CKPT_DTYPE_FLOAT, CKPT_CODE_OK, 0, 45, 180},
        {"wide/w-1", "a/.ATTRIBUTES/VARIABLE_VALUE", 3, -1, CKPT_DTYPE_FLOAT, CKPT_CODE_OK, 0, 117, 468},
        {"wide/w-1", "a/.ATTRIBUTES/VARIABLE_VALUE", 3, 14, CKPT_DTYPE_FLOAT, CKPT_CODE_INVALID_ARGUMENT, CKPT_REASON_SHAPE, 0,
         0},
        {"wide/w-1", "a/.ATTRIBUTES/VARIABLE_VALUE", 17, -1, CKPT_DTYPE_FLOAT, CKPT_CODE_INVALID_ARGUMENT, CKPT_REASON_SHAPE, 0,
         0},
        {"wide/w-1", "a/.ATTRIBUTES/VARIABLE_VALUE", 0, -2, CKPT_DTYPE_UINT32, CKPT_CODE_INVALID_ARGUMENT, CKPT_REASON_DTYPE, 0,
         0},
        {"wide/w-1", "a/.ATTRIBUTES/VARIABLE_VALUE", 0, -2, 99, CKPT_CODE_INVALID_ARGUMENT, CKPT_REASON_DTYPE, 0, 0},
        {"saver_v1/model.ckpt-3", "cplx", 0, -2, CKPT_DTYPE_COMPLEX64, CKPT_CODE_OK, 0, 2, 16},
        {"../hostile/claim", "billion", 0, -2, CKPT_DTYPE_FLOAT, CKPT_CODE_DATA_LOSS, CKPT_REASON_TRUNCATED, 0, 0},
        {"../hostile/claim", "trillion", 0, -2, CKPT_DTYPE_FLOAT, CKPT_CODE_DATA_LOSS, CKPT_REASON_TRUNCATED, 0, 0},
        {"../hostile/claim", "trillion", 0, -2, CKPT_DTYPE_DOUBLE, CKPT_CODE_INVALID_ARGUMENT, CKPT_REASON_DTYPE, 0, 0},
        {"../hostile/claim", "trillion", 5, 1000, CKPT_DTYPE_FLOAT, CKPT_CODE_DATA_LOSS, CKPT_REASON_TRUNCATED, 0, 0},
        {"../hostile/claim", "strings", 0, -2, CKPT_DTYPE_INVALID, CKPT_CODE_DATA_LOSS, CKPT_REASON_TRUNCATED, 0, 0},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        const measured *row = &table[i];
        ckpt_reader *reader = must_open(row->path);
        const ckpt_tensor *tensor = must_find(reader, row->key);
        uint64_t count = 99, size = 99;
        const int64_t start[] = {row->start, 0}, length[] = {row->length, -1};
        ckpt_code code = row->length == -2 ? ckpt_reader_measure(reader, tensor, row->elements, &count, &size, &error)
                                           : ckpt_reader_measure_slice(reader, tensor, start, length, ckpt_tensor_rank(tensor),
                                                                       row->elements, &count, &size, &error);
        CHECK_INT(row->reason, ckpt_error_reason(error));
        if (code != CKPT_CODE_OK && row->elements != 99) CHECK(text_is(ckpt_error_tensor(error), row->key));
        bool fine = CHECK_FAILS(row->code, code);
        fine = CHECK_INT(row->count, count) && CHECK_INT(row->size, size) && fine;
        if (!fine) fprintf(stderr, "  for row %zu, %s\n", i, row->key);
        ckpt_reader_free(reader);
    }
}

static void elements_of_another_type_are_refused_with_both_names(void) {
    ckpt_reader *reader = must_open("wide/w-1");
    const ckpt_tensor *a = find_variable(reader, "a");
    CHECK_OK(ckpt_tensor_check_elements(a, CKPT_DTYPE_FLOAT, &error));
    CHECK_INT(CKPT_CODE_INVALID_ARGUMENT, ckpt_tensor_check_elements(a, CKPT_DTYPE_INT32, &error));
    CHECK(text_is(ckpt_error_expected(error), "int32") && text_is(ckpt_error_found(error), "float32"));
    CHECK(text_has(ckpt_error_file(error), "wide/w-1") && text_has(ckpt_error_tensor(error), "a/"));
    ckpt_error_free(error);
    error = NULL;
    CHECK_OK(ckpt_dtype_check_elements(CKPT_DTYPE_BFLOAT16, CKPT_DTYPE_UINT16, NULL, 0, &error));
    CHECK_INT(CKPT_CODE_INVALID_ARGUMENT, ckpt_dtype_check_elements(CKPT_DTYPE_INT16, CKPT_DTYPE_UINT16, "w", 1, &error));
    CHECK(text_is(ckpt_error_tensor(error), "w"));
    ckpt_error_free(error);
    error = NULL;
    ckpt_reader_free(reader);
}

typedef struct named {
    const char *path, *name, *key;
} named;

static const named names[] = {
    {"guide/ckpt-5", "net/l1/kernel", "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE"},
    {"guide/ckpt-5", "net/dense/kernel", "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE"},
    {"guide/ckpt-5", "net/dense/kernel:0", "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE"},
    {"saver_v2/model.ckpt-3", "global_step:0", "global_step"},
};

static void tensors_are_found_by_paths_and_full_names(void) {
    for (size_t i = 0; i < COUNT(names); i++) {
        ckpt_reader *reader = must_open(names[i].path);
        CHECK(text_is(ckpt_tensor_key(must_find(reader, names[i].name)), names[i].key));
        CHECK(!ckpt_reader_has(reader, names[i].name, strlen(names[i].name)));
        ckpt_reader_free(reader);
    }
    ckpt_reader *reader = must_open("containers/c-1");
    const ckpt_tensor *tensor = NULL;
    ckpt_code code = ckpt_reader_find(reader, "Variable", 8, &tensor, &error);
    CHECK_INT(CKPT_REASON_AMBIGUOUS, ckpt_error_reason(error));
    CHECK(strstr(ckpt_error_message(error), "listed/0/.ATTRIBUTES/VARIABLE_VALUE") != NULL);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, code);
    CHECK(tensor == NULL);
    ckpt_reader_free(reader);
}

int main(void) {
    measuring_refuses_what_the_shards_do_not_hold();
    elements_of_another_type_are_refused_with_both_names();
    whole_tensors_have_the_values_that_were_saved();
    both_savers_wrote_the_same_model();
    slices_are_the_part_of_the_whole();
    stored_slices_cover_the_tensor();
    strings_keep_every_byte();
    variants_come_as_serialized_elements();
    many_tensors_are_read_by_several_threads();
    one_reader_serves_many_threads();
    views_lend_the_files_bytes();
    only_whole_plain_tensors_have_views();
    the_listing_names_every_tensor();
    tensors_are_found_by_paths_and_full_names();
    return check_report();
}
