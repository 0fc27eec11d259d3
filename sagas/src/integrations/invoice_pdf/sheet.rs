//! Paper to write on: text that is measured and aligned, lines and bands, page after page.

use ab_glyph::{Font as _, FontRef, PxScale, ScaleFont as _};
use krilla::color::rgb;
use krilla::error::KrillaError;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};
use krilla::{Document, SerializeSettings};

type Colour = [u8; 3];

const A4: (f32, f32) = (595.0, 842.0);
const RULE_HEIGHT: f32 = 0.6;
const BLACK: Colour = [0x22, 0x22, 0x22];
const GREY: Colour = [0x6b, 0x6b, 0x66];
const PALE: Colour = [0xec, 0xec, 0xe6];
const HAIR: Colour = [0xd2, 0xd2, 0xca];

const FOOTER: Style = Style::new(Face::Regular, 7.0).muted();

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Regular,
    Bold,
}

#[derive(Debug, Clone, Copy)]
pub struct Style {
    face: Face,
    size: f32,
    colour: Colour,
}

impl Style {
    pub const fn new(face: Face, size: f32) -> Self {
        Self { face, size, colour: BLACK }
    }

    pub const fn muted(self) -> Self {
        Self { colour: GREY, ..self }
    }
}

/// Where a text begins, or where it ends.
#[derive(Debug, Clone, Copy)]
pub enum X {
    From(f32),
    To(f32),
}

/// The two faces, for drawing and for measuring.
pub struct Paper {
    regular: (Font, FontRef<'static>),
    bold: (Font, FontRef<'static>),
}

pub(super) enum Mark {
    Text { style: Style, x: f32, y: f32, text: String },
    Area { left: f32, top: f32, right: f32, bottom: f32, colour: Colour },
}

pub struct Sheet {
    paper: Paper,
    pub(super) pages: Vec<Vec<Mark>>,
}

impl Paper {
    pub fn fonts() -> Option<Self> {
        let face =
            |bytes: &'static [u8]| Some((Font::new(bytes.into(), 0)?, FontRef::try_from_slice(bytes).ok()?));
        Some(Self { regular: face(dejavu::sans::regular())?, bold: face(dejavu::sans::bold())? })
    }

    fn face(&self, face: Face) -> &(Font, FontRef<'static>) {
        match face {
            Face::Regular => &self.regular,
            Face::Bold => &self.bold,
        }
    }

    fn width(&self, Style { face, size, .. }: Style, text: &str) -> f32 {
        let font = &self.face(face).1;
        // A scale of one unit per font unit measures in font units.
        let units = font.units_per_em().unwrap_or(1.0);
        let scaled = font.as_scaled(PxScale::from(font.height_unscaled()));
        let glyphs: Vec<_> = text.chars().map(|letter| font.glyph_id(letter)).collect();
        let advances: f32 = glyphs.iter().map(|&glyph| scaled.h_advance(glyph)).sum();
        let kerning: f32 = glyphs.windows(2).map(|pair| scaled.kern(pair[0], pair[1])).sum();
        (advances + kerning) / units * size
    }

    /// What the font cannot show would be an empty box, and a line break none at all.
    fn showable(&self, face: Face, text: &str) -> String {
        let font = &self.face(face).1;
        let letter = |letter: char| match letter {
            letter if letter.is_control() => ' ',
            letter if font.glyph_id(letter).0 == 0 => '?',
            letter => letter,
        };
        text.chars().map(letter).collect()
    }
}

impl Sheet {
    pub fn new(paper: Paper) -> Self {
        Self { paper, pages: vec![Vec::new()] }
    }

    pub fn turn(&mut self) {
        self.pages.push(Vec::new());
    }

    pub fn text(&mut self, style: Style, x: X, y: f32, text: &str) {
        let text = self.paper.showable(style.face, text);
        let x = match x {
            X::From(left) => left,
            X::To(right) => right - self.paper.width(style, &text),
        };
        self.mark(Mark::Text { style, x, y, text });
    }

    pub fn rule(&mut self, left: f32, right: f32, y: f32) {
        self.mark(Mark::Area { left, top: y, right, bottom: y + RULE_HEIGHT, colour: HAIR });
    }

    pub fn band(&mut self, left: f32, top: f32, right: f32, bottom: f32) {
        self.mark(Mark::Area { left, top, right, bottom, colour: PALE });
    }

    /// Broken between words, and inside a word that is wider than a line.
    pub fn wrapped(&self, style: Style, width: f32, text: &str) -> Vec<String> {
        let text = self.paper.showable(style.face, text);
        let fits = |line: &str| self.paper.width(style, line) <= width;
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in text.split_whitespace() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if fits(&longer) {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                line.push(letter);
                if !fits(&line) && line.chars().count() > 1 {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, letter.to_string()));
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// The text at the left, "Sayfa 1 / 2" at the right, on every page.
    pub fn footers(&mut self, text: &str, left: f32, right: f32, y: f32) {
        let count = self.pages.len();
        let text = self.paper.showable(FOOTER.face, text);
        for (index, page) in self.pages.iter_mut().enumerate() {
            let number = format!("Sayfa {} / {count}", index + 1);
            let x = right - self.paper.width(FOOTER, &number);
            page.push(Mark::Text { style: FOOTER, x: left, y, text: text.clone() });
            page.push(Mark::Text { style: FOOTER, x, y, text: number });
        }
    }

    /// No dates and no random ids: the bytes depend on what is written only.
    pub fn into_pdf(self, title: &str) -> Result<Vec<u8>, KrillaError> {
        let mut document = Document::new_with(SerializeSettings::default());
        let metadata = Metadata::new().title(title.to_owned()).language("tr".to_owned());
        document.set_metadata(metadata);
        for marks in &self.pages {
            let Some(settings) = PageSettings::from_wh(A4.0, A4.1) else { continue };
            let mut page = document.start_page_with(settings);
            let mut surface = page.surface();
            for mark in marks {
                mark.draw(&self.paper, &mut surface);
            }
            surface.finish();
            page.finish();
        }
        document.finish()
    }

    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }
}

impl Mark {
    fn draw(&self, paper: &Paper, surface: &mut Surface<'_>) {
        match self {
            Self::Text { style, x, y, text } => {
                surface.set_fill(Some(fill(style.colour)));
                let font = paper.face(style.face).0.clone();
                let direction = TextDirection::LeftToRight;
                surface.draw_text(Point::from_xy(*x, *y), font, style.size, text, false, direction);
            }
            Self::Area { left, top, right, bottom, colour } => {
                surface.set_fill(Some(fill(*colour)));
                let mut path = PathBuilder::new();
                if let Some(area) = Rect::from_ltrb(*left, *top, *right, *bottom) {
                    path.push_rect(area);
                }
                if let Some(path) = path.finish() {
                    surface.draw_path(&path);
                }
            }
        }
    }
}

fn fill([red, green, blue]: Colour) -> Fill {
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        opacity: NormalizedF32::ONE,
        rule: FillRule::default(),
    }
}
