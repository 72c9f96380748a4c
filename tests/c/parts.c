/* Variables that are parts of tensors: saved as slices, restored in other cuts, from memory of every kind. */
#include "graphs.h"

enum { ROWS = 6, COLUMNS = 4 };

static const int64_t table_shape[] = {ROWS, COLUMNS};

/* Rows `start` to `start + count`, columns `first` to `first + width`. */
static ckpt_node_options *part_of(int64_t start, int64_t count, int64_t first, int64_t width) {
    const int64_t starts[] = {start, first}, lengths[] = {count, width};
    ckpt_node_options *options = ckpt_node_options_new();
    CHECK_OK(ckpt_node_options_set_part(options, table_shape, starts, lengths, 2, &error));
    CHECK_OK(ckpt_node_options_set_name(options, TEXT("table"), &error));
    return options;
}

/* Element by element its number in the table. */
static void fill(int32_t *values, int64_t start, int64_t count, int64_t first, int64_t width) {
    for (int64_t i = 0; i < count; i++) {
        for (int64_t j = 0; j < width; j++) *values++ = (int32_t)((start + i) * COLUMNS + first + j);
    }
}

/* Writes the table, in two parts of three rows each, by name and merged. */
static void save_in_two(void) {
    const char *names[] = {"upper", "lower"};
    for (int half = 0; half < 2; half++) {
        ckpt_graph *graph = ckpt_graph_new();
        ckpt_node_options *options = part_of(3 * half, 3, 0, -1);
        const int64_t shape[] = {3, COLUMNS};
        int32_t values[3 * COLUMNS];
        fill(values, 3 * half, 3, 0, COLUMNS);
        ckpt_node table = 0;
        CHECK_OK(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_INT32, shape, 2, values, sizeof values, NULL, NULL, options, &table,
                                         &error));
        const ckpt_bytes name = bytes_of("table");
        ckpt_saver *saver = NULL;
        CHECK_OK(ckpt_saver_new(graph, &name, &table, 1, NULL, &saver, &error));
        ckpt_saver_save_options *save = ckpt_saver_save_options_new();
        CHECK_OK(ckpt_saver_save_options_set_write_state(save, false, &error));
        CHECK_OK(ckpt_saver_save(saver, in(names[half]), save, NULL, &error));
        ckpt_saver_save_options_free(save);
        ckpt_saver_free(saver);
        ckpt_node_options_free(options);
        ckpt_graph_free(graph);
    }
    char upper[512], lower[512];
    snprintf(upper, sizeof upper, "%s", in("upper"));
    snprintf(lower, sizeof lower, "%s", in("lower"));
    const char *sections[] = {upper, lower};
    CHECK_OK(ckpt_merge(in("table"), sections, 2, NULL, &error));
}

static int32_t on_device[COLUMNS * ROWS];

static ckpt_code device_read(void *user_data, uint64_t offset, void *buffer, size_t size, ckpt_failure *failure) {
    (void)user_data, (void)failure;
    memcpy(buffer, (char *)on_device + offset, size);
    return CKPT_CODE_OK;
}

static ckpt_code device_write(void *user_data, uint64_t offset, const void *data, size_t size, ckpt_failure *failure) {
    (void)user_data, (void)failure;
    memcpy((char *)on_device + offset, data, size);
    return CKPT_CODE_OK;
}

