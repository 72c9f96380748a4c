//! Reads tensors of any size in bounded memory: regions of a tensor, and values in pieces.

use checkpoint::{Checksums, Extent, ReadOptions, Slice, Tensor};

use crate::failure::Outcome;

/// The maximum number of bytes of a fixed-size tensor that are held at a time.
const PIECE: u64 = 64 << 20;

/// A box within a tensor of a fixed-size dtype: for each dimension the first index and the number
/// of indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    pub start: Vec<i64>,
    pub length: Vec<i64>,
}

impl Region {
    /// Returns the region of a whole tensor of shape `shape`.
    pub fn whole(shape: &[i64]) -> Region {
        Region { start: vec![0; shape.len()], length: shape.to_vec() }
    }

    /// Returns the number of elements. It cannot overflow: a region lies within a tensor, whose
    /// number of elements the library has checked.
    pub fn elements(&self) -> u64 {
        if self.length.contains(&0) {
            return 0;
        }
        self.length.iter().map(|&n| n as u64).product()
    }

    /// Returns whether it is the region of a whole tensor of shape `shape`.
    pub fn is_whole(&self, shape: &[i64]) -> bool {
        self.length == shape
    }

    /// Returns the region that a slice of a tensor of shape `shape` covers.
    fn of_slice(slice: &Slice, shape: &[i64]) -> Region {
        let extents = slice.extents();
        Region {
            start: extents.iter().map(|extent| extent.start).collect(),
            length: extents.iter().zip(shape).map(|(extent, &size)| extent.length.unwrap_or(size)).collect(),
        }
    }

    /// Returns whether the two regions have an element in common.
    fn meets(&self, other: &Region) -> bool {
        let starts = self.start.iter().zip(&other.start);
        let lengths = self.length.iter().zip(&other.length);
        starts.zip(lengths).all(|((a, b), (a_length, b_length))| *a.max(b) < (a + a_length).min(b + b_length))
    }

    /// Returns the region as a slice of the library.
    pub fn slice(&self) -> Slice {
        Slice::new(self.start.iter().zip(&self.length).map(|(&start, &length)| Extent::range(start, length)).collect())
    }
}

/// A tensor of a fixed-size dtype that is read in pieces.
///
/// The checksum of a stored record covers the whole record, so each verified read of a part reads
/// all of it. Therefore every record is verified only when it is first read.
pub struct Source<'a> {
    tensor: Tensor<'a>,
    element_size: u64,
    /// The region of each stored record, and whether the record has been verified.
    records: Vec<(Region, bool)>,
}

impl<'a> Source<'a> {
    pub fn new(tensor: Tensor<'a>) -> Source<'a> {
        let mut records: Vec<(Region, bool)> =
            tensor.slices().iter().map(|slice| (Region::of_slice(slice, tensor.shape()), false)).collect();
        if records.is_empty() {
            records.push((Region::whole(tensor.shape()), false));
        }
        Source { tensor, element_size: tensor.dtype().size().unwrap_or(1) as u64, records }
    }

    /// Returns whether a region is small enough to be read in one piece.
    pub fn fits(&self, region: &Region) -> bool {
        region.elements().saturating_mul(self.element_size) <= PIECE
    }

    /// Reads a region that fits; the bytes are row-major and little-endian.
    pub fn read(&mut self, region: &Region) -> Outcome<Vec<u8>> {
        if region.is_whole(self.tensor.shape()) {
            return Ok(self.tensor.read()?);
        }
        let checked = self.records.iter().all(|(record, checked)| *checked || !record.meets(region));
        let checksums = if checked { Checksums::Never } else { Checksums::Always };
        let mut bytes = vec![0; (region.elements() * self.element_size) as usize];
        if !bytes.is_empty() {
            self.tensor.read_slice_into(&region.slice(), &mut bytes, &ReadOptions::default().checksums(checksums))?;
        }
        for (record, checked) in &mut self.records {
            *checked |= record.meets(region);
        }
        Ok(bytes)
    }

    /// Reads a region of any size and passes its bytes to `take`, row-major and little-endian, in
    /// pieces of bounded size.
    pub fn for_each(&mut self, region: &Region, mut take: impl FnMut(&[u8]) -> Outcome) -> Outcome {
        if self.fits(region) {
            return take(&self.read(region)?);
        }
        for piece in split(region, PIECE / self.element_size) {
            take(&self.read(&piece)?)?;
        }
        Ok(())
    }
}

/// Splits a region into boxes of at most `limit` elements each, in row-major order.
fn split(region: &Region, limit: u64) -> impl Iterator<Item = Region> + '_ {
    // The dimension to split: what is inside one index of it fits, what is inside one index of the
    // dimension before does not.
    let mut inside = 1u64;
    let mut cut = region.length.len();
    while cut > 0 && inside.saturating_mul(region.length[cut - 1] as u64) <= limit {
        cut -= 1;
        inside *= region.length[cut] as u64;
    }
    let cut = cut.saturating_sub(1);
    let step = (limit / inside.max(1)).clamp(1, i64::MAX as u64) as i64;

