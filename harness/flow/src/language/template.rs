//! `[templates.NAME]`: steps that many models have in common, with typed parameters.

use std::collections::{BTreeMap, BTreeSet};

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::locate::{Fields, Keys, Part, diagnose, expect_table};
use crate::language::placeholder;
use crate::language::steps::{Each, StepDefinition, read_steps};
use crate::values::location::Location;
use crate::values::names::likely;
use crate::values::path::ValuePath;
use crate::values::value::{Located, Value};

/// A template. After [`link`] it holds what it takes over by `use` as well.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) name: String,
    /// Place of the name.
    pub(crate) at: Location,
    /// Place of `takes`, or of the name if there is none.
    pub(crate) takes_at: Location,
    pub(crate) parameters: BTreeMap<String, Parameter>,
    /// Names of other templates, each with its place.
    uses: Vec<(String, Location)>,
    /// Its own name and those of all templates that it takes over.
    pub(crate) is: BTreeSet<String>,
    /// By name. In inputs `@.NAME` is a step of the same model and `{PARAMETER}.NAME` one of another.
    pub(crate) steps: BTreeMap<String, StepDefinition>,
    /// The template itself, for errors at placeholders.
    pub(crate) root: Located,
}

/// By name.
pub(crate) type Templates = BTreeMap<String, Template>;

/// What a template takes under one name.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    /// Place of its name in `takes`.
    pub(crate) at: Location,
    pub(crate) takes: Takes,
}

/// The type of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// One of these strings.
    OneOf(Vec<String>),
    /// A value of a type, written out or as `$path`.
    Value(ValueType),
    /// The name of a model of this template.
    Model(String),
    /// The name of a model, of whatever template, that has a step of this name.
    ModelWith(String),
}

/// A type of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueType {
    String,
    Integer,
    Number,
    Boolean,
    List,
    Table,
}

impl ValueType {
    const ALL: [Self; 6] =
        [Self::String, Self::Integer, Self::Number, Self::Boolean, Self::List, Self::Table];

    /// As `takes` names it.
    fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Table => "table",
        }
    }

    /// Whether a value is of this type. An integer does for a number.
    pub(crate) fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => matches!(value, Value::Str(_)),
            Self::Integer => matches!(value, Value::Int(_)),
            Self::Number => matches!(value, Value::Int(_) | Value::Float(_)),
            Self::Boolean => matches!(value, Value::Bool(_)),
            Self::List => matches!(value, Value::List(_)),
            Self::Table => matches!(value, Value::Table(_)),
        }
    }

    /// With its article, as messages name it.
    pub(crate) fn with_article(self) -> String {
        let article = if self == Self::Integer { "an" } else { "a" };
        format!("{article} {}", self.name())
    }
}

/// Names that mean something else in the table of a model.
pub(crate) const RESERVED: [&str; 4] = ["template", "for", "zip", "cross"];

const KNOWN: [&str; 5] = ["about", "each", "takes", "use", "steps"];

/// Reads the table `templates`. A template with a mistake is reported and left out.
pub(crate) fn read_templates(templates: &Located, problems: &mut Diagnostics) -> Vec<Template> {
    let table = expect_table(templates, "`templates`", problems);
    table.into_iter().flatten().filter_map(|(name, root)| read_template(name, root, problems)).collect()
}

fn read_template(name: &str, root: &Located, problems: &mut Diagnostics) -> Option<Template> {
    let at = root.key.clone()?;
    let mut fields = Fields::open(root, "a template", Keys::Only(&KNOWN), problems)?;
    let _: Option<String> = fields.optional("about");
    let each_seed = fields.optional::<Each>("each").is_some();
    let _: Option<Vec<String>> = fields.optional("use");
    let uses = fields.raw("use").and_then(|uses| uses.value.as_list()).unwrap_or_default();
    let uses = uses.iter().filter_map(|one| Some((one.value.as_str()?, one.origin.location()?)));
    let uses = uses.map(|(name, at)| (name.to_owned(), at.clone())).collect();
    let takes = fields.raw("takes");
    let takes_at = takes.and_then(|takes| takes.key.clone()).unwrap_or_else(|| at.clone());
    let parameters = takes.map(|takes| read_takes(takes, fields.problems())).unwrap_or_default();
    let steps = fields.raw("steps").map(|steps| read_steps(steps, fields.problems())).unwrap_or_default();
    for step in steps.iter().filter(|step| step.model.is_some()) {
        let message = format!("step `{}` belongs to the models of the template", step.name);
        problems.push(Diagnostic::user(message).at(&step.at).help("remove its `model`"));
    }
    let steps = steps.into_iter().map(|step| {
        let each_seed = step.each_seed || each_seed;
        (step.name.clone(), StepDefinition { each_seed, ..step })
    });
    let steps = steps.collect();
    let is = BTreeSet::from([name.to_owned()]);
    Some(Template { name: name.to_owned(), at, takes_at, parameters, uses, is, steps, root: root.clone() })
}

