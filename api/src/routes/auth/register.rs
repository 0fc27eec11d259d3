//! `POST /auth/register`

use crate::Problem;
use crate::auth::email::{Email, comparable};
use crate::auth::password;
use crate::auth::registration::{NewAccount, Registration};
use crate::error::Fields;
use crate::extract::{Body, IdempotencyKey, Locale, RequestContext};
use crate::wait::SeenAt;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use domain::AccountId;
use domain::account::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RegisterBody {
    // What is missing is looked at like what is empty, so that a form hears of all at once.
    #[serde(default)]
    #[schema(
        required,
        max_length = 254,
        pattern = r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$",
        example = "ayse@example.com"
    )]
    email: String,
    /// 8 to 128 characters with upper and lower case, a digit and a special character
    #[serde(default)]
    #[schema(required, min_length = 8, max_length = 128)]
    password: String,
    /// The same again
    #[serde(default)]
    #[schema(required, min_length = 8, max_length = 128)]
    confirm_password: String,
    /// 2 to 100 characters
    #[schema(min_length = 2, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: Option<String>,
    #[serde(default)]
    role: WantedRole,
    #[serde(default)]
    #[schema(required)]
    accept_terms: bool,
    #[serde(default)]
    #[schema(required)]
    accept_privacy: bool,
    /// Required of designers
    #[serde(default)]
    accept_revenue_share: bool,
}

/// Other roles are granted by an operator.
#[derive(Debug, Default, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum WantedRole {
    #[default]
    User,
    Designer,
}

#[derive(Serialize, ToSchema)]
pub(super) struct RegisterAnswer {
    user: RegisteredUser,
}

#[derive(Serialize, ToSchema)]
struct RegisteredUser {
    id: Uuid,
    email: String,
    name: Option<String>,
}

/// A new account; a mail with the verification link follows. Does not log in.
#[utoipa::path(post, path = "/register", tag = "accounts", request_body = RegisterBody, responses(
    (status = 201, body = RegisterAnswer),
    (status = 400, description = "`validation_failed`, `unknown_field`, `revenue_share_required`"),
    (status = 409, description = "`email_in_use`"),
))]
pub(super) async fn register(
    State(registration): State<Registration>,
    locale: Locale,
    key: IdempotencyKey,
    context: RequestContext,
    Body(body): Body<RegisterBody>,
) -> Result<impl IntoResponse, Problem> {
    let id = account_id(&registration, &key, &body.email);
    let new = new_account(body, id, locale)?;
    let registered = registration.register(&new, &context.by(id)).await?;
    let user = RegisteredUser { id: id.0, email: new.email.as_typed().to_owned(), name: new.name };
    Ok((StatusCode::CREATED, SeenAt(registered.position), Json(RegisterAnswer { user })))
}

/// The same at each repeat with the same key and address.
fn account_id(registration: &Registration, key: &IdempotencyKey, email: &str) -> AccountId {
    let chance = registration.chance;
    if key.0.is_some() {
        AccountId(key.creation_in(&comparable(email), "register", chance).id)
    } else {
        chance.account_id(registration.clock.now())
    }
}

fn new_account(body: RegisterBody, id: AccountId, locale: Locale) -> Result<NewAccount, Problem> {
    let mut fields = Fields::new();
    let email = fields.take(Email::parse(&body.email).ok_or(()), "email", "email_invalid");
    password::check_rule(&mut fields, "password", &body.password);
    fields.require(body.password == body.confirm_password, "confirmPassword", "passwords_differ");
    if let Some(name) = &body.name {
        fields.length("name", name, 2, 100);
        fields.require(!name.chars().any(char::is_control), "name", "invalid_value");
    }
    fields.require(body.accept_terms, "acceptTerms", "terms_not_accepted");
    fields.require(body.accept_privacy, "acceptPrivacy", "privacy_not_accepted");
    fields.finish()?;
    Ok(NewAccount {
        id,
        email: email.ok_or_else(|| Problem::field("email", "email_invalid"))?,
        name: body.name,
        role: match body.role {
            WantedRole::User => Role::Customer,
            WantedRole::Designer => Role::Designer,
        },
        password: body.password,
        locale,
        revenue_share: body.accept_revenue_share,
        verified: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn refused(change: (&str, Value)) -> Vec<String> {
        let mut body = json!({"email": "a@b.co", "password": "Kapak-2026", "confirmPassword": "Kapak-2026",
            "acceptTerms": true, "acceptPrivacy": true});
        body[change.0] = change.1;
        let body = serde_json::from_value(body).unwrap();
        match new_account(body, AccountId(Uuid::nil()), Locale::En) {
            Ok(_) => vec![],
            Err(problem) => problem.more.fields.into_iter().map(|field| field.field).collect(),
        }
    }

    #[test]
    fn each_field_that_does_not_fit_is_named() {
        assert!(refused(("name", json!("Ay"))).is_empty());
        assert_eq!(refused(("email", json!("a@b"))), ["email"]);
        assert_eq!(refused(("name", json!("A"))), ["name"]);
        assert_eq!(refused(("name", json!("A\u{0}B"))), ["name"]);
        assert_eq!(refused(("confirmPassword", json!("x"))), ["confirmPassword"]);
        assert_eq!(refused(("acceptTerms", json!(false))), ["acceptTerms"]);
    }
}
