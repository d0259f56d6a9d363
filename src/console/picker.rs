//! Choosing what to watch on an account too large to be looked at whole: name prefixes with their
//! counts, or everything. Plain state; `update` moves it, `ui` draws it.

use std::collections::{BTreeMap, BTreeSet};

use crate::console::key::Line;
use crate::console::rows::source_name;
use crate::model::alarm::Alarms;
use crate::model::id::QueueName;
use crate::model::mapping::Mapping;
use crate::model::scope::Scope;
use crate::query::filter::Filter;

/// The names there are, before anything of them is read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Names {
    pub queues: Vec<QueueName>,
    pub mappings: Vec<Mapping>,
    /// CloudFormation's stacks, where they may be read.
    pub stacks: BTreeSet<String>,
    /// What was unhealthy when somebody last looked.
    pub recent: BTreeSet<String>,
}

impl Names {
    /// More of either than one screen shows.
    pub fn is_large(&self) -> bool {
        self.queues.len() > FEW || self.mappings.len() > FEW
    }
}

/// Queues or mappings that are drawn without asking.
const FEW: usize = 30;

/// One line of the picker.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub scope: Scope,
    /// `shop-prod-*`
    pub label: String,
    /// `None`: not known before it is asked, as with a stack.
    pub queues: Option<usize>,
    pub consumers: Option<usize>,
    /// Why it is offered, where its name does not say.
    pub note: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Picker {
    pub line: Line,
    offers: Vec<Offer>,
    /// Indices of the offers that match.
    found: Vec<usize>,
    pub row: usize,
    /// There is a scope to go back to.
    pub may_leave: bool,
}

impl Picker {
    pub fn new(names: &Names, alarms: Option<&Alarms>, may_leave: bool) -> Self {
        let offers = offers(names, alarms);
        Picker { line: Line::default(), found: (0..offers.len()).collect(), offers, row: 0, may_leave }
    }

    /// The alarms have come meanwhile; what was typed stays.
    pub fn offer_anew(&mut self, names: &Names, alarms: Option<&Alarms>) {
        let chosen = self.chosen().map(|offer| offer.scope.clone());
        self.offers = offers(names, alarms);
        self.find();
        // The row that was looked at, unless nothing was.
        let row = self.rows().position(|offer| Some(&offer.scope) == chosen.as_ref());
        self.row = if self.line.text().is_empty() { self.row } else { row.unwrap_or(0) };
    }

    pub fn rows(&self) -> impl ExactSizeIterator<Item = &Offer> {
        self.found.iter().map(|at| &self.offers[*at])
    }

    pub fn chosen(&self) -> Option<&Offer> {
        self.offers.get(*self.found.get(self.row)?)
    }

    pub fn step(&mut self, step: isize) {
        self.row = self.row.saturating_add_signed(step).min(self.found.len().saturating_sub(1));
    }

    /// Shows what matches the text typed; a text that nothing offered matches may still be a prefix.
    pub fn find(&mut self) {
        let mut filter = Filter::new(self.line.text());
        let takes = |offer: &Offer, filter: &mut Option<Filter>| {
            filter.as_mut().is_none_or(|filter| filter.takes(&[&offer.label, &offer.note]))
        };
        self.found = (0..self.offers.len()).filter(|at| takes(&self.offers[*at], &mut filter)).collect();
        self.row = 0;
    }
}

fn offers(names: &Names, alarms: Option<&Alarms>) -> Vec<Offer> {
    let mut offers = Vec::new();
    let mut offer = |scope: Scope, note: &str| offers.push(counted(names, scope, note));
    for alarm in alarms.into_iter().flat_map(|alarms| alarms.values()).filter(|alarm| alarm.fires()) {
        let metrics = alarm.metric().into_iter().flat_map(|metric| &metric.metrics);
        let values = metrics.flat_map(|metric| &metric.dimensions).map(|(_, value)| value.clone());
        let scope = Scope::Named { label: format!("alarm {}", alarm.name), names: values.collect() };
        let since = alarm.since.map(|since| format!(" since {}", since.clock())).unwrap_or_default();
        offer(scope, &format!("firing{since}: what it is about"));
    }
    if !names.recent.is_empty() {
        let scope = Scope::Named { label: "recently unhealthy".to_owned(), names: names.recent.clone() };
        offer(scope, "what was wrong when you last looked");
    }
    // An alarm about something else leads nowhere here.
    offers.retain(|offer| offer.queues.unwrap_or(1) + offer.consumers.unwrap_or(1) > 0);
    let mut offer = |scope: Scope, note: &str| offers.push(counted(names, scope, note));
    for prefix in prefixes(names) {
        offer(Scope::Prefix(prefix), "");
    }
    for stack in names.stacks.iter().take(MOST) {
        offer(Scope::Stack(stack.clone()), "what this CloudFormation stack made");
    }
    offer(Scope::Everything, "the whole region; what is well is asked more seldom");
    offers
}

