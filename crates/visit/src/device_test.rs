//! A device test as its page reports it. It is never an arrival: one may test at any time.

use serde::{Deserialize, Serialize};

use crate::ids::ParticipantId;
use crate::time::Timestamp;
use crate::visit::Visit;

/// How one part of a test ended. Ordered, so that two reports of one moment end in the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceResult {
    /// Not tried.
    Untested,
    /// It works.
    Good,
    /// It works badly.
    Weak,
    /// The person or the browser said no.
    Refused,
    /// There is no such device.
    Missing,
    /// It is there and does not work.
    Failed,
}

/// One report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeviceTest {
    /// The camera.
    pub camera: DeviceResult,
    /// The microphone.
    pub microphone: DeviceResult,
    /// The speaker, as the person says.
    pub speaker: DeviceResult,
    /// The line to the relay.
    pub connection: DeviceResult,
}

impl Visit {
    /// The newest test of somebody's devices.
    pub fn device_test(&self, who: &ParticipantId) -> Option<(Timestamp, DeviceTest)> {
        self.evidence.tests.get(who).copied()
    }
}
