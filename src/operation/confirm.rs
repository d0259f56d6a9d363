//! The only way from what is planned to what may be done. A machine that changes anything takes a
//! [`Confirmed`] plan, and there are two ways to one: a person accepted its preflight card at the
//! level the plan requires, or it was accepted before and stands in the journal.

use thiserror::Error;

use crate::model::plan::{MoveAllPlan, Plan, RedrivePlan, RetunePlan, ScanPlan};
use crate::model::rescue::RescuePlan;
use crate::model::trial::TrialPlan;
use crate::operation::card::{self, Card, Facts};
use crate::operation::order::JournalEntry;
use crate::operation::rescue;
use crate::operation::trial;

/// How much a person must do to say yes (ux.md, "a preflight card before every change").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    /// One message, or a change that can be put back: enter on the focused button.
    Button,
    /// There is nothing to count, but the context is protected: the last four digits of the account.
    Account { account_last4: String },
    /// Many: the count is typed.
    Count(u64),
    /// What cannot be undone: the count and the last four digits of the account are typed.
    Irreversible { count: u64, account_last4: String },
}

/// What was typed on the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Enter on the button, or `--yes` beside a plan that needs no more.
    Enter,
    Account(String),
    Count(String),
    CountAndAccount {
        count: String,
        account_last4: String,
    },
}

/// Why a card was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Why {
    #[error("type the number of messages, {0}, to confirm")]
    CountNeeded(u64),
    #[error("{typed:?} is not {wanted}, the number of messages this is about")]
    WrongCount { typed: String, wanted: u64 },
    #[error("type the last four digits of the account to confirm")]
    AccountNeeded,
    #[error("{0:?} are not the last four digits of the account this would change")]
    WrongAccount(String),
}

/// A plan that can be put on a card, confirmed and journaled.
pub trait Planned: Sized {
    /// How much consent it takes.
    fn level(&self, facts: &Facts) -> Level;
    fn card(&self, facts: &Facts) -> Card;
    /// Out of the journal again; `None` when the row holds another kind of plan.
    fn from_plan(plan: Plan) -> Option<Self>;
}

/// Planned, shown, not yet accepted. Not `Clone`: one card, one answer.
#[derive(Debug, PartialEq)]
pub struct Preflight<T> {
    plan: T,
    level: Level,
    card: Box<Card>,
}

/// May be done, once. Neither `Clone` nor readable from any file but through the journal.
#[derive(Debug, PartialEq)]
pub struct Confirmed<T> {
    plan: T,
}

impl<T: Planned> Preflight<T> {
    pub fn new(plan: T, facts: &Facts) -> Self {
        let level = plan.level(facts);
        let card = Box::new(plan.card(facts));
        Preflight { plan, level, card }
    }
}

impl<T> Preflight<T> {
    pub fn plan(&self) -> &T {
        &self.plan
    }

    pub fn level(&self) -> &Level {
        &self.level
    }

    pub fn card(&self) -> &Card {
        &self.card
    }

    /// # Errors
    /// What was typed is not what the level asks for: the preflight comes back with the reason.
    pub fn accept(self, consent: &Consent) -> Result<Confirmed<T>, (Self, Why)> {
        match judge(&self.level, consent) {
            Ok(()) => Ok(Confirmed { plan: self.plan }),
            Err(why) => Err((self, why)),
        }
    }
}

impl<T: Planned> Confirmed<T> {
    /// From the journal's row of an operation that was confirmed before: for a resume. `None` when
    /// the row is not the first of an operation, or of another kind.
    pub fn recorded(row: &JournalEntry) -> Option<Self> {
        match row {
            JournalEntry::Began { plan, .. } => T::from_plan((**plan).clone()).map(|plan| Confirmed { plan }),
            _ => None,
        }
    }
}

impl<T> Confirmed<T> {
    pub fn plan(&self) -> &T {
        &self.plan
    }

    /// Only for the machine that carries it out.
    pub(in crate::operation) fn into_plan(self) -> T {
        self.plan
    }
}

fn judge(level: &Level, consent: &Consent) -> Result<(), Why> {
    match (level, consent) {
        (Level::Button, _) => Ok(()),
        (
            Level::Account { account_last4 },
            Consent::Account(last4) | Consent::CountAndAccount { account_last4: last4, .. },
        ) => same_account(last4, account_last4),
        (Level::Account { .. }, Consent::Enter | Consent::Count(_)) => Err(Why::AccountNeeded),
        (Level::Count(wanted), Consent::Enter | Consent::Account(_)) => Err(Why::CountNeeded(*wanted)),
        (Level::Count(wanted), Consent::Count(typed) | Consent::CountAndAccount { count: typed, .. }) => {
            same_count(typed, *wanted)
        }
        (Level::Irreversible { count, .. }, Consent::Enter | Consent::Account(_)) => Err(Why::CountNeeded(*count)),
        (Level::Irreversible { count, .. }, Consent::Count(typed)) => {
            same_count(typed, *count).and(Err(Why::AccountNeeded))
        }
        (
            Level::Irreversible { count, account_last4 },
            Consent::CountAndAccount { count: typed, account_last4: last4 },
        ) => {
            same_count(typed, *count)?;
            same_account(last4, account_last4)
        }
    }
}

/// An account that is not known cannot be named, so nothing that asks for it is done in it.
fn same_account(typed: &str, wanted: &str) -> Result<(), Why> {
    match typed.trim() {
        "" => Err(Why::AccountNeeded),
        last4 if wanted.len() == 4 && last4 == wanted => Ok(()),
        last4 => Err(Why::WrongAccount(last4.to_owned())),
    }
}

