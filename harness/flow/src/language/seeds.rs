//! `seeds`: what a step that runs once per seed runs for.

use std::collections::BTreeMap;

use crate::language::locate::Fields;
use crate::values::path::ValuePath;
use crate::values::value::Located;

/// The key of the seeds.
pub(crate) const SEEDS: &str = "seeds";

/// A seed with its place.
pub(crate) type PlacedSeed = (u64, Located);

/// Reads the key `seeds`: a list of whole numbers, none of them twice. `None` where there is no such key or it is wrong,
/// which is reported.
pub(crate) fn read_seeds(fields: &mut Fields<'_, '_>) -> Option<Vec<PlacedSeed>> {
    let seeds: Vec<u64> = fields.optional(SEEDS)?;
    let places = fields.raw(SEEDS).and_then(|seeds| seeds.value.as_list()).unwrap_or_default();
    let is_set = |i: usize| places.get(i).is_some_and(|seed| seed.origin.location().is_none());
    let mut met = BTreeMap::new();
    for (i, seed) in seeds.iter().enumerate() {
        let Some(first) = met.insert(seed, i) else { continue };
        // What an argument replaced is to blame, and not what the file has.
        let wrong = if is_set(first) && !is_set(i) { first } else { i };
        let message = format!("seed {seed} is listed twice");
        fields.report(&ValuePath::key(SEEDS).index(wrong), message, None);
    }
    Some(seeds.into_iter().zip(places.iter().cloned()).collect())
}
