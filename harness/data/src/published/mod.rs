//! Benchmarks as their makers publish them: rows with columns, of which templates make items.

mod formulas;
mod options;
mod parquet;
mod rows;

use assay_sandbox::grade::Grader;
use camino::Utf8Path;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{AnswerForm, Check, DataError, GradeCheck, Item};

use formulas::Formulas;
pub use options::Options;
pub use rows::Format;
use rows::{Row, read};

/// How the rows of a file become items.
///
/// Templates and expressions are Jinja, over the columns by their names and over `row`, which holds all of them (for names
/// with spaces: `row['Correct Answer']`). Values of Python's types have Python's methods, as in
/// `{{ answer.split('#### ')[-1] }}`. A column that a row lacks is an error.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Published {
    /// The benchmark's name in the columns of tables.
    pub benchmark: String,
    /// How the file is written.
    pub format: Format,
    /// Which rows are asked: an expression, such as `'2024' in url`. Without it, all are.
    #[serde(default, rename = "where")]
    pub only: Option<String>,
    /// How many of these rows are asked, from the first on; without it, all.
    #[serde(default)]
    pub first: Option<u32>,
    /// The item's name, as a template; without it, the benchmark's and the number of the row, from 1.
    #[serde(default)]
    pub id: Option<String>,
    /// The question, as a template. With `options`, `choices` is the list of them, each with its `label` and its `text`.
    pub question: String,
    /// The reference answer, as a template. With `options`, `right` is the label of the right one.
    pub answer: String,
    /// Options to choose from.
    #[serde(default)]
    pub options: Option<Options>,
    /// What says whether a reply's answer is the reference.
    #[schemars(with = "String")]
    pub grader: Grader,
}

impl Published {
    /// Checks what is written, without a file.
    ///
    /// # Errors
    /// The parameter that is wrong, by its path, and why: a template or an expression that is none.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        Formulas::new(self).map(drop)
    }

    /// The items of a file. `name` is what messages call it.
    ///
    /// # Errors
    /// [`DataError`] with file and row: the file is not written so, a row lacks a column, or makes an item that cannot be
    /// asked or has the name of an earlier one; or no row is left.
    pub fn items(&self, file: &Utf8Path, name: &Utf8Path) -> Result<Vec<Item>, DataError> {
        let formulas = Formulas::new(self).map_err(|(parameter, message)| DataError::Table {
            path: name.to_owned(),
            message: format!("`{parameter}`: {message}"),
        })?;
        let mut order = self.options.as_ref().and_then(Options::shuffler);
        let mut items: Vec<Item> = Vec::new();
        let mut first_of = std::collections::BTreeMap::new();
        for row in read(self.format, file, name)? {
            let Row { number, columns } = row?;
            let wrong = |message: String| DataError::Row { path: name.to_owned(), row: number, message };
            let mut columns = formulas::columns(columns).map_err(wrong)?;
            if !formulas.is_asked(&columns).map_err(wrong)? {
                continue;
            }
            if self.first.is_some_and(|first| items.len() >= first as usize) {
                break;
            }
            if let Some(options) = &self.options {
                options.lay_out(&formulas, &mut columns, order.as_mut()).map_err(wrong)?;
            }
            let item = Item {
                id: formulas
                    .id(&columns)
                    .map_err(wrong)?
                    .unwrap_or_else(|| format!("{}/{number}", self.benchmark)),
                benchmark: self.benchmark.clone(),
                question: formulas.question(&columns).map_err(wrong)?,
                references: vec![formulas.answer(&columns).map_err(wrong)?],
                check: Check::Grade(GradeCheck {
                    grader: self.grader,
                    form: AnswerForm::Response,
                    options: assay_sandbox::grade::Options::default(),
                }),
            };
            item.validate().map_err(|fault| wrong(format!("item `{}`: {fault}", item.id)))?;
            if let Some(first) = first_of.insert(item.id.clone(), number) {
                return Err(wrong(format!("a second item `{}`; the first is row {first}", item.id)));
            }
            items.push(item);
        }
        if items.is_empty() {
            let message = "no row is left to be asked".to_owned();
            return Err(DataError::Table { path: name.to_owned(), message });
        }
        Ok(items)
    }
}
