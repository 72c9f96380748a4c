/* Managers, and the functions around the state file of a directory. */
#include "graphs.h"

/* A root with a variable "x". */
typedef struct program {
    ckpt_graph *graph;
    ckpt_node root, x;
    ckpt_checkpoint *checkpoint;
} program;

static program make_program(float x) {
    program made = {ckpt_graph_new(), 0, 0, NULL};
    made.root = object(made.graph);
    made.x = track_scalar(made.graph, made.root, "x", x);
    made.checkpoint = checkpoint_of(made.graph, made.root);
    return made;
}

static void free_program(program *program) {
    ckpt_checkpoint_free(program->checkpoint);
    ckpt_graph_free(program->graph);
}

static ckpt_manager *open_manager(const program *program, const ckpt_manager_options *options) {
    ckpt_manager *manager = NULL;
    if (!CHECK_OK(ckpt_manager_open(program->checkpoint, directory, options, &manager, &error))) exit(1);
    return manager;
}

static bool is_nan(double number) { return number != number; }

/* Options that keep so many; 0 for all. */
static ckpt_manager_options *keeping(int64_t count) {
    ckpt_manager_options *options = ckpt_manager_options_new();
    if (count > 0) CHECK_OK(ckpt_manager_options_set_max_to_keep(options, count, &error));
    return options;
}

/* Whether the text is the path of `name`; frees it. */
static bool names(ckpt_string *path, const char *name) {
    bool is = path != NULL && text_is(ckpt_string_bytes(path), in(name));
    ckpt_string_free(path);
    return is;
}

/* Whether the texts are the paths of these, up to NULL; frees them. */
static bool list_is(ckpt_strings *paths, const char *const *expected) {
    size_t count = 0;
    bool is = paths != NULL;
    for (; is && expected[count] != NULL; count++) is = text_is(ckpt_strings_get(paths, count), in(expected[count]));
    is = is && ckpt_strings_count(paths) == count;
    ckpt_strings_free(paths);
    return is;
}

#define LIST_IS(paths, ...) list_is(paths, (const char *const[]){__VA_ARGS__, NULL})

static bool exists(const char *name) {
    bool there = false;
    CHECK_OK(ckpt_checkpoint_exists(in(name), &there, &error));
    return there;
}

/* Saves, and says whether as `name`; NULL for not at all. */
static bool saves(const ckpt_manager *manager, const ckpt_manager_save_options *options, const char *name) {
    ckpt_string *path = (ckpt_string *)(uintptr_t)7;
    if (!CHECK_OK(ckpt_manager_save(manager, options, &path, &error))) return false;
    return name == NULL ? path == NULL : names(path, name);
}

static void put(const char *name, const char *text) {
    FILE *file = fopen(in(name), "w");
    if (!CHECK(file != NULL)) exit(1);
    fputs(text, file);
    fclose(file);
}

/* ---------------------------------------------------------------- saving and resuming */

static void a_manager_numbers_and_keeps(void) {
    program program = make_program(1);
    ckpt_manager_options *options = keeping(2);
    ckpt_manager *manager = open_manager(&program, options);
    CHECK(ckpt_manager_latest_checkpoint(manager) == NULL);
    CHECK(text_is(ckpt_manager_directory(manager), directory));
    CHECK(saves(manager, NULL, "ckpt-1"));
    CHECK(saves(manager, NULL, "ckpt-2"));
    CHECK(saves(manager, NULL, "ckpt-3"));
    CHECK(LIST_IS(ckpt_manager_checkpoints(manager), "ckpt-2", "ckpt-3"));
    CHECK(names(ckpt_manager_latest_checkpoint(manager), "ckpt-3"));
    CHECK(!exists("ckpt-1") && exists("ckpt-2") && exists("ckpt-3"));
    CHECK_INT(5, files(false));
    CHECK_OK(ckpt_manager_save(manager, NULL, NULL, &error)); /* who does not want the path */
    ckpt_checkpoint *checkpoint = ckpt_manager_checkpoint(manager);
    int64_t count = 0;
    CHECK_OK(ckpt_checkpoint_save_count(checkpoint, &count, &error));
    CHECK_INT(4, count);
    ckpt_checkpoint_free(checkpoint);
    ckpt_manager_options_free(options);
    ckpt_manager_free(manager);
    free_program(&program);
    files(true);
}

static void a_manager_outlives_what_it_was_made_of(void) {
    program program = make_program(1);
    ckpt_manager_options *options = keeping(1);
    ckpt_manager *manager = open_manager(&program, options);
    ckpt_manager_options_free(options);
    free_program(&program);
    CHECK(saves(manager, NULL, "ckpt-1"));
    ckpt_manager_free(manager);
    files(true);
}

