//! `assay runs`, `assay log` and `assay store`.

use assay_flow::{Diagnostic, Record};
use assay_store::{Run, RunStatus, Store};
use serde_json::json;

use crate::args::{Global, StoreCommand};
use crate::document;
use crate::failure::Failure;
use crate::session;
use crate::stdio;

/// Lists the runs, newest first, with ids as short as they can be.
pub(crate) fn runs(global: &Global) -> Result<(), Failure> {
    let store = session::store(global)?;
    let runs = store.runs()?;
    if global.json {
        let run = |run: &Run| {
            json!({ "id": run.id, "title": run.title, "status": run.status, "started_ms": run.started_ms,
                    "ended_ms": run.ended_ms })
        };
        return document::print(&json!({ "runs": runs.iter().map(run).collect::<Vec<_>>() }));
    }
    let mut out = stdio::out();
    if runs.is_empty() {
        writeln!(out, "no runs yet")?;
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    for run in &runs {
        let took = run.ended_ms.map_or_else(|| "-".to_owned(), |end| span(end - run.started_ms));
        let ago = span(i64::try_from(now.as_millis()).unwrap_or(i64::MAX) - run.started_ms);
        writeln!(
            out,
            "{:16}  {:11}  {:>8} ago  took {:>7}  {}",
            store.run_prefix(&run.id)?,
            status(run.status),
            ago,
            took,
            run.title
        )?;
    }
    Ok(())
}

/// Prints a run's event log, one JSON object a line.
pub(crate) fn log(global: &Global, prefix: &str) -> Result<(), Failure> {
    let store = session::store(global)?;
    let Run { id, .. } = store.find_run(prefix)?;
    let mut out = stdio::out();
    for (number, line) in (1..).zip(store.events(&id)?) {
        let record = Record::from_json(&line).map_err(|error| {
            Diagnostic::user(format!("line {number} of the log of run {id}: {error}"))
                .help("read it with the version of this program that recorded it")
        })?;
        writeln!(out, "{}", document::line(&record)?)?;
    }
    Ok(())
}

/// Counts, verifies or cleans the store.
pub(crate) fn maintain(global: &Global, command: &StoreCommand) -> Result<(), Failure> {
    match command {
        StoreCommand::Stats => stats(global, &session::store(global)?),
        StoreCommand::Verify => verify(global, &session::store(global)?),
        StoreCommand::Gc { yes: false } => gc(global, &session::store(global)?, false),
        StoreCommand::Gc { yes: true } => gc(global, &session::store_to_collect(global)?, true),
    }
}

fn stats(global: &Global, store: &Store) -> Result<(), Failure> {
    let stats = store.stats()?;
    if global.json {
        return document::print(&stats);
    }
    let mut out = stdio::out();
    let rows = [
        ("objects", stats.objects, Some(stats.object_bytes)),
        ("actions", stats.actions, None),
        ("remembered results", stats.memo_values, Some(stats.memo_bytes)),
        ("runs", stats.runs, None),
        ("events", stats.events, None),
        ("checkpoints", stats.checkpoints, Some(stats.checkpoint_bytes)),
        ("set aside as damaged", stats.set_aside, Some(stats.set_aside_bytes)),
    ];
    for (what, count, size) in rows {
        let size = size.map_or_else(String::new, bytes);
        writeln!(out, "{what:20}  {count:>8}  {size:>10}")?;
    }
    Ok(())
}

fn verify(global: &Global, store: &Store) -> Result<(), Failure> {
    let report = store.verify()?;
    if global.json {
        document::print(&report)?;
    } else {
        let mut out = stdio::out();
        for damage in report.corrupt.iter().chain(&report.missing) {
            writeln!(out, "{}: {}", damage.hash, damage.problem)?;
            for reference in &damage.wanted_by {
                writeln!(out, "  needed by {reference}")?;
            }
        }
        for stray in &report.strays {
            writeln!(out, "{stray}: not an object; it is ignored")?;
        }
        for problem in &report.index {
            writeln!(out, "index: {problem}")?;
        }
        for problem in &report.journal {
            writeln!(out, "journal: {problem}")?;
        }
        for damaged in &report.memo.damaged {
            writeln!(out, "{}: a remembered result in {} is damaged", damaged.key, damaged.path)?;
        }
        let (objects, results) = (report.objects, report.memo.values);
        writeln!(
            out,
            "{objects} objects and {results} results, {} verified",
            bytes(report.bytes + report.memo.bytes)
        )?;
    }
    if report.is_sound() {
        return Ok(());
    }
    let objects = report.corrupt.len() + report.missing.len();
    let results = report.memo.damaged.len() as u64 + report.memo.bad_keys;
    let mut found = Vec::new();
    if objects > 0 || results > 0 {
        found.push(format!(
            "{objects} objects and {results} remembered results are damaged; the next run that needs them makes them anew"
        ));
    }
    if !report.index.is_empty() {
        found.push("the index is damaged; the next command makes it anew from its journal".to_owned());
    }
    if !report.journal.is_empty() {
        found.push("the journal of the index is damaged; the next run writes it anew".to_owned());
    }
    Err(Failure::Damaged(found.join(". ")))
}

fn gc(global: &Global, store: &Store, yes: bool) -> Result<(), Failure> {
    let plan = store.gc_plan()?;
    if global.json {
        let deleted = if yes { Some(store.gc_apply(&plan)?) } else { None };
        return document::print(&json!({ "plan": plan, "deleted": deleted }));
    }
    let mut out = stdio::out();
    for object in plan.objects.iter().chain(&plan.checkpoints) {
        writeln!(out, "{}  {:>9}", object.hash, bytes(object.bytes))?;
    }
    writeln!(
        out,
        "{} objects, {} checkpoints, {} remembered results, {} set aside as damaged: {} that no recorded report or \
         latest result needs",
        plan.objects.len(),
        plan.checkpoints.len(),
        plan.memo.values,
        plan.set_aside.len(),
        bytes(plan.bytes())
    )?;
    if plan.spared_as_new > 0 {
        writeln!(
            out,
            "{} more ({}) are too new to be deleted",
            plan.spared_as_new,
            bytes(plan.spared_as_new_bytes)
        )?;
    }
    if !yes {
        if !plan.is_empty() {
            writeln!(out, "nothing was deleted; add --yes to delete them")?;
        }
        return Ok(());
    }
    let outcome = store.gc_apply(&plan)?;
    writeln!(out, "deleted {} objects, {} freed", outcome.objects, bytes(outcome.bytes))?;
    if outcome.beside_runs {
        writeln!(out, "a run is active: what it might need was left; collect again when it has ended")?;
    }
    Ok(())
}

fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Succeeded => "succeeded",
        RunStatus::Failed => "failed",
        RunStatus::Interrupted => "interrupted",
    }
}

/// A length of time in its two largest units.
fn span(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1000;
    match seconds {
        0..60 => format!("{}.{} s", seconds, milliseconds.max(0) % 1000 / 100),
        60..3600 => format!("{} m {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{:.1} KiB", count as f64 / 1024.0),
        _ => format!("{:.1} MiB", count as f64 / 1_048_576.0),
    }
}
