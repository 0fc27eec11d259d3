//! The few pages that this API shows to people itself: plain HTML, no script, nothing from elsewhere.

use crate::extract::Locale;

/// What the page behind the mailed link says.
#[derive(Debug, Clone, Copy)]
pub enum VerifyPage<'a> {
    Ask { token: &'a str, csrf: &'a str },
    Done { shop: &'a str },
    Refused { shop: &'a str },
}

/// The whole page.
pub fn verify(page: &VerifyPage<'_>, locale: Locale) -> String {
    let (title, text) = texts(page, locale);
    let action = match page {
        VerifyPage::Ask { token, csrf } => format!(
            "<form method=\"post\" action=\"/verify-email\">\
             <input type=\"hidden\" name=\"token\" value=\"{}\">\
             <input type=\"hidden\" name=\"csrf\" value=\"{}\">\
             <button type=\"submit\">{}</button></form>",
            escaped(token),
            escaped(csrf),
            title,
        ),
        VerifyPage::Done { shop } | VerifyPage::Refused { shop } => {
            format!("<p><a href=\"{}\">{}</a></p>", escaped(shop), to_shop(locale))
        }
    };
    format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>{title} – Polikrami Cover</title>\
         <style>{STYLE}</style></head><body><main><h1>{title}</h1><p>{text}</p>{action}</main></body></html>",
        locale.tag(),
    )
}

const STYLE: &str = "body{font-family:system-ui,sans-serif;background:#f6f4f0;color:#222;margin:0}\
    main{max-width:28rem;margin:15vh auto;padding:2rem;background:#fff;border-radius:12px;text-align:center}\
    button{font:inherit;padding:.75rem 1.5rem;border:0;border-radius:8px;background:#7a1f3d;color:#fff;\
    cursor:pointer}a{color:#7a1f3d}";

fn texts(page: &VerifyPage<'_>, locale: Locale) -> (&'static str, &'static str) {
    match (page, locale) {
        (VerifyPage::Ask { .. }, Locale::Tr) => {
            ("E-posta adresimi doğrula", "Adresinizi doğrulamak için düğmeye basın.")
        }
        (VerifyPage::Ask { .. }, Locale::En) => {
            ("Verify my e-mail address", "Press the button to verify your address.")
        }
        (VerifyPage::Done { .. }, Locale::Tr) => {
            ("Adresiniz doğrulandı", "Teşekkürler! Artık alışverişe devam edebilirsiniz.")
        }
        (VerifyPage::Done { .. }, Locale::En) => {
            ("Your address is verified", "Thank you! You can go on shopping now.")
        }
        (VerifyPage::Refused { .. }, Locale::Tr) => (
            "Bağlantı geçerli değil",
            "Bağlantının süresi dolmuş ya da bağlantı hatalı. Yenisini isteyebilirsiniz.",
        ),
        (VerifyPage::Refused { .. }, Locale::En) => {
            ("This link is not valid", "It has expired or is wrong. You can ask for a new one.")
        }
    }
}

fn to_shop(locale: Locale) -> &'static str {
    match locale {
        Locale::Tr => "Mağazaya dön",
        Locale::En => "Back to the shop",
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_cannot_break_out_of_its_attribute() {
        let page = verify(&VerifyPage::Ask { token: "\"><script>", csrf: "c" }, Locale::En);
        assert!(page.contains("&quot;&gt;&lt;script&gt;"));
        assert!(!page.contains("<script"));
    }
}
