//! Writes, one or many as one: everything under the store's lock, taken back if any part is refused. Only when all of it
//! stands are effects recorded and subscribers told. FHIR R4 http: create, conditional create, update, update as create.

use super::{
    Capabilities, Versioning,
    kinds::{Kind, kind},
    rules,
    store::{Held, Shelves, references, rewrite},
    subscription, validate,
};
use crate::{
    core::{Effect, Ehr, Shared, Written, lock},
    fhir::{Outcome, Site, identifiers, search::Asked, search::values},
    web::Parameters,
};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::MutexGuard;

/// The server's own name for the place in a paged answer.
pub(super) const PAGE: &str = "_offset";

/// What came of a write.
pub(super) struct Done {
    /// 201 or 200; 204 for a delete.
    pub(super) status: StatusCode,
    /// Its type.
    pub(super) kind: &'static str,
    /// Its id.
    pub(super) id: String,
    /// As it stands now.
    pub(super) held: Option<Held>,
}

/// What a create will do: nothing if a match is there already.
pub(super) enum Plan {
    New(String),
    Existing(String),
}

/// A write in progress.
pub(super) struct Writing<'a> {
    hospital: &'a Shared,
    site: &'a Site,
    /// The switches as they were when it began.
    pub(super) capabilities: Capabilities,
    shelves: MutexGuard<'a, Shelves>,
    changed: Vec<(&'static str, String, Option<Held>)>,
    now: Timestamp,
}

impl<'a> Writing<'a> {
    /// Takes the lock.
    pub(super) fn begin(hospital: &'a Shared, site: &'a Site) -> Self {
        Self {
            hospital,
            site,
            capabilities: hospital.r4.capabilities(),
            shelves: lock(&hospital.r4.shelves),
            changed: Vec::new(),
            now: hospital.clock.now(),
        }
    }

