//! Divides payloads into groups that are read by one call each, in the order of the files: the one
//! way of reading many.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::transfer::{self, Payload, Progress, Target, Transfer, CHUNK};
use crate::allocate::TryPush;
use crate::background::Control;
use crate::error::{Error, Result};
use crate::foreign::explain_contents;
use crate::storage::File;

/// Payloads smaller than this, in bytes, are read together with those near them: copying so few
/// bytes costs less than a system call.
pub(super) const SMALL: usize = 16 << 10;

/// Gaps shorter than this, in bytes, are read rather than skipped with another system call.
pub(super) const WORTH_A_CALL: u64 = 4 << 10;

/// What is read at once: one payload, or several small ones that lie close together in a data file.
pub(super) struct Group {
    /// The indices of the payloads in their list.
    pub payloads: Range<usize>,
    file: Arc<File>,
    pub progress: Progress,
}

impl Group {
    /// Reads bytes of the data file once more.
    pub(super) fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        self.file.read_new(offset, length)
    }
}

impl Payload<'_> {
    pub(super) fn is_small(&self) -> bool {
        self.buffer.len() < SMALL as u64
    }

    /// Returns whether `next`, which does not begin before this payload, can be read by the same
    /// call as this one and others up to the offset `end`, if gaps of `gap` bytes are read.
    fn is_near(&self, next: &Payload<'_>, end: u64, gap: u64) -> bool {
        let is_close = next.shard == self.shard && next.offset <= end.saturating_add(gap);
        is_close && self.is_small() && next.is_small() && next.end().max(end) - self.offset <= CHUNK as u64
    }
}

