//! Recipes, pipelines, scales and lockfiles: from files to a checked [`Graph`](graph::Graph).
//!
//! Nothing here knows of runs: keys, plans and scheduling are in [`engine`](crate::engine).

pub(crate) mod diagnostic;
mod expand;
pub(crate) mod graph;
pub(crate) mod load;
mod locate;
pub(crate) mod lock;
pub(crate) mod recipe;
pub(crate) mod scale;
mod steps;
mod structure;
mod syntax;
pub(crate) mod workspace;
