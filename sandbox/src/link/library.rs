//! Reading one WebAssembly library: a position-independent one (`dylink.0`), as `wasm-ld -shared` writes it, or a
//! program that was linked to fixed addresses, whose functions are known by its name section.

use std::collections::BTreeMap;

use wasmparser::{
    ConstExpr, Data, DataKind, Dylink0Subsection, Element, ExternalKind, FuncType, FunctionBody, Global,
    Import, KnownCustom, Name, Operator, Parser, Payload, TypeRef,
};

use super::{Input, LinkError};

/// What a library consists of, still in its own index spaces.
pub(super) struct Library<'a> {
    pub name: &'a str,
    /// Bytes of linear memory that its static data needs, zero-initialised data included.
    pub memory_size: u32,
    /// Power of two.
    pub memory_alignment: u32,
    /// Slots of the function table that it needs.
    pub table_size: u32,
    /// Pages of the memory that it has of its own, if it was linked to fixed addresses: its data lies there from
    /// address 0 on, below it the C stack, and its table starts at slot 0.
    pub fixed_pages: Option<u32>,
    /// Addresses of its data by symbol, where it does not export them.
    pub addresses: &'a BTreeMap<String, u32>,
    /// Ranges of its functions, by number, that are left out as far as no others call them.
    pub left_out: &'a [[u32; 2]],
    pub types: Vec<FuncType>,
    pub imports: Vec<Import<'a>>,
    /// Type index of each function that the library defines.
    pub functions: Vec<u32>,
    pub globals: Vec<Global<'a>>,
    pub exports: Vec<(&'a str, ExternalKind, u32)>,
    pub start: Option<u32>,
    pub elements: Vec<Element<'a>>,
    pub bodies: Vec<FunctionBody<'a>>,
    pub data: Vec<Data<'a>>,
}

impl<'a> Library<'a> {
    pub(super) fn parse(input: &Input<'a>) -> Result<Self, LinkError> {
        let name = input.name;
        let mut library = Library {
            name,
            memory_size: 0,
            memory_alignment: 1,
            table_size: 0,
            fixed_pages: None,
            addresses: input.addresses,
            left_out: input.left_out,
            types: Vec::new(),
            imports: Vec::new(),
            functions: Vec::new(),
            globals: Vec::new(),
            exports: Vec::new(),
            start: None,
            elements: Vec::new(),
            bodies: Vec::new(),
            data: Vec::new(),
        };
        library
            .read(input.bytes)
            .map_err(|source| LinkError::Malformed { library: name.to_owned(), source })?;
        Ok(library)
    }

