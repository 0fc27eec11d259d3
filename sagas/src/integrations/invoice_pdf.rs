//! The invoice as a PDF: A4, Turkish, always the same bytes for the same document.

#![expect(clippy::cast_precision_loss, reason = "line counts become positions on paper")]

use domain::Money;
use domain::money::MoneyError;
use krilla::error::KrillaError;

use super::lira;

mod sheet;

use sheet::{Face, Paper, Sheet, Style, X};

#[derive(Debug, Clone)]
pub struct InvoiceDocument {
    pub number: String,
    /// As it is to be read: `24.11.2026`.
    pub issued_on: String,
    pub order_number: String,
    /// Name first, then address, tax office and number.
    pub seller: Vec<String>,
    pub buyer: Vec<String>,
    pub lines: Vec<InvoiceLine>,
    pub totals: InvoiceTotals,
}

#[derive(Debug, Clone)]
pub struct InvoiceLine {
    pub description: String,
    pub quantity: u32,
    pub net: Money,
    pub vat_rate_percent: u32,
    pub vat: Money,
    pub gross: Money,
}

/// The sums of the lines; anything else is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvoiceTotals {
    pub net: Money,
    pub vat: Money,
    pub gross: Money,
}

#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    #[error("the totals are not the sums of the lines")]
    Totals,
    #[error("the lines cannot be added up")]
    Amounts(#[from] MoneyError),
    #[error("the font cannot be read")]
    Font,
    #[error("the PDF cannot be written: {0:?}")]
    Write(KrillaError),
}

/// One rate's share of the invoice.
struct RateTotal {
    rate_percent: u32,
    net: Money,
    vat: Money,
}

const LEFT: f32 = 50.0;
const RIGHT: f32 = 545.0;
const MIDDLE: f32 = 305.0;
const TOP: f32 = 64.0;
const BOTTOM: f32 = 770.0;
const FOOTER: f32 = 805.0;
const PARTY_WIDTH: f32 = 235.0;
const DESCRIPTION_WIDTH: f32 = 178.0;
const TITLE: Style = Style::new(Face::Bold, 22.0);
const TOTAL: Style = Style::new(Face::Bold, 11.0);
const PARTY_NAME: Style = Style::new(Face::Bold, 9.0);
const PARTY: Style = Style::new(Face::Regular, 9.0);
const LABEL: Style = Style::new(Face::Regular, 8.5).muted();
const SMALL_LABEL: Style = Style::new(Face::Regular, 7.5).muted();
const BODY: Style = Style::new(Face::Regular, 8.5);
const STRONG: Style = Style::new(Face::Bold, 8.5);
const LINE_HEIGHT: f32 = 12.0;
/// Right edges of quantity, net, rate, VAT and gross.
const COLUMNS: [f32; 5] = [252.0, 330.0, 376.0, 456.0, RIGHT];
const TOTAL_LABEL: f32 = 430.0;

pub fn render(document: &InvoiceDocument) -> Result<Vec<u8>, PdfError> {
    laid_out(document)?.into_pdf(&format!("Fatura {}", document.number)).map_err(PdfError::Write)
}

fn laid_out(document: &InvoiceDocument) -> Result<Sheet, PdfError> {
    let rates = checked(document)?;
    let mut sheet = Sheet::new(Paper::fonts().ok_or(PdfError::Font)?);
    let mut y = heading(&mut sheet, document);
    y = table_head(&mut sheet, y);
    for line in &document.lines {
        y = row(&mut sheet, line, y);
    }
    totals(&mut sheet, document, &rates, y);
    let footer = format!("Polikrami Cover · Fatura {}", document.number);
    sheet.footers(&footer, LEFT, RIGHT, FOOTER);
    Ok(sheet)
}

