//! What the numbers of this crate depend on.

/// The version of the numbers of this crate.
///
/// Raise it whenever the same model, placement, instruction set and request may give other tokens, weights or
/// log-probabilities than before, be it in the last bit: another order of floating-point operations, another
/// random stream, another rule for stop strings or tokenisation. What was stored under the old number is then
/// computed again. Leave it when results stay the same bit for bit.
pub const VERSION: u32 = 1;

/// The instruction set that floating-point work runs on here: the widest vectors that the matrix kernels use.
/// Results are the same, bit for bit, on the same instruction set only.
#[must_use]
pub fn instruction_set() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "x86-64 avx512f";
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return "x86-64 avx2 fma";
        }
    }
    std::env::consts::ARCH
}
