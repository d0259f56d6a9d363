//! The preflight card: shown, answered, accepted. The only place where a plan becomes confirmed.

use crate::console::Console;
use crate::console::effect::Effect;
use crate::console::key::{Code, Key, Line};
use crate::console::overlay::{Card, CardFocus, Overlay, Planned, TuneForm};
use crate::console::running::About;
use crate::console::update::{arm, edit, operations, redrive};
use crate::operation::Undertaking;
use crate::operation::card::Facts;
use crate::operation::confirm::{Confirmed, Consent, Level, Preflight, Why};

/// Lines that a page key moves a card by.
const PAGE: usize = 10;

/// What every card says about where it acts.
pub(super) fn facts(console: &Console, subject: String) -> Facts {
    let identity = console.picture.identity.as_ref().map(|identity| identity.value.clone()).unwrap_or_default();
    Facts {
        account: identity.account,
        alias: identity.alias,
        region: identity.region,
        profile: console.options.profile.clone(),
        endpoint_url: console.options.endpoint_url.clone(),
        subject,
        protected: console.options.context.protected,
        ..Facts::default()
    }
}

pub(super) fn show(console: &mut Console, planned: Planned, form: Option<TuneForm>) {
    let focus = first_focus(planned.level());
    // Nothing old may lie over what has to be read now.
    console.toasts.clear();
    console.overlays.push(Overlay::Card(Card {
        planned,
        focus,
        count: Line::default(),
        account_last4: Line::default(),
        wrong: None,
        shown_at: console.mono,
        scroll: 0,
        form,
    }));
}

pub(super) fn key(console: &mut Console, key: Key) -> Vec<Effect> {
    let mono = console.mono;
    let Some(Overlay::Card(card)) = console.overlays.last_mut() else { return Vec::new() };
    if !card.listens(mono) {
        return Vec::new();
    }
    match key.code {
        Code::Esc => close(console),
        Code::Enter if card.focus == CardFocus::Leave => close(console),
        Code::Enter => return accept(console),
        Code::Char('Y') => return vec![Effect::Copy(card.planned.card().cli.join("\n"))],
        Code::Char('L') => redrive::switch_ladder(console),
        Code::Tab | Code::Right => card.focus = next(card, true),
        Code::BackTab | Code::Left => card.focus = next(card, false),
        Code::Down => card.scroll = card.scroll.saturating_add(1),
        Code::Up => card.scroll = card.scroll.saturating_sub(1),
        Code::PageDown => card.scroll = card.scroll.saturating_add(PAGE),
        Code::PageUp => card.scroll = card.scroll.saturating_sub(PAGE),
        _ => {
            let digits = key.typed().is_none_or(|c| c.is_ascii_digit() || c == ',');
            match card.focus {
                CardFocus::Count if digits => drop(card.count.edit(key)),
                CardFocus::Account if digits => drop(card.account_last4.edit(key)),
                _ => {}
            }
        }
    }
    Vec::new()
}

fn stops(level: &Level) -> &'static [CardFocus] {
    match level {
        Level::Button => &[CardFocus::Go, CardFocus::Leave],
        Level::Account { .. } => &[CardFocus::Account, CardFocus::Go, CardFocus::Leave],
        Level::Count(_) => &[CardFocus::Count, CardFocus::Go, CardFocus::Leave],
        Level::Irreversible { .. } => &[CardFocus::Count, CardFocus::Account, CardFocus::Go, CardFocus::Leave],
    }
}

fn first_focus(level: &Level) -> CardFocus {
    stops(level).first().copied().unwrap_or(CardFocus::Leave)
}

fn next(card: &Card, forward: bool) -> CardFocus {
    let stops = stops(card.planned.level());
    let at = stops.iter().position(|stop| *stop == card.focus).unwrap_or(0);
    let step = if forward { 1 } else { stops.len() - 1 };
    stops.get((at + step) % stops.len()).copied().unwrap_or(CardFocus::Leave)
}

fn close(console: &mut Console) {
    if let Some(Overlay::Card(Card { form: Some(form), .. })) = console.overlays.pop() {
        console.overlays.push(Overlay::Tune(form));
    }
}

