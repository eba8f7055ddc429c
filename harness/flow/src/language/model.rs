//! `[models.NAME]`: templates with arguments, one model or a family of them.

use std::collections::BTreeMap;

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::locate::{Fields, Keys, Part, diagnose, expect_table, place};
use crate::language::placeholder::{self, Arguments};
use crate::language::references::{SEED, Values};
use crate::language::template::{Parameter, RESERVED, Takes, Template, Templates};
use crate::values::location::Location;
use crate::values::names::{likely, near, quoted};
use crate::values::path::ValuePath;
use crate::values::value::{Located, Value};

/// One model.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    /// Place of the definition's name.
    pub(crate) at: Location,
    /// Its template's name.
    pub(crate) template: String,
    /// One for each parameter of the template.
    pub(crate) arguments: Arguments,
}

/// By name.
pub(crate) type Models = BTreeMap<String, Model>;

/// A table of `models`: one model, or with axes several.
#[derive(Clone, Debug)]
pub(crate) struct ModelDefinition {
    /// With placeholders.
    name: String,
    at: Location,
    template: (String, Location),
    arguments: Arguments,
    /// Lists of values that advance together.
    zip: Axis,
    /// Lists of values that are combined in all ways.
    cross: Axis,
}

/// Lists of values by parameter.
type Axis = BTreeMap<String, Located>;

/// Reads the table `models`. A model with a mistake is reported and left out.
pub(crate) fn read_models(models: &Located, problems: &mut Diagnostics) -> Vec<ModelDefinition> {
    let table = expect_table(models, "`models`", problems);
    table.into_iter().flatten().filter_map(|(name, root)| read_model(name, root, problems)).collect()
}

fn read_model(name: &str, root: &Located, problems: &mut Diagnostics) -> Option<ModelDefinition> {
    let at = root.key.clone()?;
    let mut fields = Fields::open(root, "a model", Keys::Also(&RESERVED), problems)?;
    let template: Option<String> = fields.required("template");
    let template_at = fields.raw("template").and_then(|t| t.origin.location()).cloned();
    let mut axes = ["zip", "cross"].map(|key| {
        let axis = fields.raw(key);
        axis.map(|axis| read_axis(axis, key, fields.problems())).unwrap_or_default()
    });
    let arguments: Arguments = root.value.as_table()?.clone();
    let arguments = arguments.into_iter().filter(|(key, _)| !RESERVED.contains(&key.as_str()));
    let [zip, cross] = axes.each_mut().map(std::mem::take);
    let template = (template?, template_at?);
    Some(ModelDefinition { name: name.to_owned(), at, template, arguments: arguments.collect(), zip, cross })
}

fn read_axis(axis: &Located, key: &str, problems: &mut Diagnostics) -> Axis {
    let table = expect_table(axis, &format!("`{key}`"), problems).cloned().unwrap_or_default();
    let mut lists = Axis::new();
    for (name, list) in table {
        match list.value.as_list() {
            Some([_, ..]) => drop(lists.insert(name, list)),
            Some([]) => problems.push(diagnose(
                &list,
                &ValuePath::default(),
                Part::Value,
                format!("`{key}` has no value for `{name}`"),
                None,
            )),
            None => {
                let message = format!(
                    "`{key}`: expected a list of values for `{name}`, found {}",
                    list.value.type_name()
                );
                problems.push(diagnose(&list, &ValuePath::default(), Part::Value, message, None));
            }
        }
    }
    let mut lists_in_order = lists.iter().filter(|_| key == "zip");
    if let Some((first, list)) = lists_in_order.next() {
        let count = |list: &Located| list.value.as_list().map_or(0, <[Located]>::len);
        for (other, other_list) in lists_in_order.filter(|(_, other)| count(other) != count(list)) {
            let message = format!(
                "the lists of `zip` differ in length: `{first}` has {} values, `{other}` has {}",
                count(list),
                count(other_list)
            );
            let (at, first_at) = (other_list.key.as_ref(), list.key.as_ref());
            if let (Some(at), Some(first_at)) = (at, first_at) {
                problems.push(
                    Diagnostic::user(message)
                        .at(at)
                        .note(first_at, format!("`{first}` is here"))
                        .help("lists that are combined in all ways belong under `cross`"),
                );
            }
        }
    }
    lists
}

