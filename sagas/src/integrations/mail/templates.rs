//! The texts of our mails. In the HTML files every value is escaped; an unknown name is an error.

pub mod account;

use std::sync::LazyLock;

use domain::Money;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use url::Url;

use crate::integrations::{CallError, lira};

/// What goes into an `OutgoingMail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// A text that cannot be filled in is our mistake, and the same one next time.
#[derive(Debug, thiserror::Error)]
#[error("mail text: {0}")]
pub struct TemplateError(String);

impl From<TemplateError> for CallError {
    fn from(error: TemplateError) -> Self {
        Self::misconfigured(error.to_string())
    }
}

#[derive(Clone)]
pub struct OrderConfirmation {
    /// May be empty: then nobody is addressed by name.
    pub name: String,
    pub order_number: String,
    pub invoice_number: String,
    pub lines: Vec<OrderLine>,
    pub net: Money,
    pub vat: Money,
    /// What was paid, VAT included.
    pub gross: Money,
    pub order_link: Url,
}

#[derive(Clone)]
pub struct OrderLine {
    pub description: String,
    pub quantity: u32,
    pub gross: Money,
}

#[derive(Serialize)]
struct OrderView<'a> {
    name: &'a str,
    order_number: &'a str,
    invoice_number: &'a str,
    lines: Vec<OrderLineView<'a>>,
    net: String,
    vat: String,
    gross: String,
    order_link: &'a str,
}

#[derive(Serialize)]
struct OrderLineView<'a> {
    description: &'a str,
    quantity: u32,
    gross: String,
}

struct Files {
    text: &'static str,
    html: &'static str,
}

const ORDER: Files = Files { text: "order_confirmation.txt", html: "order_confirmation.html" };

static TEMPLATES: LazyLock<Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_trim_blocks(true);
    templates.set_lstrip_blocks(true);
    let files = [
        (account::VERIFICATION.text, include_str!("templates/email_verification.txt")),
        (account::VERIFICATION.html, include_str!("templates/email_verification.html")),
        (account::RESET.text, include_str!("templates/password_reset.txt")),
        (account::RESET.html, include_str!("templates/password_reset.html")),
        (account::NOTICE.text, include_str!("templates/account_notice.txt")),
        (account::NOTICE.html, include_str!("templates/account_notice.html")),
        (ORDER.text, include_str!("templates/order_confirmation.txt")),
        (ORDER.html, include_str!("templates/order_confirmation.html")),
    ];
    for (name, source) in files {
        templates.add_template(name, source)?;
    }
    Ok(templates)
});

pub fn order_confirmation(values: &OrderConfirmation) -> Result<Letter, TemplateError> {
    let lines = values.lines.iter().map(|each| OrderLineView {
        description: &each.description,
        quantity: each.quantity,
        gross: lira::written(each.gross),
    });
    let view = OrderView {
        name: values.name.trim(),
        order_number: &values.order_number,
        invoice_number: &values.invoice_number,
        lines: lines.collect(),
        net: lira::written(values.net),
        vat: lira::written(values.vat),
        gross: lira::written(values.gross),
        order_link: values.order_link.as_str(),
    };
    filled(&ORDER, format!("Siparişiniz alındı: {}", values.order_number), &view)
}

fn filled(files: &Files, subject: String, view: &impl Serialize) -> Result<Letter, TemplateError> {
    let templates = TEMPLATES.as_ref().map_err(|error| TemplateError(error.to_string()))?;
    let fill = |file: &str| {
        let filled = templates.get_template(file).and_then(|template| template.render(view));
        filled.map_err(|error| TemplateError(error.to_string()))
    };
    Ok(Letter { subject, text: fill(files.text)?, html: fill(files.html)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_lists_lines_and_totals() {
        let letter = order_confirmation(&OrderConfirmation {
            name: String::new(),
            order_number: "PC-2026-000123".to_owned(),
            invoice_number: "PKR2026000000045".to_owned(),
            lines: vec![
                OrderLine {
                    description: "Kılıf \"Kış\"".to_owned(),
                    quantity: 2,
                    gross: Money::lira(123_456),
                },
                OrderLine { description: "Kargo".to_owned(), quantity: 1, gross: Money::lira(4_990) },
            ],
            net: Money::lira(107_038),
            vat: Money::lira(21_408),
            gross: Money::lira(128_446),
            order_link: "https://polikrami.example/siparis/1".parse().unwrap(),
        })
        .unwrap();
        assert_eq!(letter.subject, "Siparişiniz alındı: PC-2026-000123");
        for form in [&letter.text, &letter.html] {
            for part in
                ["PC-2026-000123", "PKR2026000000045", "1.234,56 TL", "49,90 TL", "214,08 TL", "1.284,46 TL"]
            {
                assert!(form.contains(part), "{part} in {form}");
            }
        }
        assert!(letter.text.starts_with("Merhaba,\n"));
        assert!(letter.text.contains("2 × Kılıf \"Kış\""));
    }
}
