//! One loop body, compiled for the vector units of the machine.
//!
//! The kernels of this folder are plain loops over fixed-size arrays that the compiler turns into vector
//! code. [`run`] compiles such a body twice on x86-64, with and without AVX2 and FMA, and picks at run time.
//! Every sum of a kernel has one order whatever the vector width, so all machines with fused multiply-add
//! give the same bits.

/// A kernel: its arguments are its fields.
///
/// `run` must be `#[inline(always)]`, so that it is compiled anew for each instruction set; for the same
/// reason it must not hand closures to other threads.
pub(crate) trait Kernel {
    /// What the kernel returns.
    type Output;
    /// The loop body; `FMA` says that fused multiply-add is a machine instruction.
    fn run<const FMA: bool>(self) -> Self::Output;
}

/// Runs a kernel with the best instructions of this machine.
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            #[expect(
                unsafe_code,
                reason = "calling a function compiled for instructions found at run time"
            )]
            // SAFETY: both features that `run_avx2` enables were just detected.
            return unsafe { run_avx2(kernel) };
        }
        kernel.run::<false>()
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        kernel.run::<{ cfg!(target_arch = "aarch64") }>()
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<true>()
}

/// `a * b + c`, fused where the machine can.
#[inline(always)]
pub(crate) fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// `e^x` for `x <= 0`, relative error below 3e-7; below about -87 the result is 0.
///
/// Range reduction to `2^n * e^r` with `|r| <= ln(2)/2` and the degree-6 polynomial of the Cephes library's
/// `expf`.
#[inline(always)]
pub(crate) fn exp_nonpositive<const FMA: bool>(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to the nearest integer
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = if x < -87.0 { -87.0 } else { x };
    let shifted = multiply_add::<FMA>(clamped, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = multiply_add::<FMA>(n, -LN2_HIGH, clamped);
    let r = multiply_add::<FMA>(n, -LN2_LOW, r);
    let mut p = 1.987_569_1e-4;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = multiply_add::<FMA>(p, r, c);
    }
    let e = multiply_add::<FMA>(p, r * r, r + 1.0);
    // The low mantissa bits of `shifted` hold n in two's complement; moved to the exponent they are 2^n.
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    if x < -87.0 { 0.0 } else { e * scale }
}
