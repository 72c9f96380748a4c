//! The formats of bytes, independent of files: checksums, varints, protobuf, slice keys, the text
//! of the state file.

pub(crate) mod crc;
pub(crate) mod key;
pub(crate) mod message;
pub(crate) mod ordered_code;
pub(crate) mod proto;
pub(crate) mod protobuf_text;
pub mod state_file;
