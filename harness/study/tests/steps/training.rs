//! Training that was interrupted.

use std::sync::atomic::{AtomicU32, Ordering};

use assay_data::embedded::vocabulary;
use assay_lm::{Characters, Kernels, Model, Placement, Shape};
use camino::Utf8PathBuf;
use serde_json::json;

use crate::given::Project;

const TRAIN: &str = "[steps.end]\nkind = 'train'\ninputs = { base = 'base-given', rows = 'rows-given' }\n\
    params = { seed = 1, placement = { device = 'cpu', float = 'f32', kernels = 'cpu-kernels' }, training = { \
    learning_rate = 1e-3, betas = [0.9, 0.95], epsilon = 1e-8, weight_decay = 0.0, clip = 1.0, warmup = 0.1, \
    batch = 1, epochs = 400, loss = 'dr-sft' } }\n";

pub(crate) fn base() -> Model {
    let shape = Shape {
        hidden_size: 16,
        layers: 1,
        heads: 2,
        key_value_heads: 1,
        head_dim: 8,
        intermediate_size: 32,
        rope_theta: 10_000.0,
        rms_norm_eps: 1e-6,
    };
    let vocabulary = Characters {
        specials: &vocabulary::SPECIALS,
        characters: vocabulary::CHARACTERS,
        begin: vocabulary::BOS,
        end: vocabulary::EOS,
        longest: 64,
    };
    Model::untrained(&shape, &vocabulary, 5, &Placement::cpu(Kernels::Cpu)).unwrap()
}

fn project(test: &str) -> Project {
    let mut project = Project::new(test);
    project.gives("base-given", "model", |context| base().save(context.output()).unwrap());
    let row = json!({ "rows": [{ "weight": 1.0, "segments": [{ "text": "<bos>1+1?", "loss": false }, { "text": "2", "loss": true }] }] });
    project.records("rows-given", "rows", vec![row]);
    project
}

/// The weights files of all checkpoints in the store's folder.
pub(crate) fn checkpoints(project: &Project) -> Vec<Utf8PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![project.root().join(".assay")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let path = entry.unwrap().into_path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.file_name() == Some("training.safetensors") => found.push(path),
                false => {}
            }
        }
    }
    found
}

/// Interrupts a run at its second note of progress.
fn interrupt(project: &Project) {
    let notes = AtomicU32::new(0);
    let (result, _) =
        project.run(TRAIN, |note| note.starts_with("loss") && notes.fetch_add(1, Ordering::Relaxed) > 0);
    assert_eq!(result.unwrap_err().1, "interrupted");
}

#[test]
fn a_damaged_checkpoint_is_told_and_does_not_fail_the_step() {
    let (whole, damaged) = (project("whole"), project("damaged"));
    let (expected, notes) = whole.run(TRAIN, |_| false);
    assert!(!notes.iter().any(|note| note.contains("damaged")), "{notes:?}");

    interrupt(&damaged);
    let files = checkpoints(&damaged);
    assert!(!files.is_empty());
    for file in files {
        let mut bytes = fs_err::read(&file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs_err::write(&file, bytes).unwrap();
    }
    let (result, notes) = damaged.run(TRAIN, |_| false);
    assert_eq!(result.unwrap(), expected.unwrap());
    let first = &notes[0];
    assert!(
        first.contains("the checkpoint is damaged") && first.ends_with("goes on from step 0"),
        "{notes:?}"
    );
    assert!(notes.last().unwrap().ends_with(", after a damaged checkpoint"), "{notes:?}");
}

/// A cutoff is in tokens, the question's included; what it cut is counted beside the weights.
#[test]
fn rows_are_cut_off() {
    let cut =
        |cutoff: u32| TRAIN.replace("loss = ", &format!("cutoff = {cutoff}, loss = ")).replace("400", "1");
    let row = |question: &str| json!({ "rows": [{ "weight": 1.0, "segments": [{ "text": question, "loss": false }, { "text": "22", "loss": true }] }] });
    let mut project = Project::new("cutoff");
    project.gives("base-given", "model", |context| base().save(context.output()).unwrap());
    project.records("rows-given", "rows", vec![row("<bos>1?"), row("<bos>1+1?"), row("<bos>1+1+1?")]);
    for (cutoff, expected) in [
        (9, json!({ "rows": 3, "cut": 0, "left_out": 0 })),
        (6, json!({ "rows": 3, "cut": 2, "left_out": 1 })),
    ] {
        let output = project.run(&cut(cutoff), |_| false).0.unwrap();
        let counted: serde_json::Value = serde_json::from_str(&project.file(&output, "rows.jsonl")).unwrap();
        assert_eq!(counted, expected, "cutoff {cutoff}");
    }
    let (class, message) = project.failure(&cut(3));
    assert!(message.contains("the cutoff leaves nothing of any row to train on"), "{message}");
    assert_eq!(class, assay_flow::ErrorClass::User);
}

/// Without rows there is nothing to train on, whichever loss divides by their number.
#[test]
fn an_empty_artefact_of_rows_is_named() {
    for loss in ["dr-sft", "naive"] {
        let mut project = Project::new(&format!("empty-{loss}"));
        project.gives("base-given", "model", |context| base().save(context.output()).unwrap());
        project.records("rows-given", "rows", vec![]);
        let (class, message) = project.failure(&TRAIN.replace("dr-sft", loss));
        assert!(message.contains("input `rows` has no rows"), "{message}");
        assert_eq!(class, assay_flow::ErrorClass::User);
    }
}
