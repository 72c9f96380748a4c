//! The files of `src` do not use each other in circles, and modules use only those below them (docs/architecture.md).
//!
//! Read are all paths in code, `use` or not, without tests. What a `mod.rs` takes from its own folder is not counted: a module names its children, and they see what it has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// From the top down. Modules of one row do not use each other.
const LAYERS: &[&[&str]] = &[
    &["manager"],
    &["checkpoint"],
    &["graph", "directory"],
    &["reader"],
    &["bundle", "v1"],
    &["table"],
    &["format", "storage"],
    &["tensor"],
    &["allocate"],
    &["error", "sort"],
];

/// A module of the crate: `["bundle", "writer"]`.
type Module = Vec<String>;

#[derive(Default)]
struct Source {
    /// What each name that is imported stands for.
    imports: BTreeMap<String, Vec<String>>,
    /// Every path in it.
    paths: Vec<Vec<String>>,
}

type Sources = BTreeMap<Module, Source>;

#[test]
fn no_two_files_use_each_other_in_a_circle() {
    let mut uses = uses();
    loop {
        let used: BTreeSet<Module> = uses.values().flatten().cloned().collect();
        let is_outside = |module: &Module, of: &BTreeSet<Module>| of.is_empty() || !used.contains(module);
        let outside: BTreeSet<Module> = uses.iter().filter(|(m, of)| is_outside(m, of)).map(|(m, _)| m.clone()).collect();
        if outside.is_empty() {
            break;
        }
        uses.retain(|module, _| !outside.contains(module));
        uses.values_mut().for_each(|of| of.retain(|module| !outside.contains(module)));
    }
    let circles: Vec<String> =
        uses.iter().flat_map(|(m, of)| of.iter().map(|n| format!("{} -> {}", m.join("/"), n.join("/")))).collect();
    assert!(circles.is_empty(), "these files are in circles, or between some:\n{}", circles.join("\n"));
}

#[test]
fn modules_use_only_those_below() {
    let row = |module: &Module| LAYERS.iter().position(|row| row.contains(&module[0].as_str()));
    for (module, used) in uses().iter().filter(|(module, _)| !module.is_empty()) {
        let from = row(module).unwrap_or_else(|| panic!("{module:?} has no layer"));
        for used in used.iter().filter(|used| used.first() != module.first()) {
            assert!(row(used).is_some_and(|to| to > from), "{} uses {}", module.join("/"), used.join("/"));
        }
    }
}

/// The modules whose files each module's file uses.
fn uses() -> BTreeMap<Module, BTreeSet<Module>> {
    let mut sources = Sources::new();
    read_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut Vec::new(), &mut sources);
    assert!(sources.len() > 50, "{} files of source", sources.len());
    let used = |module: &Module, source: &Source| -> BTreeSet<Module> {
        let all = source.paths.iter().filter_map(|path| resolve(&sources, module, path, 0));
        all.filter(|used| !used.is_empty() && !used.starts_with(module)).collect()
    };
    sources.iter().map(|(module, source)| (module.clone(), used(module, source))).collect()
}

/// The module in which a path of `module` ends, followed through what others export; none of what is not the crate's.
fn resolve(sources: &Sources, module: &Module, path: &[String], depth: usize) -> Option<Module> {
    let child =
        |of: &[String], name: &String| Some([of, std::slice::from_ref(name)].concat()).filter(|m| sources.contains_key(m));
    let import = |of: &Module, name: &String| sources[of].imports.get(name).filter(|_| depth < 8);
    let (first, mut rest) = path.split_first()?;
    let mut at = match first.as_str() {
        "crate" => Vec::new(),
        "self" => module.clone(),
        "super" => module.split_last()?.1.to_vec(),
        _ => match (child(module, first), import(module, first)) {
            (Some(child), _) => child,
            (None, Some(import)) if import[..] != *path => return resolve(sources, module, &[import, rest].concat(), depth + 1),
            _ => return None,
        },
    };
    while let Some((name, further)) = rest.split_first() {
        match (name.as_str(), child(&at, name), import(&at, name)) {
            ("super", ..) => drop(at.pop()),
            (_, Some(child), _) => at = child,
            (_, None, Some(import)) => return resolve(sources, &at, &[import, further].concat(), depth + 1).or(Some(at)),
            _ => return Some(at),
        }
        rest = further;
    }
    Some(at)
}

fn read_folder(folder: &Path, module: &mut Module, sources: &mut Sources) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_elsewhere = ["ffi", "bin", "laboratory"].contains(&name) || name.ends_with("_tests");
        if is_elsewhere {
            continue;
        }
        module.push(name.to_owned());
        if path.is_dir() {
            read_folder(&path, module, sources);
        } else {
            let own: &[String] = if ["mod", "lib"].contains(&name) { &module[..module.len() - 1] } else { module };
            sources.insert(own.to_vec(), read(&fs::read_to_string(&path).unwrap()));
        }
        module.pop();
    }
}

/// Takes the paths from a file that rustfmt has laid out.
fn read(text: &str) -> Source {
    let mut source = Source::default();
    let mut lines = text.lines();
    let mut code = String::new();
    while let Some(line) = lines.next() {
        let indent = &line[..line.len() - line.trim_start().len()];
        if line.trim_start().starts_with("#[cfg(test)]") {
            let own = |line: &str| line.strip_prefix(indent).filter(|rest| !rest.starts_with(' ')).map(str::to_owned);
            let is_last = |line: &str| own(line).is_some_and(|rest| rest.ends_with([';', ',']) || rest == "}");
            let _ = lines.find(|line| is_last(line));
            continue;
        }
        code.push_str(line.split("//").next().unwrap_or_default());
        code.push('\n');
    }
    for statement in code.split(';').map(|statement| statement.rsplit("\n\n").next().unwrap_or_default()) {
        let Some((before, tree)) = statement.split_once("use ") else { continue };
        if before.trim().is_empty() || before.trim_start().starts_with("pub") {
            source.import(&[], &tree.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = code.split(|c| !is_path(c)).filter(|word| word.contains("::"));
    source.paths.extend(words.map(|word| word.trim_matches(':').split("::").map(str::to_owned).collect()));
    source
}

impl Source {
    /// Adds what the tree of a `use` imports.
    fn import(&mut self, before: &[String], tree: &str) {
        let tree = tree.trim();
        if let Some((path, branches)) = tree.split_once('{') {
            let path: Vec<String> = path.split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect();
            let mut depth = 0;
            let inner = branches.trim_end_matches(' ').strip_suffix('}').unwrap_or(branches);
            let split = inner.split(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                c == ',' && depth == 0
            });
            split.for_each(|branch| self.import(&[before, &path].concat(), branch));
        } else if !tree.is_empty() {
            let (path, name) = tree.split_once(" as ").unwrap_or((tree, tree.rsplit("::").next().unwrap_or_default()));
            let own = path.split("::").map(str::to_owned).filter(|segment| segment != "self");
            let whole: Vec<String> = before.iter().cloned().chain(own).collect();
            let name = if name == "self" { whole.last().cloned().unwrap_or_default() } else { name.to_owned() };
            self.imports.insert(name, whole.clone());
            self.paths.push(whole);
        }
    }
}
