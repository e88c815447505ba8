/**
 * Where a device stands with its server.
 * connecting -> draining (what was queued while it was away comes) -> online; offline between tries, or for good when `final`.
 */
export type ConnectionStatus =
  | { readonly state: 'connecting' }
  | { readonly state: 'draining' }
  | { readonly state: 'online' }
  | {
      readonly state: 'offline';
      /** In words, for people. */
      readonly reason: string;
      /** When the next try begins. */
      readonly retryInMs?: number | undefined;
      /** There will be no next try. */
      readonly final: boolean;
    };
