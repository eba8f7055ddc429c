//! What steps of a kind are for, to those who read the provenance of a run.

/// Whether steps of this kind bring questions, as artefacts that [`crate::samples::questions`] reads.
pub fn brings_questions(kind: &str) -> bool {
    ["items", "joined-items", "problems", "published-items"].contains(&kind)
}

/// Whether steps of this kind bring replies to questions, as artefacts that [`crate::samples::replies`] reads.
pub fn brings_replies(kind: &str) -> bool {
    kind == "generate"
}

/// Whether steps of this kind bring a model that others have made.
pub fn brings_a_released_model(kind: &str) -> bool {
    ["gguf-model", "hub-model", "served-model"].contains(&kind)
}

/// Whether steps of this kind train a model. Whose model a `checkpoint` is, its kind does not say.
pub fn trains(kind: &str) -> bool {
    ["grpo", "pretrain", "rlt", "train"].contains(&kind)
}

/// Whether steps of this kind may need the sandbox's images.
pub fn judges(kind: &str) -> bool {
    ["grpo", "judge", "judge-answers"].contains(&kind)
}
