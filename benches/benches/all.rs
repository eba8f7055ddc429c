//! A run of twelve tables with ten seeds that has nothing to do, beside DVC and Snakemake on the same graph of steps.
//!
//! The graph is that of the repository's templates and step kinds. What steps make is not the matter here, so each writes a
//! text of its own at once, through the same engine and the same store as real ones. Reports are not composed.

#![expect(clippy::print_stdout, reason = "benchmarks print their figures")]

use std::error::Error;
use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use assay_bench::{copy, judging, median, report_load, report_ratio, report_time};
use assay_flow::{
    ArtifactType, Facts, InputSpec, JoinedGraph, Options, ParamError, Params, Registry, Resources,
    StepContext, StepError, StepKind, Workspace, execute_joined, load_all, plan_joined,
};
use assay_store::Store;
use assay_study::steps::{Setup, registry};
use camino::Utf8Path;

const TABLES: usize = 12;
/// Chains of traces a table, each with a baseline and a model of each estimator.
const CHAINS: usize = 3;
/// How long each peer may take for one run.
const PATIENCE: u64 = 300;
/// The peers, each with how many steps it is given, from the first one on: the whole graph keeps DVC busy for hours. The time
/// for a part is compared with ours for the whole.
const PEERS: [(&str, usize); 2] = [("dvc", 300), ("snakemake", usize::MAX)];
const SCRIPT: &str = include_str!("workflows.py");

/// A kind of step that makes a text of its own instead of its output.
struct Quick(Arc<dyn StepKind>);

impl StepKind for Quick {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn about(&self) -> &'static str {
        self.0.about()
    }

    fn version(&self) -> u32 {
        self.0.version()
    }

    fn inputs(&self) -> &'static [InputSpec] {
        self.0.inputs()
    }

    fn output(&self) -> ArtifactType {
        self.0.output()
    }

    fn parameters(&self) -> serde_json::Value {
        self.0.parameters()
    }

    fn check(&self, params: &Params) -> Result<(), ParamError> {
        self.0.check(params)
    }

    fn facts(&self, params: &Params, env: &Facts) -> Facts {
        self.0.facts(params, env)
    }

    fn resources(&self, _params: &Params) -> Resources {
        Resources { threads: 1, memory_mb: 1, device: None }
    }

    fn run(&self, context: &StepContext<'_>) -> Result<(), StepError> {
        Ok(fs_err::write(context.output(), context.key().to_string())?)
    }
}

/// The repository's recipes and twelve tables; each takes a row of the table before it.
fn write(root: &Utf8Path) -> std::io::Result<Vec<String>> {
    let repository = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in ["recipes", "lockfiles"] {
        copy(&repository.join(folder), &root.join(folder))?;
    }
    let (mut models, mut names) = ("[models]\n".to_owned(), Vec::new());
    for table in 0..TABLES {
        let mut recipe = format!(
            "title = \"Table {table}\"\nkind = \"table\"\ncolumns = \"$benchmarks.main\"\n\
             groups = \"$benchmarks.groups\"\n"
        );
        let mut row = |id: &str, model: &str| {
            // Writing into a String cannot fail.
            let _ = writeln!(recipe, "[[rows]]\nid = \"{id}\"\nlabel = \"{id}\"\nmodel = \"{model}\"");
        };
        if let Some(before) = table.checked_sub(1) {
            row("shared", &format!("ours-{before}-0-acc"));
        }
        for chain in 0..CHAINS {
            let (name, questions) = (format!("{table}-{chain}"), 100 + table * CHAINS + chain);
            let _ = writeln!(
                models,
                "chain-{name} = {{ template = \"posterior-chain\", base = \"base-m\", teacher = \"noisy\", hint = \"B\", \
             questions = {questions}, skip = 0, learned = {questions}, traces = 8 }}\n\
                 tuned-{name} = {{ template = \"tuned\", base = \"base-m\", teacher = \"noisy\", questions = {questions}, training = \"$final-1k\" }}"
            );
            row(&format!("tuned{chain}"), &format!("tuned-{name}"));
            for (estimator, answer) in [("acc", "verified"), ("gml", "reference"), ("l", "reference")] {
                let _ = writeln!(
                    models,
                    "ours-{name}-{estimator} = {{ template = \"weighted\", base = \"base-m\", teacher = \"noisy\", chain = \"chain-{name}\", \
                     estimator = \"{estimator}\", answer = \"{answer}\", training = \"$final-1k\" }}"
                );
                row(&format!("{estimator}{chain}"), &format!("ours-{name}-{estimator}"));
            }
        }
        let name = format!("all-{table:02}");
        fs_err::write(root.join(format!("recipes/{name}.toml")), recipe)?;
        names.push(name);
    }
    fs_err::write(root.join("recipes/pipeline/all.toml"), models)?;
    Ok(names)
}

