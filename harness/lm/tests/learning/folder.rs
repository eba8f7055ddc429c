//! Tokenizers and model folders.

use crate::models::{lively, shape};
use assay_lm::{
    Config, Family, Kernels, LmError, Model, Placement, Sequences, Tokenizer, character_tokenizer,
};
use camino::Utf8Path;

const SPECIALS: [&str; 4] = ["<pad>", "<bos>", "<think>", "</think>"];
const CHARACTERS: &str = "0123456789+-=?\n|é";

fn tokenizer() -> Tokenizer {
    Tokenizer::from_json(character_tokenizer(&SPECIALS, CHARACTERS).unwrap()).unwrap()
}

#[test]
fn each_special_token_and_character_is_one_id() {
    let tokenizer = tokenizer();
    assert_eq!(tokenizer.vocabulary_size(), 21);
    let digit = |d: u32| 4 + d;
    let ids = [1, digit(1), digit(2), 14, digit(3), digit(0), 15, digit(7), 17, 2];
    assert_eq!(tokenizer.encode("<bos>12+30-7?<think>").unwrap(), ids);
    assert_eq!(tokenizer.id("</think>").unwrap(), 3);
    assert_eq!(tokenizer.id("|").unwrap(), 19);
    for text in ["", "<bos>12+30-7?<think>", "1\n2", "<pad><pad>", "00|é=?", "<think></think>"] {
        let ids = tokenizer.encode(text).unwrap();
        assert_eq!(tokenizer.decode(&ids).unwrap(), text);
    }
}

