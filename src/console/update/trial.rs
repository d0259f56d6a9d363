//! For the tests of this folder: a console with a small account in its picture, and a way to press
//! keys on it.

use crate::console::effect::Effect;
use crate::console::key::{Code, Key};
use crate::console::msg::Msg;
use crate::console::overlay::Card;
use crate::console::update::update;
use crate::console::{Console, ConsoleOptions};
use crate::model::alarm::Alarm;
use crate::model::id::{Arn, QueueName};
use crate::model::mapping::{Mapping, MappingSettings, MappingState};
use crate::model::message::{Attributes, Message, SystemAttributes};
use crate::model::picture::Identity;
use crate::model::queue::{Queue, QueueCounts, RedrivePolicy};
use crate::model::time::{Mono, Timestamp};
use crate::model::topology::Topology;
use crate::operation::progress::{Kind, Phase, Progress, Report};

pub const NOW: Timestamp = Timestamp::from_s(1_767_236_000);

pub struct Trial {
    pub console: Console,
}

impl Trial {
    /// A console that knows its account: two queues and their dead-letter queue, a stream consumer
    /// and a queue consumer.
    pub fn new(options: ConsoleOptions) -> Self {
        Trial::with_alarms(options, Vec::new())
    }

    pub fn with_alarms(options: ConsoleOptions, alarms: Vec<Alarm>) -> Self {
        let mut trial = Trial::unread(options);
        let identity =
            Identity { account: "123456789012".to_owned(), region: "eu-west-1".to_owned(), ..Identity::default() };
        trial.tell(Msg::IdentityArrived { at: NOW, result: Ok(identity) });
        let results = ["JobQueue", "JobDLQ"].map(|name| (QueueName::from(name), Ok(queue(name))));
        trial.tell(Msg::QueuesArrived { at: NOW, results: results.into() });
        trial.tell(Msg::MappingsArrived { at: NOW, result: Ok(vec![stream_mapping(), queue_mapping()]) });
        let result = Ok(Topology::default());
        trial.tell(Msg::TopologyArrived { at: NOW, result, missing: Vec::new(), cached: false });
        trial.tell(Msg::AlarmsArrived { at: NOW, result: Ok(alarms) });
        trial
    }

    /// One that has been started and told nothing yet.
    pub fn unread(options: ConsoleOptions) -> Self {
        let mut trial = Trial { console: Console::new(options) };
        trial.tell(Msg::Resize { columns: 120, rows: 36 });
        trial.wait_ms(1_000);
        trial
    }

    pub fn sandbox() -> Self {
        Trial::new(ConsoleOptions { sandbox: true, ..ConsoleOptions::default() })
    }

