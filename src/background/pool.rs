//! The library's threads. There are only as many as there is work, a few at most, and none between
//! calls.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::OnceLock;
use std::thread;

use parking_lot::{Condvar, Mutex};

use crate::error::{Code, Error, Reason, Result};
use crate::storage::Origin;

pub(super) type Task = Box<dyn FnOnce() + Send>;

/// Threads for each processor: work mostly waits for disks.
const FOR_A_CORE: usize = 2;
/// The least number of threads at a time, if there is as much work.
const LEAST: usize = 4;

/// The pool of one process. A forked child makes one of its own: the threads of its parent's pool
/// are not there, and one of them may have had its lock.
struct Pool {
    origin: Origin,
    state: Mutex<State>,
    /// Told when copies were freed.
    freed: Condvar,
    /// That of a child.
    next: OnceLock<Box<Pool>>,
    /// Whether the operating system starts no thread.
    #[cfg(test)]
    is_full: std::sync::atomic::AtomicBool,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Task>,
    threads: usize,
    /// How many of the threads wait for work of others, which must not have to wait for them.
    waiting: usize,
    /// The number of bytes that are copied for saves in the background.
    copied: u64,
}

thread_local! {
    /// Whether this is a thread of the pool.
    static IS_WORKER: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread does what gives room back: a callback that waited for room here would
    /// wait for itself.
    static HAS_ROOM: Cell<bool> = const { Cell::new(false) };
}

/// Runs what uses the room that this thread has, until it is given back.
pub(crate) fn with_room_held<R>(work: impl FnOnce() -> R) -> R {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            HAS_ROOM.set(false);
        }
    }
    HAS_ROOM.set(true);
    let _reset = Reset;
    work()
}

/// The most threads that work at a time.
pub(super) fn most() -> usize {
    (thread::available_parallelism().map_or(1, |n| n.get()) * FOR_A_CORE).max(LEAST)
}

impl Pool {
    fn new() -> Pool {
        Pool {
            origin: Origin::here(),
            state: Mutex::default(),
            freed: Condvar::new(),
            next: OnceLock::new(),
            #[cfg(test)]
            is_full: Default::default(),
        }
    }

    fn of_this_process() -> &'static Pool {
        static FIRST: OnceLock<Pool> = OnceLock::new();
        // Made before a cell is entered: a process that is forked meanwhile would wait for ever for
        // the thread that is in it.
        let mut pool = match FIRST.get() {
            Some(pool) => pool,
            None => {
                let made = Pool::new();
                FIRST.get_or_init(|| made)
            }
        };
        while !pool.origin.is_here() {
            pool = match pool.next.get() {
                Some(next) => next,
                None => {
                    let made = Box::new(Pool::new());
                    pool.next.get_or_init(|| made)
                }
            };
        }
        pool
    }

    /// Starts a thread if there is work for one more.
    fn staff(&'static self, state: &mut State) -> io::Result<()> {
        if state.queue.is_empty() || state.threads >= most() + state.waiting {
            return Ok(());
        }
        #[cfg(test)]
        if self.is_full.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        thread::Builder::new().name("checkpoint".to_owned()).spawn(|| self.work())?;
        state.threads += 1;
        Ok(())
    }

    fn submit(&'static self, task: Task) -> io::Result<()> {
        let mut state = self.state.lock();
        state.queue.push_back(task);
        match self.staff(&mut state) {
            Err(e) if state.threads <= state.waiting => {
                let task = state.queue.pop_back();
                drop(state);
                drop(task); // without the lock
                Err(e)
            }
            _ => Ok(()),
        }
    }

    /// Counts this thread of the pool as one that waits for others. If all do, and no thread can be
    /// started, it does first what they wait for.
    fn wait_for_others(&'static self) -> Waiting {
        let mut state = self.state.lock();
        state.waiting += 1;
        let waiting = Waiting(self);
        while self.staff(&mut state).is_err() && state.threads <= state.waiting {
            let Some(task) = state.queue.pop_front() else { break };
            drop(state);
            task();
            state = self.state.lock();
        }
        drop(state);
        waiting
    }

    /// Does what there is to do.
    fn work(&self) {
        IS_WORKER.set(true);
        // In a child that a callback has forked, the rest belongs to the parent.
        while self.origin.is_here() {
            let next = {
                let mut state = self.state.lock();
                let is_surplus = state.threads > most() + state.waiting;
                let next = if is_surplus { None } else { state.queue.pop_front() };
                if next.is_none() {
                    state.threads -= 1;
                }
                next
            };
            match next {
                Some(task) => task(),
                None => return,
            }
        }
    }
}

