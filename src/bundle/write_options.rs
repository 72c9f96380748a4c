//! Options for writing a checkpoint.

use std::fmt;
use std::time::Duration;

use super::durability::Durability;
use super::lock::Access;
use super::locking::{Asked, Locking};
use crate::error::{Error, Result};
use crate::log::Log;

/// Maximum number of data files: TensorFlow removes only files whose numbers have five digits.
pub(super) const MOST_SHARDS: u32 = 99_999;
/// Maximum alignment in bytes: no machine has larger pages.
const MOST_ALIGNMENT: u64 = 1 << 30;
/// Options for writing a checkpoint.
#[derive(Clone)]
pub struct WriteOptions {
    pub(super) shards: Option<u32>,
    pub(super) max_shard_size: Option<u64>,
    pub(super) alignment: u64,
    pub(super) threads: u32,
    pub(crate) durability: Durability,
    pub(super) read_back: bool,
    /// Whether the index gets a second name, which the caller removes once a state file lists the
    /// checkpoint.
    pub(crate) announced: bool,
    pub(crate) asked: Asked,
    pub(super) log: Option<Log>,
    /// How the handle that saves takes locks; `None` if the writer stands alone.
    pub(crate) access: Option<Access>,
}

impl fmt::Debug for WriteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteOptions")
            .field("shards", &self.shards)
            .field("max_shard_size", &self.max_shard_size)
            .field("alignment", &self.alignment)
            .field("threads", &self.threads)
            .field("durability", &self.durability)
            .field("read_back", &self.read_back)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

impl Default for WriteOptions {
    fn default() -> WriteOptions {
        WriteOptions {
            shards: None,
            max_shard_size: None,
            alignment: 1,
            threads: 0,
            durability: Durability::Full,
            read_back: false,
            announced: false,
            asked: Asked::default(),
            log: None,
            access: None,
        }
    }
}

impl WriteOptions {
    /// Creates options with the defaults.
    pub fn new() -> WriteOptions {
        WriteOptions::default()
    }

    /// Sets the number of data files, at least 1. By default, the library chooses by total size
    /// alone: one up to 256 MiB, else one per 512 MiB, at most 64.
    ///
    /// If the write replaces a checkpoint of the same prefix and number of data files, it creates
    /// one more data file, which may be empty. Numbers above 99 999 make [`super::Writer::new`]
    /// fail.
    pub fn shards(mut self, shards: u32) -> WriteOptions {
        self.shards = Some(shards);
        self
    }

    /// Limits the size of a data file, in bytes; no limit by default. TensorFlow reads what is
    /// written; its own `MaxShardSizePolicy` cuts and distributes tensors in another way.
    ///
    /// Larger tensors are cut into slices. A value that cannot be cut (strings, variants, dtypes
    /// whose slices TensorFlow cannot reassemble, single elements) gets a larger data file if
    /// needed. A limit overrides [`WriteOptions::shards`].
    pub fn max_shard_size(mut self, bytes: u64) -> WriteOptions {
        self.max_shard_size = Some(bytes);
        self
    }

    /// Aligns each value in its data file to a multiple of `bytes`; 1 by default, as in TensorFlow.
    /// Values aligned to their element size can be used directly through views.
    pub fn alignment(mut self, bytes: u64) -> WriteOptions {
        self.alignment = bytes;
        self
    }

    /// Sets the number of writing threads, the calling thread included; 0, the default, lets the
    /// library choose. There are never more than one for every 256 KiB, nor more than eight per
    /// processor. The files are the same for any number of threads.
    pub fn threads(mut self, threads: u32) -> WriteOptions {
        self.threads = threads;
        self
    }

    /// Sets what survives a power failure after the checkpoint is written.
    pub fn durability(mut self, durability: Durability) -> WriteOptions {
        self.durability = durability;
        self
    }

    /// Sets whether the directory is locked; [`Locking::IfPossible`] by default.
    pub fn locking(mut self, locking: Locking) -> WriteOptions {
        self.asked.locking = Some(locking);
        self
    }

    /// Sets how long to wait for a lock that another process or thread holds; 60 seconds by
    /// default. Zero fails at once.
    pub fn lock_wait(mut self, limit: Duration) -> WriteOptions {
        self.asked.wait = Some(limit);
        self
    }

    /// Sets the log of a [`super::Writer`], which hears that the file system has no locks and the
    /// like. A checkpoint, manager or saver has a log of its own.
    pub fn log_to(mut self, log: Log) -> WriteOptions {
        self.log = Some(log);
        self
    }

    /// Sets whether the files are read back and compared with what was written before they are
    /// published, from the disk rather than from the page cache where the system allows it. If they
    /// differ, the write fails with `DATA_LOSS`, and an existing checkpoint stays. This costs
    /// another read of all bytes; the files are synced for it whatever the durability. False by
    /// default.
    pub fn read_back(mut self, read_back: bool) -> WriteOptions {
        self.read_back = read_back;
        self
    }

    /// Checks that all options are in range.
    pub(super) fn check(&self) -> Result<()> {
        let shards = self.shards.unwrap_or(1);
        if shards == 0 || shards > MOST_SHARDS {
            return Err(
                Error::argument("the number of data files is out of range").expecting(format_args!("1 to {MOST_SHARDS}"), shards)
            );
        }
        if self.max_shard_size == Some(0) {
            return Err(Error::argument("the maximum size of a data file is out of range").expecting("1 byte or more", 0));
        }
        if self.alignment == 0 || self.alignment > MOST_ALIGNMENT {
            return Err(
                Error::argument("the alignment is out of range").expecting(format_args!("1 to {MOST_ALIGNMENT}"), self.alignment)
            );
        }
        Ok(())
    }
}
