//! `assay check`: a run against the committed report.

mod compared;
mod github;
mod junit;
pub(crate) mod steps;
mod text;

use std::sync::Arc;

use assay_claims::compare::Call;
use assay_flow::{Diagnostic, Outcome, Recipe, RecipeKind, Value, ValuePath, changes_since};
use assay_report::Report;
use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};

use crate::args::{CheckArgs, Global};
use crate::display::Display;
use crate::failure::Failure;
use crate::session::Session;
use crate::visible::visible;
use crate::{compose, diff, outputs, report, run, stdio};
use compared::{Check, Item, Limits, compared};

/// Runs the recipe, compares its report with the baseline, and says what has changed for the worse.
pub(crate) fn check(global: &Global, args: &CheckArgs) -> Result<(), Failure> {
    outputs::check(&[], &[("--junit", args.junit.as_deref())])?;
    let display = Arc::new(if args.quiet { Display::quiet() } else { Display::new(false) });
    let session = run::open(global, &args.target.clone().into(), &args.machine, &display)?;
    let path = baseline_path(&session, args)?;
    let baseline = baseline(&path, &session)?;
    let outcome = run::carry_out(&session, &args.machine, &display)?;
    let now = compose::report(&session, &outcome)?;
    let limits = Limits { alpha: args.alpha, min_effect: args.min_effect };
    let mut check = compared(&baseline, &now, &session.graph.target().id, limits);
    place(&mut check, session.graph.recipe());
    explain(&mut check, &session, &baseline, &outcome)?;
    print(global, args, &check, &now)?;
    if args.accept {
        return accept(global, &session, &outcome, (&baseline, &now));
    }
    ended(&check, &path)
}

/// The committed report, unless the user names another.
fn baseline_path(session: &Session, args: &CheckArgs) -> Result<Utf8PathBuf, Failure> {
    let recipe = session.graph.recipe();
    if recipe.kind != RecipeKind::Table {
        return Err(Diagnostic::user(format!("`{}` has no report to check: it is no table", recipe.name))
            .help(format!("`assay run {}` compares an artefact with its lock", recipe.name))
            .into());
    }
    let folder = session.workspace.root().join("reports").join(&session.graph.scale().name);
    Ok(args.baseline.clone().unwrap_or_else(|| folder.join(format!("{}.json", recipe.name))))
}