/// Sorts payloads by their places.
pub(super) fn in_file_order(payloads: &mut [Payload<'_>]) {
    // Programs mostly read in the order in which they wrote: then there is nothing to sort.
    payloads.sort_unstable_by_key(|p| (p.shard, p.offset, p.number));
}

/// Sorts payloads by their places and divides them into groups, bridging gaps of up to `gap` bytes.
/// `open` opens a data file by its number. Checks that the data files contain all payloads.
pub(super) fn grouped(
    payloads: &mut [Payload<'_>],
    gap: u64,
    mut open: impl FnMut(u32) -> Result<Arc<File>>,
) -> Result<Vec<Group>> {
    in_file_order(payloads);
    let mut groups = Vec::new();
    let mut last: Option<(u32, Arc<File>)> = None;
    let mut rest = payloads.iter().enumerate().peekable();
    while let Some((place, first)) = rest.next() {
        let file = match last.take().filter(|(shard, _)| *shard == first.shard) {
            Some((_, file)) => file,
            None => open(first.shard).map_err(|e| e.for_tensor(first.key))?,
        };
        let check = |p: &Payload<'_>| {
            let checked = file.check_range(p.offset, p.buffer.len());
            checked.map_err(|e| explain_contents(e, &file).for_tensor(p.key))
        };
        check(first)?;
        let mut group = Group { payloads: place..place + 1, file: file.clone(), progress: Progress::default() };
        let mut end = first.end();
        while let Some((place, next)) = rest.next_if(|(_, next)| first.is_near(next, end, gap)) {
            check(next)?;
            end = end.max(next.end());
            group.payloads.end = place + 1;
        }
        groups.try_push(group)?;
        last = Some((first.shard, file));
    }
    Ok(groups)
}

/// Reads the payloads of `groups`. If several fail, returns the error of the first one in file
/// order; if the call was cancelled, that.
pub(super) fn read_groups(groups: &[Group], payloads: Vec<Payload<'_>>, threads: u32, control: &Control) -> Option<Error> {
    let mut payloads: Vec<Payload<'_>> = payloads;
    let bytes: u64 = payloads.iter().map(|p| p.buffer.len()).sum();
    let threads = transfer::threads_for(threads, bytes).min(groups.len().max(bytes.div_ceil(CHUNK as u64) as usize)).max(1);
    let scratch = groups.iter().map(|group| transfer::scratch_for(&payloads[group.payloads.clone()])).max().unwrap_or(0);
    let mut rest = &mut payloads[..];
    let transfers = groups.iter().map(|group| {
        let (those, after) = std::mem::take(&mut rest).split_at_mut(group.payloads.len());
        rest = after;
        let Payload { offset, key, crc, swap, .. } = those[0];
        let target = if those[0].is_small() { Target::Small(those) } else { Target::Memory(those[0].buffer.reborrow()) };
        Ok(Transfer { file: group.file.clone(), offset, target, crc, swap, key, progress: Some(&group.progress) })
    });
    let outcome = transfer::run(transfers, threads, scratch, false, control, &mut |_| ControlFlow::Continue(()));
    if outcome.cancelled {
        return Some(Control::error());
    }
    outcome.faults.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::super::destination::Destination;
    use super::super::read_options::{Checksums, ReadOptions};
    use super::super::reader::{Bundle, Wanted};
    use super::super::{Durability, WriteOptions, Writer};
    use crate::laboratory::rng::Rng;
    use crate::laboratory::{at, scratch};
    use crate::tensor::{DType, Slice};

    /// Many small tensors, and the parts of them that are read.
    const COUNT: usize = 20_000;
    const LENGTH: usize = 16;

    /// Reads `slice` of every tensor, in the order of `order`. Returns the number of calls that
    /// read.
    fn calls(bundle: &Bundle, order: &[usize], slice: &str, checksums: Checksums) -> u64 {
        let slice: Slice = slice.parse().unwrap();
        let region = slice.within(&[LENGTH as i64]).unwrap();
        let (first, size) = (region.start[0] as usize, region.length[0] as usize * 4);
        let mut buffers = vec![0; COUNT * size];
        let requests = order.iter().zip(buffers.chunks_mut(size));
        let requests =
            requests.map(|(&tensor, buffer)| Wanted { tensor, region: region.clone(), buffer: buffer.into() }).collect();
        let before = bundle.reading().1;
        bundle.read(requests, &ReadOptions::new().threads(1).checksums(checksums)).unwrap();
        for (&tensor, buffer) in order.iter().zip(buffers.chunks(size)) {
            let expected = (first..).take(size / 4).flat_map(|element| ((tensor * LENGTH + element) as u32).to_le_bytes());
            assert!(buffer.iter().copied().eq(expected), "tensor {tensor}");
        }
        bundle.reading().1 - before
    }

    #[test]
    fn many_small_tensors_are_read_by_as_few_calls_as_a_restore_makes() {
        let directory = scratch();
        let prefix = at(directory.path().join("ckpt"));
        let values: Vec<u8> = (0..COUNT * LENGTH).flat_map(|element| (element as u32).to_le_bytes()).collect();
        let mut writer = Writer::new(&prefix, &WriteOptions::new().durability(Durability::None)).unwrap();
        for (tensor, value) in values.chunks(4 * LENGTH).enumerate() {
            writer.add(format!("t{tensor:05}"), DType::Uint32, &[LENGTH as i64], value).unwrap();
        }
        writer.finish().unwrap();
        let bundle = Bundle::open(&prefix, None).unwrap();
        let mut buffers = vec![[0; 4 * LENGTH]; COUNT];
        let mut rows: Vec<_> = buffers.iter_mut().map(|buffer| Destination::from(&mut buffer[..])).enumerate().collect();
        bundle.read_whole(&mut rows, &ReadOptions::new().threads(1)).unwrap();
        let of_a_restore = bundle.reading().1;
        assert!(of_a_restore <= (COUNT * LENGTH * 4).div_ceil(super::CHUNK) as u64 + 1, "{of_a_restore}");
        let in_order: Vec<usize> = (0..COUNT).collect();
        let mut mixed = in_order.clone();
        let mut rng = Rng::new(1);
        (1..COUNT).rev().for_each(|i| mixed.swap(i, rng.index(i + 1)));
        for order in [in_order, mixed] {
            for (slice, checksums) in [
                ("-", Checksums::Always),
                ("-", Checksums::Never),
                // The gaps between the slices are bridged.
                ("4,8", Checksums::WhenWhole),
                ("3,1", Checksums::Never),
            ] {
                let made = calls(&bundle, &order, slice, checksums);
                assert!(made <= of_a_restore, "{slice} {checksums:?}: {made} calls, of a restore {of_a_restore}");
            }
        }
    }
}
