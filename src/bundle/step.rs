//! The steps of publishing that a test can skip, to prove that the tests notice.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The choice of a number of data files that no other checkpoint under the prefix has.
    OtherCount,
    /// The removal of files that crashes left.
    Sweep,
    /// The sync of the directory before data files are swept.
    SyncBeforeSweep,
}

#[cfg(test)]
pub(super) use super::crash_tests::left_out;

#[cfg(not(test))]
pub(super) fn left_out(_: Step) -> bool {
    false
}
