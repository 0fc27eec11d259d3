use super::{canceled, expired, invoice, paid, placed};
use crate::Money;
use crate::fixtures::{CUSTOMER, TOTAL, given, line, payment, placement};
use crate::order::{Invoice, InvoiceLine, LineKind, Order, OrderEvent, OrderRefusal, invoice_number};

fn issued() -> Invoice {
    let line = |net, vat| InvoiceLine {
        description: "Kişiye özel kapak".into(),
        quantity: 1,
        net: Money::lira(net),
        vat_percent: 20,
        vat: Money::lira(vat),
        gross: Money::lira(net + vat),
    };
    Invoice {
        number: "PLK2026000000042".into(),
        issued_on: "2026-11-24".into(),
        customer: CUSTOMER,
        payment: payment(1),
        lines: vec![line(18_250, 3_650), line(2_500, 500)],
        net: Money::lira(20_750),
        vat: Money::lira(4_150),
        gross: TOTAL,
    }
}

#[test]
fn a_paid_order_gets_its_invoice() {
    given::<Order>(paid())
        .when(invoice("PLK2026000000042"))
        .then_expect_events(vec![OrderEvent::InvoiceIssued { invoice: issued() }]);
}

#[test]
fn an_order_has_one_invoice_whatever_number_comes_next() {
    for number in ["PLK2026000000042", "PLK2026000000043"] {
        given::<Order>(paid())
            .and(vec![OrderEvent::InvoiceIssued { invoice: issued() }])
            .when(invoice(number))
            .then_expect_events(vec![]);
    }
}

#[test]
fn an_order_that_is_not_paid_has_no_invoice() {
    for history in [placed(), canceled(), expired()] {
        given::<Order>(history).when(invoice("PLK2026000000042")).then_expect_error(OrderRefusal::NotPaid);
    }
}

#[test]
fn kdv_is_split_off_each_line_and_adds_up_to_what_was_paid() {
    let mut odd = placement();
    odd.lines = vec![line(LineKind::MessageCard, 3, 3_335), line(LineKind::Shipping, 1, 1)];
    odd.lines[1].vat_percent = 10;
    odd.total = Money::lira(10_006);

    let invoice = Invoice::of(&odd, payment(1), "PLK2026000000001".into(), "2026-11-24".into()).unwrap();

    // 10.005 × 20 ÷ 120 = 1.667,5 rounds up; 1 × 10 ÷ 110 rounds to nothing.
    assert_eq!(invoice.lines.iter().map(|line| line.vat.minor).collect::<Vec<_>>(), [1_668, 0]);
    assert_eq!(invoice.lines.iter().map(|line| line.net.minor).collect::<Vec<_>>(), [8_337, 1]);
    assert_eq!((invoice.net.minor, invoice.vat.minor, invoice.gross.minor), (8_338, 1_668, 10_006));
}

#[test]
fn invoice_numbers_are_the_series_the_year_and_nine_digits() {
    assert_eq!(invoice_number(2026, 42), "PLK2026000000042");
    assert_eq!(invoice_number(2027, 999_999_999), "PLK2027999999999");
}
