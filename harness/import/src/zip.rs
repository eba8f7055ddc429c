//! Entries of archives. The archive is never unpacked to disk; each entry is checked against its checksum.

use std::collections::BTreeMap;
use std::io::{BufReader, Read, Take};

use camino::Utf8Path;
use fs_err::File;
use zip::{CompressionMethod, ZipArchive};

use crate::error::{ImportError, Place, content, unreadable};

/// The largest entry, unpacked. Summaries of a million samples are smaller.
const LARGEST: u64 = 1 << 30;

const DAMAGED: &str = "the archive is damaged or was cut short: copy it again, or export the log anew";

/// An open archive.
pub(crate) struct Archive {
    file: String,
    inner: ZipArchive<BufReader<File>>,
    /// By name: index of the entry.
    names: BTreeMap<String, usize>,
}

impl Archive {
    /// Opens an archive.
    ///
    /// # Errors
    /// The file cannot be read, is not a complete archive, or has an entry whose path leads out of it.
    pub(crate) fn open(path: &Utf8Path) -> Result<Self, ImportError> {
        let file = path.to_string();
        let wrong = |message: String, remedy| content(Place::line(&file, 0), message, remedy);
        let reader = BufReader::new(File::open(path).map_err(unreadable(&file))?);
        let mut inner = ZipArchive::new(reader).map_err(|error| wrong(error.to_string(), DAMAGED))?;
        let mut names = BTreeMap::new();
        for index in 0..inner.len() {
            let entry = inner.by_index_raw(index).map_err(|error| wrong(error.to_string(), DAMAGED))?;
            let name = entry.name().map_err(|error| wrong(error.to_string(), DAMAGED))?.into_owned();
            let leaves = name.split(['/', '\\']).any(|part| part == "..") || entry.enclosed_name().is_none();
            if leaves || name.starts_with('/') {
                let message = format!("the path of entry `{name}` leads out of the archive");
                return Err(wrong(
                    message,
                    "no evaluation tool writes such an archive: check where it comes from",
                ));
            }
            names.insert(name, index);
        }
        Ok(Self { file, inner, names })
    }

    /// The names of all entries, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// How an entry is named in errors.
    pub(crate) fn place(&self, name: &str) -> String {
        format!("{}!{name}", self.file)
    }

    /// An entry's bytes; `None` if there is no such entry.
    ///
    /// # Errors
    /// The entry is damaged, compressed in an unknown way, or too large.
    pub(crate) fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, ImportError> {
        let Some(index) = self.names.get(name).copied() else { return Ok(None) };
        let place = self.place(name);
        let wrong = |message: String| content(Place::line(&place, 0), message, DAMAGED);
        let mut entry = self.inner.by_index_raw(index).map_err(|error| wrong(error.to_string()))?;
        let (size, checksum, method) = (entry.size(), entry.crc32(), entry.compression());
        if size > LARGEST || entry.compressed_size() > LARGEST {
            return Err(wrong(format!("the entry has {size} bytes, more than {LARGEST}")));
        }
        let mut packed = Vec::new();
        let mut limited: Take<_> = entry.by_ref().take(LARGEST);
        limited.read_to_end(&mut packed).map_err(unreadable(&place))?;
        let bytes = unpack(&packed, method, usize::try_from(size).unwrap_or(usize::MAX)).map_err(wrong)?;
        if bytes.len() as u64 != size || crc32fast::hash(&bytes) != checksum {
            return Err(wrong("the content of the entry does not match its checksum".to_owned()));
        }
        Ok(Some(bytes))
    }
}

/// Unpacks an entry of known size that is stored, or compressed by deflate or by Zstandard (in any number of frames).
fn unpack(packed: &[u8], method: CompressionMethod, size: usize) -> Result<Vec<u8>, String> {
    match method {
        CompressionMethod::Stored => Ok(packed.to_vec()),
        CompressionMethod::DEFLATE => miniz_oxide::inflate::decompress_to_vec_with_limit(packed, size)
            .map_err(|error| format!("the entry cannot be unpacked: {error}")),
        CompressionMethod::ZSTD => {
            let mut bytes = vec![0; size];
            let mut decoder = ruzstd::decoding::FrameDecoder::new();
            let count = decoder
                .decode_all(packed, &mut bytes)
                .map_err(|error| format!("the entry cannot be unpacked: {error}"))?;
            bytes.truncate(count);
            Ok(bytes)
        }
        other => Err(format!("the entry is compressed by {other:?}, not by deflate or Zstandard")),
    }
}
