//! Test only: consoles on accounts too large for one screen, too old a picture, or asked too often.

use crate::console::msg::Msg;
use crate::console::picker::Names;
use crate::console::update::update;
use crate::console::{Console, ConsoleOptions};
use crate::model::scope::Scope;
use crate::model::usage::Usage;
use crate::ui::scenes::{account, type_keys};

pub fn all() -> Vec<(&'static str, Console)> {
    vec![("picker", picker()), ("picker-small", picker_small()), ("from-cache", from_cache()), ("slower", slower())]
}

/// A large account, before anything of it is read; `pro` has been typed.
fn picker() -> Console {
    let mut console = Console::new(ConsoleOptions { pick: true, ..ConsoleOptions::default() });
    let base = account();
    (console.now, console.mono, console.picture.identity) = (base.now, base.mono, base.picture.identity);
    let names = ["shop-prod", "billing-prod", "search-prod", "mail-test"];
    let queues = names.iter().flat_map(|group| (0..20).map(move |n| format!("{group}-{n}").as_str().into()));
    let recent = ["billing-prod-3".to_owned()].into();
    let stacks = ["shop-prod", "shop-test"].map(str::to_owned).into();
    let names = Names { queues: queues.collect(), mappings: Vec::new(), stacks, recent };
    update(&mut console, Msg::NamesArrived { result: Ok(names) });
    type_keys(&mut console, "pro");
    console
}

/// `w` where everything fits one screen.
fn picker_small() -> Console {
    let mut console = account();
    type_keys(&mut console, "w");
    let names = Names { queues: vec!["JobDLQ".into()], ..Names::default() };
    update(&mut console, Msg::NamesArrived { result: Ok(names) });
    console
}

/// What the last session left, half an hour old, of a part of the account.
fn from_cache() -> Console {
    let mut console = account();
    let at = console.now.plus_s(-1_800);
    let old = |stale: &mut Option<String>| *stale = Some("from cache".to_owned());
    console.picture.queues.values_mut().for_each(|queue| {
        queue.at = at;
        old(&mut queue.stale);
    });
    if let Some(topology) = &mut console.picture.topology {
        topology.at = at;
        old(&mut topology.stale);
    }
    console.picture.metrics = Default::default();
    console.findings.truncate(2);
    console.from_cache = true;
    console.scope = Some(Scope::Prefix("shop-prod-".to_owned()));
    console
}

/// AWS has asked for fewer questions.
fn slower() -> Console {
    let mut console = account();
    let usage = Usage { metrics: 900, throttled: 12, ..Usage::default() };
    console.cost.took(console.now, usage);
    console
}
