/** Why a call of the SDK failed, apart from what the server answers (`DomainError` of protocol/errors.ts). */
export type SdkErrorCode =
  /** Another process, or another part of this one, has the device directory open. */
  | 'directory_in_use'
  /** The directory cannot be created or written. */
  | 'directory_unusable'
  /** The passphrase or storage key does not open this directory. */
  | 'wrong_key'
  /** The directory holds another device than the one that was asked for. */
  | 'other_device'
  /** The directory holds no device yet, and what is needed to register one was not given. */
  | 'not_registered'
  /** The device was closed. */
  | 'closed'
  /** No connection, or it broke before the answer came. */
  | 'offline'
  /** The server ended this device's connections for good. */
  | 'stopped'
  /** What the server says about an account's keys or devices does not fit the account's own signature. */
  | 'untrusted_server'
  /** A peer's identity key changed, and sending waits for approval. */
  | 'identity_changed'
  /** Bytes that were kept or received do not open. */
  | 'undecryptable';

/** An expected failure inside the SDK. */
export class SdkError extends Error {
  override readonly name = 'SdkError';
  readonly code: SdkErrorCode;

  constructor(code: SdkErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}
