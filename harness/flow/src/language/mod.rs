//! Recipes, pipelines, scales and lockfiles: from files to a checked [`Graph`](graph::Graph).
//!
//! Nothing here knows of runs: keys, plans and scheduling are in [`engine`](crate::engine).

mod checked;
pub(crate) mod diagnostic;
mod expand;
pub(crate) mod flat;
pub(crate) mod graph;
mod instance;
pub(crate) mod load;
mod locate;
pub(crate) mod lock;
mod model;
mod pipeline;
mod placeholder;
pub(crate) mod recipe;
mod references;
pub(crate) mod scale;
mod steps;
mod structure;
mod syntax;
mod table;
mod template;
pub(crate) mod workspace;
mod written;
