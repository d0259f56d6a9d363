//! Test only: the form of new settings with a rehearsal beside it, and a retune held against what was
//! foretold of it.

use crate::console::Console;
use crate::console::msg::Msg;
use crate::console::running::{Effectiveness, Follow};
use crate::console::screen::Screen;
use crate::console::update::update;
use crate::model::function::AccountLimits;
use crate::model::mapping::MappingChange;
use crate::model::rehearsal::{Backtest, Band, Candidate, Forecast, Foreseen, Rehearsal, Setting};
use crate::model::reserve::ReserveReading;
use crate::ui::{fixture, scenes};
use crate::verdict::foretold::{self, Standing};

pub fn all() -> Vec<(&'static str, Console)> {
    let mut declined = rehearsal();
    declined.recommended = None;
    declined.declined = Some("26 % of its runs fail: the lag is not one of capacity".to_owned());
    declined.candidates.clear();
    vec![
        ("tune-rehearsing", rehearsing()),
        ("tune-rehearsed", rehearsed(rehearsal())),
        ("tune-rehearsed-assumptions", with(rehearsed(rehearsal()), "a")),
        ("tune-candidate", with(rehearsed(rehearsal()), "\t\t\t\t\t\t")),
        ("tune-queue-rehearsed", queue_rehearsed()),
        ("tune-declined", rehearsed(declined)),
        ("tune-failures", with(scenes::armed(), "tm\t9\t\t")),
        ("card-tune-failures", failures()),
        ("tune-reserve", reserve("tm\t\t\t\t", "2")),
        ("card-tune-reserve", reserve("tm\t\t\t\t", "2\n")),
        ("card-tune-rehearsed", with(rehearsed(rehearsal()), "r")),
        ("consumer-forecast", followed(1.0)),
        ("consumer-forecast-worse", followed(2.2)),
    ]
}

fn with(mut console: Console, keys: &str) -> Console {
    for c in keys.chars() {
        let key = if c == '\t' {
            crate::console::key::Key::plain(crate::console::key::Code::Tab)
        } else if c == '\n' {
            crate::console::key::Key::plain(crate::console::key::Code::Enter)
        } else {
            crate::console::key::Key::char(c)
        };
        update(&mut console, Msg::Key(key));
    }
    scenes::wait(&mut console);
    console
}

/// The function's reserve is read, and changed by these keys.
fn reserve(before: &str, keys: &str) -> Console {
    let mut console = with(scenes::armed(), before);
    let mapping = fixture::log_mapping();
    let reading = ReserveReading {
        function: "LogWorker".into(),
        reserve: Ok(Some(40)),
        limits: Some(AccountLimits { concurrent: 1_000, unreserved: 900 }),
        shards: Some(4),
        source: console.picture.mappings.get(&mapping).map(|mapping| mapping.value.source.clone()),
    };
    let at = console.now;
    update(&mut console, Msg::ReserveArrived { at, mapping, reading: Box::new(reading) });
    with(console, keys)
}

/// The card of other retries and no destination.
fn failures() -> Console {
    let mut console = with(scenes::armed(), "tm3\t600");
    update(&mut console, Msg::Key(crate::console::key::Key::plain(crate::console::key::Code::Enter)));
    scenes::wait(&mut console);
    console
}

fn rehearsing() -> Console {
    let mut console = with(scenes::armed(), "t");
    let told = Msg::RehearsalProgressed { mapping: fixture::log_mapping(), generation: 1, done: 45, of: 150 };
    update(&mut console, told);
    console
}

fn rehearsed(rehearsal: Rehearsal) -> Console {
    let mut console = with(scenes::armed(), "t");
    let mapping = fixture::log_mapping();
    update(&mut console, Msg::RehearsalArrived { mapping, generation: 1, result: Ok(rehearsal) });
    console
}

/// An age of 16 minutes that falls by 0.4 s/s for each lane beyond the first two.
fn rehearsal() -> Rehearsal {
    let mut candidates: Vec<Candidate> = (1..=10).map(|lanes| candidate(lanes, 100)).collect();
    candidates.push(Candidate {
        refused: Some("a run would take up to 16.2 s (p99), more than half of the function's time-out of 30 s".into()),
        forecast: None,
        ..candidate(1, 500)
    });
    Rehearsal {
        mapping: fixture::log_mapping(),
        at: fixture::now().plus_s(-7),
        assumptions: vec![
            "72.0/s out; the worst shard's age moves by +0.40 s/s, so about 167 % of that arrives, est".to_owned(),
            "100.0 records a run (InvokedEventCount ÷ Invocations)".to_owned(),
            "4 open shards (DescribeStream)".to_owned(),
            "a full batch takes 812 ms (Duration, Average over 30 minutes)".to_owned(),
        ],
        backtest: Some(Backtest { minutes: 15, foretold_ms: 1_004_000.0, seen_ms: 984_000.0, good: true }),
        candidates,
        recommended: Some(3),
        declined: None,
    }
}

