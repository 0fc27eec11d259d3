use image::metadata::Orientation;
use image::{ImageEncoder, Rgba, RgbaImage};

use super::*;

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Smooth colours from dark to light, like a photograph.
fn gradient(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (across, down) = (x * 255 / width, y * 255 / height);
        Rgb([across, down, 255 - across].map(|part| u8::try_from(part).unwrap()))
    })
    .into()
}

fn mark(offset_seed: u64) -> Mark {
    Mark { text: MARK_TEXT.to_owned(), offset_seed }
}

fn decoded(jpeg: &[u8]) -> RgbImage {
    image::load_from_memory_with_format(jpeg, ImageFormat::Jpeg).unwrap().into_rgb8()
}

/// Most and mean distance of two pictures' bytes; the mean in tenths.
fn distance(left: &RgbImage, right: &RgbImage) -> (u8, u64) {
    let pairs = left.as_raw().iter().zip(right.as_raw());
    let apart: Vec<u8> = pairs.map(|(one, two)| one.abs_diff(*two)).collect();
    let sum: u64 = apart.iter().map(|&each| u64::from(each)).sum();
    (*apart.iter().max().unwrap(), sum * 10 / u64::try_from(apart.len()).unwrap())
}

#[test]
fn previews_are_small_marked_and_repeatable() {
    let original = gradient(1536, 1024);
    let bytes = encoded(&original, ImageFormat::Png);
    let first = render(&bytes, &mark(1)).unwrap();
    let again = render(&bytes, &mark(1)).unwrap();
    assert_eq!(first.preview_jpeg, again.preview_jpeg);
    assert_eq!(first.thumbnail_jpeg, again.thumbnail_jpeg);
    let other = render(&bytes, &mark(0x4000_8000)).unwrap();
    assert_ne!(first.preview_jpeg, other.preview_jpeg, "the pattern moves with the seed");

    let (preview, thumbnail) = (decoded(&first.preview_jpeg), decoded(&first.thumbnail_jpeg));
    assert_eq!(preview.dimensions(), (768, 512));
    assert_eq!(thumbnail.dimensions(), (320, 213));
    for marked in [preview, thumbnail] {
        let (width, height) = marked.dimensions();
        let clean = original.resize_exact(width, height, image::imageops::FilterType::Triangle).into_rgb8();
        let (most, mean) = distance(&marked, &clean);
        assert!(most > 40 && mean > 20, "the mark is hardly visible: {most} {mean}");
        assert!(mean < 250, "the picture is hardly visible: {mean}");
    }
}

#[test]
fn the_mark_shows_on_white_and_on_black() {
    for ground in [0, 128, 255] {
        let plain = RgbImage::from_pixel(800, 800, Rgb([ground; 3]));
        let bytes = encoded(&plain.clone().into(), ImageFormat::Png);
        let preview = decoded(&render(&bytes, &mark(9)).unwrap().preview_jpeg);
        let plain = RgbImage::from_pixel(768, 768, Rgb([ground; 3]));
        assert!(distance(&preview, &plain).0 > 25, "ground {ground}");
    }
}

#[test]
fn inspection_tells_size_format_and_hash() {
    for (format, kind) in [
        (ImageFormat::Png, PictureFormat::Png),
        (ImageFormat::Jpeg, PictureFormat::Jpeg),
        (ImageFormat::WebP, PictureFormat::WebP),
    ] {
        let bytes = encoded(&gradient(100, 80), format);
        let picture = inspect(&bytes).unwrap();
        assert_eq!((picture.width, picture.height, picture.format), (100, 80, kind));
        assert_eq!(picture.sha256, hex::encode(Sha256::digest(&bytes)));
    }
}

#[test]
fn a_picture_is_turned_upright() {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new(&mut bytes);
    // TIFF header, one entry: orientation (0x0112) = 6, "rotate 90".
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    assert_eq!(Orientation::from_exif(6), Some(Orientation::Rotate90));
    encoder.set_exif_metadata(exif).unwrap();
    encoder.encode_image(&gradient(160, 80)).unwrap();
    let renditions = render(&bytes, &mark(1)).unwrap();
    assert_eq!((renditions.picture.width, renditions.picture.height), (80, 160));
    assert_eq!(decoded(&renditions.preview_jpeg).dimensions(), (80, 160), "and never enlarged");
    assert!(!renditions.preview_jpeg.windows(4).any(|window| window == b"Exif"));
}

#[test]
fn what_is_clear_becomes_white() {
    let clear = RgbaImage::from_pixel(100, 100, Rgba([0, 0, 0, 0]));
    let flat = over_white(scaled(&clear.into(), 50).unwrap());
    assert_eq!(flat.get_pixel(25, 25).0, [255; 3]);
}

#[test]
fn truncated_pictures_are_broken() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let bytes = encoded(&gradient(400, 300), format);
        let cut = &bytes[..bytes.len() * 2 / 3];
        assert!(matches!(inspect(cut), Err(PictureError::Broken(_))), "{format:?}");
    }
}

#[test]
fn bombs_and_strangers_are_refused_before_their_pixels_are_touched() {
    let wide = image::GrayImage::new(SIDE_MAX + 1, 64);
    let refused = inspect(&encoded(&wide.into(), ImageFormat::Png));
    assert!(matches!(refused, Err(PictureError::Dimensions { .. })), "{refused:?}");
    let many = image::GrayImage::new(7000, 6000);
    let refused = inspect(&encoded(&many.into(), ImageFormat::Png));
    assert!(matches!(refused, Err(PictureError::Dimensions { width: 7000, height: 6000 })));
    let small = inspect(&encoded(&gradient(63, 64), ImageFormat::Png));
    assert!(matches!(small, Err(PictureError::Dimensions { width: 63, height: 64 })));
    for bytes in [&b""[..], b"GIF89a......", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"BM........"] {
        assert!(matches!(inspect(bytes), Err(PictureError::Format)));
    }
    assert!(matches!(inspect(&vec![0; BYTES_MAX + 1]), Err(PictureError::TooManyBytes(_))));
}

#[tokio::test]
async fn a_panicking_decoder_is_a_broken_picture_and_frees_its_place() {
    let renderer = Renderer::new(1);
    let crashed = renderer.run::<()>(|| panic!("decoder")).await;
    assert!(matches!(crashed, Err(PictureError::Crashed)));
    let bytes = encoded(&gradient(100, 80), ImageFormat::Png);
    assert_eq!(renderer.inspect(bytes.into()).await.unwrap().width, 100);
}
