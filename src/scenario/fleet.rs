//! A large account around the pipeline: queues, functions and mappings of other teams, most of them
//! quiet, a few in trouble. Names only and no load, so that it costs the machine next to nothing.

use std::collections::BTreeMap;

use crate::model::mapping::MappingSettings;
use crate::pipeline::blueprint::{
    Blueprint, FunctionBlueprint, MappingBlueprint, QueueBlueprint, Role, Service, Source,
};
use crate::pipeline::distribution::Distribution;
use crate::pipeline::rng;
use crate::scenario::file::Fleet;

/// Fills the account up to the figures given, which count what is there already.
///
/// # Errors
/// Figures that leave no room for what they ask.
pub(super) fn fill(base: &mut Blueprint, file: &Fleet) -> Result<(), String> {
    let groups = if file.groups.is_empty() { GROUPS.map(str::to_owned).to_vec() } else { file.groups.clone() };
    let mappings = lacking("mappings", file.mappings, base.mappings.len())?;
    let functions = lacking("functions", file.functions, base.functions.len())?;
    let queues = lacking("queues", file.queues, base.queues.len())?;
    if functions < mappings || queues < 2 * mappings {
        return Err(format!("{mappings} more mappings need as many functions and twice as many queues"));
    }
    if file.unhealthy.unwrap_or(0) as usize > mappings {
        return Err(format!("`unhealthy` may be at most {mappings} here"));
    }
    for n in 0..mappings {
        consumer(base, &name(&groups, n), trouble(n, file.unhealthy.unwrap_or(0) as usize));
    }
    for n in 0..functions - mappings {
        base.functions.push(function(&format!("{}-api", name(&groups, n)), 0));
    }
    for n in 0..queues - 2 * mappings {
        base.queues.push(QueueBlueprint::new(format!("{}-outbox", name(&groups, n))));
    }
    Ok(())
}

fn lacking(what: &str, wanted: Option<u32>, have: usize) -> Result<usize, String> {
    let wanted = wanted.map_or(have, |wanted| wanted as usize);
    if wanted > MOST {
        return Err(format!("`{what}` may be at most {MOST}"));
    }
    wanted.checked_sub(have).ok_or_else(|| format!("`{what}` must be at least the {have} there are already"))
}

/// What is wrong with one of the first consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Each of its messages fails until it is a dead letter.
    Fails,
    /// Switched off, with messages waiting.
    Stopped,
    /// Its dead letters are kept for a day, and nobody came.
    Expiring,
}

fn trouble(n: usize, unhealthy: usize) -> Option<Trouble> {
    let kinds = [Trouble::Fails, Trouble::Stopped, Trouble::Expiring];
    (n < unhealthy).then(|| kinds[n % kinds.len()])
}

/// A queue, its dead-letter queue, the function that reads it.
fn consumer(base: &mut Blueprint, name: &str, trouble: Option<Trouble>) {
    let dead = format!("{name}-dlq");
    let standing = |is: Trouble| if trouble == Some(is) { STANDING } else { 0 };
    let day = trouble == Some(Trouble::Expiring);
    base.queues.push(QueueBlueprint {
        redrive: Some((dead.as_str().into(), 3)),
        standing: standing(Trouble::Fails) + standing(Trouble::Stopped),
        ..QueueBlueprint::new(name)
    });
    base.queues.push(QueueBlueprint {
        retention_s: if day { 86_400 } else { 1_209_600 },
        standing: standing(Trouble::Expiring),
        ..QueueBlueprint::new(dead)
    });
    let worker = format!("{name}-worker");
    base.functions.push(function(&worker, if trouble == Some(Trouble::Fails) { 1_000_000 } else { 0 }));
    base.mappings.push(MappingBlueprint {
        id: rng::uuid(0, &format!("mapping/{worker}")).into(),
        source: Source::Queue(name.into()),
        function: worker.as_str().into(),
        settings: MappingSettings::default(),
        enabled: trouble != Some(Trouble::Stopped),
        event_count_metrics: false,
    });
}

fn function(name: &str, failure_ppm: u32) -> FunctionBlueprint {
    FunctionBlueprint {
        name: name.into(),
        role: Role::Sink,
        timeout_s: 6,
        memory_mb: 512,
        reserved_concurrency: None,
        service: Service { per_run_us: Distribution::Fixed(20_000), per_record_us: Distribution::Fixed(1_000) },
        failure_ppm,
        allow_recursion: false,
        external: false,
        environment: BTreeMap::new(),
        on_failure: None,
    }
}

/// `shop-prod-orders`, `billing-prod-orders`, …, `shop-prod-payments`, …, `shop-prod-orders-2`.
fn name(groups: &[String], n: usize) -> String {
    let (group, rest) = (&groups[n % groups.len()], n / groups.len());
    let noun = NOUNS[rest % NOUNS.len()];
    match rest / NOUNS.len() {
        0 => format!("{group}-{noun}"),
        round => format!("{group}-{noun}-{}", round + 1),
    }
}

const GROUPS: [&str; 5] = ["shop-prod", "billing-prod", "search-prod", "mail-prod", "shop-staging"];
const NOUNS: [&str; 16] = [
    "orders", "payments", "invoices", "carts", "stock", "prices", "images", "reports", "audit", "users", "sessions",
    "webhooks", "refunds", "exports", "imports", "digests",
];
/// Messages that stand in a queue in trouble.
const STANDING: u32 = 40;
/// More of anything is no account that somebody looks at whole.
const MOST: usize = 2_000;

#[cfg(test)]
mod tests {
    use crate::scenario::parse;

    #[test]
    fn an_account_is_filled_up_to_its_figures() {
        let text = "title = 't'\n[fleet]\nfunctions = 200\nqueues = 300\nmappings = 60\nunhealthy = 3";
        let blueprint = parse("t", "t.toml", text).expect("right").blueprint(0);
        let counts = (blueprint.functions.len(), blueprint.queues.len(), blueprint.mappings.len());
        assert_eq!(counts, (200, 300, 60));
        assert_eq!(blueprint.mappings.iter().filter(|mapping| !mapping.enabled).count(), 1);
        assert!(blueprint.has_queue(&"shop-prod-orders-dlq".into()));
        for (wrong, said) in [
            ("mappings = 1", "`mappings` must be at least the 2"),
            ("mappings = 60\nfunctions = 61\nqueues = 60", "58 more mappings need as many functions"),
            ("queues = 5000", "`queues` may be at most 2000"),
            ("unhealthy = 1", "`unhealthy` may be at most 0"),
        ] {
            let error = parse("t", "t.toml", &format!("title = 't'\n[fleet]\n{wrong}")).expect_err(wrong).to_string();
            assert!(error.starts_with("t.toml:2: fleet: ") && error.contains(said), "{error}");
        }
    }
}
