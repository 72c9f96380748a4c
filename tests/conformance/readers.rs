//! checkpoint_utils_test.py, and the readers of saver_test.py: looking at checkpoints, of both
//! formats.

use checkpoint::{Code, Reader, Reason, Saver, SaverOptions, SaverSaveOptions};

use crate::common::{dtypes, v1};
use crate::world::*;

/// `v0` and `v1`, in both formats.
fn both_formats(w: &World) -> [std::path::PathBuf; 2] {
    let named = [("v0", w.variable([[1f32, 2.0, 3.0], [4.0, 5.0, 6.0]])), ("v1", w.variable([[[1f32]; 2]; 3]))];
    let saver = Saver::new(&w.graph, &named, &SaverOptions::new()).unwrap();
    let v2 = saver.save(w.path("v2"), &SaverSaveOptions::new().save(unsynced())).unwrap();
    let mut file = v1::File::new();
    for (name, variable) in named {
        let shape = w.graph.describe(variable).unwrap().shape.unwrap();
        file.tensor(name, dtypes::FLOAT, &shape, v1::values(dtypes::FLOAT, &w.graph.read(variable).unwrap()));
    }
    [v2, file.write(w.directory(), "v1")]
}

/// saver_test.py CheckpointReaderTest.testDebugString, CheckpointReaderForV2Test.testDebugString
#[test]
fn test_debug_string() {
    let w = World::new();
    for path in both_formats(&w) {
        let reader = Reader::open(path).unwrap();
        let text = String::from_utf8(reader.debug_string()).unwrap();
        says(&text, &["v0 (DT_FLOAT) [2,3]", "v1 (DT_FLOAT) [3,2,1]"]);
        let shapes: Vec<&[i64]> = ["v0", "v1"].iter().map(|name| reader.get(name).unwrap().shape()).collect();
        assert_eq!(shapes, [&[2, 3][..], &[3, 2, 1]]);
        is(&reader.get("v3").unwrap_err(), Code::NotFound, Reason::NoTensor);
    }
}

/// saver_test.py CheckpointReaderTest.testNonexistentPath
#[test]
fn test_nonexistent_path() {
    let w = World::new();
    is(&Reader::open(w.path("non-existent")).unwrap_err(), Code::NotFound, Reason::NoCheckpoint);
}

/// checkpoint_utils_test.py CheckpointsTest.testNoCheckpoints: a directory without any
#[test]
fn test_no_checkpoints() {
    let w = World::new();
    is(&Reader::open(w.directory()).unwrap_err(), Code::NotFound, Reason::NoCheckpoint);
}

/// checkpoint_utils_test.py CheckpointsTest.testNoTensor
#[test]
fn test_no_tensor() {
    let w = World::new();
    for path in both_formats(&w) {
        let reader = Reader::open(path).unwrap();
        assert!(!reader.contains("var5") && !reader.contains(""));
        is(&reader.get("var5").unwrap_err(), Code::NotFound, Reason::NoTensor);
    }
}

/// checkpoint_utils_test.py CheckpointsTest.testGetTensor
#[test]
fn test_get_tensor() {
    let w = World::new();
    for path in both_formats(&w) {
        assert_eq!(stored::<[[f32; 3]; 2]>(&path, "v0"), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        assert_eq!(stored::<[[[f32; 1]; 2]; 3]>(&path, "v1"), [[[1.0]; 2]; 3]);
    }
}

/// checkpoint_utils_test.py CheckpointsTest.testGetAllVariables: in the order of their names
#[test]
fn test_get_all_variables() {
    let w = World::new();
    for path in both_formats(&w) {
        assert_eq!(keys(path), ["v0", "v1"]);
    }
}
