/* The first program of README.md (tests/snippets.py). */
/* [read] */
#include <checkpoint.h>
#include <stdio.h>

int main(void) {
    ckpt_reader *reader;
    const ckpt_tensor *kernel;
    float values[5];
    ckpt_error *error = NULL;
    if (ckpt_reader_open("tests/data/guide", NULL, &reader, &error) || /* a directory, a prefix, an .index file … */
        ckpt_reader_find(reader, "net/l1/kernel", CKPT_NUL, &kernel, &error) ||
        ckpt_reader_read(reader, kernel, NULL, values, sizeof values, &error)) {
        fprintf(stderr, "%s\n", ckpt_error_message(error));
        return 1;
    }
    printf("%g %g %g %g %g\n", values[0], values[1], values[2], values[3], values[4]);
    ckpt_reader_free(reader);
    return 0;
}
/* [end] */
