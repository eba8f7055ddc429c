//! Checks of the pipeline that need no scale: kinds, inputs, references, cycles.

use std::collections::BTreeSet;

use crate::kind::{Arity, InputSpec, Registry};
use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::instance::OWN;
use crate::language::steps::{Definitions, InputDefinition, StepDefinition};
use crate::language::template::Template;
use crate::values::names::likely;

/// Reports everything that is wrong with definitions as a graph; `all` has these and those that they may refer
/// to. `template` is what they are a sketch of.
pub(crate) fn check_structure<'d>(
    definitions: impl IntoIterator<Item = &'d StepDefinition, IntoIter: Clone>,
    all: &Definitions<'d>,
    template: Option<&Template>,
    registry: &Registry,
    problems: &mut Diagnostics,
) {
    let definitions = definitions.into_iter();
    let mut check = Check { all, registry, problems };
    for definition in definitions.clone() {
        match registry.get(&definition.kind) {
            Some(kind) => check.inputs(definition, kind.inputs()),
            None => check.problems.push(
                Diagnostic::user(format!("unknown step kind `{}`", definition.kind))
                    .at(&definition.kind_at)
                    .maybe_help(likely(&definition.kind, registry.names())),
            ),
        }
        for (name, at) in definition.upstream().filter(|(name, _)| !all.contains_key(name)) {
            let found = Diagnostic::user(format!("unknown step `{name}`")).at(at);
            let found = match (name.starts_with(OWN), template) {
                (true, None) => {
                    found.help("`@` stands for a model in its template; here it stands for nothing")
                }
                (true, Some(template)) => {
                    let own = all.keys().copied().filter(|name| name.starts_with(OWN));
                    found
                        .note(&template.at, format!("template `{}` has no such step", template.name))
                        .maybe_help(likely(name, own))
                }
                (false, _) => found.maybe_help(likely(name, all.keys().copied())),
            };
            check.problems.push(found);
        }
    }
    Cycles { definitions: all, path: Vec::new(), done: BTreeSet::new(), problems }.find(definitions);
}

struct Check<'c, 'd> {
    all: &'c Definitions<'d>,
    registry: &'c Registry,
    problems: &'c mut Diagnostics,
}

impl Check<'_, '_> {
    fn inputs(&mut self, definition: &StepDefinition, specs: &[InputSpec]) {
        let kind = &definition.kind;
        for input in &definition.inputs {
            match specs.iter().find(|spec| spec.name == input.name) {
                Some(spec) => self.input(definition, input, spec),
                None => self.problems.push(
                    Diagnostic::user(format!("steps of kind `{kind}` have no input `{}`", input.name))
                        .at(&input.at)
                        .maybe_help(likely(&input.name, specs.iter().map(|spec| spec.name))),
                ),
            }
        }
        for spec in specs.iter().filter(|spec| matches!(spec.arity, Arity::One | Arity::Many)) {
            if !definition.inputs.iter().any(|input| input.name == spec.name) {
                self.problems.push(
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

    fn input(&mut self, definition: &StepDefinition, input: &InputDefinition, spec: &InputSpec) {
        if input.steps.is_empty() {
            self.problems
                .push(Diagnostic::user(format!("input `{}` names no step", input.name)).at(&input.at));
        }
        let mut met = BTreeSet::new();
        for (name, at) in &input.steps {
            if !met.insert(name) {
                self.problems.push(Diagnostic::user(format!("step `{name}` is listed twice")).at(at));
            }
        }
        self.types(definition, input, spec);
        if matches!(spec.arity, Arity::Many | Arity::Any) {
            return;
        }
        if let Some((_, at)) = input.steps.get(1) {
            self.problems.push(Diagnostic::user(format!("input `{}` takes one step", input.name)).at(at));
        }
        for (name, at) in &input.steps {
            if !definition.each_seed && self.all.get(name.as_str()).is_some_and(|step| step.each_seed) {
                self.problems.push(
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

    /// Reports connected steps that make something else than the input takes.
    fn types(&mut self, definition: &StepDefinition, input: &InputDefinition, spec: &InputSpec) {
        for (name, at) in &input.steps {
            let Some(step) = self.all.get(name.as_str()) else { continue };
            let Some(made) = self.registry.get(&step.kind).map(|kind| kind.output()) else { continue };
            if made != spec.takes {
                let message = format!(
                    "`{name}` makes `{made}`, but input `{}` of `{}` takes `{}`",
                    input.name, definition.kind, spec.takes
                );
                self.problems.push(
                    Diagnostic::user(message).at(at).note(&step.at, format!("`{name}` is defined here")),
                );
            }
        }
    }
}

/// Depth-first search with the path so far, so that a cycle can be named.
struct Cycles<'c, 'd> {
    definitions: &'c Definitions<'d>,
    path: Vec<&'d str>,
    done: BTreeSet<&'d str>,
    problems: &'c mut Diagnostics,
}

impl<'d> Cycles<'_, 'd> {
    fn find(&mut self, definitions: impl Iterator<Item = &'d StepDefinition>) {
        for definition in definitions {
            self.visit(definition);
        }
    }

    fn visit(&mut self, definition: &'d StepDefinition) {
        if self.done.contains(definition.name.as_str()) {
            return;
        }
        self.path.push(&definition.name);
        for (name, at) in definition.upstream() {
            if let Some(start) = self.path.iter().position(|on_path| *on_path == name) {
                let cycle = [&self.path[start..], &[name]].concat().join(" <- ");
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
