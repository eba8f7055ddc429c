//! The step kinds of the pipeline, as recipes name them.

use std::sync::Arc;

use assay_flow::{FlowError, Registry, Workspace};

mod answers;
mod checkpoint;
mod data;
mod diagnostics;
mod generate;
mod judge;
mod kind;
mod pretrain;
mod rows;
mod sampling;
mod score;
mod table;
mod traces;
mod train;
mod weights;

pub use diagnostics::ALL as ALL_FAMILIES;
pub use judge::LazySandbox;
pub use kind::{FACT_IMAGE, FACT_ISA, FACT_LIMITS, isa};

/// What the step kinds need of the program that they run in.
pub struct Setup {
    /// Where committed artefacts and their locks are.
    pub workspace: Workspace,
    /// The sandbox, set up when the first program is to be judged.
    pub sandbox: Arc<LazySandbox>,
}

/// All step kinds of the study.
///
/// # Errors
/// None in practice: the kinds have different names.
pub fn registry(setup: &Setup) -> Result<Registry, FlowError> {
    let mut registry = Registry::new();
    registry.register(data::questions())?;
    registry.register(data::teacher())?;
    registry.register(rows::reasoner())?;
    registry.register(rows::posterior())?;
    registry.register(rows::weighted())?;
    registry.register(checkpoint::kind(setup.workspace.clone()))?;
    registry.register(pretrain::kind())?;
    registry.register(train::kind())?;
    registry.register(traces::kind())?;
    registry.register(score::kind())?;
    registry.register(answers::kind())?;
    registry.register(weights::kind())?;
    registry.register(judge::answers(Arc::clone(&setup.sandbox)))?;
    registry.register(judge::generations(Arc::clone(&setup.sandbox)))?;
    registry.register(diagnostics::kind())?;
    registry.register(generate::kind())?;
    registry.register(table::kind())?;
    Ok(registry)
}
