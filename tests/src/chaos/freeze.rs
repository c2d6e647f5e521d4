//! A node that stands still (SIGSTOP) for longer than any lease of its own can last, and the proof, from the ledger, that its
//! leases were taken over meanwhile. The ledger names no node, but it has one order: what was begun before a node stood
//! still, ran out while it did, and was ended once more after it woke, was its own, and somebody else took it.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use sqlx::PgConnection;

use super::dice::Dice;
use super::door::Node;
use super::profile::{LEASE, SETTLE_DELAY};
use crate::clock::{Stopwatch, pause};
use crate::line::Wire;

/// So long PostgreSQL lets a transaction be that nobody goes on with: the relay asks for it
/// (`idle_in_transaction_session_timeout`). A node that stands still within one holds up all others until then.
const HELD: Duration = Duration::from_secs(10);
/// What a node had asked of the database when it stood still is done by then.
const ON_ITS_WAY: Duration = Duration::from_millis(100);
/// Tries to stop a node where it holds no transaction. A busy one always does; then it is left where it stands.
const TRIES: u32 = 10;
/// A long freeze in which nothing ran out is done again, so often at most.
const LONG_TRIES: u32 = 8;

/// Where a node is when it is frozen, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freeze {
    /// Past its lease, wherever it is.
    Anywhere,
    /// Past its lease, if possible where it holds up nobody: then the other can take over while it stands still.
    BetweenTransactions,
    /// Several leases and the settle delay beyond what the database lets it hold: whatever it held, it is taken over.
    Long,
}

impl Freeze {
    fn time(self) -> Duration {
        match self {
            Self::Anywhere | Self::BetweenTransactions => LEASE,
            Self::Long => HELD + 3 * LEASE + SETTLE_DELAY,
        }
    }
}

/// A node stood still: between which places of the ledger, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stood {
    freeze: Freeze,
    from: i64,
    to: i64,
    /// From when it certainly stood to when it certainly did still.
    pub(super) time: Duration,
}

/// Freezes a node and wakes it. `database` is our own way to it, `wire` the node's.
pub(super) async fn stand_still(
    (node, wire): (&Node, &Wire),
    freeze: Freeze,
    database: &mut PgConnection,
    dice: &mut Dice,
) -> anyhow::Result<Stood> {
    for _ in 0..LONG_TRIES {
        let stood = once((node, wire), freeze, database, dice).await?;
        if freeze != Freeze::Long || ran_out(database, &stood).await? {
            return Ok(stood);
        }
        // It had no lease just then, or what ran out may have been the other's.
        pause(Duration::from_millis(300 + dice.below(700))).await;
    }
    anyhow::bail!("in {LONG_TRIES} freezes of one node, none of its leases ran out")
}

async fn once(
    (node, wire): (&Node, &Wire),
    freeze: Freeze,
    database: &mut PgConnection,
    dice: &mut Dice,
) -> anyhow::Result<Stood> {
    let mut tries = 0;
    let watch = loop {
        stop(node).await?;
        let watch = Stopwatch::start();
        pause(ON_ITS_WAY).await;
        tries += 1;
        let may_be_anywhere = freeze != Freeze::BetweenTransactions || tries == TRIES;
        if may_be_anywhere || !is_in_a_transaction(wire, database).await? {
            break watch;
        }
        node.signal("CONT").await?;
        pause(Duration::from_millis(10 + dice.below(60))).await;
    };
    let from = head(database).await?;
    pause(freeze.time() + Duration::from_millis(300 + dice.below(500))).await;
    let to = head(database).await?;
    // Nobody woke it meanwhile, so it stood for all of this.
    let time = watch.elapsed();
    anyhow::ensure!(is_stopped(node).await?, "a frozen node was awake before it was woken");
    anyhow::ensure!(time > LEASE, "a node stood still for {time:?} only, and its lease is {LEASE:?}");
    node.signal("CONT").await?;
    Ok(Stood { freeze, from, to, time })
}

/// SIGSTOP, and it has stopped.
async fn stop(node: &Node) -> anyhow::Result<()> {
    node.signal("STOP").await?;
    while !is_stopped(node).await? {
        pause(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// By the kernel's own account (proc(5): the state is behind the name's bracket).
async fn is_stopped(node: &Node) -> anyhow::Result<bool> {
    let id = node.id().await.context("a node is gone that was to stand still")?;
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    Ok(stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
}

/// The ledger's newest place that is committed.
async fn head(database: &mut PgConnection) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("SELECT seq FROM ledger_head").fetch_one(database).await?)
}

/// Whether a node that stands still has a transaction open: what it holds there, nobody else gets.
async fn is_in_a_transaction(wire: &Wire, database: &mut PgConnection) -> anyhow::Result<bool> {
    const OPEN: &str = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
        AND client_port = ANY($1) AND xact_start IS NOT NULL)";
    Ok(sqlx::query_scalar(OPEN).bind(wire.ports()).fetch_one(database).await?)
}

/// Whether a lease from before the node stood still ran out while it did, and nobody who was awake said that it was theirs:
/// what [`Overtaken::read`] will count, seen at once, so that a freeze that proves nothing is done again.
async fn ran_out(database: &mut PgConnection, stood: &Stood) -> anyhow::Result<bool> {
    const RAN_OUT: &str = "SELECT EXISTS (SELECT 1 FROM ledger AS lost JOIN ledger AS begun USING (entry, fence)
        WHERE lost.outcome = 'lease-ran-out' AND lost.seq > $1 AND lost.seq <= $2
        AND begun.kind = 'started' AND begun.seq <= $1
        AND NOT EXISTS (SELECT 1 FROM ledger AS said WHERE said.entry = lost.entry AND said.fence = lost.fence
            AND said.outcome LIKE 'after-the-lease%' AND said.seq <= $2))";
    Ok(sqlx::query_scalar(RAN_OUT).bind(stood.from).bind(stood.to).fetch_one(database).await?)
}

