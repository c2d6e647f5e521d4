//! One delivery line per subscription: what happened in a call is sealed and posted in order, tried again until the
//! subscriber answers 2xx or four hours are over (microsoft.md 4.3). Also ends subscriptions when their time is up and
//! asks for reauthorization before. Leaves out throttling of slow endpoints.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use url::Url;

use super::notice;
use super::outgoing::post;
use super::spoil::{self, Wrong};
use super::subscription::Subscription;
use crate::core::{FaultMode, Shared, lock};
use crate::teams::Happened;

/// Undelivered notifications are dropped after this (G-WH).
const GIVE_UP: SignedDuration = SignedDuration::from_hours(4);
/// How long before its end a subscription is asked to be reauthorized.
const WARNING: SignedDuration = SignedDuration::from_mins(15);
/// How long a reordered notification waits for a later one to overtake it.
const OVERTAKING: SignedDuration = SignedDuration::from_secs(3);

/// A subscription and the way into its delivery line.
pub(crate) struct Line {
    /// The subscription as it stands.
    pub(crate) subscription: Subscription,
    queue: UnboundedSender<Parcel>,
    undelivered: Arc<AtomicUsize>,
}

/// Something to be delivered on one line.
pub(crate) enum Parcel {
    /// A call event: when it happened and its JSON.
    Event(Timestamp, Value),
    /// A lifecycle event by name.
    Lifecycle(String),
    /// A call event spoilt on purpose, whatever the fault switches say.
    Forged(Wrong, Value),
    /// The subscription was renewed: look at the clock again.
    Renewed,
}

impl Line {
    /// Opens a line and starts delivering on it.
    pub(crate) fn open(hospital: &Shared, subscription: Subscription) -> Self {
        let (queue, parcels) = unbounded_channel();
        let undelivered = Arc::new(AtomicUsize::new(0));
        tokio::spawn(run(hospital.clone(), subscription.id.clone(), parcels, Arc::clone(&undelivered)));
        Self { subscription, queue, undelivered }
    }

    /// How many call events the subscriber has not answered for yet.
    pub(crate) fn undelivered(&self) -> usize {
        self.undelivered.load(Ordering::SeqCst)
    }

    /// Puts something on the line. A line that has ended takes nothing.
    pub(crate) fn put(&self, parcel: Parcel) {
        if matches!(parcel, Parcel::Event(..)) {
            self.undelivered.fetch_add(1, Ordering::SeqCst);
        }
        let _ = self.queue.send(parcel);
    }
}

/// Tells every subscriber of the meeting on `thread` what happened in its call.
pub(crate) fn publish(hospital: &Shared, thread: &str, happened: &[Happened]) {
    let now = hospital.clock.now();
    for it in happened {
        let event = notice::event(it, now);
        for line in lock(&hospital.graph.subscriptions).values().filter(|it| it.subscription.thread == thread) {
            line.put(Parcel::Event(now, event.clone()));
        }
        if let Happened::Ended(session) = it {
            super::attendance::record(hospital, thread, session);
        }
    }
}

struct Held {
    until: Timestamp,
    at: Timestamp,
    event: Value,
}

