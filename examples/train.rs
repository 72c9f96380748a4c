//! The training loop of TensorFlow's guide to checkpoints, without TensorFlow: a linear model
//! learns y = 5x + [0, 1, 2, 3, 4].
//!
//! ```text
//! cargo run --features derive --example train -- DIRECTORY STEPS [DIE]
//! ```
//!
//! Trains until STEPS steps are done and saves after every tenth, as DIRECTORY/ckpt-1, ckpt-2, ...,
//! of which the newest three stay. If the directory has a checkpoint, of this program, of
//! examples/c/train.c or of TensorFlow's, it continues from there, with the same bits as if it had
//! never stopped. With DIE it kills itself in that step, as `kill -9` would.
//!
//! ```text
//! root -- iterator          state: ITERATOR_POSITION, int64, of the next example
//!      -- net -- l1         kernel (float32 [1,5]) and bias (float32 [5])
//!      -- optimizer         iter (int64), beta_1, beta_2, decay, learning_rate (float32),
//!                           slots m and v of kernel and bias
//!      -- step              int32: steps done
//!      -- save_counter      int64, made by the library
//! ```

use std::process::{Command, ExitCode};

use checkpoint::{
    Failure, Manager, ManagerOptions, ManagerSaveOptions, Result, ResumeOptions, Sink, Source, State, Track, Tracker,
};

const OUTPUTS: usize = 5;
const EXAMPLES: i64 = 10;
const BATCH: usize = 2;
const SAVE_EVERY: i32 = 10;

// ------------------------------------------------------------ the program's objects

/// The whole program. Its fields have the names of TensorFlow's program.
#[derive(Track)]
struct Program {
    #[track(state = "ITERATOR")] // TensorFlow's name for the state of one
    iterator: Position,
    net: Net,
    optimizer: Adam,
    step: i32,
}

#[derive(Track)]
struct Net {
    l1: Dense,
}

#[derive(Track)]
struct Dense {
    kernel: [[f32; OUTPUTS]; 1],
    bias: [f32; OUTPUTS],
}

#[derive(Track)]
struct Adam {
    iter: i64,
    beta_1: f32,
    beta_2: f32,
    decay: f32,
    learning_rate: f32,
    #[track(slots = "net/l1/kernel")]
    kernel: Moments<[[f32; OUTPUTS]; 1]>,
    #[track(slots = "net/l1/bias")]
    bias: Moments<[f32; OUTPUTS]>,
}

/// What Adam keeps for a variable.
#[derive(Track, Default)]
struct Moments<T> {
    m: T,
    v: T,
}

/// The iterator's state, the number of the next example. It is more than a variable: it says itself
/// how it is saved and restored.
#[derive(Default)]
struct Position(i64);

impl State for Position {
    fn save(&mut self, sink: &mut Sink) -> std::result::Result<(), Failure> {
        Ok(sink.put_value("_POSITION", self.0)?)
    }

    fn restore(&mut self, source: &Source) -> std::result::Result<(), Failure> {
        // TensorFlow saves an ITERATOR_STATE of its own instead: then begin with the first example.
        if let Some(saved) = source.find("_POSITION") {
            self.0 = saved.value()?;
        }
        Ok(())
    }
}

impl Program {
    fn new() -> Program {
        let mut kernel = [0.0; OUTPUTS];
        for (j, value) in kernel.iter_mut().enumerate() {
            *value = 0.25 * (j as f32 - 2.0); // "random", the same each time
        }
        Program {
            iterator: Position::default(),
            net: Net { l1: Dense { kernel: [kernel], bias: [0.0; OUTPUTS] } },
            optimizer: Adam {
                iter: 0,
                beta_1: 0.9,
                beta_2: 0.999,
                decay: 0.0,
                learning_rate: 0.1,
                kernel: Moments::default(),
                bias: Moments::default(),
            },
            step: 0,
        }
    }
}

// ------------------------------------------------------------ training

// Everything is computed in f32, in the order that is written here: the same bits come out wherever
// it is done again.

fn power(base: f32, exponent: i64) -> f32 {
    (0..exponent).fold(1.0, |product, _| product * base)
}

impl Adam {
    /// One update of a variable, with TensorFlow's formula.
    fn update(&self, value: &mut [f32], m: &mut [f32], v: &mut [f32], gradient: &[f32]) {
        let (beta_1, beta_2) = (self.beta_1, self.beta_2);
        let correction = (1.0 - power(beta_2, self.iter)).sqrt() / (1.0 - power(beta_1, self.iter));
        let rate = self.learning_rate * correction;
        for j in 0..value.len() {
            m[j] = beta_1 * m[j] + (1.0 - beta_1) * gradient[j];
            v[j] = beta_2 * v[j] + (1.0 - beta_2) * (gradient[j] * gradient[j]);
            value[j] -= rate * m[j] / (v[j].sqrt() + 1e-7);
        }
    }
}

