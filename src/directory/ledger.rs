//! The ledger: the managed checkpoints of a directory, as recorded in its state file and in
//! `checkpoint.manager` beside it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::removal::{finish_marked, same_file, with_suffix, Departure, Removals, Reserved};
use super::retention::{Entry, Kept, Managed, Retention};
use super::session::Session;
use super::sidecar::{self, SIDECAR};
use crate::allocate::{list_of, Room, TryPush};
use crate::bundle::{announced, Access};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::format::state_file::StateFile;
use crate::os_bytes::OsStrExt;
use crate::reader::{in_place, is_absolute, path_in, read_state, resolve, resolve_name, small_file, was_moved, STATE_FILE};
use crate::storage::{self, Directory, Location, Source, Storage};
use crate::Durability;

/// The managed checkpoints of a directory.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    directory: Location,
    /// The path of the latest checkpoint, as the state file has it.
    latest: Option<OsString>,
    managed: Managed,
    /// The text of `checkpoint.manager` when it was last read or written; `None` if there is no
    /// such file.
    sidecar: Option<String>,
    /// The text of the state file when it was last read or written.
    read: Option<String>,
    /// The names that the state file listed when it was last read or written.
    listed: BTreeSet<OsString>,
}

/// How a ledger is written to disk.
pub(crate) struct Recording<'a> {
    pub storage: &'a dyn Storage,
    pub durability: Durability,
    pub access: &'a Access,
    pub rule: &'a Retention,
    /// Receives the problems that do not make the call fail.
    pub warnings: &'a mut Vec<String>,
}

impl Ledger {
    /// Reads the managed checkpoints of `directory` at the time `now`, as TensorFlow's manager
    /// does. A state file that cannot be parsed is ignored, with a warning in `warnings`.
    ///
    /// # Errors
    /// * `DATA_LOSS` (`NoCheckpoint`): the state file names no latest checkpoint.
    /// * The operating system's error: a file cannot be read.
    pub fn load(directory: &Location, now: f64, warnings: &mut Vec<String>) -> Result<Ledger> {
        let directory = directory.clone();
        let state = match read_state(&directory, OsStr::new(STATE_FILE)) {
            Err(e) if e.reason() != Reason::NoCheckpoint && is_nonsense(&e) => {
                warnings.push(format!("{e}; the state file is ignored: repair it with `ckpt repair`"));
                None
            }
            state => state?,
        };
        let sidecar = read_sidecar(&directory, warnings)?;
        let Some(state) = state else {
            // One second earlier, so that a checkpoint that is made immediately is later than this.
            let managed = Managed { last_preserved: now - 1.0, ..Managed::default() };
            return Ok(Ledger { directory, latest: None, managed, sidecar, read: None, listed: BTreeSet::new() });
        };
        let read = Some(state.to_text()?);
        let state = state.with_paths(&mut in_place(&directory));
        // If the directory was moved, the absolute paths of its own checkpoints become names in it.
        // An absolute path that leads to a checkpoint shows that they are those of another
        // directory: then a checkpoint of the same name here is not listed, and never removed.
        let is_elsewhere = |entry: &OsString| {
            is_absolute(entry) && {
                let resolved = resolve_name(&directory, entry);
                resolved.located.is_some() && !resolved.is_moved
            }
        };
        let may_be_moved = !names_of(&state).any(is_elsewhere);
        let named = |entry: &OsString| {
            let resolved = resolve_name(&directory, entry);
            if may_be_moved || !(resolved.is_moved && is_absolute(entry)) {
                resolved.name
            } else {
                entry.clone()
            }
        };
        let listed = crate::sort::set_of(names_of(&state).map(named));
        let mut is_moved = false;
        // An entry that no manager writes is kept as it is: what it names is never removed.
        let mut state = state.with_paths(&mut |entry| {
            let resolved = resolve_name(&directory, &entry);
            if may_be_moved && resolved.is_moved && is_absolute(&entry) {
                is_moved = true;
                resolved.name
            } else {
                entry
            }
        });
        state.model_checkpoint_path = resolve_name(&directory, &state.model_checkpoint_path).name;
        if is_moved {
            warnings.push(was_moved(&directory));
        }
        let mut last_preserved = state.last_preserved_timestamp.unwrap_or(0.0);
        if now < last_preserved {
            warnings.push(format!(
                "the clock is {:.6} seconds behind the last preserved checkpoint timestamp: older checkpoints are not managed",
                last_preserved - now
            ));
            last_preserved = now;
        }
        let mut window = Vec::new();
        for (path, &time) in state.all_model_checkpoint_paths.iter().zip(&state.all_model_checkpoint_timestamps) {
            let entry = Entry { path: path.clone(), time: if now < time { now } else { time }, metric: None };
            if entry.time > last_preserved {
                window.try_push(entry)?;
            }
        }
        let window = last_of_each(window)?;
        let latest = Some(state.model_checkpoint_path.clone());
        let managed = Managed { window, kept: Vec::new(), last_preserved };
        let mut ledger = Ledger { directory, latest, managed, sidecar, read, listed };
        ledger.take_sidecar(&state)?;
        Ok(ledger)
    }

