//! The commands of the `ckpt` tool that change the object graph. What is expected is what
//! TensorFlow read back from the fixtures under the names before.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::{json, Value as Json};

use common::bundle::{f32s, shard_path, Bundle};
use common::dtypes::FLOAT;
use common::files::data;
use common::objects::{graph, Object};

const GRAPH: &str = "_CHECKPOINTABLE_OBJECT_GRAPH";
const VALUE: &str = "/.ATTRIBUTES/VARIABLE_VALUE";

fn run(command: &str, from: &Path, to: &Path, args: &[&str]) -> Output {
    cargo_bin_cmd!("ckpt").arg(command).arg(from).arg(to).args(args).output().unwrap()
}

/// Runs `ckpt COMMAND FROM TO …`, expects it to succeed and its result to be whole; gives what it
/// printed.
fn done(command: &str, from: &Path, to: &Path, args: &[&str]) -> String {
    let output = run(command, from, to, args);
    assert_eq!(output.status.code(), Some(0), "{command} {}: {}", from.display(), text(&output.stderr));
    assert!(cargo_bin_cmd!("ckpt").arg("verify").arg(to).output().unwrap().status.success());
    text(&output.stdout)
}

/// Expects failure with an exit code and nothing written, and gives what was said.
fn refused(command: &str, from: &Path, args: &[&str], code: i32) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let output = run(command, from, &scratch.path().join("x"), args);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(code), String::new()), "{command} {args:?}");
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0, "{command} {args:?}");
    text(&output.stderr)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Dtype, shape and digest of every tensor but the graph.
fn values(prefix: &Path) -> BTreeMap<String, [Json; 3]> {
    let output = cargo_bin_cmd!("ckpt").arg("ls").arg(prefix).args(["--json", "--sha256"]).output().unwrap();
    let rows: Vec<Json> = serde_json::from_slice(&output.stdout).unwrap();
    let row =
        |row: &Json| (row["key"].as_str().unwrap().to_owned(), ["dtype", "shape", "sha256"].map(|member| row[member].clone()));
    rows.iter().map(row).filter(|(key, _)| key != GRAPH).collect()
}

fn keys(prefix: &Path) -> Vec<String> {
    values(prefix).into_keys().collect()
}

/// The tree of `ckpt graph`, line by line, without the dtypes.
fn tree(prefix: &Path) -> Vec<String> {
    let output = cargo_bin_cmd!("ckpt").arg("graph").arg(prefix).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let name = |line: &str| {
        let at = line.find(['─', '╌']).unwrap_or(0);
        let end = line[at..].find("  ").map_or(line.len(), |length| at + length);
        line[..end].to_owned()
    };
    text(&output.stdout).lines().take_while(|line| !line.is_empty()).map(name).collect()
}

fn files(prefix: &Path) -> [Vec<u8>; 2] {
    [".index", ".data-00000-of-00001"].map(|suffix| fs::read(format!("{}{suffix}", prefix.display())).unwrap())
}

fn renamed(from: &str, renames: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let to = scratch.path().join("renamed");
    done("rename", &data().join(from), &to, renames);
    (scratch, to)
}

/// What the tensors of a fixture are when keys that begin with the first of a pair begin with the
/// second.
fn moved(from: &str, beginnings: &[(&str, &str)]) -> BTreeMap<String, [Json; 3]> {
    let new = |key: String| match beginnings.iter().find(|(old, _)| key.starts_with(old)) {
        Some((old, new)) => format!("{new}{}", &key[old.len()..]),
        None => key,
    };
    values(&data().join(from)).into_iter().map(|(key, value)| (new(key), value)).collect()
}

// rename

