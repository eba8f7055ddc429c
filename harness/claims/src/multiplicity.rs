//! Several tests at once.

/// Holm's adjusted p values, in the order of `p`: rejecting those of at most alpha keeps the chance of any false rejection
/// below alpha (Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure").
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, at) in ascending(p).into_iter().enumerate() {
        largest = largest.max(((p.len() - rank) as f64 * p[at]).min(1.0));
        adjusted[at] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's adjusted p values, in the order of `p`: rejecting those of at most q keeps the expected share
/// of false ones among the rejections below q (Benjamini and Hochberg 1995, "Controlling the False Discovery Rate").
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p.len()];
    let mut smallest = 1.0_f64;
    for (rank, at) in ascending(p).into_iter().enumerate().rev() {
        smallest = smallest.min(p.len() as f64 / (rank + 1) as f64 * p[at]);
        adjusted[at] = smallest;
    }
    adjusted
}

/// Positions from the smallest p value to the largest; equal ones in their order.
fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    order
}
