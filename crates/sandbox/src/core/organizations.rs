//! The two customers: an Entra tenant and an Epic instance each, with what their administrators would know.
//! Client ids are the vendor's (one registration, many customers); passwords and statuses are the hospital's own.

use super::{
    Canaries, Department, Patient, Person, PersonRole, Proxy, Random, departments,
    people::{patient, person},
    proxies::{patient_as_proxy, proxy},
};
use PersonRole::{Practitioner, Staff};

/// Where this hospital keeps its identifiers. Configuration, never guessed.
#[derive(Clone, Debug, serde::Serialize)]
pub struct IdentifierSystems {
    /// Contact serial number, on Appointment and Encounter.
    pub csn: String,
    /// EMP id, on Practitioner.
    pub practitioner: String,
    /// WPR id, on Patient.
    pub patient: String,
}

/// A customer.
pub struct Organization {
    /// `northside` or `harbor`.
    pub key: &'static str,
    /// Shown name.
    pub name: &'static str,
    /// `emea`, `amer` or `apac`.
    pub region: &'static str,
    /// Entra tenant id.
    pub tid: String,
    /// The verified domain of the tenant.
    pub domain: &'static str,
    /// First path segment of this hospital's Interconnect.
    pub interconnect: &'static str,
    /// Everybody but the organizer account.
    pub people: Vec<Person>,
    /// The service account that organizes all meetings (application access policy is granted for it).
    pub organizer: Person,
    /// Object ids of those alerted when nobody else can be.
    pub delegates: Vec<String>,
    /// Patients.
    pub patients: Vec<Patient>,
    /// Those who may act for a patient.
    pub proxies: Vec<Proxy>,
    /// Departments, at least one.
    pub departments: Vec<Department>,
    /// Identifier systems.
    pub systems: IdentifierSystems,
    /// Where group visits keep their conference id.
    pub conference_system: String,
    /// Where Locations keep the department's number.
    pub department_system: String,
    /// Coding system of appointment types.
    pub visit_type_system: String,
    /// User of the connection-status service, with its `emp$`.
    pub status_user: String,
    /// Password of that user.
    pub status_password: String,
    /// What this hospital's ready-made encrypted links are made with: 32 characters, of which AES-128 takes 16.
    pub link_secret: String,
    /// `VendorName` registered for the integration.
    pub vendor_name: &'static str,
    /// The number for *connected*.
    pub connected: u32,
    /// The number for *disconnected*: picked anew at every start, told only to this organization's configuration.
    pub disconnected: u32,
    /// `ExternalIDType` of an EMP id.
    pub practitioner_id_type: u32,
    /// `ExternalIDType` of a WPR id.
    pub patient_id_type: u32,
}

impl Organization {
    /// A person by object id, the organizer account included.
    pub fn person(&self, oid: &str) -> Option<&Person> {
        self.accounts().find(|it| it.oid == oid)
    }

    /// Everybody with a Microsoft account here.
    pub fn accounts(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().chain(std::iter::once(&self.organizer))
    }

    /// A person by the name they sign in to Hyperspace with.
    pub fn emp_user(&self, user: &str) -> Option<&Person> {
        self.people.iter().find(|it| it.emp_user.as_deref() == Some(user))
    }

    /// A practitioner by FHIR id.
    pub fn practitioner(&self, id: &str) -> Option<&Person> {
        self.people.iter().find(|it| it.practitioner_id.as_deref() == Some(id))
    }

    /// A patient by FHIR id.
    pub fn patient(&self, id: &str) -> Option<&Patient> {
        self.patients.iter().find(|it| it.patient_id == id)
    }
}

struct Cast<'a> {
    random: &'a Random,
    canaries: &'a Canaries,
    domain: &'static str,
}

impl Cast<'_> {
    fn staff(&self, name: &str, role: PersonRole, emp_user: Option<&str>) -> Person {
        person(self.random, self.domain, name, role, emp_user)
    }

    fn patient(&self, given: &str, family: &str, gender: &str, born: &str) -> Patient {
        patient(self.random, self.canaries, given, family, gender, born)
    }
}

