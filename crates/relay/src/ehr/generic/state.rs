//! The state of a visit, set on its Encounter: find it (by appointment, or under our key), make it where there is none,
//! else change it under the version that was read. What somebody else changed meanwhile is read again. The rows of a visit
//! come here one at a time ([`Ehr::one_per_visit`](super::super::Ehr::one_per_visit)); where nothing would keep out a
//! request that lands late (a create, a PUT without a version), the others wait until its fate is known.

use roomed_smart::Error;
use roomed_smart::fhir::{Change, Changed, Version};
use serde_json::{Value, json};

use super::super::answer::{is_duplicate, is_stale, is_surprise, unread, unsaid, unseen};
use super::super::capabilities::Capabilities;
use super::super::create::{Creation, Way, possible_double, query, still_uncertain};
use super::super::{Attempt, ReadBack, Said, resources};
use super::place::Place;
use super::{Generic, encounter};
use crate::outbox::WriteBack;
use crate::store::Others;

/// How often somebody else may be faster within one attempt.
const ROUNDS: usize = 3;

/// Most Encounters of one appointment.
const LIMIT: usize = 20;

const KIND: &str = "Encounter";

/// What one round led to.
enum Round {
    Done(Said),
    /// Something else stands there by now.
    Again,
}

impl Generic {
    /// One attempt at a state.
    pub(super) async fn state(&self, intent: &WriteBack, attempt: &Attempt<'_>) -> Said {
        for _ in 0..ROUNDS {
            match self.round(intent, attempt).await {
                Ok(Round::Done(said)) => return still_uncertain(said, attempt),
                Ok(Round::Again) => {}
                Err(error) => return still_uncertain(unread(&error), attempt),
            }
        }
        let said = Said::NotNow { reason: "the encounter keeps changing".into(), retry_after: None };
        still_uncertain(said, attempt)
    }

    async fn round(&self, intent: &WriteBack, attempt: &Attempt<'_>) -> Result<Round, Error> {
        let can = self.capabilities().await?;
        let key = self.key(intent);
        let way = can.way_of_shared(KIND, &key);
        if way.is_none() && !can.can(KIND, "update") {
            let reason = "This FHIR server takes no Encounter.".into();
            return Ok(Round::Done(Said::Unsupported { reason }));
        }
        let found = match self.find(&can, &key, way.as_ref(), &intent.appointment).await? {
            Ok(found) => found,
            Err(said) => return Ok(Round::Done(said)),
        };
        let place = self.place(&can).await?;
        match (found, way) {
            (Some(found), _) => self.change(&can, found, intent, &place, attempt).await,
            (None, _) if encounter::is_nothing(&intent.about) => Ok(Round::Done(Said::Accepted)),
            // The EHR makes it by itself, at the desk or later.
            (None, None) => Ok(Round::Done(Said::NoIdentifier)),
            (None, Some(way)) => self.make(&can, (&key, way), intent, &place, attempt).await,
        }
    }

    /// Whether the Encounter shows it already.
    pub(super) async fn shows(&self, can: &Capabilities, intent: &WriteBack) -> ReadBack {
        let key = self.key(intent);
        let way = can.way_of_shared(KIND, &key);
        match self.find(can, &key, way.as_ref(), &intent.appointment).await {
            Ok(Ok(Some(mut found))) => match encounter::apply(&mut found, &intent.about, &Place::Contained) {
                Ok(false) => ReadBack::Applied,
                Ok(true) | Err(_) => ReadBack::NotApplied,
            },
            Ok(Ok(None)) if encounter::is_nothing(&intent.about) => ReadBack::Applied,
            Ok(Ok(None)) => ReadBack::NotApplied,
            Ok(Err(_)) => ReadBack::CannotTell,
            Err(error) => unseen(error),
        }
    }

    /// One key per appointment: all streams of a visit mean the same Encounter.
    fn key(&self, intent: &WriteBack) -> String {
        resources::deterministic(&self.organization, &intent.iss, &format!("encounter/{}", intent.appointment))
    }

    async fn find(
        &self,
        can: &Capabilities,
        key: &str,
        way: Option<&Way>,
        appointment: &str,
    ) -> Result<Result<Option<Value>, Said>, Error> {
        if can.searches(KIND, "appointment") {
            let reference = format!("Appointment/{appointment}");
            let found = self.backend.search_json(KIND, &[("appointment", &reference)], LIMIT).await?;
            match encounter::of_visit(found, key) {
                Ok(None) => {}
                found => return Ok(found),
            }
        }
        // What was made a moment ago may not be in the index yet.
        if let Some(Way::Put { id }) = way {
            return Ok(Ok(self.backend.read_versioned(KIND, id).await?.map(|(found, _)| found)));
        }
        if can.searches(KIND, "identifier") {
            let token = resources::identifier_token(key);
            let found = self.backend.search_json(KIND, &[("identifier", &token)], LIMIT).await?;
            return Ok(encounter::of_visit(found, key));
        }
        Ok(Ok(None))
    }

    /// A Location of its own needs a transaction to be made in, a way to make it once however often it comes, and a scope.
    async fn place(&self, can: &Capabilities) -> Result<Place, Error> {
        let key = resources::deterministic(&self.organization, &self.config.iss, "location");
        let way = can.way_of_shared("Location", &key).filter(|way| match way {
            Way::Put { .. } => !can.update_needs_version("Location"),
            Way::Conditional => true,
            Way::Plain => false,
        });
        match way {
            Some(way) if can.transaction() && self.backend.may("Location", "cu").await? => {
                Ok(Place::Own { key, way, page: self.page.clone() })
            }
            _ => Ok(Place::Contained),
        }
    }

