//! `assay fetch`: what runs would download, beforehand.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use assay_flow::{Diagnostic, FlowError, JoinedGraph, Step};
use assay_sandbox::ImageLock;
use serde_json::json;

use crate::args::{FetchArgs, Global};
use crate::display::Display;
use crate::failure::Failure;
use crate::process::{start_threads, stop_on_signals};
use crate::session::{self, Joint, Reach};
use crate::{document, several, stdio};

/// The kinds of steps that judge by the sandbox.
const JUDGING: [&str; 3] = ["judge", "judge-answers", "grpo"];

/// Bytes of a megabyte.
const MEGABYTE: f64 = 1e6;

/// Runs the steps of recipes that download, and sets up the sandbox's images, so that the recipes themselves need no network.
pub(crate) fn fetch(global: &Global, args: &FetchArgs) -> Result<(), Failure> {
    start_threads()?;
    if let Some(folder) = args.from.as_deref().filter(|folder| !folder.is_dir()) {
        return Err(Diagnostic::user(format!("--from: there is no folder {folder}")).into());
    }
    let display = Arc::new(Display::new(global.json));
    let (recipes, _) = several::chosen(global, &args.targets)?;
    let reach = Reach::to_fetch(&args.machine.python, args.from.as_deref())?;
    let tools = reach.tools().clone();
    let shown = Arc::clone(&display);
    let joint = Joint::open(global, &recipes, &args.targets, reach, move |event| shown.setup(&event))?;
    let cancel = Arc::new(AtomicBool::new(false));
    stop_on_signals(&cancel)?;
    let judges = joint.graph.steps().iter().any(|step| JUDGING.contains(&step.kind.name()));
    if judges && !args.no_images {
        for lock in [session::image_lock(&joint.workspace)?, ImageLock::built_in_math()?] {
            session::prepare(global, &lock, &tools, &cancel)?;
        }
    }
    let Some(graph) = joint.graph.towards(|step| downloads(step).is_some()) else {
        return done(global, None, judges && !args.no_images);
    };
    let joint = joint.with_graph(graph);
    let outcome = several::carry_out(&joint, &args.machine, &display, &cancel, false, &mut |_, _| {})?;
    display.printed()?;
    if !outcome.failures.is_empty() {
        let (run, failures) = (outcome.run, outcome.failures);
        return Err(FlowError::Failed { run, failures, skipped: Vec::new() }.into());
    }
    done(global, Some(&joint.graph), judges && !args.no_images)
}

/// The bytes that a step downloads, if it does.
pub(crate) fn downloads(step: &Step) -> Option<u64> {
    step.kind.downloads(&step.params)
}

/// Says what is there now.
fn done(global: &Global, graph: Option<&JoinedGraph>, images: bool) -> Result<(), Failure> {
    let steps: Vec<(&str, u64)> = graph
        .iter()
        .flat_map(|graph| graph.steps())
        .filter_map(|step| Some((step.id.as_str(), downloads(step)?)))
        .collect();
    if global.json {
        let steps: Vec<_> =
            steps.iter().map(|(step, bytes)| json!({ "step": step, "bytes": bytes })).collect();
        return document::print(&json!({ "steps": steps, "images": images }));
    }
    let mut out = stdio::out();
    for (step, bytes) in &steps {
        writeln!(out, "{:>10.1} MB  {step}", *bytes as f64 / MEGABYTE)?;
    }
    let images = if images { ", and the sandbox's images are set up" } else { "" };
    match steps.len() {
        0 => writeln!(out, "nothing is to be downloaded{images}"),
        1 => writeln!(out, "1 file is in the store{images}"),
        count => writeln!(out, "{count} files are in the store{images}"),
    }
}
