//! From a requested payment to a paid order with its invoice; every wrong turn is an arm.

use super::{Flow, Heard, Timing, on};
use crate::action::{Action, Call};
use domain::{Command, Event, OrderCommand, OrderEvent, OrderId, PaymentCommand, PaymentEvent, PaymentId};

pub const FLOW: Flow = Flow {
    name: "checkout",
    interests: &[
        on("payment", "requested"),
        on("payment", "callback_received"),
        on("payment", "check_due"),
        on("payment", "captured"),
        on("payment", "failed"),
        on("payment", "expired"),
        on("payment", "refund_requested"),
        on("order", "placed"),
        on("order", "paid"),
        on("order", "surplus_received"),
    ],
    react,
};

fn react(heard: Heard<'_>, timing: &Timing) -> Vec<Action> {
    match heard.event {
        Event::Payment(event) => payment(PaymentId(heard.aggregate), event, timing),
        Event::Order(event) => order(OrderId(heard.aggregate), event, timing),
        Event::Account(_) | Event::Wallet(_) | Event::Draft(_) | Event::AiJob(_) => vec![],
    }
}

fn payment(payment: PaymentId, event: &PaymentEvent, timing: &Timing) -> Vec<Action> {
    match event {
        PaymentEvent::Requested { .. } => {
            let open = Action::call(Call::OpenCheckout { payment });
            std::iter::once(open).chain(check(payment, 1, timing)).collect()
        }
        PaymentEvent::CheckoutOpened { .. } => vec![],
        PaymentEvent::CallbackReceived { .. } => vec![Action::call(Call::VerifyPayment { payment })],
        // The callback can be lost for ever, so we ask on our own as well.
        PaymentEvent::CheckDue { round } => {
            let verify = Action::call(Call::VerifyPayment { payment });
            std::iter::once(verify).chain(check(payment, round + 1, timing)).collect()
        }
        PaymentEvent::Captured { captured, order } => {
            let command = OrderCommand::MarkPaid { payment, amount: captured.amount };
            vec![Action::Do { command: Command::Order { id: *order, command } }]
        }
        PaymentEvent::Failed { order, .. } | PaymentEvent::Expired { order } => {
            let command = OrderCommand::EndPayment { payment };
            vec![Action::Do { command: Command::Order { id: *order, command } }]
        }
        PaymentEvent::HeldForReview { .. } => vec![],
        PaymentEvent::RefundRequested { .. } => vec![Action::call(Call::CancelPayment { payment })],
        PaymentEvent::Refunded { .. } => vec![],
    }
}

fn order(order: OrderId, event: &OrderEvent, timing: &Timing) -> Vec<Action> {
    match event {
        OrderEvent::Placed { .. } => {
            let command = Command::Order { id: order, command: OrderCommand::Expire };
            vec![Action::After { delay: timing.order_expiry, command }]
        }
        OrderEvent::Paid { .. } => vec![Action::call(Call::IssueInvoice { order })],
        // Money for an order that cannot take it goes back.
        OrderEvent::SurplusReceived { payment, .. } => {
            let command = PaymentCommand::RequestRefund { reason: "order_could_not_take_it".into() };
            vec![Action::Do { command: Command::Payment { id: *payment, command } }]
        }
        OrderEvent::PaymentBegun { .. }
        | OrderEvent::PaymentEnded { .. }
        | OrderEvent::InvoiceIssued { .. }
        | OrderEvent::Canceled { .. }
        | OrderEvent::Expired => vec![],
    }
}

/// The timer for the next question to the provider, unless enough was asked.
fn check(payment: PaymentId, round: u32, timing: &Timing) -> Option<Action> {
    let step = usize::try_from(round.saturating_sub(1)).unwrap_or(usize::MAX);
    let delay = *timing.payment_checks.get(step).or(timing.payment_checks.last())?;
    let command = Command::Payment { id: payment, command: PaymentCommand::CheckDue { round } };
    (round <= timing.payment_check_rounds).then_some(Action::After { delay, command })
}
