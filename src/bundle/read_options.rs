//! How tensors are read.

/// Whether checksums are compared as tensors are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checksums {
    /// Always. A slice costs reading the whole of each stored piece that it touches, since a checksum covers all of it.
    #[default]
    Always,
    /// Where all that a checksum covers is read anyway. A slice reads what it needs and goes unchecked.
    WhenWhole,
    /// Never, save those of strings and variants, which are read whole.
    Never,
}

/// How tensors are read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    pub(crate) threads: u32,
    pub(crate) checksums: Checksums,
    /// Whether gaps are skipped rather than read along, even if that costs more calls.
    pub(crate) sparing: bool,
}

impl ReadOptions {
    /// The default: as many threads as pay, every checksum compared.
    pub fn new() -> ReadOptions {
        ReadOptions::default()
    }

    /// Reads with `threads` threads, the caller's among them; 0 for the library's choice, which is one for less than 4 MiB
    /// and never more than four.
    pub fn threads(mut self, threads: u32) -> ReadOptions {
        self.threads = threads;
        self
    }

    /// Whether checksums are compared.
    pub fn checksums(mut self, checksums: Checksums) -> ReadOptions {
        self.checksums = checksums;
        self
    }
}
