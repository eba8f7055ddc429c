//! Files and models of the Hugging Face hub, fetched and checked against a lock.

use assay_fetch::{Hub, HubFile, HubPath, is_commit};
use assay_flow::{Facts, LockEntry, ParamError, StepContext, StepError, Workspace, is_inside};
use camino::Utf8Path;
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{FILE, Kind, MODEL, are_pinned, is_unchecked, locked, locked_fact};
use super::package::failed;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileParams {
    /// The lockfile, a name in `lockfiles/`.
    lock: String,
    /// The entry: `hub` (`datasets/MAKER/NAME`, or `MAKER/NAME` of a model), `version` (a commit), `path` (of a file there).
    entry: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelParams {
    /// The lockfile, a name in `lockfiles/`.
    lock: String,
    /// The entries of its files: configuration, tokenizer, weights in one file or several.
    entries: Vec<String>,
}

/// `hub-file`: a file of a repository on the hub, of the hash that its lock pins.
pub(crate) fn file(workspace: Workspace, hub: Hub) -> Kind<FileParams> {
    let [checked, known, sized, ready] = [(); 4].map(|()| workspace.clone());
    let about = "A file of the Hugging Face hub, if it is the one that its lock pins";
    Kind::new("hub-file", 1, FILE, about, move |params: &FileParams, context| {
        let entry = params.locked(&workspace).map_err(refused)?;
        let file = pinned(&entry, &params.lock, &params.entry, "entry").map_err(refused)?;
        obtain(context, &hub, &file, context.output())
    })
    .check(move |params, _| {
        // What is not pinned yet can be planned with, and not run.
        if is_unchecked(&checked, &params.lock, &params.entry) {
            return Ok(());
        }
        pinned(&params.locked(&checked)?, &params.lock, &params.entry, "entry").map(drop)
    })
    .facts(move |params, _| locked_fact(params.locked(&known)))
    .downloads(move |params| Some(params.locked(&sized).map_or(0, |entry| entry.size)))
    .check_to_run(move |params| are_pinned(&ready, &params.lock, [&params.entry]))
}

/// `hub-model`: the files of a model on the hub as a model folder, each of the hash that its lock pins.
pub(crate) fn model(workspace: Workspace, hub: Hub) -> Kind<ModelParams> {
    let [checked, known, sized, ready] = [(); 4].map(|()| workspace.clone());
    let about =
        "A model of the Hugging Face hub as a model folder, if its files are those that their lock pins";
    Kind::new("hub-model", 1, MODEL, about, move |params: &ModelParams, context| {
        fs_err::create_dir_all(context.output())?;
        let entries = params.locked(&workspace).map_err(refused)?;
        for (done, (name, entry)) in entries.iter().enumerate() {
            context.progress(done as u64, entries.len() as u64, "files");
            let file = pinned(entry, &params.lock, name, "entries").map_err(refused)?;
            obtain(context, &hub, &file, &context.output().join(file_name(&file)))?;
        }
        Ok(())
    })
    .check(move |params, _| {
        // What is not pinned yet can be planned with, and not run.
        if params.entries.iter().any(|entry| is_unchecked(&checked, &params.lock, entry)) {
            return Ok(());
        }
        let entries = params.locked(&checked)?;
        let mut names = std::collections::BTreeSet::new();
        for (name, entry) in &entries {
            let file = pinned(entry, &params.lock, name, "entries")?;
            let name = file_name(&file);
            if !names.insert(name) {
                let message = format!("two files are called `{name}`, and a model folder has one of a name");
                return Err(ParamError::new("entries", message));
            }
        }
        match names.contains("config.json") {
            true => Ok(()),
            false => {
                Err(ParamError::new("entries", "name no `config.json`, without which there is no model"))
            }
        }
    })
    .facts(move |params, _| {
        // The names of the files are a part of the folder, those of the entries are not.
        let fact = |(_, entry): (String, LockEntry)| {
            let name = entry.path.as_deref().map(|path| Utf8Path::new(path).file_name().unwrap_or(path));
            (format!("locked {}", name.unwrap_or_default()), entry.blake3.to_string())
        };
        params
            .locked(&known)
            .map(|entries| entries.into_iter().map(fact).collect::<Facts>())
            .unwrap_or_default()
    })
    .downloads(move |params| {
        Some(params.locked(&sized).map_or(0, |entries| entries.iter().map(|(_, entry)| entry.size).sum()))
    })
    .check_to_run(move |params| are_pinned(&ready, &params.lock, &params.entries))
}

impl FileParams {
    fn locked(&self, workspace: &Workspace) -> Result<LockEntry, ParamError> {
        locked(workspace, &self.lock, &self.entry, "entry")
    }
}

impl ModelParams {
    /// The entries, each with its name.
    fn locked(&self, workspace: &Workspace) -> Result<Vec<(String, LockEntry)>, ParamError> {
        let of = |name: &String| Ok((name.clone(), locked(workspace, &self.lock, name, "entries")?));
        self.entries.iter().map(of).collect()
    }
}

/// The file of the hub that an entry pins; the parameter `at` names the entry.
fn pinned<'e>(entry: &'e LockEntry, lock: &'e str, name: &str, at: &str) -> Result<HubFile<'e>, ParamError> {
    let texts = (entry.hub.as_deref(), entry.version.as_deref(), entry.path.as_deref());
    let (Some(repository), Some(revision), Some(path)) = texts else {
        let message = format!("`{name}` of {lock} is no file of the hub");
        return Err(ParamError::new(at, message).suggest("give it `hub`, `version` and `path`".to_owned()));
    };
    if !is_commit(revision) {
        let message = format!("`version` of `{name}` in {lock} is no commit: expected 40 hexadecimal digits");
        return Err(ParamError::new(at, message));
    }
    if ![repository, path].into_iter().all(|path| is_inside(path.as_ref())) {
        let message = format!("`{name}` of {lock} leads out of its repository");
        return Err(ParamError::new(at, message));
    }
    let at = HubPath { repository, revision, path };
    Ok(HubFile { at, size: entry.size, blake3: entry.blake3, lock })
}

/// A model's files are side by side: folders of the repository are none of the model's.
fn file_name<'f>(file: &HubFile<'f>) -> &'f str {
    Utf8Path::new(file.at.path).file_name().unwrap_or(file.at.path)
}

/// Takes a file from the store if that has its bytes, as after `assay lock`, and else fetches it; what has arrived of it is
/// where a later run finds it.
fn obtain(context: &StepContext<'_>, hub: &Hub, file: &HubFile<'_>, to: &Utf8Path) -> Result<(), StepError> {
    if context.store().contains(&file.blake3) && context.store().materialize(&file.blake3, to).is_ok() {
        return Ok(());
    }
    let part = context.checkpoint()?.join(file.blake3.to_string());
    hub.obtain(file, &part, to, &|| context.cancelled()).map_err(failed)
}

fn refused(error: ParamError) -> StepError {
    StepError::user(error.to_string())
}