static void what_was_saved_is_resumed(void) {
    program program = make_program(1);
    ckpt_manager *manager = open_manager(&program, NULL);
    ckpt_string *path = NULL;
    ckpt_status *status = NULL;
    CHECK_OK(ckpt_manager_restore_or_initialize(manager, NULL, &path, &status, &error));
    CHECK(path == NULL && status == NULL);
    set_value(program.graph, program.x, 5);
    CHECK(saves(manager, NULL, "ckpt-1"));
    ckpt_manager_free(manager);
    free_program(&program);

    program = make_program(0);
    manager = open_manager(&program, NULL);
    CHECK_OK(ckpt_manager_restore_or_initialize(manager, NULL, &path, &status, &error));
    CHECK(names(path, "ckpt-1"));
    CHECK_OK(ckpt_status_assert_consumed(status, &error));
    CHECK(value_of(program.graph, program.x) == 5);
    ckpt_status_free(status);
    CHECK_OK(ckpt_manager_restore_or_initialize(manager, NULL, NULL, NULL, &error));
    CHECK(saves(manager, NULL, "ckpt-2"));
    ckpt_manager_free(manager);
    free_program(&program);
    files(true);
}

static void the_newest_whole_one_is_resumed_on_demand(void) {
    program program = make_program(1);
    ckpt_manager *manager = open_manager(&program, NULL);
    ckpt_resume_options *resume = ckpt_resume_options_new();
    ckpt_restore_options *restore = ckpt_restore_options_new();
    ckpt_string *path = NULL;
    ckpt_broken_checkpoints *broken = NULL;
    CHECK(saves(manager, NULL, "ckpt-1"));
    set_value(program.graph, program.x, 2);
    CHECK(saves(manager, NULL, "ckpt-2"));
    put("ckpt-2.index", "");
    CHECK_FAILS(CKPT_CODE_DATA_LOSS, ckpt_manager_restore_or_initialize(manager, NULL, &path, NULL, &error));
    CHECK(path == NULL);
    CHECK_OK(ckpt_resume_options_set_latest_valid(resume, true, &error));
    CHECK_OK(ckpt_resume_options_set_restore_options(resume, restore, &error));
    CHECK_OK(ckpt_resume_options_set_restore_options(resume, NULL, &error));
    CHECK_OK(ckpt_manager_restore_or_initialize(manager, resume, &path, NULL, &error));
    CHECK(names(path, "ckpt-1") && value_of(program.graph, program.x) == 1);

    CHECK_OK(ckpt_manager_latest_valid(manager, &path, &broken, &error));
    CHECK(names(path, "ckpt-1"));
    CHECK_INT(1, ckpt_broken_checkpoints_count(broken));
    CHECK(text_is(ckpt_broken_checkpoints_prefix(broken, 0), in("ckpt-2")));
    CHECK_INT(CKPT_CODE_DATA_LOSS, ckpt_error_code(ckpt_broken_checkpoints_problem(broken, 0)));
    CHECK_INT(CKPT_VERDICT_DAMAGED, ckpt_broken_checkpoints_verdict(broken, 0));
    CHECK(ckpt_broken_checkpoints_verdict(broken, 1) == 0);
    CHECK(ckpt_broken_checkpoints_prefix(broken, 1).data == NULL && ckpt_broken_checkpoints_problem(broken, 1) == NULL);
    ckpt_broken_checkpoints_free(broken);
    CHECK_OK(ckpt_latest_valid_checkpoint(directory, NULL, &path, NULL, &error));
    CHECK(names(path, "ckpt-1"));
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_latest_valid_checkpoint(in("no"), NULL, &path, &broken, &error));
    CHECK(path == NULL && broken == NULL);
    ckpt_resume_options_free(resume);
    ckpt_restore_options_free(restore);
    ckpt_manager_free(manager);
    free_program(&program);
    files(true);
}

/* ---------------------------------------------------------------- options */

static void a_save_may_bring_its_number_and_options(void) {
    program program = make_program(1);
    ckpt_manager_options *options = keeping(2);
    CHECK_OK(ckpt_manager_options_set_checkpoint_name(options, TEXT("model"), &error));
    ckpt_manager *manager = open_manager(&program, options);
    ckpt_manager_save_options *save = ckpt_manager_save_options_new();
    ckpt_save_options *write = ckpt_save_options_new();
    CHECK_OK(ckpt_manager_save_options_set_number(save, 32, &error));
    CHECK(saves(manager, save, "model-32"));
    CHECK_OK(ckpt_manager_save_options_set_number_of(save, integer(program.graph, -5), &error));
    CHECK_OK(ckpt_manager_save_options_set_save_options(save, write, &error));
    CHECK(saves(manager, save, "model--5"));
    CHECK_OK(ckpt_manager_save_options_set_save_options(save, NULL, &error));
    CHECK_OK(ckpt_manager_save_options_set_number_of(save, program.x, &error)); /* no integer */
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_manager_save(manager, save, NULL, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_manager_save_options_set_number_of(save, 0, &error));
    ckpt_manager_save_options_free(save);
    ckpt_save_options_free(write);
    ckpt_manager_options_free(options);
    ckpt_manager_free(manager);
    free_program(&program);
    files(true);
}

