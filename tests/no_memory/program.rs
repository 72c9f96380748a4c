//! The program of 20 000 variables, and the files that the operations find.

use std::path::{Path, PathBuf};

use checkpoint::{
    Checkpoint, DType, Durability, Extent, Failure, Graph, NodeId, SaveOptions, Sink, Slice, Source, State, StateOptions,
    StateUpdate, Variable, WriteOptions, Writer,
};

use crate::common::failing::spared;
use crate::common::{dtypes, v1};

/// The variables of the wide object, and the number of layers and of the variables in each.
pub const WIDE: usize = 10_000;
const LAYERS: usize = 100;
const EACH: usize = 100;
/// The elements of string tensors, and the slices of partitioned ones.
pub const STRINGS: usize = 20_000;
pub const SLICES: usize = 2_000;
/// The elements of the one large tensor.
pub const LARGE: usize = 1 << 19;
/// The checkpoints of the directory that is looked after.
pub const CHECKPOINTS: usize = 800;

/// Where the files of the operations are.
pub struct World {
    pub directory: PathBuf,
}

impl World {
    pub fn at(directory: &Path) -> World {
        World { directory: directory.to_owned() }
    }

    /// Writes what there is before the first operation.
    pub fn make(directory: &Path) -> World {
        let world = World::at(directory);
        let program = Program::new(&Graph::new(), 1);
        program.checkpoint.save(directory.join("objects"), &quick()).unwrap();
        names(&world.names(), 0..20_000);
        names(&world.section(0), 0..10_000);
        names(&world.section(1), 10_000..20_000);
        let mut file = v1::File::new();
        for i in 0..20_000 {
            file.tensor(&format!("layer_{i:05}/kernel"), dtypes::FLOAT, &[4], v1::values(dtypes::FLOAT, &[1; 16]));
        }
        file.tensor("text", dtypes::STRING, &[2_000], v1::string_values(&[&b"a string of some bytes"[..]; 2_000]));
        file.write(directory, "v1");
        std::fs::create_dir(world.kept()).unwrap();
        let paths: Vec<PathBuf> = (0..CHECKPOINTS).map(|i| world.kept().join(format!("ckpt-{i}"))).collect();
        for path in &paths {
            let mut writer = Writer::new(path, &WriteOptions::new().durability(Durability::None)).unwrap();
            writer.add("a", DType::Float, &[1], &[0; 4]).unwrap();
            writer.finish().unwrap();
        }
        world.list_kept();
        world
    }

    /// Lists all checkpoints of the directory that is looked after.
    pub fn list_kept(&self) {
        let paths: Vec<PathBuf> = (0..CHECKPOINTS).map(|i| self.kept().join(format!("ckpt-{i}"))).collect();
        let update = StateUpdate::new(paths.last().unwrap()).timestamps((0..CHECKPOINTS).map(|i| i as f64)).all(paths);
        checkpoint::update_checkpoint_state(self.kept(), &update.durability(Durability::None)).unwrap();
    }

    pub fn objects(&self) -> PathBuf {
        self.directory.join("objects-1")
    }

    pub fn names(&self) -> PathBuf {
        self.directory.join("names")
    }

    pub fn section(&self, number: usize) -> PathBuf {
        self.directory.join(format!("part-{number:05}-of-00002"))
    }

    pub fn v1(&self) -> PathBuf {
        self.directory.join("v1")
    }

    pub fn kept(&self) -> PathBuf {
        self.directory.join("kept")
    }
}

pub fn quick() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().durability(Durability::None))
}

/// Writes a checkpoint of named tensors. That of all has a partitioned tensor and strings, too.
fn names(prefix: &Path, numbers: std::ops::Range<usize>) {
    let texts: Vec<String> = (0..STRINGS).map(|i| format!("string {i}")).collect();
    let bytes = vec![7; 4 * SLICES * 100];
    let large = vec![1; 4 * LARGE];
    let slice = |i: usize| Slice::new(vec![Extent::range(i as i64, 1), Extent::FULL]);
    let mut writer = Writer::new(prefix, &WriteOptions::new().durability(Durability::None)).unwrap();
    for i in numbers.clone() {
        writer.add(format!("layer_{i:05}/kernel"), DType::Float, &[4], &[1; 16]).unwrap();
    }
    if numbers.len() == 20_000 {
        let shape = [SLICES as i64, 100];
        for (i, row) in bytes.chunks(400).enumerate() {
            writer.add_slice("parts", DType::Float, &shape, &slice(i), row).unwrap();
        }
        writer.add_strings("texts", &[STRINGS as i64], &texts).unwrap();
        for (i, half) in texts.chunks(STRINGS / 2).enumerate() {
            let half_slice = Slice::new(vec![Extent::range((i * STRINGS / 2) as i64, (STRINGS / 2) as i64)]);
            writer.add_strings_slice("texts_in_parts", &[STRINGS as i64], &half_slice, half).unwrap();
        }
        writer.add("large", DType::Float, &[LARGE as i64 / 512, 512], &large).unwrap();
    }
    writer.finish().unwrap();
}

