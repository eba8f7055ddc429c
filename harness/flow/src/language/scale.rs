//! `recipes/scale/NAME.toml`: the sizes and settings that a pipeline's `$path` references take.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::locate::{Fields, Keys, Part, diagnose};
use crate::language::seeds::{PlacedSeed, SEEDS, read_seeds};
use crate::values::location::Location;
use crate::values::names::{likely, near, quoted};
use crate::values::path::ValuePath;
use crate::values::value::{Located, Value};

/// Keys of the format; all others are values.
const KNOWN: [&str; 5] = [TITLE, EXTENDS, PIPELINE, RECIPES, SEEDS];

/// The key of what a scale is called, which no other scale takes over.
pub(crate) const TITLE: &str = "title";

/// The key of the scale whose values stand where a scale has none of its own.
pub(crate) const EXTENDS: &str = "extends";

/// The key of the folders and files of which the pipeline is made.
const PIPELINE: &str = "pipeline";

/// The key of the recipes that a scale is for.
const RECIPES: &str = "recipes";

/// A scale with the values that arguments replaced.
#[derive(Clone, Debug)]
pub struct Scale {
    /// The file's name without `.toml`.
    pub name: String,
    /// The file, relative to the workspace's root.
    pub file: Utf8PathBuf,
    /// `title`.
    pub title: String,
    /// `path=value` arguments that were applied, in order.
    pub sets: Vec<String>,
    /// `pipeline`: the folders and files of which the pipeline is made, from the root; empty for the usual folder.
    pub(crate) pipeline: Vec<Utf8PathBuf>,
    /// `recipes`: the names of those that it is for; without it, any.
    recipes: Option<Vec<String>>,
    /// `seeds`, each with its place.
    pub(crate) seeds: Vec<PlacedSeed>,
    root: Located,
}

impl Scale {
    /// Reads a scale from its parsed file, to which `sets` have been applied.
    pub(crate) fn read(
        name: &str,
        file: &Utf8Path,
        root: Located,
        sets: &[String],
        problems: &mut Diagnostics,
    ) -> Option<Self> {
        let mut fields = Fields::open(&root, "a scale", Keys::Also(&KNOWN), problems)?;
        let title = fields.required(TITLE);
        let seeds = read_seeds(&mut fields).unwrap_or_default();
        let recipes = fields.optional(RECIPES);
        let pipeline = match fields.raw(PIPELINE).map(|raw| &raw.value) {
            Some(Value::List(_)) => fields.optional::<Vec<String>>(PIPELINE)?,
            Some(_) => vec![fields.optional(PIPELINE)?],
            None => Vec::new(),
        };
        if pipeline.is_empty() && fields.raw(PIPELINE).is_some() {
            let message = format!("`{PIPELINE}` names nothing: leave it out for `recipes/pipeline`");
            fields.problems().push(diagnose(&root, &ValuePath::key(PIPELINE), Part::Value, message, None));
            return None;
        }
        if let Some(at) = pipeline.iter().position(|part| !is_inside(part.as_ref())) {
            let message = format!(
                "`{PIPELINE}`: expected a folder of the workspace or a file in one, such as `recipes/pipeline`"
            );
            let place = match pipeline.len() {
                1 => ValuePath::key(PIPELINE),
                _ => ValuePath::key(PIPELINE).index(at),
            };
            fields.problems().push(diagnose(&root, &place, Part::Value, message, None));
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            file: file.to_owned(),
            title: title?,
            sets: sets.to_vec(),
            pipeline: pipeline.into_iter().map(Utf8PathBuf::from).collect(),
            recipes,
            seeds,
            root,
        })
    }

    /// Where a part of `pipeline` is written, if it stands in a file.
    pub(crate) fn pipeline_at(&self, part: usize) -> Option<&Location> {
        let written = self.root.at(PIPELINE)?;
        let part = written.value.as_list().and_then(|parts| parts.get(part));
        part.unwrap_or(written).origin.location()
    }

    /// Whether it is for this recipe.
    pub(crate) fn is_for(&self, recipe: &str) -> bool {
        self.recipes.as_ref().is_none_or(|recipes| recipes.iter().any(|name| name == recipe))
    }

    /// Reports names in `recipes` that no recipe has; `known` are those that there are.
    pub(crate) fn expect_recipes(&self, known: &[String], problems: &mut Diagnostics) {
        for (at, name) in self.recipes.iter().flatten().enumerate() {
            if !known.contains(name) {
                let message = format!("there is no recipe `{name}`");
                let help = likely(name, known.iter().map(String::as_str));
                let path = ValuePath::key(RECIPES).index(at);
                problems.push(diagnose(&self.root, &path, Part::Value, message, help));
            }
        }
    }

    /// Where `recipes` is written, and what it lists.
    pub(crate) fn recipes(&self) -> Option<(&Location, &[String])> {
        self.root.at(RECIPES)?.origin.location().zip(self.recipes.as_deref())
    }

    /// The seeds, in order.
    pub fn seeds(&self) -> impl Iterator<Item = u64> {
        self.seeds.iter().map(|(seed, _)| *seed)
    }

    /// The value at a dotted path.
    pub fn value(&self, path: &str) -> Option<&Located> {
        self.root.at(path)
    }

    /// That there are no seeds although `step`, which is defined at `at`, runs once for each.
    pub(crate) fn without_seeds(&self, step: &str, at: &Location) -> Diagnostic {
        let keys = self.root.value.as_table().into_iter().flatten().map(|(key, _)| key.as_str());
        let misspelt = near(SEEDS, keys.filter(|key| !KNOWN.contains(key)));
        let (key, message, help) = match (self.root.at(SEEDS), misspelt) {
            (Some(_), _) => (SEEDS, "`seeds` lists no seed".to_owned(), "write `seeds = [1, 2, 3]`"),
            (None, Some(misspelt)) => {
                (misspelt, format!("the scale has `{misspelt}` but no `seeds`"), "did you mean `seeds`?")
            }
            (None, None) => (SEEDS, "the scale has no `seeds`".to_owned(), "add `seeds = [1, 2, 3]`"),
        };
        diagnose(&self.root, &ValuePath::key(key), Part::Key, message, Some(help.to_owned()))
            .note(at, format!("`{step}` runs once for each seed"))
    }

    /// All values.
    pub(crate) fn root(&self) -> &Located {
        &self.root
    }

    /// The file's first place.
    pub(crate) fn start(&self) -> Location {
        Location { file: self.file.as_str().into(), line: 1, column: 1 }
    }
}

