//! From a computed table and what is known of its run to a report.

use std::collections::BTreeMap;

use assay_claims::interval::LEVEL;
use assay_claims::table::{self, Group, RowLayout, Table};
use serde::Serialize;

use super::{Cell, Column, ColumnKind, ColumnQuestions, Criteria, Format, Report, Row, Source};

/// Heading of the average of a group.
const AVERAGE: &str = "Avg";

/// What a report says beside the table: its names, and how the numbers came about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Run {
    /// See [`Report::id`].
    pub id: String,
    /// See [`Report::title`].
    pub title: String,
    /// See [`Report::paper`].
    pub paper: String,
    /// See [`Report::locator`].
    pub locator: String,
    /// See [`Report::scale`].
    pub scale: String,
    /// See [`Report::recipe`].
    pub recipe: Option<String>,
    /// See [`Report::overrides`].
    pub overrides: Vec<String>,
    /// See [`Report::criteria`].
    pub criteria: Option<Criteria>,
    /// See [`Report::facts`].
    pub facts: BTreeMap<String, String>,
    /// See [`Report::sources`].
    pub sources: Vec<Source>,
    /// By model: ids of the [`Source`]s that its cells were computed from.
    pub evidence: BTreeMap<String, Vec<String>>,
}

impl Report {
    /// The report of a table. What it says about the table is the table's; nothing is added but what was
    /// overridden.
    pub fn new(table: Table, run: Run) -> Self {
        let criteria =
            run.criteria.map(|criteria| Criteria { history: table.layout.history.clone(), ..criteria });
        let mut notes = table.notes.clone();
        notes.extend(run.overrides.iter().map(|set| format!("Overridden for this run: {set}")));
        Self {
            format: Format,
            id: run.id,
            title: run.title,
            caption: table.layout.caption.clone(),
            paper: run.paper,
            locator: run.locator,
            scale: run.scale,
            recipe: run.recipe,
            overrides: run.overrides,
            confidence: LEVEL,
            notes,
            questions: questions(&table),
            samples_chosen: None,
            columns: columns(&table),
            rows: table.layout.rows.iter().map(|layout| row(&table, layout, &run.evidence)).collect(),
            groups: table.layout.groups,
            claims: table.claims,
            gates: table.gates,
            diagnostics: table.sections,
            criteria,
            facts: run.facts,
            sources: run.sources,
        }
    }
}

/// The columns in their order, the members of a group together and its average behind them.
fn columns(table: &Table) -> Vec<Column> {
    let layout = &table.layout;
    let mut columns: Vec<Column> = Vec::new();
    for column in &layout.columns {
        match &column.group {
            None => columns.push(benchmark(table, column)),
            Some(group) if columns.iter().all(|known| known.group.as_ref() != Some(group)) => {
                let members = layout.columns.iter().filter(|known| known.group.as_ref() == Some(group));
                columns.extend(members.map(|column| benchmark(table, column)));
                columns.push(average(table, group));
            }
            Some(_) => {}
        }
    }
    // Groups that no column names, since their columns are in other groups too.
    let unnamed =
        |group: &&Group| layout.columns.iter().all(|column| column.group.as_ref() != Some(&group.id));
    let unnamed = layout.groups.iter().filter(unnamed);
    columns.extend(unnamed.map(|group| Column {
        label: group.label.clone(),
        group: None,
        ..average(table, &group.id)
    }));
    let measured = |id: &str| table.cells.values().any(|cells| cells.contains_key(id));
    columns.extend(layout.means.iter().filter(|mean| measured(&mean.id)).map(|mean| Column {
        label: mean.id.clone(),
        group: None,
        ..average(table, &mean.id)
    }));
    columns
}

/// What the rows scored on single questions, in the order of the recipe's columns.
fn questions(table: &Table) -> Vec<ColumnQuestions> {
    let of_column = |column: &table::Column| {
        let scores = table.question_scores.get(&column.id)?.clone();
        Some(ColumnQuestions { column: column.id.clone(), scores, shown: Vec::new() })
    };
    table.layout.columns.iter().filter_map(of_column).collect()
}

fn benchmark(table: &Table, column: &table::Column) -> Column {
    let name = column.benchmark.as_ref();
    Column {
        id: column.id.clone(),
        label: column.id.clone(),
        kind: ColumnKind::Benchmark,
        group: column.group.clone(),
        measured_on: column.benchmark.clone(),
        measure: column.measure.words(),
        unit: column.amount().map(str::to_owned),
        questions: name.and_then(|name| table.questions.get(name)).copied(),
        samples: name.and_then(|name| table.samples.get(name)).copied().map(u64::from),
        paper_questions: column.paper_questions.map(u64::from),
        paper_samples: column.paper_samples.map(u64::from),
    }
}

fn average(table: &Table, group: &str) -> Column {
    Column {
        id: group.to_owned(),
        label: AVERAGE.to_owned(),
        kind: ColumnKind::Average,
        group: Some(group.to_owned()),
        measured_on: None,
        measure: None,
        unit: table.layout.amount(group).map(str::to_owned),
        questions: None,
        samples: None,
        paper_questions: None,
        paper_samples: None,
    }
}

fn row(table: &Table, layout: &RowLayout, evidence: &BTreeMap<String, Vec<String>>) -> Row {
    let sources = layout.model.as_ref().and_then(|model| evidence.get(model));
    let cells = table.cells.get(&layout.id).into_iter().flatten().map(|(column, cell)| {
        let (measured, printed) = (cell.measured.clone(), cell.printed.clone());
        let sources = sources.filter(|_| measured.is_some()).cloned().unwrap_or_default();
        (column.clone(), Cell { measured, printed, sources })
    });
    let cells: BTreeMap<String, Cell> = cells.collect();
    let mut seeds: Vec<u64> = cells
        .values()
        .filter_map(|cell| cell.measured.as_ref())
        .flat_map(|measured| measured.per_seed.keys().copied())
        .collect();
    seeds.sort_unstable();
    seeds.dedup();
    let (label, printed_label) = match layout.stand_in() {
        Some(name) => (name.to_owned(), Some(layout.label.clone())),
        None => (layout.label.clone(), None),
    };
    let assurance = table.assurance.get(&layout.id).copied();
    Row { id: layout.id.clone(), label, printed_label, assurance, anew: None, seeds, cells }
}
