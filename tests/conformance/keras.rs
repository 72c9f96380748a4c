//! A model of two dense layers and Adam, as far as checkpoints see them: objects, variables and
//! slots.

use checkpoint::{NodeId, Variable};

use crate::world::*;

/// `MyModel` of tracking_util_test.py: `_named_dense` with kernel and bias, `_second` with a
/// kernel, and an object that is no layer.
pub struct Model {
    pub node: NodeId,
    named_dense: NodeId,
    second: NodeId,
    built: Option<[NodeId; 3]>,
}

impl Model {
    pub fn new(w: &World) -> Model {
        let node = w.object();
        let (named_dense, second) = (w.child(node, "_named_dense"), w.child(node, "_second"));
        w.track(w.child(node, "_non_layer"), "a_variable", w.named(0f32, "a_variable"));
        Model { node, named_dense, second, built: None }
    }

    /// Makes the variables, as the first call of a model does; `name` begins their names.
    pub fn build(&mut self, w: &World, name: &str) -> [NodeId; 3] {
        *self.built.get_or_insert_with(|| {
            let [kernel, bias, second] = [
                w.named([[0.5f32; 1]; 1], &format!("{name}/dense/kernel")),
                w.named([0f32], &format!("{name}/dense/bias")),
                w.named([[0.25f32; 1]; 1], &format!("{name}/dense_1/kernel")),
            ];
            w.track(self.named_dense, "kernel", kernel);
            w.track(self.named_dense, "bias", bias);
            w.track(self.second, "kernel", second);
            [kernel, bias, second]
        })
    }

    pub fn bias(&self) -> NodeId {
        self.built.expect("the model has variables")[1]
    }
}

/// The legacy Adam of Keras: hyperparameters and a step as edges, slots `m` and `v`. Where a
/// checkpoint has a slot's value, the slot is made.
pub struct Adam {
    pub node: NodeId,
    hyper: Option<[NodeId; 5]>,
}

const HYPER: [&str; 5] = ["beta_1", "beta_2", "decay", "learning_rate", "iter"];

impl Adam {
    pub fn new(w: &World) -> Adam {
        let create = |_, _, _: &str, dtype, shape: &[i64]| Ok(Variable::zeros(dtype, shape).ok());
        Adam { node: w.graph.add_slot_owner(Some(Box::new(create))).unwrap(), hyper: None }
    }

    /// The same, but slots wait until the program makes them.
    pub fn waiting(w: &World) -> Adam {
        Adam { node: w.graph.add_slot_owner(None).unwrap(), hyper: None }
    }

    fn hyper(&mut self, w: &World) -> [NodeId; 5] {
        *self.hyper.get_or_insert_with(|| {
            HYPER.map(|name| {
                let full_name = format!("Adam/{name}");
                let made = if name == "iter" { w.named(0i64, &full_name) } else { w.named(0.9f32, &full_name) };
                w.track(self.node, name, made);
                made
            })
        })
    }

    pub fn beta_1(&mut self, w: &World) -> NodeId {
        self.hyper(w)[0]
    }

    pub fn iterations(&mut self, w: &World) -> NodeId {
        self.hyper(w)[4]
    }

    /// A step of training: makes what is not there yet, and counts.
    pub fn step(&mut self, w: &World, variables: &[NodeId]) {
        let iterations = self.iterations(w);
        for name in ["m", "v"] {
            for &variable in variables {
                if self.slot(w, variable, name).is_none() {
                    let shape = w.graph.describe(variable).unwrap().shape.unwrap();
                    let slot = w.graph.add_variable(Variable::zeros(checkpoint::DType::Float, &shape).unwrap()).unwrap();
                    w.graph.set_slot(self.node, variable, name, slot).unwrap();
                }
            }
        }
        w.assign(iterations, w.value::<i64>(iterations) + 1);
    }

    pub fn slot(&self, w: &World, variable: NodeId, name: &str) -> Option<NodeId> {
        w.graph.slot(self.node, variable, name).unwrap()
    }

    #[track_caller]
    pub fn m(&self, w: &World, variable: NodeId) -> NodeId {
        self.slot(w, variable, "m").expect("no slot m")
    }
}
