//! What is written is read, and nothing that is read does harm.

use std::io::BufReader;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;
use crate::koji::client::RpmListing;
use crate::koji::client::fault::Fault;

fn read(xml: &str) -> Result<Value, ReadError> {
    read_answer(&mut Reader::new(xml.as_bytes(), Limits::default()))
}

fn answer(value: &str) -> Result<Value, ReadError> {
    read(&format!(
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n{value}\n</param>\n</params>\n</methodResponse>\n"
    ))
}

#[test]
fn values_are_read_in_all_their_forms() {
    let string = |text: &str| Value::from(text);
    for (xml, value) in [
        ("<value><int> -7 </int></value>", Value::Int(-7)),
        ("<value><i4>7</i4></value>", Value::Int(7)),
        ("<value><i8>5368709120</i8></value>", Value::Int(5_368_709_120)),
        ("<value><ex:i1 xmlns:ex='urn:x'>1</ex:i1></value>", Value::Int(1)),
        ("<value><ex:nil/></value>", Value::Nil),
        ("<value><nil></nil></value>", Value::Nil),
        ("<value><boolean>1</boolean></value>", Value::Bool(true)),
        (
            "<value><double>1795254115.5</double></value>",
            Value::Double(1_795_254_115.5),
        ),
        ("<value/>", string("")),
        ("<value></value>", string("")),
        ("<value> a </value>", string(" a ")),
        ("<value>a<!-- b -->c<?d e?>f</value>", string("acf")),
        ("<value>\n<string> a </string>\n</value>", string(" a ")),
        ("<value><string/></value>", string("")),
        (
            "<value><string>&lt;&#233;&#x1f600;&amp;&quot;</string></value>",
            string("<é😀&\""),
        ),
        (
            "<value><string>a<![CDATA[<b>&amp;]]>c</string></value>",
            string("a<b>&amp;c"),
        ),
        ("<value><string>a\r\nb</string></value>", string("a\nb")),
        (
            "<value><base64>\n  AAEC\n /w==</base64></value>",
            Value::Bytes(vec![0, 1, 2, 255]),
        ),
        (
            "<value><dateTime.iso8601>20260301T12:00:00</dateTime.iso8601></value>",
            Value::DateTime("20260301T12:00:00".into()),
        ),
        ("<value><array><data/></array></value>", Value::Array(Vec::new())),
        ("<value><struct/></value>", Value::Struct(Struct::default())),
        (
            "<value><struct><member><name/><value>x</value></member></struct></value>",
            [("", string("x"))].into_iter().collect::<Struct>().into(),
        ),
    ] {
        assert_eq!(answer(xml).unwrap(), value, "{xml}");
    }
}

#[test]
fn what_is_no_value_is_refused() {
    for xml in [
        "",
        "<value><int></int></value>",
        "<value><int>9223372036854775808</int></value>",
        "<value><int>1.5</int></value>",
        "<value><int><int>1</int></int></value>",
        "<value><boolean>true</boolean></value>",
        "<value><double>nan</double></value>",
        "<value><nil>x</nil></value>",
        "<value>x<int>1</int></value>",
        "<value><int>1</int>x</value>",
        "<value><int>1</int><int>2</int></value>",
        "<value><base64>*</base64></value>",
        "<value><string>&a;</string></value>",
        "<value><string>&#xd800;</string></value>",
        "<value><array></array></value>",
        "<value><array><data><int>1</int></data></array></value>",
        "<value><struct><member><value>x</value></member></struct></value>",
        "<value><struct><member><name>x</name></member></struct></value>",
        "<value><struct><member><name>x</name><value/><value/></member></struct></value>",
        "<value><struct>x</struct></value>",
        "<value><param/></value>",
        "<int>1</int>",
        "<value>1</value><value>2</value>",
    ] {
        let error = answer(xml).unwrap_err();
        assert!(matches!(error, ReadError::Malformed { .. }), "{xml}: {error:?}");
    }
    let shown = answer("<value><unknown>1</unknown></value>")
        .unwrap_err()
        .to_string();
    assert!(shown.contains("<unknown> is not of XML-RPC"), "{shown}");
}

