//! Whoever is given a path has a log, and whoever changes a directory has options for its locks: a
//! table of all functions that take a path.

use std::collections::{BTreeMap, BTreeSet};

/// What sets the log of a function, or why it has nothing to say; and what sets how it locks the
/// directory, if it does.
struct Row {
    function: &'static str,
    log: Result<&'static str, &'static str>,
    locking: Option<&'static str>,
}

const fn row(function: &'static str, log: &'static str, locking: Option<&'static str>) -> Row {
    Row { function, log: Ok(log), locking }
}

const fn silent(function: &'static str, why: &'static str) -> Row {
    Row { function, log: Err(why), locking: None }
}

const OPEN: &str = "ckpt_open_options_set_log";
const VERIFY: &str = "ckpt_verify_options_set_log";
const CHECKPOINT: &str = "ckpt_checkpoint_set_log";
const SAVER: &str = "ckpt_saver_options_set_log";
const WAIT: &str = "ckpt_wait_options_set_log";
const COLLECT: &str = "ckpt_collect_options_set_log";
const WRITE_LOCKS: Option<&str> = Some("ckpt_write_options_set_locking");
const COLLECT_LOCKS: Option<&str> = Some("ckpt_collect_options_set_locking");
const ONLY_NOTED: &str = "the path is only noted; the call that uses it has a log";

const ROWS: &[Row] = &[
    row("ckpt_reader_open", OPEN, None),
    row("ckpt_reader_open_async", OPEN, None),
    row("ckpt_verify", VERIFY, None),
    row("ckpt_verify_async", VERIFY, None),
    row("ckpt_writer_new", "ckpt_write_options_set_log", WRITE_LOCKS),
    row("ckpt_merge", "ckpt_merge_options_set_log", Some("ckpt_merge_options_set_locking")),
    row("ckpt_merge_async", "ckpt_merge_options_set_log", Some("ckpt_merge_options_set_locking")),
    row("ckpt_checkpoint_write", CHECKPOINT, WRITE_LOCKS),
    row("ckpt_checkpoint_write_numbered", CHECKPOINT, WRITE_LOCKS),
    row("ckpt_checkpoint_save", CHECKPOINT, WRITE_LOCKS),
    row("ckpt_checkpoint_save_async", CHECKPOINT, WRITE_LOCKS),
    row("ckpt_checkpoint_write_async", CHECKPOINT, WRITE_LOCKS),
    row("ckpt_checkpoint_write_ranked", CHECKPOINT, WRITE_LOCKS),
    row("ckpt_checkpoint_save_ranked", CHECKPOINT, WRITE_LOCKS),
    row("ckpt_checkpoint_write_section", CHECKPOINT, WRITE_LOCKS),
    row("ckpt_checkpoint_restore", CHECKPOINT, None),
    row("ckpt_checkpoint_restore_async", CHECKPOINT, None),
    row("ckpt_checkpoint_read", CHECKPOINT, None),
    row("ckpt_checkpoint_read_async", CHECKPOINT, None),
    row("ckpt_checkpoint_dry_run", CHECKPOINT, None),
    row("ckpt_checkpoint_view_open", OPEN, None),
    row("ckpt_restore_nodes", "ckpt_restore_options_set_log", None),
    row("ckpt_saver_save", SAVER, Some("ckpt_saver_options_set_locking")),
    row("ckpt_saver_restore", SAVER, None),
    row("ckpt_manager_open", "ckpt_manager_options_set_log", Some("ckpt_manager_options_set_locking")),
    row("ckpt_latest_checkpoint", OPEN, None),
    row("ckpt_get_checkpoint_state", OPEN, None),
    row("ckpt_pin_latest", OPEN, None),
    row("ckpt_update_checkpoint_state", "ckpt_state_update_set_log", Some("ckpt_state_update_set_locking")),
    row("ckpt_remove_checkpoint", "ckpt_remove_options_set_log", Some("ckpt_remove_options_set_locking")),
    row("ckpt_wait_for_new_checkpoint", WAIT, None),
    row("ckpt_checkpoints_iterator_new", WAIT, None),
    row("ckpt_latest_valid_checkpoint", VERIFY, None),
    row("ckpt_latest_valid_checkpoint_async", VERIFY, None),
    row("ckpt_repair_checkpoint_state", "ckpt_repair_options_set_log", Some("ckpt_repair_options_set_locking")),
    row("ckpt_collect_checkpoints", COLLECT, COLLECT_LOCKS),
    row("ckpt_collect_checkpoints_with_details", COLLECT, COLLECT_LOCKS),
    silent("ckpt_checkpoint_exists", "it answers yes, no or an error; no state file is read"),
    silent("ckpt_checkpoint_mtimes", "the same"),
    silent("ckpt_pin_new", "it pins what has this very prefix, or fails"),
    silent("ckpt_state_update_new", ONLY_NOTED),
    silent("ckpt_state_update_add_path", ONLY_NOTED),
    silent("ckpt_state_update_set_file_name", ONLY_NOTED),
    silent("ckpt_saver_save_options_set_latest_filename", ONLY_NOTED),
];

