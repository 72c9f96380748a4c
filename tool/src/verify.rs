//! `ckpt verify`: verifies every checksum of a checkpoint.

use std::io::Write;
use std::path::PathBuf;

use checkpoint::{Error, VerifyOptions};
use serde_json::{json, Map, Value};

use crate::bar::Bar;
use crate::failure::{Failure, Outcome};
use crate::json::key_member;
use crate::latest::text;
use crate::opening;
use crate::term::{self, Screen};

/// Verify every checksum of a checkpoint and list all problems.
///
/// Reads every block of the index and every byte of every tensor. On a terminal a progress bar is
/// shown.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The checkpoint: a prefix, an .index file, a directory, …
    path: PathBuf,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

const NOTES: &str = "The JSON output is
  {\"ok\", \"checkpoint\", \"tensors\", \"files\", \"bytes\",
   \"problems\": [{\"code\", \"message\", \"file\", \"tensor\", \"expected\", \"found\"}]}
where unknown members of a problem are omitted, and a key that is not UTF-8 is \"tensor_base64\" instead of \"tensor\".

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
    let (problems, counts) = match verified {
        Ok(found) => (found.problems, Some((found.tensors as u64, found.files as u64, found.bytes))),
        Err(error) if args.json => (vec![error], None),
        Err(error) => return Err(error.into()),
    };

    if args.json {
        let (tensors, files, bytes) = counts.unwrap_or_default();
        let result = json!({
            "ok": problems.is_empty(),
            "checkpoint": prefix.map(|prefix| prefix.to_string_lossy().into_owned()),
            "tensors": tensors,
            "files": files,
            "bytes": bytes,
            "problems": problems.iter().map(problem).collect::<Vec<Value>>(),
        });
        crate::json::write(&result, screen)?;
    } else {
        // Which checkpoint of a directory this is about.
        if let Some(prefix) = prefix.filter(|_| args.path.is_dir()) {
            writeln!(screen, "checkpoint {}", text(&prefix))?;
        }
        for problem in &problems {
            let bad = screen.paint(term::BAD, "bad ");
            writeln!(screen, "{bad} {problem}")?;
        }
        let (tensors, files, bytes) = counts.unwrap_or_default();
        let checked = format!("{} in {}, {}", term::plural(tensors, "tensor"), term::plural(files, "file"), term::bytes(bytes));
        match problems.len() as u64 {
            0 => {
                let good = screen.paint(term::GOOD, "good");
                writeln!(screen, "{good} {checked}: all checksums are correct")?;
            }
            count => writeln!(screen, "{} in {checked}", screen.paint(term::BAD, &term::plural(count, "problem")))?,
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Reported)
    }
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
