//! What optimizers keep in a checkpoint: objects, slot variables, and variables with certain names.

use std::collections::HashSet;

use checkpoint::{Node, ObjectGraph};

/// The last part of the names of slot variables, without the number that makes it unique, in
/// checkpoints that are name-based: the names of TensorFlow 1's optimizers, and those of BERT's.
const SLOTS: [&str; 13] = [
    "Adadelta",
    "Adagrad",
    "AdagradDA",
    "Adam",
    "AdaMax",
    "adam_m",
    "adam_v",
    "ExponentialMovingAverage",
    "Ftrl",
    "LARSOptimizer",
    "Momentum",
    "ProximalAdagrad",
    "RMSProp",
];

/// Variables of such optimizers that belong to no other variable.
const POWERS: [&str; 2] = ["beta1_power", "beta2_power"];

/// Returns the optimizers of an object graph. The root is none: a checkpoint of an optimizer alone
/// has nothing else.
pub fn in_graph(graph: &ObjectGraph) -> Vec<u32> {
    graph.nodes().filter(|node| node.id() != 0 && is_optimizer(node)).map(|node| node.id()).collect()
}

/// Whether an object is an optimizer, as its slot variables and the names of its children tell:
///
/// * one of Keras before 2.11, or any with slot variables: `iter` beside `decay`;
/// * one of Keras since 2.11, or of Keras 3: `_iterations` beside `_learning_rate` or `_variables`;
/// * one that scales the loss of another: `loss_scale` or `dynamic_scale` beside that.
fn is_optimizer(node: &Node<'_>) -> bool {
    let names: HashSet<&str> = node.children().map(|edge| edge.name).collect();
    let has = |name: &str| names.contains(name);
    let any = |names: &[&str]| names.iter().any(|name| has(name));
    node.slot_variables().len() > 0
        || has("iter") && has("decay")
        || has("_iterations") && any(&["_learning_rate", "_variables"])
        || any(&["loss_scale", "_loss_scale", "dynamic_scale"]) && any(&["base_optimizer", "inner_optimizer", "_optimizer"])
}

/// The tensors of optimizers in a checkpoint without object graph.
pub struct Named<'k> {
    keys: HashSet<&'k [u8]>,
}

impl<'k> Named<'k> {
    pub fn new(keys: impl Iterator<Item = &'k [u8]>) -> Named<'k> {
        Named { keys: keys.collect() }
    }

    /// Returns whether a tensor is a slot variable of another: `dense/kernel/Adam_1`.
    pub fn is_slot(&self, key: &[u8]) -> bool {
        let slash = key.iter().rposition(|&byte| byte == b'/');
        slash.is_some_and(|slash| self.keys.contains(&key[..slash]) && is_one_of(&key[slash + 1..], &SLOTS))
    }

    /// Returns whether a tensor is a variable of an optimizer itself: `beta1_power`.
    pub fn is_power(&self, key: &[u8]) -> bool {
        key.rsplit(|&byte| byte == b'/').next().is_some_and(|last| is_one_of(last, &POWERS))
    }
}

/// Returns whether a name is one of `names`, perhaps with a number that makes it unique.
fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|known| match name.strip_prefix(known.as_bytes()) {
        Some([]) => true,
        Some([b'_', number @ ..]) => !number.is_empty() && number.iter().all(u8::is_ascii_digit),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_told_by_their_names_and_their_variables() {
        let keys = ["dense/kernel", "dense/kernel/Adam", "dense/kernel/Adam_1", "dense/kernel/adam_m", "Adam", "x/Adam"];
        let named = Named::new(keys.iter().map(|key| key.as_bytes()));
        let slots: Vec<&str> = keys.into_iter().filter(|key| named.is_slot(key.as_bytes())).collect();
        assert_eq!(slots, ["dense/kernel/Adam", "dense/kernel/Adam_1", "dense/kernel/adam_m"]);
        for (key, is_slot) in [
            ("dense/kernel/Momentum", true),
            ("dense/kernel/RMSProp_12", true),
            ("dense/kernel/ExponentialMovingAverage", true),
            ("dense/kernel/Adam_", false),
            ("dense/kernel/Adam_x", false),
            ("dense/kernel/Adam/x", false),
            ("dense/kernel/scale", false),
            ("dense/Adam", false),
        ] {
            assert_eq!(named.is_slot(key.as_bytes()), is_slot, "{key}");
        }
        for (key, is_power) in
            [("beta1_power", true), ("a/beta2_power_1", true), ("beta3_power", false), ("beta1_power/x", false)]
        {
            assert_eq!(named.is_power(key.as_bytes()), is_power, "{key}");
        }
    }
}
