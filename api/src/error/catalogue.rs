//! What the codes say, in both languages. A new code gets its line here; a missing one falls back to its status.

use super::FieldError;
use crate::extract::Locale;
use axum::http::StatusCode;

/// code, Turkish, English
type Line = (&'static str, &'static str, &'static str);

/// The text of a problem.
pub fn text(code: &str, status: StatusCode, locale: Locale) -> &'static str {
    find(PROBLEMS, code, locale).unwrap_or_else(|| title(status, locale))
}

/// The text of one field's error.
pub fn field_text(error: &FieldError, locale: Locale) -> String {
    let text = find(FIELDS, error.code, locale).unwrap_or(match locale {
        Locale::Tr => "Geçersiz değer",
        Locale::En => "Invalid value",
    });
    match &error.value {
        Some(value) => text.replace("{}", value),
        None => text.to_owned(),
    }
}

/// The status in words.
pub fn title(status: StatusCode, locale: Locale) -> &'static str {
    let (turkish, english) = match status.as_u16() {
        400 => ("Geçersiz istek", "Bad Request"),
        401 => ("Oturum gerekli", "Unauthorized"),
        402 => ("Yetersiz bakiye", "Payment Required"),
        403 => ("Erişim reddedildi", "Forbidden"),
        404 => ("Bulunamadı", "Not Found"),
        405 => ("Yönteme izin verilmiyor", "Method Not Allowed"),
        409 => ("Çakışma", "Conflict"),
        408 => ("İstek zaman aşımına uğradı", "Request Timeout"),
        412 => ("Ön koşul sağlanmadı", "Precondition Failed"),
        413 => ("İstek çok büyük", "Payload Too Large"),
        415 => ("Desteklenmeyen içerik türü", "Unsupported Media Type"),
        429 => ("Çok fazla istek", "Too Many Requests"),
        503 => ("Hizmet şu anda kullanılamıyor", "Service Unavailable"),
        _ if status.is_client_error() => ("İstek işlenemedi", "Request not processed"),
        _ => ("Sunucu hatası", "Internal Server Error"),
    };
    pick(turkish, english, locale)
}

fn find(lines: &[Line], code: &str, locale: Locale) -> Option<&'static str> {
    lines
        .iter()
        .find(|(known, _, _)| *known == code)
        .map(|(_, turkish, english)| pick(turkish, english, locale))
}

fn pick(turkish: &'static str, english: &'static str, locale: Locale) -> &'static str {
    match locale {
        Locale::Tr => turkish,
        Locale::En => english,
    }
}

