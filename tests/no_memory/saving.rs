//! Operations that write.

use std::ops::ControlFlow;
use std::path::Path;

use checkpoint::{
    collect_checkpoints, merge, repair_checkpoint_state, CollectOptions, DType, Durability, Graph, Manager, ManagerOptions,
    ManagerSaveOptions, MergeOptions, Reader, RepairOptions, VerifyOptions, WriteOptions, Writer,
};

use crate::program::{quick, Program, World, CHECKPOINTS};
use crate::{Operation, Trial};

pub const OPERATIONS: [Operation; 9] = [
    ("build", build),
    ("write", write),
    ("save", save),
    ("save_async", save_async),
    ("save_by_names", save_by_names),
    ("merge", merge_sections),
    ("manager", manage),
    ("repair", repair),
    ("collect", collect),
];

/// A new, empty directory.
fn empty(world: &World) -> std::path::PathBuf {
    let directory = world.directory.join("saved");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir(&directory).unwrap();
    directory
}

/// The names in a directory, without that of the lock.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.filter(|name| name != ".ckpt-lock").collect();
    names.sort();
    names
}

/// Nothing of the save that failed is there.
fn nothing_is_in(directory: &Path) {
    assert_eq!(names(directory), Vec::<String>::new());
}

fn build(_: &World, trial: &mut Trial) {
    let program = trial.during(|| Program::build(&Graph::new(), 3), || {});
    assert!(program.is(3));
}

fn write(world: &World, trial: &mut Trial) {
    let directory = empty(world);
    let keys: Vec<String> = (0..20_000).map(|i| format!("layer_{i:05}/kernel")).collect();
    let texts: Vec<&str> = keys.iter().map(String::as_str).collect();
    let large = vec![5; 4 << 20];
    for options in [WriteOptions::new(), WriteOptions::new().shards(3).threads(2), WriteOptions::new().read_back(true)] {
        let prefix = directory.join("model");
        let write = || {
            let mut writer = Writer::new(&prefix, &options.clone().durability(Durability::None))?;
            for key in &keys {
                writer.add(key, DType::Float, &[4], &[1; 16])?;
            }
            writer.add_strings("texts", &[20_000], &texts)?;
            writer.add("large", DType::Uint8, &[4 << 20], &large)?;
            writer.finish()
        };
        trial.during(write, || nothing_is_in(&directory));
        assert_eq!(Reader::open(&prefix).unwrap().get("large").unwrap().read().unwrap(), large);
        let directory = empty(world);
        nothing_is_in(&directory);
    }
}

fn save(world: &World, trial: &mut Trial) {
    let directory = empty(world);
    let program = Program::new(&Graph::new(), 4);
    let path = trial.during(|| program.checkpoint.save(directory.join("ckpt"), &quick()), || nothing_is_in(&directory));
    again(&path, 4);
}

/// The checkpoint has every value.
fn again(path: &Path, value: u8) {
    let program = Program::new(&Graph::new(), 0);
    program.checkpoint.restore(path, &checkpoint::RestoreOptions::new()).unwrap().assert_consumed().unwrap();
    assert!(program.is(value));
}

fn save_async(world: &World, trial: &mut Trial) {
    let directory = empty(world);
    let program = Program::new(&Graph::new(), 4);
    let save = || program.checkpoint.save_async(directory.join("ckpt"), &quick())?.wait();
    let path = trial.during(save, || nothing_is_in(&directory));
    again(&path, 4);
}

fn save_by_names(world: &World, trial: &mut Trial) {
    let directory = empty(world);
    let program = Program::new(&Graph::new(), 4);
    let save = || {
        let saver = checkpoint::Saver::of_variables(&program.graph, &program.variables, &checkpoint::SaverOptions::new())?;
        saver.save(directory.join("model"), &checkpoint::SaverSaveOptions::new().save(quick()))
    };
    let path = trial.during(save, || nothing_is_in(&directory));
    assert_eq!(Reader::open(path).unwrap().len(), program.variables.len());
}

fn merge_sections(world: &World, trial: &mut Trial) {
    let directory = empty(world);
    let options = MergeOptions::new().keep_inputs(true).durability(Durability::None);
    let merge = || {
        let sections = [world.section(0), world.section(1)];
        merge(directory.join("merged"), &sections, &options, &mut |_, _| ControlFlow::Continue(()))
    };
    trial.during(merge, || nothing_is_in(&directory));
    assert_eq!(Reader::open(directory.join("merged")).unwrap().len(), 20_000);
}

fn manage(world: &World, trial: &mut Trial) {
    let directory = empty(world);
    let program = Program::new(&Graph::new(), 4);
    let options = ManagerSaveOptions::new().save(quick());
    let manager = Manager::open(&program.checkpoint, &directory, &ManagerOptions::new().max_to_keep(1)).unwrap();
    manager.save(&options).unwrap();
    for in_background in [false, true] {
        let before = names(&directory);
        let save = || {
            if in_background {
                manager.save_async(&options)?.unwrap().wait()
            } else {
                manager.save(&options).map(|path| path.unwrap())
            }
        };
        let path = trial.during(save, || assert_eq!(names(&directory), before));
        again(&path, 4);
        assert_eq!(manager.checkpoints(), [path]);
    }
}

fn repair(world: &World, trial: &mut Trial) {
    let before = names(&world.kept());
    let options = RepairOptions::new().verify(VerifyOptions::new().threads(1));
    let repair = || repair_checkpoint_state(world.kept(), &options, &mut |_| ControlFlow::Continue(()));
    let repaired = trial.during(repair, || assert_eq!(names(&world.kept()), before));
    assert_eq!(repaired.all.len(), CHECKPOINTS);
}

fn collect(world: &World, trial: &mut Trial) {
    let before = names(&world.kept());
    let collected = trial.during(
        || collect_checkpoints(world.kept(), &CollectOptions::keep(2).dry_run(true)),
        || assert_eq!(names(&world.kept()), before),
    );
    assert!(collected.removed.len() > CHECKPOINTS - 5);
}
