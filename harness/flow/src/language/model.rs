//! `[models.NAME]`: templates with arguments, one model or a family of them.

use std::collections::BTreeMap;

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::locate::{Fields, Keys, Part, diagnose, expect_table};
use crate::language::placeholder::{self, Arguments};
use crate::language::template::{RESERVED, Template, Templates};
use crate::values::location::Location;
use crate::values::names::likely;
use crate::values::path::ValuePath;
use crate::values::value::Located;

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
    /// Lists of values for names that are no parameters, combined in all ways: for the name and the arguments.
    variables: Axis,
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
    let mut axes = ["for", "zip", "cross"].map(|key| {
        let axis = fields.raw(key);
        axis.map(|axis| read_axis(axis, key, fields.problems())).unwrap_or_default()
    });
    let arguments: Arguments = root.value.as_table()?.clone();
    let arguments = arguments.into_iter().filter(|(key, _)| !RESERVED.contains(&key.as_str()));
    let [variables, zip, cross] = axes.each_mut().map(std::mem::take);
    let template = (template?, template_at?);
    let arguments = arguments.collect();
    Some(ModelDefinition { name: name.to_owned(), at, template, arguments, variables, zip, cross })
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

/// All models, by name.
pub(crate) fn expand_models(
    definitions: &[ModelDefinition],
    templates: &Templates,
    problems: &mut Diagnostics,
) -> Models {
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
        for (name, list) in &self.variables {
            let at = list.key.as_ref().unwrap_or(&self.at);
            if let Some(parameter) = template.parameters.get(name) {
                let message = format!("`{name}` is a parameter of template `{}`", template.name);
                problems.push(
                    Diagnostic::user(message)
                        .at(at)
                        .note(&parameter.at, "it is declared here")
                        .help("values of parameters belong under `zip` or `cross`; `for` is for other names"),
                );
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
        self.check_placeholders(template, problems);
        problems.len() == before
    }

    /// Reports placeholders that nothing fills in: in the name, in arguments, and in the lists of `zip` and `cross`.
    fn check_placeholders(&self, template: &Template, problems: &mut Diagnostics) {
        let ways = [&self.arguments, &self.zip, &self.cross, &self.variables];
        let filled = |name: &str| ways.iter().any(|way| way.contains_key(name));
        for (name, _) in placeholder::names(&self.name).filter(|(name, _)| !filled(name)) {
            let message = format!("model `{}` has no argument `{name}`", self.name);
            let known = template.parameters.keys().chain(self.variables.keys()).map(String::as_str);
            let help = likely(name, known);
            problems.push(Diagnostic::user(message).at(&self.at).maybe_help(help));
        }
        let owner = format!("model `{}`", self.name);
        let variables = || self.variables.keys().map(String::as_str).collect::<Vec<_>>();
        let axes = || {
            let axes = self.zip.keys().chain(self.cross.keys()).map(String::as_str);
            axes.chain(variables()).collect::<Vec<_>>()
        };
        for argument in self.arguments.values() {
            let help = "only values of `for`, `zip` and `cross` can be filled in here";
            placeholder::unknown(argument, &owner, &axes, &mut |found| {
                problems.push(found.maybe_help(Some(help.to_owned())));
            });
        }
        for list in self.zip.values().chain(self.cross.values()) {
            let help = "only values of `for` can be filled in here";
            placeholder::unknown(list, &owner, &variables, &mut |found| {
                problems.push(found.maybe_help(Some(help.to_owned())));
            });
        }
    }

    /// One model for each combination of values.
    fn instances(&self) -> Vec<Model> {
        let mut variables = vec![Arguments::new()];
        for (name, list) in &self.variables {
            let values = list.value.as_list().unwrap_or_default();
            let with = |one: Arguments| {
                values.iter().map(move |value| {
                    let mut one = one.clone();
                    one.insert(name.clone(), value.clone());
                    one
                })
            };
            variables = variables.into_iter().flat_map(with).collect();
        }
        variables.iter().flat_map(|variables| self.instances_with(variables)).collect()
    }

    /// The models with these values for the names under `for`.
    fn instances_with(&self, variables: &Arguments) -> Vec<Model> {
        let count = |list: &Located| list.value.as_list().map_or(0, <[Located]>::len);
        let item = |list: &Located, i: usize| {
            let mut item = list.value.as_list().and_then(|items| items.get(i)).cloned()?;
            placeholder::fill(&mut item, variables);
            Some(item)
        };
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
            let known: Arguments = arguments.clone().into_iter().chain(variables.clone()).collect();
            let name = placeholder::fill_text(&self.name, &arguments_for_name(&self.arguments, &known));
            for (parameter, argument) in &self.arguments {
                let mut argument = argument.clone();
                placeholder::fill(&mut argument, &known);
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
                let axes = self.variables.iter().chain(&self.zip).chain(&self.cross);
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
