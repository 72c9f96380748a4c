//! What a slice takes of one dimension.

/// What a slice takes of one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// First index, 0 or more.
    pub start: i64,
    /// How many indices from there; none for the whole dimension (`start` is 0 then).
    pub length: Option<i64>,
}

impl Extent {
    /// The whole dimension.
    pub const FULL: Extent = Extent { start: 0, length: None };

    /// `length` indices from `start` on.
    pub fn range(start: i64, length: i64) -> Extent {
        Extent { start, length: Some(length) }
    }
}

/// An extent as files keep it and tables of many keep it in memory: a length of -1 is the whole dimension.
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
