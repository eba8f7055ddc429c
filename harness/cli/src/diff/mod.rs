//! `assay diff`: what differs between two runs or reports.

mod side;

use std::collections::BTreeSet;

use assay_flow::Diagnostic;
use assay_report::Report;
use assay_store::Store;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::args::{DiffArgs, Global};
use crate::check::compared::Both;
use crate::check::steps::{ChangedStep, changed, explain};
use crate::check::text::{alike, named};
use crate::compose::training::TRAINING;
use crate::evidence::Samples;
use crate::failure::Failure;
use crate::flips::Flips;
use crate::visible::cut;
use crate::{document, session, stdio};
use side::Side;

/// Fields that say most; of several that differ, the first of these is shown.
const TELLING: [&str; 4] = ["outcome", "measured.value", "value", "expression"];

/// What only the recipe's files say, and a run's record does not.
const OF_FILES: [&str; 5] = ["title", "paper", "locator", "recipe", "criteria"];

/// One field that differs. A side that does not have it is `null`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Field {
    /// What it belongs to: `cell acc.math`, `claim T5.1`, `report`.
    of: String,
    /// The path to it; empty where one side has none of it.
    field: String,
    /// In the first.
    a: Value,
    /// In the second.
    b: Value,
}

/// What differs, which is also the JSON form.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Differences {
    /// Name and version of the form.
    #[schemars(extend("const" = "assay-diff 2"))]
    format: &'static str,
    /// Fields of cells, claims, columns, rows, groups, then of the report as a whole.
    fields: Vec<Field>,
    /// The steps that differ, each after its inputs.
    steps: Vec<ChangedStep>,
    /// The samples with another verdict.
    flipped: Flips,
}

/// What is known beside two reports.
#[derive(Clone, Copy, Default)]
pub(crate) struct Beside<'a> {
    /// A store that may have what they were made from.
    store: Option<&'a Store>,
    /// Whether one of them was put together from a run's record.
    of_run: bool,
}

/// Prints the cells, claims and other fields that differ, then the steps, each after its inputs, then flipped samples.
pub(crate) fn diff(global: &Global, args: &DiffArgs) -> Result<(), Failure> {
    // Two files need no store; where there is one, it has more to say about them.
    let store = session::store(global);
    let (a, b) = (Side::open(&args.a, store.as_ref())?, Side::open(&args.b, store.as_ref())?);
    if a.report.id != b.report.id {
        return Err(Diagnostic::user(format!(
            "{} is of `{}`, {} of `{}`",
            args.a, a.report.id, args.b, b.report.id
        ))
        .help("name two runs or reports of one recipe")
        .into());
    }
    let beside = Beside { store: store.as_ref().ok(), of_run: a.of_run || b.of_run };
    let all = Differences::of(&a.report, &b.report, beside)?;
    if global.json {
        return document::print_whole(&all);
    }
    let mut out = stdio::out();
    all.lines().iter().try_for_each(|line| writeln!(out, "{line}"))
}

impl Differences {
    /// Compares two reports. Without a store nothing is said of reasons and samples.
    pub(crate) fn of(a: &Report, b: &Report, beside: Beside<'_>) -> Result<Self, Failure> {
        let mut fields = fields(a, b);
        fields.retain(|field| {
            let top = field.field.split(['.', '[']).next().unwrap_or_default();
            !(beside.of_run && field.of == "report" && OF_FILES.contains(&top))
        });
        let mut steps = changed(&a.sources, &b.sources);
        let mut flipped = Flips::default();
        if let Some(store) = beside.store {
            explain(&mut steps, store, (&a.sources, &b.sources))?;
            let moved = Both::moved(a, b);
            let samples = |report: &Report| Samples::of(report, store, |row| moved.contains(row));
            let (before, after) = (samples(a)?, samples(b)?);
            flipped = Flips::of((a, &before), (b, &after), store)?;
        }
        Ok(Self { format: "assay-diff 2", fields, steps, flipped })
    }

    /// In lines: one for each thing with its first field, one for each step, then flipped samples.
    pub(crate) fn lines(&self) -> Vec<String> {
        if self.fields.is_empty() && self.steps.is_empty() {
            return vec!["the reports say the same".to_owned()];
        }
        let things = self.fields.chunk_by(|one, other| one.of == other.of);
        let mut lines: Vec<String> = things.filter_map(line).collect();
        let steps: Vec<&ChangedStep> = self.steps.iter().collect();
        for steps in steps.chunk_by(|one, other| alike(one, other)) {
            let Some(step) = steps.first() else { continue };
            let first = if step.first { "  (the change begins here)" } else { "" };
            lines.push(cut(&format!("step {}: {}{first}", named(steps), step.change.words())));
            lines.extend(step.reasons.iter().map(|reason| cut(&format!("  {reason}"))));
        }
        lines.extend(self.flipped.lines());
        lines
    }
}

