//! The messages that ranks exchange. Each begins with a byte that says success or failure; then
//! follow numbers of eight bytes, and byte strings, each after its length.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::bundle::Writer;
use crate::error::{Code, Error, Reason, Result};
use crate::os_bytes::{OsStrExt, OsStringExt};
use crate::tensor::shape_text;

/// The values and the object graph of a rank, or the reason why it cannot save.
pub(crate) type Own<'n> = Result<(Writer<'n>, Vec<u8>)>;

/// The result of a save by ranks.
pub(crate) struct Saved {
    /// The name of the checkpoint in its directory.
    pub name: OsString,
    /// The chief's save counter.
    pub count: Option<i64>,
}

pub(super) const OK: u8 = 0;
const FAILED: u8 = 1;

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Returns the message that reports an error.
pub(super) fn failure(e: &Error) -> Vec<u8> {
    let mut out = vec![FAILED];
    put_number(&mut out, e.code() as u64);
    put(&mut out, e.to_string().as_bytes());
    out
}

/// Returns the first message of a rank: its object graph, and key, dtype and shape of each value.
pub(super) fn announcement(own: &Own<'_>) -> Vec<u8> {
    let (writer, graph) = match own {
        Ok(own) => own,
        Err(e) => return failure(e),
    };
    let mut out = vec![OK];
    put(&mut out, graph);
    put_number(&mut out, writer.offers().len() as u64);
    for offer in writer.offers() {
        put(&mut out, offer.key);
        put(&mut out, format!("{} {}", offer.dtype, shape_text(offer.shape)).as_bytes());
    }
    out
}

/// The part of a message that has not been read yet.
pub(super) struct Message<'m>(&'m [u8]);

/// Returns the content of a message. Fails with the other rank's error if the message reports one.
pub(super) fn answer(message: &[u8]) -> Result<Message<'_>> {
    match message.split_first() {
        Some((&OK, rest)) => Ok(Message(rest)),
        Some((&FAILED, rest)) => {
            let mut rest = Message(rest);
            let code = i32::try_from(rest.number()?).ok().and_then(Code::from_number).unwrap_or(Code::Unknown);
            Err(Error::new(code, Reason::Rank, String::from_utf8_lossy(rest.bytes()?)))
        }
        _ => Err(not_ours()),
    }
}

fn not_ours() -> Error {
    Error::new(
        Code::Internal,
        Reason::Rank,
        "a message from another rank is malformed; all ranks must run the same version of this library",
    )
}

impl<'m> Message<'m> {
    pub fn number(&mut self) -> Result<u64> {
        let (number, rest) = self.0.split_first_chunk().ok_or_else(not_ours)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }

    pub fn bytes(&mut self) -> Result<&'m [u8]> {
        let length = usize::try_from(self.number()?).ok().filter(|&length| length <= self.0.len()).ok_or_else(not_ours)?;
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        Ok(bytes)
    }
}

/// The work of each rank, as decided by rank 0.
#[derive(Default)]
pub(super) struct Division {
    /// The name of the directory of the sections; empty if each rank keeps its section elsewhere.
    pub sections: OsString,
    /// For each rank the numbers of the values that it does not write, because an earlier rank
    /// does.
    pub left_out: Vec<BTreeSet<u32>>,
}

impl Division {
    /// Returns the message for the ranks.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![OK];
        put(&mut out, self.sections.as_bytes());
        put_number(&mut out, self.left_out.len() as u64);
        for numbers in &self.left_out {
            put_number(&mut out, numbers.len() as u64);
            numbers.iter().for_each(|&number| put_number(&mut out, number.into()));
        }
        out
    }

    pub fn decode(message: &[u8]) -> Result<Division> {
        let mut message = answer(message)?;
        // The name is joined to a path on this rank, so it must be a plain file name.
        let sections = OsStr::from_bytes(message.bytes()?).to_owned();
        if !sections.is_empty() && Path::new(&sections).file_name() != Some(&sections) {
            return Err(not_ours());
        }
        let mut left_out = Vec::new();
        for _ in 0..message.number()? {
            let numbers = (0..message.number()?).map(|_| Ok(message.number()? as u32));
            left_out.push(numbers.collect::<Result<_>>()?);
        }
        Ok(Division { sections, left_out })
    }
}

impl Saved {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![OK];
        put(&mut out, self.name.as_bytes());
        put(&mut out, self.count.map(i64::to_le_bytes).as_ref().map_or(&[], |count| &count[..]));
        out
    }

    pub fn decode(message: &[u8]) -> Result<Saved> {
        let mut message = answer(message)?;
        let name = OsString::from_vec(message.bytes()?.to_vec());
        let count = message.bytes()?.try_into().ok().map(i64::from_le_bytes);
        Ok(Saved { name, count })
    }
}