    let mut next = (region.elements() > 0).then(|| vec![0i64; (cut + 1).min(region.length.len())]);
    std::iter::from_fn(move || {
        let at = next.take()?;
        let mut piece = region.clone();
        for (dim, &index) in at.iter().enumerate() {
            piece.start[dim] += index;
            piece.length[dim] = if dim == cut { step.min(region.length[dim] - index) } else { 1 };
        }
        // Advance like an odometer; the split dimension advances in steps.
        let mut on = at;
        for dim in (0..on.len()).rev() {
            on[dim] += if dim == cut { step } else { 1 };
            if on[dim] < region.length[dim] {
                next = Some(on);
                break;
            }
            on[dim] = 0;
        }
        Some(piece)
    })
}

/// Returns `count` elements of a tensor of shape `shape`, from the element number `from` in
/// row-major order, as consecutive boxes.
pub fn flat(shape: &[i64], from: u64, count: u64) -> Vec<Region> {
    let mut boxes = Vec::new();
    let (mut at, end) = (from, from + count);
    while at < end {
        // The outermost dimension with a whole index that begins here and ends before `end`.
        let mut inside: u64 = shape.iter().skip(1).map(|&n| n as u64).product();
        let mut dim = 0;
        while dim + 1 < shape.len() && (at % inside != 0 || inside > end - at) {
            dim += 1;
            inside /= shape[dim] as u64;
        }
        let mut region = Region { start: vec![0; shape.len()], length: shape.to_vec() };
        let mut taken = 1;
        if dim < shape.len() {
            let mut outer = at / inside;
            let first = outer % shape[dim] as u64;
            let indices = ((end - at) / inside).min(shape[dim] as u64 - first);
            (region.start[dim], region.length[dim]) = (first as i64, indices as i64);
            outer /= shape[dim] as u64;
            for before in (0..dim).rev() {
                (region.start[before], region.length[before]) = ((outer % shape[before] as u64) as i64, 1);
                outer /= shape[before] as u64;
            }
            taken = indices * inside;
        }
        boxes.push(region);
        at += taken;
    }
    boxes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row-major positions of a region's elements in a tensor of shape `shape`.
    fn positions(region: &Region, shape: &[i64]) -> Vec<i64> {
        let mut out = vec![0];
        for (dim, &size) in shape.iter().enumerate() {
            let range = region.start[dim]..region.start[dim] + region.length[dim];
            out = out.into_iter().flat_map(|base| range.clone().map(move |i| base * size + i)).collect();
        }
        out
    }

    #[test]
    fn pieces_follow_each_other_and_keep_to_the_limit() {
        let shape = [5, 4, 3];
        let region = Region { start: vec![1, 0, 1], length: vec![4, 4, 2] };
        for limit in 1..=40 {
            let pieces: Vec<Region> = split(&region, limit).collect();
            assert!(pieces.iter().all(|piece| piece.elements() <= limit), "limit {limit}");
            let joined: Vec<i64> = pieces.iter().flat_map(|piece| positions(piece, &shape)).collect();
            assert_eq!(joined, positions(&region, &shape), "limit {limit}");
        }
    }

    #[test]
    fn flat_ranges_are_boxes_that_follow_each_other() {
        let shape = [3, 4, 5];
        let all = positions(&Region::whole(&shape), &shape);
        for from in 0..60 {
            for count in 0..=60 - from {
                let boxes = flat(&shape, from as u64, count as u64);
                let joined: Vec<i64> = boxes.iter().flat_map(|region| positions(region, &shape)).collect();
                assert_eq!(joined, all[from..from + count], "{count} from {from}");
                assert!(boxes.len() <= 5);
            }
        }
        assert_eq!(flat(&shape, 0, 60), [Region::whole(&shape)]);
        assert_eq!(flat(&[], 0, 1), [Region::whole(&[])]);
        assert_eq!(flat(&[4, 0], 0, 0), []);
    }

    #[test]
    fn regions_meet_where_they_share_an_element() {
        let region = |start: [i64; 2], length: [i64; 2]| Region { start: start.to_vec(), length: length.to_vec() };
        assert!(region([0, 0], [2, 2]).meets(&region([1, 1], [5, 5])));
        assert!(!region([0, 0], [2, 2]).meets(&region([0, 2], [2, 2])));
        assert!(!region([0, 0], [2, 0]).meets(&region([0, 0], [2, 2])));
        assert!(Region::whole(&[]).meets(&Region::whole(&[])));
    }

    #[test]
    fn scalars_are_one_piece_and_empty_regions_none() {
        assert_eq!(split(&Region::whole(&[]), 8).collect::<Vec<_>>(), [Region::whole(&[])]);
        assert_eq!(split(&Region::whole(&[3, 0]), 8).count(), 0);
    }
}
