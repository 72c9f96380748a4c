//! Restoring by names: finds the tensors, by full names if the checkpoint lacks the names, and
//! reports the outcome for each.

use std::collections::{BTreeMap, BTreeSet};

use super::super::assign::Batch;
use super::super::candidates::report_with_candidates;
use super::super::name_map::NameMap;
use super::super::options::{Mismatch, RestoreOptions};
use super::super::plan::{Outcomes, Plan, Stored};
use super::super::report::{Report, Row, RowState};
use super::super::restore::unmatched_glob;
use super::super::rows::{glob_row, slice_of, spec_of};
use super::content::plan;
use super::Inner;
use crate::allocate::{list_of, try_list_of, Room, TryPush};
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
        let keys = || reader.tensors().filter_map(|tensor| std::str::from_utf8(tensor.key()).ok());
        let plan = |names: &NameMap, find: &dyn Fn(&str) -> Option<usize>| -> Result<Vec<Plan>> {
            let wanted = self.named.iter().filter(|(name, _)| names.wants(name, options, find));
            let look = |name: &str| names.find(name, find).ok_or_else(|| name.to_owned());
            try_list_of(wanted.map(|(name, node)| plan(nodes, name, *node, &look)))
        };
        let direct = NameMap::new(keys, options).map_err(|e| e.in_file(reader.prefix()));
        let is_malformed = direct.as_ref().is_err_and(|e| e.code() == Code::InvalidArgument);
        let by_key = |key: &str| reader.find(key.as_bytes());
        let mut found = match direct {
            Ok(names) => plan(&names, &by_key).map(|plans| (plans, names)),
            Err(e) => Err(e),
        };
        let is_short = |plans: &[Plan]| plans.iter().any(|plan| matches!(plan.stored, Stored::Missing(_)));
        if !is_malformed && found.as_ref().map_or(true, |(plans, _)| is_short(plans)) {
            if let Some(graph) = reader.object_graph()? {
                let full: BTreeMap<&str, &str> = crate::sort::map_of(
                    graph
                        .nodes()
                        .flat_map(|node| node.attributes().map(|a| (a.full_name, a.checkpoint_key)))
                        .filter(|(name, _)| !name.is_empty()),
                );
                let names = NameMap::new(|| full.keys().copied(), options).map_err(|e| e.in_file(reader.prefix()))?;
                let plans = plan(&names, &|name| full.get(name).and_then(|key| reader.find(key.as_bytes())))?;
                if options.on_mismatch == Mismatch::Fail {
                    check_names(reader, &plans, &full)?;
                }
                found = Ok((plans, names));
                warnings.push(
                    "Restoring an object-based checkpoint using a name-based saver. This may be somewhat fragile; consider loading it as a Checkpoint.".to_owned(),
                );
            }
        }
        let (plans, names) = found?;
        let mut globs = options.unmatched();
        if !options.wants_all() {
            keys()
                .chain(self.named.iter().map(|(name, _)| &**name))
                .filter_map(|key| names.path(key))
                .for_each(|path| globs.see(path));
        }
        let unmatched = globs.left();
        let batch_options = RestoreOptions { reshape: self.options.reshape, ..options.clone() };
        warnings.extend(unmatched.iter().map(|glob| unmatched_glob(glob)));
        let (outcomes, result) = Batch::new(reader, &batch_options, &options.control(), false).run(nodes, &plans);
        let result = result.map_err(|e| match e.reason() {
            Reason::NoTensor => e.prefixed(&due_to("a Variable name or other graph key that is missing")),
            Reason::DType | Reason::Shape => e.prefixed(&due_to("a mismatch between the current graph and the graph")),
            _ => e,
        });
        let mut rows = self.rows(nodes, reader, &names, &plans, outcomes)?;
        rows.make_room(unmatched.len())?;
        rows.extend(unmatched.iter().map(|glob| glob_row(glob)));
        Ok((report_with_candidates(rows)?, result))
    }

    /// Returns one row for each object, then one for each unused value of the checkpoint.
    fn rows(&self, nodes: &Nodes, reader: &Reader, names: &NameMap, plans: &[Plan], outcomes: Outcomes) -> Result<Vec<Row>> {
        let mut used = BTreeSet::new();
        let mut fates = plans.iter().zip(outcomes.each()).peekable();
        let row = |name: &str, key: &str, node: Option<NodeId>, tensor: Option<usize>, state, detail| Row {
            path: name.into(),
            key: key.into(),
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
            let Some((plan, outcome)) = fates.next_if(|(plan, _)| plan.object == *node) else {
                let left_out = Some("excluded by the options".to_owned());
                rows.try_push(row(name, name, Some(*node), reader.find(name.as_bytes()), RowState::Skipped, left_out))?;
                continue;
            };
            let tensors: Vec<usize> = match &plan.stored {
                Stored::Missing(_) => Vec::new(),
                Stored::Variable(tensor) | Stored::Text(tensor) => vec![*tensor],
                Stored::State(_, tensors) => list_of(tensors.iter().map(|(_, tensor)| *tensor))?,
            };
            if tensors.is_empty() {
                let key = String::from_utf8_lossy(plan.key(reader));
                rows.try_push(row(name, &key, Some(*node), None, outcome.state, outcome.detail.clone()))?;
            }
            for &tensor in &tensors {
                let key = reader.tensor(tensor).map_or(Default::default(), |t| String::from_utf8_lossy(t.key()));
                rows.try_push(row(name, &key, Some(*node), Some(tensor), outcome.state, outcome.detail.clone()))?;
            }
            used.extend(tensors);
        }
        let planned: BTreeSet<NodeId> = crate::sort::set_of(plans.iter().map(|plan| plan.object));
        let skipped: BTreeSet<&str> =
            crate::sort::set_of(self.named.iter().filter(|(_, node)| !planned.contains(node)).map(|(name, _)| &**name));
        for tensor in reader.tensors().filter(|t| !used.contains(&t.index()) && t.key() != OBJECT_GRAPH_KEY) {
            let key = String::from_utf8_lossy(tensor.key());
            if names.path(&key).is_some() && !skipped.contains(&*key) {
                rows.try_push(row(&key, &key, None, Some(tensor.index()), RowState::Unused, None))?;
            }
        }
        Ok(rows)
    }
}

/// Fails if a checkpoint with an object graph lacks one of the names.
fn check_names(reader: &Reader, plans: &[Plan], names: &BTreeMap<&str, &str>) -> Result<()> {
    let missing: Vec<String> =
        plans.iter().filter(|plan| matches!(plan.stored, Stored::Missing(_))).map(|plan| printable(plan.key(reader))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let used: BTreeSet<&[u8]> = crate::sort::set_of(plans.iter().map(|plan| plan.key(reader)));
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
