//! Reads many whole tensors at once for a restore, which needs to know the outcome for each of
//! them.

use std::cmp::Ordering;

use super::destination::Destination;
use super::groups::{grouped, in_file_order, read_groups, Group, WORTH_A_CALL};
use super::read_options::{Checksums, ReadOptions};
use super::reader::{Bundle, Wanted};
use super::transfer::{self, Payload, CHUNK};
use crate::allocate::{copy, filled, with_room};
use crate::error::{Error, Result};
use crate::format::crc;
use crate::tensor::Bounds;

/// The outcome for a tensor in a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All of it was read, and its checksum matches.
    Whole,
    /// It was read partially, or the bytes read are not correct.
    Torn,
    /// Its buffer is unchanged.
    Untouched,
}

/// Returns the outcome for the payload at index `place` of a group.
fn fate(group: &Group, place: usize, payload: &mut Payload<'_>) -> Fate {
    let done = group.progress.done();
    let has_begun = if payload.is_small() { done > place as u64 } else { group.progress.has_begun() };
    if !has_begun {
        return Fate::Untouched;
    }
    let is_read = payload.is_small() || done == payload.buffer.len();
    if is_read && is_right(group, payload) {
        Fate::Whole
    } else {
        Fate::Torn
    }
}

/// Returns whether the buffer of a payload has what it should have, by its checksum. If elements
/// were converted, they are read once more for that.
fn is_right(group: &Group, payload: &mut Payload<'_>) -> bool {
    let Some(crc) = payload.crc else { return true };
    let mut sum = crc::Crc::new();
    if let Some(buffer) = payload.buffer.plain() {
        for piece in buffer.chunks(CHUNK) {
            // Without memory to look, it is taken for torn.
            let Ok(mut stored) = copy(piece) else { return false };
            transfer::swap(&mut stored, payload.swap);
            sum.update(&stored);
        }
        return crc == crc::mask(sum.value());
    }
    let (mut at, length) = (0, payload.buffer.len());
    while at < length {
        let Ok(mut stored) = group.read(payload.offset + at, (length - at).min(CHUNK as u64)) else { return false };
        sum.update(&stored);
        transfer::swap(&mut stored, payload.swap);
        if !payload.buffer.has(at, &stored) {
            return false;
        }
        at += stored.len() as u64;
    }
    crc == crc::mask(sum.value())
}

impl Bundle {
    /// Reads whole tensors of fixed-size dtypes into buffers of their sizes, with several threads.
    /// On failure also returns the outcome for each tensor; none if all are untouched.
    pub fn read_whole(
        &self,
        rows: &mut [(usize, Destination<'_>)],
        options: &ReadOptions,
    ) -> std::result::Result<(), (Error, Vec<Fate>)> {
        let count = rows.len();
        // What became of them can be told even if memory runs out later.
        let mut fates = filled(Fate::Untouched, count).map_err(untouched)?;
        let mut payloads = self.plan_whole(rows).map_err(untouched)?;
        let groups = grouped(&mut payloads, WORTH_A_CALL, |shard| self.shard(shard)).map_err(untouched)?;
        if options.checksums == Checksums::Never {
            payloads.iter_mut().for_each(|payload| payload.crc = None);
        }
        if let Some(fault) = read_groups(&groups, payloads, options.threads, &options.control) {
            match self.plan_whole(rows) {
                Ok(mut payloads) => {
                    in_file_order(&mut payloads);
                    for group in &groups {
                        for (place, payload) in payloads[group.payloads.clone()].iter_mut().enumerate() {
                            fates[payload.number] = fate(group, place, payload);
                        }
                    }
                }
                // Any of them may be torn.
                Err(_) => fates.fill(Fate::Torn),
            }
            return Err((fault, fates));
        }
        // Partitioned tensors are read by one call each, so that it is known which one failed.
        for number in 0..count {
            let (tensor, buffer) = &mut rows[number];
            let row = self.index().tensor(*tensor);
            if !row.is_partitioned() {
                continue;
            }
            let wanted = Wanted { tensor: *tensor, region: Bounds::whole(row.shape), buffer: buffer.reborrow() };
            let (own, read) = match options.control.check() {
                Ok(()) => (Fate::Torn, self.read(vec![wanted], options)),
                Err(e) => (Fate::Untouched, Err(e)),
            };
            if let Err(e) = read {
                let fate = |(later, (tensor, _)): (usize, &(usize, Destination<'_>))| match later.cmp(&number) {
                    Ordering::Equal => own,
                    Ordering::Greater if self.index().tensor(*tensor).is_partitioned() => Fate::Untouched,
                    _ => Fate::Whole,
                };
                fates.iter_mut().zip(rows.iter().enumerate().map(fate)).for_each(|(place, fate)| *place = fate);
                return Err((e, fates));
            }
        }
        Ok(())
    }

    /// Returns the tensors that are stored whole.
    fn plan_whole<'b>(&'b self, rows: &'b mut [(usize, Destination<'_>)]) -> Result<Vec<Payload<'b>>> {
        let mut payloads = with_room(rows.len())?;
        for (number, (tensor, buffer)) in rows.iter_mut().enumerate() {
            let row = self.index().tensor(*tensor);
            if !row.is_partitioned() {
                let (crc, swap, buffer) = (Some(row.crc), self.swap_unit(row.dtype), buffer.reborrow());
                payloads.push(Payload { number, shard: row.shard, offset: row.offset, buffer, crc, swap, key: row.key });
            }
        }
        Ok(payloads)
    }
}

