//! Files of the hub: fetched, taken up where a connection broke, checked, and taken from where they are already.
#![expect(clippy::unwrap_used, reason = "tests")]

mod serving;

use std::time::Duration;

use assay_fetch::{FetchError, Hub, HubFile, HubPath};
use assay_store::{ErrorClass, Hash};
use camino::{Utf8Path, Utf8PathBuf};
use serving::{Asked, Listening, Reply, serve};

const NEVER: &dyn Fn() -> bool = &|| false;
const CONTENT: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

fn file() -> HubFile<'static> {
    HubFile {
        at: HubPath { repository: "datasets/maker/name", revision: "c0ffee", path: "data/rows.jsonl" },
        size: CONTENT.len() as u64,
        blake3: Hash::of(CONTENT.as_bytes()),
        lock: "x.lock",
    }
}

struct World {
    _kept: tempfile::TempDir,
    to: Utf8PathBuf,
    home: Utf8PathBuf,
}

impl World {
    fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(kept.path()).unwrap();
        Self { to: folder.join("rows"), home: folder.join("home"), _kept: kept }
    }

    fn part(&self) -> Utf8PathBuf {
        Utf8PathBuf::from(format!("{}.part", self.to))
    }

    fn obtain(&self, listening: &Listening, token: Option<&str>) -> Result<String, FetchError> {
        let hub = Hub::new(&listening.address, token, Some(self.home.clone()), None).unwrap();
        hub.with_patience(Duration::from_millis(900)).obtain(&file(), &self.part(), &self.to, NEVER)?;
        Ok(fs_err::read_to_string(&self.to).unwrap())
    }
}

fn whole() -> Reply {
    Reply::Answer(200, &[], CONTENT.to_owned())
}

fn range(asked: &Asked) -> Option<usize> {
    let header = asked.headers.iter().find_map(|header| header.strip_prefix("range: bytes="))?;
    header.strip_suffix('-')?.parse().ok()
}

#[test]
fn a_file_is_fetched_at_its_revision_with_the_token() {
    let listening = serve(|_, _| whole());
    assert_eq!(World::new().obtain(&listening, Some("hf_s3cret")).unwrap(), CONTENT);
    let asked = listening.asked.lock().unwrap();
    assert_eq!(
        (asked.len(), asked[0].path.as_str()),
        (1, "/datasets/maker/name/resolve/c0ffee/data/rows.jsonl")
    );
    assert!(asked[0].headers.contains(&"authorization: bearer hf_s3cret".to_owned()));
}

#[test]
fn a_token_is_not_sent_to_where_the_hub_points() {
    let elsewhere = serve(|_, _| whole());
    let location: &'static str = Box::leak(
        format!("location: {}/blob", elsewhere.address.replace("127.0.0.1", "localhost")).into_boxed_str(),
    );
    let headers: &'static [&'static str] = Box::leak(Box::new([location]));
    let listening = serve(move |_, _| Reply::Answer(302, headers, String::new()));
    assert_eq!(World::new().obtain(&listening, Some("hf_s3cret")).unwrap(), CONTENT);
    let asked = elsewhere.asked.lock().unwrap();
    assert_eq!(asked[0].path, "/blob");
    assert!(!asked[0].headers.iter().any(|header| header.contains("s3cret")), "{:?}", asked[0].headers);
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let listening = serve(|asked, before| match (before, range(asked)) {
        (0, None) => Reply::Cut(200, CONTENT[..10].to_owned(), CONTENT.len()),
        (1, Some(10)) => Reply::Answer(503, &["retry-after: 0"], String::new()),
        (2, Some(10)) => Reply::Cut(206, CONTENT[10..11].to_owned(), CONTENT.len() - 10),
        (3, Some(11)) => Reply::Answer(206, &[], CONTENT[11..].to_owned()),
        other => panic!("{other:?}"),
    });
    assert_eq!(World::new().obtain(&listening, None).unwrap(), CONTENT);
    // A server that knows no ranges starts over.
    let listening = serve(|_, before| match before {
        0 => Reply::Cut(200, CONTENT[..10].to_owned(), CONTENT.len()),
        _ => whole(),
    });
    assert_eq!(World::new().obtain(&listening, None).unwrap(), CONTENT);
}

#[test]
fn another_file_than_the_locked_one_is_refused_and_removed() {
    for other in ["0123456789abcdefghijklmnopqrstuvwxyZ", "0123456789abcdefghijklmnopqrstuvwxyz0", "0123", ""]
    {
        let listening = serve(move |_, _| Reply::Answer(200, &[], other.to_owned()));
        let world = World::new();
        let error = world.obtain(&listening, None).unwrap_err();
        let name = "data/rows.jsonl of datasets/maker/name at c0ffee";
        let said = match other.len() == CONTENT.len() {
            true => format!(
                "{name} has the hash {}, but x.lock pins {}",
                Hash::of(other.as_bytes()),
                file().blake3
            ),
            false => format!("{name} has {} bytes or more, but x.lock pins {}", other.len(), CONTENT.len()),
        };
        assert_eq!((error.to_string(), error.class()), (said, ErrorClass::Environment));
        assert!(!world.to.exists() && !world.part().exists());
    }
}

