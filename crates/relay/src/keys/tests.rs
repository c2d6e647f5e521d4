//! Keys: what opens, what no longer opens, and what lies on the disk.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use super::{KeyError, Keys, one_time};
use crate::clock::{Clock, ManualClock, Random, SystemRandomness};
use crate::config::Config;
use crate::meeting::graph::{Certificates, Shelf};
use crate::store::Store;
use crate::store::sqlite::SqliteStore;

struct Place {
    folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    config: Config,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("relay.sqlite").display());
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&url, 2, Duration::from_secs(5)).await.unwrap());
        let text = crate::config::NORTHSIDE;
        let mut config = Config::assemble(text, Path::new("test"), Vec::new()).unwrap();
        config.keys.directory = folder.path().join("keys");
        Self { folder, store, config }
    }

    async fn keys(&self) -> Result<Keys, KeyError> {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(noon()));
        let random: Arc<dyn Random> = Arc::new(SystemRandomness::default());
        Keys::open(&self.config, &self.store, &clock, &random).await
    }
}

fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn the_key_of_graphs_notifications_lies_sealed_and_opens_after_a_restart() {
    let place = Place::new().await;
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(noon()));
    let open = async || {
        let keys: Arc<dyn Shelf> = Arc::new(place.keys().await.unwrap());
        Certificates::open(keys, Arc::clone(&clock)).unwrap()
    };
    let made = open().await.current();
    assert_eq!(open().await.current(), made);
    for file in std::fs::read_dir(&place.config.keys.directory).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(5).any(|it| it == b"BEGIN"), "a key lies open");
    }
}

#[tokio::test]
async fn what_was_sealed_opens_after_a_restart_and_only_in_its_place() {
    let place = Place::new().await;
    let first = place.keys().await.unwrap();
    let (key, wrapped) = first.new_visit_key("northside", "v1", noon()).unwrap();
    let sealed = key.seal(b"v1", b"CANARY plain");
    assert!(!sealed.windows(6).any(|it| it == b"CANARY"));
    let again = place.keys().await.unwrap();
    let opened = again.open_visit_key("northside", "v1", &wrapped).unwrap();
    assert_eq!(opened.open(b"v1", &sealed).unwrap().as_slice(), b"CANARY plain");
    assert!(matches!(opened.open(b"v2", &sealed), Err(KeyError::Unopenable)));
    assert!(again.open_visit_key("northside", "v2", &wrapped).is_err(), "another visit's row");
    assert!(matches!(again.open_visit_key("harbor", "v1", &wrapped), Err(KeyError::UnknownOrganization)));
    assert_eq!(first.lookup("northside", &["a", "bc"]).unwrap(), again.lookup("northside", &["a", "bc"]).unwrap());
    assert_ne!(first.lookup("northside", &["a", "bc"]).unwrap(), again.lookup("northside", &["ab", "c"]).unwrap());
    assert_eq!(first.signing_key().kid(), again.signing_key().kid());
}

#[tokio::test]
async fn a_destroyed_day_opens_nothing_and_the_next_day_does() {
    let place = Place::new().await;
    let keys = place.keys().await.unwrap();
    let (_, today) = keys.new_visit_key("northside", "v1", noon()).unwrap();
    let (_, tomorrow) = keys.new_visit_key("northside", "v2", "2026-11-23T00:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(keys.days().unwrap(), ["2026-11-22", "2026-11-23"]);
    keys.destroy_day("2026-11-22").unwrap();
    keys.destroy_day("2026-11-22").unwrap();
    assert!(matches!(keys.open_visit_key("northside", "v1", &today), Err(KeyError::Destroyed)));
    assert!(keys.open_visit_key("northside", "v2", &tomorrow).is_ok());
    let astray = crate::store::WrappedKey { day: "../day-2026-11-23".into(), ..tomorrow };
    assert!(matches!(keys.open_visit_key("northside", "v2", &astray), Err(KeyError::Unopenable)));
}

#[tokio::test]
async fn another_master_key_is_refused_and_files_are_private() {
    let mut place = Place::new().await;
    place.keys().await.unwrap().new_visit_key("northside", "v1", noon()).unwrap();
    for entry in std::fs::read_dir(place.folder.path().join("keys")).unwrap() {
        let entry = entry.unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(7).any(|it| it == b"PRIVATE"), "a key lies there in clear");
    }
    place.config.keys.master_key = Some(SecretString::from("ff".repeat(32)));
    assert!(matches!(place.keys().await, Err(KeyError::WrongMaster(_))));
    place.config.keys.master_key = Some(SecretString::from("too short"));
    assert!(matches!(place.keys().await, Err(KeyError::MasterKey)));
}

#[test]
fn what_belongs_to_a_one_time_secret_opens_with_it_alone() {
    let sealed = one_time::seal("handle", b"csn 1853");
    assert_eq!(one_time::open("handle", &sealed).unwrap(), b"csn 1853");
    assert_eq!(one_time::open("other", &sealed), None);
    assert_eq!(one_time::hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    // {"nonce":"n1"}
    assert_eq!(one_time::claimed_nonce("e30.eyJub25jZSI6Im4xIn0.x").as_deref(), Some("n1"));
    assert_eq!(one_time::claimed_nonce("rubbish"), None);
}