static void saves_may_go_by_steps(void) {
    program program = make_program(1);
    int64_t steps = 77;
    ckpt_node step = integer(program.graph, 0);
    ckpt_manager_options *options = keeping(0);
    ckpt_manager_save_options *anyway = ckpt_manager_save_options_new(), *late = ckpt_manager_save_options_new();
    ckpt_manager *manager = NULL;
    CHECK_OK(ckpt_manager_options_set_checkpoint_interval(options, 2, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_manager_open(program.checkpoint, directory, options, &manager, &error));
    CHECK(manager == NULL);
    CHECK_OK(ckpt_manager_options_set_step_counter(options, step, &error));
    CHECK_OK(ckpt_manager_options_set_last_checkpoint_step(options, -1, &error));
    manager = open_manager(&program, options);
    CHECK(ckpt_manager_checkpoint_interval(manager, &steps) && steps == 2);
    CHECK(ckpt_manager_checkpoint_interval(manager, NULL));
    CHECK(saves(manager, NULL, NULL)); /* a step after the last */
    CHECK_OK(ckpt_manager_save_options_set_check_interval(anyway, false, &error));
    CHECK(saves(manager, anyway, "ckpt-1"));
    CHECK(saves(manager, anyway, NULL)); /* the same step */
    CHECK_OK(ckpt_manager_save_options_set_step(late, 2, &error));
    CHECK(saves(manager, late, "ckpt-2"));
    ckpt_manager_free(manager);
    ckpt_manager_options_free(options);

    options = keeping(0);
    CHECK_OK(ckpt_manager_options_set_checkpoint_interval(options, 2, &error));
    CHECK_OK(ckpt_manager_options_set_steps_in_calls(options, true, &error));
    manager = open_manager(&program, options);
    ckpt_resume_options *resume = ckpt_resume_options_new();
    CHECK_OK(ckpt_resume_options_set_step(resume, 2, &error));
    CHECK_OK(ckpt_manager_restore_or_initialize(manager, resume, NULL, NULL, &error));
    CHECK(saves(manager, late, NULL));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_manager_save(manager, NULL, NULL, &error)); /* which step? */
    ckpt_resume_options_free(resume);
    ckpt_manager_save_options_free(anyway);
    ckpt_manager_save_options_free(late);
    ckpt_manager_options_free(options);
    ckpt_manager_free(manager);
    free_program(&program);
    files(true);
}

static void the_best_stay(void) {
    static const double losses[] = {0.5, 0.25, 0.75};
    program program = make_program(1);
    ckpt_manager_options *options = keeping(1);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_manager_options_set_keep_best(options, 1, 0, &error));
    CHECK_OK(ckpt_manager_options_set_keep_best(options, 1, CKPT_BETTER_HIGHER, &error));
    CHECK_OK(ckpt_manager_options_set_keep_best(options, 1, CKPT_BETTER_LOWER, &error));
    ckpt_manager *manager = open_manager(&program, options);
    ckpt_manager_save_options *save = ckpt_manager_save_options_new();
    for (size_t i = 0; i < COUNT(losses); i++) {
        CHECK_OK(ckpt_manager_save_options_set_metric(save, losses[i], &error));
        CHECK_OK(ckpt_manager_save(manager, save, NULL, &error));
    }
    CHECK(LIST_IS(ckpt_manager_best_checkpoints(manager), "ckpt-2", "ckpt-3"));
    CHECK(ckpt_manager_metric(manager, TEXT(in("ckpt-2"))) == 0.25);
    CHECK(is_nan(ckpt_manager_metric(manager, TEXT(in("ckpt-1")))));
    CHECK(!exists("ckpt-1") && exists("ckpt-2"));
    ckpt_manager_save_options_free(save);
    save = ckpt_manager_save_options_new();
    CHECK_OK(ckpt_manager_save_options_set_metric_of(save, program.x, &error));
    CHECK_OK(ckpt_manager_save(manager, save, NULL, &error));
    CHECK(ckpt_manager_metric(manager, TEXT(in("ckpt-4"))) == 1);
    ckpt_manager_save_options_free(save);
    ckpt_manager_options_free(options);
    ckpt_manager_free(manager);
    free_program(&program);
    files(true);
}

static double later_and_later(void *user_data) { return *(double *)user_data += 3600; }

static ckpt_code first_values(void *user_data, ckpt_failure *failure) {
    program *program = (struct program *)user_data;
    (void)failure;
    set_value(program->graph, program->x, 9); /* it may use the graph */
    return CKPT_CODE_OK;
}

