//! What makes no sense together: every finding at once, each naming its key and what to write instead.

use std::collections::BTreeSet;
use std::net::IpAddr;

use roomed_smart::guard::never;
use secrecy::ExposeSecret;
use url::{Host, Url};

use super::{Config, ConfigError, ContextLink, EhrConfig, Organization, Vendor};

impl Config {
    /// Checks the whole. What `roomed-relay config check` prints, one finding a line.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut found = Findings { list: Vec::new(), http: self.dev.loopback_http };
        if self.dev.loopback_http && !self.bind.ip().is_loopback() {
            found.say(format!(
                "dev.loopback_http is for loopback only, but bind is {}: use 127.0.0.1 or switch it off",
                self.bind
            ));
        }
        found.address("public_url", &self.public_url);
        // Browsers send exactly this as `Origin`, against which the patient's page is checked.
        if Url::parse(&self.public_url).is_ok_and(|url| url.origin().ascii_serialization() != self.public_url) {
            found.say(
                "public_url must be scheme and host only (and a port that is not the scheme's own), without a path"
                    .into(),
            );
        }
        for (region, address) in &self.regions {
            found.address(&format!("regions.{region:?}").to_lowercase(), address);
        }
        for range in self.ehr.private_ranges.iter().filter(|range| never(range.network())) {
            found.say(format!(
                "ehr.private_ranges holds {range}, where no EHR can stand: name the hospital's own ranges"
            ));
        }
        let database = self.database.url.expose_secret();
        if !["sqlite:", "postgres:", "postgresql:"].iter().any(|it| database.starts_with(it)) {
            found.say("database.url must begin with sqlite: or postgres:".into());
        }
        let at_least_one = [
            ("database.readers", self.database.readers),
            ("launch.one_time_seconds", self.launch.one_time_seconds),
            ("launch.offer_seconds", self.launch.offer_seconds),
            ("web.session_minutes", self.web.session_minutes),
            ("web.idle_minutes", self.web.idle_minutes),
            ("visit.alert_repeat_seconds", self.visit.alert_repeat_seconds),
            ("visit.wait_long_seconds", self.visit.wait_long_seconds),
            ("meeting.request_seconds", self.meeting.request_seconds),
            ("outbox.deadline_ms", self.outbox.deadline_ms),
            ("outbox.settle_delay_ms", self.outbox.settle_delay_ms),
            ("outbox.identifier_ms", self.outbox.identifier_ms),
            ("outbox.concurrency", self.outbox.concurrency),
            ("outbox.per_ehr_per_second", self.outbox.per_ehr_per_second),
            ("outbox.per_ehr_burst", self.outbox.per_ehr_burst),
            ("outbox.park_after_failures", self.outbox.park_after_failures),
            ("outbox.breaker_failures", self.outbox.breaker_failures),
            ("outbox.breaker_ms", self.outbox.breaker_ms),
            ("retention.parked_days", self.retention.parked_days),
            ("retention.entry_days", self.retention.entry_days),
            ("retention.event_days", self.retention.event_days),
            ("limits.request_seconds", self.limits.request_seconds),
            ("limits.sockets", self.limits.sockets),
            ("limits.sockets_each", self.limits.sockets_each),
            ("limits.anonymous_per_minute", self.limits.anonymous_per_minute),
            ("limits.person_per_minute", self.limits.person_per_minute),
        ];
        for (key, _) in at_least_one.iter().filter(|(_, value)| *value == 0) {
            found.say(format!("{key} must be at least 1"));
        }
        if self.visit.wait_too_long_seconds <= self.visit.wait_long_seconds {
            found.say("visit.wait_too_long_seconds must be more than visit.wait_long_seconds".into());
        }
        if self.keys.master_key.is_some() == self.keys.master_key_file.is_some() {
            found.say("set exactly one of keys.master_key and keys.master_key_file".into());
        }
        if self.outbox.deadline_ms >= self.outbox.lease_ms {
            found.say("outbox.deadline_ms must be less than outbox.lease_ms".into());
        }
        if self.outbox.schedule_ms.is_empty() {
            found.say("outbox.schedule_ms needs at least one wait".into());
        }
        if self.outbox.breaker_max_ms < self.outbox.breaker_ms {
            found.say("outbox.breaker_max_ms must not be less than outbox.breaker_ms".into());
        }
        if self.meeting.renew_before_minutes >= self.meeting.watch_minutes {
            found.say("meeting.renew_before_minutes must be less than meeting.watch_minutes".into());
        }
        let (mut keys, mut tenants) = (BTreeSet::new(), BTreeSet::new());
        for organization in &self.organizations {
            let at = format!("organizations[{}]", organization.key);
            if !keys.insert(&organization.key) {
                found.say(format!("{at}.key is used twice"));
            }
            if !tenants.insert(organization.tid.to_ascii_lowercase()) {
                found.say(format!("{at}.tid is another organization's already"));
            }
            if organization.region == self.region {
                found.organization(&at, organization);
            } else if !self.regions.contains_key(&organization.region) {
                // The rest of it is its own region's business: files and secrets of there are not here.
                found.say(format!("{at} is of another region; say in [regions] where its relay is"));
            }
        }
        if found.list.is_empty() { Ok(()) } else { Err(ConfigError::Invalid(found.list)) }
    }
}

struct Findings {
    list: Vec<String>,
    http: bool,
}

impl Findings {
    fn say(&mut self, finding: String) {
        self.list.push(finding);
    }