fn counted(names: &Names, scope: Scope, note: &str) -> Offer {
    let known = !matches!(scope, Scope::Stack(_));
    let queues = names.queues.iter().filter(|name| scope.takes(name.as_str())).count();
    let fed = |mapping: &&Mapping| scope.takes(mapping.function.as_str()) || scope.takes(source_name(mapping));
    let consumers = names.mappings.iter().filter(fed).count();
    let (queues, consumers) = (known.then_some(queues), known.then_some(consumers));
    Offer { label: scope.label(), queues, consumers, note: note.to_owned(), scope }
}

/// What names begin with, up to a separator: the longest of those that mean the same names, where
/// enough names share it.
fn prefixes(names: &Names) -> Vec<String> {
    let functions = names.mappings.iter().map(|mapping| mapping.function.as_str());
    let all: BTreeSet<&str> = names.queues.iter().map(QueueName::as_str).chain(functions).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &all {
        for (at, separator) in name.match_indices(['-', '_', '.', '/']) {
            *counts.entry(&name[..at + separator.len()]).or_default() += 1;
        }
    }
    let longer = |prefix: &str, count: usize| {
        counts.iter().any(|(other, n)| *n == count && other.len() > prefix.len() && other.starts_with(prefix))
    };
    let enough = ENOUGH.max(all.len() / PARTS);
    let mut kept: Vec<(&str, usize)> = counts
        .iter()
        .map(|(prefix, count)| (*prefix, *count))
        .filter(|(prefix, count)| *count >= enough && !longer(prefix, *count))
        .collect();
    // The largest first, and what lies within one right below it.
    let top = |prefix: &str| kept.iter().find(|(other, _)| prefix.starts_with(other)).copied().unwrap_or_default();
    let tops: BTreeMap<&str, (&str, usize)> = kept.iter().map(|(prefix, _)| (*prefix, top(prefix))).collect();
    kept.sort_by_key(|(prefix, _)| {
        let (top, count) = tops[prefix];
        (std::cmp::Reverse(count), top, *prefix)
    });
    kept.truncate(MOST);
    kept.into_iter().map(|(prefix, _)| prefix.to_owned()).collect()
}

/// Names that make a group, at least; in a large account a share of all, or there would be too many.
const ENOUGH: usize = 4;
const PARTS: usize = 40;
/// Nobody reads further.
const MOST: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(queues: &[&str]) -> Names {
        Names { queues: queues.iter().map(|name| QueueName::from(*name)).collect(), ..Names::default() }
    }

    #[test]
    fn groups_are_the_longest_common_beginnings_with_enough_names() {
        let all = [
            "shop-prod-orders",
            "shop-prod-orders-dlq",
            "shop-prod-carts",
            "shop-prod-carts-dlq",
            "shop-test-a",
            "shop-test-b",
            "shop-test-c",
            "shop-test-d",
            "mail_prod_a",
            "mail_prod_b",
            "mail_prod_c",
            "mail_prod_d",
            "alone",
        ];
        let offered: Vec<(String, usize)> =
            offers(&names(&all), None).into_iter().map(|offer| (offer.label, offer.queues.unwrap_or(0))).collect();
        let expected = [("shop-*", 8), ("shop-prod-*", 4), ("shop-test-*", 4), ("mail_prod_*", 4), ("everything", 13)];
        assert_eq!(offered, expected.map(|(label, count)| (label.to_owned(), count)));
    }

    #[test]
    fn stacks_are_offered_by_name_and_what_they_hold_is_not_guessed() {
        let stacks = ["shop", "mail"].map(str::to_owned).into();
        let names = Names { stacks, ..names(&["a"]) };
        let offered: Vec<_> = offers(&names, None).into_iter().map(|offer| (offer.scope, offer.queues)).collect();
        let stack = |name: &str| (Scope::Stack(name.to_owned()), None);
        assert_eq!(offered, [stack("mail"), stack("shop"), (Scope::Everything, Some(1))]);
    }

    #[test]
    fn typing_narrows_and_the_row_stays_within() {
        let mut picker = Picker::new(&names(&["a-1", "a-2", "a-3", "a-4", "b-1", "b-2", "b-3", "b-4"]), None, false);
        picker.step(9);
        assert_eq!(picker.chosen().map(|offer| offer.label.as_str()), Some("everything"));
        picker.line = Line::new("b-");
        picker.find();
        assert_eq!(picker.rows().map(|offer| offer.label.as_str()).collect::<Vec<_>>(), ["b-*"]);
        picker.line = Line::new("zzz");
        picker.find();
        assert_eq!(picker.chosen(), None);
    }
}
