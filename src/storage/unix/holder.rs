//! Finds the process that holds a lock, as far as the system reports it: Linux does.

use std::fs::File;

/// Describes the process that holds a byte of the file of locks, e.g. `process 1234 (trainer)`.
/// `None` if it is not found, for example because it runs on another machine or belongs to another
/// user.
#[cfg(target_os = "linux")]
pub(super) fn holder_of(directory: &File, byte: u64) -> Option<String> {
    use super::super::interface::LOCK_FILE;
    use rustix::fs::{major, minor, statat, AtFlags};
    let status = statat(directory, LOCK_FILE, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let place = format!("{:02x}:{:02x}:{}", major(status.st_dev), minor(status.st_dev), status.st_ino);
    // A lock of an open file has no process in `/proc/locks`; the descriptor has it.
    let ids = |folder: &str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().take(MOST);
        entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.bytes().all(|b| b.is_ascii_digit()))
    };
    for process in ids("/proc").filter(|process| *process != std::process::id().to_string()) {
        for descriptor in ids(&format!("/proc/{process}/fd")) {
            let leads_to = std::fs::read_link(format!("/proc/{process}/fd/{descriptor}"));
            if !leads_to.is_ok_and(|path| path.to_string_lossy().contains(LOCK_FILE)) {
                continue;
            }
            let info = std::fs::read_to_string(format!("/proc/{process}/fdinfo/{descriptor}")).unwrap_or_default();
            if holds(&info, &place, byte) {
                let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
                return Some(match name.trim_end() {
                    "" => format!("process {process}"),
                    name => format!("process {process} ({name})"),
                });
            }
        }
    }
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn holder_of(_directory: &File, _byte: u64) -> Option<String> {
    None
}

/// At most this many processes, and descriptors of each, are looked at.
#[cfg(target_os = "linux")]
const MOST: usize = 1 << 14;

/// Whether the text of `/proc/PROCESS/fdinfo/DESCRIPTOR` says that the byte of the file at `place`
/// is locked by it.
#[cfg(target_os = "linux")]
fn holds(info: &str, place: &str, byte: u64) -> bool {
    info.lines().any(|line| {
        // lock:	1: OFDLCK ADVISORY  WRITE -1 fe:00:10150443 0 0
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["lock:", _, _, _, "WRITE", _, at, first, last, ..] if at == place => {
                let number = |text: &str| text.parse::<u64>().ok();
                number(first).is_some_and(|first| first <= byte)
                    && (last == "EOF" || number(last).is_some_and(|last| last >= byte))
            }
            _ => false,
        }
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_byte_is_told_from_those_of_others() {
        let info = "pos:\t0\nflags:\t02100002\nlock:\t1: OFDLCK ADVISORY  WRITE -1 fe:00:7 0 0\n\
                    lock:\t2: OFDLCK ADVISORY  READ -1 fe:00:7 3 3\nlock:\t3: POSIX  ADVISORY  WRITE 14 fe:00:7 5 6\n\
                    lock:\t4: FLOCK  ADVISORY  WRITE 14 fe:00:9 0 EOF\nlock:";
        for (place, byte, is_held) in [
            ("fe:00:7", 0, true),
            ("fe:00:7", 1, false),
            ("fe:00:7", 3, false),
            ("fe:00:7", 6, true),
            ("fe:00:8", 0, false),
            ("fe:00:9", 77, true),
        ] {
            assert_eq!(holds(info, place, byte), is_held, "{place} {byte}");
        }
    }
}
