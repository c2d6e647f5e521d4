//! `chaos-node`: the whole relay as `roomed-relay serve` puts it together, and beside its HTTP doors one more on standard
//! input, so that thousands of comings and goings need no thousand launches. One JSON object a line in, one out, with the
//! same `n`; a change is answered after its commit and never before. Its clock can be set wrong.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use roomed_relay::arrivals::Along;
use roomed_relay::clock::{Clock, SystemClock, SystemRandomness};
use roomed_relay::config::Config;
use roomed_relay::relay::Relay;
use roomed_relay::serve::{Outside, assemble};
use roomed_relay::store::{self, EntryFilter};
use roomed_relay::{log, stop};
use roomed_visit::{
    ChartStatus, Command, Identity, LegId, LegState, Oid, ParticipantId, Testimony, Timestamp as Millis, VisitEvent,
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Rows of the outbox per answer.
const PAGE: u32 = 2_000;

/// The system's clock, set wrong by so many milliseconds.
#[derive(Debug, Default)]
struct WrongClock(AtomicI64);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        now.saturating_add(SignedDuration::from_millis(self.0.load(Ordering::SeqCst))).unwrap_or(now)
    }
}

/// One line in.
#[derive(Debug, Deserialize)]
struct Request {
    n: u64,
    #[serde(flatten)]
    wish: Wish,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wish {
    /// Finds or opens the visit of an appointment; these clinicians have launched it.
    Open { organization: String, iss: String, appointment: String, clinicians: Vec<Clinician> },
    /// What Graph's roster would say of somebody.
    Say { visit: String, who: String, oid: Option<String>, leg: String, connected: bool, at: i64 },
    /// Sets the clock wrong by so much.
    Clock { offset_ms: i64 },
    /// How many rows are not settled.
    Counts {},
    /// The outbox, page by page.
    Rows { after: i64 },
}

#[derive(Debug, Deserialize)]
struct Clinician {
    fhir_id: String,
    oid: String,
}

/// Serves until standard input ends or somebody asks it to stop.
///
/// # Errors
/// As `roomed-relay serve`.
pub async fn serve(file: &Path) -> anyhow::Result<()> {
    let config = Config::load(Some(file), std::env::vars())?;
    log::init(&config.log);
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle();
    let busy = Duration::from_millis(config.database.busy_timeout_ms.into());
    let store = store::open(config.database.url.expose_secret(), config.database.readers, busy).await?;
    let listener = tokio::net::TcpListener::bind(config.bind).await?;
    let clock = Arc::new(WrongClock::default());
    let outside = Outside {
        config,
        store: Arc::clone(&store),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        random: Arc::new(SystemRandomness::default()),
        metrics,
        restored: false,
    };
    let assembled = assemble(outside).await?;
    let listening = tokio::spawn(listen(Arc::clone(&assembled.relay), clock));
    say(&json!({ "listening": true }));
    let quit = async move {
        tokio::select! {
            () = stop::asked() => {}
            _ = listening => {}
        }
    };
    assembled.serve(listener, quit).await?;
    store.close().await;
    Ok(())
}

/// One line out, whole. Whoever listened may be gone.
fn say(line: &Value) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The lines of standard input, read by a thread of its own: a read from it cannot be given up.
fn lines() -> UnboundedReceiver<String> {
    let (line, lines) = unbounded_channel();
    std::thread::spawn(move || {
        std::io::stdin().lock().lines().map_while(Result::ok).try_for_each(|it| line.send(it)).ok();
    });
    lines
}

async fn listen(relay: Arc<Relay>, clock: Arc<WrongClock>) {
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        let Ok(Request { n, wish }) = serde_json::from_str(&line) else {
            tracing::error!("a line was no request");
            continue;
        };
        let (relay, clock) = (Arc::clone(&relay), Arc::clone(&clock));
        tokio::spawn(async move {
            say(&match grant(&relay, &clock, wish).await {
                Ok(it) => json!({ "n": n, "ok": it }),
                Err(error) => json!({ "n": n, "error": format!("{error:#}") }),
            });
        });
    }
}

