//! A reader of JSON text that hands out one token after the other and builds nothing.

use std::borrow::Cow;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

impl Kind {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Kind::Object => "an object",
            Kind::Array => "an array",
            Kind::String => "a string",
            Kind::Number => "a number",
            Kind::Bool => "a boolean",
            Kind::Null => "null",
        }
    }
}

/// Where the text is not JSON, and what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) position: usize,
    pub(super) expected: &'static str,
}

type Result<T> = std::result::Result<T, SyntaxError>;

pub(super) struct Parser<'a> {
    text: &'a [u8],
    position: usize,
}

impl<'a> Parser<'a> {
    /// A parser of `text`, which may start with a byte order mark.
    pub(super) fn new(text: &'a [u8]) -> Parser<'a> {
        let position = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Parser { text, position }
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.white_space();
        self.position == self.text.len()
    }

    pub(super) fn error<T>(&self, expected: &'static str) -> Result<T> {
        Err(SyntaxError { position: self.position, expected })
    }

    /// The kind of the value that comes next.
    pub(super) fn peek(&mut self) -> Result<Kind> {
        self.white_space();
        match self.byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => self.error("a value"),
        }
    }

    /// Steps into an object or array, which [`Parser::peek`] told is next.
    pub(super) fn enter(&mut self) {
        self.position += 1;
    }

