//! What the benchmarks share: the things compared are measured in turns, so that a busy machine slows all of
//! them alike, and each figure is printed beside what it is compared with.

#![expect(clippy::print_stdout, reason = "benchmarks print their figures")]

pub mod judging;

use std::time::{Duration, Instant};

use camino::Utf8Path;

/// Something that is measured.
pub struct Contender<'a> {
    /// What it is called in the output.
    pub name: &'a str,
    /// Does one round of work and returns how many units (tokens, bytes, programs) that was.
    pub round: Box<dyn FnMut() -> u64 + 'a>,
}

impl<'a> Contender<'a> {
    /// Something that is measured.
    pub fn new(name: &'a str, round: impl FnMut() -> u64 + 'a) -> Self {
        Self { name, round: Box::new(round) }
    }
}

/// Runs all contenders in turns, a warm-up round and then `rounds` measured ones, and prints the median rate
/// of each with its ratio to the first. Gives these rates, in units per second.
pub fn compare(title: &str, unit: &str, rounds: usize, mut contenders: Vec<Contender<'_>>) -> Vec<f64> {
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for round in 0..=rounds {
        for (contender, rates) in contenders.iter_mut().zip(&mut rates) {
            let started = Instant::now();
            let units = (contender.round)();
            if round > 0 {
                rates.push(units as f64 / started.elapsed().as_secs_f64());
            }
        }
    }
    println!("{title}");
    let rates: Vec<f64> = rates.iter_mut().map(|rates| median(rates)).collect();
    let base = rates.first().copied().unwrap_or(f64::NAN);
    for (contender, rate) in contenders.iter().zip(&rates) {
        println!("  {:44} {:>12} {unit}/s  {:>6.2}x", contender.name, grouped(*rate), rate / base);
    }
    rates
}

/// Runs all contenders in turns as [`compare`] does, and prints the median processor time of one unit, the
/// work of child processes that have ended included, with its ratio to the first. Gives these times, in
/// milliseconds.
pub fn compare_cpu(title: &str, unit: &str, rounds: usize, mut contenders: Vec<Contender<'_>>) -> Vec<f64> {
    let mut costs: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for round in 0..=rounds {
        for (contender, costs) in contenders.iter_mut().zip(&mut costs) {
            let before = cpu_seconds();
            let units = (contender.round)();
            if round > 0 {
                costs.push(1e3 * (cpu_seconds() - before) / units as f64);
            }
        }
    }
    println!("{title}");
    let costs: Vec<f64> = costs.iter_mut().map(|costs| median(costs)).collect();
    let base = costs.first().copied().unwrap_or(f64::NAN);
    for (contender, cost) in contenders.iter().zip(&costs) {
        println!("  {:44} {cost:>9.3} ms of CPU a {unit}  {:>6.1}x less", contender.name, base / cost);
    }
    costs
}

/// Prints a ratio beside its goal.
pub fn report_ratio(what: &str, ratio: f64, goal: &str) {
    println!("  {what:44} {ratio:>9.2} x  (goal: {goal})");
}

/// Prints how busy the machine is: the load averages of the last 1, 5 and 15 minutes, where the system tells
/// them.
pub fn report_load() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    println!("load averages {} on {cores} cores", load.join(" "));
}

/// Processor time of this process and of those children that have ended, in seconds.
pub fn cpu_seconds() -> f64 {
    let of = |who| {
        // SAFETY: `rusage` is plain numbers, for which zeros are valid, and the call only fills it in.
        #[expect(unsafe_code, reason = "a C call without a safe wrapper")]
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(who, &raw mut usage);
            usage
        };
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        seconds(usage.ru_utime) + seconds(usage.ru_stime)
    };
    of(libc::RUSAGE_SELF) + of(libc::RUSAGE_CHILDREN)
}

/// Prints a time beside a goal.
pub fn report_time(title: &str, times: &mut [Duration], goal: Duration) {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!(
        "{title}\n  {:44} {:>10.2} ms  (goal: below {} ms)",
        "median",
        median.as_secs_f64() * 1e3,
        goal.as_millis()
    );
}

/// Tunes the process as the command does: large blocks stay mapped, and candle's own thread pool stays out of
/// the way.
pub fn tune() {
    #[expect(unsafe_code, reason = "candle takes this setting from the environment only")]
    // SAFETY: benchmarks call this before anything else, so no other thread exists yet.
    unsafe {
        std::env::set_var("CANDLE_NUM_THREADS", "1");
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[expect(unsafe_code, reason = "a C call without a safe wrapper")]
    // SAFETY: `mallopt` only sets numbers in the allocator; benchmarks call it before anything else.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 1 << 30);
        libc::mallopt(libc::M_TOP_PAD, 64 << 20);
    }
}

/// The middle of some values.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A whole number with its thousands apart.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Copies a folder with everything in it.
///
/// # Errors
/// A file cannot be read or written.
pub fn copy(from: &Utf8Path, to: &Utf8Path) -> std::io::Result<()> {
    fs_err::create_dir_all(to)?;
    for entry in from.read_dir_utf8()? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(entry.path(), &target)?,
            false => drop(fs_err::copy(entry.path(), target)?),
        }
    }
    Ok(())
}
