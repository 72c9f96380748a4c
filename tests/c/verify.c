/* ckpt_verify reads every checksum, tells how far it is, can be stopped, and returns all that is wrong. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include <unistd.h>

#include "check.h"

typedef struct progress {
    int calls, stop_after;
    uint64_t done, total;
    bool backwards, freed;
} progress;

static ckpt_code follow(void *user_data, uint64_t done, uint64_t total) {
    progress *seen = (progress *)user_data;
    if (done < seen->done || done > total || (seen->calls > 0 && total != seen->total)) seen->backwards = true;
    seen->done = done;
    seen->total = total;
    seen->calls++;
    return seen->stop_after > 0 && seen->calls >= seen->stop_after ? CKPT_CODE_ABORTED : CKPT_CODE_OK;
}

static void mark_freed(void *user_data) {
    progress *seen = (progress *)user_data;
    seen->freed = true;
}

static void whole_checkpoints_have_no_problem(void) {
    static const char *const paths[] = {"guide/ckpt-5",         "dtypes/all", "wide/w-1",
                                        "unmerged/merged",      "sharded/s",  "saver_v2/model.ckpt-3",
                                        "saver_v1/model.ckpt-3"};
    for (size_t i = 0; i < COUNT(paths); i++) {
        progress seen = {0, 0, 0, 0, false, false};
        ckpt_verify_options *options = ckpt_verify_options_new();
        CHECK_OK(ckpt_verify_options_set_progress(options, follow, &seen, mark_freed, &error));
        ckpt_verification *verification = NULL;
        CHECK_OK(ckpt_verify(paths[i], options, &verification, &error));
        CHECK_INT(0, ckpt_verification_problem_count(verification));
        CHECK_INT(CKPT_VERDICT_WHOLE, ckpt_verification_verdict(verification));
        CHECK(ckpt_verification_problem(verification, 0) == NULL);
        CHECK(seen.calls > 0 && !seen.backwards && seen.done == seen.total);

        ckpt_reader *reader = must_open(paths[i]);
        CHECK_INT(ckpt_reader_count(reader), ckpt_verification_tensor_count(verification));
        CHECK(ckpt_verification_byte_count(verification) > 0);
        CHECK(ckpt_verification_file_count(verification) > 0);
        ckpt_reader_free(reader);
        ckpt_verification_free(verification);
        CHECK(!seen.freed);
        ckpt_verify_options_free(options);
        CHECK(seen.freed);
    }
}

static void a_section_is_no_whole_checkpoint(void) {
    for (int skip = 0; skip < 2; skip++) {
        ckpt_verify_options *options = ckpt_verify_options_new();
        CHECK_OK(ckpt_verify_options_set_skip_values(options, skip != 0, &error));
        ckpt_verification *verification = NULL;
        CHECK_OK(ckpt_verify("unmerged/part-00000-of-00002", options, &verification, &error));
        CHECK_INT(CKPT_VERDICT_SECTION, ckpt_verification_verdict(verification));
        CHECK_INT(1, ckpt_verification_problem_count(verification));
        CHECK_INT(CKPT_REASON_GAP, ckpt_error_reason(ckpt_verification_problem(verification, 0)));
        CHECK((ckpt_verification_byte_count(verification) == 0) == (skip != 0));
        ckpt_verification_free(verification);
        ckpt_verify_options_free(options);
    }
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_verify_options_set_skip_values(NULL, true, &error));
}

static void a_callback_can_stop_it(void) {
    progress seen = {0, 1, 0, 0, false, false};
    ckpt_verify_options *options = ckpt_verify_options_new();
    CHECK_OK(ckpt_verify_options_set_progress(options, follow, &seen, mark_freed, &error));
    ckpt_verification *verification = (ckpt_verification *)&verification;
    CHECK_FAILS(CKPT_CODE_CANCELLED, ckpt_verify("savedmodel/variables", options, &verification, &error));
    CHECK(verification == NULL);
    CHECK_INT(1, seen.calls);
    ckpt_verify_options_free(options);
}

static void what_a_callback_was_given_is_freed_once_it_is_replaced(void) {
    progress first = {0, 0, 0, 0, false, false}, second = first, refused = first;
    ckpt_verify_options *options = ckpt_verify_options_new();
    CHECK_OK(ckpt_verify_options_set_progress(options, follow, &first, mark_freed, &error));
    CHECK_OK(ckpt_verify_options_set_progress(options, follow, &second, mark_freed, &error));
    CHECK(first.freed && !second.freed);
    CHECK_OK(ckpt_verify_options_set_progress(options, NULL, NULL, NULL, &error));
    CHECK(second.freed);
    ckpt_verify_options_free(options);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_verify_options_set_progress(NULL, follow, &refused, mark_freed, &error));
    CHECK(refused.freed);
}

static void a_missing_checkpoint_cannot_be_verified(void) {
    ckpt_verification *verification = (ckpt_verification *)&verification;
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_verify("nowhere", NULL, &verification, &error));
    CHECK(verification == NULL);
}

/* ---------------------------------------------------------------- damage */

