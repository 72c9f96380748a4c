//! What TensorFlow wrote is read as TensorFlow reads it, and more of it.

mod common;

use std::collections::BTreeMap;

use checkpoint::{DType, Endianness, Format, ReadOptions, ReadRequest, Reader, Slice, Verdict};
use common::judge::{self, sound, Read, Value};
use common::manifest::{self, sha256};
use common::{files, naive, payload};

#[test]
fn every_fixture_equals_its_manifest() {
    for (directory, manifest) in manifest::all() {
        let path = directory.join(&manifest.prefix);
        let contents = sound(&path);
        let keys: Vec<&[u8]> = contents.keys().map(Vec::as_slice).collect();
        let expected: Vec<&[u8]> = manifest.tensors.keys().map(String::as_bytes).collect();
        assert_eq!(keys, expected, "{}", path.display());
        for (key, expected) in &manifest.tensors {
            let tensor = &contents[key.as_bytes()];
            let name = format!("{key} of {}", path.display());
            assert_eq!(DType::from_number(tensor.dtype).unwrap().name(), expected.dtype, "{name}");
            assert_eq!(tensor.shape, expected.shape, "{name}");
            match (&expected.value, &tensor.value) {
                (manifest::Value::Numbers { bytes, sha256: digest }, Value::Numbers(value)) => {
                    assert_eq!((value.len() as u64, sha256(value)), (*bytes, digest.clone()), "{name}");
                }
                (manifest::Value::Strings(expected), Value::Strings(strings)) => assert_eq!(strings, expected, "{name}"),
                (manifest::Value::Unreadable, _) => {}
                _ => panic!("{name} is of another kind"),
            }
        }
    }
}

#[test]
fn what_tensorflow_could_not_read_equals_an_independent_source() {
    let mut unreadable = Vec::new();
    for (directory, manifest) in manifest::all() {
        let contents = judge::read_all(&directory.join(&manifest.prefix)).unwrap();
        let folder = directory.file_name().unwrap().to_string_lossy().into_owned();
        for (key, expected) in manifest.tensors {
            if !matches!(expected.value, manifest::Value::Unreadable) {
                continue;
            }
            let tensor = &contents[key.as_bytes()];
            match &tensor.value {
                // Written by one program from one seed in both formats; TensorFlow reads the V2
                // file.
                Value::Numbers(bytes) => {
                    assert_eq!(folder, "saver_v1");
                    let twin = manifest::read(&files::data().join("saver_v2/manifest.json"));
                    let manifest::Value::Numbers { sha256: digest, .. } = &twin.tensors[&key].value else { panic!() };
                    assert_eq!(&sha256(bytes), digest, "{key} of {folder}");
                }
                // The elements of a variant, stored again, are the bytes of the data file.
                Value::Strings(elements) => {
                    assert_eq!(expected.dtype, "variant");
                    let elements: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
                    let stored = payload::variants(&elements).bytes;
                    let data = format!("{}.data-00000-of-00001", manifest.prefix);
                    let data = std::fs::read(directory.join(data)).unwrap();
                    assert!(data.windows(stored.len()).any(|window| window == stored), "{key} of {folder}");
                }
            }
            unreadable.push((folder.clone(), key));
        }
    }
    assert_eq!(unreadable.len(), 9, "{unreadable:?}");
}

#[test]
fn both_formats_of_one_program_hold_the_same_values() {
    let read = |folder: &str, prefix: &str| sound(&files::data().join(folder).join(prefix));
    let second = read("saver_v2", "model.ckpt-3");
    assert_eq!(second.len(), 15);
    assert_eq!(read("saver_v1", "model.ckpt-3"), second);
    assert_eq!(read("saver_v1", "sharded.ckpt-?????-of-00001"), second);
    assert_eq!(read("saver_v2", "sharded.ckpt"), second);
    assert_eq!(read("saver_v1", "model.ckpt-2"), read("saver_v2", "model.ckpt-2"));
    for key in ["half", "cplx", "embed/table", "words"] {
        assert!(second.contains_key(key.as_bytes()), "{key}");
    }
}

