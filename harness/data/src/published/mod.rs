//! Benchmarks as their makers publish them: rows with columns, of which templates make items.

mod demonstrations;
mod formulas;
mod options;
mod parquet;
mod programs;
mod rows;

use std::collections::BTreeMap;

use assay_sandbox::grade::Grader;
use camino::{Utf8Path, Utf8PathBuf};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{AnswerForm, Check, DataError, GradeCheck, Item};

pub use demonstrations::PublishedDemonstrations;
use formulas::{Columns, Formulas, Texts, WHERE};
pub use options::Options;
pub use programs::PublishedPrograms;
pub use rows::Format;
use rows::{Row, lines, read};

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
    /// Which rows are asked: a Jinja expression, such as `'2024' in url`. Without it, all are.
    #[serde(default, rename = "where")]
    pub only: Option<String>,
    /// How many of these rows are asked, from the first on; without it, all.
    #[serde(default)]
    pub first: Option<u32>,
    /// The item's name, as a Jinja template; without it, the benchmark's and the number of the row, from 1.
    #[serde(default)]
    pub id: Option<String>,
    /// The question, as a Jinja template. With `options`, `choices` is the list of them, each with its `label` and its `text`.
    pub question: String,
    /// The reference answer, as a Jinja template. With `options`, `right` is the label of the right one.
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
        self.formulas(&[]).map(drop)
    }

    /// What is written, with further templates.
    fn formulas(&self, further: Texts<'_>) -> Result<Formulas, (&'static str, String)> {
        let options = self.options.as_ref();
        let own =
            [(QUESTION, Some(&*self.question)), (ANSWER, Some(&*self.answer)), (ID, self.id.as_deref())];
        Formulas::new(
            &[&own, further].concat(),
            &[
                (WHERE, self.only.as_deref()),
                (options::LIST, options.map(|options| options.list.as_str())),
                (options::RIGHT, options.and_then(|options| options.right.as_deref())),
            ],
        )
    }

    /// The items of a file, or of several, whose rows follow each other. `name` is what messages call them.
    ///
    /// # Errors
    /// [`DataError`] with file and row: the file is not written so, a row lacks a column, or makes an item that cannot be
    /// asked or has the name of an earlier one; or no row is left.
    pub fn items(&self, files: &[&Utf8Path], name: &Utf8Path) -> Result<Vec<Item>, DataError> {
        let formulas = self.formulas(&[]).map_err(|error| unusable(name, error))?;
        self.each(&formulas, files, name, |item, _| Ok(Some(item)))
    }

    /// What `make` makes of the items of the rows, each with its columns; of those that it leaves out nothing.
    fn each<T>(
        &self,
        formulas: &Formulas,
        files: &[&Utf8Path],
        name: &Utf8Path,
        make: impl Fn(Item, &Columns) -> Result<Option<T>, String>,
    ) -> Result<Vec<T>, DataError> {
        let most = self.first.map_or(usize::MAX, |first| first as usize);
        let mut order = self.options.as_ref().and_then(Options::shuffler);
        let mut made = Vec::new();
        let mut first_of = BTreeMap::new();
        let mut before = 0;
        for (file, name) in named(files, name) {
            let mut last = before;
            for row in read(self.format, file, &name)? {
                let Row { number, columns } = row?;
                let wrong = |message: String| DataError::Row { path: name.clone(), row: number, message };
                let mut columns = formulas::columns(columns).map_err(wrong)?;
                last = before + number;
                if made.len() >= most || !formulas.is_asked(&columns).map_err(wrong)? {
                    continue;
                }
                if let Some(options) = &self.options {
                    options.lay_out(formulas, &mut columns, order.as_mut()).map_err(wrong)?;
                }
                let item = self.item(formulas, &columns, last).map_err(wrong)?;
                item.validate().map_err(|fault| wrong(format!("item `{}`: {fault}", item.id)))?;
                if let Some(first) = first_of.insert(item.id.clone(), last) {
                    return Err(wrong(format!("a second item `{}`; the first is row {first}", item.id)));
                }
                made.extend(make(item, &columns).map_err(wrong)?);
            }
            before = last;
        }
        if made.is_empty() { Err(nothing_left(name)) } else { Ok(made) }
    }

    /// The item of a row, the `number`th of all files.
    fn item(&self, formulas: &Formulas, columns: &Columns, number: usize) -> Result<Item, String> {
        let text = |name: &str| Ok::<_, String>(formulas.render(name, columns)?.unwrap_or_default());
        Ok(Item {
            id: formulas.render(ID, columns)?.unwrap_or_else(|| format!("{}/{number}", self.benchmark)),
            benchmark: self.benchmark.clone(),
            question: text(QUESTION)?,
            references: vec![text(ANSWER)?],
            check: Check::Grade(GradeCheck {
                grader: self.grader,
                form: AnswerForm::Response,
                options: assay_sandbox::grade::Options::default(),
            }),
        })
    }
}

/// The names of templates.
const ID: &str = "id";
const QUESTION: &str = "question";
const ANSWER: &str = "answer";

/// Files, each with what messages call it: `name`, and which of them it is if there are several.
fn named<'f>(files: &[&'f Utf8Path], name: &Utf8Path) -> Vec<(&'f Utf8Path, Utf8PathBuf)> {
    let called = |at: usize| match files.len() {
        1 => name.to_owned(),
        all => Utf8PathBuf::from(format!("{name} (file {} of {all})", at + 1)),
    };
    files.iter().enumerate().map(|(at, file)| (*file, called(at))).collect()
}

/// The error of a benchmark of which nothing is asked.
fn nothing_left(name: &Utf8Path) -> DataError {
    DataError::Table { path: name.to_owned(), message: "no row is left to be asked".to_owned() }
}

/// A parameter that is no template or no expression, as an error of the benchmark.
fn unusable(name: &Utf8Path, (parameter, message): (&str, String)) -> DataError {
    DataError::Table { path: name.to_owned(), message: format!("`{parameter}`: {message}") }
}
