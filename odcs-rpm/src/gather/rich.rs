//! Rich dependencies: RPM's boolean expressions over dependencies.

use crate::dependency::{Comparison, Dependency, DependencyVersion};

/// How deep expressions may be nested. RPM's own parser recurses without a limit; packages of today
/// use three levels.
const MAX_DEPTH: usize = 32;

/// A rich dependency whose operands are `L`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Rich<L> {
    /// An ordinary dependency.
    Leaf(L),
    /// Every operand.
    And(Vec<Self>),
    /// At least one operand.
    Or(Vec<Self>),
    /// One package that is all operands at once.
    With(Vec<Self>),
    /// One package that is the first operand, but not the second.
    Without(Box<Self>, Box<Self>),
    /// `then` when the condition is met, else `otherwise`.
    If {
        condition: Box<Self>,
        then: Option<Box<Self>>,
        otherwise: Option<Box<Self>>,
    },
}

impl<L> Rich<L> {
    /// Whether what it asks for depends on what else is there.
    pub(crate) fn is_conditional(&self) -> bool {
        match self {
            Self::Leaf(_) => false,
            Self::And(parts) | Self::Or(parts) | Self::With(parts) => parts.iter().any(Self::is_conditional),
            Self::Without(left, right) => left.is_conditional() || right.is_conditional(),
            Self::If { .. } => true,
        }
    }

    /// The same expression over other operands.
    pub(crate) fn map<'a, M>(&'a self, leaf: &mut impl FnMut(&'a L) -> M) -> Rich<M> {
        let mut boxed = |part: &'a Self| Box::new(part.map(leaf));
        match self {
            Self::Without(left, right) => Rich::Without(boxed(left), boxed(right)),
            Self::If {
                condition,
                then,
                otherwise,
            } => Rich::If {
                condition: boxed(condition),
                then: then.as_deref().map(&mut boxed),
                otherwise: otherwise.as_deref().map(boxed),
            },
            Self::Leaf(own) => Rich::Leaf(leaf(own)),
            Self::And(parts) => Rich::And(parts.iter().map(|part| part.map(leaf)).collect()),
            Self::Or(parts) => Rich::Or(parts.iter().map(|part| part.map(leaf)).collect()),
            Self::With(parts) => Rich::With(parts.iter().map(|part| part.map(leaf)).collect()),
        }
    }
}

/// Reads an expression such as `(foo >= 1.0 if (bar or baz) else quux)`, by the grammar of
/// <https://rpm-software-management.github.io/rpm/manual/boolean_dependencies.html>. `None` if it is
/// malformed or nested too deeply.
///
/// `A unless B else C` reads as `C if B else A`, which is what it means.
pub(crate) fn parse(text: &str) -> Option<Rich<Dependency>> {
    let mut input = Input { rest: text };
    let parsed = input.group(0)?;
    input.skip_blank();
    input.rest.is_empty().then_some(parsed)
}

/// An operand behind a pointer.
type Operand = Box<Rich<Dependency>>;

struct Input<'a> {
    rest: &'a str,
}

