//! Times that come from a browser's date-and-time field, which knows no zone: the page sends its offset along.

use crate::web::Parameters;
use jiff::{SignedDuration, Timestamp, civil::Date, civil::DateTime, tz::TimeZone};

/// `start` (local, `YYYY-MM-DDTHH:MM`) and `offset` (minutes west of UTC, as JavaScript counts) of a form.
pub(super) fn start(form: &Parameters) -> Result<Timestamp, &'static str> {
    let local: DateTime = form.text("start").parse().map_err(|_| "the start is not a date and time")?;
    let offset: i64 = form.one("offset").unwrap_or("0").parse().map_err(|_| "the offset is not a number of minutes")?;
    let utc = local.to_zoned(TimeZone::UTC).map_err(|_| "the start is out of range")?.timestamp();
    utc.saturating_add(SignedDuration::from_mins(offset.clamp(-900, 900))).map_err(|_| "the start is out of range")
}

/// The next full quarter of an hour, as such a field wants it, in UTC; the page moves it to the reader's zone.
pub(super) fn next_quarter(now: Timestamp) -> String {
    let quarter = 900;
    let next = (now.as_second().div_euclid(quarter) + 1) * quarter;
    let at = Timestamp::from_second(next).unwrap_or(now);
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

/// Whole years since a birth date.
pub(super) fn age(birth_date: &str, now: Timestamp) -> Option<i16> {
    let born: Date = birth_date.parse().ok()?;
    let today = now.to_zoned(TimeZone::UTC).date();
    let had_birthday = (today.month(), today.day()) >= (born.month(), born.day());
    Some(today.year() - born.year() - i16::from(!had_birthday))
}

/// A birth date as charts write it: `12 Sep 1987`.
pub(super) fn written(birth_date: &str) -> String {
    birth_date.parse::<Date>().map(|it| it.strftime("%-d %b %Y").to_string()).unwrap_or_default()
}
