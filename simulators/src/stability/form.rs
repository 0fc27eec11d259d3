//! The multipart fields of a generation and their bounds.

use axum::extract::multipart::{Multipart, MultipartError};
use axum::http::StatusCode;
use image::ImageFormat;

use super::refusal::Refusal;
use crate::world;

const PROMPT_LETTERS_MAX: usize = 10_000;
const SEED_MAX: u32 = 4_294_967_294;
const STYLES: &[&str] = &[
    "3d-model",
    "analog-film",
    "anime",
    "cinematic",
    "comic-book",
    "digital-art",
    "enhance",
    "fantasy-art",
    "isometric",
    "line-art",
    "low-poly",
    "modeling-compound",
    "neon-punk",
    "origami",
    "photographic",
    "pixel-art",
    "tile-texture",
];

/// Ratio and the size that the model makes of it: about 1.5 megapixels, except for the square.
const SIZES: &[(&str, (u32, u32))] = &[
    ("1:1", (1536, 1536)),
    ("16:9", (1664, 936)),
    ("21:9", (1904, 816)),
    ("2:3", (1024, 1536)),
    ("3:2", (1536, 1024)),
    ("4:5", (1120, 1400)),
    ("5:4", (1400, 1120)),
    ("9:16", (936, 1664)),
    ("9:21", (816, 1904)),
];

/// Flagged by the input filter. The last one is answered without an id, as has been seen.
const FLAGGED: &[(&str, bool)] =
    &[("[flagged]", true), ("nsfw", true), ("nude", true), ("gore", true), ("[flagged-noid]", false)];
const FOREIGN: &str = "[xx]";

/// A request within bounds.
#[derive(Debug)]
pub(super) struct Order {
    pub prompt: String,
    pub seed: u32,
    pub size: (u32, u32),
    pub format: ImageFormat,
}

#[derive(Default)]
struct Fields {
    prompt: Option<String>,
    negative_prompt: Option<String>,
    aspect_ratio: Option<String>,
    seed: Option<String>,
    output_format: Option<String>,
    style_preset: Option<String>,
}

/// Reads the parts. Unknown ones are ignored: the docs' own samples send an empty dummy part.
pub(super) async fn read(mut parts: Multipart) -> Result<Order, Refusal> {
    let mut fields = Fields::default();
    while let Some(part) = parts.next_field().await.map_err(|error| unreadable(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        let text = part.text().await.map_err(|error| unreadable(&error))?;
        match name.as_str() {
            "prompt" => fields.prompt = Some(text),
            "negative_prompt" => fields.negative_prompt = Some(text),
            "aspect_ratio" => fields.aspect_ratio = Some(text),
            "seed" => fields.seed = Some(text),
            "output_format" => fields.output_format = Some(text),
            "style_preset" => fields.style_preset = Some(text),
            _ => {}
        }
    }
    let order = check(fields)?;
    moderate(&order.prompt)?;
    Ok(order)
}

fn unreadable(error: &MultipartError) -> Refusal {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Refusal::TooLarge;
    }
    Refusal::bad(format!("body: {}", error.body_text()))
}

fn check(fields: Fields) -> Result<Order, Refusal> {
    let mut errors = Vec::new();
    let prompt = fields.prompt.unwrap_or_default();
    if prompt.is_empty() || prompt.chars().count() > PROMPT_LETTERS_MAX {
        errors.push(format!("prompt: must be between 1 and {PROMPT_LETTERS_MAX} characters"));
    }
    if fields.negative_prompt.is_some_and(|text| text.chars().count() > PROMPT_LETTERS_MAX) {
        errors.push(format!("negative_prompt: cannot exceed {PROMPT_LETTERS_MAX} characters"));
    }
    let ratio = fields.aspect_ratio.unwrap_or_else(|| "1:1".to_owned());
    let size = SIZES.iter().find(|(known, _)| *known == ratio).map(|(_, size)| *size);
    if size.is_none() {
        errors.push("aspect_ratio: invalid enum value".to_owned());
    }
    let seed = fields.seed.map_or(Some(0), |text| text.parse().ok().filter(|seed| *seed <= SEED_MAX));
    if seed.is_none() {
        errors.push(format!("seed: must be a whole number between 0 and {SEED_MAX}"));
    }
    let format = match fields.output_format.as_deref() {
        None | Some("png") => Some(ImageFormat::Png),
        Some("jpeg") => Some(ImageFormat::Jpeg),
        Some("webp") => Some(ImageFormat::WebP),
        Some(_) => None,
    };
    if format.is_none() {
        errors.push("output_format: must be one of png, jpeg, webp".to_owned());
    }
    if fields.style_preset.is_some_and(|style| !STYLES.contains(&style.as_str())) {
        errors.push("style_preset: invalid enum value".to_owned());
    }
    match (size, seed, format) {
        (Some(size), Some(seed), Some(format)) if errors.is_empty() => {
            let seed = if seed == 0 { world::seed() } else { seed };
            Ok(Order { prompt, seed, size, format })
        }
        _ => Err(Refusal::BadRequest(errors)),
    }
}

fn moderate(prompt: &str) -> Result<(), Refusal> {
    let lower = prompt.to_lowercase();
    let words: Vec<&str> =
        lower.split(|letter: char| letter.is_whitespace() || ",.;!?".contains(letter)).collect();
    if let Some((_, with_id)) = FLAGGED.iter().find(|(flagged, _)| words.contains(flagged)) {
        return Err(Refusal::Moderated { with_id: *with_id });
    }
    if prompt.contains(FOREIGN) { Err(Refusal::Unprocessable) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(prompt: &str) -> Fields {
        Fields { prompt: Some(prompt.to_owned()), ..Fields::default() }
    }

    #[test]
    fn absent_fields_have_the_published_defaults() {
        let order = check(fields("a lighthouse")).unwrap();
        assert_eq!((order.size, order.format), ((1536, 1536), ImageFormat::Png));
        assert_ne!(order.seed, 0);
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = Fields {
            prompt: None,
            negative_prompt: Some("x".repeat(10_001)),
            aspect_ratio: Some("2:5".to_owned()),
            seed: Some("4294967295".to_owned()),
            output_format: Some("gif".to_owned()),
            style_preset: Some("oil".to_owned()),
        };
        let Err(Refusal::BadRequest(errors)) = check(wrong) else { panic!("accepted") };
        assert_eq!(errors.len(), 6);
    }

    #[test]
    fn filters_look_at_words() {
        assert_eq!(moderate("a gorgeous hill"), Ok(()));
        assert_eq!(moderate("Gore, please"), Err(Refusal::Moderated { with_id: true }));
        assert_eq!(moderate("[flagged-noid]"), Err(Refusal::Moderated { with_id: false }));
        assert_eq!(moderate("[xx] bir deniz feneri"), Err(Refusal::Unprocessable));
    }
}