    pub fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        update(&mut self.console, msg)
    }

    /// Both times go on together, as on an account.
    pub fn wait_ms(&mut self, ms: u64) -> Vec<Effect> {
        let mono = self.console.mono.plus_ms(ms);
        self.tell(Msg::Tick { mono, account: NOW.plus_ms(mono.ms_since(Mono::ZERO) as i64) })
    }

    pub fn press(&mut self, keys: &[Key]) -> Vec<Effect> {
        keys.iter().flat_map(|key| self.tell(Msg::Key(*key))).collect()
    }

    /// Types a text; `\n` is enter and `\t` tab.
    pub fn types(&mut self, text: &str) -> Vec<Effect> {
        let key = |c| match c {
            '\n' => Key::plain(Code::Enter),
            '\t' => Key::plain(Code::Tab),
            '\x1b' => Key::plain(Code::Esc),
            c => Key::char(c),
        };
        text.chars().flat_map(|c| self.tell(Msg::Key(key(c)))).collect()
    }

    /// Everything the toasts say now.
    pub fn said(&self) -> String {
        self.console.toasts.iter().map(|toast| toast.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// A scan of the dead-letter queue that found so many.
    pub fn scanned(&mut self, count: u64) -> Vec<Effect> {
        self.types("3");
        let keys = self.console.queue_keys();
        let row = keys.iter().position(|name| name.as_str() == "JobDLQ").expect("it is listed");
        self.console.cursors.queues.put(&keys, row);
        let effects = self.types("\n\n");
        self.filled(effects, count)
    }

    /// The same once more, on its screen.
    pub fn rescanned(&mut self, count: u64) -> Vec<Effect> {
        let effects = self.types("\ns");
        self.filled(effects, count)
    }

    fn filled(&mut self, mut effects: Vec<Effect>, count: u64) -> Vec<Effect> {
        if !self.console.options.sandbox {
            self.wait_ms(Card::DEAF_MS);
            effects = self.types("\n");
        }
        let id = match effects.as_slice() {
            [Effect::Start { id, .. }, ..] => id.clone(),
            other => panic!("no scan was started: {other:?}; {}", self.said()),
        };
        let found = (0..count).map(letter).collect();
        self.tell(Msg::OperationProgressed(Progress { found, ..progress(&id, Kind::Scan) }));
        let report = crate::operation::progress::ScanReport {
            operation: id.clone(),
            state: crate::operation::order::EndState::Done,
            scanned: count,
            about: Some(count),
            complete: true,
            at: NOW,
            requests: 1,
            hidden: 0,
            hidden_until: None,
            problem: None,
            cause: None,
        };
        let report = Some(Report::Scan(report));
        self.tell(Msg::OperationProgressed(Progress { report, ..progress(&id, Kind::Scan) }))
    }
}

pub fn progress(id: &crate::model::id::OperationId, kind: Kind) -> Progress {
    Progress::new(id.clone(), kind, Phase::Running, "at work".to_owned(), 0)
}

pub fn arn(name: &str) -> Arn {
    Arn::new(format!("arn:aws:sqs:eu-west-1:123456789012:{name}"))
}

pub fn queue(name: &str) -> Queue {
    let dead = name.ends_with("DLQ");
    Queue {
        name: name.into(),
        url: format!("https://sqs.eu-west-1.amazonaws.com/123456789012/{name}").into(),
        arn: arn(name),
        counts: QueueCounts { visible: if dead { 312 } else { 4 }, ..QueueCounts::default() },
        visibility_s: 60,
        retention_s: 14 * 86_400,
        delay_s: 0,
        max_message_bytes: 1_048_576,
        redrive: (!dead).then(|| RedrivePolicy { dead_letter_arn: arn("JobDLQ"), max_receive_count: 3 }),
        fifo: false,
        last_modified: None,
        sources: if dead { vec![arn("JobQueue")] } else { Vec::new() },
    }
}

pub fn stream_mapping() -> Mapping {
    Mapping {
        id: "uuid-stream".into(),
        source: "arn:aws:dynamodb:eu-west-1:123456789012:table/EventTable/stream/2026-01-01T00:00:00.000".into(),
        function: "LogWorker".into(),
        function_arn: "arn:aws:lambda:eu-west-1:123456789012:function:LogWorker".into(),
        state: MappingState::Enabled,
        state_reason: None,
        settings: MappingSettings {
            batch_size: Some(100),
            window_s: Some(0),
            parallelization_factor: Some(1),
            ..MappingSettings::default()
        },
        last_processing_result: None,
        last_modified: None,
    }
}

pub fn queue_mapping() -> Mapping {
    Mapping {
        id: "uuid-queue".into(),
        source: arn("JobQueue"),
        function: "JobWorker".into(),
        function_arn: "arn:aws:lambda:eu-west-1:123456789012:function:JobWorker".into(),
        settings: MappingSettings { batch_size: Some(10), window_s: Some(0), ..MappingSettings::default() },
        ..stream_mapping()
    }
}

pub fn letter(n: u64) -> Message {
    let action = if n.is_multiple_of(3) { "send" } else { "invoke" };
    Message {
        id: format!("m-{n}").into(),
        receipt: format!("r-{n}").into(),
        body: format!(r#"{{"run":"run-{n}","step":1,"action":"{action}"}}"#),
        attributes: Attributes::new(),
        system: SystemAttributes {
            sent_at: NOW.plus_s(-3600),
            receive_count: 4,
            dead_letter_source: Some(arn("JobQueue")),
            ..SystemAttributes::default()
        },
    }
}
