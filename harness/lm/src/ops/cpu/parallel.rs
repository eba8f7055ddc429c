//! Blocks of fixed size, spread over the current rayon pool.

use rayon::prelude::*;

/// Elements in a block of work, about: large enough to hide the cost of handing it out, small enough for a
/// cache.
const BLOCK: usize = 1 << 14;

/// Rows per block, for rows of the given width. A function of the width alone, never of the number of
/// threads.
pub(super) fn block_rows(width: usize) -> usize {
    (BLOCK / width.max(1)).max(1)
}

/// Runs `work` on each item, in any order and on any thread.
pub(super) fn for_each<T: Send>(items: impl IntoIterator<Item = T>, work: impl Fn(T) + Send + Sync) {
    if rayon::current_num_threads() == 1 {
        items.into_iter().for_each(work);
        return;
    }
    let items: Vec<T> = items.into_iter().collect();
    if items.len() == 1 {
        items.into_iter().for_each(work);
    } else {
        items.into_par_iter().with_max_len(1).for_each(work);
    }
}

/// Adds up `parts`, laid end to end and each as long as `sum`, in order.
pub(super) fn add_up(parts: &[f32], sum: &mut [f32]) {
    for part in parts.chunks_exact(sum.len().max(1)) {
        for (sum, part) in sum.iter_mut().zip(part) {
            *sum += part;
        }
    }
}