fn accept(console: &mut Console) -> Vec<Effect> {
    // The hour may have run out while the card was open.
    if !arm::allows(console, "this") {
        return Vec::new();
    }
    let Some(Overlay::Card(card)) = console.overlays.pop() else { return Vec::new() };
    let title = card.planned.card().title.clone();
    let consent = match card.planned.level() {
        Level::Button => Consent::Enter,
        Level::Account { .. } => Consent::Account(card.account_last4.text().to_owned()),
        Level::Count(_) => Consent::Count(card.count.text().to_owned()),
        Level::Irreversible { .. } => Consent::CountAndAccount {
            count: card.count.text().to_owned(),
            account_last4: card.account_last4.text().to_owned(),
        },
    };
    let Card { planned, .. } = card;
    match confirm(planned, &consent) {
        Ok((undertaking, about)) => {
            edit::close(console);
            operations::start(console, undertaking, about, title)
        }
        Err(refused) => {
            let (planned, why) = *refused;
            let focus = match why {
                Why::CountNeeded(_) | Why::WrongCount { .. } => CardFocus::Count,
                Why::AccountNeeded | Why::WrongAccount(_) => CardFocus::Account,
            };
            let form = card.form;
            // A wrong answer is not a beginning of the right one.
            let keep = |line: Line, field| if focus == field { Line::default() } else { line };
            console.overlays.push(Overlay::Card(Card {
                planned,
                focus,
                count: keep(card.count, CardFocus::Count),
                account_last4: keep(card.account_last4, CardFocus::Account),
                wrong: Some(why.to_string()),
                shown_at: card.shown_at,
                scroll: card.scroll,
                form,
            }));
            Vec::new()
        }
    }
}

type Yes = (Undertaking, About);

fn confirm(planned: Planned, consent: &Consent) -> Result<Yes, Box<(Planned, Why)>> {
    match planned {
        Planned::Scan(preflight) => {
            let about = About::Scan(preflight.plan().queue.name());
            answered(preflight, consent, Planned::Scan).map(|plan| (Undertaking::Scan(plan), about))
        }
        Planned::Redrive(preflight) => {
            let plan = preflight.plan();
            let about = About::Redrive { queue: plan.from.name(), ids: plan.ids.clone() };
            answered(preflight, consent, Planned::Redrive).map(|plan| (Undertaking::Redrive(plan), about))
        }
        Planned::Edited(preflight, bodies) => {
            let plan = preflight.plan();
            let about = About::Redrive { queue: plan.from.name(), ids: plan.ids.clone() };
            match preflight.accept(consent) {
                Ok(plan) => Ok((Undertaking::Edited(Box::new(plan), bodies), about)),
                Err((preflight, why)) => Err(Box::new((Planned::Edited(preflight, bodies), why))),
            }
        }
        Planned::MoveAll(preflight) => {
            let about = About::MoveAll(preflight.plan().from.name());
            answered(preflight, consent, Planned::MoveAll).map(|plan| (Undertaking::MoveAll(plan), about))
        }
        Planned::Trial(preflight) => {
            let about = About::Trial { queue: preflight.plan().from.name(), id: preflight.plan().id.clone() };
            answered(preflight, consent, Planned::Trial).map(|plan| (Undertaking::Trial(plan), about))
        }
        Planned::Rescue(preflight) => {
            let plan = preflight.plan();
            let about = About::Rescue { queue: plan.from.name(), ids: plan.ids.clone() };
            answered(preflight, consent, Planned::Rescue).map(|plan| (Undertaking::Rescue(plan), about))
        }
        Planned::TryEdited(preflight, body) => {
            let about = About::Trial { queue: preflight.plan().from.name(), id: preflight.plan().id.clone() };
            match preflight.accept(consent) {
                Ok(plan) => Ok((Undertaking::TryEdited(Box::new(plan), body), about)),
                Err((preflight, why)) => Err(Box::new((Planned::TryEdited(preflight, body), why))),
            }
        }
        Planned::Drop(preflight) => {
            let plan = preflight.plan();
            let about = About::Drop { queue: plan.from.name(), ids: plan.ids.clone() };
            answered(preflight, consent, Planned::Drop).map(|plan| (Undertaking::Drop(plan), about))
        }
        Planned::Resume(preflight) => {
            let about = About::resumed(&preflight.plan().record.plan);
            answered(preflight, consent, Planned::Resume).map(|plan| (Undertaking::Resume(plan), about))
        }
        Planned::Retune(preflight) => {
            let about = About::Retune(Box::new(preflight.plan().clone()));
            answered(preflight, consent, Planned::Retune).map(|plan| (Undertaking::Retune(plan), about))
        }
    }
}

fn answered<T>(
    preflight: Preflight<T>,
    consent: &Consent,
    back: impl FnOnce(Preflight<T>) -> Planned,
) -> Result<Confirmed<T>, Box<(Planned, Why)>> {
    preflight.accept(consent).map_err(|(preflight, why)| Box::new((back(preflight), why)))
}

/// A plan that needs no card of its own: a scan in the sandbox, where looking harms nothing real.
pub(super) fn without_card(planned: Planned) -> Option<Yes> {
    confirm(planned, &Consent::Enter).ok()
}
