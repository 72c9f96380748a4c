//! What one rank does in a save of all: it gathers, is told, writes its section; the chief divides
//! the values and merges the sections.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::super::options::SaveOptions;
use super::super::save;
use super::message::{announcement, answer, failure, Division, Message, Own, Saved, OK};
use super::Ranks;
use crate::bundle::{
    make_sections, merge_on, remove_section, remove_sections, section_prefix, sections_name, Claim, Durability, Held,
    MergeOptions, Writer,
};
use crate::directory;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::Failure;
use crate::reader::{ObjectGraph, OBJECT_GRAPH_KEY};
use crate::storage::Storage;

/// What only the chief has.
pub(crate) struct Lead<'l> {
    pub storage: &'l dyn Storage,
    /// The checkpoint.
    pub path: PathBuf,
    /// The save counter.
    pub count: Option<i64>,
    /// Called with what became of the files; gives what becomes of the call.
    pub settle: &'l mut dyn FnMut(&Path, Result<()>) -> Result<()>,
}

/// A save, as one rank takes part in it.
pub(crate) struct Party<'p> {
    pub ranks: &'p dyn Ranks,
    /// Of the sections.
    pub storage: &'p dyn Storage,
    /// The directory of the checkpoint; of sections that are merged later, the own one's prefix.
    pub place: Place<'p>,
    pub options: &'p SaveOptions,
}

