//! Temporary names. All files have one until they are published; the remains of a crash are
//! recognized by them.

use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicU64, Ordering};

use super::naming::numbered;
use crate::os_bytes::{OsStrExt, OsStringExt};

/// Begins all temporary names of this library: `.ckpt-tmp-HASH-ATTEMPT-ROLE`. No other program uses
/// it.
const MARK: &[u8] = b".ckpt-tmp-";

/// Precedes 16 hexadecimal digits in the second name of an index that a manager has published and
/// not recorded yet. No other program uses it.
const ANNOUNCED: &[u8] = b".index.ckpt-add-";

/// Returns the number of a checkpoint, given its name in its directory, or of another file: FNV-1a,
/// cut to 62 bits. It is part of names and of locks, so it must not change.
pub(crate) fn number_of(base: &OsStr) -> u64 {
    let fnv = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    base.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, fnv) & ((1 << 62) - 1)
}

/// What a temporary file becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The index of a checkpoint.
    Index,
    /// Nothing: it is the second name of an index that is being replaced.
    OldIndex,
    /// A data file: its number, and how many there are.
    Data(u32, u32),
    /// Nothing: it is a directory, of the sections of ranks.
    Sections,
    /// A state file, or what stands beside it.
    State,
}

/// The parts of a temporary name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Temporary {
    /// The number of the checkpoint, or of the state file.
    pub number: u64,
    /// Differs between attempts.
    pub attempt: u64,
    pub role: Role,
}

impl Temporary {
    pub fn name(self) -> OsString {
        let role = match self.role {
            Role::Index => "index".to_owned(),
            Role::OldIndex => "old".to_owned(),
            Role::Data(shard, shards) => format!("data-{shard:05}-of-{shards:05}"),
            Role::Sections => "ranks".to_owned(),
            Role::State => "state".to_owned(),
        };
        let text = format!("{:016x}-{:016x}-{role}", self.number, self.attempt);
        OsString::from_vec([MARK, text.as_bytes()].concat())
    }

    /// Returns the parts of a name; `None` if it is not a temporary name of this library.
    pub fn parse(name: &OsStr) -> Option<Temporary> {
        let rest = name.as_bytes().strip_prefix(MARK)?;
        let (number, rest) = digits(rest)?;
        let (attempt, role) = digits(rest.strip_prefix(b"-")?)?;
        let role = match role.strip_prefix(b"-")? {
            b"index" => Role::Index,
            b"old" => Role::OldIndex,
            b"ranks" => Role::Sections,
            b"state" => Role::State,
            other => {
                let (shard, shards) = numbered(other.strip_prefix(b"data-")?)?;
                Role::Data(shard, shards)
            }
        };
        Some(Temporary { number, attempt, role })
    }
}

/// Returns the number that 16 hexadecimal digits begin a text with, and the rest of the text.
fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<16>()?;
    let is_ours = digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let number = std::str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 16).ok())?;
    is_ours.then_some((number, rest))
}

/// Returns a number that identifies an attempt: random, and another one in each process, even in
/// one that was forked, which has inherited the seed.
pub(crate) fn attempt() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    use std::time::SystemTime;
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.write_u64(COUNT.fetch_add(1, Ordering::Relaxed));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    hasher.write_u128(now.map_or(0, |now| now.as_nanos()));
    hasher.finish()
}

/// Returns the second name, with the number `attempt`, of the index of the checkpoint `base`, which
/// says that no state file lists the checkpoint yet.
pub(super) fn announcement(base: &OsStr, attempt: u64) -> OsString {
    OsString::from_vec([base.as_bytes(), ANNOUNCED, format!("{attempt:016x}").as_bytes()].concat())
}

/// Returns the checkpoint that a manager has published and not recorded yet, if `name` is the
/// second name of its index.
pub(crate) fn announced(name: &OsStr) -> Option<&OsStr> {
    let (rest, attempt) = name.as_bytes().split_last_chunk::<16>()?;
    let is_ours = attempt.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    rest.strip_suffix(ANNOUNCED).filter(|_| is_ours).map(OsStr::from_bytes)
}

/// Returns whether a name is a temporary name of this library.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    Temporary::parse(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_checkpoint_never_changes() {
        // FNV-1a's published values, cut to 62 bits.
        for (base, number) in [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)] {
            assert_eq!(number_of(OsStr::new(base)), number & 0x3fff_ffff_ffff_ffff, "{base}");
        }
    }

    #[test]
    fn a_temporary_name_says_what_it_becomes() {
        let number = number_of(OsStr::new("x"));
        for role in [Role::Index, Role::OldIndex, Role::Data(3, 123_456), Role::Sections, Role::State] {
            let temporary = Temporary { number, attempt: attempt(), role };
            assert_eq!(Temporary::parse(&temporary.name()), Some(temporary));
        }
    }

    #[test]
    fn other_names_are_not_temporary() {
        for name in [
            ".ckpt-tmp-0123456789abcdef-0123456789abcdef-other",
            ".ckpt-tmp-0123456789abcdef-0123456789abcdef-data-0-of-1",
            ".ckpt-tmp-0123456789abcdef-0123456789abcdef-index.bak",
            ".ckpt-tmp-0123456789ABCDEF-0123456789abcdef-index",
            ".ckpt-tmp-+123456789abcdef-0123456789abcdef-index",
            ".ckpt-tmp-0123456789abcdef-0123456789abcde-index",
            "x.ckpt-tmp-0123456789abcdef-0123456789abcdef-index",
            ".ckpt-lock",
        ] {
            assert_eq!(Temporary::parse(OsStr::new(name)), None, "{name}");
        }
    }

    #[test]
    fn attempts_differ() {
        let attempts: std::collections::BTreeSet<u64> = (0..1000).map(|_| attempt()).collect();
        assert_eq!(attempts.len(), 1000);
    }
}
