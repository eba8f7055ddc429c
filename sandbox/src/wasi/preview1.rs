//! The functions of WASI preview 1 that a guest may call: the same host as that of WASI 0.2, for interpreters that were
//! built for the older interface. Every function gives an error number, 0 for success.

#[cfg(test)]
mod tests;

use wasmtime::{Result, Val};

use super::abi::Call;
use super::calls::{CHUNK, DEV_STDIN, Function, find_path, take};
use super::files::Node;
use super::{Handle, START_SECONDS, Stop};

/// Module of these functions.
pub(super) const MODULE: &str = "wasi_snapshot_preview1";

/// Error numbers.
const SUCCESS: i32 = 0;
const BAD_DESCRIPTOR: i32 = 8;
const INVALID: i32 = 28;
const NO_ENTRY: i32 = 44;
const NOT_DIRECTORY: i32 = 54;
const NO_SOCKET: i32 = 57;
const READ_ONLY: i32 = 69;
const NO_SEEKING: i32 = 70;

/// Descriptors that are there from the start: the streams, and the root of the files while there are any.
const STDIN: u32 = 0;
const STDOUT: u32 = 1;
const STDERR: u32 = 2;
const ROOT: u32 = 3;

/// Types of files.
const CHARACTER_DEVICE: u8 = 2;
const DIRECTORY: u8 = 3;
const REGULAR_FILE: u8 = 4;

/// Buffers of one call that are looked at: more than the C library ever passes.
const MOST_BUFFERS: u32 = 1024;

/// The function behind an import; `None` for those that the sandbox does not provide.
pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
        "args_get" | "fd_advise" | "fd_sync" | "fd_datasync" | "fd_fdstat_set_flags" | "sched_yield" => {
            |_| number(SUCCESS)
        }
        "args_sizes_get" => |call| put_words(call, &[(0, 0), (1, 0)]),
        "environ_get" => environment,
        "environ_sizes_get" => environment_sizes,
        "clock_res_get" => |call| put_long(call, 1, 1),
        "clock_time_get" => clock_time,
        "fd_close" => close,
        "fd_fdstat_get" => descriptor_status,
        "fd_filestat_get" => |call| file_status(call, None, 1),
        "path_filestat_get" => |call| file_status(call, Some(2), 4),
        "fd_prestat_get" => preopened,
        "fd_prestat_dir_name" => preopened_name,
        "fd_pread" => read_at,
        "fd_read" => read,
        "fd_readdir" => read_directory,
        "fd_seek" => seek,
        "fd_tell" => tell,
        "fd_write" => write,
        "path_open" => open,
        "path_readlink" => |_| number(NO_ENTRY),
        "fd_filestat_set_size"
        | "fd_filestat_set_times"
        | "fd_pwrite"
        | "path_create_directory"
        | "path_filestat_set_times"
        | "path_link"
        | "path_remove_directory"
        | "path_rename"
        | "path_symlink"
        | "path_unlink_file" => |_| number(READ_ONLY),
        "poll_oneoff" => poll,
        "proc_exit" => |call| Err(Call::stop(Stop::Exit(call.word(0) == 0))),
        "random_get" => random,
        "sock_accept" | "sock_recv" | "sock_send" | "sock_shutdown" => |_| number(NO_SOCKET),
        _ => return None,
    })
}

/// An error number as what a function gives.
fn number(number: i32) -> Result<Option<Val>> {
    Ok(Some(Val::I32(number)))
}

/// Writes words where the arguments of these numbers point.
fn put_words(call: &mut Call<'_, '_>, words: &[(usize, u32)]) -> Result<Option<Val>> {
    for (argument, word) in words {
        let at = call.word(*argument) as usize;
        call.put_word(at, *word)?;
    }
    number(SUCCESS)
}

fn put_long(call: &mut Call<'_, '_>, argument: usize, long: u64) -> Result<Option<Val>> {
    let at = call.word(argument) as usize;
    call.put_long(at, long)?;
    number(SUCCESS)
}

/// The environment as texts that end with a zero.
fn variables(call: &mut Call<'_, '_>) -> Vec<Vec<u8>> {
    let pairs = call.host().environment.iter();
    pairs.map(|(name, value)| format!("{name}={value}\0").into_bytes()).collect()
}