    fn read(&mut self, bytes: &'a [u8]) -> wasmparser::Result<()> {
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::CustomSection(section) => match section.as_known() {
                    KnownCustom::Dylink0(subsections) => self.read_dylink(subsections)?,
                    KnownCustom::Name(subsections) if self.fixed_pages.is_some() => {
                        self.read_names(subsections)?;
                    }
                    _ => {}
                },
                Payload::MemorySection(reader) => {
                    let first = reader.into_iter().next().transpose()?;
                    self.fixed_pages = first.map(|memory| memory.initial as u32);
                }
                Payload::TableSection(reader) => {
                    let first = reader.into_iter().next().transpose()?;
                    self.table_size = first.map_or(0, |table| table.ty.initial as u32);
                }
                Payload::TypeSection(reader) => {
                    self.types = reader.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
                }
                Payload::ImportSection(reader) => {
                    self.imports = reader.into_imports().collect::<Result<_, _>>()?;
                }
                Payload::FunctionSection(reader) => {
                    self.functions = reader.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::GlobalSection(reader) => {
                    self.globals = reader.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::ExportSection(reader) => {
                    for export in reader {
                        let export = export?;
                        self.exports.push((export.name, export.kind, export.index));
                    }
                }
                Payload::StartSection { func, .. } => self.start = Some(func),
                Payload::ElementSection(reader) => {
                    self.elements = reader.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::CodeSectionEntry(body) => self.bodies.push(body),
                Payload::DataSection(reader) => {
                    self.data = reader.into_iter().collect::<Result<_, _>>()?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_dylink(&mut self, subsections: wasmparser::Dylink0SectionReader<'a>) -> wasmparser::Result<()> {
        for subsection in subsections {
            if let Dylink0Subsection::MemInfo(info) = subsection? {
                self.memory_size = info.memory_size;
                self.memory_alignment = 1 << info.memory_alignment.min(16);
                self.table_size = info.table_size;
            }
        }
        Ok(())
    }

    /// Takes functions that are the only ones of their name for exports.
    fn read_names(&mut self, subsections: wasmparser::NameSectionReader<'a>) -> wasmparser::Result<()> {
        let mut named = BTreeMap::new();
        for subsection in subsections {
            if let Name::Function(functions) = subsection? {
                for naming in functions {
                    let naming = naming?;
                    named.entry(naming.name).and_modify(|only| *only = None).or_insert(Some(naming.index));
                }
            }
        }
        for (name, _, _) in &self.exports {
            named.remove(name);
        }
        let only = named.into_iter().filter_map(|(name, index)| Some((name, ExternalKind::Func, index?)));
        self.exports.extend(only);
        Ok(())
    }

    /// The first address above its C stack, if it was linked to fixed addresses: what its first global, the stack
    /// pointer, starts with.
    pub(super) fn fixed_stack(&self) -> Option<u32> {
        self.fixed_pages?;
        let stack_pointer = self.globals.first().filter(|global| global.ty.mutable)?;
        evaluate(&stack_pointer.init_expr, |_| None).map(i32::cast_unsigned)
    }

    /// Where `export` lives in the library's own function index space, if it is a function.
    pub(super) fn exported_function(&self, export: &str) -> Option<u32> {
        self.exports
            .iter()
            .find(|(name, kind, _)| *name == export && *kind == ExternalKind::Func)
            .map(|(_, _, index)| *index)
    }

    /// Whether it both imports this function and exports one of the same name.
    pub(super) fn wraps(&self, name: &str) -> bool {
        let imported = |import: &Import<'_>| import.name == name && matches!(import.ty, TypeRef::Func(_));
        self.exported_function(name).is_some() && self.imports.iter().any(imported)
    }

    /// The active data segments: offset expression and bytes.
    pub(super) fn active_data(&self) -> Result<Vec<(ConstExpr<'a>, &'a [u8])>, LinkError> {
        self.data
            .iter()
            .map(|segment| match &segment.kind {
                DataKind::Active { memory_index: 0, offset_expr } => Ok((offset_expr.clone(), segment.data)),
                _ => Err(self.unsupported("a data segment that is not active")),
            })
            .collect()
    }

    pub(super) fn unsupported(&self, what: &'static str) -> LinkError {
        LinkError::Unsupported { library: self.name.to_owned(), what }
    }
}

/// Evaluates a constant `i32` expression; `global` says what a global of the library is worth.
///
/// Only the operators that `wasm-ld` writes for offsets are known; anything else gives `None`.
pub(super) fn evaluate(expression: &ConstExpr<'_>, global: impl Fn(u32) -> Option<i32>) -> Option<i32> {
    let mut stack = Vec::new();
    let mut operators = expression.get_operators_reader();
    while !operators.eof() {
        match operators.read().ok()? {
            Operator::I32Const { value } => stack.push(value),
            Operator::GlobalGet { global_index } => stack.push(global(global_index)?),
            Operator::I32Add => {
                let (right, left) = (stack.pop()?, stack.pop()?);
                stack.push(left.wrapping_add(right));
            }
            Operator::I32Sub => {
                let (right, left) = (stack.pop()?, stack.pop()?);
                stack.push(left.wrapping_sub(right));
            }
            Operator::End => {}
            _ => return None,
        }
    }
    stack.pop()
}
