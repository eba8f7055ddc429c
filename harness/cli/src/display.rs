//! What a user sees of a run: bars on a terminal, plain lines elsewhere, JSON lines on request.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anstyle::{AnsiColor, Style};
use assay_flow::{Event, Forecast, Observer, PlanEntry, Record, Remaining, SavedBy, State};
use assay_sandbox::SetupEvent;
use assay_store::StoreError;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::failure::Failure;
use crate::stdio;
use crate::visible::visible;

/// Where there are no bars, a line at this interval says how far a step is.
pub(crate) const PLAIN_INTERVAL: Duration = Duration::from_secs(20);

/// From how many earlier runs the remaining time is estimated.
pub(crate) const RUNS_REMEMBERED: usize = 10;

/// Prints a run's events as they come. Data goes to standard output, everything else to standard error.
pub(crate) struct Display {
    form: Form,
    bars: MultiProgress,
    state: Mutex<Running>,
    /// How much longer the run takes. Locked on its own: bars ask for it when they are drawn.
    forecast: Arc<Mutex<Option<Forecast>>>,
    /// Why the event log did not reach standard output. The run goes on all the same.
    unprinted: Mutex<Option<Failure>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Bars and lines.
    Terminal,
    /// Lines.
    Plain,
    /// The event log itself, on standard output.
    Json,
    /// Nothing.
    Quiet,
}

#[derive(Default)]
struct Running {
    overall: Option<ProgressBar>,
    steps: BTreeMap<String, ProgressBar>,
    /// When a line last told how far a step is, where there are no bars.
    told: BTreeMap<String, Instant>,
    expected: Expected,
    /// How many recipes there are, and how many of them are finished.
    recipes: (usize, usize),
    /// When a line last told how much longer the run takes, where there are no bars.
    told_left: Option<Instant>,
}

impl Display {
    /// A display for this process's standard error, or JSON lines.
    pub(crate) fn new(json: bool) -> Self {
        Self::of(Self::form(json))
    }

    /// A display that shows nothing.
    pub(crate) fn quiet() -> Self {
        Self::of(Form::Quiet)
    }

    fn form(json: bool) -> Form {
        match (json, std::io::stderr().is_terminal()) {
            (true, _) => Form::Json,
            (false, true) => Form::Terminal,
            (false, false) => Form::Plain,
        }
    }

    fn of(form: Form) -> Self {
        let target = match form {
            Form::Terminal => ProgressDrawTarget::stderr(),
            Form::Plain | Form::Json | Form::Quiet => ProgressDrawTarget::hidden(),
        };
        Self {
            form,
            bars: MultiProgress::with_draw_target(target),
            state: Mutex::new(Running::default()),
            forecast: Arc::default(),
            unprinted: Mutex::new(None),
        }
    }

