//! Mutexes of handles that a forked child has inherited. A thread that the child does not have may
//! hold them for ever.

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
