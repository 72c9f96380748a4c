/* The C side of Cost.cs. */
#include <checkpoint.h>

ckpt_reader *open_checkpoint(const char *prefix) {
    ckpt_reader *reader = NULL;
    ckpt_reader_open(prefix, NULL, &reader, NULL);
    return reader;
}

void close_checkpoint(ckpt_reader *reader) { ckpt_reader_free(reader); }

/* Reads 100 tensors of 1 KiB, whose keys of one length lie one after the other. */
int read_all(const ckpt_reader *reader, void *buffer, const char *keys, int key_len) {
    for (int i = 0; i < 100; i++) {
        const ckpt_tensor *tensor = NULL;
        if (ckpt_reader_find(reader, keys + (size_t)i * (size_t)key_len, (size_t)key_len, &tensor, NULL) != CKPT_CODE_OK)
            return 1;
        if (ckpt_reader_read(reader, tensor, NULL, buffer, 1024, NULL) != CKPT_CODE_OK) return 1;
    }
    return 0;
}
