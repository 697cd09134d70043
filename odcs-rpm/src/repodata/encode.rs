//! Writing XML as text: what must be escaped, and how `createrepo_c` (that is, libxml2) escapes it.

/// A buffer of XML. It is made for speed: no tree, no allocation per element.
#[derive(Clone, Debug, Default)]
pub(crate) struct Xml {
    /// What has been written.
    pub(crate) bytes: Vec<u8>,
}

impl Xml {
    /// Writes markup as it is.
    #[inline]
    pub(crate) fn raw(&mut self, markup: &str) -> &mut Self {
        self.bytes.extend_from_slice(markup.as_bytes());
        self
    }

    /// Writes text between tags.
    #[inline]
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.escape::<false>(text)
    }

    /// Writes text between double quotes.
    #[inline]
    pub(crate) fn value(&mut self, text: &str) -> &mut Self {
        self.escape::<true>(text)
    }

    /// Writes a number.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        if number < 10 {
            // Nearly all epochs.
            self.bytes.push(digit(number));
            return self;
        }
        // Twenty digits is what a u64 can have.
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut left = number;
        for (index, place) in digits.iter_mut().enumerate().rev() {
            *place = digit(left % 10);
            start = index;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        self.bytes
            .extend_from_slice(digits.get(start..).unwrap_or_default());
        self
    }

    fn escape<const IS_VALUE: bool>(&mut self, text: &str) -> &mut Self {
        let clean = clean_length::<IS_VALUE>(text.as_bytes());
        if clean == text.len() {
            // Nearly all texts.
            return self.raw(text);
        }
        self.escape_from::<IS_VALUE>(text, clean)
    }

    /// The same for a text of which the first `clean` bytes are written as they are, and the next is not.
    fn escape_from<const IS_VALUE: bool>(&mut self, text: &str, clean: usize) -> &mut Self {
        let (mut rest, mut clean) = (text, clean);
        loop {
            let (before, from) = rest.split_at_checked(clean).unwrap_or((rest, ""));
            self.raw(before);
            let mut characters = from.chars();
            let Some(character) = characters.next() else {
                return self;
            };
            self.special::<IS_VALUE>(character);
            rest = characters.as_str();
            clean = clean_length::<IS_VALUE>(rest.as_bytes());
        }
    }

    fn special<const IS_VALUE: bool>(&mut self, character: char) {
        match character {
            '&' => self.raw("&amp;"),
            '<' => self.raw("&lt;"),
            '>' => self.raw("&gt;"),
            '"' => self.raw("&quot;"),
            '\t' => self.raw("&#9;"),
            '\n' => self.raw("&#10;"),
            '\r' => self.raw("&#13;"),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' if IS_VALUE => self.raw("&#xFFFD;"),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => self.raw("\u{fffd}"),
            // libxml2 writes what is not ASCII as it is in text, but by number in attributes.
            other if IS_VALUE => self.raw("&#x").hexadecimal(other.into()).raw(";"),
            other => self.raw(other.encode_utf8(&mut [0; 4])),
        };
    }

    /// Writes a number in capital hexadecimal digits, without zeros before it.
    fn hexadecimal(&mut self, number: u32) -> &mut Self {
        let digits = (number | 1).ilog2() / 4;
        for place in (0..=digits).rev() {
            let digit = char::from_digit(number >> (4 * place) & 15, 16).unwrap_or('0');
            self.raw(digit.to_ascii_uppercase().encode_utf8(&mut [0; 4]));
        }
        self
    }
}

fn digit(number: u64) -> u8 {
    b'0' + u8::try_from(number).unwrap_or(0)
}

/// Whether a byte of a text is, or begins, something that is not written as it is.
#[inline]
const fn is_special(byte: u8, is_value: bool) -> bool {
    // Without branches, so that many bytes are looked at at once.
    let always = (byte == b'&')
        | (byte == b'<')
        | (byte == b'>')
        | ((byte < b' ') & (byte != b'\t') & (byte != b'\n'))
        // It begins the two characters at the end of the basic plane that XML does not have.
        | (byte == 0xef);
    let in_values = (byte == b'"') | (byte == b'\t') | (byte == b'\n') | (byte >= 0x80);
    always | (is_value & in_values)
}

