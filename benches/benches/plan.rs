//! Reading and planning a recipe of a hundred models: a generated workspace with step kinds that never run.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use assay_bench::report_time;
use assay_flow::{
    ArtifactType, Facts, InputSpec, ParamError, Params, Registry, Resources, StepContext, StepError,
    StepKind, Workspace, load, plan,
};
use assay_store::Store;
use camino::Utf8Path;

/// Models in the recipe, each a row of its table.
const MODELS: usize = 100;

/// A step kind that takes what it is given.
struct Kind(&'static str, &'static [InputSpec]);

const ANY: ArtifactType = ArtifactType("any");

impl StepKind for Kind {
    fn name(&self) -> &'static str {
        self.0
    }

    fn about(&self) -> &'static str {
        "Does nothing"
    }

    fn version(&self) -> u32 {
        1
    }

    fn inputs(&self) -> &'static [InputSpec] {
        self.1
    }

    fn output(&self) -> ArtifactType {
        ANY
    }

    fn parameters(&self) -> serde_json::Value {
        serde_json::json!({ "type": "object" })
    }

    fn check(&self, _params: &Params) -> Result<(), ParamError> {
        Ok(())
    }

    fn resources(&self, _params: &Params) -> Resources {
        Resources::default()
    }

    fn run(&self, _context: &StepContext<'_>) -> Result<(), StepError> {
        Err(StepError::internal("a benchmark of plans runs nothing"))
    }
}

fn kinds() -> Result<Registry, Box<dyn std::error::Error>> {
    let mut kinds = Registry::new();
    kinds.register(Kind("data", &[]))?;
    kinds.register(Kind("step", const { &[InputSpec::any("of", ANY)] }))?;
    kinds.register(Kind("table", const { &[InputSpec::many("verdicts", ANY).labelled()] }))?;
    Ok(kinds)
}

/// A chain of seventeen steps as in the paper's method, and a model of four steps for each of its estimators.
fn write(root: &Utf8Path) -> std::io::Result<()> {
    let steps = |names: &[&str], first: &str| -> String {
        let mut before = format!("\"{first}\"");
        let mut text = String::new();
        for name in names {
            // Writing into a String cannot fail.
            let _ = writeln!(
                text,
                "steps.{name} = {{ kind = \"step\", inputs = {{ of = [{before}] }}, params = {{ seed = \"$seed\", \
                 training = \"$training\", engine = \"$engine\", sampling = {{ temperature = 0.7, top_p = 1.0 }} }} }}"
            );
            before = format!("\"data\", \"@.{name}\"");
        }
        text
    };
    let chain: Vec<String> = (0..17).map(|i| format!("s{i}")).collect();
    let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
    let templates = format!(
        "[templates.chain]\neach = \"seed\"\n{}\n[templates.ours]\neach = \"seed\"\n\
         takes = {{ chain = \"template:chain\", way = [\"a\", \"b\", \"c\", \"d\"] }}\n{}",
        steps(&chain, "data"),
        steps(&["rows", "final", "generations", "verdicts"], "{chain}.s16"),
    );
    let chains = MODELS / 4;
    let models: String = (0..chains)
        .map(|i| {
            format!(
                "[models.chain-{i}]\ntemplate = \"chain\"\n[models.\"ours-{i}-{{way}}\"]\ntemplate = \"ours\"\n\
                 chain = \"chain-{i}\"\ncross = {{ way = [\"a\", \"b\", \"c\", \"d\"] }}\n"
            )
        })
        .collect();
    let rows: String = (0..chains)
        .flat_map(|i| {
            ["a", "b", "c", "d"]
                .map(|way| format!("[[rows]]\nid = \"{i}{way}\"\nmodel = \"ours-{i}-{way}\"\n"))
        })
        .collect();
    let table =
        "[steps.data]\nkind = \"data\"\n[table]\nkind = \"table\"\nrows = { verdicts = \"@.verdicts\" }\n";
    let scale = "title = \"bench\"\nseeds = [1, 2, 3]\nplacement = { device = \"cpu\", float = \"f32\" }\n\
                 engine = { kind = \"candle\", placement = \"$placement\" }\n\
                 [training]\nlearning_rate = 1e-3\nbetas = [0.9, 0.95]\nepsilon = 1e-8\nclip = 1.0\nbatch = 8\nepochs = 6\n";
    for (file, text) in [
        ("pipeline/templates.toml", templates.as_str()),
        ("pipeline/models.toml", models.as_str()),
        ("pipeline/table.toml", table),
        ("scale/bench.toml", scale),
        ("all.toml", &format!("title = \"all\"\nkind = \"table\"\n{rows}")),
    ] {
        let path = root.join("recipes").join(file);
        fs_err::create_dir_all(path.parent().unwrap_or(root))?;
        fs_err::write(path, text)?;
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::TempDir::new()?;
    let root = Utf8Path::from_path(folder.path()).ok_or("the temporary folder's path is not UTF-8")?;
    write(root)?;
    let (workspace, kinds) = (Workspace::new(root), kinds()?);
    let store = Store::open(&root.join("store"))?;
    let (mut reading, mut both) = (Vec::new(), Vec::new());
    let mut steps = 0;
    for _ in 0..21 {
        let started = Instant::now();
        let graph = load(&workspace, "all", "bench", &[], &kinds)?;
        reading.push(started.elapsed());
        steps = plan(&graph, &store, &Facts::new())?.entries().len();
        both.push(started.elapsed());
    }
    let goal = Duration::from_millis(100);
    report_time(&format!("reading a recipe of {MODELS} models, {steps} steps"), &mut reading, goal);
    report_time("reading and planning it", &mut both, goal);
    Ok(())
}
