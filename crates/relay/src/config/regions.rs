//! A relay serves one region. One file may list the organizations of all: of another region's this relay keeps only where
//! their people are to be sent, so that nothing that goes over "all organizations" can touch them.

use super::{Config, Organization, Region};

/// An organization that another relay serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its key, as in addresses.
    pub key: String,
    /// Its Entra tenant, in lower case.
    pub tid: String,
    /// The region that serves it.
    pub region: Region,
    /// The public address of that region's relay.
    pub address: String,
}

impl Config {
    /// Takes the organizations of other regions out. The addresses are there: a validated configuration has them.
    pub(super) fn keep_own_region(&mut self) {
        let (own, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.organizations).into_iter().partition(|it| it.region == self.region);
        self.organizations = own;
        self.elsewhere = others
            .into_iter()
            .filter_map(|it: Organization| {
                let address = self.regions.get(&it.region)?.clone();
                Some(Elsewhere { key: it.key, tid: it.tid, region: it.region, address })
            })
            .collect();
    }

    /// Where the people of the organization of this key are to go, if another region serves it.
    pub fn elsewhere_by_key(&self, key: &str) -> Option<&Elsewhere> {
        self.elsewhere.iter().find(|it| it.key == key)
    }

    /// The same by Entra tenant, however it is written.
    pub fn elsewhere_by_tenant(&self, tid: &str) -> Option<&Elsewhere> {
        self.elsewhere.iter().find(|it| it.tid.eq_ignore_ascii_case(tid))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::super::load::tests::NORTHSIDE;
    use super::*;

    #[test]
    fn of_another_regions_organization_only_the_way_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relay.toml");
        let with = |region: &str| {
            let text = format!("region = \"{region}\"\n[regions]\nemea = \"https://emea.roomed.example\"\n{NORTHSIDE}");
            std::fs::write(&file, text).unwrap();
            Config::load(Some(&file), []).unwrap()
        };
        let own = with("emea");
        assert!(own.organization("northside").is_some() && own.elsewhere.is_empty());
        let other = with("apac");
        assert!(other.organizations.is_empty() && other.organization("northside").is_none());
        let way = other.elsewhere_by_key("northside").unwrap();
        assert_eq!((way.region, way.address.as_str()), (Region::Emea, "https://emea.roomed.example"));
        assert_eq!(other.elsewhere_by_tenant("6B1C1B4E-59ac-4b0e-9d34-7f2d1c1f0001"), Some(way));
        assert_eq!(other.elsewhere_by_tenant(""), None);

        // What only that region can know is no matter here: a file that lies there, say.
        let there =
            "[organizations.sending]\nby = \"smtp\"\nhost = \"m\"\nfrom = \"a@b.example\"\nca_file = \"/not/here\"\n";
        let text = NORTHSIDE.replace("[organizations.entra]", &format!("{there}[organizations.entra]"));
        let text = format!("region = \"apac\"\n[regions]\nemea = \"https://emea.roomed.example\"\n{text}");
        std::fs::write(&file, text).unwrap();
        assert_eq!(Config::load(Some(&file), []).unwrap().elsewhere.len(), 1);
    }
}
