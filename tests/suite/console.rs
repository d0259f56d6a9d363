//! The console as a person uses it: the real binary, by keys alone.

use std::time::Duration;

use crate::pty::Session;

const LONG: Duration = Duration::from_secs(300);
/// A rehearsal in an unoptimised build, beside other tests.
const FORETOLD: Duration = Duration::from_secs(900);

/// Opens the sandbox and waits until its history has been run and the first verdicts stand.
fn night_shift(columns: u16, rows: u16, speed: &str) -> Session {
    let mut session = Session::start(columns, rows, &["sandbox", "--seed", "7", "--speed", speed]);
    session.wait_for("SANDBOX");
    session.wait_at_most(LONG, "the verdict", |screen| {
        screen.contains("LogWorker is falling behind") && screen.contains("JobDLQ: dead letters")
    });
    session
}

/// The number behind `before` on the screen, thousands separators left out.
fn figure(screen: &str, before: &str) -> Option<u64> {
    let rest = screen.split(before).nth(1)?;
    let digits: String =
        rest.trim_start_matches(['~', ' ']).chars().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
    digits.replace(',', "").parse().ok()
}

#[test]
fn the_night_shift_is_put_right_by_keys_alone() {
    let mut s = night_shift(120, 36, "10");

    // Tune: parallel 1→5, followed until it is settled and seen to work.
    s.keys("2");
    s.wait_for("LogWorker");
    s.keys("/LogWorker\r");
    s.wait("the filter to be taken", |screen| !screen.contains("enter keep"));
    s.keys("t");
    s.wait_for("Tune LogWorker");
    s.keys("5\r");
    s.wait_for("parallel 1→5");
    s.wait_for("[ Tune ]");
    s.wait("the card to listen", listens);
    s.keys("\r");
    s.wait("the change to settle", |screen| screen.contains("parallel 1→5") && screen.contains("settled"));
    s.keys("1");
    s.wait_at_most(LONG, "the age to fall", |screen| screen.contains("catching up") || screen.contains("effective"));

    // Scan, and redrive three of what is shown.
    s.keys("3");
    s.wait_for("└▶");
    s.keys("/JobDLQ\r\r");
    s.wait_for("enter scans it");
    s.keys("\r");
    s.wait_at_most(LONG, "the scan", |screen| screen.contains(" scanned at "));
    s.keys(" j j ");
    s.keys("R");
    s.wait_for("Redrive 3 messages from JobDLQ");
    confirm(&mut s, "3");
    s.wait_at_most(LONG, "three to move", |screen| screen.contains("3 of 3 moved"));

    // The fault is cleared; what the step had begun may still die for six more minutes.
    s.keys("5");
    s.wait_for("Census of identities");
    s.keys("jjjj ");
    s.wait("the fault to be off", |screen| screen.lines().any(|l| l.contains("failing-step") && l.contains("off")));
    s.wait_at_most(LONG, "the last to die", drained_of_the_dying());

    // The rest by a move task, until the queue is empty.
    s.keys("3");
    s.wait_for("JobDLQ");
    s.keys("\r");
    s.wait_for("JobDLQ");
    s.keys("R");
    s.wait_for("Redrive from JobDLQ: which?");
    s.keys("3");
    s.wait_for("for good");
    // A frame that is half there may show half a number.
    s.wait("the card to listen", listens);
    let about = figure(&s.screen(), "type how many, ").expect("the card says how many");
    confirm(&mut s, &about.to_string());
    s.wait_at_most(LONG, "the move task to end", |screen| screen.contains("COMPLETED") || screen.contains("moved"));
    s.keys("5");
    s.wait_at_most(LONG, "no dead letter", |screen| dead(screen) == Some(0));

    // And still empty after visibility × (maxReceiveCount + 1) = 60 s × 6.
    let cleared = clock_s(&s.screen());
    let later = s.wait_at_most(LONG, "six minutes to pass", |screen| passed_s(cleared, clock_s(screen)) >= 361);
    assert_eq!(dead(&later), Some(0), "dead letters came back:\n{later}");
    assert_eq!(lost(&later), Some(0), "the census lost an identity:\n{later}");
    s.keys("\x03");
    assert_eq!(s.end(), 0);
    assert!(!s.alternate_screen() && !s.cursor_hidden(), "the terminal is given back");
}

/// The text of a consumer's left pane, its lines joined: a sentence may be wrapped anywhere.
fn told(screen: &str) -> String {
    let left = |line: &str| Some(line.strip_prefix('│')?.split_once("││")?.0.trim().to_owned());
    screen.lines().filter_map(left).collect::<Vec<_>>().join(" ")
}

/// A card takes no keys at first and says so. Its footer is drawn last and is like no other overlay's:
/// with it the frame is whole.
fn listens(screen: &str) -> bool {
    let whole =
        screen.lines().last().is_some_and(|footer| footer.contains("esc leave it") && footer.contains("copy aws line"));
    whole && screen.contains("[ Leave it ]") && !screen.contains("keys are taken in a moment")
}

/// Types the count that a card asks for, and enters it.
fn confirm(s: &mut Session, count: &str) {
    s.wait("the card to listen", listens);
    s.keys(count);
    s.wait("the count to be typed", |screen| screen.contains(&format!("to confirm: {count}")));
    s.keys("\r");
    s.wait("the card to close", |screen| !screen.contains("[ Leave it ]"));
}