#[test]
fn what_the_hub_refuses_is_explained_at_once() {
    let refused = |status: u16, headers: &'static [&'static str]| {
        let listening = serve(move |_, _| Reply::Answer(status, headers, r#"{"error": "no"}"#.to_owned()));
        let error = World::new().obtain(&listening, None).unwrap_err();
        assert_eq!((listening.asked.lock().unwrap().len(), error.class()), (1, ErrorClass::User));
        (error.to_string().replace(&listening.address, "HUB"), error.remedy())
    };
    let gated = &["x-error-code: GatedRepo", "x-error-message: Access to dataset is restricted"];
    let (said, remedy) = refused(403, gated);
    assert_eq!(
        said,
        "data/rows.jsonl of datasets/maker/name at c0ffee is not for everybody, see HUB/datasets/maker/name: \
         Access to dataset is restricted"
    );
    assert!(remedy.contains("HF_TOKEN"));
    // The hub hides from strangers that there is no such repository.
    let (said, _) = refused(401, &["x-error-code: RepoNotFound", "x-error-message: Repository not found"]);
    assert!(
        said.starts_with("the hub does not have ") && said.ends_with("(401): Repository not found"),
        "{said}"
    );
    let (said, remedy) = refused(404, &[]);
    assert_eq!(said, "the hub does not have data/rows.jsonl of datasets/maker/name at c0ffee (404): no");
    assert!(remedy.contains("revision"));
}

#[test]
fn a_hub_that_cannot_be_reached_is_the_environments() {
    let listening = serve(|_, _| Reply::Answer(503, &[], "<h1>busy</h1>".to_owned()));
    let world = World::new();
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let telling = std::sync::Arc::clone(&told);
    let hub =
        Hub::new(&listening.address, None, None, None).unwrap().with_patience(Duration::from_millis(900));
    let hub = hub.with_notice(move |why| telling.lock().unwrap().push(why.to_owned()));
    let error = hub.obtain(&file(), &world.part(), &world.to, NEVER).unwrap_err();
    assert_eq!(*told.lock().unwrap(), [error.to_string()], "once, and not for every try");
    assert!(error.is_out_of_reach() && error.to_string().ends_with("503: an HTML page"), "{error}");
    assert!(listening.asked.lock().unwrap().len() >= 2);
    assert!(!world.to.exists());
}

#[test]
fn what_the_hubs_own_programs_have_fetched_is_taken_if_it_is_the_file() {
    let listening = serve(|_, _| whole());
    let world = World::new();
    let kept = world.home.join("hub/datasets--maker--name/snapshots/c0ffee/data/rows.jsonl");
    fs_err::create_dir_all(kept.parent().unwrap()).unwrap();
    fs_err::write(&kept, CONTENT).unwrap();
    assert_eq!(world.obtain(&listening, None).unwrap(), CONTENT);
    assert_eq!(listening.asked.lock().unwrap().len(), 0);
    fs_err::write(&kept, "damaged").unwrap();
    fs_err::remove_file(&world.to).unwrap();
    assert_eq!(world.obtain(&listening, None).unwrap(), CONTENT);
    assert_eq!(listening.asked.lock().unwrap().len(), 1);
}

#[test]
fn a_download_ends_when_nobody_wants_it_any_more() {
    let listening = serve(|_, _| Reply::Answer(503, &["retry-after: 600"], String::new()));
    let world = World::new();
    let begun = std::time::Instant::now();
    let hub = Hub::new(&listening.address, None, None, None).unwrap();
    let stopped = || begun.elapsed() > Duration::from_millis(200);
    let error = hub.obtain(&file(), &world.part(), &world.to, &stopped).unwrap_err();
    assert!(matches!(error, FetchError::Stopped), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// A run that was killed, or lost the network, goes on where it was.
#[test]
fn what_has_arrived_is_gone_on_from_by_the_next_call() {
    let listening = serve(|asked, before| match (before, range(asked)) {
        (0, None) => Reply::Cut(200, CONTENT[..7].to_owned(), CONTENT.len()),
        (1, Some(7)) => Reply::Answer(404, &[], "gone".to_owned()),
        (2, Some(7)) => Reply::Answer(206, &[], CONTENT[7..].to_owned()),
        other => panic!("{other:?}"),
    });
    let world = World::new();
    assert!(world.obtain(&listening, None).is_err());
    assert!(!world.to.exists());
    assert_eq!(world.obtain(&listening, None).unwrap(), CONTENT);
}

#[test]
fn a_redirection_of_the_hub_to_itself_keeps_the_token() {
    let listening = serve(|asked, _| match asked.path.as_str() {
        "/blob" => whole(),
        _ => Reply::Answer(307, &["location: /blob"], String::new()),
    });
    assert_eq!(World::new().obtain(&listening, Some("hf_s3cret")).unwrap(), CONTENT);
    let asked = listening.asked.lock().unwrap();
    assert!(
        asked.iter().all(|one| one.headers.contains(&"authorization: bearer hf_s3cret".to_owned())),
        "{asked:?}"
    );
}

#[test]
fn a_path_may_have_any_character() {
    let listening = serve(|_, _| whole());
    let world = World::new();
    let hub = Hub::new(&listening.address, None, None, None).unwrap();
    hub.obtain(
        &HubFile { at: HubPath { path: "data/a b#c?é.csv", ..file().at }, ..file() },
        &world.part(),
        &world.to,
        NEVER,
    )
    .unwrap();
    let asked = listening.asked.lock().unwrap();
    assert_eq!(asked[0].path, "/datasets/maker/name/resolve/c0ffee/data/a%20b%23c%3F%C3%A9.csv");
}

#[test]
fn a_revision_is_a_commit_of_the_repository() {
    let sha = "0123456789abcdef0123456789abcdef01234567";
    let listening = serve(move |_, _| Reply::Answer(200, &[], format!("{{\"sha\": \"{sha}\"}}")));
    let hub = Hub::new(&listening.address, Some("hf_s3cret"), None, None).unwrap();
    assert_eq!(hub.commit("datasets/maker/name", None, NEVER).unwrap(), sha);
    assert_eq!(hub.commit("maker/model", Some("v1/x"), NEVER).unwrap(), sha);
    let asked = listening.asked.lock().unwrap();
    let paths: Vec<&str> = asked.iter().map(|asked| asked.path.as_str()).collect();
    assert_eq!(paths, ["/api/datasets/maker/name/revision/main", "/api/models/maker/model/revision/v1%2Fx"]);
    assert!(asked[0].headers.contains(&"authorization: bearer hf_s3cret".to_owned()));
}

#[test]
fn what_the_hub_calls_a_commit_must_be_one() {
    for answer in ["{}", "{\"sha\": \"main\"}", "no JSON"] {
        let listening = serve(move |_, _| Reply::Answer(200, &[], answer.to_owned()));
        let hub = Hub::new(&listening.address, None, None, None).unwrap();
        let error = hub.commit("maker/model", None, NEVER).unwrap_err();
        assert!(
            matches!(&error, FetchError::NotOnHub { message, .. } if message.contains("no commit")),
            "{error}"
        );
    }
}

/// The connection breaks once: what has arrived is not fetched again.
#[test]
fn a_file_that_nobody_has_pinned_is_fetched_to_its_end() {
    let listening = serve(|asked, number| match (number, range(asked)) {
        (0, None) => Reply::Cut(200, CONTENT[..10].to_owned(), CONTENT.len()),
        (_, Some(from)) => Reply::Answer(206, &[], CONTENT[from..].to_owned()),
        _ => Reply::Answer(500, &[], String::new()),
    });
    let world = World::new();
    let hub =
        Hub::new(&listening.address, None, None, None).unwrap().with_patience(Duration::from_millis(900));
    let found = hub.fetch(&file().at, &world.to, NEVER).unwrap();
    assert_eq!(found, (Hash::of(CONTENT.as_bytes()), CONTENT.len() as u64));
    assert_eq!(fs_err::read_to_string(&world.to).unwrap(), CONTENT);
}

/// By its whole path or by its name; another file of that name is passed over.
#[test]
fn a_file_that_was_brought_by_hand_is_not_fetched() {
    for place in ["datasets/maker/name/data/rows.jsonl", "rows.jsonl"] {
        let world = World::new();
        let brought = world.home.join("brought");
        let path = brought.join(place);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, CONTENT).unwrap();
        let hub = Hub::new("http://127.0.0.1:9", None, None, None).unwrap().with_patience(Duration::ZERO);
        let hub = hub.with_brought(brought);
        hub.obtain(&file(), &world.part(), &world.to, NEVER).unwrap();
        assert_eq!(fs_err::read_to_string(&world.to).unwrap(), CONTENT);
        fs_err::remove_file(&world.to).unwrap();
        fs_err::write(&path, "another one").unwrap();
        let error = hub.obtain(&file(), &world.part(), &world.to, NEVER).unwrap_err();
        assert!(matches!(error, FetchError::HubOutOfReach { .. }), "{error}");
    }
}
