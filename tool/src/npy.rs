//! NumPy's `.npy` files: writes format 1.0 and reads all formats.

use std::io::{self, Read, Write};

use checkpoint::DType;

use crate::stream::Fault;

/// Returns NumPy's type descriptor for a dtype of fixed size: what `np.save` writes.
///
/// Types that NumPy does not have are void, as for arrays of the package `ml_dtypes`
/// (`a.view(ml_dtypes.bfloat16)` converts them back). Exception: for float8_e5m2 NumPy writes
/// `<f1`, which `np.load` then refuses, so it is void here too.
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

/// Writes the header, byte for byte as NumPy does.
pub fn write_header(descriptor: &str, shape: &[i64], out: &mut dyn Write) -> io::Result<()> {
    let dims: Vec<String> = shape.iter().map(i64::to_string).collect();
    let dims = match dims.as_slice() {
        [dim] => format!("({dim},)"),
        dims => format!("({})", dims.join(", ")),
    };
    let mut header = format!("{{'descr': '{descriptor}', 'fortran_order': False, 'shape': {dims}, }}");
    // NumPy leaves room for the first dimension to grow, then pads so that the values start at a
    // multiple of 64.
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

/// Returns the width of NumPy's fixed-width `S` type for the strings, or the reason why it cannot
/// hold them.
pub fn string_width<S: AsRef<[u8]>>(strings: &[S]) -> Result<usize, String> {
    /// A file may be at most this many times larger than the strings in it.
    const BLOAT: usize = 16;
    /// Files of at most this many bytes are always accepted.
    const SMALL: usize = 64 << 20;
    let lengths = || strings.iter().map(|element| element.as_ref().len());
    if let Some(i) = strings.iter().position(|element| element.as_ref().ends_with(b"\0")) {
        return Err(format!("element {i} ends with a zero byte, which NumPy's fixed-width strings drop"));
    }
    let width = lengths().max().unwrap_or(0).max(1);
    let stored: usize = lengths().sum();
    match width.checked_mul(strings.len()) {
        Some(total) if total <= SMALL.max(stored.saturating_mul(BLOAT)) => Ok(width),
        _ => Err(format!("each of the {} elements would take {width} bytes, the length of the longest", strings.len())),
    }
}

/// Writes the strings, each padded with zeros to `width`.
pub fn write_strings<S: AsRef<[u8]>>(strings: &[S], width: usize, out: &mut dyn Write) -> io::Result<()> {
    let zeros = vec![0; width];
    for element in strings.iter().map(AsRef::as_ref) {
        out.write_all(element)?;
        out.write_all(&zeros[element.len()..])?;
    }
    Ok(())
}

/// The type of the elements of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Numbers; big-endian if `swapped`.
    Numbers { dtype: DType, swapped: bool },
    /// `S`: strings of this many bytes, padded with zeros.
    Bytes(usize),
    /// `U`: strings of this many characters of four bytes, padded with zeros.
    Text(usize),
    /// Types that no tensor can hold: dates, Python objects, records.
    Other,
}

/// Returns the type of a descriptor. Void of two bytes is bfloat16, the only known type that is
/// written so.
pub fn type_of(descriptor: &str) -> Type {
    let order = descriptor.chars().next().filter(|c| "<>|=".contains(*c));
    let kind = &descriptor[order.map_or(0, char::len_utf8)..];
    let swapped = order == Some('>');
    let sized = |size: &str| size.parse::<u32>().ok().map(|n| n as usize);
    if let Some(size) = kind.strip_prefix('S').or_else(|| kind.strip_prefix('a')).and_then(sized) {
        return Type::Bytes(size);
    }
    if let Some(size) = kind.strip_prefix('U').and_then(sized).filter(|_| !swapped) {
        return Type::Text(size);
    }
    let dtype = match kind {
        "b1" => DType::Bool,
        "i1" => DType::Int8,
        "u1" => DType::Uint8,
        "i2" => DType::Int16,
        "u2" => DType::Uint16,
        "i4" => DType::Int32,
        "u4" => DType::Uint32,
        "i8" => DType::Int64,
        "u8" => DType::Uint64,
        "f2" => DType::Half,
        "f4" => DType::Float,
        "f8" => DType::Double,
        "c8" => DType::Complex64,
        "c16" => DType::Complex128,
        "V2" => DType::Bfloat16,
        _ => return Type::Other,
    };
    Type::Numbers { dtype, swapped: swapped && dtype.size() > Some(1) }
}

/// The header of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    descriptor: String,
    pub element: Type,
    /// Whether the values are column-major (Fortran order).
    fortran: bool,
    pub shape: Vec<i64>,
    /// The offset of the values.
    pub start: u64,
}