/// Has a thread of the library do a task, which must not panic.
///
/// # Errors
/// The operating system's: there is no thread, or all wait for others, and none can be started. The
/// task is dropped.
pub(super) fn submit(task: Task) -> io::Result<()> {
    Pool::of_this_process().submit(task)
}

/// While it lives, a thread of the pool counts as one that waits for others.
pub(super) struct Waiting(&'static Pool);

/// Says that this thread will wait for work of the pool.
pub(super) fn waiting() -> Option<Waiting> {
    IS_WORKER.get().then(|| Pool::of_this_process().wait_for_others())
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.state.lock().waiting -= 1;
    }
}

/// Memory set aside for the copies of one save, in bytes; given back when it is dropped.
#[derive(Default)]
pub(crate) struct Room(Option<(&'static Pool, u64)>);

impl Room {
    /// Makes it as large as what was copied, whether or not there is so much room.
    pub fn resize(&mut self, bytes: u64) {
        let pool = Pool::of_this_process();
        let before = self.0.replace((pool, bytes)).map_or(0, |(_, before)| before);
        let mut state = pool.state.lock();
        state.copied = state.copied - before + bytes;
        pool.freed.notify_all();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // What a parent holds is not counted in its child.
        if let Some((pool, bytes)) = self.0.take().filter(|(pool, _)| pool.origin.is_here()) {
            pool.state.lock().copied -= bytes;
            pool.freed.notify_all();
        }
    }
}

/// Waits until `bytes` more can be copied without more than `limit` being held, or fails at once
/// unless it `may_wait`.
///
/// # Errors
/// * `RESOURCE_EXHAUSTED` (`Limit`): it is more than the limit.
/// * `UNAVAILABLE` (`Busy`): others hold too much.
/// * `FAILED_PRECONDITION` (`Reentrant`): it would have to wait for the save that called it.
pub(crate) fn wait_for_room(bytes: u64, limit: u64, may_wait: bool) -> Result<Room> {
    let expected = || format!("at most {limit} bytes");
    if bytes > limit {
        return Err(Error::new(Code::ResourceExhausted, Reason::Limit, "the copy of the values is larger than its limit")
            .expecting(expected(), format_args!("{bytes} bytes")));
    }
    let pool = Pool::of_this_process();
    let mut waits = None;
    loop {
        let mut state = pool.state.lock();
        if state.copied <= limit - bytes {
            state.copied += bytes;
            return Ok(Room(Some((pool, bytes))));
        }
        if !may_wait {
            let found = format!("{bytes} bytes, and {} for saves that are still running", state.copied);
            let what = "the copies of saves in the background are larger than their limit";
            return Err(Error::new(Code::Unavailable, Reason::Busy, what).expecting(expected(), found));
        }
        if HAS_ROOM.get() {
            let what = "a callback of a save in the background must not wait for the memory of that save";
            return Err(Error::new(Code::FailedPrecondition, Reason::Reentrant, what));
        }
        if waits.is_some() {
            pool.freed.wait(&mut state);
        } else {
            drop(state);
            waits = Some(waiting());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::SeqCst;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    /// A call in the background whose callback waits for another one, in a process that may have no
    /// more threads.
    #[test]
    fn work_that_others_wait_for_is_done_without_another_thread() {
        let pool: &'static Pool = Box::leak(Box::new(Pool::new()));
        pool.is_full.store(true, SeqCst);
        assert_eq!(pool.submit(Box::new(|| {})).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        pool.is_full.store(false, SeqCst);
        let (ended, end) = channel();
        let outer = move || {
            pool.is_full.store(true, SeqCst);
            let (done, is_done) = channel();
            pool.submit(Box::new(move || done.send(()).unwrap())).unwrap();
            let waiting = pool.wait_for_others();
            let inner = is_done.recv_timeout(Duration::from_secs(20));
            // Now all threads wait, so that nobody would ever do what is handed over.
            let refused = pool.submit(Box::new(|| {})).is_err();
            drop(waiting);
            ended.send((inner, refused)).unwrap();
        };
        pool.submit(Box::new(outer)).unwrap();
        assert_eq!(end.recv_timeout(Duration::from_secs(60)).unwrap(), (Ok(()), true));
    }
}
