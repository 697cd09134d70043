//! Arguments, and what Python says about those that do not fit.

use std::collections::BTreeMap;

use super::Fault;
use crate::Value;

/// What a method takes.
#[derive(Clone, Copy)]
pub(super) struct Signature {
    /// As Python calls it.
    name: &'static str,
    params: &'static [&'static str],
    required: usize,
    /// Those that cannot be given by position.
    by_name: &'static [&'static str],
    /// Whether Python counts `self` among what was given.
    has_self: bool,
}

/// A method of the hub's object of methods.
pub(super) const fn method(
    name: &'static str,
    required: usize,
    params: &'static [&'static str],
) -> Signature {
    Signature {
        name,
        params,
        required,
        by_name: &[],
        has_self: true,
    }
}

/// A plain function.
pub(super) const fn plain(name: &'static str, required: usize, params: &'static [&'static str]) -> Signature {
    Signature {
        has_self: false,
        ..method(name, required, params)
    }
}

impl Signature {
    pub(super) const fn and_by_name(self, by_name: &'static [&'static str]) -> Self {
        Self { by_name, ..self }
    }

    fn shown(&self) -> String {
        match self.has_self {
            true => format!("RootExports.{}()", self.name),
            false => format!("{}()", self.name),
        }
    }

    /// Gives each argument its name. A struct with `__starstar` at the end has arguments by name.
    pub(super) fn bind(&self, params: &[Value]) -> Result<Args, Fault> {
        let (positional, named) = match params.split_last() {
            Some((Value::Struct(members), rest))
                if members
                    .iter()
                    .any(|(name, value)| name == "__starstar" && value.is_truthy()) =>
            {
                (rest, members.as_slice())
            }
            _ => (params, [].as_slice()),
        };
        let mut args = BTreeMap::new();
        for (name, value) in self.params.iter().zip(positional) {
            args.insert(*name, value.clone());
        }
        for (name, value) in named.iter().filter(|(name, _)| name != "__starstar") {
            let known = self
                .params
                .iter()
                .chain(self.by_name)
                .find(|known| *known == name);
            let Some(known) = known else {
                let what = format!("{} got an unexpected keyword argument '{name}'", self.shown());
                return Err(Fault::parameter(what));
            };
            if args.insert(known, value.clone()).is_some() {
                let what = format!("{} got multiple values for argument '{name}'", self.shown());
                return Err(Fault::parameter(what));
            }
        }
        self.check(positional.len(), &args)?;
        Ok(Args(args))
    }

    fn check(&self, given: usize, args: &BTreeMap<&'static str, Value>) -> Result<(), Fault> {
        let itself = usize::from(self.has_self);
        if given > self.params.len() {
            let (least, most) = (self.required + itself, self.params.len() + itself);
            let takes = match least == most {
                true => format!("{most} positional argument{}", if most == 1 { "" } else { "s" }),
                false => format!("from {least} to {most} positional arguments"),
            };
            let what = format!("{} takes {takes} but {} were given", self.shown(), given + itself);
            return Err(Fault::parameter(what));
        }
        let missing: Vec<_> = self
            .params
            .iter()
            .take(self.required)
            .filter(|name| !args.contains_key(**name))
            .map(|name| format!("'{name}'"))
            .collect();
        match missing.as_slice() {
            [] => Ok(()),
            [one] => Err(Fault::parameter(format!(
                "{} missing 1 required positional argument: {one}",
                self.shown()
            ))),
            several => Err(Fault::parameter(format!(
                "{} missing {} required positional arguments: {}",
                self.shown(),
                several.len(),
                several.join(" and ")
            ))),
        }
    }
}

/// Arguments by their names.
pub(super) struct Args(BTreeMap<&'static str, Value>);

impl Args {
    /// An argument; nil if it was not given.
    pub(super) fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Nil)
    }

    /// Whether it was given and is true, or else the default of the method.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.0.get(name).map_or(default, Value::is_truthy)
    }

    /// The event at which rows are looked at; none is now.
    pub(super) fn event(&self) -> Result<Option<i64>, Fault> {
        match self.get("event") {
            Value::Nil => Ok(None),
            Value::Int(event) => Ok(Some(*event)),
            other => Err(Fault::generic(format!("Invalid event: {}", other.repr()))),
        }
    }

    /// The options of a query: order, offset and limit, or only how many rows there are.
    pub(super) fn with_options(&self, mut rows: Vec<Value>) -> Value {
        let options = self.get("queryOpts");
        if options.get("countOnly").is_some_and(Value::is_truthy) {
            return Value::Int(i64::try_from(rows.len()).unwrap());
        }
        if let Some(order) = options.get("order").and_then(Value::as_str) {
            let (column, is_reversed) = order
                .strip_prefix('-')
                .map_or((order, false), |column| (column, true));
            let key = |row: &Value| match row.get(column) {
                Some(Value::Int(number)) => (*number, String::new()),
                Some(Value::Str(text)) => (0, text.clone()),
                _ => (0, String::new()),
            };
            rows.sort_by_key(key);
            if is_reversed {
                rows.reverse();
            }
        }
        let number = |name| {
            let number = options.get(name).and_then(Value::as_int);
            number.and_then(|number| usize::try_from(number).ok())
        };
        let rows = rows.into_iter().skip(number("offset").unwrap_or(0));
        Value::Array(rows.take(number("limit").unwrap_or(usize::MAX)).collect())
    }
}
