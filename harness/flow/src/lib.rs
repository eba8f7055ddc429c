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
//! The modules are layers, each of which uses those after it only: `engine` (plans, keys, runs), `language`
//! (recipes and the like), `kind` (what a program implements), `values` (values with their places).
//!
//! This crate knows nothing of what steps compute. It prints nothing and reads no environment; time appears
//! in events only.

mod engine;
mod kind;
mod language;
mod values;

pub use assay_store::ErrorClass;
pub use engine::differences::{changes_since, described};
pub use engine::document::{
    PLAN_FORMAT, PlanDocument, PlannedAbsence, PlannedDownloads, PlannedReplies, PlannedStep,
    PlannedTraining, PlannedWork,
};
pub use engine::error::{FlowError, StepFailure};
pub use engine::event::{EVENT_FORMAT, Event, Observer, Record, RecordError, SavedBy};
pub use engine::execute::{Options, execute, execute_joined};
pub use engine::forecast::{Forecast, Remaining, Timed, timed};
pub use engine::key::{DescribedParams, Description, InputRecord, Param};
pub use engine::outcome::{How, JoinedOutcome, Outcome, Provenance};
pub use engine::plan::{Plan, PlanEntry, State, plan, plan_joined};
pub use engine::reason::Reason;
pub use engine::repeat::repeat;
pub use kind::context::{Artifact, StepContext};
pub use kind::error::StepError;
pub use kind::facts::Facts;
pub use kind::manual::{Manual, ManualInput, ManualParameter};
pub use kind::{Arity, ArtifactType, DuplicateKind, InputSpec, Registry, Resources, StepKind};
pub use language::diagnostic::{Diagnostic, Diagnostics, Note};
pub use language::flat::{Setting, flat, settings};
pub use language::graph::{Expectation, Graph, Step};
pub use language::joined::JoinedGraph;
pub use language::listing::recipes_for;
pub use language::load::{load, load_all};
pub use language::lock::{Lock, LockEntry, LockError, Pinned, UncheckedEntry};
pub use language::recipe::{AbsentRow, Expect, Recipe, RecipeKind};
pub use language::scale::{Scale, is_inside};
pub use language::workspace::{CRITERIA, Workspace};
pub use values::location::Location;
pub use values::params::{Label, NoParams, ParamError, Params};
pub use values::path::{Segment, ValuePath};
pub use values::text::SharedText;
pub use values::value::{Located, Origin, Reference, Table, Value};
