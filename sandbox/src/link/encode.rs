//! Writing a linked program as a WebAssembly module.

use std::borrow::Cow;

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind, ExportSection,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, Module, RefType,
    TableSection, TableType, TypeSection, ValType,
};

use super::merge::{Linked, PAGE};
use super::{FUEL, LinkError, MAX_MEMORY};

/// Runs of zero bytes at least this long are left out of the data segments.
const GAP: usize = 4096;

/// What changes while a program runs: its memory and its mutable globals. (Nothing writes to the table: there
/// is no dynamic loading.)
pub(crate) struct State {
    /// Linear memory from address 0; a whole number of pages.
    pub memory: Vec<u8>,
    /// Values in the order of [`Linked::global_exports`].
    pub globals: Vec<i32>,
}

/// What a written module offers to its host.
pub(crate) struct Exports<'a> {
    /// Functions, by their symbols.
    pub functions: &'a [&'a str],
    /// Constant globals to add: name and value.
    pub constants: &'a [(&'a str, i32)],
    /// Whether the initialisers are exported too.
    pub initializers: bool,
}

impl Linked {
    /// The program's state before it ran.
    pub(crate) fn initial_state(&self) -> State {
        State {
            memory: self.memory.clone(),
            globals: self.globals.iter().map(|(_, value)| *value as i32).collect(),
        }
    }

    /// Bytes of the C stack, which lies at the bottom of memory.
    pub(crate) fn initial_stack_pointer(&self) -> i32 {
        self.globals[0].1 as i32
    }

    /// Names under which [`encode`](Self::encode) exports the mutable globals.
    pub(crate) fn global_exports(&self) -> impl Iterator<Item = String> {
        (0..self.globals.len()).map(|index| format!("global:{index}"))
    }

    /// Number of the global [`FUEL`], the one after those of the libraries.
    pub(super) fn fuel_global(&self) -> u32 {
        self.globals.len() as u32
    }

    /// Names under which [`encode`](Self::encode) exports the functions to call first, in order.
    pub(crate) fn initializer_exports(&self) -> impl Iterator<Item = String> {
        (0..self.initializers.len()).map(|index| format!("initialize:{index}"))
    }

    /// Writes the program with the given state and these exports, besides its memory (`memory`) and its
    /// mutable globals.
    pub(crate) fn encode(&self, state: &State, exports: &Exports<'_>) -> Result<Vec<u8>, LinkError> {
        let mut module = Module::new();
        module.section(&self.types()).section(&self.import_section());
        let mut section = FunctionSection::new();
        for function_type in &self.functions {
            section.function(*function_type);
        }
        module.section(&section);
        let slots = self.table.len() as u64;
        let mut section = TableSection::new();
        section.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: slots,
            maximum: Some(slots),
            shared: false,
        });
        module.section(&section);
        let mut section = MemorySection::new();
        section.memory(MemoryType {
            minimum: (state.memory.len() / PAGE as usize) as u64,
            maximum: Some(MAX_MEMORY as u64 / u64::from(PAGE)),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        module.section(&section);
        let mut section = GlobalSection::new();
        for value in &state.globals {
            section.global(
                GlobalType { val_type: ValType::I32, mutable: true, shared: false },
                &ConstExpr::i32_const(*value),
            );
        }
        section.global(
            GlobalType { val_type: ValType::I64, mutable: true, shared: false },
            &ConstExpr::i64_const(i64::MAX),
        );
        for (_, value) in exports.constants {
            let constant = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
            section.global(constant, &ConstExpr::i32_const(*value));
        }
        module.section(&section);
        module.section(&self.export_section(exports)?);
        module.section(&self.element_section());
        let mut section = CodeSection::new();
        for body in &self.bodies {
            section.raw(body);
        }
        module.section(&section);
        let mut section = DataSection::new();
        for (start, bytes) in nonzero_runs(&state.memory) {
            section.active(0, &ConstExpr::i32_const((start as u32).cast_signed()), bytes.iter().copied());
        }
        module.section(&section);
        Ok(module.finish())
    }

    fn types(&self) -> TypeSection {
        let mut section = TypeSection::new();
        let translate = |types: &[wasmparser::ValType]| -> Vec<ValType> {
            types
                .iter()
                .map(|value| match value {
                    wasmparser::ValType::I64 => ValType::I64,
                    wasmparser::ValType::F32 => ValType::F32,
                    wasmparser::ValType::F64 => ValType::F64,
                    wasmparser::ValType::V128 => ValType::V128,
                    _ => ValType::I32,
                })
                .collect()
        };
        for function_type in &self.types {
            section.ty().function(translate(function_type.params()), translate(function_type.results()));
        }
        section
    }

    fn import_section(&self) -> ImportSection {
        let mut section = ImportSection::new();
        for (module, name, function_type) in &self.imports {
            section.import(module, name, EntityType::Function(*function_type));
        }
        section
    }

    fn export_section(&self, exports: &Exports<'_>) -> Result<ExportSection, LinkError> {
        let mut section = ExportSection::new();
        section.export("memory", ExportKind::Memory, 0);
        for name in exports.functions {
            let function = self
                .symbols
                .get(*name)
                .ok_or_else(|| LinkError::MissingExport { symbol: (*name).to_owned() })?;
            section.export(name, ExportKind::Func, *function);
        }
        if exports.initializers {
            for (name, function) in self.initializer_exports().zip(&self.initializers) {
                section.export(&name, ExportKind::Func, *function);
            }
        }
        for (index, name) in self.global_exports().enumerate() {
            section.export(&name, ExportKind::Global, index as u32);
        }
        section.export(FUEL, ExportKind::Global, self.fuel_global());
        for (index, (name, _)) in (self.fuel_global() + 1..).zip(exports.constants) {
            section.export(name, ExportKind::Global, index);
        }
        Ok(section)
    }

    /// One segment per run of filled slots.
    fn element_section(&self) -> ElementSection {
        let mut section = ElementSection::new();
        let mut slot = 0;
        while slot < self.table.len() {
            let run: Vec<u32> = self.table[slot..].iter().map_while(|function| *function).collect();
            if run.is_empty() {
                slot += 1;
                continue;
            }
            let start = ConstExpr::i32_const(slot as i32);
            slot += run.len();
            section.active(None, &start, Elements::Functions(Cow::Owned(run)));
        }
        section
    }
}

/// The stretches of `memory` worth storing, in order: stretches of zeros of at least [`GAP`] bytes are left
/// out.
fn nonzero_runs(memory: &[u8]) -> Vec<(usize, &[u8])> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (index, chunk) in memory.chunks(GAP).enumerate() {
        if chunk.iter().all(|byte| *byte == 0) {
            continue;
        }
        let (start, end) = (index * GAP, index * GAP + chunk.len());
        match runs.last_mut() {
            Some((_, last)) if *last == start => *last = end,
            _ => runs.push((start, end)),
        }
    }
    runs.into_iter().map(|(start, end)| (start, &memory[start..end])).collect()
}
