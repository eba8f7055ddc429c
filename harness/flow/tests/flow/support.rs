//! A workspace and a store in a temporary folder, and step kinds that are quick to follow.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use assay_flow::{
    ArtifactType, Event, Facts, FlowError, Graph, InputSpec, Observer, Options, Outcome, ParamError, Params,
    Plan, Record, Registry, Resources, StepContext, StepError, StepKind, Workspace, execute, load, plan,
};
use assay_store::Store;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

/// A workspace with a store.
pub(crate) struct Project {
    root: Utf8PathBuf,
    /// Removed with the project, unless somebody else owns the folder.
    _dir: Option<tempfile::TempDir>,
    pub(crate) registry: Registry,
    pub(crate) facts: Facts,
    pub(crate) sets: Vec<String>,
    pub(crate) threads: usize,
    pub(crate) cancel: AtomicBool,
}

impl Project {
    /// Without any step kind.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
        Self { _dir: Some(dir), ..Self::at(root) }
    }

    /// In a folder that exists.
    pub(crate) fn at(root: Utf8PathBuf) -> Self {
        Self {
            root,
            _dir: None,
            registry: Registry::new(),
            facts: Facts::new(),
            sets: Vec::new(),
            threads: 2,
            cancel: AtomicBool::new(false),
        }
    }

    /// With the kinds of [`arithmetic`], a recipe `r` for the step `end`, a scale `s` with these values, and
    /// these steps.
    pub(crate) fn arithmetic(scale: &str, steps: &str) -> Self {
        let mut project = Self::new();
        arithmetic(&mut project.registry);
        project.write("recipes/r.toml", "title = 'test'\nkind = 'artifact'\ntarget = 'end'\n");
        project.write("recipes/scale/s.toml", &format!("title = 'test'\n{scale}"));
        project.write("recipes/pipeline/p.toml", steps);
        project
    }

    pub(crate) fn root(&self) -> Utf8PathBuf {
        self.root.clone()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.root().join(".assay")).unwrap()
    }

    pub(crate) fn graph(&self) -> Graph {
        load(&Workspace::new(self.root()), "r", "s", &self.sets, &self.registry)
            .unwrap_or_else(|problems| panic!("{problems}"))
    }

    pub(crate) fn plan(&self) -> Plan {
        plan(&self.graph(), &self.store(), &self.facts).unwrap()
    }

    /// The plan as lines `state step: reasons`, with hashes blotted out.
    pub(crate) fn plan_text(&self) -> String {
        let lines = self
            .plan()
            .entries()
            .iter()
            .map(|entry| {
                let reasons: Vec<String> =
                    entry.reasons.iter().map(|reason| blot(&reason.to_string())).collect();
                format!("{} {}: {}", entry.state, entry.step, reasons.join("; "))
            })
            .collect::<Vec<_>>();
        lines.join("\n").replace(": \n", "\n").trim_end_matches(": ").to_owned()
    }

    /// Runs, watched; gives what came out and all events.
    pub(crate) fn try_run(&self) -> (Result<Outcome, FlowError>, Vec<Event>) {
        let watcher = Watcher::default();
        let result = self.run_watched(&watcher);
        (result, watcher.0.into_inner().unwrap())
    }

    pub(crate) fn run_watched(&self, observer: &dyn Observer) -> Result<Outcome, FlowError> {
        let options = Options {
            verify: false,
            threads: self.threads,
            memory_mb: 1000,
            facts: self.facts.clone(),
            cancel: &self.cancel,
            observer,
        };
        execute(&self.graph(), &self.store(), &options)
    }

    /// Runs; gives the steps that were started, sorted.
    pub(crate) fn run(&self) -> Vec<String> {
        let (result, events) = self.try_run();
        result.unwrap_or_else(|error| panic!("{error}"));
        started(&events)
    }

    /// Runs; gives the target's output as text.
    pub(crate) fn output(&self) -> String {
        let (result, _) = self.try_run();
        String::from_utf8(self.store().read(&result.unwrap().output).unwrap()).unwrap()
    }
}

/// Keeps all events.
#[derive(Default)]
pub(crate) struct Watcher(pub(crate) Mutex<Vec<Event>>);

impl Observer for Watcher {
    fn observe(&self, record: &Record) {
        self.0.lock().unwrap().push(record.event.clone());
    }
}

/// The steps that were started, sorted.
pub(crate) fn started(events: &[Event]) -> Vec<String> {
    let mut steps: Vec<String> = events
        .iter()
        .filter_map(|event| match event {
            Event::StepStarted { step, .. } => Some(step.clone()),
            _ => None,
        })
        .collect();
    steps.sort();
    steps
}

