//! Checks of the database: whether it opens, is of this program's schema, and may be written to.

use super::code::FindingCode as C;
use super::finding::Measured;
use super::scene::Scene;
use crate::store::look::{Blind, Fit};

/// `database.schema`
pub(super) async fn schema(scene: &Scene) -> Measured {
    let mut database = scene.database.lock().await;
    let fit = match &mut *database {
        Ok(it) => it.fit().await,
        Err(blind) => Err(*blind),
    };
    match fit {
        Ok(Fit::Same { step }) => Measured::new(C::DatabaseFine, format!("schema at step {step}")),
        Ok(Fit::Older { step, known }) => {
            Measured::new(C::DatabaseOlder, format!("schema at step {step}; this program's is {known}"))
        }
        Ok(Fit::Newer { step, known }) => {
            Measured::new(C::DatabaseNewer, format!("schema at step {step}; this program knows up to {known}"))
        }
        Ok(Fit::Other { step }) => Measured::new(C::DatabaseOther, format!("step {step} of the schema")),
        Err(Blind::Absent) => Measured::new(C::DatabaseAbsent, "no such file"),
        Err(Blind::Address | Blind::Closed) => Measured::new(C::DatabaseClosed, "it does not open"),
        Err(Blind::Strange) => Measured::new(C::DatabaseStrange, "it has no table of a relay's schema"),
    }
}

/// `database.writable`
pub(super) async fn writable(scene: &Scene) -> Measured {
    match &mut *scene.database.lock().await {
        Ok(it) => match it.writable().await {
            true => Measured::new(C::WritableFine, "rights are there; nothing was written"),
            false => Measured::new(C::WritableNot, "rights are missing"),
        },
        Err(_) => Measured::new(C::NotAsked, "the database does not open"),
    }
}
