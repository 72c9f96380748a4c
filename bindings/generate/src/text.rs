//! Names and comments in the languages' ways.

use crate::abi::{Abi, Named};

/// Where comments end.
const WIDTH: usize = 100;

/// How a language calls what comments speak of.
pub struct Language {
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

/// `row_state` is `rowState`.
pub fn camel(snake: &str) -> String {
    let name = pascal(snake);
    name[..1].to_lowercase() + &name[1..]
}

/// A constant in Pascal's case, without the name of its type.
pub fn member(of: &Named, constant: &str) -> String {
    let word = |word: &str| match word.as_bytes() {
        [b'E', b'0'..=b'9', ..] => word.to_owned(), // of FLOAT8_E4M3FN
        _ => pascal(&word.to_lowercase()),
    };
    match &constant[of.name.len() + 1..] {
        "FLOAT" => "Float32".to_owned(),
        "DOUBLE" => "Float64".to_owned(),
        "HALF" => "Float16".to_owned(),
        "IO" => "IO".to_owned(),
        own => own.split('_').map(|part| word(part).replace("Dtype", "DType")).collect(),
    }
}

impl Language {
    /// A comment of the C ABI in the language's names. What is about C alone is left out.
    pub fn adapted(&self, abi: &Abi, doc: &str) -> String {
        let mut doc = doc.to_owned();
        // `…: one of the CKPT_X_ constants` says what the type says.
        while let Some((begin, end)) = doc.match_indices("one of the ").find_map(|(at, _)| {
            let end = doc[at..].find(['.', ';']).map_or(doc.len(), |length| at + length);
            doc[at..end].contains("`CKPT_").then(|| (doc[..at].rfind([':', ';', ',']).unwrap_or(at), end))
        }) {
            doc.replace_range(begin..end, "");
        }
        for about_c in [
            ", bytes that end with NUL",
            " Not thread-safe while being changed.",
            " For one thread at a time while it is changed.",
            " NUL-terminated static text.",
        ] {
            doc = doc.replace(about_c, "");
        }
        let word =
            |(at, part): (usize, &str)| if at % 2 == 1 { format!("`{}`", self.renamed(abi, part)) } else { part.to_owned() };
        doc.split('`').enumerate().map(word).collect()
    }

    fn renamed(&self, abi: &Abi, word: &str) -> String {
        if let Some(of) = abi.enums.iter().find(|e| e.constants.iter().any(|c| c.name == word)) {
            return format!("{}{}{}", (self.class)(&of.name[5..]), self.joint, (self.constant)(of, word))
                .trim_start_matches('.')
                .to_owned();
        }
        let Some(name) = word.strip_prefix("ckpt_") else {
            assert!(!word.starts_with("CKPT_"), "{word}: no such constant");
            return word.to_owned();
        };
        let classes = abi.handles.iter().map(|handle| &handle.name["ckpt_".len()..]);
        let of = |class: &&str| name.strip_prefix(class).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
        let Some(class) = classes.filter(of).max_by_key(|class| class.len()) else { return (self.method)(name) };
        match name[class.len()..].trim_start_matches('_') {
            "" | "new" | "open" => (self.class)(class),
            method => {
                let method = method.trim_start_matches("set_").trim_start_matches("add_");
                format!("{}{}{}", (self.class)(class), self.joint, (self.method)(method))
            }
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
            line += word;
            line.push(' ');
        }
        lines.push(line);
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}
