//! An issued invoice is filed as PDF and goes out with the confirmation of the order.

use super::{Flow, Heard, Timing, on};
use crate::action::{Action, Call};
use domain::{Event, OrderEvent, OrderId};

pub const FLOW: Flow = Flow { name: "order_mail", interests: &[on("order", "invoice_issued")], react };

fn react(heard: Heard<'_>, _: &Timing) -> Vec<Action> {
    let Event::Order(OrderEvent::InvoiceIssued { .. }) = heard.event else { return vec![] };
    let order = OrderId(heard.aggregate);
    vec![Action::call(Call::FileInvoice { order }), Action::call(Call::MailOrderConfirmation { order })]
}
