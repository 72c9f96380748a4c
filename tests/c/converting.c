/* Values in another dtype: converted in memory, while they are read, and while they are restored. */
#include "graphs.h"

static const uint16_t halves[] = {0x3c00, 0xc000, 0x7c00, 0x0001};                 /* 1, -2, infinity, 2^-24 */
static const uint16_t bfloats[] = {0x3f80, 0xc000, 0x7f80, 0x3380};                /* the same */
static const uint32_t floats[] = {0x3f800000, 0xc0000000, 0x7f800000, 0x33800000}; /* the same */
static const int64_t wide[] = {1, -2, 3, INT64_C(1) << 40};

typedef struct conversion {
    ckpt_conversion kind;
    ckpt_dtype from, to;
    const void *values;
    size_t size;
    const void *expected; /* NULL if it is refused */
    size_t expected_size;
} conversion;

static const conversion conversions[] = {
    {CKPT_CONVERSION_EXACT, CKPT_DTYPE_HALF, CKPT_DTYPE_FLOAT, halves, 8, floats, 16},
    {CKPT_CONVERSION_LOSSY, CKPT_DTYPE_BFLOAT16, CKPT_DTYPE_FLOAT, bfloats, 8, floats, 16},
    {CKPT_CONVERSION_LOSSY, CKPT_DTYPE_FLOAT, CKPT_DTYPE_HALF, floats, 16, halves, 8},
    {CKPT_CONVERSION_LOSSY, CKPT_DTYPE_FLOAT, CKPT_DTYPE_BFLOAT16, floats, 16, bfloats, 8},
    {CKPT_CONVERSION_NONE, CKPT_DTYPE_FLOAT, CKPT_DTYPE_FLOAT, floats, 16, floats, 16},
    {CKPT_CONVERSION_NONE, CKPT_DTYPE_HALF, CKPT_DTYPE_FLOAT, halves, 8, NULL, 16},
    {CKPT_CONVERSION_EXACT, CKPT_DTYPE_FLOAT, CKPT_DTYPE_HALF, floats, 16, NULL, 8},
    {CKPT_CONVERSION_LOSSY, CKPT_DTYPE_FLOAT, CKPT_DTYPE_INT32, floats, 16, NULL, 16},
    {CKPT_CONVERSION_EXACT, CKPT_DTYPE_INT64, CKPT_DTYPE_INT32, wide, 32, NULL, 16},
    {CKPT_CONVERSION_EXACT, CKPT_DTYPE_HALF, CKPT_DTYPE_FLOAT, halves, 8, NULL, 12},
    {CKPT_CONVERSION_EXACT, CKPT_DTYPE_HALF, CKPT_DTYPE_FLOAT, halves, 7, NULL, 12},
    {3, CKPT_DTYPE_HALF, CKPT_DTYPE_FLOAT, halves, 8, NULL, 16},
    {CKPT_CONVERSION_EXACT, CKPT_DTYPE_INVALID, CKPT_DTYPE_FLOAT, halves, 8, NULL, 16},
    {CKPT_CONVERSION_EXACT, CKPT_DTYPE_HALF, 99, halves, 8, NULL, 16},
};

static void values_in_memory_are_converted(void) {
    for (size_t i = 0; i < COUNT(conversions); i++) {
        const conversion *c = &conversions[i];
        unsigned char out[17];
        memset(out, 0xee, sizeof out);
        ckpt_code code = ckpt_convert_values(c->kind, c->from, c->values, c->size, c->to, out, c->expected_size, &error);
        if (c->expected) {
            CHECK_OK(code);
            CHECK(memcmp(out, c->expected, c->expected_size) == 0);
            CHECK_INT(0xee, out[c->expected_size]);
        } else {
            CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, code);
            CHECK_INT(0xee, out[0]);
        }
    }
    CHECK_OK(ckpt_convert_values(CKPT_CONVERSION_EXACT, CKPT_DTYPE_HALF, NULL, 0, CKPT_DTYPE_FLOAT, NULL, 0, &error));
    unsigned char both[8] = {0};
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_convert_values(CKPT_CONVERSION_EXACT, CKPT_DTYPE_HALF, both + 2, 4, CKPT_DTYPE_FLOAT, both, 8, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_convert_values(CKPT_CONVERSION_EXACT, CKPT_DTYPE_HALF, NULL, 4, CKPT_DTYPE_FLOAT, both, 8, &error));
}

/* A checkpoint "small" of a root with "v", four numbers of bfloat16, and "n", of int64. */
static void write_small(void) {
    const int64_t shape[] = {4}, numbers[] = {1, -2, 3, 4};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), v = 0, n = 0;
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_BFLOAT16, shape, 1, bfloats, sizeof bfloats, NULL, &v, &error));
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_INT64, shape, 1, numbers, sizeof numbers, NULL, &n, &error));
    track(graph, root, "v", v);
    track(graph, root, "n", n);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    write_as(checkpoint, "small");
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
}

