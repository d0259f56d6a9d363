//! The same stories through the runner, `aws/`, the SDK's own clients and the sandbox's door, on a paused
//! clock: what a step costs in bytes, codes and answers is real, what it costs in time is not.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redrive::aws::Account;
use redrive::aws::connect::ConnectOptions;
use redrive::driver::sandbox::ENDPOINT;
use redrive::driver::simulated::Simulated;
use redrive::model::census::Census;
use redrive::model::service_error::{Outcome, ServiceError};
use redrive::model::time::Timestamp;
use redrive::operation::order::{Answer, JournalEntry, Order, OrderId, OrderResult};
use redrive::operation::progress::Report;
use redrive::operation::{Command, Operation};
use redrive::pipeline::request::{Reply, Request, SqsReply, SqsRequest};
use redrive::runner::{self, Performer};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc};
use tokio::time::sleep;

use crate::storm::connector::{Stormy, Weather};
use crate::storm::errand::{self, Errand};
use crate::storm::fault::{Chance, Faults};
use crate::storm::log::Log;
use crate::storm::reckoning::Tally;
use crate::storm::road::Road;
use crate::storm::scene::{self, Queues, Site};
use crate::storm::story::Story;
use crate::storm::{Died, Twice, on};

/// One seed, through the door.
///
/// # Panics
/// As [`straight`](crate::storm::straight()).
pub fn run(seed: u64) {
    tell(Story::of(seed));
}

/// A story through the door.
pub fn tell(story: Story) -> Twice {
    on(&mut Door::new(story.seed, story.queues()), &story)
}

/// An errand through the door.
pub fn errand(errand: &Errand) -> Tally {
    errand::on(&mut Door::new(errand.seed, errand.queues), errand)
}

/// The sandbox, its door, and who goes through it.
pub struct Door {
    runtime: Runtime,
    seed: u64,
    queues: Queues,
    ground: Ground,
    weather: Arc<Mutex<Weather>>,
    account: Arc<Account>,
    shared: Arc<Mutex<Shared>>,
    commands: Vec<(i64, Command)>,
}

impl Door {
    pub fn new(seed: u64, queues: Queues) -> Self {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
        let site = {
            let _entered = runtime.enter();
            Arc::new(Simulated::start(scene::blueprint(), seed, 0).expect("the blueprint fits together"))
        };
        let chance = Chance::new(seed, "weather");
        let weather = Weather { chance, faults: Faults::default(), began_at: site.clock().account_now() };
        let weather = Arc::new(Mutex::new(weather));
        let account = Arc::new(runtime.block_on(connect(&site, &weather)));
        let shared = Arc::new(Mutex::new(Shared {
            log: Log::default(),
            chance: Chance::new(seed, "journal"),
            faults: Faults::default(),
            life: 0,
            steps: 0,
            dies_after: None,
            quiet: false,
        }));
        Door { runtime, seed, queues, ground: Ground(site), weather, account, shared, commands: Vec::new() }
    }
}

impl Site for Door {
    fn ask(&mut self, request: Request) -> Reply {
        let _entered = self.runtime.enter();
        self.ground.ask(request)
    }

    fn census(&mut self) -> Census {
        let _entered = self.runtime.enter();
        self.ground.census()
    }
}

impl Road for Door {
    fn now(&self) -> Timestamp {
        let _entered = self.runtime.enter();
        self.ground.0.clock().account_now()
    }

    fn begin(&mut self, faults: Faults, commands: &[(i64, Command)]) {
        let now = self.now();
        {
            let mut weather = self.weather.lock().unwrap_or_else(PoisonError::into_inner);
            (weather.faults, weather.began_at) = (faults, now);
        }
        lock(&self.shared).faults = faults;
        self.command(commands);
        let _entered = self.runtime.enter();
        company(&self.ground.0, &self.shared, self.seed, faults, self.queues);
    }

    fn command(&mut self, commands: &[(i64, Command)]) {
        self.commands = commands.to_vec();
    }

    fn run(&mut self, machine: Box<dyn Operation>, dies_after: Option<u64>) -> Result<Report, Died> {
        let process = Process::start(&self.ground.0, &self.account, &self.shared, dies_after);
        let commands = std::mem::take(&mut self.commands);
        self.runtime.block_on(live(machine, process, commands))
    }

    fn pass(&mut self, s: i64) {
        self.runtime.block_on(pass(s.unsigned_abs()));
    }

    fn calm_down(&mut self) {
        lock(&self.shared).quiet = true;
        self.pass(200);
    }

    fn log(&mut self) -> impl DerefMut<Target = Log> {
        Logged(lock(&self.shared))
    }
}

/// What is written down, of all that a process shares with the next.
struct Logged<'a>(MutexGuard<'a, Shared>);

impl Deref for Logged<'_> {
    type Target = Log;

    fn deref(&self) -> &Log {
        &self.0.log
    }
}

impl DerefMut for Logged<'_> {
    fn deref_mut(&mut self) -> &mut Log {
        &mut self.0.log
    }
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

async fn live(machine: Box<dyn Operation>, process: Process, commands: Vec<(i64, Command)>) -> Result<Report, Died> {
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
    let (told, death, shared) = (Arc::clone(&report), Arc::clone(&process.death), Arc::clone(&process.shared));
    let run = runner::run(machine, process, heard, move |progress| {
        lock(&shared).log.found.extend(progress.found);
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
        let wait_ms = {
            let Shared { chance, faults, .. } = &mut *lock(&self.shared);
            if chance.happens(faults.writing) { chance.draw(90_000) } else { 1 + chance.draw(5) }
        };
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
fn company(site: &Arc<Simulated>, shared: &Arc<Mutex<Shared>>, seed: u64, faults: Faults, queues: Queues) {
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
