/* Every checkpoint in tests/data lists the keys, dtypes and shapes that TensorFlow reads from it, in order of their
 * bytes, and every tensor can be found by its key and read. */
#include "check.h"

/* A row is a fixture (tensors > 0) or one of its tensors. */
typedef struct row {
    const char *name;
    size_t tensors;
    ckpt_dtype dtype;
    size_t rank;
    int64_t dims[8];
} row;

#define FIXTURE(path, tensors) {path, tensors, 0, 0, {0}},
#define TENSOR(key, dtype, rank, ...) {key, 0, dtype, rank, {__VA_ARGS__}},
static const row rows[] = {
#include "fixtures.inc"
};

static void check_reads(const ckpt_reader *reader, const ckpt_tensor *tensor) {
    if (ckpt_tensor_dtype(tensor) == CKPT_DTYPE_STRING || ckpt_tensor_dtype(tensor) == CKPT_DTYPE_VARIANT) {
        ckpt_strings *strings = NULL;
        CHECK_OK(ckpt_reader_read_strings(reader, tensor, NULL, &strings, &error));
        CHECK_INT(ckpt_tensor_element_count(tensor), ckpt_strings_count(strings));
        ckpt_strings_free(strings);
        return;
    }
    size_t size = (size_t)ckpt_tensor_byte_size(tensor);
    CHECK_INT(ckpt_tensor_element_count(tensor) * ckpt_dtype_size(ckpt_tensor_dtype(tensor)), size);
    void *buffer = malloc(size + 1);
    CHECK_OK(ckpt_reader_read(reader, tensor, NULL, buffer, size, &error));
    free(buffer);
}

static void check_tensor(const ckpt_reader *reader, size_t index, const row *expected) {
    const ckpt_tensor *tensor = ckpt_reader_tensor(reader, index);
    if (!CHECK(tensor != NULL)) return;
    if (!CHECK(text_is(ckpt_tensor_key(tensor), expected->name))) fprintf(stderr, "  for %s\n", expected->name);
    CHECK_INT(expected->dtype, ckpt_tensor_dtype(tensor));
    uint64_t elements = 1;
    if (CHECK_INT(expected->rank, ckpt_tensor_rank(tensor))) {
        for (size_t d = 0; d < expected->rank; d++) {
            CHECK_INT(expected->dims[d], ckpt_tensor_shape(tensor)[d]);
            elements *= (uint64_t)expected->dims[d];
        }
    }
    CHECK_INT(elements, ckpt_tensor_element_count(tensor));
    CHECK(ckpt_reader_has(reader, expected->name, strlen(expected->name)));
    CHECK(must_find(reader, expected->name) == tensor);
    check_reads(reader, tensor);
}

int main(void) {
    for (size_t i = 0; i < COUNT(rows); i += 1 + rows[i].tensors) {
        ckpt_reader *reader = must_open(rows[i].name);
        if (CHECK_INT(rows[i].tensors, ckpt_reader_count(reader))) {
            for (size_t t = 0; t < rows[i].tensors; t++) check_tensor(reader, t, &rows[i + 1 + t]);
        }
        CHECK(ckpt_reader_tensor(reader, rows[i].tensors) == NULL);
        CHECK(!ckpt_reader_has(reader, "", 0));
        ckpt_reader_free(reader);
    }
    return check_report();
}