/// Replaces each 12-digit hash by `#`.
pub(crate) fn blot(text: &str) -> String {
    let is_hash = |word: &&str| word.len() == 12 && word.bytes().all(|b| b.is_ascii_hexdigit());
    text.split(' ').map(|word| if is_hash(&word) { "#" } else { word }).collect::<Vec<_>>().join(" ")
}

type Check = dyn Fn(&Params) -> Result<(), ParamError> + Send + Sync;
type Act = dyn Fn(&StepContext<'_>) -> Result<(), StepError> + Send + Sync;

/// The type of all artefacts where types do not matter.
pub(crate) const ANY: ArtifactType = ArtifactType("any");

/// A step kind made of closures.
#[derive(Clone)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) inputs: &'static [InputSpec],
    pub(crate) output: ArtifactType,
    pub(crate) resources: Resources,
    /// Of the parameters.
    pub(crate) schema: serde_json::Value,
    pub(crate) fact: Option<&'static str>,
    pub(crate) check: Arc<Check>,
    pub(crate) act: Arc<Act>,
}

impl Kind {
    pub(crate) fn new(
        name: &'static str,
        act: impl Fn(&StepContext<'_>) -> Result<(), StepError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            version: 1,
            inputs: &[],
            output: ANY,
            resources: Resources { threads: 1, memory_mb: 10, device: None },
            schema: serde_json::json!({ "type": "object" }),
            fact: None,
            check: Arc::new(|_| Ok(())),
            act: Arc::new(act),
        }
    }

    pub(crate) fn inputs(self, inputs: &'static [InputSpec]) -> Self {
        Self { inputs, ..self }
    }

    pub(crate) fn schema(self, schema: serde_json::Value) -> Self {
        Self { schema, ..self }
    }

    pub(crate) fn check(
        self,
        check: impl Fn(&Params) -> Result<(), ParamError> + Send + Sync + 'static,
    ) -> Self {
        Self { check: Arc::new(check), ..self }
    }
}

impl StepKind for Kind {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        "Does what the test says."
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn inputs(&self) -> &'static [InputSpec] {
        self.inputs
    }

    fn output(&self) -> ArtifactType {
        self.output
    }

    fn parameters(&self) -> serde_json::Value {
        self.schema.clone()
    }

    fn check(&self, params: &Params) -> Result<(), ParamError> {
        (self.check)(params)
    }

    fn facts(&self, _params: &Params, env: &Facts) -> Facts {
        env.iter()
            .filter(|(k, _)| Some(k.as_str()) == self.fact)
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }

    fn resources(&self, _params: &Params) -> Resources {
        self.resources.clone()
    }

    fn run(&self, context: &StepContext<'_>) -> Result<(), StepError> {
        (self.act)(context)
    }
}

/// Parameters of the kind `sum`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sum {
    pub(crate) add: i64,
    #[serde(default)]
    pub(crate) modulo: Option<i64>,
}

/// The value of a `sum` step.
pub(crate) fn sum(params: &Sum, inputs: impl IntoIterator<Item = i64>) -> i64 {
    // Twice each input plus one, so that an input that is left out changes the result.
    let total: i64 = inputs.into_iter().fold(params.add, |sum, input| {
        sum.wrapping_mul(3).wrapping_add(input.wrapping_mul(2)).wrapping_add(1)
    });
    params.modulo.map_or(total, |modulo| total.rem_euclid(modulo))
}

pub(crate) fn read_number(path: &Utf8Path) -> i64 {
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The kind `sum`: whole numbers in, a whole number out.
pub(crate) fn sum_kind() -> Kind {
    Kind::new("sum", |context| {
        let params: Sum = context.params().parse().unwrap();
        let inputs = context.inputs("of").iter().map(|artifact| read_number(&artifact.path));
        Ok(fs_write(context, &sum(&params, inputs).to_string())?)
    })
    .inputs(const { &[InputSpec::many("of", ANY)] })
    .check(|params| params.parse::<Sum>().map(drop))
}

/// The kind `number`: one that is given.
pub(crate) fn number_kind() -> Kind {
    Kind::new("number", |context| {
        let value: Sum = context.params().parse().unwrap();
        Ok(fs_write(context, &sum(&value, []).to_string())?)
    })
    .check(|params| params.parse::<Sum>().map(drop))
}

pub(crate) fn fs_write(context: &StepContext<'_>, text: &str) -> std::io::Result<()> {
    std::fs::write(context.output(), text)
}

/// Registers `number` and `sum`.
pub(crate) fn arithmetic(registry: &mut Registry) {
    registry.register(number_kind()).unwrap();
    registry.register(sum_kind()).unwrap();
}
