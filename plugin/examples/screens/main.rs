//! The window without a window: `screens DIR` draws every state of it into PNG files, `screens --cost` says what a frame
//! of it costs. As tests, the same states say their
//! words, and every button, key and drag yields its command.

mod cost;
mod rasteriser;
mod scenes;
mod song;
#[cfg(test)]
mod tests;
mod window;

use rasteriser::{Canvas, Textures};
use scenes::Scene;
use song::Song;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use window::Window;

/// A size of the window, in points, and pixels a point.
struct Shot {
    name: &'static str,
    size: (f32, f32),
    scale: f32,
}

const SHOTS: [Shot; 3] = [
    Shot { name: "", size: (980.0, 620.0), scale: 1.0 },
    Shot { name: "-200", size: (980.0, 620.0), scale: 2.0 },
    Shot { name: "-smallest", size: (760.0, 460.0), scale: 1.0 },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: screens DIR [NAME] | --cost");
        return ExitCode::FAILURE;
    };
    if folder.as_os_str() == "--cost" {
        return match Song::read() {
            Ok(song) => {
                cost::print(&song);
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let only = arguments.next().map(|name| name.to_string_lossy().into_owned());
    match draw(&folder, only.as_deref()) {
        Ok(count) => {
            eprintln!("{count} pictures in {}", folder.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn draw(folder: &Path, only: Option<&str>) -> Result<usize, Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let song = Song::read()?;
    let mut count = 0;
    for scene in scenes::all(&song) {
        if only.is_some_and(|only| !scene.name.contains(only)) {
            continue;
        }
        for shot in &SHOTS {
            let file = folder.join(format!("{}{}.png", scene.name, shot.name));
            picture(&scene, shot, &file)?;
            count += 1;
        }
    }
    Ok(count)
}

fn picture(scene: &Scene, shot: &Shot, file: &Path) -> Result<(), Box<dyn Error>> {
    let mut window = Window::new(scene.view.clone(), shot.size, shot.scale);
    (scene.play)(&mut window);
    let mut textures = Textures::default();
    for delta in window.textures() {
        textures.change(delta);
    }
    let primitives = window.primitives();
    let pixels = |points: f32| (points * shot.scale).round() as usize;
    let mut canvas = Canvas::new(pixels(shot.size.0), pixels(shot.size.1));
    canvas.draw(&primitives, &textures, shot.scale);
    let out = std::io::BufWriter::new(std::fs::File::create(file)?);
    let mut encoder = png::Encoder::new(out, canvas.width as u32, canvas.height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&canvas.rgb())?;
    Ok(())
}
