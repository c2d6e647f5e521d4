//! The commands of an operator, as typed, on a database that a relay has written.

use jiff::SignedDuration;
use roomed_relay::ehr::Said;
use roomed_relay::shredding;
use roomed_relay::store::EntryState;

use crate::home::{Home, Kind};
use crate::place::{CANARY, EHR, Place, noon};
use crate::program::{self, Ended};

struct Tools {
    config: String,
}

impl Tools {
    async fn outbox(&self, arguments: &[&str]) -> Ended {
        let (command, rest) = arguments.split_first().unwrap();
        let mut all = vec!["outbox", command, "--config", &self.config];
        all.extend(rest);
        let ended = program::run(&all).await;
        assert!(!ended.out.contains(CANARY) && !ended.err.contains(CANARY), "no payload, ever");
        ended
    }
}

/// Two parked rows, some delivered ones, and a visit that is forgotten. Gives the ids of a parked and a delivered state.
async fn history(home: &Home) -> (Tools, String, String) {
    let place = Place::open(home, noon()).await;
    let (over, parked, told) = (place.visit("over").await, place.visit("parked").await, place.visit("told").await);
    place.arrive(&over, "p0").await;
    place.deliver().await;
    place.end(&over).await;
    place.deliver().await;
    place.advance(SignedDuration::from_mins(10));
    shredding::round(&place.relay).await.unwrap();
    let never = || Said::Never { reason: "no such conference".into() };
    place.arrive(&parked, "p1").await;
    place.ehr.next.lock().unwrap().extend([never(), never()]);
    place.deliver().await;
    place.arrive(&told, "p2").await;
    place.deliver().await;
    let state = |rows: Vec<roomed_relay::store::EntryRow>| {
        rows.into_iter().rfind(|row| row.channel.supersedes()).map(|row| row.id).unwrap()
    };
    let ids = (state(place.rows(Some(EntryState::Parked)).await), state(place.rows(Some(EntryState::Delivered)).await));
    place.close().await;
    (Tools { config: program::configure(home, EHR) }, ids.0, ids.1)
}

