//! Parameters that mean the same on every route: their form, said once.

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{OpenApi, RefOr, Schema};

/// The router's word for "the rest of the path" is none of the description's.
pub(super) fn without_stars(openapi: &mut OpenApi) {
    let paths = std::mem::take(&mut openapi.paths.paths);
    openapi.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
}

pub(super) fn complete(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else { continue };
        if let Some(schema) = of_name(parameter) {
            parameter.schema = Some(RefOr::T(schema));
        }
    }
}

/// Does the query wait for a journal position?
pub(super) fn waits(operation: &Operation) -> bool {
    operation
        .parameters
        .iter()
        .flatten()
        .any(|one| matches!(one, RefOr::T(parameter) if parameter.name == "min_position"))
}

fn of_name(parameter: &Parameter) -> Option<Schema> {
    let schema = match (&parameter.parameter_in, parameter.name.as_str()) {
        (ParameterIn::Path, "id" | "image_id") => {
            ObjectBuilder::new().schema_type(Type::String).format(Some(known(KnownFormat::Uuid)))
        }
        (ParameterIn::Query, "min_position") => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(known(KnownFormat::Int64)))
            .minimum(Some(0)),
        _ => return None,
    };
    Some(Schema::Object(schema.build()))
}

fn known(format: KnownFormat) -> SchemaFormat {
    SchemaFormat::KnownFormat(format)
}