    /// Reads everything again if another manager has written the state file since it was read. A
    /// state file written by a plain save changes nothing: the managed checkpoints stay managed.
    pub fn refresh(&mut self, now: f64, warnings: &mut Vec<String>) -> Result<()> {
        if self.changed()?.is_some() {
            *self = Ledger::load(&self.directory, now, warnings)?;
        }
        Ok(())
    }

    /// Fails if the latest checkpoint that the state file names does not exist.
    pub fn check_latest(&self) -> Result<()> {
        let Some(latest) = &self.latest else { return Ok(()) };
        if resolve(&self.directory, latest)?.located.is_some() {
            return Ok(());
        }
        let what = format!(
            "the latest checkpoint, {}, does not exist, so older ones are kept: run `ckpt repair` first",
            printable(latest.as_bytes())
        );
        Err(Error::new(Code::FailedPrecondition, Reason::NoCheckpoint, what).in_file(&self.directory.join(STATE_FILE)))
    }

    /// Fails if another manager has written the state file since it was read or written:
    /// otherwise this program would overwrite changes that it has not seen.
    pub fn check_unchanged(&self) -> Result<()> {
        match self.changed()? {
            Some(state) => Err(Error::new(
                Code::FailedPrecondition,
                Reason::Replaced,
                "another manager has saved in this directory since this one was opened: resume from the latest checkpoint first",
            )
            .expecting(
                self.latest.as_ref().map_or("no checkpoint".to_owned(), |latest| printable(latest.as_bytes())),
                printable(state.model_checkpoint_path.as_bytes()),
            )
            .in_file(&self.directory)),
            None => Ok(()),
        }
    }

    /// The current state file, if a manager has written it since it was read.
    fn changed(&self) -> Result<Option<StateFile>> {
        match read_state(&self.directory, OsStr::new(STATE_FILE)) {
            Err(e) if e.errno().is_none() => Ok(None),
            state => match state?.filter(|now| !now.all_model_checkpoint_timestamps.is_empty()) {
                Some(now) if self.read != Some(now.to_text()?) => Ok(Some(now)),
                _ => Ok(None),
            },
        }
    }

    /// Adopts the records of `checkpoint.manager` whose checkpoints are still the same ones.
    fn take_sidecar(&mut self, state: &StateFile) -> Result<()> {
        let records = match self.sidecar.as_ref().map(|text| sidecar::parse(text.as_bytes())) {
            Some(Err(e)) if e.is_shortage() => return Err(e),
            parsed => parsed.and_then(Result::ok).unwrap_or_default(),
        };
        let paths = &state.all_model_checkpoint_paths;
        let times = paths.iter().zip(&state.all_model_checkpoint_timestamps);
        let (mut listed, mut places, mut known) = (HashSet::new(), HashMap::new(), HashSet::new());
        listed.make_room(paths.len())?;
        places.make_room(paths.len())?;
        known.make_room(paths.len() + records.len())?;
        listed.extend(times.filter_map(|(path, &time)| Some((path, comparable(time)?))));
        places.extend(self.managed.window.iter().enumerate().map(|(place, entry)| (entry.path.clone(), place)));
        known.extend(paths.iter().cloned());
        for record in records {
            if comparable(record.entry.time).is_some_and(|time| listed.contains(&(&record.entry.path, time))) {
                if let Some(&place) = places.get(&record.entry.path) {
                    self.managed.window[place].metric = record.entry.metric;
                }
            }
            if let (Some(why), Some(_)) = (record.kept, owned(&record.entry.path)) {
                if known.insert(record.entry.path.clone()) {
                    self.managed.kept.try_push(Kept { entry: record.entry, why })?;
                }
            }
        }
        Ok(())
    }

