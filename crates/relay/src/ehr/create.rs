//! Making one resource once, however often it is tried: under an id of our own (PUT), on the condition that nothing has our
//! key yet (If-None-Exist), or, where the server has neither, looked for before it is sent (reference `ehr.md` 4.2).

use roomed_smart::Error;
use roomed_smart::fhir::Change;
use serde_json::Value;

use super::answer::{is_duplicate, is_refusal, is_surprise, unread, unsaid, unseen};
use super::backend::Backend;
use super::{Attempt, ReadBack, Said, resources};

/// Most matches of a search for one key. More than one is somebody else's doing; the key is checked on each.
const LIMIT: usize = 50;

/// How a server lets us make something once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// PUT under our id: sending it again changes nothing.
    Put {
        /// Deterministic.
        id: String,
    },
    /// POST with `If-None-Exist`. Real servers race here, so after an unknown outcome it is looked for all the same.
    Conditional,
    /// POST, looked for first: after an unknown outcome, what is not found may still land.
    Plain,
}

/// What to make.
pub(super) struct Creation<'a> {
    /// The resource type.
    pub(super) kind: &'static str,
    /// The resource, carrying `key`.
    pub(super) resource: Value,
    /// How.
    pub(super) way: Way,
    /// The business key.
    pub(super) key: &'a str,
    /// A search that finds it; empty where the server has none.
    pub(super) search: Vec<(&'static str, String)>,
}

/// What became of it.
pub(super) enum Made {
    /// As an outbox row wants it.
    Said(Said),
    /// The server does not do this at all.
    Surprise(Said),
}

impl Creation<'_> {
    /// The request.
    pub(super) fn change(&self) -> Change {
        match &self.way {
            Way::Put { id } => {
                let mut resource = self.resource.clone();
                resource["id"] = Value::from(id.as_str());
                Change::update(self.kind, id, resource)
            }
            Way::Conditional => Change::create(self.kind, self.resource.clone()).if_none_exist(&query(self.key)),
            Way::Plain => Change::create(self.kind, self.resource.clone()),
        }
    }

    /// One attempt.
    pub(super) async fn make(&self, backend: &Backend, attempt: &Attempt<'_>) -> Made {
        // A backup may be older than what was sent from it, so a plain POST is never sent without a look.
        if attempt.uncertain || self.way == Way::Plain {
            match self.is_there(backend).await {
                Ok(Some(true)) => return Made::Said(Said::Accepted),
                Ok(_) if !attempt.uncertain || self.way != Way::Plain => {}
                Ok(_) => return Made::Said(possible_double(self.kind)),
                Err(error) => return Made::Said(still_uncertain(unread(&error), attempt)),
            }
        }
        match backend.change(&self.change(), Some(attempt.gate)).await {
            Ok(_) => Made::Said(Said::Accepted),
            // A server that wants a version for every update refuses a PUT of what is there already.
            Err(failure) if is_duplicate(&failure) || self.is_put() && is_refusal(&failure) => {
                match self.is_there(backend).await {
                    Ok(Some(true)) => Made::Said(Said::Accepted),
                    Ok(_) => Made::Said(unsaid(&failure)),
                    Err(error) => Made::Said(Said::NobodyKnows { reason: error.to_string() }),
                }
            }
            Err(failure) if is_surprise(&failure) => Made::Surprise(unsaid(&failure)),
            Err(failure) => Made::Said(still_uncertain(unsaid(&failure), attempt)),
        }
    }

    fn is_put(&self) -> bool {
        matches!(self.way, Way::Put { .. })
    }

    /// Whether the server shows it.
    pub(super) async fn look(&self, backend: &Backend) -> ReadBack {
        match self.is_there(backend).await {
            Ok(Some(true)) => ReadBack::Applied,
            Ok(Some(false)) => ReadBack::NotApplied,
            Ok(None) => ReadBack::CannotTell,
            Err(error) => unseen(error),
        }
    }

    /// `None` where the server cannot be asked.
    async fn is_there(&self, backend: &Backend) -> Result<Option<bool>, Error> {
        if let Way::Put { id } = &self.way {
            let read = backend.read_versioned(self.kind, id).await?;
            return Ok(Some(read.is_some_and(|(resource, _)| resources::carries(&resource, self.key))));
        }
        if self.search.is_empty() {
            return Ok(None);
        }
        let params: Vec<(&str, &str)> = self.search.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let found = backend.search_json(self.kind, &params, LIMIT).await?;
        Ok(Some(found.iter().any(|it| resources::carries(it, self.key))))
    }
}

/// The condition of a conditional create.
pub(super) fn query(key: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("identifier", &resources::identifier_token(key)).finish()
}

/// "Not now" would say that nothing was applied. What an earlier attempt did is still open.
pub(super) fn still_uncertain(said: Said, attempt: &Attempt<'_>) -> Said {
    match said {
        Said::NotNow { reason, .. } if attempt.uncertain => Said::NobodyKnows { reason },
        said => said,
    }
}

/// An earlier attempt left, and the EHR shows nothing of it.
pub(super) fn possible_double(kind: &str) -> Said {
    let reason = format!(
        "An earlier {kind} may have been taken, the EHR does not show it, and this EHR cannot keep a second one out: look \
         for it before it is sent again."
    );
    Said::PossibleDouble { reason }
}
