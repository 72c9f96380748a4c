//! `.npz` files: archives of `.npy` files.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use checkpoint::DType;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::inflate::Inflated;
use super::{copy_numbers, malformed, open_file, Entry, ReadAt, Refused, Value};
use crate::bar::Bar;
use crate::failure::Outcome;
use crate::npy::{self, Elements, Header, Type};
use crate::output;
use crate::read_at::read_exact_at;
use crate::stream::{fault, Fault};
use crate::term;

/// Members of at most this many bytes are read at once. Larger ones are read in pieces, after a
/// first pass that compares the checksum.
const AT_ONCE: u64 = 64 << 20;
/// Compressed members that cannot be read in pieces have at most this many bytes: a small file may
/// unpack to a thousand times its size.
const MOST_UNPACKED: u64 = 1 << 30;
/// Members of at least this many bytes need the ZIP64 format; leaves room for NumPy's header.
const LARGE: u64 = u32::MAX as u64 - (1 << 20);

/// Returns the reason why a .npz file cannot hold a tensor so that it reads back unchanged; `None`
/// if it can.
pub fn refuses(entry: &Entry<'_>) -> Outcome<Option<String>> {
    if std::str::from_utf8(&entry.key).is_err() {
        return Ok(Some("the key is not UTF-8".to_owned()));
    }
    if entry.key.contains(&0) {
        return Ok(Some("the key contains a zero byte".to_owned()));
    }
    if entry.dtype == DType::String {
        return entry.with_elements(|elements| Ok(npy::string_width(elements).err()));
    }
    let comes_back = npy::descriptor(entry.dtype).map(npy::type_of) == Some(Type::Numbers { dtype: entry.dtype, swapped: false });
    Ok((!comes_back).then(|| format!("NumPy has no type for {}", entry.dtype)))
}