/// All models, by name. Arguments are checked, but for those that refer to the scale.
pub(crate) fn expand_models(
    definitions: &[ModelDefinition],
    templates: &Templates,
    problems: &mut Diagnostics,
) -> Models {
    let before = problems.len();
    let mut models = Models::new();
    for definition in definitions {
        let Some(template) = templates.get(&definition.template.0) else {
            let (name, at) = &definition.template;
            let help = likely(name, templates.keys().map(String::as_str));
            problems.push(Diagnostic::user(format!("unknown template `{name}`")).at(at).maybe_help(help));
            continue;
        };
        if !definition.check_names(template, problems) {
            continue;
        }
        for model in definition.instances() {
            // One that is refused is enough: the others would be for the same reason.
            if !definition.add(model, &mut models, problems) {
                break;
            }
        }
    }
    models.values().for_each(|model| report_ambiguous(model, templates, problems));
    let complete = problems.len() == before;
    let check = Check { models: &models, templates, complete };
    for model in models.values() {
        let template = &templates[&model.template];
        for (name, argument) in &model.arguments {
            check.argument(name, argument, &template.parameters[name], problems);
        }
    }
    models
}

/// Reports a name that ends, after a dot, in the name of a template's step: with a model `a` of that template,
/// `a.final` would be both this model and a step.
fn report_ambiguous(model: &Model, templates: &Templates, problems: &mut Diagnostics) {
    for (dot, _) in model.name.match_indices('.') {
        let end = &model.name[dot + 1..];
        let mut steps = templates.values().filter_map(|template| template.steps.get(end));
        if let Some(step) = steps.next() {
            let message = format!(
                "`{}` cannot name a model: it reads like the step `{end}` of a model `{}`",
                model.name,
                &model.name[..dot]
            );
            problems.push(
                Diagnostic::user(message)
                    .at(&model.at)
                    .note(&step.at, "the step is here")
                    .help("use `-` instead of the dot, or another ending"),
            );
            return;
        }
    }
}

impl ModelDefinition {
    /// Reports arguments that the template does not take, that are missing, or that are given twice, and
    /// placeholders without an argument.
    fn check_names(&self, template: &Template, problems: &mut Diagnostics) -> bool {
        let before = problems.len();
        let known = || template.parameters.keys().map(String::as_str);
        let ways = [&self.arguments, &self.zip, &self.cross];
        let given = |name: &str| ways.into_iter().find_map(|way| way.get(name));
        for (i, way) in ways.iter().enumerate() {
            for (name, argument) in *way {
                let at = argument.key.as_ref().unwrap_or(&self.at);
                if !template.parameters.contains_key(name) {
                    let message = format!("template `{}` takes no `{name}`", template.name);
                    problems.push(
                        Diagnostic::user(message)
                            .at(at)
                            .note(&template.takes_at, "what it takes is declared here")
                            .maybe_help(likely(name, known())),
                    );
                }
                if let Some(first) = ways[..i].iter().find_map(|way| way.get(name)) {
                    let first = first.key.as_ref().unwrap_or(&self.at);
                    let message = format!("`{name}` is given twice");
                    problems.push(Diagnostic::user(message).at(at).note(first, "first given here"));
                }
            }
        }
        for (name, parameter) in template.parameters.iter().filter(|(name, _)| given(name).is_none()) {
            let message = format!("model `{}` lacks the argument `{name}`", self.name);
            problems.push(
                Diagnostic::user(message)
                    .at(&self.at)
                    .note(&parameter.at, format!("template `{}` takes it", template.name)),
            );
        }
        for (name, _) in placeholder::names(&self.name).filter(|(name, _)| given(name).is_none()) {
            let message = format!("model `{}` has no argument `{name}`", self.name);
            let help = likely(name, known());
            problems.push(Diagnostic::user(message).at(&self.at).maybe_help(help));
        }
        let owner = format!("model `{}`", self.name);
        let axes = || self.zip.keys().chain(self.cross.keys()).map(String::as_str).collect::<Vec<_>>();
        for argument in self.arguments.values() {
            placeholder::unknown(argument, &owner, &axes, &mut |found| {
                problems.push(
                    found.maybe_help(Some(
                        "only values of `zip` and `cross` can be filled in here".to_owned(),
                    )),
                );
            });
        }
        problems.len() == before
    }

