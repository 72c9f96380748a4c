//! `.npz` files: archives of `.npy` files.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use checkpoint::DType;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::{copy_numbers, malformed, open_file, Entry, ReadAt, Refused, Value};
use crate::bar::Bar;
use crate::failure::Outcome;
use crate::npy::{self, Elements, Header, Type};
use crate::output;
use crate::read_at::read_exact_at;
use crate::stream::{fault, Fault};
use crate::term;

/// Members of at most this many bytes are read at once. Larger members that are not compressed are
/// read in pieces, after a first pass that compares the checksum.
const AT_ONCE: u64 = 64 << 20;
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
    /// The offset of the values in the file, if the member is not compressed.
    place: Option<u64>,
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
            place: None,
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
        let stored = member.compression() == CompressionMethod::Stored;
        self.data = member.data_start().map(|start| start..start.saturating_add(member.compressed_size()));
        self.place = member.data_start().filter(|_| stored).map(|start| start + header.start);
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

    fn strings(&self) -> Result<Elements, Fault> {
        let Some(header) = &self.header else { return Ok(Elements::default()) };
        header.strings(header.row_major(self.unpack(true)?)?)
    }

    fn fill(&self, state: &mut State, offset: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        let Some(header) = &self.header else { return Ok(()) };
        let place = self.place.filter(|_| header.is_plain() && header.bytes() > Some(AT_ONCE));
        if let Some(place) = place {
            if !state.checked {
                self.unpack(false)?;
                state.checked = true;
            }
            read_exact_at(&self.file, buffer, place + offset)?;
            return Ok(());
        }
        if state.bytes.is_none() {
            state.bytes = Some(header.row_major(self.unpack(true)?)?);
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

impl ReadAt for Member {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.fill(&mut state, offset, buffer)
            .map_err(|e| fault(malformed(&self.path, format!("member {}: {e}", term::printable(self.name.as_bytes())))))
    }
}
