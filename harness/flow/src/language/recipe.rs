//! `recipes/NAME.toml`: what is to be made, and everything the paper says about it.

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::language::diagnostic::Diagnostics;
use crate::language::locate::{Fields, Keys, Part, diagnose};
use crate::language::seeds::SEEDS;
use crate::language::steps::{InputDefinition, StepDefinition, read_inputs, read_steps};
use crate::values::location::Location;
use crate::values::names::likely;
use crate::values::path::ValuePath;
use crate::values::value::{Located, Table, Value};

/// What a recipe's target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecipeKind {
    /// A table or figure of the paper; keys that are not listed at [`Recipe`] go to the target step.
    Table,
    /// A file or folder, such as a trained model.
    Artifact,
}

/// A recipe's own part. The graph that its target needs is in [`crate::Graph`].
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The file's name without `.toml`.
    pub name: String,
    /// The file, relative to the workspace's root.
    pub file: Utf8PathBuf,
    /// `title`: one line.
    pub title: String,
    /// `kind`.
    pub kind: RecipeKind,
    /// `paper`: an identifier such as an arXiv number.
    pub paper: Option<String>,
    /// `locator`: where in the paper, such as `Table 5`.
    pub locator: Option<String>,
    /// `scales`: the names of those that it is for; without it, any.
    pub scales: Vec<String>,
    /// `target`: the step whose output is wanted. A table that leaves it out is made as `[table]` in the pipeline
    /// says.
    pub target: Option<String>,
    /// `expect`, for an artefact: the lockfile entry that its output must equal.
    pub expect: Option<Expect>,
    /// Everything else, for the target step. In a [`crate::Graph`] references in it are replaced.
    pub content: Table,
    /// The rows that are not measured since the pipeline cannot make their models. Known in a [`crate::Graph`].
    pub absent: Vec<AbsentRow>,
    /// `seeds`, as written: a list, or a reference to one. Without it the scale's are meant.
    pub(crate) seeds: Option<Located>,
    /// Place of the `target` key's value.
    pub(crate) target_at: Option<Location>,
    /// Place of the `scales` key's value.
    pub(crate) scales_at: Option<Location>,
    /// Places of the values of `expect`: of `lock` and of `entry`.
    pub(crate) expect_at: Option<(Location, Location)>,
    start: Location,
    /// An empty table at the file's first place, the origin of `content`.
    pub(crate) root: Located,
    /// Steps that this recipe adds to the pipeline.
    pub(crate) steps: Vec<StepDefinition>,
    /// `inputs`, for a table: inputs of the step that makes it, in the place of those of the same name in `[table]`.
    pub(crate) inputs: Vec<InputDefinition>,
}

/// A row that is not measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsentRow {
    /// Its `label`, or else the name of its model.
    pub label: String,
    /// Why the pipeline cannot make its model.
    pub reason: String,
}

/// The lockfile entry that an artefact must equal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The lockfile's name, such as `base.lock`.
    pub lock: String,
    /// The entry in it.
    pub entry: String,
}

/// Keys that mean the same in every recipe.
const KNOWN: [&str; 10] =
    ["title", "kind", "paper", "locator", "scales", "target", "seeds", "expect", "steps", INPUTS];

/// The key of inputs of the step that makes a table.
const INPUTS: &str = "inputs";

impl Recipe {
    /// Reads a recipe from its parsed file.
    pub(crate) fn read(
        name: &str,
        file: &Utf8Path,
        root: Located,
        problems: &mut Diagnostics,
    ) -> Option<Self> {
        let mut fields = Fields::open(&root, "a recipe", Keys::Also(&KNOWN), problems)?;
        let title = fields.required("title");
        let kind: Option<RecipeKind> = fields.required("kind");
        let paper = fields.optional("paper");
        let locator = fields.optional("locator");
        let scales = fields.optional("scales").unwrap_or_default();
        let scales_at = fields.raw("scales").and_then(|t| t.origin.location()).cloned();
        let target = match kind {
            Some(RecipeKind::Artifact) => fields.required("target"),
            Some(RecipeKind::Table) | None => fields.optional("target"),
        };
        let target_at = fields.raw("target").and_then(|t| t.origin.location()).cloned();
        let seeds = fields.raw(SEEDS).cloned();
        let expect = fields.optional("expect");
        let place = |path| root.at(path).and_then(|value| value.origin.location()).cloned();
        let expect_at = place("expect.lock").zip(place("expect.entry"));
        let steps = fields.raw("steps").map(|steps| read_steps(steps, fields.problems())).unwrap_or_default();
        let inputs = fields.raw(INPUTS).map(|inputs| read_inputs(inputs, INPUTS, fields.problems()));
        if let Some(inputs) = fields.raw(INPUTS).filter(|_| target.is_some()) {
            let message = "`inputs` are for a table that `[table]` makes, and this recipe names its `target`";
            problems.push(diagnose(inputs, &ValuePath::default(), Part::Key, message.to_owned(), None));
        }
        for key in ["models", "templates", "absent", "table"] {
            if let Some(found) = root.at(key) {
                let message = format!("`{key}` is defined in a file of the pipeline, not in a recipe");
                problems.push(diagnose(found, &ValuePath::default(), Part::Key, message, None));
            }
        }
        let mut content = root.value.as_table()?.clone();
        content.retain(|key, _| !KNOWN.contains(&key.as_str()));
        if kind == Some(RecipeKind::Artifact) {
            for key in content.keys() {
                let message = format!("unknown key `{key}` in a recipe of kind `artifact`");
                problems.push(diagnose(&root, &ValuePath::key(key), Part::Key, message, likely(key, KNOWN)));
            }
        } else if expect.is_some() {
            let message = "`expect` belongs to recipes of kind `artifact`".to_owned();
            problems.push(diagnose(&root, &ValuePath::key("expect"), Part::Key, message, None));
        }
        let start = root.origin.location()?.clone();
        let root = Located { value: Value::Table(Table::new()), ..root };
        Some(Self {
            name: name.to_owned(),
            file: file.to_owned(),
            title: title?,
            kind: kind?,
            paper,
            locator,
            scales,
            target,
            expect,
            content,
            absent: Vec::new(),
            seeds,
            target_at,
            scales_at,
            expect_at,
            start,
            root,
            steps,
            inputs: inputs.unwrap_or_default(),
        })
    }

    /// Whether it is for this scale.
    pub fn is_for(&self, scale: &str) -> bool {
        self.scales.is_empty() || self.scales.iter().any(|name| name == scale)
    }

    /// Whether there is anything to run: a target, or a row with a model.
    pub fn has_steps(&self) -> bool {
        let rows = self.content.get("rows");
        let of_rows = |rows: &Located| match &rows.value {
            Value::List(rows) => rows.iter().any(|row| row.at("model").is_some()),
            // A reference, which only a scale can follow.
            _ => true,
        };
        self.target.is_some() || rows.is_some_and(of_rows)
    }

    /// The file's first place.
    pub(crate) fn start(&self) -> &Location {
        &self.start
    }
}
