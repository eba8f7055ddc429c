//! Problems with tests, as benchmarks publish them.

use assay_sandbox::Prelude;
use assay_sandbox::rows::{Problems, Tests};
use camino::Utf8Path;
use serde::Deserialize;

use crate::{Check, DataError, Item, Place, ProgramForm, TestsCheck};

/// What of a row is for a model's eyes, or its answer.
#[derive(Deserialize)]
struct Shown {
    task_id: Option<String>,
    prompt: Option<String>,
    canonical_solution: Option<String>,
}

/// The problems of a text of JSON lines as items of a benchmark, in their order. `name` is the text's name in messages.
///
/// A problem is asked by its `prompt`, which begins the program, and its reference is the prompt with the
/// `canonical_solution` behind it (HumanEval). A program is found in an answer as `assay judge` finds it, and is run behind
/// the imports that benchmarks make, so that a model need not repeat those of the prompt.
///
/// # Errors
/// [`DataError`] with file and line: a line that is no row of a known form, a row without these texts, two of one id.
pub fn problems(text: &str, name: &Utf8Path, benchmark: &str) -> Result<Vec<Item>, DataError> {
    let known = Problems::parse(text, name)?;
    let mut items = Vec::with_capacity(known.len());
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || Place { path: name.to_owned(), line: index + 1, column: None };
        let lacks = |what: &str| DataError::Form {
            place: place(),
            message: format!("a problem without `{what}`, which cannot be asked"),
        };
        let shown: Shown = serde_json::from_str(line)
            .map_err(|error| DataError::Form { place: place(), message: error.to_string() })?;
        let id = shown.task_id.ok_or_else(|| lacks("task_id"))?;
        let question = shown.prompt.ok_or_else(|| lacks("prompt"))?;
        let solution = shown.canonical_solution.ok_or_else(|| lacks("canonical_solution"))?;
        let problem = known.get(&id).ok_or_else(|| lacks("task_id"))?;
        let mut tests = problem.tests().map_err(|message| DataError::Form { place: place(), message })?;
        if let Tests::Checks(checks) = &mut tests {
            checks.iter_mut().for_each(|check| check.prelude = Prelude::Benchmark);
        }
        let item = Item {
            id: id.clone(),
            benchmark: benchmark.to_owned(),
            references: vec![format!("{question}{solution}")],
            question,
            check: Check::Tests(TestsCheck { program: ProgramForm::Fenced, tests }),
        };
        item.validate().map_err(|fault| DataError::Item { place: place(), id, fault })?;
        items.push(item);
    }
    Ok(items)
}
