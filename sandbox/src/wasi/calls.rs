//! The functions of WASI 0.2 that a guest may call.
//!
//! Offsets in this file follow from the canonical ABI: a `result` or `option` starts with a byte that says
//! which case it is, then the payload at the next multiple of its alignment.

use wasmtime::{Linker, Result, Val};

use super::abi::Call;
use super::files::Node;
use super::preview1;
use super::{Capture, Handle, Host, MAX_HANDLES, READY, ROOT, START_SECONDS, STDERR, STDIN, STDOUT, Stop};
use crate::guest::Guest;
use crate::link::HOST;

/// Cases of `wasi:filesystem/types.error-code`.
const NO_ENTRY: u8 = 20;
const NOT_DIRECTORY: u8 = 24;
const READ_ONLY: u8 = 33;
const BAD_DESCRIPTOR: u8 = 3;
/// Cases of `wasi:sockets/network.error-code`.
const NOT_SUPPORTED: u8 = 2;
/// Cases of `wasi:filesystem/types.descriptor-type`.
const CHARACTER_DEVICE: u8 = 2;
const DIRECTORY: u8 = 3;
const REGULAR_FILE: u8 = 6;
/// Flag of `wasi:filesystem/types.descriptor-flags`.
const READ: u8 = 1;

/// The one file that a program can open: its standard input.
pub(super) const DEV_STDIN: &str = "dev/stdin";
/// Its other names.
const STDIN_NAMES: [&str; 4] = [DEV_STDIN, "dev/fd/0", "proc/self/fd/0", "proc/thread-self/fd/0"];

pub(super) type Function = fn(&mut Call<'_, '_>) -> Result<Option<Val>>;

/// Defines every import in `imports` but those of this crate's own host; those that the sandbox does not provide end the
/// guest when called.
pub(crate) fn define<'a>(
    linker: &mut Linker<Guest>,
    imports: impl Iterator<Item = (&'a str, &'a str, wasmtime::FuncType)>,
) -> Result<()> {
    for (module, name, signature) in imports.filter(|(module, ..)| *module != HOST) {
        let interface = module.split('@').next().unwrap_or(module).to_owned();
        let full_name = format!("{interface}.{name}");
        let function = match module {
            preview1::MODULE => preview1::find(name),
            _ => find(&interface, name),
        };
        linker.func_new(module, name, signature, move |caller, arguments, results| {
            let Some(function) = function else { return Err(Call::stop(Stop::Denied(full_name.clone()))) };
            let mut call = Call::new(caller, arguments);
            if let (Some(value), Some(slot)) = (function(&mut call)?, results.first_mut()) {
                *slot = value;
            }
            call.pay()
        })?;
    }
    Ok(())
}

/// The function behind an import; `None` for those that the sandbox does not provide.
fn find(interface: &str, name: &str) -> Option<Function> {
    if name.starts_with("[resource-drop]") {
        return Some(drop_handle);
    }
    let method = name.rsplit_once('.').map_or(name, |(_, method)| method);
    let package = interface.split_once('/').map_or(interface, |(package, _)| package);
    match package {
        "wasi:cli" => find_in_cli(interface, method),
        "wasi:clocks" => find_in_clocks(interface, method),
        "wasi:io" => find_in_io(interface, method),
        "wasi:filesystem" => find_in_filesystem(interface, method),
        "wasi:sockets" => find_in_sockets(interface, method),
        _ if (interface, method) == ("wasi:random/random", "get-random-bytes") => Some(random_bytes),
        _ => None,
    }
}

/// Arguments, environment, exit and the three standard streams.
fn find_in_cli(interface: &str, method: &str) -> Option<Function> {
    Some(match (interface, method) {
        ("wasi:cli/environment", "get-environment") => get_environment,
        ("wasi:cli/environment", "get-arguments") => empty_list,
        ("wasi:cli/exit", "exit") => |call| Err(Call::stop(Stop::Exit(call.word(0) == 0))),
        ("wasi:cli/stdin", "get-stdin") => |_| handle(STDIN),
        ("wasi:cli/stdout", "get-stdout") => |_| handle(STDOUT),
        ("wasi:cli/stderr", "get-stderr") => |_| handle(STDERR),
        ("wasi:cli/terminal-stdin", "get-terminal-stdin")
        | ("wasi:cli/terminal-stdout", "get-terminal-stdout")
        | ("wasi:cli/terminal-stderr", "get-terminal-stderr") => nothing,
        _ => return None,
    })
}

