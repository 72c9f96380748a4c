//! Puts a checkpoint before the reader and says what came of it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use checkpoint::{Code, Error, Reader, Reason, Slice, Tensor, Verification, VerifyOptions};

use super::proto;

/// A tensor as read.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct Read {
    pub dtype: u32,
    pub shape: Vec<i64>,
    pub value: Value,
}

#[derive(Debug, PartialEq, Eq, Clone)]
pub enum Value {
    Numbers(Vec<u8>),
    Strings(Vec<Vec<u8>>),
}

/// Reads one tensor, whole.
pub fn read(tensor: Tensor<'_>) -> Result<Read, Error> {
    let value = match tensor.dtype().size() {
        Some(_) => Value::Numbers(tensor.read()?),
        None => Value::Strings(tensor.read_strings()?.iter().map(<[u8]>::to_vec).collect()),
    };
    Ok(Read { dtype: tensor.dtype().number(), shape: tensor.shape().to_vec(), value })
}

/// Opens a checkpoint and reads everything in it.
pub fn read_all(path: &Path) -> Result<BTreeMap<Vec<u8>, Read>, Error> {
    let reader = Reader::open(path)?;
    let tensors = reader.tensors();
    tensors.map(|tensor| Ok((tensor.key().to_vec(), read(tensor)?))).collect()
}

/// Checks every checksum.
pub fn verify(path: &Path) -> Result<Verification, Error> {
    checkpoint::verify(path, &VerifyOptions::default(), &mut |_| ControlFlow::Continue(()))
}

/// What `verify` has against a checkpoint.
pub fn problems(path: &Path) -> Vec<Error> {
    match verify(path) {
        Ok(verification) => verification.problems,
        Err(error) => vec![error],
    }
}

/// Everything can be read and `verify` agrees.
#[track_caller]
pub fn sound(path: &Path) -> BTreeMap<Vec<u8>, Read> {
    let contents = match read_all(path) {
        Ok(contents) => contents,
        Err(error) => panic!("{}: {error}", error.code()),
    };
    let problems = problems(path);
    assert!(problems.is_empty(), "a false alarm: {}", problems[0]);
    contents
}

/// An error that a test goes on to examine.
pub struct Refusal(pub Error);

/// Opening the checkpoint fails, and `verify` says so too.
#[track_caller]
pub fn refuses_to_open(path: &Path, code: Code) -> Refusal {
    let error = match Reader::open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    };
    judged(path, error, code)
}

/// The checkpoint opens, reading `key` fails, and `verify` finds the same.
#[track_caller]
pub fn refuses_to_read(path: &Path, key: impl AsRef<[u8]>, code: Code) -> Refusal {
    let reader = match Reader::open(path) {
        Ok(reader) => reader,
        Err(error) => panic!("opening failed already: {error}"),
    };
    let tensor = reader.get(&key).unwrap();
    let error = match read(tensor) {
        Ok(value) => panic!("was read: {value:?}"),
        Err(error) => error,
    };
    judged(path, error, code).for_key(key)
}

#[track_caller]
fn judged(path: &Path, error: Error, code: Code) -> Refusal {
    assert_eq!(error.code(), code, "{error}");
    let problems = problems(path);
    assert!(!problems.is_empty(), "verify finds nothing, reading found: {error}");
    assert!(problems.iter().any(|problem| problem.code() == code), "verify found {}; reading found: {error}", problems[0]);
    Refusal(error).well_worded()
}

impl Refusal {
    #[track_caller]
    fn well_worded(self) -> Refusal {
        let text = self.0.to_string();
        assert!(!text.is_empty() && text.chars().all(|c| !c.is_control()), "not one plain line: {text:?}");
        for part in [self.0.expected(), self.0.found()].into_iter().flatten() {
            assert!(text.contains(part), "{part:?} is not in {text:?}");
        }
        self
    }

    /// The file at fault ends so, and the message names it.
    #[track_caller]
    pub fn in_file(self, suffix: &str) -> Refusal {
        let file = self.0.file().unwrap_or_else(|| panic!("no file: {}", self.0));
        assert!(file.to_string_lossy().ends_with(suffix), "{} is not {suffix}: {}", file.display(), self.0);
        assert!(self.0.to_string().contains(suffix), "{}", self.0);
        self
    }

    /// The tensor at fault.
    #[track_caller]
    pub fn for_key(self, key: impl AsRef<[u8]>) -> Refusal {
        let found = self.0.tensor().unwrap_or_else(|| panic!("no tensor: {}", self.0));
        assert_eq!(found, key.as_ref(), "{}", self.0);
        self
    }

    /// What was expected and what was found contain these words.
    #[track_caller]
    pub fn expected(self, expected: &str, found: &str) -> Refusal {
        for (given, wanted) in [(self.0.expected(), expected), (self.0.found(), found)] {
            let given = given.unwrap_or_else(|| panic!("nothing about {wanted:?}: {}", self.0));
            assert!(given.contains(wanted), "{given:?} does not say {wanted:?}: {}", self.0);
        }
        self
    }

    /// The message contains the word.
    #[track_caller]
    pub fn says(self, word: &str) -> Refusal {
        assert!(self.0.to_string().contains(word), "{word:?} is not in: {}", self.0);
        self
    }

    #[track_caller]
    pub fn because(self, reason: Reason) -> Refusal {
        assert_eq!(self.0.reason(), reason, "{}", self.0);
        self
    }
}

/// A slice of the test writer as the library names it.
pub fn slice(extents: &[proto::Extent]) -> Slice {
    Slice::new(
        extents
            .iter()
            .map(|extent| match *extent {
                proto::Extent::Full => checkpoint::Extent { start: 0, length: None },
                proto::Extent::Part(start, length) => checkpoint::Extent { start, length: Some(length) },
                proto::Extent::StartOnly(start) => checkpoint::Extent { start, length: None },
            })
            .collect(),
    )
}
