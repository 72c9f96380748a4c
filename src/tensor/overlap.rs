//! Checks whether the stored slices of a tensor overlap, and reports regions that they do not
//! cover.

use super::bounds::Bounds;
use super::extent::Extent;
use super::slice::Slice;
use crate::allocate::{list_of, TryPush};
use crate::error::{Code, Error, Reason, Result};

/// The result of a search for overlapping boxes.
#[derive(Debug, PartialEq, Eq)]
enum Overlap {
    /// No two boxes share an element.
    None,
    /// The boxes with these two indices share an element.
    Pair(usize, usize),
    /// Some boxes must overlap: together they hold more elements than the tensor.
    TooMany,
    /// The search would need more comparisons than `COMPARISONS`.
    TooCostly,
}

/// Maximum number of pairs of boxes compared in one search, so that a hostile list of slices costs
/// only a fraction of a second. A square grid of 300 × 300 slices needs 13 million comparisons.
const COMPARISONS: u64 = 20_000_000;

/// Checks that no two of `boxes`, the stored slices of a tensor of `elements` elements, share an
/// element. `name` returns the slice of a box, for messages.
///
/// # Errors
/// * `DATA_LOSS` (`Overlap`): two boxes overlap.
/// * `RESOURCE_EXHAUSTED` (`Limit`): there are too many boxes to check.
pub(crate) fn check_disjoint(boxes: &[Bounds], elements: u64, name: impl Fn(usize) -> Slice) -> Result<()> {
    let fault = |what: String| Err(Error::new(Code::DataLoss, Reason::Overlap, what));
    match Overlap::among(boxes, elements)? {
        Overlap::None => Ok(()),
        Overlap::Pair(a, b) => fault(format!("the stored slices \"{}\" and \"{}\" overlap", name(a), name(b))),
        Overlap::TooMany => fault("the stored slices overlap: together they hold more elements than the tensor".to_owned()),
        Overlap::TooCostly => {
            Err(Error::new(Code::ResourceExhausted, Reason::Limit, "the tensor has more slices than can be checked for overlaps"))
        }
    }
}

/// Returns the error for stored slices that hold only `covered` elements of `region`.
pub(crate) fn not_covered(region: &Bounds, covered: u64, slices: impl ExactSizeIterator<Item = Slice>) -> Error {
    let count = slices.len();
    let listed: Vec<String> = slices.take(4).map(|s| format!("\"{s}\"")).collect();
    let more = if count > listed.len() { format!(" and {} more", count - listed.len()) } else { String::new() };
    let wanted =
        Slice::new(region.start.iter().zip(&region.length).map(|(&start, &length)| Extent::range(start, length)).collect());
    Error::new(Code::InvalidArgument, Reason::Gap, "the stored slices do not cover the requested region").expecting(
        format_args!("{} elements at \"{wanted}\"", region.elements()),
        format_args!("{covered} in slices {}{more}", listed.join(", ")),
    )
}

/// Returns the error for stored slices, `boxes` of which no two overlap, that hold fewer than the
/// `elements` elements of their tensor; `None` if they hold all.
pub(crate) fn not_all(boxes: impl Iterator<Item = Bounds>, elements: u64) -> Option<Error> {
    let covered = boxes.map(|b| b.elements()).fold(0, u64::saturating_add);
    let what = || format!("slices cover {covered} of {elements} elements");
    (covered < elements).then(|| Error::new(Code::FailedPrecondition, Reason::Gap, what()))
}

impl Overlap {
    /// Searches `boxes`, all within a tensor of `elements` elements, for two that share an element.
    ///
    /// The search sweeps along the dimension in which the fewest pairs overlap, and compares only
    /// these pairs.
    fn among(boxes: &[Bounds], elements: u64) -> Result<Overlap> {
        let mut sum = 0u64;
        for b in boxes {
            sum = sum.saturating_add(b.elements());
            if sum > elements {
                return Ok(Overlap::TooMany);
            }
        }
        let filled: Vec<usize> = list_of((0..boxes.len()).filter(|&i| boxes[i].elements() > 0))?;
        let rank = match filled.first() {
            Some(&i) => boxes[i].start.len(),
            None => return Ok(Overlap::None),
        };
        if rank == 0 {
            return Ok(if filled.len() > 1 { Overlap::Pair(filled[0], filled[1]) } else { Overlap::None });
        }
        let (mut dim, mut pairs) = (0, u64::MAX);
        for d in 0..rank {
            let cost = pairs_overlapping_in(boxes, &filled, d)?;
            if cost < pairs {
                (dim, pairs) = (d, cost);
            }
        }
        if pairs > COMPARISONS {
            return Ok(Overlap::TooCostly);
        }
        let mut order = filled;
        crate::sort::sort_by_key(&mut order, |&i| boxes[i].start[dim])?;
        let mut open: Vec<usize> = Vec::new();
        for &i in &order {
            open.retain(|&j| boxes[j].start[dim] + boxes[j].length[dim] > boxes[i].start[dim]);
            if let Some(&j) = open.iter().find(|&&j| boxes[j].overlaps(&boxes[i])) {
                return Ok(Overlap::Pair(j.min(i), j.max(i)));
            }
            open.try_push(i)?;
        }
        Ok(Overlap::None)
    }
}

/// Counts the pairs of the boxes `which` that share an index of dimension `d`.
fn pairs_overlapping_in(boxes: &[Bounds], which: &[usize], d: usize) -> Result<u64> {
    let mut starts: Vec<i64> = list_of(which.iter().map(|&i| boxes[i].start[d]))?;
    let mut ends: Vec<i64> = list_of(which.iter().map(|&i| boxes[i].start[d] + boxes[i].length[d]))?;
    crate::sort::sort_by(&mut starts, Ord::cmp)?;
    crate::sort::sort_by(&mut ends, Ord::cmp)?;
    let (mut ended, mut pairs) = (0usize, 0u64);
    for (begun, &start) in starts.iter().enumerate() {
        while ended < ends.len() && ends[ended] <= start {
            ended += 1;
        }
        pairs += (begun - ended) as u64;
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(parts: &[(i64, i64)]) -> Bounds {
        Bounds { start: parts.iter().map(|p| p.0).collect(), length: parts.iter().map(|p| p.1).collect() }
    }

    #[test]
    fn overlaps_are_found_whatever_the_direction_of_the_cut() {
        let columns: Vec<Bounds> = (0..1000).map(|i| bounds(&[(0, 5), (i, 1)])).collect();
        assert_eq!(Overlap::among(&columns, 5000).unwrap(), Overlap::None);
        let mut clash = columns.clone();
        clash.truncate(900);
        clash.push(bounds(&[(2, 1), (17, 1)]));
        assert_eq!(Overlap::among(&clash, 5000).unwrap(), Overlap::Pair(17, 900));
        assert_eq!(Overlap::among(&[bounds(&[(0, 2)]), bounds(&[(0, 2)])], 3).unwrap(), Overlap::TooMany);
        assert_eq!(Overlap::among(&[bounds(&[(0, 0)]), bounds(&[(0, 0)])], 3).unwrap(), Overlap::None);
    }
}
