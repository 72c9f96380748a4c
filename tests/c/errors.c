/* What goes wrong is said: codes, fields, outputs cleared; and misuse that can be seen is INVALID_ARGUMENT, not a
 * crash. */
#include "check.h"

static const char KERNEL[] = "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE";

/* ---------------------------------------------------------------- what an error says */

static void a_missing_key_names_file_and_key(void) {
    ckpt_reader *reader = must_open("guide/ckpt-5");
    const ckpt_tensor *tensor = (const ckpt_tensor *)&reader;
    ckpt_error *mine = NULL;
    const char *key = "net/l1/kernal/.ATTRIBUTES/VARIABLE_VALUE";
    CHECK_INT(CKPT_CODE_NOT_FOUND, ckpt_reader_find(reader, key, strlen(key), &tensor, &mine));
    CHECK(tensor == NULL);
    CHECK_INT(CKPT_CODE_NOT_FOUND, ckpt_error_code(mine));
    CHECK_INT(CKPT_REASON_NO_TENSOR, ckpt_error_reason(mine));
    CHECK_INT(0, ckpt_error_errno(mine));
    CHECK(text_is(ckpt_error_tensor(mine), key));
    CHECK(text_has(ckpt_error_file(mine), "guide/ckpt-5"));
    CHECK(strstr(ckpt_error_message(mine), KERNEL) != NULL); /* a near key is named */
    CHECK(strchr(ckpt_error_message(mine), '\n') == NULL);
    ckpt_error_free(mine);
    ckpt_reader_free(reader);
}

static void a_missing_checkpoint_is_not_found(void) {
    static const char *const paths[] = {"guide/ckpt-6", "nowhere/at/all", "guide/ckpt-6.index"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        ckpt_reader *reader = (ckpt_reader *)&reader;
        CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_reader_open(paths[i], NULL, &reader, &error));
        CHECK(reader == NULL);
    }
}

static void a_wrong_size_says_what_fits(void) {
    ckpt_reader *reader = must_open("guide/ckpt-5");
    const ckpt_tensor *kernel = must_find(reader, KERNEL); /* float32 [1, 5] */
    float buffer[8];
    ckpt_error *mine = NULL;
    CHECK_INT(CKPT_CODE_INVALID_ARGUMENT, ckpt_reader_read(reader, kernel, NULL, buffer, sizeof buffer, &mine));
    CHECK(text_is(ckpt_error_tensor(mine), KERNEL));
    CHECK(text_has(ckpt_error_expected(mine), "20"));
    CHECK(text_has(ckpt_error_found(mine), "32"));
    ckpt_error_free(mine);
    ckpt_reader_free(reader);
}

static void errors_may_be_ignored(void) {
    ckpt_reader *reader = NULL;
    CHECK_INT(CKPT_CODE_NOT_FOUND, ckpt_reader_open("nowhere", NULL, &reader, NULL));
}

/* The slot for the error is overwritten, never freed: what is in it may be anything. */
static void the_error_slot_need_not_be_cleared(void) {
    ckpt_reader *reader = NULL;
    ckpt_error *slot = (ckpt_error *)&slot;
    CHECK_INT(CKPT_CODE_NOT_FOUND, ckpt_reader_open("nowhere", NULL, &reader, &slot));
    ckpt_error_free(slot);
    slot = (ckpt_error *)&slot;
    CHECK_INT(CKPT_CODE_OK, ckpt_reader_open("guide/ckpt-5", NULL, &reader, &slot));
    CHECK(slot == NULL);
    ckpt_reader_free(reader);
}

/* ---------------------------------------------------------------- misuse */

