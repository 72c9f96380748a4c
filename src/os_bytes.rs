//! Names and paths as bytes, which is what state files and keys hold.

#[cfg(unix)]
pub(crate) use std::os::unix::ffi::{OsStrExt, OsStringExt};

#[cfg(windows)]
pub(crate) use windows::{OsStrExt, OsStringExt};

/// On Windows, the bytes of a name are those of the standard library's encoding: UTF-8, and more
/// only for names that are not Unicode. Bytes that are not UTF-8 become a name that no file has.
#[cfg(windows)]
mod windows {
    use std::ffi::{OsStr, OsString};

    /// No file can have this name.
    const IMPOSSIBLE: &str = "?";

    pub(crate) trait OsStrExt {
        fn from_bytes(bytes: &[u8]) -> &Self;
        fn as_bytes(&self) -> &[u8];
    }

    impl OsStrExt for OsStr {
        fn from_bytes(bytes: &[u8]) -> &OsStr {
            OsStr::new(std::str::from_utf8(bytes).unwrap_or(IMPOSSIBLE))
        }

        fn as_bytes(&self) -> &[u8] {
            self.as_encoded_bytes()
        }
    }

    pub(crate) trait OsStringExt {
        fn from_vec(bytes: Vec<u8>) -> Self;
        fn into_vec(self) -> Vec<u8>;
    }

    impl OsStringExt for OsString {
        fn from_vec(bytes: Vec<u8>) -> OsString {
            String::from_utf8(bytes).map_or_else(|_| IMPOSSIBLE.into(), OsString::from)
        }

        fn into_vec(self) -> Vec<u8> {
            self.into_encoded_bytes()
        }
    }
}