    /// The next key of the object entered; `is_first` is true for the first call, and set to false.
    pub(super) fn next_key(&mut self, is_first: &mut bool) -> Result<Option<Cow<'a, [u8]>>> {
        if !self.next_item(b'}', is_first)? {
            return Ok(None);
        }
        if self.byte() != Some(b'"') {
            return self.error("a key in quotes");
        }
        let key = self.string()?;
        self.white_space();
        if self.byte() != Some(b':') {
            return self.error("a colon");
        }
        self.position += 1;
        Ok(Some(key))
    }

    /// Whether there is another element of the array entered; `is_first` as in [`Parser::next_key`].
    pub(super) fn next_element(&mut self, is_first: &mut bool) -> Result<bool> {
        self.next_item(b']', is_first)
    }

    fn next_item(&mut self, close: u8, is_first: &mut bool) -> Result<bool> {
        self.white_space();
        let was_first = std::mem::replace(is_first, false);
        match self.byte() {
            Some(byte) if byte == close => {
                self.position += 1;
                return Ok(false);
            }
            Some(b',') if !was_first => self.position += 1,
            _ if was_first => return Ok(true),
            _ => return self.error(if close == b'}' { "a comma or }" } else { "a comma or ]" }),
        }
        self.white_space();
        match self.byte() {
            Some(b'}' | b']') | None => self.error("another item after the comma"),
            Some(_) => Ok(true),
        }
    }

    pub(super) fn null(&mut self) -> Result<()> {
        self.word(b"null")
    }

    pub(super) fn boolean(&mut self) -> Result<bool> {
        match self.byte() {
            Some(b't') => self.word(b"true").map(|()| true),
            _ => self.word(b"false").map(|()| false),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<()> {
        if !self.text[self.position..].starts_with(word) {
            return self.error("true, false or null");
        }
        self.position += word.len();
        Ok(())
    }

    /// The text of a number.
    pub(super) fn number(&mut self) -> Result<&'a str> {
        let start = self.position;
        if self.byte() == Some(b'-') {
            self.position += 1;
        }
        match self.byte() {
            Some(b'0') => self.position += 1,
            _ => self.digits()?,
        }
        if self.byte() == Some(b'.') {
            self.position += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.position += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.position += 1;
            }
            self.digits()?;
        }
        // Only ASCII was stepped over.
        std::str::from_utf8(&self.text[start..self.position]).or_else(|_| self.error("a number"))
    }

    fn digits(&mut self) -> Result<()> {
        let count = self.text[self.position..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return self.error("a digit");
        }
        self.position += count;
        Ok(())
    }

    /// The content of a string. Escapes are resolved, half of a surrogate pair becomes U+FFFD; bytes that are not UTF-8
    /// are left as they are, for the decoder to repair and report.
    pub(super) fn string(&mut self) -> Result<Cow<'a, [u8]>> {
        self.position += 1;
        let start = self.position;
        self.plain();
        let plain = &self.text[start..self.position];
        if self.byte() == Some(b'"') {
            self.position += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut content = plain.to_vec();
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(Cow::Owned(content));
                }
                Some(b'\\') => self.escape(&mut content)?,
                Some(_) => return self.error("no control character in a string"),
                None => return self.error("the end of a string"),
            }
            let start = self.position;
            self.plain();
            content.extend_from_slice(&self.text[start..self.position]);
        }
    }

    /// Steps over what stands for itself in a string.
    fn plain(&mut self) {
        let rest = &self.text[self.position..];
        let special = |&byte: &u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        self.position += rest.iter().position(special).unwrap_or(rest.len());
    }

    fn escape(&mut self, content: &mut Vec<u8>) -> Result<()> {
        self.position += 1;
        let plain = match self.byte() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.position += 1;
                let character = self.escaped_character()?;
                content.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return self.error("one of the escapes that JSON has"),
        };
        self.position += 1;
        content.push(plain);
        Ok(())
    }

    /// The character of the four digits after `\u`, and of the other half if that is half of a pair.
    fn escaped_character(&mut self) -> Result<char> {
        let first = self.hex4()?;
        if let Some(character) = char::from_u32(first) {
            return Ok(character);
        }
        if first < 0xdc00 && self.text[self.position..].starts_with(b"\\u") {
            let after_first = self.position;
            self.position += 2;
            let second = self.hex4()?;
            if (0xdc00..0xe000).contains(&second) {
                let character = char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
                return Ok(character.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.position = after_first;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32> {
        let digits = self.text.get(self.position..self.position + 4);
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let value = digits.and_then(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match value {
            Some(value) => {
                self.position += 4;
                Ok(value)
            }
            None => self.error("four hexadecimal digits"),
        }
    }

    /// Steps over a value of any shape and depth, with one bit of memory for each level.
    pub(super) fn skip(&mut self) -> Result<()> {
        let mut open = BitStack::default();
        loop {
            let mut is_first = false;
            match self.peek()? {
                kind @ (Kind::Object | Kind::Array) => {
                    self.enter();
                    open.push(kind == Kind::Object);
                    is_first = true;
                }
                Kind::String => drop(self.string()?),
                Kind::Number => drop(self.number()?),
                Kind::Bool => drop(self.boolean()?),
                Kind::Null => self.null()?,
            }
            // To the next value, closing what ends before it.
            loop {
                let Some(is_object) = open.top() else { return Ok(()) };
                let another = match is_object {
                    true => self.next_key(&mut is_first)?.is_some(),
                    false => self.next_element(&mut is_first)?,
                };
                if another {
                    break;
                }
                open.pop();
            }
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    fn white_space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.position += 1;
        }
    }
}

/// The objects (true) and arrays (false) that are open.
#[derive(Default)]
struct BitStack {
    words: Vec<u64>,
    len: usize,
}

impl BitStack {
    fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word = *word & !(1 << (self.len % 64)) | u64::from(bit) << (self.len % 64);
        }
        self.len += 1;
    }

    fn top(&self) -> Option<bool> {
        let index = self.len.checked_sub(1)?;
        Some(self.words[index / 64] >> (index % 64) & 1 == 1)
    }

    fn pop(&mut self) {
        self.len = self.len.saturating_sub(1);
        if self.len.is_multiple_of(64) {
            self.words.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skips(text: &[u8]) -> bool {
        let mut parser = Parser::new(text);
        parser.skip().is_ok() && parser.is_at_end()
    }

    #[test]
    fn exactly_json_is_accepted() {
        for text in [
            "{}",
            "[]",
            " [1, 2.5e-3 ,-0]\n",
            r#"{"a":{"b":[null,true,false,{}]},"c":"d"}"#,
            "0",
            "-1.0E+5",
            r#""""#,
            r#""\u00e9\ud83d\ude00\/\b""#,
            "\u{feff}[]",
        ] {
            assert!(skips(text.as_bytes()), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text.trim_start_matches('\u{feff}')).is_ok(), "{text}");
        }
        for text in [
            "",
            "{",
            "[",
            "]",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "[1 2]",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "nul",
            "truth",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"open",
            "[}",
            "{]",
            "[,1]",
            "{,}",
            "[] []",
            "-",
        ] {
            assert!(!skips(text.as_bytes()), "{text}");
            assert!(serde_json::from_str::<serde_json::Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn strings_are_unescaped() {
        let text = |json: &str| String::from_utf8(Parser::new(json.as_bytes()).string().expect("valid").into_owned());
        assert_eq!(text(r#""a\n\u0000\ud83d\ude00/\/""#), Ok("a\n\0\u{1F600}//".into()));
        assert_eq!(text(r#""\ud83d""#), Ok("\u{FFFD}".into()), "a lone high surrogate");
        assert_eq!(text(r#""\ude00x""#), Ok("\u{FFFD}x".into()), "a lone low surrogate");
        assert_eq!(text(r#""\ud83d\u0041""#), Ok("\u{FFFD}A".into()), "half a pair and a letter");
    }

    #[test]
    fn a_million_levels_are_skipped_without_recursion() {
        let mut text = b"[{\"a\":".repeat(1_000_000);
        text.push(b'1');
        text.extend(b"}]".repeat(1_000_000));
        assert!(skips(&text));
        text.pop();
        assert!(!skips(&text));
    }
}
