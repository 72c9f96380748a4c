//! The options of commands that write: whether and how long they lock the directory.

use std::sync::Arc;
use std::time::Duration;

use checkpoint::{CollectOptions, Locking, Log, MergeOptions, RepairOptions, WriteOptions};

use crate::term;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// Whether to lock the directory, and to sync it; some file systems cannot
    #[arg(long, value_name = "WHEN", default_value = "if-possible")]
    lock: When,
    /// How long to wait for a lock that another program holds; 0 fails at once
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    lock_wait: Duration,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum When {
    /// Fail where the file system cannot
    Required,
    /// Go on where the file system cannot, and say so
    IfPossible,
    /// Take no lock: no other program writes in the directory
    None,
}

/// Parses a time in seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "expected a number of seconds, 0 or more".to_owned())
}

impl Args {
    fn when(&self) -> Locking {
        match self.lock {
            When::Required => Locking::Required,
            When::IfPossible => Locking::IfPossible,
            When::None => Locking::None,
        }
    }

    pub fn write(&self, options: WriteOptions) -> WriteOptions {
        options.locking(self.when()).lock_wait(self.lock_wait).log_to(log())
    }

    pub fn merge(&self, options: MergeOptions) -> MergeOptions {
        options.locking(self.when()).lock_wait(self.lock_wait).log_to(log())
    }

    pub fn collect(&self, options: CollectOptions) -> CollectOptions {
        options.locking(self.when()).lock_wait(self.lock_wait).log_to(log())
    }

    pub fn repair(&self, options: RepairOptions) -> RepairOptions {
        options.locking(self.when()).lock_wait(self.lock_wait).log_to(log())
    }
}

/// The log of the tool: standard error.
pub fn log() -> Log {
    Arc::new(|_, text| term::complain(text))
}
