//! The models of a run.

use assay_flow::{Outcome, Provenance, Step};
use assay_store::Hash;
use serde::Serialize;

use crate::session::Session;

/// The type of a model's artefact.
const MODEL: &str = "model";

/// A model of a run.
#[derive(Serialize)]
pub(crate) struct Model {
    /// The step that made it.
    pub(super) id: String,
    /// The same without the seed.
    pub(super) name: String,
    pub(super) seed: Option<u64>,
    pub(super) artefact: Hash,
}

/// The models of a run, in the order of its steps.
pub(super) fn of_run(session: &Session, outcome: &Outcome) -> Vec<Model> {
    let made = session.graph.steps().iter().zip(&outcome.steps);
    let models = made.filter(|(step, _)| step.kind.output().0 == MODEL);
    let model = |(step, made): (&Step, &Provenance)| Model {
        id: step.id.clone(),
        name: step.name.clone(),
        seed: step.seed,
        artefact: made.output,
    };
    models.map(model).collect()
}
