//! The same stories through the runner, `aws/`, the SDK's own clients and the sandbox's door, on a paused
//! clock: what a step costs in bytes, codes and answers is real, what it costs in time is not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redrive::aws::Account;
use redrive::aws::connect::ConnectOptions;
use redrive::driver::sandbox::ENDPOINT;
use redrive::driver::simulated::Simulated;
use redrive::model::census::Census;
use redrive::model::service_error::{Outcome, ServiceError};
use redrive::model::time::Timestamp;
use redrive::operation::Command;
use redrive::operation::order::{Answer, JournalEntry, Order, OrderId, OrderResult};
use redrive::operation::progress::Report;
use redrive::pipeline::request::{Reply, Request, SqsReply, SqsRequest};
use redrive::runner::{self, Performer};
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

use crate::storm::connector::{Stormy, Weather};
use crate::storm::fault::{Chance, Faults};
use crate::storm::log::Log;
use crate::storm::scene::{self, Site};
use crate::storm::story::Story;
use crate::storm::{Died, Twice, consumed, judge, owner, redriven, undertaking};

/// One seed, through the door.
///
/// # Panics
/// As [`straight`](crate::storm::straight()).
pub fn run(seed: u64) {
    tell(Story::of(seed));
}

/// A story through the door.
pub fn tell(story: Story) -> Twice {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(through(story))
}

async fn through(story: Story) -> Twice {
    let seed = story.seed;
    let site = Arc::new(Simulated::start(scene::blueprint(), seed, 0).expect("the blueprint fits together"));
    let mut ground = Ground(Arc::clone(&site));
    let queues = story.queues();
    let begun = scene::begin(&mut ground, queues, story.messages);
    pass(30).await;
    let dead = scene::let_die(&mut ground, queues, begun, story.messages);
    let chance = Chance::new(seed, "weather");
    let weather = Weather { chance, faults: story.faults, began_at: site.clock().account_now() };
    let weather = Arc::new(Mutex::new(weather));
    let account = Arc::new(connect(&site, &weather).await);
    let shared = Arc::new(Mutex::new(Shared {
        log: Log::default(),
        chance: Chance::new(seed, "journal"),
        faults: story.faults,
        life: 0,
        steps: 0,
        dies_after: None,
        quiet: false,
    }));
    company(&site, &shared, &story);
    let mut deaths = story.deaths.iter().copied();
    let mut commands = story.commands.clone();
    let report = loop {
        let machine = undertaking(&story, &dead, &lock(&shared).log).begin(owner(), seed, site.clock().account_now());
        let process = Process::start(&site, &account, &shared, deaths.next());
        match live(machine, process, std::mem::take(&mut commands)).await {
            Ok(report) => break redriven(report),
            Err(Died) => pass(100).await,
        }
        commands.clone_from(&story.later);
    };
    if story.is_calm() {
        assert_eq!(
            scene::dead_letters(&mut ground, queues).in_flight,
            0,
            "seed {seed}: what was not asked for was given back"
        );
    }
    lock(&shared).quiet = true;
    pass(200).await;
    assert_eq!(scene::dead_letters(&mut ground, queues).in_flight, 0, "seed {seed}: something stays hidden");
    let copies = scene::count(&mut ground, queues);
    let twice = judge(&story, &dead, &report, &lock(&shared).log, &copies);
    if !queues.fifo {
        scene::consume(&mut ground);
        pass(300).await;
        consumed(&story, &copies, &mut ground);
    }
    twice
}

async fn connect(site: &Arc<Simulated>, weather: &Arc<Mutex<Weather>>) -> Account {
    let options = ConnectOptions {
        region: Some(site.region().to_owned()),
        endpoint_url: Some(ENDPOINT.to_owned()),
        http_client: Some(Stormy::client(site, weather)),
        test_credentials: true,
        ..ConnectOptions::default()
    };
    Account::connect(options).await.expect("in process")
}

async fn pass(s: u64) {
    sleep(Duration::from_secs(s)).await;
}

/// What outlives a process.
struct Shared {
    log: Log,
    chance: Chance,
    faults: Faults,
    life: u64,
    steps: u64,
    dies_after: Option<u64>,
    quiet: bool,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One run of the program, until it ends or dies.
#[derive(Clone)]
struct Process {
    site: Arc<Simulated>,
    account: Arc<Account>,
    shared: Arc<Mutex<Shared>>,
    life: u64,
    death: Arc<Notify>,
}

async fn live(
    machine: Box<dyn redrive::operation::Operation>,
    process: Process,
    commands: Vec<(i64, Command)>,
) -> Result<Report, Died> {
    let (commander, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut at_ms = 0;
        for (ms, command) in commands {
            sleep(Duration::from_millis((ms - at_ms).unsigned_abs())).await;
            at_ms = ms;
            if commander.send(command).is_err() {
                return;
            }
        }
    });
    let report = Arc::new(Mutex::new(None));
    let (told, death) = (Arc::clone(&report), Arc::clone(&process.death));
    let run = runner::run(machine, process, heard, move |progress| {
        if let Some(report) = progress.report {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        }
    });
    tokio::select! {
        biased;
        () = death.notified() => return Err(Died),
        () = run => {}
    }
    Ok(report.lock().unwrap_or_else(PoisonError::into_inner).take().expect("the last progress carries it"))
}

