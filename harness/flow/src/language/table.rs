//! `[table]`: which step makes a table, and which steps of the rows' models it takes.

use std::collections::BTreeSet;

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::instance::{OWN, step_name};
use crate::language::locate::{Part, diagnose, place};
use crate::language::model::{Model, Models};
use crate::language::recipe::Recipe;
use crate::language::steps::{InputDefinition, StepDefinition, read_definition, read_inputs};
use crate::language::template::{Takes, Templates};
use crate::values::location::Location;
use crate::values::names::{likely, near};
use crate::values::path::ValuePath;
use crate::values::value::{Located, Table, Value};

/// How recipes of kind `table` are made.
#[derive(Clone, Debug)]
pub(crate) struct TableRule {
    /// The step, with the inputs that are the same for every table.
    pub(crate) step: StepDefinition,
    /// Inputs that take a step of the model of each row, such as `@.verdicts`.
    rows: Vec<InputDefinition>,
    /// Inputs that take a step of every model that has it, among the rows' models and the models that these take
    /// as arguments, directly or not.
    models: Vec<InputDefinition>,
}

/// Keys of `[table]`: those of a step that can be given, and `rows` and `models`.
const KNOWN: [&str; 6] = ["kind", "about", "inputs", "params", "rows", "models"];

/// The key of a recipe that lists the rows, and the key of a row that names its model.
pub(crate) const ROWS: &str = "rows";
pub(crate) const MODEL: &str = "model";
/// The key of a row that needs no model: the step that makes the table reads what stands under it.
pub(crate) const IMPORTED: &str = "imported";

/// Reads `[table]`.
pub(crate) fn read_table(table: &Located, problems: &mut Diagnostics) -> Option<TableRule> {
    let step = read_definition("table", table, ("`[table]`", &KNOWN), problems)?;
    let mut of_models = |key: &str| {
        let inputs = table.at(key).map(|inputs| read_inputs(inputs, key, problems)).unwrap_or_default();
        for (name, at) in inputs.iter().flat_map(|input| &input.steps) {
            if own_step(name).is_none() {
                let message = format!("`{key}`: `{name}` is not a step of a model");
                let help = "`@` stands for the model: write `\"@.verdicts\"`";
                problems.push(Diagnostic::user(message).at(at).help(help));
            }
        }
        inputs
    };
    let (rows, models) = (of_models("rows"), of_models("models"));
    for (i, input) in rows.iter().chain(&models).enumerate() {
        let earlier = step.inputs.iter().chain(rows.iter().chain(&models).take(i));
        if let Some(first) = earlier.into_iter().find(|first| first.name == input.name) {
            let message = format!("input `{}` is given twice", input.name);
            problems.push(Diagnostic::user(message).at(&input.at).note(&first.at, "first given here"));
        }
    }
    Some(TableRule { step, rows, models })
}

/// The step in `@.step`.
fn own_step(name: &str) -> Option<&str> {
    name.strip_prefix(OWN)?.strip_prefix('.')
}

/// What a table is made from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) rule: Option<&'a TableRule>,
    pub(crate) templates: &'a Templates,
    pub(crate) models: &'a Models,
}

