//! The checker must be able to fail: a journal with each kind of wrong in it, and one with none.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use super::super::verdict::Judged;
use super::{Applied, Asked, Key, Promise, Stands, Verdict, creates, setters};

fn key() -> Key {
    Key { conference: "1".into(), person: "2".into() }
}

/// States asked for and accepted 5 ms later; effects as they came.
fn judged(asked: &[(bool, i64)], applied: &[(bool, i64)]) -> Verdict {
    let asked = asked.iter().map(|(connected, at)| Asked { connected: *connected, asked: *at, accepted: at + 5 });
    let applied = applied.iter().map(|(connected, at)| Applied { connected: *connected, at: *at });
    let asked = BTreeMap::from([(key(), asked.collect())]);
    let applied = BTreeMap::from([(key(), applied.collect())]);
    setters(&asked, &applied, &BTreeSet::new())
}

#[test]
fn what_stands_as_accepted_is_clean_and_repeats_and_ages_are_counted() {
    let asked = [(true, 1000), (false, 2000), (true, 3000)];
    let found = judged(&asked, &[(true, 1010), (true, 1200), (false, 2100), (true, 3005), (false, 3010), (true, 3900)]);
    assert!(found.is_clean(), "{:?}", found.findings);
    assert_eq!((found.reasserted, found.effects), (1, 6));
    // The last one was shown, overtaken by a late old one, and put right.
    assert_eq!(found.stale_ms, [5, 95, 895]);
}

#[test]
fn a_state_that_never_came_is_lost() {
    let found = judged(&[(true, 1000), (false, 2000)], &[(true, 1010)]);
    assert_eq!((found.lost, found.reordered), (1, 0));
    let found = judged(&[(true, 1000)], &[]);
    assert_eq!((found.lost, found.reordered), (1, 0));
    // An earlier stay's effect does not stand for this one's.
    let found = judged(&[(false, 500), (true, 1000), (false, 9000)], &[(false, 510), (true, 1010)]);
    assert_eq!((found.lost, found.reordered), (1, 0));
}

#[test]
fn an_old_state_that_lands_last_is_reordered() {
    let found = judged(&[(true, 1000), (false, 2000)], &[(true, 1010), (false, 2010), (true, 2020)]);
    assert_eq!((found.lost, found.reordered, found.invented), (0, 1, 0));
}

#[test]
fn an_effect_nobody_asked_for_is_invented() {
    let found = judged(&[(true, 1000)], &[(true, 1010), (false, 1020), (true, 1030)]);
    assert_eq!((found.invented, found.lost, found.reordered), (1, 0, 0));
    // Before anybody asked.
    let found = judged(&[(true, 5000)], &[(true, 1000), (true, 5010)]);
    assert_eq!(found.invented, 1);
    let strangers = BTreeMap::from([(key(), vec![Applied { connected: true, at: 1 }])]);
    assert_eq!(setters(&BTreeMap::new(), &strangers, &BTreeSet::new()).invented, 1);
}

#[test]
fn what_waits_for_an_operator_is_not_lost() {
    let asked = BTreeMap::from([(key(), vec![Asked { connected: true, asked: 1, accepted: 2 }])]);
    let found = setters(&asked, &BTreeMap::new(), &BTreeSet::from([key()]));
    assert!(found.is_clean());
    assert_eq!(found.parked, 1);
}

fn promise(key: &str, stands: Stands) -> Promise {
    Promise { key: key.into(), stream: "s".into(), stands }
}

fn created(accepted: u64, promises: &[Promise], applied: &[&str]) -> Verdict {
    let applied: Vec<String> = applied.iter().map(|it| (*it).to_owned()).collect();
    creates(&BTreeMap::from([("s".to_owned(), accepted..=accepted)]), promises, &applied)
}

