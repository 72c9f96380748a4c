//! The part of one dimension that a slice covers.

/// The part of one dimension that a slice covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// The first index; 0 or more.
    pub start: i64,
    /// The number of indices; `None` for the whole dimension, with `start` 0.
    pub length: Option<i64>,
}

impl Extent {
    /// The whole dimension.
    pub const FULL: Extent = Extent { start: 0, length: None };

    /// Returns the extent of `length` indices from `start` on.
    pub fn range(start: i64, length: i64) -> Extent {
        Extent { start, length: Some(length) }
    }
}

/// An extent as files and large tables in memory store it: a length of -1 means the whole
/// dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredExtent {
    pub start: i64,
    pub length: i64,
}

impl StoredExtent {
    pub fn is_full(self) -> bool {
        self.length < 0
    }
}

impl From<StoredExtent> for Extent {
    fn from(e: StoredExtent) -> Extent {
        Extent { start: e.start, length: (!e.is_full()).then_some(e.length) }
    }
}

impl From<Extent> for StoredExtent {
    fn from(e: Extent) -> StoredExtent {
        StoredExtent { start: e.start, length: e.length.unwrap_or(-1) }
    }
}