    /// The type a create or update is about.
    pub(super) fn kind(&self, name: &str) -> Result<&'static Kind, Outcome> {
        kind(name, self.capabilities.subscriptions).ok_or_else(Outcome::no_type)
    }

    /// Looks whether a create is needed.
    pub(super) fn plan(&self, kind: &'static Kind, if_none_exist: Option<&str>) -> Result<Plan, Outcome> {
        if !kind.create {
            return Err(Outcome::not_allowed(format!("{} cannot be created here.", kind.name)));
        }
        if let Some(condition) = if_none_exist.filter(|_| self.capabilities.conditional_create) {
            let parameters = Parameters::parse(condition);
            let asked = Asked::read(kind.params, PAGE, &parameters)?;
            if asked.names().next().is_none() {
                return Err(Outcome::precondition("If-None-Exist does not say what to look for."));
            }
            match self.shelves.find(self.site.organization, kind.name, &asked)?.as_slice() {
                [] => {}
                [one] => return Ok(Plan::Existing(one.resource["id"].as_str().unwrap_or_default().to_owned())),
                _ => return Err(Outcome::precondition("If-None-Exist has several matches.")),
            }
        }
        Ok(Plan::New(self.hospital.random.guid()))
    }

    /// Creates what was planned.
    pub(super) fn create(&mut self, kind: &'static Kind, plan: Plan, resource: Value) -> Result<Done, Outcome> {
        // Valid it must be even if nothing comes of it.
        let resource = self.accept(kind, resource)?;
        match plan {
            Plan::Existing(id) => Ok(self.done(StatusCode::OK, kind.name, id)),
            Plan::New(id) => {
                if kind.name == "Subscription" {
                    subscription::check(&resource, "requested")?;
                }
                self.put(kind.name, &id, resource);
                Ok(self.done(StatusCode::CREATED, kind.name, id))
            }
        }
    }

    /// Updates, or where that is a switch creates, what `id` names.
    pub(super) fn update(
        &mut self,
        kind: &'static Kind,
        id: &str,
        resource: Value,
        if_match: Option<&str>,
    ) -> Result<Done, Outcome> {
        if !kind.update {
            return Err(Outcome::not_allowed(format!("{} cannot be updated here.", kind.name)));
        }
        if !super::primitives::id(id) {
            return Err(Outcome::bad("This is not an id."));
        }
        if resource["id"] != id {
            return Err(Outcome::bad("The resource's id is not that of the address."));
        }
        let standing = self.shelves.get(self.site.organization, kind.name, id).map(|it| it.version.to_string());
        match (self.capabilities.versioning, standing.as_deref(), if_match) {
            (Versioning::NoVersion, ..) => {}
            (Versioning::VersionedUpdate, Some(_), None) => {
                return Err(Outcome::bad("If-Match is required: this server is versioned-update."));
            }
            (_, Some(standing), Some(wanted)) if standing != wanted => {
                return Err(Outcome::precondition("The version in If-Match is not the current one."));
            }
            (_, None, Some(_)) => {
                return Err(Outcome::precondition("If-Match names a version of what does not exist."));
            }
            _ => {}
        }
        if standing.is_none() && !(kind.create && self.capabilities.update_create) {
            return Err(Outcome::not_allowed("There is no such resource, and a client's id is not taken."));
        }
        let resource = self.accept(kind, resource)?;
        if kind.name == "Subscription" {
            subscription::check(
                &resource,
                resource["status"].as_str().filter(|it| *it == "off").unwrap_or("requested"),
            )?;
        }
        self.put(kind.name, id, resource);
        let status = if standing.is_none() { StatusCode::CREATED } else { StatusCode::OK };
        Ok(self.done(status, kind.name, id.to_owned()))
    }

    /// Deletes; what is not there is gone already.
    pub(super) fn delete(&mut self, kind: &'static Kind, id: &str) -> Result<Done, Outcome> {
        if !kind.delete {
            return Err(Outcome::not_allowed(format!("{} cannot be deleted here.", kind.name)));
        }
        if let Some(before) = self.shelves.remove(self.site.organization, kind.name, id) {
            self.changed.push((kind.name, id.to_owned(), Some(before)));
        }
        Ok(Done { status: StatusCode::NO_CONTENT, kind: kind.name, id: id.to_owned(), held: None })
    }

    /// Checks a resource and makes its references relative.
    fn accept(&self, kind: &'static Kind, mut resource: Value) -> Result<Value, Outcome> {
        if resource["resourceType"] != kind.name {
            return Err(Outcome::bad(format!("The body is not a {}.", kind.name)));
        }
        let base = format!("{}/", (self.hospital.r4.server.base)(self.hospital, self.site));
        rewrite(&mut resource, &|it| it.strip_prefix(&base).map(str::to_owned));
        validate::resource(&resource)?;
        rules::check(&resource)?;
        Ok(resource)
    }

    fn put(&mut self, kind: &'static str, id: &str, resource: Value) {
        let before = self.shelves.put(self.site.organization, kind, id, resource, self.now);
        self.changed.push((kind, id.to_owned(), before));
    }

    fn done(&self, status: StatusCode, kind: &'static str, id: String) -> Done {
        Done { status, kind, held: self.shelves.get(self.site.organization, kind, &id).cloned(), id }
    }

    /// Ends it: keeps everything if `answer` is good and every reference leads somewhere, else nothing.
    pub(super) fn end<T>(mut self, answer: Result<T, Outcome>) -> Result<T, Outcome> {
        let answer = answer.and_then(|it| self.lead_somewhere().map(|()| it));
        let site = self.site.organization;
        if answer.is_err() {
            while let Some((kind, id, before)) = self.changed.pop() {
                self.shelves.restore(site, kind, &id, before);
            }
            return answer;
        }
        for (kind, id, before) in &self.changed {
            let now = self.shelves.get(site, kind, id);
            let effect = match (before, now) {
                (Some(before), None) => Effect::Delete(self.written(kind, id, before)),
                (None, Some(held)) => Effect::Create(self.written(kind, id, held)),
                (_, Some(held)) => Effect::Update(self.written(kind, id, held)),
                (None, None) => continue,
            };
            self.hospital.effects.record(self.now, Ehr::R4, site, effect);
            subscription::changed(self.hospital, site, kind, id, now.map(|it| &it.resource));
        }
        answer
    }

    fn written(&self, kind: &'static str, id: &str, held: &Held) -> Written {
        let versioned = self.capabilities.versioning != Versioning::NoVersion;
        let mut names = identifiers(&held.resource);
        if kind == "AuditEvent" {
            // It has no identifier of its own; what it is about may have.
            names.extend(values(&held.resource, "entity.what").into_iter().filter_map(|it| {
                let (system, value) = (it["identifier"]["system"].as_str()?, it["identifier"]["value"].as_str()?);
                Some(format!("{system}|{value}"))
            }));
        }
        Written {
            resource_type: kind,
            id: id.to_owned(),
            identifiers: names,
            version: versioned.then(|| held.version.to_string()),
            status: held.resource["status"].as_str().map(str::to_owned),
            links: None,
        }
    }

    /// Every reference to this server must lead to something it holds.
    fn lead_somewhere(&self) -> Result<(), Outcome> {
        let site = self.site.organization;
        let mut lost = None;
        for (kind, id, _) in &self.changed {
            let Some(held) = self.shelves.get(site, kind, id) else { continue };
            references(&held.resource, &mut |it| {
                if !self.leads(it) {
                    lost = Some(format!("{kind} refers to {it}, which is not here."));
                }
            });
        }
        lost.map_or(Ok(()), |text| Err(Outcome::unprocessable("not-found", text)))
    }

    fn leads(&self, reference: &str) -> bool {
        if reference.starts_with('#') || reference.starts_with("http://") || reference.starts_with("https://") {
            return true;
        }
        let plain = reference.split_once("/_history/").map_or(reference, |(plain, _)| plain);
        let Some((name, id)) = plain.split_once('/') else { return false };
        kind(name, true).is_some_and(|it| self.shelves.get(self.site.organization, it.name, id).is_some())
    }
}
