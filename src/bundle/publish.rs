//! Publishes the files of a checkpoint so that a crash at any point leaves the previous checkpoint
//! or the new one, complete.
//!
//! Everything is written under temporary names and synced. Then the data files are renamed; then
//! the index, whose rename is the commit; then the directory is synced; only then is anything old
//! removed. If an index of this prefix exists, the new checkpoint gets a number of data files that
//! the old one does not have. So the two share no file, and the rename of the index alone switches
//! between them. Until the old data files are removed, the old index keeps a second, temporary
//! name. After a crash, the next writer in the directory recognizes the old data files by it.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;

use super::durability::Durability;
use super::lock::{list, open, Access, Claim, Held};
use super::naming;
use super::step::{left_out, Step};
use super::temporary::{announcement, attempt, number_of, Role, Temporary};
use crate::allocate::allocate;
use crate::background::Phase;
use crate::error::{Code, Error, Reason, Result};
use crate::os_bytes::OsStrExt;
use crate::storage::{Directory, Draft, File, Location, Storage};

/// A checkpoint that is being published. If dropped before the commit, it removes the files that it
/// created.
pub(super) struct Publication {
    directory: Arc<dyn Directory>,
    attempt: u64,
    durability: Durability,
    /// The files to remove on drop: everything created, until the index is renamed; after that, the
    /// second name of the old index.
    made: Vec<OsString>,
    /// Data files of other checkpoints that were published under this prefix.
    stale: Vec<OsString>,
    /// Whether data files of other checkpoints were adopted. Their owner may remove them after the
    /// commit.
    adopted: bool,
    /// Whether the index gets a second name, which says that it is not recorded yet.
    announced: bool,
    /// The last component of the prefix.
    base: OsString,
    access: Access,
    /// The lock of the checkpoint. It is released last: the next writer of this prefix, and whoever
    /// sweeps, find none of the files above.
    claim: Claim,
}

impl Publication {
    /// Takes the lock of the checkpoint `prefix`, creating its directory if necessary, and removes
    /// what crashes left there. The caller may have the lock already.
    ///
    /// # Errors
    /// * `UNAVAILABLE` (`Locked`): another process or thread is writing or removing this
    ///   checkpoint, and did not end in time.
    pub fn begin(
        storage: &dyn Storage,
        prefix: &Location,
        durability: Durability,
        access: Access,
        claim: Option<Claim>,
    ) -> Result<Publication> {
        let _phase = access.meter.enter(Phase::Publish);
        let (parent, base) = naming::split_prefix(prefix)?;
        let held = match claim {
            None => Held::for_checkpoint(storage, &parent, base, &access)?,
            Some(claim) => {
                let directory = open(storage, &parent, false)?;
                let names = list(&*directory)?;
                Held { directory, claim, names }
            }
        };
        if access.is_new && held.names.iter().any(|name| name.as_bytes().strip_suffix(b".index") == Some(base.as_bytes())) {
            let what =
                "another program has just saved a checkpoint under this name, which the state file does not list; save again";
            return Err(Error::new(Code::Aborted, Reason::Replaced, what).in_file(prefix));
        }
        let stale = held.names.into_iter().filter(|name| naming::split_data_name(name.as_bytes()) == Some(base)).collect();
        Ok(Publication {
            directory: held.directory,
            attempt: attempt(),
            durability,
            made: Vec::new(),
            stale,
            adopted: false,
            announced: false,
            base: base.to_owned(),
            access,
            claim: held.claim,
        })
    }

    /// Gives the index a second name just before it is published, if `is_wanted` and the file
    /// system supports hard links. The caller removes it once a state file lists the checkpoint.
    pub fn announce(mut self, is_wanted: bool) -> Publication {
        self.announced = is_wanted;
        self
    }

    /// Returns the directory, for messages and its free space.
    pub fn directory(&self) -> &dyn Directory {
        &*self.directory
    }

    /// Returns the lowest number of data files, at least `wanted`, that no checkpoint under this
    /// prefix has had.
    pub fn unused_count(&self, wanted: u32) -> u32 {
        let used: BTreeSet<u32> =
            crate::sort::set_of(self.stale.iter().filter_map(|name| naming::shard_numbers(name.as_bytes())).map(|(_, of)| of));
        if left_out(Step::OtherCount) {
            return wanted;
        }
        (wanted..).find(|n| !used.contains(n)).unwrap_or(wanted)
    }

    fn final_name(&self, suffix: &str) -> OsString {
        let mut name = self.base.clone();
        name.push(suffix);
        name
    }

    fn temporary(&self, role: Role) -> OsString {
        Temporary { number: number_of(&self.base), attempt: self.attempt, role }.name()
    }

    /// Fails if the lock of the checkpoint, or one on which the caller relies, was lost.
    fn check(&self) -> Result<()> {
        self.claim.check().and_then(|()| self.access.check())
    }

    fn io(&self, doing: &str, name: &OsStr, error: &std::io::Error) -> Error {
        Error::io(doing, &self.directory.location().join(name), error)
    }

    /// Creates the file that will be data file `shard` of `shards`, of `length` bytes.
    pub fn create_data(&mut self, shard: u32, shards: u32, length: u64) -> Result<Arc<dyn Draft>> {
        let name = self.temporary(Role::Data(shard, shards));
        let file = self.create(name.clone())?;
        file.reserve(length).map_err(|e| self.io("reserve space for the file", &name, &e))?;
        Ok(file)
    }

