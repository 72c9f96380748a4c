//! What the languages call things, where no rule says it: the tables of `spellings.json`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize)]
pub struct Spellings {
    /// Types and constants in C++, Go and C#.
    pub names: HashMap<String, [String; 3]>,
    /// What Go's constants of a type begin with, if not with the name of the type.
    pub go_prefixes: HashMap<String, String>,
    /// Values of options in C++, Go and C#: the type, when a value is set (empty: always), and what
    /// the C ABI gets.
    pub values: HashMap<String, [[String; 3]; 3]>,
    /// What Go and C# call an option, and its default in C#. `!` in front says the contrary, `?`
    /// behind that it can be left out (nil, null), `~` that it is a time: in hours if its
    /// parameter is called so.
    pub options: HashMap<String, [String; 3]>,
    /// `size_t` is 64 bits wherever the library is.
    pub csharp_numbers: HashMap<String, String>,
    /// What a call gives and C# copies and frees at once needs no handle.
    pub csharp_copied: HashSet<String>,
    /// Places for arrays, where a place for one value looks the same.
    pub csharp_arrays: HashSet<String>,
}

pub static SPELLINGS: LazyLock<Spellings> = LazyLock::new(|| {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/spellings.json");
    serde_json::from_str(&std::fs::read_to_string(file).expect("it is there")).expect("it has these tables")
});
