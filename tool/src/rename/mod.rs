//! `ckpt rename`: renames objects, or tensors of a name-based checkpoint.

mod pattern;

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use checkpoint::{ObjectGraph, Tensor};

use self::pattern::Pattern;
use crate::failure::{Failure, Outcome};
use crate::locking;
use crate::names;
use crate::rewrite::{self, Keyed, Rekeying, Rewritten};
use crate::term::{self, printable, Screen};

/// Write a checkpoint in which objects have other names, as if they had been saved under them.
///
/// OLD and NEW are paths of names from the root of the object graph, as shown by `ckpt graph`:
/// net/l1 is the child l1 of the root's child net. The object at OLD moves to NEW with everything
/// below it. The object graph, the keys of all tensors, slot variables and objects with several
/// names are adapted. Missing objects on the way to NEW are created.
///
/// `=NEW` puts the whole graph below NEW, and `OLD=` makes the object at OLD the root; save_counter
/// stays at the root. `*` stands for any part of a name: layer_with_weights-*=layer-*.
///
/// In a name-based checkpoint (TensorFlow 1), OLD and NEW are keys, or the part of keys before a
/// slash. `=student/` adds a prefix to all keys, `bert/=` removes one, and one `*` stands for any
/// part of a key, slashes too: */ExponentialMovingAverage=*.
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
    /// Let a renamed tensor of a name-based checkpoint take the place of one that has its new key
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    locking: locking::Args,
}

const NOTES: &str =
    "All OLD paths refer to SOURCE, all NEW paths to DESTINATION. As in keys, a dot within a name is written .. and a slash .S, \
unless the path could not be meant so: my.layer is what it says. An equals sign is written \\=, a backslash \\\\ and a star \\*.

Examples:
  ckpt rename run/ckpt-7 new/ckpt-7 net=model
  ckpt rename run/ckpt-7 new/ckpt-7 net/l1=encoder/first net/l2=encoder/second
  ckpt rename run/ckpt-7 new/ckpt-7 student=teacher teacher=student
  ckpt rename weights new/ckpt-1 =model
  ckpt rename tf1/model.ckpt new/model.ckpt dense/kernel=l1/w global_step=step
  ckpt rename tf1/model.ckpt new/model.ckpt '*/ExponentialMovingAverage=*' --overwrite";

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
                ('*', Some(side)) => side.push(pattern::STAR),
                ('\\', Some(side)) => match chars.next() {
                    Some(c @ ('=' | '\\' | '*')) => side.push(c),
                    _ => return Err("\\ may only precede =, * or \\".to_owned()),
                },
                (c, Some(side)) => side.push(c),
                (_, None) => {}
            }
        }
        match <[String; 2]>::try_from(sides) {
            Ok([old, new]) if [&old, &new].iter().all(|side| side.trim_matches('/').is_empty()) => {
                Err("expected a name on at least one side of =".to_owned())
            }
            Ok([old, new]) if [&old, &new].iter().any(|side| *side == "/") => {
                Err("a slash alone is no name; leave that side of = empty".to_owned())
            }
            Ok([old, new])
                if (old.is_empty() || new.is_empty()) && [&old, &new].iter().any(|side| side.contains(pattern::STAR)) =>
            {
                Err("a * needs one on the other side of =; write \\* for one in a name".to_owned())
            }
            Ok([old, new]) => Ok(Rename { old, new }),
            Err(sides) if sides.len() < 2 => Err("expected OLD=NEW".to_owned()),
            Err(_) => Err("more than one =; write \\= for one in a name".to_owned()),
        }
    }

    /// Returns whether the root is moved, or another object becomes the root.
    fn is_of_root(&self) -> bool {
        self.old.is_empty() || self.new.is_empty()
    }
}

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let reader = rewrite::open(&args.source, &args.destination)?;
    let tensors = rewrite::tensors(&reader);
    let before = tensors.len();
    let graph = reader.object_graph()?;
    let renamed = match &graph {
        Some(_) if args.overwrite => {
            return Err(Failure::Usage(
                "--overwrite is for checkpoints that are name-based; this one has an object graph".to_owned(),
            ));
        }
        Some(graph) => by_paths(graph, tensors, &args.renames),
        None => by_names(tensors, &args.renames, args.overwrite),
    };
    let renamed = renamed.map_err(|failure| match failure {
        Failure::Problem(what) => Failure::Problem(format!("{}: {what}", shown(reader.prefix()))),
        other => other,
    })?;
    rewrite::check_keys(renamed.tensors.iter().map(|keyed| &*keyed.key))?;
    let written = renamed.write(&reader, &args.destination, &args.locking)?;

    let tensors = &renamed.tensors;
    let changed = tensors.iter().filter(|keyed| is_changed(keyed)).count();
    let good = screen.paint(term::GOOD, "renamed");
    let (of, files) = (term::plural(tensors.len() as u64, "tensor"), term::plural(written.shards.into(), "data file"));
    let left_out = match before - tensors.len() {
        0 => String::new(),
        left_out => format!(", left out {left_out}"),
    };
    writeln!(screen, "{good} {changed} of {of}{left_out}, {} in {files}", term::bytes(written.bytes))?;
    Ok(())
}

