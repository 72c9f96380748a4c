//! Mutexes of handles that a forked child has inherited. A thread that the child does not have may
//! hold them for ever.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex as SystemMutex, MutexGuard as SystemGuard, PoisonError, TryLockError};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::Origin;

/// How often, and with which pauses, a child tries: another thread of its own may hold the mutex.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(1);

/// Locks a mutex of a handle that was made in the process `origin`. In a child of that process, it
/// does not wait for long: `None` if a thread of the parent seems to have held the mutex.
pub(crate) fn lock_of<T>(mutex: &Mutex<T>, origin: Origin) -> Option<MutexGuard<'_, T>> {
    if origin.is_here() {
        return Some(mutex.lock());
    }
    tried(|| mutex.try_lock())
}

/// Tries, for a while, what succeeds unless a thread of the parent has the lock.
pub(crate) fn tried<T>(mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    for _ in 0..TRIES {
        if let Some(done) = attempt() {
            return Some(done);
        }
        std::thread::sleep(PAUSE);
    }
    None
}

/// A mutex of what readers share, which is locked so often that a process is likely to be forked
/// while another of its threads holds it.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    /// Of the system: threads that wait for it are noted nowhere else, where a child would find
    /// them.
    mutex: SystemMutex<T>,
    origin: Origin,
    /// The last process that found it held by a thread of its parent: it does not wait again.
    lost_in: AtomicU64,
}

impl<T> Shared<T> {
    pub fn new(value: T) -> Shared<T> {
        Shared { mutex: SystemMutex::new(value), origin: Origin::here(), lost_in: AtomicU64::new(0) }
    }

    /// Locks it. In a child of the process in which it was made, `None` if a thread of the parent
    /// seems to have held it: the child must do without what is in it.
    #[inline(always)] // on the path of every small tensor
    pub fn lock(&self) -> Option<SystemGuard<'_, T>> {
        self.try_lock().or_else(|| self.wait())
    }

    /// Locks it unless another thread has.
    #[inline(always)]
    pub fn try_lock(&self) -> Option<SystemGuard<'_, T>> {
        match self.mutex.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    #[cold]
    fn wait(&self) -> Option<SystemGuard<'_, T>> {
        if self.origin.is_here() {
            return Some(self.mutex.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let here = Origin::here().number();
        if self.lost_in.load(Ordering::Relaxed) == here {
            return None;
        }
        let guard = tried(|| self.try_lock());
        if guard.is_none() {
            self.lost_in.store(here, Ordering::Relaxed);
        }
        guard
    }

    pub fn into_inner(self) -> T {
        self.mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared::new(T::default())
    }
}
