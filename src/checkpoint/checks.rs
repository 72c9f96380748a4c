//! The checks before the first value is assigned: presence, dtype, shape, length of the data files,
//! shared memory.

use super::assign::Batch;
use super::options::Mismatch;
use super::plan::{Fit, Outcome, Outcomes, Plan, Stored};
use super::report::RowState;
use crate::allocate::{allocate, with_room, Room, TryPush};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{Data, Kind, Nodes, Part};
use crate::reader::{Format, Place, Reader};
use crate::tensor::{elements, explained, shape_text, Bounds, Cast, Conversion, DType};

/// A value that does not fit its object, and the reason.
struct Unfit {
    state: RowState,
    /// What the row does not say by its state, key, dtypes and shapes.
    detail: Option<String>,
    error: Error,
}

/// What rows say of values that are skipped because their variables are read-only.
pub(super) const READ_ONLY: &str = "the variable is read-only";

/// How a value reaches its object.
enum Route<'n> {
    InPlace {
        lacks_memory: bool,
    },
    /// The variable is a part of a tensor. The flag says whether it lacks memory; `None` on a
    /// device.
    Part(&'n Part, Option<bool>),
    Other,
}

impl Batch<'_> {
    /// Checks all plans and returns those that can be carried out. Changes nothing in the graph.
    pub(super) fn check(&self, nodes: &Nodes, plans: &[Plan], outcomes: &mut Outcomes) -> Result<Fit> {
        let mut fit = Fit::default();
        let (mut places, mut in_order) = (with_room(plans.len())?, true);
        let mut unfit: Vec<Unfit> = Vec::new();
        let mut unbacked = None;
        // The address ranges of variables in the program's memory, with the numbers of their plans.
        let mut ranges: Vec<(usize, usize, usize)> = Vec::new();
        for (number, plan) in plans.iter().enumerate() {
            let (route, cast) = match self.check_one(nodes, plan) {
                Ok(found) => found,
                Err(found) => {
                    outcomes.set(number, Outcome { state: found.state, detail: found.detail.clone() })?;
                    unfit.try_push(found)?;
                    continue;
                }
            };
            let mut place = Place::default();
            for &tensor in plan.tensors() {
                let checked = match route {
                    Route::Part(part, _) => self.reader.check_region(tensor, &part.region).map(|()| place),
                    _ => self.reader.check_backed(tensor),
                };
                match checked {
                    Ok(found) => place = found,
                    Err(e) if unbacked.is_none() => unbacked = Some((number, e)),
                    Err(_) => {}
                }
            }
            if let Some(cast) = cast {
                match self.check_fit(plan, &route, cast) {
                    Err(e) if e.reason() == Reason::DType => {
                        let detail = e.found().map(|value| format!("the value {value} does not fit"));
                        let found = Unfit { state: RowState::DtypeMismatch, detail, error: e };
                        outcomes.set(number, Outcome { state: found.state, detail: found.detail.clone() })?;
                        unfit.try_push(found)?;
                        continue;
                    }
                    Err(e) if e.code() == Code::Cancelled => return Err(e),
                    Err(e) if unbacked.is_none() => unbacked = Some((number, e)),
                    _ => {}
                }
                fit.casts.make_room(1)?;
                fit.casts.insert(number, cast);
            }
            let (Route::InPlace { lacks_memory } | Route::Part(_, Some(lacks_memory))) = route else {
                fit.others.try_push(number)?;
                continue;
            };
            let memory = match &nodes.variable(plan.object)?.data {
                _ if lacks_memory => {
                    fit.lacking.try_push(number)?;
                    &[]
                }
                Data::Borrowed(memory) => memory.bytes(),
                Data::Resizable(memory) => memory.bytes(),
                _ => &[],
            };
            let range = memory.as_ptr_range();
            ranges.try_push((range.start as usize, range.end as usize, number))?;
            if let Route::Part(..) = route {
                fit.parts.try_push(number)?;
                continue;
            }
            in_order &= places.last().is_none_or(|(last, _)| *last <= place);
            places.push((place, number));
        }
        if self.options.on_mismatch == Mismatch::Fail && !unfit.is_empty() {
            return Err(first_of(unfit, self.reader.format()));
        }
        if let Some((number, e)) = unbacked {
            outcomes.set(number, Outcome::because(RowState::Torn, &e))?;
            return Err(e);
        }
        check_overlap(self.reader, plans, ranges)?;
        if !in_order {
            crate::sort::sort_by(&mut places, Ord::cmp)?;
        }
        fit.in_place.make_room(places.len())?;
        fit.in_place.extend(places.iter().map(|(_, number)| number));
        Ok(fit)
    }

    /// Reads integers that are to be narrowed, and fails unless all fit.
    fn check_fit(&self, plan: &Plan, route: &Route<'_>, cast: Cast) -> Result<()> {
        let Stored::Variable(tensor) = plan.stored else { return Ok(()) };
        if !cast.needs_fit() {
            return Ok(());
        }
        let (dtype, shape) = self.spec(tensor);
        let region = match route {
            Route::Part(part, _) => part.region.clone(),
            _ => Bounds::whole(shape),
        };
        let mut stored = allocate(elements(&region.length).saturating_mul(dtype.size().unwrap_or(1) as u64))?;
        self.read.control.check()?;
        self.read.control.expect(stored.len() as u64);
        self.reader.read_region(tensor, &region, (&mut stored[..]).into(), &self.read)?;
        cast.check(&stored).map_err(|e| e.for_tensor(plan.key(self.reader)).in_file(self.reader.prefix()))
    }

    fn check_one<'n>(&self, nodes: &'n Nodes, plan: &Plan) -> std::result::Result<(Route<'n>, Option<Cast>), Unfit> {
        let missing = |key: &[u8]| Unfit {
            state: RowState::Missing,
            detail: None,
            error: Error::new(Code::NotFound, Reason::NoTensor, format!("Key {} not found in checkpoint", printable(key)))
                .for_tensor(key)
                .in_file(self.reader.prefix()),
        };
        let node = nodes.get(plan.object).ok_or_else(|| missing(plan.key(self.reader)))?;
        match (&plan.stored, &node.kind) {
            (Stored::Variable(tensor), Kind::Variable(variable)) => {
                let (dtype, shape) = self.spec(*tensor);
                if variable.read_only {
                    let what = format!("{} is read-only and cannot be restored", nodes.describe(plan.object));
                    let error = Error::new(Code::FailedPrecondition, Reason::ReadOnly, what).for_tensor(plan.key(self.reader));
                    return Err(Unfit { state: RowState::Skipped, detail: Some(READ_ONLY.to_owned()), error });
                }
                let is_unfit = dtype == DType::Variant || variable.part.is_some() && dtype.size().is_none();
                let cast = match variable.dtype {
                    None if is_unfit => return Err(self.wrong_dtype(plan, None, dtype, None)),
                    Some(own) if own != dtype => {
                        let bytes = elements(shape).saturating_mul(dtype.size().unwrap_or(1) as u64);
                        let cast = Cast::new(self.options.conversion, dtype, own, bytes);
                        Some(cast.map_err(|why| self.wrong_dtype(plan, Some(own), dtype, why))?)
                    }
                    _ => None,
                };
                if !(variable.fits(shape) || self.options.reshape && variable.fits_reshaped(shape)) {
                    let name = variable.name.as_deref().unwrap_or_default();
                    let name = if name.is_empty() { nodes.describe(plan.object) } else { name.to_owned() };
                    let error = Error::argument(format!(
                        "Received incompatible tensor with shape {} when attempting to restore variable with shape {} and name {}",
                        shape_text(shape),
                        variable.restored_from(),
                        printable(name.as_bytes())
                    ));
                    let error = error
                        .because(Reason::Shape)
                        .expecting(variable.restored_from(), shape_text(shape))
                        .for_tensor(plan.key(self.reader))
                        .in_file(self.reader.prefix());
                    return Err(Unfit { state: RowState::ShapeMismatch, detail: None, error });
                }
                let in_place = match (&variable.data, dtype.size()) {
                    (Data::Device(_), _) | (_, None) => None,
                    _ => Some(variable.needs_memory(shape)),
                };
                let route = match (&variable.part, in_place) {
                    (Some(part), in_place) => Route::Part(part, in_place),
                    (None, Some(lacks_memory)) => Route::InPlace { lacks_memory },
                    (None, None) => Route::Other,
                };
                Ok((route, cast))
            }
            (Stored::Text(tensor), Kind::Text(_)) => match self.spec(*tensor) {
                (DType::String, []) => Ok((Route::Other, None)),
                (dtype, _) => Err(self.wrong_dtype(plan, Some(DType::String), dtype, None)),
            },
            (Stored::State(key, tensors), Kind::State(_, options)) => {
                let has = |name: &str| tensors.iter().any(|(there, _)| &**there == name);
                match options.names.iter().flatten().find(|name| !has(name)) {
                    Some(name) => Err(Unfit {
                        detail: Some(format!("the checkpoint lacks \"{}\" of the object", printable(name.as_bytes()))),
                        ..missing(&[key, b"/".as_slice(), name.as_bytes()].concat())
                    }),
                    None => Ok((Route::Other, None)),
                }
            }
            _ => Err(missing(plan.key(self.reader))),
        }
    }

    fn wrong_dtype(&self, plan: &Plan, own: Option<DType>, found: DType, why: Option<String>) -> Unfit {
        let own = own.map_or("a fixed-size dtype or string", DType::name);
        let what = format!(
            "tensor_name = {}; expected dtype {own} does not equal original dtype {}",
            printable(plan.key(self.reader)),
            found.name()
        );
        let detail = why.clone().filter(|_| self.options.conversion != Conversion::None);
        let error = Error::argument(explained(&what, why));
        let error =
            error.because(Reason::DType).expecting(own, found).for_tensor(plan.key(self.reader)).in_file(self.reader.prefix());
        Unfit { state: RowState::DtypeMismatch, detail, error }
    }
}

