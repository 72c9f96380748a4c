//! Slices: boxes within a tensor, as the caller names them, as files store them, and resolved against a shape.

use std::fmt;
use std::str::FromStr;

use super::shape::{elements, shape_text};
use crate::error::{Code, Error, Reason, Result};

/// What a slice takes of one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// First index, 0 or more.
    pub start: i64,
    /// How many indices from there; none for the whole dimension (`start` is 0 then).
    pub length: Option<i64>,
}

impl Extent {
    /// The whole dimension.
    pub const FULL: Extent = Extent { start: 0, length: None };

    /// `length` indices from `start` on.
    pub fn range(start: i64, length: i64) -> Extent {
        Extent { start, length: Some(length) }
    }
}

/// A box within a tensor: one extent for each dimension (`TensorSlice` in TensorFlow).
///
/// As text it is TensorFlow's `shape_and_slices` spelling: extents joined by `:`, each `-` (whole) or `start,length`.
///
/// ```
/// let slice: checkpoint::Slice = "0,4:-".parse().unwrap();
/// assert_eq!(slice.extents()[0], checkpoint::Extent::range(0, 4));
/// assert_eq!(slice.to_string(), "0,4:-");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slice(Vec<Extent>);

impl Slice {
    /// A slice of the given extents. Whether it fits a tensor is checked when it is used on one.
    pub fn new(extents: Vec<Extent>) -> Slice {
        Slice(extents)
    }

    /// The whole of a tensor of `rank` dimensions.
    pub fn full(rank: usize) -> Slice {
        Slice(vec![Extent::FULL; rank])
    }

    /// The extents, one for each dimension.
    pub fn extents(&self) -> &[Extent] {
        &self.0
    }

    /// Reads the whole tensor's shape and a slice of it, `5 10 -:0,1`: TensorFlow's `shape_and_slice`, with exactly one space between items.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is not that, or the slice does not lie within the shape.
    pub fn parse_with_shape(text: &str) -> Result<(Vec<i64>, Slice)> {
        let fault = || {
            Error::argument("not a shape and a slice")
                .expecting("dimensions and a slice, each after one space", format!("\"{text}\""))
        };
        let (dims, slice) = text.rsplit_once(' ').ok_or_else(fault)?;
        let shape: Vec<i64> = dims.split(' ').map(|dim| dim.parse().map_err(|_| fault())).collect::<Result<_>>()?;
        if shape.iter().any(|&dim| dim < 0) {
            return Err(fault());
        }
        let slice: Slice = slice.parse()?;
        slice.within(&shape)?;
        Ok((shape, slice))
    }

    /// Fails if the slice does not lie within a tensor of this shape.
    pub fn check(&self, shape: &[i64]) -> Result<()> {
        self.within(shape).map(drop)
    }

    /// The box that this slice takes of a tensor of `shape`.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the rank differs, a start or length is negative, or an extent ends past its dimension.
    pub(crate) fn within(&self, shape: &[i64]) -> Result<Bounds> {
        let fault = |what: String| {
            Error::new(Code::InvalidArgument, Reason::Shape, what)
                .expecting(format!("a slice within shape {}", shape_text(shape)), format!("\"{self}\""))
        };
        if self.0.len() != shape.len() {
            return Err(fault(format!("the slice has {} dimensions, the tensor {}", self.0.len(), shape.len())));
        }
        let mut bounds = Bounds { start: Vec::with_capacity(shape.len()), length: Vec::with_capacity(shape.len()) };
        for (dim, (extent, &size)) in self.0.iter().zip(shape).enumerate() {
            let (start, length) = match extent.length {
                None => (extent.start, size),
                Some(length) => (extent.start, length),
            };
            let end = start.checked_add(length);
            if start < 0 || length < 0 || (extent.length.is_none() && start != 0) || end.is_none_or(|end| end > size) {
                return Err(fault(format!("the slice leaves dimension {dim}")));
            }
            bounds.start.push(start);
            bounds.length.push(length);
        }
        Ok(bounds)
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, extent) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(":")?;
            }
            match extent.length {
                None if extent.start == 0 => f.write_str("-")?,
                None => write!(f, "{},", extent.start)?,
                Some(length) => write!(f, "{},{}", extent.start, length)?,
            }
        }
        Ok(())
    }
}