/// An invoice that does not add up is not printed.
fn checked(document: &InvoiceDocument) -> Result<Vec<RateTotal>, PdfError> {
    let lines = &document.lines;
    let sums = InvoiceTotals {
        net: Money::sum(lines.iter().map(|line| line.net))?,
        vat: Money::sum(lines.iter().map(|line| line.vat))?,
        gross: Money::sum(lines.iter().map(|line| line.gross))?,
    };
    let mut agree = sums == document.totals;
    let mut rates: Vec<RateTotal> = Vec::new();
    for line in lines {
        agree &= line.net.plus(line.vat)? == line.gross;
        match rates.iter_mut().find(|rate| rate.rate_percent == line.vat_rate_percent) {
            Some(rate) => {
                rate.net = rate.net.plus(line.net)?;
                rate.vat = rate.vat.plus(line.vat)?;
            }
            None => {
                rates.push(RateTotal { rate_percent: line.vat_rate_percent, net: line.net, vat: line.vat });
            }
        }
    }
    rates.sort_by_key(|rate| rate.rate_percent);
    if agree { Ok(rates) } else { Err(PdfError::Totals) }
}

fn heading(sheet: &mut Sheet, document: &InvoiceDocument) -> f32 {
    sheet.text(TITLE, X::From(LEFT), TOP + 10.0, "FATURA");
    let facts = [
        ("Fatura no", &document.number),
        ("Tarih", &document.issued_on),
        ("Sipariş no", &document.order_number),
    ];
    let mut y = TOP - 4.0;
    for (label, value) in facts {
        sheet.text(LABEL, X::To(TOTAL_LABEL), y, label);
        sheet.text(STRONG, X::To(RIGHT), y, value);
        y += LINE_HEIGHT + 1.0;
    }
    let y = TOP + 44.0;
    sheet.rule(LEFT, RIGHT, y);
    let seller = party(sheet, "SATICI", &document.seller, LEFT, y + 20.0);
    let buyer = party(sheet, "ALICI", &document.buyer, MIDDLE, y + 20.0);
    seller.max(buyer) + 14.0
}

fn party(sheet: &mut Sheet, title: &str, lines: &[String], x: f32, mut y: f32) -> f32 {
    sheet.text(SMALL_LABEL, X::From(x), y, title);
    y += LINE_HEIGHT + 2.0;
    for (index, line) in lines.iter().enumerate() {
        let style = if index == 0 { PARTY_NAME } else { PARTY };
        for part in sheet.wrapped(style, PARTY_WIDTH, line) {
            sheet.text(style, X::From(x), y, &part);
            y += LINE_HEIGHT + 0.5;
        }
    }
    y
}

fn table_head(sheet: &mut Sheet, y: f32) -> f32 {
    sheet.band(LEFT - 6.0, y, RIGHT + 6.0, y + 20.0);
    let baseline = y + 13.0;
    sheet.text(STRONG, X::From(LEFT), baseline, "Açıklama");
    for (right, title) in COLUMNS.into_iter().zip(["Adet", "Net tutar", "KDV %", "KDV", "Toplam"]) {
        sheet.text(STRONG, X::To(right), baseline, title);
    }
    y + 20.0
}

fn row(sheet: &mut Sheet, line: &InvoiceLine, y: f32) -> f32 {
    let parts = sheet.wrapped(BODY, DESCRIPTION_WIDTH, &line.description);
    let height = LINE_HEIGHT * parts.len().max(1) as f32 + 8.0;
    let y = if y + height > BOTTOM { new_page(sheet) } else { y };
    let baseline = y + 14.0;
    for (index, part) in parts.iter().enumerate() {
        let at = baseline + LINE_HEIGHT * index as f32;
        sheet.text(BODY, X::From(LEFT), at, part);
    }
    let cells = [
        line.quantity.to_string(),
        lira::written(line.net),
        format!("%{}", line.vat_rate_percent),
        lira::written(line.vat),
        lira::written(line.gross),
    ];
    for (right, cell) in COLUMNS.into_iter().zip(cells) {
        sheet.text(BODY, X::To(right), baseline, &cell);
    }
    sheet.rule(LEFT, RIGHT, y + height);
    y + height
}

fn new_page(sheet: &mut Sheet) -> f32 {
    sheet.turn();
    table_head(sheet, TOP - 14.0)
}

