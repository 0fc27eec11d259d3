//! An illustrated landscape, a function of prompt and seed: sky, sun or moon, clouds, and ridges that
//! darken towards the viewer. Words of the prompt choose what stands on the ridges.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "coordinates and colours are small; painting rounds by nature"
)]

use std::f32::consts::TAU;

use sha2::{Digest as _, Sha256};

type Colour = [f32; 3];

const RIDGES: usize = 5;
const STARS_PER_MEGAPIXEL: f32 = 900.0;

/// Sky from top to horizon, the disc in it, and the farthest and nearest ridge.
struct Palette {
    sky: [Colour; 3],
    disc: Colour,
    far: Colour,
    near: Colour,
    night: bool,
}

const fn rgb(hex: u32) -> Colour {
    [(hex >> 16 & 255) as f32, (hex >> 8 & 255) as f32, (hex & 255) as f32]
}

const fn palette(sky: [u32; 3], disc: u32, far: u32, near: u32, night: bool) -> Palette {
    let sky = [rgb(sky[0]), rgb(sky[1]), rgb(sky[2])];
    Palette { sky, disc: rgb(disc), far: rgb(far), near: rgb(near), night }
}

const PALETTES: [Palette; 7] = [
    palette([0x002b_2d5b, 0x008a_4f7d, 0x00f4_a261], 0x00ff_e8c2, 0x00a0_6a86, 0x001d_1a38, true),
    palette([0x000b_1533, 0x001f_3a6e, 0x006d_92bd], 0x00f5_f0d8, 0x003f_6494, 0x0008_1228, true),
    palette([0x000a_1a2f, 0x0014_505a, 0x004d_b394], 0x00ea_fff5, 0x0024_6a70, 0x0006_151f, true),
    palette([0x006f_b1c8, 0x00f2_cfa8, 0x00f7_a38b], 0x00ff_f4d6, 0x00b5_b3aa, 0x0023_4f52, false),
    palette([0x0093_cbc4, 0x00dc_ecc9, 0x00f8_e9b0], 0x00ff_fbe6, 0x0093_bf9f, 0x0014_3a2b, false),
    palette([0x003f_6c8f, 0x00f0_b57a, 0x00f9_dba0], 0x00ff_f1d0, 0x00d9_9a6a, 0x0054_2420, false),
    palette([0x0020_5684, 0x006c_b1cb, 0x00f6_d7a7], 0x00ff_f0cc, 0x0057_9ab5, 0x000b_2c47, false),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Theme {
    Pines,
    Sea,
    Town,
    Peaks,
    Dunes,
}

const THEMES: [Theme; 5] = [Theme::Pines, Theme::Sea, Theme::Town, Theme::Peaks, Theme::Dunes];
const WORDS: &[(Theme, &[&str])] = &[
    (Theme::Sea, &["sea", "ocean", "wave", "ship", "boat", "lighthouse", "harbour", "island", "bosphorus"]),
    (Theme::Town, &["city", "town", "street", "istanbul", "skyline", "roof", "window"]),
    (Theme::Peaks, &["mountain", "peak", "snow", "ice", "dragon"]),
    (Theme::Dunes, &["desert", "dune", "sand", "planet", "camel"]),
    (Theme::Pines, &["forest", "tree", "wood", "pine", "fox", "garden"]),
];
const NIGHT_WORDS: &[&str] = &["night", "moon", "star", "space", "dark", "dream"];

/// Small, repeatable chance (the `SplitMix64` sequence).
struct Chance(u64);

impl Chance {
    fn new(prompt: &str, seed: u32) -> Self {
        let digest = Sha256::new().chain_update(prompt).chain_update(seed.to_be_bytes()).finalize();
        Self(digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.next() >> 40) as f32 / 16_777_216.0)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

struct Ridge {
    /// Where it begins in each column.
    tops: Vec<f32>,
    upper: Colour,
    lower: Colour,
}

struct Cloud {
    x: f32,
    y: f32,
    half_width: f32,
    half_height: f32,
    strength: f32,
}

pub(super) struct Scene {
    width: u32,
    height: u32,
    theme: Theme,
    palette: &'static Palette,
    disc: (f32, f32, f32),
    clouds: Vec<Cloud>,
    /// Column and brightness, for each row.
    stars: Vec<Vec<(usize, f32)>>,
    ridges: Vec<Ridge>,
}

impl Scene {
    pub(super) fn new(prompt: &str, seed: u32, width: u32, height: u32) -> Self {
        let mut chance = Chance::new(prompt, seed);
        let lower = prompt.to_lowercase();
        let theme = WORDS.iter().find(|(_, words)| words.iter().any(|word| lower.contains(word)));
        let theme = theme.map_or_else(|| THEMES[chance.below(THEMES.len())], |(theme, _)| *theme);
        let night = NIGHT_WORDS.iter().any(|word| lower.contains(word));
        // The night palettes stand first.
        let palette = &PALETTES[chance.below(if night { 3 } else { PALETTES.len() })];
        let (wide, high) = (width as f32, height as f32);
        let disc = (
            wide * chance.between(0.28, 0.72),
            high * chance.between(0.22, 0.4),
            wide.min(high) * chance.between(0.1, 0.19),
        );
        let mut scene = Self {
            width,
            height,
            theme,
            palette,
            disc,
            clouds: Vec::new(),
            stars: vec![Vec::new(); height as usize],
            ridges: Vec::new(),
        };
        scene.scatter(&mut chance);
        scene.raise(&mut chance);
        scene
    }

    fn scatter(&mut self, chance: &mut Chance) {
        let (wide, high) = (self.width as f32, self.height as f32);
        for _ in 0..6 + chance.below(4) {
            let half_width = wide * chance.between(0.08, 0.26);
            self.clouds.push(Cloud {
                x: wide * chance.between(0.0, 1.0),
                y: high * chance.between(0.08, 0.5),
                half_width,
                half_height: half_width * chance.between(0.07, 0.16),
                strength: chance.between(0.12, 0.32),
            });
        }
        if !self.palette.night {
            return;
        }
        let stars = (wide * high / 1_000_000.0 * STARS_PER_MEGAPIXEL) as usize;
        for _ in 0..stars {
            let row = (high * 0.6 * chance.between(0.0, 1.0).powf(1.4)) as usize;
            let star = (chance.below(self.width as usize), chance.between(0.15, 0.95));
            if let Some(row) = self.stars.get_mut(row) {
                row.push(star);
            }
        }
    }

    fn raise(&mut self, chance: &mut Chance) {
        let high = self.height as f32;
        for index in 0..RIDGES {
            let depth = index as f32 / (RIDGES - 1) as f32;
            let base = high * (0.52 + 0.36 * depth);
            let mut tops = self.swell(chance, base, high * (0.05 - 0.018 * depth));
            self.furnish(chance, &mut tops, depth);
            let upper = mix(self.palette.far, self.palette.near, depth);
            // The foot of each ridge fades into the haze of the next valley.
            let haze = mix(self.palette.sky[2], upper, 0.45 + 0.5 * depth);
            self.ridges.push(Ridge { tops, upper, lower: haze });
        }
    }

    /// A line of a few sines.
    fn swell(&self, chance: &mut Chance, base: f32, reach: f32) -> Vec<f32> {
        let (count, reach) = match self.theme {
            Theme::Sea => (5.0, reach * 0.13),
            Theme::Dunes => (1.6, reach * 1.5),
            Theme::Town => (1.2, reach * 0.5),
            Theme::Pines | Theme::Peaks => (2.4, reach),
        };
        let waves: Vec<(f32, f32, f32)> = (0..3)
            .map(|step| {
                let pace = count * chance.between(0.6, 1.4) * (step as f32 + 1.0);
                (pace * TAU / self.width as f32, chance.between(0.0, TAU), reach / (step as f32 + 1.0))
            })
            .collect();
        (0..self.width)
            .map(|x| {
                base + waves
                    .iter()
                    .map(|(pace, phase, size)| (x as f32 * pace + phase).sin() * size)
                    .sum::<f32>()
            })
            .collect()
    }

    /// Puts trees, houses, mountains or sails onto a line.
    fn furnish(&self, chance: &mut Chance, tops: &mut [f32], depth: f32) {
        let (wide, high) = (self.width as f32, self.height as f32);
        let ground = tops.to_vec();
        match self.theme {
            Theme::Pines if depth > 0.2 => {
                for _ in 0..(34.0 - 20.0 * depth) as usize {
                    let tall = high * chance.between(0.03, 0.075) * (0.4 + depth);
                    spike(tops, &ground, wide * chance.between(0.0, 1.0), tall, tall * 0.26, 3.0);
                }
            }
            Theme::Peaks if depth < 0.8 => {
                for _ in 0..4 {
                    let tall = high * chance.between(0.06, 0.2) * (1.0 - 0.7 * depth);
                    spike(
                        tops,
                        &ground,
                        wide * chance.between(0.0, 1.0),
                        tall,
                        tall * chance.between(0.7, 1.2),
                        0.0,
                    );
                }
            }
            Theme::Town => {
                for _ in 0..16 {
                    let (middle, half) = (wide * chance.between(0.0, 1.0), wide * chance.between(0.02, 0.05));
                    house(
                        tops,
                        &ground,
                        middle,
                        half,
                        high * chance.between(0.02, 0.14) * (1.0 - 0.55 * depth),
                    );
                }
                let dome = wide * chance.between(0.2, 0.8);
                spike(tops, &ground, dome, high * 0.16 * (1.0 - depth), wide * 0.012, 0.0);
            }
            Theme::Sea if depth > 0.2 && depth < 0.8 => {
                let (middle, tall) = (wide * chance.between(0.12, 0.88), high * 0.07 * (0.6 + depth));
                sail(tops, &ground, middle, tall);
            }
            Theme::Pines | Theme::Peaks | Theme::Sea | Theme::Dunes => {}
        }
    }

    /// Paints one row behind `bytes`.
    pub(super) fn row(&self, y: u32, bytes: &mut Vec<u8>) {
        let line = self.sky(y);
        let v = y as f32;
        let edge_y = (v / self.height as f32 - 0.5).powi(2);
        for (x, sky) in line.into_iter().enumerate() {
            let colour = self.land(x, v, sky);
            let edge_x = (x as f32 / self.width as f32 - 0.5).powi(2);
            let shade = 1.0 - 0.5 * (edge_x + edge_y);
            for part in colour {
                bytes.push((part * shade) as u8);
            }
        }
    }

    fn sky(&self, y: u32) -> Vec<Colour> {
        let v = y as f32;
        let t = (v / (self.height as f32 * 0.62)).min(1.0) * 2.0;
        let [top, middle, low] = self.palette.sky;
        let base = if t < 1.0 { mix(top, middle, t) } else { mix(middle, low, t - 1.0) };
        let mut line = vec![base; self.width as usize];
        for (x, light) in &self.stars[y as usize] {
            line[*x] = mix(base, [255.0; 3], *light);
        }
        self.shine(v, &mut line);
        for cloud in &self.clouds {
            let t = (v - cloud.y) / cloud.half_height;
            let half = cloud.half_width * (1.0 - t * t).max(0.0).sqrt();
            let (from, to) = ((cloud.x - half).max(0.0) as usize, (cloud.x + half).max(0.0) as usize);
            let end = to.min(line.len());
            for colour in &mut line[from.min(end)..end] {
                *colour = mix(*colour, self.palette.disc, cloud.strength * (1.0 - t.abs()).max(0.0).sqrt());
            }
        }
        line
    }

    /// The disc and its glow.
    fn shine(&self, v: f32, line: &mut [Colour]) {
        let (centre_x, centre_y, radius) = self.disc;
        let reach = radius * 3.2;
        let high = v - centre_y;
        if high.abs() > reach {
            return;
        }
        for (x, colour) in line.iter_mut().enumerate() {
            let wide = x as f32 - centre_x;
            let distance = (wide * wide + high * high).sqrt();
            let glow = (1.0 - distance / reach).max(0.0);
            let inside = (radius - distance + 0.5).clamp(0.0, 1.0);
            *colour = mix(*colour, self.palette.disc, (glow * glow * 0.6).max(inside));
        }
    }

    fn land(&self, x: usize, v: f32, sky: Colour) -> Colour {
        let mut colour = sky;
        let front = self.ridges.iter().rposition(|ridge| v >= ridge.tops[x] + 1.0);
        let from = front.unwrap_or(0);
        for (index, ridge) in self.ridges.iter().enumerate().skip(from) {
            let cover = (v - ridge.tops[x]).clamp(0.0, 1.0);
            if cover > 0.0 {
                colour = mix(colour, self.ground(index, x, v), cover);
            }
        }
        colour
    }

    fn ground(&self, index: usize, x: usize, v: f32) -> Colour {
        let ridge = &self.ridges[index];
        let below = v - ridge.tops[x];
        let colour = mix(ridge.upper, ridge.lower, (below / (self.height as f32 * 0.16)).min(1.0) * 0.55);
        match self.theme {
            // Light on the water under the sun.
            Theme::Sea => {
                let spread = self.width as f32 * (0.04 + 0.03 * index as f32);
                let off = (x as f32 - self.disc.0).abs();
                let ripple = (v * 0.8 + (x as f32 * 0.07).sin() * 3.0).sin();
                if off < spread && ripple > 0.2 {
                    mix(colour, self.palette.disc, 0.45 * (1.0 - off / spread))
                } else {
                    colour
                }
            }
            // Some windows are lit.
            Theme::Town if below > 4.0 && (x % 7) > 3 && (v as u32 % 9) > 5 => {
                let lit = scattered(x as u64 / 7, v as u64 / 9).is_multiple_of(8);
                if lit { mix(colour, [255.0, 214.0, 130.0], 0.85) } else { colour }
            }
            _ => colour,
        }
    }
}

/// A number that looks like chance and is the same for the same place.
fn scattered(x: u64, y: u64) -> u64 {
    Chance(x << 32 | y).next()
}

fn mix(from: Colour, to: Colour, t: f32) -> Colour {
    [from[0] + (to[0] - from[0]) * t, from[1] + (to[1] - from[1]) * t, from[2] + (to[2] - from[2]) * t]
}

/// Lifts the line wherever `shape` (by distance from the middle) is higher than it. It stands on the
/// lowest ground under it, so that it never ends in mid-air, and never on another thing.
fn lift(tops: &mut [f32], ground: &[f32], middle: f32, half: f32, shape: impl Fn(f32) -> f32) {
    let from = ((middle - half).max(0.0) as usize).min(tops.len());
    let to = ((middle + half) as usize + 1).min(tops.len());
    let foot = ground[from..to].iter().copied().fold(0.0, f32::max);
    for (x, top) in tops.iter_mut().enumerate().take(to).skip(from) {
        *top = top.min(foot - shape(x as f32 - middle));
    }
}

/// A triangle; with `steps`, the branches of a tree.
fn spike(tops: &mut [f32], ground: &[f32], middle: f32, tall: f32, half: f32, steps: f32) {
    lift(tops, ground, middle, half, |off| {
        let t = 1.0 - off.abs() / half;
        let branches = if steps > 0.0 { (t * steps).fract() * 0.12 } else { 0.0 };
        tall * (t - branches)
    });
}

fn house(tops: &mut [f32], ground: &[f32], middle: f32, half: f32, tall: f32) {
    lift(tops, ground, middle, half, |off| {
        let roof = half * 0.9 * (1.0 - off.abs() / half);
        if off.abs() < half * 0.86 { tall + roof } else { roof }
    });
}

fn sail(tops: &mut [f32], ground: &[f32], middle: f32, tall: f32) {
    lift(tops, ground, middle, tall * 0.5, |off| {
        let hull = if off.abs() < tall * 0.4 { tall * 0.14 } else { 0.0 };
        let (reach, share) = if off > 0.0 { (tall * 0.38, 1.0) } else { (tall * 0.24, 0.8) };
        hull.max(tall * share * (1.0 - off.abs() / reach))
    });
}