#[test]
fn keys_and_slots_follow_their_objects() {
    let (_scratch, to) = renamed("guide_slots/ckpt-5", &["net/l1=encoder/first", "optimizer=adam"]);
    let expected = moved(
        "guide_slots/ckpt-5",
        &[
            ("net/l1/kernel/.OPTIMIZER_SLOT/optimizer/", "encoder/first/kernel/.OPTIMIZER_SLOT/adam/"),
            ("net/l1/bias/.OPTIMIZER_SLOT/optimizer/", "encoder/first/bias/.OPTIMIZER_SLOT/adam/"),
            ("net/l1/", "encoder/first/"),
            ("optimizer/", "adam/"),
        ],
    );
    assert_eq!(values(&to), expected);
    assert!(expected.contains_key("encoder/first/bias/.OPTIMIZER_SLOT/adam/m/.ATTRIBUTES/VARIABLE_VALUE"));
    assert_eq!(
        tree(&to),
        [
            "root",
            "├── iterator",
            "├── net",
            "├── adam",
            "│   ├── iter",
            "│   ├── beta_1",
            "│   ├── beta_2",
            "│   ├── decay",
            "│   ├── learning_rate",
            "│   ├╌╌ m of encoder/first/kernel",
            "│   ├╌╌ m of encoder/first/bias",
            "│   ├╌╌ v of encoder/first/kernel",
            "│   └╌╌ v of encoder/first/bias",
            "├── step",
            "├── save_counter",
            "└── encoder",
            "    └── first",
            "        ├── kernel",
            "        └── bias",
        ]
    );
}

#[test]
fn renaming_there_and_back_gives_the_same_bytes() {
    for (from, there, back) in [
        ("guide_slots/ckpt-5", "net=a", "a=net"),
        ("guide_slots/ckpt-5", "optimizer=a.Sb..c", "a.Sb..c=optimizer"),
        ("containers/c-1", "nested/0/a=nested/0/b", "nested/0/b=nested/0/a"),
        ("resources/r-1", "table=words", "words=table"),
        ("keras3/k-1", "model/_functional=model/f", "model/f=model/_functional"),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let (from, to, again) = (data().join(from), scratch.path().join("to"), scratch.path().join("again"));
        done("rename", &from, &to, &[there]);
        assert_ne!(keys(&to), keys(&from), "{there}");
        done("rename", &to, &again, &[back]);
        assert!(files(&again) == files(&from), "{there}");
    }
}

#[test]
fn a_shared_object_keeps_its_other_names_and_is_stored_under_the_shortest() {
    let (_scratch, to) = renamed("containers/c-1", &["listed/0=a/b/c", "first=deep/er"]);
    let expected = moved("containers/c-1", &[("listed/0/", "mapped/one/"), ("first/w/", "second/w/")]);
    assert_eq!(values(&to), expected);
    let tree = tree(&to);
    for line in ["│   ├── one", "├── second", "│       └── c → mapped/one", "    └── er → second"]
    {
        assert!(tree.iter().any(|found| found == line), "{line}: {tree:#?}");
    }
}

#[test]
fn names_are_exchanged_at_once() {
    let (_scratch, to) = renamed("containers/c-1", &["point=pair", "pair=point"]);
    assert_eq!(values(&to), moved("containers/c-1", &[("point/", "pair/"), ("pair/", "point/")]));
}

#[test]
fn hash_tables_and_iterators_take_their_tensors_along() {
    let (_scratch, to) = renamed("resources/r-1", &["table=t/words", "iterator=t/i", "generator/_state_var=seed"]);
    let expected = moved("resources/r-1", &[("table/", "t/words/"), ("iterator/", "t/i/"), ("generator/_state_var/", "seed/")]);
    assert_eq!(values(&to), expected);
    assert!(expected.contains_key("t/words/.ATTRIBUTES/table-keys") && expected.contains_key("t/i/.ATTRIBUTES/ITERATOR_STATE"));
}

#[test]
fn names_are_escaped_in_paths_and_once_more_for_the_command() {
    let (_scratch, to) =
        renamed("containers/c-1", &[r"odd/a.Sb=odd/x\=y.Sz", r"odd/with space=odd/back\\slash", "odd/....=odd/dots"]);
    let expected = moved(
        "containers/c-1",
        &[("odd/a.Sb/", "odd/x=y.Sz/"), ("odd/with space/", "odd/back\\slash/"), ("odd/..../", "odd/dots/")],
    );
    assert_eq!(values(&to), expected);
}

