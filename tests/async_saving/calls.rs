//! What takes long and saves nothing: it gives in the background what it gives in the foreground,
//! tells when it is over, and can be cancelled.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use checkpoint::{
    latest_valid_checkpoint_async, merge_async, verify_async, wait_for_new_checkpoint, Cancel, CheckpointsIterator, Code, DType,
    MergeOptions, OpenOptions, OwnedReadRequest, Pending, Progress, ReadOptions, Reader, Reason, Verdict, VerifyOptions,
    WaitOptions, Writer,
};

use super::world::*;

fn on(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A checkpoint of tensors "0", "1", …, each of `length` bytes that are its number.
fn tensors(prefix: &Path, count: u8, length: usize) -> PathBuf {
    let values: Vec<Vec<u8>> = (0..count).map(|number| vec![number; length]).collect();
    let mut writer = Writer::new(prefix, &checkpoint::WriteOptions::new().durability(checkpoint::Durability::None)).unwrap();
    for (number, value) in values.iter().enumerate() {
        writer.add(number.to_string(), DType::Uint8, &[length as i64], value).unwrap();
    }
    writer.finish().unwrap();
    prefix.to_owned()
}

fn requests(reader: &Reader, length: usize) -> Vec<OwnedReadRequest<Vec<u8>>> {
    (0..reader.len()).map(|tensor| OwnedReadRequest { tensor, slice: None, buffer: vec![0xee; length] }).collect()
}

/// The code of the error that a call in the background ends with.
fn code_of<T: std::fmt::Debug>(pending: &Pending<T>) -> Code {
    pending.take().unwrap_err().code()
}

#[test]
fn each_call_gives_its_result_once() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    tensors(&one, 3, 1000);

    let pending = Reader::open_async(&one, &OpenOptions::new()).unwrap();
    assert_eq!(pending.path(), one);
    let reader = Arc::new(pending.take().unwrap());
    assert_eq!(reader.len(), 3);
    let again = pending.take().unwrap_err();
    assert!(is(&again, Code::FailedPrecondition, Reason::Argument), "{again}");
    pending.untyped().wait().unwrap();

    let pending = reader.read_many_async(requests(&reader, 1000), &ReadOptions::new()).unwrap();
    assert_eq!(pending.take().unwrap(), [0, 1, 2].map(|number| vec![number; 1000]));
    let end = pending.poll();
    assert_eq!((end.done, end.total, end.is_finished), (3000, 3000, true));
    let mut wrong = requests(&reader, 1000);
    wrong[1].tensor = 3;
    assert_eq!(code_of(&reader.read_many_async(wrong, &ReadOptions::new()).unwrap()), Code::InvalidArgument);
    assert_eq!(code_of(&reader.read_many_async(requests(&reader, 999), &ReadOptions::new()).unwrap()), Code::InvalidArgument);

    let pending = verify_async(&one, &VerifyOptions::new(), on).unwrap();
    let verified = pending.take().unwrap();
    assert_eq!((verified.verdict, verified.tensors), (Verdict::Whole, 3));
    assert_eq!(pending.poll().done, verified.bytes);

    let merged = merge_async(&two, &[&one], &MergeOptions::new(), |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!(merged.take().unwrap().bytes, 3000);
    assert_eq!(Reader::open(&two).unwrap().len(), 3);

    let valid = latest_valid_checkpoint_async(directory.path(), &VerifyOptions::new(), on).unwrap();
    assert_eq!(valid.take().unwrap().prefix.as_deref(), Some(&*two));

    // Errors come out of the result, not of the call.
    let nowhere = directory.path().join("nowhere");
    assert_eq!(code_of(&Reader::open_async(&nowhere, &OpenOptions::new()).unwrap()), Code::NotFound);
    assert_eq!(code_of(&verify_async(&nowhere, &VerifyOptions::new(), on).unwrap()), Code::NotFound);
    assert_eq!(code_of(&latest_valid_checkpoint_async(&nowhere, &VerifyOptions::new(), on).unwrap()), Code::NotFound);
    let merged = merge_async(&two, &[&nowhere], &MergeOptions::new(), |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!(code_of(&merged), Code::NotFound);
}

#[test]
fn the_end_is_told_once_on_a_thread_of_the_library() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = tensors(&directory.path().join("one"), 1, 10);
    let (gate, stop) = Gate::new();
    let pending = verify_async(&prefix, &VerifyOptions::new(), move |_| {
        stop();
        ControlFlow::Continue(())
    })
    .unwrap();
    gate.wait();
    let (tell, told) = channel();
    let shared = Arc::new(Mutex::new(Some(pending.untyped())));
    for number in 0..2 {
        let (tell, shared) = (tell.clone(), shared.clone());
        let ended = move || {
            let is_over = shared.lock().unwrap().as_ref().is_some_and(|p: &Pending<()>| p.wait().is_ok());
            tell.send((number, is_over, thread::current().id())).unwrap();
        };
        pending.notify(Box::new(ended)).unwrap();
    }
    assert!(told.recv_timeout(Duration::from_millis(20)).is_err(), "it is not over");
    gate.open();
    // A panic in the first function would not keep the second from being called.
    pending.take().unwrap();
    for expected in 0..2 {
        let (number, is_over, thread) = told.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(number, expected);
        assert!(is_over && thread != thread::current().id());
    }
    // After the end as well.
    let late = tell.clone();
    pending.notify(Box::new(move || late.send((9, true, thread::current().id())).unwrap())).unwrap();
    let (number, _, thread) = told.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(number == 9 && thread != thread::current().id());
    drop(tell);
    assert!(told.recv_timeout(Duration::from_secs(60)).is_err(), "nobody else is called");
}

#[test]
fn more_calls_than_threads_take_turns() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = tensors(&directory.path().join("one"), 1, 10);
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let all: Vec<_> = (0..200)
        .map(|_| {
            let (now, most) = (now.clone(), most.clone());
            let mut is_first = true;
            let count = move |_| {
                if std::mem::replace(&mut is_first, false) {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(1));
                    now.fetch_sub(1, Ordering::SeqCst);
                }
                ControlFlow::Continue(())
            };
            verify_async(&prefix, &VerifyOptions::new(), count).unwrap()
        })
        .collect();
    assert!(all.iter().all(|pending| pending.take().unwrap().verdict == Verdict::Whole));
    let limit = (thread::available_parallelism().unwrap().get() * 2).max(4);
    let most = most.load(Ordering::SeqCst);
    assert!((1..=limit).contains(&most), "{most} at once");
}

