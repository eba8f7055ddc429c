//! A static linker: several position-independent WebAssembly libraries become one core module.
//!
//! The interpreter that the image is made from comes as shared libraries (`libpython`, `libc` and a few small
//! ones) that expect a dynamic linker. Linking them once, here, has three advantages over instantiating them
//! side by side: there is one instance to create per program instead of a dozen, calls between libraries are
//! direct, and every address that position-independent code would load from a global becomes a constant. It
//! also lets us choose the size of the C stack.
//!
//! The conventions are those of the tool conventions' *dynamic linking* document: `env.__memory_base` and
//! `env.__table_base` place a library, `GOT.mem.NAME` is the address of a datum, `GOT.func.NAME` the table
//! slot of a function, exported globals are data addresses relative to the library's base.
//!
//! One of the libraries may be a program that was linked to fixed addresses instead. It keeps them, together with its
//! own C stack at the bottom of memory, and the others come after it. It is taken apart by its name section: of a
//! function that a library in front defines too, that library's is called. Its C++ exceptions are left out.
//!
//! The code is given a meter on the way, which replaces the runtime's own: see [`code`].
//!
//! [`link`] gives a [`Linked`] program; [`Linked::encode`] writes it as a module, either as it starts or with
//! the memory, table and globals of a [`State`] that was captured later.

use std::collections::BTreeMap;

mod code;
mod encode;
mod library;
mod merge;
#[cfg(test)]
mod tests;
mod unused;

pub(crate) use encode::{Exports, State};
pub(crate) use merge::{Linked, link};

/// A library to link.
pub(crate) struct Input<'a> {
    /// Its name, for messages.
    pub name: &'a str,
    /// The module.
    pub bytes: &'a [u8],
    /// Addresses of data by symbol, for a program at fixed addresses, which does not export them.
    pub addresses: &'a BTreeMap<String, u32>,
    /// Ranges of functions, from the first number to the one after the last, that are left out as far as no others call
    /// them.
    pub left_out: &'a [[u32; 2]],
}

/// Bytes of linear memory that a program can ever have. The map in `guest/malloc.wat` is made for so many.
pub(crate) const MAX_MEMORY: usize = 1 << 30;

/// Exported global of every linked program: an `i64`, the work that it may still do. It starts at the largest
/// number.
pub(crate) const FUEL: &str = "fuel";

/// Module of the functions that this crate's host has beside those of WASI.
pub(crate) const HOST: &str = "assay";

/// The host's function, module and name, that a program calls when its fuel is below zero.
pub(crate) const REFILL: (&str, &str) = (HOST, "refill");

/// Why libraries could not be linked. With pinned inputs this can only be a defect of this crate or of the
/// pin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The bytes are no WebAssembly module.
    #[error("{library} is not a readable WebAssembly library")]
    Malformed {
        /// Name of the library.
        library: String,
        /// What the reader found.
        source: wasmparser::BinaryReaderError,
    },
    /// The library uses a feature that the linker does not know.
    #[error("{library} has {what}, which the linker does not support")]
    Unsupported {
        /// Name of the library.
        library: String,
        /// The feature.
        what: &'static str,
    },
    /// A symbol that no library defines.
    #[error("{library} needs the symbol {symbol}, which no library defines")]
    Undefined {
        /// Name of the library.
        library: String,
        /// Name of the symbol.
        symbol: String,
    },
    /// A function that the judge itself calls is missing.
    #[error("the linked program has no function {symbol}")]
    MissingExport {
        /// Name of the function.
        symbol: String,
    },
}