    /// The latest checkpoint, whether or not it exists.
    pub fn latest(&self) -> Option<PathBuf> {
        self.latest.as_ref().map(|latest| path_in(&self.directory, latest).into_path())
    }

    /// Whether the state file lists the checkpoint `name`, so that a save may replace it.
    pub fn lists(&self, name: &OsStr) -> bool {
        self.listed.contains(name)
    }

    /// Whether the checkpoint `name` is recorded: in the state file or in `checkpoint.manager`.
    fn knows(&self, name: &OsStr) -> bool {
        self.lists(name) || self.managed.kept.iter().any(|kept| kept.entry.path == name)
    }

    /// Takes up the checkpoints that a manager had published, but not recorded, when its process
    /// ended. The last of them is the latest checkpoint, unless the state file was written since.
    /// Returns their names; [`Ledger::record`] writes them to the state file. Until then a save
    /// must not replace them, unless [`Ledger::may_replace`] is told that the program has resumed.
    pub fn take_up(&mut self, directory: &dyn Directory, now: &dyn Fn() -> f64) -> std::io::Result<Vec<OsString>> {
        let version = |file: Box<dyn Source>| file.status().ok().map(|status| status.version);
        let state = directory.open(OsStr::new(STATE_FILE)).ok().and_then(version).map(|version| version.time());
        let mut found = Vec::new();
        for mark in directory.list()? {
            let Some(base) = announced(&mark).and_then(owned) else { continue };
            let files = directory.open(&mark).and_then(|marked| Ok((marked, directory.open(&with_suffix(base, ".index"))?)));
            let index = files.ok().filter(|(marked, index)| same_file(&**marked, &**index)).map(|(_, index)| index);
            let Some(version) = index.and_then(version) else { continue };
            let is_newer = state.is_none_or(|state| version.time() > state);
            // If the checkpoint is recorded and the state file is not older, only the mark was
            // left.
            if is_newer || !self.knows(base) {
                found.push((version.time(), base.to_owned(), is_newer, version.modified()));
            }
        }
        crate::sort::sort_by(&mut found, |a, b| (a.0, &a.1).cmp(&(b.0, &b.1))).map_err(|_| ErrorKind::OutOfMemory)?;
        for (_, name, is_newer, time) in &found {
            let entry = Entry { path: name.clone(), time: time.min(now()).max(self.managed.last_preserved + 1e-6), metric: None };
            if *is_newer {
                self.managed.add(entry);
                self.latest = Some(name.clone());
            } else {
                self.managed.add_oldest(entry);
            }
        }
        Ok(found.into_iter().map(|(_, name, ..)| name).collect())
    }

    /// Notes that the program resumes with these checkpoints known: to save over one of them is its
    /// decision.
    pub fn may_replace(&mut self, names: Vec<OsString>) {
        self.listed.extend(names);
    }

    /// Removes the marks of checkpoints that are recorded by now, and those that no longer belong
    /// to an index. What cannot be removed is left for the next change.
    fn finish_announced(&self, session: &Session) {
        for mark in session.names().iter() {
            let Some(base) = announced(mark).filter(|_| session.directory().is_file(mark)) else { continue };
            // Another thread that is publishing the checkpoint still needs the mark.
            let Ok(_claim) = session.claim(base) else { continue };
            let open = |name: &OsStr| session.directory().open(name);
            let is_current = match (open(mark), open(&with_suffix(base, ".index"))) {
                (Ok(marked), Ok(index)) => same_file(&*marked, &*index),
                (Ok(_), Err(e)) => e.kind() != ErrorKind::NotFound,
                (Err(_), _) => true,
            };
            if self.knows(base) || !is_current {
                let _ = session.remove(mark);
            }
        }
    }

    /// The newest checkpoints, oldest first: those that the state file lists.
    pub fn checkpoints(&self) -> Vec<PathBuf> {
        self.managed.window.iter().map(|entry| resolve_name(&self.directory, &entry.path).path.into_path()).collect()
    }

    /// All managed checkpoints, oldest first, including those that are kept for their metric or
    /// because they are pinned.
    pub fn all(&self) -> Vec<PathBuf> {
        let kept = self.managed.kept.iter().map(|kept| &kept.entry);
        kept.chain(&self.managed.window).map(|entry| resolve_name(&self.directory, &entry.path).path.into_path()).collect()
    }

    /// The managed checkpoints with times and metrics.
    pub fn managed(&self) -> &Managed {
        &self.managed
    }

