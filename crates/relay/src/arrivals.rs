//! The hinge: whoever witnessed a change, it goes through here. Load, open, `visit::apply`, seal, and one commit that
//! keeps the visit, what the EHR is to be told and whom to alert. Only then are sockets hinted and the outbox woken.
//! No network call is made in here, and no transaction is open while anybody thinks.

mod meetings;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use roomed_protocol::NoticeKind;
use roomed_visit::{self as rules, Effect, VisitEvent};
use tokio::sync::Notify;

use crate::clock::{Clock, Random};
use crate::config::Config;
use crate::failpoint;
use crate::hub::Hub;
use crate::keys::{KeyError, Keys, VisitKey};
use crate::notices::{self, Audience};
use crate::outbox::ChartListener;
use crate::promises::{self, News, Promises};
use crate::record::{self, EhrReferences, InvitationState, Line, MeetingRecord, Record};
use crate::removal;
use crate::sender::Letter;
use crate::store::{
    Change, ClaimedLetter, CommitError, EventKey, Link, LookupKey, Member, NewNotice, NodeId, OneTimeKind, Recipient,
    Store, StoreError, StoredVisit, StoredWatch, VisitRow,
};
use crate::wire;

/// How often a change is decided anew because the visit moved on meanwhile, before the source is told to say it again.
const MOST_TRIES: usize = 12;

/// A visit, opened.
pub struct Opened {
    /// The row it came from.
    pub stored: StoredVisit,
    /// What was sealed in it.
    pub record: Record,
    key: VisitKey,
}

/// What comes with a change besides the events, and must stand or fall with it.
#[derive(Debug, Clone, Default)]
pub struct Along {
    /// The event's own id at its source; heard before, nothing is written.
    pub seen: Option<EventKey>,
    /// One-time values used up by this change.
    pub consume: Vec<(OneTimeKind, String)>,
    /// A proven pair of EHR user and Microsoft identity.
    pub link: Option<Link>,
    /// FHIR ids to remember for participants who are new.
    pub people: Vec<(rules::ParticipantId, String)>,
    /// Whose line is on this appointment from now on.
    pub lines: Vec<(rules::ParticipantId, Line)>,
    /// The appointment was made part of this group: the visit is the group's from now on.
    pub group: Option<String>,
    /// The meeting and our hold on its events.
    pub meeting: Option<(MeetingRecord, Option<StoredWatch>)>,
    /// Graph knows no meeting under this external id any more: if it is still the visit's, the next is made under another.
    pub renames_meeting: Option<String>,
    /// Whether the meeting still stands at Graph is not known: nobody is sent there before Graph was asked.
    pub doubts_meeting: bool,
    /// Somebody's link was made, used or taken back.
    pub invitation: Option<(rules::ParticipantId, InvitationState)>,
    /// A message that is to leave with a link.
    pub letter: Option<Letter>,
    /// The link that somebody's state must still be open for: a newer one has made this one worthless meanwhile.
    pub newest_link: Option<(rules::ParticipantId, String)>,
    /// Whose turn it must still be to go in: somebody else may have been sent in meanwhile.
    pub enters: Option<rules::ParticipantId>,
    /// Somebody's place is on this device from now on.
    pub place: Option<(rules::ParticipantId, String)>,
}

/// Why a visit could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalError {
    /// There is no such visit.
    #[error("there is no such visit")]
    Unknown,
    /// The commit was refused or failed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Somebody else goes in at this moment.
    #[error("it is not their turn to go in")]
    NotTheirTurn,
    /// The visit's key is gone or does not open it.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The sealed state is not one this version can read.
    #[error("the visit's state cannot be read by this version")]
    Unreadable,
}

impl From<StoreError> for ArrivalError {
    fn from(error: StoreError) -> Self {
        Self::Commit(error.into())
    }
}

/// Everything a change of a visit needs.
pub struct Arrivals {
    config: Arc<Config>,
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    hub: Arc<Hub>,
    node: NodeId,
    /// Rung when there is something to deliver.
    pub outbox: Arc<Notify>,
    /// Rung when a timer may be due earlier than thought.
    pub timers: Arc<Notify>,
    /// Rung when there is a letter to send.
    pub letters: Arc<Notify>,
    /// Rung when a meeting is to be emptied, or no longer.
    pub removals: Arc<Notify>,
    /// Rung when a meeting was given up.
    pub given_up: Arc<Notify>,
}

impl Arrivals {
    /// Wires it up.
    pub fn new(
        config: Arc<Config>,
        store: Arc<dyn Store>,
        keys: Arc<Keys>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        hub: Arc<Hub>,
        node: NodeId,
    ) -> Self {
        Self {
            config,
            store,
            keys,
            clock,
            random,
            hub,
            node,
            outbox: Arc::default(),
            timers: Arc::default(),
            letters: Arc::default(),
            removals: Arc::default(),
            given_up: Arc::default(),
        }
    }

