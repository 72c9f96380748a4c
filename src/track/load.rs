//! Structs from and to checkpoints, in one call.

use std::path::{Path, PathBuf};

use super::members::{kind_of, walk};
use super::walk::Purpose;
use super::{Track, Tracker};
use crate::checkpoint::{Checkpoint, Report, RestoreOptions, SaveOptions};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::Graph;

/// Loads a struct from the checkpoint at `path`, which may be anything that [`Checkpoint::restore`]
/// takes: each member is found by its name. Tensors take the shapes that the checkpoint has,
/// vectors of structs its number of elements, as [`Track`] says. What the struct has no member for
/// is left alone. The report says what became of each value.
///
/// If this fails, the struct is as before.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use checkpoint::{Array, Track};
///
/// #[derive(Track, Default)]
/// struct Layer {
///     kernel: Array<f32>,
///     bias: Vec<f32>,
/// }
/// #[derive(Track, Default)]
/// struct Net {
///     l1: Layer,
/// }
/// #[derive(Track, Default)]
/// struct Program {
///     net: Net,
///     step: i32,
/// }
///
/// let mut program = Program::default();
/// let report = checkpoint::load("tests/data/guide", &mut program)?;
/// assert_eq!((program.net.l1.kernel.shape(), program.step), (&[1, 5][..], 50));
/// assert_eq!(report.count(checkpoint::RowState::Restored), 3);
/// # Ok::<(), checkpoint::Error>(())
/// ```
///
/// # Errors
/// Those of [`Checkpoint::restore`], and:
/// * `FAILED_PRECONDITION` ([`Reason::Assertion`]): the checkpoint has no value for a member.
pub fn load<T: Track>(path: impl AsRef<Path>, object: &mut T) -> Result<Report> {
    load_into(path.as_ref(), object, &RestoreOptions::new(), true)
}

/// Loads what the checkpoint has for the members of a struct, with options, and leaves the others
/// as they are: those are [`RowState::Missing`](crate::RowState::Missing) in the report.
///
/// If this fails, the struct is as before.
///
/// # Errors
/// Those of [`Checkpoint::restore`].
pub fn load_partial<T: Track>(path: impl AsRef<Path>, object: &mut T, options: &RestoreOptions) -> Result<Report> {
    load_into(path.as_ref(), object, options, false)
}

/// Loads a struct as [`load`] does, with options. Members that these leave out stay as they are.
///
/// # Errors
/// Those of [`load`].
pub fn load_with<T: Track>(path: impl AsRef<Path>, object: &mut T, options: &RestoreOptions) -> Result<Report> {
    load_into(path.as_ref(), object, options, true)
}

fn load_into<T: Track>(path: &Path, object: &mut T, options: &RestoreOptions, is_whole: bool) -> Result<Report> {
    let graph = Graph::new();
    let root = graph.with(|nodes| {
        let root = nodes.add(kind_of::<T>())?;
        walk(nodes, root, object, Purpose::Declare, false)?;
        Ok(root)
    })?;
    let status = Checkpoint::new(&graph, root)?.read(path, options)?;
    status.expect_partial();
    let adopted = graph.with(|nodes| walk(nodes, root, object, Purpose::Adopt, false))?;
    if is_whole {
        let absent = adopted.absent.map(|name| format!("the checkpoint has no element of \"{}\"", printable(name.as_bytes())));
        let lacking =
            |path: String| format!("the checkpoint has no variable \"{}\" of which there are slots", printable(path.as_bytes()));
        if let Some(what) = absent.or_else(|| adopted.lacking.map(lacking)) {
            return Err(Error::new(Code::FailedPrecondition, Reason::Assertion, what).in_file(status.path().unwrap_or(path)));
        }
        status.assert_rest_matched()?;
    }
    let report = status.report()?;
    // What the options leave out is not known to be absent.
    let clears = is_whole && options.wants_all();
    graph.with(|nodes| walk(nodes, root, object, Purpose::Commit, clears))?;
    Ok(report)
}

/// Writes a struct as the checkpoint `prefix` and returns its path, as [`Checkpoint::write`] does.
/// A `Vec` is written as a tensor of one dimension, or of those of its arrays.
///
/// The struct is unchanged. It is lent by `&mut` because its vectors are moved out for as long as
/// the call takes, so that nothing is copied.
///
/// # Errors
/// Those of [`Tracker::new`] and [`Checkpoint::write`].
pub fn write<T: Track>(prefix: impl AsRef<Path>, object: &mut T, options: &SaveOptions) -> Result<PathBuf> {
    Tracker::new(object)?.with(object, |checkpoint| checkpoint.write(prefix, options))
}
