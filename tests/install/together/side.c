/* One of two libraries: opens a checkpoint for its program. */
#include <stddef.h>

#include "checkpoint.h"

ckpt_reader *SIDE(const char *path);

ckpt_reader *SIDE(const char *path) {
    ckpt_reader *reader = NULL;
    return ckpt_reader_open(path, NULL, &reader, NULL) == CKPT_CODE_OK ? reader : NULL;
}
