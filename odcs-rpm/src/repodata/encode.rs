//! Writing XML as text: what must be escaped, and how `createrepo_c` (that is, libxml2) escapes it.

/// A buffer of XML. It is made for speed: no tree, no allocation per element.
#[derive(Debug, Default)]
pub(crate) struct Xml {
    /// What has been written.
    pub(crate) bytes: Vec<u8>,
}

impl Xml {
    /// Writes markup as it is.
    pub(crate) fn raw(&mut self, markup: &str) -> &mut Self {
        self.bytes.extend_from_slice(markup.as_bytes());
        self
    }

    /// Writes text between tags.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.escape(text, false)
    }

    /// Writes text between double quotes.
    pub(crate) fn value(&mut self, text: &str) -> &mut Self {
        self.escape(text, true)
    }

    /// Writes a number.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        // Twenty digits is what a u64 can have.
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut left = number;
        for (index, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b"0123456789"
                .get(usize::try_from(left % 10).unwrap_or(0))
                .copied()
                .unwrap_or(b'0');
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

    fn escape(&mut self, text: &str, is_value: bool) -> &mut Self {
        // Everything that is written as it is goes in runs; nearly all texts are one run.
        let mut run = 0;
        let needs_care = |byte: &u8| match byte {
            b'&' | b'<' | b'>' | 0..=8 | 11..=31 => true,
            // It begins the two characters at the end of the basic plane that XML does not have.
            0xef => true,
            b'"' | b'\t' | b'\n' | 0x80.. => is_value,
            _ => false,
        };
        while let Some(rest) = text.get(run..) {
            let Some(length) = rest.bytes().position(|byte| needs_care(&byte)) else {
                return self.raw(rest);
            };
            let (before, from) = rest.split_at_checked(length).unwrap_or((rest, ""));
            self.raw(before);
            let Some(character) = from.chars().next() else {
                return self;
            };
            match character {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '"' => self.raw("&quot;"),
                '\t' => self.raw("&#9;"),
                '\n' => self.raw("&#10;"),
                '\r' => self.raw("&#13;"),
                '\0'..' ' | '\u{fffe}' | '\u{ffff}' if is_value => self.raw("&#xFFFD;"),
                '\0'..' ' | '\u{fffe}' | '\u{ffff}' => self.raw("\u{fffd}"),
                // libxml2 writes what is not ASCII as it is in text, but by number in attributes.
                other if is_value => self.raw(&format!("&#x{:X};", u32::from(other))),
                other => self.raw(other.encode_utf8(&mut [0; 4])),
            };
            run += length + character.len_utf8();
        }
        self
    }
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