fn environment(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let (mut pointer, mut at) = (call.word(0) as usize, call.word(1) as usize);
    for text in variables(call) {
        call.put_word(pointer, at as u32)?;
        call.put(at, &text)?;
        pointer += 4;
        at += text.len();
    }
    number(SUCCESS)
}

fn environment_sizes(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let texts = variables(call);
    let bytes: usize = texts.iter().map(Vec::len).sum();
    put_words(call, &[(0, texts.len() as u32), (1, bytes as u32)])
}

fn clock_time(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    const REAL_TIME: u32 = 0;
    let start = if call.word(0) == REAL_TIME { START_SECONDS * 1_000_000_000 } else { 0 };
    let now = call.host_at_its_time()?.tick().saturating_add(start);
    put_long(call, 2, now)
}

fn close(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let descriptor = call.word(0);
    call.host().handles.remove(&descriptor);
    number(SUCCESS)
}

/// Path of an open file or folder.
fn path_of_descriptor(call: &mut Call<'_, '_>, descriptor: u32) -> Option<String> {
    let host = call.host();
    match host.handles.get(&descriptor) {
        // A program has no files, but `/dev/stdin` is below the root.
        None if descriptor == ROOT => Some(String::new()),
        None if descriptor == STDIN => Some(DEV_STDIN.to_owned()),
        Some(Handle::Node(path) | Handle::Reader { path, .. }) => Some(path.clone()),
        _ => None,
    }
}

/// Type and size of what a path leads to.
fn kind_of(call: &mut Call<'_, '_>, path: &str) -> (u8, u64) {
    let host = call.host();
    match host.files.as_ref().and_then(|files| files.find("", path)) {
        None if path == DEV_STDIN => {
            host.stdin_size().map_or((CHARACTER_DEVICE, 0), |size| (REGULAR_FILE, size))
        }
        Some((_, Node::File(bytes))) => (REGULAR_FILE, bytes.len() as u64),
        _ => (DIRECTORY, 0),
    }
}

fn descriptor_status(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let descriptor = call.word(0);
    let kind = match descriptor {
        STDIN | STDOUT | STDERR => CHARACTER_DEVICE,
        _ => match path_of_descriptor(call, descriptor) {
            Some(path) => kind_of(call, &path).0,
            None => return number(BAD_DESCRIPTOR),
        },
    };
    let mut record = [0; 24];
    record[0] = kind;
    // All rights: a device that cannot seek would be a terminal.
    record[8..].fill(0xff);
    let at = call.word(1) as usize;
    call.put(at, &record)?;
    number(SUCCESS)
}

/// Type and size of a descriptor, or of the path at argument `path`, written where argument `to` points.
fn file_status(call: &mut Call<'_, '_>, path: Option<usize>, to: usize) -> Result<Option<Val>> {
    let descriptor = call.word(0);
    let (kind, size) = match path {
        None if [STDIN, STDOUT, STDERR].contains(&descriptor) => (CHARACTER_DEVICE, 0),
        None => match path_of_descriptor(call, descriptor) {
            Some(path) => kind_of(call, &path),
            None => return number(BAD_DESCRIPTOR),
        },
        Some(index) => match resolve(call, index)? {
            Some(path) => kind_of(call, &path),
            None => return number(NO_ENTRY),
        },
    };
    let mut record = [0; 64];
    record[16] = kind;
    record[24] = 1;
    record[32..40].copy_from_slice(&size.to_le_bytes());
    let at = call.word(to) as usize;
    call.put(at, &record)?;
    number(SUCCESS)
}

/// The path whose address and length are arguments `index` and `index + 1`, below the folder of argument 0; `None` if
/// nothing is there.
fn resolve(call: &mut Call<'_, '_>, index: usize) -> Result<Option<String>> {
    let folder = call.word(0);
    let relative = call.path(index)?;
    let Some(base) = path_of_descriptor(call, folder) else { return Ok(None) };
    Ok(find_path(call.host(), &base, &relative))
}