/// Clocks that count fuel and calls instead of time.
fn find_in_clocks(interface: &str, method: &str) -> Option<Function> {
    Some(match (interface, method) {
        ("wasi:clocks/monotonic-clock", "now") => {
            |call| Ok(Some(Val::I64(call.host_at_its_time()?.tick().cast_signed())))
        }
        ("wasi:clocks/monotonic-clock", "resolution") => |_| Ok(Some(Val::I64(1))),
        ("wasi:clocks/monotonic-clock", "subscribe-instant") => |call| {
            let at = call.long(0);
            handle(call.insert(Handle::Timer(at))?)
        },
        ("wasi:clocks/monotonic-clock", "subscribe-duration") => |call| {
            let duration = call.long(0);
            let at = call.host_at_its_time()?.now().saturating_add(duration);
            handle(call.insert(Handle::Timer(at))?)
        },
        ("wasi:clocks/wall-clock", "now") => wall_clock_now,
        ("wasi:clocks/wall-clock", "resolution") => wall_clock_resolution,
        _ => return None,
    })
}

/// Polling and streams.
fn find_in_io(interface: &str, method: &str) -> Option<Function> {
    Some(match (interface, method) {
        ("wasi:io/poll", "block") => block,
        ("wasi:io/poll", "poll") => poll,
        ("wasi:io/streams", "read" | "blocking-read") => read_stream,
        ("wasi:io/streams", "subscribe") => |_| handle(READY),
        ("wasi:io/streams", "check-write") => check_write,
        ("wasi:io/streams", "write" | "blocking-write-and-flush") => write_stream,
        ("wasi:io/streams", "flush" | "blocking-flush") => success,
        _ => return None,
    })
}

/// Files: reading as far as there are any; what would change them is refused.
fn find_in_filesystem(interface: &str, method: &str) -> Option<Function> {
    Some(match (interface, method) {
        ("wasi:filesystem/preopens", "get-directories") => preopened_directories,
        ("wasi:filesystem/types", "get-flags") => |call| fill(call, 1, &[READ]),
        ("wasi:filesystem/types", "stat") => |call| stat(call, None),
        ("wasi:filesystem/types", "stat-at") => |call| stat(call, Some(2)),
        ("wasi:filesystem/types", "metadata-hash") => |call| metadata_hash(call, None),
        ("wasi:filesystem/types", "metadata-hash-at") => |call| metadata_hash(call, Some(2)),
        ("wasi:filesystem/types", "open-at") => open_at,
        ("wasi:filesystem/types", "read-via-stream") => read_via_stream,
        ("wasi:filesystem/types", "read") => read_at,
        ("wasi:filesystem/types", "read-directory") => read_directory,
        ("wasi:filesystem/types", "read-directory-entry") => read_directory_entry,
        ("wasi:filesystem/types", "readlink-at") => |call| fail(call, 4, NO_ENTRY),
        (
            "wasi:filesystem/types",
            "create-directory-at"
            | "link-at"
            | "remove-directory-at"
            | "rename-at"
            | "symlink-at"
            | "unlink-file-at"
            | "set-times"
            | "set-times-at"
            | "set-size"
            | "sync"
            | "sync-data"
            | "advise",
        ) => |call| fail(call, 1, READ_ONLY),
        ("wasi:filesystem/types", "write-via-stream" | "append-via-stream") => {
            |call| fail(call, 4, READ_ONLY)
        }
        ("wasi:filesystem/types", "write") => |call| fail(call, 8, READ_ONLY),
        _ => return None,
    })
}

/// Sockets: creating one and looking up names is refused.
fn find_in_sockets(interface: &str, method: &str) -> Option<Function> {
    Some(match (interface, method) {
        ("wasi:sockets/tcp-create-socket" | "wasi:sockets/udp-create-socket", _) => {
            |call| fail(call, 4, NOT_SUPPORTED)
        }
        ("wasi:sockets/instance-network", "instance-network") => |_| handle(READY),
        ("wasi:sockets/ip-name-lookup", "resolve-addresses") => |call| fail(call, 4, NOT_SUPPORTED),
        _ => return None,
    })
}

fn handle(index: u32) -> Result<Option<Val>> {
    Ok(Some(Val::I32(index.cast_signed())))
}

/// A `result` without payload, or `option::none`: case 0.
fn success(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    fill(call, 0, &[])
}

fn nothing(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    fill(call, 0, &[])
}

/// Case 0 with the payload at `offset` (which is the payload's alignment).
fn fill(call: &mut Call<'_, '_>, offset: usize, payload: &[u8]) -> Result<Option<Val>> {
    let result = call.result();
    call.put(result, &[0])?;
    call.put(result + offset, payload)?;
    Ok(None)
}

/// Case 1 with an error code at `offset`, the alignment of the result's payload.
fn fail(call: &mut Call<'_, '_>, offset: usize, code: u8) -> Result<Option<Val>> {
    let result = call.result();
    call.put(result, &[1])?;
    call.put(result + offset, &[code])?;
    Ok(None)
}

fn drop_handle(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let index = call.word(0);
    call.host().handles.remove(&index);
    Ok(None)
}