#[test]
fn every_checkpoint_of_a_directory_is_whole() {
    let mut prefixes = Vec::new();
    for file in files::fixture_files() {
        if file.extension().is_some_and(|extension| extension == "index") {
            prefixes.push(file.with_extension(""));
        }
    }
    prefixes.extend(
        ["model.ckpt-2", "model.ckpt-3", "sharded.ckpt-00000-of-00001"].map(|v1| files::data().join("saver_v1").join(v1)),
    );
    assert_eq!(prefixes.len(), 23);
    for prefix in prefixes {
        // A section before the merge holds but a part of the partitioned tensor: that is no damage.
        if prefix.file_name().unwrap().to_string_lossy().starts_with("part-") {
            assert_eq!(judge::verify(&prefix).unwrap().verdict, Verdict::Section, "{}", prefix.display());
            continue;
        }
        let contents = sound(&prefix);
        let verification = judge::verify(&prefix).unwrap();
        assert_eq!(verification.tensors, contents.len(), "{}", prefix.display());
        assert!(verification.bytes > 0 && verification.files > 0, "{}", prefix.display());
    }
}

#[test]
fn places_are_those_of_the_index() {
    let reader = Reader::open(files::data().join("sharded/s")).unwrap();
    assert_eq!((reader.format(), reader.shard_count(), reader.endianness()), (Format::V2, 3, Endianness::Little));
    assert_eq!((reader.version().producer, reader.version().min_consumer), (1, 0));
    for tensor in reader.tensors() {
        let key = String::from_utf8(tensor.key().to_vec()).unwrap();
        let shard: u32 = key[1..2].parse().unwrap();
        assert_eq!(tensor.shard(), Some(shard), "{key}");
        let file = std::fs::read(reader.shard_path(shard).unwrap()).unwrap();
        if tensor.dtype() != DType::String {
            let (from, size) = (tensor.offset().unwrap() as usize, tensor.byte_size().unwrap() as usize);
            assert_eq!(tensor.read().unwrap(), file[from..from + size], "{key}");
        }
    }
}

#[test]
fn slices_are_listed_and_read_where_tensorflow_cut() {
    let reader = Reader::open(files::data().join("wide/w-1")).unwrap();
    assert_eq!(reader.shard_count(), 9);
    let mut partitioned = 0;
    for tensor in reader.tensors() {
        let slices = tensor.slices();
        assert_eq!(tensor.shard().is_none(), !slices.is_empty());
        if slices.is_empty() {
            continue;
        }
        partitioned += 1;
        let width = tensor.dtype().size().unwrap();
        let whole = tensor.read().unwrap();
        for slice in slices {
            let extents: Vec<_> = slice.extents().iter().map(part).collect();
            let expected = naive::cut(&whole, width, tensor.shape(), &extents);
            assert_eq!(tensor.read_slice(&slice).unwrap(), expected, "{slice}");
        }
    }
    assert!(partitioned >= 3);
}

fn part(extent: &checkpoint::Extent) -> common::proto::Extent {
    match extent.length {
        None => common::proto::Extent::Full,
        Some(length) => common::proto::Extent::Part(extent.start, length),
    }
}

#[test]
fn reading_many_with_several_threads_equals_reading_one_by_one() {
    for (directory, manifest) in manifest::all() {
        let reader = Reader::open(directory.join(&manifest.prefix)).unwrap();
        let numeric: Vec<_> = reader.tensors().filter(|tensor| tensor.dtype().size().is_some()).collect();
        let expected: Vec<Vec<u8>> = numeric.iter().map(|tensor| tensor.read().unwrap()).collect();
        for threads in [1, 2, 5] {
            let mut buffers: Vec<Vec<u8>> = expected.iter().map(|value| vec![0xaa; value.len()]).collect();
            let requests = numeric.iter().zip(&mut buffers);
            let requests = requests.map(|(&tensor, buffer)| ReadRequest { tensor, slice: None, buffer }).collect();
            reader.read_many(requests, &ReadOptions::default().threads(threads)).unwrap();
            assert!(buffers == expected, "{} with {threads} threads", directory.display());
        }
    }
}