/// A root that holds `a`, with a variable under a key of its own making, and what no value is of.
fn foreign(directory: &Path) -> PathBuf {
    let objects = [Object::new().edge("a", 1).edge("b", 2), Object::new().value("v", "made/otherwise"), Object::variable("b")];
    let mut bundle = Bundle::new();
    for (key, value) in
        [("made/otherwise", 1.0), ("b/.ATTRIBUTES/VARIABLE_VALUE", 2.0), ("stray", 3.0), ("b/.ATTRIBUTES/VARIABLE", 4.0)]
    {
        bundle.tensor(key, FLOAT, &[], &f32s(&[value]));
    }
    bundle.strings(GRAPH, &[], &[&graph(&objects)]);
    bundle.write(directory, "foreign")
}

#[test]
fn keys_that_are_not_made_of_paths_stay() {
    let scratch = tempfile::tempdir().unwrap();
    let to = scratch.path().join("to");
    let said = done("rename", &foreign(scratch.path()), &to, &["a=c", "b=d"]);
    assert!(said.starts_with("renamed 1 of 4 tensors, ") && said.ends_with(" in 1 data file\n"), "{said}");
    assert_eq!(keys(&to), ["b/.ATTRIBUTES/VARIABLE", "d/.ATTRIBUTES/VARIABLE_VALUE", "made/otherwise", "stray"]);
    assert_eq!(tree(&to), ["root", "├── c", "└── d"]);
}

#[test]
fn checkpoints_by_names_are_renamed_by_keys_and_what_is_below_them() {
    for from in ["saver_v1/model.ckpt-3", "saver_v2/model.ckpt-3"] {
        let (_scratch, to) = renamed(from, &["dense/kernel=l1/w", "dense=l2", "global_step=step", "embed/=e/f/"]);
        let expected = moved(from, &[("dense/kernel", "l1/w"), ("dense/", "l2/"), ("global_step", "step"), ("embed/", "e/f/")]);
        assert_eq!(values(&to), expected);
        assert!(expected.contains_key("l1/w/Adam_1") && expected.contains_key("l2/bias") && expected.contains_key("e/f/table"));
    }
}

#[test]
fn what_cannot_be_renamed_is_refused() {
    let (slots, saver) = (data().join("guide_slots/ckpt-5"), data().join("saver_v2/model.ckpt-3"));
    for (from, renames, what) in [
        (&slots, &["net/l2=x"][..], "ckpt-5: the object graph has no path \"net/l2\": the last object on it has the children l1"),
        (&slots, &["net=step"], "already has a path \"step\""),
        (&slots, &["net=a", "net=b"], "\"net\" is moved twice"),
        (&slots, &["net=net/l1/net"], "below itself"),
        (&slots, &["net.l1=x"], "no path \"net..l1\""),
        (&saver, &["dense/k=x"], "no tensor \"dense/k\""),
        (&saver, &["dense/kernel=dense/bias"], "there is a tensor \"dense/bias\" already; --overwrite"),
        (&saver, &["flag=a", "flag=b"], "\"flag\" is renamed twice"),
    ] {
        let said = refused("rename", from, renames, 1);
        assert!(said.contains(what), "{said}");
    }
    for renames in [&[][..], &["a"], &["a=b=c"], &["="], &[r"a\b=c"], &["*=a"], &["=a", "step=b"]] {
        refused("rename", &slots, renames, 2);
    }
}

#[test]
fn a_graph_goes_below_another_root_and_comes_back() {
    let from = "guide_slots/ckpt-5";
    let keys_of = |path: &Path| keys(path).into_iter().map(|key| key.replace(VALUE, "")).collect::<Vec<_>>();
    let (_scratch, wrapped) = renamed(from, &["=run/model"]);
    let expected = keys_of(&data().join(from)).into_iter().map(|key| match key.as_str() {
        "save_counter" => key,
        _ => format!("run/model/{}", key.replace("SLOT/", "SLOT/run/model/")),
    });
    let mut expected: Vec<String> = expected.collect();
    expected.sort();
    assert_eq!(keys_of(&wrapped), expected);
    let scratch = tempfile::tempdir().unwrap();
    let back = scratch.path().join("back");
    done("rename", &wrapped, &back, &["run/model="]);
    assert_eq!(values(&back), values(&data().join(from)));
    // The counter is the last child of the root now.
    assert_eq!(tree(&back).len(), tree(&data().join(from)).len());

    // What the new root does not lead to is gone, and counted.
    let said = done("rename", &data().join(from), &scratch.path().join("net"), &["net="]);
    assert!(said.starts_with("renamed 2 of 3 tensors, left out 11, "), "{said}");
    let (_scratch, to) = renamed(from, &["net="]);
    assert_eq!(keys_of(&to), ["l1/bias", "l1/kernel", "save_counter"]);
    assert!(refused("rename", &data().join(from), &["nett="], 1).contains("no object at \"nett\""));
}