pub(super) fn both(random: &Random, canaries: &Canaries) -> Vec<Organization> {
    let north = Cast { random, canaries, domain: "northside.example" };
    let people = vec![
        north.staff("Dr. Maya Okafor", Practitioner, Some("MOKAFOR")),
        north.staff("Dr. Jonas Lindqvist", Practitioner, Some("JLINDQVIST")),
        north.staff("Dr. Elena Petrova", Practitioner, Some("EPETROVA")),
        north.staff("Sam Whitfield", Staff, Some("SWHITFIELD")),
        north.staff("Priya Raman", Staff, Some("PRAMAN")),
    ];
    let patients = vec![
        north.patient("Camila", "Lopez", "female", "1987-09-12"),
        north.patient("Derrick", "Lin", "male", "1973-06-03"),
        north.patient("Desiree", "Powell", "female", "1951-11-20"),
        north.patient("Elijah", "Davis", "male", "1993-08-18"),
        north.patient("Linda", "Ross", "female", "1969-04-27"),
        north.patient("Olivia", "Roberts", "female", "2003-01-07"),
    ];
    let organizer = north.staff("Northside Virtual Visits", Staff, None);
    let proxies = vec![
        proxy(random, canaries, ("Marcus", "Powell"), &patients[2], ("SON", "son")),
        patient_as_proxy(random, canaries, &patients[4], &patients[5], ("MTH", "mother")),
    ];
    let northside = Customer { key: "northside", name: "Northside Health", people, patients, proxies, organizer };
    let northside = organization(&north, northside, &["Family Medicine", "Cardiology"]);

    let south = Cast { random, canaries, domain: "harbor.example" };
    let people = vec![
        south.staff("Dr. Daniel Cho", Practitioner, Some("DCHO")),
        south.staff("Dr. Ines Ferreira", Practitioner, Some("IFERREIRA")),
        south.staff("Tom Becker", Staff, Some("TBECKER")),
    ];
    let patients = vec![
        south.patient("Warren", "McGinnis", "male", "1962-02-14"),
        south.patient("Noor", "Haddad", "female", "1990-10-30"),
        south.patient("Tobias", "Krug", "male", "1978-12-05"),
    ];
    let organizer = south.staff("Harbor Virtual Visits", Staff, None);
    let proxies = vec![proxy(random, canaries, ("Samir", "Haddad"), &patients[1], ("BRO", "brother"))];
    let harbor = Customer { key: "harbor", name: "Harbor Clinic", people, patients, proxies, organizer };
    let harbor = organization(&south, harbor, &["Telehealth"]);
    vec![northside, harbor]
}

struct Customer {
    key: &'static str,
    name: &'static str,
    people: Vec<Person>,
    patients: Vec<Patient>,
    proxies: Vec<Proxy>,
    organizer: Person,
}

fn organization(cast: &Cast<'_>, it: Customer, departments: &[&'static str]) -> Organization {
    let Customer { key, name, people, patients, proxies, organizer } = it;
    let random = cast.random;
    // OIDs under a documentation arc, one per hospital, so that one hospital's systems mean nothing at the other.
    let arc = format!("urn:oid:2.16.840.1.113883.19.{}", random.stable_digits(&format!("{key} arc"), 4));
    let status_password = random.stable_token(&format!("{key} status password"), 24);
    cast.canaries.secret("epic.status_password", &status_password);
    let link_secret = random.stable_token(&format!("{key} link secret"), 32);
    cast.canaries.secret("epic.link_secret", &link_secret);
    Organization {
        link_secret,
        key,
        name,
        region: "emea",
        tid: random.stable_guid(&format!("{key} tid")),
        domain: cast.domain,
        interconnect: if key == "northside" { "interconnect-fhir-oauth" } else { "interconnect-harbor-oauth" },
        delegates: people.iter().filter(|it| it.role == Staff).take(1).map(|it| it.oid.clone()).collect(),
        people,
        organizer,
        patients,
        proxies,
        departments: departments::of(random, key, departments),
        conference_system: format!("{arc}.9"),
        department_system: format!("{arc}.686980"),
        systems: IdentifierSystems {
            csn: format!("{arc}.8"),
            practitioner: format!("{arc}.697780"),
            patient: format!("{arc}.878082"),
        },
        visit_type_system: format!("{arc}.7.7.10.267.11"),
        status_user: format!("emp${}", random.stable_digits(&format!("{key} status user"), 6)),
        status_password,
        vendor_name: "Roomed",
        connected: 1,
        disconnected: u32::try_from(2 + random.stable_below(&format!("{key} disconnected"), 98)).expect("below 100"),
        practitioner_id_type: 1,
        patient_id_type: 2,
    }
}
