//! Power cuts under a program that saves with a manager.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use checkpoint::{
    latest_checkpoint, Checkpoint, DType, Graph, Manager, ManagerOptions, ManagerSaveOptions, NodeId, Reader, ResumeOptions,
    SaveOptions, Variable, WriteOptions,
};

use super::rng::Rng;
use super::{cut_power, run, LOCK_FILE};

/// A program whose values follow from its step.
struct Program {
    graph: Graph,
    step: NodeId,
    values: NodeId,
    manager: Manager,
}

const LENGTH: i64 = 50_000;

fn values(step: i64) -> Vec<u8> {
    Rng::new(step as u64).bytes(LENGTH as usize)
}

impl Program {
    /// A program that has resumed from the directory's latest checkpoint.
    fn resumed(directory: &Path, keep: i64) -> Result<Program, checkpoint::Error> {
        let graph = Graph::new();
        let root = graph.add_object()?;
        let step = graph.add_variable(Variable::zeros(DType::Int64, &[])?)?;
        let values = graph.add_variable(Variable::zeros(DType::Uint8, &[LENGTH])?)?;
        graph.track(root, "step", step)?;
        graph.track(root, "values", values)?;
        let options = ManagerOptions::new().max_to_keep(keep);
        let manager = Manager::open(&Checkpoint::new(&graph, root)?, directory, &options)?;
        manager.restore_or_initialize(&ResumeOptions::new())?;
        Ok(Program { graph, step, values, manager })
    }

    fn step(&self) -> i64 {
        self.graph.read_integer(self.step).unwrap()
    }

    fn is_whole(&self) -> bool {
        self.step() == 0 || self.graph.read(self.values).unwrap() == values(self.step())
    }

    fn save_next(&self) -> Result<(), checkpoint::Error> {
        let step = self.step() + 1;
        self.graph.assign(self.step, DType::Int64, &[], &step.to_ne_bytes())?;
        self.graph.assign(self.values, DType::Uint8, &[LENGTH], &values(step))?;
        let write = WriteOptions::new().shards(1 + (step % 3) as u32);
        self.manager.save(&ManagerSaveOptions::new().save(SaveOptions::new().write(write))).map(drop)
    }
}

/// The child: saves step after step, and says of each when it is done.
pub fn save_until_cut(directory: &Path, keep: i64) {
    let program = Program::resumed(directory, keep).unwrap();
    while program.save_next().is_ok() {
        let mut out = std::io::stdout();
        if writeln!(out, "{}", program.step()).and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

pub fn power_cuts(scratch: &Path, cuts: u64) {
    let (image, disk) = (scratch.join("image"), scratch.join("disk"));
    let (image, disk_text) = (image.to_str().unwrap(), disk.to_str().unwrap());
    let directory = disk.join("managed");
    let mut rng = Rng::new(cuts);
    let (mut last, mut saves) = (0, 0);
    for cut in 0..cuts {
        let keep = [1, 1, 2, 5][(cut % 4) as usize];
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program).args(["managed", &keep.to_string()]).stdout(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(rng.between(5, 300)));
        cut_power(&disk, cut % 2 == 1);
        child.kill().unwrap();
        child.wait().unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        run("umount", &[disk_text]);
        run("mount", &["-o", "loop", image, disk_text]);

        saves += said.lines().count();
        let acknowledged = said.lines().last().map_or(last, |line| line.parse().unwrap());
        let is_named = directory.join("checkpoint").exists();
        let latest = latest_checkpoint(&directory).unwrap_or_else(|e| panic!("cut {cut}: P2: {e}"));
        assert_eq!(latest.is_some(), is_named, "cut {cut}: P2: the latest is not there");
        let program = Program::resumed(&directory, keep).unwrap_or_else(|e| panic!("cut {cut}: P2: {e}"));
        assert!(program.is_whole(), "cut {cut}: P2: the latest is a mix");
        let found = program.step();
        assert!(
            (acknowledged..=acknowledged + 1).contains(&found),
            "cut {cut}: P1: step {acknowledged} was saved, step {found} is there"
        );
        program.save_next().unwrap();
        last = program.step();
        assert_holds_only(&directory, &program.manager, keep);
    }
    println!("power cuts: {cuts} on ext4 over {saves} managed saves; 0 violations");
}

/// Fails unless the directory holds the manager's checkpoints, no more than it keeps, and nothing
/// else.
fn assert_holds_only(directory: &Path, manager: &Manager, keep: i64) {
    let checkpoints = manager.checkpoints();
    assert!(checkpoints.len() <= keep as usize, "P15: {checkpoints:?}");
    let mut expected = BTreeSet::from(["checkpoint".to_owned()]);
    for prefix in checkpoints {
        let name = prefix.file_name().unwrap().to_str().unwrap();
        let shards = Reader::open(&prefix).unwrap().shard_count();
        expected.insert(format!("{name}.index"));
        expected.extend((0..shards).map(|shard| format!("{name}.data-{shard:05}-of-{shards:05}")));
    }
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let there: BTreeSet<String> = names.filter(|name| name != LOCK_FILE).map(|name| name.into_string().unwrap()).collect();
    assert_eq!(there, expected, "P15");
}
