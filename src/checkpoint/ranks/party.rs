//! The part of one rank in a save by several: it announces its values, gets its share of the work
//! and writes its section. The chief also divides the values and merges the sections.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use super::super::options::SaveOptions;
use super::super::save;
use super::message::{announcement, answer, failure, Division, Message, Own, Saved, OK};
use super::Ranks;
use crate::bundle::{
    make_sections, merge_on, remove_section, remove_sections, section_prefix, sections_name, split_prefix, Claim, Durability,
    Held, MergeOptions, Writer,
};
use crate::directory;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::Failure;
use crate::reader::{ObjectGraph, OBJECT_GRAPH_KEY};
use crate::storage::{Location, Storage};

/// What the chief needs to publish the checkpoint.
pub(crate) struct Lead<'l> {
    pub storage: &'l dyn Storage,
    /// The path of the checkpoint.
    pub path: Location,
    /// The value of the save counter, if the save has incremented it.
    pub count: Option<i64>,
    /// Called with the result of writing the files; returns the result of the save.
    pub settle: &'l mut dyn FnMut(&Location, Result<()>) -> Result<()>,
}

/// A save, as one rank takes part in it.
pub(crate) struct Party<'p> {
    pub ranks: &'p dyn Ranks,
    /// The storage of the sections.
    pub storage: &'p dyn Storage,
    /// Where the sections go.
    pub place: Place<'p>,
    pub options: &'p SaveOptions,
}

/// Where the sections of a save go.
#[derive(Clone, Copy)]
pub(crate) enum Place<'p> {
    /// Into the checkpoint's directory, where they are merged at once.
    Merged(&'p Location),
    /// To this prefix on this rank, to be merged later.
    Kept(&'p Location),
}

impl Place<'_> {
    pub fn directory(&self) -> Location {
        match *self {
            Place::Merged(directory) => directory.clone(),
            Place::Kept(prefix) => prefix.parent(),
        }
    }
}

/// The error of a chief that announced values but has no [`Lead`], so no checkpoint to save them
/// to.
fn nothing() -> Error {
    Error::argument("rank 0 has no checkpoint to save")
}

impl<'p> Party<'p> {
    /// Saves this rank's values together with the other ranks. On the chief, a call without a lead
    /// makes all ranks fail.
    ///
    /// What all ranks return is text that the chief sent. On a rank that failed itself, the error
    /// also has the cause.
    pub fn save(&self, own: Own<'_>, lead: Option<Lead<'_>>) -> Result<Saved> {
        let mut fault = own.as_ref().err().cloned();
        self.take_part(own, lead, &mut fault).map_err(|e| match &fault {
            Some(fault) => e.caused_as(fault),
            None => e,
        })
    }