    /// Makes known how many recipes the run has, and how to find out what it is expected to take. That is asked where it is shown
    /// and something has to run.
    pub(crate) fn expect<'a>(&'a self, recipes: usize, forecast: impl MakeForecast<'a>) -> Expecting<'a> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).recipes = (recipes, 0);
        Expecting { display: self, forecast: Mutex::new(Some(Box::new(forecast))) }
    }

    /// A line that stays, for a person.
    pub(crate) fn tell(&self, text: &str) {
        if self.form != Form::Json {
            self.line(text);
        }
    }

    /// Whether all events reached standard output.
    pub(crate) fn printed(&self) -> Result<(), Failure> {
        self.unprinted.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    /// Tells how far the sandbox's one-time set-up is.
    pub(crate) fn setup(&self, event: &SetupEvent) {
        if self.form != Form::Json {
            let doing = match event {
                SetupEvent::Waiting => "waiting for another process that sets up the same image".to_owned(),
                SetupEvent::Downloading { package, bytes } => {
                    format!("downloading {package} ({:.0} MiB), once", *bytes as f64 / 1_048_576.0)
                }
                SetupEvent::Building => "linking and starting the interpreter, once".to_owned(),
                SetupEvent::Compiling => "compiling the image for this machine, once".to_owned(),
                SetupEvent::Ready => "ready".to_owned(),
                _ => return,
            };
            self.line(&format!("sandbox: {doing}"));
        }
    }

    /// A line that stays, above the bars.
    fn line(&self, text: &str) {
        match self.form {
            // A terminal that is too narrow or gone is no reason to fail.
            Form::Terminal => _ = self.bars.println(text),
            Form::Plain | Form::Json => stdio::say(text),
            Form::Quiet => {}
        }
    }

    /// The event log itself, one line after the other, until standard output takes no more.
    fn log(&self, record: &Record) {
        let mut unprinted = self.unprinted.lock().unwrap_or_else(PoisonError::into_inner);
        if let (None, Ok(line)) = (&*unprinted, record.to_json()) {
            *unprinted = writeln!(stdio::out(), "{line}").err();
        }
    }

    fn planned(&self, running: &mut Running, steps: &[PlanEntry]) {
        running.expected = Expected::of(steps);
        let to_run = running.expected.total();
        if to_run == 0 {
            return;
        }
        self.line(&format!("{} steps, {} cached", steps.len(), steps.len() - to_run));
        if self.form == Form::Terminal {
            let bar = self.bars.add(ProgressBar::new(to_run as u64));
            let recipes = if running.recipes.0 > 1 { "{msg}, " } else { "" };
            let forecast = Arc::clone(&self.forecast);
            let template = format!("{{elapsed:>4}} {{bar:20}} {{pos}}/{{len}} steps, {recipes}{{left}}");
            bar.set_style(
                style(&template).with_key("left", move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                    _ = out.write_str(&left(&forecast))
                }),
            );
            bar.set_message(tables_done(running.recipes));
            bar.enable_steady_tick(Duration::from_secs(1));
            running.overall = Some(bar);
        }
    }

    fn started(&self, running: &mut Running, step: &str) {
        running.expected.start(step);
        if self.form != Form::Terminal {
            return;
        }
        let bar = ProgressBar::new(0).with_message(step.to_owned());
        bar.set_style(style("     {spinner} {wide_msg}"));
        let bar = match &running.overall {
            Some(overall) => self.bars.insert_before(overall, bar),
            None => self.bars.add(bar),
        };
        bar.enable_steady_tick(Duration::from_millis(100));
        running.steps.insert(step.to_owned(), bar);
    }

    fn progressed(&self, running: &mut Running, step: &str, (done, total): (u64, u64), note: &str) {
        if let Some(bar) = running.steps.get(step) {
            if bar.length() != Some(total) {
                bar.set_style(style("     {bar:20} {percent:>3} % {wide_msg}"));
                bar.set_length(total);
            }
            bar.set_position(done);
            bar.set_message(format!("{step}: {note}"));
        } else if self.form == Form::Plain {
            let told = running.told.entry(step.to_owned()).or_insert_with(Instant::now);
            if told.elapsed() >= PLAIN_INTERVAL {
                *told = Instant::now();
                self.line(&format!("        {step}: {done}/{total} {note}"));
            }
        }
    }

    /// A step is over: its bar goes, and a line says how it ended.
    fn ended(&self, running: &mut Running, step: &str, how: &str) {
        self.remove(running, step);
        running.expected.end(step);
        let (done, total) = (running.expected.done, running.expected.total());
        if let Some(overall) = &running.overall {
            overall.set_length(total as u64);
            overall.set_position(done as u64);
        }
        let width = total.to_string().len();
        self.line(&format!("[{done:>width$}/{total}] {how}"));
        if self.form == Form::Plain && done < total {
            let told = running.told_left.get_or_insert_with(Instant::now);
            if told.elapsed() >= PLAIN_INTERVAL {
                *told = Instant::now();
                let tables =
                    if running.recipes.0 > 1 { tables_done(running.recipes) + ", " } else { String::new() };
                self.line(&format!("        {tables}{}", left(&self.forecast)));
            }
        }
    }

    /// A recipe is finished.
    fn recipe_finished(&self, running: &mut Running) {
        running.recipes.1 += 1;
        if let Some(overall) = &running.overall {
            overall.set_message(tables_done(running.recipes));
        }
    }

    fn remove(&self, running: &mut Running, step: &str) {
        if let Some(bar) = running.steps.remove(step) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }

    fn run_finished(&self, running: &mut Running) {
        if let Some(overall) = running.overall.take() {
            overall.finish_and_clear();
        }
        let steps: Vec<String> = running.steps.keys().cloned().collect();
        steps.iter().for_each(|step| self.remove(running, step));
    }
}

/// The steps that are expected to end. One that was cached joins them where its output turns out to be damaged or gone,
/// with all that are made from it.
#[derive(Default)]
struct Expected {
    /// Every step with its inputs, as far as the plan knows them; each after its inputs.
    steps: Vec<(String, Vec<String>)>,
    open: BTreeSet<String>,
    done: usize,
}

