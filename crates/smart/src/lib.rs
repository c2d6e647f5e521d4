//! SMART on FHIR client: discovery, the EHR launch as a public client, `id_token` proof, Backend Services, thin FHIR REST.
//! It reads no clock, keeps nothing on disk and knows nothing of visits: the caller passes `now` and the HTTP client.
//! What the EHR says is checked here; what it means is decided by relay and companion.

pub mod backend;
pub mod discovery;
mod error;
pub mod fhir;
pub mod guard;
pub mod http;
pub mod id_token;
pub mod jwks;
pub mod keys;
pub mod launch;
pub mod pkce;
mod random;
pub mod token;

pub use error::Error;
pub use guard::Guard;
pub use http::UrlPolicy;
pub use random::{Random, SystemRandom};