#[rustfmt::skip]
const PROBLEMS: &[Line] = &[
    // The edge.
    ("validation_failed", "Bazı alanlar geçersiz.", "Some fields are not valid."),
    ("unknown_field", "İstekte bilinmeyen bir alan var.", "The request has an unknown field."),
    ("malformed_json", "JSON okunamadı.", "The JSON cannot be read."),
    ("malformed_body", "İstek gövdesi okunamadı.", "The body cannot be read."),
    ("invalid_characters", "Adreste izin verilmeyen bir karakter var.", "The address has a character that is not allowed."),
    ("invalid_query", "Sorgu parametreleri geçersiz.", "The query parameters are not valid."),
    ("invalid_idempotency_key", "Idempotency-Key 1-255 karakter olmalı.", "Idempotency-Key must have 1 to 255 characters."),
    ("idempotency_key_reused", "Bu Idempotency-Key başka bir istek için kullanıldı.", "This Idempotency-Key was used for another request."),
    ("precondition_failed", "Bu kayıt bu sırada değişti; yeniden bakıp tekrar deneyin.", "This was changed meanwhile; look at it again, then try again."),
    ("request_timeout", "İstek zamanında gelmedi.", "The request did not come in time."),
    ("idempotency_in_progress", "Bu Idempotency-Key ile gönderilen ilk istek sürüyor, birazdan tekrar deneyin.", "The first request with this Idempotency-Key still runs; try again in a moment."),
    ("bad_request", "İstek anlaşılamadı.", "The request cannot be understood."),
    ("range_not_satisfiable", "İstenen aralık dosyada yok.", "The file does not have this range."),
    ("unauthorized", "Lütfen giriş yapın.", "Please log in."),
    ("forbidden", "Bunun için yetkiniz yok.", "You may not do this."),
    ("rate_limited", "Çok fazla istek gönderildi. Lütfen biraz sonra tekrar deneyin.", "Too many requests. Please try again later."),
    ("login_locked", "Çok fazla başarısız deneme. Lütfen daha sonra tekrar deneyin.", "Too many failed attempts. Please try again later."),
    ("csrf_token_invalid", "CSRF doğrulaması başarısız.", "CSRF token invalid"),
    ("cors_not_allowed", "Bu kaynaktan erişime izin verilmiyor.", "CORS not allowed"),
    ("route_not_found", "Böyle bir adres yok.", "There is no such route."),
    ("password_changed_meanwhile", "Parola bu sırada değiştirildi.", "The password was changed meanwhile."),
    ("session_not_found", "Böyle bir oturum yok.", "There is no such session."),
    ("not_found", "Bulunamadı.", "Not found."),
    ("file_not_found", "Dosya bulunamadı.", "There is no such file."),
    ("method_not_allowed", "Bu adres bu yöntemi desteklemiyor.", "This route does not know this method."),
    ("payload_too_large", "İstek gövdesi çok büyük.", "The body is too large."),
    ("multipart_expected", "Content-Type multipart/form-data olmalı.", "Content-Type must be multipart/form-data."),
    ("unsupported_media_type", "Content-Type application/json olmalı.", "Content-Type must be application/json."),
    ("position_ahead", "Kayıt henüz bu konuma gelmedi; konum başka bir sistemden olmalı.", "The journal has not come to this position; it must be of another system."),
    ("not_yet_visible", "Değişiklik henüz görünür değil, birazdan tekrar deneyin.", "The change is not visible yet; try again in a moment."),
    ("contended", "Aynı anda başka bir işlem yapıldı, tekrar deneyin.", "Something else was changed at the same time; try again."),
    ("busy", "Sistem yoğun, birazdan tekrar deneyin.", "The system is busy; try again in a moment."),
    ("timeout", "İstek zamanında tamamlanamadı.", "The request was not finished in time."),
    ("not_ready", "Hizmet henüz hazır değil.", "The service is not ready."),
    ("internal", "Beklenmeyen bir hata oluştu.", "Internal Server Error"),
    ("already_taken", "Bu değer zaten kullanımda.", "This is taken already."),
    // Accounts.
    ("email_in_use", "Bu e-posta adresi zaten kullanımda.", "Email already in use"),
    ("invalid_credentials", "E-posta ya da parola hatalı.", "Invalid credentials"),
    ("invalid_refresh", "Oturumun süresi doldu, lütfen yeniden giriş yapın.", "Invalid refresh"),
    ("refresh_reuse_detected", "Güvenlik nedeniyle oturum kapatıldı.", "Refresh reuse detected"),
    ("account_not_found", "Kullanıcı bulunamadı.", "User not found"),
    ("account_already_registered", "Bu hesap zaten kayıtlı.", "This account is already registered."),
    ("revenue_share_required", "Tasarımcılar gelir paylaşımını kabul etmelidir.", "Revenue share must be accepted for designer role"),
    ("verification_invalid", "Doğrulama bağlantısı geçersiz; yenisini isteyin.", "The link is not valid; ask for a new one."),
    ("verification_expired", "Doğrulama bağlantısının süresi doldu; yenisini isteyin.", "The link has expired; ask for a new one."),
    ("reset_invalid", "Kod ya da bağlantı geçersiz; yenisini isteyin.", "The code or link is not valid; ask for a new one."),
    ("reset_expired", "Kodun ya da bağlantının süresi doldu; yenisini isteyin.", "The code or link has expired; ask for a new one."),
    ("reset_code_locked", "Çok fazla hatalı kod girildi. E-postadaki bağlantıyı kullanın.", "Too many wrong codes. Use the link in the mail."),
    ("phone_code_invalid", "Kod geçersiz; yenisini isteyin.", "The code is not valid; ask for a new one."),
    ("phone_code_expired", "Kodun süresi doldu; yenisini isteyin.", "The code has expired; ask for a new one."),
    ("phone_code_locked", "Çok fazla hatalı kod girildi. Lütfen daha sonra tekrar deneyin.", "Too many wrong codes. Please try again later."),
    ("phone_verification_disabled", "Telefon doğrulaması şu anda kullanılamıyor.", "Phone numbers cannot be verified here."),
    ("provider_disabled", "Bu doğrulama yöntemi kullanılmıyor.", "This way of verification is not offered."),
    // Addresses.
    ("address_not_found", "Adres bulunamadı veya size ait değil.", "There is no such address."),
    ("address_limit_reached", "Kayıtlı adres sınırına ulaştınız.", "No more addresses can be saved."),
    // Wallet.
    ("insufficient_credits", "Yeterli krediniz yok.", "INSUFFICIENT_CREDITS"),
    ("no_credits", "Kredi sayısı sıfırdan büyük olmalı.", "A number of credits must be above zero."),
    ("credits_not_reserved", "Bu iş için ayrılmış kredi yok.", "This job has no reservation, or not enough of it is left."),
    // AI jobs.
    ("ai_job_not_found", "Görsel üretim işi bulunamadı.", "There is no such AI job."),
    ("ai_job_already_exists", "Bu görsel üretim işi zaten var.", "This AI job exists already."),
    ("prompt_length", "Açıklama çok kısa ya da çok uzun.", "The prompt is too short or too long."),
    ("picture_count", "Görsel sayısı geçersiz.", "The number of pictures is not valid."),
    ("no_such_picture", "Böyle bir görsel yok.", "There is no such picture."),
    ("picture_attempts_used_up", "Bu görsel için deneme hakkı kalmadı.", "No attempt is left for this picture."),
    ("picture_settled", "Bu görsel zaten sonuçlandı.", "This picture is settled already."),
    // Drafts.
    ("draft_not_found", "Taslak bulunamadı.", "There is no such draft."),
    ("draft_already_exists", "Bu taslak zaten var.", "This draft exists already."),
    ("draft_already_committed", "Bu taslak siparişe dönüştürüldü.", "This draft has become an order."),
    ("draft_canceled", "Bu taslak iptal edildi.", "This draft was cancelled."),
    ("store_unavailable", "Şu an hizmet veremiyoruz, birazdan tekrar deneyin.", "We cannot answer just now; try again in a moment."),
    ("draft_changed", "Bu taslak bu sırada değişti; yeniden bakıp sipariş verin.", "This draft was changed meanwhile; look at it again, then order."),
    ("draft_busy", "Bu taslak için görsel üretiliyor.", "DRAFT_BUSY"),
    ("draft_not_by_ai", "Bu taslak yapay zekâ ile hazırlanmıyor.", "This draft is not made by AI."),
    ("generation_price_changed", "Üretim fiyatı değişti, tekrar deneyin.", "The price of a generation has changed; try again."),
    ("draft_picture_missing", "Önce bir görsel seçin.", "Select a picture first."),
    ("draft_message_card_missing", "Mesaj kartı eksik.", "The message card is missing."),
    ("draft_shipping_missing", "Teslimat adresi eksik.", "The shipping address is missing."),
    // Orders and payments.
    ("order_not_found", "Sipariş bulunamadı.", "There is no such order."),
    ("order_already_exists", "Bu sipariş zaten var.", "This order exists already."),
    ("order_total_mismatch", "Sipariş tutarı kalemlerle uyuşmuyor.", "The total does not fit the lines."),
    ("order_already_paid", "Sipariş zaten ödendi.", "The order is paid already."),
    ("order_canceled", "Sipariş iptal edildi.", "The order was cancelled."),
    ("order_cancel_not_possible", "Sipariş artık iptal edilemez.", "The order cannot be cancelled any more."),
    ("order_not_paid", "Sipariş ödenmedi.", "The order is not paid."),
    ("payment_in_progress", "Bu sipariş için bir ödeme sürüyor.", "A payment of this order is in progress."),
    ("payment_wrong_amount", "Tutar uyuşmuyor.", "The amount does not fit."),
    ("payment_not_found", "Ödeme bulunamadı.", "There is no such payment."),
    ("payment_already_exists", "Bu ödeme zaten var.", "This payment exists already."),
    ("payment_already_captured", "Ödeme zaten alındı.", "The payment is captured already."),
    ("payment_not_captured", "Ödeme alınmadı.", "The payment is not captured."),
    ("payment_closed", "Ödeme kapandı.", "The payment is closed."),
    ("history_too_long", "Bu geçmişte tek yanıta sığmayacak kadar çok olay var; daha erken bir an için as_of ile isteyin.", "This history has more than 10,000 events; ask for it as_of an earlier moment."),
    ("invoice_not_found", "Fatura bulunamadı.", "There is no such invoice."),
    ("invoice_not_filed", "Faturanın PDF dosyası hazırlanıyor, birazdan tekrar deneyin.", "The PDF of this invoice is being made; try again in a moment."),
    ("message_card_not_published", "Bu mesaj kartı satışta değil.", "This message card is not published."),
    ("no_earlier_generation", "Bu taslak için daha önce görsel üretilmedi.", "No pictures were made for this draft before."),
    ("image_not_found", "Görsel bulunamadı.", "There is no such picture."),
    ("original_not_paid", "Özgün görsel, siparişi ödendikten sonra indirilebilir.", "The original can be downloaded once the order that prints it is paid."),
    ("buyer_name_missing", "Ödeme için adınızı ve soyadınızı girin.", "Enter your name to pay."),
    ("unknown_payment_token", "Bu ödeme tanınmıyor.", "This payment token is unknown."),
    ("invalid_signature", "İmza geçersiz.", "The signature is not valid."),
    ("message_card_not_found", "Mesaj kartı bulunamadı.", "There is no such message card."),
];

