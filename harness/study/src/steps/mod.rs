//! The step kinds of the pipeline, as recipes name them.

use std::sync::Arc;

use assay_fetch::{Hub, Server, Tools};
use assay_flow::{FlowError, Registry, Workspace};
use assay_sandbox::Judging;

mod answers;
mod checkpoint;
mod data;
mod diagnostics;
mod file;
mod generate;
mod hub;
mod imported;
mod judge;
pub(crate) mod kind;
mod package;
mod policy;
mod pretrain;
mod problems;
mod published;
mod released;
mod rows;
mod score;
mod served;
mod table;
mod trace_rows;
mod traces;
mod train;
mod weights;

use crate::engines::Servers;
pub use kind::FACT_INSTRUCTION_SET;

/// What the step kinds need of the program that they run in.
pub struct Setup {
    /// Where committed artefacts, files of items and locks are.
    pub workspace: Workspace,
    /// What gets packages.
    pub tools: Tools,
    /// The hub of models and data sets.
    pub hub: Hub,
    /// Servers that have models, in the order in which they are asked for one.
    pub servers: Vec<Server>,
    /// The judges and graders, set up when the first of them is needed.
    pub judging: Arc<Judging>,
}

/// All step kinds of the study.
///
/// # Errors
/// None in practice: the kinds have different names.
pub fn registry(setup: &Setup) -> Result<Registry, FlowError> {
    let servers: Servers = setup.servers.as_slice().into();
    let mut registry = Registry::new();
    registry.register(data::items(setup.workspace.clone()))?;
    registry.register(data::demonstrations(setup.workspace.clone()))?;
    registry.register(rows::reasoner())?;
    registry.register(rows::posterior())?;
    registry.register(rows::joined())?;
    registry.register(trace_rows::weighted())?;
    registry.register(trace_rows::weighted_posterior())?;
    registry.register(trace_rows::selected())?;
    registry.register(checkpoint::kind(setup.workspace.clone()))?;
    registry.register(package::kind(setup.workspace.clone(), setup.tools.clone()))?;
    registry.register(hub::file(setup.workspace.clone(), setup.hub.clone()))?;
    registry.register(hub::model(setup.workspace.clone(), setup.hub.clone()))?;
    registry.register(released::gguf())?;
    registry.register(served::kind(Arc::clone(&servers)))?;
    registry.register(problems::kind())?;
    registry.register(published::kind())?;
    registry.register(published::demonstrations())?;
    registry.register(published::joined())?;
    registry.register(file::kind(setup.workspace.clone()))?;
    registry.register(pretrain::kind())?;
    registry.register(train::kind())?;
    registry.register(policy::grpo(Arc::clone(&setup.judging)))?;
    registry.register(policy::rlt())?;
    registry.register(traces::kind(Arc::clone(&servers)))?;
    registry.register(score::kind(Arc::clone(&servers)))?;
    registry.register(answers::kind(Arc::clone(&servers)))?;
    registry.register(weights::kind())?;
    registry.register(judge::answers(Arc::clone(&setup.judging)))?;
    registry.register(judge::generations(Arc::clone(&setup.judging)))?;
    registry.register(diagnostics::kind())?;
    registry.register(generate::kind(setup.workspace.clone(), servers))?;
    registry.register(table::kind(setup.workspace.clone()))?;
    Ok(registry)
}
