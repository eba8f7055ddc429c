//! From templates to steps: the steps of a model, and a sketch of them by which a template is checked alone.

use std::collections::BTreeSet;

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::model::Model;
use crate::language::placeholder::{self, Arguments};
use crate::language::steps::{InputDefinition, StepDefinition};
use crate::language::template::{Takes, Template, Templates};
use crate::values::location::Location;
use crate::values::value::{Located, Value};

/// What stands for a model's own name in the inputs of its template's steps.
pub(crate) const OWN: &str = "@";

/// The name of a model's step.
pub(crate) fn step_name(model: &str, step: &str) -> String {
    format!("{model}.{step}")
}

/// The steps of a model.
pub(crate) fn steps_of<'a>(
    model: &'a Model,
    template: &'a Template,
) -> impl Iterator<Item = StepDefinition> + 'a {
    template.steps.values().map(|step| {
        let mut params = step.params.clone();
        placeholder::fill(&mut params, &model.arguments);
        StepDefinition {
            name: step_name(&model.name, &step.name),
            model: Some(model.name.clone()),
            about: step.about.as_ref().map(|about| placeholder::fill_text(about, &model.arguments)),
            inputs: inputs(step, |name| {
                let own = name.strip_prefix(OWN).filter(|rest| rest.starts_with('.'));
                match own {
                    Some(rest) => format!("{}{rest}", model.name),
                    None => placeholder::fill_text(name, &model.arguments),
                }
            }),
            params,
            ..step.clone()
        }
    })
}

fn inputs(step: &StepDefinition, rename: impl Fn(&str) -> String) -> Vec<InputDefinition> {
    let rename = |(name, at): &(String, Location)| (rename(name), at.clone());
    let input = |input: &InputDefinition| InputDefinition {
        steps: input.steps.iter().map(rename).collect(),
        ..input.clone()
    };
    step.inputs.iter().map(input).collect()
}

/// A template as a model of its own, called `@`, for checks.
pub(crate) struct Sketch {
    /// The template's steps.
    pub(crate) own: Vec<StepDefinition>,
    /// Steps of the models that it takes as arguments, called by the placeholder: `{chain}.traces`.
    pub(crate) others: Vec<StepDefinition>,
}

/// The sketches of a template. There is one, unless inputs name steps by a parameter that takes a string from a
/// list, such as `{chain}.weights-{estimator}`: then there is one for each combination of such strings. Names
/// that hold another placeholder than these and models are reported, and there is no sketch.
pub(crate) fn sketches(
    template: &Template,
    templates: &Templates,
    problems: &mut Diagnostics,
) -> Vec<Sketch> {
    let before = problems.len();
    let choices = choices(template, problems);
    if problems.len() > before {
        return Vec::new();
    }
    let others = steps_of_arguments(template, templates);
    let sketch = |arguments: Arguments| {
        let own = template.steps.values().map(|step| StepDefinition {
            name: step_name(OWN, &step.name),
            inputs: inputs(step, |name| placeholder::fill_text(name, &arguments)),
            ..step.clone()
        });
        Sketch { own: own.collect(), others: others.clone() }
    };
    combinations(template, &choices).into_iter().map(sketch).collect()
}

/// The parameters that take a string from a list and stand in the name of an input's step. Reports parameters
/// there that take neither such a string nor a model.
fn choices<'t>(template: &'t Template, problems: &mut Diagnostics) -> BTreeSet<&'t str> {
    let mut choices = BTreeSet::new();
    for (reference, at) in template.steps.values().flat_map(StepDefinition::upstream) {
        for (name, _) in placeholder::names(reference) {
            let Some((name, parameter)) = template.parameters.get_key_value(name) else { continue };
            match &parameter.takes {
                Takes::OneOf(_) => drop(choices.insert(name.as_str())),
                Takes::Value(takes) => {
                    let message =
                        format!("`{{{name}}}` is {} and cannot stand in a step's name", takes.with_article());
                    problems.push(
                        Diagnostic::user(message)
                            .at(at)
                            .note(&parameter.at, format!("`{name}` is declared here"))
                            .help("models and strings from a list can"),
                    );
                }
                Takes::Model(_) | Takes::ModelWith(_) => {}
            }
        }
    }
    choices
}

/// Every combination of arguments for these parameters, each of which takes a string from a list.
fn combinations(template: &Template, choices: &BTreeSet<&str>) -> Vec<Arguments> {
    let mut combinations = vec![Arguments::new()];
    for (name, parameter) in template.parameters.iter().filter(|(name, _)| choices.contains(name.as_str())) {
        let Takes::OneOf(values) = &parameter.takes else { continue };
        let with = |one: Arguments| {
            values.iter().map(move |value| {
                let mut one = one.clone();
                let argument = Located { value: Value::Str(value.clone()), ..template.root.clone() };
                one.insert(name.clone(), argument);
                one
            })
        };
        combinations = combinations.into_iter().flat_map(with).collect();
    }
    combinations
}

/// The steps of the models that a template takes as arguments, named by the parameter: `{chain}.traces`.
fn steps_of_arguments(template: &Template, templates: &Templates) -> Vec<StepDefinition> {
    let steps = template.parameters.iter().flat_map(|(name, parameter)| {
        let steps: Vec<&StepDefinition> = match &parameter.takes {
            Takes::Model(other) => {
                templates.get(other).into_iter().flat_map(|other| other.steps.values()).collect()
            }
            // Whichever template has it: steps of one name make artefacts of one type.
            Takes::ModelWith(step) => {
                templates.values().find_map(|other| other.steps.get(step)).into_iter().collect()
            }
            Takes::OneOf(_) | Takes::Value(_) => Vec::new(),
        };
        let named = move |step: &StepDefinition| StepDefinition {
            name: step_name(&format!("{{{name}}}"), &step.name),
            inputs: Vec::new(),
            ..step.clone()
        };
        steps.into_iter().map(named)
    });
    steps.collect()
}
