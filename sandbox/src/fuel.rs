//! Fuel on the host's side: what a program has left, handed out in slices, and the wall clock.

use std::time::{Duration, Instant};

use crate::wasi::Stop;

/// Fuel that a program gets at a time, some 10 milliseconds' worth: how often the wall clock is looked at.
const SLICE: u64 = 1 << 25;

/// Fuel for a call of the host, and for each byte that it moves: about what they take, in the time of a plain
/// loop.
const CALL: u64 = 2_000;
const BYTE: u64 = 16;

/// The fuel of one run that is not in the guest's own counter, and when the run has to end.
pub(crate) struct Tank {
    reserve: u64,
    /// What there was at the start; none if it is never empty.
    total: Option<u64>,
    /// Charges of the host that are not paid yet.
    debt: u64,
    deadline: Option<Instant>,
}

impl Default for Tank {
    /// A tank that is never empty.
    fn default() -> Self {
        Tank { reserve: u64::MAX, total: None, debt: 0, deadline: None }
    }
}

impl Tank {
    /// The fuel for a run that starts now, and the first slice of it.
    pub(crate) fn new(fuel: u64, wall: Duration) -> (Self, i64) {
        let slice = fuel.min(SLICE);
        let deadline = Instant::now().checked_add(wall);
        (Tank { reserve: fuel - slice, total: Some(fuel), debt: 0, deadline }, slice.cast_signed())
    }

    /// Charges for work that the host did: a call and the bytes that it moved.
    pub(crate) fn charge(&mut self, bytes: u64) -> Result<(), Stop> {
        self.debt = self.debt.saturating_add(CALL).saturating_add(bytes.saturating_mul(BYTE));
        if self.debt > self.reserve.saturating_add(SLICE) { Err(Stop::OutOfFuel) } else { Ok(()) }
    }

    /// What the guest's counter, at `counter` below zero, is set to.
    pub(crate) fn refill(&mut self, counter: i64) -> Result<i64, Stop> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Stop::WallClock);
        }
        let overdrawn = counter.min(0).unsigned_abs().saturating_add(std::mem::take(&mut self.debt));
        if overdrawn > self.reserve {
            return Err(Stop::OutOfFuel);
        }
        let given = overdrawn.saturating_add(SLICE).min(self.reserve);
        self.reserve -= given;
        Ok((given - overdrawn).cast_signed())
    }

    /// What was used when the guest's counter is at `counter`; of a tank that is never empty, nothing.
    pub(crate) fn used(&self, counter: i64) -> u64 {
        self.total.map_or(0, |total| total.saturating_sub(self.left(counter)))
    }

    /// What is left when the guest's counter is at `counter`.
    pub(crate) fn left(&self, counter: i64) -> u64 {
        self.reserve.saturating_add_signed(counter).saturating_sub(self.debt)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{SLICE, Tank};
    use crate::wasi::Stop;
    use std::time::Duration;

    const WALL: Duration = Duration::from_secs(3600);

    #[test]
    fn every_unit_is_given_once() {
        let total = 3 * SLICE + 7;
        let (mut tank, mut counter) = Tank::new(total, WALL);
        let mut used = 0;
        let end = loop {
            // Charges that overdraw by different amounts, once by more than a slice.
            let charge = if used == 0 { SLICE.cast_signed() + 5 } else { SLICE.cast_signed() / 3 };
            counter -= charge;
            if counter < 0 {
                match tank.refill(counter) {
                    Ok(value) => counter = value,
                    Err(stop) => break stop,
                }
            }
            used += charge.unsigned_abs();
            assert_eq!(tank.left(counter), total - used);
            assert_eq!(tank.used(counter), used);
        };
        assert_eq!(end, Stop::OutOfFuel);
        assert!(total - used < SLICE / 3, "stopped early, at {used} of {total}");
    }

    #[test]
    fn the_wall_clock_stops_a_run_with_fuel_left() {
        let (mut tank, counter) = Tank::new(u64::MAX, Duration::ZERO);
        assert_eq!(tank.refill(counter - counter - 1).unwrap_err(), Stop::WallClock);
    }
}