static void tensors_are_read_as_another_dtype(void) {
    ckpt_reader *reader = must_open(in("small"));
    const ckpt_tensor *v = must_find(reader, "v"), *n = must_find(reader, "n");
    ckpt_read_options *options = ckpt_read_options_new(), *copy = NULL;
    float found[4] = {0}, part[2];
    int32_t narrow[4];
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_read_options_set_conversion(options, 3, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_read_options_set_conversion(options, -1, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_read_options_set_dtype(options, 99, &error));
    CHECK_OK(ckpt_read_options_set_dtype(options, CKPT_DTYPE_FLOAT, &error));
    /* No conversion yet, so that the dtype does not fit. */
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_reader_read(reader, v, options, found, sizeof found, &error));
    CHECK_OK(ckpt_read_options_set_conversion(options, CKPT_CONVERSION_EXACT, &error));
    CHECK_OK(ckpt_reader_read(reader, v, options, found, sizeof found, &error));
    CHECK(memcmp(found, floats, sizeof floats) == 0);
    const int64_t start[] = {1}, length[] = {2};
    CHECK_OK(ckpt_reader_read_slice(reader, v, start, length, 1, options, part, sizeof part, &error));
    CHECK(memcmp(part, floats + 1, sizeof part) == 0);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_reader_read(reader, v, options, found, 8, &error));
    /* A copy has all that was set, and goes its own way. */
    CHECK_OK(ckpt_read_options_copy(options, &copy, &error));
    CHECK_OK(ckpt_read_options_set_dtype(copy, CKPT_DTYPE_INT32, &error));
    CHECK_OK(ckpt_reader_read(reader, n, copy, narrow, sizeof narrow, &error));
    CHECK_INT(-2, narrow[1]);
    CHECK_OK(ckpt_reader_read(reader, v, options, found, sizeof found, &error));
    const ckpt_tensor *const tensors[] = {v};
    void *const buffers[] = {found};
    const size_t sizes[] = {sizeof found};
    CHECK_OK(ckpt_reader_read_many(reader, tensors, 1, options, buffers, sizes, &error));
    /* As it is stored. */
    uint16_t stored[4];
    CHECK_OK(ckpt_read_options_set_dtype(options, CKPT_DTYPE_INVALID, &error));
    CHECK_OK(ckpt_reader_read(reader, v, options, stored, sizeof stored, &error));
    CHECK(memcmp(stored, bfloats, sizeof stored) == 0);
    ckpt_read_options_free(copy);
    CHECK_OK(ckpt_read_options_copy(NULL, &copy, &error));
    CHECK_OK(ckpt_reader_read(reader, v, copy, stored, sizeof stored, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_read_options_copy(NULL, NULL, &error));
    ckpt_read_options_free(copy);
    ckpt_read_options_free(options);
    ckpt_reader_free(reader);
}

static void variables_are_restored_as_their_dtype(void) {
    const int64_t shape[] = {4};
    float memory[4] = {0};
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node root = object(graph), v = 0, n = 0;
    CHECK_OK(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_FLOAT, shape, 1, memory, sizeof memory, NULL, NULL, NULL, &v, &error));
    CHECK_OK(ckpt_graph_add_without_value(graph, CKPT_DTYPE_INT32, shape, 1, NULL, &n, &error));
    track(graph, root, "v", v);
    track(graph, root, "n", n);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    ckpt_restore_options *options = ckpt_restore_options_new();
    ckpt_read_options *read = ckpt_read_options_new();
    ckpt_status *status = NULL;
    ckpt_report *report = NULL;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_restore_options_set_conversion(options, 3, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_checkpoint_read(checkpoint, in("small"), options, &status, &error));
    CHECK(memory[0] == 0);
    CHECK_OK(ckpt_restore_options_set_conversion(options, CKPT_CONVERSION_EXACT, &error));
    CHECK_OK(ckpt_checkpoint_read(checkpoint, in("small"), options, &status, &error));
    CHECK_OK(ckpt_status_assert_consumed(status, &error));
    CHECK(memcmp(memory, floats, sizeof memory) == 0);
    CHECK_OK(ckpt_status_report(status, &report, &error));
    CHECK_INT(2, ckpt_report_count_of(report, CKPT_ROW_STATE_CONVERTED));
    CHECK(text_is(ckpt_report_summary(report), "2 converted"));
    for (size_t i = 0; i < ckpt_report_count(report); i++) {
        const ckpt_report_row *row = ckpt_report_get(report, i);
        bool is_v = text_is(ckpt_report_row_path(row), "v");
        CHECK_INT(is_v ? CKPT_DTYPE_BFLOAT16 : CKPT_DTYPE_INT64, ckpt_report_row_saved_dtype(row));
        CHECK_INT(is_v ? CKPT_DTYPE_FLOAT : CKPT_DTYPE_INT32, ckpt_report_row_program_dtype(row));
    }
    ckpt_report_free(report);
    ckpt_status_free(status);
    /* The conversion is the restore's, not that of its read options. */
    CHECK_OK(ckpt_read_options_set_conversion(read, CKPT_CONVERSION_EXACT, &error));
    CHECK_OK(ckpt_restore_options_set_read_options(options, read, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_checkpoint_read(checkpoint, in("small"), options, &status, &error));
    ckpt_read_options_free(read);
    ckpt_restore_options_free(options);
    ckpt_checkpoint_free(checkpoint);
    ckpt_graph_free(graph);
}

int main(void) {
    make_directory();
    write_small();
    values_in_memory_are_converted();
    tensors_are_read_as_another_dtype();
    variables_are_restored_as_their_dtype();
    remove_directory();
    return check_report();
}
