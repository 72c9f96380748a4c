//! Which values are converted to another dtype, and how.

use super::cast::{cast, first_unfit, limits, part};
use super::small_float::Format;
use super::DType;
use crate::error::{Error, Reason, Result};

/// Whether values are converted when they are restored or read as another dtype.
///
/// Numbers become what `tf.cast` makes of them, or `ml_dtypes` where `tf.cast` does not know the
/// dtypes. Strings, variants and quantized numbers are never converted, and nothing else is
/// converted to bool, floating-point numbers to integers, or complex numbers to real ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
#[non_exhaustive]
pub enum Conversion {
    /// Values are not converted: another dtype is an error. The default.
    #[default]
    None = 0,
    /// Values are converted to dtypes that have all values of theirs: int32 to int64, int16 or
    /// bfloat16 to float32, float32 to complex64. Integers are also converted to other integers if
    /// they all fit, in tensors of at most 1 MiB.
    Exact = 1,
    /// Floating-point and complex numbers are also rounded: float32 to bfloat16. What is too large
    /// becomes infinity; NaN where there is no infinity; the largest number where there is neither.
    Lossy = 2,
}

/// The largest tensor whose integers are narrowed, in stored bytes. All of them must be read before
/// it is known that they fit.
const MOST_FITTING: u64 = 1 << 20;

/// A conversion from one dtype to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cast {
    from: DType,
    to: DType,
    /// Whether it depends on the values if they fit.
    needs_fit: bool,
}

enum Kind {
    Exact,
    Lossy,
    /// From integers to integers, which fit or do not.
    Fitting,
}

impl Cast {
    /// Returns the conversion of a tensor of `bytes` stored bytes from one dtype to another one.
    ///
    /// # Errors
    /// Why it is not converted; nothing if no conversion was asked for and there is none.
    pub fn new(conversion: Conversion, from: DType, to: DType, bytes: u64) -> std::result::Result<Cast, Option<String>> {
        let kind = kind(from, to);
        match (conversion, kind) {
            (Conversion::None, None) => Err(None),
            (_, None) => Err(Some(format!("{from} is never converted to {to}"))),
            (Conversion::None, Some(kind)) => {
                let other = if matches!(kind, Kind::Lossy) { "lossy" } else { "exact" };
                Err(Some(format!("it can be converted by the conversion \"{other}\"")))
            }
            (Conversion::Exact, Some(Kind::Lossy)) => {
                Err(Some(format!("{to} does not have all values of {from}; the conversion \"lossy\" rounds them")))
            }
            (_, Some(Kind::Fitting)) if bytes > MOST_FITTING => Err(Some(format!(
                "{from} is converted to {to} in tensors of at most {MOST_FITTING} bytes, and this one has {bytes}"
            ))),
            (_, Some(kind)) => Ok(Cast { from, to, needs_fit: matches!(kind, Kind::Fitting) }),
        }
    }

    /// Returns whether memory with elements of `to` takes the elements of `from` as they are stored:
    /// they are the same, or `to` stands for their bits and they are not converted to it.
    pub fn is_needless(conversion: Conversion, from: DType, to: DType) -> bool {
        from == to || from.fits(to) && (conversion == Conversion::None || kind(from, to).is_none())
    }

    pub fn to(self) -> DType {
        self.to
    }

    /// Returns whether it depends on the values if they can be converted.
    pub fn needs_fit(self) -> bool {
        self.needs_fit
    }

    /// Returns the number of bytes that become `converted` bytes.
    pub fn stored(self, converted: u64) -> u64 {
        converted / self.to.size().unwrap_or(1) as u64 * self.from.size().unwrap_or(1) as u64
    }

    /// Returns the number of bytes that `stored` bytes become.
    pub fn converted(self, stored: u64) -> u64 {
        stored / self.from.size().unwrap_or(1) as u64 * self.to.size().unwrap_or(1) as u64
    }

