//! Identifies the file of an index, and tells later whether it still is at its path.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::{Code, Error, Reason, Result};
use crate::storage::{File, Location, Sign, Version};
use crate::table::{Budget, Table};

/// What identifies the file of an index.
#[derive(Debug)]
pub(crate) struct Seal {
    path: Location,
    version: Version,
    /// A checksum of the file, if it was so young when it was opened that its version may not tell
    /// it from a later file.
    digest: Option<u32>,
}

/// The age, in seconds, from which a file is not taken for a later one: the clocks of file systems
/// advance in steps of up to 10 ms, and within a step an inode can be used again.
const AGE: f64 = 0.05;
/// The same where times are whole seconds, or even ones.
const AGE_IN_SECONDS: f64 = 3.0;
/// How far, in seconds, the clock of a file server may be ahead. Times that are further ahead were
/// set by somebody, and say nothing about the age: a file that comes now has another.
const MOST_AHEAD: f64 = 60.0;

impl Seal {
    /// Identifies the file of an open table.
    pub fn of(table: &Table) -> Result<Seal> {
        let (path, version) = (table.file().path().clone(), table.file().version());
        let digest = if is_young(version) { Some(table.digest()?) } else { None };
        Ok(Seal { path, version, digest })
    }

    pub fn path(&self) -> &Location {
        &self.path
    }

    /// Whether the file alone shows that it was not replaced: no later file can look the same.
    fn is_certain(&self) -> bool {
        self.digest.is_none()
    }

    fn digest_now(&self) -> Result<u32> {
        let file = File::open(&self.path)?;
        let mut budget = Budget::for_index(file.len(), None);
        Table::of(file, &mut budget).and_then(|table| table.digest()).map_err(|e| e.in_file(&self.path))
    }
}

impl Sign for Seal {
    /// Fails unless the file at the path is the one that was opened: with `NOT_FOUND` if there is
    /// none, with `DATA_LOSS` (`Replaced`) if there is another.
    fn check(&self) -> Result<()> {
        let status = self.path.storage()?.status(&self.path).map_err(|e| Error::io("inspect the index", &self.path, &e))?;
        if status.version == self.version && (self.is_certain() || self.digest == Some(self.digest_now()?)) {
            return Ok(());
        }
        let what = "another checkpoint has replaced this one since it was opened; open it again";
        Err(Error::new(Code::DataLoss, Reason::Replaced, what).in_file(&self.path))
    }
}

fn is_young(version: Version) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
    let age = if version.time().1 == 0 { AGE_IN_SECONDS } else { AGE };
    (-MOST_AHEAD..age).contains(&(now - version.modified()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::laboratory::{at, scratch};

    #[test]
    fn a_file_is_young_for_a_while_but_not_for_the_years_that_its_time_is_ahead() {
        let directory = scratch();
        let path = directory.path().join("f");
        let file = std::fs::File::create(&path).unwrap();
        for (seconds, expected) in [(-3600, false), (-4, false), (0, true), (30, true), (3600, false), (40 * 365 * 86400, false)]
        {
            let far = Duration::from_secs(i64::unsigned_abs(seconds));
            let now = SystemTime::now();
            file.set_modified(if seconds < 0 { now - far } else { now + far }).unwrap();
            assert_eq!(is_young(File::open(&at(&path)).unwrap().version()), expected, "{seconds} seconds ahead");
        }
    }
}
