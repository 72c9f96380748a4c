//! How a checkpoint is written.

use super::durability::Durability;
use crate::error::{Error, Result};

/// Most data files: TensorFlow removes only those whose number has five digits.
pub(super) const MOST_SHARDS: u32 = 99_999;
/// Largest alignment: nothing has larger pages.
const MOST_ALIGNMENT: u64 = 1 << 30;
/// How a checkpoint is written.
#[derive(Clone, Debug)]
pub struct WriteOptions {
    pub(super) shards: Option<u32>,
    pub(super) max_shard_size: Option<u64>,
    pub(super) alignment: u64,
    pub(super) threads: u32,
    pub(crate) durability: Durability,
}

impl Default for WriteOptions {
    fn default() -> WriteOptions {
        WriteOptions { shards: None, max_shard_size: None, alignment: 1, threads: 0, durability: Durability::Full }
    }
}

impl WriteOptions {
    /// The defaults.
    pub fn new() -> WriteOptions {
        WriteOptions::default()
    }

    /// The number of data files, at least 1. By default it follows from the size alone: one up to 256 MiB, then one for each 512 MiB.
    /// One more, empty, is made where a checkpoint of this name and number is being replaced.
    pub fn shards(mut self, shards: u32) -> WriteOptions {
        self.shards = Some(shards);
        self
    }

    /// No data file larger than so many bytes, as far as tensors can be cut: strings, variants, dtypes that TensorFlow cannot put together
    /// again and single elements are not, and get a larger file if need be. Instead of [`WriteOptions::shards`].
    /// (`tf.train.experimental.MaxShardSizePolicy`)
    pub fn max_shard_size(mut self, bytes: u64) -> WriteOptions {
        self.max_shard_size = Some(bytes);
        self
    }

    /// Each value begins at a multiple of so many bytes; 1 by default, as in TensorFlow. Views of values that are aligned to their
    /// elements can be used as they are.
    pub fn alignment(mut self, bytes: u64) -> WriteOptions {
        self.alignment = bytes;
        self
    }

    /// Writes with `threads` threads, the caller's among them; 0 for the library's choice. The files are the same whatever it is.
    pub fn threads(mut self, threads: u32) -> WriteOptions {
        self.threads = threads;
        self
    }

    /// What survives a power cut when the call has returned.
    pub fn durability(mut self, durability: Durability) -> WriteOptions {
        self.durability = durability;
        self
    }

    /// Fails if an option is impossible.
    pub(super) fn check(&self) -> Result<()> {
        let shards = self.shards.unwrap_or(1);
        if shards == 0 || shards > MOST_SHARDS {
            return Err(
                Error::argument("an impossible number of data files").expecting(format_args!("1 to {MOST_SHARDS}"), shards)
            );
        }
        if self.max_shard_size == Some(0) {
            return Err(Error::argument("data files of no bytes").expecting("1 or more", 0));
        }
        if self.alignment == 0 || self.alignment > MOST_ALIGNMENT {
            return Err(
                Error::argument("an impossible alignment").expecting(format_args!("1 to {MOST_ALIGNMENT}"), self.alignment)
            );
        }
        Ok(())
    }
}