/// `1000` and `1,000` are both a thousand; nothing else is.
fn same_count(typed: &str, wanted: u64) -> Result<(), Why> {
    let plain: String = typed.trim().chars().filter(|c| *c != ',').collect();
    if plain.is_empty() {
        return Err(Why::CountNeeded(wanted));
    }
    let same = plain.chars().all(|c| c.is_ascii_digit()) && plain.parse() == Ok(wanted);
    if same { Ok(()) } else { Err(Why::WrongCount { typed: typed.to_owned(), wanted }) }
}

/// A change that can be put back, or one message that was shown: enter, and in a protected context the
/// account, since there is nothing to count.
pub(in crate::operation) fn without_count(facts: &Facts) -> Level {
    match facts.protected {
        true => Level::Account { account_last4: facts.account_last4().to_owned() },
        false => Level::Button,
    }
}

impl Planned for ScanPlan {
    fn level(&self, facts: &Facts) -> Level {
        without_count(facts)
    }

    fn card(&self, facts: &Facts) -> Card {
        card::scan(self, facts)
    }

    fn from_plan(plan: Plan) -> Option<Self> {
        match plan {
            Plan::Scan(plan) => Some(plan),
            _ => None,
        }
    }
}

impl Planned for RedrivePlan {
    fn level(&self, facts: &Facts) -> Level {
        match self.ids.len() as u64 {
            0 | 1 if !facts.protected => Level::Button,
            many => Level::Count(many),
        }
    }

    fn card(&self, facts: &Facts) -> Card {
        card::redrive(self, facts)
    }

    fn from_plan(plan: Plan) -> Option<Self> {
        match plan {
            Plan::Redrive(plan) => Some(plan),
            _ => None,
        }
    }
}

impl Planned for MoveAllPlan {
    /// Always typed: it takes messages nobody has seen.
    fn level(&self, _: &Facts) -> Level {
        Level::Count(self.about)
    }

    fn card(&self, facts: &Facts) -> Card {
        card::move_all(self, facts)
    }

    fn from_plan(plan: Plan) -> Option<Self> {
        match plan {
            Plan::MoveAll(plan) => Some(plan),
            _ => None,
        }
    }
}

impl Planned for RetunePlan {
    /// Settings can be put back.
    fn level(&self, facts: &Facts) -> Level {
        without_count(facts)
    }

    fn card(&self, facts: &Facts) -> Card {
        card::retune(self, facts)
    }

    fn from_plan(plan: Plan) -> Option<Self> {
        match plan {
            Plan::Retune(plan) => Some(plan),
            _ => None,
        }
    }
}

impl Planned for TrialPlan {
    /// One message, that was shown.
    fn level(&self, facts: &Facts) -> Level {
        without_count(facts)
    }

    fn card(&self, facts: &Facts) -> Card {
        trial::card::trial(self, facts)
    }

    fn from_plan(plan: Plan) -> Option<Self> {
        match plan {
            Plan::Trial(plan) => Some(plan),
            _ => None,
        }
    }
}

impl Planned for RescuePlan {
    /// Records run again cannot be called back; many are typed.
    fn level(&self, facts: &Facts) -> Level {
        match self.ids.len() {
            1 => without_count(facts),
            many => Level::Count(many as u64),
        }
    }

    fn card(&self, facts: &Facts) -> Card {
        rescue::card::rescue(self, facts)
    }

    fn from_plan(plan: Plan) -> Option<Self> {
        match plan {
            Plan::Rescue(plan) => Some(plan),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_takes_exactly_what_it_asks_for() {
        let count = Level::Count(1_000);
        assert_eq!(judge(&Level::Button, &Consent::Enter), Ok(()));
        assert_eq!(judge(&count, &Consent::Enter), Err(Why::CountNeeded(1_000)));
        for typed in ["1000", "1,000", " 1000 "] {
            assert_eq!(judge(&count, &Consent::Count(typed.to_owned())), Ok(()), "{typed}");
        }
        for typed in ["999", "+1000", "1000.0", "y", "-1"] {
            assert!(matches!(judge(&count, &Consent::Count(typed.to_owned())), Err(Why::WrongCount { .. })), "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_undone_takes_the_account_as_well() {
        let level = Level::Irreversible { count: 3, account_last4: "9012".to_owned() };
        let both = |last4: &str| Consent::CountAndAccount { count: "3".to_owned(), account_last4: last4.to_owned() };
        assert_eq!(judge(&level, &Consent::Count("3".to_owned())), Err(Why::AccountNeeded));
        assert_eq!(judge(&level, &both("9013")), Err(Why::WrongAccount("9013".to_owned())));
        assert_eq!(judge(&level, &both("9012")), Ok(()));
        let unknown = Level::Irreversible { count: 3, account_last4: String::new() };
        assert!(judge(&unknown, &both("")).is_err(), "an unknown account is not confirmed by typing nothing");
    }

    #[test]
    fn in_a_protected_context_what_has_no_count_takes_the_account() {
        let facts = Facts { account: "123456789012".to_owned(), protected: true, ..Facts::default() };
        let level = without_count(&facts);
        assert_eq!(level, Level::Account { account_last4: "9012".to_owned() });
        let typed = |text: &str| judge(&level, &Consent::Account(text.to_owned()));
        assert_eq!(judge(&level, &Consent::Enter), Err(Why::AccountNeeded));
        assert_eq!(typed(""), Err(Why::AccountNeeded));
        assert_eq!(typed("9013"), Err(Why::WrongAccount("9013".to_owned())));
        assert_eq!(typed(" 9012"), Ok(()));
        let unknown = without_count(&Facts { protected: true, ..Facts::default() });
        assert!(judge(&unknown, &Consent::Account(String::new())).is_err());
        assert_eq!(without_count(&Facts::default()), Level::Button);
    }
}
