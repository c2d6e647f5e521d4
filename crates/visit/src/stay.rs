//! Stays: a person's legs joined into spans of being there, with gaps no longer than the grace period closed.

use crate::time::{Millis, Timestamp};

/// One span; `end` is missing while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Timestamp,
    pub(crate) end: Option<Timestamp>,
}

impl Span {
    /// A span, unless it would end before it starts (testimony of a leg whose beginning is still to come).
    pub(crate) fn new(start: Timestamp, end: Option<Timestamp>) -> Option<Self> {
        match end {
            Some(end) if end < start => None,
            end => Some(Self { start, end }),
        }
    }
}

/// Joins spans whose gap is at most `grace`, in order of time.
pub(crate) fn join(mut spans: Vec<Span>, grace: Millis) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, span.end.is_none(), span.end));
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(Span { end: None, .. }) => {}
            Some(last) if last.end.is_some_and(|end| span.start <= end + grace) => {
                last.end = match (last.end, span.end) {
                    (Some(a), Some(b)) => Some(a.max(b)),
                    _ => None,
                };
            }
            _ => joined.push(span),
        }
    }
    joined
}

/// The earliest moment at which a span of `a` and one of `b` lasted at once.
pub(crate) fn first_overlap(a: &[Span], b: &[Span]) -> Option<Timestamp> {
    let overlap = |x: &Span, y: &Span| {
        let start = x.start.max(y.start);
        let before_end = |end: Option<Timestamp>| end.is_none_or(|end| start < end);
        (before_end(x.end) && before_end(y.end)).then_some(start)
    };
    a.iter().flat_map(|x| b.iter().filter_map(move |y| overlap(x, y))).min()
}
