//! A query string from outside: bounded, without control characters, and with no parameter given twice.

use roomed_protocol::ProblemCode;

use crate::http::{Answer, Refusal};

/// Longer than any launch; shorter than what hurts.
const LONGEST: usize = 8 * 1024;

/// Parameters, checked.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Parses, or refuses the whole of it. Unknown parameters are kept out of the way, not refused: EHRs add their own.
    pub fn parse(query: &str) -> Answer<Self> {
        let refused = Err(Refusal(ProblemCode::LinkRefused));
        if query.len() > LONGEST {
            return refused;
        }
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let control = |text: &str| text.chars().any(char::is_control);
        let doubled = |n: usize| pairs[..n].iter().any(|(key, _)| *key == pairs[n].0);
        if pairs.iter().any(|(key, value)| control(key) || control(value)) || (0..pairs.len()).any(doubled) {
            return refused;
        }
        Ok(Self(pairs))
    }

    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there and not be empty.
    pub fn required(&self, name: &str) -> Answer<&str> {
        self.get(name).filter(|value| !value.is_empty()).ok_or(Refusal(ProblemCode::LinkRefused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_queries_are_refused_whole() {
        for bad in ["iss=a&iss=b", "launch=a%00b", "launch=a%0d%0ab", "x=%1b", &format!("launch={}", "a".repeat(9_000))]
        {
            assert_eq!(Query::parse(bad).err(), Some(Refusal(ProblemCode::LinkRefused)), "{bad:.20}");
        }
    }

    #[test]
    fn what_is_needed_must_be_there_and_the_rest_is_ignored() {
        let query = Query::parse("iss=https%3A%2F%2Fehr&launch=&other=1").expect("a plain query");
        assert_eq!(query.required("iss").ok(), Some("https://ehr"));
        assert!(query.required("launch").is_err());
        assert!(query.required("missing").is_err());
    }
}
