//! What the phases of a save cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A phase of a save. No moment belongs to two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Phase {
    /// Values are copied, while the program waits. Only saves in the background have it.
    Copy = 1,
    /// Data files and index are written, and read back if that is asked for.
    Write = 2,
    /// Files and directories are synced.
    Sync = 3,
    /// The directory is looked at and swept, files are renamed, the state file is replaced, expired
    /// checkpoints are deleted.
    Publish = 4,
    /// Locks of the directory are taken, and waited for.
    Lock = 5,
}

/// What a phase of a save took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PhaseCost {
    /// The number of bytes copied, written or synced; 0 for the other phases.
    pub bytes: u64,
    /// The time in seconds, of the calling thread or the one in the background.
    pub seconds: f64,
}

const PHASES: usize = Phase::Lock as usize;

/// Adds up the costs of one save. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Mutex<Costs>>);

#[derive(Debug, Default)]
struct Costs {
    /// The phases that were entered and not left, the innermost last: that alone costs.
    entered: Vec<Phase>,
    since: Option<Instant>,
    spent: [(u64, Duration); PHASES],
}

impl Costs {
    /// Charges the time since the last change.
    fn charge(&mut self) {
        let now = Instant::now();
        if let (Some(phase), Some(since)) = (self.entered.last(), self.since) {
            self.spent[*phase as usize - 1].1 += now - since;
        }
        self.since = Some(now);
    }
}

impl Meter {
    /// Begins a phase, until the result is dropped. One within another interrupts that.
    pub fn enter(&self, phase: Phase) -> InPhase {
        let mut costs = self.0.lock();
        costs.charge();
        costs.entered.push(phase);
        InPhase(self.clone())
    }

    /// Says that a phase has done so many more bytes.
    pub fn add(&self, phase: Phase, bytes: u64) {
        self.0.lock().spent[phase as usize - 1].0 += bytes;
    }

    /// Returns what a phase has cost so far, without the part that is not over yet.
    pub fn cost(&self, phase: Phase) -> PhaseCost {
        let (bytes, time) = self.0.lock().spent[phase as usize - 1];
        PhaseCost { bytes, seconds: time.as_secs_f64() }
    }
}

/// A phase that is running.
pub(crate) struct InPhase(Meter);

impl Drop for InPhase {
    fn drop(&mut self) {
        let mut costs = self.0 .0.lock();
        costs.charge();
        costs.entered.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_moment_is_counted_twice() {
        let (meter, begun) = (Meter::default(), Instant::now());
        let phases = [Phase::Copy, Phase::Write, Phase::Sync, Phase::Publish, Phase::Lock];
        {
            let _write = meter.enter(Phase::Write);
            std::thread::sleep(Duration::from_millis(2));
            for _ in 0..2 {
                let _sync = meter.enter(Phase::Sync);
                meter.add(Phase::Sync, 7);
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        std::thread::sleep(Duration::from_millis(2)); // belongs to none
        let all = begun.elapsed().as_secs_f64();
        let costs = phases.map(|phase| meter.cost(phase));
        assert!(costs.iter().map(|cost| cost.seconds).sum::<f64>() <= all - 0.002, "{costs:?} of {all}");
        assert!(costs[1].seconds >= 0.002 && costs[2].seconds >= 0.004, "{costs:?}");
        assert_eq!(costs.map(|cost| cost.bytes), [0, 0, 14, 0, 0]);
    }
}
