//! Which checkpoints are kept: TensorFlow's rule, and extensions of it.

use std::collections::HashSet;
use std::ffi::OsString;

use crate::allocate::{list_of, with_room, Room};
use crate::error::{Error, Result};

/// A managed checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The path, as the state file has it.
    pub path: OsString,
    /// When it was made, in seconds since the epoch.
    pub time: f64,
    /// The metric that the program gave.
    pub metric: Option<f64>,
}

/// A checkpoint that is kept although it is no longer among the newest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub entry: Entry,
    pub why: Why,
}

/// Why a checkpoint is kept although it is no longer among the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is pinned, or was being written when it expired.
    Held,
    /// It is one of the best by its metric.
    Metric,
    /// It is kept permanently. It is remembered only while it is one of the best.
    Preserved,
}

/// Whether lower or higher metrics are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Better {
    /// Lower metrics are better, as for a loss.
    Lower = 1,
    /// Higher metrics are better, as for an accuracy.
    Higher = 2,
}

/// The rule that decides which checkpoints are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Retention {
    /// The number of newest checkpoints to keep; `None` for all.
    pub max_to_keep: Option<usize>,
    /// Permanently keep one otherwise expired checkpoint per this number of hours; 0 keeps none.
    pub keep_every_n_hours: Option<f64>,
    /// The number of best checkpoints to keep, and which metrics are better.
    pub best: Option<(usize, Better)>,
}

impl Retention {
    /// Refuses a rule that keeps no checkpoint or has invalid hours.
    pub fn check(&self) -> Result<()> {
        if self.max_to_keep == Some(0) {
            return Err(Error::argument("at least one checkpoint must be kept"));
        }
        match self.keep_every_n_hours {
            Some(hours) if !hours.is_finite() || hours < 0.0 => {
                Err(Error::argument(format!("keep_checkpoint_every_n_hours must be finite and non-negative, got {hours}")))
            }
            _ => Ok(()),
        }
    }
}

/// The managed checkpoints of a directory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Managed {
    /// The newest checkpoints, oldest first: those of the state file, the only ones that TensorFlow
    /// knows.
    pub window: Vec<Entry>,
    /// The checkpoints that left the window and are kept for another reason, oldest first.
    pub kept: Vec<Kept>,
    /// When the last permanently kept checkpoint was made, in seconds since the epoch.
    pub last_preserved: f64,
}

impl Managed {
    /// Adds the newest checkpoint. It replaces a managed checkpoint with the same path.
    pub fn add(&mut self, entry: Entry) {
        self.forget(&entry.path);
        self.window.push(entry);
    }

    /// Adds a checkpoint that is older than all others among the newest.
    pub fn add_oldest(&mut self, entry: Entry) {
        self.forget(&entry.path);
        self.window.insert(0, entry);
    }

    /// Stops managing the checkpoint with this path.
    pub fn forget(&mut self, path: &OsString) {
        self.window.retain(|entry| entry.path != *path);
        self.kept.retain(|kept| kept.entry.path != *path);
    }

    /// Removes the expired checkpoints from the list and returns them, oldest first. `is_held` is
    /// called only for checkpoints that would expire.
    ///
    /// A checkpoint that leaves the newest ones is kept permanently if it was made at least
    /// `keep_every_n_hours` after the last one that is. This is decided once, by the checkpoint's
    /// own time. All other checkpoints expire, except the best ones and held ones, which are
    /// checked again at each call.
    pub fn sweep(&mut self, rule: &Retention, is_held: &mut dyn FnMut(&Entry) -> bool) -> Result<Vec<Entry>> {
        let Some(most) = rule.max_to_keep else { return Ok(Vec::new()) };
        let best = self.best(rule)?;
        let too_many = self.window.len().saturating_sub(most);
        // Nothing is taken out of the lists before there is room for it elsewhere.
        let candidates = self.kept.len() + too_many;
        let (mut leaving, mut gone) = (with_room(candidates)?, with_room(candidates)?);
        self.kept.make_room(too_many)?;
        leaving.extend(self.kept.drain(..).map(|kept| (kept.entry, Some(kept.why))));
        for entry in self.window.drain(..too_many) {
            let is_due = |hours: f64| hours != 0.0 && entry.time - hours * 3600.0 >= self.last_preserved;
            let is_preserved = rule.keep_every_n_hours.is_some_and(is_due);
            if is_preserved {
                self.last_preserved = entry.time;
            }
            leaving.push((entry, is_preserved.then_some(Why::Preserved)));
        }
        for (entry, before) in leaving {
            let is_best = match rule.best {
                // If the rule does not say how many of the best to keep, those that were kept so
                // far still are.
                None => before == Some(Why::Metric),
                Some(_) => best.contains(&entry.path),
            };
            let why = match before {
                Some(Why::Preserved) if is_best => Why::Preserved,
                Some(Why::Preserved) => continue,
                _ if is_best => Why::Metric,
                _ if is_held(&entry) => Why::Held,
                _ => {
                    gone.push(entry);
                    continue;
                }
            };
            self.kept.push(Kept { entry, why });
        }
        Ok(gone)
    }

