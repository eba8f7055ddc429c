//! Workspaces as files: `tests/corpus/{valid,invalid}/NAME` each lie over `tests/corpus/base`.
//!
//! A case's file `args` has lines `recipe=`, `scale=`, `set=`, `remove=PATH`, `base=FOLDER` (instead of `base`)
//! and `edit=PATH|FROM|TO`; its file `expected` is the loaded graph, or all diagnostics. With `UPDATE_EXPECTED` set, the files are written instead of compared;
//! read the difference before you commit it.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use assay_flow::{
    ArtifactType, Diagnostics, Graph, InputSpec, NoParams, ParamError, Params, Registry, Value, Workspace,
    load,
};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::support::{ANY, Kind, Project};

pub(crate) fn corpus() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Make {
    text: String,
    seed: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Train {
    optim: Optim,
    #[serde(default)]
    extra: BTreeMap<String, f64>,
    rule: Option<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Optim {
    epochs: u32,
    rate: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Rule {
    Plain,
    Weighted,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableParams {
    recipe: TableRecipe,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableRecipe {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Row {
    name: String,
    evaluation: String,
}

/// Rows must name connected steps; all that do not are reported.
fn check_table(params: &Params) -> Result<(), ParamError> {
    let table: TableParams = params.parse()?;
    let known = params.labels("evaluations");
    let unknown = |(i, row): (usize, &Row)| {
        let found = known.iter().any(|step| step.name == row.evaluation);
        (!found).then(|| {
            let path = format!("recipe.rows[{i}].evaluation");
            ParamError::new(path, format!("no connected step is called `{}`", row.evaluation))
                .meant(&row.evaluation, known.iter().map(|step| step.name.as_str()))
        })
    };
    ParamError::all(table.recipe.rows.iter().enumerate().filter_map(unknown).collect())
}

pub(crate) fn registry() -> Registry {
    let never = |name, inputs: &'static [InputSpec]| Kind::new(name, |_| unreachable!()).inputs(inputs);
    let mut registry = Registry::new();
    for kind in [
        never("make", &[]).check(|params| params.parse::<Make>().map(drop)),
        never("train", const { &[InputSpec::optional("base", ANY), InputSpec::one("rows", ANY)] })
            .check(|params| params.parse::<Train>().map(drop)),
        never("evaluate", const { &[InputSpec::many("models", ANY)] })
            .check(|params| params.parse::<NoParams>().map(drop)),
        never("table", const { &[InputSpec::many("evaluations", ANY).labelled()] }).check(check_table),
    ] {
        registry.register(kind).unwrap();
    }
    typed_kinds().into_iter().for_each(|kind| registry.register(kind).unwrap());
    registry
}

const ITEMS: ArtifactType = ArtifactType("items");
const MODEL: ArtifactType = ArtifactType("model");
const WEIGHTS: ArtifactType = ArtifactType("weights");
const VERDICTS: ArtifactType = ArtifactType("verdicts");
const DIAGNOSTICS: ArtifactType = ArtifactType("diagnostics");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Fit {
    optim: Optim,
    note: Option<String>,
    way: Option<String>,
    from: Option<serde_json::Value>,
    layers: Option<Vec<Optim>>,
    extra: Option<BTreeMap<String, f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct Sheet {
    samples: u32,
    recipe: SheetRecipe,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SheetRecipe {
    #[serde(default)]
    claims: Vec<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "only read")]
    notes: Vec<String>,
    #[expect(dead_code, reason = "only read")]
    columns: Vec<BTreeMap<String, String>>,
    rows: Vec<SheetRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only read")]
struct SheetRow {
    id: String,
    model: Option<String>,
    #[serde(default)]
    printed: BTreeMap<String, String>,
}

/// Models of rows must be connected, and claims must hold no question mark.
fn check_sheet(params: &Params) -> Result<(), ParamError> {
    let sheet: Sheet = params.parse()?;
    let connected = [params.labels("verdicts"), params.labels("diagnostics")].concat();
    for model in sheet.recipe.rows.iter().filter_map(|row| row.model.as_ref()) {
        assert!(connected.iter().any(|label| label.name == *model), "{model} is among {connected:?}");
    }
    let question = |(i, claim): (usize, &String)| {
        let offset = claim.find('?')?;
        let path = format!("recipe.claims[{i}]");
        Some(ParamError::new(path, "a claim asks nothing").at_offset(offset))
    };
    ParamError::all(sheet.recipe.claims.iter().enumerate().filter_map(question).collect())
}

/// Kinds whose artefacts have types.
fn typed_kinds() -> [Kind; 7] {
    let kind = |name, output, inputs: &'static [InputSpec]| {
        Kind { output, ..Kind::new(name, |_| unreachable!()) }.inputs(inputs)
    };
    let fit_schema = serde_json::json!({
        "type": "object",
        "properties": {
            "optim": { "$ref": "#/$defs/Optim" },
            "note": { "type": ["string", "null"] },
            "way": { "oneOf": [{ "const": "plain" }, { "enum": ["weighted", "both"], "type": "string" }] },
            "from": { "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/From" }, { "type": "null" }] },
            "layers": { "type": "array", "items": { "$ref": "#/$defs/Optim" } },
            "extra": { "type": "object", "additionalProperties": { "type": "number" } },
        },
        "required": ["optim"],
        "additionalProperties": false,
        "$defs": {
            "Optim": {
                "type": "object",
                "properties": { "epochs": { "type": "integer" }, "rate": { "type": "number" } },
                "required": ["epochs", "rate"],
                "additionalProperties": false,
            },
            "From": {
                "type": "object",
                "properties": { "file": { "type": "string" } },
                "required": ["file"],
                "additionalProperties": false,
            },
        },
    });
    [
        kind("items", ITEMS, &[]),
        kind("checkpoint", MODEL, &[]),
        kind(
            "fit",
            MODEL,
            const {
                &[
                    InputSpec::one("base", MODEL),
                    InputSpec::one("rows", ITEMS),
                    InputSpec::optional("weights", WEIGHTS),
                ]
            },
        )
        .check(|params| params.parse::<Fit>().map(drop))
        .schema(fit_schema),
        kind("weigh", WEIGHTS, const { &[InputSpec::one("model", MODEL)] }),
        kind("diagnose", DIAGNOSTICS, const { &[InputSpec::many("weights", WEIGHTS)] }),
        kind("ask", VERDICTS, const { &[InputSpec::one("model", MODEL), InputSpec::one("items", ITEMS)] }),
        kind(
            "sheet",
            ArtifactType("table"),
            const {
                &[
                    InputSpec::one("items", ITEMS),
                    InputSpec::many("verdicts", VERDICTS).labelled(),
                    InputSpec::any("diagnostics", DIAGNOSTICS).labelled(),
                ]
            },
        )
        .check(check_sheet),
    ]
}

impl Project {
    /// Replaces a text that must occur in a file: `PATH|FROM|TO`, with `\n` for line breaks.
    fn edit(&self, edit: &str) {
        let [path, from, to] = edit.split('|').collect::<Vec<_>>()[..] else { panic!("{edit}") };
        let path = self.root().join(path);
        let (text, from) = (std::fs::read_to_string(&path).unwrap(), from.replace("\\n", "\n"));
        assert!(text.contains(&from), "{path} does not hold {from:?}");
        std::fs::write(path, text.replacen(&from, &to.replace("\\n", "\n"), 1)).unwrap();
    }
}

pub(crate) fn read(dir: &Utf8Path, project: &Project) {
    for entry in dir.read_dir_utf8().unwrap() {
        copy(entry.unwrap().path(), dir, project);
    }
}

fn copy(path: &Utf8Path, base: &Utf8Path, project: &Project) {
    if path.is_dir() {
        path.read_dir_utf8().unwrap().for_each(|entry| copy(entry.unwrap().path(), base, project));
    } else {
        let bytes = std::fs::read(path).unwrap();
        let target = project.root().join(path.strip_prefix(base).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::write(target, bytes).unwrap();
    }
}

fn load_case(case: &Utf8Path) -> (Project, Result<Graph, Diagnostics>) {
    let mut project = Project::new();
    let args = std::fs::read_to_string(case.join("args")).unwrap_or_default();
    let base = args.lines().find_map(|line| line.strip_prefix("base="));
    read(&corpus().join(base.unwrap_or("base")), &project);
    read(case, &project);
    let (mut recipe, mut scale) = ("table", "small");
    for line in args.lines() {
        match line.split_once('=').unwrap() {
            ("recipe", name) => recipe = name,
            ("scale", name) => scale = name,
            ("set", set) => project.sets.push(set.to_owned()),
            ("base", _) => {}
            ("edit", edit) => project.edit(edit),
            ("remove", path) => {
                let path = project.root().join(path);
                if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
                    .unwrap();
            }
            (other, _) => panic!("{case}: unknown line {other}"),
        }
    }
    let graph = load(&Workspace::new(project.root()), recipe, scale, &project.sets, &registry());
    (project, graph)
}

fn render(graph: &Graph) -> String {
    let mut text = String::new();
    for step in graph.steps() {
        write!(text, "{} = {}", step.id, step.kind.name()).unwrap();
        for (name, steps) in graph.inputs(step) {
            let ids: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
            write!(text, " {name}: {}", ids.join(", ")).unwrap();
        }
        let label = step.label.as_ref().map(|model| format!(" (of {model})")).unwrap_or_default();
        writeln!(text, " {}{label}", Value::Table(step.params.table().clone())).unwrap();
    }
    text
}

fn each_case(folder: &str, check: impl Fn(&Utf8Path) -> String) {
    let mut cases: Vec<Utf8PathBuf> =
        corpus().join(folder).read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    let mut wrong = String::new();
    for case in cases {
        let found = check(&case);
        let file = case.join("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(&file, found).unwrap();
        } else {
            let expected = std::fs::read_to_string(&file).unwrap_or_default();
            if found != expected {
                writeln!(wrong, "== {case}\n-- expected\n{expected}-- found\n{found}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn valid_workspaces_give_their_graphs() {
    each_case("valid", |case| match load_case(case) {
        (_, Ok(graph)) => render(&graph),
        (_, Err(problems)) => panic!("{case}: {problems}"),
    });
}

#[test]
fn invalid_workspaces_give_all_their_diagnostics() {
    each_case("invalid", |case| match load_case(case) {
        (_, Ok(graph)) => panic!("{case} loads:\n{}", render(&graph)),
        (project, Err(problems)) => format!("{problems}\n").replace(project.root().as_str(), "ROOT"),
    });
}
