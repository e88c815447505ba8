/** Control characters of others do not reach the terminal, nor do those that turn the direction of what follows (Unicode UAX #9). */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ').replaceAll(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
}