fn shown(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}

fn is_changed(keyed: &Keyed<'_>) -> bool {
    *keyed.key != *keyed.tensor.key()
}

/// Returns the new graph, and the tensors of its values.
fn by_paths<'a>(graph: &ObjectGraph, tensors: Vec<Tensor<'a>>, renames: &[Rename]) -> Outcome<Rewritten<'a>> {
    let rekeyed = Rekeying::of(&moved(graph, renames)?)?;
    let tensors = rekeyed.tensors(graph, tensors);
    Ok(Rewritten { graph: Some(rekeyed.graph), tensors })
}

/// Returns the graph with its objects in their new places.
fn moved(graph: &ObjectGraph, renames: &[Rename]) -> Outcome<ObjectGraph> {
    match renames {
        [root] if root.old.is_empty() => return Ok(graph.wrapped(&names::path(&root.new))?),
        [root] if root.new.is_empty() => return Ok(graph.unwrapped(&names::path(&root.old))?),
        _ if renames.iter().any(Rename::is_of_root) => {
            return Err(Failure::Usage("=NEW and OLD= change the root, and stand alone".to_owned()));
        }
        _ => {}
    }
    let mut paths = Vec::with_capacity(renames.len());
    for rename in renames {
        match Pattern::new(&rename.old, &rename.new).map_err(Failure::Usage)? {
            None => paths.push((names::path(&rename.old), names::path(&rename.new))),
            Some(pattern) => {
                let found = pattern.in_graph(graph);
                if found.is_empty() {
                    let old = printable(pattern::shown(&rename.old).as_bytes());
                    return Err(Failure::Problem(format!("the checkpoint has no object that matches \"{old}\"")));
                }
                paths.extend(found);
            }
        }
    }
    if let Some((old, new)) = paths.iter().find(|(_, new)| new.split('/').any(str::is_empty)) {
        let (old, new) = (printable(old.as_bytes()), printable(new.as_bytes()));
        return Err(Failure::Problem(format!("\"{old}\" would become \"{new}\", which has an empty name")));
    }
    Ok(graph.renamed(&paths)?)
}