impl FromStr for Slice {
    type Err = Error;

    /// Reads TensorFlow's spelling; as there, empty items between colons are skipped.
    fn from_str(text: &str) -> Result<Slice> {
        let fault = |item: &str| {
            Error::argument("not a slice")
                .expecting("\"-\" or \"start,length\" for each dimension, joined by \":\"", format!("\"{item}\""))
        };
        let mut extents = Vec::new();
        for item in text.split(':').filter(|item| !item.is_empty()) {
            if item == "-" {
                extents.push(Extent::FULL);
                continue;
            }
            let (start, length) = item.split_once(',').ok_or_else(|| fault(item))?;
            let start: i64 = start.parse().map_err(|_| fault(item))?;
            let length: i64 = length.parse().map_err(|_| fault(item))?;
            if start < 0 || length < 1 {
                return Err(fault(item));
            }
            extents.push(Extent::range(start, length));
        }
        Ok(Slice(extents))
    }
}

/// An extent as files keep it and tables of many keep it in memory: a length of -1 is the whole dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredExtent {
    pub start: i64,
    pub length: i64,
}

impl StoredExtent {
    pub fn is_full(self) -> bool {
        self.length < 0
    }
}

impl From<StoredExtent> for Extent {
    fn from(e: StoredExtent) -> Extent {
        Extent { start: e.start, length: (!e.is_full()).then_some(e.length) }
    }
}

impl From<Extent> for StoredExtent {
    fn from(e: Extent) -> StoredExtent {
        StoredExtent { start: e.start, length: e.length.unwrap_or(-1) }
    }
}

impl From<&[StoredExtent]> for Slice {
    fn from(extents: &[StoredExtent]) -> Slice {
        Slice(extents.iter().map(|&e| e.into()).collect())
    }
}

/// A slice resolved against a shape: known to lie within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub start: Vec<i64>,
    pub length: Vec<i64>,
}

impl Bounds {
    /// The whole of `shape`.
    pub fn whole(shape: &[i64]) -> Bounds {
        Bounds { start: vec![0; shape.len()], length: shape.to_vec() }
    }

    /// The box of a stored slice, which is known to lie within a tensor of `shape`.
    pub fn stored(extents: &[StoredExtent], shape: &[i64]) -> Bounds {
        Bounds {
            start: extents.iter().map(|e| e.start).collect(),
            length: extents.iter().zip(shape).map(|(e, &dim)| if e.is_full() { dim } else { e.length }).collect(),
        }
    }

    /// How many elements the box holds.
    pub fn elements(&self) -> u64 {
        elements(&self.length)
    }

    /// What both boxes share, if anything.
    pub fn intersect(&self, other: &Bounds) -> Option<Bounds> {
        let mut both = Bounds { start: Vec::with_capacity(self.start.len()), length: Vec::with_capacity(self.start.len()) };
        for d in 0..self.start.len() {
            let start = self.start[d].max(other.start[d]);
            let end = (self.start[d] + self.length[d]).min(other.start[d] + other.length[d]);
            if end <= start {
                return None;
            }
            both.start.push(start);
            both.length.push(end - start);
        }
        Some(both)
    }

    fn overlaps(&self, other: &Bounds) -> bool {
        (0..self.start.len()).all(|d| {
            let start = self.start[d].max(other.start[d]);
            let end = (self.start[d] + self.length[d]).min(other.start[d] + other.length[d]);
            start < end
        })
    }

