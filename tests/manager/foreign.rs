//! P11: nothing foreign is removed, whatever the files of a directory say.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use checkpoint::{collect_checkpoints, Better, Clock, Code, CollectOptions, Error, Manager};
use tempfile::{tempdir, tempdir_in, TempDir};

use crate::common::rng::Rng;
use crate::program::*;

/// A directory with everything that a careless manager could remove, and beside it directories that
/// it could reach.
struct Model {
    scratch: TempDir,
}

impl Model {
    const RUN: &str = "outer/run";
    /// Checkpoints of the manager's directory that are its own if the state file lists them.
    const OWN: [&str; 5] = ["ckpt-1", "ckpt-2", "ckpt-3", "x-1", "c[k]*-7"];

    fn new() -> Model {
        // In memory where there is such a place: it is filled again and again, and synced.
        let scratch = tempdir_in("/dev/shm").or_else(|_| tempdir()).unwrap();
        for directory in ["outer/run/sub", "outer/other", "elsewhere"] {
            std::fs::create_dir_all(scratch.path().join(directory)).unwrap();
        }
        let model = Model { scratch };
        symlink(model.path("elsewhere"), model.path("outer/run/link")).unwrap();
        symlink(model.path("elsewhere/ckpt-1.index"), model.path("outer/run/linked-1.index")).unwrap();
        symlink(model.path("elsewhere/ckpt-1.data-00000-of-00001"), model.path("outer/run/linked-1.data-00000-of-00001"))
            .unwrap();
        std::fs::create_dir(model.path("outer/run/directory-1.index")).unwrap();
        model
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Puts back what was removed.
    fn fill(&self) {
        let checkpoints = Self::OWN.map(|name| format!("{}/{name}", Self::RUN)).into_iter().chain(
            [
                "outer/run/model",
                "outer/run/sub/ckpt-1",
                "outer/ckpt-1",
                "outer/other/ckpt-1",
                "elsewhere/ckpt-1",
                "outer/run/ck",
                "outer/run/ckpt",
            ]
            .map(str::to_owned),
        );
        for prefix in checkpoints {
            for suffix in [".index", ".data-00000-of-00001", ".data-000000-of-000001x", ".meta", "", ".index.bak"] {
                let path = self.path(&format!("{prefix}{suffix}"));
                if !path.exists() {
                    std::fs::write(path, "content").unwrap();
                }
            }
        }
    }

    /// Every file, with what it holds.
    fn files(&self) -> BTreeSet<(PathBuf, Vec<u8>)> {
        let mut files = BTreeSet::new();
        let mut pending = vec![self.scratch.path().to_owned()];
        while let Some(directory) = pending.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let kind = path.symlink_metadata().unwrap().file_type();
                if kind.is_dir() {
                    pending.push(path);
                } else if kind.is_symlink() {
                    let target = std::fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes();
                    files.insert((path, target));
                } else {
                    let content = std::fs::read(&path).unwrap();
                    files.insert((path, content));
                }
            }
        }
        files
    }

    /// A path as a hostile state file may have it.
    fn random_path(&self, rng: &mut Rng) -> String {
        let own = Self::OWN[rng.below(5) as usize];
        let absolute = self.path("elsewhere/ckpt-1").display().to_string();
        let inside = self.path(&format!("{}/{own}", Self::RUN)).display().to_string();
        let odd = [
            "",
            "/",
            ".",
            "..",
            "../ckpt-1",
            "../other/ckpt-1",
            "sub/ckpt-1",
            "sub/../ckpt-1",
            "./ckpt-1",
            "link/ckpt-1",
            "linked-1",
            "linked-2",
            "directory-1",
            "model",
            "ckpt",
            "ck*",
            "*",
            "ckpt-?",
            "ckpt-[12]",
            "{ckpt-1,ckpt-2}",
            "ckpt-1/",
            "ckpt-1.index",
            "ckpt-",
            "-1",
            "checkpoint",
            "ckpt-1\\000",
            "ckpt-1\\n",
            "\\377-1",
            "ckpt-1.meta",
            "~/ckpt-1",
            "ckpt-+1",
            "ckpt-1 ",
            "//ckpt-1",
            "../run/ckpt-1",
            "sub//../ckpt-2",
        ];
        match rng.below(8) {
            0..=2 => own.to_owned(),
            3 => absolute,
            4 => inside,
            _ => odd[rng.below(odd.len() as u64) as usize].to_owned(),
        }
    }

    fn random_state(&self, rng: &mut Rng, names: &[&str; 4]) -> String {
        let mut text = String::new();
        let count = rng.below(7);
        for _ in 0..count {
            text.push_str(&format!("{}: \"{}\"\n", names[0], self.random_path(rng)));
        }
        let times = if rng.below(4) == 0 { rng.below(8) } else { count };
        let odd = ["nan", "inf", "-inf", "-1", "0", "1e300", "5e-324"];
        for i in 0..times {
            let time = if rng.below(6) == 0 { odd[rng.below(7) as usize].to_owned() } else { format!("{}.5", 1000 + i) };
            text.push_str(&format!("{}: {time}\n", names[1]));
        }
        if rng.below(10) > 0 {
            text.push_str(&format!("{}: \"{}\"\n", names[2], self.random_path(rng)));
        }
        if rng.below(2) == 0 {
            text.push_str(&format!(
                "{}: {}\n",
                names[3],
                ["0.0", "999.0", "1002.0", "nan", "inf", "1e300"][rng.below(6) as usize]
            ));
        }
        text
    }
}