fn kinds(workspace: &Workspace) -> Result<Registry, Box<dyn Error>> {
    let judging = judging::unused(&workspace.root().join("images"))?;
    let setup = Setup {
        workspace: workspace.clone(),
        tools: assay_sandbox::Tools::with_python("python3"),
        hub: assay_fetch::Hub::new(assay_fetch::Hub::ADDRESS, None, None, None)
            .expect("its own address is one"),
        servers: Vec::new(),
        judging: Arc::new(judging),
    };
    let real = registry(&setup)?;
    let mut quick = Registry::new();
    real.kinds().try_for_each(|kind| quick.register(Quick(Arc::clone(kind))))?;
    Ok(quick)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::TempDir::new()?;
    let root = Utf8Path::from_path(folder.path()).ok_or("the temporary folder's path is not UTF-8")?;
    let recipes = write(root)?;
    let workspace = Workspace::new(root);
    let kinds = kinds(&workspace)?;
    let store = Store::open(&root.join("store"))?;
    let cancel = AtomicBool::new(false);
    let options = Options {
        threads: 2,
        memory_mb: 2048,
        facts: Facts::new(),
        verify: false,
        cancel: &cancel,
        observer: &(),
    };
    let read = || load_all(&workspace, &recipes, "embedded", &[], &kinds);
    let graph = read()?;
    report_load();
    let started = Instant::now();
    execute_joined(&graph, &store, &options, &mut |_, _| {})?;
    let each = started.elapsed().as_secs_f64() * 1e3 / graph.steps().len() as f64;
    println!("a run of {TABLES} tables from an empty store: {each:.2} ms a step that does nothing");
    let (mut reading, mut planning, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..11 {
        let started = Instant::now();
        let graph = read()?;
        reading.push(started.elapsed());
        let planned = Instant::now();
        let plan = plan_joined(&graph, &store, &options.facts)?;
        planning.push(planned.elapsed());
        if !plan.is_done() {
            return Err("the run left something to do".into());
        }
        let started = Instant::now();
        let graph = read()?;
        execute_joined(&graph, &store, &options, &mut |_, _| {})?;
        all.push(started.elapsed());
    }
    let steps = graph.steps().len();
    report_time(
        &format!("reading {TABLES} recipes, {steps} steps"),
        &mut reading,
        Duration::from_millis(100),
    );
    report_time("planning them, all cached", &mut planning, Duration::from_millis(100));
    report_time("a whole run with nothing to do", &mut all, Duration::from_millis(200));
    let mut seconds: Vec<f64> = all.iter().map(Duration::as_secs_f64).collect();
    peers(root, &graph, median(&mut seconds))?;
    report_load();
    Ok(())
}

/// Times the peers on the same graph, in one process of Python after the other.
fn peers(root: &Utf8Path, graph: &JoinedGraph, ours: f64) -> Result<(), Box<dyn Error>> {
    let inputs: Vec<Vec<usize>> = (0..graph.steps().len()).map(|index| graph.inputs_of(index)).collect();
    let file = root.join("graph.json");
    fs_err::write(&file, serde_json::to_vec(&inputs)?)?;
    let script = root.join("workflows.py");
    fs_err::write(&script, SCRIPT)?;
    let tools = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/workflows");
    for (peer, most) in PEERS {
        let count = most.min(inputs.len());
        let work = root.join(peer);
        let run = Command::new("python3")
            .args([script.as_str(), peer, file.as_str(), work.as_str(), tools.as_str()])
            .args([PATIENCE.to_string(), count.to_string()])
            .output()?;
        let said = String::from_utf8_lossy(&run.stdout).trim().to_owned();
        match said.split_once(' ').filter(|_| run.status.success()) {
            Some((seconds, version)) => {
                let seconds: f64 = seconds.parse()?;
                let at_least = if seconds >= PATIENCE as f64 { " (stopped there)" } else { "" };
                println!(
                    "{version}: {seconds:.1} s{at_least} with nothing to do for {count} of the {} steps",
                    inputs.len()
                );
                report_ratio(&format!("{peer} / assay"), seconds / ours, "at least 50");
            }
            None => {
                println!("skipped: {peer} cannot be had: {}", String::from_utf8_lossy(&run.stderr).trim())
            }
        }
    }
    Ok(())
}