#[test]
fn stars_rename_all_objects_that_match() {
    let (_scratch, to) = renamed("tf_keras_net/weights", &["layer_with_weights-*=block*", "layer-*=l.*"]);
    let left: Vec<String> = keys(&to).into_iter().filter(|key| key.starts_with("block")).collect();
    assert_eq!(left[0], "block0/bias/.ATTRIBUTES/VARIABLE_VALUE");
    assert_eq!(left.len(), 8);
    assert!(tree(&to).iter().any(|line| line.ends_with("l.2")), "{:?}", tree(&to));
    let (_scratch, to) = renamed("guide_slots/ckpt-5", &["net/*/*=model/*/*_0"]);
    assert!(keys(&to).contains(&"model/l1/kernel_0/.ATTRIBUTES/VARIABLE_VALUE".to_owned()), "{:?}", keys(&to));
    let said = refused("rename", &data().join("guide_slots/ckpt-5"), &["net/x*=y*"], 1);
    assert!(said.contains("no object that matches \"net/x*\""), "{said}");
}

/// An object of several paths is renamed by the first, and a star may stand for nothing.
#[test]
fn stars_meet_aliases_and_cycles() {
    let scratch = tempfile::tempdir().unwrap();
    let mut root = Object::new().edge("p", 1);
    for number in 0..200 {
        root = root.edge(&format!("self{number}"), 0);
    }
    let objects = [root, Object::new().edge("a1", 2).edge("a2", 2), Object::new().edge("k", 3), Object::variable("p/a1/k")];
    let mut bundle = Bundle::new();
    bundle.tensor(&format!("p/a1/k{VALUE}"), FLOAT, &[], &f32s(&[1.0])).strings(GRAPH, &[], &[&graph(&objects)]);
    let from = bundle.write(scratch.path(), "from");
    for (rename, key) in
        [("p/*/k=p/*/kk", "p/a1/kk"), ("p/*/k*=p/*/x*", "p/a1/x"), ("*/*/*=*/*/x*", "p/a1/xk"), ("p*=q*", "q/a1/k")]
    {
        let to = scratch.path().join("to");
        done("rename", &from, &to, &[rename]);
        assert_eq!(keys(&to), [format!("{key}{VALUE}")], "{rename}");
    }
    assert!(refused("rename", &from, &["p*=*"], 1).contains("which has an empty name"));
    assert!(refused("rename", &from, &["p=q", "--overwrite"], 2).contains("name-based"));
    for wrong in ["=*", "*=", "=model*", "p*=", "=save_counter*"] {
        assert!(refused("rename", &from, &[wrong], 2).contains("needs one on the other side"), "{wrong}");
    }
    assert!(refused("rename", &data().join("guide/ckpt-5"), &["=save_counter"], 1).contains("save_counter"));
}

#[test]
fn prefixes_and_stars_rename_keys() {
    for from in ["saver_v2/model.ckpt-3", "saver_v1/model.ckpt-3"] {
        let before = values(&data().join(from));
        let (scratch, to) = renamed(from, &["=student/"]);
        assert_eq!(values(&to), before.iter().map(|(key, value)| (format!("student/{key}"), value.clone())).collect());
        let back = scratch.path().join("back");
        done("rename", &to, &back, &["student/="]);
        assert_eq!(values(&back), before);

        // What the average of a variable stands for takes its place only if that is asked for.
        let said = refused("rename", &data().join(from), &["*/Adam=*"], 1);
        assert!(said.contains("there is a tensor \"dense/") && said.contains("--overwrite"), "{said}");
        let (_scratch, to) = renamed(from, &["*/Adam=*", "--overwrite"]);
        let mut expected = before.clone();
        for (key, value) in &before {
            if let Some(variable) = key.strip_suffix("/Adam") {
                expected.remove(key);
                expected.insert(variable.to_owned(), value.clone());
            }
        }
        assert_eq!(values(&to), expected);
        let said = refused("rename", &data().join(from), &["*/Momentum=*"], 1);
        assert!(said.contains("no tensor of this name-based checkpoint matches \"*/Momentum\""), "{said}");
        let (_scratch, to) = renamed(from, &["dense/kernel*=w*", "dense/=enc/"]);
        let [gone, new] = changes(&data().join(from), &to);
        assert_eq!((gone.len(), &new[..]), (4, &["enc/bias", "w", "w/Adam", "w/Adam_1"].map(str::to_owned)[..]));
        let said = refused("rename", &data().join(from), &["dense/kernel="], 1);
        assert!(said.contains("would have an empty key"), "{said}");
        refused("rename", &data().join(from), &["*/*=*"], 2);
        refused("rename", &data().join(from), &["dense/*/*=*/*"], 2);
    }
}

