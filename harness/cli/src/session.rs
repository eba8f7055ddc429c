//! What every command starts from: workspace, store, step kinds, facts.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_fetch::{HttpError, Hub, Server};
use assay_flow::{
    Diagnostic, Diagnostics, Facts, Graph, JoinedGraph, LockError, Registry, Scale, Step, Workspace, load,
    load_all,
};
use assay_lm::{Cuda, DeviceName};
use assay_sandbox::{Image, ImageLock, Judging, JudgingSetup, Limits, SetupEvent, Tools, grade};
use assay_store::{Rebuilt, Store, StoreError};
use assay_study::steps::{self, Setup};
use camino::{Utf8Path, Utf8PathBuf};

use crate::args::{Global, Machine, Target, Targets};
use crate::challenge::record::Challenges;
use crate::compose::commits::Commits;
use crate::display::Display;
use crate::failure::Failure;
use crate::process::worker;
use crate::stdio;

/// The lockfile of the image that runs programs.
const IMAGE_LOCK: &str = "lockfiles/python-image.lock";

/// The workspace: as given, or the nearest folder from here upwards that holds `recipes/`.
pub(crate) fn workspace(global: &Global) -> Result<Workspace, Failure> {
    if let Some(root) = &global.root {
        if !root.join("recipes").is_dir() {
            return Err(
                Diagnostic::user(format!("{root} is no workspace: it does not hold `recipes/`")).into()
            );
        }
        return Ok(Workspace::new(root.clone()));
    }
    let here = std::env::current_dir()
        .map_err(Failure::refused("find the current folder", "change into a folder that is there"))?;
    let here = Utf8Path::from_path(&here)
        .ok_or_else(|| Diagnostic::environment("the current folder's path is not UTF-8"))?;
    let root = here.ancestors().find(|folder| folder.join("recipes").is_dir()).ok_or_else(|| {
        Diagnostic::user(format!("no workspace: neither {here} nor a folder above it holds `recipes/`"))
            .help("change into a workspace, or name it with --root; `judge`, `grade` and `calibrate` need --store only")
    })?;
    Ok(Workspace::new(root))
}

/// The store that is there: as given, or `.assay` in the workspace.
pub(crate) fn store(global: &Global) -> Result<Store, Failure> {
    Ok(open(&existing(global)?)?)
}

/// Where the store is that is there.
fn existing(global: &Global) -> Result<Utf8PathBuf, Failure> {
    let path = store_path(global)?;
    if !path.is_dir() {
        return Err(Diagnostic::user(format!("there is no store at {path}"))
            .help("`assay run` makes one; --store names another")
            .into());
    }
    Ok(path)
}

/// The store at `path`, made if there is none. The user is told if its index had to be made anew.
pub(crate) fn open(path: &Utf8Path) -> Result<Store, StoreError> {
    let store = Store::open(path)?;
    tell_rebuilt(&store);
    Ok(store)
}

/// The store that is there, to collect its garbage: also on a full disk.
pub(crate) fn store_to_collect(global: &Global) -> Result<Store, Failure> {
    let store = Store::open_to_collect(&existing(global)?)?;
    tell_rebuilt(&store);
    Ok(store)
}

fn tell_rebuilt(store: &Store) {
    let Some(Rebuilt { reason, set_aside, changes, damaged }) = store.rebuilt() else { return };
    stdio::warn(format_args!(
        "the store's index was damaged ({reason}) and has been made anew from {changes} entries of its journal; \
         the damaged one is {set_aside}"
    ));
    if *damaged > 0 {
        stdio::warn(format_args!(
            "{damaged} entries of the journal were damaged too: what they recorded is done again when it is needed"
        ));
    }
}

/// Where the store is or will be: as given, or `.assay` in the workspace.
pub(crate) fn store_path(global: &Global) -> Result<Utf8PathBuf, Failure> {
    match &global.store {
        Some(path) => Ok(path.clone()),
        None => Ok(default_store(&workspace(global)?)),
    }
}

/// Where the sandbox's images are: as given, or in the store.
pub(crate) fn images(global: &Global) -> Result<Utf8PathBuf, Failure> {
    match &global.images {
        Some(images) => Ok(images.clone()),
        None => {
            let path = store_path(global)?;
            let images = path.join("images");
            if !images.is_dir() {
                // A folder that holds images and no store yet would be taken for no store at all.
                open(&path)?;
            }
            Ok(images)
        }
    }
}

