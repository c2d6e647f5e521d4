//! Addresses that somebody types to make us ask where we must not: this machine, its network, the metadata of a cloud. None
//! may end in a connection, whatever its form. Names are looked up in a book of the test's own, which counts.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use roomed_smart::guard::{Guard, IpNet, Names};
use roomed_smart::{Error, UrlPolicy, discovery, http};

/// Numbers in every dress, and what a parser might take for something else. `PORT` is where somebody listens.
const FORMS: [&str; 62] = [
    "https://127.0.0.1:PORT/R4",
    "https://127.0.0.1.:PORT/R4",
    "https://127.1:PORT/R4",
    "https://127.0.1:PORT/R4",
    "https://127.255.255.254:PORT/R4",
    "https://2130706433:PORT/R4",
    "https://017700000001:PORT/R4",
    "https://0177.0.0.1:PORT/R4",
    "https://0x7f000001:PORT/R4",
    "https://0x7f.0x0.0x0.0x1:PORT/R4",
    "https://0:PORT/R4",
    "https://0.0.0.0:PORT/R4",
    "https://%31%32%37.0.0.1:PORT/R4",
    "https://１２７.０.０.１:PORT/R4",
    "https://①②⑦.0.0.①:PORT/R4",
    "https://127。0。0。1:PORT/R4",
    "https://[::1]:PORT/R4",
    "https://[0:0:0:0:0:0:0:1]:PORT/R4",
    "https://[::]:PORT/R4",
    "https://[::ffff:127.0.0.1]:PORT/R4",
    "https://[::ffff:7f00:1]:PORT/R4",
    "https://[::127.0.0.1]:PORT/R4",
    "https://[64:ff9b::127.0.0.1]:PORT/R4",
    "https://[2002:7f00:1::]:PORT/R4",
    "https://[fe80::1]:PORT/R4",
    "https://[fc00::1]:PORT/R4",
    "https://[fd00:ec2::254]:PORT/R4",
    "https://[ff02::1]:PORT/R4",
    "https://169.254.169.254/R4",
    "https://2852039166/R4",
    "https://0xa9fea9fe/R4",
    "https://0251.0376.0251.0376/R4",
    "https://10.0.0.1/R4",
    "https://172.16.0.1/R4",
    "https://192.168.0.1/R4",
    "https://100.64.0.1/R4",
    "https://168.63.129.16/R4",
    "https://224.0.0.1/R4",
    "https://255.255.255.255/R4",
    "https://ehr.example@127.0.0.1:PORT/R4",
    "https://ehr.example:443@127.0.0.1:PORT/R4",
    "https://ehr.example%40127.0.0.1:PORT/R4",
    "https://@127.0.0.1:PORT/R4",
    "https://127.0.0.1:PORT\\@ehr.example/R4",
    "https://127.0.0.1:PORT#@ehr.example/R4",
    "https://user:secret@ehr.example/R4",
    "https:127.0.0.1:PORT/R4",
    "https:///127.0.0.1:PORT/R4",
    "https:\\\\127.0.0.1:PORT\\R4",
    "HTTPS://127.0.0.1:PORT/R4",
    " https://127.0.0.1:PORT/R4",
    "ht\ntps://127.0\t.0.1:PORT/R4",
    "http://127.0.0.1:PORT/R4",
    "http://ehr.example/R4",
    "//127.0.0.1:PORT/R4",
    "ws://127.0.0.1:PORT/R4",
    "ftp://127.0.0.1:PORT/R4",
    "gopher://127.0.0.1:PORT/R4",
    "file:///etc/passwd",
    "data:application/json,{}",
    "https://",
    "",
];