/// The step that makes a recipe's table, named like the recipe. `content` is the recipe's, with references
/// replaced.
pub(crate) fn table_step(
    recipe: &Recipe,
    content: &Table,
    source: Source<'_>,
    problems: &mut Diagnostics,
) -> Option<StepDefinition> {
    let Some(rule) = source.rule else {
        let message = format!(
            "recipe `{}` names no `target`, and the pipeline does not say how a table is made",
            recipe.name
        );
        let help = "add `[table]` to a file in recipes/pipeline, or name the `target` step";
        problems.push(Diagnostic::user(message).at(recipe.start()).help(help));
        return None;
    };
    let before = problems.len();
    for own in &recipe.inputs {
        if let Some(rule) = rule.rows.iter().chain(&rule.models).find(|input| input.name == own.name) {
            let message = format!("input `{}` takes a step of the models", own.name);
            problems.push(Diagnostic::user(message).at(&own.at).note(&rule.at, "as `[table]` says here"));
        }
    }
    let rows = models_of_rows(recipe, content, source.models, problems);
    if rows.is_empty() && !imports(content) && !recipe.absent.is_empty() {
        let message = format!("no row of `{}` can be measured at this scale", recipe.name);
        let help = "its pipeline lists all of its models as `[absent]`; `assay audit` checks printed values";
        problems.push(Diagnostic::user(message).at(recipe.start()).help(help));
    } else if rows.is_empty() && !imports(content) && problems.len() == before {
        no_model(recipe, content).into_iter().for_each(|problem| problems.push(problem));
    }
    // What all tables take is taken for their models.
    let mut inputs = if rows.is_empty() { Vec::new() } else { rule.step.inputs.clone() };
    inputs.retain(|input| !recipe.inputs.iter().any(|own| own.name == input.name));
    inputs.extend(recipe.inputs.iter().cloned());
    let rules = rule.rows.iter().filter(|_| !rows.is_empty());
    inputs.extend(rules.map(|input| {
        let of_row = |(model, at): &(&Model, Location)| {
            // A model that has something else for the table, such as diagnostics alone, need not have this.
            let place = (!has_any(model, &rule.models, source.templates)).then_some(at);
            of_model(input, model, place, rule, source.templates, problems)
        };
        InputDefinition { steps: rows.iter().flat_map(of_row).collect(), ..input.clone() }
    }));
    inputs.retain(|input| !input.steps.is_empty());
    let all = with_arguments(rows.iter().map(|(model, _)| *model), source);
    let optional = rule.models.iter().map(|input| {
        let steps =
            all.iter().flat_map(|model| of_model(input, model, None, rule, source.templates, problems));
        InputDefinition { steps: steps.collect(), ..input.clone() }
    });
    inputs.extend(optional.filter(|input| !input.steps.is_empty()));
    inputs.sort_by(|a, b| a.name.cmp(&b.name));
    (problems.len() == before).then(|| StepDefinition {
        name: recipe.name.clone(),
        inputs,
        ..rule.step.clone()
    })
}

/// What is wrong with a recipe whose rows name no model: misspelt keys, else that there is nothing to run.
fn no_model(recipe: &Recipe, content: &Table) -> Vec<Diagnostic> {
    let mut misspelt = Vec::new();
    if let Some(rows) = content.get(ROWS) {
        for (i, row) in rows.value.as_list().into_iter().flatten().enumerate() {
            let keys = row.value.as_table().into_iter().flatten().map(|(key, _)| key.as_str());
            if let Some(key) = near(MODEL, keys) {
                let path = ValuePath::default().index(i).then(key);
                let message = format!("`{ROWS}[{i}]`: unknown key `{key}`");
                let help = Some(format!("did you mean `{MODEL}`?"));
                misspelt.push(diagnose(rows, &path, Part::Key, message, help));
            }
        }
    }
    if misspelt.is_empty() {
        let message = format!("nothing to run: no row of `{}` names a model", recipe.name);
        let help = "give a row a `model`, or `imported` files";
        misspelt.push(Diagnostic::user(message).at(recipe.start()).help(help));
    }
    misspelt
}

/// Whether a row takes scores that were imported.
fn imports(content: &Table) -> bool {
    let rows = content.get(ROWS).and_then(|rows| rows.value.as_list());
    rows.into_iter().flatten().any(|row| row.at(IMPORTED).is_some())
}

