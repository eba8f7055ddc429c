//! Recipes, scales, plans, keys, scheduling and the event log.
//!
//! A [`Workspace`] holds recipes, one pipeline of steps that they share, and scales that give the pipeline
//! its sizes. [`load`] reads and checks them into a [`Graph`]: every mistake is a [`Diagnostic`] with its
//! place. [`plan`] says which steps would run and why; [`execute`] starts with that plan and carries it out.
//!
//! What a step does is up to the program: it registers [`StepKind`]s. A step's key covers everything that its
//! output may depend on ([`Description`]), inputs by the hash of their bytes, so a change that leaves an
//! output equal stops there.
//!
//! This crate knows nothing of what steps compute. It prints nothing and reads no environment; time appears
//! in events only.

mod context;
mod de;
mod diagnostic;
mod error;
mod event;
mod execute;
mod expand;
mod graph;
mod key;
mod kind;
mod locate;
mod lock;
mod names;
mod params;
mod path;
mod plan;
mod reason;
mod recipe;
mod scale;
mod schedule;
mod steps;
mod structure;
mod syntax;
mod value;
mod worker;
mod workspace;

pub use context::{Artifact, StepContext};
pub use diagnostic::{Class, Diagnostic, Diagnostics, Location, Note};
pub use error::{FlowError, StepError, StepFailure};
pub use event::{Event, Observer, Record, SavedBy};
pub use execute::{How, Options, Outcome, Provenance, execute};
pub use graph::{Expectation, Graph, Step, load};
pub use key::{Description, InputRecord, Param};
pub use kind::{Arity, Facts, InputSpec, Registry, Resources, StepKind};
pub use lock::{Lock, LockEntry, LockError};
pub use params::{Connected, NoParams, ParamError, Params, StepRef};
pub use path::{Segment, ValuePath};
pub use plan::{Plan, PlanEntry, State, plan};
pub use reason::Reason;
pub use recipe::{Expect, Recipe, RecipeKind};
pub use scale::Scale;
pub use value::{Located, Origin, Reference, Table, Value};
pub use workspace::Workspace;