async fn run(hospital: Shared, id: String, mut parcels: UnboundedReceiver<Parcel>, undelivered: Arc<AtomicUsize>) {
    let mut held: Option<Held> = None;
    let mut warned: Option<Timestamp> = None;
    loop {
        let Some(now_is) = current(&hospital, &id) else { return };
        let expires = now_is.asked.expires;
        let warn_at = expires - WARNING;
        let warn = now_is.asked.lifecycle_url.is_some() && warned != Some(expires);
        let mut wake = if warn { warn_at } else { expires };
        if let Some(held) = &held {
            wake = wake.min(held.until);
        }
        let parcel = tokio::select! {
            parcel = parcels.recv() => match parcel { Some(it) => Some(it), None => return },
            () = hospital.clock.until(wake) => None,
        };
        let now = hospital.clock.now();
        let mut work = VecDeque::new();
        match parcel {
            Some(Parcel::Event(at, event)) => work.push_back((at, event)),
            Some(Parcel::Forged(wrong, event)) => send(&hospital, &id, now, &event, Some(wrong), &mut held).await,
            Some(Parcel::Lifecycle(event)) => lifecycle(&hospital, &id, &event).await,
            Some(Parcel::Renewed) => {}
            None if now >= expires => {
                lock(&hospital.graph.subscriptions).remove(&id);
                hospital.log("graph", "subscription.expired", json!({"subscription": id}));
                return;
            }
            None if warn && now >= warn_at => {
                warned = Some(expires);
                lifecycle(&hospital, &id, "reauthorizationRequired").await;
            }
            None => {}
        }
        if let Some(late) = held.take_if(|it| now >= it.until || !work.is_empty()) {
            work.push_back((late.at, late.event));
        }
        for (at, event) in work {
            let nothing_held = held.is_none();
            send(&hospital, &id, at, &event, None, &mut held).await;
            // One that was put aside to be overtaken comes by here again.
            if !(nothing_held && held.is_some()) {
                undelivered.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}

fn current(hospital: &Shared, id: &str) -> Option<Subscription> {
    lock(&hospital.graph.subscriptions).get(id).map(|it| it.subscription.clone())
}

async fn send(
    hospital: &Shared,
    id: &str,
    at: Timestamp,
    event: &Value,
    forged: Option<Wrong>,
    held: &mut Option<Held>,
) {
    let Some(subscription) = current(hospital, id).filter(|it| it.asked.expires > hospital.clock.now()) else { return };
    let detail = |what: &str| json!({"subscription": id, "eventType": event["eventType"], "outcome": what});
    if subscription.paused {
        hospital.log("graph", "notification.dropped", detail("paused"));
        return;
    }
    let wrong = forged.or_else(|| spoil::taken(hospital));
    let fault = if forged.is_none() { hospital.faults.take("graph.notify") } else { None };
    let mut times = 1;
    let mut unheard = false;
    match fault.as_ref().map(|it| it.mode) {
        None => {}
        Some(FaultMode::DropBefore | FaultMode::Refuse) => {
            hospital.log("graph", "notification.dropped", detail("fault"));
            return;
        }
        Some(FaultMode::Delay) => {
            let millis = fault.as_ref().and_then(|it| it.delay_ms).unwrap_or(1000);
            hospital.clock.delay(Duration::from_millis(millis)).await;
        }
        Some(FaultMode::Duplicate) => times = 2,
        Some(FaultMode::Reorder) if held.is_none() => {
            let until = hospital.clock.now() + OVERTAKING;
            *held = Some(Held { until, at, event: event.clone() });
            return;
        }
        // Sent and heard, but Graph does not learn of it and sends the same again
        Some(FaultMode::DropAfterApply) => unheard = true,
        // Graph's own sending fails first; the notification comes late
        Some(FaultMode::Status) => hospital.clock.delay(Duration::from_secs(1)).await,
        // The rest is about requests to an EHR
        Some(_) => {}
    }
    let notification = hospital.random.guid();
    let item = notice::item(&subscription, &notification, event, spoil::of_item(wrong));
    let tokens = spoil::tokens(hospital, &subscription.tenant_id, &subscription.app_id, wrong);
    let body = json!({"value": [item], "validationTokens": tokens});
    let facts = json!({
        "subscription": id, "notification": notification, "eventType": event["eventType"], "spoilt": wrong.map(|it| format!("{it:?}")),
    });
    if unheard {
        let _ = post(hospital, &subscription.asked.notification_url, &body).await;
    }
    for _ in 0..times {
        persist(hospital, id, &subscription.asked.notification_url, &body, at, &facts).await;
    }
}

async fn lifecycle(hospital: &Shared, id: &str, event: &str) {
    let Some(subscription) = current(hospital, id) else { return };
    let Some(url) = subscription.asked.lifecycle_url.clone() else { return };
    let wrong = spoil::taken(hospital);
    let item = notice::lifecycle(&subscription, event, spoil::of_item(wrong));
    let tokens = spoil::tokens(hospital, &subscription.tenant_id, &subscription.app_id, wrong);
    if event == "subscriptionRemoved" {
        lock(&hospital.graph.subscriptions).remove(id);
    }
    let facts = json!({"subscription": id, "lifecycleEvent": event});
    persist(hospital, id, &url, &json!({"value": [item], "validationTokens": tokens}), hospital.clock.now(), &facts)
        .await;
}

/// Posts until the subscriber answers 2xx, four hours have passed, or the subscription was deleted.
async fn persist(hospital: &Shared, id: &str, url: &Url, body: &Value, since: Timestamp, facts: &Value) {
    let mut pause = 1;
    for attempt in 1_u32.. {
        let status = post(hospital, url, body).await;
        let heard = status.is_some_and(|it| (200..300).contains(&it));
        let mut detail = facts.clone();
        detail["attempt"] = json!(attempt);
        detail["status"] = json!(status);
        hospital.log("graph", if heard { "notification.sent" } else { "notification.failed" }, detail);
        if heard {
            return;
        }
        let next = hospital.clock.in_seconds(pause);
        if next.duration_since(since) > GIVE_UP {
            hospital.log("graph", "notification.dropped", facts.clone());
            return;
        }
        hospital.clock.until(next).await;
        if current(hospital, id).is_none() && facts.get("lifecycleEvent").is_none() {
            return;
        }
        pause = (pause * 2).min(15);
    }
}
