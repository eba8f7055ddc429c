//! Models that servers have.

use assay_flow::ParamError;
use assay_lm::engine::{Served, ServerKind};
use schemars::JsonSchema;
use serde::Deserialize;

use super::kind::{Kind, MODEL, lm};
use crate::engines::Servers;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// What kind of server has it.
    server: ServerKind,
    /// The model's name there.
    name: String,
    /// Anything that tells this time from others: the server is asked again when it changes, as after an update of the
    /// server. Until then, what was recorded stands, and another version of the server is refused.
    #[serde(default)]
    #[expect(dead_code, reason = "it is part of the key, and nothing else")]
    revision: Option<String>,
}

/// `served-model`: what one of the user's servers says of a model that it has, for an engine that asks it.
///
/// Holds no weights.
pub(crate) fn kind(servers: Servers) -> Kind<Params> {
    let about = "A model that a server has, by its name there: server, version, and what the server says of the model";
    Kind::new("served-model", 1, MODEL, about, move |params: &Params, context| {
        let stopped = || context.cancelled();
        let served = Served::ask(&servers, params.server, &params.name, &stopped).map_err(lm)?;
        served.save(context.output()).map_err(lm)
    })
    .check(|params, _| match params.name.trim() {
        "" => Err(ParamError::new("name", "is empty, but must be the name of a model")),
        _ => Ok(()),
    })
}
