//! Pictures: what is asked of a generator, and what the shop makes of the bytes.

use bytes::Bytes;

pub mod rendition;
pub mod stability;
mod watermark;

#[derive(Debug, Clone)]
pub struct GenerateRequest {
    /// In English; the provider refuses other languages.
    pub prompt: String,
    pub negative_prompt: Option<String>,
    pub aspect_ratio: AspectRatio,
    /// From the job's key, so that a repeat asks for the same picture.
    pub seed: u32,
    pub style: Option<Style>,
    /// A hash: the provider uses it to trace abuse, and must not learn who it is.
    pub end_user: String,
}

#[derive(Debug, Clone)]
pub struct Generated {
    pub bytes: Bytes,
    pub seed: u32,
    /// What the provider's support asks for.
    pub request_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AspectRatio {
    Square,
    Wide16x9,
    Wide21x9,
    Tall2x3,
    Wide3x2,
    Tall4x5,
    Wide5x4,
    Tall9x16,
    Tall9x21,
}

impl AspectRatio {
    pub const ALL: [Self; 9] = [
        Self::Square,
        Self::Wide16x9,
        Self::Wide21x9,
        Self::Tall2x3,
        Self::Wide3x2,
        Self::Tall4x5,
        Self::Wide5x4,
        Self::Tall9x16,
        Self::Tall9x21,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Square => "1:1",
            Self::Wide16x9 => "16:9",
            Self::Wide21x9 => "21:9",
            Self::Tall2x3 => "2:3",
            Self::Wide3x2 => "3:2",
            Self::Tall4x5 => "4:5",
            Self::Wide5x4 => "5:4",
            Self::Tall9x16 => "9:16",
            Self::Tall9x21 => "9:21",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ratio| ratio.as_str() == text)
    }
}

/// The provider's style presets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Model3d,
    AnalogFilm,
    Anime,
    Cinematic,
    ComicBook,
    DigitalArt,
    Enhance,
    FantasyArt,
    Isometric,
    LineArt,
    LowPoly,
    ModelingCompound,
    NeonPunk,
    Origami,
    Photographic,
    PixelArt,
    TileTexture,
}

impl Style {
    pub const ALL: [Self; 17] = [
        Self::Model3d,
        Self::AnalogFilm,
        Self::Anime,
        Self::Cinematic,
        Self::ComicBook,
        Self::DigitalArt,
        Self::Enhance,
        Self::FantasyArt,
        Self::Isometric,
        Self::LineArt,
        Self::LowPoly,
        Self::ModelingCompound,
        Self::NeonPunk,
        Self::Origami,
        Self::Photographic,
        Self::PixelArt,
        Self::TileTexture,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model3d => "3d-model",
            Self::AnalogFilm => "analog-film",
            Self::Anime => "anime",
            Self::Cinematic => "cinematic",
            Self::ComicBook => "comic-book",
            Self::DigitalArt => "digital-art",
            Self::Enhance => "enhance",
            Self::FantasyArt => "fantasy-art",
            Self::Isometric => "isometric",
            Self::LineArt => "line-art",
            Self::LowPoly => "low-poly",
            Self::ModelingCompound => "modeling-compound",
            Self::NeonPunk => "neon-punk",
            Self::Origami => "origami",
            Self::Photographic => "photographic",
            Self::PixelArt => "pixel-art",
            Self::TileTexture => "tile-texture",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|style| style.as_str() == text)
    }
}
