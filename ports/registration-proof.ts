import type { AccountId } from '../protocol/ids.js';

/** Who wants an account, and what they bring to show that they may have it. */
export interface Registrant {
  readonly accountId: AccountId;
  readonly handle: string;
  /** Whatever the verifier understands: a signed permit, a code, an attestation. */
  readonly proof: string | undefined;
}

/** Decides who may register: a phone number, an invitation or a login is proven elsewhere. */
export interface RegistrationProof {
  /** Resolves if they may. Throws DomainError `forbidden`, and `unavailable` when it cannot be told now. */
  check(registrant: Registrant): Promise<void>;
}
