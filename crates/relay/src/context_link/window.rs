//! When a link is good. Its time is the appointment's, or that of its making where there is no appointment's; zone-less
//! times are of the configured zone, and where the clocks go back the link is good by either reading.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Fault;
use super::text::Fields;
use crate::config::ContextLink;

/// How far the EHR's clock may be ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The longest period a link may name.
const LONGEST_MINUTES: u32 = 43_200;

/// From when, and until when (not included).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    from: Timestamp,
    pub(super) until: Timestamp,
}

impl Window {
    pub(super) fn of(
        rules: &ContextLink,
        zone: &TimeZone,
        fields: &Fields,
        issued: Option<Timestamp>,
    ) -> Result<Self, Fault> {
        let period = match fields.get(&rules.names.validity) {
            None => rules.validity_minutes,
            Some(minutes) => match minutes.parse() {
                // The public record's "never" is none of ours: a link that stays good is a key that lies about.
                Ok(0) => rules.validity_minutes,
                Ok(minutes @ 1..=LONGEST_MINUTES) => rules.validity_minutes.min(minutes),
                _ => return Err(Fault::Incomplete),
            },
        };
        let (early, late, before) = match (fields.get(&rules.names.time), issued) {
            (Some(time), _) => {
                let (early, late) = readings(time, &rules.time_format, zone).ok_or(Fault::Incomplete)?;
                (early, late, SignedDuration::from_mins(rules.grace_minutes.into()))
            }
            (None, Some(issued)) => (issued, issued, SKEW),
            (None, None) => return Err(Fault::Incomplete),
        };
        let until = late.checked_add(SignedDuration::from_mins(period.into()));
        match (early.checked_sub(before), until) {
            (Ok(from), Ok(until)) => Ok(Self { from, until }),
            _ => Err(Fault::Incomplete),
        }
    }

    pub(super) fn holds(&self, now: Timestamp) -> Result<(), Fault> {
        match now {
            _ if now < self.from => Err(Fault::Early),
            _ if now >= self.until => Err(Fault::Expired),
            _ => Ok(()),
        }
    }
}

/// When a link was made: seconds since 1970, or ISO 8601 with a zone.
pub(super) fn issued(text: &str) -> Option<Timestamp> {
    match text.parse::<i64>() {
        Ok(seconds) if seconds > 0 => Timestamp::from_second(seconds).ok(),
        Ok(_) => None,
        Err(_) => instant(text),
    }
}

/// The earliest and the latest moment a time can mean.
fn readings(text: &str, format: &str, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    if let Some(instant) = instant(text) {
        return Some((instant, instant));
    }
    // A day alone is no time.
    let iso = || text.parse().ok().filter(|_| text.contains(':'));
    let local = DateTime::strptime(format, text).ok().or_else(iso)?;
    let earlier = zone.to_ambiguous_timestamp(local).earlier().ok()?;
    let later = zone.to_ambiguous_timestamp(local).later().ok()?;
    // Where the clocks go forward, "earlier" takes the later offset.
    Some((earlier.min(later), earlier.max(later)))
}

/// ISO 8601 with a zone. Its `+` may have become a space.
fn instant(text: &str) -> Option<Timestamp> {
    let plus = text.contains('T').then(|| text.replace(' ', "+"));
    text.parse().ok().or_else(|| plus?.parse().ok())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_time_without_a_zone_is_of_the_configured_one() {
        let format = "%m/%d/%Y %I:%M %p";
        let read = |text: &str, zone: &str| readings(text, format, &TimeZone::get(zone).unwrap());
        let both = |from: &str, until: &str| Some((from.parse().unwrap(), until.parse().unwrap()));
        for (text, zone, from, until) in [
            ("08/11/2020 02:00 PM", "America/Chicago", "2020-08-11T19:00:00Z", "2020-08-11T19:00:00Z"),
            ("08/11/2020 02:00 pm", "America/Chicago", "2020-08-11T19:00:00Z", "2020-08-11T19:00:00Z"),
            ("8/11/2020 2:00 PM", "America/Chicago", "2020-08-11T19:00:00Z", "2020-08-11T19:00:00Z"),
            ("08/11/2020 02:00 PM", "Europe/Berlin", "2020-08-11T12:00:00Z", "2020-08-11T12:00:00Z"),
            ("2020-08-11T14:00", "Europe/Berlin", "2020-08-11T12:00:00Z", "2020-08-11T12:00:00Z"),
            ("2020-08-11 14:00:00", "Europe/Berlin", "2020-08-11T12:00:00Z", "2020-08-11T12:00:00Z"),
            ("2020-08-11T14:00:00Z", "Europe/Berlin", "2020-08-11T14:00:00Z", "2020-08-11T14:00:00Z"),
            ("2020-08-11T14:00:00 02:00", "America/Chicago", "2020-08-11T12:00:00Z", "2020-08-11T12:00:00Z"),
            ("2020-08-11T14:00:00-05:00", "Europe/Berlin", "2020-08-11T19:00:00Z", "2020-08-11T19:00:00Z"),
            // Twice that night, and never that morning.
            ("10/25/2020 02:30 AM", "Europe/Berlin", "2020-10-25T00:30:00Z", "2020-10-25T01:30:00Z"),
            ("03/29/2020 02:30 AM", "Europe/Berlin", "2020-03-29T00:30:00Z", "2020-03-29T01:30:00Z"),
        ] {
            assert_eq!(read(text, zone), both(from, until), "{text} in {zone}");
        }
        for bad in [
            "",
            "soon",
            "13/40/2020 02:00 PM",
            "02:00 PM",
            "08/11/2020",
            "2020-08-11",
            "08/11/2020 25:00",
            "1597150800000000000",
        ] {
            assert_eq!(read(bad, "Europe/Berlin"), None, "{bad}");
        }
    }

    #[test]
    fn seconds_since_1970_say_when_a_link_was_made() {
        assert_eq!(issued("1647925975").unwrap().to_string(), "2022-03-22T05:12:55Z");
        assert_eq!(issued("2022-03-22T05:12:55Z"), issued("1647925975"));
        for bad in ["0", "-5", "99999999999999999", "x", "1647925975.5"] {
            assert_eq!(issued(bad), None, "{bad}");
        }
    }
}
