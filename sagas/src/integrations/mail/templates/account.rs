//! What we write to somebody about their account.

use super::{Files, Letter, TemplateError, filled};
use serde::Serialize;
use time::{OffsetDateTime, UtcOffset};
use url::Url;

pub(super) const VERIFICATION: Files =
    Files { text: "email_verification.txt", html: "email_verification.html" };
pub(super) const RESET: Files = Files { text: "password_reset.txt", html: "password_reset.html" };
pub(super) const NOTICE: Files = Files { text: "account_notice.txt", html: "account_notice.html" };

/// A secret in two forms: the link, and what can be typed.
#[derive(Clone)]
pub struct Secret {
    /// May be empty: then nobody is addressed by name.
    pub name: String,
    pub link: Url,
    pub code: String,
    pub valid_minutes: u32,
}

#[derive(Serialize)]
struct SecretView<'a> {
    name: &'a str,
    link: &'a str,
    code: &'a str,
    valid_minutes: u32,
}

pub fn email_verification(values: &Secret) -> Result<Letter, TemplateError> {
    filled(&VERIFICATION, "E-posta adresinizi doğrulayın".to_owned(), &view(values))
}

pub fn password_reset(values: &Secret) -> Result<Letter, TemplateError> {
    filled(&RESET, "Yeni parola isteğiniz".to_owned(), &view(values))
}

fn view(values: &Secret) -> SecretView<'_> {
    SecretView {
        name: values.name.trim(),
        link: values.link.as_str(),
        code: &values.code,
        valid_minutes: values.valid_minutes,
    }
}

/// Something that its owner should hear of, in case it was somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    PasswordChanged,
    SessionStolen,
}

#[derive(Serialize)]
struct NoticeView<'a> {
    name: &'a str,
    what: &'static str,
    when: String,
    advice: &'static str,
    link: &'a str,
}

/// `link` leads to where a new password is asked for.
pub fn notice(notice: Notice, name: &str, at: OffsetDateTime, link: &Url) -> Result<Letter, TemplateError> {
    let (subject, what, advice) = match notice {
        Notice::PasswordChanged => (
            "Parolanız değişti",
            "Polikrami Cover hesabınızın parolası değişti; öteki cihazlardaki oturumlar kapatıldı.",
            "Bunu siz yapmadıysanız hemen yeni bir parola isteyin:",
        ),
        Notice::SessionStolen => (
            "Bir oturumunuz güvenlik nedeniyle kapatıldı",
            "Bir cihazınızdaki oturumun anahtarı ikinci kez kullanıldı; başkasının eline geçmiş olabilir. \
             Bu oturumu kapattık.",
            "Yeniden giriş yapabilirsiniz. Kuşkunuz varsa parolanızı değiştirin:",
        ),
    };
    let view = NoticeView { name: name.trim(), what, when: in_turkey(at), advice, link: link.as_str() };
    filled(&NOTICE, subject.to_owned(), &view)
}

/// `27.11.2026 12:05`: Türkiye has had one offset all year since 2016.
fn in_turkey(at: OffsetDateTime) -> String {
    let at = UtcOffset::from_hms(3, 0, 0).map_or(at, |offset| at.to_offset(offset));
    let (date, month) = (at.date(), u8::from(at.month()));
    format!("{:02}.{month:02}.{} {:02}:{:02}", date.day(), date.year(), at.hour(), at.minute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn secret() -> Secret {
        Secret {
            name: "Işık <b>".to_owned(),
            link: "https://polikrami.example/dogrula?t=a&x=1".parse().unwrap(),
            code: "483920".to_owned(),
            valid_minutes: 30,
        }
    }

    #[test]
    fn a_secret_comes_as_link_and_code_in_both_forms() {
        for letter in [email_verification(&secret()).unwrap(), password_reset(&secret()).unwrap()] {
            for form in [&letter.text, &letter.html] {
                assert!(form.contains("483920") && form.contains("30 dakika"), "{form}");
            }
            assert!(letter.text.contains("Merhaba Işık <b>,") && letter.text.contains("?t=a&x=1"));
            assert!(letter.html.contains("Işık &lt;b&gt;") && !letter.html.contains("<b>"));
            assert!(letter.html.contains("t=a&amp;x=1"));
        }
    }

    #[test]
    fn a_notice_says_what_when_and_what_to_do() {
        let link = "https://polikrami.example/forgot-password".parse().unwrap();
        let at = datetime!(2026-11-30 22:05 UTC);
        for kind in [Notice::PasswordChanged, Notice::SessionStolen] {
            let letter = notice(kind, "Ayşe", at, &link).unwrap();
            for form in [&letter.text, &letter.html] {
                assert!(form.contains("01.12.2026 01:05"), "{form}");
                assert!(form.contains("forgot-password") && form.contains("Merhaba Ayşe"), "{form}");
            }
        }
    }
}
