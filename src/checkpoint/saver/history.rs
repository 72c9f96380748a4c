//! The checkpoints that a saver made: which it still knows, and which go.

use std::path::{Path, PathBuf};

/// A checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// As the program named it.
    pub path: PathBuf,
    /// The same from the root on, by which it is told from others.
    pub place: PathBuf,
    /// When it was made, in seconds since the epoch.
    pub time: f64,
    /// Whether this saver made it, rather than the program saying that one did.
    pub is_own: bool,
}

/// What a saver remembers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct History {
    /// The newest, oldest first.
    pub last: Vec<Entry>,
    /// Those that are to be removed.
    pub leaving: Vec<Entry>,
    /// A checkpoint that is made after this stays for good.
    pub next_kept: f64,
}

impl History {
    /// Adds a checkpoint as the newest, in place of one of the same path, and moves those that are more than `max_to_keep` to the leaving ones. One of those
    /// that was made after `next_kept` stays for good, and the next one after `hours` more.
    pub fn record(&mut self, entry: Entry, max_to_keep: usize, hours: f64) {
        self.last.retain(|other| other.place != entry.place);
        self.leaving.retain(|other| other.place != entry.place);
        self.last.push(entry);
        let too_many = self.last.len().saturating_sub(max_to_keep);
        for old in self.last.drain(..too_many) {
            if old.time > self.next_kept {
                self.next_kept += hours * 3600.0
            } else {
                self.leaving.push(old)
            }
        }
    }

    /// Takes out what can be removed now: everything in `directory`, and elsewhere what the saver made. The rest is only forgotten.
    pub fn take_leaving(&mut self, directory: &Path) -> Vec<Entry> {
        let mut leaving = std::mem::take(&mut self.leaving);
        leaving.retain(|entry| entry.is_own || entry.place.parent() == Some(directory));
        leaving
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, time: f64) -> Entry {
        Entry { path: name.into(), place: Path::new("/run").join(name), time, is_own: true }
    }

    fn names(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.path.to_str().unwrap()).collect()
    }

    /// What `Saver` of TensorFlow says, of `max_to_keep=2, keep_checkpoint_every_n_hours=0.7 / 3600` (KeepCheckpointEveryNHoursTest).
    #[test]
    fn one_of_each_so_many_hours_stays_for_good() {
        let mut history = History { next_kept: 100.7, ..History::default() };
        for name in ["s1", "s2", "s3", "s4"] {
            history.record(entry(name, 101.0), 2, 0.7 / 3600.0);
        }
        assert_eq!((names(&history.last), names(&history.leaving)), (vec!["s3", "s4"], vec!["s2"]));
    }

    #[test]
    fn a_checkpoint_made_just_then_does_not_stay() {
        let mut history = History { next_kept: 10.0, ..History::default() };
        history.record(entry("a", 10.0), 1, 1.0);
        history.record(entry("b", 10.0), 1, 1.0);
        assert_eq!((names(&history.leaving), history.next_kept), (vec!["a"], 10.0));
    }

    #[test]
    fn a_path_saved_again_is_the_newest_and_does_not_leave() {
        let mut history = History { next_kept: f64::INFINITY, ..History::default() };
        ["a", "b", "a"].into_iter().for_each(|name| history.record(entry(name, 1.0), 2, 1.0));
        assert_eq!((names(&history.last), names(&history.leaving)), (vec!["b", "a"], vec![]));
        history.record(entry("c", 1.0), 2, 1.0);
        assert_eq!(names(&history.leaving), ["b"]);
        history.record(entry("b", 1.0), 2, 1.0);
        assert_eq!((names(&history.last), names(&history.leaving)), (vec!["c", "b"], vec!["a"]));
    }

    #[test]
    fn what_a_program_names_elsewhere_is_only_forgotten() {
        let mut history = History::default();
        let there = |place: &str, is_own| Entry { path: place.into(), place: place.into(), time: 0.0, is_own };
        history.leaving = vec![there("/run/a", false), there("/etc/b", false), there("/other/c", true)];
        assert_eq!(names(&history.take_leaving(Path::new("/run"))), ["/run/a", "/other/c"]);
        assert_eq!(history.leaving, []);
    }
}
