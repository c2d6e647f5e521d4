//! The one list of checks, in the order in which they are made: whatever shows, runs or explains them reads it. A check is a
//! function that measures one thing and says what it found; later ones may use what earlier ones of the same lane have learned.

use futures_util::future::BoxFuture;

use super::finding::{Area, Measured};
use super::scene::{Door, Scene, Tenant};
use super::{address, database, disk, ehr, entra, environment, graph, keys};

/// One check.
pub(super) struct Check {
    /// Its name in the report, for ever.
    pub(super) id: &'static str,
    /// Its group.
    pub(super) area: Area,
    /// How it is made.
    pub(super) run: Run,
}

/// What a check looks at.
pub(super) enum Run {
    /// The relay, once.
    Relay(for<'a> fn(&'a Scene) -> BoxFuture<'a, Measured>),
    /// Each organization's tenant.
    Tenant(for<'a> fn(&'a Tenant<'_>) -> BoxFuture<'a, Measured>),
    /// The same, also when the organization's time is up: it takes back what was made.
    Clean(for<'a> fn(&'a Tenant<'_>) -> BoxFuture<'a, Measured>),
    /// Each EHR connection.
    Door(for<'a> fn(&'a Door<'_>) -> BoxFuture<'a, Measured>),
}

const fn check(id: &'static str, area: Area, run: Run) -> Check {
    Check { id, area, run }
}

/// All of them.
pub(super) const CHECKS: &[Check] = &[
    check("database.schema", Area::Database, Run::Relay(|it| Box::pin(database::schema(it)))),
    check("database.writable", Area::Database, Run::Relay(|it| Box::pin(database::writable(it)))),
    check("disk.database", Area::Database, Run::Relay(|it| Box::pin(disk::database(it)))),
    check("disk.keys", Area::Database, Run::Relay(|it| Box::pin(disk::keys(it)))),
    check("keys.master", Area::Keys, Run::Relay(|it| Box::pin(keys::master(it)))),
    check("keys.signing", Area::Keys, Run::Relay(|it| Box::pin(keys::signing(it)))),
    check("keys.certificate", Area::Keys, Run::Relay(|it| Box::pin(keys::certificate(it)))),
    check("address.relay", Area::Address, Run::Relay(|it| Box::pin(address::relay(it)))),
    check("address.keys", Area::Address, Run::Relay(|it| Box::pin(address::keys(it)))),
    check("address.certificate", Area::Address, Run::Relay(|it| Box::pin(address::certificate(it)))),
    check("entra.configuration", Area::Entra, Run::Tenant(|it| Box::pin(entra::configuration(it)))),
    check("entra.clock", Area::Entra, Run::Tenant(|it| Box::pin(entra::clock(it)))),
    check("entra.secret", Area::Entra, Run::Tenant(|it| Box::pin(entra::secret(it)))),
    check("graph.meetings", Area::Graph, Run::Tenant(|it| Box::pin(graph::meetings(it)))),
    check("graph.patient-link", Area::Graph, Run::Tenant(|it| Box::pin(graph::patient_link(it)))),
    check("graph.attendance", Area::Graph, Run::Tenant(|it| Box::pin(graph::attendance(it)))),
    check("graph.notifications", Area::Graph, Run::Tenant(|it| Box::pin(graph::notifications(it)))),
    check("graph.removal", Area::Graph, Run::Tenant(|it| Box::pin(graph::removal(it)))),
    check("graph.clean", Area::Graph, Run::Clean(|it| Box::pin(graph::clean(it)))),
    check("ehr.configuration", Area::Ehr, Run::Door(|it| Box::pin(ehr::configuration(it)))),
    check("ehr.version", Area::Ehr, Run::Door(|it| Box::pin(ehr::fhir_version(it)))),
    check("ehr.certificate", Area::Ehr, Run::Door(|it| Box::pin(ehr::certificate(it)))),
    check("ehr.clock", Area::Ehr, Run::Door(|it| Box::pin(ehr::clock(it)))),
    check("ehr.backend", Area::Ehr, Run::Door(|it| Box::pin(ehr::backend(it)))),
    check("ehr.write", Area::Ehr, Run::Door(|it| Box::pin(ehr::write(it)))),
    check("ehr.environment", Area::Ehr, Run::Door(|it| Box::pin(environment::environment(it)))),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_checks_have_one_name_and_the_last_word_of_a_tenant_is_to_clean_up() {
        let ids: std::collections::BTreeSet<_> = CHECKS.iter().map(|it| it.id).collect();
        assert_eq!(ids.len(), CHECKS.len());
        let mut of_tenants = CHECKS.iter().filter(|it| matches!(it.run, Run::Tenant(_) | Run::Clean(_)));
        assert!(of_tenants.next_back().is_some_and(|it| matches!(it.run, Run::Clean(_))));
    }
}
