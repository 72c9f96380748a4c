//! Assembles a region of a tensor from stored slices.

use super::index::{Index, Row, StoredSlice};
use crate::allocate::{list_of, TryPush};
use crate::error::{Code, Error, Reason, Result};
use crate::tensor::{check_disjoint, not_all, not_covered, Bounds};

/// A stored slice that holds part of a region, and that part.
pub(crate) struct Piece<'a> {
    /// The record of the slice: an ordinary tensor of the slice's shape.
    pub row: Row<'a>,
    /// The box of the whole slice within the tensor.
    pub stored: Bounds,
    /// The part of that box that is wanted.
    pub wanted: Bounds,
}

/// Returns the pieces that make up `region` of a partitioned tensor, in the order in which they are
/// stored.
///
/// # Errors
/// * `DATA_LOSS` (`Overlap`): two stored slices overlap.
/// * `RESOURCE_EXHAUSTED` (`Limit`): there are too many stored slices to check for overlaps.
/// * `INVALID_ARGUMENT` (`Gap`): the stored slices do not cover the region.
/// * `NOT_FOUND` (`NoTensor`): a slice that is needed is listed but missing.
pub(crate) fn pieces<'a>(index: &'a Index, tensor: Row<'a>, region: &Bounds) -> Result<Vec<Piece<'a>>> {
    check_overlap(tensor)?;
    let mut pieces = Vec::new();
    let mut covered = 0;
    for slice in tensor.slices() {
        let stored = slice.bounds(tensor.shape);
        let Some(wanted) = stored.intersect(region) else { continue };
        let record = slice.record.ok_or_else(|| {
            let what = format!("the slice \"{}\" is listed but missing from the checkpoint", slice.slice());
            Error::new(Code::NotFound, Reason::NoTensor, what)
        })?;
        covered += wanted.elements();
        pieces.try_push(Piece { row: index.row(record), stored, wanted })?;
    }
    // It suffices to count elements, because no element is stored twice.
    if covered != region.elements() {
        return Err(not_covered(region, covered, tensor.slices().map(|s| s.slice())));
    }
    crate::sort::sort_by_key(&mut pieces, |p| (p.row.shard, p.row.offset))?;
    Ok(pieces)
}

/// Checks that no two slices of a partitioned tensor share an element.
pub(crate) fn check_overlap(tensor: Row<'_>) -> Result<()> {
    let slices: Vec<StoredSlice<'_>> = list_of(tensor.slices())?;
    let boxes: Vec<Bounds> = list_of(slices.iter().map(|s| s.bounds(tensor.shape)))?;
    check_disjoint(&boxes, tensor.elements(), |i| slices[i].slice())
}

/// Returns the error for slices of a tensor that are listed but have no record; `None` if all have
/// one.
pub(crate) fn missing(tensor: Row<'_>) -> Option<Error> {
    let mut slices = tensor.slices().filter(|s| s.record.is_none());
    let first = slices.next()?;
    let others = match slices.count() {
        0 => String::new(),
        n => format!("; {} slices are missing in all", n + 1),
    };
    let what = format!("the slice \"{}\" is listed but missing from the checkpoint{others}", first.slice());
    Some(Error::new(Code::NotFound, Reason::NoTensor, what))
}

/// Returns the error for slices that do not cover their tensor, none of which overlap; `None` if
/// they cover it.
pub(crate) fn gap(tensor: Row<'_>) -> Option<Error> {
    not_all(tensor.slices().map(|slice| slice.bounds(tensor.shape)), tensor.elements())
}