/// Writes an uncompressed file, as `np.savez` does. Returns the number of bytes of all numbers.
pub fn write(path: &Path, entries: &[Entry<'_>], bar: &Bar) -> Outcome<u64> {
    let total: u64 = entries.iter().map(Entry::bytes).sum();
    let mut done = 0;
    output::write_file(path, |out| {
        let zipped = |e: zip::result::ZipError| malformed(path, format!("cannot write the file: {e}"));
        let mut archive = ZipWriter::new(out);
        for entry in entries {
            let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
            let (width, strings) = entry.with_elements(|elements| {
                let width = npy::string_width(elements).unwrap_or(1);
                Ok((width, width as u64 * elements.len() as u64))
            })?;
            let large = entry.bytes().max(strings) >= LARGE;
            let name = format!("{}.npy", String::from_utf8_lossy(&entry.key));
            archive.start_file(name, options.large_file(large)).map_err(zipped)?;
            match &entry.value {
                Value::Numbers(source) => {
                    npy::write_header(npy::descriptor(entry.dtype).unwrap_or_default(), &entry.shape, &mut archive)?;
                    copy_numbers(entry, &**source, &mut archive, |bytes| {
                        done += bytes;
                        let _ = bar.report(done, total);
                    })?;
                }
                _ => {
                    npy::write_header(&format!("|S{width}"), &entry.shape, &mut archive)?;
                    entry.with_elements(|elements| Ok(npy::write_strings(elements, width, &mut archive)?))?;
                }
            }
        }
        archive.finish().map_err(zipped)?;
        Ok(())
    })?;
    Ok(total)
}

type Archive = ZipArchive<BufReader<File>>;

/// Returns the arrays of a file in the order of their positions in it, and the members that cannot
/// be converted.
pub fn open(path: &Path) -> Outcome<(Vec<Entry<'static>>, Vec<Refused>)> {
    let wrong = |what: &dyn std::fmt::Display| malformed(path, format!("not a .npz file: {what}"));
    let same = open_file(path)?;
    let file = same.try_clone().map_err(|e| malformed(path, format!("cannot read the file: {e}")))?;
    let archive = ZipArchive::new(BufReader::new(file)).map_err(|e| wrong(&e))?;
    let count = archive.len();
    let (file, archive) = (Arc::new(same), Arc::new(Mutex::new(archive)));
    let (mut entries, mut refused, mut data_of_members) = (Vec::new(), Vec::new(), Vec::new());
    let mut members = Vec::new();
    for number in 0..count {
        let mut member = Member::new(path, &file, &archive, number);
        match member.look() {
            Ok((_, None)) => {} // a folder
            Ok((name, Some(header))) => {
                data_of_members.extend(member.data.clone().map(|data| (data.start, data.end, name.clone())));
                members.push((member, name, header));
            }
            Err((name, why)) => refused.push(Refused::new(term::printable(name.as_bytes()), &why)),
        }
    }
    check_apart(&mut data_of_members).map_err(|e| wrong(&e))?;
    for (member, name, header) in members {
        let key = name.strip_suffix(".npy").unwrap_or(&name).as_bytes().to_vec();
        match header.element {
            Type::Other => {
                let what = format!("{}  {}", term::printable(&key), header.about());
                refused.push(Refused::new(what, "TensorFlow has no such type"));
            }
            Type::Numbers { dtype, .. } => {
                entries.push(Entry { key, dtype, shape: header.shape.clone(), value: Value::Numbers(Arc::new(member)) });
            }
            Type::Bytes(_) | Type::Text(_) => match member.strings() {
                Ok(elements) => entries.push(Entry {
                    key,
                    dtype: DType::String,
                    shape: header.shape.clone(),
                    value: Value::Strings(elements),
                }),
                Err(e) => return Err(malformed(path, format!("member {}: {e}", term::printable(name.as_bytes())))),
            },
        }
    }
    Ok((entries, refused))
}

/// Fails if two members share data, which would let a small file hold any number of large arrays.
fn check_apart(data: &mut [(u64, u64, String)]) -> Result<(), String> {
    data.sort_unstable();
    match data.windows(2).find(|pair| pair[1].0 < pair[0].1) {
        Some(pair) => Err(format!("the members {} and {} overlap", pair[0].2, pair[1].2)),
        None => Ok(()),
    }
}

/// An array in an archive.
struct Member {
    path: PathBuf,
    file: Arc<File>,
    archive: Arc<Mutex<Archive>>,
    number: usize,
    name: String,
    header: Option<Header>,
    /// Whether the member is not compressed.
    is_stored: bool,
    /// Where the data of the member, which may be compressed, is in the file.
    data: Option<Range<u64>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// All values, in the form in which they are returned; dropped when all were returned.
    bytes: Option<Vec<u8>>,
    /// Whether the checksum has been compared.
    checked: bool,
    /// Values that are read in pieces, of a compressed member.
    inflated: Option<Inflated>,
    handed_out: u64,
}

impl Member {
    fn new(path: &Path, file: &Arc<File>, archive: &Arc<Mutex<Archive>>, number: usize) -> Member {
        Member {
            path: path.to_owned(),
            file: Arc::clone(file),
            archive: Arc::clone(archive),
            number,
            name: String::new(),
            header: None,
            is_stored: false,
            data: None,
            state: Mutex::default(),
        }
    }

    /// Reads the name and the header. No header for a folder; an error if the member is not an
    /// array, with its name and the reason.
    fn look(&mut self) -> Result<(String, Option<Header>), (String, String)> {
        let archive = Arc::clone(&self.archive);
        let mut archive = archive.lock().unwrap_or_else(PoisonError::into_inner);
        let mut member = archive.by_index(self.number).map_err(|e| (format!("member {}", self.number), e.to_string()))?;
        let name = member.name().map(|name| name.into_owned()).unwrap_or_else(|_| format!("member {}", self.number));
        if member.is_dir() {
            return Ok((name, None));
        }
        if !name.ends_with(".npy") {
            return Err((name, "not a NumPy array".to_owned()));
        }
        let header = npy::read_header(&mut member).map_err(|e| (name.clone(), e))?;
        let size = header.bytes().map(|bytes| header.start.saturating_add(bytes));
        if size.is_some_and(|size| size != member.size()) {
            return Err((name, "the size of the array does not match its header".to_owned()));
        }
        self.is_stored = member.compression() == CompressionMethod::Stored;
        self.data = member.data_start().map(|start| start..start.saturating_add(member.compressed_size()));
        self.name = name.clone();
        self.header = Some(header.clone());
        Ok((name, Some(header)))
    }

    /// Reads the whole member, which compares the checksum. Returns the values if `keep` is set.
    fn unpack(&self, keep: bool) -> Result<Vec<u8>, Fault> {
        let Some(header) = &self.header else { return Ok(Vec::new()) };
        let mut archive = self.archive.lock().unwrap_or_else(PoisonError::into_inner);
        let mut member = archive.by_index(self.number)?;
        io::copy(&mut (&mut member).take(header.start), &mut io::sink())?;
        let mut bytes = Vec::new();
        if keep {
            member.read_to_end(&mut bytes)?
        } else {
            io::copy(&mut member, &mut io::sink())? as usize
        };
        if keep && Some(bytes.len() as u64) != header.bytes() {
            Err("the archive is damaged".into())
        } else {
            Ok(bytes)
        }
    }

    /// Returns all values, row-major and little-endian.
    fn whole(&self, header: &Header) -> Result<Vec<u8>, Fault> {
        self.may_be_whole(header)?;
        header.row_major(self.unpack(true)?)
    }

    fn may_be_whole(&self, header: &Header) -> Result<(), Fault> {
        match header.bytes().filter(|&bytes| !self.is_stored && bytes > MOST_UNPACKED) {
            None => Ok(()),
            Some(bytes) => Err(format!(
                "{} cannot be read in pieces, and unpacking them takes {} of memory; at most {} is allowed: {}",
                if header.is_plain() { "compressed strings" } else { "compressed values that are column-major or big-endian" },
                term::bytes(bytes),
                term::bytes(MOST_UNPACKED),
                "write the file with np.savez instead of np.savez_compressed",
            )
            .into()),
        }
    }

    fn strings(&self) -> Result<Elements, Fault> {
        let Some(header) = &self.header else { return Ok(Elements::default()) };
        header.strings(self.whole(header)?)
    }

    fn fill(&self, state: &mut State, offset: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        let Some(header) = &self.header else { return Ok(()) };
        if let Some(data) = self.data.clone().filter(|_| header.is_plain() && header.bytes() > Some(AT_ONCE)) {
            if !state.checked {
                self.unpack(false)?;
                state.checked = true;
            }
            if self.is_stored {
                read_exact_at(&self.file, buffer, data.start + header.start + offset)?;
            } else {
                let inflated = match state.inflated.take() {
                    Some(inflated) => inflated,
                    None => Inflated::new(&self.file, data, header.start).map_err(damaged)?,
                };
                state.inflated.insert(inflated).read(offset, buffer).map_err(damaged)?;
            }
            return Ok(());
        }
        if state.bytes.is_none() {
            state.bytes = Some(self.whole(header)?);
        }
        let from = offset as usize;
        let found = state.bytes.as_ref().and_then(|bytes| bytes.get(from..from + buffer.len()));
        buffer.copy_from_slice(found.ok_or("the archive is damaged")?);
        state.handed_out += buffer.len() as u64;
        if Some(state.handed_out) >= header.bytes() {
            state.bytes = None;
        }
        Ok(())
    }
}

/// Says what an error means that unpacking reports in terms of its own.
fn damaged(e: io::Error) -> Fault {
    match e.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            "the archive is damaged".into()
        }
        _ => e.into(),
    }
}

