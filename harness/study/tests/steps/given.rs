//! A workspace whose first steps are artefacts that the test gives.

use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_fetch::{Hub, Server};
use assay_flow::{
    ArtifactType, ErrorClass, Event, Facts, FlowError, Observer, Options, ParamError, Params, Record,
    Registry, Resources, StepContext, StepError, StepKind, Workspace, execute, load,
};
use assay_sandbox::{ImageLock, Judging, JudgingSetup, Limits, Tools, grade};
use assay_store::{Hash, Store};
use assay_study::steps::{Setup, registry};
use camino::Utf8PathBuf;
use serde_json::Value;

type Make = dyn Fn(&StepContext<'_>) + Send + Sync;

/// A step kind that gives an artefact.
struct Given {
    name: &'static str,
    output: ArtifactType,
    make: Box<Make>,
}

impl StepKind for Given {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        "Gives what the test says."
    }

    fn version(&self) -> u32 {
        1
    }

    fn inputs(&self) -> &'static [assay_flow::InputSpec] {
        &[]
    }

    fn output(&self) -> ArtifactType {
        self.output
    }

    fn parameters(&self) -> Value {
        serde_json::json!({ "type": "object" })
    }

    fn check(&self, _: &Params) -> Result<(), ParamError> {
        Ok(())
    }

    fn resources(&self, _: &Params) -> Resources {
        Resources { threads: 1, memory_mb: 10, device: None }
    }

    fn run(&self, context: &StepContext<'_>) -> Result<(), StepError> {
        (self.make)(context);
        Ok(())
    }
}

/// A workspace in a folder of the test's own.
pub(crate) struct Project {
    root: Utf8PathBuf,
    registry: Registry,
    steps: String,
}

/// A failed step: whose mistake it is, and what the error says.
pub(crate) type Failure = (ErrorClass, String);

impl Project {
    pub(crate) fn new(test: &str) -> Self {
        Self::with_servers(test, Vec::new())
    }

    /// One whose steps may ask these servers.
    pub(crate) fn with_servers(test: &str, servers: Vec<Server>) -> Self {
        Self::reaching(test, Hub::new(Hub::ADDRESS, None, None, None).unwrap(), servers)
    }

    /// One whose steps may ask a hub and servers.
    pub(crate) fn reaching(test: &str, hub: Hub, servers: Vec<Server>) -> Self {
        let root = Utf8PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("steps").join(test);
        if root.exists() {
            fs_err::remove_dir_all(&root).unwrap();
        }
        for folder in ["recipes/scale", "recipes/pipeline"] {
            fs_err::create_dir_all(root.join(folder)).unwrap();
        }
        fs_err::write(root.join("recipes/r.toml"), "title = 'r'\nkind = 'artifact'\ntarget = 'end'\n")
            .unwrap();
        fs_err::write(root.join("recipes/scale/s.toml"), "title = 's'\n").unwrap();
        let judging = Judging::new(JudgingSetup {
            images: "images".into(),
            python: ImageLock::built_in().unwrap(),
            packages: None,
            math: ImageLock::built_in_math().unwrap(),
            tools: Tools::with_python("python3"),
            limits: Limits::default(),
            comparison_limits: grade::limits(),
            worker: Box::new(|| Command::new("false")),
            progress: Box::new(|_| {}),
        });
        let setup = Setup {
            workspace: Workspace::new(root.clone()),
            // There is one where a test puts it.
            tools: Tools::with_python(root.join("python")),
            hub,
            servers,
            judging: Arc::new(judging),
        };
        Self { root, registry: registry(&setup).unwrap(), steps: String::new() }
    }

