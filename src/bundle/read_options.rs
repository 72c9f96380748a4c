//! Options for reading tensors.

use crate::background::{Cancel, Control};
use crate::tensor::{Conversion, DType};

/// When checksums are verified while reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checksums {
    /// Always verify, the default; reading a slice then reads the whole of each stored piece that
    /// it touches.
    #[default]
    Always,
    /// Verify only where everything that a checksum covers is read anyway; slices read only what
    /// they need and are not verified.
    WhenWhole,
    /// Never verify, except for strings and variants, which are always read whole.
    Never,
}

/// Options for reading tensors.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    pub(crate) threads: u32,
    pub(crate) checksums: Checksums,
    pub(crate) dtype: Option<DType>,
    pub(crate) conversion: Conversion,
    /// Whether gaps between wanted bytes are skipped rather than read, even if this takes more
    /// calls.
    pub(crate) sparing: bool,
    pub(crate) control: Control,
}

impl ReadOptions {
    /// Creates options with the defaults: the library chooses the number of threads, and all
    /// checksums are verified.
    pub fn new() -> ReadOptions {
        ReadOptions::default()
    }

    /// Sets the number of reading threads, the calling thread included. 0, the default, lets the
    /// library choose: one thread for less than 4 MiB, else one per processor, at most four. There
    /// are never more than one for every 256 KiB, nor more than eight per processor.
    pub fn threads(mut self, threads: u32) -> ReadOptions {
        self.threads = threads;
        self
    }

    /// Sets the dtype that values are read as. A tensor of another dtype is converted as
    /// [`ReadOptions::conversion`] allows, or refused. With `None`, the default, values have the
    /// dtype that is stored. Unsigned integers also stand for the bits that [fit](DType::fits) them,
    /// where those are not converted. Restores refuse a dtype: there, each variable has its own.
    pub fn dtype(mut self, dtype: impl Into<Option<DType>>) -> ReadOptions {
        self.dtype = dtype.into();
        self
    }

    /// Sets which values are converted to the dtype that they are read as; by default none. Values
    /// are converted piece by piece while they are read; strings and mapped values never are.
    pub fn conversion(mut self, conversion: Conversion) -> ReadOptions {
        self.conversion = conversion;
        self
    }

    /// Sets when checksums are verified.
    pub fn checksums(mut self, checksums: Checksums) -> ReadOptions {
        self.checksums = checksums;
        self
    }

    /// Sets a flag that cancels the call: it then fails with `CANCELLED`, and the content of its
    /// buffers is unspecified.
    pub fn cancel<'c>(mut self, cancel: impl Into<Option<&'c Cancel>>) -> ReadOptions {
        self.control = Control::of(cancel.into());
        self
    }

    /// These options for a call that is watched as well.
    pub(crate) fn watched(&self, control: &Control) -> ReadOptions {
        ReadOptions { control: self.control.clone().and(control), ..self.clone() }
    }
}