    /// One model for each combination of values.
    fn instances(&self) -> Vec<Model> {
        let count = |list: &Located| list.value.as_list().map_or(0, <[Located]>::len);
        let item = |list: &Located, i: usize| list.value.as_list().and_then(|items| items.get(i)).cloned();
        let zipped = self.zip.values().map(count).min();
        let mut combinations: Vec<Arguments> = (0..zipped.unwrap_or(1))
            .map(|i| {
                self.zip.iter().filter_map(|(name, list)| Some((name.clone(), item(list, i)?))).collect()
            })
            .collect();
        for (name, list) in &self.cross {
            let with = |one: Arguments| {
                (0..count(list)).filter_map(move |i| {
                    let mut one = one.clone();
                    one.insert(name.clone(), item(list, i)?);
                    Some(one)
                })
            };
            combinations = combinations.into_iter().flat_map(with).collect();
        }
        let instance = |mut arguments: Arguments| {
            let name = placeholder::fill_text(&self.name, &arguments_for_name(&self.arguments, &arguments));
            for (parameter, argument) in &self.arguments {
                let mut argument = argument.clone();
                placeholder::fill(&mut argument, &arguments);
                arguments.insert(parameter.clone(), argument);
            }
            Model { name, at: self.at.clone(), template: self.template.0.clone(), arguments }
        };
        combinations.into_iter().map(instance).collect()
    }

    /// Adds a model; a name that is taken, or that cannot be a name, is reported, and then the answer is no.
    fn add(&self, model: Model, models: &mut Models, problems: &mut Diagnostics) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if model.name.is_empty() || !model.name.chars().all(plain) {
            let message = format!("`{}` cannot name a model", model.name);
            let help = "use letters, digits, `-`, `_` and `.`, and arguments that are strings or numbers";
            problems.push(Diagnostic::user(message).at(&self.at).help(help));
            return false;
        }
        match models.get(&model.name) {
            None => {
                models.insert(model.name.clone(), model);
                return true;
            }
            Some(first) if first.at == self.at => {
                let named = |name: &str| placeholder::names(&self.name).any(|(found, _)| found == name);
                let axes = self.zip.iter().chain(&self.cross);
                let missing: Vec<_> = axes.filter(|(name, _)| !named(name)).collect();
                let message =
                    format!("two models are called `{}`: the name does not tell them apart", model.name);
                let mut found = Diagnostic::user(message).at(&self.at);
                for at in missing.iter().filter_map(|(_, list)| list.key.as_ref()) {
                    found = found.note(at, "these values are not in the name");
                }
                if !missing.is_empty() {
                    let names: Vec<String> =
                        missing.iter().map(|(name, _)| format!("`{{{name}}}`")).collect();
                    found = found.help(format!("put {} into the name", names.join(" or ")));
                }
                problems.push(found);
            }
            Some(first) => problems.push(
                Diagnostic::user(format!("two models are called `{}`", model.name))
                    .at(&self.at)
                    .note(&first.at, "the other one is defined here"),
            ),
        }
        false
    }
}

fn arguments_for_name(own: &Arguments, axes: &Arguments) -> Arguments {
    own.iter().chain(axes).map(|(name, argument)| (name.clone(), argument.clone())).collect()
}

/// Checks arguments against the parameters of templates.
struct Check<'a> {
    models: &'a Models,
    templates: &'a Templates,
    /// Whether no model was left out for a mistake. If one was, an unknown name may be that model's.
    complete: bool,
}

