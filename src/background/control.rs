//! What a long call asks while it runs, and tells.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::cancel::Cancel;
use super::job::Job;
use crate::error::{Code, Error, Reason, Result};

/// Who may cancel a call, and who hears how far it is. By default nobody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Control {
    cancels: Vec<Cancel>,
    job: Option<Arc<Job>>,
}

impl Control {
    /// That of a call that runs in the background.
    pub fn of_job(job: &Arc<Job>) -> Control {
        Control { cancels: Vec::new(), job: Some(job.clone()) }
    }

    /// That of a call that the flag cancels.
    pub fn of(cancel: Option<&Cancel>) -> Control {
        Control { cancels: cancel.cloned().into_iter().collect(), job: None }
    }

    /// Both.
    pub fn and(mut self, other: &Control) -> Control {
        self.cancels.extend_from_slice(&other.cancels);
        self.job = self.job.or_else(|| other.job.clone());
        self
    }

    /// Whether somebody may cancel it.
    pub fn is_watched(&self) -> bool {
        !self.cancels.is_empty() || self.job.is_some()
    }

    #[inline] // on the path of every small tensor
    pub fn is_cancelled(&self) -> bool {
        self.cancels.iter().any(Cancel::is_raised) || self.job.as_ref().is_some_and(|job| job.is_cancelled())
    }

    /// Fails if the call was cancelled.
    ///
    /// # Errors
    /// `CANCELLED` (`Callback`).
    #[inline]
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() {
            return Err(Control::error());
        }
        Ok(())
    }

    /// The error of a call that was cancelled.
    #[cold]
    pub fn error() -> Error {
        Error::new(Code::Cancelled, Reason::Callback, "the call was cancelled")
    }

    /// Says how many bytes are done of how many.
    pub fn report(&self, done: u64, total: u64) {
        if let Some(job) = &self.job {
            job.set_progress(done, total);
        }
    }

    /// Whether to go on.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.is_cancelled() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Says that so many more bytes are to be done.
    pub fn expect(&self, bytes: u64) {
        if let Some(job) = &self.job {
            job.expect(bytes);
        }
    }

    /// Says that so many more bytes are done.
    pub fn advance(&self, bytes: u64) {
        if let Some(job) = &self.job {
            job.advance(bytes);
        }
    }
}