    async fn change(
        &self,
        can: &Capabilities,
        mut found: Value,
        intent: &WriteBack,
        place: &Place,
        attempt: &Attempt<'_>,
    ) -> Result<Round, Error> {
        let had_place = encounter::has_place(&found);
        match encounter::apply(&mut found, &intent.about, place) {
            Ok(true) => {}
            Ok(false) => return Ok(Round::Done(Said::Accepted)),
            Err(said) => return Ok(Round::Done(said)),
        }
        if !can.can(KIND, "update") {
            let reason = "This FHIR server does not let an Encounter be changed.".into();
            return Ok(Round::Done(Said::Unsupported { reason }));
        }
        let Some(id) = found["id"].as_str().map(str::to_owned) else { return Err(Error::Malformed("no id")) };
        let version = can.versioned(KIND).then(|| Version::of_meta(&found)).flatten();
        // Its own row sends it again, and says what then holds.
        if version.is_none() && attempt.others == Others::Settling && !attempt.uncertain {
            return Ok(Round::Done(Said::Wait));
        }
        // Without a version it may land late and undo what others did: so it counts as perhaps applied.
        let gate = version.is_none().then_some(attempt.gate);
        let needs_place = encounter::has_place(&found) && !had_place;
        let mut request = json!({ "method": "PUT", "url": format!("{KIND}/{id}") });
        if let Some(version) = &version {
            request["ifMatch"] = Value::from(version.as_str());
        }
        let change = match place.with(&found, request).filter(|_| needs_place) {
            Some(bundle) => Change::transaction(bundle),
            None => {
                let change = Change::update(KIND, &id, found);
                match version {
                    Some(version) => change.if_match(version),
                    None => change,
                }
            }
        };
        let said = match self.backend.change(&change, gate).await {
            Ok(_) => Said::Accepted,
            Err(failure) if is_stale(&failure) => return Ok(Round::Again),
            Err(failure) if is_surprise(&failure) => self.surprised(unsaid(&failure), can).await,
            Err(failure) => unsaid(&failure),
        };
        Ok(Round::Done(said))
    }

    async fn make(
        &self,
        can: &Capabilities,
        (key, way): (&str, Way),
        intent: &WriteBack,
        place: &Place,
        attempt: &Attempt<'_>,
    ) -> Result<Round, Error> {
        // Only a conditional create is as good within a transaction as without.
        let place = if way == Way::Conditional { place } else { &Place::Contained };
        let mut resource = encounter::fresh(key, &intent.appointment, intent.patient.as_deref());
        if let Err(said) = encounter::apply(&mut resource, &intent.about, place) {
            return Ok(Round::Done(said));
        }
        let request = json!({ "method": "POST", "url": KIND, "ifNoneExist": query(key) });
        let bundle = place.with(&resource, request).filter(|_| encounter::has_place(&resource));
        let in_transaction = bundle.is_some();
        let change = match bundle {
            Some(bundle) => Change::transaction(bundle),
            None => Creation { kind: KIND, resource, way: way.clone(), key, search: Vec::new() }.change(),
        };
        let conditional = way == Way::Conditional;
        // What may still land is not to be met by a second one: servers race, with a condition too.
        if attempt.settling || attempt.others == Others::Settling && !attempt.uncertain {
            return Ok(Round::Done(Said::Wait));
        }
        let change = match way {
            Way::Conditional => change,
            Way::Put { .. } => change.if_absent(),
            // It may be there all the same, and a second time makes a second one.
            Way::Plain if attempt.uncertain || attempt.others == Others::Asked => {
                return Ok(Round::Done(possible_double(KIND)));
            }
            Way::Plain => change,
        };
        let said = match self.backend.change(&change, Some(attempt.gate)).await {
            Ok(changed) if conditional && !made(&changed, in_transaction) => return Ok(Round::Again),
            Ok(_) => Said::Accepted,
            Err(failure) if is_duplicate(&failure) || is_stale(&failure) => return Ok(Round::Again),
            Err(failure) if is_surprise(&failure) => self.surprised(unsaid(&failure), can).await,
            Err(failure) => unsaid(&failure),
        };
        Ok(Round::Done(said))
    }
}

/// Whether a conditional create made something, rather than finding what somebody else had made.
fn made(changed: &Changed, in_transaction: bool) -> bool {
    if !in_transaction {
        return changed.created;
    }
    // The Encounter is the second of two. A server that sends no body is read again.
    let status = changed.body.as_ref().and_then(|it| it.pointer("/entry/1/response/status")).and_then(Value::as_str);
    status.is_some_and(|it| it.starts_with("201"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conditional_create_that_found_something_made_nothing() {
        let alone = |created| Changed { created, body: None };
        assert!(made(&alone(true), false) && !made(&alone(false), false));
        let both = |status: &str| Changed {
            created: false,
            body: Some(json!({ "entry": [{ "response": { "status": "200" } }, { "response": { "status": status } }] })),
        };
        assert!(made(&both("201 Created"), true) && !made(&both("200 OK"), true) && !made(&alone(true), true));
    }
}