fn preopened(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    if call.word(0) != ROOT || call.host().files.is_none() {
        return number(BAD_DESCRIPTOR);
    }
    // A directory whose name has one byte.
    put_long(call, 1, 1 << 32)
}

fn preopened_name(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let at = call.word(1) as usize;
    call.put(at, b"/")?;
    number(SUCCESS)
}

fn open(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    const CREATING: u32 = 1;
    const DIRECTORIES_ONLY: u32 = 2;
    const TRUNCATING: u32 = 8;
    const WRITING: u64 = 1 << 6;
    const APPENDING: u32 = 1;
    let (flags, rights) = (call.word(4), call.long(5));
    if flags & (CREATING | TRUNCATING) != 0 || call.word(7) & APPENDING != 0 {
        return number(READ_ONLY);
    }
    let Some(path) = resolve(call, 2)? else {
        return number(NO_ENTRY);
    };
    let (kind, _) = kind_of(call, &path);
    if kind != DIRECTORY && rights & WRITING != 0 {
        return number(READ_ONLY);
    }
    if kind != DIRECTORY && flags & DIRECTORIES_ONLY != 0 {
        return number(NOT_DIRECTORY);
    }
    let handle = if kind == DIRECTORY { Handle::Node(path) } else { Handle::Reader { path, position: 0 } };
    let index = call.insert(handle)?;
    put_words(call, &[(8, index)])
}

/// Addresses and lengths of the buffers of a call: a list at argument 1, its length at argument 2.
fn buffers(call: &mut Call<'_, '_>) -> Result<Vec<(usize, u32)>> {
    let count = call.word(2).min(MOST_BUFFERS);
    let list = call.bytes(call.word(1), count * 8)?;
    let (words, _) = list.as_chunks::<4>();
    let pairs = words.as_chunks::<2>().0.iter();
    Ok(pairs.map(|pair| pair.map(u32::from_le_bytes)).map(|[at, length]| (at as usize, length)).collect())
}

fn read(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let descriptor = call.word(0);
    let mut total = 0;
    for (at, length) in buffers(call)? {
        let host = call.host();
        let bytes = match host.handles.get_mut(&descriptor) {
            None if descriptor == STDIN => host.read_stdin(length as usize),
            Some(Handle::Reader { path, .. }) if path == DEV_STDIN => host.read_stdin(length as usize),
            Some(Handle::Reader { path, position }) => {
                match host.files.as_ref().and_then(|files| files.find("", path)) {
                    Some((_, Node::File(bytes))) => take(bytes, position, length as usize),
                    _ => Vec::new(),
                }
            }
            _ => return number(BAD_DESCRIPTOR),
        };
        call.put(at, &bytes)?;
        total = u32::saturating_add(total, bytes.len() as u32);
        if bytes.len() < length as usize {
            break;
        }
    }
    put_words(call, &[(3, total)])
}

fn read_at(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let Some(path) = path_of_descriptor(call, call.word(0)).filter(|path| path != DEV_STDIN) else {
        return number(NO_SEEKING);
    };
    let mut position = usize::try_from(call.long(3)).unwrap_or(usize::MAX);
    let mut total = 0;
    for (at, length) in buffers(call)? {
        let bytes = match call.host().files.as_ref().and_then(|files| files.find("", &path)) {
            Some((_, Node::File(bytes))) => take(bytes, &mut position, length as usize),
            _ => return number(BAD_DESCRIPTOR),
        };
        call.put(at, &bytes)?;
        total = u32::saturating_add(total, bytes.len() as u32);
    }
    put_words(call, &[(4, total)])
}

/// Entries of a folder from a number on, as many as fit, the last one cut.
fn read_directory(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let Some(path) = path_of_descriptor(call, call.word(0)) else { return number(BAD_DESCRIPTOR) };
    let (at, room) = (call.word(1) as usize, (call.word(2) as usize).min(CHUNK));
    let first = usize::try_from(call.long(3)).unwrap_or(usize::MAX);
    let names = call.host().files.as_ref().map(|files| files.list(&path)).unwrap_or_default();
    let mut written = Vec::new();
    for (index, (name, is_directory)) in names.iter().enumerate().skip(first) {
        if written.len() >= room {
            break;
        }
        written.extend((index as u64 + 1).to_le_bytes());
        written.extend((index as u64 + 1).to_le_bytes());
        written.extend((name.len() as u32).to_le_bytes());
        written.extend(u32::from(if *is_directory { DIRECTORY } else { REGULAR_FILE }).to_le_bytes());
        written.extend(name.as_bytes());
    }
    written.truncate(room);
    call.put(at, &written)?;
    put_words(call, &[(4, written.len() as u32)])
}

