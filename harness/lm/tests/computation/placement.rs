//! Placements: how they are written, and which of them cannot compute.

use crate::support::config;
use assay_lm::{Decoder, DeviceName, ErrorClass, Family, Float, Kernels, LmError, Placement};
use serde_json::{Value, from_value, json, to_value};

#[test]
fn a_placement_is_three_words() {
    let gpu = Placement { device: DeviceName::Cuda(1), float: Float::Bf16, kernels: Kernels::Reference };
    let written = json!({ "device": "cuda:1", "float": "bf16", "kernels": "reference" });
    assert_eq!(to_value(gpu).unwrap(), written);
    assert_eq!(from_value::<Placement>(written).unwrap(), gpu);
    assert_eq!(gpu.to_string(), "cuda:1/bf16/reference");
    let cpu = json!({ "device": "cpu", "float": "f32", "kernels": "cpu-kernels" });
    assert_eq!(from_value::<Placement>(cpu).unwrap(), Placement::cpu(Kernels::Cpu));
    let half = Placement { float: Float::F16, ..Placement::cpu(Kernels::Reference) };
    assert_eq!(half.to_string(), "cpu/f16/reference");
}

#[test]
fn other_words_are_refused_with_those_that_exist() {
    let refused = |field: &str, value: Value, hint: &str| {
        let mut written = json!({ "device": "cpu", "float": "f32", "kernels": "reference" });
        written[field] = value;
        let error = from_value::<Placement>(written).unwrap_err().to_string();
        assert!(error.contains(hint), "{error}");
    };
    for device in ["gpu", "cuda", "cuda:", "cuda:-1", "cuda:01", "cuda:+1", "CPU", ""] {
        refused("device", json!(device), "cuda:0");
    }
    refused("float", json!("f64"), "bf16");
    refused("kernels", json!("fused"), "cpu-kernels");
    refused("threads", json!(2), "threads");
}

#[test]
fn what_cannot_compute_is_an_error_of_the_user() {
    let cpu = Placement::cpu(Kernels::Cpu);
    let gpu = Placement { device: DeviceName::Cuda(0), ..cpu };
    let elsewhere = Placement { kernels: Kernels::Reference, ..gpu };
    // On another machine it is possible.
    elsewhere.check().unwrap();
    let mut impossible = vec![
        Placement { float: Float::Bf16, ..cpu },
        Placement { float: Float::F16, ..cpu },
        gpu,
        Placement { float: Float::Bf16, ..gpu },
    ];
    impossible.iter().for_each(|placement| assert!(placement.check().is_err(), "{placement}"));
    if !candle_core::utils::cuda_is_available() {
        impossible.push(elsewhere);
    }
    for placement in impossible {
        let error = placement.open().unwrap_err();
        assert!(matches!(error, LmError::Placement { .. }), "{placement}: {error}");
        assert!(error.to_string().contains(&placement.to_string()), "{error}");
        assert_eq!(error.class(), ErrorClass::User);
        assert!(error.remedy().is_some());
        assert!(Decoder::init(&config(Family::Qwen3), 1, &placement).is_err(), "{placement}");
    }
    let half = Placement { float: Float::Bf16, ..Placement::cpu(Kernels::Reference) };
    let decoder = Decoder::init(&config(Family::Qwen3), 1, &half).unwrap();
    assert!(matches!(decoder.with_kernels(Kernels::Cpu), Err(LmError::Placement { .. })));
}

#[test]
fn the_schema_says_what_may_be_written() {
    let schema = schemars::schema_for!(Placement).to_value();
    let definition = |name: &str| &schema["$defs"][name];
    assert_eq!(schema["additionalProperties"], json!(false));
    assert_eq!(schema["required"], json!(["device", "float", "kernels"]));
    let words = |name: &str| -> Vec<Value> {
        definition(name)["oneOf"].as_array().unwrap().iter().map(|form| form["const"].clone()).collect()
    };
    assert_eq!(words("Float"), ["f32", "bf16", "f16"]);
    assert_eq!(words("Kernels"), ["cpu-kernels", "reference"]);
    assert_eq!(definition("DeviceName")["type"], "string");
    assert_eq!(definition("DeviceName")["pattern"], "^(cpu|cuda:(0|[1-9][0-9]*))$");
}
