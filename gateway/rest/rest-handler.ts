import type { DeviceAddress } from '../../protocol/ids.js';
import type { restCalls, RestInput, RestOperation, RestOutput } from '../../protocol/rest/contract.js';

export interface RestRequest<Operation extends RestOperation> extends RestInput<Operation> {
  /** The device that asks; a call that is open to all has none. */
  readonly caller: (typeof restCalls)[Operation] extends { readonly open: true } ? undefined : DeviceAddress;
  /** The address that limits count by: of the peer's socket, or what a trusted proxy says (network-of.ts). */
  readonly remoteAddress: string;
  /** The header. A call that the contract does not call `guarded` passes it over. */
  readonly ifMatch: string | undefined;
}

/** Throws DomainError. */
export type RestHandler<Operation extends RestOperation> = (request: RestRequest<Operation>) => Promise<RestOutput<Operation>>;

export type RestHandlers<Operation extends RestOperation = RestOperation> = { readonly [Name in Operation]: RestHandler<Name> };
