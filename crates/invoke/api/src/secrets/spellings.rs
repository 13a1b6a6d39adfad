//! The spellings of a secret, and the escapes that a text is decoded from.

use base64::{
    Engine,
    alphabet::{Alphabet, STANDARD, URL_SAFE},
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};

/// What is shorter is found in anything, and is no secret.
const MIN_LENGTH: usize = 8;

/// How often a text is decoded: a JSON text inside a JSON text inside an address.
pub(super) const ROUNDS: usize = 3;

/// Everything that is looked for to find one value.
pub(super) fn spellings(value: Vec<u8>) -> Vec<Vec<u8>> {
    if value.len() < MIN_LENGTH {
        return Vec::new();
    }
    let mut spellings = Vec::new();
    for alphabet in [&STANDARD, &URL_SAFE] {
        spellings.extend((0..3).map(|offset| in_base64(alphabet, offset, &value)));
    }
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    spellings.push(hex.to_uppercase().into_bytes());
    spellings.push(hex.into_bytes());
    // A secret may itself hold what looks like an escape: it is decoded along with the text around it.
    let mut decoded = value;
    for _ in 0..=ROUNDS {
        spellings.push(decoded.clone());
        decoded = decode(&decoded);
    }
    spellings.retain(|spelling| spelling.len() >= MIN_LENGTH);
    spellings
}

/// The characters that stand for the value alone where it begins so many bytes behind a group of three.
fn in_base64(alphabet: &Alphabet, offset: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; offset];
    bytes.extend_from_slice(value);
    let encoded = GeneralPurpose::new(alphabet, NO_PAD)
        .encode(&bytes)
        .into_bytes();
    encoded[(8 * offset).div_ceil(6)..8 * bytes.len() / 6].to_vec()
}

/// A text with every escape replaced by what it stands for, once.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest
        .iter()
        .position(|byte| matches!(byte, b'\\' | b'%' | b'&'))
    {
        decoded.extend_from_slice(&rest[..start]);
        rest = &rest[start..];
        let length = escape(rest, &mut decoded).unwrap_or_else(|| {
            decoded.push(rest[0]);
            1
        });
        rest = &rest[length..];
    }
    decoded.extend_from_slice(rest);
    decoded
}

/// Appends what the escape at the beginning stands for. How long it is; none, if it is none.
fn escape(text: &[u8], decoded: &mut Vec<u8>) -> Option<usize> {
    match text {
        [b'%', digits @ ..] => {
            decoded.push(u8::try_from(hexadecimal(digits.get(..2)?)?).ok()?);
            Some(3)
        }
        [b'\\', b'x', digits @ ..] => {
            decoded.push(u8::try_from(hexadecimal(digits.get(..2)?)?).ok()?);
            Some(4)
        }
        [b'\\', b'u', b'{', ..] => {
            let end = text.iter().take(12).position(|byte| *byte == b'}')?;
            push(decoded, hexadecimal(&text[3..end])?)?;
            Some(end + 1)
        }
        [b'\\', b'u', digits @ ..] => {
            let unit = hexadecimal(digits.get(..4)?)?;
            let low = (0xd800..0xdc00)
                .contains(&unit)
                .then(|| low_surrogate(&digits[4..]))
                .flatten();
            match low {
                Some(low) => {
                    push(decoded, 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?;
                    Some(12)
                }
                None => {
                    push(decoded, unit)?;
                    Some(6)
                }
            }
        }
        [b'\\', letter @ (b'n' | b'r' | b't' | b'b' | b'f'), ..] => {
            decoded.push(if matches!(letter, b'n' | b'r') {
                b'\n'
            } else {
                b' '
            });
            Some(2)
        }
        [b'\\', mark, ..] if mark.is_ascii_punctuation() => {
            decoded.push(*mark);
            Some(2)
        }
        [b'&', ..] => {
            let end = text.iter().take(16).position(|byte| *byte == b';')?;
            push(decoded, entity(&text[1..end])?)?;
            Some(end + 1)
        }
        _ => None,
    }
}

fn low_surrogate(text: &[u8]) -> Option<u32> {
    let unit = hexadecimal(text.strip_prefix(b"\\u")?.get(..4)?)?;
    (0xdc00..0xe000).contains(&unit).then_some(unit)
}

/// The characters of tokens and addresses; others need no name.
fn entity(name: &[u8]) -> Option<u32> {
    if let [b'#', b'x' | b'X', digits @ ..] = name {
        return hexadecimal(digits);
    }
    if let [b'#', digits @ ..] = name {
        return std::str::from_utf8(digits).ok()?.parse().ok();
    }
    let character = match name {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        b"sol" => '/',
        b"bsol" => '\\',
        b"plus" => '+',
        b"equals" => '=',
        b"period" => '.',
        b"lowbar" | b"UnderBar" => '_',
        b"hyphen" | b"dash" => '-',
        b"colon" => ':',
        b"num" => '#',
        b"percnt" => '%',
        b"dollar" => '$',
        b"commat" => '@',
        b"ast" => '*',
        b"excl" => '!',
        b"quest" => '?',
        _ => return None,
    };
    Some(character.into())
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    u32::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| is_number)?, 16).ok()
}

fn push(decoded: &mut Vec<u8>, code: u32) -> Option<()> {
    let character = char::from_u32(code)?;
    decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Some(())
}
