//! Looks at everything that a checkpoint offers. Errors are fine; panics, hangs and nonsense are
//! not.

use std::ops::ControlFlow;
use std::path::Path;

use crate::common::counter::peak;
use checkpoint::{Checksums, Error, Extent, ReadOptions, ReadRequest, Reader, Slice, Tensor, VerifyOptions};

/// No tensor that is read is larger; a file of the fuzzer's cannot back one anyway.
const LARGEST: u64 = 1 << 20;

fn size(tensor: Tensor<'_>) -> u64 {
    tensor.byte_size().unwrap_or(0)
}

/// Opens, lists, reads, cuts, maps and verifies; `size` is that of the index.
pub fn everything(path: &Path, size: usize) {
    let (_, used) = peak(|| Reader::open(path).map(|reader| reader.tensors().map(|tensor| tensor.key().len()).sum::<usize>()));
    let bound = (16 << 20) + 24 * size;
    assert!(used <= bound, "{used} bytes allocated for an index of {size}");
    let opened = Reader::open(path).map(|reader| contents(&reader));
    let verified = checkpoint::verify(path, &VerifyOptions::default(), &mut |_| ControlFlow::Continue(()));
    match (&opened, &verified) {
        // What cannot be opened has a problem.
        (Err(error), Ok(verification)) => {
            message(error);
            assert!(!verification.problems.is_empty(), "verify has nothing to say about: {error}");
        }
        (Ok(unread), Ok(verification)) => {
            verification.problems.iter().for_each(message);
            if let Some(error) = unread {
                assert!(!verification.problems.is_empty(), "verify has nothing to say about: {error}");
            }
        }
        (_, Err(error)) => message(error),
    }
}

/// Reads everything; returns the first error that means damage.
fn contents(reader: &Reader) -> Option<Error> {
    let mut damage = None;
    let mut note = |error: Error| {
        message(&error);
        if error.code() == checkpoint::Code::DataLoss && damage.is_none() {
            damage = Some(error);
        }
    };
    let mut last: Option<&[u8]> = None;
    for (index, tensor) in reader.tensors().enumerate() {
        assert_eq!(tensor.index(), index);
        let key = reader.tensor(index).unwrap().key();
        assert!(last.is_none_or(|last| last < key), "not sorted");
        assert_eq!(reader.get(key).unwrap().index(), index);
        last = Some(key);
        if size(tensor) > LARGEST || tensor.element_count() > LARGEST {
            continue;
        }
        if let Err(error) = one(tensor) {
            note(error);
        }
    }
    let _ = reader.debug_string();
    if let Err(error) = reader.object_graph() {
        message(&error);
    }
    damage
}

fn one(tensor: Tensor<'_>) -> Result<(), Error> {
    let shape = tensor.shape();
    let rank = shape.len();
    // Every second index of the first dimension, all of the others but the last one's first.
    let part = |dim: usize, size: i64| match dim {
        _ if dim + 1 == rank => Extent { start: size.min(1), length: Some(size - size.min(1)) },
        0 => Extent { start: 0, length: Some(size - size / 2) },
        _ => Extent { start: 0, length: None },
    };
    let slice = Slice::new(shape.iter().enumerate().map(|(dim, &size)| part(dim, size)).collect());
    let _ = tensor.slices();
    if tensor.dtype().size().is_none() {
        let strings = tensor.read_strings()?;
        assert_eq!(strings.len() as u64, tensor.element_count());
        let cut = tensor.read_strings_slice(&slice)?;
        let whole = tensor.read_strings_slice(&Slice::full(rank))?;
        assert!(whole.iter().eq(strings.iter()) && cut.len() <= whole.len());
        return Ok(());
    }
    let options = ReadOptions::default().checksums(Checksums::Never).threads(1);
    let mut unchecked = vec![0; size(tensor) as usize];
    let outcome = tensor.read_into(&mut unchecked, &options);
    let bytes = tensor.read()?;
    outcome?;
    assert_eq!(bytes.len() as u64, size(tensor));
    assert!(bytes == unchecked);
    let cut = tensor.read_slice(&slice)?;
    let mut cut_unchecked = vec![0; cut.len()];
    tensor.read_slice_into(&slice, &mut cut_unchecked, &options)?;
    assert!(cut == cut_unchecked);
    if let Ok(view) = tensor.map(true) {
        assert!(view[..] == bytes[..]);
    }
    Ok(())
}

/// A message is one line, and not a long one.
fn message(error: &Error) {
    let text = error.to_string();
    assert!(!text.is_empty() && text.len() < 10_000 && !text.contains('\n'), "{text:?}");
}

/// Many reads at once equal single ones.
pub fn many(reader: &Reader) {
    let tensors: Vec<Tensor<'_>> =
        reader.tensors().filter(|tensor| tensor.dtype().size().is_some() && size(*tensor) < LARGEST).collect();
    let Ok(expected) = tensors.iter().map(|tensor| tensor.read()).collect::<Result<Vec<_>, _>>() else { return };
    let mut buffers: Vec<Vec<u8>> = expected.iter().map(|value| vec![0; value.len()]).collect();
    let requests =
        tensors.iter().zip(&mut buffers).map(|(&tensor, buffer)| ReadRequest { tensor, slice: None, buffer }).collect();
    reader.read_many(requests, &ReadOptions::default().threads(2)).unwrap();
    assert!(buffers == expected);
}