    /// Makes the data file at `from`, of another checkpoint, also data file `shard` of `shards` of
    /// this one: by a hard link if the file system supports it, else by a copy.
    pub fn adopt_data(&mut self, from: &Location, shard: u32, shards: u32) -> Result<()> {
        self.adopted = true;
        let name = self.temporary(Role::Data(shard, shards));
        match self.directory.adopt(from, &name) {
            Ok(()) => self.made.push(name.clone()),
            Err(e) if matches!(e.kind(), ErrorKind::CrossesDevices | ErrorKind::Unsupported) => {
                self.copy_data(from, name.clone())?
            }
            Err(e) => return Err(Error::io("link the data file", from, &e)),
        }
        match self.durability {
            Durability::None => Ok(()),
            _ => self.directory.sync_file(&name).map_err(|e| self.io("sync the file", &name, &e)),
        }
    }

    fn copy_data(&mut self, from: &Location, name: OsString) -> Result<()> {
        let source = File::open(from)?;
        let file = self.create(name.clone())?;
        file.reserve(source.len()).map_err(|e| self.io("reserve space for the file", &name, &e))?;
        let mut chunk = allocate(source.len().min(1 << 20))?;
        let mut at = 0;
        while at < source.len() {
            let length = (source.len() - at).min(chunk.len() as u64) as usize;
            source.read_at(at, &mut chunk[..length])?;
            let written = file.write_at(at, &[IoSlice::new(&chunk[..length])]);
            written.map_err(|e| self.io("write the data file", &name, &e))?;
            at += length as u64;
        }
        Ok(())
    }

    /// Creates the file that will be the index.
    pub fn create_index(&mut self) -> Result<Arc<dyn Draft>> {
        self.create(self.temporary(Role::Index))
    }

    fn create(&mut self, name: OsString) -> Result<Arc<dyn Draft>> {
        let file = self.directory.draft(&name).map_err(|e| self.io("create the file", &name, &e))?;
        self.made.push(name);
        Ok(file)
    }

    /// Syncs a complete file of `bytes` bytes. A failure is final: the file is abandoned.
    pub fn sync(&self, file: &dyn Draft, bytes: u64) -> Result<()> {
        if self.durability == Durability::None {
            return Ok(());
        }
        let _phase = self.access.meter.enter(Phase::Sync);
        self.access.meter.add(Phase::Sync, bytes);
        file.sync().map_err(|e| Error::io("sync the file", file.path(), &e))
    }

    /// Gives the files their final names. Until the index is renamed, the old checkpoint is the
    /// published one; after that, the new one.
    pub fn commit(mut self, shards: u32) -> Result<()> {
        let _phase = self.access.meter.enter(Phase::Publish);
        // Whoever has the lock now may have published data files of these names.
        self.check()?;
        for shard in 0..shards {
            self.rename(Role::Data(shard, shards), self.final_name(&naming::data_suffix(shard, shards)))?;
        }
        let index = self.final_name(".index");
        let old = self.keep_old_index(&index)?;
        if self.announced {
            self.second_name(&self.temporary(Role::Index), announcement(&self.base, self.attempt))?;
        }
        self.check()?;
        self.rename(Role::Index, index)?;
        // If this sync fails, the old index may still be the one on disk. Then its data files and
        // its second name stay for a later sweep.
        self.made.clear();
        let replaces = !self.stale.is_empty() || self.adopted;
        let must_last = match self.durability {
            Durability::Full => true,
            Durability::Data => replaces,
            Durability::None => false,
        };
        if must_last {
            self.access.sync(&*self.directory)?;
        }
        // Who has the lock now may be writing files of these names.
        if !self.stale.is_empty() && self.check().is_err() {
            return Ok(());
        }
        let stays = |name: &&OsString| self.directory.remove(name).is_err_and(|e| e.kind() != ErrorKind::NotFound);
        // Files that cannot be removed do no harm. The next write that finds the old index tries
        // again.
        if self.stale.iter().filter(stays).count() == 0 {
            self.made.extend(old);
        }
        Ok(())
    }

    /// Gives the index that is about to be replaced a second name, by which a sweep finds its data
    /// files. If the file system does not support hard links, a crash leaves them until this prefix
    /// is written again.
    fn keep_old_index(&mut self, index: &OsStr) -> Result<Option<OsString>> {
        if self.stale.is_empty() || !self.directory.is_file(index) {
            return Ok(None);
        }
        self.second_name(index, self.temporary(Role::OldIndex))
    }

    /// Gives an index a second name and returns that; `None` if the file system does not support
    /// hard links.
    fn second_name(&mut self, index: &OsStr, other: OsString) -> Result<Option<OsString>> {
        match self.directory.alias(index, &other) {
            Ok(()) => self.made.push(other.clone()),
            Err(e) if matches!(e.kind(), ErrorKind::CrossesDevices | ErrorKind::Unsupported) => return Ok(None),
            Err(e) => return Err(self.io("create a hard link to the index", index, &e)),
        }
        Ok(Some(other))
    }

    fn rename(&mut self, role: Role, name: OsString) -> Result<()> {
        let temporary = self.temporary(role);
        self.directory.rename(&temporary, &name).map_err(|e| self.io("rename the file", &name, &e))?;
        // The new name takes the position of the temporary one, because on drop the data files must
        // be removed before the index that identifies them.
        if let Some(made) = self.made.iter_mut().find(|made| **made == temporary) {
            *made = name;
        }
        Ok(())
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        // A forked child must not remove what its parent is writing. If the lock was lost, who has
        // it now may be writing files of these names: a later sweep removes those that are ours.
        if self.made.is_empty() || self.claim.check().is_err() {
            return;
        }
        for name in &self.made {
            let _ = self.directory.remove(name);
        }
    }
}
