//! `recipes/pipeline/*.toml`, or the folders and files that a scale names in its place: what all recipes share.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use crate::kind::Registry;
use crate::language::absent::{AbsentModel, read_absent};
use crate::language::arguments::check_arguments;
use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::instance::{sketches, steps_of};
use crate::language::locate::{Fields, Keys};
use crate::language::model::{ModelDefinition, Models, expand_models, read_models};
use crate::language::scale::Scale;
use crate::language::steps::{Definitions, StepDefinition, read_steps};
use crate::language::structure::check_structure;
use crate::language::table::{TableRule, read_table};
use crate::language::template::{Template, Templates, link, read_templates};
use crate::language::workspace::{PIPELINE, Reader};
use crate::values::location::Location;
use crate::values::value::Located;

/// The pipeline as it stands in its files, and the recipe's own steps.
#[derive(Clone, Default)]
pub(crate) struct Written {
    steps: Vec<StepDefinition>,
    templates: Vec<Template>,
    models: Vec<ModelDefinition>,
    absent: Vec<AbsentModel>,
    tables: Vec<TableRule>,
}

/// The checked pipeline.
#[derive(Default)]
pub(crate) struct Pipeline {
    /// All steps, those of models included, by name.
    pub(crate) steps: BTreeMap<String, StepDefinition>,
    pub(crate) templates: Templates,
    pub(crate) models: Models,
    /// Models that it cannot make, each with the reason: their rows are not measured.
    pub(crate) absent: BTreeMap<String, String>,
    /// How recipes of kind `table` are made.
    pub(crate) table: Option<TableRule>,
}

const KNOWN: [&str; 5] = ["steps", "templates", "models", "absent", "table"];

impl Written {
    /// Reads all files of the pipeline: those of its usual folder, or of the folders and files that `scale` names.
    pub(crate) fn read(reader: &mut Reader<'_>, scale: Option<&Scale>, problems: &mut Diagnostics) -> Self {
        let mut written = Self::default();
        let usual = [Utf8PathBuf::from(PIPELINE)];
        let named = scale.map(|scale| scale.pipeline.as_slice()).filter(|parts| !parts.is_empty());
        for (at, part) in named.unwrap_or(&usual).iter().enumerate() {
            match reader.pipeline(part, problems) {
                Ok(files) => {
                    for file in files {
                        if let Some(root) = reader.open(&file, problems) {
                            written.read_file(&root, problems);
                        }
                    }
                }
                Err(diagnostic) => problems.push(match scale.and_then(|scale| scale.pipeline_at(at)) {
                    Some(at) => {
                        diagnostic.at(at).help("name folders that hold the pipeline's files, or single files")
                    }
                    None => diagnostic,
                }),
            }
        }
        written
    }

    fn read_file(&mut self, root: &Located, problems: &mut Diagnostics) {
        let Some(mut fields) = Fields::open(root, "a pipeline file", Keys::Only(&KNOWN), problems) else {
            return;
        };
        if let Some(steps) = fields.raw("steps") {
            self.steps.extend(read_steps(steps, fields.problems()));
        }
        if let Some(templates) = fields.raw("templates") {
            self.templates.extend(read_templates(templates, fields.problems()));
        }
        if let Some(models) = fields.raw("models") {
            self.models.extend(read_models(models, fields.problems()));
        }
        if let Some(absent) = fields.raw("absent") {
            self.absent.extend(read_absent(absent, fields.problems()));
        }
        if let Some(table) = fields.raw("table") {
            self.tables.extend(read_table(table, fields.problems()));
        }
    }

    /// Adds the steps of a recipe.
    pub(crate) fn add(&mut self, steps: &[StepDefinition]) {
        self.steps.extend(steps.iter().cloned());
    }