/// The error of a call that has read nothing.
fn untouched(fault: Error) -> (Error, Vec<Fate>) {
    (fault, Vec::new())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::entry::{put_entry, put_header, Endianness};
    use super::super::groups::SMALL;
    use super::super::index::Index;
    use super::super::{Durability, WriteOptions, Writer};
    use super::*;
    use crate::error::{Code, Reason};
    use crate::laboratory::rng::Rng;
    use crate::laboratory::{at, scratch};
    use crate::storage::Location;
    use crate::table::TableWriter;
    use crate::tensor::DType;

    const FILL: u8 = 0xa5;

    /// A checkpoint and its content.
    struct Layout {
        _directory: tempfile::TempDir,
        prefix: Location,
        /// The values by key, which is also the order of the index.
        values: Vec<(String, Vec<u8>)>,
    }

    /// Writes tensors of all sizes at which the behavior changes, in random order, some of them
    /// partitioned.
    fn layout(rng: &mut Rng, partitioned: bool) -> Layout {
        let directory = scratch();
        let prefix = at(directory.path().join("ckpt"));
        let sizes = [0, 1, 7, 100, 1000, 4096, SMALL - 1, SMALL, CHUNK, CHUNK + 1, 2 * CHUNK + 5];
        let mut values: Vec<(String, Vec<u8>)> = Vec::new();
        for i in 0..20 + rng.index(30) {
            let most = [5, 5, 5, sizes.len()][rng.index(4)];
            let size = (sizes[rng.index(most)] + rng.index(3)).next_multiple_of(4);
            values.push((format!("t{i:03}"), (0..size).map(|_| rng.next() as u8).collect()));
        }
        let mut order: Vec<usize> = (0..values.len()).collect();
        shuffle(&mut order, rng);
        let options = WriteOptions::new().durability(Durability::None).shards(1 + rng.index(3) as u32);
        let options = options.alignment([1, 64, 8192][rng.index(3)]);
        let mut writer = Writer::new(&prefix, &options).unwrap();
        for (key, value) in order.iter().map(|&i| &values[i]) {
            let elements = value.len() / 4;
            if partitioned && elements > 1 && rng.index(5) == 0 {
                let (front, back) = value.split_at(4);
                for (slice, part) in [("0,1".to_owned(), front), (format!("1,{}", elements - 1), back)] {
                    writer.add_slice(key, DType::Int32, &[elements as i64], &slice.parse().unwrap(), part).unwrap();
                }
            } else {
                writer.add(key, DType::Int32, &[elements as i64], value).unwrap()
            }
        }
        writer.finish().unwrap();
        Layout { _directory: directory, prefix, values }
    }

    impl Layout {
        fn open(&self) -> Bundle {
            Bundle::open(&self.prefix, None).unwrap()
        }

        /// Declares the same bytes to be of the other byte order.
        fn make_big_endian(&mut self) {
            let index = Index::load(&self.prefix, None, false, &mut Err).unwrap();
            let mut bytes = Vec::new();
            let mut sink = |more: &[u8]| {
                bytes.extend_from_slice(more);
                Ok(())
            };
            let mut table = TableWriter::new(&mut sink);
            let mut value = Vec::new();
            put_header(&mut value, index.header().shards, Endianness::Big);
            table.add(b"", &value).unwrap();
            for row in index.all_rows() {
                value.clear();
                put_entry(&mut value, row.dtype, row.shape, row.shard, row.offset, row.size, row.crc);
                table.add(row.key, &value).unwrap();
            }
            table.finish().unwrap();
            fs::write(index.path(), bytes).unwrap();
            self.values.iter_mut().for_each(|(_, value)| transfer::swap(value, 4));
        }
    }

    fn shuffle<T>(items: &mut [T], rng: &mut Rng) {
        (1..items.len()).rev().for_each(|i| items.swap(i, rng.index(i + 1)));
    }

    type Failure = (Error, Vec<Fate>);

    /// Reads `tensors` and returns the buffers and the outcome.
    fn read(
        bundle: &Bundle,
        tensors: &[usize],
        values: &[(String, Vec<u8>)],
        options: &ReadOptions,
    ) -> (Vec<Vec<u8>>, Option<Failure>) {
        let mut buffers: Vec<Vec<u8>> = tensors.iter().map(|&t| vec![FILL; values[t].1.len()]).collect();
        let mut rows: Vec<_> = tensors.iter().copied().zip(buffers.iter_mut().map(|b| Destination::from(&mut b[..]))).collect();
        let outcome = bundle.read_whole(&mut rows, options).err();
        (buffers, outcome)
    }

    /// Asserts that each fate describes its buffer, and that only `faulty` tensors are torn.
    fn check_fates(
        tensors: &[usize],
        buffers: &[Vec<u8>],
        values: &[(String, Vec<u8>)],
        fates: &[Fate],
        faulty: impl Fn(usize) -> bool,
    ) {
        for ((&tensor, buffer), fate) in tensors.iter().zip(buffers).zip(fates) {
            let (key, value) = &values[tensor];
            match fate {
                Fate::Whole => assert!(buffer == value, "{key} is not whole"),
                Fate::Untouched => assert!(buffer.iter().all(|&b| b == FILL), "{key} was touched"),
                Fate::Torn => assert!(faulty(tensor), "{key} is torn"),
            }
        }
    }

    #[test]
    fn any_rows_in_any_order_are_read() {
        let mut rng = Rng::new(1);
        for round in 0..40 {
            let mut layout = layout(&mut rng, round % 4 != 0);
            if round % 4 == 0 {
                layout.make_big_endian();
            }
            let bundle = layout.open();
            let mut tensors: Vec<usize> = (0..layout.values.len()).filter(|_| rng.index(8) > 0).collect();
            tensors.push(tensors[rng.index(tensors.len())]); // one of them twice
            shuffle(&mut tensors, &mut rng);
            let checksums = [Checksums::Always, Checksums::Never][rng.index(2)];
            let options = ReadOptions::new().threads(1 + rng.index(3) as u32).checksums(checksums);
            let (buffers, outcome) = read(&bundle, &tensors, &layout.values, &options);
            assert!(outcome.is_none(), "{outcome:?}");
            for (tensor, buffer) in tensors.iter().zip(&buffers) {
                assert!(*buffer == layout.values[*tensor].1, "round {round}, {}", layout.values[*tensor].0);
            }
        }
    }

    /// The reads of a program that restores a tensor under another partitioning.
    #[test]
    fn of_partitioned_tensors_hardly_more_is_read_than_is_needed() {
        let directory = scratch();
        let shape = [96i64, 4000];
        let value: Vec<u8> = (0..shape[0] * shape[1]).flat_map(|n| (n as u32).to_le_bytes()).collect();
        let prefix = directory.path().join("ckpt");
        let mut writer = Writer::new(&prefix, &WriteOptions::new().durability(Durability::None)).unwrap();
        let row = shape[1] as usize * 4;
        for (key, rows) in [("whole", 96), ("four", 24), ("many", 1)] {
            for (number, part) in value.chunks(rows * row).enumerate() {
                let slice = format!("{},{rows}:-", number * rows).parse().unwrap();
                writer.add_slice(key, DType::Uint32, &shape, &slice, part).unwrap();
            }
        }
        writer.finish().unwrap();
        for key in ["whole", "four", "many"] {
            // Rows; columns of all widths at which the gaps between them are short; and regions
            // that begin and end anywhere.
            for (start, length) in [
                ([0, 0], [32, 4000]),
                ([10, 0], [55, 4000]),
                ([0, 0], [96, 2000]),
                ([0, 3000], [96, 900]),
                ([0, 100], [96, 3899]),
                ([5, 3], [90, 1]),
                ([24, 1], [24, 3998]),
                ([95, 3999], [1, 1]),
            ] {
                let region = Bounds { start: start.to_vec(), length: length.to_vec() };
                let needed = (length[0] * length[1] * 4) as u64;
                let reader = crate::reader::Reader::open(&prefix).unwrap();
                let tensor = reader.find(key.as_bytes()).unwrap();
                let mut buffer = vec![FILL; needed as usize];
                reader.read_region(tensor, &region, (&mut buffer[..]).into(), &ReadOptions::new()).unwrap();
                let whole = Bounds::whole(&shape);
                let expected: Vec<u8> = region
                    .runs(&whole, &region)
                    .flat_map(|run| value[run.from as usize * 4..][..run.length as usize * 4].to_vec())
                    .collect();
                assert!(buffer == expected, "{key} {start:?} {length:?}");
                let read = reader.reading().0;
                assert!((needed..=needed + needed / 20).contains(&read), "{key} {start:?} {length:?}: {read} for {needed}");
            }
        }
    }

    #[test]
    fn a_damaged_tensor_is_named_and_what_became_of_the_others_is_known() {
        let mut rng = Rng::new(2);
        for round in 0..4 {
            let mut layout = layout(&mut rng, round != 0);
            if round == 0 {
                layout.make_big_endian();
            }
            let bundle = layout.open();
            let mut tensors: Vec<usize> = (0..layout.values.len()).collect();
            shuffle(&mut tensors, &mut rng);
            for damaged in 0..layout.values.len() {
                let row = bundle.index().tensor(damaged);
                let stored = if row.is_partitioned() {
                    bundle.index().row(row.slices().last().and_then(|s| s.record).unwrap())
                } else {
                    row
                };
                if stored.size == 0 {
                    continue;
                }
                let at = stored.offset as usize + rng.index(stored.size as usize);
                let flip = || {
                    let path = bundle.shard_path(stored.shard);
                    let mut bytes = fs::read(&path).unwrap();
                    bytes[at] ^= 0x10;
                    fs::write(&path, bytes).unwrap();
                };
                flip();
                let threads = 1 + rng.index(2) as u32;
                let damaged_bundle = layout.open();
                let (buffers, outcome) = read(&damaged_bundle, &tensors, &layout.values, &ReadOptions::new().threads(threads));
                let (error, fates) = outcome.unwrap();
                assert_eq!((error.code(), error.reason()), (Code::DataLoss, Reason::Checksum), "{error}");
                assert_eq!(error.tensor(), Some(layout.values[damaged].0.as_bytes()));
                // With two threads, another tensor may have been in progress.
                let may_be_torn = |t: usize| t == damaged || threads > 1 && layout.values[t].1.len() >= CHUNK;
                check_fates(&tensors, &buffers, &layout.values, &fates, may_be_torn);
                let own = fates[tensors.iter().position(|&t| t == damaged).unwrap()];
                let is_small = stored.size < SMALL as u64 && !row.is_partitioned();
                assert_eq!(own, if is_small { Fate::Untouched } else { Fate::Torn });
                flip();
            }
        }
    }

    #[test]
    fn a_file_cut_short_while_it_is_open_is_read_as_far_as_it_goes() {
        let mut rng = Rng::new(3);
        let layout = layout(&mut rng, false);
        let tensors: Vec<usize> = (0..layout.values.len()).collect();
        for cut in &tensors {
            let bundle = layout.open();
            let row = bundle.index().tensor(*cut);
            if row.size == 0 {
                continue;
            }
            (0..bundle.index().header().shards).for_each(|shard| drop(bundle.shard(shard).unwrap()));
            let path = bundle.shard_path(row.shard);
            let bytes = fs::read(&path).unwrap();
            let end = row.offset + rng.index(row.size as usize) as u64;
            fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(end).unwrap();
            let (buffers, outcome) = read(&bundle, &tensors, &layout.values, &ReadOptions::new().threads(1));
            let (error, fates) = outcome.unwrap();
            assert_eq!((error.code(), error.reason()), (Code::DataLoss, Reason::Truncated), "{error}");
            assert_eq!(error.tensor(), Some(row.key));
            check_fates(&tensors, &buffers, &layout.values, &fates, |t| t == *cut);
            for (&tensor, fate) in tensors.iter().zip(&fates) {
                let other = bundle.index().tensor(tensor);
                let is_before = (other.shard, other.offset) < (row.shard, row.offset);
                assert!(!is_before || *fate == Fate::Whole, "{}", layout.values[tensor].0);
            }
            fs::write(&path, &bytes).unwrap();
        }
    }

    #[test]
    fn nothing_is_read_when_a_data_file_is_known_to_be_too_short() {
        let layout = layout(&mut Rng::new(4), false);
        let bundle = layout.open();
        let last = bundle.index().all_rows().max_by_key(|row| (row.shard, row.offset + row.size)).unwrap();
        let file = fs::OpenOptions::new().write(true).open(bundle.shard_path(last.shard)).unwrap();
        file.set_len(last.offset + last.size - 1).unwrap();
        let bundle = layout.open();
        let last = bundle.index().all_rows().max_by_key(|row| (row.shard, row.offset + row.size)).unwrap();
        let tensors: Vec<usize> = (0..layout.values.len()).collect();
        let (buffers, outcome) = read(&bundle, &tensors, &layout.values, &ReadOptions::new());
        let (error, fates) = outcome.unwrap();
        assert_eq!((error.reason(), error.tensor()), (Reason::Truncated, Some(last.key)), "{error}");
        assert!(fates.iter().all(|&fate| fate == Fate::Untouched));
        check_fates(&tensors, &buffers, &layout.values, &fates, |_| false);
    }
}
