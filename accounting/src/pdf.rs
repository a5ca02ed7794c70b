//! The accounting as a letter: who, of whom, for which days, and a table of the disclosures, on as many pages as it takes.
//!
//! The typeface is `DejaVu Sans`, which has Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and Arabic letters. What it lacks is shown as boxes, and the letter says so.

use krilla::Document;
use krilla::geom::Point;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::text::{Font, TextDirection};
use ttf_parser::Face;

use crate::write::NotWritten;
use crate::{Accounting, Entry};

/// US letter, in points.
const WIDTH: f32 = 612.0;
const HEIGHT: f32 = 792.0;
const MARGIN: f32 = 54.0;
/// Where the text of a page ends; below is its number.
const BOTTOM: f32 = HEIGHT - MARGIN - 18.0;
const BODY: f32 = 9.0;
const LEADING: f32 = 12.5;
/// Where each column begins and how wide it is.
const COLUMNS: [(&str, f32, f32); 4] = [("Date", 54.0, 62.0), ("Disclosed to", 122.0, 136.0), ("What was disclosed", 264.0, 158.0), ("Purpose", 428.0, 130.0)];

const EXPLANATION: &str = "These are the disclosures that 45 CFR 164.528 has an individual told of. Disclosures for treatment, payment and health care operations, \
    to the patient, and under the patient's authorization are not part of it. Dates are in UTC.";
const LACKING: &str = "Characters that the typeface of this letter lacks are shown as boxes. The same accounting as CSV or JSON has them.";

#[derive(Clone, Copy, PartialEq)]
enum Weight {
    Regular,
    Bold,
}

/// A line of text at its place.
struct Run {
    x: f32,
    y: f32,
    weight: Weight,
    size: f32,
    text: String,
}

/// The pages as they fill.
struct Layout<'font> {
    face: &'font Face<'static>,
    pages: Vec<Vec<Run>>,
    y: f32,
}

/// The letter.
pub(crate) fn letter(accounting: &Accounting) -> Result<Vec<u8>, NotWritten> {
    let face = Face::parse(dejavu::sans::regular(), 0).map_err(|_| NotWritten("PDF"))?;
    let mut layout = Layout { face: &face, pages: vec![Vec::new()], y: MARGIN };
    layout.head(accounting);
    layout.table(accounting);
    draw(layout.pages)
}