/// The image of this lockfile, made if it is not there yet; a raised flag stops that.
pub(crate) fn prepare(
    global: &Global,
    lock: &ImageLock,
    tools: &Tools,
    cancel: &AtomicBool,
) -> Result<Image, Failure> {
    let display = Display::new(global.json);
    let stopped = || cancel.load(Ordering::Relaxed);
    Ok(Image::prepare_until(&images(global)?, lock, tools, &stopped, &mut |event| display.setup(&event))?)
}

/// What `assay judge` and `assay grade` judge with: default limits, and the image that is built in, since they
/// work without a workspace. Images are made when first needed, and the user is told.
pub(crate) fn judging_setup(global: &Global, python: &Utf8Path) -> Result<JudgingSetup, Failure> {
    let display = Display::new(global.json);
    let tools = Tools::with_python(python);
    judging_with(images(global)?, ImageLock::built_in()?, &tools, move |event| display.setup(&event))
}

/// What judging needs, with the default limits.
fn judging_with(
    images: Utf8PathBuf,
    lock: ImageLock,
    tools: &Tools,
    progress: impl Fn(SetupEvent) + Send + Sync + 'static,
) -> Result<JudgingSetup, Failure> {
    Ok(JudgingSetup {
        images,
        python: lock,
        packages: None,
        math: ImageLock::built_in_math()?,
        tools: tools.clone(),
        limits: Limits::default(),
        comparison_limits: grade::limits(),
        worker: worker()?,
        progress: Box::new(progress),
    })
}

fn default_store(workspace: &Workspace) -> Utf8PathBuf {
    workspace.root().join(".assay")
}

/// What steps may reach beside the store.
pub(crate) struct Reach {
    /// What gets packages.
    tools: Tools,
    /// The hub of models and data sets.
    hub: Hub,
    /// Servers that have models.
    servers: Vec<Server>,
}

impl Reach {
    /// For commands that run no step.
    pub(crate) fn nothing() -> Result<Self, Failure> {
        let hub = Hub::new(Hub::ADDRESS, None, None, None).map_err(no_address("the hub"))?;
        Ok(Self { tools: Tools::with_python("python3"), hub, servers: Vec::new() })
    }

    /// The hub and the package index alone, and before them a folder that files were brought to by hand.
    pub(crate) fn to_fetch(python: &Utf8Path, brought: Option<&Utf8Path>) -> Result<Self, Failure> {
        let hub = match brought {
            Some(folder) => hub()?.with_brought(folder.to_owned()),
            None => hub()?,
        };
        let tools = Tools { brought: brought.map(Utf8Path::to_owned), ..Tools::with_python(python) };
        Ok(Self { tools, hub, servers: Vec::new() })
    }

    /// What gets packages.
    pub(crate) fn tools(&self) -> &Tools {
        &self.tools
    }

    /// What the user named.
    pub(crate) fn of(machine: &Machine) -> Result<Self, Failure> {
        // No argument, since those can be read by whoever lists the processes.
        let key = set("ASSAY_ENDPOINT_KEY");
        let endpoints: Vec<&String> =
            machine.endpoints.iter().filter(|address| !address.trim().is_empty()).collect();
        if key.is_some() && endpoints.len() > 1 {
            return Err(Diagnostic::user(
                "ASSAY_ENDPOINT_KEY is the key of one server, and several are named",
            )
            .help("name one server at a time: what it has made is kept")
            .into());
        }
        let server = |address: &&String| {
            Server::new(address, key.as_deref()).map_err(no_address("--endpoint (ASSAY_ENDPOINT)"))
        };
        let servers = endpoints.iter().map(server).map(|server| Ok(server?.with_notice(waiting)));
        let servers = servers.collect::<Result<_, Failure>>()?;
        Ok(Self { tools: Tools::with_python(&machine.python), hub: hub()?, servers })
    }
}

