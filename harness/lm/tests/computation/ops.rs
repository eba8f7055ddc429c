//! The fused operations against the composed ones, and both against finite differences.

use crate::support::{assert_close, bits, rng, tensor, uniform, values, with_threads};
use assay_lm::Kernels::{self, Cpu, Reference};
use assay_lm::ops::{self, RotaryTable};
use candle_core::{DType, Result, Tensor, Var};
use proptest::prelude::*;

/// An operation on float tensors.
type Op<'a> = &'a (dyn Fn(Kernels, &[Tensor]) -> Result<Tensor> + Sync);

/// The value of an operation, and the gradient of `Σ value · weights` for each input.
fn run(op: Op<'_>, kernels: Kernels, inputs: &[Tensor], weights: &Tensor) -> (Tensor, Vec<Tensor>) {
    let vars: Vec<Var> = inputs.iter().map(|input| Var::from_tensor(input).unwrap()).collect();
    let tensors: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
    let value = op(kernels, &tensors).unwrap();
    let loss = (&value * weights.to_dtype(value.dtype()).unwrap()).unwrap().sum_all().unwrap();
    let grads = loss.backward().unwrap();
    (value.detach(), vars.iter().map(|var| grads.get(var).unwrap().detach()).collect())
}

/// `Σ op(inputs) · weights`, summed in `f64`.
fn objective(op: Op<'_>, kernels: Kernels, inputs: &[Tensor], weights: &Tensor) -> f64 {
    values(&op(kernels, inputs).unwrap())
        .iter()
        .zip(values(weights))
        .map(|(value, weight)| value * weight)
        .sum()
}

/// Compares the slope of the objective along a random direction of each input with its gradient.
fn check_slopes(
    op: Op<'_>,
    kernels: Kernels,
    inputs: &[Tensor],
    weights: &Tensor,
    seed: u64,
    step: f64,
    tolerance: f64,
) {
    let (_, grads) = run(op, kernels, inputs, weights);
    for (index, grad) in grads.iter().enumerate() {
        let direction =
            tensor(&mut rng(seed + index as u64), inputs[index].shape()).to_dtype(grad.dtype()).unwrap();
        let at = |step: f64| {
            let mut moved = inputs.to_vec();
            moved[index] = (&inputs[index] + (&direction * step).unwrap()).unwrap();
            objective(op, kernels, &moved, weights)
        };
        let slope = (at(step) - at(-step)) / (2.0 * step);
        let expected: f64 = values(grad).iter().zip(values(&direction)).map(|(g, d)| g * d).sum();
        let scale = values(grad).iter().map(|g| g * g).sum::<f64>().sqrt().max(1e-2);
        assert!(
            (slope - expected).abs() <= tolerance * scale,
            "{kernels:?} input {index}: slope {slope}, gradient {expected} (norm {scale})"
        );
    }
}

/// All that is asked of an operation: both back ends agree in value and gradients, both gradients are slopes,
/// and the fused one has the same bits in pools of one, two and three threads.
fn check(op: Op<'_>, inputs: &[Tensor], seed: u64) {
    let value = op(Reference, inputs).unwrap();
    let weights = tensor(&mut rng(seed ^ 0x5eed), value.shape());
    let (expected, expected_grads) = run(op, Reference, inputs, &weights);
    let (actual, actual_grads) = with_threads(1, || run(op, Cpu, inputs, &weights));
    assert_close(&actual, &expected, 2e-6, "value");
    for (index, (actual, expected)) in actual_grads.iter().zip(&expected_grads).enumerate() {
        assert_close(actual, expected, 5e-6, &format!("gradient of input {index}"));
    }

    let wide: Vec<Tensor> = inputs.iter().map(|input| input.to_dtype(DType::F64).unwrap()).collect();
    check_slopes(op, Reference, &wide, &weights, seed, 1e-5, 1e-6);
    check_slopes(op, Cpu, inputs, &weights, seed, 1e-2, 5e-3);

    for threads in [2, 3] {
        let (value, grads) = with_threads(threads, || run(op, Cpu, inputs, &weights));
        assert_eq!(bits(&value), bits(&actual), "value with {threads} threads");
        for (index, (grad, expected)) in grads.iter().zip(&actual_grads).enumerate() {
            assert_eq!(bits(grad), bits(expected), "gradient of input {index} with {threads} threads");
        }
    }
}

