//! A committed artefact, taken in and checked against its lock.

use assay_flow::{LockEntry, ParamError, StepError, Workspace, is_inside};
use camino::Utf8PathBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{Kind, MODEL, locked, locked_fact};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// A folder, relative to the workspace.
    #[schemars(with = "String")]
    path: Utf8PathBuf,
    /// The lockfile, such as `base.lock`.
    lock: String,
    /// The entry in it, which has the folder's hash as an object of the store.
    entry: String,
}

impl Params {
    fn locked(&self, workspace: &Workspace) -> Result<LockEntry, ParamError> {
        locked(workspace, &self.lock, &self.entry, "entry")
    }

    /// Refuses a folder that is not there, with those beside it that may be meant.
    fn is_there(&self, workspace: &Workspace) -> Result<(), ParamError> {
        let path = workspace.root().join(&self.path);
        if path.is_dir() {
            return Ok(());
        }
        let beside = path.parent().and_then(|folder| folder.read_dir_utf8().ok()).into_iter().flatten();
        let folders = beside.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
        let mut names: Vec<String> = folders.map(|entry| entry.file_name().to_owned()).collect();
        names.sort();
        let name = self.path.file_name().unwrap_or_default();
        let error = ParamError::new("path", format!("there is no folder `{}` in the workspace", self.path));
        Err(error.meant(name, names.iter().map(String::as_str)))
    }
}

/// `checkpoint`: the folder at `path`, if its content is what was locked.
pub(crate) fn kind(workspace: Workspace) -> Kind<Params> {
    let (checked, known, root) = (workspace.clone(), workspace.clone(), workspace);
    let about = "A model folder of the workspace, if its content is what its lock says";
    Kind::new("checkpoint", 1, MODEL, about, move |params: &Params, context| {
        let locked = params.locked(&root).map_err(|error| StepError::user(error.to_string()))?.blake3;
        let path = root.root().join(&params.path);
        let remedy = format!(
            "restore the folder from version control; if it was made anew, record its hash in {}",
            params.lock
        );
        if !path.is_dir() {
            return Err(StepError::user(format!("{} is not there", params.path)).remedy(remedy));
        }
        let found = context.store().put_path(&path)?;
        if found != locked {
            let message = format!(
                "{} is not what {} says: expected blake3 {locked}, found {found}",
                params.path, params.lock
            );
            return Err(StepError::user(message).remedy(remedy));
        }
        context.store().materialize(&found, context.output())?;
        Ok(())
    })
    .check(move |params, _| {
        if !is_inside(&params.path) {
            return Err(ParamError::new("path", "leads out of the workspace; name a folder inside it"));
        }
        params.is_there(&checked)?;
        params.locked(&checked).map(drop)
    })
    .facts(move |params, _| locked_fact(params.locked(&known)))
}