/// Returns all tensors of a checkpoint without object graph. If a key begins with several OLD
/// names, the longest applies.
fn by_names<'a>(tensors: Vec<Tensor<'a>>, renames: &[Rename], overwrite: bool) -> Outcome<Rewritten<'a>> {
    let mut patterns = Vec::with_capacity(renames.len());
    for rename in renames {
        patterns.push(
            Pattern::new(&rename.old, &rename.new).and_then(|p| p.map(Pattern::of_keys).transpose()).map_err(Failure::Usage)?,
        );
    }
    let new_key = |i: usize, key: &[u8]| {
        let Rename { old, new } = &renames[i];
        match &patterns[i] {
            Some(pattern) => pattern.new_key(key),
            None => moved_key(key, old, new),
        }
    };
    let mut used = vec![false; renames.len()];
    let mut renamed = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let keys = (0..renames.len()).filter_map(|i| Some((renames[i].old.len(), i, new_key(i, tensor.key())?)));
        let key = match keys.max_by_key(|&(length, i, _)| (length, std::cmp::Reverse(i))) {
            Some((_, i, key)) => {
                used[i] = true;
                Cow::Owned(key)
            }
            None => Cow::Borrowed(tensor.key()),
        };
        if key.is_empty() {
            let key = printable(tensor.key());
            return Err(Failure::Problem(format!("there is a tensor \"{key}\" itself, which would have an empty key")));
        }
        renamed.push(Keyed { tensor, key });
    }
    if let Some(unused) = used.iter().position(|used| !used) {
        let old = printable(pattern::shown(&renames[unused].old).as_bytes());
        let again = renames[..unused].iter().any(|rename| rename.old == renames[unused].old);
        return Err(Failure::Problem(match (again, &patterns[unused]) {
            (true, _) => format!("\"{old}\" is renamed twice"),
            (false, Some(_)) => format!("no tensor of this name-based checkpoint matches \"{old}\""),
            (false, None) => format!("this name-based checkpoint has no tensor \"{old}\", and none below it"),
        }));
    }
    let taken: HashSet<Vec<u8>> = renamed.iter().filter(|keyed| is_changed(keyed)).map(|keyed| keyed.key.to_vec()).collect();
    let gives_way = |keyed: &Keyed<'_>| !is_changed(keyed) && taken.contains(&*keyed.key);
    if overwrite {
        renamed.retain(|keyed| !gives_way(keyed));
    } else if let Some(there) = renamed.iter().find(|keyed| gives_way(keyed)) {
        let key = printable(&there.key);
        return Err(Failure::Problem(format!(
            "there is a tensor \"{key}\" already; --overwrite replaces it by the one that is renamed so"
        )));
    }
    Ok(Rewritten { graph: None, tensors: renamed })
}

/// Returns the new key of a tensor that is `old`, or below it; of one below it alone if `old` ends
/// with a slash. Without `old`, that is any; without `new`, what is left may be empty.
fn moved_key(key: &[u8], old: &str, new: &str) -> Option<Vec<u8>> {
    let (name, new) = (old.trim_end_matches('/'), new.trim_end_matches('/'));
    let rest = match old {
        "" => key,
        _ => match key.strip_prefix(name.as_bytes())? {
            [] if name == old => return Some(new.into()),
            [b'/', rest @ ..] if !rest.is_empty() => rest,
            _ => return None,
        },
    };
    Some(if new.is_empty() { rest.to_vec() } else { [new.as_bytes(), b"/", rest].concat() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_are_two_names_and_escapes() {
        let rename = |old: &str, new: &str| Ok(Rename { old: old.to_owned(), new: new.to_owned() });
        assert_eq!(Rename::parse("a/b=c"), rename("a/b", "c"));
        assert_eq!(Rename::parse(r"a\=b=c\\"), rename("a=b", r"c\"));
        assert_eq!(Rename::parse(r"a*=\*"), rename(&format!("a{}", pattern::STAR), "*"));
        assert_eq!(Rename::parse("a="), rename("a", ""));
        assert_eq!(Rename::parse("=a"), rename("", "a"));
        for (key, old, new, wanted) in [
            ("d/k", "d", "e", Some("e/k")),
            ("d", "d", "e", Some("e")),
            ("d", "d/", "e", None),
            ("d/k", "d/", "e", Some("e/k")),
            ("d/k", "d", "e/", Some("e/k")),
            ("d/k", "", "e", Some("e/d/k")),
            ("d/k", "d", "", Some("k")),
            ("d", "d", "", Some("")),
            ("d/", "d", "e", None),
            ("dk", "d", "e", None),
        ] {
            assert_eq!(moved_key(key.as_bytes(), old, new).as_deref(), wanted.map(str::as_bytes), "{key} {old}={new}");
        }
        for wrong in ["a", "=", "=/", "/=", "a=/", "=*", "*=", "a*=", "a=b=c", r"a\b=c", r"a=b\", ""] {
            assert!(Rename::parse(wrong).is_err(), "{wrong}");
        }
    }
}
