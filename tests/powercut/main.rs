//! Real power cuts: a child writes checkpoints on ext4 while its file system is shut down under it,
//! as if the power had gone. Also a file system that is full. `scripts/powercut.sh` makes the file
//! systems and runs this; without them there is nothing to do.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use checkpoint::{Code, DType, Durability, Reader, Reason, WriteOptions, Writer};

mod managed;
#[path = "../../src/laboratory/rng.rs"]
mod rng;
use rng::Rng;

/// Power cuts may or may not leave it.
const LOCK_FILE: &str = ".ckpt-lock";

fn main() {
    let Ok(scratch) = std::env::var("CKPT_POWERCUT") else {
        println!("power cuts: skipped; scripts/powercut.sh makes the file systems that they need");
        return;
    };
    let scratch = Path::new(&scratch);
    if std::env::args().nth(1).is_some_and(|what| what == "managed") {
        let keep = std::env::args().nth(2).and_then(|n| n.parse().ok()).unwrap_or(1);
        return managed::save_until_cut(&scratch.join("disk/managed"), keep);
    }
    if let Some(first) = std::env::args().nth(1).and_then(|n| n.parse().ok()) {
        let durability = if std::env::args().nth(2).is_some() { Durability::None } else { Durability::Full };
        return write_until_cut(&scratch.join("disk"), first, durability);
    }
    full_disk(&scratch.join("small"));
    let cuts: u64 = std::env::var("CKPT_POWERCUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(20);
    power_cuts(scratch, cuts, Durability::Full);
    managed::power_cuts(scratch, cuts);
    // P3: the same cuts find a writer that does not sync.
    std::panic::set_hook(Box::new(|_| ()));
    let unsynced = std::panic::catch_unwind(|| power_cuts(scratch, cuts.min(20), Durability::None));
    let _ = std::panic::take_hook();
    let found = unsynced.expect_err("power cuts took nothing of a writer that does not sync");
    let found = found.downcast_ref::<String>().expect("a message");
    assert!(found.starts_with("P2") || found.contains("P1"), "{found}");
    println!("power cuts: a writer that does not sync is found out: {found}");
}

/// The values of checkpoint number `seed`.
fn values(seed: u64) -> Vec<(String, Vec<u8>)> {
    let mut rng = Rng::new(seed);
    let sizes = [0, 10, 5_000, 70_000, 300_000];
    let values = sizes.iter().map(|&size| (format!("v/{size}"), rng.bytes(size)));
    // So large a file is written past the page cache.
    let large = seed.is_multiple_of(7).then(|| ("large".to_owned(), vec![(seed / 7) as u8; 17 << 20]));
    values.chain(large).chain([("seed".to_owned(), seed.to_le_bytes().to_vec())]).collect()
}

fn write(prefix: &Path, seed: u64) -> Result<(), checkpoint::Error> {
    write_as(prefix, seed, Durability::Full)
}

fn write_as(prefix: &Path, seed: u64, durability: Durability) -> Result<(), checkpoint::Error> {
    let values = values(seed);
    let options = WriteOptions::new().shards(1 + (seed % 3) as u32).durability(durability);
    let mut writer = Writer::new(prefix, &options)?;
    for (key, bytes) in &values {
        writer.add(key, DType::Uint8, &[bytes.len() as i64], bytes)?;
    }
    writer.finish().map(drop)
}

/// The number of the checkpoint at `prefix`, of which every value must be as it was written; none
/// when there is no index.
fn number_of(prefix: &Path) -> Option<u64> {
    let exists = PathBuf::from(format!("{}.index", prefix.display())).exists();
    if !exists {
        return None;
    }
    let reader = Reader::open(prefix).unwrap_or_else(|e| panic!("P2: {e}"));
    let read = |key: &str| reader.get(key).and_then(|tensor| tensor.read()).unwrap_or_else(|e| panic!("P2: {e}"));
    let seed = u64::from_le_bytes(read("seed").try_into().unwrap());
    for (key, bytes) in values(seed) {
        assert!(read(&key) == bytes, "P2: {}: {key} of number {seed} is not what was written", prefix.display());
    }
    Some(seed)
}

/// Fails unless the directory holds the files of these checkpoints and nothing else.
fn assert_holds_only(directory: &Path, names: &[&str]) {
    let mut expected = BTreeSet::new();
    for name in names {
        let shards = Reader::open(directory.join(name)).unwrap().shard_count();
        expected.insert(format!("{name}.index"));
        expected.extend((0..shards).map(|i| format!("{name}.data-{i:05}-of-{shards:05}")));
    }
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let plain = entries.filter(|entry| entry.file_type().unwrap().is_file() && entry.file_name() != LOCK_FILE);
    let there: BTreeSet<String> = plain.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(there, expected, "P15");
}

/// The child: writes `best` over and over, and every third time another checkpoint in a directory
/// that is new; says of each when it is done.
fn write_until_cut(disk: &Path, first: u64, durability: Durability) {
    for number in first.. {
        let prefix = match number % 3 {
            0 => disk.join(format!("run-{number}/deep/c")),
            _ => disk.join("best"),
        };
        if write_as(&prefix, number, durability).is_err() {
            return; // the disk is gone
        }
        let mut out = std::io::stdout();
        if writeln!(out, "{number}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

/// Ends the file system at once. With `flush`, its journal is written out first; without, what is
/// in it is lost as well.
fn cut_power(disk: &Path, flush: bool) {
    const SHUTDOWN: u32 = 0x8004_587d; // FS_IOC_SHUTDOWN
    let handle = fs::File::open(disk).unwrap();
    let how: u32 = if flush { 1 } else { 2 };
    // SAFETY: the handle is open, and the call reads one u32.
    let outcome = unsafe { libc::ioctl(handle.as_raw_fd(), SHUTDOWN as _, &how) };
    assert_eq!(outcome, 0, "{}", std::io::Error::last_os_error());
}

fn spawn_writer(first: u64, durability: Durability) -> Child {
    let program = std::env::current_exe().unwrap();
    let unsynced = (durability == Durability::None).then_some("unsynced");
    Command::new(program).arg(first.to_string()).args(unsynced).stdout(Stdio::piped()).spawn().unwrap()
}

fn power_cuts(scratch: &Path, cuts: u64, durability: Durability) {
    let (image, disk) = (scratch.join("image"), scratch.join("disk"));
    let (image_text, disk_text) = (image.to_str().unwrap(), disk.to_str().unwrap());
    for entry in fs::read_dir(&disk).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_type().unwrap().is_file() {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    let mut rng = Rng::new(cuts);
    // What must be at `best` at least, and the number of the next write.
    let (mut best, mut next) = (None, 1);
    let (mut done_in_all, mut unfinished) = (0, 0);
    for cut in 0..cuts {
        let mut child = spawn_writer(next, durability);
        std::thread::sleep(Duration::from_millis(rng.between(5, 300)));
        cut_power(&disk, cut % 2 == 1);
        child.kill().unwrap();
        child.wait().unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        run("umount", &[disk_text]);
        run("mount", &["-o", "loop", image_text, disk_text]);

        let done: Vec<u64> = said.lines().map(|line| line.parse().unwrap()).collect();
        let last = done.last().map_or(next, |last| last + 1); // that was being written
        best = done.iter().copied().filter(|n| !n.is_multiple_of(3)).max().or(best);
        let found = number_of(&disk.join("best"));
        let is_last = !last.is_multiple_of(3) && found == Some(last);
        assert!(found == best || is_last, "cut {cut}: P1: number {best:?} was done, number {found:?} is there");
        unfinished += u64::from(!is_last);
        for number in (next..=last).filter(|n| n.is_multiple_of(3)) {
            let run = disk.join(format!("run-{number}"));
            let found = number_of(&run.join("deep/c"));
            assert!(
                found == Some(number) || (found.is_none() && !done.contains(&number)),
                "cut {cut}: P1: number {number} was done"
            );
            write(&run.join("deep/c"), last + 1).unwrap();
            assert_holds_only(&run.join("deep"), &["c"]);
            fs::remove_dir_all(run).unwrap();
        }
        // In turn the next write of the same checkpoint and of another has to clean up.
        next = last + 1;
        let other = ["best", "other"][(cut / 2 % 2) as usize];
        write(&disk.join(other), next).unwrap();
        let names: Vec<&str> = ["best", "other"].into_iter().filter(|name| number_of(&disk.join(name)).is_some()).collect();
        assert_holds_only(&disk, &names);
        best = number_of(&disk.join("best"));
        done_in_all += done.len();
        next += 1;
    }
    println!("power cuts: {cuts} on ext4 over {done_in_all} writes, {unfinished} during one that was lost; 0 violations");
}

fn full_disk(small: &Path) {
    let prefix = small.join("x");
    let much = vec![1; 4 << 20];
    let mut writer = Writer::new(&prefix, &WriteOptions::new()).unwrap();
    writer.add("much", DType::Uint8, &[4 << 20], &much).unwrap();
    let error = writer.finish().unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::ResourceExhausted, Reason::Space));
    assert_eq!(error.expected(), Some("4194304 bytes free"));
    assert!(error.found().is_some_and(|found| found.ends_with(" bytes")), "{error}");
    assert_holds_only(small, &[]);

    // Another program takes what was left while the values are written: there is no room for the
    // index.
    write(&prefix, 1).unwrap();
    let fill = |_: u64, out: &mut [u8]| {
        out.fill(2);
        let mut file = fs::File::create(small.join("filler"))?;
        while file.write_all(&[0; 4096]).is_ok() {}
        Ok(())
    };
    let mut writer = Writer::new(&prefix, &WriteOptions::new()).unwrap();
    writer.add_read("x", DType::Uint8, &[1000], Box::new(fill)).unwrap();
    let error = writer.finish_with(&mut |_, _| ControlFlow::Continue(())).unwrap_err();
    assert_eq!((error.code(), error.errno()), (Code::ResourceExhausted, Some(libc::ENOSPC)));
    assert_eq!(number_of(&prefix), Some(1));
    fs::remove_file(small.join("filler")).unwrap();
    assert_holds_only(small, &["x"]);
    write(&prefix, 2).unwrap();
    assert_holds_only(small, &["x"]);
    println!("full file system: known before the first byte, and met in the middle; nothing lost, nothing left");
}
