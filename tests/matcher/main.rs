//! The library's matching against a small, slow model of it, on random graphs and random
//! interleavings of restoring and building; and graphs that are deep, wide, or wait for much.

#[path = "../common/mod.rs"]
mod common;
mod model;
mod pair;
mod random;

use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

use pair::{Op, Pair, Tally};
use random::Case;

/// What differs, if that is why `work` panics.
fn difference(work: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(work)).err()?;
    let text = panic.downcast_ref::<String>()?;
    let text = text.contains("left is the library's").then_some(text)?;
    // Numbers, and what errors have found, are others once something is left out.
    Some(text.lines().next()?.split(": expected").next()?.chars().filter(|c| !c.is_ascii_digit()).collect())
}

/// The same difference, with as few operations as can be found by leaving out one after the other.
fn shrink(ops: &[Op]) -> Vec<Op> {
    let replay = |ops: &[Op]| {
        difference(|| {
            let mut pair = Pair::new();
            ops.iter().for_each(|op| pair.apply(op));
            pair.finish();
        })
    };
    let Some(wanted) = replay(ops) else { return ops.to_vec() };
    let (mut least, mut before) = (ops.to_vec(), usize::MAX);
    while least.len() < before {
        before = least.len();
        for at in (0..before).rev() {
            let mut fewer = least.clone();
            fewer.remove(at);
            if replay(&fewer).as_ref() == Some(&wanted) {
                least = fewer;
            }
        }
    }
    least
}

/// Runs one case; prints what it did if it fails.
fn case(seed: u64) -> Tally {
    let mut ops = Vec::new();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut case = Case::new(seed, &mut ops);
        case.play();
        case.pair.finish()
    }));
    result.unwrap_or_else(|panic| {
        std::panic::set_hook(Box::new(|_| ()));
        println!("CKPT_SEED={seed} runs this case alone; what makes the difference is in it:");
        shrink(&ops).iter().enumerate().for_each(|(number, op)| println!("{number:5} {op:?}"));
        resume_unwind(panic)
    })
}

/// Cases from a fixed seed on; `CKPT_SEED` names a single one, `CKPT_CASES` says how many.
#[test]
fn the_library_does_what_the_model_does() {
    let number = |name| std::env::var(name).ok().map(|text: String| text.parse::<u64>().expect("a number"));
    if let Some(seed) = number("CKPT_SEED") {
        case(seed);
        return;
    }
    let count = number("CKPT_CASES").unwrap_or(2500);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let share = move |first: u64| {
        let mut tally = Tally::new();
        for seed in (first..count).step_by(threads as usize) {
            case(seed).into_iter().for_each(|(what, count)| *tally.entry(what).or_default() += count);
        }
        tally
    };
    let shares: Vec<_> = (0..threads).map(|first| std::thread::spawn(move || share(first))).collect();
    let mut tally = Tally::new();
    for share in shares {
        let share = share.join().unwrap_or_else(|panic| resume_unwind(panic));
        share.into_iter().for_each(|(what, count)| *tally.entry(what).or_default() += count);
    }
    // Everything that there is happens, and not just now and then.
    tally.iter().for_each(|(what, count)| println!("{count:7} {what}"));
    assert_eq!(tally.len(), 16);
    assert!(tally.values().all(|&count| count >= 20), "{tally:?}");
}
