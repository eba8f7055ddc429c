//! Reading and planning a recipe of a hundred models: the repository's templates, scale and step kinds.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_bench::{copy, judging, report_time};
use assay_flow::{Facts, Workspace, load, plan};
use assay_store::Store;
use assay_study::steps::{Setup, registry};
use camino::Utf8Path;

/// Chains of traces, each with a baseline and a model of each estimator: a hundred models with a row of the table.
const CHAINS: usize = 25;

/// The repository's recipes, and one of a hundred models of its templates. Each chain takes other questions, so
/// that no two models share a step.
fn write(root: &Utf8Path) -> std::io::Result<()> {
    let repository = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in ["recipes", "lockfiles"] {
        copy(&repository.join(folder), &root.join(folder))?;
    }
    let mut models = "[models]\n".to_owned();
    let mut recipe = "title = \"all\"\nkind = \"table\"\ncolumns = \"$benchmarks.main\"\n\
                      groups = \"$benchmarks.groups\"\n"
        .to_owned();
    for chain in 0..CHAINS {
        let questions = 100 + chain;
        // Writing into a String cannot fail.
        let _ = writeln!(
            models,
            "chain-{chain} = {{ template = \"posterior-chain\", base = \"base-m\", teacher = \"noisy\", hint = \"B\", \
             questions = {questions}, skip = 0, learned = {questions}, traces = 8 }}\n\
             tuned-{chain} = {{ template = \"tuned\", base = \"base-m\", teacher = \"noisy\", questions = {questions}, training = \"$final-1k\" }}"
        );
        let _ = writeln!(recipe, "[[rows]]\nid = \"t{chain}\"\nlabel = \"Tuned\"\nmodel = \"tuned-{chain}\"");
        for (estimator, answer) in [("acc", "verified"), ("gml", "reference"), ("l", "reference")] {
            let _ = writeln!(
                models,
                "ours-{chain}-{estimator} = {{ template = \"weighted\", base = \"base-m\", teacher = \"noisy\", chain = \"chain-{chain}\", \
                 estimator = \"{estimator}\", answer = \"{answer}\", training = \"$final-1k\" }}"
            );
            let _ = writeln!(
                recipe,
                "[[rows]]\nid = \"{estimator}{chain}\"\nlabel = \"Ours\"\nmodel = \"ours-{chain}-{estimator}\""
            );
        }
    }
    fs_err::write(root.join("recipes/pipeline/hundred.toml"), models)?;
    fs_err::write(root.join("recipes/all.toml"), recipe)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::TempDir::new()?;
    let root = Utf8Path::from_path(folder.path()).ok_or("the temporary folder's path is not UTF-8")?;
    write(root)?;
    let workspace = Workspace::new(root);
    let judging = judging::unused(&root.join("images"))?;
    let setup = Setup {
        workspace: workspace.clone(),
        tools: assay_sandbox::Tools::with_python("python3"),
        hub: assay_fetch::Hub::new(assay_fetch::Hub::ADDRESS, None, None, None)
            .expect("its own address is one"),
        servers: Vec::new(),
        judging: Arc::new(judging),
    };
    let kinds = registry(&setup)?;
    let store = Store::open(&root.join("store"))?;
    let goal = Duration::from_millis(100);
    let models = 4 * CHAINS;
    // The goal is for three seeds; the scale's own ten are the same plan with three times the steps.
    for (seeds, sets) in
        [("three seeds", vec!["seeds=[1,2,3]".to_owned()]), ("the scale's seeds", Vec::new())]
    {
        let (mut reading, mut both) = (Vec::new(), Vec::new());
        let mut steps = 0;
        for _ in 0..21 {
            let started = Instant::now();
            let graph = load(&workspace, "all", "embedded", &sets, &kinds)?;
            reading.push(started.elapsed());
            steps = plan(&graph, &store, &Facts::new())?.entries().len();
            both.push(started.elapsed());
        }
        report_time(
            &format!("reading a recipe of {models} models with {seeds}, {steps} steps"),
            &mut reading,
            goal,
        );
        report_time("reading and planning it", &mut both, goal);
    }
    Ok(())
}