impl Expected {
    fn of(entries: &[PlanEntry]) -> Self {
        let inputs = |entry: &PlanEntry| {
            let inputs = entry.description.iter().flat_map(|description| &description.inputs);
            inputs.map(|input| input.step.clone()).collect()
        };
        let open = entries.iter().filter(|entry| entry.state != State::Cached);
        Self {
            steps: entries.iter().map(|entry| (entry.step.clone(), inputs(entry))).collect(),
            open: open.map(|entry| entry.step.clone()).collect(),
            done: 0,
        }
    }

    /// Those that have ended and those that have not.
    fn total(&self) -> usize {
        self.done + self.open.len()
    }

    fn start(&mut self, step: &str) {
        if self.open.contains(step) {
            return;
        }
        let mut again = BTreeSet::from([step]);
        for (other, inputs) in &self.steps {
            if inputs.iter().any(|input| again.contains(input.as_str())) {
                again.insert(other);
            }
        }
        self.open.extend(again.into_iter().map(str::to_owned));
    }

    fn end(&mut self, step: &str) {
        self.open.remove(step);
        self.done += 1;
    }
}

impl Observer for Display {
    fn observe(&self, record: &Record) {
        if self.form == Form::Json {
            return self.log(record);
        }
        if let Some(forecast) = &mut *self.forecast.lock().unwrap_or_else(PoisonError::into_inner) {
            forecast.observe(record);
        }
        let running = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let [green, yellow, red] = [AnsiColor::Green, AnsiColor::Yellow, AnsiColor::Red]
            .map(|c| Style::new().fg_color(Some(c.into())));
        match &record.event {
            Event::Planned { steps } => self.planned(running, steps),
            Event::StepStarted { step, .. } => self.started(running, step),
            Event::StepProgress { step, done, total, note } => {
                self.progressed(running, step, (*done, *total), note);
            }
            Event::StepFinished { step, seconds, .. } => {
                self.ended(running, step, &format!("{green}done{green:#}  {step} {seconds:.1} s"));
            }
            Event::StepSaved { step, by, .. } => {
                let why = match by {
                    SavedBy::EarlyCutoff => "its inputs came out as before",
                    SavedBy::OtherRun => "another run made it",
                };
                self.ended(running, step, &format!("{green}saved{green:#} {step}: {why}"));
            }
            Event::StepFailed { step, message, .. } => {
                self.ended(running, step, &format!("{red}failed{red:#} {step}: {}", visible(message)));
            }
            Event::ObjectCorrupt { step, hash } => {
                self.line(&format!(
                    "{yellow}warning{yellow:#}: object {hash} of {step} is corrupt; it is set aside and made anew"
                ));
            }
            Event::RecipeFinished { .. } => self.recipe_finished(running),
            Event::RunFinished { .. } => self.run_finished(running),
            _ => {}
        }
    }
}

/// Makes a forecast, when one is wanted.
pub(crate) trait MakeForecast<'a>: FnOnce() -> Result<Forecast, StoreError> + Send + 'a {}

impl<'a, F: FnOnce() -> Result<Forecast, StoreError> + Send + 'a> MakeForecast<'a> for F {}

/// A display of a run whose forecast has not been asked for yet.
pub(crate) struct Expecting<'a> {
    display: &'a Display,
    forecast: Mutex<Option<Box<dyn MakeForecast<'a>>>>,
}

impl Observer for Expecting<'_> {
    fn observe(&self, record: &Record) {
        if let Event::Planned { steps } = &record.event
            && matches!(self.display.form, Form::Terminal | Form::Plain)
            && steps.iter().any(|entry| entry.state != State::Cached)
            && let Some(forecast) = self.forecast.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            // A forecast that cannot be made is no reason to fail.
            *self.display.forecast.lock().unwrap_or_else(PoisonError::into_inner) = forecast().ok();
        }
        self.display.observe(record);
    }
}

/// How many tables are finished.
fn tables_done((all, done): (usize, usize)) -> String {
    format!("{done}/{all} tables")
}

/// How much longer the run takes, in words.
fn left(forecast: &Mutex<Option<Forecast>>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    let forecast = forecast.lock().unwrap_or_else(PoisonError::into_inner);
    match forecast.as_ref().map_or(Remaining::Unknown, |forecast| forecast.remaining(now)) {
        Remaining::Unknown => "time left unknown".to_owned(),
        Remaining::About(seconds) => format!("about {} left", duration(seconds)),
        Remaining::MoreThan { seconds, .. } => format!("more than {} left", duration(seconds)),
    }
}

/// A time in the two largest units that say something.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..60 if seconds < 9.95 => format!("{:.1} s", seconds.max(0.0)),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ => format!("{}:{:02} h", whole / 3600, whole % 3600 / 60),
    }
}

/// The look of all bars.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━─")
}
