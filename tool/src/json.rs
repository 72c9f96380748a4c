//! JSON that several commands share.

use base64::prelude::{Engine, BASE64_STANDARD};
use serde_json::Value;

/// Returns a key as a member of a JSON object: `name`, or `name` and `_base64` with the key in
/// base64 if it is not UTF-8.
pub fn key_member(name: &str, key: &[u8]) -> (String, Value) {
    match std::str::from_utf8(key) {
        Ok(text) => (name.to_owned(), Value::from(text)),
        Err(_) => (format!("{name}_base64"), Value::from(BASE64_STANDARD.encode(key))),
    }
}
