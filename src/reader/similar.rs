//! Suggestions for a key that a checkpoint does not have.

use super::Reader;
use crate::error::{printable, Code, Error, Reason};

/// The largest number of keys that are searched for suggestions.
const SEARCHED: usize = 100_000;
/// The suffix that follows the path of a variable in the key of its value.
const VALUE_SUFFIX: &[u8] = b"/.ATTRIBUTES/VARIABLE_VALUE";

impl Reader {
    /// The error for a missing key. It suggests, in this order: the key with the suffix of a
    /// variable's value or without the `:0` of a TensorFlow 1 name; up to three keys that contain
    /// it; the most similar key.
    pub(super) fn not_found(&self, key: &[u8]) -> Error {
        let variable = [key, VALUE_SUFFIX].concat();
        let exact = self.find(&variable).or_else(|| self.find(key.strip_suffix(b":0")?));
        let holds = |index: &usize| !key.is_empty() && self.key(*index).windows(key.len()).any(|part| part == key);
        // The number of bytes that a key shares with the missing key at both ends; 0 if the first
        // bytes differ or less than half of the missing key matches.
        let alike = |index: usize| {
            let other = self.key(index);
            let front = other.iter().zip(key).take_while(|(a, b)| a == b).count();
            let back = other[front..].iter().rev().zip(key[front..].iter().rev()).take_while(|(a, b)| a == b).count();
            if front == 0 || 2 * (front + back) < key.len() {
                0
            } else {
                front + back
            }
        };
        let searched = || 0..self.len().min(SEARCHED);
        let mut near: Vec<usize> = exact.into_iter().collect();
        if near.is_empty() {
            near.extend(searched().filter(holds).take(3));
        }
        if near.is_empty() {
            near.extend(searched().max_by_key(|&index| alike(index)).filter(|&index| alike(index) > 0));
        }
        let near = near.into_iter().map(|index| self.key(index));
        let near: Vec<String> = near.map(|key| format!("\"{}\"", printable(key))).collect();
        let what = if near.is_empty() {
            "the checkpoint has no such tensor".to_owned()
        } else {
            format!("the checkpoint has no such tensor; did you mean {}?", near.join(" or "))
        };
        Error::new(Code::NotFound, Reason::NoTensor, what).for_tensor(key).in_file(self.prefix())
    }
}
