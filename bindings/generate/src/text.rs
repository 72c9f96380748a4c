//! Names and comments in the languages' ways.

use crate::abi::{short, Abi, Named, Parameter};
use crate::spellings::SPELLINGS;

/// Where comments end.
const WIDTH: usize = 100;

/// How a language calls what comments speak of.
pub struct Language {
    /// Its place among the names of [`SPELLINGS`].
    pub column: usize,
    /// What becomes of `row_state`.
    pub case: fn(&str) -> String,
    /// Between a class and a method.
    pub joint: &'static str,
    /// Whether constants begin with their type.
    pub has_prefixes: bool,
}

/// `row_state` is `RowState`.
pub fn pascal(snake: &str) -> String {
    snake.split('_').map(|word| word[..1.min(word.len())].to_uppercase() + word.get(1..).unwrap_or_default()).collect()
}

/// Changes what stands between backticks.
pub fn quoted(text: &str, change: impl Fn(&str) -> String) -> String {
    let part = |(at, part): (usize, &str)| if at % 2 == 1 { change(part) } else { part.to_owned() };
    text.split('`').enumerate().map(part).collect()
}

impl Language {
    fn listed(&self, name: &str) -> Option<String> {
        SPELLINGS.names.get(name).map(|names| names[self.column].clone())
    }

    pub fn class(&self, name: &str) -> String {
        self.listed(short(name)).unwrap_or_else(|| (self.case)(short(name)))
    }

    /// The type of an option's value, when it is set, and what the C ABI gets.
    pub fn value(&self, abi: &Abi, of: &Parameter, is_time: bool, value: &str) -> [String; 3] {
        let kind = match &*of.rust {
            _ if of.role == "text" => "text",
            _ if is_time && of.name == "hours" => "hours",
            _ if is_time => "time",
            rust if abi.is_enum(rust) => "enum",
            rust => rust,
        };
        let fields = [("{value}", value), ("{class}", &self.class(&of.rust)), ("{type}", &of.rust), ("{name}", &of.name)];
        let filled = |text: &String| fields.iter().fold(text.clone(), |text, (field, value)| text.replace(field, value));
        let Some(languages) = SPELLINGS.values.get(kind) else { panic!("spellings.json has no values of {kind}") };
        languages[self.column].each_ref().map(filled)
    }

    pub fn constant(&self, of: &Named, name: &str) -> String {
        let own = self.listed(name).unwrap_or_else(|| (self.case)(&name[of.name.len() + 1..].to_lowercase()));
        let prefix = || SPELLINGS.go_prefixes.get(&of.name).cloned().unwrap_or_else(|| self.class(&of.name));
        self.has_prefixes.then(prefix).unwrap_or_default() + &own
    }

    /// A comment of the C ABI in the language's names. What is about C alone is left out.
    pub fn adapted(&self, abi: &Abi, doc: &str) -> String {
        let about_c = [" NUL-terminated static text.", " Not thread-safe while being changed."];
        let mut doc = about_c.iter().fold(doc.to_owned(), |doc, about| doc.replace(about, ""));
        // `…: one of the CKPT_X_ constants` says what the type says.
        while let Some(at) = doc.find("one of the `CKPT_") {
            let end = doc[at..].find(['.', ';']).map_or(doc.len(), |length| at + length);
            doc.replace_range(doc[..at].rfind([':', ';', ',']).unwrap_or(at)..end, "");
        }
        quoted(&doc, |word| format!("`{}`", self.renamed(abi, word)))
    }

    fn renamed(&self, abi: &Abi, word: &str) -> String {
        if let Some(of) = abi.enums.iter().find(|e| e.constants.iter().any(|c| c.name == word)) {
            return self.class(&of.name) + self.joint + &self.constant(of, word);
        }
        assert!(!word.starts_with("CKPT_"), "{word}: no such constant");
        let Some(name) = word.strip_prefix("ckpt_") else { return word.to_owned() };
        let of = |class: &&str| name.strip_prefix(class).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
        let classes = abi.handles.iter().map(|handle| short(&handle.name)).filter(of);
        let Some(class) = classes.max_by_key(|class| class.len()) else { return (self.case)(name) };
        match name[class.len()..].trim_start_matches('_') {
            "" | "new" | "open" => self.class(class),
            method => {
                let method = method.trim_start_matches("set_").trim_start_matches("add_");
                self.class(class) + self.joint + &(self.case)(method)
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
            line += &format!("{word} ");
        }
        lines.push(line);
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}
