//! A file of the workspace.

use assay_flow::{Facts, ParamError, StepError, Workspace, is_inside};
use assay_store::Hash;
use camino::Utf8PathBuf;
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{FILE, Kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// The file, relative to the workspace.
    #[schemars(with = "String")]
    path: Utf8PathBuf,
}

/// `workspace-file`: a file that stands beside the recipes. It is known by its content.
pub(crate) fn kind(workspace: Workspace) -> Kind<Params> {
    let (checked, known) = (workspace.clone(), workspace.clone());
    let about = "A file of the workspace, as it is";
    Kind::new("workspace-file", 1, FILE, about, move |params: &Params, context| {
        let bytes = fs_err::read(workspace.root().join(&params.path)).map_err(|error| {
            StepError::environment(error.to_string()).remedy("restore the file from version control")
        })?;
        Ok(fs_err::write(context.output(), bytes)?)
    })
    .check(move |params, _| {
        if !is_inside(&params.path) {
            return Err(ParamError::new("path", "leads out of the workspace; name a file inside it"));
        }
        match checked.root().join(&params.path).is_file() {
            true => Ok(()),
            false => {
                let message = format!("there is no file `{}` in the workspace", params.path);
                Err(ParamError::new("path", message))
            }
        }
    })
    .facts(move |params, _| {
        let bytes = fs_err::read(known.root().join(&params.path)).ok();
        let content = bytes.map(|bytes| Hash::of(&bytes).to_string());
        content.map(|hash| ("file".to_owned(), hash)).into_iter().collect::<Facts>()
    })
}
