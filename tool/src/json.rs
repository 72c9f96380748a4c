//! JSON that several commands share.

use std::io::Write;

use base64::prelude::{Engine, BASE64_STANDARD};
use serde_json::Value;

use crate::failure::Outcome;
use crate::term::Screen;

/// Returns a key as a member of a JSON object: `name`, or `name` and `_base64` with the key in
/// base64 if it is not UTF-8.
pub fn key_member(name: &str, key: &[u8]) -> (String, Value) {
    match std::str::from_utf8(key) {
        Ok(text) => (name.to_owned(), Value::from(text)),
        Err(_) => (format!("{name}_base64"), Value::from(BASE64_STANDARD.encode(key))),
    }
}

/// Writes a value, and ends the line.
pub fn write(value: &Value, screen: &mut Screen) -> Outcome {
    Ok(writeln!(screen, "{}", safe(&format!("{value:#}")))?)
}

/// Returns the text of a value, in which no character is left that a terminal would obey. They are
/// in strings alone, where an escape means the same.
pub fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push(c),
            c if crate::term::is_obeyed(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}
