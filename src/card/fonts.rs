//! The fonts of cards, and reading an SVG with them. Nothing but fonts is ever loaded for one.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use resvg::usvg::fontdb::{Database, FaceInfo, Style};
use resvg::usvg::{FontResolver, ImageHrefResolver, Options, Tree};

use super::Undrawable;
use super::draw::impossible;

/// Latin, Greek and Cyrillic, under the SIL Open Font License.
const OWN: &[u8] = include_bytes!("../../templates/fonts/SourceSerif4-SemiBold.ttf");
/// How heavy it is.
const WEIGHT: u16 = 600;

static ONLY_OWN: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(OWN.to_vec());
    fonts.set_serif_family("Source Serif 4");
    Arc::new(fonts)
});

/// With the machine's fonts behind our own, the nearest in kind first, whatever order the disk has them in.
static ALL: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut found = Database::new();
    found.load_system_fonts();
    let mut faces: Vec<FaceInfo> = found.faces().cloned().collect();
    faces.sort_by_cached_key(|face| {
        let other = (face.monospaced, face.style != Style::Normal);
        (
            other,
            face.weight.0.abs_diff(WEIGHT),
            face.post_script_name.clone(),
        )
    });
    let mut all = (**ONLY_OWN).clone();
    for face in faces {
        all.push_face_info(face);
    }
    Arc::new(all)
});

/// Reads an SVG, its letters laid out.
pub fn read(svg: &str) -> Result<Tree, Undrawable> {
    let (tree, missing) = with(svg, &ONLY_OWN)?;
    if missing.is_none() {
        return Ok(tree);
    }
    match with(svg, &ALL)? {
        (tree, None) => Ok(tree),
        (_, Some(letter)) => Err(Undrawable {
            message: format!(
                "no font on this machine has `{letter}` (U+{:04X}) for the card",
                u32::from(letter)
            ),
            help: "install a font for these letters (like fonts-noto), or use an image instead",
        }),
    }
}

/// With these fonts, and the first letter that none of them has.
fn with(svg: &str, fonts: &Arc<Database>) -> Result<(Tree, Option<char>), Undrawable> {
    let missing = Mutex::new(None);
    let another = FontResolver::default_fallback_selector();
    let tree = {
        let missing = &missing;
        let options = Options {
            resources_dir: None,
            image_href_resolver: ImageHrefResolver {
                resolve_data: Box::new(|_, _, _| None),
                resolve_string: Box::new(|_, _| None),
            },
            font_resolver: FontResolver {
                select_font: FontResolver::default_font_selector(),
                select_fallback: Box::new(move |letter, used, fonts| {
                    let found = another(letter, used, fonts);
                    if found.is_none() {
                        missing
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert(letter);
                    }
                    found
                }),
            },
            fontdb: Arc::clone(fonts),
            ..Options::default()
        };
        Tree::from_str(svg, &options).map_err(|_| impossible())?
    };
    let missing = missing.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((tree, missing))
}