impl Check<'_> {
    /// Reports an argument that does not fit its parameter. `$path` is left to [`check_references`].
    fn argument(&self, name: &str, argument: &Located, parameter: &Parameter, problems: &mut Diagnostics) {
        let mut report = |message: String, help: Option<String>| {
            let found = diagnose(argument, &ValuePath::default(), Part::Value, message, help);
            problems.push(found.note(&parameter.at, format!("`{name}` is declared here")));
        };
        let found = match &argument.value {
            Value::Str(text) => format!("`{text}`"),
            other => other.type_name().to_owned(),
        };
        match (&parameter.takes, &argument.value) {
            (Takes::OneOf(values), Value::Str(text)) if values.contains(text) => {}
            (Takes::OneOf(values), value) => {
                let all: Vec<&str> = values.iter().map(String::as_str).collect();
                let near = value.as_str().and_then(|text| near(text, all.iter().copied()));
                let help = near.map(|near| format!("did you mean `{near}`?"));
                report(format!("`{name}` takes {}, found {found}", quoted(&all, " or ")), help);
            }
            (Takes::Model(template), Value::Str(_)) => {
                self.model(name, argument, (template, parameter), problems)
            }
            (Takes::Model(template), _) => {
                let message =
                    format!("`{name}` takes the name of a model of template `{template}`, found {found}");
                report(message, None);
            }
            (Takes::Value(_), Value::Str(text)) if is_reference(text) => {}
            (Takes::Value(takes), value) if takes.fits(value) => {}
            (Takes::Value(takes), _) => {
                report(format!("`{name}` takes {}, found {found}", takes.with_article()), None);
            }
        }
    }

    /// Reports an argument that is not the name of a model of a template.
    fn model(
        &self,
        name: &str,
        argument: &Located,
        (template, parameter): (&str, &Parameter),
        problems: &mut Diagnostics,
    ) {
        let text = argument.value.as_str().unwrap_or_default();
        let fits = |model: &Model| takes_after(&model.template, template, self.templates);
        let (message, other) = match self.models.get(text) {
            Some(other) if fits(other) => return,
            None if !self.complete => return,
            Some(other) => {
                let of = &other.template;
                (
                    format!("`{name}` takes a model of template `{template}`, but `{text}` is one of `{of}`"),
                    Some(other),
                )
            }
            None => (format!("there is no model `{text}` of template `{template}`"), None),
        };
        let fitting = self.models.values().filter(|model| fits(model)).map(|model| model.name.as_str());
        let help = likely(text, fitting);
        let found = diagnose(argument, &ValuePath::default(), Part::Value, message, help);
        let found = found.note(&parameter.at, format!("`{name}` is declared here"));
        problems.push(match other {
            Some(other) => found.note(&other.at, format!("`{text}` is defined here")),
            None => found,
        });
    }
}

/// Whether a model of template `has` can stand where one of `wanted` is taken: it is one, or it uses it.
fn takes_after(has: &str, wanted: &str, templates: &Templates) -> bool {
    templates.get(has).is_some_and(|template| template.is.contains(wanted))
}

fn is_reference(text: &str) -> bool {
    text.strip_prefix('$').is_some_and(|path| !path.starts_with(['$', '{']))
}

/// Reports each argument `$path` that has no value, or one of another type than the parameter.
pub(crate) fn check_references(
    models: &Models,
    templates: &Templates,
    values: &Values<'_>,
    problems: &mut Diagnostics,
) {
    for model in models.values() {
        for (name, argument) in &model.arguments {
            let parameter = &templates[&model.template].parameters[name];
            let (Takes::Value(takes), Value::Str(text)) = (&parameter.takes, &argument.value) else {
                continue;
            };
            let Some(path) = text.strip_prefix('$').filter(|_| is_reference(text)) else { continue };
            let Some(found) = values.get(path) else {
                if path != SEED {
                    let (message, help) = values.missing(path);
                    let found = diagnose(argument, &ValuePath::default(), Part::Value, message, help);
                    problems.push(found.note(&parameter.at, format!("`{name}` is declared here")));
                }
                continue;
            };
            // What refers on is known only when it is used.
            if takes.fits(&found.value) || found.value.as_str().is_some_and(|text| text.contains('$')) {
                continue;
            }
            let message = format!(
                "`{name}` takes {}, but `{text}` is {}",
                takes.with_article(),
                found.value.type_name()
            );
            let diagnostic = diagnose(argument, &ValuePath::default(), Part::Value, message, None);
            problems.push(
                diagnostic
                    .note(&parameter.at, format!("`{name}` is declared here"))
                    .note(place(found, &model.at), "the value is here"),
            );
        }
    }
}
