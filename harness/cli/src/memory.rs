//! What happens when there is no memory left.

use std::alloc::{GlobalAlloc, Layout, System};

/// Exit code of an error of the environment.
const ENVIRONMENT: i32 = 3;

/// The system's allocator, which ends the process with one clear error where it has nothing to give. Rust would abort, which
/// reads like a mistake of this program. To end at any point is safe: whatever is kept is written as if it could be cut off.
pub(crate) struct OrEnd;

#[expect(unsafe_code, reason = "an allocator is unsafe by its trait")]
// SAFETY: every call goes to the system's allocator as it is.
unsafe impl GlobalAlloc for OrEnd {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of the same function.
        or_end(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of the same function.
        or_end(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of the same function.
        or_end(unsafe { System.realloc(block, layout, size) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of the same function.
        unsafe { System.dealloc(block, layout) }
    }
}

fn or_end(block: *mut u8) -> *mut u8 {
    if block.is_null() {
        end();
    }
    block
}

/// Says why and ends the process, without a further allocation.
#[cold]
fn end() -> ! {
    const WHY: &[u8] =
        b"error: there is no memory left\n  help: allow more (`ulimit -v`), or use fewer threads or workers\n";
    #[expect(unsafe_code, reason = "C calls without safe wrappers that allocate nothing")]
    // SAFETY: the text is readable for its length, and the process ends here.
    unsafe {
        libc::write(2, WHY.as_ptr().cast(), WHY.len());
        libc::_exit(ENVIRONMENT)
    }
}
