//! Just enough of a browser to pay: reads a form off a page and posts it.

use super::DemoError;
use reqwest::{Client, Url, header};

/// A form as a browser sees it: where it goes, and its fields with their present values.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    pub action: Url,
    pub fields: Vec<(String, String)>,
}

/// A page that was opened.
pub struct Page {
    pub url: Url,
    pub html: String,
}

pub async fn open(client: &Client, url: Url) -> Result<Page, DemoError> {
    let answer = client.get(url.clone()).send().await?.error_for_status()?;
    Ok(Page { url, html: answer.text().await? })
}

/// Posts the form and answers the next page.
pub async fn submit(client: &Client, form: &Form) -> Result<Page, DemoError> {
    let answer = client.post(form.action.clone()).form(&form.fields).send().await?.error_for_status()?;
    Ok(Page { url: form.action.clone(), html: answer.text().await? })
}

/// Posts the form that leaves the provider for the shop, and answers where the shop sends the browser.
pub async fn leave(client: &Client, form: &Form) -> Result<Url, DemoError> {
    let answer = client
        .post(form.action.clone())
        // Browsers call a page of another site with its origin; a cross-site form may send `null`.
        .header(header::ORIGIN, "null")
        .form(&form.fields)
        .send()
        .await?;
    let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let Some(location) = location else {
        return Err(DemoError::unexpected("the callback did not send the browser back to the shop"));
    };
    form.action.join(location).map_err(|_| DemoError::unexpected("the callback's Location is no address"))
}

impl Form {
    pub fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The form with this id.
    pub fn find(page: &Page, id: &str) -> Result<Self, DemoError> {
        let missing = || DemoError::unexpected(format!("the page {} has no form `{id}`", page.url));
        let marker = format!("id=\"{id}\"");
        let at = page.html.find(&marker).ok_or_else(missing)?;
        let start = page.html[..at].rfind("<form").ok_or_else(missing)?;
        let end = page.html[start..].find("</form>").map(|length| start + length).ok_or_else(missing)?;
        let form = &page.html[start..end];
        let head = &form[..form.find('>').ok_or_else(missing)?];
        let action = attribute(head, "action").unwrap_or_default();
        let action = page.url.join(&action).map_err(|_| missing())?;
        let fields = form
            .split("<input")
            .skip(1)
            .filter_map(|input| {
                let tag = &input[..input.find('>')?];
                Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
            })
            .collect();
        Ok(Self { action, fields })
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let end = start + tag[start..].find('"')?;
    let text = &tag[start..end];
    Some(
        text.replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&#39;", "'")
            .replace("&amp;", "&"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_with_its_hidden_fields() {
        let html = r#"<form id="other" action="/x"></form>
            <form method="post" id="threeds-form" action="/checkout/t/3ds?a=1&amp;b=2">
            <input type="hidden" name="token" value="a&quot;b"><input name="code"></form>"#;
        let url = Url::parse("http://127.0.0.1:1/checkout/t").unwrap();
        let form = Form::find(&Page { url, html: html.into() }, "threeds-form").unwrap();
        assert_eq!(form.action.as_str(), "http://127.0.0.1:1/checkout/t/3ds?a=1&b=2");
        assert_eq!(form.field("token"), Some("a\"b"));
        assert_eq!(form.field("code"), Some(""));
    }
}