    /// Fails unless all values can be converted.
    pub fn check(self, stored: &[u8]) -> Result<()> {
        match if self.needs_fit { first_unfit(self.from, self.to, stored) } else { None } {
            None => Ok(()),
            Some((_, value)) => {
                let (least, most) = limits(self.to).unwrap_or_default();
                Err(Error::argument(format!("a value of {} does not fit {}", self.from, self.to))
                    .because(Reason::DType)
                    .expecting(format_args!("{least} to {most}"), value))
            }
        }
    }

    /// Converts whole elements in native byte order. `out` has as many.
    ///
    /// # Errors
    /// Those of [`Cast::check`]; nothing is converted then.
    pub fn apply(self, stored: &[u8], out: &mut [u8]) -> Result<()> {
        self.check(stored)?;
        cast(self.from, self.to, stored, out);
        Ok(())
    }
}

/// Returns the kind of the conversion between two dtypes, by what values they have; `None` if there
/// is none.
fn kind(from: DType, to: DType) -> Option<Kind> {
    let exact = |is_exact| if is_exact { Some(Kind::Exact) } else { None };
    if let Some(to) = part(to) {
        let from = part(from).unwrap_or(from);
        return if from == to { Some(Kind::Exact) } else { kind(from, to) };
    }
    match (limits(from), limits(to), Format::of(from), Format::of(to)) {
        (Some((least, most)), Some((low, high)), ..) => {
            Some(if low <= least && most <= high { Kind::Exact } else { Kind::Fitting })
        }
        // The largest odd integer has the most significant bits.
        (Some((_, most)), _, _, Some(format)) => exact(i128::BITS - most.leading_zeros() <= format.precision()),
        (.., Some(from), Some(to)) => Some(if to.has_all_of(from) { Kind::Exact } else { Kind::Lossy }),
        (_, integers, _, float) if from == DType::Bool => exact(integers.is_some() || float.is_some()),
        _ => None,
    }
}

/// Returns what is wrong, and why it is not converted.
pub(crate) fn explained(what: &str, why: Option<String>) -> String {
    why.map_or_else(|| what.to_owned(), |why| format!("{what}: {why}"))
}

/// Converts `values`, elements of `from` in native byte order, to elements of `to` in `out`. If the
/// dtypes are the same, copies them.
///
/// # Errors
/// * `INVALID_ARGUMENT` (`DType`): the conversion does not convert between the dtypes, or an
///   integer does not fit. `out` is unchanged.
/// * `INVALID_ARGUMENT` (`Shape`): the two are not as many whole elements.
///
/// ```
/// use checkpoint::{convert_values, Conversion, DType};
///
/// let halves = [0x3c00u16, 0xc000, 0x7c00].map(u16::to_ne_bytes).concat();
/// let mut floats = [0; 12];
/// convert_values(Conversion::Exact, DType::Half, &halves, DType::Float, &mut floats)?;
/// assert_eq!(floats[..], [1.0, -2.0, f32::INFINITY].map(f32::to_ne_bytes).concat());
/// # Ok::<(), checkpoint::Error>(())
/// ```
pub fn convert_values(conversion: Conversion, from: DType, values: &[u8], to: DType, out: &mut [u8]) -> Result<()> {
    let refused = |why: Option<String>| {
        let what = explained("the values have another dtype", why);
        Error::argument(what).because(Reason::DType).expecting(to, from)
    };
    let cast = if from == to { None } else { Some(Cast::new(conversion, from, to, 0).map_err(refused)?) };
    let (Some(size), Some(own)) = (from.size(), to.size()) else {
        return Err(refused(Some("their elements have no fixed size".to_owned())));
    };
    if !values.len().is_multiple_of(size) || !out.len().is_multiple_of(own) || values.len() / size != out.len() / own {
        let expected = format!("{} bytes for {} elements", (values.len() / size).saturating_mul(own), values.len() / size);
        return Err(Error::argument("the sizes of the values do not agree")
            .because(Reason::Shape)
            .expecting(expected, format_args!("{} bytes from {} bytes", out.len(), values.len())));
    }
    match cast {
        None => out.copy_from_slice(values),
        Some(cast) => cast.apply(values, out)?,
    }
    Ok(())
}
