//! Text messages to phones: short, Turkish, and only what the person has asked for.

pub mod twilio;

/// What is sent. `Debug` is left out on purpose: neither number nor code may stand in a log.
pub struct OutgoingText {
    /// E.164.
    pub to: String,
    pub body: String,
}

/// A text that the provider has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What the provider's console is searched by.
    pub id: String,
}

/// The code that proves a number. With a letter that only Turkish has, a message holds 70 characters.
pub fn phone_code(code: &str, minutes: i64) -> String {
    let minutes = minutes.max(1);
    format!("Polikrami doğrulama kodu: {code}. {minutes} dakika geçerlidir.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_one_message_and_says_how_long_it_is_good() {
        let text = phone_code("1234", 10);
        assert_eq!(text, "Polikrami doğrulama kodu: 1234. 10 dakika geçerlidir.");
        assert!(text.encode_utf16().count() <= 70, "it would be billed as two");
        assert!(phone_code("1234", 0).contains(" 1 dakika"));
    }
}
