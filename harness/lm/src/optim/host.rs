//! The optimiser's state in buffers, for models in `f32` on the CPU: one pass over memory a step, with the same bits for any
//! number of threads.

use std::cell::RefCell;
use std::collections::BTreeMap;

use candle_core::{CpuStorage, InplaceOp1, Layout, Var};
use rayon::prelude::*;

use super::{AdamWConfig, Rates};
use crate::error::{LmError, Result};

/// Elements per parallel task, and per partial sum of the norm.
const CHUNK: usize = 16 * 1024;

/// The gradients of a step, by the names of their variables: plain buffers that are filled anew each step.
#[derive(Debug, Default)]
pub struct Gradients(BTreeMap<String, Vec<f32>>);

impl Gradients {
    /// Zeros for each variable.
    #[must_use]
    pub fn zeros(vars: &BTreeMap<String, Var>) -> Self {
        Self(vars.iter().map(|(name, var)| (name.clone(), vec![0.0; var.elem_count()])).collect())
    }

    /// Sets all to zero.
    pub fn clear(&mut self) {
        self.0.values_mut().for_each(|g| g.fill(0.0));
    }

    /// Adds to one variable's gradient; values in the variable's element order.
    ///
    /// # Errors
    /// [`LmError::GradientShape`] if the name is unknown or the number of values differs.
    pub fn add(&mut self, name: &str, values: &[f32]) -> Result<()> {
        match self.0.get_mut(name).filter(|g| g.len() == values.len()) {
            Some(gradient) => {
                let parts = gradient.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK));
                parts.for_each(|(g, v)| g.iter_mut().zip(v).for_each(|(g, v)| *g += v));
                Ok(())
            }
            None => Err(LmError::GradientShape { name: name.to_owned() }),
        }
    }

    /// The gradients by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[f32])> {
        self.0.iter().map(|(name, g)| (name.as_str(), g.as_slice()))
    }

    /// The Euclidean norm of all gradients together.
    ///
    /// Squares are summed in double precision in fixed chunks, the chunks in order: the same bits for any
    /// number of threads.
    #[must_use]
    pub fn norm(&self) -> f64 {
        let sums = self.0.values().flat_map(|g| g.par_chunks(CHUNK).map(sum_of_squares).collect::<Vec<_>>());
        sums.sum::<f64>().sqrt()
    }

    /// The variables whose gradient is zero throughout or not finite.
    #[must_use]
    pub fn uncovered(&self) -> Vec<String> {
        let covered = |g: &[f32]| g.iter().any(|v| *v != 0.0) && g.iter().all(|v| v.is_finite());
        self.0.iter().filter(|(_, g)| !covered(g)).map(|(name, _)| name.clone()).collect()
    }
}

/// Summed in eight lanes, so that the additions need not wait for each other.
fn sum_of_squares(values: &[f32]) -> f64 {
    let mut lanes = [0f64; 8];
    for chunk in values.chunks(8) {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(*v) * f64::from(*v);
        }
    }
    lanes.iter().sum()
}

/// The running moments of one variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Mean of the gradients, `m`.
    pub first: Vec<f32>,
    /// Mean of their squares, `v`.
    pub second: Vec<f32>,
}

/// AdamW, see the [module](super). Coefficients are computed in double precision and rounded once to `f32`.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamW {
    config: AdamWConfig,
    step: u64,
    moments: BTreeMap<String, Moments>,
}

impl AdamW {
    /// An optimiser that has made no step.
    #[must_use]
    pub fn new(config: AdamWConfig, vars: &BTreeMap<String, Var>) -> Self {
        let zeros =
            |var: &Var| Moments { first: vec![0.0; var.elem_count()], second: vec![0.0; var.elem_count()] };
        Self { config, step: 0, moments: vars.iter().map(|(name, var)| (name.clone(), zeros(var))).collect() }
    }

    /// An optimiser that goes on after `step` steps with the given moments.
    #[must_use]
    pub fn restore(config: AdamWConfig, step: u64, moments: BTreeMap<String, Moments>) -> Self {
        Self { config, step, moments }
    }

    /// Its constants.
    #[must_use]
    pub fn config(&self) -> AdamWConfig {
        self.config
    }

    /// The number of steps made.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The moments by variable.
    #[must_use]
    pub fn moments(&self) -> &BTreeMap<String, Moments> {
        &self.moments
    }

