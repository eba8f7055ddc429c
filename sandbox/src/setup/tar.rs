//! Reading a plain (ustar) tar archive: regular files with names of up to 255 bytes.

use crate::wasi::Files;

const BLOCK: usize = 512;

/// Adds the regular files of an archive under `folder`, or gives `None` if it is cut short or uses another
/// format.
pub(super) fn add_files(files: &mut Files, archive: &[u8], folder: &str) -> Option<()> {
    let mut rest = archive;
    while let Some((header, body)) = rest.split_at_checked(BLOCK) {
        if header[0] == 0 {
            return Some(());
        }
        let size = octal(&header[124..136])?;
        let bytes = body.get(..size)?;
        match header[156] {
            b'0' | 0 => {
                let (prefix, name) = (text(&header[345..500])?, text(&header[..100])?);
                let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
                files.insert(format!("{folder}/{}", path.trim_start_matches("./")), bytes.to_vec());
            }
            b'5' => {}
            _ => return None,
        }
        rest = body.get(size.next_multiple_of(BLOCK)..)?;
    }
    Some(())
}

fn text(field: &[u8]) -> Option<&str> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    std::str::from_utf8(&field[..end]).ok()
}

fn octal(field: &[u8]) -> Option<usize> {
    usize::from_str_radix(text(field)?.trim_matches(' '), 8).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn files(archive: &[u8], folder: &str) -> Option<Files> {
        let mut files = Files::default();
        add_files(&mut files, archive, folder).map(|()| files)
    }

    fn entry(name: &str, kind: u8, bytes: &[u8]) -> Vec<u8> {
        let mut block = vec![0; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        block[156] = kind;
        block.extend(bytes);
        block.resize(block.len().next_multiple_of(BLOCK), 0);
        block
    }

    #[test]
    fn files_are_read_and_folders_skipped() {
        let long = vec![7; 1000];
        let archive = [
            entry("a/", b'5', b""),
            entry("a/b.py", b'0', b"x = 1"),
            entry("c", 0, &long),
            vec![0; 2 * BLOCK],
        ]
        .concat();
        let files = files(&archive, "lib").unwrap();
        assert_eq!(files.bytes("lib/a/b.py"), Some(&b"x = 1"[..]));
        assert_eq!(files.bytes("lib/c"), Some(&long[..]));
        assert_eq!(files.bytes("lib/a"), None);
    }

    #[test]
    fn a_cut_or_foreign_archive_is_refused() {
        let archive = entry("a", b'0', &[1; 600]);
        assert!(files(&archive[..BLOCK + 100], "lib").is_none());
        assert!(files(&entry("a", b'2', b""), "lib").is_none());
    }
}
