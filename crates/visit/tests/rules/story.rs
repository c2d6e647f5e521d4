//! A visit told in seconds: 10:30 planned is second 0, so that a test reads like the events it is about.

use roomed_visit::{
    Arrival, Command, Effect, Identity, LegId, LegState, Oid, Participant, ParticipantId, Plan, Policy, Presence,
    Source, Stage, Testimony, Timestamp, Visit, VisitEvent, apply,
};

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp(1_800_000_000_000 + seconds * 1_000)
}

pub(crate) fn patient() -> ParticipantId {
    ParticipantId::new("patient")
}

pub(crate) fn doctor() -> ParticipantId {
    ParticipantId::new("doctor")
}

pub(crate) fn doctor_oid() -> Oid {
    Oid::new("oid-doctor")
}

pub(crate) fn visit_under(policy: Policy) -> Visit {
    let people = [(patient(), Participant::patient()), (doctor(), Participant::practitioner(Some(doctor_oid())))];
    Visit::open(Plan { start: at(0), end: at(1_800) }, policy, people)
}

pub(crate) fn ready(seconds: i64) -> Testimony {
    Testimony::Ready { participant: patient(), at: at(seconds), source: Source::VisitPage }
}

pub(crate) fn page_opened(leg: &str, seconds: i64) -> Testimony {
    Testimony::PageOpened { participant: patient(), leg: LegId::new(leg), at: at(seconds) }
}

pub(crate) fn page_closed(leg: &str, seconds: i64) -> Testimony {
    Testimony::PageClosed { participant: patient(), leg: LegId::new(leg), at: at(seconds) }
}

pub(crate) fn handed_over(seconds: i64) -> Testimony {
    Testimony::HandedOver { participant: patient(), at: at(seconds) }
}

pub(crate) fn guest(leg: &str, state: LegState, seconds: i64) -> Testimony {
    Testimony::Roster { leg: LegId::new(leg), identity: Identity::Guest, state, at: at(seconds) }
}

pub(crate) fn clinician(leg: &str, state: LegState, seconds: i64) -> Testimony {
    Testimony::Roster { leg: LegId::new(leg), identity: Identity::User(doctor_oid()), state, at: at(seconds) }
}

pub(crate) fn call_ended(seconds: i64) -> Testimony {
    Testimony::CallEnded { at: at(seconds) }
}

/// A visit being told, with every effect so far.
pub(crate) struct Story {
    pub(crate) visit: Visit,
    pub(crate) effects: Vec<Effect>,
    pub(crate) now: i64,
}

impl Story {
    pub(crate) fn new() -> Self {
        Self::under(Policy::default())
    }

    pub(crate) fn under(policy: Policy) -> Self {
        Self { visit: visit_under(policy), effects: Vec::new(), now: -1_800 }
    }

    fn event(&mut self, event: &VisitEvent) -> Vec<Effect> {
        let transition = apply(self.visit.clone(), event, at(self.now));
        self.visit = transition.visit;
        self.effects.extend(transition.effects.clone());
        transition.effects
    }

    /// Heard at `seconds`.
    pub(crate) fn hear(&mut self, seconds: i64, testimony: Testimony) -> Vec<Effect> {
        self.now = seconds;
        self.event(&VisitEvent::Witnessed(testimony))
    }

    pub(crate) fn decide(&mut self, seconds: i64, command: Command) -> Vec<Effect> {
        self.now = seconds;
        self.event(&VisitEvent::Decided(command))
    }

    pub(crate) fn tick(&mut self, seconds: i64) -> Vec<Effect> {
        self.now = seconds;
        self.event(&VisitEvent::Tick)
    }

    pub(crate) fn stage(&self) -> Stage {
        self.visit.stage(at(self.now))
    }

    pub(crate) fn arrival(&self) -> Option<Arrival> {
        self.visit.arrival(at(self.now))
    }

    pub(crate) fn presence(&self, who: &ParticipantId) -> Presence {
        self.visit.presence(who, at(self.now))
    }
}
