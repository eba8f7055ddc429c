//! From scores of samples to cells and claims.

use std::collections::{BTreeMap, BTreeSet};

use super::curves::curves;
use super::notes::{about_failures, about_intervals, about_mean, about_measures, about_samples};
use super::sections::{completion_lengths, deviations};
use super::values::scores;
use super::{
    Cell, Claim, Column, Gate, Layout, Measure, Printed, QuestionScores, RowLayout, RowScores, Table,
    TableError,
};
use crate::printed::{CellAudit, PrintedCheck};
use crate::quantity::Quantity;
use crate::scores::{CellId, SampleScore, Scores, Values};
use crate::section::Section;

/// What was measured, and what is to be said beside it. Empty for a table of printed values only.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measurements {
    /// By benchmark: the ids of its questions, in the order that all rows share.
    pub questions: BTreeMap<String, Vec<String>>,
    /// By benchmark: samples a question and seed.
    pub samples: BTreeMap<String, u32>,
    /// One for each model and seed.
    pub evaluations: Vec<Evaluation>,
    /// Figures of the rows' models and of the models that these are made from.
    pub figures: Figures,
    /// What else was measured.
    pub sections: Vec<Section>,
    /// What a reader must know, from the recipe's surroundings.
    pub notes: Vec<String>,
}

/// By model, then training seed (`None` for a model that was not trained per seed), then name: numbers about a training run
/// or about the data that it learned from.
pub type Figures = BTreeMap<String, BTreeMap<Option<u64>, BTreeMap<String, f64>>>;

/// What was found for one model and seed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// The model, as rows name it.
    pub model: String,
    /// The training seed; `None` for a model that was not trained per seed.
    pub seed: Option<u64>,
    /// By benchmark, then question: the score of each judged sample.
    pub scores: BTreeMap<String, BTreeMap<String, Vec<SampleScore>>>,
    /// By benchmark, then question: the tokens that the model wrote in each sample, whether it was judged or not.
    pub tokens: BTreeMap<String, BTreeMap<String, Vec<u32>>>,
    /// By benchmark, then question: samples without a verdict because the judge failed. Questions without such samples may
    /// be left out.
    pub failures: BTreeMap<String, BTreeMap<String, u32>>,
}

impl Evaluation {
    /// The mean number of tokens over all samples on a benchmark; `None` where nothing is known of them.
    pub(super) fn length(&self, benchmark: &str) -> Option<f64> {
        let samples = || self.tokens.get(benchmark).into_iter().flat_map(BTreeMap::values).flatten();
        let sum: u64 = samples().copied().map(u64::from).sum();
        let count = samples().count();
        (count > 0).then(|| sum as f64 / count as f64)
    }

    /// All samples without a verdict.
    fn all_failures(&self) -> u64 {
        self.failures.values().flat_map(BTreeMap::values).map(|failures| u64::from(*failures)).sum()
    }
}