impl<'a> Input<'a> {
    fn skip_blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_blank();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes the longest run of characters for which `accept` holds.
    fn take_while(&mut self, mut accept: impl FnMut(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !accept(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> &'a str {
        self.skip_blank();
        self.take_while(|c| c.is_ascii_lowercase())
    }

    /// What stands in one pair of parentheses.
    fn group(&mut self, depth: usize) -> Option<Rich<Dependency>> {
        if depth >= MAX_DEPTH || !self.take("(") {
            return None;
        }
        let first = self.operand(depth)?;
        if self.take(")") {
            return Some(first);
        }
        match self.word() {
            "and" => self.chain("and", first, depth).map(Rich::And),
            "or" => self.chain("or", first, depth).map(Rich::Or),
            "with" => self.chain("with", first, depth).map(Rich::With),
            "without" => {
                let second = self.operand(depth)?;
                self.take(")").then(|| Rich::Without(first.into(), second.into()))
            }
            "if" => self.condition(depth).map(|(condition, otherwise)| Rich::If {
                condition,
                then: Some(first.into()),
                otherwise,
            }),
            "unless" => self.condition(depth).map(|(condition, then)| Rich::If {
                condition,
                then,
                otherwise: Some(first.into()),
            }),
            _ => None,
        }
    }

    /// The other operands of a chain of one operator; operators cannot be mixed.
    fn chain(
        &mut self,
        operator: &str,
        first: Rich<Dependency>,
        depth: usize,
    ) -> Option<Vec<Rich<Dependency>>> {
        let mut parts = vec![first, self.operand(depth)?];
        while !self.take(")") {
            if self.word() != operator {
                return None;
            }
            parts.push(self.operand(depth)?);
        }
        Some(parts)
    }

    /// What follows `if` and `unless`.
    fn condition(&mut self, depth: usize) -> Option<(Operand, Option<Operand>)> {
        let condition = self.operand(depth)?.into();
        if self.take(")") {
            return Some((condition, None));
        }
        if self.word() != "else" {
            return None;
        }
        let alternative = self.operand(depth)?.into();
        self.take(")").then_some((condition, Some(alternative)))
    }

    fn operand(&mut self, depth: usize) -> Option<Rich<Dependency>> {
        self.skip_blank();
        if self.rest.starts_with('(') {
            return self.group(depth + 1);
        }
        let mut dependency = Dependency::unversioned(self.name()?);
        self.skip_blank();
        let comparison = match self.take_while(|c| matches!(c, '<' | '>' | '=')) {
            "" => None,
            "<" => Some(Comparison::Less),
            "<=" | "=<" => Some(Comparison::LessOrEqual),
            "=" | "==" => Some(Comparison::Equal),
            ">=" | "=>" => Some(Comparison::GreaterOrEqual),
            ">" => Some(Comparison::Greater),
            _ => return None,
        };
        if let Some(comparison) = comparison {
            self.skip_blank();
            let version = self.take_while(|c| !c.is_whitespace() && !matches!(c, '(' | ')'));
            if version.is_empty() {
                return None;
            }
            dependency.version = Some(DependencyVersion::parse(comparison, version));
        }
        Some(Rich::Leaf(dependency))
    }

    /// A name with its own parentheses, as in `libz.so.1()(64bit)`: ends before the first that is not
    /// its own.
    fn name(&mut self) -> Option<&'a str> {
        let mut open = 0usize;
        let name = self.take_while(|c| match c {
            '(' => {
                open += 1;
                true
            }
            ')' if open == 0 => false,
            ')' => {
                open -= 1;
                true
            }
            _ => !c.is_whitespace(),
        });
        (!name.is_empty() && open == 0).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn print(rich: &Rich<Dependency>) -> String {
        let join = |operator: &str, parts: &[Rich<Dependency>]| {
            format!("({})", parts.iter().map(print).collect::<Vec<_>>().join(operator))
        };
        match rich {
            Rich::Leaf(dependency) => dependency.to_string(),
            Rich::And(parts) => join(" and ", parts),
            Rich::Or(parts) => join(" or ", parts),
            Rich::With(parts) => join(" with ", parts),
            Rich::Without(left, right) => format!("({} without {})", print(left), print(right)),
            Rich::If {
                condition,
                then: Some(then),
                otherwise: None,
            } => format!("({} if {})", print(then), print(condition)),
            Rich::If {
                condition,
                then: Some(then),
                otherwise: Some(other),
            } => format!("({} if {} else {})", print(then), print(condition), print(other)),
            Rich::If {
                condition, otherwise, ..
            } => format!(
                "({} unless {})",
                otherwise.as_deref().map(print).unwrap_or_default(),
                print(condition)
            ),
        }
    }

    #[test]
    fn reads_what_packages_have() {
        for text in [
            "(a and b and c)",
            "(a or (b and c))",
            "(fonts(:lang=en) if xorg)",
            "(libz.so.1()(64bit) >= 1:2.0-3 with pkgconfig(zlib) < 3)",
            "(a without b)",
            "(a if b else c)",
            "(a unless b)",
            "((a if b) and (c if (d or e)))",
        ] {
            assert_eq!(print(&parse(text).unwrap()), text);
        }
        let (unless, swapped) = ("(a unless b else c)", "(c if b else a)");
        assert_eq!(parse(unless), parse(swapped));
        assert_eq!(print(&parse("( a >=  1  and\tb )").unwrap()), "(a >= 1 and b)");
        assert_eq!(parse("(a)").unwrap(), Rich::Leaf(Dependency::unversioned("a")));
    }

    #[test]
    fn refuses_what_rpm_refuses() {
        for text in [
            "",
            "a",
            "(",
            ")",
            "()",
            "(a and)",
            "(a and b",
            "(a and b))",
            "(a and b or c)",
            "(a xor b)",
            "(a if b if c)",
            "(a without b without c)",
            "(a >= and b)",
            "(a >> 1)",
            "(a b)",
            "(a( and b)",
            "(a else b)",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn nests_only_so_deep() {
        let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_some());
        assert!(parse(&nested(MAX_DEPTH + 1)).is_none());
        assert!(parse(&nested(1_000_000)).is_none());
        assert!(parse(&"(".repeat(1_000_000)).is_none());
    }

    fn expression() -> impl Strategy<Value = Rich<Dependency>> {
        let leaf = (
            "[a-z]{1,3}(\\([0-9a-z:]{0,3}\\)){0,2}",
            proptest::option::of("[0-9.]{1,4}"),
        )
            .prop_map(|(name, version)| {
                let mut dependency = Dependency::unversioned(name);
                dependency.version =
                    version.map(|text| DependencyVersion::parse(Comparison::GreaterOrEqual, &text));
                Rich::Leaf(dependency)
            });
        leaf.prop_recursive(4, 24, 3, |inner| {
            let parts = proptest::collection::vec(inner.clone(), 2..4);
            prop_oneof![
                parts.clone().prop_map(Rich::And),
                parts.clone().prop_map(Rich::Or),
                parts.prop_map(Rich::With),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| Rich::Without(a.into(), b.into())),
                (inner.clone(), inner.clone(), proptest::option::of(inner)).prop_map(|(a, b, c)| Rich::If {
                    condition: a.into(),
                    then: Some(b.into()),
                    otherwise: c.map(Into::into),
                }),
            ]
        })
        .prop_filter("a leaf alone is no rich dependency", |rich| {
            !matches!(rich, Rich::Leaf(_))
        })
    }

    proptest! {
        #[test]
        fn what_was_printed_reads_back(rich in expression()) {
            prop_assert_eq!(parse(&print(&rich)), Some(rich));
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\(?[a-c() <>=\u{e9}]{0,30}(and|or|if|with|unless)?[a-c() ]{0,10}") {
            let _ = parse(&text);
        }
    }
}
