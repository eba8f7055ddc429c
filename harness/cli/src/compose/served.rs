//! The models that servers have, as a section of the report: what they write is another kind of evidence.

use assay_lm::{LmError, Served};
use assay_report::{DataTable, Datum, Heading, Section};
use assay_store::{Store, StoreError};

use super::models::Model;

/// The title of the section.
const TITLE: &str = "Served models";

const TEXT: &str = "What these models wrote, a server of the user's computed, by the model that it has under this name. Nobody \
                    here has seen its weights. Asked again, the same server writes the same in distribution: what it computes \
                    at the same time changes last bits, and so, now and then, a token. What was written is kept, and judged as \
                    any other text.";

/// The served models, if there are any, and whether the store had all that is said of them.
pub(super) fn section(store: &Store, all: &[Model]) -> (Option<Section>, bool) {
    let (mut rows, mut whole) = (Vec::new(), true);
    for Model { id, artefact, .. } in all {
        match served(store, artefact) {
            Ok(Some(served)) => rows.push(row(id, &served)),
            Ok(None) => {}
            // A file of this name in a folder of weights.
            Err(LmError::Endpoint(_)) => {}
            Err(_) => whole = false,
        }
    }
    let heading = |label: &str| Heading { label: label.to_owned(), decimals: None };
    let header =
        ["Model", "Server", "Version", "Name there", "What it says of the model"].map(heading).to_vec();
    let section = (!rows.is_empty()).then(|| Section {
        title: TITLE.to_owned(),
        text: TEXT.to_owned(),
        tables: vec![DataTable { caption: None, header, rows }],
        plots: Vec::new(),
    });
    (section, whole)
}

fn row(id: &str, served: &Served) -> Vec<Datum> {
    let details: Vec<String> = served.details.iter().map(|(what, value)| format!("{what} {value}")).collect();
    let texts = [id, &served.server.to_string(), &served.version, &served.name, &details.join(", ")];
    texts.map(|text| Datum::Text(text.to_owned())).to_vec()
}

/// What a server said of a model; `None` if it is another kind of model.
fn served(store: &Store, model: &assay_store::Hash) -> Result<Option<Served>, LmError> {
    match store.path_in_tree(model, Served::FILE) {
        Ok(path) => Served::read(&path).map(Some),
        Err(StoreError::NotInTree { .. } | StoreError::WrongKind { .. }) => Ok(None),
        Err(error) => Err(std::io::Error::other(error).into()),
    }
}
