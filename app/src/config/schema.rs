//! The form of a setting, and how a group of them is read: all that is wrong comes together.

use super::source::Source;
use super::value::Value;
use std::fmt;

/// One setting, as people see it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub name: &'static str,
    /// What it means; a sentence or two.
    pub what: &'static str,
    pub default: Default,
    /// What one may write.
    pub example: &'static str,
    /// Never printed.
    pub secret: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    Required,
    /// Nothing, and that is a value.
    Absent,
    Is(&'static str),
}

/// Settings that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    pub title: &'static str,
    pub settings: &'static [Setting],
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub name: String,
    /// Never the value of a secret.
    pub wrong: String,
    pub example: String,
}

impl Problem {
    pub fn of(setting: &Setting, wrong: impl Into<String>) -> Self {
        Self { name: setting.name.into(), wrong: wrong.into(), example: setting.example.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.wrong)?;
        if self.example.is_empty() {
            Ok(())
        } else {
            write!(f, "; for example {}={}", self.name, self.example)
        }
    }
}

/// Reads settings, and collects what is wrong with them.
pub struct Reader<'a> {
    source: &'a Source,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub fn new(source: &'a Source) -> Self {
        Self { source, problems: Vec::new() }
    }

    pub fn finish(self) -> Vec<Problem> {
        self.problems
    }

    pub fn required<T: Value>(&mut self, setting: &Setting) -> Option<T> {
        let given = self.source.get(setting.name);
        let text = match (given, setting.default) {
            (Some(text), _) => text,
            (None, Default::Is(text)) => text,
            (None, Default::Required | Default::Absent) => {
                self.problems.push(Problem::of(setting, "is not set"));
                setting.example
            }
        };
        self.parsed(setting, text)
    }

    /// `Some(None)` when it is not set.
    pub fn optional<T: Value>(&mut self, setting: &Setting) -> Option<Option<T>> {
        match self.source.get(setting.name) {
            None => Some(None),
            Some(text) => self.parsed(setting, text).map(Some),
        }
    }

    /// The example stands in for what cannot be used, so that the rest can be looked at as well.
    fn parsed<T: Value>(&mut self, setting: &Setting, text: &str) -> Option<T> {
        let wrong = match T::parse(text) {
            Ok(value) => return Some(value),
            Err(allowed) if setting.secret => format!("is not {allowed}"),
            Err(allowed) => format!("is `{text}`, which is not {allowed}"),
        };
        self.problems.push(Problem::of(setting, wrong));
        T::parse(setting.example).ok()
    }
}

/// A struct of settings, its schema and its reader, from one list.
///
/// An entry is `[secret] field: Type = NAME, default "text" | required | optional, example "text";` below its doc
/// comment, which becomes the setting's description. An optional one is an `Option<Type>`.
macro_rules! settings {
    (@secret secret) => { true };
    (@secret) => { false };
    (@default required) => { $crate::config::schema::Default::Required };
    (@default optional) => { $crate::config::schema::Default::Absent };
    (@default $text:literal) => { $crate::config::schema::Default::Is($text) };
    (@type optional $kind:ty) => { Option<$kind> };
    (@type required $kind:ty) => { $kind };
    (@type $text:literal $kind:ty) => { $kind };
    (@read optional $reader:ident $setting:expr) => { $reader.optional($setting) };
    (@read required $reader:ident $setting:expr) => { $reader.required($setting) };
    (@read $text:literal $reader:ident $setting:expr) => { $reader.required($setting) };
    (
        $(#[doc = $about:literal])+
        $group:ident, $title:literal;
        $($(#[doc = $what:literal])+ $([$secret:ident])? $field:ident: $kind:ty = $name:literal, $default:tt, $example:literal;)+
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        pub struct $group {
            $($(#[doc = $what])+ pub $field: settings!(@type $default $kind),)+
        }

        impl $group {
            pub const GROUP: $crate::config::schema::Group = $crate::config::schema::Group {
                title: $title,
                settings: &[$($crate::config::schema::Setting {
                    name: $name,
                    what: concat!($($what),+),
                    default: settings!(@default $default),
                    example: $example,
                    secret: settings!(@secret $($secret)?),
                }),+],
            };

            /// With the examples in place of what cannot be used; the reader knows which.
            pub fn read(reader: &mut $crate::config::schema::Reader<'_>) -> Option<Self> {
                let mut settings = Self::GROUP.settings.iter();
                $(let $field = { let setting = settings.next()?; settings!(@read $default reader setting) };)+
                Some(Self { $($field: $field?,)+ })
            }
        }
    };
}
pub(super) use settings;
