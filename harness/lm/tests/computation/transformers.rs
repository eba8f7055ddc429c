//! The decoder against Hugging Face's `transformers`, whose logits `tests/fixtures/transformers/make.py` has written down: each
//! family, with plain and with scaled rotary positions.

use std::collections::BTreeMap;

use assay_lm::{Config, Decoder, Kernels, Placement, RopeScaling, Sequences, weights};
use candle_core::{Device, Tensor};
use serde_json::Value;

use crate::support::{assert_close, values};

fn written() -> Value {
    serde_json::from_str(include_str!("../../../../tests/fixtures/transformers/logits.json")).unwrap()
}

/// The values of `make.py`, which follow from the place of a tensor among the sorted names, and from the place in it.
fn waves(config: &Config) -> BTreeMap<String, Tensor> {
    let fill = |(place, (name, tensor)): (usize, (String, Tensor))| {
        let value = |at: usize| {
            let wave = (0.37 * (at as f64).powf(1.1) + place as f64).sin();
            (if name.contains("norm") { 1.0 + 0.2 * wave } else { 0.3 * wave }) as f32
        };
        let filled = (0..tensor.elem_count()).map(value).collect();
        let filled = Tensor::from_vec(filled, tensor.shape(), &Device::Cpu).unwrap();
        (name, filled)
    };
    weights::initial(config, 0).unwrap().into_iter().enumerate().map(fill).collect()
}

fn numbers<T: serde::de::DeserializeOwned>(value: &Value) -> Vec<T> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn logits_are_those_of_transformers() {
    let written = written();
    let tokens: Vec<u32> = numbers(&written["tokens"]);
    let shown: Vec<u32> = numbers(&written["shown"]);
    let shown = Tensor::new(shown, &Device::Cpu).unwrap();
    let batch = Sequences::from_slices([tokens]).unwrap();
    let models = written["models"].as_array().unwrap();
    assert_eq!(models.len(), 9);
    for model in models {
        let name = model["name"].as_str().unwrap();
        let config = Config::from_json(&model["config"].to_string()).unwrap();
        assert_eq!(
            config.rope_scaling.is_some(),
            name.contains("yarn") || name.contains("linear") || name.contains("llama3")
        );
        let rows: Vec<Vec<f32>> = numbers(&model["logits"]);
        let expected = Tensor::new(rows, &Device::Cpu).unwrap();
        for kernels in [Kernels::Reference, Kernels::Cpu] {
            let decoder = Decoder::from_tensors(&config, waves(&config), &Placement::cpu(kernels)).unwrap();
            let logits = decoder.logits(&decoder.hidden(&batch).unwrap()).unwrap();
            let logits = logits.index_select(&shown, 0).unwrap();
            assert_close(&logits, &expected, 2e-5, &format!("{name} on {kernels:?}"));
        }
        // A configuration that was written and read again computes the same.
        assert_eq!(Config::from_json(&config.to_json()).unwrap(), config, "{name}");
    }
}

/// Without its scaling, a model is another one: what `transformers` says of a scaled one tells the two apart.
#[test]
fn a_scaling_that_is_left_out_is_seen() {
    let written = written();
    let batch = Sequences::from_slices([numbers::<u32>(&written["tokens"])]).unwrap();
    for model in written["models"].as_array().unwrap() {
        let config = Config::from_json(&model["config"].to_string()).unwrap();
        let Some(scaling) = config.rope_scaling else { continue };
        let logits = |config: &Config| {
            let placement = Placement::cpu(Kernels::Reference);
            let decoder = Decoder::from_tensors(config, waves(config), &placement).unwrap();
            values(&decoder.logits(&decoder.hidden(&batch).unwrap()).unwrap())
        };
        let (scaled, plain) = (logits(&config), logits(&Config { rope_scaling: None, ..config.clone() }));
        let largest = scaled.iter().zip(&plain).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
        assert!(largest > 0.01, "{scaling:?}: {largest}");
    }
}

/// Both spellings of the kind, either place, and the original length of older files.
#[test]
fn scalings_are_read_as_they_are_found() {
    let read = |changes: Value| {
        let mut config = written()["models"][0]["config"].clone();
        config.as_object_mut().unwrap().remove("rope_parameters");
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Config::from_json(&config.to_string()).map(|config| config.rope_scaling)
    };
    let linear = Some(RopeScaling::Linear { factor: 2.0 });
    for changes in [
        serde_json::json!({ "rope_scaling": { "type": "linear", "factor": 2.0 } }),
        serde_json::json!({ "rope_scaling": { "type": "linear", "rope_type": "linear", "factor": 2 } }),
        serde_json::json!({ "rope_parameters": { "rope_type": "linear", "factor": 2.0, "rope_theta": 1e4 } }),
    ] {
        assert_eq!(read(changes.clone()).unwrap(), linear, "{changes}");
    }
    // Without an original length, it is the model's own.
    let yarn = read(serde_json::json!({ "rope_scaling": { "type": "yarn", "factor": 4.0 } })).unwrap();
    assert!(matches!(yarn, Some(RopeScaling::Yarn { original_length: 32, .. })), "{yarn:?}");
}
