//! What is in a key, and that keys stay what they are.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use assay_flow::{InputSpec, Registry};
use assay_store::Hash;

use crate::support::{ANY, Kind, Project, fs_write};

/// One step with one of everything that a key covers.
struct Case {
    kind: &'static str,
    version: u32,
    each: &'static str,
    seed: u64,
    params: &'static str,
    input: &'static str,
    step: &'static str,
    text: &'static str,
    fact: &'static str,
}

const BASE: Case = Case {
    kind: "one",
    version: 1,
    each: "each = 'seed'",
    seed: 1,
    params: "a = 1, b = [1, 'x'], c = { d = 0.5, e = true }",
    input: "of",
    step: "before",
    text: "output",
    fact: "avx2",
};

const INPUTS: &[InputSpec] =
    &[InputSpec::optional("of", ANY), InputSpec::optional("off", ANY), InputSpec::optional("last", ANY)];

/// The key of the step that the case describes.
fn key(case: &Case) -> Hash {
    let mut project = Project::new();
    let mut registry = Registry::new();
    for name in ["one", "two"] {
        let kind = Kind::new(name, |context| Ok(fs_write(context, "done")?)).inputs(INPUTS);
        registry.register(Kind { version: case.version, fact: Some("isa"), ..kind }).unwrap();
    }
    let text = case.text;
    registry.register(Kind::new("text", move |context| Ok(fs_write(context, text)?))).unwrap();
    registry
        .register(
            Kind::new("end", |c| Ok(fs_write(c, "end")?)).inputs(const { &[InputSpec::many("of", ANY)] }),
        )
        .unwrap();
    project.registry = registry;
    project.facts = BTreeMap::from([("isa".into(), case.fact.into()), ("colour".into(), "red".into())]);
    project.write("recipes/r.toml", "title = 't'\nkind = 'artifact'\ntarget = 'end'\n");
    project.write("recipes/scale/s.toml", &format!("title = 't'\nseeds = [{}]\n", case.seed));
    let Case { kind, each, params, input, step, .. } = case;
    project.write(
        "recipes/pipeline/p.toml",
        &format!(
            "[steps.{step}]\nkind = 'text'\n\
             [steps.it]\nkind = '{kind}'\n{each}\nparams = {{ {params} }}\ninputs = {{ {input} = '{step}' }}\n\
             [steps.end]\nkind = 'end'\ninputs = {{ of = 'it' }}\n"
        ),
    );
    let outcome = project.try_run().0.unwrap();
    outcome.steps.iter().find(|step| step.name == "it").unwrap().key
}

#[test]
fn every_part_of_a_step_is_in_its_key() {
    let cases = [
        ("nothing changed", BASE),
        ("kind", Case { kind: "two", ..BASE }),
        ("code", Case { version: 2, ..BASE }),
        ("no seed", Case { each: "", ..BASE }),
        ("seed", Case { seed: 2, ..BASE }),
        ("value", Case { params: "a = 2, b = [1, 'x'], c = { d = 0.5, e = true }", ..BASE }),
        (
            "float for a whole number",
            Case { params: "a = 1.0, b = [1, 'x'], c = { d = 0.5, e = true }", ..BASE },
        ),
        (
            "last bit of a float",
            Case { params: "a = 1, b = [1, 'x'], c = { d = 0.5000000000000001, e = true }", ..BASE },
        ),
        ("text for a number", Case { params: "a = '1', b = [1, 'x'], c = { d = 0.5, e = true }", ..BASE }),
        ("order of a list", Case { params: "a = 1, b = ['x', 1], c = { d = 0.5, e = true }", ..BASE }),
        ("nesting", Case { params: "a = 1, b = [1, 'x'], c = { d = 0.5 }, e = true", ..BASE }),
        ("empty list", Case { params: "a = 1, b = [], c = { d = 0.5, e = true }", ..BASE }),
        ("empty table", Case { params: "a = 1, b = {}, c = { d = 0.5, e = true }", ..BASE }),
        ("name of the input", Case { input: "off", ..BASE }),
        ("step of the input", Case { step: "earlier", ..BASE }),
        ("bytes of the input", Case { text: "other output", ..BASE }),
        ("fact", Case { fact: "avx512", ..BASE }),
    ];
    let mut met = BTreeMap::new();
    for (name, case) in &cases {
        if let Some(other) = met.insert(key(case), *name) {
            panic!("`{other}` and `{name}` have the same key");
        }
    }
}

/// If this fails, every user's cache is worthless: change the key's domain, and this hash, on purpose only.
#[test]
fn keys_stay_what_they_are() {
    assert_eq!(key(&BASE).to_string(), "f9aa4649d3552c2ccdb2c63db39b95bb99847dc60f8428731f1d837c5033d414");
}
