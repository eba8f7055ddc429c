//! Placing libraries, resolving their symbols and rewriting their code into one index space.

use std::collections::BTreeMap;

use wasm_encoder::{Instruction, reencode};
use wasmparser::{ElementItems, ElementKind, ExternalKind, FuncType, TypeRef, ValType};

use super::code::Rewriter;
use super::library::{Library, evaluate};
use super::unused::needed;
use super::{HOST, Input, LinkError, REFILL};

/// Bytes of a WebAssembly page.
pub(super) const PAGE: u32 = 65_536;

/// Symbols that may stay undefined: a call of one returns zero. There is no dynamic loading inside the
/// sandbox, and no `main`.
const MAY_BE_UNDEFINED: [&str; 4] = ["__main_argc_argv", "dlerror", "dlopen", "dlsym"];

/// Exports that each library has of its own and that must not be taken for symbols.
const INITIALIZE: &str = "_initialize";
const APPLY_RELOCATIONS: &str = "__wasm_apply_data_relocs";

/// Libraries merged into one program, with everything needed to write it as a module.
pub(crate) struct Linked {
    pub(super) types: Vec<FuncType>,
    /// Functions that the host must provide: module, name, type index. They come first in the function index
    /// space, and the first of them is [`REFILL`].
    pub(super) imports: Vec<(String, String, u32)>,
    /// Type index of each defined function.
    pub(super) functions: Vec<u32>,
    /// Encoded body of each defined function.
    pub(super) bodies: Vec<Vec<u8>>,
    /// Mutable globals with their first value; number 0 is the stack pointer.
    pub(super) globals: Vec<(ValType, i64)>,
    /// Function index in each table slot; slot 0 stays empty, so that it is the null pointer.
    pub(super) table: Vec<Option<u32>>,
    /// Linear memory at the start, from address 0.
    pub(super) memory: Vec<u8>,
    /// Functions by symbol name.
    pub(super) symbols: BTreeMap<String, u32>,
    /// Functions to call, in this order, before anything else.
    pub(super) initializers: Vec<u32>,
}

/// What a symbol of a library stands for.
#[derive(Clone, Copy)]
enum Symbol {
    Function(u32),
    Address(u32),
}

/// What a global of a library becomes.
#[derive(Clone, Copy)]
pub(super) enum GlobalUse {
    Constant(i32),
    Variable(u32),
}

/// Index spaces of one library, translated.
#[derive(Default)]
pub(super) struct Translation {
    pub types: Vec<u32>,
    pub functions: Vec<u32>,
    pub globals: Vec<GlobalUse>,
}

