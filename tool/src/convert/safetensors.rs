//! `.safetensors` files.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use checkpoint::DType;
use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::Dtype;

use super::{copy_numbers, malformed, open_file, Entry, ReadAt, Refused, Value};
use crate::bar::Bar;
use crate::failure::{Failure, Outcome};
use crate::npy::MOST_DIMENSIONS;
use crate::output;
use crate::read_at::read_exact_at;
use crate::stream::Fault;
use crate::term;

/// The size of the largest header that the library `safetensors` reads.
const LARGEST_HEADER: u64 = 100_000_000;
/// The key that the format reserves for text.
const METADATA: &[u8] = b"__metadata__";

const TYPES: [(DType, Dtype); 18] = [
    (DType::Bool, Dtype::BOOL),
    (DType::Uint8, Dtype::U8),
    (DType::Int8, Dtype::I8),
    (DType::Uint16, Dtype::U16),
    (DType::Int16, Dtype::I16),
    (DType::Uint32, Dtype::U32),
    (DType::Int32, Dtype::I32),
    (DType::Uint64, Dtype::U64),
    (DType::Int64, Dtype::I64),
    (DType::Half, Dtype::F16),
    (DType::Bfloat16, Dtype::BF16),
    (DType::Float, Dtype::F32),
    (DType::Double, Dtype::F64),
    (DType::Complex64, Dtype::C64),
    (DType::Float8E5m2, Dtype::F8_E5M2),
    (DType::Float8E4m3fn, Dtype::F8_E4M3),
    (DType::Float8E4m3fnuz, Dtype::F8_E4M3FNUZ),
    (DType::Float8E5m2fnuz, Dtype::F8_E5M2FNUZ),
];

fn target(dtype: DType) -> Option<Dtype> {
    TYPES.iter().find(|row| row.0 == dtype).map(|row| row.1)
}

/// Returns the reason why a .safetensors file cannot hold a tensor; `None` if it can.
pub fn refuses(entry: &Entry<'_>) -> Option<String> {
    match std::str::from_utf8(&entry.key) {
        Err(_) => return Some("the key is not UTF-8".to_owned()),
        Ok(_) if entry.key == METADATA => return Some("the format reserves this key".to_owned()),
        Ok(_) => {}
    }
    target(entry.dtype).is_none().then(|| format!("the format has no type for {}", entry.dtype))
}

/// Returns the tensors of a file in the order of their positions in it, and those that cannot be
/// converted.
pub fn open(path: &Path) -> Outcome<(Vec<Entry<'static>>, Vec<Refused>)> {
    let cannot = |e: std::io::Error| malformed(path, format!("cannot read the file: {e}"));
    let wrong = |what: &dyn std::fmt::Display| malformed(path, format!("not a .safetensors file: {what}"));
    let mut file = open_file(path)?;
    let size = file.metadata().map_err(cannot)?.len();
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|e| wrong(&e))?;
    let length = u64::from_le_bytes(length);
    if length > LARGEST_HEADER || length + 8 > size {
        return Err(wrong(&format!("it claims a header of {length} bytes, but has only {size} bytes")));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(cannot)?;
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| wrong(&e))?;
    let start = 8 + length;
    if start + metadata.data_len() as u64 != size {
        let needed = start + metadata.data_len() as u64;
        return Err(wrong(&format!("its header requires {needed} bytes, but it has {size} bytes")));
    }
    let file = Arc::new(file);
    let (mut entries, mut refused) = (Vec::new(), Vec::new());
    for key in metadata.offset_keys() {
        let Some(info) = metadata.info(&key) else { continue };
        let mut refuse =
            |what: String, why: &str| refused.push(Refused::new(format!("{}  {what}", term::printable(key.as_bytes())), why));
        if info.shape.len() > MOST_DIMENSIONS {
            refuse(format!("{} dimensions", info.shape.len()), &format!("a tensor has at most {MOST_DIMENSIONS}"));
            continue;
        }
        let shape: Result<Vec<i64>, _> = info.shape.iter().map(|&n| i64::try_from(n)).collect();
        let Ok(shape) = shape else {
            refuse(info.dtype.to_string(), "a dimension is too large");
            continue;
        };
        let Some((dtype, _)) = TYPES.iter().find(|row| row.1 == info.dtype) else {
            refuse(format!("{} {}", info.dtype, term::shape(&shape)), "TensorFlow has no such type");
            continue;
        };
        let part = Part { file: Arc::clone(&file), start: start + info.data_offsets.0 as u64 };
        entries.push(Entry { key: key.into_bytes(), dtype: *dtype, shape, value: Value::Numbers(Arc::new(part)) });
    }
    Ok((entries, refused))
}

/// The part of a file that begins at an offset.
struct Part {
    file: Arc<File>,
    start: u64,
}

impl ReadAt for Part {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        Ok(read_exact_at(&self.file, buffer, self.start + offset)?)
    }
}

/// Writes a file. As the library `safetensors` does, it sorts tensors with larger types first, then
/// by key, so that every value is aligned. Returns the number of bytes of all tensors.
pub fn write(path: &Path, entries: &mut [Entry<'_>], bar: &Bar) -> Outcome<u64> {
    entries.sort_by(|a, b| target(b.dtype).cmp(&target(a.dtype)).then_with(|| a.key.cmp(&b.key)));
    let (mut infos, mut total) = (Vec::new(), 0);
    for entry in &*entries {
        let dtype = target(entry.dtype).unwrap_or(Dtype::U8);
        let shape = entry.shape.iter().map(|&n| n as usize).collect();
        let end = total + entry.bytes();
        let info = TensorInfo { dtype, shape, data_offsets: (total as usize, end as usize) };
        infos.push((String::from_utf8_lossy(&entry.key).into_owned(), info));
        total = end;
    }
    let metadata = Metadata::new(None, infos).map_err(|e| malformed(path, e))?;
    let mut header = serde_json::to_vec(&metadata).map_err(|e| malformed(path, e))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    if header.len() as u64 > LARGEST_HEADER {
        return Err(Failure::Problem("too many tensors for one .safetensors file: its header would exceed 100 MB".to_owned()));
    }
    let mut done = 0;
    output::write_file(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        for entry in &*entries {
            if let Value::Numbers(source) = &entry.value {
                copy_numbers(entry, &**source, out, |bytes| {
                    done += bytes;
                    let _ = bar.report(done, total);
                })?;
            }
        }
        Ok(())
    })?;
    Ok(total)
}
