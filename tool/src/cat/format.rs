//! Formats elements as texts of equal width, as NumPy's `FloatingFormat` and similar classes do.

use super::float::{Digits, Float};
use super::value::Values;
use crate::term::printable;

/// The maximum number of digits after the point: NumPy's `precision`.
const PRECISION: usize = 8;
/// Strings longer than this, in bytes, are cut: one element may have megabytes.
const LONG_STRING: usize = 1000;
/// The number of bytes shown of a string that is cut.
const SHOWN: usize = 500;

/// Returns the text of each element. `scalar` is set for a value without dimensions, whose text is
/// not padded.
pub fn texts(values: &Values, scalar: bool) -> Vec<String> {
    match values {
        Values::Integers(values) => {
            let texts: Vec<String> = values.iter().map(i128::to_string).collect();
            let width = texts.iter().map(String::len).max().unwrap_or(0);
            texts.into_iter().map(|text| format!("{text:>width$}")).collect()
        }
        Values::Bools(values) => {
            let text = |&value: &bool| if value { "True" } else { "False" };
            values.iter().map(text).map(|text| if scalar { text.to_owned() } else { format!("{text:>5}") }).collect()
        }
        Values::Floats(values, float) if scalar => values.iter().map(|&value| number(value, *float, true)).collect(),
        Values::Floats(values, float) => {
            let format = FloatFormat::for_values(values, *float, false);
            values.iter().map(|&value| format.text(value)).collect()
        }
        Values::Complex(values, float) if scalar => values.iter().map(|&value| complex(value, *float)).collect(),
        Values::Complex(values, float) => {
            let (real, imaginary): (Vec<f64>, Vec<f64>) = values.iter().copied().unzip();
            let real_format = FloatFormat::for_values(&real, *float, false);
            let imaginary_format = FloatFormat::for_values(&imaginary, *float, true);
            let text = |(real, imaginary)| {
                let imaginary = imaginary_format.text(imaginary);
                let digits = imaginary.trim_end();
                format!("{}{digits}j{}", real_format.text(real), &imaginary[digits.len()..])
            };
            values.iter().copied().map(text).collect()
        }
        Values::Strings(values) => values.iter().map(|value| string(value)).collect(),
        Values::Variants(values) => values.iter().map(|value| variant(value)).collect(),
    }
}

/// The format of the numbers of one array, which aligns their points.
struct FloatFormat {
    float: Float,
    plus: bool,
    /// The number of digits of the exponent; `None` without exponents.
    exponent_digits: Option<usize>,
    /// The number of digits after the point: exact with exponents; without, the maximum (the rest
    /// is spaces).
    fraction: usize,
    /// The number of columns before the point.
    left: usize,
    /// The number of columns after the point.
    right: usize,
}

impl FloatFormat {
    fn for_values(values: &[f64], float: Float, plus: bool) -> FloatFormat {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let nonzero = || finite().map(f64::abs).filter(|&value| value != 0.0);
        let (largest, smallest) = (nonzero().fold(0.0, f64::max), nonzero().fold(f64::INFINITY, f64::min));
        let with_exponents =
            largest > 0.0 && (largest >= float.exponent_from() || smallest < 0.0001 || largest / smallest > 1000.0);

        let mut format = FloatFormat { float, plus, exponent_digits: None, fraction: 0, left: 0, right: 0 };
        for value in finite() {
            let digits = float.shortest(value.abs());
            let sign = usize::from(plus || value.is_sign_negative());
            if with_exponents {
                let (whole, fraction, exponent) = digits.scientific(value.abs(), Some(PRECISION));
                format.left = format.left.max(sign + whole.len());
                format.fraction = format.fraction.max(fraction.len());
                let width = exponent_text(exponent, 2).len() - 1;
                format.exponent_digits = format.exponent_digits.max(Some(width));
            } else {
                let text = digits.positional(value.abs(), Some(PRECISION));
                let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
                format.left = format.left.max(sign + whole.len());
                format.fraction = format.fraction.max(fraction.len());
            }
        }
        format.right = format.fraction + format.exponent_digits.map_or(0, |digits| digits + 2);
        for &value in values.iter().filter(|value| !value.is_finite()) {
            let width = number(value, float, false).len() + usize::from(plus && !value.is_sign_negative());
            format.left = format.left.max(width.saturating_sub(format.right + 1));
        }
        format
    }

    fn text(&self, value: f64) -> String {
        let width = self.left + 1 + self.right;
        let sign = match (value.is_sign_negative() && !value.is_nan(), self.plus) {
            (true, _) => "-",
            (false, true) => "+",
            (false, false) => "",
        };
        if !value.is_finite() {
            let text = format!("{sign}{}", if value.is_nan() { "nan" } else { "inf" });
            return format!("{text:>width$}");
        }
        let digits = self.float.shortest(value.abs());
        let Some(exponent_digits) = self.exponent_digits else {
            let text = digits.positional(value.abs(), Some(PRECISION));
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            return format!("{:>left$}.{fraction:<right$}", format!("{sign}{whole}"), left = self.left, right = self.right);
        };
        let (whole, fraction, exponent) = match digits.scientific(value.abs(), Some(PRECISION)) {
            // NumPy does not pad with zeros here but continues with the digits of the exact value.
            (_, fraction, _) if fraction.len() < self.fraction => Digits::exactly(value.abs(), self.fraction),
            parts => parts,
        };
        let whole = format!("{sign}{whole}");
        let exponent = exponent_text(exponent, exponent_digits);
        format!("{whole:>left$}.{fraction}e{exponent}", left = self.left)
    }
}

