//! The visible mark on unpaid pictures: a tiled, slanted text, light inside and dark at its edge, so
//! that it shows on any ground. One tile is drawn once, then looked up turned for every pixel.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pixel positions and shares: small, not negative where it matters, rounded on purpose"
)]

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont, point};
use image::RgbImage;

/// Text height and line pitch as shares of the picture's width.
const TEXT_SHARE: f32 = 0.052;
const PITCH_SHARE: f32 = 0.16;
const TEXT_PX_MIN: f32 = 9.0;
const OPACITY_LIGHT: f32 = 0.25;
const OPACITY_DARK: f32 = 0.22;
/// 30° against the horizontal, rising to the right.
const COS: f32 = 0.866_025_4;
const SIN: f32 = -0.5;

/// One repetition of the text. Coverage 0–1 of the letters and of the ring around them.
struct Tile {
    width: usize,
    height: usize,
    letters: Vec<f32>,
    edge: Vec<f32>,
}

/// Draws over `picture`; equal inputs give equal pixels. `None`: the font cannot be read.
pub fn apply(picture: &mut RgbImage, text: &str, seed: u64) -> Option<()> {
    let tile = Tile::draw(text, picture.width() as f32)?;
    // Two previews with different offsets cannot be averaged or subtracted.
    let offset_x = (seed & 0xffff) as f32 / 65_536.0 * tile.width as f32;
    let offset_y = (seed >> 16 & 0xffff) as f32 / 65_536.0 * tile.height as f32;
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let (x, y) = (x as f32, y as f32);
        let u = x * COS + y * SIN + offset_x;
        let v = y * COS - x * SIN + offset_y;
        let (letters, edge) = tile.sample(u, v);
        if letters <= 0.0 && edge <= 0.0 {
            continue;
        }
        for channel in &mut pixel.0 {
            let dark = f32::from(*channel) * (1.0 - edge * OPACITY_DARK);
            let light = dark + (255.0 - dark) * letters * OPACITY_LIGHT;
            *channel = light.round() as u8;
        }
    }
    Some(())
}

impl Tile {
    fn draw(text: &str, picture_width: f32) -> Option<Self> {
        let font = FontRef::try_from_slice(dejavu::sans::bold()).ok()?;
        let size = (picture_width * TEXT_SHARE).max(TEXT_PX_MIN);
        let (glyphs, text_width) = layout(&font, text, size);
        let width = (text_width + size * 1.6).ceil() as usize;
        let height = (picture_width * PITCH_SHARE).max(size * 2.0).ceil() as usize;
        let mut tile = Self { width, height, letters: vec![0.0; width * height], edge: Vec::new() };
        for glyph in glyphs {
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let bounds = outline.px_bounds();
            outline.draw(|x, y, coverage| {
                let x = bounds.min.x + x as f32;
                let y = bounds.min.y + y as f32;
                if x >= 0.0 && y >= 0.0 && (x as usize) < width && (y as usize) < height {
                    let at = &mut tile.letters[y as usize * width + x as usize];
                    *at = (*at + coverage).min(1.0);
                }
            });
        }
        tile.edge = tile.ring((size / 18.0).clamp(1.0, 3.0).round() as usize);
        Some(tile)
    }

    /// The letters grown by `radius`, without the letters.
    fn ring(&self, radius: usize) -> Vec<f32> {
        let grown_in = |source: &[f32], step: usize, length: usize, position: fn(usize, usize) -> usize| {
            let at = |index: usize| {
                let place = position(index, self.width);
                let from = place.saturating_sub(radius);
                let to = (place + radius).min(length - 1);
                (from..=to).map(|near| source[index + near * step - place * step]).fold(0.0, f32::max)
            };
            (0..source.len()).map(at).collect::<Vec<f32>>()
        };
        let across = grown_in(&self.letters, 1, self.width, |index, width| index % width);
        let both = grown_in(&across, self.width, self.height, |index, width| index / width);
        both.iter().zip(&self.letters).map(|(grown, letter)| (grown - letter).max(0.0)).collect()
    }

    /// Between the four nearest points, every second row shifted by half a tile.
    fn sample(&self, u: f32, v: f32) -> (f32, f32) {
        let row = (v / self.height as f32).floor();
        let shift = if row.rem_euclid(2.0) < 1.0 { 0.0 } else { self.width as f32 / 2.0 };
        let u = (u + shift).rem_euclid(self.width as f32);
        let v = v.rem_euclid(self.height as f32);
        let (left, top) = (u as usize % self.width, v as usize % self.height);
        let (right, bottom) = ((left + 1) % self.width, (top + 1).min(self.height - 1));
        let (across, down) = (u.fract(), v.fract());
        let mix = |map: &[f32]| {
            let at = |x: usize, y: usize| map[y * self.width + x];
            let upper = at(left, top) * (1.0 - across) + at(right, top) * across;
            let lower = at(left, bottom) * (1.0 - across) + at(right, bottom) * across;
            upper * (1.0 - down) + lower * down
        };
        (mix(&self.letters), mix(&self.edge))
    }
}

/// One line, vertically in the upper part of the tile with room for its edge.
fn layout(font: &FontRef<'_>, text: &str, size: f32) -> (Vec<Glyph>, f32) {
    let scale = PxScale::from(size);
    let scaled = font.as_scaled(scale);
    let baseline = size * 0.2 + scaled.ascent();
    let mut glyphs = Vec::new();
    let mut x = size * 0.8;
    let mut last = None;
    for letter in text.chars() {
        let id = font.glyph_id(letter);
        if let Some(last) = last {
            x += scaled.kern(last, id);
        }
        glyphs.push(id.with_scale_and_position(scale, point(x, baseline)));
        x += scaled.h_advance(id);
        last = Some(id);
    }
    (glyphs, x - size * 0.8)
}
