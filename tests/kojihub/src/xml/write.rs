//! Writing calls and answers, laid out as the hub lays them out.

use crate::Value;

/// A call of a method.
pub fn call(method: &str, params: &[Value]) -> String {
    let mut xml = format!(
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>{}</methodName>\n<params>\n",
        escaped(method)
    );
    for param in params {
        xml.push_str("<param>\n");
        write(&mut xml, param);
        xml.push_str("</param>\n");
    }
    xml.push_str("</params>\n</methodCall>\n");
    xml
}

/// The answer of a call that went well.
pub fn response(value: &Value) -> String {
    let mut xml = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n".to_owned();
    write(&mut xml, value);
    xml.push_str("</param>\n</params>\n</methodResponse>\n");
    xml
}

/// The answer of a call that failed.
pub fn fault(code: i64, text: &str) -> String {
    let mut xml = "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n".to_owned();
    let members = [("faultCode", code.into()), ("faultString", text.into())];
    write(&mut xml, &crate::value::row(members));
    xml.push_str("</fault>\n</methodResponse>\n");
    xml
}

fn write(xml: &mut String, value: &Value) {
    xml.push_str("<value>");
    match value {
        Value::Nil => xml.push_str("<nil/>"),
        Value::Bool(value) => xml.push_str(&format!("<boolean>{}</boolean>", i32::from(*value))),
        Value::Int(number) => {
            let element = if i32::try_from(*number).is_ok() {
                "int"
            } else {
                "i8"
            };
            xml.push_str(&format!("<{element}>{number}</{element}>"));
        }
        Value::Double(number) => xml.push_str(&format!("<double>{number:?}</double>")),
        Value::Str(text) => xml.push_str(&format!("<string>{}</string>", escaped(text))),
        Value::Other(element, text) => xml.push_str(&format!("<{element}>{}</{element}>", escaped(text))),
        Value::Array(elements) => {
            xml.push_str("<array><data>\n");
            for element in elements {
                write(xml, element);
            }
            xml.push_str("</data></array>");
        }
        Value::Struct(members) => {
            xml.push_str("<struct>\n");
            for (name, value) in members {
                xml.push_str(&format!("<member>\n<name>{}</name>\n", escaped(name)));
                write(xml, value);
                xml.push_str("</member>\n");
            }
            xml.push_str("</struct>");
        }
    }
    xml.push_str("</value>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
