//! Turns a drawn screen into ASCII, for terminals and locales without more.

use ratatui::buffer::Buffer;

/// Replaces whatever is not ASCII; nothing else is left afterwards.
pub(super) fn translate(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if cell.symbol().is_ascii() {
            continue;
        }
        let plain = cell.symbol().chars().next().map_or(' ', plain);
        cell.set_char(plain);
    }
}

fn plain(symbol: char) -> char {
    match symbol {
        '─' | '–' => '-',
        '━' | '═' => '=',
        '│' | '║' => '|',
        '┃' | '█' | '┏' | '┓' | '┗' | '┛' | '╔' | '╗' | '╚' | '╝' => '#',
        '┌' | '┐' | '└' | '┘' | '✔' => '+',
        '▏' => ']',
        '▕' => '[',
        '▉' | '▊' | '▋' | '▌' => '=',
        '▍' | '▎' | '·' => '-',
        '▶' => '>',
        '●' | '•' => '*',
        '○' => 'o',
        '◦' => '.',
        '…' => '~',
        '✖' => 'x',
        '“' | '”' => '"',
        '‘' | '’' => '\'',
        '\u{a0}' => ' ',
        _ => '?',
    }
}
