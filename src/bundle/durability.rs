//! How much of a write survives a power cut.

/// What of a write survives a power cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// When the call returns, all of it: files and directory are synced.
    #[default]
    Full,
    /// The files are synced, the directory only where something old is about to be removed: after a power cut a new checkpoint may be gone
    /// again, but what there is is whole, and what it took the place of is not lost with it.
    Data,
    /// Nothing is synced. After a power cut there may be anything.
    None,
}