/// Links `libraries`, given in the order in which they are to be initialised, with a C stack of `stack_bytes`
/// (a multiple of 64 KiB) at the bottom of memory, so that an overflow traps instead of overwriting data.
///
/// Functions that the first library both imports and exports are wrapped by it: its own are called in the
/// place of the other library's, and its imports are the other's.
///
/// A program at fixed addresses has a C stack of its own size.
pub(crate) fn link(libraries: &[Input<'_>], stack_bytes: u32) -> Result<Linked, LinkError> {
    let libraries = libraries.iter().map(Library::parse).collect::<Result<Vec<_>, _>>()?;
    let mut linker = Merger::place(&libraries, stack_bytes);
    linker.assign_functions(&libraries);
    linker.define_symbols(&libraries)?;
    for (index, library) in libraries.iter().enumerate() {
        linker.resolve_imports(index, library)?;
    }
    for (index, library) in libraries.iter().enumerate() {
        linker.copy(index, library)?;
    }
    linker.list_initializers(&libraries);
    Ok(linker.out)
}

struct Merger {
    out: Linked,
    type_indices: BTreeMap<FuncType, u32>,
    symbols: BTreeMap<String, Symbol>,
    /// Functions that the first library wraps, by name.
    wrapped: BTreeMap<String, u32>,
    /// Table slot of each function whose address is taken through the global offset table.
    slots: BTreeMap<u32, u32>,
    memory_bases: Vec<u32>,
    table_bases: Vec<u32>,
    translations: Vec<Translation>,
}

impl Merger {
    /// Gives each library its place in memory and in the table.
    fn place(libraries: &[Library<'_>], stack_bytes: u32) -> Self {
        let fixed = libraries.iter().find_map(|library| Some((library, library.fixed_pages?)));
        let stack_bytes = fixed.and_then(|(library, _)| library.fixed_stack()).unwrap_or(stack_bytes);
        let mut memory = fixed.map_or(stack_bytes, |(_, pages)| pages * PAGE);
        let mut table = fixed.map_or(1, |(library, _)| library.table_size);
        let mut memory_bases = Vec::new();
        let mut table_bases = Vec::new();
        for library in libraries {
            if library.fixed_pages.is_some() {
                memory_bases.push(0);
                table_bases.push(0);
                continue;
            }
            memory = memory.next_multiple_of(library.memory_alignment.max(16));
            memory_bases.push(memory);
            table_bases.push(table);
            memory += library.memory_size;
            table += library.table_size;
        }
        let heap_base = memory.next_multiple_of(16);
        // A megabyte for the first allocations; later ones grow the memory.
        let heap_end = (heap_base + 16 * PAGE).next_multiple_of(PAGE);
        let layout = [
            ("__stack_low", 0),
            ("__stack_high", stack_bytes),
            ("__heap_base", heap_base),
            ("__heap_end", heap_end),
        ];
        Merger {
            out: Linked {
                types: Vec::new(),
                imports: Vec::new(),
                functions: Vec::new(),
                bodies: Vec::new(),
                globals: vec![(ValType::I32, i64::from(stack_bytes))],
                table: vec![None; table as usize],
                memory: vec![0; heap_end as usize],
                symbols: BTreeMap::new(),
                initializers: Vec::new(),
            },
            type_indices: BTreeMap::new(),
            symbols: layout.map(|(name, address)| (name.to_owned(), Symbol::Address(address))).into(),
            wrapped: BTreeMap::new(),
            slots: BTreeMap::new(),
            memory_bases,
            table_bases,
            translations: libraries.iter().map(|_| Translation::default()).collect(),
        }
    }

    /// Numbers all functions: those of the host, the stand-ins for undefined symbols, then each library's
    /// own.
    fn assign_functions(&mut self, libraries: &[Library<'_>]) {
        let refill = FuncType::new([], []);
        self.type_indices.insert(refill.clone(), 0);
        self.out.types.push(refill);
        self.out.imports.push((REFILL.0.to_owned(), REFILL.1.to_owned(), 0));
        for (library, translation) in libraries.iter().zip(&mut self.translations) {
            for function_type in &library.types {
                let next = self.type_indices.len() as u32;
                let index = *self.type_indices.entry(function_type.clone()).or_insert_with(|| {
                    self.out.types.push(function_type.clone());
                    next
                });
                translation.types.push(index);
            }
        }
        for (library, translation) in libraries.iter().zip(&self.translations) {
            for import in library.imports.iter().filter(|import| is_host_module(import.module)) {
                if let TypeRef::Func(index) = import.ty {
                    let known = |(module, name, _): &(String, String, u32)| {
                        module == import.module && name == import.name
                    };
                    if !self.out.imports.iter().any(known) {
                        let function_type = translation.types[index as usize];
                        self.out.imports.push((
                            import.module.to_owned(),
                            import.name.to_owned(),
                            function_type,
                        ));
                    }
                }
            }
        }
        for (library, translation) in libraries.iter().zip(&self.translations) {
            for import in library.imports.iter().filter(|import| MAY_BE_UNDEFINED.contains(&import.name)) {
                if let (TypeRef::Func(index), false) = (import.ty, self.symbols.contains_key(import.name)) {
                    let function_type = translation.types[index as usize];
                    let symbol = Symbol::Function((self.out.imports.len() + self.out.functions.len()) as u32);
                    self.symbols.insert(import.name.to_owned(), symbol);
                    self.out.bodies.push(returning_zero(&self.out.types[function_type as usize]));
                    self.out.functions.push(function_type);
                }
            }
        }
        for (library, translation) in libraries.iter().zip(&mut self.translations) {
            let imported =
                library.imports.iter().filter(|import| matches!(import.ty, TypeRef::Func(_))).count();
            // Imported functions are filled in once symbols are known.
            translation.functions = vec![u32::MAX; imported];
            for function_type in &library.functions {
                translation.functions.push((self.out.imports.len() + self.out.functions.len()) as u32);
                self.out.functions.push(translation.types[*function_type as usize]);
            }
        }
    }

    /// Makes every library's exports known; the first definition of a name wins. What the first library
    /// [wraps](Library::wraps) it stands in front of: the library that the function is from uses the wrapper
    /// too, as all others do.
    fn define_symbols(&mut self, libraries: &[Library<'_>]) -> Result<(), LinkError> {
        for (index, library) in libraries.iter().enumerate() {
            let imported_globals =
                library.imports.iter().filter(|import| matches!(import.ty, TypeRef::Global(_))).count();
            for (name, kind, item) in &library.exports {
                if [INITIALIZE, APPLY_RELOCATIONS].contains(name) {
                    continue;
                }
                let symbol = match kind {
                    ExternalKind::Func => {
                        Symbol::Function(self.translations[index].functions[*item as usize])
                    }
                    ExternalKind::Global => {
                        let global = (*item as usize)
                            .checked_sub(imported_globals)
                            .and_then(|own| library.globals.get(own));
                        let offset = global
                            .filter(|global| !global.ty.mutable)
                            .and_then(|global| evaluate(&global.init_expr, |_| None))
                            .ok_or_else(|| {
                                library.unsupported("an exported global that is no data address")
                            })?;
                        Symbol::Address(self.memory_bases[index].wrapping_add_signed(offset))
                    }
                    _ => continue,
                };
                if let Symbol::Function(function) = symbol {
                    // A library may re-export what it imports; that defines nothing.
                    if function == u32::MAX {
                        continue;
                    }
                    if let Some(Symbol::Function(first)) = self.symbols.get(*name)
                        && (library.fixed_pages.is_some()
                            || libraries.first().is_some_and(|first| first.wraps(name)))
                    {
                        self.wrapped.insert((*name).to_owned(), function);
                        self.translations[index].functions[*item as usize] = *first;
                        continue;
                    }
                    self.out.symbols.entry((*name).to_owned()).or_insert(function);
                }
                self.symbols.entry((*name).to_owned()).or_insert(symbol);
            }
            for (name, address) in library.addresses {
                self.symbols.entry(name.clone()).or_insert(Symbol::Address(*address));
            }
        }
        Ok(())
    }

    fn resolve_imports(&mut self, index: usize, library: &Library<'_>) -> Result<(), LinkError> {
        let mut function = 0;
        let mut globals = Vec::new();
        for import in &library.imports {
            let undefined =
                || LinkError::Undefined { library: library.name.to_owned(), symbol: import.name.to_owned() };
            match import.ty {
                TypeRef::Func(_) => {
                    let target = if is_host_module(import.module) {
                        self.out
                            .imports
                            .iter()
                            .position(|(module, name, _)| module == import.module && name == import.name)
                            .map(|at| at as u32)
                    } else if index == 0 && library.wraps(import.name) {
                        self.wrapped.get(import.name).copied()
                    } else {
                        match self.symbols.get(import.name) {
                            Some(Symbol::Function(target)) => Some(*target),
                            _ => None,
                        }
                    };
                    self.translations[index].functions[function] = target.ok_or_else(undefined)?;
                    function += 1;
                }
                TypeRef::Global(_) => {
                    globals
                        .push(self.resolve_global(index, import.module, import.name).ok_or_else(undefined)?);
                }
                TypeRef::Memory(_) | TypeRef::Table(_) => {}
                _ => return Err(library.unsupported("an import of an unknown kind")),
            }
        }
        for global in &library.globals {
            let value = evaluate(&global.init_expr, |at| match globals.get(at as usize) {
                Some(GlobalUse::Constant(value)) => Some(*value),
                _ => None,
            })
            .filter(|_| global.ty.content_type == ValType::I32)
            .ok_or_else(|| library.unsupported("a global that is no constant number"))?;
            globals.push(if global.ty.mutable && library.fixed_pages.is_some() && globals.is_empty() {
                GlobalUse::Variable(0)
            } else if global.ty.mutable {
                self.out.globals.push((ValType::I32, i64::from(value)));
                GlobalUse::Variable(self.out.globals.len() as u32 - 1)
            } else {
                GlobalUse::Constant(value)
            });
        }
        self.translations[index].globals = globals;
        Ok(())
    }

    fn resolve_global(&mut self, library: usize, module: &str, name: &str) -> Option<GlobalUse> {
        let constant = match (module, name) {
            ("env", "__stack_pointer") => return Some(GlobalUse::Variable(0)),
            ("env", "__memory_base") => self.memory_bases[library],
            ("env", "__table_base") => self.table_bases[library],
            ("GOT.mem", _) => match self.symbols.get(name)? {
                Symbol::Address(address) => *address,
                Symbol::Function(_) => return None,
            },
            ("GOT.func", _) => match *self.symbols.get(name)? {
                Symbol::Function(function) => self.slot(function),
                Symbol::Address(_) => return None,
            },
            _ => return None,
        };
        Some(GlobalUse::Constant(constant.cast_signed()))
    }

    /// The table slot that stands for the address of `function`.
    fn slot(&mut self, function: u32) -> u32 {
        let table = &mut self.out.table;
        *self.slots.entry(function).or_insert_with(|| {
            table.push(Some(function));
            table.len() as u32 - 1
        })
    }

    /// Copies data, table elements and code into the program.
    fn copy(&mut self, index: usize, library: &Library<'_>) -> Result<(), LinkError> {
        let translation = std::mem::take(&mut self.translations[index]);
        let constant = |at: u32| match translation.globals.get(at as usize) {
            Some(GlobalUse::Constant(value)) => Some(*value),
            _ => None,
        };
        for (offset, bytes) in library.active_data()? {
            let target = evaluate(&offset, constant)
                .and_then(|start| {
                    self.out.memory.get_mut(start.cast_unsigned() as usize..)?.get_mut(..bytes.len())
                })
                .ok_or_else(|| library.unsupported("a data segment at an unknown place"))?;
            target.copy_from_slice(bytes);
        }
        for element in &library.elements {
            let (ElementKind::Active { offset_expr, .. }, ElementItems::Functions(functions)) =
                (&element.kind, &element.items)
            else {
                return Err(library.unsupported("a table segment that is no active list of functions"));
            };
            let start = evaluate(offset_expr, constant)
                .ok_or_else(|| library.unsupported("a table segment at an unknown place"))?;
            for (at, function) in functions.clone().into_iter().enumerate() {
                let function = function
                    .map_err(|source| LinkError::Malformed { library: library.name.to_owned(), source })?;
                let slot = self
                    .out
                    .table
                    .get_mut(start.cast_unsigned() as usize + at)
                    .ok_or_else(|| library.unsupported("a table segment outside its place"))?;
                *slot = Some(translation.functions[function as usize]);
            }
        }
        let mut rewriter = Rewriter { translation: &translation, fuel: self.out.fuel_global(), refill: 0 };
        let malformed = |source| LinkError::Malformed { library: library.name.to_owned(), source };
        let needed = needed(library).map_err(malformed)?;
        for ((body, function_type), needed) in library.bodies.iter().zip(&library.functions).zip(needed) {
            if !needed {
                self.out.bodies.push(ending_the_program());
                continue;
            }
            let parameters = library.types[*function_type as usize].params().len();
            let encoded = rewriter.body(body, parameters).map_err(|error| match error {
                reencode::Error::ParseError(source) => {
                    LinkError::Malformed { library: library.name.to_owned(), source }
                }
                _ => library.unsupported("code that uses an unknown feature"),
            })?;
            self.out.bodies.push(encoded);
        }
        self.translations[index] = translation;
        Ok(())
    }

    /// Start functions set up globals, relocations write addresses into data, initialisers run constructors;
    /// each pass over all libraries before the next.
    fn list_initializers(&mut self, libraries: &[Library<'_>]) {
        let mut list = |pick: &dyn Fn(&Library<'_>) -> Option<u32>| {
            for (library, translation) in libraries.iter().zip(&self.translations) {
                if let Some(function) = pick(library) {
                    self.out.initializers.push(translation.functions[function as usize]);
                }
            }
        };
        list(&|library| library.start);
        list(&|library| library.exported_function(APPLY_RELOCATIONS));
        list(&|library| library.exported_function(INITIALIZE));
    }
}

/// What the host provides: its own functions, interfaces such as `wasi:cli/exit@0.2.0`, and those of another host, which
/// it denies.
fn is_host_module(module: &str) -> bool {
    [HOST, "wasi_snapshot_preview1", "host"].contains(&module) || module.starts_with("wasi:")
}

fn ending_the_program() -> Vec<u8> {
    let mut function = wasm_encoder::Function::new([]);
    function.instruction(&Instruction::Unreachable).instruction(&Instruction::End);
    function.into_raw_body()
}

fn returning_zero(function_type: &FuncType) -> Vec<u8> {
    let mut function = wasm_encoder::Function::new([]);
    for result in function_type.results() {
        function.instruction(&match result {
            ValType::I64 => Instruction::I64Const(0),
            ValType::F32 => Instruction::F32Const(0.0.into()),
            ValType::F64 => Instruction::F64Const(0.0.into()),
            _ => Instruction::I32Const(0),
        });
    }
    function.instruction(&Instruction::End);
    function.into_raw_body()
}
