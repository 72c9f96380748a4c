//! The files of `src` do not use each other in circles, modules use only those below them
//! (docs/architecture.md), and only `storage` asks the operating system for files.
//!
//! Read are all paths in code, those of `use` and others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From the top down. Modules of one row do not use each other.
const LAYERS: &[&[&str]] = &[
    &["manager", "track"],
    &["checkpoint"],
    &["graph", "directory"],
    &["reader"],
    &["bundle", "v1"],
    &["table"],
    &["foreign"],
    &["background"],
    &["format", "storage"],
    &["tensor"],
    &["sort"],
    &["allocate"],
    &["error", "log", "os_bytes"],
];

/// A module of the crate: `["bundle", "writer"]`.
type Module = Vec<String>;

/// What each name that a module's file imports stands for.
type Imports = BTreeMap<String, Vec<String>>;

#[test]
fn no_two_files_use_each_other_in_a_circle() {
    let mut uses = uses();
    // Who uses nobody, or is used by nobody, is in no circle.
    while let Some(outside) = uses.keys().find(|&m| uses[m].is_empty() || !uses.values().any(|used| used.contains(m))).cloned() {
        uses.remove(&outside);
        uses.values_mut().for_each(|used| used.retain(|module| *module != outside));
    }
    assert!(uses.is_empty(), "these files are in circles, or between some: {uses:#?}");
}

#[test]
fn modules_use_only_those_below() {
    let row = |module: &Module| LAYERS.iter().position(|row| row.contains(&module[0].as_str()));
    for (module, used) in uses().iter().filter(|(module, _)| !module.is_empty()) {
        let from = row(module).unwrap_or_else(|| panic!("{module:?} has no layer"));
        for used in used.iter().filter(|used| used[0] != module[0]) {
            assert!(row(used).is_some_and(|to| to > from), "{} uses {}", module.join("/"), used.join("/"));
        }
    }
}

/// What only `storage` uses; names as bytes are in `os_bytes`.
const SYSTEM: [&str; 5] = ["std::fs", "std::os", "rustix", "libc", "memmap2"];

/// Methods of paths that ask the operating system.
const ASKING: [&str; 6] = [".canonicalize(", ".metadata(", ".symlink_metadata(", ".read_dir(", ".is_dir(", ".read_link("];

#[test]
fn only_storage_asks_the_operating_system_for_files() {
    let (mut found, mut of_storage) = (Vec::new(), 0);
    let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    read_sources(source, &mut |path, code| {
        let path = path.strip_prefix(source).unwrap();
        let words: Vec<&str> = code.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c)).collect();
        let is_system = |word: &str| SYSTEM.iter().any(|name| word == *name || word.starts_with(&format!("{name}::")));
        let uses = words.into_iter().filter(|word| is_system(word)).chain(ASKING.into_iter().filter(|call| code.contains(call)));
        if path.starts_with("storage") || path == Path::new("os_bytes.rs") {
            of_storage += uses.count();
        } else {
            found.extend(uses.map(|word| format!("{}: {word}", path.display())));
        }
    });
    assert!(found.is_empty(), "{found:#?}");
    assert!(of_storage > 20, "{of_storage} uses in storage");
}

/// The modules whose files each module's file uses. A `mod.rs` names its children, which see what
/// it has: that is not counted.
fn uses() -> BTreeMap<Module, BTreeSet<Module>> {
    let mut files = BTreeMap::new();
    read_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &[], &mut files);
    assert!(files.len() > 50, "{} files", files.len());
    let used = |module: &Module, imports: &Imports| -> BTreeSet<Module> {
        let all = imports.values().filter_map(|path| resolve(&files, module, path));
        all.filter(|used| !used.is_empty() && !used.starts_with(module)).collect()
    };
    files.iter().map(|(module, imports)| (module.clone(), used(module, imports))).collect()
}

/// The module in which a path of `module` ends, followed through what others export; none of what
/// is not the crate's.
fn resolve(files: &BTreeMap<Module, Imports>, module: &Module, path: &[String]) -> Option<Module> {
    let child = |of: &Module, name: &String| Some([of, std::slice::from_ref(name)].concat()).filter(|m| files.contains_key(m));
    let mut at = match path[0].as_str() {
        "crate" => Vec::new(),
        "super" => module.split_last()?.1.to_vec(),
        _ => child(module, &path[0])?,
    };
    for (number, name) in path.iter().enumerate().skip(1) {
        match (child(&at, name), files[&at].get(name)) {
            _ if name == "super" => drop(at.pop()),
            (Some(child), _) => at = child,
            (None, Some(import)) => return resolve(files, &at, &[import, &path[number + 1..]].concat()).or(Some(at)),
            (None, None) => break,
        }
    }
    Some(at)
}

/// Gives the code of every file that is not for tests.
fn read_sources(folder: &Path, each: &mut dyn FnMut(&Path, &str)) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name == "laboratory" || name.ends_with("_tests") {
            continue;
        } else if path.is_dir() {
            read_sources(&path, each);
        } else {
            each(&path, &code_of(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The code of a file, without comments and without its tests, which come last.
fn code_of(text: &str) -> String {
    let lines = text.lines().take_while(|line| *line != "mod tests {").map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

fn read_folder(folder: &Path, module: &[String], files: &mut BTreeMap<Module, Imports>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let own = [module, &[name.to_owned()]].concat();
        if ["bin", "ffi", "laboratory"].contains(&name) || name.ends_with("_tests") {
            continue;
        } else if path.is_dir() {
            read_folder(&path, &own, files);
        } else {
            let own = if ["lib", "mod"].contains(&name) { module.to_vec() } else { own };
            files.insert(own, imports(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// What a file of code that rustfmt has laid out imports, and, under their own text, the paths in
/// it; without its tests.
fn imports(text: &str) -> Imports {
    let code = code_of(text);
    let segments = |path: &str| path.split("::").filter(|name| *name != "self").map(str::to_owned).collect::<Vec<_>>();
    let words = code.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c));
    let paths = words.map(|word| word.trim_end_matches(':')).filter(|w| w.starts_with("crate::") || w.starts_with("super::"));
    let mut imports: Imports = paths.map(|path| (path.to_owned(), segments(path))).collect();
    for (at, _) in code.match_indices("use ") {
        let before = code[..at].rsplit('\n').next().unwrap().trim_start();
        if !before.is_empty() && !before.starts_with("pub") {
            continue;
        }
        let tree = code[at + "use ".len()..].split(';').next().unwrap();
        let (path, names) = tree.split_once("::{").or(tree.rsplit_once("::")).unwrap_or((tree, "self"));
        for name in names.trim_end_matches('}').split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let (name, alias) = name.split_once(" as ").unwrap_or((name, name));
            let path = segments(&format!("{path}::{name}"));
            imports.insert(if alias == "self" { path[path.len() - 1].clone() } else { alias.to_owned() }, path);
        }
    }
    imports
}