fn read_takes(takes: &Located, problems: &mut Diagnostics) -> BTreeMap<String, Parameter> {
    let table = expect_table(takes, "`takes`", problems);
    let mut parameters = BTreeMap::new();
    for (name, located) in table.into_iter().flatten() {
        let Some(at) = located.key.clone() else { continue };
        if RESERVED.contains(&name.as_str()) {
            let message = format!("`{name}` cannot name a parameter: it has a meaning of its own in a model");
            problems.push(Diagnostic::user(message).at(&at));
        } else if let Some(takes) = read_type(located, problems) {
            parameters.insert(name.clone(), Parameter { at, takes });
        }
    }
    parameters
}

fn read_type(located: &Located, problems: &mut Diagnostics) -> Option<Takes> {
    let mut report = |message: String, help: Option<String>| {
        problems.push(diagnose(located, &ValuePath::default(), Part::Value, message, help));
        None
    };
    match &located.value {
        Value::Str(text) => {
            if let Some(template) = text.strip_prefix("template:") {
                return Some(Takes::Model(template.to_owned()));
            }
            if let Some(step) = text.strip_prefix("step:") {
                return Some(Takes::ModelWith(step.to_owned()));
            }
            match ValueType::ALL.into_iter().find(|known| known.name() == text) {
                Some(known) => Some(Takes::Value(known)),
                None => {
                    let known = ValueType::ALL.map(ValueType::name);
                    let help = likely(text, known.into_iter().chain(["template:NAME", "step:NAME"]));
                    report(format!("unknown type `{text}`"), help)
                }
            }
        }
        Value::List(items) => {
            let values: Option<Vec<String>> =
                items.iter().map(|item| item.value.as_str().map(str::to_owned)).collect();
            match values.filter(|values| !values.is_empty()) {
                Some(values) => Some(Takes::OneOf(values)),
                None => report("expected a list of strings, one or more".to_owned(), None),
            }
        }
        other => {
            let message = format!("expected a type or a list of strings, found {}", other.type_name());
            report(message, Some("types are strings such as \"table\" or \"template:NAME\"".to_owned()))
        }
    }
}

/// Gives each template what it takes over by `use`, and reports what does not fit: unknown names, circles,
/// steps and parameters that are defined twice, placeholders without a parameter, parameters that no step uses.
pub(crate) fn link(templates: &mut Templates, problems: &mut Diagnostics) {
    let before = problems.len();
    let read = templates.clone();
    let known = || read.keys().map(String::as_str);
    for template in read.values() {
        for (used, at) in template.uses.iter().filter(|(used, _)| !read.contains_key(used)) {
            let message = format!("unknown template `{used}`");
            problems.push(Diagnostic::user(message).at(at).maybe_help(likely(used, known())));
        }
        for parameter in template.parameters.values() {
            let Takes::Model(name) = &parameter.takes else { continue };
            if !read.contains_key(name) {
                let message = format!("unknown template `{name}`");
                let help = likely(name, known());
                problems.push(Diagnostic::user(message).at(&parameter.at).maybe_help(help));
            }
        }
    }
    for template in templates.values_mut() {
        let mut path = vec![(template.name.as_str(), &template.at)];
        let mut linked = read[&template.name].clone();
        take_over(&read, &read[&template.name].uses, &mut path, &mut linked, problems);
        let known = || linked.parameters.keys().map(String::as_str).collect::<Vec<_>>();
        let mut report = |found: Diagnostic| {
            problems.push(found.note(&linked.takes_at, "its parameters are declared here"));
        };
        for part in ["steps", "about"].into_iter().filter_map(|part| linked.root.at(part)) {
            placeholder::unknown(part, &format!("template `{}`", linked.name), &known, &mut report);
        }
        *template = linked;
    }
    report_steps_of_none(templates, problems);
    // Where something else is wrong, that is the likely reason.
    if problems.len() == before {
        report_unused(&read, templates, problems);
    }
}

