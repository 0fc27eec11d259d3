use super::*;

const STRONG: [&str; 3] = [
    "9f2c4e8a1b7d6053f1a2c3e4d5b69788",
    "a7c1e5092b4d8f6e3c1a0b9d8e7f6a5b",
    "0d1c2b3a49586776f5e4d3c2b1a09f8e",
];

fn production() -> Source {
    Source::of([
        ("DATABASE_URL", "postgres://u:hunter2@db/polikrami"),
        ("NATS_URL", "nats://queue:4222"),
        ("JWT_ACCESS_SECRET", STRONG[0]),
        ("JWT_REFRESH_SECRET", STRONG[1]),
        ("SERVER_SECRET", STRONG[2]),
        ("APP_URL", "https://api.shop.example"),
        ("SHOP_URL", "https://shop.example"),
        ("ALLOWED_ORIGINS", "https://shop.example"),
        ("IYZICO_API_KEY", "k"),
        ("IYZICO_SECRET_KEY", "s"),
        ("STABILITY_API_KEY", "t"),
        ("TRUSTED_PROXIES", "1"),
        ("EMAIL_FROM", "Kapak <no-reply@shop.example>"),
    ])
}

fn wrong(source: &Source) -> Vec<String> {
    Settings::read(source).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

#[test]
fn production_starts_with_these() {
    assert_eq!(wrong(&production()), Vec::<String>::new());
}

#[test]
fn everything_that_is_wrong_comes_together_with_an_example() {
    let source = production()
        .with("PORT", "abc")
        .with("COOKIE_SECURE", "yes")
        .with("ACCESS_EXPIRES_IN", "900")
        .with("POLIKRAMI_SMTP_PROT", "1")
        .with("DATABASE_URL", "")
        .with("SERVER_SECRET", "short");
    let wrong = wrong(&source);
    assert_eq!(wrong.len(), 6, "{wrong:#?}");
    for expected in [
        "PORT is `abc`, which is not a whole number from 0 to 65535; for example PORT=3000",
        "COOKIE_SECURE is `yes`, which is not `true` or `false`; for example COOKIE_SECURE=true",
        "ACCESS_EXPIRES_IN is `900`, which is not a whole number with a unit, `s`, `m`, `h` or `d`, from 1s to 400d; for example ACCESS_EXPIRES_IN=15m",
        "DATABASE_URL is not set; for example DATABASE_URL=postgres://polikrami:PASSWORD@127.0.0.1:5432/polikrami",
        "SERVER_SECRET has fewer than 32 characters; for example SERVER_SECRET=<a third output of openssl rand -hex 32>",
        "POLIKRAMI_SMTP_PROT is not a setting; did you mean SMTP_PORT?",
    ] {
        assert!(wrong.iter().any(|line| line == expected), "{expected}\n{wrong:#?}");
    }
}

#[test]
fn production_refuses_what_is_safe_on_a_developers_machine_only() {
    let weak = [
        ("JWT_ACCESS_SECRET", "development only: access tokens are signed with this"),
        ("JWT_REFRESH_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("SERVER_SECRET", "short"),
        ("COOKIE_SECURE", "false"),
        ("ACCESS_EXPIRES_IN", "25h"),
        ("DATABASE_URL", "postgres://u:p@db/polikrami?sslmode=disable"),
        ("APP_URL", "http://api.shop.example"),
        ("ALLOWED_ORIGINS", "http://shop.example"),
        ("IYZICO_API_KEY", "sandbox-key"),
        ("TRUSTED_PROXIES", "0"),
        ("EMAIL_FROM", "x@polikrami.example"),
        ("STABILITY_BASE_URL", "http://127.0.0.1:1"),
        ("TWILIO_BASE_URL", "http://127.0.0.1:1"),
    ];
    for (name, value) in weak {
        let wrong = wrong(&production().with(name, value));
        assert!(wrong.len() == 1 && wrong[0].starts_with(name), "{name}: {wrong:#?}");
        let development = production().with(name, value).with("POLIKRAMI_ENV", "development");
        assert_eq!(Settings::read(&development).is_err(), value == "short", "{name}");
    }
}

#[test]
fn a_database_on_this_machine_may_be_asked_in_the_open() {
    for here in ["localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql"] {
        let url = format!("postgres://u:p@{here}/polikrami?sslmode=disable");
        assert_eq!(wrong(&production().with("DATABASE_URL", url)), Vec::<String>::new(), "{here}");
    }
    let elsewhere = "postgres://u:p@localhost/polikrami?host=db&sslmode=disable";
    assert_eq!(wrong(&production().with("DATABASE_URL", elsewhere)).len(), 1);
}

#[test]
fn an_old_name_is_refused_with_the_new_one() {
    let source = production().with("SMTP_TLS_INSECURE", "true").with("CORS_ORIGIN", "https://a.example");
    let wrong = wrong(&source);
    assert_eq!(wrong.len(), 2, "{wrong:#?}");
    assert!(wrong[0].starts_with("SMTP_TLS_INSECURE is not read any more; remove it, and set SMTP_SECURITY"));
    assert!(wrong[1].ends_with("set ALLOWED_ORIGINS"), "{wrong:#?}");
}

#[test]
fn every_example_can_be_used() {
    let examples =
        GROUPS.iter().flat_map(|group| group.settings).map(|setting| (setting.name, setting.example));
    let wrong = wrong(&Source::of(examples).with("POLIKRAMI_ENV", "development"));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn mail_without_protection_stays_on_this_machine() {
    let far = production().with("SMTP_SECURITY", "plain-loopback").with("SMTP_HOST", "mail.example");
    assert!(wrong(&far)[0].starts_with("SMTP_SECURITY"));
    assert_eq!(wrong(&far.with("SMTP_HOST", "localhost")), Vec::<String>::new());
}

#[test]
fn text_messages_need_all_of_their_settings_or_none() {
    assert_eq!(wrong(&production().with("SMS_PROVIDER", "none")), Vec::<String>::new());
    let twilio = production().with("SMS_PROVIDER", "twilio");
    let missing = wrong(&twilio);
    assert_eq!(missing.len(), 3, "{missing:#?}");
    for name in ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"] {
        assert!(missing.iter().any(|line| line.starts_with(&format!("{name} is not set"))), "{missing:#?}");
    }
    let whole = twilio
        .with("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef")
        .with("TWILIO_AUTH_TOKEN", "t")
        .with("TWILIO_FROM", "+15005550006");
    assert_eq!(wrong(&whole), Vec::<String>::new());
    for sid in [
        "AC0123456789abcdef0123456789abcde",
        "AC../../../../../../../../../../..",
        "SM0123456789abcdef0123456789abcdef",
    ] {
        let wrong = wrong(&whole.clone().with("TWILIO_ACCOUNT_SID", sid));
        assert!(wrong.len() == 1 && wrong[0].starts_with("TWILIO_ACCOUNT_SID"), "{sid}: {wrong:#?}");
    }
    assert!(wrong(&production().with("SMS_PROVIDER", "mock"))[0].contains("`twilio` `none`"));
}

#[test]
fn no_secret_is_ever_shown() {
    let source = production()
        .with("SMTP_USER", "u")
        .with("SMTP_PASS", "hunter2-pass")
        .with("TWILIO_AUTH_TOKEN", "hunter2-token")
        .with("DATABASE_URL", "nats://hunter2");
    let shown =
        format!("{:?} {} {:?}", Settings::read(&source), text::used(&source), Settings::read(&production()));
    for secret in STRONG.into_iter().chain(["hunter2"]) {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_file_that_cannot_be_read_keeps_its_secrets() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "PORT=3000\nSMTP_PASS=correct horse\n").unwrap();
    let error = Source::environment(Some(file.path())).unwrap_err();
    let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error).map(ToString::to_string));
    assert!(shown.contains("line 2") && !shown.contains("horse"), "{shown}");
}

#[test]
fn the_example_can_be_used_line_by_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let all: String = text::example()
        .lines()
        .filter_map(|line| {
            let line = line.strip_prefix("# ").unwrap_or(line);
            let is_setting = line.split_once('=').is_some_and(|(name, _)| names().contains(&name));
            is_setting.then(|| format!("{line}\n"))
        })
        .collect();
    std::fs::write(file.path(), all).unwrap();
    let source = Source::environment(Some(file.path())).unwrap();
    assert_eq!(source.get("EMAIL_FROM"), Some("Polikrami Kapak <no-reply@polikrami.example>"));
}

#[test]
fn the_example_names_every_setting_and_is_up_to_date() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../.env.example");
    let there = std::fs::read_to_string(file).unwrap_or_default();
    assert!(there == text::example(), "run `polikrami config example > .env.example`");
}