impl Table {
    /// Scores every cell and holds every claim against the scores.
    ///
    /// Evaluations of models that no row names are left out. A column without questions, or a row without
    /// evaluations, keeps its printed values.
    ///
    /// # Errors
    /// [`TableError`] when evaluations lack questions, seeds differ, or the judge failed throughout.
    pub fn new(layout: Layout, measured: Measurements) -> Result<Self, TableError> {
        let Measurements { questions, samples, evaluations, figures, mut sections, mut notes } = measured;
        let runs = |row: &RowLayout| -> Vec<&Evaluation> {
            let name = row.evaluated_as();
            let of_row = |evaluation: &&Evaluation| name.as_ref() == Some(&evaluation.model);
            evaluations.iter().filter(of_row).collect()
        };
        let of_model = |row: &RowLayout| row.model.as_ref().and_then(|model| figures.get(model));
        let row = |layout| Row { layout, runs: runs(layout), of_model: of_model(layout) };
        let rows: Vec<Row<'_>> = layout.rows.iter().map(row).collect();
        let scores = scores(&layout, &questions, &rows)?;
        let printed = layout.printed();
        let cells = cells(&layout, &rows, &scores, &printed.audit())?;
        let gates = Gate::all(&layout, &cells, &figures)?;
        let claims = Claim::all(&layout, &scores, &printed, &gates)?;
        let question_scores = question_scores(&layout, &questions, &rows);
        let models: BTreeSet<String> = layout.rows.iter().filter_map(RowLayout::evaluated_as).collect();
        let used = || evaluations.iter().filter(|run| models.contains(&run.model));
        let of_figures = layout.columns.iter().flat_map(|column| rows.iter().map(move |row| (row, column)));
        let of_figures =
            of_figures.flat_map(|(row, column)| row.figures(column)).filter_map(|(seed, _)| seed);
        let seeds: BTreeSet<u64> = used().filter_map(|run| run.seed).chain(of_figures).collect();
        sections.extend(curves(&layout, &cells));
        sections.extend(completion_lengths(&layout, &rows));
        sections.extend(deviations(&layout.deviations));
        notes.extend(layout.notes.iter().cloned());
        notes.extend(layout.means.iter().map(about_mean));
        let on_questions = |(column, cell): (&String, &Cell)| {
            cell.measured.is_some() && scores.values(column).is_some_and(|values| *values != Values::Figures)
        };
        let on_questions = cells.values().flatten().any(on_questions);
        notes.extend(on_questions.then(|| about_intervals(&seeds, layout.rules.seeds)));
        notes.extend(about_measures(&layout, &scores));
        let row_samples = row_samples(&rows, &samples);
        notes.extend(about_samples(&layout, &row_samples, &samples));
        notes.extend(about_failures(used().map(Evaluation::all_failures).sum()));
        Ok(Self {
            questions: questions.into_iter().map(|(id, list)| (id, list.len() as u64)).collect(),
            samples,
            row_samples,
            seeds: seeds.into_iter().collect(),
            assurance: BTreeMap::new(),
            cells,
            question_scores,
            claims,
            gates,
            sections,
            notes,
            layout,
        })
    }
}

/// A row and what was found for its model.
pub(super) struct Row<'a> {
    pub(super) layout: &'a RowLayout,
    pub(super) runs: Vec<&'a Evaluation>,
    /// By training seed and name: the figures of its model.
    of_model: Option<&'a BTreeMap<Option<u64>, BTreeMap<String, f64>>>,
}

impl Row<'_> {
    /// By training seed: the figure that a column is of; nothing for a column of something else.
    pub(super) fn figures(&self, column: &Column) -> impl Iterator<Item = (Option<u64>, f64)> {
        let name = match &column.measure {
            Measure::Figure(name) => Some(name),
            _ => None,
        };
        let by_seed = self.of_model.into_iter().flatten();
        by_seed.filter_map(move |(seed, by_name)| Some((*seed, *by_name.get(name?)?)))
    }
}