impl Process {
    fn start(
        site: &Arc<Simulated>,
        account: &Arc<Account>,
        shared: &Arc<Mutex<Shared>>,
        dies_after: Option<u64>,
    ) -> Self {
        let mut now = lock(shared);
        now.life += 1;
        (now.steps, now.dies_after) = (0, dies_after);
        Process {
            site: Arc::clone(site),
            account: Arc::clone(account),
            shared: Arc::clone(shared),
            life: now.life,
            death: Arc::new(Notify::new()),
        }
    }

    /// Counts a step, before or after an order; `None` when the process is dead, or died by it.
    fn step<T>(&self, act: impl FnOnce(&mut Shared, Timestamp) -> T) -> Option<T> {
        let mut shared = lock(&self.shared);
        if shared.life != self.life {
            return None;
        }
        shared.steps += 1;
        if shared.dies_after.is_some_and(|most| shared.steps > most) {
            shared.life += 1;
            shared.log.died();
            self.death.notify_one();
            return None;
        }
        Some(act(&mut shared, self.site.clock().account_now()))
    }

    async fn record(&self, order: Order) -> OrderResult {
        let Order::Record(entries) = order else { panic!("told apart before") };
        let wait_ms = 1 + lock(&self.shared).chance.draw(5);
        sleep(Duration::from_millis(wait_ms)).await;
        match self.keep(entries) {
            Some(result) => result,
            None => std::future::pending().await,
        }
    }

    fn keep(&self, entries: Vec<JournalEntry>) -> Option<OrderResult> {
        let mut shared = lock(&self.shared);
        if shared.life != self.life {
            return None;
        }
        let Shared { chance, faults, log, .. } = &mut *shared;
        if chance.happens(faults.journal) {
            return Some(Outcome::Refused(ServiceError::new("journal", "Full", "disk full")));
        }
        log.keep(entries);
        Some(Outcome::Done(Answer::Recorded))
    }
}

impl Performer for Process {
    async fn perform(&self, order: Order) -> OrderResult {
        let begun = self.step(|shared, now| {
            let id = OrderId(shared.life * 1_000_000 + shared.steps);
            shared.log.arrives(&order, &shared.faults);
            shared.log.ordered(now, id, &order);
            id
        });
        let Some(id) = begun else { return std::future::pending().await };
        let result = match order {
            Order::Record(_) => self.record(order).await,
            call => self.account.perform(call).await,
        };
        let heard = self.step(|shared, now| shared.log.answered(now, id, &result));
        match heard {
            Some(()) => result,
            None => std::future::pending().await,
        }
    }

    fn now(&self) -> Timestamp {
        self.site.clock().account_now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left_ms = at.ms_since(self.now());
            if left_ms <= 0 {
                return;
            }
            sleep(Duration::from_millis(left_ms.unsigned_abs())).await;
        }
    }
}

/// A second operator, and a colleague's move task.
fn company(site: &Arc<Simulated>, shared: &Arc<Mutex<Shared>>, story: &Story) {
    let (seed, faults, queues) = (story.seed, story.faults, story.queues());
    if faults.rival > 0 {
        let (mut ground, shared, mut chance) =
            (Ground(Arc::clone(site)), Arc::clone(shared), Chance::new(seed, "rival"));
        tokio::spawn(async move {
            while !lock(&shared).quiet {
                let taken = scene::receive_some(&mut ground, queues.dead, RIVAL_LEASE_S, 1).pop();
                if let Some(message) = taken.filter(|_| chance.happens(faults.rival)) {
                    let mut ground = Ground(Arc::clone(&ground.0));
                    tokio::spawn(async move {
                        pass(20).await;
                        scene::move_by_hand(&mut ground, queues, &message);
                    });
                }
                sleep(Duration::from_millis(200 + chance.draw(7_000))).await;
            }
        });
    }
    if faults.task > 0 {
        let (mut ground, mut chance) = (Ground(Arc::clone(site)), Chance::new(seed, "task"));
        tokio::spawn(async move {
            sleep(Duration::from_millis(20 + chance.draw(2_000))).await;
            let max_per_s = Some(1 + chance.draw(10) as u32);
            let start =
                SqsRequest::StartMessageMoveTask { source: scene::arn(queues.dead), destination: None, max_per_s };
            ground.ask(Request::Sqs(start));
            sleep(Duration::from_millis(1_000 + chance.draw(40_000))).await;
            let list = SqsRequest::ListMessageMoveTasks { source: scene::arn(queues.dead), max: None };
            let Reply::Sqs(SqsReply::Tasks(tasks)) = ground.ask(Request::Sqs(list)) else { panic!("listed") };
            if let Some(handle) = tasks.into_iter().find_map(|task| task.handle) {
                ground.ask(Request::Sqs(SqsRequest::CancelMessageMoveTask { handle }));
            }
        });
    }
}

/// The pipeline itself, past the door.
pub struct Ground(pub Arc<Simulated>);

impl Site for Ground {
    fn ask(&mut self, request: Request) -> Reply {
        let response = self.0.ask(request).expect("it is answered at once");
        response.unwrap_or_else(|error| panic!("{error}"))
    }

    fn census(&mut self) -> Census {
        self.0.census()
    }
}

const RIVAL_LEASE_S: u32 = 30;