    /// Makes a step with the gradients times `factor` (see [`clip_factor`]).
    ///
    /// # Errors
    /// [`LmError::GradientShape`] if a variable has no moments or gradient of its size;
    /// [`LmError::Tensor`] if a variable is not contiguous `f32` on the CPU.
    pub fn update(
        &mut self,
        vars: &BTreeMap<String, Var>,
        gradients: &Gradients,
        learning_rate: f64,
        factor: f64,
    ) -> Result<()> {
        self.step += 1;
        for (name, var) in vars {
            let shape_error = || LmError::GradientShape { name: name.clone() };
            let moments = self.moments.get_mut(name).ok_or_else(shape_error)?;
            let gradient = gradients.0.get(name).ok_or_else(shape_error)?;
            let sizes = [gradient.len(), moments.first.len(), moments.second.len()];
            if sizes != [var.elem_count(); 3] {
                return Err(shape_error());
            }
            let rates = self.config.rates(self.step, learning_rate, name, var.rank());
            let factor = factor as f32;
            var.inplace_op1(&Update { moments: RefCell::new(moments), gradient, factor, rates })?;
        }
        Ok(())
    }
}

/// One variable's update, in one pass over its memory.
struct Update<'a> {
    moments: RefCell<&'a mut Moments>,
    gradient: &'a [f32],
    factor: f32,
    rates: Rates,
}

