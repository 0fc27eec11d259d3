//! Texts have no NUL: PostgreSQL cannot keep it, and a body with one is refused. Said once, for all of them.

use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::openapi::{OpenApi, RefOr, Schema};

/// For texts without a form of their own.
const WITHOUT_NUL: &str = r"^[^\u0000]*$";

pub(super) fn complete(openapi: &mut OpenApi) {
    let schemas = openapi.components.iter_mut().flat_map(|components| components.schemas.values_mut());
    schemas.for_each(visit);
}

fn visit(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = schema else { return };
    if is_free_text(object) {
        object.pattern = Some(WITHOUT_NUL.to_owned());
    }
    object.properties.values_mut().for_each(visit);
}

fn is_free_text(object: &Object) -> bool {
    let text = match &object.schema_type {
        SchemaType::Type(kind) => *kind == Type::String,
        SchemaType::Array(kinds) => kinds.contains(&Type::String),
        SchemaType::AnyValue => false,
    };
    text && object.pattern.is_none() && object.format.is_none() && object.enum_values.is_none()
}