    /// All checkpoints with a metric, best first. Of equal metrics the newer checkpoint is better.
    pub fn by_metric(&self, better: Better) -> Result<Vec<&Entry>> {
        let all = self.kept.iter().map(|kept| &kept.entry).chain(&self.window);
        let mut all: Vec<(f64, &Entry)> =
            list_of(all.filter_map(|entry| Some((entry.metric.filter(|metric| !metric.is_nan())?, entry))))?;
        all.reverse();
        crate::sort::sort_by(&mut all, |(a, _), (b, _)| match better {
            Better::Lower => a.total_cmp(b),
            Better::Higher => b.total_cmp(a),
        })?;
        list_of(all.into_iter().map(|(_, entry)| entry))
    }

    fn best(&self, rule: &Retention) -> Result<HashSet<OsString>> {
        let mut best = HashSet::new();
        let Some((count, better)) = rule.best else { return Ok(best) };
        let all = self.by_metric(better)?;
        best.make_room(count.min(all.len()))?;
        best.extend(all.into_iter().take(count).map(|entry| entry.path.clone()));
        Ok(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(number: i64) -> OsString {
        format!("ckpt-{number}").into()
    }

    fn numbers(paths: impl IntoIterator<Item = Entry>) -> Vec<i64> {
        paths.into_iter().map(|entry| entry.path.to_str().unwrap()[5..].parse().unwrap()).collect()
    }

    /// The life of a manager: which checkpoints expire at each save of `(time, metric)`, by their
    /// numbers from 1.
    struct Life {
        managed: Managed,
        rule: Retention,
        held: Vec<i64>,
        saved: i64,
    }

    impl Life {
        fn new(rule: Retention, last_preserved: f64) -> Life {
            Life { managed: Managed { last_preserved, ..Managed::default() }, rule, held: Vec::new(), saved: 0 }
        }

        fn save(&mut self, time: f64, metric: Option<f64>) -> Vec<i64> {
            self.saved += 1;
            self.managed.add(Entry { path: named(self.saved), time, metric });
            let held = self.held.clone();
            numbers(self.managed.sweep(&self.rule, &mut |entry| held.iter().any(|&n| named(n) == entry.path)).unwrap())
        }

        fn window(&self) -> Vec<i64> {
            numbers(self.managed.window.clone())
        }

        fn kept(&self) -> Vec<i64> {
            numbers(self.managed.kept.iter().map(|kept| kept.entry.clone()))
        }
    }

    fn newest(count: usize) -> Retention {
        Retention { max_to_keep: Some(count), ..Retention::default() }
    }

    #[test]
    fn the_newest_stay() {
        let mut life = Life::new(newest(3), 0.0);
        let gone: Vec<Vec<i64>> = (1..=5).map(|time| life.save(time as f64, None)).collect();
        assert_eq!(gone, [vec![], vec![], vec![], vec![1], vec![2]]);
        assert_eq!(life.window(), [3, 4, 5]);
    }

    #[test]
    fn without_a_limit_all_stay() {
        let mut life = Life::new(Retention { keep_every_n_hours: Some(1.0), ..Retention::default() }, 0.0);
        assert!((1..=20).all(|time| life.save(time as f64 * 1e6, None).is_empty()));
        assert_eq!((life.window().len(), life.managed.last_preserved), (20, 0.0));
    }

    /// A trace of TensorFlow 2.21: the boundary is included, and each checkpoint is judged by its
    /// own time when it leaves.
    #[test]
    fn one_of_each_hour_stays_for_good() {
        let mut life = Life::new(Retention { keep_every_n_hours: Some(1.0), ..newest(1) }, 999.0);
        let times = [1000.0, 2800.0, 4600.0, 6400.0, 8200.0, 11799.0, 11801.0];
        let gone: Vec<Vec<i64>> = times.iter().map(|&time| life.save(time, None)).collect();
        assert_eq!(gone, [vec![], vec![1], vec![2], vec![], vec![4], vec![], vec![6]]);
        assert_eq!((life.window(), life.kept(), life.managed.last_preserved), (vec![7], vec![], 8200.0));
    }

    #[test]
    fn no_hours_are_no_rule() {
        let mut life = Life::new(Retention { keep_every_n_hours: Some(0.0), ..newest(1) }, 0.0);
        life.save(1e9, None);
        assert_eq!(life.save(2e9, None), [1]);
    }

    #[test]
    fn a_path_saved_again_is_the_newest() {
        let mut life = Life::new(newest(2), 0.0);
        life.save(1.0, Some(0.5));
        life.save(2.0, None);
        life.saved = 0;
        assert!(life.save(3.0, None).is_empty());
        assert_eq!(life.window(), [2, 1]);
        assert_eq!(life.managed.window[1].metric, None);
    }

    #[test]
    fn the_best_stay_while_they_are_the_best() {
        for (better, sign) in [(Better::Lower, 1.0), (Better::Higher, -1.0)] {
            let mut life = Life::new(Retention { best: Some((2, better)), ..newest(1) }, 0.0);
            let losses = [Some(0.5), Some(0.3), None, Some(0.4), Some(0.9), Some(0.1), Some(f64::NAN), None];
            let gone: Vec<Vec<i64>> =
                losses.iter().enumerate().map(|(time, loss)| life.save(time as f64 + 1.0, loss.map(|l| l * sign))).collect();
            assert_eq!(gone, [vec![], vec![], vec![], vec![1, 3], vec![], vec![4, 5], vec![], vec![7]], "{better:?}");
            assert_eq!((life.window(), life.kept()), (vec![8], vec![2, 6]));
            assert_eq!(numbers(life.managed.by_metric(better).unwrap().into_iter().cloned()), [6, 2]);
        }
    }

    #[test]
    fn the_best_stay_also_under_a_rule_that_does_not_ask_for_them() {
        let mut life = Life::new(Retention { best: Some((1, Better::Lower)), ..newest(1) }, 0.0);
        life.save(1.0, Some(0.5));
        life.save(2.0, Some(0.7));
        life.rule.best = None;
        assert_eq!((life.save(3.0, Some(0.2)), life.kept()), (vec![2], vec![1]));
        assert_eq!((life.save(4.0, None), life.kept()), (vec![3], vec![1]));
        life.rule.best = Some((1, Better::Lower));
        assert_eq!((life.save(5.0, Some(0.4)), life.kept()), (vec![1, 4], vec![]));
    }

    #[test]
    fn of_equally_good_ones_the_newer_stays() {
        let mut life = Life::new(Retention { best: Some((1, Better::Higher)), ..newest(1) }, 0.0);
        life.save(1.0, Some(1.0));
        assert_eq!(life.save(2.0, Some(1.0)), [1]);
        assert!(life.save(3.0, None).is_empty());
        assert_eq!(life.kept(), [2]);
    }

    #[test]
    fn one_that_stays_for_good_is_never_removed_for_its_metric() {
        let rule = Retention { keep_every_n_hours: Some(1.0), best: Some((1, Better::Lower)), ..newest(1) };
        let mut life = Life::new(rule, 0.0);
        life.save(3600.0, Some(0.5));
        assert_eq!((life.save(3601.0, None), life.kept()), (vec![], vec![1]));
        assert_eq!((life.save(3602.0, Some(0.1)), life.kept()), (vec![2], vec![]));
    }

    #[test]
    fn who_is_held_stays_until_let_go_and_counts_for_nobody() {
        let mut life = Life::new(newest(2), 0.0);
        life.save(1.0, None);
        life.save(2.0, None);
        life.held = vec![1, 2];
        assert_eq!((life.save(3.0, None), life.window(), life.kept()), (vec![], vec![2, 3], vec![1]));
        assert_eq!((life.save(4.0, None), life.window(), life.kept()), (vec![], vec![3, 4], vec![1, 2]));
        life.held = vec![2];
        assert_eq!((life.save(5.0, None), life.kept()), (vec![1, 3], vec![2]));
        life.held.clear();
        assert_eq!((life.save(6.0, None), life.window(), life.kept()), (vec![2, 4], vec![5, 6], vec![]));
    }

    #[test]
    fn only_those_that_would_go_are_asked_for() {
        let mut managed = Managed::default();
        (1..=4).for_each(|n| managed.add(Entry { path: named(n), time: n as f64, metric: Some(n as f64) }));
        let rule = Retention { best: Some((1, Better::Lower)), ..newest(2) };
        let mut asked = Vec::new();
        managed
            .sweep(&rule, &mut |entry| {
                asked.push(entry.clone());
                false
            })
            .unwrap();
        assert_eq!(numbers(asked), [2]);
    }
}