#[test]
fn faults_are_read_whole() {
    let fault = "<methodResponse><fault><value><struct><member><name>faultString</name><value>a &lt;b&gt;</value></member>\
                 <member><name>faultCode</name><value><int>1014</int></value></member></struct></value></fault></methodResponse>";
    let Err(ReadError::Fault(found)) = read(fault) else {
        panic!("no fault");
    };
    assert_eq!(found, Fault::new(1014, "a <b>"));
    let cut = fault.strip_suffix("</methodResponse>").unwrap();
    assert!(matches!(read(cut), Err(ReadError::CutOff(_))));
}

#[test]
fn the_quick_way_reads_what_the_other_reads() {
    let row = |key: &str| {
        format!(
            "<value><struct>\n<member>\n<name>arch</name>\n<value><string>src</string></value>\n</member>\n<member>\n\
             <name>build_id</name>\n<value><int>2</int></value>\n</member>\n<member>\n<name>epoch</name>\n<value><nil/>\
             </value></member>\n<member>\n<name>id</name>\n<value><int>18</int></value>\n</member>\n<member>\n\
             <name>buildtime</name>\n<value><int>1772409600</int></value>\n</member>\n<member>\n<name>name</name>\n\
             <value><string>lab-&#110;oarch</string></value>\n</member>\n<member>\n<name>odd</name><value><array><data>\
             <value>1</value></data></array></value></member>\n<member>\n<name>release</name>\n<value><string>1</string>\
             </value>\n</member>\n<member>\n<name>sigkey</name>\n<value><string>{key}</string></value>\n</member>\n\
             <member>\n<name>size</name>\n<value><i8>5368709120</i8></value>\n</member>\n<member>\n<name>version</name>\n\
             <value><string>2.0</string></value>\n</member>\n</struct></value>\n"
        )
    };
    let build = "<value><struct><member><name>id</name><value><int>2</int></value></member><member><name>name</name><value>\
                 <string>lab-noarch</string></value></member><member><name>version</name><value><string>2.0</string></value>\
                 </member><member><name>release</name><value><string>1</string></value></member><member><name>volume_name\
                 </name><value>DEFAULT</value></member><member><name>state</name><value><int>1</int></value></member><member>\
                 <name>package_id</name><value><int>1</int></value></member><member><name>tag_id</name><value><int>1</int>\
                 </value></member><member><name>tag_name</name><value>x</value></member><member><name>create_event</name>\
                 <value><int>1</int></value></member></struct></value>";
    let xml = format!(
        "<methodResponse><params><param><value><array><data><value><array><data>\n{}{}{}</data></array></value><value><array>\
         <data>{build}</data></array></value></data></array></value></param></params></methodResponse>",
        row("f1290335"),
        row(""),
        row("94d22493")
    );
    let expected = RpmListing::read(xml.as_bytes(), Limits::default()).unwrap();
    assert_eq!(expected.rpms.len(), 1);
    let rpm = &expected.rpms[0];
    assert_eq!(
        (rpm.nevra.to_string().as_str(), rpm.size),
        ("lab-noarch-0:2.0-1.src", 5_368_709_120)
    );
    assert_eq!((rpm.signatures.keys.len(), rpm.signatures.unsigned), (2, true));
    // In pieces so small that nothing is in memory at once.
    for capacity in 1..200 {
        let pieces = BufReader::with_capacity(capacity, xml.as_bytes());
        assert_eq!(
            RpmListing::read(pieces, Limits::default()).unwrap(),
            expected,
            "{capacity}"
        );
    }
    // With something in each member that it does not know.
    let odd = xml.replace("<member>", "<member><!-- x -->");
    assert_eq!(
        RpmListing::read(odd.as_bytes(), Limits::default()).unwrap(),
        expected
    );
}

