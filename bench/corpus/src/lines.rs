//! What services write to their logs: messages with their variables filled in, in the service's style.

use std::fmt::Write;

use crate::dice::{Dice, mix};
use crate::services::Style;
use crate::trace::Visitor;

/// Appends `message` with what stands in braces filled in. Braces that name no variable stay.
pub fn fill(out: &mut String, message: &str, visitor: &Visitor, failed: bool, dice: &mut Dice) {
    let mut rest = message;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find('}').map_or(rest.len(), |end| end + 1);
        if variable(out, &rest[..end], visitor, failed, dice) {
            rest = &rest[end..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
}

fn variable(out: &mut String, name: &str, visitor: &Visitor, failed: bool, dice: &mut Dice) -> bool {
    // Writing to a string does not fail.
    let _ = match name {
        "{user}" => write!(out, "user-{:07}", visitor.user),
        "{order}" => write!(out, "ord-{}", order_token(visitor.order.unwrap_or_default())),
        "{sku}" => write!(out, "SKU-{:05}", dice.popular(30_000)),
        "{status}" => write!(out, "{}", if failed { 500 } else { 200 }),
        "{bytes}" => write!(out, "{}", dice.skewed(180, 90_000)),
        "{ms}" => write!(out, "{}", dice.skewed(1, 900)),
        "{n}" => write!(out, "{}", dice.skewed(1, 250)),
        "{ip}" => write!(out, "203.0.113.{}", dice.below(254) + 1),
        "{hex}" => write!(out, "{:016x}", dice.bits()),
        "{uuid}" => return uuid(out, dice),
        "{word}" => return word(out, dice),
        "{amount}" => write!(out, "{}.{:02}", dice.skewed(3, 900), dice.below(100)),
        _ => return false,
    };
    true
}

/// The part of an order's id that is like no other word: thirteen letters and digits.
pub fn order_token(order: u64) -> String {
    let mut number = mix(order ^ 0x6f72_6465_7200);
    (0..13)
        .map(|_| {
            let letter = b"0123456789abcdefghjkmnpqrstvwxyz"[(number % 32) as usize];
            number /= 32;
            char::from(letter)
        })
        .collect()
}

/// Appends a random UUID.
pub fn uuid(out: &mut String, dice: &mut Dice) -> bool {
    let (a, b) = (dice.bits(), dice.bits());
    let _ = write!(
        out,
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 48 & 0x3fff | 0x8000,
        b & 0xffff_ffff_ffff
    );
    true
}

#[rustfmt::skip]
const WORDS: [&str; 40] = [
    "camera", "lamp", "vintage", "garden", "winter", "silver", "leather", "bottle", "summer", "wooden", "travel", "coffee",
    "north", "berlin", "express", "premium", "family", "bicycle", "kitchen", "paper", "guitar", "sailing", "marble", "linen",
    "outlet", "harbour", "autumn", "copper", "standard", "weekend", "campus", "mountain", "studio", "classic", "modern", "pepper",
    "velvet", "market", "orchid", "timber",
];

const SYLLABLES: [&str; 24] = [
    "ba", "ke", "li", "mo", "ru", "ta", "ve", "zi", "do", "fa", "ge", "hu", "ja", "no", "pe", "ra", "si", "tu", "wa",
    "xe", "lan", "mer", "dor", "vin",
];

/// One of a few common words, or of a quarter of a million rare ones.
fn word(out: &mut String, dice: &mut Dice) -> bool {
    if dice.chance(0.85) {
        out.push_str(WORDS[dice.popular(WORDS.len() as u64) as usize]);
    } else {
        (0..4).for_each(|_| out.push_str(SYLLABLES[dice.below(SYLLABLES.len() as u64) as usize]));
    }
    true
}

/// What every service says now and then, whoever visits.
pub const CHATTER: [&str; 8] = [
    "Pause Young (Normal) (G1 Evacuation Pause) {n}M->{n}M(512M) {ms}.{n}ms",
    "consumer lag of partition {n} is {n} records",
    "connection pool: {n} idle, {n} in use, 0 waiting",
    "configuration generation {n} loaded from configmap/{word}, checksum {hex}",
    "health probe from {ip} answered in {ms} ms",
    "certificate of {word}.shop.svc is valid for {n} more days",
    "exported {n} metrics in {ms} ms",
    "upstream connect error or disconnect before headers, retried on {ip}: connection timeout",
];

/// Levels by severity number.
pub fn level(severity: u64) -> &'static str {
    match severity {
        17 => "ERROR",
        13 => "WARN",
        5 => "DEBUG",
        _ => "INFO",
    }
}

/// Appends `message` as a service of this style writes it. `Structured` is as `Plain` here.
pub fn dress(out: &mut String, style: Style, message: &str, severity: u64, at: u64, logger: &str, dice: &mut Dice) {
    let level = level(severity).to_ascii_lowercase();
    let _ = match style {
        Style::Plain | Style::Structured => {
            out.push_str(message);
            Ok(())
        }
        Style::Logfmt => write!(out, "level={level} caller={logger}:{} msg=\"{message}\"", dice.popular(300) + 20),
        Style::Json => write!(
            out,
            "{{\"severity\":\"{level}\",\"logger\":\"{logger}\",\"message\":\"{}\",\"goroutine\":{}}}",
            Escaped(message),
            dice.skewed(1, 4_000)
        ),
        Style::TimedJson => write!(
            out,
            "{{\"time\":{}.{:03},\"level\":\"{level}\",\"name\":\"{logger}\",\"pid\":1,\"msg\":\"{}\"}}",
            at / 1_000_000_000,
            at / 1_000_000 % 1_000,
            Escaped(message)
        ),
    };
}

/// Text inside a JSON string.
struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for piece in self.0.split_inclusive(['"', '\\', '\n', '\t']) {
            let cut = piece.len() - usize::from(piece.ends_with(['"', '\\', '\n', '\t']));
            f.write_str(&piece[..cut])?;
            f.write_str(match &piece[cut..] {
                "\"" => "\\\"",
                "\\" => "\\\\",
                "\n" => "\\n",
                "\t" => "\\t",
                _ => "",
            })?;
        }
        Ok(())
    }
}