    /// Adds a checkpoint of this directory, made at `time`, that is not the latest.
    pub fn adopt(&mut self, name: &OsStr, time: f64) {
        self.managed.add(Entry { path: name.to_owned(), time, metric: None });
    }

    /// Adds a checkpoint of this directory, made at the time `now`, as the latest one, and writes
    /// the ledger. If writing fails, the ledger in memory still has the checkpoint.
    pub fn record(&mut self, name: &OsStr, now: f64, metric: Option<f64>, how: &mut Recording<'_>) -> Result<()> {
        self.managed.add(Entry { path: name.to_owned(), time: now, metric });
        self.latest = Some(name.to_owned());
        self.write(how)
    }

    /// Removes from the ledger the checkpoints that [`Ledger::write`] would remove, and returns
    /// them. No file is changed. Pins are not considered.
    pub fn would_remove(&mut self, rule: &Retention) -> Result<Vec<PathBuf>> {
        let latest = self.latest.clone();
        let gone = self.managed.sweep(rule, &mut |entry| latest.as_ref() == Some(&entry.path))?;
        let gone = gone.iter().filter(|entry| owned(&entry.path).is_some());
        list_of(gone.map(|entry| self.directory.join(&entry.path).into_path()))
    }

    fn write(&mut self, how: &mut Recording<'_>) -> Result<()> {
        let session = Session::begin(how.storage, &self.directory, how.durability, how.access)?;
        self.write_in(&session, how).map(drop)
    }

    /// Writes a state file that omits expired checkpoints, then deletes them.
    pub(super) fn write_in(&mut self, session: &Session, how: &mut Recording<'_>) -> Result<Removals> {
        let Some(latest) = self.latest.clone() else { return Ok(Removals::default()) };
        let before = Listed::in_directory(session);
        let mut next = self.managed.clone();
        let mut reserved = Vec::new();
        let gone = next.sweep(how.rule, &mut |entry| match owned(&entry.path) {
            // No manager made this checkpoint, so it is only forgotten.
            None => false,
            Some(base) if base == latest => true,
            Some(base) => match Reserved::unless_in_use(session, base, how.warnings) {
                Some(right) => {
                    reserved.push(right);
                    false
                }
                None => true,
            },
        })?;
        if !reserved.is_empty() {
            session.list_again()?;
        }
        let departures = reserved.into_iter().map(|right| Departure::new(session, right)).collect::<Result<Vec<_>>>();
        let mut departures = departures?;
        let text = sidecar::text_of(&next);
        if let Some(text) = text.as_ref().filter(|text| self.sidecar.as_ref() != Some(text)) {
            session.publish(OsStr::new(SIDECAR), text.as_bytes())?;
            self.sidecar = Some(text.clone());
        }
        let state = state_of(&latest, &next);
        let text_of_state = state.to_text()?;
        session.publish(OsStr::new(STATE_FILE), text_of_state.as_bytes())?;
        self.managed = next;
        self.read = Some(text_of_state);
        self.listed = crate::sort::set_of(names_of(&state).cloned());
        departures.iter_mut().for_each(Departure::is_due);
        session.sync(!departures.is_empty() || session.has_marks())?;
        let mut failed = Vec::new();
        for departure in departures {
            let base = departure.base().to_owned();
            if let Err(e) = departure.finish() {
                how.warnings.push(format!("an old checkpoint could not be removed: {e}"));
                failed.push((base, e));
            }
        }
        if text.is_none() && self.sidecar.take().is_some() {
            if let Err(e) = session.remove(OsStr::new(SIDECAR)) {
                how.warnings.push(format!("the file of metrics could not be removed: {e}"));
            }
        }
        if let Some(before) = before {
            let now = Listed::of(&state, self.managed.kept.iter().map(|kept| &kept.entry.path));
            finish_marked(session, &|base| before.has(base) || now.has(base));
        }
        self.finish_announced(session);
        let is_removed = |name: &OsStr| owned(name).is_some() && failed.iter().all(|(base, _)| base != name);
        let path = |name: &OsStr| self.directory.join(name).into_path();
        let removed = gone.iter().map(|entry| &*entry.path).filter(|name| is_removed(name)).map(path).collect();
        Ok(Removals { removed, failed: failed.into_iter().map(|(base, e)| (path(&base), e)).collect() })
    }
}

/// Of entries with the same path, keeps the last one.
fn last_of_each(mut entries: Vec<Entry>) -> Result<Vec<Entry>> {
    let mut seen = HashSet::new();
    seen.make_room(entries.len())?;
    let mut last: Vec<bool> = list_of(entries.iter().rev().map(|entry| seen.insert(&entry.path)))?;
    drop(seen);
    entries.retain(|_| last.pop().unwrap_or(true));
    Ok(entries)
}

