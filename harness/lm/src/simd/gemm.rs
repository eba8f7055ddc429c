//! Matrix products on slices: a checked front for the `gemm` crate.

use gemm::Parallelism;

/// The longest inner dimension that `gemm` is given at once.
///
/// Beyond this it would cut the sum at points that depend on the sizes of the machine's caches, and with them
/// the bits.
const MAX_DEPTH: usize = 512;

/// Multiplications below which a product is not worth a second thread.
const PARALLEL_WORK: usize = 1 << 20;

/// A matrix in a slice.
#[derive(Clone, Copy)]
pub(crate) struct Mat<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Mat<'a> {
    /// A row-major matrix whose rows lie end to end.
    pub(crate) fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// A row-major matrix whose rows start `row_stride` elements apart.
    pub(crate) fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        check(data.len(), rows, cols, row_stride);
        Self { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The transpose.
    pub(crate) fn t(self) -> Self {
        let Self { data, rows, cols, row_stride, col_stride } = self;
        Self { data, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride }
    }
}

/// A row-major matrix to be written.
pub(crate) struct MatMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
}

impl<'a> MatMut<'a> {
    /// A row-major matrix whose rows lie end to end.
    pub(crate) fn new(data: &'a mut [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// A row-major matrix whose rows start `row_stride` elements apart.
    pub(crate) fn strided(data: &'a mut [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        check(data.len(), rows, cols, row_stride);
        assert!(cols <= row_stride, "rows of a matrix to be written overlap");
        Self { data, rows, cols, row_stride }
    }
}

fn check(len: usize, rows: usize, cols: usize, row_stride: usize) {
    let needed = if rows == 0 || cols == 0 { 0 } else { (rows - 1) * row_stride + cols };
    assert!(needed <= len, "a {rows}x{cols} matrix of stride {row_stride} does not fit {len} elements");
}

/// Whether a product overwrites the output or is added to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// The product overwrites the output.
    Set,
    /// The product is added to the output.
    Add,
}

/// `out = scale · a · b`, or `out += scale · a · b`; on several threads of the current pool if it is large.
///
/// The same bits for any number of threads and on every machine with the same instruction set.
pub(crate) fn multiply(scale: f32, a: Mat<'_>, b: Mat<'_>, output: Output, out: MatMut<'_>) {
    assert_eq!((a.rows, b.cols), (out.rows, out.cols), "the output of a product has another shape");
    #[expect(unsafe_code, reason = "the output is given as a pointer")]
    // SAFETY: `MatMut` has checked that every element lies in its slice and that rows do not overlap; the
    // slice is initialized and borrowed mutably, and so aliases neither input.
    unsafe {
        write_product(scale, a, b, output, out.data.as_mut_ptr(), out.row_stride);
    }
}

/// `a · b`, its rows end to end.
pub(crate) fn product(a: Mat<'_>, b: Mat<'_>) -> Vec<f32> {
    let len = a.rows * b.cols;
    let mut out = Vec::with_capacity(len);
    #[expect(unsafe_code, reason = "saves filling a large buffer with zeros before it is overwritten")]
    // SAFETY: the buffer has room for `len` elements; with `Output::Set` all of them are written and none is
    // read.
    unsafe {
        write_product(1.0, a, b, Output::Set, out.as_mut_ptr(), b.cols);
        out.set_len(len);
    }
    out
}

/// Writes each element of a product; reads those at `out` only if the product is to be added to them.
///
/// # Safety
/// `out` must be valid for writes of `a.rows` rows of `b.cols` elements, `row_stride >= b.cols` apart, and
/// alias neither input. With [`Output::Add`] they must be initialized.
#[expect(unsafe_code, reason = "the gemm crate takes pointers")]
unsafe fn write_product(
    scale: f32,
    a: Mat<'_>,
    b: Mat<'_>,
    output: Output,
    out: *mut f32,
    row_stride: usize,
) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert_eq!(k, b.rows, "inner dimensions of a product differ");
    let threads = rayon::current_num_threads();
    let parallelism = if threads > 1 && m * n * k >= PARALLEL_WORK {
        Parallelism::Rayon(threads)
    } else {
        Parallelism::None
    };
    let mut start = 0;
    loop {
        let depth = (k - start).min(MAX_DEPTH);
        // An empty matrix may lie anywhere: clamp the offsets so that they stay inside the slices.
        let a_data = &a.data[(start * a.col_stride).min(a.data.len())..];
        let b_data = &b.data[(start * b.row_stride).min(b.data.len())..];
        // SAFETY: the constructors of `Mat` have checked that every element of both inputs lies in its slice,
        // the transpose only renames indices, and `start + depth <= k`. The output is the caller's promise;
        // gemm reads it only where told so, and after the first round it is initialized.
        unsafe {
            gemm::gemm(
                m,
                n,
                depth,
                out,
                1,
                row_stride as isize,
                output == Output::Add || start > 0,
                a_data.as_ptr(),
                a.col_stride as isize,
                a.row_stride as isize,
                b_data.as_ptr(),
                b.col_stride as isize,
                b.row_stride as isize,
                1.0,
                scale,
                false,
                false,
                false,
                parallelism,
            );
        }
        start += depth;
        if start == k {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 17) as f32 - 8.0).collect()
    }

    #[test]
    fn agrees_with_the_definition_for_any_shape_and_stride() {
        for (m, n, k) in
            [(1, 1, 1), (3, 5, 2), (1, 70, 9), (70, 1, 9), (17, 33, 600), (2, 3, 1100), (0, 3, 4), (3, 4, 0)]
        {
            let (a, b) = (numbers(m * (k + 3), 1), numbers(n * (k + 1), 2));
            let old = numbers(m * (n + 2), 3);
            for output in [Output::Set, Output::Add] {
                let mut out = old.clone();
                let (lhs, rhs) = (Mat::strided(&a, m, k, k + 3), Mat::strided(&b, n, k, k + 1).t());
                multiply(0.5, lhs, rhs, output, MatMut::strided(&mut out, m, n, n + 2));
                for i in 0..m {
                    for j in 0..n {
                        let product: f32 = (0..k).map(|x| a[i * (k + 3) + x] * b[j * (k + 1) + x]).sum();
                        let kept = if output == Output::Add { old[i * (n + 2) + j] } else { 0.0 };
                        assert_eq!(
                            out[i * (n + 2) + j],
                            0.5f32.mul_add(product, kept),
                            "{m}x{n}x{k} at {i},{j}"
                        );
                    }
                    assert_eq!(
                        out[i * (n + 2) + n..][..2],
                        old[i * (n + 2) + n..][..2],
                        "elements between rows"
                    );
                }
            }
        }
    }

    #[test]
    fn a_new_product_is_the_one_written_over_another() {
        for (m, n, k) in [(3, 5, 2), (40, 70, 600), (0, 3, 4), (3, 4, 0)] {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let (lhs, rhs) = (Mat::new(&a, m, k), Mat::new(&b, k, n));
            let mut out = numbers(m * n, 3);
            multiply(1.0, lhs, rhs, Output::Set, MatMut::new(&mut out, m, n));
            assert_eq!(product(lhs, rhs), out, "{m}x{n}x{k}");
        }
    }

    #[test]
    #[should_panic(expected = "does not fit")]
    fn refuses_a_matrix_larger_than_its_slice() {
        let _ = Mat::strided(&[0.0; 10], 3, 4, 4);
    }
}
