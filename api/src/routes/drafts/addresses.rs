//! `POST /drafts/{id}/shipping` and `/billing`

use super::view::{DraftView, Success, record};
use super::{as_committed, open, unchanged};
use crate::Problem;
use crate::error::Fields;
use crate::extract::{Body, PathId, object, object_option};
use crate::routes::acting::Acting;
use crate::routes::postal::bounds::{
    self, ADDRESS_CHARS_MAX, NAME_CHARS_MAX, PHONE_CHARS_MAX, PLACE_CHARS_MAX, optional, text,
};
use crate::routes::postal::{country, place};
use crate::wait::SeenAt;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use domain::draft::{DraftRefusal, OpenDraft};
use domain::personal::{BillingRecord, ShippingRecord};
use domain::{AccountId, Command, DraftCommand, DraftId, PersonalRef, Refusal};
use journal::tables::personal;
use journal::{Commands, Rider};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShippingBody {
    #[serde(deserialize_with = "object")]
    shipping: ShippingFields,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ShippingFields {
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    sender_name: String,
    #[schema(min_length = 5, max_length = 30, example = "0532 123 45 67")]
    sender_phone: String,
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    receiver_name: String,
    #[schema(min_length = 5, max_length = 30, example = "0532 123 45 67")]
    receiver_phone: String,
    #[schema(min_length = 1, max_length = 50, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    city: String,
    #[schema(min_length = 1, max_length = 50, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    district: String,
    /// 5 to 250 characters
    #[schema(min_length = 5, max_length = 250, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    address: String,
    #[schema(max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    company: Option<String>,
}

impl ShippingFields {
    fn checked(self) -> Result<ShippingRecord, Problem> {
        let mut fields = Fields::new();
        text(&mut fields, "shipping.senderName", &self.sender_name, 1, NAME_CHARS_MAX);
        bounds::phone(&mut fields, "shipping.senderPhone", &self.sender_phone);
        text(&mut fields, "shipping.receiverName", &self.receiver_name, 1, NAME_CHARS_MAX);
        bounds::phone(&mut fields, "shipping.receiverPhone", &self.receiver_phone);
        text(&mut fields, "shipping.city", &self.city, 1, PLACE_CHARS_MAX);
        text(&mut fields, "shipping.district", &self.district, 1, PLACE_CHARS_MAX);
        text(&mut fields, "shipping.address", &self.address, 5, ADDRESS_CHARS_MAX);
        optional(&mut fields, "shipping.company", self.company.as_ref(), 0, NAME_CHARS_MAX);
        fields.finish()?;
        Ok(ShippingRecord {
            sender_name: self.sender_name,
            sender_phone: self.sender_phone,
            receiver_name: self.receiver_name,
            receiver_phone: self.receiver_phone,
            city: self.city,
            district: self.district,
            address: self.address,
            company: self.company,
        })
    }
}

/// Where the parcel goes.
#[utoipa::path(post, path = "/{id}/shipping", operation_id = "set_shipping", tag = "drafts",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Draft id")),
    request_body = ShippingBody,
    responses((status = 200, body = Success<DraftView>),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`draft_not_found`"),
        (status = 409, description = "`draft_already_committed`, `draft_canceled`"),
        (status = 412, description = "`precondition_failed`")))]
