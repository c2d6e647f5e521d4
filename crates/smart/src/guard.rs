//! Where a name may lead. A FHIR base URL is an address that people type into us, so the name in it is looked up here, once
//! per connection, and the connection goes to the very addresses that were looked at: nobody can change them in between.
//! If one of a name's addresses is forbidden, the name is: who answers so is either mistaken or up to something.
//! Which addresses those are stands in `ranges.rs`; what an address may look like, in [`UrlPolicy`](crate::UrlPolicy).

mod ranges;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

pub use ipnet::IpNet;
pub use ranges::never;

/// What looks names up.
pub trait Names: Send + Sync {
    /// All addresses of a name.
    fn addresses(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
}

/// The names of the machine's own resolver.
struct Machine;

impl Names for Machine {
    fn addresses(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) })
    }
}

/// Lets a name lead to the public internet, to the private ranges the operator named, and nowhere else.
#[derive(Clone)]
pub struct Guard {
    private: Arc<[IpNet]>,
    loopback: bool,
    names: Arc<dyn Names>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("private", &self.private)
            .field("loopback", &self.loopback)
            .finish_non_exhaustive()
    }
}

impl Guard {
    /// `private`: the ranges an EHR may stand in besides the public internet, for a relay inside a hospital's network.
    pub fn new(private: impl Into<Arc<[IpNet]>>) -> Self {
        Self { private: private.into(), loopback: false, names: Arc::new(Machine) }
    }

    /// Lets names lead to this machine: development, sandbox and tests.
    #[must_use]
    pub fn with_loopback(self) -> Self {
        Self { loopback: true, ..self }
    }

    /// Looks names up elsewhere.
    #[must_use]
    pub fn with_names(self, names: Arc<dyn Names>) -> Self {
        Self { names, ..self }
    }

    /// True if a connection to this address may be made.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = ranges::meant(address);
        if address.is_loopback() {
            return self.loopback;
        }
        ranges::is_public(address) || (!never(address) && self.private.iter().any(|range| range.contains(&address)))
    }

    async fn look_up(self, name: String) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
        let found = self.names.addresses(name).await?;
        if found.is_empty() {
            return Err(io::Error::from(io::ErrorKind::NotFound).into());
        }
        if !found.iter().all(|address| self.allows(*address)) {
            return Err(Forbidden.into());
        }
        Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))))
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(self.clone().look_up(name.as_str().to_owned()))
    }
}

/// A name led to where nothing of ours may go. It says neither the name nor the address.
#[derive(Debug, thiserror::Error)]
#[error("the name leads into a network that is not allowed")]
pub struct Forbidden;

impl Forbidden {
    /// True if a request failed for this.
    pub fn is_why(error: &(dyn std::error::Error + 'static)) -> bool {
        std::iter::successors(Some(error), |it| it.source()).any(|it| it.is::<Self>())
    }
}
