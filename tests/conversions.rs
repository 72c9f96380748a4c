//! Numbers in another dtype, against what TensorFlow and ml_dtypes make of them.

use checkpoint::{convert_values, Conversion, DType, Reason};

/// What `tests/interop/conversions.py` writes, which also says what the lines mean.
const TABLE: &str = include_str!("interop/conversions.txt");

fn dtype(name: &str) -> DType {
    DType::from_name(name).unwrap_or_else(|| panic!("no dtype {name}"))
}

/// The bytes of an element: its bits in hexadecimal, or those of two parts with a colon between.
fn element(bits: &str, dtype: DType) -> Vec<u8> {
    let size = dtype.size().unwrap();
    match bits.split_once(':') {
        Some((real, imaginary)) => [real, imaginary].map(|part| number(part, size / 2)).concat(),
        None => number(bits, size),
    }
}

fn number(bits: &str, size: usize) -> Vec<u8> {
    let bits = u64::from_str_radix(bits, 16).unwrap();
    match size {
        1 => (bits as u8).to_ne_bytes().to_vec(),
        2 => (bits as u16).to_ne_bytes().to_vec(),
        4 => (bits as u32).to_ne_bytes().to_vec(),
        _ => bits.to_ne_bytes().to_vec(),
    }
}

/// An element as the table has it. NaNs are read by their own rule, from the formats of the dtypes.
fn text(element: &[u8], dtype: DType) -> String {
    if matches!(dtype, DType::Complex64 | DType::Complex128) {
        let part = if dtype == DType::Complex64 { DType::Float } else { DType::Double };
        let (real, imaginary) = element.split_at(element.len() / 2);
        return format!("{}:{}", text(real, part), text(imaginary, part));
    }
    let bits = match *element {
        [byte] => byte.into(),
        [a, b] => u16::from_ne_bytes([a, b]).into(),
        [a, b, c, d] => u32::from_ne_bytes([a, b, c, d]).into(),
        _ => u64::from_ne_bytes(element.try_into().unwrap()),
    };
    // The bits of infinity, beyond which all are NaNs, and of the sign.
    let (last, sign) = match dtype {
        DType::Double => (0x7ff0_0000_0000_0000, 1 << 63),
        DType::Float => (0x7f80_0000, 1 << 31),
        DType::Bfloat16 => (0x7f80, 1 << 15),
        DType::Half => (0x7c00, 1 << 15),
        DType::Float8E5m2 => (0x7c, 1 << 7),
        DType::Float8E4m3fn => (0x7e, 1 << 7),
        DType::Float8E4m3fnuz | DType::Float8E4m3b11fnuz | DType::Float8E5m2fnuz if bits == 0x80 => return "-nan".to_owned(),
        _ => (u64::MAX, 0),
    };
    match (bits & !sign > last, bits & sign != 0) {
        (false, _) => format!("{bits:x}"),
        (true, false) => "nan".to_owned(),
        (true, true) => "-nan".to_owned(),
    }
}

#[test]
fn every_pair_of_dtypes_is_converted_as_tensorflow_and_ml_dtypes_convert_it() {
    let mut pairs = 0;
    for line in TABLE.lines() {
        let mut words = line.split(' ');
        let (from, to, kind) = (dtype(words.next().unwrap()), dtype(words.next().unwrap()), words.next().unwrap());
        pairs += 1;
        let sizes = (from.size().unwrap_or(1), to.size().unwrap_or(1));
        // One value, and so many that several blocks are converted.
        let count = 600;
        for conversion in [Conversion::None, Conversion::Exact, Conversion::Lossy] {
            let is_converted = match kind {
                "exact" | "fitting" => conversion != Conversion::None,
                "lossy" => conversion == Conversion::Lossy,
                "refused" => false,
                _ => panic!("{line}"),
            };
            if !is_converted {
                let (values, mut out) = (vec![1; sizes.0], vec![7; sizes.1]);
                let error = convert_values(conversion, from, &values, to, &mut out).unwrap_err();
                assert_eq!(error.reason(), Reason::DType, "{from} to {to}, {conversion:?}: {error}");
                assert_eq!(out, vec![7; sizes.1]);
                continue;
            }
            for (value, expected) in words.clone().map(|pair| pair.split_once('=').unwrap()) {
                let value = element(value, from).repeat(count);
                let mut out = vec![7; sizes.1 * count];
                let converted = convert_values(conversion, from, &value, to, &mut out);
                if expected == "-" {
                    let error = converted.unwrap_err();
                    assert_eq!(error.reason(), Reason::DType, "{from} to {to}: {error}");
                    assert!(out.iter().all(|&byte| byte == 7), "{from} to {to}");
                    continue;
                }
                converted.unwrap();
                for out in out.chunks(sizes.1) {
                    assert_eq!(text(out, to), expected, "{from} to {to}: {value:02x?}", value = &value[..sizes.0]);
                }
            }
        }
    }
    assert_eq!(pairs, 28 * 27);
}

#[test]
fn sizes_that_do_not_agree_are_refused_and_equal_dtypes_copied() {
    for (values, out) in [(3, 4), (2, 3), (2, 8), (4, 4), (0, 4)] {
        let (values, mut out) = (vec![0; values], vec![7; out]);
        let error = convert_values(Conversion::Exact, DType::Half, &values, DType::Float, &mut out).unwrap_err();
        assert_eq!(error.reason(), Reason::Shape, "{error}");
        assert!(out.iter().all(|&byte| byte == 7));
    }
    let mut out = [0; 4];
    convert_values(Conversion::None, DType::Quint16, &[1, 2, 3, 4], DType::Quint16, &mut out).unwrap();
    assert_eq!(out, [1, 2, 3, 4]);
    convert_values(Conversion::Exact, DType::Half, &[], DType::Float, &mut []).unwrap();
}