    /// Adds a step that gives an artefact; step and kind have the name of the artefact's use.
    pub(crate) fn gives(
        &mut self,
        name: &'static str,
        output: &'static str,
        make: impl Fn(&StepContext<'_>) + Send + Sync + 'static,
    ) {
        let output = ArtifactType(output);
        self.registry.register(Given { name, output, make: Box::new(make) }).unwrap();
        self.steps.push_str(&format!("[steps.{name}]\nkind = '{name}'\n"));
    }

    /// Adds an artefact of JSON lines.
    pub(crate) fn records(&mut self, name: &'static str, output: &'static str, records: Vec<Value>) {
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        self.gives(name, output, move |context| fs_err::write(context.output(), &lines).unwrap());
    }

    /// Runs the step `end`; gives its output, or why it failed, and all progress notes.
    /// `stop` says after which note the run is interrupted.
    pub(crate) fn run(
        &self,
        end: &str,
        stop: impl Fn(&str) -> bool + Send + Sync,
    ) -> (Result<Hash, Failure>, Vec<String>) {
        fs_err::write(self.root.join("recipes/pipeline/p.toml"), format!("{}{end}", self.steps)).unwrap();
        let graph = load(&Workspace::new(self.root.clone()), "r", "s", &[], &self.registry)
            .unwrap_or_else(|problems| panic!("{problems}"));
        let watcher = Watcher { events: Mutex::default(), cancel: AtomicBool::new(false), stop };
        let options = Options {
            verify: false,
            threads: 2,
            memory_mb: 2000,
            facts: Facts::new(),
            cancel: &watcher.cancel,
            observer: &watcher,
        };
        let store = self.store();
        let result = execute(&graph, &store, &options);
        let events = watcher.events.into_inner().unwrap();
        let notes = events.iter().filter_map(|event| match event {
            Event::StepProgress { note, .. } => Some(note.clone()),
            _ => None,
        });
        let result = match result {
            Ok(outcome) => Ok(outcome.output),
            Err(FlowError::Interrupted { .. }) => Err((ErrorClass::User, "interrupted".to_owned())),
            Err(error) => Err(failure(&events).unwrap_or_else(|| panic!("{error}"))),
        };
        (result, notes.collect())
    }

    /// The lines that the step `end` makes.
    pub(crate) fn lines(&self, end: &str) -> Vec<Value> {
        let output = self.run(end, |_| false).0.unwrap_or_else(|(_, message)| panic!("{message}"));
        let text = String::from_utf8(self.store().read(&output).unwrap()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Why the step `end` fails.
    pub(crate) fn failure(&self, end: &str) -> Failure {
        self.run(end, |_| false).0.unwrap_err()
    }

    /// What is wrong with the step `end` before anything runs.
    pub(crate) fn refused(&self, end: &str) -> String {
        fs_err::write(self.root.join("recipes/pipeline/p.toml"), format!("{}{end}", self.steps)).unwrap();
        let graph = load(&Workspace::new(self.root.clone()), "r", "s", &[], &self.registry);
        graph.map(|_| ()).unwrap_err().to_string()
    }

    /// A file of the folder that the step `end` makes, with the result of the run.
    pub(crate) fn file(&self, output: &Hash, path: &str) -> String {
        String::from_utf8(self.store().read_in_tree(output, path).unwrap()).unwrap()
    }

    fn store(&self) -> Store {
        Store::open(&self.root.join(".assay")).unwrap()
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn root(&self) -> &Utf8PathBuf {
        &self.root
    }
}

fn failure(events: &[Event]) -> Option<Failure> {
    events.iter().find_map(|event| match event {
        Event::StepFailed { class, message, .. } => Some((*class, message.clone())),
        _ => None,
    })
}

/// Keeps all events, and stops the run after a note.
struct Watcher<S> {
    events: Mutex<Vec<Event>>,
    cancel: AtomicBool,
    stop: S,
}

impl<S: Fn(&str) -> bool + Send + Sync> Observer for Watcher<S> {
    fn observe(&self, record: &Record) {
        if let Event::StepProgress { note, .. } = &record.event
            && (self.stop)(note)
        {
            self.cancel.store(true, Ordering::Relaxed);
        }
        self.events.lock().unwrap().push(record.event.clone());
    }
}