impl ReadAt for Member {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.fill(&mut state, offset, buffer)
            .map_err(|e| fault(malformed(&self.path, format!("member {}: {e}", term::printable(self.name.as_bytes())))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A small file cannot make the tool unpack any amount into memory.
    #[test]
    fn what_must_be_unpacked_as_a_whole_is_limited() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.npz");
        for (descriptor, order, said) in [
            ("<f4", "True", Some("column-major or big-endian")),
            (">f4", "False", Some("column-major or big-endian")),
            ("|S4", "False", Some("compressed strings")),
        ] {
            for (is_stored, method) in [(true, CompressionMethod::Stored), (false, CompressionMethod::Deflated)] {
                let mut archive = ZipWriter::new(File::create(&path).unwrap());
                archive.start_file("a.npy", SimpleFileOptions::default().compression_method(method)).unwrap();
                let header = format!("{{'descr': '{descriptor}', 'fortran_order': {order}, 'shape': (1, 2), }}\n");
                let length = (header.len() as u16).to_le_bytes();
                archive.write_all(&[b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &[0; 8]].concat()).unwrap();
                archive.finish().unwrap();
                let archive = ZipArchive::new(BufReader::new(File::open(&path).unwrap())).unwrap();
                let file = Arc::new(File::open(&path).unwrap());
                let mut member = Member::new(&path, &file, &Arc::new(Mutex::new(archive)), 0);
                let mut header = member.look().unwrap().1.unwrap();
                assert_eq!(member.whole(&header).unwrap(), [0; 8], "{descriptor}");
                header.shape = vec![1 << 14, 1 << 14, 2];
                let refused = member.may_be_whole(&header).map_err(|e| e.to_string());
                let refused = refused.err().filter(|text| text.contains("np.savez instead of"));
                assert_eq!(
                    refused.as_ref().map(|text| said.is_some_and(|said| text.contains(said))),
                    (!is_stored).then_some(true)
                );
            }
        }
    }
}
