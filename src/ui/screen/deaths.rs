//! Beside the kinds of failure: what the consumer's log said meanwhile. Of the same time, and said so; no
//! more is claimed.

use crate::console::deaths::Deaths;
use crate::model::size::bytes;
use crate::ui::theme::Theme;
use crate::ui::widget::figure;
use crate::ui::widget::ink::Piece;
use crate::ui::widget::prose::Prose;

/// `key` opens the log.
pub fn told(theme: Theme, deaths: &Deaths, key: &str, prose: &mut Prose) {
    prose.blank();
    prose.text(0, &deaths.title(), theme.bold());
    let errors = match &deaths.read {
        None => return prose.text(0, "its log is being read", theme.dim()),
        Some(Err(why)) => return prose.text(0, why, theme.plain()),
        Some(Ok(errors)) => errors,
    };
    for cluster in errors.digest.clusters.iter().take(CLUSTERS) {
        let severity = cluster.trouble.severity();
        let sign = Piece::new(format!("{} ", severity.sign()), theme.severity(severity));
        let count = figure::count(cluster.count);
        prose.item(sign, &format!("{count} × {}: {}", cluster.trouble, cluster.signature), theme.plain());
    }
    let more = errors.digest.clusters.len().saturating_sub(CLUSTERS);
    match errors.digest.clusters.len() {
        0 => prose.text(0, "none was logged", theme.plain()),
        _ if more > 0 => prose.text(0, &format!("and {more} kinds more; {key} opens its log"), theme.dim()),
        _ => {}
    }
    let from = deaths.from.max(errors.complete_from);
    let exact = errors.exact.len() as u64;
    let named = match exact {
        0 => "same window; no line names one of these".to_owned(),
        _ => format!("same window; exact for {} of these, by id", figure::count(exact)),
    };
    let read = format!(
        "{named}. {}–{}, {} read in {}",
        from.clock(),
        deaths.to.clock(),
        bytes(errors.bytes),
        figure::plural(errors.requests.into(), "request", "requests"),
    );
    prose.text(0, &read, theme.dim());
}

/// Kinds of error shown; the logs' screen has the rest.
const CLUSTERS: usize = 3;