static ckpt_code no_values(void *user_data, ckpt_failure *failure) {
    ++*(int *)user_data;
    ckpt_failure_set(failure, TEXT("no weights"));
    return CKPT_CODE_NOT_FOUND;
}

static void note(void *user_data, ckpt_severity severity, const char *text, size_t len) {
    CHECK(strlen(text) == len);
    if (severity == CKPT_SEVERITY_WARNING) ++*(int *)user_data;
}

static void callbacks_give_first_values_time_and_hear_of_warnings(void) {
    program program = make_program(1);
    double now = 0;
    int freed = 0, called = 0, heard = 0;
    ckpt_manager_options *options = keeping(1);
    CHECK_OK(ckpt_manager_options_set_clock(options, later_and_later, &now, NULL, &error));
    CHECK_OK(ckpt_manager_options_set_keep_checkpoint_every_n_hours(options, 2, &error));
    CHECK_OK(ckpt_manager_options_set_init(options, first_values, &program, NULL, &error));
    CHECK_OK(ckpt_manager_options_set_log(options, note, &heard, NULL, &error));
    put("checkpoint", "nonsense");
    ckpt_manager *manager = open_manager(&program, options);
    CHECK_INT(1, heard);
    CHECK_OK(ckpt_manager_restore_or_initialize(manager, NULL, NULL, NULL, &error));
    CHECK(value_of(program.graph, program.x) == 9);
    for (int i = 1; i <= 4; i++) CHECK_OK(ckpt_manager_save(manager, NULL, NULL, &error));
    CHECK(LIST_IS(ckpt_manager_checkpoints(manager), "ckpt-4"));
    CHECK(exists("ckpt-1") && !exists("ckpt-2") && exists("ckpt-3")); /* every second one */
    ckpt_manager_free(manager);
    ckpt_manager_options_free(options);
    files(true);

    options = keeping(1);
    CHECK_OK(ckpt_manager_options_set_init(options, no_values, &called, count_free, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_manager_options_set_init(options, NULL, &freed, count_free, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_manager_options_set_clock(options, NULL, &freed, count_free, &error));
    CHECK_OK(ckpt_manager_options_set_log(options, NULL, &freed, count_free, &error));
    CHECK_INT(3, freed);
    manager = open_manager(&program, options);
    ckpt_manager_options_free(options);
    ckpt_error *problem = NULL;
    CHECK_INT(CKPT_CODE_ABORTED, ckpt_manager_restore_or_initialize(manager, NULL, NULL, NULL, &problem));
    CHECK(strstr(ckpt_error_message(problem), "no weights") != NULL);
    ckpt_error_free(problem);
    CHECK_INT(1, called);
    ckpt_manager_free(manager);
    CHECK_INT(2, called); /* freed with the last that needs it */
    free_program(&program);
    files(true);
}

/* A write callback may ask the manager what is the latest. */
static ckpt_code ask_latest(void *user_data, const char *path, ckpt_failure *failure) {
    const ckpt_manager *manager = *(ckpt_manager **)user_data;
    (void)path, (void)failure;
    CHECK(names(ckpt_manager_latest_checkpoint(manager), "ckpt-1"));
    CHECK(LIST_IS(ckpt_manager_checkpoints(manager), "ckpt-1"));
    ckpt_strings_free(ckpt_manager_best_checkpoints(manager));
    CHECK_INT(CKPT_CODE_FAILED_PRECONDITION, ckpt_manager_save(manager, NULL, NULL, NULL));
    return CKPT_CODE_OK;
}

static void a_write_callback_runs_before_the_checkpoint_is_recorded(void) {
    program program = make_program(1);
    ckpt_manager *manager = open_manager(&program, NULL);
    ckpt_manager_save_options *save = ckpt_manager_save_options_new();
    ckpt_save_options *write = ckpt_save_options_new();
    CHECK(saves(manager, NULL, "ckpt-1"));
    CHECK_OK(ckpt_save_options_add_callback(write, ask_latest, &manager, NULL, &error));
    CHECK_OK(ckpt_manager_save_options_set_save_options(save, write, &error));
    ckpt_save_options_free(write);
    CHECK(saves(manager, save, "ckpt-2"));
    CHECK(names(ckpt_manager_latest_checkpoint(manager), "ckpt-2"));
    ckpt_manager_save_options_free(save);
    ckpt_manager_free(manager);
    free_program(&program);
    files(true);
}

/* ---------------------------------------------------------------- the state file */

static void a_state_file_is_written_and_read(void) {
    ckpt_state_update *update = NULL;
    ckpt_checkpoint_state *state = NULL;
    CHECK_OK(ckpt_get_checkpoint_state(directory, NULL, NULL, &state, &error));
    CHECK(state == NULL);
    CHECK_OK(ckpt_state_update_new("m-2", &update, &error));
    CHECK_OK(ckpt_state_update_add_path(update, "m-1", &error));
    CHECK_OK(ckpt_state_update_add_path(update, in("m-2"), &error));
    CHECK_OK(ckpt_state_update_add_timestamp(update, 1.5, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_update_checkpoint_state(directory, update, &error));
    CHECK_OK(ckpt_state_update_add_timestamp(update, 2.5, &error));
    CHECK_OK(ckpt_state_update_add_timestamp(update, 3.5, &error));
    CHECK_OK(ckpt_state_update_set_last_preserved(update, 0.5, &error));
    CHECK_OK(ckpt_state_update_set_durability(update, CKPT_DURABILITY_NONE, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_state_update_set_durability(update, 3, &error));
    CHECK_OK(ckpt_update_checkpoint_state(directory, update, &error));
    CHECK_OK(ckpt_get_checkpoint_state(directory, NULL, NULL, &state, &error));
    CHECK(text_is(ckpt_checkpoint_state_latest(state), in("m-2")));
    CHECK_INT(3, ckpt_checkpoint_state_count(state)); /* "m-2" was not the last, spelled otherwise: it was added */
    CHECK(text_is(ckpt_checkpoint_state_path(state, 0), in("m-1")));
    CHECK(text_is(ckpt_checkpoint_state_path(state, 1), in("m-2")));
    CHECK(ckpt_checkpoint_state_path(state, 3).data == NULL);
    CHECK(ckpt_checkpoint_state_timestamp(state, 1) == 2.5);
    CHECK(is_nan(ckpt_checkpoint_state_timestamp(state, 3)));
    CHECK(ckpt_checkpoint_state_last_preserved(state) == 0.5);
    ckpt_checkpoint_state_free(state);
    ckpt_state_update_free(update);

    CHECK_OK(ckpt_state_update_new(in("best"), &update, &error));
    CHECK_OK(ckpt_state_update_set_file_name(update, "the-best", &error));
    CHECK_OK(ckpt_update_checkpoint_state(directory, update, &error));
    CHECK_OK(ckpt_get_checkpoint_state(directory, "the-best", NULL, &state, &error));
    CHECK(text_is(ckpt_checkpoint_state_latest(state), in("best")));
    CHECK(is_nan(ckpt_checkpoint_state_last_preserved(state)));
    ckpt_checkpoint_state_free(state);
    ckpt_state_update_free(update);
    CHECK_INT(2, files(true));

    put("checkpoint", "");
    CHECK_FAILS(CKPT_CODE_DATA_LOSS, ckpt_get_checkpoint_state(directory, NULL, NULL, &state, &error));
    CHECK(state == NULL);
    files(true);
}

static void checkpoints_are_found_dated_and_removed(void) {
    program program = make_program(1);
    ckpt_string *path = NULL;
    const char *prefixes[] = {in("m-1"), in("none"), in("m-2")};
    double mtimes[3];
    size_t found = 7;
    CHECK_OK(ckpt_latest_checkpoint(directory, NULL, &path, &error));
    CHECK(path == NULL);
    CHECK_OK(ckpt_checkpoint_save(program.checkpoint, in("m"), NULL, NULL, &error));
    CHECK_OK(ckpt_checkpoint_save(program.checkpoint, in("m"), NULL, NULL, &error));
    CHECK_OK(ckpt_latest_checkpoint(directory, NULL, &path, &error));
    CHECK(names(path, "m-2"));
    prefixes[0] = in("m-1"), prefixes[1] = in("none"), prefixes[2] = in("m-2");
    CHECK_OK(ckpt_checkpoint_mtimes(prefixes, 3, mtimes, &found, &error));
    CHECK_INT(2, found);
    CHECK(mtimes[0] > 1e9 && mtimes[1] >= mtimes[0]);
    CHECK_OK(ckpt_remove_checkpoint(in("m-2"), NULL, &error));
    CHECK(exists("m-1") && !exists("m-2"));
    CHECK_OK(ckpt_latest_checkpoint(directory, NULL, &path, &error));
    CHECK(path == NULL);
    free_program(&program);
    files(true);
}

static void who_is_held_stays(void) {
    program program = make_program(1);
    ckpt_manager_options *options = keeping(1);
    ckpt_manager *manager = open_manager(&program, options);
    ckpt_pin *pin = NULL, *latest = NULL;
    CHECK_OK(ckpt_pin_latest(directory, NULL, &pin, &error));
    CHECK(pin == NULL);
    CHECK(saves(manager, NULL, "ckpt-1"));
    CHECK_OK(ckpt_pin_new(in("ckpt-1"), &pin, &error));
    CHECK(text_is(ckpt_pin_prefix(pin), in("ckpt-1")));
    CHECK(saves(manager, NULL, "ckpt-2"));
    CHECK_OK(ckpt_pin_latest(directory, NULL, &latest, &error));
    CHECK(text_is(ckpt_pin_prefix(latest), in("ckpt-2")));
    ckpt_pin_free(latest);
    CHECK(exists("ckpt-1"));
    ckpt_pin_free(pin);
    CHECK(saves(manager, NULL, "ckpt-3"));
    CHECK(!exists("ckpt-1") && !exists("ckpt-2"));
    CHECK_FAILS(CKPT_CODE_NOT_FOUND, ckpt_pin_new(in("ckpt-1"), &pin, &error));
    CHECK(pin == NULL);
    ckpt_manager_options_free(options);
    ckpt_manager_free(manager);
    free_program(&program);
    files(true);
}

/* ---------------------------------------------------------------- putting in order */

static void a_directory_is_put_in_order(void) {
    program program = make_program(1);
    ckpt_manager *manager = open_manager(&program, NULL);
    ckpt_repaired_state *repaired = NULL;
    ckpt_strings *removed = NULL;
    for (int i = 0; i < 4; i++) CHECK_OK(ckpt_manager_save(manager, NULL, NULL, &error));
    ckpt_manager_free(manager);
    put("ckpt-4.index", "");
    ckpt_repair_options *repair = ckpt_repair_options_new();
    CHECK_OK(ckpt_repair_options_set_dry_run(repair, true, &error));
    for (int dry_run = 1; dry_run >= 0; dry_run--) {
        CHECK_OK(ckpt_repair_checkpoint_state(directory, dry_run ? repair : NULL, &repaired, &error));
        CHECK(ckpt_repaired_state_is_new(repaired));
        CHECK(text_is(ckpt_repaired_state_latest(repaired), in("ckpt-3")));
        CHECK_INT(3, ckpt_repaired_state_count(repaired));
        CHECK(text_is(ckpt_repaired_state_path(repaired, 0), in("ckpt-1")));
        CHECK(ckpt_repaired_state_path(repaired, 3).data == NULL);
        CHECK_INT(1, ckpt_broken_checkpoints_count(ckpt_repaired_state_broken(repaired)));
        ckpt_repaired_state_free(repaired);
    }
    ckpt_repair_options_free(repair);
    ckpt_collect_options *options = ckpt_collect_options_new(1);
    CHECK_OK(ckpt_collect_options_set_dry_run(options, true, &error));
    CHECK_OK(ckpt_collect_checkpoints(directory, options, &removed, &error));
    CHECK(LIST_IS(removed, "ckpt-1", "ckpt-2"));
    CHECK(exists("ckpt-1"));
    ckpt_collected *collected = NULL;
    CHECK_OK(ckpt_collect_checkpoints_with_details(directory, options, &collected, &error));
    CHECK_INT(2, ckpt_strings_count(ckpt_collected_removed(collected)));
    CHECK_INT(1, ckpt_strings_count(ckpt_collected_kept(collected)));
    CHECK_INT(0, ckpt_strings_count(ckpt_collected_leftovers(collected)));
    CHECK_INT(0, ckpt_strings_count(ckpt_collected_warnings(collected)));
    CHECK_INT(0, ckpt_collected_failed_count(collected));
    CHECK(ckpt_collected_failed_problem(collected, 0) == NULL && ckpt_collected_failed_prefix(collected, 0).data == NULL);
    ckpt_collected_free(collected);
    CHECK_OK(ckpt_collect_checkpoints(directory, NULL, &removed, &error)); /* all stay */
    CHECK_INT(0, ckpt_strings_count(removed));
    ckpt_strings_free(removed);
    CHECK_OK(ckpt_collect_options_set_dry_run(options, false, &error));
    CHECK_OK(ckpt_collect_options_set_keep_best(options, 1, CKPT_BETTER_LOWER, &error));
    CHECK_OK(ckpt_collect_options_set_keep_checkpoint_every_n_hours(options, 1000, &error));
    CHECK_OK(ckpt_collect_checkpoints(directory, options, NULL, &error));
    CHECK(!exists("ckpt-1") && exists("ckpt-3"));
    ckpt_collect_options_free(options);
    options = ckpt_collect_options_new(0);
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_collect_checkpoints(directory, options, &removed, &error));
    CHECK(removed == NULL);
    ckpt_collect_options_free(options);
    free_program(&program);
    files(true);
}

/* ---------------------------------------------------------------- waiting */

static double time_of(void *user_data) { return *(double *)user_data; }

static ckpt_code sleep_some(void *user_data, double seconds) {
    *(double *)user_data += seconds;
    return CKPT_CODE_OK;
}

static ckpt_code wake(void *user_data, double seconds) {
    (void)user_data, (void)seconds;
    return CKPT_CODE_CANCELLED;
}

static bool after_three(void *user_data) { return ++*(int *)user_data == 3; }

static void new_checkpoints_are_waited_for(void) {
    program program = make_program(1);
    double now = 0;
    int asked = 0;
    ckpt_string *path = NULL;
    ckpt_checkpoints_iterator *iterator = NULL;
    ckpt_wait_options *options = ckpt_wait_options_new();
    CHECK_OK(ckpt_wait_options_set_clock(options, time_of, sleep_some, &now, NULL, &error));
    CHECK_OK(ckpt_wait_options_set_timeout(options, 10, &error));
    CHECK_OK(ckpt_wait_options_set_poll_interval(options, 2, &error));
    CHECK_OK(ckpt_wait_options_set_min_interval(options, 30, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_wait_options_set_timeout(options, -1, &error));
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_wait_options_set_poll_interval(options, strtod("nan", NULL), &error));
    CHECK_OK(ckpt_wait_for_new_checkpoint(directory, NULL, options, &path, &error));
    CHECK(path == NULL && now == 10);
    CHECK_OK(ckpt_checkpoint_save(program.checkpoint, in("m"), NULL, NULL, &error));
    CHECK_OK(ckpt_wait_for_new_checkpoint(directory, NULL, options, &path, &error));
    CHECK(names(path, "m-1") && now == 10);
    CHECK_OK(ckpt_wait_for_new_checkpoint(directory, in("m-1"), options, &path, &error));
    CHECK(path == NULL && now == 20);

    CHECK_OK(ckpt_checkpoints_iterator_new(directory, options, NULL, NULL, NULL, &iterator, &error));
    CHECK_OK(ckpt_checkpoints_iterator_next(iterator, &path, &error));
    CHECK(names(path, "m-1") && now == 20);
    CHECK_OK(ckpt_checkpoint_save(program.checkpoint, in("m"), NULL, NULL, &error));
    CHECK_OK(ckpt_checkpoints_iterator_next(iterator, &path, &error));
    CHECK(names(path, "m-2") && now == 50);
    CHECK_OK(ckpt_checkpoints_iterator_next(iterator, &path, &error));
    CHECK(path == NULL && now == 90);
    ckpt_checkpoints_iterator_free(iterator);

    CHECK_OK(ckpt_checkpoints_iterator_new(directory, options, after_three, &asked, count_free, &iterator, &error));
    CHECK_OK(ckpt_checkpoints_iterator_next(iterator, &path, &error));
    CHECK(names(path, "m-2"));
    CHECK_OK(ckpt_checkpoints_iterator_next(iterator, &path, &error));
    CHECK(path == NULL && asked == 3);
    ckpt_checkpoints_iterator_free(iterator);
    CHECK_INT(4, asked);

    CHECK_OK(ckpt_wait_options_set_clock(options, NULL, wake, NULL, NULL, &error));
    CHECK_FAILS(CKPT_CODE_CANCELLED, ckpt_wait_for_new_checkpoint(directory, in("m-2"), options, &path, &error));
    CHECK(path == NULL);
    ckpt_wait_options_free(options);
    free_program(&program);
    files(true);
}

/* ---------------------------------------------------------------- misuse */

#define MISUSE(call) CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, call)

static void null_is_an_error_or_nothing(void) {
    ckpt_string *path = NULL;
    ckpt_manager *manager = NULL;
    ckpt_broken_checkpoints *broken = NULL;
    ckpt_pin *pin = NULL;
    ckpt_repaired_state *repaired = NULL;
    ckpt_state_update *update = NULL;
    ckpt_checkpoint_state *state = NULL;
    ckpt_checkpoints_iterator *iterator = NULL;
    size_t found = 0;
    int64_t steps = 77;
    bool there = false;
    int freed = 0;
    MISUSE(ckpt_manager_open(NULL, directory, NULL, &manager, &error));
    MISUSE(ckpt_latest_checkpoint(NULL, NULL, &path, &error));
    MISUSE(ckpt_latest_checkpoint(directory, NULL, NULL, &error));
    MISUSE(ckpt_get_checkpoint_state(NULL, NULL, NULL, &state, &error));
    MISUSE(ckpt_state_update_new(NULL, &update, &error));
    MISUSE(ckpt_state_update_add_path(NULL, "m", &error));
    MISUSE(ckpt_update_checkpoint_state(directory, NULL, &error));
    MISUSE(ckpt_checkpoint_exists(NULL, &there, &error));
    MISUSE(ckpt_checkpoint_mtimes(NULL, 1, NULL, &found, &error));
    CHECK_OK(ckpt_checkpoint_mtimes(NULL, 0, NULL, &found, &error));
    MISUSE(ckpt_remove_checkpoint(NULL, NULL, &error));
    MISUSE(ckpt_remove_checkpoint("/", NULL, &error));
    MISUSE(ckpt_pin_new(NULL, &pin, &error));
    MISUSE(ckpt_pin_latest(NULL, NULL, &pin, &error));
    MISUSE(ckpt_latest_valid_checkpoint(NULL, NULL, &path, &broken, &error));
    MISUSE(ckpt_repair_checkpoint_state(NULL, NULL, &repaired, &error));
    MISUSE(ckpt_collect_checkpoints(NULL, NULL, NULL, &error));
    MISUSE(ckpt_wait_for_new_checkpoint(NULL, NULL, NULL, &path, &error));
    MISUSE(ckpt_checkpoints_iterator_new(NULL, NULL, after_three, &freed, count_free, &iterator, &error));
    CHECK_INT(1, freed);
    MISUSE(ckpt_checkpoints_iterator_next(NULL, &path, &error));
    MISUSE(ckpt_manager_options_set_max_to_keep(NULL, 1, &error));
    MISUSE(ckpt_manager_options_set_log(NULL, note, &freed, count_free, &error));
    CHECK_INT(2, freed);
    MISUSE(ckpt_manager_save_options_set_number(NULL, 1, &error));
    MISUSE(ckpt_resume_options_set_latest_valid(NULL, true, &error));
    MISUSE(ckpt_collect_options_set_dry_run(NULL, true, &error));
    MISUSE(ckpt_wait_options_set_timeout(NULL, 1, &error));

    CHECK(ckpt_manager_checkpoint(NULL) == NULL && ckpt_manager_directory(NULL).data == NULL);
    CHECK(!ckpt_manager_checkpoint_interval(NULL, &steps) && steps == 0);
    CHECK(ckpt_manager_latest_checkpoint(NULL) == NULL && ckpt_manager_checkpoints(NULL) == NULL);
    CHECK(ckpt_manager_best_checkpoints(NULL) == NULL && is_nan(ckpt_manager_metric(NULL, NULL, 0)));
    CHECK(ckpt_broken_checkpoints_count(NULL) == 0 && ckpt_broken_checkpoints_prefix(NULL, 0).data == NULL &&
          ckpt_broken_checkpoints_problem(NULL, 0) == NULL && ckpt_broken_checkpoints_verdict(NULL, 0) == 0);
    CHECK(ckpt_repaired_state_count(NULL) == 0 && ckpt_repaired_state_latest(NULL).data == NULL &&
          ckpt_repaired_state_path(NULL, 0).data == NULL);
    CHECK(!ckpt_repaired_state_is_new(NULL) && ckpt_repaired_state_broken(NULL) == NULL);
    CHECK(ckpt_checkpoint_state_count(NULL) == 0 && ckpt_checkpoint_state_latest(NULL).data == NULL);
    CHECK(is_nan(ckpt_checkpoint_state_timestamp(NULL, 0)) && is_nan(ckpt_checkpoint_state_last_preserved(NULL)));
    CHECK(ckpt_checkpoint_state_path(NULL, 0).data == NULL && ckpt_pin_prefix(NULL).data == NULL);
    ckpt_collected *collected = (ckpt_collected *)&collected;
    CHECK_FAILS(CKPT_CODE_INVALID_ARGUMENT, ckpt_collect_checkpoints_with_details(NULL, NULL, &collected, &error));
    CHECK(collected == NULL && ckpt_collected_removed(NULL) == NULL && ckpt_collected_kept(NULL) == NULL);
    CHECK(ckpt_collected_leftovers(NULL) == NULL && ckpt_collected_warnings(NULL) == NULL);
    CHECK(ckpt_collected_failed_count(NULL) == 0 && ckpt_collected_failed_prefix(NULL, 0).data == NULL);
    CHECK(ckpt_collected_failed_problem(NULL, 0) == NULL);
    ckpt_collected_free(NULL);
    ckpt_manager_free(NULL);
    ckpt_manager_options_free(NULL);
    ckpt_manager_save_options_free(NULL);
    ckpt_resume_options_free(NULL);
    ckpt_broken_checkpoints_free(NULL);
    ckpt_repaired_state_free(NULL);
    ckpt_collect_options_free(NULL);
    ckpt_checkpoint_state_free(NULL);
    ckpt_state_update_free(NULL);
    ckpt_pin_free(NULL);
    ckpt_wait_options_free(NULL);
    ckpt_checkpoints_iterator_free(NULL);
}

int main(void) {
    make_directory();
    a_manager_numbers_and_keeps();
    a_manager_outlives_what_it_was_made_of();
    what_was_saved_is_resumed();
    the_newest_whole_one_is_resumed_on_demand();
    a_save_may_bring_its_number_and_options();
    saves_may_go_by_steps();
    the_best_stay();
    callbacks_give_first_values_time_and_hear_of_warnings();
    a_write_callback_runs_before_the_checkpoint_is_recorded();
    a_state_file_is_written_and_read();
    checkpoints_are_found_dated_and_removed();
    who_is_held_stays();
    a_directory_is_put_in_order();
    new_checkpoints_are_waited_for();
    null_is_an_error_or_nothing();
    remove_directory();
    return check_report();
}