/// Moves in a file of the library; the streams are no files.
fn seek(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    const FROM_START: u32 = 0;
    const FROM_HERE: u32 = 1;
    const FROM_END: u32 = 2;
    let (descriptor, offset, whence) = (call.word(0), call.long(1).cast_signed(), call.word(2));
    let Some(path) = path_of_descriptor(call, descriptor).filter(|path| path != DEV_STDIN) else {
        return number(NO_SEEKING);
    };
    let (_, size) = kind_of(call, &path);
    let Some(Handle::Reader { position, .. }) = call.host().handles.get_mut(&descriptor) else {
        return number(NO_SEEKING);
    };
    let base = match whence {
        FROM_START => 0,
        FROM_HERE => *position as u64,
        FROM_END => size,
        _ => return number(INVALID),
    };
    let Some(new) = base.checked_add_signed(offset) else { return number(INVALID) };
    *position = usize::try_from(new).unwrap_or(usize::MAX);
    put_long(call, 3, new)
}

fn tell(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let descriptor = call.word(0);
    match call.host().handles.get(&descriptor) {
        Some(Handle::Reader { path, position }) if path != DEV_STDIN => {
            let position = *position as u64;
            put_long(call, 1, position)
        }
        _ => number(NO_SEEKING),
    }
}

fn write(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let descriptor = call.word(0);
    let mut total = 0;
    for (at, length) in buffers(call)? {
        let (bytes, host) = call.bytes_and_host(at as u32, length)?;
        let capture = match descriptor {
            STDOUT => &mut host.stdout,
            STDERR => &mut host.stderr,
            _ => return number(BAD_DESCRIPTOR),
        };
        capture.write(bytes).map_err(Call::stop)?;
        total = u32::saturating_add(total, length);
    }
    put_words(call, &[(3, total)])
}

/// What is waited for is made ready: the clock moves to the earliest time that is wanted, unless a stream is wanted too.
fn poll(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    const SUBSCRIPTION: u32 = 48;
    let count = call.word(2);
    if count == 0 || count > MOST_BUFFERS {
        return number(INVALID);
    }
    let asked = call.bytes(call.word(0), count * SUBSCRIPTION)?;
    let now = call.host_at_its_time()?.now();
    let mut times = Vec::new();
    for one in asked.as_chunks::<48>().0 {
        let (tag, flags) = (one[8], one[40]);
        let timeout = u64::from_le_bytes(one.as_chunks().0[3]);
        let is_real = one[16] == 0;
        let start = if is_real { START_SECONDS * 1_000_000_000 } else { 0 };
        times.push(match (tag, flags & 1) {
            (0, 0) => now.saturating_add(timeout),
            (0, _) => timeout.saturating_sub(start),
            _ => now,
        });
    }
    let first = times.iter().copied().min().unwrap_or(now);
    call.host().wait_until(first);
    let mut events = Vec::new();
    for (one, _) in asked.as_chunks::<48>().0.iter().zip(&times).filter(|(_, time)| **time <= first) {
        let mut event = [0; 32];
        event[..8].copy_from_slice(&one[..8]);
        event[10] = one[8];
        event[16] = 1;
        events.extend(event);
    }
    let at = call.word(1) as usize;
    call.put(at, &events)?;
    put_words(call, &[(3, events.len() as u32 / 32)])
}

fn random(call: &mut Call<'_, '_>) -> Result<Option<Val>> {
    let (start, wanted) = (call.word(0) as usize, call.word(1) as usize);
    for at in (0..wanted).step_by(CHUNK) {
        let bytes = call.host().random_bytes(CHUNK.min(wanted - at));
        call.put(start + at, &bytes)?;
    }
    number(SUCCESS)
}