#[test]
fn a_damaged_value_leaves_what_was_there() {
    let scratch = tempfile::tempdir().unwrap();
    for (command, args) in [("rename", &["b=d"][..]), ("strip", &["--object", "b"])] {
        let from = foreign(scratch.path());
        let to = scratch.path().join(command);
        done("copy", &data().join("guide/ckpt-5"), &to, &[]);
        let before = files(&to);
        let mut bytes = fs::read(shard_path(&from, 0, 1)).unwrap();
        bytes[0] ^= 1;
        fs::write(shard_path(&from, 0, 1), bytes).unwrap();
        let output = run(command, &from, &to, args);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("made/otherwise"), "{}", text(&output.stderr));
        assert!(files(&to) == before);
    }
}

#[test]
fn a_checkpoint_is_not_written_over_itself() {
    let scratch = tempfile::tempdir().unwrap();
    let from = foreign(scratch.path());
    for (command, args) in [("rename", &["b=d"][..]), ("strip", &["--object", "b"])] {
        let output = run(command, &from, &from, args);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    }
}

// strip

#[test]
fn stripped_of_slots_everything_else_stays() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (data().join("guide_slots/ckpt-5"), scratch.path().join("to"));
    let said = done("strip", &from, &to, &["--slots"]);
    assert!(said.starts_with("stripped 4 of 14 tensors, "), "{said}");
    let mut expected = values(&from);
    expected.retain(|key, _| !key.contains("/.OPTIMIZER_SLOT/"));
    assert_eq!((expected.len(), values(&to)), (10, expected));
    let mut lines = tree(&from);
    lines.retain(|line| !line.contains('╌'));
    lines[11] = lines[11].replace('├', "└"); // learning_rate, which is the last now
    assert_eq!(tree(&to), lines);
}

/// Nothing to remove is an error: the caller expects a smaller checkpoint.
#[test]
fn what_a_checkpoint_does_not_have_cannot_be_stripped() {
    for (from, args, said) in [
        ("guide/ckpt-5", &["--slots"][..], "no slot variables; its optimizers keep ordinary objects: use --optimizer"),
        ("keras3/k-1", &["--slots"], "use --optimizer"),
        ("resources/r-1", &["--slots"], "no slot variables"),
        ("containers/c-1", &["--optimizer"], "no optimizer that is known"),
        ("guide/ckpt-5", &["--object", "net/l2"], "no object at \"net/l2\""),
        ("guide/ckpt-5", &["--object", ""], "is the root"),
        ("saver_v2/model.ckpt-3", &["--object", "dense"], "use `ckpt copy --exclude`"),
        ("real/mnist_2015/softmax-1000.ckpt", &["--optimizer"], "no tensor has the name of a slot variable"),
    ] {
        let found = refused("strip", &data().join(from), args, 1);
        assert!(found.contains(said), "{from} {args:?}: {found}");
    }
}

/// The keys that are gone, and those that are new; of variables without what follows their path.
fn changes(from: &Path, to: &Path) -> [Vec<String>; 2] {
    let [before, after] = [from, to].map(keys);
    let only = |these: &[String], those: &[String]| {
        let only = these.iter().filter(|key| !those.contains(key));
        only.map(|key| key.strip_suffix(VALUE).unwrap_or(key).to_owned()).collect()
    };
    [only(&before, &after), only(&after, &before)]
}

