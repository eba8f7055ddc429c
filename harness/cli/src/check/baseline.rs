//! The report that a recipe is compared with.

use assay_flow::{Diagnostic, Diagnostics, Recipe, RecipeKind};
use assay_report::Report;
use camino::{Utf8Path, Utf8PathBuf};

use crate::failure::Failure;
use crate::report;
use crate::session::{Joint, Session};
use crate::visible::visible;

/// The report that a recipe is compared with.
pub(super) struct Baseline {
    pub(super) path: Utf8PathBuf,
    pub(super) report: Report,
}

impl Baseline {
    /// Where the committed report of a recipe is.
    pub(super) fn committed(root: &Utf8Path, scale: &str, recipe: &str) -> Utf8PathBuf {
        root.join("reports").join(scale).join(format!("{recipe}.json"))
    }

    /// The baseline of a recipe: its committed report, unless the user names another.
    pub(super) fn of(session: &Session, named: Option<&Utf8Path>) -> Result<Self, Failure> {
        let (recipe, scale) = (session.graph.recipe(), &session.graph.scale().name);
        let path = match named {
            Some(path) => path.to_owned(),
            None => Self::committed(session.workspace.root(), scale, &recipe.name),
        };
        Self::read(recipe, scale, path)
    }

    /// The committed reports of several recipes. What is wrong with any of them is reported with all others.
    pub(super) fn of_all(joint: &Joint) -> Result<Vec<Self>, Failure> {
        let scale = &joint.graph.scale().name;
        let mut baselines = Vec::new();
        let mut problems = Diagnostics::default();
        for recipe in joint.graph.recipes() {
            let path = Self::committed(joint.workspace.root(), scale, &recipe.name);
            match Self::read(recipe, scale, path) {
                Ok(baseline) => baselines.push(baseline),
                Err(Failure::Diagnostics(found)) => found.iter().for_each(|one| problems.push(one.clone())),
                Err(failure) => return Err(failure),
            }
        }
        if problems.is_empty() { Ok(baselines) } else { Err(problems.into()) }
    }

    /// Reads a baseline, which must be of this recipe and scale.
    fn read(recipe: &Recipe, scale: &str, path: Utf8PathBuf) -> Result<Self, Failure> {
        let name = &recipe.name;
        if recipe.kind != RecipeKind::Table {
            return Err(Diagnostic::user(format!("`{name}` has no report to check: it is no table"))
                .help(format!("`assay run {name}` compares an artefact with its lock"))
                .into());
        }
        if !path.is_file() {
            return Err(Diagnostic::user(format!("there is no baseline at {path}"))
                .help(format!(
                    "`assay run {name} --scale {scale}` writes one to commit; --baseline names another"
                ))
                .into());
        }
        let report = report::read(&path)?;
        if (report.id.as_str(), report.scale.as_str()) != (name, scale) {
            let (id, of) = (visible(&report.id), visible(&report.scale));
            return Err(Diagnostic::user(format!(
                "{path} is a report of `{id}` at scale `{of}`, which cannot be compared with `{name}` at `{scale}`"
            ))
            .help("name a report of the same recipe and scale with --baseline")
            .into());
        }
        Ok(Self { path, report })
    }
}
