//! `roomed-relay outbox retry` and `skip`: one step on one write-back. Looks first and says what it would do; only
//! `--really` does it, here and in `replay.rs`.

use anyhow::{Context, bail};
use clap::Args;
use roomed_relay::clock::{Clock, SystemClock};
use roomed_relay::store::{EntryRow, NotDone, Store, StoreError, Wish};

use super::outbox::{doubt, in_a_line, known};
use super::{ConfigFile, database, out};

/// It stands in the ledger for good, and in a list on a screen.
const LONGEST_REASON: usize = 200;
const FOR_GOOD: &str = "Note: the reason is kept in the ledger for good, where it cannot be deleted. It must not say anything \
                        about a patient.";

/// The one switch between looking and doing.
#[derive(Args)]
pub(super) struct Really {
    /// Do it. Without it, nothing is changed.
    #[arg(long)]
    really: bool,
}

impl Really {
    /// Whether to do it. If not, says how.
    pub(super) fn said(&self) -> std::io::Result<bool> {
        if !self.really {
            out::line("Nothing was changed. Say --really to do it.")?;
        }
        Ok(self.really)
    }
}

#[derive(Args)]
pub(super) struct Retry {
    #[command(flatten)]
    file: ConfigFile,
    /// Its id.
    id: String,
    /// You have looked in the EHR, and it is not there. Then it is sent even where the EHR could not keep out a second one.
    #[arg(long)]
    not_there: bool,
    #[command(flatten)]
    really: Really,
}

#[derive(Args)]
pub(super) struct Skip {
    #[command(flatten)]
    file: ConfigFile,
    /// Its id.
    id: String,
    /// Why, in a few words for whoever reads the ledger. Nothing about a patient.
    #[arg(long, value_parser = reason)]
    reason: String,
    #[command(flatten)]
    really: Really,
}

impl Retry {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let store = database::open(&self.file.load()?).await?;
        let row = look(&*store, &self.id, Wish::Retry).await?;
        if let Some(doubt) = doubt(&row) {
            let known = "You say that the EHR does not have it, so it is not looked for.";
            out::line(if self.not_there { known } else { &doubt })?;
        }
        out::line("It is to be sent to the EHR again, at once.")?;
        if self.really.said()? {
            let now = SystemClock.now();
            let done = match self.not_there {
                true => store.retry_absent(&self.id, now).await,
                false => store.retry(&self.id, now).await,
            };
            after(&*store, &self.id, done).await?;
            out::line(
                "It is on its way; a running relay sends it within a few seconds, if the EHR takes anything at all.",
            )?;
        }
        store.close().await;
        Ok(())
    }
}

impl Skip {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        eprintln!("{FOR_GOOD}");
        let store = database::open(&self.file.load()?).await?;
        look(&*store, &self.id, Wish::Skip).await?;
        out::line(format_args!("It is to be given up for good, in the ledger with the reason: {}", self.reason))?;
        if self.really.said()? {
            let done = store.skip(&self.id, &self.reason, SystemClock.now()).await;
            after(&*store, &self.id, done).await?;
        }
        store.close().await;
        Ok(())
    }
}

/// Shows the row, and refuses what the store would refuse.
async fn look(store: &dyn Store, id: &str, wish: Wish) -> anyhow::Result<EntryRow> {
    let row = known(store, id).await?;
    out::line(format_args!("before: {}", in_a_line(&row)))?;
    match wish.granted(row.standing()) {
        Ok(()) => Ok(row),
        Err(not_done) => refused(not_done),
    }
}

/// Shows what became of it. Between the look and the step somebody else may have been quicker.
async fn after(store: &dyn Store, id: &str, done: Result<Result<(), NotDone>, StoreError>) -> anyhow::Result<()> {
    if let Err(not_done) = done.context("the write-back could not be changed")? {
        return refused(not_done);
    }
    out::line(format_args!("after:  {}", in_a_line(&known(store, id).await?)))?;
    Ok(())
}

fn refused<T>(not_done: NotDone) -> anyhow::Result<T> {
    bail!("{not_done}. {}", what_then(not_done))
}

/// What an operator may do instead.
pub(super) fn what_then(not_done: NotDone) -> &'static str {
    match not_done {
        NotDone::Unknown => {
            "Find its id with `roomed-relay outbox list`; what was settled long ago is no longer listed."
        }
        NotDone::State(_) => {
            "`outbox show` says where it stands. Only what is parked or quarantined can be sent again, only \
                             what is not in flight and not settled can be skipped."
        }
        NotDone::Superseded => "Nothing has to be done: the newest state is what the EHR is told. Look at that one.",
        NotDone::Destroyed => {
            "It can be seen, never sent. If the chart is wrong, somebody has to correct it in the EHR; \
                              then skip it."
        }
    }
}

/// A reason as it goes into the ledger.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("say why, in a few words".into()),
        _ if text.chars().any(char::is_control) => Err("no line breaks or other control characters".into()),
        count if count > LONGEST_REASON => Err(format!("at most {LONGEST_REASON} characters")),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_short_and_plain() {
        assert_eq!(reason("  corrected by hand ").as_deref(), Ok("corrected by hand"));
        for refused in ["", "   ", "two\nlines", "a\u{1b}[31m", &"x".repeat(201)] {
            assert!(reason(refused).is_err(), "{refused:?}");
        }
        assert!(reason(&"ü".repeat(200)).is_ok());
    }
}
