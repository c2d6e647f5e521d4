//! Checks of the keys: whether the master key is the one, whether the signing keys are there, and how long the certificate
//! for Graph's notifications is good.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::code::FindingCode as C;
use super::finding::Measured;
use super::scene::Scene;
use crate::keys::{KeyError, Look};
use crate::meeting::graph::{Certificates, Shelf};

/// How long before its end a certificate is news.
pub(super) const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// `keys.master`
pub(super) async fn master(scene: &Scene) -> Measured {
    let keys = match &scene.keys {
        Ok(keys) => keys,
        Err(error) => return unopened(error),
    };
    let mut opened = 0;
    if let Ok(database) = &mut *scene.database.lock().await {
        for organization in &scene.config.organizations {
            match database.organization_key(&organization.key).await {
                Some(wrapped) if keys.opens(&organization.key, &wrapped) => opened += 1,
                Some(_) => return Measured::new(C::MasterKeyWrong, "it does not open an organization's key"),
                None => {}
            }
        }
    }
    match (opened, keys.signing_keys().len()) {
        (0, 0) => Measured::new(C::KeysAbsent, "nothing is sealed yet"),
        (_, 0) => {
            Measured::new(C::KeysLost, "organizations' keys in the database, and no signing key in the directory")
        }
        (opened, signing) => {
            let text = format!("it opens the signing keys ({signing}) and organizations' keys ({opened})");
            Measured::new(C::MasterKeyFine, text)
        }
    }
}

/// `keys.signing`
pub(super) async fn signing(scene: &Scene) -> Measured {
    match scene.keys.as_ref().map(|it| it.signing_keys().len()) {
        Ok(0) => Measured::new(C::KeysAbsent, "no signing key"),
        Ok(1) => Measured::new(C::SigningKeysFine, "1 signing key"),
        Ok(count) => Measured::new(C::SigningKeysFine, format!("{count} signing keys")),
        Err(_) => Measured::new(C::NotAsked, "the keys do not open"),
    }
}

/// `keys.certificate`
pub(super) async fn certificate(scene: &Scene) -> Measured {
    let Ok(keys) = &scene.keys else { return Measured::new(C::NotAsked, "the keys do not open") };
    match certificates(scene, keys) {
        Ok(Some(certificates)) => ending(
            certificates.current().ends,
            scene.clock.now(),
            [C::CertificateFine, C::CertificateEnding, C::CertificateEnded],
        ),
        Ok(None) => Measured::new(C::CertificateAbsent, "no certificate"),
        Err(()) => Measured::new(C::KeysUnreadable, "a certificate cannot be read"),
    }
}

/// The certificates that are there; none is made.
pub(super) fn certificates(scene: &Scene, keys: &Arc<Look>) -> Result<Option<Certificates>, ()> {
    if Shelf::ids(&**keys).map_err(drop)?.is_empty() {
        return Ok(None);
    }
    let shelf = Arc::clone(keys) as Arc<dyn Shelf>;
    Certificates::open(shelf, Arc::clone(&scene.clock)).map(Some).map_err(drop)
}

/// What it means that something ends then: well, soon, or over.
pub(super) fn ending(ends: Timestamp, now: Timestamp, [fine, soon, over]: [C; 3]) -> Measured {
    let left = ends.duration_since(now);
    let day = ends.strftime("%Y-%m-%d").to_string();
    let days = left.as_hours() / 24;
    match left {
        left if left <= SignedDuration::ZERO => Measured::new(over, format!("it ended on {day}")),
        left if left < SOON => Measured::new(soon, format!("it ends on {day}, in {days} days")),
        _ => Measured::new(fine, format!("good until {day}")),
    }
}

fn unopened(error: &KeyError) -> Measured {
    match error {
        KeyError::MasterKey => Measured::new(C::MasterKeyUnusable, "not 64 hexadecimal digits, or no such file"),
        KeyError::WrongMaster(_) => Measured::new(C::MasterKeyWrong, "it does not open a file of the keys directory"),
        _ => Measured::new(C::KeysUnreadable, "something there cannot be read"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_certificate_is_good_ends_soon_or_has_ended() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let codes = [C::CertificateFine, C::CertificateEnding, C::CertificateEnded];
        let after = |hours: i64| ending(now + SignedDuration::from_hours(hours), now, codes);
        assert_eq!(after(31 * 24).code, C::CertificateFine);
        assert_eq!(after(30 * 24).code, C::CertificateFine);
        assert_eq!(after(29 * 24), Measured::new(C::CertificateEnding, "it ends on 2026-12-21, in 29 days"));
        assert_eq!(after(0), Measured::new(C::CertificateEnded, "it ended on 2026-11-22"));
    }
}
