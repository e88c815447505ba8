/** What a client of the reference relay sends. `ack` is cumulative, as in Heliograph. */
export type RelayClientFrame =
  | { readonly type: 'hello'; readonly accountId: string; readonly peerId: string }
  | { readonly type: 'send'; readonly id: number; readonly messageId: string; readonly body: string }
  | { readonly type: 'ack'; readonly seq: number };

/** What the reference relay sends. */
export type RelayFrame =
  | { readonly type: 'welcome' }
  | { readonly type: 'accepted'; readonly id: number; readonly messageId: string; readonly position: number; readonly acceptedAtMs: number }
  | { readonly type: 'deliver'; readonly seq: number; readonly messageId: string; readonly sender: string; readonly body: string }
  | { readonly type: 'receipts'; readonly accountId: string; readonly deliveredPosition: number };
