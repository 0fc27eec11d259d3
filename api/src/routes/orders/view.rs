//! An order as the wire has it: the old keys, and the new ones beside them.

use domain::ids::derived;
use domain::order::{Line, LineKind};
use projections::orders::{Fulfilment, OrderRow, OrderStatus, OrderWithPayments};
use projections::payments::{PaymentRow, PaymentStatus};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderView {
    id: Uuid,
    user_id: Uuid,
    /// `pending`, `paid`, `failed`, `canceled`, `refunded`, `partially_refunded`
    #[schema(value_type = String, example = "pending")]
    status: OrderStatus,
    /// Kuruş, with KDV
    total_cents: i64,
    currency: String,
    cancel_reason: Option<String>,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: OffsetDateTime,
    order_number: String,
    /// Of the newest attempt to pay; `not_paid` when there was none
    #[schema(example = "not_paid")]
    payment_status: Value,
    can_pay: bool,
    can_cancel: bool,
    items: Vec<OrderItem>,
    /// Newest first
    payments: Vec<OrderPayment>,
    draft_id: Uuid,
    #[schema(value_type = String, example = "unfulfilled")]
    fulfilment: Fulfilment,
    #[serde(serialize_with = "crate::timestamp::serialize_option")]
    paid_at: Option<OffsetDateTime>,
    invoice_number: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrderItem {
    id: Uuid,
    order_id: Uuid,
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "cover")]
    kind: LineKind,
    /// The draft of a cover, the card of a message card
    reference_id: Option<String>,
    quantity: u32,
    unit_price_cents: i64,
    description: String,
    vat_percent: u32,
    /// Kuruş of the line, without and of KDV
    net_cents: Option<i64>,
    vat_cents: Option<i64>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrderPayment {
    id: Uuid,
    order_id: Uuid,
    #[schema(value_type = String, example = "iyzico")]
    provider: domain::payment::Provider,
    provider_payment_id: Option<String>,
    #[schema(value_type = String, example = "success")]
    status: PaymentStatus,
    amount_cents: i64,
    receipt_url: Option<String>,
    #[serde(serialize_with = "crate::timestamp::serialize")]
    created_at: OffsetDateTime,
}

impl From<OrderWithPayments> for OrderView {
    fn from(found: OrderWithPayments) -> Self {
        let OrderWithPayments { order, payments } = found;
        let pending = order.status == OrderStatus::Pending;
        let newest = payments.first().and_then(|payment| serde_json::to_value(payment.status).ok());
        Self {
            id: order.id.0,
            user_id: order.customer_id.0,
            status: order.status,
            total_cents: order.total_cents,
            cancel_reason: order.cancel_reason.clone(),
            created_at: order.created_at,
            order_number: order.number.clone(),
            payment_status: newest.unwrap_or_else(|| "not_paid".into()),
            can_pay: pending,
            can_cancel: pending,
            items: (0..).zip(&order.lines).map(|(index, line)| OrderItem::of(&order, index, line)).collect(),
            payments: payments.into_iter().map(OrderPayment::from).collect(),
            draft_id: order.draft_id.0,
            fulfilment: order.fulfilment,
            paid_at: order.paid_at,
            invoice_number: order.invoice_number,
            currency: order.currency,
        }
    }
}

impl OrderItem {
    fn of(order: &OrderRow, index: usize, line: &Line) -> Self {
        let split = line.gross().and_then(|gross| gross.split_tax(line.vat_percent)).ok();
        Self {
            id: derived(&["order_item", &order.id.to_string(), &index.to_string()]),
            order_id: order.id.0,
            kind: line.kind,
            reference_id: match line.kind {
                LineKind::Cover => Some(order.draft_id.to_string()),
                LineKind::MessageCard | LineKind::Shipping | LineKind::DesignFee => line.reference.clone(),
            },
            quantity: line.quantity,
            unit_price_cents: line.unit_price.minor,
            description: line.description.clone(),
            vat_percent: line.vat_percent,
            net_cents: split.map(|(net, _)| net.minor),
            vat_cents: split.map(|(_, vat)| vat.minor),
        }
    }
}

impl From<PaymentRow> for OrderPayment {
    fn from(payment: PaymentRow) -> Self {
        Self {
            id: payment.id.0,
            order_id: payment.order_id.0,
            provider: payment.provider,
            provider_payment_id: payment.provider_payment_id,
            status: payment.status,
            amount_cents: payment.amount_cents,
            receipt_url: None,
            created_at: payment.created_at,
        }
    }
}
