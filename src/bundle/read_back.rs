//! Reads back what was written, before it is published: from the disk rather than from the page
//! cache, where the system allows it.

use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use crate::allocate::allocate;
use crate::error::{Code, Error, Reason, Result};
use crate::format::crc;
use crate::storage::{Draft, Source};

/// Maximum number of bytes read at a time.
const PIECE: u64 = 1 << 20;

/// Bytes that were written to a file, and their checksum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub offset: u64,
    pub length: u64,
    pub crc: u32,
}

/// A file and what it should hold, in the order of the offsets.
pub(super) struct Kept<'f> {
    pub file: &'f Arc<dyn Draft>,
    pub expected: Vec<Expected>,
    /// Adds to an error which of the expected bytes it is about.
    pub name: &'f (dyn Fn(usize, Error) -> Error + Sync),
}

/// Reads the files with several threads. `watch` is called now and then on the calling thread, and
/// can end the call. Returns whether it did not.
///
/// # Errors
/// * `DATA_LOSS` (`Checksum`, `Truncated`): a file does not hold what was written to it.
/// * The operating system's error: a file cannot be synced or read.
pub(super) fn check(files: &[Kept<'_>], threads: usize, watch: &mut dyn FnMut() -> ControlFlow<()>) -> Result<bool> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = |watch: &mut dyn FnMut() -> ControlFlow<()>| -> Result<()> {
        while let Some(kept) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let checked = check_file(kept, &mut || {
                if watch().is_break() {
                    stop.store(true, Ordering::Relaxed);
                }
                stop.load(Ordering::Relaxed)
            });
            if checked.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
            checked?;
        }
        Ok(())
    };
    let work = &work;
    let mut cancelled = false;
    let results: Vec<Result<()>> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(files.len()))
            .filter_map(|_| {
                let body = move || work(&mut || ControlFlow::Continue(()));
                std::thread::Builder::new().spawn_scoped(scope, body).ok()
            })
            .collect();
        let mut results = vec![work(&mut || {
            let flow = watch();
            cancelled |= flow.is_break();
            flow
        })];
        results.extend(others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        results
    });
    results.into_iter().collect::<Result<()>>()?;
    Ok(!cancelled)
}

/// Reads one file. `is_stopped` is asked after each piece.
fn check_file(kept: &Kept<'_>, is_stopped: &mut dyn FnMut() -> bool) -> Result<()> {
    let path = kept.file.path();
    let io = |e: std::io::Error| Error::io("read back the file", path, &e);
    let source = kept.file.read_back().map_err(io)?;
    let length = source.status().map_err(io)?.version.length();
    let mut window = Window { source, length, bytes: Vec::new(), start: 0 };
    for (number, expected) in kept.expected.iter().enumerate() {
        let differs = |reason, what: &str, expected: String, found: String| {
            let fault = Error::new(Code::DataLoss, reason, what).expecting(expected, found);
            Err((kept.name)(number, fault).in_file(path))
        };
        let end = expected.offset.saturating_add(expected.length);
        if end > length {
            let (wanted, found) = (format!("at least {end} bytes"), format!("{length} bytes"));
            return differs(Reason::Truncated, "the file that was written is too short when read back", wanted, found);
        }
        let (mut at, mut sum) = (expected.offset, crc::crc32c(&[]));
        while at < end {
            let piece = window.at(at, end - at).map_err(io)?;
            sum = crc::combine(sum, crc::crc32c(piece), piece.len() as u64);
            at += piece.len() as u64;
            if is_stopped() {
                return Ok(());
            }
        }
        if sum != expected.crc {
            let (wanted, found) = (format!("checksum {:#010x}", expected.crc), format!("{sum:#010x}"));
            return differs(Reason::Checksum, "what was written differs when read back", wanted, found);
        }
    }
    Ok(())
}

/// A part of a file in memory, which moves forward.
struct Window {
    source: Box<dyn Source>,
    length: u64,
    bytes: Vec<u8>,
    start: u64,
}

impl Window {
    /// Returns at least one and at most `most` bytes from `at` on, which must lie within the file.
    fn at(&mut self, at: u64, most: u64) -> std::io::Result<&[u8]> {
        let is_within = |window: &Window| at >= window.start && at - window.start < window.bytes.len() as u64;
        if !is_within(self) {
            let size = (self.length - at).min(PIECE);
            if self.bytes.len() as u64 != size {
                self.bytes = allocate(size).map_err(|_| ErrorKind::OutOfMemory)?;
            }
            self.source.read_at(at, &mut self.bytes)?;
            self.start = at;
        }
        let from = (at - self.start) as usize;
        let to = self.bytes.len().min(from.saturating_add(most as usize));
        Ok(&self.bytes[from..to])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{WriteOptions, Writer};
    use crate::storage::{Local, Location, Recording, Storage};
    use crate::{DType, Durability, Reader};

    /// Writes "kept" again with other values, on a storage that gives back one other bit.
    fn write(at: &Location, storage: &dyn Storage, options: &WriteOptions) -> Result<()> {
        let values = vec![7; 3 << 20];
        let mut writer = Writer::new(at, options)?;
        writer.add("a", DType::Uint8, &[3], &[1, 2, 3])?;
        writer.add("b", DType::Uint8, &[3 << 20], &values)?;
        writer.add_strings("words", &[2], &["x", "yz"])?;
        writer.finish_on(storage, &mut |_, _| ControlFlow::Continue(())).map(drop)
    }

    fn names(directory: &std::path::Path) -> Vec<std::ffi::OsString> {
        let mut names = Local.directory(&Location::of(directory).unwrap(), false).unwrap().list().unwrap();
        names.sort();
        names
    }

    #[test]
    fn what_is_read_back_differently_is_not_published() {
        for durability in [Durability::Full, Durability::None] {
            let options = WriteOptions::new().shards(2).durability(durability);
            // Each file, by the end of its name, with the offset of a bit and the tensor at fault.
            for (suffix, offset, key) in [
                ("-data-00000-of-00003", 0, Some("a")),
                ("-data-00000-of-00003", 3, Some("b")),
                ("-data-00001-of-00003", (1 << 20) - 1, Some("b")),
                ("-index", 20, None),
            ] {
                let scratch = tempfile::tempdir().unwrap();
                let at = Location::of(scratch.path().join("kept")).unwrap();
                let first = WriteOptions::new().shards(2).max_shard_size(2 << 20);
                write(&at, &Local, &first).unwrap();
                let before = names(scratch.path());
                let rotten = || Recording::new().with_rot(suffix, offset);
                let cut = options.clone().max_shard_size(2 << 20);
                // Nobody looks without the option, and the values are right in the file itself.
                let error = write(&at, &rotten(), &cut.clone().read_back(true)).unwrap_err();
                assert_eq!((error.code(), error.reason()), (Code::DataLoss, Reason::Checksum), "{suffix} {offset}: {error}");
                assert!(error.to_string().contains("differs when read back"), "{error}");
                assert_eq!(error.tensor().is_some(), key.is_some(), "{error}");
                assert_eq!(names(scratch.path()), before);
                assert_eq!(Reader::open(&*at).unwrap().get("a").unwrap().read().unwrap(), [1, 2, 3]);
                write(&at, &rotten(), &cut).unwrap();
                write(&at, &Local, &cut.read_back(true)).unwrap();
            }
        }
    }
}
