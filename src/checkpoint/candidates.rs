//! Which value of a checkpoint was probably meant for which object of a program.

use std::collections::HashMap;
use std::hash::Hash;

use super::report::{Report, Row, RowState};

/// The largest number of names at the end of a path that are compared.
const NAMES: usize = 16;

/// Makes a report of rows, and sets their candidates.
pub(super) fn report_with_candidates(mut rows: Vec<Row>) -> Report {
    find_candidates(&mut rows);
    Report::new(rows)
}

/// Sets the candidates of rows: pairs a value that no object has taken with an object that has no
/// value, if dtype and shape agree and they are the only ones whose paths end in the same names.
/// The more names agree, the sooner two are paired, so `old/layer_3/kernel` is for
/// `new/layer_3/kernel` although other layers have kernels.
fn find_candidates(rows: &mut [Row]) {
    let is_open = |row: &&Row| matches!(row.state, RowState::Unused | RowState::Deferred | RowState::Missing);
    let most = rows.iter().filter(is_open).map(|row| row.path.split('/').take(NAMES).count()).max().unwrap_or(0);
    for names in (1..=most).rev() {
        pair(rows, |row| Some((ending(&row.path, names)?.to_owned(), spec(row)?)));
    }
    // Objects that take any dtype or shape.
    for names in (1..=most).rev() {
        pair(rows, |row| Some(ending(&row.path, names)?.to_owned()));
    }
}

/// Pairs the rows that alone have the same likeness, one on each side.
fn pair<L: Eq + Hash>(rows: &mut [Row], likeness: impl Fn(&Row) -> Option<L>) {
    // The numbers of the values and of the objects that are alike.
    let mut alike: HashMap<L, [Vec<usize>; 2]> = HashMap::new();
    for (number, row) in rows.iter().enumerate().filter(|(_, row)| row.candidate.is_none()) {
        let side = match row.state {
            RowState::Unused | RowState::Deferred => 0,
            RowState::Missing => 1,
            _ => continue,
        };
        if let Some(likeness) = likeness(row) {
            alike.entry(likeness).or_default()[side].push(number);
        }
    }
    for [values, objects] in alike.into_values() {
        let ([value], [object]) = (&values[..], &objects[..]) else { continue };
        if fits(&rows[*value], &rows[*object]) {
            rows[*value].candidate = Some(rows[*object].path.clone());
            rows[*object].candidate = Some(rows[*value].path.clone());
        }
    }
}

/// Returns the last names of a path, as many as asked for; `None` if it has fewer.
fn ending(path: &str, names: usize) -> Option<&str> {
    match path.rmatch_indices('/').nth(names - 1) {
        Some((at, _)) => Some(&path[at + 1..]),
        None => (path.split('/').count() == names).then_some(path),
    }
}

/// Returns dtype and shape, if both are certain.
fn spec(row: &Row) -> Option<(u32, Vec<i64>)> {
    match (&row.saved, &row.program) {
        (Some((dtype, shape)), _) => Some((dtype.number(), shape.clone())),
        (None, Some((Some(dtype), Some(shape)))) if shape.iter().all(|&n| n >= 0) => Some((dtype.number(), shape.clone())),
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
