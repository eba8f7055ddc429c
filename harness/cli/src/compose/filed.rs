//! Reports as files. One that is there already is not composed again.

use assay_flow::Outcome;
use assay_report::{Claim, Report, files, write};
use assay_store::{Hash, Store};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::Basis;
use crate::failure::Failure;
use crate::session::Session;
use crate::stdio;

/// A claim's outcome in a report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Settled {
    pub(crate) claim: String,
    pub(crate) outcome: assay_report::Outcome,
    pub(crate) primary: bool,
}

impl From<&Claim> for Settled {
    fn from(claim: &Claim) -> Self {
        Self { claim: claim.id.clone(), outcome: claim.outcome, primary: claim.primary }
    }
}

/// What the store remembers of a report, under the key of its basis.
#[derive(Serialize, Deserialize)]
struct Remembered {
    /// The hashes of its files.
    files: [Hash; 3],
    claims: Vec<Settled>,
}

/// A report whose files are in a folder.
pub(crate) struct Filed {
    pub(crate) files: Vec<Utf8PathBuf>,
    pub(crate) claims: Vec<Settled>,
    /// Whether the store had everything that the report shows.
    pub(crate) whole: bool,
    content: Content,
}

enum Content {
    /// It was composed now.
    Composed(Box<Report>),
    /// It was there; this is the JSON file.
    Found(Vec<u8>),
}

impl Filed {
    /// Sees to it that the report of a table recipe's outcome is at `out`, where the user named a place, else in `folder`,
    /// whatever is there. If neither the store nor `folder` can be written, the user is told so, and no file is.
    pub(crate) fn new(
        session: &Session,
        outcome: &Outcome,
        out: Option<&Utf8Path>,
        folder: &Utf8Path,
    ) -> Result<Self, Failure> {
        let folder = out.unwrap_or(folder);
        let basis = Basis::of(session, outcome)?;
        let key = basis.key()?;
        if let Some(found) = Self::found(&session.store, &key, &session.graph.recipe().name, folder)? {
            return Ok(found);
        }
        let table = basis.table(&session.store)?;
        let composed = basis.compose(&session.store, table)?;
        let unwritable = session.store.is_read_only();
        let written = match write(&composed.report, folder) {
            Err(error) if out.is_none() && unwritable => {
                stdio::warn(format_args!("{error}: the report is printed alone; --out names another folder"));
                Vec::new()
            }
            written => written?,
        };
        let claims: Vec<Settled> = composed.report.claims.iter().map(Settled::from).collect();
        // A report that lacks what the store has lost is no answer for the time when it is there again.
        let hashes: Vec<Hash> = written.iter().filter_map(|file| file.hash.parse().ok()).collect();
        if let (true, Ok(files)) = (composed.whole && !unwritable, hashes.try_into()) {
            let remembered = Remembered { files, claims: claims.clone() };
            let bytes =
                serde_json::to_vec(&remembered).map_err(|error| Failure::Internal(error.to_string()))?;
            // At worst the report is composed again.
            let _ = session.store.remember(&[(key, bytes)]);
        }
        Ok(Self {
            files: written.into_iter().map(|file| file.path).collect(),
            claims,
            whole: composed.whole,
            content: Content::Composed(Box::new(composed.report)),
        })
    }

    /// The report of a basis of this key, if it was composed before and its files are in the folder, each to the byte.
    fn found(store: &Store, key: &Hash, id: &str, folder: &Utf8Path) -> Result<Option<Self>, Failure> {
        let value = store.recall(&[*key]).ok().and_then(|mut values| values.pop().flatten());
        let Some(Remembered { files: hashes, claims }) =
            value.and_then(|value| serde_json::from_slice(&value).ok())
        else {
            return Ok(None);
        };
        let paths = files(id, folder);
        let mut texts = Vec::new();
        for (path, hash) in paths.iter().zip(&hashes) {
            // What is no file, such as a pipe, is written to.
            let bytes = if path.is_file() { fs_err::read(path).ok() } else { None };
            let Some(bytes) = bytes.filter(|bytes| Hash::of(bytes) == *hash) else { return Ok(None) };
            texts.push(bytes);
        }
        let [_, json, _] =
            texts.try_into().map_err(|_| Failure::Internal("a file of the report is missing".into()))?;
        Ok(Some(Self { files: paths.into(), claims, whole: true, content: Content::Found(json) }))
    }

    /// The report itself.
    pub(crate) fn report(self) -> Result<Report, Failure> {
        match self.content {
            Content::Composed(report) => Ok(*report),
            Content::Found(json) => {
                let text = String::from_utf8(json).map_err(|error| Failure::Internal(error.to_string()))?;
                Ok(Report::from_json(&text)?)
            }
        }
    }
}
