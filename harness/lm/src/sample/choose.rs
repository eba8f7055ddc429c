//! Choosing a token from logits, on the host, in double precision.

use crate::sample::SampleConfig;

/// A chosen token and its log-probability under the model at temperature 1, without truncation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Choice {
    pub(crate) token: u32,
    pub(crate) log_prob: f32,
}

/// Chooses by inverse transform sampling with one uniform number in `[0, 1)`.
///
/// Temperature 0 takes the most likely token (ties: the lowest id). Otherwise
/// `p_i ~ e^(logit_i / temperature)`; with `top_p < 1` only the fewest most likely tokens whose probabilities
/// reach `top_p` stay (ties: the lower id first; Holtzman et al. 2020, "nucleus sampling").
///
/// None if the logits make no distribution: one is not a number or plus infinity, or all are minus infinity.
pub(crate) fn choose(
    logits: &[f32],
    config: &SampleConfig,
    uniform: f64,
    scratch: &mut Scratch,
) -> Option<Choice> {
    let best = argmax(logits);
    let highest = f64::from(logits[best]);
    let token = if config.temperature == 0.0 {
        best
    } else {
        let weight = |l: &f32| ((f64::from(*l) - highest) / config.temperature).exp();
        scratch.weights.clear();
        scratch.weights.extend(logits.iter().map(weight));
        if config.top_p < 1.0 {
            from_nucleus(&scratch.weights, config.top_p, uniform, &mut scratch.order)
        } else {
            let total: f64 = scratch.weights.iter().sum();
            pick(scratch.weights.iter().copied().enumerate(), uniform * total).unwrap_or(best)
        }
    };
    let total: f64 = if config.temperature == 1.0 {
        scratch.weights.iter().sum()
    } else {
        logits.iter().map(|l| (f64::from(*l) - highest).exp()).sum()
    };
    let log_prob = f64::from(logits[token]) - highest - total.ln();
    // An infinite or missing logit turns the total, and with it the log-probability, into no number.
    log_prob.is_finite().then_some(Choice { token: token as u32, log_prob: log_prob as f32 })
}

/// Buffers of the vocabulary's size, reused between tokens.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    weights: Vec<f64>,
    order: Vec<usize>,
}

/// The index of the highest value, the first of equals.
pub(crate) fn argmax(logits: &[f32]) -> usize {
    let mut best = 0;
    for (i, l) in logits.iter().enumerate() {
        if *l > logits[best] {
            best = i;
        }
    }
    best
}

fn from_nucleus(weights: &[f64], top_p: f64, uniform: f64, order: &mut Vec<usize>) -> usize {
    order.clear();
    order.extend(0..weights.len());
    order.sort_unstable_by(|&a, &b| weights[b].total_cmp(&weights[a]).then(a.cmp(&b)));
    let enough = top_p * weights.iter().sum::<f64>();
    let mut kept = 0.0;
    let mut count = 0;
    for &i in order.iter() {
        kept += weights[i];
        count += 1;
        if kept >= enough {
            break;
        }
    }
    let nucleus = &order[..count];
    pick(nucleus.iter().map(|&i| (i, weights[i])), uniform * kept).unwrap_or(nucleus[0])
}

/// The first item at which the running sum of weights exceeds `threshold`; rounding can leave the threshold
/// above the whole sum, then it is the last item of positive weight.
fn pick(items: impl Iterator<Item = (usize, f64)>, threshold: f64) -> Option<usize> {
    let mut sum = 0.0;
    let mut last = None;
    for (i, w) in items {
        sum += w;
        if w > 0.0 {
            last = Some(i);
        }
        if sum > threshold {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn config(temperature: f64, top_p: f64) -> SampleConfig {
        SampleConfig { temperature, top_p, max_new_tokens: 1, stop: vec![], seed: 0 }
    }

    fn token(logits: &[f32], temperature: f64, top_p: f64, uniform: f64) -> Option<u32> {
        choose(logits, &config(temperature, top_p), uniform, &mut Scratch::default()).map(|c| c.token)
    }

    #[test]
    fn shares_of_the_unit_interval_are_the_probabilities() {
        let logits = [1.0f32.ln(), 2.0f32.ln(), f32::NEG_INFINITY, 5.0f32.ln()];
        for (temperature, top_p, expected) in [
            (1.0, 1.0, [125, 250, 0, 625]),
            (0.5, 1.0, [33, 133, 0, 833]), // 1, 4, 25 of 30
            (1.0, 0.6, [0, 0, 0, 1000]),
            (1.0, 0.7, [0, 286, 0, 714]), // 2 and 5 of 7
            (0.0, 1.0, [0, 0, 0, 1000]),
        ] {
            let mut counts = [0; 4];
            for i in 0..1000 {
                let token = token(&logits, temperature, top_p, (f64::from(i) + 0.5) / 1000.0);
                counts[token.unwrap() as usize] += 1;
            }
            for (count, expected) in counts.iter().zip(expected) {
                assert!(i32::abs(count - expected) <= 1, "T {temperature}, top-p {top_p}: {counts:?}");
            }
        }
    }

    #[test]
    fn ties_go_to_the_lower_id() {
        assert_eq!(token(&[0.0, 3.0, 3.0], 0.0, 1.0, 0.9), Some(1));
        assert_eq!(token(&[0.0, 3.0, 3.0], 1.0, 0.4, 0.999), Some(1));
        assert_eq!(token(&[3.0, 0.0, 3.0], 1.0, 0.9, 0.999), Some(2));
    }

    #[test]
    fn the_log_probability_is_that_of_temperature_one() {
        let logits = [0.0, 1.0, -2.0];
        let total = 1.0 + 1f64.exp() + (-2f64).exp();
        for temperature in [0.0, 0.7, 1.0] {
            let choice = choose(&logits, &config(temperature, 1.0), 0.0, &mut Scratch::default()).unwrap();
            let exact = f64::from(logits[choice.token as usize]) - total.ln();
            assert!((f64::from(choice.log_prob) - exact).abs() < 1e-7);
        }
    }

    #[test]
    fn what_is_no_distribution_gives_no_token() {
        for logits in
            [[0.0, f32::NAN, 1.0], [f32::NAN, 0.0, 1.0], [0.0, f32::INFINITY, 0.0], [f32::NEG_INFINITY; 3]]
        {
            for temperature in [0.0, 0.7, 1.0] {
                for top_p in [0.5, 1.0] {
                    assert_eq!(
                        token(&logits, temperature, top_p, 0.5),
                        None,
                        "{logits:?} {temperature} {top_p}"
                    );
                }
            }
        }
    }
}
