import { SdkError } from '../sdk-error.js';

const unitBytes = 160;
const marker = 0x80;

/** Up to the next multiple of 160 bytes: 0x80, then zeros. The size of a body so tells little about its text. */
export function pad(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((bytes.byteLength + 1) / unitBytes) * unitBytes);
  padded.set(bytes);
  padded[bytes.byteLength] = marker;
  return padded;
}

/** Throws SdkError `undecryptable`. */
export function unpad(padded: Uint8Array): Uint8Array {
  let end = padded.byteLength - 1;
  while (end >= 0 && padded[end] === 0) end -= 1;
  if (padded.byteLength % unitBytes !== 0 || padded[end] !== marker) throw new SdkError('undecryptable', 'a body is padded wrongly');
  return padded.subarray(0, end);
}