/// The models that rows name, each once, in the order of the rows, with the place where it is named first.
fn models_of_rows<'m>(
    recipe: &Recipe,
    content: &Table,
    models: &'m Models,
    problems: &mut Diagnostics,
) -> Vec<(&'m Model, Location)> {
    let mut found: Vec<(&Model, Location)> = Vec::new();
    let Some(rows) = content.get(ROWS) else {
        problems.push(match near(ROWS, content.keys().map(String::as_str)) {
            Some(misspelt) => {
                let found = Diagnostic::user(format!("unknown key `{misspelt}` in a recipe"));
                let at = content[misspelt].key.as_ref().unwrap_or(recipe.start());
                found.at(at).help(format!("did you mean `{ROWS}`?"))
            }
            None => Diagnostic::user(format!("key `{ROWS}` is missing")).at(recipe.start()),
        });
        return found;
    };
    let Some(list) = rows.value.as_list() else {
        let message = format!("`{ROWS}`: expected a list of tables, found {}", rows.value.type_name());
        problems.push(diagnose(rows, &ValuePath::default(), Part::Value, message, None));
        return found;
    };
    for (i, row) in list.iter().enumerate() {
        let path = ValuePath::default().index(i).then(MODEL);
        let Some(named) = row.at(MODEL) else { continue };
        match &named.value {
            Value::Str(name) => match models.get(name) {
                Some(model) if found.iter().any(|(known, _)| known.name == model.name) => {}
                Some(model) => found.push((model, place(named, recipe.start()).clone())),
                None => {
                    let help = likely(name, models.keys().map(String::as_str));
                    problems.push(diagnose(
                        rows,
                        &path,
                        Part::Value,
                        format!("unknown model `{name}`"),
                        help,
                    ));
                }
            },
            other => {
                let message = format!("`{MODEL}`: expected a string, found {}", other.type_name());
                problems.push(diagnose(rows, &path, Part::Value, message, None));
            }
        }
    }
    found
}

/// Whether a model has a step that one of the inputs takes.
fn has_any(model: &Model, inputs: &[InputDefinition], templates: &Templates) -> bool {
    let steps = &templates[&model.template].steps;
    let taken = inputs.iter().flat_map(|input| &input.steps).filter_map(|(name, _)| own_step(name));
    taken.into_iter().any(|step| steps.contains_key(step))
}

/// A model's steps for an input. With `row`, the place that names the model, a step that it lacks is reported.
fn of_model(
    input: &InputDefinition,
    model: &Model,
    row: Option<&Location>,
    rule: &TableRule,
    templates: &Templates,
    problems: &mut Diagnostics,
) -> Vec<(String, Location)> {
    let template = &templates[&model.template];
    let mut steps = Vec::new();
    for (name, at) in &input.steps {
        let Some(step) = own_step(name) else { continue };
        if template.steps.contains_key(step) {
            steps.push((step_name(&model.name, step), at.clone()));
        } else if let Some(row) = row {
            let message = format!("model `{}` has no step `{step}`", model.name);
            let wanted = format!("input `{}` of `{}` takes it", input.name, rule.step.kind);
            problems.push(
                Diagnostic::user(message)
                    .at(row)
                    .note(&template.at, format!("its template `{}` is here", template.name))
                    .note(at, wanted)
                    .maybe_help(likely(step, template.steps.keys().map(String::as_str))),
            );
        }
    }
    steps
}

/// These models and all that they take as arguments, each once.
fn with_arguments<'m>(models: impl Iterator<Item = &'m Model>, source: Source<'m>) -> Vec<&'m Model> {
    let mut queue: Vec<&Model> = models.collect();
    let mut met: BTreeSet<&str> = queue.iter().map(|model| model.name.as_str()).collect();
    let mut next = 0;
    while let Some(model) = queue.get(next) {
        next += 1;
        let parameters = &source.templates[&model.template].parameters;
        let taken = model
            .arguments
            .iter()
            .filter(|(name, _)| matches!(parameters[*name].takes, Takes::Model(_) | Takes::ModelWith(_)));
        let taken = taken.filter_map(|(_, argument)| source.models.get(argument.value.as_str()?));
        let new: Vec<&Model> = taken.filter(|model| met.insert(&model.name)).collect();
        queue.extend(new);
    }
    queue
}
