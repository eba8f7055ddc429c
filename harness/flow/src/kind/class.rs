//! The class of an error: how grave it is, and how it is written in the event log.

use assay_store::ErrorClass;
use serde::{Deserialize, Serialize};

/// The gravest of some classes: internal, then environment, then user.
pub(crate) fn gravest(classes: impl IntoIterator<Item = ErrorClass>) -> Option<ErrorClass> {
    classes.into_iter().max_by_key(|class| match class {
        ErrorClass::User => 0,
        ErrorClass::Environment => 1,
        ErrorClass::Internal => 2,
    })
}

/// How [`ErrorClass`] is written, for `#[serde(with = "ClassName")]`.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ErrorClass", rename_all = "kebab-case")]
pub(crate) enum ClassName {
    User,
    Environment,
    Internal,
}