    /// The runs of consecutive elements to copy for `self`, a box within both `from` and `to`: stored in `from` in row-major order,
    /// wanted in `to`. They come in ascending order of both places.
    pub fn runs(&self, from: &Bounds, to: &Bounds) -> Runs {
        if self.elements() == 0 {
            return Runs { from: 0, to: 0, run: 0, steps: Vec::new(), done: true };
        }
        // Dimensions from `inner` on are taken whole on both sides (the one before may be cut): together they are one run.
        let rank = self.length.len();
        let mut inner = rank;
        while inner > 0 && self.length[inner - 1] == from.length[inner - 1] && self.length[inner - 1] == to.length[inner - 1] {
            inner -= 1;
        }
        let outer = inner.saturating_sub(1);
        let (mut from_stride, mut to_stride) = (1u64, 1u64);
        let mut run = 1u64;
        let mut steps = Vec::with_capacity(outer);
        let (mut from_at, mut to_at) = (0u64, 0u64);
        for d in (0..rank).rev() {
            from_at += (self.start[d] - from.start[d]) as u64 * from_stride;
            to_at += (self.start[d] - to.start[d]) as u64 * to_stride;
            if d >= outer {
                run *= self.length[d] as u64;
            } else {
                steps.push(Step { count: self.length[d] as u64, at: 0, from: from_stride, to: to_stride });
            }
            from_stride = from_stride.wrapping_mul(from.length[d] as u64);
            to_stride = to_stride.wrapping_mul(to.length[d] as u64);
        }
        Runs { from: from_at, to: to_at, run, steps, done: false }
    }
}

/// Consecutive elements: `length` of them at `from` in the one place, at `to` in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub from: u64,
    pub to: u64,
    pub length: u64,
}

/// One outer dimension of the odometer, innermost first.
#[derive(Debug)]
struct Step {
    count: u64,
    at: u64,
    from: u64,
    to: u64,
}

/// Iterator over the runs of a box.
#[derive(Debug)]
pub(crate) struct Runs {
    from: u64,
    to: u64,
    run: u64,
    steps: Vec<Step>,
    done: bool,
}

impl Iterator for Runs {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        if self.done {
            return None;
        }
        let run = Run { from: self.from, to: self.to, length: self.run };
        self.done = true;
        for step in &mut self.steps {
            step.at += 1;
            self.from += step.from;
            self.to += step.to;
            if step.at < step.count {
                self.done = false;
                break;
            }
            step.at = 0;
            self.from -= step.from * step.count;
            self.to -= step.to * step.count;
        }
        Some(run)
    }
}

/// What a search for overlapping boxes found.
#[derive(Debug, PartialEq, Eq)]
enum Overlap {
    /// No two boxes share an element.
    None,
    /// These two do.
    Pair(usize, usize),
    /// Some must: together they hold more elements than the tensor.
    TooMany,
    /// More comparisons would be needed than `COMPARISONS`.
    TooCostly,
}

/// Most pairs of boxes compared in one search, so that a hostile list of slices costs a fraction of a second.
/// A square grid of 300 × 300 slices needs 13 million.
const COMPARISONS: u64 = 20_000_000;

/// Checks that no two of `boxes`, the stored slices of a tensor of `elements` elements, share an element; `name` tells a box in a message.
///
/// # Errors
/// `DATA_LOSS` when two do, `RESOURCE_EXHAUSTED` when there are too many to tell.
pub(crate) fn check_disjoint(boxes: &[Bounds], elements: u64, name: impl Fn(usize) -> Slice) -> Result<()> {
    let fault = |what: String| Err(Error::new(Code::DataLoss, Reason::Overlap, what));
    match Overlap::among(boxes, elements) {
        Overlap::None => Ok(()),
        Overlap::Pair(a, b) => fault(format!("the stored slices \"{}\" and \"{}\" overlap", name(a), name(b))),
        Overlap::TooMany => fault("the stored slices overlap: together they hold more elements than the tensor".to_owned()),
        Overlap::TooCostly => {
            Err(Error::new(Code::ResourceExhausted, Reason::Limit, "the tensor has more slices than can be checked for overlaps"))
        }
    }
}

