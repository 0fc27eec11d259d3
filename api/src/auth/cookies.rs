//! What browsers keep. All are `SameSite=Lax`; all but `csrf` are out of reach of scripts.

use crate::config::{CookieSettings, TokenSettings};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

pub const ACCESS: &str = "access";
pub const REFRESH: &str = "refresh";
pub const REMEMBER: &str = "remember";
pub const CSRF: &str = "csrf";
pub const DEVICE: &str = "device";
/// How long a browser is known without logging in again.
const DEVICE_LIFE: time::Duration = time::Duration::days(180);

/// Covers both mounts, `/api/v1` and `/api`.
const REFRESH_PATH: &str = "/api";

/// The tokens of a login or refresh.
#[derive(Clone)]
pub struct TokenPair {
    pub access: String,
    pub refresh: String,
}

/// The double-submit token; readable, and gone with the browser's session.
pub fn csrf(settings: &CookieSettings, token: String) -> Cookie<'static> {
    let mut cookie = cookie(settings, CSRF, token, "/");
    cookie.set_http_only(false);
    cookie
}

/// By which a browser is known that has logged in before; opens nothing.
pub fn device(settings: &CookieSettings, token: String) -> Cookie<'static> {
    let mut cookie = cookie(settings, DEVICE, token, REFRESH_PATH);
    cookie.set_max_age(DEVICE_LIFE);
    cookie
}

/// Logs the browser in: for its session, or (remembered) for as long as the refresh token lives.
pub fn login(
    settings: &CookieSettings,
    tokens: &TokenSettings,
    pair: &TokenPair,
    remember: bool,
) -> CookieJar {
    let access = cookie(settings, ACCESS, pair.access.clone(), "/");
    let refresh = cookie(settings, REFRESH, pair.refresh.clone(), REFRESH_PATH);
    let jar = CookieJar::new();
    if !remember {
        return jar.add(access).add(refresh).add(gone(settings, REMEMBER, "/"));
    }
    let life = time::Duration::try_from(tokens.refresh_life).unwrap_or(time::Duration::MAX);
    [access, refresh, cookie(settings, REMEMBER, "1".to_owned(), "/")].into_iter().fold(
        jar,
        |jar, mut cookie| {
            cookie.set_max_age(life);
            jar.add(cookie)
        },
    )
}

/// Logs the browser out.
pub fn logout(settings: &CookieSettings) -> CookieJar {
    CookieJar::new()
        .add(gone(settings, ACCESS, "/"))
        .add(gone(settings, REFRESH, REFRESH_PATH))
        .add(gone(settings, REMEMBER, "/"))
}

fn gone(settings: &CookieSettings, name: &'static str, path: &'static str) -> Cookie<'static> {
    let mut cookie = cookie(settings, name, String::new(), path);
    cookie.set_max_age(time::Duration::ZERO);
    cookie
}

fn cookie(
    settings: &CookieSettings,
    name: &'static str,
    value: String,
    path: &'static str,
) -> Cookie<'static> {
    let mut cookie = Cookie::build((name, value))
        .path(path)
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(settings.secure)
        .build();
    if let Some(domain) = &settings.domain {
        cookie.set_domain(domain.clone());
    }
    cookie
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    fn pair() -> TokenPair {
        TokenPair { access: "a".into(), refresh: "r".into() }
    }

    fn of(jar: &CookieJar, name: &str) -> String {
        jar.get(name).unwrap().to_string()
    }

    #[test]
    fn a_session_login_ends_with_the_browser() {
        let config = config();
        let jar = login(&config.cookies, &config.tokens, &pair(), false);
        assert_eq!(of(&jar, ACCESS), "access=a; HttpOnly; SameSite=Lax; Path=/");
        assert_eq!(of(&jar, REFRESH), "refresh=r; HttpOnly; SameSite=Lax; Path=/api");
        assert!(of(&jar, REMEMBER).contains("Max-Age=0"));
    }

    #[test]
    fn a_remembered_login_lives_thirty_days() {
        let config = config();
        let jar = login(&config.cookies, &config.tokens, &pair(), true);
        for name in [ACCESS, REFRESH, REMEMBER] {
            assert!(of(&jar, name).contains("Max-Age=2592000"), "{name}");
        }
    }

    #[test]
    fn logout_clears_each_cookie_where_it_was_set() {
        let jar = logout(&CookieSettings { secure: true, domain: Some("shop.example".into()) });
        let refresh = of(&jar, REFRESH);
        for part in ["Max-Age=0", "Path=/api", "Secure", "Domain=shop.example"] {
            assert!(refresh.contains(part), "{refresh}");
        }
    }

    #[test]
    fn scripts_can_read_the_csrf_cookie_only() {
        assert!(!csrf(&CookieSettings::default(), "t".into()).to_string().contains("HttpOnly"));
    }
}