static void null_is_an_error_where_a_handle_is_due(void) {
    ckpt_reader *reader = must_open("guide/ckpt-5");
    const ckpt_tensor *kernel = must_find(reader, KERNEL), *found;
    ckpt_reader *opened;
    ckpt_strings *strings;
    ckpt_view *view;
    ckpt_object_graph *graph;
    ckpt_string *text;
    ckpt_verification *verification;
    float buffer[5];
    void *const buffers[] = {buffer}, *const no_buffers[] = {NULL};
    const ckpt_tensor *const tensors[] = {kernel}, *const no_tensors[] = {NULL};
    const size_t sizes[] = {sizeof buffer};
    const int64_t start[] = {0, 0}, length[] = {1, 5};
    int64_t starts[2], lengths[2];

#define MISUSE(call) CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, call)
    MISUSE(ckpt_reader_open(NULL, NULL, &opened, &error));
    MISUSE(ckpt_reader_open("guide/ckpt-5", NULL, NULL, &error));
    MISUSE(ckpt_reader_find(NULL, "k", 1, &found, &error));
    MISUSE(ckpt_reader_find(reader, NULL, 1, &found, &error));
    MISUSE(ckpt_reader_find(reader, KERNEL, strlen(KERNEL), NULL, &error));
    MISUSE(ckpt_reader_read(NULL, kernel, NULL, buffer, sizeof buffer, &error));
    MISUSE(ckpt_reader_read(reader, NULL, NULL, buffer, sizeof buffer, &error));
    MISUSE(ckpt_reader_read(reader, kernel, NULL, NULL, sizeof buffer, &error));
    MISUSE(ckpt_reader_read_slice(NULL, kernel, start, length, 2, NULL, buffer, sizeof buffer, &error));
    MISUSE(ckpt_reader_read_slice(reader, NULL, start, length, 2, NULL, buffer, sizeof buffer, &error));
    MISUSE(ckpt_reader_read_slice(reader, kernel, NULL, length, 2, NULL, buffer, sizeof buffer, &error));
    MISUSE(ckpt_reader_read_slice(reader, kernel, start, NULL, 2, NULL, buffer, sizeof buffer, &error));
    MISUSE(ckpt_reader_read_slice(reader, kernel, start, length, 2, NULL, NULL, sizeof buffer, &error));
    MISUSE(ckpt_reader_read_many(NULL, tensors, 1, NULL, buffers, sizes, &error));
    MISUSE(ckpt_reader_read_many(reader, NULL, 1, NULL, buffers, sizes, &error));
    MISUSE(ckpt_reader_read_many(reader, tensors, 1, NULL, NULL, sizes, &error));
    MISUSE(ckpt_reader_read_many(reader, tensors, 1, NULL, buffers, NULL, &error));
    MISUSE(ckpt_reader_read_many(reader, no_tensors, 1, NULL, buffers, sizes, &error));
    MISUSE(ckpt_reader_read_many(reader, tensors, 1, NULL, no_buffers, sizes, &error));
    MISUSE(ckpt_reader_read_strings(NULL, kernel, NULL, &strings, &error));
    MISUSE(ckpt_reader_read_strings(reader, NULL, NULL, &strings, &error));
    MISUSE(ckpt_reader_read_strings(reader, kernel, NULL, NULL, &error));
    MISUSE(ckpt_reader_view(NULL, kernel, NULL, &view, &error));
    MISUSE(ckpt_reader_view(reader, NULL, NULL, &view, &error));
    MISUSE(ckpt_reader_view(reader, kernel, NULL, NULL, &error));
    MISUSE(ckpt_reader_object_graph(NULL, &graph, &error));
    MISUSE(ckpt_reader_object_graph(reader, NULL, &error));
    MISUSE(ckpt_reader_debug_string(NULL, &text, &error));
    MISUSE(ckpt_reader_debug_string(reader, NULL, &error));
    MISUSE(ckpt_verify(NULL, NULL, &verification, &error));
    MISUSE(ckpt_verify("guide/ckpt-5", NULL, NULL, &error));
    MISUSE(ckpt_tensor_slice(NULL, 0, starts, lengths, &error));
    MISUSE(ckpt_tensor_slice(kernel, 0, NULL, lengths, &error));
    MISUSE(ckpt_tensor_slice(kernel, 0, starts, NULL, &error));
    MISUSE(ckpt_open_options_set_memory_limit(NULL, 1, &error));
    MISUSE(ckpt_read_options_set_threads(NULL, 1, &error));
    MISUSE(ckpt_read_options_set_checksums(NULL, CKPT_CHECKSUMS_ALWAYS, &error));
    MISUSE(ckpt_verify_options_set_threads(NULL, 1, &error));
    MISUSE(ckpt_verify_options_set_progress(NULL, NULL, NULL, NULL, &error));
#undef MISUSE
    ckpt_reader_free(reader);
}

