//! Compares the values of two tensors.

use checkpoint::{DType, Reader, Tensor};

use crate::cat::value::Values;
use crate::failure::{Failure, Outcome};
use crate::stream::Stream;

/// The number of elements that are compared at a time.
const PIECE: u64 = 1 << 17;

/// How much numbers may differ without counting as different.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    pub relative: f64,
    pub absolute: f64,
}

/// How the values of a tensor differ.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ValueDiff {
    pub elements: u64,
    /// Elements that differ by more than the tolerance.
    pub differing: u64,
    /// How much numbers differ; `None` for strings.
    pub numbers: Option<NumberDiff>,
}

/// How much numbers differ, including differences within the tolerance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NumberDiff {
    pub max_abs: f64,
    /// The maximum over elements that are not 0 in B; `None` if no such element differs.
    pub max_rel: Option<f64>,
    /// The number of NaNs in each checkpoint.
    pub nan_a: u64,
    pub nan_b: u64,
}

/// Compares the elements of two tensors of the same shape. `None` if their dtypes cannot be
/// compared.
pub fn compare(a: (&Reader, Tensor<'_>), b: (&Reader, Tensor<'_>), tolerance: Tolerance) -> Outcome<Option<ValueDiff>> {
    let (of_a, of_b) = (a.1.dtype(), b.1.dtype());
    match (of_a.size(), of_b.size()) {
        (Some(size_a), Some(size_b)) if kind(of_a) == kind(of_b) => {
            let mut sum = Sum { tolerance, found: ValueDiff::default(), numbers: NumberDiff::default() };
            let (stream_a, stream_b) = (Stream::new(a.0, a.1, None), Stream::new(b.0, b.1, None));
            let elements = a.1.element_count();
            let mut from = 0;
            while from < elements {
                let count = PIECE.min(elements - from);
                let bytes_a = read(&stream_a, from, count, size_a)?;
                let bytes_b = read(&stream_b, from, count, size_b)?;
                sum.add((of_a, &bytes_a), (of_b, &bytes_b))?;
                from += count;
            }
            Ok(Some(ValueDiff { elements, numbers: Some(sum.numbers), ..sum.found }))
        }
        (None, None) if of_a == of_b => {
            let (strings_a, strings_b) = (a.1.read_strings()?, b.1.read_strings()?);
            let differing = strings_a.iter().zip(strings_b.iter()).filter(|(a, b)| a != b).count();
            Ok(Some(ValueDiff { elements: a.1.element_count(), differing: differing as u64, numbers: None }))
        }
        _ => Ok(None),
    }
}

fn read(stream: &Stream<'_>, from: u64, count: u64, size: usize) -> Outcome<Vec<u8>> {
    let mut bytes = vec![0; count as usize * size];
    stream.read(from * size as u64, &mut bytes).map_err(|fault| Failure::Problem(fault.to_string()))?;
    Ok(bytes)
}

/// Kinds of numbers. Numbers of the same kind can be compared even if their dtypes differ.
#[derive(PartialEq)]
enum Kind {
    Integer,
    Float,
    Complex,
    Bool,
    Other,
}

fn kind(dtype: DType) -> Kind {
    // Decoding zeros shows the kind of every dtype.
    match Values::decode(dtype, &[0; 16]) {
        Some(Values::Integers(_)) => Kind::Integer,
        Some(Values::Floats(..)) => Kind::Float,
        Some(Values::Complex(..)) => Kind::Complex,
        Some(Values::Bools(_)) => Kind::Bool,
        _ => Kind::Other,
    }
}

struct Sum {
    tolerance: Tolerance,
    found: ValueDiff,
    numbers: NumberDiff,
}

impl Sum {
    fn add(&mut self, a: (DType, &[u8]), b: (DType, &[u8])) -> Outcome {
        let same = a == b;
        let decode = |(dtype, bytes): (DType, &[u8])| {
            Values::decode(dtype, bytes).ok_or_else(|| Failure::Problem(format!("cannot compare values of type {dtype}")))
        };
        match (same, kind(a.0)) {
            // Most compared tensors are equal; then only NaNs have to be counted.
            (true, Kind::Integer | Kind::Bool) => return Ok(()),
            (true, _) => {
                let nans = nans(&decode(a)?);
                self.numbers.nan_a += nans;
                self.numbers.nan_b += nans;
                return Ok(());
            }
            (false, _) => {}
        }
        match (decode(a)?, decode(b)?) {
            (Values::Integers(a), Values::Integers(b)) => {
                a.into_iter().zip(b).for_each(|(a, b)| self.differ((a - b).unsigned_abs() as f64, b.unsigned_abs() as f64));
            }
            (Values::Bools(a), Values::Bools(b)) => {
                a.into_iter().zip(b).for_each(|(a, b)| self.differ(f64::from(u8::from(a != b)), f64::from(u8::from(b))));
            }
            (Values::Floats(a, _), Values::Floats(b, _)) => {
                a.into_iter().zip(b).for_each(|(a, b)| self.pair(a == b, [a.is_nan(), b.is_nan()], (a - b).abs(), b.abs()));
            }
            (Values::Complex(a, _), Values::Complex(b, _)) => {
                for (a, b) in a.into_iter().zip(b) {
                    let is_nan = |(real, imaginary): (f64, f64)| real.is_nan() || imaginary.is_nan();
                    self.pair(a == b, [is_nan(a), is_nan(b)], (a.0 - b.0).hypot(a.1 - b.1), b.0.hypot(b.1));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn pair(&mut self, equal: bool, nan: [bool; 2], difference: f64, of_b: f64) {
        self.numbers.nan_a += u64::from(nan[0]);
        self.numbers.nan_b += u64::from(nan[1]);
        match nan {
            [true, true] => {}
            [false, false] if equal => {}
            // Complex numbers with infinite parts: the difference may be NaN.
            [false, false] => self.differ(if difference.is_nan() { f64::INFINITY } else { difference }, of_b),
            _ => self.found.differing += 1,
        }
    }

    /// Adds two numbers that differ by `difference`; the one of B has the magnitude `of_b`.
    fn differ(&mut self, difference: f64, of_b: f64) {
        if difference == 0.0 {
            return;
        }
        // An infinite number is close only to itself, as in numpy.isclose.
        let near = of_b.is_finite() && difference <= self.tolerance.absolute + self.tolerance.relative * of_b;
        self.found.differing += u64::from(!near);
        self.numbers.max_abs = self.numbers.max_abs.max(difference);
        if of_b != 0.0 {
            let relative = if difference.is_infinite() { f64::INFINITY } else { difference / of_b };
            self.numbers.max_rel = Some(self.numbers.max_rel.map_or(relative, |max| max.max(relative)));
        }
    }
}

/// Returns the number of NaNs.
fn nans(values: &Values) -> u64 {
    match values {
        Values::Floats(values, _) => values.iter().filter(|value| value.is_nan()).count() as u64,
        Values::Complex(values, _) => {
            values.iter().filter(|(real, imaginary)| real.is_nan() || imaginary.is_nan()).count() as u64
        }
        _ => 0,
    }
}