async fn grant(relay: &Relay, clock: &WrongClock, wish: Wish) -> anyhow::Result<Value> {
    match wish {
        Wish::Open { organization, iss, appointment, clinicians } => {
            open(relay, &organization, &iss, &appointment, clinicians).await
        }
        Wish::Say { visit, who, oid, leg, connected, at } => {
            let who = ParticipantId::new(who);
            let events = roster(&who, oid, &leg, connected, Millis(at));
            let opened = relay.arrivals.update(&visit, &events, Along::default()).await?;
            let told = opened.record.visit.participant(&who).and_then(|it| it.told_chart());
            Ok(json!({ "told": told.map(|it| it == ChartStatus::Connected) }))
        }
        Wish::Clock { offset_ms } => {
            clock.0.store(offset_ms, Ordering::SeqCst);
            relay.arrivals.timers.notify_one();
            relay.arrivals.outbox.notify_one();
            Ok(json!({}))
        }
        Wish::Counts {} => {
            let counts = relay.store.outbox_counts().await?;
            Ok(json!({
                "open": counts.waiting + counts.in_flight + counts.waiting_for_identifier,
                "parked": counts.parked, "possible_double": counts.possible_double, "unsupported": counts.unsupported,
            }))
        }
        Wish::Rows { after } => {
            let filter = EntryFilter { after: Some(after), limit: PAGE, ..EntryFilter::default() };
            let rows = relay.store.entries(filter).await?;
            let row = |it: &store::EntryRow| {
                json!({
                    "seq": it.seq, "id": it.id, "ehr": it.ehr, "visit": it.visit, "stream": it.stream,
                    "channel": it.channel.as_str(), "state": it.state.as_str(), "possible_double": it.possible_double,
                    "reason": it.reason, "attempts": it.attempts,
                })
            };
            Ok(json!({ "rows": rows.iter().map(row).collect::<Vec<_>>() }))
        }
    }
}

/// As a launch does, without the proof.
async fn open(
    relay: &Relay,
    organization: &str,
    iss: &str,
    appointment: &str,
    clinicians: Vec<Clinician>,
) -> anyhow::Result<Value> {
    let known = relay.organization(organization).context("the organization is not served")?;
    let connection = known.ehr(iss).context("the EHR is not configured")?;
    let ehr = relay.ehr(organization, iss).map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    let facts = ehr.appointment(appointment).await?.context("the EHR knows no such appointment")?;
    let opened = relay.open_visit(known, connection, &facts.into(), None).await;
    let opened = opened.map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    let mut people = opened.record.visit.participants();
    let patient = people.find(|(_, person)| person.is_patient()).map(|(id, _)| id.clone());
    let patient = patient.context("a visit without a patient")?;
    let mut events = Vec::new();
    let mut along = Along::default();
    let mut places = Vec::new();
    for Clinician { fhir_id, oid } in clinicians {
        let place = opened.record.ehr.people.iter().find(|(_, known)| **known == fhir_id).map(|(id, _)| id.clone());
        let covering = place.is_none();
        // The same name at every try, so that a colleague who covers takes one place however often this is said.
        let place = place.unwrap_or_else(|| ParticipantId::new(format!("covering-{oid}")));
        let launched = Command::Launched { participant: place.clone(), oid: Oid::new(oid), covering };
        events.push(VisitEvent::Decided(launched));
        along.people.push((place.clone(), fhir_id));
        places.push(place.as_str().to_owned());
    }
    relay.arrivals.update(&opened.stored.row.id, &events, along).await?;
    Ok(json!({ "visit": opened.stored.row.id, "patient": patient.as_str(), "clinicians": places }))
}

/// A clinician is known by their object id; a patient is the one guest our page has just handed over.
fn roster(who: &ParticipantId, oid: Option<String>, leg: &str, connected: bool, at: Millis) -> Vec<VisitEvent> {
    let state = if connected { LegState::InCall } else { LegState::Left };
    let identity = oid.map_or(Identity::Guest, |oid| Identity::User(Oid::new(oid)));
    let handed_over = connected && identity == Identity::Guest;
    let handed_over = handed_over.then(|| Testimony::HandedOver { participant: who.clone(), at });
    let seen = Testimony::Roster { leg: LegId::new(leg), identity, state, at };
    handed_over.into_iter().chain([seen]).map(VisitEvent::Witnessed).collect()
}
