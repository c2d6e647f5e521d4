//! A simulated EHR, and its vendor's file as the worker sees it. Four doors of three kinds: a setter (state, link), a put
//! under a key of ours (audit), and a create that can be searched for (message).

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use roomed_relay::ehr::{AppointmentFacts, Attempt, Ehr, EhrError, Said, requests};
use roomed_relay::outbox::{About, WriteBack};
use roomed_relay::store::Channel;
use tokio::sync::oneshot;

use crate::node::{Point, Process};
use crate::plan::Manners;
use crate::truth::{Flying, Truth};
use crate::world::{Dice, World, pass};

/// The worker's deadline and settle delay, as `relay.default.toml` has them.
const DEADLINE: u64 = 20_000;
const SETTLE: u64 = 5_000;

/// What the EHR is asked.
#[derive(Debug, Clone)]
struct Request {
    number: u64,
    stream: String,
    key: String,
    channel: Channel,
    /// When whoever asks gives up.
    until: u64,
}

/// What it says, as far as a client hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Done,
    Found(bool),
    Status(u16, Option<i64>),
    NoConnection,
    Dropped,
}

/// What becomes of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    Ambiguous,
    Late,
    Lost,
    Answered(u16, Option<i64>),
}

/// One EHR.
pub(crate) struct Server {
    manners: Manners,
    dice: Dice,
    seed: u64,
    world: Arc<World>,
    truth: Arc<Truth>,
}

impl Server {
    /// An EHR of its own temper.
    pub(crate) fn new(name: &str, manners: Manners, world: &Arc<World>, truth: &Arc<Truth>) -> Self {
        let dice = Dice::new(world.seed, name);
        Self { manners, dice, seed: world.seed, world: Arc::clone(world), truth: Arc::clone(truth) }
    }

    fn is_down(&self) -> bool {
        let now = self.world.ms();
        // Up for 25 s, down for 35 s, and so on.
        let flaps = now < self.manners.flaps_until && now % 60_000 > 25_000;
        flaps || self.manners.down.iter().any(|it| it.contains(&now))
    }

    /// Rows that it never takes, and whether it says so (or answers 500 for ever).
    fn poison(&self, stream: &str, number: u64) -> Option<u16> {
        if stream.starts_with('t') {
            return None;
        }
        let dice = Dice::new(self.seed, &format!("poison {number}"));
        dice.per_mille(self.manners.poison).then(|| *dice.one_of(&[422, 500]))
    }

    /// From when on the ids of a visit are there.
    fn identified_from(&self, visit: &str) -> u64 {
        let dice = Dice::new(self.seed, &format!("ids of {visit}"));
        if dice.per_mille(self.manners.unidentified) { dice.between(0, 600_000) } else { 0 }
    }

    fn latency(&self) -> u64 {
        self.dice.between(self.manners.latency_ms.start, self.manners.latency_ms.end)
    }

    fn fate(&self, stream: &str, number: u64) -> Fate {
        let manners = &self.manners;
        if let Some(status) = self.poison(stream, number) {
            return Fate::Answered(status, None);
        }
        let roll = u32::try_from(self.dice.between(0, 1000)).unwrap();
        let mut edge = 0;
        let mut within = |chance: u32| {
            edge += chance;
            roll < edge
        };
        if within(manners.ambiguous) {
            Fate::Ambiguous
        } else if within(manners.late) {
            Fate::Late
        } else if within(manners.lost) {
            Fate::Lost
        } else if within(manners.unavailable) {
            Fate::Answered(503, None)
        } else if within(manners.busy) {
            let seconds = i64::try_from(self.dice.between(1, 40)).unwrap();
            Fate::Answered(429, self.dice.per_mille(800).then_some(seconds))
        } else {
            Fate::Well
        }
    }

    /// Sends a write off. Whether anybody waits for the answer is no concern of what was sent.
    fn write(self: &Arc<Self>, request: Request) -> oneshot::Receiver<Answer> {
        let (tell, answer) = oneshot::channel();
        let server = Arc::clone(self);
        tokio::spawn(async move {
            if let Some(said) = server.handle(request).await {
                let _nobody_waits = tell.send(said);
            } else {
                // Silence: the connection stays open and nothing comes.
                pass(10 * DEADLINE).await;
            }
        });
        answer
    }

