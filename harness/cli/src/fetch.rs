//! `assay fetch`: what runs would download, beforehand.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use assay_flow::{Diagnostic, FlowError, Step};
use assay_sandbox::ImageLock;
use assay_study::roles::judges;
use serde_json::json;

use crate::args::{FetchArgs, Global};
use crate::display::Display;
use crate::failure::Failure;
use crate::process::{start_threads, stop_on_signals};
use crate::session::{self, Joint, Reach};
use crate::{document, several, stdio};

/// Bytes of a megabyte.
pub(crate) const MEGABYTE: f64 = 1e6;

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
    let images = !args.no_images && joint.graph.steps().iter().any(|step| judges(step.kind.name()));
    if images {
        for lock in [session::image_lock(&joint.workspace)?, ImageLock::built_in_math()?] {
            session::prepare(global, &lock, &tools, &cancel)?;
        }
    }
    let wanted = distinct(joint.graph.steps());
    let files: Vec<(String, u64)> = wanted.iter().map(|(step, bytes)| (step.id.clone(), *bytes)).collect();
    let Some(graph) = joint.graph.towards(|step| files.iter().any(|(id, _)| *id == step.id)) else {
        return done(global, &[], images);
    };
    let joint = joint.with_graph(graph);
    let outcome = several::carry_out(&joint, &args.machine, &display, &cancel, false, &mut |_, _| {})?;
    display.printed()?;
    if !outcome.failures.is_empty() {
        let (run, failures) = (outcome.run, outcome.failures);
        return Err(FlowError::Failed { run, failures, skipped: Vec::new() }.into());
    }
    done(global, &files, images)
}

/// The steps that download, each with the bytes; of those that download the same, the first.
fn distinct(steps: &[Step]) -> Vec<(&Step, u64)> {
    let mut met = BTreeSet::new();
    let of_step = |step: &Step| {
        let params = step.params.table().iter().map(|(name, value)| format!("{name} = {}", value.value));
        (step.kind.name(), params.collect::<Vec<_>>())
    };
    let downloading = steps.iter().filter_map(|step| Some((step, downloads(step)?)));
    downloading.filter(|(step, _)| met.insert(of_step(step))).collect()
}

/// The bytes that a step downloads, if it does.
pub(crate) fn downloads(step: &Step) -> Option<u64> {
    step.kind.downloads(&step.params)
}

/// Says what is there now.
fn done(global: &Global, files: &[(String, u64)], images: bool) -> Result<(), Failure> {
    if global.json {
        let steps: Vec<_> =
            files.iter().map(|(step, bytes)| json!({ "step": step, "bytes": bytes })).collect();
        return document::print(&json!({ "steps": steps, "images": images }));
    }
    let mut out = stdio::out();
    for (step, bytes) in files {
        writeln!(out, "{:>10.1} MB  {step}", *bytes as f64 / MEGABYTE)?;
    }
    let images = if images { ", and the sandbox's images are set up" } else { "" };
    match files.len() {
        0 => writeln!(out, "nothing is to be downloaded{images}"),
        1 => writeln!(out, "1 file is in the store{images}"),
        count => writeln!(out, "{count} files are in the store{images}"),
    }
}