/// The error for stored slices that hold only `covered` elements of `region`.
pub(crate) fn not_covered(region: &Bounds, covered: u64, slices: impl ExactSizeIterator<Item = Slice>) -> Error {
    let count = slices.len();
    let listed: Vec<String> = slices.take(4).map(|s| format!("\"{s}\"")).collect();
    let more = if count > listed.len() { format!(" and {} more", count - listed.len()) } else { String::new() };
    let wanted = Slice(region.start.iter().zip(&region.length).map(|(&start, &length)| Extent::range(start, length)).collect());
    Error::new(Code::InvalidArgument, Reason::Gap, "the stored slices do not cover what was asked for").expecting(
        format_args!("{} elements at \"{wanted}\"", region.elements()),
        format_args!("{covered} in slices {}{more}", listed.join(", ")),
    )
}

impl Overlap {
    /// Looks for two of `boxes`, all within a tensor of `elements` elements, that share an element.
    ///
    /// A sweep along the dimension in which the fewest pairs overlap; only these pairs are compared.
    fn among(boxes: &[Bounds], elements: u64) -> Overlap {
        let mut sum = 0u64;
        for b in boxes {
            sum = sum.saturating_add(b.elements());
            if sum > elements {
                return Overlap::TooMany;
            }
        }
        let filled: Vec<usize> = (0..boxes.len()).filter(|&i| boxes[i].elements() > 0).collect();
        let rank = match filled.first() {
            Some(&i) => boxes[i].start.len(),
            None => return Overlap::None,
        };
        if rank == 0 {
            return if filled.len() > 1 { Overlap::Pair(filled[0], filled[1]) } else { Overlap::None };
        }
        let cost = |d: usize| pairs_overlapping_in(boxes, &filled, d);
        let (dim, pairs) = match (0..rank).map(|d| (d, cost(d))).min_by_key(|&(_, pairs)| pairs) {
            Some(best) => best,
            None => return Overlap::None,
        };
        if pairs > COMPARISONS {
            return Overlap::TooCostly;
        }
        let mut order = filled;
        crate::sort::sort_by_key(&mut order, |&i| boxes[i].start[dim]);
        let mut open: Vec<usize> = Vec::new();
        for &i in &order {
            open.retain(|&j| boxes[j].start[dim] + boxes[j].length[dim] > boxes[i].start[dim]);
            if let Some(&j) = open.iter().find(|&&j| boxes[j].overlaps(&boxes[i])) {
                return Overlap::Pair(j.min(i), j.max(i));
            }
            open.push(i);
        }
        Overlap::None
    }
}

