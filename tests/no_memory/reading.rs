//! Operations that read.

use std::ops::ControlFlow;
use std::path::Path;

use checkpoint::{
    latest_valid_checkpoint, verify, CheckpointView, Extent, Graph, Mismatch, ReadOptions, ReadRequest, Reader, RestoreOptions,
    ResumeOptions, Saver, SaverOptions, Slice, Verdict, VerifyOptions,
};

use crate::program::{Program, World, LARGE, SLICES, STRINGS};
use crate::{Operation, Trial};

pub const OPERATIONS: [Operation; 21] = [
    ("open_and_list", open_and_list),
    ("open_and_list_v1", open_and_list_v1),
    ("find", find),
    ("read", read),
    ("read_strings", read_strings),
    ("read_many", read_many),
    ("read_many_v1", read_many_v1),
    ("read_slice", read_slice),
    ("view", view),
    ("object_graph", object_graph),
    ("checkpoint_view", checkpoint_view),
    ("verify", verify_all),
    ("verify_v1", verify_v1),
    ("state", state),
    ("latest_valid", latest_valid),
    ("restore", restore),
    ("restore_with_options", restore_with_options),
    ("deferred_restore", deferred_restore),
    ("dry_run", dry_run),
    ("restore_by_names", restore_by_names),
    ("resume", resume),
];

fn one() -> ReadOptions {
    ReadOptions::new().threads(1)
}

fn list(trial: &mut Trial, path: &Path) {
    let listed = trial.during(
        || {
            let reader = Reader::open(path)?;
            let bytes: usize = reader.tensors().map(|tensor| tensor.key().len() + tensor.shape().len()).sum();
            Ok((reader.len(), bytes))
        },
        || {},
    );
    assert!(listed.0 > 20_000, "{listed:?}");
}

fn open_and_list(world: &World, trial: &mut Trial) {
    list(trial, &world.names());
}

fn open_and_list_v1(world: &World, trial: &mut Trial) {
    list(trial, &world.v1());
}

fn find(world: &World, trial: &mut Trial) {
    let reader = Reader::open(world.names()).unwrap();
    trial.during(|| reader.get("layer_07777/kernel").map(drop), || {});
    let error = trial.during(|| Ok(reader.get("layer_07777/kernal").unwrap_err()), || {});
    assert!(error.to_string().contains("layer_"), "{error}");
}

fn read(world: &World, trial: &mut Trial) {
    let reader = Reader::open(world.names()).unwrap();
    let large = trial.during(|| reader.get("large")?.read(), || {});
    assert_eq!(large, vec![1; 4 * LARGE]);
}

fn read_strings(world: &World, trial: &mut Trial) {
    for key in ["texts", "texts_in_parts"] {
        let reader = Reader::open(world.names()).unwrap();
        let texts = trial.during(|| reader.get(key)?.read_strings(), || {});
        assert_eq!((texts.len(), texts.get(STRINGS - 1)), (STRINGS, Some(&b"string 19999"[..])));
    }
}

fn read_many_of(trial: &mut Trial, path: &Path) {
    let reader = Reader::open(path).unwrap();
    let mut buffers = vec![0; 16 * 20_000];
    let tensors: Vec<_> = reader.tensors().filter(|tensor| tensor.key().starts_with(b"layer")).collect();
    trial.during(
        || {
            // What the caller needs does not fail.
            let requests: Vec<ReadRequest<'_>> = crate::common::failing::spared(|| {
                let buffers = tensors.iter().zip(buffers.chunks_mut(16));
                buffers.map(|(tensor, buffer)| ReadRequest { tensor: *tensor, slice: None, buffer }).collect()
            });
            reader.read_many(requests, &one())
        },
        || {},
    );
    assert_eq!(buffers, vec![1; 16 * 20_000]);
}

fn read_many(world: &World, trial: &mut Trial) {
    read_many_of(trial, &world.names());
}

fn read_many_v1(world: &World, trial: &mut Trial) {
    read_many_of(trial, &world.v1());
}

fn read_slice(world: &World, trial: &mut Trial) {
    let reader = Reader::open(world.names()).unwrap();
    let columns = Slice::new(vec![Extent::FULL, Extent::range(50, 10)]);
    let read = trial.during(|| reader.get("parts")?.read_slice(&columns), || {});
    assert_eq!(read, vec![7; 4 * 10 * SLICES]);
    let read = trial.during(|| reader.get("large")?.read_slice(&columns), || {});
    assert_eq!(read, vec![1; 4 * 10 * LARGE / 512]);
    let some = Slice::new(vec![Extent::range(5_000, 10_000)]);
    let texts = trial.during(|| reader.get("texts_in_parts")?.read_strings_slice(&some), || {});
    assert_eq!(texts.get(0), Some(&b"string 5000"[..]));
}

fn view(world: &World, trial: &mut Trial) {
    let reader = Reader::open(world.names()).unwrap();
    let view = trial.during(|| reader.get("large")?.map(true), || {});
    assert_eq!(view.len(), 4 * LARGE);
}

fn object_graph(world: &World, trial: &mut Trial) {
    let reader = Reader::open(world.objects()).unwrap();
    let graph = trial.during(|| reader.object_graph(), || {}).unwrap();
    assert!(graph.len() > 25_000);
    assert!(trial.during(|| graph.rekeyed(), || {}).graph.len() > 25_000);
}

