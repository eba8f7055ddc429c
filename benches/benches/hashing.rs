//! Storing a large file: one thread reading through a buffer, all threads over a memory map, and the whole
//! `put`.

use assay_bench::{Contender, compare};
use assay_store::Store;
use camino::Utf8PathBuf;

const BYTES: usize = 128 << 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::TempDir::new()?;
    let root = Utf8PathBuf::try_from(folder.path().to_owned())?;
    let file = root.join("large");
    let bytes: Vec<u8> = (0..BYTES).map(|at| (at.wrapping_mul(2_654_435_761) >> 16) as u8).collect();
    std::fs::write(&file, bytes)?;
    let store = Store::open(&root.join("store"))?;
    let hash = store.put_path(&file)?;
    compare(
        "hashing a file of 128 MiB",
        "bytes",
        5,
        vec![
            Contender::new("blake3, one thread, buffered reads", || {
                let mut hasher = blake3::Hasher::new();
                let read =
                    std::fs::File::open(&file).and_then(|file| Ok(hasher.update_reader(file)?.count()));
                read.unwrap_or(0)
            }),
            Contender::new("put_path of a file that the store has", || {
                store.put_path(&file).map_or(0, |again| if again == hash { BYTES as u64 } else { 0 })
            }),
        ],
    );
    Ok(())
}
