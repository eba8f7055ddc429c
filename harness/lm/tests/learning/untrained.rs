//! Models with random weights and a tokenizer of characters.

use assay_lm::{Characters, Kernels, LmError, Model, Part, Placement, Shape};

const SHAPE: Shape = Shape {
    hidden_size: 16,
    layers: 1,
    heads: 2,
    key_value_heads: 1,
    head_dim: 8,
    intermediate_size: 32,
    rope_theta: 10_000.0,
    rms_norm_eps: 1e-6,
};

const VOCABULARY: Characters<'_> = Characters {
    specials: &["<pad>", "<in>", "<out>"],
    characters: "ab+",
    begin: "<in>",
    end: "<out>",
    longest: 64,
};

fn model(shape: &Shape, vocabulary: &Characters<'_>, seed: u64) -> assay_lm::Result<Model> {
    Model::untrained(shape, vocabulary, seed, &Placement::cpu(Kernels::Cpu))
}

#[test]
fn the_special_texts_that_begin_and_end_a_text_are_found_by_name() {
    let model = model(&SHAPE, &VOCABULARY, 1).unwrap();
    let config = model.decoder.config();
    assert_eq!((config.vocab_size, config.max_positions), (6, 64));
    assert_eq!((config.bos_token_id, &config.eos_token_ids[..]), (Some(1), &[2][..]));
    let example =
        model.example(&[Part { text: "<in>a", loss: false }, Part { text: "+b<out>", loss: true }]).unwrap();
    assert_eq!((example.tokens, example.supervised), (vec![1, 3, 5, 4, 2], 2..5));
}

#[test]
fn weights_are_a_function_of_the_seed() {
    let text = |seed| {
        let folder = tempfile::tempdir().unwrap();
        let path = camino::Utf8Path::from_path(folder.path()).unwrap().join("model");
        model(&SHAPE, &VOCABULARY, seed).unwrap().save(&path).unwrap();
        std::fs::read(path.join("model.safetensors")).unwrap()
    };
    assert!(text(1) == text(1) && text(1) != text(2));
}

#[test]
fn what_cannot_be_made_is_refused() {
    for (shape, field) in [
        (Shape { layers: 0, ..SHAPE }, "layers"),
        (Shape { hidden_size: usize::MAX, ..SHAPE }, "hidden_size"),
        (Shape { heads: 3, key_value_heads: 2, ..SHAPE }, "num_key_value_heads"),
        (Shape { head_dim: 7, ..SHAPE }, "head_dim"),
        (Shape { rope_theta: f64::INFINITY, ..SHAPE }, "rope_theta"),
    ] {
        let error = shape.check().unwrap_err();
        assert!(matches!(&error, LmError::ConfigValue { field: found, .. } if *found == field), "{error}");
        assert!(model(&shape, &VOCABULARY, 1).is_err());
    }
    let unknown = Characters { end: "<eos>", ..VOCABULARY };
    assert!(matches!(model(&SHAPE, &unknown, 1), Err(LmError::UnknownToken { token }) if token == "<eos>"));
    let twice = Characters { characters: "abb", ..VOCABULARY };
    assert!(matches!(model(&SHAPE, &twice, 1), Err(LmError::RepeatedToken { .. })));
}
