/* The least program that uses the library: opens a checkpoint, finds a tensor, reads it and prints a byte. */
#include <checkpoint.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **arguments) {
    static unsigned char value[1024];
    ckpt_reader *reader = NULL;
    const ckpt_tensor *tensor;
    if (count < 3 || ckpt_reader_open(arguments[1], NULL, &reader, NULL) ||
        ckpt_reader_find(reader, arguments[2], strlen(arguments[2]), &tensor, NULL) ||
        ckpt_reader_read(reader, tensor, NULL, value, sizeof value, NULL)) {
        return 1;
    }
    printf("%d\n", value[1]);
    ckpt_reader_free(reader);
    return 0;
}
