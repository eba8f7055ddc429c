//! Parts of a variance, and the degrees of freedom of their sum.

/// One estimated part of a variance, independent of the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Component {
    /// The estimate; not negative.
    pub variance: f64,
    /// Degrees of freedom behind it; positive.
    pub degrees_of_freedom: f64,
}

/// What a mean over questions and training seeds varies by.
///
/// Scores are crossed: every seed answers every question. With question, seed and remainder as random effects, the mean of
/// `n` questions and `S` seeds has the variance `A/n + B/S + E/(nS)` (Searle, Casella and McCulloch 1992, "Variance
/// Components", chapter 4). The spread of question means estimates `A/n + E/(nS)`, the spread of seed means
/// `B/S + E/(nS)`: their sum counts the remainder twice, so it is subtracted once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Crossed {
    /// From the spread of question means, one for each stratum.
    pub questions: Vec<Component>,
    /// From the spread of seed means; empty where nothing was trained per seed, or with one seed only.
    pub seeds: Vec<Component>,
    /// From what neither explains, one for each stratum; empty where `seeds` is.
    pub remainder: Vec<Component>,
}

impl Crossed {
    /// The part of the variance that comes from the choice of questions.
    pub fn of_questions(&self) -> f64 {
        sum(&self.questions)
    }

    /// Variance and degrees of freedom of the mean.
    ///
    /// The variance is never below that of the questions or that of the seeds alone, which rounding or chance in the
    /// remainder could make it. The degrees of freedom are Satterthwaite's, `V^2 / sum (v^2 / f)` over all parts
    /// (Satterthwaite 1946, "An Approximate Distribution of Estimates of Variance Components").
    pub fn total(&self) -> Component {
        let (questions, seeds) = (sum(&self.questions), sum(&self.seeds));
        let variance = (questions + seeds - sum(&self.remainder)).max(questions).max(seeds);
        let parts = || self.questions.iter().chain(&self.seeds).chain(&self.remainder);
        let denominator: f64 = parts().map(|part| part.variance.powi(2) / part.degrees_of_freedom).sum();
        let degrees_of_freedom = if denominator > 0.0 {
            variance * variance / denominator
        } else {
            parts().map(|part| part.degrees_of_freedom).sum()
        };
        Component { variance, degrees_of_freedom }
    }
}

fn sum(parts: &[Component]) -> f64 {
    parts.iter().map(|part| part.variance).sum()
}

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
