//! Where a workspace keeps its files.

use std::io::ErrorKind;

use assay_store::Hash;
use camino::{Utf8Path, Utf8PathBuf};

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::lock::Lock;
use crate::language::recipe::Recipe;
pub use crate::language::references::CRITERIA;
use crate::language::references::Shared;
use crate::language::syntax::parse_file;
use crate::values::location::Location;
use crate::values::names::likely;
use crate::values::value::Located;

/// The folder of the recipes.
const RECIPES: &str = "recipes";

/// The file there that holds shared values instead of a recipe.
const SHARED: &str = "shared";

/// The folder of the pipeline's files, where a scale names no other.
pub(crate) const PIPELINE: &str = "recipes/pipeline";

/// A folder with `recipes/` and `lockfiles/`.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: Utf8PathBuf,
}

impl Workspace {
    /// The workspace at `root`. Nothing is read yet.
    pub fn new(root: impl Into<Utf8PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its folder.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// Names of the recipes, `recipes/*.toml` without the shared values, sorted.
    ///
    /// # Errors
    /// One diagnostic if the folder is missing or cannot be listed.
    pub fn recipes(&self) -> Result<Vec<String>, Diagnostic> {
        let mut names = self.names(RECIPES, "toml")?;
        names.retain(|name| name != SHARED);
        Ok(names)
    }

    /// Names of `recipes/scale/*.toml`, sorted.
    ///
    /// # Errors
    /// One diagnostic if the folder is missing or cannot be listed.
    pub fn scales(&self) -> Result<Vec<String>, Diagnostic> {
        self.names("recipes/scale", "toml")
    }

    /// Reads one recipe without its graph, for a list of recipes. It is named as [`crate::load`] takes it.
    ///
    /// # Errors
    /// Everything that is wrong with the file, or near names if there is no such recipe.
    pub fn recipe(&self, name: &str) -> Result<Recipe, Diagnostics> {
        let mut problems = Diagnostics::default();
        match Reader::new(self).recipe(name, &mut problems) {
            Some(recipe) => problems.or_ok(recipe),
            None => Err(problems),
        }
    }

    /// Reads `lockfiles/NAME`, for instance `base.lock`.
    ///
    /// # Errors
    /// Everything that is wrong with the file, or near names if there is no such lockfile.
    pub fn lock(&self, name: &str) -> Result<Lock, Diagnostics> {
        Reader::new(self).lock(name)
    }

    /// The name of a recipe that is given by name or as the path of its file, absolute or from the root.
    fn recipe_name(&self, given: &str) -> Result<String, Diagnostic> {
        let Some(path) = given.strip_suffix(".toml") else { return Ok(given.to_owned()) };
        let (folder, name) = match Utf8Path::new(path).parent().zip(Utf8Path::new(path).file_name()) {
            Some((folder, name)) => (self.root.join(folder), name),
            None => return Ok(path.to_owned()),
        };
        let there = |folder: &Utf8Path| folder.canonicalize_utf8().ok();
        match there(&folder).filter(|folder| Some(folder) == there(&self.root.join(RECIPES)).as_ref()) {
            Some(_) => Ok(name.to_owned()),
            None => Err(Diagnostic::user(format!("{given} is not in {}", self.root.join(RECIPES)))
                .help("recipes are the TOML files of that folder")),
        }
    }

    /// File names with `extension` in a folder, without it, sorted.
    fn names(&self, folder: &str, extension: &str) -> Result<Vec<String>, Diagnostic> {
        let stem = |name: String| {
            let file = Utf8Path::new(&name);
            file.file_stem().filter(|_| file.extension() == Some(extension)).map(str::to_owned)
        };
        Ok(self.entries(folder)?.into_iter().filter_map(stem).collect())
    }

    /// Names of everything in a folder, sorted.
    fn entries(&self, folder: &str) -> Result<Vec<String>, Diagnostic> {
        let path = self.root.join(folder);
        let entries = path.read_dir_utf8().map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                Diagnostic::user(format!("the workspace {} has no folder {folder}", self.root))
                    .help("run from the workspace's root, the folder that holds `recipes`")
            }
            _ => Diagnostic::environment(format!("cannot list {path}: {error}")),
        })?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| Diagnostic::environment(format!("cannot list {path}: {e}")))?;
            names.push(entry.file_name().to_owned());
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// Reads files of a workspace and remembers what it read.
pub(crate) struct Reader<'w> {
    workspace: &'w Workspace,
    files: Vec<(Utf8PathBuf, Hash)>,
}

impl<'w> Reader<'w> {
    pub(crate) fn new(workspace: &'w Workspace) -> Self {
        Self { workspace, files: Vec::new() }
    }

    /// The files read so far, each with the hash of the text that was read.
    pub(crate) fn into_files(self) -> Vec<(Utf8PathBuf, Hash)> {
        self.files
    }

    /// Reads `lockfiles/NAME`.
    pub(crate) fn lock(&mut self, name: &str) -> Result<Lock, Diagnostics> {
        let stem = name.strip_suffix(".lock").unwrap_or(name);
        let file = Utf8PathBuf::from(format!("lockfiles/{stem}.lock"));
        let mut problems = Diagnostics::default();
        match self.read(&file) {
            Ok(Some(text)) => {
                let lock = Lock::parse(&file, &text, &mut problems);
                lock.ok_or_else(|| problems.clone()).and_then(|lock| problems.or_ok(lock))
            }
            Ok(None) => {
                let known = self.workspace.names("lockfiles", "lock").unwrap_or_default();
                Err(no_such("lockfile", stem, &known).into())
            }
            Err(diagnostic) => Err(diagnostic.into()),
        }
    }

