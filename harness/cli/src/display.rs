//! What a user sees of a run: bars on a terminal, plain lines elsewhere, JSON lines on request.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use assay_flow::{Event, Observer, PlanEntry, Record, SavedBy, State};
use assay_sandbox::SetupEvent;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;
use crate::stdio;
use crate::visible::visible;

/// Where there are no bars, a line at this interval says how far a step is.
pub(crate) const PLAIN_INTERVAL: Duration = Duration::from_secs(20);

/// Prints a run's events as they come. Data goes to standard output, everything else to standard error.
pub(crate) struct Display {
    form: Form,
    bars: MultiProgress,
    state: Mutex<Running>,
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
    to_run: usize,
    done: usize,
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
            unprinted: Mutex::new(None),
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
        running.to_run = steps.iter().filter(|entry| entry.state != State::Cached).count();
        if running.to_run == 0 {
            return;
        }
        self.line(&format!("{} steps, {} cached", steps.len(), steps.len() - running.to_run));
        if self.form == Form::Terminal {
            let bar = self.bars.add(ProgressBar::new(running.to_run as u64));
            bar.set_style(style("{elapsed:>4} {bar:30} {pos}/{len} steps, {eta} left"));
            bar.enable_steady_tick(Duration::from_secs(1));
            running.overall = Some(bar);
        }
    }

    fn started(&self, running: &mut Running, step: &str) {
        if self.form != Form::Terminal {
            return;
        }
        let bar = ProgressBar::new(0).with_message(step.to_owned());
        bar.set_style(style("     {spinner} {msg}"));
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
                bar.set_style(style("     {bar:24} {percent:>3} % {msg}"));
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
        running.done += 1;
        if let Some(overall) = &running.overall {
            overall.set_position(running.done as u64);
        }
        let width = running.to_run.to_string().len();
        self.line(&format!("[{:>width$}/{}] {how}", running.done, running.to_run));
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

impl Observer for Display {
    fn observe(&self, record: &Record) {
        if self.form == Form::Json {
            return self.log(record);
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
            Event::RunFinished { .. } => self.run_finished(running),
            _ => {}
        }
    }
}

/// The look of all bars.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━─")
}
