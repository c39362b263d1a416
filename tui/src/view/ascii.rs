//! Turns a drawn screen into ASCII, for terminals and locales without more.

use ratatui::buffer::Buffer;

use crate::ascii;

/// Replaces whatever is not ASCII; nothing else is left afterwards. Of a wide
/// character the second column is blank already.
pub(super) fn translate(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let plain = cell.symbol().chars().next().map_or(' ', ascii::character);
        cell.set_char(plain);
    }
}
