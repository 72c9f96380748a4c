//! The files of this process that are kept open between reads and can be opened again: only a few
//! are open at a time, whatever the number of readers.

use std::collections::VecDeque;
use std::io::{Error, Result};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};

use super::{system, Shared, Source};

/// Maximum number of such files that are open at a time.
const MOST: usize = 64;

/// Where the source of such a file is while it is open.
#[derive(Debug, Default)]
pub(super) struct Slot(Shared<Option<Arc<dyn Source>>>);

/// The slots that are open, the oldest at the front.
static OPEN: Mutex<VecDeque<Weak<Slot>>> = Mutex::new(VecDeque::new());

/// The list of open slots, of which a forked child gets a copy that no thread was changing.
pub(super) type Guard = MutexGuard<'static, VecDeque<Weak<Slot>>>;

/// Locks the list. While a thread has it, it neither drops a source nor waits for another lock.
pub(super) fn open_slots() -> Guard {
    static FORKS: Once = Once::new();
    FORKS.call_once(system::hold_open_slots_around_forks);
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    /// The source, if it is open and no thread of a process that this one was forked from had it
    /// locked.
    #[inline(always)] // on the path of every small tensor
    pub fn source(&self) -> Option<Arc<dyn Source>> {
        self.0.lock()?.clone()
    }

    /// Whether it is open, or may be: another thread has it locked.
    pub fn is_open(&self) -> bool {
        self.0.try_lock().is_none_or(|source| source.is_some())
    }

    /// Closes the file, as soon as no call reads it.
    pub fn close(&self) {
        let source = self.0.lock().and_then(|mut source| source.take());
        drop(source); // without the lock
    }

    /// Keeps `source` until the slot is closed. If another thread was faster, its source remains.
    pub fn keep(self: &Arc<Self>, source: Arc<dyn Source>) {
        match self.0.lock() {
            Some(mut slot) => _ = slot.get_or_insert(source),
            None => return, // the caller alone has it
        }
        {
            let mut open = open_slots();
            open.retain(|other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(self)));
            open.push_back(Arc::downgrade(self));
        }
        close_all_but(most()); // other threads may have opened files meanwhile
    }
}

/// Closes the oldest files, so that one more may be opened.
pub(super) fn make_room() {
    close_all_but(most() - 1);
}

fn most() -> usize {
    system::most_files().map_or(MOST, |files| (files / 4).clamp(1, MOST as u64) as usize)
}

/// Closes the oldest files until at most `most` are open.
fn close_all_but(most: usize) {
    let (mut closed, mut seen) = (Vec::new(), Vec::new());
    {
        let mut open = open_slots();
        if open.len() > most {
            open.retain(|slot| {
                let slot = slot.upgrade();
                let is_open = slot.as_ref().is_some_and(|slot| slot.is_open());
                seen.extend(slot); // dropped without the lock
                is_open
            });
            let surplus = open.len().saturating_sub(most);
            closed.extend(open.drain(..surplus));
        }
    }
    closed.iter().filter_map(Weak::upgrade).for_each(|slot| slot.close());
}

/// Opens a file or directory. While the process has no handle for it, closes the files that have
/// been open for longest.
pub(super) fn opened<T>(mut open: impl FnMut() -> Result<T>) -> Result<T> {
    let is_shortage = |e: &Error| e.raw_os_error().is_some_and(system::is_too_many_files);
    loop {
        match open() {
            Err(e) if is_shortage(&e) => {
                let Some(oldest) = open_slots().pop_front() else { return Err(e) };
                if let Some(slot) = oldest.upgrade() {
                    slot.close();
                }
            }
            result => return result,
        }
    }
}
