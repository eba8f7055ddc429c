//! Models that others have released, as model folders.

use assay_flow::InputSpec;

use super::kind::{FILE, Kind, MODEL, Nothing, lm};

/// `gguf-model`: the model of a GGUF file, with each of its weights as the `f32` that it stands for.
///
/// Holds the weights.
pub(crate) fn gguf() -> Kind<Nothing> {
    let about = "A model of llama.cpp's format as a model folder, its weights dequantised";
    Kind::new("gguf-model", 1, MODEL, about, |_: &Nothing, context| {
        let model = assay_lm::gguf::read(&context.input("file")?.path).map_err(lm)?;
        model.save(context.output()).map_err(lm)
    })
    .inputs(const { &[InputSpec::one("file", FILE)] })
}
