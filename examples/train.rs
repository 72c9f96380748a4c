//! The training loop of TensorFlow's guide to checkpoints, without TensorFlow: a linear model
//! learns y = 5x + [0, 1, 2, 3, 4].
//!
//! ```text
//! cargo run --example train -- DIRECTORY STEPS [DIE]
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
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;

use bytemuck::{bytes_of_mut, cast_slice_mut};
use checkpoint::{
    Checkpoint, DType, Failure, Graph, Manager, ManagerOptions, ManagerSaveOptions, NodeId, Result, ResumeOptions, Sink, Source,
    State, StateOptions, Variable,
};

const OUTPUTS: usize = 5;
const EXAMPLES: i64 = 10;
const BATCH: usize = 2;
const SAVE_EVERY: i32 = 10;

/// A trainable variable with its slots.
#[derive(Default)]
struct Parameter {
    value: [f32; OUTPUTS],
    m: [f32; OUTPUTS],
    v: [f32; OUTPUTS],
}

/// The whole program.
struct Program {
    kernel: Parameter,
    bias: Parameter,
    /// Updates that Adam has done.
    iter: i64,
    beta_1: f32,
    beta_2: f32,
    decay: f32,
    learning_rate: f32,
    position: Position,
    step: i32,
}

// ------------------------------------------------------------ the graph of the program's objects

/// The iterator's state, the number of the next example. The program and the graph share it. It is
/// more than a variable: it says itself how it is saved and restored.
#[derive(Clone, Default)]
struct Position(Arc<AtomicI64>);

impl State for Position {
    fn save(&mut self, sink: &mut Sink) -> std::result::Result<(), Failure> {
        let position = self.0.load(Ordering::Relaxed);
        Ok(sink.put("_POSITION", DType::Int64, &[], &position.to_ne_bytes())?)
    }

    fn restore(&mut self, source: &Source) -> std::result::Result<(), Failure> {
        // TensorFlow saves an ITERATOR_STATE of its own instead: then begin with the first example.
        let Some(saved) = source.find("position") else { return Ok(()) };
        if saved.dtype() != DType::Int64 || !saved.shape().is_empty() {
            return Err("the position is no int64".into());
        }
        self.0.store(i64::from_ne_bytes(saved.bytes().try_into()?), Ordering::Relaxed);
        Ok(())
    }
}

/// A checkpoint of the program, and the variables of its graph, which own copies of the values.
struct Model {
    checkpoint: Checkpoint,
    /// In the order of [`Program::values`].
    variables: Vec<NodeId>,
}

impl Program {
    fn new() -> Program {
        let mut kernel = Parameter::default();
        for (j, value) in kernel.value.iter_mut().enumerate() {
            *value = 0.25 * (j as f32 - 2.0); // "random", the same each time
        }
        Program {
            kernel,
            bias: Parameter::default(),
            iter: 0,
            beta_1: 0.9,
            beta_2: 0.999,
            decay: 0.0,
            learning_rate: 0.1,
            position: Position::default(),
            step: 0,
        }
    }

    /// Each variable's dtype, shape and bytes.
    fn values(&mut self) -> [(DType, &'static [i64], &mut [u8]); 12] {
        const KERNEL: &[i64] = &[1, OUTPUTS as i64];
        const BIAS: &[i64] = &[OUTPUTS as i64];
        [
            (DType::Float, KERNEL, cast_slice_mut(&mut self.kernel.value)),
            (DType::Float, KERNEL, cast_slice_mut(&mut self.kernel.m)),
            (DType::Float, KERNEL, cast_slice_mut(&mut self.kernel.v)),
            (DType::Float, BIAS, cast_slice_mut(&mut self.bias.value)),
            (DType::Float, BIAS, cast_slice_mut(&mut self.bias.m)),
            (DType::Float, BIAS, cast_slice_mut(&mut self.bias.v)),
            (DType::Int32, &[], bytes_of_mut(&mut self.step)),
            (DType::Int64, &[], bytes_of_mut(&mut self.iter)),
            (DType::Float, &[], bytes_of_mut(&mut self.beta_1)),
            (DType::Float, &[], bytes_of_mut(&mut self.beta_2)),
            (DType::Float, &[], bytes_of_mut(&mut self.decay)),
            (DType::Float, &[], bytes_of_mut(&mut self.learning_rate)),
        ]
    }
}

impl Model {
    /// The objects that a checkpoint has, by the names of TensorFlow's program.
    fn new(program: &mut Program) -> Result<Model> {
        let graph = Graph::new();
        // ITERATOR is TensorFlow's name for the state of one.
        let options = StateOptions::new().legacy_name("ITERATOR");
        let iterator = graph.add_state(Box::new(program.position.clone()), &options)?;
        let mut variables = Vec::new();
        for (dtype, shape, bytes) in program.values() {
            variables.push(graph.add_variable(Variable::owned(dtype, shape, bytes)?)?);
        }
        let [kernel, kernel_m, kernel_v, bias, bias_m, bias_v, step, iter, rates @ ..] = &variables[..] else {
            unreachable!("there are twelve");
        };
        let optimizer = graph.add_slot_owner(None)?;
        let (root, net, l1) = (graph.add_object()?, graph.add_object()?, graph.add_object()?);
        graph.track(root, "iterator", iterator)?;
        graph.track(root, "net", net)?;
        graph.track(root, "optimizer", optimizer)?;
        graph.track(root, "step", *step)?;
        graph.track(net, "l1", l1)?;
        graph.track(l1, "kernel", *kernel)?;
        graph.track(l1, "bias", *bias)?;
        graph.track(optimizer, "iter", *iter)?;
        for (name, rate) in ["beta_1", "beta_2", "decay", "learning_rate"].into_iter().zip(rates) {
            graph.track(optimizer, name, *rate)?;
        }
        for (variable, name, slot) in [(kernel, "m", kernel_m), (kernel, "v", kernel_v), (bias, "m", bias_m), (bias, "v", bias_v)]
        {
            graph.set_slot(optimizer, *variable, name, *slot)?;
        }
        Ok(Model { checkpoint: Checkpoint::new(&graph, root)?, variables })
    }