/// The line of one thing.
fn line(fields: &[Field]) -> Option<String> {
    let telling = TELLING.iter().find_map(|name| fields.iter().find(|field| field.field == *name));
    let field = telling.or(fields.first())?;
    let more = match fields.len() - 1 {
        0 => String::new(),
        1 => " and 1 more field".to_owned(),
        more => format!(" and {more} more fields"),
    };
    let text = match (&field.a, &field.b) {
        (a, Value::Null) if field.field.is_empty() => format!("{}: only in the first ({a})", field.of),
        (Value::Null, b) if field.field.is_empty() => format!("{}: only in the second ({b})", field.of),
        (a, b) => format!("{}: {} {a} -> {b}{more}", field.of, field.field),
    };
    Some(cut(&text))
}

/// All fields that differ but those of steps: of the table's cells, the claims, the columns and rows, the rest.
fn fields(a: &Report, b: &Report) -> Vec<Field> {
    let (a, b) = (json(&compared(a)), json(&compared(b)));
    let mut fields = Vec::new();
    let (cells_a, cells_b) = (cells(&a), cells(&b));
    keyed("cell", &cells_a, &cells_b, &mut fields);
    let lists =
        [("claims", "claim"), ("gates", "gate"), ("columns", "column"), ("rows", "row"), ("groups", "group")];
    for (list, word) in lists {
        keyed(word, &by_id(&a, list), &by_id(&b, list), &mut fields);
    }
    let rest = |report: &Map<String, Value>| -> Value {
        const ELSEWHERE: [&str; 6] = ["claims", "gates", "columns", "rows", "groups", "sources"];
        let rest = report.iter().filter(|(key, _)| !ELSEWHERE.contains(&key.as_str()));
        Value::Object(rest.map(|(key, value)| (key.clone(), value.clone())).collect())
    };
    differing("report", "", &rest(&a), &rest(&b), &mut fields);
    fields
}

/// A report without what it only shows of artefacts: training curves and samples. These differ where the artefacts do, which
/// are compared as steps, and a run's own record has none of them.
fn compared(report: &Report) -> Report {
    let mut report = report.clone();
    report.diagnostics.retain(|section| section.title != TRAINING);
    report.questions.iter_mut().for_each(|of_column| of_column.shown.clear());
    report.samples_chosen = None;
    report
}

fn json(report: &Report) -> Map<String, Value> {
    match serde_json::to_value(report) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Things with an id, in their order.
type Keyed = Vec<(String, Value)>;

fn list<'a>(report: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    report.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn id(value: &Value) -> String {
    value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The entries of a list; rows without their cells.
fn by_id(report: &Map<String, Value>, name: &str) -> Keyed {
    let entries = list(report, name).iter().map(|entry| {
        let mut own = entry.clone();
        if let (Some(own), "rows") = (own.as_object_mut(), name) {
            own.remove("cells");
        }
        (id(entry), own)
    });
    entries.collect()
}

fn cells(report: &Map<String, Value>) -> Keyed {
    let of_row = |row: &Value| -> Keyed {
        let cells = row.get("cells").and_then(Value::as_object).into_iter().flatten();
        cells.map(|(column, cell)| (format!("{}.{column}", id(row)), cell.clone())).collect()
    };
    list(report, "rows").iter().flat_map(of_row).collect()
}

/// The differing fields of things that are paired by id; those of `a` first, in their order.
fn keyed(word: &str, a: &Keyed, b: &Keyed, fields: &mut Vec<Field>) {
    let find = |side: &Keyed, id: &str| {
        side.iter().find(|(known, _)| known == id).map_or(Value::Null, |(_, value)| value.clone())
    };
    let mut seen = BTreeSet::new();
    for (id, _) in a.iter().chain(b).filter(|(id, _)| seen.insert(id.clone())) {
        differing(&format!("{word} {id}"), "", &find(a, id), &find(b, id), fields);
    }
}

/// Walks both values and takes in what differs, down to values that are no objects. Where one has nothing, its other side
/// is taken in whole.
fn differing(of: &str, path: &str, a: &Value, b: &Value, fields: &mut Vec<Field>) {
    match (a, b) {
        (a, b) if a == b => {}
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let side = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                differing(of, &path, &side(left), &side(right), fields);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                differing(of, &format!("{path}[{index}]"), left, right, fields);
            }
        }
        (a, b) => {
            fields.push(Field { of: of.to_owned(), field: path.to_owned(), a: a.clone(), b: b.clone() })
        }
    }
}
