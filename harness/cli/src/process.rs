//! Settings of the whole process, made before any thread starts.

/// Tunes the allocator and candle's own thread pool.
///
/// Tensors come and go by the hundred in each training step. With glibc's defaults each large one is mapped and
/// unmapped, which costs a third of the time; kept mapped, memory is reused. Candle's second pool (beside rayon's) spins at
/// barriers, which loses time whenever steps run side by side.
pub(crate) fn tune() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const KEEP: libc::c_int = 1 << 30;
        const GROW_BY: libc::c_int = 64 << 20;
        #[expect(unsafe_code, reason = "a C call without a safe wrapper")]
        // SAFETY: `mallopt` only sets numbers in the allocator, and no other thread exists yet.
        unsafe {
            libc::mallopt(libc::M_MMAP_MAX, 0);
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEEP);
            libc::mallopt(libc::M_TOP_PAD, GROW_BY);
        }
    }
    if std::env::var_os("CANDLE_NUM_THREADS").is_none() {
        #[expect(unsafe_code, reason = "candle takes this setting from the environment only")]
        // SAFETY: no other thread exists yet.
        unsafe {
            std::env::set_var("CANDLE_NUM_THREADS", "1");
        }
    }
}
