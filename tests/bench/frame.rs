//! How long one frame takes at 200×60 with 50 queues, 50 mappings and 100,000 dead letters listed:
//! `cargo bench --bench frame`. Figures are kept in CONTRIBUTING.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use redrive::console::msg::Msg;
use redrive::console::screen::Screen;
use redrive::console::snapshot::Snapshot;
use redrive::console::update::update;
use redrive::console::{Console, ConsoleOptions};
use redrive::model::id::{Arn, QueueName, QueueUrl};
use redrive::model::mapping::{Mapping, MappingSettings, MappingState};
use redrive::model::message::{Message, SystemAttributes};
use redrive::model::metric::{MetricKey, Stat};
use redrive::model::queue::{Queue, QueueCounts};
use redrive::model::time::{Mono, Timestamp};
use redrive::model::topology::{Edge, EdgeKind, Node, NodeKind, Topology};
use redrive::ui;
use redrive::ui::theme::Theme;

const NOW: Timestamp = Timestamp::from_s(1_767_225_600);
const COUNT: usize = 50;
const LETTERS: usize = 100_000;
const FRAMES: usize = 200;

fn main() {
    let mut console = console();
    let dead: QueueName = "queue-00".into();
    for (name, screens) in [
        ("map", vec![Screen::Map]),
        ("consumers", vec![Screen::Map, Screen::Consumers]),
        ("queues", vec![Screen::Map, Screen::Queues]),
        ("triage", vec![Screen::Map, Screen::Queues, Screen::Triage(dead.clone())]),
    ] {
        console.screens = screens;
        let mut took = frames(&console);
        took.sort();
        let ms = |d: Duration| d.as_secs_f64() * 1000.0;
        let line = format!(
            "frame: {name:<10} median {:.2} ms, p95 {:.2} ms, worst {:.2} ms of {FRAMES}",
            ms(took[FRAMES / 2]),
            ms(took[FRAMES * 95 / 100]),
            ms(took[FRAMES - 1]),
        );
        writeln!(std::io::stdout(), "{line}").expect("standard output");
    }
}

#[allow(clippy::disallowed_methods)]
fn frames(console: &Console) -> Vec<Duration> {
    let mut terminal = Terminal::new(TestBackend::new(200, 60)).expect("a backend in memory");
    let mut frame = || {
        let began = Instant::now();
        terminal
            .draw(|frame| {
                ui::draw(frame, console, Theme::new(true));
            })
            .expect("a backend in memory");
        began.elapsed()
    };
    frame();
    (0..FRAMES).map(|_| frame()).collect()
}

fn console() -> Console {
    let mut console = Console::new(ConsoleOptions { sandbox: true, ..ConsoleOptions::default() });
    let queues: Vec<Queue> = (0..COUNT).map(queue).collect();
    let mappings: Vec<Mapping> = (0..COUNT).map(mapping).collect();
    let topology = topology(&queues, &mappings);
    let keys = mappings.iter().map(|mapping| MetricKey::lambda(&mapping.function, "IteratorAge", Stat::Maximum));
    let series = (0..180).map(|m| (NOW.plus_s(-60 * (180 - m)), (m * 1000) as f64)).collect::<Vec<_>>();
    let metrics: BTreeMap<_, _> = keys.map(|key| (key, series.clone())).collect();
    for msg in [
        Msg::Tick { mono: Mono::from_ms(1000), account: NOW },
        Msg::Resize { columns: 200, rows: 60 },
        Msg::QueuesArrived { at: NOW, results: queues.iter().map(|q| (q.name.clone(), Ok(q.clone()))).collect() },
        Msg::MappingsArrived { at: NOW, result: Ok(mappings) },
        Msg::TopologyArrived { at: NOW, result: Ok(topology), missing: Vec::new(), cached: false },
        Msg::MetricsArrived { generation: console.generation, at: NOW, result: Ok(metrics) },
        Msg::Tick { mono: Mono::from_ms(2000), account: NOW.plus_s(1) },
    ] {
        update(&mut console, msg);
    }
    let mut snapshot = Snapshot::new("queue-00".into(), "op-1".into(), NOW);
    snapshot.add((0..LETTERS).map(letter));
    console.snapshots.insert("queue-00".into(), snapshot);
    console
}

fn arn(service: &str, rest: &str) -> Arn {
    Arn::from(format!("arn:aws:{service}:eu-west-1:123456789012:{rest}"))
}

fn queue(n: usize) -> Queue {
    let name = format!("queue-{n:02}");
    Queue {
        url: QueueUrl::from(format!("https://sqs.eu-west-1.amazonaws.com/123456789012/{name}")),
        arn: arn("sqs", &name),
        counts: QueueCounts { visible: 1000 + n as u64, in_flight: n as u64, delayed: 0 },
        visibility_s: 60,
        retention_s: 345_600,
        delay_s: 0,
        max_message_bytes: 1_048_576,
        redrive: None,
        fifo: false,
        last_modified: None,
        // Every other one is somebody's dead-letter queue.
        sources: if n.is_multiple_of(2) { vec![arn("sqs", &format!("queue-{:02}", n + 1))] } else { Vec::new() },
        name: name.into(),
    }
}

fn mapping(n: usize) -> Mapping {
    Mapping {
        id: format!("00000000-0000-4000-8000-{n:012}").into(),
        source: arn("dynamodb", &format!("table/Table{n:02}/stream/2026-01-01T00:00:00.000")),
        function: format!("Worker{n:02}").into(),
        function_arn: arn("lambda", &format!("function:Worker{n:02}")),
        state: MappingState::Enabled,
        state_reason: None,
        settings: MappingSettings {
            batch_size: Some(100),
            parallelization_factor: Some(1),
            ..MappingSettings::default()
        },
        last_processing_result: Some("OK".to_owned()),
        last_modified: None,
    }
}

fn topology(queues: &[Queue], mappings: &[Mapping]) -> Topology {
    let node = |arn: &Arn, kind, name: String| Node { arn: arn.clone(), kind, name };
    let mut nodes: Vec<Node> = queues.iter().map(|q| node(&q.arn, NodeKind::Queue, q.name.to_string())).collect();
    let mut edges = Vec::new();
    for mapping in mappings {
        let table = mapping.source.table().unwrap_or_default().to_owned();
        let table_arn = arn("dynamodb", &format!("table/{table}"));
        nodes.push(node(&table_arn, NodeKind::Table, table));
        nodes.push(node(&mapping.function_arn, NodeKind::Function, mapping.function.to_string()));
        let kind = EdgeKind::Mapping(mapping.id.clone());
        edges.push(Edge { from: table_arn, to: mapping.function_arn.clone(), kind });
    }
    for queue in queues {
        edges.extend(queue.sources.iter().map(|from| Edge {
            from: from.clone(),
            to: queue.arn.clone(),
            kind: EdgeKind::DeadLetter,
        }));
    }
    nodes.sort_by(|a, b| a.arn.cmp(&b.arn));
    Topology { nodes, edges }
}

fn letter(n: usize) -> Arc<Message> {
    Arc::new(Message {
        id: format!("{n:08x}-0000-4000-8000-000000000000").into(),
        receipt: "void".into(),
        body: format!("{{\"action\":\"send\",\"run\":\"run-{n:08x}\",\"step\":{},\"recipient\":\"user-{n}\"}}", n % 7),
        attributes: BTreeMap::new(),
        system: SystemAttributes { sent_at: NOW.plus_s(-(n as i64)), receive_count: 6, ..SystemAttributes::default() },
    })
}
