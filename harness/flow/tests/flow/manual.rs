//! What a step kind says about itself.

use assay_flow::{
    Arity, ArtifactType, Facts, InputSpec, Manual, ParamError, Params, Resources, StepContext, StepError,
    StepKind,
};
use serde_json::{Value, json};

/// A kind with a schema as `schemars` writes it.
struct Documented;

impl StepKind for Documented {
    fn name(&self) -> &'static str {
        "train"
    }

    fn about(&self) -> &'static str {
        "Trains a model"
    }

    fn version(&self) -> u32 {
        3
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const {
            &[
                InputSpec::one("base", ArtifactType("model")).about("what to start from"),
                InputSpec::any("rows", ArtifactType("rows")).labelled(),
            ]
        }
    }

    fn output(&self) -> ArtifactType {
        ArtifactType("model")
    }

    fn parameters(&self) -> Value {
        json!({
            "type": "object",
            "required": ["seed", "training"],
            "properties": {
                "seed": { "type": "integer", "minimum": 0, "description": "The seed\nof the order of [`Row`]s" },
                "limit": { "type": ["integer", "null"] },
                "training": { "$ref": "#/$defs/Training", "description": "How to train, see [`fit`](crate::fit) and [`Loss`]." },
                "source": { "oneOf": [
                    { "type": "object", "required": ["file"], "properties": { "file": { "type": "string" } } },
                    { "type": "string", "const": "embedded" },
                ] },
                "mixture": { "type": "object", "additionalProperties": { "type": "number" } },
                "phases": { "type": "array", "items": { "$ref": "#/$defs/Phase" } },
            },
            "$defs": {
                "Training": {
                    "type": "object",
                    "required": ["rate"],
                    "properties": {
                        "rate": { "type": "number" },
                        "loss": { "anyOf": [{ "$ref": "#/$defs/Loss" }, { "type": "null" }] },
                    },
                },
                "Loss": { "type": "string", "enum": ["naive", "dr-sft"], "description": "Which mean" },
                "Phase": { "type": "object", "properties": { "steps": { "type": "integer" } } },
            },
        })
    }

    fn check(&self, _params: &Params) -> Result<(), ParamError> {
        Ok(())
    }

    fn facts(&self, _params: &Params, _env: &Facts) -> Facts {
        Facts::new()
    }

    fn resources(&self, _params: &Params) -> Resources {
        Resources::default()
    }

    fn run(&self, _context: &StepContext<'_>) -> Result<(), StepError> {
        Ok(())
    }
}

#[test]
fn a_kind_is_described_from_its_declarations_and_its_schema() {
    let manual = Manual::of(&Documented);
    let lines: Vec<String> = manual
        .parameters
        .iter()
        .map(|p| format!("{}{} = {}: {}", p.path, if p.required { "!" } else { "" }, p.takes, p.about))
        .collect();
    assert_eq!(
        lines,
        [
            "limit = integer: ",
            "mixture = table of number: ",
            "phases = list of table: ",
            "phases[].steps = integer: ",
            "seed! = integer: The seed of the order of `Row`s",
            "source = table or \"embedded\": ",
            "source.file! = string: ",
            "training! = table: How to train, see `fit` and `Loss`.",
            "training.loss = \"naive\" or \"dr-sft\": Which mean",
            "training.rate! = number: ",
        ]
    );
    assert_eq!((manual.makes, manual.version), ("model", 3));
    let inputs: Vec<_> =
        manual.inputs.iter().map(|i| (i.name, i.takes, i.number, i.labelled, i.about)).collect();
    assert_eq!(
        inputs,
        [("base", "model", "one", false, "what to start from"), ("rows", "rows", "any number", true, ""),]
    );
    assert_eq!(Documented.inputs()[1].arity, Arity::Any);
}
