//! A step's examples, cut into parts that fit in memory.

use super::{Example, Loss, Unit};
use crate::error::Result;
use crate::sequences::Sequences;

/// Sequences that pass the decoder together, with their share of the loss.
#[derive(Debug)]
pub(crate) struct MicroBatch {
    pub(crate) inputs: Sequences,
    /// The rows and tokens to be predicted.
    pub(crate) targets: Vec<(usize, u32)>,
    /// The factor of each target's negative log-probability in the loss.
    pub(crate) factors: Vec<f32>,
}

impl MicroBatch {
    /// The rows that pass the head, in the order of the targets.
    pub(crate) fn rows(&self) -> Vec<u32> {
        self.targets.iter().map(|(row, _)| *row as u32).collect()
    }
}

/// Cuts a batch into micro-batches of at most `limit` tokens, sequences of like length together.
///
/// Nothing after an example's last supervised token is fed, nor that token itself; examples of weight 0 are
/// left out, though they count in the normaliser.
pub(crate) fn micro_batches(units: &[&Unit], loss: Loss, limit: usize) -> Result<Vec<MicroBatch>> {
    let examples = || units.iter().flat_map(|unit| unit.iter());
    let normaliser = match loss {
        Loss::DrSft { mean_response_len } => units.len() as f64 * mean_response_len,
        Loss::Naive => examples().map(|e| e.supervised.len()).sum::<usize>() as f64,
        Loss::PerResponse => units.len() as f64,
    };
    let mut sorted: Vec<&Example> = examples().filter(|e| e.weight != 0.0).collect();
    sorted.sort_by_key(|e| fed(e).len());

    let mut parts: Vec<MicroBatch> = Vec::new();
    for example in sorted {
        let inputs = fed(example);
        let fits = |part: &&mut MicroBatch| part.inputs.total() + inputs.len() <= limit;
        let part = match parts.last_mut().filter(fits) {
            Some(part) => part,
            None => parts.push_mut(MicroBatch {
                inputs: Sequences::new(),
                targets: Vec::new(),
                factors: Vec::new(),
            }),
        };
        let start = part.inputs.total();
        part.inputs.push(inputs)?;
        let positions = example.supervised.clone();
        part.targets.extend(positions.clone().map(|p| (start + p - 1, example.tokens[p])));
        let own = if loss == Loss::PerResponse { example.supervised.len() as f64 } else { 1.0 };
        let factor = (f64::from(example.weight) / (normaliser * own)) as f32;
        part.factors.extend(positions.map(|_| factor));
    }
    Ok(parts)
}

/// The tokens from which the supervised ones are predicted.
fn fed(example: &Example) -> &[u32] {
    &example.tokens[..example.supervised.end - 1]
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn example(length: usize, supervised: std::ops::Range<usize>, weight: f32) -> Example {
        Example { tokens: (100..100 + length as u32).collect(), supervised, weight }
    }

    #[test]
    fn targets_are_the_supervised_tokens_at_the_rows_before_them() {
        let unit = vec![example(6, 2..5, 0.5), example(4, 1..2, 2.0)];
        let parts = micro_batches(&[&unit], Loss::Naive, 100).unwrap();
        let [part] = parts.as_slice() else { panic!("one part") };
        assert_eq!(part.inputs.tokens(), [100, 100, 101, 102, 103]);
        assert_eq!(part.inputs.offsets(), [0, 1, 5]);
        assert_eq!(part.targets, [(0, 101), (2, 102), (3, 103), (4, 104)]);
        assert_eq!(part.factors, [0.5, 0.125, 0.125, 0.125]);
    }

    #[test]
    fn dr_sft_divides_by_a_constant_and_naive_by_the_batch() {
        let units = [vec![example(9, 1..9, 1.0)], vec![example(3, 1..3, 1.0), example(3, 1..3, 0.0)]];
        let batch: Vec<&Unit> = units.iter().collect();
        let factors = |loss| micro_batches(&batch, loss, 100).unwrap()[0].factors.clone();
        assert_eq!(factors(Loss::DrSft { mean_response_len: 4.0 }), [0.125; 10]);
        assert_eq!(factors(Loss::Naive), [(1.0f64 / 12.0) as f32; 10]);
        assert_eq!(factors(Loss::PerResponse), [[0.25; 2].as_slice(), &[1.0 / 16.0; 8]].concat());
    }

    #[test]
    fn parts_keep_to_the_limit_and_lose_nothing() {
        let lengths = [5, 9, 2, 9, 30, 4, 7];
        let units: Vec<Unit> = lengths.iter().map(|&n| vec![example(n, 1..n, 1.0)]).collect();
        let parts = micro_batches(&units.iter().collect::<Vec<_>>(), Loss::Naive, 12).unwrap();
        assert_eq!(parts.iter().map(|p| p.inputs.total()).collect::<Vec<_>>(), [8, 6, 8, 8, 29]);
        assert_eq!(parts.iter().map(|p| p.targets.len()).sum::<usize>(), 59);
    }
}