/// Names that lead there.
const LEADS: [(&str, &[&str]); 27] = [
    ("localhost", &["127.0.0.1"]),
    ("LOCALHOST", &["127.0.0.1"]),
    ("localhost.", &["127.0.0.1"]),
    ("ehr.localhost", &["127.0.0.1"]),
    ("ip6-localhost", &["::1"]),
    ("127.0.0.1.wildcard.example", &["127.0.0.1"]),
    ("xn--ehr-example-9db.example", &["127.0.0.1"]),
    ("this-network.example", &["0.0.0.0"]),
    ("mapped.example", &["::ffff:127.0.0.1"]),
    ("sixtofour.example", &["2002:7f00:1::"]),
    ("nat64.example", &["64:ff9b::a9fe:a9fe"]),
    ("metadata.google.internal", &["169.254.169.254"]),
    ("metadata-six.example", &["fd00:ec2::254"]),
    ("platform.example", &["168.63.129.16"]),
    ("ten.example", &["10.1.2.3"]),
    ("oneseventytwo.example", &["172.31.255.255"]),
    ("oneninetytwo.example", &["192.168.1.1"]),
    ("carrier.example", &["100.100.100.200"]),
    ("benchmark.example", &["198.18.0.1"]),
    ("group.example", &["239.1.1.1"]),
    ("everybody.example", &["255.255.255.255"]),
    ("unique-local.example", &["fd12:3456::1"]),
    ("link-local.example", &["fe80::1"]),
    ("site-local.example", &["fec0::1"]),
    ("documentation.example", &["2001:db8::1"]),
    ("first-public.example", &["203.0.112.1", "127.0.0.1"]),
    ("last-public.example", &["10.0.0.1", "203.0.112.1"]),
];

/// A book of names. What is asked for once more is answered with the next line of its page.
#[derive(Default)]
struct Book {
    pages: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    asked: AtomicUsize,
}

impl Book {
    fn write(&self, name: &str, addresses: &[&str]) {
        let line = addresses.iter().map(|it| it.parse().unwrap()).collect();
        self.pages.lock().unwrap().entry(name.to_lowercase()).or_default().push(line);
    }
}

