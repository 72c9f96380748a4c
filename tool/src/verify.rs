//! `ckpt verify`: verifies that a checkpoint can be restored.

use std::io::Write;
use std::path::PathBuf;

use checkpoint::{Error, Verdict, Verification, VerifyOptions};
use serde_json::{json, Map, Value};

use crate::bar::Bar;
use crate::failure::{Failure, Outcome};
use crate::json::key_member;
use crate::latest::text;
use crate::opening;
use crate::term::{self, Screen};

/// Verify that a checkpoint can be restored, and list all problems.
///
/// Reads every block of the index and every byte of every tensor, and compares their checksums. On
/// a terminal a progress bar is shown. The verdict is "whole", "section" (slices of larger tensors,
/// as each worker writes them before they are merged), "incomplete" (keys of the object graph are
/// absent) or "damaged".
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The checkpoint: a prefix, an .index file, a directory, …
    path: PathBuf,
    /// Accept a section of a checkpoint, too
    #[arg(long)]
    section: bool,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

const NOTES: &str = "The JSON output is
  {\"ok\", \"verdict\", \"checkpoint\", \"tensors\", \"files\", \"bytes\",
   \"problems\": [{\"code\", \"message\", \"file\", \"tensor\", \"expected\", \"found\"}]}
where unknown members of a problem are omitted, and a key that is not UTF-8 is \"tensor_base64\" instead of \"tensor\".
If nothing can be said about the checkpoint, for example because it is not there, \"verdict\" is null, \"problems\" has the
reason, and the members from \"checkpoint\" to \"bytes\" are omitted.

Exit codes: 0 the checkpoint is whole or, with --section, a section; 1 it is not.

Examples:
  ckpt verify run/ckpt-7
  ckpt verify run/ckpts --json | jq .problems";

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let path = opening::path_of(&args.path);
    let prefix = path.as_ref().ok().and_then(|path| opening::prefix_of(path));
    let bar = Bar::new();
    let verified = path.and_then(|path| {
        checkpoint::verify(path, &VerifyOptions::default(), &mut |progress| bar.report(progress.bytes_done, progress.bytes_total))
    });
    drop(bar);
    let found = match verified {
        Ok(found) => found,
        // Nothing was found out about the checkpoint; programs get the reason as JSON, too.
        Err(error) if args.json => {
            crate::json::write(&json!({ "ok": false, "verdict": null, "problems": [problem(&error)] }), screen)?;
            return Err(Failure::Reported);
        }
        Err(error) => return Err(error.into()),
    };
    let accepted = found.verdict == Verdict::Whole || (args.section && found.verdict == Verdict::Section);
    if args.json {
        let result = json!({
            "ok": accepted,
            "verdict": found.verdict.name(),
            "checkpoint": prefix.map(|prefix| prefix.to_string_lossy().into_owned()),
            "tensors": found.tensors,
            "files": found.files,
            "bytes": found.bytes,
            "problems": found.problems.iter().map(problem).collect::<Vec<Value>>(),
        });
        crate::json::write(&result, screen)?;
    } else {
        // Which checkpoint of a directory this is about.
        if let Some(prefix) = prefix.filter(|_| args.path.is_dir()) {
            writeln!(screen, "checkpoint {}", text(&prefix))?;
        }
        print(&found, accepted, screen)?;
    }
    if accepted {
        Ok(())
    } else {
        Err(Failure::Reported)
    }
}

/// Prints the problems, then the verdict.
fn print(found: &Verification, accepted: bool, screen: &mut Screen) -> Outcome {
    let color = if accepted { term::GOOD } else { term::BAD };
    for problem in &found.problems {
        let word = if found.verdict == Verdict::Damaged { "bad " } else { "lack" };
        writeln!(screen, "{} {problem}", screen.paint(color, word))?;
    }
    let tensors = term::plural(found.tensors as u64, "tensor");
    let checked = format!("{tensors} in {}, {}", term::plural(found.files as u64, "file"), term::bytes(found.bytes));
    let verdict = screen.paint(color, found.verdict.name());
    if found.verdict == Verdict::Damaged {
        let problems = screen.paint(color, &term::plural(found.problems.len() as u64, "problem"));
        writeln!(screen, "{problems} in {checked}: {verdict}")?
    } else {
        writeln!(screen, "{verdict} {checked}: all checksums are correct")?
    }
    Ok(())
}

/// Returns a problem as JSON.
fn problem(error: &Error) -> Value {
    let mut object = Map::new();
    object.insert("code".to_owned(), json!(error.code().name()));
    object.insert("message".to_owned(), json!(error.to_string()));
    if let Some(file) = error.file() {
        object.insert("file".to_owned(), json!(file.to_string_lossy()));
    }
    object.extend(error.tensor().map(|key| key_member("tensor", key)));
    for (name, text) in [("expected", error.expected()), ("found", error.found())] {
        if let Some(text) = text {
            object.insert(name.to_owned(), json!(text));
        }
    }
    Value::Object(object)
}
