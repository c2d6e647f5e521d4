//! Pace and breaker by table and by property: what leaves in any window, when a probe goes, what a wrong clock does.

use proptest::prelude::*;

use super::*;

fn policy() -> Policy {
    Policy {
        per_second: 5,
        per_row: 1,
        burst: 10,
        trip_after: 3,
        open_for: SignedDuration::from_secs(30),
        open_at_most: SignedDuration::from_secs(300),
        asked_at_most: SignedDuration::from_secs(900),
    }
}

fn t(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).expect("a time")
}

const ILL: Health = Health::Ill { retry_after: None, again: false };

/// A connection whose breaker opened at zero.
fn tripped() -> Connection {
    let mut it = Connection::default();
    for _ in 0..3 {
        it.ended(&policy(), t(0), ILL);
    }
    it
}

#[test]
fn a_burst_then_the_rate() {
    let mut it = Connection::default();
    assert_eq!(it.allowance(&policy(), t(0)), Allowance { now: 10, next: None });
    it.take(&policy(), t(0), 10);
    assert_eq!(it.allowance(&policy(), t(0)), Allowance { now: 0, next: Some(t(200)) });
    assert_eq!(it.allowance(&policy(), t(199)).now, 0);
    assert_eq!(it.allowance(&policy(), t(200)).now, 1);
    assert_eq!(it.allowance(&policy(), t(60_000)).now, 10, "never more than the burst");
}

#[test]
fn failures_in_a_row_open_it_and_one_probe_at_a_time_closes_it() {
    let mut it = Connection::default();
    it.ended(&policy(), t(0), ILL);
    it.ended(&policy(), t(0), ILL);
    it.ended(&policy(), t(0), Health::Well);
    it.ended(&policy(), t(0), ILL);
    it.ended(&policy(), t(0), ILL);
    assert!(!it.is_open(), "the row was broken by a success");
    it.ended(&policy(), t(0), ILL);
    assert!(it.is_open());
    assert_eq!(it.allowance(&policy(), t(29_999)), Allowance { now: 0, next: Some(t(30_000)) });
    assert_eq!(it.allowance(&policy(), t(30_000)).now, 1, "half open");
    it.take(&policy(), t(30_000), 1);
    assert_eq!(it.allowance(&policy(), t(31_000)).now, 0, "its probe is on the way");
    it.ended(&policy(), t(31_000), ILL);
    assert_eq!(it.allowance(&policy(), t(90_999)).now, 0, "doubled");
    assert_eq!(it.allowance(&policy(), t(91_000)).now, 1);
    it.take(&policy(), t(91_000), 1);
    it.ended(&policy(), t(91_500), Health::Well);
    assert!(!it.is_open());
    assert_eq!(it.well_at, Some(t(91_500)));
    assert_eq!(it.allowance(&policy(), t(100_000)).now, 10);
}

#[test]
fn a_probe_whose_end_is_never_told_does_not_close_the_door_for_good() {
    let mut it = tripped();
    it.take(&policy(), t(30_000), 1);
    assert_eq!(it.allowance(&policy(), t(60_000)).now, 1);
}

#[test]
fn retry_after_holds_everything_back_but_not_for_ever() {
    let asked = |seconds| Health::Ill { retry_after: Some(SignedDuration::from_secs(seconds)), again: false };
    let mut it = Connection::default();
    it.ended(&policy(), t(0), asked(120));
    assert_eq!(it.allowance(&policy(), t(119_999)).now, 0, "one answer is enough");
    assert_eq!(it.allowance(&policy(), t(120_000)).now, 1);
    let mut it = Connection::default();
    it.ended(&policy(), t(0), asked(86_400));
    assert_eq!(it.allowance(&policy(), t(899_999)).now, 0);
    assert_eq!(it.allowance(&policy(), t(900_000)).now, 1, "clamped");
}

