//! The location of every value, planned before the first byte is written.

use super::items::Items;
use super::write_options::WriteOptions;
use crate::allocate::{filled, with_room};
use crate::error::Result;

/// Checkpoints up to this size, in bytes, use a single data file by default.
const ONE_FILE: u64 = 256 << 20;
/// Data files of larger checkpoints have about this size, in bytes.
const FILE_SIZE: u64 = 512 << 20;
/// Maximum number of data files of a checkpoint by default.
const MOST_FILES: u64 = 64;

/// The location of every value, planned before the first byte is written.
pub(super) struct Plan {
    /// Data file and offset of each item.
    pub places: Vec<(u32, u64)>,
    /// The length of each data file in bytes.
    pub lengths: Vec<u64>,
}

impl Plan {
    /// Plans items whose data files, `shards`, are already chosen.
    pub fn packed(items: &Items<'_>, shards: Vec<u32>, options: &WriteOptions) -> Result<Plan> {
        let mut lengths = filled(0u64, shards.last().map_or(1, |&last| last as usize + 1))?;
        let mut places = with_room(items.len())?;
        let place = |(bytes, shard): (u64, u32)| {
            let length = &mut lengths[shard as usize];
            let offset = *length;
            *length += bytes.next_multiple_of(options.alignment);
            (shard, offset)
        };
        places.extend(items.lengths().zip(shards).map(place));
        Ok(Plan { places, lengths })
    }

    /// Distributes the items evenly over the number of data files that was requested, or that
    /// follows from the total size.
    pub fn balanced(items: &Items<'_>, options: &WriteOptions) -> Result<Plan> {
        let aligned = |n: u64| n.next_multiple_of(options.alignment);
        let total: u64 = items.lengths().map(aligned).sum();
        let shards = match options.shards {
            Some(shards) => shards.into(),
            None if total <= ONE_FILE => 1,
            None => total.div_ceil(FILE_SIZE).clamp(2, MOST_FILES),
        };
        let share = total.div_ceil(shards).max(1);
        let mut lengths = filled(0u64, shards as usize)?;
        let mut places = with_room(items.len())?;
        let (mut shard, mut before) = (0usize, 0u64);
        for length in items.lengths() {
            // A file is full when it has its share. A value goes into the file that would contain
            // most of it.
            let size = aligned(length);
            if shard + 1 < lengths.len() && lengths[shard] > 0 && before + size / 2 >= share * (shard as u64 + 1) {
                shard += 1;
            }
            places.push((shard as u32, lengths[shard]));
            lengths[shard] += size;
            before += size;
        }
        if options.shards.is_none() {
            lengths.truncate(shard + 1); // one large value may leave no items for other files
        }
        Ok(Plan { places, lengths })
    }
}
