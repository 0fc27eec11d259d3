//! From a scene to a file. The scene is painted at half the size and enlarged by the image library:
//! an unoptimised development build spends its time here.

use std::io::Cursor;

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, ImageResult, RgbImage};

use super::scene::Scene;

const SHRINK: u32 = 2;
/// What the provider's output filter does to a picture that it does not show.
const FILTER_BLUR: u32 = 48;

/// The same bytes for the same prompt, seed, size and format.
pub(super) fn encoded(
    prompt: &str,
    seed: u32,
    (width, height): (u32, u32),
    format: ImageFormat,
    blurred: bool,
) -> ImageResult<Vec<u8>> {
    let painted = paint(prompt, seed, width / SHRINK, height / SHRINK);
    let source = if blurred {
        painted.resize_exact(width / FILTER_BLUR, height / FILTER_BLUR, FilterType::Triangle)
    } else {
        painted
    };
    let picture = source.resize_exact(width, height, FilterType::CatmullRom);
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format)?;
    Ok(file.into_inner())
}

fn paint(prompt: &str, seed: u32, width: u32, height: u32) -> DynamicImage {
    let scene = Scene::new(prompt, seed, width, height);
    let mut bytes = Vec::with_capacity(3 * (width * height) as usize);
    for y in 0..height {
        scene.row(y, &mut bytes);
    }
    RgbImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_decode_at_their_size_and_depend_on_prompt_and_seed() {
        let size = (256, 384);
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let make = |prompt, seed| encoded(prompt, seed, size, format, false).unwrap();
            let decoded = image::load_from_memory_with_format(&make("a quiet sea", 7), format).unwrap();
            assert_eq!((decoded.width(), decoded.height()), size);
            assert_eq!(make("a quiet sea", 7), make("a quiet sea", 7));
            assert_ne!(make("a quiet sea", 7), make("a quiet sea", 8));
            assert_ne!(make("a quiet sea", 7), make("a loud sea", 7));
        }
    }

    #[test]
    fn a_filtered_picture_has_no_edges() {
        let steepest = |blurred| {
            let bytes = encoded("hills", 1, (512, 768), ImageFormat::Png, blurred).unwrap();
            let luma = image::load_from_memory(&bytes).unwrap().to_luma8();
            luma.as_raw().chunks(512).flat_map(|row| row.windows(2).map(|two| two[0].abs_diff(two[1]))).max()
        };
        assert!(steepest(true).unwrap() * 2 < steepest(false).unwrap());
    }
}