/* Functions that cannot fail answer with nothing. */
static void null_has_no_properties(void) {
    CHECK_INT(0, ckpt_reader_count(NULL));
    CHECK(ckpt_reader_tensor(NULL, 0) == NULL);
    CHECK(!ckpt_reader_has(NULL, "k", 1));
    CHECK_INT(0, ckpt_reader_prefix(NULL).len);
    CHECK(ckpt_reader_resolved(NULL).data == NULL);
    CHECK(!ckpt_reader_resolved_is_moved(NULL) && !ckpt_reader_resolved_is_ambiguous(NULL));
    CHECK_INT(0, ckpt_reader_shard_count(NULL));
    CHECK_INT(0, ckpt_tensor_key(NULL).len);
    CHECK_INT(0, ckpt_tensor_rank(NULL));
    CHECK(ckpt_tensor_shape(NULL) == NULL);
    CHECK_INT(0, ckpt_tensor_element_count(NULL));
    CHECK_INT(-1, ckpt_tensor_byte_size(NULL));
    CHECK_INT(-1, ckpt_tensor_shard(NULL));
    CHECK_INT(-1, ckpt_tensor_offset(NULL));
    CHECK_INT(0, ckpt_tensor_slice_count(NULL));
    CHECK_INT(0, ckpt_strings_count(NULL));
    CHECK_INT(0, ckpt_strings_get(NULL, 0).len);
    CHECK_INT(0, ckpt_view_bytes(NULL).len);
    CHECK_INT(0, ckpt_string_bytes(NULL).len);
    CHECK_INT(CKPT_CODE_OK, ckpt_error_code(NULL));
    CHECK_INT(0, ckpt_error_errno(NULL));
    CHECK(ckpt_error_message(NULL) != NULL);
    CHECK_INT(0, ckpt_error_file(NULL).len);
    CHECK_INT(0, ckpt_view_alignment(NULL));
    CHECK_INT(0, ckpt_object_graph_count(NULL));
    CHECK_INT(0, ckpt_verification_problem_count(NULL));
    CHECK_INT(0, ckpt_verification_verdict(NULL));
    CHECK(ckpt_verification_problem(NULL, 0) == NULL);
}

static void null_may_be_freed(void) {
    ckpt_reader_free(NULL);
    ckpt_error_free(NULL);
    ckpt_strings_free(NULL);
    ckpt_string_free(NULL);
    ckpt_view_free(NULL);
    ckpt_object_graph_free(NULL);
    ckpt_verification_free(NULL);
    ckpt_open_options_free(NULL);
    ckpt_read_options_free(NULL);
    ckpt_verify_options_free(NULL);
}

/* Each kind of constant, with its last and that one's name. */
static const struct {
    const char *(*name)(int32_t number);
    int32_t last;
    const char *expected;
} names[] = {
    {ckpt_format_name, CKPT_FORMAT_V2, "V2"},
    {ckpt_checksums_name, CKPT_CHECKSUMS_NEVER, "never"},
    {ckpt_durability_name, CKPT_DURABILITY_NONE, "none"},
    {ckpt_kind_name, CKPT_KIND_SLOT_OWNER, "slot owner"},
    {ckpt_mismatch_name, CKPT_MISMATCH_SKIP, "skip"},
    {ckpt_conversion_name, CKPT_CONVERSION_LOSSY, "lossy"},
    {ckpt_busy_name, CKPT_BUSY_FAIL, "fail"},
    {ckpt_restore_kind_name, CKPT_RESTORE_KIND_NONE, "none"},
    {ckpt_row_state_name, CKPT_ROW_STATE_CONVERTED, "converted"},
    {ckpt_better_name, CKPT_BETTER_HIGHER, "higher"},
    {ckpt_verdict_name, CKPT_VERDICT_DAMAGED, "damaged"},
    {ckpt_severity_name, CKPT_SEVERITY_ERROR, "error"},
};

static void constants_have_names(void) {
    for (size_t kind = 0; kind < COUNT(names); kind++) {
        CHECK(strcmp(names[kind].name(names[kind].last), names[kind].expected) == 0);
        CHECK(strcmp(names[kind].name(names[kind].last + 1), "unknown") == 0);
    }
    CHECK(strcmp(ckpt_reason_name(0), "NONE") == 0);
    CHECK(strcmp(ckpt_reason_name(CKPT_REASON_ARGUMENT), "ARGUMENT") == 0);
    CHECK(strcmp(ckpt_reason_name(CKPT_REASON_CONCURRENT_USE), "CONCURRENT_USE") == 0);
    CHECK(strcmp(ckpt_reason_name(CKPT_REASON_AMBIGUOUS + 1), "UNKNOWN") == 0);
}

