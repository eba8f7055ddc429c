//! Checks of the pipeline that need no scale: kinds, inputs, references, cycles.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::{Arity, InputSpec, Registry};
use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::steps::{InputDefinition, StepDefinition};
use crate::values::names::likely;

type Definitions = BTreeMap<String, StepDefinition>;

/// Reports everything that is wrong with the definitions as a graph. All of them are checked, also those
/// that the recipe at hand does not need: a pipeline is right or wrong as a whole.
pub(crate) fn check_structure(definitions: &Definitions, registry: &Registry, problems: &mut Diagnostics) {
    for definition in definitions.values() {
        match registry.get(&definition.kind) {
            Some(kind) => check_inputs(definition, kind.inputs(), definitions, problems),
            None => problems.push(
                Diagnostic::user(format!("unknown step kind `{}`", definition.kind))
                    .at(&definition.kind_at)
                    .maybe_help(likely(&definition.kind, registry.names())),
            ),
        }
        for (name, at) in definition.inputs.iter().flat_map(|input| &input.steps) {
            if !definitions.contains_key(name) {
                let help = likely(name, definitions.keys().map(String::as_str));
                problems.push(Diagnostic::user(format!("unknown step `{name}`")).at(at).maybe_help(help));
            }
        }
    }
    Cycles { definitions, path: Vec::new(), done: BTreeSet::new(), problems }.find();
}

fn check_inputs(
    definition: &StepDefinition,
    specs: &[InputSpec],
    definitions: &Definitions,
    problems: &mut Diagnostics,
) {
    let kind = &definition.kind;
    for input in &definition.inputs {
        match specs.iter().find(|spec| spec.name == input.name) {
            Some(spec) => check_input(definition, input, spec.arity, definitions, problems),
            None => problems.push(
                Diagnostic::user(format!("steps of kind `{kind}` have no input `{}`", input.name))
                    .at(&input.at)
                    .maybe_help(likely(&input.name, specs.iter().map(|spec| spec.name))),
            ),
        }
    }
    for spec in specs.iter().filter(|spec| spec.arity != Arity::Optional) {
        if !definition.inputs.iter().any(|input| input.name == spec.name) {
            problems.push(
                Diagnostic::user(format!("step `{}` lacks the input `{}`", definition.name, spec.name))
                    .at(&definition.at)
                    .help(format!(
                        "steps of kind `{kind}` need it: `inputs = {{ {} = \"STEP\" }}`",
                        spec.name
                    )),
            );
        }
    }
}

fn check_input(
    definition: &StepDefinition,
    input: &InputDefinition,
    arity: Arity,
    definitions: &Definitions,
    problems: &mut Diagnostics,
) {
    if input.steps.is_empty() {
        problems.push(Diagnostic::user(format!("input `{}` names no step", input.name)).at(&input.at));
    }
    let mut met = BTreeSet::new();
    for (name, at) in &input.steps {
        if !met.insert(name) {
            problems.push(Diagnostic::user(format!("step `{name}` is listed twice")).at(at));
        }
    }
    if arity == Arity::Many {
        return;
    }
    if let Some((_, at)) = input.steps.get(1) {
        problems.push(Diagnostic::user(format!("input `{}` takes one step", input.name)).at(at));
    }
    for (name, at) in &input.steps {
        if !definition.each_seed && definitions.get(name).is_some_and(|step| step.each_seed) {
            problems.push(
                Diagnostic::user(format!(
                    "input `{}` takes one step, but `{name}` is one for each seed",
                    input.name
                ))
                .at(at)
                .help(format!("give `{}` an `each = \"seed\"` too", definition.name)),
            );
        }
    }
}

/// Depth-first search with the path so far, so that a cycle can be named.
struct Cycles<'d> {
    definitions: &'d Definitions,
    path: Vec<&'d str>,
    done: BTreeSet<&'d str>,
    problems: &'d mut Diagnostics,
}

impl<'d> Cycles<'d> {
    fn find(&mut self) {
        for definition in self.definitions.values() {
            self.visit(definition);
        }
    }

    fn visit(&mut self, definition: &'d StepDefinition) {
        if self.done.contains(definition.name.as_str()) {
            return;
        }
        self.path.push(&definition.name);
        for (name, at) in definition.inputs.iter().flat_map(|input| &input.steps) {
            if let Some(start) = self.path.iter().position(|on_path| on_path == name) {
                let cycle = [&self.path[start..], &[name.as_str()]].concat().join(" <- ");
                self.problems.push(
                    Diagnostic::user(format!("steps wait for each other: {cycle}"))
                        .at(at)
                        .help("`a <- b` says that `a` takes `b` as an input; break the circle somewhere"),
                );
            } else if let Some(next) = self.definitions.get(name) {
                self.visit(next);
            }
        }
        self.path.pop();
        self.done.insert(&definition.name);
    }
}
