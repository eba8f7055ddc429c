//! Files of others, fetched and checked against a lock.

use assay_fetch::{FetchError, Fetcher, Tags, Tools, Wheel};
use assay_flow::{LockEntry, ParamError, StepError, Workspace};
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{FILE, Kind, locked, locked_fact, of_class};

/// How the names of wheels end that are the same for all machines.
const PURE: &str = "-none-any.whl";

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The lockfile, such as `smoke.lock`.
    lock: String,
    /// The entry in it: a wheel of a package index, with `package`, `version`, `file` and `sha256`.
    entry: String,
    /// The file inside the wheel, by its path there. What ends in `.gz` is unpacked.
    member: String,
}

impl Params {
    fn locked(&self, workspace: &Workspace) -> Result<LockEntry, ParamError> {
        locked(workspace, &self.lock, &self.entry, "entry")
    }

    /// The wheel that the entry pins.
    fn wheel<'e>(&'e self, entry: &'e LockEntry) -> Result<Wheel<'e>, ParamError> {
        // Others are made for one machine and one Python, which nobody here would ask for.
        let file = entry.file.as_deref().filter(|file| file.ends_with(PURE));
        let texts = (entry.package.as_deref(), entry.version.as_deref(), file, entry.sha256.as_deref());
        let (Some(package), Some(release), Some(file), Some(sha256)) = texts else {
            let message = format!("`{}` of {} is no wheel that runs anywhere", self.entry, self.lock);
            let remedy =
                format!("give it `package`, `version`, `sha256`, and a `file` that ends in `{PURE}`");
            return Err(ParamError::new("entry", message).suggest(remedy));
        };
        let (size, blake3, lock) = (entry.size, entry.blake3, self.lock.as_str());
        Ok(Wheel { package, release, file, size, sha256, blake3, tags: Tags::ANY, lock })
    }
}

/// `package-file`: a file out of a wheel of a package index, if the wheel is the one that was locked.
///
/// Holds the file.
pub(crate) fn kind(workspace: Workspace, tools: Tools) -> Kind<Params> {
    let (checked, known, sized) = (workspace.clone(), workspace.clone(), workspace.clone());
    let about = "A file out of a package of an index, if the package is the one that its lock pins";
    Kind::new("package-file", 1, FILE, about, move |params: &Params, context| {
        let refused = |error: ParamError| StepError::user(error.to_string());
        let entry = params.locked(&workspace).map_err(refused)?;
        let wheel = params.wheel(&entry).map_err(refused)?;
        let stopped = || context.cancelled();
        let fetcher = Fetcher { tools: &tools, stopped: &stopped };
        let downloads = context.scratch().join("downloads");
        let bytes = fetcher
            .obtain(&downloads, &wheel, &mut || context.progress(0, 1, "downloads"))
            .and_then(|path| fetcher.member(&path, &params.member))
            .map_err(failed)?;
        fs_err::write(context.output(), bytes)?;
        Ok(())
    })
    .check(move |params, _| params.wheel(&params.locked(&checked)?).map(drop))
    .facts(move |params, _| locked_fact(params.locked(&known)))
    .downloads(move |params| Some(params.locked(&sized).map_or(0, |entry| entry.size)))
}

pub(super) fn failed(error: FetchError) -> StepError {
    if matches!(error, FetchError::Stopped) {
        return StepError::cancelled();
    }
    let remedy = error.remedy();
    of_class(error.class(), "the file could not be fetched").remedy(remedy).caused_by(error)
}
