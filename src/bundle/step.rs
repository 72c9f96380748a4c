//! The steps of publishing that a test can leave out, to see that they are missed.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    OtherCount,
    Sweep,
    SyncBeforeSweep,
}

#[cfg(test)]
pub(super) use super::crash_tests::left_out;

#[cfg(not(test))]
pub(super) fn left_out(_: Step) -> bool {
    false
}
