//! Suggestions for a name that no tensor of a checkpoint has.

use super::Reader;
use crate::error::{printable, Code, Error, Reason};

/// The largest number of keys, and of full names, that are searched for suggestions.
const SEARCHED: usize = 100_000;
/// The largest number of suggestions.
const SUGGESTED: usize = 3;
/// The suffix that follows the path of a variable in the key of its value.
pub(super) const VALUE_SUFFIX: &[u8] = b"/.ATTRIBUTES/VARIABLE_VALUE";
/// What the path of a slot variable has, and that of no other variable.
const SLOT: &[u8] = b"/.OPTIMIZER_SLOT/";

impl Reader {
    /// The error for a missing tensor. It suggests up to three keys or full names that contain the
    /// name, or else the most similar one; variables before their slots.
    pub(super) fn not_found(&self, name: &[u8]) -> Error {
        // A graph that is damaged was reported before; here it has no names.
        let full_names = self.names().ok().flatten();
        let full_names =
            full_names.into_iter().flat_map(|names| names.all().map(|(full_name, key)| (full_name.as_bytes(), key.as_bytes())));
        // Each name with the key that it stands for, which says whether it is a slot's.
        let keys = || (0..self.len().min(SEARCHED)).map(|index| (self.key(index), self.key(index)));
        let named: Vec<(&[u8], &[u8])> = full_names.filter(|(full_name, _)| !full_name.is_empty()).take(SEARCHED).collect();
        let all = || keys().chain(named.iter().copied());
        let mut near: Vec<&[u8]> = Vec::new();
        for slots in [false, true] {
            let holds = |other: &[u8]| !name.is_empty() && contains(other, name);
            let wanted = all().filter(|(other, key)| contains(key, SLOT) == slots && holds(other));
            for (other, _) in wanted {
                if near.len() == SUGGESTED {
                    break;
                }
                if !near.contains(&other) {
                    near.push(other);
                }
            }
        }
        if near.is_empty() {
            let rank =
                |&(other, key): &(&[u8], &[u8])| (alike(name, other), !contains(key, SLOT), std::cmp::Reverse(other.len()));
            near.extend(all().max_by_key(rank).filter(|(other, _)| alike(name, other) > 0).map(|(other, _)| other));
        }
        let near: Vec<String> = near.into_iter().map(|other| format!("\"{}\"", printable(other))).collect();
        let what = if near.is_empty() {
            "the checkpoint has no such tensor".to_owned()
        } else {
            format!("the checkpoint has no such tensor; did you mean {}?", near.join(" or "))
        };
        Error::new(Code::NotFound, Reason::NoTensor, what).for_tensor(name).in_file(self.prefix())
    }
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

/// The number of bytes that a name shares with the missing one at both ends; 0 if the first bytes
/// differ or less than half of the missing one matches. What follows the path of a variable does
/// not count.
fn alike(missing: &[u8], other: &[u8]) -> usize {
    let path = |name: &[u8]| name.strip_suffix(VALUE_SUFFIX).unwrap_or(name).len();
    let (missing, other) = (&missing[..path(missing)], &other[..path(other)]);
    let front = other.iter().zip(missing).take_while(|(a, b)| a == b).count();
    let back = other[front..].iter().rev().zip(missing[front..].iter().rev()).take_while(|(a, b)| a == b).count();
    if front == 0 || 2 * (front + back) < missing.len() {
        0
    } else {
        front + back
    }
}
