//! `POST` of a transaction Bundle to the base: all of it or nothing. Deletes, then creates, then updates, as FHIR orders
//! them; `urn:uuid:` references lead to what the bundle makes or finds. No reads, no conditional updates, no batch.

use super::{
    kinds::Kind,
    store::{references, rewrite},
    write::{Done, Plan, Writing},
};
use crate::{
    core::Shared,
    fhir::{Caller, Outcome, weak_tag},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Entry {
    full_url: Option<String>,
    resource: Option<Value>,
    request: Request,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    if_none_exist: Option<String>,
    if_match: Option<String>,
}

/// One entry, understood.
enum Step {
    Create { kind: &'static Kind, plan: Plan },
    Update { kind: &'static Kind, id: String, if_match: Option<String> },
    Delete { kind: &'static Kind, id: String },
}

/// Does a transaction; what came of each entry, in the bundle's order.
pub(super) fn apply(hospital: &Shared, caller: &Caller<'_>, bundle: &Value) -> Result<Vec<Done>, Outcome> {
    if bundle["resourceType"] != "Bundle" || bundle["type"] != "transaction" {
        return Err(Outcome::bad("The body is not a Bundle of type transaction."));
    }
    let entries = bundle["entry"].as_array().filter(|it| !it.is_empty());
    let entries = entries.ok_or_else(|| Outcome::bad("The Bundle has no entries."))?;
    let mut entries = entries
        .iter()
        .map(|it| serde_json::from_value::<Entry>(it.clone()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| Outcome::bad(format!("An entry is not understood: {why}")))?;
    let mut writing = Writing::begin(hospital, caller.site);
    let answer = run(&mut writing, caller, &mut entries);
    writing.end(answer)
}

fn run(writing: &mut Writing<'_>, caller: &Caller<'_>, entries: &mut [Entry]) -> Result<Vec<Done>, Outcome> {
    let mut steps = Vec::new();
    let mut places = HashMap::new();
    let mut touched = HashSet::new();
    for entry in entries.iter() {
        let step = plan(writing, caller, entry)?;
        let at = step.address();
        if !touched.insert(at.clone()) && !matches!(&step, Step::Create { plan: Plan::Existing(_), .. }) {
            return Err(Outcome::bad(format!("{at} is in the Bundle twice.")));
        }
        if let Some(urn) = &entry.full_url
            && places.insert(urn.clone(), at).is_some()
        {
            return Err(Outcome::bad("A fullUrl is in the Bundle twice."));
        }
        steps.push(step);
    }
    for resource in entries.iter_mut().filter_map(|it| it.resource.as_mut()) {
        rewrite(resource, &|it| places.get(it).cloned());
        let mut lost = false;
        references(resource, &mut |it| lost |= it.starts_with("urn:"));
        if lost {
            return Err(Outcome::unprocessable("not-found", "A urn: reference names no entry of the Bundle."));
        }
    }
    let mut done: Vec<Option<Done>> = steps.iter().map(|_| None).collect();
    let mut steps: Vec<(usize, Step)> = steps.into_iter().enumerate().collect();
    steps.sort_by_key(|(at, step)| (step.rank(), *at));
    for (at, step) in steps {
        let resource = entries[at].resource.take();
        let resource = || resource.ok_or_else(|| Outcome::bad("An entry has no resource."));
        done[at] = Some(match step {
            Step::Create { kind, plan } => writing.create(kind, plan, resource()?)?,
            Step::Update { kind, id, if_match } => writing.update(kind, &id, resource()?, if_match.as_deref())?,
            Step::Delete { kind, id } => writing.delete(kind, &id)?,
        });
    }
    Ok(done.into_iter().flatten().collect())
}

fn plan(writing: &Writing<'_>, caller: &Caller<'_>, entry: &Entry) -> Result<Step, Outcome> {
    let request = &entry.request;
    if request.url.contains('?') {
        return Err(Outcome::not_allowed("Conditional updates and deletes are not supported."));
    }
    let mut segments = request.url.split('/');
    let (name, id, more) = (segments.next().unwrap_or_default(), segments.next(), segments.next());
    let kind = writing.kind(name)?;
    match (request.method.as_str(), id, more) {
        ("POST", None, _) => {
            caller.may(kind.name, "c")?;
            Ok(Step::Create { kind, plan: writing.plan(kind, request.if_none_exist.as_deref())? })
        }
        ("PUT", Some(id), None) => {
            caller.may(kind.name, "u")?;
            let tag = request.if_match.as_deref();
            let version = tag.map(|it| weak_tag(it).ok_or_else(|| Outcome::bad("ifMatch must be W/\"version\".")));
            Ok(Step::Update { kind, id: id.to_owned(), if_match: version.transpose()? })
        }
        ("DELETE", Some(id), None) => {
            caller.may(kind.name, "d")?;
            Ok(Step::Delete { kind, id: id.to_owned() })
        }
        _ => Err(Outcome::not_allowed(format!("{} {} cannot be in a transaction here.", request.method, request.url))),
    }
}

impl Step {
    fn rank(&self) -> u8 {
        match self {
            Self::Delete { .. } => 0,
            Self::Create { .. } => 1,
            Self::Update { .. } => 2,
        }
    }

    fn address(&self) -> String {
        match self {
            Self::Create { kind, plan: Plan::New(id) | Plan::Existing(id) }
            | Self::Update { kind, id, .. }
            | Self::Delete { kind, id } => format!("{}/{id}", kind.name),
        }
    }
}