/// A variable of the environment, if it says something.
fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The hub, as the variables of its own programs say: `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME`, and those of proxies.
pub(crate) fn hub() -> Result<Hub, Failure> {
    let home = set("HF_HOME").map(Utf8PathBuf::from);
    let home = home.or_else(|| Some(Utf8PathBuf::from(set("HOME")?).join(".cache/huggingface")));
    let kept = home.as_ref().and_then(|home| fs_err::read_to_string(home.join("token")).ok());
    let (address, token) = (set("HF_ENDPOINT"), set("HF_TOKEN").or(kept));
    let address = address.as_deref().unwrap_or(Hub::ADDRESS);
    let scheme = if address.trim().starts_with("https:") { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    let proxy = set(&scheme.to_lowercase()).or_else(|| set(scheme)).or_else(|| set("ALL_PROXY"));
    let hub = Hub::new(address, token.as_deref(), home, proxy.as_deref());
    Ok(hub.map_err(no_address("HF_ENDPOINT, HF_TOKEN"))?.with_notice(waiting))
}

/// An address that is none, and where it was given.
fn no_address(given: &'static str) -> impl Fn(HttpError) -> Failure {
    move |error| Diagnostic::user(format!("{given}: {error}")).help(error.remedy()).into()
}

/// What to say while a server or the hub is waited for.
fn waiting(why: &str) {
    stdio::say(format_args!("{why}; it is asked again"));
}

/// A checked recipe with everything that is needed to plan or run it.
pub(crate) struct Session {
    pub(crate) workspace: Workspace,
    pub(crate) store: Arc<Store>,
    pub(crate) graph: Graph,
    pub(crate) facts: Facts,
    pub(crate) commits: Arc<Commits>,
    pub(crate) challenges: Arc<Challenges>,
}

impl Session {
    /// Reads and checks the recipe; nothing is run or written if anything is wrong with it.
    pub(crate) fn open(
        global: &Global,
        target: &Target,
        reach: Reach,
        setup_progress: impl Fn(SetupEvent) + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let workspace = workspace(global)?;
        let registry = step_kinds(global, &workspace, reach, setup_progress)?;
        let graph = load(&workspace, &target.recipe, &target.scale, &target.sets, &registry)?;
        let store = Arc::new(open(&store_path_of(global, &workspace))?);
        let commits = Arc::new(Commits::new(workspace.root(), graph.files()));
        Ok(Self { workspace, store, graph, facts: facts(), commits, challenges: Arc::default() })
    }

    /// Where the report goes unless the user says otherwise.
    pub(crate) fn report_folder(&self) -> Utf8PathBuf {
        report_folder(&self.workspace, &self.store, self.graph.scale())
    }
}

/// Several checked recipes with everything that is needed to plan or run them together.
pub(crate) struct Joint {
    pub(crate) workspace: Workspace,
    pub(crate) store: Arc<Store>,
    pub(crate) graph: JoinedGraph,
    pub(crate) facts: Facts,
    commits: Arc<Commits>,
    challenges: Arc<Challenges>,
}

impl Joint {
    /// The same for another graph of the same recipes.
    pub(crate) fn with_graph(self, graph: JoinedGraph) -> Self {
        Self { graph, ..self }
    }

    /// Reads and checks the recipes; nothing is run or written if anything is wrong with any of them.
    pub(crate) fn open(
        global: &Global,
        recipes: &[String],
        targets: &Targets,
        reach: Reach,
        setup_progress: impl Fn(SetupEvent) + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let workspace = workspace(global)?;
        let registry = step_kinds(global, &workspace, reach, setup_progress)?;
        let graph = load_all(&workspace, recipes, &targets.scale, &targets.sets, &registry)?;
        let store = Arc::new(open(&store_path_of(global, &workspace))?);
        let commits = Arc::new(Commits::new(workspace.root(), graph.files()));
        Ok(Self { workspace, store, graph, facts: facts(), commits, challenges: Arc::default() })
    }

    /// One of the recipes by itself.
    pub(crate) fn session(&self, recipe: usize) -> Result<Session, Failure> {
        let graph = self.graph.graph(recipe);
        let graph = graph.ok_or_else(|| Failure::Internal("a recipe is not in its graph".to_owned()))?;
        Ok(Session {
            workspace: self.workspace.clone(),
            store: Arc::clone(&self.store),
            graph,
            facts: self.facts.clone(),
            commits: Arc::clone(&self.commits),
            challenges: Arc::clone(&self.challenges),
        })
    }
}

/// Refuses to run steps that lack something which a plan can do without: a GPU that is not here, or what is not pinned yet, which is one
/// error for each lockfile and lists all of it.
pub(crate) fn ready(steps: &[Step], facts: &Facts) -> Result<(), Failure> {
    let mut problems = Diagnostics::default();
    let mut met = BTreeSet::new();
    let mut unpinned: BTreeMap<Utf8PathBuf, Unpinned<'_>> = BTreeMap::new();
    for step in steps {
        // A server is one step's at a time too, and is no device of this machine.
        let device = step.kind.resources(&step.params).device;
        let device = device.filter(|device| matches!(device.parse(), Ok(DeviceName::Cuda(_))));
        if let Some(device) =
            device.filter(|device| !facts.contains_key(device) && met.insert(device.clone()))
        {
            let message = format!("step `{}` computes on {device}, which is not here", step.id);
            problems.push(Diagnostic::user(message).at(&step.at).help(WITHOUT_GPU));
        }
        let Err(error) = step.kind.check_to_run(&step.params) else { continue };
        let cause = error.source().and_then(|cause| cause.downcast_ref::<LockError>());
        if let Some(LockError::Unchecked { file, names }) = cause {
            let of_file = unpinned.entry(file.clone()).or_insert_with(|| Unpinned::new(step));
            of_file.names.extend(names.iter().cloned());
        } else if met.insert(error.message()) {
            let diagnostic =
                Diagnostic::user(format!("step `{}`: {}", step.id, error.message())).at(&step.at);
            problems.push(match error.remedy_text() {
                Some(remedy) => diagnostic.help(remedy),
                None => diagnostic,
            });
        }
    }
    unpinned.into_iter().for_each(|(file, of_file)| problems.push(of_file.diagnostic(file)));
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

const WITHOUT_GPU: &str = "`assay doctor` says which GPUs there are, and what is missing; in a build without CUDA there are none. \
                           To compute on the CPU: --set 'placement.device=\"cpu\"'";

/// What steps need of a lockfile that does not pin it yet.
struct Unpinned<'s> {
    /// The first step that needs something of it.
    first: &'s Step,
    names: BTreeSet<String>,
}

impl<'s> Unpinned<'s> {
    fn new(first: &'s Step) -> Self {
        Self { first, names: BTreeSet::new() }
    }

    /// At the step that needs it first. The step is named where it is all.
    fn diagnostic(self, file: Utf8PathBuf) -> Diagnostic {
        let alone = self.names.len() == 1;
        let error = LockError::Unchecked { file, names: self.names };
        let message = if alone { format!("step `{}`: {error}", self.first.id) } else { error.to_string() };
        Diagnostic::user(message).at(&self.first.at).help(error.remedy())
    }
}

/// The facts of this machine that change results.
fn facts() -> Facts {
    let processor = (steps::FACT_INSTRUCTION_SET.to_owned(), assay_lm::instruction_set().to_owned());
    let cuda = Cuda::look();
    let gpus = cuda.iter().flat_map(|cuda| {
        cuda.gpus.iter().map(|gpu| (DeviceName::Cuda(gpu.index).to_string(), cuda.fact(gpu)))
    });
    std::iter::once(processor).chain(gpus).collect()
}

fn store_path_of(global: &Global, workspace: &Workspace) -> Utf8PathBuf {
    global.store.clone().unwrap_or_else(|| default_store(workspace))
}

/// Where reports go unless the user says otherwise: the folder of the scale's committed reports, or a folder in the store
/// when values were overridden, so that an experiment never replaces a committed report.
pub(crate) fn report_folder(workspace: &Workspace, store: &Store, scale: &Scale) -> Utf8PathBuf {
    let root = if scale.sets.is_empty() { workspace.root() } else { store.root() };
    root.join("reports").join(&scale.name)
}

/// The step kinds, for commands that run none.
pub(crate) fn kinds(global: &Global, workspace: &Workspace) -> Result<Registry, Failure> {
    step_kinds(global, workspace, Reach::nothing()?, |_| {})
}

fn step_kinds(
    global: &Global,
    workspace: &Workspace,
    reach: Reach,
    setup_progress: impl Fn(SetupEvent) + Send + Sync + 'static,
) -> Result<Registry, Failure> {
    let store = store_path_of(global, workspace);
    // Not by `images`, which makes the store: nothing is written before the recipe is checked.
    let images = global.images.clone().unwrap_or_else(|| store.join("images"));
    // A recipe's verdicts come from the image that its workspace pins, whichever build of this program runs it.
    let lock = image_lock(workspace)?;
    let Reach { tools, hub, servers } = reach;
    let judging = Arc::new(Judging::new(judging_with(images, lock, &tools, setup_progress)?));
    Ok(steps::registry(&Setup { workspace: workspace.clone(), tools, hub, servers, judging })?)
}

pub(crate) fn image_lock(workspace: &Workspace) -> Result<ImageLock, Failure> {
    let path = workspace.root().join(IMAGE_LOCK);
    let text = match fs_err::read_to_string(&path) {
        Ok(text) => text,
        // A workspace that pins no image has that of this program.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(ImageLock::built_in()?),
        Err(error) => {
            return Err(Diagnostic::user(format!("the image's lockfile cannot be read: {error}"))
                .help("restore it from version control")
                .into());
        }
    };
    ImageLock::parse(&text, IMAGE_LOCK).map_err(|error| Diagnostic::user(error.to_string()).into())
}