/// What only looks like an optimizer is none, and what goes is named.
#[test]
fn no_object_of_another_kind_goes_with_the_optimizers() {
    let scratch = tempfile::tempdir().unwrap();
    let objects = [
        Object::new().edge("trainer", 1).edge("save_counter", 5),
        Object::new().edge("iter", 2).edge("learning_rate", 3).edge("model", 4),
        Object::variable("trainer/iter"),
        Object::variable("trainer/learning_rate"),
        Object::variable("trainer/model"),
        Object::variable("save_counter"),
    ];
    let mut bundle = Bundle::new();
    for path in ["save_counter", "trainer/iter", "trainer/learning_rate", "trainer/model"] {
        bundle.tensor(&format!("{path}{VALUE}"), FLOAT, &[], &f32s(&[1.0]));
    }
    bundle.strings(GRAPH, &[], &[&graph(&objects)]);
    let from = bundle.write(scratch.path(), "from");
    assert!(refused("strip", &from, &["--optimizer"], 1).contains("no optimizer that is known"));
    assert!(refused("strip", &from, &["--object", "trainer"], 1).contains("nothing but save_counter would be left"));
    let to = scratch.path().join("to");
    assert!(
        done("strip", &from, &to, &["--object", "trainer/model"]).starts_with("removed trainer/model\nstripped 1 of 4 tensors, ")
    );
}

#[test]
fn optimizers_of_every_kind_are_stripped() {
    let numbered = |range: std::ops::Range<usize>| range.map(|i| format!("optimizer/_variables/{i}")).collect::<Vec<_>>();
    let legacy = ["beta_1", "beta_2", "decay", "iter", "learning_rate"].map(|name| format!("optimizer/{name}"));
    let slots =
        ["bias", "kernel"].iter().flat_map(|v| ["m", "v"].map(|slot| format!("net/l1/{v}/.OPTIMIZER_SLOT/optimizer/{slot}")));
    let new = ["_iterations", "_learning_rate"].map(|name| format!("optimizer/{name}"));
    for (from, gone) in [
        ("guide_slots/ckpt-5", [slots.collect(), legacy.to_vec()].concat()),
        ("guide/ckpt-5", [new.to_vec(), numbered(1..5)].concat()),
        ("tf_keras_net/weights", new.to_vec()),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let (from, to) = (data().join(from), scratch.path().join("to"));
        done("strip", &from, &to, &["--optimizer"]);
        assert_eq!(changes(&from, &to), [gone, vec![]], "{}", from.display());
        assert!(!tree(&to).iter().any(|line| line.contains("optimizer")), "{:?}", tree(&to));
        let before = values(&from);
        assert!(values(&to).iter().all(|(key, value)| before[key] == *value), "{}", from.display());
    }
}

/// The variables of a layer of Keras 3 have the path through the optimizer as their key, which is
/// shorter. Without the optimizer they get the one through the layer, as TensorFlow would save
/// them.
#[test]
fn what_else_leads_to_a_variable_keeps_it() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (data().join("keras3/k-1"), scratch.path().join("to"));
    let said = done("strip", &from, &to, &["--optimizer"]);
    assert!(said.starts_with("removed model/optimizer\nstripped 14 of 23 tensors, "), "{said}");
    done("strip", &from, &to, &["--optimizer", "--slots"]);
    let operations = ["1/_kernel", "1/bias", "2/beta", "2/gamma", "3/_kernel", "3/bias"];
    let [gone, new] = changes(&from, &to);
    assert_eq!(new, operations.map(|name| format!("model/_functional/_operations/{name}")));
    assert!(gone.iter().all(|key| key.starts_with("model/optimizer/")) && gone.len() == 20, "{gone:?}");
    let shown = tree(&to);
    assert!(shown.iter().any(|line| line.ends_with("_kernel")) && !shown.iter().any(|line| line.contains("optimizer")));
}

#[test]
fn the_scale_of_a_loss_goes_with_its_optimizer() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (data().join("real/tf_keras_loss_scale_2_2/ckpt"), scratch.path().join("to"));
    done("strip", &from, &to, &["--optimizer"]);
    let left = keys(&to);
    assert!(!left.is_empty() && left.iter().all(|key| key.starts_with("layer")), "{left:?}");
}