/// A time as something that equals another exactly if the times are equal; `None` for a NaN, which
/// equals nothing.
fn comparable(time: f64) -> Option<u64> {
    (!time.is_nan()).then_some((time + 0.0).to_bits()) // -0.0 becomes 0.0
}

/// All names in a state file.
fn names_of(state: &StateFile) -> impl Iterator<Item = &OsString> {
    std::iter::once(&state.model_checkpoint_path).chain(&state.all_model_checkpoint_paths)
}

/// The contents of the state file for the managed checkpoints. TensorFlow requires the latest
/// checkpoint to be the last one. If no manager made the latest, its time is `last_preserved`, so
/// that [`Ledger::load`] does not manage it.
fn state_of(latest: &OsStr, managed: &Managed) -> StateFile {
    let mut paths: Vec<OsString> = managed.window.iter().map(|entry| entry.path.clone()).collect();
    let mut times: Vec<f64> = managed.window.iter().map(|entry| entry.time).collect();
    if paths.last().is_none_or(|last| last != latest) {
        paths.push(latest.to_owned());
        times.push(managed.last_preserved);
    }
    StateFile {
        model_checkpoint_path: latest.to_owned(),
        all_model_checkpoint_paths: paths,
        all_model_checkpoint_timestamps: times,
        last_preserved_timestamp: Some(managed.last_preserved),
    }
}

/// The names of the checkpoints that a directory's state file lists or `checkpoint.manager` keeps.
pub(super) struct Listed(HashSet<OsString>);

impl Listed {
    fn of<'a>(state: &'a StateFile, kept: impl Iterator<Item = &'a OsString>) -> Listed {
        let all = state.all_model_checkpoint_paths.iter().chain([&state.model_checkpoint_path]).chain(kept);
        Listed(all.filter_map(|path| Path::new(path).file_name().map(OsStr::to_owned)).collect())
    }

    /// The checkpoints that are listed now; `None` if there are no marks, or if a file cannot be
    /// read.
    pub fn in_directory(session: &Session) -> Option<Listed> {
        if !session.has_marks() {
            return None;
        }
        let state = StateFile::parse(&session.read(OsStr::new(STATE_FILE)).ok()??).ok()?;
        let records = match session.read(OsStr::new(SIDECAR)).ok()? {
            Some(text) => sidecar::parse(&text).ok()?,
            None => Vec::new(),
        };
        Some(Listed::of(&state, records.iter().filter(|record| record.kept.is_some()).map(|record| &record.entry.path)))
    }

    /// Adds the checkpoints that `state` lists.
    pub fn and(mut self, state: &StateFile) -> Listed {
        self.0.extend(Listed::of(state, std::iter::empty()).0);
        self
    }

    pub fn has(&self, base: &OsStr) -> bool {
        self.0.contains(base)
    }
}

/// The name of a checkpoint that a manager may have made: `NAME-NUMBER`, directly in the directory
/// of the state file. No other path is ever removed, whatever a state file lists.
pub(super) fn owned(path: &OsStr) -> Option<&OsStr> {
    let mut components = Path::new(path).components();
    let (Some(Component::Normal(name)), None) = (components.next(), components.next()) else { return None };
    let digits = name.as_bytes().iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let is_numbered = digits > 0 && name.as_bytes()[..name.len() - digits].ends_with(b"-");
    (is_numbered && name == path).then_some(name)
}

/// Whether an error says that something was read but is not a usable state file. A lack of memory
/// says nothing about it.
fn is_nonsense(error: &Error) -> bool {
    !error.is_shortage()
        && matches!(error.reason(), Reason::Malformed | Reason::NotAFile | Reason::NotACheckpoint | Reason::Limit)
}

fn read_sidecar(directory: &Location, warnings: &mut Vec<String>) -> Result<Option<String>> {
    let path = directory.join(SIDECAR);
    let read = storage::File::open(&path).and_then(|file| small_file(&file)).and_then(|text| {
        sidecar::parse(&text).map_err(|e| e.in_file(&path))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    });
    match read {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.code() == Code::NotFound => Ok(None),
        Err(e) if is_nonsense(&e) => {
            warnings.push(format!("{e}; the metrics are ignored"));
            Ok(Some(String::new()))
        }
        Err(e) => Err(e),
    }
}