fn totals(sheet: &mut Sheet, document: &InvoiceDocument, rates: &[RateTotal], y: f32) {
    let height = LINE_HEIGHT * (rates.len() as f32 * 2.0 + 4.0) + 20.0;
    let mut y = if y + height > BOTTOM {
        sheet.turn();
        TOP
    } else {
        y + 22.0
    };
    let mut pair = |label: &str, money| {
        sheet.text(BODY, X::To(TOTAL_LABEL), y, label);
        sheet.text(BODY, X::To(RIGHT), y, &lira::written(money));
        y += LINE_HEIGHT + 3.0;
        y
    };
    pair("Ara toplam (KDV hariç)", document.totals.net);
    for rate in rates {
        pair(&format!("KDV matrahı (%{})", rate.rate_percent), rate.net);
        pair(&format!("Hesaplanan KDV (%{})", rate.rate_percent), rate.vat);
    }
    let line = pair("Toplam KDV", document.totals.vat);
    sheet.rule(MIDDLE, RIGHT, line - 8.0);
    let total = lira::written(document.totals.gross);
    sheet.text(TOTAL, X::To(TOTAL_LABEL), line + 8.0, "GENEL TOPLAM");
    sheet.text(TOTAL, X::To(RIGHT), line + 8.0, &total);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(description: &str, quantity: u32, gross: i64, rate: u32) -> InvoiceLine {
        let gross = Money::lira(gross);
        let (net, vat) = gross.split_tax(rate).unwrap();
        InvoiceLine { description: description.to_owned(), quantity, net, vat_rate_percent: rate, vat, gross }
    }

    fn document(lines: Vec<InvoiceLine>) -> InvoiceDocument {
        let sum = |pick: fn(&InvoiceLine) -> Money| Money::sum(lines.iter().map(pick)).unwrap();
        let totals = InvoiceTotals {
            net: sum(|line| line.net),
            vat: sum(|line| line.vat),
            gross: sum(|line| line.gross),
        };
        let own = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect();
        InvoiceDocument {
            number: "PKR2026000000045".to_owned(),
            issued_on: "24.11.2026".to_owned(),
            order_number: "PC-2026-000123".to_owned(),
            seller: own(&[
                "Polikrami Kılıf ve Baskı Sanayi Ticaret A.Ş.",
                "İnönü Mah. Şehit Öğretmen Çağrı Sok. No: 14/B, 34722 Kadıköy / İstanbul",
                "Vergi dairesi: Göztepe · VKN: 1234567890",
            ]),
            buyer: own(&["Çağrı Işık Öztürk", "Göztepe Mah. İnci Çıkmazı Sok. No:1/B", "Şişli / İstanbul"]),
            lines,
            totals,
        }
    }

    fn lines() -> Vec<InvoiceLine> {
        vec![
            line("iPhone 15 kılıfı – “Kış Güneşi”, mat, ğüşiöç İıŞşĞğ, kişiye özel baskı", 2, 123_456, 20),
            line("Görsel üretim hakkı (10 adet)", 1, 14_990, 20),
            line("Baskılı çocuk kitabı kapağı", 1, 9_900, 10),
            line("Kargo", 1, 4_990, 20),
        ]
    }

    #[test]
    fn equal_documents_make_equal_bytes() {
        let first = render(&document(lines())).unwrap();
        assert_eq!(first, render(&document(lines())).unwrap());
        assert!(first.starts_with(b"%PDF-"));
    }

    #[test]
    fn a_long_invoice_gets_more_pages() {
        let many = (1..=60).map(|index| line(&format!("Kılıf {index}"), 1, 100 * index, 20)).collect();
        let many = document(many);
        assert_eq!(laid_out(&many).unwrap().pages.len(), 3);
        assert!(render(&many).unwrap().len() > render(&document(lines())).unwrap().len());
    }

    #[test]
    fn an_invoice_that_does_not_add_up_is_refused() {
        let mut wrong = document(lines());
        wrong.totals.vat = Money::lira(1);
        assert!(matches!(render(&wrong), Err(PdfError::Totals)));
        let mut wrong = document(lines());
        wrong.lines[0].net.minor += 1;
        wrong.totals.net.minor += 1;
        assert!(matches!(render(&wrong), Err(PdfError::Totals)));
    }
}
