//! NumPy's `.npy` files, format 1.0.

use std::io::{self, Write};

use checkpoint::{DType, Strings};

/// NumPy's type descriptor for a dtype of fixed size: what `np.save` writes.
///
/// Types that NumPy does not know are void, as for the arrays of the package `ml_dtypes` (`a.view(ml_dtypes.bfloat16)` gives
/// them back). It writes `<f1` for float8_e5m2, which `np.load` then refuses; void is what it writes for all others.
pub fn descriptor(dtype: DType) -> Option<&'static str> {
    Some(match dtype {
        DType::Bool => "|b1",
        DType::Int8 | DType::Qint8 => "|i1",
        DType::Uint8 | DType::Quint8 => "|u1",
        DType::Int16 | DType::Qint16 => "<i2",
        DType::Uint16 | DType::Quint16 => "<u2",
        DType::Int32 | DType::Qint32 => "<i4",
        DType::Uint32 => "<u4",
        DType::Int64 => "<i8",
        DType::Uint64 => "<u8",
        DType::Half => "<f2",
        DType::Float => "<f4",
        DType::Double => "<f8",
        DType::Complex64 => "<c8",
        DType::Complex128 => "<c16",
        _ => match dtype.size()? {
            1 => "<V1",
            2 => "<V2",
            _ => return None,
        },
    })
}

/// Writes all that stands before the values, as NumPy writes it to the byte.
pub fn write_header(descriptor: &str, shape: &[i64], out: &mut dyn Write) -> io::Result<()> {
    let dims: Vec<String> = shape.iter().map(i64::to_string).collect();
    let dims = match dims.as_slice() {
        [dim] => format!("({dim},)"),
        dims => format!("({})", dims.join(", ")),
    };
    let mut header = format!("{{'descr': '{descriptor}', 'fortran_order': False, 'shape': {dims}, }}");
    // NumPy leaves room for the first dimension to grow, then fills up so that the values start at a multiple of 64.
    if let Some(first) = shape.first() {
        header.push_str(&" ".repeat(21usize.saturating_sub(first.to_string().len())));
    }
    let before = b"\x93NUMPY\x01\x00".len() + size_of::<u16>();
    let fill = 64 - (before + header.len() + 1) % 64;
    header.push_str(&" ".repeat(fill));
    header.push('\n');
    // At most 254 dimensions of at most 21 characters: the length fits.
    let length = u16::try_from(header.len()).map_err(io::Error::other)?;
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(header.as_bytes())
}

/// The width of NumPy's fixed-width `S` type that holds the strings, or why it cannot.
pub fn string_width(strings: &Strings) -> Result<usize, String> {
    /// A file may be this many times larger than the strings in it before we refuse to write it.
    const BLOAT: usize = 16;
    /// Below this many bytes any bloat will do.
    const SMALL: usize = 64 << 20;
    if let Some(i) = strings.iter().position(|element| element.ends_with(b"\0")) {
        return Err(format!("element {i} ends with a zero byte, which NumPy's fixed-width strings drop"));
    }
    let width = strings.iter().map(<[u8]>::len).max().unwrap_or(0).max(1);
    let stored: usize = strings.iter().map(<[u8]>::len).sum();
    match width.checked_mul(strings.len()) {
        Some(total) if total <= SMALL.max(stored.saturating_mul(BLOAT)) => Ok(width),
        _ => Err(format!("{} elements would each take the {width} bytes of the longest", strings.len())),
    }
}

/// Writes the strings, each filled up with zeros to `width`.
pub fn write_strings(strings: &Strings, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let zeros = vec![0; width];
    for element in strings.iter() {
        out.write_all(element)?;
        out.write_all(&zeros[element.len()..])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What NumPy 2.4 writes for the same arrays.
    #[test]
    fn headers_are_those_of_numpy() {
        let table: &[(&str, &[i64], usize, &str)] = &[
            ("<V2", &[2, 3], 128, "{'descr': '<V2', 'fortran_order': False, 'shape': (2, 3), }"),
            ("<f4", &[], 128, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }"),
            ("|b1", &[5], 128, "{'descr': '|b1', 'fortran_order': False, 'shape': (5,), }"),
        ];
        for (descriptor, shape, length, text) in table {
            let mut out = Vec::new();
            write_header(descriptor, shape, &mut out).unwrap();
            assert_eq!(out.len(), *length, "{text}");
            assert_eq!(&out[..8], b"\x93NUMPY\x01\x00");
            assert_eq!(usize::from(u16::from_le_bytes([out[8], out[9]])), length - 10);
            assert_eq!(std::str::from_utf8(&out[10..]).unwrap().trim_end(), *text);
            assert_eq!(out.last(), Some(&b'\n'));
        }
    }
}
