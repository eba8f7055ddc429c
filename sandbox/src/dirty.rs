//! Which pages of a private mapping have been written since it was made.
//!
//! Linux 6.7 and later can tell (`PAGEMAP_SCAN`, see `Documentation/admin-guide/mm/pagemap.rst` of the
//! kernel). Elsewhere the answer is [`None`], and callers do without.

use std::ops::Range;

/// Byte ranges of `memory` that may differ from what was mapped there, or `None` if the system cannot tell or
/// there are more than `limit` such bytes.
pub(crate) fn written(memory: &[u8], limit: usize) -> Option<Vec<Range<usize>>> {
    imp::written(memory, limit)
}

#[cfg(target_os = "linux")]
mod imp {
    use std::fs::File;
    use std::ops::Range;
    use std::os::fd::AsRawFd;
    use std::sync::LazyLock;

    /// This process's page map. (A fork would have to open its own; the judge does not fork.)
    static PAGEMAP: LazyLock<Option<File>> = LazyLock::new(|| File::open("/proc/self/pagemap").ok());

    /// `struct page_region` of `linux/fs.h`.
    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct Region {
        start: u64,
        end: u64,
        categories: u64,
    }

    /// `struct pm_scan_arg` of `linux/fs.h`.
    #[repr(C)]
    struct Scan {
        size: u64,
        flags: u64,
        start: u64,
        end: u64,
        walk_end: u64,
        regions: u64,
        region_count: u64,
        max_pages: u64,
        category_inverted: u64,
        category_mask: u64,
        category_any_of: u64,
        return_mask: u64,
    }

    /// `_IOWR('f', 16, struct pm_scan_arg)`.
    const PAGEMAP_SCAN: u64 = 0xc060_6610;
    /// The page is one of a file, that is, not written.
    const FILE: u64 = 1 << 2;
    const PRESENT: u64 = 1 << 3;
    const SWAPPED: u64 = 1 << 4;
    /// The page is the shared page of zeros.
    const ZERO: u64 = 1 << 5;
    /// Regions asked for at a time.
    const REGIONS: usize = 512;

    pub(super) fn written(memory: &[u8], limit: usize) -> Option<Vec<Range<usize>>> {
        let pagemap = PAGEMAP.as_ref()?;
        let base = memory.as_ptr().addr() as u64;
        let end = base + memory.len() as u64;
        let mut found = Vec::new();
        let mut bytes = 0;
        let mut start = base;
        loop {
            let mut regions = [Region::default(); REGIONS];
            let mut scan = Scan {
                size: size_of::<Scan>() as u64,
                flags: 0,
                start,
                end,
                walk_end: 0,
                regions: regions.as_mut_ptr().expose_provenance() as u64,
                region_count: REGIONS as u64,
                max_pages: 0,
                category_inverted: FILE | ZERO,
                category_mask: FILE | ZERO,
                category_any_of: PRESENT | SWAPPED,
                return_mask: 0,
            };
            #[expect(unsafe_code, reason = "the kernel offers this only as an ioctl")]
            // SAFETY: `scan` and `regions` have the kernel's layout and outlive the call, which writes to
            // nothing else.
            let count = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN as _, &raw mut scan) };
            let regions = regions.get(..usize::try_from(count).ok()?)?;
            for region in regions {
                let range =
                    (region.start.checked_sub(base)? as usize)..(region.end.checked_sub(base)? as usize);
                bytes += range.len();
                found.push(range);
            }
            if bytes > limit {
                return None;
            }
            if scan.walk_end >= end {
                return Some(found);
            }
            // The kernel always gets further; if it did not, this would never end.
            if scan.walk_end <= start {
                return None;
            }
            start = scan.walk_end;
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::ops::Range;

    pub(super) fn written(_memory: &[u8], _limit: usize) -> Option<Vec<Range<usize>>> {
        None
    }
}
