//! Benchmarks of programs: problems with tests.

use std::collections::BTreeMap;

use assay_sandbox::Prelude;
use assay_sandbox::rows::{Place, Problem, RowsError, Tests};
use camino::Utf8Path;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::formulas::{self, Columns, Formulas, WHERE};
use super::{QUESTION, lines, named, nothing_left, unusable};
use crate::{Check, DataError, Item, ProgramForm, TestsCheck};

/// How the rows of a benchmark of programs become items. Rows are JSON lines, in any form that `assay judge` reads; templates
/// and expressions are those of [`Published`](crate::Published).
///
/// A problem is asked by `question`, or else by its `prompt`, which begins the program. Its reference is the prompt with the
/// `canonical_solution` behind it (HumanEval), if it has both. A program is found in an answer as `assay judge` finds it, and is
/// run behind the imports that benchmarks make, so that a model need not repeat those of the prompt.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PublishedPrograms {
    /// The benchmark's name in the columns of tables.
    pub benchmark: String,
    /// Which problems are asked: a Jinja expression, such as `difficulty == 'easy'`. Without it, all are.
    #[serde(default, rename = "where")]
    pub only: Option<String>,
    /// How many of these problems are asked, from the first on; without it, all.
    #[serde(default)]
    pub first: Option<u32>,
    /// The question, as a Jinja template; without it, the row's `prompt`.
    #[serde(default)]
    pub question: Option<String>,
}

impl PublishedPrograms {
    /// Checks what is written, without a file.
    ///
    /// # Errors
    /// The parameter that is wrong, by its path, and why: a template or an expression that is none.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        self.formulas().map(drop)
    }

    fn formulas(&self) -> Result<Formulas, (&'static str, String)> {
        Formulas::new(&[(QUESTION, self.question.as_deref())], &[(WHERE, self.only.as_deref())])
    }

    /// The items of a file, or of several, in their order. `name` is what messages call them.
    ///
    /// # Errors
    /// Those of [`each`](Self::each).
    pub fn items(&self, files: &[&Utf8Path], name: &Utf8Path) -> Result<Vec<Item>, DataError> {
        let mut items = Vec::new();
        self.each(files, name, |item| {
            items.push(item);
            Ok::<_, DataError>(())
        })?;
        Ok(items)
    }

    /// Calls `take` with each of them. One row is held at a time: the tests of a benchmark may be gigabytes together.
    ///
    /// # Errors
    /// [`DataError`] with file and line: a line that is no row of a known form, a problem that cannot be asked, two of one
    /// id; or no problem is left. The first error of `take`.
    pub fn each<E: From<DataError>>(
        &self,
        files: &[&Utf8Path],
        name: &Utf8Path,
        mut take: impl FnMut(Item) -> Result<(), E>,
    ) -> Result<(), E> {
        let formulas = self.formulas().map_err(|error| unusable(name, error))?;
        let most = self.first.map_or(usize::MAX, |first| first as usize);
        let mut lines_of = BTreeMap::new();
        for (file, name) in named(files, name) {
            for line in lines(file, &name)? {
                let (line, text) = line?;
                if lines_of.len() >= most {
                    return Ok(());
                }
                let place = Place { path: name.clone(), line, column: 1 };
                let Some(item) = self.asked(&formulas, &text, &place)? else { continue };
                let id = item.id.clone();
                if let Some(first) = lines_of.insert(id.clone(), line) {
                    return Err(
                        DataError::from(RowsError::Twice { place, what: "problem", id, first }).into()
                    );
                }
                take(item)?;
            }
        }
        match lines_of.is_empty() {
            true => Err(nothing_left(name).into()),
            false => Ok(()),
        }
    }

    /// The item of a row; `None` if it is not asked.
    fn asked(&self, formulas: &Formulas, text: &str, place: &Place) -> Result<Option<Item>, DataError> {
        let form = |message| DataError::from(RowsError::Form { place: place.clone(), message });
        let row: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| form(format!("it is no JSON object: {error}")))?;
        let shown = Shown::of(&row);
        let columns = formulas::columns(row).map_err(form)?;
        if !formulas.is_asked(&columns).map_err(form)? {
            return Ok(None);
        }
        let problem = Problem::parse(text, place.clone())?;
        let item = self.item(formulas, &columns, shown, &problem).map_err(form)?;
        item.validate_to_ask().map_err(|fault| form(format!("item `{}`: {fault}", item.id)))?;
        Ok(Some(item))
    }

    fn item(
        &self,
        formulas: &Formulas,
        columns: &Columns,
        Shown { prompt, solution }: Shown,
        problem: &Problem,
    ) -> Result<Item, String> {
        let mut tests = problem.tests()?;
        if let Tests::Checks(checks) = &mut tests {
            checks.iter_mut().for_each(|check| check.prelude = Prelude::Benchmark);
        }
        let references =
            prompt.as_ref().zip(solution).map(|(prompt, solution)| format!("{prompt}{solution}"));
        let question = formulas.render(QUESTION, columns)?.or(prompt);
        let question = question.ok_or("a problem without `prompt`; say by `question` how it is asked")?;
        Ok(Item {
            id: problem.id.clone(),
            benchmark: self.benchmark.clone(),
            question,
            references: references.into_iter().collect(),
            check: Check::Tests(TestsCheck { program: ProgramForm::Fenced, tests }),
        })
    }
}

/// What of a row is for a model's eyes, or its answer.
struct Shown {
    prompt: Option<String>,
    solution: Option<String>,
}

impl Shown {
    fn of(row: &Map<String, Value>) -> Self {
        let text = |key| row.get(key).and_then(Value::as_str).map(str::to_owned);
        Self { prompt: text("prompt"), solution: text("canonical_solution") }
    }
}
