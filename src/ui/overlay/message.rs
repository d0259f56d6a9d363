//! One message at full size.

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::overlay::MessageView;
use crate::ui::overlay::sheet;
use crate::ui::widget::ink::Ink;
use crate::ui::widget::letter::{self, Letter};
use crate::ui::widget::pane::Frame;

pub fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console, view: &MessageView) -> usize {
    let snapshot = console.snapshots.get(&view.queue);
    // The one under the cursor is nearly always meant; finding another walks the list.
    let current = snapshot.and_then(|snapshot| snapshot.current()).filter(|message| message.id == view.id);
    let message = snapshot.and_then(|snapshot| match current {
        Some(current) if !snapshot.is_whole(&view.id) => Some(current),
        _ => snapshot.whole(&view.id),
    });
    let title = format!("Message {} of {}", view.id, view.queue);
    let Some(message) = message else {
        let inside = sheet(ink, area, (area.width, 3), &Frame::new(title, ink));
        ink.text(inside.x, inside.y, inside.width, "no longer in the snapshot", ink.theme.plain());
        return 0;
    };
    let bytes = snapshot.map_or(0, |snapshot| snapshot.size_bytes(message));
    let frame = letter::noted(Frame::new(title, ink), bytes, console.redaction_note().as_deref());
    let inside = sheet(ink, area, (area.width, area.height), &frame);
    let kind = snapshot
        .filter(|_| current.is_some())
        .and_then(|snapshot| snapshot.shown_kind(snapshot.row()))
        .map(|row| (row.label.clone(), row.kind.not_redrivable()));
    let queue = console.picture.queues.get(&view.queue).map(|seen| &seen.value);
    let more = snapshot.is_some_and(|snapshot| snapshot.is_on_disk(&view.id));
    let redaction = console.redaction();
    let scroll = view.scroll;
    let line = console.deaths.get(&view.queue).and_then(|deaths| deaths.exact(&view.id));
    letter::draw(ink, inside, &Letter { message, kind, queue, now: console.now, redaction, scroll, more, line })
}