/// The scale that a scale extends, if it extends one; a circle is reported. `extended` are the names of this scale and of
/// those that led to it.
pub(crate) fn extends(root: &Located, extended: &[String], problems: &mut Diagnostics) -> Option<String> {
    let base: String = Fields::open(root, "a scale", Keys::Also(&KNOWN), problems)?.optional(EXTENDS)?;
    if extended.contains(&base) {
        let circle = [extended, &[base]].concat().join("` extends `");
        let message = format!("`{circle}`, which is a circle");
        problems.push(diagnose(root, &ValuePath::key(EXTENDS), Part::Value, message, None));
        return None;
    }
    Some(base)
}

/// Whether a relative path names something below the folder that it is relative to: no `..`, no `.`, not the folder itself.
pub fn is_inside(path: &Utf8Path) -> bool {
    !path.as_str().is_empty() && path.components().all(|part| matches!(part, Utf8Component::Normal(_)))
}

/// Help for a path that none of the roots has: paths that end in it, or else near ones, or else paths that end in
/// something near.
pub(crate) fn likely_path<'l>(roots: impl IntoIterator<Item = &'l Located>, path: &str) -> Option<String> {
    let mut paths = Vec::new();
    roots.into_iter().for_each(|root| collect_paths(root, &ValuePath::default(), &mut paths));
    let tail = format!(".{path}");
    let longer: Vec<&str> = paths.iter().map(String::as_str).filter(|known| known.ends_with(&tail)).collect();
    if !longer.is_empty() {
        return Some(format!("did you mean {}?", quoted(&longer, " or ")));
    }
    let all = || paths.iter().map(String::as_str);
    if near(path, all()).is_some() {
        return likely(path, all());
    }
    let Some(end) = near(path, all().filter_map(|known| known.rsplit_once('.')).map(|(_, end)| end)) else {
        return likely(path, all());
    };
    let ending: Vec<&str> = all().filter(|known| known.rsplit('.').next() == Some(end)).collect();
    Some(format!("did you mean {}?", quoted(&ending, " or ")))
}

fn collect_paths(here: &Located, path: &ValuePath, paths: &mut Vec<String>) {
    if !path.is_empty() {
        paths.push(path.to_string());
    }
    if let Value::Table(table) = &here.value {
        for (key, value) in table {
            collect_paths(value, &path.clone().then(key), paths);
        }
    }
}
