//! Several threads that write in one directory at the same time.

use std::path::Path;

use super::judge::{look, values, write, Found};
use crate::laboratory::judge::{files_of, names_in};
use crate::laboratory::scratch;
use crate::storage::Local;
use crate::{Code, Reason};

/// Two threads write the same prefix: they take turns, or one fails with `Locked`; the files never
/// mix. Threads that write other prefixes neither wait nor touch the files of others.
#[test]
fn threads_in_one_directory_do_not_mix() {
    let directory = scratch();
    let path: &Path = directory.path();
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            scope.spawn(move || {
                let name = ["x", "x", "other", "next"][thread as usize];
                for round in 0..50 {
                    match write(&Local, &path.join(name), 1 + (round % 3) as u32, &values(thread * 100 + round)) {
                        Err(e) => assert!((e.code(), e.reason(), name) == (Code::Unavailable, Reason::Locked, "x"), "{e}"),
                        Ok(()) if name == "x" => {}
                        Ok(()) => assert_eq!(look(&path.join(name)), Found::Whole(values(thread * 100 + round))),
                    }
                }
            });
        }
    });
    assert!(matches!(look(&path.join("x")), Found::Whole(_)));
    let mut expected: Vec<_> = ["x", "other", "next"].iter().flat_map(|name| files_of(path, name)).collect();
    expected.sort();
    assert_eq!(names_in(path).into_iter().collect::<Vec<_>>(), expected);
}
