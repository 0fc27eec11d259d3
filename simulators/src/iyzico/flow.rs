//! What happens on a payment page, decided under the ledger's lock: the same form sent twice finds
//! the first one's result and charges nothing.

use super::cards::{self, CardForm, Outcome};
use super::ledger::{Checkout, Fate, Payment, Status};
use crate::world;

const SMS_CODE: &str = "123456";
const SMS_TRIES_MAX: u8 = 3;
/// The result of 3-D Secure for a buyer who gave up or never knew the code.
const NOT_VERIFIED: i8 = 0;
const DECLINED_3DS: &str = "10210";

/// Which page the browser gets next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The card form, with an error code of the form's own checks.
    Card(Option<&'static str>),
    /// The bank's page; `true` after a wrong code.
    Bank(bool),
    /// Back to the merchant.
    Callback,
    /// The page closed before anybody paid.
    Expired,
}

/// Where a page stands when it is opened or reloaded.
pub(super) fn current(checkout: &Checkout) -> Step {
    if checkout.is_expired(world::now_ms()) {
        return Step::Expired;
    }
    match &checkout.payment {
        None => Step::Card(None),
        Some(payment) if payment.status.is_final() => Step::Callback,
        Some(payment) => Step::Bank(payment.sms_failures > 0),
    }
}

/// A card was entered. Answers with the changed checkout, if the form changed anything.
pub(super) fn enter_card(checkout: &Checkout, form: &CardForm) -> (Option<Checkout>, Step) {
    if current(checkout) != Step::Card(None) {
        return (None, current(checkout));
    }
    if let Err(code) = form.check(world::now().date()) {
        return (None, Step::Card(Some(code)));
    }
    let number = form.number();
    let mut payment = new_payment(&number);
    if cards::outcome(&number) == Outcome::NoThreeDs {
        fail(&mut payment, "10202");
    }
    let changed = Checkout { payment: Some(payment), ..checkout.clone() };
    let step = current(&changed);
    (Some(changed), step)
}

/// The bank's page was answered; `None` is the buyer's "give up".
pub(super) fn enter_sms(checkout: &Checkout, code: Option<&str>) -> (Option<Checkout>, Step) {
    if !matches!(current(checkout), Step::Bank(_)) {
        return (None, current(checkout));
    }
    let mut changed = checkout.clone();
    let Some(payment) = &mut changed.payment else { return (None, Step::Card(None)) };
    match code.map(str::trim) {
        Some(SMS_CODE) => verified(payment),
        Some(_) if payment.sms_failures + 1 < SMS_TRIES_MAX => payment.sms_failures += 1,
        Some(_) | None => not_verified(payment, NOT_VERIFIED),
    }
    let step = current(&changed);
    (Some(changed), step)
}

fn new_payment(number: &str) -> Payment {
    let fate = match cards::outcome(number) {
        Outcome::Paid => Fate::Paid,
        Outcome::PaidForGood => Fate::PaidForGood,
        Outcome::Declined(code) => Fate::Declined(code.to_owned()),
        Outcome::NotVerified(md_status) => Fate::NotVerified(md_status),
        Outcome::NoThreeDs => Fate::NotVerified(NOT_VERIFIED),
    };
    Payment {
        id: world::nine_digits(),
        status: Status::InitThreeds,
        card: cards::view(number),
        fate,
        md_status: None,
        fraud_status: 1,
        error_code: None,
        sms_failures: 0,
        charges: 0,
        auth_code: String::new(),
        host_reference: String::new(),
        decided_ms: None,
        cancelled_ms: None,
    }
}

fn verified(payment: &mut Payment) {
    match payment.fate.clone() {
        Fate::Paid | Fate::PaidForGood => {
            payment.md_status = Some(1);
            payment.status = Status::Success;
            payment.charges += 1;
            payment.auth_code = world::nine_digits();
            payment.host_reference = format!("mock{}", world::nine_digits());
            payment.decided_ms = Some(world::now_ms());
        }
        Fate::Declined(code) => {
            payment.md_status = Some(1);
            fail(payment, &code);
        }
        Fate::NotVerified(md_status) => not_verified(payment, md_status),
    }
}

fn not_verified(payment: &mut Payment, md_status: i8) {
    payment.md_status = Some(md_status);
    fail(payment, DECLINED_3DS);
}

fn fail(payment: &mut Payment, code: &str) {
    payment.status = Status::Failure;
    payment.error_code = Some(code.to_owned());
    payment.decided_ms = Some(world::now_ms());
}
