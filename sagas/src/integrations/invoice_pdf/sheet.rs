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
const FOOTER_SIZE: f32 = 7.0;
const BLACK: Colour = [0x22, 0x22, 0x22];
const GREY: Colour = [0x6b, 0x6b, 0x66];
const PALE: Colour = [0xec, 0xec, 0xe6];
const HAIR: Colour = [0xd2, 0xd2, 0xca];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Regular,
    Bold,
}

/// Which end of the text stands at the given x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// The two faces, for drawing and for measuring.
pub struct Paper {
    regular: (Font, FontRef<'static>),
    bold: (Font, FontRef<'static>),
}

pub(super) enum Mark {
    Text { face: Face, size: f32, x: f32, y: f32, colour: Colour, text: String },
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

    fn width(&self, face: Face, size: f32, text: &str) -> f32 {
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

    pub fn text(&mut self, face: Face, size: f32, x: f32, y: f32, align: Align, text: &str) {
        self.write(face, size, (x, y), align, BLACK, text);
    }

    pub fn muted(&mut self, size: f32, x: f32, y: f32, align: Align, text: &str) {
        self.write(Face::Regular, size, (x, y), align, GREY, text);
    }

    pub fn rule(&mut self, left: f32, right: f32, y: f32) {
        self.mark(Mark::Area { left, top: y, right, bottom: y + RULE_HEIGHT, colour: HAIR });
    }

    pub fn band(&mut self, left: f32, top: f32, right: f32, bottom: f32) {
        self.mark(Mark::Area { left, top, right, bottom, colour: PALE });
    }

    /// Broken between words, and inside a word that is wider than a line.
    pub fn wrapped(&self, face: Face, size: f32, width: f32, text: &str) -> Vec<String> {
        let text = self.paper.showable(face, text);
        let fits = |line: &str| self.paper.width(face, size, line) <= width;
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

    pub fn footers(&mut self, text: &str, left: f32, right: f32, y: f32) {
        let count = self.pages.len();
        for page in 0..count {
            let number = format!("Sayfa {} / {count}", page + 1);
            let right = right - self.paper.width(Face::Regular, FOOTER_SIZE, &number);
            for (x, text) in [(left, self.paper.showable(Face::Regular, text)), (right, number)] {
                let mark = Mark::Text { face: Face::Regular, size: FOOTER_SIZE, x, y, colour: GREY, text };
                self.pages[page].push(mark);
            }
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

    fn write(&mut self, face: Face, size: f32, at: (f32, f32), align: Align, colour: Colour, text: &str) {
        let text = self.paper.showable(face, text);
        let x = match align {
            Align::Left => at.0,
            Align::Right => at.0 - self.paper.width(face, size, &text),
        };
        self.mark(Mark::Text { face, size, x, y: at.1, colour, text });
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
            Self::Text { face, size, x, y, colour, text } => {
                surface.set_fill(Some(fill(*colour)));
                let font = paper.face(*face).0.clone();
                let direction = TextDirection::LeftToRight;
                surface.draw_text(Point::from_xy(*x, *y), font, *size, text, false, direction);
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
