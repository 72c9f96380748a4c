//! What of a written checkpoint survives a power failure.

/// What of a written checkpoint survives a power failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The whole checkpoint, the default: files and directory are synced before the call returns.
    #[default]
    Full,
    /// The files are synced, the directory only before something old is deleted: a power failure
    /// may undo a new checkpoint, but every remaining checkpoint is intact, and what it replaced is
    /// not lost with it.
    Data,
    /// Nothing is synced: after a power failure the state of the files is undefined.
    None,
}
