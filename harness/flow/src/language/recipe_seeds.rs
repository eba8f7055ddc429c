//! The seeds of a recipe: its own, or the scale's.

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::locate::{Fields, Keys, Part, diagnose};
use crate::language::recipe::Recipe;
use crate::language::references::{Resolver, Seed, Values};
use crate::language::scale::Scale;
use crate::language::seeds::{PlacedSeed, SEEDS, read_seeds};
use crate::values::location::Location;
use crate::values::path::ValuePath;
use crate::values::value::{Located, Table, Value};

/// The seeds that a recipe's rows are trained with.
#[derive(Clone, Debug)]
pub(crate) struct Seeds {
    /// In order.
    pub(crate) list: Vec<PlacedSeed>,
    /// A table that has the recipe's `seeds`, with references replaced. `None` where the recipe leaves them to the scale.
    own: Option<Located>,
}

impl Seeds {
    /// The recipe's own, or else the scale's.
    pub(crate) fn of(recipe: &Recipe, values: Values<'_>, problems: &mut Diagnostics) -> Self {
        let Some(written) = &recipe.seeds else {
            return Self { list: values.scale.seeds.clone(), own: None };
        };
        let mut seeds = written.clone();
        let before = problems.len();
        Resolver::new(values, Seed::None).resolve(&mut seeds, problems);
        let table = Table::from([(SEEDS.to_owned(), seeds)]);
        let own = Located { value: Value::Table(table), ..recipe.root.clone() };
        let fields = (problems.len() == before)
            .then(|| Fields::open(&own, "a recipe", Keys::Also(&[SEEDS]), problems))
            .flatten();
        let list = fields.and_then(|mut fields| read_seeds(&mut fields)).unwrap_or_default();
        Self { list, own: Some(own) }
    }

    /// The first one, or one that stands for any where there is none.
    pub(crate) fn some(&self, scale: &Scale) -> PlacedSeed {
        let stand_in = || (1, Located { value: Value::Int(1), ..scale.root().clone() });
        self.list.first().cloned().unwrap_or_else(stand_in)
    }

    /// That there are none although `step`, which is defined at `at`, runs once for each.
    pub(crate) fn missing(&self, scale: &Scale, step: &str, at: &Location) -> Diagnostic {
        let Some(own) = &self.own else { return scale.without_seeds(step, at) };
        let (message, help) =
            ("`seeds` lists no seed", "write `seeds = [1, 2, 3]`, or leave it to the scale");
        let found = diagnose(own, &ValuePath::key(SEEDS), Part::Value, message.into(), Some(help.into()));
        found.note(at, format!("`{step}` runs once for each seed"))
    }
}