/// Reports each parameter that takes a model with a step that no template has.
fn report_steps_of_none(templates: &Templates, problems: &mut Diagnostics) {
    let known = || templates.values().flat_map(|template| template.steps.keys()).map(String::as_str);
    let declared = templates.values().flat_map(|template| template.parameters.values());
    let mut reported = BTreeSet::new();
    for parameter in declared {
        let Takes::ModelWith(step) = &parameter.takes else { continue };
        if !known().any(|other| other == step) && reported.insert(&parameter.at) {
            let message = format!("no template has a step `{step}`");
            problems.push(Diagnostic::user(message).at(&parameter.at).maybe_help(likely(step, known())));
        }
    }
}

/// Reports each parameter that no step uses: none of the template that declares it, and none of a template that
/// takes it over.
fn report_unused(read: &Templates, linked: &Templates, problems: &mut Diagnostics) {
    for template in read.values() {
        for (name, parameter) in &template.parameters {
            let mut with_it = linked.values().filter(|other| other.is.contains(&template.name));
            if !with_it.any(|other| other.steps.values().any(|step| uses(step, name))) {
                let message = format!("no step of template `{}` uses its parameter `{name}`", template.name);
                let help = format!("write `{{{name}}}` where a step needs it, or remove it");
                problems.push(Diagnostic::user(message).at(&parameter.at).help(help));
            }
        }
    }
}

/// Whether `{name}` stands anywhere in a step.
fn uses(step: &StepDefinition, name: &str) -> bool {
    let mut found = false;
    placeholder::each(&step.params, &mut |_, other, _| found |= other == name);
    let texts = step.upstream().map(|(reference, _)| reference).chain(step.about.as_deref());
    found || texts.flat_map(placeholder::names).any(|(other, _)| other == name)
}

/// Adds the steps and parameters of the used templates, and of those that these use.
fn take_over<'t>(
    read: &'t Templates,
    uses: &'t [(String, Location)],
    path: &mut Vec<(&'t str, &'t Location)>,
    into: &mut Template,
    problems: &mut Diagnostics,
) {
    for (name, at) in uses {
        if let Some(start) = path.iter().position(|(on_path, _)| on_path == name) {
            let circle = path.iter().map(|(name, _)| *name);
            // Each circle is met from each of its templates; it is reported from the first of them by name.
            if start == 0 && circle.clone().min() == Some(name) {
                let circle: Vec<&str> = circle.chain([name.as_str()]).collect();
                let message = format!("templates use each other: {}", circle.join(" -> "));
                let (_, first) = path.get(1).unwrap_or(&path[0]);
                problems.push(Diagnostic::user(message).at(at).note(first, "the circle starts here"));
            }
            continue;
        }
        let Some(used) = read.get(name) else { continue };
        into.is.insert(name.clone());
        for (name, parameter) in &used.parameters {
            match into.parameters.get(name) {
                Some(own) if own.takes != parameter.takes => problems.push(
                    Diagnostic::user(format!("parameter `{name}` has two types in template `{}`", into.name))
                        .at(&own.at)
                        .note(&parameter.at, format!("the other one, taken over from `{}`", used.name)),
                ),
                _ => drop(into.parameters.insert(name.clone(), parameter.clone())),
            }
        }
        for (name, step) in &used.steps {
            match into.steps.get(name) {
                // The same step, by another way.
                Some(own) if own.at == step.at => {}
                Some(own) => problems.push(
                    Diagnostic::user(format!("step `{name}` is defined twice in template `{}`", into.name))
                        .at(&own.at)
                        .note(&step.at, format!("also here, taken over from `{}`", used.name)),
                ),
                None => drop(into.steps.insert(name.clone(), step.clone())),
            }
        }
        path.push((name, at));
        take_over(read, &used.uses, path, into, problems);
        path.pop();
    }
}
