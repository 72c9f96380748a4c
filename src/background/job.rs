//! A call that runs in the background: how far it is, its end, and who waits for that.

use std::fmt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, ThreadId};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use super::cancel::Cancel;
use super::meter::Meter;
use super::pool;
use crate::error::{Code, Error, Reason, Result};
use crate::storage::{lock_of, Location, Origin};

/// What a job does. It is told which job it is.
pub(crate) type Work = Box<dyn FnOnce(&Arc<Job>) -> Result<()> + Send>;

/// What is called when a job has ended.
pub(crate) type Listener = Box<dyn FnOnce() + Send>;

/// State that the thread that does the work shares with those that wait for it.
pub(crate) struct Job {
    path: Location,
    done: AtomicU64,
    total: AtomicU64,
    cancel: Cancel,
    /// What its phases cost, if it is a save.
    meter: Meter,
    /// Whether an error that nobody waits for is told later.
    is_told: bool,
    /// The thread that does the work, once it has begun.
    thread: OnceLock<ThreadId>,
    state: Mutex<State>,
    ended: Condvar,
    origin: Origin,
}

struct State {
    /// `None` once it has begun.
    work: Option<Work>,
    /// `None` until it has ended.
    outcome: Option<Result<()>>,
    /// Whether the outcome is an error that has not been reported yet.
    is_unread: bool,
    /// The job that this one comes after. If this one is cancelled and ends first, the jobs that
    /// come after it come after that one.
    earlier: Option<Arc<Job>>,
    /// The jobs that come after this one. They begin before the listeners are called, which may
    /// wait for them.
    followers: Vec<Arc<Job>>,
    /// Called at the end.
    listeners: Vec<Listener>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job(\"{}\")", self.path.display())
    }
}

impl Job {
    /// A job that has not begun. `path` is what it is about. `is_told` says whether its error, if
    /// nobody waits for that, is told later.
    pub fn new(path: Location, is_told: bool, meter: Meter, work: Work) -> Arc<Job> {
        let state = State {
            work: Some(work),
            outcome: None,
            is_unread: false,
            earlier: None,
            followers: Vec::new(),
            listeners: Vec::new(),
        };
        Arc::new(Job {
            path,
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            cancel: Cancel::new(),
            meter,
            is_told,
            thread: OnceLock::new(),
            state: Mutex::new(state),
            ended: Condvar::new(),
            origin: Origin::here(),
        })
    }

    /// Has a thread of the library do the work.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: there is no thread, and the work will not be done.
    pub fn launch(self: &Arc<Self>) -> Result<()> {
        let job = self.clone();
        pool::submit(Box::new(move || job.run())).map_err(|e| self.no_thread(&e))
    }

    /// Does the same when `earlier` has ended. If this job is cancelled before, it ends at once,
    /// and what comes after it waits for `earlier`.
    pub fn launch_after(self: &Arc<Self>, earlier: &Arc<Job>) -> Result<()> {
        earlier.check_origin()?;
        self.state.lock().earlier = Some(earlier.clone());
        if earlier.followed_by(self) {
            Ok(())
        } else {
            self.launch()
        }
    }

    /// Notes that a job comes after this one; false if it need not wait, as all before it has
    /// ended.
    fn followed_by(&self, follower: &Arc<Job>) -> bool {
        let earlier = {
            let mut state = self.state.lock();
            if state.outcome.is_none() {
                state.followers.push(follower.clone());
                return true;
            }
            state.earlier.clone()
        };
        earlier.is_some_and(|earlier| earlier.followed_by(follower))
    }

    /// This job, or the one that it came after if it ended before that.
    fn last_running(self: &Arc<Self>) -> Option<Arc<Job>> {
        let earlier = {
            let state = self.state.lock();
            if state.outcome.is_none() {
                return Some(self.clone());
            }
            state.earlier.clone()
        };
        earlier?.last_running()
    }

    /// Has a job begin whose turn it is.
    fn begin(self: Arc<Self>) {
        if self.launch().is_err() {
            self.run();
        }
    }

    fn no_thread(&self, e: &std::io::Error) -> Error {
        Error::new(Code::ResourceExhausted, Reason::Io, format!("cannot start a thread in the background: {e}"))
            .in_file(&self.path)
    }

    /// Does the work, unless somebody else does. What belongs to the caller is dropped before the
    /// outcome is published.
    fn run(self: Arc<Self>) {
        let Some(work) = self.state.lock().work.take() else { return };
        let _ = self.thread.set(thread::current().id());
        let outcome = guarded(|| work(&self));
        let (earlier, followers, listeners) = {
            let mut state = self.state.lock();
            // The caller who cancelled knows it, so this is not reported again.
            state.is_unread = self.is_told && outcome.as_ref().is_err_and(|e| e.code() != Code::Cancelled);
            state.outcome = Some(outcome);
            state.earlier = state.earlier.take().and_then(|earlier| earlier.last_running());
            self.ended.notify_all();
            (state.earlier.clone(), std::mem::take(&mut state.followers), std::mem::take(&mut state.listeners))
        };
        for follower in followers {
            if !earlier.as_ref().is_some_and(|earlier| earlier.followed_by(&follower)) {
                follower.begin();
            }
        }
        for listener in listeners {
            call(listener);
        }
    }

