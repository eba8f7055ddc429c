//! Templates and expressions over the columns of a row.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, escape_formatter};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde_json::Map;

use super::Published;

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
pub(super) type Columns = std::collections::BTreeMap<String, Value>;

/// The templates and expressions of a benchmark, compiled.
pub(super) struct Formulas {
    environment: Environment<'static>,
    only: Option<String>,
    list: Option<String>,
    right: Option<String>,
}

const ID: &str = "id";
const QUESTION: &str = "question";
const ANSWER: &str = "answer";

impl Formulas {
    /// Compiles them.
    ///
    /// # Errors
    /// The path of the parameter that is none, and why.
    pub(super) fn new(published: &Published) -> Result<Self, (&'static str, String)> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_formatter(|out, state, value| match value.is_none() {
            // It would be the text `none`.
            true => Err(Error::new(ErrorKind::InvalidOperation, "there is no value")),
            false => escape_formatter(out, state, value),
        });
        environment.set_unknown_method_callback(unknown_method_callback);
        let Published { question, answer, id, .. } = published;
        let templates = [(QUESTION, Some(question)), (ANSWER, Some(answer)), (ID, id.as_ref())];
        for (name, source) in templates {
            let Some(source) = source else { continue };
            environment
                .add_template_owned(name, source.clone())
                .map_err(|error| (name, format!("is no template: {}", said(&error))))?;
        }
        let options = published.options.as_ref();
        let list = options.map(|options| options.list.clone());
        let right = options.and_then(|options| options.right.clone());
        let expressions = [("where", &published.only), ("options.list", &list), ("options.right", &right)];
        for (name, source) in expressions {
            let Some(source) = source else { continue };
            environment
                .compile_expression(source)
                .map_err(|error| (name, format!("is no expression: {}", said(&error))))?;
        }
        Ok(Self { environment, only: published.only.clone(), list, right })
    }

    /// Whether a row is asked.
    pub(super) fn is_asked(&self, columns: &Columns) -> Result<bool, String> {
        self.only.as_ref().map_or(Ok(true), |only| Ok(self.evaluate("where", only, columns)?.is_true()))
    }

    /// The texts of the options, in the order in which they stand in the row, and which of them is right.
    pub(super) fn options(&self, columns: &Columns) -> Result<(Vec<String>, usize), String> {
        let list = self.list.as_deref().unwrap_or("[]");
        let texts = self.evaluate("options.list", list, columns)?;
        let texts = texts.try_iter().map_err(|_| "`options.list`: is no list".to_owned())?;
        let texts: Vec<String> = texts.map(|text| text.to_string()).collect();
        let right = match &self.right {
            None => 0,
            Some(right) => {
                let index = self.evaluate("options.right", right, columns)?;
                usize::try_from(index).map_err(|_| "`options.right`: is no place in the list".to_owned())?
            }
        };
        match right < texts.len() {
            true => Ok((texts, right)),
            false => {
                Err(format!("`options.right`: is {right}, but there are {} options, from 0 on", texts.len()))
            }
        }
    }

    /// The item's name, if there is a template for it.
    pub(super) fn id(&self, columns: &Columns) -> Result<Option<String>, String> {
        match self.environment.get_template(ID) {
            Ok(_) => self.render(ID, columns).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// The question.
    pub(super) fn question(&self, columns: &Columns) -> Result<String, String> {
        self.render(QUESTION, columns)
    }

    /// The reference answer.
    pub(super) fn answer(&self, columns: &Columns) -> Result<String, String> {
        self.render(ANSWER, columns)
    }

    fn render(&self, name: &str, columns: &Columns) -> Result<String, String> {
        let rendered = self.environment.get_template(name).and_then(|template| template.render(columns));
        rendered.map_err(|error| self.wrong(name, &error, columns))
    }

    fn evaluate(&self, name: &str, source: &str, columns: &Columns) -> Result<Value, String> {
        let value = self.environment.compile_expression(source).and_then(|formula| formula.eval(columns));
        match value {
            Ok(value) if value.is_undefined() => Err(format!("`{name}`: {}", unknown(columns))),
            Ok(value) => Ok(value),
            Err(error) => Err(self.wrong(name, &error, columns)),
        }
    }

    fn wrong(&self, name: &str, error: &Error, columns: &Columns) -> String {
        match error.kind() {
            ErrorKind::UndefinedError => format!("`{name}`: {}", unknown(columns)),
            _ => format!("`{name}`: {}", said(error)),
        }
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
