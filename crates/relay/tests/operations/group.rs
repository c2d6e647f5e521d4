//! A group's patients who come at the same moment: on one database, and on several nodes where it can have several.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use roomed_relay::ehr::{AppointmentFacts, Together};
use roomed_relay::relay::Relay;

use crate::home::{Home, Kind};
use crate::place::{ORGANIZATION, Place, noon};

const PATIENTS: usize = 6;

fn facts(n: usize, group: Option<&str>) -> AppointmentFacts {
    AppointmentFacts {
        id: format!("a{n}"),
        status: "booked".into(),
        is_virtual: true,
        start: noon(),
        end: noon() + SignedDuration::from_mins(30),
        patient: Some(format!("p{n}")),
        practitioners: vec!["d1".into()],
        conference_id: Some("9".into()),
        group: group.map(str::to_owned),
        location: None,
    }
}

async fn opens(relay: Arc<Relay>, facts: AppointmentFacts) -> String {
    let organization = relay.organization(ORGANIZATION).unwrap().clone();
    let opened = relay.open_visit(&organization, &organization.ehr[0], &Together::from(facts), None).await;
    opened.unwrap_or_else(|refusal| panic!("{:?}", refusal.0)).stored.row.id
}

/// Each knows of their own appointment only: the EHR's search may be behind.
pub(crate) async fn patients_who_launch_at_once_are_in_one_visit_each_once(kind: Kind) {
    let home = Home::make(kind).await;
    let first = Place::open(&home, noon()).await;
    let second = match kind {
        Kind::Sqlite => None,
        Kind::Postgres => Some(Place::open(&home, noon()).await),
    };
    let relays = [Some(&first), second.as_ref().or(Some(&first))].map(|it| Arc::clone(&it.unwrap().relay));
    for round in 0..2 {
        let mut opening = tokio::task::JoinSet::new();
        for n in 0..PATIENTS {
            // Both nodes hear of everybody, at the same moment.
            for relay in &relays {
                opening.spawn(opens(Arc::clone(relay), facts(n, Some("9"))));
            }
        }
        let visits: BTreeSet<String> = opening.join_all().await.into_iter().collect();
        assert_eq!(visits.len(), 1, "round {round}: {visits:?}");
        let opened = first.relay.arrivals.load(visits.first().unwrap()).await.unwrap();
        let record = opened.record;
        assert_eq!(record.visit.patients().count(), PATIENTS, "round {round}: each once");
        let lines: BTreeSet<(String, String)> = (0..PATIENTS)
            .map(|n| (format!("a{n}"), record.ehr.line(record.patient(&format!("p{n}")).unwrap()).appointment))
            .collect();
        assert!(lines.iter().all(|(own, line)| own == line), "round {round}: {lines:?}");
    }
    let group = opens(Arc::clone(&first.relay), facts(0, Some("9"))).await;
    let other = opens(Arc::clone(&first.relay), facts(0, Some("10"))).await;
    let alone = opens(Arc::clone(&first.relay), facts(0, None)).await;
    assert_eq!(BTreeSet::from([group, other, alone]).len(), 3, "another conference, and none, are other visits");
    for place in [Some(first), second].into_iter().flatten() {
        place.close().await;
    }
}
