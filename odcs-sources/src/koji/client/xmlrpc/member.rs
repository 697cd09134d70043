//! The quick way through the members of a struct.
//!
//! Nearly all of a large listing is members as Python's marshaller writes them: a name, and a value that is plain text.
//! Such a member is recognised in the bytes that are in memory anyway, without looking at each tag as an event. What is
//! any different (references, comments, CDATA, attributes, nested values, a value without a type, the end of the
//! buffer) is left to the XML reader, which knows everything: this only ever skips what that would read in the same way.

use memchr::memchr3;

use super::reader::Kind;

/// A member with a plain value.
#[derive(Debug, PartialEq)]
pub(super) struct Member<'a> {
    pub(super) name: &'a [u8],
    pub(super) kind: Kind,
    pub(super) text: &'a [u8],
    /// Bytes up to the end of `</member>`.
    pub(super) length: usize,
}

/// Reads a member at the beginning of some bytes, white space before it included. None if it is not plain, or not whole.
pub(super) fn plain(bytes: &[u8]) -> Option<Member<'_>> {
    let rest = after(bytes, b"<member>")?;
    let rest = after(rest, b"<name>")?;
    let (name, rest) = text(rest)?;
    let rest = rest.strip_prefix(b"</name>")?;
    let rest = after(rest, b"<value>")?;
    let rest = rest.strip_prefix(b"<")?;
    let (kind, content, rest) = match *rest.first()? {
        b's' => typed(rest, b"string>", Kind::String)?,
        b'i' => match rest.get(1)? {
            b'n' => typed(rest, b"int>", Kind::Int)?,
            _ => typed(rest, b"i8>", Kind::Int)?,
        },
        b'n' => (Kind::Nil, &b""[..], rest.strip_prefix(b"nil/>")?),
        b'b' => typed(rest, b"boolean>", Kind::Bool)?,
        b'd' => typed(rest, b"double>", Kind::Double)?,
        _ => return None,
    };
    let rest = after(rest, b"</value>")?;
    let rest = after(rest, b"</member>")?;
    Some(Member {
        name,
        kind,
        text: content,
        length: bytes.len() - rest.len(),
    })
}

/// What comes after some markup, and white space before it.
fn after<'a>(bytes: &'a [u8], markup: &[u8]) -> Option<&'a [u8]> {
    let mut bytes = bytes;
    while let Some((b'\n' | b' ' | b'\t' | b'\r', rest)) = bytes.split_first() {
        bytes = rest;
    }
    bytes.strip_prefix(markup)
}

/// Text up to the next markup, if it means what it says.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr3(b'<', b'&', b'\r', bytes)?;
    let (text, rest) = bytes.split_at_checked(end)?;
    rest.starts_with(b"<").then_some((text, rest))
}

fn typed<'a>(bytes: &'a [u8], tag: &[u8], kind: Kind) -> Option<(Kind, &'a [u8], &'a [u8])> {
    let (text, rest) = text(bytes.strip_prefix(tag)?)?;
    let rest = rest.strip_prefix(b"</")?.strip_prefix(tag)?;
    Some((kind, text, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_members_are_recognised() {
        let xml = b"\n<member>\n<name>arch</name>\n<value><string>src</string></value>\n</member>\n<member>";
        let member = plain(xml).unwrap();
        assert_eq!(
            (member.name, member.kind, member.text),
            (&b"arch"[..], Kind::String, &b"src"[..])
        );
        assert_eq!(&xml[member.length..], b"\n<member>");
        let nil = plain(b"<member><name>a</name><value><nil/></value></member>").unwrap();
        assert_eq!((nil.kind, nil.text), (Kind::Nil, &b""[..]));
    }

    #[test]
    fn anything_else_is_left_alone() {
        for xml in [
            "",
            "<member>",
            "<member><name>a</name><value><string>b</string></value></member",
            "<member><name>a</name><value>b</value></member>",
            "<member><name>a</name><value><string>&amp;</string></value></member>",
            "<member><name>&amp;</name><value><string>b</string></value></member>",
            "<member><name>a</name><value><string>b\r</string></value></member>",
            "<member><name>a</name><value><string><![CDATA[b]]></string></value></member>",
            "<member><name>a</name><value><int>1</i8></value></member>",
            "<member><name>a</name><value><array><data></data></array></value></member>",
            "<member><name>a</name><value><string>b</string></value>x</member>",
            "<member ><name>a</name><value><string>b</string></value></member>",
            "x<member><name>a</name><value><string>b</string></value></member>",
        ] {
            assert_eq!(plain(xml.as_bytes()), None, "{xml}");
        }
    }
}
