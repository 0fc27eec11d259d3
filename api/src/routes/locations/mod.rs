//! `/locations`: provinces (il), towns (ilçe), districts and quarters (mahalle, köy). Public, and the same for years.
//!
//! The old system had a level between town and quarter. The postal service's list has none, so each town has one
//! district: itself.

mod data;
pub(super) mod lookup;

use crate::extract::Params;
use crate::{AppState, Problem};
use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data::{Place, Places};
use serde::{Deserialize, Serialize};
use std::num::NonZero;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=86400");
/// Of the list, and of the form of the answers.
const VERSION: HeaderValue = HeaderValue::from_static("\"places-2024-03\"");
/// When the list was made; the old answers had such a key.
const LISTED_AT: &str = "2024-03-01T00:00:00.000Z";

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(provinces))
        .routes(routes!(towns))
        .routes(routes!(districts))
        .routes(routes!(quarters))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlaceView<'a> {
    id: u32,
    name: &'a str,
    /// ISO 3166-2 of a province
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "TR-34")]
    alpha2_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    province_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    town_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    district_id: Option<u32>,
    /// Of a quarter
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "34710")]
    postal_code: Option<&'a str>,
    created_at: &'static str,
    updated_at: &'static str,
}

impl<'a> PlaceView<'a> {
    fn of(place: &'a Place) -> Self {
        Self {
            id: place.id,
            name: &place.name,
            alpha2_code: None,
            province_id: None,
            town_id: None,
            district_id: None,
            postal_code: place.postcode.as_deref(),
            created_at: LISTED_AT,
            updated_at: LISTED_AT,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct OfProvince {
    /// Id of a province (il): its plate number
    #[param(value_type = i64, minimum = 1, maximum = 4_294_967_295_i64, example = 34)]
    province_id: NonZero<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct OfTown {
    /// Id of a town (ilçe)
    #[param(value_type = i64, minimum = 1, maximum = 4_294_967_295_i64)]
    town_id: NonZero<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct OfDistrict {
    /// Id of a district, which is that of its town
    #[param(value_type = i64, minimum = 1, maximum = 4_294_967_295_i64)]
    district_id: NonZero<u32>,
}

/// All provinces.
#[utoipa::path(get, path = "/provinces", tag = "locations",
    responses((status = 200, body = Vec<PlaceView>), (status = 304, description = "As it was")))]
async fn provinces(headers: HeaderMap) -> Result<Response, Problem> {
    let view = |place| {
        let view = PlaceView::of(place);
        PlaceView { alpha2_code: Some(format!("TR-{:02}", place.id)), ..view }
    };
    answer(&headers, |places| places.provinces.iter().map(view).collect())
}

/// The towns of a province; none for one that does not exist.
#[utoipa::path(get, path = "/towns", tag = "locations", params(OfProvince),
    responses((status = 200, body = Vec<PlaceView>), (status = 304, description = "As it was"),
        (status = 400, description = "`validation_failed`, `invalid_query`")))]
async fn towns(headers: HeaderMap, Params(of): Params<OfProvince>) -> Result<Response, Problem> {
    let view = |place| PlaceView { province_id: Some(of.province_id.get()), ..PlaceView::of(place) };
    answer(&headers, |places| {
        places.districts.get(&of.province_id.get()).into_iter().flatten().map(view).collect()
    })
}

/// The district of a town.
#[utoipa::path(get, path = "/districts", tag = "locations", params(OfTown),
    responses((status = 200, body = Vec<PlaceView>), (status = 304, description = "As it was"),
        (status = 400, description = "`validation_failed`, `invalid_query`")))]
async fn districts(headers: HeaderMap, Params(of): Params<OfTown>) -> Result<Response, Problem> {
    let view = |place| PlaceView { town_id: Some(of.town_id.get()), ..PlaceView::of(place) };
    answer(&headers, |places| places.district(of.town_id.get()).into_iter().map(view).collect())
}

/// The quarters and villages of a district, with their postal codes.
#[utoipa::path(get, path = "/quarters", tag = "locations", params(OfDistrict),
    responses((status = 200, body = Vec<PlaceView>), (status = 304, description = "As it was"),
        (status = 400, description = "`validation_failed`, `invalid_query`")))]
async fn quarters(headers: HeaderMap, Params(of): Params<OfDistrict>) -> Result<Response, Problem> {
    let view = |place| PlaceView { district_id: Some(of.district_id.get()), ..PlaceView::of(place) };
    answer(&headers, |places| {
        places.neighbourhoods.get(&of.district_id.get()).into_iter().flatten().map(view).collect()
    })
}

fn answer<'a>(
    headers: &HeaderMap,
    choose: impl FnOnce(&'a Places) -> Vec<PlaceView<'a>>,
) -> Result<Response, Problem> {
    let caching = [(header::CACHE_CONTROL, CACHED), (header::ETAG, VERSION)];
    if headers.get(header::IF_NONE_MATCH) == Some(&VERSION) {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, Json(choose(lookup::places()?))).into_response())
}
