export interface CloseMeaning {
  readonly code: number;
  readonly meaning: string;
  /** What a client does next. 4000-4099: come back; 4500-4599: do not. */
  readonly client: string;
}

const backoff = 'reconnect with backoff, or at the slot that a `reconnect` frame gave';
const stop = 'do not reconnect';

/** Why the server closes a socket. Codes are contract. */
export const closeCodes = {
  goingAway: { code: 4000, meaning: 'the gateway is going away', client: backoff },
  tokenExpired: { code: 4001, meaning: 'the token expired', client: 'get a new token, then reconnect' },
  helloTimeout: { code: 4002, meaning: 'no hello in time', client: backoff },
  heartbeatMissed: { code: 4003, meaning: 'a heartbeat was missed', client: backoff },
  overloaded: { code: 4004, meaning: 'the gateway is overloaded', client: backoff },
  slowConsumer: { code: 4005, meaning: 'the client reads too slowly', client: backoff },
  internal: { code: 4006, meaning: 'the gateway gave this session up', client: backoff },
  badFrame: { code: 4500, meaning: 'a frame could not be understood', client: stop },
  unauthenticated: { code: 4501, meaning: 'the token is not valid', client: stop },
  displaced: {
    code: 4502,
    meaning: 'a higher connection of this device took over',
    client: 'do not reconnect, unless this was the newest connection: then with backoff',
  },
  deviceUnlinked: { code: 4503, meaning: 'the device was unlinked', client: stop },
  accountErased: { code: 4504, meaning: 'the account was erased', client: stop },
  protocolVersion: { code: 4505, meaning: 'the subprotocol is not spoken here', client: stop },
  originRefused: { code: 4506, meaning: 'the Origin is not allowed', client: stop },
  tooLarge: { code: 4507, meaning: 'a frame was too large', client: stop },
  abuse: { code: 4508, meaning: 'too many bad requests', client: stop },
} as const satisfies Record<string, CloseMeaning>;

export type CloseReason = keyof typeof closeCodes;
