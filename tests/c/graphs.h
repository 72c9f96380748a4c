/* Graphs and their checkpoints in few words, in a directory that goes when the test is over. */
#ifndef GRAPHS_H
#define GRAPHS_H

#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

#include "check.h"

static char directory[] = "/tmp/ckpt-graphs-XXXXXX";

/* A path in the directory; of the last four asked for, each has memory of its own. */
static inline const char *in(const char *name) {
    static char paths[4][512];
    static int next = 0;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static inline void make_directory(void) {
    if (!CHECK(mkdtemp(directory) != NULL)) exit(1);
}

/* How many files there are but that of the locks; with `remove` all go. */
static inline int files(bool remove) {
    int count = 0;
    DIR *open = opendir(directory);
    if (!CHECK(open != NULL)) exit(1);
    for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (strcmp(entry->d_name, ".ckpt-lock") != 0) count++;
        if (remove) unlink(in(entry->d_name));
    }
    closedir(open);
    return count;
}

static inline void remove_directory(void) {
    files(true);
    rmdir(directory);
}

/* Text with its length, as the library takes names. */
#define TEXT(text) (text), strlen(text)

static inline ckpt_bytes bytes_of(const char *text) {
    ckpt_bytes bytes = {(const uint8_t *)text, strlen(text)};
    return bytes;
}

static inline ckpt_node object(const ckpt_graph *graph) {
    ckpt_node node = 0;
    CHECK_OK(ckpt_graph_add_object(graph, NULL, &node, &error));
    return node;
}

/* A scalar, owned by the graph. */
static inline ckpt_node scalar(const ckpt_graph *graph, float value) {
    ckpt_node node = 0;
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_FLOAT, NULL, 0, &value, sizeof value, NULL, &node, &error));
    return node;
}

static inline ckpt_node integer(const ckpt_graph *graph, int64_t value) {
    ckpt_node node = 0;
    CHECK_OK(ckpt_graph_add_owned(graph, CKPT_DTYPE_INT64, NULL, 0, &value, sizeof value, NULL, &node, &error));
    return node;
}

/* A variable of whatever dtype and shape its first value has. */
static inline ckpt_node unset(const ckpt_graph *graph) {
    ckpt_node node = 0;
    CHECK_OK(ckpt_graph_add_without_value(graph, CKPT_DTYPE_INVALID, NULL, -1, NULL, &node, &error));
    return node;
}

static inline ckpt_node slot_owner(const ckpt_graph *graph) {
    ckpt_node node = 0;
    CHECK_OK(ckpt_graph_add_slot_owner(graph, NULL, NULL, NULL, NULL, &node, &error));
    return node;
}

static inline void track(const ckpt_graph *graph, ckpt_node parent, const char *name, ckpt_node child) {
    CHECK_OK(ckpt_graph_track(graph, parent, TEXT(name), child, &error));
}

/* A scalar under a name. */
static inline ckpt_node track_scalar(const ckpt_graph *graph, ckpt_node parent, const char *name, float value) {
    ckpt_node node = scalar(graph, value);
    track(graph, parent, name, node);
    return node;
}

static inline float value_of(const ckpt_graph *graph, ckpt_node variable) {
    float value = -77;
    CHECK_OK(ckpt_graph_read(graph, variable, &value, sizeof value, &error));
    return value;
}

static inline void set_value(const ckpt_graph *graph, ckpt_node variable, float value) {
    CHECK_OK(ckpt_graph_assign(graph, variable, CKPT_DTYPE_FLOAT, NULL, 0, &value, sizeof value, &error));
}

static inline ckpt_node child_of(const ckpt_graph *graph, ckpt_node parent, const char *name) {
    ckpt_node child = 77;
    CHECK_OK(ckpt_graph_lookup(graph, parent, TEXT(name), &child, &error));
    return child;
}

static inline ckpt_checkpoint *checkpoint_of(const ckpt_graph *graph, ckpt_node root) {
    ckpt_checkpoint *checkpoint = NULL;
    if (!CHECK_OK(ckpt_checkpoint_new(graph, root, &checkpoint, &error))) exit(1);
    return checkpoint;
}

/* Writes `name`. */
static inline void write_as(const ckpt_checkpoint *checkpoint, const char *name) {
    CHECK_OK(ckpt_checkpoint_write(checkpoint, in(name), NULL, NULL, &error));
}

/* Reads `name`; the status is the caller's. */
static inline ckpt_status *read_back(const ckpt_checkpoint *checkpoint, const char *name) {
    ckpt_status *status = NULL;
    CHECK_OK(ckpt_checkpoint_read(checkpoint, in(name), NULL, &status, &error));
    return status;
}

/* Callbacks that free what they are given count how often. */
static inline void count_free(void *user_data) { ++*(int *)user_data; }

#endif
