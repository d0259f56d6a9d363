//! One file a screen, each with one `draw`: console and rectangle in, cells out.

mod consumer;
mod consumers;
mod deaths;
mod journal;
mod logs;
mod map;
mod posture;
mod queues;
pub(in crate::ui) mod sandbox;
mod triage;
mod trouble;
mod vital;

use ratatui::layout::Rect;

use crate::console::Console;
use crate::console::screen::Screen;
use crate::ui::widget::ink::Ink;

pub(in crate::ui) fn draw(ink: &mut Ink<'_>, area: Rect, console: &Console) {
    match console.screen() {
        Screen::Map => map::draw(ink, area, console),
        Screen::Consumers => consumers::draw(ink, area, console),
        Screen::ConsumerDetail(id) => consumer::draw(ink, area, console, id),
        Screen::Queues => queues::draw(ink, area, console),
        Screen::Triage(queue) => triage::draw(ink, area, console, queue),
        Screen::Logs(function) => logs::draw(ink, area, console, function),
        Screen::Journal => journal::draw(ink, area, console),
        Screen::Posture => posture::draw(ink, area, console),
        Screen::Sandbox => sandbox::draw(ink, area, console),
    }
}