    /// Gives the program's values to the graph, which saves them.
    fn take(&self, program: &mut Program) -> Result<()> {
        for (variable, (_, _, bytes)) in self.variables.iter().zip(program.values()) {
            self.checkpoint.graph().with_memory(*variable, |memory| memory.copy_from_slice(bytes))?;
        }
        Ok(())
    }

    /// Gives the values of the graph, which were restored, to the program.
    fn give(&self, program: &mut Program) -> Result<()> {
        for (variable, (_, _, bytes)) in self.variables.iter().zip(program.values()) {
            self.checkpoint.graph().with_memory(*variable, |memory| bytes.copy_from_slice(memory))?;
        }
        Ok(())
    }
}

// ------------------------------------------------------------ training

// Everything is computed in f32, in the order that is written here: the same bits come out wherever
// it is done again.

fn power(base: f32, exponent: i64) -> f32 {
    (0..exponent).fold(1.0, |product, _| product * base)
}

impl Program {
    /// One update of Adam, with TensorFlow's formula.
    fn update(&mut self, parameter: fn(&mut Program) -> &mut Parameter, gradient: &[f32; OUTPUTS]) {
        let (beta_1, beta_2) = (self.beta_1, self.beta_2);
        let correction = (1.0 - power(beta_2, self.iter)).sqrt() / (1.0 - power(beta_1, self.iter));
        let rate = self.learning_rate * correction;
        let Parameter { value, m, v } = parameter(self);
        for j in 0..OUTPUTS {
            m[j] = beta_1 * m[j] + (1.0 - beta_1) * gradient[j];
            v[j] = beta_2 * v[j] + (1.0 - beta_2) * (gradient[j] * gradient[j]);
            value[j] -= rate * m[j] / (v[j].sqrt() + 1e-7);
        }
    }

    /// One step with the next batch; the loss is the mean of |output - label|.
    fn train_step(&mut self) -> f32 {
        let mut loss = 0.0;
        let mut kernel_gradient = [0.0; OUTPUTS];
        let mut bias_gradient = [0.0; OUTPUTS];
        let mut position = self.position.0.load(Ordering::Relaxed);
        for _ in 0..BATCH {
            let x = position as f32;
            for j in 0..OUTPUTS {
                let difference = x * self.kernel.value[j] + self.bias.value[j] - (x * 5.0 + j as f32);
                let sign = f32::from(difference > 0.0) - f32::from(difference < 0.0);
                loss += difference.abs();
                kernel_gradient[j] += sign * x;
                bias_gradient[j] += sign;
            }
            position = (position + 1) % EXAMPLES;
        }
        self.position.0.store(position, Ordering::Relaxed);
        let outputs = (BATCH * OUTPUTS) as f32;
        for j in 0..OUTPUTS {
            kernel_gradient[j] /= outputs;
            bias_gradient[j] /= outputs;
        }
        self.iter += 1;
        self.update(|program| &mut program.kernel, &kernel_gradient);
        self.update(|program| &mut program.bias, &bias_gradient);
        self.step += 1;
        loss / outputs
    }
}

/// Continues from the directory's latest checkpoint, if it has one.
fn resume(manager: &Manager, model: &Model, program: &mut Program) -> Result<()> {
    let resumed = manager.restore_or_initialize(&ResumeOptions::new())?;
    let (Some(path), Some(status)) = (resumed.path, resumed.status) else {
        println!("from the beginning");
        return Ok(());
    };
    status.assert_existing_objects_matched()?;
    model.give(program)?;
    println!("from step {} of {}", program.step, path.display());
    Ok(())
}

fn train(directory: &str, steps: i32, die: i32) -> Result<()> {
    let mut program = Program::new();
    let model = Model::new(&mut program)?;
    let manager = Manager::open(&model.checkpoint, directory, &ManagerOptions::new().max_to_keep(3))?;
    resume(&manager, &model, &mut program)?;
    while program.step < steps {
        let loss = program.train_step();
        if program.step == die {
            kill_this_process();
        }
        if program.step % SAVE_EVERY == 0 {
            model.take(&mut program)?;
            // When this returns, the checkpoint is on disk. If the machine dies before, the
            // previous one is still the latest.
            manager.save(&ManagerSaveOptions::new())?;
            println!("step {}: loss {loss:.2}, saved", program.step);
        }
    }
    print_bits("kernel", &program.kernel.value);
    print_bits("bias", &program.bias.value);
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
