//! What a server is asked, how often, and what becomes of its answers.
#![expect(clippy::unwrap_used, reason = "tests")]

mod serving;

use std::time::{Duration, Instant};

use assay_fetch::{HttpError, Server};
use assay_store::ErrorClass;
use serde_json::json;
use serving::{Reply, serve};

const NEVER: &dyn Fn() -> bool = &|| false;

fn answer(status: u16, text: &str) -> Reply {
    Reply::Answer(status, &[], text.to_owned())
}

#[test]
fn a_server_that_is_busy_starting_or_broken_is_asked_again() {
    let listening = serve(|_, before| match before {
        0 => answer(503, r#"{"error": {"message": "Loading model"}}"#),
        1 => Reply::Answer(429, &["retry-after: 0"], String::new()),
        2 => Reply::Cut(200, "{".to_owned(), 100),
        _ => answer(200, r#"{"text": "é"}"#),
    });
    let server = Server::new(&listening.address, None).unwrap();
    let body = json!({ "prompt": [1, 2] });
    assert_eq!(server.post("/x", &body, NEVER).unwrap(), json!({ "text": "é" }));
    let asked = listening.asked.lock().unwrap();
    assert_eq!(asked.len(), 4);
    assert!(
        asked.iter().all(|one| (one.method.as_str(), one.path.as_str(), &one.body) == ("POST", "/x", &body))
    );
}

#[test]
fn what_a_server_refuses_for_good_is_an_error_at_once() {
    let listening = serve(|_, _| answer(400, r#"{"error": {"message": "too\nlong\u001b[31m"}}"#));
    let error = Server::new(&listening.address, None).unwrap().post("/x", &json!({}), NEVER).unwrap_err();
    let url = format!("{}/x", listening.address);
    assert_eq!(
        error,
        HttpError::Refused { url: url.clone(), status: 400, message: "too long[31m".to_owned() }
    );
    assert_eq!(error.to_string(), format!("{url} refuses the request (400): too long[31m"));
    assert_eq!((error.class(), listening.asked.lock().unwrap().len()), (ErrorClass::User, 1));
}

#[test]
fn patience_ends_with_what_the_server_said_last() {
    let listening = serve(|_, _| answer(503, "<h1>later</h1>"));
    let server = Server::new(&listening.address, None).unwrap().with_patience(Duration::from_millis(900));
    let error = server.get("/x", NEVER).unwrap_err();
    assert!(
        matches!(&error, HttpError::Failed { status: 503, message, .. } if message == "an HTML page"),
        "{error}"
    );
    assert_eq!(error.class(), ErrorClass::Environment);
    assert!(listening.asked.lock().unwrap().len() >= 2);

    // Nobody listens on a port that has just been free.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::new(&format!("http://{free}"), None).unwrap().with_patience(Duration::ZERO);
    let error = server.get("/x", NEVER).unwrap_err();
    assert!(matches!(&error, HttpError::Unreachable { .. }), "{error}");
    assert_eq!(error.class(), ErrorClass::Environment);
}

#[test]
fn an_answer_that_is_no_json_is_an_error_at_once() {
    let listening = serve(|_, _| answer(200, "<html>"));
    let error = Server::new(&listening.address, None).unwrap().get("/x", NEVER).unwrap_err();
    assert!(matches!(&error, HttpError::Garbled { .. }), "{error}");
    assert_eq!(listening.asked.lock().unwrap().len(), 1);
}

#[test]
fn a_key_is_sent_and_stands_nowhere_else() {
    let listening = serve(|_, _| answer(401, r#"{"detail": "no such key"}"#));
    let server = Server::new(&listening.address, Some(" s3cret\n")).unwrap();
    let error = server.get("/x", NEVER).unwrap_err();
    let asked = listening.asked.lock().unwrap();
    assert!(asked[0].headers.contains(&"authorization: bearer s3cret".to_owned()), "{:?}", asked[0].headers);
    let said = format!("{server:?} {error} {error:?} {}", error.remedy());
    assert!(!said.contains("s3cret"), "{said}");
    assert!(said.contains("no such key") && said.contains("key that the server asks for"), "{said}");
    // Without a key, none is sent.
    let server = Server::new(&listening.address, Some("")).unwrap();
    drop(asked);
    server.get("/x", NEVER).unwrap_err();
    let asked = listening.asked.lock().unwrap();
    assert!(!asked[1].headers.iter().any(|header| header.starts_with("authorization")));
}

#[test]
fn a_pause_ends_when_nobody_wants_the_answer_any_more() {
    let listening = serve(|_, _| Reply::Answer(503, &["retry-after: 600"], String::new()));
    let server = Server::new(&listening.address, None).unwrap();
    let begun = Instant::now();
    let stopped = || begun.elapsed() > Duration::from_millis(200);
    assert_eq!(server.get("/x", &stopped), Err(HttpError::Stopped));
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn addresses_are_taken_as_they_are_usually_written() {
    for (given, address) in [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        (" http://127.0.0.1:8000/ ", "http://127.0.0.1:8000"),
        ("http://host/v1", "http://host"),
        ("https://host/proxy/v1/", "https://host/proxy"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ] {
        assert_eq!(Server::new(given, None).unwrap().address(), address);
    }
    for given in ["", "127.0.0.1:8000", "ftp://host", "http://", "http://ho st", "http://me:s3cret@host"] {
        let error = Server::new(given, None).unwrap_err();
        assert!(matches!(&error, HttpError::Address { .. }), "{given}: {error}");
        assert_eq!(error.class(), ErrorClass::User);
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
    let error = Server::new("me:s3cret@host:8000", None).unwrap_err();
    assert!(!error.to_string().contains("s3cret"), "{error}");
    let error = Server::new("http://host", Some("two words")).unwrap_err();
    assert_eq!(error.to_string(), "the key for http://host has characters that no header can hold");
}

/// Something on the way that gives up before the server is done must not have the request repeated for ever.
#[test]
fn a_request_that_takes_too_long_each_time_ends_in_an_error() {
    let listening = serve(|_, _| {
        std::thread::sleep(Duration::from_millis(60));
        answer(504, "gateway time-out")
    });
    let server = Server::new(&listening.address, None).unwrap().with_patience(Duration::from_millis(50));
    let error = server.post("/x", &json!({}), NEVER).unwrap_err();
    assert!(matches!(error, HttpError::Failed { status: 504, .. }), "{error}");
    let asked = listening.asked.lock().unwrap().len();
    assert!((2..=10).contains(&asked), "{asked}");
}

#[test]
fn what_a_server_does_not_do_at_all_is_not_asked_for_again() {
    let listening = serve(|_, _| answer(501, r#"{"error": {"message": "not supported"}}"#));
    let error = Server::new(&listening.address, None).unwrap().get("/x", NEVER).unwrap_err();
    assert!(matches!(error, HttpError::Failed { status: 501, .. }), "{error}");
    assert_eq!(listening.asked.lock().unwrap().len(), 1);
}