#[rustfmt::skip]
const FIELDS: &[Line] = &[
    ("required", "Zorunlu alan", "Required"),
    ("unknown_field", "Bilinmeyen alan", "Unknown field"),
    ("invalid_value", "Geçersiz değer", "Invalid value"),
    ("invalid_id", "Geçersiz kimlik", "Invalid id"),
    ("too_short", "En az {} karakter olmalı", "At least {} characters"),
    ("too_long", "En fazla {} karakter olabilir", "At most {} characters"),
    ("too_small", "En az {} olmalı", "At least {}"),
    ("too_large", "En fazla {} olabilir", "At most {}"),
    ("limit_out_of_range", "Sayfa boyutu aralık dışında", "The page size is out of range"),
    ("page_out_of_range", "Sayfa numarası aralık dışında", "The page number is out of range"),
    ("token_or_code", "Ya bağlantıdaki anahtar ya da e-posta ile kod gönderilmeli", "Send either the link's token, or e-mail and code"),
    ("reset_code_form", "Kod dört rakamdan oluşur", "The code has four digits"),
    ("phone_code_form", "Kod dört rakamdan oluşur", "The code has four digits"),
    ("phone_invalid", "Geçerli bir telefon numarası girin", "Enter a valid phone number"),
    ("name_invalid", "Yalnızca harf, boşluk, kesme işareti, tire ve nokta kullanın", "Use only letters, spaces, apostrophes, hyphens and dots"),
    ("country_unknown", "Ülkenin iki harfli kodunu girin", "Enter the country's code of two letters"),
    ("province_unknown", "Listeden bir il seçin", "Choose one of the provinces"),
    ("postal_code_invalid", "Geçerli bir posta kodu girin", "Enter a valid postal code"),
    ("place_mismatch", "Bu yer, adresin geri kalanıyla uyuşmuyor", "This place does not fit the rest of the address"),
    ("values_differ", "Aynı alanın iki adı farklı değerler taşıyor", "Two names of one field have different values"),
    ("address_incomplete", "Bu adreste ilçe eksik", "This address has no district"),
    ("address_abroad", "Yalnızca Türkiye içine teslimat yapıyoruz", "We deliver within Türkiye alone"),
    ("picture_format", "PNG, JPEG ya da WebP yükleyin", "Upload a PNG, JPEG or WebP"),
    ("picture_dimensions", "Görsel çok büyük", "The picture has too many pixels"),
    ("picture_broken", "Görsel okunamadı", "The picture cannot be read"),
    ("too_many_bytes", "En fazla {} bayt olabilir", "At most {} bytes"),
    ("picture_count", "1 ile 4 arasında olmalı", "Must be between 1 and 4"),
    ("email_invalid", "Geçerli bir e-posta adresi girin", "Enter a valid e-mail address"),
    ("password_too_short", "Parola en az 8 karakter olmalı", "The password needs at least 8 characters"),
    ("password_too_long", "Parola en fazla 128 karakter olabilir", "The password may have at most 128 characters"),
    ("password_upper_missing", "Parola en az bir büyük harf (A-Z) içermeli", "The password needs an upper-case letter (A-Z)"),
    ("password_lower_missing", "Parola en az bir küçük harf (a-z) içermeli", "The password needs a lower-case letter (a-z)"),
    ("password_digit_missing", "Parola en az bir rakam içermeli", "The password needs a digit"),
    ("password_special_missing", "Parola en az bir özel karakter içermeli", "The password needs a special character"),
    ("password_common", "Bu parola çok yaygın", "This password is too common"),
    ("passwords_differ", "Parolalar eşleşmiyor", "The passwords differ"),
    ("current_password_wrong", "Mevcut parola yanlış", "The current password is wrong"),
    ("password_unchanged", "Yeni parola eskisiyle aynı olamaz", "The new password must be another one"),
    ("terms_not_accepted", "Kullanım koşullarını kabul edin", "Terms must be accepted"),
    ("privacy_not_accepted", "Gizlilik politikasını kabul edin", "Privacy policy must be accepted"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_speaks_both_languages_and_an_unknown_one_its_status() {
        let conflict = StatusCode::CONFLICT;
        assert_eq!(text("email_in_use", conflict, Locale::En), "Email already in use");
        assert!(text("email_in_use", conflict, Locale::Tr).contains("zaten"));
        assert_eq!(text("never_heard_of", conflict, Locale::En), "Conflict");
    }

    #[test]
    fn a_fields_text_takes_its_value() {
        let error = FieldError { field: "name".into(), code: "too_short", value: Some("2".into()) };
        assert_eq!(field_text(&error, Locale::En), "At least 2 characters");
    }
}
