//! Random choices that a seed repeats (SplitMix64). Which process meets which choice first is still up to the machine.

/// A sequence of choices.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// The sequence of `seed` for one of its uses.
    pub(super) fn of(seed: u64, what: &str) -> Self {
        let mixed = what.bytes().fold(seed, |sum, byte| sum.rotate_left(7).wrapping_add(u64::from(byte)));
        let mut dice = Self(mixed);
        dice.next();
        dice
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From 0 up to but not including `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// One of them.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(of.len() as u64)).ok()?;
        of.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_seed_repeats_itself_and_uses_differ() {
        let first = |seed, what| Dice::of(seed, what).next();
        assert_eq!(first(7, "kills"), first(7, "kills"));
        assert_ne!(first(7, "kills"), first(8, "kills"));
        assert_ne!(first(7, "kills"), first(7, "disk"));
        assert!((0..100).all(|n| Dice::of(n, "x").below(3) < 3));
        assert_eq!(Dice::of(1, "x").one::<u8>(&[]), None);
    }
}
