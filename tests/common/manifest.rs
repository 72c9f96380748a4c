//! What TensorFlow read back from its own checkpoints.

use std::collections::BTreeMap;
use std::path::Path;

/// A fixture's manifest.
pub struct Manifest {
    pub prefix: String,
    pub tensors: BTreeMap<String, Expected>,
}

/// One tensor of a fixture.
pub struct Expected {
    pub dtype: String,
    pub shape: Vec<i64>,
    pub value: Value,
}

pub enum Value {
    Numbers {
        bytes: u64,
        sha256: String,
    },
    Strings(Vec<Vec<u8>>),
    /// TensorFlow itself could not read it.
    Unreadable,
}

/// All manifests: (folder, manifest).
pub fn all() -> Vec<(std::path::PathBuf, Manifest)> {
    let files = super::files::fixture_files().into_iter();
    let manifests = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let manifests: Vec<_> = manifests.map(|path| (path.parent().unwrap().to_owned(), read(&path))).collect();
    assert_eq!(manifests.len(), 15);
    manifests
}

/// Reads one manifest.
pub fn read(path: &Path) -> Manifest {
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let tensors = json["tensors"].as_object().unwrap().iter().map(|(key, tensor)| {
        let value = if let Some(strings) = tensor["strings"].as_array() {
            Value::Strings(strings.iter().map(|string| base64(string.as_str().unwrap())).collect())
        } else if tensor["unreadable"].is_string() {
            Value::Unreadable
        } else {
            Value::Numbers { bytes: tensor["bytes"].as_u64().unwrap(), sha256: text(&tensor["sha256"]) }
        };
        let shape = tensor["shape"].as_array().unwrap().iter().map(|size| size.as_i64().unwrap()).collect();
        (key.clone(), Expected { dtype: text(&tensor["dtype"]), shape, value })
    });
    Manifest { prefix: text(&json["prefix"]), tensors: tensors.collect() }
}

fn base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        bits = bits << 6 | alphabet.iter().position(|&letter| letter == digit).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    super::hex(&sha2::Sha256::digest(bytes))
}