/// The consumer of a queue: limits of runs at a time in place of lanes.
fn queue_rehearsed() -> Console {
    let mut console = scenes::armed();
    let mapping = fixture::job_mapping();
    console.screens.push(Screen::ConsumerDetail(mapping.clone()));
    let today = console.picture.mappings[&mapping].value.settings.max_concurrency;
    let of = |limit: Option<u32>, like: u32| Candidate {
        change: MappingChange { max_concurrency: (limit != today).then_some(limit), ..MappingChange::default() },
        setting: Setting::Places { max_concurrency: limit, batch_size: 10 },
        ..candidate(like, 100)
    };
    let mut rehearsal = Rehearsal { mapping: mapping.clone(), ..rehearsal() };
    rehearsal.candidates = vec![of(today, 1), of(Some(5), 2), of(Some(10), 4), of(Some(20), 8)];
    rehearsal.recommended = Some(2);
    let mut console = with(console, "t");
    update(&mut console, Msg::RehearsalArrived { mapping, generation: 1, result: Ok(rehearsal) });
    console
}

fn candidate(lanes: u32, batch_size: u32) -> Candidate {
    let load = 1.67 / f64::from(lanes);
    let fall = 1.0 / load - 1.0;
    let age = |minutes: f64| {
        let ms = (984_000.0 - minutes * 60_000.0 * fall).max(600.0);
        Some(Band { p10: ms * 0.9, p50: ms, p90: ms * 1.1 })
    };
    let drain_s = 984.0 / fall;
    Candidate {
        change: MappingChange {
            parallelization_factor: (lanes != 1).then_some(lanes),
            batch_size: (batch_size != 100).then_some(batch_size),
            ..MappingChange::default()
        },
        setting: Setting::Lanes { parallelization_factor: lanes, batch_size },
        refused: None,
        forecast: Some(Forecast {
            age_ms: [5.0, 15.0, 60.0].map(age),
            drain_s: (fall > 0.0).then_some(Band { p10: drain_s * 0.9, p50: drain_s, p90: drain_s * 1.12 }),
            never: 0.0,
            load,
            concurrency_peak: lanes * 4,
            concurrency_limit: 1_000,
            throttles: false,
            invocations_per_hour: 4_300.0,
            dollars_per_hour: Some(0.061 * f64::from(lanes.min(3))),
            out_per_s_peak: 72.0 * f64::from(lanes),
            out_per_s: 120.0,
            duration_p99_ms: 1_640.0,
            course_ms: (0..180).map(|minute| age(f64::from(minute))).collect(),
        }),
    }
}

/// Tuned twelve minutes ago; the age is `slower` times what was foretold.
fn followed(slower: f64) -> Console {
    let mut console = scenes::armed();
    let (from, id) = (console.now.plus_s(-720), fixture::log_mapping());
    let forecast = candidate(4, 100).forecast.expect("it has one");
    let foreseen = Foreseen { from, course_ms: forecast.course_ms, drain_s: forecast.drain_s };
    let key = crate::model::metric::MetricKey::lambda(
        &"LogWorker".into(),
        "IteratorAge",
        crate::model::metric::Stat::Maximum,
    );
    let since = (1..11).map(|minute| {
        let at = from.floor_to(60).plus_s(60 * minute);
        (at, foreseen.at(at).map_or(0.0, |band| band.p50 * slower))
    });
    let since: Vec<_> = since.collect();
    console.picture.metrics.merge(&key, console.now, since);
    let mut follow = Follow {
        mapping: id.clone(),
        function: "LogWorker".into(),
        what: "parallel 1→4".to_owned(),
        reserve: None,
        settled_at: from.plus_s(24),
        state: Effectiveness::Seen(format!("effective: age falling since {}", from.plus_s(60).clock())),
        foreseen: Some(foreseen),
        standing: Standing::NotYet,
    };
    follow.standing = foretold::standing(&console.picture, console.now, &follow.retuned());
    console.picture.changes.push(crate::model::change::Change {
        at: follow.settled_at,
        subject: crate::model::change::ChangeSubject::Mapping(id.clone()),
        what: follow.what.clone(),
    });
    console.follows.push(follow);
    console.saved.insert(id.clone(), scenes::retune());
    if slower > 1.0 {
        // A tick after a while: the rules are asked anew, and the guard speaks.
        let (mono, account) = (console.mono.plus_ms(10_000), console.now);
        update(&mut console, Msg::Tick { mono, account });
    }
    console.screens.push(Screen::ConsumerDetail(id));
    console
}
