//! What becomes of the next letter: as the switch `mail` stands, unless a fault switch for target `mail` strikes.

use crate::core::{FaultMode, Hospital, switches::MAIL};
use std::time::Duration;

/// One letter's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Taken and said so.
    Taken,
    /// The recipient is refused with this code: 4yz for now, 5yz for ever.
    Refused(u16),
    /// The final dot is never answered, and the letter is not kept.
    Hangs,
    /// The connection is cut at the final dot; the letter is not kept.
    CutBefore,
    /// The letter is kept, then the connection is cut without an answer.
    CutAfter,
}

/// The fate of a letter to `recipient`; waits first where a switch says so.
pub(super) async fn of(hospital: &Hospital, recipient: &str) -> Fate {
    let Some(fault) = hospital.faults.take_any(&["mail"], recipient) else { return standing(hospital) };
    match fault.mode {
        FaultMode::Status => Fate::Refused(fault.status.filter(|it| (400..600).contains(it)).unwrap_or(451)),
        FaultMode::Refuse => Fate::Refused(550),
        FaultMode::DropBefore => Fate::CutBefore,
        FaultMode::DropAfterApply => Fate::CutAfter,
        FaultMode::Delay => {
            hospital.clock.delay(Duration::from_millis(fault.delay_ms.unwrap_or(1000))).await;
            standing(hospital)
        }
        _ => standing(hospital),
    }
}

fn standing(hospital: &Hospital) -> Fate {
    match hospital.switches.of(&MAIL, "") {
        "refuses-for-now" => Fate::Refused(451),
        "refuses-for-ever" => Fate::Refused(550),
        "hangs" => Fate::Hangs,
        "cuts-before" => Fate::CutBefore,
        "cuts-after" => Fate::CutAfter,
        _ => Fate::Taken,
    }
}
