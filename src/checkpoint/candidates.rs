//! Which value of a checkpoint was probably meant for which object of a program.

use std::collections::HashMap;
use std::hash::Hash;

use super::report::{Report, Row, RowState};
use crate::allocate::{list_of, try_list_of, Room};
use crate::error::Result;

/// The largest number of names at the end of a path that are compared.
const NAMES: usize = 16;
/// Their largest length together, in bytes. More names are not compared; a row whose last name is
/// longer has no candidate. A hostile file can have one name of 60 000 bytes in all of its paths.
const BYTES: usize = 1 << 10;

/// Makes a report of rows, and sets their candidates.
pub(super) fn report_with_candidates(mut rows: Vec<Row>) -> Result<Report> {
    find_candidates(&mut rows)?;
    Ok(Report::new(rows))
}

/// Sets the candidates of rows: pairs a value that no object has taken with an object that has no
/// value, if dtype and shape agree and they are the only ones whose paths end in the same names.
/// The more names agree, the sooner two are paired, so `old/layer_3/kernel` is for
/// `new/layer_3/kernel` although other layers have kernels.
fn find_candidates(rows: &mut [Row]) -> Result<()> {
    let is_open = |row: &Row| matches!(row.state, RowState::Unused | RowState::Deferred | RowState::Missing);
    let ends: Vec<Option<String>> =
        try_list_of(rows.iter().map(|row| if is_open(row) { row.path.end(NAMES, BYTES) } else { Ok(None) }))?;
    let ending = |at: usize, names| ending(ends[at].as_deref()?, names);
    let most = ends.iter().flatten().map(|end| end.split('/').count()).max().unwrap_or(0);
    for names in (1..=most).rev() {
        let pairs = pairs(rows, |at| Some((ending(at, names)?, spec(&rows[at])?)))?;
        note(rows, pairs);
    }
    // Objects that take any dtype or shape.
    for names in (1..=most).rev() {
        let pairs = pairs(rows, |at| ending(at, names))?;
        note(rows, pairs);
    }
    Ok(())
}

fn note(rows: &mut [Row], pairs: Vec<(usize, usize)>) {
    for (value, object) in pairs {
        rows[value].candidate = Some(rows[object].path.clone());
        rows[object].candidate = Some(rows[value].path.clone());
    }
}

/// Returns the pairs of rows that alone have the same likeness, one on each side, and fit.
fn pairs<L: Eq + Hash>(rows: &[Row], likeness: impl Fn(usize) -> Option<L>) -> Result<Vec<(usize, usize)>> {
    /// The rows of one side that are alike: the first of them, and whether there are others.
    type Side = Option<(usize, bool)>;
    let mut alike: HashMap<L, [Side; 2]> = HashMap::new();
    for (number, row) in rows.iter().enumerate().filter(|(_, row)| row.candidate.is_none()) {
        let side = match row.state {
            RowState::Unused | RowState::Deferred => 0,
            RowState::Missing => 1,
            _ => continue,
        };
        if let Some(likeness) = likeness(number) {
            alike.make_room(1)?;
            let side = &mut alike.entry(likeness).or_default()[side];
            *side = Some(side.map_or((number, false), |(first, _)| (first, true)));
        }
    }
    let only = alike.into_values().filter_map(|sides| match sides {
        [Some((value, false)), Some((object, false))] => Some((value, object)),
        _ => None,
    });
    list_of(only.filter(|&(value, object)| fits(&rows[value], &rows[object])))
}

/// Returns the last names of a path, as many as asked for; `None` if it has fewer.
fn ending(path: &str, names: usize) -> Option<&str> {
    match path.rmatch_indices('/').nth(names - 1) {
        Some((at, _)) => Some(&path[at + 1..]),
        None => (path.split('/').count() == names).then_some(path),
    }
}

/// Returns dtype and shape, if both are certain.
fn spec(row: &Row) -> Option<(u32, &[i64])> {
    match (&row.saved, &row.program) {
        (Some((dtype, shape)), _) => Some((dtype.number(), &shape[..])),
        (None, Some((Some(dtype), Some(shape)))) if shape.iter().all(|&n| n >= 0) => Some((dtype.number(), &shape[..])),
        _ => None,
    }
}

/// Returns whether the object takes a value like this one.
fn fits(value: &Row, object: &Row) -> bool {
    let (Some((dtype, shape)), Some((own_dtype, own_shape))) = (&value.saved, &object.program) else { return false };
    own_dtype.is_none_or(|own| own == *dtype)
        && own_shape
            .as_ref()
            .is_none_or(|own| own.len() == shape.len() && own.iter().zip(shape).all(|(own, there)| *own == -1 || own == there))
}
