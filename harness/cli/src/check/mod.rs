//! `assay check`: a run against the committed report.

mod baseline;
pub(crate) mod compared;
mod confirm;
mod finished;
pub(crate) mod found;
mod github;
mod junit;
pub(crate) mod overall;
mod several;
pub(crate) mod steps;
pub(crate) mod text;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use assay_claims::compare::Call;
use assay_flow::{Diagnostic, Recipe, Value, ValuePath};
use assay_report::Report;
use camino::{Utf8Path, Utf8PathBuf};

use crate::args::{CheckArgs, Global, Target};
use crate::display::Display;
use crate::failure::Failure;
use crate::process::stop_on_signals;
use crate::visible::visible;
use crate::{document, outputs, run, stdio};
use baseline::Baseline;
use compared::Limits;
use confirm::Again;
use finished::Finished;
use found::{Check, Item, Outcomes};

/// Runs the recipes, compares each report with its baseline, and says what has changed for the worse.
pub(crate) fn check(global: &Global, args: &CheckArgs) -> Result<(), Failure> {
    outputs::check(&[], &[("--junit", args.junit.as_deref())])?;
    match args.targets.only() {
        Some(target) => of_one(global, args, &target),
        None => several::check(global, args),
    }
}

/// The check of one recipe.
fn of_one(global: &Global, args: &CheckArgs, target: &Target) -> Result<(), Failure> {
    let display = Arc::new(if args.quiet { Display::quiet() } else { Display::new(false) });
    let session = run::open(global, target, &args.machine, &display)?;
    let baseline = Baseline::of(&session, args.baseline.as_deref())?;
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let outcome = run::carry_out_until(&session, &args.machine, &display, &cancel, false)?;
    let finished = Finished::new(session, outcome, baseline)?;
    let limits = Limits { alpha: args.alpha, min_effect: args.min_effect, others: 0 };
    let again = Again { global, machine: &args.machine, target, display: &display, cancel: &cancel };
    let check = settled(&finished, limits, args.confirm.then_some(&again))?;
    print(global, args, &check, &finished.now)?;
    if args.accept {
        return accept(global, &finished);
    }
    ended(&check, &finished.baseline.path)
}

/// The check of a recipe, with its second look if one is asked for, and the places and reasons of what it says.
fn settled(finished: &Finished, limits: Limits, again: Option<&Again<'_>>) -> Result<Check, Failure> {
    let mut check = finished.check(limits)?;
    if let Some(again) = again {
        again.confirm(&mut check, finished, limits)?;
    }
    place(&mut check, finished.session.graph.recipe());
    finished.explain(&mut check)?;
    Ok(check)
}

/// Gives each item the place in the recipe that it is about.
fn place(check: &mut Check, recipe: &Recipe) {
    for item in &mut check.cells {
        let (row, column) = item.id.split_once('.').unwrap_or((&item.id, ""));
        located(item, recipe, "rows", row.to_owned(), Some(ValuePath::key("printed").then(column)));
    }
    for item in &mut check.claims {
        let id = item.id.clone();
        located(item, recipe, "claims", id, None);
    }
}

/// The place of the entry of a list with this id, or of what stands at `path` in it; else the recipe's first line.
fn located(item: &mut Item, recipe: &Recipe, list: &str, id: String, path: Option<ValuePath>) {
    let entries = recipe.content.get(list).and_then(|entries| entries.value.as_list()).unwrap_or_default();
    let of_id = |entry: &&assay_flow::Located| {
        entry.at("id").is_some_and(|known| matches!(&known.value, Value::Str(known) if *known == id))
    };
    let entry = entries.iter().find(of_id);
    let inside = entry.zip(path).and_then(|(entry, path)| entry.get(&path));
    let place = inside.or(entry).and_then(|found| found.origin.location());
    item.file = Some(place.map_or_else(|| recipe.file.to_string(), |place| place.file.to_string()));
    item.line = Some(place.map_or(1, |place| place.line));
}