    /// Puts everything together and checks it, except for what depends on the scale. All of it is checked, also
    /// what the recipe at hand does not need: a pipeline is right or wrong as a whole.
    pub(crate) fn check(self, registry: &Registry, problems: &mut Diagnostics) -> Pipeline {
        let before = problems.len();
        let mut steps = by_name(self.steps, |step| (&step.name, &step.at), "step", problems);
        let mut templates = by_name(self.templates, |t| (&t.name, &t.at), "template", problems);
        let mut tables = self.tables.into_iter();
        let table = tables.next();
        for (second, first) in tables.zip(table.iter().cycle()) {
            let message = "`[table]` is defined twice";
            problems.push(
                Diagnostic::user(message).at(&second.step.at).note(&first.step.at, "first defined here"),
            );
        }
        link(&mut templates, problems);
        if problems.len() > before {
            return Pipeline::default();
        }
        let models = expand_models(&self.models, &templates, problems);
        check_arguments(&models, &templates, problems.len() == before, problems);
        for (model, step) in models.values().filter_map(|model| Some((model, steps.get(&model.name)?))) {
            let message = format!("`{}` names a model and a step", model.name);
            problems.push(
                Diagnostic::user(message)
                    .at(&model.at)
                    .note(&step.at, "the step is here")
                    .help("rename one of them"),
            );
        }
        if problems.len() > before {
            return Pipeline::default();
        }
        let absent = by_name(self.absent, |absent| (&absent.name, &absent.at), "absent model", problems);
        for (model, absent) in models.values().filter_map(|model| Some((model, absent.get(&model.name)?))) {
            let message = format!("model `{}` is said to be absent, and is defined", model.name);
            problems.push(Diagnostic::user(message).at(&absent.at).note(&model.at, "the model is here"));
        }
        for step in models.values().flat_map(|model| steps_of(model, &templates[&model.template])) {
            match steps.get(&step.name) {
                Some(first) => report_twice("step", &step.name, (&step.at, &first.at), problems),
                None => drop(steps.insert(step.name.clone(), step)),
            }
        }
        check_templates(&templates, &steps, registry, problems);
        if problems.len() == before {
            let lookup: Definitions<'_> = steps.iter().map(|(name, step)| (name.as_str(), step)).collect();
            check_structure(steps.values(), &lookup, None, registry, problems);
        }
        let absent = absent.into_iter().map(|(name, absent)| (name, absent.reason)).collect();
        Pipeline { steps, templates, models, absent, table }
    }
}

impl Pipeline {
    /// The templates that neither a model nor another template uses.
    pub(crate) fn alone(&self) -> Vec<Template> {
        let is_used = |template: &Template| {
            let of_model =
                self.models.values().any(|model| self.templates[&model.template].is.contains(&template.name));
            let taken_over =
                |other: &Template| other.name != template.name && other.is.contains(&template.name);
            of_model || self.templates.values().any(taken_over)
        };
        self.templates.values().filter(|template| !is_used(template)).cloned().collect()
    }
}

/// Checks each template as if it were a model, whether one uses it or not. One that other templates take over is
/// checked as a part of these: it may refer to steps that they add.
fn check_templates(
    templates: &Templates,
    steps: &BTreeMap<String, StepDefinition>,
    registry: &Registry,
    problems: &mut Diagnostics,
) {
    let taken_over =
        |name: &String| templates.values().any(|other| other.name != *name && other.is.contains(name));
    for template in templates.values().filter(|template| !taken_over(&template.name)) {
        for sketch in sketches(template, templates, problems) {
            let all = steps.values().chain(&sketch.own).chain(&sketch.others);
            let lookup: Definitions<'_> = all.map(|step| (step.name.as_str(), step)).collect();
            check_structure(&sketch.own, &lookup, Some(template), registry, problems);
        }
    }
}

fn by_name<T>(
    all: Vec<T>,
    name_and_place: impl Fn(&T) -> (&String, &Location),
    what: &str,
    problems: &mut Diagnostics,
) -> BTreeMap<String, T> {
    let mut found: BTreeMap<String, T> = BTreeMap::new();
    for one in all {
        let (name, at) = name_and_place(&one);
        match found.get(name) {
            Some(first) => report_twice(what, name, (at, name_and_place(first).1), problems),
            None => drop(found.insert(name.clone(), one)),
        }
    }
    found
}

/// Reports a name that is defined at two places.
pub(crate) fn report_twice(
    what: &str,
    name: &str,
    (at, first): (&Location, &Location),
    problems: &mut Diagnostics,
) {
    problems.push(
        Diagnostic::user(format!("{what} `{name}` is defined twice"))
            .at(at)
            .note(first, "first defined here")
            .help("all pipeline files and the recipe share one graph; rename one of them"),
    );
}