static void copy_file(const char *from, const char *to, const long *flips, size_t flip_count) {
    static unsigned char bytes[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    if (!CHECK(in != NULL && out != NULL)) exit(1);
    size_t size = fread(bytes, 1, sizeof bytes, in);
    for (size_t i = 0; i < flip_count; i++) bytes[flips[i]] ^= 0x10;
    CHECK(fwrite(bytes, 1, size, out) == size);
    fclose(in);
    fclose(out);
}

static void every_damaged_tensor_is_listed(void) {
    char directory[] = "/tmp/ckpt-verify-XXXXXX", prefix[64], index[128], data[128];
    if (!CHECK(mkdtemp(directory) != NULL)) exit(1);
    snprintf(prefix, sizeof prefix, "%s/ckpt-5", directory);
    snprintf(index, sizeof index, "%s.index", prefix);
    snprintf(data, sizeof data, "%s.data-00000-of-00001", prefix);

    static const char *const keys[] = {"net/l1/bias/.ATTRIBUTES/VARIABLE_VALUE", "net/l1/kernel/.ATTRIBUTES/VARIABLE_VALUE",
                                       "step/.ATTRIBUTES/VARIABLE_VALUE"};
    long flips[COUNT(keys)];
    ckpt_reader *reader = must_open("guide/ckpt-5");
    for (size_t i = 0; i < COUNT(keys); i++) flips[i] = (long)ckpt_tensor_offset(must_find(reader, keys[i]));
    ckpt_reader_free(reader);
    copy_file("guide/ckpt-5.index", index, NULL, 0);
    copy_file("guide/ckpt-5.data-00000-of-00001", data, flips, COUNT(flips));

    ckpt_verification *verification = NULL;
    CHECK_OK(ckpt_verify(prefix, NULL, &verification, &error));
    CHECK_INT(COUNT(keys), ckpt_verification_problem_count(verification));
    CHECK_INT(CKPT_VERDICT_DAMAGED, ckpt_verification_verdict(verification));
    for (size_t i = 0; i < COUNT(keys); i++) {
        bool listed = false;
        for (size_t p = 0; p < ckpt_verification_problem_count(verification); p++) {
            const ckpt_error *problem = ckpt_verification_problem(verification, p);
            CHECK_INT(CKPT_CODE_DATA_LOSS, ckpt_error_code(problem));
            CHECK_INT(CKPT_REASON_CHECKSUM, ckpt_error_reason(problem));
            CHECK(text_has(ckpt_error_file(problem), data));
            listed = listed || text_is(ckpt_error_tensor(problem), keys[i]);
        }
        CHECK(listed);
    }
    ckpt_verification_free(verification);

    /* Reading one of them says the same; unless checksums are not asked for. */
    reader = must_open(prefix);
    const ckpt_tensor *bias = must_find(reader, keys[0]);
    float values[5];
    CHECK_FAILS(CKPT_CODE_DATA_LOSS, ckpt_reader_read(reader, bias, NULL, values, sizeof values, &error));
    ckpt_read_options *options = ckpt_read_options_new();
    CHECK_OK(ckpt_read_options_set_checksums(options, CKPT_CHECKSUMS_NEVER, &error));
    CHECK_OK(ckpt_reader_read(reader, bias, options, values, sizeof values, &error));
    ckpt_read_options_free(options);
    ckpt_reader_free(reader);

    unlink(index);
    unlink(data);
    rmdir(directory);
}

int main(void) {
    whole_checkpoints_have_no_problem();
    a_section_is_no_whole_checkpoint();
    a_callback_can_stop_it();
    what_a_callback_was_given_is_freed_once_it_is_replaced();
    a_missing_checkpoint_cannot_be_verified();
    every_damaged_tensor_is_listed();
    return check_report();
}