fn checkpoint_view(world: &World, trial: &mut Trial) {
    let view = trial.during(|| CheckpointView::open(world.objects()), || {});
    let program = Program::new(&Graph::new(), 2);
    let matched = trial.during(|| view.match_checkpoint(&program.checkpoint, None), || {});
    assert!(!matched.is_empty());
    let differences = trial.during(|| view.diff_checkpoint(&program.checkpoint, None), || {});
    assert!(!differences.matches.is_empty());
}

fn verify_path(trial: &mut Trial, path: &Path) {
    let options = VerifyOptions::new().threads(1);
    let found = trial.during(|| verify(path, &options, &mut |_| ControlFlow::Continue(())), || {});
    assert!(found.verdict == Verdict::Whole && found.tensors > 20_000, "{found:?}");
}

fn verify_all(world: &World, trial: &mut Trial) {
    verify_path(trial, &world.names());
    verify_path(trial, &world.objects());
}

fn verify_v1(world: &World, trial: &mut Trial) {
    verify_path(trial, &world.v1());
}

fn state(world: &World, trial: &mut Trial) {
    let state = trial.during(|| checkpoint::get_checkpoint_state(world.kept()), || {});
    assert_eq!(state.unwrap().all.len(), crate::program::CHECKPOINTS);
}

fn latest_valid(world: &World, trial: &mut Trial) {
    let options = VerifyOptions::new().threads(1);
    let valid = trial.during(|| latest_valid_checkpoint(world.kept(), &options, &mut |_| ControlFlow::Continue(())), || {});
    assert_eq!(valid.prefix, Some(world.kept().join(format!("ckpt-{}", crate::program::CHECKPOINTS - 1))));
}

fn options() -> RestoreOptions {
    RestoreOptions::new().read(one())
}

fn restore(world: &World, trial: &mut Trial) {
    let program = Program::new(&Graph::new(), 2);
    let restore = || {
        let status = program.checkpoint.restore(world.objects(), &options())?;
        status.assert_consumed()?;
        status.report()
    };
    let report = trial.during(restore, || assert!(program.is(1) || program.is(2)));
    assert!(program.is(1) && report.rows().len() > 25_000 && report.is_complete());
}

fn restore_with_options(world: &World, trial: &mut Trial) {
    let program = Program::new(&Graph::new(), 2);
    let options = options().include("**").rename("large", "large").on_mismatch(Mismatch::Skip).verify_first(true);
    let restore = || program.checkpoint.restore(world.objects(), &options)?.report();
    trial.during(restore, || assert!(program.is(1) || program.is(2)));
    assert!(program.is(1));
}

/// The checkpoint is restored before the program is made. What fails is made again.
fn deferred_restore(world: &World, trial: &mut Trial) {
    let make = || {
        let graph = Graph::new();
        let root = graph.add_object()?;
        let status = checkpoint::Checkpoint::new(&graph, root)?.restore(world.objects(), &options())?;
        let program = Program::attach(&graph, 2, root)?;
        status.assert_existing_objects_matched()?;
        Ok(program)
    };
    assert!(trial.during(make, || {}).is(1));
}

fn dry_run(world: &World, trial: &mut Trial) {
    let program = Program::new(&Graph::new(), 2);
    let report = trial.during(|| program.checkpoint.dry_run(world.objects(), &options()), || {});
    assert!(program.is(2) && report.rows().len() > 15_000, "{}", report.summary());
}

fn restore_by_names(world: &World, trial: &mut Trial) {
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let mut variables = Vec::new();
    for i in 0..20_000 {
        let variable = checkpoint::Variable::owned(checkpoint::DType::Float, &[4], &[2; 16]).unwrap();
        let variable = graph.add_variable(variable.name(&format!("layer_{i:05}/kernel"))).unwrap();
        graph.track(root, &format!("variable_{i}"), variable).unwrap();
        variables.push(variable);
    }
    let all = |value| variables.iter().all(|v| graph.with_memory(*v, |bytes| bytes == [value; 16]).unwrap());
    let set = |value| variables.iter().for_each(|v| graph.with_memory(*v, |bytes| bytes.fill(value)).unwrap());
    for path in [world.names(), world.v1()] {
        let program = checkpoint::Checkpoint::new(&graph, root).unwrap();
        trial.during(|| program.restore(&path, &options())?.report(), || assert!(all(1) || all(2)));
        assert!(all(1));
        set(2);
        let saver = trial.during(|| Saver::of_variables(&graph, &variables, &SaverOptions::new()), || {});
        trial.during(|| saver.restore(&path, &options()), || assert!(all(1) || all(2)));
        assert!(all(1));
        set(2);
    }
}

fn resume(world: &World, trial: &mut Trial) {
    let directory = world.directory.join("resumed");
    let _ = std::fs::remove_dir_all(&directory);
    let program = Program::new(&Graph::new(), 1);
    let manager = checkpoint::Manager::open(&program.checkpoint, &directory, &checkpoint::ManagerOptions::new()).unwrap();
    let quick = checkpoint::ManagerSaveOptions::new().save(crate::program::quick());
    manager.save(&quick).unwrap();
    drop(manager);
    let program = Program::new(&Graph::new(), 2);
    let resume = || {
        let manager = checkpoint::Manager::open(&program.checkpoint, &directory, &checkpoint::ManagerOptions::new())?;
        manager.restore_or_initialize(&ResumeOptions::new().latest_valid(true).restore(options()))
    };
    trial.during(resume, || assert!(program.is(1) || program.is(2)));
    assert!(program.is(1));
}