impl Layout<'_> {
    fn head(&mut self, accounting: &Accounting) {
        self.y += 14.0;
        self.line(Weight::Bold, 16.0, "Accounting of disclosures");
        self.y += 8.0;
        let from = if accounting.organizations.is_empty() { accounting.tenant.to_string() } else { accounting.organizations.join(", ") };
        let name = accounting.name.as_deref().unwrap_or("name not known");
        let period = accounting.period;
        self.paragraph(&format!("From: {from}"));
        self.paragraph(&format!("Patient: {name}"));
        self.paragraph(&format!("Record: {}", accounting.patient));
        self.paragraph(&format!("Period: {} to {}", period.from, period.to));
        self.paragraph(&format!("Made: {}", accounting.made.format("%Y-%m-%d %H:%M UTC")));
        self.y += 6.0;
        self.paragraph(EXPLANATION);
        if self.lacks_something(accounting) {
            self.paragraph(LACKING);
        }
        self.y += 8.0;
    }

    fn table(&mut self, accounting: &Accounting) {
        if accounting.disclosures.is_empty() {
            self.paragraph("Nothing was disclosed in this period that is to be accounted for.");
            return;
        }
        self.columns();
        for entry in &accounting.disclosures {
            self.entry(entry);
        }
        self.paragraph(&format!("{} in all.", accounting.disclosures.len()));
    }

    /// What the columns are called.
    fn columns(&mut self) {
        for (title, x, _) in COLUMNS {
            self.run(x, Weight::Bold, BODY, title.to_owned());
        }
        self.y += LEADING + 3.0;
    }

    fn entry(&mut self, entry: &Entry) {
        let recipient = [Some(entry.recipient.clone()), entry.address_line()].into_iter().flatten().collect::<Vec<_>>().join("\n");
        let cells = [entry.made_at.format("%Y-%m-%d %H:%M").to_string(), recipient, entry.what.clone(), entry.purpose.clone()];
        let columns: Vec<Vec<String>> = cells.iter().zip(COLUMNS).map(|(cell, (_, _, width))| self.wrap(cell, width)).collect();
        let lines = columns.iter().map(Vec::len).max().unwrap_or_default();
        // Together on one page, unless no page holds it.
        let height = LEADING * f32::from(u16::try_from(lines).unwrap_or(u16::MAX));
        if self.y + height > BOTTOM && height < BOTTOM - MARGIN - 2.0 * LEADING {
            self.turn();
        }
        for line in 0..lines {
            if self.y > BOTTOM {
                self.turn();
            }
            for (column, (_, x, _)) in columns.iter().zip(COLUMNS) {
                if let Some(text) = column.get(line) {
                    self.run(x, Weight::Regular, BODY, text.clone());
                }
            }
            self.y += LEADING;
        }
        self.y += 5.0;
    }

    /// A new page, with the columns' titles again.
    fn turn(&mut self) {
        self.pages.push(Vec::new());
        self.y = MARGIN + LEADING;
        self.columns();
    }

    fn paragraph(&mut self, text: &str) {
        for line in self.wrap(text, WIDTH - 2.0 * MARGIN) {
            if self.y > BOTTOM {
                self.pages.push(Vec::new());
                self.y = MARGIN + LEADING;
            }
            self.line(Weight::Regular, BODY, &line);
        }
    }

    fn line(&mut self, weight: Weight, size: f32, text: &str) {
        self.run(MARGIN, weight, size, text.to_owned());
        self.y += size + 3.5;
    }

    fn run(&mut self, x: f32, weight: Weight, size: f32, text: String) {
        let run = Run { x, y: self.y, weight, size, text };
        if let Some(page) = self.pages.last_mut() {
            page.push(run);
        }
    }

    /// The text in lines that are no wider than this; a word that is wider is broken.
    fn wrap(&self, text: &str, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        for paragraph in text.lines() {
            let mut line = String::new();
            for word in paragraph.split_whitespace() {
                let space = if line.is_empty() { "" } else { " " };
                if self.width(&line) + self.width(space) + self.width(word) <= width {
                    line = line + space + word;
                    continue;
                }
                if !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                for character in word.chars() {
                    if !line.is_empty() && self.width(&line) + self.advance(character) > width {
                        lines.push(std::mem::take(&mut line));
                    }
                    line.push(character);
                }
            }
            lines.push(line);
        }
        lines
    }

    fn width(&self, text: &str) -> f32 {
        text.chars().map(|character| self.advance(character)).sum()
    }

    /// How wide a character is at the body's size; that of a missing one is the box's.
    fn advance(&self, character: char) -> f32 {
        let glyph = self.face.glyph_index(character).unwrap_or_default();
        let units = self.face.glyph_hor_advance(glyph).unwrap_or_default();
        f32::from(units) / f32::from(self.face.units_per_em()) * BODY
    }

    fn lacks_something(&self, accounting: &Accounting) -> bool {
        let texts = accounting
            .disclosures
            .iter()
            .flat_map(|entry| [Some(entry.recipient.clone()), entry.address_line(), Some(entry.what.clone()), Some(entry.purpose.clone())]);
        let heads = accounting.name.iter().chain(&accounting.organizations).cloned();
        let lacks = |text: &String| text.chars().any(|character| !character.is_whitespace() && self.face.glyph_index(character).is_none());
        texts.flatten().chain(heads).any(|text| lacks(&text))
    }
}

