use super::{asked, callback, check, checkout, fail, hold, money, record_refund, refund};
use crate::fixtures::{TOTAL, payment};
use crate::laws::{Lawful, play};
use crate::payment::{CALLBACKS_RECORDED_MAX, Payment, PaymentCommand, PaymentEvent};
use crate::{Command, Event, Money};
use proptest::prelude::*;

impl Lawful for Payment {
    fn command(command: PaymentCommand) -> Command {
        Command::Payment { id: payment(1), command }
    }

    fn event(event: PaymentEvent) -> Event {
        Event::Payment(event)
    }

    fn counts_repeats(command: &PaymentCommand) -> bool {
        matches!(command, PaymentCommand::ReceiveCallback { .. })
    }
}

fn commands() -> impl Strategy<Value = Vec<PaymentCommand>> {
    let amount = prop_oneof![9 => Just(TOTAL), 1 => any::<i64>().prop_map(Money::lira)];
    let request = prop_oneof![9 => Just(TOTAL), 1 => Just(Money::lira(1))].prop_map(|amount| {
        let mut request = asked();
        request.amount = amount;
        PaymentCommand::Request(request)
    });
    let command = prop_oneof![
        2 => request,
        2 => (0..3u8).prop_map(|n| checkout(&format!("t-{n}"))),
        12 => Just(callback()),
        3 => (0..6u32).prop_map(check),
        2 => (0..3u8, amount).prop_map(|(n, amount)| PaymentCommand::Capture(money(&format!("p-{n}"), amount))),
        1 => Just(fail()),
        2 => (0..3u8).prop_map(|n| hold(&format!("reason-{n}"))),
        1 => Just(PaymentCommand::Expire),
        2 => Just(refund()),
        2 => Just(record_refund()),
    ];
    prop::collection::vec(command, 0..80)
}

proptest! {
    #[test]
    fn money_is_captured_once_and_goes_back_once(commands in commands()) {
        let (state, history) = play::<Payment>(commands);
        let of = |kind: fn(&PaymentEvent) -> bool| history.iter().filter(|event| kind(event)).count();
        let captured = of(|event| matches!(event, PaymentEvent::Captured { .. }));
        let asked_back = of(|event| matches!(event, PaymentEvent::RefundRequested { .. }));
        let refunded = of(|event| matches!(event, PaymentEvent::Refunded { .. }));
        let closed = of(|event| matches!(event, PaymentEvent::Failed { .. } | PaymentEvent::Expired { .. }));
        prop_assert!(refunded <= asked_back && asked_back <= captured && captured <= 1);
        prop_assert!(closed <= 1);
        let has_money = matches!(
            state,
            Payment::Captured { .. } | Payment::RefundRequested { .. } | Payment::Refunded { .. }
        );
        prop_assert_eq!(captured == 1, has_money);
    }

    #[test]
    fn whoever_calls_back_or_asks_is_recorded_within_bounds(commands in commands()) {
        let (_, history) = play::<Payment>(commands);
        let (mut callbacks, mut last) = (0, 0);
        for event in history {
            if let PaymentEvent::CheckDue { round } = event {
                prop_assert!(round > last, "round {} came after {}", round, last);
                last = round;
            } else if let PaymentEvent::CallbackReceived { .. } = event {
                callbacks += 1;
            }
        }
        prop_assert!(callbacks <= CALLBACKS_RECORDED_MAX);
    }
}
