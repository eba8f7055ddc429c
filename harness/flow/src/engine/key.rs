//! What a step's output depends on: as a key, and as a description that a later plan can compare with.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use assay_store::{Hash, Hasher};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::kind::facts::Facts;
use crate::language::graph::Step;
use crate::values::params::Label;
use crate::values::path::ValuePath;
use crate::values::value::{Located, Origin, Value};

/// Names the list of fields below and its version. A change of either makes every key new.
const DOMAIN: &str = "assay step v2";

/// Everything that a step's key covers, in a form for people and for comparisons.
///
/// It is stored with each finished step. The places of parameters and the ids of input steps are recorded to
/// explain reruns; they are not in the key, so moving a line or renaming a step reruns nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Description {
    /// The key's version.
    pub domain: String,
    /// The step kind's name.
    pub kind: String,
    /// The version of the code that implements it.
    pub version: u32,
    /// The seed of a step that runs once per seed.
    pub seed: Option<u64>,
    /// Parameters by path, each as it could be written in TOML.
    #[schemars(with = "BTreeMap<String, Param>")]
    pub params: DescribedParams,
    /// Inputs in order.
    pub inputs: Vec<InputRecord>,
    /// Facts that change the result.
    pub facts: Facts,
}

/// Parameters by path. They are put together when they are first looked at: a step that is cached is rarely described.
#[derive(Clone)]
pub struct DescribedParams {
    /// What they are read from, where they are a step's and not stored ones.
    root: Option<Arc<Located>>,
    all: OnceLock<BTreeMap<String, Param>>,
}

impl DescribedParams {
    fn of(root: &Arc<Located>) -> Self {
        Self { root: Some(Arc::clone(root)), all: OnceLock::new() }
    }
}

impl Deref for DescribedParams {
    type Target = BTreeMap<String, Param>;

    fn deref(&self) -> &Self::Target {
        self.all.get_or_init(|| {
            let mut params = BTreeMap::new();
            self.root.iter().for_each(|root| flatten(root, &ValuePath::default(), &mut params));
            params
        })
    }
}

impl fmt::Debug for DescribedParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for DescribedParams {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Serialize for DescribedParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DescribedParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { root: None, all: OnceLock::from(BTreeMap::deserialize(deserializer)?) })
    }
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Param {
    /// The value on one line. Different values are written differently.
    pub value: String,
    /// Where it was written. Not in the key.
    pub origin: Origin,
}

/// One connected step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InputRecord {
    /// The input's name.
    pub name: String,
    /// The connected step's instance. Not in the key.
    pub step: String,
    /// The model and seed of the output, if the kind reads them. In the key.
    pub label: Option<Label>,
    /// Its output; `None` while it is not known.
    pub output: Option<Hash>,
}

impl Description {
    /// Describes a step, given the outputs of all steps that are known so far.
    pub(crate) fn of(steps: &[Step], step: &Step, facts: &Facts, outputs: &[Option<Hash>]) -> Self {
        let inputs = step.inputs.iter().flat_map(|input| {
            input.steps.iter().map(|index| InputRecord {
                name: input.name.clone(),
                step: steps[*index].id.clone(),
                label: step.reads_labels(&input.name).then(|| steps[*index].label()),
                output: outputs[*index],
            })
        });
        Self {
            domain: DOMAIN.to_owned(),
            kind: step.kind.name().to_owned(),
            version: step.kind.version(),
            seed: step.seed,
            params: DescribedParams::of(&step.params.root),
            inputs: inputs.collect(),
            facts: facts.clone(),
        }
    }

    /// The key; `None` while an input's output is not known.
    ///
    /// Fields: kind, version, seed, parameters (tables by key, floats by bits, integers apart from floats),
    /// inputs (name, output hash, and the label if the kind reads it, in order), facts.
    pub(crate) fn key(&self, step: &Step) -> Option<Hash> {
        let mut hasher = Hasher::new(DOMAIN);
        hasher.str("kind", &self.kind).u64("version", self.version.into());
        encode_seed(self.seed, &mut hasher);
        encode("params", &step.params.root.value, &mut hasher);
        hasher.list_len("inputs", self.inputs.len());
        for input in &self.inputs {
            hasher.str("name", &input.name).hash("output", &input.output?);
            hasher.list_len("label", usize::from(input.label.is_some()));
            if let Some(label) = &input.label {
                hasher.str("name", &label.name);
                encode_seed(label.seed, &mut hasher);
            }
        }
        hasher.list_len("facts", self.facts.len());
        for (name, value) in &self.facts {
            hasher.str("name", name).str("value", value);
        }
        Some(hasher.finish())
    }

    /// Whether a parameter that both have is written in another place than it was, see
    /// [`Origin::is_elsewhere`].
    pub(crate) fn differs_in_origin(&self, new: &Self) -> bool {
        let mut both = self.params.iter().filter_map(|(path, old)| Some((old, new.params.get(path)?)));
        both.any(|(old, new)| old.origin.is_elsewhere(&new.origin))
    }

    /// The stored form.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// Reads the stored form; `None` if another version wrote it.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|d: &Self| d.domain == DOMAIN)
    }
}

fn encode_seed(seed: Option<u64>, hasher: &mut Hasher) {
    hasher.list_len("seed", usize::from(seed.is_some()));
    seed.iter().for_each(|seed| _ = hasher.u64("", *seed));
}

fn encode(name: &str, value: &Value, hasher: &mut Hasher) {
    match value {
        Value::Bool(value) => _ = hasher.bool(name, *value),
        Value::Int(value) => _ = hasher.i64(name, *value),
        Value::Float(value) => _ = hasher.f64(name, *value),
        Value::Str(value) => _ = hasher.str(name, value),
        Value::List(items) => {
            hasher.list_len(name, items.len());
            items.iter().for_each(|item| encode("", &item.value, hasher));
        }
        Value::Table(table) => {
            // A marker of its own type first: a table is not a list of its values.
            hasher.bytes(name, b"table").list_len("", table.len());
            table.iter().for_each(|(key, item)| encode(key, &item.value, hasher));
        }
    }
}

/// Tables, and lists that hold tables, by their parts; everything else as one string.
fn flatten(located: &Located, path: &ValuePath, params: &mut BTreeMap<String, Param>) {
    match &located.value {
        Value::Table(table) if !table.is_empty() => {
            table.iter().for_each(|(key, item)| flatten(item, &path.clone().then(key), params));
        }
        Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Table(_))) => {
            items.iter().enumerate().for_each(|(i, item)| flatten(item, &path.clone().index(i), params));
        }
        _ if path.is_empty() => {}
        value => {
            let param = Param { value: value.to_string(), origin: located.origin.clone() };
            params.insert(path.to_string(), param);
        }
    }
}
