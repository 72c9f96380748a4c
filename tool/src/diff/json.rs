//! Prints differences as JSON.

use serde_json::{json, Map, Value};

use super::graphs::{Change, Part};
use super::tensors::{About, Changed};
use super::values::ValueDiff;
use super::Diff;
use crate::failure::Outcome;
use crate::json::key_member;
use crate::term::Screen;

/// Writes the differences as one JSON object.
pub fn write(diff: &Diff, screen: &mut Screen) -> Outcome {
    let (graph, tensors) = (&diff.graph, &diff.tensors);
    let list = |values: &mut dyn Iterator<Item = Value>| values.collect::<Vec<Value>>();
    let result = json!({
        "same": diff.is_same(),
        "graph": {
            "only_in_a": list(&mut graph.only_in_a.iter().map(part)),
            "only_in_b": list(&mut graph.only_in_b.iter().map(part)),
            "changed": list(&mut graph.changed.iter().map(change)),
            "same": graph.same,
        },
        "tensors": {
            "only_in_a": list(&mut tensors.only_in_a.iter().map(about)),
            "only_in_b": list(&mut tensors.only_in_b.iter().map(about)),
            "changed": list(&mut tensors.changed.iter().map(changed)),
            "same": tensors.same,
        },
    });
    crate::json::write(&result, screen)?;
    Ok(())
}

fn part(part: &Part) -> Value {
    match part {
        Part::Graph { objects } => json!({ "kind": "graph", "objects": objects }),
        Part::Edge { path, below } => json!({ "kind": "edge", "path": path, "below": below }),
        Part::Value { path, name } => json!({ "kind": "value", "path": path, "name": name }),
        Part::Slot { owner, variable, name } => json!({ "kind": "slot", "path": owner, "variable": variable, "name": name }),
    }
}

fn change(change: &Change) -> Value {
    match change {
        Change::Shared { path, a, b } => json!({ "kind": "shared", "path": path, "a": a, "b": b }),
        Change::Saver { path, a, b } => json!({ "kind": "saver", "path": path, "a": a, "b": b }),
    }
}

fn about(about: &About) -> Value {
    let mut object = Map::from_iter([key_member("key", &about.key)]);
    object.insert("dtype".to_owned(), json!(about.dtype.name()));
    object.insert("shape".to_owned(), json!(about.shape));
    Value::Object(object)
}

fn changed(changed: &Changed) -> Value {
    let (a, b) = (&changed.a, &changed.b);
    let mut object = Map::from_iter([key_member("key", &a.key)]);
    object.insert("dtype".to_owned(), json!([a.dtype.name(), b.dtype.name()]));
    object.insert("shape".to_owned(), json!([a.shape, b.shape]));
    object.extend(changed.values.as_ref().map(|compared| ("values".to_owned(), values(compared))));
    Value::Object(object)
}

fn values(values: &ValueDiff) -> Value {
    let mut object = json!({ "elements": values.elements, "differing": values.differing });
    if let Some(numbers) = &values.numbers {
        object["max_abs"] = number(numbers.max_abs);
        object["max_rel"] = numbers.max_rel.map_or(Value::Null, number);
        object["nan_a"] = json!(numbers.nan_a);
        object["nan_b"] = json!(numbers.nan_b);
    }
    object
}

/// Returns a number as JSON, which has no infinity.
fn number(value: f64) -> Value {
    if value.is_finite() {
        json!(value)
    } else {
        json!("inf")
    }
}
