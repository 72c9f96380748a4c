//! The kinds of files that are taken for checkpoints: how each is told, and what to do with it.

use super::places;
use crate::storage::Location;

/// A file of which little is known.
pub(super) struct Sample<'a> {
    /// Its name, in lower case.
    pub name: &'a [u8],
    /// Its first bytes: all of a short file.
    pub first: &'a [u8],
}

/// A kind of file.
pub(super) struct Kind {
    /// With its article.
    pub name: &'static str,
    pub is: fn(&Sample<'_>) -> bool,
    /// What to do, for a file at this path.
    pub advice: fn(&Location) -> String,
}

/// What is found in the place of any file, of a data file too, whose bytes may be like anything.
pub(super) const PLACEHOLDERS: &[Kind] = &[
    Kind {
        name: "a Git LFS pointer",
        is: |f| {
            // The second is from before version 1.
            f.begins(b"version https://git-lfs.github.com/spec/") || f.begins(b"version https://hawser.github.com/spec/")
        },
        advice: |_| "fetch the file with \"git lfs pull\"".into(),
    },
    Kind {
        name: "a git-annex pointer",
        is: |f| f.begins(b"/annex/objects/"),
        advice: |_| "fetch the file with \"git annex get\"".into(),
    },
    Kind {
        name: "an HTML page",
        is: |f| f.reads("<!doctype html") || f.reads("<html"),
        advice: |_| "a download went wrong: open the file to see why, then download it again".into(),
    },
    Kind {
        name: "an XML document",
        is: |f| f.reads("<?xml"),
        advice: |_| "a download went wrong: open the file to see why, then download it again".into(),
    },
];

pub(super) const EMPTY: &[Kind] =
    &[Kind { name: "an empty file", is: |f| f.first.is_empty(), advice: |_| "copy or download it again".into() }];

/// Everything else. The first that fits is taken.
pub(super) const FORMATS: &[Kind] = &[
    // What TensorFlow puts beside checkpoints.
    Kind {
        name: "a state file",
        is: |f| f.reads("model_checkpoint_path") || f.reads("all_model_checkpoint"),
        advice: places::give_directory,
    },
    Kind { name: "the graph of a checkpoint (MetaGraphDef)", is: |f| f.ends(".meta"), advice: places::give_prefix_of_meta },
    Kind {
        name: "the graph of a SavedModel",
        is: |f| f.name.starts_with(b"saved_model.") && (f.ends(".pb") || f.ends(".pbtxt") || f.ends(".cpb")),
        advice: places::give_saved_model,
    },
    Kind {
        name: "a TensorFlow graph",
        is: |f| f.ends(".pb") || f.ends(".pbtxt"),
        advice: |_| "a checkpoint is a file \"PREFIX.index\" with its data files: give its prefix".into(),
    },
    Kind {
        name: "a TensorBoard event file",
        is: |f| f.has_name("tfevents"),
        advice: |_| "a checkpoint is a file \"PREFIX.index\" with its data files: give its prefix".into(),
    },
    // Weights of others.
    Kind { name: "a safetensors file", is: |f| f.is_safetensors(), advice: |_| "convert it with \"ckpt convert\"".into() },
    Kind {
        name: "a NumPy archive (.npz)",
        is: |f| f.is_zip() && (f.zip_entry().ends_with(b".npy") || f.ends(".npz")),
        advice: |_| "convert it with \"ckpt convert\"".into(),
    },
    Kind {
        name: "a NumPy array (.npy)",
        is: |f| f.begins(b"\x93NUMPY"),
        advice: |_| "save it in an .npz archive, which \"ckpt convert\" reads".into(),
    },
    Kind {
        name: "a Keras model (.keras)",
        is: |f| f.is_zip() && (f.ends(".keras") || f.zip_entry() == b"metadata.json" || f.zip_entry() == b"config.json"),
        advice: |_| SAVE_FROM_KERAS.into(),
    },
    Kind { name: "an HDF5 file, as Keras writes", is: |f| f.begins(b"\x89HDF\r\n\x1a\n"), advice: |_| SAVE_FROM_KERAS.into() },
    Kind {
        name: "a PyTorch file",
        is: |f| {
            let is_named = [".pt", ".pth", ".bin", ".ckpt"].iter().any(|end| f.ends(end));
            let is_zip = f.is_zip() && (is_named || f.zip_entry().ends_with(b"/data.pkl") || f.zip_entry() == b"data.pkl");
            // Before version 1.6: a pickle of a number that tells these files.
            is_zip || f.begins(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19") || (f.is_pickle() && is_named)
        },
        advice: |_| "save its tensors as .safetensors from PyTorch, which \"ckpt convert\" reads".into(),
    },
    Kind {
        name: "a Python pickle",
        is: |f| f.is_pickle(),
        advice: |_| "save its arrays as .npz from Python, which \"ckpt convert\" reads".into(),
    },
    Kind { name: "a TensorFlow Lite model", is: |f| f.has_at(4, b"TFL3"), advice: |_| USE_THE_ORIGINAL.into() },
    Kind { name: "an ONNX model", is: |f| f.ends(".onnx") || f.is_onnx(), advice: |_| USE_THE_ORIGINAL.into() },
    Kind {
        name: "a GGUF model",
        is: |f| [&b"GGUF"[..], b"lmgg", b"tjgg", b"FUGG"].iter().any(|magic| f.begins(magic)),
        advice: |_| USE_THE_ORIGINAL.into(),
    },
    Kind {
        name: "a TensorFlow.js model",
        is: |f| f.is_json() && (f.has("\"modelTopology\"") || f.has("\"weightsManifest\"") || f.has("-model\"")),
        advice: |_| USE_THE_ORIGINAL.into(),
    },
    Kind {
        name: "a JSON file",
        is: |f| f.is_json(),
        advice: |_| "a checkpoint is a file \"PREFIX.index\" with its data files: give its prefix".into(),
    },
    // Archives.
    Kind { name: "a tar archive", is: |f| f.has_at(257, b"ustar"), advice: |_| UNPACK_TAR.into() },
    Kind {
        name: "a compressed tar archive",
        is: |f| f.is_compressed() && (f.has_name(".tar.") || [".tgz", ".tbz2", ".txz", ".tzst"].iter().any(|end| f.ends(end))),
        advice: |_| UNPACK_TAR.into(),
    },
    Kind { name: "a compressed file (gzip)", is: |f| f.begins(b"\x1f\x8b"), advice: |_| "expand it with \"gunzip\"".into() },
    Kind { name: "a compressed file", is: |f| f.is_compressed(), advice: |_| "expand it".into() },
    Kind { name: "a zip archive", is: |f| f.is_zip(), advice: |_| "unpack it with \"unzip\", then open what was in it".into() },
];

const SAVE_FROM_KERAS: &str = "load it with Keras and write it with \"tf.train.Checkpoint(model).write(PREFIX)\"";
const USE_THE_ORIGINAL: &str = "use the checkpoint or SavedModel that it was made from";
const UNPACK_TAR: &str = "unpack it with \"tar -xf\", then open what was in it";

/// Where the name of a zip archive's first entry begins.
const ZIP_NAME: usize = 30;

impl Sample<'_> {
    fn begins(&self, magic: &[u8]) -> bool {
        self.first.starts_with(magic)
    }

    fn has_at(&self, offset: usize, magic: &[u8]) -> bool {
        self.first.get(offset..).is_some_and(|rest| rest.starts_with(magic))
    }

    fn has(&self, text: &str) -> bool {
        self.first.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// Whether it is text that begins so, in capitals or not, after white space.
    fn reads(&self, text: &str) -> bool {
        let begin = self.text().get(..text.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(text.as_bytes()))
    }

    fn text(&self) -> &[u8] {
        self.first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.first).trim_ascii_start()
    }

    fn ends(&self, end: &str) -> bool {
        self.name.ends_with(end.as_bytes())
    }

    fn has_name(&self, part: &str) -> bool {
        self.name.windows(part.len()).any(|window| window == part.as_bytes())
    }

    fn is_zip(&self) -> bool {
        self.begins(b"PK\x03\x04") || self.begins(b"PK\x05\x06")
    }

    /// The name of the first entry of a zip archive, as far as it is there.
    fn zip_entry(&self) -> &[u8] {
        let Some(&[low, high]) = self.first.get(26..28) else { return &[] };
        let rest = self.first.get(ZIP_NAME..).unwrap_or_default();
        &rest[..rest.len().min(u16::from_le_bytes([low, high]).into())]
    }

    /// A pickle of protocol 2 to 5, whose first operation is one that pickles begin with.
    fn is_pickle(&self) -> bool {
        matches!(self.first, [0x80, 2..=5, b'}' | b']' | b'(' | b'c' | 0x8a | 0x8c | 0x95, ..])
    }

    /// The length of a header in JSON, and the header.
    fn is_safetensors(&self) -> bool {
        let Some((length, header)) = self.first.split_first_chunk::<8>() else { return false };
        let is_header = header.starts_with(b"{") && (self.has("\"dtype\"") || self.has("\"__metadata__\""));
        u64::from_le_bytes(*length) < 1 << 32 && is_header
    }

    /// A protobuf of a version from 3 on, and the name of the program that made it.
    fn is_onnx(&self) -> bool {
        let [8, 3..=30, 0x12, length, rest @ ..] = self.first else { return false };
        let name = rest.get(..(*length).into()).unwrap_or_default();
        !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
    }

    fn is_json(&self) -> bool {
        let mut rest = self.text().iter().filter(|byte| !byte.is_ascii_whitespace());
        rest.next() == Some(&b'{') && matches!(rest.next(), Some(b'"' | b'}'))
    }

    fn is_compressed(&self) -> bool {
        [&b"\x1f\x8b"[..], b"\xfd7zXZ\0", b"BZh", b"\x28\xb5\x2f\xfd"].iter().any(|magic| self.begins(magic))
    }
}