    /// Opens a stored visit.
    pub fn open(&self, stored: StoredVisit) -> Result<Opened, ArrivalError> {
        let key = self.keys.open_visit_key(&stored.row.organization, &stored.row.id, &stored.row.key)?;
        let plain = key.open(stored.row.id.as_bytes(), &stored.row.sealed)?;
        let record = record::read(&plain).map_err(|_| ArrivalError::Unreadable)?;
        Ok(Opened { stored, record, key })
    }

    /// Loads and opens a visit.
    pub async fn load(&self, visit: &str) -> Result<Opened, ArrivalError> {
        let stored = self.store.visit(visit).await?.ok_or(ArrivalError::Unknown)?;
        self.open(stored)
    }

    /// A letter of an opened visit.
    pub fn letter(&self, opened: &Opened, claimed: &ClaimedLetter) -> Result<Letter, ArrivalError> {
        Letter::open(&opened.stored.row.id, &opened.key, claimed)
    }

    /// Finds the visit of an appointment, or of a group's conference, or opens it as `record` describes.
    ///
    /// # Errors
    /// [`CommitError`] as ever; two callers at once end with the same visit.
    pub async fn find_or_create(&self, organization: &str, record: Record) -> Result<Opened, ArrivalError> {
        let lookup = self.lookup(organization, &record.ehr)?;
        for _ in 0..MOST_TRIES {
            if let Some(stored) = self.store.visit_of_appointment(organization, &lookup).await? {
                return self.open(stored);
            }
            if let Some(before) = self.before_the_group(organization, &record.ehr).await? {
                return Ok(before);
            }
            let now = self.clock.now();
            let id = self.random.id();
            let (key, wrapped) = self.keys.new_visit_key(organization, &id, now)?;
            let row = VisitRow {
                id,
                organization: organization.to_owned(),
                appointment: lookup.clone(),
                key: wrapped,
                sealed: Vec::new(),
                stage: String::new(),
                planned_start: wire::from_rules(record.visit.plan().start),
                planned_end: wire::from_rules(record.visit.plan().end),
                next_timer_at: None,
                closed_at: None,
            };
            let stored = StoredVisit { row, version: 0, members: Vec::new() };
            let opened = Opened { stored, record: record.clone(), key };
            match self.commit(opened, &[], &Along::default(), now).await {
                Ok(opened) => return Ok(opened),
                Err(ArrivalError::Commit(CommitError::Conflict)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// What a visit is found by. Three parts are never mistaken for two: no appointment opens a group's visit by its own
    /// number.
    fn lookup(&self, organization: &str, ehr: &EhrReferences) -> Result<LookupKey, ArrivalError> {
        Ok(match &ehr.group {
            Some(conference) => self.keys.lookup(organization, &["conference", &ehr.iss, conference])?,
            None => self.keys.lookup(organization, &[&ehr.iss, &ehr.appointment])?,
        })
    }

    /// The open visit of one of a group's appointments from when it was not in a group: somebody may be waiting there.
    async fn before_the_group(&self, organization: &str, ehr: &EhrReferences) -> Result<Option<Opened>, ArrivalError> {
        if ehr.group.is_none() {
            return Ok(None);
        }
        for appointment in ehr.lines.values().map(|line| &line.appointment).chain([&ehr.appointment]) {
            let lookup = self.keys.lookup(organization, &[&ehr.iss, appointment])?;
            match self.store.visit_of_appointment(organization, &lookup).await? {
                Some(stored) if stored.row.closed_at.is_none() => return self.open(stored).map(Some),
                _ => {}
            }
        }
        Ok(None)
    }

    /// This conference's visit, if it is another than `opened`.
    ///
    /// # Errors
    /// As the store and the keys have them.
    pub async fn visit_of_group(&self, opened: &Opened, conference: &str) -> Result<Option<VisitRow>, ArrivalError> {
        let ehr = EhrReferences { group: Some(conference.to_owned()), ..opened.record.ehr.clone() };
        let (row, lookup) = (&opened.stored.row, self.lookup(&opened.stored.row.organization, &ehr)?);
        let found = self.store.visit_of_appointment(&row.organization, &lookup).await?;
        Ok(found.map(|stored| stored.row).filter(|it| it.id != row.id))
    }

    /// The one door: applies `events` to the visit, in one commit with everything that follows from them.
    ///
    /// # Errors
    /// [`CommitError::AlreadySeen`] for an event heard before; whatever fails, nothing has been written.
    pub async fn update(&self, visit: &str, events: &[VisitEvent], along: Along) -> Result<Opened, ArrivalError> {
        for _ in 0..MOST_TRIES {
            let opened = self.load(visit).await?;
            match self.commit(opened, events, &along, self.clock.now()).await {
                Err(ArrivalError::Commit(CommitError::Conflict)) => {}
                other => return other,
            }
        }
        Err(CommitError::Conflict.into())
    }

    async fn commit(
        &self,
        mut opened: Opened,
        events: &[VisitEvent],
        along: &Along,
        now: Timestamp,
    ) -> Result<Opened, ArrivalError> {
        let before = opened.record.clone();
        for (participant, fhir_id) in &along.people {
            opened.record.ehr.people.entry(participant.clone()).or_insert_with(|| fhir_id.clone());
        }
        opened.record.ehr.lines.extend(along.lines.iter().cloned());
        if along.group.is_some() && opened.record.ehr.group.is_none() {
            opened.record.ehr.group.clone_from(&along.group);
            opened.stored.row.appointment = self.lookup(&opened.stored.row.organization, &opened.record.ehr)?;
        }
        if let Some((who, hash)) = &along.newest_link
            && !matches!(opened.record.invitations.get(who), Some(InvitationState::Open { hash: newest, .. }) if newest == hash)
        {
            return Err(CommitError::NotConsumable(OneTimeKind::Invitation).into());
        }
        opened.record.invitations.extend(along.invitation.clone());
        opened.record.places.extend(along.place.clone());
        let at = wire::to_rules(now);
        if along.enters.as_ref().is_some_and(|who| !opened.record.visit.may_enter(who, at)) {
            return Err(ArrivalError::NotTheirTurn);
        }
        let mut effects = Vec::new();
        for event in events {
            let transition = rules::apply(opened.record.visit.clone(), event, at);
            opened.record.visit = transition.visit;
            effects.extend(transition.effects);
        }
        let is_new = opened.stored.version == 0;
        let meetings = self.meetings(&mut opened, along).await?;
        let nothing_along =
            along.seen.is_none() && along.consume.is_empty() && along.link.is_none() && meetings.is_nothing();
        // The next timer moves with time even when no fact does; only a tick that changed nothing else may skip it.
        let timer = opened.record.visit.next_timer(at).map(wire::from_rules);
        if !is_new && nothing_along && before == opened.record && timer == opened.stored.row.next_timer_at {
            return Ok(opened);
        }
        let audience = Audience::of(&self.config, &opened.stored.row.organization, &opened.record.visit);
        let elsewhere = self.online_elsewhere(&audience, &effects).await;
        let is_online = |who: &Recipient| self.hub.is_online(who) || elsewhere.contains(who);
        let told = notices::follow(&audience, &before, &mut opened.record, is_new, &effects, is_online);
        let told = told.into_iter().map(|(recipient, kind)| NewNotice { recipient, kind: notices::stored(&kind) });
        let notices = told.collect();
        let news = News {
            before: &opened.stored.row.stage,
            effects: &effects,
            meeting: along.meeting.is_some() && meetings.kept.is_some(),
            moved: before.visit.plan() != opened.record.visit.plan(),
            now,
        };
        let promises = promises::of(&self.config, &opened.stored.row.organization, &opened.record, &news);
        let Promises { intents, unsupported } = promises;
        let outbox = promises::sealed(intents, &opened.stored.row, &opened.key, &self.keys, &*self.random, now)?;
        let change = self.change(&mut opened, timer, along, &meetings, now)?;
        let removes = self.removes(&opened.stored.row.organization);
        let removal = removes && removal::concerns(&before, &opened.record);
        let gives_up = !change.given_up.is_empty();
        let change = Change { outbox, notices, removal, ..change };
        failpoint::at("commit.before");
        let committed = self.store.commit(change).await?;
        failpoint::at("commit.after");
        opened.stored.version = committed.version;
        tracing::debug!(
            visit = opened.stored.row.id,
            version = committed.version,
            stage = opened.stored.row.stage,
            effects = effects.len(),
            notices = committed.notices.len(),
            "a change was kept"
        );
        for notice in &committed.notices {
            self.hub.hint(&notice.recipient, notice.seq);
        }
        self.hub.visit_changed(&opened.stored.row.id, committed.version);
        if committed.wake_outbox {
            self.outbox.notify_one();
        }
        if along.letter.is_some() {
            self.letters.notify_waiters();
        }
        if removal {
            self.removals.notify_one();
        }
        if gives_up {
            self.given_up.notify_one();
        }
        self.timers.notify_one();
        promises::count(&unsupported);
        for effect in &effects {
            metrics::counter!("roomed_visit_effects_total", "effect" => effect_word(effect)).increment(1);
        }
        Ok(opened)
    }

    /// The row as it is to stand, and what stands or falls with it.
    fn change(
        &self,
        opened: &mut Opened,
        timer: Option<Timestamp>,
        along: &Along,
        meetings: &meetings::OfMeetings,
        now: Timestamp,
    ) -> Result<Change, ArrivalError> {
        let visit = &opened.record.visit;
        let row = &mut opened.stored.row;
        let plain = record::write(&opened.record).map_err(|_| ArrivalError::Unreadable)?;
        row.sealed = opened.key.seal(row.id.as_bytes(), &plain);
        row.stage = wire::stage_word(&visit.stage(wire::to_rules(now))).to_owned();
        row.planned_start = wire::from_rules(visit.plan().start);
        row.planned_end = wire::from_rules(visit.plan().end);
        row.next_timer_at = timer;
        row.closed_at = visit.decisions().closed.as_ref().map(|closed| wire::from_rules(closed.at));
        let tid = self.tid(&row.organization);
        opened.stored.members = members(visit, &tid);
        let expected = (opened.stored.version > 0).then_some(opened.stored.version);
        let mut change = Change::of(row.clone(), expected, now);
        change.members = Some(opened.stored.members.clone());
        change.seen = along.seen.clone().into_iter().collect();
        change.consume.clone_from(&along.consume);
        change.links = along.link.clone().into_iter().collect();
        // Of a meeting that came too late nobody is told: what happens there is none of this visit's.
        let watch = along.meeting.iter().filter(|_| meetings.kept.is_some()).filter_map(|(_, watch)| watch.clone());
        change.watches = watch.collect();
        meetings.seal(&mut change, &opened.key, &self.keys, &*self.random)?;
        if let Some(letter) = &along.letter {
            change.letters.push(letter.sealed(&row.id, &opened.key, self.random.id(), now)?);
        }
        Ok(change)
    }

    /// The clinicians whose companion is at another node, where it matters: nobody to be alerted has one here.
    async fn online_elsewhere(&self, audience: &Audience, effects: &[Effect]) -> Vec<Recipient> {
        let raised = effects.iter().any(|effect| matches!(effect, Effect::RaiseAlert { .. }));
        let clinicians: Vec<Recipient> = audience.clinicians().cloned().collect();
        if !raised || clinicians.is_empty() || clinicians.iter().any(|who| self.hub.is_online(who)) {
            return Vec::new();
        }
        self.store.online_elsewhere(&self.node, &clinicians).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "whether a clinician is at another node is not known, so the delegates are told");
            Vec::new()
        })
    }

    /// Tells everybody who follows this visit to look at it again.
    pub(crate) async fn announce(&self, visit: &str) -> Result<(), ArrivalError> {
        let opened = self.load(visit).await?;
        let audience = Audience::of(&self.config, &opened.stored.row.organization, &opened.record.visit);
        let told = audience.followers(opened.record.delegates_told).map(|recipient| NewNotice {
            recipient: recipient.clone(),
            kind: notices::stored(&NoticeKind::VisitChanged),
        });
        for notice in self.store.announce(visit, told.collect(), self.clock.now()).await? {
            self.hub.hint(&notice.recipient, notice.seq);
        }
        Ok(())
    }

    fn removes(&self, organization: &str) -> bool {
        self.config.organization(organization).is_some_and(|known| known.meeting.removal)
    }

    fn tid(&self, organization: &str) -> String {
        let known = self.config.organizations.iter().find(|known| known.key == organization);
        known.map(|known| known.tid.clone()).unwrap_or_default()
    }
}

#[async_trait]
impl ChartListener for Arrivals {
    fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.outbox)
    }

    async fn chart_changed(&self, visit: &str) {
        if let Err(error) = self.announce(visit).await {
            tracing::warn!(%error, "that the chart was told could not be announced");
        }
    }
}

fn members(visit: &rules::Visit, tid: &str) -> Vec<Member> {
    let member = |person: &rules::Participant| match &person.role {
        rules::Role::Practitioner { oid: Some(oid), covering, launched } => Some(Member {
            tid: tid.to_owned(),
            oid: oid.as_str().to_owned(),
            proven: launched.is_some(),
            covering: *covering,
        }),
        _ => None,
    };
    visit.participants().filter_map(|(_, person)| member(person)).collect()
}

fn effect_word(effect: &Effect) -> &'static str {
    match effect {
        Effect::WriteBack { .. } => "write-back",
        Effect::RaiseAlert { .. } => "raise-alert",
        Effect::Escalate { .. } => "escalate",
        Effect::WithdrawAlert => "withdraw-alert",
        Effect::LeftUnseen { .. } => "left-unseen",
        Effect::HelpWanted { .. } => "help-wanted",
        Effect::Closed => "closed",
    }
}
