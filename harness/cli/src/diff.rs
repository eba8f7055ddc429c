//! `assay diff`: what differs between two reports.

use std::collections::BTreeSet;

use assay_flow::Diagnostic;
use assay_report::Report;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::args::{DiffArgs, Global};
use crate::check::steps::{ChangedStep, changed};
use crate::failure::Failure;
use crate::visible::cut;
use crate::{report, stdio};

/// Fields that say most; of several that differ, the first of these is shown.
const TELLING: [&str; 4] = ["outcome", "measured.value", "value", "expression"];

/// One field that differs. A side that does not have it is `null`.
#[derive(Debug, Serialize)]
struct Field {
    /// What it belongs to: `cell acc.math`, `claim T5.1`, `report`.
    of: String,
    /// The path to it; empty where one side has none of it.
    field: String,
    a: Value,
    b: Value,
}

/// The JSON form.
#[derive(Debug, Serialize)]
struct Differences {
    format: &'static str,
    fields: Vec<Field>,
    steps: Vec<ChangedStep>,
}

/// Prints the cells, claims and other fields that differ, then the steps, each after its inputs.
pub(crate) fn diff(global: &Global, args: &DiffArgs) -> Result<(), Failure> {
    let (a, b) = (report::read(&args.a)?, report::read(&args.b)?);
    if a.id != b.id {
        return Err(Diagnostic::user(format!("{} is of `{}`, {} of `{}`", args.a, a.id, args.b, b.id))
            .help("name two reports of one recipe")
            .into());
    }
    let mut out = stdio::out();
    if global.json {
        let all = Differences {
            format: "assay-diff 1",
            fields: fields(&a, &b),
            steps: changed(&a.sources, &b.sources),
        };
        let json =
            serde_json::to_string_pretty(&all).map_err(|error| Failure::Internal(error.to_string()))?;
        return writeln!(out, "{json}");
    }
    lines(&a, &b).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// What differs, a line for each thing with its first field.
pub(crate) fn lines(a: &Report, b: &Report) -> Vec<String> {
    let fields = fields(a, b);
    let steps = changed(&a.sources, &b.sources);
    if fields.is_empty() && steps.is_empty() {
        return vec!["the reports say the same".to_owned()];
    }
    let mut lines: Vec<String> = fields.chunk_by(|one, other| one.of == other.of).filter_map(line).collect();
    for step in steps {
        let first = if step.first { "  (the change begins here)" } else { "" };
        lines.push(cut(&format!("step {}: {}{first}", step.step, step.change.words())));
    }
    lines
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
    let (a, b) = (json(a), json(b));
    let mut fields = Vec::new();
    let (cells_a, cells_b) = (cells(&a), cells(&b));
    keyed("cell", &cells_a, &cells_b, &mut fields);
    for (list, word) in [("claims", "claim"), ("columns", "column"), ("rows", "row"), ("groups", "group")] {
        keyed(word, &by_id(&a, list), &by_id(&b, list), &mut fields);
    }
    let rest = |report: &Map<String, Value>| -> Value {
        const ELSEWHERE: [&str; 5] = ["claims", "columns", "rows", "groups", "sources"];
        let rest = report.iter().filter(|(key, _)| !ELSEWHERE.contains(&key.as_str()));
        Value::Object(rest.map(|(key, value)| (key.clone(), value.clone())).collect())
    };
    differing("report", "", &rest(&a), &rest(&b), &mut fields);
    fields
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