impl InplaceOp1 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            candle_core::bail!("the optimiser updates contiguous f32 variables only");
        };
        let mut moments = self.moments.borrow_mut();
        let Moments { first, second } = &mut **moments;
        let (factor, Rates { keep, b1, b2, rate, inverse_root, eps }) = (self.factor, self.rates);
        let [one_minus_b1, one_minus_b2] = [1.0 - b1, 1.0 - b2].map(|value| value as f32);
        let [keep, b1, b2, rate, inverse_root, eps] =
            [keep, b1, b2, rate, inverse_root, eps].map(|value| value as f32);
        let parts = values[start..end].par_chunks_mut(CHUNK).zip(self.gradient.par_chunks(CHUNK));
        parts.zip(first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK))).for_each(
            |((p, g), (m, v))| {
                for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
                    let g = g * factor;
                    *m = b1 * *m + one_minus_b1 * g;
                    *v = b2 * *v + one_minus_b2 * (g * g);
                    *p = *p * keep - rate * *m / (v.sqrt() * inverse_root + eps);
                }
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::{DecayGroup, clip_factor};
    use super::*;
    use candle_core::Device;

    fn numbers(n: usize, salt: u64) -> Vec<f32> {
        (0..n as u64)
            .map(|i| (((i + 1) * (salt + 3) * 2_654_435_761) >> 7) as f32 % 2000.0 * 1e-3 - 1.0)
            .collect()
    }

    fn vars(shapes: &[(&str, &[usize])]) -> BTreeMap<String, Var> {
        let var = |shape: &[usize], salt| {
            let values = numbers(shape.iter().product(), salt);
            Var::from_vec(values, shape, &Device::Cpu).unwrap()
        };
        shapes.iter().zip(50..).map(|((name, shape), salt)| ((*name).to_owned(), var(shape, salt))).collect()
    }

    fn values(var: &Var) -> Vec<f32> {
        var.flatten_all().unwrap().to_vec1().unwrap()
    }

    const CONFIG: AdamWConfig =
        AdamWConfig { betas: (0.9, 0.99), eps: 1e-8, weight_decay: 0.1, decay: DecayGroup::All };

    /// The update in double precision, element by element, from the formulas in the documentation.
    fn reference(start: &[f32], config: AdamWConfig, rate: f64, factor: f64, steps: u64) -> Vec<f64> {
        let (b1, b2) = config.betas;
        let mut p: Vec<f64> = start.iter().map(|v| f64::from(*v)).collect();
        let (mut m, mut v) = (vec![0.0; p.len()], vec![0.0; p.len()]);
        for t in 1..=steps {
            for (i, g) in numbers(p.len(), t).into_iter().enumerate() {
                let g = f64::from(g) * factor;
                m[i] = b1 * m[i] + (1.0 - b1) * g;
                v[i] = b2 * v[i] + (1.0 - b2) * g * g;
                let (m_hat, v_hat) = (m[i] / (1.0 - b1.powf(t as f64)), v[i] / (1.0 - b2.powf(t as f64)));
                p[i] -= rate * config.weight_decay * p[i] + rate * m_hat / (v_hat.sqrt() + config.eps);
            }
        }
        p
    }

    fn steps(optimiser: &mut AdamW, vars: &BTreeMap<String, Var>, range: std::ops::RangeInclusive<u64>) {
        for t in range {
            let mut gradients = Gradients::zeros(vars);
            for (name, var) in vars {
                gradients.add(name, &numbers(var.elem_count(), t)).unwrap();
            }
            optimiser.update(vars, &gradients, 1e-2, 0.5).unwrap();
        }
    }

    #[test]
    fn updates_follow_the_formula_for_sizes_around_a_chunk() {
        for size in [1, 100, CHUNK, CHUNK + 1] {
            let vars = vars(&[("w", &[size])]);
            let start = values(&vars["w"]);
            let mut optimiser = AdamW::new(CONFIG, &vars);
            steps(&mut optimiser, &vars, 1..=10);
            let expected = reference(&start, CONFIG, 1e-2, 0.5, 10);
            for (found, expected) in values(&vars["w"]).iter().zip(expected) {
                assert!((f64::from(*found) - expected).abs() < 2e-6, "{found} {expected}");
            }
        }
    }

    #[test]
    fn decay_reaches_its_group_only() {
        let shapes: &[(&str, &[usize])] = &[
            ("model.embed_tokens.weight", &[5, 2]),
            ("model.layers.0.input_layernorm.weight", &[2]),
            ("model.layers.0.self_attn.q_proj.bias", &[4]),
            ("model.layers.0.self_attn.q_proj.weight", &[4, 2]),
        ];
        for (decay, decaying) in [(DecayGroup::All, 4), (DecayGroup::Projections, 1)] {
            let vars = vars(shapes);
            let before: Vec<_> = vars.values().map(values).collect();
            let config = AdamWConfig { decay, ..CONFIG };
            let mut optimiser = AdamW::new(config, &vars);
            // Without gradients, decay is all there is.
            optimiser.update(&vars, &Gradients::zeros(&vars), 0.5, 1.0).unwrap();
            let mut moved = 0;
            for ((name, var), before) in vars.iter().zip(before) {
                let kept: Vec<f32> = before.iter().map(|v| v * 0.95).collect();
                if values(var) == kept {
                    moved += 1;
                    assert!(decay == DecayGroup::All || name.ends_with("q_proj.weight"), "{name}");
                } else {
                    assert_eq!(values(var), before, "{name}");
                }
            }
            assert_eq!(moved, decaying);
        }
    }

    #[test]
    fn a_restored_optimiser_goes_on_bit_for_bit() {
        let (straight, halved) = (vars(&[("a", &[3, 5]), ("b", &[7])]), vars(&[("a", &[3, 5]), ("b", &[7])]));
        let mut optimiser = AdamW::new(CONFIG, &straight);
        steps(&mut optimiser, &straight, 1..=9);
        let mut first = AdamW::new(CONFIG, &halved);
        steps(&mut first, &halved, 1..=4);
        let mut second = AdamW::restore(CONFIG, first.step(), first.moments().clone());
        steps(&mut second, &halved, 5..=9);
        assert_eq!(optimiser, second);
        assert!(straight.iter().all(|(name, var)| values(var) == values(&halved[name])));
    }

    #[test]
    fn the_norm_is_euclidean_and_the_factor_limits_it() {
        let vars = vars(&[("a", &[2]), ("b", &[1]), ("c", &[CHUNK + 3])]);
        let mut gradients = Gradients::zeros(&vars);
        gradients.add("a", &[1.0, 2.0]).unwrap();
        gradients.add("a", &[1.0, 0.0]).unwrap();
        gradients.add("b", &[-1.0]).unwrap();
        assert_eq!(gradients.norm(), 3.0);
        assert_eq!(gradients.uncovered(), ["c"]);
        gradients.add("c", &vec![2.0; CHUNK + 3]).unwrap();
        let expected = (9.0 + 4.0 * (CHUNK + 3) as f64).sqrt();
        assert!((gradients.norm() / expected - 1.0).abs() < 1e-14);
        for wrong in [gradients.add("a", &[1.0]), gradients.add("d", &[1.0])] {
            assert!(matches!(wrong, Err(LmError::GradientShape { .. })));
        }
        for (norm, limit, factor) in [(3.0, None, 1.0), (3.0, Some(6.0), 1.0), (4.0, Some(1.0), 0.25)] {
            assert!((clip_factor(norm, limit) - factor).abs() < 1e-6);
        }
    }
}
