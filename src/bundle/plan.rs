//! Where every value goes, before the first byte is written.

use super::items::Items;
use super::write_options::WriteOptions;

/// Up to so many bytes a checkpoint has one data file, unless its writer says otherwise.
const ONE_FILE: u64 = 256 << 20;
/// Of larger ones a data file has about so many,
const FILE_SIZE: u64 = 512 << 20;
/// and no checkpoint has more than so many.
const MOST_FILES: u64 = 64;

/// Where every value goes, before the first byte is written.
pub(super) struct Plan {
    /// Data file and offset of each item.
    pub places: Vec<(u32, u64)>,
    /// The length of each data file.
    pub lengths: Vec<u64>,
}

impl Plan {
    /// Items in the data files they were given.
    pub fn packed(items: &Items<'_>, shards: Vec<u32>, options: &WriteOptions) -> Plan {
        let mut lengths = vec![0u64; shards.last().map_or(1, |&last| last as usize + 1)];
        let place = |(bytes, shard): (u64, u32)| {
            let length = &mut lengths[shard as usize];
            let offset = *length;
            *length += bytes.next_multiple_of(options.alignment);
            (shard, offset)
        };
        let places = items.lengths().zip(shards).map(place).collect();
        Plan { places, lengths }
    }

    /// As many data files as asked for, or as the size suggests, about equally full.
    pub fn balanced(items: &Items<'_>, options: &WriteOptions) -> Plan {
        let aligned = |n: u64| n.next_multiple_of(options.alignment);
        let total: u64 = items.lengths().map(aligned).sum();
        let shards = match options.shards {
            Some(shards) => shards.into(),
            None if total <= ONE_FILE => 1,
            None => total.div_ceil(FILE_SIZE).clamp(2, MOST_FILES),
        };
        let share = total.div_ceil(shards).max(1);
        let mut lengths = vec![0u64; shards as usize];
        let mut places = Vec::with_capacity(items.len());
        let (mut shard, mut before) = (0usize, 0u64);
        for length in items.lengths() {
            // A file is full when it has its share; a value goes where most of it would lie.
            let size = aligned(length);
            if shard + 1 < lengths.len() && lengths[shard] > 0 && before + size / 2 >= share * (shard as u64 + 1) {
                shard += 1;
            }
            places.push((shard as u32, lengths[shard]));
            lengths[shard] += size;
            before += size;
        }
        if options.shards.is_none() {
            lengths.truncate(shard + 1); // one large value makes no files for others
        }
        Plan { places, lengths }
    }
}
