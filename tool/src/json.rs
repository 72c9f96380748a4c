//! What the JSON of all commands has in common.

use base64::prelude::{Engine, BASE64_STANDARD};
use serde_json::Value;

/// A key as a member of an object: under `name`, or, if it is not UTF-8, in base64 under `name` and `_base64`.
pub fn key_member(name: &str, key: &[u8]) -> (String, Value) {
    match std::str::from_utf8(key) {
        Ok(text) => (name.to_owned(), Value::from(text)),
        Err(_) => (format!("{name}_base64"), Value::from(BASE64_STANDARD.encode(key))),
    }
}
