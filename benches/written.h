/* What the programs that write share: the directory that they write to, memory with something in it, and the raw writes that the
 * library is compared with. */
#ifndef WRITTEN_H
#define WRITTEN_H

#include <dirent.h>
#include <sys/mman.h>

#include "measuring.h"

static int directory;
static const char *directory_path;

static inline void use_directory(const char *path) {
    directory_path = path;
    directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must_be(directory >= 0, path);
}

/* Removes what was written, and waits until the file system has nothing left to do. */
static inline void clean(void) {
    DIR *listed = opendir(directory_path);
    must_be(listed != NULL, directory_path);
    for (struct dirent *entry; (entry = readdir(listed));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            must_be(unlinkat(directory, entry->d_name, 0) == 0, entry->d_name);
        }
    }
    closedir(listed);
    must_be(syncfs(directory) == 0, "syncfs");
}

/* Memory that has been touched. `skip` bytes of its first page are left out, so that it is not aligned to pages. */
static inline char *memory_of(size_t size, size_t skip) {
    char *memory = mmap(NULL, skip + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must_be(memory != MAP_FAILED, "memory");
    memory += skip;
    uint64_t state = 1;
    for (size_t at = 0; at + sizeof state <= size; at += sizeof state) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        memcpy(memory + at, &state, sizeof state);
    }
    return memory;
}

/* From before the file is made until it is closed. */
static inline double write_raw(const char *memory, size_t size, bool durable) {
    double start = now();
    int fd = openat(directory, "raw", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    must_be(fd >= 0, "raw");
    for (size_t at = 0; at < size;) {
        size_t left = size - at;
        ssize_t put = write(fd, memory + at, left < RAW_CHUNK ? left : RAW_CHUNK);
        must_be(put > 0, "write");
        at += (size_t)put;
    }
    must_be((!durable || fdatasync(fd) == 0) && close(fd) == 0, "fdatasync");
    return now() - start;
}

#endif