pub(crate) async fn rows_are_listed_shown_retried_and_skipped(kind: Kind) {
    let home = Home::make(kind).await;
    let (tools, parked, delivered) = history(&home).await;
    let all = tools.outbox(&["list", "--json"]).await.json();
    let count = all["entries"].as_array().unwrap().len();
    assert!(count >= 8, "{all}");
    assert!(all["entries"][0]["payload"] == "destroyed" && all["more"] == false, "{all}");
    let first = tools.outbox(&["list", "--json", "--limit", "3"]).await.json();
    assert!(first["entries"].as_array().unwrap().len() == 3 && first["more"] == true);
    let after = first["entries"][2]["seq"].to_string();
    let rest = tools.outbox(&["list", "--json", "--after", &after]).await.json();
    assert_eq!(rest["entries"].as_array().unwrap().len(), count - 3);
    let of_parked = tools.outbox(&["list", "--state", "parked"]).await;
    assert_eq!((of_parked.code, of_parked.out.lines().count()), (0, 2), "{}", of_parked.out);
    assert!(of_parked.out.contains("no such conference"));
    let nothing = tools.outbox(&["list", "--organization", "harbor"]).await;
    assert!(nothing.code == 0 && nothing.out.is_empty() && nothing.err.contains("No write-back"));
    let unknown = tools.outbox(&["list", "--state", "lost"]).await;
    assert!(unknown.code == 2 && unknown.err.contains("quarantined"), "{}", unknown.err);

    let shown = tools.outbox(&["show", &parked, "--json"]).await.json();
    let steps: Vec<_> = shown["ledger"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(steps, ["started", "settled"], "{shown}");
    assert_eq!(shown["entry"]["payload"], "sealed");
    let words = tools.outbox(&["show", &parked]).await.out;
    assert!(words.contains("settled, parked, no such conference"), "{words}");
    let unknown = tools.outbox(&["show", "nobody"]).await;
    assert!(unknown.code == 1 && unknown.err.contains("no such write-back") && unknown.err.contains("outbox list"));

    let states = async || tools.outbox(&["list"]).await.out;
    let untouched = states().await;
    let looked = |ended: &Ended, of: &str| {
        let lines: Vec<_> = ended.out.lines().collect();
        assert!(ended.code == 0 && lines.len() == 3, "{} {}", ended.out, ended.err);
        assert!(lines[0].starts_with("before:") && lines[0].contains(of), "{lines:?}");
        assert!(lines[1].starts_with("It is to be "), "{lines:?}");
        assert_eq!(lines[2], "Nothing was changed. Say --really to do it.");
    };
    for really in [&[][..], &["--really"]] {
        let refused = tools.outbox(&[&["retry", &delivered], really].concat()).await;
        assert!(refused.code == 1 && refused.err.contains("delivered, so this cannot be done"), "{}", refused.err);
    }
    looked(&tools.outbox(&["retry", &parked]).await, "parked");
    assert_eq!(states().await, untouched);
    let retried = tools.outbox(&["retry", &parked, "--really"]).await;
    assert!(retried.code == 0, "{}", retried.err);
    let lines: Vec<_> = retried.out.lines().collect();
    assert!(lines[0].starts_with("before:") && lines[0].contains("parked"), "{lines:?}");
    assert!(lines[2].starts_with("after:") && lines[2].contains("waiting"), "{lines:?}");

    for bad in ["", "two\nlines", &"x".repeat(300)] {
        assert_eq!(tools.outbox(&["skip", &parked, "--reason", bad, "--really"]).await.code, 2, "{bad:?}");
    }
    let (untouched, skip) = (states().await, ["skip", &parked, "--reason", "corrected in the EHR by hand"]);
    looked(&tools.outbox(&skip).await, "waiting");
    assert_eq!(states().await, untouched);
    let skipped = tools.outbox(&[&skip[..], &["--really"]].concat()).await;
    assert!(skipped.code == 0 && skipped.err.contains("kept in the ledger for good"), "{}", skipped.err);
    assert!(skipped.out.lines().nth(2).unwrap().contains("skipped"), "{}", skipped.out);
    let shown = tools.outbox(&["show", &parked, "--json"]).await.json();
    let last = shown["ledger"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (last["kind"].as_str(), last["reason"].as_str()),
        (Some("skipped"), Some("corrected in the EHR by hand"))
    );
}

pub(crate) async fn a_replay_looks_first_and_says_what_is_destroyed(kind: Kind) {
    let home = Home::make(kind).await;
    let (tools, _, delivered) = history(&home).await;
    let looked = tools.outbox(&["replay", "--since", "2027-01-15"]).await;
    let nothing = "\nNothing was changed. Say --really to do it.\n";
    assert!(looked.code == 0 && looked.out.ends_with(nothing), "{} {}", looked.out, looked.err);
    assert!(looked.out.contains("1 delivered states are to be told"), "{}", looked.out);
    assert!(looked.out.contains("1 cannot be: payload destroyed"), "{}", looked.out);
    assert_eq!(tools.outbox(&["list", "--state", "waiting"]).await.out, "");
    let none = tools.outbox(&["replay", "--since", "2027-01-16", "--really"]).await;
    assert!(none.out.contains("0 are on their way"), "{}", none.out);
    let done = tools.outbox(&["replay", "--since", "2027-01-15T00:00:00Z", "--really"]).await;
    assert!(done.out.contains("1 are on their way"), "{}", done.out);
    assert!(tools.outbox(&["list", "--state", "waiting"]).await.out.contains(&delivered));

    // And the relay says it to the EHR once more.
    let place = Place::open(&home, noon() + SignedDuration::from_hours(400_000)).await;
    place.deliver().await;
    assert_eq!(place.ehr.heard().len(), 1);
    place.close().await;
}

pub(crate) async fn what_may_have_been_applied_is_sent_on_an_operators_word(kind: Kind) {
    let home = Home::make(kind).await;
    let place = Place::open(&home, noon()).await;
    let visit = place.visit("doubt").await;
    place.arrive(&visit, "p0").await;
    let double = || Said::PossibleDouble { reason: "it does not show".into() };
    place.ehr.next.lock().unwrap().extend([double(), double()]);
    place.deliver().await;
    let parked = place.rows(Some(EntryState::Parked)).await;
    let [state, message] = [true, false].map(|supersedes| {
        parked.iter().find(|it| it.channel.supersedes() == supersedes).map(|it| it.id.clone()).unwrap()
    });
    place.close().await;
    let tools = Tools { config: program::configure(&home, EHR) };
    let doubtful = async |id: &str| {
        let shown = tools.outbox(&["show", id, "--json"]).await.json();
        (shown["entry"]["state"].as_str().unwrap().to_owned(), shown["entry"]["possible_double"].as_bool().unwrap())
    };
    let warned = tools.outbox(&["retry", &message]).await;
    assert!(warned.out.contains("Sending it again could double it"), "{}", warned.out);
    let looked = tools.outbox(&["retry", &message, "--not-there"]).await;
    assert!(looked.out.contains("You say that the EHR does not have it"), "{}", looked.out);
    assert_eq!(doubtful(&message).await, ("parked".into(), true), "nothing was changed so far");
    assert_eq!(tools.outbox(&["retry", &state, "--really"]).await.code, 0);
    assert_eq!(doubtful(&state).await, ("waiting".into(), true), "it is looked for");
    assert_eq!(tools.outbox(&["retry", &message, "--not-there", "--really"]).await.code, 0);
    assert_eq!(doubtful(&message).await, ("waiting".into(), false), "somebody has looked");
}
