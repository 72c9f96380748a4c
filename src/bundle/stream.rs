//! Copies large memory past the caches: the target is not read before it is overwritten, and the
//! content of the caches is kept. The C library does this only for single copies nearly as large as
//! the largest cache, which is hundreds of megabytes if many processors share it.
#![allow(unsafe_code)]

/// Smaller copies, in bytes, are faster through the caches.
const WORTH_IT: usize = 256 << 10;

/// Copies `from` to `to`, which has the same length.
pub(super) fn copy(to: &mut [u8], from: &[u8]) {
    if to.len() < WORTH_IT {
        to.copy_from_slice(from)
    } else {
        past_the_caches(to, from)
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn past_the_caches(to: &mut [u8], from: &[u8]) {
    to.copy_from_slice(from);
}

#[cfg(target_arch = "x86_64")]
fn past_the_caches(to: &mut [u8], from: &[u8]) {
    const PAGE: usize = 4096;
    const LINE: usize = 64;
    const WORD: usize = size_of::<u128>();
    // Copies a line of each of several pages in turn: memory is faster if more of its rows are
    // open.
    const BLOCK: usize = 4 * PAGE;
    // Only whole cache lines are written: half a line would have to be read first.
    let start = to.as_ptr().align_offset(LINE).min(to.len());
    let (head, body) = to.split_at_mut(start);
    let (_, words, tail) = bytemuck::pod_align_to_mut::<u8, u128>(body);
    let (first, rest) = from.split_at(start);
    let (middle, last) = rest.split_at(words.len() * WORD);
    head.copy_from_slice(first);
    tail.copy_from_slice(last);
    for (words, from) in words.chunks_mut(BLOCK / WORD).zip(middle.chunks(BLOCK)) {
        if from.len() < BLOCK {
            bytemuck::cast_slice_mut(words).copy_from_slice(from);
            continue;
        }
        for line in 0..PAGE / LINE {
            for at in (line * LINE..BLOCK).step_by(PAGE) {
                put_line(&mut words[at / WORD..][..LINE / WORD], &from[at..][..LINE]);
            }
        }
    }
    // SAFETY: every processor of this architecture has this instruction. It orders the writes past
    // the caches before everything that follows.
    #[allow(unused_unsafe)]
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn put_line(to: &mut [u128], from: &[u8]) {
    for (place, word) in to.iter_mut().zip(from.chunks_exact(size_of::<u128>())) {
        let word = bytemuck::cast(bytemuck::pod_read_unaligned::<u128>(word));
        // SAFETY: a mutable reference is valid for writes and aligned as its type requires: to 16
        // bytes. The caller executes a fence before anybody else can see the memory.
        unsafe { std::arch::x86_64::_mm_stream_si128(std::ptr::from_mut(place).cast(), word) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_is_the_same_at_any_place_and_of_any_length() {
        let from: Vec<u8> = (0..WORTH_IT + 70_000).map(|i| ((i * 2_654_435_761usize) >> 9) as u8).collect();
        for (start, len) in [
            (0, 0),
            (3, 17),
            (0, WORTH_IT - 1),
            (0, WORTH_IT),
            (5, WORTH_IT + 1),
            (64, WORTH_IT + 16_384),
            (7, WORTH_IT + 65_521),
        ] {
            for shift in [0, 1, 15, 16, 33] {
                let mut to = vec![0xee; shift + len + 40];
                copy(&mut to[shift..][..len], &from[start..][..len]);
                assert!(to[shift..][..len] == from[start..][..len], "{start} {len} {shift}");
                assert!(to[..shift].iter().chain(&to[shift + len..]).all(|&byte| byte == 0xee), "{start} {len} {shift}");
            }
        }
    }
}
