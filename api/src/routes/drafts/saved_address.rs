//! `POST /drafts/{id}/shipping/address`: a saved address becomes the delivery address, as a copy.

use super::addresses::store;
use super::view::{DraftView, Success};
use super::{as_committed, open, unchanged};
use crate::Problem;
use crate::error::Fields;
use crate::extract::{Body, PathId};
use crate::routes::acting::Acting;
use crate::routes::addresses::found;
use crate::routes::postal::country::TURKIYE;
use crate::wait::SeenAt;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use domain::personal::ShippingRecord;
use domain::{Command, DraftCommand, DraftId};
use journal::tables::addresses::{self, Content};
use journal::{Commands, Rider};
use serde::Deserialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct SavedAddressBody {
    /// An address of the caller, in Türkiye and with a district
    address_id: Uuid,
}

/// Delivers to a saved address. It is copied: what becomes of it later does not reach the draft.
#[utoipa::path(post, path = "/{id}/shipping/address", operation_id = "set_shipping_to_address", tag = "drafts",
    security(("bearer" = []), ("cookie" = [])), params(("id" = String, Path, description = "Draft id")),
    request_body = SavedAddressBody,
    responses((status = 200, body = Success<DraftView>),
        (status = 400, description = "`validation_failed`, `unknown_field`"),
        (status = 401, description = "`unauthorized`"),
        (status = 404, description = "`draft_not_found`, `address_not_found`"),
        (status = 409, description = "`draft_already_committed`, `draft_canceled`, `idempotency_key_reused`"),
        (status = 412, description = "`precondition_failed`")))]
pub(super) async fn choose(
    acting: Acting,
    State(pool): State<PgPool>,
    State(commands): State<Commands>,
    PathId(id): PathId<DraftId>,
    Body(body): Body<SavedAddressBody>,
) -> Result<impl IntoResponse, Problem> {
    let by = acting.by;
    open(&commands, id, by).await?;
    let seen = unchanged(&pool, &acting, id).await?;
    let saved = found(addresses::get(&pool, by, body.address_id).await?)?;
    let shipping = copied(saved.content)?;
    let record = acting.creation(&format!("shipping-address {id}")).id;
    let address = store(&pool, by, "shipping", &shipping, record).await?;
    let unit = vec![Command::Draft { id, command: DraftCommand::SetShipping { by, address } }];
    let committed = commands.execute_upon(unit, &acting.origin(), Rider::default(), seen).await?;
    Ok((SeenAt(committed.position), Json(as_committed(&pool, id).await?)))
}

/// Sender and receiver are the same person.
fn copied(saved: Content) -> Result<ShippingRecord, Problem> {
    let mut fields = Fields::new();
    fields.require(saved.country == TURKIYE, "addressId", "address_abroad");
    fields.require(saved.district_name.is_some(), "addressId", "address_incomplete");
    fields.finish()?;
    let lines = [Some(saved.line1), saved.line2];
    Ok(ShippingRecord {
        sender_name: saved.full_name.clone(),
        sender_phone: saved.phone.clone(),
        receiver_name: saved.full_name,
        receiver_phone: saved.phone,
        city: saved.city,
        district: saved.district_name.unwrap_or_default(),
        address: lines.into_iter().flatten().collect::<Vec<_>>().join(" "),
        company: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved() -> Content {
        Content {
            label: None,
            full_name: "Ayşe Yılmaz".into(),
            phone: "+905321234567".into(),
            line1: "Moda Caddesi 5".into(),
            line2: Some("Daire 3".into()),
            city: "İstanbul".into(),
            district_name: Some("Kadıköy".into()),
            postal_code: None,
            country: "TR".into(),
            province_id: None,
            town_id: None,
            district_id: None,
            quarter_id: None,
        }
    }

    #[test]
    fn a_parcel_needs_a_district_in_turkiye() {
        assert_eq!(copied(saved()).unwrap().address, "Moda Caddesi 5 Daire 3");
        for (unfit, code) in [
            (Content { district_name: None, ..saved() }, "address_incomplete"),
            (Content { country: "DE".into(), ..saved() }, "address_abroad"),
        ] {
            assert_eq!(copied(unfit).unwrap_err().more.fields[0].code, code);
        }
    }
}