/// The baseline, which must be of this recipe and scale.
fn baseline(path: &Utf8Path, session: &Session) -> Result<Report, Failure> {
    let (recipe, scale) = (&session.graph.recipe().name, &session.graph.scale().name);
    if !path.is_file() {
        return Err(Diagnostic::user(format!("there is no baseline at {path}"))
            .help(format!(
                "`assay run {recipe} --scale {scale}` writes one to commit; --baseline names another"
            ))
            .into());
    }
    let baseline = report::read(path)?;
    if (&baseline.id, &baseline.scale) != (recipe, scale) {
        let (id, of) = (visible(&baseline.id), visible(&baseline.scale));
        return Err(Diagnostic::user(format!(
            "{path} is a report of `{id}` at scale `{of}`, which cannot be compared with `{recipe}` at `{scale}`"
        ))
        .help("name a report of the same recipe and scale with --baseline")
        .into());
    }
    Ok(baseline)
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

/// Says of each step at which a change begins why its key differs from the baseline's, if the store knows that one.
fn explain(
    check: &mut Check,
    session: &Session,
    baseline: &Report,
    outcome: &Outcome,
) -> Result<(), Failure> {
    for step in check.steps.iter_mut().filter(|step| step.first) {
        let before = baseline.sources.iter().find(|source| source.step == step.step);
        let earlier: Option<Hash> = before.and_then(|source| source.key.parse().ok());
        let now = outcome.steps.iter().find(|now| now.step == step.step);
        if let Some((earlier, now)) = earlier.zip(now) {
            let reasons = changes_since(&session.store, &earlier, &now.description)?;
            step.reasons = reasons.into_iter().flatten().map(|reason| reason.to_string()).collect();
        }
    }
    Ok(())
}

/// Writes and prints everything that the user asked for.
fn print(global: &Global, args: &CheckArgs, check: &Check, now: &Report) -> Result<(), Failure> {
    if let Some(path) = &args.junit {
        outputs::write(path, junit::junit(check).as_bytes())?;
    }
    let mut out = stdio::out();
    if global.json {
        let json =
            serde_json::to_string_pretty(check).map_err(|error| Failure::Internal(error.to_string()))?;
        writeln!(out, "{json}")?;
        return Ok(());
    }
    writeln!(out, "{}", text::headline(check))?;
    match args.quiet {
        true => write!(out, "{}", run::outcomes(now))?,
        false => text::lines(check).iter().try_for_each(|line| writeln!(out, "{line}"))?,
    }
    if args.github {
        github::annotations(check).iter().try_for_each(|line| writeln!(out, "{line}"))?;
        args.step_summary.as_deref().map_or(Ok(()), |path| append(path, check))?;
    }
    Ok(())
}

/// Appends the summary to the file that the job's step is given.
fn append(path: &Utf8Path, check: &Check) -> Result<(), Failure> {
    let refused = || {
        let help = "GitHub names the file in GITHUB_STEP_SUMMARY; --step-summary names another";
        Failure::refused(format!("append the summary to {path}"), help)
    };
    let there = path.metadata().map_or(0, |metadata| usize::try_from(metadata.len()).unwrap_or(usize::MAX));
    let mut file = fs_err::OpenOptions::new().create(true).append(true).open(path).map_err(refused())?;
    std::io::Write::write_all(&mut file, github::summary(check, there).as_bytes()).map_err(refused())
}

/// What is said of one cell or claim in a sentence.
fn sentence(item: &Item) -> String {
    let mut text = format!("{} {}", visible(&item.id), item.call());
    if let Some((Some(before), Some(now))) = item.outcomes {
        text.push_str(&format!(": {before} before, {now} now"));
    }
    if let (Some(before), Some(now)) = (item.baseline, item.now) {
        text.push_str(&format!(": {:.2} before, {:.2} now", before.value, now.value));
    }
    if let Some(test) = &item.difference {
        text.push_str(&format!(", interval of the difference {:+.2} to {:+.2}", test.low, test.high));
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
fn accept(
    global: &Global,
    session: &Session,
    outcome: &Outcome,
    (baseline, now): (&Report, &Report),
) -> Result<(), Failure> {
    let written = assay_report::write(now, &session.report_folder())?;
    session.store.pin(&outcome.run, &run::kept(outcome))?;
    let differences = diff::lines(baseline, now);
    if !global.json {
        let mut out = stdio::out();
        differences.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        written.iter().filter(|file| file.changed).try_for_each(|file| writeln!(out, "{}", file.path))?;
    }
    match written.iter().any(|file| file.changed) {
        false => Ok(()),
        true => Err(Failure::Regressed {
            message: "the baseline was rewritten, which fails once".to_owned(),
            help: "look at the differences and commit the new report".to_owned(),
        }),
    }
}

/// How the command ends.
fn ended(check: &Check, path: &Utf8Path) -> Result<(), Failure> {
    let accept = "`assay check --accept` takes this run's report as the baseline";
    let count = |call: Call| check.counts.get(&call).copied().unwrap_or_default();
    let failed = count(Call::Regressed) + count(Call::Missing);
    if failed > 0 {
        let all: usize = check.counts.values().sum();
        return Err(Failure::Regressed {
            message: format!("{failed} of {all} cells and claims are worse than in {path}, or missing"),
            help: format!("undo what the first steps that differ changed; if it is meant, {accept}"),
        });
    }
    if !check.counts.is_empty() && check.counts.keys().all(|call| *call == Call::NotComparable) {
        return Err(Diagnostic::user(format!("nothing in {path} can be compared with this run"))
            .help(accept)
            .into());
    }
    Ok(())
}