fn empty_list(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let result = call.result();
    call.put_long(result, 0)?;
    Ok(None)
}

fn get_environment(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let variables = call.host().environment.clone();
    let pairs = call.allocate(variables.len() * 16, 4)?;
    for (index, (name, value)) in variables.iter().enumerate() {
        let at = pairs as usize + 16 * index;
        call.put_text(at, name)?;
        call.put_text(at + 8, value)?;
    }
    let result = call.result();
    call.put_word(result, pairs)?;
    call.put_word(result + 4, variables.len() as u32)?;
    Ok(None)
}

fn wall_clock_now(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let now = call.host_at_its_time()?.tick();
    let result = call.result();
    call.put_long(result, START_SECONDS + now / 1_000_000_000)?;
    call.put_word(result + 8, (now % 1_000_000_000) as u32)?;
    Ok(None)
}

fn wall_clock_resolution(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let result = call.result();
    call.put_long(result, 0)?;
    call.put_word(result + 8, 1)?;
    Ok(None)
}

/// Waiting moves the clock: a guest can sleep, but the host never does.
fn wait(host: &mut Host, pollable: u32) {
    if let Some(&Handle::Timer(at)) = host.handles.get(&pollable) {
        host.wait_until(at);
    }
}

fn block(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let pollable = call.word(0);
    wait(call.host_at_its_time()?, pollable);
    Ok(None)
}

/// Everything asked for is made ready; nothing in the sandbox blocks for long.
fn poll(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let (list, length) = (call.word(0), call.word(1));
    if length as usize > MAX_HANDLES {
        return Err(Call::stop(Stop::Denied("a wait for too many things".to_owned())));
    }
    let pollables = call.bytes(list, length * 4)?;
    let host = call.host_at_its_time()?;
    for pollable in pollables.as_chunks::<4>().0 {
        wait(host, u32::from_le_bytes(*pollable));
    }
    let ready: Vec<u8> = (0..length).flat_map(u32::to_le_bytes).collect();
    let result = call.result();
    call.put_list(result, &ready, length, 4)?;
    Ok(None)
}

/// At most this many bytes of a file are given per read, or accepted per write.
pub(super) const CHUNK: usize = 64 * 1024;

