//! Moving values between the host and a guest's memory, as the component model's canonical ABI lays them out.

use wasmtime::{Caller, Error, Extern, Memory, Result, Val};

use super::{Handle, Host, Stop};
use crate::guest::{Broken, Guest};
use crate::link::FUEL;

/// One call from a guest: its arguments and access to its memory.
pub(super) struct Call<'a, 'b> {
    caller: Caller<'a, Guest>,
    arguments: &'b [Val],
    /// Bytes moved from and to the guest.
    moved: u64,
}

/// Bytes of the longest path, as on Linux.
const LONGEST_PATH: u32 = 4096;

impl<'a, 'b> Call<'a, 'b> {
    pub(super) fn new(caller: Caller<'a, Guest>, arguments: &'b [Val]) -> Self {
        Call { caller, arguments, moved: 0 }
    }

    /// Charges the guest for what the call did.
    pub(super) fn pay(mut self) -> Result<()> {
        self.caller.data_mut().tank.charge(self.moved).map_err(Self::stop)
    }

    pub(super) fn host(&mut self) -> &mut Host {
        &mut self.caller.data_mut().host
    }

    /// The host's side after its clock was told how much fuel was used.
    pub(super) fn host_at_its_time(&mut self) -> Result<&mut Host> {
        let counter = self.caller.get_export(FUEL).and_then(Extern::into_global);
        let counter = counter.ok_or_else(|| Error::msg("the image has no fuel"))?;
        let counter = counter.get(&mut self.caller).i64().unwrap_or_default();
        let guest = self.caller.data_mut();
        guest.host.pass(guest.tank.used(counter));
        Ok(&mut guest.host)
    }

    pub(super) fn insert(&mut self, handle: Handle) -> Result<u32> {
        self.host().insert(handle).map_err(Self::stop)
    }

    /// Argument `index` as an address, a length or a handle.
    pub(super) fn word(&self, index: usize) -> u32 {
        self.arguments.get(index).and_then(Val::i32).unwrap_or_default().cast_unsigned()
    }

    /// Argument `index` as a 64-bit number.
    pub(super) fn long(&self, index: usize) -> u64 {
        self.arguments.get(index).and_then(Val::i64).unwrap_or_default().cast_unsigned()
    }

    /// Where the guest wants a result that does not fit into a register: the last argument.
    /// (Addresses are wider here than the guest's, so that adding to one cannot overflow.)
    pub(super) fn result(&self) -> usize {
        self.word(self.arguments.len() - 1) as usize
    }

    fn memory(&mut self) -> Result<Memory> {
        let export = self.caller.get_export("memory").and_then(Extern::into_memory);
        export.ok_or_else(|| Error::msg("the guest has no memory"))
    }

    pub(super) fn bytes(&mut self, address: u32, length: u32) -> Result<Vec<u8>> {
        let (bytes, _) = self.bytes_and_host(address, length)?;
        Ok(bytes.to_vec())
    }

    /// Bytes of the guest's memory as they lie there, and the host's side of the guest.
    pub(super) fn bytes_and_host(&mut self, address: u32, length: u32) -> Result<(&[u8], &mut Host)> {
        self.moved += u64::from(length);
        let (memory, guest) = self.memory()?.data_and_store_mut(&mut self.caller);
        let start = address as usize;
        let bytes = memory.get(start..start + length as usize).ok_or_else(|| Error::new(Broken))?;
        Ok((bytes, &mut guest.host))
    }

    /// The path whose address and length are arguments `index` and `index + 1`. None is longer than
    /// [`LONGEST_PATH`], so what goes on after that does not matter.
    pub(super) fn path(&mut self, index: usize) -> Result<String> {
        let bytes = self.bytes(self.word(index), self.word(index + 1).min(LONGEST_PATH))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn put(&mut self, address: usize, bytes: &[u8]) -> Result<()> {
        self.moved += bytes.len() as u64;
        self.memory()?.write(&mut self.caller, address, bytes).map_err(|_| Error::new(Broken))
    }

    pub(super) fn put_word(&mut self, address: usize, value: u32) -> Result<()> {
        self.put(address, &value.to_le_bytes())
    }

    pub(super) fn put_long(&mut self, address: usize, value: u64) -> Result<()> {
        self.put(address, &value.to_le_bytes())
    }

    /// Copies bytes into fresh memory of the guest and writes their address and number at `address`.
    pub(super) fn put_list(
        &mut self,
        address: usize,
        bytes: &[u8],
        items: u32,
        alignment: i32,
    ) -> Result<()> {
        let at = self.allocate(bytes.len(), alignment)?;
        self.put(at as usize, bytes)?;
        self.put_word(address, at)?;
        self.put_word(address + 4, items)
    }

    pub(super) fn put_text(&mut self, address: usize, text: &str) -> Result<()> {
        self.put_list(address, text.as_bytes(), text.len() as u32, 1)
    }

    pub(super) fn allocate(&mut self, length: usize, alignment: i32) -> Result<u32> {
        let export = self.caller.get_export("cabi_realloc").and_then(Extern::into_func);
        let allocate = export
            .ok_or_else(|| Error::msg("the guest has no allocator"))?
            .typed::<(i32, i32, i32, i32), i32>(&self.caller)?;
        Ok(allocate.call(&mut self.caller, (0, 0, alignment, length as i32))?.cast_unsigned())
    }

    pub(super) fn stop(stop: Stop) -> Error {
        Error::new(stop)
    }
}
