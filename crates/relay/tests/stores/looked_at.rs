//! A database as the doctor looks at it, beside a relay that runs on it.

use std::sync::Arc;

use roomed_relay::store::Store;
use roomed_relay::store::look::{Blind, Fit, Look};

use crate::given::{ORGANIZATION, Place, entry, new_visit};
use crate::{postgres, sqlite};

/// Where a database is.
pub(crate) trait Addressed: Place {
    fn address(&self) -> String;
}

pub(crate) async fn it_is_read_beside_a_relay_that_goes_on(store: Arc<dyn Store>, place: &impl Addressed) {
    store.keep_organization_key(ORGANIZATION, vec![7, 7]).await.unwrap();
    let mut look = Look::open(&place.address()).await.unwrap();
    assert!(matches!(look.fit().await, Ok(Fit::Same { step }) if step > 10));
    assert!(look.writable().await);
    // The relay is kept from nothing meanwhile.
    store.ready().await.unwrap();
    new_visit(&*store, "v", vec![entry("o1", "s", 0)]).await;
    assert_eq!(look.organization_key(ORGANIZATION).await, Some(vec![7, 7]));
    assert_eq!(look.organization_key("harbor").await, None);
    look.close().await;
    store.close().await;
    // And when none runs.
    let mut look = Look::open(&place.address()).await.unwrap();
    assert!(matches!(look.fit().await, Ok(Fit::Same { .. })));
    look.close().await;
    place.again().await.ready().await.unwrap();
}

pub(crate) async fn what_is_no_relays_is_told_apart(store: Arc<dyn Store>, place: &impl Addressed) {
    store.close().await;
    let address = place.address();
    let elsewhere = match address.strip_prefix("sqlite:") {
        Some(file) => {
            let other = std::path::Path::new(file).with_file_name("other.sqlite");
            std::fs::write(&other, "").unwrap();
            format!("sqlite:{}", other.display())
        }
        // A database of the server's own, without a table of ours.
        None => {
            let mut url = url::Url::parse(&address).unwrap();
            url.set_path("/postgres");
            url.to_string()
        }
    };
    let mut look = Look::open(&elsewhere).await.unwrap();
    assert_eq!(look.fit().await, Err(Blind::Strange));
    look.close().await;
    assert_eq!(Look::open("mysql://u:secret@h/d").await.err(), Some(Blind::Address));
    assert_eq!(Look::open("sqlite:/nowhere/at/all.sqlite").await.err(), Some(Blind::Absent));
    assert_eq!(Look::open("postgres://nobody@127.0.0.1:1/none").await.err(), Some(Blind::Closed));
}

#[tokio::test]
async fn a_server_where_we_may_only_read_says_so() {
    let (store, place) = postgres::given().await;
    let mut outside = place.connect().await;
    let reader = format!("reader_{}", place.name);
    let rights =
        format!("CREATE ROLE {reader} LOGIN PASSWORD 'reads'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(rights)).execute(&mut outside).await.unwrap();
    let mut address = url::Url::parse(&place.address()).unwrap();
    address.set_username(&reader).unwrap();
    address.set_password(Some("reads")).unwrap();
    let mut look = Look::open(address.as_str()).await.unwrap();
    assert!(matches!(look.fit().await, Ok(Fit::Same { .. })));
    assert!(!look.writable().await);
    look.close().await;
    let gone = format!("DROP OWNED BY {reader}; DROP ROLE {reader}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(gone)).execute(&mut outside).await.unwrap();
    store.close().await;
}

/// Rights cannot be taken from whoever runs tests as root, so this is the other way in which nothing can be written.
#[tokio::test]
async fn a_file_that_is_taken_away_cannot_be_written_to() {
    let (store, place) = sqlite::given().await;
    let address = place.address();
    let file = std::path::Path::new(address.trim_start_matches("sqlite:")).to_owned();
    let mut look = Look::open(&address).await.unwrap();
    assert!(look.writable().await);
    std::fs::rename(&file, file.with_extension("moved")).unwrap();
    assert!(!look.writable().await);
    look.close().await;
    store.close().await;
}
