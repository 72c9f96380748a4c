//! An allocator that fails one large allocation when it is told to. Whoever wants it declares it as
//! the global one.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

/// Fails one of the allocations that are made during [`failing`].
pub struct Failing;

static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);
static WHICH: AtomicUsize = AtomicUsize::new(usize::MAX);
static SEEN: AtomicUsize = AtomicUsize::new(0);
/// Whether to print where the allocation failed.
static TRACE: AtomicBool = AtomicBool::new(false);

/// Whether this allocation is the one.
fn fails(size: usize) -> bool {
    if size < LIMIT.load(SeqCst) || SEEN.fetch_add(1, SeqCst) != WHICH.load(SeqCst) {
        return false;
    }
    LIMIT.store(usize::MAX, SeqCst);
    if TRACE.load(SeqCst) {
        eprintln!("{size} bytes are refused:\n{}", std::backtrace::Backtrace::force_capture());
    }
    true
}

// SAFETY: every call goes to the system's allocator as it came, or fails as an allocator may.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if fails(layout.size()) {
            return std::ptr::null_mut();
        }
        System.alloc(layout)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if fails(layout.size()) {
            return std::ptr::null_mut();
        }
        System.alloc_zeroed(layout)
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        System.dealloc(place, layout);
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // What shrinks stays where it is.
        if size > layout.size() && fails(size) {
            return std::ptr::null_mut();
        }
        System.realloc(place, layout, size)
    }
}

/// Does `work` in the middle of [`failing`], without any failure.
pub fn spared<T>(work: impl FnOnce() -> T) -> T {
    let limit = LIMIT.swap(usize::MAX, SeqCst);
    let result = work();
    LIMIT.store(limit, SeqCst);
    result
}

/// Does `work` while the allocation number `which`, counted from 0, of those of at least `limit`
/// bytes fails. Returns also how many there were up to that, or in all.
pub fn failing<T>(limit: usize, which: usize, trace: bool, work: impl FnOnce() -> T) -> (T, usize) {
    TRACE.store(trace, SeqCst);
    SEEN.store(0, SeqCst);
    WHICH.store(which, SeqCst);
    LIMIT.store(limit, SeqCst);
    let result = work();
    LIMIT.store(usize::MAX, SeqCst);
    (result, SEEN.load(SeqCst))
}