/// Writes and prints everything that the user asked for.
fn print(global: &Global, args: &CheckArgs, check: &Check, now: &Report) -> Result<(), Failure> {
    if let Some(path) = &args.junit {
        outputs::write(path, junit::of_one(check).as_bytes())?;
    }
    if global.json {
        return document::print_whole(check);
    }
    let mut out = stdio::out();
    writeln!(out, "{}", text::headline(check))?;
    match args.quiet {
        true => write!(out, "{}", run::outcomes(now))?,
        false => text::lines(check).iter().try_for_each(|line| writeln!(out, "{line}"))?,
    }
    if args.github {
        github::annotations(&[check]).iter().try_for_each(|line| writeln!(out, "{line}"))?;
        args.step_summary.as_deref().map_or(Ok(()), |path| append(path, &text::markdown(check)))?;
    }
    Ok(())
}

/// Appends the summary to the file that the job's step is given.
fn append(path: &Utf8Path, summary: &str) -> Result<(), Failure> {
    let refused = || {
        let help = "GitHub names the file in GITHUB_STEP_SUMMARY; --step-summary names another";
        Failure::refused(format!("append the summary to {path}"), help)
    };
    let there = path.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    let mut file = fs_err::OpenOptions::new().create(true).append(true).open(path).map_err(refused())?;
    std::io::Write::write_all(&mut file, github::cut(summary, there).as_bytes()).map_err(refused())
}

/// What is said of one cell or claim in a sentence.
fn sentence(item: &Item) -> String {
    let mut text = format!("{} {}", visible(&item.id), item.call());
    if let Some(Outcomes { baseline: Some(before), now: Some(now) }) = item.outcomes {
        text.push_str(&format!(": {before} before, {now} now"));
    }
    if let (Some(before), Some(now)) = (item.baseline, item.now) {
        text.push_str(&format!(": {:.2} before, {:.2} now", before.value, now.value));
    }
    if let Some(test) = &item.difference {
        text.push_str(&format!(", interval of the difference {:+.2} to {:+.2}", test.low, test.high));
    }
    if let Some(again) = &item.confirmation {
        text.push_str(&format!(", {}", again.words()));
    }
    if let Some(reason) = item.reason {
        text.push_str(&format!(" ({reason})"));
    }
    for part in item.parts.iter().filter(|part| part.call() <= Call::Suspected) {
        text.push_str(&format!("; {}", sentence(part)));
    }
    text
}

/// Rewrites the baseline, and fails once if that changes it.
fn accept(global: &Global, finished: &Finished) -> Result<(), Failure> {
    let (differences, changed) = finished.accept()?;
    if !global.json {
        print_accepted(&differences, &changed)?;
    }
    match changed.is_empty() {
        true => Ok(()),
        false => Err(rewritten("the baseline was")),
    }
}

/// Says what was accepted.
fn print_accepted(differences: &[String], changed: &[Utf8PathBuf]) -> Result<(), Failure> {
    let mut out = stdio::out();
    differences.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    changed.iter().try_for_each(|path| writeln!(out, "{path}"))
}

/// The failure of a command that has rewritten what it compares with.
fn rewritten(what: &str) -> Failure {
    Failure::Regressed {
        message: format!("{what} rewritten, which fails once"),
        help: "look at the differences and commit what is new".to_owned(),
    }
}

/// What to do about a difference that is meant.
const ACCEPT: &str = "`assay check --accept` takes this run's report as the baseline";

/// How the command ends.
fn ended(check: &Check, path: &Utf8Path) -> Result<(), Failure> {
    if check.regression {
        let (failed, all) = (check.failed(), check.counts.values().sum::<usize>());
        return Err(Failure::Regressed {
            message: format!("{failed} of {all} cells and claims are worse than in {path}, or missing"),
            help: format!("undo what the first steps that differ changed; if it is meant, {ACCEPT}"),
        });
    }
    if check.is_blind() {
        return Err(Diagnostic::user(format!("nothing in {path} can be compared with this run"))
            .help(ACCEPT)
            .into());
    }
    Ok(())
}