/// Reads the header, or returns the reason why it cannot be read.
pub fn read_header(file: &mut dyn Read) -> Result<Header, String> {
    /// An upper limit for the length of headers that NumPy reads.
    const LONGEST: usize = 1 << 20;
    let cannot = |e: io::Error| format!("not a NumPy array: {e}");
    let mut start = [0; 10];
    file.read_exact(&mut start).map_err(cannot)?;
    let (mut length, mut at) = (usize::from(u16::from_le_bytes([start[8], start[9]])), 10);
    match (start.starts_with(b"\x93NUMPY"), start[6]) {
        (true, 1) => {}
        (true, 2 | 3) => {
            let mut upper = [0; 2];
            file.read_exact(&mut upper).map_err(cannot)?;
            (length, at) = (length | usize::from(u16::from_le_bytes(upper)) << 16, 12);
        }
        (true, version) => return Err(format!("a NumPy array of unknown format version {version}")),
        (false, _) => return Err("not a NumPy array".to_owned()),
    }
    if length > LONGEST {
        return Err("not a NumPy array: the header is too long".to_owned());
    }
    let mut text = vec![0; length];
    file.read_exact(&mut text).map_err(cannot)?;
    let text = String::from_utf8_lossy(&text);
    let header = parse_header(&text, (at + length) as u64);
    let header = header.ok_or_else(|| "not a NumPy array: the header is malformed".to_owned())?;
    match header.shape.len() {
        dims if dims > MOST_DIMENSIONS => Err(format!("{dims} dimensions; a tensor has at most {MOST_DIMENSIONS}")),
        _ => Ok(header),
    }
}

/// Maximum number of dimensions of a tensor.
pub const MOST_DIMENSIONS: usize = 254;
/// Maximum number of elements that take no bytes, so that no file backs them.
const MOST_UNBACKED: u64 = 1 << 16;

/// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`; `None` if it is malformed.
/// Records have a list as `descr`.
fn parse_header(text: &str, start: u64) -> Option<Header> {
    let after = |name: &str| {
        let (_, rest) = text.split_once(&format!("'{name}':"))?;
        Some(rest.trim_start())
    };
    let descr = after("descr")?;
    let (descriptor, element) = match descr.strip_prefix('\'') {
        Some(rest) => {
            let (descriptor, _) = rest.split_once('\'')?;
            (descriptor.to_owned(), type_of(descriptor))
        }
        None => ("records".to_owned(), Type::Other),
    };
    let order = after("fortran_order")?;
    let fortran = order.starts_with("True");
    if !fortran && !order.starts_with("False") {
        return None;
    }
    let (dims, _) = after("shape")?.strip_prefix('(')?.split_once(')')?;
    let dims = dims.split(',').map(|dim| dim.trim().trim_end_matches('L')).filter(|dim| !dim.is_empty());
    let shape: Vec<i64> = dims.map(|dim| dim.parse().ok().filter(|&n: &i64| n >= 0)).collect::<Option<_>>()?;
    let header = Header { descriptor, element, fortran, shape, start };
    header.count().and_then(|count| count.checked_mul(header.size() as u64))?;
    Some(header)
}

impl Header {
    fn count(&self) -> Option<u64> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        self.shape.iter().try_fold(1u64, |count, &n| count.checked_mul(n as u64))
    }

    /// Returns the size of an element in bytes; 0 for `Type::Other`.
    fn size(&self) -> usize {
        match self.element {
            Type::Numbers { dtype, .. } => dtype.size().unwrap_or(0),
            Type::Bytes(width) => width,
            Type::Text(chars) => 4 * chars,
            Type::Other => 0,
        }
    }

    /// Returns the size of all values in bytes; `None` for `Type::Other`.
    pub fn bytes(&self) -> Option<u64> {
        match self.element {
            Type::Other => None,
            _ => self.count().map(|count| count * self.size() as u64),
        }
    }

    /// Returns whether the file stores the values as a checkpoint does: row-major and
    /// little-endian.
    pub fn is_plain(&self) -> bool {
        !self.is_column_major() && !matches!(self.element, Type::Numbers { swapped: true, .. })
    }

    /// Returns whether the order of the values is not that of a checkpoint. In one dimension both
    /// are the same.
    fn is_column_major(&self) -> bool {
        self.fortran && self.shape.len() > 1
    }

    /// Returns type and shape as text for people.
    pub fn about(&self) -> String {
        /// Longest descriptor that is quoted in full: those of NumPy are shorter.
        const QUOTED: usize = 40;
        let quoted: String = self.descriptor.chars().take(QUOTED).collect();
        let cut = if quoted.len() < self.descriptor.len() { "…" } else { "" };
        format!("{}{cut} {}", crate::term::printable(quoted.as_bytes()), crate::term::shape(&self.shape))
    }

    /// Converts the values to row-major and little-endian.
    pub fn row_major(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
        if let Type::Numbers { dtype, swapped: true } = self.element {
            let complex = matches!(dtype, DType::Complex64 | DType::Complex128);
            let unit = self.size() / if complex { 2 } else { 1 };
            bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
        }
        let size = self.size();
        if !self.is_column_major() || size == 0 {
            return Ok(bytes);
        }
        // `at` is the column-major position of each element, in row-major order.
        let mut out = Vec::new();
        out.try_reserve_exact(bytes.len())?;
        let mut index = vec![0; self.shape.len()];
        let mut strides = vec![1; self.shape.len()];
        (1..strides.len()).for_each(|dim| strides[dim] = strides[dim - 1] * self.shape[dim - 1]);
        let mut at = 0;
        for _ in 0..bytes.len() / size {
            out.extend_from_slice(&bytes[at * size..][..size]);
            for dim in (0..index.len()).rev() {
                let stride = strides[dim];
                index[dim] += 1;
                at += stride as usize;
                if index[dim] < self.shape[dim] {
                    break;
                }
                at -= (self.shape[dim] * stride) as usize;
                index[dim] = 0;
            }
        }
        Ok(out)
    }

    /// Returns the strings in row-major values: bytes unchanged, text as UTF-8.
    pub fn strings(&self, mut bytes: Vec<u8>) -> Result<Elements, Fault> {
        let (size, count) = (self.size(), self.count().unwrap_or(0));
        if size == 0 && count > MOST_UNBACKED {
            return Err(format!("its {count} strings of length 0 take no bytes of the file").into());
        }
        let mut ends = Vec::new();
        ends.try_reserve_exact(usize::try_from(count)?)?;
        // Neither form of a string is longer than the stored one, so it takes the same memory.
        let mut end = 0;
        for number in 0..count as usize {
            let (from, till) = (number * size, (number + 1) * size);
            let stored = bytes.get(from..till).ok_or("the archive is damaged")?;
            let filled = stored.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            match self.element {
                Type::Text(_) => {
                    for at in (from..from + filled).step_by(4) {
                        let unit = bytes[at..].first_chunk().map_or(0, |unit| u32::from_le_bytes(*unit));
                        let char = char::from_u32(unit).ok_or("a string is not Unicode")?;
                        end += char.encode_utf8(&mut bytes[end..]).len();
                    }
                }
                _ => {
                    bytes.copy_within(from..from + filled, end);
                    end += filled;
                }
            }
            ends.push(end);
        }
        bytes.truncate(end);
        Ok(Elements { bytes, ends })
    }
}

