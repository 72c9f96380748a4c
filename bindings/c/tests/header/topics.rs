//! The header by topic: an index after the conventions, and a banner where a topic begins. Topics
//! are the comments between the modules of `src/lib.rs`, in whose order cbindgen writes the
//! functions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A column that no line of the header's comments passes.
const WIDTH: usize = 100;

struct Topic {
    title: String,
    /// In the order of the sources.
    functions: Vec<String>,
}

/// The topics, with the functions of their modules.
fn topics(package: &Path) -> Vec<Topic> {
    let list = std::fs::read_to_string(package.join("src/lib.rs")).expect("the sources are there");
    let mut topics: Vec<Topic> = Vec::new();
    for line in list.lines() {
        if let Some(title) = line.strip_prefix("// Topic: ") {
            topics.push(Topic { title: title.to_owned(), functions: Vec::new() });
        }
        let Some(module) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) else { continue };
        let source = std::fs::read_to_string(package.join(format!("src/{module}.rs"))).expect("a module has a file");
        let exported = source.split("pub extern \"C\" fn ").skip(1).filter_map(|text| text.split('(').next());
        topics.last_mut().expect("the first module has a topic").functions.extend(exported.map(str::to_owned));
    }
    topics.retain(|topic| !topic.functions.is_empty());
    topics
}

/// The functions of a topic as a reader looks for them: those of a handle by its name and a star,
/// if no other topic has any; others by their names.
fn entries(topic: &Topic, topics: &[Topic], handles: &BTreeSet<String>) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for function in &topic.functions {
        let of = handles.iter().filter(|handle| function.starts_with(&format!("{handle}_"))).max_by_key(|handle| handle.len());
        let whole = of.filter(|handle| {
            let elsewhere = topics.iter().filter(|other| other.title != topic.title).flat_map(|other| &other.functions);
            !elsewhere.into_iter().any(|f| f.starts_with(&format!("{handle}_")))
        });
        let entry = whole.map_or_else(|| function.clone(), |handle| format!("{handle}_*"));
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    entries
}

/// Words as lines of a comment, the first after a title, the others indented.
fn lines(title: &str, words: &[String]) -> String {
    let mut text = String::new();
    let mut line = format!("//  * {title}:");
    for (at, word) in words.iter().enumerate() {
        let word = if at + 1 < words.len() { format!("{word},") } else { word.clone() };
        if line.len() + 1 + word.len() > WIDTH {
            text += &(line + "\n");
            line = "//   ".to_owned();
        }
        line = format!("{line} {word}");
    }
    text + &line + "\n"
}

/// Where the comment above a line begins.
fn comment_of(lines: &[&str], declaration: usize) -> usize {
    lines[..declaration].iter().rposition(|line| line.is_empty()).map_or(declaration, |empty| empty + 1)
}

/// Puts index and banners into what cbindgen made.
pub fn arranged(header: &str, package: &Path) -> String {
    let topics = topics(package);
    let handles: BTreeSet<String> = header
        .lines()
        .filter_map(|line| line.strip_prefix("typedef struct ")?.strip_suffix(';')?.split(' ').next())
        .map(str::to_owned)
        .collect();
    let index: String = topics.iter().map(|topic| lines(&topic.title, &entries(topic, &topics, &handles))).collect();

    // The first declaration of each topic; its comment begins after the last empty line before it.
    let all: Vec<&str> = header.lines().collect();
    let mut banners: BTreeMap<usize, &str> = BTreeMap::new();
    for topic in &topics {
        let declares = |line: &&str| !line.starts_with("//") && topic.functions.iter().any(|f| line.contains(&format!("{f}(")));
        let first = all.iter().position(declares).expect("what is exported is declared");
        banners.insert(comment_of(&all, first), &topic.title);
    }
    for (title, begins) in [("Types", "typedef struct "), ("Constants", "#define CKPT_CODE_")] {
        let first = all.iter().position(|line| line.starts_with(begins)).expect("the header has types and constants");
        banners.insert(comment_of(&all, first), title);
    }
    assert_eq!(banners.len(), topics.len() + 2, "two topics begin at one place");

    let mut text = String::new();
    for (at, line) in all.iter().enumerate() {
        if line.starts_with("#ifndef CHECKPOINT_H") {
            text += &format!("//\n// Index\n//\n{index}\n");
        }
        if let Some(title) = banners.get(&at) {
            let rule = "=".repeat(WIDTH - "// == ".len() - title.chars().count() - 1);
            text += &format!("// == {title} {rule}\n\n");
        }
        text += &format!("{line}\n");
    }
    text
}