#[test]
fn objects_are_stripped_by_any_path() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (data().join("tf_keras_net/weights"), scratch.path().join("to"));
    done("strip", &from, &to, &["--object", "layer-3/", "--object", "optimizer"]);
    let gone = ["layer_with_weights-2/bias", "layer_with_weights-2/kernel", "optimizer/_iterations", "optimizer/_learning_rate"];
    assert_eq!(changes(&from, &to), [gone.map(str::to_owned).to_vec(), vec![]]);
    assert!(!tree(&to).iter().any(|line| line.contains("layer-3") || line.contains("with_weights-2")));
}

#[test]
fn optimizers_of_name_based_checkpoints_are_told_by_their_names() {
    for from in ["saver_v2/model.ckpt-3", "saver_v1/model.ckpt-3"] {
        for (option, powers) in [("--slots", 0), ("--optimizer", 2)] {
            let scratch = tempfile::tempdir().unwrap();
            let (from, to) = (data().join(from), scratch.path().join("to"));
            done("strip", &from, &to, &[option]);
            let [gone, new] = changes(&from, &to);
            let powers_gone = gone.iter().filter(|key| key.ends_with("_power")).count();
            assert_eq!((powers_gone, new), (powers, vec![]), "{gone:?}");
            assert!(gone.len() > powers && gone.iter().all(|key| key.contains("/Adam") || key.ends_with("_power")), "{gone:?}");
            assert!(keys(&to).iter().all(|key| !key.contains("Adam")) && keys(&to).contains(&"dense/kernel".to_owned()));
        }
    }
}

#[test]
fn a_slot_variable_that_is_also_an_object_stays() {
    let scratch = tempfile::tempdir().unwrap();
    let objects = [
        Object::new().edge("opt", 1).edge("v", 2).edge("shared", 3),
        Object::new().slot(2, "m", 3).slot(2, "n", 4),
        Object::variable("v"),
        Object::variable("shared"),
        Object::variable("v/.OPTIMIZER_SLOT/opt/n"),
    ];
    let mut bundle = Bundle::new();
    for path in ["v", "shared", "v/.OPTIMIZER_SLOT/opt/n"] {
        bundle.tensor(&format!("{path}{VALUE}"), FLOAT, &[], &f32s(&[1.0]));
    }
    bundle.strings(GRAPH, &[], &[&graph(&objects)]);
    let to = scratch.path().join("to");
    done("strip", &bundle.write(scratch.path(), "from"), &to, &["--slots"]);
    assert_eq!(keys(&to), ["shared/.ATTRIBUTES/VARIABLE_VALUE", "v/.ATTRIBUTES/VARIABLE_VALUE"]);
    assert_eq!(tree(&to), ["root", "├── opt", "├── v", "└── shared"]);
}

#[test]
fn strip_asks_what_for() {
    assert!(refused("strip", &data().join("guide_slots/ckpt-5"), &[], 2).contains("--slots"));
}

#[test]
fn the_difference_is_what_was_renamed_or_stripped() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, renamed, stripped) = (data().join("guide_slots/ckpt-5"), scratch.path().join("r"), scratch.path().join("s"));
    done("rename", &from, &renamed, &["step=steps"]);
    done("strip", &renamed, &stripped, &["--slots"]);
    let output = run("diff", &from, &stripped, &["--json", "--values"]);
    assert_eq!(output.status.code(), Some(1));
    let found: Json = serde_json::from_slice(&output.stdout).unwrap();
    let slot = |variable: &str, name: &str| json!({"kind": "slot", "path": "optimizer", "variable": variable, "name": name});
    let edge = |path: &str| json!({"kind": "edge", "path": path, "below": 0});
    let kernel_and_bias = ["net/l1/kernel", "net/l1/bias"];
    let slots: Vec<Json> = ["m", "v"].iter().flat_map(|name| kernel_and_bias.map(|variable| slot(variable, name))).collect();
    assert_eq!(found["graph"]["only_in_a"], Json::from([vec![edge("step")], slots].concat()));
    assert_eq!(found["graph"]["only_in_b"], json!([edge("steps")]));
    assert_eq!((&found["tensors"]["changed"], &found["tensors"]["same"]), (&json!([]), &json!(9)));
}