/// Where sections go.
#[derive(Clone, Copy)]
pub(crate) enum Place<'p> {
    /// Into this directory, where they are merged.
    Merged(&'p Path),
    /// There, and stay.
    Kept(&'p Path),
}

/// Only where a chief that has values has no checkpoint to save.
fn nothing() -> Error {
    Error::argument("there is nothing to save")
}

impl<'p> Party<'p> {
    /// Saves what this rank brings, together with the others. Without a lead, on the chief, all are told that there will be no save.
    pub fn save(&self, own: Own<'_>, mut lead: Option<Lead<'_>>) -> Result<Saved> {
        let mut attempt = None;
        let division = match self.gather(&announcement(&own))? {
            None => self.told(&[])?,
            Some(messages) => {
                let divided = self.divide(&messages, lead.as_ref());
                self.tell(divided.map(|(division, begun)| {
                    attempt = Some(begun);
                    division.encode()
                }))?
            }
        };
        let division = Division::decode(&division)?;
        let (writer, _) = own?; // of which all have been told
        let written = self.write_section(writer, &division, attempt.as_mut());
        let told = self.gather(&written.map_or_else(|e| failure(&e), |()| vec![OK]));
        let outcome = match told {
            Err(e) => Err(self.drop_section(&division, e)),
            Ok(None) => self.told(&[]).and_then(|outcome| Saved::decode(&outcome).map_err(|e| self.drop_section(&division, e))),
            Ok(Some(messages)) => {
                let saved = self.answers(&messages).and_then(|_| self.publish(&division, lead.as_mut()));
                // Before the others hear that it is over.
                if let Some(attempt) = &attempt {
                    attempt.remove_sections();
                }
                let saved = self.tell(saved.map(|saved| saved.encode()).map_err(|e| self.drop_section(&division, e)));
                saved.and_then(|saved| Saved::decode(&saved))
            }
        };
        drop(attempt);
        outcome
    }

    fn gather(&self, message: &[u8]) -> Result<Option<Vec<Option<Vec<u8>>>>> {
        let messages = self.ranks.gather(message).map_err(unreachable)?;
        Ok((self.ranks.rank() == 0).then_some(messages))
    }

    fn told(&self, message: &[u8]) -> Result<Vec<u8>> {
        self.ranks.broadcast(message).map_err(unreachable)
    }

    /// The chief tells everybody; what, if it is an error, it returns itself, whether others hear it or not.
    fn tell(&self, message: Result<Vec<u8>>) -> Result<Vec<u8>> {
        match message {
            Ok(message) => {
                self.told(&message)?;
                Ok(message)
            }
            Err(e) => {
                let _ = self.told(&failure(&e));
                Err(e)
            }
        }
    }

    /// The messages of all ranks, of which none says that it failed.
    fn answers<'m>(&self, messages: &'m [Option<Vec<u8>>]) -> Result<Vec<Message<'m>>> {
        let count = self.ranks.count() as usize;
        let absent: Vec<String> =
            (0..count).filter(|&rank| !matches!(messages.get(rank), Some(Some(_)))).map(|rank| rank.to_string()).collect();
        if !absent.is_empty() {
            let what = match &absent[..] {
                [one] => format!("rank {one} did not come"),
                several => format!("ranks {} did not come", several.join(", ")),
            };
            return Err(Error::new(Code::Unavailable, Reason::Rank, what));
        }
        let each = messages.iter().flatten().take(count).enumerate();
        each.map(|(rank, message)| answer(message).map_err(|e| e.prefixed(&format!("rank {rank}")))).collect()
    }

    /// What the chief says to what all have announced, and what it has from then on.
    fn divide(&self, messages: &[Option<Vec<u8>>], lead: Option<&Lead<'_>>) -> Result<(Division, Attempt<'p>)> {
        let mut answers = self.answers(messages)?;
        let mut graphs = Vec::with_capacity(answers.len());
        let mut first: HashMap<&[u8], (u32, &[u8])> = HashMap::new();
        let mut division = Division::default();
        for (rank, answer) in answers.iter_mut().enumerate() {
            graphs.push(ObjectGraph::parse(answer.bytes()?)?);
            let mut left_out = BTreeSet::new();
            for number in 0..answer.number()? {
                let (key, spec) = (answer.bytes()?, answer.bytes()?);
                let (holder, its) = *first.entry(key).or_insert((rank as u32, spec));
                if its != spec {
                    return Err(Error::argument(format!("ranks {holder} and {rank} have other values under one key"))
                        .because(Reason::Rank)
                        .expecting(printable(its), printable(spec))
                        .for_tensor(key));
                }
                if holder != rank as u32 {
                    left_out.insert(number as u32);
                }
            }
            division.left_out.push(left_out);
        }
        let united = ObjectGraph::united(&graphs).map_err(|e| e.because(Reason::Rank))?;
        let lead = lead.ok_or_else(nothing)?;
        let mut attempt = Attempt { storage: self.storage, sections: None, _claim: None, _held: None, graph: united.encode() };
        if let Place::Merged(directory) = self.place {
            let name = lead.path.file_name().ok_or_else(|| Error::argument("the prefix names no file").in_file(&lead.path))?;
            let own = Held::new(lead.storage, directory, true)?;
            division.sections = sections_name(name);
            attempt._claim = own.claim(&division.sections);
            attempt._held = Some(own);
            let sections = directory.join(&division.sections);
            make_sections(self.storage, &sections)?;
            attempt.sections = Some(sections);
        }
        Ok((division, attempt))
    }

    /// Where the section of a rank goes.
    fn section(&self, division: &Division, rank: u32) -> PathBuf {
        match self.place {
            Place::Merged(directory) => section_prefix(&directory.join(&division.sections), rank),
            Place::Kept(prefix) => prefix.to_owned(),
        }
    }

    fn write_section(&self, mut writer: Writer<'_>, division: &Division, attempt: Option<&mut Attempt<'_>>) -> Result<()> {
        let rank = self.ranks.rank();
        let none = BTreeSet::new();
        writer.leave_out(division.left_out.get(rank as usize).unwrap_or(&none));
        let durability = match (self.place, self.options.write.durability) {
            (Place::Merged(_), Durability::Full) => Durability::Data,
            (_, asked) => asked,
        };
        writer.move_to(&self.section(division, rank), durability);
        if let Some(attempt) = attempt {
            writer.add_string(OBJECT_GRAPH_KEY, std::mem::take(&mut attempt.graph))?;
        }
        let written = writer.finish_on(self.storage, &mut |done, total| match &self.options.progress {
            Some(progress) => progress(done, total),
            None => ControlFlow::Continue(()),
        });
        written.map(drop)
    }

    /// Makes the checkpoint of the sections.
    fn publish(&self, division: &Division, lead: Option<&mut Lead<'_>>) -> Result<Saved> {
        let lead = lead.ok_or_else(nothing)?;
        if let Place::Merged(_) = self.place {
            let sections: Vec<PathBuf> = (0..self.ranks.count()).map(|rank| self.section(division, rank)).collect();
            let options = MergeOptions::new().durability(self.options.write.durability);
            let merged = merge_on(lead.storage, &lead.path, &sections, &options, &mut |_, _| ControlFlow::Continue(()));
            (lead.settle)(&lead.path, merged.and_then(|_| save::call_back(self.options, &lead.path)))?;
        }
        Ok(Saved { name: lead.path.file_name().unwrap_or_default().to_owned(), count: lead.count })
    }

    /// Removes the own section after a failure.
    fn drop_section(&self, division: &Division, e: Error) -> Error {
        match self.place {
            Place::Merged(directory) => {
                let sections = directory.join(&division.sections);
                if let Some(own) = self.section(division, self.ranks.rank()).parent() {
                    remove_section(self.storage, own);
                }
                let _ = self.storage.remove_directory(&sections); // the last one does
            }
            Place::Kept(prefix) => drop(directory::remove_on(self.storage, prefix)),
        }
        e
    }
}

fn unreachable(e: Failure) -> Error {
    Error::new(Code::Unavailable, Reason::Rank, format!("the ranks could not be reached: {e}"))
}

/// What the chief has while a save is on its way.
struct Attempt<'p> {
    storage: &'p dyn Storage,
    /// Where the sections are. When the save is over, however it ended, they are of no use.
    sections: Option<PathBuf>,
    /// Let go before the lock.
    _claim: Option<Claim>,
    _held: Option<Held>,
    graph: Vec<u8>,
}

impl Attempt<'_> {
    fn remove_sections(&self) {
        if let Some(sections) = &self.sections {
            remove_sections(self.storage, sections);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.remove_sections();
    }
}
