//! Which words the codes of a block use. A control refuses a word that nothing uses, or ignores it.

use super::block::{bit, letters};
use super::codes::{group, m_group};
use super::execute::{AXES, Execution};
use super::fault::*;
use super::lathe::TURNING;
use super::options::Dialect;

impl Execution<'_, '_> {
    /// Every word needs a code that uses it.
    pub(super) fn check_words(&mut self, motion: Option<u16>) -> Checked<()> {
        let unused = self.block.words() & !self.used_words(motion);
        if unused == 0 {
            return Ok(());
        }
        for letter in b'A'..=b'Z' {
            if unused & bit(letter) == 0 {
                continue;
            }
            if self.dialect.is_strict() {
                return Err(Fault::error(
                    UNUSED_WORD,
                    self.block.span(letter),
                    format!("no code of the block uses its {} word", char::from(letter)),
                    "take the word out, or write the code it belongs to",
                ));
            }
            self.report.without_effect(letter, u16::MAX, "no code of its block uses it");
        }
        Ok(())
    }

    fn used_words(&self, motion: Option<u16>) -> u32 {
        let is_ngc = self.dialect == Dialect::Rs274ngc;
        let mut used = letters(b"FST") | self.words_of_motion(motion) | self.words_of_signals();
        let non_modal = self.block.g(group::NON_MODAL);
        if motion.is_some() || non_modal.is_some_and(|code| code != 530) {
            used |= AXES;
        }
        used |= match non_modal {
            Some(40) => letters(b"PXU"),
            Some(100) if is_ngc && matches!(self.block.word(b'L'), Some(2.0 | 20.0)) => letters(b"LPRQ"),
            Some(100) => letters(b"LPRQIJ"),
            Some(120 | 130) => letters(b"IKQDL"),
            Some(280 | 300) if self.dialect.is_fanuc_like() => letters(b"UVW"),
            _ => 0,
        };
        used |= self.words_of_frame();
        used |= match self.block.g(group::LENGTH) {
            Some(431) if is_ngc => AXES,
            Some(490) if is_ngc => 0,
            Some(_) if is_ngc => letters(b"H") | AXES,
            Some(_) => letters(b"HXYZ"),
            None => 0,
        };
        used |= match self.block.g(group::CUTTER) {
            Some(_) if self.dialect.is_fanuc_like() => letters(b"DLP"),
            Some(410 | 411 | 420 | 421) => letters(b"DL"),
            _ => 0,
        };
        used |= if self.block.m(m_group::TOOL) == Some(61) { letters(b"Q") } else { 0 };
        used |= match self.block.g(group::PATH) {
            Some(640) => letters(b"PQ"),
            Some(_) if !is_ngc => letters(b"PQ"),
            _ => 0,
        };
        let takes_p = |code: u16| !is_ngc || !matches!(code, 48 | 49);
        used |= if self.block.m(m_group::OVERRIDE).is_some_and(takes_p) { letters(b"P") } else { 0 };
        used |= if matches!(self.block.m(m_group::STOP), Some(97..=99)) { letters(b"PLQ") } else { 0 };
        used | if self.block.inert().is_empty() { 0 } else { letters(b"PQRE") }
    }

    /// Words of G68, G51, G51.1 and of work offsets with a number.
    fn words_of_frame(&self) -> u32 {
        let mut used = if self.block.g(group::ROTATION) == Some(680) { AXES | letters(b"RIJK") } else { 0 };
        used |= if self.block.g(group::SCALING) == Some(510) { AXES | letters(b"PIJK") } else { 0 };
        used |= if self.block.g(group::MIRROR).is_some() { AXES } else { 0 };
        used | if matches!(self.block.g(group::WORK), Some(541 | 1540)) { letters(b"P") } else { 0 }
    }

    fn words_of_motion(&self, motion: Option<u16>) -> u32 {
        match motion {
            Some(20 | 30) => letters(b"IJKRP"),
            Some(50) => letters(b"IJPQ"),
            Some(51) => letters(b"IJ"),
            Some(52) => letters(b"LP"),
            Some(330 | 331) => letters(b"KI"),
            Some(700..=722) => TURNING,
            Some(760) => letters(b"EHIJKLPQR"),
            Some(code @ (730 | 740 | 810..=890)) if self.dialect == Dialect::Rs274ngc => match code {
                730 | 830 => letters(b"RLQ"),
                740 | 820 | 840 | 860 | 880 | 890 => letters(b"RLP"),
                870 => letters(b"RLIJK"),
                _ => letters(b"RL"),
            },
            Some(730 | 740 | 810..=890) => letters(b"RQPLKIJ"),
            _ => 0,
        }
    }
}
