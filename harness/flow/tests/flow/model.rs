//! Random graphs of pure functions, edited at random, against a model of what a cache by content must do.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;

use crate::support::{Project, Sum, started, sum};

/// Step `i` adds to the values of earlier steps.
#[derive(Clone, Debug)]
struct Node {
    inputs: BTreeSet<usize>,
    add: i64,
    modulo: Option<i64>,
}

/// A change between two runs.
#[derive(Clone, Debug)]
enum Edit {
    /// Another `add` for a step, in the scale.
    Add { step: usize, add: i64 },
    /// Another `modulo` for a step, in the pipeline.
    Modulo { step: usize, modulo: Option<i64> },
    /// One input more or less for a step.
    Toggle { step: usize, input: usize },
    /// Nothing.
    Again,
}

fn node(index: usize) -> impl Strategy<Value = Node> {
    let inputs = prop::collection::btree_set(0..index.max(1), 0..3);
    let modulo = prop::option::weighted(0.6, 1i64..4);
    (inputs, 0i64..4, modulo).prop_map(move |(inputs, add, modulo)| {
        let inputs = if index == 0 { BTreeSet::new() } else { inputs };
        Node { inputs, add, modulo }
    })
}

fn graph() -> impl Strategy<Value = Vec<Node>> {
    (1usize..8).prop_flat_map(|count| (0..count).map(node).collect::<Vec<_>>())
}

fn edit() -> impl Strategy<Value = Edit> {
    let step = 0usize..8;
    prop_oneof![
        4 => (step.clone(), 0i64..4).prop_map(|(step, add)| Edit::Add { step, add }),
        2 => (step.clone(), prop::option::of(1i64..4)).prop_map(|(step, modulo)| Edit::Modulo { step, modulo }),
        2 => (step, 0usize..8).prop_map(|(step, input)| Edit::Toggle { step, input }),
        1 => Just(Edit::Again),
    ]
}

fn apply(nodes: &mut [Node], edit: &Edit) {
    let count = nodes.len();
    match *edit {
        Edit::Add { step, add } => nodes[step % count].add = add,
        Edit::Modulo { step, modulo } => nodes[step % count].modulo = modulo,
        Edit::Toggle { step, input } => {
            let (step, input) = (step % count, input % count);
            if input < step && !nodes[step].inputs.remove(&input) {
                nodes[step].inputs.insert(input);
            }
        }
        Edit::Again => {}
    }
}

/// What a step's result depends on: its parameters, and the values of its inputs in order.
type Key = (i64, Option<i64>, Vec<i64>);

/// Computes the last step's value and the steps that a cache by content has to run.
///
/// Steps with equal keys are interchangeable: one of them runs.
fn expect(nodes: &[Node], cache: &mut BTreeSet<Key>) -> (i64, BTreeMap<String, Key>) {
    let mut needed = BTreeSet::from([nodes.len() - 1]);
    for index in (0..nodes.len()).rev() {
        if needed.contains(&index) {
            needed.extend(&nodes[index].inputs);
        }
    }
    let (mut values, mut fresh) = (BTreeMap::new(), BTreeMap::new());
    for index in needed {
        let Node { inputs, add, modulo } = &nodes[index];
        let inputs: Vec<i64> = inputs.iter().map(|input| values[input]).collect();
        let params = Sum { add: *add, modulo: *modulo };
        values.insert(index, sum(&params, inputs.iter().copied()));
        let key = (*add, *modulo, inputs);
        if !cache.contains(&key) {
            fresh.insert(name(index), key);
        }
    }
    cache.extend(fresh.values().cloned());
    (values[&(nodes.len() - 1)], fresh)
}

fn name(index: usize) -> String {
    format!("s{index}")
}

fn write(project: &Project, nodes: &[Node]) {
    let (mut scale, mut steps) = ("title = 'model'\n".to_owned(), String::new());
    for (index, Node { inputs, add, modulo }) in nodes.iter().enumerate() {
        writeln!(scale, "v{index} = {add}").unwrap();
        let inputs: Vec<String> = inputs.iter().map(|input| name(*input)).collect();
        let modulo = modulo.map(|modulo| format!(", modulo = {modulo}")).unwrap_or_default();
        let kind = if inputs.is_empty() { "number" } else { "sum" };
        write!(steps, "[steps.s{index}]\nkind = '{kind}'\nparams = {{ add = '$v{index}'{modulo} }}\n")
            .unwrap();
        if !inputs.is_empty() {
            writeln!(steps, "inputs = {{ of = {inputs:?} }}").unwrap();
        }
    }
    let recipe = format!("title = 'model'\nkind = 'artifact'\ntarget = '{}'\n", name(nodes.len() - 1));
    project.write("recipes/r.toml", &recipe);
    project.write("recipes/scale/s.toml", &scale);
    project.write("recipes/pipeline/p.toml", &steps);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn runs_what_the_model_runs(mut nodes in graph(), edits in prop::collection::vec(edit(), 0..5)) {
        let project = Project::arithmetic("", "");
        let mut cache = BTreeSet::new();
        for edit in [Edit::Again].iter().chain(&edits) {
            apply(&mut nodes, edit);
            write(&project, &nodes);
            let (value, runs) = expect(&nodes, &mut cache);
            let (result, events) = project.try_run();
            let outcome = result.unwrap();
            let mut wanted: Vec<Key> = runs.values().cloned().collect();
            wanted.sort();
            wanted.dedup();
            let mut ran: Vec<Key> = started(&events).iter().map(|step| runs[step].clone()).collect();
            ran.sort();
            prop_assert_eq!(ran, wanted);
            let bytes = project.store().read(&outcome.output).unwrap();
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), value.to_string());
            prop_assert!(project.plan().is_done());
        }
    }
}