/// P11: whatever the state file and the file of metrics say, what is removed are files of
/// checkpoints `NAME-NUMBER` directly in the directory, which one of the two lists by that name or,
/// an absolute path that leads there or, if the directory was moved, nowhere.
#[test]
fn nothing_foreign_is_removed_whatever_the_state_file_says() {
    let rounds: u64 = std::env::var("CKPT_FOREIGN_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let model = Model::new();
    let run = model.path(Model::RUN);
    let mut removals = 0;
    for seed in 0..rounds {
        let mut rng = Rng::new(seed);
        model.fill();
        let text = model.random_state(
            &mut rng,
            &[
                "all_model_checkpoint_paths",
                "all_model_checkpoint_timestamps",
                "model_checkpoint_path",
                "last_preserved_timestamp",
            ],
        );
        state(&run, &text);
        let records: String = match rng.below(3) {
            0 => (0..rng.below(4))
                .map(|i| {
                    format!(
                        "checkpoint: \"{}\" timestamp: {i} metric: {i} kept: \"while it is held\"\n",
                        model.random_path(&mut rng)
                    )
                })
                .collect(),
            _ => String::new(),
        };
        std::fs::write(run.join("checkpoint.manager"), &records).unwrap();
        if rng.below(4) == 0 {
            let base = ["ckpt-1", "model", "linked-1", ""][rng.below(4) as usize];
            std::fs::write(run.join(format!("{base}.index.ckpt-del-0123456789abcdef")), "content").unwrap();
        }
        let before = model.files();
        let clock: Arc<Late> = Arc::new(Late(rng.below(3) as f64 * 1e5));
        let program = Program::new();
        let mut options = keep(1 + rng.below(3) as i64).clock(clock).checkpoint_name("new");
        if rng.below(3) == 0 {
            options = options.keep_best(1, Better::Lower);
        }
        match Manager::open(&program.checkpoint, &run, &options) {
            Ok(manager) => drop((0..1 + rng.below(2)).map(|_| save(&manager)).collect::<Vec<_>>()),
            Err(e) => assert_eq!(e.code(), Code::DataLoss, "seed {seed}: {e}"),
        }
        let _ = collect_checkpoints(&run, &CollectOptions::keep(1));
        let after = model.files();
        for (path, _) in before.difference(&after) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let directory = path.parent().unwrap();
            if directory == run && (["checkpoint", "checkpoint.manager"].contains(&name) || name.contains(".ckpt-del-")) {
                continue; // written anew; left by a crash
            }
            let base = name.strip_suffix(".index").or_else(|| name.strip_suffix(".data-00000-of-00001"));
            // An absolute path that leads nowhere stands for the same name in the directory: it was
            // moved.
            let is_listed = |base: &str| {
                let [moved, inside] = [format!("\"//{base}\""), format!("\"{}/{base}\"", run.display())];
                let named = format!("\"{base}\"");
                [&moved, &inside, &named].iter().any(|entry| text.contains(*entry)) || records.contains(&named)
            };
            let is_own = directory == run && base.is_some_and(|base| Model::OWN.contains(&base) && is_listed(base));
            assert!(is_own, "seed {seed}: {} was removed; the state file:\n{text}\nthe metrics:\n{records}", path.display());
            removals += 1;
        }
        for name in names_in(&run).iter().filter(|name| name.starts_with("new-")) {
            std::fs::remove_file(run.join(name)).unwrap();
        }
    }
    println!("{rounds} state files, {removals} files removed, none of them foreign");
    assert!(removals > rounds / 2, "the test removes too little to say anything");
}

struct Late(f64);

impl Clock for Late {
    fn now(&self) -> f64 {
        2000.0 + self.0
    }

    fn sleep(&self, _: f64) -> Result<(), Error> {
        Ok(())
    }
}

/// Absolute paths into the directory itself are managed as names are, as by TensorFlow's manager;
/// those of another directory never, even if it has checkpoints of the same names.
#[test]
fn absolute_paths_into_the_directory_expire_as_names_do() {
    let scratch = tempdir().unwrap();
    let [run, other, link] = ["run", "other", "link"].map(|name| scratch.path().join(name));
    std::fs::create_dir(&run).unwrap();
    symlink(&run, &link).unwrap();
    for (prefix, goes) in [(&run, true), (&link, true), (&other, false)] {
        for directory in [&run, &other] {
            let _ = std::fs::remove_dir_all(directory);
            let manager = Program::new().manage(directory, &keep(5));
            (0..3).for_each(|_| drop(save(&manager)));
        }
        let text = text_in(&run).replace("\"ckpt-", &format!("\"{}/ckpt-", prefix.display()));
        state(&run, &text);
        let program = Program::new();
        let manager = program.manage(&run, &keep(1));
        resume(&manager);
        save(&manager);
        drop(manager);
        assert_eq!(checkpoints_in(&other), ["ckpt-1", "ckpt-2", "ckpt-3"], "{}", prefix.display());
        let left = checkpoints_in(&run);
        assert_eq!(left.iter().any(|name| name == "ckpt-1"), !goes, "{}: {left:?}", prefix.display());
    }
}