    async fn handle(self: &Arc<Self>, request: Request) -> Option<Answer> {
        pass(self.latency()).await;
        if self.is_down() {
            return Some(Answer::NoConnection);
        }
        self.truth.facts().requests += 1;
        let fate = self.fate(&request.stream, request.number);
        self.world.note(format_args!("ehr {fate:?} {} {}", request.number, request.stream));
        match fate {
            Fate::Well => {
                self.apply(&request);
                pass(self.latency()).await;
                Some(Answer::Done)
            }
            Fate::Answered(status, retry_after) => {
                pass(self.latency()).await;
                Some(Answer::Status(status, retry_after))
            }
            Fate::Lost => self.ambiguous_end().await,
            Fate::Ambiguous => {
                self.apply(&request);
                self.ambiguous_end().await
            }
            Fate::Late => {
                let end = self.ambiguous_end().await;
                let server = Arc::clone(self);
                let ended = if end.is_some() { self.world.ms() } else { request.until };
                let lands = ended + self.dice.between(0, SETTLE * 9 / 10);
                tokio::spawn(async move {
                    pass(lands.saturating_sub(server.world.ms())).await;
                    server.world.note(format_args!("ehr lands late {} {}", request.number, request.stream));
                    server.apply(&request);
                });
                end
            }
        }
    }

    /// How nobody comes to know.
    async fn ambiguous_end(&self) -> Option<Answer> {
        pass(self.latency()).await;
        *self.dice.one_of(&[Some(Answer::Dropped), Some(Answer::Status(500, None)), None])
    }

    fn apply(&self, request: &Request) {
        self.truth.done(request.number, &request.stream, &request.key, request.channel);
    }

    async fn search(&self, key: &str) -> Answer {
        pass(self.latency()).await;
        if self.is_down() {
            return Answer::NoConnection;
        }
        let found = self.truth.facts().created.contains_key(key);
        pass(self.latency()).await;
        if self.dice.per_mille(self.manners.unavailable) { Answer::Status(503, None) } else { Answer::Found(found) }
    }
}

/// The vendor's file on one process: how an intent is said to this EHR.
pub(crate) struct Client {
    pub(crate) server: Arc<Server>,
    pub(crate) process: Arc<Process>,
}

fn not_now(reason: &str, retry_after: Option<i64>) -> Said {
    Said::NotNow { reason: reason.into(), retry_after: retry_after.map(SignedDuration::from_secs) }
}

impl Client {
    async fn say(&self, request: Request, fence: i64) -> Said {
        self.process.at(Point::Sending).await;
        let flying = Flying { row: request.key.clone(), fence };
        let sent = self.server.truth.leaves(&request.stream, flying);
        self.server.world.note(format_args!("{} sends {} {}", self.process.name(), request.number, request.stream));
        let answer = self.server.write(request).await.unwrap_or(Answer::Dropped);
        drop(sent);
        self.process.at(Point::Answered).await;
        match answer {
            Answer::Done => Said::Accepted,
            Answer::Status(status @ (429 | 503), retry_after) => not_now(&format!("answered {status}"), retry_after),
            Answer::Status(status @ 500.., _) => Said::NobodyKnows { reason: format!("answered {status}") },
            Answer::Status(status, _) => Said::Never { reason: format!("The EHR does not take this ({status}).") },
            Answer::NoConnection => not_now("no connection", None),
            Answer::Dropped | Answer::Found(_) => Said::NobodyKnows { reason: "the connection broke".into() },
        }
    }
}

#[async_trait]
impl Ehr for Client {
    async fn write_back(&self, intent: &WriteBack, attempt: &Attempt<'_>) -> Said {
        requests::left();
        let About::Attendance(who) = &intent.about else { panic!("{intent:?}") };
        let server = &self.server;
        let until = server.world.ms() + DEADLINE;
        let fence = server.truth.fence(&self.process.name(), attempt.key);
        if server.world.ms() < server.identified_from(&intent.appointment) {
            pass(server.latency()).await;
            return if server.is_down() { not_now("no connection", None) } else { Said::NoIdentifier };
        }
        let request = Request {
            number: who.fhir_id.parse().unwrap(),
            stream: format!("{}/{}/{}", intent.appointment, who.participant, intent.channel.as_str()),
            key: attempt.key.to_owned(),
            channel: intent.channel,
            until,
        };
        if intent.channel == Channel::Message && attempt.uncertain {
            match server.search(attempt.key).await {
                Answer::Found(true) => return Said::Accepted,
                // As `ehr/create.rs` has it: what does not show may still land, so a person has to look.
                Answer::Found(false) => return Said::PossibleDouble { reason: "The EHR does not show it.".into() },
                _ => return not_now("the search failed", None),
            }
        }
        if !intent.channel.supersedes() && !attempt.gate.may_send().await {
            return Said::Stopped;
        }
        self.say(request, fence).await
    }

    async fn appointment(&self, _: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(None)
    }

    async fn appointment_by_identifier(&self, _: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(None)
    }

    async fn appointment_of_encounter(&self, _: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(None)
    }
}
