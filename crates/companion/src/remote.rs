//! `roomed --sign-out` in a process of its own: it asks the companion that runs over the desktop's bus and waits until that
//! has signed out. Needs no screen, because it is run by what locks a session. Linux only: elsewhere the shell hands its
//! arguments over and hears nothing back.

use std::time::Duration;

use zbus::names::BusName;
use zbus::{Connection, connection, fdo};

use crate::Handle;
use crate::clock::{Clock, SystemClock, within};

const NAME: &str = "org.roomed.companion.Control";
const PATH: &str = "/org/roomed/companion";
const INTERFACE: &str = "org.roomed.companion.Control1";
/// The shell has this name before it has a companion to ask.
const STARTING: &str = "org.roomed.companion.SingleInstance";
/// Longer than a keychain may take.
const LIMIT: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_millis(200);

/// Why the running companion is not known to have signed out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// There is no bus to ask on, so whether one runs is not known.
    #[error("the desktop's session bus cannot be reached: run this as the person whose session it is")]
    NoBus,
    /// It runs and could not, in its own words.
    #[error("{0}")]
    Refused(String),
    /// It runs and does not answer.
    #[error("Roomed is running and does not answer: quit it, then try again")]
    Silent,
}

struct Control {
    /// None where there is nothing to sign out of.
    handle: Option<Handle>,
    runtime: tokio::runtime::Handle,
}

#[zbus::interface(name = "org.roomed.companion.Control1")]
impl Control {
    async fn sign_out(&self) -> fdo::Result<()> {
        let Some(handle) = self.handle.clone() else { return Ok(()) };
        // The bus runs on a thread of its own.
        match self.runtime.spawn(async move { handle.sign_out().await }).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(problem)) => Err(fdo::Error::Failed(problem.detail)),
            Err(_) => Err(fdo::Error::Failed("something went wrong in Roomed".to_owned())),
        }
    }
}

fn connect(address: Option<&str>) -> zbus::Result<connection::Builder<'_>> {
    address.map_or_else(connection::Builder::session, connection::Builder::address)
}

/// Answers `roomed --sign-out` for as long as it runs. Must be called within a tokio runtime. `address` is a bus's; without
/// it, the session's.
///
/// # Errors
/// The bus's, e.g. that somebody else answers already.
pub async fn serve(address: Option<&str>, handle: Option<Handle>) -> zbus::Result<std::convert::Infallible> {
    let control = Control { handle, runtime: tokio::runtime::Handle::current() };
    let _serving = connect(address)?.serve_at(PATH, control)?.name(NAME)?.build().await?;
    std::future::pending().await
}

/// Signs out the companion that runs, and waits until it has. False if none does.
///
/// # Errors
/// See [`RemoteError`].
pub async fn sign_out(address: Option<&str>) -> Result<bool, RemoteError> {
    within(&SystemClock, LIMIT, ask(address)).await.unwrap_or(Err(RemoteError::Silent))
}

async fn ask(address: Option<&str>) -> Result<bool, RemoteError> {
    let no_bus = |_| RemoteError::NoBus;
    let bus: Connection = connect(address).map_err(no_bus)?.build().await.map_err(no_bus)?;
    let names = fdo::DBusProxy::new(&bus).await.map_err(no_bus)?;
    let has_owner = async |name: &'static str| match BusName::try_from(name) {
        Ok(name) => names.name_has_owner(name).await.unwrap_or(false),
        Err(_) => false,
    };
    while !has_owner(NAME).await {
        if !has_owner(STARTING).await {
            return Ok(false);
        }
        SystemClock.sleep(AGAIN).await;
    }
    match bus.call_method(Some(NAME), PATH, Some(INTERFACE), "SignOut", &()).await {
        Ok(_) => Ok(true),
        Err(zbus::Error::MethodError(_, Some(detail), _)) => Err(RemoteError::Refused(detail)),
        Err(_) => Err(RemoteError::Silent),
    }
}
