//! The steps of a template that neither a model nor another template uses, with arguments that stand for any.

use std::collections::BTreeMap;

use crate::language::instance::{OWN, step_name};
use crate::language::placeholder::{self, Arguments};
use crate::language::schema::Holes;
use crate::language::steps::StepDefinition;
use crate::language::template::{Takes, Template};
use crate::values::value::{Located, Origin, Value};

/// A step of such a template, with every string of a list filled in where the template takes one.
pub(crate) struct AloneStep {
    /// Named as in an input of its template: `@.final`.
    pub(crate) step: StepDefinition,
    /// The placeholders for values that only a model would give.
    pub(crate) holes: Holes,
}

/// The steps of a template, once for each string that a parameter takes from a list: such a parameter varies while
/// the others keep their first string.
pub(crate) fn steps_alone(template: &Template) -> Vec<AloneStep> {
    let mut first = Arguments::new();
    let mut variants: Vec<(&String, Located)> = Vec::new();
    let mut holes = Holes::new();
    for (name, parameter) in &template.parameters {
        let argument = |text: &str| Located {
            value: Value::Str(text.to_owned()),
            origin: Origin::File { at: parameter.at.clone(), path: name.as_str().into() },
            key: None,
            via: Vec::new(),
            exact: false,
        };
        match &parameter.takes {
            Takes::OneOf(values) => {
                let mut values = values.iter().map(|value| argument(value));
                first.extend(values.next().map(|value| (name.clone(), value)));
                variants.extend(values.map(|value| (name, value)));
            }
            Takes::Model(model) | Takes::ModelWith(model) => {
                drop(first.insert(name.clone(), argument(model)))
            }
            Takes::Value(takes) => drop(holes.insert(name.clone(), *takes)),
        }
    }
    let mut all = vec![first.clone()];
    all.extend(variants.into_iter().map(|(name, value)| {
        let changed = BTreeMap::from([(name.clone(), value)]);
        first.clone().into_iter().chain(changed).collect()
    }));
    let step = |step: &StepDefinition, arguments: &Arguments| {
        let mut params = step.params.clone();
        placeholder::fill(&mut params, arguments);
        let mut left = Holes::new();
        placeholder::each(&params, &mut |_, name, _| {
            left.extend(holes.get(name).map(|takes| (name.to_owned(), *takes)));
        });
        let name = step_name(OWN, &step.name);
        AloneStep { step: StepDefinition { name, params, ..step.clone() }, holes: left }
    };
    all.iter().flat_map(|arguments| template.steps.values().map(move |one| step(one, arguments))).collect()
}
