//! Step definitions as they stand in `recipes/pipeline/*.toml` and in recipes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::locate::{Fields, Keys, Part, diagnose, expect_table};
use crate::values::location::Location;
use crate::values::path::ValuePath;
use crate::values::value::{Located, Table, Value};

/// One `[steps.NAME]`.
#[derive(Clone, Debug)]
pub(crate) struct StepDefinition {
    pub(crate) name: String,
    /// The name of the model that it belongs to.
    pub(crate) model: Option<String>,
    /// Place of the name.
    pub(crate) at: Location,
    pub(crate) kind: String,
    pub(crate) kind_at: Location,
    /// True for `each = "seed"`.
    pub(crate) each_seed: bool,
    pub(crate) about: Option<String>,
    /// By input name, so in a fixed order.
    pub(crate) inputs: Vec<InputDefinition>,
    /// The table `params`; empty if there is none.
    pub(crate) params: Located,
}

/// One entry of `inputs`.
#[derive(Clone, Debug)]
pub(crate) struct InputDefinition {
    pub(crate) name: String,
    /// Place of the name.
    pub(crate) at: Location,
    /// Step names in the order written, each with its place.
    pub(crate) steps: Vec<(String, Location)>,
}

/// The only value of `each`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Each {
    Seed,
}

/// Keys of a step.
const KNOWN: [&str; 6] = ["kind", "model", "each", "about", "inputs", "params"];

/// Reads the table `steps`. A step with a mistake is reported and left out.
pub(crate) fn read_steps(steps: &Located, problems: &mut Diagnostics) -> Vec<StepDefinition> {
    let table = expect_table(steps, "`steps`", problems);
    table.into_iter().flatten().filter_map(|(name, step)| read_step(name, step, problems)).collect()
}

fn read_step(name: &str, step: &Located, problems: &mut Diagnostics) -> Option<StepDefinition> {
    let at = step.key.as_ref()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || !name.chars().all(plain) {
        let message = format!("`{name}` cannot name a step");
        problems.push(Diagnostic::user(message).at(at).help("use letters, digits, `-`, `_` and `.`"));
        return None;
    }
    read_definition(name, step, ("a step", &KNOWN), problems)
}

/// Reads the table of one step. `known` are the keys that it may have here; `what` names it in messages.
pub(crate) fn read_definition(
    name: &str,
    step: &Located,
    (what, known): (&'static str, &[&str]),
    problems: &mut Diagnostics,
) -> Option<StepDefinition> {
    let at = step.key.clone()?;
    let mut fields = Fields::open(step, what, Keys::Only(known), problems)?;
    let kind: Option<String> = fields.required("kind");
    let kind_at = fields.raw("kind").and_then(|kind| kind.origin.location()).cloned();
    let model = fields.optional("model");
    let each_seed = fields.optional::<Each>("each").is_some();
    let about = fields.optional("about");
    let inputs = fields.raw("inputs").map(|inputs| read_inputs(inputs, "inputs", fields.problems()));
    let params = match step.at("params") {
        Some(params) => {
            expect_table(params, "`params`", problems)?;
            params.clone()
        }
        None => Located { value: Value::Table(Table::new()), ..step.clone() },
    };
    Some(StepDefinition {
        name: name.to_owned(),
        model,
        at,
        kind: kind?,
        kind_at: kind_at?,
        each_seed,
        about,
        inputs: inputs.unwrap_or_default(),
        params,
    })
}

/// Reads a table of inputs, which stands under `key`.
pub(crate) fn read_inputs(inputs: &Located, key: &str, problems: &mut Diagnostics) -> Vec<InputDefinition> {
    let table = expect_table(inputs, &format!("`{key}`"), problems);
    table
        .into_iter()
        .flatten()
        .filter_map(|(name, input)| {
            let steps = match &input.value {
                Value::Str(_) => vec![read_step_name(input, problems)?],
                Value::List(items) => {
                    items.iter().filter_map(|item| read_step_name(item, problems)).collect()
                }
                other => {
                    let message = format!(
                        "input `{name}`: expected a step's name or a list of them, found {}",
                        other.type_name()
                    );
                    problems.push(diagnose(input, &ValuePath::default(), Part::Value, message, None));
                    return None;
                }
            };
            Some(InputDefinition { name: name.clone(), at: input.key.clone()?, steps })
        })
        .collect()
}

fn read_step_name(located: &Located, problems: &mut Diagnostics) -> Option<(String, Location)> {
    match located.value.as_str().zip(located.origin.location()) {
        Some((name, at)) => Some((name.to_owned(), at.clone())),
        None => {
            let message = format!("expected a step's name, found {}", located.value.type_name());
            problems.push(diagnose(located, &ValuePath::default(), Part::Value, message, None));
            None
        }
    }
}

/// Definitions by name.
pub(crate) type Definitions<'d> = BTreeMap<&'d str, &'d StepDefinition>;

impl StepDefinition {
    /// The steps that it takes, each with the place where it is named.
    pub(crate) fn upstream(&self) -> impl Iterator<Item = (&str, &Location)> {
        self.inputs.iter().flat_map(|input| &input.steps).map(|(step, at)| (step.as_str(), at))
    }
}

/// The names of all steps that these targets need, themselves included.
pub(crate) fn needed<'d>(
    definitions: &Definitions<'d>,
    targets: impl IntoIterator<Item = &'d str>,
) -> BTreeSet<&'d str> {
    let mut needed = BTreeSet::new();
    let mut queue: Vec<&str> = targets.into_iter().collect();
    while let Some(name) = queue.pop() {
        if let Some(definition) = definitions.get(name).filter(|_| needed.insert(name)) {
            queue.extend(definition.upstream().map(|(step, _)| step));
        }
    }
    needed
}