#[test]
fn callbacks_that_wait_for_other_calls_do_not_keep_them_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = tensors(&directory.path().join("one"), 1, 10);
    // More than there are threads, each waiting for one that has not begun.
    let all: Vec<_> = (0..100)
        .map(|_| {
            let of_callback = prefix.clone();
            let wait = move |_| {
                let other = Reader::open_async(&of_callback, &OpenOptions::new()).unwrap();
                assert_eq!(other.take().unwrap().len(), 1);
                ControlFlow::Continue(())
            };
            verify_async(&prefix, &VerifyOptions::new(), wait).unwrap()
        })
        .collect();
    all.iter().for_each(|pending| assert_eq!(pending.take().unwrap().verdict, Verdict::Whole));
}

#[test]
fn calls_are_cancelled_by_a_flag_and_in_the_background() {
    let directory = tempfile::tempdir().unwrap();
    let length = 3 << 20;
    let prefix = tensors(&directory.path().join("one"), 2, length);
    let raised = Cancel::new();
    raised.raise();
    let cancelled = |error: checkpoint::Error| assert!(is(&error, Code::Cancelled, Reason::Callback), "{error}");

    let opening = OpenOptions::new().cancel(&raised);
    cancelled(Reader::open_with(&prefix, &opening).unwrap_err());
    cancelled(Reader::open_async(&prefix, &opening).unwrap().take().unwrap_err());

    let reader = Arc::new(Reader::open(&prefix).unwrap());
    let reading = ReadOptions::new().cancel(&raised);
    let mut buffer = vec![0xee; length];
    cancelled(reader.get("1").unwrap().read_into(&mut buffer, &reading).unwrap_err());
    assert!(buffer.iter().all(|byte| *byte == 0xee), "nothing was read");
    let slice = "0,100".parse().unwrap();
    cancelled(reader.get("1").unwrap().read_slice_into(&slice, &mut buffer[..100], &reading).unwrap_err());
    cancelled(reader.read_many_async(requests(&reader, length), &reading).unwrap().take().unwrap_err());
    reader.get("1").unwrap().read_into(&mut buffer, &ReadOptions::new().cancel(&Cancel::new())).unwrap();

    let (gate, stop) = Gate::new();
    let pending = verify_async(&prefix, &VerifyOptions::new(), move |_| {
        stop();
        ControlFlow::Continue(())
    })
    .unwrap();
    gate.wait();
    let now = pending.poll();
    assert!(now.done < now.total && !now.is_finished, "{now:?}");
    pending.cancel();
    gate.open();
    cancelled(pending.take().unwrap_err());
    let again = pending.untyped().wait().unwrap_err();
    cancelled(again);
    pending.cancel(); // it is over
}

#[test]
fn a_merge_that_is_cancelled_leaves_everything_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    tensors(&one, 3, 1000);
    let (gate, stop) = Gate::new();
    let merged = merge_async(&two, &[&one], &MergeOptions::new(), move |_, _| {
        stop();
        ControlFlow::Continue(())
    })
    .unwrap();
    gate.wait();
    merged.cancel();
    gate.open();
    assert_eq!(code_of(&merged), Code::Cancelled);
    assert!(Reader::open(&two).is_err() && Reader::open(&one).unwrap().len() == 3);
}

#[test]
fn a_wait_for_a_checkpoint_is_cancelled_while_it_sleeps() {
    let directory = tempfile::tempdir().unwrap();
    let cancel = Cancel::new();
    let options = WaitOptions::new().poll_interval(3600.0).cancel(&cancel);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| wait_for_new_checkpoint(directory.path(), None, &options));
        let next = scope.spawn(|| CheckpointsIterator::new(directory.path(), &options).next());
        cancel.raise();
        let begun = Instant::now();
        let error = waiting.join().unwrap().unwrap_err();
        assert!(is(&error, Code::Cancelled, Reason::Callback), "{error}");
        assert_eq!(next.join().unwrap().unwrap().unwrap_err().code(), Code::Cancelled);
        assert!(begun.elapsed() < Duration::from_secs(1800));
    });
}
