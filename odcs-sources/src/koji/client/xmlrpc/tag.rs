//! The elements of XML-RPC.

use super::reader::Kind;

/// The elements of XML-RPC.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tag {
    MethodResponse,
    MethodCall,
    MethodName,
    Params,
    Param,
    Fault,
    Value,
    Array,
    Data,
    Struct,
    Member,
    Name,
    Plain(Kind),
}

impl Tag {
    pub(super) fn named(name: &str) -> Option<Self> {
        // Some write what is not in the first specification with a prefix of their own choice.
        let name = name.rsplit_once(':').map_or(name, |(_, local)| local);
        Some(match name {
            "value" => Self::Value,
            "string" => Self::Plain(Kind::String),
            "int" | "i4" | "i8" | "i2" | "i1" => Self::Plain(Kind::Int),
            "name" => Self::Name,
            "member" => Self::Member,
            "nil" => Self::Plain(Kind::Nil),
            "boolean" => Self::Plain(Kind::Bool),
            "double" => Self::Plain(Kind::Double),
            "struct" => Self::Struct,
            "array" => Self::Array,
            "data" => Self::Data,
            "dateTime.iso8601" => Self::Plain(Kind::DateTime),
            "base64" => Self::Plain(Kind::Base64),
            "param" => Self::Param,
            "params" => Self::Params,
            "fault" => Self::Fault,
            "methodResponse" => Self::MethodResponse,
            "methodCall" => Self::MethodCall,
            "methodName" => Self::MethodName,
            _ => return None,
        })
    }
}

impl Tag {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MethodResponse => "methodResponse",
            Self::MethodCall => "methodCall",
            Self::MethodName => "methodName",
            Self::Params => "params",
            Self::Param => "param",
            Self::Fault => "fault",
            Self::Value => "value",
            Self::Array => "array",
            Self::Data => "data",
            Self::Struct => "struct",
            Self::Member => "member",
            Self::Name => "name",
            Self::Plain(Kind::Nil) => "nil",
            Self::Plain(Kind::Bool) => "boolean",
            Self::Plain(Kind::Int) => "int",
            Self::Plain(Kind::Double) => "double",
            Self::Plain(Kind::String) => "string",
            Self::Plain(Kind::DateTime) => "dateTime.iso8601",
            Self::Plain(Kind::Base64) => "base64",
        }
    }
}
