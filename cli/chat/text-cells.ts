import { stripVTControlCharacters } from 'node:util';

const graphemes = new Intl.Segmenter();
/** East Asian wide and fullwidth forms (Unicode UAX #11), and what is shown as an emoji. */
const wide =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;

/** Columns that a text takes on a terminal; escape sequences take none. */
export function textCells(text: string): number {
  let cells = 0;
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text))) cells += wide.test(segment) ? 2 : 1;
  return cells;
}
