//! From untrusted bytes to what customers may see: checked, turned upright, scaled, marked, re-encoded.
//!
//! Decoders may panic and may take memory: they run on their own thread, few at a time, within limits.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use fast_image_resize::Resizer;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb, RgbImage};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::watermark;
use crate::integrations::BoxError;

const BYTES_MAX: usize = 16 * 1024 * 1024;
const SIDE_MIN: u32 = 64;
const SIDE_MAX: u32 = 8192;
const PIXELS_MAX: u64 = 40_000_000;
const MEMORY_BYTES_MAX: u64 = 256 * 1024 * 1024;
const PREVIEW_WIDTH: u32 = 768;
const THUMBNAIL_WIDTH: u32 = 320;
const JPEG_QUALITY: u8 = 82;

/// What the mark on unpaid pictures says.
pub const MARK_TEXT: &str = "polikrami önizleme";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// As it is seen, after its orientation is applied.
    pub width: u32,
    pub height: u32,
    pub format: PictureFormat,
    /// Of the bytes as they came, hex.
    pub sha256: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureFormat {
    Png,
    Jpeg,
    WebP,
}

impl PictureFormat {
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Mark {
    pub text: String,
    /// From the job's key: moves the pattern.
    pub offset_seed: u64,
}

#[derive(Debug, Clone)]
pub struct Renditions {
    pub preview_jpeg: Vec<u8>,
    pub thumbnail_jpeg: Vec<u8>,
    pub picture: Picture,
}

#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("{0} bytes are more than a picture may have")]
    TooManyBytes(usize),
    #[error("neither PNG, JPEG nor WebP")]
    Format,
    #[error("{width} × {height} pixels are outside the limits")]
    Dimensions { width: u32, height: u32 },
    #[error("the picture is broken")]
    Broken(#[source] BoxError),
    /// The decoder panicked: so will it next time.
    #[error("the picture makes its decoder fail")]
    Crashed,
    #[error("the preview could not be made")]
    Render(#[source] BoxError),
}

impl PictureError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooManyBytes(_) => "picture_too_large",
            Self::Format => "picture_format",
            Self::Dimensions { .. } => "picture_dimensions",
            Self::Broken(_) | Self::Crashed => "picture_broken",
            Self::Render(_) => "picture_render",
        }
    }
}

/// Decodes completely, so that a truncated picture is found out.
pub fn inspect(bytes: &[u8]) -> Result<Picture, PictureError> {
    decode(bytes).map(|(picture, _)| picture)
}

/// Preview and thumbnail, both marked; equal inputs give equal bytes.
pub fn render(bytes: &[u8], mark: &Mark) -> Result<Renditions, PictureError> {
    let (picture, image) = decode(bytes)?;
    let image = eight_bit(image);
    let jpeg = |width| {
        let mut scaled = over_white(scaled(&image, width)?);
        watermark::apply(&mut scaled, &mark.text, mark.offset_seed)
            .ok_or_else(|| PictureError::Render("font".into()))?;
        encode(&scaled)
    };
    Ok(Renditions { preview_jpeg: jpeg(PREVIEW_WIDTH)?, thumbnail_jpeg: jpeg(THUMBNAIL_WIDTH)?, picture })
}

fn decode(bytes: &[u8]) -> Result<(Picture, DynamicImage), PictureError> {
    if bytes.len() > BYTES_MAX {
        return Err(PictureError::TooManyBytes(bytes.len()));
    }
    let format = image::guess_format(bytes).map_err(|_| PictureError::Format)?;
    let kind = match format {
        ImageFormat::Png => PictureFormat::Png,
        ImageFormat::Jpeg => PictureFormat::Jpeg,
        ImageFormat::WebP => PictureFormat::WebP,
        _ => return Err(PictureError::Format),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let sides = SIDE_MIN..=SIDE_MAX;
    let pixels = u64::from(width) * u64::from(height);
    // `into_decoder` does not count the output against the limit: we have to.
    let fits = pixels <= PIXELS_MAX && decoder.total_bytes() <= MEMORY_BYTES_MAX;
    if !sides.contains(&width) || !sides.contains(&height) || !fits {
        return Err(PictureError::Dimensions { width, height });
    }
    if kind == PictureFormat::Jpeg && !ends(bytes) {
        return Err(PictureError::Broken("the JPEG has no end".into()));
    }
    let orientation = decoder.orientation().map_err(broken)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    image.apply_orientation(orientation);
    let sha256 = hex::encode(Sha256::digest(bytes));
    Ok((Picture { width: image.width(), height: image.height(), format: kind, sha256 }, image))
}

/// The JPEG decoder fills what is missing with grey. After the start of the last scan only the end of the
/// picture can be written `FF D9`.
fn ends(jpeg: &[u8]) -> bool {
    let scan = jpeg.windows(2).rposition(|pair| pair == [0xff, 0xda]);
    scan.is_some_and(|scan| jpeg[scan..].windows(2).any(|pair| pair == [0xff, 0xd9]))
}

fn broken(error: image::ImageError) -> PictureError {
    if let image::ImageError::Limits(_) = error {
        return PictureError::Dimensions { width: 0, height: 0 };
    }
    PictureError::Broken(error.into())
}

fn eight_bit(image: DynamicImage) -> DynamicImage {
    if image.color().has_alpha() { image.into_rgba8().into() } else { image.into_rgb8().into() }
}

/// Never larger than it was, always from the original.
fn scaled(image: &DynamicImage, width_max: u32) -> Result<DynamicImage, PictureError> {
    let (width, height) = (image.width().min(width_max), image.height());
    let height = (u64::from(height) * u64::from(width) / u64::from(image.width())).max(1);
    let height = u32::try_from(height).map_err(|error| PictureError::Render(error.into()))?;
    let mut smaller = DynamicImage::new(width, height, image.color());
    Resizer::new().resize(image, &mut smaller, None).map_err(|error| PictureError::Render(error.into()))?;
    Ok(smaller)
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

fn encode(image: &RgbImage) -> Result<Vec<u8>, PictureError> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
        .encode_image(image)
        .map_err(|error| PictureError::Render(error.into()))?;
    Ok(jpeg)
}

/// Runs the work above off the async threads, at most one picture per core at a time.
#[derive(Clone)]
pub struct Renderer {
    places: Arc<Semaphore>,
}

impl Renderer {
    pub fn new(at_once: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(at_once.max(1))) }
    }

    pub fn per_core() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    pub async fn inspect(&self, bytes: Bytes) -> Result<Picture, PictureError> {
        self.run(move || inspect(&bytes)).await
    }

    pub async fn render(&self, bytes: Bytes, mark: Mark) -> Result<Renditions, PictureError> {
        self.run(move || render(&bytes, &mark)).await
    }

    /// The place goes with the work: whoever stops waiting does not make room for one more.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PictureError> + Send + 'static,
    ) -> Result<T, PictureError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|error| PictureError::Render(error.into()))?;
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.unwrap_or(Err(PictureError::Crashed))
    }
}

#[cfg(test)]
#[path = "rendition_tests.rs"]
mod tests;