impl Program {
    /// One step with the next batch; the loss is the mean of |output - label|.
    fn train_step(&mut self) -> f32 {
        let Dense { kernel: [kernel], bias } = &mut self.net.l1;
        let mut loss = 0.0;
        let mut kernel_gradient = [0.0; OUTPUTS];
        let mut bias_gradient = [0.0; OUTPUTS];
        for _ in 0..BATCH {
            let x = self.iterator.0 as f32;
            for j in 0..OUTPUTS {
                let difference = x * kernel[j] + bias[j] - (x * 5.0 + j as f32);
                let sign = f32::from(difference > 0.0) - f32::from(difference < 0.0);
                loss += difference.abs();
                kernel_gradient[j] += sign * x;
                bias_gradient[j] += sign;
            }
            self.iterator.0 = (self.iterator.0 + 1) % EXAMPLES;
        }
        let outputs = (BATCH * OUTPUTS) as f32;
        for j in 0..OUTPUTS {
            kernel_gradient[j] /= outputs;
            bias_gradient[j] /= outputs;
        }
        let adam = &mut self.optimizer;
        adam.iter += 1;
        let (mut of_kernel, mut of_bias) = (std::mem::take(&mut adam.kernel), std::mem::take(&mut adam.bias));
        adam.update(kernel, &mut of_kernel.m[0], &mut of_kernel.v[0], &kernel_gradient);
        adam.update(bias, &mut of_bias.m, &mut of_bias.v, &bias_gradient);
        (adam.kernel, adam.bias) = (of_kernel, of_bias);
        self.step += 1;
        loss / outputs
    }
}

fn train(directory: &str, steps: i32, die: i32) -> Result<()> {
    let mut program = Program::new();
    let tracker = Tracker::new(&mut program)?;
    let manager = Manager::open(tracker.checkpoint(), directory, &ManagerOptions::new().max_to_keep(3))?;
    // Continues from the directory's latest checkpoint, if it has one.
    let resumed = tracker.with(&mut program, |_| manager.restore_or_initialize(&ResumeOptions::new()))?;
    match (resumed.path, resumed.status) {
        (Some(path), Some(status)) => {
            status.assert_existing_objects_matched()?;
            println!("from step {} of {}", program.step, path.display());
        }
        _ => println!("from the beginning"),
    }
    while program.step < steps {
        let loss = program.train_step();
        if program.step == die {
            kill_this_process();
        }
        if program.step % SAVE_EVERY == 0 {
            // When this returns, the checkpoint is on disk. If the machine dies before, the
            // previous one is still the latest.
            tracker.with(&mut program, |_| manager.save(&ManagerSaveOptions::new()))?;
            println!("step {}: loss {loss:.2}, saved", program.step);
        }
    }
    print_bits("kernel", &program.net.l1.kernel[0]);
    print_bits("bias", &program.net.l1.bias);
    Ok(())
}

/// As `kill -9` does; the shell's parent is this process.
fn kill_this_process() {
    let _ = Command::new("sh").args(["-c", "kill -9 $PPID"]).status();
}

/// Prints values exactly, as C's %a does.
fn print_bits(name: &str, values: &[f32]) {
    let printed: Vec<String> = values.iter().map(|value| exactly(f64::from(*value))).collect();
    println!("{name} {}", printed.join(" "));
}

fn exactly(value: f64) -> String {
    let bits = value.to_bits();
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value == 0.0 {
        return format!("{sign}0x0p+0");
    }
    let digits = format!("{:013x}", bits & 0xf_ffff_ffff_ffff);
    let digits = digits.trim_end_matches('0');
    let point = if digits.is_empty() { "" } else { "." };
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    format!("{sign}0x1{point}{digits}p{exponent:+}")
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<i32> = arguments.iter().skip(1).filter_map(|number| number.parse().ok()).collect();
    let (directory, steps, die) = match (&arguments[..], &numbers[..]) {
        ([directory, _], [steps]) => (directory, *steps, -1),
        ([directory, _, _], [steps, die]) => (directory, *steps, *die),
        _ => {
            eprintln!("usage: train DIRECTORY STEPS [DIE]");
            return ExitCode::from(2);
        }
    };
    match train(directory, steps, die) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("train: {error}");
            ExitCode::FAILURE
        }
    }
}
