//! The keys and values of the positions seen so far, allocated once.

use crate::simd::reduce::DECODING_LANES as LANES;

/// The shape of a cache, the same for every layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CacheShape {
    /// Sequences that the cache holds.
    pub(crate) slots: usize,
    /// Positions per slot.
    pub(crate) capacity: usize,
    /// Key/value heads.
    pub(crate) heads: usize,
    /// Values per head.
    pub(crate) dim: usize,
}

/// One layer's cache. A slot's keys lie as `[head][block of 16 positions][dim][16]`, so that the scores of 16
/// positions are one vector sum; its values as `[head][position][dim]`.
#[derive(Debug)]
pub(crate) struct Cache {
    shape: CacheShape,
    blocks: usize,
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Cache {
    pub(crate) fn new(shape: CacheShape) -> Self {
        let blocks = shape.capacity.div_ceil(LANES);
        let size = shape.slots * shape.heads * blocks * LANES * shape.dim;
        Self { shape, blocks, keys: vec![0.0; size], values: vec![0.0; size] }
    }

    /// Values per head of a slot, for keys and for values alike.
    fn head_size(&self) -> usize {
        self.blocks * LANES * self.shape.dim
    }

    fn head_start(&self, slot: usize, head: usize) -> usize {
        (slot * self.shape.heads + head) * self.head_size()
    }

    /// The keys and values of one head of a slot.
    pub(crate) fn head(&self, slot: usize, head: usize) -> (&[f32], &[f32]) {
        let range = self.head_start(slot, head)..self.head_start(slot, head) + self.head_size();
        (&self.keys[range.clone()], &self.values[range])
    }

    /// Stores the keys and values, each `[heads, dim]`, of one position.
    pub(crate) fn write(&mut self, slot: usize, position: usize, keys: &[f32], values: &[f32]) {
        let dim = self.shape.dim;
        for head in 0..self.shape.heads {
            let start = self.head_start(slot, head);
            let block = start + (position / LANES) * LANES * dim + position % LANES;
            for (d, &k) in keys[head * dim..][..dim].iter().enumerate() {
                self.keys[block + d * LANES] = k;
            }
            self.values[start + position * dim..][..dim].copy_from_slice(&values[head * dim..][..dim]);
        }
    }

    /// Copies the first positions of one slot to another.
    pub(crate) fn copy(&mut self, from: usize, to: usize, positions: usize) {
        let size = positions.div_ceil(LANES) * LANES * self.shape.dim;
        for head in 0..self.shape.heads {
            let (source, target) = (self.head_start(from, head), self.head_start(to, head));
            self.keys.copy_within(source..source + size, target);
            self.values.copy_within(source..source + size, target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found_again_also_in_a_copied_slot() {
        let shape = CacheShape { slots: 3, capacity: 20, heads: 2, dim: 3 };
        let mut cache = Cache::new(shape);
        let value = |t: usize, i: usize| (t * 10 + i) as f32;
        for t in 0..18 {
            let keys: Vec<f32> = (0..6).map(|i| value(t, i)).collect();
            let values: Vec<f32> = keys.iter().map(|k| -k).collect();
            cache.write(1, t, &keys, &values);
        }
        cache.copy(1, 2, 18);
        for slot in [1, 2] {
            for head in 0..2 {
                let (keys, values) = cache.head(slot, head);
                for t in 0..18 {
                    for d in 0..3 {
                        let expected = value(t, head * 3 + d);
                        assert_eq!(keys[(t / LANES) * LANES * 3 + d * LANES + t % LANES], expected);
                        assert_eq!(values[t * 3 + d], -expected);
                    }
                }
            }
        }
    }
}
