/* Uses two Rust libraries; both catch panics of their own. */
#include <stdint.h>
#include <stdio.h>

#include "checkpoint.h"

uint32_t other_sum(uint32_t count);

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    ckpt_reader *reader = NULL;
    if (ckpt_reader_open(argv[1], NULL, &reader, NULL) != CKPT_CODE_OK) return 1;
    printf("%d tensors, %u, %u\n", (int)ckpt_reader_count(reader), (unsigned)other_sum(4), (unsigned)other_sum(100));
    ckpt_reader_free(reader);
    return 0;
}