pub(super) async fn shipping(
    acting: Acting,
    State(pool): State<PgPool>,
    State(commands): State<Commands>,
    PathId(id): PathId<DraftId>,
    Body(body): Body<ShippingBody>,
) -> Result<impl IntoResponse, Problem> {
    let by = acting.by;
    let shipping = body.shipping.checked()?;
    open(&commands, id, by).await?;
    let seen = unchanged(&pool, &acting, id).await?;
    let record = acting.creation(&format!("shipping {id}")).id;
    let address = store(&pool, by, "shipping", &shipping, record).await?;
    let unit = vec![Command::Draft { id, command: DraftCommand::SetShipping { by, address } }];
    let committed = commands.execute_upon(unit, &acting.origin(), Rider::default(), seen).await?;
    Ok((SeenAt(committed.position), Json(as_committed(&pool, id).await?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct BillingBody {
    /// Default true: `billing` is then not looked at
    #[serde(default = "yes")]
    same_as_shipping: bool,
    #[serde(default, deserialize_with = "object_option")]
    billing: Option<BillingFields>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct BillingFields {
    /// `personal` (default) or `corporate`, which needs `taxNumber`, `taxOffice` and `companyName`
    #[serde(rename = "type", default)]
    kind: BillingKind,
    #[schema(min_length = 2, max_length = 60, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    first_name: Option<String>,
    #[schema(min_length = 2, max_length = 60, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    last_name: Option<String>,
    #[schema(min_length = 5, max_length = 30, example = "0532 123 45 67")]
    phone: Option<String>,
    #[schema(min_length = 2, max_length = 50, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    city: Option<String>,
    #[schema(min_length = 2, max_length = 50, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    district: Option<String>,
    #[schema(min_length = 5, max_length = 250, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    address: Option<String>,
    #[schema(pattern = "^[0-9]{5}$", example = "34710")]
    postal_code: Option<String>,
    #[schema(pattern = "^[A-Za-z]{2}$", example = "TR")]
    country: Option<String>,
    /// 10 digits of a company, 11 of a person
    #[schema(pattern = "^[0-9]{10,11}$")]
    tax_number: Option<String>,
    #[schema(min_length = 1, max_length = 80, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    tax_office: Option<String>,
    #[schema(min_length = 1, max_length = 120, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    company_name: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum BillingKind {
    #[default]
    Personal,
    Corporate,
}

impl BillingFields {
    fn checked(self) -> Result<BillingRecord, Problem> {
        let mut fields = Fields::new();
        self.check_text(&mut fields);
        let country = self.country.as_deref().map(country::canonical);
        fields.require(country != Some(None), "billing.country", "country_unknown");
        let country = country.flatten();
        if let Some(code) = &self.postal_code {
            place::postal_code(&mut fields, "billing.postalCode", code, country.unwrap_or(country::TURKIYE));
        }
        if let Some(number) = &self.tax_number {
            fields.require(bounds::digits(number, 10..=11), "billing.taxNumber", "invalid_value");
        }
        if self.kind == BillingKind::Corporate {
            fields.require(self.tax_number.is_some(), "billing.taxNumber", "required");
            fields.require(self.tax_office.is_some(), "billing.taxOffice", "required");
            fields.require(self.company_name.is_some(), "billing.companyName", "required");
        }
        fields.finish()?;
        let kind = if self.kind == BillingKind::Corporate { "corporate" } else { "personal" };
        Ok(BillingRecord {
            kind: Some(kind.to_owned()),
            first_name: self.first_name,
            last_name: self.last_name,
            phone: self.phone,
            city: self.city,
            district: self.district,
            address: self.address,
            postal_code: self.postal_code,
            country: country.map(str::to_owned),
            tax_number: self.tax_number,
            tax_office: self.tax_office,
            company_name: self.company_name,
        })
    }

    fn check_text(&self, fields: &mut Fields) {
        optional(fields, "billing.firstName", self.first_name.as_ref(), 2, 60);
        optional(fields, "billing.lastName", self.last_name.as_ref(), 2, 60);
        optional(fields, "billing.city", self.city.as_ref(), 2, PLACE_CHARS_MAX);
        optional(fields, "billing.district", self.district.as_ref(), 2, PLACE_CHARS_MAX);
        optional(fields, "billing.address", self.address.as_ref(), 5, ADDRESS_CHARS_MAX);
        optional(fields, "billing.taxOffice", self.tax_office.as_ref(), 1, 80);
        optional(fields, "billing.companyName", self.company_name.as_ref(), 1, 120);
        optional(fields, "billing.phone", self.phone.as_ref(), 5, PHONE_CHARS_MAX);
        if let Some(phone) = &self.phone {
            bounds::phone(fields, "billing.phone", phone);
        }
    }
}

/// Who gets the invoice.
#[utoipa::path(post, path = "/{id}/billing", operation_id = "set_billing", tag = "drafts",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Draft id")),
    request_body = BillingBody,
    responses((status = 200, body = Success<DraftView>),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"), (status = 404, description = "`draft_not_found`"),
        (status = 409, description = "`draft_shipping_missing`, `draft_already_committed`, `draft_canceled`"),
        (status = 412, description = "`precondition_failed`")))]
pub(super) async fn billing(
    acting: Acting,
    State(pool): State<PgPool>,
    State(commands): State<Commands>,
    PathId(id): PathId<DraftId>,
    Body(body): Body<BillingBody>,
) -> Result<impl IntoResponse, Problem> {
    let by = acting.by;
    let given = match (body.same_as_shipping, body.billing) {
        (true, _) => None,
        (false, Some(billing)) => Some(billing.checked()?),
        (false, None) => return Err(Problem::field("billing", "required")),
    };
    let draft = open(&commands, id, by).await?;
    let seen = unchanged(&pool, &acting, id).await?;
    let billing = match given {
        Some(billing) => billing,
        None => same_as_shipping(&pool, &draft).await?,
    };
    let record = acting.creation(&format!("billing {id}")).id;
    let address = store(&pool, by, "billing", &billing, record).await?;
    let unit = vec![Command::Draft { id, command: DraftCommand::SetBilling { by, address } }];
    let committed = commands.execute_upon(unit, &acting.origin(), Rider::default(), seen).await?;
    Ok((SeenAt(committed.position), Json(as_committed(&pool, id).await?)))
}

/// The billing record that follows from the delivery address.
pub(super) async fn same_as_shipping(pool: &PgPool, draft: &OpenDraft) -> Result<BillingRecord, Problem> {
    let shipping: Option<ShippingRecord> = record(pool, draft.shipping.as_ref()).await?;
    let shipping = shipping.ok_or_else(|| Problem::from(Refusal::Draft(DraftRefusal::ShippingMissing)))?;
    Ok(BillingRecord::same_as(&shipping))
}

pub(super) async fn store(
    pool: &PgPool,
    account: AccountId,
    kind: &str,
    record: &impl Serialize,
    id: Uuid,
) -> Result<PersonalRef, Problem> {
    let body = serde_json::to_value(record).map_err(Problem::internal)?;
    Ok(personal::store(pool, account, kind, &body, id).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn refused(billing: Value) -> Vec<String> {
        let fields: BillingFields = serde_json::from_value(billing).unwrap();
        match fields.checked() {
            Ok(_) => vec![],
            Err(problem) => problem.more.fields.into_iter().map(|field| field.field).collect(),
        }
    }

    #[test]
    fn a_company_needs_all_three_tax_fields() {
        assert!(refused(json!({})).is_empty());
        let missing = ["billing.taxNumber", "billing.taxOffice", "billing.companyName"];
        assert_eq!(refused(json!({"type": "corporate"})), missing);
        let full =
            json!({"type": "corporate", "taxNumber": "1234567890", "taxOffice": "Moda", "companyName": "K"});
        assert!(refused(full).is_empty());
    }

    #[test]
    fn formats_are_checked() {
        assert_eq!(refused(json!({"postalCode": "3471"})), ["billing.postalCode"]);
        assert_eq!(refused(json!({"postalCode": "SW1A 1AA", "country": "gb"})), [""; 0]);
        assert_eq!(refused(json!({"country": "TUR"})), ["billing.country"]);
        assert_eq!(refused(json!({"country": "XX"})), ["billing.country"]);
        assert_eq!(refused(json!({"taxNumber": "12345678901x"})), ["billing.taxNumber"]);
        assert_eq!(refused(json!({"firstName": "A"})), ["billing.firstName"]);
    }

    #[test]
    fn a_bad_phone_is_named_by_its_path() {
        let shipping = json!({"senderName": "A", "senderPhone": "0532 123 45 67", "receiverName": "B",
            "receiverPhone": "053212345", "city": "Van", "district": "Merkez", "address": "Sokak 1"});
        let fields: ShippingFields = serde_json::from_value(shipping).unwrap();
        let problem = fields.checked().unwrap_err();
        assert_eq!(problem.more.fields[0].field, "shipping.receiverPhone");
    }
}
