//! What is synced at each durability, and that nothing old is removed before its replacement is on
//! disk.

use std::ops::ControlFlow;

use crate::bundle::merge::{merge_on, MergeOptions};
use crate::bundle::{Durability, WriteOptions, Writer};
use crate::laboratory::judge::names_in;
use crate::laboratory::{at, scratch};
use crate::storage::{Local, Op, Recording, Storage};
use crate::tensor::DType;

fn write(storage: &dyn Storage, prefix: &std::path::Path, key: &str, durability: Durability) {
    let mut writer = Writer::new(prefix, &WriteOptions::new().durability(durability)).unwrap();
    writer.add(key, DType::Uint8, &[3], &[1, 2, 3]).unwrap();
    writer.finish_on(storage, &mut |_, _| ControlFlow::Continue(())).unwrap();
}

/// Returns how often the directory was synced before the first removal, or in total if nothing was
/// removed.
fn syncs_before_removal(recording: &Recording) -> usize {
    let ops = recording.ops();
    let before = ops.iter().take_while(|op| !matches!(op, Op::Remove { .. }));
    before.filter(|op| matches!(op, Op::SyncDirectory)).count()
}

#[test]
fn nothing_old_is_removed_before_the_new_is_on_disk() {
    for (durability, first, over) in [(Durability::Full, 1, 1), (Durability::Data, 0, 1), (Durability::None, 0, 0)] {
        let directory = scratch();
        let prefix = directory.path().join("x");
        for expected in [first, over] {
            let recording = Recording::new();
            write(&recording, &prefix, "x", durability);
            assert_eq!(syncs_before_removal(&recording), expected, "{durability:?}");
        }
    }
}

#[test]
fn sections_are_removed_after_what_was_merged_is_on_disk() {
    for (durability, expected) in [(Durability::Full, 1), (Durability::Data, 1), (Durability::None, 0)] {
        let (directory, sections) = (scratch(), scratch());
        let parts = ["a", "b"].map(|name| sections.path().join(name));
        parts.iter().zip(["a", "b"]).for_each(|(part, key)| write(&Local, part, key, Durability::None));
        let recording = Recording::new();
        let options = MergeOptions::new().durability(durability);
        merge_on(&recording, &at(directory.path().join("x")), &parts.each_ref().map(at), &options, &mut |_, _| {
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(syncs_before_removal(&recording), expected, "{durability:?}");
        assert!(names_in(sections.path()).is_empty());
    }
}
