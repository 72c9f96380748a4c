//! What follows from no rule: the tables of `exceptions.json`.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize)]
pub struct Exceptions {
    /// Numbers, types and constants in C++, Go (numbers: C) and C#. `size_t` is 64 bits wherever
    /// the library is.
    pub names: HashMap<String, [String; 3]>,
    /// What Go's constants of a type begin with, if not with the name of the type.
    pub go_prefixes: HashMap<String, String>,
    /// What Go and C# call an option: `!` in front says the contrary, `?` behind that it can be
    /// left out (nil, null), `~` that it is a time, `=` what it is by default.
    pub options: HashMap<String, [String; 2]>,
    /// What a call gives and C# copies and frees at once needs no handle.
    pub csharp_copied: Vec<String>,
    /// Places for arrays, where a place for one value looks the same.
    pub csharp_arrays: Vec<String>,
}

pub static EXCEPTIONS: LazyLock<Exceptions> = LazyLock::new(|| {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/exceptions.json");
    serde_json::from_str(&std::fs::read_to_string(file).expect("it is there")).expect("it has these tables")
});
