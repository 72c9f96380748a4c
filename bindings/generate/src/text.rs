//! Names, types and comments in the languages' ways.

use crate::abi::{short, Abi, Named};

/// Where comments end.
const WIDTH: usize = 100;

/// Numbers in Rust, C++, C and C#. `size_t` is 64 bits wherever the library is.
const NUMBERS: [[&str; 4]; 7] = [
    ["bool", "bool", "bool", "bool"],
    ["f64", "double", "double", "double"],
    ["i32", "std::int32_t", "int32_t", "int"],
    ["u32", "std::uint32_t", "uint32_t", "uint"],
    ["i64", "std::int64_t", "int64_t", "long"],
    ["u64", "std::uint64_t", "uint64_t", "ulong"],
    ["usize", "std::size_t", "size_t", "long"],
];

/// How a language calls what comments speak of.
pub struct Language {
    /// Its place among the numbers.
    pub column: usize,
    pub class: fn(&str) -> String,
    pub method: fn(&str) -> String,
    /// Between a class and a method.
    pub joint: &'static str,
    pub constant: fn(&Named, &str) -> String,
}

/// `row_state` is `RowState`.
pub fn pascal(snake: &str) -> String {
    snake.split('_').map(|word| word[..1.min(word.len())].to_uppercase() + word.get(1..).unwrap_or_default()).collect()
}

/// A constant in Pascal's case, without the name of its type.
pub fn member(of: &Named, constant: &str) -> String {
    let word = |word: &str| match word.as_bytes() {
        [b'E', b'0'..=b'9', ..] | b"IO" => word.to_owned(), // FLOAT8_E4M3FN
        _ => pascal(&word.to_lowercase()).replace("Dtype", "DType"),
    };
    match &constant[of.name.len() + 1..] {
        "FLOAT" => "Float32".to_owned(),
        "DOUBLE" => "Float64".to_owned(),
        "HALF" => "Float16".to_owned(),
        own => own.split('_').map(word).collect(),
    }
}

impl Language {
    pub fn number(&self, rust: &str) -> Option<String> {
        NUMBERS.iter().find(|number| number[0] == rust).map(|number| number[self.column].to_owned())
    }

    /// A comment of the C ABI in the language's names. What is about C alone is left out.
    pub fn adapted(&self, abi: &Abi, doc: &str) -> String {
        let about_c = [" NUL-terminated static text.", " Not thread-safe while being changed."];
        let mut doc = about_c.iter().fold(doc.to_owned(), |doc, about| doc.replace(about, ""));
        // `…: one of the CKPT_X_ constants` says what the type says.
        while let Some((begin, end)) = doc.match_indices("one of the ").find_map(|(at, _)| {
            let end = doc[at..].find(['.', ';']).map_or(doc.len(), |length| at + length);
            doc[at..end].contains("`CKPT_").then(|| (doc[..at].rfind([':', ';', ',']).unwrap_or(at), end))
        }) {
            doc.replace_range(begin..end, "");
        }
        let word =
            |(at, part): (usize, &str)| if at % 2 == 1 { format!("`{}`", self.renamed(abi, part)) } else { part.to_owned() };
        doc.split('`').enumerate().map(word).collect()
    }

    fn renamed(&self, abi: &Abi, word: &str) -> String {
        if let Some(of) = abi.enums.iter().find(|e| e.constants.iter().any(|c| c.name == word)) {
            return (self.class)(short(&of.name)) + self.joint + &(self.constant)(of, word);
        }
        assert!(!word.starts_with("CKPT_"), "{word}: no such constant");
        let Some(name) = word.strip_prefix("ckpt_") else { return word.to_owned() };
        let of = |class: &&str| name.strip_prefix(class).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
        let class = abi.handles.iter().map(|handle| short(&handle.name)).filter(of).max_by_key(|class| class.len());
        match class.map(|class| (class, name[class.len()..].trim_start_matches('_'))) {
            Some((class, "" | "new" | "open")) => (self.class)(class),
            Some((class, method)) => {
                let method = method.trim_start_matches("set_").trim_start_matches("add_");
                (self.class)(class) + self.joint + &(self.method)(method)
            }
            None => (self.method)(name),
        }
    }
}

/// A comment, each of whose lines begins with `prefix`.
pub fn comment(text: &str, prefix: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for (at, paragraph) in text.split('\n').enumerate() {
        lines.extend((at > 0 && !paragraph.starts_with("* ")).then(|| prefix.to_owned()));
        let mut line = prefix.to_owned();
        for word in paragraph.split(' ') {
            if line.len() > prefix.len() && line.replace('\t', "    ").chars().count() + word.chars().count() > WIDTH {
                lines.push(std::mem::replace(&mut line, prefix.to_owned()));
            }
            line += &format!("{word} ");
        }
        lines.push(line);
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}
