//! The arguments of models against the parameters of their templates.

use std::fmt;

use crate::language::diagnostic::Diagnostics;
use crate::language::locate::{Part, diagnose, place};
use crate::language::model::{Model, Models};
use crate::language::references::{SEED, Values};
use crate::language::template::{Parameter, Takes, Templates};
use crate::values::names::{likely, near, quoted};
use crate::values::path::ValuePath;
use crate::values::value::{Located, Value};

/// Checks all arguments, but for those that refer to the scale. `complete` says that no model was left out for a mistake.
pub(crate) fn check_arguments(
    models: &Models,
    templates: &Templates,
    complete: bool,
    problems: &mut Diagnostics,
) {
    let check = Check { models, templates, complete };
    for model in models.values() {
        let template = &templates[&model.template];
        for (name, argument) in &model.arguments {
            check.argument(name, argument, &template.parameters[name], problems);
        }
    }
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
            (Takes::Model(template), _) => {
                self.model(name, argument, (Wanted::Of(template), parameter), &found, problems);
            }
            (Takes::ModelWith(step), _) => {
                self.model(name, argument, (Wanted::With(step), parameter), &found, problems);
            }
            (Takes::Value(_), Value::Str(text)) if is_reference(text) => {}
            (Takes::Value(takes), value) if takes.fits(value) => {}
            (Takes::Value(takes), _) => {
                report(format!("`{name}` takes {}, found {found}", takes.with_article()), None);
            }
        }
    }

    /// Reports an argument that is not the name of a model that is wanted. `given` says what the argument is.
    fn model(
        &self,
        name: &str,
        argument: &Located,
        (wanted, parameter): (Wanted<'_>, &Parameter),
        given: &str,
        problems: &mut Diagnostics,
    ) {
        let mut report = |message: String, help: Option<String>, other: Option<&Model>| {
            let found = diagnose(argument, &ValuePath::default(), Part::Value, message, help);
            let found = found.note(&parameter.at, format!("`{name}` is declared here"));
            problems.push(match other {
                Some(other) => found.note(&other.at, format!("`{}` is defined here", other.name)),
                None => found,
            });
        };
        let Some(text) = argument.value.as_str() else {
            return report(format!("`{name}` takes the name of a model {wanted}, found {given}"), None, None);
        };
        let fits = |model: &Model| wanted.fits(model, self.templates);
        let (message, other) = match self.models.get(text) {
            Some(other) if fits(other) => return,
            None if !self.complete => return,
            Some(other) => {
                let why = wanted.misfit(other);
                (format!("`{name}` takes a model {wanted}, but `{text}` {why}"), Some(other))
            }
            None => (format!("there is no model `{text}` {wanted}"), None),
        };
        let fitting = self.models.values().filter(|model| fits(model)).map(|model| model.name.as_str());
        report(message, likely(text, fitting), other);
    }
}

/// Which models an argument may name.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// Those of a template, or of one that uses it.
    Of(&'a str),
    /// Those with a step of this name.
    With(&'a str),
}

impl Wanted<'_> {
    fn fits(self, model: &Model, templates: &Templates) -> bool {
        match self {
            Wanted::Of(template) => takes_after(&model.template, template, templates),
            Wanted::With(step) => templates.get(&model.template).is_some_and(|t| t.steps.contains_key(step)),
        }
    }

    /// What is the matter with a model that does not fit.
    fn misfit(self, model: &Model) -> String {
        match self {
            Wanted::Of(_) => format!("is one of `{}`", model.template),
            Wanted::With(_) => "has none".to_owned(),
        }
    }
}

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Of(template) => write!(out, "of template `{template}`"),
            Wanted::With(step) => write!(out, "with a step `{step}`"),
        }
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