impl Names for Book {
    fn addresses(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut pages = self.pages.lock().unwrap();
        let found = pages.get_mut(&name.to_lowercase()).filter(|page| !page.is_empty()).map(|page| page.remove(0));
        Box::pin(async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

/// Somebody who listens at all addresses of this machine, and counts who comes.
async fn listener() -> (u16, Arc<AtomicUsize>) {
    let socket = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while socket.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, count)
}

fn guard(book: &Arc<Book>, private: &[&str]) -> Guard {
    let private: Vec<IpNet> = private.iter().map(|it| it.parse().unwrap()).collect();
    Guard::new(private).with_names(Arc::clone(book) as Arc<dyn Names>)
}

#[tokio::test]
async fn no_hostile_form_makes_a_connection() {
    let (port, connections) = listener().await;
    let book = Arc::new(Book::default());
    let client = http::guarded(UrlPolicy::HttpsOnly, guard(&book, &[])).unwrap();
    for form in FORMS {
        let form = form.replace("PORT", &port.to_string());
        let outcome = discovery::discover(&client, &form, UrlPolicy::HttpsOnly).await;
        assert!(matches!(outcome, Err(Error::Address(_))), "{form:?}: {outcome:?}");
    }
    assert_eq!(book.asked.load(Ordering::SeqCst), 0, "no number is a name, and no other form is an address");
    for (name, addresses) in LEADS {
        book.write(name, addresses);
        let outcome = discovery::discover(&client, &format!("https://{name}:{port}/R4"), UrlPolicy::HttpsOnly).await;
        assert!(matches!(outcome, Err(Error::Address(_))), "{name}: {outcome:?}");
    }
    assert_eq!(book.asked.load(Ordering::SeqCst), LEADS.len(), "each name was looked up once");
    assert_eq!(connections.load(Ordering::SeqCst), 0);

    // The same listener, where it may be asked: the count is no dead one.
    let book = Arc::new(Book::default());
    book.write("ehr.example", &["127.0.0.1"]);
    let dev = UrlPolicy::AllowLoopbackHttp;
    let client = http::guarded(dev, guard(&book, &[])).unwrap();
    let outcome = discovery::discover(&client, &format!("https://ehr.example:{port}/R4"), dev).await;
    assert!(matches!(outcome, Err(Error::Unreachable(_))), "it speaks no TLS: {outcome:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_range_the_operator_allows_is_no_way_to_this_machine() {
    let book = Arc::new(Book::default());
    let guard = guard(&book, &["10.20.0.0/16", "0.0.0.0/0", "::/0"]);
    for allowed in ["10.20.1.2", "192.168.7.7", "fd12::1", "203.0.112.1"] {
        assert!(guard.allows(allowed.parse().unwrap()), "{allowed}");
    }
    for never in ["127.0.0.1", "::1", "169.254.169.254", "::ffff:127.0.0.1", "fd00:ec2::254", "fe80::1", "224.0.0.1"] {
        assert!(!guard.allows(never.parse().unwrap()), "{never}");
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_looked_at_each_time() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    // Nothing is kept open, so each question makes a connection of its own.
    let close = || async { ([("connection", "close")], "{}") };
    tokio::spawn(async move { axum::serve(socket, Router::new().fallback(get(close))).await.unwrap() });
    let book = Arc::new(Book::default());
    for line in [["127.0.0.1"], ["169.254.169.254"]] {
        book.write("ehr.example", &line);
    }
    let dev = UrlPolicy::AllowLoopbackHttp;
    let client = http::guarded(dev, guard(&book, &[])).unwrap();
    let address = format!("http://ehr.example:{port}/");
    client.get(&address).send().await.unwrap();
    assert_eq!(book.asked.load(Ordering::SeqCst), 1, "what was looked at is what was connected to");
    let again = client.get(&address).send().await.unwrap_err();
    assert!(roomed_smart::guard::Forbidden::is_why(&again), "{again:?}");
}

#[tokio::test]
async fn no_answer_leads_on() {
    let (port, connections) = listener().await;
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", socket.local_addr().unwrap());
    let elsewhere = format!("http://127.0.0.1:{port}/");
    let moved = move || async move { Redirect::temporary(&elsewhere) };
    let secret = || async {
        r#"{"token_endpoint":"https://169.254.169.254/token","code_challenge_methods_supported":["S256"]}"#
    };
    let app = Router::new()
        .route("/moved/.well-known/smart-configuration", get(moved))
        .route("/numbers/.well-known/smart-configuration", get(secret));
    tokio::spawn(async move { axum::serve(socket, app).await.unwrap() });
    let dev = UrlPolicy::AllowLoopbackHttp;
    let client = http::guarded(dev, Guard::new([])).unwrap();
    let moved = discovery::discover(&client, &format!("{base}/moved"), dev).await;
    assert!(matches!(moved, Err(Error::Refused { status: 307, .. })), "{moved:?}");
    let numbers = discovery::discover(&client, &format!("{base}/numbers"), dev).await;
    assert!(matches!(numbers, Err(Error::Address(_))), "{numbers:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

/// In a process of its own, for the environment is everybody's.
#[tokio::test]
async fn a_proxy_of_the_environment_is_passed_over() {
    const CHILD: &str = "ROOMED_UNDER_A_PROXY";
    if std::env::var_os(CHILD).is_some() {
        let client = http::guarded(UrlPolicy::HttpsOnly, guard(&Arc::default(), &[])).unwrap();
        client.get("https://ehr.example/R4").send().await.unwrap_err();
        return;
    }
    let (port, connections) = listener().await;
    let proxy = format!("http://127.0.0.1:{port}");
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_proxy_of_the_environment_is_passed_over"])
        .envs([(CHILD, "1"), ("HTTPS_PROXY", &proxy), ("ALL_PROXY", &proxy), ("NO_PROXY", "")])
        .output();
    assert!(child.await.unwrap().status.success());
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}
