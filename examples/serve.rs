//! An inference server that goes on serving while training saves: it loads each new checkpoint and
//! swaps it in.
//!
//! ```text
//! cargo run --features derive --example serve -- DIRECTORY THREADS UPDATES
//! ```
//!
//! Serves the net of examples/train.rs from the checkpoints of DIRECTORY with THREADS threads,
//! until it has loaded UPDATES of them. A request has the model that was the latest when it began,
//! as long as it takes; the model before is dropped with its last request.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use checkpoint::{
    latest_checkpoint, load, wait_for_new_checkpoint, Array, Cancel, Pin, Reader, Reason, Result, Track, View, WaitOptions,
};

/// What is served: y = kernel * x + bias.
#[derive(Track, Default)]
struct Model {
    net: Net,
    step: i32,
}

#[derive(Track, Default)]
struct Net {
    l1: Dense,
}

#[derive(Track, Default)]
struct Dense {
    kernel: Array<f32>,
    bias: Vec<f32>,
}

/// A checkpoint that is served.
struct Serving {
    model: Model,
    /// The bias as it lies in the file, which is mapped and not copied: what a net with gigabytes
    /// of embeddings would do. `None` where TensorFlow has not aligned it.
    mapped: Option<View>,
    /// Keeps the checkpoint from being removed while it is served.
    _pin: Pin,
}

impl Serving {
    fn open(prefix: &std::path::Path) -> Result<Serving> {
        let pin = Pin::new(prefix)?; // first: from now on no manager removes it
        let mut model = Model::default();
        load(prefix, &mut model)?;
        let view = Reader::open(prefix)?.get("net/l1/bias")?.map(true)?;
        let mapped = Some(view).filter(|view| view.values::<f32>().is_ok());
        Ok(Serving { model, mapped, _pin: pin })
    }

    fn answer(&self, x: f32) -> Vec<f32> {
        let Dense { kernel, bias } = &self.model.net.l1;
        let bias = self.mapped.as_ref().and_then(|view| view.values().ok()).unwrap_or(bias);
        kernel.iter().zip(bias).map(|(weight, bias)| weight * x + bias).collect()
    }
}

/// The model of the moment. Requests clone the `Arc`, and hold the lock no longer than that takes.
struct Current(RwLock<Arc<Serving>>);

impl Current {
    fn get(&self) -> Arc<Serving> {
        self.0.read().unwrap_or_else(|e| e.into_inner()).clone()
    }

    fn swap(&self, new: Serving) {
        let old = std::mem::replace(&mut *self.0.write().unwrap_or_else(|e| e.into_inner()), Arc::new(new));
        drop(old); // outside of the lock
    }
}

fn serve(directory: &str, threads: usize, updates: usize) -> Result<()> {
    let wait = WaitOptions::new().poll_interval(0.01);
    let mut latest = match latest_checkpoint(directory)? {
        Some(path) => path,
        None => wait_for_new_checkpoint(directory, None, &wait)?.unwrap_or_default(),
    };
    let current = Current(RwLock::new(Arc::new(Serving::open(&latest)?)));
    println!("step {}", current.get().model.step);
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let cancel = Cancel::new(); // a server would raise it when it is told to stop
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (current, stop, answered) = (&current, &stop, &answered);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let serving = current.get();
                    let y = serving.answer(thread as f32);
                    assert_eq!(y.len(), serving.model.net.l1.bias.len());
                    answered.fetch_add(1, Ordering::Relaxed);
                    std::thread::yield_now();
                }
            });
        }
        let mut loaded = 0;
        let followed = (|| -> Result<()> {
            while loaded < updates {
                let wait = wait.clone().cancel(&cancel);
                let Some(path) = wait_for_new_checkpoint(directory, Some(&latest), &wait)? else { break };
                latest = path;
                match Serving::open(&latest) {
                    Ok(new) => {
                        println!("step {}", new.model.step);
                        current.swap(new);
                        loaded += 1;
                    }
                    // Training was faster, and has removed it: there is a newer one.
                    Err(e) if matches!(e.reason(), Reason::NoCheckpoint | Reason::MissingFile | Reason::Replaced) => {}
                    // Go on with the model that there is.
                    Err(e) => eprintln!("serve: {e}"),
                }
            }
            Ok(())
        })();
        stop.store(true, Ordering::Relaxed);
        followed
    })?;
    let serving = current.get();
    println!("{} requests, the last with step {}: {:?}", answered.into_inner(), serving.model.step, serving.answer(1.0));
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, threads, updates] = &arguments[..] else {
        eprintln!("usage: serve DIRECTORY THREADS UPDATES");
        return ExitCode::from(2);
    };
    let (Ok(threads), Ok(updates)) = (threads.parse(), updates.parse()) else {
        eprintln!("serve: THREADS and UPDATES are numbers");
        return ExitCode::from(2);
    };
    match serve(directory, threads, updates) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("serve: {error}");
            ExitCode::FAILURE
        }
    }
}