fn offsets(lengths: &[usize]) -> Vec<usize> {
    let mut offsets = vec![0];
    offsets.extend(lengths.iter().scan(0, |end, length| {
        *end += length;
        Some(*end)
    }));
    offsets
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn linear(rows in 1usize..40, width in 1usize..70, depth in 1usize..70, bias: bool, seed: u64) {
        let mut rng = rng(seed);
        let mut inputs = vec![tensor(&mut rng, (rows, depth)), tensor(&mut rng, (width, depth))];
        if bias {
            inputs.push(tensor(&mut rng, width));
        }
        check(&|kernels, x| ops::linear(kernels, &x[0], &x[1], x.get(2)), &inputs, seed);
    }

    #[test]
    fn rms_norm(rows in 1usize..50, heads in 1usize..4, width in 1usize..50, seed: u64) {
        let mut rng = rng(seed);
        for shape in [vec![rows, heads, width], vec![rows, heads * width]] {
            let inputs = [tensor(&mut rng, shape), tensor(&mut rng, width)];
            check(&|kernels, x| ops::rms_norm(kernels, &x[0], &x[1], 0.05), &inputs, seed);
        }
    }

    #[test]
    fn rope(rows in 1usize..50, heads in 1usize..4, half in 1usize..20, seed: u64) {
        let mut rng = rng(seed);
        let positions: Vec<u32> = (0..rows).map(|row| (row * 7 % 31) as u32).collect();
        let rotary = RotaryTable::new(2 * half, 500.0, 31).at(&positions).unwrap();
        for shape in [vec![rows, heads, 2 * half], vec![rows, heads * 2 * half]] {
            check(&|kernels, x| ops::rope(kernels, &x[0], &rotary), &[tensor(&mut rng, shape)], seed);
        }
    }

    #[test]
    fn swiglu(rows in 1usize..50, width in 1usize..50, seed: u64) {
        let mut rng = rng(seed);
        let gate = (tensor(&mut rng, (rows, width)) * 6.0).unwrap();
        let inputs = [gate, tensor(&mut rng, (rows, width))];
        check(&|kernels, x| ops::swiglu(kernels, &x[0], &x[1]), &inputs, seed);
    }

    #[test]
    fn linear_add(rows in 1usize..40, width in 1usize..70, depth in 1usize..70, seed: u64) {
        let mut rng = rng(seed);
        let residual = tensor(&mut rng, (rows, width));
        let inputs = [residual, tensor(&mut rng, (rows, depth)), tensor(&mut rng, (width, depth))];
        check(&|kernels, x| ops::linear_add(kernels, &x[0], &x[1], &x[2]), &inputs, seed);
    }

    #[test]
    fn gated(rows in 1usize..40, width in 1usize..70, depth in 1usize..40, seed: u64) {
        let mut rng = rng(seed);
        let weight = |rng: &mut _| tensor(rng, (width, depth));
        let inputs = [tensor(&mut rng, (rows, depth)), weight(&mut rng), weight(&mut rng)];
        check(&|kernels, x| ops::gated(kernels, &x[0], &x[1], &x[2]), &inputs, seed);
    }

    #[test]
    fn attention(
        lengths in prop::collection::vec(prop_oneof![Just(1usize), 2usize..12, 60usize..80], 1..5),
        kv_heads in 1usize..3,
        group in 1usize..4,
        half in 1usize..9,
        seed: u64,
    ) {
        let mut rng = rng(seed);
        let (rows, dim, offsets) = (lengths.iter().sum::<usize>(), 2 * half, offsets(&lengths));
        let inputs = [
            (tensor(&mut rng, (rows, kv_heads * group * dim)) * 2.0).unwrap(),
            (tensor(&mut rng, (rows, kv_heads * dim)) * 2.0).unwrap(),
            tensor(&mut rng, (rows, kv_heads * dim)),
        ];
        check(&|kernels, x| ops::attention(kernels, &x[0], &x[1], &x[2], dim, &offsets), &inputs, seed);
    }

    #[test]
    fn token_log_probs(rows in 1usize..50, vocab in 1usize..60, seed: u64) {
        let mut rng = rng(seed);
        let targets: Vec<u32> = uniform(&mut rng, rows).iter().map(|x| ((x + 1.0) * 0.49 * vocab as f32) as u32).collect();
        let logits = (tensor(&mut rng, (rows, vocab)) * 5.0).unwrap();
        check(&|kernels, x| ops::token_log_probs(kernels, &x[0], &targets), &[logits], seed);
    }

    #[test]
    fn head_log_probs(rows in 1usize..30, count in 1usize..60, vocab in 2usize..60, width in 1usize..30, seed: u64) {
        let mut rng = rng(seed);
        let pick = |limit: usize, x: f32| ((x + 1.0) * 0.49 * limit as f32) as usize;
        let targets: Vec<(usize, u32)> = (0..count)
            .map(|_| uniform(&mut rng, 2))
            .map(|pair| (pick(rows, pair[0]), pick(vocab, pair[1]) as u32))
            .collect();
        let inputs = [tensor(&mut rng, (rows, width)), tensor(&mut rng, (vocab, width))];
        check(&|kernels, x| ops::head_log_probs(kernels, &x[0], &x[1], &targets), &inputs, seed);
    }

    /// The promise that sampling and scoring stand on.
    #[test]
    fn a_row_of_linear_depends_on_no_other_row(
        rows in 1usize..90,
        width in 2usize..150,
        depth in prop_oneof![3usize..100, 500usize..1100],
        seed: u64,
    ) {
        let mut rng = rng(seed);
        let (x, weight) = (tensor(&mut rng, (rows, depth)), tensor(&mut rng, (width, depth)));
        let all = bits(&ops::linear(Cpu, &x, &weight, None).unwrap());
        for (start, count) in [(0, 1), (rows / 2, 1), (0, rows / 2 + 1), (rows / 3, rows - rows / 3)] {
            let part = x.narrow(0, start, count).unwrap();
            let part = bits(&ops::linear(Cpu, &part, &weight, None).unwrap());
            prop_assert_eq!(&part, &all[start * width..][..count * width], "rows {}..{}", start, start + count);
        }
    }
}

