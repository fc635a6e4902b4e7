//! The ratios as a picture: a row for each cell, a dot for each server, on a logarithmic scale. To the right of the
//! line a message costs more than here.

use std::fmt::Write;

use crate::cells::{Cell, Kind};
use crate::peers::{Peer, US};
use crate::report::ratio;
use crate::run::Results;

pub(crate) fn ratios(cells: &[Cell], peers: &[Peer], results: &Results) -> String {
    let rows: Vec<&Cell> = cells
        .iter()
        .filter(|cell| cell.kind != Kind::Idle)
        .collect();
    let others: Vec<&Peer> = peers.iter().filter(|peer| peer.name != US).collect();
    let bottom = TOP + ROW * rows.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"22\" font-size=\"15\">Processor time per message, as a multiple of enchufe's</text>\n",
        height = bottom + 40.0,
    );
    for (index, peer) in others.iter().enumerate() {
        let x = 12.0 + 128.0 * index as f64;
        let _ = writeln!(
            svg,
            "<circle cx=\"{x}\" cy=\"42\" r=\"5\" fill=\"{}\"/><text x=\"{}\" y=\"46\">{}</text>",
            color(index),
            x + 9.0,
            escape(&peer.name)
        );
    }
    for mark in MARKS {
        let x = place(mark);
        let stroke = if mark == 1.0 { "#333" } else { "#ddd" };
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"{stroke}\"/>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{mark}</text>",
            bottom + 18.0
        );
    }
    for (row, cell) in rows.iter().enumerate() {
        let y = TOP + ROW * (row as f64 + 0.5);
        let _ = writeln!(
            svg,
            "<text x=\"12\" y=\"{:.1}\">{}</text>",
            y + 4.0,
            escape(&cell.title)
        );
        for (index, peer) in others.iter().enumerate() {
            if let Some(ratio) = ratio(cell, &peer.name, results) {
                let _ = writeln!(
                    svg,
                    "<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{}\" fill-opacity=\"0.85\">\
                     <title>{} {ratio:.2}</title></circle>",
                    place(ratio),
                    color(index),
                    escape(&peer.name)
                );
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where a ratio lies from left to right.
fn place(ratio: f64) -> f64 {
    let (least, most) = (MARKS[0], MARKS[MARKS.len() - 1]);
    let share = (ratio.clamp(least, most) / least).ln() / (most / least).ln();
    LEFT + share * (WIDTH - LEFT - 30.0)
}

fn color(index: usize) -> &'static str {
    COLORS[index % COLORS.len()]
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

const WIDTH: f64 = 920.0;
const LEFT: f64 = 400.0;
const TOP: f64 = 64.0;
const ROW: f64 = 24.0;
const MARKS: [f64; 8] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
const COLORS: [&str; 8] = [
    "#c0392b", "#2471a3", "#1e8449", "#7f8c8d", "#b7950b", "#6c3483", "#d35400", "#17202a",
];