/// Strings, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elements {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Elements {
    /// Returns all elements.
    pub fn all(&self) -> Result<Vec<&[u8]>, Fault> {
        let mut all = Vec::new();
        all.try_reserve_exact(self.ends.len())?;
        let mut start = 0;
        for &end in &self.ends {
            all.push(&self.bytes[start..end]);
            start = end;
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected headers are those of NumPy 2.4 for the same arrays.
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

    #[test]
    fn headers_are_read_back() {
        for (descriptor, shape) in [("<f4", &[][..]), ("|S7", &[5]), ("<V2", &[2, 3]), ("<c16", &[0, 9])] {
            let mut out = Vec::new();
            write_header(descriptor, shape, &mut out).unwrap();
            let header = read_header(&mut &out[..]).unwrap();
            assert_eq!((header.start, &*header.shape), (out.len() as u64, shape));
            assert_eq!((header.element, header.is_plain()), (type_of(descriptor), true));
        }
        let unlike = "{'descr': '>i2', 'fortran_order': True, 'shape': (2L, 3L)}";
        let header = parse_header(unlike, 9).unwrap();
        assert_eq!(header.element, Type::Numbers { dtype: DType::Int16, swapped: true });
        // What np.asfortranarray([[0, 1, 2], [3, 4, 5]]) holds.
        let bytes: Vec<u8> = [0i16, 3, 1, 4, 2, 5].iter().flat_map(|n| n.to_be_bytes()).collect();
        let wanted: Vec<u8> = (0i16..6).flat_map(|n| n.to_le_bytes()).collect();
        assert_eq!((header.bytes(), header.row_major(bytes).unwrap()), (Some(12), wanted));
    }

    #[test]
    fn other_headers_are_refused() {
        for text in [
            "",
            "{'descr': '<f4', 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952,)}",
        ] {
            assert_eq!(parse_header(text, 0), None, "{text}");
        }
        for descriptor in ["|O", "<M8[ns]", "<f16", "|V1", "|V8", ">U3", "", "<i3"] {
            assert_eq!(type_of(descriptor), Type::Other, "{descriptor}");
        }
        let records = parse_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 0);
        assert_eq!(records.unwrap().element, Type::Other);
    }

    #[test]
    fn strings_lose_what_fills_them_up() {
        let header = |descriptor: &str| Header {
            descriptor: descriptor.to_owned(),
            element: type_of(descriptor),
            fortran: false,
            shape: vec![2],
            start: 0,
        };
        let strings = |descriptor, bytes: &[u8]| header(descriptor).strings(bytes.to_vec());
        assert_eq!(strings("|S3", b"a\0bc\0\0").unwrap().all().unwrap(), [&b"a\0b"[..], b"c"]);
        assert_eq!(strings("|S0", b"").unwrap().all().unwrap(), [b"", b""]);
        assert_eq!(strings("<U0", b"").unwrap().all().unwrap(), [b"", b""]);
        let text: Vec<u8> = ['\u{e9}', '\0', 'x', 'y'].iter().flat_map(|&c| u32::from(c).to_le_bytes()).collect();
        assert_eq!(strings("<U2", &text).unwrap().all().unwrap(), ["\u{e9}".as_bytes(), b"xy"]);
        assert!(strings("<U1", &0xd800u32.to_le_bytes().repeat(2)).is_err());
    }
}