#[test]
fn one_row_that_fails_again_and_again_is_no_outage() {
    let again = Health::Ill { retry_after: None, again: true };
    let mut it = Connection::default();
    it.ended(&policy(), t(0), ILL);
    for n in 1..100 {
        it.ended(&policy(), t(n), again);
    }
    assert!(!it.is_open());
    assert!(it.is_ill());
    it.ended(&policy(), t(200), ILL);
    it.ended(&policy(), t(201), ILL);
    assert!(it.is_open(), "three different ones are");
    // Open it stays, whoever the probe is.
    it.take(&policy(), t(30_201), 1);
    it.ended(&policy(), t(30_202), again);
    assert_eq!(it.allowance(&policy(), t(90_201)).now, 0);
}

#[test]
fn what_was_sent_before_it_opened_does_not_count_as_its_probe() {
    let mut it = tripped();
    for n in 1..16 {
        it.ended(&policy(), t(n), ILL);
    }
    assert_eq!(it.allowance(&policy(), t(30_000)).now, 1, "not doubled");
    it.take(&policy(), t(30_000), 1);
    it.ended(&policy(), t(30_001), ILL);
    assert_eq!(it.allowance(&policy(), t(90_000)).now, 0, "doubled once");
    assert_eq!(it.allowance(&policy(), t(90_001)).now, 1);
    // But what one of them is asked to wait for is waited for.
    let mut it = tripped();
    it.ended(&policy(), t(1), Health::Ill { retry_after: Some(SignedDuration::from_secs(120)), again: false });
    assert_eq!(it.allowance(&policy(), t(120_000)).now, 0);
    assert_eq!(it.allowance(&policy(), t(120_001)).now, 1);
}

#[test]
fn doubling_ends_where_it_is_told_to() {
    let (mut it, mut now) = (tripped(), 30_000);
    for _ in 0..10 {
        it.take(&policy(), t(now), 1);
        it.ended(&policy(), t(now), ILL);
        now = it.allowance(&policy(), t(now)).next.expect("it is open").as_millisecond() - t(0).as_millisecond();
    }
    let before = now;
    it.take(&policy(), t(now), 1);
    it.ended(&policy(), t(now), ILL);
    assert_eq!(it.allowance(&policy(), t(before)).next, Some(t(before + 300_000)));
}

#[test]
fn what_was_not_asked_says_nothing() {
    let mut it = tripped();
    let before = it.clone();
    it.ended(&policy(), t(1), Health::Silent);
    assert_eq!(it, before);
}

#[test]
fn a_clock_set_back_neither_refills_nor_locks() {
    let mut it = Connection::default();
    it.take(&policy(), t(0), 10);
    let back = t(-3_600_000);
    assert_eq!(it.allowance(&policy(), back).now, 0);
    it.take(&policy(), back, 0);
    assert_eq!(it.allowance(&policy(), t(-3_600_000 + 200)).now, 1, "it goes on from there");
    let open = tripped();
    assert_eq!(open.allowance(&policy(), back).now, 1, "open for longer than it may be: half open");
}

#[test]
fn looks_that_arrive_out_of_order_refill_it_once() {
    let mut it = Connection::default();
    it.take(&policy(), t(0), 10);
    for _ in 0..100 {
        it.take(&policy(), t(-3_000), 0);
        it.take(&policy(), t(0), 0);
    }
    assert_eq!(it.allowance(&policy(), t(0)).now, 0);
    assert_eq!(it.allowance(&policy(), t(200)).now, 1);
}

#[test]
fn what_is_told_late_does_not_shorten_the_wait() {
    let mut it = tripped();
    it.take(&policy(), t(30_000), 1);
    it.ended(&policy(), t(-35_000), ILL);
    assert_eq!(it.allowance(&policy(), t(59_999)).now, 0);
    assert_eq!(it.allowance(&policy(), t(60_000)).now, 1);
}

#[test]
fn it_reads_what_it_wrote() {
    let mut it = tripped();
    it.take(&policy(), t(30_000), 1);
    let text = serde_json::to_string(&it).expect("json");
    assert_eq!(serde_json::from_str::<Connection>(&text).expect("itself"), it);
}

