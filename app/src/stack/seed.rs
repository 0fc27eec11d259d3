//! Demo logins and message cards; a second start finds them.

use crate::dev::{Login, Logins};
use crate::wiring::Service;
use api::auth::provision::{Provision, provision};
use api::auth::registration::Registration;
use api::extract::Locale;
use axum::extract::FromRef;
use domain::account::Role;
use journal::tables::message_cards;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

const PASSWORD: &str = "Demo-2026!kapak";

pub(super) async fn run(service: &Service) -> Result<Logins, BoxError> {
    message_cards::seed(&service.pool, service.commands.clock().now()).await?;
    Ok(Logins {
        customer: login(service, "musteri@polikrami.example", "Deniz Müşteri", Role::Customer).await?,
        designer: login(service, "tasarimci@polikrami.example", "Ece Tasarımcı", Role::Designer).await?,
        admin: login(service, "yonetici@polikrami.example", "Can Yönetici", Role::Admin).await?,
        auditor: login(service, "denetci@polikrami.example", "Işıl Denetçi", Role::Auditor).await?,
    })
}

async fn login(service: &Service, email: &str, name: &str, role: Role) -> Result<Login, BoxError> {
    let wanted = Provision {
        email: email.into(),
        name: Some(name.into()),
        role,
        password: PASSWORD.into(),
        verified: true,
        locale: Locale::Tr,
    };
    provision(&Registration::from_ref(&service.state), wanted).await?;
    Ok(Login { email: email.into(), password: PASSWORD.into() })
}
