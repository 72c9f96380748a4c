//! Whether directories are locked, and what there is to say about it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

/// Whether a call that writes takes the locks of the directory, and syncs the directory, which some
/// file systems cannot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum Locking {
    /// If the file system can; the default. Otherwise the call goes on, and the log says so once.
    #[default]
    IfPossible = 0,
    /// The call fails where the file system cannot.
    Required = 1,
    /// The call takes no lock that other processes see: the caller knows that no other process
    /// writes in the directory.
    None = 2,
}

/// How long a call waits for a lock by default.
const WAIT: Duration = Duration::from_secs(60);

/// What a caller has said about locks; what is `None` has its default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub locking: Option<Locking>,
    pub wait: Option<Duration>,
}

impl Asked {
    /// Returns these wishes and, where there are none, `others`.
    pub fn or(self, others: Asked) -> Asked {
        Asked { locking: self.locking.or(others.locking), wait: self.wait.or(others.wait) }
    }

    pub fn locking(self) -> Locking {
        self.locking.unwrap_or_default()
    }

    pub fn wait(self) -> Duration {
        self.wait.unwrap_or(WAIT)
    }
}

/// What a handle has to say in its log about locks, each thing once.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    told: BTreeSet<String>,
    /// What has not been logged yet.
    fresh: Vec<String>,
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notes")
    }
}

impl Notes {
    pub fn add(&self, text: String) {
        let mut noted = self.0.lock();
        if noted.told.insert(text.clone()) {
            noted.fresh.push(text);
        }
    }

    /// Returns what has not been logged yet.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().fresh)
    }
}