/// Returns an exponent as text: `+05`, `-123`.
fn exponent_text(exponent: i32, digits: usize) -> String {
    format!("{}{:0digits$}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs())
}

/// Formats a single number as NumPy writes scalars: `1.0` with `point`, else `1`.
fn number(value: f64, float: Float, point: bool) -> String {
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let magnitude = value.abs();
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return format!("{sign}inf");
    }
    let digits = float.shortest(magnitude);
    let exponent_from = if matches!(float, Float::F64) { 1e16 } else { float.exponent_from() };
    if magnitude == 0.0 || (1e-4..exponent_from).contains(&magnitude) {
        let text = digits.positional(magnitude, None);
        return match (text.strip_suffix('.'), point) {
            (Some(whole), true) => format!("{sign}{whole}.0"),
            (Some(whole), false) => format!("{sign}{whole}"),
            (None, _) => format!("{sign}{text}"),
        };
    }
    let (whole, fraction, exponent) = digits.scientific(magnitude, None);
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}e{}", exponent_text(exponent, 2))
}

/// Formats a single complex number: `(1+2j)`, or `2j` if the real part is zero.
fn complex((real, imaginary): (f64, f64), float: Float) -> String {
    let plus = if imaginary.is_sign_negative() && !imaginary.is_nan() { "" } else { "+" };
    let (real_text, imaginary_text) = (number(real, float, false), number(imaginary, float, false));
    if real == 0.0 && real.is_sign_positive() {
        format!("{imaginary_text}j")
    } else {
        format!("({real_text}{plus}{imaginary_text}j)")
    }
}

/// Formats bytes as Python does: `b'to be'`.
fn string(bytes: &[u8]) -> String {
    let shown = if bytes.len() > LONG_STRING { &bytes[..SHOWN] } else { bytes };
    let quote = if shown.contains(&b'\'') && !shown.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for &byte in shown {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\'' if quote == '\'' => out.push_str("\\'"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
    if shown.len() < bytes.len() {
        out.push_str(&format!("...({} bytes)", bytes.len()));
    }
    out
}

/// Formats a serialized variant: `<tensorflow::TensorList, 70 bytes>`. The type is the first field
/// of `VariantTensorDataProto`.
fn variant(bytes: &[u8]) -> String {
    let type_name = match bytes {
        [0x0a, length @ 0..=0x7f, rest @ ..] => rest.get(..usize::from(*length)),
        _ => None,
    };
    format!("<{}, {} bytes>", printable(type_name.unwrap_or(b"variant")), bytes.len())
}

#[cfg(test)]
mod tests {
    use super::super::float::Minifloat;
    use super::*;

    fn floats(values: &[f64]) -> Vec<String> {
        texts(&Values::Floats(values.to_vec(), Float::F64), false)
    }

    /// The expected texts are those of NumPy 2.
    #[test]
    fn floats_align_as_in_numpy() {
        assert_eq!(floats(&[1.0, 2.5, -3.25]), [" 1.  ", " 2.5 ", "-3.25"]);
        assert_eq!(floats(&[1.0, f64::NAN, f64::NEG_INFINITY]), ["  1.", " nan", "-inf"]);
        assert_eq!(floats(&[0.1 + 0.2, 1.0 / 3.0]), ["0.3       ", "0.33333333"]);
        assert_eq!(floats(&[1e-5, 1.0]), ["1.e-05", "1.e+00"]);
        assert_eq!(floats(&[1.5e8, -2.0]), [" 1.5e+08", "-2.0e+00"]);
        let halves = vec![5.960464477539063e-8, 12496.0];
        assert_eq!(texts(&Values::Floats(halves, Float::Mini(Minifloat::HALF)), false), ["5.96e-08", "1.25e+04"]);
        assert_eq!(floats(&[1e100, 1e-300]), ["1.e+100", "1.e-300"]);
        assert_eq!(floats(&[-0.0, 0.0]), ["-0.", " 0."]);
        assert_eq!(floats(&[f64::NAN]), ["nan"]);
    }

    #[test]
    fn complex_numbers_align_as_in_numpy() {
        let values = vec![(1.0, 2.0), (3.5, -1e-3), (f64::NAN, 0.0), (f64::INFINITY, -0.0)];
        let expected = ["1. +2.e+00j", "3.5-1.e-03j", "nan+0.e+00j", "inf-0.e+00j"];
        assert_eq!(texts(&Values::Complex(values, Float::F32), false), expected);
    }

    #[test]
    fn scalars_are_written_as_numpy_writes_them() {
        let table = [
            (3.0, "3.0"),
            (-0.0, "-0.0"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
        ];
        for (value, text) in table {
            assert_eq!(texts(&Values::Floats(vec![value], Float::F64), true), [text]);
        }
        assert_eq!(texts(&Values::Floats(vec![12345678.0], Float::F32), true), ["1.2345678e+07"]);
        for (value, text) in [((1.0, 2.0), "(1+2j)"), ((0.0, -2.5), "-2.5j"), ((-0.0, 1.0), "(-0+1j)")] {
            assert_eq!(texts(&Values::Complex(vec![value], Float::F64), true), [text]);
        }
    }

    #[test]
    fn strings_are_written_as_python_writes_them() {
        assert_eq!(string(b"a\x00\xff\n\\"), "b'a\\x00\\xff\\n\\\\'");
        assert_eq!(string(b"it's"), "b\"it's\"");
        assert_eq!(string(b"'\""), "b'\\'\"'");
        assert!(string(&[b'x'; 2000]).ends_with("x'...(2000 bytes)"));
        assert_eq!(variant(b"\x0a\x03abc\x12"), "<abc, 6 bytes>");
        assert_eq!(variant(b"\x0a\x7fabc"), "<variant, 5 bytes>");
    }
}