    /// https, or with `dev.loopback_http` also http to loopback; no slash at the end.
    fn address(&mut self, key: &str, address: &str) {
        let Ok(url) = Url::parse(address) else {
            return self.say(format!("{key} is no address; it should look like https://host/path"));
        };
        match url.scheme() {
            "https" => {}
            "http" if self.http && loopback(&url) => {}
            "http" if self.http => self.say(format!("{key} may be http on 127.0.0.1 only")),
            "http" => self.say(format!("{key} must be https (dev.loopback_http allows http on loopback)")),
            _ => self.say(format!("{key} must be https")),
        }
        if address.ends_with('/') {
            self.say(format!("{key} must not end with a slash"));
        }
    }

    /// As [`Findings::address`], and a name rather than a number: see [`roomed_smart::UrlPolicy`].
    fn ehr_address(&mut self, key: &str, address: &str) {
        self.address(key, address);
        let number = |url: &Url| matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
        if Url::parse(address).is_ok_and(|url| number(&url) && !(self.http && loopback(&url))) {
            self.say(format!("{key} has a number where the server's name belongs"));
        }
    }

    fn organization(&mut self, at: &str, it: &Organization) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if it.key.is_empty() || it.key.len() > 64 || !it.key.chars().all(plain) {
            self.say(format!("{at}.key may hold a-z, 0-9 and - only"));
        }
        for role in &it.staff {
            let known = |id: &String| id == "*" || it.departments.iter().any(|department| department.id == *id);
            for id in role.departments.iter().filter(|id| !known(id)) {
                self.say(format!(
                    "{at}.staff: the role {} names the department {id}, which is not in departments",
                    role.role
                ));
            }
        }
        let mut ids = vec![("tid", &it.tid), ("organizer_oid", &it.organizer_oid)];
        ids.extend(it.delegates.iter().map(|oid| ("delegates", oid)));
        for (key, value) in ids {
            if uuid::Uuid::try_parse(value).is_err() {
                self.say(format!("{at}.{key} must be a GUID"));
            }
        }
        self.address(&format!("{at}.entra.authority"), &it.entra.authority);
        if it.entra.relay_client_secret.expose_secret().is_empty() {
            self.say(format!("{at}.entra.relay_client_secret is empty"));
        }
        self.address(&format!("{at}.graph.base"), &it.graph.base);
        self.address(&format!("{at}.graph.subscriptions_base"), &it.graph.subscriptions_base);
        self.address(&format!("{at}.graph.token_endpoint"), &it.graph.token_endpoint);
        self.address(&format!("{at}.graph.validation_keys"), &it.graph.validation_keys);
        let findings = it.meeting.findings();
        self.list.extend(findings.into_iter().map(|finding| format!("{at}.meeting.{finding}")));
        if let Some(sending) = &it.sending {
            let findings = sending.findings(self.http);
            self.list.extend(findings.into_iter().map(|finding| format!("{at}.sending.{finding}")));
        }
        let mut seen = BTreeSet::new();
        for ehr in &it.ehr {
            let at = format!("{at}.ehr[{}]", ehr.iss);
            if !seen.insert(&ehr.iss) {
                self.say(format!("{at}.iss is used twice"));
            }
            self.ehr(&at, ehr);
        }
    }

    fn ehr(&mut self, at: &str, it: &EhrConfig) {
        // `iss` is compared letter by letter with what the EHR sends, so a slash at its end is the EHR's affair.
        self.ehr_address(&format!("{at}.iss"), it.iss.trim_end_matches('/'));
        self.vendor(at, it);
        let others = [&it.companion_client_id, &it.patient_client_id, &it.backend_client_id];
        if it.browser_client_id.as_ref().is_some_and(|own| own.is_empty() || others.contains(&own)) {
            self.say(format!("{at}.browser_client_id must be a client of its own, or left out"));
        }
        let clients = [&it.companion_client_id, &it.patient_client_id, &it.backend_client_id];
        if clients.iter().any(|id| id.is_empty()) {
            self.say(format!("{at}: a client id is empty"));
        }
        if it.virtual_visit_types.is_empty() {
            self.say(format!("{at}.virtual_visit_types is empty, so no appointment would be a virtual visit"));
        }
        if let Some(status) = &it.connection_status {
            self.ehr_address(&format!("{at}.interconnect"), &it.interconnect);
            if !status.path.starts_with('/') || status.path.contains(['?', '#']) {
                self.say(format!("{at}.connection_status.path must begin with / and have no query"));
            }
            if status.disconnected == Some(status.connected) {
                self.say(format!("{at}.connection_status: connected and disconnected are the same number"));
            }
        }
        for finding in it.context_link.iter().flat_map(ContextLink::findings) {
            self.say(format!("{at}.context_link{finding}"));
        }
    }

    /// What only one vendor has, or needs.
    fn vendor(&mut self, at: &str, it: &EhrConfig) {
        let systems = &it.identifier_systems;
        if it.vendor == Vendor::Epic {
            if [&systems.csn, &systems.practitioner, &systems.patient].iter().any(|system| system.is_empty()) {
                self.say(format!("{at}.identifier_systems: Epic needs csn, practitioner and patient"));
            }
            if !systems.conference.is_empty() && systems.conference == systems.csn {
                self.say(format!("{at}.identifier_systems: conference and csn must be two systems"));
            }
        } else if it.connection_status.is_some() {
            self.say(format!("{at}.connection_status is Epic's alone: leave it out"));
        }
        if it.vendor != Vendor::Epic && !systems.conference.is_empty() {
            self.say(format!("{at}.identifier_systems.conference is Epic's alone: leave it out"));
        }
        if it.vendor != Vendor::Epic && it.context_link.is_some() {
            self.say(format!("{at}.context_link is Epic's alone: leave it out"));
        }
        if it.vendor == Vendor::OracleHealth && it.communication {
            self.say(format!("{at}.communication: Oracle Health takes no Communication, leave it out"));
        }
    }
}

fn loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}
