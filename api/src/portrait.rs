//! Pictures of people: untrusted bytes in, one small square JPEG out, without anything that the camera wrote beside it.
//!
//! Decoders may panic and may take memory: they run off the async threads, few at a time, within limits.

mod places;

use crate::Problem;
use bytes::Bytes;
use domain::AccountId;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use places::{Place, Places};
use std::io::Cursor;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Of the file as it is sent.
pub const BYTES_MAX: usize = 5 * 1024 * 1024;
/// Width and height of what is kept.
pub const SIDE: u32 = 256;
const SIDE_MAX: u32 = 8_192;
const PIXELS_MAX: u64 = 25_000_000;
const MEMORY_BYTES_MAX: u64 = 128 * 1024 * 1024;
const JPEG_QUALITY: u8 = 85;
/// Pictures decoded at once; each may hold `MEMORY_BYTES_MAX`, twice while it is turned.
const DECODED_AT_ONCE: usize = 2;

#[derive(Debug, thiserror::Error)]
pub enum PortraitError {
    #[error("neither PNG, JPEG nor WebP")]
    Format,
    #[error("the picture has too many pixels")]
    Dimensions,
    #[error("the picture is broken")]
    Broken(#[source] ImageError),
    #[error("the JPEG has no end")]
    Truncated,
    /// The decoder panicked: so will it next time.
    #[error("the picture makes its decoder fail")]
    Crashed(#[from] tokio::task::JoinError),
    #[error("the portrait cannot be encoded")]
    Encode(#[source] ImageError),
    #[error("the gate is closed")]
    Closed(#[from] tokio::sync::AcquireError),
}

impl From<PortraitError> for Problem {
    fn from(error: PortraitError) -> Self {
        let code = match error {
            PortraitError::Format => "picture_format",
            PortraitError::Dimensions => "picture_dimensions",
            PortraitError::Broken(_) | PortraitError::Truncated | PortraitError::Crashed(_) => {
                "picture_broken"
            }
            PortraitError::Encode(_) | PortraitError::Closed(_) => return Self::internal(error),
        };
        Self::field("file", code).with_source(error)
    }
}

/// Makes portraits, a few at once.
#[derive(Clone)]
pub struct Portraits {
    places: Places,
    decoded: Arc<Semaphore>,
}

impl Default for Portraits {
    fn default() -> Self {
        Self { places: Places::default(), decoded: Arc::new(Semaphore::new(DECODED_AT_ONCE)) }
    }
}

impl Portraits {
    /// A place for one file, taken before its first byte is read.
    pub fn place(&self, account: AccountId) -> Result<Place, Problem> {
        self.places.take(account)
    }

    /// The gate's place goes with the work: whoever stops waiting does not make room for one more.
    pub async fn make(&self, file: Bytes) -> Result<Vec<u8>, PortraitError> {
        let place = self.decoded.clone().acquire_owned().await?;
        let made = tokio::task::spawn_blocking(move || {
            let _place = place;
            make(&file)
        });
        made.await?
    }
}

fn make(file: &[u8]) -> Result<Vec<u8>, PortraitError> {
    // Eight bits a channel, before it is scaled: half the memory of what some cameras write.
    let image = decoded(file)?;
    let image: DynamicImage =
        if image.color().has_alpha() { image.into_rgba8().into() } else { image.into_rgb8().into() };
    // Cut first: scaling a strip until its short side fits would make it thousands of times as large.
    let side = image.width().min(image.height());
    let middle = image.crop_imm((image.width() - side) / 2, (image.height() - side) / 2, side, side);
    drop(image);
    let square = over_white(middle.resize_exact(SIDE, SIDE, FilterType::Triangle));
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY);
    square.write_with_encoder(encoder).map_err(PortraitError::Encode)?;
    Ok(jpeg)
}

/// The right way up.
fn decoded(file: &[u8]) -> Result<DynamicImage, PortraitError> {
    let format = image::guess_format(file).map_err(|_| PortraitError::Format)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) {
        return Err(PortraitError::Format);
    }
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    // `into_decoder` does not count the output against the limit: we have to.
    let fits =
        u64::from(width) * u64::from(height) <= PIXELS_MAX && decoder.total_bytes() <= MEMORY_BYTES_MAX;
    if !fits || width == 0 || height == 0 {
        return Err(PortraitError::Dimensions);
    }
    if format == ImageFormat::Jpeg && !ends(file) {
        return Err(PortraitError::Truncated);
    }
    let orientation = decoder.orientation().map_err(broken)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// The JPEG decoder fills what is missing with grey. After the start of the last scan only the end of the
/// picture can be written `FF D9`.
fn ends(jpeg: &[u8]) -> bool {
    let scan = jpeg.windows(2).rposition(|pair| pair == [0xff, 0xda]);
    scan.is_some_and(|scan| jpeg[scan..].windows(2).any(|pair| pair == [0xff, 0xd9]))
}

fn broken(error: ImageError) -> PortraitError {
    match error {
        ImageError::Limits(_) => PortraitError::Dimensions,
        other => PortraitError::Broken(other),
    }
}

/// JPEG has no transparency; without this, what was clear turns black.
fn over_white(image: DynamicImage) -> RgbImage {
    let DynamicImage::ImageRgba8(clear) = image else {
        return image.into_rgb8();
    };
    RgbImage::from_fn(clear.width(), clear.height(), |x, y| {
        let [red, green, blue, alpha] = clear.get_pixel(x, y).0.map(u32::from);
        // A weighted mean of two bytes is a byte.
        let mean = |part| (part * alpha + 255 * (255 - alpha) + 127) / 255;
        Rgb([red, green, blue].map(|part| u8::try_from(mean(part)).unwrap_or(u8::MAX)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgba, RgbaImage};

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn plain(width: u32, height: u32) -> DynamicImage {
        RgbImage::from_pixel(width, height, Rgb([200, 30, 30])).into()
    }

    #[test]
    fn every_kind_becomes_a_square_jpeg() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            for (width, height) in [(640, 480), (3, 900), (1, 1), (SIDE_MAX, 1), (1, SIDE_MAX)] {
                let made = make(&encoded(&plain(width, height), format)).unwrap();
                assert_eq!(image::guess_format(&made).unwrap(), ImageFormat::Jpeg);
                let square = image::load_from_memory(&made).unwrap();
                assert_eq!((square.width(), square.height()), (SIDE, SIDE), "{format:?} {width}x{height}");
            }
        }
    }

    #[test]
    fn what_is_clear_turns_white() {
        let clear: DynamicImage = RgbaImage::from_pixel(300, 300, Rgba([0, 0, 0, 0])).into();
        let made = make(&encoded(&clear, ImageFormat::Png)).unwrap();
        assert!(
            image::load_from_memory(&made).unwrap().into_rgb8().pixels().all(|pixel| pixel.0 == [255; 3])
        );
    }

    #[test]
    fn nothing_beside_the_pixels_is_kept() {
        let mut jpeg = encoded(&plain(64, 64), ImageFormat::Jpeg);
        let comment = b"\xff\xfe\x00\x0eat home 41 29";
        jpeg.splice(2..2, comment.iter().copied());
        let made = make(&jpeg).unwrap();
        assert!(!made.windows(7).any(|part| part == b"at home"));
    }

    #[test]
    fn bombs_and_scraps_are_refused() {
        let png = encoded(&plain(64, 64), ImageFormat::Png);
        let jpeg = encoded(&plain(64, 64), ImageFormat::Jpeg);
        for (file, wanted) in [
            (b"<svg/>".to_vec(), "picture_format"),
            (b"GIF89a".to_vec(), "picture_format"),
            (Vec::new(), "picture_format"),
            (png[..png.len() / 2].to_vec(), "picture_broken"),
            (jpeg[..jpeg.len() - 2].to_vec(), "picture_broken"),
            (encoded(&plain(SIDE_MAX + 1, 1), ImageFormat::Png), "picture_dimensions"),
            (encoded(&DynamicImage::new_luma8(6_000, 5_000), ImageFormat::Png), "picture_dimensions"),
        ] {
            let problem = Problem::from(make(&file).unwrap_err());
            assert_eq!(problem.more.fields[0].code, wanted, "{} bytes", file.len());
        }
    }
}