#[test]
fn creates_are_to_be_applied_once_and_in_order() {
    let [a, b] = [promise("a", Stands::Delivered), promise("b", Stands::Delivered)];
    let both = [a.clone(), b.clone()];
    assert!(created(2, &both, &["a", "b"]).is_clean());
    assert_eq!(created(2, &both, &["b", "a"]).reordered, 1);
    assert_eq!(created(2, &both, &["a", "b", "a"]).doubled, 1);
    assert_eq!(created(2, &both, &["a"]).lost, 1);
    assert_eq!(created(2, &both, &["a", "b", "c"]).invented, 1);
    // Accepted, and no promise of it.
    assert_eq!(created(3, &both, &["a", "b"]).lost, 1);
    assert_eq!(created(2, &[a, promise("b", Stands::Open)], &["a", "b"]).lost, 1);
}

#[test]
fn a_row_of_no_accepted_change_is_invented_though_the_relay_stands_by_it() {
    let both = [promise("a", Stands::Delivered), promise("b", Stands::Delivered)];
    assert_eq!(created(1, &both, &["a", "b"]).invented, 1);
    let applied = ["a".to_owned(), "b".to_owned()];
    // Of a stream that nobody ever said anything of.
    assert_eq!(creates(&BTreeMap::new(), &both, &applied).invented, 2);
    // Where some of it may go untold, neither all of it nor less is wrong.
    for (wanted, lost, invented) in [(1..=2, 0, 0), (1..=1, 0, 1), (3..=4, 1, 0)] {
        let found = creates(&BTreeMap::from([("s".to_owned(), wanted.clone())]), &both, &applied);
        assert_eq!((found.lost, found.invented), (lost, invented), "{wanted:?}");
    }
}

#[test]
fn it_is_counted_how_often_each_wrong_could_have_been_found() {
    let found = judged(&[(true, 1000), (false, 2000)], &[(true, 1010), (false, 2010), (false, 2020)]);
    // One state was to stand, whatever came before it; three effects might have been inventions.
    assert_eq!(found.judged, Judged { lost: 1, doubled: 0, reordered: 1, invented: 3 });
    let asked = BTreeMap::from([(key(), vec![Asked { connected: true, asked: 1, accepted: 2 }])]);
    let parked = setters(&asked, &BTreeMap::new(), &BTreeSet::from([key()]));
    assert_eq!(parked.judged, Judged::default(), "what waits for an operator proves nothing");
    let rows = [promise("a", Stands::Delivered), promise("b", Stands::PossibleDouble), promise("c", Stands::Parked)];
    let mut sum = created(3, &rows, &["a", "b", "a"]);
    assert_eq!(sum.judged, Judged { lost: 2, doubled: 2, reordered: 1, invented: 3 });
    sum.add(found);
    assert_eq!(sum.judged, Judged { lost: 3, doubled: 2, reordered: 2, invented: 6 });
}

#[test]
fn a_create_that_may_have_been_applied_waits_for_an_operator_whether_it_was_or_not() {
    for applied in [&["a"][..], &["a", "b"]] {
        let rows = [promise("a", Stands::Delivered), promise("b", Stands::PossibleDouble)];
        let found = created(2, &rows, applied);
        assert!(found.is_clean(), "{:?}", found.findings);
        assert_eq!(found.possible_double, 1);
    }
    // It may land after what came after it; anything else may not.
    let rows = [promise("a", Stands::PossibleDouble), promise("b", Stands::Delivered)];
    assert!(created(2, &rows, &["b", "a"]).is_clean());
    // Parked for another reason, and yet applied: somebody would do it again.
    assert_eq!(created(1, &[promise("a", Stands::Parked)], &["a"]).lost, 1);
}

#[test]
fn verdicts_add_up() {
    let mut sum = judged(&[(true, 1000)], &[]);
    sum.add(judged(&[(true, 1000)], &[(true, 1500)]));
    assert_eq!((sum.lost, sum.effects), (1, 1));
    assert_eq!(*sum.stale_ms.first().unwrap(), 495);
}
