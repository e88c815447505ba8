import { ErrorCode } from '@signalapp/libsignal-client';

/**
 * Why libsignal refused. Only some of its errors carry a code; the others are told apart by their text, which tests/unit/sdk-signal-errors pins.
 * `instanceof` is not used: two copies of the package (as under a test runner) have two classes.
 */
export type SignalFailure =
  /** This message was opened before, or a newer one used up its key. */
  | 'duplicate'
  /** The identity key is not the trusted one. */
  | 'untrusted_identity'
  /** There is no session with that device, or none that opens the message. */
  | 'no_session'
  /** The message names a prekey that is not here (any more). */
  | 'unknown_prekey'
  /** The same first message came again. */
  | 'replayed'
  /** Malformed, of another version, or a wrong authentication code. */
  | 'invalid_message';

interface ErrorOfSignal {
  readonly message: string;
  readonly code: ErrorCode;
  readonly operation: string;
}

const failuresByCode: Partial<Record<ErrorCode, SignalFailure>> = {
  [ErrorCode.DuplicatedMessage]: 'duplicate',
  [ErrorCode.UntrustedIdentity]: 'untrusted_identity',
  [ErrorCode.InvalidSession]: 'no_session',
};

/** `undefined`: not an error of the protocol, so a fault of ours or of the machine. */
export function signalFailureOf(error: unknown): SignalFailure | undefined {
  if (!isErrorOfSignal(error)) return undefined;
  return failuresByCode[error.code] ?? failureByText(error.message);
}

function failureByText(text: string): SignalFailure | undefined {
  if (text.includes(PrekeyUnknownError.name)) return 'unknown_prekey';
  if (text.includes(PrekeyReplayedError.name)) return 'replayed';
  if (text.startsWith('error in method call')) return undefined;
  return /^session with \S+ not found|^no current session/.test(text) ? 'no_session' : 'invalid_message';
}

/** Thrown by our prekey stores into libsignal, which hands back its name inside another text. */
export class PrekeyUnknownError extends Error {
  override readonly name = 'PrekeyUnknownError';
}

export class PrekeyReplayedError extends Error {
  override readonly name = 'PrekeyReplayedError';
}

function isErrorOfSignal(error: unknown): error is ErrorOfSignal {
  if (typeof error !== 'object' || error === null) return false;
  const { code, operation, message } = error as Partial<Record<keyof ErrorOfSignal, unknown>>;
  return typeof code === 'number' && typeof operation === 'string' && typeof message === 'string';
}