#[test]
fn views_show_the_same_bytes() {
    for (directory, manifest) in manifest::all() {
        let reader = Reader::open(directory.join(&manifest.prefix)).unwrap();
        for tensor in reader.tensors() {
            let storable = tensor.dtype().size().is_some() && tensor.slices().is_empty() && reader.format() == Format::V2;
            match tensor.map(true) {
                Ok(view) => assert!(storable && view[..] == tensor.read().unwrap()),
                Err(error) => assert!(!storable, "{error}"),
            }
        }
    }
}

#[test]
fn object_graphs_are_there_where_objects_were_saved() {
    for (directory, manifest) in manifest::all() {
        let reader = Reader::open(directory.join(&manifest.prefix)).unwrap();
        let graph = reader.object_graph().unwrap();
        assert_eq!(graph.is_some(), reader.contains("_CHECKPOINTABLE_OBJECT_GRAPH"), "{}", directory.display());
        let Some(graph) = graph else { continue };
        // Every value but the graph itself belongs to an object, and every object has its values:
        // an iterator or a table under several keys that begin with the one in the graph.
        let attributes: Vec<&str> =
            graph.nodes().flat_map(|node| node.attributes()).map(|attribute| attribute.checkpoint_key).collect();
        let keys: Vec<&[u8]> = reader.tensors().map(|tensor| tensor.key()).collect();
        for key in keys.iter().filter(|key| **key != b"_CHECKPOINTABLE_OBJECT_GRAPH") {
            assert!(attributes.iter().any(|attribute| key.starts_with(attribute.as_bytes())), "{}", String::from_utf8_lossy(key));
        }
        for attribute in attributes {
            assert!(keys.iter().any(|key| key.starts_with(attribute.as_bytes())), "{attribute}");
        }
    }
}

#[test]
fn slot_variables_are_found_in_the_graph() {
    let reader = Reader::open(files::data().join("guide_slots/ckpt-5")).unwrap();
    let graph = reader.object_graph().unwrap().unwrap();
    let mut slots = BTreeMap::new();
    for node in graph.nodes() {
        for slot in node.slot_variables() {
            let variable = graph.node(slot.slot_variable).unwrap();
            let key = variable.attributes().next().unwrap().checkpoint_key;
            slots.insert(key.to_owned(), slot.name.to_owned());
        }
    }
    let expected = |variable: &str, slot: &str| {
        (format!("net/l1/{variable}/.OPTIMIZER_SLOT/optimizer/{slot}/.ATTRIBUTES/VARIABLE_VALUE"), slot.to_owned())
    };
    let pairs = [("kernel", "m"), ("kernel", "v"), ("bias", "m"), ("bias", "v")];
    assert_eq!(slots, pairs.map(|(variable, slot)| expected(variable, slot)).into());
}

#[test]
fn whole_tensors_can_be_read_by_any_slice() {
    let reader = Reader::open(files::data().join("dtypes/all")).unwrap();
    for tensor in reader.tensors() {
        let rank = tensor.shape().len();
        let full = judge::read(tensor).unwrap();
        match full.value {
            Value::Numbers(bytes) => assert_eq!(tensor.read_slice(&Slice::full(rank)).unwrap(), bytes),
            Value::Strings(strings) => {
                let slice = tensor.read_strings_slice(&Slice::full(rank)).unwrap();
                assert!(slice.iter().eq(strings.iter().map(Vec::as_slice)));
            }
        }
    }
    let tensor = reader.get("t_int16/.ATTRIBUTES/VARIABLE_VALUE").unwrap();
    let Read { value: Value::Numbers(bytes), shape, .. } = judge::read(tensor).unwrap() else { panic!() };
    let extents = [common::proto::Extent::Part(1, 2), common::proto::Extent::Full, common::proto::Extent::Part(2, 3)];
    assert_eq!(tensor.read_slice(&judge::slice(&extents)).unwrap(), naive::cut(&bytes, 2, &shape, &extents));
}
