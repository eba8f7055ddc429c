//! The variance of training seeds, pooled over the trained rows of a table.

use crate::variance::Component;

/// The values of the trained rows of a table: `values[row][seed][benchmark]`, each a mean over questions. All rows have the
/// same seeds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeedTable {
    /// See the type.
    pub values: Vec<Vec<Vec<f64>>>,
}

impl SeedTable {
    /// What training contributes to the variance of `sum over rows and benchmarks of weights[row][benchmark] * value`,
    /// averaged over seeds.
    ///
    /// A seed moves all rows together (they share what was trained before) and each row apart. Both parts are pooled over
    /// the rows, so that a difference of two rows rests on all of the table's rows: with `R` rows and `S` seeds, the
    /// covariance of the rows' deviations has `(R-1)(S-1)` degrees of freedom, that of the seeds' means `S-1` (two-way
    /// analysis of variance without replication, e.g. Searle et al. 1992, section 4.3). A contrast whose weights sum to
    /// zero over the rows is free of the second part.
    ///
    /// Empty with fewer than two seeds.
    pub fn components(&self, weights: &[Vec<f64>]) -> Vec<Component> {
        let (rows, seeds) = (self.values.len(), self.values.first().map_or(0, Vec::len));
        if seeds < 2 {
            return Vec::new();
        }
        let benchmarks = self.values[0][0].len();
        let (n, s) = (rows as f64, seeds as f64);
        let column = |f: &dyn Fn(usize) -> f64| (0..benchmarks).map(f).collect::<Vec<f64>>();
        let of_seed: Vec<Vec<f64>> = (0..seeds)
            .map(|seed| column(&|b| self.values.iter().map(|row| row[seed][b]).sum::<f64>() / n))
            .collect();
        let overall = column(&|b| of_seed.iter().map(|means| means[b]).sum::<f64>() / s);
        // Of the common part the values are linear in the weights, so no covariance is needed.
        let total = column(&|b| weights.iter().map(|row| row[b]).sum::<f64>());
        let common = of_seed.iter().map(|means| dot_difference(&total, means, &overall).powi(2));
        let common = common.sum::<f64>() / (s - 1.0);
        let mut components = vec![Component { variance: common / s, degrees_of_freedom: s - 1.0 }];
        if rows > 1 {
            let deviations = self.deviations(&of_seed, &overall);
            let centred: Vec<Vec<f64>> =
                weights.iter().map(|row| column(&|b| row[b] - total[b] / n)).collect();
            components.extend(apart(&deviations, &centred, (n - 1.0) * (s - 1.0), s));
        }
        let largest = self.values.iter().flatten().flatten().fold(0.0_f64, |m, v| m.max(v.abs()));
        let noise = (NOISE * largest * weights.iter().flatten().map(|w| w.abs()).sum::<f64>()).powi(2);
        components.retain(|part| part.variance > noise);
        if components.is_empty() {
            components.push(Component { variance: 0.0, degrees_of_freedom: s - 1.0 });
        }
        components
    }

    /// What is left of each row and seed without the row's and the seed's mean.
    fn deviations(&self, of_seed: &[Vec<f64>], overall: &[f64]) -> Vec<Vec<f64>> {
        let mut all = Vec::new();
        for row in &self.values {
            let mean = |b: usize| row.iter().map(|values| values[b]).sum::<f64>() / row.len() as f64;
            let means: Vec<f64> = (0..overall.len()).map(mean).collect();
            for (values, seed) in row.iter().zip(of_seed) {
                let left = |b: usize| values[b] - means[b] - seed[b] + overall[b];
                all.push((0..overall.len()).map(left).collect());
            }
        }
        all
    }
}

/// Spread below this fraction of the values is rounding noise.
const NOISE: f64 = 1e-12;

/// The variance of a mean over `seeds` seeds by what moves rows apart.
///
/// With `C` the pooled covariance of the benchmarks on `f` degrees of freedom and `W = sum_r w_r w_r^T`, the variance is
/// `tr(C W)`; its degrees of freedom are `f tr(C W)^2 / tr((C W)^2)`, which is `f` for one function of the columns.
fn apart(deviations: &[Vec<f64>], weights: &[Vec<f64>], freedom: f64, seeds: f64) -> Option<Component> {
    let size = weights.first()?.len();
    let square = |f: &dyn Fn(usize, usize) -> f64| -> Vec<Vec<f64>> {
        (0..size).map(|i| (0..size).map(|j| f(i, j)).collect()).collect()
    };
    let covariance = square(&|i, j| deviations.iter().map(|d| d[i] * d[j]).sum::<f64>() / freedom);
    let outer = square(&|i, j| weights.iter().map(|w| w[i] * w[j]).sum());
    let product = square(&|i, j| (0..size).map(|k| covariance[i][k] * outer[k][j]).sum());
    let trace: f64 = (0..size).map(|i| product[i][i]).sum();
    let of_square: f64 = (0..size)
        .flat_map(|i| (0..size).map(move |j| (i, j)))
        .map(|(i, j)| product[i][j] * product[j][i])
        .sum();
    let ratio = if of_square > 0.0 { (trace * trace / of_square).max(1.0) } else { 1.0 };
    (trace > 0.0).then_some(Component { variance: trace / seeds, degrees_of_freedom: freedom * ratio })
}

fn dot_difference(weights: &[f64], left: &[f64], right: &[f64]) -> f64 {
    weights.iter().zip(left).zip(right).map(|((w, l), r)| w * (l - r)).sum()
}
