//! The set-up of the Python image through pip, as a user meets it whose index does not give what is wanted.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use crate::world::World;

/// An index that gives the same answer to everything, as long as the test lives; its address without the protocol.
fn index(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(stream, status)));
    format!("{address}/simple/")
}

/// Reads a request to its empty line and answers it. Whoever speaks another protocol is answered too.
fn answer(mut stream: TcpStream, status: &str) {
    let mut request = BufReader::new(stream.try_clone().unwrap());
    // A greeting of TLS has no lines; it begins with this byte.
    let tls = request.fill_buf().is_ok_and(|bytes| bytes.first() == Some(&0x16));
    let mut line = Vec::new();
    while !tls && line != b"\r\n" {
        line.clear();
        if !request.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            break;
        }
    }
    _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

/// What an index answers is what is reported, not that it has no such file.
#[test]
fn an_index_that_answers_with_an_error_is_reported_as_such() {
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    if !pip.is_ok_and(|pip| pip.status.success()) {
        eprintln!("skipped: python3 has no pip");
        return;
    }
    let world = World::new();
    std::fs::write(world.path("p.jsonl"), r#"{"id": "sum", "tests": [{"input": "1 2", "output": "3"}]}"#)
        .unwrap();
    let sample = r#"{"sample_id": "s", "question_id": "sum", "code": "print(3)"}"#;
    std::fs::write(world.path("s.jsonl"), sample).unwrap();
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("{}/simple/", listener.local_addr().unwrap())
    };
    for (url, parts) in [
        (format!("http://{}", index("403 Forbidden")), &["does not give it", "403"][..]),
        (format!("http://{}", index("500 Internal Server Error")), &["does not give it", "500"]),
        (format!("https://{}", index("200 OK")), &["does not give it", "ssl certificate"]),
        (format!("http://{}", index("404 Not Found")), &["has no file"]),
        (format!("http://{nobody}"), &["cannot be reached", "refused"]),
    ] {
        let mut command = world.command(&["judge", "p.jsonl", "s.jsonl", "--images", "images"]);
        for setting in
            ["PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST", "PIP_PROXY"]
        {
            command.env_remove(setting);
        }
        command.env("PIP_CONFIG_FILE", "/dev/null").env("PIP_RETRIES", "0").env("PIP_INDEX_URL", &url);
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        let output = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{url}\n{stderr}");
        for part in parts.iter().chain(&["help: "]) {
            assert!(stderr.contains(part), "no {part:?} for {url} in\n{stderr}");
        }
    }
}
