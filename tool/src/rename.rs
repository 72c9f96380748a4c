//! `ckpt rename`: renames objects, or tensors of a name-based checkpoint.

use std::borrow::Cow;
use std::io::Write;
use std::path::{Path, PathBuf};

use checkpoint::{ObjectGraph, Tensor, Writer};

use crate::destination;
use crate::failure::{Failure, Outcome};
use crate::locking;
use crate::opening;
use crate::rewrite::{self, Rekeying, GRAPH};
use crate::term::{self, printable, Screen};

/// Write a checkpoint in which objects have other names, as if they had been saved under them.
///
/// OLD and NEW are paths of names from the root of the object graph, as shown by `ckpt graph`:
/// net/l1 is the child l1 of the root's child net. The object at OLD moves to NEW with everything
/// below it. The object graph, the keys of all tensors, slot variables and objects with several
/// names are adapted. Missing objects on the way to NEW are created.
///
/// In a name-based checkpoint (TensorFlow 1), OLD and NEW are keys, or the part of keys before a
/// slash.
#[derive(clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The checkpoint: a prefix, an .index file, a directory, …
    source: PathBuf,
    /// Prefix of the new checkpoint
    destination: PathBuf,
    /// The renames. All apply at once, so that names can be swapped
    #[arg(value_name = "OLD=NEW", required = true, value_parser = Rename::parse)]
    renames: Vec<Rename>,
    #[command(flatten)]
    locking: locking::Args,
}

const NOTES: &str =
    "All OLD paths refer to SOURCE, all NEW paths to DESTINATION. As in keys, a dot within a name is written .. and a slash .S; \
an equals sign is written \\= and a backslash \\\\.

Examples:
  ckpt rename run/ckpt-7 new/ckpt-7 net=model
  ckpt rename run/ckpt-7 new/ckpt-7 net/l1=encoder/first net/l2=encoder/second
  ckpt rename run/ckpt-7 new/ckpt-7 student=teacher teacher=student
  ckpt rename tf1/model.ckpt new/model.ckpt dense/kernel=l1/w global_step=step";

/// One OLD=NEW.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rename {
    old: String,
    new: String,
}

impl Rename {
    fn parse(text: &str) -> Result<Rename, String> {
        let mut sides = vec![String::new()];
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match (c, sides.last_mut()) {
                ('=', _) => sides.push(String::new()),
                ('\\', Some(side)) => match chars.next() {
                    Some(c @ ('=' | '\\')) => side.push(c),
                    _ => return Err("\\ may only precede = or \\".to_owned()),
                },
                (c, Some(side)) => side.push(c),
                (_, None) => {}
            }
        }
        match <[String; 2]>::try_from(sides) {
            Ok([old, new]) if !old.is_empty() && !new.is_empty() => Ok(Rename { old, new }),
            Ok(_) => Err("expected a name on both sides of =".to_owned()),
            Err(sides) if sides.len() < 2 => Err("expected OLD=NEW".to_owned()),
            Err(_) => Err("more than one =; write \\= for one in a name".to_owned()),
        }
    }
}