/// What the ledger says of owners that were overtaken.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Overtaken {
    /// Leases that ran out.
    pub(super) taken_over: u64,
    /// Attempts ended by their owner after that.
    pub(super) settled_after_the_lease: u64,
    /// Leases of a node that stood still, taken over meanwhile: it settled them in vain when it woke, or it was a long freeze.
    pub(super) of_frozen: u64,
    /// Leases of a node in a long freeze, taken over meanwhile. What it would settle may have gone with its transaction.
    pub(super) of_long_frozen: u64,
    /// From the beginning of an attempt until it was taken over.
    pub(super) takeover_ms: Vec<i64>,
}

impl Overtaken {
    /// Reads the whole ledger, in its order.
    pub(super) fn read(ledger: &[Value], freezes: &[Stood]) -> Self {
        let mut read = Self::default();
        let mut begun: HashMap<(&str, i64), (i64, i64)> = HashMap::new();
        let (mut ran_out, mut ended) = (HashMap::new(), HashMap::new());
        for record in ledger {
            let text = |name: &str| record[name].as_str().unwrap_or_default();
            let number = |name: &str| record[name].as_i64().unwrap_or_default();
            let (attempt, seq) = ((text("entry"), number("fence")), number("seq"));
            if text("kind") == "started" {
                begun.insert(attempt, (seq, number("at")));
            } else if text("outcome") == "lease-ran-out" {
                read.taken_over += 1;
                ran_out.insert(attempt, seq);
                read.takeover_ms.extend(begun.get(&attempt).map(|(_, at)| number("at") - at));
            } else if text("outcome").starts_with("after-the-lease") {
                read.settled_after_the_lease += 1;
                ended.insert(attempt, seq);
            }
        }
        for (attempt, lost) in ran_out {
            let Some((began, _)) = begun.get(&attempt) else { continue };
            let its = |it: &&Stood| *began <= it.from && it.from < lost && lost <= it.to;
            let Some(stood) = freezes.iter().find(its) else { continue };
            let ended = ended.get(&attempt);
            // The other, should it have been its own, was awake and had several leases of time to say so.
            let silent = ended.is_none_or(|seq| *seq > stood.to);
            let of_long = silent && stood.freeze == Freeze::Long;
            read.of_long_frozen += u64::from(of_long);
            read.of_frozen += u64::from(of_long || ended.is_some_and(|seq| *seq > stood.to));
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// One attempt's records, at these places of the ledger.
    fn records(began: i64, ran_out: Option<i64>, ended: i64) -> Vec<Value> {
        let record = |seq: i64, kind: &str, outcome: &str| json!({ "seq": seq, "entry": "e", "fence": 4, "at": 100 * seq, "kind": kind, "outcome": outcome });
        let lost = ran_out.map(|seq| record(seq, "settled", "lease-ran-out"));
        let word = if lost.is_some() { "after-the-lease: unknown" } else { "unknown" };
        let last = record(ended, "settled", word);
        [record(began, "started", "")].into_iter().chain(lost).chain([last]).collect()
    }

    #[test]
    fn a_takeover_is_a_frozen_nodes_only_if_it_slept_through_it_and_spoke_again() {
        let stood = |freeze| Stood { freeze, from: 10, to: 20, time: LEASE };
        let read = |ledger: Vec<Value>| {
            let found = Overtaken::read(&ledger, &[stood(Freeze::Anywhere)]);
            (found.taken_over, found.settled_after_the_lease, found.of_frozen, found.of_long_frozen)
        };
        assert_eq!(read(records(9, Some(15), 21)), (1, 1, 1, 0));
        // Nobody took it over, so the freeze proved nothing.
        assert_eq!(read(records(9, None, 21)), (0, 0, 0, 0));
        // Begun by the other meanwhile, lost before or after, or ended while the node stood still.
        for (began, ran_out, ended) in [(11, 15, 21), (8, 9, 21), (9, 21, 22), (9, 15, 19)] {
            assert_eq!(read(records(began, Some(ran_out), ended)), (1, 1, 0, 0), "{began} {ran_out} {ended}");
        }
        let long = Overtaken::read(&records(9, Some(15), 21), &[stood(Freeze::Long)]);
        assert_eq!((long.of_frozen, long.of_long_frozen, long.takeover_ms), (1, 1, vec![600]));
        // Its settle went with the transaction it was in; one that ended meanwhile was the other's own.
        let of_long = |ledger: &[Value]| Overtaken::read(ledger, &[stood(Freeze::Long)]).of_long_frozen;
        assert_eq!(of_long(&records(9, Some(15), 21)[..2]), 1);
        assert_eq!((of_long(&records(9, Some(15), 19)), of_long(&records(11, Some(15), 21))), (0, 0));
        // Another attempt of the same row is another lease.
        let mut other = records(9, Some(15), 21);
        other[0]["fence"] = json!(3);
        assert_eq!(read(other), (1, 1, 0, 0));
    }
}