/// How many bytes from the beginning are written as they are.
#[inline]
fn clean_length<const IS_VALUE: bool>(bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<16>();
    let mut clean = 0;
    for chunk in chunks {
        if has_special::<IS_VALUE, 16>(chunk) {
            return clean + first_special::<IS_VALUE>(chunk);
        }
        clean += chunk.len();
    }
    // What was looked at is looked at again: that is quicker than byte by byte.
    let is_clean = match (
        bytes.last_chunk::<16>(),
        rest.first_chunk::<8>(),
        rest.last_chunk::<8>(),
    ) {
        (Some(last), ..) => !has_special::<IS_VALUE, 16>(last),
        (None, Some(first), Some(last)) => {
            !(has_special::<IS_VALUE, 8>(first) | has_special::<IS_VALUE, 8>(last))
        }
        _ => false,
    };
    if is_clean {
        bytes.len()
    } else {
        clean + first_special::<IS_VALUE>(rest)
    }
}

#[inline]
fn has_special<const IS_VALUE: bool, const LENGTH: usize>(bytes: &[u8; LENGTH]) -> bool {
    bytes
        .iter()
        .fold(false, |found, &byte| found | is_special(byte, IS_VALUE))
}

#[inline]
fn first_special<const IS_VALUE: bool>(bytes: &[u8]) -> usize {
    let found = bytes.iter().position(|&byte| is_special(byte, IS_VALUE));
    found.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Pull, Token};
    use super::*;
    use proptest::prelude::*;

    fn round_trip(text: &str) -> (String, String) {
        let mut xml = Xml::default();
        xml.raw("<a b=\"").value(text).raw("\">").text(text).raw("</a>");
        let mut pull = Pull::new(xml.bytes.as_slice(), Limits::default(), "a test");
        let (mut value, mut content) = (String::new(), String::new());
        loop {
            match pull.next().unwrap() {
                Token::Start(element) => value = element.attribute("b").unwrap().unwrap_or_default(),
                Token::End(end) => content = end.text.to_owned(),
                Token::Nothing => {}
                Token::Eof => return (value, content),
            }
        }
    }

    #[test]
    fn escapes_as_libxml2_does() {
        let mut xml = Xml::default();
        xml.text("ä <&>\"'\t\n\r\u{1}\u{fffe}")
            .raw("|")
            .value("ä <&>\"'\t\n\r\u{1}😀");
        assert_eq!(
            String::from_utf8(xml.bytes).unwrap(),
            "ä &lt;&amp;&gt;\"'\t\n&#13;\u{fffd}\u{fffd}|&#xE4; &lt;&amp;&gt;&quot;'&#9;&#10;&#13;&#xFFFD;&#x1F600;"
        );
        let mut xml = Xml::default();
        xml.value("\u{7f}\u{80}\u{fff}\u{1000}\u{fffd}\u{10ffff}");
        assert_eq!(
            xml.bytes,
            "\u{7f}&#x80;&#xFFF;&#x1000;&#xFFFD;&#x10FFFF;".as_bytes()
        );
        let mut xml = Xml::default();
        xml.number(0).raw(" ").number(u64::MAX).raw(" ").number(1024);
        assert_eq!(xml.bytes, b"0 18446744073709551615 1024");
    }

    proptest! {
        #[test]
        fn every_text_survives(text in any::<String>()) {
            let expected: String = text
                .chars()
                .map(|c| match c {
                    '\t' | '\n' | '\r' => c,
                    '\0'..' ' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
                    _ => c,
                })
                .collect();
            prop_assert_eq!(round_trip(&text), (expected.clone(), expected));
        }
    }
}