/// The functions of a header, with their parameters.
fn functions(header: &str) -> BTreeMap<String, Vec<String>> {
    let code: Vec<&str> = header.lines().filter(|line| !line.starts_with("//") && !line.starts_with("typedef")).collect();
    let code = code.join(" ");
    let parsed = code.split(';').filter_map(|declaration| {
        let (before, parameters) = declaration.split_once('(')?;
        let name = before.rsplit([' ', '*']).next()?;
        let parameters = parameters.trim_end().strip_suffix(')')?.split(',');
        let words = parameters.map(|parameter| parameter.split_whitespace().collect::<Vec<_>>().join(" "));
        name.starts_with("ckpt_").then(|| (name.to_owned(), words.collect()))
    });
    parsed.collect()
}

/// Whether a function takes a NUL-terminated text, which is a path or the name of a file: texts of
/// other kinds have a length.
fn takes_path(parameters: &[String]) -> bool {
    parameters.iter().enumerate().any(|(at, parameter)| {
        let has_length = || parameters.get(at + 1).is_some_and(|next| next.starts_with("size_t ") && next.ends_with("len"));
        parameter.starts_with("const char *") && !has_length()
    })
}

#[test]
fn every_function_that_takes_a_path_has_a_log_and_options_for_locks() {
    let functions = functions(&super::header(&super::root()));
    assert!(functions.len() > 300, "{}", functions.len());
    let found: BTreeSet<&str> = functions.iter().filter(|(_, of)| takes_path(of)).map(|(name, _)| &**name).collect();
    let listed: BTreeSet<&str> = ROWS.iter().map(|row| row.function).collect();
    assert_eq!(found, listed);
    for Row { function, log, locking } in ROWS {
        for setter in log.iter().copied().chain(*locking) {
            let target = functions.get(setter).and_then(|of| of.first()).unwrap_or_else(|| panic!("{setter} is missing"));
            // The function is given what has the log, or a handle that was made with it.
            let options = target.rsplit_once(' ').map_or("", |(words, _)| words.trim_start_matches("const "));
            let handle = options.strip_suffix("_options").unwrap_or(options);
            let is_given = |of: &&String| of.contains(&format!("{options} *")) || of.contains(&format!("{handle} *"));
            // How a save locks is in its options for writing.
            let within = *locking == Some(setter) && handle == "ckpt_write";
            assert!(functions[*function].iter().any(|of| is_given(&of)) || within, "{function} is not given {options}");
        }
        if let Some(lock) = locking {
            assert!(functions.contains_key(&lock.replace("_locking", "_lock_wait")), "{lock} without a time to wait");
        }
    }
}