#[test]
fn what_left_beyond_the_claim_is_waited_for() {
    let mut it = Connection::default();
    it.take(&policy(), t(0), 10);
    it.spent(&policy(), t(0), 5);
    assert_eq!(it.allowance(&policy(), t(0)), Allowance { now: 0, next: Some(t(1_200)) }, "five and one more, at 5/s");
    assert_eq!(it.allowance(&policy(), t(1_199)).now, 0);
    assert_eq!(it.allowance(&policy(), t(1_200)).now, 1);
    it.spent(&policy(), t(1_200), -1);
    assert_eq!(it.allowance(&policy(), t(1_200)).now, 2, "what did not leave is given back");
    it.spent(&policy(), t(1_200), -100);
    assert_eq!(it.allowance(&policy(), t(1_200)).now, 10, "and no more than was taken");
}

#[test]
fn a_read_that_can_wait_leaves_half_the_burst_to_write_backs() {
    let mut it = Connection::default();
    assert!(it.spare(&policy(), t(0)));
    it.take(&policy(), t(0), 4);
    assert!(it.spare(&policy(), t(0)));
    it.take(&policy(), t(0), 1);
    assert!(!it.spare(&policy(), t(0)));
    assert!(!tripped().spare(&policy(), t(40_000)), "a probe is for a write-back");
    for (burst, per_row) in [(1, 1), (5, 3), (2, 3)] {
        let small = Policy { burst, per_row, ..policy() };
        let mut it = Connection::default();
        assert!(it.spare(&small, t(0)), "burst {burst}: a full bucket always lets one through");
        it.take(&small, t(0), 1);
        assert!(!it.spare(&small, t(0)), "burst {burst}");
    }
}

proptest! {
    /// Over any window, whatever the callers ask and when, no more leaves than burst + rate x window.
    #[test]
    fn the_pace_holds_in_every_window(
        asked in prop::collection::vec((0_i64..700, 0_u32..15), 1..80), per_row in 1_u32..11,
    ) {
        let (policy, mut it, mut now) = (Policy { per_row, ..policy() }, Connection::default(), 0);
        let mut left = Vec::new();
        for (pause, wanted) in asked {
            now += pause;
            let count = it.allowance(&policy, t(now)).now.min(wanted);
            it.take(&policy, t(now), count);
            left.push((now, u64::from(count * per_row)));
        }
        for (index, (from, _)) in left.iter().enumerate() {
            let mut sum = 0;
            for (at, count) in &left[index..] {
                sum += count;
                let most = 10_000 + u64::try_from(at - from).expect("in order") * 5;
                prop_assert!(sum * 1_000 <= most, "{sum} in {} ms", at - from);
            }
        }
    }

    /// The time it names is neither too early nor too late.
    #[test]
    fn next_is_when_it_says(taken in 0_u32..11, after in 0_i64..400, failures in 0_usize..5, per_row in 1_u32..15) {
        let (policy, mut it) = (Policy { per_row, ..policy() }, Connection::default());
        it.take(&policy, t(0), taken);
        for _ in 0..failures {
            it.ended(&policy, t(0), ILL);
        }
        let allowance = it.allowance(&policy, t(after));
        if allowance.now == 0 {
            let next = allowance.next.expect("something is to come");
            prop_assert!(next > t(after));
            prop_assert_eq!(it.allowance(&policy, next - SignedDuration::from_millis(1)).now, 0);
            // The pace may hold back what the breaker lets through, but then it says when.
            let then = it.allowance(&policy, next);
            prop_assert!(then.now > 0 || then.next.is_some_and(|it| it > next));
        }
    }

    /// While it is open at most one leaves per interval, however many ask.
    #[test]
    fn one_probe_per_interval(steps in prop::collection::vec(0_i64..20_000, 1..200)) {
        let (policy, mut it, mut now) = (policy(), tripped(), 0);
        let mut last = None;
        for step in steps {
            now += step;
            let count = it.allowance(&policy, t(now)).now;
            if count > 0 {
                prop_assert_eq!(count, 1);
                if let Some(last) = last {
                    prop_assert!(now - last >= 30_000, "{} ms apart", now - last);
                }
                last = Some(now);
                it.take(&policy, t(now), 1);
                it.ended(&policy, t(now), ILL);
            }
        }
    }
}
