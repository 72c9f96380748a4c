//! Restoring by names: finds the tensors, by full names if the checkpoint lacks the names, and
//! reports the outcome for each.

use std::collections::{BTreeMap, BTreeSet};

use super::super::assign::Batch;
use super::super::options::{Mismatch, RestoreOptions};
use super::super::plan::{Outcomes, Plan, Stored};
use super::super::report::{Report, Row, RowState};
use super::super::rows::{slice_of, spec_of};
use super::content::plan;
use super::Inner;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{NodeId, Nodes};
use crate::reader::{Reader, OBJECT_GRAPH_KEY};

/// The maximum number of names that a message lists.
const SHOWN: usize = 10;

impl Inner {
    /// Restores the objects that the options include. Returns a report together with the result; an
    /// outer error is one without a report.
    pub(super) fn restore(
        &self,
        nodes: &mut Nodes,
        reader: &Reader,
        options: &RestoreOptions,
        warnings: &mut Vec<String>,
    ) -> Result<(Report, Result<()>)> {
        let wanted: Vec<&(Box<str>, NodeId)> = self.named.iter().filter(|(name, _)| options.wants(name)).collect();
        let direct = |key: &str| reader.find(key.as_bytes()).ok_or_else(|| key.to_owned());
        let plan = |find: &dyn Fn(&str) -> std::result::Result<usize, String>| -> Result<Vec<Plan>> {
            wanted.iter().map(|(name, node)| plan(nodes, name, *node, find)).collect()
        };
        let mut plans = plan(&direct)?;
        if plans.iter().any(|plan| matches!(plan.stored, Stored::Missing(_))) {
            if let Some(graph) = reader.object_graph()? {
                let names: BTreeMap<&str, &str> = graph
                    .nodes()
                    .flat_map(|node| node.attributes().map(|a| (a.full_name, a.checkpoint_key)))
                    .filter(|(name, _)| !name.is_empty())
                    .collect();
                let by_full_name =
                    |name: &str| names.get(name).and_then(|key| reader.find(key.as_bytes())).ok_or_else(|| name.to_owned());
                plans = plan(&by_full_name)?;
                if options.on_mismatch == Mismatch::Fail {
                    check_names(reader, &plans, &names)?;
                }
                warnings.push(
                    "Restoring an object-based checkpoint using a name-based saver. This may be somewhat fragile; consider loading it as a Checkpoint.".to_owned(),
                );
            }
        }
        let (outcomes, result) = Batch { reader, options, dry: false }.run(nodes, &plans);
        let result = result.map_err(|e| match e.reason() {
            Reason::NoTensor => e.prefixed(&due_to("a Variable name or other graph key that is missing")),
            Reason::DType | Reason::Shape => e.prefixed(&due_to("a mismatch between the current graph and the graph")),
            _ => e,
        });
        Ok((self.report(nodes, reader, options, &plans, outcomes), result))
    }

    fn report(&self, nodes: &Nodes, reader: &Reader, options: &RestoreOptions, plans: &[Plan], outcomes: Outcomes) -> Report {
        let mut used = BTreeSet::new();
        let mut fates = plans.iter().zip(outcomes.each()).peekable();
        let row = |name: &str, key: &str, node: Option<NodeId>, tensor: Option<usize>, state, detail| Row {
            path: name.to_owned(),
            key: key.to_owned(),
            state,
            saved: tensor.and_then(|tensor| reader.tensor(tensor)).map(|t| (t.dtype(), t.shape().to_vec())),
            program: node.and_then(|node| spec_of(nodes, node)),
            slice: node.and_then(|node| slice_of(nodes, node)),
            node,
            saved_node: None,
            candidate: None,
            detail,
        };
        let mut rows = Vec::new();
        for (name, node) in &self.named {
            let Some((plan, outcome)) = fates.next_if(|(plan, _)| plan.object == *node && options.wants(name)) else {
                let left_out = Some("excluded by the options".to_owned());
                rows.push(row(name, name, Some(*node), reader.find(name.as_bytes()), RowState::Skipped, left_out));
                continue;
            };
            let tensors: Vec<usize> = match &plan.stored {
                Stored::Missing(_) => Vec::new(),
                Stored::Variable(tensor) | Stored::Text(tensor) => vec![*tensor],
                Stored::State(_, tensors) => tensors.iter().map(|(_, tensor)| *tensor).collect(),
            };
            if tensors.is_empty() {
                let key = String::from_utf8_lossy(plan.key(reader));
                rows.push(row(name, &key, Some(*node), None, outcome.state, outcome.detail.clone()));
            }
            for &tensor in &tensors {
                let key = reader.tensor(tensor).map_or(Default::default(), |t| String::from_utf8_lossy(t.key()));
                rows.push(row(name, &key, Some(*node), Some(tensor), outcome.state, outcome.detail.clone()));
            }
            used.extend(tensors);
        }
        let skipped: BTreeSet<&str> = self.named.iter().map(|(name, _)| &**name).filter(|name| !options.wants(name)).collect();
        for tensor in reader.tensors().filter(|t| !used.contains(&t.index()) && t.key() != OBJECT_GRAPH_KEY) {
            let key = String::from_utf8_lossy(tensor.key());
            if !skipped.contains(&*key) {
                rows.push(row(&key, &key, None, Some(tensor.index()), RowState::Unused, None));
            }
        }
        Report::new(rows)
    }
}

/// Fails if a checkpoint with an object graph lacks one of the names.
fn check_names(reader: &Reader, plans: &[Plan], names: &BTreeMap<&str, &str>) -> Result<()> {
    let missing: Vec<String> =
        plans.iter().filter(|plan| matches!(plan.stored, Stored::Missing(_))).map(|plan| printable(plan.key(reader))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let used: BTreeSet<&[u8]> = plans.iter().map(|plan| plan.key(reader)).collect();
    let (matched, extra): (Vec<_>, Vec<_>) = names.iter().partition(|(_, key)| used.contains(key.as_bytes()));
    let extra: Vec<String> = extra.into_iter().map(|(name, _)| printable(name.as_bytes())).collect();
    Err(Error::new(
        Code::NotFound,
        Reason::NoTensor,
        format!(
            "Existing variables not in the checkpoint: {}; Variables names when this checkpoint was written which don't exist now: {}; ({} variable name(s) did match). \
             It has an object graph and was read by the full names of its variables, which may differ from those of the program",
            first(&missing),
            first(&extra),
            matched.len()
        ),
    )
    .in_file(reader.prefix()))
}

/// Returns the first few names of a list.
fn first(names: &[String]) -> String {
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

fn due_to(what: &str) -> String {
    format!(
        "Restoring from checkpoint failed. This is most likely due to {what} from the checkpoint. Please ensure that you have not altered the graph expected \
         based on the checkpoint"
    )
}