/// Returns the error of a restore in which values do not fit: the first one in TensorFlow's order,
/// which reports missing keys before dtypes and dtypes before shapes. TensorFlow reads V1 files
/// tensor by tensor, so there the first key that is missing or has the wrong dtype comes first.
fn first_of(mut unfit: Vec<Unfit>, format: Format) -> Error {
    let rank = |unfit: &Unfit| match unfit.state {
        RowState::Missing => 0,
        RowState::DtypeMismatch if format == Format::V1 => 0,
        RowState::DtypeMismatch => 1,
        RowState::ShapeMismatch => 2,
        _ => 3,
    };
    let more = unfit.len() - 1;
    let first = (0..unfit.len()).min_by_key(|&at| rank(&unfit[at])).unwrap_or_default();
    let first = unfit.swap_remove(first).error;
    match more {
        0 => first,
        more => first.prefixed(&format!("nothing was restored because {} values do not fit; the first", more + 1)),
    }
}

/// Fails if two variables to be restored share memory. `ranges` has the start and end of each
/// variable's memory and the number of its plan.
fn check_overlap(reader: &Reader, plans: &[Plan], mut ranges: Vec<(usize, usize, usize)>) -> Result<()> {
    ranges.retain(|(start, end, _)| start < end);
    crate::sort::sort_by(&mut ranges, Ord::cmp)?;
    match ranges.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        None => Ok(()),
        Some(pair) => Err(Error::argument(format!(
            "two variables share memory and cannot both be restored: \"{}\" and \"{}\"",
            printable(plans[pair[0].2].key(reader)),
            printable(plans[pair[1].2].key(reader))
        ))
        .for_tensor(plans[pair[1].2].key(reader))),
    }
}