#[test]
fn what_the_vocabulary_lacks_is_an_error_that_names_it() {
    let tokenizer = tokenizer();
    for (text, character, offset) in [("1 + 2", ' ', 1), ("é<bos>x", 'x', 7), ("<bos", '<', 0)] {
        match tokenizer.encode(text) {
            Err(LmError::UnknownCharacter { character: c, offset: o }) => {
                assert_eq!((c, o), (character, offset));
            }
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(tokenizer.id("<eos>"), Err(LmError::UnknownToken { .. })));
    assert!(matches!(tokenizer.decode(&[0, 21]), Err(LmError::UnknownId { id: 21, vocabulary: 21 })));
    assert!(matches!(character_tokenizer(&SPECIALS, "11"), Err(LmError::RepeatedToken { .. })));
    assert!(matches!(Tokenizer::from_json("{}"), Err(LmError::Tokenizer { .. })));
}

#[test]
fn a_vocabulary_always_gives_the_same_file() {
    let json = character_tokenizer(&["<a>"], "\"\\b").unwrap();
    let hash = blake3::hash(json.as_bytes()).to_hex();
    assert_eq!(&hash[..16], "46d161176e8176e3");
    assert!(json.contains(r#""\"": 1"#), "{json}");
}

#[test]
fn a_model_folder_round_trips_byte_for_byte() {
    let temp = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(temp.path()).unwrap();
    for family in [Family::Llama, Family::Qwen2, Family::Qwen3] {
        let decoder = lively(&shape(family, 24), 1, Kernels::Cpu).unwrap();
        let model = Model::new(decoder, tokenizer()).unwrap();
        let (first, second) = (dir.join(format!("{family:?}-1")), dir.join(format!("{family:?}-2")));
        model.save(&first).unwrap();
        let loaded = Model::load(&first, &Placement::cpu(Kernels::Reference)).unwrap();
        loaded.save(&second).unwrap();
        let mut names: Vec<_> = std::fs::read_dir(&first).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["config.json", "model.safetensors", "tokenizer.json"]);
        for name in names {
            let name = name.to_str().unwrap();
            assert!(std::fs::read(first.join(name)).unwrap() == std::fs::read(second.join(name)).unwrap());
        }
        let batch = Sequences::from_slices([loaded.tokenizer.encode("<bos>1+2=").unwrap()]).unwrap();
        let logits = |m: &Model| {
            let hidden = m.decoder.hidden(&batch).unwrap();
            m.decoder.logits(&hidden).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let differences = logits(&model).into_iter().zip(logits(&loaded)).map(|(a, b)| (a - b).abs());
        assert!(differences.fold(0.0, f32::max) < 1e-4);
    }
}

#[test]
fn end_of_sequence_tokens_of_a_generation_config_outlive_training() {
    let temp = tempfile::tempdir().unwrap();
    let (base, tuned) = (temp.path().join("base"), temp.path().join("tuned"));
    let (base, tuned) = (Utf8Path::from_path(&base).unwrap(), Utf8Path::from_path(&tuned).unwrap());
    let shape = Config { eos_token_ids: vec![2], ..shape(Family::Qwen3, 24) };
    let decoder = lively(&shape, 1, Kernels::Cpu).unwrap();
    Model::new(decoder, tokenizer()).unwrap().save(base).unwrap();
    std::fs::write(base.join("generation_config.json"), r#"{ "eos_token_id": [3, 2], "top_k": 20 }"#)
        .unwrap();
    // Training takes a model apart and makes a new one of its parts.
    let Model { decoder, tokenizer } = Model::load(base, &Placement::cpu(Kernels::Cpu)).unwrap();
    Model::new(decoder, tokenizer).unwrap().save(tuned).unwrap();
    let loaded = Model::load(tuned, &Placement::cpu(Kernels::Cpu)).unwrap();
    assert_eq!(loaded.decoder.config().eos_token_ids, [2, 3]);

    std::fs::write(base.join("generation_config.json"), r#"{ "eos_token_id": 24 }"#).unwrap();
    let error = Model::load(base, &Placement::cpu(Kernels::Cpu)).unwrap_err();
    assert!(matches!(error, LmError::GenerationConfig { .. }), "{error}");
    assert!(error.to_string().contains("24, outside a vocabulary of 24"), "{error}");
}

#[test]
fn weights_may_lie_in_several_files() {
    let temp = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(temp.path()).unwrap();
    let decoder = lively(&shape(Family::Llama, 24), 1, Kernels::Cpu).unwrap();
    let model = Model::new(decoder, tokenizer()).unwrap();
    model.save(dir).unwrap();
    std::fs::remove_file(dir.join("model.safetensors")).unwrap();

    let tensors = model.decoder.tensors();
    let middle = tensors.keys().nth(9).unwrap().clone();
    let mut map = std::collections::BTreeMap::new();
    for (file, part) in
        [("a.safetensors", tensors.range(..middle.clone())), ("b.safetensors", tensors.range(middle..))]
    {
        map.extend(part.clone().map(|(name, _)| (name.clone(), file)));
        std::fs::write(dir.join(file), assay_lm::weights::to_safetensors(part).unwrap()).unwrap();
    }
    let index = serde_json::json!({ "metadata": {}, "weight_map": map });
    std::fs::write(dir.join("model.safetensors.index.json"), index.to_string()).unwrap();
    let loaded = Model::load(dir, &Placement::cpu(Kernels::Cpu)).unwrap();
    assert!(loaded.decoder.to_safetensors().unwrap() == model.decoder.to_safetensors().unwrap());

    std::fs::write(dir.join("model.safetensors.index.json"), "[").unwrap();
    assert!(matches!(Model::load(dir, &Placement::cpu(Kernels::Cpu)), Err(LmError::WeightIndex { .. })));
}

#[test]
fn a_tokenizer_with_more_ids_than_the_model_is_refused() {
    let decoder = lively(&shape(Family::Qwen3, 20), 1, Kernels::Cpu).unwrap();
    let error = Model::new(decoder, tokenizer()).unwrap_err();
    assert!(matches!(error, LmError::Vocabulary { tokens: 21, vocab_size: 20 }), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let dir = Utf8Path::from_path(temp.path()).unwrap();
    let error = Model::load(dir, &Placement::cpu(Kernels::Cpu)).unwrap_err();
    assert!(error.to_string().contains("config.json"), "{error}");
}