    /// The files of a part of the pipeline, relative to the root: `part` itself if it ends in `.toml`, else those of the
    /// folder, sorted. Whatever else is in the folder is reported, since it would be ignored; hidden files may be there.
    pub(crate) fn pipeline(
        &self,
        part: &Utf8Path,
        problems: &mut Diagnostics,
    ) -> Result<Vec<Utf8PathBuf>, Diagnostic> {
        if part.extension() == Some("toml") {
            let there = self.workspace.root.join(part).is_file();
            return if there { Ok(vec![part.to_owned()]) } else { Err(missing(part)) };
        }
        let folder = part;
        let names = self.workspace.names(folder.as_str(), "toml")?;
        for other in self.workspace.entries(folder.as_str())? {
            let is_read =
                other.strip_suffix(".toml").is_some_and(|stem| names.iter().any(|name| name == stem));
            if !is_read && !other.starts_with('.') {
                let message = format!("{folder}/{other} is not read: its name does not end in `.toml`");
                problems.push(Diagnostic::user(message).help("rename it, or move it to another folder"));
            }
        }
        Ok(names.iter().map(|name| Utf8PathBuf::from(format!("{folder}/{name}.toml"))).collect())
    }

    /// Names of the recipes.
    pub(crate) fn recipes(&self) -> Result<Vec<String>, Diagnostic> {
        self.workspace.recipes()
    }

    /// Reads a recipe, given by name or as the path of its file.
    pub(crate) fn recipe(&mut self, given: &str, problems: &mut Diagnostics) -> Option<Recipe> {
        let name = match self.workspace.recipe_name(given) {
            Ok(name) if name == SHARED => {
                let message = "recipes/shared.toml holds the values that recipes share and is no recipe";
                problems.push(Diagnostic::user(message));
                return None;
            }
            Ok(name) => name,
            Err(diagnostic) => {
                problems.push(diagnostic);
                return None;
            }
        };
        let (file, root) = self.open_named("recipe", RECIPES, &name, None, problems)?;
        Recipe::read(&name, &file, root, problems)
    }

    /// The values that all recipes share, if there are any.
    pub(crate) fn shared(&mut self, problems: &mut Diagnostics) -> Shared {
        let file = Utf8PathBuf::from(format!("{RECIPES}/{SHARED}.toml"));
        let there = self.workspace.root.join(&file).is_file();
        let root = if there { self.open(&file, problems) } else { None };
        Shared { file, root, recipe: None }
    }

    /// The values of `recipes/criteria/NAME.toml`, if there is such a file.
    pub(crate) fn criteria(&mut self, name: &str, problems: &mut Diagnostics) -> Option<Located> {
        let file = Utf8PathBuf::from(format!("{CRITERIA}/{name}.toml"));
        if self.workspace.root.join(&file).is_file() { self.open(&file, problems) } else { None }
    }

    /// Parses `FOLDER/NAME.toml`; a file that isn't there is reported as an unknown `what`, with near names. `at` is where
    /// the name is written, if it is in a file.
    pub(crate) fn open_named(
        &mut self,
        what: &str,
        folder: &str,
        name: &str,
        at: Option<&Location>,
        problems: &mut Diagnostics,
    ) -> Option<(Utf8PathBuf, Located)> {
        let mut known = match self.workspace.names(folder, "toml") {
            Ok(known) => known,
            Err(diagnostic) => {
                problems.push(diagnostic);
                return None;
            }
        };
        known.retain(|name| folder != RECIPES || name != SHARED);
        // Only names from the list are opened, so that a name can't lead out of the folder.
        if !known.iter().any(|known| known == name) {
            let diagnostic = no_such(what, name, &known);
            problems.push(match at {
                Some(at) => diagnostic.at(at),
                None => diagnostic,
            });
            return None;
        }
        let file = Utf8PathBuf::from(format!("{folder}/{name}.toml"));
        self.open(&file, problems).map(|root| (file, root))
    }

    /// Parses a file given relative to the root.
    pub(crate) fn open(&mut self, file: &Utf8Path, problems: &mut Diagnostics) -> Option<Located> {
        match self.read(file) {
            Ok(Some(text)) => parse_file(file, &text, problems),
            Ok(None) => {
                problems.push(missing(file));
                None
            }
            Err(diagnostic) => {
                problems.push(diagnostic);
                None
            }
        }
    }

    fn read(&mut self, file: &Utf8Path) -> Result<Option<String>, Diagnostic> {
        match fs_err::read_to_string(self.workspace.root.join(file)) {
            Ok(text) => {
                self.files.push((file.to_owned(), Hash::of(text.as_bytes())));
                Ok(Some(text))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Err(Diagnostic::user(format!("{file} is not UTF-8 text")))
            }
            Err(error) => Err(Diagnostic::environment(error.to_string())),
        }
    }
}

fn missing(file: &Utf8Path) -> Diagnostic {
    Diagnostic::user(format!("{file} is missing"))
}

fn no_such(what: &str, name: &str, known: &[String]) -> Diagnostic {
    let help = likely(name, known.iter().map(String::as_str));
    Diagnostic::user(format!("there is no {what} `{name}`")).maybe_help(help)
}
