//! Recipes, pipelines, scales and lockfiles: from files to a checked [`Graph`](graph::Graph).
//!
//! Nothing here knows of runs: keys, plans and scheduling are in [`engine`](crate::engine).
//!
//! # The language
//!
//! All files are TOML. A file of `recipes/pipeline/` may have these tables, which all recipes share:
//!
//! ```toml
//! [steps.questions]                        # a step: its kind, its inputs, its parameters
//! kind = "items"
//! params = { source = "$questions.source" }
//!
//! [templates.ours]                         # steps of a model, with typed parameters
//! each = "seed"                            # its steps run once for each seed of the scale
//! takes = { chain = "template:posterior-chain", estimator = ["acc", "gml"], training = "table" }
//! use = ["evaluated"]                      # with the steps and the parameters of other templates
//!
//! [templates.ours.steps.final]
//! kind = "train"                           # `@` is the model itself, `{chain}` an argument
//! inputs = { base = "base.final", rows = "@.rows" }
//! params = { seed = "$seed", training = "{training}" }
//!
//! [models."ours-{size}-{estimator}"]       # one model for each value of the axes below
//! template = "ours"
//! chain = "chain-{size}"
//! training = "$final-1k"
//! for = { size = ["s", "m"] }              # names that are no parameters: for the name and for arguments
//! zip = { estimator = ["acc", "gml"] }     # lists that advance together; `cross` combines in all ways
//!
//! [absent]                                 # models that this pipeline cannot make: their rows are not measured
//! ours-large = "not released, and training takes 16 GPUs"
//!
//! [table]                                  # the step that makes a table
//! kind = "table"
//! inputs = { items = "questions" }
//! rows = { verdicts = "@.verdicts" }       # a step of each row's model
//! models = { diagnostics = "@.diagnostics" } # a step of the models that have it, and of their arguments
//! ```
//!
//! The steps of a model `M` are called `M.final` and so on. A parameter of a template takes one of a list of
//! strings, a `"string"`, `"integer"`, `"number"`, `"boolean"`, `"list"` or `"table"`, or the name of a model: one
//! of a template (`"template:tuned"`), or any that has a step (`"step:final"`). In a string, `{name}` is replaced by an argument; a string that is nothing else becomes the
//! argument, whatever its type.
//!
//! `"$path"` is replaced by a value of the scale (`recipes/scale/NAME.toml`), or else of `recipes/shared.toml`,
//! in which references are replaced in turn; `${path}` in a longer string by the value as text; `$seed` by the
//! seed. `$$` stands for a dollar sign. A scale may name other folders of the workspace, or single files, in the place of
//! `recipes/pipeline` (`pipeline = ["recipes/benchmarks", "recipes/released/served.toml"]`): other models of the same names,
//! for the same recipes. It may list the `recipes` that it is for. One that `extends` another scale (`extends = "smoke"`) has
//! its values, each whole, where it has none of the same name at the top of its own.
//!
//! What was fixed before the runs may stand in files of its own: the values of `recipes/criteria/SCALE.toml` are values of
//! that scale, and those of `recipes/criteria/RECIPE.toml` are found as `$RECIPE.path`.
//!
//! A recipe (`recipes/NAME.toml`) has a `title` and a `kind`. One of kind `table` lists `rows`, which name
//! models; whatever else it holds is for the step that makes the table, and `inputs` are inputs of that step in the place of
//! those of `[table]` (`inputs = { items = "HumanEval" }`). One of kind `artifact` names its
//! `target` step, and in `expect` the lock of what comes out. Either may list the `seeds` that its steps run for, as a list
//! or as the `"$path"` of one (`seeds = "$runs.of-17k"`, `seeds = "$table-05.seeds"`); without it they are the scale's. A
//! recipe that makes sense at some scales only lists them in `scales`.

mod absent;
mod alone;
mod arguments;
mod checked;
mod criteria;
pub(crate) mod diagnostic;
mod duplicate;
mod expand;
pub(crate) mod flat;
pub(crate) mod graph;
mod instance;
pub(crate) mod joined;
pub(crate) mod listing;
pub(crate) mod load;
mod locate;
pub(crate) mod lock;
mod model;
mod pipeline;
mod placeholder;
pub(crate) mod recipe;
mod recipe_seeds;
mod references;
pub(crate) mod scale;
mod schema;
mod seeds;
mod sets;
mod steps;
mod structure;
mod syntax;
mod table;
mod template;
pub(crate) mod workspace;
mod written;