/// A program, all of whose values follow from one number.
pub struct Program {
    pub graph: Graph,
    pub checkpoint: Checkpoint,
    pub variables: Vec<NodeId>,
    pub large: NodeId,
    pub texts: NodeId,
}

/// An object with a tensor of its own.
struct Table(Vec<u8>);

impl State for Table {
    fn save(&mut self, sink: &mut Sink) -> Result<(), Failure> {
        sink.put("values", DType::Uint8, &[self.0.len() as i64], &self.0)?;
        Ok(())
    }

    fn restore(&mut self, source: &Source) -> Result<(), Failure> {
        let values = source.find("values").ok_or("no values")?;
        self.0.copy_from_slice(values.bytes());
        Ok(())
    }
}

impl Program {
    pub fn new(graph: &Graph, value: u8) -> Program {
        Program::build(graph, value).unwrap()
    }

    /// Makes the program: a wide object, layers, an optimizer with slots, a list, and the rest.
    pub fn build(graph: &Graph, value: u8) -> checkpoint::Result<Program> {
        let root = graph.add_object()?;
        let checkpoint = Checkpoint::new(graph, root)?;
        let program = Program::attach(graph, value, root)?;
        Ok(Program { checkpoint, ..program })
    }

    /// Makes everything below `root`.
    pub fn attach(graph: &Graph, value: u8, root: NodeId) -> checkpoint::Result<Program> {
        let mut count = 0;
        let mut variable = |shape: &[i64], bytes: &[u8]| {
            count += 1;
            graph.add_variable(Variable::owned(DType::Float, shape, bytes)?.name(&format!("variable_{count}")))
        };
        // What the program itself allocates does not fail.
        let mut variables = spared(|| Vec::with_capacity(4 * WIDE));
        let wide = graph.add_object()?;
        graph.track(root, "wide", wide)?;
        for i in 0..WIDE {
            let added = variable(&[4], &[value; 16])?;
            graph.track(wide, &format!("variable_{i}"), added)?;
            variables.push(added);
        }
        let list = graph.add_list()?;
        graph.track(root, "layers", list)?;
        for _ in 0..LAYERS {
            let layer = graph.add_object()?;
            graph.list_append(list, Some(layer))?;
            for i in 0..EACH {
                let added = variable(&[4], &[value; 16])?;
                graph.track(layer, &format!("variable_{i}"), added)?;
                variables.push(added);
            }
        }
        let optimizer = graph.add_slot_owner(None)?;
        graph.track(root, "optimizer", optimizer)?;
        for i in 0..WIDE / 2 {
            let slot = variable(&[4], &[value; 16])?;
            graph.set_slot(optimizer, variables[i], "m", slot)?;
            variables.push(slot);
        }
        let texts = graph.add_variable(Variable::strings(&[STRINGS as i64], &spared(|| vec![[value]; STRINGS]))?)?;
        graph.track(root, "texts", texts)?;
        let large = variable(&[LARGE as i64], &spared(|| vec![value; 4 * LARGE]))?;
        graph.track(root, "large", large)?;
        let table = graph.add_state(Box::new(Table(spared(|| vec![value; 2 << 20]))), &StateOptions::new().names(&["values"]))?;
        graph.track(root, "table", table)?;
        let checkpoint = Checkpoint::new(graph, root)?;
        Ok(Program { graph: graph.clone(), checkpoint, variables, large, texts })
    }

    /// Whether every value is that of `value`.
    pub fn is(&self, value: u8) -> bool {
        let has = |variable: &NodeId| self.graph.with_memory(*variable, |bytes| bytes.iter().all(|byte| *byte == value)).unwrap();
        let texts = self.graph.read_strings(self.texts).unwrap();
        self.variables.iter().all(has) && has(&self.large) && texts.iter().all(|text| text == [value])
    }
}