#[test]
fn blocks_of_rows_are_summed_in_a_fixed_order() {
    // Large enough that every operation works in several blocks and `gemm` on several threads.
    let mut rng = rng(3);
    let x = tensor(&mut rng, (1200, 96));
    let (weight, bias) = (tensor(&mut rng, (128, 96)), tensor(&mut rng, 128));
    let ops: [(&str, Op<'_>, Vec<Tensor>); 4] = [
        ("linear", &|b, x| ops::linear(b, &x[0], &x[1], Some(&x[2])), vec![x.clone(), weight.clone(), bias]),
        ("rms-norm", &|b, x| ops::rms_norm(b, &x[0], &x[1], 1e-6), vec![x.clone(), tensor(&mut rng, 96)]),
        ("swiglu", &|b, x| ops::swiglu(b, &x[0], &x[1]), vec![x.clone(), tensor(&mut rng, (1200, 96))]),
        (
            "head",
            &|b, x| {
                ops::head_log_probs(
                    b,
                    &x[0],
                    &x[1],
                    &(0..1200).map(|i| (i, i as u32 % 128)).collect::<Vec<_>>(),
                )
            },
            vec![x, weight],
        ),
    ];
    for (name, op, inputs) in ops {
        let weights = tensor(&mut rng, op(Cpu, &inputs).unwrap().shape());
        let (value, grads) = with_threads(1, || run(op, Cpu, &inputs, &weights));
        for threads in [2, 3] {
            let (other, other_grads) = with_threads(threads, || run(op, Cpu, &inputs, &weights));
            assert_eq!(bits(&other), bits(&value), "{name} with {threads} threads");
            for (index, (other, grad)) in other_grads.iter().zip(&grads).enumerate() {
                assert_eq!(bits(other), bits(grad), "{name}, gradient {index}, {threads} threads");
            }
        }
    }
}

#[test]
fn strided_inputs_and_gradients_are_accepted() {
    let mut rng = rng(5);
    let inputs = [tensor(&mut rng, (6, 9)), tensor(&mut rng, (6, 5))];
    // Both arguments are transposes, and the result is transposed again, so that its gradient arrives
    // strided.
    check(&|b, x| ops::linear(b, &x[0].t()?, &x[1].t()?, None)?.t(), &inputs, 5);
}

#[test]
fn misfits_are_errors_not_panics() {
    let mut rng = rng(6);
    let t = |rng: &mut _, shape: &[usize]| tensor(rng, shape);
    let (a, b, c) = (t(&mut rng, &[4, 6]), t(&mut rng, &[5, 7]), t(&mut rng, &[4]));
    let rotary = RotaryTable::new(4, 10.0, 8).at(&[0, 1]).unwrap();
    let heads = t(&mut rng, &[4, 2, 3]);
    let fits = t(&mut rng, &[5, 6]);
    for kernels in [Reference, Cpu] {
        assert!(ops::linear(kernels, &a, &b, None).is_err());
        assert!(ops::linear(kernels, &a, &fits, Some(&c)).is_err());
        assert!(ops::rms_norm(kernels, &a, &c, 1e-6).is_err());
        assert!(ops::swiglu(kernels, &a, &b).is_err());
        assert!(ops::gated(kernels, &a, &fits, &b).is_err());
        assert!(ops::linear_add(kernels, &a, &a, &fits).is_err());
        assert!(ops::rope(kernels, &heads, &rotary).is_err());
        assert!(ops::token_log_probs(kernels, &a, &[0, 1, 2]).is_err());
        assert!(ops::token_log_probs(kernels, &a, &[0, 1, 2, 6]).is_err());
        assert!(ops::head_log_probs(kernels, &a, &fits, &[(4, 0)]).is_err());
        assert!(ops::head_log_probs(kernels, &a, &fits, &[(0, 5)]).is_err());
    }
    for (q, k, head_dim, offsets) in [
        (&a, &a, 3, [0, 3].as_slice()),
        (&a, &a, 3, &[0, 5, 4]),
        (&a, &a, 3, &[1, 4]),
        (&a, &a, 4, &[0, 4]),
        (&a, &a, 0, &[0, 4]),
        (&a, &b, 3, &[0, 4]),
        (&a, &tensor(&mut rng, (4, 12)), 3, &[0, 4]),
    ] {
        assert!(ops::attention(Cpu, q, k, k, head_dim, offsets).is_err(), "{head_dim} {offsets:?}");
    }
    assert!(ops::attention(Cpu, &a, &a, &tensor(&mut rng, (4, 3)), 3, &[0, 4]).is_err());
    assert!(ops::linear(Cpu, &a.to_dtype(DType::F64).unwrap(), &fits, None).is_err());
    assert!(RotaryTable::new(4, 10.0, 8).at(&[8]).is_err());

    // Nothing wide, nothing deep: not worth a result, but no reason to panic.
    let nothing = |shape: [usize; 2]| Tensor::zeros(&shape, DType::F32, a.device()).unwrap();
    assert!(ops::linear(Cpu, &nothing([4, 0]), &nothing([5, 0]), None).is_err());
    assert!(ops::linear(Cpu, &a, &nothing([0, 6]), None).is_err());
    assert!(ops::gated(Cpu, &a, &nothing([0, 6]), &nothing([0, 6])).is_err());
    assert!(ops::token_log_probs(Cpu, &nothing([4, 0]), &[0, 0, 0, 0]).is_err());
    assert!(ops::head_log_probs(Cpu, &a, &nothing([0, 6]), &[]).is_err());
    assert_eq!(ops::linear(Cpu, &nothing([0, 6]), &fits, None).unwrap().dims(), [0, 5]);
    assert_eq!(
        ops::attention(Cpu, &nothing([0, 6]), &nothing([0, 6]), &nothing([0, 6]), 3, &[0]).unwrap().dims(),
        [0, 6]
    );
}