static void parts_are_restored_in_other_cuts(void) {
    save_in_two();
    ckpt_graph *graph = ckpt_graph_new();
    /* Across the stored parts: rows 2 to 4; columns 1 and 2; one that takes whatever comes; one on a device. */
    const int64_t rows[] = {3, COLUMNS}, columns[] = {ROWS, 2};
    int32_t borrowed[3 * COLUMNS] = {0}, expected[ROWS * COLUMNS], found[ROWS * COLUMNS];
    ckpt_node_options *of_rows = part_of(2, 3, 0, -1), *of_columns = part_of(0, -1, 1, 2);
    ckpt_node nodes[4];
    CHECK_OK(ckpt_graph_add_borrowed(graph, CKPT_DTYPE_INT32, rows, 2, borrowed, sizeof borrowed, NULL, NULL, of_rows, &nodes[0],
                                     &error));
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_INT32, columns, 2, NULL, 0, of_columns, &nodes[1], &error));
    CHECK_OK(ckpt_graph_add_without_value(graph, CKPT_DTYPE_INVALID, NULL, -1, of_columns, &nodes[2], &error));
    ckpt_device *device = ckpt_device_new(NULL, NULL);
    CHECK_OK(ckpt_device_set_read(device, device_read, true, &error));
    CHECK_OK(ckpt_device_set_write(device, device_write, &error));
    CHECK_OK(ckpt_graph_add_device(graph, CKPT_DTYPE_INT32, columns, 2, device, of_columns, &nodes[3], &error));
    ckpt_device_free(device);
    const char *names[] = {"a", "b", "c", "d"};
    ckpt_node root = object(graph);
    for (int i = 0; i < 4; i++) track(graph, root, names[i], nodes[i]);
    ckpt_checkpoint *checkpoint = checkpoint_of(graph, root);
    ckpt_status *status = read_back(checkpoint, "table");
    CHECK_OK(ckpt_status_assert_consumed(status, &error));
    fill(expected, 2, 3, 0, COLUMNS);
    CHECK(memcmp(borrowed, expected, sizeof borrowed) == 0);
    fill(expected, 0, ROWS, 1, 2);
    const size_t size = ROWS * 2 * sizeof *expected;
    for (int i = 1; i < 4; i++) {
        memset(found, 0xee, sizeof found);
        CHECK_OK(ckpt_graph_read(graph, nodes[i], found, size, &error));
        CHECK(memcmp(found, expected, size) == 0);
    }

    /* The report has the shape of the table, and the slice. */
    ckpt_report *report = NULL;
    CHECK_OK(ckpt_status_report(status, &report, &error));
    bool seen = false;
    for (size_t i = 0; i < ckpt_report_count(report); i++) {
        const ckpt_report_row *row = ckpt_report_get(report, i);
        if (ckpt_report_row_node(row) != nodes[1]) continue;
        seen = true;
        CHECK(text_is(ckpt_report_row_program_slice(row), "-:1,2"));
        CHECK_INT(2, ckpt_report_row_program_rank(row));
        CHECK_INT(COLUMNS, ckpt_report_row_program_shape(row)[1]);
    }
    CHECK(seen);
    ckpt_report_free(report);
    ckpt_status_free(status);
    ckpt_checkpoint_free(checkpoint);
    ckpt_node_options_free(of_rows);
    ckpt_node_options_free(of_columns);
    ckpt_graph_free(graph);
    files(true);
}

static void a_part_must_fit_its_tensor_and_its_variable(void) {
    ckpt_node_options *options = ckpt_node_options_new();
    const int64_t start[] = {4, 0}, length[] = {3, -1};
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_node_options_set_part(options, table_shape, start, length, 2, &error));
    ckpt_node_options_free(options);
    options = part_of(0, 3, 0, -1);
    ckpt_graph *graph = ckpt_graph_new();
    ckpt_node node = 77;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT,
                ckpt_graph_add_owned(graph, CKPT_DTYPE_INT32, table_shape, 2, NULL, 0, options, &node, &error));
    CHECK(node == 0);
    const ckpt_bytes texts[] = {bytes_of("a"), bytes_of("b"), bytes_of("c")};
    const int64_t three = 3;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_graph_add_strings(graph, &three, 1, texts, 3, options, &node, &error));
    ckpt_node_options_free(options);
    ckpt_graph_free(graph);
}

int main(void) {
    make_directory();
    parts_are_restored_in_other_cuts();
    a_part_must_fit_its_tensor_and_its_variable();
    remove_directory();
    return check_report();
}