/// How many pairs of the boxes share an index of dimension `d`.
fn pairs_overlapping_in(boxes: &[Bounds], which: &[usize], d: usize) -> u64 {
    let mut starts: Vec<i64> = which.iter().map(|&i| boxes[i].start[d]).collect();
    let mut ends: Vec<i64> = which.iter().map(|&i| boxes[i].start[d] + boxes[i].length[d]).collect();
    crate::sort::sort_by(&mut starts, Ord::cmp);
    crate::sort::sort_by(&mut ends, Ord::cmp);
    let (mut ended, mut pairs) = (0usize, 0u64);
    for (begun, &start) in starts.iter().enumerate() {
        while ended < ends.len() && ends[ended] <= start {
            ended += 1;
        }
        pairs += (begun - ended) as u64;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(parts: &[(i64, i64)]) -> Bounds {
        Bounds { start: parts.iter().map(|p| p.0).collect(), length: parts.iter().map(|p| p.1).collect() }
    }

    #[test]
    fn text_is_read_as_tensorflow_reads_it() {
        for (text, extents) in [
            ("-", vec![Extent::FULL]),
            ("-:0,1", vec![Extent::FULL, Extent::range(0, 1)]),
            ("-:0,1:", vec![Extent::FULL, Extent::range(0, 1)]),
            ("", vec![]),
        ] {
            assert_eq!(text.parse::<Slice>().unwrap().extents(), extents, "{text}");
        }
        for text in ["0", "0,0", "-1,2", "a,b", "0,1,2", "--"] {
            assert_eq!(text.parse::<Slice>().unwrap_err().code(), Code::InvalidArgument, "{text}");
        }
    }

    #[test]
    fn shape_and_slice_are_read_as_tensorflow_reads_them() {
        let (shape, slice) = Slice::parse_with_shape("5 10 -:0,1").unwrap();
        assert_eq!((shape, slice.to_string()), (vec![5, 10], "-:0,1".to_owned()));
        assert_eq!(Slice::parse_with_shape("0 10 -:0,5").unwrap().0, [0, 10]);
        for text in ["", "-", "5", "5 ", " 5 -", "5  -", "5 - ", "-5 -", "x -", "5 0,6", "5 0,0", "5 10 -", "5 -:-", "5 0"] {
            assert_eq!(Slice::parse_with_shape(text).unwrap_err().code(), Code::InvalidArgument, "{text}");
        }
    }

    #[test]
    fn a_slice_must_lie_within_the_shape() {
        let shape = [4, 6];
        for (slice, fits) in [
            (vec![Extent::FULL, Extent::range(2, 4)], true),
            (vec![Extent::range(4, 0), Extent::FULL], true),
            (vec![Extent::FULL, Extent::range(3, 4)], false),
            (vec![Extent::range(-1, 2), Extent::FULL], false),
            (vec![Extent::range(1, -1), Extent::FULL], false),
            (vec![Extent::range(i64::MAX, 2), Extent::FULL], false),
            (vec![Extent::FULL], false),
            (vec![Extent { start: 1, length: None }, Extent::FULL], false),
        ] {
            assert_eq!(Slice::new(slice.clone()).within(&shape).is_ok(), fits, "{slice:?}");
        }
    }

    #[test]
    fn runs_cover_the_box_once_in_order() {
        let from = bounds(&[(2, 3), (0, 4), (1, 5)]);
        let to = bounds(&[(0, 10), (1, 2), (1, 5)]);
        let both = from.intersect(&to).unwrap();
        let mut expected = Vec::new();
        for i in 2..5 {
            for j in 1..3 {
                for k in 1..6 {
                    let at = |b: &Bounds| {
                        (((i - b.start[0]) * b.length[1] + (j - b.start[1])) * b.length[2] + (k - b.start[2])) as u64
                    };
                    expected.push((at(&from), at(&to)));
                }
            }
        }
        let got: Vec<(u64, u64)> =
            both.runs(&from, &to).flat_map(|r| (0..r.length).map(move |n| (r.from + n, r.to + n))).collect();
        assert_eq!(got, expected);
        let whole = Bounds::whole(&[3, 4]);
        assert_eq!(whole.runs(&whole, &whole).collect::<Vec<_>>(), [Run { from: 0, to: 0, length: 12 }]);
        let scalar = Bounds::whole(&[]);
        assert_eq!(scalar.runs(&scalar, &scalar).collect::<Vec<_>>(), [Run { from: 0, to: 0, length: 1 }]);
    }

    #[test]
    fn overlaps_are_found_whatever_the_direction_of_the_cut() {
        let columns: Vec<Bounds> = (0..1000).map(|i| bounds(&[(0, 5), (i, 1)])).collect();
        assert_eq!(Overlap::among(&columns, 5000), Overlap::None);
        let mut clash = columns.clone();
        clash.truncate(900);
        clash.push(bounds(&[(2, 1), (17, 1)]));
        assert_eq!(Overlap::among(&clash, 5000), Overlap::Pair(17, 900));
        assert_eq!(Overlap::among(&[bounds(&[(0, 2)]), bounds(&[(0, 2)])], 3), Overlap::TooMany);
        assert_eq!(Overlap::among(&[bounds(&[(0, 0)]), bounds(&[(0, 0)])], 3), Overlap::None);
    }
}
