//! The order of checkpoints by the numbers in their names.

use std::ffi::OsStr;

use super::super::files::without_shard;
use crate::os_bytes::OsStrExt;

/// The numbers in the name of a checkpoint, greater for later ones. A name without a number is the
/// least.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Numbers {
    /// The number of the checkpoint: the one at the end of `model.ckpt-10` and, as Keras names
    /// them, of `cp-0010.ckpt`; in other names the first one.
    number: Option<i128>,
    /// All numbers in the name, which decide between names of one kind, as `epoch2-step100`.
    all: Vec<i128>,
}

impl Numbers {
    pub fn of(name: &OsStr) -> Numbers {
        let name = without_shard(name).as_bytes();
        let name = name.strip_suffix(b".ckpt").unwrap_or(name);
        let runs = name.split(|b| !b.is_ascii_digit()).filter(|digits| !digits.is_empty());
        let all: Vec<i128> = runs.map(value).collect();
        Numbers { number: at_end(name).or(all.first().copied()), all }
    }
}

/// The number of a name such as `ckpt-5`. TensorFlow writes a negative one as `ckpt--5`.
fn at_end(name: &[u8]) -> Option<i128> {
    let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (stem, digits) = name.split_at(name.len() - digits);
    let stem = stem.strip_suffix(b"-").filter(|_| !digits.is_empty())?;
    Some(if stem.ends_with(b"-") { -value(digits) } else { value(digits) })
}

/// The value of decimal digits; the greatest if there are too many.
fn value(digits: &[u8]) -> i128 {
    digits.iter().fold(0, |value: i128, digit| value.saturating_mul(10).saturating_add(i128::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_names_are_greater() {
        for names in [
            &["best", "ckpt--5", "ckpt-0", "ckpt-9", "ckpt-10", "ckpt-00011"][..],
            &["best-3", "model.ckpt-10", "other-11"],
            &["cp-0001.ckpt", "cp-0002.ckpt", "cp-0010.ckpt"],
            &["weights.05-0.32", "weights.10-0.20"],
            &["v2_step9", "v2_step10"],
            &["model-9-?????-of-00002", "model-10-?????-of-00001"],
            &["m-1", "m-99999999999999999999999999999999999999999999"],
        ] {
            let numbers: Vec<Numbers> = names.iter().map(|name| Numbers::of(OsStr::new(name))).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "{names:?}: {numbers:?}");
        }
    }
}