    /// Has `listener` called once when the job has ended, also if it has already, on a thread of
    /// the library.
    ///
    /// # Errors
    /// * `RESOURCE_EXHAUSTED`: the job has ended, and there is no thread.
    /// * `FAILED_PRECONDITION` (`Forked`): this process was forked from the job's.
    pub fn listen(&self, listener: Listener) -> Result<()> {
        self.check_origin()?;
        {
            let mut state = self.state.lock();
            if state.outcome.is_none() {
                state.listeners.push(listener);
                return Ok(());
            }
        }
        pool::submit(Box::new(move || call(listener))).map_err(|e| self.no_thread(&e))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The numbers of bytes done and to be done.
    pub fn progress(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    /// Sets the numbers of bytes done and to be done.
    pub fn set_progress(&self, done: u64, total: u64) {
        self.total.store(total, Ordering::Relaxed);
        self.done.store(done, Ordering::Relaxed);
    }

    pub fn expect(&self, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Asks the work to stop. If it waits for an earlier job, it need not any more.
    pub fn cancel(self: &Arc<Self>) {
        self.cancel.raise();
        if self.origin.is_here() && self.state.lock().work.is_some() {
            let _ = self.launch(); // without a thread it ends when it would have begun
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_raised()
    }

    /// Fails in a process that was forked from the job's.
    fn check_origin(&self) -> Result<()> {
        self.origin.check().map_err(|e| e.in_file(&self.path))
    }

    /// Whether it has ended, as far as this process can know. Never waits for it.
    pub fn has_ended(&self) -> bool {
        lock_of(&self.state, self.origin).is_some_and(|state| state.outcome.is_some())
    }

    /// Whether it has not ended, in this process.
    pub fn is_running(&self) -> bool {
        self.origin.is_here() && self.state.lock().outcome.is_none()
    }

    /// Returns whether the calling thread does the work.
    pub fn is_current(&self) -> bool {
        self.thread.get() == Some(&thread::current().id()) && self.is_running()
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION`: a callback of the work waits for it (`Reentrant`), or this process
    /// was forked from the job's (`Forked`).
    pub fn wait(&self) -> Result<()> {
        self.check_origin()?; // the thread is not in this process
        if self.is_current() {
            let what = "a callback must not wait for the call in the background that called it";
            return Err(Error::new(Code::FailedPrecondition, Reason::Reentrant, what).in_file(&self.path));
        }
        self.wait_until(None);
        Ok(())
    }

    /// Waits for the end, at most until `end`. Returns whether it has ended. Does not wait in a
    /// callback of the work, or in another process.
    pub fn wait_until(&self, end: Option<Instant>) -> bool {
        if !self.origin.is_here() || self.is_current() {
            return self.has_ended();
        }
        let mut state = self.state.lock();
        if state.outcome.is_none() {
            drop(state);
            let _waiting = pool::waiting();
            state = self.state.lock();
            while state.outcome.is_none() {
                match end {
                    Some(end) if self.ended.wait_until(&mut state, end).timed_out() => break,
                    Some(_) => {}
                    None => self.ended.wait(&mut state),
                }
            }
        }
        state.outcome.is_some()
    }

    /// Returns the outcome of a job that has ended; an error then counts as reported.
    pub fn outcome(&self) -> Result<()> {
        let mut state = self.state.lock();
        state.is_unread = false;
        state.outcome.clone().unwrap_or(Ok(()))
    }

    pub fn is_unread(&self) -> bool {
        self.state.lock().is_unread
    }

    /// Returns the error that has not been reported yet, which then counts as reported.
    pub fn take_error(&self) -> Result<()> {
        if self.is_unread() {
            return self.outcome();
        }
        Ok(())
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // What a forked child inherits of the caller's is not its own to release.
        if !self.origin.is_here() {
            let state = self.state.get_mut();
            let others = (state.earlier.take(), std::mem::take(&mut state.followers));
            std::mem::forget((state.work.take(), std::mem::take(&mut state.listeners), others));
        }
    }
}

/// Calls a listener. Its panic has no place to be reported.
fn call(listener: Listener) {
    let _ = guarded(|| {
        listener();
        Ok(())
    });
}

/// Runs code that may panic in a callback, and turns a panic into an error.
pub(crate) fn guarded(body: impl FnOnce() -> Result<()>) -> Result<()> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("no message");
        Err(Error::new(Code::Internal, Reason::Panic, format!("a call panicked in the background: {text}")))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn jobs_begin_in_their_order_whichever_of_them_are_cancelled() {
        let path = || Location::of("job").unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let (open, gate) = channel::<()>();
        let job = |number: usize, before: Box<dyn FnOnce() + Send>| {
            let order = order.clone();
            let work = move |job: &Arc<Job>| {
                if !job.is_cancelled() {
                    before();
                    order.lock().push(number);
                }
                Ok(())
            };
            Job::new(path(), false, Meter::default(), Box::new(work))
        };
        let held = job(0, Box::new(move || gate.recv().unwrap()));
        held.launch().unwrap();
        let mut jobs = vec![held];
        for number in 1..5 {
            let next = job(number, Box::new(|| ()));
            next.launch_after(&jobs[number - 1]).unwrap();
            jobs.push(next);
        }
        let soon = || Instant::now().checked_add(Duration::from_millis(50));
        for cancelled in [2, 3] {
            jobs[cancelled].cancel();
            assert!(jobs[cancelled].wait_until(None), "it waits");
            assert!(!jobs[4].wait_until(soon()), "the one after {cancelled} does not wait");
        }
        open.send(()).unwrap();
        assert!(jobs[4].wait_until(None));
        assert_eq!(*order.lock(), [0, 1, 4]);
    }
}