fn draw(pages: Vec<Vec<Run>>) -> Result<Vec<u8>, NotWritten> {
    let font = |data: &'static [u8]| Font::new(data.into(), 0).ok_or(NotWritten("PDF"));
    let (regular, bold) = (font(dejavu::sans::regular())?, font(dejavu::sans::bold())?);
    let mut document = Document::new();
    document.set_metadata(Metadata::new().title("Accounting of disclosures".to_owned()).language("en".to_owned()));
    let count = pages.len();
    for (index, mut runs) in pages.into_iter().enumerate() {
        runs.push(Run { x: MARGIN, y: HEIGHT - MARGIN, weight: Weight::Regular, size: 8.0, text: format!("Page {} of {count}", index + 1) });
        let mut page = document.start_page_with(PageSettings::from_wh(WIDTH, HEIGHT).ok_or(NotWritten("PDF"))?);
        let mut surface = page.surface();
        for Run { x, y, weight, size, text } in runs {
            let font = if weight == Weight::Bold { bold.clone() } else { regular.clone() };
            surface.draw_text(Point::from_xy(x, y), font, size, &text, false, TextDirection::Auto);
        }
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|_| NotWritten("PDF"))
}

#[cfg(test)]
mod tests {
    use crate::Format;
    use crate::write::tests::{accounting, entry};

    /// What a reader of the letter finds, page by page, without line breaks.
    fn read(pdf: &[u8]) -> Vec<String> {
        let pages = pdf_extract::extract_text_from_mem_by_pages(pdf).unwrap();
        pages.into_iter().map(|page| page.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn each_disclosure_is_in_the_letter_with_its_names_and_every_page_is_numbered() {
        let recipients: Vec<String> = (0..60).map(|number| format!("Recipient{number}")).collect();
        let entries = recipients.iter().map(|recipient| entry(recipient, "A positive test, with name and telephone number", "Measles are to be reported"));
        let pages = read(&accounting("Zoë Łukasiewicz", entries.collect()).write(Format::Pdf).unwrap());
        assert!(pages.len() > 2);
        for word in ["Élan Health", "Zoë Łukasiewicz", "2021-01-01 to 2026-12-31", "1 Main St, Chicago", "2026-03-02"] {
            assert!(pages[0].contains(word), "{word}: {}", pages[0]);
        }
        assert!(!pages[0].contains("boxes"));
        let mut last = (0, 0);
        for recipient in &recipients {
            let found: Vec<(usize, usize)> =
                pages.iter().enumerate().filter_map(|(page, text)| text.find(&format!("{recipient} ")).map(|place| (page, place))).collect();
            let [place] = found[..] else { panic!("{recipient} is there once: {found:?}") };
            assert!(place > last, "{recipient} is in its order");
            last = place;
        }
        for (index, page) in pages.iter().enumerate() {
            assert!(page.contains(&format!("Page {} of {}", index + 1, pages.len())));
            assert!(page.contains("Disclosed to"), "each page says what its columns are");
        }
    }

    #[test]
    fn other_alphabets_are_written_and_what_cannot_be_is_said() {
        let pages = read(&accounting("Αγνή Παπαδοπούλου", vec![entry("Ольга Иванова", "x", "y")]).write(Format::Pdf).unwrap());
        assert!(pages[0].contains("Αγνή Παπαδοπούλου") && pages[0].contains("Ольга Иванова") && !pages[0].contains("boxes"), "{}", pages[0]);
        assert!(read(&accounting("李明", vec![]).write(Format::Pdf).unwrap())[0].contains("shown as boxes"));
        assert!(accounting("مريم", vec![entry("דנה", &"x".repeat(2000), "y\n\n\tz")]).write(Format::Pdf).is_ok());
        let nothing = read(&accounting("Ada", vec![]).write(Format::Pdf).unwrap());
        assert!(nothing[0].contains("Nothing was disclosed"));
    }
}