/// On the sandbox's screen: every failing job has died or been done once the count of the dead has
/// not moved for six minutes of sandbox time.
fn drained_of_the_dying() -> impl Fn(&str) -> bool {
    let seen = std::cell::Cell::new((u64::MAX, 0));
    move |screen| {
        let (Some(dead), now) = (dead(screen), clock_s(screen)) else { return false };
        let (before, since) = seen.get();
        if dead != before {
            seen.set((dead, now));
            return false;
        }
        passed_s(since, now) >= 361
    }
}

/// The jobs column of the census: dead letters, counted by identity.
fn dead(screen: &str) -> Option<u64> {
    row(screen, "dead ")
}

fn lost(screen: &str) -> Option<u64> {
    row(screen, "lost ")
}

fn row(screen: &str, name: &str) -> Option<u64> {
    let line = screen.lines().find(|line| line.contains(&format!("│{name}")))?;
    figure(line, &format!("│{name}"))
}

/// Seconds of the day in the header: the sandbox's time.
fn clock_s(screen: &str) -> u64 {
    let header = screen.lines().next().unwrap_or("");
    let at = header.split_whitespace().find(|word| word.len() == 9 && word.ends_with('Z')).unwrap_or("00:00:00Z");
    let part = |range: std::ops::Range<usize>| at.get(range).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    part(0..2) * 3600 + part(3..5) * 60 + part(6..8)
}

/// Seconds from one time of day to a later one, midnight between them or not.
fn passed_s(from: u64, to: u64) -> u64 {
    (to + 86_400 - from) % 86_400
}

/// `; drained at 17:58Z, as forecast (17:58Z–18:02Z est)`: the word fits the times, and the drain is near
/// the band. In it is no assertion: the band is of 10–90 %, so that one drain in five lies outside by
/// right. How many do is what the forecasts' bench counts.
fn assert_held_against_its_forecast(told: &str) {
    let said = told.split_once("; drained at ").expect("it is said").1;
    let minute = |text: &str| Some(text.get(0..2)?.parse::<u64>().ok()? * 60 + text.get(3..5)?.parse::<u64>().ok()?);
    let times: Vec<u64> = said.match_indices('Z').take(3).filter_map(|(z, _)| minute(said.get(z - 5..z)?)).collect();
    let [at, first, last] = times[..] else { panic!("three times of day: {said}") };
    let after = |from: u64, to: u64| (to + 1_440 - from % 1_440) % 1_440;
    let width = after(first, last);
    let words = said.split(['(', ',']).nth(1).map(str::trim);
    let right = match after(first + 1_440 - 1, at) {
        since if since <= width + 2 => "as forecast",
        since if since < 720 => "later than forecast",
        _ => "earlier than forecast",
    };
    assert_eq!(words, Some(right), "{said}");
    let slack = width.max(3);
    assert!(after(first + 1_440 - slack, at) <= width + 2 * slack, "far from its forecast: {said}");
}

/// The seed story with foresight: age rising, `t`, the recommended candidate by one key, applied,
/// drained, and held against what was foretold.
#[test]
fn the_recommended_setting_drains_it_within_its_forecast() {
    recommended_applied_and_drained(night_shift(120, 36, "1"), "LogWorker", "recommended: parallel");
}

/// The same of a queue that backs up for want of MaximumConcurrency, and whose consumer feeds it: jobs have
/// two steps.
#[test]
fn the_recommended_limit_drains_a_queue_within_its_forecast() {
    let args = ["sandbox", "--scenario", "narrow-chain", "--seed", "7", "--speed", "1"];
    let mut s = Session::start(120, 36, &args);
    s.wait_at_most(LONG, "the verdict", |screen| screen.contains("JobQueue: the backlog grows"));
    recommended_applied_and_drained(s, "JobWorker", "recommended: MaximumConcurrency");
}

fn recommended_applied_and_drained(mut s: Session, consumer: &str, recommended: &str) {
    s.keys("2");
    s.wait_for(consumer);
    s.keys(&format!("/{consumer}\r"));
    s.wait("the filter to be taken", |screen| !screen.contains("enter keep"));
    s.keys("\r");
    s.wait_for("BatchSize");
    s.keys("t");
    s.wait_for(&format!("Tune {consumer}"));
    s.wait_for("rehearsing");
    // The screen is not blocked meanwhile: the cursor moves.
    s.keys("\t");
    s.wait("the cursor to move", |screen| screen.contains("▶ BatchSize"));
    s.wait_at_most(FORETOLD, "the recommendation", |screen| screen.contains(recommended));
    // It stands below: of a frame that is half there it may be missing.
    s.wait_for("backtest");
    s.keys("r");
    s.wait_for("forecast (est): drained in");
    s.wait("the card to listen", listens);
    s.keys("\r");
    s.wait_at_most(LONG, "the change to settle", |screen| told(screen).contains(": settled "));
    s.keys("5");
    s.wait_for("Census of identities");
    // 1× to 60×.
    s.keys("+++++");
    s.keys("2");
    s.wait_for(consumer);
    s.keys("\r");
    s.wait_at_most(LONG, "the forecast to be compared", |screen| told(screen).contains("as forecast"));
    // The band is said in brackets once the backlog is gone.
    let drained = |screen: &str| told(screen).contains("; drained at");
    let screen = s.wait_at_most(LONG, "the backlog to go", drained);
    assert_held_against_its_forecast(&told(&screen));
    s.keys("\x03");
    assert_eq!(s.end(), 0);
}