/// Strings that can be sent.
fn text() -> impl Strategy<Value = String> {
    "[\\t\\n\\r -\\x7f\u{a0}-\u{d7ff}\u{10000}-\u{10ffff}]{0,12}"
}

fn value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>()
            .prop_filter("a number", |double| double.is_finite())
            .prop_map(Value::Double),
        text().prop_map(|text| Value::String(text.into())),
        vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
        "[0-9]{8}T[0-9]{2}:[0-9]{2}:[0-9]{2}".prop_map(|text| Value::DateTime(text.into())),
    ];
    plain.prop_recursive(4, 40, 6, |inside| {
        prop_oneof![
            vec(inside.clone(), 0..6).prop_map(Value::Array),
            btree_map(text(), inside, 0..6)
                .prop_map(|members| members.into_iter().collect::<Struct>().into()),
        ]
    })
}

/// An answer with a value, as this would write it.
fn written(value: &Value) -> String {
    let call = String::from_utf8(encode_call(&Call::new("x").arg(value.clone())).unwrap()).unwrap();
    call.replace("methodCall>", "methodResponse>")
        .replace("<methodName>x</methodName>\n", "")
}

proptest! {
    #[test]
    fn what_is_written_is_read(args in vec(value(), 0..3), members in btree_map("[a-z_]{1,8}", value(), 0..3)) {
        let mut call = Call::new("getTag");
        call.args = args;
        call.keywords = members.into_iter().collect();
        let bytes = encode_call(&call).unwrap();
        let (method, params) = read_call(&mut Reader::new(&*bytes, Limits::default())).unwrap();
        prop_assert_eq!(method, "getTag");
        prop_assert_eq!(params, call.params());
    }

    #[test]
    fn in_pieces_it_is_the_same(value in value(), capacity in 1_usize..64) {
        let xml = written(&value);
        let pieces = BufReader::with_capacity(capacity, xml.as_bytes());
        prop_assert_eq!(read_answer(&mut Reader::new(pieces, Limits::default())).unwrap(), value);
    }

    #[test]
    fn what_is_cut_off_is_no_answer(value in value(), cut in any::<proptest::sample::Index>()) {
        let xml = written(&value);
        let mut end = cut.index(xml.trim_end().len());
        while !xml.is_char_boundary(end) {
            end -= 1;
        }
        let error = read(xml.get(..end).unwrap()).unwrap_err();
        prop_assert!(matches!(error, ReadError::CutOff(_)), "{:?}", error);
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = read_answer(&mut Reader::new(&*bytes, Limits::default()));
        let _ = RpmListing::read(&*bytes, Limits::default());
    }

    #[test]
    fn no_markup_is_a_panic(parts in vec(prop::sample::select(PARTS), 0..40)) {
        let xml = parts.concat();
        let _ = read(&xml);
        let _ = answer(&xml);
        let listing = format!("<methodResponse><params><param><value><array><data><value><array><data>{xml}");
        let _ = RpmListing::read(listing.as_bytes(), Limits::default());
        let _ = read_call(&mut Reader::new(xml.as_bytes(), Limits::default()));
    }
}

const PARTS: &[&str] = &[
    "<value>",
    "</value>",
    "<value/>",
    "<struct>",
    "</struct>",
    "<struct/>",
    "<member>",
    "</member>",
    "<name>",
    "</name>",
    "id",
    "sigkey",
    "<array>",
    "</array>",
    "<data>",
    "</data>",
    "<string>",
    "</string>",
    "<int>",
    "</int>",
    "7",
    "<nil/>",
    "&amp;",
    "&",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<!DOCTYPE x>",
    "<?x",
    "?>",
    "<",
    ">",
    "\n",
    "é",
    "<boolean>1</boolean>",
    "<member><name>id</name><value><int>7</int></value></member>",
    "<methodResponse>",
    "<params>",
    "<param>",
    "<fault>",
];
