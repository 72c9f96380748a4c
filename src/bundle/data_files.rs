//! The data files of an open bundle. They are opened as needed, possibly long after the index was
//! read, when their names may belong to another checkpoint.
//!
//! At opening, every data file is identified between two looks at the index: if the index is the
//! same both times, the files are its own, because publishing never uses the file names of the
//! checkpoint that it replaces. A data file that is opened later must still be the same file, and
//! the index as well.

use std::sync::Arc;

use super::index::Index;
use super::naming;
use super::seal::Seal;
use crate::allocate::with_room;
use crate::error::{Code, Error, Reason, Result};
use crate::storage::{File, Location, Shared, Sign, Version};

/// A data file that some record is in.
#[derive(Debug)]
struct Shard {
    number: u32,
    /// What the file was when the bundle was opened; `None` if there was none, or none that could
    /// be accessed. Reading it then fails, unless it has appeared.
    version: Option<Version>,
    /// The file, once it has been opened.
    file: Option<Arc<File>>,
}

#[derive(Debug)]
struct Identified {
    seal: Arc<Seal>,
    /// In the order of their numbers.
    shards: Vec<Shard>,
}

#[derive(Debug)]
pub(super) struct DataFiles(Shared<Identified>);

/// How often opening looks again for files that do not change meanwhile.
const MOST_LOOKS: usize = 100;

impl DataFiles {
    /// Opens the index at `prefix` by `load` and identifies its data files.
    pub fn of_index(prefix: &Location, mut load: impl FnMut() -> Result<Index>) -> Result<(Index, DataFiles)> {
        for _ in 0..MOST_LOOKS {
            let index = load()?;
            let files = DataFiles::identify(&index)?;
            match index.seal().check() {
                Ok(()) => return Ok((index, files)),
                Err(e) if e.reason() == Reason::Replaced => {}
                Err(e) => return Err(e),
            }
        }
        let what = "the checkpoint was replaced each time before it could be opened";
        Err(Error::new(Code::Unavailable, Reason::Busy, what).in_file(prefix))
    }

    fn identify(index: &Index) -> Result<DataFiles> {
        let numbers = index.shards()?;
        let mut shards = with_room(numbers.len())?;
        for number in numbers {
            let status = path(index, number).status();
            shards.push(Shard { number, version: status.map(|status| status.version), file: None });
        }
        Ok(DataFiles(Shared::new(Identified { seal: index.seal().clone(), shards })))
    }

    /// Takes over what another identification found, for the same content.
    pub fn become_those_of(&self, other: DataFiles) {
        let Some(mut identified) = self.0.lock() else { return };
        let before = std::mem::replace(&mut *identified, other.0.into_inner());
        drop(identified);
        drop(before); // without the lock
    }

    /// Returns the data file `number`, which is opened if it never was.
    pub fn get(&self, index: &Index, number: u32) -> Result<Arc<File>> {
        let (seal, version) = match self.0.lock() {
            Some(identified) => match identified.shard(number) {
                Some(Shard { file: Some(file), .. }) => return Ok(file.clone()),
                shard => (identified.seal.clone(), shard.and_then(|shard| shard.version)),
            },
            // In a forked child: while the index is the same, so are its files.
            None => (index.seal().clone(), None),
        };
        let file = match File::pooled(&path(index, number), version, Some(seal.clone())) {
            Ok(file) => Arc::new(file),
            // A checkpoint that was replaced explains it better than the data file that went with
            // it.
            Err(e) if matches!(e.reason(), Reason::MissingFile | Reason::Replaced) => {
                return Err(seal.check().err().filter(|e| e.reason() == Reason::Replaced).unwrap_or(e))
            }
            Err(e) => return Err(e),
        };
        let Some(mut identified) = self.0.lock() else { return Ok(file) };
        if !Arc::ptr_eq(&identified.seal, &seal) {
            return Ok(file); // identified anew meanwhile
        }
        Ok(match identified.shard_mut(number) {
            Some(shard) => shard.file.get_or_insert(file).clone(),
            None => file,
        })
    }

    /// Passes the file `number` to `see` if it was opened before.
    pub fn with_known<R>(&self, number: u32, see: impl FnOnce(&Arc<File>) -> R) -> Option<R> {
        self.0.lock()?.shard(number)?.file.as_ref().map(see)
    }

    /// Closes the files. They are opened again when needed.
    pub fn close(&self) {
        let close = |identified: &Identified| {
            identified.shards.iter().filter_map(|shard| shard.file.as_ref()).for_each(|file| file.close());
        };
        self.0.lock().iter().for_each(|identified| close(identified));
    }

    #[cfg(test)]
    pub fn each(&self, mut see: impl FnMut(&File)) {
        self.0.lock().unwrap().shards.iter().filter_map(|shard| shard.file.as_ref()).for_each(|file| see(file));
    }
}

impl Identified {
    fn place(&self, number: u32) -> Option<usize> {
        // Mostly there is a record in every data file.
        match self.shards.get(number as usize) {
            Some(shard) if shard.number == number => Some(number as usize),
            _ => self.shards.binary_search_by_key(&number, |shard| shard.number).ok(),
        }
    }

    fn shard(&self, number: u32) -> Option<&Shard> {
        self.place(number).map(|place| &self.shards[place])
    }

    fn shard_mut(&mut self, number: u32) -> Option<&mut Shard> {
        self.place(number).map(|place| &mut self.shards[place])
    }
}

/// Returns the path of data file `number`.
pub(super) fn path(index: &Index, number: u32) -> Location {
    naming::data_path(index.prefix(), number, index.header().shards)
}
