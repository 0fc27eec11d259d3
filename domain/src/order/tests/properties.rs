use super::{begin_as, cancel, end, invoice};
use crate::fixtures::{CUSTOMER, ORDER, STRANGER, TOTAL, line, payment, placement};
use crate::laws::{Lawful, play};
use crate::order::{Invoice, LineKind, Order, OrderCommand, OrderEvent};
use crate::{Command, Event, Money};
use proptest::prelude::*;
use std::collections::BTreeSet;

impl Lawful for Order {
    fn command(command: OrderCommand) -> Command {
        Command::Order { id: ORDER, command }
    }

    fn event(event: OrderEvent) -> Event {
        Event::Order(event)
    }
}

fn commands() -> impl Strategy<Value = Vec<OrderCommand>> {
    let by = || prop_oneof![9 => Just(CUSTOMER), 1 => Just(STRANGER)];
    let amount = || prop_oneof![9 => Just(TOTAL), 1 => any::<i64>().prop_map(Money::lira)];
    let place = by().prop_map(|customer| {
        let mut placement = placement();
        placement.customer = customer;
        OrderCommand::Place(placement)
    });
    let command = prop_oneof![
        1 => place,
        8 => (by(), 0..4u128, amount()).prop_map(|(by, n, amount)| begin_as(by, n, amount)),
        6 => (0..4u128).prop_map(end),
        1 => (0..4u128, amount())
            .prop_map(|(n, amount)| OrderCommand::MarkPaid { payment: payment(n), amount }),
        1 => by().prop_map(cancel),
        1 => Just(OrderCommand::Expire),
        3 => (0..3u8).prop_map(|n| invoice(&format!("PLK{n}"))),
    ];
    // Before it is placed an order only refuses; most sequences begin behind that.
    let placed = prop_oneof![9 => Just(Some(OrderCommand::Place(placement()))), 1 => Just(None)];
    (placed, prop::collection::vec(command, 0..40))
        .prop_map(|(placed, later)| placed.into_iter().chain(later).collect())
}

proptest! {
    #[test]
    fn an_order_ends_once_and_takes_money_once(commands in commands()) {
        let (state, history) = play::<Order>(commands);
        let of = |kind: fn(&OrderEvent) -> bool| history.iter().filter(|event| kind(event)).count();
        let paid = of(|event| matches!(event, OrderEvent::Paid { .. }));
        let closed = of(|event| matches!(event, OrderEvent::Canceled { .. } | OrderEvent::Expired));
        let invoices = of(|event| matches!(event, OrderEvent::InvoiceIssued { .. }));
        prop_assert!(paid + closed <= 1);
        prop_assert!(invoices <= paid);
        prop_assert_eq!(paid == 1, matches!(state, Order::Paid { .. }));
        prop_assert_eq!(closed == 1, matches!(state, Order::Closed { .. }));
    }

    #[test]
    fn every_payment_is_taken_or_goes_back_and_never_both(commands in commands()) {
        let (_, history) = play::<Order>(commands);
        let mut money = BTreeSet::new();
        for event in history {
            if let OrderEvent::Paid { payment, .. } | OrderEvent::SurplusReceived { payment, .. } = event {
                prop_assert!(money.insert(payment), "twice: {}", payment);
            }
        }
    }

    #[test]
    fn attempts_to_pay_come_one_at_a_time_and_each_once(commands in commands()) {
        let (_, history) = play::<Order>(commands);
        let (mut open, mut seen) = (None, BTreeSet::new());
        for event in history {
            if let OrderEvent::PaymentBegun { payment } = event {
                prop_assert_eq!(open.replace(payment), None);
                prop_assert!(seen.insert(payment), "{} began twice", payment);
            } else if let OrderEvent::PaymentEnded { payment } = event {
                prop_assert_eq!(open.take(), Some(payment));
            }
        }
    }

    #[test]
    fn an_invoice_adds_up_or_cannot_be_written(
        lines in prop::collection::vec((0..20u32, any::<i64>(), any::<u32>()), 1..6),
        cheap in any::<bool>(),
    ) {
        let mut placement = placement();
        placement.lines = lines
            .into_iter()
            .map(|(quantity, price, vat_percent)| {
                let (price, vat_percent) = if cheap { (price >> 24, vat_percent % 100) } else { (price, vat_percent) };
                let mut line = line(LineKind::Cover, quantity, price);
                line.vat_percent = vat_percent;
                line
            })
            .collect();
        let written = Invoice::of(&placement, payment(1), "PLK1".into(), "2026-11-24".into());
        prop_assert!(!cheap || written.is_ok());
        if let Ok(invoice) = written {
            prop_assert_eq!(invoice.net.plus(invoice.vat), Ok(invoice.gross));
            prop_assert_eq!(Money::sum(invoice.lines.iter().map(|line| line.gross)), Ok(invoice.gross));
            for line in &invoice.lines {
                prop_assert_eq!(line.net.plus(line.vat), Ok(line.gross));
            }
        }
    }
}
