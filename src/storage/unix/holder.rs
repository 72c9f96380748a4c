//! Finds the process that holds a lock, as far as the system reports it: Linux does.

use rustix::fs::{major, minor};

/// Describes the process that holds the exclusive lock of the file with this device and inode, e.g.
/// `process 1234 (trainer)`. `None` if the system does not know it, for example because the process
/// runs on another machine.
pub(super) fn holder_of(device: u64, inode: u64) -> Option<String> {
    holder_in(&std::fs::read_to_string("/proc/locks").ok()?, device, inode).map(|process| {
        let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        match name.trim_end() {
            "" => format!("process {process}"),
            name => format!("process {process} ({name})"),
        }
    })
}

/// Returns the id of that process, given the text of `/proc/locks`.
fn holder_in(locks: &str, device: u64, inode: u64) -> Option<u32> {
    let place = format!("{:02x}:{:02x}:{inode}", major(device), minor(device));
    locks.lines().find_map(|line| {
        // 1: FLOCK  ADVISORY  WRITE 1234 fe:00:10150443 0 EOF
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            [_, "FLOCK", _, "WRITE", process, at, ..] if at == place => process.parse().ok().filter(|&process| process > 0),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_found_in_the_list_of_locks() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 fe:00:7 0 EOF\n2: FLOCK  ADVISORY  READ 12 fe:00:7 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 13 fe:00:7 0 EOF\n3: FLOCK  ADVISORY  WRITE 14 fe:00:7 0 EOF\n\
                     4: FLOCK  ADVISORY  WRITE 0 fe:00:8 0 EOF\n\n5: FLOCK";
        assert_eq!(holder_in(locks, 0xfe00, 7), Some(14));
        assert_eq!(holder_in(locks, 0xfe01, 7), None);
        assert_eq!(holder_in(locks, 0xfe00, 8), None);
    }
}
