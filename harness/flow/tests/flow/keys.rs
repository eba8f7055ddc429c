//! What is in a key, what is not, and that keys stay what they are.
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
    /// The step connected to it.
    step: &'static str,
    /// Whether it runs once per seed.
    step_each: bool,
    /// The bytes of its output.
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
    step_each: false,
    text: "output",
    fact: "avx2",
};

const INPUTS: &[InputSpec] = &[
    InputSpec::optional("of", ANY),
    InputSpec::optional("off", ANY),
    InputSpec::optional("read", ANY).labelled(),
];

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
    let step_each = if case.step_each { "each = 'seed'" } else { "" };
    project.write(
        "recipes/pipeline/p.toml",
        &format!(
            "[steps.{step}]\nkind = 'text'\n{step_each}\n\
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
        ("version", Case { version: 2, ..BASE }),
        ("no seed", Case { each: "", ..BASE }),
        ("seed", Case { seed: 2, ..BASE }),
        ("value", Case { params: "a = 2, b = [1, 'x'], c = { d = 0.5, e = true }", ..BASE }),
        ("float for an integer", Case { params: "a = 1.0, b = [1, 'x'], c = { d = 0.5, e = true }", ..BASE }),
        (
            "last bit of a float",
            Case { params: "a = 1, b = [1, 'x'], c = { d = 0.5000000000000001, e = true }", ..BASE },
        ),
        ("string for a number", Case { params: "a = '1', b = [1, 'x'], c = { d = 0.5, e = true }", ..BASE }),
        ("order of a list", Case { params: "a = 1, b = ['x', 1], c = { d = 0.5, e = true }", ..BASE }),
        ("nesting", Case { params: "a = 1, b = [1, 'x'], c = { d = 0.5 }, e = true", ..BASE }),
        ("empty list", Case { params: "a = 1, b = [], c = { d = 0.5, e = true }", ..BASE }),
        ("empty table", Case { params: "a = 1, b = {}, c = { d = 0.5, e = true }", ..BASE }),
        ("name of the input", Case { input: "off", ..BASE }),
        ("labelled input", Case { input: "read", ..BASE }),
        ("name in a label", Case { input: "read", step: "earlier", ..BASE }),
        ("seed in a label", Case { input: "read", step_each: true, ..BASE }),
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

#[test]
fn names_and_seeds_of_inputs_are_not_in_the_key_where_the_kind_does_not_read_them() {
    assert_eq!(key(&Case { step: "earlier", ..BASE }), key(&BASE));
    assert_eq!(key(&Case { step_each: true, ..BASE }), key(&BASE));
}

/// If this fails, every user's cache is worthless: change the key's domain, and this hash, on purpose only.
#[test]
fn keys_stay_what_they_are() {
    assert_eq!(key(&BASE).to_string(), "9a48b2ffcc2301321905a7630d5468dad9ce772af5c6fe3f252338d760cda1e9");
}
