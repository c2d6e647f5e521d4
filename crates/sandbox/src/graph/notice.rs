//! The JSON of change notifications and lifecycle notifications (microsoft.md 4.6, 4.7) from what happened in a call.
//! Pure. The guest's identity shape is not published; here it is a display name and nothing else.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::envelope::{Spoiled, seal};
use super::subscription::Subscription;
use crate::teams::{Delta, Happened, Who};

/// The type of what is sealed.
const CALL_EVENT: &str = "#microsoft.graph.callevent";

/// The members of the decrypted event that depend on what happened: `eventType`, `participants@delta`.
pub(crate) fn event(happened: &Happened, at: Timestamp) -> Value {
    match happened {
        Happened::Started => json!({"eventType": "callStarted", "eventDateTime": at.to_string()}),
        Happened::Ended(_) => json!({"eventType": "callEnded", "eventDateTime": at.to_string()}),
        Happened::Roster(deltas) => json!({
            "eventType": "rosterUpdated",
            "eventDateTime": at.to_string(),
            "participants@delta": deltas.iter().map(participant).collect::<Vec<_>>(),
        }),
    }
}

fn participant(delta: &Delta) -> Value {
    let mut it = json!({
        "id": delta.leg,
        "isInLobby": delta.in_lobby,
        "rosterSequenceNumber": delta.sequence,
        "info": {"identity": identity(&delta.who)},
    });
    if let Some(removed) = delta.removed {
        it["removedState"] = json!({"reason": removed.reason()});
    }
    it
}

pub(super) fn identity(who: &Who) -> Value {
    match who {
        Who::App { app_id, display_name, .. } => {
            json!({"application": {"id": app_id, "displayName": display_name}})
        }
        Who::User { oid, tenant_id, display_name, .. } => {
            json!({"user": {"id": oid, "displayName": display_name, "tenantId": tenant_id}})
        }
        Who::Guest { display_name } => json!({"guest": {"displayName": display_name}}),
    }
}

/// What a fault switch spoils in one notification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spoil {
    /// The sealed content.
    pub(crate) content: Spoiled,
    /// `clientState` is another one.
    pub(crate) client_state: bool,
}

/// One item of `value` for a rich change notification; `event` is what [`event`] made.
pub(crate) fn item(subscription: &Subscription, id: &str, event: &Value, spoil: Spoil) -> Value {
    let mut plain = event.clone();
    plain["@odata.type"] = json!(CALL_EVENT);
    plain["@odata.id"] = json!(subscription.asked.resource);
    plain["id"] = json!(id);
    json!({
        "subscriptionId": subscription.id,
        "clientState": client_state(subscription, spoil),
        "changeType": "updated",
        "tenantId": subscription.tenant_id,
        "organizationId": subscription.tenant_id,
        "resource": subscription.asked.resource,
        "subscriptionExpirationDateTime": subscription.asked.expires.to_string(),
        "resourceData": {"@odata.id": subscription.asked.resource, "@odata.type": CALL_EVENT, "id": id},
        "encryptedContent": seal(&subscription.asked.recipient, &plain, spoil.content),
    })
}

/// One item of `value` for a lifecycle notification.
pub(crate) fn lifecycle(subscription: &Subscription, event: &str, spoil: Spoil) -> Value {
    json!({
        "subscriptionId": subscription.id,
        "clientState": client_state(subscription, spoil),
        "tenantId": subscription.tenant_id,
        "organizationId": subscription.tenant_id,
        "resource": subscription.asked.resource,
        "subscriptionExpirationDateTime": subscription.asked.expires.to_string(),
        "lifecycleEvent": event,
    })
}

fn client_state(subscription: &Subscription, spoil: Spoil) -> Option<String> {
    let genuine = subscription.asked.client_state.clone();
    if spoil.client_state { Some(format!("not-{}", genuine.unwrap_or_default())) } else { genuine }
}
