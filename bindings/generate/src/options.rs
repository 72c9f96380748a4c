//! The options that are set by plain values: numbers, constants and names. Callbacks, other
//! options, paths and arrays are for hands.

use crate::abi::{short, Abi, Function, Parameter};
use crate::text::pascal;

/// What Go and C# call an option otherwise than by its name: `!` in front says the contrary, `?`
/// behind that it can be left out (nil, null), `~` that it is a time, `=` what it is by default.
const SPECIAL: &[(&str, &str, &str)] = &[
    ("collect_options.keep_checkpoint_every_n_hours", "KeepEveryNHours", "KeepEveryNHours"),
    ("manager_options.max_to_keep", "MaxToKeep", "MaxToKeep?"),
    ("manager_options.keep_checkpoint_every_n_hours", "KeepEveryNHours", "KeepEveryNHours"),
    ("manager_options.checkpoint_interval", "CheckpointInterval", "CheckpointInterval?"),
    ("manager_options.last_checkpoint_step", "LastCheckpointStep?", "LastCheckpointStep?"),
    ("manager_save_options.number", "Number?", "Number?"),
    ("manager_save_options.check_interval", "!IgnoreInterval", "CheckInterval=true"),
    ("manager_save_options.step", "Step?", "Step?"),
    ("manager_save_options.metric", "Metric?", "Metric?"),
    ("restore_options.rename", "Renames", "Renames"),
    ("resume_options.step", "Step?", "Step?"),
    ("saver_options.max_to_keep", "MaxToKeep?", "MaxToKeep=5"),
    ("saver_options.keep_checkpoint_every_n_hours", "KeepEveryNHours", "KeepEveryNHours=10000"),
    ("saver_options.save_relative_paths", "!AbsolutePaths", "RelativePaths=true"),
    ("saver_save_options.global_step", "GlobalStep?", "GlobalStep?"),
    ("saver_save_options.write_state", "!NoState", "WriteState=true"),
    ("wait_options.timeout", "Timeout?~", "Timeout?~"),
    ("wait_options.poll_interval", "PollInterval~", "PollInterval?~"),
    ("wait_options.min_interval", "MinInterval~", "MinInterval?~"),
];

/// The name in an entry of [`SPECIAL`].
pub fn name(special: &str) -> &str {
    special.split('=').next().unwrap_or_default().trim_matches(['!', '?', '~'])
}

pub struct Setter<'a> {
    pub function: &'a Function,
    pub name: &'a str,
    /// May be called again and again.
    pub adds: bool,
    /// What is set: without the options, the lengths of texts and the error.
    pub values: Vec<&'a Parameter>,
    /// As in [`SPECIAL`].
    pub go: String,
    pub csharp: String,
}

impl Setter<'_> {
    /// What is given for each value: `first`, then what has a name of its own, or parts of what is
    /// added.
    pub fn given(&self, first: &str, other: &str) -> Vec<String> {
        let given = |(at, value): (usize, &&Parameter)| match (self.adds, at) {
            (true, _) if self.values.len() > 1 => format!("each.{}", pascal(&value.name)),
            (true, _) => "each".to_owned(),
            (false, 0) => first.to_owned(),
            (false, _) => other.to_owned() + &pascal(&value.name),
        };
        self.values.iter().enumerate().map(given).collect()
    }
}

pub struct Options<'a> {
    /// Without prefix.
    pub name: &'a str,
    /// Whether `_new` needs no arguments.
    pub has_default: bool,
    pub setters: Vec<Setter<'a>>,
}

/// All options, in the order of the header.
pub fn all(abi: &Abi) -> impl Iterator<Item = Options<'_>> {
    abi.handles.iter().filter(|handle| handle.name.ends_with("_options")).map(|handle| {
        let own = |verb: &str| format!("{}_{verb}", handle.name);
        let changes = |f: &&Function| f.name.starts_with(&own("set_")) || f.name.starts_with(&own("add_"));
        let setters = abi.functions.iter().filter(changes).filter_map(|f| setter(f, &handle.name)).collect();
        let has_default = abi.functions.iter().any(|f| f.name == own("new") && f.parameters.is_empty());
        Options { name: short(&handle.name), has_default, setters }
    })
}

fn setter<'a>(function: &'a Function, options: &str) -> Option<Setter<'a>> {
    let (verb, name) = function.name[options.len() + 1..].split_once('_')?;
    let values: Vec<&Parameter> = function.parameters[1..].iter().filter(|p| !matches!(p.role, "length" | "error")).collect();
    let special = SPECIAL.iter().find(|(of, ..)| of.split_once('.') == Some((short(options), name)));
    let (go, csharp) = special.map_or((pascal(name), pascal(name)), |(_, go, csharp)| (go.to_string(), csharp.to_string()));
    let is_plain = values.iter().all(|p| matches!(p.role, "value" | "text"));
    is_plain.then_some(Setter { function, name, adds: verb == "add", values, go, csharp })
}
