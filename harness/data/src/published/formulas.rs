//! Templates and expressions over the columns of a row.

use std::collections::BTreeMap;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, escape_formatter};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde_json::Map;

/// The name of all columns.
const ROW: &str = "row";
/// From here on not every integer is a number of JSON's readers.
const EXACT: f64 = 9e15;

/// The columns of a row as templates see them: by their names, and all of them as `row`.
///
/// # Errors
/// A column is called `row`, or holds a number that cannot be told from others.
pub(super) fn columns(row: Map<String, serde_json::Value>) -> Result<Columns, String> {
    if row.contains_key(ROW) {
        return Err("a column is called `row`, which is the name of all columns here".to_owned());
    }
    let inexact = |value: &serde_json::Value| {
        value.as_f64().is_some_and(|number| value.is_f64() && number.abs() >= EXACT)
    };
    if let Some((name, _)) = row.iter().find(|(_, value)| inexact(value)) {
        return Err(format!("the column `{name}` holds a number that is too large to be exact"));
    }
    let whole = Value::from(Serde(&row));
    let mut columns: Columns =
        row.iter().map(|(name, value)| (name.clone(), Value::from(Serde(value)))).collect();
    columns.insert(ROW.to_owned(), whole);
    Ok(columns)
}

/// What templates and expressions may name.
pub(super) type Columns = BTreeMap<String, Value>;

/// Templates and expressions, compiled. Each has the path of its parameter as its name.
pub(super) struct Formulas {
    environment: Environment<'static>,
    expressions: BTreeMap<&'static str, String>,
}

/// The expression that says which rows are asked.
pub(super) const WHERE: &str = "where";

/// The texts of parameters, each with its path; those that are left out are none.
pub(super) type Texts<'t> = &'t [(&'static str, Option<&'t str>)];

impl Formulas {
    /// Compiles them.
    ///
    /// # Errors
    /// The path of the parameter that is none, and why.
    pub(super) fn new(templates: Texts<'_>, expressions: Texts<'_>) -> Result<Self, (&'static str, String)> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_formatter(|out, state, value| match value.is_none() {
            // It would be the text `none`.
            true => Err(Error::new(ErrorKind::InvalidOperation, "there is no value")),
            false => escape_formatter(out, state, value),
        });
        environment.set_unknown_method_callback(unknown_method_callback);
        for (name, source) in templates.iter().filter_map(|(name, source)| Some((*name, (*source)?))) {
            environment
                .add_template_owned(name, source.to_owned())
                .map_err(|error| (name, format!("is no template: {}", said(&error))))?;
        }
        let expressions: BTreeMap<&'static str, String> =
            expressions.iter().filter_map(|(name, source)| Some((*name, (*source)?.to_owned()))).collect();
        for (name, source) in &expressions {
            environment
                .compile_expression(source)
                .map_err(|error| (*name, format!("is no expression: {}", said(&error))))?;
        }
        Ok(Self { environment, expressions })
    }

    /// Whether a row is asked.
    pub(super) fn is_asked(&self, columns: &Columns) -> Result<bool, String> {
        Ok(self.evaluate(WHERE, columns)?.is_none_or(|value| value.is_true()))
    }

    /// The text of the template of this name; `None` if there is none.
    pub(super) fn render(&self, name: &str, columns: &Columns) -> Result<Option<String>, String> {
        let Ok(template) = self.environment.get_template(name) else { return Ok(None) };
        template.render(columns).map(Some).map_err(|error| wrong(name, &error, columns))
    }

    /// The value of the expression of this name; `None` if there is none.
    pub(super) fn evaluate(&self, name: &str, columns: &Columns) -> Result<Option<Value>, String> {
        let Some(source) = self.expressions.get(name) else { return Ok(None) };
        let value = self.environment.compile_expression(source).and_then(|formula| formula.eval(columns));
        match value {
            Ok(value) if value.is_undefined() => Err(format!("`{name}`: {}", unknown(columns))),
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(wrong(name, &error, columns)),
        }
    }
}

fn wrong(name: &str, error: &Error, columns: &Columns) -> String {
    match error.kind() {
        ErrorKind::UndefinedError => format!("`{name}`: {}", unknown(columns)),
        _ => format!("`{name}`: {}", said(error)),
    }
}

/// What to say where something is named that a row does not have.
fn unknown(columns: &Columns) -> String {
    let names: Vec<String> =
        columns.keys().filter(|name| *name != ROW).map(|name| format!("`{name}`")).collect();
    format!("names something that the row does not have; its columns are {}", names.join(", "))
}

fn said(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}
