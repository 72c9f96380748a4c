//! The checkpoints that a saver has recorded, and which of them expire.

use std::path::PathBuf;

use crate::storage::Location;

/// A recorded checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The path as the program gave it.
    pub path: PathBuf,
    /// The absolute path, which identifies the checkpoint.
    pub place: Location,
    /// When the checkpoint was made, in seconds since the epoch.
    pub time: f64,
    /// Whether this saver made the checkpoint; false if the program passed it to the saver.
    pub is_own: bool,
}

/// The checkpoints that a saver has recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct History {
    /// The checkpoints to keep, oldest first.
    pub last: Vec<Entry>,
    /// The expired checkpoints, which are to be removed.
    pub expired: Vec<Entry>,
    /// An expiring checkpoint that was made after this time, in seconds since the epoch, is kept
    /// permanently.
    pub next_kept: f64,
}

impl History {
    /// Adds a checkpoint as the newest, replacing one with the same path. If there are more than
    /// `max_to_keep`, the oldest one expires, and no other: as in TensorFlow, a list that a program
    /// handed over becomes no shorter. If it was made after `next_kept` it is kept permanently
    /// instead, and `next_kept` moves on by `hours`.
    pub fn record(&mut self, entry: Entry, max_to_keep: usize, hours: f64) {
        self.last.retain(|other| other.place != entry.place);
        self.expired.retain(|other| other.place != entry.place);
        self.last.push(entry);
        let too_many = usize::from(self.last.len() > max_to_keep);
        for old in self.last.drain(..too_many) {
            if old.time > self.next_kept {
                self.next_kept += hours * 3600.0
            } else {
                self.expired.push(old)
            }
        }
    }

    /// Takes the expired checkpoints that may be removed now: all in `directory`, and elsewhere
    /// only those that this saver made. The others are forgotten but not removed.
    pub fn take_expired(&mut self, directory: &Location) -> Vec<Entry> {
        let mut expired = std::mem::take(&mut self.expired);
        expired.retain(|entry| entry.is_own || entry.place.split().0 == *directory);
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, time: f64) -> Entry {
        Entry { path: name.into(), place: Location::of("/run").unwrap().join(name), time, is_own: true }
    }

    fn names(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.path.to_str().unwrap()).collect()
    }

    /// The behaviour of TensorFlow's `Saver` with `max_to_keep=2, keep_checkpoint_every_n_hours=0.7
    /// / 3600` (KeepCheckpointEveryNHoursTest).
    #[test]
    fn one_of_each_so_many_hours_stays_for_good() {
        let mut history = History { next_kept: 100.7, ..History::default() };
        for name in ["s1", "s2", "s3", "s4"] {
            history.record(entry(name, 101.0), 2, 0.7 / 3600.0);
        }
        assert_eq!((names(&history.last), names(&history.expired)), (vec!["s3", "s4"], vec!["s2"]));
    }

    #[test]
    fn a_checkpoint_made_just_then_does_not_stay() {
        let mut history = History { next_kept: 10.0, ..History::default() };
        history.record(entry("a", 10.0), 1, 1.0);
        history.record(entry("b", 10.0), 1, 1.0);
        assert_eq!((names(&history.expired), history.next_kept), (vec!["a"], 10.0));
    }

    #[test]
    fn a_path_saved_again_is_the_newest_and_does_not_leave() {
        let mut history = History { next_kept: f64::INFINITY, ..History::default() };
        ["a", "b", "a"].into_iter().for_each(|name| history.record(entry(name, 1.0), 2, 1.0));
        assert_eq!((names(&history.last), names(&history.expired)), (vec!["b", "a"], vec![]));
        history.record(entry("c", 1.0), 2, 1.0);
        assert_eq!(names(&history.expired), ["b"]);
        history.record(entry("b", 1.0), 2, 1.0);
        assert_eq!((names(&history.last), names(&history.expired)), (vec!["c", "b"], vec!["a"]));
    }

    #[test]
    fn what_a_program_names_elsewhere_is_only_forgotten() {
        let mut history = History::default();
        let there = |place: &str, is_own| Entry { path: place.into(), place: Location::of(place).unwrap(), time: 0.0, is_own };
        history.expired = vec![there("/run/a", false), there("/etc/b", false), there("/other/c", true)];
        assert_eq!(names(&history.take_expired(&Location::of("/run").unwrap())), ["/run/a", "/other/c"]);
        assert_eq!(history.expired, []);
    }
}
