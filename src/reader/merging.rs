//! Merging sections, of which none may be missing: what the names and the contents of sections say
//! is known where they are merged; what the object graph says, here.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;

use super::locate::Located;
use super::path::Resolution;
use super::verdict::has_value;
use super::{OpenOptions, Reader, Stored};
use crate::allocate::{list_of, try_list_of, with_room};
use crate::background::Pending;
use crate::bundle::{self, MergeOptions, Written};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::storage::Location;

/// The most keys that a message names.
const NAMED: usize = 10;

/// Merges V2 checkpoints into the checkpoint `destination` (`tf.raw_ops.MergeV2Checkpoints`). Each
/// of `sections` is the prefix of a checkpoint, typically written by one worker of a distributed
/// program.
///
/// Values are not copied if the file system supports hard links. Slices of one tensor from several
/// sections are joined. Until the merged checkpoint is published, the sections and an existing
/// checkpoint at `destination` are untouched. After that, the sections are deleted unless the
/// options keep them. A merge interrupted by a crash can be repeated.
///
/// `progress` is called on the calling thread with the number of bytes of data files done and the
/// total, and can cancel the merge before it is published.
///
/// # Errors
/// Those of [`Writer::finish`](crate::Writer::finish), and:
/// * `NOT_FOUND`: a section (`NoCheckpoint`) or one of its data files (`MissingFile`) is missing,
///   slices do not cover a tensor (`Gap`), or no section has a key that the object graph names
///   (`NoTensor`). The message names the sections, the tensor or the keys. What is missing is known
///   from the names of sections, such as `part-00000-of-00002`, and their contents.
/// * `INVALID_ARGUMENT`: two sections hold the same tensor or slice; slices of one tensor overlap,
///   or disagree on dtype or shape; sections disagree on version or byte order; there are no
///   sections; or `destination` is one of the sections.
/// * `DATA_LOSS`: the index of a section or the object graph is damaged, or a data file is too
///   short.
/// * `CANCELLED` (`Callback`): `progress` stopped it.
pub fn merge(
    destination: impl AsRef<Path>,
    sections: &[impl AsRef<Path>],
    options: &MergeOptions,
    progress: &mut dyn FnMut(u64, u64) -> ControlFlow<()>,
) -> Result<Written> {
    let destination = Location::of(destination)?;
    let sections = try_list_of(sections.iter().map(Location::of))?;
    if !options.allows_missing() {
        check_keys(&destination, &sections)?;
    }
    bundle::merge(&destination, &sections, options, progress)
}

/// Merges V2 checkpoints in the background, as [`merge`] does. `progress` is called on the
/// background thread.
///
/// # Errors
/// * `INVALID_ARGUMENT`: a path is a URI that names another machine.
/// * `RESOURCE_EXHAUSTED`: no thread can be started.
///
/// Those of [`merge`] are returned by [`Pending::take`].
pub fn merge_async(
    destination: impl AsRef<Path>,
    sections: &[impl AsRef<Path>],
    options: &MergeOptions,
    mut progress: impl FnMut(u64, u64) -> ControlFlow<()> + Send + 'static,
) -> Result<Pending<Written>> {
    let destination = Location::of(destination)?;
    let sections = try_list_of(sections.iter().map(Location::of))?;
    let (to, options) = (destination.clone(), options.clone());
    Pending::launched(destination, move |control| {
        merge(&*to, &sections, &options, &mut |done, total| {
            control.report(done, total);
            progress(done, total)?;
            control.flow()
        })
    })
}

/// Fails if no section has a key that the object graph names. Sections and data files that are
/// missing are for the merge to name, or were removed by an earlier one that it completes.
fn check_keys(destination: &Location, sections: &[Location]) -> Result<()> {
    let open = |section: &Location| {
        let stored = Stored::open(&Located::V2(section.clone()), &OpenOptions::default())?;
        Ok(Reader { stored, resolved: Resolution::default(), names: OnceLock::new() })
    };
    let is_missing = |e: &Error| e.code() == Code::NotFound;
    let mut readers = with_room(sections.len())?;
    for section in sections {
        match open(section) {
            Err(e) if is_missing(&e) => return Ok(()),
            reader => readers.push(reader?),
        }
    }
    for reader in &readers {
        let graph = match reader.object_graph() {
            Err(e) if is_missing(&e) => return Ok(()),
            graph => graph?,
        };
        let attributes = graph.iter().flat_map(|graph| graph.nodes().flat_map(|node| node.attributes()));
        let absent = attributes.filter(|attribute| !readers.iter().any(|reader| has_value(reader, attribute)));
        let absent: Vec<&str> = list_of(absent.map(|attribute| attribute.checkpoint_key))?;
        let [first, ..] = absent[..] else { continue };
        let named: Vec<String> = absent.iter().take(NAMED).map(|key| printable(key.as_bytes())).collect();
        let more = match absent.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let keys = named.join(", ");
        let what = format!("a section is missing: the object graph names keys that no section has: {keys}{more}");
        return Err(Error::new(Code::NotFound, Reason::NoTensor, what).for_tensor(first.as_bytes()).in_file(destination));
    }
    Ok(())
}