static void numbers_out_of_range_have_names(void) {
    static const int32_t odd[] = {-1, 17, 1000, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < COUNT(odd); i++) {
        CHECK(ckpt_code_name(odd[i]) != NULL);
        CHECK_INT(0, ckpt_dtype_size(odd[i] == 17 ? 0 : odd[i]));
        CHECK(ckpt_dtype_name(odd[i]) != NULL);
        if (odd[i] == 17) continue; /* a reason */
        CHECK(strcmp(ckpt_reason_name(odd[i]), "UNKNOWN") == 0);
        for (size_t kind = 0; kind < COUNT(names); kind++) CHECK(strcmp(names[kind].name(odd[i]), "unknown") == 0);
    }
    CHECK(strcmp(ckpt_code_name(CKPT_CODE_DATA_LOSS), "DATA_LOSS") == 0);
    CHECK(strcmp(ckpt_dtype_name(CKPT_DTYPE_BFLOAT16), "bfloat16") == 0);
}

typedef struct bad_slice {
    const char *what;
    size_t rank;
    int64_t start[3], length[3];
    size_t size;
} bad_slice;

/* Of float32 [1, 5]. */
static const bad_slice bad_slices[] = {
    {"rank too small", 1, {0}, {1}, 20},
    {"rank too large", 3, {0, 0, 0}, {1, 5, 1}, 20},
    {"absurd rank", SIZE_MAX, {0}, {1}, 20},
    {"absurd rank whose bytes overflow", SIZE_MAX / 8 + 2, {0}, {1}, 20},
    {"negative start", 2, {0, -1}, {1, 5}, 20},
    {"start past the end", 2, {0, 6}, {1, 1}, 4},
    {"length past the end", 2, {0, 1}, {1, 5}, 20},
    {"length -2", 2, {0, 0}, {1, -2}, 20},
    {"sum overflows", 2, {0, INT64_MAX}, {1, INT64_MAX}, 20},
    {"from past the end to the end", 2, {0, 6}, {1, -1}, 0},
    {"from the least number to the end", 2, {0, INT64_MIN}, {1, -1}, 20},
    {"buffer too small", 2, {0, 0}, {1, 2}, 7},
    {"buffer too large", 2, {0, 0}, {1, 2}, 9},
    {"absurd buffer", 2, {0, 0}, {1, 2}, SIZE_MAX},
};

static void bad_slices_are_refused(void) {
    ckpt_reader *reader = must_open("guide/ckpt-5");
    const ckpt_tensor *kernel = must_find(reader, KERNEL);
    float buffer[8];
    for (size_t i = 0; i < COUNT(bad_slices); i++) {
        const bad_slice *bad = &bad_slices[i];
        bool fine = CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_reader_read_slice(reader, kernel, bad->start, bad->length,
                                                                                   bad->rank, NULL, buffer, bad->size, &error));
        if (!fine) fprintf(stderr, "  for %s\n", bad->what);
    }
    ckpt_reader_free(reader);
}

static void absurd_lengths_are_refused(void) {
    ckpt_reader *reader = must_open("guide/ckpt-5");
    const ckpt_tensor *kernel = must_find(reader, KERNEL), *found = NULL;
    float buffer[5];
    static const size_t wrong[] = {0, 1, 19, 21, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_reader_read(reader, kernel, NULL, buffer, wrong[i], &error));
        const ckpt_tensor *const tensors[] = {kernel};
        void *const buffers[] = {buffer};
        CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_reader_read_many(reader, tensors, 1, NULL, buffers, &wrong[i], &error));
    }
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_reader_find(reader, KERNEL, SIZE_MAX - 1, &found, &error));
    CHECK(!ckpt_reader_has(reader, KERNEL, SIZE_MAX - 1));
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_reader_find(reader, NULL, 0, &found, &error)); /* an empty key may be NULL */
    CHECK(ckpt_reader_tensor(reader, SIZE_MAX) == NULL);
    int64_t start[2], length[2];
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_tensor_slice(kernel, 0, start, length, &error)); /* stored whole */
    ckpt_reader_free(reader);
}

static void dtypes_must_fit_the_call(void) {
    ckpt_reader *reader = must_open("dtypes/all");
    const ckpt_tensor *number = must_find(reader, "special/.ATTRIBUTES/VARIABLE_VALUE");
    const ckpt_tensor *text = must_find(reader, "string_scalar/.ATTRIBUTES/VARIABLE_VALUE");
    ckpt_strings *strings = (ckpt_strings *)&strings;
    ckpt_view *view = (ckpt_view *)&view;
    char buffer[64];
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_reader_read_strings(reader, number, NULL, &strings, &error));
    CHECK(strings == NULL);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_reader_read(reader, text, NULL, buffer, (size_t)ckpt_tensor_byte_size(text), &error));
    CHECK_FAILS(CKPT_CODE_FAILED_PRECONDITION, ckpt_reader_view(reader, text, NULL, &view, &error));
    CHECK(view == NULL);
    ckpt_reader_free(reader);
}

