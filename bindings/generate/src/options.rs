//! The options that are set by plain values: numbers, constants and names. Callbacks, other
//! options, paths and arrays are for hands.

use crate::abi::{short, Abi, Function, Parameter};
use crate::spellings::SPELLINGS;
use crate::text::{pascal, Language};

/// The name of an option without marks.
pub fn name(marked: &str) -> &str {
    marked.trim_matches(['!', '?', '~'])
}

pub struct Setter<'a> {
    pub function: &'a Function,
    pub name: &'a str,
    /// May be called again and again.
    pub adds: bool,
    /// What is set: without the options, the lengths of texts and the error.
    pub values: Vec<&'a Parameter>,
    /// As in [`SPELLINGS`].
    pub go: String,
    pub csharp: String,
    pub default: String,
}

impl Setter<'_> {
    /// The values in a language: their types, when they are set, and what the C ABI gets, which is
    /// made of `first`, then of what has a name of its own, or of parts of what is added.
    pub fn spelled(&self, abi: &Abi, language: &Language, is_time: bool, [first, other]: [&str; 2]) -> Vec<[String; 3]> {
        let spelled = |(at, value): (usize, &&Parameter)| {
            let given = match (self.adds, at) {
                (true, _) if self.values.len() > 1 => format!("each.{}", pascal(&value.name)),
                (true, _) => "each".to_owned(),
                (false, 0) => first.to_owned(),
                (false, _) => other.to_owned() + &pascal(&value.name),
            };
            language.value(abi, value, is_time, &given)
        };
        self.values.iter().enumerate().map(spelled).collect()
    }
}

pub struct Options<'a> {
    /// Without prefix.
    pub name: &'a str,
    pub setters: Vec<Setter<'a>>,
}

/// All options, in the order of the header.
pub fn all(abi: &Abi) -> impl Iterator<Item = Options<'_>> {
    abi.handles.iter().filter(|handle| handle.name.ends_with("_options")).map(|handle| {
        let setters = abi.functions.iter().filter_map(|f| setter(f, &handle.name)).collect();
        Options { name: short(&handle.name), setters }
    })
}

fn setter<'a>(function: &'a Function, options: &str) -> Option<Setter<'a>> {
    let (verb, name) = function.name.strip_prefix(options)?.strip_prefix('_')?.split_once('_')?;
    let values: Vec<&Parameter> = function.parameters.iter().skip(1).filter(|p| !matches!(p.role, "length" | "error")).collect();
    let listed = SPELLINGS.options.get(&format!("{}.{name}", short(options))).cloned();
    let [go, csharp, default] = listed.unwrap_or_else(|| [pascal(name), pascal(name), String::new()]);
    let is_plain = matches!(verb, "set" | "add") && values.iter().all(|p| matches!(p.role, "value" | "text"));
    is_plain.then_some(Setter { function, name, adds: verb == "add", values, go, csharp, default })
}
