/* Uses a reader of each library; both are of one copy of libcheckpoint. */
#include <stdio.h>

#include "checkpoint.h"

ckpt_reader *left(const char *path);
ckpt_reader *right(const char *path);

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    ckpt_reader *readers[] = {left(argv[1]), right(argv[1])};
    for (int i = 0; i < 2; i++) {
        if (readers[i] == NULL) return 1;
        printf("%d tensors\n", (int)ckpt_reader_count(readers[i]));
        ckpt_reader_free(readers[i]);
    }
    return 0;
}