/// By column of accuracies: what each row scored on single questions. What pass@k and tokens rest on is not a sum of scores.
fn question_scores(
    layout: &Layout,
    questions: &BTreeMap<String, Vec<String>>,
    rows: &[Row<'_>],
) -> BTreeMap<String, QuestionScores> {
    let of_column = |column: &Column| {
        let benchmark = column.benchmark.as_ref()?;
        let questions = questions.get(benchmark)?;
        let of_row = |row: &Row<'_>| Some((row.layout.id.clone(), row_scores(row, benchmark, questions)?));
        let rows: BTreeMap<String, RowScores> = rows.iter().filter_map(of_row).collect();
        let scores = QuestionScores { questions: questions.clone(), rows };
        (!scores.rows.is_empty()).then(|| (column.id.clone(), scores))
    };
    let of_accuracy = layout.columns.iter().filter(|column| column.measure == Measure::Accuracy);
    of_accuracy.filter_map(of_column).collect()
}

/// By row and benchmark: samples a question of one run, where they are not those of the other rows.
fn row_samples(rows: &[Row<'_>], samples: &BTreeMap<String, u32>) -> BTreeMap<String, BTreeMap<String, u32>> {
    let of_run = |run: &Evaluation, benchmark: &str| -> Option<usize> {
        let failures = run.failures.get(benchmark);
        let failed = |question| failures.and_then(|failures| failures.get(question)).copied().unwrap_or(0);
        let counts = run.scores.get(benchmark)?.iter();
        counts.map(|(question, judged)| judged.len() + failed(question) as usize).max()
    };
    let of_row = |row: &Row<'_>| -> BTreeMap<String, u32> {
        let count = |(benchmark, common): (&String, &u32)| {
            let counts = row.runs.iter().filter_map(|run| of_run(run, benchmark));
            let own = u32::try_from(counts.max()?).ok()?;
            (own != *common).then(|| (benchmark.clone(), own))
        };
        samples.iter().filter_map(count).collect()
    };
    let rows = rows.iter().map(|row| (row.layout.id.clone(), of_row(row)));
    rows.filter(|(_, samples)| !samples.is_empty()).collect()
}

/// What a row scored on the questions of a benchmark; `None` if it was not measured on it.
fn row_scores(row: &Row<'_>, benchmark: &str, questions: &[String]) -> Option<RowScores> {
    let runs: Vec<_> = row.runs.iter().filter_map(|run| Some((*run, run.scores.get(benchmark)?))).collect();
    let judged = |question: &String| -> Vec<f64> {
        let samples = runs.iter().filter_map(|(_, scores)| scores.get(question)).flatten();
        samples.map(|score| score.value()).collect()
    };
    let failed = |question: &String| -> u64 {
        let of_run = |run: &Evaluation| run.failures.get(benchmark)?.get(question).copied();
        runs.iter().filter_map(|(run, _)| of_run(run)).map(u64::from).sum()
    };
    let samples = |question: &String| judged(question).len() as u64 + failed(question);
    let failures = questions.iter().map(|question| (question.clone(), failed(question)));
    (!runs.is_empty()).then(|| RowScores {
        samples: questions.iter().map(samples).max().unwrap_or_default(),
        sums: questions.iter().map(|question| judged(question).iter().sum()).collect(),
        failures: failures.filter(|(_, failed)| *failed > 0).collect(),
    })
}

/// The cells of all rows, averages included.
fn cells(
    layout: &Layout,
    rows: &[Row<'_>],
    scores: &Scores,
    audits: &[CellAudit],
) -> Result<BTreeMap<String, BTreeMap<String, Cell>>, TableError> {
    let averages = || layout.groups.iter().map(|g| &g.id).chain(layout.means.iter().map(|mean| &mean.id));
    let ids = || layout.columns.iter().map(|column| &column.id).chain(averages());
    let mut cells = BTreeMap::new();
    for row in rows {
        let mut of_row = BTreeMap::new();
        for column in ids() {
            let text = row.layout.printed.get(column).or_else(|| row.layout.averages.get(column));
            let printed = text.map(|text| printed(text, &row.layout.id, column, audits));
            let measured = measured(layout, row, column, scores)?;
            if measured.is_some() || printed.is_some() {
                of_row.insert(column.clone(), Cell { measured, printed });
            }
        }
        cells.insert(row.layout.id.clone(), of_row);
    }
    Ok(cells)
}

fn measured(
    layout: &Layout,
    row: &Row<'_>,
    column: &str,
    scores: &Scores,
) -> Result<Option<Quantity>, TableError> {
    let cell = CellId { row: row.layout.id.clone(), column: column.to_owned() };
    if scores.is_missing(&cell)? {
        return Ok(None);
    }
    let columns = layout.averaged(column);
    // Columns of one benchmark rest on the same samples.
    let benchmarks: BTreeSet<&String> =
        columns.iter().filter_map(|column| column.benchmark.as_ref()).collect();
    let samples = benchmarks.iter().flat_map(|name| row.runs.iter().filter_map(|run| run.scores.get(*name)));
    let judged = samples.flat_map(BTreeMap::values).map(|judged| judged.len() as u64).sum();
    let judged = columns.iter().all(|column| column.measure.is_share()).then_some(judged);
    Ok(Some(scores.cell(&cell.row, column)?.quantity(scores.factor(column), judged)))
}

fn printed(text: &str, row: &str, column: &str, audits: &[CellAudit]) -> Printed {
    let audit = audits.iter().find(|audit| audit.row == row && audit.column == column);
    Printed {
        text: text.to_owned(),
        check: audit.map_or(PrintedCheck::NotAttempted, |audit| audit.result),
        note: audit.and_then(|audit| audit.note.clone()),
    }
}