fn read_stream(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let (stream, asked) = (call.word(0), call.long(1));
    let wanted = asked.min(CHUNK as u64) as usize;
    // As from a file, all that is asked for.
    let of_stdin = asked.min(u64::from(u32::MAX)) as usize;
    let host = call.host();
    let bytes = match host.handles.get_mut(&stream) {
        None if stream == STDIN => host.read_stdin(of_stdin),
        Some(Handle::Reader { path, .. }) if path == DEV_STDIN => host.read_stdin(of_stdin),
        Some(Handle::Reader { path, position }) => {
            match host.files.as_ref().and_then(|files| files.find("", path)) {
                Some((_, Node::File(bytes))) => take(bytes, position, wanted),
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    };
    let result = call.result();
    if bytes.is_empty() && wanted > 0 {
        // Case `closed` of `stream-error`: the end.
        call.put(result, &[1])?;
        call.put(result + 4, &[1])?;
    } else {
        call.put(result, &[0])?;
        call.put_list(result + 4, &bytes, bytes.len() as u32, 1)?;
    }
    Ok(None)
}

pub(super) fn take(bytes: &[u8], position: &mut usize, wanted: usize) -> Vec<u8> {
    let rest = bytes.get(*position..).unwrap_or_default();
    let taken = rest[..wanted.min(rest.len())].to_vec();
    *position += taken.len();
    taken
}

fn check_write(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    fill(call, 8, &(CHUNK as u64).to_le_bytes())
}

fn write_stream(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let stream = call.word(0);
    // Not copied first: a flood of bytes that are dropped must not cost the host time that the guest pays no
    // fuel for.
    let (bytes, host) = call.bytes_and_host(call.word(1), call.word(2))?;
    let capture: &mut Capture = match stream {
        STDOUT => &mut host.stdout,
        STDERR => &mut host.stderr,
        // Case `closed` of `stream-error`.
        _ => return fail(call, 4, 1),
    };
    capture.write(bytes).map_err(Call::stop)?;
    success(call)
}

fn random_bytes(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let wanted = call.long(0).min(CHUNK as u64) as usize;
    let bytes = call.host().random_bytes(wanted);
    let result = call.result();
    call.put_list(result, &bytes, wanted as u32, 1)?;
    Ok(None)
}

fn preopened_directories(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    if call.host().files.is_none() {
        return empty_list(call);
    }
    let entry = call.allocate(12, 4)?;
    call.put_word(entry as usize, ROOT)?;
    call.put_text(entry as usize + 4, "/")?;
    let result = call.result();
    call.put_word(result, entry)?;
    call.put_word(result + 4, 1)?;
    Ok(None)
}

/// The path that a call is about: that of the descriptor, with the text at argument `path` appended.
fn path_of(call: &mut Call<'_, '_>, path: Option<usize>) -> Result<Option<String>> {
    let descriptor = call.word(0);
    let relative = match path {
        Some(index) => call.path(index)?,
        None => String::new(),
    };
    let host = call.host();
    let base = match host.handles.get(&descriptor) {
        None if descriptor == ROOT => "",
        Some(Handle::Node(path)) => path,
        _ => return Ok(None),
    };
    Ok(find_path(host, base, &relative))
}

/// The path of what is there, if there is anything: a file while there are files, else standard input by any of its names.
pub(super) fn find_path(host: &Host, base: &str, relative: &str) -> Option<String> {
    let name = [base, relative].concat();
    if host.files.is_none() && STDIN_NAMES.contains(&name.trim_start_matches('/')) {
        return Some(DEV_STDIN.to_owned());
    }
    host.files.as_ref().and_then(|files| files.find(base, relative)).map(|(path, _)| path)
}

fn stat(call: &mut Call<'_, '_>, path: Option<usize>) -> Result<Option<Val>> {
    let Some(path) = path_of(call, path)? else { return fail(call, 8, NO_ENTRY) };
    let host = call.host();
    let (kind, size) = match host.files.as_ref().and_then(|files| files.find("", &path)) {
        // As where a file is at the other end of it.
        None if path == DEV_STDIN => {
            host.stdin_size().map_or((CHARACTER_DEVICE, 0), |size| (REGULAR_FILE, size))
        }
        Some((_, Node::File(bytes))) => (REGULAR_FILE, bytes.len() as u64),
        _ => (DIRECTORY, 0),
    };
    let mut record = [0; 96];
    record[0] = kind;
    record[8] = 1;
    record[16..24].copy_from_slice(&size.to_le_bytes());
    fill(call, 8, &record)
}

fn metadata_hash(call: &mut Call<'_, '_>, path: Option<usize>) -> Result<Option<Val>> {
    let Some(path) = path_of(call, path)? else { return fail(call, 8, NO_ENTRY) };
    let hash = blake3::hash(path.as_bytes());
    fill(call, 8, &hash.as_bytes()[..16])
}

fn open_at(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    const WRITING: u32 = 0b10;
    const CREATING: u32 = 0b1;
    let (open_flags, flags) = (call.word(4), call.word(5));
    if open_flags & CREATING != 0 || flags & WRITING != 0 {
        return fail(call, 4, READ_ONLY);
    }
    let Some(path) = path_of(call, Some(2))? else { return fail(call, 4, NO_ENTRY) };
    let index = call.insert(Handle::Node(path))?;
    fill(call, 4, &index.to_le_bytes())
}

fn read_via_stream(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let position = call.long(1) as usize;
    let Some(path) = path_of(call, None)? else { return fail(call, 4, BAD_DESCRIPTOR) };
    let index = call.insert(Handle::Reader { path, position })?;
    fill(call, 4, &index.to_le_bytes())
}

fn read_at(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let (length, mut position) = (call.long(1).min(CHUNK as u64) as usize, call.long(2) as usize);
    let Some(path) = path_of(call, None)? else { return fail(call, 4, BAD_DESCRIPTOR) };
    let bytes = match call.host().files.as_ref().and_then(|files| files.find("", &path)) {
        Some((_, Node::File(bytes))) => take(bytes, &mut position, length),
        _ => return fail(call, 4, BAD_DESCRIPTOR),
    };
    let result = call.result();
    call.put(result, &[0])?;
    call.put_list(result + 4, &bytes, bytes.len() as u32, 1)?;
    call.put(result + 12, &[u8::from(bytes.len() < length)])?;
    Ok(None)
}

fn read_directory(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let Some(path) = path_of(call, None)? else { return fail(call, 4, BAD_DESCRIPTOR) };
    let Some(mut names) = call.host().files.as_ref().map(|files| files.list(&path)) else {
        return fail(call, 4, NOT_DIRECTORY);
    };
    names.reverse();
    let index = call.insert(Handle::Listing(names))?;
    fill(call, 4, &index.to_le_bytes())
}

fn read_directory_entry(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let listing = call.word(0);
    let entry = match call.host().handles.get_mut(&listing) {
        Some(Handle::Listing(names)) => names.pop(),
        _ => return fail(call, 4, BAD_DESCRIPTOR),
    };
    let Some((name, directory)) = entry else { return fill(call, 4, &[0]) };
    fill(call, 4, &[1])?;
    let result = call.result();
    call.put(result + 8, &[if directory { DIRECTORY } else { REGULAR_FILE }])?;
    call.put_text(result + 12, &name)?;
    Ok(None)
}
