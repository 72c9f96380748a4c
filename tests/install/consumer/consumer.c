/* A program of somebody who has the package: says which header and which library it got, and reads a value.
 *
 *     consumer PATH
 */
#include <checkpoint.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    const char *key = "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE";
    ckpt_reader *reader = NULL;
    const ckpt_tensor *kernel = NULL;
    ckpt_error *error = NULL;
    float values[5];
    printf("header %d.%d.%d\n", CKPT_VERSION_MAJOR, CKPT_VERSION_MINOR, CKPT_VERSION_PATCH);
    printf("library %s\n", ckpt_version());
    if (argc != 2 || ckpt_reader_open(argv[1], NULL, &reader, &error) ||
        ckpt_reader_find(reader, key, strlen(key), &kernel, &error) ||
        ckpt_reader_read(reader, kernel, NULL, values, sizeof values, &error)) {
        fprintf(stderr, "%s\n", argc == 2 ? ckpt_error_message(error) : "usage: consumer PATH");
        ckpt_error_free(error);
        ckpt_reader_free(reader);
        return 1;
    }
    printf("kernel %.7g %.7g %.7g %.7g %.7g\n", values[0], values[1], values[2], values[3], values[4]);
    ckpt_reader_free(reader);
    return 0;
}