static void a_tensor_belongs_to_its_reader(void) {
    ckpt_reader *reader = must_open("guide/ckpt-5"), *other = must_open("guide/ckpt-4");
    float buffer[5];
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_reader_read(other, must_find(reader, KERNEL), NULL, buffer, sizeof buffer, &error));
    ckpt_reader_free(reader);
    ckpt_reader_free(other);
}

static void numbers_are_checked(void) {
    static const int32_t wrong[] = {-1, 3, INT32_MIN, INT32_MAX};
    ckpt_read_options *options = ckpt_read_options_new();
    for (size_t i = 0; i < COUNT(wrong); i++) {
        CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_read_options_set_checksums(options, wrong[i], &error));
    }
    ckpt_read_options_free(options);
}

static void buffers_read_at_once_must_not_overlap(void) {
    ckpt_reader *reader = must_open("guide/ckpt-5");
    const ckpt_tensor *kernel = must_find(reader, KERNEL);
    const ckpt_tensor *const tensors[] = {kernel, kernel};
    const size_t sizes[] = {20, 20};
    float memory[10];
    void *const apart[] = {memory, memory + 5}, *const overlapping[] = {memory + 4, memory};
    CHECK_OK(ckpt_reader_read_many(reader, tensors, 2, NULL, apart, sizes, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_reader_read_many(reader, tensors, 2, NULL, overlapping, sizes, &error));
    ckpt_reader_free(reader);
}

static void name_based_checkpoints_have_no_object_graph(void) {
    ckpt_reader *reader = must_open("saver_v2/model.ckpt-3");
    ckpt_object_graph *graph = (ckpt_object_graph *)&graph;
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_reader_object_graph(reader, &graph, &error));
    CHECK(graph == NULL);
    ckpt_reader_free(reader);
}

static void a_small_memory_limit_refuses_to_open(void) {
    ckpt_reader *reader = (ckpt_reader *)&reader;
    ckpt_open_options *options = ckpt_open_options_new();
    CHECK_OK(ckpt_open_options_set_memory_limit(options, 16, &error));
    CHECK_FAILS(CKPT_CODE_RESOURCE_EXHAUSTED, ckpt_reader_open("guide/ckpt-5", options, &reader, &error));
    CHECK(reader == NULL);
    ckpt_open_options_free(options);
}

static void the_library_is_of_the_headers_version(void) {
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", CKPT_VERSION_MAJOR, CKPT_VERSION_MINOR, CKPT_VERSION_PATCH);
    CHECK(strcmp(version, ckpt_version()) == 0);
}

static void an_older_library_than_the_header_is_refused(void) {
    const int32_t major = CKPT_VERSION_MAJOR, minor = CKPT_VERSION_MINOR, patch = CKPT_VERSION_PATCH;
    CHECK_OK(ckpt_check_version(major, minor, patch, &error));
    CHECK_OK(ckpt_check_version(major, minor - 1, patch + 100, &error));
    const int32_t refused[][3] = {{major, minor, patch + 1}, {major, minor + 1, 0}, {major + 1, 0, 0}, {major - 1, minor, patch}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ckpt_error *why = NULL;
        CHECK(ckpt_check_version(refused[i][0], refused[i][1], refused[i][2], &why) == CKPT_CODE_FAILED_PRECONDITION);
        CHECK(ckpt_error_reason(why) == CKPT_REASON_VERSION);
        char built[48];
        snprintf(built, sizeof built, "%d.%d.%d", (int)refused[i][0], (int)refused[i][1], (int)refused[i][2]);
        CHECK(strstr(ckpt_error_message(why), built) != NULL && strstr(ckpt_error_message(why), ckpt_version()) != NULL);
        ckpt_error_free(why);
    }
}

int main(void) {
    a_missing_key_names_file_and_key();
    a_missing_checkpoint_is_not_found();
    a_wrong_size_says_what_fits();
    errors_may_be_ignored();
    the_error_slot_need_not_be_cleared();
    null_is_an_error_where_a_handle_is_due();
    null_has_no_properties();
    null_may_be_freed();
    constants_have_names();
    numbers_out_of_range_have_names();
    bad_slices_are_refused();
    absurd_lengths_are_refused();
    dtypes_must_fit_the_call();
    a_tensor_belongs_to_its_reader();
    numbers_are_checked();
    buffers_read_at_once_must_not_overlap();
    name_based_checkpoints_have_no_object_graph();
    a_small_memory_limit_refuses_to_open();
    the_library_is_of_the_headers_version();
    an_older_library_than_the_header_is_refused();
    return check_report();
}