    fn take_part(&self, own: Own<'_>, mut lead: Option<Lead<'_>>, fault: &mut Option<Error>) -> Result<Saved> {
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
        let (writer, _) = own?; // the other ranks already have this error
        let written = self.write_section(writer, &division, attempt.as_mut());
        let message = written.as_ref().map_or_else(failure, |()| vec![OK]);
        *fault = written.err();
        let told = self.gather(&message);
        let outcome = match told {
            Err(e) => Err(self.drop_section(&division, e)),
            Ok(None) => self.told(&[]).and_then(|outcome| Saved::decode(&outcome).map_err(|e| self.drop_section(&division, e))),
            Ok(Some(messages)) => {
                let saved = self.answers(&messages).and_then(|_| {
                    let claim = attempt.as_mut().and_then(|attempt| attempt.claim.take());
                    self.publish(&division, lead.as_mut(), claim)
                });
                // Done before the other ranks learn that the save is over: they may start the next
                // one.
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

    /// Sends a message to the chief. Returns the messages of all ranks on the chief, and `None` on
    /// other ranks.
    fn gather(&self, message: &[u8]) -> Result<Option<Vec<Option<Vec<u8>>>>> {
        let messages = self.ranks.gather(message).map_err(unreachable)?;
        Ok((self.ranks.rank() == 0).then_some(messages))
    }

    /// Returns the chief's message; `message` is that message on the chief, else empty.
    fn told(&self, message: &[u8]) -> Result<Vec<u8>> {
        self.ranks.broadcast(message).map_err(unreachable)
    }

    /// Sends a message or an error from the chief to all ranks. Returns the chief's own error even
    /// if sending it fails.
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

    /// Returns the messages of all ranks. Fails if a rank did not take part or reports an error.
    fn answers<'m>(&self, messages: &'m [Option<Vec<u8>>]) -> Result<Vec<Message<'m>>> {
        let count = self.ranks.count() as usize;
        let absent: Vec<String> =
            (0..count).filter(|&rank| !matches!(messages.get(rank), Some(Some(_)))).map(|rank| rank.to_string()).collect();
        if !absent.is_empty() {
            let what = match &absent[..] {
                [one] => format!("rank {one} did not take part"),
                several => format!("ranks {} did not take part", several.join(", ")),
            };
            return Err(Error::new(Code::Unavailable, Reason::Rank, what));
        }
        let each = messages.iter().flatten().take(count).enumerate();
        each.map(|(rank, message)| answer(message).map_err(|e| e.prefixed(&format!("rank {rank}")))).collect()
    }

    /// Divides the work, on the chief, according to what all ranks have announced. Returns the
    /// answer to the ranks, and the state that the chief keeps until the save is over.
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
                    return Err(Error::argument(format!("ranks {holder} and {rank} disagree on dtype or shape"))
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
        let mut attempt = Attempt { storage: self.storage, sections: None, claim: None, graph: united.encode()? };
        if let Place::Merged(directory) = self.place {
            let (_, name) = split_prefix(&lead.path)?;
            let held = Held::for_checkpoint(lead.storage, directory, name, &self.options.access())?;
            attempt.claim = Some(held.claim);
            division.sections = sections_name(name);
            let sections = directory.join(&division.sections);
            make_sections(self.storage, &sections)?;
            attempt.sections = Some(sections);
        }
        Ok((division, attempt))
    }

    /// Returns the prefix of the section of a rank.
    fn section(&self, division: &Division, rank: u32) -> Location {
        match self.place {
            Place::Merged(directory) => section_prefix(&directory.join(&division.sections), rank),
            Place::Kept(prefix) => prefix.clone(),
        }
    }

    fn write_section(&self, mut writer: Writer<'_>, division: &Division, attempt: Option<&mut Attempt<'_>>) -> Result<()> {
        let rank = self.ranks.rank();
        let none = BTreeSet::new();
        writer.leave_out(division.left_out.get(rank as usize).unwrap_or(&none))?;
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

    /// Merges the sections into the checkpoint and publishes it. Takes its lock, which is free
    /// again when the checkpoint is recorded.
    fn publish(&self, division: &Division, lead: Option<&mut Lead<'_>>, claim: Option<Claim>) -> Result<Saved> {
        let lead = lead.ok_or_else(nothing)?;
        if let Place::Merged(_) = self.place {
            let sections: Vec<Location> = (0..self.ranks.count()).map(|rank| self.section(division, rank)).collect();
            let options = MergeOptions::new().durability(self.options.write.durability).announced(self.options.write.announced);
            let options = options.within(self.options.access(), claim);
            let merged = merge_on(lead.storage, &lead.path, &sections, &options, &mut |_, _| ControlFlow::Continue(()));
            drop(options); // and the lock
            (lead.settle)(&lead.path, merged.and_then(|_| save::call_back(self.options, &lead.path)))?;
        }
        Ok(Saved { name: split_prefix(&lead.path)?.1.to_owned(), count: lead.count })
    }

    /// Removes this rank's section after a failure, and returns the failure.
    fn drop_section(&self, division: &Division, e: Error) -> Error {
        match self.place {
            Place::Merged(directory) => {
                let sections = directory.join(&division.sections);
                remove_section(self.storage, &self.section(division, self.ranks.rank()).parent());
                let _ = self.storage.remove_directory(&sections); // fails until the last rank has removed its section
            }
            Place::Kept(prefix) => drop(directory::remove_on(self.storage, prefix, &self.options.access())),
        }
        e
    }
}

fn unreachable(e: Failure) -> Error {
    Error::new(Code::Unavailable, Reason::Rank, format!("cannot reach the other ranks: {e}")).caused_by(e)
}

/// What the chief holds while a save is running. Dropping it removes the sections.
struct Attempt<'p> {
    storage: &'p dyn Storage,
    /// The directory of the sections, which is removed when the save is over, successfully or not.
    sections: Option<Location>,
    /// The lock of the checkpoint, until it is published.
    claim: Option<Claim>,
    /// The encoded object graph of all ranks.
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
