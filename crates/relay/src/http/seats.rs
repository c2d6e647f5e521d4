//! Places for sockets: so many in all, and so many for one person, so that nobody alone can take everybody's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use roomed_protocol::ProblemCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::{Answer, Refusal};

/// The places of one kind of socket.
#[derive(Debug)]
pub(super) struct Seats {
    all: Arc<Semaphore>,
    each: u32,
    taken: Arc<Taken>,
}

/// How many of whom.
#[derive(Debug, Default)]
struct Taken(Mutex<HashMap<String, u32>>);

impl Taken {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.0.lock().expect("nothing panics while counting seats")
    }
}

/// A place, for as long as it is kept.
#[derive(Debug)]
pub(super) struct Seat {
    _place: OwnedSemaphorePermit,
    who: String,
    taken: Arc<Taken>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        if let Some(count) = taken.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.who);
            }
        }
    }
}

impl Seats {
    pub(super) fn new(all: u32, each: u32) -> Self {
        Self { all: Arc::new(Semaphore::new(all as usize)), each, taken: Arc::default() }
    }

    /// One more place for this person.
    pub(super) fn take(&self, who: String) -> Answer<Seat> {
        let too_many = Refusal(ProblemCode::TooManyRequests);
        let place = Arc::clone(&self.all).try_acquire_owned().map_err(|_| too_many)?;
        let mut taken = self.taken.lock();
        let count = taken.entry(who.clone()).or_default();
        if *count >= self.each {
            return Err(too_many);
        }
        *count += 1;
        Ok(Seat { _place: place, who, taken: Arc::clone(&self.taken) })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn nobody_alone_takes_them_all_and_who_leaves_makes_room() {
        let seats = Seats::new(3, 2);
        let first = seats.take("a".into()).unwrap();
        let _second = seats.take("a".into()).unwrap();
        assert_eq!(seats.take("a".into()).unwrap_err().0, ProblemCode::TooManyRequests, "a third of one person's");
        let _other = seats.take("b".into()).unwrap();
        assert!(seats.take("c".into()).is_err(), "a fourth in all");
        drop(first);
        let _back = seats.take("a".into()).unwrap();
        assert!(seats.take("a".into()).is_err());
        assert_eq!(seats.taken.lock().len(), 2, "whoever has none is not remembered");
    }
}
