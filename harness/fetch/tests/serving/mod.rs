//! A server that answers as a test says, on a port of this machine.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a server was asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<String>,
    pub(crate) body: serde_json::Value,
}

/// What it does.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// It answers with a status, more headers, and a text.
    Answer(u16, &'static [&'static str], String),
    /// It sends a part of the answer, of so many bytes in all, and closes the connection.
    Cut(u16, String, usize),
}

/// The address of the server, and all that it was asked.
pub(crate) struct Listening {
    pub(crate) address: String,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
}

/// Starts a server, which runs until the test's process ends. `answer` gets what was asked, and how often the server was
/// asked before.
pub(crate) fn serve(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (known, answer) = (Arc::clone(&asked), Arc::new(answer));
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let (known, answer) = (Arc::clone(&known), Arc::clone(&answer));
            std::thread::spawn(move || while one(&connection, &known, answer.as_ref()).is_some() {});
        }
    });
    Listening { address, asked }
}

/// One request of a connection; `None` if there is no further one.
fn one(
    mut connection: &TcpStream,
    known: &Mutex<Vec<Asked>>,
    answer: &(dyn Fn(&Asked, usize) -> Reply + Send + Sync),
) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let mut words = first.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim() {
            "" => break,
            header => headers.push(header.to_lowercase()),
        }
    }
    let length =
        headers.iter().find_map(|header| header.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let asked = Asked { method, path, headers, body };
    let before = {
        let mut known = known.lock().unwrap();
        known.push(asked.clone());
        known.len() - 1
    };
    let (status, more, text, length) = match answer(&asked, before) {
        Reply::Answer(status, more, text) => (status, more, text.clone(), text.len()),
        Reply::Cut(status, part, length) => (status, &[][..], part, length),
    };
    let more: String = more.iter().map(|header| format!("{header}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{more}\r\n"
    );
    connection.write_all(head.as_bytes()).ok()?;
    connection.write_all(text.as_bytes()).ok()?;
    if text.len() < length {
        _ = connection.shutdown(std::net::Shutdown::Both);
        return None;
    }
    Some(())
}