/// A tensor and its new key.
struct Renamed<'a> {
    tensor: Tensor<'a>,
    key: Cow<'a, [u8]>,
}

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    destination::check(&args.destination)?;
    let reader = opening::open(&args.source)?;
    destination::check_other(&args.destination, &reader)?;
    let mut tensors: Vec<Tensor<'_>> = reader.tensors().collect();
    rewrite::in_file_order(&mut tensors);
    let graph = reader.object_graph()?;
    let renamed = match &graph {
        Some(graph) => by_paths(graph, tensors, &args.renames).map(|(graph, tensors)| (Some(graph), tensors)),
        None => by_names(tensors, &args.renames).map(|tensors| (None, tensors)),
    };
    let (graph, tensors) = renamed.map_err(|failure| match failure {
        Failure::Problem(what) => Failure::Problem(format!("{}: {what}", shown(reader.prefix()))),
        other => other,
    })?;
    rewrite::check_keys(tensors.iter().map(|renamed| &*renamed.key))?;

    let mut writer = Writer::new(&args.destination, &destination::options(None, &args.locking))?;
    for renamed in &tensors {
        rewrite::add(&mut writer, &reader, renamed.tensor, &renamed.key, None)?;
    }
    if let Some(graph) = &graph {
        writer.add_strings(GRAPH, &[], &[graph.encode()?])?;
    }
    let written = destination::finish(writer)?;

    let changed = tensors.iter().filter(|renamed| *renamed.key != *renamed.tensor.key()).count();
    let good = screen.paint(term::GOOD, "renamed");
    let (of, files) = (term::plural(tensors.len() as u64, "tensor"), term::plural(written.shards.into(), "data file"));
    writeln!(screen, "{good} {changed} of {of}, {} in {files}", term::bytes(written.bytes))?;
    Ok(())
}

fn shown(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}

/// Returns the new graph, and all tensors except the one that stores the graph.
fn by_paths<'a>(graph: &ObjectGraph, tensors: Vec<Tensor<'a>>, renames: &[Rename]) -> Outcome<(ObjectGraph, Vec<Renamed<'a>>)> {
    let renames: Vec<(&str, &str)> = renames.iter().map(|rename| (rename.old.as_str(), rename.new.as_str())).collect();
    let rekeyed = Rekeying::of(&graph.renamed(&renames)?)?;
    let tensors = tensors.into_iter().filter(|tensor| tensor.key() != GRAPH).collect();
    let tensors = rekeyed.tensors(graph, tensors).into_iter().map(|(tensor, key)| Renamed { tensor, key }).collect();
    Ok((rekeyed.graph, tensors))
}

/// Returns all tensors of a checkpoint without object graph. If a key begins with several OLD
/// names, the longest applies.
fn by_names<'a>(tensors: Vec<Tensor<'a>>, renames: &[Rename]) -> Outcome<Vec<Renamed<'a>>> {
    let mut used = vec![false; renames.len()];
    let mut renamed = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let rests =
            renames.iter().enumerate().filter_map(|(i, rename)| Some((rename.old.len(), i, rest(tensor.key(), &rename.old)?)));
        let key = match rests.max_by_key(|&(length, i, _)| (length, std::cmp::Reverse(i))) {
            Some((_, i, rest)) => {
                used[i] = true;
                Cow::Owned([renames[i].new.as_bytes(), rest].concat())
            }
            None => Cow::Borrowed(tensor.key()),
        };
        renamed.push(Renamed { tensor, key });
    }
    match used.iter().position(|used| !used) {
        Some(unused) => {
            let old = printable(renames[unused].old.as_bytes());
            let again = renames[..unused].iter().any(|rename| rename.old == renames[unused].old);
            Err(Failure::Problem(if again {
                format!("\"{old}\" is renamed twice")
            } else {
                format!("this name-based checkpoint has no tensor \"{old}\", and none below it")
            }))
        }
        None => Ok(renamed),
    }
}

/// Returns the part of a key after `old`, if the key is `old` or continues with a slash.
fn rest<'k>(key: &'k [u8], old: &str) -> Option<&'k [u8]> {
    let rest = key.strip_prefix(old.as_bytes())?;
    (rest.is_empty() || rest[0] == b'/' || old.ends_with('/')).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_are_two_names_and_escapes() {
        let rename = |old: &str, new: &str| Ok(Rename { old: old.to_owned(), new: new.to_owned() });
        assert_eq!(Rename::parse("a/b=c"), rename("a/b", "c"));
        assert_eq!(Rename::parse(r"a\=b=c\\"), rename("a=b", r"c\"));
        for wrong in ["a", "a=", "=a", "a=b=c", r"a\b=c", r"a=b\", ""] {
            assert!(Rename::parse(wrong).is_err(), "{wrong}");
        }
    }
}
